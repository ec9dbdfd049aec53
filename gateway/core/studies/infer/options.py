"""How a field's values are written: formats, thousands, code tables where the league's own codes can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.normalise.dates import DATE_FORMATS, DATETIME_FORMATS
from gateway.core.normalise.national import CARE_TYPE_CODES, ID_TYPE_CODES, INSURANCE_CODES, SEX_CODES
from gateway.core.studies.infer.samples import Sample, SampleColumn
from gateway.core.studies.infer.traits import sex_table
from gateway.core.studies.infer.turning import Turning
from gateway.core.studies.infer.values import counts_from_1970, days_of, formats_of, id_number

_CARE_WORDS: Final = (
    ("生育住院", "maternity_inpatient"), ("生育", "maternity_outpatient"), ("计划生育", "family_planning"),
    ("急诊", "emergency"), ("特病", "outpatient_chronic"), ("慢", "outpatient_chronic"), ("药店", "pharmacy"),
    ("购药", "pharmacy"), ("住院", "inpatient"), ("日间手术", "inpatient"), ("门诊", "outpatient"),
)  # fmt: skip
_INSURANCES: Final = (
    ("城乡", "390"),
    ("居民", "390"),
    ("职工", "310"),
    ("生育", "510"),
    ("公务员", "320"),
    ("离休", "340"),
)
_DATES: Final = ("birth_date", "admitted_on", "discharged_on", "settled_at")
_MOST_CODES: Final = 40


def options_of(
    field: str, column: SampleColumn, sample: Sample, by_field: Mapping[str, SampleColumn], turning: Turning
) -> dict[str, Any]:
    """The options of `[fields.<field>]` that its values ask for."""
    if field in _DATES:
        return date_options(field, column)
    if field.endswith("_amount"):
        return {"thousands": True} if any("," in value for value in column.filled) else {}
    if field == "reversal" and turning.codes:
        return {"codes": turning.codes, "unknown": "error"}
    codes = codes_of(field, column, by_field)
    return {"codes": codes} if codes else {}


def date_options(field: str, column: SampleColumn) -> dict[str, Any]:
    """Formats and counting of a column of days or times."""
    usual_formats = DATETIME_FORMATS if field == "settled_at" else DATE_FORMATS
    written = [value for value in column.filled if not counts_from_1970([value])]
    counted = {"epoch_ms": True} if len(written) < len(column.filled) else {}
    formats = formats_of(written) or ()
    # With any format named the usual ones must be named too.
    usual = set(formats) <= {*usual_formats, "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm"}
    return counted if usual else {**counted, "formats": list(formats)}


def codes_of(field: str, column: SampleColumn, by_field: Mapping[str, SampleColumn]) -> dict[str, str]:
    """A table for the codes the gateway does not know by itself; of what cannot be told nothing."""
    strange = sorted(column.distinct)[:_MOST_CODES]
    if field == "sex" and "id_number" in by_field:
        numbers = [id_number(value) if value else None for value in by_field["id_number"].values]
        sexes = sex_table(column, numbers)
        return sexes if any(SEX_CODES.get(value) != sex for value, sex in sexes.items()) else {}
    if field == "insurance_type" and any(value[:3] not in INSURANCE_CODES for value in strange):
        return {value: code for value in strange if (code := _by_word(value, _INSURANCES))}
    if field == "care_type":
        unknown = [value for value in strange if value[:2] not in CARE_TYPE_CODES]
        return {value: _by_word(value, _CARE_WORDS) or care_by_stay(value, column, by_field) for value in unknown}
    if field == "id_type":
        number = by_field.get("id_number")
        usual = {*ID_TYPE_CODES, *ID_TYPE_CODES.values(), *(f"{code:02}" for code in range(1, 18)), "91"}
        return {
            value: "01" for value in strange if value not in usual and number and _is_resident(value, column, number)
        }
    return {}


def _by_word(value: str, words: tuple[tuple[str, str], ...]) -> str:
    return next((code for word, code in words if word in value), "")


def care_by_stay(value: str, column: SampleColumn, by_field: Mapping[str, SampleColumn]) -> str:
    """What a league's own code of care means: rows that end on a later day than they began are stays in hospital."""
    begins, ends = (days_of(by_field[f]) if f in by_field else None for f in ("admitted_on", "discharged_on"))
    if begins is None or ends is None:
        return "other"
    rows = [row for row, code in enumerate(column.values) if code == value and begins[row] and ends[row]]
    longer = sum(begins[row] < ends[row] for row in rows)  # type: ignore[operator]
    return "inpatient" if rows and longer >= 0.8 * len(rows) else "outpatient" if rows and not longer else "other"


def _is_resident(value: str, column: SampleColumn, number: SampleColumn) -> bool:
    numbers = [n for code, n in zip(column.values, number.values, strict=True) if code == value and n]
    return bool(numbers) and sum(id_number(n) is not None for n in numbers) >= 0.8 * len(numbers)
