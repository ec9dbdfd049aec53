"""What becomes of claims: the difference a person is shown before it is written, and what of it takes away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.core.changes.values import Changes, Known
from gateway.model.claim import ClaimStatus, PrefilledClaim

ClaimMove: TypeAlias = Literal["new", "raised", "lowered", "withdrawn", "amended"]


class ClaimChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What becomes of one claim. `was`, `becomes`: payable in fen, None where the claim is not in force then; `why`:
    the reason of a withdrawal or the flags of the new version, codes joined by commas."""

    claim_id: str
    association: str
    person_id: int
    member_id: int
    scheme: str
    was: int | None
    becomes: int | None
    why: str = ""

    @property
    def move(self) -> ClaimMove:
        """new, raised, lowered, withdrawn, or amended where the money stays."""
        if self.was is None:
            return "new"
        if self.becomes is None:
            return "withdrawn"
        if self.becomes == self.was:
            return "amended"
        return "raised" if self.becomes > self.was else "lowered"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of the claims of some people, in order of claim id. Nothing where nothing changes."""

    claims: tuple[ClaimChange, ...] = ()

    def of(self, *moves: ClaimMove) -> list[ClaimChange]:
        """The claims that change in one of these ways."""
        return [claim for claim in self.claims if claim.move in moves]

    @property
    def taken(self) -> list[ClaimChange]:
        """The claims by which something is taken away from a person: withdrawn or lowered, but for those that are only
        told in another claim of the same person and scheme."""
        losing = _losing(self.claims)
        return [claim for claim in self.of("withdrawn", "lowered") if _account(claim) in losing]

    @property
    def members(self) -> set[int]:
        """The members (member_id) whose claims change."""
        return {claim.member_id for claim in self.claims}

    @property
    def money(self) -> tuple[int, int]:
        """What all claims that change come to, in fen, before and after."""
        return sum(claim.was or 0 for claim in self.claims), sum(claim.becomes or 0 for claim in self.claims)

    @property
    def lost(self) -> int:
        """By how much the claims withdrawn or lowered go down, in fen, as a positive number."""
        return sum((claim.was or 0) - (claim.becomes or 0) for claim in self.taken)

    def plus(self, further: Difference) -> Difference:
        """This and the difference of other people."""
        return Difference(claims=tuple(sorted((*self.claims, *further.claims), key=lambda claim: claim.claim_id)))


def _account(claim: ClaimChange) -> tuple[int, str]:
    return claim.person_id, claim.scheme


def _losing(claims: Iterable[ClaimChange]) -> set[tuple[int, str]]:
    """The (person, scheme) from whom something is taken: a claim is withdrawn or lowered. A claim whose stay is
    told in another from now on takes nothing where the sum does not fall."""
    of_account: dict[tuple[int, str], list[ClaimChange]] = defaultdict(list)
    for claim in claims:
        of_account[_account(claim)].append(claim)
    losing = set()
    for account, changed in of_account.items():
        moves = {claim.move for claim in changed if claim.why not in ELSEWHERE}
        if not moves.isdisjoint(("withdrawn", "lowered")) or net(changed) < 0:
            losing.add(account)
    return losing


def net(claims: Iterable[ClaimChange]) -> int:
    """By how much these claims rise (or fall, where it is negative) in all, in fen."""
    return sum((claim.becomes or 0) - (claim.was or 0) for claim in claims)


MERGED: Final = "merged"
"""Why a claim is withdrawn whose stay became part of another claim's."""

TOLD_ELSEWHERE: Final = "told_elsewhere"
"""Why a claim is withdrawn whose bills repeat what another feed told first, or what a person found to be the same: the
stay is another claim's."""

ELSEWHERE: Final = frozenset((MERGED, TOLD_ELSEWHERE))
"""Reasons that say that a stay is told in another claim from now on."""


def difference_of(knowledge: Known, changes: Changes) -> Difference:
    """What these changes make of the claims that were known."""
    before = {claim.claim_id: claim for of_person in knowledge.claims.values() for claim in of_person.values()}
    return difference_between(before, [*changes.new_claims, *changes.changed_claims])


def difference_of_changed(knowledge: Known, changes: Changes) -> Difference:
    """The same, without the people who only have new claims: nothing can be taken from them."""
    people = {claim.person_id for claim in changes.changed_claims}
    before = {claim.claim_id: claim for person in people for claim in knowledge.claims[person].values()}
    coming = [claim for claim in changes.new_claims if claim.person_id in people]
    return difference_between(before, [*coming, *changes.changed_claims])


def difference_between(before: Mapping[str, PrefilledClaim], after: Sequence[PrefilledClaim]) -> Difference:
    """What becomes of the claims `before` (claim id → claim) where `after` holds them otherwise, or new ones."""
    changed = [_claim_change(before.get(claim.claim_id), claim) for claim in after]
    changes = [claim for claim in changed if claim is not None]
    return Difference(claims=tuple(sorted(changes, key=lambda claim: claim.claim_id)))


def _claim_change(before: PrefilledClaim | None, after: PrefilledClaim) -> ClaimChange | None:
    was, becomes = _in_force(before), _in_force(after)
    if (was is None and becomes is None) or (before is not None and before.version == after.version):
        return None
    return ClaimChange(
        claim_id=after.claim_id,
        association=after.association,
        person_id=after.person_id,
        member_id=after.member_id,
        scheme=after.scheme,
        was=was,
        becomes=becomes,
        why=after.flags,
    )


def _in_force(claim: PrefilledClaim | None) -> int | None:
    return claim.payable if claim is not None and claim.status != ClaimStatus.WITHDRAWN else None
