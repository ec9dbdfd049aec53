"""At the door: what is refused by its head, what gzip may hold, and which part failed, told to the log alone."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from builders import EAST_AND_WEST, content, row
from web_side import (
    ASSOCIATION_SECRET,
    ENVIRONMENT,
    LEAGUE_SECRET,
    OTHER_SECRET,
    Side,
    at_work,
    page_states,
    problem,
)

from gateway import wiring
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import page_bytes
from gateway.web import refusals
from gateway.web.app import make_app
from gateway.web.refusals import OnceAMinute

if TYPE_CHECKING:
    from conftest import MakeOffice

SMALL = EAST_AND_WEST["east"].replace("[legal]", "body_limit_mib = 1\n[legal]")
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(refusals, "_pace", OnceAMinute())


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return make_office(sqlite_url, feeds={"east": SMALL})


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


# ── compressed bodies ──


def pushed(side: Side, body: bytes, encoding: str) -> httpx.Response:
    return side.push_bytes(body, headers=side.signed(body, secret=LEAGUE_SECRET) | {"content-encoding": encoding})


def test_a_gzip_body_is_proved_as_sent_and_kept_unpacked(side: Side) -> None:
    plain = content([row("S1", 1)])
    answer = pushed(side, gzip.compress(plain, mtime=0), "gzip")
    assert answer.status_code == 202
    with side.office.store.read() as tx:
        assert page_bytes(tx, side.office, int(answer.json()["page"])) == plain


def test_a_signature_over_the_unpacked_body_proves_nothing(side: Side) -> None:
    plain = content([row("S1", 1)])
    headers = side.signed(plain, secret=LEAGUE_SECRET) | {"content-encoding": "gzip"}
    problem(side.push_bytes(gzip.compress(plain, mtime=0), headers=headers), 401, "not_authentic")


@pytest.mark.parametrize(("size", "status"), [(MIB, 202), (MIB + 1, 413), (200 * MIB, 413)])
def test_gzip_is_unpacked_up_to_the_limit_of_a_body(side: Side, size: int, status: int) -> None:
    assert pushed(side, gzip.compress(bytes(size), mtime=0), "gzip").status_code == status
    assert len(page_states(side.office)) == (status == 202)


def test_what_is_no_gzip_is_refused(side: Side) -> None:
    problem(pushed(side, content([row("S1", 1)]), "gzip"), 422, "not_gzip")
    assert page_states(side.office) == []


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "utf-8"])
def test_any_other_encoding_is_refused_at_once(side: Side, encoding: str) -> None:
    answer = pushed(side, b"x", encoding)
    problem(answer, 415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "gzip"
    headers = side.signed(b"{}", secret=ASSOCIATION_SECRET) | {"content-encoding": encoding}
    lookup = side.client.post("/api/v1/associations/nm/lookups", content=b"{}", headers=headers)
    problem(lookup, 415, "unsupported_encoding")


def test_an_association_may_pack_its_requests_too(side: Side) -> None:
    wish = b'{"action":"lookups","purpose":"claim","consent":"SQ-1","member_no":"M99999","wait_seconds":60}'
    packed = gzip.compress(wish, mtime=0)
    headers = side.signed(packed, secret=ASSOCIATION_SECRET) | {"content-encoding": "gzip"}
    answer = side.client.post("/api/v1/associations/nm/lookups", content=packed, headers=headers)
    assert (answer.status_code, answer.json()["claims"]) == (200, [])


# ── by the head, before the body ──


def told_unread(office: Office, path: str, headers: dict[str, str]) -> int:
    """The status of a request whose body must not be asked for."""
    app, sent = make_app(office, wiring.doors(), start_scheduler=False), []

    async def no_body() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def converse() -> None:
        await app(scope, no_body, keep)

    anyio.run(converse)
    status: int = sent[0]["status"]
    return status


PUSH, LOOKUP = "/api/v1/feeds/east/push", "/api/v1/associations/nm/lookups"


@pytest.mark.parametrize("path", [PUSH, LOOKUP, PUSH.replace("east", "nobody"), LOOKUP.replace("nm", "nobody")])
@pytest.mark.parametrize("wrong", ["unsigned", "stale", "dotted"])
def test_a_request_that_proves_nothing_by_its_head_is_refused_unread(office: Office, path: str, wrong: str) -> None:
    now = int(office.now().timestamp())
    right = {"webhook-id": "m-1", "webhook-timestamp": str(now), "webhook-signature": "v1,AAAA"}
    changed = {"unsigned": {}, "stale": {"webhook-timestamp": str(now - 301)}, "dotted": {"webhook-id": "m.1"}}
    headers = {} if wrong == "unsigned" else right | changed[wrong]
    assert told_unread(office, path, headers) == 401


@pytest.mark.parametrize("path", [PUSH, LOOKUP, PUSH.replace("east", "nobody"), LOOKUP.replace("nm", "nobody")])
def test_the_body_is_asked_for_whether_the_name_is_there_or_not(office: Office, path: str) -> None:
    now = str(int(office.now().timestamp()))
    headers = {"webhook-id": "m-1", "webhook-timestamp": now, "webhook-signature": "v1,AAAA"}
    with pytest.raises(AssertionError, match="the body was read"):
        told_unread(office, path, headers)


def answers_to_anybody(side: Side, name: str, size: int) -> list[tuple[int, bytes]]:
    """What a stranger is answered who tries a name at both doors."""
    body = bytes(size)
    headers = side.signed(body, secret=OTHER_SECRET)
    addresses = (f"/api/v1/feeds/{name}/push", f"/api/v1/associations/{name}/lookups")
    answers = [side.client.post(address, content=body, headers=headers) for address in addresses]
    return [(answer.status_code, answer.content) for answer in answers]


@pytest.mark.parametrize("missing", [None, "HUBAO_TEST_SECRET", "HUBAO_NM_REQUESTS_SECRET"])
@pytest.mark.parametrize("size", [10, 60_000])
def test_no_answer_tells_a_stranger_which_names_there_are(
    side: Side, monkeypatch: pytest.MonkeyPatch, missing: str | None, size: int
) -> None:
    if missing:
        monkeypatch.delenv(missing)
    told = [answers_to_anybody(side, name, size) for name in ("east", "nm", "nobody", "150999199001010012")]
    assert told[1:] == told[:1] * 3


def test_who_lacks_a_secret_tells_every_sender_to_come_again(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBAO_TEST_SECRET")
    assert [status for status, _ in answers_to_anybody(side, "nobody", 10)] == [503, 401]
    monkeypatch.delenv("HUBAO_NM_REQUESTS_SECRET")
    assert [status for status, _ in answers_to_anybody(side, "nobody", 10)] == [503, 503]


@pytest.mark.parametrize("path", [PUSH, LOOKUP, PUSH.replace("east", "nobody"), LOOKUP.replace("nm", "nobody")])
def test_a_length_over_every_limit_is_refused_unread(office: Office, path: str) -> None:
    assert told_unread(office, path, {"content-length": str(16 * MIB + 1)}) == 413


# ── which part failed ──


def failures(side: Side) -> dict[str, dict[str, str]]:
    right = side.signed(b"x", secret=LEAGUE_SECRET)
    seconds = int(right["webhook-timestamp"])
    return {
        "毫秒": right | {"webhook-timestamp": f"{seconds}000"},
        "svix-": {name.replace("webhook", "svix"): value for name, value in right.items()},
        "相差 -301 秒": side.signed(b"x", secret=LEAGUE_SECRET, age=301),
        "相差 +301 秒": side.signed(b"x", secret=LEAGUE_SECRET, age=-301),
        "句点": side.signed(b"x", secret=LEAGUE_SECRET, message_id="m.1"),
        "webhook-signature": side.signed(b"x", secret=OTHER_SECRET),
        "缺少头 (missing headers): webhook-id": {k: v for k, v in right.items() if k != "webhook-id"},
    }


PARTS = [
    "毫秒",
    "svix-",
    "相差 -301 秒",
    "相差 +301 秒",
    "句点",
    "webhook-signature",
    "缺少头 (missing headers): webhook-id",
]


@pytest.mark.parametrize("part", PARTS)
def test_the_log_says_which_part_failed_and_the_answer_does_not(
    side: Side, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    told = problem(side.push_bytes(b"x", headers=failures(side)[part]), 401, "not_authentic")
    assert part in caplog.text
    assert "feed east" in caplog.text
    assert told["detail"] == ""
    assert page_states(side.office) == []


def test_a_name_that_is_not_ours_stays_out_of_the_log(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    side.push_bytes(b"x", feed="150999199001010012")
    assert "feed ?: " in caplog.text
    assert "150999199001010012" not in caplog.text


def test_the_log_is_told_once_a_minute_and_how_often(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hubao.web"):
        for age in range(400, 430):
            side.push_bytes(b"x", headers=side.signed(b"x", secret=LEAGUE_SECRET, age=age))
    assert len([record for record in caplog.records if record.name == "hubao.web"]) == 1


def test_what_was_left_out_is_counted_when_a_minute_has_passed() -> None:
    clock = [0.0]
    pace = OnceAMinute(lambda: clock[0])
    assert pace.line("one 1") == "one 1"
    assert [pace.line(f"one {number}") for number in range(5)] == [None] * 5
    assert pace.line("two") == "two"
    clock[0] = 60.0
    assert pace.line("one 9") == "one 9；此前另有 5 次 (5 more before)"
    clock[0] = 120.0
    assert pace.line("one 9") == "one 9"
