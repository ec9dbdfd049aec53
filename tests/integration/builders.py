"""Small helpers for the tests of the flow: invented people, national rows, pages, feeds, and what a site holds.

Id numbers have the region 150999, which is no county. Amounts are written in yuan as leagues write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Table, text

from gateway.core.claims import kept
from gateway.core.claims.drafting import stay_text
from gateway.core.roster import RosterMember
from gateway.flow.batches.reconcile import reconcile
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office, batch_context, delivery_context, member_context, record_name
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.roster.enrol import enrol
from gateway.flow.roster.planning import Enrolled
from gateway.model.member import Coverage
from gateway.model.national_id import check_digit
from gateway.model.page import Fetched
from gateway.model.record import record_to_json
from gateway.store import members, schema

SCHEME = "nm-inpatient"

_OF_THE_STORE = ("record_id", "sealed", "first_seq", "first_row")
"""Columns of a record that tell nothing of the settlement."""

_FEED = """
feed = "{feed}"
name = "试验 {feed}"
region = "150999"
intake = "{intake}"
mapping = "national"
associations = ["nm"]
owner = "test"
{more}
[connector]
{connector}
[legal]
agreement = "invented"
purpose = "test"
expires = 2099-12-31
"""

_PUSH = 'kind = "push"\nsecret = "env:HUBAO_TEST_SECRET"'
_FOLDER = 'kind = "folder"\nfolder = "data/in"\npattern = "*.json"\n[schedule]\nat = 02:00:00'
_LINE = (
    'kind = "cloud-line"\naddress = "http://127.0.0.1:9"\npaas_id = "test"\nsecret = "env:HUBAO_TEST_SECRET"\n'
    'facility_no = "H15099900001"\nfacility_name = "test"\nregion = "150999"\npeople_per_page = 3\n'
    "[schedule]\nat = 01:00:00\n[window]\nfirst_days = 365\noverlap_days = 7"
)

EAST_AND_WEST = {name: _FEED.format(feed=name, intake="receive", more="", connector=_PUSH) for name in ("east", "west")}
"""Two feeds that push national pages."""

FILES = {
    "files": _FEED.format(
        feed="files", intake="pull", more='replaces = "file"\ntakeback_share = 0.5', connector=_FOLDER
    )
}
"""A feed whose newer file replaces the older one of that name; more than half gone waits for a person."""

LINE = {"line": _FEED.format(feed="line", intake="sweep", more='leagues = ["甲盟"]', connector=_LINE)}
"""A feed that answers about one person at a time, three people to a page."""


class Who(msgspec.Struct, frozen=True):
    """An invented person."""

    name: str
    id_number: str


_NAMES = ("赵一", "钱二", "孙三", "李四", "周五", "吴六", "郑七", "王八", "额尔敦·朝鲁", "其木格")


def who(serial: int) -> Who:
    """The person with this number: the same every time, and nobody else's id number."""
    first17 = f"15099919{60 + serial % 40:02d}0501{serial // 40 % 1000:03d}"
    return Who(f"试{_NAMES[serial % len(_NAMES)]}", first17 + check_digit(first17))


def covered(first: str = "2021-06-01", last: str = "2022-05-31") -> Coverage:
    """A coverage period of the scheme; by default the year the rules of 2021 hold in."""
    return Coverage(first_day=date.fromisoformat(first), last_day=date.fromisoformat(last), scheme=SCHEME)


def member(serial: int, **changes: Any) -> RosterMember:
    """Person `serial` as the roster states him; `changes` overrides any field."""
    person = who(serial)
    fields: dict[str, Any] = {
        "member_no": f"M{serial:05d}",
        "name": person.name,
        "id_number": person.id_number,
        "coverage": (covered(),),
    }
    return RosterMember(**{**fields, **changes})


def enrolled(office: Office, *serials: int) -> Enrolled:
    """Enrol these people in `nm`, covered for the year."""
    return enrol(office, "nm", [member(serial) for serial in serials])


def row(number: str, person: Who | int | None, *, refund: bool = False, **changes: Any) -> dict[str, Any]:
    """A national settlement row: nine days in hospital, 6,000 yuan within scope left to pay. None: names nobody."""
    one = who(person) if isinstance(person, int) else person
    fields: dict[str, Any] = {
        "setl_id": number,
        "mdtrt_id": f"V{number}",
        "psn_name": one.name if one else None,
        "psn_cert_type": "01" if one else None,
        "certno": one.id_number if one else None,
        "insutype": "310",
        "fixmedins_code": "H15099900001",
        "med_type": "21",
        "begndate": "2021-07-01",
        "enddate": "2021-07-10",
        "ipt_days": 9,
        "setl_time": "2021-07-10 10:00:00",
        "medfee_sumamt": "20000.00",
        "inscp_scp_amt": "15000.00",
        "fund_pay_sumamt": "9000.00",
        "refd_setl_flag": "0",
    }
    fields.update(changes)
    if refund:
        fields["refd_setl_flag"] = "1"
        for name in ("medfee_sumamt", "inscp_scp_amt", "fund_pay_sumamt"):
            fields[name] = "-" + fields[name]
    return fields


