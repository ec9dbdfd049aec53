"""`hubao bench --stage deliver`: claims that wait in the outbox → accepted, beside a bare httpx loop.

Both send the same bodies with the same signatures over as many threads and connections to the same receiver, which is a
process of its own, in turns within one run. The bare loop has its bodies ready and remembers nothing; ours opens each
one, finds its words, proves its answer and writes what came of it.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from gateway import wiring
from gateway.bench.data import write_bench
from gateway.bench.night import bench_site, import_roster, work_pages
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.office import Office, delivery_context
from gateway.sandbox.signing import webhook_headers
from gateway.store import deliveries
from gateway.store.deliveries import Outgoing
from gateway.store.values import to_ms

_TURNS = 6
_SECONDS = 6.0
_PATTERNS = 200
"""So many different bodies; the backlog repeats them under other claim numbers."""

_VERSION = 1
_ROWS_AT_ONCE = 5000


class SendingFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of sending came to."""

    claims_per_second: int
    cpu_us_per_claim: int


class DeliverBenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway beside the bare loop; `ratio` of their claims a second, `cpu_ratio` of its CPU to ours."""

    stage: str
    backlog: int
    claims: int
    batch: int
    parallel: int
    database: str
    suite: str
    body_bytes: int
    gateway: SendingFigures
    bare: SendingFigures
    ratio: float
    cpu_ratio: float


def bench_deliver(
    *, backlog: int, batch: int, database: str, suite: str, seed: int, seconds: float = _SECONDS
) -> DeliverBenchResult:
    """Let `backlog` claims wait, then send them, and the bare loop's, for so many seconds each."""
    folder = Path(tempfile.mkdtemp(prefix="hubao-bench-"))
    try:
        site = bench_site(folder / "site", database, suite)
        plan = write_bench(folder / "input", records=_PATTERNS * 20, members=_PATTERNS * 10, hit_rate=0.2, seed=seed)
        import_roster(site, plan)
        with _receiver() as address:
            _deliver_to(site, address, batch)
            office = wiring.open_office(site)
            work_pages(office, site, plan.pages)
            bodies = _fill(office, backlog)
            result = _measured(office, bodies, address, backlog=backlog, batch=batch, seconds=seconds)
            office.store.close()
        return result
    finally:
        shutil.rmtree(folder)


