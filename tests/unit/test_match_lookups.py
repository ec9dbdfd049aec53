"""Members no text led to: masks without a birth date, numbers of 17 digits, digits swapped across the birth date."""

from __future__ import annotations

from datetime import date

import pytest
from match_builders import BORN, NUMBER, member, model, record, swapped

from gateway.core.match import member_blocks, record_blocks
from gateway.core.match.measuring.trying import Trial
from gateway.core.roster import RosterMember
from gateway.model.national_id import check_digit
from gateway.model.person import Subject

MEMBER = RosterMember(member_no="M1", name="李伟国", id_number=NUMBER, sex="M", birth_date=BORN, unit_name="晨光矿业")


def found(subject: Subject, roster: RosterMember = MEMBER) -> str:
    """What a new site makes of it, whose look-ups are all there is."""
    return Trial([roster], model()).decide(subject).outcome.value


@pytest.mark.parametrize("first", [3, 4])
@pytest.mark.parametrize("name", ["李伟国", "李偉國"])
def test_three_or_four_digits_and_the_last_four_without_a_birth_date(first: int, name: str) -> None:
    shown = NUMBER[:first] + "*" * (14 - first) + NUMBER[14:]
    assert found(record(id_number=shown, birth_date=None, name=name)) == "review"
    assert found(record(id_number=shown, birth_date=None, name="王芳")) == "none"


@pytest.mark.parametrize("at", [0, 3, 5, 14, 15, 16, 17])
def test_a_number_of_17_digits_says_the_birth_date_too(at: int) -> None:
    short = NUMBER[:at] + NUMBER[at + 1 :]
    assert found(record(id_number=short, birth_date=None)) != "none"
    assert found(record(id_number=short, birth_date=None, name="王芳")) == "none"


@pytest.mark.parametrize("at", [0, 3, 14, 15])
def test_a_number_of_19_digits_too(at: int) -> None:
    assert found(record(id_number=NUMBER[:at] + NUMBER[at] + NUMBER[at:], birth_date=None)) != "none"


def test_region_and_birth_date_lead_from_a_short_mask_under_a_hidden_name() -> None:
    shown = NUMBER[:6] + "*" * 10 + NUMBER[16:]
    for name in ("李*国", "李**", "李*"):
        assert found(record(id_number=shown, name=name, employer_name="晨光矿业")) == "review"
    assert found(record(id_number=shown, name="王**")) == "none"
    assert found(record(id_number=shown, name="李**", birth_date=date(1980, 5, 13))) == "none"


def _sound_with(born: date, order: int) -> str:
    body = f"150999{born:%Y%m%d}{order:03d}"
    return body + check_digit(body)


@pytest.mark.parametrize(
    ("born", "order"), [(date(1980, 5, 12), 123), (date(1969, 10, 1), 71), (date(1975, 3, 28), 407)]
)
def test_digits_swapped_across_birth_date_and_order_number(born: date, order: int) -> None:
    number = _sound_with(born, order)
    roster = RosterMember(member_no="M1", name="李伟国", id_number=number, sex="M", birth_date=born)
    wrong = swapped(number, 13)
    for day in (None, born):
        assert found(record(id_number=wrong, birth_date=day), roster) in ("review", "matched")


def test_no_record_asks_for_more_than_three_texts_and_few_for_more_than_two() -> None:
    asked = [len(record_blocks(record(id_number=swapped(NUMBER, at)))) for at in range(17)]
    assert max(asked) <= 3
    assert sum(texts > 2 for texts in asked) <= 3


def test_a_member_stands_under_two_texts_more() -> None:
    kinds = [text[:2] for text in member_blocks(member())]
    assert (kinds.count("br"), kinds.count("nl"), kinds.count("bl"), kinds.count("rl")) == (1, 1, 1, 1)
