"""What a person who decides a doubt is shown and may answer: masks, side by side, what is remembered. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, Literal

import msgspec

from gateway.core.masks import mask_text, same_typing
from gateway.core.match import COMPARISONS, Model, explain, match
from gateway.model.decision import Candidate, MatchDecision, MatchOutcome
from gateway.model.member import Member
from gateway.model.person import Subject
from gateway.model.record import SettlementRecord
from gateway.words.evidence import IDENTITY_FIELDS

Answer = Literal["same", "different", "unsure", "agree", "refuse", "noted", "original", "none", "keep", "take", "both"]

ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = {
    "match": ("same", "different", "unsure"),
    "takeback": ("agree", "refuse", "unsure"),
    "decided_before": ("noted", "unsure"),
    "contradiction": ("noted", "unsure"),
    "refund": ("original", "none", "unsure"),
    "repeat": ("same", "different", "unsure"),
    "hold": (),
    "approval": ("agree", "refuse", "unsure"),
    "changed": ("keep", "take", "both", "unsure"),
}
"""Kind of item → what may be said about it."""

_WHOLE: Final = re.compile(r"[A-Z0-9]{6,}")
"""A number of any document with nothing masked or lost in it."""

_SEPARATOR: Final = "\x1f"


# ── who decides ──


def needs_second(amount: int, *, above: int, although_different: bool = False) -> bool:
    """Whether "the same" needs a second person: about a settlement of so many fen, or against all evidence."""
    return although_different or abs(amount) > above


def same_clerk(name: str, known_as: str) -> bool:
    """Whether two names are one person's at this desk, however they are typed."""
    return same_typing(name, known_as)


# ── one member alone ──

_ALWAYS_TOLD: Final = ("id_number", "name")


def alone(subject: Subject, candidate: Candidate, model: Model) -> MatchDecision:
    """What matching makes of one member, with what was compared even where that is no reason to look at the member."""
    decision = match(subject, [candidate], model)
    if decision.outcome is not MatchOutcome.NONE:
        return decision
    evidence = explain(subject, candidate, model)
    # The codes of a waterfall: number and name, and whatever else says something for or against.
    compared = [part for part in evidence if part.field in _ALWAYS_TOLD]
    compared += [part for part in evidence if part.field not in (*_ALWAYS_TOLD, "prior") and part.level != "missing"]
    reasons = tuple(f"{part.field}_{'agrees' if part.level == 'equal' else part.level}" for part in compared)
    return msgspec.structs.replace(decision, evidence=evidence, reasons=reasons)


# ── what is remembered ──


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The texts whose keyed digests are remembered: for "this is the member", and for "this is not"."""

    same: str
    different: str


def memory_of(subject: Subject | None, settlement: str) -> Memory:
    """What a ruling about this evidence may be remembered by. `settlement` names the one settlement.

    With a whole number the number, name, birth date and sex are the evidence; with a person number of 医保, that
    too. Without either, "this is the member" holds for this one settlement only: name and birth date alone are never
    enough (design §5.6). Where the evidence cannot be read, the ruling is about the settlement alone.
    """
    if subject is None:
        text = _text("settlement", settlement)
        return Memory(same=text, different=text)
    number = subject.id_number or ""
    identity = (number, subject.name, subject.birth_date, subject.sex)
    if _WHOLE.fullmatch(number):
        text = _text("number", *identity)
        return Memory(same=text, different=text)
    if subject.person_no:
        text = _text("person", subject.person_no, *identity)
        return Memory(same=text, different=text)
    all_there_is = (*identity, subject.employer_name, subject.phone)
    return Memory(same=_text("settlement", settlement, *all_there_is), different=_text("weak", *all_there_is))


def _text(kind: str, *parts: str | date | None) -> str:
    return _SEPARATOR.join([kind, *("" if part is None else str(part) for part in parts)])


# ── side by side ──


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One field of record and member. verdict: agrees | differs | missing (on either side)."""

    field: str
    label: str
    record: str | None
    member: str | None
    verdict: str


_COMPARED_IN: Final = {comparison.record_field: comparison for comparison in COMPARISONS}
_IN_CLEAR: Final = "id_type"
"""The kind of document is no evidence, since a number is of one kind, but what the numbers beside it are."""


def side_by_side(subject: Subject, member: Member, *, reveal: bool) -> list[Pair]:
    """Every field that says who a person is, of record and member; masked unless revealed."""
    pairs = []
    for field, label in IDENTITY_FIELDS.items():
        member_field, mask, same_text = _seen_as(field)
        record_says, member_says = _value(subject, field), _value(member, member_field)
        if record_says is None and member_says is None:
            continue
        verdict = "missing"
        if record_says is not None and member_says is not None:
            verdict = "agrees" if same_text(record_says, member_says) else "differs"
        if not reveal and field != _IN_CLEAR:
            record_says, member_says = (value if value is None else mask(value) for value in (record_says, member_says))
        pairs.append(Pair(field=field, label=label, record=record_says, member=member_says, verdict=verdict))
    return pairs


def _seen_as(field: str) -> tuple[str, Callable[[str], str], Callable[[str, str], bool]]:
    """The member's field beside a record's, how it is masked, and whether two values say the same."""
    comparison = _COMPARED_IN.get(field)
    if comparison is None:
        return field, mask_text, same_typing
    return comparison.member_field, comparison.mask, comparison.same_text


def _value(holder: Subject | Member, name: str) -> str | None:
    value = getattr(holder, name, None) if name else None
    return None if value is None or value == "" else str(value)


def context_of(record: SettlementRecord) -> dict[str, str | None]:
    """What else a person may want to know of a settlement: where, when and what kind; nothing that says who."""
    return {
        "facility": record.facility_name or record.facility_no,
        "care_type": record.care_type,
        "admitted_on": record.admitted_on.isoformat() if record.admitted_on else None,
        "discharged_on": record.discharged_on.isoformat() if record.discharged_on else None,
    }
