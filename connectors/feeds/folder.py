"""Files dropped in a folder: one page per file, or per part of a large one.

A file is taken once it is complete: its marker exists and is not older than the file, or, where the feed has
no markers, it has lain still for a while. What identifies a page is file name, content digest and
part, so a file that is replaced by a corrected one of the same name is a new page, and a file read again
after a crash is the same page. Symbolic links, subfolders and devices are never followed or opened.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final, Literal, Protocol, cast

import msgspec

from connectors.transport.control import read_control
from connectors.transport.parts import FileCuts, plan_file, read_parts
from connectors.transport.places import BadArchive, DropPlace, Entry, local_place
from gateway.errors import Unavailable, WrongUse
from gateway.model.clock import SHANGHAI
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched, Notice, WaitingFile, WhyWaiting
from gateway.ports import ConnectorSpec, FolderOption, PullWay, SiteFolder, Surroundings

LONG_NUMBER = re.compile(r"[0-9]{14,}[0-9Xx]?")
"""What may be a person's number in the name of a file."""

_MARKER_BYTES = 4096
_MOST_REMEMBERED = 5000


class DroppedFile(msgspec.Struct, frozen=True):
    """A complete file, its marker, and the day its name gives."""

    file: Entry
    marker: Entry | None
    day: date | None

    def is_within(self, first: date | None, last: date | None) -> bool:
        """Whether its day is asked for; without a day it always is, since nothing else will ask for it."""
        if self.day is None:
            return True
        return (first is None or first <= self.day) and (last is None or self.day <= last)

    def place(self) -> tuple[date, int, str]:
        """Where it stands among the others: day, time of change, name."""
        return self.day or date.min, self.file.identity.changed, self.file.shown


class _HandedOut(msgspec.Struct):
    """A file of which pages were handed out: it may go once all of them are released."""

    dropped: DroppedFile
    left: set[int]


class _Content(msgspec.Struct, frozen=True):
    """What a file holds under a name, or is itself, and where it is cut."""

    inner: str
    stream: BinaryIO
    plan: FileCuts


def _digest_of(contents: list[_Content]) -> str:
    """One digest of all that a file holds; of a file that is its own content, that of its bytes."""
    if [content.inner for content in contents] == [""]:
        return contents[0].plan.digest
    return sha256("".join(f"{content.inner}\0{content.plan.digest}\n" for content in contents).encode()).hexdigest()


class DropOptions(Protocol):
    """What the spec of every drop of files says of them. Without a `marker` a file must lie still for a while."""

    @property
    def pattern(self) -> str: ...

    @property
    def day_format(self) -> str: ...

    @property
    def marker(self) -> str | None: ...

    @property
    def after(self) -> Literal["delete", "move", "keep"]: ...


