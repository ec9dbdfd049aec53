"""Cutting files: every byte once, the header in front of each part, never inside a quoted cell."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.transport.parts import plan_file, plan_parts, read_parts
from connectors.transport.places import BadArchive
from gateway.ports import FileRows

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


def between_records(content: bytes, rows: FileRows, *, whole: bool = True) -> list[bytes]:
    file = io.BytesIO(content)
    plan = plan_file(file, rows, limit=LIMIT, whole=whole)
    assert plan.digest == hashlib.sha256(content).hexdigest()
    parts = list(read_parts(file, plan))
    assert all(len(part) <= LIMIT for part in parts)
    assert [list(read_parts(file, plan, behind=behind)) for behind in (0, 1)] == [parts, parts[1:]]
    return parts


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("behind", [b"", b"\x1a", b"half a record", b"\r\n"])
@pytest.mark.parametrize("many", [4_680, 4_681, 4_682, 15_000])
def test_records_without_line_ends_are_cut_between_them(many: int, behind: bytes, mark: bytes) -> None:
    # 256 KiB hold 4,681 records of 56 bytes; line feeds in them mean nothing.
    content = mark + b"".join(b"%07d\n" % number + b"x" * 48 for number in range(many)) + behind
    parts = between_records(content, FileRows(by="records", record_bytes=56))
    assert b"".join(parts) == content
    bodies = [parts[0].removeprefix(mark), *parts[1:]]
    assert all(len(part) % 56 == 0 for part in bodies[:-1])
    assert sum(len(part) // 56 for part in bodies) == many


def table(many: int, *, told: int | None = None, behind: bytes = b"\x1a") -> bytes:
    """A dBase table of one column: a header of 65 bytes, rows of 51."""
    head = struct.pack("<B3BIHH20x", 3, 126, 3, 1, many if told is None else told, 65, 51)
    column = struct.pack("<11sc4xBB14x", b"NO", b"C", 50, 0) + b"\r"
    return head + column + b"".join(b" %-50d" % number for number in range(many)) + behind


def counts_and_rows(parts: list[bytes]) -> list[tuple[int, list[bytes]]]:
    """Of each part: how many rows its header tells, and the rows that are there."""
    return [
        (struct.unpack_from("<I", part, 4)[0], [part[at : at + 51] for at in range(65, len(part) - 50, 51)])
        for part in parts
    ]


@pytest.mark.parametrize("many", [5_137, 5_138, 5_139, 10_276, 20_000])
def test_every_part_of_a_table_has_its_header_and_its_own_count(many: int) -> None:
    parts = between_records(table(many), FileRows(by="dbf"))
    whole = table(many)
    assert all((part[:4], part[8:65]) == (whole[:4], whole[8:65]) for part in parts)
    told = counts_and_rows(parts)
    assert all(count == len(rows) for count, rows in told)
    assert [int(row) for _, rows in told for row in rows] == list(range(many))
    assert parts[-1].endswith(b"\x1a")


@pytest.mark.parametrize("off", [-1_000, -1, 1, 1_000])
def test_what_a_tables_header_tells_too_much_or_too_little_of_is_still_seen(off: int) -> None:
    told = counts_and_rows(between_records(table(12_000, told=12_000 + off), FileRows(by="dbf")))
    assert sum(count for count, _ in told) == 12_000 + off
    assert [count - len(rows) for count, rows in told][-1] == off
    assert all(count == len(rows) for count, rows in told[:-1])


def test_of_a_damaged_file_whole_records_alone_are_cut() -> None:
    content = table(12_000, behind=b" half")
    parts = between_records(content, FileRows(by="dbf"), whole=False)
    assert sum(len(rows) for _, rows in counts_and_rows(parts)) == 12_000
    assert not any(part.endswith(b"half") for part in parts)
    assert between_records(table(3), FileRows(by="whole"), whole=False) == []


def test_what_fits_into_a_page_stays_as_it_is() -> None:
    for rows in (FileRows(by="dbf"), FileRows(by="whole"), FileRows(by="records", record_bytes=7)):
        for content in (b"", b"x", table(3), bytes(LIMIT)):
            assert between_records(content, rows) == [content]


@pytest.mark.parametrize("rows", [FileRows(by="whole"), FileRows(by="dbf"), FileRows(by="records")])
def test_what_cannot_be_cut_is_refused(rows: FileRows) -> None:
    with pytest.raises(BadArchive, match="too large"):
        plan_file(io.BytesIO(bytes(LIMIT + 1)), rows, limit=LIMIT)
