"""Keys that were given out and are not there any more: said until they are back or written off."""

from __future__ import annotations

from typing import Final

from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office

_NAMED_AT_MOST: Final = 20
_CODE, _KIND, _NAME = "key_missing", "vault", "keys/vault"


def look(office: Office) -> int:
    """Raise or close the finding about missing keys; returns how many are missing."""
    missing, now = office.vault.missing(), office.now()
    numbers = "、".join(str(key.number) for key in missing[:_NAMED_AT_MOST])
    more = " …" if len(missing) > _NAMED_AT_MOST else ""
    with office.store.write() as tx:
        if missing:
            detail = f"编号 (numbers) {numbers}{more}"
            raise_(tx, Trouble(code=_CODE, kind=_KIND, name=_NAME, count=len(missing), detail=detail), now=now)
        else:
            close(tx, _CODE, _KIND, (_NAME,), now=now)
    return len(missing)
