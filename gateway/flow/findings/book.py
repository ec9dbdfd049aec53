"""Raise, close, show and acknowledge findings. Saying the same thing twice brings the open finding up to date."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import msgspec

from gateway.errors import BrokenSeal, WrongUse
from gateway.flow.findings.codes import CODES
from gateway.flow.office import Office
from gateway.model.money import yuan
from gateway.model.trouble import Trouble
from gateway.store import findings
from gateway.store.engine import Tx
from gateway.store.findings import FindingRow
from gateway.vault import context_for

__all__ = ["FindingReport", "Trouble", "acknowledge", "close", "must_act", "raise_", "show", "take_stock"]

note_context = context_for("finding", "note")

ACT = "act"


class FindingReport(msgspec.Struct, frozen=True, kw_only=True):
    """An open finding as commands show it. `amount` in yuan as text, None where the money is not known; `counts`:
    whether it makes a command end with 1, now."""

    finding_id: int
    code: str
    level: str
    kind: str
    name: str
    first_day: date | None
    last_day: date | None
    count: int
    amount: str | None
    since: datetime
    updated_at: datetime
    detail: str
    words: str
    advice: str
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    acknowledged_until: date | None
    note: str | None
    counts: bool

    def __str__(self) -> str:
        """One line for people: where, what, how much."""
        much = f"，{self.amount}元" if self.amount is not None else ""
        detail = f"：{self.detail}" if self.detail else ""
        return f"{self.name}: {self.words}（{self.count}{much}）{detail}"


def raise_(tx: Tx, trouble: Trouble, *, now: datetime) -> None:
    """Say that something is not as it should be, or bring what is said of it already up to date."""
    findings.put(
        tx,
        code=trouble.code,
        level=trouble.level or CODES[trouble.code].level,
        kind=trouble.kind,
        name=trouble.name,
        first_day=min(trouble.days, default=None),
        last_day=max(trouble.days, default=None),
        count=trouble.count,
        amount=trouble.amount,
        detail=trouble.detail,
        now=now,
    )


def close(tx: Tx, code: str, kind: str, names: Collection[str], *, now: datetime) -> None:
    """What these findings said is mended. Nothing is written where none of them is open."""
    still_open = findings.open_findings(tx, code=code)
    mended = [row.finding_id for row in still_open if row.kind == kind and row.name in names]
    findings.close(tx, mended, now=now)


def take_stock(office: Office, codes: Collection[str], troubles: Sequence[Trouble]) -> None:
    """Whoever looked at everything these codes are about saw these troubles and no others: they are open from now on,
    and what else was open of these codes is mended. What is open and says the same already is not written again."""
    by_subject = {(trouble.code, trouble.kind, trouble.name): trouble for trouble in troubles}
    with office.store.read() as tx:
        still_open = [row for row in findings.open_findings(tx) if row.code in codes]
    unchanged = {(row.code, row.kind, row.name) for row in still_open if _says(row, by_subject)}
    mended = [row.finding_id for row in still_open if (row.code, row.kind, row.name) not in by_subject]
    if len(unchanged) == len(by_subject) and not mended:
        return
    now = office.now()
    with office.store.write() as tx:
        for subject, trouble in by_subject.items():
            if subject not in unchanged:
                raise_(tx, trouble, now=now)
        findings.close(tx, mended, now=now)


def _says(row: FindingRow, by_subject: Mapping[tuple[str, str, str], Trouble]) -> bool:
    """Whether an open finding says of its subject what was seen now."""
    trouble = by_subject.get((row.code, row.kind, row.name))
    return trouble is not None and (
        row.level == (trouble.level or CODES[trouble.code].level)
        and (row.count, row.amount, row.detail) == (trouble.count, trouble.amount, trouble.detail)
        and row.first_day == min(trouble.days, default=None)
        and row.last_day == max(trouble.days, default=None)
    )


def show(office: Office) -> list[FindingReport]:
    """Every open finding, oldest first."""
    with office.store.read() as tx:
        rows = findings.open_findings(tx)
    return [_report(office, row) for row in rows]


def must_act(reports: Sequence[FindingReport]) -> bool:
    """Whether one of these is for a person to see to now."""
    return any(report.counts for report in reports)


def acknowledge(office: Office, finding_id: int, *, by: str, until: date, note: str | None = None) -> FindingReport:
    """A person has seen a finding; it counts again from the day `until` on.

    Raises WrongUse where no such finding is open, or the day is not to come.
    """
    now = office.now()
    if until <= now.date():
        raise WrongUse("--until 应为今天以后的日期 (--until must be a day to come)")
    with office.store.write() as tx:
        row = findings.by_id(tx, finding_id)
        if row is None or row.closed_at is not None:
            raise WrongUse(f"没有编号为 {finding_id} 的未结发现，见 hubao findings (no such open finding)")
        sealed = office.vault.roster_key().seal(note.encode(), note_context(finding_id)) if note else None
        findings.acknowledge(tx, finding_id, by=by, until=until, note=sealed, now=now)
    return next(report for report in show(office) if report.finding_id == finding_id)


def _report(office: Office, row: FindingRow) -> FindingReport:
    """A stored finding in words. A code of a later program is shown by itself."""
    stored: dict[str, Any] = msgspec.structs.asdict(row)
    del stored["closed_at"]
    meaning, note = CODES.get(row.code), None
    if row.note is not None:
        # A note that does not open hides nothing else of its finding.
        with suppress(BrokenSeal):
            note = office.vault.open(row.note, note_context(row.finding_id)).decode()
    silent = row.acknowledged_until is not None and office.now().date() < row.acknowledged_until
    stored |= {
        "amount": yuan(row.amount) if row.amount is not None else None,
        "words": meaning.words if meaning else row.code,
        "advice": meaning.advice if meaning else "",
        "note": note,
        "counts": row.level == ACT and not silent,
    }
    return FindingReport(**stored)
