"""A claim in a clerk's hands: locked, looked at, and with it whatever is written down about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

import msgspec

from gateway.core.claims.levels import DeskLevel
from gateway.core.signing import clerk
from gateway.errors import BadInput, WrongUse
from gateway.flow.office import Office
from gateway.model.claim import PrefilledClaim
from gateway.settings.desks import DeskSpec
from gateway.store import claims, desk, members, people, roster
from gateway.store.claims import ClaimDecisionRow
from gateway.store.desk import DeskCase, DeskStep, StepState
from gateway.store.engine import Tx, lock
from gateway.store.values import to_ms
from gateway.vault import context_for

_LONGEST_NOTE = 500

step_note_context = context_for("claim_step", "note")


class ClaimInHand(msgspec.Struct, frozen=True, kw_only=True):
    """One claim in the hands of one person, in one transaction that holds the roster and the person. `levels` is
    empty where the association's file names none for the league."""

    tx: Tx
    office: Office
    by: str
    row: PrefilledClaim
    spec: DeskSpec
    league: str | None
    levels: tuple[DeskLevel, ...]
    steps: list[DeskStep]
    decision: ClaimDecisionRow | None

    @property
    def place(self) -> DeskCase:
        """Where the claim is; before anybody has touched it, at the first level since it was received."""
        placed = desk.case_of(self.tx, self.row.claim_id)
        if placed is not None:
            return placed
        since = desk.received_at(self.tx, self.row.claim_id) or to_ms(self.office.now())
        return DeskCase(claim_id=self.row.claim_id, association=self.row.association, level=0, since=since)

    @property
    def holder(self) -> str:
        """The name of the level that has it."""
        return name_of_level(self.levels, self.place.level, self.spec)

    def place_at(self, level: int, *, papers: str = "") -> None:
        """It is at this level from now on, and its clock begins."""
        now = to_ms(self.office.now())
        place = DeskCase(
            claim_id=self.row.claim_id, association=self.row.association, level=level, since=now, papers=papers
        )
        desk.put_case(self.tx, place)

    def write_step(
        self,
        what: str,
        *,
        state: StepState = "done",
        amount: int | None = None,
        code: str = "",
        note: str | None = None,
    ) -> None:
        """Write down what this person did; the level is the one that has the claim now."""
        step = DeskStep(
            claim_id=self.row.claim_id,
            association=self.row.association,
            version=self.row.version,
            what=what,
            by=self.by,
            at=to_ms(self.office.now()),
            state=state,
            level=self.holder,
            amount=amount,
            code=code,
            note=sealed_note(self.office, self.row.claim_id, note),
        )
        desk.add_step(self.tx, step)


_OF_OWN_SYSTEM: Final = DeskSpec(two_persons_above=Decimal(0))


def name_of_level(levels: tuple[DeskLevel, ...], level: int | None, spec: DeskSpec) -> str:
    """Who has a claim at this level; a level the file no longer has is its last."""
    return levels[min(level or 0, len(levels) - 1)].name if levels else spec.held_by_default


def desk_of(office: Office, association: str) -> DeskSpec:
    """The desk of an association. Raises WrongUse where its file has none: it decides in a system of its own."""
    spec = office.associations[association].desk if association in office.associations else None
    if spec is None:
        raise WrongUse(
            f"协会 {association} 不在网关内核定：config/associations/{association}.toml 没有 [desk]"
            " (this association does not decide here: its file has no [desk])"
        )
    return spec


def check_reason(code: str | None, allowed: dict[str, str], note: str | None, *, what: str) -> str:
    """A code of a list. Raises BadInput, naming what is allowed."""
    if code not in allowed:
        raise BadInput("not_valid", f"{what}应为：{'、'.join(allowed)} (one of these codes)")
    if code == "other" and not (note or "").strip():
        raise BadInput("not_valid", f"{what}为 other 时须写备注 (other needs a note)")
    return str(code)


def sealed_note(office: Office, claim_id: str, note: str | None) -> bytes | None:
    """A note as it is kept. Raises BadInput for one that is too long."""
    if note is None or not note.strip():
        return None
    if len(note) > _LONGEST_NOTE:
        raise BadInput("not_valid", f"备注最多{_LONGEST_NOTE}字 (the note is too long)")
    return office.vault.roster_key().seal(note.strip().encode(), step_note_context(claim_id))


def payments_lock(association: str) -> str:
    """The lock under which lists of an association's payments are made, and its claims decided."""
    return f"payments:{association}"


@contextmanager
def in_hand(office: Office, claim_id: str, by: str, *, wherever: bool = False) -> Iterator[ClaimInHand]:
    """A transaction with one claim in the hands of `by`: committed at the end, or nothing of it. `wherever` it is
    decided: also where the association decides in a system of its own.

    Raises WrongUse for a claim that is not there, or whose association does not decide here; BadInput for a name that
    is none.
    """
    name = clerk(by)
    with office.store.read() as tx:
        rows = claims.by_ids(tx, [claim_id])
    if not rows:
        raise WrongUse(f"没有申领 {claim_id} (no such claim)")
    own_system = wherever and office.associations[rows[0].association].desk is None
    spec = _OF_OWN_SYSTEM if own_system else desk_of(office, rows[0].association)
    with office.store.write() as tx:
        # No list of payments is made meanwhile. Then the roster, then the person, like everybody who takes both.
        lock(tx, payments_lock(rows[0].association))
        roster.version(tx, [rows[0].association], hold=True)
        people.lock(tx, [rows[0].person_id])
        [row] = claims.by_ids(tx, [claim_id])
        [member] = members.by_id(tx, [row.member_id])
        yield ClaimInHand(
            tx=tx,
            office=office,
            by=name,
            row=row,
            spec=spec,
            league=member.league,
            levels=spec.levels_of(member.league),
            steps=desk.steps_of(tx, claim_id),
            decision=claims.decisions(tx, [claim_id]).get(claim_id),
        )
