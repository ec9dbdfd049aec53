"""The association's inbox: each claim once in effect, whatever is sent how often; and what its page shows."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from by_hand import http_json

from connectors.transport import webhook
from gateway.model.claim import Answer, AnswerKind
from gateway.model.clock import SHANGHAI
from gateway.sandbox.faults import Faults
from gateway.sandbox.inbox import Inbox
from gateway.sandbox.inbox_book import FILE, InboxBook
from gateway.sandbox.inbox_page import masked
from gateway.sandbox.signing import webhook_headers, webhook_is_authentic

SECRET = "whsec_" + "aHViYW8tc2FuZGJveC10ZXN0LXNlY3JldC0wMQ=="
NOW = int(time.time())


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox.start(tmp_path, secret=SECRET) as running:
        yield running


def claim(claim_id: str = "HBA", version: int = 1, **changed: Any) -> bytes:
    body = {
        "claim_id": claim_id,
        "version": version,
        "status": "proposed",
        "member": {"name": "额尔敦·朝鲁", "id_number": "150999198001010017", "unit_name": "测试厂"},
        "stay": {"kind": "inpatient", "facility_name": "示范医院", "admitted_on": "2022-05-01"},
        "edition": "2021",
        "payable": "2580.00",
        "lines": [
            {"rule": "band", "article": "第十条第一项", "amount": "2400.00", "text": "<b>一万元以内</b>"},
            {"rule": "daily_allowance", "article": "第十条第五项", "amount": "180.00", "text": "9 天"},
        ],
        "flags": ["late"],
        "needs_person": True,
        "claim_by": "2022-08-08",
    }
    return msgspec.json.encode(body | changed)


def post(inbox: Inbox, body: bytes, *, key: str | None = None, at: int = 0, secret: str = SECRET) -> httpx.Response:
    head = msgspec.json.decode(body)
    key = f"{head['claim_id']}-v{head['version']}" if key is None else key
    headers = webhook_headers(secret, message_id=key or "m", timestamp=at or int(time.time()), body=body)
    return httpx.post(
        f"{inbox.address}/claims", content=body, headers=headers | {"idempotency-key": key}, trust_env=False
    )


def get(inbox: Inbox, claim_id: str) -> httpx.Response:
    headers = webhook_headers(SECRET, message_id="q", timestamp=int(time.time()), body=b"")
    return httpx.get(f"{inbox.address}/claims/{claim_id}", headers=headers, trust_env=False)


def test_a_repeat_gets_the_first_answer_and_has_no_effect(inbox: Inbox) -> None:
    first, second = post(inbox, claim()), post(inbox, claim())
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 201
    (held,) = inbox.book.held()
    assert (held.effects, held.attempts) == (1, 2)
    assert inbox.summary()["outcomes"] == {"accepted": 1, "repeat": 1}


def test_the_same_key_with_another_body_is_refused(inbox: Inbox) -> None:
    post(inbox, claim())
    refused = post(inbox, claim(payable="1.00"), key="HBA-v1")
    assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
    assert inbox.summary()["effects"] == 1


def test_a_lower_version_is_told_what_is_held(inbox: Inbox) -> None:
    post(inbox, claim(version=2, status="amended"))
    late = post(inbox, claim(version=1))
    assert (late.status_code, late.json()) == (409, {"claim_id": "HBA", "version": 2})
    assert get(inbox, "HBA").json() == {"claim_id": "HBA", "version": 2, "status": "amended"}


def test_a_claim_sent_under_two_keys_is_seen_to_be_doubled(inbox: Inbox) -> None:
    post(inbox, claim(), key="one")
    post(inbox, claim(), key="two")
    assert inbox.summary()["doubled"] == 1


def test_versions_replace_and_a_withdrawal_takes_back(inbox: Inbox) -> None:
    post(inbox, claim("HBA", 1))
    post(inbox, claim("HBA", 2, status="amended", payable="2600.00"))
    post(inbox, claim("HBB", 1))
    post(inbox, msgspec.json.encode({"claim_id": "HBB", "version": 2, "status": "withdrawn", "reason": "r"}))
    summary = inbox.summary()
    assert (summary["claims"], summary["versions"], summary["withdrawn"]) == (2, 4, 1)
    assert summary["payable"] == "2600.00"
    assert get(inbox, "HBB").json()["status"] == "withdrawn"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"secret": "whsec_" + "b3RoZXItc2FuZGJveC10ZXN0LXNlY3JldC0wMQ=="}, 401),
        ({"at": NOW - 4000}, 401),
        ({"at": NOW + 4000}, 401),
        ({"key": ""}, 400),
    ],
)
def test_what_does_not_prove_itself_is_turned_away(inbox: Inbox, change: dict[str, Any], status: int) -> None:
    assert post(inbox, claim(), **change).status_code == status
    assert inbox.summary()["versions"] == 0
    assert inbox.summary()["attempts"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        claim(version=0),
        claim(version="1"),
        claim(status="paid"),
        claim(claim_id=""),
        claim(payable="1e3"),
    ],
)
def test_what_is_no_claim_is_refused(inbox: Inbox, body: bytes) -> None:
    headers = webhook_headers(SECRET, message_id="m", timestamp=int(time.time()), body=body)
    reply = httpx.post(
        f"{inbox.address}/claims", content=body, headers=headers | {"idempotency-key": "k"}, trust_env=False
    )
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
    assert inbox.summary()["versions"] == 0


def test_a_question_must_be_signed_too_and_may_be_about_nothing(inbox: Inbox) -> None:
    assert httpx.get(f"{inbox.address}/claims/HBA", trust_env=False).status_code == 401
    assert get(inbox, "HBA").status_code == 404
    assert httpx.get(f"{inbox.address}/nowhere", trust_env=False).status_code == 404
    assert httpx.put(f"{inbox.address}/claims", trust_env=False).status_code in (405, 501)


def test_what_was_accepted_is_there_after_a_restart(tmp_path: Path) -> None:
    with Inbox.start(tmp_path, secret=SECRET) as first:
        answer = post(first, claim())
    with Inbox.start(tmp_path, secret=SECRET) as second:
        assert post(second, claim()).content == answer.content
        assert second.summary()["effects"] == 1


def test_many_senders_at_once_have_one_effect(inbox: Inbox) -> None:
    threads = [threading.Thread(target=post, args=(inbox, claim())) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (held,) = inbox.book.held()
    assert (held.effects, held.attempts) == (1, 12)


def test_the_gateways_sender_is_accepted_and_its_unknown_outcome_can_be_asked(tmp_path: Path) -> None:
    faults = Faults.parse(["POST /claims:2:lost", "POST /claims:3:refused", "POST /claims:4:busy"])
    with Inbox.start(tmp_path, secret=SECRET, faults=faults) as inbox:
        sender = http_json(address=inbox.address, secret=SECRET, quick_tries=1)
        now = datetime.now(SHANGHAI)

        def send(claim_id: str) -> AnswerKind:
            key = f"{claim_id}-v1"
            body = claim(claim_id)
            return sender.send(body, claim_id=claim_id, version=1, idempotency_key=key, now=now).kind

        assert send("HBA") is AnswerKind.ACCEPTED
        assert send("HBB") is AnswerKind.UNKNOWN
        assert sender.ask("HBB", version=1, now=now).kind is AnswerKind.ACCEPTED
        assert sender.ask("HBC", version=1, now=now).kind is AnswerKind.ABSENT
        # A no that names no claim may be the address's alone.
        assert send("HBC") is AnswerKind.UNAVAILABLE
        assert send("HBD") is AnswerKind.UNAVAILABLE
        assert send("HBB") is AnswerKind.ACCEPTED
        other_body = claim("HBB", payable="1.00")
        reused = sender.send(other_body, claim_id="HBB", version=1, idempotency_key="HBB-v1", now=now)
        assert reused == Answer(kind=AnswerKind.REFUSED, code="key_reused")
        assert inbox.summary()["doubled"] == 0
        assert sorted(held.claim_id for held in inbox.book.held()) == ["HBA", "HBB"]


def test_both_sides_sign_alike() -> None:
    ours = webhook_headers(SECRET, message_id="m1", timestamp=NOW, body=b"{}")
    assert ours == webhook.sign(SECRET, message_id="m1", timestamp=NOW, body=b"{}")
    assert webhook_is_authentic(SECRET, ours, b"{}", now=NOW + 300)
    assert not webhook_is_authentic(SECRET, ours, b"{}", now=NOW + 301)
    assert not webhook_is_authentic(SECRET, ours, b"{ }", now=NOW)
    assert not webhook_is_authentic(SECRET, ours | {"webhook-timestamp": "-1"}, b"{}", now=NOW)
    two = ours | {"webhook-signature": f"v1,AAAA {ours['webhook-signature']}"}
    assert webhook_is_authentic(SECRET, two, b"{}", now=NOW)


def test_the_page_shows_lines_and_articles_and_hides_who_it_is(inbox: Inbox) -> None:
    post(inbox, claim("HBA", 1))
    post(inbox, claim("HBA", 2, status="amended", payable="2600.00"))
    post(inbox, msgspec.json.encode({"claim_id": "HBC", "version": 1, "status": "withdrawn", "reason": "退费"}))
    page = httpx.get(f"{inbox.address}/", trust_env=False).text
    assert "第十条第一项" in page
    assert "2600.00 元" in page
    assert "第 1 版 预填 2580.00" in page
    assert "撤回原因：退费" in page
    assert page.index("HBC") < page.index("HBA"), "the newest comes first"
    assert "额*****" in page
    assert "朝鲁" not in page
    assert "150999" not in page
    assert "&lt;b&gt;一万元以内" in page, "text from outside is never markup"
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_an_empty_inbox_says_so(inbox: Inbox) -> None:
    assert "还没有收到申领" in httpx.get(f"{inbox.address}/", trust_env=False).text


@pytest.mark.parametrize(("name", "shown"), [("张三", "张*"), ("", "—"), (None, "—"), (7, "—")])
def test_names_are_masked(name: Any, shown: str) -> None:
    assert masked(name) == shown


def test_the_inbox_runs_as_a_process_and_survives_being_killed(tmp_path: Path) -> None:
    def start() -> tuple[subprocess.Popen[bytes], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.sandbox.inbox", "--folder", str(tmp_path), "--secret-env", "INBOX_S"],
            stdout=subprocess.PIPE,
            env={**os.environ, "INBOX_S": SECRET},
            cwd=Path(__file__).parents[2],
        )
        return process, msgspec.json.decode(process.stdout.readline())["address"]

    def send(address: str, body: bytes) -> int:
        headers = webhook_headers(SECRET, message_id="k", timestamp=int(time.time()), body=body)
        headers |= {"idempotency-key": "k"}
        return httpx.post(f"{address}/claims", content=body, headers=headers, trust_env=False).status_code

    process, address = start()
    assert send(address, claim()) == 201
    process.kill()
    process.wait()
    process.stdout.close()

    process, address = start()
    assert send(address, claim()) == 201
    assert httpx.get(f"{address}/api/summary", trust_env=False).json()["effects"] == 1
    reader = sqlite3.connect(tmp_path / FILE)
    assert reader.execute("select count(*) from effect").fetchone() == (1,)
    reader.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    process.stdout.close()


def test_the_process_says_which_secret_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.sandbox.inbox", "--folder", str(tmp_path), "--secret-env", "NOT_SET_X"],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 2
    assert "NOT_SET_X" in done.stderr.decode()


def test_the_book_can_be_read_while_the_inbox_runs(inbox: Inbox, tmp_path: Path) -> None:
    post(inbox, claim())
    second = InboxBook(tmp_path)
    assert second.latest("HBA") == (1, "proposed")
    second.close()
