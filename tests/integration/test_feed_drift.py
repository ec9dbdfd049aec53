"""A league changes its file: what changed is told with shapes and a proposal, never with a value."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, enrolled, page, row, rows_of, take
from typer.testing import CliRunner

from gateway.cli.clerk import seat
from gateway.cli.main import app
from gateway.core.normalise import CompiledMapping, Origin, compile_mapping
from gateway.core.studies.drift import DriftedPart, drift_of
from gateway.errors import BadInput, WrongUse
from gateway.flow.office import Office
from gateway.flow.studies.drifting import drift_of_newest
from gateway.model.bundle import Call, bundle_of
from gateway.sandbox.files import day_file
from gateway.sandbox.leagues import sent_between
from gateway.sandbox.people import person_at
from gateway.settings.mappings import load_mapping
from gateway.settings.shipped import shipped_folder
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

DAY = date(2022, 5, 20)


@cache
def hinggan() -> CompiledMapping:
    return compile_mapping(load_mapping(shipped_folder() / "mappings" / "hinggan.toml").language())


@cache
def day() -> str:
    people = [person_at(1, index, league="hinggan", as_of=DAY) for index in range(60)]
    sent = sent_between(1, people, first=date(2022, 1, 1), last=DAY, serials=itertools.count(1))
    return day_file(DAY, tuple(sent)).content.decode("gb18030")


def rewritten(change: Callable[[list[str], list[str]], list[str]]) -> bytes:
    """The day's file with every line changed; `change` gets the header's cells and the line's."""
    header, *lines = day().splitlines()
    names = header.split(",")
    cells = [names, *(line.split(",") for line in lines)]
    return "".join(",".join(change(names, list(line))) + "\r\n" for line in cells).encode("gb18030")


def drifted(content: bytes) -> dict[str, DriftedPart]:
    # The mapping leaves the flag alone on purpose: it stands on both rows of a pair.
    parts = drift_of(hinggan(), content, Origin("setl_152200_20220520.csv", 1), ignored=["退费标志"])
    return {f"{part.kind} {part.name}": part for part in parts}


def plain(text: str) -> str:
    return text.strip().strip('\t"')


def test_a_file_as_it_always_was_has_not_changed() -> None:
    assert [part for part in drifted(rewritten(lambda _, cells: cells)).values() if part.kind != "unknown_code"] == []


def test_a_column_that_was_renamed_is_proposed_under_its_new_name() -> None:
    content = rewritten(lambda _, cells: [cell.replace("符合政策范围金额", "政策范围内费用") for cell in cells])
    parts = drifted(content)
    gone = next(part for name, part in parts.items() if name.startswith("vanished in_scope_amount"))
    assert gone.proposal == '[fields.in_scope_amount] from = ["政策范围内费用"]'
    assert gone.confidence > 0.5
    assert set(gone.example) <= set("9.、-") and gone.example
    assert [name for name in parts if not name.startswith(("vanished", "new_column 政策范围内费用"))] == []


def test_a_new_column_shows_the_shape_of_what_stands_in_it() -> None:
    def with_phone(names: list[str], cells: list[str]) -> list[str]:
        return [*cells, "联系电话" if cells == names else "13900000000"]

    part = drifted(rewritten(with_phone))["new_column 联系电话"]
    assert (part.example, part.proposal) == ("99999999999", "")
    assert part.rows > 50


def test_days_that_are_written_otherwise_are_told_with_the_format_they_have() -> None:
    def as_words(names: list[str], cells: list[str]) -> list[str]:
        place = next(at for at, name in enumerate(names) if "入院日期" in name)
        if cells != names and plain(cells[place]).count("-") == 2:
            year, month, day = plain(cells[place]).split("-")
            cells[place] = f"{year}年{int(month)}月{int(day)}日"
        return cells

    part = next(part for name, part in drifted(rewritten(as_words)).items() if name.startswith("type_changed admitted"))
    assert "9999某9某" in part.example
    assert part.rows > 10


def test_a_code_never_seen_is_told_with_a_guess_that_nobody_believes() -> None:
    def own_code(names: list[str], cells: list[str]) -> list[str]:
        place = next(at for at, name in enumerate(names) if "医疗类别" in name)
        cells[place] = cells[place].replace("21", "ZY") if cells != names else cells[place]
        return cells

    part = drifted(rewritten(own_code))["unknown_code care_type ZY"]
    assert part.proposal == '[fields.care_type.codes] "ZY" = "inpatient"'
    assert part.confidence <= 0.5


def test_a_bundle_of_replies_tells_no_columns() -> None:
    with pytest.raises(BadInput):
        drift_of(hinggan(), bundle_of([Call(infno="5201", asked={}, reply=b"{}")]), Origin("", 1))


def test_the_newest_page_is_held_against_the_mapping_and_that_it_was_opened_is_written_down(
    make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office: Office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    with pytest.raises(WrongUse, match="没有已存的页"):
        drift_of_newest(office, "east", by="clerk")
    take(office, "east", page(row("A1", 1)))
    take(office, "east", page(row("A2", 1, phone_of_him="13900000000")))
    drift = drift_of_newest(office, "east", by="clerk")
    assert drift.page == 2
    new = {part.name: part for part in drift.parts if part.kind == "new_column"}
    assert new["phone_of_him"].example == "99999999999"
    assert [(look["by"], look["what"]) for look in rows_of(office, schema.review_access)] == [("clerk", "feed_drift")]
    assert "13900000000" not in repr(drift)
    monkeypatch.setattr("gateway.cli.site.open_office", lambda context: seat(context, office))
    done = CliRunner().invoke(app, ["feed", "drift", "east"])
    assert done.exit_code == 1
    assert "phone_of_him" in done.output
    assert "13900000000" not in done.output
