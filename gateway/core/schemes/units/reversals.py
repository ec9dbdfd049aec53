"""Reversals (退费冲正): which settlements still stand.

A reversal names its original by `reverses` or by its own settlement number; without a known number the
original is the one live settlement of the same visit with the same total, signs apart. Whatever is not that
clear leaves the original standing with a flag, and a person decides.

The order is that of certainty. Named reversals go first: what they take away is no candidate for the others any more,
which often leaves those a single one. Then each that finds exactly one settlement of its total. Only when nothing more
can be taken away for certain is the rest doubted, and what was taken away by then is doubted no longer.
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


def reversed_among(records: Sequence[SettlementRecord]) -> frozenset[int]:
    """Positions of the settlements that were taken back in full."""
    return standing_of(records).reversed


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
        unmatched = []
        for reversal in unnamed:
            candidates = self._live_with_same_total(reversal)
            if len(candidates) == 1:
                self.gone.add(candidates[0])
            else:
                unmatched.append(reversal)
        for reversal in unmatched:
            live, candidates = self._live(reversal), self._live_with_same_total(reversal)
            # One settlement of another total was refunded in part; several, or several alike, leave it open which.
            self._doubt(candidates or live, PARTIAL if len(live) == 1 and not candidates else UNCLEAR)
        doubtful = {at: flag for at, flag in self.doubtful.items() if at not in self.gone}
        return StandingRecords(reversed=frozenset(self.gone), doubtful=doubtful)

    def _by_name(self, reversal: SettlementRecord) -> bool:
        """True when the reversal names a number: nothing else is looked for then, even if the original is unknown."""
        if reversal.reverses is None and reversal.settlement_no not in self.by_number:
            return False
        originals = self.by_number.get(reversal.reverses or reversal.settlement_no, [])
        if len(originals) > 1:
            # Two feeds may use the same number for different settlements; the facility tells them apart.
            facility = reversal.facility_no
            originals = [at for at in originals if self.records[at].facility_no == facility] or originals
        if len(originals) != 1:
            self._doubt(originals, UNCLEAR)
        elif _same_total(reversal, self.records[originals[0]]):
            self.gone.add(originals[0])
        else:
            self._doubt(originals, PARTIAL)
        return True

    def _live_with_same_total(self, reversal: SettlementRecord) -> list[int]:
        # Only the amount speaks for the original here, so an amount that is not known says nothing.
        live = [at for at in self._live(reversal) if self.records[at].total_amount is not None]
        return [at for at in live if reversal.total_amount is not None and _same_total(reversal, self.records[at])]

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
