"""A league pushes: the answer goes out when the page is durable, and not before; nothing counts twice."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from threading import Barrier
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from builders import EAST_AND_WEST, adds_up, content, enrolled, live, open_items, page, row, who
from web_side import ENVIRONMENT, LEAGUE_SECRET, OTHER_SECRET, Side, at_work, page_states, problem, served, wait_until

from gateway import wiring
from gateway.errors import Unavailable
from gateway.flow.intake import night
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import page_bytes, store_page
from gateway.store import pages, schema
from gateway.store.engine import Store, open_store
from gateway.web.app import make_app

if TYPE_CHECKING:
    from conftest import MakeOffice

SMALL = EAST_AND_WEST["east"].replace("[legal]", "body_limit_mib = 1\n[legal]")
CLOSED = EAST_AND_WEST["west"].replace('owner = "test"', 'owner = "test"\nenabled = false')
FEEDS = {"east": SMALL, "closed": CLOSED.replace("west", "closed"), "west": EAST_AND_WEST["west"]}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return make_office(sqlite_url, feeds=FEEDS)


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


@pytest.fixture
def either(make_office: MakeOffice, database_url: str) -> Iterator[Side]:
    """On both databases."""
    with at_work(make_office(database_url, feeds=FEEDS)) as side:
        yield side


# ── durable before the answer ──


def test_when_the_answer_begins_another_connection_sees_the_page(office: Office, sqlite_url: str) -> None:
    app, seen = make_app(office, wiring.doors(), start_scheduler=False), []

    async def watched(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        async def look_first(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.append(stored_pages(sqlite_url))
            await send(message)

        await app(scope, receive, look_first)

    with served(watched, office) as side:
        assert seen == []
        answer = side.push(row("S1", 1))
    assert (answer.status_code, answer.json()) == (202, {"page": "1", "new": True})
    assert seen == [1]


def stored_pages(url: str) -> int:
    """Pages with their bytes, as a stranger to the first connection sees them."""
    store = open_store(url, site=Path())
    with store.read() as tx:
        held = [page for page in tx.execute(schema.page.select()) if page.sealed is not None]
    store.close()
    return len(held)


class Failing(Store):
    """A database that has gone away."""

    def __init__(self) -> None:
        pass

    @contextmanager
    def write(self) -> Any:
        raise Unavailable("gone")
        yield

    read = write


def test_without_a_database_nothing_is_taken(office: Office) -> None:
    with at_work(replace(office, store=Failing())) as side:
        problem(side.push(row("S1", 1)), 503, "unavailable")
    assert page_states(office) == []


def test_a_crash_at_the_commit_is_no_answer_of_success(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = who(1).name

    def crash(*_: Any, **__: Any) -> int:
        raise KeyError(name)

    monkeypatch.setattr(pages, "add", crash)
    told = problem(side.push(row("S1", 1)), 500, "internal")
    assert page_states(side.office) == []
    assert name not in str(told)
    assert "KeyError" in caplog.text
    assert name not in caplog.text


# ── what follows, after the answer ──


def test_what_follows_is_worked_behind_the_answer(either: Side) -> None:
    enrolled(either.office, 1)
    assert either.push(row("S1", 1), row("S2", 2)).status_code == 202
    wait_until(lambda: page_states(either.office) == ["done"])
    assert [claim["body"]["member"]["member_no"] for claim in live(either.office)] == ["M00001"]
    assert adds_up(either.office) == {"member": 1, "stranger": 1}


def test_pages_left_by_a_crash_are_worked_at_the_start(office: Office) -> None:
    enrolled(office, 1)
    store_page(office, "east", page(row("S1", 1)))
    assert page_states(office) == ["stored"]
    with at_work(office):
        wait_until(lambda: page_states(office) == ["done"])
    assert len(live(office)) == 1


def test_a_page_that_breaks_the_program_holds_up_no_other(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    work, name = night.process_page, who(1).name

    def breaks(office: Office, seq: int, *more: Any) -> Any:
        if seq == 1:
            raise KeyError(name)
        return work(office, seq, *more)

    monkeypatch.setattr(night, "process_page", breaks)
    with caplog.at_level(logging.ERROR):
        side.push(row("S1", 1))
        side.push(row("S2", 2))
        wait_until(lambda: page_states(side.office) == ["stored", "done"])
    assert "KeyError" in caplog.text
    assert name not in caplog.text


def test_a_failure_to_look_for_waiting_pages_alarms_and_is_made_good(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look = pages.waiting
    name = who(1).name

    def fails(*_: Any, **__: Any) -> Any:
        raise KeyError(name)

    monkeypatch.setattr(pages, "waiting", fails)
    assert side.push(row("S1", 1)).status_code == 202
    wait_until(lambda: "work waiting pages failed: KeyError" in caplog.text)
    assert name not in caplog.text
    monkeypatch.setattr(pages, "waiting", look)
    side.push(row("S2", 2))
    wait_until(lambda: page_states(side.office) == ["done", "done"])


def test_bytes_nobody_can_read_are_kept_for_a_person(side: Side) -> None:
    assert side.push_bytes(b"\xff\xfe not a page").status_code == 202
    assert side.push_bytes(b"").status_code == 202
    wait_until(lambda: page_states(side.office) == ["bad", "bad"])
    assert [kind for kind, *_ in open_items(side.office)] == ["quarantine", "quarantine"]


# ── nothing twice ──


def test_a_replay_changes_nothing(either: Side) -> None:
    enrolled(either.office, 1)
    first = either.push(row("S1", 1), message_id="once")
    wait_until(lambda: page_states(either.office) == ["done"])
    before = live(either.office)
    again = either.push(row("S1", 1), message_id="once", age=-20)
    assert (first.status_code, first.json()["new"]) == (202, True)
    assert (again.status_code, again.json()) == (200, {"page": first.json()["page"], "new": False})
    assert page_states(either.office) == ["done"]
    assert live(either.office) == before


def test_the_same_delivery_eight_times_at_one_moment_is_one_page(either: Side) -> None:
    body = content([row(f"S{number}", number) for number in range(200)])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: either.push_bytes(body, message_id="once"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert {answer.json()["page"] for answer in answers} == {"1"}
    assert len(page_states(either.office)) == 1


def test_many_at_one_moment_are_each_kept_to_the_last_byte(either: Side) -> None:
    # Two megabytes each, so that they are compressed at the same time and not one after another.
    bodies = [Random(number).randbytes(500) * 4000 for number in range(16)]
    start = Barrier(8)

    def push(body: bytes) -> str:
        start.wait(30)
        return str(either.push_bytes(body, feed="west").json()["page"])

    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(push, bodies))
    assert sorted(map(int, places)) == list(range(1, 17))
    for place, body in zip(places, bodies, strict=True):
        with either.office.store.read() as tx:
            assert page_bytes(tx, either.office, int(place)) == body


def test_two_workers_on_the_same_page_work_it_once(either: Side) -> None:
    office = either.office
    enrolled(office, *range(20))
    with ThreadPoolExecutor(4) as pool:
        for number in range(5):
            seq = int(either.push(*(row(f"S{number}-{one}", one) for one in range(20))).json()["page"])
            list(pool.map(lambda place: process_page(office, place), [seq] * 4))
    wait_until(lambda: page_states(office) == ["done"] * 5)
    assert adds_up(office) == {"member": 100}


def test_two_workers_on_the_same_unreadable_page_ask_a_person_once(either: Side) -> None:
    with ThreadPoolExecutor(4) as pool:
        seq = int(either.push_bytes(b"not a page").json()["page"])
        list(pool.map(lambda place: process_page(either.office, place), [seq] * 4))
    wait_until(lambda: page_states(either.office) == ["bad"])
    assert len(open_items(either.office)) == 1


# ── who may push ──


@pytest.mark.parametrize("age", [301, 100_000, -301])
def test_a_stale_or_early_timestamp_is_refused(side: Side, age: int) -> None:
    told = problem(side.push(row("S1", 1), age=age), 401, "not_authentic")
    assert told["detail"] == ""
    assert page_states(side.office) == []


@pytest.mark.parametrize("age", [300, -300])
def test_the_window_is_five_minutes_either_way(side: Side, age: int) -> None:
    assert side.push(row("S1", 1), age=age).status_code == 202


def test_a_forged_push_is_refused(side: Side) -> None:
    body = content([row("S1", 1)])
    right = side.signed(body, secret=LEAGUE_SECRET)
    forged = [
        side.push_bytes(body, secret=OTHER_SECRET),
        side.push_bytes(body.replace(b"20000", b"90000"), headers=right),
        side.push_bytes(body, headers=right | {"webhook-id": "another"}),
        side.push_bytes(body, headers=right | {"webhook-timestamp": "１６００００００００".encode()}),
        side.push_bytes(body, headers=right | {"webhook-signature": "v1,"}),
        side.push_bytes(body, headers={}),
        *(side.push_bytes(body, headers={k: v for k, v in right.items() if k != name}) for name in right),
    ]
    told = [problem(answer, 401, "not_authentic") for answer in forged]
    assert all(one == told[0] for one in told), "which part was wrong would help a forger"
    assert {answer.headers["www-authenticate"] for answer in forged} == {"StandardWebhooks"}
    assert page_states(side.office) == []


def test_a_feed_whose_agreement_has_expired_takes_nothing_in(make_office: MakeOffice, sqlite_url: str) -> None:
    expired = EAST_AND_WEST["east"].replace("2099-12-31", "2021-10-07")
    with at_work(make_office(sqlite_url, feeds={"east": expired})) as side:
        problem(side.push(row("A1", 1)), 503, "not_configured")
        assert page_states(side.office) == []


@pytest.mark.parametrize("feed", ["nobody", "wuhai", "hinggan", "closed", "east%00", "%F0%9F%98%80", "..%2Feast"])
def test_only_feeds_that_receive_are_there(side: Side, feed: str) -> None:
    answer = side.push(row("S1", 1), feed=feed)
    if "2F" in feed:
        problem(answer, 404, "not_found")
        return
    wrong = side.push(row("S1", 1), secret=OTHER_SECRET)
    told = [(each.status_code, dict(each.headers) | {"date": ""}, each.content) for each in (answer, wrong)]
    assert told[0] == told[1], "nobody can try out which names there are"
    problem(answer, 401, "not_authentic")


def test_a_secret_that_is_missing_is_our_fault(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HUBAO_TEST_SECRET")
    told = problem(side.push(row("S1", 1)), 503, "not_configured")
    assert "HUBAO_TEST_SECRET" in caplog.text
    assert "SECRET" not in str(told)
    monkeypatch.setenv("HUBAO_TEST_SECRET", LEAGUE_SECRET)
    assert side.push(row("S1", 1)).status_code == 202


# ── how much ──


def test_a_body_said_to_be_too_large_is_refused_unread(side: Side) -> None:
    answer = side.push_bytes(bytes(1024 * 1024 + 1))
    problem(answer, 413, "too_large")
    assert page_states(side.office) == []


def test_a_body_of_just_the_limit_is_taken(side: Side) -> None:
    assert side.push_bytes(bytes(1024 * 1024)).status_code == 202


def test_a_body_that_never_ends_is_cut_off_at_the_limit(office: Office) -> None:
    app, given, sent = make_app(office, wiring.doors(), start_scheduler=False), [], []

    async def endless() -> dict[str, Any]:
        given.append(1)
        return {"type": "http.request", "body": bytes(64 * 1024), "more_body": True}

    async def keep(message: Any) -> None:
        sent.append(message)

    async def converse() -> None:
        await app(_scope("/api/v1/feeds/east/push", _headed(office)), endless, keep)

    anyio.run(converse)
    assert sent[0]["status"] == 413
    assert len(given) == 17, "one chunk beyond the limit, and no more"


def test_a_sender_who_hangs_up_leaves_nothing(office: Office) -> None:
    app = make_app(office, wiring.doors(), start_scheduler=False)
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def part() -> dict[str, Any]:
        return next(parts)

    async def nobody_listens(_: Any) -> None:
        pass

    async def converse() -> None:
        await app(_scope("/api/v1/feeds/east/push", _headed(office)), part, nobody_listens)

    anyio.run(converse)
    assert page_states(office) == []


def _headed(office: Office) -> list[tuple[bytes, bytes]]:
    """Headers that look right until the body is there."""
    now = str(int(office.now().timestamp())).encode()
    return [(b"webhook-id", b"m-1"), (b"webhook-timestamp", now), (b"webhook-signature", b"v1,AAAA")]


def _scope(path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