def content(rows: Iterable[dict[str, Any]]) -> bytes:
    """A national page."""
    return msgspec.json.encode({"setlinfo": list(rows)})


def page(*rows: dict[str, Any], request: str = "", **fields: Any) -> Fetched:
    """A page as a feed hands it over; `request` makes two pages with the same rows different."""
    return Fetched(content=content(rows), request=request, **fields)


def keep_page(office: Office, feed: str, fetched: Fetched) -> int:
    """Store a page; returns its place."""
    return store_page(office, feed, fetched)[0]


def take(office: Office, feed: str, *pages: Fetched) -> list[int]:
    """Store and work pages one after another; returns their places."""
    places = []
    for one in pages:
        places.append(keep_page(office, feed, one))
        process_page(office, places[-1])
    return places


def rows_of(office: Office, table: Table) -> list[dict[str, Any]]:
    """Every row of a table, in order of its primary key."""
    with office.store.read() as tx:
        query = table.select().order_by(*table.primary_key.columns)
        return [dict(each._mapping) for each in tx.execute(query)]


def empty(office: Office) -> None:
    """Take everything out of the database but the rosters, whose rows must exist."""
    names = [table.name for table in reversed(schema.metadata.sorted_tables) if table.name != "roster"]
    with office.store.write() as tx:
        if office.store.postgres:
            tx.execute(text("truncate " + ", ".join(f'"{name}"' for name in names) + " restart identity"))
        else:
            for name in names:
                tx.execute(text(f'delete from "{name}"'))


def records(office: Office) -> list[dict[str, Any]]:
    """Every stored settlement, opened, without its own id and its sealed bytes."""
    held = []
    for each in rows_of(office, schema.record):
        key = bytes(each["key"])
        opened = office.open_record(each["sealed"], record_name(each["feed"], key, each["association"]))
        plain = {name: value for name, value in each.items() if name not in _OF_THE_STORE}
        held.append({**plain, "key": key.hex(), "record": record_to_json(opened)})
    return sorted(held, key=lambda each: (each["feed"], each["key"], each["association"]))


def body(office: Office, claim_id: str, version: int) -> dict[str, Any]:
    """One version of a claim, as the association receives it."""
    for each in rows_of(office, schema.delivery):
        if (each["claim_id"], each["version"]) == (claim_id, version):
            plain = office.claim_body(each["sealed"], claim_id, version)
            opened: dict[str, Any] = msgspec.json.decode(plain)
            return opened
    raise AssertionError(f"no version {version} of {claim_id}")


def put_coverage(office: Office, member_no: str, packed: str) -> None:
    """Write coverage that no import would, sealed as the program seals it."""
    with office.store.write() as tx:
        [row] = members.by_number(tx, "nm", [member_no])
        plain = office.vault.open(row.sealed, member_context(row.place))
        changed = msgspec.structs.replace(row, packed_coverage=packed, sealing=row.sealing + 1)
        box = office.vault.roster_key().seal(plain, member_context(changed.place))
        members.change(tx, [msgspec.structs.replace(changed, sealed=box)])


def claims(office: Office) -> list[dict[str, Any]]:
    """The latest version of every claim, with its body."""
    held = []
    rows = rows_of(office, schema.claim)
    called = _stays_called(office, rows)
    for each in rows:
        plain = {name: value for name, value in each.items() if name not in ("content", "updated_at", "stay_digest")}
        stay = {"stay": called[bytes(each["stay_digest"] or b"")]} if each["stay_digest"] else {}
        held.append({**plain, **stay, "body": body(office, each["claim_id"], each["version"])})
    return sorted(held, key=lambda each: each["claim_id"])


def _stays_called(office: Office, rows: list[dict[str, Any]]) -> dict[bytes, str]:
    """Digest → what the stay is called, which rows do not say: by all that any body of any claim tells."""
    words = set()
    for each in rows_of(office, schema.delivery):
        plain = office.vault.open(each["sealed"], delivery_context(f"{each['claim_id']}/{each['version']}"))
        words.add(kept.unit_told(plain))
        for told in kept.settlements_told(plain):
            for number in (told["visit_no"], f"s:{told['settlement_no']}"):
                words.add(f"{told['facility_no'] or ''}/{number}")
    return {
        office.vault.digest_stay(stay_text(row["association"], row["person_id"], row["scheme"], word)): word
        for row in rows
        for word in words
        if word
    }


