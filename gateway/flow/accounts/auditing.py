"""The audit log is read, walked over, and its head written down outside of the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

import msgspec

from gateway.core.accounts.chain import Break, ChainEntry, first_link, walk
from gateway.errors import WrongUse
from gateway.flow.accounts.trail import AuditNote, content_of, note, person_digest
from gateway.flow.office import Office
from gateway.store import audit, members, site
from gateway.store.audit import AuditFilter, AuditRow
from gateway.store.engine import Tx
from gateway.store.values import from_ms, to_ms
from gateway.vault.anchors import Anchor, AnchorFile

ANCHORS: Final = "audit-anchors"
"""The file beside the vault, in `keys/`."""


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is shown. `person`: a digest by which entries about one person are told together."""

    number: int
    at: datetime
    account: str
    act: str
    subject: str
    person: str | None
    purpose: str
    page: str


class AuditCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk over the whole log found. `head`: the link of the newest entry, to be written down elsewhere;
    `anchored`: up to which entry the file beside the vault bears it out."""

    entries: int
    last: int
    head: str
    anchored: int
    breaks: list[Break]


class AuditQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted: of an account, an act, a member, between two instants, behind a number."""

    account: str | None = None
    act: str | None = None
    association: str | None = None
    member_no: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    below: int | None = None
    limit: int = 100


def show_entries(office: Office, question: AuditQuestion) -> list[AuditLine]:
    """Entries, newest first. Raises WrongUse for a member's number that nobody has."""
    with office.store.read() as tx:
        choice = AuditFilter(
            account=question.account,
            act=question.act,
            person=_person(tx, office, question),
            since=to_ms(question.since) if question.since is not None else None,
            until=to_ms(question.until) if question.until is not None else None,
        )
        rows = audit.listing(tx, choice, below=question.below, limit=question.limit)
    return [_line(row) for row in rows]


def verify(office: Office) -> AuditCheck:
    """Walk over every entry. Finds what was edited, deleted, put in, or cut off at the end behind the last anchor."""
    anchors, sound = _anchor_file(office).read()
    digest = office.vault.digest_audit
    with office.store.read() as tx:
        first = first_link(site.site_id(tx) or b"", digest)
        report = walk(_entries(tx), first, {anchor.number: anchor.link for anchor in anchors}, digest)
    breaks = report.breaks if sound else [*report.breaks, Break(kind="anchor", number=_last_number(anchors))]
    return AuditCheck(
        entries=report.entries,
        last=report.last,
        head=report.link.hex(),
        anchored=_last_number(anchors),
        breaks=breaks,
    )


def anchor(office: Office) -> bool:
    """Write the head down, once a day; whether it was written. Call it behind a walk that found no breaks: an anchor
    would make them look right."""
    today, file = office.now().date(), _anchor_file(office)
    if anchored_on(office) == today:
        return False
    with office.store.write() as tx:
        # Under the log's lock, so that two processes write one line.
        last = audit.last(tx)
        anchors, _ = file.read()
        if last is None or (anchors and anchors[-1].day >= today):
            return False
        file.add(Anchor(day=today, number=last.entry_no, link=last.link))
    return True


def anchored_on(office: Office) -> date | None:
    """The day on which the head was last written down."""
    anchors, _ = _anchor_file(office).read()
    return anchors[-1].day if anchors else None


def note_look(office: Office, account: str, *, page: str) -> None:
    """Who looks at the log is in the log."""
    with office.store.write() as tx:
        note(tx, office, AuditNote(account=account, act="audit_shown", page=page))


def _person(tx: Tx, office: Office, question: AuditQuestion) -> bytes | None:
    if question.member_no is None:
        return None
    rows = members.by_number(tx, question.association or "", [question.member_no])
    if not rows:
        raise WrongUse("没有这名会员；须同时写明协会 (no such member; the association must be given, too)")
    return person_digest(office, rows[0].person_id)


def _entries(tx: Tx) -> Iterator[ChainEntry]:
    for row in audit.in_order(tx):
        yield ChainEntry(number=row.entry_no, content=content_of(row), own=row.own, link=row.link)


def _anchor_file(office: Office) -> AnchorFile:
    return AnchorFile(office.site / "keys" / ANCHORS, office.vault.digest_audit)


def _last_number(anchors: list[Anchor]) -> int:
    return anchors[-1].number if anchors else 0


def _line(row: AuditRow) -> AuditLine:
    return AuditLine(
        number=row.entry_no,
        at=from_ms(row.at),
        account=row.account,
        act=row.act,
        subject=row.subject,
        person=row.person.hex() if row.person is not None else None,
        purpose=row.purpose,
        page=row.page,
    )
