"""What a draft would change (试算): every person's bills under two sets of rules, summed without keeping any.

`Figures` takes one person at a time, so memory does not grow with their number, and two of them made of different
people merge into what one made of all would have been. Amounts in fen, days are whole days.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from gateway.core.schemes import needs_person
from gateway.model.benefit import BenefitEstimate
from gateway.model.money import Money
from gateway.model.waiting import WaitingBills

STEPS: Final = (1, 100_00, 500_00, 1_000_00, 5_000_00, 10_000_00, 50_000_00)
"""Where one size of change ends and the next begins, in fen, both for more and for less."""

RuleKey = tuple[str, str, int, Decimal | None]
"""Rule, benefit, place among the lines of that rule, rate: the second band has place 1 before and after."""


class RuleSum(msgspec.Struct, kw_only=True):
    """All lines of one rule: its article, how many, on what base, how much."""

    article: str = ""
    lines: int = 0
    base: int = 0
    amount: int = 0


class RulesFigures(msgspec.Struct, kw_only=True):
    """One set of rules: estimates above 0.00, who has one, and how many estimates a person must look at."""

    claims: int = 0
    people: int = 0
    paid: int = 0
    to_person: int = 0
    largest_claim: int = 0
    largest_person: int = 0
    income: int | None = None
    rules: dict[RuleKey, RuleSum] = msgspec.field(default_factory=dict)

    def take(self, estimates: Sequence[BenefitEstimate]) -> int:
        """Add one person's estimates; returns what that person is paid."""
        paid = 0
        for estimate in estimates:
            if needs_person(estimate):
                self.to_person += 1
            if estimate.payable <= 0:
                continue
            self.claims += 1
            paid += estimate.payable
            self.largest_claim = max(self.largest_claim, estimate.payable)
            self._take_lines(estimate)
        if paid:
            self.people += 1
            self.paid += paid
            self.largest_person = max(self.largest_person, paid)
        return paid

    def _take_lines(self, estimate: BenefitEstimate) -> None:
        rules, place, before = self.rules, 0, ("", "")
        for line in estimate.lines:
            name = (line.rule, line.benefit or "")
            place = place + 1 if name == before else 0
            before = name
            key = (*name, place, line.rate)
            rule_sum = rules.get(key)
            if rule_sum is None:
                rule_sum = rules[key] = RuleSum(article=line.article)
            rule_sum.lines += 1
            rule_sum.base += line.base or 0
            rule_sum.amount += line.amount

    def merge(self, further: RulesFigures) -> None:
        """Take in what was counted elsewhere."""
        self.claims += further.claims
        self.people += further.people
        self.paid += further.paid
        self.to_person += further.to_person
        self.largest_claim = max(self.largest_claim, further.largest_claim)
        self.largest_person = max(self.largest_person, further.largest_person)
        self.income = _added(self.income, further.income)
        for key, rule in further.rules.items():
            rule_sum = self.rules.setdefault(key, RuleSum(article=rule.article))
            rule_sum.lines += rule.lines
            rule_sum.base += rule.base
            rule_sum.amount += rule.amount


def _added(fees: int | None, more: int | None) -> int | None:
    if fees is None:
        return more
    return fees if more is None else fees + more


class MemberGroup(msgspec.Struct, kw_only=True):
    """A league's members, or those of one size of change: how many, better, worse, and what they are paid."""

    members: int = 0
    better: int = 0
    worse: int = 0
    before: int = 0
    after: int = 0

    def take(self, before: int, after: int) -> None:
        """Add one member."""
        self.members += 1
        self.better += after > before
        self.worse += after < before
        self.before += before
        self.after += after

    def merge(self, further: MemberGroup) -> None:
        """Take in what was counted elsewhere."""
        self.members += further.members
        self.better += further.better
        self.worse += further.worse
        self.before += further.before
        self.after += further.after


class BillChange(msgspec.Struct, frozen=True, kw_only=True):
    """One member's change. `who` is the member number where the caller asked for it, else empty."""

    before: int
    after: int
    claims: int
    league: str
    category: str
    order: int
    who: str = ""

    @property
    def change(self) -> int:
        """What the member gets more (negative: less)."""
        return self.after - self.before


class SimulatedBill(msgspec.Struct, kw_only=True):
    """One person under both sets of rules: estimates of the periods the draft is about, and those periods.

    `days` are the covered days, `fees` what is paid for them before and after (None: no fee is known). `first` and
    `last` are those days' ordinals. `order` tells people apart where changes are equally large.
    """

    order: int
    league: str
    category: str
    days: int
    first: int
    last: int
    fees: tuple[int | None, int | None]
    before: Sequence[BenefitEstimate] = ()
    after: Sequence[BenefitEstimate] = ()
    settlements: int = 0
    who: str = ""


