"""A gateway that delivers in a process of its own, which a test may kill at any moment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from gateway import wiring
from gateway.flow.delivery.deliver import deliver_due


def deliver(site: str, environment: dict[str, str], ahead_seconds: float, name: str) -> None:
    """Deliver everything that is due at a site, by a clock that is so far ahead; then end without a word."""
    os.environ.update(environment)
    ahead, leases = timedelta(seconds=ahead_seconds), iter(range(10_000))
    office = wiring.open_office(Path(site), clock=lambda: wiring.shanghai_now() + ahead)
    deliver_due(
        office,
        "nm",
        wiring.sender(office, "nm"),
        jitter=lambda: 0.0,
        new_lease=lambda: f"{name}/{next(leases)}",
    )
    office.store.close()
