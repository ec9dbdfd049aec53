"""The numbers of the data keys that rows name: every sealed value says in its head under which key it opens.

A database may be older than this program here: it is asked before anything is migrated, so tables and columns that it
does not have yet are left out.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, inspect, text

_NUMBERED: Final = {"page": "key_no"}
"""A page's row has the number beside the bytes; its batches are sealed under the same key and end with it."""

_SEALED: Final = (
    ("member", "sealed"),
    ("record", "sealed"),
    ("delivery", "sealed"),
    ("fact", "sealed"),
    ("review_decision", "note"),
    ("review_decision", "undone_note"),
    ("finding", "note"),
    ("claim_step", "note"),
    ("recovery", "note"),
    ("payment_account", "sealed"),
    ("payment_item", "sealed"),
    ("user_account", "second"),
    ("roster_part", "sealed"),
)

_NEWEST: Final = (
    ("page", "key_no", "seq", 200),
    ("member", "sealed", "member_id", 20),
    ("record", "sealed", "record_id", 20),
    ("delivery", "sealed", "delivery_id", 50),
    ("fact", "sealed", "fact_id", 5),
)
"""Keys are made when they are first needed, so the newest rows name the newest ones."""


def named(tx: Connection) -> dict[int, str]:
    """Key number → a table whose rows name it. One pass over every sealed table: seconds on a large site."""
    tables: dict[int, str] = {}
    for table, column in _SEALED:
        if _has(tx, table, column):
            head = f"substr({column}, 5, 4)"
            query = f'select distinct {head} from "{table}" where {column} is not null'
            for (number,) in tx.execute(text(query)):
                tables.setdefault(int.from_bytes(number, "big"), table)
    if _has(tx, "page", "key_no"):
        for (number,) in tx.execute(text("select distinct key_no from page where sealed is not null")):
            tables.setdefault(int(number), "page")
    return tables


def named_lately(tx: Connection) -> dict[int, str]:
    """The same of the newest rows alone: a look at every start costs nothing."""
    tables: dict[int, str] = {}
    for table, column, order, many in _NEWEST:
        number = column if column in _NUMBERED.values() else f"substr({column}, 5, 4)"
        query = f'select {number} from "{table}" where sealed is not null order by {order} desc limit {many}'
        for (named_number,) in tx.execute(text(query)):
            value = named_number if isinstance(named_number, int) else int.from_bytes(named_number, "big")
            tables.setdefault(value, table)
    return tables


def _has(tx: Connection, table: str, column: str) -> bool:
    inspector = inspect(tx)
    return inspector.has_table(table) and column in {described["name"] for described in inspector.get_columns(table)}
