"""Two persons (双人): one proposes or asks, another confirms. The one place where it is said who may be the second.

At a site with accounts the second must be another account, which proved itself; a proposal signed with a name that is
no account's was proven by nobody here, and counts only for names of the same kind, which an association vouches for
over its own API.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from gateway.core.accounts.rights import Right
from gateway.core.reviewing import same_clerk
from gateway.errors import BadInput, WrongUse
from gateway.flow.accounts.proving import demand
from gateway.flow.accounts.trail import AuditNote, note
from gateway.flow.office import Office
from gateway.model.account import EVERYTHING, AccountScope, Viewer
from gateway.store import two_person_acts, user_accounts
from gateway.store.engine import Tx
from gateway.store.two_person_acts import TwoPersonAct
from gateway.store.values import to_ms

GOOD_FOR: Final = timedelta(days=1)
"""For so long an act that was asked for may be confirmed, and one that was confirmed be done."""


def propose(tx: Tx, office: Office, subject: str, *, by: str) -> None:
    """Write down that one person proposes something; `subject` by code and number."""
    note(tx, office, AuditNote(account=by, act="second_asked", subject=subject))


def confirms(tx: Tx, office: Office, subject: str, *, first: str, second: str) -> bool:
    """Whether the second may confirm what the first proposed; written down if so. False where the proposal was proven
    by nobody: then it is the second who proposes. Raises BadInput("second_person") for one person twice."""
    if same_clerk(first, second):
        raise BadInput("second_person", "须由另一人确认 (another person must confirm)")
    if user_accounts.any_there(tx):
        accounts = user_accounts.those_there(tx, [first, second])
        if (first in accounts) is not (second in accounts):
            return False
    note(tx, office, AuditNote(account=second, act="second_confirmed", subject=subject))
    return True


def ask_or_take(office: Office, kind: str, subject: str, content: bytes, *, by: str) -> None:
    """What needs two persons and has no proposals of its own, such as an export: returns where another person has
    confirmed exactly this for this account, which may do it once. Else it is asked for, and BadInput("second_person")
    says so. `content`: all that is asked for, as bytes."""
    digest, now = office.vault.digest_content(content), to_ms(office.now())
    oldest = to_ms(office.now() - GOOD_FOR)
    with office.store.write() as tx:
        act = two_person_acts.of_subject(tx, kind, subject)
        alike = act is not None and act.digest == digest and act.asked_by == by
        if act is not None and alike and act.state == "confirmed" and (act.ended_at or 0) > oldest:
            two_person_acts.end(tx, act.act_id, state="done", by=act.ended_by or by, at=now)
            return
        if act is None or not alike or act.asked_at <= oldest:
            if act is not None:
                two_person_acts.end(tx, act.act_id, state="lapsed", by=by, at=now)
            act_id = two_person_acts.add(tx, kind, subject, digest, by=by, at=now)
            propose(tx, office, f"{kind} {act_id}", by=by)
        else:
            act_id = act.act_id
    raise BadInput(
        "second_person",
        f"已提请，第{act_id}号：另一人在“双人确认”页，或以 hubao second confirm {act_id} 确认之后再做一次"
        " (another person must confirm first)",
    )


def answer_act(office: Office, act_id: int, *, confirmed: bool, by: Viewer, page: str) -> TwoPersonAct:
    """Another account says yes or no to what was asked for. Raises WrongUse, NotAllowed, BadInput("second_person")."""
    demand(office, by, Right.EXPORT_SECOND, page=page)
    now = office.now()
    with office.store.write() as tx:
        act = two_person_acts.by_id(tx, act_id)
        is_open = act is not None and act.state == "open" and act.asked_at > to_ms(now - GOOD_FOR)
        if act is None or not is_open or not _covers(by.scope, act):
            raise WrongUse("没有这样待确认的双人操作，或已过一天 (nothing of this number waits, or it is a day old)")
        subject = f"{act.kind} {act_id}"
        if confirmed and not confirms(tx, office, subject, first=act.asked_by, second=by.account):
            raise WrongUse("提请人不是账号，请重新提请 (who asked is no account: ask anew)")
        if not confirmed:
            note(tx, office, AuditNote(account=by.account, act="second_refused", subject=subject, page=page))
        state = "confirmed" if confirmed else "refused"
        two_person_acts.end(tx, act_id, state=state, by=by.account, at=to_ms(now))
    return msgspec.structs.replace(act, state=state, ended_by=by.account, ended_at=to_ms(now))


def waiting_acts(office: Office, scope: AccountScope = EVERYTHING) -> list[TwoPersonAct]:
    """What waits for a second person, oldest first; of the associations of a scope."""
    with office.store.read() as tx:
        acts = two_person_acts.waiting(tx, since=to_ms(office.now() - GOOD_FOR))
    return [act for act in acts if _covers(scope, act)]


def _covers(scope: AccountScope, act: TwoPersonAct) -> bool:
    """Whether an act is about an association of this scope: its subject names what, and of which."""
    return scope.covers_association(act.subject.partition(" ")[2])
