"""Members are found by more than their number: looked up by keyed blocks, explained, learnt, and forgotten again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    Who,
    adds_up,
    enrolled,
    everything,
    live,
    member,
    only,
    page,
    payable,
    records,
    row,
    rows_of,
    take,
    who,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.match import record_blocks, sound_block
from gateway.core.match.measuring.trying import Trial
from gateway.errors import BadInput, WrongUse
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.intake.retain import retain
from gateway.flow.office import Office
from gateway.flow.reading.rows import identify, look_up
from gateway.flow.reviewing.inspect import block_report, expected_candidates, explain, explain_item
from gateway.flow.reviewing.show import list_items
from gateway.flow.roster.enrol import BLOCK_RULES, enrol, index_again
from gateway.model.national_id import check_digit
from gateway.model.person import Subject
from gateway.store import blocks, members, schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

EMPLOYER = "试验晨光矿业有限责任公司"


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=EAST_AND_WEST)


def born(person: Who) -> str:
    digits = person.id_number[6:14]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def doubtful(number: str, serial: int, certno: str | None, **changes: Any) -> dict[str, Any]:
    """A row about a person with everything right but, perhaps, the number."""
    person = who(serial)
    sex = "1" if int(person.id_number[16]) % 2 else "2"
    return row(number, person, certno=certno, brdy=born(person), gend=sex, **changes)


def masked(person: Who) -> str:
    return f"{person.id_number[:6]}********{person.id_number[14:]}"


def mistyped(person: Who) -> str:
    """One digit of the number wrong, so that its check digit is."""
    digit = str((int(person.id_number[3]) + 1) % 10)
    return person.id_number[:3] + digit + person.id_number[4:]


def of_another_year(person: Who) -> str:
    """A sound number, but somebody else's."""
    first17 = person.id_number[:14] + "99" + person.id_number[16]
    return first17 + check_digit(first17)


# ── found without the number ──


def test_an_old_number_with_a_wrong_digit_is_a_doubt_not_a_stranger(office: Office) -> None:
    one, two = who(1), who(2)
    old = [number[:6] + number[8:17] for number in (one.id_number, two.id_number)]
    wrong = old[0][:3] + str((int(old[0][3]) + 1) % 10) + old[0][4:]
    enrolled(office, 1, 2)
    take(office, "east", page(doubtful("A1", 1, wrong), doubtful("A2", 2, old[1])))
    assert adds_up(office) == {"review": 1, "member": 1}


def test_a_mistyped_and_a_masked_number_lead_to_the_member(office: Office) -> None:
    enrolled(office, 1, 2)
    one, two = who(1), who(2)
    take(office, "east", page(doubtful("A1", 1, mistyped(one)), doubtful("A2", 2, masked(two))))
    assert adds_up(office) == {"member": 2}
    assert len(payable(office)) == 2
    stored = {each["record"]["settlement_no"]: each["record"]["id_number"] for each in records(office)}
    # The record keeps what the feed wrote: the number it was matched to is the member's own.
    assert stored == {"A1": mistyped(one), "A2": masked(two)}


def test_a_wrong_number_of_nobodys_is_quarantined_and_a_hidden_one_a_strangers(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(doubtful("A1", 8, mistyped(who(8))), doubtful("A2", 9, masked(who(9)))))
    assert adds_up(office) == {"quarantined": 1, "stranger": 1}
    assert rows_of(office, schema.match_decision) == []


def test_who_is_wrong_in_more_than_his_number_stays_quarantined_with_all_errors(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(doubtful("A1", 1, mistyped(who(1)), enddate="2021-01-01")))
    assert adds_up(office) == {"quarantined": 1}
    codes = {each["code"] for each in msgspec.json.decode(only(rows_of(office, schema.quarantine))["errors"])}
    assert codes == {"bad_id_number", "date_order"}


def looking_further(office: Office) -> Office:
    """The same site where strangers with sound numbers are looked for by name and birth date too."""
    choice = office.gateway.matching.model_copy(update={"look_further": "always"})
    return replace(office, gateway=office.gateway.model_copy(update={"matching": choice}))


