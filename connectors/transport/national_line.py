"""A line in the national envelope: who we are, how a call is signed, what an answer means, and how often to ask."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import httpx
import msgspec

from connectors.transport import cainfo, sm, tif
from connectors.transport.answers import Answers, Meaning, SignInOver
from connectors.transport.envelope import (
    Caller,
    Heard,
    Question,
    Signer,
    no_signature,
    objects_of,
    read_reply,
    request_body,
    text_of,
)
from connectors.transport.http import exchange, is_unavailable, json_object, make_client, probe_all, quick_retries
from connectors.transport.msgid import MessageIds
from connectors.transport.pace import Pace
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.clock import SHANGHAI
from gateway.ports import Address, ConnectorSpec, Region, Seconds, SecretName, SecretOption, Surroundings

T = TypeVar("T")


class NationalSpec(ConnectorSpec, frozen=True, kw_only=True):
    """What every line in the national envelope needs. `paas_id` and `paas_secret`: x-tif signing; `api_key`: the static
    apikey header; `signing_key`: our SM2 key for `cainfo`; `platform_key`: theirs, and then answers must be signed too;
    `answers`: what an answer means (`"-1 words" = "retry"`)."""

    address: Address
    facility_no: Annotated[str, msgspec.Meta(min_length=12, max_length=12)]
    facility_name: str
    region: Region
    operator_no: str = "hubao"
    operator_name: str = "互保网关"
    receiver: str = "YBXT"
    interface_version: str = "V1.0"
    sign_type: str = ""
    paas_id: str = ""
    paas_secret: SecretName | None = None
    api_key: SecretName | None = None
    cainfo: Literal["none", "sm2", "sm3"] = "none"
    signing_key: SecretName | None = None
    platform_key: SecretName | None = None
    signature_form: sm.SignatureForm = "raw"
    signature_user: str = sm.DEFAULT_USER_ID
    sign_in: bool = False
    paths: dict[str, str] = msgspec.field(default_factory=dict)
    answers: dict[str, Meaning] = msgspec.field(default_factory=dict)
    timeout_seconds: Seconds = 30.0

    def secrets(self) -> list[SecretOption]:
        """Every secret of the line; of keys, which form they have."""
        forms = {"signing_key": sm.private_key_option, "platform_key": sm.public_key_option}
        return [
            forms[option.key](option.key, option.name) if option.key in forms else option
            for option in super().secrets()
        ]

    def unreachable(self, site: Path) -> list[str]:
        """What is wrong when nothing answers at the line's address."""
        return probe_all(self.address)


