"""Mapping files: what may stand in them, and every finding at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.core.normalise import Normal, compile_mapping
from gateway.errors import BadSettings, Finding
from gateway.settings.mappings import check_mapping, load_mapping

GOOD: dict[str, Any] = {"mapping": "x", "version": 1, "national": True, "format": {"kind": "json", "rows": ["rows"]}}


def findings(**tables: Any) -> list[Finding]:
    with pytest.raises(BadSettings) as caught:
        check_mapping({**GOOD, **tables}, shown_as="mappings/x.toml")
    return caught.value.findings


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"mapping": "No Name"}, "mapping"), ({"version": 0}, "version"), ({"unknown": 1}, "unknown"),
        ({"format": {"kind": "yaml"}}, "format"), ({"format": {"kind": "xml"}}, "format.xml.rows"),
        ({"format": {"kind": "json"}}, "format.json.rows"),
        ({"format": {"kind": "json", "rows": []}}, "format.json.rows"),
        ({"format": {"kind": "json", "rows": ["r"], "encoding": ["latin-1"]}}, "format.json.encoding.0"),
        ({"format": {"kind": "csv", "delimiter": "||"}}, "format.csv.delimiter"),
        ({"format": {"kind": "csv", "rows": ["r"]}}, "format.csv.rows"),
        ({"fields": {"nome": {"from": "x"}}}, "fields.nome.[key]"),
        ({"fields": {"name": {"form": "x"}}}, "fields.name.form"),
        ({"fields": {"name": {"from": "x", "parse": "dat"}}}, "fields.name.parse"),
        ({"fields": {"name": {"parse": "yuan"}}}, "fields.name.parse"),
        ({"fields": {"birth_date": {"formats": ["%Y-%m-%d"]}}}, "fields.birth_date.formats.0"),
        ({"fields": {"name": {"formats": ["yyyy-MM-dd"]}}}, "fields.name.formats"),
        ({"fields": {"name": {"thousands": True}}}, "fields.name.thousands"),
        ({"fields": {"total_amount": {"codes": {"1": "2"}}}}, "fields.total_amount.codes"),
        ({"fields": {"total_amount": {"value": "1,00"}}}, "fields.total_amount.value"),
        ({"fields": {"total_amount": {"from": ["a"], "value": "1"}}}, "fields.total_amount"),
        ({"fields": {"care_type": {"codes": {"9901": "hospital"}}}}, "fields.care_type.codes.9901"),
        ({"fields": {"care_type": {"value": "21"}}}, "fields.care_type.value"),
        ({"fields": {"sex": {"codes": {"3": "X"}}}}, "fields.sex.codes.3"),
        ({"fields": {"sex": {"unknown": "keep"}}}, "fields.sex.unknown"),
        ({"fields": {"reversal": {"codes": {"9": "true"}}}}, "fields.reversal.codes.9"),
        ({"fields": {"name": {"unknown": "other"}}}, "fields.name.unknown"),
        ({"reversals": {"style": "none"}}, "reversals.style"), ({"checks": {"i5": "off"}}, "checks.i5"),
        ({"checks": {"i1": "ignore"}}, "checks.i1"), ({"checks": {"tolerance": "0.001"}}, "checks.tolerance"),
        ({"checks": {"tolerance": "-1"}}, "checks.tolerance"), ({"totals": {"day": "d"}}, "totals.rows"),
        ({"bundle": {"joins": []}}, "bundle.rows_from"), ({"national": False}, "fields.settlement_no"),
        ({"national": False}, "fields.total_amount"),
        ({"format": {"kind": "csv"}, "bundle": {"rows_from": "5203"}}, "bundle"),
        ({"format": {"kind": "csv"}, "totals": {"day": "d", "rows": "r"}}, "totals"),
        ({"special_outpatient": {"codes": ["1"]}}, "special_outpatient.codes"), ({"amounts": {"x": True}}, "amounts.x"),
        ({"fields": {"name": 5}}, "fields.name"), ({"fields": 5}, "fields"), ({"format": 5}, "format"),
        ({"bundle": 5}, "bundle"), ({"bundle": {"rows_from": "1", "joins": [5]}}, "bundle.joins.0"),
    ],
)  # fmt: skip
def test_a_finding_names_its_key(tables: dict[str, Any], key: str) -> None:
    found = findings(**tables)
    assert key in [finding.key for finding in found]
    assert all(finding.file == "mappings/x.toml" and finding.allowed for finding in found)


def test_two_joins_of_one_name_are_refused() -> None:
    join = {"name": "visit", "infno": "5201", "rows": ["o"], "key": "k"}
    assert [finding.key for finding in findings(bundle={"rows_from": "5203", "joins": [join, join]})] == [
        "bundle.joins.name"
    ]


def test_every_finding_of_form_and_of_meaning_comes_at_once() -> None:
    found = findings(
        versoin=2,
        fields={
            "nome": {"from": "x"},
            "care_type": {"codes": {"1": "x", "2": "y"}},
            "name": {"from": "n", "parse": "date"},
        },
        checks={"i1": "x"},
    )
    assert sorted(finding.key for finding in found) == [
        "checks.i1", "fields.care_type.codes.1", "fields.care_type.codes.2", "fields.name.parse",
        "fields.nome.[key]", "versoin",
    ]  # fmt: skip


def test_an_unknown_parser_is_answered_with_the_known_ones() -> None:
    (finding,) = findings(fields={"name": {"from": "n", "parse": "dat"}})
    assert finding.found == "'dat'"
    assert "identifier" in finding.allowed


def test_one_name_may_stand_without_brackets() -> None:
    spec = check_mapping({**GOOD, "fields": {"name": {"from": "xm"}}}, shown_as="x")
    assert spec.language().fields["name"].sources == ("xm",)


def test_what_a_file_says_of_a_national_field_stands_over_what_is_national() -> None:
    spec = check_mapping({**GOOD, "fields": {"person_type": {"codes": {"11": "a"}}}}, shown_as="x")
    rule = spec.language().fields["person_type"]
    assert rule.sources == ("psn_type",)
    assert rule.codes == (("11", "a"),)


def test_tolerance_is_yuan_in_the_file_and_fen_inside() -> None:
    assert check_mapping({**GOOD, "checks": {"tolerance": "1.50"}}, shown_as="x").language().checks.tolerance == 150


def test_a_mapping_of_few_fields_reads_only_those() -> None:
    tables = {
        **GOOD, "national": False,
        "fields": {"settlement_no": {"from": "no"}, "total_amount": {"from": "sum", "thousands": True}},
    }  # fmt: skip
    compiled = compile_mapping(check_mapping(tables, shown_as="x").language())
    found = compiled.record(compiled.read(b'{"rows": [{"no": 1, "sum": "1,000.00", "psn_name": "x"}]}'), 0)
    assert isinstance(found, Normal)
    assert (found.record.settlement_no, found.record.total_amount, found.record.name) == ("1", 100_000, None)


@pytest.mark.parametrize("text", ["mapping = ", "a = 1\na = 2", "\x00"])
def test_what_is_no_toml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings) as caught:
        load_mapping(path)
    assert caught.value.findings[0].file == "mappings/x.toml"


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        load_mapping(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["结算\t号", "a\nb", 'a"b', "a\\b", "a\x00", "a\x7f", "\ufeffa"])
@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_name_no_header_or_key_can_have_is_refused_when_the_file_is_read(name: str, kind: str) -> None:
    form: dict[str, Any] = {"kind": "json", "rows": ["rows"]} if kind == "json" else {"kind": "csv"}
    assert "fields.name.from.0" in [finding.key for finding in findings(format=form, fields={"name": {"from": name}})]
    assert "fields.total_amount.sum.1" in [
        finding.key for finding in findings(format=form, fields={"total_amount": {"sum": ["a", name]}})
    ]


def test_a_path_no_message_can_have_is_refused_when_the_file_is_read() -> None:
    form = {"kind": "json", "rows": ["data\t.list"]}
    assert [finding.key for finding in findings(format=form)] == ["format.json.rows.0"]
    totals = {"day": "day", "rows": "to\ntals", "amount": 'a"'}
    assert [finding.key for finding in findings(totals=totals)] == ["totals.rows", "totals.amount"]


HEADERLESS: dict[str, Any] = {"kind": "csv", "columns": ["setl_id", "medfee_sumamt", "psn_name", "b"]}


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"fields": {"name": {"from": "xm"}}}, "fields.name.from"),
        ({"fields": {"name": {"from": ["xm", "mc"]}}}, "fields.name.from"),
        ({"fields": {"total_amount": {"sum": ["medfee_sumamt", "c"]}}}, "fields.total_amount.sum"),
        ({"fields": {"total_amount": {"from": "medfee_sumamt", "minus": "c"}}}, "fields.total_amount.minus"),
        ({"special_outpatient": {"disease_codes": ["M"], "disease_from": "bz"}}, "special_outpatient.disease_from"),
        (
            {"format": {**HEADERLESS, "columns": ["setl_id", "a", "a"]}, "fields": {"name": {"from": "a"}}},
            "format.columns",
        ),
    ],
)
def test_a_file_without_a_header_must_have_the_columns_it_is_read_by(tables: dict[str, Any], key: str) -> None:
    found = findings(**{"format": HEADERLESS, **tables})
    assert [finding.key for finding in found] == [key]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": {"from": ["xm", "psn_name"]}},
        {"name": {"from": "xm", "optional": True}},
        {"sex": {"optional": True}},
        {},
    ],
)
def test_a_column_that_another_stands_for_or_that_may_be_missing_is_no_finding(fields: dict[str, Any]) -> None:
    check_mapping({**GOOD, "format": HEADERLESS, "fields": fields}, shown_as="x")
