"""Employers and phones as they are written in life."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.match.writing.contacts import compare_employers, employer_key, phone_digits

EMPLOYERS = [
    ("乌海市晨光矿业有限责任公司", "乌海市晨光矿业有限责任公司", "equal"),
    ("乌海市晨光矿业有限公司", "乌海市晨光矿业有限责任公司", "equal"),
    ("晨光矿业公司", "乌海市晨光矿业有限责任公司", "equal"),
    ("晨光矿业(集团)有限公司", "晨光矿业（集团）有限公司", "equal"),
    ("晨光矿业（第二分公司）", "晨光矿业有限公司", "equal"),
    ("内蒙古自治区乌海市晨光矿业集团有限公司", "晨光矿业", "equal"),
    ("呼和浩特晨光矿业有限公司", "呼和浩特市晨光矿业有限公司", "similar"),
    ("晨矿公司", "乌海市晨光矿业有限公司", "similar"),
    ("晨光", "远山乳业厂", "differs"),
    ("晨光化工有限公司", "晨光矿业有限公司", "differs"),
    ("第一小学", "第二小学", "differs"),
    ("()", "晨光矿业", "missing"),
]


@pytest.mark.parametrize(("written", "of", "level"), EMPLOYERS)
def test_an_employer_agrees_at_its_level(written: str, of: str, level: str) -> None:
    assert compare_employers(written, of) == level


@given(st.sampled_from(EMPLOYERS))
def test_the_two_sides_are_alike(case: tuple[str, str, str]) -> None:
    written, of, level = case
    assert compare_employers(of, written) == level


@pytest.mark.parametrize("written", [case[0] for case in EMPLOYERS if case[2] == "equal"])
def test_equal_employers_share_their_block(written: str) -> None:
    assert employer_key(written) == "晨光"


@pytest.mark.parametrize("written", ["19900000001", "+86 199-0000-0001", "0086 199 0000 0001", "１９９００００００01"])
def test_a_phone_is_its_last_eleven_digits(written: str) -> None:
    assert phone_digits(written) == "19900000001"
