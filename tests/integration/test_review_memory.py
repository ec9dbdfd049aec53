"""A decision is remembered: the same doubt is not asked twice, another one is; undone, all that followed goes too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    Who,
    adds_up,
    claims,
    enrolled,
    everything,
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
    versions,
    who,
)
from review_side import LATER, SMALL, asked, choose, say, states, take_back, wrong_name

from gateway.errors import Conflict
from gateway.flow.delivery.claims import decide as association_decides
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.office import Office
from gateway.flow.reviewing import show as reviewing
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.store import match_decisions, schema

if TYPE_CHECKING:
    from conftest import MakeOffice

SEPTEMBER: dict[str, Any] = {"begndate": "2021-09-01", "enddate": "2021-09-10", "setl_time": "2021-09-10 10:00:00"}
STAY_1, STAY_2 = "H15099900001/VA1", "H15099900001/VA2"


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


@pytest.fixture
def light(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def reasons(office: Office, seq: int) -> list[tuple[str, ...]]:
    """Why the rows of a page were decided as they were, where that was kept."""
    with office.store.read() as tx:
        return [each.reasons for each in match_decisions.of_pages(tx, [seq])]


# ── remembered ──


def test_the_same_evidence_is_matched_from_then_on(office: Office) -> None:
    say(office, asked(office, wrong_name("A1", 1)), "same")
    [seq] = take(office, "west", page(wrong_name("A2", 1, **LATER)))
    assert open_items(office) == []
    assert [stay for stay, _ in payable(office)] == [STAY_1, STAY_2]
    assert "decided_by_person" in only(reasons(office, seq))
    assert adds_up(office) == {"member": 2}


def test_the_same_evidence_is_nobody_s_from_then_on(office: Office) -> None:
    say(office, asked(office, wrong_name("A1", 1)), "different")
    take(office, "west", page(wrong_name("A2", 1, **LATER), row("A3", 1)))
    assert open_items(office) == []
    assert adds_up(office) == {"stranger": 2, "member": 1}


@pytest.mark.parametrize("answer", ["same", "different"])
def test_doubts_that_wait_already_are_answered_with_it(office: Office, answer: Any) -> None:
    first = asked(office, wrong_name("A1", 1))
    second = asked(office, wrong_name("A2", 1, **LATER), feed="west")
    other = asked(office, wrong_name("A3", 1, "另一人", **LATER))
    say(office, first, answer)
    assert states(office) == {first: "decided", second: "closed", other: "open"}
    kind = "member" if answer == "same" else "stranger"
    assert adds_up(office) == {kind: 2, "review": 1}


@pytest.mark.parametrize("changes", [{"name": "另一人"}, {"brdy": "1985-02-03"}, {"gend": "2"}])
def test_other_evidence_is_another_doubt(light: Office, changes: dict[str, Any]) -> None:
    say(light, asked(light, wrong_name("A1", 1)), "same")
    name = changes.get("name", "陌路人")
    more = {key: value for key, value in changes.items() if key != "name"}
    take(light, "east", page(wrong_name("A2", 1, name, **LATER, **more)))
    assert len(open_items(light)) == 1
    assert adds_up(light) == {"member": 1, "review": 1}


def test_another_person_s_number_under_that_name_is_another_doubt(light: Office) -> None:
    say(light, asked(light, wrong_name("A1", 1)), "same")
    asked(light, wrong_name("A2", 2, **LATER))
    assert adds_up(light) == {"member": 1, "review": 1}


def test_what_is_certain_needs_no_ruling(light: Office) -> None:
    say(light, asked(light, wrong_name("A1", 1)), "different")
    take(light, "east", page(row("A2", 1, **LATER)))
    assert adds_up(light) == {"stranger": 1, "member": 1}


def test_without_a_whole_number_only_this_settlement_is_his(light: Office) -> None:
    """Name and birth date alone are never enough, even when a person once said so."""
    masked = who(1).id_number[:6] + "********" + who(1).id_number[-4:]
    first, second = (row(f"A{at}", Who(who(1).name, masked), **SMALL, **(LATER if at else {})) for at in range(2))
    item = asked(light, first)
    say(light, item, "same")
    take(light, "east", page(first, request="the same settlement again"))
    assert adds_up(light) == {"member": 1, "superseded": 1}
    say(light, asked(light, second), "different")
    assert adds_up(light) == {"member": 1, "superseded": 1, "stranger": 1}


def test_a_later_decision_overrules_the_one_before(office: Office) -> None:
    first = asked(office, wrong_name("A1", 1))
    say(office, first, "different")
    second = asked(office, wrong_name("A2", 1, "另一人", **LATER))
    say(office, second, "same")
    assert adds_up(office) == {"stranger": 1, "member": 1}
    take_back(office, first)
    say(office, first, "same")
    assert adds_up(office) == {"member": 2}


def test_a_corrected_settlement_needs_no_second_answer(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "same")
    take(office, "east", page(wrong_name("A1", 1, inscp_scp_amt="8100.00")))
    assert payable(office) == [(STAY_1, 213_000)]
    assert adds_up(office) == {"member": 1, "superseded": 1}
    assert take_back(office, item).state == "superseded"
    assert live(office) == []
    assert adds_up(office) == {"review": 1, "superseded": 1}
    again = only([each["item_id"] for each in reviewing.list_items(office)])
    assert say(office, again, "same").state == "decided"
    assert payable(office) == [(STAY_1, 213_000)]


# ── the member changes ──


@pytest.mark.parametrize("answer", ["same", "different"])
def test_a_member_who_changes_is_asked_about_anew(office: Office, answer: Any) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, answer)
    enrol(office, "nm", [member(1, name="试赵一一")])
    rescan_and_judge(office)
    assert (states(office), live(office)) == ({item: "open"}, [])
    assert adds_up(office) == {"review": 1}
    assert rows_of(office, schema.ruling) == []
    with pytest.raises(Conflict):
        take_back(office, item)


def test_a_member_somebody_chose_by_hand_and_who_changes(light: Office) -> None:
    """Nothing but the ruling leads from the row to this member."""
    item = asked(light, wrong_name("A1", 1))
    choose(light, item, "M00002")
    enrol(light, "nm", [member(2, name="试钱二二")])
    rescan_and_judge(light)
    assert records(light) == []
    assert states(light) == {item: "open"}
    assert adds_up(light) == {"review": 1}


def test_who_opts_out_is_forgotten(office: Office) -> None:
    say(office, asked(office, wrong_name("A1", 1)), "same")
    enrol(office, "nm", [member(1, opt_out=True)])
    rescan_and_judge(office)
    assert records(office) == []
    assert [rows_of(office, table) for table in (schema.ruling, schema.ruled_row)] == [[], []]
    assert adds_up(office) == {"stranger": 1}


def test_changed_coverage_voids_nothing(light: Office) -> None:
    say(light, asked(light, wrong_name("A1", 1)), "same")
    enrol(light, "nm", [member(1, coverage=())])
    rescan_and_judge(light)
    assert adds_up(light) == {"member": 1}
    assert live(light) == []


# ── taken back ──


def test_what_followed_is_withdrawn(office: Office) -> None:
    take(office, "east", page(row("A2", 1, **LATER)))
    before = payable(office)
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "same")
    assert [fen for _, fen in payable(office)] == [209_000, 240_000]
    mine = next(each["claim_id"] for each in live(office) if each["stay"] == STAY_1)
    done = take_back(office, item)
    assert (done.state, done.answer, done.rows, done.asked) == ("open", "same", 1, ())
    assert payable(office) == before
    assert versions(office, mine)[-1][1] == "withdrawn"
    told = only([each["body"] for each in claims(office) if each["claim_id"] == mine])
    assert told["reason"] == "decision_withdrawn"
    assert adds_up(office) == {"member": 1, "review": 1}
    assert states(office) == {item: "open"}


def test_everything_the_memory_did_since_goes_too(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "same")
    take(office, "west", page(wrong_name("B1", 1, **LATER)), page(wrong_name("B2", 1, **SEPTEMBER)))
    assert adds_up(office) == {"member": 3}
    assert take_back(office, item).rows == 3
    assert (records(office), live(office)) == ([], [])
    assert adds_up(office) == {"review": 3}
    take(office, "east", page(wrong_name("B3", 1, **{**SEPTEMBER, "begndate": "2021-08-30"})))
    assert adds_up(office) == {"review": 4}


def test_strangers_come_back_as_doubts(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "different")
    take(office, "west", page(wrong_name("B1", 1, **LATER), row("B9", 9)))
    assert take_back(office, item).rows == 2
    assert adds_up(office) == {"review": 2, "stranger": 1}
    assert say(office, item, "same").rows == 2
    assert adds_up(office) == {"member": 2, "stranger": 1}


def test_there_is_nothing_to_take_back_twice(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    with pytest.raises(Conflict):
        take_back(office, item)
    say(office, item, "same")
    take_back(office, item)
    before = everything(office)
    with pytest.raises(Conflict):
        take_back(office, item)
    assert everything(office) == before


def test_a_proposal_can_be_taken_back(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    say(light, item, "same", by="甲")
    assert take_back(light, item).state == "open"
    assert say(light, item, "same", by="乙").state == "proposed"


def test_what_the_association_decided_goes_to_a_person(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "same")
    claim = only(live(office))["claim_id"]
    association_decides(office, claim, version=1, outcome="paid", amount=Money(209_000))
    done = take_back(office, item)
    [doubt] = done.asked
    assert versions(office, claim) == [(1, "proposed", "pending")]
    told = reviewing.show(office, doubt)["claim"]
    assert (told["claim_id"], told["owed_now"], told["difference"]) == (claim, "0.00", "-2090.00")
    assert told["changed"] == [{"settlement_no": "A1", "gone": True}]
    assert adds_up(office) == {"review": 1}
    assert records(office) == []


def test_the_same_end_whatever_came_between(office: Office) -> None:
    """Deciding, taking back and deciding again is deciding once."""
    item = asked(office, wrong_name("A1", 1), row("A9", 9))
    say(office, item, "same")
    once = (records(office), payable(office), adds_up(office))
    for _ in range(2):
        take_back(office, item)
        say(office, item, "different")
        take_back(office, item)
        say(office, item, "same")
    assert (records(office), payable(office), adds_up(office)) == once
    assert [each["status"] for each in claims(office)] == ["amended"]


# ── shown ──


def test_shown_masked_side_by_side(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, "陌生路人", emp_name="某某有限责任公司", psn_no="150900001234"))
    shown = reviewing.show(light, item)
    [candidate] = [each for each in shown["candidates"] if each["member_no"] == "M00001"]
    pairs = {each["field"]: each for each in candidate["fields"]}
    number = who(1).id_number
    masked = f"{number[:6]}********{number[-4:]}"
    name = pairs["name"]
    assert (name["record"], name["member"], name["verdict"]) == ("陌**人", "试*" + who(1).name[-1], "differs")
    assert (pairs["id_number"]["record"], pairs["id_number"]["verdict"]) == (masked, "agrees")
    assert pairs["employer_name"]["verdict"] == "missing"
    assert shown["settlement"]["total"] == "9000.00"
    assert shown["revealed"] is False
    for text in ("陌生路人", who(1).name, number, "某某有限责任公司", "150900001234"):
        assert text not in repr(shown)
    assert rows_of(light, schema.review_access) == []


def test_revealing_is_written_down(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    shown = reviewing.reveal(office, item, by="审核员")
    assert who(1).id_number in repr(shown)
    assert who(1).name in repr(shown)
    [log] = reviewing.access_log(office)
    assert (log["item_id"], log["by"], log["what"]) == (item, "审核员", "reveal")
    assert log["at"].startswith("2021-10-08T09:00:00")


def test_decisions_teach_without_naming_anybody(light: Office) -> None:
    first, second = asked(light, wrong_name("A1", 1)), asked(light, wrong_name("A2", 2))
    undone = asked(light, wrong_name("A3", 1, "另一人", **LATER))
    say(light, first, "same")
    say(light, second, "different")
    say(light, undone, "same")
    take_back(light, undone)
    lines = list(reviewing.lessons(light))
    assert [each["same"] for each in lines] == [True, False]
    assert all(each["levels"] and each["model"] for each in lines)
    assert all(isinstance(level, str) for each in lines for level in each["levels"].values())


def test_a_list_in_order_goes_on_where_it_stopped(light: Office) -> None:
    take(light, "east", page(*(wrong_name(f"A{at}", 1, **SMALL) for at in range(5)), row("B1", Who("甲", "x"))))
    seen: list[int] = []
    while found := reviewing.list_items(light, after=seen[-1] if seen else 0, limit=2):
        seen += [each["item_id"] for each in found]
    assert seen == sorted(states(light))
    assert reviewing.list_items(light, kind="takeback") == []
    assert reviewing.list_items(light, association="other") == []
