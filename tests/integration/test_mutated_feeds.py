"""A good day comes again as a correction that went wrong, and no member loses by it in silence.

Each mutation is taken into a copy of one filled database. Structural ones lower or withdraw no claim without a hold or
a question, where they concern as many claims as a hold begins at; of fewer, and of single values and dropped rows,
which no program can tell from a correction, each lowering is named with its cause and money. None makes a claim of
money that stands in no row. Every run plays some; `-m full` the others.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mutations import DAY, FEEDS, SEED, SINGLE, STRUCTURAL, Dice, GoodDay, Leagues, fetched
from sqlalchemy import select

from gateway import wiring
from gateway.core.roster import read_roster
from gateway.flow.batches.reconcile import lost, reconcile
from gateway.flow.findings.looking import look_around
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.model.money import parse_yuan
from gateway.sandbox.roster import coverage_of, write_roster
from gateway.settings.shipped import write_site
from gateway.store import claims, deliveries, findings, holds, reviews, schema

PIECE = 500
PIECES = 200
"""A hundred thousand mutations."""
EVERY_RUN = 300

NAMED = "claims_taken"
NARROW = str.maketrans("０１２３４５６７８９", "0123456789")


class Filled:
    """A site that took three good days in, and the way back to it."""

    def __init__(self, folder: Path) -> None:
        self.leagues = Leagues()
        write_site(folder / "site")
        wiring.make_keys(wiring.load_site(folder / "site"))
        self.office: Office = wiring.open_office(folder / "site")
        roster = folder / "roster.csv"
        write_roster(roster, self.leagues.members, periods=lambda person: coverage_of(person, day=DAY, seed=SEED))
        enrol(self.office, "nm", read_roster(roster.read_bytes()).people)
        for number, feed in enumerate(FEEDS):
            self.take(feed, self.leagues.days[feed].written(), number)
        look_around(self.office)
        self.before = in_force(self.office)
        self._good = sqlite3.connect(":memory:")
        self._live().backup(self._good)

    def take(self, feed: str, content: bytes, number: int, *, again: str = "") -> None:
        """What a connector hands over is stored and worked, as a night or a push would."""
        rows = len(self.leagues.days[feed].rows)
        seq, new = store_page(self.office, feed, fetched(feed, content, number, rows, again=again))
        if new:
            process_page(self.office, seq)

    def restore(self) -> None:
        """As it was before the mutation."""
        self._good.backup(self._live())

    def _live(self) -> sqlite3.Connection:
        connection: Any = self.office.store.engine.raw_connection().driver_connection
        assert isinstance(connection, sqlite3.Connection)
        return connection


def in_force(office: Office) -> dict[str, PrefilledClaim]:
    """Every claim that stands, by its id."""
    with office.store.read() as tx:
        everybody = list(tx.scalars(select(schema.claim.c.person_id).distinct()))
        standing = claims.of_people(tx, everybody)
    return {claim.claim_id: claim for claim in standing if claim.status is not ClaimStatus.WITHDRAWN}


def by_account(standing: dict[str, PrefilledClaim]) -> dict[tuple[int, str], int]:
    """What each person has in each scheme, in fen."""
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for claim in standing.values():
        sums[claim.person_id, claim.scheme] += claim.payable
    return sums


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="hubao-mutated-", dir=memory if memory.is_dir() else None))
    site = Filled(folder)
    yield site
    site.office.store.close()
    shutil.rmtree(folder)


class Outcome(msgspec.Struct):
    """What became of the claims by one mutation."""

    losing: dict[int, int]
    gaining: list[PrefilledClaim]
    asked: set[int]
    held: bool
    named: int


def outcome(filled: Filled) -> Outcome:
    office = filled.office
    after = in_force(office)
    was, becomes = by_account(filled.before), by_account(after)
    losing: dict[int, int] = defaultdict(int)
    for account, amount in was.items():
        if becomes.get(account, 0) < amount:
            losing[account[0]] += amount - becomes.get(account, 0)
    gaining = [
        claim
        for name, claim in after.items()
        if name not in filled.before or claim.payable > filled.before[name].payable
    ]
    with office.store.read() as tx:
        open_holds = holds.listing(tx)
        items = reviews.listing(tx, state="open", limit=1000)
        members = {item.member_id for item in items}
    asked = {claim.person_id for claim in filled.before.values() if claim.member_id in members}
    named = 0
    if losing:
        look_around(office)
        with office.store.read() as tx:
            named = sum(row.amount or 0 for row in findings.open_findings(tx, code=NAMED))
    return Outcome(losing=losing, gaining=gaining, asked=asked, held=bool(open_holds), named=named)


def faults(filled: Filled, content: bytes, *, structural: bool) -> list[str]:
    """What is wrong with what became of a mutation."""
    result = outcome(filled)
    wrong = []
    silent = {person for person in result.losing if person not in result.asked}
    # Fewer claims than a hold begins at are let through by that setting; they are named like a correction's.
    if structural and not result.held and len(silent) >= filled.office.gateway.holds.claims:
        wrong.append(f"{len(silent)} people lose {sum(result.losing[person] for person in silent)} fen unasked")
    elif result.named < sum(result.losing.values()):
        wrong.append(f"{sum(result.losing.values())} fen are lost and {result.named} are named")
    # A page is searched for its numbers only where a claim says more than before.
    numbers = told(content) | told_by_good_days(filled) if result.gaining else set()
    untold = [name for claim in result.gaining for name in invented(filled, claim, numbers)]
    wrong += [f"{len(untold)} amounts of claims stand in no row: {untold[0]}"] if untold else []
    return wrong


def unaccounted(filled: Filled) -> list[str]:
    """What does not add up, but for the league's own totals, which a mutation leaves as they were."""
    sheets = reconcile(filled.office)
    differences = [text for sheet in sheets for text in sheet.differences if not text.startswith(("对方", "与对方"))]
    return differences + ([f"{lost(sheets)} rows lost"] if lost(sheets) else [])


