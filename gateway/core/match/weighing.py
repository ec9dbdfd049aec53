"""Weigh a record against one member: every field's level, and the sum of their weights (Fellegi and Sunter)."""

from __future__ import annotations

from datetime import date
from math import exp2, log2
from typing import Final

import msgspec

from gateway.core.match.model import Frequencies, Model, SameNumber, log_odds
from gateway.core.match.writing.contacts import compare_employers, phone_digits
from gateway.core.match.writing.names import compare_names
from gateway.core.match.writing.numbers import Number, compare_numbers, covers_birth
from gateway.core.match.writing.spelling import folded, plain_name
from gateway.model.decision import Candidate, Evidence, Subject
from gateway.model.national_id import birth_date_of, checksum_ok, sex_of

_BY_FREQUENCY: Final = frozenset(
    ("equal", "variant", "transcribed", "cut", "rare_lost", "rare_homophone", "rare_spelt", "folk_surname")
)
# What agrees because the number agrees is no evidence of its own: the number holds the birth date, and a card that
# somebody else uses brings its owner's sex, employer and telephone with it.
_NOTHING: Final[frozenset[str]] = frozenset()
_IN_NUMBER: Final = frozenset(("birth_date",))
_WITH_CARD: Final = frozenset(("birth_date", "sex", "employer", "phone", "person_no"))

EARLIEST_BIRTH: Final = 1905
"""An earlier birth date is a placeholder (1900-01-01) and says nothing."""


class Weighed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record against one member: the level of each field, bits of evidence, posterior."""

    member: Candidate
    number: str
    name: str
    birth_date: str
    sex: str
    employer: str
    phone: str
    person_no: str
    evidence: tuple[Evidence, ...]
    posterior: float

    @property
    def order(self) -> tuple[float, int, bool, str, int]:
        """Best first, the same for every order of candidates and of the roster, which numbers members inside. Of two
        enrolments under one number the one of the record's employer."""
        employer = ("equal", "similar").index(self.employer) if self.employer in ("equal", "similar") else 2
        return -self.posterior, employer, self.phone != "equal", self.member.member_no, self.member.member_id


def weigh(subject: Subject, number: Number, member: Candidate, model: Model) -> Weighed:
    """Compare every field and add up what it is worth."""
    on_number = compare_numbers(number, member.id_number)
    levels = {
        "id_number": on_number,
        "name": compare_names(subject.name, member.name) if subject.name and member.name else "missing",
        "birth_date": birth_level(subject, number, member),
        "sex": sex_level(subject, number, member),
        "employer": _both(subject.employer_name, member.unit_name) or "missing",
        "phone": _phone_level(subject.phone, member.phone),
        "person_no": "known" if subject.person_no and subject.person_no in member.person_nos else "missing",
    }
    if on_number == "equal" and model.same_number is not None:
        evidence = _on_the_number(levels, model, model.same_number)
    else:
        counted = _WITH_CARD if on_number == "equal" else _IN_NUMBER if covers_birth(number, on_number) else _NOTHING
        evidence = _waterfall(levels, model, member, counted)
    return Weighed(
        member=member,
        number=levels.pop("id_number"),
        evidence=evidence,
        posterior=_posterior(evidence[-1].running),
        **levels,
    )


def birth_level(subject: Subject, number: Number, member: Candidate) -> str:
    """The record's birth date (its field, else its number if that is sound or shows it) against the member's."""
    born, written = member_birth(member), written_birth(subject)
    if written is None and number.kind in ("sound", "masked"):
        written = number.born
    if born is None or written is None:
        return "missing"
    if born == written:
        return "equal"
    if born.year == written.year and (born.month, born.day) == (written.day, written.month):
        return "swapped"
    return "year" if (born.month, born.day) == (written.month, written.day) else "differs"


def sex_level(subject: Subject, number: Number, member: Candidate) -> str:
    """The record's sex (its field, else its sound number) against the member's."""
    theirs = sex_of(member.id_number) if checksum_ok(member.id_number) else member.sex
    ours = subject.sex or number.sex
    if ours is None or theirs is None:
        return "missing"
    return "equal" if ours == theirs else "differs"


def member_birth(member: Candidate) -> date | None:
    """A member's birth date: what his number says, else his roster's."""
    return birth_date_of(member.id_number) if checksum_ok(member.id_number) else member.birth_date


def written_birth(subject: Subject) -> date | None:
    """The record's birth date field, unless it is a placeholder."""
    born = subject.birth_date
    return born if born is not None and born.year >= EARLIEST_BIRTH else None


def share_of(name: str, frequencies: Frequencies) -> float:
    """How common a name is, as a share of the population: counted, or put together from its characters."""
    plain = folded(plain_name(name))
    share = frequencies.names.get(plain)
    if share is None:
        share = frequencies.surnames.get(plain[:1], frequencies.other_surname)
        for character in plain[1:]:
            share *= frequencies.given.get(character, frequencies.other_given)
        share *= frequencies.single_given if len(plain) == 2 else 1.0
    return max(share, frequencies.floor)


def _both(record: str | None, member: str | None) -> str | None:
    return compare_employers(record, member) if record and member else None


def _phone_level(record: str | None, member: str | None) -> str:
    ours, theirs = phone_digits(record or ""), phone_digits(member or "")
    if len(ours) < 7 or len(theirs) < 7:
        return "missing"
    return "equal" if ours == theirs else "differs"


def _waterfall(
    levels: dict[str, str], model: Model, member: Candidate, counted: frozenset[str]
) -> tuple[Evidence, ...]:
    """Every field's weight and the sum; what the number already said (`counted`) may only contradict it."""
    running = log_odds(model.prior)
    steps = [Evidence(field="prior", level="", weight=round(running, 3), running=round(running, 3))]
    for field, level in levels.items():
        weight = model.weights[field][level]
        if field == "name" and level in _BY_FREQUENCY and model.knows("name", level):
            weight += log2(model.levels["name"]["equal"].u / share_of(member.name, model.frequencies))
        if weight > 0 and field in counted:
            weight = 0.0
        running += weight
        steps.append(Evidence(field=field, level=level, weight=round(weight, 3), running=round(running, 3)))
    return tuple(steps)


def _on_the_number(levels: dict[str, str], model: Model, same: SameNumber) -> tuple[Evidence, ...]:
    """The same where the number is a member's: how often it is he who stands under it, then what tells him from
    somebody who uses his card."""
    running = log_odds(model.prior)
    steps = [Evidence(field="prior", level="", weight=round(running, 3), running=round(running, 3))]
    for field, level in levels.items():
        weight = same.weights.get(field, {}).get(level, 0.0)
        if field == "id_number":
            weight = log_odds(same.prior) - running
        running += weight
        steps.append(Evidence(field=field, level=level, weight=round(weight, 3), running=round(running, 3)))
    return tuple(steps)


def _posterior(bits: float) -> float:
    return round(1 / (1 + exp2(-max(min(bits, 60.0), -60.0))), 6)