class Figures(msgspec.Struct, kw_only=True):
    """The sums over all people. `kept` is how many of the largest changes are remembered in each direction; `waiting`
    what of these people's bills waits for an answer, of whatever day, and is in no sum."""

    kept: int = 10
    members: int = 0
    member_days: int = 0
    first: int = 0
    last: int = 0
    settlements: int = 0
    refused: int = 0
    waiting: WaitingBills = WaitingBills()
    before: RulesFigures = msgspec.field(default_factory=RulesFigures)
    after: RulesFigures = msgspec.field(default_factory=RulesFigures)
    total: MemberGroup = msgspec.field(default_factory=MemberGroup)
    leagues: dict[str, MemberGroup] = msgspec.field(default_factory=dict)
    sizes: dict[int, MemberGroup] = msgspec.field(default_factory=dict)
    changes: list[BillChange] = msgspec.field(default_factory=list)

    def take(self, person: SimulatedBill) -> None:
        """Add one person."""
        self.members += 1
        self.member_days += person.days
        self._cover(person.first, person.last)
        self.settlements += person.settlements
        self.before.income = _added(self.before.income, person.fees[0])
        self.after.income = _added(self.after.income, person.fees[1])
        before, after = self.before.take(person.before), self.after.take(person.after)
        self.total.take(before, after)
        _part(self.leagues, person.league).take(before, after)
        _part(self.sizes, size_of(after - before)).take(before, after)
        if before == after:
            return
        self.changes.append(
            BillChange(
                before=before,
                after=after,
                claims=max(len(person.before), len(person.after)),
                league=person.league,
                category=person.category,
                order=person.order,
                who=person.who,
            )
        )
        # Sorting now and then costs less than a heap at every change, and the list never grows beyond this.
        if len(self.changes) > 200 * max(1, self.kept):
            self.changes = self._largest()

    def _cover(self, first: int, last: int) -> None:
        if not self.first or first < self.first:
            self.first = first
        self.last = max(self.last, last)

    def _largest(self) -> list[BillChange]:
        ordered = sorted(self.changes, key=lambda change: (-change.change, change.order))
        gains = [change for change in ordered[: self.kept] if change.change > 0]
        losses = [change for change in ordered if change.change < 0]
        losses.sort(key=lambda change: (change.change, change.order))
        return gains + losses[: self.kept]

    def largest(self) -> list[BillChange]:
        """The largest changes: those who gain most first, then those who lose most."""
        return self._largest()

    def merge(self, further: Figures) -> None:
        """Take in the sums over other people."""
        self.members += further.members
        self.member_days += further.member_days
        if further.first:
            self._cover(further.first, further.last)
        self.settlements += further.settlements
        self.refused += further.refused
        self.waiting = self.waiting.plus(further.waiting)
        self.before.merge(further.before)
        self.after.merge(further.after)
        self.total.merge(further.total)
        for league, part in further.leagues.items():
            _part(self.leagues, league).merge(part)
        for size, part in further.sizes.items():
            _part(self.sizes, size).merge(part)
        self.changes = self.changes + further.changes
        self.changes = self._largest()


def _part(parts: dict[str, MemberGroup] | dict[int, MemberGroup], key: str | int) -> MemberGroup:
    group = parts.get(key)  # type: ignore[arg-type]
    if group is None:
        group = parts[key] = MemberGroup()  # type: ignore[index]
    return group


def size_of(change: int) -> int:
    """Which size of change: 0 for none, 1 … 7 for more and -1 … -7 for less, each larger than the one before."""
    return bisect_right(STEPS, change) if change >= 0 else -bisect_right(STEPS, -change)


def merged(parts: Iterable[Figures], largest: int) -> Figures:
    """The sums of several processes as one."""
    whole = Figures(kept=largest)
    for part in parts:
        whole.merge(part)
    return whole


def share(amount: int, numerator: int, denominator: int) -> int:
    """amount x numerator / denominator, half up; 0 where the denominator is."""
    return (2 * amount * numerator + denominator) // (2 * denominator) if denominator else 0


def earned(fee: Money, covered: int, total: int) -> int:
    """What of a period's fee belongs to `covered` of its `total` days, half up to the fen."""
    return share(fee, covered, total)


class RulePair(msgspec.Struct, frozen=True, kw_only=True):
    """One rule under both: its rates (None where it has none, or the other side has no such rule) and its sums."""

    rule: str
    benefit: str
    article: str
    rates: tuple[Decimal | None, Decimal | None]
    before: RuleSum
    after: RuleSum


def rule_pairs(before: RulesFigures, after: RulesFigures) -> list[RulePair]:
    """The lines of both sides beside each other, by rule, benefit, place and rate.

    A band whose rate alone changed is one pair. Where several rates share a place (whole-amount bands, rates raised
    by years), only lines of the same rate are put side by side.
    """
    places = {key[:3] for key in before.rules.keys() | after.rules.keys()}
    pairs = []
    for place in sorted(places):
        old = [key[3] for key in before.rules if key[:3] == place]
        new = [key[3] for key in after.rules if key[:3] == place]
        if len(old) == len(new) == 1:
            pairs.append(_pair(place, before.rules, after.rules, old[0], new[0]))
            continue
        for rate in sorted(set(old) | set(new), key=lambda rate: -1 if rate is None else rate):
            pairs.append(_pair(place, before.rules, after.rules, rate, rate))
    return pairs


def _pair(
    place: tuple[str, str, int],
    before: dict[RuleKey, RuleSum],
    after: dict[RuleKey, RuleSum],
    old: Decimal | None,
    new: Decimal | None,
) -> RulePair:
    rule_before, rule_after = before.get((*place, old)), after.get((*place, new))
    return RulePair(
        rule=place[0],
        benefit=place[1],
        article=(rule_before or rule_after or RuleSum()).article,
        rates=(old if rule_before else None, new if rule_after else None),
        before=rule_before or RuleSum(),
        after=rule_after or RuleSum(),
    )
