"""After a whole night, no byte the gateway wrote says who anybody is, what his number is, or what he suffers from.

The night has everything in it: a roster with wrong rows, three feeds, pushes over HTTP (one twice, one stale, one
forged), a `serve` and a `run` that are killed, quarantine, review, a corrected file, refunds, deliveries with lost
answers, every command that looks at the site, and logs down to DEBUG. Then all files are searched for all texts of
members and strangers, in every way of writing: database with its log and shared memory, the whole PostgreSQL data
directory, keys, message numbers, temporary files, logs, and what the commands printed.

Left out on purpose: what others keep (the roster file, the inbox of the association), the settings an administrator
writes, and `claims show` and `claims export`, which are asked for personal data and say so.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import _wheel_server
from searching import Needles, files_below, forms
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from stage import ASSOCIATION, Gateways, Stage, Troubles, make_night, rewrite, stage, write_settings

from gateway.sandbox.national import false_checksum
from gateway.sandbox.night import Night
from gateway.sandbox.pushes import Pusher
from gateway.settings.schemes import load_families

ROOT = Path(__file__).parents[2]
PEOPLE, SEED = 120, 41
TROUBLES = Troubles(line=("5203:2:error", "1101:4:broken"), inbox=("POST /claims:3:lost", "GET /claims:1:error"))
Digests = dict[Path, str]
"""File → what was in it. A file of the database server that is as it was before the night needs no search."""

LOOKS = (
    ("status",),
    ("reconcile",),
    ("claims", "list", "--limit", "1000"),
    ("deliveries", "list", "--limit", "1000"),
    ("quarantine", "list", "--limit", "1000"),
    ("quarantine", "list", "--limit", "1000", "--state", "superseded"),
    ("quarantine", "retry"),
    ("review", "list", "--limit", "1000"),
    ("feed", "list"),
    ("keys", "status"),
    ("check",),
)


class Traces:
    """What the night left behind, and what must not be in it."""

    def __init__(self, folder: Path, night: Night, database: str | None, data: Path | None, before: Digests) -> None:
        self.folder, self.night, self.database, self.data = folder, night, database, data
        self.needles = Needles(wanted_texts(night))
        self._before = before

    @property
    def site(self) -> Path:
        """The site's folder."""
        return self.folder / "trial" / "site"

    def files(self) -> list[Path]:
        """Everything the gateway wrote or printed, or had its database write."""
        settings = (self.site / "config", self.site / "mappings")
        folders = [self.site, self.folder / "printed", self.folder / "tmp", *([self.data] if self.data else [])]
        found = [path for path in files_below(*folders) if not any(each in path.parents for each in settings)]
        return [path for path in found if digest(path) != self._before.get(path)]

    def leaks(self) -> list[tuple[str, str, str]]:
        """(file, text, form) of every text that stands somewhere."""
        return sorted(
            (path.as_posix(), *hit) for path in self.files() for hit in self.needles.found_in(path.read_bytes())
        )


def wanted_texts(night: Night) -> set[str]:
    """Names, numbers in all forms, phones, diagnoses, birth dates and employers, and where and for what they were cared
    for, of members and strangers.

    A name that happens to be a word of the program itself or of the shipped files proves nothing and is left out.
    """
    people = [person for theirs in night.insured.values() for person in theirs]
    texts = set(night.personal) | {person.birth_date.isoformat() for person in people}
    texts |= {person.employer for person in people} | {false_checksum(person.id_number) for person in people}
    lines = [guest.line for guest in night.truth.guests.values()]
    texts |= {line.birth_date.isoformat() for line in lines if line.birth_date}
    texts |= {line.employer_name for line in lines if line.employer_name}
    texts |= night.places | disease_groups()
    ours = own_texts()
    kept = {each for each in texts if each.isascii() or each not in ours}
    assert len(texts) - len(kept) < len(texts) // 100
    return kept


def disease_groups() -> set[str]:
    """The names of the groups of diseases that any shipped scheme pays at: a claim is about one of them."""
    families = load_families(ROOT / "config" / "schemes").values()
    return {group.name for family in families for group in family.disease_groups}


def own_texts() -> str:
    """The program and the files it ships, as one text."""
    folders = [ROOT / name for name in ("gateway", "connectors", "config", "mappings")]
    kinds = (".py", ".toml", ".html", ".json", ".mako")
    return "\n".join(path.read_text("utf-8") for path in files_below(*folders) if path.suffix in kinds)


# PostgreSQL has its turn among the long forms.
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def traces(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traces]:
    folder = tmp_path_factory.mktemp("traces")
    with ExitStack() as stack:
        url = stack.enter_context(_wheel_server()) if request.param == "postgres" else None
        data = Path(ask(url, "show data_directory")) if url else None
        before = {path: digest(path) for path in files_below(data)} if data else {}
        (folder / "tmp").mkdir()
        gateways = Gateways(folder / "printed", environment={"TMPDIR": str(folder / "tmp")}, debug=True)
        stack.enter_context(gateways)
        night = whole_night(folder, gateways, url)
        yield Traces(folder, night, url, data, before)


def ask(url: str, statement: str) -> str:
    """One statement on PostgreSQL, and its first answer."""
    engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1], poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        done = connection.execute(text(statement))
        return str(done.scalar()) if done.returns_rows else ""


