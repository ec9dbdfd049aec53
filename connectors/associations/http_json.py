"""An association's claims system over HTTP JSON: POST {address}/claims sends, GET {address}/claims/{id} asks.

Every request carries a Standard Webhooks signature, a delivery also `Idempotency-Key`. Of an answer's body
only a version, a reference and a stable code are ever kept: free text in it may speak of the member.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import msgspec

from connectors.transport import webhook
from connectors.transport.http import (
    DELIVERIES,
    QUESTIONS,
    HttpOutcome,
    Reply,
    exchange,
    json_object,
    make_client,
    nothing_was_sent,
    outcome_of,
    probe_all,
    quick_retries,
)
from gateway.errors import OutcomeUnknown, Unavailable
from gateway.model.claim import Answer, AnswerKind
from gateway.ports import Address, DeliverySpec, DeliveryWay, Seconds, SecretName, SecretOption, Surroundings

_ANSWER_BYTES = 64 * 1024
_SAFE_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}", re.ASCII)

# A code with this many digits in a row could be a member's birth date, phone or id number.
_LONG_NUMBER = re.compile(r"[0-9]{8}")


class HttpJsonSpec(DeliverySpec, frozen=True, kw_only=True):
    """Claims as HTTP JSON with Idempotency-Key and a Standard Webhooks signature.

    POST {address}/claims sends; GET {address}/claims/{claim_id} asks. `can_be_asked = false` for a system
    without the second: then a person decides about an unknown outcome.
    """

    address: Address
    secret: SecretName
    timeout_seconds: Seconds = 30.0
    quick_tries: Annotated[int, msgspec.Meta(ge=1, le=5)] = 2
    can_be_asked: bool = True

    def secrets(self) -> Sequence[SecretOption]:
        """What our deliveries and questions are signed with."""
        return [webhook.secret_option("secret", self.secret)]

    def shared_secret(self) -> SecretName:
        """Before `[requests]` existed, the association signed with the secret of its deliveries."""
        return self.secret

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing answers at the claims system's address."""
        return probe_all(self.address)


