"""Match record lines against a roster in memory: `hubao match try`, and the same decisions as at night."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeAlias

import msgspec

from gateway.core.match.blocks import member_blocks, member_numbers, number_looked_up, record_blocks
from gateway.core.match.deciding import match
from gateway.core.match.model import Model
from gateway.core.roster import RosterMember, one_holder
from gateway.model.decision import Candidate, MatchDecision
from gateway.model.national_id import normalise_id
from gateway.model.person import CONTROLS, Subject, particulars_of

_Found: TypeAlias = Candidate | list[Candidate]


_LINE: Final = msgspec.defstruct("Line", [(name, Any, None) for name in ("settlement_no", *Subject.__struct_fields__)])
"""As much of a record as matching reads. A value of another kind than the contract's counts as missing."""

_WRAPPED_LINE: Final = msgspec.defstruct("WrappedLine", [("record", _LINE)])
"""A line of `hubao normalise`."""


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
                candidate = _candidate(member, index, index)
                for number in member_numbers(candidate):
                    _put(self._by_number, number, candidate)
                for block in member_blocks(candidate):
                    _put(self._by_block, block, candidate)

    def decide(self, subject: Subject) -> MatchDecision:
        """The decision the night would make about this record, had it learnt nothing before."""
        candidates = list(_all(self._by_number, (number_looked_up(subject.id_type, subject.id_number or ""),)))
        if not candidates:
            blocked = _all(self._by_block, record_blocks(subject, sound_too=self._looks_further))
            candidates = list({candidate.member_id: candidate for candidate in blocked}.values())
        return match(subject, candidates, self._model)

    def answer(self, line: bytes) -> dict[str, Any]:
        """The decision about one JSON line, `{"record": {…}}` or the bare record. Never raises for bad input."""
        record = _read(line)
        if record is None:
            return {
                "settlement_no": None,
                "outcome": "none",
                "member_no": None,
                "score": 0.0,
                "reasons": ["unreadable_record"],
            }
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
    indexed = index.setdefault(key, candidate)
    if isinstance(indexed, list):
        indexed.append(candidate)
    elif indexed is not candidate:
        index[key] = [indexed, candidate]


def _all(index: dict[str, _Found], keys: Iterable[str]) -> Iterable[Candidate]:
    for key in keys:
        indexed = index.get(key)
        if isinstance(indexed, list):
            yield from indexed
        elif indexed is not None:
            yield indexed


def _read(line: bytes) -> Any:
    """A line with the fields of `_LINE`; None where it is no record."""
    try:
        return msgspec.json.decode(line, type=_WRAPPED_LINE).record  # type: ignore[attr-defined]
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return msgspec.json.decode(line, type=_LINE)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _subject(record: Any) -> Subject:
    values: dict[str, Any] = {}
    for field in Subject.__struct_fields__:
        text = _text(getattr(record, field))
        values[field] = _READERS[field](text) if text is not None and field in _READERS else text
    return Subject(**values)


def _text(value: object) -> str | None:
    """A text without what no system meant to send: NUL and other control characters at its ends."""
    return value.strip(CONTROLS) or None if isinstance(value, str) else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _sex(text: str) -> str | None:
    return text if text in ("M", "F") else None


def _number(text: str) -> str | None:
    """The number as a row is asked by: half-width, upper case X, an old one in its 15 digits."""
    return normalise_id(text) or None


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {"id_number": _number, "sex": _sex, "birth_date": _date}
"""How fields are read that are not text as it stands."""
