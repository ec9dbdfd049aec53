"""Keys for machines: each opens its own association's doors, for what it was made for, until it ends. Every door of the
application is tried, so that a new one is covered without being listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from builders import EAST_AND_WEST, enrolled, only, page, row, rows_of, take, who
from fastapi.routing import APIRoute
from test_web_associations import add_association
from typer.testing import CliRunner
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, LEAGUE_SECRET, Side, at_work, problem

from gateway import wiring
from gateway.cli.main import app
from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.flow.site.access_keys import VERBS, AccessKey, KeyWish, listing, make, revoke, rotate
from gateway.store import schema, schema_access
from gateway.web.app import ROUTERS

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

OTHERS = ("second", "third")


def doors() -> list[tuple[str, str, str]]:
    """(method, path, verb) of every route by which an association comes in."""
    found = []
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            if route.path.startswith("/api/v1/") and not route.path.startswith("/api/v1/feeds/"):
                verb = (route.openapi_extra or {}).get("x-verb", "")
                found += [(method, route.path, verb) for method in sorted(route.methods)]
    return found


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    first = make_office(sqlite_url, feeds=EAST_AND_WEST)
    for name in OTHERS:
        add_association(first, name, "env:HUBAO_TEST_SECRET")
    return make_office(sqlite_url)


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


def new_key(office: Office, *verbs: str, association: str = "nm", days: int = 365) -> str:
    wish = KeyWish(association=association, name="理赔系统", verbs=verbs or VERBS, days=days)
    return make(office, wish, wiring.new_access_key(), by="管理员").secret


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def address(path: str, association: str, names: dict[str, str]) -> str:
    """The door's address, of this association, about these things."""
    filled = path.format(association=association, **names)
    return filled if "{association}" in path else f"{filled}?association={association}"


def call(side: Side, method: str, url: str, key: str, body: Any = None) -> httpx.Response:
    content = msgspec.json.encode(body) if method == "POST" else None
    return side.client.request(method, url, content=content, headers=with_key(key))


def something_to_find(office: Office) -> dict[str, str]:
    """What stands of the first association: parameter of a path → what it would be there."""
    enrolled(office, 1)
    take(office, "east", page(row("S1", 1)))
    claim_id = only(rows_of(office, schema.claim))["claim_id"]
    return {
        "claim_id": claim_id,
        "item_id": "1",
        "fact_id": "1",
        "member_no": "M00001",
        "lookup_id": "0" * 32,
        "preview": "0" * 32,
        "verb": "approve",
        "number": "1",
    }


def test_no_other_association_s_key_opens_any_door(side: Side, office: Office) -> None:
    names, never = something_to_find(office), wiring.new_access_key()
    others = [new_key(office, association=name) for name in OTHERS]
    for method, path, _ in doors():
        nobody_s = problem(call(side, method, address(path, "nm", names), never, {}), 401, "not_authentic")
        for key in others:
            refused = call(side, method, address(path, "nm", names), key, {})
            # A key of somebody else is told from one that never was by nothing at all.
            assert problem(refused, 401, "not_authentic") == nobody_s, path
            assert refused.headers["www-authenticate"] == "Bearer, StandardWebhooks"


def test_at_its_own_address_an_association_finds_nothing_of_another_s(side: Side, office: Office) -> None:
    names, key = something_to_find(office), new_key(office, association="second")
    for method, path, _ in doors():
        told = call(side, method, address(path, "second", names), key, {})
        assert told.status_code not in (401, 403, 500), path
        assert names["claim_id"] not in told.text
        assert who(1).name not in told.text
    assert rows_of(office, schema.claim_decision) == []


def test_every_door_opens_to_keys_made_for_it_alone(side: Side, office: Office) -> None:
    names = something_to_find(office)
    alone = {verb: new_key(office, verb) for verb in VERBS}
    without = {verb: new_key(office, *(known for known in VERBS if known != verb)) for verb in VERBS}
    for method, path, verb in doors():
        assert verb in VERBS, f"{path} must say which keys open it"
        problem(call(side, method, address(path, "nm", names), without[verb], {}), 403, "not_allowed")
        assert call(side, method, address(path, "nm", names), alone[verb], {}).status_code not in (401, 403), path


