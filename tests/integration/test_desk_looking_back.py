"""What is payable and not paid stays in sight; a clock missed is a finding; what was paid wrongly comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, live, member, only, page, payable, row, take, who
from desk_side import ALXA, LEVELS, WUHAI, approve, deliver, refuse, some_claims, with_account, with_desk
from test_desk_paying import answer

from gateway.core.claims.unpaid import UnpaidState, reason_of
from gateway.errors import BadInput, Conflict
from gateway.flow.delivery.claims import show_claim
from gateway.flow.delivery.unclaimed import say_what_is_unpaid, unclaimed
from gateway.flow.desk.deciding import ask_papers, papers_came
from gateway.flow.desk.levels import pass_claim
from gateway.flow.desk.paying import make_list
from gateway.flow.desk.recovering import ask_back, list_recoveries, money_came, recovery_notice, write_off
from gateway.flow.desk.showing import steps_of
from gateway.flow.findings.book import FindingReport, show
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    # A Monday.
    clock.set(2021, 7, 12, 9)
    return with_desk(make_office(database_url, feeds=EAST_AND_WEST), levels=LEVELS)


def found(office: Office, code: str) -> list[FindingReport]:
    say_what_is_unpaid(office)
    return [report for report in show(office) if report.code == code]


def groups(office: Office, **chosen: str) -> list[tuple[str, str, str, int, str]]:
    looked = unclaimed(office, **chosen)
    return [(each.league, each.reason, each.window, each.count, each.payable) for each in looked.groups]


# ── clocks of the levels ──


def test_a_level_that_keeps_a_claim_too_long_is_a_finding_with_count_and_money(office: Office, clock: Hands) -> None:
    """阿拉善: two working days each; the association five. The unit's union has no clock."""
    first, _ = some_claims(office, 1, 2, league=ALXA)
    deliver(office)
    clock.set(2021, 7, 30, 9)
    assert found(office, "level_late") == []
    # Friday: Monday and Tuesday are its two days.
    pass_claim(office, first, by="甲")
    clock.set(2021, 8, 3, 23)
    assert found(office, "level_late") == []
    clock.set(2021, 8, 4, 0)
    finding = only(found(office, "level_late"))
    assert (finding.level, finding.name, finding.count, finding.amount) == ("act", "nm", 1, "2490.00")
    assert finding.detail == "阿拉善盟 代办点 1件"
    pass_claim(office, first, by="甲")
    assert found(office, "level_late") == []
    pass_claim(office, first, by="甲")
    # Wednesday, and five working days.
    clock.set(2021, 8, 11, 23)
    assert found(office, "level_late") == []
    clock.set(2021, 8, 12, 0)
    assert only(found(office, "level_late")).detail == "阿拉善盟 协会 1件"
    approve(office, first)
    assert found(office, "level_late") == []


def test_while_papers_are_awaited_no_clock_runs(office: Office, clock: Hands) -> None:
    [claim] = some_claims(office, 1, league=ALXA)
    deliver(office)
    pass_claim(office, claim, by="甲")
    ask_papers(office, claim, by="甲", papers=["receipt"])
    clock.move(days=14)
    assert found(office, "level_late") == []
    papers_came(office, claim, by="甲")
    clock.move(days=1)
    assert found(office, "level_late") == []
    clock.move(days=4)
    assert only(found(office, "level_late")).count == 1


# ── 回头望 ──


