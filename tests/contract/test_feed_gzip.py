"""The gzip feeds: the suite of all pull feeds over a folder and over SFTP, breaks, damage, bombs, and flat memory."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bad_line import BadLine, free_port
from by_hand import gzip_folder, gzip_sftp
from pull_suite import SECRET, PullLeague, PullSuite, taken

from connectors.feeds.gzip_file import GzipFolder, GzipFolderSpec, GzipSftp, GzipSftpSpec
from connectors.registry import REGISTRY
from connectors.transport.gzip_text import GzipText
from connectors.transport.places import BadArchive
from gateway.errors import Unavailable
from gateway.model.page import Fetched
from gateway.sandbox.sftp_server import USER, SftpServer

HEADER = "结算流水号,姓名\r\n".encode()
PASSWORD = "the-password-of-the-league"
LIMIT = 256 * 1024


def content_of(numbers: Any) -> bytes:
    return HEADER + "".join(f"{number:<20},测试测试\r\n" for number in numbers).encode()


def numbers_of(many: int, mark: str = "S") -> list[str]:
    return [f"{mark}{number:07d}" for number in range(many)]


class Dropped(PullLeague):
    """A folder of gzip files, one for every ten settlements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._day = 0

    def put(self, *numbers: str) -> None:
        for start in range(0, len(numbers), 10):
            self.drop(gzip.compress(content_of(numbers[start : start + 10])))

    def drop(self, content: bytes, *, marker: bool = True) -> Path:
        self._day += 1
        path = self.folder / f"setl_202603{self._day:02d}.csv.gz"
        path.write_bytes(content)
        if marker:
            Path(f"{path}.ok").write_bytes(b"")
            os.utime(path, (1_772_000_000 + self._day, 1_772_000_000 + self._day))
        return path

    def spec(self) -> GzipFolderSpec:
        return GzipFolderSpec(folder=str(self.folder), after="keep")

    def spec_of_nobody(self) -> GzipFolderSpec:
        return msgspec.structs.replace(self.spec(), folder="not/there")

    def feed(self, **options: Any) -> GzipFolder:
        return gzip_folder(**{**msgspec.structs.asdict(self.spec()), **options})

    def numbers(self, page: Fetched) -> list[str]:
        lines = page.content.removeprefix(HEADER).decode("utf-8", "replace").splitlines()
        return [line.partition(",")[0].strip() for line in lines]

    def put_broken(self) -> None:
        self.drop(b"\x1f\x8b\x08 and nothing that could be unpacked")


@pytest.fixture
def league(tmp_path: Path) -> Dropped:
    folder = tmp_path / "drop"
    folder.mkdir()
    return Dropped(folder)


class TestGzipFolder(PullSuite):
    """Files that stay where they are."""


class Machine(Dropped):
    """The same on the league's own machine."""

    def __init__(self, root: Path, server: SftpServer, line: BadLine) -> None:
        super().__init__(root / "out")
        self.folder.mkdir()
        self.server, self.line = server, line

    def spec(self) -> GzipSftpSpec:  # type: ignore[override]
        return GzipSftpSpec(
            address=f"127.0.0.1:{self.line.port}",
            user=USER,
            host_key=self.server.host_key,
            password=PASSWORD,
            remote_folder="/out",
        )

    def spec_of_nobody(self) -> GzipSftpSpec:  # type: ignore[override]
        return msgspec.structs.replace(self.spec(), address=f"127.0.0.1:{free_port()}")

    def feed(self, **options: Any) -> GzipSftp:  # type: ignore[override]
        return gzip_sftp(**{**msgspec.structs.asdict(self.spec()), **options})

    def hang(self) -> None:
        self.line.mood = "hang"

    def drip(self) -> None:
        self.line.mood = "drip"

    def feed_with_wrong_credentials(self) -> GzipSftp:
        return self.feed(password=SECRET)


class TestGzipSftp(PullSuite):
    """The same over SFTP."""

    @pytest.fixture
    def league(self, tmp_path: Path) -> Iterator[Machine]:
        root = tmp_path / "machine"
        root.mkdir()
        with SftpServer(root, PASSWORD) as server, BadLine("127.0.0.1", server.port) as line:
            yield Machine(root, server, line)


def test_the_registry_knows_them() -> None:
    assert REGISTRY.feeds["gzip-folder"].make is GzipFolder
    assert REGISTRY.feeds["gzip-sftp"].make is GzipSftp


def in_parts(league: Dropped, *, members: int = 1) -> tuple[Path, list[str]]:
    """A file of several parts, in so many members of gzip; and its numbers."""
    numbers = numbers_of(30_000)
    content = content_of(numbers)
    step = len(content) // members + 1
    packed = b"".join(gzip.compress(content[at : at + step], 1) for at in range(0, len(content), step))
    return league.drop(packed), numbers


