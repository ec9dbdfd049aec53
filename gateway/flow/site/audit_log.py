"""The audit log is walked over once a day, and its head written down outside of the database; what does not fit is a
finding until it does."""

from __future__ import annotations

from typing import Final

from gateway.flow.accounts.auditing import anchor, anchored_on, verify
from gateway.flow.findings.book import Trouble, take_stock
from gateway.flow.office import Office

_CODE: Final = "audit_broken"
_NAMED_AT_MOST: Final = 20


def look(office: Office) -> int:
    """How many entries are not as they were written; 0 also where the log was looked at today already."""
    if anchored_on(office) == office.now().date():
        return 0
    breaks, troubles = verify(office).breaks, []
    if breaks:
        entries = "、".join(str(broken.number) for broken in breaks[:_NAMED_AT_MOST])
        detail = f"条目 (entries) {entries}" + (" …" if len(breaks) > _NAMED_AT_MOST else "")
        troubles.append(Trouble(code=_CODE, kind="audit", name="audit_entry", count=len(breaks), detail=detail))
    take_stock(office, (_CODE,), troubles)
    if not breaks:
        anchor(office)
    return len(breaks)