def told(content: bytes) -> set[Decimal]:
    """Every number that stands in a page, however it is written, as what it may mean in yuan."""
    text = content.decode("utf-8", "ignore") + content.decode("gb18030", "ignore") + content.decode("utf-16", "ignore")
    text = text.translate(NARROW)
    written = re.findall(r"[0-9]{1,12}(?:[.][0-9]*)?|[.][0-9]+", text)
    written += [number.replace(",", "") for number in re.findall(r"[0-9]{1,3}(?:,[0-9]{3})+(?:[.][0-9]+)?", text)]
    return {round(Decimal(number), 2) for number in written}


_GOOD: dict[int, set[Decimal]] = {}


def told_by_good_days(filled: Filled) -> set[Decimal]:
    if id(filled) not in _GOOD:
        _GOOD[id(filled)] = set().union(*(told(day.written()) for day in filled.leagues.days.values()))
    return _GOOD[id(filled)]


def invented(filled: Filled, claim: PrefilledClaim, numbers: set[Decimal]) -> list[str]:
    """The amounts of a claim's settlements that no row tells."""
    with filled.office.store.read() as tx:
        sealed = deliveries.body_of(tx, claim.claim_id, claim.version)
    assert sealed is not None
    body = msgspec.json.decode(filled.office.claim_body(sealed, claim.claim_id, claim.version))
    untold = [
        name
        for settlement in body["settlements"]
        for name in ("total_amount", "in_scope_amount")
        if settlement[name] is not None and abs(Decimal(settlement[name])) not in numbers
    ]
    left = sum(
        parse_yuan(settlement["in_scope_amount"] or "0.00") - parse_yuan(settlement["fund_paid_amount"] or "0.00")
        for settlement in body["settlements"]
    )
    # Whatever the rates, no more is paid than was left to pay, and an allowance of 20 yuan for 30 days.
    return untold + (["payable"] if claim.payable > max(left, 0) + 60_000 else [])


def play(filled: Filled, number: int, kinds: dict[str, Any]) -> str:
    """One mutation, taken in; what is wrong with what became of it, or ""."""
    dice = Dice(number)
    kind, feed = dice.choice(list(kinds)), dice.choice(FEEDS)
    day: GoodDay = filled.leagues.days[feed].copy()
    content = kinds[kind](dice, day)
    filled.restore()
    filled.take(feed, content, 1000 + number, again=dice.choice(["", "", "", "", " (1)"]))
    # What changed one row or two of a day is a single mutation, whatever was meant to happen to all of them.
    good = filled.leagues.days[feed].rows
    few = 0 < sum(row != other for row, other in zip(good, day.rows, strict=False)) + abs(len(good) - len(day.rows)) < 3
    wrong = faults(filled, content, structural=kind in STRUCTURAL and not few)
    # Reckoning all rows again takes as long as the mutation.
    wrong += unaccounted(filled) if number % 7 == 0 or wrong else []
    return f"{number} {feed} {kind}: {'; '.join(wrong)}" if wrong else ""


def test_the_good_days_make_claims_and_come_again_without_a_trace(filled: Filled) -> None:
    filled.restore()
    assert len(filled.before) >= 25
    for number, feed in enumerate(FEEDS, 100):
        filled.take(feed, filled.leagues.days[feed].written(), number)
    result = outcome(filled)
    assert (dict(result.losing), result.gaining, result.held) == ({}, [], False)


@pytest.mark.parametrize("kinds", [STRUCTURAL, SINGLE], ids=["structural", "single"])
def test_no_mutated_day_takes_anything_in_silence(filled: Filled, kinds: dict[str, Any]) -> None:
    wrong = [answer for number in range(EVERY_RUN // 2) if (answer := play(filled, number, kinds))]
    assert not wrong, "\n".join(wrong)


def play_piece(filled: Filled, piece: int) -> list[str]:
    """What is wrong with the mutations of one piece of the hundred thousand."""
    first = EVERY_RUN + piece * PIECE
    played = (play(filled, number, SINGLE if number % 2 else STRUCTURAL) for number in range(first, first + PIECE))
    return [answer for answer in played if answer]


@pytest.mark.full
@pytest.mark.parametrize("piece", range(PIECES))
def test_a_hundred_thousand_mutated_days(filled: Filled, piece: int) -> None:
    wrong = play_piece(filled, piece)
    assert not wrong, "\n".join(wrong)
