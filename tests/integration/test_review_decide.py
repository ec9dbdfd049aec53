"""A person decides a doubt: the record becomes the member's or a stranger's, and everything still adds up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
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
    put_coverage,
    records,
    row,
    rows_of,
    take,
    who,
)
from review_side import LATER, SMALL, STRANGE, asked, choose, refused, say, states, take_back, wrong_name

from gateway.errors import Conflict
from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide as association_decides
from gateway.flow.intake.night import work_waiting
from gateway.flow.intake.retain import retain
from gateway.flow.office import Office
from gateway.flow.reviewing import show as reviewing
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money
from gateway.settings.gateway import ReviewSpec
from gateway.store import schema
from gateway.store.reviews import end as end_reviews

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


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


# ── same, different, not sure ──


def test_the_same_is_his_with_all_that_follows(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1), row("A9", 9))
    assert adds_up(office) == {"review": 1, "stranger": 1}
    done = say(office, item, "same")
    assert (done.state, done.member_no, done.rows) == ("decided", "M00001", 1)
    assert adds_up(office) == {"member": 1, "stranger": 1}
    assert payable(office) == [("H15099900001/VA1", 209_000)]
    assert only(rows_of(office, schema.delivery))["state"] == "pending"
    assert (states(office)[item], open_items(office)) == ("decided", [])


def test_somebody_different_is_a_stranger(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1), row("A2", 2))
    before = live(office)
    assert say(office, item, "different").state == "decided"
    assert adds_up(office) == {"stranger": 1, "member": 1}
    assert live(office) == before
    assert len(records(office)) == 1


def test_not_sure_stays_open_and_is_counted(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "unsure", note="电话不通")
    say(office, item, "unsure", by="乙")
    assert adds_up(office) == {"review": 1}
    [shown] = reviewing.list_items(office)
    assert (shown["item_id"], shown["unsure"], shown["state"]) == (item, 2, "open")
    told = reviewing.show(office, item)["decisions"]
    assert [(each["by"], each["note"]) for each in told] == [("甲", "电话不通"), ("乙", None)]


def test_another_member_than_the_likeliest(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1))
    assert choose(light, item, "M00002").member_no == "M00002"
    [claim] = claims(light)
    [two] = [each for each in rows_of(light, schema.member) if each["member_no"] == "M00002"]
    assert claim["member_id"] == two["member_id"]
    assert adds_up(light) == {"member": 1}


def test_somebody_chosen_by_hand_has_his_own_evidence(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1))
    doubt = only(reviewing.list_items(light))
    choose(light, item, "M00002")
    kept = only(rows_of(light, schema.match_decision))
    [two] = [each for each in rows_of(light, schema.member) if each["member_no"] == "M00002"]
    assert kept["member_id"] == two["member_id"]
    told = msgspec.json.decode(kept["reasons"])
    assert told[0] == "id_number_sound_near"
    assert "name_differs" in told
    assert told[-1] == "decided_by_person"
    steps = {each["field"]: each["level"] for each in msgspec.json.decode(kept["evidence"])}
    assert steps["id_number"] == "sound_near"
    assert kept["score"] < doubt["score"]
    # Nothing compared speaks for him, so it would teach the model nonsense.
    assert list(reviewing.lessons(light)) == []


def test_the_card_of_one_twin_and_the_record_of_the_other(light: Office) -> None:
    """The number leads to its owner; the name, the birth date and the employer lead to his brother."""
    works = "试验晨光矿业有限责任公司"
    enrol(light, "nm", [member(1, name="试建国", unit_name=works), member(81, name="试建军", unit_name=works)])
    born = f"{who(1).id_number[6:10]}-{who(1).id_number[10:12]}-{who(1).id_number[12:14]}"
    item = asked(light, wrong_name("A1", 1, "试建军", brdy=born, emp_name=works))
    offered = reviewing.show(light, item)["candidates"]
    assert [each["member_no"] for each in offered] == ["M00081", "M00001"]
    assert {"name_agrees", "birth_date_agrees", "employer_agrees"} <= set(offered[0]["reasons"])
    # Nobody is ruled out, or made one with him, for being offered too.
    with refused("not_valid"):
        say(light, item, "same", join=True)
    assert say(light, item, "same", member_no="M00081").state == "decided"
    assert only(rows_of(light, schema.match_decision))["member_id"] == offered[0]["member_id"]


def test_a_slip_of_the_pen_pays_nobody(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1))
    before = everything(light)
    for how in ({"member_no": "M00002"}, {"member_no": "M00002", "join": True}):
        with refused("nothing_agrees"):
            say(light, item, "same", **how)
    assert everything(light) == before
    # However small the amount: one person alone cannot say it.
    assert say(light, item, "same", member_no="M00002", although_different=True).state == "proposed"
    with refused("second_person"):
        say(light, item, "same", member_no="M00002", although_different=True)
    with refused("nothing_agrees"):
        say(light, item, "same", by="乙", member_no="M00002")
    assert say(light, item, "same", by="乙", member_no="M00002", although_different=True).state == "decided"
    assert adds_up(light) == {"member": 1}


def test_what_cannot_be_answered(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1))
    before = everything(light)
    enrol(light, "nm", [member(3, opt_out=True)])
    for answer, how, code in (
        ("agree", {}, "not_valid"),
        ("different", {"member_no": "M00002"}, "not_valid"),
        ("unsure", {"join": True}, "not_valid"),
        ("different", {"although_different": True}, "not_valid"),
        ("different", {"confirm": True}, "not_valid"),
        ("same", {"confirm": True}, "not_valid"),
        ("same", {"member_no": "M77777"}, "unknown_member"),
        ("same", {"member_no": "M00003"}, "opted_out"),
        ("same", {"join": True}, "not_valid"),
        ("same", {"by": " "}, "not_valid"),
        ("same", {"by": "甲" * 81}, "not_valid"),
        ("same", {"note": "长" * 2001}, "not_valid"),
    ):
        with refused(code):
            say(light, item, answer, **how)  # type: ignore[arg-type]
    for unknown in (item + 1, 0, -1, 10**30):
        with refused("unknown_item"):
            say(light, unknown, "same")
    assert {**everything(light), "member": 0, "person": 0} == {**before, "member": 0, "person": 0}


def test_a_row_no_scheme_pays_is_left_in_its_page(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, med_type="41", begndate=None, enddate=None, ipt_days=None))
    assert say(light, item, "same").state == "decided"
    assert adds_up(light) == {"left": 1}
    assert records(light) == []


def test_a_row_of_his_that_cannot_be_read_goes_to_quarantine(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, begndate="2021-13-45"))
    assert say(light, item, "same").state == "decided"
    assert adds_up(light) == {"quarantined": 1}


# ── one at a time ──


def test_the_second_to_decide_is_told_who_was_first(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    say(office, item, "same", by="张三丰")
    before = everything(office)
    with pytest.raises(Conflict, match="张三丰"):
        say(office, item, "different", by="乙")
    assert everything(office) == before


def test_two_at_the_same_moment(make_office: MakeOffice, database_url: str) -> None:
    first, second = make_office(database_url, feeds=EAST_AND_WEST), make_office(database_url)
    enrolled(first, 1)
    item = asked(first, wrong_name("A1", 1))

    def answer(office: Office, what: Any) -> str:
        try:
            return say(office, item, what).state
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(answer, (first, second), ("same", "different")))
    assert sorted(said) == ["conflict", "decided"]
    assert adds_up(first) == ({"member": 1} if said[0] == "decided" else {"stranger": 1})


def _month(at: int) -> dict[str, Any]:
    """A stay of the month with this number, from July 2021 on: no two of one person's share a day."""
    year, month = 2021 + (6 + at) // 12, (6 + at) % 12 + 1
    days = {"begndate": f"{year}-{month:02d}-01", "enddate": f"{year}-{month:02d}-10"}
    return {**days, "setl_time": f"{year}-{month:02d}-10 10:00:00"}


