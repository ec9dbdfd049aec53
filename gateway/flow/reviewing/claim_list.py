"""The claims a clerk looks for: of a member, a league, a scheme, a settlement; without personal data."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.core.claims.kept import settlements_told
from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.texts import id_number_of
from gateway.core.signing import clerk
from gateway.errors import WrongUse
from gateway.flow.accounts.seeing import note_access
from gateway.flow.delivery.claims import summary
from gateway.flow.office import Office, delivery_context
from gateway.flow.opening import DOES_NOT_OPEN
from gateway.model.account import EVERYTHING, AccountScope
from gateway.model.clock import SHANGHAI
from gateway.model.money import Money, yuan
from gateway.store import claim_lists, claims, deliveries, members, records
from gateway.store.accesses import SEARCH, Access
from gateway.store.claim_lists import ClaimChoice, Cursor
from gateway.store.engine import Tx
from gateway.store.values import to_ms

_CURSOR: Final = re.compile(r"([0-9]{1,15})\.(\S{1,40})", re.ASCII)


class ClaimSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for; None: whichever. `first`, `last`: days of the last change in Asia/Shanghai;
    `least`, `most`: payable, both included; `scope`: of whose claims at all."""

    association: str | None = None
    status: str | None = None
    scheme: str | None = None
    league: str | None = None
    member_no: str | None = None
    settlement_no: str | None = None
    id_number: str | None = None
    first: date | None = None
    last: date | None = None
    least: Money | None = None
    most: Money | None = None
    scope: AccountScope = EVERYTHING


class ClaimPage(msgspec.Struct, frozen=True, kw_only=True):
    """Claims in order of their last change; how many there are in all and what they come to (yuan); the cursor to go on
    behind, None at the end."""

    claims: list[dict[str, Any]]
    total: int
    payable: str
    more: bool
    next: str | None


def list_claims(
    office: Office,
    search: ClaimSearch,
    *,
    after: str | None = None,
    limit: int = 100,
    newest_first: bool = False,
    count_at_most: int | None = None,
) -> ClaimPage:
    """The claims somebody looks for; with `count_at_most`, no more than so many are counted. Raises WrongUse for a
    league, member or cursor that cannot be."""
    cursor = _place(after) if after is not None else None
    with office.store.read() as tx:
        choice = _choice(tx, office, search)
        rows = claim_lists.listing(tx, choice, after=cursor, limit=limit + 1, newest_first=newest_first)
        total, payable = claim_lists.count(tx, choice, at_most=count_at_most)
    shown = [{**summary(row.claim), "member_no": row.member_no, "league": row.league} for row in rows[:limit]]
    more = len(rows) > limit
    last = rows[limit - 1].claim if more else None
    return ClaimPage(
        claims=shown,
        total=total,
        payable=yuan(payable),
        more=more,
        next=f"{last.updated_at}.{last.claim_id}" if last is not None else None,
    )


def is_in_scope(office: Office, claim_id: str, scope: AccountScope) -> bool:
    """Whether a claim is of somebody whom an account with this scope may see."""
    with office.store.read() as tx:
        many, _ = claim_lists.count(tx, ClaimChoice(claim_ids=frozenset({claim_id}), scope=scope))
    return many > 0


def _place(after: str) -> Cursor:
    cursor = _CURSOR.fullmatch(after)
    if cursor is None:
        raise WrongUse("--after 应为上一页给出的位置 (--after: the place the page before gave)")
    return int(cursor[1]), cursor[2]


def _choice(tx: Tx, office: Office, search: ClaimSearch) -> ClaimChoice:
    if search.league is not None:
        leagues = claim_lists.leagues(tx, search.association)
        if search.league not in leagues:
            named = "、".join(leagues) or "无 (none)"
            raise WrongUse(f"名册里没有盟市 {search.league}；有：{named} (no such league on the roster)")
    return ClaimChoice(
        association=search.association,
        status=search.status,
        scheme=search.scheme,
        league=search.league,
        since=to_ms(_midnight(search.first)) if search.first is not None else None,
        until=to_ms(_midnight(search.last + timedelta(days=1))) if search.last is not None else None,
        least=search.least,
        most=search.most,
        scope=search.scope,
        person_ids=_people(tx, office, search),
        claim_ids=_of_settlement(tx, office, search) if search.settlement_no is not None else None,
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def note_search(office: Office, *, by: str) -> None:
    """Write down who looks for somebody by an id number, before it is looked for. Raises BadInput."""
    with office.store.write() as tx:
        note_access(tx, office, Access(item_id=0, by=clerk(by), at=to_ms(office.now()), what=SEARCH))


def _people(tx: Tx, office: Office, search: ClaimSearch) -> frozenset[int] | None:
    """Whom a member number or an id number belongs to: claims are a person's, whichever of its numbers they were made
    out to. None where neither is given; both must be the same person's."""
    by_number = None if search.member_no is None else _of_member_no(tx, office, search)
    if search.id_number is None:
        return by_number
    try:
        number = id_number_of(None, search.id_number.strip()) or ""
    except Wrong:
        raise WrongUse("不是有效的证件号码 (not a valid id number)") from None
    found_by = members.by_fingerprint(tx, [office.id_fingerprint(number)])
    by_document = frozenset(person_id for _, _, person_id in found_by)
    return by_document if by_number is None else by_document & by_number


def _of_member_no(tx: Tx, office: Office, search: ClaimSearch) -> frozenset[int]:
    named = search.member_no or ""
    associations = sorted(office.associations) if search.association is None else [search.association]
    rows = [row for name in associations for row in members.by_number(tx, name, [named], scope=search.scope)]
    if not rows:
        raise WrongUse(f"名册里没有会员 {named} (no such member)")
    return frozenset(row.person_id for row in rows)


def _of_settlement(tx: Tx, office: Office, search: ClaimSearch) -> frozenset[str]:
    """The claims whose latest body tells of a settlement; found by the keyed digests of its number."""
    number = search.settlement_no or ""
    keys = [key for feed in office.feeds for key in office.keys_of_number(feed, number)]
    number = number.rpartition("/")[2] or number
    person_ids = {row.person_id for row in records.by_keys(tx, keys)}
    return frozenset(
        claim.claim_id
        for claim in claims.of_people(tx, person_ids)
        if number in _settlements(tx, office, claim.claim_id, claim.version)
    )


def _settlements(tx: Tx, office: Office, claim_id: str, version: int) -> set[str]:
    """What the newest body of a claim that tells of settlements tells of: a withdrawal tells of none."""
    for earlier in range(version, 0, -1):
        sealed = deliveries.body_of(tx, claim_id, earlier)
        if sealed is None:
            continue
        try:
            settlements = settlements_told(office.vault.open(sealed, delivery_context(f"{claim_id}/{earlier}")))
        except DOES_NOT_OPEN:
            continue
        if settlements:
            return {settlement["settlement_no"] for settlement in settlements}
    return set()
