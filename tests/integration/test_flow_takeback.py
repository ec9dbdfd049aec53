"""A feed whose file is replaced: a newer file of the same name takes back what it no longer holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    Who,
    adds_up,
    empty,
    enrolled,
    everything,
    in_batches,
    keep_page,
    live,
    only,
    open_items,
    page,
    payable,
    records,
    row,
    rows_of,
    take,
    tallies,
    truth,
    versions,
    who,
)

from gateway.flow.batches.reconcile import reconcile
from gateway.flow.batches.replay import rescan
from gateway.flow.intake import work as ingest
from gateway.flow.intake.night import work_waiting
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.page import Fetched
from gateway.store import pages, schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds={**FILES, **EAST_AND_WEST})
    enrolled(office, 1, 2, 3)
    return office


def parts(*contents: list[dict[str, Any]], name: str = "day1.json", revision: int = 1) -> list[Fetched]:
    """A file as the folder hands it over, in parts."""
    return [
        page(*rows, request=f"{name}:{revision}:{at}", source=name, part=at, parts=len(contents))
        for at, rows in enumerate(contents, 1)
    ]


def drop(office: Office, *contents: list[dict[str, Any]], name: str = "day1.json", revision: int = 1) -> list[int]:
    return take(office, "files", *parts(*contents, name=name, revision=revision))


def replaced(office: Office) -> list[int | None]:
    return [each["replaced_by"] for each in rows_of(office, schema.page)]


ONE, TWO, THREE, STRANGER = row("A1", 1), row("A2", 2), row("A3", 3), row("A9", 9)


def test_a_corrected_file_replaces_the_older_one(office: Office) -> None:
    drop(office, [ONE, TWO, STRANGER])
    drop(office, [row("A1", 1, inscp_scp_amt="16000.00"), TWO, STRANGER], revision=2)
    assert payable(office) == [("H15099900001/VA1", 289000), ("H15099900001/VA2", 249000)]
    assert adds_up(office) == {"member": 2, "stranger": 1, "superseded": 3}
    assert replaced(office) == [2, None]


def test_a_persons_number_in_a_file_s_name_is_not_kept_and_its_correction_is_still_known(office: Office) -> None:
    name, alike = "day_150999198001010017.json", "day_150999197505050017.json"
    drop(office, [ONE, TWO], name=name)
    drop(office, [THREE], name=alike)
    drop(office, [ONE], name=name, revision=2)
    assert [claim for claim, _ in payable(office)] == ["H15099900001/VA1", "H15099900001/VA3"]
    first, other, corrected = (page["source"] for page in rows_of(office, schema.page))
    assert first == corrected != other
    kept = str([rows_of(office, table) for table in schema.metadata.sorted_tables])
    assert "day_150999********0017~" in kept
    assert "19800101" not in kept


def test_rows_that_vanished_are_taken_back(office: Office) -> None:
    drop(office, [ONE, TWO, STRANGER, row("A8", 8)])
    claim = next(each["claim_id"] for each in live(office) if each["stay"].endswith("VA2"))
    drop(office, [ONE, STRANGER], revision=2)
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert versions(office, claim)[-1][:2] == (2, "withdrawn")
    assert adds_up(office) == {"member": 1, "stranger": 1, "superseded": 4}


def test_another_file_takes_nothing_back(office: Office) -> None:
    drop(office, [ONE, TWO])
    drop(office, [THREE], name="day2.json")
    assert replaced(office) == [None, None]
    assert adds_up(office) == {"member": 3}


def test_a_page_without_a_file_takes_nothing_back(office: Office) -> None:
    take(office, "files", page(ONE, TWO), page(THREE))
    assert adds_up(office) == {"member": 3}


def test_a_feed_that_does_not_replace_takes_nothing_back(office: Office) -> None:
    take(office, "east", *parts([ONE, TWO]), *parts([ONE], revision=2))
    assert adds_up(office) == {"member": 2, "superseded": 1}
    assert len(live(office)) == 2


def test_a_settlement_that_moved_to_another_file_is_not_taken_back(office: Office) -> None:
    drop(office, [ONE, TWO, THREE])
    drop(office, [TWO], name="day2.json")
    drop(office, [ONE, THREE], revision=2)
    assert len(live(office)) == 3
    assert adds_up(office) == {"member": 3, "superseded": 3}


def test_more_than_the_share_waits_for_a_person_and_nothing_is_taken_back(office: Office) -> None:
    drop(office, [ONE, TWO, STRANGER])
    drop(office, [ONE], revision=2)
    assert only(open_items(office)) == ("takeback", 2, None, '["file_shrunk","2/3"]')
    assert len(live(office)) == 2
    assert replaced(office) == [None, None]
    assert adds_up(office) == {"member": 2, "stranger": 1, "superseded": 1}


def test_an_empty_file_takes_nothing_back_by_itself(office: Office) -> None:
    drop(office, [ONE])
    drop(office, [], revision=2)
    assert only(open_items(office))[0] == "takeback"
    assert len(live(office)) == 1


def test_exactly_the_share_is_taken_back(office: Office) -> None:
    drop(office, [ONE, TWO])
    drop(office, [ONE], revision=2)
    assert open_items(office) == []
    assert len(live(office)) == 1


def test_a_still_newer_file_settles_the_question(office: Office) -> None:
    drop(office, [ONE, TWO, STRANGER])
    drop(office, [ONE], revision=2)
    assert len(open_items(office)) == 1
    drop(office, [ONE, TWO, STRANGER], revision=3)
    assert open_items(office) == []
    assert replaced(office) == [3, 3, None]
    assert len(live(office)) == 2
    assert adds_up(office) == {"member": 2, "stranger": 1, "superseded": 4}


def test_nothing_is_taken_back_before_every_part_is_worked(office: Office) -> None:
    drop(office, [ONE, TWO], [THREE])
    first, second = parts([ONE], [STRANGER, THREE], revision=2)
    take(office, "files", first)
    assert len(live(office)) == 3
    take(office, "files", second)
    assert [stay for stay, _ in payable(office)] == ["H15099900001/VA1", "H15099900001/VA3"]
    assert adds_up(office) == {"member": 2, "stranger": 1, "superseded": 3}


def test_a_file_with_more_parts_than_before(office: Office) -> None:
    drop(office, [ONE, TWO, THREE])
    drop(office, [ONE], [TWO], revision=2)
    assert replaced(office) == [2, None, None]
    assert len(live(office)) == 2


def test_a_part_that_cannot_be_read_holds_the_taking_back(office: Office) -> None:
    drop(office, [ONE, TWO])
    good, bad = parts([ONE], [], revision=2)
    take(office, "files", good, Fetched(content=b"{", request=bad.request, source=bad.source, part=2, parts=2))
    assert len(live(office)) == 2
    assert only(open_items(office))[0] == "quarantine"


def test_a_file_that_could_not_be_read_needs_nobody_once_it_came_again(office: Office) -> None:
    """A correction in another encoding, and then the right one: nothing was taken back, and nothing is left to do."""
    drop(office, [ONE, TWO])
    [broken] = parts([], revision=2)
    take(office, "files", Fetched(content=b"{", request=broken.request, source=broken.source, part=1, parts=1))
    assert (len(live(office)), only(open_items(office))[0]) == (2, "quarantine")
    assert [sheet.unreadable for sheet in reconcile(office)] == [1]
    drop(office, [ONE, TWO], revision=3)
    assert (len(live(office)), open_items(office)) == (2, [])
    assert replaced(office) == [3, 3, None]
    assert [sheet.unreadable for sheet in reconcile(office)] == [0]


def test_the_first_file_that_could_not_be_read_needs_nobody_either(office: Office) -> None:
    [broken] = parts([])
    take(office, "files", Fetched(content=b"{", request=broken.request, source=broken.source, part=1, parts=1))
    drop(office, [ONE], [], revision=2)
    assert (len(live(office)), open_items(office), replaced(office)) == (1, [], [2, None, None])


@pytest.mark.parametrize("order", [(1, 0), (0, 1)])
def test_files_worked_in_any_order_end_the_same(office: Office, order: tuple[int, int]) -> None:
    places = [keep_page(office, "files", each) for each in parts([ONE, TWO, STRANGER])]
    places += [keep_page(office, "files", each) for each in parts([ONE, STRANGER], revision=2)]
    for at in order:
        process_page(office, places[at])
    assert payable(office) == [("H15099900001/VA1", 249000)]
    assert adds_up(office) == {"member": 1, "stranger": 1, "superseded": 3}
    assert replaced(office) == [2, None]


def test_doubts_and_unreadable_rows_of_a_replaced_file_need_nobody(office: Office) -> None:
    doubt, bad = row("A1", Who("另一个人", who(1).id_number)), row("A2", 2, begndate="x")
    drop(office, [doubt, bad, THREE, STRANGER])
    assert len(open_items(office)) == 2
    drop(office, [THREE, STRANGER], revision=2)
    assert open_items(office) == []
    assert adds_up(office) == {"member": 1, "stranger": 1, "superseded": 4}


def test_a_nameless_refund_of_a_replaced_file_waits_no_longer(office: Office) -> None:
    drop(office, [row("A1", None, refund=True), TWO])
    drop(office, [TWO], revision=2)
    assert rows_of(office, schema.waiting_reversal) == []
    drop(office, [ONE], name="day2.json")
    assert len(live(office)) == 2
    assert adds_up(office) == {"member": 2, "superseded": 2}


def test_a_nameless_refund_waits_again_when_its_original_is_taken_back(office: Office) -> None:
    drop(office, [ONE, TWO])
    drop(office, [row("A1", None, refund=True)], name="day2.json")
    assert len(live(office)) == 1
    drop(office, [TWO], revision=2)
    assert tallies(office)["stranger"] == (1, -2_000_000)
    assert len(rows_of(office, schema.waiting_reversal)) == 1
    assert adds_up(office) == {"member": 1, "superseded": 2, "stranger": 1}


def test_a_repeat_in_another_feed_counts_once_the_first_is_taken_back(office: Office) -> None:
    drop(office, [ONE, TWO])
    take(office, "east", page(row("B1", 1, mdtrt_id="other")))
    assert adds_up(office) == {"member": 2, "duplicate": 1}
    drop(office, [TWO], revision=2)
    assert ("H15099900001/other", 249000) in payable(office)
    assert [each["duplicate"] for each in records(office)] == [False, False]
    assert adds_up(office) == {"member": 2, "superseded": 2}


def test_a_new_member_is_not_found_in_a_replaced_file(office: Office) -> None:
    drop(office, [ONE, STRANGER])
    drop(office, [ONE], revision=2)
    enrolled(office, 9)
    rescan(office)
    assert len(live(office)) == 1
    assert adds_up(office) == {"member": 1, "superseded": 2}


def test_what_a_newer_file_brings_back_is_there_again(office: Office) -> None:
    drop(office, [ONE, TWO])
    drop(office, [ONE], revision=2)
    drop(office, [ONE, TWO], revision=3)
    assert len(live(office)) == 2
    assert adds_up(office) == {"member": 2, "superseded": 3}


class Crash(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("place", ["before the last batch", "while taking back", "after everything was written"])
def test_a_crash_while_a_file_is_replaced_means_run_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    small = in_batches(office, 1)

    def files() -> None:
        empty(small)
        enrolled(small, 1, 2, 3)
        for each in parts([ONE, TWO], [THREE, STRANGER]) + parts([ONE], [THREE, STRANGER], revision=2):
            keep_page(small, "files", each)

    files()
    work_waiting(small, ["files"])
    undisturbed = everything(small)
    assert replaced(small) == [3, 3, None, None]
    files()
    with monkeypatch.context() as patch:
        crash_in(patch, place)
        with pytest.raises(Crash):
            work_waiting(small, ["files"])
    assert len(live(small)) == 3
    work_waiting(small, ["files"])
    assert everything(small) == undisturbed


def crash_in(patch: pytest.MonkeyPatch, place: str) -> None:
    owner, name, call = {
        "before the last batch": (ingest, "apply_batch", 6),
        "while taking back": (pages, "replace", 1),
        "after everything was written": (pages, "replace", 1),
    }[place]
    inner, calls = getattr(owner, name), [0]

    def crashes(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == call and place.startswith("after"):
            inner(*given, **named)
        if calls[0] == call:
            raise Crash
        return inner(*given, **named)

    patch.setattr(owner, name, crashes)


def test_a_roster_that_changed_between_the_files(office: Office) -> None:
    drop(office, [ONE, TWO, STRANGER])
    enrol(office, "nm", [])
    enrolled(office, 9)
    drop(office, [ONE, STRANGER], revision=2)
    rescan(office)
    end = truth(office)
    assert len(end["claims"]) == 2
    rescan(office)
    assert truth(office) == end
