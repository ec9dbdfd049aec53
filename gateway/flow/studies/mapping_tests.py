"""Runs the cases of a `<league>.test.toml`: raw rows in, records or error codes out (mappings/README.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gateway.core.normalise import CompiledMapping, normalise_lines
from gateway.errors import BadSettings, Finding
from gateway.flow.studies.case_pages import written_rows
from gateway.model.bundle import Call, bundle_of
from gateway.settings.files import read_toml

_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class ExpectedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a row must become: fields of its record, fields it must not have, warnings; or error codes."""

    record: dict[str, Any] | None = None
    absent: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    quarantined: tuple[str, ...] | None = None


class WrittenCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call of a bundle; a reply written as a table is sent as JSON."""

    infno: str
    reply: str | dict[str, Any]
    asked: dict[str, Any] = {}


class MappingCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case: the input in one of four forms, and what must come of it."""

    name: str
    rows: tuple[dict[str, Any], ...] | None = None
    text: str | None = None
    hex: str | None = None
    calls: tuple[WrittenCall, ...] | None = None
    drop: tuple[str, ...] = ()
    null: tuple[str, ...] = ()
    encoding: Literal["utf-8", "gb18030", "gbk"] | None = None
    expect: tuple[ExpectedRow, ...] = ()
    page_error: str | None = None


class CaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of cases. `base` holds the values every row of `rows` starts from."""

    cases: tuple[MappingCase, ...]
    base: dict[str, Any] = {}


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """One case's result. `detail` is empty when it passed, else input, output, expected, first difference."""

    name: str
    passed: bool
    detail: str = ""


def run_mapping_tests(compiled: CompiledMapping, path: Path) -> list[CaseResult]:
    """Every case of a test file, in order. Raises BadSettings where the file itself is wrong."""
    return run_cases(compiled, read_cases(path))


def run_cases(compiled: CompiledMapping, cases: CaseFile) -> list[CaseResult]:
    """Every case, in order."""
    return [_run(compiled, case, cases.base) for case in cases.cases]


def read_cases(path: Path) -> CaseFile:
    """The cases a file holds. Raises BadSettings naming file and place."""
    name = f"mappings/{path.name}"
    return cases_of(read_toml(path, shown_as=name), shown_as=name)


def cases_of(tables: dict[str, Any], *, shown_as: str) -> CaseFile:
    """The cases these tables describe. Raises BadSettings naming file and place."""
    name = shown_as
    try:
        case_file = msgspec.convert(tables, CaseFile)
    except msgspec.ValidationError as error:
        raise BadSettings([Finding(name, "cases", str(error), "见 mappings/README.md (see there)")]) from error
    wrong = [
        case.name
        for case in case_file.cases
        if sum(form is not None for form in (case.rows, case.text, case.hex, case.calls)) != 1
        or not _is_hex(case.hex or "")
    ]
    if wrong:
        allowed = "rows, text, hex（十六进制）, calls 四选一 (exactly one of)"
        raise BadSettings([Finding(name, f"cases（{case}）", "输入 (input)", allowed) for case in wrong])
    return case_file


def _is_hex(text: str) -> bool:
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True


def _run(compiled: CompiledMapping, case: MappingCase, base: dict[str, Any]) -> CaseResult:
    content = page_of(compiled, case, base)
    # Compared as the JSON that `hubao normalise` prints.
    lines = msgspec.json.decode(_JSON.encode(list(normalise_lines(compiled, content))))
    difference = _difference(case, lines)
    if difference is None:
        return CaseResult(name=case.name, passed=True)
    expected = msgspec.to_builtins(case.expect) if case.page_error is None else {"page_error": case.page_error}
    detail = [
        f"首个差异 (first difference): {difference}",
        f"输入 (input): {_readable(content, compiled.language.format.encoding)}",
        f"输出 (output): {_JSON.encode(lines).decode()}",
        f"期望 (expected): {_JSON.encode(expected).decode()}",
    ]
    return CaseResult(name=case.name, passed=False, detail="\n".join(detail))


def page_of(compiled: CompiledMapping, case: MappingCase, base: dict[str, Any]) -> bytes:
    """The bytes a case feeds to the mapping; rows are written in the mapping's own format."""
    spoken = compiled.language.format
    encoding = case.encoding or spoken.encoding[-1]
    if case.hex is not None:
        return bytes.fromhex(case.hex)
    if case.text is not None:
        return case.text.encode(encoding)
    if case.calls is not None:
        return bundle_of(
            [
                Call(
                    infno=call.infno,
                    asked=call.asked,
                    reply=call.reply.encode() if isinstance(call.reply, str) else _JSON.encode(call.reply),
                )
                for call in case.calls
            ]
        )
    written = [{**base, **row, **dict.fromkeys(case.null)} for row in case.rows or ()]
    rows = [{key: value for key, value in row.items() if key not in case.drop} for row in written]
    return written_rows(rows, compiled.language, encoding)


def _difference(case: MappingCase, lines: list[dict[str, Any]]) -> str | None:
    """The first thing that is not as expected, or None."""
    if case.page_error is not None:
        got = lines[0].get("page_error", {}).get("code") if len(lines) == 1 else None
        return None if got == case.page_error else f"page_error: {got!r} ≠ {case.page_error!r}"
    if len(lines) != len(case.expect):
        return f"行数 (rows): {len(lines)} ≠ {len(case.expect)}"
    pairs = enumerate(zip(lines, case.expect, strict=True), 1)
    differences = (f"第 {row} 行 (row {row}): {wrong}" for row, pair in pairs if (wrong := _row_difference(*pair)))
    return next(differences, None)


def _row_difference(line: dict[str, Any], expected: ExpectedRow) -> str | None:
    if expected.quarantined is not None:
        got = [error["code"] for error in line.get("quarantined", {}).get("errors", [])]
        codes = list(expected.quarantined)
        return None if sorted(got) == sorted(codes) else f"quarantined: {got} ≠ {codes}"
    if "record" not in line:
        return "没有成为记录 (did not become a record)"
    record = line["record"]
    wrong = (
        f"{field}: {record.get(field)!r} ≠ {_plain(value)!r}"
        for field, value in (expected.record or {}).items()
        if record.get(field) != _plain(value)
    )
    unwanted = (f"{field}: 应为空 (should be absent)" for field in expected.absent if record.get(field) is not None)
    # A test's rows are excerpts: what is missing from them or out of proportion is asked only where the case says so.
    left_out = {"missing_amount", "deductible"} - set(expected.warnings)
    codes = [warning["code"] for warning in line.get("warnings", []) if warning["code"] not in left_out]
    warnings = None if codes == list(expected.warnings) else f"warnings: {codes} ≠ {list(expected.warnings)}"
    return next(wrong, None) or next(unwanted, None) or warnings


def _plain(value: Any) -> Any:
    """A value of the file as a record's JSON has it: dates and times of TOML as text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _readable(content: bytes, encodings: tuple[str, ...]) -> str:
    for encoding in ("utf-8", *encodings):
        try:
            return content.decode(encoding)
        except UnicodeError:
            continue
    return content.decode("utf-8", "backslashreplace")
