"""The stage of the acceptance tests: simulated leagues and an inbox here, the gateway in processes of its own.

The night is set in March 2022, when the rules of 2021 apply. Leagues, inbox and gateway agree on the time: the
real clock, moved by the same number of seconds, which a test may increase to let time pass.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

from gateway import wiring
from gateway.flow.batches.reconcile import DaySheet, lost, reconcile
from gateway.flow.delivery.claims import export_claims
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.model.clock import SHANGHAI
from gateway.model.page import Fetched
from gateway.sandbox.cloud_line_server import CloudLineServer
from gateway.sandbox.faults import Faults
from gateway.sandbox.inbox import Inbox
from gateway.sandbox.night import Night, build_night
from gateway.sandbox.night_rows import CARE_TYPES
from gateway.sandbox.signing import webhook_headers
from gateway.settings.shipped import write_site

DAY = date(2022, 3, 10)
"""The second evening."""

ASSOCIATION = "nm"
LINE, INBOX, DROPPED = "http://127.0.0.1:8621", "http://127.0.0.1:8610", '"data/inbound/hinggan"'
LEASE_SECONDS = 5
LATER = timedelta(minutes=40)
"""Longer than a lease, a signature's window and the first three waits of the outbox."""

SLOW_SECONDS = 0.05
"""What a slow answer of the inbox takes: long enough to be killed in."""


class Troubles(NamedTuple):
    """What goes wrong on the cloud line and at the inbox, as `gateway.sandbox.faults` writes it."""

    line: tuple[str, ...] = ()
    inbox: tuple[str, ...] = ()


NO_TROUBLES = Troubles()

_CODE = [str(Path(__file__).parents[up]) for up in (2, 1)]
"""Where processes find the gateway, which is the one beside these tests, and the tests' own modules."""

SECRETS = ("HUBAO_WUHAI_SECRET", "HUBAO_BAYANNUR_SECRET", "HUBAO_NM_SECRET", "HUBAO_NM_REQUESTS_SECRET")


class Time:
    """The real clock, moved: what the leagues and the inbox read, and what processes are told."""

    def __init__(self, start: datetime) -> None:
        self.seconds = start.timestamp() - time.time()

    def unix(self) -> float:
        """Now, in Unix seconds."""
        return time.time() + self.seconds

    def now(self) -> datetime:
        """Now, in Asia/Shanghai."""
        return datetime.fromtimestamp(self.unix(), tz=SHANGHAI)

    def pass_by(self, how_long: timedelta) -> None:
        """Let so much time pass."""
        self.seconds += how_long.total_seconds()


class Ended:
    """How a process of the gateway ended, what it printed, and how often it passed each place of death."""

    def __init__(self, code: int, out: str, err: str, passed: dict[str, int]) -> None:
        self.code, self.out, self.err, self.passed = code, out, err, passed

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.code == -signal.SIGKILL

    @property
    def answer(self) -> Any:
        """The JSON object on the last line."""
        return json.loads(self.out.splitlines()[-1])


