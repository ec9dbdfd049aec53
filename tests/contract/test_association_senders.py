"""What every Sender promises, and what HTTP JSON makes of everything an association may answer."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import by_hand
import pytest
from misbehaving_server import LocalServer, Reply, Seen, closed_port
from sender_suite import BODY, NOW, EverySender, send

from connectors.associations.http_json import HttpJson
from connectors.registry import REGISTRY
from connectors.transport import webhook
from connectors.transport.http import probe
from gateway.errors import WrongUse
from gateway.model.claim import Answer, AnswerKind
from gateway.ports import ClaimOnItsWay, Proof, Sender
from gateway.sandbox.signing import webhook_is_authentic

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
SECONDS = int(NOW.timestamp())

ACCEPTED, REFUSED = AnswerKind.ACCEPTED, AnswerKind.REFUSED
UNAVAILABLE, UNKNOWN, ABSENT = AnswerKind.UNAVAILABLE, AnswerKind.UNKNOWN, AnswerKind.ABSENT


NOTHING_PROVED = [
    b"",
    b" \r\n",
    b"error",
    b"true",
    b"[]",
    b"{}",
    b"null",
    b'{"code":0,"message":"success"}',
    b'{"success":true,"data":{"claim_id":"c1"}}',
    b'{"infcode":"-1","err_msg":"x"}',
    b"<!doctype html><title>login</title>",
    bytes(range(256)) * 2,
    '<?xml version="1.0"?><result>成功</result>'.encode("gb18030"),
]
"""What firewalls, proxies and services say with any status to anything."""


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
        if seen.path == "/claims/batch":
            keys = [item["idempotency_key"] for item in json.loads(seen.body)["claims"]]
            replies = [(key, self._take(key)) for key in keys]
            results = [
                {"idempotency_key": key, "status": reply.status, "body": json.loads(reply.body)}
                for key, reply in replies
            ]
            return says(200, {"results": results})
        return self._take(seen.headers["idempotency-key"])

    def _take(self, key: str) -> Reply:
        claim_id, version = key.split("-v")
        if self.held.get(claim_id, 0) > int(version):
            return says(409, {"claim_id": claim_id, "version": self.held[claim_id]})
        if key not in self.taken:
            self.taken.append(key)
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
        "timeout_seconds": 20.0,
        "sleep": lambda _: None,
    }
    return by_hand.http_json(**{**given, **options})


class OverHttp:
    """The far side of `EverySender` where it answers at once."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.taken = inbox.taken

    def work(self) -> None:
        """It has answered already."""

    def refuse_all(self, code: str) -> None:
        self._inbox.fault = lambda seen: says(422, {"claim_id": "c1", "code": code})


class SenderContract(EverySender):
    """Every Sender over HTTP to an inbox that starts empty."""

    def build(self, address: str) -> Sender:
        raise NotImplementedError

    def build_to_nobody(self) -> Sender:
        return self.build(closed_port())

    @pytest.fixture
    def sender(self, server: LocalServer) -> Sender:
        return self.build(server.address)

    @pytest.fixture
    def far(self, inbox: Inbox) -> OverHttp:
        return OverHttp(inbox)

    def test_accepted_and_then_the_connection_lost_is_unknown_until_asked(self, sender: Sender, inbox: Inbox) -> None:
        inbox.fault_after = lambda seen: Reply(wire="drop") if seen.method == "POST" else None
        assert send(sender).kind is UNKNOWN
        assert sender.ask("c1", version=1, now=NOW).kind is ACCEPTED
        assert inbox.taken == ["c1-v1"]

    def test_lost_before_it_was_taken_is_unknown_until_asked(self, sender: Sender, inbox: Inbox) -> None:
        inbox.fault = lambda seen: Reply(wire="drop") if seen.method == "POST" else None
        assert send(sender).kind is UNKNOWN
        assert sender.ask("c1", version=1, now=NOW).kind is ABSENT

    @pytest.mark.parametrize("status", [400, 404, 410, 413, 415, 422])
    def test_a_no_that_names_the_claim_is_refused(self, sender: Sender, inbox: Inbox, status: int) -> None:
        inbox.fault = lambda seen: says(status, {"claim_id": "c1", "code": "not_a_member"})
        assert send(sender) == Answer(kind=REFUSED, code="not_a_member")

    @pytest.mark.parametrize("status", [301, 307, 308, 400, 401, 403, 404, 405, 410, 413, 414, 415, 417, 421, 422, 451])
    def test_a_no_that_names_no_claim_is_said_by_the_address(self, sender: Sender, inbox: Inbox, status: int) -> None:
        for body in (b"", b"<html>not here</html>", b'{"code":"not_found"}', b'{"claim_id":"c2"}', b"\x00\xff" * 250):
            inbox.fault = lambda seen, body=body: Reply(status=status, body=body)  # type: ignore[misc]
            assert send(sender) == Answer(kind=UNAVAILABLE, code=f"http_{status}")

    @pytest.mark.parametrize("body", NOTHING_PROVED)
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 226])
    def test_a_status_alone_proves_nothing(self, sender: Sender, inbox: Inbox, status: int, body: bytes) -> None:
        inbox.fault = lambda seen: Reply(status=status, body=b"" if status == 204 else body)
        answer = send(sender)
        assert (answer.kind, answer.code.partition("/")[0]) == (UNKNOWN, "unproven")
        asked = sender.ask("c1", version=1, now=NOW)
        assert (asked.kind, asked.code.partition("/")[0]) == (UNKNOWN, "unproven")

    @pytest.mark.parametrize("status", [401, 403])
    def test_not_being_let_in_is_no_answer_to_the_claim(self, sender: Sender, inbox: Inbox, status: int) -> None:
        inbox.fault = lambda seen: says(status)
        assert send(sender) == Answer(kind=UNAVAILABLE, code=f"http_{status}")


