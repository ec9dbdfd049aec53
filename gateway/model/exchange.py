"""A request as it went over a line, and how it was answered: kept only while somebody tries a feed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class WireExchange(msgspec.Struct, frozen=True, kw_only=True):
    """`signed`: the texts that were signed for it, with a sign in the place of every secret; `size` of the answer in
    bytes. Holds personal data: it is shown masked and stored nowhere."""

    method: str
    address: str
    headers: Mapping[str, str]
    content: bytes
    signed: tuple[str, ...]
    status: int
    size: int