class FileDrop:
    """A PullFeed over a place where files are dropped. `quiet_seconds` goes with no marker.

    `clock` is in Unix seconds and compared with the times of files: the system's own, whatever the site's clock says.
    """

    resumes: ClassVar[bool] = False
    """Whether a file that was read in part is gone on with behind its last stored part."""

    def __init__(
        self,
        spec: DropOptions,
        around: Surroundings,
        place: DropPlace,
        *,
        quiet_seconds: float = 60,
        clock: Callable[[], float] = time.time,
        limit: int = MAX_PAGE_BYTES,
    ) -> None:
        self.name, self._place = around.name, place
        self._pattern, self._day = name_pattern(spec.pattern), _Day(spec.day_format)
        self._marker, self._after = spec.marker or None, spec.after
        self._rows, self._quiet_seconds, self._limit = around.rows, quiet_seconds, limit
        self._clock, self._kept_name = clock, around.kept_name
        self._handed_out: dict[str, _HandedOut] = {}
        self._notices: list[Notice] = []

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """The pages of all complete files of these days, oldest day first. Raises Unavailable."""
        memory = _Memory.read(cursor, self._kept_name) if self._after == "keep" or self.resumes else None
        entries, unreadable, refused = self._listed(), 0, list[str]()
        self._notices.clear()
        if memory is not None:
            memory.forget_all_but(entries)
        dropped_files = filter(None, (self._dropped(entry, entries) for entry in entries.values()))
        # By day; within a day as they came, so that a correction stands after what it corrects.
        for dropped in sorted(dropped_files, key=DroppedFile.place):
            if dropped.is_within(first, last):
                try:
                    yield from self._pages(dropped, memory, cursor)
                except FileNotFoundError:
                    continue  # The file was taken away after we listed it.
                except BadArchive as bad:
                    refused.append(f"{LONG_NUMBER.sub('***', dropped.file.shown)}：{bad}")
                except OSError:
                    unreadable += 1
        if refused:
            raise Unavailable(f"{self.name}: {'；'.join(refused[:20])}")
        if unreadable:
            raise Unavailable(f"{self.name}: {unreadable} 个文件不可读 ({unreadable} files cannot be read)")

    def release(self, fetched: Fetched) -> None:
        """Note that a page is stored; once all of its file's pages are, the file goes. Raises Unavailable."""
        key = fetched.request.rpartition(":")[0]
        read = self._handed_out.get(key)
        if read is None:
            return
        read.left.discard(fetched.part)
        if not read.left:
            del self._handed_out[key]
            self._dispose(read.dropped)

    def notices(self) -> Sequence[Notice]:
        """What the last run found in its files and did not take in."""
        return self._notices

    def waiting(self) -> list[WaitingFile]:
        """What lies in the folder and is not taken in, and why. Raises Unavailable."""
        entries = self._listed()
        waiting = self._place.others()
        waiting += [
            (entry.shown, why, entry.identity.changed / 1e9)
            for entry in entries.values()
            if (why := self._why_waiting(entry, entries)) is not None
        ]
        return [
            WaitingFile(name=name, why=cast(WhyWaiting, why), since=datetime.fromtimestamp(since, tz=SHANGHAI))
            for name, why, since in waiting
        ]

    def _why_waiting(self, entry: Entry, entries: dict[str, Entry]) -> WhyWaiting | None:
        """Why an entry is not taken in; None for one that is or was, and for its marker."""
        if self._marker and entry.name.lower().endswith(self._marker.lower()):
            announced = entry.name[: -len(self._marker)]
            is_there = any(_stem(name) == announced or name == announced for name in entries if name != entry.name)
            return None if is_there else "marker_alone"
        if self._pattern.fullmatch(entry.shown) is None:
            return "case" if self._means(entry.shown) else "pattern"
        if self._dropped(entry, entries) is not None:
            return None
        if self._marker is None:
            return "still"
        in_any_case = {name.lower() for name in entries}
        names = (f"{stem}{self._marker}".lower() for stem in (entry.name, _stem(entry.name)))
        reason: WhyWaiting = "marker_case" if any(name in in_any_case for name in names) else "no_marker"
        return reason if self._marker_of(entry, entries) is None else "marker_old"

    def _means(self, shown: str) -> bool:
        """Whether the pattern means this name, but for upper and lower case."""
        return re.fullmatch(self._pattern.pattern, shown, self._pattern.flags | re.IGNORECASE) is not None

    # Finding

    def _dropped(self, entry: Entry, entries: dict[str, Entry]) -> DroppedFile | None:
        """The file of an entry, once it is complete; None for a marker and for what the pattern does not mean."""
        matched = self._pattern.fullmatch(entry.shown)
        if matched is None or (self._marker and entry.name.endswith(self._marker)):
            return None
        marker = None
        if self._marker is None:
            complete = self._lies_still(entry)
        else:
            marker = self._marker_of(entry, entries)
            # A marker older than its file belongs to the edition that is being replaced right now.
            complete = marker is not None and marker.identity.changed >= entry.identity.changed
        return DroppedFile(entry, marker, self._day.find(matched.groups())) if complete else None

    def _marker_of(self, entry: Entry, entries: dict[str, Entry]) -> Entry | None:
        """The marker of a file: `x.csv.ok`, or `x.ok` as some senders write it."""
        return entries.get(f"{entry.name}{self._marker}") or entries.get(f"{_stem(entry.name)}{self._marker}")

    # Reading

    def _pages(self, dropped: DroppedFile, memory: _Memory | None, cursor: str | None) -> Iterator[Fetched]:
        stays = memory if self._after == "keep" else None
        if stays is not None and stays.has_read(dropped.file):
            return
        with self._place.open(dropped.file) as file, self._contents(file, dropped.file.shown) as contents:
            plans = [_Content(inner, stream, self._planned(stream, dropped)) for inner, stream in contents]
            digest = _digest_of(plans)
            if stays is not None and not stays.is_new(dropped.file, digest):
                return
            if self._place.is_unchanged(file, dropped.file):
                yield from self._parts(file, plans, digest, dropped, memory, cursor)

    @contextmanager
    def _contents(self, file: BinaryIO, shown: str) -> Iterator[list[tuple[str, BinaryIO]]]:
        """What a file holds, each with its name inside: here the file itself. Raises OSError."""
        yield [("", file)]

    def _planned(self, stream: BinaryIO, dropped: DroppedFile) -> FileCuts:
        """Where a file's content is cut into pages. Raises OSError."""
        return plan_file(stream, self._rows, limit=self._limit)

    def _parts(
        self,
        file: BinaryIO,
        plans: list[_Content],
        digest: str,
        dropped: DroppedFile,
        memory: _Memory | None,
        cursor: str | None,
    ) -> Iterator[Fetched]:
        parts = sum(content.plan.parts for content in plans)
        totals = self._totals(dropped)
        # A league may take a correction back byte for byte: what was dropped anew is a new page, what a crash
        # left in the folder is the old one.
        dropping = f"{dropped.file.identity.changed:x}-{dropped.file.identity.inode:x}"
        stem = f"file:{dropped.file.shown}:{digest}:{dropping}"
        behind = memory.parts_read(stem) if memory is not None and self.resumes else 0
        if behind == parts:
            self._dispose(dropped)
            return
        self._handed_out[stem] = _HandedOut(dropped, set(range(behind + 1, parts + 1)))
        every_part = chain.from_iterable(read_parts(content.stream, content.plan, behind=behind) for content in plans)
        for part, page in enumerate(every_part, start=behind + 1):
            if not self._place.is_unchanged(file, dropped.file):
                return  # It is being written to: the new content comes as a new page when it is complete.
            if memory is not None:
                if self.resumes:
                    memory.go_on(stem, part)
                is_read = part == parts and self._after == "keep"
                cursor = memory.after(dropped.file, digest) if is_read else memory.text()
            yield Fetched(
                content=page,
                request=f"{stem}:{part}/{parts}",
                cursor=cursor,
                day=dropped.day,
                source=dropped.file.shown,
                part=part,
                parts=parts,
                # The totals are the file's, so they are told once.
                totals=totals if part == 1 else (),
            )

    def _totals(self, dropped: DroppedFile) -> tuple[FeedTotals, ...]:
        """What the marker says its file holds; what it names and cannot be read is a notice."""
        if dropped.marker is None or dropped.day is None:
            return ()
        with self._place.open(dropped.marker) as file:
            control = read_control(file.read(_MARKER_BYTES))
        if control.unreadable:
            shown = LONG_NUMBER.sub("***", dropped.marker.shown)
            self._notices.append(Notice(kind="totals_unreadable", count=1, detail=shown))
        if control.rows is None:
            return ()
        return (FeedTotals(day=dropped.day, rows=control.rows, amount=control.amount),)

    # Letting go

    def _dispose(self, dropped: DroppedFile) -> None:
        if self._after == "keep":
            return
        try:
            # The file first: a marker alone is harmless, a file without one would stay for ever.
            for entry in (dropped.file, dropped.marker):
                if entry is not None and self._place.is_still(entry):
                    self._place.remove(entry)
        except OSError as error:
            raise Unavailable(
                f"{self.name}: 已入库文件无法移除 (a stored file cannot be removed): {error.strerror}"
            ) from error

    def _listed(self) -> dict[str, Entry]:
        """What lies there. Raises Unavailable."""
        return self._place.entries()

    def _lies_still(self, entry: Entry) -> bool:
        """Whether a file without a marker has not been written to for a while."""
        return self._clock() - entry.identity.changed / 1e9 >= self._quiet_seconds