class TestHttpJson(SenderContract):
    def build(self, address: str) -> Sender:
        return http_json(address)


class OneOfABatch:
    """A Sender of batches that is given claims one by one."""

    def __init__(self, sender: HttpJson) -> None:
        self._sender = sender

    def send(self, body: bytes, **named: Any) -> Answer:
        now = named.pop("now")
        [answer] = self._sender.send_batch([ClaimOnItsWay(body=body, **named)], now=now)
        return answer

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        return self._sender.ask(claim_id, version=version, now=now)


class TestHttpJsonInBatches(SenderContract):
    def build(self, address: str) -> Sender:
        return OneOfABatch(http_json(address, batch=100))


def together(sender: HttpJson, *claim_ids: str) -> list[Answer]:
    claims = [
        ClaimOnItsWay(body=b'{"claim_id":"%b"}' % name.encode(), claim_id=name, version=1, idempotency_key=f"{name}-v1")
        for name in claim_ids
    ]
    return sender.send_batch(claims, now=NOW)


def result(name: str, status: int, **body: Any) -> dict[str, Any]:
    return {"idempotency_key": f"{name}-v1", "status": status, "body": body}


def test_each_claim_of_a_batch_is_answered_for_itself(inbox: Inbox, server: LocalServer) -> None:
    told = [
        result("c4", 503),
        result("c2", 422, claim_id="c2", code="not_a_member"),
        result("c1", 201, claim_id="c1", version=1, reference="R1"),
        result("c5", 201, claim_id="c1", version=1),
        result("c6", 201, claim_id="c6", version=1),
        result("c6", 422, claim_id="c6", code="not_a_member"),
        {"idempotency_key": "c7-v1", "status": "201", "body": {"claim_id": "c7"}},
    ]
    inbox.fault = lambda seen: says(200, {"results": told})
    answers = together(http_json(server.address, batch=100), "c1", "c2", "c3", "c4", "c5", "c6", "c7")
    assert [(answer.kind, answer.code) for answer in answers] == [
        (ACCEPTED, ""),
        (REFUSED, "not_a_member"),
        (UNKNOWN, "unproven/no_result"),
        (UNAVAILABLE, "http_503"),
        (UNKNOWN, "unproven/other_claim"),
        (UNKNOWN, "unproven/two_results"),
        (UNKNOWN, "unproven/no_result"),
    ]
    assert answers[0].reference == "R1"


@pytest.mark.parametrize("told", [{"claim_id": "c1", "version": 1}, {"results": {"c1-v1": 201}}, {"code": 0}])
def test_a_yes_to_the_whole_batch_proves_nothing(inbox: Inbox, server: LocalServer, told: Any) -> None:
    inbox.fault = lambda seen: says(200, told)
    proof = Proof(equals=(("code", "0"),))
    answers = together(http_json(server.address, batch=100, accepted=proof), "c1", "c2")
    assert [(answer.kind, answer.code) for answer in answers] == [(UNKNOWN, "unproven/no_results")] * 2


