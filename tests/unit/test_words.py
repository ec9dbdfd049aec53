"""Every code matching can give has words for a clerk."""

from __future__ import annotations

from pathlib import Path

from gateway.cli import words
from gateway.cli.words import FIELDS, LEVELS, in_words
from gateway.core import reviewing
from gateway.core.explaining import DOUBTS
from gateway.model.claim import AnswerKind, ClaimStatus, DeliveryState
from gateway.model.record import CARE_TYPES
from gateway.settings.matching import load_model


def test_every_level_of_the_model_has_words() -> None:
    model = load_model(Path("config/matching"))
    assert set(model.levels) <= set(FIELDS)
    assert {level for levels in model.levels.values() for level in levels} <= set(LEVELS)


def test_everything_a_table_shows_has_words() -> None:
    assert set(words.ITEM_KINDS) == set(reviewing.ANSWERS)
    assert {answer for answers in reviewing.ANSWERS.values() for answer in answers} == set(words.ANSWERS)
    assert set(words.CLAIM_STATES) == {each.value for each in ClaimStatus}
    assert set(words.DELIVERIES) >= {each.value for each in (*DeliveryState, *AnswerKind)}
    assert set(words.DELIVERY_STATES) == {each.value for each in DeliveryState}
    assert set(words.CARE) == set(CARE_TYPES)
    assert set(words.FLAGS) >= set(DOUBTS)
    assert in_words("decided_before") == "协会已决定"


def test_a_reason_is_said_in_words_and_an_unknown_one_stays() -> None:
    assert in_words("name_newborn") == "姓名新生儿写法"
    assert in_words("id_number_agrees") == "证件号码一致"
    assert in_words("several_people") == "不止一人符合"
    assert in_words("of_tomorrow") == "of_tomorrow"
