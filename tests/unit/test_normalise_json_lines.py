"""A file in which every line is an object of its own (NDJSON): read, cut between lines, proposed from a sample."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest
from table_samples import outcomes, record_of, table_mapping

from connectors.transport.parts import plan_file, read_parts
from gateway.core.studies.infer.sniffing import read_sample
from gateway.errors import BadPage, BadSettings
from gateway.settings.page_formats import rows_of_files

LINES: dict[str, Any] = {"kind": "json", "lines": True, "encoding": ["utf-8", "gb18030"]}
FIELDS = {"settlement_no": {"from": "no"}, "employer_name": {"from": "unit"}, "total_amount": {"from": "total"}}


def line(number: int, **more: Any) -> bytes:
    row = {"no": f"S{number}", "unit": "呼和浩特甲厂", "total": f"{number}.10", **more}
    return json.dumps(row, ensure_ascii=False).encode()


def mapping() -> Any:
    return table_mapping(LINES, fields=FIELDS)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n  \n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_every_line_is_a_settlement(end: bytes, encoding: str) -> None:
    page = end.join(line(number) for number in (1, 2, 3)).decode().encode(encoding)
    records = [record_of(outcome) for outcome in outcomes(mapping(), page)]
    assert [(record.settlement_no, record.total_amount) for record in records] == [
        ("S1", 110),
        ("S2", 210),
        ("S3", 310),
    ]
    assert {record.employer_name for record in records} == {"呼和浩特甲厂"}


@pytest.mark.parametrize(
    "damaged", [b'{"no": "S9", "total": "1.00"', b"[1, 2]", b"7", b"null", b"{} {}", b'{"no": 01}']
)
def test_a_line_that_is_no_object_costs_only_itself(damaged: bytes) -> None:
    first, second, third = outcomes(mapping(), b"\n".join([line(1), damaged, line(3)]))
    assert (record_of(first).settlement_no, record_of(third).settlement_no) == ("S1", "S3")
    assert second == ["unreadable" if damaged.startswith(b"{") else "wrong_type"]


def test_a_new_line_inside_of_a_text_is_escaped_and_cuts_nothing() -> None:
    (record,) = outcomes(mapping(), line(1, note="甲\n厂"))
    assert record_of(record).settlement_no == "S1"


@pytest.mark.parametrize("content", [b"<html>502</html>", b"\xef\xbb\xbf\n", b"a,b\n1,2\n", b"[\n1\n]"])
def test_what_has_no_such_line_is_no_page_of_them(content: bytes) -> None:
    with pytest.raises(BadPage) as bad:
        outcomes(mapping(), content)
    assert bad.value.code == "not_json"


def test_a_file_is_cut_between_lines_and_no_line_is_repeated() -> None:
    content = b"".join(line(number) + b"\n" for number in range(20_000))
    rows = rows_of_files(mapping().language.format)
    parts = list(read_parts(io.BytesIO(content), plan_file(io.BytesIO(content), rows, limit=256 * 1024)))
    assert len(parts) > 3
    assert b"".join(parts) == content
    assert all(part.startswith(b"{") and part.endswith(b"}\n") for part in parts)


@pytest.mark.parametrize(
    ("form", "more", "says"),
    [
        ({**LINES, "rows": ["data"]}, {}, "只写一个"),
        ({"kind": "json"}, {}, "只写一个"),
        ({"kind": "json", "lines": False}, {}, "只写一个"),
        ({"kind": "json", "rows": []}, {}, "只写一个"),
        ({**LINES, "envelope": "national"}, {}, "不适用"),
        ({**LINES, "may_be_missing": True}, {}, "不适用"),
        (LINES, {"status": {"at": ["code"]}}, "没有报文"),
    ],
)
def test_what_contradicts_itself_is_refused(form: dict[str, Any], more: dict[str, Any], says: str) -> None:
    with pytest.raises(BadSettings) as refused:
        table_mapping(form, fields=FIELDS, **more)
    assert says in str(refused.value)


def test_a_sample_of_lines_is_known_as_such() -> None:
    sample = read_sample(b"\n".join(line(number) for number in range(5)) + b'\n{"no": "S')
    assert (sample.format["kind"], sample.format["lines"], sample.rows) == ("json", True, 5)
    assert [column.name for column in sample.columns] == ["no", "unit", "total"]


def test_a_large_day_packed_with_gzip_is_read_line_by_line() -> None:
    packed = gzip.compress(b"".join(line(number) + b"\n" for number in range(100)))
    records = outcomes(mapping(), gzip.decompress(packed))
    assert sum(record_of(record).total_amount or 0 for record in records) == sum(
        number * 100 + 10 for number in range(100)
    )
