"""What clerks see: the claims at their desk without personal data, and one claim's form with all that was done."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

import msgspec

from gateway.core.claims.levels import DeskLevel, level_due
from gateway.errors import BrokenSeal, WrongUse
from gateway.flow.delivery.claims import show_claim, summary
from gateway.flow.desk.hands import desk_of, in_hand, name_of_level, step_note_context
from gateway.flow.office import Office
from gateway.model.money import yuan
from gateway.settings.desks import DeskSpec
from gateway.store import claim_lists, desk, payments, recoveries
from gateway.store.desk import Cursor, DeskChoice, DeskClaim, DeskState, DeskStep
from gateway.store.values import from_ms
from gateway.words.desk import AMOUNT_REASONS, PAPERS, REFUSALS, STEP_STATES, STEPS

__all__ = ["DeskPage", "DeskSearch", "DeskState", "list_desk", "show_form", "steps_of"]

_CURSOR: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.(\S{1,40})", re.ASCII)


class DeskSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which claims a clerk looks for; None: whichever. `level`: the name of one, of the levels of the league."""

    association: str
    league: str | None = None
    state: DeskState | None = None
    level: str | None = None


class DeskPage(msgspec.Struct, frozen=True, kw_only=True):
    """Claims by their last day to claim, most urgent first; how many in all and what they ask for (yuan); the cursor to
    go on behind, None at the end."""

    claims: list[dict[str, Any]]
    total: int
    payable: str
    next: str | None


def list_desk(office: Office, search: DeskSearch, *, after: str | None = None, limit: int = 100) -> DeskPage:
    """The claims at the desk. Raises WrongUse for an association without one, a league or level that is none."""
    spec = desk_of(office, search.association)
    cursor = _place(after) if after is not None else None
    level = _level_meant(spec, search)
    with office.store.read() as tx:
        if search.league is not None and search.league not in (leagues := claim_lists.leagues(tx, search.association)):
            named = "、".join(leagues) or "无 (none)"
            raise WrongUse(f"名册里没有盟市 {search.league}；有：{named} (no such league on the roster)")
        choice = DeskChoice(association=search.association, league=search.league, state=search.state, level=level)
        rows = desk.listing(tx, choice, after=cursor, limit=limit + 1)
        total, payable = desk.count(tx, choice)
    more = len(rows) > limit
    last = rows[limit - 1].claim if more else None
    return DeskPage(
        claims=[_shown(spec, row, office.now().date()) for row in rows[:limit]],
        total=total,
        payable=yuan(payable),
        next=f"{last.claim_by or '9999-12-31'}.{last.claim_id}" if last is not None else None,
    )


def _place(after: str) -> Cursor:
    cursor = _CURSOR.fullmatch(after)
    if cursor is None:
        raise WrongUse("--after 应为上一页给出的位置 (--after: the place the page before gave)")
    return cursor[1], cursor[2]


def _level_meant(spec: DeskSpec, search: DeskSearch) -> int | None:
    if search.level is None:
        return None
    names = [level.name for level in spec.levels_of(search.league)]
    if search.level not in names:
        level_names = "、".join(names) or "无 (none)"
        raise WrongUse(f"没有层级 {search.level}；有：{level_names} (no such level for this league)")
    return names.index(search.level)


def _shown(spec: DeskSpec, row: DeskClaim, today: date) -> dict[str, Any]:
    """A claim without personal data: who has it, and until when."""
    levels = spec.levels_of(row.league)
    open_now = row.state in ("waiting", "second_person")
    due = _due(levels, row) if open_now else None
    return {
        **summary(row.claim),
        "member_no": row.member_no,
        "league": row.league,
        "state": row.state,
        "level": name_of_level(levels, row.level, spec) if open_now or row.state == "papers" else None,
        "due_on": due,
        "late": due is not None and due < today,
        "granted": yuan(row.granted) if row.granted is not None else None,
        "has_account": row.has_account,
    }


def _due(levels: tuple[DeskLevel, ...], row: DeskClaim) -> date | None:
    """The last day of the level that has it; None where no clock runs."""
    since = row.since if row.since is not None else row.received
    if not levels or since is None:
        return None
    level = levels[min(row.level or 0, len(levels) - 1)]
    due = level_due(level, from_ms(since).date(), complex_claim=bool(row.claim.flags))
    return due.day if due is not None else None


def show_form(office: Office, claim_id: str, *, by: str) -> dict[str, Any]:
    """A claim in full for the clerk who decides it: form data, all that was done, and what may be answered. That
    somebody looks is written down first. Raises WrongUse."""
    with in_hand(office, claim_id, by) as hand:
        hand.write_step("seen")
        levels, holder, papers = hand.levels, hand.holder, hand.place.papers
    with office.store.read() as tx:
        steps = desk.steps_of(tx, claim_id)
        account = payments.account_of(tx, claim_id)
        asked_back = recoveries.of_claim(tx, claim_id)
    return {
        **show_claim(office, claim_id),
        "levels": [level.name for level in levels],
        "level": holder,
        "papers": {code: PAPERS[code] for code in papers.split(",") if code},
        "has_account": account is not None,
        "steps": [_step(office, step) for step in steps],
        "recoveries": [row.recovery_id for row in asked_back],
        "may_answer": {"refusals": REFUSALS, "amount_reasons": AMOUNT_REASONS, "papers": PAPERS},
    }


def steps_of(office: Office, claim_id: str) -> list[dict[str, Any]]:
    """What was done about a claim, by whom, when; oldest first."""
    with office.store.read() as tx:
        return [_step(office, step) for step in desk.steps_of(tx, claim_id)]


def _step(office: Office, step: DeskStep) -> dict[str, Any]:
    note = None
    if step.note is not None:
        try:
            note = office.vault.open(bytes(step.note), step_note_context(step.claim_id)).decode()
        except BrokenSeal:
            # A note that does not open hides nothing else of its step.
            note = "（打不开）"
    return {
        "at": from_ms(step.at).isoformat(),
        "by": step.by,
        "what": step.what,
        "words": STEPS.get(step.what, step.what),
        "state": step.state,
        "state_words": STEP_STATES[step.state],
        "level": step.level,
        "version": step.version,
        "amount": yuan(step.amount) if step.amount is not None else None,
        "code": step.code,
        "note": note,
    }
