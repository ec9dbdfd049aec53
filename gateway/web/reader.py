"""The reader's page of the OpenAPI document: three small files of our own, since these networks have no outside."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

router = APIRouter(prefix="/api/v1", include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "static"
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def _file(name: str, media_type: str) -> Response:
    return Response((_FOLDER / name).read_bytes(), media_type=media_type, headers=_HEADERS)


@router.get("/reader")
def reader() -> Response:
    """The page."""
    return _file("reader.html", "text/html; charset=utf-8")


@router.get("/reader.js")
def script() -> Response:
    """What fills it from openapi.json."""
    return _file("reader.js", "text/javascript; charset=utf-8")


@router.get("/reader.css")
def style() -> Response:
    """How it looks."""
    return _file("reader.css", "text/css; charset=utf-8")
