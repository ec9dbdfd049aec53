"""The roster changes: what was stored is read again for whom it concerns, and ends as if it had been so before."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    Who,
    adds_up,
    content,
    covered,
    enrolled,
    everything,
    in_batches,
    keep_page,
    live,
    member,
    only,
    open_items,
    page,
    payable,
    records,
    row,
    rows_of,
    take,
    tallies,
    versions,
    who,
)

from gateway.flow.batches import replay as again
from gateway.flow.batches.replay import RescanReport
from gateway.flow.delivery.claims import decide
from gateway.flow.intake import work as ingest
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.model.page import Fetched
from gateway.model.person import PARTICULARS, particulars_of
from gateway.store import members as store_members
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}
FIRST_HALF, SECOND_HALF = covered("2021-06-01", "2021-07-31"), covered("2021-08-01", "2022-05-31")


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=EAST_AND_WEST)


def members(office: Office) -> list[dict[str, Any]]:
    return rows_of(office, schema.member)


# ── taking a roster in ──


def test_the_same_roster_twice_changes_nothing(office: Office) -> None:
    first = enrolled(office, 1, 2, 3)
    assert (first.added, first.unchanged, first.refused) == (3, 0, [])
    before = everything(office)
    second = enrolled(office, 1, 2, 3)
    assert (second.added, second.changed, second.coverage_changed, second.unchanged) == (0, {}, 0, 3)
    assert everything(office) == before


def test_a_stored_member_opens_with_every_particular(office: Office) -> None:
    born = date(1960, 5, 1)
    text = {name: f"{name} 1" for name in PARTICULARS if name not in ("name", "id_type", "id_number", "birth_date")}
    stated = member(1, birth_date=born, **text)
    enrol(office, "nm", [stated])
    with office.store.read() as tx:
        [stored] = store_members.after(tx, ["nm"], 0, 1)
    assert particulars_of(office.open_member(stored)) == particulars_of(stated)


def test_changes_are_shown(office: Office) -> None:
    enrolled(office, 1, 2, 3, 4)
    report = enrol(
        office,
        "nm",
        [
            member(1, phone="13900000000", category="retired"),
            member(2, coverage=(covered("2021-06-01", "2021-12-31"),)),
            member(3),
            member(5),
        ],
    )
    assert set(report.changed) == {"M00001"}
    assert set(report.changed["M00001"]) == {"phone", "category"}
    assert (report.added, report.coverage_changed, report.unchanged) == (1, 1, 1)
    # A member the file does not hold stays as he is.
    assert len(members(office)) == 5


def test_a_dry_run_shows_and_writes_nothing(office: Office) -> None:
    enrolled(office, 1)
    before = everything(office), rows_of(office, schema.roster)
    report = enrol(office, "nm", [member(1, name="改名"), member(2)], dry_run=True)
    assert (report.added, set(report.changed)) == (1, {"M00001"})
    assert (everything(office), rows_of(office, schema.roster)) == before
    enrolled(office, 2)
    assert len(members(office)) == 2


def test_a_number_that_belongs_to_another_name_is_refused(office: Office) -> None:
    enrolled(office, 1)
    report = enrol(office, "nm", [member(2, id_number=who(1).id_number), member(3)])
    assert [number for number, _ in report.refused] == ["M00002"]
    assert who(1).name not in report.refused[0][1]
    assert (report.added, len(members(office))) == (1, 2)


def persons(office: Office) -> dict[str, int]:
    return {each["member_no"]: each["person_id"] for each in members(office)}


def test_a_second_enrolment_at_one_time_is_another_person_until_somebody_says_otherwise(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(FIRST_HALF,))])
    report = enrol(office, "nm", [member(1, member_no="X1")])
    assert (report.added, report.refused, report.apart) == (1, [], [("M00001", "X1")])
    report = enrol(office, "nm", [member(1, member_no="X2", coverage=(SECOND_HALF,))])
    assert (report.added, report.refused, report.apart) == (1, [], [("M00001", "X1", "X2")])
    # Who was enrolled before and after the first is one person with him.
    who_is = persons(office)
    assert who_is["M00001"] == who_is["X2"] != who_is["X1"]
    take(office, "east", page(row("A1", 1)))
    assert adds_up(office) == {"review": 1}
    assert "several_people" in only(open_items(office))[3]
    again = enrol(office, "nm", [member(1, member_no="X1"), member(1, member_no="X2", coverage=(SECOND_HALF,))])
    assert (again.unchanged, persons(office)) == (2, who_is)


@pytest.mark.parametrize("numbers", [("A", "B", "C"), ("C", "B", "A"), ("B", "C", "A")])
def test_whoever_is_written_first_they_stay_two(office: Office, numbers: tuple[str, ...]) -> None:
    periods = {"A": FIRST_HALF, "B": SECOND_HALF, "C": covered()}
    for number in numbers:
        enrol(office, "nm", [member(1, member_no=number, coverage=(periods[number],))])
    assert len(set(persons(office).values())) == 2
    take(office, "east", page(row("A1", 1)))
    assert adds_up(office) == {"review": 1}


def test_an_overlap_that_was_a_mistake_ends_with_it(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(FIRST_HALF,)), member(1, member_no="X1")])
    take(office, "east", page(row("A1", 1), row("A2", 1, **LATER)))
    assert adds_up(office) == {"review": 2}
    report = enrol(office, "nm", [member(1, member_no="X1", coverage=(SECOND_HALF,))])
    assert report.apart == []
    rescan_and_judge(office)
    assert len(set(persons(office).values())) == 1
    assert adds_up(office) == {"member": 2}
    assert open_items(office) == []
    named = {each["stay"]: each["body"]["member"]["member_no"] for each in live(office)}
    assert named == {"H15099900001/VA1": "M00001", "H15099900001/VA2": "X1"}


def test_one_person_stays_one_when_his_periods_come_to_overlap(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(FIRST_HALF,)), member(1, member_no="X1", coverage=(SECOND_HALF,))])
    take(office, "east", page(row("A1", 1), row("A2", 1, **LATER)))
    before = {each["claim_id"] for each in live(office)}
    report = enrol(office, "nm", [member(1), member(1, member_no="X1")])
    rescan_and_judge(office)
    assert (report.apart, len(set(persons(office).values()))) == ([], 1)
    assert {each["claim_id"] for each in live(office)} == before
    assert adds_up(office) == {"member": 2}


def test_a_second_enrolment_that_comes_later_is_asked_about(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1)))
    assert len(live(office)) == 1
    enrol(office, "nm", [member(1, member_no="X1")])
    rescan_and_judge(office)
    assert (live(office), adds_up(office)) == ([], {"review": 1})


def test_people_who_turn_out_to_be_one_keep_what_was_decided(office: Office) -> None:
    """Neither of two people with decided claims becomes the other, so nothing decided is paid again."""
    wrong = who(60).id_number
    enrol(office, "nm", [member(1, coverage=(FIRST_HALF,))])
    enrol(office, "nm", [member(1, member_no="X1", id_number=wrong, coverage=(SECOND_HALF,))])
    take(office, "east", page(row("A1", 1), row("A2", Who(who(1).name, wrong), **LATER)))
    for claim in live(office):
        decide(office, claim["claim_id"], version=1, outcome="paid", amount=Money(100))
    enrol(office, "nm", [member(1, member_no="X1", coverage=(SECOND_HALF,))])
    rescan_and_judge(office)
    assert len(set(persons(office).values())) == 2
    take(office, "east", page(row("A3", 1, **LATER)))
    assert "several_people" in repr(open_items(office))


def test_a_claim_names_the_enrolment_that_covers_the_admission(office: Office) -> None:
    """Seen: the claim named the number whose period had ended, because the record was matched to it."""
    enrol(office, "nm", [member(1, coverage=(covered("2020-06-01", "2021-05-31"),)), member(1, member_no="M9")])
    take(office, "east", page(row("A1", 1)))
    claim = only(live(office))
    assert claim["body"]["member"]["member_no"] == "M9"
    names = {each["member_id"]: each["member_no"] for each in members(office)}
    assert names[claim["member_id"]] == "M9"


def test_a_change_of_number_in_one_file_is_no_overlap(office: Office) -> None:
    enrolled(office, 1)
    moved = [member(1, coverage=(FIRST_HALF,)), member(1, member_no="X1", coverage=(SECOND_HALF,))]
    report = enrol(office, "nm", moved)
    assert (report.added, report.coverage_changed, report.refused) == (1, 1, [])


def test_who_is_refused_stays_in_the_way_as_he_is_stored(office: Office) -> None:
    enrolled(office, 1, 2)
    report = enrol(office, "nm", [member(1, member_no="M00002", name="改名"), member(2, member_no="X2", name="另名")])
    assert [number for number, _ in report.refused] == ["M00002", "X2"]
    take(office, "east", page(row("A2", 2)))
    assert len(live(office)) == 1


def test_two_enrolments_are_one_person_with_one_cap(office: Office) -> None:
    big: dict[str, Any] = {"medfee_sumamt": "300000.00", "inscp_scp_amt": "260000.00", "fund_pay_sumamt": "10000.00"}
    enrol(office, "nm", [member(1), member(1, member_no="X1", coverage=(covered("2022-06-01", "2023-05-31"),))])
    take(office, "east", page(row("A1", 1, **big), row("A2", 1, **LATER, **big)))
    assert sum(money for _, money in payable(office)) == 25_000_000


def test_nothing_is_read_again_before_anything_was_read(office: Office) -> None:
    enrolled(office, 1)
    enrol(office, "nm", [member(1, name="改名")])
    assert rows_of(office, schema.rescan) == []


def test_a_roster_change_is_locked_out_of_a_batch(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that looked before the roster moved looks again, in the middle of a page too."""
    small = in_batches(office, 1)
    done: list[Any] = []
    look = ingest.look_ahead

    def read_batch(*given: Any) -> Any:
        found = look(*given)
        done.append(found.versions)
        if len(done) == 2:
            enrolled(office, 1)
        return found

    monkeypatch.setattr(ingest, "look_ahead", read_batch)
    take(small, "east", page(row("A1", 1), row("A2", 1, **LATER)))
    assert adds_up(office) == {"stranger": 1, "member": 1}
    monkeypatch.undo()
    rescan_and_judge(small)
    assert adds_up(office) == {"member": 2}


