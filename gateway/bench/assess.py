"""`hubao bench --stage assess` and `--stage simulate`: the engine alone, and a what-if over a file of cases."""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from pathlib import Path

import msgspec

from gateway import wiring
from gateway.bench.cases import patients, write_cases
from gateway.core.schemes import Insured, SchemeFamily, assess
from gateway.model.record import SettlementRecord
from gateway.runners.processes import collect_seldom, spread
from gateway.runners.simulation import SimulationPlan, run
from gateway.sandbox.roster import SCHEME
from gateway.settings.schemes import load_families
from gateway.settings.shipped import shipped_folder

_EDITION = "2021"
_MOST_HELD = 50_000
"""Members held in memory at once; more stays than they have are weighed by going over them again."""


class AssessResult(msgspec.Struct, frozen=True, kw_only=True):
    """Estimates a second on one core: with the sentences a claim carries, and `plain` without, as simulations do."""

    stage: str
    scheme: str
    members: int
    estimates: int
    seconds: float
    estimates_per_second: int
    plain_seconds: float
    plain_per_second: int
    processes: int
    peak_rss_mb: int


class SimulateResult(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation over a file: each stay is weighed twice, by the edition in force and by the draft.

    `processor_seconds` is what all processes together used: on a busy machine `seconds` says more of the others.
    """

    stage: str
    scheme: str
    stays: int
    members: int
    bytes: int
    seconds: float
    processor_seconds: float
    stays_per_second: int
    processes: int
    peak_rss_mb: int
    refused: int
    difference: int


class _AssessTimes(msgspec.Struct, frozen=True, kw_only=True):
    members: int
    estimates: int
    explained: float
    plain: float


Batch = list[tuple[Insured, tuple[SettlementRecord, ...]]]


def bench_assess(*, records: int, seed: int) -> AssessResult:
    """Weigh `records` stays of generated members under the band scheme of 2021, in one process."""
    share = spread(_assess, [(records, seed)], _batch)[0]
    timed: _AssessTimes = share.result
    return AssessResult(
        stage="assess",
        scheme=SCHEME,
        members=timed.members,
        estimates=timed.estimates,
        seconds=round(timed.explained, 3),
        estimates_per_second=round(timed.estimates / timed.explained),
        plain_seconds=round(timed.plain, 3),
        plain_per_second=round(timed.estimates / timed.plain),
        processes=1,
        peak_rss_mb=share.peak // 2**20,
    )


def _schemes() -> Path:
    return shipped_folder() / "config" / "schemes"


def _batch(records: int, seed: int) -> tuple[Batch, SchemeFamily]:
    family = load_families(_schemes())[SCHEME]
    batch = [
        (
            Insured(
                category=patient.person.category,
                sex=patient.person.sex,
                birth_date=patient.person.birth_date,
                coverage=patient.coverage,
            ),
            patient.records,
        )
        for patient in patients(stays=min(records, _MOST_HELD), seed=seed)
    ]
    collect_seldom()
    return batch, family


def _assess(ready: tuple[Batch, SchemeFamily], records: int, seed: int) -> _AssessTimes:
    batch, family = ready
    members, estimates, plain = _pass(batch, family, records, explained=False)
    _, _, explained = _pass(batch, family, records, explained=True)
    return _AssessTimes(members=members, estimates=estimates, explained=explained, plain=plain)


def _pass(batch: Batch, family: SchemeFamily, records: int, *, explained: bool) -> tuple[int, int, float]:
    """Members, estimates and seconds; the processor's, because others may use the machine."""
    members = estimates = 0
    began = time.process_time()
    while estimates < records:
        for insured, settled in batch:
            estimates += len(assess(insured, settled, family, explained=explained))
            members += 1
            if estimates >= records:
                break
    return members, estimates, time.process_time() - began


def bench_simulate(*, records: int, processes: int, seed: int) -> SimulateResult:
    """Write so many generated stays to a file, then time a draft against the edition of 2021 over all of it."""
    folder = Path(tempfile.mkdtemp(prefix="hubao-simulate-"))
    try:
        cases, members = _write(folder, records, processes, seed)
        # The edition of 2021 with ten points more in its first band.
        text = (_schemes() / f"{SCHEME}-{_EDITION}.toml").read_text(encoding="utf-8")
        draft = folder / "draft.toml"
        draft.write_text(text.replace("rate = 0.40", "rate = 0.50", 1), encoding="utf-8")
        plan = SimulationPlan(
            site=folder,
            open_office=wiring.open_office,
            schemes=_schemes(),
            draft=draft,
            against=_EDITION,
            file=cases,
        )
        used = _used_by_children()
        outcome = run(plan, None, processes=processes, today=None)
        total = outcome.figures.total
        return SimulateResult(
            stage="simulate",
            scheme=SCHEME,
            stays=outcome.figures.settlements,
            members=members,
            bytes=cases.stat().st_size,
            seconds=round(outcome.seconds, 3),
            processor_seconds=round(_used_by_children() - used, 3),
            stays_per_second=round(outcome.figures.settlements / outcome.seconds),
            processes=processes,
            peak_rss_mb=outcome.peak_mb,
            refused=outcome.figures.refused,
            difference=total.after - total.before,
        )
    finally:
        shutil.rmtree(folder)


def _used_by_children() -> float:
    """Processor seconds of the processes this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write(folder: Path, records: int, processes: int, seed: int) -> tuple[Path, int]:
    """One file made of a part of every process."""
    ends = [records * at // processes for at in range(processes + 1)]
    parts = [(folder / f"part-{at}.jsonl", ends[at + 1] - ends[at], seed, at, processes) for at in range(processes)]
    shares = spread(_write_part, parts, _nothing)
    cases = folder / "cases.jsonl"
    with cases.open("wb") as whole:
        for path, *_ in parts:
            with path.open("rb") as part:
                shutil.copyfileobj(part, whole, 1 << 20)
            path.unlink()
    return cases, sum(share.result for share in shares)


def _nothing(*_: object) -> None:
    return None


def _write_part(_: None, path: Path, stays: int, seed: int, part: int, parts: int) -> int:
    return write_cases(path, stays=stays, seed=seed, part=part, parts=parts)
