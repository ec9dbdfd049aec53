"""A mapping proposed from a sample alone: of shipped leagues, of eight it was not written for, of bad samples."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import msgspec
import pytest
from unknown_leagues import LEAGUES, League, bills

from gateway.core.normalise import CompiledMapping, compile_mapping
from gateway.core.normalise.fields import sources_of
from gateway.core.studies.infer import Proposal, Sample, SampleColumn, mapping_text, propose, read_sample
from gateway.errors import BadInput
from gateway.flow.studies.inferring import infer
from gateway.flow.studies.mapping_tests import page_of, read_cases
from gateway.sandbox.files import day_file
from gateway.sandbox.leagues import national_row, sent_between
from gateway.sandbox.national import encode
from gateway.sandbox.people import person_at
from gateway.sandbox.pushes import pushes_of
from gateway.settings.mappings import load_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
DAY = date(2022, 5, 20)


def where(proposal: Proposal) -> dict[str, str | int]:
    """Field → the name of its column; of a file without a header its place."""
    firsts = {guess.field: guess.sources[0] for guess in proposal.fields}
    return firsts if proposal.sample.has_names else {f: proposal.names.index(name) for f, name in firsts.items()}


def wrong_amounts(proposal: Proposal, truth: dict[str, str | int]) -> list[str]:
    """Amounts that stand elsewhere than proposed, and are believed above a half."""
    believed = {guess.field for guess in proposal.fields if guess.confidence > 0.5 and guess.field.endswith("_amount")}
    return [field for field in believed if where(proposal)[field] != truth.get(field)]


@pytest.mark.parametrize("league", LEAGUES, ids=lambda league: league.name)
def test_an_unknown_league_is_understood(league: League) -> None:
    proposal = propose(read_sample(league.content))
    guesses = where(proposal)
    fields = {*guesses, *league.truth}
    assert sum(guesses.get(field) == league.truth.get(field) for field in fields) >= 0.9 * len(fields)
    assert wrong_amounts(proposal, league.truth) == []
    assert proposal.sample.kind == league.kind
    assert proposal.tables["amounts"]["fund_includes_account"] is league.fund_includes_account


@pytest.mark.parametrize("league", LEAGUES, ids=lambda league: league.name)
def test_the_proposal_is_a_mapping_and_reads_its_own_sample(league: League) -> None:
    inference = infer(league.content, mapping="north", name="北方")
    assert (inference.rows, inference.records, inference.quarantined) == (63, 63, 0), inference.errors
    # Whatever stands in a comment, nothing of a person does.
    assert "150999" not in inference.text
    assert all(0 < field.confidence <= 1 and field.why for field in inference.fields)


@cache
def shipped(name: str) -> tuple[CompiledMapping, bytes]:
    """A day of a league as the sandbox sends it, and the mapping that ships for it."""
    people = [person_at(1, index, league=name, as_of=DAY) for index in range(300)]
    sent = tuple(sent_between(1, people, first=date(2022, 1, 1), last=DAY, serials=itertools.count(1)))
    compiled = compile_mapping(load_mapping(MAPPINGS / f"{name}.toml").language())
    if name == "hinggan":
        return compiled, day_file(DAY, sent).content
    if name == "bayannur":
        return compiled, pushes_of(DAY, sent, rows_per_push=500)[0].body
    rows = [national_row(settlement) for settlement in sent if not settlement.spoiled]
    return compiled, encode({"infcode": 0, "output": {"setlinfo": rows}})


def base_row(name: str) -> bytes:
    """The first row of the tests that stand beside a mapping, thrice."""
    compiled, _ = shipped(name)
    cases = read_cases(MAPPINGS / f"{name}.test.toml")
    case = next(case for case in cases.cases if case.rows)
    return page_of(compiled, msgspec.structs.replace(case, rows=({}, {}, {})), cases.base)


def right_and_all(compiled: CompiledMapping, content: bytes) -> tuple[int, int]:
    """How many fields of a proposal are read from where the shipped mapping reads them, of how many."""
    proposal = propose(read_sample(content))
    keys = {column.name for column in proposal.sample.columns}
    truth = {
        field: [name for name in sources_of(compiled.language, field) if name in keys]
        for field in compiled.language.fields
    }
    # What the league does not send, and what a record works out by itself, nobody can find.
    truth = {field: names for field, names in truth.items() if names and field != "reverses"}
    guesses = where(proposal)
    return sum(guesses.get(field) in names for field, names in truth.items()), len(truth)


@pytest.mark.parametrize("name", ["wuhai", "hinggan", "bayannur"])
def test_a_shipped_league_is_understood(name: str) -> None:
    compiled, day = shipped(name)
    for content in (day, base_row(name)):
        right, every = right_and_all(compiled, content)
        assert every > 25
        assert right >= 0.95 * every


def test_what_bayannur_counts_in_its_fund_is_found() -> None:
    proposal = propose(read_sample(shipped("bayannur")[1]))
    assert proposal.tables["amounts"]["fund_includes_account"] is True
    assert proposal.tables["reversals"]["style"] == "vanish"
    assert proposal.sample.totals == {"day": "day", "rows": "totals.rows", "amount": "totals.amount"}


def shuffled(seed: int) -> tuple[Sample, dict[str, str | int]]:
    """The league without a header, its columns in any order: names and places say nothing."""
    league = next(league for league in LEAGUES if league.name == "headerless")
    sample = read_sample(league.content)
    order = random.Random(seed).sample(range(len(sample.columns)), len(sample.columns))
    columns = [
        SampleColumn(name="", place=place, values=sample.columns[source].values) for place, source in enumerate(order)
    ]
    truth: dict[str, str | int] = {field: order.index(int(place)) for field, place in league.truth.items()}
    return msgspec.structs.replace(sample, columns=columns), truth


@pytest.mark.parametrize("seed", range(6))
def test_without_names_and_order_no_wrong_amount_is_believed(seed: int) -> None:
    sample, truth = shuffled(seed)
    proposal = propose(sample)
    assert wrong_amounts(proposal, truth) == []
    guesses = where(proposal)
    surely = ("id_number", "birth_date", "sex", "facility_no", "total_amount", "inpatient_days", "settled_at")
    assert [field for field in surely if guesses.get(field) != truth[field]] == []


def league(name: str) -> League:
    return next(league for league in LEAGUES if league.name == name)


def test_a_leagues_own_sex_codes_follow_from_the_id_numbers() -> None:
    proposal = propose(read_sample(league("pinyin").content))
    sex = next(guess for guess in proposal.fields if guess.field == "sex")
    assert sex.options == {"codes": {"0": "M", "1": "F"}}


def test_a_leagues_own_care_codes_follow_from_the_days() -> None:
    header, *rows = league("pinyin").content.decode().splitlines()
    place = header.split("|").index("yllb")
    own = {"21": "ZY", "11": "MZ", "14": "MB"}
    cut = [row.split("|") for row in rows]
    text = "\n".join([header, *("|".join([*row[:place], own[row[place]], *row[place + 1 :]]) for row in cut), ""])
    care = next(guess for guess in propose(read_sample(text.encode())).fields if guess.field == "care_type")
    assert care.options == {"codes": {"MB": "outpatient", "MZ": "outpatient", "ZY": "inpatient"}}


def test_a_name_whose_values_are_something_else_is_doubted() -> None:
    text = "结算流水号,医疗费总额,性别\n" + "".join(f"S{n},2026-03-0{n},{n}.50\n" for n in range(1, 7))
    total = [guess for guess in propose(read_sample(text.encode())).fields if guess.field == "total_amount"]
    assert all(guess.confidence <= 0.5 for guess in total)


def damaged() -> Iterator[bytes]:
    yield b""
    yield b"  \n"
    yield b"\x00\x01\x02" * 50
    yield b"PK\x03\x04" + bytes(200)
    yield b'{"a": 1'
    yield b"hello"
    yield "没有分隔的一句话\n又一句\n".encode()


@pytest.mark.parametrize("content", list(damaged()))
def test_what_is_no_sample_says_so(content: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read_sample(content)
    assert refused.value.code in ("empty", "unknown_format")


def test_names_of_a_feed_cannot_write_into_the_file() -> None:
    text = '结算流水号,总费用,"x\n[fields.name]"\n' + "".join(f"S{n},{n}.50,1\n" for n in range(9))
    proposed = mapping_text(propose(read_sample(text.encode())), mapping="x", name='a"\nversion = 9')
    assert "\nversion = 9" not in proposed
    assert "\n[fields.name]" not in proposed


def test_the_sheets_of_the_samples_keep_the_identities() -> None:
    for bill in bills(9):
        money = bill.money
        assert money["total"] == money["own"] + money["over"] + money["first"] + money["scope"]
        assert money["total"] == money["fund"] + money["personal"] + money["hospital"]
        assert money["personal"] == money["account"] + money["cash"]
