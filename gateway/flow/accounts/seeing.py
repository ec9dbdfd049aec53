"""Whoever looks at plain values leaves a trace: in the list of accesses of what was looked at, and in the audit log."""

from __future__ import annotations

from gateway.flow.accounts.trail import AuditNote, note
from gateway.flow.office import Office
from gateway.store import accesses
from gateway.store.accesses import Access
from gateway.store.engine import Tx


def note_access(
    tx: Tx, office: Office, access: Access, *, person_id: int | None = None, purpose: str = "", page: str = ""
) -> None:
    """Write down that somebody looks, before anything is shown. `purpose`: a code, why; `page`: where."""
    accesses.note(tx, access)
    subject = f"{access.what} {access.item_id}" if access.item_id else ""
    entry = AuditNote(
        account=access.by, act=access.what, subject=subject, person_id=person_id, purpose=purpose, page=page
    )
    note(tx, office, entry)
