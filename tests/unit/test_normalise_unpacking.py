"""gzip is unpacked up to a limit, whatever it claims."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.normalise.unpacking import ungzipped
from gateway.errors import BadInput

PACKED = gzip.compress(b'{"records": []}', mtime=0)


def code_of(content: bytes, limit: int = 1000) -> str:
    with pytest.raises(BadInput) as caught:
        ungzipped(content, limit=limit)
    return caught.value.code


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_what_was_packed_is_inside_in_one_member_or_several(parts: list[bytes]) -> None:
    content = b"".join(gzip.compress(part, mtime=0) for part in parts)
    whole = b"".join(parts)
    assert ungzipped(content, limit=len(whole)) == whole
    assert ungzipped(content + b"\x00" * 7, limit=len(whole)) == whole
    if whole:
        assert code_of(content, len(whole) - 1) == "too_large"


@pytest.mark.parametrize(
    "content",
    [
        b"x", b"{}", PACKED[:-1], PACKED[:-8], PACKED[:12], PACKED[:-5] + b"\xff" + PACKED[-4:], PACKED + b"x",
        zlib.compress(b"x"), PACKED[:3] + b"\xff" + PACKED[4:],
    ],
)  # fmt: skip
def test_what_is_no_whole_gzip_is_said_to_be_none(content: bytes) -> None:
    assert code_of(content) == "not_gzip"


def test_a_few_bytes_that_stand_for_many_are_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000), mtime=0)
    assert len(bomb) < 100_000
    assert code_of(bomb, 16 * 1024 * 1024) == "too_large"


def test_nothing_is_nothing() -> None:
    assert ungzipped(b"", limit=10) == b""
