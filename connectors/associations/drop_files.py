"""Claims as files: a batch as NDJSON or a workbook with its control file, and the files with the association's answers.

Pure: bytes in, bytes or answers out. A batch is called by the claims and versions in it, so that the same batch is the
same file however often it is made.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final, Literal

import msgspec

from connectors.associations.claim_reply import plain_token, stable_code
from connectors.transport.http import json_object
from gateway.model.claim import UNPROVEN, Answer, AnswerKind
from gateway.model.money import parse_yuan
from gateway.ports import ClaimOnItsWay

DropFormat = Literal["ndjson", "xlsx"]

CONTROL: Final = ".control.json"
"""How the name of a control file ends; before it stands that of the batch."""

_TEXT_IN_A_CELL: Final = 30_000
_LARGEST_WORKBOOK: Final = 64 * 1024 * 1024
_MOST_ROWS: Final = 100_000


class DropControl(msgspec.Struct, frozen=True, kw_only=True):
    """What a control file says of the file beside it: its name, claims, their `payable` together in fen, its SHA-256
    in hex."""

    file: str
    count: int
    total_fen: int
    sha256: str


class DroppedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a batch beside the files: its idempotency keys, and its control file."""

    control: DropControl
    keys: tuple[str, ...]
    at: datetime


def batch_name(claims: Sequence[ClaimOnItsWay]) -> str:
    """The name of a batch: the same for the same claims and versions in any order."""
    keys = "\n".join(sorted(claim.idempotency_key for claim in claims))
    return f"claims-{hashlib.sha256(keys.encode()).hexdigest()[:32]}"


def total_fen(claims: Sequence[ClaimOnItsWay]) -> int:
    """What the claims of a batch ask for together, in fen; a withdrawn one asks for nothing."""
    return sum(parse_yuan(msgspec.json.decode(claim.body, type=_Payable).payable) for claim in claims)


class _Payable(msgspec.Struct):
    payable: str = "0.00"


def to_ndjson(claims: Sequence[ClaimOnItsWay]) -> bytes:
    """One line a claim: `{"idempotency_key": …, "claim": {…}}`, each claim verbatim."""
    return b"".join(
        b'{"idempotency_key":' + msgspec.json.encode(claim.idempotency_key) + b',"claim":' + claim.body + b"}\n"
        for claim in claims
    )


_COLUMNS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("申领号", ("claim_id",)),
    ("版本", ("version",)),
    ("状态", ("status",)),
    ("会员号", ("member", "member_no")),
    ("姓名", ("member", "name")),
    ("证件类型", ("member", "id_type")),
    ("证件号码", ("member", "id_number")),
    ("互助计划", ("scheme",)),
    ("医疗机构", ("stay", "facility_name")),
    ("入院日期", ("stay", "admitted_on")),
    ("出院日期", ("stay", "discharged_on")),
    ("应付金额（元）", ("payable",)),
    ("申领截止", ("claim_by",)),
)
_PARTS: Final = ("申领号", "版本", "序号", "报文")


def to_workbook(claims: Sequence[ClaimOnItsWay]) -> bytes:
    """A workbook: sheet 申领 with a row a claim for people, sheet 报文 with each claim verbatim, cut where a cell ends.

    Every cell is text, whatever it begins with: a member's name that begins with `=` is no formula.
    """
    # The library is loaded for who needs it: every command would wait for it.
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet, parts = book.create_sheet("申领"), book.create_sheet("报文")
    sheet.freeze_panes = parts.freeze_panes = "A2"
    sheet.append(_text_cells(sheet, [title for title, _ in _COLUMNS]))
    parts.append(_text_cells(parts, _PARTS))
    for claim in claims:
        content = msgspec.json.decode(claim.body)
        sheet.append(_text_cells(sheet, [_text_at(content, path) for _, path in _COLUMNS]))
        text = claim.body.decode("utf-8")
        for start in range(0, len(text), _TEXT_IN_A_CELL):
            number = str(start // _TEXT_IN_A_CELL + 1)
            part = text[start : start + _TEXT_IN_A_CELL]
            parts.append(_text_cells(parts, [claim.claim_id, str(claim.version), number, part]))
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def _text_at(content: Any, path: Sequence[str]) -> str:
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    return "" if content is None else str(content)


def _text_cells(sheet: Any, texts: Sequence[str]) -> list[Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cells = []
    for text in texts:
        cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))
        # A text that begins with = would be taken for a formula.
        cell.data_type = "s"
        cell.number_format = "@"
        cells.append(cell)
    return cells


