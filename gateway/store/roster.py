"""People, members and their fingerprints: who is enrolled, found by keyed digests only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, select, text

from gateway.model.member import Category, Coverage
from gateway.store import schema
from gateway.store.engine import change_many, insert_many, is_postgres, select_in
from gateway.store.pages import insert_for


class MemberRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A member as stored: clear columns, and the personal fields in one sealed box."""

    member_id: int
    person_id: int
    association: str
    member_no: str
    category: Category
    league: str | None
    opt_out: bool
    coverage: tuple[Coverage, ...]
    sealed: bytes
    content: bytes


_COLUMNS = (
    "member_id",
    "person_id",
    "association",
    "member_no",
    "category",
    "league",
    "opt_out",
    "coverage",
    "sealed",
    "content",
)
_SELECT = "select " + ", ".join(_COLUMNS) + " from member "


def pack_coverage(coverage: Sequence[Coverage]) -> str:
    """Coverage periods as the JSON text of the `coverage` column."""
    return msgspec.json.encode(
        [(each.scheme, each.first_day, each.last_day, each.category) for each in coverage]
    ).decode()


_coverage = msgspec.json.Decoder(list[tuple[str, date, date, Category | None]])


def unpack_coverage(packed: str) -> tuple[Coverage, ...]:
    """The coverage periods of the `coverage` column."""
    return tuple(
        Coverage(scheme=scheme, first_day=first, last_day=last, category=category)
        for scheme, first, last, category in _coverage.decode(packed)
    )


def _row(values: Any) -> MemberRow:
    member_id, person_id, association, member_no, category, league, opt_out, coverage, sealed, content = values
    return MemberRow(
        member_id=member_id,
        person_id=person_id,
        association=association,
        member_no=member_no,
        category=category,
        league=league,
        opt_out=bool(opt_out),
        coverage=unpack_coverage(coverage),
        sealed=bytes(sealed),
        content=bytes(content),
    )


def version(tx: Connection, associations: Sequence[str], *, hold: bool = False) -> tuple[int, ...]:
    """The roster's version for each association; with `hold`, nobody changes it until this transaction ends."""
    query = "select association, version from roster where association {keys}"
    if hold and is_postgres(tx):
        query += " for share"
    found = dict(select_in(tx, query, associations, kind="text"))
    return tuple(found.get(name, 0) for name in associations)


def ensure(tx: Connection, associations: Sequence[str]) -> None:
    """A roster row for each association, so that there is always one to hold."""
    for name in associations:
        new = insert_for(tx, schema.roster).values(association=name, version=0)
        tx.execute(new.on_conflict_do_nothing())


def move_version(tx: Connection, association: str) -> int:
    """The roster changes now: take its lock and count up."""
    table = schema.roster
    new = insert_for(tx, table).values(association=association, version=1)
    moved = new.on_conflict_do_update(
        index_elements=[table.c.association], set_={"version": table.c.version + 1}
    ).returning(table.c.version)
    return int(tx.execute(moved).scalar_one())


def lock_people(tx: Connection, person_ids: Iterable[int]) -> None:
    """Hold these people, in order of id, until the transaction ends (design §2)."""
    if is_postgres(tx):
        query = "select person_id from person where person_id {keys} order by person_id for update"
        select_in(tx, query, sorted(set(person_ids)), kind="bigint")


def find(tx: Connection, fingerprints: Iterable[bytes]) -> list[tuple[bytes, int, int]]:
    """(fingerprint, member id, person id) of the members that have one of these fingerprints."""
    query = "select fingerprint, member_id, person_id from member_fingerprint where fingerprint {keys}"
    found = select_in(tx, query, fingerprints, kind="bytea")
    return [(bytes(digest), member_id, person_id) for digest, member_id, person_id in found]


def members(tx: Connection, member_ids: Iterable[int]) -> list[MemberRow]:
    """The members with these ids."""
    return [_row(row) for row in select_in(tx, _SELECT + "where member_id {keys}", member_ids, kind="bigint")]