def whole_night(folder: Path, gateways: Gateways, url: str | None) -> Night:
    """Play everything; the last process of the gateway is killed, so nothing was tidied up."""
    night = make_night(folder / "leagues", people=PEOPLE, seed=SEED, guests_too=True)
    prepared = folder / "prepared"
    write_settings(prepared, night, database=url, people_per_page=20, suite="sm4" if url else "aes")
    rewrite(prepared, {"listen_port = 8600": "listen_port = 0"})
    with stage(folder / "trial", prepared, people=PEOPLE, seed=SEED, guests_too=True, troubles=TROUBLES) as on:
        shutil.rmtree(prepared)
        settings = digest(*files_below(on.site / "config", on.site / "mappings"))
        import_rosters(on, gateways)
        for evening in (0, 1):
            pushed_while_serving(on, gateways, evening)
            on.run(gateways, "run", place="after_commit", nth=9)
            on.run_until_quiet(gateways)
            on.end_evening()
        look(on, gateways)
        assert on.run(gateways, "run", place="after_commit", nth=9).killed
        assert not list(on.night.drop_folder.iterdir()), "a file stayed after it was stored"
        assert settings == digest(*files_below(on.site / "config", on.site / "mappings"))
        assert url or (on.site / "data" / "hubao.db-wal").stat().st_size
    return night


def digest(*files: Path) -> str:
    """What is in these files, as one value."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def import_rosters(on: Stage, gateways: Gateways) -> None:
    """The roster; then one with rows that are wrong in every way a row can be; then a changed one."""
    lines = on.night.roster.read_text("utf-8").splitlines()
    wrong = on.folder / "wrong.csv"
    cells = lines[5].split(",")
    spoiled = [
        [*cells[:3], false_checksum(cells[3]), *cells[4:]],
        [*cells[:5], "1980-13-45", *cells[6:]],
        ["", *cells[1:]],
        [*cells[:12], "2022-05-31", "2021-06-01", *cells[14:]],
        ["NM99999999", *cells[1:]],
        ["NM99999998", lines[9].split(",")[1], *cells[2:]],
    ]
    wrong.write_text("\n".join([lines[0], *(",".join(row) for row in spoiled)]), encoding="utf-8")
    for file, code in ((on.night.roster, 0), (wrong, 1), (on.night.roster, 0)):
        for as_json in ((), ("--json",)):
            ended = on.run(gateways, "roster", "import", str(file), "--association", ASSOCIATION, *as_json)
            assert ended.code == code, ended.out + ended.err


def pushed_while_serving(on: Stage, gateways: Gateways, evening: int) -> None:
    """`hubao serve` takes the pushes, refuses what it must, and is killed while its scheduler works."""
    pushes = on.night.begin(evening, on.line)
    serving = on.start(gateways, "serve")
    address = "http://" + serving.wait_for("http://").split("http://", 1)[1].split()[0]
    pusher = Pusher(f"{address}/api/v1/feeds/bayannur/push", on.night.push_secret, clock=on.clock.unix)
    report = pusher.send_all(pushes)
    pusher.close()
    serving.kill()
    assert serving.wait().killed
    assert report.taken == len(pushes)
    assert (report.refused_stale, report.refused_forged) == (401, 401)


def look(on: Stage, gateways: Gateways) -> None:
    """Every command that shows something, for people and for machines; what they print is searched too."""
    listed = on.run(gateways, "quarantine", "list", "--json").answer["quarantine"]
    assert listed
    shows = [("quarantine", "show", str(each["item"])) for each in listed[:3]]
    for command in (*shows, *LOOKS):
        for as_json in ((), ("--json",)):
            ended = on.run(gateways, *command, *as_json)
            assert ended.code in (0, 1), f"{command}: {ended.err}"
            assert ended.out.strip()


def test_no_file_holds_anything_personal(traces: Traces) -> None:
    assert not traces.leaks()


def test_nor_does_the_database_when_it_has_tidied_up(traces: Traces) -> None:
    if traces.database is not None:
        ask(traces.database, "vacuum")
        ask(traces.database, "checkpoint")
    else:
        with sqlite3.connect(traces.site / "data" / "hubao.db") as database:
            assert database.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
        database.close()
    assert not traces.leaks()


def test_the_search_looked_where_the_data_is(traces: Traces) -> None:
    names = {path.name for path in traces.files()}
    if traces.data is not None:
        assert any(path.parent.name == "pg_wal" for path in traces.files())
    else:
        assert {"hubao.db"} <= names
    assert {"root.key", "vault.json"} <= names
    assert any(name.startswith("msgid-") for name in names)
    logged = b"".join(path.read_bytes() for path in traces.files() if path.suffix == ".log")
    assert b"DEBUG" in logged
    assert len(logged) > 10_000


def test_the_search_finds_what_others_keep(traces: Traces) -> None:
    """The same needles, in files that are allowed to hold them: so it is the gateway that is clean, not the search."""
    held = traces.needles.found_in(traces.night.roster.read_bytes())
    assert sum(text in {person.name for person in traces.night.members} for text, _ in held) > PEOPLE // 2
    inbox = b"".join(path.read_bytes() for path in files_below(traces.folder / "trial" / "inbox"))
    told = traces.needles.found_in(inbox)
    assert len(told) > 100
    assert len({text for text, _ in told} & traces.night.places) > 50


def test_the_search_finds_a_planted_text_in_any_form(traces: Traces, tmp_path: Path) -> None:
    person = next(person for person in traces.night.members if len(person.name) > 3)
    for planted in (person.name, person.id_number, person.phone, person.person_no, "J18.900"):
        for number, (form, written) in enumerate(forms(planted)):
            database = tmp_path / f"{form}-{number}.db"
            with sqlite3.connect(database) as planting:
                planting.execute("create table box (id integer primary key, sealed blob)")
                planting.execute("insert into box (sealed) values (?)", (b"\x93\xc4" + written + b"\x01",))
            planting.close()
            assert (planted, form) in traces.needles.found_in(database.read_bytes())
            database.unlink()
