"""Whatever people decide, take back and correct, in whatever order: each row is in one class, each claim has its stay.

Random walks over pages, decisions, undoing and roster changes; after each step the books are balanced anew.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, adds_up, enrolled, live, member, page, records, rows_of, take
from review_side import say, take_back, wrong_name

from gateway.core.reviewing import ANSWERS
from gateway.errors import BadInput, Conflict
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.office import Office
from gateway.flow.reviewing.show import list_items
from gateway.flow.roster.enrol import enrol
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

NAMES = ("陌路甲", "陌路乙", "陌路丙")
PLAIN = ("same", "different", "keep", "take", "both", "none", "unsure")
"""Answers that need nothing else beside them."""


class Walk:
    """One person's clerks at work, with dice."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office, self.dice, self.pages = office, random.Random(seed), 0

    def step(self) -> None:
        """Do something that can happen."""
        self.dice.choice((self.take, self.take, self.decide, self.decide, self.decide, self.undo, self.rename))()

    def take(self) -> None:
        self.pages += 1
        month = self.dice.randrange(7, 10)
        stay = {"begndate": f"2021-{month:02d}-01", "enddate": f"2021-{month:02d}-10"}
        rows: list[dict[str, Any]] = [
            wrong_name(f"S{self.dice.randrange(8)}", self.dice.choice((1, 2)), self.dice.choice(NAMES), **stay)
            for _ in range(self.dice.randrange(1, 4))
        ]
        take(self.office, self.dice.choice(("east", "west")), page(*rows, request=str(self.pages)))

    def decide(self) -> None:
        found = list_items(self.office)
        if found:
            chosen = self.dice.choice(found)
            item = chosen["item_id"]
            if chosen["kind"] == "hold":
                # Only the hold itself answers what waits in it.
                return
            if chosen["kind"] != "match":
                say(self.office, item, self.dice.choice([a for a in ANSWERS[chosen["kind"]] if a in PLAIN]))
                return
            answer: Any = self.dice.choice(("same", "different", "unsure"))
            more: dict[str, Any] = {}
            if answer == "same" and self.dice.random() < 0.2:
                more = {"member_no": "M00002", "although_different": True}
            if say(self.office, item, answer, **more).state == "proposed":
                say(self.office, item, "same", by="乙", confirm=True)

    def undo(self) -> None:
        found = list_items(self.office, state=self.dice.choice(("decided", "open", "superseded")))
        if found:
            try:
                take_back(self.office, self.dice.choice(found)["item_id"])
            except (BadInput, Conflict):
                return

    def rename(self) -> None:
        if self.dice.random() < 0.3:
            enrol(self.office, "nm", [member(1, name=self.dice.choice(("试一一", "试二二", member(1).name)))])
            rescan_and_judge(self.office)


def balanced(office: Office) -> None:
    """Every row is in one class; what is decided stands as decided; every claim that stands has its settlement."""
    counted = adds_up(office)
    # A row that a person said to leave (keep) stays in its page.
    assert set(counted) <= {"member", "stranger", "review", "superseded", "duplicate", "left"}
    held = {(each["page_seq"], each["row"]): each["member_id"] for each in records(office)}
    open_rows = set()
    for item in rows_of(office, schema.review):
        if item["kind"] == "match" and item["state"] == "open":
            assert (item["page_seq"], item["row"]) not in open_rows | held.keys()
            open_rows.add((item["page_seq"], item["row"]))
    assert len(live(office)) <= len(held)
    told = {each["settlement_no"] for claim in live(office) for each in claim["body"]["settlements"]}
    assert told <= {each["record"]["settlement_no"] for each in records(office)}
    used = {each["ruling_id"] for each in rows_of(office, schema.ruled_row)}
    assert used <= {each["ruling_id"] for each in rows_of(office, schema.ruling)}


@pytest.mark.parametrize("seed", range(3))
def test_a_walk(make_office: MakeOffice, sqlite_url: str, seed: int) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    walk = Walk(office, seed)
    for _ in range(25):
        walk.step()
        balanced(office)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_long_walk(make_office: MakeOffice, database_url: str, seed: int) -> None:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    walk = Walk(office, seed)
    for _ in range(60):
        walk.step()
        balanced(office)
