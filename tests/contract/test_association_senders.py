"""What every Sender promises, and what HTTP JSON makes of everything an association may answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import by_hand
import pytest
from misbehaving_server import LocalServer, Reply, Seen, closed_port

from connectors.associations.http_json import HttpJson
from connectors.registry import REGISTRY
from connectors.transport import webhook
from connectors.transport.http import probe
from gateway.errors import WrongUse
from gateway.model.claim import Answer, AnswerKind
from gateway.ports import Sender

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SECONDS = int(NOW.timestamp())
BODY = '{"claim_id":"c1","name":"测试甲"}'.encode()

ACCEPTED, REFUSED = AnswerKind.ACCEPTED, AnswerKind.REFUSED
UNAVAILABLE, UNKNOWN, ABSENT = AnswerKind.UNAVAILABLE, AnswerKind.UNKNOWN, AnswerKind.ABSENT


def says(status: int, told: Any = None, **headers: str) -> Reply:
    named = {
        "content-type": "application/json",
        **{key.replace("_", "-"): text for key, text in headers.items()},
    }
    return Reply(status=status, body=b"" if told is None else json.dumps(told).encode(), headers=named)


class Inbox:
    """An association that holds claim versions. `fault` answers instead, `fault_after` once one is taken."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.taken: list[str] = []
        self.fault: Callable[[Seen], Reply | None] = lambda seen: None
        self.fault_after: Callable[[Seen], Reply | None] = lambda seen: None

    def answer(self, seen: Seen) -> Reply:
        webhook.verify(SECRET, seen.headers, seen.body, now=SECONDS)
        instead = self.fault(seen)
        if instead is not None:
            return instead
        normal = self._post(seen) if seen.method == "POST" else self._get(seen)
        return self.fault_after(seen) or normal

    def _post(self, seen: Seen) -> Reply:
        claim_id, version = seen.headers["idempotency-key"].split("-v")
        if self.held.get(claim_id, 0) > int(version):
            return says(409, {"version": self.held[claim_id]})
        if seen.headers["idempotency-key"] not in self.taken:
            self.taken.append(seen.headers["idempotency-key"])
        self.held[claim_id] = int(version)
        return says(201, {"claim_id": claim_id, "version": int(version), "reference": f"R-{claim_id}"})

    def _get(self, seen: Seen) -> Reply:
        claim_id = seen.path.removeprefix("/claims/")
        if claim_id not in self.held:
            return says(404, {"code": "not_found"})
        return says(200, {"claim_id": claim_id, "version": self.held[claim_id], "status": "proposed"})


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[LocalServer]:
    with LocalServer(inbox.answer) as running:
        yield running


def http_json(address: str, **options: Any) -> HttpJson:
    given: dict[str, Any] = {
        "address": address,
        "secret": SECRET,
        "timeout_seconds": 1.0,
        "sleep": lambda _: None,
    }
    return by_hand.http_json(**{**given, **options})


def send(sender: Sender, *, version: int = 1) -> Answer:
    return sender.send(BODY, claim_id="c1", version=version, idempotency_key=f"c1-v{version}", now=NOW)


