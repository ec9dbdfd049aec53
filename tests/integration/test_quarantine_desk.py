"""What a clerk does with rows that could not be read: sees number and reason, the row with a trace, closes for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, adds_up, enrolled, everything, only, page, payable, row, take, who
from test_flow_quarantine import looking_elsewhere, reading

from gateway.errors import BadInput, WrongUse
from gateway.flow.batches.reconcile import reconcile
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.office import Office
from gateway.flow.reviewing import quarantined
from gateway.flow.reviewing.show import access_log
from gateway.store import quarantine

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def items(office: Office, **chosen: Any) -> list[tuple[int, int | None, str]]:
    return [(line.item, line.row, line.state) for line in quarantined.list_items(office, **chosen).quarantine]


def bad_days(*numbers: str) -> list[dict[str, Any]]:
    """Rows of members whose discharge is before their admission: numbers and money can be read."""
    return [row(number, 1, begndate="2021-07-10", enddate="2021-07-01") for number in numbers]


def test_a_retry_keeps_the_number_of_what_still_cannot_be_read(office: Office) -> None:
    broken = reading(office, "settlement_no", "nowhere")
    take(broken, "east", page(row("A1", 1), row("A2", 2)))
    before = items(office)
    for _ in range(2):
        assert (retry_quarantine(broken).tried, items(office)) == (2, before)
    # What is solved is closed, and nothing else is.
    assert items(office, state="closed") == []
    assert retry_quarantine(office).solved == 2
    assert items(office) == []
    assert items(office, state="closed") == [(item, place, "closed") for item, place, _ in before]


def test_a_page_keeps_its_number_too(office: Office) -> None:
    broken = looking_elsewhere(office)
    take(broken, "east", page(row("A1", 1)))
    before = items(office)
    assert [place for _, place, _ in before] == [None]
    retry_quarantine(broken)
    assert items(office) == before
    assert retry_quarantine(office).solved == 1
    assert items(office) == []


def test_the_number_of_a_settlement_is_told_and_the_row_only_with_a_trace(office: Office) -> None:
    take(office, "east", page(row("A9", 9), *bad_days("A1")))
    line = only(quarantined.list_items(office).quarantine)
    assert (line.row, line.settlement_no, line.amount) == (2, "A1", "20000.00")
    assert [error.code for error in line.errors] == ["date_order"]
    shown = quarantined.show(office, line.item)
    assert (shown.settlement_no, shown.values, shown.revealed) == ("A1", {}, False)
    assert access_log(office) == []
    plain = quarantined.reveal(office, line.item, by="甲")
    assert plain.values["setl_id"] == "A1"
    assert plain.values["psn_name"] == who(1).name
    [access] = access_log(office)
    assert (access["item_id"], access["by"], access["what"]) == (line.item, "甲", "quarantine")
    # Doubts are numbered by themselves: what was seen of another thing of that number is not about them.
    assert access_log(office, item_id=line.item) == []
    with pytest.raises(BadInput):
        quarantined.reveal(office, line.item, by=" ")
    assert len(access_log(office)) == 1


def test_a_persons_number_in_the_place_of_a_settlements_is_masked(office: Office) -> None:
    take(office, "east", page(*bad_days("150999198001010017")))
    assert only(quarantined.list_items(office).quarantine).settlement_no == "150999********0017"


def test_the_beginning_of_a_page_that_cannot_be_read_is_shown(office: Office) -> None:
    take(looking_elsewhere(office), "east", page(row("A1", 1)))
    item = only(quarantined.list_items(office).quarantine).item
    assert '"setl_id":"A1"' in quarantined.reveal(office, item, by="甲").values["page"].replace(" ", "")


def test_groups_count_what_has_one_thing_wrong(office: Office) -> None:
    take(office, "east", page(*bad_days("A1", "A2"), row("A3", 1, medfee_sumamt="much")))
    take(office, "west", page(*bad_days("B1")))
    counted = {
        (group.feed, group.code, group.field): (group.items, group.amount) for group in quarantined.groups(office)
    }
    assert counted["east", "date_order", "discharged_on"] == (2, "40000.00")
    assert counted["west", "date_order", "discharged_on"] == (1, "20000.00")
    assert counted["east", "not_an_amount", "total_amount"] == (1, "0.00")
    group = next(each for each in quarantined.groups(office) if each.items == 2)
    assert quarantined.groups(office)[0] == group
    version = office.mappings["national"].language.version
    assert (group.group, group.version) == (f"east/national@{version}/date_order/discharged_on", version)
    assert len(quarantined.items_of_group(office, group.group)) == 2
    with pytest.raises(WrongUse, match="nowhere"):
        quarantined.items_of_group(office, "nowhere")


def test_what_will_never_be_right_is_closed_with_a_reason_and_counts_as_before(office: Office) -> None:
    take(office, "east", page(*bad_days("A1", "A2"), row("A9", 9)))
    second, first = (line.item for line in quarantined.list_items(office).quarantine)
    assert quarantined.close(office, [first], by="甲", reason="医院已作废") == 1
    assert [item for item, _, _ in items(office)] == [second]
    line = only(quarantined.list_items(office, state="closed").quarantine)
    assert (line.item, line.state, line.closed_by, line.reason) == (first, "closed", "甲", "医院已作废")
    with office.store.read() as tx:
        assert quarantine.count_open(tx) == 1
    assert adds_up(office) == {"quarantined": 2, "stranger": 1}
    assert not [sheet.differences for sheet in reconcile(office) if sheet.differences]
    # All that waits is read again; what was closed only where it is named, and it stays closed.
    assert retry_quarantine(office).tried == 1
    assert retry_quarantine(office, [first]) == type(retry_quarantine(office))(tried=1, solved=0)
    assert only(quarantined.list_items(office, state="closed").quarantine).reason == "医院已作废"
    assert "医院已作废" not in str(everything(office))
    assert quarantined.reopen(office, [first]) == 1
    assert sorted(item for item, _, _ in items(office)) == sorted((first, second))


def test_what_was_closed_and_comes_again_right_is_paid_and_counted_once(office: Office) -> None:
    take(office, "east", page(*bad_days("A1")))
    quarantined.close(office, [only(items(office))[0]], by="甲", reason="已退回盟市")
    take(office, "east", page(row("A1", 1), request="again"))
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert adds_up(office) == {"member": 1, "superseded": 1}
    assert items(office, state="closed") == []
    assert len(items(office, state="superseded")) == 1


def test_what_expires_with_its_page_is_reported_only_where_it_still_waited(office: Office) -> None:
    [seq] = take(office, "east", page(*bad_days("A1", "A2")))
    quarantined.close(office, [items(office)[0][0]], by="甲", reason="已作废")
    with office.store.write() as tx:
        assert quarantine.expire(tx, [seq]) == 1
    assert [state for _, _, state in items(office, state="expired")] == ["expired"] * 2


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_closed_without_a_reason(office: Office, reason: str) -> None:
    take(office, "east", page(*bad_days("A1")))
    item = only(items(office))[0]
    before = everything(office)
    with pytest.raises(WrongUse):
        quarantined.close(office, [item], by="甲", reason=reason)
    with pytest.raises(WrongUse, match=str(item + 7)):
        quarantined.close(office, [item, item + 7], by="甲", reason="错")
    with pytest.raises(WrongUse):
        quarantined.reopen(office, [item])
    assert everything(office) == before


def test_the_list_says_how_many_there_are_and_goes_on(office: Office) -> None:
    take(office, "east", page(*bad_days(*(f"A{number}" for number in range(5)))))
    first = quarantined.list_items(office, limit=2)
    assert (first.total, first.more, [line.row for line in first.quarantine]) == (5, True, [5, 4])
    second = quarantined.list_items(office, limit=3, below=first.quarantine[-1].item)
    assert (second.total, second.more, [line.row for line in second.quarantine]) == (5, False, [3, 2, 1])
