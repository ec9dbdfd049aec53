"""Enrolments that a person says are one (same --join): joined, parted, and each stay claimed once all the while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    adds_up,
    claims,
    covered,
    enrolled,
    everything,
    live,
    member,
    only,
    open_items,
    page,
    payable,
    row,
    rows_of,
    take,
    who,
)
from review_side import LATER, SMALL, asked, choose, refused, say, take_back, wrong_name

from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide as association_decides
from gateway.flow.office import Office
from gateway.flow.reviewing import show as reviewing
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds={**EAST_AND_WEST, **FILES})
    enrolled(office, 1, 2)
    return office


@pytest.fixture
def light(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds={**EAST_AND_WEST, **FILES})
    enrolled(office, 1, 2)
    return office


# ── one person enrolled twice ──


def test_two_enrolments_of_one_person(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(covered("2021-06-01", "2021-12-31"),))])
    enrol(office, "nm", [member(2, coverage=(covered("2021-06-01", "2022-05-31"),))])
    take(office, "east", page(row("B1", 2, **LATER)))
    old = only(live(office))["claim_id"]
    item = asked(office, wrong_name("A1", 1))
    done = choose(office, item, "M00002", join=True)
    assert (done.state, done.member_no) == ("decided", "M00002")
    persons = {each["member_no"]: each["person_id"] for each in rows_of(office, schema.member)}
    assert persons["M00001"] == persons["M00002"]
    assert len(live(office)) == 2
    assert adds_up(office) == {"member": 2}
    # The stays of both enrolments are weighed together, and nobody has two first stays.
    assert sorted(fen for _, fen in payable(office)) == [209_000, 240_000]
    assert {each["claim_id"] for each in live(office)} >= {old}
    take_back(office, item)
    parted = {each["member_no"]: each["person_id"] for each in rows_of(office, schema.member)}
    assert parted["M00001"] != parted["M00002"]
    assert adds_up(office) == {"member": 1, "review": 1}
    assert payable(office) == [("H15099900001/VB1", 249_000)]


def doubled(office: Office) -> int:
    """Person 1 under a second member number at the same time, and a record of his: the number of the doubt."""
    enrol(office, "nm", [member(1, member_no="X1", coverage=(covered("2021-08-01", "2022-12-31"),))])
    return asked(office, row("A1", 1, **SMALL))


def stays(office: Office) -> list[str]:
    """The stays of the claims that stand; each once."""
    found = [each["stay"] for each in live(office)]
    assert len(found) == len(set(found))
    return sorted(found)


def test_one_person_under_two_member_numbers_is_joined_and_parted(office: Office) -> None:
    item = doubled(office)
    take(office, "west", page(row("W1", 1, **SMALL, mdtrt_id="VA1"), request="the same stay from another feed"))
    take(office, "east", page(row("A2", 1, **{**SMALL, **LATER})))
    assert adds_up(office) == {"review": 3}
    with refused("needs_join"):
        say(office, item, "same")
    done = say(office, item, "same", join=True)
    assert (done.state, done.member_no, done.rows) == ("decided", "M00001", 3)
    assert adds_up(office) == {"member": 2, "duplicate": 1}
    assert stays(office) == ["H15099900001/VA1", "H15099900001/VA2"]
    # Nobody asks again: not about another writing of him, nor about what only the second number covers.
    take(office, "east", page(row("A3", 1, **SMALL, begndate="2022-11-01", enddate="2022-11-09")))
    assert open_items(office) == []
    named = {each["stay"]: each["body"]["member"]["member_no"] for each in live(office)}
    assert named["H15099900001/VA1"] == "M00001"
    assert named["H15099900001/VA3"] == "X1"
    before = everything(office)
    enrol(office, "nm", [member(1), member(1, member_no="X1", coverage=(covered("2021-08-01", "2022-12-31"),))])
    rescan(office)
    assert everything(office) == before
    take_back(office, item)
    assert (live(office), adds_up(office)) == ([], {"review": 4})
    rescan(office)
    assert (live(office), adds_up(office)) == ([], {"review": 4})
    parted = {each["member_no"]: each["person_id"] for each in rows_of(office, schema.member)}
    assert parted["M00001"] != parted["X1"]
    # Joined by the other of the two: the same claims stand again, under their old names.
    known = {each["claim_id"] for each in claims(office)}
    say(office, item, "same", member_no="X1", join=True)
    assert stays(office) == ["H15099900001/VA1", "H15099900001/VA2", "H15099900001/VA3"]
    assert {each["claim_id"] for each in claims(office)} == known
    assert adds_up(office) == {"member": 3, "duplicate": 1}


def test_what_was_joined_stays_joined_when_the_roster_changes(light: Office) -> None:
    item = doubled(light)
    say(light, item, "same", join=True)
    enrol(light, "nm", [member(1, member_no="X1", coverage=(covered("2021-06-01", "2023-12-31"),))])
    enrol(light, "nm", [member(1, coverage=(covered("2021-01-01", "2022-12-31"),))])
    rescan(light)
    assert (adds_up(light), open_items(light), len(live(light))) == ({"member": 1}, [], 1)
    # A number corrected in both rows at once takes both along; in one row, it parts them for good.
    right = who(50).id_number
    enrol(light, "nm", [member(1, id_number=right), member(1, member_no="X1", id_number=right)])
    rescan(light)
    persons = {each["member_no"]: each["person_id"] for each in rows_of(light, schema.member)}
    assert persons["M00001"] == persons["X1"]
    enrol(light, "nm", [member(1, member_no="X1", id_number=who(51).id_number)])
    rescan(light)
    persons = {each["member_no"]: each["person_id"] for each in rows_of(light, schema.member)}
    assert persons["M00001"] != persons["X1"]


def test_three_enrolments_are_joined_by_one_answer(light: Office) -> None:
    enrol(light, "nm", [member(1, member_no="X2")])
    item = doubled(light)
    assert say(light, item, "same", join=True).state == "decided"
    assert len({each["person_id"] for each in rows_of(light, schema.member) if each["member_no"] != "M00002"}) == 1
    take_back(light, item)
    assert len({each["person_id"] for each in rows_of(light, schema.member)}) == 4


def test_rows_that_left_no_record_are_in_doubt_again_too(light: Office) -> None:
    item = doubled(light)
    say(light, item, "same", join=True)
    take(light, "east", page(row("P1", 1, med_type="41")))
    assert adds_up(light) == {"member": 1, "left": 1}
    take_back(light, item)
    rescan(light)
    assert adds_up(light) == {"review": 2}


def test_what_the_association_decided_keeps_them_joined(light: Office) -> None:
    item = doubled(light)
    say(light, item, "same", join=True)
    association_decides(light, only(live(light))["claim_id"], version=1, outcome="paid", amount=Money(1))
    with refused("not_valid"):
        take_back(light, item)
    assert adds_up(light) == {"member": 1}


def test_joined_people_have_each_stay_once(light: Office) -> None:
    take(light, "east", page(row("B1", 1, **LATER)))
    take(light, "west", page(row("W1", 2, **LATER, mdtrt_id="VB1")))
    assert len(live(light)) == 2
    item = asked(light, wrong_name("A1", 1))
    choose(light, item, "M00002", join=True)
    assert adds_up(light) == {"member": 2, "duplicate": 1}
    assert [stay for stay, _ in payable(light)] == ["H15099900001/VA1", "H15099900001/VB1"]
    withdrawn = only([each for each in claims(light) if each["status"] == "withdrawn"])
    assert withdrawn["flags"] == "merged"


def test_people_whose_claims_were_decided_do_not_join_or_part(light: Office) -> None:
    take(light, "east", page(row("B1", 1, **LATER), row("B2", 2, **LATER)))
    both = [each["claim_id"] for each in live(light)]
    for claim in both:
        association_decides(light, claim, version=1, outcome="paid", amount=Money(1))
    item = asked(light, wrong_name("A1", 1))
    with refused("not_valid"):
        choose(light, item, "M00002", join=True)
    assert adds_up(light) == {"member": 2, "review": 1}


@pytest.mark.parametrize("doubts", [2, 3])
def test_who_parts_is_two_people_again_wherever_he_is_in_doubt(office: Office, doubts: int) -> None:
    """Two enrolments of one name and birth date; a hidden number may be either's."""
    enrol(office, "nm", [member(41, name=who(1).name)])
    hidden = {"certno": f"{who(1).id_number[:14]}****", "brdy": "1961-05-01", **SMALL}
    take(office, "east", page(row("A1", 1, **hidden), row("A2", 1, **LATER, **hidden), row("A3", 9)))
    before = {each["item_id"]: each["reasons"] for each in reviewing.list_items(office)}
    assert [each[-1] for each in before.values()] == ["several_people"] * 2
    last, first = before
    if doubts == 3:
        take(office, "west", page(row("B1", 1, **{**hidden, "begndate": "2021-09-01", "enddate": "2021-09-09"})))
    say(office, last, "same", join=True)
    after = {each["item_id"]: each["reasons"] for each in reviewing.list_items(office)}
    assert "several_people" not in str(after)
    take_back(office, last)
    again = {each["item_id"]: each["reasons"] for each in reviewing.list_items(office)}
    assert {first: again[first], last: again[last]} == before
    assert adds_up(office) == {"review": doubts, "stranger": 1}
    assert payable(office) == []
