"""What was set aside because it does not open: looked at again every night, and written off by a person.

Nothing is concluded about a person while a piece of theirs does not open. Once it opens, or is written off by name with
the difference shown, what the person has is weighed as a whole again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gateway.core.claims import kept
from gateway.errors import WrongUse
from gateway.flow.batches.take_back import take_back_replaced
from gateway.flow.changes.fact_boxes import open_box
from gateway.flow.changes.people import held_record
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.office import Office, delivery_context
from gateway.flow.opening import DOES_NOT_OPEN, UNREADABLE
from gateway.flow.pages.row_lists import open_list
from gateway.flow.pages.stored_pages import page_bytes
from gateway.flow.people.reassess import reassess
from gateway.flow.roster.enrol import index_opened
from gateway.model.claim import ClaimStatus, PrefilledClaim
from gateway.model.money import yuan
from gateway.model.pieces import Piece
from gateway.store import (
    batches,
    claims,
    deliveries,
    facts,
    findings,
    members,
    pages,
    people,
    quarantine,
    records,
    roster,
    unreadable,
)
from gateway.store.engine import Tx
from gateway.store.unreadable import StandingPiece

_UNKNOWN_CONTENT = bytes(32)


class ClaimDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a claim: version, status and payable (yuan), before and after; None where it is new."""

    claim_id: str
    before: tuple[int, str, str] | None
    after: tuple[int, str, str]


class WriteOff(msgspec.Struct, frozen=True, kw_only=True):
    """A piece written off, or to be; what that changes; and whether other pieces still hold the person up."""

    piece_id: int
    kind: str
    name: str
    differences: list[ClaimDifference]
    still_waiting: int
    written: bool


def standing_pieces(office: Office) -> list[StandingPiece]:
    """Every piece that neither opens nor was written off, oldest first."""
    with office.store.read() as tx:
        return unreadable.standing(tx)


_COUNTS_AGAIN = frozenset(("record", "fact", "member"))
"""Kinds of pieces that count by themselves as soon as they open. A body that was written off has been made anew."""


def look_again(office: Office) -> int:
    """Try every standing piece: one that opens goes on. Returns how many opened.

    One that was written off and opens after all is part of what its person has from then on, so the person is
    reassessed at once, and not when some later row happens to come.
    """
    with office.store.read() as tx:
        given_up = [piece for piece in unreadable.written_off_closed(tx) if piece.piece.kind in _COUNTS_AGAIN]
        tried = [*unreadable.standing(tx), *given_up]
    opened = [standing for standing in tried if _opens(office, standing.piece)]
    for standing in opened:
        with office.store.write() as tx:
            # The locks of feed, roster and people first, as everywhere; only then the row that a batch may note again.
            _go_on(tx, office, standing.piece)
            unreadable.opened(tx, [standing.piece_id], now=office.now())
    if any(standing.piece.kind == "member" for standing in opened):
        # Rows that were set aside because a member did not open are read again.
        with office.store.read() as tx:
            waiting = quarantine.standing(tx)
        numbers = [item.item_id for item in waiting if any(error.code == UNREADABLE for error in item.errors)]
        if numbers:
            retry_quarantine(office, numbers)
    return len(opened)


def write_off(office: Office, piece_id: int, *, by: str, carry_out: bool) -> WriteOff:
    """A person decides not to wait for a piece. Without `carry_out` nothing is written: only the difference is told.

    Raises WrongUse where no such piece stands.
    """
    with office.store.write() as tx:
        standing = unreadable.by_id(tx, piece_id)
        if standing is None:
            raise WrongUse(f"没有编号为 {piece_id} 的打不开的密文，见 hubao unreadable list (no such piece)")
        piece = standing.piece
        person_id = piece.person_id or _person_of(tx, piece)
        if person_id is not None:
            roster.version(tx, [piece.subject], hold=True)
            people.lock(tx, [person_id])
        before = _claims(tx, person_id)
        unreadable.write_off(tx, piece_id, by=by, now=office.now())
        if piece.kind == "body":
            _body_anew(tx, office, piece)
        if person_id is not None:
            _reassess(tx, office, piece.subject, person_id)
        result = WriteOff(
            piece_id=piece_id,
            kind=piece.kind,
            name=piece.name,
            differences=_differences(before, _claims(tx, person_id)),
            still_waiting=sum(waiting.piece.person_id == person_id for waiting in unreadable.standing(tx) if person_id),
            written=carry_out,
        )
        if not carry_out:
            tx.rollback()
    if carry_out:
        say_what_waits(office)
    return result


def _opens(office: Office, piece: Piece) -> bool:
    """Whether a piece opens by now, or is not there any more."""
    kind, name = piece.kind, piece.name
    try:
        with office.store.read() as tx:
            if kind == "page":
                page_bytes(tx, office, int(name))
            elif kind == "body":
                claim_id, version = name.split("/")
                sealed = deliveries.body_of(tx, claim_id, int(version))
                if sealed:
                    office.claim_body(sealed, claim_id, int(version))
            elif kind == "record":
                record = records.by_id(tx, int(name))
                if record:
                    held_record(office, record, office.vault.open)
            elif kind == "fact":
                fact = facts.by_id(tx, int(name))
                if fact:
                    open_box(office, fact)
            elif kind == "member":
                for member in members.by_id(tx, [int(name)]):
                    office.open_member(member)
            else:
                _open_lists(tx, office, name)
    except DOES_NOT_OPEN:
        return False
    return True


