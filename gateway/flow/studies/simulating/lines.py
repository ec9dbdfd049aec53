"""Cases of `hubao scheme assess` as JSON lines under a draft: a file of any length, in memory that stays flat.

Each line is read into typed values at once, so a line that `assess` would refuse for its form is only counted here.
A case may carry `member.league` and `member.member_no`; a member without settlements pays the fee and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gateway.core.schemes import Insured, SchemeFamily
from gateway.core.schemes.coordination import payment_by
from gateway.core.schemes.units.joining import open_coverage
from gateway.core.studies.simulation import Figures, SimulatedBill
from gateway.errors import BadCase, BadInput
from gateway.flow.studies.simulating.bills import SimulatedPerson, SimulationRequest, bill
from gateway.model.benefit import Fact
from gateway.model.member import Category, Coverage
from gateway.model.money import Money, parse_yuan
from gateway.model.record import AMOUNT_FIELDS, SettlementRecord


class _CoverageCase(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    first: date = msgspec.field(name="from")
    last: date | None = msgspec.field(name="to", default=None)
    scheme: str = ""
    category: Category | None = None
    shares: int = 0
    classes: tuple[str, ...] = ()


class _Member(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    category: Category | None = None
    sex: str | None = None
    birth_date: date | None = None
    coverage: tuple[_CoverageCase, ...] = ()
    shares: int = 1
    joined_on: date | None = None
    insured: bool = True
    region: str | None = None
    classes: tuple[str, ...] = ()
    league: str | None = None
    member_no: str = ""


class _PaidCase(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    settlements: tuple[str, ...]
    payable: str
    refused: bool = False


class _FactCase(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    kind: Literal["diagnosis", "death", "maturity", "emergency_part"]
    on: date = date.min
    disease: str | None = None
    confirmed: bool = False
    accident: bool = False
    settlements: tuple[str, ...] = ()


class _SimulatedCase(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A case; what it is called and what was decided changes nothing here."""

    scheme: str
    member: _Member
    settlements: list[dict[str, Any]] = []
    facts: tuple[_FactCase, ...] = ()
    case: str | int | None = None
    decided: tuple[_PaidCase, ...] = ()
    beside: dict[str, list[_PaidCase]] = {}


_case = msgspec.json.Decoder(_SimulatedCase)
_RECORD_KEYS: Final = frozenset(SettlementRecord.__struct_fields__)


def parts_of(file: Path, parts: int) -> list[tuple[int, int]]:
    """Where each of `parts` processes begins and ends to read, in bytes; lines are told apart later."""
    size = file.stat().st_size
    return [(size * at // parts, size * (at + 1) // parts) for at in range(parts)]


def simulate_lines(request: SimulationRequest, file: Path, begin: int, end: int) -> Figures:
    """The sums over the lines that begin in these bytes of a file; what cannot be read or assessed is counted."""
    figures = Figures(kept=request.kept)
    for place, line in _lines(file, begin, end):
        try:
            bill_of_line = _read(request, line, place)
        except (msgspec.MsgspecError, BadInput):
            figures.refused += 1
            continue
        if bill_of_line is not None:
            figures.take(bill_of_line)
    return figures


def _lines(file: Path, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    with file.open("rb", buffering=1 << 20) as lines:
        place = begin
        if begin:
            # The line that begins before is its reader's; one that begins exactly here is ours.
            lines.seek(begin - 1)
            place = begin - 1 + len(lines.readline())
        while place < end:
            line = lines.readline()
            if not line:
                return
            if not line.isspace():
                yield place, line
            place += len(line)


def _read(request: SimulationRequest, line: bytes, place: int) -> SimulatedBill | None:
    """One case's bill; None where the draft is about nothing in it. Raises MsgspecError, BadInput."""
    case = _case.decode(line)
    family = request.rules.before
    if case.scheme != family.scheme:
        return None
    records = [_record(row) for row in case.settlements]
    other_payments = {
        scheme: [payment_by(scheme, paid.settlements, parse_yuan(paid.payable), records) for paid in payments]
        for scheme, payments in case.beside.items()
    }
    member = case.member
    insured = Insured(
        category=member.category,
        sex=member.sex,
        birth_date=member.birth_date,
        coverage=tuple([_coverage(period, family) for period in member.coverage]),
        shares=member.shares,
        joined_on=member.joined_on,
        insured=member.insured,
        region=member.region,
        classes=member.classes,
    )
    facts = tuple([_fact(fact) for fact in case.facts])
    person = SimulatedPerson(insured=insured, records=records, facts=facts, other_payments=other_payments)
    return bill(request, person, order=place, league=member.league, member_no=member.member_no)


def _coverage(period: _CoverageCase, family: SchemeFamily) -> Coverage:
    """A period as stated; one whose end is left open ends as the scheme's own rule says."""
    last = period.last
    if last is None:
        closed = open_coverage(period.first, family)
        if closed is None:
            raise BadCase("bad_coverage", "保障期缺止日 (a coverage period without its end)")
        last = closed.last_day
    if last < period.first:
        raise BadCase("bad_coverage", "保障期止日早于起日 (a coverage period ends before it begins)")
    return Coverage(
        first_day=period.first,
        last_day=last,
        scheme=period.scheme,
        category=period.category,
        shares=period.shares,
        classes=period.classes,
    )


def _fact(fact: _FactCase) -> Fact:
    if fact.kind != "emergency_part" and fact.on == date.min:
        raise BadCase("missing", "facts.on: 缺失 (missing)")
    return Fact(**msgspec.structs.asdict(fact))


def _record(row: dict[str, Any]) -> SettlementRecord:
    if not row.keys() <= _RECORD_KEYS:
        raise BadCase("unknown_key", "settlements: 未知的键 (an unknown key)")
    for name in AMOUNT_FIELDS:
        text = row.get(name)
        if text is not None:
            row[name] = 0 if text == "0.00" else _fen(text)
    return msgspec.convert(row, SettlementRecord)


def _fen(text: object) -> Money:
    """As `parse_yuan`; amounts with two decimals, as nearly all are, without its pattern."""
    if not isinstance(text, str):
        raise BadCase("wrong_type", "金额应为文本 (an amount is text)")
    if text[-3:-2] == "." and len(text) < 16:
        digits = text[:-3] + text[-2:]
        if len(digits) > 2 and digits.isascii() and digits.isdigit():
            return Money(int(digits))
    return parse_yuan(text)
