"""A worker that dies, an answer that is lost, doubled, late or a lie, a clock that steps: at every step of a delivery.

Whatever comes, in the end every claim is there: none lost, none twice in effect, none in another order.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, enrolled, page, row, rows_of, take

from gateway.flow.delivery.by_hand import enable
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

FAULTS = (
    "killed before it leases",
    "killed before it sends",
    "killed once it was sent",
    "killed while it writes the answer",
    "answer lost",
    "request lost",
    "down",
    "a lie",
    "sent twice",
    "slow beyond its lease",
    "clock ahead",
    "clock behind",
)
OUTAGES = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))


class Killed(BaseException):
    """The process is gone: nothing it would have done is done."""


class FarSide:
    """An association that keeps what it takes, by idempotency key, and in which order it took effect."""

    def __init__(self, clock: Hands, random: Random, faults: list[str]) -> None:
        self._clock, self._random, self._faults = clock, random, faults
        self.held: dict[str, int] = {}
        self.effects: list[str] = []

    def fault(self, *kinds: str) -> str:
        """The next fault where it is one of these and its time has come."""
        due = bool(self._faults) and self._faults[0] in kinds and self._random.random() < 0.5
        return self._faults.pop(0) if due else ""

    def take(self, claim_id: str, version: int, key: str) -> Answer:
        if self.held.get(claim_id, 0) > version:
            return Answer(kind=AnswerKind.ACCEPTED, code="already_held")
        if self.held.get(claim_id, 0) < version:
            self.effects.append(key)
            self.held[claim_id] = version
        return Answer(kind=AnswerKind.ACCEPTED)

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        fault = self.fault(*FAULTS[1:3], *FAULTS[4:])
        if fault == "killed before it sends":
            raise Killed
        if fault in ("down", "request lost"):
            down = fault == "down"
            kind = AnswerKind.UNAVAILABLE if down else AnswerKind.UNKNOWN
            return Answer(kind=kind, code="no_connection" if down else "no_answer")
        answer = self.take(claim_id, version, idempotency_key)
        if fault == "killed once it was sent":
            raise Killed
        if fault == "sent twice":
            answer = self.take(claim_id, version, idempotency_key)
        steps = {"slow beyond its lease": 500, "clock ahead": 7200, "clock behind": -7200}
        self._clock.move(seconds=steps.get(fault, 0))
        if fault == "answer lost":
            return Answer(kind=AnswerKind.UNKNOWN, code="no_answer")
        return Answer(kind=AnswerKind.UNKNOWN, code="unproven/html") if fault == "a lie" else answer

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        if self.fault("down", "killed before it sends"):
            return Answer(kind=AnswerKind.UNAVAILABLE, code="no_answer")
        present = self.held.get(claim_id, 0)
        return Answer(kind=AnswerKind.ACCEPTED if present >= version else AnswerKind.ABSENT)


_leases = itertools.count()


def sit(office: Office, far_side: FarSide) -> None:
    """One worker's sitting, which may be its last."""

    def new_lease() -> str:
        if far_side.fault("killed before it leases"):
            raise Killed
        return f"trial {next(_leases)}"

    def jitter() -> float:
        # Drawn in the middle of the transaction that writes the answers: what it wrote is rolled back.
        if far_side.fault("killed while it writes the answer"):
            raise Killed
        return 0.0

    with suppress(Killed):
        deliver_due(office, "nm", far_side, jitter=jitter, new_lease=new_lease)


def play(office: Office, clock: Hands, seed: int) -> None:
    random = Random(seed)
    # Every kind of fault stands first in one of each dozen trials; each has some more behind it.
    faults = [FAULTS[seed % len(FAULTS)], *random.choices(FAULTS, k=random.randrange(6))]
    far_side = FarSide(clock, random, faults)
    before = {delivery["delivery_id"] for delivery in rows_of(office, schema.delivery)}
    numbers = [f"T{seed}-{number}" for number in range(3)]
    # Three stays of one member and one of another, of which one is corrected while deliveries go on.
    people = [1 + seed % 20] * 2 + [21 + seed % 20]
    take(office, "east", page(*(row(number, person) for number, person in zip(numbers, people, strict=True))))
    sit(office, far_side)
    take(office, "east", page(row(numbers[0], people[0], inscp_scp_amt="16000.00")))
    for _ in range(60):
        sit(office, far_side)
        clock.move(seconds=random.choice(OUTAGES).total_seconds())
        own = [one for one in rows_of(office, schema.delivery) if one["delivery_id"] not in before]
        if not faults and all(one["state"] in ("accepted", "overtaken", "dead") for one in own):
            break
        enable(office, "nm")
    told = f"seed {seed}"
    assert {one["state"] for one in own} <= {"accepted", "overtaken"}, told
    newest = {one["claim_id"]: one["version"] for one in sorted(own, key=lambda one: one["version"])}
    assert far_side.held == {claim: version for claim, version in newest.items() if claim in far_side.held}, told
    lost = newest.keys() - far_side.held.keys()
    assert all({one["state"] for one in own if one["claim_id"] == claim} == {"overtaken"} for claim in lost), told
    assert len(far_side.effects) == len(set(far_side.effects)), told
    number_of = {f"{one['claim_id']}-v{one['version']}": one["delivery_id"] for one in own}
    for person in {one["person_id"] for one in own}:
        arrived = [
            number_of[key]
            for key in far_side.effects
            if person == next(o for o in own if o["delivery_id"] == number_of[key])["person_id"]
        ]
        assert arrived == sorted(arrived), told


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return manned(make_office, sqlite_url)


@pytest.fixture
def either_office(make_office: MakeOffice, database_url: str) -> Office:
    return manned(make_office, database_url)


def manned(make_office: MakeOffice, url: str) -> Office:
    office = make_office(url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 41))
    spec = office.associations["nm"].model_copy(update={"parallel": 1})
    office.associations["nm"] = spec
    return office


def test_twenty_four_nights_of_mishaps_lose_double_and_misorder_nothing(office: Office, clock: Hands) -> None:
    for seed in range(24):
        play(office, clock, seed)


@pytest.mark.full
@pytest.mark.parametrize("start", range(100, 1100, 50))
def test_a_thousand_nights_of_mishaps_on_either_database(either_office: Office, clock: Hands, start: int) -> None:
    for seed in range(start, start + 50):
        play(either_office, clock, seed)
