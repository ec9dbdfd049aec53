"""What was paid and is asked back reaches the association as the claim's next version, with the amount."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, claims, enrolled, page, row, rows_of, take
from jsonschema import Draft202012Validator

from gateway.core.claims.told import claim_schema
from gateway.flow.delivery.claims import decide
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.desk.recovering import ask_back, money_came
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

_leases = itertools.count()


class Hears:
    """An association that takes everything and keeps what it was told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        self.bodies.append(msgspec.json.decode(body))
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """The shipped association, which decides in a system of its own."""
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1)))
    return office


def deliver(office: Office, hears: Hears) -> None:
    deliver_due(office, "nm", hears, jitter=lambda: 0.0, new_lease=lambda: f"l{next(_leases)}")


def test_a_part_of_what_was_paid_comes_back(office: Office) -> None:
    hears = Hears()
    deliver(office, hears)
    [first] = hears.bodies
    # 6,000 yuan at 40 %, and nine days at 10.
    assert first["payable"] == "2490.00"
    decide(office, first["claim_id"], version=1, outcome="paid", amount=Money(249_000))
    report = ask_back(office, first["claim_id"], amount=Money(90_000), reason="excluded", by="甲")
    assert report.notice_version == 2
    deliver(office, hears)
    notice = hears.bodies[-1]
    assert (notice["claim_id"], notice["version"], notice["status"]) == (first["claim_id"], 2, "amended")
    assert notice["change"] == {
        "of_version": 1,
        "payable_before": "2490.00",
        "reasons": ["recovery"],
        "text": "追回通知：已支付2490.00元，须追回900.00元：所付属于不予补助的情形（第十八条）。",
        "recovery": {
            "recovery_id": report.recovery_id,
            "paid": "2490.00",
            "amount": "900.00",
            "reason": "excluded",
            "text": "所付属于不予补助的情形（第十八条）",
            "article": "第十八条",
        },
    }
    # All else is as it was told before.
    beside = {"version", "status", "change"}
    assert {name: notice[name] for name in notice if name not in beside} == {
        name: first[name] for name in first if name not in beside
    }
    Draft202012Validator(claim_schema()).validate(notice)
    # What the member has is weighed again, and tells nothing new.
    money_came(office, report.recovery_id, amount=Money(90_000), by="甲")
    deliver(office, hears)
    assert len(hears.bodies) == 2
    assert [(stored["version"], stored["state"]) for stored in rows_of(office, schema.delivery)] == [
        (1, "accepted"),
        (2, "accepted"),
    ]


def test_a_refund_after_payment_is_asked_back_whole(office: Office) -> None:
    """医保 refunds the settlement after the association has paid: nothing is drafted again, and a person asks all of it
    back."""
    hears = Hears()
    deliver(office, hears)
    claim_id = hears.bodies[0]["claim_id"]
    decide(office, claim_id, version=1, outcome="paid", amount=Money(249_000))
    take(office, "east", page(row("A1", 1, refund=True)))
    deliver(office, hears)
    assert [body["version"] for body in hears.bodies] == [1]
    ask_back(office, claim_id, amount=None, reason="reversed", by="甲")
    deliver(office, hears)
    assert [body["version"] for body in hears.bodies] == [1, 2]
    recovery = hears.bodies[-1]["change"]["recovery"]
    assert (recovery["paid"], recovery["amount"], recovery["reason"]) == ("2490.00", "2490.00", "reversed")


def test_where_nothing_can_be_told_the_recovery_stands_all_the_same(office: Office) -> None:
    claim_id = claims(office)[0]["claim_id"]
    decide(office, claim_id, version=1, outcome="paid", amount=Money(249_000))
    with office.store.write() as tx:
        tx.execute(schema.delivery.update().values(sealed=b"\x00"))
    report = ask_back(office, claim_id, amount=None, reason="fraud", by="甲")
    assert (report.state, report.notice_version) == ("asked", None)
    assert [stored["version"] for stored in rows_of(office, schema.claim)] == [1]
