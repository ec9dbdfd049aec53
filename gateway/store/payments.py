"""Payment lists (支付名单): accounts, what leaves for the bank, and what the bank made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, func, select, text, update

from gateway.store.desk_tables import payment_account, payment_item, payment_list
from gateway.store.engine import insert_many, new_ids, select_in, upsert

ItemState = Literal["listed", "paid", "failed"]


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """To which account a claim is paid, sealed; who said so, when (milliseconds)."""

    claim_id: str
    association: str
    sealed: bytes
    by: str
    at: int


class PaymentListRow(msgspec.Struct, frozen=True, kw_only=True):
    """A list that left for the bank: its number within the association, how many, and the sum in fen."""

    list_id: int
    association: str
    number: int
    count: int
    amount: int
    made_by: str
    made_at: int


class PaymentItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on a list, `position` from 1 on; `sealed` None once the account was let go."""

    item_id: int
    list_id: int
    position: int
    claim_id: str
    version: int
    amount: int
    state: ItemState
    code: str
    answered_by: str | None
    answered_at: int | None
    sealed: bytes | None


class PayableClaim(msgspec.Struct, frozen=True):
    """An approved claim that is on no list: amount granted in fen, its account where one is known; `failed`: the bank
    did not pay to that account, and nobody has told another one since; `in_question`: something about it waits for a
    person (it was refunded or corrected since it was approved, say), or its member's changes are held."""

    claim_id: str
    version: int
    amount: int
    league: str | None
    sealed: bytes | None
    failed: bool
    in_question: bool


_ACCOUNT, _LIST, _ITEM = (
    AccountRow.__struct_fields__,
    PaymentListRow.__struct_fields__,
    PaymentItemRow.__struct_fields__,
)


def put_account(tx: Connection, account: AccountRow) -> None:
    """The account of a claim, in the place of one told before."""
    statement = upsert(payment_account, postgres=tx.dialect.name == "postgresql")
    tx.execute(statement, msgspec.structs.asdict(account))


def account_of(tx: Connection, claim_id: str) -> AccountRow | None:
    """The account of a claim, where one was told."""
    row = tx.execute(select(payment_account).where(payment_account.c.claim_id == claim_id)).one_or_none()
    return AccountRow(**row._mapping) if row is not None else None


_PAYABLE = text("""
select c.claim_id, x.version, x.amount, m.league, a.sealed,
       exists (select 1 from payment_item i where i.claim_id = c.claim_id and i.answered_at >= coalesce(a.at, 0)),
       p.held is not null or exists (select 1 from review r where r.claim_id = c.claim_id and r.state = 'open')
from claim_decision x
join claim c on c.claim_id = x.claim_id
join member m on m.member_id = c.member_id
join person p on p.person_id = c.person_id
left join payment_account a on a.claim_id = c.claim_id
where c.association = :association and x.outcome = 'approved' and x.amount > 0
  and not exists (select 1 from payment_item i where i.claim_id = c.claim_id and i.state <> 'failed')
  and not exists (select 1 from recovery r where r.claim_id = c.claim_id and r.state = 'asked')
order by x.decided_at, c.claim_id
""")


def payable(tx: Connection, association: str) -> list[PayableClaim]:
    """What is approved and on no list, oldest decision first."""
    rows = tx.execute(_PAYABLE, {"association": association})
    return [
        PayableClaim(claim_id, version, amount, league, bytes(sealed) if sealed is not None else None, *map(bool, rest))
        for claim_id, version, amount, league, sealed, *rest in rows
    ]


def add_list(tx: Connection, row: PaymentListRow, items: Sequence[PaymentItemRow]) -> None:
    """A new list with its items. The database refuses a claim that stands on another one."""
    insert_many(tx, payment_list, _LIST, [msgspec.structs.astuple(row)])
    insert_many(tx, payment_item, _ITEM, [msgspec.structs.astuple(item) for item in items])


def next_ids(tx: Connection, association: str, items: int) -> tuple[int, int, Sequence[int]]:
    """For a list about to be made: its id, its number within the association, and the ids of so many items."""
    last = select(func.coalesce(func.max(payment_list.c.number), 0)).where(payment_list.c.association == association)
    return new_ids(tx, payment_list, 1)[0], int(tx.execute(last).scalar_one()) + 1, new_ids(tx, payment_item, items)


