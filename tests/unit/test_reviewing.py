"""What a person is shown is masked, what is remembered of his answer never widens, and coverage unites day by day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.masks import mask_date, mask_name, mask_number, mask_phone, mask_text
from gateway.core.reviewing import memory_of, needs_second, same_clerk, side_by_side
from gateway.core.roster.coverage import union_of_coverage
from gateway.model.member import Coverage, Member
from gateway.model.person import Subject

NUMBER = "150999198001010017"
BORN = date(1980, 1, 1)


@pytest.mark.parametrize(
    ("mask", "plain", "masked"),
    [
        (mask_name, "张建国", "张*国"),
        (mask_name, "张三", "张*"),
        (mask_name, "张", "*"),
        (mask_name, "额尔敦·朝鲁", "额****鲁"),
        (mask_number, NUMBER, "150999********0017"),
        (mask_number, "150999800101001", "150999*****1001"),
        (mask_number, "E12345678", "E1*****78"),
        (mask_number, "AB1", "***"),
        (mask_phone, "13800001234", "138****1234"),
        (mask_phone, "881234", "8****4"),
        (mask_date, "1980-05-01", "1980-**-**"),
        (mask_text, "某某有限责任公司", "某某****公司"),
        (mask_text, "厂", "*"),
    ],
)
def test_masks(mask: object, plain: str, masked: str) -> None:
    assert callable(mask)
    assert mask(plain) == masked


@given(st.text(alphabet=st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=40))
def test_a_mask_keeps_the_length_and_hides_something(text: str) -> None:
    for mask in (mask_name, mask_number, mask_phone, mask_text):
        shown = mask(text)
        assert len(shown) == max(len(text), 1 if mask is mask_name else 0)
        assert not text or "*" in shown
        assert all(one in ("*", other) for one, other in zip(shown, text, strict=False))


def someone(**changes: object) -> Member:
    fields = {
        "member_id": 1,
        "person_id": 1,
        "association": "nm",
        "member_no": "M1",
        "name": "张建国",
        "id_number": NUMBER,
        "birth_date": BORN,
        "unit_name": "某某有限公司",
    }
    return Member(**{**fields, **changes})  # type: ignore[arg-type]


def test_side_by_side() -> None:
    subject = Subject(name="张 建国", id_number=NUMBER, birth_date=date(1980, 1, 2), person_no="P12345678")
    pairs = {each.field: each for each in side_by_side(subject, someone(), reveal=False)}
    verdicts = {field: pair.verdict for field, pair in pairs.items()}
    assert verdicts == {
        "name": "agrees",
        "id_type": "missing",
        "id_number": "agrees",
        "birth_date": "differs",
        "employer_name": "missing",
        "person_no": "missing",
    }
    assert (pairs["birth_date"].record, pairs["birth_date"].member) == ("1980-**-**", "1980-**-**")
    plain = {each.field: each for each in side_by_side(subject, someone(), reveal=True)}
    assert (plain["name"].record, plain["birth_date"].member) == ("张 建国", "1980-01-01")


# ── what is remembered ──

SUBJECTS = st.builds(
    Subject,
    id_number=st.sampled_from([None, NUMBER, "150999********0017", "E1234567", "15099919800101001"]),
    name=st.sampled_from([None, "张建国", "张建"]),
    sex=st.sampled_from([None, "M", "F"]),
    birth_date=st.sampled_from([None, BORN, date(1981, 1, 1)]),
    person_no=st.sampled_from([None, "P1", "P2"]),
    employer_name=st.sampled_from([None, "甲厂", "乙厂"]),
    phone=st.sampled_from([None, "13800001234"]),
)


@given(SUBJECTS, SUBJECTS, st.sampled_from(["S1", "S2"]), st.sampled_from(["S1", "S2"]))
def test_the_same_memory_is_the_same_person_on_paper(one: Subject, other: Subject, first: str, second: str) -> None:
    if memory_of(one, first).same != memory_of(other, second).same:
        return
    mine = (one.id_number, one.name, one.birth_date, one.sex)
    assert mine == (other.id_number, other.name, other.birth_date, other.sex)
    whole = one.id_number is not None and "*" not in one.id_number
    # Without a whole number or a person number, "this is him" says nothing about another settlement.
    assert whole or one.person_no is not None or first == second


def test_only_the_settlement_where_nothing_can_be_read() -> None:
    assert memory_of(None, "S1") == memory_of(None, "S1")
    assert memory_of(None, "S1").different != memory_of(None, "S2").different


def test_a_stranger_without_a_number_is_remembered_by_all_that_is_said_of_him() -> None:
    weak = Subject(name="张建国", birth_date=BORN, employer_name="甲厂")
    elsewhere = Subject(name="张建国", birth_date=BORN, employer_name="乙厂")
    assert memory_of(weak, "S1").different == memory_of(weak, "S2").different
    assert memory_of(weak, "S1").different != memory_of(elsewhere, "S1").different
    assert memory_of(weak, "S1").same != memory_of(weak, "S2").same


# ── who decides ──


def test_a_second_person() -> None:
    assert not needs_second(1_000_000, above=1_000_000)
    assert needs_second(1_000_001, above=1_000_000)
    assert needs_second(-1_000_001, above=1_000_000)
    assert same_clerk("Ｗａｎｇ Fang", "wang fang")
    assert not same_clerk("王芳", "王方")


# ── the union of coverage ──

PERIODS = st.lists(
    st.builds(
        lambda start, days, scheme: Coverage(
            first_day=date(2021, 1, 1) + timedelta(days=start),
            last_day=date(2021, 1, 1) + timedelta(days=start + days),
            scheme=scheme,
        ),
        st.integers(0, 60),
        st.integers(0, 40),
        st.sampled_from(["a", "b"]),
    ),
    max_size=6,
)


def days_of(coverage: object) -> list[tuple[str, date]]:
    return [
        (each.scheme, each.first_day + timedelta(days=day))
        for each in coverage  # type: ignore[attr-defined]
        for day in range((each.last_day - each.first_day).days + 1)
    ]


@given(PERIODS)
def test_the_union_covers_each_day_once(periods: list[Coverage]) -> None:
    united = days_of(union_of_coverage(periods))
    assert sorted(united) == sorted(set(days_of(periods)))
    assert union_of_coverage(list(reversed(periods))) == union_of_coverage(periods)
