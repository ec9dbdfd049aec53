"""Whether an account may do what it asks for; what it may not is written down."""

from __future__ import annotations

from gateway.core.accounts.rights import Right, may
from gateway.errors import BadInput, NotAllowed
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.office import Office
from gateway.model.account import Viewer
from gateway.store import user_accounts


def has_accounts(office: Office) -> bool:
    """Whether people prove who they are at this site; before the first account they sign as they say."""
    with office.store.read() as tx:
        return user_accounts.any_there(tx)


def told_from_outside(office: Office, name: str) -> str:
    """A name that an association's own system signs with: it vouches for its people, not for accounts of ours. Raises
    BadInput("not_valid") for the name of an account."""
    with office.store.read() as tx:
        if user_accounts.those_there(tx, [name.strip()]):
            raise BadInput("not_valid", "经办人不能写成网关账号 (by: not the name of an account of the gateway)")
    return name


def demand(office: Office, viewer: Viewer, right: Right, *, page: str) -> None:
    """Raises NotAllowed, and writes it down, where none of the viewer's roles has this right."""
    if not may(viewer, right):
        refuse(office, viewer, right, page=page)


def demand_association(office: Office, viewer: Viewer, association: str, *, page: str) -> None:
    """Raises NotAllowed, and writes it down, where nothing of this association is the viewer's to see."""
    if not viewer.scope.covers_association(association):
        refuse(office, viewer, "scope", page=page)


def refuse(office: Office, viewer: Viewer, subject: str, *, page: str) -> None:
    """Write down what was refused. Raises NotAllowed."""
    note_alone(office, AuditNote(account=viewer.account, act="refused", subject=subject, page=page))
    raise NotAllowed
