"""Where a claim comes from: its settlements, the rows of pages they stand in, and how each was matched."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.model.claim import PrefilledClaim
from gateway.store import claims, match_decisions, pages, records
from gateway.store.engine import Tx
from gateway.store.match_decisions import MatchDecisionRow
from gateway.store.records import RecordRow


class RecordOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """One settlement of a claim in the row it stands in, from 1. `outcome` and `reasons`: how the row was matched, None
    where number and name agreed; `replaced`: a newer file has taken the page's place."""

    settlement_no: str
    feed: str
    page_seq: int
    row: int
    day: str
    received_at: str
    source: str
    page_state: str
    replaced: bool
    duplicate: bool
    outcome: str | None
    reasons: tuple[str, ...]


def find_origins(office: Office, claim_id: str, settlement_nos: Iterable[str]) -> list[RecordOrigin]:
    """The rows behind a claim's settlements, in order of receipt; none for a settlement that stands no more. Raises
    WrongUse for an unknown claim."""
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
        if not rows:
            raise WrongUse(f"没有申领 {claim_id} (no such claim)")
        own = _records_of(tx, office, rows[0], settlement_nos)
        decided = match_decisions.of_pages(tx, {record.page_seq for _, record in own})
        by_row = {(decision.page_seq, decision.row, decision.association): decision for decision in decided}
        found_rows = [
            _origin(tx, number, record, by_row.get((record.page_seq, record.row, record.association)))
            for number, record in own
        ]
    return sorted(found_rows, key=lambda origin: (origin.received_at, origin.page_seq, origin.row))


def _records_of(
    tx: Tx, office: Office, claim: PrefilledClaim, settlement_nos: Iterable[str]
) -> list[tuple[str, RecordRow]]:
    """Settlement number → the claim's person's records under it."""
    numbers = {
        key: number for number in settlement_nos for feed in office.feeds for key in office.keys_of_number(feed, number)
    }
    of_person = [
        record for record in records.of_people(tx, [claim.person_id]) if record.association == claim.association
    ]
    return [(numbers[record.key], record) for record in of_person if record.key in numbers]


def _origin(tx: Tx, number: str, record: RecordRow, decision: MatchDecisionRow | None) -> RecordOrigin:
    page, _, _ = pages.about(tx, record.page_seq)
    return RecordOrigin(
        settlement_no=number,
        feed=record.feed,
        page_seq=record.page_seq,
        row=record.row + 1,
        day=(page.day or page.received_at.date()).isoformat(),
        received_at=page.received_at.isoformat(),
        source=page.source,
        page_state=page.state,
        replaced=page.replaced_by is not None,
        duplicate=record.duplicate,
        outcome=decision.outcome if decision is not None else None,
        reasons=decision.reasons if decision is not None else (),
    )
