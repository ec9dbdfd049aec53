"""What exactly goes out to an association, byte for byte: respx stands where the network would be."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta, timezone

import httpx
import pytest
import respx
from by_hand import http_json

from connectors.associations.http_json import HttpJson
from connectors.transport import webhook
from gateway.model.claim import AnswerKind

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=timezone(timedelta(hours=8)))
BODY = b'{"claim_id":"HBTEST","version":2,"status":"amended"}'


@pytest.fixture
def sender() -> HttpJson:
    return http_json(address="http://inbox.test/api", secret=SECRET, quick_tries=1)


@respx.mock
def test_a_claim_goes_out_verbatim_with_its_key_and_a_signature_that_verifies(sender: HttpJson) -> None:
    route = respx.post("http://inbox.test/api/claims").respond(201, json={"claim_id": "HBTEST", "reference": "R-1"})
    answer = sender.send(BODY, claim_id="HBTEST", version=2, idempotency_key="HBTEST-v2", now=NOW)
    request = route.calls.last.request
    assert request.content == BODY
    assert request.headers["idempotency-key"] == "HBTEST-v2"
    seconds = int(NOW.timestamp())
    assert webhook.verify(SECRET, dict(request.headers), BODY, now=seconds, tolerance=1) == "HBTEST-v2"
    assert answer.kind is AnswerKind.ACCEPTED
    assert answer.reference == "R-1"


@respx.mock
def test_the_same_version_has_the_same_key_and_a_fresh_timestamp_at_every_attempt(sender: HttpJson) -> None:
    route = respx.post("http://inbox.test/api/claims").respond(503)
    for minutes in (0, 5):
        sender.send(
            BODY, claim_id="HBTEST", version=2, idempotency_key="HBTEST-v2", now=NOW + timedelta(minutes=minutes)
        )
    first, second = (call.request.headers for call in route.calls)
    assert first["idempotency-key"] == second["idempotency-key"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300


@respx.mock
def test_a_question_names_the_claim_in_its_path_and_nothing_of_a_person(sender: HttpJson) -> None:
    route = respx.get("http://inbox.test/api/claims/HBTEST").respond(200, json={"claim_id": "HBTEST", "version": 2})
    assert sender.ask("HBTEST", version=2, now=NOW).kind is AnswerKind.ACCEPTED
    assert route.calls.last.request.content == b""


@respx.mock
def test_a_connection_lost_after_sending_is_unknown(sender: HttpJson) -> None:
    respx.post("http://inbox.test/api/claims").mock(side_effect=httpx.ReadError("lost"))
    answer = sender.send(BODY, claim_id="HBTEST", version=2, idempotency_key="HBTEST-v2", now=NOW)
    assert answer.kind is AnswerKind.UNKNOWN
