"""Pages may be worked in any order and by several workers: the end is that of the order received.

Each night is checked twice: worked in order it must be what a naive reading of the rules says, and worked in a
shuffled order by up to three threads it must be the same night.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    Who,
    adds_up,
    empty,
    enrolled,
    in_batches,
    keep_page,
    page,
    records,
    row,
    rows_of,
    truth,
    who,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

MEMBERS = (1, 2)
STAYS = {
    "S1": ("2021-07-01", "2021-07-05"),
    "S2": ("2021-07-20", "2021-07-29"),
    "S3": ("2021-09-01", "2021-09-05"),
}


class Line(msgspec.Struct, frozen=True):
    """A row to be: whose (0 names nobody, 7 a stranger, -1 person 1 under another name), of which settlement."""

    number: str
    person: int
    refund: bool = False
    more: bool = False
    bad: bool = False


class Bench:
    """An office that hypothesis can print."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def __repr__(self) -> str:
        return "a site"


class Night(msgspec.Struct, frozen=True):
    """Pages in the order received, each of a feed; the order they are worked in, by how many, in which batches."""

    pages: tuple[tuple[str, tuple[Line, ...]], ...]
    order: tuple[int, ...]
    threads: int
    size: int = 2000


@st.composite
def nights(draw: st.DrawFn) -> Night:
    # A feed's refunds of one settlement name somebody, or cannot be read (S1 and S2), or name nobody (S3): whether one
    # that names nobody stands against one in doubt depends on whether it has joined its settlement yet.
    named = st.builds(
        Line,
        number=st.sampled_from(tuple(STAYS)),
        person=st.sampled_from((1, 1, 1, 2, 7, -1)),
        refund=st.sampled_from((False, False, True)),
        more=st.booleans(),
        bad=st.sampled_from((False, False, False, True)),
    ).filter(lambda line: not (line.refund and line.number == "S3"))
    nameless = st.just(Line("S3", 0, refund=True))
    unread = st.builds(
        Line, number=st.sampled_from(("S1", "S2")), person=st.just(0), refund=st.just(True), bad=st.just(True)
    )
    lines = st.lists(st.one_of(named, named, named, nameless, nameless, unread), min_size=1, max_size=4).map(tuple)
    some = draw(st.lists(st.tuples(st.sampled_from(("east", "east", "west")), lines), min_size=2, max_size=5))
    order = draw(st.permutations(range(len(some))))
    return Night(tuple(some), tuple(order), draw(st.integers(1, 3)), draw(st.sampled_from((1, 2, 2000))))


def as_row(line: Line) -> dict[str, Any]:
    person: Who | None = who(abs(line.person)) if line.person else None
    if line.person < 0:
        person = Who("完全不同", who(1).id_number)
    first, last = STAYS[line.number]
    scope = "16000.00" if line.more else "15000.00"
    dates = {"begndate": "不详" if line.bad else first, "enddate": last, "setl_time": f"{last} 10:00:00"}
    return row(line.number, person, refund=line.refund, inscp_scp_amt=scope, **dates)


# ── what should be, read naively from the rules ──


class Seen(msgspec.Struct):
    """A row as received, and what becomes of it; `first`: where its number came first as the same person's."""

    feed: str
    place: tuple[int, int]
    line: Line
    kind: str = "stranger"
    person: int = 0
    first: tuple[int, int] = (0, 0)


def expected(night: Night) -> list[Seen]:
    rows = [
        read(feed, (at, index), line)
        for at, (feed, lines) in enumerate(night.pages)
        for index, line in enumerate(lines)
    ]
    by_key: dict[tuple[str, str, bool], list[Seen]] = {}
    for each in rows:
        by_key.setdefault((each.feed, each.line.number, each.line.refund), []).append(each)
    standing = {key: fold(of_key) for key, of_key in by_key.items()}
    for each in standing.values():
        original = standing.get((each.feed, each.line.number, False))
        if (each.line.person, each.kind) == (0, "stranger") and original is not None and original.kind == "member":
            each.kind, each.person = "member", original.person
    find_duplicates([each for each in standing.values() if each.kind == "member"])
    return rows


def read(feed: str, place: tuple[int, int], line: Line) -> Seen:
    """A row by itself, before any other is looked at."""
    seen = Seen(feed, place, line, first=place)
    if line.person == -1:
        seen.kind = "review"
    elif line.person in (*MEMBERS, 0) and line.bad:
        # A refund that names nobody may be a member's, so a person sees what is wrong with it.
        seen.kind = "quarantined"
    elif line.person in MEMBERS:
        seen.kind, seen.person = "member", line.person
    return seen


