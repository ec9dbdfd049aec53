"""Reversals (退费冲正): which settlements still stand.

A reversal names its original by `reverses` or by its own settlement number; without a known number the
original is the one live settlement of the same visit with the same total, signs apart. Whatever is not that
clear leaves the original standing with a flag, and a person decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from gateway.model.record import SettlementRecord

PARTIAL = "partial_reversal"
UNCLEAR = "reversal_unclear"


class StandingRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What reversals leave: positions of reversed settlements, and position → flag for the doubtful ones."""

    reversed: frozenset[int] = frozenset()
    doubtful: dict[int, str] = {}


_ALL_STAND = StandingRecords()


def standing_of(records: Sequence[SettlementRecord]) -> StandingRecords:
    """Which settlements are reversed in full, and which only in part or doubtfully."""
    for record in records:
        if record.reversal:
            return _ReversalMatching(records).standing()
    return _ALL_STAND


class _ReversalMatching:
    """Works through the reversals: those that name a number first, then those that only share a visit."""

    def __init__(self, records: Sequence[SettlementRecord]) -> None:
        self.records = records
        self.gone: set[int] = set()
        self.doubtful: dict[int, str] = {}
        self.by_number: dict[str, list[int]] = defaultdict(list)
        self.by_visit: dict[tuple[str | None, str], list[int]] = defaultdict(list)
        for at, record in enumerate(records):
            if not record.reversal:
                self.by_number[record.settlement_no].append(at)
                if record.visit_no is not None:
                    self.by_visit[(record.facility_no, record.visit_no)].append(at)

    def standing(self) -> StandingRecords:
        unnamed = [record for record in self.records if record.reversal and not self._by_name(record)]
        unmatched = [record for record in unnamed if not self._by_same_total(record)]
        for record in unmatched:
            self._doubt_the_visit(record)
        doubtful = {at: flag for at, flag in self.doubtful.items() if at not in self.gone}
        return StandingRecords(reversed=frozenset(self.gone), doubtful=doubtful)

    def _by_name(self, reversal: SettlementRecord) -> bool:
        """True when the reversal names a number: it is then settled here, even if the original is unknown."""
        if reversal.reverses is None and reversal.settlement_no not in self.by_number:
            return False
        named = self.by_number.get(reversal.reverses or reversal.settlement_no, [])
        originals = self._nearest(reversal, named)
        if len(originals) == 1:
            self._take_back(reversal, originals[0])
        else:
            self._doubt(originals, UNCLEAR)
        return True

    def _nearest(self, reversal: SettlementRecord, originals: list[int]) -> list[int]:
        # Two feeds may use the same number for different settlements; the facility tells them apart.
        if len(originals) < 2:
            return originals
        return [at for at in originals if self.records[at].facility_no == reversal.facility_no] or originals

    def _take_back(self, reversal: SettlementRecord, original: int) -> None:
        if _same_total(reversal, self.records[original]):
            self.gone.add(original)
        else:
            self._doubt([original], PARTIAL)

    def _by_same_total(self, reversal: SettlementRecord) -> bool:
        """True when exactly one live settlement of the visit has the total of this reversal."""
        same = self._live_with_same_total(reversal)
        if len(same) == 1:
            self.gone.add(same[0])
        return len(same) == 1

    def _doubt_the_visit(self, reversal: SettlementRecord) -> None:
        live, same = self._live(reversal), self._live_with_same_total(reversal)
        if same:
            self._doubt(same, UNCLEAR)
        else:
            self._doubt(live, PARTIAL if len(live) == 1 else UNCLEAR)

    def _live_with_same_total(self, reversal: SettlementRecord) -> list[int]:
        # Only the amount speaks for the original here, so an amount that is not known says nothing.
        if reversal.total_amount is None:
            return []
        return [at for at in self._live(reversal) if _same_known_total(reversal, self.records[at])]

    def _live(self, reversal: SettlementRecord) -> list[int]:
        if reversal.visit_no is None:
            return []
        visit = (reversal.facility_no, reversal.visit_no)
        return [at for at in self.by_visit.get(visit, []) if at not in self.gone]

    def _doubt(self, originals: Iterable[int], flag: str) -> None:
        for at in originals:
            # A partial refund is certain knowledge about one settlement, an unclear one is not.
            if self.doubtful.get(at) != PARTIAL:
                self.doubtful[at] = flag


def _same_total(reversal: SettlementRecord, original: SettlementRecord) -> bool:
    """Signs apart: some feeds flag a refund and leave its amounts positive. One without total is whole."""
    if reversal.total_amount is None or original.total_amount is None:
        return True
    return abs(reversal.total_amount) == abs(original.total_amount)


def _same_known_total(reversal: SettlementRecord, original: SettlementRecord) -> bool:
    return original.total_amount is not None and _same_total(reversal, original)
