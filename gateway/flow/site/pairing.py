"""The gateway knows its own (design §5.15): database and key folder know each other by a random id.

Which belongs to which is looked at before anything is created, migrated or taken from anywhere. The id goes to the
folder as a proposal, into the database, and only then for good into the folder: a crash at any place leaves something
that the next start completes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.errors import ForeignDatabase
from gateway.store import key_numbers, site
from gateway.store.engine import Store
from gateway.vault import KeyName, Vault

_LOOKS: Final = 3
"""Another process may be pairing the two at this moment: what looks wrong is looked at again."""

_PURPOSES: Final = {"page": "pages", "record": "claims", "delivery": "claims", "fact": "fact"}
"""Table → what its keys are for, as the ledger says it of a key whose own file is not there; of all others: roster."""

_ADVICE: Final = (
    "未做任何改动。请检查 gateway.toml 的 database 与 keys/vault 是否属于同一站点，或从备份恢复；"
    "确认要用此数据库时：hubao keys adopt-database --by 姓名 "
    "(nothing was changed: check database and keys/vault, or restore from backup; "
    "to use this database on purpose: hubao keys adopt-database --by NAME)"
)


class LeftBehind(msgspec.Struct, frozen=True, kw_only=True):
    """What would be out of reach if this database and this key folder belonged together.

    `lacking`: numbers of keys that rows name and the folder does not have; `tables`: the tables they are named in;
    `unnamed`: keys of the folder that no row names; `rows`: what the database holds, by table.
    """

    belongs: bool
    lacking: list[int]
    tables: list[str]
    unnamed: list[KeyName]
    rows: dict[str, int]


def refuse_lost_file(vault: Vault, *, exists: bool) -> None:
    """Raises ForeignDatabase where no database file stands and this folder gave out keys: some rows are elsewhere."""
    if not exists and (vault.site_id() is not None or vault.gave_out_data_keys()):
        raise ForeignDatabase(
            f"数据库文件不存在，而密钥库已用过 (the database file is gone, its keys are here)。{_ADVICE}"
        )


def examine(store: Store, vault: Vault) -> None:
    """Look whether they belong together, or may be paired. Raises ForeignDatabase; changes nothing."""
    for _ in range(_LOOKS):
        reason = _reason_against(store, vault)
        if reason is None:
            return
    raise ForeignDatabase(f"{reason}。{_ADVICE}")


def pair(store: Store, vault: Vault, *, now: datetime) -> None:
    """Give both one id where they have none yet, and see to it that no key that rows name is made anew.

    Call after `examine`, on the present schema. Raises ForeignDatabase where another folder was faster.
    """
    with store.read() as tx:
        site_id = site.site_id(tx)
    if site_id is None or site_id != vault.site_id():
        proposed = vault.propose_site_id()
        with store.write() as tx:
            site_id = site.pair(tx, proposed, now=now)
        if site_id != proposed:
            raise ForeignDatabase(f"数据库刚与另一密钥库配对 (another key folder was faster)。{_ADVICE}")
        vault.confirm_site_id(site_id)
    # A folder put back from an older backup lacks the newest keys: their numbers are taken, and they count as lost.
    with store.read() as tx:
        lately = key_numbers.named_lately(tx)
        # Only where the newest rows show it, every row is asked.
        named = key_numbers.named(tx) if vault.unaccounted(lately) else {}
    if named:
        vault.remember_named(_purposes(named.items()))


def unaccounted(store: Store, vault: Vault) -> list[int]:
    """Numbers of keys that rows name and of which this folder, put back from an older backup, knows nothing. One pass
    over the sealed tables; changes nothing, unlike `pair`, after which these keys count as missing."""
    with store.read() as tx:
        return vault.unaccounted(key_numbers.named(tx))


def left_behind(store: Store, vault: Vault) -> LeftBehind:
    """What a person must know before saying that they belong together. One pass over the sealed tables."""
    belongs = _reason_against(store, vault) is None
    with store.read() as tx:
        named, rows = key_numbers.named(tx), site.rows(tx)
    lacking = vault.lacking(named)
    return LeftBehind(
        belongs=belongs,
        lacking=lacking,
        tables=sorted({named[number] for number in lacking}),
        unnamed=vault.unnamed(named),
        rows=rows,
    )


def adopt(store: Store, vault: Vault, *, now: datetime, by: str) -> Sequence[KeyName]:
    """A person says that this database and this folder belong together: both get a new id, which none other has.

    Returns the keys written off: what they sealed stays closed, and for their purposes new ones may be made.
    """
    with store.read() as tx:
        named = key_numbers.named(tx)
    vault.remember_named(_purposes(named.items()))
    proposed = vault.propose_site_id(anew=True)
    with store.write() as tx:
        site.adopt(tx, proposed, now=now, by=by)
    vault.confirm_site_id(proposed)
    return vault.write_off_missing()


def _reason_against(store: Store, vault: Vault) -> str | None:
    """Why the two may not be used together, None where they may."""
    # The folder first: whoever pairs them writes the database before the folder's last word.
    in_vault, proposed = vault.site_id(), vault.proposed_site_id()
    with store.read() as tx:
        in_database = site.site_id(tx)
        if in_database is not None:
            own = in_database in (in_vault, proposed)
            return None if own else "数据库属于另一密钥库 (the database belongs to another key folder)"
        if in_vault is not None:
            return "密钥库属于另一数据库 (the key folder belongs to another database)"
        named = key_numbers.named(tx)
        if vault.lacking(named):
            return "数据库中的行所用的密钥不在密钥库中 (rows name keys that the folder does not have)"
        # A site that served before it had members gave out the roster's key and sealed nothing under it.
        used = vault.gave_out_data_keys() if site.is_empty(tx) else vault.gave_out_more_than_the_roster()
    if not named and used:
        return "数据库是空的，而密钥库已用过 (the database is empty, and its keys were used)"
    return None


def _purposes(named: Iterable[tuple[int, str]]) -> dict[int, str]:
    return {number: _PURPOSES.get(table, "roster") for number, table in named}
