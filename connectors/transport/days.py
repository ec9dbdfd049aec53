"""A league that is asked day by day: which days to read again, what of them is new, and what is owed.

Every day is read as a whole and handed on as a whole, again whenever what it says has changed: a correction of an
earlier day is booked where it belongs, and with `replaces = "file"` what a day no longer holds is taken back. A day
that could not be read is owed: it is asked for again the next night, and the days behind it do not wait for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from connectors.transport.answers import QuarantinedAnswer
from connectors.transport.http import QUICK_WAIT_SECONDS
from gateway.errors import NotAuthentic, Unavailable, WrongUse
from gateway.model.bundle import Call, bundle_of
from gateway.model.clock import SHANGHAI
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched
from gateway.ports import Surroundings

_OUTAGE_AFTER: Final = 3
_MOST_OWED: Final = 400
_CALL_OVERHEAD: Final = 512


class DayContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a league tells of one day. `digest` is of what it says, without what differs in every answer; `complaint`:
    what is wrong with the day although it was read, "" for nothing. A day that is not `whole` is asked for again."""

    pages: Sequence[bytes]
    digest: str
    totals: tuple[FeedTotals, ...] = ()
    complaint: str = ""
    whole: bool = True


class DayMemory(msgspec.Struct):
    """The cursor: runs so far, the last day read, the days owed, and what each recent day said."""

    run: int = 0
    until: date | None = None
    owed: list[date] = []
    seen: dict[str, str] = {}

    @classmethod
    def read(cls, cursor: str | None) -> DayMemory:
        """From a cursor; an unreadable one is a new beginning, and the same days come out again."""
        try:
            return msgspec.json.decode(cursor or "{}", type=DayMemory)
        except (msgspec.DecodeError, RecursionError):
            return DayMemory()

    def text(self) -> str:
        """As a cursor."""
        return msgspec.json.encode(self).decode()

    def days_to_read(self, today: date, *, first_days: int, overlap_days: int) -> list[date]:
        """Those behind the last one read up to yesterday, the overlap before it, and what is owed."""
        begin = today - timedelta(days=first_days)
        if self.until is not None:
            begin = max(begin, self.until - timedelta(days=overlap_days - 1))
        return sorted({*days_between(begin, today - timedelta(days=1)), *self.owed})

    def owe(self, day: date) -> None:
        """A day that was not read to its end."""
        self.owed = sorted({*self.owed, day})[-_MOST_OWED:]

    def note(self, day: date, content: DayContent, *, yesterday: date, overlap_days: int) -> bool:
        """Remember a day; whether it says what it did not say before."""
        self.owed = [owed for owed in self.owed if owed != day]
        if not content.whole:
            self.owe(day)
        if not content.pages or self.seen.get(day.isoformat()) == content.digest:
            return False
        # A day that is not over yet is read again, whatever the overlap.
        self.until = max(self.until or day, min(day, yesterday))
        oldest = (self.until - timedelta(days=overlap_days)).isoformat()
        self.seen = {name: digest for name, digest in self.seen.items() if name >= oldest}
        if day.isoformat() >= oldest:
            self.seen[day.isoformat()] = content.digest
        return True

    def set_back(self, day: date) -> None:
        """Owe every day from this one on that was read, and forget what it said."""
        if self.until is not None:
            self.owed = sorted({*self.owed, *days_between(day, self.until)})[-_MOST_OWED:]
            self.seen = {name: digest for name, digest in self.seen.items() if name < day.isoformat()}


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last; none where the last comes before."""
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def digest_of(rows: Sequence[Any]) -> str:
    """A digest of what these rows say, in whatever order they came."""
    return hashlib.sha256(b"".join(sorted(map(row_digest, rows)))).hexdigest()[:32]


def row_digest(row: Any) -> bytes:
    """A digest of one row's names and values."""
    return hashlib.sha256(msgspec.json.encode(row, order="sorted")).digest()[:16]


