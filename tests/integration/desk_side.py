"""An association whose clerks decide in the gateway, with levels, and claims of a few invented members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builders import claims, member, page, row, take

from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.desk.accounts import AccountGiven, tell_account
from gateway.flow.desk.deciding import ClerkDecision, DeskAnswer, decide_claim
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.settings.associations import AssociationSpec

ALXA, WUHAI = "阿拉善盟", "乌海市"
CARD = "6222020000000000018"
"""An invented card whose last digit is right (Luhn)."""

DESK: dict[str, Any] = {"two_persons_above": "3000.00"}
LEVELS: list[dict[str, Any]] = [
    {
        "leagues": [ALXA],
        "article": "阿拉善盟工会公开承诺",
        "steps": [
            {"name": "单位工会"},
            {"name": "代办点", "days": 2},
            {"name": "盟工会", "days": 2},
            {"name": "协会", "days": 5, "complex_days": 15},
        ],
    }
]


def with_desk(office: Office, **changes: Any) -> Office:
    """The same site, whose association decides here."""
    spec = office.associations["nm"]
    desk = {**DESK, **changes}
    return replace(office, associations={"nm": AssociationSpec.model_validate({**spec.model_dump(), "desk": desk})})


class Takes:
    """An association that takes everything."""

    def send(self, body: bytes, **named: Any) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, **named: Any) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)


def deliver(office: Office) -> None:
    leases = iter(range(1000))
    deliver_due(office, "nm", Takes(), jitter=lambda: 0.0, new_lease=lambda: f"lease {next(leases)}")


def some_claims(office: Office, *serials: int, league: str = WUHAI, **changes: Any) -> list[str]:
    """A claim of 2,490.00 yuan for each of these people (6,000 at 40 %, nine days at 10)."""
    enrol(office, "nm", [member(serial, league=league) for serial in serials])
    take(office, "east", page(*(row(f"A{serial}", serial, **changes) for serial in serials)))
    by_number = {each["body"]["member"]["member_no"]: each["claim_id"] for each in claims(office)}
    return [by_number[f"M{serial:05d}"] for serial in serials]


def approve(office: Office, claim_id: str, by: str = "甲", **given: Any) -> DeskAnswer:
    return decide_claim(office, claim_id, ClerkDecision(outcome="approved", by=by, **given))


def refuse(office: Office, claim_id: str, by: str = "甲", **given: Any) -> DeskAnswer:
    return decide_claim(office, claim_id, ClerkDecision(outcome="refused", by=by, **given))


def with_account(office: Office, claim_id: str, number: str = CARD) -> None:
    tell_account(office, claim_id, AccountGiven(number=number, bank="试验银行乌海分行"), by="甲")
