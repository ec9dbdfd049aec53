"""Members and records for the tests of matching: one man and his record, changed as a test needs."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from gateway.core.match import Model
from gateway.model.decision import Candidate
from gateway.model.national_id import check_digit
from gateway.model.person import Subject
from gateway.settings.matching import load_model

MODELS = Path(__file__).resolve().parents[2] / "config" / "matching"
BORN = date(1980, 5, 12)


@cache
def model() -> Model:
    """The newest model shipped."""
    return load_model(MODELS)


def id_number(born: date = BORN, order: int = 123, region: str = "150999") -> str:
    """An invented number; an odd order is a man's."""
    body = f"{region}{born:%Y%m%d}{order:03d}"
    return body + check_digit(body)


NUMBER = id_number()


def member(**changes: Any) -> Candidate:
    """李伟国, a man born on BORN, or as changed."""
    particulars: dict[str, Any] = {
        "member_id": 1,
        "person_id": 1,
        "member_no": "M1",
        "name": "李伟国",
        "id_number": NUMBER,
        "sex": "M",
        "birth_date": BORN,
        "unit_name": "乌海市晨光矿业有限责任公司",
        "phone": "19900000001",
    }
    return Candidate(**{**particulars, **changes})


def record(**changes: Any) -> Subject:
    """What a league writes about him, or as changed."""
    particulars: dict[str, Any] = {
        "id_type": "01",
        "id_number": NUMBER,
        "name": "李伟国",
        "sex": "M",
        "birth_date": BORN,
    }
    return Subject(**{**particulars, **changes})


def with_digit(number: str, at: int) -> str:
    """The number with another digit at one place."""
    return number[:at] + str((int(number[at]) + 1) % 10 if number[at] != "X" else 1) + number[at + 1 :]


def swapped(number: str, at: int) -> str:
    """The number with two neighbours in the other order."""
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