def test_what_a_batch_looks_like_on_the_wire(server: LocalServer) -> None:
    assert [answer.kind for answer in together(http_json(server.address, batch=100), "c1", "c2")] == [ACCEPTED] * 2
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/claims/batch")
    assert seen.body == (
        b'{"claims":[{"idempotency_key":"c1-v1","claim":{"claim_id":"c1"}},'
        b'{"idempotency_key":"c2-v1","claim":{"claim_id":"c2"}}]}'
    )
    assert webhook_is_authentic(SECRET, seen.headers, seen.body, now=SECONDS)


@pytest.mark.parametrize("status", [400, 409, 422])
@pytest.mark.parametrize("code", ["duplicate", "ALREADY_EXISTS"])
def test_a_duplicate_is_no_refusal(inbox: Inbox, server: LocalServer, status: int, code: str) -> None:
    inbox.fault = lambda seen: says(status, {"claim_id": "c1", "version": 1, "code": code})
    assert send(http_json(server.address)) == Answer(kind=ACCEPTED, code="already_held")
    # Without a version nobody knows which one it has: we ask.
    inbox.fault = lambda seen: says(status, {"claim_id": "c1", "code": code})
    assert send(http_json(server.address)).kind is UNKNOWN


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
    assert seen.headers["webhook-id"].startswith("c/../1?x=1-v2-ask-")
    assert webhook_is_authentic(SECRET, seen.headers, b"", now=SECONDS)


def problem(status: int, **told: Any) -> Reply:
    return says(status, told, content_type="application/problem+json")


def unproven(why: str, shape: str, **named: Any) -> Answer:
    return Answer(kind=UNKNOWN, code=f"unproven/{why}", shape=shape, **named)