class HttpJson:
    """A Sender. `can_be_asked = false` is for a system without the GET: a person decides what is unknown."""

    def __init__(
        self,
        spec: HttpJsonSpec,
        around: Surroundings,
        *,
        client: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = around.name
        self._address = spec.address.rstrip("/")
        self._secret = around.read_secret(spec.secret)
        webhook.secret_keys(self._secret)  # A secret of the wrong form must be found at the start, not at night.
        self._can_be_asked = spec.can_be_asked
        self._client = client or make_client(timeout_seconds=spec.timeout_seconds)
        self._tries = quick_retries(spec.quick_tries, again=nothing_was_sent, sleep=sleep)

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        """Deliver one claim version; `body` goes out verbatim. See `gateway.ports.Sender`."""
        headers = {
            "content-type": "application/json; charset=utf-8",
            "idempotency-key": idempotency_key,
            **self._signed(idempotency_key, now, body),
        }
        try:
            reply = self._exchange("POST", "/claims", headers, body)
        except OutcomeUnknown:
            return Answer(kind=AnswerKind.UNKNOWN, code="no_answer")
        except Unavailable:
            return Answer(kind=AnswerKind.UNAVAILABLE, code="no_connection")
        return _ClaimReply(reply, claim_id, version).to_delivery()

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        """Whether the association holds this version of a claim, or a later one."""
        if not self._can_be_asked:
            return Answer(kind=AnswerKind.UNKNOWN, code="cannot_be_asked")
        question_id = f"{claim_id}-v{version}-ask-{int(now.timestamp())}"
        headers = {"accept": "application/json", **self._signed(question_id, now, b"")}
        try:
            reply = self._exchange("GET", f"/claims/{quote(claim_id, safe='')}", headers, None)
        except Unavailable:
            # A question changes nothing, so it may be asked again whatever became of it.
            return Answer(kind=AnswerKind.UNAVAILABLE, code="no_answer")
        return _ClaimReply(reply, claim_id, version).to_question()

    def _signed(self, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
        return webhook.sign(self._secret, message_id=message_id, timestamp=int(now.timestamp()), body=body)

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """One request, tried again at once only while no connection comes about: then nothing was sent."""
        return self._tries.copy()(
            exchange,
            self._client,
            method,
            self._address + path,
            headers=headers,
            content=body,
            limit=_ANSWER_BYTES,
        )


class _ClaimReply:
    """What the claims system said about one version of a claim."""

    def __init__(self, reply: Reply, claim_id: str, version: int) -> None:
        self._reply, self._claim_id, self._version = reply, claim_id, version
        self._fields = json_object(reply.body) or {}

    def to_delivery(self) -> Answer:
        """What became of the version that was sent."""
        outcome = outcome_of(self._reply.status, DELIVERIES)
        if outcome is HttpOutcome.CONFLICT:
            return self._to_conflict()
        if outcome is not HttpOutcome.OK:
            return self._answer(_KINDS[outcome])
        # A page for people (a login, a firewall's notice) also comes with 200, and has taken nothing.
        if self._reply.headers.get("content-type", "").lower().startswith("text/html"):
            return Answer(kind=AnswerKind.UNKNOWN, code="html_reply")
        if self._names_another_claim():
            return Answer(kind=AnswerKind.UNKNOWN, code="other_claim")
        return Answer(kind=AnswerKind.ACCEPTED, reference=_plain_token(self._fields.get("reference")))

    def to_question(self) -> Answer:
        """Whether the version that was asked about is there, or a later one."""
        if self._reply.status == 404:
            return Answer(kind=AnswerKind.ABSENT, code="http_404")
        outcome = outcome_of(self._reply.status, QUESTIONS)
        if outcome is HttpOutcome.UNAVAILABLE:
            return self._answer(AnswerKind.UNAVAILABLE)
        if outcome is not HttpOutcome.OK:
            # It refuses the question; what became of the claim is as unknown as before.
            return Answer(kind=AnswerKind.UNKNOWN, code=self._code())
        present = self._present_version()
        if present is None or self._names_another_claim():
            return Answer(kind=AnswerKind.UNKNOWN, code="unreadable_answer")
        return self._already_there() if present >= self._version else _EARLIER

    def _to_conflict(self) -> Answer:
        """409: it has this version or a later one, or an earlier one and says no; otherwise we must ask."""
        present = self._present_version()
        if present is None:
            return self._answer(AnswerKind.UNKNOWN)
        if present >= self._version:
            return self._already_there()
        return Answer(kind=AnswerKind.REFUSED, code=self._code())

    def _already_there(self) -> Answer:
        reference = _plain_token(self._fields.get("reference"))
        return Answer(kind=AnswerKind.ACCEPTED, code="already_held", reference=reference)

    def _answer(self, kind: AnswerKind) -> Answer:
        return Answer(kind=kind, code=self._code(), retry_after=self._reply.retry_after)

    def _names_another_claim(self) -> bool:
        return bool(self._fields.get("claim_id", self._claim_id) != self._claim_id)

    def _present_version(self) -> int | None:
        version = self._fields.get("version")
        return version if isinstance(version, int) and not isinstance(version, bool) and version >= 1 else None

    def _code(self) -> str:
        """The problem's own code (RFC 9457 `code` or `type`) when it is a plain token, else the status."""
        for value in (self._fields.get("code"), self._fields.get("type")):
            code = _plain_token(value)
            if code and code != "about:blank" and not _LONG_NUMBER.search(code):
                return code
        return f"http_{self._reply.status}"


_EARLIER = Answer(kind=AnswerKind.ABSENT, code="earlier_version")
_KINDS = {
    HttpOutcome.UNAVAILABLE: AnswerKind.UNAVAILABLE,
    HttpOutcome.UNKNOWN: AnswerKind.UNKNOWN,
    HttpOutcome.REFUSED: AnswerKind.REFUSED,
}


def _plain_token(value: Any) -> str | None:
    """A short plain token of the association's own, or nothing."""
    return value if isinstance(value, str) and _SAFE_CODE.fullmatch(value) else None


WAY = DeliveryWay(spec=HttpJsonSpec, make=HttpJson)
