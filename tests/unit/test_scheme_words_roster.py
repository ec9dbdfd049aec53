"""Shares (份) and classes of a member (人员身份): roster columns that a scheme's rules ask for."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from gateway.core.roster.correcting import correct
from gateway.core.roster.people import RosterMember, Statement
from gateway.core.roster.reading import read_roster
from gateway.flow.changes.fact_boxes import FACTS
from gateway.model.benefit import Fact
from gateway.model.member import Coverage
from gateway.store.members import pack_coverage, unpack_coverage

HEADER = "会员号,姓名,证件号码,人员类别,险种,保障开始,保障结束,份数,人员身份\n"
PERSON = "M001,测试乙,150999198001010017,在职,a"
YEAR = Coverage(first_day=date(2025, 1, 1), last_day=date(2025, 12, 31), scheme="a", category="active")


def read(*rows: str) -> tuple[tuple[Statement, ...], list[tuple[str, str]]]:
    file = read_roster((HEADER + "\n".join(rows)).encode())
    return file.statements, [(finding.column, finding.code) for finding in file.findings]


@pytest.mark.parametrize(
    ("cells", "shares", "classes"),
    [
        ("3,", 3, ()),
        ("2份,劳模", 2, ("劳模",)),
        ("１２,困难职工、劳模、劳模", 12, ("劳模", "困难职工")),
        (",", 0, ()),
        ("1000,劳模/女职工", 1000, ("劳模", "女职工")),
    ],
)
def test_each_period_has_its_shares_and_classes(cells: str, shares: int, classes: tuple[str, ...]) -> None:
    [statement], findings = read(f"{PERSON},2025-01-01,2025-12-31,{cells}")
    (period,) = statement.member.coverage
    assert (period.shares, set(period.classes)) == (shares, set(classes))
    assert findings == []


@pytest.mark.parametrize("cell", ["0", "1001", "-1", "1.5", "两份", "99999999999999999999"])
def test_what_is_no_number_of_shares_is_told(cell: str) -> None:
    statements, findings = read(f"{PERSON},2025-01-01,2025-12-31,{cell},")
    assert statements == ()
    assert findings == [("shares", "not_shares")]


def test_shares_differ_from_period_to_period() -> None:
    [statement], _ = read(f"{PERSON},2025-01-01,2025-12-31,2,", f"{PERSON},2026-01-01,2026-12-31,3,劳模")
    assert [(period.shares, period.classes) for period in statement.member.coverage] == [(2, ()), (3, ("劳模",))]


def test_a_file_that_tells_no_shares_changes_none() -> None:
    told = msgspec.structs.replace(YEAR, shares=3, classes=("劳模",))
    stored = RosterMember(member_no="M001", name="测试乙", id_number="150999198001010017", coverage=(told,))
    silent = Statement(member=msgspec.structs.replace(stored, coverage=(YEAR,)), unsaid=frozenset())
    anew = msgspec.structs.replace(silent.member, coverage=(msgspec.structs.replace(YEAR, shares=5),))
    assert correct(stored, silent).after == stored  # type: ignore[union-attr]
    after = correct(stored, Statement(member=anew)).after  # type: ignore[union-attr]
    assert [(period.shares, period.classes) for period in after.coverage] == [(5, ("劳模",))]


def test_a_stored_period_keeps_them_and_what_tells_none_stays_as_it_was_written() -> None:
    told = msgspec.structs.replace(YEAR, shares=3, classes=("劳模",))
    assert unpack_coverage(pack_coverage([told, YEAR])) == (told, YEAR)
    assert pack_coverage([YEAR]) == '[["a","2025-01-01","2025-12-31","active"]]'
    assert unpack_coverage('[["a","2025-01-01","2025-12-31",null]]')[0].shares == 0


def test_a_fact_kept_in_its_second_form_tells_of_the_accident() -> None:
    kept = bytes.fromhex(
        "c10283a46661637485a46b696e64a56465617468a26f6eaa323032352d30362d3031a764697365617365c0a9636f6e6669726d6564c3"
        "a86163636964656e74c3a26279a9e7bb8fe58a9ee794b2a969645f6e756d626572b2313530393939313938303031303130303137"
    )
    box = FACTS.read(kept)
    assert box.fact == Fact(kind="death", on=date(2025, 6, 1), confirmed=True, accident=True)


def test_a_fact_kept_in_its_third_form_tells_of_emergency_care() -> None:
    kept = bytes.fromhex(
        "c10383a46661637486a46b696e64ae656d657267656e63795f70617274a26f6eaa323032352d30362d3031a764697365617365c0a963"
        "6f6e6669726d6564c3a86163636964656e74c2ab736574746c656d656e747391a24531a26279a9e7bb8fe58a9ee794b2a969645f6e75"
        "6d626572b2313530393939313938303031303130303137"
    )
    box = FACTS.read(kept)
    assert box.fact == Fact(kind="emergency_part", on=date(2025, 6, 1), confirmed=True, settlements=("E1",))
    assert FACTS.write(box) == kept
