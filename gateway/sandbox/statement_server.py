"""A platform that tells where the books of its callers differ from its own: 9101 → 3202 → 9102 (a zip) → 5203.

Its zip holds TAB-separated text without a header, now of 7, now of 10, now of 11 columns, under a name in CP936; the
first link it gives has expired when it is followed, and then a message comes where the zip belongs.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Final

from gateway.sandbox.day_book import DayBook
from gateway.sandbox.national import Row
from gateway.sandbox.national_server import Gate, NationalApp, Output, PlatformError, day_of
from gateway.sandbox.servers import ServerReply

_WIDTHS: Final = (7, 10, 11)


class StatementApp(NationalApp):
    """`expired`: which of its downloads come too late."""

    def __init__(self, book: DayBook, gate: Gate, *, clock: Callable[[], float], expired: Iterable[int] = ()) -> None:
        transactions = {"9101": self.upload, "3202": self.compare, "9102": self.download, "5203": self.settlement}
        super().__init__(gate, transactions, clock=clock)
        self.book = book
        self._expired, self._downloads = frozenset(expired), 0

    def upload(self, asked: Output) -> Output:
        """9101: a file of the caller's books; its number stands right under the output."""
        if not asked.get("in"):
            raise PlatformError("上传文件为空")
        return {"file_qury_no": "fsi/up/1", "filename": asked.get("filename"), "dld_endtime": "2099-01-01 00:00:00"}

    def compare(self, asked: Output) -> Output:
        """3202: where the result lies; nothing where the books agree."""
        day, clearing = day_of(asked.get("stmt_begndate")), str(asked.get("clr_type"))
        rows = [row for row in self.book.between(day, day) if row["clr_type"] == clearing]
        if not rows:
            return {"fileinfo": None}
        return {"fileinfo": {"file_qury_no": f"fsi/{day}/{clearing}", "filename": "result.txt.zip", "dld_endtime": ""}}

    def download(self, asked: Output) -> Output | ServerReply:
        """9102: the zip itself, or a message that the link has expired."""
        self._downloads += 1
        if self._downloads in self._expired:
            raise PlatformError("文件下载链接已过期，请稍后重新获取")
        _, day, clearing = str(asked.get("file_qury_no")).split("/")
        rows = [row for row in self.book.look(day_of(day)) if row["clr_type"] == clearing]
        width = _WIDTHS[self._downloads % 3]
        text = "".join("\t".join(cells_of(row)[:width]) + "\n" for row in rows)
        return ServerReply(body=zip_of(text.encode()), content_type="application/octet-stream")

    def settlement(self, asked: Output) -> Output:
        """5203: every row of a number, the refund beside what it refunds."""
        rows = self.book.row(str(asked.get("setl_id")))
        if not rows:
            raise PlatformError("未查询到结算信息")
        return {"setlinfo": rows if len(rows) > 1 else rows[0], "setldetail": []}


def cells_of(row: Row) -> list[str]:
    """A row of the result in its widest edition."""
    values = (row["psn_no"], row["mdtrt_id"], row["setl_id"], None, "000102", row["refd_setl_flag"], "平台有、机构无")
    amounts = (row["medfee_sumamt"], row["fund_pay_sumamt"], row["acct_pay"], None)
    return ["null" if value in (None, "") else str(value) for value in (*values, *amounts)]


def zip_of(content: bytes) -> bytes:
    """A zip with one file whose name is written in CP936, as the platforms' machines do it."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("对账结果.txt".encode("gbk").decode("cp437"), content)
    return packed.getvalue()
