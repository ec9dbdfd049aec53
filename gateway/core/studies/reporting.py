"""The yearly table (年度情况表): per league and scheme, members, claims, people and money, as newspapers print it.

Everything is counted person by person, in order, so that the largest sum one person got needs no memory of others.
Amounts in fen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Final, Literal

import msgspec

from gateway.model.member import Coverage

ABOVE: Final = (5_000_00, 10_000_00, 50_000_00)
"""Claims above these amounts are counted, in fen."""

Basis = Literal["decided", "proposed"]
"""What counts as paid: what the association granted, or, where it told nothing yet, what the gateway proposed."""

Key = tuple[str, str]
"""League and scheme; the league is "" where none is known."""


class ClaimPayment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One claim that counts as paid to a person in the time of the report, or waits for its decision."""

    person: int
    league: str
    scheme: str
    amount: int
    waiting: bool = False


class CoveredPerson(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One enrolment of a person with its coverage periods."""

    person: int
    league: str
    coverage: tuple[Coverage, ...]


class ReportLine(msgspec.Struct, kw_only=True):
    """One line of the table. `members` are people covered, `joins` periods that began; `above` counts claims.

    `largest_claim` is the largest single payment, `largest_person` what one person got together. `waiting` claims
    are proposed and not yet decided; they are in no other figure.
    """

    members: int = 0
    joins: int = 0
    claims: int = 0
    people: int = 0
    amount: int = 0
    largest_claim: int = 0
    largest_person: int = 0
    above: list[int] = msgspec.field(default_factory=lambda: [0] * len(ABOVE))
    waiting: int = 0
    waiting_amount: int = 0

    @property
    def average(self) -> int:
        """An average claim, half up to the fen; 0 where there is none."""
        return _average(self.amount, self.claims)

    @property
    def average_person(self) -> int:
        """What an average person got, half up to the fen."""
        return _average(self.amount, self.people)

    def pay(self, payments: Sequence[ClaimPayment]) -> None:
        """Add one person's payments."""
        paid = [payment.amount for payment in payments if not payment.waiting]
        waiting = [payment.amount for payment in payments if payment.waiting]
        self.waiting += len(waiting)
        self.waiting_amount += sum(waiting)
        if not paid:
            return
        self.claims += len(paid)
        self.people += 1
        self.amount += sum(paid)
        self.largest_claim = max(self.largest_claim, *paid)
        self.largest_person = max(self.largest_person, sum(paid))
        for place, limit in enumerate(ABOVE):
            self.above[place] += sum(1 for amount in paid if amount > limit)


def _average(amount: int, many: int) -> int:
    return (2 * amount + many) // (2 * many) if many else 0


class ReportTable(msgspec.Struct, kw_only=True):
    """The whole report: its lines by league and scheme, one line for each scheme, and one for all."""

    lines: dict[Key, ReportLine] = msgspec.field(default_factory=dict)
    schemes: dict[str, ReportLine] = msgspec.field(default_factory=dict)
    total: ReportLine = msgspec.field(default_factory=ReportLine)

    def line(self, key: Key) -> ReportLine:
        """The line of a league and scheme, made where there is none yet."""
        return self.lines.setdefault(key, ReportLine())

    def scheme(self, name: str) -> ReportLine:
        """The line of a scheme over all leagues."""
        return self.schemes.setdefault(name, ReportLine())


def add_payments(table: ReportTable, payments: Iterable[ClaimPayment]) -> None:
    """Add payments that come in order of person.

    Who was paid in two leagues stands in both, but is one person in the lines of the scheme and of all.
    """
    for _, group in groupby(payments, key=lambda payment: payment.person):
        persons_payments = list(group)
        by_line: dict[Key, list[ClaimPayment]] = defaultdict(list)
        by_scheme: dict[str, list[ClaimPayment]] = defaultdict(list)
        for payment in persons_payments:
            by_line[(payment.league, payment.scheme)].append(payment)
            by_scheme[payment.scheme].append(payment)
        for key, payments_of_line in by_line.items():
            table.line(key).pay(payments_of_line)
        for scheme, payments_of_scheme in by_scheme.items():
            table.scheme(scheme).pay(payments_of_scheme)
        table.total.pay(persons_payments)


def add_members(table: ReportTable, enrolments: Iterable[CoveredPerson], *, first: date, last: date) -> None:
    """Add enrolments that come in order of person: who is covered on any day of the time, and what began in it."""
    for _, group in groupby(enrolments, key=lambda enrolment: enrolment.person):
        covered: dict[Key, int] = {}
        for enrolment in group:
            for period in enrolment.coverage:
                if period.first_day <= last and period.last_day >= first:
                    key = (enrolment.league, period.scheme)
                    covered[key] = covered.get(key, 0) + (period.first_day >= first)
        joins_by_scheme: dict[str, int] = {}
        for (league, scheme), joins in covered.items():
            line = table.line((league, scheme))
            line.members += 1
            line.joins += joins
            joins_by_scheme[scheme] = joins_by_scheme.get(scheme, 0) + joins
        for scheme, joins in joins_by_scheme.items():
            line = table.scheme(scheme)
            line.members += 1
            line.joins += joins
        if covered:
            table.total.members += 1
            table.total.joins += sum(joins_by_scheme.values())
