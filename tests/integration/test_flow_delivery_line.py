"""The line to an association: what keeps it from being called, and how a person sends again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, enrolled, page, row, rows_of, take

from gateway.errors import WrongUse
from gateway.flow.delivery.by_hand import RedriveLine, enable, redrive_one_by_one
from gateway.flow.delivery.deliver import DeliveryReport, deliver_due
from gateway.flow.findings.book import show
from gateway.flow.intake.night import Doors, deliver_to
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.ports import ClaimOnItsWay
from gateway.settings.associations import HoursSpec, LimitsSpec
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

YES = Answer(kind=AnswerKind.ACCEPTED)
DOWN = Answer(kind=AnswerKind.UNAVAILABLE, code="no_connection")
ABSENT = Answer(kind=AnswerKind.ABSENT)

_leases = itertools.count()


class FarSide:
    """Answers everything in one way, and remembers what it heard."""

    def __init__(self, answer: Answer = YES, *, batch: int = 1) -> None:
        self.answer, self.batch = answer, batch
        self.heard: list[str] = []
        self.batches: list[int] = []

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        self.heard.append(f"send {idempotency_key}")
        return self.answer

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        self.heard.append(f"ask {claim_id}-v{version}")
        return ABSENT if self.answer is YES else self.answer

    def send_batch(self, claims: Sequence[ClaimOnItsWay], *, now: datetime) -> list[Answer]:
        self.batches.append(len(claims))
        return [self.send(now=now, **msgspec.structs.asdict(claim)) for claim in claims]


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 13))
    take(office, "east", page(*(row(f"A{number}", number) for number in range(1, 13))))
    return office


def with_file(office: Office, **changes: Any) -> Office:
    spec = office.associations["nm"].model_copy(update={"parallel": 1, **changes})
    return replace(office, associations={"nm": spec})


def deliver(office: Office, far_side: FarSide) -> DeliveryReport:
    return deliver_due(office, "nm", far_side, jitter=lambda: 0.0, new_lease=lambda: f"line {next(_leases)}")


def attempts(office: Office) -> int:
    return sum(delivery["attempts"] for delivery in rows_of(office, schema.delivery))


def states(office: Office) -> set[str]:
    return {delivery["state"] for delivery in rows_of(office, schema.delivery)}


def codes(office: Office) -> set[str]:
    return {finding.code for finding in show(office)}


def test_an_open_breaker_parks_what_waits_and_one_probe_finds_the_line_again(office: Office, clock: Hands) -> None:
    office = with_file(office, limits=LimitsSpec(breaker_failures=4))
    down, up = FarSide(DOWN), FarSide()
    deliver(office, down)
    spent = attempts(office)
    assert spent == len(down.heard)
    for _ in range(5):
        clock.move(seconds=10)
        assert deliver(office, down).attempts == 0
    assert attempts(office) == spent
    clock.move(minutes=1)
    assert deliver(office, down).attempts == 1
    assert attempts(office) == spent
    clock.move(minutes=3)
    deliver(office, up)
    clock.move(hours=1)
    deliver(office, up)
    assert states(office) == {"accepted"}
    assert len({key for key in up.heard if key.startswith("send")}) == 12


def test_five_days_of_silence_switch_it_off_and_one_command_on_again(office: Office, clock: Hands) -> None:
    office = with_file(office, limits=LimitsSpec(breaker_failures=4))
    down = FarSide(DOWN)
    for _ in range(121):
        deliver(office, down)
        clock.move(hours=1)
    heard = len(down.heard)
    clock.move(days=1)
    assert deliver(office, down).attempts == 0
    assert len(down.heard) == heard
    assert "association_off" in codes(office)
    assert "dead" not in states(office)
    assert enable(office, "nm")
    assert not enable(office, "nm")
    assert "association_off" not in codes(office)
    deliver(office, FarSide())
    assert states(office) == {"accepted"}


def test_no_more_go_in_a_second_than_the_file_says(office: Office, clock: Hands) -> None:
    office = with_file(office, limits=LimitsSpec(per_second=5))
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        clock.move(seconds=seconds)

    far_side = FarSide()
    doors = Doors(
        feed=lambda *_: pytest.fail("no feed"),
        sender=lambda *_: far_side,
        jitter=lambda: 0.0,
        new_lease=lambda: f"rate {next(_leases)}",
        pause=pause,
    )
    assert deliver_to(office, doors, "nm").attempts == 12
    # Five at once, five in the next second, two in the one after.
    assert paused == [1.0, 1.0]


def test_outside_of_its_hours_nothing_is_sent(office: Office, clock: Hands) -> None:
    now = clock.now
    closed = HoursSpec(begin=(now + timedelta(hours=1)).strftime("%H:%M"), end="23:59", days="all")
    office = with_file(office, hours=closed)
    assert deliver(office, FarSide()).attempts == 0
    clock.move(hours=1)
    assert deliver(office, FarSide()).attempts == 12


def test_claims_go_in_batches_where_the_association_takes_them(office: Office) -> None:
    far_side = FarSide(batch=5)
    assert deliver(office, far_side).attempts == 12
    assert sorted(far_side.batches, reverse=True)[:2] == [5, 5]
    assert len(set(far_side.heard)) == len(far_side.heard) == 12


def test_after_the_window_of_its_key_a_claim_is_asked_about(office: Office, clock: Hands) -> None:
    office = with_file(office, idempotency_window="24h")
    deliver(office, FarSide(DOWN))
    clock.move(hours=24)
    again = FarSide()
    deliver(office, again)
    assert [word.partition(" ")[0] for word in again.heard] == ["ask", "send"] * 12


def test_a_claim_whose_words_have_changed_is_asked_about(office: Office, clock: Hands) -> None:
    deliver(office, FarSide(DOWN))
    clock.move(minutes=1)
    other = replace(office)
    # The sentences of an edition that is not there any more are others.
    vars(other)["_wordings"] = {}
    again = FarSide()
    deliver(other, again)
    assert [word.partition(" ")[0] for word in again.heard] == ["ask", "send"] * 12
    assert states(office) == {"accepted"}


def kill_all(office: Office, clock: Hands) -> None:
    for _ in range(9):
        enable(office, "nm")
        deliver(office, FarSide(DOWN))
        clock.move(hours=24)
    enable(office, "nm")
    assert states(office) == {"dead"}


def line_to(far_side: FarSide, pauses: list[float]) -> RedriveLine:
    return RedriveLine(
        sender=far_side,
        per_second=4,
        jitter=lambda: 0.0,
        new_lease=lambda: f"redrive {next(_leases)}",
        pause=pauses.append,
    )


def test_a_group_is_sent_again_one_by_one_until_the_same_failure_comes_back(office: Office, clock: Hands) -> None:
    office = with_file(office, limits=LimitsSpec(breaker_failures=10_000))
    kill_all(office, clock)
    pauses: list[float] = []
    down = redrive_one_by_one(office, "nm", line_to(FarSide(DOWN), pauses), group="no_connection")
    assert (down.tried, down.accepted, down.left, down.stopped) == (1, 0, 11, True)
    none = redrive_one_by_one(office, "nm", line_to(FarSide(), pauses), group="http_500")
    assert (none.tried, none.stopped) == (0, False)
    up = FarSide()
    report = redrive_one_by_one(office, "nm", line_to(up, pauses), group="no_connection")
    assert (report.tried, report.accepted, report.left, report.stopped) == (11, 11, 0, False)
    assert pauses == [0.25] * 10
    assert [word.partition(" ")[0] for word in up.heard] == ["ask", "send"] * 11


def test_over_a_closed_line_nothing_is_sent_again(office: Office, clock: Hands) -> None:
    office = with_file(office, limits=LimitsSpec(breaker_failures=1))
    deliver(office, FarSide(DOWN))
    with pytest.raises(WrongUse, match="enable"):
        redrive_one_by_one(office, "nm", line_to(FarSide(), []), group="no_connection")
