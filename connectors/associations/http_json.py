"""An association's claims system over HTTP JSON: POST {address}/claims sends, GET {address}/claims/{id} asks.

With `batch`, POST {address}/claims/batch sends several: `{"claims": [{"idempotency_key": …, "claim": …}]}`, answered by
`{"results": [{"idempotency_key": …, "status": …, "body": …}]}`, each with the status and body the claim would have had
alone. What the reply does not name is unknown.

Every request carries a Standard Webhooks signature, a delivery also `Idempotency-Key`. Of an answer's body
only a version, a reference and a stable code are ever kept: free text in it may speak of the member. What an answer
proves is read in `claim_reply`.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import quote

import httpx
import msgspec

from connectors.associations.claim_reply import BatchReply, ClaimReply
from connectors.transport import webhook, webhook_sm2
from connectors.transport.http import Reply, exchange, make_client, nothing_was_sent, probe_all, quick_retries
from gateway.errors import OutcomeUnknown, Unavailable, WrongUse
from gateway.model.claim import Answer, AnswerKind
from gateway.ports import (
    Address,
    ClaimOnItsWay,
    DeliverySpec,
    DeliveryWay,
    Seconds,
    SecretName,
    SecretOption,
    Surroundings,
)

_ANSWER_BYTES = 64 * 1024
_ANSWER_BYTES_A_CLAIM = 4 * 1024
_JSON = "application/json; charset=utf-8"


class HttpJsonSpec(DeliverySpec, frozen=True, kw_only=True):
    """Claims as HTTP JSON with Idempotency-Key and a Standard Webhooks signature.

    POST {address}/claims sends; GET {address}/claims/{claim_id} asks. `can_be_asked = false` for a system
    without the second: then a person decides about an unknown outcome. `timeout_seconds` is for a whole exchange.
    `batch`: with 2 to 100, POST {address}/claims/batch hands over as many in one request. `signature`: hmac, or sm2
    with our own private key as the `secret`.
    """

    address: Address
    secret: SecretName
    signature: Literal["hmac", "sm2"] = "hmac"
    timeout_seconds: Seconds = 30.0
    quick_tries: Annotated[int, msgspec.Meta(ge=1, le=5)] = 2
    can_be_asked: bool = True
    batch: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1

    def secrets(self) -> Sequence[SecretOption]:
        """What our deliveries and questions are signed with."""
        if self.signature == "sm2":
            return [SecretOption("secret", self.secret, webhook_sm2.private_keys)]
        return [webhook.secret_option("secret", self.secret)]

    def shared_secret(self) -> SecretName | None:
        """Before `[requests]` existed, the association signed with the secret of its deliveries."""
        return self.secret if self.signature == "hmac" else None

    def needs_proof(self) -> bool:
        """Anything may answer over HTTP, each service in its own words."""
        return True

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing answers at the claims system's address."""
        return probe_all(self.address)


class _KeysEnded(Unavailable):
    """Every signing key is past its end: nothing was sent."""