def members_of_people(tx: Connection, person_ids: Iterable[int]) -> list[MemberRow]:
    """All enrolments of these people."""
    return [_row(row) for row in select_in(tx, _SELECT + "where person_id {keys}", person_ids, kind="bigint")]


def members_by_no(tx: Connection, association: str, numbers: Iterable[str]) -> list[MemberRow]:
    """The members of an association with these member numbers."""
    query = _SELECT + "where association = ? and member_no {keys}"
    return [_row(row) for row in select_in(tx, query, numbers, kind="text", first=(association,))]


def members_after(tx: Connection, associations: Sequence[str], member_id: int, limit: int) -> list[MemberRow]:
    """The next members in order of id: how a sweep walks the roster."""
    table = schema.member.c
    query = (
        select(*(table[name] for name in _COLUMNS))
        .where(table.association.in_(associations), table.member_id > member_id)
        .order_by(table.member_id)
        .limit(limit)
    )
    return [_row(row) for row in tx.execute(query)]


def count(tx: Connection, association: str) -> int:
    """How many members an association has."""
    mine = schema.member.c.association == association
    return int(tx.execute(select(func.count()).select_from(schema.member).where(mine)).scalar_one())


def new_ids(tx: Connection, table: Table, how_many: int) -> range | list[int]:
    """Ids for rows about to be inserted in bulk."""
    column = next(iter(table.primary_key.columns)).name
    if is_postgres(tx):
        query = text("select nextval(pg_get_serial_sequence(:name, :column)) from generate_series(1, :many)")
        return list(tx.execute(query, {"name": table.name, "column": column, "many": how_many}).scalars())
    highest = tx.execute(select(func.coalesce(func.max(table.c[column]), 0))).scalar_one()
    return range(highest + 1, highest + 1 + how_many)


def new_member_ids(tx: Connection, how_many: int) -> range | list[int]:
    """Ids for members about to be added: their seals are bound to them."""
    return new_ids(tx, schema.member, how_many)


def add_people(tx: Connection, association: str, how_many: int) -> range | list[int]:
    """New people of an association; returns their ids."""
    ids = new_ids(tx, schema.person, how_many)
    insert_many(tx, schema.person, ("person_id", "association"), [(each, association) for each in ids])
    return ids


def _values(row: MemberRow) -> tuple[Any, ...]:
    return (
        row.member_id,
        row.person_id,
        row.association,
        row.member_no,
        row.category,
        row.league,
        row.opt_out,
        pack_coverage(row.coverage),
        row.sealed,
        row.content,
    )


def add_members(tx: Connection, rows: Sequence[MemberRow]) -> None:
    """Insert new members."""
    insert_many(tx, schema.member, _COLUMNS, [_values(row) for row in rows])


def change_members(tx: Connection, rows: Sequence[MemberRow]) -> None:
    """Write changed members over the old ones; ids and numbers stay."""
    sql = (
        "update member set person_id = ?, category = ?, league = ?, opt_out = ?, coverage = ?, sealed = ?,"
        " content = ? where member_id = ?"
    )
    values = (_values(row) for row in rows)
    change_many(tx, sql, [(each[1], each[4], each[5], each[6], each[7], each[8], each[9], each[0]) for each in values])


def drop_fingerprints(tx: Connection, member_ids: Sequence[int]) -> None:
    """These members are not found any more."""
    change_many(tx, "delete from member_fingerprint where member_id = ?", [(each,) for each in member_ids])


def add_fingerprints(tx: Connection, found_by: Sequence[tuple[bytes, int, int]]) -> None:
    """(fingerprint, member id, person id): by which members are found from now on."""
    # Sorted keys fill an index page after page, in place of all over it.
    in_order = sorted(found_by, key=itemgetter(0))
    insert_many(tx, schema.member_fingerprint, ("fingerprint", "member_id", "person_id"), in_order)