# ── reading again ──


def test_a_new_member_has_a_past(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1), row("A2", 2)), page(row("A3", 3)))
    enrolled(office, 2)
    done = rescan_and_judge(office)
    assert (done.members, done.rows) == (1, 1)
    assert payable(office) == [("H15099900001/VA1", 249000), ("H15099900001/VA2", 249000)]
    assert adds_up(office) == {"member": 2, "stranger": 1}
    assert rows_of(office, schema.rescan) == []


def test_looking_again_at_nothing_changes_nothing(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    enrolled(office, 1)
    rescan_and_judge(office)
    before = everything(office)
    assert rescan_and_judge(office) == RescanReport()
    assert everything(office) == before


def test_a_number_that_was_wrong_is_taken_back_and_the_right_one_found(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1), row("A2", Who(who(1).name, who(60).id_number))))
    enrol(office, "nm", [member(1, id_number=who(60).id_number)])
    rescan_and_judge(office)
    assert payable(office) == [("H15099900001/VA2", 249000)]
    assert adds_up(office) == {"member": 1, "stranger": 1}


def test_a_name_that_differs_becomes_a_doubt_and_back(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1)))
    enrol(office, "nm", [member(1, name="改名")])
    rescan_and_judge(office)
    assert (live(office), only(open_items(office))[0]) == ([], "match")
    assert adds_up(office) == {"review": 1}
    enrolled(office, 1)
    rescan_and_judge(office)
    assert (len(live(office)), open_items(office)) == (1, [])
    assert adds_up(office) == {"member": 1}