class HttpJson:
    """A Sender. `can_be_asked = false` is for a system without the GET: a person decides what is unknown.

    Where bodies are sealed, the signature is over what is sent, and the same body at two attempts is two texts: the
    idempotency key says that they are one.
    """

    content_type: ClassVar[str] = _JSON

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
        # A secret of the wrong form must be found at the start, not at night.
        if spec.signature == "sm2":
            webhook_sm2.private_keys(self._secret)
        else:
            webhook.secret_keys(self._secret)
        self._sign = webhook_sm2.sign if spec.signature == "sm2" else webhook.sign
        self._sealing = around.sealing
        self._accepted = around.accepted
        self._can_be_asked = spec.can_be_asked
        self._client = client or make_client(timeout_seconds=spec.timeout_seconds)
        self.batch = spec.batch
        self._more_tries, self._sleep = spec.quick_tries - 1, sleep

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        """Deliver one claim version; `body` goes out verbatim. See `gateway.ports.Sender`."""
        content_type = self.content_type
        if self._sealing is not None:
            body, content_type = self._sealing.seal(body, content_type=content_type), self._sealing.media_type
        reply = self._post("/claims", idempotency_key, content_type, body, now)
        if isinstance(reply, Answer):
            return reply
        return ClaimReply(reply, claim_id, version, self._accepted, sent=body).to_delivery()

    def send_batch(self, claims: Sequence[ClaimOnItsWay], *, now: datetime) -> list[Answer]:
        """Deliver several claim versions in one request. See `gateway.ports.SendsBatches`."""
        items = (
            b'{"idempotency_key":"%b","claim":%b}' % (claim.idempotency_key.encode(), self._inner(claim))
            for claim in claims
        )
        body = b'{"claims":[' + b",".join(items) + b"]}"
        keys = " ".join(claim.idempotency_key for claim in claims)
        message_id = f"batch-{hashlib.sha256(keys.encode()).hexdigest()[:32]}"
        reply = self._post("/claims/batch", message_id, _JSON, body, now)
        if isinstance(reply, Answer):
            return [reply] * len(claims)
        return BatchReply(reply, self._accepted).answers(claims)

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        """Whether the association holds this version of a claim, or a later one."""
        if not self._can_be_asked:
            return Answer(kind=AnswerKind.UNKNOWN, code="cannot_be_asked")
        question_id = f"{claim_id}-v{version}-ask-{int(now.timestamp())}"
        try:
            headers = {"accept": "application/json", **self._signed(question_id, now, b"")}
            reply = self._exchange("GET", f"/claims/{quote(claim_id, safe='')}", headers, None)
        except Unavailable:
            # A question changes nothing, so it may be asked again whatever became of it.
            return Answer(kind=AnswerKind.UNAVAILABLE, code="no_answer")
        return ClaimReply(reply, claim_id, version, self._accepted).to_question()

    def _inner(self, claim: ClaimOnItsWay) -> bytes:
        """A claim as it stands in a batch: itself, or what it is sealed as."""
        if self._sealing is None:
            return claim.body
        return self._sealing.as_json(self._sealing.seal(claim.body, content_type=self.content_type))

    def _post(self, path: str, message_id: str, content_type: str, body: bytes, now: datetime) -> Reply | Answer:
        """What came back of a delivery, or what is said of it where nothing did."""
        try:
            signed = self._signed(message_id, now, body)
            headers = {"content-type": content_type, "idempotency-key": message_id, **signed}
            return self._exchange("POST", path, headers, body)
        except _KeysEnded:
            return Answer(kind=AnswerKind.UNAVAILABLE, code="signing_keys_ended")
        except OutcomeUnknown:
            return Answer(kind=AnswerKind.UNKNOWN, code="no_answer")
        except Unavailable:
            return Answer(kind=AnswerKind.UNAVAILABLE, code="no_connection")

    def _signed(self, message_id: str, now: datetime, body: bytes) -> dict[str, str]:
        """Raises _KeysEnded where nothing is left to sign with."""
        try:
            return self._sign(self._secret, message_id=message_id, timestamp=int(now.timestamp()), body=body)
        except WrongUse as error:
            raise _KeysEnded(str(error)) from None

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """One request, tried again at once only while no connection comes about: then nothing was sent."""
        call = partial(
            exchange,
            self._client,
            method,
            self._address + path,
            headers=headers,
            content=body,
            limit=_ANSWER_BYTES + _ANSWER_BYTES_A_CLAIM * self.batch,
        )
        try:
            return call()
        except OutcomeUnknown:
            raise
        except Unavailable:
            # The first try goes without the machinery of the others: nearly every one is the only one.
            if self._more_tries < 1:
                raise
        self._sleep(random.uniform(0.2, 0.3))  # noqa: S311 - callers that failed together come back apart.
        return quick_retries(self._more_tries, again=nothing_was_sent, sleep=self._sleep)(call)


WAY = DeliveryWay(spec=HttpJsonSpec, make=HttpJson)
