"""What every PullFeed promises, and what the folder does with everything that may lie in it."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from by_hand import drop_folder

from connectors.feeds.folder import Folder
from connectors.registry import REGISTRY
from gateway.errors import Unavailable, WrongUse
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched
from gateway.ports import FileRows, PullFeed

HEADER = "结算流水号\t,姓名\r\n".encode("gb18030")
SMALL = 256 * 1024
CLOCK = 1_772_400_000


def rows(count: int, *, first: int = 0) -> bytes:
    lines = (f"S{first + number:07d}\t,测试\r\n" for number in range(count))
    return HEADER + "".join(lines).encode("gb18030")


class Drop:
    """A folder a league drops files in. Every file is an hour younger than the last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = CLOCK - 1_000_000

    def put(self, name: str | bytes, content: bytes, *, marker: bytes | None = b"") -> Path:
        path = self.folder / os.fsdecode(name)
        self.time += 3600
        self._write(path, content, self.time)
        if marker is not None:
            self._write(Path(str(path) + ".ok"), marker, self.time + 1)
        return path

    def _write(self, path: Path, content: bytes, time: int) -> None:
        path.write_bytes(content)
        os.utime(path, (time, time))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def feed(self, **options: Any) -> Folder:
        given: dict[str, Any] = {
            "folder": self.folder,
            "pattern": "setl_152200_*.csv",
            "clock": lambda: CLOCK,
        }
        return drop_folder(**{**given, **options})


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    folder = tmp_path / "drop"
    folder.mkdir()
    return Drop(folder)


def store_page(feed: PullFeed, cursor: str | None = None, **days: date | None) -> tuple[list[Fetched], str | None]:
    """Fetch, "store" and release as the flow does: each page is stored before the next is asked for."""
    pages = []
    for page in feed.fetch(cursor, first=days.get("first"), last=days.get("last")):
        cursor = page.cursor
        feed.release(page)
        pages.append(page)
    return pages, cursor


def shapes(pages: list[Fetched]) -> list[tuple[str, str, int, int]]:
    return [(page.source, page.request, page.part, page.parts) for page in pages]


class PullFeedContract:
    """Every PullFeed over the same two days of data, in each way of letting go of what was read."""

    def build(self, drop: Drop) -> PullFeed:
        raise NotImplementedError

    @pytest.fixture
    def filled(self, drop: Drop) -> Drop:
        drop.put("setl_152200_20260302.csv", rows(2, first=10))
        drop.put("setl_152200_20260301.csv", rows(3))
        return drop

    def test_pages_come_day_by_day_and_say_what_they_are(self, filled: Drop) -> None:
        pages, _ = store_page(self.build(filled))
        assert [(page.day, page.content) for page in pages] == [
            (date(2026, 3, 1), rows(3)),
            (date(2026, 3, 2), rows(2, first=10)),
        ]
        assert len({page.request for page in pages}) == 2

    def test_a_crash_before_the_release_gives_the_same_pages_again(self, filled: Drop) -> None:
        crashed = list(self.build(filled).fetch(None, first=None, last=None))
        again, _ = store_page(self.build(filled))
        assert shapes(again) == shapes(crashed)
        assert [page.content for page in again] == [page.content for page in crashed]

    def test_what_was_stored_and_released_does_not_come_again(self, filled: Drop) -> None:
        _, cursor = store_page(self.build(filled))
        assert store_page(self.build(filled), cursor) == ([], cursor)

    def test_what_was_not_stored_comes_again(self, filled: Drop) -> None:
        feed = self.build(filled)
        pages = feed.fetch(None, first=None, last=None)
        first = next(pages)
        feed.release(first)
        assert next(pages).day == date(2026, 3, 2)
        again, _ = store_page(self.build(filled), first.cursor)
        assert [page.day for page in again] == [date(2026, 3, 2)]

    def test_a_corrected_file_of_the_same_name_is_a_new_page(self, filled: Drop) -> None:
        before, cursor = store_page(self.build(filled))
        filled.put("setl_152200_20260301.csv", rows(4))
        after, _ = store_page(self.build(filled), cursor)
        assert [page.content for page in after] == [rows(4)]
        assert after[0].source == before[0].source
        assert after[0].request not in {page.request for page in before}

    def test_only_the_days_asked_for(self, filled: Drop) -> None:
        pages, cursor = store_page(self.build(filled), first=date(2026, 3, 2), last=date(2026, 3, 2))
        assert [page.day for page in pages] == [date(2026, 3, 2)]
        rest, _ = store_page(self.build(filled), cursor)
        assert [page.day for page in rest] == [date(2026, 3, 1)]

    def test_releasing_twice_or_something_unknown_does_no_harm(self, filled: Drop) -> None:
        feed = self.build(filled)
        page = next(iter(feed.fetch(None, first=None, last=None)))
        feed.release(page)
        feed.release(page)
        feed.release(Fetched(content=b"", request="file:unheard.csv:0:1/1"))


