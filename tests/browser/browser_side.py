"""What the tests in a browser share."""

from __future__ import annotations

import sys
from pathlib import Path

# What the folder of integration has to make people, leagues and pages with is used here too.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

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
    "/members/import",
    "/members/nm/M00001",
    "/schemes",
    "/schemes/nm-inpatient/2021",
    "/about",
)
"""Every page that a clerk may open, as the site of these tests fills it."""
