"""The telephone. Families share one, so another number speaks against nobody."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from gateway.core.masks import mask_phone
from gateway.core.match.compare.comparison import Blocking, Comparison, RecordSide
from gateway.core.match.writing.contacts import phone_digits
from gateway.model.decision import Candidate
from gateway.model.person import Particulars

_SHORTEST: Final = 7
"""Fewer digits are no telephone number."""


def _compare(record: RecordSide, member: Candidate) -> str:
    of_record, of_member = phone_digits(record.subject.phone or ""), phone_digits(member.phone or "")
    if len(of_record) < _SHORTEST or len(of_member) < _SHORTEST:
        return "missing"
    return "equal" if of_record == of_member else "differs"


def _by_chance(member: Candidate) -> Hashable:
    return member.phone


def _block(phone: str | None) -> str:
    digits = phone_digits(phone) if phone else ""
    return f"ph|{digits}" if len(digits) >= _SHORTEST else ""


def _of_member(member: Particulars, day: str) -> tuple[str, ...]:
    block = _block(member.phone)
    return (block,) if block else ()


def _of_record(record: RecordSide) -> str:
    return _block(record.subject.phone)


PHONE: Final = Comparison(
    field="phone",
    levels=("equal", "differs", "missing"),
    compare=_compare,
    record_field="phone",
    member_field="phone",
    by_chance=_by_chance,
    supports={"equal": "agrees"},
    blocking=Blocking(place=4, of_member=_of_member, of_record=_of_record),
    told_by_feeds=False,
    mask=mask_phone,
)