def test_deciding_while_pages_are_worked(make_office: MakeOffice, database_url: str) -> None:
    first, second = make_office(database_url, feeds=EAST_AND_WEST), make_office(database_url)
    enrolled(first, 1, 2)
    found = [asked(first, wrong_name(f"A{at}", 1, f"陌生{at}", **_month(at))) for at in range(4)]
    rows = [wrong_name(f"B{at}", 1, f"陌生{at % 4}", **_month(at + 4)) for at in range(8)]
    with ThreadPoolExecutor(2) as pool:
        pages = (page(doubt, row(f"C{at}", 2, **_month(at))) for at, doubt in enumerate(rows))
        working = pool.submit(take, second, "west", *pages)
        for item in found:
            say(first, item, "same")
        working.result()
    assert open_items(first) == []
    assert sum(adds_up(first).values()) == 4 + 16
    assert "review" not in adds_up(first)


def test_a_crash_in_the_middle_changes_nothing(light: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    item = asked(light, wrong_name("A1", 1))
    before = everything(light)
    tables = (schema.review_decision, schema.ruling, schema.ruled_row)
    # The last thing a decision writes is that the item is closed; nothing real fails just there.
    with monkeypatch.context() as patched:
        patched.setattr("gateway.flow.reviewing.decide.reviews.end", _dies_at_last(item))
        with pytest.raises(RuntimeError, match="power cut"):
            say(light, item, "same")
    assert everything(light) == before
    assert [rows_of(light, table) for table in tables] == [[], [], []]
    assert say(light, item, "same").state == "decided"


def _dies_at_last(item: int) -> Any:
    def dies(tx: Any, item_ids: Any, *, state: str) -> None:
        if state == "decided" and item in item_ids:
            raise RuntimeError("power cut")
        end_reviews(tx, item_ids, state=state)

    return dies


# ── a second person ──


def test_above_the_amount_two_people_must_say_so(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1, medfee_sumamt="10000.01", inscp_scp_amt="9000.00"))
    assert say(office, item, "same", by="王 芳").state == "proposed"
    assert adds_up(office) == {"review": 1}
    assert only(reviewing.list_items(office))["proposed_by"] == "王 芳"
    for again in ("王 芳", "王芳", " 王　芳 "):
        with refused("second_person"):
            say(office, item, "same", by=again)
    assert say(office, item, "same", by="李娜").state == "decided"
    assert adds_up(office) == {"member": 1}
    assert [each["state"] for each in rows_of(office, schema.review_decision)] == ["confirmed", "done"]