def _mark_of(stem: str) -> str:
    return sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _stem(name: str) -> str:
    """A file name without its ending."""
    return os.path.splitext(name)[0]  # noqa: PTH122 - a name may hold bytes that are no text.


def name_pattern(text: str) -> re.Pattern[str]:
    """`*` for any text, `?` for one character, all else as written; what they stand for is captured."""
    if "/" in text or not text:
        raise WrongUse("pattern 是文件名模式，不含路径 (pattern is a file name, without folders)")
    wild = {"*": "(.*)", "?": "(.)"}
    return re.compile("".join(wild.get(char) or re.escape(char) for char in text), re.DOTALL)


_DIGITS = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}"}


class _Day:
    """Finds the day a file name gives, by a format of %Y, %m and %d."""

    def __init__(self, text: str) -> None:
        tokens = re.findall(r"%.|[^%]+", text)
        if sorted(token for token in tokens if token.startswith("%")) != ["%Y", "%d", "%m"]:
            raise WrongUse("day_format 由 %Y、%m、%d 各一次组成 (day_format has %Y, %m and %d once each)")
        self._format = text
        self._shape = re.compile("".join(_DIGITS.get(token) or re.escape(token) for token in tokens))

    def find(self, texts: Iterable[str]) -> date | None:
        """The first day in what the pattern's wildcards stand for; None when there is none."""
        for text in texts:
            for digits in self._shape.finditer(text):
                try:
                    return datetime.strptime(digits[0], self._format).date()  # noqa: DTZ007
                except ValueError:
                    continue
        return None


