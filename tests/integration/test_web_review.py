"""Pages and associations see doubts masked, reveal them with a trace, decide and undo; nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from builders import EAST_AND_WEST, adds_up, claims, enrolled, page, rows_of, take, who
from review_side import LATER, wrong_name
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, LEAGUE_SECRET, OTHER_SECRET, Side, at_work, named, problem

from gateway.flow.office import Office
from gateway.flow.reviewing.show import list_items
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    take(office, "east", page(wrong_name("A1", 1), wrong_name("A2", 2), wrong_name("A3", 1, "另一人", **LATER)))
    return office


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


def ask(side: Side, path: str = "", *, association: str = "nm", **params: Any) -> httpx.Response:
    return side.ask(f"/api/v1/reviews{path}", association=association, **params)


def tell(side: Side, path: str, body: Any, *, secret: str = ASSOCIATION_SECRET) -> httpx.Response:
    data = msgspec.json.encode(named(path, body))
    headers = side.signed(data, secret=secret)
    return side.client.post(f"/api/v1/reviews{path}", params={"association": "nm"}, content=data, headers=headers)


def ids(office: Office) -> list[int]:
    return sorted(each["item_id"] for each in list_items(office))


DOORS = [("GET", ""), ("GET", "/1"), ("POST", "/1/reveal"), ("POST", "/1/decide"), ("POST", "/1/undo")]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_nothing_without_the_association_s_signature(side: Side, method: str, path: str) -> None:
    url = f"/api/v1/reviews{path}?association=nm"
    text = f"GET {url}".encode() if method == "GET" else b""
    for headers in ({}, side.signed(text, secret=OTHER_SECRET), side.signed(text, secret=LEAGUE_SECRET)):
        problem(side.client.request(method, url, headers=headers), 401, "not_authentic")
    signed = side.signed(text, secret=ASSOCIATION_SECRET)
    strange = url.replace("=nm", "=another")
    problem(side.client.request(method, strange, headers=signed), 401, "not_authentic")
    problem(side.client.request(method, f"/api/v1/reviews{path}", headers=signed), 422, "not_valid")


def test_listed_by_cursor_without_personal_data(side: Side, office: Office) -> None:
    seen, after = [], ""
    while True:
        told = ask(side, after=after, limit=2).json()
        seen += [each["item_id"] for each in told["items"]]
        after = told["next"]
        if not told["more"]:
            break
    assert seen == ids(office)
    assert ask(side, after=after).json() == {"items": [], "next": after, "more": False}
    assert ask(side, kind="takeback").json()["items"] == []
    problem(ask(side, after="?"), 422, "not_valid")
    problem(ask(side, state="lost"), 422, "not_valid")
    assert who(1).name not in ask(side).text


def test_shown_masked_and_revealed_with_a_trace(side: Side, office: Office) -> None:
    item = ids(office)[0]
    shown = ask(side, f"/{item}")
    assert shown.status_code == 200
    assert who(1).id_number not in shown.text
    assert shown.json()["candidates"][0]["fields"][0]["field"] == "name"
    assert rows_of(office, schema.review_access) == []
    plain = tell(side, f"/{item}/reveal", {"item": item, "by": "审核员"})
    assert who(1).id_number in plain.text
    [log] = rows_of(office, schema.review_access)
    assert (log["item_id"], log["by"]) == (item, "审核员")
    problem(ask(side, "/99999"), 404, "unknown_item")
    problem(ask(side, "/x"), 422, "not_valid")


def test_decided_confirmed_by_a_second_person_and_undone(side: Side, office: Office) -> None:
    take(office, "east", page(wrong_name("B1", 2, "第三人", medfee_sumamt="30000.00")))
    item = ids(office)[-1]
    verdict = {"item": item, "by": "甲", "answer": "same", "note": "已电话核实"}
    assert tell(side, f"/{item}/decide", verdict).json()["state"] == "proposed"
    problem(tell(side, f"/{item}/decide", verdict), 422, "second_person")
    done = tell(side, f"/{item}/decide", {**verdict, "by": "乙"}).json()
    assert (done["state"], done["member_no"], done["asked"]) == ("decided", "M00002", [])
    assert len(claims(office)) == 1
    told = problem(tell(side, f"/{item}/decide", {**verdict, "by": "丙"}), 409, "not_open")
    assert "乙" in told["detail"]
    assert tell(side, f"/{item}/undo", {"item": item, "by": "乙"}).json()["state"] == "open"
    problem(tell(side, f"/{item}/undo", {"item": item, "by": "乙"}), 409, "not_open")
    assert adds_up(office) == {"review": 4}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"by": "甲", "answer": "agree"}, "not_valid"),
        ({"by": "甲", "answer": "perhaps"}, "not_valid"),
        ({"by": "", "answer": "same"}, "not_valid"),
        ({"by": "甲", "answer": "same", "more": 1}, "not_valid"),
        ({"by": "甲", "answer": "same", "item": 77}, "not_valid"),
        ({"by": "甲", "answer": "same", "member_no": "M77777"}, "unknown_member"),
    ],
)
def test_answers_that_cannot_be_taken(side: Side, office: Office, body: dict[str, Any], code: str) -> None:
    item = ids(office)[0]
    status = 404 if code == "unknown_member" else 422
    problem(tell(side, f"/{item}/decide", {"item": item, **body}), status, code)
    assert adds_up(office) == {"review": 3}


def test_another_association_s_items_are_nobody_s(make_office: MakeOffice, office: Office) -> None:
    site = office.site / "config" / "associations"
    file = (site / "nm.toml").read_text(encoding="utf-8").replace('association = "nm"', 'association = "other"')
    (site / "other.toml").write_text(file, encoding="utf-8")
    with at_work(make_office(office.gateway.database)) as side:
        item = ids(office)[0]
        assert ask(side, association="other").json()["items"] == []
        problem(ask(side, f"/{item}", association="other"), 404, "unknown_item")


def test_the_openapi_document_is_complete(side: Side) -> None:
    document = side.client.get("/api/v1/openapi.json").json()
    paths = [path for path in document["paths"] if path.startswith("/api/v1/reviews")]
    assert len(paths) == 5
    for path in paths:
        for operation in document["paths"][path].values():
            assert operation["security"]
            assert {"200", "401", "default"} <= set(operation["responses"])
    assert {"ShownItem", "Verdict", "Outcome", "ItemList"} <= set(document["components"]["schemas"])