class TestDeleting(PullFeedContract):
    def build(self, drop: Drop) -> PullFeed:
        return drop.feed()


class TestMoving(PullFeedContract):
    def build(self, drop: Drop) -> PullFeed:
        return drop.feed(after="move", moved_to=drop.folder.parent / "done")


class TestKeeping(PullFeedContract):
    def build(self, drop: Drop) -> PullFeed:
        return drop.feed(after="keep")


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["folder"].make is Folder


# When a file is complete


def test_without_its_marker_a_file_waits(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1), marker=None)
    assert store_page(drop.feed())[0] == []
    (drop.folder / "setl_152200_20260301.csv.ok").touch()
    assert len(store_page(drop.feed())[0]) == 1


def test_a_marker_may_stand_in_for_the_ending(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1), marker=None)
    (drop.folder / "setl_152200_20260301.ok").write_bytes(b"rows=1")
    pages, _ = store_page(drop.feed())
    assert pages[0].totals == (FeedTotals(day=date(2026, 3, 1), rows=1),)
    assert drop.names() == []


def test_an_old_marker_says_nothing_about_a_newer_file(drop: Drop) -> None:
    path = drop.put("setl_152200_20260301.csv", rows(1))
    path.write_bytes(rows(2)[:-5])
    os.utime(path, (CLOCK, CLOCK))
    assert store_page(drop.feed())[0] == []


def test_a_marker_that_is_a_link_is_no_marker(drop: Drop) -> None:
    path = drop.put("setl_152200_20260301.csv", rows(1), marker=None)
    Path(str(path) + ".ok").symlink_to("/dev/null")
    assert store_page(drop.feed())[0] == []


def test_without_markers_a_file_must_lie_still(drop: Drop) -> None:
    path = drop.put("setl_152200_20260301.csv", rows(1), marker=None)
    os.utime(path, (CLOCK - 59, CLOCK - 59))
    assert store_page(drop.feed(marker=None))[0] == []
    os.utime(path, (CLOCK - 60, CLOCK - 60))
    assert len(store_page(drop.feed(marker=None))[0]) == 1


def test_a_file_written_to_while_it_is_read_stops_and_comes_again(drop: Drop) -> None:
    path = drop.put("setl_152200_20260301.csv", rows(60_000))
    feed = drop.feed(limit=SMALL)
    pages = feed.fetch(None, first=None, last=None)
    first = next(pages)
    with path.open("ab") as file:
        file.write("S9999999\t,测试\r\n".encode("gb18030"))
    assert list(pages) == []
    feed.release(first)
    assert path.exists()
    os.utime(str(path) + ".ok", (CLOCK * 2, CLOCK * 2))
    again, _ = store_page(drop.feed(limit=SMALL))
    assert len(again) == again[0].parts
    assert again[0].request != first.request


