"""What is about to be late: not delivered before its last day, not decided as promised, not paid in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, claims, member, only, page, row, take

from gateway.flow.delivery.claims import decide
from gateway.flow.delivery.deadlines import Deadlines, deadlines, findings, say_who_is_late
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.delivery.health import health
from gateway.flow.findings.book import FindingReport, show
from gateway.flow.findings.looking import look_around
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money
from gateway.settings.associations import AssociationSpec

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

ALXA = "阿拉善盟"


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    clock.set(2021, 7, 12, 9)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [member(1, league="乌海市"), member(2, league=ALXA)])
    return office


class Says:
    """An association that answers the same to everything."""

    def __init__(self, kind: AnswerKind) -> None:
        self.kind = kind

    def send(self, body: bytes, **named: Any) -> Answer:
        return Answer(kind=self.kind)

    def ask(self, claim_id: str, **named: Any) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)


def deliver(office: Office, kind: AnswerKind = AnswerKind.ACCEPTED) -> None:
    leases = iter(range(1000))
    deliver_due(office, "nm", Says(kind), jitter=lambda: 0.0, new_lease=lambda: f"lease {next(leases)}")


def told(due: Deadlines) -> list[tuple[str, str, int]]:
    return [(each.what, each.due_on.isoformat(), each.days_left) for each in due.first]


def counted(due: Deadlines) -> dict[str, tuple[int, int]]:
    return {what: (each.soon, each.late) for what, each in due.counts.items() if each.soon or each.late}


# ── the member's window ──


def test_a_claim_that_nobody_has_received_is_named_before_its_last_day(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    assert told(deadlines(office)) == []
    clock.set(2021, 10, 1)
    assert told(deadlines(office)) == [("delivery", "2021-10-08", 7)]
    clock.set(2021, 10, 8, 23, 59)
    due = deadlines(office)
    assert (told(due), counted(due)) == ([("delivery", "2021-10-08", 0)], {"delivery": (1, 0)})
    assert "undelivered" in only(findings(due))
    clock.set(2021, 10, 9)
    due = deadlines(office)
    assert (told(due), counted(due)) == ([("delivery", "2021-10-08", -1)], {"delivery": (0, 1)})
    assert "lapsed" in only(findings(due))


def test_how_far_ahead_is_for_the_asker_to_say(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    clock.set(2021, 9, 30)
    assert told(deadlines(office)) == []
    assert told(deadlines(office, within_days=8)) == [("delivery", "2021-10-08", 8)]


def test_a_claim_that_came_too_late_is_a_persons_and_no_deadline(office: Office, clock: Hands) -> None:
    clock.set(2021, 10, 9)
    take(office, "east", page(row("A1", 1)))
    assert only(claims(office))["flags"] == "late"
    assert told(deadlines(office)) == []


def test_a_claim_the_association_has_but_has_not_decided_is_shown_and_no_finding(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    deliver(office)
    clock.set(2021, 10, 5)
    due = deadlines(office)
    assert (told(due), findings(due)) == ([("claim", "2021-10-08", 3)], [])
    clock.set(2021, 10, 9)
    assert told(deadlines(office)) == []


@pytest.mark.parametrize("kind", [AnswerKind.REFUSED, AnswerKind.UNAVAILABLE, AnswerKind.UNKNOWN])
def test_what_was_sent_and_not_accepted_is_not_delivered(office: Office, clock: Hands, kind: AnswerKind) -> None:
    take(office, "east", page(row("A1", 1)))
    deliver(office, kind)
    clock.set(2021, 10, 7)
    assert [each.what for each in deadlines(office).first] == ["delivery"]


def test_a_newer_version_on_its_way_does_not_undo_that_the_claim_was_received(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    deliver(office)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    clock.set(2021, 10, 7)
    assert [each.what for each in deadlines(office).first] == ["claim"]


def test_what_is_withdrawn_or_done_is_never_late(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    decide(office, claims(office)[0]["claim_id"], version=1, outcome="refused", amount=Money(0))
    decide(office, claims(office)[1]["claim_id"], version=1, outcome="paid", amount=Money(249_000))
    clock.set(2021, 10, 7)
    assert told(deadlines(office)) == []
    take(office, "east", page(row("A3", 1)), page(row("A3", 1, refund=True)))
    assert told(deadlines(office, within_days=400)) == []


# ── the association's time ──


def test_an_approved_claim_is_to_be_paid_within_five_working_days(office: Office, clock: Hands) -> None:
    """第十三条第三款 (A13.3), over the make-up days of National Day 2021."""
    take(office, "east", page(row("A1", 1)))
    deliver(office)
    clock.set(2021, 9, 30, 16)
    decide(office, only(claims(office))["claim_id"], version=1, outcome="approved", amount=Money(249_000))
    clock.set(2021, 10, 8)
    due = deadlines(office)
    assert told(due) == [("payment", "2021-10-13", 5)]
    assert (due.first[0].article is not None, due.first[0].assumed, findings(due)) == (True, False, [])
    clock.set(2021, 10, 14)
    assert "payments overdue" in only(findings(deadlines(office)))
    say_who_is_late(office)
    late = only([report for report in show(office) if report.code == "association_late"])
    assert (late.name, late.count, late.counts) == ("nm", 1, True)
    assert "支付逾期" in late.detail
    assert not any(
        "payments overdue" in sentence for sentence in findings(deadlines(office), said=["association_late"])
    )
    decide(office, only(claims(office))["claim_id"], version=1, outcome="paid", amount=Money(249_000))
    assert told(deadlines(office)) == []


def test_a_complex_claim_has_fifteen(office: Office, clock: Hands) -> None:
    elsewhere = {"mdtrtarea_admvs": "110101", "insuplc_admdvs": "150302"}
    take(office, "east", page(row("A1", 1, **elsewhere)))
    assert only(claims(office))["flags"] == "referral_to_confirm"
    clock.set(2021, 9, 30, 16)
    decide(office, only(claims(office))["claim_id"], version=1, outcome="approved", amount=Money(249_000))
    clock.set(2021, 10, 25)
    assert told(deadlines(office)) == [("payment", "2021-10-27", 2)]


def test_a_payment_due_in_a_year_without_holidays_yet_says_so(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    clock.set(2026, 12, 30)
    decide(office, only(claims(office))["claim_id"], version=1, outcome="approved", amount=Money(249_000))
    due = deadlines(office, within_days=30)
    assert [(each.what, each.due_on, each.assumed) for each in due.first] == [("payment", date(2027, 1, 6), True)]


def test_a_league_that_promised_two_days_and_two_is_held_to_it(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    deliver(office)
    due = deadlines(office)
    assert told(due) == [("decision", "2021-07-16", 4)]
    assert (due.first[0].league, due.first[0].article) == (ALXA, "阿拉善盟工会公开承诺")
    clock.set(2021, 7, 17)
    due = deadlines(office)
    assert counted(due) == {"decision": (0, 1)}
    assert "decisions overdue" in only(findings(due))
    decide(office, due.first[0].claim_id, version=1, outcome="approved", amount=Money(249_000))
    # Its own promise says nothing of the payment, so the scheme's five working days hold.
    assert told(deadlines(office)) == [("payment", "2021-07-23", 6)]


def test_what_a_league_promised_replaces_the_schemes_days_in_order_of_the_file(office: Office, clock: Hands) -> None:
    spec = office.associations["nm"]
    promises = [
        {"leagues": ["乌海市"], "days": 3, "of": "calendar", "article": "承诺一"},
        {"schemes": ["another"], "days": 1, "article": "承诺二"},
        {"days": 2, "article": "承诺三"},
    ]
    changed = AssociationSpec.model_validate({**spec.model_dump(), "processing": promises})
    promising = replace(office, associations={"nm": changed})
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    clock.set(2021, 9, 30, 16)
    for each in claims(office):
        decide(office, each["claim_id"], version=1, outcome="approved", amount=Money(249_000))
    found = {
        each.league: (each.due_on.isoformat(), each.article) for each in deadlines(promising, within_days=30).first
    }
    # Three days for the one, whatever they are; for all others the first entry that names neither: 8 and 9 October.
    assert found == {"乌海市": ("2021-10-03", "承诺一"), ALXA: ("2021-10-09", "承诺三")}


def test_status_shows_what_is_due_and_finds_what_is_late(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1)))
    clock.set(2021, 10, 9)
    now = health(office)
    assert now.due.counts["delivery"].late == 1
    assert any("lapsed" in each for each in now.findings)


def test_what_is_about_to_lapse_undelivered_is_one_finding_until_it_is_delivered(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    clock.set(2021, 9, 30)
    assert lapsing_of(office) == []
    clock.set(2021, 10, 1)
    finding = only(lapsing_of(office))
    # 6,000 yuan at 40 % and nine days at 10 yuan, twice.
    assert (finding.kind, finding.name, finding.count, finding.amount) == ("association", "nm", 2, "4980.00")
    assert (finding.first_day, finding.last_day) == (date(2021, 10, 8), date(2021, 10, 8))
    assert "7天内到期2件，已过期0件" in finding.detail
    clock.set(2021, 10, 9)
    finding = only(lapsing_of(office))
    assert "7天内到期0件，已过期2件" in finding.detail
    assert sum("undelivered" in sentence for sentence in health(office).findings) == 1
    deliver(office)
    assert lapsing_of(office) == []


def lapsing_of(office: Office) -> list[FindingReport]:
    look_around(office)
    return [finding for finding in show(office) if finding.code == "claims_lapsing"]
