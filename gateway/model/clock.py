"""The zone of every day and instant there is: Asia/Shanghai."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
"""The zone itself: for the present, and for what stands in the database."""

SHANGHAI_OFFSET: Final = timezone(timedelta(hours=8))
"""Eight hours: no summer time since 1992, long before any record. For the instants of records, of which each row has
some: a fixed offset needs no look-up."""
