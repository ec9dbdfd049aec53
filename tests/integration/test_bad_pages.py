"""Ten thousand pages that are broken in every way a page can be go through the whole flow, and nothing raises.

Each is taken in, sealed, stored and worked like any other. At the end every row of every page has its place,
every page that cannot be read waits for a person, and what is written about them names nobody. Pages repeat each
other's settlements, so corrections, refunds, replaced files and duplicates happen all the time, half of them broken.
Every run takes the first half of them; `-m full` takes the other.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import wiring
from gateway.core.roster import read_roster
from gateway.errors import BadPage
from gateway.flow.batches.reconcile import DaySheet, lost, reconcile
from gateway.flow.batches.replay import rescan
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.roster.enrol import enrol
from gateway.model.page import MAX_PAGE_BYTES, FeedTotals, Fetched
from gateway.sandbox.files import day_file
from gateway.sandbox.leagues import Sent, national_row, sent_between
from gateway.sandbox.national import encode
from gateway.sandbox.people import Person, person_at
from gateway.sandbox.pushes import pushes_of
from gateway.sandbox.roster import coverage_of, write_roster
from gateway.settings.shipped import write_site
from gateway.store import pages, quarantine

DAY = date(2022, 3, 10)
SEED = 5
PAGES = 10_000
CHUNKS = 8
EVERY_RUN = 1
MEMBERS = 60
FEEDS = ("wuhai", "hinggan", "bayannur")

Dice = random.Random
Spoiler = Callable[[Dice, bytes], bytes]


# Pages as they should be


class Leagues:
    """Small pages of three leagues, made of the same few hundred settlements again and again."""

    def __init__(self) -> None:
        self.people = {
            feed: [person_at(SEED, start + index, league=feed, as_of=DAY) for index in range(MEMBERS)]
            for start, feed in zip(itertools.count(0, 1000), FEEDS, strict=False)
        }
        serials = itertools.count(1)
        first = DAY - timedelta(days=85)
        self.sent = {
            feed: sent_between(SEED, theirs, first=first, last=DAY, serials=serials)
            for feed, theirs in self.people.items()
        }

    def members(self) -> list[Person]:
        """Half of the people of each league."""
        return [person for theirs in self.people.values() for person in theirs[::2]]

    def page(self, dice: Dice, feed: str) -> bytes:
        """3 to 20 rows, as this league writes them."""
        chosen = dice.sample(self.sent[feed], dice.randint(3, 20))
        if feed == "hinggan":
            return day_file(DAY, chosen).content
        if feed == "bayannur":
            return pushes_of(DAY, chosen)[0].body
        return bundle(chosen[:8])


def bundle(sent: Sequence[Sent]) -> bytes:
    """What a sweep brings home: every reply verbatim beside its call."""
    calls: list[list[Any]] = []
    for each in sent:
        asked = {"psn_no": each.record.person_no, "mdtrt_id": each.record.visit_no}
        codes = [{"diag_code": code, "diag_srt_no": 1} for code in each.record.diagnosis_codes]
        calls.append(["5203", asked, reply({"setlinfo": national_row(each)})])
        calls.append(["5202", asked, reply({"diseinfo": codes})])
    return packed(calls)


def packed(calls: Sequence[Sequence[Any]]) -> bytes:
    """Calls as the bundle that is stored."""
    written = [dict(zip(("infno", "asked", "reply"), call, strict=True)) for call in calls]
    return msgspec.msgpack.encode({"bundle": 1, "calls": written})


def reply(output: Any) -> bytes:
    """An answer of the national platform."""
    return encode({"infcode": 0, "err_msg": "", "output": output})


# Ways to break them

VALUES: list[Any] = [
    None, True, "", " ", 0, -1, 1e308, 10**400, -(10**40), 0.1, float("nan"), float("inf"), [], {}, [[]], [None],
    {"a": {"b": [1, None]}}, "NaN", "1e5", "１２.５", "1,000.00", "0x1F", "9" * 400, "\u0000", "\ud800", "\u202e",
    "2022-02-30", "0000-00-00", "9999-12-31 25:61:61", "15099919800230001X", "X" * 20_000, "null",
    "'; drop table page;--",
]  # fmt: skip
BYTES = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1a", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u12",
    b"\r", b"\n\n", b"\t" * 50, b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"[" * 2000, b'{"a":' * 2000,
    b"\xed\xa0\x80", b"\x81\x30\x81", b"\xc1\x81\xa6bundle\x01", b"PK\x03\x04", b"\x1f\x8b\x08",
]  # fmt: skip


def cut(dice: Dice, content: bytes) -> bytes:
    """Truncated, at either end or in the middle."""
    first, last = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    return dice.choice([content[:first], content[last:], content[:first] + content[last:]])


def flipped(dice: Dice, content: bytes) -> bytes:
    """A few bytes are others."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 20) if changed else 0):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def stuffed(dice: Dice, content: bytes) -> bytes:
    """Something that does not belong there stands in between."""
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(content) + 1)
        content = content[:at] + dice.choice(BYTES) + content[at:]
    return content