JSON = "application/json"
SENT: list[tuple[Reply, Answer]] = [
    (says(200, {"claim_id": "c1", "version": 2}), Answer(kind=ACCEPTED)),
    (says(202, {"claim_id": "c1", "reference": "GH-2026-0001"}), Answer(kind=ACCEPTED, reference="GH-2026-0001")),
    (says(200, {"claim_id": "c1", "version": 3}), Answer(kind=ACCEPTED)),
    (says(200, {"claim_id": "c1", "reference": "测试甲"}), Answer(kind=ACCEPTED)),
    (says(200, {"claim_id": "c1", "reference": "x" * 65}), Answer(kind=ACCEPTED)),
    (says(200, {"claim_id": "c1", "reference": 7, "status": "proposed"}), Answer(kind=ACCEPTED)),
    (Reply(body=b'{"claim_id":"c1"}', headers={"content-type": "text/plain"}), Answer(kind=ACCEPTED)),
    (says(200), unproven("empty", f"200 {JSON} (0 bytes)")),
    (says(204), unproven("empty", f"204 {JSON} (0 bytes)")),
    (says(202, {"reference": "GH-1"}), unproven("no_claim", f"202 {JSON} {{reference: text}}")),
    (says(200, {"version": 2}), unproven("no_claim", f"200 {JSON} {{version: number}}")),
    (says(200, {"claim_id": "c2"}), unproven("other_claim", f"200 {JSON} {{claim_id: text}}")),
    (
        says(200, {"claim_id": "c1", "version": 1}),
        unproven("other_version", f"200 {JSON} {{claim_id: text, version: number}}"),
    ),
    (
        says(200, {"claim_id": "c1", "version": "2"}),
        unproven("other_version", f"200 {JSON} {{claim_id: text, version: text}}"),
    ),
    (
        says(200, {"code": 500, "message": "校验失败", "data": None}),
        unproven("verdict", f"200 {JSON} {{code: number, message: text, data: null}}"),
    ),
    (
        says(200, {"claim_id": "c1", "code": 500}),
        unproven("verdict", f"200 {JSON} {{claim_id: text, code: number}}"),
    ),
    (
        says(200, {"infcode": "-1", "err_msg": "测试甲"}),
        unproven("verdict", f"200 {JSON} {{infcode: text, err_msg: text}}"),
    ),
    (
        says(200, {"claim_id": "c1", "status": 400}),
        unproven("verdict", f"200 {JSON} {{claim_id: text, status: number}}"),
    ),
    *(
        (says(200, {"claim_id": "c1", name: "no"}), unproven("verdict", f"200 {JSON} {{claim_id: text, {name}: text}}"))
        for name in ("status", "result", "state", "Success", "errMsg", "ret_code", "rejected", "failure")
    ),
    (says(200, {"claim_id": "c1", "status": "received"}), Answer(kind=ACCEPTED)),
    (
        says(200, {"测试甲": {"150999198001010017": 1, "ok": True}}, retry_after="9"),
        unproven("no_claim", f"200 {JSON} {{?: {{?: number, ok: bool}}}}", retry_after=9.0),
    ),
    (says(200, [1]), unproven("no_object", f"200 {JSON} (3 bytes)")),
    (Reply(body=b"error", headers={"content-type": "text/plain"}), unproven("no_object", "200 text/plain (5 bytes)")),
    (
        Reply(body=b"<html>login</html>", headers={"content-type": "text/html; charset=gbk"}),
        unproven("html", "200 text/html (18 bytes)"),
    ),
    (Reply(body=BODY), unproven("echo", "200 – {claim_id: text, name: text}")),
    (Reply(status=200, body=b"{" * 1_000_000), unproven("too_large", "200 – (no end)")),
    (Reply(body=b'{"claim_id":"c1"}', wire="no-end"), unproven("too_large", "200 – (no end)")),
    (says(301, location="http://127.0.0.1:1/"), Answer(kind=UNAVAILABLE, code="http_301")),
    (says(302, location="http://127.0.0.1:1/"), Answer(kind=UNKNOWN, code="http_302")),
    (says(303, {"claim_id": "c1"}), Answer(kind=UNKNOWN, code="http_303")),
    (says(304), Answer(kind=UNKNOWN, code="http_304")),
    (says(307, location="http://127.0.0.1:1/"), Answer(kind=UNAVAILABLE, code="http_307")),
    (says(308, {"claim_id": "c1"}), Answer(kind=UNAVAILABLE, code="http_308")),
    (says(408), Answer(kind=UNAVAILABLE, code="http_408")),
    (says(425), Answer(kind=UNAVAILABLE, code="http_425")),
    (says(429, retry_after="30"), Answer(kind=UNAVAILABLE, code="http_429", retry_after=30.0)),
    (says(503, retry_after="7200"), Answer(kind=UNAVAILABLE, code="http_503", retry_after=7200.0)),
    (says(503, {"claim_id": "c1", "code": "busy"}), Answer(kind=UNAVAILABLE, code="http_503")),
    (says(500, {"claim_id": "c1", "version": 2}), Answer(kind=UNKNOWN, code="http_500")),
    (says(502), Answer(kind=UNKNOWN, code="http_502")),
    (says(504, retry_after="9"), Answer(kind=UNKNOWN, code="http_504", retry_after=9.0)),
    (says(600, {"claim_id": "c1"}), Answer(kind=UNKNOWN, code="http_600")),
    (says(409, {"claim_id": "c1", "version": 2}), Answer(kind=ACCEPTED, code="already_held")),
    (
        says(409, {"claim_id": "c1", "version": 5, "reference": "R5"}),
        Answer(kind=ACCEPTED, code="already_held", reference="R5"),
    ),
    (problem(409, claim_id="c1", version=1, code="lower_version"), Answer(kind=REFUSED, code="lower_version")),
    (problem(409, claim_id="c1", version=1), Answer(kind=REFUSED, code="refused")),
    (says(409), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"version": 2}), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"claim_id": "c2", "version": 2}), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"claim_id": "c1", "version": "2"}), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"claim_id": "c1", "version": True}), Answer(kind=UNKNOWN, code="http_409")),
    (says(409, {"claim_id": "c1", "version": 0}), Answer(kind=UNKNOWN, code="http_409")),
    (
        problem(422, claim_id="c1", code="no_such_member", detail="测试甲 不在册"),
        Answer(kind=REFUSED, code="no_such_member"),
    ),
    (problem(422, claim_id="c1", type="urn:inbox:key-reused"), Answer(kind=REFUSED, code="urn:inbox:key-reused")),
    (problem(422, claim_id="c1", type="about:blank", title="测试甲"), Answer(kind=REFUSED, code="refused")),
    (problem(422, claim_id="c1", code="测试甲"), Answer(kind=REFUSED, code="refused")),
    (problem(422, claim_id="c1", code="150999198001010017"), Answer(kind=REFUSED, code="refused")),
    (problem(422, claim_id="c1", code="born-19800101"), Answer(kind=REFUSED, code="refused")),
    (problem(422, claim_id="c1", code="E400123"), Answer(kind=REFUSED, code="E400123")),
    (problem(422, claim_id="c1", code="x" * 65), Answer(kind=REFUSED, code="refused")),
    (problem(422, claim_id="c1", code={"a": 1}), Answer(kind=REFUSED, code="refused")),
    (Reply(status=422, body=b'{"claim_id":"c1"'), Answer(kind=UNAVAILABLE, code="http_422")),
    (Reply(status=422, body=b"[" * 50_000), Answer(kind=UNAVAILABLE, code="http_422")),
    (Reply(status=400, body=b'{"claim_id":"c1","x":"' + b"x" * 1_000_000), Answer(kind=UNAVAILABLE, code="http_400")),
    (Reply(wire="drop"), Answer(kind=UNKNOWN, code="no_answer")),
    (Reply(body=b'{"claim_id":"c1"}', wire="half"), Answer(kind=UNKNOWN, code="no_answer")),
]


