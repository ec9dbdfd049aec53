"""The wire form of a sweep's page (一批人的应答): every reply verbatim beside its call, written and read here only.

msgpack {"bundle": 1, "calls": [{"infno": "5203", "asked": {"psn_no", "mdtrt_id", …}, "reply": bytes}, …]}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

_FORM: Final = 1


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a sweep: its transaction number, what was asked (no name, no id number), the reply's bytes."""

    infno: str
    asked: dict[str, Any] = {}
    reply: bytes


class _Bundle(msgspec.Struct):
    bundle: int
    calls: Sequence[Call]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Bundle)


def is_bundle(content: bytes) -> bool:
    """Whether a page starts like a msgpack map; no JSON text and no CSV header starts so."""
    return content[:1] in (b"\xde", b"\xdf") or b"\x80" <= content[:1] <= b"\x8f"


def bundle_of(calls: Sequence[Call]) -> bytes:
    """A page of these calls, in their order."""
    return _ENCODER.encode(_Bundle(_FORM, calls))


def calls_of(content: bytes) -> Sequence[Call]:
    """The calls of a page in order. Raises ValueError; its text holds nothing of the page."""
    try:
        bundle = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError from error
    if bundle.bundle != _FORM:
        raise ValueError("bundle ≠ 1")
    return bundle.calls