def test_every_claim_is_unpaid_for_one_reason_until_it_is_paid(office: Office, clock: Hands) -> None:
    claims = some_claims(office, 1, 2, 3)
    waiting = ("乌海市", "awaiting_decision", "later", 3, "7470.00")
    assert groups(office) == [waiting]
    ask_papers(office, claims[0], by="甲", papers=["receipt"])
    approve(office, claims[1], amount=Money(200_000), reason="excluded_cost")
    refuse(office, claims[2], reason="given_up")
    assert groups(office) == [
        (WUHAI, "account_missing", "later", 1, "2000.00"),
        (WUHAI, "papers", "later", 1, "2490.00"),
    ]
    with_account(office, claims[1])
    assert (WUHAI, "not_listed", "later", 1, "2000.00") in groups(office)
    make_list(office, "nm", by="甲")
    assert (WUHAI, "listed", "later", 1, "2000.00") in groups(office)
    clock.move(days=1)
    answer(office, 1, ("失败", "户名不符"))
    assert (WUHAI, "account_wrong", "later", 1, "2000.00") in groups(office)
    clock.move(days=1)
    with_account(office, claims[1])
    make_list(office, "nm", by="甲")
    answer(office, 2, ("成功", ""))
    assert groups(office) == [(WUHAI, "papers", "later", 1, "2490.00")]
    assert groups(office, league=ALXA) == []


def test_an_association_with_a_system_of_its_own_is_looked_at_too(
    make_office: MakeOffice, sqlite_url: str, clock: Hands
) -> None:
    clock.set(2021, 7, 12, 9)
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    some_claims(office, 1)
    assert groups(office) == [(WUHAI, "not_sent", "later", 1, "2490.00")]
    deliver(office)
    assert groups(office) == [(WUHAI, "awaiting_decision", "later", 1, "2490.00")]
    clock.set(2021, 10, 8, 9)
    assert groups(office) == [(WUHAI, "awaiting_decision", "week", 1, "2490.00")]
    finding = only(found(office, "unpaid_old"))
    # It is the association's to decide, which it may never tell us.
    assert (finding.level, finding.count, finding.amount) == ("know", 1, "2490.00")


def test_nothing_payable_older_than_thirty_days_stays_unseen(office: Office, clock: Hands) -> None:
    [claim] = some_claims(office, 1)
    deliver(office)
    approve(office, claim)
    clock.set(2021, 8, 11, 9)
    assert found(office, "unpaid_old") == []
    assert unclaimed(office).old == 0
    clock.set(2021, 8, 12, 9)
    finding = only(found(office, "unpaid_old"))
    assert (finding.level, finding.count, finding.amount) == ("act", 1, "2490.00")
    assert finding.detail == "已核定，缺收款账户 1件"
    looked = unclaimed(office)
    assert (looked.old, looked.old_payable, looked.groups[0].old) == (1, "2490.00", 1)
    assert who(1).name not in repr(looked)
    with_account(office, claim)
    make_list(office, "nm", by="甲")
    answer(office, 1, ("成功", ""))
    assert found(office, "unpaid_old") == []


def test_what_may_become_a_claim_is_told_beside(office: Office) -> None:
    enrol(office, "nm", [member(1, league=WUHAI)])
    take(office, "east", page(row("A1", 1, psn_name="另一名")))
    doubt = only(unclaimed(office).before_claim)
    assert (doubt["association"], doubt["count"], doubt["settlements_total"]) == ("nm", 1, "20000.00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "not_sent"),
        ({"delivery": "dead"}, "not_sent"),
        ({"delivery": "unknown"}, "unknown"),
        ({"delivery": "refused"}, "refused"),
        ({"received": True, "delivery": "accepted"}, "awaiting_decision"),
        ({"received": True, "overdue": True}, "over_clock"),
        ({"papers": True, "received": True}, "papers"),
        ({"asked": True, "papers": True}, "in_review"),
        ({"held": True, "asked": True}, "held"),
        ({"approved": True}, "approved"),
        ({"approved": True, "overdue": True}, "over_clock"),
    ],
)
def test_the_first_reason_on_the_way_is_the_one(changes: dict[str, Any], reason: str) -> None:
    flags = ("received", "approved", "decides_here", "overdue", "asked", "held", "papers", "proposed", "listed")
    fields = {**dict.fromkeys(flags, False), "delivery": "pending", "account_failed": False, "has_account": False}
    assert reason_of(UnpaidState(**{**fields, **changes})) == reason


# ── recovery ──


