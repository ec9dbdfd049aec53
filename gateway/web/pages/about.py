"""关于: the program, what others made of it, and under which licences."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response

from gateway import __version__
from gateway.core.accounts.rights import Right
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs

router = APIRouter(prefix="/about", route_class=ErrorPageRoute, include_in_schema=False)

_MANIFEST: Final = Path(__file__).parents[1] / "static" / "vendor" / "manifest.json"


@cache
def _packages() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = json.loads(_MANIFEST.read_text(encoding="utf-8"))["packages"]
    return packages


@router.get("")
def about(at: Annotated[Sitting, needs(Right.OWN, narrow=True)]) -> Response:
    """The program and its parts."""
    return at.page("about.html", version=__version__, packages=_packages())
