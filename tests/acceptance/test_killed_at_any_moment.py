"""Whatever moment the gateway is killed at: run it again, and nothing is lost, nothing doubled, nothing different.

One undisturbed run of two evenings is the measure. Every trial begins on an identical stage, is killed with
SIGKILL at a random moment or at the nth commit or fsync, runs again until nothing waits, and must end with
the same claims, word for word, every one of them at the inbox, each version exactly once in effect.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from stage import (
    ASSOCIATION,
    NO_TROUBLES,
    Ended,
    Gateways,
    Stage,
    Troubles,
    change,
    folder_in_memory,
    make_night,
    proven,
    stage,
    write_settings,
)

from gateway.sandbox.night import Night
from gateway.sandbox.pushes import Pusher

# With this seed people of 乌海 have been in hospital longer ago than a second question about them reaches back.
PEOPLE, SEED = 100, 44
EVENINGS = (0, 1)
PARTS = {"before_commit": 24, "after_commit": 24, "fsync": 4}
"""Into so many tests the long form is cut, so that it can be taken in pieces: every 24th commit, and so on."""
TROUBLES = Troubles(
    line=("5203:3%:error", "1101:2%:broken", "5201:1%:busy"),
    inbox=("POST /claims:5%:lost", "POST /claims:5%:error", "GET /claims:5%:error", "POST /claims:25%:slow"),
)
_numbers = itertools.count(1)


class Databases:
    """Copies of a database: on SQLite it travels with the site's folder, on PostgreSQL by template."""

    def __init__(self, server: str | None) -> None:
        self._server = server

    def first(self) -> str | None:
        """An empty one; None for the site's own SQLite file."""
        return self._made("") if self._server else None

    def copy_of(self, original: str | None) -> str | None:
        """Another one with the same content. Nobody may be connected to the original."""
        return self._made(f"template {make_url(original).database}") if self._server and original else None

    def drop(self, url: str | None) -> None:
        """Give it back."""
        if url:
            self._run(f"drop database {make_url(url).database} with (force)")

    def _made(self, how: str) -> str:
        name = f"hubao_killed_{os.getpid()}_{next(_numbers)}"
        self._run(f"create database {name} {how}")
        return make_url(self._server or "").set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        url = make_url(self._server or "").set(drivername="postgresql+psycopg")
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))


class World:
    """What all trials on one database share: the site before each evening, and how it must all end."""

    def __init__(self, folder: Path, gateways: Gateways, databases: Databases) -> None:
        self.folder, self.gateways, self.databases = folder, gateways, databases
        self._urls: list[str | None] = []
        self.passed: list[dict[str, int]] = []
        self.seconds: list[float] = []
        self._prepare()
        self.wanted = self._undisturbed()

    def _prepare(self) -> None:
        night = make_night(self.folder / "leagues", people=PEOPLE, seed=SEED)
        site, url = self.folder / "before-0" / "site", self.databases.first()
        write_settings(site, night, database=url, people_per_page=10, care_types=("21", "22"))
        ended = self.gateways.start(["--site", str(site), *imported(some_of(night.roster))], seconds=0).wait()
        assert ended.code == 0, ended.out + ended.err
        self._urls.append(url)

    def begin(self, on: Stage, evening: int) -> None:
        """What happens before an evening's run. Before the second one, the rest of the members are enrolled too,
        so that the stored pages are read again for them."""
        on.begin(evening)
        if evening:
            assert on.run(self.gateways, *imported(on.night.roster)).code == 0

    def _undisturbed(self) -> dict[str, Any]:
        with self.trial(0) as on:
            for evening in EVENINGS:
                self.begin(on, evening)
                began = time.monotonic()
                ended = on.run(self.gateways)
                assert bool(ended.answer["rescanned"]["rows"]) == bool(evening)
                self.passed.append(ended.passed)
                self.seconds.append(time.monotonic() - began)
                assert not on.waiting(self.gateways)
                on.end_evening()
                if evening == 0:
                    self._keep(on)
            return outcome(on)

    def _keep(self, on: Stage) -> None:
        """The state between the evenings, from which trials of the second one begin."""
        folder = self.folder / "before-1"
        shutil.copytree(on.site, folder / "site")
        # The next trial's leagues listen elsewhere.
        shutil.copytree(self.folder / "before-0/site/config", folder / "site/config", dirs_exist_ok=True)
        shutil.copytree(on.folder / "inbox", folder / "inbox")
        self._urls.append(self.databases.copy_of(on.url))

    @contextmanager
    def trial(self, evening: int, troubles: Troubles = NO_TROUBLES) -> Iterator[Stage]:
        """An identical stage before this evening, with a database and an inbox of its own."""
        folder = self.folder / f"trial-{next(_numbers)}"
        url = self.databases.copy_of(self._urls[evening])
        before = self.folder / f"before-{evening}"
        if (before / "inbox").is_dir():
            shutil.copytree(before / "inbox", folder / "inbox")
        try:
            with stage(
                folder, before / "site", people=PEOPLE, seed=SEED, database=url, past=evening, troubles=troubles
            ) as on:
                yield on
        finally:
            self.databases.drop(url)
            shutil.rmtree(folder)

    def close(self) -> None:
        """Give back what the trials were copied from."""
        for url in self._urls:
            self.databases.drop(url)


