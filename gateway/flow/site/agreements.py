"""Whether a feed's data may still be processed: its agreement holds, as far as the clock is believed."""

from __future__ import annotations

from gateway.flow.office import Office
from gateway.flow.site.clock import believed


def has_expired(office: Office, feed: str) -> bool:
    """Whether the agreement of a feed is over. A clock that is not believed ends none."""
    return office.feeds[feed].legal.expires < office.now().date() and believed(office)
