"""Members and their fingerprints: who is enrolled, found by keyed digests only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, text

from gateway.model.account import EVERYTHING, AccountScope
from gateway.model.member import Category, Coverage
from gateway.store import schema
from gateway.store.engine import change_many, insert_many, is_postgres, new_ids, select_in
from gateway.store.scoping import members_of


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
    sealing: int = 0
    packed_coverage: str = ""

    @property
    def place(self) -> str | int:
        """What the box is bound to: member, sealing and what stands beside it in the clear, so that neither an older
        box nor another column is taken for this one's. Not the person, whom an enrolment may be found to be later."""
        if self.sealing == 0:
            return self.member_id
        bound = (self.member_id, self.sealing, self.association, self.member_no, self.category, self.league)
        return _pack((*bound, self.opt_out, self.packed_coverage)).decode()


_pack = msgspec.json.Encoder().encode

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
    "sealing",
)

_CHANGEABLE = ("person_id", "category", "league", "opt_out", "coverage", "sealed", "content", "sealing")
_SELECT = "select " + ", ".join(_COLUMNS) + " from member "


def pack_coverage(coverage: Sequence[Coverage]) -> str:
    """Coverage periods as the JSON text of the `coverage` column: scheme, days, category; then shares and classes,
    where one of them is told. What tells neither stays what it was, because the sealed box is bound to this text."""
    return _pack([_plain(period) for period in coverage]).decode()