class SenderContract:
    """Every Sender to an inbox that starts empty."""

    def build(self, address: str) -> Sender:
        raise NotImplementedError

    @pytest.fixture
    def sender(self, server: LocalServer) -> Sender:
        return self.build(server.address)

    def test_a_claim_is_accepted_and_then_held(self, sender: Sender) -> None:
        assert send(sender).kind is ACCEPTED
        assert sender.ask("c1", version=1, now=NOW).kind is ACCEPTED

    def test_a_claim_never_sent_is_absent(self, sender: Sender) -> None:
        assert sender.ask("c1", version=1, now=NOW).kind is ABSENT

    def test_an_earlier_version_does_not_answer_for_a_later_one(self, sender: Sender) -> None:
        send(sender, version=1)
        assert sender.ask("c1", version=2, now=NOW).kind is ABSENT

    def test_a_later_version_answers_for_an_earlier_one(self, sender: Sender) -> None:
        send(sender, version=3)
        assert sender.ask("c1", version=2, now=NOW).kind is ACCEPTED
        assert send(sender, version=2).kind is ACCEPTED

    def test_sending_again_has_no_second_effect(self, sender: Sender, inbox: Inbox) -> None:
        assert [send(sender).kind for _ in range(3)] == [ACCEPTED] * 3
        assert inbox.taken == ["c1-v1"]

    def test_accepted_and_then_the_connection_lost_is_unknown_until_asked(self, sender: Sender, inbox: Inbox) -> None:
        inbox.fault_after = lambda seen: Reply(wire="drop") if seen.method == "POST" else None
        assert send(sender).kind is UNKNOWN
        assert sender.ask("c1", version=1, now=NOW).kind is ACCEPTED
        assert inbox.taken == ["c1-v1"]

    def test_lost_before_it_was_taken_is_unknown_until_asked(self, sender: Sender, inbox: Inbox) -> None:
        inbox.fault = lambda seen: Reply(wire="drop") if seen.method == "POST" else None
        assert send(sender).kind is UNKNOWN
        assert sender.ask("c1", version=1, now=NOW).kind is ABSENT

    def test_nobody_listening_is_unavailable(self) -> None:
        sender = self.build(closed_port())
        assert send(sender).kind is UNAVAILABLE
        assert sender.ask("c1", version=1, now=NOW).kind is UNAVAILABLE

    @pytest.mark.parametrize("status", [400, 404, 410, 413, 415, 422])
    def test_a_no_is_refused(self, sender: Sender, inbox: Inbox, status: int) -> None:
        inbox.fault = lambda seen: says(status)
        assert send(sender) == Answer(kind=REFUSED, code=f"http_{status}")

    @pytest.mark.parametrize("status", [401, 403])
    def test_not_being_let_in_is_no_answer_to_the_claim(self, sender: Sender, inbox: Inbox, status: int) -> None:
        inbox.fault = lambda seen: says(status)
        assert send(sender) == Answer(kind=UNAVAILABLE, code=f"http_{status}")


class TestHttpJson(SenderContract):
    def build(self, address: str) -> Sender:
        return http_json(address)


def test_the_registry_knows_it() -> None:
    assert REGISTRY.deliveries["http-json"].make is HttpJson


def test_what_goes_over_the_wire(server: LocalServer) -> None:
    answer = send(http_json(server.address + "/"))
    assert answer == Answer(kind=ACCEPTED, reference="R-c1")
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/claims", BODY)
    assert seen.headers["idempotency-key"] == seen.headers["webhook-id"] == "c1-v1"
    assert seen.headers["webhook-timestamp"] == str(SECONDS)
    assert seen.headers["content-type"] == "application/json; charset=utf-8"


def test_a_question_is_signed_and_its_path_escaped(server: LocalServer) -> None:
    http_json(server.address).ask("c/../1?x=1", version=2, now=NOW)
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.body) == ("GET", "/claims/c%2F..%2F1%3Fx%3D1", b"")
    assert webhook.verify(SECRET, seen.headers, b"", now=SECONDS).startswith("c/../1?x=1-v2-ask-")


def problem(status: int, **told: Any) -> Reply:
    return says(status, told, content_type="application/problem+json")


