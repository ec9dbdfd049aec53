"""A site filled by the program of November 2026 (commit b7b06cc) is opened by the present one, on both databases.

Whatever is done to it that brings nothing new, no claim changes, no question is asked and nobody is looked at again;
every command says what it said then. What the site holds: `tests/fixtures/b7b06cc/README.md`.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from builders import claims, lists, open_items, records, rows_of, take, tallies, truth
from sqlalchemy import MetaData, create_engine, text

from gateway import wiring
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import page_bytes
from gateway.model.page import Fetched
from gateway.store import schema
from gateway.store.engine import lock, open_store
from gateway.store.migrate import MIGRATIONS

FIXTURE = Path(__file__).parents[1] / "fixtures" / "b7b06cc"
sys.path.insert(0, str(FIXTURE))
from questions import answers, hubao, set_clock  # noqa: E402

SCHEMA_THEN = "0006"
MEMBERS = 204
PAGES_THAT_STAND = 7
NIGHT_LATER = ("last_run", "last_run_at", "message", "beat_at")
"""What `status` says of a feed that changes because a run is a run."""


class SiteThen:
    """The site as it was packed, unpacked anew, and what it was asked then."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, folder / "site"
        self.expected: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        self.now = datetime.fromisoformat((folder / "clock.txt").read_text(encoding="utf-8"))

    def pushes(self) -> list[tuple[str, Fetched]]:
        """Every delivery of the league that pushes, as it came."""
        pages = json.loads((self.folder / "pages.json").read_text(encoding="utf-8"))
        return [(page.pop("feed"), msgspec.convert(page, Fetched)) for page in pages]

    @contextmanager
    def office(self) -> Iterator[Office]:
        """The site opened by the present program."""
        office = wiring.open_office(self.site, clock=lambda: self.now)
        try:
            yield office
        finally:
            office.store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def then(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SiteThen]:
    """The site, in a folder of its own; commands live at its last instant."""
    with tarfile.open(FIXTURE / f"{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    found = SiteThen(tmp_path)
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        _load(url, tmp_path / "rows.jsonl")
        _rewrite(found.site / "config/gateway.toml", '"sqlite:///data/hubao.db"', f'"{url}"')
    before = [opening.__kwdefaults__ for opening in (wiring.open_office, wiring.office_of)]
    set_clock(lambda: found.now)
    yield found
    for opening, defaults in zip((wiring.open_office, wiring.office_of), before, strict=True):
        opening.__kwdefaults__ = defaults


def _rewrite(file: Path, old: str, new: str) -> None:
    written = file.read_text(encoding="utf-8")
    assert old in written
    file.write_text(written.replace(old, new), encoding="utf-8")


def _load(url: str, rows: Path) -> None:
    """The rows of then in the schema of then; the present program migrates it when it opens it."""
    store = open_store(url, site=Path())
    with store.write() as tx:
        tx.execute(text("drop schema public cascade"))
        tx.execute(text("create schema public"))
        lock(tx, "schema")
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = tx
        command.upgrade(config, SCHEMA_THEN)
    store.close()
    engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1])
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            connection.execute(table.delete())
        for name, lines in groupby(map(json.loads, rows.read_text(encoding="utf-8").splitlines()), key=itemgetter(0)):
            plain = [{key: _bytes(value) for key, value in values.items()} for _, values in lines]
            connection.execute(tables.tables[name].insert(), plain)
        for (statement,) in connection.execute(text(_GO_ON_COUNTING)).fetchall():
            connection.execute(text(statement))
    engine.dispose()


_GO_ON_COUNTING = """
    select format('select setval(%L, coalesce((select max(%I) from %I), 0) + 1, false)', sequence.oid::regclass,
                  attname, owner.relname)
    from pg_class sequence
    join pg_depend on pg_depend.objid = sequence.oid and deptype in ('a', 'i')
    join pg_class owner on owner.oid = refobjid
    join pg_attribute on attrelid = refobjid and attnum = refobjsubid
    where sequence.relkind = 'S'
"""


def _bytes(value: Any) -> Any:
    return b64decode(value["base64"]) if isinstance(value, dict) else value


