"""What feeds tell is looked at at the end of a night: each oddity is one finding, that is mended by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest
from builders import content, enrolled, open_items, page, row, rows_of, take, who
from typer.testing import CliRunner

from gateway import wiring
from gateway.cli.main import app
from gateway.core.normalise import compile_mapping
from gateway.flow.delivery.health import health
from gateway.flow.findings.book import FindingReport, acknowledge, show
from gateway.flow.findings.looking import look_around
from gateway.flow.intake.night import NightReport, files_of, let_go, run_night
from gateway.flow.intake.retry import retry_quarantine
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

DROPS = """
feed = "drops"
name = "试验 drops"
region = "150999"
intake = "pull"
mapping = "national"
associations = ["nm"]
owner = "test"
retention_days = 20
replaces = "file"
[connector]
kind = "folder"
folder = "data/in"
pattern = "setl_*.json"
[schedule]
at = 02:00:00
[expect]
fresh_within_hours = 36
{expect}
[legal]
agreement = "invented"
purpose = "test"
expires = {expires}
"""

PUSHES = """
feed = "pushes"
name = "试验 pushes"
region = "150999"
intake = "receive"
mapping = "national"
associations = ["nm"]
owner = "test"
[connector]
kind = "push"
secret = "env:HUBAO_TEST_SECRET"
[expect]
fresh_within_hours = 999999
[legal]
agreement = "invented"
purpose = "test"
expires = 2099-12-31
"""


def opened(make_office: MakeOffice, url: str, *, expect: str = "", expires: str = "2099-12-31") -> Office:
    feeds = {"drops": DROPS.format(expect=expect, expires=expires), "pushes": PUSHES}
    office = make_office(url, feeds=feeds)
    for name in set(office.feeds) - set(feeds):
        del office.feeds[name]  # type: ignore[attr-defined]
    (office.site / "data" / "in").mkdir(parents=True)
    enrolled(office, 1, 2, 3)
    return office


def check_amounts(office: Office, complete: Literal["warn", "off"]) -> None:
    """Whether the mapping misses amounts that do not come. The rows here tell only what they are about."""
    language = office.mappings["national"].language
    checks = msgspec.structs.replace(language.checks, complete=complete)
    compiled = compile_mapping(msgspec.structs.replace(language, checks=checks))
    object.__setattr__(office, "mappings", {**office.mappings, "national": compiled})


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return opened(make_office, database_url)


def drop(
    office: Office, day: str, *rows: dict[str, Any], name: str = "", marker: str | None = ".ok", said: str = ""
) -> Path:
    path = office.site / "data" / "in" / (name or f"setl_{day}.json")
    path.write_bytes(content(rows) if rows else b"")
    if marker is not None:
        Path(f"{path}{marker}").write_text(said, encoding="utf-8")
    return path


class Inbox:
    """An association that holds everything it is sent."""

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED, code="test")

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED, code="test")


DOORS = msgspec.structs.replace(wiring.doors(), sender=lambda *_: Inbox())


def night(office: Office) -> NightReport:
    """A run of its own: two at one instant would be the same."""
    office.clock.move(minutes=11)  # type: ignore[attr-defined]
    return run_night(office, DOORS, feeds=["drops"])


def findings(office: Office, code: str | None = None) -> list[FindingReport]:
    return [report for report in show(office) if code in (None, report.code)]


def codes(office: Office) -> list[str]:
    return sorted(report.code for report in show(office))


def told(office: Office, code: str) -> list[tuple[str, int, str | None]]:
    return [(report.name, report.count, report.amount) for report in findings(office, code)]


# ── opened once, brought up to date, mended ──


def test_a_night_without_trouble_has_no_finding(office: Office) -> None:
    drop(office, "20211006", row("A1", 1))
    drop(office, "20211007", row("A2", 2))
    assert night(office).failed is False
    assert codes(office) == []
    assert health(office).findings == []


def test_a_missing_day_is_a_finding_until_it_comes(office: Office, clock: Hands) -> None:
    drop(office, "20211005", row("A1", 1))
    drop(office, "20211007", row("A3", 3))
    night(office)
    (missing,) = findings(office, "day_missing")
    assert (missing.name, missing.count, str(missing.first_day), missing.counts) == ("drops", 1, "2021-10-06", True)
    assert any("2021-10-06" in line for line in health(office).findings)
    clock.move(hours=1)
    night(office)
    (again,) = findings(office, "day_missing")
    assert (again.finding_id, again.since, again.updated_at) == (missing.finding_id, missing.since, missing.updated_at)
    drop(office, "20211006", row("A2", 2))
    clock.move(hours=1)
    night(office)
    assert codes(office) == []
    assert [entry["closed_at"] is not None for entry in rows_of(office, schema.finding)] == [True]


def test_an_acknowledged_day_counts_again_when_another_is_missing(office: Office, clock: Hands) -> None:
    drop(office, "20211001", row("A1", 1))
    drop(office, "20211003", row("A2", 2))
    night(office)
    (missing,) = findings(office, "day_missing")
    acknowledge(office, missing.finding_id, by="王五", until=(clock.now + timedelta(days=9)).date())
    night(office)
    assert [report.counts for report in findings(office, "day_missing")] == [False]
    drop(office, "20211005", row("A3", 3))
    night(office)
    (grown,) = findings(office, "day_missing")
    assert (grown.count, grown.counts) == (2, True)


def test_what_a_newer_file_replaces_is_counted_once(office: Office) -> None:
    drop(office, "20211006", row("A1", 1), row("A2", 2))
    night(office)
    drop(office, "20211006", row("A1", 1), row("A2", 2), row("A9", 9))
    night(office)
    assert [(entry["day"], entry["rows"], entry["member_rows"]) for entry in rows_of(office, schema.feed_day)] == [
        ("2021-10-06", 3, 2)
    ]


# ── files that wait ──


def test_files_that_wait_are_named_until_they_are_taken_in(office: Office) -> None:
    drop(office, "20211006", row("A1", 1), marker=None)
    drop(office, "20211007", row("A2", 2), name="setl_20211007.JSON")
    drop(office, "20211008", row("A3", 3), marker=".OK")
    (office.site / "data" / "in" / "liesmich.txt").write_text("x")
    night(office)
    (waiting,) = findings(office, "files_waiting")
    assert (waiting.name, waiting.count, waiting.level) == ("drops", 4, "act")
    for name, why in (
        ("setl_20211006.json", "no marker"),
        ("setl_20211007.JSON", "upper and lower case"),
        ("setl_20211008.json", "of the marker differ"),
        ("liesmich.txt", "does not fit the pattern"),
    ):
        assert any(name in part and why in part for part in waiting.detail.split("；"))
    for path in (office.site / "data" / "in").iterdir():
        path.unlink()
    drop(office, "20211006", row("A1", 1))
    night(office)
    assert findings(office, "files_waiting") == []


def test_a_file_that_has_just_come_is_only_said(office: Office, clock: Hands) -> None:
    drop(office, "20211006", row("A1", 1), marker=None)
    clock.now = clock.now.now(clock.now.tzinfo)
    look_around(office, files_of(office, DOORS))
    (waiting,) = findings(office, "files_waiting")
    assert waiting.level == "know"
    clock.move(hours=7)
    look_around(office, files_of(office, DOORS))
    (waiting,) = findings(office, "files_waiting")
    assert (waiting.level, waiting.counts) == ("act", True)


def test_a_second_file_of_a_day_under_another_name(office: Office) -> None:
    drop(office, "20211006", row("A1", 1), row("A2", 2))
    night(office)
    drop(office, "", row("A1", 1), name="setl_20211006 (1).json")
    night(office)
    (twice,) = findings(office, "file_twice")
    assert (twice.level, str(twice.first_day)) == ("act", "2021-10-06")
    assert "setl_20211006 (1).json" in twice.detail


@pytest.mark.parametrize("days_ago", [20, 100, 400])
def test_a_second_file_of_a_day_long_ago(office: Office, clock: Hands, days_ago: int) -> None:
    day = f"{clock.now - timedelta(days=days_ago):%Y%m%d}"
    drop(office, day, row("A1", 1), row("A2", 2))
    night(office)
    assert findings(office, "file_twice") == []
    clock.move(days=1)
    drop(office, "", row("A1", 1), name=f"setl_{day}(1).json")
    drop(office, f"{clock.now:%Y%m%d}", row("A3", 3))
    night(office)
    (twice,) = findings(office, "file_twice")
    assert (twice.level, f"{twice.first_day:%Y%m%d}", twice.count) == ("act", day, 1)
    assert f"setl_{day}(1).json" in twice.detail
    clock.move(days=2)
    night(office)
    assert findings(office, "file_twice") == [msgspec.structs.replace(twice, counts=True)]
    # It is said for a week, as of every other day.
    clock.move(days=6)
    look_around(office)
    assert findings(office, "file_twice") == []


def test_a_person_in_a_kept_files_name_is_in_no_cursor(make_office: MakeOffice, database_url: str) -> None:
    kept = DROPS.format(expect="", expires="2099-12-31").replace(
        'folder = "data/in"', 'folder = "data/in"\nafter = "keep"'
    )
    office = make_office(database_url, feeds={"drops": kept})
    (office.site / "data" / "in").mkdir(parents=True)
    for number in (1, 2):
        drop(office, "", row(f"A{number}", number), name=f"setl_{who(number).id_number}_20211006.json")
    assert night(office).feeds[0].pages == 2
    [feed] = [feed for feed in rows_of(office, schema.feed) if feed["feed"] == "drops"]
    assert who(1).id_number not in feed["cursor"]
    # Both are known again, and so is what an older release remembered by its name.
    assert night(office).feeds[0].pages == 0
    drop(office, "20211007", row("A3", 3))
    assert night(office).feeds[0].pages == 1


# ── days ──


def test_an_empty_file_that_says_so_is_a_day_without_settlements(office: Office) -> None:
    drop(office, "20211005", row("A1", 1), said="rows=1")
    drop(office, "20211006", said="rows=0\namount=0.00")
    drop(office, "20211007", row("A2", 2), said="rows=1")
    assert night(office).failed is False
    assert codes(office) == []
    assert open_items(office) == []
    assert [(entry["state"], entry["rows"]) for entry in rows_of(office, schema.page)] == [
        ("done", 1),
        ("done", 0),
        ("done", 1),
    ]


def test_an_empty_file_that_does_not_say_so_cannot_be_read(office: Office) -> None:
    drop(office, "20211006", said="rows=3")
    night(office)
    assert told(office, "quarantine_open") == [("drops", 1, "0.00")]
    assert findings(office, "quarantine_open")[0].level == "act"


def test_days_outside_of_what_is_expected(make_office: MakeOffice, database_url: str) -> None:
    office = opened(make_office, database_url, expect="rows_per_day = [2, 3]")
    drop(office, "20211006", row("A1", 1), row("A2", 2))
    drop(office, "20211007", row("A3", 3))
    night(office)
    (outside,) = findings(office, "rows_outside")
    assert (outside.count, str(outside.first_day)) == (1, "2021-10-07")


def test_totals_that_differ_are_a_finding_and_a_difference(office: Office) -> None:
    drop(office, "20211006", row("A1", 1), said="rows=2\namount=40000.00")
    night(office)
    (differs,) = findings(office, "totals_differ")
    assert (differs.count, differs.amount, differs.counts) == (1, "20000.00", True)
    drop(office, "20211006", row("A1", 1), row("A2", 2), said="rows=2\namount=40000.00")
    night(office)
    assert findings(office, "totals_differ") == []


# ── codes, fields ──


def test_a_code_that_decides_about_money_and_nobody_knows(office: Office) -> None:
    drop(office, "20211006", row("A1", 1, med_type="2A"), row("A2", 2, med_type="2A"), row("A3", 3, med_type="31"))
    drop(office, "20211007", row("A4", 1), row("A9", 9, med_type="2A"))
    night(office)
    assert told(office, "unknown_codes") == [
        ("drops/care_type/2A", 2, "40000.00"),
        ("drops/care_type/31", 1, "20000.00"),
    ]
    assert {report.level for report in findings(office, "unknown_codes")} == {"act"}
    # Reading the pages again does not count them again.
    night(office)
    assert told(office, "unknown_codes")[0] == ("drops/care_type/2A", 2, "40000.00")


def test_an_insurance_nobody_knows_is_named_too(office: Office) -> None:
    drop(office, "20211006", row("A1", 1, insutype="3I0"), row("A2", 2, insutype="39902"))
    night(office)
    assert told(office, "unknown_codes") == [("drops/insurance_type/3I0", 1, "20000.00")]


def test_a_row_that_is_refused_for_its_code_names_the_code(office: Office) -> None:
    drop(office, "20211006", row("A1", 1, refd_setl_flag="7"), row("A9", 9, refd_setl_flag="7"))
    night(office)
    assert told(office, "unknown_codes") == [("drops/reversal/7", 2, "40000.00")]


def test_a_value_that_is_no_code_is_not_shown(office: Office) -> None:
    drop(office, "20211006", row("A1", 1, med_type=who(1).name))
    night(office)
    (unknown,) = findings(office, "unknown_codes")
    assert who(1).name not in str(rows_of(office, schema.finding))
    assert who(1).name not in str(rows_of(office, schema.batch))
    assert unknown.name.startswith("drops/care_type/（")


def test_what_a_mapping_warns_of_in_members_rows_is_a_finding_with_its_money(office: Office) -> None:
    # 起付线 30,000 of a total of 20,000; the one of the stranger is nobody's claim.
    odd = [row(f"A{number}", number, act_pay_dedc="30000.00") for number in (1, 2, 9)]
    drop(office, "20211006", *odd, row("A3", 3))
    drop(office, "20211007", row("A4", 1))
    night(office)
    [warned] = findings(office, "rows_warned")
    assert (warned.name, warned.count, warned.amount) == ("drops/deductible", 2, "40000.00")
    assert (str(warned.first_day), warned.level) == ("2021-10-06", "know")
    assert "起付" in warned.detail
    assert "feed replay" in warned.advice
    # A week without closes it.
    drop(office, "20211013", row("A5", 1))
    night(office)
    assert findings(office, "rows_warned") == []


def test_amounts_that_do_not_come_are_a_finding_until_the_mapping_says_so(office: Office) -> None:
    check_amounts(office, "warn")
    drop(office, "20211006", row("A1", 1), row("A2", 2), row("A9", 9))
    night(office)
    assert told(office, "rows_warned") == [("drops/missing_amount", 2, "40000.00")]
    # The rows hold 符合政策范围 and 基金支付总额, and nothing of what the person paid.
    [missed] = findings(office, "rows_warned")
    assert "个人" in missed.detail
    assert "政策范围" not in missed.detail.partition("：")[2]
    check_amounts(office, "off")
    look_around(office)
    assert findings(office, "rows_warned") == []


def test_a_field_that_vanished(office: Office) -> None:
    drop(office, "20211006", *(row(f"A{n}", n, acct_pay="0.00") for n in range(20, 45)))
    night(office)
    without = [{key: value for key, value in row(f"B{n}", n).items() if key != "inscp_scp_amt"} for n in range(20, 45)]
    drop(office, "20211007", *({**one, "inscp_amount": "15000.00"} for one in without))
    night(office)
    assert [name for name, _, _ in told(office, "field_vanished")] == ["drops/account_amount", "drops/in_scope_amount"]
    (unused,) = findings(office, "keys_unused")
    assert (unused.detail, unused.level) == ("inscp_amount", "know")


# ── agreements, lateness, runs ──


def test_a_feed_whose_agreement_has_expired_is_not_read(make_office: MakeOffice, database_url: str) -> None:
    office = opened(make_office, database_url, expires="2021-10-07")
    path = drop(office, "20211006", row("A1", 1))
    report = night(office)
    assert [feed.outcome for feed in report.feeds] == ["expired"]
    assert path.is_file()
    assert rows_of(office, schema.page) == []
    (expired,) = findings(office, "agreement_expired")
    assert expired.counts
    assert findings(office, "feed_failed") == []


def test_an_agreement_that_expires_today_still_holds(make_office: MakeOffice, database_url: str) -> None:
    office = opened(make_office, database_url, expires="2021-10-08")
    drop(office, "20211006", row("A1", 1))
    assert night(office).failed is False
    assert codes(office) == ["agreement_expiring"]


def test_a_feed_is_late_until_something_comes(office: Office, clock: Hands) -> None:
    drop(office, "20211006", row("A1", 1))
    night(office)
    clock.move(hours=37)
    assert any(line.startswith("drops") for line in health(office).findings)
    assert told(office, "feed_late") == [("drops", 1, None)]
    drop(office, "20211007", row("A2", 2))
    night(office)
    assert findings(office, "feed_late") == []


def test_a_run_that_failed_is_a_finding_until_one_succeeds(office: Office, clock: Hands) -> None:
    folder = office.site / "data" / "in"
    folder.rmdir()
    night(office)
    (failed,) = findings(office, "feed_failed")
    assert failed.counts
    folder.mkdir()
    drop(office, "20211006", row("A1", 1))
    night(office)
    assert findings(office, "feed_failed") == []


# ── what waits for a person ──


def test_quarantine_is_one_finding_until_it_is_empty(office: Office, clock: Hands) -> None:
    drop(office, "20211006", *(row(f"A{n}", n) for n in range(1, 4)), row("A9", 1, enddate="2021-06-01"))
    night(office)
    assert told(office, "quarantine_open") == [("drops", 1, "20000.00")]
    assert findings(office, "quarantine_open")[0].level == "know"
    clock.move(days=7)
    look_around(office)
    assert findings(office, "quarantine_open")[0].level == "act"
    drop(office, "20211006", *(row(f"A{n}", n) for n in range(1, 4)), row("A9", 1))
    night(office)
    assert findings(office, "quarantine_open") == []


def test_a_share_of_rows_that_cannot_be_read(office: Office) -> None:
    bad = [row(f"A{n}", n, refd_setl_flag="7") for n in range(1, 6)]
    drop(office, "20211006", *bad, *(row(f"B{n}", n) for n in range(20, 60)))
    night(office)
    (quarantined,) = findings(office, "quarantine_open")
    assert (quarantined.count, quarantined.level) == (5, "act")


def test_a_refund_that_waits_for_its_original(office: Office) -> None:
    take(office, "pushes", page(row("R1", None, refund=True)))
    look_around(office)
    assert [(name, count) for name, count, _ in told(office, "refunds_waiting")] == [("pushes", 1)]
    take(office, "pushes", page(row("R1", 1), request="later"))
    look_around(office)
    assert findings(office, "refunds_waiting") == []


def test_a_refund_whose_original_nobody_knows_is_told_with_its_money(office: Office) -> None:
    drop(office, "20211006", row("A1", 1))
    night(office)
    refund = row("R7", 1, refund=True, mdtrt_id="V-other", medfee_sumamt="21000.00")
    drop(office, "20211007", refund)
    night(office)
    (waiting,) = findings(office, "refunds_waiting")
    assert (waiting.kind, waiting.name, waiting.count, waiting.amount) == ("association", "nm", 1, "21000.00")
    assert findings(office, "review_open") == []


def test_open_items_that_end_with_their_page_are_said_for_a_while(office: Office, clock: Hands) -> None:
    drop(office, "20211006", row("A9", 1, enddate="2021-06-01"))
    night(office)
    for _ in range(8):
        clock.move(days=2.9)
        let_go(office, DOORS)
    assert told(office, "items_expired") == [("retain", 1, None)]
    assert findings(office, "quarantine_open") == []
    for _ in range(11):
        clock.move(days=2.9)
        let_go(office, DOORS)
    assert findings(office, "items_expired") == []


def test_claims_that_are_late_when_a_feed_begins(office: Office, clock: Hands) -> None:
    clock.set(2022, 10, 8, 9, 0)
    late = {"begndate": "2021-07-01", "enddate": "2021-07-10", "setl_time": "2021-07-10 10:00:00"}
    drop(office, "20211006", row("A1", 1, **late), row("A2", 2, **late))
    night(office)
    (arrived,) = findings(office, "late_on_arrival")
    assert (arrived.name, arrived.count, arrived.level) == ("drops", 2, "know")
    drop(office, "20211007", row("A3", 3, **late))
    clock.move(days=2)
    night(office)
    assert findings(office, "late_on_arrival")[0].count == 2


# ── what takes claims away ──


def test_claims_that_fall_are_named_with_cause_and_money(office: Office, clock: Hands) -> None:
    drop(office, "20211006", row("A1", 1), row("A2", 2), row("A3", 3))
    night(office)
    assert findings(office, "claims_taken") == []
    drop(office, "20211007", row("A1", 1, refund=True))
    drop(
        office, "20211006", row("A1", 1), row("A2", 2, inscp_scp_amt="14000.00"), row("A3", 3, inscp_scp_amt="16000.00")
    )
    night(office)
    # 40 % of the 6,000 (then 5,000) left to pay within scope, and nine days at 10 yuan: 2,490.00 and 2,090.00.
    (taken,) = findings(office, "claims_taken")
    assert (taken.name, taken.level, taken.count, taken.amount) == ("nm/drops", "know", 2, "2890.00")
    assert any(
        "setl_20211007.json" in part and "撤回1件" in part and "2490.00" in part for part in taken.detail.split("；")
    )
    assert any(
        "setl_20211006.json" in part and "降低1件" in part and "400.00" in part for part in taken.detail.split("；")
    )
    clock.move(days=4)
    look_around(office)
    assert findings(office, "claims_taken") == []


def test_a_claim_that_is_lowered_and_then_withdrawn_counts_once_with_all_it_lost(office: Office) -> None:
    drop(office, "20211006", row("A1", 1), row("A2", 2), row("A3", 3))
    night(office)
    drop(office, "20211007", row("A1", 1, inscp_scp_amt="14000.00"))
    night(office)
    (lowered,) = findings(office, "claims_taken")
    assert (lowered.count, lowered.amount) == (1, "400.00")
    drop(office, "20211008", row("A1", 1, refund=True, inscp_scp_amt="14000.00"))
    night(office)
    # 2,490.00 were owed once and are owed no longer: 400.00 and then 2,090.00, of one claim.
    (taken,) = findings(office, "claims_taken")
    assert (taken.count, taken.amount) == (1, "2490.00")
    assert "撤回1件" in taken.detail
    assert "降低" not in taken.detail


def test_a_claim_that_rose_in_between_lost_what_it_fell_last(office: Office) -> None:
    drop(office, "20211006", row("A1", 1))
    night(office)
    for day, in_scope in (("20211007", "14000.00"), ("20211008", "16000.00"), ("20211009", "15500.00")):
        drop(office, day, row("A1", 1, inscp_scp_amt=in_scope))
        night(office)
    # 2,490.00 → 2,090.00 → 2,890.00 → 2,690.00: below what it was at its highest by 200.00.
    (taken,) = findings(office, "claims_taken")
    assert (taken.count, taken.amount) == (1, "200.00")


def test_what_a_newer_file_leaves_out_is_named(office: Office) -> None:
    drop(office, "20211006", *(row(f"A{n}", n) for n in (1, 2, 3)), *(row(f"B{n}", n) for n in range(20, 40)))
    night(office)
    drop(office, "20211006", *(row(f"A{n}", n) for n in (1, 2)), *(row(f"B{n}", n) for n in range(20, 40)))
    night(office)
    (taken,) = findings(office, "claims_taken")
    assert (taken.name, taken.count, taken.amount) == ("nm/drops", 1, "2490.00")
    assert "left out by a newer file" in taken.detail


# ── the commands say the same ──


def command(office: Office, *words: str) -> tuple[int, Any]:
    ended = CliRunner().invoke(app, ["--site", str(office.site), *words, "--json"])
    return ended.exit_code, msgspec.json.decode(ended.stdout.splitlines()[-1])


def test_every_command_shows_the_same_and_ends_with_one(
    make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBAO_TEST_SECRET", "whsec_" + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0")
    office = opened(make_office, sqlite_url, expect='days = "any"')
    for file in (office.site / "config" / "feeds").glob("*.toml"):
        if file.stem not in ("drops", "pushes"):
            file.unlink()
    drop(office, "20211006", row("A1", 1), name="setl_20211006.JSON")
    asked = {name: command(office, name) for name in ("run", "status", "findings", "reconcile")}
    assert {name: code for name, (code, _) in asked.items()} == dict.fromkeys(asked, 1)
    shown = {
        name: {(report["code"], report["name"]) for report in answer["noted" if name == "status" else "findings"]}
        for name, (_, answer) in asked.items()
    }
    assert ("files_waiting", "drops") in shown["run"]
    assert all(reports == shown["run"] for reports in shown.values())


def test_quarantine_retried_is_mended(office: Office) -> None:
    drop(office, "20211006", row("A9", 1, refd_setl_flag="7"))
    night(office)
    assert told(office, "unknown_codes") == [("drops/reversal/7", 1, "20000.00")]
    (item,) = rows_of(office, schema.quarantine)
    retry_quarantine(office, [item["item_id"]])
    look_around(office)
    assert told(office, "quarantine_open") == [("drops", 1, "20000.00")]