def recoded(dice: Dice, content: bytes) -> bytes:
    """Another encoding than agreed."""
    text = content.decode(dice.choice(["utf-8", "gb18030", "latin-1"]), "replace")
    return text.encode(dice.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-32", "big5"]), "replace")


def repeated(dice: Dice, content: bytes) -> bytes:
    """The page, or the end of it, comes twice."""
    return content + content[dice.randrange(len(content) + 1) :]


def nothing_much(dice: Dice, content: bytes) -> bytes:
    """Hardly anything, or something that is no page at all."""
    return dice.choice([b"", b"\n", b"{}", b"[]", b"null", b"0", b'""', b"\x80", b"<html></html>", dice.randbytes(200)])


def revalued(dice: Dice, content: bytes) -> bytes:
    """JSON in which values are of other types, huge, nested, not a number, or keys come twice."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return stuffed(dice, content)
    for _ in range(dice.randint(1, 6)):
        _revalue(dice, tree)
    text = json.dumps(tree, ensure_ascii=dice.random() < 0.5)
    return (_with_key_twice(dice, text) if dice.random() < 0.3 else text).encode("utf-8", "surrogatepass")


def _revalue(dice: Dice, tree: Any) -> None:
    """Put something unlikely somewhere below; deep places are as likely as shallow ones."""
    node = tree
    while isinstance(node, dict | list) and node:
        key = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
        below = node[key]
        if not (isinstance(below, dict | list) and below) or dice.random() < 0.1:
            change = dice.random()
            if change < 0.75:
                # A copy: a later change may go into it, and what all pages draw from must stay as it is.
                node[key] = deepcopy(dice.choice([*VALUES, [below], {"value": below}, str(below)]))
            elif change < 0.9:
                del node[key]
            elif isinstance(node, dict):
                node[str(key).upper()] = node.pop(key)
            return
        node = below


def _with_key_twice(dice: Dice, text: str) -> str:
    name = dice.choice(["setl_id", "certno", "medfee_sumamt", "records", "output", "vali_flag"])
    return text.replace(f'"{name}":', f'"{name}": {json.dumps(dice.choice(VALUES))}, "{name}":')


def recelled(dice: Dice, content: bytes) -> bytes:
    """A CSV file with other cells, rows of other lengths, columns gone, doubled, or called otherwise."""
    rows = list(csv.reader(io.StringIO(content.decode("gb18030", "replace"), newline="")))
    for _ in range(dice.randint(1, 6) if rows else 0):
        row = dice.choice(rows if dice.random() < 0.85 else rows[:1])
        if row:
            at = dice.randrange(len(row))
            row[at : at + dice.choice([0, 1, 1, 1, 1, 2])] = [str(dice.choice(VALUES))] * dice.choice([0, 1, 1, 1, 2])
    out = io.StringIO(newline="")
    csv.writer(out, quoting=dice.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])).writerows(rows)
    return out.getvalue().encode("gb18030", "replace")


def rebundled(dice: Dice, content: bytes) -> bytes:
    """A bundle whose replies are broken inside, in another order, or attributed to other calls."""
    calls = [[call["infno"], call["asked"], call["reply"]] for call in msgspec.msgpack.decode(content)["calls"]]
    for _ in range(dice.randint(1, 3)):
        call = dice.choice(calls)
        change = dice.random()
        if change < 0.7:
            call[2] = dice.choice([*ANYWHERE, revalued, revalued, revalued])(dice, call[2])
        elif change < 0.8:
            call[0] = dice.choice(["5202", "5203", "9999", "", "1101"])
        elif change < 0.9:
            call[1] = dice.choice([{}, {"psn_no": None}, {"mdtrt_id": 7}])
        else:
            dice.shuffle(calls)
    return packed(calls)


ANYWHERE: list[Spoiler] = [cut, flipped, stuffed, recoded, repeated, nothing_much]
OWN: dict[str, Spoiler] = {"wuhai": rebundled, "hinggan": recelled, "bayannur": revalued}


def broken(dice: Dice, feed: str, content: bytes) -> bytes:
    """Mostly broken where this league's pages have their values, so that some rows survive; now and then whole."""
    draw = dice.random()
    if draw < 0.05:
        return content
    spoiled = OWN[feed](dice, content) if draw < 0.65 else dice.choice(ANYWHERE)(dice, content)
    return dice.choice(ANYWHERE)(dice, spoiled) if dice.random() < 0.1 else spoiled


# Through the flow


@pytest.fixture(scope="module")
def leagues() -> Leagues:
    return Leagues()


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where the machine has such a place: thousands of commits ask for a durable disk each."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="hubao-bad-pages-", dir=memory if memory.is_dir() else None))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def office(folder: Path, leagues: Leagues) -> Iterator[Office]:
    write_site(folder / "site")
    gateway = folder / "site" / "config" / "gateway.toml"
    gateway.write_text(gateway.read_text("utf-8").replace("batch_rows = 2000", "batch_rows = 100"), encoding="utf-8")
    wiring.make_keys(wiring.load_site(folder / "site"))
    opened = wiring.open_office(folder / "site")
    write_roster(folder / "roster.csv", leagues.members(), periods=lambda each: coverage_of(each, day=DAY, seed=SEED))
    assert enrol(opened, "nm", read_roster((folder / "roster.csv").read_bytes()).people).added == len(leagues.members())
    yield opened
    opened.store.close()


def fetched(dice: Dice, feed: str, content: bytes, number: int) -> Fetched:
    """What a connector would make of these bytes. A file's name comes again, so that it is replaced."""
    if feed != "hinggan":
        return Fetched(content=content, request=f"{feed}:{number}")
    day = DAY - timedelta(days=dice.randrange(200))
    parts = dice.choice([1, 1, 1, 2])
    return Fetched(
        content=content,
        request=f"file:{number}",
        day=day,
        source=f"setl_152200_{day:%Y%m%d}.csv",
        part=dice.randint(1, parts),
        parts=parts,
        totals=(FeedTotals(day=day, rows=dice.randrange(30), amount=dice.randrange(10**9)),),
    )


CHUNK = [pytest.param(chunk, marks=() if chunk < EVERY_RUN else pytest.mark.full) for chunk in range(CHUNKS)]


@pytest.mark.parametrize("chunk", CHUNK)
def test_broken_pages_never_raise_and_every_row_is_accounted_for(office: Office, leagues: Leagues, chunk: int) -> None:
    dice, stored = Dice(chunk), 0
    for number in range(PAGES // CHUNKS):
        feed = dice.choice(FEEDS)
        content = broken(dice, feed, leagues.page(dice, feed))
        seq, new = store_page(office, feed, fetched(dice, feed, content, number))
        stored += new
        # A few wait, and are worked out of order later.
        if dice.random() < 0.97:
            process_page(office, seq)
    work_the_rest(office, dice)
    assert stored == PAGES // CHUNKS
    accounted_for(office, stored)
    names_nobody(office, leagues)


def work_the_rest(office: Office, dice: Dice) -> None:
    """Pages that still wait, in any order."""
    with office.store.read() as tx:
        waiting = pages.waiting(tx, FEEDS)
    assert waiting
    dice.shuffle(waiting)
    for seq in waiting:
        process_page(office, seq)


def accounted_for(office: Office, stored: int) -> None:
    """Each page is worked or waits for a person, each row is one thing; only the leagues' own totals may differ."""
    sheets = reconcile(office)
    assert lost(sheets) == 0
    assert sum(sheet.unworked for sheet in sheets) == 0
    assert not [each for sheet in sheets for each in sheet.differences if not _is_about_totals(each)]
    unreadable = sum(sheet.unreadable for sheet in sheets)
    assert 0.05 * stored < unreadable < 0.6 * stored
    tallies = {name: sum(sheet.tally.rows[name] for sheet in sheets) for name in sheets[0].tally.rows}
    assert all(tallies[name] > 0 for name in ("member", "stranger", "quarantined", "superseded")), tallies
    assert sum(tallies.values()) > stored
    with office.store.read() as tx:
        aside = quarantine.listing(tx, state=None, limit=1_000_000)
        states = [page.state for feed in FEEDS for page in pages.of_feed(tx, feed)]
    # A file that came again so that it can be read needs nobody: what it was set aside for is over.
    whole = [item for item in aside if item.row is None]
    assert len(whole) == states.count("bad")
    assert len([item for item in whole if item.state == "open"]) == unreadable
    assert len(states) == stored
    assert set(states) == {"done", "bad"}


def _is_about_totals(difference: str) -> bool:
    return difference.startswith(("对方", "与对方"))


def names_nobody(office: Office, leagues: Leagues) -> None:
    """Reasons are for people to read, and tell them about a row without telling whose it is."""
    with office.store.read() as tx:
        aside = quarantine.listing(tx, state=None, limit=1_000_000)
    messages = {f"{error.field} {error.message}" for each in aside for error in each.errors}
    assert messages
    people = [person for theirs in leagues.people.values() for person in theirs]
    personal = {text for each in people for text in (each.id_number, each.person_no, each.phone, each.name)}
    assert not [message for message in messages if any(text in message for text in personal)]


ENORMOUS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "deep": ("bayannur", lambda: b"[" * MAX_PAGE_BYTES),
    "deep objects": ("bayannur", lambda: b'{"records":' * (MAX_PAGE_BYTES // 11)),
    "one text": ("bayannur", lambda: b'{"records":["' + b"9" * (MAX_PAGE_BYTES - 20) + b'"]}'),
    "one number": ("bayannur", lambda: b'{"records":[{"medfee_sumamt":' + b"9" * (MAX_PAGE_BYTES - 32) + b"}]}"),
    "empty rows": ("bayannur", lambda: b'{"records":[' + b"{}," * 20_000 + b"{}]}"),
    "one line": ("hinggan", lambda: b"x" * MAX_PAGE_BYTES),
    "one quote": ("hinggan", lambda: b'"' + b"x,\n" * (MAX_PAGE_BYTES // 3 - 1)),
    "zeros": ("hinggan", lambda: bytes(MAX_PAGE_BYTES)),
    "an array that claims to be long": ("wuhai", lambda: b"\x82\xa6bundle\x01\xa5calls\xdd\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("kind", ENORMOUS)
def test_an_enormous_page_is_worked_or_set_aside_like_any_other(office: Office, kind: str) -> None:
    feed, made = ENORMOUS[kind]
    seq, _ = store_page(office, feed, Fetched(content=made(), request=f"{feed}:{kind}"))
    process_page(office, seq)
    (sheet,) = reconcile(office)
    assert lost([sheet]) == sheet.unworked == 0
    assert sheet.rows == sheet.tally.rows["quarantined"]
    assert sheet.unreadable or sheet.rows


def test_a_page_larger_than_a_page_may_be_is_refused_before_it_is_stored(office: Office) -> None:
    with pytest.raises(BadPage):
        store_page(office, "bayannur", Fetched(content=bytes(MAX_PAGE_BYTES + 1), request="too large"))
    assert not reconcile(office)


def test_they_can_be_read_again_in_any_state(office: Office, leagues: Leagues) -> None:
    """Retrying quarantine and looking again after a roster change meet the same pages, and hold as well."""
    dice = Dice(99)
    for number in range(120):
        feed = dice.choice(FEEDS)
        content = broken(dice, feed, leagues.page(dice, feed))
        seq, _ = store_page(office, feed, fetched(dice, feed, content, number))
        process_page(office, seq)
    before = counted(reconcile(office))
    retried = retry_quarantine(office)
    assert retried.tried > 0
    assert counted(reconcile(office)) == before
    everybody = [person for theirs in leagues.people.values() for person in theirs]
    path = office.site.parent / "everybody.csv"
    write_roster(path, everybody, periods=lambda each: coverage_of(each, day=DAY, seed=SEED))
    assert enrol(office, "nm", read_roster(path.read_bytes()).people).added == len(everybody) // 2
    assert rescan(office).rows > 0
    after = reconcile(office)
    assert lost(after) == 0
    assert not [each for sheet in after for each in sheet.differences if not _is_about_totals(each)]
    assert counted(after)["stranger"] < before["stranger"]
    assert sum(counted(after).values()) == sum(before.values())


def counted(sheets: Sequence[DaySheet]) -> dict[str, int]:
    """Rows by class over all days."""
    return {name: sum(sheet.tally.rows[name] for sheet in sheets) for name in sheets[0].tally.rows}