def _open_lists(tx: Tx, office: Office, name: str) -> None:
    """Open the row list of every batch of a page that begins at a row."""
    seq, first_row = map(int, name.split("/"))
    page_id = bytes(pages.about(tx, seq)[1])
    for sheet in batches.sheets_of_page(tx, seq):
        if sheet.first_row == first_row:
            open_list(office, sheet, page_id)


def _go_on(tx: Tx, office: Office, piece: Piece) -> None:
    """What waited for this piece is done now."""
    if piece.kind == "body":
        claim_id, version = piece.name.split("/")
        deliveries.wake(tx, claim_id, int(version), now=office.now())
    if piece.kind == "list":
        meta = pages.about(tx, int(piece.name.split("/")[0]))[0]
        if office.feeds[meta.feed].replaces == "file" and meta.source:
            take_back_replaced(tx, office, meta)
    if piece.kind == "member":
        index_opened(tx, office, int(piece.name))
    if piece.person_id is not None:
        _reassess(tx, office, piece.subject, piece.person_id)


def _reassess(tx: Tx, office: Office, association: str, person_id: int) -> None:
    roster.version(tx, [association], hold=True)
    reassess(tx, office, association, [person_id])


def _person_of(tx: Tx, piece: Piece) -> int | None:
    """Whose claim a body is of; None where the piece is nobody's."""
    if piece.kind != "body":
        return None
    return next((row.person_id for row in claims.by_ids(tx, [piece.name.split("/")[0]])), None)


def _body_anew(tx: Tx, office: Office, piece: Piece) -> None:
    """A body that is written off is made anew where it is the latest: a claim that stands by a new version, a
    withdrawal, which says little, as the same one. Decisions keep using the cap by their amount."""
    claim_id, version = piece.name.split("/")
    row = next((row for row in claims.by_ids(tx, [claim_id]) if row.version == int(version)), None)
    if row is None or row.status != ClaimStatus.WITHDRAWN:
        deliveries.give_up(tx, claim_id, int(version))
    if row is None:
        return
    if row.status != ClaimStatus.WITHDRAWN:
        claims.save(tx, [], [msgspec.structs.replace(row, content=_UNKNOWN_CONTENT)])
        return
    plain = kept.body(row.claim_id, row.version, row.status, kept.withdrawal(row.association, row.scheme, row.flags))
    key = office.vault.claim_key(row.association, office.now().date())
    deliveries.reseal(tx, claim_id, row.version, key.seal(plain, delivery_context(piece.name)))
    deliveries.wake(tx, claim_id, row.version, now=office.now())


def _claims(tx: Tx, person_id: int | None) -> dict[str, PrefilledClaim]:
    rows = claims.of_people(tx, [person_id]) if person_id is not None else []
    return {row.claim_id: row for row in rows}


def _differences(before: dict[str, PrefilledClaim], after: dict[str, PrefilledClaim]) -> list[ClaimDifference]:
    def figures(row: PrefilledClaim) -> tuple[int, str, str]:
        return row.version, row.status, yuan(row.payable)

    return [
        ClaimDifference(
            claim_id=claim_id, before=figures(before[claim_id]) if claim_id in before else None, after=figures(row)
        )
        for claim_id, row in sorted(after.items())
        if claim_id not in before or figures(before[claim_id]) != figures(row)
    ]


def say_what_waits(office: Office) -> None:
    """One finding for each association or feed something of which does not open; mended where everything does."""
    by_subject: dict[str, list[StandingPiece]] = defaultdict(list)
    for standing in standing_pieces(office):
        by_subject[standing.piece.subject].append(standing)
    with office.store.read() as tx:
        noted = {row.name for row in findings.open_findings(tx, code=UNREADABLE)}
    if not by_subject and not noted:
        return
    now = office.now()
    with office.store.write() as tx:
        for subject, waiting in sorted(by_subject.items()):
            raise_(tx, _trouble(office, subject, waiting), now=now)
        close(tx, UNREADABLE, "feed", noted - by_subject.keys(), now=now)
        close(tx, UNREADABLE, "association", noted - by_subject.keys(), now=now)


def _trouble(office: Office, subject: str, waiting: Sequence[StandingPiece]) -> Trouble:
    amounts = [standing.piece.amount for standing in waiting if standing.piece.amount is not None]
    concerned = {standing.piece.person_id for standing in waiting} - {None}
    return Trouble(
        code=UNREADABLE,
        kind="feed" if subject in office.feeds else "association",
        name=subject,
        count=len(waiting),
        amount=sum(amounts) if amounts else None,
        days=tuple(standing.since.date() for standing in waiting),
        detail=f"{len(concerned)}人暂不核算 (people held up)" if concerned else "",
    )
