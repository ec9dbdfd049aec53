"""A platform that lists only where our books differ from its own (3202 对明细账): with empty books of ours, everything.

For a day and a kind of clearing: our empty file (9101) → 3202 → the result's zip (9102), TAB-separated text without a
header, 7, 10 or 11 columns by edition → each settlement by its number (5203). The result file and every reply go into
one bundle, each verbatim. A refund stands there as two rows of one number, and is asked for once.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import date
from io import BytesIO
from typing import Final

import msgspec

from connectors.transport.days import AskedByDay, DayContent, Days, bundles_of
from connectors.transport.envelope import objects_of, text_of
from connectors.transport.national_line import NationalLine, NationalSpec
from gateway.errors import Unavailable
from gateway.model.bundle import Call
from gateway.model.page import Fetched
from gateway.ports import PullWay, Surroundings

_COLUMNS: Final = (7, 10, 11)
_MOST_MEMBERS: Final = 16
_MOST_BYTES: Final = 64 * 1024 * 1024
_MOST_ROWS: Final = 100_000


class StatementDiffSpec(NationalSpec, frozen=True, kw_only=True):
    """Differences of 3202 against empty books of ours, then 5203 for each. `clearing_types`: which 清算类别 are asked
    about; `statement_office`: 清算经办机构, the line's region where it is left out."""

    clearing_types: tuple[str, ...] = ("11", "21")
    statement_office: str = ""


class StatementRow(msgspec.Struct, frozen=True, order=True):
    """Which settlement a row of the result is about."""

    person_no: str
    visit_no: str
    settlement_no: str


def rows_of_result(content: bytes) -> list[StatementRow]:
    """The settlements of a result's zip, each once. Raises Unavailable for what is no such file."""
    rows: dict[StatementRow, None] = {}
    for text in texts_of_zip(content):
        for line in text.splitlines():
            cells = ["" if cell == "null" else cell.strip() for cell in line.split("\t")]
            if not any(cells):
                continue
            if len(cells) not in _COLUMNS or not cells[2] or len(rows) > _MOST_ROWS:
                raise Unavailable("broken_reply: 对账结果的行不可读 (a row of the result cannot be read)")
            rows[StatementRow(*cells[:3])] = None
    return list(rows)


def texts_of_zip(content: bytes) -> list[str]:
    """The text of every file of a zip, whatever its name and its encoding (UTF-8 or GB18030). Raises Unavailable."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST_BYTES:
                raise Unavailable("broken_reply: 对账结果过大 (the result is too large)")
            return [decoded(archive.read(member)) for member in members]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise Unavailable("broken_reply: 对账结果不是可读的 zip (the result is no zip that can be read)") from None


def decoded(content: bytes) -> str:
    """Text in UTF-8, else in GB18030; what fits neither becomes a sign that no number has."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", "replace")


class StatementDiff(AskedByDay):
    """A PullFeed over the differences of 3202."""

    def __init__(self, spec: StatementDiffSpec, around: Surroundings, *, line: NationalLine | None = None) -> None:
        self._spec = spec
        self._line = line or NationalLine(spec, around)
        self._days = Days(around, infno="3202")

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """One bundle a day that says something new; see `connectors.transport.days`. Raises Unavailable, Refused."""
        return self._days.fetch(self.read_day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the platform keeps its own."""

    def read_day(self, day: date) -> DayContent:
        """A day's differences of every kind of clearing, and their settlements."""
        calls: list[Call] = []
        rows: dict[StatementRow, None] = {}
        for clearing in self._spec.clearing_types:
            result = self.result(day, clearing)
            if result:
                calls.append(Call(infno="9102", asked={"clr_type": clearing}, reply=result))
                rows |= dict.fromkeys(rows_of_result(result))
        settlements = [self.settlement(row) for row in rows]
        missing = sum(not objects_of(output.get("setlinfo")) for _, output in settlements)
        outputs = sorted(msgspec.json.encode(output, order="sorted") for _, output in settlements)
        return DayContent(
            pages=bundles_of([*calls, *(call for call, _ in settlements)]),
            digest=hashlib.sha256(b"\0".join(outputs)).hexdigest()[:32],
            complaint=f"no_settlement: {missing} 笔差异查不到结算 (differences without a settlement)"
            if missing
            else "",
            whole=not missing,
        )

    def result(self, day: date, clearing: str) -> bytes:
        """The zip of one kind of clearing, b"" where the books agree; asked for anew where its link has expired."""
        asked = {"file_qury_no": self.upload(day, clearing), **self.statement_of(day, clearing)}
        for last_try in (False, True):
            infos: Sequence[dict[str, object]] = [
                dict(node) for node in objects_of(self._line.ask("3202", asked).output.get("fileinfo"))
            ]
            number = text_of(infos[0].get("file_qury_no")) if infos else ""
            if not number:
                return b""
            file = {
                "file_qury_no": number,
                "filename": text_of(infos[0].get("filename")),
                "fixmedins_code": self._spec.facility_no,
            }
            try:
                return self._line.download("9102", file, node="fsDownloadIn")
            except Unavailable:
                if last_try:
                    raise
        raise AssertionError

    def statement_of(self, day: date, clearing: str) -> dict[str, str]:
        """What 3202 is told of our books: nothing was settled."""
        sums = dict.fromkeys(("medfee_sumamt", "fund_pay_sumamt", "cash_payamt"), "0.00")
        return {
            "setl_optins": self._spec.statement_office or self._spec.region,
            "stmt_begndate": day.isoformat(),
            "stmt_enddate": day.isoformat(),
            **sums,
            "fixmedins_setl_cnt": "0",
            "clr_type": clearing,
            "refd_setl_flag": "0",
        }

    def upload(self, day: date, clearing: str) -> str:
        """9101: our books as a file without a row; its query number. Raises Unavailable."""
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("result.txt", "")
        asked = {
            "in": b64encode(packed.getvalue()).decode("ascii"),
            "filename": f"{self._spec.facility_no}{day:%Y%m%d}{clearing}.txt.zip",
            "fixmedins_code": self._spec.facility_no,
        }
        number = text_of(self._line.ask("9101", asked, node="fsUploadIn").output.get("file_qury_no"))
        if not number:
            raise Unavailable("broken_reply: 上传没有查询号 (the upload gave no number)")
        return number

    def settlement(self, row: StatementRow) -> tuple[Call, dict[str, object]]:
        """5203 for one difference: the call with its reply verbatim, and what the reply holds."""
        asked = {"psn_no": row.person_no, "setl_id": row.settlement_no, "mdtrt_id": row.visit_no}
        heard = self._line.ask("5203", asked)
        return Call(infno="5203", asked=asked, reply=heard.raw), heard.output


WAY = PullWay(spec=StatementDiffSpec, make=StatementDiff)
