"""A sample → the first test file of a mapping: its rows with invented people in place of real ones, amounts kept.

What comes of a row is what the mapping makes of it now: whoever keeps the file has looked at it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from gateway.core.normalise import CompiledMapping, Normal, Rows, normalise_lines
from gateway.core.normalise.language import FieldRule
from gateway.core.normalise.outside import stands_outside
from gateway.errors import BadInput
from gateway.flow.studies.mapping_tests import MappingCase, page_of
from gateway.model.national_id import check_digit
from gateway.model.record import SettlementRecord

_NAMES: Final = "甲乙丙丁戊己庚辛"
_TRUTHS: Final = {"True": True, "False": False}
_MOST_CASES: Final = 4
_LOOKED_AT: Final = 2000
_SHOWN: Final = (
    "settlement_no", "name", "id_number", "sex", "insurance_type", "care_type", "admitted_on", "discharged_on",
    "inpatient_days", "settled_at", "reversal", "total_amount", "in_scope_amount", "fund_paid_amount",
    "personal_amount", "account_amount", "cash_amount",
)  # fmt: skip
_INVENTED: Final = {
    "person_no": "P{:012}",
    "visit_no": "M{:010}",
    "settlement_no": "T{:010}",
    "employer_name": "测试单位{}",
}


def test_file_from(compiled: CompiledMapping, content: bytes) -> str:
    """The text of a `<league>.test.toml` with a case for each kind of row found. Raises BadPage where the sample cannot
    be read, BadInput where none of its rows becomes a record."""
    rows, people = compiled.read(content), _InventedPeople(compiled)
    cases = []
    for name, index, record in _telling_rows(compiled, rows):
        row = people.row(compiled.as_it_came(rows, index), record)
        case = MappingCase(name=name, rows=(row,))
        line = next(normalise_lines(compiled, page_of(compiled, case, {})), {})
        if "record" in line:
            plain = msgspec.to_builtins(line["record"])
            shown = {field: plain[field] for field in _SHOWN if field in plain}
            cases += ["", "[[cases]]", f"name = {_toml(name)}", f"rows = [{_toml(row)}]"]
            cases += [f"expect = [{{ record = {_toml(shown)} }}]"]
    if not cases:
        raise BadInput("no_record", "样本里没有一行能成为记录：先改映射 (no row of the sample becomes a record)")
    head = "# 由样本写成：人都是编的，金额照旧。请逐项核对期望值，再补上本盟市的特殊情况 (check what is expected)。"
    return "\n".join([head, *cases]) + "\n"


def _telling_rows(compiled: CompiledMapping, rows: Rows) -> Iterator[tuple[str, int, SettlementRecord]]:
    """The first row of each kind: a settlement of each care type, a refund."""
    kinds: set[str] = set()
    for index in range(min(len(rows), _LOOKED_AT)):
        normalised = compiled.record(rows, index)
        if isinstance(normalised, Normal) and len(kinds) < _MOST_CASES:
            record = normalised.record
            kind = "退费" if record.reversal else f"结算，医疗类别 {record.care_type or '无'}"
            if kind not in kinds:
                kinds.add(kind)
                yield kind, index, record


class _InventedPeople:
    """Invented people in place of those of a sample: the same one for the same one."""

    def __init__(self, compiled: CompiledMapping) -> None:
        self._fields = compiled.language.fields
        # An object of JSON stands among the values too where a field looks inside of it: it is no field's own.
        self._own = {name for rule in self._fields.values() for name in rule.sources + rule.sum + rule.minus}
        joins = compiled.language.bundle.joins if compiled.language.bundle else ()
        self._joined = tuple(f"{join.name}." for join in joins)
        self._serials: dict[str, dict[str, int]] = {}

    def row(self, came: dict[str, str], record: SettlementRecord) -> dict[str, Any]:
        """The values of a row by the feed's names, nested where names are paths."""
        instead = self._instead(record)
        row: dict[str, Any] = {}
        for name, value in came.items():
            if name not in self._own or stands_outside(name) or name.startswith(self._joined):
                continue
            *outer, last = name.split(".") if "." in name else [name]
            inside = row
            for key in outer:
                inside = inside.setdefault(key, {})
            # What came as true or false in JSON has been made a text.
            inside[last] = instead.get(name, _TRUTHS.get(value, value))
        return row

    def _instead(self, record: SettlementRecord) -> dict[str, str]:
        """Source → what is written there in place of what stood there."""
        serial = self._serial("person", record.id_number or record.name or "")
        first = f"15099919800101{serial:02}{1 if record.sex == 'M' else 2}"
        values = {
            "name": f"测试{_NAMES[serial % len(_NAMES)]}",
            "id_number": first + check_digit(first),
            "birth_date": "1980-01-01",
            "diagnosis_codes": ";".join(record.diagnosis_codes),
            "reverses": _INVENTED["settlement_no"].format(self._serial("settlement_no", record.reverses or "")),
        }
        for field, form in _INVENTED.items():
            number = getattr(record, field)
            if number is not None:
                values[field] = form.format(self._serial(field, number))
        rules = ((field, self._fields.get(field, FieldRule())) for field in values)
        # A number of a settlement may also be what a refund names: its own field counts.
        return {source: values[field] for field, rule in rules for source in rule.sources}

    def _serial(self, kind: str, value: str) -> int:
        serials = self._serials.setdefault(kind, {})
        return serials.setdefault(value, len(serials) + 1)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(inside)}" for key, inside in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
