"""A roster is safe to repeat: it adds and corrects, and what it takes away waits until a person has seen it."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    EAST_AND_WEST,
    SCHEME,
    adds_up,
    everything,
    live,
    only,
    page,
    payable,
    row,
    rows_of,
    take,
    versions,
    who,
)

from gateway.core.roster import RosterFile, read_roster
from gateway.core.roster.correcting import Ending
from gateway.flow.batches.deciding_holds import accept_hold, refuse_hold, show_hold
from gateway.flow.delivery.claims import decide
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.intake.night import rescan_and_judge
from gateway.flow.office import Office
from gateway.flow.roster.enrol import take_in
from gateway.flow.roster.planning import CompleteRoster, Enrolled
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money
from gateway.store import holds, members, schema
from gateway.store.values import to_ms

if TYPE_CHECKING:
    from conftest import MakeOffice

THIS_YEAR = {"保障开始": "2021-06-01", "保障结束": "2022-05-31"}
NEXT_YEAR = {"保障开始": "2022-06-01", "保障结束": "2023-05-31"}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=EAST_AND_WEST)


def line(serial: int, **changes: str) -> dict[str, str]:
    """A row of the office's file: this year, with everything an office knows."""
    person = who(serial)
    return {
        "会员号": f"M{serial:05d}",
        "姓名": person.name,
        "证件号码": person.id_number,
        "手机号": f"1990000{serial:04d}",
        "单位编号": str(serial),
        "盟市": "甲盟",
        "险种": SCHEME,
        **THIS_YEAR,
        **changes,
    }


def read(*lines: dict[str, str], **options: Any) -> RosterFile:
    columns = list(dict.fromkeys(name for one in lines for name in one))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(lines)
    file = read_roster(text.getvalue().encode(), **options)
    assert file.errors == ()
    return file


def imported(office: Office, *lines: dict[str, str], **options: Any) -> Enrolled:
    return take_in(office, "nm", read(*lines).statements, **options)


def stays_of(*serials: int) -> list[dict[str, Any]]:
    return [row(f"A{serial}", serial) for serial in serials]


def periods(office: Office, serial: int = 1) -> list[tuple[str, str]]:
    with office.store.read() as tx:
        stored = only(members.by_number(tx, "nm", [f"M{serial:05d}"]))
    return [(f"{one.first_day}", f"{one.last_day}") for one in stored.coverage]


def claim_states(office: Office) -> dict[str, str]:
    return {each["claim_id"]: each["status"] for each in rows_of(office, schema.claim)}


# ── adding and correcting ──


def test_next_years_roster_of_two_hundred_leaves_all_claims_of_this_year(office: Office) -> None:
    """Seen: the file an association receives each year took 197 live claims away."""
    everybody = range(1, 201)
    imported(office, *(line(serial) for serial in everybody))
    take(office, "east", page(*stays_of(*everybody)))
    before = live(office)
    assert len(before) == 200
    report = imported(office, *(line(serial, **NEXT_YEAR) for serial in everybody))
    assert (report.periods_added, report.lost, report.waiting, report.hold_id) == (200, {}, [], None)
    rescan_and_judge(office)
    assert live(office) == before
    assert periods(office) == [("2021-06-01", "2022-05-31"), ("2022-06-01", "2023-05-31")]
    assert adds_up(office) == {"member": 200}


def test_the_same_file_twice_changes_nothing(office: Office) -> None:
    lines = [line(1), line(2, 不参与="是"), line(3, 终止="2021-06-30")]
    imported(office, *lines)
    take(office, "east", page(*stays_of(1, 2, 3)))
    rescan_and_judge(office)
    before = everything(office)
    report = imported(office, *lines)
    assert (report.unchanged, report.added, report.changed, report.lost) == (3, 0, {}, {})
    assert everything(office) == before


def test_a_file_without_columns_changes_nothing_in_them(office: Office) -> None:
    """Seen: league, phone and unit were gone, and a sweep would have asked nobody any more."""
    imported(office, line(1))
    before = everything(office)
    bare = {name: value for name, value in line(1).items() if name not in ("手机号", "单位编号", "盟市")}
    assert imported(office, bare).unchanged == 1
    assert everything(office) == before
    report = imported(office, line(1, 手机号="", 单位编号="9"))
    assert report.changed == {"M00001": ("unit_no",)}
    emptied = take_in(office, "nm", read(line(1, 手机号=""), clears=["phone"]).statements)
    assert emptied.changed == {"M00001": ("phone", "unit_no")}


def test_an_extension_is_written_at_once_and_pays_from_then_on(office: Office) -> None:
    imported(office, line(1, 保障结束="2021-06-30"))
    take(office, "east", page(*stays_of(1)))
    assert payable(office) == []
    report = imported(office, line(1))
    assert (report.periods_extended, report.waiting) == (1, [])
    rescan_and_judge(office)
    assert [money for _, money in payable(office)] == [249000]


