"""What the tests of review share: a doubt that is a doubt under every model, and what people answer."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Who, only, page, row, rows_of, take, who

from gateway.core.reviewing import Answer
from gateway.errors import BadInput
from gateway.flow.office import Office
from gateway.flow.reviewing.decide import ReviewAnswer, ReviewResult, decide, undo
from gateway.flow.reviewing.show import list_items
from gateway.store import schema

SMALL: dict[str, Any] = {"medfee_sumamt": "9000.00", "inscp_scp_amt": "8000.00", "fund_pay_sumamt": "3000.00"}
"""A settlement that one person may decide about: 5,000 yuan within scope left to pay."""

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}
STRANGE = "陌路人"


def wrong_name(number: str, serial: int, name: str = STRANGE, **changes: Any) -> dict[str, Any]:
    """A row with a member's number and somebody else's name: always a doubt, never a match."""
    return row(number, Who(name, who(serial).id_number), **{**SMALL, **changes})


def asked(office: Office, *rows: dict[str, Any], feed: str = "east", **fields: Any) -> int:
    """Take in a page with one doubt; returns its number."""
    before = {each["item_id"] for each in list_items(office)}
    take(office, feed, page(*rows, **fields))
    return int(only([each["item_id"] for each in list_items(office) if each["item_id"] not in before]))


def say(office: Office, item: int, answer: Answer, *, by: str = "甲", **how: Any) -> ReviewResult:
    """Somebody answers."""
    return decide(office, item, ReviewAnswer(answer=answer, by=by, **how))


def choose(office: Office, item: int, member_no: str, **how: Any) -> ReviewResult:
    """Somebody says it is a member nothing speaks for, and somebody else confirms it."""
    first = say(office, item, "same", by="甲", member_no=member_no, although_different=True, **how)
    assert first.state == "proposed"
    return say(office, item, "same", by="乙", confirm=True)


def take_back(office: Office, item: int, *, by: str = "甲") -> ReviewResult:
    """Somebody takes the answer back."""
    return undo(office, item, by=by)


def states(office: Office) -> dict[int, str]:
    """Item → state."""
    return {each["item_id"]: each["state"] for each in rows_of(office, schema.review)}


def refused(code: str) -> Any:
    """An answer that is refused for this reason."""
    return pytest.raises(BadInput, match=code)