class NationalLine:
    """Asks transactions of one line. Questions only: each may be asked twice.

    The clock is read for every call, since signatures and message times must be fresh. `client`, `next_msgid` and
    `sleep` stand in for the network, this site's message ids and the machine's waiting.
    """

    def __init__(
        self,
        spec: NationalSpec,
        around: Surroundings,
        *,
        tries: int = 3,
        client: httpx.Client | None = None,
        next_msgid: Callable[[datetime], str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not spec.paas_id.isascii():
            raise WrongUse("paas_id 只能用 ASCII 字符 (paas_id must be ASCII: it travels in a header)")
        self._spec, self._clock = spec, around.clock
        self._caller = caller_of(spec)
        self._paas_secret = around.read_secret(spec.paas_secret) if spec.paas_secret else ""
        self._api_key = around.read_secret(spec.api_key).strip() if spec.api_key else ""
        self._signer = _signer(spec, around)
        self._platform_key = sm.read_public_key(around.read_secret(spec.platform_key)) if spec.platform_key else None
        self._client = client or make_client(timeout_seconds=spec.timeout_seconds)
        self._next_msgid = next_msgid or MessageIds(
            spec.facility_no, state=around.state_file(f"msgid-{spec.facility_no}")
        )
        self._answers = Answers(spec.answers)
        self._pace = Pace(around, sleep=sleep)
        self._tries = quick_retries(tries, again=is_unavailable, sleep=sleep)
        self._sign_no = ""

    def ask(self, infno: str, data: Mapping[str, Any], *, node: str = "data") -> Heard:
        """The answer to one transaction, tried three times; {} as output where there is nothing.

        Raises Unavailable, Refused, NotAuthentic, QuarantinedAnswer.
        """
        heard: Heard = self._tries.copy()(self._signed_in, partial(self._ask_once, infno, data, node))
        return heard

    def download(self, infno: str, data: Mapping[str, Any], *, node: str) -> bytes:
        """The bytes a transaction answers with instead of an envelope (9102); an envelope is an error, and is acted on.

        Raises what `ask` raises.
        """
        content: bytes = self._tries.copy()(self._signed_in, partial(self.download_once, infno, data, node))
        return content

    def _signed_in(self, call: Callable[[], T]) -> T:
        """A call; where the far side forgot our sign-in, once more behind a new one."""
        try:
            if self._spec.sign_in and not self._sign_no:
                self._sign_in()
            return call()
        except SignInOver:
            self._sign_in()
        try:
            return call()
        except SignInOver:
            self._sign_no = ""
            raise Refused("sign_in", "签到后仍不被认可 (not known even after signing in)") from None

    def _sign_in(self) -> None:
        """9001: the number every further call carries."""
        self._sign_no = ""
        heard = self._ask_once("9001", {"opter_no": self._spec.operator_no, "mac": "", "ip": ""}, "signIn")
        numbers = [text_of(node.get("sign_no")) for node in objects_of(heard.output.get("signinoutb"))]
        if not any(numbers):
            raise Unavailable("broken_reply: 签到没有流水号 (the sign-in gave no number)")
        self._sign_no = numbers[0]

    def _ask_once(self, infno: str, data: Mapping[str, Any], node: str) -> Heard:
        return self._judged(infno, self._exchange(infno, data, node))

    def download_once(self, infno: str, data: Mapping[str, Any], node: str) -> bytes:
        """The same, tried once."""
        content = self._exchange(infno, data, node)
        if json_object(content) is not None:
            self._judged(infno, content)
            raise Unavailable("broken_reply: 应为文件，却是报文 (an envelope where a file belongs)")
        return content

    def _judged(self, infno: str, content: bytes) -> Heard:
        """An answer for what it means; its sender proved where we have the platform's key."""
        heard = read_reply(content)
        if self._platform_key is not None:
            cainfo.verify(
                self._platform_key,
                json_object(content) or {},
                user_id=self._spec.signature_user,
                form=self._spec.signature_form,
            )
        # Platforms say success and tell an error beside an empty output: it is judged by its words, as an error.
        good = heard.good and not (heard.message and not heard.output and not says_success(heard.message))
        meaning = self._answers.meaning(heard.code, heard.message, good=good)
        if meaning not in ("accept", "nothing"):
            self._answers.act(meaning, f"{infno}/{heard.code}", content)
        return heard if meaning == "accept" else msgspec.structs.replace(heard, output={})

    def headers(self, now: datetime) -> dict[str, str]:
        """The headers of one call at this moment, signed as the line wants it."""
        headers = {"content-type": "application/json; charset=utf-8"}
        if self._paas_secret:
            instant, nonce = int(now.timestamp()), secrets.token_hex(8)
            headers |= tif.sign(self._spec.paas_id, self._paas_secret, timestamp=instant, nonce=nonce)
        if self._api_key:
            headers["apikey"] = self._api_key
        return headers

    def _exchange(self, infno: str, data: Mapping[str, Any], node: str) -> bytes:
        question = Question(infno=infno, data=dict(data), shown={}, insured_region=self._spec.region)
        url = self._spec.address.rstrip("/") + self._spec.paths.get(infno, "")
        with self._pace.turn():
            now = self._clock().astimezone(SHANGHAI)
            body = request_body(
                self._caller,
                question,
                msgid=self._next_msgid(now),
                now=now,
                input_node=node,
                sign_no=self._sign_no,
                signer=self._signer,
            )
            reply = exchange(self._client, "POST", url, headers=self.headers(now), content=body)
        return self._answers.body(reply)


def caller_of(spec: NationalSpec) -> Caller:
    """Who calls, as the feed file says it."""
    return Caller(
        facility_no=spec.facility_no,
        facility_name=spec.facility_name,
        operator_no=spec.operator_no,
        operator_name=spec.operator_name,
        receiver=spec.receiver,
        interface_version=spec.interface_version,
        region=spec.region,
        sign_type=spec.sign_type,
    )


def _signer(spec: NationalSpec, around: Surroundings) -> Signer:
    """What makes the `cainfo` of a call. Raises WrongUse."""
    if spec.cainfo == "sm3":
        return cainfo.digest
    if spec.cainfo == "none":
        return no_signature
    if spec.signing_key is None:
        raise WrongUse('cainfo = "sm2" 需要 signing_key (goes with signing_key)')
    key = sm.read_private_key(around.read_secret(spec.signing_key))
    return lambda envelope: cainfo.sign(key, envelope, user_id=spec.signature_user, form=spec.signature_form)


def says_success(message: str) -> bool:
    """Whether the text of an error only says that there is none."""
    return any(word in message.lower() for word in ("成功", "success", "ok")) and "失败" not in message


def rows_at(output: Mapping[str, Any], path: str) -> list[Any]:
    """The rows at a dotted path of an output; text on the way is opened as JSON; [] where nothing is there.

    Raises Unavailable for what cannot be rows.
    """
    node: Any = output
    for name in path.split("."):
        node = _opened(node).get(name) if isinstance(_opened(node), dict) else None
    node = _opened(node)
    if node in (None, "", {}):
        return []
    if isinstance(node, dict):
        return [node]
    if not isinstance(node, list):
        raise Unavailable("broken_reply: 答复中没有列表 (no list in the reply)")
    return node


def _opened(node: Any) -> Any:
    """A value, and what it holds where it is JSON in a text."""
    if not isinstance(node, str) or node.strip() in ("", "null"):
        return None if isinstance(node, str) else node
    try:
        return msgspec.json.Decoder(float_hook=str).decode(node)
    except (msgspec.DecodeError, RecursionError):
        raise Unavailable("broken_reply: 答复的列表不可读 (the list in the reply cannot be read)") from None
