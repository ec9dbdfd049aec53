"""The pages for clerks and administrators: one file a page, the same use cases as the commands."""

from __future__ import annotations

from typing import Final

from gateway.web.pages import (
    about,
    accounts,
    assets,
    audit,
    claims,
    deliveries,
    desk,
    feeds,
    holds,
    login,
    members,
    night,
    payments,
    quarantine,
    reviews,
    roster_import,
    schemes,
    second,
    today,
)

PAGES: Final = (
    assets.router,
    login.router,
    today.router,
    night.router,
    reviews.router,
    quarantine.router,
    holds.router,
    claims.router,
    desk.router,
    payments.router,
    deliveries.router,
    feeds.router,
    # Before the members, whose addresses would take its own for a member's.
    roster_import.router,
    members.router,
    schemes.router,
    second.router,
    audit.router,
    accounts.router,
    about.router,
)
"""Every page there is."""