class Gateways:
    """Starts processes of the gateway from one that has everything loaded; see mortal.py."""

    def __init__(self, folder: Path, *, environment: dict[str, str] | None = None, debug: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._debug = folder, debug
        self._count = 0
        self._nursery = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mortal.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings() | {"PYTHONPATH": os.pathsep.join(_CODE)} | (environment or {}),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        self._nursery.wait(timeout=30)

    def start(self, arguments: Sequence[str], *, seconds: float, place: str | None = None, nth: int = 0) -> Started:
        """Run `hubao` with these arguments; it may die at the nth passing of a place."""
        self._count += 1
        stem = self.folder / f"{self._count:04d}"
        request = {"arguments": list(arguments), "seconds": seconds, "place": place, "nth": nth}
        files = {name: str(stem.with_suffix(f".{name}")) for name in ("out", "err", "passed")}
        for name in ("out", "err"):
            Path(files[name]).touch()
        log = str(stem.with_suffix(".log")) if self._debug else None
        self._write(json.dumps(request | files | {"log": log}))
        return Started(self, stem, self._read()["pid"])

    def end(self) -> int:
        """Wait for the process that runs; its exit code, negative for a signal."""
        code: int = self._read()["code"]
        self._write("")
        return code

    def has_ended(self) -> bool:
        """Whether the process that runs has ended."""
        assert self._nursery.stdout is not None
        return bool(select.select([self._nursery.stdout], [], [], 0)[0])

    def _read(self) -> Any:
        assert self._nursery.stdout is not None
        line = self._nursery.stdout.readline()
        assert line, "the nursery of the gateway's processes is gone"
        return json.loads(line)

    def _write(self, line: str) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(line + "\n")
        self._nursery.stdin.flush()


class Started:
    """A process of the gateway that runs."""

    def __init__(self, gateways: Gateways, stem: Path, pid: int) -> None:
        self._gateways, self._stem, self.pid = gateways, stem, pid

    def wait_for(self, word: str) -> str:
        """What it has printed, once a word is in it; or what it printed before it died."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not self._gateways.has_ended():
            if word in (said := self._stem.with_suffix(".out").read_text(encoding="utf-8")):
                return said
            time.sleep(0.02)
        return self._stem.with_suffix(".out").read_text(encoding="utf-8")

    def kill(self) -> None:
        """SIGKILL. If it has ended already, nobody else has its number before `wait`, and nothing happens."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait for the end."""
        code = self._gateways.end()
        passed = self._stem.with_suffix(".passed")
        return Ended(
            code,
            self._stem.with_suffix(".out").read_text(encoding="utf-8"),
            self._stem.with_suffix(".err").read_text(encoding="utf-8"),
            json.loads(passed.read_text()) if passed.is_file() else {},
        )


def surroundings() -> dict[str, str]:
    """The environment of a process of the gateway: nothing of ours decides what it does."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUBAO_")}


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder that is quick to write to where the machine has one: to SIGKILL, memory is as durable as a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="hubao-stage-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def make_night(folder: Path, *, people: int, seed: int = 7, guests_too: bool = False) -> Night:
    """The leagues' side; the same for the same seed, wherever its folder is. Guests only where doubts are looked at,
    because every one of them makes a night longer."""
    return build_night(folder, seed=seed, people=people, day=DAY, guests_too=guests_too)


def write_settings(
    site: Path,
    night: Night,
    *,
    database: str | None = None,
    people_per_page: int = 100,
    care_types: Sequence[str] = CARE_TYPES,
    suite: str = "aes",
    keys: bool = True,
) -> None:
    """A site with the shipped files, quick and impatient, its secrets in files, its keys made or not."""
    write_site(site)
    (site / "keys").mkdir()
    secrets = (night.cloud_line_secret, night.push_secret, night.inbox_secret, night.inbox_secret)
    for name, secret in zip(SECRETS, secrets, strict=True):
        path = site / "keys" / name.lower()
        path.touch(mode=0o600)
        path.write_text(secret, encoding="utf-8")
    rewrite(site, {f"env:{name}": f"file:keys/{name.lower()}" for name in SECRETS})
    change(site / "config/gateway.toml", lease_seconds=LEASE_SECONDS, batch_rows=100, suite=suite)
    change(
        site / "config/feeds/wuhai.toml",
        paas_id=night.paas_id,
        per_second=1000,
        care_types=list(care_types),
        people_per_page=people_per_page,
        overlap_days=7,
    )
    if database is not None:
        change(site / "config/gateway.toml", database=database)
    if keys:
        wiring.make_keys(wiring.load_site(site))


def rewrite(site: Path, replaced: dict[str, str]) -> None:
    """Put other texts into the settings files of a site. Each must be in one of them."""
    files = {path: path.read_text(encoding="utf-8") for path in (site / "config").rglob("*.toml")}
    for old, new in replaced.items():
        assert any(old in text for text in files.values()), f"no settings file holds {old}"
        files = {path: text.replace(old, new) for path, text in files.items()}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


def change(path: Path, **values: Any) -> None:
    """Give keys of a settings file other values."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        text, found = re.subn(rf"^{key} = [^#\n]*", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
        assert found == 1, f"{path.name} has no key {key}"
    path.write_text(text, encoding="utf-8")


class Stage:
    """A site between a cloud line, a drop folder and an inbox that all live in this process."""

    def __init__(self, folder: Path, night: Night, clock: Time, line: CloudLineServer, inbox: Inbox) -> None:
        self.folder, self.site = folder, folder / "site"
        self.night, self.clock, self.line, self.inbox = night, clock, line, inbox

    @property
    def url(self) -> str:
        """The site's database."""
        return wiring.load_site(self.site).gateway.database

    def begin(self, evening: int) -> None:
        """The evening's files land, its pushes are stored, the cloud line learns of its settlements."""
        pushes = self.night.begin(evening, self.line)
        with self.office() as office:
            door = wiring.feed_connector(office, "bayannur")
            for push in pushes:
                headers = webhook_headers(
                    self.night.push_secret,
                    message_id=push.message_id,
                    timestamp=int(self.clock.unix()),
                    body=push.body,
                )
                fetched: Fetched = door.accept(headers, push.body, now=office.now())  # type: ignore[union-attr]
                store_page(office, "bayannur", fetched)

    @contextmanager
    def office(self) -> Iterator[Office]:
        """The site opened in this process, for looking at it."""
        office = wiring.open_office(self.site, clock=self.clock.now)
        try:
            yield office
        finally:
            office.store.close()

    def end_evening(self) -> None:
        """Go on to one o'clock of the next day."""
        night = (self.clock.now() + timedelta(days=1)).replace(hour=1, minute=0)
        self.clock.pass_by(night - self.clock.now())

    def pass_a_lease(self) -> None:
        """Let so much time pass that what a dead process held is free again."""
        self.clock.pass_by(timedelta(seconds=LEASE_SECONDS + 1))

    def start(self, gateways: Gateways, *arguments: str, place: str | None = None, nth: int = 0) -> Started:
        """A command of this site, in a process of its own."""
        line = ("--site", str(self.site), *arguments)
        return gateways.start(line, seconds=self.clock.seconds, place=place, nth=nth)

    def run(self, gateways: Gateways, *arguments: str, place: str | None = None, nth: int = 0) -> Ended:
        """A command of this site, to its end."""
        return self.start(gateways, *(arguments or ("run", "--json")), place=place, nth=nth).wait()

    def run_until_quiet(self, gateways: Gateways, most: int = 12) -> int:
        """Run again and again, time passing in between, until nothing waits; returns how often."""
        for times in range(1, most + 1):
            ended = self.run(gateways)
            # 1 says that something is not as it should be: a line that failed, until it answers.
            assert ended.code in (0, 1), ended.out + ended.err
            if not self.waiting(gateways):
                return times
            self.clock.pass_by(LATER)
        raise AssertionError(f"something still waits after {most} runs: {self.waiting(gateways)}")

    def waiting(self, gateways: Gateways) -> dict[str, int]:
        """What `hubao status` still counts as under way."""
        now = self.run(gateways, "status", "--json").answer
        waiting = {state: now["deliveries"].get(state, 0) for state in ("pending", "leased", "unknown", "dead")}
        waiting |= {each["feed"]: each["waiting_pages"] for each in now["feeds"]}
        return {name: many for name, many in waiting.items() if many}

    def claims(self) -> dict[str, dict[str, Any]]:
        """Claim id → the latest version's body, as `hubao claims export` writes it."""
        file = self.site.with_suffix(".claims")
        file.unlink(missing_ok=True)
        with self.office() as office:
            export_claims(office, file, association=None)
        return {(body := json.loads(line))["claim_id"]: body for line in file.read_text("utf-8").splitlines()}

    def sheets(self) -> list[DaySheet]:
        """The sheets of `hubao reconcile`."""
        with self.office() as office:
            return reconcile(office)


@contextmanager
def stage(
    folder: Path,
    prepared: Path,
    *,
    people: int,
    seed: int = 7,
    database: str | None = None,
    troubles: Troubles = NO_TROUBLES,
    past: int = 0,
    guests_too: bool = False,
) -> Iterator[Stage]:
    """A copy of a prepared site with leagues and an inbox of its own. `database` replaces the prepared one's.

    `past` evenings are over: their settlements are known to the cloud line, and the clock stands after them.
    """
    night = make_night(folder / "leagues", people=people, seed=seed, guests_too=guests_too)
    eve = datetime(DAY.year, DAY.month, DAY.day, 1, 0, tzinfo=SHANGHAI) - timedelta(days=1 - past)
    clock = Time(eve)
    site = folder / "site"
    shutil.copytree(prepared, site)
    with ExitStack() as stack:
        line = night.start_cloud_line(clock=clock.unix, faults=Faults.parse(troubles.line))
        stack.callback(line.stop)
        for over in night.evenings[:past]:
            line.world.add(over.cloud_line)
        faults = Faults.parse(troubles.inbox)
        faults.slow_seconds = SLOW_SECONDS
        inbox = stack.enter_context(
            Inbox.start(folder / "inbox", secret=night.inbox_secret, faults=faults, clock=clock.unix)
        )
        rewrite(site, {LINE: line.address, INBOX: inbox.address, DROPPED: f'"{night.drop_folder}"'})
        if database is not None:
            change(site / "config/gateway.toml", database=database)
        yield Stage(folder, night, clock, line, inbox)


def proven(sheets: Sequence[DaySheet]) -> None:
    """Every row has its place, and every day agrees with what the feeds state themselves."""
    assert lost(sheets) == 0
    assert not [(sheet.feed, sheet.day) for sheet in sheets if sheet.unworked or sheet.unreadable]
    assert not [(sheet.feed, sheet.day, sheet.differences) for sheet in sheets if sheet.differences]
