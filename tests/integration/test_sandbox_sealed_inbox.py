"""Claims in batches and sealed to the association, into an inbox that opens them: each taken once."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import gmssl_pyx
import httpx
import msgspec
import pytest
from by_hand import file_drop, http_json
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connectors.transport.sm_envelope import SmSealer
from gateway.model.claim import AnswerKind
from gateway.model.clock import SHANGHAI
from gateway.ports import BodySealer, ClaimOnItsWay
from gateway.sandbox import inbox as inbox_module
from gateway.sandbox.inbox import BodyReader, Inbox
from gateway.sandbox.servers import Request
from gateway.sandbox.signing import webhook_headers
from gateway.vault.jwe import JweSealer, open_jwe

SECRET = "whsec_" + base64.b64encode(b"sandbox-sealed-inbox-secret-1234").decode()
NAME = "额尔敦·朝鲁"
_KEY = ec.generate_private_key(ec.SECP256R1())
PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
POINT, SM2 = gmssl_pyx.sm2_key_generate()
SEALERS: list[BodySealer | None] = [None, JweSealer(PUBLIC), SmSealer(POINT.hex())]
IDS = ["open", "jwe", "sm"]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Every request as it came over the line."""
    requests: list[Request] = []
    answer = inbox_module.InboxApp.answer

    def noted(app: Any, request: Request) -> Any:
        requests.append(request)
        return answer(app, request)

    monkeypatch.setattr(inbox_module.InboxApp, "answer", noted)
    return requests


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox.start(tmp_path, secret=SECRET, reader=BodyReader(jwe=PEM, sm2=SM2)) as running:
        yield running


def claim(number: int, version: int = 1, **changed: Any) -> ClaimOnItsWay:
    claim_id = f"HB{number}"
    body = {"claim_id": claim_id, "version": version, "status": "proposed", "payable": "1.00", "member": {"name": NAME}}
    key = f"{claim_id}-v{version}"
    return ClaimOnItsWay(
        body=msgspec.json.encode(body | changed), claim_id=claim_id, version=version, idempotency_key=key
    )


def now() -> datetime:
    return datetime.now(SHANGHAI)


@pytest.mark.parametrize("sealing", SEALERS, ids=IDS)
@pytest.mark.parametrize("batch", [1, 100])
def test_each_is_taken_once_whatever_is_sent_again(
    inbox: Inbox, seen: list[Request], sealing: BodySealer | None, batch: int
) -> None:
    sender = http_json(address=inbox.address, secret=SECRET, batch=batch, sealing=sealing)
    claims = [claim(number) for number in range(12)]
    for _ in range(2):
        if batch > 1:
            answers = sender.send_batch(claims, now=now())
        else:
            answers = [
                sender.send(
                    each.body, claim_id=each.claim_id, version=1, idempotency_key=each.idempotency_key, now=now()
                )
                for each in claims
            ]
        assert [answer.kind for answer in answers] == [AnswerKind.ACCEPTED] * 12
    assert inbox.summary()["outcomes"] == {"accepted": 12, "repeat": 12}
    assert inbox.summary()["doubled"] == 0
    assert {entry.claim["member"]["name"] for entry in inbox.book.held()} == {NAME}
    posted = [request.body for request in seen]
    assert len(posted) == (2 if batch > 1 else 24)
    assert all((NAME.encode() in body) is (sealing is None) for body in posted)


def test_each_item_of_a_batch_is_answered_for_itself(inbox: Inbox) -> None:
    sender = http_json(address=inbox.address, secret=SECRET, batch=100)
    sender.send_batch([claim(1, 2), claim(2)], now=now())
    mixed = [claim(1), claim(2, payable="2.00"), claim(3, status="paid"), claim(4)]
    answers = sender.send_batch(mixed, now=now())
    # Older than what it holds; the same key with another body; no claim, and named by nobody; new.
    assert [(answer.kind, answer.code) for answer in answers] == [
        (AnswerKind.ACCEPTED, "already_held"),
        (AnswerKind.REFUSED, "key_reused"),
        (AnswerKind.UNAVAILABLE, "http_400"),
        (AnswerKind.ACCEPTED, ""),
    ]


def test_a_batch_has_a_limit_and_a_signature(inbox: Inbox) -> None:
    items = [{"idempotency_key": f"k{n}", "claim": {}} for n in range(101)]
    for body, secret, status in (
        (json.dumps({"claims": items}).encode(), SECRET, 413),
        (json.dumps({"claims": items[:1]}).encode(), "whsec_" + base64.b64encode(b"x" * 32).decode(), 401),
        (b'{"claims":7}', SECRET, 400),
        (json.dumps({"claims": []}).encode(), SECRET, 200),
    ):
        headers = webhook_headers(secret, message_id="b", timestamp=int(time.time()), body=body)
        reply = httpx.post(f"{inbox.address}/claims/batch", content=body, headers=headers, trust_env=False)
        assert reply.status_code == status
    assert inbox.summary()["effects"] == 0


@pytest.mark.parametrize("sealing", [JweSealer(PUBLIC), SmSealer(POINT.hex())], ids=IDS[1:])
def test_what_is_sealed_to_another_is_not_taken(tmp_path: Path, sealing: BodySealer) -> None:
    _, stranger = gmssl_pyx.sm2_key_generate()
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with Inbox.start(tmp_path, secret=SECRET, reader=BodyReader(jwe=pem.decode(), sm2=stranger)) as inbox:
        sender = http_json(address=inbox.address, secret=SECRET, batch=100, sealing=sealing)
        each = claim(1)
        alone = sender.send(each.body, claim_id="HB1", version=1, idempotency_key="HB1-v1", now=now())
        [together] = sender.send_batch([each], now=now())
        assert [(answer.kind, answer.code) for answer in (alone, together)] == [
            (AnswerKind.UNAVAILABLE, "http_400"),
        ] * 2
        assert inbox.summary()["effects"] == 0


def test_a_dropped_file_is_sealed_whole(tmp_path: Path) -> None:
    for name in ("out/.dropped", "answers"):
        (tmp_path / name).mkdir(parents=True)
    sender = file_drop(
        folder=str(tmp_path / "out"), answers_folder=str(tmp_path / "answers"), sealing=JweSealer(PUBLIC)
    )
    sender.send_batch([claim(1), claim(2)], now=now())
    control = json.loads(next((tmp_path / "out").glob("*.control.json")).read_bytes())
    assert control["file"].endswith(".ndjson.jwe")
    lines = open_jwe(PEM, (tmp_path / "out" / control["file"]).read_bytes()).splitlines()
    assert [json.loads(line)["claim"]["claim_id"] for line in lines] == ["HB1", "HB2"]
