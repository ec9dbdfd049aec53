"""`hubao match try`: one decision for every line, the same in any order, and nothing learnt between lines."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest
from match_builders import BORN, NUMBER, id_number, model, swapped, with_digit

from gateway.core.match.measuring.trying import Trial
from gateway.core.roster import RosterMember

TWIN = id_number(order=125)
ROSTER = (
    RosterMember(member_no="M1", name="李伟国", id_number=NUMBER, sex="M", birth_date=BORN, unit_name="晨光矿业"),
    RosterMember(member_no="M2", name="李伟强", id_number=TWIN, sex="M", birth_date=BORN),
    RosterMember(member_no="M3", name="额尔敦朝鲁", id_number=id_number(order=127), sex="M", birth_date=BORN),
    RosterMember(member_no="M4", name="王喆", id_number=id_number(date(1990, 1, 2)), opt_out=True),
)
SECOND_UNIT = RosterMember(
    member_no="M10", name="李伟国", id_number=NUMBER, sex="M", birth_date=BORN, unit_name="远山乳业厂"
)


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial(ROSTER, model())


def ask(trial: Trial, **record: Any) -> dict[str, Any]:
    line = {"settlement_no": "S1", "id_type": "01", "sex": "M", "birth_date": "1980-05-12", **record}
    return trial.answer(json.dumps(line).encode())


def test_an_answer_has_the_shape_of_the_contract(trial: Trial) -> None:
    assert ask(trial, name="李伟国", id_number=NUMBER) == {
        "settlement_no": "S1",
        "outcome": "matched",
        "member_no": "M1",
        "score": 1.0,
        "reasons": ["id_number_agrees", "name_agrees"],
    }


@pytest.mark.parametrize(
    ("written", "outcome", "member_no"),
    [
        ({"name": "李伟国", "id_number": NUMBER[:6] + NUMBER[8:17]}, "matched", "M1"),
        ({"name": "李伟国", "id_number": swapped(NUMBER, 14), "employer_name": "晨光矿业"}, "matched", "M1"),
        ({"name": "李伟国", "id_number": with_digit(NUMBER[:6] + NUMBER[8:17], 13)}, "review", "M1"),
        ({"name": "李偉國", "id_number": with_digit(NUMBER, 8)}, "matched", "M1"),
        ({"name": "李伟强", "id_number": TWIN[:6] + "********" + TWIN[14:]}, "matched", "M2"),
        ({"name": "包额尔敦·朝鲁", "id_number": id_number(order=127)}, "matched", "M3"),
        ({"name": "额尔敦朝", "id_number": with_digit(id_number(order=127), 11)}, "matched", "M3"),
        ({"name": "李伟强", "id_number": NUMBER}, "review", "M1"),
        ({"name": "李伟强", "id_number": None}, "review", "M2"),
        ({"name": "李伟国", "id_number": id_number(order=301)}, "none", None),
        ({"name": "王喆", "id_number": id_number(date(1990, 1, 2)), "birth_date": "1990-01-02"}, "none", None),
    ],
)
def test_doubtful_records_find_their_member(
    trial: Trial, written: dict[str, Any], outcome: str, member_no: str | None
) -> None:
    answer = ask(trial, **written)
    assert (answer["outcome"], answer["member_no"]) == (outcome, member_no)


@pytest.mark.parametrize("roster", [(*ROSTER, SECOND_UNIT), (SECOND_UNIT, *reversed(ROSTER))])
@pytest.mark.parametrize(
    ("written", "reasons"),
    [
        ({"id_number": NUMBER}, ["id_number_agrees", "name_agrees"]),
        ({"id_number": swapped(NUMBER, 14)}, ["id_number_swapped", "name_agrees", "birth_date_agrees"]),
        ({"id_number": NUMBER, "name": "李伟强"}, ["id_number_agrees", "name_typo"]),
        ({"id_number": NUMBER, "sex": "F"}, ["id_number_agrees", "name_agrees", "sex_differs"]),
    ],
)
def test_one_number_under_two_member_numbers_is_for_a_person(
    roster: tuple[RosterMember, ...], written: dict[str, Any], reasons: list[str]
) -> None:
    """Coverage plays no part, so nothing says that they are one person; of the two the first by number is named."""
    answer = ask(Trial(roster, model()), **{"name": "李伟国", **written})
    assert (answer["outcome"], answer["member_no"]) == ("review", "M1")
    assert answer["reasons"] == [*reasons, "several_people"]


@pytest.mark.parametrize("which", [0, 1])
def test_who_opted_out_under_one_number_takes_part_under_none(which: int) -> None:
    both = [ROSTER[0], SECOND_UNIT]
    both[which] = msgspec.structs.replace(both[which], opt_out=True)
    trial = Trial(both, model(), looks_further=True)
    assert ask(trial, name="李伟国", id_number=NUMBER)["outcome"] == "none"
    assert ask(trial, name="李伟国", id_number=swapped(NUMBER, 14))["outcome"] == "none"
    # A document of another kind may carry the same digits; with another name it is somebody else's.
    other = RosterMember(member_no="M9", name="包青山", id_type="99", id_number=NUMBER)
    assert ask(Trial([*both, other], model()), name="包青山", id_number=NUMBER)["member_no"] == "M9"


def test_a_person_number_is_not_learnt_from_a_line_before(trial: Trial) -> None:
    unknown = {"name": "李伟国", "id_number": None, "birth_date": None, "person_no": "1503000009"}
    before = ask(trial, **unknown)
    ask(trial, name="李伟国", id_number=NUMBER, person_no="1503000009")
    assert ask(trial, **unknown) == before
    assert before["outcome"] == "none"


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"\xff", b'"text"', b"{}", b'{"record": {}}', b'{"name": 5}'])
def test_no_line_is_left_without_an_answer(trial: Trial, line: bytes) -> None:
    answer = trial.answer(line)
    assert (answer["outcome"], answer["member_no"]) == ("none", None)


@pytest.mark.parametrize("field", ["name", "id_number", "sex", "birth_date", "employer_name", "phone", "person_no"])
@pytest.mark.parametrize("value", [None, "", 5, [], "？", "1980-13-45"])
def test_odd_values_stop_nothing(trial: Trial, field: str, value: object) -> None:
    line = {"name": "李伟国", "id_number": NUMBER[:17] + "*", field: value}
    assert ask(trial, **line)["outcome"] in ("matched", "review", "none")