def paid(office: Office, *serials: int) -> list[str]:
    claims = some_claims(office, *serials)
    for claim in claims:
        approve(office, claim)
        with_account(office, claim)
    made = make_list(office, "nm", by="甲").made
    assert made is not None
    answer(office, made.number, *[("成功", "")] * len(claims))
    return claims


def test_what_was_paid_by_fraud_comes_back_and_later_estimates_see_it(office: Office) -> None:
    [claim] = paid(office, 1)
    take(office, "east", page(row("A9", 1, **LATER)))
    later = next(each["stay"] for each in live(office) if each["claim_id"] != claim)
    # The first stay has the daily allowance of the period.
    assert dict(payable(office))[later] == 240_000
    report = ask_back(office, claim, amount=None, reason="fraud", by="甲")
    assert (report.paid, report.amount, report.article, report.state) == ("2490.00", "2490.00", "第十九条", "asked")
    assert dict(payable(office))[later] == 240_000
    part = money_came(office, report.recovery_id, amount=Money(100_000), by="甲")
    assert (part.state, part.left) == ("asked", "1490.00")
    done = money_came(office, report.recovery_id, amount=Money(149_000), by="甲")
    assert (done.state, done.closed_by) == ("recovered", "甲")
    assert show_claim(office, claim)["decision"] == {"outcome": "refused", "amount": "0.00"}
    assert dict(payable(office))[later] == 249_000
    assert [each["what"] for each in steps_of(office, claim)][-3:] == ["recovery", "recovered", "recovered"]


def test_what_will_not_come_is_written_off_by_two(office: Office) -> None:
    [claim] = paid(office, 1)
    report = ask_back(office, claim, amount=Money(90_000), reason="calculation", by="甲")
    money_came(office, report.recovery_id, amount=Money(20_000), by="甲")
    with pytest.raises(BadInput, match="note"):
        write_off(office, report.recovery_id, by="甲")
    assert write_off(office, report.recovery_id, by="甲", note="已故，无遗产").state == "asked"
    with pytest.raises(BadInput, match="another person"):
        write_off(office, report.recovery_id, by="甲 ")
    done = write_off(office, report.recovery_id, by="乙")
    assert (done.state, done.proposed_by, done.closed_by) == ("written_off", "甲", "乙")
    # What the member keeps.
    assert show_claim(office, claim)["decision"] == {"outcome": "paid", "amount": "2290.00"}
    _, totals = list_recoveries(office, association="nm")
    assert [(each.state, each.count, each.amount, each.recovered) for each in totals] == [
        ("written_off", 1, 90_000, 20_000)
    ]
    with pytest.raises(Conflict):
        write_off(office, report.recovery_id, by="丙")


def test_no_more_is_asked_back_than_was_paid_and_one_at_a_time(office: Office) -> None:
    [claim] = paid(office, 1)
    [unpaid] = some_claims(office, 2)
    with pytest.raises(Conflict, match="nothing was paid"):
        ask_back(office, unpaid, amount=None, reason="fraud", by="甲")
    for amount in (0, -1, 249_001):
        with pytest.raises(BadInput):
            ask_back(office, claim, amount=Money(amount), reason="fraud", by="甲")
    with pytest.raises(BadInput):
        ask_back(office, claim, amount=None, reason="greed", by="甲")
    report = ask_back(office, claim, amount=None, reason="reversed", by="甲", note="医保已退费")
    with pytest.raises(Conflict, match="open"):
        ask_back(office, claim, amount=None, reason="fraud", by="乙")
    with pytest.raises(BadInput):
        money_came(office, report.recovery_id, amount=Money(249_001), by="甲")
    notice = recovery_notice(office, report.recovery_id, by="丙")
    assert (notice["note"], notice["claim"]["member"]["name"]) == ("医保已退费", who(1).name)
    assert steps_of(office, claim)[-1]["what"] == "seen"
    # Nothing of it is paid out again.
    assert make_list(office, "nm", by="甲").made is None
