"""gzip (RFC 1952) → the bytes inside, never more than a limit: a few bytes may stand for gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from gateway.errors import BadInput

_GZIP: Final = 31
"""The window of zlib that expects the head and the check sum of gzip."""


def ungzipped(content: bytes, *, limit: int) -> bytes:
    """What is inside, of all members one after another. Raises BadInput: "too_large" for more than `limit` bytes,
    "not_gzip" for what is none, is cut, or whose check sum is wrong."""
    plain = bytearray()
    rest = content
    while rest:
        member = zlib.decompressobj(_GZIP)
        try:
            plain += member.decompress(rest, limit + 1 - len(plain))
        except zlib.error:
            raise _not_gzip() from None
        if len(plain) > limit:
            raise BadInput("too_large", f"解压后超过{limit}字节 (more than {limit} bytes unpacked)")
        if not member.eof:
            raise _not_gzip()
        # Zeros may follow the last member (RFC 1952, 2.2 and the habit of tapes).
        rest = member.unused_data.lstrip(b"\x00")
    return bytes(plain)


class Ungzipping:
    """gzip that comes piece by piece, of one member; at most `limit` bytes of what is inside are given out."""

    def __init__(self, *, limit: int, piece: int = 256 * 1024) -> None:
        self._member, self._left, self._limit, self._piece = zlib.decompressobj(_GZIP), limit, limit, piece

    def take(self, data: bytes) -> Iterator[bytes]:
        """What is inside these bytes, in pieces. Raises BadInput as `ungzipped`."""
        while data:
            try:
                plain = self._member.decompress(data, self._piece)
            except zlib.error:
                raise _not_gzip() from None
            self._left -= len(plain)
            if self._left < 0:
                raise BadInput("too_large", f"解压后超过{self._limit}字节 (more than {self._limit} bytes unpacked)")
            if self._member.unused_data.strip(b"\x00"):
                raise _not_gzip()
            if plain:
                yield plain
            data = self._member.unconsumed_tail

    def finish(self) -> None:
        """No more comes. Raises BadInput where something is missing."""
        if not self._member.eof:
            raise _not_gzip()


def _not_gzip() -> BadInput:
    return BadInput("not_gzip", "不是完整的gzip内容 (not whole gzip content)")
