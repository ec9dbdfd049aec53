"""`feed infer` on a sample of every league that ships: which share of the fields its own mapping reads is found.

One line a league. What is not text (dBase tables, workbooks) comes as the sandbox sends it, with its damaged rows; all
else as the rows of the tests beside the mapping, thrice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import msgspec
import pytest
from test_infer import DAY, MAPPINGS, where

from gateway.core.normalise import CompiledMapping, compile_mapping
from gateway.core.normalise.fields import sources_of
from gateway.core.studies.infer import Proposal, propose, read_sample
from gateway.errors import BadInput
from gateway.flow.studies.inferring import infer
from gateway.flow.studies.mapping_tests import page_of, read_cases
from gateway.model.record import AMOUNT_FIELDS
from gateway.sandbox.files import DayFile
from gateway.sandbox.leagues import FILE_HEADERS, Sent, sent_between
from gateway.sandbox.old_files import FIXED_WIDTHS, fixed_file, table_file, workbook_file
from gateway.sandbox.people import person_at
from gateway.settings.mappings import load_mapping

NAMELESS = {"alxa", "yuncheng"}
"""Leagues whose files have no names: the first is of the kind that `test_infer` reads without a header, the second is
held to where its columns stand."""
LEAST_SHARE = 0.95
LEAGUES = sorted({file.stem for file in MAPPINGS.glob("*.toml") if not file.name.endswith(".test.toml")} - NAMELESS)

TABLES: dict[str, Callable[..., DayFile]] = {"manzhouli": table_file, "xilingol": workbook_file}


@cache
def settlements() -> tuple[Sent, ...]:
    people = [person_at(1, index, league="hinggan", as_of=DAY) for index in range(40)]
    return tuple(sent_between(1, people, first=DAY.replace(month=1, day=1), last=DAY, serials=itertools.count(1)))


@cache
def mapping(name: str) -> CompiledMapping:
    return compile_mapping(load_mapping(MAPPINGS / f"{name}.toml").language())


@cache
def sample(name: str) -> bytes:
    if name in TABLES:
        return TABLES[name](DAY, settlements()).content
    cases = read_cases(MAPPINGS / f"{name}.test.toml")
    case = next((case for case in cases.cases if case.rows), None)
    if case is not None:
        return page_of(mapping(name), msgspec.structs.replace(case, rows=({}, {}, {})), cases.base)
    # The replies of a SOAP service stand in its tests as they came.
    return page_of(mapping(name), next(case for case in cases.cases if case.expect and case.expect[0].record), {})


def truth(name: str, proposal: Proposal) -> dict[str, list[str]]:
    """Field → the columns of the sample its mapping may read it from. What a record works out by itself is nobody's."""
    keys = {column.name for column in proposal.sample.columns}
    sources = {field: sources_of(mapping(name).language, field) for field in mapping(name).language.fields}
    there = {field: [column for column in columns if column in keys] for field, columns in sources.items()}
    return {field: columns for field, columns in there.items() if columns and field != "reverses"}


@pytest.mark.parametrize("name", LEAGUES)
def test_the_fields_of_a_shipped_league_are_found(name: str) -> None:
    proposal = propose(read_sample(sample(name)))
    fields, guesses = truth(name, proposal), where(proposal)
    missed = {field: guesses.get(field) for field, columns in fields.items() if guesses.get(field) not in columns}
    assert len(fields) > 15
    assert 1 - len(missed) / len(fields) >= LEAST_SHARE, missed
    believed = {guess.field for guess in proposal.fields if guess.confidence > 0.5} & {*AMOUNT_FIELDS}
    assert [field for field in believed if field in fields and guesses[field] not in fields[field]] == []


@pytest.mark.parametrize("name", TABLES)
def test_a_table_or_workbook_becomes_a_mapping_that_reads_it(name: str) -> None:
    inference = infer(sample(name), mapping=name, name=name)
    # What the league itself damaged is all that is not read: a row each, and a sheet that is hidden.
    assert inference.quarantined <= 0.05 * inference.rows
    assert inference.records > 30
    assert inference.format["kind"] == {"manzhouli": "dbf", "xilingol": "excel"}[name]
    if name == "xilingol":
        assert inference.format["control"] == [{"begins": "合计"}]


def test_fixed_width_is_cut_where_columns_stand_and_nothing_about_money_is_believed() -> None:
    """Every border that shows is one of the league's own; what two columns without a blank are, nobody can tell."""
    content = fixed_file(DAY, settlements()).content
    inference = infer(content, mapping="north", name="北方")
    begins = {1 + sum(FIXED_WIDTHS[:place]): name for place, name in enumerate(FILE_HEADERS)}
    cut = [column["at"] for column in inference.format["columns"]]
    assert [at for at in cut if at not in begins] == []
    assert len(cut) >= 0.9 * len(begins)
    assert inference.format["control"] == [{"begins": "HDR"}, {"begins": "TRL"}]
    assert inference.records >= 0.9 * (inference.rows - 3)
    guesses = {guess.field: guess for guess in inference.fields}
    assert {"id_number", "name", "birth_date", "sex", "facility_no", "settled_at"} <= set(guesses)
    assert [field for field, guess in guesses.items() if field in AMOUNT_FIELDS and guess.confidence > 0.5] == []


@pytest.mark.parametrize("damage", [lambda c: c[:40], lambda c: c[: len(c) // 2], lambda c: b"\x03" + bytes(200)])
@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_no_sample(name: str, damage: Callable[[bytes], bytes]) -> None:
    try:
        read = read_sample(damage(sample(name)))
    except BadInput as refused:
        assert refused.code == "unknown_format"
    else:
        # A table that breaks off still holds its first rows.
        assert (name, read.kind) == ("manzhouli", "dbf")
