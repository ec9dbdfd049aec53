"""What is not finished yet: claims not delivered, not decided, not paid, with the days their deadlines count from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec
from sqlalchemy import Connection, text

from gateway.core.watching.lapsing import UndeliveredClaims
from gateway.model.claim import ClaimStatus


class OpenClaim(msgspec.Struct, frozen=True):
    """A claim something is still to be done about. Instants in milliseconds, as everywhere in the store.

    `accepted_at`: when the accepted attempt of its first accepted version was due, which is the day the association
    received it or one before; None where it has received none. `approved_at`: when it approved and has not paid yet.
    """

    claim_id: str
    association: str
    scheme: str
    edition: str | None
    league: str | None
    flags: str
    claim_by: str | None
    accepted_at: int | None
    approved_at: int | None


_OPEN = text("""
select c.claim_id, c.association, c.scheme, c.edition, m.league, c.flags, c.claim_by,
       (select min(d.next_at) from delivery d where d.claim_id = c.claim_id and d.state = 'accepted') as accepted_at,
       x.decided_at as approved_at
from claim c
left join member m on m.member_id = c.member_id
left join claim_decision x on x.claim_id = c.claim_id
where c.status <> :withdrawn and (x.outcome is null or x.outcome = 'approved')
order by c.claim_id
""")


def open_claims(tx: Connection) -> Iterator[OpenClaim]:
    """Every claim that stands and is neither paid nor refused."""
    for row in tx.execute(_OPEN, {"withdrawn": ClaimStatus.WITHDRAWN.value}):
        # The columns stand in the order of the fields.
        yield OpenClaim(*row)


_UNDELIVERED = text("""
select c.association, count(*), sum(case when c.claim_by < :today then 1 else 0 end), sum(c.payable), min(c.claim_by),
       max(c.claim_by)
from claim c
where c.status <> :withdrawn and c.claim_by <= :until and ',' || c.flags || ',' not like '%,late,%'
  and not exists (select 1 from delivery d where d.claim_id = c.claim_id and d.state = 'accepted')
  and not exists (select 1 from claim_decision x where x.claim_id = c.claim_id)
group by c.association order by c.association
""")


def undelivered(tx: Connection, *, today: date, until: date) -> list[UndeliveredClaims]:
    """By association the claims that it has not received and whose last day is at the latest `until`; those that were
    late when they came are not among them."""
    days = {"today": today.isoformat(), "until": until.isoformat(), "withdrawn": ClaimStatus.WITHDRAWN.value}
    return [
        UndeliveredClaims(
            association=association,
            count=count,
            late=int(late),
            amount=int(amount),
            first_day=date.fromisoformat(first),
            last_day=date.fromisoformat(last),
        )
        for association, count, late, amount, first, last in tx.execute(_UNDELIVERED, days)
    ]
