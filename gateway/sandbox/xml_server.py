"""运城's interface: XML over HTTP as 创智 has it, GBK under a prolog that says UTF-8, rows as `<row1>`, `<row2>`, tags
now in capitals and now not, and sessions that are forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from html import escape, unescape
from typing import Final

from gateway.sandbox.day_book import DayBook
from gateway.sandbox.national import Row
from gateway.sandbox.servers import Request, ServerReply
from gateway.sandbox.soap_server import coded_cells, xml_reply

USER: Final = "hubao"
SIGN_IN: Final = "SYS0001"
LIST: Final = "BIZ2104"


class XmlApp:
    """`forgets`, `busy`: which of its answers to lists forget the session, or only say that it is busy. Every other
    answer is in capitals, but for the cells of rows: of these every third row is in small letters. `damaged`: a day one
    row of which is no XML."""

    def __init__(
        self,
        book: DayBook,
        *,
        password: str,
        forgets: Iterable[int] = (),
        busy: Iterable[int] = (),
        damaged: date | None = None,
    ) -> None:
        self.book, self._password, self._damaged = book, password, damaged
        self._forgets, self._busy = frozenset(forgets), frozenset(busy)
        self._sessions, self._session, self._listed = 0, "", 0

    def point(self, request: Request) -> str:
        """The function that is asked for."""
        return self._asked(request.body.decode("gb18030"), "FunctionID")

    def answer(self, request: Request) -> ServerReply:
        """A session, a day, or what is wrong."""
        text = request.body.decode("gb18030")
        function = self._asked(text, "FunctionID")
        if function == SIGN_IN:
            return self._sign_in(text)
        if function != LIST:
            return refusal("-1", "功能号不存在，未开通")
        self._listed += 1
        if self._listed in self._forgets:
            self._session = ""
        if not self._session or self._asked(text, "session_id") != self._session:
            return refusal("-1", "会话已失效，请重新登录")
        if self._listed in self._busy:
            return refusal("-1", "系统繁忙")
        return self._day(date.fromisoformat(self._asked(text, "aae030")))

    def _sign_in(self, text: str) -> ServerReply:
        if (self._asked(text, "usercode"), self._asked(text, "password")) != (USER, self._password):
            return refusal("-1", "用户名或密码错误")
        self._sessions += 1
        self._session = f"SESSION{self._sessions:04d}"
        inside = f"<return_code>0</return_code><session_id>{self._session}</session_id>"
        return in_program(inside)

    def _day(self, day: date) -> ServerReply:
        cells = [self._written(row) for row in self.book.look(day)]
        if day == self._damaged:
            cells.append("<ckc618>DAMAGED</ckc618><aac003>甲<乙</aac003>")
        rows = "".join(f"<row{place}>{row}</row{place}>" for place, row in enumerate(cells, 1))
        head = "<errortype>0</errortype><errorno></errorno><errormessage></errormessage>"
        reply = f"{head}<rowset>{rows}</rowset>"
        return in_program(_in_capitals(reply) if self._listed % 2 else reply)

    def _written(self, row: Row) -> str:
        number = sum(str(row["setl_id"]).encode())
        return coded_cells(row, str.lower if number % 3 == 0 else str)

    @staticmethod
    def _asked(text: str, tag: str) -> str:
        written = re.search(f"<{tag}>([^<]*)</{tag}>", text)
        return unescape(written[1]) if written else ""


def _in_capitals(reply: str) -> str:
    """The frame of an answer in capitals; what stands in its rows stays."""
    names = "errortype|errorno|errormessage|rowset|row[0-9]+"
    return re.sub(rf"(</?)({names})>", lambda tag: f"{tag[1]}{tag[2].upper()}>", reply)


def refusal(code: str, words: str) -> ServerReply:
    """What is wrong, in the other form these platforms have for it."""
    return in_program(f"<return_code>{code}</return_code><return_code_message>{escape(words)}</return_code_message>")


def in_program(inside: str) -> ServerReply:
    """An answer; its prolog lies."""
    return xml_reply(f'<?xml version="1.0" encoding="UTF-8"?><Program>{inside}</Program>'.encode("gb18030"))
