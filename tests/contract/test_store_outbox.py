"""Claims, what was decided about them, and the outbox with its leases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from gateway.model.claim import DeliveryState, PrefilledClaim
from gateway.model.clock import SHANGHAI
from gateway.store import claims, deliveries, people
from gateway.store.claims import ClaimDecisionRow
from gateway.store.deliveries import AnsweredDelivery, HeldDelivery, Outgoing
from gateway.store.engine import Store, Tx, open_store
from gateway.store.values import to_ms

NOW = datetime(2021, 10, 8, 9, tzinfo=SHANGHAI)


# ── claims ──


def claim(number: int, person: int, **changes: Any) -> PrefilledClaim:
    fields: dict[str, Any] = {
        "claim_id": f"HB{number:05d}",
        "association": "nm",
        "person_id": person,
        "member_id": person * 10,
        "scheme": "nm-inpatient",
        "stay_kind": "stay",
        "stay_digest": number.to_bytes(16, "big"),
        "version": 1,
        "status": "proposed",
        "edition": "2021",
        "payable": 100,
        "flags": "",
        "claim_by": None,
        "content": bytes(32),
        "updated_at": number,
    }
    return PrefilledClaim(**{**fields, **changes})


@pytest.mark.parametrize("many", [0, 1, 51, 2001])
def test_claims_are_found_by_person_and_id(store: Store, many: int) -> None:
    with store.write() as tx:
        one, two = people.add(tx, "nm", 2)
        claims.save(tx, [claim(number, one) for number in range(many)] + [claim(9999, two)], [])
        assert len(claims.of_people(tx, [one])) == many
        assert [row.claim_id for row in claims.of_people(tx, [two])] == ["HB09999"]
        assert len(claims.by_ids(tx, [f"HB{number:05d}" for number in range(many)] + ["HBX"])) == many


def test_a_new_version_is_written_over_the_old_one(store: Store) -> None:
    with store.write() as tx:
        one, two = people.add(tx, "nm", 2)
        claims.save(tx, [claim(1, one), claim(2, two)], [])
        changed = claim(
            1,
            one,
            member_id=7,
            version=2,
            status="amended",
            edition=None,
            payable=5,
            flags="late",
            claim_by="2021-12-31",
            content=b"\x01" * 32,
            updated_at=9,
        )
        claims.save(tx, [], [changed])
        [found] = claims.by_ids(tx, ["HB00001"])
        assert msgspec.structs.replace(found, content=bytes(found.content)) == changed
        [other] = claims.by_ids(tx, ["HB00002"])
        assert other.version == 1


def test_claims_are_listed_in_order_of_their_last_change(store: Store) -> None:
    with store.write() as tx:
        [one] = people.add(tx, "nm", 1)
        rows = [claim(1, one, updated_at=5), claim(2, one, updated_at=3), claim(3, one, updated_at=5, status="amended")]
        claims.save(tx, [*rows, claim(4, one, association="other", updated_at=1)], [])

        def listed(**chosen: Any) -> list[str]:
            named = {"association": None, "status": None, "after": (-1, ""), "limit": 10, **chosen}
            return [row.claim_id[-1] for row in claims.listing(tx, **named)]

        assert listed() == ["4", "2", "1", "3"]
        assert listed(association="nm") == ["2", "1", "3"]
        assert listed(status="amended") == ["3"]
        assert listed(limit=2) == ["4", "2"]
        assert listed(after=(5, "HB00001")) == ["3"]
        assert claims.summary(tx) == [
            ("nm", "amended", 1, 100),
            ("nm", "proposed", 2, 200),
            ("other", "proposed", 1, 100),
        ]


def test_a_later_decision_replaces_the_earlier(store: Store) -> None:
    first = ClaimDecisionRow(claim_id="HB00001", version=1, outcome="approved", amount=5, decided_at=1)
    second = msgspec.structs.replace(first, outcome="paid", amount=6, decided_at=2)
    with store.write() as tx:
        [one] = people.add(tx, "nm", 1)
        claims.save(tx, [claim(1, one), claim(2, one)], [])
        claims.decide(tx, first)
        claims.decide(tx, second)
        assert claims.decisions(tx, ["HB00001", "HB00002"]) == {"HB00001": second}


# ── the outbox ──


def put(tx: Tx, claim_id: str, version: int = 1, **changes: Any) -> None:
    fields: dict[str, Any] = {"association": "nm", "sealed": b"body", "state": "pending", "next_at": to_ms(NOW)}
    deliveries.add(tx, [Outgoing(claim_id=claim_id, version=version, **{**fields, **changes})])


def lease(
    tx: Tx, name: str = "mine", *, now: datetime = NOW, many: int = 10, association: str = "nm"
) -> list[HeldDelivery]:
    return deliveries.lease(tx, association, lease=name, now=now, seconds=120, many=many)


def keys(held: list[HeldDelivery]) -> list[str]:
    return [each.delivery.idempotency_key for each in held]


def states(tx: Tx, claim_id: str) -> list[str]:
    return [each.state.value for each in deliveries.of_claim(tx, claim_id)]


def test_what_is_due_is_leased_once_the_oldest_first(store: Store) -> None:
    with store.write() as tx:
        put(tx, "A")
        put(tx, "B", next_at=to_ms(NOW - timedelta(hours=1)))
        put(tx, "C", next_at=to_ms(NOW + timedelta(milliseconds=1)))
        put(tx, "D", association="other")
        held = lease(tx, many=1)
        assert keys(held) == ["B-v1"]
        assert keys(lease(tx, "other")) == ["A-v1"]
        assert lease(tx, "third") == []
        assert keys(lease(tx, now=NOW + timedelta(milliseconds=1))) == ["C-v1"]
        assert keys(lease(tx, association="other")) == ["D-v1"]
    [one] = held
    assert (one.delivery.state, one.delivery.attempts, one.asks_first) == (DeliveryState.LEASED, 1, False)
    assert (one.delivery.lease_until, one.sealed) == (NOW + timedelta(seconds=120), b"body")


def test_an_expired_lease_and_an_unknown_outcome_are_asked_about_first(store: Store) -> None:
    with store.write() as tx:
        put(tx, "A")
        put(tx, "B", state="unknown")
        assert [(each.delivery.claim_id, each.asks_first) for each in lease(tx)] == [("A", False), ("B", True)]
        assert lease(tx, "heir", now=NOW + timedelta(seconds=120)) == []
        heirs = lease(tx, "heir", now=NOW + timedelta(seconds=121))
        assert [(each.delivery.claim_id, each.asks_first) for each in heirs] == [("A", True), ("B", True)]
        assert [each.delivery.attempts for each in heirs] == [2, 2]


@pytest.mark.parametrize("first", ["pending", "unknown", "leased"])
def test_a_version_waits_for_the_one_before_it(store: Store, first: str) -> None:
    with store.write() as tx:
        put(tx, "A", 1, state=first, next_at=to_ms(NOW + timedelta(hours=1)))
        put(tx, "A", 2)
        assert lease(tx) == []


@pytest.mark.parametrize("first", ["accepted", "refused", "dead", "overtaken"])
def test_a_version_goes_once_the_one_before_it_is_settled(store: Store, first: str) -> None:
    with store.write() as tx:
        put(tx, "A", 1, state=first)
        put(tx, "A", 2)
        assert keys(lease(tx)) == ["A-v2"]


def test_what_is_new_does_not_wait_behind_a_backlog(store: Store) -> None:
    with store.write() as tx:
        for number in range(20):
            put(tx, f"C{number:02d}", next_at=to_ms(NOW) - 100 + number)
        assert keys(lease(tx, many=10)) == [f"C{number:02d}-v1" for number in (*range(8), 18, 19)]
        assert keys(lease(tx, many=20)) == [f"C{number:02d}-v1" for number in range(8, 18)]


def test_a_members_claims_are_first_sent_in_the_order_they_were_written(store: Store) -> None:
    with store.write() as tx:
        put(tx, "A", person_id=1, next_at=to_ms(NOW) - 1)
        put(tx, "B", person_id=1, next_at=to_ms(NOW) - 2)
        put(tx, "C", person_id=2, next_at=to_ms(NOW) - 3)
        put(tx, "D", person_id=1, association="other")
        held = lease(tx)
        assert keys(held) == ["A-v1", "C-v1"]
        assert keys(lease(tx, association="other")) == ["D-v1"]
        unknown = msgspec.structs.replace(held[0].delivery, state=DeliveryState.UNKNOWN)
        deliveries.record_answers(tx, [AnsweredDelivery(unknown)], lease="mine")
        # Nobody knows yet whether the first of them is there.
        held = lease(tx, "again")
        assert keys(held) == ["A-v1"]
        done = msgspec.structs.replace(held[0].delivery, state=DeliveryState.ACCEPTED)
        deliveries.record_answers(tx, [AnsweredDelivery(done)], lease="again")
        assert keys(lease(tx)) == ["B-v1"]


def play_at_random(tx: Tx, random: Random, association: str) -> list[HeldDelivery]:
    """Some workers that lease, answer, fail and die, until nothing is left; returns what was tried, in order."""
    now, written, tried = NOW, 0, []
    while True:
        now += timedelta(seconds=random.choice([0, 1, 60, 121]))
        for _ in range(random.randrange(3) if written < 12 else 0):
            claim_id = f"{association}-{written % 5}"
            version = len(deliveries.of_claim(tx, claim_id)) + 1
            at = to_ms(now) - random.randrange(5000)
            put(tx, claim_id, version, association=association, person_id=written % 5 % 2, next_at=at)
            written += 1
        held = lease(tx, f"{association}{now}", now=now, many=random.randrange(1, 9), association=association)
        tried += held
        answered = [one for one in held if random.random() < 0.9]
        for one in answered:
            state = random.choice([DeliveryState.PENDING, DeliveryState.UNKNOWN, *[DeliveryState.ACCEPTED] * 3])
            later = now + timedelta(seconds=random.randrange(200))
            left = msgspec.structs.replace(one.delivery, state=state, next_at=later)
            deliveries.record_answers(tx, [AnsweredDelivery(left)], lease=one.lease)
        if written >= 12 and not any(
            deliveries.listing(tx, state=state, association=association, limit=1)
            for state in ("pending", "leased", "unknown")
        ):
            return tried


@pytest.mark.parametrize("start", [0, pytest.param(1000, marks=pytest.mark.full)])
def test_nothing_overtakes_whatever_workers_do(store: Store, start: int) -> None:
    """Versions of a claim are never tried before the one before has its answer; a member's claims are first tried in
    the order in which they were written."""
    for seed in range(start, start + (8 if start == 0 else 200)):
        with store.write() as tx:
            tried = play_at_random(tx, Random(seed), f"a{seed}")
        firsts: dict[int, int] = {}
        for place, one in enumerate(tried):
            firsts.setdefault(one.delivery.delivery_id, place)
        by_number = sorted(firsts)
        assert len(by_number) >= 12
        last_try = {one.delivery.delivery_id: place for place, one in enumerate(tried)}
        person_of = {one.delivery.delivery_id: int(one.delivery.claim_id[-1]) % 2 for one in tried}
        for person in (0, 1):
            own = [number for number in by_number if person_of[number] == person]
            assert all(last_try[one] < firsts[two] for one, two in pairwise(own))


def test_a_lease_reads_an_index_and_no_backlog(store: Store) -> None:
    """Whatever waits, rows come out of the partial index in their order: nothing is scanned, nothing sorted."""
    with store.read() as tx:
        query = deliveries._QUERIES[deliveries._OLDEST, False].text
        named = {"association": "nm", "now": 0, "sends": True, "many": 1}
        explain = "explain " if store.postgres else "explain query plan "
        plan = "\n".join(str(row) for row in tx.execute(text(explain + query), named))
    assert "ix_delivery_due" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_what_came_of_it_is_written_by_whoever_holds_the_lease(store: Store) -> None:
    later = NOW + timedelta(minutes=5)
    with store.write() as tx:
        put(tx, "A")
        put(tx, "B")
        one, two = lease(tx)
        good = msgspec.structs.replace(one.delivery, state=DeliveryState.ACCEPTED)
        bad = msgspec.structs.replace(two.delivery, state=DeliveryState.UNKNOWN, next_at=later, last_code="timeout")
        deliveries.record_answers(tx, [(good, "NM-7")], lease="somebody else's")
        assert states(tx, "A") == ["leased"]
        deliveries.record_answers(tx, [(good, "NM-7"), (bad, None)], lease="mine")
        assert (states(tx, "A"), states(tx, "B")) == (["accepted"], ["unknown"])
        # The lease is given back: what comes late changes nothing.
        deliveries.record_answers(tx, [(msgspec.structs.replace(good, state=DeliveryState.DEAD), None)], lease="mine")
        assert states(tx, "A") == ["accepted"]
        [found] = deliveries.of_claim(tx, "B")
        assert (found.next_at, found.last_code, found.lease_until, found.attempts) == (later, "timeout", None, 1)
        assert deliveries.counts(tx) == {"accepted": 1, "unknown": 1}
        assert deliveries.next_due(tx) == later


def test_two_who_lease_at_once_hold_different_claims(store: Store, database_url: str) -> None:
    with store.write() as tx:
        for number in range(40):
            put(tx, f"C{number:02d}")
    other = open_store(database_url, site=Path())
    meet = threading.Barrier(2)

    def work(mine: Store) -> list[str]:
        held: list[str] = []
        meet.wait(5)
        while True:
            with mine.write() as tx:
                some = lease(tx, str(id(mine)), many=7)
            if not some:
                return held
            held += keys(some)

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(work, (store, other))
    other.close()
    assert len(one) + len(two) == 40
    assert set(one).isdisjoint(two)


def test_versions_that_were_never_sent_are_overtaken(store: Store) -> None:
    with store.write() as tx:
        put(tx, "A")
        put(tx, "B")
        put(tx, "C")
        held = {each.delivery.claim_id: each.delivery for each in lease(tx, many=2)}
        pending = msgspec.structs.replace(held["B"], state=DeliveryState.PENDING)
        deliveries.record_answers(tx, [(pending, None)], lease="mine")
        put(tx, "A", 2)
        assert deliveries.overtake(tx, ["A", "B", "C", "D"]) == {"A": False, "B": False, "C": True}
        # A worker holds the first of A, and B may have been on the wire: these stay as they are.
        assert (states(tx, "A"), states(tx, "B")) == (["leased", "overtaken"], ["pending"])
        assert states(tx, "C") == ["overtaken"]
        assert deliveries.overtake(tx, ["C"]) == {"C": True}
        assert deliveries.overtake(tx, []) == {}


def test_bodies_and_lists(store: Store) -> None:
    with store.write() as tx:
        put(tx, "A", sealed=b"\x00first")
        put(tx, "A", 2, sealed=b"second", state="dead")
        put(tx, "B", association="other", state="dead")
        assert deliveries.body_of(tx, "A", 1) == b"\x00first"
        assert deliveries.body_of(tx, "A", 3) is None

        def listed(state: str | None, association: str | None, limit: int = 10) -> list[str]:
            found = deliveries.listing(tx, state=state, association=association, limit=limit)
            return [each.idempotency_key for each in found]

        assert listed(None, None) == ["B-v1", "A-v2", "A-v1"]
        assert listed("dead", None) == ["B-v1", "A-v2"]
        assert listed("dead", "nm") == ["A-v2"]
        assert listed(None, None, 1) == ["B-v1"]


def test_a_version_goes_into_the_outbox_once(store: Store) -> None:
    with store.write() as tx:
        put(tx, "A")
    with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:
        put(tx, "A")


def test_dead_letters_are_given_a_new_schedule(store: Store) -> None:
    later = NOW + timedelta(days=1)
    with store.write() as tx:
        put(tx, "A", state="dead")
        put(tx, "B", state="dead")
        put(tx, "B", 2, state="accepted")
        put(tx, "C", state="refused")
        assert len(deliveries.redrive(tx, now=later, association=None, ids=None)) == 1
        assert (states(tx, "A"), states(tx, "B"), states(tx, "C")) == (
            ["unknown"],
            ["overtaken", "accepted"],
            ["refused"],
        )
        [held] = lease(tx, now=later)
        assert held.asks_first
