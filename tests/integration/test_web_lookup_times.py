"""Neither answer nor time tells who is a member: a classifier that sees only how long an answer took does no better
than a coin."""

from __future__ import annotations

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import local
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from test_web_lookup import HEALTHY, MakeLine, as_member, make_line, wuhai
from web_side import ENVIRONMENT, Side, at_work, client_of

from gateway import wiring
from gateway.flow.roster.enrol import enrol
from gateway.ports import SweepReply, SweepSubject
from gateway.sandbox.people import person_at
from gateway.sandbox.roster import member_no

if TYPE_CHECKING:
    from conftest import MakeOffice

__all__ = ["make_line"]

CALLERS = 8


class TimedLine:
    """A line that knows nobody, after a time of its own."""

    people_per_page = 1

    def __init__(self, empty: SweepReply, seed: int) -> None:
        self._empty, self._numbers, self._lots = empty, itertools.count(1), random.Random(seed)

    def ask(self, subjects: list[SweepSubject], *, now: datetime) -> SweepReply:
        time.sleep(self._lots.lognormvariate(-1.6, 0.4))
        fetched = msgspec.structs.replace(self._empty.fetched, request=f"lookup {next(self._numbers)}")
        asked = tuple(subject.member_id for subject in subjects)
        return msgspec.structs.replace(self._empty, fetched=fetched, asked=asked)


def rank_auc(first: list[float], second: list[float]) -> float:
    """The chance that one of the second took longer than one of the first; ties count half (Mann and Whitney)."""
    marked = sorted([(seconds, 0) for seconds in first] + [(seconds, 1) for seconds in second])
    total = 0.0
    for _, group in itertools.groupby(enumerate(marked, start=1), key=lambda ranked: ranked[1][0]):
        tied = list(group)
        rank = sum(place for place, _ in tied) / len(tied)
        total += rank * sum(mark for _, (_, mark) in tied)
    return (total - len(second) * (len(second) + 1) / 2) / (len(first) * len(second))


def test_the_classifier_itself() -> None:
    assert rank_auc([1.0, 2.0], [3.0, 4.0]) == 1.0
    assert rank_auc([3.0, 4.0], [1.0, 2.0]) == 0.0
    assert rank_auc([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.5


@pytest.mark.full
@pytest.mark.parametrize("people", [2_000])
def test_times_tell_nothing(
    make_office: MakeOffice, make_line: MakeLine, postgres_url: str, monkeypatch: pytest.MonkeyPatch, people: int
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    first = make_office(postgres_url, feeds=wuhai(make_line()))
    file = first.site / "config" / "associations" / "nm.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n[lookups]\nper_minute = 100000\n", encoding="utf-8")
    office = make_office(postgres_url)
    members = [person_at(9, index, league="wuhai", as_of=date(2021, 10, 7)) for index in range(people)]
    enrol(office, "nm", [as_member(person) for person in (HEALTHY, *members)])
    doors = wiring.doors()
    healthy = SweepSubject(
        member_id=1,
        id_type="01",
        id_number=HEALTHY.id_number,
        name=HEALTHY.name,
        since=date(2021, 6, 1),
        until=date(2021, 10, 8),
    )
    real: Any = doors.feed(office, "wuhai")
    line: Any = TimedLine(real.ask([healthy], now=office.now()), seed=people)
    with at_work(office, msgspec.structs.replace(doors, feed=lambda office, name: line)) as side:
        numbers = [member_no(person) for person in members]
        asked = [(number, 0) for number in numbers] + [(f"X{number}", 1) for number in numbers]
        random.Random(people).shuffle(asked)
        timed(side, asked[: people // 2])
        seconds = timed(side, asked)
    auc = rank_auc([took for took, mark in seconds if not mark], [took for took, mark in seconds if mark])
    print(f"AUC {auc:.4f} of {people} members and {people} strangers")
    assert 0.47 <= auc <= 0.53


def timed(side: Side, asked: list[tuple[str, int]]) -> list[tuple[float, int]]:
    """How long each answer took."""
    own = local()

    def one(about: tuple[str, int]) -> tuple[float, int]:
        if not hasattr(own, "side"):
            own.side = Side(client_of(str(side.client.base_url)), side.office)
        body = {"purpose": "claim", "consent": "SQ-1", "member_no": about[0], "wait_seconds": 60}
        began = time.perf_counter()
        answer = own.side.post("lookups", body)
        took = time.perf_counter() - began
        assert (answer.status_code, answer.json()["claims"]) == (200, [])
        return took, about[1]

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(one, asked))
