"""The audit log (审计): every reveal, export, log-in, refusal and act of two persons, as a keyed chain."""

from __future__ import annotations

import msgspec

from gateway.core.accounts.chain import first_link, link_digest, own_digest
from gateway.flow.office import Office
from gateway.store import audit, site
from gateway.store.audit import AuditRow
from gateway.store.engine import Tx
from gateway.store.values import to_ms

_SUBJECT, _PAGE, _PURPOSE = 160, 120, 40


class AuditNote(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written down. `act`: a code (`words/accounts.py`); `subject`: what it was about, by number or code,
    never a person's name or number; `person_id`: whom; `purpose`: why, a code; `page`: where it was done."""

    account: str
    act: str
    subject: str = ""
    person_id: int | None = None
    purpose: str = ""
    page: str = ""


def note(tx: Tx, office: Office, entry: AuditNote) -> None:
    """Write an entry behind the last one, in the transaction of what it is about."""
    before = audit.last(tx)
    row = AuditRow(
        entry_no=before.entry_no + 1 if before is not None else 1,
        at=to_ms(office.now()),
        account=entry.account,
        act=entry.act,
        subject=entry.subject[:_SUBJECT],
        person=person_digest(office, entry.person_id) if entry.person_id is not None else None,
        purpose=entry.purpose[:_PURPOSE],
        page=entry.page[:_PAGE],
        own=b"",
        link=b"",
    )
    digest = office.vault.digest_audit
    own = own_digest(content_of(row), digest)
    link = before.link if before is not None else first_link(site.site_id(tx) or b"", digest)
    audit.append(tx, msgspec.structs.replace(row, own=own, link=link_digest(link, own, digest)))


def note_alone(office: Office, entry: AuditNote) -> None:
    """Write down what changes nothing else: a refusal, a log-in that failed."""
    with office.store.write() as tx:
        note(tx, office, entry)


def person_digest(office: Office, person_id: int) -> bytes:
    """A person as the log has them: a keyed digest, by which entries about one person are found."""
    return office.vault.fingerprint("audit_person", str(person_id))


def content_of(row: AuditRow) -> bytes:
    """What of an entry is bound: everything but its number and its digests."""
    return msgspec.json.encode([row.at, row.account, row.act, row.subject, row.person, row.purpose, row.page])
