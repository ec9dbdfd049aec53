"""Match record lines against a roster in memory: `hubao match try`, and the same decisions as at night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.core.match.certain import match
from gateway.core.roster import RosterMember
from gateway.model.decision import Candidate
from gateway.model.national_id import normalise_id, to_18


class _Line(msgspec.Struct):
    """As much of a record as matching reads."""

    settlement_no: str | None = None
    name: str | None = None
    id_type: str | None = None
    id_number: str | None = None


class _Wrapped(msgspec.Struct):
    """A line of `hubao normalise`."""

    record: _Line


class Trial:
    """A roster to match against; every member is his own person unless he shares an id number with another."""

    def __init__(self, people: Sequence[RosterMember]) -> None:
        self._by_number: dict[str, list[Candidate]] = {}
        persons: dict[str, int] = {}
        for index, member in enumerate(people, 1):
            if not member.opt_out:
                candidate = Candidate(
                    member_id=index,
                    person_id=persons.setdefault(member.id_number, index),
                    member_no=member.member_no,
                    name=member.name,
                    id_number=member.id_number,
                )
                self._by_number.setdefault(member.id_number, []).append(candidate)

    def answer(self, line: bytes) -> dict[str, Any]:
        """The decision about one JSON line, `{"record": {…}}` or the bare record. Never raises for bad input."""
        record = _read(line)
        if record is None:
            return _unreadable()
        number = _number(record)
        decision = match(number, record.name, self._by_number.get(number or "", ()))
        return {
            "settlement_no": record.settlement_no,
            "outcome": decision.outcome.value,
            "member_no": decision.member.member_no if decision.member else None,
            "score": decision.score,
            "reasons": list(decision.reasons),
        }


def _read(line: bytes) -> _Line | None:
    try:
        return msgspec.json.decode(line, type=_Wrapped).record
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _number(record: _Line) -> str | None:
    """The id number as members' are kept: half-width, upper case X, 18 digits."""
    if record.id_number is None:
        return None
    number = normalise_id(record.id_number)
    if record.id_type in (None, "01") and len(number) == 15 and number.isdigit():
        return to_18(number)
    return number or None


def _unreadable() -> dict[str, Any]:
    return {
        "settlement_no": None,
        "outcome": "none",
        "member_no": None,
        "score": 0.0,
        "reasons": ["unreadable_record"],
    }