def test_the_amount_itself_needs_one_person_only(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, medfee_sumamt="10000.00", inscp_scp_amt="9000.00"))
    assert say(light, item, "same").state == "decided"


def test_a_refund_needs_as_many_as_its_settlement(light: Office) -> None:
    item = asked(light, {**wrong_name("A1", 1), "medfee_sumamt": "-20000.00", "refd_setl_flag": "1"})
    assert say(light, item, "same").state == "proposed"


def test_the_amount_is_a_setting(light: Office) -> None:
    strict = replace(light, gateway=light.gateway.model_copy(update={"review": ReviewSpec(second_person_above=0)}))
    item = asked(strict, wrong_name("A1", 1))
    assert say(strict, item, "same").state == "proposed"


def test_what_is_proposed_is_shown_and_confirmed_as_it_stands(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    say(light, item, "same", by="甲", member_no="M00002", join=True, although_different=True)
    listed = only(reviewing.list_items(light))
    assert (listed["proposed_by"], listed["proposed_member_no"], listed["proposed_join"]) == ("甲", "M00002", True)
    shown = reviewing.show(light, item)
    spoken = only(shown["decisions"])
    assert (spoken["member_no"], spoken["join"]) == ("M00002", ["M00001"])
    # Whoever confirms sees the member beside the record, though nothing but the proposal leads to him.
    assert [each["member_no"] for each in shown["candidates"]] == ["M00001", "M00002"]
    assert "id_number_sound_near" in shown["candidates"][1]["reasons"]
    with refused("second_person"):
        say(light, item, "same", by="甲", confirm=True)
    with pytest.raises(Conflict):
        say(light, item, "same", by="乙", confirm=True, member_no="M00001")
    done = say(light, item, "same", by="乙", confirm=True, member_no="M00002")
    assert (done.state, done.member_no, done.replaced) == ("decided", "M00002", ())
    assert len({each["person_id"] for each in rows_of(light, schema.member)}) == 1


def test_a_second_person_who_disagrees(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    say(light, item, "same", by="甲")
    second = say(light, item, "same", by="乙", member_no="M00002", although_different=True)
    assert second.state == "proposed"
    assert [(each.by, each.member_no, each.join) for each in second.replaced] == [("甲", "M00001", False)]
    # The first one's proposal is no longer there to be confirmed.
    third = say(light, item, "same", by="丙")
    assert (third.state, only(third.replaced).member_no) == ("proposed", "M00002")
    last = say(light, item, "different", by="丁")
    assert (last.state, only(last.replaced).by) == ("decided", "丙")
    assert adds_up(light) == {"stranger": 1}
    assert [each["state"] for each in rows_of(light, schema.review_decision)] == ["overtaken"] * 3 + ["done"]


def test_a_proposal_ends_when_the_member_changes(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    say(light, item, "same", by="甲")
    enrol(light, "nm", [member(1, name="试赵一一")])
    rescan(light)
    assert states(light) == {item: "open"}
    assert say(light, item, "same", by="乙").state == "proposed"


# ── other kinds ──


def drop(office: Office, revision: int, *rows: dict[str, Any]) -> None:
    take(office, "files", page(*rows, request=f"day1:{revision}", source="day1.json", part=1, parts=1))


def test_a_person_agrees_that_a_file_takes_rows_back(office: Office) -> None:
    drop(office, 1, row("A1", 1), row("A2", 2), row("A9", 9))
    drop(office, 2, row("A1", 1))
    [item] = list(states(office))
    with refused("not_valid"):
        say(office, item, "same")
    assert say(office, item, "agree").state == "decided"
    assert payable(office) == [("H15099900001/VA1", 249_000)]
    assert adds_up(office) == {"member": 1, "superseded": 3}
    with refused("not_valid"):
        take_back(office, item)


def test_a_person_refuses_and_may_think_again(light: Office) -> None:
    drop(light, 1, row("A1", 1), row("A2", 2), row("A9", 9))
    drop(light, 2, row("A1", 1))
    [item] = list(states(light))
    assert say(light, item, "refuse").state == "decided"
    assert len(live(light)) == 2
    assert take_back(light, item).state == "open"
    assert say(light, item, "agree").state == "decided"
    assert len(live(light)) == 1


def test_a_newer_file_settles_the_question_before_the_person(light: Office) -> None:
    drop(light, 1, row("A1", 1), row("A2", 2), row("A9", 9))
    drop(light, 2, row("A1", 1))
    [item] = list(states(light))
    drop(light, 3, row("A1", 1), row("A2", 2), row("A9", 9))
    with pytest.raises(Conflict):
        say(light, item, "agree")


def test_what_changed_after_a_decision_is_shown_and_noted_once(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = only(live(office))["claim_id"]
    association_decides(office, claim, version=1, outcome="paid", amount=Money(249_000))
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    [item] = list(states(office))
    told = reviewing.show(office, item)["claim"]
    assert (told["decision"]["amount"], told["owed_now"], told["difference"]) == ("2490.00", "2890.00", "400.00")
    assert told["changed"] == [{"settlement_no": "A1", "gone": False}]
    assert say(office, item, "noted").state == "decided"
    # The same facts, weighed again, ask nobody; other facts do.
    take(office, "east", page(row("A3", 1, **LATER)))
    assert open_items(office) == []
    take(office, "east", page(row("A1", 1, refund=True)))
    assert [each[0] for each in open_items(office)] == ["decided_before"]


def test_a_contradiction_is_noted_once(light: Office) -> None:
    twice = '[["nm-inpatient","2021-06-01","2022-05-31",null],["nm-inpatient","2021-12-01","2022-06-30",null]]'
    put_coverage(light, "M00001", twice)
    take(light, "east", page(row("A1", 1)))
    [item] = list(states(light))
    assert reviewing.show(light, item)["claim"] is None
    say(light, item, "noted")
    take(light, "east", page(row("A1", 1), request="again"))
    assert open_items(light) == []


# ── two associations ──


@pytest.fixture
def two(make_office: MakeOffice, database_url: str) -> Office:
    """One feed for two associations, with the same person in both."""
    shared = EAST_AND_WEST["east"].replace('["nm"]', '["nm", "other"]')
    site = make_office(database_url, feeds={"files": FILES["files"]}).site
    folder = site / "config" / "associations"
    text = (folder / "nm.toml").read_text(encoding="utf-8").replace('association = "nm"', 'association = "other"')
    (folder / "other.toml").write_text(text, encoding="utf-8")
    (site / "config" / "feeds" / "east.toml").write_text(shared, encoding="utf-8")
    office = make_office(database_url)
    for name in ("nm", "other"):
        enrol(office, name, [member(1)])
    return office


def test_each_association_decides_for_itself(two: Office) -> None:
    take(two, "east", page(wrong_name("A1", 1), row("A9", 9)))
    items = {each["association"]: each["item_id"] for each in reviewing.list_items(two)}
    assert sorted(items) == ["nm", "other"]
    say(two, items["nm"], "same")
    assert states(two) == {items["nm"]: "decided", items["other"]: "open"}
    assert adds_up(two) == {"member": 1, "stranger": 1}
    say(two, items["other"], "same")
    assert adds_up(two) == {"member": 1, "stranger": 1}
    assert sorted(each["association"] for each in live(two)) == ["nm", "other"]
    take_back(two, items["nm"])
    assert [each["association"] for each in live(two)] == ["other"]
    assert states(two) == {items["nm"]: "open", items["other"]: "decided"}
    assert adds_up(two) == {"member": 1, "stranger": 1}
    say(two, items["nm"], "different")
    take_back(two, items["other"])
    assert adds_up(two) == {"review": 1, "stranger": 1}
    take(two, "east", page(wrong_name("A1", 1, "别的人")))
    assert adds_up(two) == {"review": 1, "stranger": 1, "superseded": 1}


# ── pages that are gone ──


@pytest.fixture
def gone(office: Office, clock: Hands) -> Iterator[tuple[Office, int]]:
    item = asked(office, wrong_name("A1", 1))
    clock.move(days=200)
    yield office, item


def test_an_item_whose_page_went_is_expired(gone: tuple[Office, int]) -> None:
    office, item = gone
    say(office, item, "unsure", note="等单位回话")
    retain(office)
    assert states(office) == {item: "expired"}
    with pytest.raises(Conflict):
        say(office, item, "same")
    assert adds_up(office) == {"review": 1}
    shown = reviewing.show(office, item)
    assert (shown["available"], shown["candidates"], shown["decisions"][0]["note"]) == (False, [], None)


def test_a_ruling_about_a_stranger_ends_with_his_last_page(gone: tuple[Office, int], clock: Hands) -> None:
    office, item = gone
    say(office, item, "different")
    take(office, "east", page(wrong_name("A5", 1, **LATER)))
    retain(office)
    # The second page still holds him.
    assert len(rows_of(office, schema.ruling)) == 1
    clock.move(days=200)
    retain(office)
    assert [rows_of(office, table) for table in (schema.ruling, schema.ruled_row)] == [[], []]


def test_a_decision_can_be_taken_back_after_its_page_went(gone: tuple[Office, int]) -> None:
    office, item = gone
    say(office, item, "same")
    retain(office)
    assert len(live(office)) == 1
    assert take_back(office, item).state == "expired"
    assert live(office) == []
    assert records(office) == []
    assert adds_up(office) == {"review": 1}


def test_nothing_personal_is_remembered_in_the_clear(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1))
    say(light, item, "same", note=f"与{STRANGE}核对")
    reviewing.reveal(light, item, by="甲")
    tables = (schema.review, schema.review_decision, schema.ruling, schema.ruled_row, schema.review_access)
    held = repr([rows_of(light, table) for table in tables])
    assert STRANGE in reviewing.show(light, item)["decisions"][0]["note"]
    for text in (STRANGE, who(1).name, who(1).id_number, STRANGE.encode().hex(), repr(STRANGE.encode())[2:-1]):
        assert text not in held


def test_work_goes_on_after_decisions(light: Office) -> None:
    item = asked(light, wrong_name("A1", 1))
    say(light, item, "same")
    before = everything(light)
    work_waiting(light, ["east"])
    assert everything(light) == before
    assert SMALL["medfee_sumamt"] == "9000.00"
