"""Bank accounts (收款账户) as they are kept: a sealed box for each claim and each line of a list, under the key of the
month it was told in. The key ends with the last of them, and with it what a backup still holds."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from gateway.core.forms import Forms, packed
from gateway.flow.office import Office
from gateway.store import payments
from gateway.store.engine import Tx, lock
from gateway.store.payments import AccountRow, PaymentItemRow
from gateway.store.values import to_ms
from gateway.vault import context_for

account_context = context_for("payment_account", "sealed")
item_context = context_for("payment_item", "sealed")

_KEYS = "account-keys"
"""The lock under which keys of accounts are made and destroyed."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who is paid, to which number, at which bank (户名、账号、开户行)."""

    holder: str
    number: str
    bank: str


ACCOUNTS = Forms("收款账户 (account)", packed(Account))
"""How an account is packed."""


def seal_account(tx: Tx, office: Office, claim_id: str, association: str, account: Account) -> bytes:
    """The box of a claim's account, bound to association and claim."""
    lock(tx, _KEYS)
    key = office.vault.account_key(association, office.now().date())
    return key.seal(ACCOUNTS.write(account), account_context(f"{association}/{claim_id}"))


def open_account(office: Office, row: AccountRow) -> Account:
    """The account of a claim. Raises BrokenSeal."""
    return ACCOUNTS.read(office.vault.open(row.sealed, account_context(f"{row.association}/{row.claim_id}")))


def seal_line(tx: Tx, office: Office, association: str, place: str, account: Account) -> bytes:
    """The box of a line of a list: bound to association, list, line and claim (`place_of`)."""
    lock(tx, _KEYS)
    key = office.vault.account_key(association, office.now().date())
    return key.seal(ACCOUNTS.write(account), item_context(f"{association}/{place}"))


def open_line(office: Office, association: str, item: PaymentItemRow) -> Account | None:
    """The account that a line names; None once it was let go. Raises BrokenSeal."""
    if item.sealed is None:
        return None
    place = place_of(item.list_id, item.position, item.claim_id)
    return ACCOUNTS.read(office.vault.open(item.sealed, item_context(f"{association}/{place}")))


def place_of(list_id: int, position: int, claim_id: str) -> str:
    """What the box of a line is bound to."""
    return f"{list_id}/{position}/{claim_id}"


def let_accounts_go(office: Office) -> int:
    """Let go of accounts to which nothing is to be paid any more, and destroy the keys that nothing stands under;
    returns how many accounts went. Safe to run at any time, and again after a crash."""
    now, gone = office.now(), 0
    keeping = {
        name: spec.desk.keep_accounts_days for name, spec in office.associations.items() if spec.desk is not None
    }
    if not keeping:
        return 0
    with office.store.write() as tx:
        lock(tx, _KEYS)
        for association, days in keeping.items():
            gone += payments.forget_accounts(tx, association, before=to_ms(now - timedelta(days=days)))
        # This month's key will be asked for again.
        over = {number for number, month in office.vault.account_keys().items() if month < now.isoformat()[:7]}
        for number in over - payments.keys_named(tx) if over else ():
            office.vault.shred(number)
    return gone
