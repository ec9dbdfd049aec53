"""What the regulation leaves open is said with every estimate that rests on it, whether the file asks it or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from schemes_builders import IN_2021, SCHEMES, assessed, insured, stay

from gateway.core.schemes import SchemeFamily, assess
from gateway.settings.schemes import load_families

HERE, ELSEWHERE = "H15010200001", "H15020200002"


@dataclass(frozen=True)
class Spell:
    """A stay and the questions its estimate rests on, by the defaults of the regulation's reading."""

    what: str
    admitted: str
    discharged: str
    more: dict[str, object]
    rests_on: set[str]


SPELLS = [
    Spell("a plain first stay", "2021-07-01", "2021-07-10", {"inpatient_days": 9}, {"rounding", "allowance.years"}),
    Spell(
        "in hospital when cover began",
        "2021-05-28",
        "2021-06-10",
        {"inpatient_days": 13},
        {"rounding", "allowance.years", "edition.first_covered_day", "proration.nights", "proration.subsidy_only"},
    ),
    Spell("no days on the sheet", "2021-07-01", "2021-07-10", {}, {"rounding", "allowance.years", "allowance.days"}),
    Spell(
        "funds that paid more than was in scope",
        "2021-07-01",
        "2021-07-10",
        {"inpatient_days": 9, "in_scope_amount": 10_000, "fund_paid_amount": 20_000},
        {"allowance.years", "base.not_below_zero", "floor.above_zero"},
    ),
]


@pytest.fixture
def unanswered(tmp_path: Path) -> SchemeFamily:
    """The edition of 2021 as a file that answers no question at all."""
    text = (SCHEMES / "nm-inpatient-2021.toml").read_text(encoding="utf-8")
    bare = re.sub(r'\[settings\."[^"]+"\]\n(?:[a-z]+ = .*\n)+', "", text)
    assert "[settings" not in bare
    (tmp_path / "nm-inpatient-2021.toml").write_text(bare, encoding="utf-8")
    return load_families(tmp_path)["nm-inpatient"]


@pytest.mark.parametrize("spell", SPELLS, ids=lambda spell: spell.what)
def test_a_file_without_settings_hides_no_open_question(unanswered: SchemeFamily, spell: Spell) -> None:
    record = stay("A", spell.admitted, spell.discharged, **spell.more)
    (estimate,) = assess(insured(IN_2021), [record], unanswered)
    assert set(estimate.assumed) == spell.rests_on
    (answered,) = assessed(insured(IN_2021), record)
    assert (estimate.payable, set(answered.assumed)) == (answered.payable, spell.rests_on)


def test_an_answered_question_is_no_longer_said(tmp_path: Path) -> None:
    text = (SCHEMES / "nm-inpatient-2021.toml").read_text(encoding="utf-8")
    question = re.search(r'\[settings\."rounding"\]\n(?:[a-z]+ = .*\n)+', text)
    assert question is not None
    answered = text.replace(question[0], question[0].replace("assumed = true", "assumed = false"))
    (tmp_path / "nm-inpatient-2021.toml").write_text(answered, encoding="utf-8")
    record = stay("A", "2021-07-01", "2021-07-10", inpatient_days=9)
    (estimate,) = assess(insured(IN_2021), [record], load_families(tmp_path)["nm-inpatient"])
    assert set(estimate.assumed) == {"allowance.years"}


def test_two_hospitals_on_one_day_are_two_stays_in_order_of_settlement() -> None:
    """1.7.3 joins what follows a discharge; of two that begin together 1.7.6 puts the one settled first in front."""
    earlier = stay("B", "2021-07-01", "2021-07-06", facility_no=ELSEWHERE, inpatient_days=5)
    later = stay("A", "2021-07-01", "2021-07-10", facility_no=HERE, inpatient_days=9)
    estimates = assessed(insured(IN_2021), later, earlier)
    assert [estimate.settlements for estimate in estimates] == [("B",), ("A",)]
    # 2,400.00 each for 6,000.00 at 40 %, and the allowance of the first year for the first of them alone.
    assert [estimate.payable for estimate in estimates] == [240_000 + 5 * 1_000, 240_000]
    assert all("stay.two_on_one_day" in estimate.assumed for estimate in estimates)


def test_stays_on_two_days_rest_on_no_such_order() -> None:
    estimates = assessed(insured(IN_2021), stay("A", "2021-07-01", "2021-07-06"), stay("B", "2021-08-01", "2021-08-06"))
    assert not any("stay.two_on_one_day" in estimate.assumed for estimate in estimates)


@pytest.mark.parametrize(
    ("discharged", "flags", "rests_on_it"),
    [("2021-06-01", ("not_covered",), True), ("2021-05-31", ("not_covered",), False), ("2021-06-02", (), False)],
)
def test_a_discharge_on_the_first_covered_day_covers_no_night(
    discharged: str, flags: tuple[str, ...], rests_on_it: bool
) -> None:
    """1.7.4 counts each night by its date: of a stay that ends on the first covered day none is covered."""
    (estimate,) = assessed(insured(IN_2021), stay("A", "2021-05-20", discharged))
    assert estimate.flags == flags
    assert ("coverage.discharge_day" in estimate.assumed) is rests_on_it
    assert (estimate.payable == 0) is bool(flags)
