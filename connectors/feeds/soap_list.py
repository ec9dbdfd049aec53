"""A league behind SOAP: one operation of its WSDL lists a day's settlements. A page is the answer as it came."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from connectors.transport.answers import Answers, Meaning
from connectors.transport.days import AskedByDay, DayContent, Days
from connectors.transport.http import exchange, is_unavailable, make_client, probe_all, quick_retries
from connectors.transport.pace import Pace
from gateway.errors import Unavailable
from gateway.model.page import Fetched
from gateway.ports import Address, ConnectorSpec, PullWay, Seconds, SecretName, Surroundings

if TYPE_CHECKING:
    from connectors.transport.soap import SoapService

_END_TAG: Final = re.compile(rb"</(?:[\w-]+:)?Envelope\s*>\s*\Z")


class SoapListSpec(ConnectorSpec, frozen=True, kw_only=True):
    """A league behind SOAP. `operation` of its WSDL is asked with the day in `begin_argument` and `end_argument`, the
    password in `secret_argument`, and what else it wants in `more_input`."""

    address: Address
    wsdl: str = "?wsdl"
    operation: str
    begin_argument: str = "AAE030"
    end_argument: str = "AAE031"
    day_format: str = "%Y-%m-%d"
    secret_argument: str = ""
    secret: SecretName
    more_input: dict[str, str] = msgspec.field(default_factory=dict)
    answers: dict[str, Meaning] = msgspec.field(default_factory=dict)
    timeout_seconds: Seconds = 30.0

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing answers at the address."""
        return probe_all(self.address)


class SoapList(AskedByDay):
    """A PullFeed of a league behind SOAP. `sleep` stands in for the machine's waiting."""

    def __init__(
        self, spec: SoapListSpec, around: Surroundings, *, tries: int = 3, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._spec = spec
        secret = around.read_secret(spec.secret).strip()
        self._more = {**spec.more_input, **({spec.secret_argument: secret} if spec.secret_argument else {})}
        self._client = make_client(timeout_seconds=spec.timeout_seconds)
        self._answers = Answers({"http 500": "accept", **spec.answers})
        self._pace = Pace(around, sleep=sleep)
        self._tries = quick_retries(tries, again=is_unavailable, sleep=sleep)
        self._days = Days(around, infno=spec.operation)
        self._service: SoapService | None = None

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """One answer a day that says something new; see `connectors.transport.days`. Raises Unavailable, Refused."""
        return self._days.fetch(self.read_day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the league keeps its own."""

    def read_day(self, day: date) -> DayContent:
        """A day's answer, tried three times."""
        content: bytes = self._tries.copy()(partial(self.ask, day))
        return DayContent(pages=[content], digest=hashlib.sha256(content).hexdigest()[:32])

    def ask(self, day: date) -> bytes:
        """One call; the service's description is fetched before the first. Raises Unavailable, Refused."""
        # The library is loaded for who needs it: every command would wait for it.
        from connectors.transport.soap import SoapService, refuse_fault

        if self._service is None:
            self._service = SoapService(self.exchanged("GET", self._spec.address + self._spec.wsdl, {}, None))
        text = day.strftime(self._spec.day_format)
        arguments = {**self._more, self._spec.begin_argument: text, self._spec.end_argument: text}
        headers, body = self._service.question(self._spec.operation, arguments)
        content = self.exchanged("POST", self._spec.address, headers, body)
        refuse_fault(content, self._answers)
        if not _END_TAG.search(content[-200:]):
            raise Unavailable("broken_reply: 答复不是完整的 SOAP 报文 (the reply is no whole SOAP message)")
        return content

    def exchanged(self, method: str, address: str, headers: dict[str, str], body: bytes | None) -> bytes:
        """One exchange at our pace. A fault comes with status 500 and says more than it."""
        with self._pace.turn():
            reply = exchange(self._client, method, address, headers=headers, content=body)
        return self._answers.body(reply)


WAY = PullWay(spec=SoapListSpec, make=SoapList)