def test_a_row_that_fits_two_stored_periods_is_refused_by_name_and_nobody_else_is(office: Office) -> None:
    imported(office, line(1), line(1, **NEXT_YEAR), line(2))
    over_new_year = {"保障开始": "2021-09-01", "保障结束": "2022-08-31"}
    report = imported(office, line(1, **over_new_year), line(2, **NEXT_YEAR))
    [(number, why)] = report.refused
    assert number == "M00001"
    assert "2021-06-01至2022-05-31" in why
    assert "2022-06-01至2023-05-31" in why
    assert (len(periods(office, 1)), len(periods(office, 2))) == (2, 2)


# ── taking away ──


def test_a_shortening_waits_and_everybody_else_is_written(office: Office) -> None:
    imported(office, line(1), line(2))
    take(office, "east", page(*stays_of(1, 2)))
    before = claim_states(office)
    report = imported(office, line(1, 保障结束="2021-06-30", 手机号="19900009999"), line(2, 手机号="19900008888"))
    assert (report.waiting, list(report.lost), set(report.changed)) == (["M00001"], ["M00001"], {"M00002"})
    assert (len(report.told.taken), report.told.lost) == (1, 249000)
    assert periods(office) == [("2021-06-01", "2022-05-31")]
    rescan_and_judge(office)
    assert claim_states(office) == before
    with office.store.read() as tx:
        hold = holds.load(tx, report.hold_id or 0)
    assert (hold.state, hold.cause, hold.subject, hold.members, hold.claims) == ("open", "roster", "nm", 1, 1)
    # The same file again asks for nothing more, and says the same of what waits.
    again = imported(office, line(1, 保障结束="2021-06-30", 手机号="19900009999"), line(2, 手机号="19900008888"))
    assert (again.hold_id, len(rows_of(office, schema.hold)), again.told) == (report.hold_id, 1, report.told)


def test_what_waits_is_written_as_it_was_said_once_it_is_accepted(office: Office) -> None:
    imported(office, line(1), line(2))
    take(office, "east", page(*stays_of(1, 2)))
    report = imported(office, line(1, 保障结束="2021-06-30", 手机号="19900009999"))
    hold_id = report.hold_id or 0
    assert show_hold(office, hold_id).lost == "2490.00"
    assert accept_hold(office, hold_id, by="试验员").outcome == "accepted"
    assert periods(office) == [("2021-06-01", "2021-06-30")]
    with office.store.read() as tx:
        stored = office.open_member(only(members.by_number(tx, "nm", ["M00001"])))
    assert stored.phone == "19900009999"
    assert len(live(office)) == 1
    rescan_and_judge(office)
    assert (len(live(office)), adds_up(office)) == (1, {"member": 2})
    assert [hold["state"] for hold in rows_of(office, schema.hold)] == ["accepted"]


def test_what_is_refused_stays_as_it_stood(office: Office) -> None:
    imported(office, line(1))
    take(office, "east", page(*stays_of(1)))
    before = live(office)
    report = imported(office, line(1, 保障结束="2021-06-30"))
    refuse_hold(office, report.hold_id or 0, by="试验员", reason="无此事")
    rescan_and_judge(office)
    assert (live(office), periods(office)) == (before, [("2021-06-01", "2022-05-31")])


def test_a_confirmed_shortening_is_written_with_who_confirmed_it(office: Office) -> None:
    imported(office, line(1))
    take(office, "east", page(*stays_of(1)))
    report = imported(office, line(1, 保障结束="2021-06-30"), confirmed_by="试验员")
    assert (report.waiting, report.hold_id, list(report.lost)) == ([], None, ["M00001"])
    assert live(office) == []
    trace = only(rows_of(office, schema.review_access))
    assert (trace["by"], trace["what"], trace["at"]) == ("试验员", "roster_lowered", to_ms(office.now()))


def test_a_dry_run_tells_members_claims_and_money_and_writes_nothing(office: Office) -> None:
    imported(office, line(1), line(2), line(3))
    take(office, "east", page(*stays_of(1, 2, 3)))
    before = everything(office)
    report = imported(
        office, line(1, 保障结束="2021-06-30"), line(2, **NEXT_YEAR), line(3, 不参与="是"), line(4), dry_run=True
    )
    assert (report.added, report.periods_added, report.waiting, report.opted_out) == (1, 2, ["M00001"], ["M00003"])
    assert (len(report.told.of("withdrawn")), report.told.money) == (2, (498000, 0))
    assert everything(office) == before
    assert rows_of(office, schema.hold) == []


def test_an_end_is_a_row_a_command_or_a_complete_roster(office: Office) -> None:
    imported(office, line(1), line(2), line(3), line(4))
    take(office, "east", page(*stays_of(1, 2, 3, 4)))
    by_column = imported(office, line(1, 终止="2021-06-30"))
    ends = Ending(member_no="M00002", ends=((SCHEME, date(2021, 6, 30)),))
    by_command = take_in(office, "nm", [ends])
    complete = CompleteRoster(scheme=SCHEME, year=2021, left_alone=frozenset({"M00004"}))
    by_absence = imported(office, line(1), line(2), complete=complete)
    assert [report.waiting for report in (by_column, by_command, by_absence)] == [["M00001"], ["M00002"], ["M00003"]]
    assert len(live(office)) == 4
    gone = imported(office, line(1), line(2), complete=complete, confirmed_by="试验员")
    assert list(gone.lost) == ["M00003"]
    assert (periods(office, 3), periods(office, 4)) == ([], [("2021-06-01", "2022-05-31")])
    assert len(live(office)) == 3