def list_numbered(tx: Connection, association: str, number: int) -> PaymentListRow | None:
    """An association's list of this number."""
    table = payment_list.c
    query = select(payment_list).where(table.association == association, table.number == number)
    row = tx.execute(query).one_or_none()
    return PaymentListRow(**row._mapping) if row is not None else None


def lists(tx: Connection, association: str | None) -> list[tuple[PaymentListRow, dict[str, tuple[int, int]]]]:
    """Every list, newest first, with how many items and how much money is in each state; one query."""
    item, table = payment_item.c, payment_list.c
    query = select(payment_list, item.state, func.count().label("many"), func.sum(item.amount).label("money"))
    query = query.join(payment_item, item.list_id == table.list_id).group_by(*table, item.state)
    if association is not None:
        query = query.where(table.association == association)
    by_list: dict[int, tuple[PaymentListRow, dict[str, tuple[int, int]]]] = {}
    for row in tx.execute(query.order_by(table.list_id.desc(), item.state)):
        fields = {name: getattr(row, name) for name in _LIST}
        _, states = by_list.setdefault(row.list_id, (PaymentListRow(**fields), {}))
        states[row.state] = (int(row.many), int(row.money))
    return list(by_list.values())


def items_of(tx: Connection, list_id: int) -> list[PaymentItemRow]:
    """The claims on a list, in its order."""
    query = select(payment_item).where(payment_item.c.list_id == list_id).order_by(payment_item.c.position)
    return [_item(row._mapping) for row in tx.execute(query)]


def item(tx: Connection, item_id: int) -> PaymentItemRow:
    """One item as it stands."""
    return _item(tx.execute(select(payment_item).where(payment_item.c.item_id == item_id)).one()._mapping)


def _item(values: object) -> PaymentItemRow:
    row = PaymentItemRow(**values)  # type: ignore[arg-type]
    return row if row.sealed is None else msgspec.structs.replace(row, sealed=bytes(row.sealed))


def answer(tx: Connection, answered: PaymentItemRow) -> bool:
    """Write what the bank said of an item that is still listed; False where it was answered meanwhile."""
    values = {name: getattr(answered, name) for name in ("state", "code", "answered_by", "answered_at")}
    chosen = (payment_item.c.item_id == answered.item_id) & (payment_item.c.state == "listed")
    return tx.execute(update(payment_item).where(chosen).values(**values)).rowcount == 1


_DONE_WITH = """
select a.claim_id from payment_account a left join claim_decision x on x.claim_id = a.claim_id
where x.outcome in ('paid', 'refused') and x.decided_at < :before and a.at < :before and a.association = :association
  and not exists (select 1 from recovery r where r.claim_id = a.claim_id and r.state = 'asked')
"""


def forget_accounts(tx: Connection, association: str, *, before: int) -> int:
    """Let go of the accounts of claims that were paid or refused before an instant, on lists too; returns how many."""
    named = {"before": before, "association": association}
    claim_ids = [claim_id for (claim_id,) in tx.execute(text(_DONE_WITH), named)]
    for claim_id in claim_ids:
        tx.execute(update(payment_item).where(payment_item.c.claim_id == claim_id).values(sealed=None))
        tx.execute(delete(payment_account).where(payment_account.c.claim_id == claim_id))
    return len(claim_ids)


def keys_named(tx: Connection) -> set[int]:
    """The numbers of the keys under which accounts are sealed."""
    heads: set[int] = set()
    for table in ("payment_account", "payment_item"):
        rows = tx.execute(text(f'select distinct substr(sealed, 5, 4) from "{table}" where sealed is not null'))
        heads |= {int.from_bytes(head, "big") for (head,) in rows}
    return heads


def accounts_known(tx: Connection, claim_ids: Iterable[str]) -> Collection[str]:
    """Those of these claims whose account is known."""
    query = "select claim_id from payment_account where claim_id {keys}"
    return {claim_id for (claim_id,) in select_in(tx, query, claim_ids, kind="text")}