def test_doors_are_found() -> None:
    assert len(doors()) >= 11


def test_a_key_reads_and_decides_as_a_signature_does(side: Side, office: Office) -> None:
    names = something_to_find(office)
    key = new_key(office, "read", "decide")
    claim = only(call(side, "GET", "/api/v1/associations/nm/claims", key).json()["claims"])
    assert claim == only(side.get("claims").json()["claims"])
    body = {
        "action": "decision",
        "claim_id": names["claim_id"],
        "version": 1,
        "outcome": "approved",
        "amount": claim["payable"],
    }
    url = f"/api/v1/associations/nm/claims/{names['claim_id']}/decision"
    for _ in range(2):
        assert call(side, "POST", url, key, body).status_code == 200
    assert only(rows_of(office, schema.claim_decision))["outcome"] == "approved"


def test_other_associations_cannot_decide_about_a_claim_they_know_of(side: Side, office: Office) -> None:
    claim_id = something_to_find(office)["claim_id"]
    body = {"action": "decision", "claim_id": claim_id, "version": 1, "outcome": "approved", "amount": "1.00"}
    key = new_key(office, "decide", association="second")
    url = f"/api/v1/associations/second/claims/{claim_id}/decision"
    problem(call(side, "POST", url, key, body), 404, "unknown_claim")
    assert rows_of(office, schema.claim_decision) == []


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "Basic",
        "hubao_0000000000000000_",
        "hubao_" + "0" * 16 + "_" + "A" * 43,
        "密钥".encode().decode("latin-1"),
    ],
)
def test_what_is_no_key_is_refused_without_a_word(side: Side, text: str) -> None:
    headers = {"authorization": b"Bearer " + text.encode("latin-1")}
    answer = side.client.get("/api/v1/associations/nm/claims", headers=headers)  # type: ignore[arg-type]
    assert problem(answer, 401, "not_authentic")["detail"] == ""


def test_a_key_with_one_letter_changed_opens_nothing(side: Side, office: Office) -> None:
    key = new_key(office)
    for place in (6, 30, len(key) - 1):
        wrong = key[:place] + ("0" if key[place] != "0" else "1") + key[place + 1 :]
        problem(call(side, "GET", "/api/v1/associations/nm/claims", wrong), 401, "not_authentic")


def test_of_the_key_nothing_but_a_keyed_digest_is_stored(office: Office) -> None:
    key = new_key(office)
    stored = only(rows_of(office, schema_access.access_key))
    assert key[23:] not in repr(stored)
    assert len(stored["digest"]) == 16


def state_of(office: Office, key: str) -> AccessKey:
    return next(shown for shown in listing(office, None) if shown.key_id == key[6:22])


def test_a_key_expires(side: Side, office: Office, clock: Hands) -> None:
    key = new_key(office, days=30)
    clock.move(days=30, seconds=-1)
    assert call(side, "GET", "/api/v1/associations/nm/claims", key).status_code == 200
    clock.move(seconds=1)
    problem(call(side, "GET", "/api/v1/associations/nm/claims", key), 401, "not_authentic")
    assert state_of(office, key).state == "expired"


def test_old_and_new_open_for_a_while_when_a_key_is_replaced(side: Side, office: Office, clock: Hands) -> None:
    old = new_key(office, "read", days=30)
    clock.move(days=10)
    made = rotate(office, old[6:22], wiring.new_access_key(), by="管理员", overlap_days=2)
    assert (made.key.verbs, made.key.name) == (["read"], "理赔系统")
    assert (made.key.expires_at - made.key.made_at).days == 30
    assert (state_of(office, old).state, state_of(office, old).replaced_by) == ("ending", made.key.key_id)
    for key in (old, made.secret):
        assert call(side, "GET", "/api/v1/associations/nm/claims", key).status_code == 200
    with pytest.raises(WrongUse):
        rotate(office, old[6:22], wiring.new_access_key(), by="管理员", overlap_days=2)
    clock.move(days=2)
    problem(call(side, "GET", "/api/v1/associations/nm/claims", old), 401, "not_authentic")
    assert call(side, "GET", "/api/v1/associations/nm/claims", made.secret).status_code == 200


