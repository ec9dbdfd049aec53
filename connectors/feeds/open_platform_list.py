"""A league on an open platform: business data under SM4, every message signed with SM2, lists by day and page number.

An answer is opened and proved before it is a page: what is kept is the data under the seal, as the platform wrote it.
An answer that proves nothing takes nothing in, and its day is asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from connectors.transport import open_platform, sm
from connectors.transport.answers import NATIONAL, Answers, Meaning
from connectors.transport.days import AskedByDay, DayContent, Days, bundles_of, digest_of
from connectors.transport.envelope import text_of
from connectors.transport.http import exchange, is_unavailable, json_object, make_client, probe_all, quick_retries
from connectors.transport.national_line import rows_at
from connectors.transport.pace import Pace
from gateway.errors import Unavailable
from gateway.model.bundle import Call
from gateway.model.clock import SHANGHAI
from gateway.model.page import Fetched
from gateway.ports import Address, ConnectorSpec, PullWay, Seconds, SecretName, SecretOption, Surroundings

MOST_PAGES_A_DAY: Final = 2000
"""A day with more pages than this is left for another night: its platform does not heed the page asked for."""

TimestampForm = Literal["digits14", "milliseconds", "seconds"]
_GOOD: Final = ("0", "200", "success")


class OpenPlatformSpec(ConnectorSpec, frozen=True, kw_only=True):
    """A league on an open platform: `encData` under SM4, `signData` by SM2. `signing_key` is ours, `platform_key`
    theirs; `timestamp` says how they write an instant."""

    address: Address
    app_id: str
    app_secret: SecretName
    signing_key: SecretName
    platform_key: SecretName
    id_field: Literal["appId", "appCode"] = "appId"
    version: str = "2.0.1"
    timestamp: TimestampForm = "digits14"
    escaped: bool = False
    signature_form: sm.SignatureForm = "raw"
    signature_user: str = sm.DEFAULT_USER_ID
    trade_code: str = "settlement.list"
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    rows_at: str = "rows"
    answers: dict[str, Meaning] = msgspec.field(default_factory=dict)
    timeout_seconds: Seconds = 30.0

    def secrets(self) -> Sequence[SecretOption]:
        """The app's secret, our key, theirs."""
        return [
            SecretOption("app_secret", self.app_secret),
            sm.private_key_option("signing_key", self.signing_key),
            sm.public_key_option("platform_key", self.platform_key),
        ]

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing answers at the address."""
        return probe_all(self.address)


def written_instant(now: datetime, form: TimestampForm) -> str:
    """An instant as the platform writes it: 14 digits of Asia/Shanghai, or counted from 1970."""
    if form == "digits14":
        return now.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S")
    return str(int(now.timestamp() * (1000 if form == "milliseconds" else 1)))


class OpenPlatformList(AskedByDay):
    """A PullFeed of an open platform. `sleep` stands in for the machine's waiting."""

    def __init__(
        self,
        spec: OpenPlatformSpec,
        around: Surroundings,
        *,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spec, self._clock = spec, around.clock
        self._app = open_platform.OpenApp(
            app_id=spec.app_id,
            secret=around.read_secret(spec.app_secret).strip(),
            key=sm.read_private_key(around.read_secret(spec.signing_key)),
            platform_key=sm.read_public_key(around.read_secret(spec.platform_key)),
            id_field=spec.id_field,
            user_id=spec.signature_user,
            form=spec.signature_form,
            escaped=spec.escaped,
        )
        open_platform.derived_key(self._app.app_id, self._app.secret)
        self._client = make_client(timeout_seconds=spec.timeout_seconds)
        self._answers = Answers(spec.answers, NATIONAL)
        self._pace = Pace(around, sleep=sleep)
        self._tries = quick_retries(tries, again=is_unavailable, sleep=sleep)
        self._days = Days(around, infno=spec.trade_code)

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """One bundle a day that says something new; see `connectors.transport.days`. Raises Unavailable, Refused."""
        return self._days.fetch(self.read_day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the platform keeps its own."""

    def read_day(self, day: date) -> DayContent:
        """A day page by page, until one holds fewer rows than asked for."""
        calls: list[Call] = []
        rows: list[Any] = []
        for page in range(1, MOST_PAGES_A_DAY + 1):
            asked = {"tradeCode": self._spec.trade_code, "day": f"{day:%Y%m%d}", "pageNum": page}
            content, data = self._tries.copy()(partial(self.ask, asked | {"pageSize": self._spec.page_size}))
            replied = rows_at(data, self._spec.rows_at)
            calls.append(Call(infno=self._spec.trade_code, asked=asked, reply=content))
            rows += replied
            if len(replied) < self._spec.page_size:
                return DayContent(pages=bundles_of(calls), digest=digest_of(rows))
        raise Unavailable("endless_list: 列表没有尽头 (the list has no end)")

    def ask(self, data: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        """One message and the data of its answer, as bytes and as a value.

        Raises Unavailable, Refused, NotAuthentic.
        """
        with self._pace.turn():
            fields = {"version": self._spec.version, "timestamp": written_instant(self._clock(), self._spec.timestamp)}
            body = open_platform.seal(self._app, fields, data)
            headers = {"content-type": "application/json; charset=utf-8"}
            reply = exchange(self._client, "POST", self._spec.address, headers=headers, content=body)
        raw = self._answers.body(reply)
        message = json_object(raw)
        if message is None:
            raise Unavailable("broken_reply: 答复不是平台报文 (the reply is not a message of the platform)")
        self.refuse_failure(text_of(message.get("code")), text_of(message.get("message")), raw)
        content, opened = open_platform.open_data(self._app, message)
        if not isinstance(opened, dict):
            raise Unavailable("broken_reply: 答复的数据不是对象 (the data of the reply is no object)")
        # Behind the protocol's own code stands the trade's (protocol → business → trade).
        self.refuse_failure(text_of(opened.get("code")), text_of(opened.get("message")), content)
        return content, opened

    def refuse_failure(self, code: str, text: str, raw: bytes) -> None:
        """Act on a code that is not success; none is taken as success, the signature vouches for the rest."""
        meaning = self._answers.meaning(code, text, good=code.lower() in ("", *_GOOD))
        if meaning not in ("accept", "nothing"):
            self._answers.act(meaning, f"code/{code}"[:40], raw)


WAY = PullWay(spec=OpenPlatformSpec, make=OpenPlatformList)
