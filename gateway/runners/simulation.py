"""A simulation spread over processes: each reads the draft for itself and takes its own people or lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from gateway.core.studies.forecast import Forecast, Year, forecast, year_of
from gateway.core.studies.simulation import Figures, merged
from gateway.flow.office import Office
from gateway.flow.studies.simulating import (
    DraftRules,
    PeopleShare,
    SimulationRequest,
    load_rules,
    parts_of,
    shares_of,
    simulate_lines,
    simulate_stored,
    take_up_today,
)
from gateway.model.member import Category
from gateway.model.money import Money
from gateway.runners.processes import collect_seldom, spread


class SimulationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, in a form that travels to other processes: `open_office` is a function of a module."""

    site: Path
    open_office: Callable[[Path], Office]
    schemes: Path
    draft: Path
    against: str | None = None
    first: date | None = None
    last: date | None = None
    fees: Mapping[Category, Money] = msgspec.field(default_factory=dict)
    kept: int = 10
    members: bool = False
    file: Path | None = None

    def asked(self) -> SimulationRequest:
        """The question with its rules read. Raises BadSettings, WrongUse."""
        return SimulationRequest(
            rules=load_rules(self.schemes, self.draft, against=self.against),
            first=self.first,
            last=self.last,
            fees=self.fees,
            kept=self.kept,
            members=self.members,
        )


class SimulationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came out: the sums, the fund's year under both, the forecast, and how long it took."""

    rules: DraftRules
    figures: Figures
    first: date | None
    last: date | None
    days: int
    before: Year
    after: Year
    forecast: list[Forecast]
    today: int | None
    members: bool
    seconds: float
    processes: int
    peak_mb: int


class _Spread(msgspec.Struct, frozen=True, kw_only=True):
    figures: Figures
    seconds: float
    peak: int
    today: int | None = None


def run(plan: SimulationPlan, association: str | None, *, processes: int, today: int | None) -> SimulationResult:
    """Simulate. `today`: claims per 100 members and year in hundredths; None: as many as were granted."""
    asked = plan.asked()
    if plan.file:
        shares = [(plan, begin, end) for begin, end in parts_of(plan.file, processes)]
        spent = _spread(plan, _work_lines, shares, _read_rules)
    else:
        spent = _of_site(plan, asked, association, processes)
    figures = spent.figures
    first = asked.first or _date(figures.first)
    last = asked.last or _date(figures.last)
    days = (last - first).days + 1 if first and last else 0
    take_up = spent.today if today is None else today
    return SimulationResult(
        rules=asked.rules,
        figures=figures,
        first=first,
        last=last,
        days=days,
        before=year_of(figures, figures.before, days),
        after=year_of(figures, figures.after, days),
        forecast=forecast(figures, days, today=take_up),
        today=take_up,
        members=plan.members,
        seconds=spent.seconds,
        processes=processes,
        peak_mb=spent.peak // 2**20,
    )


def _date(ordinal: int) -> date | None:
    return date.fromordinal(ordinal) if ordinal else None


def _read_rules(plan: SimulationPlan, begin: int, end: int) -> SimulationRequest:
    collect_seldom()
    return plan.asked()


def _work_lines(asked: SimulationRequest, plan: SimulationPlan, begin: int, end: int) -> Figures:
    if plan.file is None:
        raise ValueError("a plan without a file has no lines")
    return simulate_lines(asked, plan.file, begin, end)


def _of_site(plan: SimulationPlan, asked: SimulationRequest, association: str | None, processes: int) -> _Spread:
    office = plan.open_office(plan.site)
    try:
        shares = shares_of(office, asked.rules.before.scheme, association, processes)
        spent = _spread(plan, _work_people, [(plan, worker_shares) for worker_shares in shares], _open)
        names = sorted({share.association for worker_shares in shares for share in worker_shares})
        return msgspec.structs.replace(spent, today=take_up_today(office, asked, spent.figures, names))
    finally:
        office.store.close()


def _open(plan: SimulationPlan, shares: Sequence[PeopleShare]) -> tuple[Office, SimulationRequest]:
    return plan.open_office(plan.site), plan.asked()


def _work_people(
    ready: tuple[Office, SimulationRequest], plan: SimulationPlan, shares: Sequence[PeopleShare]
) -> Figures:
    office, asked = ready
    try:
        return simulate_stored(office, asked, shares)
    finally:
        office.store.close()


def _spread(
    plan: SimulationPlan,
    work: Callable[..., Figures],
    shares: Sequence[tuple[object, ...]],
    prepare: Callable[..., object],
) -> _Spread:
    began = time.monotonic()
    results = spread(work, shares, prepare)
    figures = merged((result.result for result in results), plan.kept)
    return _Spread(figures=figures, seconds=time.monotonic() - began, peak=sum(result.peak for result in results))