def test_a_revoked_key_opens_nothing_from_then_on(side: Side, office: Office) -> None:
    key = new_key(office)
    assert revoke(office, key[6:22], by="管理员").state == "ended"
    problem(call(side, "GET", "/api/v1/associations/nm/claims", key), 401, "not_authentic")
    with pytest.raises(WrongUse):
        revoke(office, "0" * 16, by="管理员")


def test_revoking_a_replaced_key_ends_it_at_once(office: Office) -> None:
    old = new_key(office)
    rotate(office, old[6:22], wiring.new_access_key(), by="管理员", overlap_days=7)
    assert revoke(office, old[6:22], by="管理员").state == "ended"


def test_the_last_use_is_shown_to_the_minute(side: Side, office: Office, clock: Hands) -> None:
    key = new_key(office)
    assert state_of(office, key).used_at is None
    first = clock.now
    for seconds in (0, 30, 29):
        clock.move(seconds=seconds)
        call(side, "GET", "/api/v1/associations/nm/claims", key)
    assert state_of(office, key).used_at == first
    clock.move(seconds=1)
    call(side, "GET", "/api/v1/associations/nm/claims", key)
    assert state_of(office, key).used_at == clock.now


def test_an_association_may_want_signatures_beside_keys(make_office: MakeOffice, sqlite_url: str) -> None:
    first = make_office(sqlite_url, feeds=EAST_AND_WEST)
    file = first.site / "config" / "associations" / "nm.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[requests]\n", "[requests]\nsigned_too = true\n"), encoding="utf-8")
    office = make_office(sqlite_url)
    key, url = new_key(office, "read"), "/api/v1/associations/nm/claims"
    with at_work(office) as side:
        problem(call(side, "GET", url, key), 401, "not_authentic")
        forged = side.signed(f"GET {url}".encode(), secret=LEAGUE_SECRET)
        problem(side.client.get(url, headers=forged | with_key(key)), 401, "not_authentic")
        right = side.signed(f"GET {url}".encode(), secret=ASSOCIATION_SECRET)
        assert side.client.get(url, headers=right | with_key(key)).status_code == 200
        assert side.get("claims").status_code == 200


@pytest.mark.parametrize(
    "wish",
    [
        {"verbs": ()},
        {"verbs": ("read", "write")},
        {"days": 0},
        {"days": 732},
        {"association": "nobody"},
    ],
)
def test_a_wish_that_cannot_be(office: Office, wish: dict[str, Any]) -> None:
    whole = KeyWish(**{"association": "nm", "name": "理赔系统", "verbs": ("read",), "days": 9, **wish})
    with pytest.raises(WrongUse):
        make(office, whole, wiring.new_access_key(), by="管理员")
    assert rows_of(office, schema_access.access_key) == []


# ── at the terminal ──


def hubao(office: Office, *words: str) -> Any:
    done = CliRunner().invoke(app, ["--site", str(office.site), "access", *words, "--json"], catch_exceptions=False)
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_keys_at_the_terminal_are_shown_once(side: Side, office: Office) -> None:
    made = hubao(office, "new", "理赔系统", "--association", "nm", "--can", "read, ack", "--days", "30", "--by", "甲")
    url = "/api/v1/associations/nm/claims"
    assert call(side, "GET", url, made["secret"]).status_code == 200
    second = hubao(office, "rotate", made["key"]["key_id"], "--overlap-days", "1", "--by", "甲")
    shown = hubao(office, "list")["keys"]
    assert [(key["state"], key["verbs"]) for key in shown] == [("ending", ["read", "ack"]), ("active", ["read", "ack"])]
    assert made["secret"] not in json.dumps(shown)
    assert hubao(office, "revoke", second["key"]["key_id"], "--by", "甲")["state"] == "ended"
    assert [key["state"] for key in hubao(office, "list", "--association", "nm")["keys"]] == ["ending", "ended"]