def some_of(roster: Path) -> Path:
    """A roster with three quarters of its members."""
    head, *rows = roster.read_text("utf-8").splitlines()
    kept = [row for row in rows if int(row.split(",")[0].removeprefix("NM")) % 4 != 1]
    path = roster.with_name("some.csv")
    path.write_text("\n".join([head, *kept]), encoding="utf-8")
    return path


def imported(roster: Path) -> tuple[str, ...]:
    """The command that imports a roster."""
    return ("roster", "import", str(roster), "--association", ASSOCIATION, "--json")


def outcome(on: Stage) -> dict[str, Any]:
    """Claim → what its last version says; which number that version has depends on what came in between."""
    return {number: _content(body) for number, body in on.claims().items()}


def _content(body: dict[str, Any]) -> dict[str, Any]:
    stands = body["status"] != "withdrawn"
    return {name: value for name, value in body.items() if name not in ("version", "status", "change")} | {
        "stands": stands
    }


def check(on: Stage, world: World) -> None:
    """The end of a trial: the same claims, all of them delivered, nothing twice, every row in its place."""
    assert outcome(on) == world.wanted
    arrived = {held.claim_id: held.claim for held in on.inbox.book.current()}
    # A claim that was taken back before anybody heard of it need not be told at all.
    told = {number: body for number, body in on.claims().items() if number in arrived or body["status"] != "withdrawn"}
    assert arrived == told
    summary = on.inbox.summary()
    assert summary["doubled"] == 0
    assert not set(summary["outcomes"]) - {"accepted", "repeat"}
    proven(on.sheets())
    assert not list(on.night.drop_folder.iterdir())


@pytest.fixture(scope="module")
def gateways() -> Iterator[Gateways]:
    with folder_in_memory() as folder, Gateways(folder) as opened:
        yield opened


# PostgreSQL has its turn among the long forms.
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def world(request: pytest.FixtureRequest, gateways: Gateways) -> Iterator[World]:
    server = request.getfixturevalue("_postgres_server") if request.param == "postgres" else None
    with folder_in_memory() as folder:
        made = World(folder, gateways, Databases(server))
        yield made
        made.close()


def finish(on: Stage, world: World, first: int) -> None:
    """Run this evening, and what evenings come after it, to the end."""
    on.run_until_quiet(world.gateways)
    on.end_evening()
    for evening in range(first + 1, len(EVENINGS)):
        world.begin(on, evening)
        on.run_until_quiet(world.gateways)
        on.end_evening()


def test_the_undisturbed_run_is_worth_comparing_with(world: World) -> None:
    standing = [body for body in world.wanted.values() if body["stands"]]
    assert len(standing) > 30
    assert len(standing) < len(world.wanted), "no claim was withdrawn"
    assert all(passed["before_commit"] > 25 and passed["fsync"] >= 3 for passed in world.passed)


def killed_at(world: World, evening: int, place: str, nth: int) -> None:
    """One trial: die there, run again, and end as if nothing had happened."""
    with world.trial(evening) as on:
        world.begin(on, evening)
        ended = on.run(world.gateways, place=place, nth=nth)
        assert ended.killed, f"{place} {nth} was never passed: {ended.out}{ended.err}"
        finish(on, world, evening)
        check(on, world)


