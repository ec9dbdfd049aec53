"""Match record lines against a roster in memory: `hubao match try`, and the same decisions as at night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypeAlias

import msgspec

from gateway.core.match.blocks import member_blocks, record_blocks
from gateway.core.match.deciding import match
from gateway.core.match.model import Model
from gateway.core.roster import RosterMember, one_holder
from gateway.model.decision import Candidate, MatchDecision, Subject
from gateway.model.national_id import looked_up_as, normalise_id
from gateway.model.person import particulars_of

_Found: TypeAlias = Candidate | list[Candidate]


class _Line(msgspec.Struct):
    """As much of a record as matching reads. A value of another kind than the contract's counts as missing."""

    settlement_no: Any = None
    name: Any = None
    id_type: Any = None
    id_number: Any = None
    sex: Any = None
    birth_date: Any = None
    person_no: Any = None
    employer_name: Any = None
    phone: Any = None


class _Wrapped(msgspec.Struct):
    """A line of `hubao normalise`."""

    record: _Line


class Trial:
    """A roster to match against, indexed in memory as the database indexes it. It learns nothing from a record.

    `looks_further`: whether a record whose number is sound and nobody's is looked for by name and birth date too.
    """

    def __init__(self, people: Sequence[RosterMember], model: Model, *, looks_further: bool = False) -> None:
        self._model, self._looks_further = model, looks_further
        self._by_number: dict[str, _Found] = {}
        self._by_block: dict[str, _Found] = {}
        # Whoever opted out under one member number takes part under none of his others.
        out = {one_holder(member) for member in people if member.opt_out}
        numbers = {number for number, _ in out}
        for index, member in enumerate(people, 1):
            # Coverage plays no part here, so nothing tells whether two member numbers are one person: a person says.
            if member.id_number not in numbers or one_holder(member) not in out:
                self._take(_candidate(member, index, index))

    def _take(self, candidate: Candidate) -> None:
        _put(self._by_number, candidate.id_number, candidate)
        for block in member_blocks(candidate):
            _put(self._by_block, block, candidate)

    def decide(self, subject: Subject) -> MatchDecision:
        """The decision the night would make about this record, had it learnt nothing before."""
        found = list(_all(self._by_number, (looked_up_as(subject.id_type, subject.id_number or ""),)))
        if not found:
            blocked = _all(self._by_block, record_blocks(subject, sound_too=self._looks_further))
            found = list({candidate.member_id: candidate for candidate in blocked}.values())
        return match(subject, found, self._model)

    def answer(self, line: bytes) -> dict[str, Any]:
        """The decision about one JSON line, `{"record": {…}}` or the bare record. Never raises for bad input."""
        record = _read(line)
        if record is None:
            return _unreadable()
        decision = self.decide(_subject(record))
        return {
            "settlement_no": _text(record.settlement_no),
            "outcome": decision.outcome.value,
            "member_no": decision.member.member_no if decision.member else None,
            "score": decision.score,
            "reasons": list(decision.reasons),
        }


def read_line(line: bytes) -> tuple[str | None, Subject] | None:
    """Settlement number and subject of one JSON line; None for a line that is no record."""
    record = _read(line)
    return None if record is None else (_text(record.settlement_no), _subject(record))


def candidate_of(member: RosterMember, member_id: int, person_id: int) -> Candidate:
    """A roster's member as matching knows him."""
    return _candidate(member, member_id, person_id)


def _candidate(member: RosterMember, member_id: int, person_id: int) -> Candidate:
    return Candidate(
        member_id=member_id,
        person_id=person_id,
        member_no=member.member_no,
        **particulars_of(member),
    )


def _put(index: dict[str, _Found], key: str, candidate: Candidate) -> None:
    """Most keys have one member: a list is made only for the second, which halves the memory of a large roster."""
    there = index.setdefault(key, candidate)
    if isinstance(there, list):
        there.append(candidate)
    elif there is not candidate:
        index[key] = [there, candidate]


def _all(index: dict[str, _Found], keys: Iterable[str]) -> Iterable[Candidate]:
    for key in keys:
        there = index.get(key)
        if isinstance(there, list):
            yield from there
        elif there is not None:
            yield there


def _read(line: bytes) -> _Line | None:
    try:
        return msgspec.json.decode(line, type=_Wrapped).record
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _subject(record: _Line) -> Subject:
    id_type = _text(record.id_type)
    sex = _text(record.sex)
    return Subject(
        id_type=id_type,
        id_number=_number(_text(record.id_number)),
        name=_text(record.name),
        sex=sex if sex in ("M", "F") else None,
        birth_date=_date(_text(record.birth_date)),
        person_no=_text(record.person_no),
        employer_name=_text(record.employer_name),
        phone=_text(record.phone),
    )


def _text(value: object) -> str | None:
    return value or None if isinstance(value, str) else None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _number(text: str | None) -> str | None:
    """The number as a row is asked by: half-width, upper case X, an old one in its 15 digits."""
    return normalise_id(text) or None if text else None


def _unreadable() -> dict[str, Any]:
    return {
        "settlement_no": None,
        "outcome": "none",
        "member_no": None,
        "score": 0.0,
        "reasons": ["unreadable_record"],
    }