SENT: list[tuple[Reply, Answer]] = [
    (says(200), Answer(kind=ACCEPTED)),
    (says(202, {"reference": "GH-2026-0001"}), Answer(kind=ACCEPTED, reference="GH-2026-0001")),
    (says(204), Answer(kind=ACCEPTED)),
    (says(200, {"reference": "测试甲"}), Answer(kind=ACCEPTED)),
    (says(200, {"reference": "x" * 65}), Answer(kind=ACCEPTED)),
    (says(200, {"reference": 7}), Answer(kind=ACCEPTED)),
    (says(200, [1]), Answer(kind=ACCEPTED)),
    (
        Reply(body=b"<html>login</html>", headers={"content-type": "text/html; charset=gbk"}),
        Answer(kind=UNKNOWN, code="html_reply"),
    ),
    (says(200, {"claim_id": "c2"}), Answer(kind=UNKNOWN, code="other_claim")),
    (says(301, location="http://127.0.0.1:1/"), Answer(kind=REFUSED, code="http_301")),
    (says(307, location="http://127.0.0.1:1/"), Answer(kind=REFUSED, code="http_307")),
    (says(408), Answer(kind=UNAVAILABLE, code="http_408")),
    (says(425), Answer(kind=UNAVAILABLE, code="http_425")),
    (says(429, retry_after="30"), Answer(kind=UNAVAILABLE, code="http_429", retry_after=30.0)),
    (says(503, retry_after="7200"), Answer(kind=UNAVAILABLE, code="http_503", retry_after=7200.0)),
    (says(503), Answer(kind=UNAVAILABLE, code="http_503")),
    (says(500), Answer(kind=UNKNOWN, code="http_500")),
    (says(502), Answer(kind=UNKNOWN, code="http_502")),
    (says(504, retry_after="9"), Answer(kind=UNKNOWN, code="http_504", retry_after=9.0)),
    (says(409, {"version": 2}), Answer(kind=ACCEPTED, code="already_held")),
    (
        says(409, {"version": 5, "reference": "R5"}),
        Answer(kind=ACCEPTED, code="already_held", reference="R5"),
    ),
    (problem(409, version=1, code="lower_version"), Answer(kind=REFUSED, code="lower_version")),
    (says(409), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"version": "2"}), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"version": True}), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"version": 0}), Answer(kind=UNKNOWN, code="http_409")),
    (
        problem(422, code="no_such_member", detail="测试甲 不在册"),
        Answer(kind=REFUSED, code="no_such_member"),
    ),
    (problem(422, type="urn:inbox:key-reused"), Answer(kind=REFUSED, code="urn:inbox:key-reused")),
    (problem(422, type="about:blank", title="测试甲"), Answer(kind=REFUSED, code="http_422")),
    (problem(422, code="测试甲"), Answer(kind=REFUSED, code="http_422")),
    (problem(422, code="150999198001010017"), Answer(kind=REFUSED, code="http_422")),
    (problem(422, code="born-19800101"), Answer(kind=REFUSED, code="http_422")),
    (problem(422, code="E400123"), Answer(kind=REFUSED, code="E400123")),
    (problem(422, code="x" * 65), Answer(kind=REFUSED, code="http_422")),
    (problem(422, code={"a": 1}), Answer(kind=REFUSED, code="http_422")),
    (Reply(status=422, body=b'{"code":'), Answer(kind=REFUSED, code="http_422")),
    (Reply(status=422, body=b"[" * 50_000), Answer(kind=REFUSED, code="http_422")),
    (Reply(status=400, body=b"x" * 1_000_000), Answer(kind=REFUSED, code="http_400")),
    (Reply(status=200, body=b"{" * 1_000_000), Answer(kind=ACCEPTED)),
    (Reply(wire="drop"), Answer(kind=UNKNOWN, code="no_answer")),
    (Reply(body=b'{"version":1}', wire="half"), Answer(kind=UNKNOWN, code="no_answer")),
]


@pytest.mark.parametrize(("reply", "answer"), SENT, ids=[f"{n}-{reply.status}" for n, (reply, _) in enumerate(SENT)])
def test_what_an_answer_to_a_delivery_means(server: LocalServer, inbox: Inbox, reply: Reply, answer: Answer) -> None:
    inbox.fault = lambda seen: reply
    assert send(http_json(server.address, quick_tries=5), version=2) == answer
    # One attempt is one request, whatever was answered.
    assert len(server.seen) == 1


