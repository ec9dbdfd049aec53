"""Keys that were given out and are not there any more: said until they are back or written off."""

from __future__ import annotations

from typing import Final

from gateway.flow.findings.book import Trouble, take_stock
from gateway.flow.office import Office

_NAMED_AT_MOST: Final = 20
_CODE: Final = "key_missing"


def look(office: Office) -> int:
    """Raise or close the finding about missing keys; returns how many are missing."""
    missing, troubles = office.vault.missing(), []
    if missing:
        numbers = "、".join(str(key.number) for key in missing[:_NAMED_AT_MOST])
        detail = f"编号 (numbers) {numbers}" + (" …" if len(missing) > _NAMED_AT_MOST else "")
        troubles.append(Trouble(code=_CODE, kind="vault", name="keys/vault", count=len(missing), detail=detail))
    take_stock(office, (_CODE,), troubles)
    return len(missing)