class _Memory:
    """What a folder whose files stay has been read of: name as it is kept → digest, size and time of change. Under a
    name no file has stands the one that is being read: its mark, and how many parts of it are stored."""

    _BEGUN: Final = ""

    def __init__(self, read: dict[str, tuple[str, int, int]]) -> None:
        self._read = read

    @classmethod
    def read(cls, cursor: str | None, kept_name: Callable[[str], str]) -> _Memory:
        """From a cursor; an unreadable one is an empty memory, and the same pages come out again. Older releases wrote
        names as they are."""
        try:
            read = msgspec.json.decode(cursor or "{}", type=dict[str, tuple[str, int, int]])
        except (msgspec.DecodeError, RecursionError):
            return cls({})
        return cls({kept_name(name): seen for name, seen in read.items()})

    def forget_all_but(self, entries: dict[str, Entry]) -> None:
        present = {self._BEGUN, *(entry.kept for entry in entries.values())}
        self._read = {name: seen for name, seen in self._read.items() if name in present}

    def has_read(self, entry: Entry) -> bool:
        seen = self._read.get(entry.kept)
        return seen is not None and seen[1:] == (entry.identity.size, entry.identity.changed)

    def is_new(self, entry: Entry, digest: str) -> bool:
        seen = self._read.get(entry.kept)
        return seen is None or seen[0] != digest[:32]

    def parts_read(self, stem: str) -> int:
        """How many parts of this file are stored, where it is the one that was being read."""
        mark, parts, _ = self._read.get(self._BEGUN, ("", 0, 0))
        return parts if mark == _mark_of(stem) else 0

    def go_on(self, stem: str, part: int) -> None:
        """So many parts of this file are stored."""
        self._read[self._BEGUN] = (_mark_of(stem), part, 0)

    def after(self, entry: Entry, digest: str) -> str:
        """The cursor once this file is read, too."""
        self._read.pop(entry.kept, None)
        self._read[entry.kept] = (digest[:32], entry.identity.size, entry.identity.changed)
        while len(self._read) > _MOST_REMEMBERED:
            del self._read[next(iter(self._read))]
        return self.text()

    def text(self) -> str:
        return msgspec.json.encode(self._read).decode("utf-8")


class FolderSpec(ConnectorSpec, frozen=True, kw_only=True):
    """Files dropped in a folder. `marker` is the suffix of the file that says another one is complete."""

    folder: SiteFolder
    pattern: str
    day_format: str = "%Y%m%d"
    marker: str | None = ".ok"
    after: Literal["delete", "move", "keep"] = "delete"
    moved_to: SiteFolder | None = None

    def folders(self) -> Sequence[FolderOption]:
        """The folder files are dropped in; the other is made when the first file moves there."""
        return [FolderOption("folder", self.folder)]

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when the folder is not there."""
        return [] if (site / self.folder).is_dir() else [f"目录 {self.folder} 不存在 (the folder does not exist)"]


class Folder(FileDrop):
    """A PullFeed over a folder of this machine. `moved_to` goes with `after = "move"`."""

    def __init__(self, spec: FolderSpec, around: Surroundings, **options: Any) -> None:
        super().__init__(spec, around, local_place(spec, around), **options)


WAY = PullWay(spec=FolderSpec, make=Folder)