class AnswerLine(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer file says of one version of a claim."""

    claim_id: str
    version: int
    answer: Answer


def read_answers(name: str, content: bytes) -> tuple[list[AnswerLine], int]:
    """The lines of an answer file (`.ndjson`, `.xlsx`) that name claim, version and result, and how many say something
    else. A workbook that cannot be opened is one such."""
    try:
        rows = list(_workbook_rows(content) if name.endswith(".xlsx") else _json_rows(content))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        # It may still be on its way; it is read again once it has changed.
        return [], 1
    lines = [_answer_line(row) for row in rows]
    return [line for line in lines if line is not None], lines.count(None)


_ACCEPTED: Final = ("accepted", "收下")
_REFUSED: Final = ("refused", "拒收")


def _answer_line(row: dict[str, Any] | None) -> AnswerLine | None:
    if row is None:
        return None
    claim_id, version, result = plain_token(row.get("claim_id")), _version_of(row.get("version")), row.get("result")
    if claim_id is None or version is None:
        return None
    if result in _ACCEPTED:
        answer = Answer(kind=AnswerKind.ACCEPTED, reference=plain_token(row.get("reference")))
    elif result in _REFUSED:
        answer = Answer(kind=AnswerKind.REFUSED, code=stable_code(row.get("code")) or "refused")
    else:
        return None
    return AnswerLine(claim_id=claim_id, version=version, answer=answer)


def _version_of(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 7:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def _json_rows(content: bytes) -> Iterator[dict[str, Any] | None]:
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines()[:_MOST_ROWS]:
        if line.strip():
            yield json_object(line)


_ANSWER_COLUMNS: Final = {
    "申领号": "claim_id",
    "版本": "version",
    "结果": "result",
    "原因": "code",
    "受理号": "reference",
}


def _workbook_rows(content: bytes) -> Iterator[dict[str, Any] | None]:
    """The rows of the first sheet, by the names in its first row (Chinese or English)."""
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _LARGEST_WORKBOOK:
            raise ValueError("too large once unpacked")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(values_only=True, max_row=_MOST_ROWS, max_col=50)
    names = [_ANSWER_COLUMNS.get(str(title).strip(), str(title).strip()) for title in next(rows, ())]
    for row in rows:
        if any(value is not None for value in row):
            yield {name: _plain(value) for name, value in zip(names, row, strict=False) if value is not None}
    book.close()


def _plain(value: Any) -> Any:
    """A number of Excel is a float; a text may have spaces around it."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value


class AnswerBook:
    """What the answer files say together, claim by claim."""

    def __init__(self) -> None:
        self._files: dict[str, list[AnswerLine]] = {}
        self._of: dict[str, dict[int, set[Answer]]] | None = None

    def keep(self, name: str, lines: list[AnswerLine]) -> None:
        """What a file says now, in place of what it said before."""
        self._files[name] = lines
        self._of = None

    def forget(self, names: set[str]) -> None:
        """Files that are gone say nothing any more."""
        if names & self._files.keys():
            self._files = {name: lines for name, lines in self._files.items() if name not in names}
            self._of = None

    def answer(self, claim_id: str, version: int) -> Answer | None:
        """What is said of a version: its own answer, or that a later one was taken; None where nothing is. Answers that
        contradict each other prove nothing."""
        if self._of is None:
            self._of = {}
            for line in chain.from_iterable(self._files.values()):
                self._of.setdefault(line.claim_id, {}).setdefault(line.version, set()).add(line.answer)
        versions = self._of.get(claim_id, {})
        if answers := versions.get(version):
            kinds = {answer.kind for answer in answers}
            best = min(answers, key=lambda answer: (answer.reference is None, answer.code, answer.reference or ""))
            return best if len(kinds) == 1 else Answer(kind=AnswerKind.UNKNOWN, code=UNPROVEN + "two_results")
        later = (answer for number, answers in versions.items() if number > version for answer in answers)
        if any(answer.kind is AnswerKind.ACCEPTED for answer in later):
            return Answer(kind=AnswerKind.ACCEPTED, code="already_held")
        return None
