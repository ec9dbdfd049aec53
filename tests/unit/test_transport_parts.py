"""Cutting files: every byte once, the header in front of each part, never inside a quoted cell."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.transport.parts import plan_parts, read_parts

LIMIT = 256 * 1024
HEADER = "结算流水号\t,姓名,备注\r\n".encode("gb18030")


def cut(content: bytes, *, with_header: bool = True) -> tuple[list[bytes], int]:
    """The parts, and the length of the header that stands in front of the later ones."""
    file = io.BytesIO(content)
    plan = plan_parts(file, limit=LIMIT, with_header=with_header)
    assert plan.digest == hashlib.sha256(content).hexdigest()
    parts = list(read_parts(file, plan))
    assert all(len(part) <= LIMIT for part in parts)
    return parts, plan.header


def parts_of(content: bytes) -> list[bytes]:
    return cut(content)[0]


def joined(content: bytes, *, with_header: bool = True) -> bytes:
    """The file put together again: the later parts without the header in front of them."""
    parts, header = cut(content, with_header=with_header)
    assert all(part[:header] == content[:header] for part in parts)
    return b"".join([parts[0], *(part[header:] for part in parts[1:])])


@pytest.mark.parametrize("content", [b"", b"a", b"a\n", b"\n\n\n", HEADER, b'"', b"\x00" * 100])
def test_a_small_file_is_one_part_as_it_is(content: bytes) -> None:
    assert parts_of(content) == [content]


def rows(count: int, *, seed: int) -> list[list[str]]:
    """Rows whose cells hold commas, doubled quotation marks and line ends, as Excel writes them."""
    chance = random.Random(seed)
    odd = ["普通", 'a "b" c', "两\n行", "a,b", '"', "\r\n", "额尔敦·朝鲁", ""]
    return [[f"S{number:07d}\t", chance.choice(odd), "备注" * chance.randint(0, 40)] for number in range(count)]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("seed", range(3))
def test_the_rows_of_all_parts_are_the_rows_of_the_file(encoding: str, seed: int) -> None:
    text = io.StringIO()
    table = [["结算流水号", "姓名", "备注"], *rows(12_000, seed=seed)]
    csv.writer(text).writerows(table)
    parts = parts_of(text.getvalue().encode(encoding))
    assert len(parts) > 2
    read = [list(csv.reader(io.StringIO(part.decode(encoding), newline=""))) for part in parts]
    assert all(part[0] == table[0] for part in read)
    assert list(itertools.chain([table[0]], *(part[1:] for part in read))) == table


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"\n", b"\r\n", b'"', b"x", b'a,"b\nc"\n']), st.integers(0, 60_000)),
        max_size=30,
    )
)
def test_no_byte_is_lost_or_doubled(runs: list[tuple[bytes, int]]) -> None:
    content = b"".join(run * min(count, 200_000 // len(run)) for run, count in runs)
    assert joined(content) == content
    assert joined(content, with_header=False) == content
    assert cut(content, with_header=False)[1] == 0


def test_a_quotation_mark_somebody_typed_does_not_swallow_the_rest() -> None:
    lines = [HEADER, b'S1,5" pipe,x\r\n', *(b"S%07d,name,%s\r\n" % (n, b"y" * 50) for n in range(10_000))]
    parts = parts_of(b"".join(lines))
    assert len(parts) > 2
    assert all(part.endswith(b"\r\n") for part in parts)
    assert all(len(part) > LIMIT - 70_000 for part in parts[:-1])
    assert all(part.startswith(HEADER) for part in parts)
    assert joined(b"".join(lines)) == b"".join(lines)


def test_without_a_header_nothing_is_repeated() -> None:
    content = b"".join(b"%07d\tx\n" % number for number in range(60_000))
    assert b"".join(cut(content, with_header=False)[0]) == content


def test_a_file_without_line_ends_is_cut_all_the_same() -> None:
    content = bytes(1_000_000)
    assert b"".join(parts_of(content)) == content


def test_a_first_line_too_long_for_a_header_is_not_repeated() -> None:
    content = b"h" * 100_000 + b"\n" + b"row\n" * 100_000
    assert b"".join(parts_of(content)) == content


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        plan_parts(io.BytesIO(b""), limit=1000, with_header=True)
