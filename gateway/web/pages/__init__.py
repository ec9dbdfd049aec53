"""The pages for clerks and administrators: one file a page, the same use cases as the commands."""

from __future__ import annotations

from typing import Final

from gateway.web.pages import assets, reviews, today

PAGES: Final = (assets.router, today.router, reviews.router)
"""Every page there is."""
