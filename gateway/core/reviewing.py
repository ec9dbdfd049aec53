"""What a person who decides a doubt is shown and may answer: masks, side by side, what is remembered. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final, Literal

import msgspec

from gateway.core.match import Model, explain, match, plain_name
from gateway.model.decision import Candidate, MatchDecision, MatchOutcome, Subject
from gateway.model.member import Coverage, Member
from gateway.model.record import SettlementRecord
from gateway.words.evidence import IDENTITY_FIELDS

Answer = Literal["same", "different", "unsure", "agree", "refuse", "noted"]

ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = {
    "match": ("same", "different", "unsure"),
    "takeback": ("agree", "refuse", "unsure"),
    "decided_before": ("noted", "unsure"),
    "contradiction": ("noted", "unsure"),
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
    return _typed(name) == _typed(known_as)


def _typed(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


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


def mask_name(name: str) -> str:
    """张建国 → 张*国; of two characters, and of one, only the first or none stays."""
    if len(name) < 3:
        return name[:1] + "*" if len(name) == 2 else "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str) -> str:
    """The region and the last four of a number of 15 characters or more; less of a shorter one."""
    return _middle(number, 6, 4) if len(number) >= 15 else mask_text(number)


def mask_phone(phone: str) -> str:
    """138****1234."""
    return _middle(phone, 3, 4) if len(phone) >= 11 else mask_text(phone)


def mask_date(day: str) -> str:
    """1980-05-01 → 1980-**-**."""
    return day[:4] + "-**-**"


def mask_text(text: str) -> str:
    """At most two characters at each end; at least half stays hidden."""
    ends = min(2, len(text) // 4)
    return _middle(text, ends, ends)


def _middle(text: str, first: int, last: int) -> str:
    return text[:first] + "*" * (len(text) - first - last) + (text[-last:] if last else "")


def _same_text(record: str, member: str) -> bool:
    return _typed(record) == _typed(member)


def _same_name(record: str, member: str) -> bool:
    return plain_name(record) == plain_name(member)


def _open(text: str) -> str:
    """What needs no mask."""
    return text


_FIELDS: Final[tuple[tuple[str, str, Callable[[str], str], Callable[[str, str], bool]], ...]] = (
    ("name", "name", mask_name, _same_name),
    ("id_type", "id_type", _open, _same_text),
    ("id_number", "id_number", mask_number, _same_text),
    ("sex", "sex", _open, _same_text),
    ("birth_date", "birth_date", mask_date, _same_text),
    ("employer_name", "unit_name", mask_text, _same_text),
    ("phone", "phone", mask_phone, _same_text),
    ("person_no", "", mask_number, _same_text),
)
"""Field of the record, field of the member, mask, and whether two values say the same."""


def side_by_side(subject: Subject, member: Member, *, reveal: bool) -> list[Pair]:
    """Every field that says who a person is, of record and member; masked unless revealed."""
    pairs = []
    for record_field, member_field, mask, agree in _FIELDS:
        values = (_value(subject, record_field), _value(member, member_field))
        if values == (None, None):
            continue
        record, enrolled = values
        verdict = "missing"
        if record is not None and enrolled is not None:
            verdict = "agrees" if agree(record, enrolled) else "differs"
        shown = [value if reveal or value is None else mask(value) for value in values]
        label = IDENTITY_FIELDS[record_field]
        pairs.append(Pair(field=record_field, label=label, record=shown[0], member=shown[1], verdict=verdict))
    return pairs


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


# ── two members, one person ──


def union_order(period: Coverage) -> tuple[str, date, int]:
    """Which of two periods that share a day keeps it: the one that begins first, then the longer one."""
    return period.scheme, period.first_day, -period.last_day.toordinal()


def union_of_coverage(coverage: Sequence[Coverage]) -> tuple[Coverage, ...]:
    """The periods of several enrolments of one person as periods that share no day, scheme by scheme.

    The period that begins first keeps its days; one that begins inside it covers what is left of it after that, and
    one that lies inside it adds nothing (保障期并集).
    """
    ordered = sorted(coverage, key=union_order)
    union: list[Coverage] = []
    for _, periods in groupby(ordered, key=lambda period: period.scheme):
        last: date | None = None
        for period in periods:
            if last is None or period.first_day > last:
                union.append(period)
            elif period.last_day > last:
                union.append(msgspec.structs.replace(period, first_day=date.fromordinal(last.toordinal() + 1)))
            last = union[-1].last_day
    return tuple(union)