def test_a_file_replaced_after_it_was_read_is_not_removed(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    feed = drop.feed()
    page = next(iter(feed.fetch(None, first=None, last=None)))
    drop.put("setl_152200_20260301.csv", rows(2))
    feed.release(page)
    assert [page.content for page in store_page(drop.feed())[0]] == [rows(2)]


# Totals

MARKERS = [
    (b"rows=123\namount=456.78\n", (FeedTotals(day=date(2026, 3, 1), rows=123, amount=45678),)),
    (
        b"\xef\xbb\xbfRows = 123 \r\nAmount=-4.5\r\nby=sys\r\n",
        (FeedTotals(day=date(2026, 3, 1), rows=123, amount=-450),),
    ),
    (b"rows=0", (FeedTotals(day=date(2026, 3, 1), rows=0),)),
    (b"rows=1\namount=about 7", (FeedTotals(day=date(2026, 3, 1), rows=1),)),
    (b"rows=1\namount=1e3", (FeedTotals(day=date(2026, 3, 1), rows=1),)),
    (b"", ()),
    (b"OK", ()),
    (b"amount=456.78", ()),
    (b"rows=-1", ()),
    (b"rows=1_0", ()),
    ("rows=１２".encode(), ()),
    (b"rows=" + b"9" * 5000, ()),
    (b"\xff\xfe\x00rows", ()),
    ("行数=3".encode("gb18030"), (FeedTotals(day=date(2026, 3, 1), rows=3),)),
    ("班次=3".encode("gb18030"), ()),
]


@pytest.mark.parametrize(("marker", "totals"), MARKERS, ids=range(len(MARKERS)))
def test_the_totals_a_marker_gives(drop: Drop, marker: bytes, totals: tuple[FeedTotals, ...]) -> None:
    drop.put("setl_152200_20260301.csv", rows(1), marker=marker)
    assert store_page(drop.feed())[0][0].totals == totals


def test_totals_are_told_once_for_all_parts(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(60_000), marker=b"rows=60000")
    pages, _ = store_page(drop.feed(limit=SMALL))
    assert len(pages) > 2
    assert [len(page.totals) for page in pages] == [1] + [0] * (len(pages) - 1)


# Large files


def test_a_large_file_comes_in_parts_with_its_header_and_goes_when_all_are_stored(drop: Drop) -> None:
    content = rows(60_000)
    path = drop.put("setl_152200_20260301.csv", content)
    feed = drop.feed(limit=SMALL)
    pages = list(feed.fetch(None, first=None, last=None))
    assert [page.part for page in pages] == list(range(1, len(pages) + 1))
    assert {page.parts for page in pages} == {len(pages)}
    assert all(page.content.startswith(HEADER) and len(page.content) <= SMALL for page in pages)
    assert b"".join([pages[0].content, *(page.content[len(HEADER) :] for page in pages[1:])]) == content
    for page in reversed(pages):
        assert path.exists()
        feed.release(page)
    assert drop.names() == []


def test_a_kept_large_file_is_remembered_only_with_its_last_part(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(60_000))
    pages = list(drop.feed(limit=SMALL, after="keep").fetch(None, first=None, last=None))
    again, _ = store_page(drop.feed(limit=SMALL, after="keep"), pages[-2].cursor)
    assert shapes(again) == shapes(pages)
    assert store_page(drop.feed(limit=SMALL, after="keep"), pages[-1].cursor)[0] == []


def test_memory_stays_flat_whatever_the_size(drop: Drop) -> None:
    path = drop.put("setl_152200_20260301.csv", b"", marker=None)
    with path.open("wb") as file:
        for _ in range(48):
            file.write(b"x" * 1000 + b"\n")
            file.write((b"y" * 1023 + b"\n") * 1024)
    Path(str(path) + ".ok").touch()
    tracemalloc.start()
    largest = max(len(page.content) for page in drop.feed().fetch(None, first=None, last=None))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 12 * 1024 * 1024 < largest <= MAX_PAGE_BYTES
    assert peak < 4 * MAX_PAGE_BYTES


# What else may lie there


def test_an_empty_file_is_a_page_too(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", b"")
    assert [page.content for page in store_page(drop.feed())[0]] == [b""]
    assert drop.names() == []


NOT_OURS = [
    "other_20260301.csv",
    "setl_152200_20260301.csv.gz",
    "setl_152200_20260301.CSV",
    "setl_152200_20260301.csv.tmp",
]


@pytest.mark.parametrize("name", NOT_OURS)
def test_other_names_are_left_alone(drop: Drop, name: str) -> None:
    drop.put(name, rows(1))
    assert store_page(drop.feed())[0] == []
    assert name in drop.names()


def test_links_folders_and_pipes_are_neither_followed_nor_opened(drop: Drop, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(rows(1))
    (drop.folder / "setl_152200_20260301.csv").symlink_to(tmp_path / "secret")
    (drop.folder / "setl_152200_20260302.csv").mkdir()
    os.mkfifo(drop.folder / "setl_152200_20260303.csv")
    (drop.folder / "setl_152200_20260304.csv").symlink_to(drop.folder)
    for day in range(1, 5):
        (drop.folder / f"setl_152200_2026030{day}.csv.ok").touch()
    assert store_page(drop.feed())[0] == []
    assert (tmp_path / "secret").exists()


def test_what_is_no_file_is_named_whatever_it_is_called(drop: Drop, tmp_path: Path) -> None:
    (drop.folder / "setl_152200_20260301.csv").symlink_to(tmp_path / "secret")
    (drop.folder / "setl_152200_20260302.csv.ok").symlink_to("/dev/null")
    (drop.folder / "archive").mkdir()
    os.mkfifo(drop.folder / "any name")
    waiting = {file.name: file.why for file in drop.feed().waiting()}
    assert waiting == {
        "setl_152200_20260301.csv": "link",
        "setl_152200_20260302.csv.ok": "link",
        "archive": "folder",
        "any name": "special",
    }


def test_the_folder_files_move_to_is_not_named(drop: Drop) -> None:
    moved_to = drop.folder / "done"
    moved_to.mkdir()
    assert drop.feed(after="move", moved_to=moved_to).waiting() == []


def test_a_link_that_takes_a_files_place_is_not_followed(drop: Drop, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(rows(9))
    drop.put("setl_152200_20260301.csv", rows(1))
    second = drop.put("setl_152200_20260302.csv", rows(2))
    pages = drop.feed().fetch(None, first=None, last=None)
    assert next(pages).content == rows(1)
    second.unlink()
    second.symlink_to(tmp_path / "secret")
    with pytest.raises(Unavailable, match="1 个文件不可读"):
        next(pages)


def test_a_file_that_vanishes_is_nobodys_error(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    drop.put("setl_152200_20260302.csv", rows(2)).with_suffix(".csv")
    pages = drop.feed().fetch(None, first=None, last=None)
    next(pages)
    (drop.folder / "setl_152200_20260302.csv").unlink()
    assert list(pages) == []


def test_an_unreadable_file_is_told_after_the_others_are_taken(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    drop.put("setl_152200_20260302.csv", rows(2))
    really_open = os.open

    def refusing(path: Any, *given: Any, **more: Any) -> int:
        if str(path).endswith("0301.csv"):
            raise PermissionError(13, "Permission denied")
        return really_open(path, *given, **more)

    # Tests may run as root, whom no file mode stops, so the system's answer is put in its place.
    monkeypatch.setattr(os, "open", refusing)
    pages = drop.feed().fetch(None, first=None, last=None)
    assert next(pages).content == rows(2)
    with pytest.raises(Unavailable, match="1 个文件不可读"):
        next(pages)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"目录不可读.*请建立目录.*missing"):
        list(drop_folder(folder=tmp_path / "missing", pattern="*.csv").fetch(None, first=None, last=None))


def test_a_name_written_in_cp936_is_read(drop: Drop) -> None:
    drop.put("医保每日对账20260301.txt".encode("gb18030"), rows(1))
    pages, _ = store_page(drop.feed(pattern="医保每日对账*.txt"))
    assert [(page.source, page.day) for page in pages] == [("医保每日对账20260301.txt", date(2026, 3, 1))]
    assert drop.names() == []


NAMES = [
    ("setl_152200_*.csv", "%Y%m%d", "setl_152200_20260301.csv", date(2026, 3, 1)),
    ("setl_*.csv", "%Y%m%d", "setl_152200_20260301_v2.csv", date(2026, 3, 1)),
    ("*.csv", "%Y-%m-%d", "setl-152200-2026-03-01.csv", date(2026, 3, 1)),
    ("setl_????.csv", "%Y%m%d", "setl_2026.csv", None),
    ("*.csv", "%d.%m.%Y", "x01.03.2026.csv", date(2026, 3, 1)),
    ("setl_*.csv", "%Y%m%d", "setl_20260301120000.csv", date(2026, 3, 1)),
    ("setl_*.csv", "%Y%m%d", "setl_99999999_20260301.csv", date(2026, 3, 1)),
    ("setl_*.csv", "%Y%m%d", "setl_2026-03-01.csv", None),
    ("setl_*.csv", "%Y%m%d", "setl_２０２６０３０１.csv", None),
    ("day.csv", "%Y%m%d", "day.csv", None),
    ("a[1].csv", "%Y%m%d", "a[1].csv", None),
]


@pytest.mark.parametrize(("pattern", "day_format", "name", "day"), NAMES)
def test_the_day_in_a_name(drop: Drop, pattern: str, day_format: str, name: str, day: date | None) -> None:
    drop.put(name, rows(1))
    pages, _ = store_page(drop.feed(pattern=pattern, day_format=day_format))
    assert [page.day for page in pages] == [day]


def test_a_file_without_a_day_is_never_filtered_away(drop: Drop) -> None:
    drop.put("setl_152200_final.csv", rows(1), marker=b"rows=1")
    pages, _ = store_page(drop.feed(), first=date(2026, 3, 1), last=date(2026, 3, 1))
    assert [(page.day, page.totals) for page in pages] == [(None, ())]


# Letting go


def test_deleting_takes_the_marker_too(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    drop.put("other.csv", rows(1), marker=None)
    store_page(drop.feed())
    assert drop.names() == ["other.csv"]


def test_moving_keeps_every_edition(drop: Drop) -> None:
    done = drop.folder.parent / "done"
    for count in (1, 2):
        drop.put("setl_152200_20260301.csv", rows(count))
        store_page(drop.feed(after="move", moved_to=done))
    assert drop.names() == []
    assert (done / "setl_152200_20260301.csv").read_bytes() == rows(1)
    assert (done / "setl_152200_20260301.csv.2").read_bytes() == rows(2)


def test_a_stored_file_that_cannot_be_removed_is_told(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    (drop.folder.parent / "done").write_bytes(b"in the way")
    feed = drop.feed(after="move", moved_to=drop.folder.parent / "done")
    with pytest.raises(Unavailable, match="已入库文件无法移除"):
        store_page(feed)
    assert "setl_152200_20260301.csv" in drop.names()


def test_keeping_remembers_only_what_still_lies_there(drop: Drop) -> None:
    path = drop.put("setl_152200_20260301.csv", rows(1))
    drop.put("setl_152200_20260302.csv", rows(2))
    _, cursor = store_page(drop.feed(after="keep"))
    path.unlink()
    drop.put("setl_152200_20260303.csv", rows(3))
    _, cursor = store_page(drop.feed(after="keep"), cursor)
    assert sorted(json.loads(cursor or "")) == ["setl_152200_20260302.csv", "setl_152200_20260303.csv"]


def test_a_name_is_remembered_as_it_is_kept_also_one_that_was_remembered_plainly(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    _, plain = store_page(drop.feed(after="keep"))
    assert store_page(drop.feed(after="keep", kept_name=str.upper), plain)[0] == []
    drop.put("setl_152200_20260302.csv", rows(2))
    pages, cursor = store_page(drop.feed(after="keep", kept_name=str.upper), plain)
    assert len(pages) == 1
    assert sorted(json.loads(cursor or "")) == ["SETL_152200_20260301.CSV", "SETL_152200_20260302.CSV"]


def test_a_touched_file_with_the_same_content_is_no_news(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    _, cursor = store_page(drop.feed(after="keep"))
    drop.put("setl_152200_20260301.csv", rows(1))
    assert store_page(drop.feed(after="keep"), cursor)[0] == []


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"a":1}', '{"a":["x"]}', "[" * 5000])
def test_a_cursor_that_cannot_be_read_is_an_empty_memory(drop: Drop, cursor: str) -> None:
    drop.put("setl_152200_20260301.csv", rows(1))
    assert len(store_page(drop.feed(after="keep"), cursor)[0]) == 1


WRONG = [
    {"after": "move"},
    {"pattern": "sub/*.csv"},
    {"pattern": "../*.csv"},
    {"pattern": ""},
    {"day_format": "%y%m%d"},
    {"day_format": "%Y%m"},
    {"day_format": "%Y%m%d%H"},
]


@pytest.mark.parametrize("options", WRONG)
def test_options_that_cannot_be(drop: Drop, options: dict[str, Any]) -> None:
    with pytest.raises(WrongUse):
        drop.feed(**options)


def test_files_cannot_be_moved_to_where_they_are(drop: Drop) -> None:
    with pytest.raises(WrongUse):
        drop.feed(after="move", moved_to=drop.folder / ".")


def test_reading_stops_cleanly_when_the_caller_does(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", rows(60_000))
    pages: Iterator[Fetched] = drop.feed(limit=SMALL).fetch(None, first=None, last=None)
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    assert len(store_page(drop.feed(limit=SMALL))[0]) > 2


def test_a_file_without_a_header_line_has_each_of_its_lines_once(drop: Drop) -> None:
    content = rows(60_000)
    drop.put("setl_152200_20260301.csv", content)
    pages, _ = store_page(drop.feed(limit=SMALL, with_header=False))
    assert len(pages) > 1
    assert b"".join(page.content for page in pages) == content


def test_a_file_too_large_for_a_page_that_cannot_be_cut_stays_and_is_told(drop: Drop) -> None:
    drop.put("setl_152200_20260301.csv", bytes(SMALL + 1))
    drop.put("setl_152200_20260302.csv", rows(3))
    feed = drop.feed(limit=SMALL, rows=FileRows(by="whole"))
    contents = []
    with pytest.raises(Unavailable, match=r"setl_152200_20260301\.csv.*too large"):
        for page in feed.fetch(None, first=None, last=None):
            contents.append(page.content)
    assert contents == [rows(3)]
    assert "setl_152200_20260301.csv" in drop.names()