ASKED: list[tuple[Reply, Answer]] = [
    (says(200, {"claim_id": "c1", "version": 2}), Answer(kind=ACCEPTED, code="already_held")),
    (
        says(200, {"version": 3, "reference": "R3"}),
        Answer(kind=ACCEPTED, code="already_held", reference="R3"),
    ),
    (says(200, {"claim_id": "c1", "version": 1}), Answer(kind=ABSENT, code="earlier_version")),
    (says(404), Answer(kind=ABSENT, code="http_404")),
    (says(200, {"claim_id": "c2", "version": 2}), Answer(kind=UNKNOWN, code="unreadable_answer")),
    (says(200, {"claim_id": "c1"}), Answer(kind=UNKNOWN, code="unreadable_answer")),
    (says(200, {"version": "2"}), Answer(kind=UNKNOWN, code="unreadable_answer")),
    (says(200, [2]), Answer(kind=UNKNOWN, code="unreadable_answer")),
    (says(204), Answer(kind=UNKNOWN, code="unreadable_answer")),
    (Reply(body=b"<html></html>"), Answer(kind=UNKNOWN, code="unreadable_answer")),
    (says(302, location="http://127.0.0.1:1/"), Answer(kind=UNKNOWN, code="http_302")),
    (says(401), Answer(kind=UNKNOWN, code="http_401")),
    (says(410), Answer(kind=UNKNOWN, code="http_410")),
    (says(429, retry_after="30"), Answer(kind=UNAVAILABLE, code="http_429", retry_after=30.0)),
    (says(500), Answer(kind=UNAVAILABLE, code="http_500")),
    (Reply(wire="drop"), Answer(kind=UNAVAILABLE, code="no_answer")),
]


@pytest.mark.parametrize(("reply", "answer"), ASKED, ids=[f"{n}-{reply.status}" for n, (reply, _) in enumerate(ASKED)])
def test_what_an_answer_to_a_question_means(server: LocalServer, inbox: Inbox, reply: Reply, answer: Answer) -> None:
    inbox.fault = lambda seen: reply
    assert http_json(server.address).ask("c1", version=2, now=NOW) == answer


@pytest.mark.parametrize("wire", ["hang", "drip"])
def test_no_answer_in_time(server: LocalServer, inbox: Inbox, wire: Any) -> None:
    inbox.fault = lambda seen: Reply(wire=wire)
    sender = http_json(server.address, timeout_seconds=0.1, quick_tries=5)
    assert send(sender) == Answer(kind=UNKNOWN, code="no_answer")
    assert sender.ask("c1", version=1, now=NOW) == Answer(kind=UNAVAILABLE, code="no_answer")
    assert len(server.seen) == 2


def test_only_a_connection_that_does_not_come_about_is_tried_again() -> None:
    waits: list[float] = []
    sender = http_json(closed_port(), quick_tries=3, sleep=waits.append)
    assert send(sender) == Answer(kind=UNAVAILABLE, code="no_connection")
    assert len(waits) == 2


def test_an_association_that_cannot_be_asked(server: LocalServer) -> None:
    sender = http_json(server.address, can_be_asked=False)
    assert sender.ask("c1", version=1, now=NOW) == Answer(kind=UNKNOWN, code="cannot_be_asked")
    assert server.seen == []


def test_a_secret_of_the_wrong_form_is_found_at_the_start() -> None:
    with pytest.raises(WrongUse):
        http_json("http://127.0.0.1:1", secret="hunter2")


@pytest.mark.parametrize("reply", [says(200), says(404), says(503), says(301, location="/x"), Reply(wire="drip")])
def test_whatever_answers_is_there(reply: Reply) -> None:
    with LocalServer(lambda seen: reply) as running:
        assert probe(running.address) is None


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://", "http://[", "ftp://127.0.0.1/"])
def test_what_does_not_answer_is_told(address: str) -> None:
    assert "无法连通" in (probe(address) or "")


def test_what_never_answers_is_told() -> None:
    with LocalServer(lambda seen: Reply(wire="hang")) as running:
        assert "ReadTimeout" in (probe(running.address, timeout_seconds=0.1) or "")