def fold(rows: list[Seen]) -> Seen:
    """The row of one number and sign that stands: the last one, but a member's yields only to one that is certainly
    the same person's (all here are settled at one moment). Of what may not replace it the last one waits: in
    quarantine where it cannot be read, else as a question."""
    standing, *later = rows
    waiting: list[Seen] = []
    for each in later:
        same = each.person == standing.person
        if standing.kind == "member" and not (each.kind == "member" and same):
            waiting.append(each)
            continue
        if standing.kind == each.kind == "member":
            each.first = standing.first
        for replaced in (standing, *waiting):
            replaced.kind = "superseded"
        standing, waiting = each, []
    for replaced in waiting[:-1]:
        replaced.kind = "superseded"
    if waiting and waiting[-1].kind != "quarantined":
        waiting[-1].kind = "review"
    return standing


def find_duplicates(members: list[Seen]) -> None:
    for each in members:
        same = [
            other
            for other in members
            if (other.person, other.line.number, other.line.refund) == (each.person, each.line.number, each.line.refund)
        ]
        if min(same, key=lambda one: one.first).feed != each.feed:
            each.kind = "duplicate"


# ── what is ──


def received(office: Office, night: Night) -> list[int]:
    empty(office)
    enrolled(office, *MEMBERS)
    return [
        keep_page(office, feed, page(*(as_row(line) for line in lines), request=str(at)))
        for at, (feed, lines) in enumerate(night.pages)
    ]


def work_in_order(office: Office, places: list[int]) -> dict[str, Any]:
    for place in places:
        process_page(office, place)
    adds_up(office)
    return truth(office)


def work_shuffled(office: Office, places: list[int], night: Night) -> dict[str, Any]:
    batched = in_batches(office, night.size)
    shuffled = [places[at] for at in night.order]
    shares = [shuffled[at :: night.threads] for at in range(night.threads)]
    with ThreadPoolExecutor(night.threads) as pool:
        for _ in pool.map(lambda share: [process_page(batched, place) for place in share], shares):
            pass
    adds_up(office)
    return truth(office)


def check(office: Office, night: Night) -> None:
    places = received(office, night)
    in_order = work_in_order(office, places)
    rows = expected(night)
    members = {each["member_id"]: each["member_no"] for each in rows_of(office, schema.member)}
    numbers = {place: at for at, place in enumerate(places)}
    held = {
        (numbers[each["page_seq"]], each["row"], members[each["member_id"]], each["duplicate"])
        for each in records(office)
    }
    wanted = {
        (*each.place, f"M{each.person:05d}", each.kind == "duplicate")
        for each in rows
        if each.kind in ("member", "duplicate")
    }
    assert held == wanted
    counts = {kind: sum(each.kind == kind for each in rows) for kind in {each.kind for each in rows}}
    assert {name: rows for name, (rows, _) in in_order["tallies"].items()} == counts
    assert work_shuffled(office, received(office, night), night) == in_order


def night(*pages: tuple[str, list[Line]], order: tuple[int, ...] = (), threads: int = 1) -> Night:
    back = tuple(reversed(range(len(pages))))
    return Night(tuple((feed, tuple(lines)) for feed, lines in pages), order or back, threads)


def repeat(most: int) -> settings:
    """The examples of a property on one database; the same every time, so that a failure is everybody's."""
    return settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture
def on_sqlite(make_office: MakeOffice, sqlite_url: str) -> Bench:
    return Bench(make_office(sqlite_url, feeds=EAST_AND_WEST))


@pytest.fixture
def on_postgres(make_office: MakeOffice, postgres_url: str) -> Bench:
    return Bench(make_office(postgres_url, feeds=EAST_AND_WEST))


@repeat(25)
@given(nights())
@example(night(("east", [Line("S1", 1)]), ("east", [Line("S1", 7)]), ("east", [Line("S1", 1)])))
@example(night(("east", [Line("S1", 0, True)]), ("east", [Line("S1", 1)]), ("east", [Line("S1", 7)])))
@example(night(("east", [Line("S1", 1)]), ("west", [Line("S1", 1)]), ("east", [Line("S1", 7)])))
@example(night(("east", [Line("S1", 1), Line("S1", 0, True), Line("S1", 0, True)])))
def test_the_order_of_work_never_shows_on_sqlite(on_sqlite: Bench, night: Night) -> None:
    check(on_sqlite.office, night)


@repeat(10)
@given(nights())
@example(night(("east", [Line("S1", 1)]), ("east", [Line("S1", 7)]), ("east", [Line("S1", 1)])))
def test_the_order_of_work_never_shows_on_postgres(on_postgres: Bench, night: Night) -> None:
    check(on_postgres.office, night)
