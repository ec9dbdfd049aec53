"""An association's own pages reach the desk over its API: list, form, decisions; signed, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, who
from desk_side import LEVELS, some_claims, with_desk
from web_side import ENVIRONMENT, OTHER_SECRET, Side, at_work, problem

from gateway.flow.delivery.claims import show_claim

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def side(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    office = with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST), two_persons_above="2000.00", levels=LEVELS)
    with at_work(office) as side:
        yield side


def test_a_clerk_decides_over_the_api(side: Side) -> None:
    [claim] = some_claims(side.office, 1)
    listed = side.get("desk").json()
    assert [(each["claim_id"], each["state"]) for each in listed["claims"]] == [(claim, "waiting")]
    assert who(1).name not in str(listed)
    form = side.get(f"desk/{claim}", by="甲").json()["claim"]
    assert (form["body"]["member"]["name"], form["steps"][0]["by"]) == (who(1).name, "甲")

    def act(verb: str, **said: object) -> dict[str, object]:
        answer = side.post(f"desk/{claim}/{verb}", {"action": verb, "claim_id": claim, **said})
        assert answer.status_code == 200, answer.text
        done: dict[str, object] = answer.json()
        return done

    assert act("papers", by="甲", papers=["receipt"])["level"] == "协会"
    assert act("papers-in", by="甲")["state"] == "done"
    # 2,490.00 is above 2,000.00.
    assert act("approve", by="甲", version=1)["state"] == "proposed"
    again = {"action": "approve", "claim_id": claim, "by": "甲", "confirm": True}
    problem(side.post(f"desk/{claim}/approve", again), 422, "second_person")
    assert act("approve", by="乙", confirm=True)["state"] == "done"
    assert show_claim(side.office, claim)["decision"] == {"outcome": "approved", "amount": "2490.00"}
    problem(side.post(f"desk/{claim}/approve", {**again, "by": "丙", "confirm": False}), 409, "not_open")
    assert act("undo", by="乙")["action"] == "undo"
    problem(side.post(f"desk/{claim}/refuse", {**again, "action": "refuse", "reason": "because"}), 409, "not_open")
    problem(
        side.post(f"desk/{claim}/refuse", {**again, "action": "refuse", "reason": "because", "confirm": False}),
        422,
        "not_valid",
    )


def test_what_is_not_asked_rightly_changes_nothing(side: Side) -> None:
    [claim] = some_claims(side.office, 1)
    body = {"action": "approve", "claim_id": claim, "by": "甲"}
    problem(side.post(f"desk/{claim}/approve", body, secret=OTHER_SECRET), 401, "not_authentic")
    problem(side.post("desk/HB000/approve", {**body, "claim_id": "HB000"}), 404, "unknown_claim")
    problem(side.post(f"desk/{claim}/approve", {**body, "action": "refuse"}), 422, "not_valid")
    problem(side.post(f"desk/{claim}/approve", {**body, "amount": "1e3"}), 422, "not_valid")
    problem(side.post(f"desk/{claim}/pass", {**body, "action": "pass"}), 409, "not_open")
    problem(side.get("desk", league="无此盟"), 422, "not_valid")
    assert show_claim(side.office, claim)["decision"] is None
