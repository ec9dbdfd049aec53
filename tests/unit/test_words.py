"""Every code matching can give has words for a clerk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from msgspec.structs import asdict

from gateway.cli.output import table
from gateway.core import reviewing
from gateway.core.normalise.problems import PAGE_CODES, ROW_CODES
from gateway.core.reviewing import side_by_side
from gateway.flow.reading.rows import SHUT
from gateway.model.claim import AnswerKind, ClaimStatus, DeliveryState
from gateway.model.member import Member
from gateway.model.person import Subject
from gateway.model.record import CARE_TYPES, SettlementRecord
from gateway.settings.feeds import FeedSpec
from gateway.settings.matching import load_model
from gateway.store.schema import TALLY_CLASSES
from gateway.words import claims, deliveries, feeds, records, reviews, rows
from gateway.words.evidence import FIELDS, LEVELS, in_words, score_in_words, side_by_side_in_words
from gateway.words.records import value_in_words
from gateway.words.troubles import trouble_in_words


def test_every_level_of_the_model_has_words() -> None:
    model = load_model(Path("config/matching"))
    assert set(model.levels) <= set(FIELDS)
    assert {level for levels in model.levels.values() for level in levels} <= set(LEVELS)


def test_everything_a_table_shows_has_words() -> None:
    assert set(reviews.ITEM_KINDS) == set(reviewing.ANSWERS)
    assert {answer for answers in reviewing.ANSWERS.values() for answer in answers} == set(reviews.ANSWERS)
    assert set(claims.CLAIM_STATES) == {each.value for each in ClaimStatus}
    assert set(deliveries.DELIVERIES) >= {each.value for each in (*DeliveryState, *AnswerKind)}
    assert set(deliveries.DELIVERY_STATES) == {each.value for each in DeliveryState}
    assert set(records.CARE) == set(CARE_TYPES)
    assert list(rows.CLASSES) == list(TALLY_CLASSES)
    assert set(claims.FLAGS) >= set(claims.DOUBTS)
    assert in_words("decided_before") == "协会已决定"


def test_every_field_of_a_record_and_everything_wrong_with_one_has_words() -> None:
    assert {*records.RECORD_FIELDS, *records.AMOUNTS} >= set(SettlementRecord.__struct_fields__)
    assert not set(records.RECORD_FIELDS) & set(records.AMOUNTS)
    for code in (*ROW_CODES, *PAGE_CODES):
        assert code not in trouble_in_words("total_amount", code)
    assert trouble_in_words("total_amount", "missing") == "医疗总费用：必填，但没有值"
    assert trouble_in_words("", "not_json") == "不是完整的 JSON"
    assert trouble_in_words("of_tomorrow", "worse") == "of_tomorrow：worse"
    assert trouble_in_words("", "unreadable", SHUT.message) == "会员资料的密文打不开"


def test_every_way_of_a_feed_has_words() -> None:
    assert set(feeds.INTAKES) == set(get_args(get_type_hints(FeedSpec)["intake"]))


def test_a_reason_is_said_in_words_and_an_unknown_one_stays() -> None:
    assert in_words("name_newborn") == "姓名新生儿写法"
    assert in_words("id_number_agrees") == "证件号码一致"
    assert in_words("several_people") == "不止一人符合"
    assert in_words("of_tomorrow") == "of_tomorrow"


def test_a_record_and_a_member_side_by_side() -> None:
    subject = Subject(name="白音", sex="F", id_type="17")
    member = Member(member_id=1, person_id=1, association="nm", member_no="M1", name="白音", sex="M", id_number="x")
    lines = [side_by_side_in_words(**asdict(pair)) for pair in side_by_side(subject, member, reveal=True)]
    assert ("姓名", "白音", "白音", "一致") in lines
    assert ("性别", "女", "男", "不同") in lines
    assert ("证件类型", "港澳台居民居住证", "居民身份证（户口簿）", "不同") in lines
    assert ("证件号码", None, "x", "缺") in lines


def test_codes_beside_each_other_are_said_in_words_and_all_else_stays() -> None:
    assert (value_in_words("sex", "F"), value_in_words("sex", "M"), value_in_words("sex", None)) == ("女", "男", None)
    assert (value_in_words("id_type", "17"), value_in_words("id_type", "42")) == ("港澳台居民居住证", "42")
    assert value_in_words("name", "F") == "F"


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (None, None),
        (0, "0"),
        (1.0, "1"),
        (6.9e-05, "<0.0001"),
        (0.0001, "0.0001"),
        (0.481294, "0.4813"),
        (0.9999, "0.9999"),
        (0.999901, ">0.9999"),
    ],
)
def test_a_score_is_never_written_with_an_exponent_or_rounded_to_certainty(
    score: float | None, said: str | None
) -> None:
    assert score_in_words(score) == said


def test_the_title_of_a_table_is_not_folded_to_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    title = "行所用而密钥库没有的密钥：这些行将打不开 (rows name them, the vault has them not)"
    table(title, ("编号",), [(4,)])
    assert capsys.readouterr().out.splitlines()[0] == title


def test_every_way_of_proving_nothing_has_words() -> None:
    source = Path("connectors/associations/claim_reply.py").read_text(encoding="utf-8")
    reasons = re.findall(r'"((?:no|other|too)_[a-z]+|empty|html|echo|verdict)"', source)
    assert len(set(reasons)) >= 11
    for reason in reasons:
        assert "unproven" not in deliveries.code_in_words(f"unproven/{reason}"), reason
    assert deliveries.code_in_words("http_404") == "对方答 404"
    assert deliveries.code_in_words("confirmed#12") == "经人确认（第12号）"
    assert deliveries.code_in_words("not_a_member") == "not_a_member"