@pytest.mark.parametrize("members", [1, 3])
def test_a_large_file_comes_in_parts_cut_at_line_ends_each_with_the_header(league: Dropped, members: int) -> None:
    path, numbers = in_parts(league, members=members)
    pages, _ = taken(league.feed(after="delete", limit=LIMIT))
    assert [(page.part, page.parts) for page in pages] == [(place, len(pages)) for place in range(1, len(pages) + 1)]
    assert len(pages) > 3
    assert all(page.content.startswith(HEADER) and page.content.endswith(b"\n") for page in pages)
    assert max(len(page.content) for page in pages) <= LIMIT
    assert [number for page in pages for number in league.numbers(page)] == numbers
    assert not path.exists()


class Unpackings:
    """Counts how often a text was unpacked from its beginning, and how many bytes came of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = self.bytes = 0
        begin, read = GzipText.begin, GzipText.take

        def beginning(text: GzipText) -> None:
            self.begun += 1
            begin(text)

        def reading(text: GzipText, size: int) -> bytes:
            content = read(text, size)
            self.bytes += len(content)
            return content

        monkeypatch.setattr(GzipText, "begin", beginning)
        monkeypatch.setattr(GzipText, "take", reading)


@pytest.mark.parametrize("after", ["delete", "keep"])
def test_after_a_break_it_goes_on_behind_the_last_stored_part(
    league: Dropped, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, numbers = in_parts(league)
    size = len(content_of(numbers))
    whole, _ = taken(league.feed(after="keep", limit=LIMIT))
    before, cursor = taken(league.feed(after=after, limit=LIMIT), most=2)
    counted = Unpackings(monkeypatch)
    rest, cursor = taken(league.feed(after=after, limit=LIMIT), cursor)
    told = [(page.request, page.content) for page in [*before, *rest]]
    assert told == [(page.request, page.content) for page in whole]
    # Once to know its parts, once to hand out what is left: never from the beginning for each of them.
    assert counted.begun == 2
    assert counted.bytes <= 2 * size + 2 * 1024 * 1024
    assert path.exists() == (after == "keep")
    assert taken(league.feed(after=after, limit=LIMIT), cursor)[0] == []


def test_a_file_whose_parts_are_all_stored_goes_although_the_run_broke_off_before(league: Dropped) -> None:
    path, _ = in_parts(league)
    pages = list(league.feed(after="delete", limit=LIMIT).fetch(None, first=None, last=None))
    assert path.exists()
    assert taken(league.feed(after="delete", limit=LIMIT), pages[-1].cursor)[0] == []
    assert not path.exists()


def test_a_corrected_file_of_the_same_name_is_read_from_its_beginning(league: Dropped) -> None:
    path, _ = in_parts(league)
    _, cursor = taken(league.feed(after="delete", limit=LIMIT), most=2)
    corrected = content_of(numbers_of(30_000, mark="T"))
    path.write_bytes(gzip.compress(corrected))
    Path(f"{path}.ok").touch()
    pages, _ = taken(league.feed(after="delete", limit=LIMIT), cursor)
    assert [number for page in pages for number in league.numbers(page)] == numbers_of(30_000, mark="T")


def damaged(how: str) -> tuple[bytes, list[str]]:
    """A damaged file, and the numbers in it that are surely right."""
    numbers = numbers_of(60_000)
    text = content_of(numbers)
    packed = gzip.compress(text, 1)
    second = gzip.compress(content_of(numbers_of(10, mark="T"))[len(HEADER) :], 1)
    if how == "cut":
        cut = packed[: len(packed) * 4 // 5]
        return cut, numbers[: surely(zlib.decompressobj(31).decompress(cut))]
    if how == "trailer missing":
        return packed[:-4], numbers[: surely(text)]
    if how == "behind":
        return packed + b"and something else", numbers
    if how == "second member":
        return packed + second[:-6] + bytes([second[-6] ^ 1]) + second[-5:], numbers
    if how == "second member cut":
        return packed + second[:-6], numbers
    if how == "checksum":
        return packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:], []
    if how == "length":
        return packed[:-2] + bytes([packed[-2] ^ 1]) + packed[-1:], []
    if how == "broken":
        # A block type that does not exist (RFC 1951, 3.2.3), behind a flushed part of the stream.
        packer = zlib.compressobj(1, wbits=31)
        return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH) + b"\x07" * 64, numbers[: surely(text)]
    raise ValueError(how)


def surely(text: bytes) -> int:
    """How many of a text's lines behind the header end a MiB before its end."""
    return text[: -1024 * 1024].count(b"\n") - 1


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("cut", "cut off"),
        ("trailer missing", "cut off"),
        ("behind", "behind it"),
        ("second member", "checksum"),
        ("second member cut", "cut off"),
        ("checksum", "checksum"),
        ("length", "checksum"),
        ("broken", "broken inside"),
    ],
)
def test_of_a_damaged_file_comes_what_is_surely_right_and_it_stays(league: Dropped, how: str, word: str) -> None:
    content, right = damaged(how)
    path = league.drop(content)
    league.drop(gzip.compress(content_of(["U1"])))
    feed = league.feed(after="delete", limit=LIMIT)
    pages, cursor = taken(feed)
    told = [number for page in pages for number in league.numbers(page)]
    # What the library held when it met the broken block it does not give, so there it is a little less.
    assert told == [*(right[: len(told) - 1] if how == "broken" else right), "U1"]
    assert len(told) > 10_000 or how in ("checksum", "length")
    # A part more is said to come than there is, so the file never counts as read.
    parts = [page for page in pages if page.source == path.name]
    assert all(page.parts == len(parts) + 1 for page in parts)
    [notice] = feed.notices()
    assert (notice.kind, notice.count) == ("file_damaged", 1)
    assert word in notice.detail
    assert path.exists()
    # The next night says it again, and hands out nothing new.
    feed = league.feed(after="delete", limit=LIMIT)
    again, _ = taken(feed, cursor)
    assert {(page.request, page.content) for page in again} <= {(page.request, page.content) for page in pages}
    assert len(feed.notices()) == 1
    path.write_bytes(gzip.compress(content_of(numbers_of(60_000))))
    Path(f"{path}.ok").touch()
    whole, _ = taken(feed, cursor)
    assert [number for page in whole for number in league.numbers(page)] == numbers_of(60_000)
    assert not path.exists()
    assert feed.notices() == []


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (gzip.compress(b"0" * 40_000_000), {}, "压缩比超过200"),
        (gzip.compress(os.urandom(2 * 1024 * 1024)), {"most_mib": 1}, "超过1048576字节的上限"),
        # Members of nothing but promises, one behind the other.
        (gzip.compress(b"0" * 4_000_000) * 20, {"largest_ratio": 1032, "most_mib": 64}, "超过67108864字节的上限"),
    ],
    ids=["ratio", "total", "many members"],
)
def test_what_bursts_is_refused_before_anything_of_it_is_kept(
    league: Dropped, content: bytes, options: dict[str, Any], message: str
) -> None:
    path = league.drop(content)
    league.drop(gzip.compress(content_of(["S1"])))
    feed, told = league.feed(after="delete", **options), []
    with pytest.raises(Unavailable, match=message):
        for page in feed.fetch(None, first=None, last=None):
            told += league.numbers(page)
            feed.release(page)
    assert told == ["S1"]
    assert path.exists()


