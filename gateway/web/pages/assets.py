"""The files pages are made of: styles and script, ours and others', served from the package and from nowhere else."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from gateway.web.problems import Problem

router = APIRouter(prefix="/static", include_in_schema=False)

_FOLDER: Final = Path(__file__).parents[1] / "static"
_TYPES: Final = {
    "app.css": "text/css; charset=utf-8",
    "claim_form.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "vendor/bootstrap/bootstrap.min.css": "text/css; charset=utf-8",
    "vendor/bootstrap/LICENSE": "text/plain; charset=utf-8",
    "vendor/htmx/htmx.min.js": "text/javascript; charset=utf-8",
    "vendor/htmx/LICENSE": "text/plain; charset=utf-8",
}
"""Every file that is served."""

_A_YEAR: Final = 31_536_000


@cache
def _content(name: str) -> tuple[bytes, bytes, str]:
    """A file, the same compressed, and its digest."""
    plain = (_FOLDER / name).read_bytes()
    return plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:16]


def address_of(name: str) -> str:
    """Where a file is asked for: its digest is in the address, so that browsers keep it until it changes."""
    return f"/static/{name}?{_content(name)[2]}"


@router.get("/{name:path}")
def asset(request: Request, name: str) -> Response:
    """One of the files."""
    if name not in _TYPES:
        raise Problem("not_found")
    plain, packed, digest = _content(name)
    headers = {
        "cache-control": f"public, max-age={_A_YEAR}, immutable" if request.url.query == digest else "no-cache",
        "etag": f'"{digest}"',
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type=_TYPES[name], headers={**headers, "content-encoding": "gzip"})
    return Response(plain, media_type=_TYPES[name], headers=headers)
