"""Pages of the formats that come as rows of cells. Every person in them is invented."""

from __future__ import annotations

from typing import Any

from normalise_samples import ID18

from gateway.core.normalise import CompiledMapping, Normal, compile_mapping
from gateway.model.record import SettlementRecord
from gateway.settings.mappings import check_mapping

FIELDS: dict[str, Any] = {
    "settlement_no": {"from": "JSLSH"}, "visit_no": {"from": "JZLSH"}, "name": {"from": "XM"},
    "id_number": {"from": "ZJHM"}, "settled_at": {"from": "JSSJ"}, "discharged_on": {"from": "CYRQ"},
    "total_amount": {"from": "ZFY"}, "fund_paid_amount": {"from": "JJZF"},
}  # fmt: skip
WIDTHS = {"JSLSH": 12, "JZLSH": 10, "XM": 12, "ZJHM": 18, "JSSJ": 14, "CYRQ": 8, "ZFY": 12, "JJZF": 12}
ROW: dict[str, Any] = {
    "JSLSH": "150781000001", "JZLSH": "M001", "XM": "测试甲", "ZJHM": ID18, "JSSJ": "20260301100000",
    "CYRQ": "20260301", "ZFY": "20000.00", "JJZF": "9000.00",
}  # fmt: skip


def table_mapping(form: dict[str, Any], **tables: Any) -> CompiledMapping:
    """A mapping of eight fields over a format of cells."""
    whole = {"mapping": "table", "version": 1, "format": form, "fields": FIELDS, **tables}
    return compile_mapping(check_mapping(whole, shown_as="mappings/table.toml").language())


def columns_of_width() -> list[dict[str, Any]]:
    """The columns of a file of fixed width, one behind another."""
    return [{"name": name, "width": width} for name, width in WIDTHS.items()]


def changed(**cells: Any) -> dict[str, Any]:
    """The good row with other cells."""
    return {**ROW, **cells}


def outcomes(compiled: CompiledMapping, content: bytes) -> list[Any]:
    """For each row its record, or the codes of what is wrong with it; nothing of skipped ones."""
    rows = compiled.read(content)
    results = [compiled.record(rows, index) for index in range(len(rows))]
    told = [
        result.record if isinstance(result, Normal) else [error.code for error in result.errors] for result in results
    ]
    return [result for result in told if result != ["skipped"]]


def record_of(outcome: Any) -> SettlementRecord:
    """An outcome that must be a record."""
    assert isinstance(outcome, SettlementRecord), outcome
    return outcome
