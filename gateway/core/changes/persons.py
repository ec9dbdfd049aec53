"""A person as a scheme sees one: enrolments, records that stand, facts, and which records repeat another feed's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.core.roster.coverage import union_of_coverage, union_order
from gateway.core.schemes import Insured
from gateway.model.benefit import BenefitEstimate, Fact
from gateway.model.member import Coverage, Member
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass

# A member of an enum asked of its class costs as much as ten look-ups, and this is asked of every record.
_MEMBER, _DUPLICATE = RowClass.MEMBER, RowClass.DUPLICATE


class HeldRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A member's settlement with what the gateway knows of its coming: stored (`record_id`) or about to be.

    `key`: the keyed digest of its number and sign; `received_on`: ISO day in Asia/Shanghai; `amount` in fen with its
    sign; `duplicate`: as it is stored; `sealed`: the record's box where it is made already; `first`: the place where
    its number came first as this person's, where that is another one. `record` is None only where the stored box does
    not open.
    """

    record: SettlementRecord | None
    key: bytes
    association: str
    feed: str
    person_id: int
    member_id: int
    page_seq: int
    row: int
    received_on: str
    amount: int
    record_id: int | None = None
    duplicate: bool = False
    sealed: bytes | None = None
    first: tuple[int, int] | None = None

    @property
    def row_class(self) -> RowClass:
        """How its row is counted as long as nothing changes."""
        return _DUPLICATE if self.duplicate else _MEMBER

    @property
    def place(self) -> tuple[int, int]:
        """Page and row: records are in the order of their places, whatever order pages were worked in."""
        return self.page_seq, self.row

    @property
    def first_place(self) -> tuple[int, int]:
        """Where its number came first as this person's: what repeats what does not change when one is sent again."""
        return self.first or self.place


class PersonFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person who is locked: all enrolments, all stored records, the facts that count.

    `unreadable`: something stored about the person does not open, so nothing may be concluded about the claims.
    """

    person_id: int
    association: str
    members: list[Member]
    records: list[HeldRecord]
    facts: tuple[Fact, ...] = ()
    unreadable: bool = False

    @property
    def enrolled(self) -> list[Member]:
        """The enrolments but those that opted out, in order of member number. There may be none left."""
        taking_part = [member for member in self.members if not member.opt_out]
        return sorted(taking_part, key=_member_no) if len(taking_part) > 1 else taking_part

    @property
    def first_member_id(self) -> int | None:
        """The enrolment a question about the person names, whether it takes part or not."""
        return min(self.members, key=_member_no).member_id if self.members else None


def _member_no(member: Member) -> str:
    return member.member_no


def duplicates_among(records: Sequence[HeldRecord]) -> list[bool]:
    """For each record of one person, whether it repeats one of another feed's: the same facility, dates and total as
    the one received first (design §5.2). Within one feed nothing is a duplicate; a correction has the same number."""
    if len({settlement.feed for settlement in records}) < 2:
        return [False] * len(records)
    repeats = [False] * len(records)
    first: dict[Any, HeldRecord] = {}
    for index in sorted(range(len(records)), key=lambda index: records[index].first_place):
        settlement = records[index]
        record = settlement.record
        if record is None or record.facility_no is None or record.admitted_on is None:
            continue
        content = (record.facility_no, record.admitted_on, record.discharged_on, record.total_amount, record.reversal)
        repeats[index] = first.setdefault(content, settlement).feed != settlement.feed
    return repeats


def insured(person: PersonFile, scheme: str) -> Insured:
    """The person as a scheme sees one: the union of all enrolments' coverage."""
    enrolled = person.enrolled
    if not enrolled:
        return Insured()
    first = enrolled[0]
    if len(enrolled) == 1:
        coverage = tuple(period for period in first.coverage if period.scheme == scheme)
    else:
        # Days that two enrolments share are covered once; within one enrolment they are a contradiction.
        coverage = union_of_coverage([period for _, period in _periods(enrolled, scheme)])
    return Insured(category=first.category, sex=first.sex, birth_date=first.birth_date, coverage=coverage)


def _periods(enrolled: Iterable[Member], scheme: str) -> Iterator[tuple[Member, Coverage]]:
    """Every period in a scheme with whose it is, in the category that enrolment has there."""
    for member in enrolled:
        for period in member.coverage:
            if period.scheme == scheme:
                yield member, period if period.category else msgspec.structs.replace(period, category=member.category)


def claimant(person: PersonFile, estimate: BenefitEstimate, parts: Sequence[HeldRecord], scheme: str) -> Member:
    """The enrolment a claim names: the one whose period pays, as the union of coverage has it; where none does, one
    the settlements were matched to."""
    enrolled = person.enrolled
    if len(enrolled) == 1:
        return enrolled[0]
    day = estimate.period_from
    if day is not None:
        covering = [pair for pair in _periods(enrolled, scheme) if pair[1].first_day <= day <= pair[1].last_day]
        if covering:
            return min(covering, key=lambda pair: union_order(pair[1]))[0]
    ids = {settlement.member_id for settlement in parts}
    return next((member for member in enrolled if member.member_id in ids), enrolled[0])