def bundles_of(calls: Sequence[Call]) -> list[bytes]:
    """Calls as pages of a day, as few as hold them. Raises Unavailable for a reply that fits no page."""
    pages: list[bytes] = []
    page: list[Call] = []
    room = MAX_PAGE_BYTES - 1024
    for call in calls:
        size = len(call.reply) + _CALL_OVERHEAD
        if size > MAX_PAGE_BYTES - 1024:
            raise Unavailable("broken_reply: 答复过大 (the reply is too large)")
        if size > room:
            pages.append(bundle_of(page))
            page, room = [], MAX_PAGE_BYTES - 1024
        page.append(call)
        room -= size
    return [*pages, bundle_of(page)]


ReadDay = Callable[[date], DayContent]


class AskedByDay:
    """What every connector that is asked by day can do with its cursor; see `gateway.ports.SetsBack`."""

    def reached(self, cursor: str | None) -> date | None:
        """The last day that was read."""
        return DayMemory.read(cursor).until

    def set_back(self, cursor: str | None, day: date) -> str:
        """The cursor with which the days from this one on are read again. Raises WrongUse for more than are kept."""
        memory = DayMemory.read(cursor)
        if memory.until is not None and (memory.until - day).days >= _MOST_OWED:
            raise WrongUse(f"一次最多退回{_MOST_OWED}天 (at most so many days at once)")
        memory.set_back(day)
        return memory.text()


class Days:
    """Walks the days of one feed. Every connector that is asked by day has one."""

    def __init__(self, around: Surroundings, *, infno: str) -> None:
        self._name, self._infno, self._clock = around.name, infno, around.clock
        self._first_days, self._overlap_days = around.first_days, around.overlap_days

    def fetch(self, read: ReadDay, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """The days that say something new, oldest first; see `gateway.ports.PullFeed`.

        Raises Refused at once, and Unavailable when the line is down, or at the end where days are owed or something is
        wrong with them.
        """
        memory, today = DayMemory.read(cursor), self._clock().astimezone(SHANGHAI).date()
        memory.run += 1
        days = memory.days_to_read(today, first_days=self._first_days, overlap_days=self._overlap_days)
        if first is not None or last is not None:
            days = days_between(first or days[0], min(last or today - timedelta(days=1), today))
        troubles: list[str] = []
        outages = 0
        for day in days:
            try:
                content = read(day)
            except QuarantinedAnswer as answer:
                content = DayContent(pages=[answer.raw], digest=str(answer), complaint=str(answer), whole=False)
            except NotAuthentic as error:
                content = DayContent(pages=(), digest="", complaint=str(error), whole=False)
            except Unavailable as error:
                troubles.append(str(error))
                outages += 1
                memory.owe(day)
                if outages >= _OUTAGE_AFTER or (error.retry_after or 0) > QUICK_WAIT_SECONDS:
                    raise Unavailable(f"{self._name}: {error}", retry_after=error.retry_after) from error
                continue
            outages = 0
            troubles += [content.complaint] if content.complaint else []
            yield from self.new_pages(memory, day, content, yesterday=today - timedelta(days=1))
        if troubles:
            reasons = "；".join(dict.fromkeys(troubles))
            raise Unavailable(f"{self._name}: {len(troubles)} 天有问题 (days with trouble): {reasons}")

    def new_pages(self, memory: DayMemory, day: date, content: DayContent, *, yesterday: date) -> Iterator[Fetched]:
        """A day's pages where it says what it did not say before; the cursor moves with the last one."""
        before, parts = memory.text(), len(content.pages)
        if not memory.note(day, content, yesterday=yesterday, overlap_days=self._overlap_days):
            return
        for part, page in enumerate(content.pages, start=1):
            yield Fetched(
                content=page,
                # The run's number: a day that says again what it said two nights ago is news, and a page of its own.
                request=f"{self._infno}:{day.isoformat()}:{memory.run}:{part}/{parts}",
                cursor=memory.text() if part == parts else before,
                day=day,
                source=day.isoformat(),
                part=part,
                parts=parts,
                totals=content.totals if part == 1 else (),
            )