def find_blocks(tx: Connection, blocks: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """(block, member id) of the members that stand under one of these blocks."""
    found = select_in(tx, "select block, member_id from member_block where block {keys}", blocks, kind="bytea")
    return [(bytes(block), member_id) for block, member_id in found]


def add_blocks(tx: Connection, blocks: Iterable[tuple[bytes, int]]) -> None:
    """(block, member id): under what members stand from now on. None of them may be there already."""
    insert_many(tx, schema.member_block, ("block", "member_id"), sorted(blocks, key=itemgetter(0)))


def drop_blocks(tx: Connection, blocks: Iterable[tuple[bytes, int]]) -> None:
    """(block, member id): under what members stand no longer."""
    change_many(tx, "delete from member_block where block = ? and member_id = ?", sorted(blocks))


def has_kind(tx: Connection, kind: bytes) -> bool:
    """Whether anybody stands under a block of a kind (its two letters)."""
    block = schema.member_block.c.block
    query = select(block).where(block >= kind, block < kind[:1] + bytes([kind[1] + 1])).limit(1)
    return tx.execute(query).first() is not None


def drop_kind(tx: Connection, kind: bytes, member_ids: Iterable[int]) -> list[tuple[bytes, int]]:
    """These members stand under no block of a kind (its two letters) any more; returns what they stood under. Looks
    through the kind's part of the index."""
    after = kind[:1] + bytes([kind[1] + 1])
    query = "select block, member_id from member_block where block >= ? and block < ? and member_id {keys}"
    found = select_in(tx, query, sorted(set(member_ids)), kind="bigint", first=(kind, after))
    gone = [(bytes(block), member_id) for block, member_id in found]
    drop_blocks(tx, gone)
    return gone


def drop_all_blocks(tx: Connection, association: str, *, keep: bytes) -> None:
    """The members of an association stand under no block any more but those of the kind `keep`."""
    mine = "select member_id from member where association = ?"
    sql = f"delete from member_block where substr(block, 1, 2) <> ? and member_id in ({mine})"
    change_many(tx, sql, [(keep, association)])


class Width(msgspec.Struct, frozen=True, kw_only=True):
    """How selective a kind of block is: index rows, members that have one, distinct blocks, the members in the
    widest one, and the sum over all blocks of its members squared."""

    kind: str
    rows: int
    members: int
    distinct: int
    widest: int
    squares: int


def block_widths(tx: Connection) -> list[Width]:
    """The widths of every kind of block, in order of kind. Reads the whole index."""
    kind = "substr(block, 1, 2)"
    sizes = f"select {kind} as kind, count(*) as many from member_block group by block"
    totals = f"select kind, sum(many), count(*), max(many), sum(many * many) from ({sizes}) as sizes group by kind"
    people = f"select {kind} as kind, count(distinct member_id) from member_block group by {kind}"
    members = {bytes(name): many for name, many in tx.execute(text(people))}
    return [
        Width(
            kind=bytes(name).decode("ascii"),
            rows=int(rows),
            members=members[bytes(name)],
            distinct=distinct,
            widest=widest,
            squares=int(squares),
        )
        for name, rows, distinct, widest, squares in sorted(tx.execute(text(totals)), key=lambda row: bytes(row[0]))
    ]


def indexed(tx: Connection, association: str) -> int:
    """By which rules the blocks of an association's members were made; 0 for none."""
    table = schema.roster.c
    return int(tx.execute(select(table.indexed).where(table.association == association)).scalar() or 0)


def set_indexed(tx: Connection, association: str, rules: int) -> None:
    """All members of this association stand under the blocks of these rules now."""
    change_many(tx, "update roster set indexed = ? where association = ?", [(rules, association)])


def settle_in(tx: Connection) -> None:
    """After many rows came at once: let the planner see them, so that the next batch is looked up by index."""
    if is_postgres(tx):
        tx.execute(text("analyze member, member_fingerprint, member_block, person"))


def fingerprints_of(tx: Connection, member_ids: Iterable[int]) -> dict[int, list[bytes]]:
    """Member id → fingerprints."""
    query = "select member_id, fingerprint from member_fingerprint where member_id {keys}"
    found: dict[int, list[bytes]] = {}
    for member_id, digest in select_in(tx, query, member_ids, kind="bigint"):
        found.setdefault(member_id, []).append(bytes(digest))
    return found


class Rescan(msgspec.Struct, frozen=True, kw_only=True):
    """A member whose past must be looked at again. `fingerprints`: old and new, 16 bytes each."""

    member_id: int
    association: str
    fingerprints: bytes
    reread: bool


def ask_rescan(tx: Connection, wanted: Sequence[Rescan]) -> None:
    """Remember whom to look at again; what was asked before and not done is kept with it."""
    table = schema.rescan
    before = {each.member_id: each for each in rescans(tx, [each.member_id for each in wanted])}
    change_many(tx, "delete from rescan where member_id = ?", [(each,) for each in before])
    rows = []
    for each in wanted:
        old = before.get(each.member_id)
        digests = each.fingerprints + (old.fingerprints if old else b"")
        reread = each.reread or (old is not None and old.reread)
        rows.append((each.member_id, each.association, digests, reread))
    insert_many(tx, table, ("member_id", "association", "fingerprints", "reread"), rows)


def rescans(tx: Connection, member_ids: Iterable[int] | None = None, *, limit: int = 0) -> list[Rescan]:
    """The members to look at again: those given, or the first `limit` of all."""
    columns = "select member_id, association, fingerprints, reread from rescan "
    if member_ids is not None:
        found = select_in(tx, columns + "where member_id {keys}", member_ids, kind="bigint")
    else:
        query = select(schema.rescan).order_by(schema.rescan.c.member_id).limit(limit or None)
        found = [tuple(row) for row in tx.execute(query)]
    return [
        Rescan(member_id=one, association=two, fingerprints=bytes(three), reread=bool(four))
        for one, two, three, four in found
    ]


def rescanned(tx: Connection, done: Sequence[Rescan]) -> None:
    """Forget what was asked, unless more was asked meanwhile."""
    change_many(
        tx,
        "delete from rescan where member_id = ? and fingerprints = ?",
        [(each.member_id, each.fingerprints) for each in done],
    )


def asked(tx: Connection, feed: str, member_ids: Iterable[int]) -> dict[int, date]:
    """Member id → the last day the feed was asked about."""
    query = "select member_id, asked_until from sweep_asked where feed = ? and member_id {keys}"
    return {
        member_id: date.fromisoformat(until)
        for member_id, until in select_in(tx, query, member_ids, kind="bigint", first=(feed,))
    }


def set_asked(tx: Connection, feed: str, until: dict[int, date], *, now_ms: int) -> None:
    """Remember until which day each member was asked about."""
    ids = [(feed, member_id) for member_id in until]
    change_many(tx, "delete from sweep_asked where feed = ? and member_id = ?", ids)
    rows = [(feed, one, day.isoformat(), now_ms) for one, day in until.items()]
    insert_many(tx, schema.sweep_asked, ("feed", "member_id", "asked_until", "asked_at"), rows)


def forget_asked(tx: Connection, member_ids: Sequence[int]) -> None:
    """These members have another number now: what was asked about the old one says nothing about them."""
    change_many(tx, "delete from sweep_asked where member_id = ?", [(each,) for each in member_ids])


def oldest_asked(tx: Connection, feed: str) -> date | None:
    """The oldest day up to which some member was asked about."""
    found = tx.execute(select(func.min(schema.sweep_asked.c.asked_until)).where(schema.sweep_asked.c.feed == feed))
    day = found.scalar()
    return date.fromisoformat(day) if day else None


def note_failed(tx: Connection, feed: str, failed: dict[int, str]) -> None:
    """Remember why a member could not be asked in full; his window stays where it was."""
    sql = "update sweep_asked set failed_code = ? where feed = ? and member_id = ?"
    change_many(tx, sql, [(code, feed, member_id) for member_id, code in failed.items()])
