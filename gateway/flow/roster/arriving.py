"""A roster over the interface: it comes as a stream, what it would change is told, and it is taken in once confirmed.

Each few thousand rows are a part, sealed as they come, so that memory stays flat. Comparing and taking in are the file
import's own (`enrol.take_in`), part by part, and its holds are the same: what takes days away waits for a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final, TypeVar

import msgspec

from gateway.core.roster import RosterFile, RosterFinding, read_roster
from gateway.core.roster.cutting import CutRows, RosterForm, cutter_of
from gateway.errors import BadInput, BrokenSeal, Conflict
from gateway.flow.accounts.trail import AuditNote, note
from gateway.flow.office import Office
from gateway.flow.roster.enrol import take_in
from gateway.flow.roster.planning import Enrolled
from gateway.store import roster_uploads
from gateway.store.roster_uploads import UploadRow
from gateway.store.values import from_ms, to_ms
from gateway.vault import context_for

T = TypeVar("T")

GOOD_FOR: Final = timedelta(hours=24)
"""A preview older than this is not confirmed any more: too much may have changed."""

MOST_BYTES: Final = 256 * 1024 * 1024
"""A million members take about 150 MiB as CSV."""

_MOST_ERRORS: Final = 1_000
_MOST_NUMBERS: Final = 1_000

_part_context = context_for("roster_part", "sealed")


class RosterRowError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a row: its number in what was sent (a CSV's header is row 1, JSON lines begin with 1)."""

    row: int
    column: str
    code: str
    message: str


class RosterDifference(msgspec.Struct, kw_only=True):
    """What a roster would change, or did. Counted: `rows`; members `new`, `changed`, `unchanged`; `ended`: members who
    lose days of coverage, which waits (`held`) in `holds` for a person; `withdrawn`: members who take no part any more.

    `claims_withdrawn`, `claims_lowered` count claims. `refused`: members left as they are, with the reason. Of `errors`
    and of member numbers at most 1,000 are listed; `error_rows` counts all of them.
    """

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    ended: int = 0
    withdrawn: int = 0
    held: int = 0
    periods_added: int = 0
    periods_extended: int = 0
    claims_withdrawn: int = 0
    claims_lowered: int = 0
    holds: list[int] = msgspec.field(default_factory=list)
    ended_members: list[str] = msgspec.field(default_factory=list)
    withdrawn_members: list[str] = msgspec.field(default_factory=list)
    refused: list[tuple[str, str]] = msgspec.field(default_factory=list)
    error_rows: int = 0
    errors: list[RosterRowError] = msgspec.field(default_factory=list)

    def count_part(self, read: RosterFile, before: int, enrolled: Enrolled) -> None:
        """Add what one part would change, or did."""
        self.rows += read.rows
        self.new += enrolled.added
        self.changed += len(enrolled.changed)
        self.unchanged += enrolled.unchanged
        self.ended += len(enrolled.lost)
        self.withdrawn += len(enrolled.opted_out)
        self.held += len(enrolled.waiting)
        self.periods_added += enrolled.periods_added
        self.periods_extended += enrolled.periods_extended
        self.claims_withdrawn += len(enrolled.told.of("withdrawn"))
        self.claims_lowered += len(enrolled.told.of("lowered"))
        self.holds += [] if enrolled.hold_id is None else [enrolled.hold_id]
        _extend(self.ended_members, sorted(enrolled.lost))
        _extend(self.withdrawn_members, enrolled.opted_out)
        _extend(self.refused, enrolled.refused)
        self.error_rows += len({finding.place for finding in read.errors})
        _extend(self.errors, [_row_error(finding, before) for finding in read.errors])


def _extend(listed: list[T], further: Collection[T]) -> None:
    listed += list(further)[: max(0, _MOST_NUMBERS - len(listed))]


def _row_error(finding: RosterFinding, before: int) -> RosterRowError:
    return RosterRowError(row=finding.row + before, column=finding.column, code=finding.code, message=finding.message)


class RosterUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A roster that came. state: comparing (ask again), compared (may be confirmed until `expires_at`), confirmed (is
    being taken in), taken. `done` of `parts` parts; `difference`: what it would change, or what it did so far."""

    preview_id: str
    state: str
    parts: int
    done: int
    expires_at: str
    difference: RosterDifference


def read_for(
    office: Office, association: str, content: bytes, *, scheme: str | None = None, clears: Collection[str] = ()
) -> RosterFile:
    """A roster as this association writes it: a scheme by its code or its Chinese name. Raises BadInput."""
    families = office.families(association)
    return read_roster(
        content,
        scheme_default=scheme or office.associations[association].roster_scheme,
        schemes={word: family.scheme for family in families for word in (family.scheme, family.name)},
        families={family.scheme: family for family in families},
        clears=clears,
    )


class Arrival:
    """One roster while it comes: sealed part by part. `upload_id`: a name that is not used a second time."""

    def __init__(self, office: Office, association: str, form: RosterForm, *, upload_id: str, caller: str) -> None:
        self._office, self._association, self.upload_id = office, association, upload_id
        self._cutter, self._digest = cutter_of(form), hashlib.sha256(form.encode())
        self._parts = 0
        now = office.now()
        row = UploadRow(
            upload_id=upload_id,
            association=association,
            state="coming",
            caller=caller,
            at=to_ms(now),
            expires_at=to_ms(now + GOOD_FOR),
        )
        with office.store.write() as tx:
            roster_uploads.drop(tx, roster_uploads.expired(tx, now_ms=to_ms(now)))
            roster_uploads.add(tx, row)

    def take(self, data: bytes) -> None:
        """Bytes that came. Raises BadInput."""
        self._digest.update(data)
        for cut in self._cutter.take(data):
            self._seal(cut)

    def _seal(self, cut: CutRows) -> None:
        office, name = self._office, f"{self.upload_id}/{self._parts}"
        sealed = office.vault.roster_key().seal(cut.content, _part_context(name))
        with office.store.write() as tx:
            roster_uploads.add_part(tx, self.upload_id, self._parts, first_row=cut.before, sealed=sealed)
        self._parts += 1

    def give_up(self) -> None:
        """It broke off, or cannot be read: nothing of it stays."""
        with self._office.store.write() as tx:
            roster_uploads.drop(tx, [self.upload_id])

    def finish(self, idempotency_key: str) -> str:
        """All of it came: the id under which it is compared. The same roster again, or under the same idempotency key,
        is the one that came before. Raises BadInput: no_rows, key_used."""
        for cut in self._cutter.finish():
            self._seal(cut)
        office = self._office
        print_of = office.vault.fingerprinter("roster_upload")
        digest = print_of(f"{self._association}/{self._digest.hexdigest()}")
        idempotency = print_of(f"{self._association}/key/{idempotency_key}") if idempotency_key else None
        if not self._parts:
            raise BadInput("no_rows", "没有数据行 (no rows)")
        with office.store.write() as tx:
            for earlier in roster_uploads.of_association(tx, self._association):
                is_under_key = idempotency is not None and earlier.idempotency == idempotency
                if is_under_key and earlier.digest != digest:
                    raise BadInput(
                        "key_used", "此幂等键已用于另一份名册 (the idempotency key stands for another roster)"
                    )
                # One that was taken in is compared anew, unless its sender says that this is the same request.
                if earlier.digest == digest and (is_under_key or earlier.state != "taken"):
                    roster_uploads.drop(tx, [self.upload_id])
                    return earlier.upload_id
            values = {"digest": digest, "idempotency": idempotency, "parts": self._parts, "state": "comparing"}
            roster_uploads.change(tx, self.upload_id, **values)
        return self.upload_id


def show(office: Office, association: str, upload_id: str) -> RosterUpload | None:
    """How it stands; None where there is none of this association's, or its time is over."""
    with office.store.read() as tx:
        row = roster_uploads.find(tx, association, upload_id)
    if row is None or row.state == "coming" or row.expires_at <= to_ms(office.now()):
        return None
    difference = msgspec.json.decode(row.report, type=RosterDifference) if row.report else RosterDifference()
    return RosterUpload(
        preview_id=row.upload_id,
        state=row.state,
        parts=row.parts,
        done=row.done,
        expires_at=from_ms(row.expires_at).isoformat(),
        difference=difference,
    )


