"""What follows from evidence: matched, a person's doubt, or nobody; and what may never be matched."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from match_builders import BORN, MODELS, NUMBER, id_number, member, model, record, swapped, with_digit

from gateway.core.match import explain, match
from gateway.model.decision import Candidate, MatchDecision, MatchOutcome
from gateway.model.person import Subject
from gateway.settings.matching import load_model

MASKED = NUMBER[:6] + "********" + NUMBER[14:]
OTHERS = id_number(date(1971, 2, 3), 777)


def decide(subject: Subject, *candidates: Candidate) -> MatchDecision:
    return match(subject, candidates or (member(),), model())


def outcome(**changes: Any) -> str:
    return decide(record(**changes)).outcome.value


def test_number_and_name_plainly_equal_are_certain() -> None:
    decision = decide(record())
    assert (decision.outcome, decision.score, decision.reasons) == (
        MatchOutcome.MATCHED,
        1.0,
        ("id_number_agrees", "name_agrees"),
    )
    assert decision.model == model().version


@pytest.mark.parametrize("name", [" 李 伟国", "李偉國", "李?国", "李伟国（本人）"])
def test_a_known_writing_of_the_name_is_enough_with_the_number(name: str) -> None:
    assert outcome(name=name) == "matched"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": None}, "name_missing"),
        ({"name": "李伟强"}, "name_typo"),
        ({"name": "李强"}, "name_surname"),
        ({"name": "王芳"}, "name_differs"),
        ({"name": "李韦国"}, "name_homophone"),
        ({"name": "李伟国之子"}, "name_newborn"),
        ({"birth_date": date(2021, 3, 4)}, "birth_date_differs"),
        ({"birth_date": date(1980, 12, 5)}, "birth_date_differs"),
        ({"sex": "F"}, "sex_differs"),
        ({"name": "李偉國", "sex": "F"}, "sex_differs"),
    ],
)
def test_somebody_else_may_have_used_the_number(changes: dict[str, Any], reason: str) -> None:
    decision = decide(record(**changes))
    assert decision.outcome is MatchOutcome.REVIEW
    assert decision.reasons[0] == "id_number_agrees"
    assert reason in decision.reasons


@pytest.mark.parametrize("birth_date", [None, date(1900, 1, 1)])
def test_a_missing_or_placeholder_birth_date_is_no_contradiction(birth_date: date | None) -> None:
    assert outcome(birth_date=birth_date, sex=None) == "matched"


WRONG = [with_digit(NUMBER, 3), with_digit(NUMBER, 10), with_digit(NUMBER, 17), swapped(NUMBER, 14)]


@pytest.mark.parametrize("number", [*WRONG[:3], NUMBER[:9] + NUMBER[10:], NUMBER[:4] + NUMBER[3:], MASKED])
def test_a_slip_or_a_mask_is_matched_when_name_and_birth_date_agree(number: str) -> None:
    assert outcome(id_number=number) == "matched"
    assert outcome(id_number=number, name="李偉國") == "matched"


@pytest.mark.parametrize("number", [WRONG[0], MASKED])
@pytest.mark.parametrize("changes", [{"name": "李?国"}, {"name": "李韦国"}, {"sex": "F"}])
def test_a_slip_or_a_mask_with_less_is_a_doubt(number: str, changes: dict[str, Any]) -> None:
    assert outcome(id_number=number, **changes) == "review"


def test_all_digits_but_one_say_the_birth_date_too() -> None:
    assert outcome(id_number=WRONG[0], birth_date=None) == "matched"
    assert outcome(id_number=MASKED, birth_date=None) == "review"


def test_an_old_number_with_a_wrong_digit_is_a_doubt_and_no_more() -> None:
    old = NUMBER[:6] + NUMBER[8:17]
    assert outcome(id_number=old) == "matched"
    for at in (3, 6, 13):
        assert outcome(id_number=with_digit(old, at)) == "review"
        assert outcome(id_number=with_digit(old, at), name="王芳") == "none"


def test_a_placeholder_is_no_number() -> None:
    for number in ("0" * 18, "9" * 18, "123456789012345678"):
        assert outcome(id_number=number) == "review"
        assert outcome(id_number=number, birth_date=None) == "none"


def test_a_slip_in_the_last_four_may_be_a_twins_whose_name_sounds_alike() -> None:
    rare = member(name="李玥")
    for number in (WRONG[2], WRONG[3]):
        subject = record(name="李悦", id_number=number, employer_name="乌海市晨光矿业有限责任公司")
        assert decide(subject, rare).outcome is MatchOutcome.REVIEW
    assert decide(record(name="李悦"), rare).outcome is MatchOutcome.MATCHED


def test_a_slip_under_another_name_is_nobody() -> None:
    assert outcome(id_number=WRONG[0], name="王芳") == "none"


def test_a_slip_in_the_last_four_may_be_a_namesake_who_works_elsewhere() -> None:
    elsewhere = {"id_number": WRONG[3], "employer_name": "呼和浩特市远山乳业厂"}
    assert outcome(**elsewhere) == "review"
    assert outcome(id_number=WRONG[3]) == "review"
    assert outcome(id_number=WRONG[2]) == "matched"
    assert outcome(**elsewhere, phone="+86 199 0000 0001") == "matched"
    assert outcome(id_number=WRONG[3], employer_name="晨光矿业有限公司") == "matched"


def test_a_sound_number_is_taken_at_its_word() -> None:
    for number in (OTHERS, id_number(order=125), id_number(order=133)):
        assert outcome(id_number=number) == "none"
        assert outcome(id_number=number, employer_name="乌海市远山乳业厂") == "none"


@pytest.mark.parametrize(
    "more", [{"employer_name": "晨光矿业有限公司"}, {"phone": "19900000001"}, {"person_no": "1503000001"}]
)
def test_a_sound_number_with_everything_else_agreeing_is_a_doubt(more: dict[str, str]) -> None:
    known = member(person_nos=("1503000001",))
    assert decide(record(id_number=OTHERS, **more), known).outcome is MatchOutcome.REVIEW


@pytest.mark.parametrize("number", [None, "无", "E12345678", id_number(region="810000"), NUMBER[:14] + "****"])
def test_name_and_birth_date_alone_are_a_doubt_at_most(number: str | None) -> None:
    assert outcome(id_number=number) == "review"
    assert outcome(id_number=number, name="李伟强") == "none"


@pytest.mark.parametrize("number", [None, "无", "E12345678"])
def test_a_name_alone_is_nothing(number: str | None) -> None:
    assert outcome(id_number=number, birth_date=None) == "none"


@pytest.mark.parametrize("number", [None, "E12345678", WRONG[0], MASKED, NUMBER[:14] + "****"])
def test_a_person_number_learnt_makes_it_certain_where_the_name_agrees(number: str | None) -> None:
    known = member(person_nos=("1503000001",))
    subject = record(id_number=number, person_no="1503000001", birth_date=None)
    assert decide(subject, known).outcome is MatchOutcome.MATCHED
    assert decide(record(id_number=OTHERS, person_no="1503000001"), known).outcome is MatchOutcome.REVIEW
    other_name = record(id_number=number, person_no="1503000001", birth_date=None, name="王芳")
    assert decide(other_name, known).outcome is not MatchOutcome.MATCHED


def test_two_persons_equally_good_are_a_doubt() -> None:
    twin = member(member_id=2, person_id=2, member_no="M2", id_number=id_number(order=125))
    decision = decide(record(id_number=None), twin, member())
    assert (decision.outcome, decision.reasons[-1]) == (MatchOutcome.REVIEW, "several_people")
    assert decision.member == member()


def test_one_person_under_two_member_numbers_is_one_person() -> None:
    second = member(member_id=2, member_no="M2", unit_name="乌海市远山乳业厂")
    decision = decide(record(name="李偉國"), second, member())
    assert (decision.outcome, decision.member) == (MatchOutcome.MATCHED, member())


def test_one_number_of_two_persons_is_a_doubt() -> None:
    namesake = member(member_id=2, person_id=2, member_no="M2")
    assert decide(record(), namesake, member()).reasons[-1] == "several_people"


def test_a_permit_renewed_is_the_same_document() -> None:
    guest = member(id_type="04", id_number="H1234567801", name="陈大文")
    same = record(id_type="04", id_number="H1234567802", name="陳大文")
    assert decide(same, guest).outcome is MatchOutcome.MATCHED
    assert decide(record(id_type="04", id_number="H8888888801", name="陳大文"), guest).outcome is MatchOutcome.REVIEW


def test_the_waterfall_adds_up_and_names_no_one() -> None:
    decision = decide(record(id_number=WRONG[0], employer_name="晨光矿业"))
    weights = [step.weight for step in decision.evidence]
    assert decision.evidence[-1].running == pytest.approx(sum(weights), abs=0.01)
    assert [step.field for step in decision.evidence][:2] == ["prior", "id_number"]
    written = repr(decision.evidence)
    assert not any(value in written for value in ("李伟国", NUMBER, WRONG[0], "晨光", BORN.isoformat()))


def test_a_rare_name_is_stronger_than_a_common_one() -> None:
    def of_name(name: str) -> float:
        steps = explain(record(name=name, id_number=None), member(name=name), model())
        return next(step.weight for step in steps if step.field == "name")

    assert of_name("王伟") < of_name("李伟国") < of_name("额尔敦朝鲁")


def test_what_agrees_with_the_card_counts_once() -> None:
    """Where the number is his, the card's employer and telephone say nothing more, its birth date and sex little."""
    steps = explain(record(employer_name="乌海市晨光矿业有限责任公司", phone="19900000001"), member(), model())
    weights = {step.field: step.weight for step in steps}
    assert (weights["employer"], weights["phone"]) == (0.0, 0.0)
    assert 0 < weights["birth_date"] < 3 and 0 < weights["sex"] < 3


def test_the_first_model_still_weighs_every_field_alike() -> None:
    first = load_model(MODELS, "1")
    steps = explain(record(employer_name="乌海市晨光矿业有限责任公司", phone="19900000001"), member(), first)
    assert {step.weight for step in steps if step.field in ("birth_date", "sex", "employer", "phone")} == {0.0}
