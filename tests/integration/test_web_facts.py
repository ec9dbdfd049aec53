"""An association tells what it confirmed over its own API; nobody else can, and nothing of it stands in an address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, payable, rows_of
from facts_side import EVENT, WHOLE, woman
from test_web_associations import add_association
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, LEAGUE_SECRET, OTHER_SECRET, Side, at_work, problem

from gateway.flow.roster.enrol import enrol
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

DIAGNOSIS: dict[str, Any] = {
    "member_no": "M00001",
    "kind": "diagnosis",
    "on": "2022-06-20",
    "disease": "breast_cancer",
    "by": "经办甲",
}


@pytest.fixture
def side(make_office: MakeOffice, database_url: str, clock: Hands, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    clock.set(2022, 10, 8, 9)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1), woman(2, opt_out=True)])
    with at_work(office) as side:
        yield side


def test_told_listed_and_withdrawn(side: Side) -> None:
    answer = side.post("facts", DIAGNOSIS)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    known = answer.json()
    assert {name: known[name] for name in DIAGNOSIS} == DIAGNOSIS
    assert (known["association"], known["counts"]) == ("nm", True)
    assert payable(side.office) == [(EVENT, WHOLE)]
    assert side.post("facts", DIAGNOSIS).json() == known
    assert side.get("facts").json() == {"facts": [known], "more": False, "total": 1}
    assert side.get("facts", after=known["fact_id"]).json() == {"facts": [], "more": False, "total": 1}
    number = known["fact_id"]
    assert side.post(f"facts/{number}/withdraw", {"fact_id": number}).json() == known
    assert payable(side.office) == []
    problem(side.post(f"facts/{number}/withdraw", {"fact_id": number}), 404, "unknown_fact")
    assert side.get("facts").json() == {"facts": [], "more": False, "total": 0}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"member_no": "X9"}, 404, "unknown_member"),
        ({"member_no": "M00002"}, 422, "opted_out"),
        ({"kind": "birth"}, 422, "not_valid"),
        ({"kind": "death"}, 422, "not_valid"),
        ({"disease": "gout"}, 422, "not_valid"),
        ({"disease": None}, 422, "not_valid"),
        ({"on": "20.06.2022"}, 422, "not_valid"),
        ({"on": "2022-10-09"}, 422, "not_valid"),
        ({"by": ""}, 422, "not_valid"),
        ({"note": "more"}, 422, "not_valid"),
    ],
)
def test_what_cannot_be(side: Side, changes: dict[str, Any], status: int, code: str) -> None:
    said = problem(side.post("facts", {**DIAGNOSIS, **changes}), status, code)
    sent = [value for value in changes.values() if value]
    assert not [value for value in sent if value in said["detail"] and value != "death"]
    assert rows_of(side.office, schema.fact) == []


def test_without_the_association_s_own_signature_nothing_is_said(side: Side) -> None:
    for method, path, sent in (("GET", "facts", b""), ("POST", "facts", b"{"), ("POST", "facts/1/withdraw", b"{")):
        url = f"/api/v1/associations/nm/{path}"
        text = f"GET {url}".encode() if method == "GET" else sent
        for headers in (
            {},
            side.signed(text, secret=OTHER_SECRET),
            side.signed(text, secret=LEAGUE_SECRET),
            side.signed(text, secret=ASSOCIATION_SECRET, age=301),
            side.signed(text + b" ", secret=ASSOCIATION_SECRET),
        ):
            problem(side.client.request(method, url, content=sent, headers=headers), 401, "not_authentic")
        right = side.signed(text, secret=ASSOCIATION_SECRET)
        assert side.client.request(method, url, content=sent, headers=right).status_code != 401


def test_the_number_in_body_and_address_must_agree(side: Side) -> None:
    number = side.post("facts", DIAGNOSIS).json()["fact_id"]
    problem(side.post(f"facts/{number}/withdraw", {"fact_id": number + 1}), 422, "not_valid")
    problem(side.post(f"facts/0{number}/withdraw", {"fact_id": number}), 422, "not_valid")
    assert payable(side.office) == [(EVENT, WHOLE)]


def test_each_association_has_only_its_own(make_office: MakeOffice, side: Side, database_url: str) -> None:
    known = side.post("facts", DIAGNOSIS).json()
    add_association(side.office, "other", "env:HUBAO_TEST_SECRET")
    with at_work(make_office(database_url)) as both:
        theirs = {"association": "other", "secret": LEAGUE_SECRET}
        problem(both.post("facts", DIAGNOSIS, **theirs), 404, "unknown_member")
        path, number = f"facts/{known['fact_id']}/withdraw", {"fact_id": known["fact_id"]}
        problem(both.post(path, number, **theirs), 404, "unknown_fact")
        listed = both.ask("/api/v1/associations/other/facts", secret=LEAGUE_SECRET)
        assert listed.json() == {"facts": [], "more": False, "total": 0}
    assert side.get("facts").json()["facts"] == [known]