def differences(then: Any, now: Any, place: str = "") -> list[str]:
    """Where the answer of now is not the one of then. Keys may have come since; nothing else may differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            line
            for key in then
            for line in (
                differences(then[key], now[key], f"{place}/{key}") if key in now else [f"{place}/{key} is gone"]
            )
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [
            line for at, pair in enumerate(zip(then, now, strict=True)) for line in differences(*pair, f"{place}/{at}")
        ]
    return [] if then == now else [f"{place}: {then!r} is now {now!r}"]


def as_told_now(answers: dict[str, Any]) -> dict[str, Any]:
    """The same facts as commands tell them since: all money in yuan as text, all rows counted from 1."""
    told = msgspec.json.decode(msgspec.json.encode(answers))
    for name, answer in told.items():
        if name.startswith("status"):
            answer["claims"] = [[*claims, in_yuan(money)] for *claims, money in answer["claims"]]
        for day in answer["days"] if name.startswith("reconcile") else ():
            day["tally"]["amount"] = {key: in_yuan(money) for key, money in day["tally"]["amount"].items()}
            for key in ("said_amount", "counted_amount"):
                day[key] = in_yuan(day[key])
            said = (_FEN.sub(lambda fen: f"{in_yuan(int(fen[1]))}元", text) for text in day["differences"])
            day["differences"] = [text.replace("in fen", "in yuan") for text in said]
        if name.startswith(("review list", "review show")):
            for item in answer.get("review", [answer]):
                item["row"] = None if item["row"] is None else item["row"] + 1
    return told


_FEN = re.compile(r"(-?[0-9]+)分(?= \(money differs, in fen)")


def in_yuan(fen: int | None) -> str | None:
    return None if fen is None else f"{Decimal(fen) / 100:.2f}"


def without_runs(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers without what tells of the latest runs."""
    told = without_findings(answers)
    for name, answer in told.items():
        if name.startswith("status"):
            for feed in answer["feeds"]:
                for key in NIGHT_LATER:
                    feed.pop(key, None)
    return told


