"""What the tests in a browser share."""

from __future__ import annotations

ALL_PAGES = (
    "/today",
    "/today/deadlines",
    "/night",
    "/night/report",
    "/night/proof",
    "/reviews",
    "/reviews/1",
    "/reviews/1?score=true",
    "/quarantine",
    "/quarantine/items",
    "/quarantine/items/1",
    "/holds",
    "/claims",
    "/deliveries",
    "/deliveries/groups",
    "/feeds",
    "/feeds/east",
    "/members",
    "/members/nm/M00001",
    "/schemes",
    "/schemes/nm-inpatient/2021",
    "/about",
)
"""Every page that a clerk may open, as the site of these tests fills it."""