def test_a_complete_roster_ends_nothing_of_another_year_or_scheme(office: Office) -> None:
    imported(office, line(1), line(1, **NEXT_YEAR), line(2, **NEXT_YEAR), line(3, 险种="other"))
    complete = CompleteRoster(scheme=SCHEME, year=2021)
    report = imported(office, line(4), complete=complete, confirmed_by="试验员")
    assert list(report.lost) == ["M00001"]
    assert (periods(office, 1), len(periods(office, 2)), len(periods(office, 3))) == (
        [("2022-06-01", "2023-05-31")],
        1,
        1,
    )


def test_who_is_named_with_another_scheme_alone_ends_in_the_complete_one(office: Office) -> None:
    imported(office, line(1), line(2))
    complete = CompleteRoster(scheme=SCHEME, year=2021)
    report = imported(office, line(1, 险种="other"), line(2), complete=complete, confirmed_by="试验员")
    assert (list(report.lost), report.periods_added) == (["M00001"], 1)


def test_an_end_for_nobody_is_refused(office: Office) -> None:
    report = take_in(office, "nm", [Ending(member_no="M00009", ends=((SCHEME, date(2021, 6, 30)),))])
    assert [number for number, _ in report.refused] == ["M00009"]


# ── opting out ──


def test_an_opt_out_is_never_held_keeps_its_periods_and_stops_at_once(office: Office) -> None:
    imported(office, line(1), line(2))
    take(office, "east", page(*stays_of(1, 2)))
    claim = next(each for each in live(office) if each["body"]["member"]["member_no"] == "M00001")
    report = imported(office, line(1, 不参与="是"))
    assert (report.opted_out, report.waiting, report.hold_id) == (["M00001"], [], None)
    # What would be withdrawn is told, and nothing is sent for the member any more.
    assert (only(report.told.taken).claim_id, report.told.lost) == (claim["claim_id"], 249000)
    assert claim_states(office)[claim["claim_id"]] == "withdrawn"
    assert periods(office) == [("2021-06-01", "2022-05-31")]
    rescan_and_judge(office)
    assert adds_up(office) == {"member": 1, "stranger": 1}
    # An empty cell changes nothing, and 否 ends it.
    assert imported(office, line(1, 不参与="")).unchanged == 1
    back = imported(office, line(1, 不参与="否"))
    assert back.changed == {"M00001": ("opt_out",)}
    rescan_and_judge(office)
    assert (len(live(office)), adds_up(office)) == (2, {"member": 2})


def test_an_opt_out_with_a_shortening_stops_at_once_and_the_shortening_waits(office: Office) -> None:
    imported(office, line(1))
    take(office, "east", page(*stays_of(1)))
    report = imported(office, line(1, 不参与="是", 保障结束="2021-06-30"))
    assert (report.opted_out, report.waiting) == (["M00001"], ["M00001"])
    assert (live(office), periods(office)) == ([], [("2021-06-01", "2022-05-31")])


class Accepts:
    """An association that takes everything."""

    def send(self, body: bytes, **named: Any) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, **named: Any) -> Answer:
        raise AssertionError("nothing is in doubt")


def test_a_claim_that_was_delivered_is_withdrawn_by_a_version_of_its_own(office: Office) -> None:
    imported(office, line(1))
    take(office, "east", page(*stays_of(1)))
    deliver_due(office, "nm", Accepts(), jitter=lambda: 0.0, new_lease=lambda: "lease")
    claim = only(live(office))["claim_id"]
    imported(office, line(1, 不参与="是"))
    assert versions(office, claim) == [(1, "proposed", "accepted"), (2, "withdrawn", "pending")]


def test_a_further_member_number_of_whom_waits_waits_along(office: Office) -> None:
    """A member who moved: the old number's period ends earlier, the new number's begins there. Written alone the new
    one would be a second person beside the first."""
    imported(office, line(1))
    moved = line(1, 会员号="X1", 保障开始="2021-07-01")
    report = imported(office, line(1, 保障结束="2021-06-30"), moved)
    assert (report.waiting, report.added, report.apart) == (["M00001", "X1"], 0, [])
    assert len(rows_of(office, schema.member)) == 1
    accept_hold(office, report.hold_id or 0, by="试验员")
    assert len({each["person_id"] for each in rows_of(office, schema.member)}) == 1
    assert len(rows_of(office, schema.member)) == 2


def test_a_decided_claim_is_told_too(office: Office) -> None:
    imported(office, line(1))
    take(office, "east", page(*stays_of(1)))
    decide(office, only(live(office))["claim_id"], version=1, outcome="paid", amount=Money(249000))
    report = imported(office, line(1, 保障结束="2021-06-30"), dry_run=True)
    assert report.waiting == ["M00001"]
