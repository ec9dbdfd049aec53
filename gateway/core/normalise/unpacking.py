"""gzip (RFC 1952) → the bytes inside, never more than a limit: a few bytes may stand for gigabytes."""

from __future__ import annotations

import zlib
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
            raise BadInput("not_gzip", "不是完整的gzip内容 (not whole gzip content)") from None
        if len(plain) > limit:
            raise BadInput("too_large", f"解压后超过{limit}字节 (more than {limit} bytes unpacked)")
        if not member.eof:
            raise BadInput("not_gzip", "不是完整的gzip内容 (not whole gzip content)")
        # Zeros may follow the last member (RFC 1952, 2.2 and the habit of tapes).
        rest = member.unused_data.lstrip(b"\x00")
    return bytes(plain)