def confirm(office: Office, association: str, upload_id: str, *, by: str | None = None) -> RosterUpload | None:
    """It is meant: from now on it is taken in (`work_upload`). `by`: the account that confirms, which is written down;
    None of a machine, whose key stands beside the upload. None as `show`. Raises Conflict while still compared."""
    with office.store.write() as tx:
        row = roster_uploads.find(tx, association, upload_id, hold=True)
        if row is not None and row.expires_at > to_ms(office.now()):
            if row.state in ("coming", "comparing"):
                raise Conflict("尚在比对 (it is still being compared)")
            if row.state == "compared":
                roster_uploads.change(tx, upload_id, state="confirmed", done=0, report="")
                if by is not None:
                    note(tx, office, AuditNote(account=by, act="roster_imported", subject=f"{association} {upload_id}"))
    return show(office, association, upload_id)


def discard(office: Office, association: str, upload_id: str) -> None:
    """It is not meant: its rows go. What was confirmed is taken in all the same."""
    with office.store.write() as tx:
        row = roster_uploads.find(tx, association, upload_id, hold=True)
        if row is not None and row.state not in ("confirmed", "taken"):
            roster_uploads.drop(tx, [upload_id])


def unfinished(office: Office) -> list[tuple[str, str]]:
    """(association, id) of what is being compared or taken in."""
    with office.store.read() as tx:
        return roster_uploads.unfinished(tx)


_FOLLOWING: Final = {"comparing": "compared", "confirmed": "taken"}


def work_upload(office: Office, association: str, upload_id: str, stopping: Callable[[], bool]) -> None:
    """Compare a roster that came, or take a confirmed one in, part by part, each against the roster as it is then. Cut
    off anywhere it is gone on with; a part that was taken in already changes nothing."""
    while not stopping():
        with office.store.read() as tx:
            row = roster_uploads.find(tx, association, upload_id)
            stored = roster_uploads.part(tx, upload_id, row.done) if row is not None else None
        if row is None or row.state not in _FOLLOWING:
            return
        if stored is None:
            with office.store.write() as tx:
                roster_uploads.change(tx, upload_id, state=_FOLLOWING[row.state])
                if row.state == "confirmed":
                    roster_uploads.drop_parts(tx, [upload_id])
            return
        difference = msgspec.json.decode(row.report, type=RosterDifference) if row.report else RosterDifference()
        before, sealed = stored
        _count_part(office, row, before, sealed, difference)
        with office.store.write() as tx:
            report = msgspec.json.encode(difference).decode()
            roster_uploads.change(tx, upload_id, done=row.done + 1, report=report)


def _count_part(office: Office, row: UploadRow, before: int, sealed: bytes, difference: RosterDifference) -> None:
    """Compare one part, or take it in; what cannot be read is an error of its rows."""
    try:
        content = office.vault.open(sealed, _part_context(f"{row.upload_id}/{row.done}"))
        read = read_for(office, row.association, content)
    except (BadInput, BrokenSeal) as error:
        code = error.code if isinstance(error, BadInput) else "does_not_open"
        message = error.message if isinstance(error, BadInput) else "密文打不开 (it does not open)"
        difference.error_rows += 1
        _extend(difference.errors, [RosterRowError(row=before + 1, column="", code=code, message=message)])
        return
    dry_run = row.state == "comparing"
    enrolled = take_in(office, row.association, read.statements, dry_run=dry_run)
    difference.count_part(read, before, enrolled)
