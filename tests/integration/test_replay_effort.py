"""Reading a feed's pages again takes as much a page, however many pages there are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, adds_up, enrolled, everything, page, row, take
from sqlalchemy import event

from gateway.core.normalise import compile_mapping
from gateway.core.normalise.language import FieldRule
from gateway.flow.batches.rereading import replay, reread, with_mapping
from gateway.flow.office import Office

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def day(number: int) -> list[dict[str, Any]]:
    """A member's stay of its own, twenty strangers, and a stay that every page tells once more."""
    begin = f"2021-{7 + number // 10:02d}-{1 + number % 10:02d}"
    own = {"begndate": begin, "enddate": begin, "setl_time": f"{begin} 10:00:00", "ipt_days": 1}
    strangers = [row(f"S{number}/{at}", 1000 + at) for at in range(20)]
    return [row(f"A{number}", 1, **own), row("B1", 2, inscp_scp_amt=f"{15000 + number}.00"), *strangers]


def effort(office: Office, pages: range) -> Counter[str]:
    """Statements while these pages and all before them are read again: `lists` open the lists of the whole feed."""
    take(office, "east", *(page(*day(number)) for number in pages))
    statements: Counter[str] = Counter()

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Of the lists of the whole feed only the statement that reads them says so.
        whole = "batch" in statement and "sealed" in statement and "feed" in statement
        statements["lists" if whole else "other"] += 1

    event.listen(office.store.engine, "before_cursor_execute", count)
    reread(office, "east")
    event.remove(office.store.engine, "before_cursor_execute", count)
    return statements


def test_the_lists_of_a_feed_are_opened_as_often_for_many_pages_as_for_few(office: Office) -> None:
    few, many = effort(office, range(4)), effort(office, range(4, 12))
    # Once to see which numbers come again, once to see where; before, every page opened the lists of all pages.
    assert (few["lists"], many["lists"]) == (2, 2)
    # Every page tells B1 again, so the pages that are looked into grow with their number; nothing else does.
    assert many["other"] / 12 <= few["other"] / 4 * 3


def test_what_comes_of_it_is_the_same(office: Office) -> None:
    take(office, "east", *(page(*day(number)) for number in range(4)))
    before = everything(office)
    assert not reread(office, "east").differs
    assert everything(office) == before


def test_a_number_that_can_be_read_only_now_is_looked_for_in_every_list(office: Office) -> None:
    """Its row came first, so it is a member's that stands, and the stranger's that came later waits beside it."""
    take(office, "east", page({**row("A1", 1), "setl_id": None, "second_id": "A1"}), page(row("A1", 9)))
    language = office.mapping_of("east").language
    rule = msgspec.structs.replace(language.fields.get("settlement_no", FieldRule()), sources=("setl_id", "second_id"))
    mended = msgspec.structs.replace(
        language, version=language.version + 1, fields={**language.fields, "settlement_no": rule}
    )
    replay(with_mapping(office, "east", compile_mapping(mended)), "east")
    assert adds_up(office) == {"member": 1, "review": 1}