def live(office: Office) -> list[dict[str, Any]]:
    """The claims that stand, without what tells how often they changed."""
    standing = [each for each in claims(office) if each["status"] != "withdrawn"]
    for each in standing:
        for name in ("version", "status"):
            del each[name], each["body"][name]
        # What a version changed against the one before.
        each["body"].pop("change", None)
    return standing


def payable(office: Office) -> list[tuple[str, int]]:
    """(stay, fen) of the claims that stand, in order of stay."""
    return sorted((each["stay"], each["payable"]) for each in live(office))


def open_items(office: Office) -> list[tuple[Any, ...]]:
    """What waits for a person: (kind, page, row, reasons or error codes)."""
    found: list[tuple[Any, ...]] = []
    for each in rows_of(office, schema.review):
        if each["state"] == "open":
            found.append((each["kind"], each["page_seq"], each["row"], each["reasons"]))
    for each in rows_of(office, schema.quarantine):
        if each["state"] == "open":
            codes = ",".join(error["code"] for error in msgspec.json.decode(each["errors"]))
            found.append(("quarantine", each["page_seq"], each["row"], codes))
    return sorted(found, key=repr)


def lists(office: Office) -> list[tuple[int, int, bytes]]:
    """(page, first row, opened list) of every batch."""
    ids = {each["seq"]: each["page_id"] for each in rows_of(office, schema.page)}
    return [
        (each["page_seq"], each["first_row"], office.vault.open(each["sealed"], batch_context(name)))
        for each in rows_of(office, schema.batch)
        for name in [f"{bytes(ids[each['page_seq']]).hex()}/{each['first_row']}"]
    ]


def tallies(office: Office) -> dict[str, tuple[int, int]]:
    """Class → (rows, fen) over all feeds and days as reconciled; classes nobody is in are left out."""
    sums: dict[str, tuple[int, int]] = {}
    for sheet in reconcile(office):
        for name, many in sheet.tally.rows.items():
            rows, money = sums.get(name, (0, 0))
            sums[name] = (rows + many, money + sheet.tally.amount[name])
    return {name: both for name, both in sums.items() if both != (0, 0)}


def adds_up(office: Office) -> dict[str, int]:
    """Assert that nothing is lost and nothing differs; returns class → rows."""
    sheets = reconcile(office)
    assert [each.differences for each in sheets] == [[] for _ in sheets]
    for sheet in sheets:
        assert sheet.rows == sum(sheet.tally.rows.values())
        assert all(many >= 0 for many in sheet.tally.rows.values())
    return {name: rows for name, (rows, _) in tallies(office).items()}


def truth(office: Office) -> dict[str, Any]:
    """What must be the same whatever the order of work: records, standing claims, open items, classes, waiting."""
    waiting = [
        (each["feed"], bytes(each["key"]).hex(), each["page_seq"], each["row"])
        for each in rows_of(office, schema.waiting_reversal)
    ]
    return {
        "records": records(office),
        "claims": live(office),
        "open": open_items(office),
        "tallies": tallies(office),
        "waiting": waiting,
    }


def everything(office: Office) -> dict[str, Any]:
    """All the database holds, modulo its own row numbers, instants and sealed bytes."""
    left_out = ("sealed", "created_at", "updated_at", "received_at", "next_at", "item_id", "delivery_id", "record_id")
    tables = [schema.page, schema.batch, schema.delivery, schema.quarantine, schema.review, schema.feed_total]
    tables += [schema.claim, schema.waiting_reversal, schema.member, schema.person, schema.rescan]
    dump = {
        table.name: sorted(
            repr({name: _plain(value) for name, value in each.items() if name not in left_out}) for each in found
        )
        for table in tables
        for found in [rows_of(office, table)]
    }
    bodies = [body(office, each["claim_id"], each["version"]) for each in rows_of(office, schema.delivery)]
    return {**dump, "records": records(office), "lists": lists(office), "bodies": sorted(bodies, key=repr)}


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def versions(office: Office, claim_id: str) -> list[tuple[int, str, str]]:
    """(version, what it says, where its delivery stands) of a claim, oldest first."""
    return [
        (each["version"], body(office, claim_id, each["version"])["status"], each["state"])
        for each in rows_of(office, schema.delivery)
        if each["claim_id"] == claim_id
    ]


def only(things: Sequence[Any]) -> Any:
    """The one thing there is."""
    assert len(things) == 1, things
    return things[0]


def in_batches(office: Office, size: int) -> Office:
    """The same office, working pages in batches of so many rows."""
    return replace(office, gateway=office.gateway.model_copy(update={"batch_rows": size}))