def test_a_length_that_is_declared_is_not_believed(league: Dropped) -> None:
    packed = gzip.compress(content_of(["S1"]))
    league.drop(packed[:-4] + b"\xff\xff\xff\x7f")
    feed = league.feed()
    assert taken(feed)[0] == []
    assert [notice.kind for notice in feed.notices()] == ["file_damaged"]


def test_a_file_that_is_half_written_waits(league: Dropped) -> None:
    path = league.drop(gzip.compress(content_of(["S1"]))[:30], marker=False)
    feed = league.feed()
    assert taken(feed)[0] == []
    assert feed.notices() == []
    assert [(file.name, file.why) for file in feed.waiting()] == [(path.name, "no_marker")]


def test_padding_and_nothing_at_all_are_no_damage(league: Dropped) -> None:
    league.drop(gzip.compress(content_of(["S1"])) + b"\0" * 512)
    league.drop(gzip.compress(HEADER))
    feed = league.feed(after="delete")
    pages, _ = taken(feed)
    assert [league.numbers(page) for page in pages] == [["S1"], []]
    assert feed.notices() == []
    assert list(league.folder.iterdir()) == []


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_no_byte_that_came_wrong_is_taken_for_text(change: int) -> None:
    text = b"".join(b"%d,%d.00\n" % (number, number) for number in range(60))
    # The ten bytes of the header say nothing about the text.
    whole = gzip.compress(text, mtime=0)
    for at in range(10, len(whole)):
        packed = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
        stream = GzipText(io.BytesIO(packed), most_bytes=2**20, largest_ratio=1000)
        try:
            content = stream.read()
        except BadArchive:
            continue
        assert stream.damage is not None or content == text
        assert text.startswith(content[: stream.believed])


def test_of_a_long_text_nothing_wrong_is_believed_either() -> None:
    text = content_of(numbers_of(80_000))
    whole = gzip.compress(text, 1, mtime=0)
    for at in range(10, len(whole), len(whole) // 40):
        packed = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        stream = GzipText(io.BytesIO(packed), most_bytes=2**30, largest_ratio=1000)
        content = stream.read()
        assert stream.damage is not None
        assert text.startswith(content[: stream.believed])


def test_the_memory_it_takes_does_not_grow_with_the_file(league: Dropped) -> None:
    peaks = []
    for many in (60_000, 240_000):
        path = league.drop(gzip.compress(content_of(numbers_of(many)), 1))
        feed = league.feed(after="delete", limit=LIMIT)
        tracemalloc.start()
        pages = 0
        for page in feed.fetch(None, first=None, last=None):
            feed.release(page)
            pages += 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert not path.exists()
    assert pages > 20
    assert peaks[1] < peaks[0] + LIMIT
