"""A roster that is a little wrong costs no member everything: the sound number is believed, doubtful rows are taken in
for review, and the import says what it believed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from match_builders import BORN, NUMBER, id_number, model, record, swapped, with_digit
from roster_files import csv_bytes, row

from gateway.core.match import member_numbers
from gateway.core.match.measuring.trying import Trial
from gateway.core.match.writing.numbers import sound_numbers_near
from gateway.core.roster import RosterFile, read_roster
from gateway.core.roster.correcting import Correction, correct
from gateway.model.decision import MatchDecision
from gateway.model.national_id import checksum_ok

OWN = {"member_no": "M1", "name": "李伟国", "id_number": NUMBER}
WRONG_CHECK = with_digit(NUMBER, 17)


def read(*rows: dict[str, Any]) -> RosterFile:
    return read_roster(csv_bytes([row(**cells) for cells in rows]))


def said(file: RosterFile) -> list[tuple[str, str, str]]:
    return [(finding.column, finding.code, finding.level) for finding in file.findings]


def decide(file: RosterFile, **changes: Any) -> MatchDecision:
    """As a new site decides: who has a sound number that is nobody's is not looked for further."""
    return Trial(file.people, model()).decide(record(**changes))


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [("sex", "女", "sex_differs"), ("birth_date", "1980-05-13", "birth_date_differs")],
)
def test_a_column_that_contradicts_a_sound_number_is_not_believed(column: str, value: str, code: str) -> None:
    file = read({**OWN, column: value})
    assert said(file) == [(column, code, "warning")]
    assert "以号码为准" in file.findings[0].message
    assert (file.people[0].sex, file.people[0].birth_date) == ("M", BORN)
    assert decide(file).outcome == "matched"


@pytest.mark.parametrize(
    "number", [WRONG_CHECK, with_digit(NUMBER, 3), with_digit(NUMBER, 15), swapped(NUMBER, 14), NUMBER[:5] + NUMBER[6:]]
)
def test_a_wrong_number_keeps_nobody_out_and_proves_nobody(number: str) -> None:
    file = read({**OWN, "id_number": number, "birth_date": BORN.isoformat(), "sex": "男"})
    assert said(file) == [("id_number", "bad_id_number", "warning")]
    assert "人工核对" in file.findings[0].message and number not in file.findings[0].message
    # The member's own sound number leads there, the wrong one as it stands, and name and birth date do.
    for shown in (NUMBER, number, None, NUMBER[:6] + "********" + NUMBER[14:]):
        decision = decide(file, id_number=shown, employer_name="测试农场")
        assert (decision.outcome, decision.member and decision.member.member_no) == ("review", "M1"), shown
    # Somebody else's sound number does not.
    assert decide(file, id_number=id_number(date(1971, 2, 3), 777), name="王芳").outcome == "none"
    assert decide(file, name="王芳").outcome == "none"


def test_a_birth_date_is_taken_from_a_wrong_number_where_the_roster_has_no_other() -> None:
    assert read({**OWN, "id_number": WRONG_CHECK}).people[0].birth_date == BORN
    assert read({**OWN, "id_number": with_digit(NUMBER, 10)}).people[0].birth_date is None


@pytest.mark.parametrize("number", ["150999198001", "x" * 18, NUMBER[:15] + "000", "99"])
def test_what_is_no_residents_number_is_refused_as_before(number: str) -> None:
    file = read({**OWN, "id_number": number})
    assert (said(file), file.people) == ([("id_number", "bad_id_number", "error")], ())


@pytest.mark.parametrize("mark", ["-", "\u200b", "\u00a0", "'"])
def test_marks_in_a_rosters_number_are_no_fault(mark: str) -> None:
    file = read({**OWN, "id_number": f"{NUMBER[:6]}{mark}{NUMBER[6:]}"})
    assert (file.findings, file.people[0].id_number) == ((), NUMBER)


def test_one_number_in_two_units_under_near_names_is_two_enrolments_for_review() -> None:
    first = {"member_no": "M1", "name": "钱小红", "id_number": NUMBER, "unit_name": "测试一厂"}
    file = read(first, {**first, "member_no": "M2", "name": "钱小虹", "unit_name": "测试二厂"})
    assert said(file) == [("id_number", "shared_id_number", "warning")]
    assert [person.member_no for person in file.people] == ["M1", "M2"]
    for name in ("钱小红", "钱小虹"):
        decision = decide(file, name=name)
        assert (decision.outcome, decision.reasons[-1]) == ("review", "several_people")


def test_another_name_altogether_and_who_opted_out_stay_refused() -> None:
    other = {**OWN, "member_no": "M2", "name": "包青"}
    assert read(OWN, other).people == ()
    assert read(OWN, {**OWN, "member_no": "M2", "name": "李卫国", "opt_out": "是"}).people == ()


def test_of_two_rows_of_a_member_the_sound_number_holds() -> None:
    later = {"coverage_from": "2022-06-01", "coverage_to": "2023-05-31"}
    for rows in (
        (OWN, {**OWN, **later, "id_number": WRONG_CHECK}),
        ({**OWN, "id_number": WRONG_CHECK}, {**OWN, **later}),
    ):
        file = read(*rows)
        assert said(file) == [("id_number", "bad_id_number", "warning")]
        assert (file.people[0].id_number, len(file.people[0].coverage)) == (NUMBER, 2)
        assert decide(file).outcome == "matched"


def test_a_stored_sound_number_is_believed_before_a_wrong_one_of_a_file() -> None:
    before = read(OWN).people[0]
    statement = read({**OWN, "id_number": WRONG_CHECK, "phone": "19900000001"}).statements[0]
    correction = correct(before, statement)
    assert isinstance(correction, Correction)
    assert (correction.after.id_number, correction.after.sex, correction.after.phone) == (NUMBER, "M", "19900000001")


@given(st.integers(0, 17), st.sampled_from("0123456789X"), st.booleans())
def test_the_number_meant_is_among_those_near_a_wrong_one(at: int, digit: str, swap: bool) -> None:
    wrong = swapped(NUMBER, at) if swap and at < 17 else NUMBER[:at] + digit + NUMBER[at + 1 :]
    near = sound_numbers_near(wrong)
    assert NUMBER in near
    assert len(near) < 40 and all(map(checksum_ok, near))


def test_a_sound_number_leads_to_its_member_alone() -> None:
    person = read(OWN).people[0]
    assert member_numbers(person) == (NUMBER,)