def test_a_sound_number_of_another_is_only_ever_a_doubt(office: Office) -> None:
    further = looking_further(office)
    enrol(further, "nm", [member(1, unit_name=EMPLOYER)])
    other = of_another_year(who(1))
    take(further, "east", page(doubtful("A1", 1, other, emp_name=EMPLOYER), doubtful("A2", 1, other)))
    assert adds_up(further) == {"review": 1, "stranger": 1}
    stored = only(rows_of(further, schema.match_decision))
    assert (stored["outcome"], stored["row"]) == ("review", 0)


def test_two_sound_numbers_are_two_people_where_nothing_else_is_set(office: Office) -> None:
    enrol(office, "nm", [member(1, unit_name=EMPLOYER), member(2)])
    rows = [doubtful("A1", 1, of_another_year(who(1)), emp_name=EMPLOYER), doubtful("A2", 2, masked(who(2)))]
    take(office, "east", page(*rows))
    assert adds_up(office) == {"stranger": 1, "member": 1}


@pytest.mark.parametrize("further", [True, False])
def test_match_try_decides_as_the_night_does(office: Office, further: bool) -> None:
    office = looking_further(office) if further else office
    person = member(1, unit_name=EMPLOYER)
    enrol(office, "nm", [person])
    numbers = {"A1": of_another_year(who(1)), "A2": mistyped(who(1)), "A3": of_another_year(who(2))}
    take(office, "east", page(*(doubtful(name, 1, each, emp_name=EMPLOYER) for name, each in numbers.items())))
    trial = Trial([person], office.match_model, looks_further=office.looks_further)
    asked = Subject(name=person.name, birth_date=date.fromisoformat(born(who(1))), employer_name=EMPLOYER)
    outcomes = [trial.decide(msgspec.structs.replace(asked, id_number=each)).outcome for each in numbers.values()]
    kinds = {"matched": "member", "review": "review", "none": "stranger"}
    assert adds_up(office) == Counter(kinds[each.value] for each in outcomes)
    assert ("review" in adds_up(office)) is further


def test_a_name_with_a_lost_character_is_no_error_where_the_number_is_a_members(office: Office) -> None:
    enrol(office, "nm", [member(1, name="试赵喆")])
    take(
        office,
        "east",
        page(row("A1", Who("试赵\ufffd", who(1).id_number)), row("A2", Who("试赵\ufffd", who(9).id_number))),
    )
    counted = adds_up(office)
    assert counted.pop("stranger") == 1
    assert counted in ({"member": 1}, {"review": 1})
    assert only(rows_of(office, schema.match_decision))["row"] == 0


def kinds(office: Office) -> list[str]:
    """The kind of every block; no record asks for "oo", only the import of somebody's other enrolments."""
    return [bytes(each["block"])[:2].decode() for each in rows_of(office, schema.member_block)]


def test_who_opted_out_is_found_by_nothing(office: Office) -> None:
    enrol(office, "nm", [member(1, opt_out=True)])
    assert kinds(office) == ["oo"]
    assert rows_of(office, schema.member_fingerprint) == []
    take(office, "east", page(doubtful("A1", 1, masked(who(1))), row("A2", 1)))
    assert adds_up(office) == {"stranger": 2}


# ── what it costs ──


@pytest.fixture
def statements(office: Office) -> list[str]:
    seen: list[str] = []
    if office.store.postgres:
        pytest.skip("counted on SQLite, whose driver can be listened to")
    with office.store.engine.connect() as connection:
        connection.connection.dbapi_connection.set_trace_callback(seen.append)  # type: ignore[union-attr]
    return seen


def test_one_statement_asks_for_all_numbers_and_one_for_all_blocks(office: Office, statements: list[str]) -> None:
    enrolled(office, *range(1, 30))
    rows = [doubtful(f"A{n}", n, who(n).id_number if n % 3 else masked(who(n))) for n in range(1, 60)]
    content = office.mapping_of("east").read(page(*rows).content)
    read = identify(office, "east", content, 0, len(content))
    statements.clear()
    with office.store.read() as tx:
        look_up(tx, office, "east", read, content)
    asked = [each for each in statements if "from member_fingerprint" in each]
    assert len(asked) == 1
    # The second asks for the person numbers of those who were found by blocks; these rows carry none.
    assert len([each for each in statements if "from member_block" in each]) == 1