def test_who_opts_out_is_forgotten_and_who_comes_back_found(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    enrol(office, "nm", [member(1, opt_out=True)])
    rescan_and_judge(office)
    assert {each["member_id"] for each in records(office)} == {2}
    assert adds_up(office) == {"member": 1, "stranger": 1}
    enrolled(office, 1)
    rescan_and_judge(office)
    assert adds_up(office) == {"member": 2}
    assert len(live(office)) == 2


def test_changed_coverage_weighs_the_stored_stays_again(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(SECOND_HALF,))])
    take(office, "east", page(row("A1", 1)))
    assert live(office) == []
    enrolled(office, 1)
    assert rescan_and_judge(office).pages == 0
    claim = only(live(office))["claim_id"]
    enrol(office, "nm", [member(1, coverage=(SECOND_HALF,))])
    rescan_and_judge(office)
    assert versions(office, claim)[-1][:2] == (2, "withdrawn")
    assert adds_up(office) == {"member": 1}


def test_another_enrolment_of_a_person_counts_for_his_old_stays(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(SECOND_HALF,))])
    take(office, "east", page(row("A1", 1)))
    enrol(office, "nm", [member(1, member_no="X1", coverage=(FIRST_HALF,))])
    rescan_and_judge(office)
    assert len(live(office)) == 1
    assert adds_up(office) == {"member": 1}


def test_a_strangers_row_that_a_strangers_replaced_counts_once_it_is_a_members(office: Office) -> None:
    small = in_batches(office, 1)
    take(small, "east", page(row("A1", 1), row("A1", 9)), page(row("A2", 1)), page(row("A2", 9)))
    enrolled(office, 1)
    rescan_and_judge(small)
    # As if the roster had come first: what is certainly the member's stands, and what is a stranger's is asked about.
    assert {(record["page_seq"], record["row"]) for record in records(office)} == {(1, 0), (2, 0)}
    assert adds_up(office) == {"member": 2, "review": 2}