@pytest.mark.parametrize(
    ("evening", "place", "tenths"),
    # Among pages and batches, at the first and the last delivery, while a replaced file is taken back.
    [
        (0, "before_commit", 4),
        (0, "after_commit", 9),
        pytest.param(1, "before_commit", 10, marks=pytest.mark.full),
        pytest.param(1, "after_commit", 6, marks=pytest.mark.full),
        (1, "fsync", 4),
    ],
)
def test_killed_at_a_chosen_commit(world: World, evening: int, place: str, tenths: int) -> None:
    killed_at(world, evening, place, max(1, world.passed[evening][place] * tenths // 10))


@pytest.mark.full
@pytest.mark.parametrize(
    ("place", "part", "parts"),
    [(place, part, parts) for place, parts in PARTS.items() for part in range(parts)],
)
@pytest.mark.parametrize("evening", EVENINGS)
def test_killed_at_every_commit(world: World, evening: int, place: str, part: int, parts: int) -> None:
    for nth in range(1 + part, world.passed[evening][place] + 1, parts):
        killed_at(world, evening, place, nth)


def killed_at_random(world: World, dice: random.Random, each: int) -> int:
    """Both evenings with faults on every line, each killed up to so many times; returns how often it was."""
    count = 0
    with world.trial(0, TROUBLES) as on:
        for evening in EVENINGS:
            world.begin(on, evening)
            for _ in range(each):
                count += _killed_after(on, world, dice.uniform(0.02, 1.2 * world.seconds[evening])).killed
                if dice.random() < 0.5:
                    on.pass_a_lease()
            on.run_until_quiet(world.gateways)
            on.end_evening()
        check(on, world)
    return count


def _killed_after(on: Stage, world: World, seconds: float) -> Ended:
    started = on.start(world.gateways, "run", "--json")
    time.sleep(seconds)
    started.kill()
    return started.wait()


def test_killed_at_random_moments(world: World) -> None:
    assert killed_at_random(world, random.Random(1), each=3) >= 3


@pytest.mark.full
@pytest.mark.parametrize("part", range(20))
def test_killed_a_hundred_times(world: World, part: int) -> None:
    dice, count = random.Random(2022 + part), 0
    while count < 5:
        count += killed_at_random(world, dice, each=5)
    print(f"killed {count} times")


def test_a_roster_import_is_whole_or_nothing(world: World, tmp_path: Path) -> None:
    night = make_night(tmp_path / "leagues", people=PEOPLE, seed=SEED)
    passed, _ = _imported_twice(world, tmp_path / "whole", night)
    for place, nth in (
        ("before_commit", passed["before_commit"]),
        ("after_commit", passed["after_commit"]),
        ("fsync", 2),
    ):
        _, added = _imported_twice(world, tmp_path / f"killed-{place}", night, place, nth)
        assert added == (0 if place == "after_commit" else PEOPLE)


def _imported_twice(
    world: World, site: Path, night: Night, place: str | None = None, nth: int = 0
) -> tuple[dict[str, int], int]:
    """Import a roster into a new site, perhaps killed, and again: how many came only with the second time."""
    url = world.databases.first()
    write_settings(site, night, database=url)
    line = ["--site", str(site), *imported(night.roster)]
    first = world.gateways.start(line, seconds=0, place=place, nth=nth).wait()
    assert first.killed == (place is not None)
    again = world.gateways.start(line, seconds=0).wait().answer
    world.databases.drop(url)
    assert again["added"] + again["unchanged"] == PEOPLE
    return first.passed, again["added"]


def test_keys_init_can_be_repeated_after_any_kill(gateways: Gateways, tmp_path: Path) -> None:
    night = make_night(tmp_path / "leagues", people=PEOPLE, seed=SEED)
    for nth in itertools.count(1):
        site = tmp_path / f"site-{nth}"
        write_settings(site, night, keys=False)
        line = ["--site", str(site), "keys"]
        killed = gateways.start([*line, "init"], seconds=0, place="fsync", nth=nth).wait().killed
        gateways.start([*line, "init"], seconds=0).wait()
        status = gateways.start([*line, "status", "--json"], seconds=0).wait()
        assert status.code == 0, f"after a kill at fsync {nth}: {status.err}"
        if not killed:
            assert nth > 3, "keys init never asked for anything to be on disk"
            return


def test_a_push_that_was_answered_is_never_lost(world: World) -> None:
    """`serve` is killed around the commit that stores a push; the league sends until it is told that it is taken."""
    with world.trial(0) as on, socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        held.close()
        change(on.site / "config/gateway.toml", listen_port=port)
        url = f"http://127.0.0.1:{port}/api/v1/feeds/bayannur/push"
        pusher = Pusher(url, on.night.push_secret, clock=on.clock.unix, sleep=lambda _: None, tries=1)
        pushes = on.night.begin(0, on.line)
        answers: list[list[int | None]] = []
        deaths = (("before_commit", 2), ("after_commit", 2), ("before_commit", 4), ("after_commit", 7), (None, 0))
        for place, nth in deaths:
            serving = on.start(world.gateways, "serve", place=place, nth=nth)
            serving.wait_for("http://")
            answers.append([pusher.attempt(push) for push in pushes])
            serving.kill()
            assert serving.wait().killed
        assert [None] * len(pushes) in answers, "no push was cut off"
        # 200 says that it was stored before: then the answer was cut off, not the push.
        assert set(answers[-1]) <= {200, 202}
        pusher.close()
        on.pass_a_lease()
        finish(on, world, 0)
        check(on, world)


def test_two_runs_at_the_same_moment_do_no_harm(world: World) -> None:
    """Somebody starts `run` by hand while the night is at work; in the second evening one of the two is killed."""
    with world.trial(0) as on, folder_in_memory() as folder, Gateways(folder) as others:
        for evening in EVENINGS:
            world.begin(on, evening)
            first, second = on.start(world.gateways, "run", "--json"), on.start(others, "run", "--json")
            if evening:
                time.sleep(world.seconds[evening] / 2)
                first.kill()
            ended = [first.wait(), second.wait()]
            # One of the two may find the cursor moved, say so, and leave the feed to the other.
            assert all(each.killed or each.code in (0, 1) for each in ended)
            on.run_until_quiet(world.gateways)
            on.end_evening()
        check(on, world)