def test_blocks_begin_with_their_kind_and_hold_nothing_readable(office: Office) -> None:
    enrol(office, "nm", [member(1, unit_name=EMPLOYER, phone="13900000000")])
    blocks = [bytes(each["block"]) for each in rows_of(office, schema.member_block)]
    assert {each[:2] for each in blocks} == {b"nb", b"nl", b"be", b"bl", b"br", b"rl", b"wn", b"ws"}
    assert {len(each) for each in blocks} == {16}
    assert len(set(blocks)) == len(blocks)


NAMES = st.text(st.sampled_from("王李额尔敦朝鲁喆·?欧阳 a□"), max_size=6)
DAYS = st.none() | st.dates(date(1850, 1, 1), date(2010, 1, 1))


@given(name=st.none() | NAMES, day=DAYS, serial=st.integers(0, 39_000))
@settings(max_examples=200, deadline=None)
def test_the_short_way_asks_what_the_long_way_asks(name: str | None, day: date | None, serial: int) -> None:
    number = who(serial).id_number
    subject = Subject(id_type="01", id_number=number, name=name, birth_date=day)
    short = sound_block(number, name, day)
    assert record_blocks(subject) == ((short,) if short else ())


# ── why ──


def test_what_was_not_plain_is_stored_with_its_evidence(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(doubtful("A1", 1, mistyped(who(1))), doubtful("A2", 2, who(2).id_number)))
    stored = only(rows_of(office, schema.match_decision))
    assert (stored["outcome"], stored["row"], stored["model"]) == ("matched", 0, office.match_model.version)
    steps = msgspec.json.decode(stored["evidence"])
    assert {"id_number", "name", "birth_date"} <= {each["field"] for each in steps}
    # No weight is so exact that it would tell which name it was.
    assert all(round(each["weight"], 1) == each["weight"] for each in steps)


def test_a_doubt_is_stored_once_however_often_it_is_read(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", Who("另一个人", who(1).id_number))))
    before = rows_of(office, schema.match_decision)
    assert only(before)["outcome"] == "review"
    enrol(office, "nm", [member(1, phone="13900000000", unit_name=EMPLOYER)])
    rescan_and_judge(office)
    assert only(rows_of(office, schema.match_decision))["outcome"] == "review"
    enrol(office, "nm", [member(1, name="另一个人", unit_name=EMPLOYER)])
    rescan_and_judge(office)
    assert adds_up(office) == {"member": 1}
    assert rows_of(office, schema.match_decision) == []


def test_doubts_end_with_their_page_and_what_matched_a_record_stays(office: Office, clock: Hands) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", Who("另一个人", who(1).id_number)), doubtful("A2", 2, mistyped(who(2)))))
    assert len(rows_of(office, schema.match_decision)) == 2
    clock.move(days=200)
    retain(office)
    assert only(rows_of(office, schema.match_decision))["outcome"] == "matched"


def test_a_row_is_explained_from_what_is_stored_without_plain_names(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(doubtful("A1", 1, mistyped(who(1))), row("A9", 9)))
    before = everything(office)
    told = only(explain(office, "A1"))
    decision = only(told.decisions)
    assert (told.kind, decision.outcome, decision.member_no) == ("member", "matched", "M00001")
    assert told.asked[0] == "number"
    assert set(told.asked[1:]) <= {"nb", "bl", "rl"}
    assert decision.evidence
    said = msgspec.json.encode(told).decode()
    for text in (who(1).name, who(1).id_number, mistyped(who(1)), born(who(1))):
        assert text not in said
    stranger = only(explain(office, "A9", "east"))
    assert (stranger.kind, stranger.decisions) == ("stranger", ())
    assert everything(office) == before
    with pytest.raises(WrongUse, match="没有这个结算号"):
        explain(office, "NONE")
    with pytest.raises(WrongUse, match="没有盟市"):
        explain(office, "A1", "north")


# ── person numbers ──


def learnt(office: Office) -> list[bytes]:
    return [bytes(each["block"]) for each in rows_of(office, schema.member_block) if bytes(each["block"])[:2] == b"pn"]


def test_a_person_number_is_learnt_once_and_leads_to_the_member(office: Office) -> None:
    enrolled(office, 1)
    nobody = {"brdy": None, "gend": None}
    take(office, "east", page(row("A1", 1, psn_no="P1", **nobody)))
    assert live(office)
    assert len(learnt(office)) == 1
    take(office, "east", page(row("A2", 1, psn_no="P1", **nobody), row("A3", 1, psn_no="P1", med_type="41")))
    assert len(learnt(office)) == 1
    take(office, "east", page(row("A4", 1, psn_no="P1", certno=None, mdtrt_id="V4", **nobody)))
    assert adds_up(office)["member"] == 3
    stored = only(rows_of(office, schema.match_decision))
    assert (stored["outcome"], "person_no" in stored["evidence"]) == ("matched", True)


def test_another_feeds_person_numbers_say_nothing(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1, psn_no="P1")))
    take(office, "west", page(row("B1", 1, psn_no="P1", certno=None, brdy=None, gend=None)))
    assert adds_up(office) == {"member": 1, "stranger": 1}