class _PackedPeriod(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A period in the order it is packed in; shorter ones were written before shares and classes were known."""

    scheme: str
    first_day: date
    last_day: date
    category: Category | None
    shares: int = 0
    classes: tuple[str, ...] = ()


def _plain(period: Coverage) -> tuple[Any, ...]:
    packed = (period.scheme, period.first_day, period.last_day, period.category)
    return (*packed, period.shares, period.classes) if period.shares or period.classes else packed


_coverage = msgspec.json.Decoder(list[_PackedPeriod])


# Whole units are enrolled for the same days: a few hundred columns stand for a million members.
@lru_cache(maxsize=4096)
def unpack_coverage(packed: str) -> tuple[Coverage, ...]:
    """The coverage periods of the `coverage` column."""
    return tuple(
        Coverage(
            scheme=period.scheme,
            first_day=period.first_day,
            last_day=period.last_day,
            category=period.category,
            shares=period.shares,
            classes=period.classes,
        )
        for period in _coverage.decode(packed)
    )


def _row(values: Any) -> MemberRow:
    member_id, person_id, association, member_no, category, league, opt_out, coverage, sealed, content, sealing = values
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
        sealing=sealing,
        packed_coverage=coverage,
    )


def by_fingerprint(tx: Connection, fingerprints: Iterable[bytes]) -> list[tuple[bytes, int, int]]:
    """(fingerprint, member id, person id) of the members that have one of these fingerprints."""
    query = "select fingerprint, member_id, person_id from member_fingerprint where fingerprint {keys}"
    rows = select_in(tx, query, fingerprints, kind="bytea")
    return [(bytes(digest), member_id, person_id) for digest, member_id, person_id in rows]


def by_id(tx: Connection, member_ids: Iterable[int]) -> list[MemberRow]:
    """The members with these ids."""
    return [_row(row) for row in select_in(tx, _SELECT + "where member_id {keys}", member_ids, kind="bigint")]


def of_people(tx: Connection, person_ids: Iterable[int]) -> list[MemberRow]:
    """All enrolments of these people."""
    return [_row(row) for row in select_in(tx, _SELECT + "where person_id {keys}", person_ids, kind="bigint")]


def by_number(
    tx: Connection, association: str, numbers: Iterable[str], *, scope: AccountScope = EVERYTHING
) -> list[MemberRow]:
    """The members of an association with these member numbers, of those in the scope."""
    query = _SELECT + "where association = ? and member_no {keys}"
    rows = [_row(row) for row in select_in(tx, query, numbers, kind="text", first=(association,))]
    return [row for row in rows if scope.covers_member(row.association, row.league)]


def beginning(tx: Connection, association: str, beginning_of_number: str) -> list[MemberRow]:
    """The members of an association whose member numbers begin so."""
    table = schema.member.c
    begins = func.substr(table.member_no, 1, len(beginning_of_number)) == beginning_of_number
    query = select(*(table[name] for name in _COLUMNS)).where(table.association == association, begins)
    return [_row(row) for row in tx.execute(query)]


def newest(tx: Connection, limit: int) -> list[MemberRow]:
    """The members enrolled last, of every association."""
    query = select(*(schema.member.c[name] for name in _COLUMNS)).order_by(schema.member.c.member_id.desc())
    return [_row(row) for row in tx.execute(query.limit(limit))]


def after(
    tx: Connection, associations: Sequence[str], member_id: int, limit: int, *, scope: AccountScope = EVERYTHING
) -> list[MemberRow]:
    """The next members in order of id, of those in the scope: how a sweep walks the roster."""
    table = schema.member.c
    query = (
        select(*(table[name] for name in _COLUMNS))
        .where(table.association.in_(associations), table.member_id > member_id, members_of(scope))
        .order_by(table.member_id)
        .limit(limit)
    )
    return [_row(row) for row in tx.execute(query)]


def count(tx: Connection, association: str, *, at_most: int | None = None, scope: AccountScope = EVERYTHING) -> int:
    """How many members an association has, of those in the scope; with `at_most`, no more than so many are counted."""
    query = select(schema.member.c.member_id).where(schema.member.c.association == association, members_of(scope))
    return int(tx.execute(select(func.count()).select_from(query.limit(at_most).subquery())).scalar_one())


def reserve_ids(tx: Connection, how_many: int) -> range | list[int]:
    """Ids for members about to be added: their seals are bound to them."""
    return new_ids(tx, schema.member, how_many)


def _values(row: MemberRow) -> tuple[Any, ...]:
    return (
        row.member_id,
        row.person_id,
        row.association,
        row.member_no,
        row.category,
        row.league,
        row.opt_out,
        row.packed_coverage or pack_coverage(row.coverage),
        row.sealed,
        row.content,
        row.sealing,
    )


def add(tx: Connection, rows: Sequence[MemberRow]) -> None:
    """Insert new members."""
    insert_many(tx, schema.member, _COLUMNS, [_values(row) for row in rows])


def change(tx: Connection, rows: Sequence[MemberRow]) -> None:
    """Write changed members over the old ones; ids and numbers stay."""
    sql = f"update member set {', '.join(f'{name} = ?' for name in _CHANGEABLE)} where member_id = ?"
    order = [_COLUMNS.index(name) for name in (*_CHANGEABLE, "member_id")]
    change_many(tx, sql, [tuple(packed[at] for at in order) for packed in map(_values, rows)])


def unbound(tx: Connection, *, after: int, limit: int) -> list[MemberRow]:
    """The next members, in order of id, whose boxes are bound to their number alone."""
    table = schema.member.c
    query = select(*(table[name] for name in _COLUMNS)).where(table.sealing == 0, table.member_id > after)
    return [_row(row) for row in tx.execute(query.order_by(table.member_id).limit(limit))]


def bind(tx: Connection, rows: Iterable[MemberRow]) -> None:
    """Boxes sealed anew take the place of unbound ones; of a member that was changed meanwhile nothing is touched."""
    sql = "update member set sealed = ?, sealing = ? where member_id = ? and sealing = 0"
    change_many(tx, sql, [(row.sealed, row.sealing, row.member_id) for row in rows])


def drop_fingerprints(tx: Connection, member_ids: Sequence[int]) -> None:
    """These members are not found any more."""
    change_many(tx, "delete from member_fingerprint where member_id = ?", [(member_id,) for member_id in member_ids])


def add_fingerprints(tx: Connection, found_by: Sequence[tuple[bytes, int, int]]) -> None:
    """(fingerprint, member id, person id): by which members are found from now on."""
    # Sorted keys fill an index page after page, in place of all over it.
    in_order = sorted(found_by, key=itemgetter(0))
    insert_many(tx, schema.member_fingerprint, ("fingerprint", "member_id", "person_id"), in_order)


def refresh_statistics(tx: Connection) -> None:
    """After many rows came at once: let the planner see them, so that the next batch is looked up by index."""
    if is_postgres(tx):
        tx.execute(text("analyze member, member_fingerprint, member_block, person"))
