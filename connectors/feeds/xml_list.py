"""A league that is asked in XML over HTTP (创智 Powersi and its like): a function and its parameters, an answer with a
code of its own and rows as `<row1>`, `<row2>`. A page is the answer as it came.

Both sides write GBK whatever the prolog says, and tags now in capitals and now not. The code stands in `errortype`
(with `errorno`, `errormessage`) or in `return_code` (with `return_code_message`).
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from html import escape, unescape
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from connectors.transport.answers import Answers, Meaning, SignInOver
from connectors.transport.days import AskedByDay, DayContent, Days
from connectors.transport.http import exchange, is_unavailable, make_client, probe_all, quick_retries
from connectors.transport.pace import Pace
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.page import Fetched
from gateway.ports import Address, ConnectorSpec, PullWay, Seconds, SecretName, Surroundings

Tag = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
"""The name of an element."""

_TAG: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_END: Final = re.compile(rb"</program\s*>\s*\Z", re.IGNORECASE)
_ROW: Final = re.compile(rb"<(row)[0-9]+\b[^>]*>(.*?)</\1[0-9]+\s*>", re.IGNORECASE | re.DOTALL)
_CODES: Final = ("errortype", "return_code")
_WORDS: Final = ("errormessage", "return_code_message")
_LONGEST_HEAD: Final = 64 * 1024

TABLE: Final[Mapping[str, Meaning]] = {
    "* 会话": "refresh",
    "* 登录": "refresh",
    "* 密码": "stop",
    "* 用户不存在": "stop",
    "* 未查询到": "nothing",
    "* 无数据": "nothing",
    "* 没有数据": "nothing",
}
"""What the words of these platforms mean beside those of the national one."""


class XmlListSpec(ConnectorSpec, frozen=True, kw_only=True):
    """A league asked in XML over HTTP. `function` lists the settlements of the day in `begin_parameter` and
    `end_parameter`; `sign_in_function`, where there is one, is asked first, with user and password, for the session."""

    address: Address
    function: str
    begin_parameter: Tag = "aae030"
    end_parameter: Tag = "aae031"
    day_format: str = "%Y-%m-%d"
    user: str
    user_parameter: Tag = "usercode"
    secret: SecretName
    secret_parameter: Tag = "password"  # noqa: S105 - the name of a parameter.
    sign_in_function: str = ""
    session_tag: Tag = "session_id"
    more_input: dict[str, str] = msgspec.field(default_factory=dict)
    success: tuple[str, ...] = ("0",)
    encoding: Literal["gb18030", "utf-8"] = "gb18030"
    answers: dict[str, Meaning] = msgspec.field(default_factory=dict)
    timeout_seconds: Seconds = 60.0

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing answers at the address."""
        return probe_all(self.address)


class XmlList(AskedByDay):
    """A PullFeed of a league asked in XML. `sleep` stands in for the machine's waiting."""

    def __init__(
        self, spec: XmlListSpec, around: Surroundings, *, tries: int = 3, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if wrong := [name for name in spec.more_input if not _TAG.fullmatch(name)]:
            raise WrongUse(f"more_input 的名字不能作标签 (no names of elements): {'、'.join(wrong)}")
        self._spec, self._secret = spec, around.read_secret(spec.secret).strip()
        self._client = make_client(timeout_seconds=spec.timeout_seconds)
        self._answers = Answers(spec.answers | {name: TABLE[name] for name in TABLE if name not in spec.answers})
        self._pace = Pace(around, sleep=sleep)
        self._tries = quick_retries(tries, again=is_unavailable, sleep=sleep)
        self._days = Days(around, infno=spec.function)
        self._session = ""

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """One answer a day that says something new; see `connectors.transport.days`. Raises Unavailable, Refused."""
        return self._days.fetch(self.read_day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the league keeps its own."""

    def read_day(self, day: date) -> DayContent:
        """A day's answer, tried three times; none where the league says that there is nothing."""
        content: bytes = self._tries.copy()(partial(self._signed_in, day))
        return DayContent(pages=[content] if content else [], digest=digest_of_rows(content))

    def _signed_in(self, day: date) -> bytes:
        """A day's answer; where the league forgot our session, once more in a new one."""
        try:
            return self._list(day)
        except SignInOver:
            self._session = ""
        try:
            return self._list(day)
        except SignInOver:
            self._session = ""
            raise Refused("sign_in", "登录后仍不被认可 (not known even after signing in)") from None

    def _list(self, day: date) -> bytes:
        spec, text = self._spec, day.strftime(self._spec.day_format)
        if spec.sign_in_function and not self._session:
            self._session = value_of(self._ask(spec.sign_in_function, self._credentials()), spec.session_tag)
            if not self._session:
                raise Unavailable("broken_reply: 登录没有会话号 (the sign-in gave no session)")
        identity = {spec.session_tag: self._session} if spec.sign_in_function else self._credentials()
        return self._ask(spec.function, identity | {spec.begin_parameter: text, spec.end_parameter: text})

    def _credentials(self) -> dict[str, str]:
        return {self._spec.user_parameter: self._spec.user, self._spec.secret_parameter: self._secret}

    def _ask(self, function: str, parameters: Mapping[str, str]) -> bytes:
        """One call; nothing where the answer says so. Raises Unavailable, Refused, SignInOver, QuarantinedAnswer."""
        body = question(function, {**parameters, **self._spec.more_input}).encode(self._spec.encoding)
        headers = {"content-type": f"text/xml; charset={'GBK' if self._spec.encoding == 'gb18030' else 'UTF-8'}"}
        with self._pace.turn():
            reply = exchange(self._client, "POST", self._spec.address, headers=headers, content=body)
        content = self._answers.body(reply)
        if not _END.search(content[-200:]):
            raise Unavailable("broken_reply: 答复不是完整的报文 (the reply is no whole message)")
        code = next((text for tag in _CODES if (text := value_of(content, tag))), "")
        words = "；".join(text for tag in _WORDS if (text := value_of(content, tag)))
        meaning = self._answers.meaning(code, words, good=code in self._spec.success)
        if meaning not in ("accept", "nothing"):
            self._answers.act(meaning, f"{function}/{code[:16]}", content)
        return content if meaning == "accept" else b""


def question(function: str, parameters: Mapping[str, str]) -> str:
    """A call as text; its prolog says UTF-8, as the far side expects, whatever it is written in."""
    cells = "".join(f"<{name}>{escape(value, quote=False)}</{name}>" for name, value in parameters.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Program><FunctionID>{escape(function, quote=False)}</FunctionID><parameters>{cells}</parameters></Program>"
    )


def value_of(content: bytes, tag: str) -> str:
    """The text of the first element of this name, in any case of letters, before the rows; "" where there is none."""
    rows = _ROW.search(content)
    head = content[: rows.start() if rows else _LONGEST_HEAD]
    written = re.search(rb"<%b\s*>([^<]{0,2000})<" % re.escape(tag.encode()), head, re.IGNORECASE)
    if written is None:
        return ""
    try:
        text = written[1].decode("utf-8")
    except UnicodeDecodeError:
        text = written[1].decode("gb18030", "replace")
    return unescape(text).strip()


def digest_of_rows(content: bytes) -> str:
    """A digest of what the rows say, in whatever order and under whatever numbers they came; of an answer without any,
    of the whole."""
    rows = sorted(hashlib.sha256(row[2]).digest() for row in _ROW.finditer(content))
    return hashlib.sha256(b"".join(rows) or content).hexdigest()[:32]


WAY = PullWay(spec=XmlListSpec, make=XmlList)