def test_nothing_is_learnt_from_a_doubt(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", Who("另一个人", who(1).id_number), psn_no="P1")))
    take(office, "east", page(doubtful("A2", 2, mistyped(who(2)), psn_no="P2")))
    assert adds_up(office) == {"review": 1, "member": 1}
    assert learnt(office) == []


def test_person_numbers_go_with_the_number_and_stay_with_the_name(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1, psn_no="P1")))
    enrol(office, "nm", [member(1, name="改名")])
    assert len(learnt(office)) == 1
    enrol(office, "nm", [member(1, name="改名", id_number=who(5).id_number)])
    assert learnt(office) == []
    rescan_and_judge(office)
    assert adds_up(office) == {"stranger": 1}


# ── the roster changes ──


def test_who_comes_later_is_found_by_his_blocks_too(office: Office) -> None:
    take(office, "east", page(doubtful("A1", 1, masked(who(1))), doubtful("A2", 2, mistyped(who(2)))))
    assert adds_up(office) == {"stranger": 1, "quarantined": 1}
    enrolled(office, 1, 2)
    rescan_and_judge(office)
    assert adds_up(office) == {"member": 2}
    enrol(office, "nm", [member(1, name="全不相同"), member(2, opt_out=True)])
    rescan_and_judge(office)
    assert adds_up(office).get("member") is None


def test_blocks_follow_what_a_member_is_called_and_where_he_works(office: Office) -> None:
    enrol(office, "nm", [member(1, unit_name=EMPLOYER)])
    before = rows_of(office, schema.member_block)
    enrol(office, "nm", [member(1, unit_name="远山化工厂")])
    changed = rows_of(office, schema.member_block)
    assert {bytes(each["block"]) for each in changed} != {bytes(each["block"]) for each in before}
    assert len(changed) == len(before)
    enrol(office, "nm", [member(1, unit_name=EMPLOYER)])
    assert rows_of(office, schema.member_block) == before
    enrol(office, "nm", [member(1, unit_name=EMPLOYER, opt_out=True)])
    assert kinds(office) == ["oo"]


def test_a_roster_of_older_rules_is_indexed_anew(office: Office) -> None:
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", 1, psn_no="P1")))
    before = rows_of(office, schema.member_block)
    with office.store.write() as tx:
        assert blocks.rules_of(tx, "nm") == BLOCK_RULES
        for each in before:
            if bytes(each["block"])[:2] != b"pn":
                blocks.drop(tx, [(bytes(each["block"]), each["member_id"])])
        blocks.set_rules(tx, "nm", 0)
    assert index_again(office, "nm") == 2
    assert rows_of(office, schema.member_block) == before
    assert index_again(office, "nm") == 0


def test_a_doubt_is_explained_by_its_own_number(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(row("A0", 9), row("A1", Who("另一个人", who(1).id_number))))
    [item] = list_items(office)
    [told] = explain_item(office, item["item_id"])
    assert [told] == explain(office, "A1")
    assert told.row == item["row"]
    with pytest.raises(BadInput, match="unknown_item"):
        explain_item(office, item["item_id"] + 1)


# ── how wide ──


