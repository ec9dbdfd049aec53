"""What the leagues write, read back by the shipped mappings, is what the generator says it is."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from gateway.core.normalise import CompiledMapping, Normal, compile_mapping
from gateway.model.national_id import in_18
from gateway.model.record import SettlementRecord
from gateway.sandbox.files import day_file, drop
from gateway.sandbox.leagues import FILE_HEADERS, Sent, as_filed, as_pushed, national_row, sent_between
from gateway.sandbox.national import SPOILINGS, encode, setlinfo, spoil
from gateway.sandbox.people import person_at
from gateway.sandbox.pushes import pushes_of
from gateway.settings.mappings import load_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
DAY = date(2022, 5, 20)
CODES = {
    "id_number": "bad_id_number",
    "total_missing": "missing",
    "sums": "sum_mismatch_i1",
    "admitted": "not_a_date",
}


@cache
def mapping(name: str) -> CompiledMapping:
    return compile_mapping(load_mapping(MAPPINGS / f"{name}.toml").language())


@cache
def sent() -> tuple[Sent, ...]:
    people = [person_at(1, index, league="hinggan", as_of=DAY) for index in range(800)]
    return tuple(sent_between(1, people, first=date(2021, 6, 1), last=DAY, serials=itertools.count(1)))


def assert_told(name: str, content: bytes, rows: list[tuple[SettlementRecord, str | None]]) -> None:
    """Every row comes out as its truth, or is refused for the one thing that is wrong with it."""
    compiled = mapping(name)
    read = compiled.read(content)
    identities = compiled.identify(read, 0, len(read))
    for index, (truth, spoiled) in enumerate(rows):
        normalised = compiled.record(read, index)
        if spoiled:
            assert not isinstance(normalised, Normal), spoiled
            assert [error.code for error in normalised.errors] == [CODES[spoiled]]
            continue
        assert isinstance(normalised, Normal), normalised.errors
        assert normalised.warnings == ()
        assert normalised.record == truth
        identity = identities[index]
        assert in_18(identity.id_number or "") == truth.id_number
        assert identity.reversal == truth.reversal
    assert len(read) == len(rows)


def test_the_sample_holds_every_kind_of_row() -> None:
    rows = sent()
    assert {each.spoiled for each in rows} == {None, *SPOILINGS}
    assert any(each.wrong_name for each in rows)
    assert {len(each.id_written) for each in rows} >= {15, 18, 20}
    assert 0.03 < sum(each.record.reversal for each in rows) / len(rows) < 0.07


def test_hinggan_files_are_read_as_they_were_meant() -> None:
    file = day_file(DAY, sent())
    assert_told("hinggan", file.content, [(as_filed(each.record), each.spoiled) for each in sent()])


def test_bayannur_pushes_are_read_as_they_were_meant() -> None:
    (push,) = pushes_of(DAY, sent(), rows_per_push=10**6)
    assert_told("bayannur", push.body, [(as_pushed(each.record), each.spoiled) for each in sent()])


def test_national_pages_are_read_as_they_were_meant() -> None:
    written = [setlinfo(each.record) | {"certno": each.id_written} for each in sent()]
    rows = [spoil(row, each.spoiled) if each.spoiled else row for row, each in zip(written, sent(), strict=True)]
    content = encode({"setlinfo": rows})
    assert_told("national", content, [(each.record, each.spoiled) for each in sent()])


def test_a_bare_5203_reply_lacks_only_the_days() -> None:
    each = next(each for each in sent() if each.record.care_type == "inpatient" and not each.spoiled)
    content = encode({"infcode": "0", "output": {"setlinfo": national_row(each)}})
    compiled = mapping("wuhai")
    normalised = compiled.record(compiled.read(content), 0)
    assert isinstance(normalised, Normal)
    assert normalised.record.settlement_no == each.record.settlement_no
    assert normalised.record.inpatient_days is None


def test_the_file_looks_like_the_leagues_own(tmp_path: Path) -> None:
    file = day_file(DAY, sent())
    path = drop(tmp_path, file)
    lines = path.read_bytes().decode("gb18030").split("\r\n")
    assert lines[0].split(",")[0] == "结算流水号\t"
    assert len(lines[0].split(",")) == len(FILE_HEADERS)
    marker = dict(line.split("=") for line in (tmp_path / f"{path.name}.ok").read_text(encoding="ascii").splitlines())
    assert int(marker["rows"]) == len(sent()) == len(lines) - 2
    total = sum(each.record.total_amount for each in sent() if each.spoiled != "total_missing")
    assert Decimal(marker["amount"]) == Decimal(total) / 100
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name, f"{path.name}.ok"]


def test_a_refunded_pair_in_one_file_carries_the_flag_on_both_rows() -> None:
    file = day_file(DAY, sent()).content.decode("gb18030").splitlines()
    header = [name.strip() for name in file[0].split(",")]
    number, flag = header.index("结算流水号"), header.index("退费标志")
    flags = Counter((line.split(",")[number], line.split(",")[flag]) for line in file[1:])
    backs = {each.record.settlement_no for each in sent() if each.record.reversal}
    assert backs
    assert all(flags[f"{no}\t", "1"] == 2 for no in backs)


def test_pushes_are_cut_and_each_states_its_own_totals() -> None:
    pushes = pushes_of(DAY, sent(), rows_per_push=300)
    assert sum(push.rows for push in pushes) == len(sent())
    assert len({push.message_id for push in pushes}) == len(pushes)
    stated = [mapping("bayannur").totals(push.body) for push in pushes]
    assert [each.rows for each in stated] == [push.rows for push in pushes]
    voids = {True: -1, False: 1}
    expected = sum(
        voids[each.record.reversal] * abs(each.record.total_amount)
        for each in sent()
        if each.spoiled != "total_missing"
    )
    assert sum(each.amount for each in stated) == expected


@pytest.mark.parametrize("how", SPOILINGS)
def test_a_spoiled_row_differs_in_one_cell(how: str) -> None:
    row = setlinfo(sent()[0].record)
    wrong = spoil(row, how)
    assert sum(row[key] != wrong[key] for key in row) == 1


def test_an_unknown_way_to_spoil_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown way"):
        spoil(setlinfo(sent()[0].record), "nothing")
