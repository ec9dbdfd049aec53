"""`hubao bench`: generated feed bytes → claims committed, measured end to end on a real database."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gateway import wiring
from gateway.bench.data import BenchPlan, write_bench
from gateway.core.roster import read_roster
from gateway.errors import WrongUse
from gateway.flow.intake.work import StoredContent, process_stream
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.roster.enrol import enrol
from gateway.model.page import Fetched
from gateway.runners.processes import spread
from gateway.settings.shipped import write_site
from gateway.store import claims, deliveries

FEED = "bench"

_FEED_FILE = """
feed = "bench"
name = "性能测试"
region = "150999"
intake = "receive"
mapping = "national"
associations = ["nm"]
owner = "bench"
[connector]
kind = "push"
secret = "env:HUBAO_BENCH_SECRET"
[legal]
agreement = "generated data"
purpose = "benchmark"
expires = 2099-12-31
"""


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of design §7."""

    records: int
    members: int
    hit_rate: float
    database: str
    processes: int
    suite: str
    seconds: float
    records_per_second: int
    stages: dict[str, float]
    peak_rss_mb: int
    claims: int
    counts: dict[str, int]


class _NightTimes(msgspec.Struct, kw_only=True):
    """Seconds of one process by stage, and rows by class."""

    store: float = 0.0
    work: float = 0.0
    counts: dict[str, int] = msgspec.field(default_factory=dict)


def bench_night(
    *, records: int, members: int, hit_rate: float, processes: int, database: str, suite: str, seed: int
) -> BenchResult:
    """Generate, import, then time from the first byte read to the last commit."""
    folder = Path(tempfile.mkdtemp(prefix="hubao-bench-"))
    try:
        plan = write_bench(folder / "input", records=records, members=members, hit_rate=hit_rate, seed=seed)
        site = bench_site(folder / "site", database, suite)
        imported = import_roster(site, plan)
        shares = spread(work_pages, [(site, plan.pages[at::processes]) for at in range(processes)], open_site)
        seconds = max(share.ended for share in shares) - min(share.began for share in shares)
        counts: dict[str, int] = {}
        for share in shares:
            for name, count in share.result.counts.items():
                counts[name] = counts.get(name, 0) + count
        return BenchResult(
            records=plan.records,
            members=plan.members,
            hit_rate=hit_rate,
            database="sqlite" if database == "sqlite" else "postgresql",
            processes=processes,
            suite=suite,
            seconds=round(seconds, 3),
            records_per_second=round(plan.records / seconds),
            stages={
                "roster_import": round(imported, 3),
                "store": round(max(share.result.store for share in shares), 3),
                "work": round(max(share.result.work for share in shares), 3),
            },
            peak_rss_mb=sum(share.peak for share in shares) // 2**20,
            claims=_claims(site),
            counts=counts,
        )
    finally:
        shutil.rmtree(folder)


def bench_site(path: Path, database: str, suite: str) -> Path:
    """A new site with one feed of national rows on this database. Raises WrongUse for another kind of database."""
    write_site(path)
    for feed in (path / "config" / "feeds").glob("*.toml"):
        feed.unlink()
    (path / "config" / "feeds" / "bench.toml").write_text(_FEED_FILE, encoding="utf-8")
    # One scheme, so that figures stay comparable whatever else the shipped association pays.
    association = path / "config" / "associations" / "nm.toml"
    schemes = re.sub(r"(?m)^schemes = .*$", 'schemes = ["nm-inpatient"]', association.read_text(encoding="utf-8"))
    association.write_text(schemes, encoding="utf-8")
    gateway = path / "config" / "gateway.toml"
    text = gateway.read_text(encoding="utf-8").replace('suite = "aes"', f'suite = "{suite}"')
    gateway.write_text(text.replace("sqlite:///data/hubao.db", _url(database)), encoding="utf-8")
    os.environ.pop("HUBAO_DATABASE_URL", None)
    wiring.make_keys(wiring.load_site(path))
    return path


def _url(database: str) -> str:
    if database == "sqlite":
        return "sqlite:///data/hubao.db"
    if database.startswith(("postgresql://", "postgres://")):
        return database
    raise WrongUse("--database: sqlite 或 postgresql://…（空库） (sqlite, or the URL of an empty PostgreSQL database)")


def import_roster(site: Path, plan: BenchPlan) -> float:
    """Enrol the members of a plan in a new site; returns the seconds it took."""
    began = time.monotonic()
    office = wiring.open_office(site)
    refuse_used(office)
    enrol(office, "nm", read_roster(plan.roster.read_bytes()).people)
    office.store.close()
    return time.monotonic() - began


def open_site(site: Path, _: object) -> Office:
    """The office of a process of its own, whatever its share is."""
    return wiring.open_office(site)


def refuse_used(office: Office) -> None:
    """Raises WrongUse where the database holds claims already."""
    with office.store.read() as tx:
        if deliveries.counts(tx) or claims.summary(tx):
            raise WrongUse("数据库不是空的 (the bench database is not empty)")


def work_pages(office: Office, site: Path, pages: Sequence[Path]) -> _NightTimes:
    """Store pages and work them to the last claim."""
    timed = _NightTimes()

    def stored() -> Iterator[StoredContent]:
        for path in pages:
            before = time.monotonic()
            fetched = Fetched(content=path.read_bytes(), request=f"file:{path.name}")
            seq, _ = store_page(office, FEED, fetched)
            timed.store += time.monotonic() - before
            yield seq, fetched.content

    def failed(seq: int, error: Exception) -> None:
        raise error

    began = time.monotonic()
    timed.counts = {row_class.value: rows for row_class, rows in process_stream(office, stored(), failed).rows.items()}
    timed.work = time.monotonic() - began
    return timed


def _claims(site: Path) -> int:
    office = wiring.open_office(site)
    with office.store.read() as tx:
        total = sum(count for _, _, count, _ in claims.summary(tx))
    office.store.close()
    return total