def test_the_width_of_blocks_is_counted(office: Office) -> None:
    first, second = member(1), member(41)
    enrol(office, "nm", [first, second, member(2)])
    take(office, "east", page(row("A1", 1), row("A9", 9), doubtful("A2", 2, masked(who(2)))))
    report = block_report(office)
    widths = {each.kind: each for each in report.kinds}
    assert report.kinds[0].kind == "number"
    assert (widths["number"].rows, widths["number"].members, widths["number"].widest) == (3, 3, 1)
    assert widths["nb"].members == 3
    # Persons 1 and 41 were born on the same day and bear the same name: one stands beside the other.
    assert widths["nb"].widest == 2
    assert widths["nb"].rows == sum(bytes(each["block"])[:2] == b"nb" for each in rows_of(office, schema.member_block))
    assert 0 < expected_candidates(widths["nb"]) < 1
    sample = report.sample
    assert sample is not None
    assert (sample.rows, sample.by_number) == (3, 1)
    assert (sample.candidates_per_member, sample.most_by_number) == (1.0, 1)
    assert sample.most_lookups <= 3


@given(order=st.permutations(range(6)))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_rows_never_changes_a_decision(office: Office, order: list[int]) -> None:
    with office.store.read() as tx:
        known = members.count(tx, "nm")
    if not known:
        enrolled(office, 1, 41, 2, 3)
    rows = [
        doubtful("A0", 1, masked(who(1))),
        doubtful("A1", 41, mistyped(who(41))),
        doubtful("A2", 2, None),
        row("A3", 3),
        row("A4", Who("另一个人", who(3).id_number)),
        doubtful("A5", 1, who(1).id_number),
    ]
    content = office.mapping_of("east").read(page(*(rows[place] for place in order)).content)
    read = identify(office, "east", content, 0, len(content))
    with office.store.read() as tx:
        look_up(tx, office, "east", read, content)
    told = {order[each.index]: (each.row_class, [decision for _, decision in each.decisions]) for each in read}
    plain = office.mapping_of("east").read(page(*rows).content)
    straight = identify(office, "east", plain, 0, len(plain))
    with office.store.read() as tx:
        look_up(tx, office, "east", straight, plain)
    assert told == {each.index: (each.row_class, [decision for _, decision in each.decisions]) for each in straight}


# ── a number with marks, a roster that is a little wrong ──


def test_a_number_with_marks_is_looked_up_as_what_is_read_in_it(office: Office) -> None:
    enrolled(office, 1, 2, 3)
    numbers = [who(serial).id_number for serial in (1, 2, 3)]
    marked = [f"{numbers[0][:6]}-{numbers[0][6:14]}-{numbers[0][14:]}", f"'{numbers[1]}", numbers[2].replace("0", "O")]
    take(office, "east", page(*[doubtful(f"A{serial}", serial, marked[serial - 1]) for serial in (1, 2, 3)]))
    assert adds_up(office) == {"member": 3}


def test_a_name_with_nul_at_its_end_is_the_name(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(doubtful("A1", 1, who(1).id_number, psn_name=f"{who(1).name}\0\0")))
    assert adds_up(office) == {"member": 1}


def test_a_hidden_name_waits_for_a_person(office: Office) -> None:
    enrolled(office, 1)
    take(office, "east", page(doubtful("A1", 1, who(1).id_number, psn_name=f"{who(1).name[0]}*")))
    assert adds_up(office) == {"review": 1}


def test_a_wrong_number_on_the_roster_sends_its_members_rows_to_review(office: Office) -> None:
    """Also with a sound number on the row, and although nobody with a sound number is looked for further."""
    person = who(1)
    wrong = mistyped(person)
    wrongly = member(1, id_number=wrong, birth_date=date.fromisoformat(born(person)))
    enrol(office, "nm", [wrongly])
    enrolled(office, 2)
    rows = (
        doubtful("A1", 1, person.id_number),
        doubtful("A2", 1, wrong),
        doubtful("A3", 1, None),
        doubtful("A4", 2, who(2).id_number),
    )
    take(office, "east", page(*rows))
    assert adds_up(office) == {"review": 3, "member": 1}
    # Corrected on the roster, its rows are the member's.
    enrol(office, "nm", [member(1)])
    rescan_and_judge(office)
    assert adds_up(office)["member"] == 3


def test_a_person_number_that_several_people_carry_proves_nobody(office: Office) -> None:
    """A feed that puts one number there for everybody: a row without a number that bears it is for a person."""
    enrolled(office, 1, 2)
    rows = [doubtful(f"A{serial}", serial, who(serial).id_number, psn_no="7700000001") for serial in (1, 2)]
    take(office, "east", page(*rows))
    take(office, "east", page(doubtful("A3", 1, None, psn_no="7700000001")))
    assert adds_up(office) == {"member": 2, "review": 1}