@contextmanager
def _receiver() -> Iterator[str]:
    """The address of a receiver in a process of its own."""
    process = subprocess.Popen([sys.executable, "-P", "-m", "gateway.bench.receiver"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe.
        yield msgspec.json.decode(process.stdout.readline())["address"]
    finally:
        process.terminate()
        process.wait()


_SECRET = "whsec_aHViYW8tYmVuY2gtaHViYW8tYmVuY2gtaHViYW8="  # noqa: S105 - of this benchmark alone.


def _deliver_to(site: Path, address: str, batch: int) -> None:
    os.environ["HUBAO_NM_SECRET"] = os.environ["HUBAO_NM_REQUESTS_SECRET"] = _SECRET
    file = site / "config" / "associations" / "nm.toml"
    text = re.sub(r"(?m)^address = .*$", f'address = "{address}"\nbatch = {batch}', file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")


def _fill(office: Office, backlog: int) -> list[tuple[str, bytes]]:
    """Put so many first versions in the outbox, a member each; returns (idempotency key, body) of those that go first.

    The claims of the night that made the patterns are out of the way.
    """
    with office.store.write() as tx:
        patterns = deliveries.set_aside_all(tx, "nm", many=_PATTERNS)
    plain = [
        office.vault.open(sealed, delivery_context(f"{claim_id}/{version}")) for claim_id, version, sealed in patterns
    ]
    key = office.vault.claim_key("nm", office.now().date().replace(day=1))
    at = to_ms(office.now()) - backlog
    bodies = []
    for start in range(0, backlog, _ROWS_AT_ONCE):
        rows = []
        for number in range(start, min(start + _ROWS_AT_ONCE, backlog)):
            claim_id = f"HBBENCH{number:08d}"
            sealed = key.seal(plain[number % len(plain)], delivery_context(f"{claim_id}/{_VERSION}"))
            rows.append(
                Outgoing(
                    claim_id=claim_id,
                    version=_VERSION,
                    association="nm",
                    sealed=sealed,
                    state="pending",
                    next_at=at + number,
                    person_id=10**9 + number,
                )
            )
            if number < _PATTERNS:
                bodies.append((f"{claim_id}-v{_VERSION}", office.claim_body(sealed, claim_id, _VERSION)))
        with office.store.write() as tx:
            deliveries.add(tx, rows)
    return bodies


def _measured(
    office: Office, bodies: list[tuple[str, bytes]], address: str, *, backlog: int, batch: int, seconds: float
) -> DeliverBenchResult:
    spec = office.associations["nm"]
    sender, leases = wiring.sender(office, "nm"), itertools.count()

    def ours(until: float) -> int:
        report = deliver_due(
            office,
            "nm",
            sender,
            jitter=lambda: 0.0,
            new_lease=lambda: f"bench {next(leases)}",
            stopping=lambda: time.monotonic() >= until,
        )
        if set(report.states) - {"accepted"}:
            raise RuntimeError(f"the receiver did not accept: {report.states}")
        return report.attempts

    with BareLoop(address, bodies, parallel=spec.parallel, batch=batch) as bare:
        way_of = {"bare": _Timed(bare.send), "gateway": _Timed(ours)}
        for timed in [*way_of.values()] * _TURNS:
            timed.take_turn(seconds / _TURNS)
    gateway, loop = way_of["gateway"].figures(), way_of["bare"].figures()
    return DeliverBenchResult(
        stage="deliver",
        backlog=backlog,
        claims=way_of["gateway"].claims,
        batch=batch,
        parallel=spec.parallel,
        database="postgresql" if office.store.postgres else "sqlite",
        suite=office.gateway.suite,
        body_bytes=sum(len(body) for _, body in bodies) // len(bodies),
        gateway=gateway,
        bare=loop,
        ratio=round(gateway.claims_per_second / loop.claims_per_second, 2),
        cpu_ratio=round(loop.cpu_us_per_claim / gateway.cpu_us_per_claim, 2),
    )


class _Timed:
    """A way of sending, with what its turns took so far."""

    def __init__(self, send_until: Callable[[float], int]) -> None:
        self._send_until = send_until
        self._seconds = self._cpu = 0.0
        self.claims = 0

    def take_turn(self, seconds: float) -> None:
        """Send for so long."""
        began, cpu_began = time.monotonic(), time.process_time()
        self.claims += self._send_until(began + seconds)
        self._seconds += time.monotonic() - began
        self._cpu += time.process_time() - cpu_began

    def figures(self) -> SendingFigures:
        """Claims a second, and the CPU of this process for each."""
        return SendingFigures(
            claims_per_second=round(self.claims / self._seconds),
            cpu_us_per_claim=round(self._cpu / self.claims * 1e6),
        )


class BareLoop:
    """As many threads as the gateway has, one httpx client, bodies that are ready; answers are read and dropped."""

    def __init__(self, address: str, bodies: list[tuple[str, bytes]], *, parallel: int, batch: int) -> None:
        self._bodies, self._batch = itertools.cycle(bodies), batch
        self._address = address + ("/claims" if batch == 1 else "/claims/batch")
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
        self._client = httpx.Client(limits=limits, timeout=30.0, trust_env=False)
        self._pool, self._parallel = ThreadPoolExecutor(parallel), parallel

    def __enter__(self) -> BareLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._client.close()

    def send(self, until: float) -> int:
        """Send until then; returns how many."""
        return sum(self._pool.map(self._work, [until] * self._parallel))

    def _work(self, until: float) -> int:
        many = 0
        while time.monotonic() < until:
            together = list(itertools.islice(self._bodies, self._batch))
            key, body = together[0]
            if self._batch > 1:
                items = (b'{"idempotency_key":"%b","claim":%b}' % (name.encode(), text) for name, text in together)
                body = b'{"claims":[' + b",".join(items) + b"]}"
            signed = webhook_headers(_SECRET, message_id=key, timestamp=int(time.time()), body=body)
            headers = {"content-type": "application/json", "idempotency-key": key, **signed}
            self._client.post(self._address, content=body, headers=headers).raise_for_status()
            many += self._batch
        return many
