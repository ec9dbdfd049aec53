"""After a database was put back from a copy: what may have happened since the copy is not known, and nothing is done a
second time for it.

Deliveries that waited are asked about before they are sent. No claim version that may have been used is used again, and
no number of the list that associations fetch from. Who was logged in is logged in no more. Until a person has checked
what the copy cannot know (pushes and files taken in since, decisions and payments told since, keys and accounts that
were locked), that is a finding, and no payment list is made.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.core.signing import clerk
from gateway.errors import Conflict, WrongUse
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.store import publications, restores, runs, user_sessions
from gateway.store.engine import Store, Tx
from gateway.store.restores import Restored
from gateway.store.values import from_ms, to_ms

RESTORED: Final = "restored"
_VERSIONS_APART: Final = 1000
"""More versions than any claim got between a copy and its use."""
_NUMBERS_APART: Final = 10_000_000
"""More claims than any association fetched in between."""


class RestoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy that was put back did not know: the span, the deliveries that are asked about first, and the first
    version of a claim from now on."""

    copied_at: datetime
    restored_at: datetime
    deliveries: int
    first_version: int


def first_version(store: Store) -> int:
    """The first version a claim may have from now on."""
    with store.read() as tx:
        state = restores.restored(tx)
    return state.first_version if state is not None else 1


def begin_after_restore(office: Office, *, copied_at: datetime, by: str) -> RestoreReport:
    """Once, in a database just put back, before anything else is done with it."""
    name, now = clerk(by), office.now()
    with office.store.write() as tx:
        before = restores.restored(tx)
        highest = max(restores.highest_version(tx), before.first_version if before is not None else 1)
        state = Restored(
            copied_at=to_ms(copied_at),
            restored_at=to_ms(now),
            restored_by=name,
            checked_at=None,
            first_version=(highest // _VERSIONS_APART + 1) * _VERSIONS_APART + 1,
        )
        restores.note_restored(tx, state)
        in_doubt = restores.doubt_all(tx, now=now)
        publications.skip(tx, sorted(office.associations), many=_NUMBERS_APART)
        runs.let_all_go(tx)
        user_sessions.end_all(tx)
        detail = f"副本 {copied_at:%Y-%m-%d %H:%M}，恢复 {now:%Y-%m-%d %H:%M}，{in_doubt}件送达先问再送"
        trouble = Trouble(code=RESTORED, kind="database", name="database", count=in_doubt, detail=detail)
        raise_(tx, trouble, now=now)
    return RestoreReport(copied_at=copied_at, restored_at=now, deliveries=in_doubt, first_version=state.first_version)


def confirm_checked(office: Office, *, by: str) -> None:
    """A person has checked what the copy could not know. Raises WrongUse where nothing was put back."""
    clerk(by)
    with office.store.write() as tx:
        if restores.restored(tx) is None:
            raise WrongUse("这个数据库没有从备份恢复过 (this database was never put back from a copy)")
        restores.note_checked(tx, now=office.now())
        close(tx, RESTORED, "database", {"database"}, now=office.now())


def refuse_unchecked(tx: Tx) -> None:
    """Raises Conflict while what the copy cannot know is unchecked: what was paid since would be paid again."""
    state = restores.restored(tx)
    if state is not None and state.checked_at is None:
        raise Conflict(
            f"数据库于{from_ms(state.restored_at):%Y-%m-%d}从备份恢复，须先核对此前已出的名单："
            "hubao restore --checked --by 姓名 (put back from a copy: check the lists made since, then confirm)"
        )