def test_a_past_from_two_feeds_is_paid_once(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "west", page(row("B1", 1, mdtrt_id="other")))
    enrolled(office, 1)
    rescan_and_judge(office)
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert adds_up(office) == {"member": 1, "duplicate": 1}


def test_a_nameless_refund_goes_with_the_past(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", None, refund=True)))
    enrolled(office, 1)
    rescan_and_judge(office)
    assert live(office) == []
    assert tallies(office) == {"member": (2, 0)}
    enrol(office, "nm", [member(1, opt_out=True)])
    rescan_and_judge(office)
    assert records(office) == []
    assert tallies(office) == {"stranger": (2, 0)}
    assert len(rows_of(office, schema.waiting_reversal)) == 1
    assert adds_up(office)


def test_pages_that_wait_or_cannot_be_read_are_left_alone(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    take(office, "east", Fetched(content=content([])[:-1], request="bad"))
    waiting = keep_page(office, "east", page(row("A2", 1, **LATER)))
    enrolled(office, 1)
    rescan_and_judge(office)
    assert len(records(office)) == 1
    process_page(office, waiting)
    assert len(records(office)) == 2
    assert adds_up(office) == {"member": 2}


def test_bad_rows_of_a_new_member_wait_for_a_person(office: Office) -> None:
    take(office, "east", page(row("A1", 1, enddate="2020-01-01")))
    assert adds_up(office) == {"stranger": 1}
    enrolled(office, 1)
    rescan_and_judge(office)
    assert only(open_items(office))[::3] == ("quarantine", "date_order")
    assert adds_up(office) == {"quarantined": 1}
    enrol(office, "nm", [member(1, opt_out=True)])
    rescan_and_judge(office)
    assert open_items(office) == []
    assert adds_up(office) == {"stranger": 1}


# ── people ──


def test_a_number_corrected_to_that_of_another_enrolment_makes_one_person_of_two(office: Office) -> None:
    wrong = who(60).id_number
    enrol(office, "nm", [member(1, coverage=(FIRST_HALF,))])
    enrol(office, "nm", [member(1, member_no="X1", id_number=wrong, coverage=(SECOND_HALF,))])
    take(office, "east", page(row("A1", 1), row("A2", 1, **LATER), row("A3", Who(who(1).name, wrong))))
    assert len({each["person_id"] for each in members(office)}) == 2
    enrol(office, "nm", [member(1, member_no="X1", coverage=(SECOND_HALF,))])
    rescan_and_judge(office)
    assert len({each["person_id"] for each in members(office)}) == 1
    assert sorted(stay for stay, _ in payable(office)) == ["H15099900001/VA1", "H15099900001/VA2"]
    assert adds_up(office) == {"member": 2, "stranger": 1}


def test_a_number_corrected_away_parts_two_people(office: Office) -> None:
    right = who(60).id_number
    enrol(office, "nm", [member(1, coverage=(FIRST_HALF,)), member(1, member_no="X1", coverage=(SECOND_HALF,))])
    take(office, "east", page(row("A1", 1), row("A2", Who(who(1).name, right), **LATER)))
    enrol(office, "nm", [member(1, member_no="X1", id_number=right, coverage=(SECOND_HALF,))])
    rescan_and_judge(office)
    assert len({each["person_id"] for each in members(office)}) == 2
    assert sorted(stay for stay, _ in payable(office)) == ["H15099900001/VA1", "H15099900001/VA2"]
    # Neither has what the other is covered for.
    take(office, "east", page(row("A3", 1, **LATER), row("A4", Who(who(1).name, right))))
    assert len(payable(office)) == 2


def test_two_members_whose_numbers_were_swapped(office: Office) -> None:
    one, two = who(1), who(2)
    swapped = [member(1, id_number=two.id_number), member(2, id_number=one.id_number)]
    enrol(office, "nm", swapped)
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    assert adds_up(office) == {"review": 2}
    assert enrolled(office, 1, 2).refused == []
    rescan_and_judge(office)
    assert adds_up(office) == {"member": 2}
    assert {each["body"]["member"]["member_no"] for each in live(office)} == {"M00001", "M00002"}


def test_who_opts_out_under_one_number_takes_part_under_none(office: Office) -> None:
    both = [member(1, coverage=(FIRST_HALF,)), member(1, member_no="X1", coverage=(SECOND_HALF,))]
    enrol(office, "nm", both)
    take(office, "east", page(row("A1", 1), row("A2", 1, **LATER)))
    assert len(payable(office)) == 2
    out = member(1, member_no="X1", coverage=(SECOND_HALF,), opt_out=True)
    report = enrol(office, "nm", [out])
    assert (set(report.changed), report.kept_out) == ({"X1"}, ["M00001"])
    rescan_and_judge(office)
    assert (payable(office), adds_up(office)) == ([], {"stranger": 2})
    assert rows_of(office, schema.member_fingerprint) == []
    # The same file again, a third number, and a correction of the one that is kept out change nothing of it.
    again = enrol(office, "nm", [both[0], out])
    assert (again.unchanged, again.changed, again.kept_out) == (2, {}, ["M00001"])
    third = enrol(office, "nm", [member(1, member_no="X2", coverage=(covered("2022-06-01", "2023-05-31"),))])
    assert third.kept_out == ["X2"]
    changed = enrol(office, "nm", [member(1, coverage=(FIRST_HALF,), phone="13900000000")])
    assert (changed.changed, changed.kept_out) == ({"M00001": ("phone",)}, ["M00001"])
    rescan_and_judge(office)
    assert adds_up(office) == {"stranger": 2}
    # He comes back.
    enrol(office, "nm", [both[1]])
    rescan_and_judge(office)
    assert adds_up(office) == {"member": 2}
    assert not [each for each in members(office) if each["opt_out"]]


def test_who_opted_out_under_a_wrong_number_keeps_nobody_else_out(office: Office) -> None:
    enrol(office, "nm", [member(1), member(1, member_no="X1", opt_out=True, coverage=())])
    enrol(office, "nm", [member(1, member_no="X1", id_number=who(60).id_number, opt_out=True, coverage=())])
    take(office, "east", page(row("A1", 1), row("A2", Who(who(1).name, who(60).id_number))))
    assert adds_up(office) == {"member": 1, "stranger": 1}


def test_rosters_from_before_know_their_opt_outs(office: Office) -> None:
    enrol(office, "nm", [member(1, opt_out=True)])
    with office.store.write() as tx:
        tx.execute(schema.member_block.delete())
        tx.execute(schema.roster.update().values(indexed=1))
    assert enrol(office, "nm", [member(1, member_no="X1")]).kept_out == ["X1"]


# ── cut off in the middle ──


class Crash(BaseException):
    """The process is gone."""


def a_past(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", 1), row("A2", 2), row("A3", 3)), page(row("A4", 3, **LATER), row("A5", 1)))
    take(office, "west", page(row("B1", 3, mdtrt_id="other"), row("B2", 2, **LATER)))
    enrol(office, "nm", [member(1, name="改名"), member(2, coverage=(SECOND_HALF,)), member(3)])


@pytest.mark.parametrize("after_writing", [False, True], ids=["before the commit", "at the last moment"])
@pytest.mark.parametrize(("place", "call"), [("apply_again", 0), ("apply_again", 2), ("reassess", 0)])
def test_a_crash_means_look_again(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    call: int,
    after_writing: bool,
) -> None:
    a_past(office)
    inner, calls = getattr(again, place), [0]

    def crashes(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == call + 1 and not after_writing:
            raise Crash
        done = inner(*given, **named)
        if calls[0] == call + 1:
            raise Crash
        return done

    with monkeypatch.context() as patch:
        patch.setattr(again, place, crashes)
        with pytest.raises(Crash):
            rescan_and_judge(office)
    assert rows_of(office, schema.rescan) != []
    rescan_and_judge(office)
    assert rows_of(office, schema.rescan) == []
    assert adds_up(office) == {"review": 2, "member": 4, "duplicate": 1}
    assert payable(office) == [
        ("H15099900001/VA3", 249000),
        ("H15099900001/VA4", 240000),
        ("H15099900001/VB2", 249000),
    ]


def test_a_change_that_comes_while_others_are_looked_at_is_not_forgotten(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(office, "east", page(row("A1", 1)))
    enrol(office, "nm", [member(1, coverage=(SECOND_HALF,))])
    done: list[Any] = []
    weigh = again._reassess_members

    def weigh_again(*given: Any) -> None:
        weigh(*given)
        if not done:
            done.append(enrolled(office, 1))

    monkeypatch.setattr(again, "_reassess_members", weigh_again)
    rescan_and_judge(office)
    assert live(office) == []
    rescan_and_judge(office)
    assert rows_of(office, schema.rescan) == []
    assert len(live(office)) == 1
