"""A platform in the national envelope, whatever it is asked: who may call, what a message must hold, how it answers.

It wants all mandatory fields, refuses a msgid it has seen, answers infcode now as a number and now as text, sends keys
nobody documented and sometimes the output as a JSON text. What it can be asked is its subclasses' own.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from gateway.errors import HubaoError
from gateway.model.clock import SHANGHAI
from gateway.sandbox.national import encode
from gateway.sandbox.servers import Request, ServerReply
from gateway.sandbox.signing import cainfo_is_authentic, cainfo_of, tif_is_authentic

MANDATORY: Final = (
    "infno",
    "msgid",
    "mdtrtarea_admvs",
    "recer_sys_code",
    "infver",
    "opter_type",
    "opter",
    "opter_name",
    "inf_time",
    "fixmedins_code",
    "fixmedins_name",
    "input",
)
"""Fields a request must not lack or leave empty."""

Output = dict[str, Any]
Transaction = Callable[[Output], "Output | ServerReply"]


class PlatformError(HubaoError):
    """A transaction the platform answers with infcode -1; the message is its err_msg."""


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller must prove: x-tif headers, a static key, an SM2 signature in `cainfo` (`caller_key`, X‖Y). With
    `own_key` (private, public) the platform signs its answers. `signs_in`: 9001 comes before all else."""

    region: str
    paas_id: str = ""
    paas_secret: str = ""
    api_key: str = ""
    sign_type: str = ""
    caller_key: bytes = b""
    own_key: tuple[bytes, bytes] | None = None
    signs_in: bool = False


class NationalApp:
    """The platform without its port. `moods`: (transaction, nth call of it) → what it says instead: a text with
    infcode -1, or with 0 and nothing beside it where the text begins with `0:`."""

    def __init__(
        self,
        gate: Gate,
        transactions: Mapping[str, Transaction],
        *,
        clock: Callable[[], float],
        moods: Mapping[tuple[str, int], str] | None = None,
    ) -> None:
        self._gate, self._clock = gate, clock
        self._moods = dict(moods or {})
        self._calls: Counter[str] = Counter()
        self._sign_no = ""
        self._seen: set[str] = set()
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        self._transactions: dict[str, Transaction] = {"9001": self.sign_in, **transactions}

    def point(self, request: Request) -> str:
        """The transaction number, or "?" when there is none to read."""
        infno = object_of(decoded(request.body)).get("infno")
        return infno if isinstance(infno, str) else "?"

    def answer(self, request: Request) -> ServerReply:
        """One transaction; every refusal is an envelope with infcode -1, as on the real platform."""
        try:
            message = object_of(decoded(request.body))
            self.prove(request, message)
            self.check(message)
            infno = str(message["infno"])
            transaction = self._transactions.get(infno)
            if transaction is None:
                raise PlatformError("交易编号不支持")
            output = self.in_a_mood(infno) or transaction(first_node(message["input"]))
        except PlatformError as refusal:
            return self.envelope(-1, str(refusal), None)
        return output if isinstance(output, ServerReply) else self.envelope(0, "", output)

    def in_a_mood(self, infno: str) -> ServerReply | None:
        """What it says instead this time, if anything."""
        with self._lock:
            self._calls[infno] += 1
            mood = self._moods.get((infno, self._calls[infno]), "")
        if not mood:
            return None
        # A platform that forgot who signed in says so once, and means it.
        self._sign_no = "" if "签到" in mood else self._sign_no
        return self.envelope(0, mood[2:], None) if mood.startswith("0:") else self.envelope(-1, mood, None)

    def prove(self, request: Request, message: Output) -> None:
        """Who calls. Raises PlatformError."""
        gate = self._gate
        if gate.paas_secret and not tif_is_authentic(
            gate.paas_id, gate.paas_secret, request.headers, now=self._clock()
        ):
            raise PlatformError("网关签名校验失败")
        if gate.api_key and request.headers.get("apikey") != gate.api_key:
            raise PlatformError("apikey无效")
        if gate.sign_type and message.get("signtype") != gate.sign_type:
            raise PlatformError("签名类型不支持")
        if gate.caller_key and not cainfo_is_authentic(gate.caller_key, message):
            raise PlatformError("数字签名验签不通过")

    def check(self, message: Output) -> None:
        """Mandatory fields, the shape of msgid, and that it is new. Raises PlatformError."""
        for name in MANDATORY:
            if not message.get(name):
                raise PlatformError(f"报文缺少必填项{name}")
        asked = first_node(message["input"])
        if asked.get("psn_no") and not message.get("insuplc_admdvs"):
            raise PlatformError("报文缺少必填项insuplc_admdvs")
        msgid = str(message["msgid"])
        if len(msgid) != 30 or not msgid.startswith(str(message["fixmedins_code"])):
            raise PlatformError("报文msgid格式不正确")
        with self._lock:
            if msgid in self._seen:
                raise PlatformError("报文msgid重复")
            self._seen.add(msgid)
            is_signed_in = message.get("sign_no") == self._sign_no != ""
        if self._gate.signs_in and message["infno"] != "9001" and not is_signed_in:
            raise PlatformError("未签到或签到已失效")

    def sign_in(self, asked: Output) -> Output:
        """9001 签到."""
        with self._lock:
            self._sign_no = f"{next(self._count):015d}"
        return {"signinoutb": {"sign_no": self._sign_no, "sign_time": ""}}

    def envelope(self, infcode: int, err_msg: str, output: Output | None) -> ServerReply:
        """An answer as the platform writes it."""
        with self._lock:
            number = next(self._count)
        now = datetime.fromtimestamp(self._clock(), tz=SHANGHAI)
        stamp = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
        envelope = {
            "infcode": infcode if number % 2 else str(infcode),
            "inf_refmsgid": f"{self._gate.region}{stamp[:14]}{number:010d}",
            "refmsg_time": stamp,
            "respond_time": stamp,
            "err_msg": err_msg or (None if number % 3 else ""),
            "enctype": None,
            "signtype": None,
            "cainfo": None,
            "warn_msg": "",
            "output": encode(output).decode() if output and number % 7 == 0 else output,
        }
        if self._gate.own_key is not None:
            envelope["cainfo"] = cainfo_of(*self._gate.own_key, envelope)
        return ServerReply(body=encode(envelope), content_type="application/json;charset=UTF-8")


def first_node(inside: Any) -> Output:
    """The node of an input, whatever it is called."""
    nodes = [node for node in object_of(inside).values() if isinstance(node, dict)]
    return nodes[0] if nodes else {}


def day_of(text: Any) -> date:
    """The day of yyyy-MM-dd HH:mm:ss. Raises PlatformError."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError as error:
        raise PlatformError("参数日期格式不正确") from error


def decoded(body: bytes) -> Any:
    """A body as a value, None for what is no JSON."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def object_of(value: Any) -> Output:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
