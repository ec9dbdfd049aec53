"""Keys for an association's machines: made, shown once, replaced with an overlap, revoked, and known again.

A key is 256 random bits, so that trying keys is hopeless and a slow hash would protect nothing: what is stored is one
keyed digest (HMAC under a key of the vault), which whoever has the database alone cannot even test a guess against.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from gateway.core.signing import clerk
from gateway.errors import NotAuthentic, WrongUse
from gateway.flow.office import Office
from gateway.store import access_keys
from gateway.store.access_keys import AccessKeyRow
from gateway.store.values import from_ms, to_ms

Verb: TypeAlias = Literal["read", "ack", "decide", "facts", "review", "roster", "lookup", "ledger", "pay"]
"""What a key may be for: read claims, acknowledge them, say what was decided, tell facts, answer doubts, bring and read
the roster, look a member up, read who asked about a member, make payment lists and read the bank's answer."""

VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
LONGEST_DAYS: Final = 731
"""A key lives two years at most: then somebody has looked at who uses it."""
LONGEST_OVERLAP_DAYS: Final = 30

_FORM: Final = re.compile(r"hubao_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODY_S: Final = bytes(16)


class KeyCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: a key's id, or "signature"; and what it may do."""

    association: str
    key_id: str
    verbs: frozenset[str]


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as commands show it, without the key. state: active | ending (replaced or revoked from a later instant on)
    | ended | expired."""

    key_id: str
    association: str
    name: str
    verbs: list[str]
    state: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    replaced_by: str | None
    used_at: datetime | None


class NewAccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made; `secret` is shown this one time."""

    secret: str
    key: AccessKey


class KeyWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a key is wanted for: a name by which people know it, what it may do, for how many days."""

    association: str
    name: str
    verbs: Sequence[str]
    days: int


def key_text(key_id: bytes, secret: str) -> str:
    """A key as its caller sends it: 8 random bytes that name it, and 43 characters of secret."""
    return f"hubao_{key_id.hex()}_{secret}"


def make(office: Office, wish: KeyWish, text: str, *, by: str) -> NewAccessKey:
    """Write a new key down; `text`: see `key_text`. Raises WrongUse."""
    row = _row(office, wish, text, by=by)
    with office.store.write() as tx:
        access_keys.add(tx, row)
    return NewAccessKey(secret=text, key=_shown(row, office.now()))


def _row(office: Office, wish: KeyWish, text: str, *, by: str) -> AccessKeyRow:
    if wish.association not in office.associations:
        raise WrongUse(f"没有协会 {wish.association}；已有：{sorted(office.associations)} (unknown association)")
    unknown = [verb for verb in wish.verbs if verb not in VERBS]
    if unknown or not wish.verbs:
        raise WrongUse(f"用途只能是 {'、'.join(VERBS)}，至少一项 (what a key may do: these, at least one)")
    if not 1 <= wish.days <= LONGEST_DAYS:
        raise WrongUse(f"有效期应为1至{LONGEST_DAYS}天 (days a key lives)")
    form, now = _FORM.fullmatch(text), office.now()
    if form is None:
        raise WrongUse("密钥的形式不对 (not the form of a key)")
    return AccessKeyRow(
        key_id=form[1],
        association=wish.association,
        name=clerk(wish.name),
        digest=_digest(office, text),
        verbs=",".join(verb for verb in VERBS if verb in wish.verbs),
        made_by=clerk(by),
        made_at=to_ms(now),
        expires_at=to_ms(now + timedelta(days=wish.days)),
    )


def _digest(office: Office, text: str) -> bytes:
    digest: bytes = office.vault.fingerprinter("access_key")(text)
    return digest


def rotate(office: Office, key_id: str, text: str, *, by: str, overlap_days: int) -> NewAccessKey:
    """A new key for the same caller and uses, for as long as the old one was given; the old one opens for so many days
    more. Raises WrongUse."""
    if not 0 <= overlap_days <= LONGEST_OVERLAP_DAYS:
        raise WrongUse(f"新旧并用应为0至{LONGEST_OVERLAP_DAYS}天 (days both keys open)")
    now = office.now()
    with office.store.write() as tx:
        old = access_keys.by_id(tx, key_id)
        if old is None or _state(old, now) != "active":
            raise WrongUse(f"没有在用的密钥 {key_id}，见 hubao access list (no such key in use)")
        days = -((old.made_at - old.expires_at) // 86_400_000)
        wish = KeyWish(association=old.association, name=old.name, verbs=old.verbs.split(","), days=days)
        row = _row(office, wish, text, by=by)
        access_keys.add(tx, row)
        ends = to_ms(now + timedelta(days=overlap_days))
        access_keys.end(tx, key_id, at=ends, by=clerk(by), replaced_by=row.key_id)
    return NewAccessKey(secret=text, key=_shown(row, now))


def revoke(office: Office, key_id: str, *, by: str) -> AccessKey:
    """From now on the key opens nothing. Raises WrongUse where there is none."""
    now = office.now()
    with office.store.write() as tx:
        access_keys.end(tx, key_id, at=to_ms(now), by=clerk(by))
        row = access_keys.by_id(tx, key_id)
    if row is None:
        raise WrongUse(f"没有密钥 {key_id}，见 hubao access list (no such key)")
    return _shown(row, now)


def listing(office: Office, association: str | None) -> list[AccessKey]:
    """Every key, with its last use, to the minute."""
    with office.store.read() as tx:
        return [_shown(row, office.now()) for row in access_keys.listing(tx, association)]


def caller_of(office: Office, association: str, text: str) -> KeyCaller:
    """Whose key this is. Raises NotAuthentic for any text that is no key in use of this association: one of another is
    answered as one that never was."""
    form, now = _FORM.fullmatch(text), office.now()
    row = None
    if form is not None:
        with office.store.read() as tx:
            row = access_keys.by_id(tx, form[1])
    # An unknown key is compared too, so that both answers take the same time.
    equal = hmac.compare_digest(_digest(office, text), row.digest if row is not None else _NOBODY_S)
    if row is None or not equal:
        raise NotAuthentic("key")
    is_theirs = row.association == association and association in office.associations
    if not is_theirs or _state(row, now) not in ("active", "ending"):
        raise NotAuthentic("key of another association, or not in use")
    if access_keys.needs_touch(row, at=to_ms(now)):
        with office.store.write() as tx:
            access_keys.touch(tx, row.key_id, at=to_ms(now))
    return KeyCaller(association=association, key_id=row.key_id, verbs=frozenset(row.verbs.split(",")))


def _state(row: AccessKeyRow, now: datetime) -> str:
    at = to_ms(now)
    if row.ended_at is not None and row.ended_at <= at:
        return "ended"
    if row.expires_at <= at:
        return "expired"
    return "active" if row.ended_at is None else "ending"


def _shown(row: AccessKeyRow, now: datetime) -> AccessKey:
    return AccessKey(
        key_id=row.key_id,
        association=row.association,
        name=row.name,
        verbs=row.verbs.split(","),
        state=_state(row, now),
        made_by=row.made_by,
        made_at=from_ms(row.made_at),
        expires_at=from_ms(row.expires_at),
        ended_at=from_ms(row.ended_at) if row.ended_at is not None else None,
        replaced_by=row.replaced_by,
        used_at=from_ms(row.used_at) if row.used_at is not None else None,
    )
