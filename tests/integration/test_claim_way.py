"""A claim tells its way: every step with its instant and who did it, from being prepared to being paid."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, claims, enrolled, only, page, row, take
from desk_side import approve, some_claims, with_account, with_desk
from desk_side import deliver as deliver_all
from sqlalchemy import text
from test_flow_deliver import DOWN, LOST, NO, YES, Inbox, deliver

from gateway.flow.delivery import by_hand
from gateway.flow.delivery.claims import decide, show_claim
from gateway.flow.delivery.hearing import AssociationMessage, hear
from gateway.flow.desk.paying import make_list, take_answer
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 6))
    return office


def the_claim(office: Office) -> str:
    found: str = only(claims(office))["claim_id"]
    return found


def way(office: Office, claim_id: str) -> list[tuple[str, str, str]]:
    """What, who, and at which minute past nine of which day."""
    told = show_claim(office, claim_id)["way"]
    return [(event["what"], event["by"], minute(event["at"])) for event in told]


def minute(at: str | None) -> str:
    return datetime.fromisoformat(at).strftime("%d %H:%M") if at else "?"


def test_prepared_sent_accepted_approved_paid(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    clock.move(minutes=1)
    deliver(office, Inbox([YES]))
    clock.move(days=1)
    hear(office, claim, AssociationMessage(version=1, outcome="accepted", amount=Money(0)))
    clock.move(days=1)
    hear(office, claim, AssociationMessage(version=1, outcome="approved", amount=Money(249000)))
    clock.move(days=3)
    said = clock.now
    clock.move(hours=2)
    hear(office, claim, AssociationMessage(version=1, outcome="paid", amount=Money(249000), at=said))
    assert way(office, claim) == [
        ("prepared", "gateway", "08 09:00"),
        ("sent", "gateway", "08 09:01"),
        ("accepted", "association", "08 09:01"),
        ("taken_in", "association", "09 09:01"),
        ("approved", "association", "10 09:01"),
        ("paid", "association", "13 09:01"),
    ]
    told = show_claim(office, claim)["way"]
    assert [event["amount"] for event in told] == ["2490.00", None, None, None, "2490.00", "2490.00"]
    assert [event["words"] for event in told] == ["预填", "送出", "协会收下", "已受理", "核定", "已支付"]


def test_amended_withdrawn_and_not_granted(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    deliver(office, Inbox([YES]))
    clock.move(minutes=10)
    take(office, "east", page(row("A1", 1, fund_pay_sumamt="8000.00", psn_part_amt="12000.00")))
    clock.move(minutes=1)
    deliver(office, Inbox([NO]))
    clock.move(minutes=9)
    take(office, "east", page(row("A1", 1, refund=True)))
    assert way(office, claim) == [
        ("prepared", "gateway", "08 09:00"),
        ("sent", "gateway", "08 09:00"),
        ("accepted", "association", "08 09:00"),
        ("amended", "gateway", "08 09:10"),
        ("sent", "gateway", "08 09:11"),
        ("refused", "association", "08 09:11"),
        ("withdrawn", "gateway", "08 09:20"),
    ]
    amended = show_claim(office, claim)["way"][3]
    assert amended["detail"].startswith("应补助金额由2490.00元变为2890.00元")
    decide(office, claim, version=1, outcome="refused", amount=Money(0))


def test_unknown_asked_dead_and_what_a_person_found_out(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    mute = Answer(kind=AnswerKind.UNKNOWN, code="cannot_be_asked")
    deliver(office, Inbox([LOST]))
    clock.move(minutes=30)
    deliver(office, Inbox(asks=[mute]))
    clock.move(minutes=30)
    by_hand.confirm(office, "nm", group="cannot_be_asked", accepted=True, by="乙")
    assert way(office, claim) == [
        ("prepared", "gateway", "08 09:00"),
        ("sent", "gateway", "08 09:00"),
        ("unknown", "gateway", "08 09:00"),
        ("dead", "gateway", "08 09:30"),
        ("accepted", "乙", "08 10:00"),
    ]


def test_sent_again_by_a_person_and_accepted_then(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    for _ in range(9):
        deliver(office, Inbox([DOWN]))
        clock.move(hours=22)
    assert by_hand.redrive(office, by_hand.RedriveOrder(association="nm", by="丙", send_again=True)) == 1
    clock.move(minutes=5)
    deliver(office, Inbox([YES]))
    told = way(office, claim)
    assert [(what, by) for what, by, _ in told] == [
        ("prepared", "gateway"), ("sent", "gateway"), ("dead", "gateway"), ("again", "丙"), ("accepted", "association"),
    ]  # fmt: skip
    assert told[-1][2] == clock.now.strftime("%d %H:%M")


def test_a_clerks_way_names_every_person(make_office: MakeOffice, sqlite_url: str, clock: Hands) -> None:
    office = with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST), two_persons_above="1000.00")
    [claim] = some_claims(office, 1)
    deliver_all(office)
    clock.move(days=1)
    approve(office, claim, by="甲")
    clock.move(hours=1)
    approve(office, claim, by="乙", confirm=True)
    with_account(office, claim)
    clock.move(days=1)
    made = make_list(office, "nm", by="丁").made
    assert made is not None
    clock.move(days=1)
    answer = f"业务编号,金额,结果\nnm-{made.number:06d}-0001,2490.00,成功\n".encode()
    take_answer(office, "nm", made.number, answer, by="戊")
    told = show_claim(office, claim)["way"]
    assert [(event["what"], event["by"], event["state"], minute(event["at"])) for event in told] == [
        ("prepared", "gateway", "done", "08 09:00"),
        ("sent", "gateway", "done", "08 09:00"),
        ("accepted", "association", "done", "08 09:00"),
        ("approved", "甲", "done", "09 09:00"),
        ("approved", "乙", "done", "09 10:00"),
        ("account", "甲", "done", "09 10:00"),
        ("listed", "丁", "done", "10 10:00"),
        ("paid", "戊", "done", "11 10:00"),
    ]


def test_versions_of_before_stand_in_their_place_without_an_instant(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    deliver(office, Inbox([YES]))
    clock.move(minutes=10)
    take(office, "east", page(row("A1", 1, fund_pay_sumamt="8000.00", psn_part_amt="12000.00")))
    with office.store.write() as tx:
        tx.execute(text("update delivery set made_at = null, first_at = null, answered_at = null"))
    assert way(office, claim) == [
        ("prepared", "gateway", "?"),
        ("accepted", "association", "?"),
        ("amended", "gateway", "08 09:10"),
    ]


def test_nothing_of_a_person_is_on_the_way(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = the_claim(office)
    deliver(office, Inbox([YES]))
    shown: dict[str, Any] = show_claim(office, claim)
    for secret in (shown["body"]["member"]["name"], shown["body"]["member"]["id_number"]):
        assert secret not in str(shown["way"])
