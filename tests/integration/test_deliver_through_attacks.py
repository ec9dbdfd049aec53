"""A night of whatever stands between us and an association, over a real line: nothing is believed, nothing is lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import by_hand
import pytest
from builders import EAST_AND_WEST, enrolled, page, row, rows_of, take
from typer.testing import CliRunner
from web_side import ASSOCIATION_SECRET

from connectors.associations.http_json import HttpJson
from gateway.cli.main import app
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.findings.book import show
from gateway.flow.office import Office
from gateway.sandbox.servers import LocalServer, Request, ServerReply, json_reply
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

HTML = "<html><title>登录</title></html>".encode()


def page_of_a_proxy(status: int) -> ServerReply:
    return ServerReply(status=status, body=HTML, content_type="text/html; charset=utf-8")


UNPROVEN = "answers_prove_nothing"
ATTACKS: dict[str, tuple[ServerReply, str, str]] = {
    "an error under 200": (json_reply({"code": 500, "message": "校验失败", "data": None}), "unknown", UNPROVEN),
    "the national -1": (json_reply({"infcode": "-1", "err_msg": "x"}), "unknown", UNPROVEN),
    "nothing": (ServerReply(body=b""), "unknown", UNPROVEN),
    "a word": (ServerReply(body=b"error", content_type="text/plain"), "unknown", UNPROVEN),
    "noise": (ServerReply(body=bytes(range(256)) * 2), "unknown", UNPROVEN),
    "a firewall's page": (page_of_a_proxy(200), "unknown", UNPROVEN),
    "a 302": (page_of_a_proxy(302), "unknown", "address_refused"),
    "a 502": (page_of_a_proxy(502), "unknown", "unreachable"),
    "a 503": (page_of_a_proxy(503), "pending", "unreachable"),
}
for status in (301, 307, 308, 400, 401, 403, 404, 405, 413, 421):
    ATTACKS[f"a {status}"] = (page_of_a_proxy(status), "pending", "address_refused")


class Association:
    """Its claims system, and what stands in front of it tonight."""

    def __init__(self) -> None:
        self.in_front: ServerReply | None = None
        self.held: dict[str, int] = {}
        self.effects: list[str] = []

    def point(self, request: Request) -> str:
        return request.path

    def answer(self, request: Request) -> ServerReply:
        if self.in_front is not None:
            return self.in_front
        if request.method == "GET":
            claim_id = request.path.removeprefix("/claims/")
            if claim_id not in self.held:
                return json_reply({"code": "unknown_claim", "claim_id": claim_id}, status=404)
            return json_reply({"claim_id": claim_id, "version": self.held[claim_id]})
        key = request.headers["idempotency-key"]
        claim_id, version = key.split("-v")
        if self.held.get(claim_id, 0) < int(version):
            self.held[claim_id] = int(version)
            self.effects.append(key)
        return json_reply({"claim_id": claim_id, "version": self.held[claim_id]}, status=201)


@pytest.fixture
def association() -> Association:
    return Association()


@pytest.fixture
def sender(association: Association) -> Iterator[HttpJson]:
    with LocalServer(association) as server:
        yield by_hand.http_json(address=server.address, secret=ASSOCIATION_SECRET, timeout_seconds=5.0)


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return with_claims(make_office(database_url, feeds=EAST_AND_WEST))


def with_claims(office: Office) -> Office:
    enrolled(office, *range(1, 5))
    take(office, "east", page(*(row(f"A{n}", n) for n in range(1, 5))))
    return office


_leases = itertools.count()


def deliver(office: Office, sender: Any) -> None:
    deliver_due(office, "nm", sender, jitter=lambda: 0.0, new_lease=lambda: f"lease {next(_leases)}")


def states(office: Office) -> set[str]:
    return {delivery["state"] for delivery in rows_of(office, schema.delivery)}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_night_behind_it_ends_with_every_claim_once(
    office: Office, clock: Hands, association: Association, sender: HttpJson, attack: str
) -> None:
    association.in_front, state, code = ATTACKS[attack]
    for _ in range(2):
        deliver(office, sender)
        assert states(office) == {state}
        assert [(finding.code, finding.count) for finding in show(office)] == [(code, 4)]
        clock.move(minutes=10)
    association.in_front = None
    deliver(office, sender)
    assert states(office) == {"accepted"}
    assert len(association.effects) == len(set(association.effects)) == 4
    assert show(office) == []


# ── what a clerk types ──


@pytest.fixture
def desk(make_office: MakeOffice, sqlite_url: str) -> Office:
    return with_claims(make_office(sqlite_url, feeds=EAST_AND_WEST))


def hubao(office: Office, *words: object) -> str:
    """Run a command on this site; what it printed."""
    done = CliRunner().invoke(app, ["--site", str(office.site), "deliveries", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def in_doubt(office: Office, clock: Hands, association: Association) -> None:
    """Four claims that went out, with answers that prove nothing, to a system that cannot be asked."""
    association.in_front = ServerReply(body=b"")
    with LocalServer(association) as server:
        sender = by_hand.http_json(address=server.address, secret=ASSOCIATION_SECRET, can_be_asked=False)
        for _ in range(2):
            deliver(office, sender)
            clock.move(minutes=1)
    assert states(office) == {"dead"}


def test_groups_are_shown_and_confirmed_by_name(desk: Office, clock: Hands, association: Association) -> None:
    in_doubt(desk, clock, association)
    shown = hubao(desk, "confirm", "--association", "nm")
    assert "unproven/empty" in shown
    assert "答复为空" in shown
    words = ("confirm", "--association", "nm", "--group", "unproven/empty", "--accepted", "--by", "经办甲")
    assert '"confirmed":4' in hubao(desk, *words, "--json")
    assert states(desk) == {"accepted"}
    [said] = rows_of(desk, schema.delivery_confirmation)
    assert (said["confirmed_by"], said["count"]) == ("经办甲", 4)
    assert "经人确认（第1号）" in hubao(desk, "list").replace("\n", "").replace(" ", "").replace("│", "")


def test_a_dry_run_of_redriving_changes_nothing(desk: Office, clock: Hands, association: Association) -> None:
    in_doubt(desk, clock, association)
    assert '"count":4' in hubao(desk, "redrive", "--dry-run", "--json")
    assert '"count":0' in hubao(desk, "redrive", "--refused", "--dry-run", "--json")
    assert states(desk) == {"dead"}
    assert '"redriven":4' in hubao(desk, "redrive", "--send-again", "--json")
    assert states(desk) == {"pending"}


@pytest.mark.parametrize(
    "words",
    [
        ("confirm",),
        ("confirm", "--association", "nobody"),
        ("confirm", "--association", "nm", "--group", "unproven/empty"),
        ("confirm", "--association", "nm", "--group", "no_such", "--accepted"),
        ("redrive", "--association", "nobody"),
    ],
)
def test_what_is_said_wrongly_changes_nothing(
    desk: Office, clock: Hands, association: Association, words: tuple[str, ...]
) -> None:
    in_doubt(desk, clock, association)
    done = CliRunner().invoke(app, ["--site", str(desk.site), "deliveries", *words])
    assert done.exception is not None
    assert states(desk) == {"dead"}
