"""How instants stand in the database: milliseconds since 1970 UTC, read back in Asia/Shanghai."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.model.clock import SHANGHAI

_EPOCH = datetime.fromtimestamp(0, tz=SHANGHAI)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """An aware instant → milliseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Milliseconds since 1970 UTC → an aware instant of Asia/Shanghai."""
    return (_EPOCH + milliseconds * _MILLISECOND).astimezone(SHANGHAI)
