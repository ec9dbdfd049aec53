"""Whether an account may do what it asks for; what it may not is written down."""

from __future__ import annotations

from gateway.core.accounts.rights import Right, may
from gateway.errors import NotAllowed
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.office import Office
from gateway.model.account import Viewer
from gateway.store import user_accounts


def has_accounts(office: Office) -> bool:
    """Whether people prove who they are at this site; before the first account they sign as they say."""
    with office.store.read() as tx:
        return user_accounts.any_there(tx)


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