@pytest.mark.parametrize(("reply", "answer"), SENT, ids=[f"{n}-{reply.status}" for n, (reply, _) in enumerate(SENT)])
def test_what_an_answer_to_a_delivery_means(server: LocalServer, inbox: Inbox, reply: Reply, answer: Answer) -> None:
    inbox.fault = lambda seen: reply
    assert send(http_json(server.address, quick_tries=5), version=2) == answer
    # One attempt is one request, whatever was answered.
    assert len(server.seen) == 1


ASKED: list[tuple[Reply, Answer]] = [
    (says(200, {"claim_id": "c1", "version": 2, "status": "paid"}), Answer(kind=ACCEPTED, code="already_held")),
    (
        says(200, {"claim_id": "c1", "version": 2, "status": 500}),
        unproven("verdict", f"200 {JSON} {{claim_id: text, version: number, status: number}}"),
    ),
    (says(200, {"claim_id": "c1", "version": 2}), Answer(kind=ACCEPTED, code="already_held")),
    (
        says(200, {"claim_id": "c1", "version": 3, "reference": "R3"}),
        Answer(kind=ACCEPTED, code="already_held", reference="R3"),
    ),
    (says(200, {"claim_id": "c1", "version": 1}), Answer(kind=ABSENT, code="earlier_version")),
    (problem(404, code="unknown_claim"), Answer(kind=ABSENT, code="http_404")),
    (says(404, {"claim_id": "c1"}), Answer(kind=ABSENT, code="http_404")),
    # A proxy in front of it knows nothing of claims.
    (says(404), Answer(kind=UNKNOWN, code="http_404")),
    (Reply(status=404, body=b"<html>404</html>"), Answer(kind=UNKNOWN, code="http_404")),
    (says(404, {"code": 404, "msg": "no route"}), Answer(kind=UNKNOWN, code="http_404")),
    (says(404, {"code": "404"}), Answer(kind=UNKNOWN, code="http_404")),
    (says(200, {"version": 3}), unproven("no_claim", f"200 {JSON} {{version: number}}")),
    (
        says(200, {"claim_id": "c2", "version": 2}),
        unproven("other_claim", f"200 {JSON} {{claim_id: text, version: number}}"),
    ),
    (says(200, {"claim_id": "c1"}), unproven("no_version", f"200 {JSON} {{claim_id: text}}")),
    (
        says(200, {"claim_id": "c1", "version": "2"}),
        unproven("no_version", f"200 {JSON} {{claim_id: text, version: text}}"),
    ),
    (
        says(200, {"claim_id": "c1", "version": 2, "success": False}),
        unproven("verdict", f"200 {JSON} {{claim_id: text, version: number, success: bool}}"),
    ),
    (says(200, [2]), unproven("no_object", f"200 {JSON} (3 bytes)")),
    (says(204), unproven("empty", f"204 {JSON} (0 bytes)")),
    (Reply(body=b"<html></html>"), unproven("no_object", "200 – (13 bytes)")),
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


RULED: list[tuple[dict[str, Any], Any, str]] = [
    ({"equals": (("code", "0"),)}, {"code": 0}, ""),
    ({"equals": (("code", "0"),)}, {"code": "0", "message": "ok"}, ""),
    ({"equals": (("infcode", "0"),)}, {"infcode": "-1"}, "other_value"),
    ({"equals": (("code", "0"),)}, {"code": False}, "other_value"),
    ({"equals": (("code", "0"),)}, {"code": None}, "other_value"),
    ({"equals": (("code", "0"),)}, {"data": {"code": 0}}, "other_value"),
    ({"equals": (("success", "true"), ("data.state", "ok"))}, {"success": True, "data": {"state": "ok"}}, ""),
    ({"equals": (("success", "true"), ("data.state", "ok"))}, {"success": True, "data": "ok"}, "other_value"),
    ({"equals": (("code", "0"),)}, {"code": 0, "claim_id": "c2"}, "other_claim"),
    ({"claim": "data.id", "version": "data.v"}, {"code": 0, "data": {"id": "c1", "v": 2}}, ""),
    ({"claim": "data.id"}, {"code": 0, "data": {"id": "c1"}}, ""),
    ({"claim": "data.id", "version": "data.v"}, {"data": {"id": "c1"}}, "other_version"),
    ({"claim": "data.id", "version": "data.v"}, {"data": {"id": "c1", "v": 1}}, "other_version"),
    ({"claim": "data.id"}, {"data": {"id": "c2"}}, "other_claim"),
    ({"claim": "data.id"}, {"claim_id": "c1"}, "no_claim"),
    ({"claim": "data.id"}, {"data": None}, "no_claim"),
    ({"reference": "data.lsh"}, {"data": {"lsh": "GH7"}}, ""),
    ({"reference": "data.lsh"}, {"data": {"lsh": ""}}, "no_reference"),
    ({"reference": "data.lsh"}, {"data": {"lsh": 7}}, "no_reference"),
    ({"reference": "data.lsh"}, {"reference": "GH7"}, "no_reference"),
]


@pytest.mark.parametrize(("rule", "told", "missing"), RULED, ids=range(len(RULED)))
def test_what_the_file_demands_of_an_answer(
    server: LocalServer, inbox: Inbox, rule: dict[str, Any], told: Any, missing: str
) -> None:
    inbox.fault = lambda seen: says(200, told)
    answer = send(http_json(server.address, accepted=Proof(**rule)), version=2)
    assert (answer.kind, answer.code) == ((UNKNOWN, f"unproven/{missing}") if missing else (ACCEPTED, ""))
    assert answer.reference == ("GH7" if "reference" in rule and not missing else None)


def test_a_rule_holds_for_questions_as_well(server: LocalServer, inbox: Inbox) -> None:
    rule = Proof(claim="data.id", version="data.v", equals=(("code", "0"),))
    sender = http_json(server.address, accepted=rule)
    inbox.fault = lambda seen: says(200, {"code": 0, "data": {"id": "c1", "v": 2}})
    assert sender.ask("c1", version=2, now=NOW) == Answer(kind=ACCEPTED, code="already_held")
    inbox.fault = lambda seen: says(200, {"code": 7, "data": {"id": "c1", "v": 2}})
    assert sender.ask("c1", version=2, now=NOW).code == "unproven/other_value"
    inbox.fault = lambda seen: says(200, {"code": 0, "claim_id": "c1", "version": 2})
    assert sender.ask("c1", version=2, now=NOW).code == "unproven/no_claim"


@pytest.mark.parametrize("wire", ["hang", "drip", "drip-headers", "continue"])
def test_an_exchange_has_one_deadline(server: LocalServer, inbox: Inbox, wire: Any) -> None:
    inbox.fault = lambda seen: Reply(body=b'{"claim_id":"c1","version":1}', wire=wire)
    sender = http_json(server.address, timeout_seconds=0.3, quick_tries=5)
    began = time.monotonic()
    assert send(sender) == Answer(kind=UNKNOWN, code="no_answer")
    assert sender.ask("c1", version=1, now=NOW) == Answer(kind=UNAVAILABLE, code="no_answer")
    assert len(server.seen) == 2
    # Without a deadline for the whole it would last as long as the server likes.
    assert time.monotonic() - began < 10


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