def without_findings(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers without the sentences of `status`: later programs say more, and say it in the words of findings."""
    asked = msgspec.json.decode(msgspec.json.encode(answers))
    for name, answer in asked.items():
        if name.startswith("status"):
            del answer["findings"]
    return asked


FORM_ALONE = ("stay", "stay_kind", "stay_digest")
"""Columns that a night rewrites in rows of then, without changing what they mean (`test_rewriting.py`)."""


def claim_rows(office: Office) -> list[dict[str, Any]]:
    """The claims, to the byte, but for the form in which a row says what it is about."""
    return [{name: row[name] for name in row if name not in FORM_ALONE} for row in rows_of(office, schema.claim)]


def stored(office: Office) -> dict[str, Any]:
    """What the claims, questions and lists of a site are, to the byte where it is not sealed."""
    tables = (schema.delivery, schema.review, schema.quarantine, schema.waiting_reversal, schema.rescan)
    return {table.name: rows_of(office, table) for table in tables} | {
        "claim": claim_rows(office),
        "records": records(office),
        "lists": lists(office),
        "rulings": rows_of(office, schema.ruling),
    }


def looked_at(office: Office) -> dict[str, Any]:
    """What must be the same after rows were read again: their questions may have new numbers."""
    told = [{name: claim[name] for name in claim if name not in FORM_ALONE} for claim in claims(office)]
    rows = {"claim": claim_rows(office), "delivery": rows_of(office, schema.delivery)}
    return {**truth(office), "claims": told, **rows, "lists": lists(office)}


def _ask_for_everybody(office: Office) -> None:
    """As if the roster had changed in every row."""
    found: dict[int, bytes] = defaultdict(bytes)
    for row in rows_of(office, schema.member_fingerprint):
        found[row["member_id"]] += bytes(row["fingerprint"])
    for row in rows_of(office, schema.member_block):
        found[row["member_id"]] += bytes(row["block"])
    members = [row["member_id"] for row in rows_of(office, schema.member)]
    with office.store.write() as tx:
        for member in members:
            values = {"member_id": member, "association": "nm", "fingerprints": found[member], "reread": True}
            tx.execute(schema.rescan.insert().values(values))


def test_it_says_what_it_said(then: SiteThen) -> None:
    asked = without_findings(as_told_now(then.expected))
    assert differences(asked, without_findings(answers(then.site))) == []


def test_what_brings_nothing_new_changes_nothing(then: SiteThen) -> None:
    with then.office() as office:
        before = stored(office)
    again = hubao(then.site, "roster", "import", str(then.folder / "roster.csv"), "--association", "nm")
    assert (again["added"], again["changed"], again["coverage_changed"]) == (0, {}, 0)
    assert again["unchanged"] == again["people"]
    with then.office() as office:
        known = [rows["seq"] for rows in rows_of(office, schema.page)]
        for feed, fetched in then.pushes():
            take(office, feed, fetched)
        assert [rows["seq"] for rows in rows_of(office, schema.page)] == known
        assert rows_of(office, schema.rescan) == []
    night = hubao(then.site, "run", "hinggan", "bayannur")
    assert {run["outcome"] for run in night["feeds"]} == {"done"}
    assert (night["failed_steps"], night["waiting_pages"]) == ({}, 0)
    assert (night["rescanned"]["members"], night["retained"]["pages"]) == (0, 0)
    assert [each["attempts"] for each in night["deliveries"].values()] == [0]
    with then.office() as office:
        assert stored(office) == before
        facts = [row["fact_id"] for row in rows_of(office, schema.fact) if row["sealed"] is not None]
    now = without_runs(answers(then.site))
    assert keys_of_facts(now) == facts != []
    assert differences(without_runs(as_told_now(then.expected)), now) == []


def keys_of_facts(answers: dict[str, Any]) -> list[int]:
    """The facts with a key of their own, which a night gives to those of then. Their keys are taken out: whatever else
    is told of keys is as it was."""
    keys = answers["keys status"]["keys"]
    sealed = [key for key in keys if key["purpose"].startswith("fact.")]
    assert all(key["intact"] for key in sealed)
    answers["keys status"]["keys"] = [key for key in keys if key not in sealed]
    return sorted(int(key["purpose"].removeprefix("fact.")) for key in sealed)


def test_everybody_looked_at_again_stays_as_they_are(then: SiteThen) -> None:
    """But for one member, born in the first days of 1970: the program of then could not read that day in milliseconds,
    and the row stood in quarantine."""
    with then.office() as office:
        before = looked_at(office)
        _ask_for_everybody(office)
    night = hubao(then.site, "run", "hinggan", "bayannur")
    assert (night["rescanned"]["members"], night["rescanned"]["rows"]) == (MEMBERS, 1)
    assert hubao(then.site, "quarantine", "retry")["solved"] == 0
    with then.office() as office:
        assert rows_of(office, schema.rescan) == []
        after = looked_at(office)
    gone = {name: [part for part in before[name] if part not in after[name]] for name in before}
    come = {name: [part for part in after[name] if part not in before[name]] for name in after}
    (record,), (claim,), (quarantined,) = come["records"], come["claims"], gone["open"]
    assert (record["record"]["birth_date"], claim["body"]["payable"]) == ("1970-01-02", "366.23")
    assert quarantined[0] == "quarantine"
    assert {name for name in gone if gone[name]} <= {"open", "lists"}
    assert {name for name in come if come[name]} == {"records", "claims", "claim", "delivery", "lists"}
    assert all(len(come[name]) == 1 for name in come if come[name])


def test_rows_that_come_once_more_amend_nothing(then: SiteThen) -> None:
    """The same bytes in new pages: every row takes its own place, and says what it said."""
    with then.office() as office:
        before = _without_places(office)
        pages = len(rows_of(office, schema.page))
        for feed, content in _pages_that_stand(office):
            take(office, feed, Fetched(content=content, request="once more"))
        assert len(rows_of(office, schema.page)) == pages + PAGES_THAT_STAND
        assert _without_places(office) == before


def _without_places(office: Office) -> dict[str, Any]:
    """What is claimed and asked, whichever page says it. Whoever has one stay from two feeds is left out: of two
    settlements the one received first counts, so that a repeated one gives way to the other."""
    twice = {row["person_id"] for row in rows_of(office, schema.record) if row["duplicate"]}
    claims = [row for row in rows_of(office, schema.claim) if row["person_id"] not in twice]
    numbers = {claim["claim_id"] for claim in claims}
    return {
        "claims": claims,
        "deliveries": [row for row in rows_of(office, schema.delivery) if row["claim_id"] in numbers],
        "records": [_plain(record) for record in records(office) if record["person_id"] not in twice],
        "open": sorted((kind, reasons) for kind, _, _, reasons in open_items(office)),
        "waiting": len(rows_of(office, schema.waiting_reversal)),
        "rows": {name: rows for name, (rows, _) in tallies(office).items() if name != "superseded"},
    }


def _pages_that_stand(office: Office) -> list[tuple[str, bytes]]:
    """(feed, bytes) of every page without a file's name none of whose rows was replaced."""
    replaced = {row["page_seq"] for row in rows_of(office, schema.batch) if row["superseded_rows"]}
    pages = rows_of(office, schema.page)
    standing = [page for page in pages if (page["state"], page["source"]) == ("done", "")]
    with office.store.read() as tx:
        kept = [page for page in standing if page["seq"] not in replaced]
        contents = [(page["feed"], page_bytes(tx, office, page["seq"])) for page in kept]
    return [(feed, content) for feed, content in contents if content is not None]


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """A stored settlement without where and when it came."""
    return {name: value for name, value in record.items() if name not in ("page_seq", "row", "received_on")}
