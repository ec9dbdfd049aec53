"""Claims reach an association at least once on the wire and exactly once in effect."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, body, claims, enrolled, only, page, row, rows_of, take, versions

from gateway.core.claims.delivering import SCHEDULE
from gateway.flow.delivery.deliver import DeliveryReport, deliver_due
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind, Delivery, DeliveryState
from gateway.store import deliveries, schema
from gateway.store.values import from_ms

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

YES = Answer(kind=AnswerKind.ACCEPTED, reference="NM-1")
NO = Answer(kind=AnswerKind.REFUSED, code="not_a_member")
DOWN = Answer(kind=AnswerKind.UNAVAILABLE, code="http_503")
LOST = Answer(kind=AnswerKind.UNKNOWN, code="timeout")
ABSENT = Answer(kind=AnswerKind.ABSENT)
MUTE = Answer(kind=AnswerKind.UNKNOWN, code="cannot_be_asked")

_leases = itertools.count()


class Inbox:
    """An association that answers from a script, and remembers what it heard; it accepts when the script is over."""

    def __init__(self, sends: Iterable[Answer] = (), asks: Iterable[Answer] = ()) -> None:
        self.sends, self.asks = list(sends), list(asks)
        self.heard: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        self.heard.append(("send", idempotency_key))
        self.bodies.append(msgspec.json.decode(body))
        return self.sends.pop(0) if self.sends else YES

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        self.heard.append(("ask", f"{claim_id}-v{version}"))
        return self.asks.pop(0)

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.heard]


def deliver(office: Office, inbox: Any, jitter: Callable[[], float] = lambda: 0.0) -> DeliveryReport:
    return deliver_due(office, "nm", inbox, jitter=jitter, new_lease=lambda: f"lease {next(_leases)}")


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 41))
    return office


@pytest.fixture
def claim(office: Office) -> str:
    """The one claim in the outbox."""
    take(office, "east", page(row("A1", 1)))
    found: str = only(claims(office))["claim_id"]
    return found


def sent(office: Office) -> dict[str, Any]:
    """The one delivery there is."""
    found: dict[str, Any] = only(rows_of(office, schema.delivery))
    return found


def test_an_accepted_claim_is_done(office: Office, claim: str) -> None:
    inbox = Inbox()
    report = deliver(office, inbox)
    assert (report.attempts, report.states) == (1, {"accepted": 1})
    assert inbox.heard == [("send", f"{claim}-v1")]
    assert inbox.bodies == [body(office, claim, 1)]
    stands = sent(office)
    assert (stands["state"], stands["reference"], stands["attempts"], stands["lease"]) == ("accepted", "NM-1", 1, None)
    assert deliver(office, inbox).attempts == 0


def test_a_refused_claim_is_not_tried_again(office: Office, claim: str) -> None:
    inbox = Inbox([NO])
    deliver(office, inbox)
    assert (sent(office)["state"], sent(office)["last_code"]) == ("refused", "not_a_member")
    assert deliver(office, inbox).attempts == 0


def test_the_long_schedule_and_its_end(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([DOWN] * 8)
    for wait in SCHEDULE:
        assert deliver(office, inbox).attempts == 1
        assert sent(office)["state"] == "pending"
        assert from_ms(sent(office)["next_at"]) - clock.now == wait
        clock.move(seconds=wait.total_seconds() - 1)
        assert deliver(office, inbox).attempts == 0
        clock.move(seconds=1)
    assert [wait.total_seconds() for wait in SCHEDULE] == [5, 300, 1800, 7200, 18000, 36000, 36000]
    deliver(office, inbox)
    assert sent(office)["state"] == "dead"
    assert inbox.heard == [("send", f"{claim}-v1")] * 8
    clock.move(days=30)
    assert deliver(office, inbox).attempts == 0


@pytest.mark.parametrize(("jitter", "seconds"), [(-1.0, 4), (1.0, 6), (0.5, 5.5)])
def test_waits_are_spread_by_a_fifth(office: Office, claim: str, clock: Hands, jitter: float, seconds: float) -> None:
    deliver(office, Inbox([DOWN]), jitter=lambda: jitter)
    assert from_ms(sent(office)["next_at"]) - clock.now == timedelta(seconds=seconds)


@pytest.mark.parametrize(("asked", "waited"), [(2.0, 5), (5.0, 5), (90.0, 90), (10 * 86400.0, 86400)])
def test_a_longer_wait_is_granted_where_it_is_asked_for(
    office: Office, claim: str, clock: Hands, asked: float, waited: int
) -> None:
    deliver(office, Inbox([msgspec.structs.replace(DOWN, retry_after=asked)]))
    assert from_ms(sent(office)["next_at"]) - clock.now == timedelta(seconds=waited)


# ── unknown ──


def test_an_unknown_outcome_is_asked_about_and_not_sent_again(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST], [YES])
    deliver(office, inbox)
    assert sent(office)["state"] == "unknown"
    clock.move(minutes=1)
    deliver(office, inbox)
    assert sent(office)["state"] == "accepted"
    assert inbox.verbs == ["send", "ask"]


def test_what_the_association_does_not_have_is_sent_with_the_same_key(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST], [ABSENT])
    deliver(office, inbox)
    clock.move(minutes=1)
    deliver(office, inbox)
    key = f"{claim}-v1"
    assert inbox.heard == [("send", key), ("ask", key), ("send", key)]
    assert inbox.bodies[0] == inbox.bodies[1]
    assert sent(office)["state"] == "accepted"


def test_doubt_lasts_until_it_is_answered(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST], [DOWN, LOST, ABSENT])
    for _ in range(4):
        deliver(office, inbox)
        clock.move(hours=2)
    assert inbox.verbs == ["send", "ask", "ask", "ask", "send"]
    assert sent(office)["state"] == "accepted"


def test_once_the_association_says_it_has_nothing_a_failure_is_no_doubt(
    office: Office, claim: str, clock: Hands
) -> None:
    inbox = Inbox([LOST, DOWN], [ABSENT])
    for _ in range(3):
        deliver(office, inbox)
        clock.move(hours=2)
    assert inbox.verbs == ["send", "ask", "send", "send"]


def test_a_lost_answer_to_the_second_sending_is_doubt_again(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST, LOST], [ABSENT, YES])
    for _ in range(3):
        deliver(office, inbox)
        clock.move(hours=2)
    assert inbox.verbs == ["send", "ask", "send", "ask"]
    assert sent(office)["state"] == "accepted"


def test_an_association_that_cannot_be_asked_needs_a_person(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST], [MUTE])
    deliver(office, inbox)
    clock.move(minutes=1)
    deliver(office, inbox)
    assert (sent(office)["state"], sent(office)["last_code"]) == ("dead", "cannot_be_asked")
    clock.move(days=3)
    assert deliver(office, inbox).attempts == 0
    assert inbox.verbs == ["send", "ask"]


def test_doubt_that_is_never_answered_ends_with_a_person(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST], [DOWN] * 20)
    for _ in range(12):
        deliver(office, inbox)
        clock.move(hours=24)
    assert sent(office)["state"] == "dead"
    assert inbox.verbs == ["send"] + ["ask"] * 7


# ── leases ──


class Killed(BaseException):
    """The worker is gone."""


class Killing(Inbox):
    """The worker dies while it sends."""

    def send(self, body: bytes, **named: Any) -> Answer:
        super().send(body, **named)
        raise Killed


def test_what_a_dead_worker_held_is_asked_about(office: Office, claim: str, clock: Hands) -> None:
    inbox = Killing()
    with pytest.raises(Killed):
        deliver(office, inbox)
    heir = Inbox(asks=[YES])
    assert deliver(office, heir).attempts == 0
    clock.move(seconds=office.gateway.lease_seconds)
    assert deliver(office, heir).attempts == 0
    clock.move(seconds=1)
    deliver(office, heir)
    assert heir.verbs == ["ask"]
    assert sent(office)["state"] == "accepted"


def test_a_worker_that_lost_its_lease_changes_nothing(office: Office, claim: str, clock: Hands) -> None:
    with office.store.write() as tx:
        [slow] = deliveries.lease(tx, "nm", lease="slow", now=clock.now, seconds=120, many=10)
    clock.move(minutes=5)
    deliver(office, Inbox(asks=[YES]))
    late = msgspec.structs.replace(slow.delivery, state=DeliveryState.REFUSED)
    with office.store.write() as tx:
        deliveries.record_answers(tx, [(late, "late")], lease="slow")
    assert (sent(office)["state"], sent(office)["reference"]) == ("accepted", "NM-1")


def test_nothing_is_locked_while_a_claim_is_on_the_wire(office: Office, claim: str) -> None:
    class Writes(Inbox):
        def send(self, body: bytes, **named: Any) -> Answer:
            take(office, "east", page(row("A2", 2)))
            return super().send(body, **named)

    deliver(office, Writes())
    assert len(claims(office)) == 2


def test_two_workers_send_every_claim_once(office: Office, make_office: MakeOffice, database_url: str) -> None:
    take(office, "east", page(*(row(f"A{n}", n) for n in range(1, 41))))
    other = make_office(database_url)
    inbox = Inbox()
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda each: deliver(each, inbox), (office, other)))
    assert sum(report.attempts for report in reports) == 40
    assert len(set(inbox.heard)) == len(inbox.heard) == 40
    assert {each["state"] for each in rows_of(office, schema.delivery)} == {"accepted"}


def test_one_claim_that_fails_holds_up_no_other(office: Office) -> None:
    take(office, "east", page(*(row(f"A{n}", n) for n in range(1, 6))))
    report = deliver(office, Inbox([DOWN, LOST, NO]))
    assert report.states == {"unavailable": 1, "unknown": 1, "refused": 1, "accepted": 2}


# ── versions and dead letters ──


def test_versions_arrive_in_order(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([DOWN])
    deliver(office, inbox)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    assert deliver(office, inbox).attempts == 0
    clock.move(seconds=5)
    deliver(office, inbox)
    assert inbox.heard == [("send", f"{claim}-v1")] * 2 + [("send", f"{claim}-v2")]
    assert versions(office, claim) == [(1, "proposed", "accepted"), (2, "amended", "accepted")]


def test_a_version_waits_for_one_whose_outcome_is_unknown(office: Office, claim: str, clock: Hands) -> None:
    inbox = Inbox([LOST], [YES])
    deliver(office, inbox)
    take(office, "east", page(row("A1", 1, refund=True)))
    assert deliver(office, inbox).attempts == 0
    clock.move(minutes=1)
    deliver(office, inbox)
    assert inbox.heard == [("send", f"{claim}-v1"), ("ask", f"{claim}-v1"), ("send", f"{claim}-v2")]
    assert inbox.bodies[-1]["status"] == "withdrawn"


def kill(office: Office, clock: Hands) -> None:
    inbox = Inbox([DOWN] * 8)
    for _ in range(8):
        deliver(office, inbox)
        clock.move(hours=24)
    assert sent(office)["state"] == "dead"


def redrive(office: Office, clock: Hands, **named: Any) -> int:
    with office.store.write() as tx:
        return len(deliveries.redrive(tx, now=clock.now, **{"association": None, "ids": None, **named}))


def test_a_dead_letter_is_asked_about_before_it_goes_again(office: Office, claim: str, clock: Hands) -> None:
    kill(office, clock)
    assert redrive(office, clock) == 1
    inbox = Inbox(asks=[ABSENT])
    deliver(office, inbox)
    assert inbox.verbs == ["ask", "send"]
    assert sent(office)["state"] == "accepted"


def test_a_person_who_made_sure_may_have_it_sent_without_asking(office: Office, claim: str, clock: Hands) -> None:
    kill(office, clock)
    assert redrive(office, clock, send_again=True) == 1
    inbox = Inbox()
    deliver(office, inbox)
    assert inbox.verbs == ["send"]


def test_only_dead_letters_that_are_meant_are_redriven(office: Office, claim: str, clock: Hands) -> None:
    assert redrive(office, clock) == 0
    kill(office, clock)
    number = sent(office)["delivery_id"]
    assert redrive(office, clock, association="other") == 0
    assert redrive(office, clock, ids=[number + 1]) == 0
    assert redrive(office, clock, ids=[number]) == 1
    assert redrive(office, clock, ids=[number]) == 0


def test_a_redriven_letter_has_a_new_schedule(office: Office, claim: str, clock: Hands) -> None:
    kill(office, clock)
    redrive(office, clock)
    inbox = Inbox([DOWN] * 20, [ABSENT] * 20)
    tries = 0
    while sent(office)["state"] != "dead":
        tries += deliver(office, inbox).attempts
        clock.move(hours=24)
    assert tries == 7


def test_an_old_version_is_not_redriven_behind_the_new_one(office: Office, claim: str, clock: Hands) -> None:
    kill(office, clock)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    deliver(office, Inbox())
    assert redrive(office, clock) == 0
    inbox = Inbox()
    assert deliver(office, inbox).attempts == 0
    assert [state for *_, state in versions(office, claim)] == ["overtaken", "accepted"]


def test_the_key_of_a_version_is_the_same_at_every_attempt() -> None:
    one = Delivery(
        delivery_id=1,
        claim_id="HBX",
        version=3,
        association="nm",
        state=DeliveryState.PENDING,
        attempts=1,
        next_at=from_ms(0),
    )
    later = msgspec.structs.replace(one, attempts=7, state=DeliveryState.UNKNOWN, delivery_id=9)
    assert one.idempotency_key == later.idempotency_key == "HBX-v3"
