"""One thing that does not open stops only itself: nothing is concluded about whom it concerns, all others go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    FILES,
    adds_up,
    claims,
    enrolled,
    in_batches,
    keep_page,
    live,
    member,
    only,
    open_items,
    page,
    payable,
    row,
    rows_of,
    take,
    truth,
    versions,
)
from facts_side import confirmed, ill, woman
from sqlalchemy import Table, select, update
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import WrongUse
from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide, export_claims
from gateway.flow.delivery.pulling import claims_after
from gateway.flow.findings.book import FindingReport, show
from gateway.flow.intake.night import Doors, NightReport, run_night, work_waiting
from gateway.flow.intake.set_aside import standing_pieces, write_off
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

MANY = 8


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds={**EAST_AND_WEST, **FILES})
    enrolled(office, *range(1, MANY + 1))
    return office


class Inbox:
    """Takes every claim, and remembers which."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def send(self, body: bytes, **_: Any) -> Answer:
        self.bodies.append(msgspec.json.decode(body))
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, **_: Any) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)

    @property
    def arrived(self) -> set[str]:
        return {body["claim_id"] for body in self.bodies}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def night(office: Office, inbox: Inbox) -> NightReport:
    numbers = iter(range(10**6))
    doors = Doors(
        feed=lambda *_: None,  # type: ignore[arg-type,return-value]
        sender=lambda *_: inbox,  # type: ignore[arg-type,return-value]
        jitter=lambda: 0.0,
        new_lease=lambda: str(next(numbers)),
    )
    return run_night(office, doors, feeds=["east"])


def spoil(office: Office, table: Table, where: Any = None) -> Callable[[], None]:
    """Turn the first (or chosen) box of a table into one that does not open; the answer puts it right again."""
    number = table.primary_key.columns.values()
    chosen = where if where is not None else True
    with office.store.write() as tx:
        found = tx.execute(select(*number, table.c.sealed).where(chosen).order_by(*number).limit(1)).one()
        this = [column == found._mapping[column] for column in number]
        sound = bytes(found.sealed)
        tx.execute(update(table).where(*this).values(sealed=sound[:-1] + bytes([sound[-1] ^ 1])))

    def mend() -> None:
        with office.store.write() as tx:
            tx.execute(update(table).where(*this).values(sealed=sound))

    return mend


def said(office: Office) -> list[str]:
    """What the open findings are about, each code once."""
    return sorted({finding.code for finding in show(office)})


def unreadable(office: Office) -> FindingReport:
    found: FindingReport = only([finding for finding in show(office) if finding.code == "unreadable"])
    return found


def everybody(*, suffix: str = "1", **changes: Any) -> list[dict[str, Any]]:
    return [row(f"A{number}-{suffix}", number, **changes) for number in range(1, MANY + 1)]


AUGUST = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}
SEPTEMBER = {"begndate": "2021-09-01", "enddate": "2021-09-10", "setl_time": "2021-09-10 10:00:00"}

# ── bodies ──


def test_a_body_that_does_not_open_costs_no_other_its_answer(office: Office, inbox: Inbox, clock: Hands) -> None:
    take(office, "east", page(*everybody()))
    mend = spoil(office, schema.delivery)
    for _ in range(12):
        report = night(office, inbox)
        clock.move(hours=24)
    assert len(inbox.arrived) == MANY - 1
    assert {each["state"] for each in rows_of(office, schema.delivery)} == {"accepted", "pending"}
    waiting = only([each for each in rows_of(office, schema.delivery) if each["state"] == "pending"])
    assert (waiting["attempts"], waiting["last_code"]) == (0, "unreadable")
    assert not report.failed
    found = unreadable(office)
    assert (found.kind, found.name, found.count, found.counts) == ("association", "nm", 1, True)
    mend()
    night(office, inbox)
    assert len(inbox.arrived) == MANY
    night(office, inbox)
    assert said(office) == ["feed_late"]


def test_a_mistake_with_one_delivery_costs_no_other_its_answer(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(*everybody()))
    send = inbox.send
    wrong = sorted(each["claim_id"] for each in claims(office))[0]

    def send_or_fail(body: bytes, **named: Any) -> Answer:
        if named["claim_id"] == wrong:
            raise KeyError("a mistake")
        return send(body, **named)

    inbox.send = send_or_fail  # type: ignore[method-assign]
    night(office, inbox)
    assert len(inbox.arrived) == MANY - 1
    states = {each["claim_id"]: each["state"] for each in rows_of(office, schema.delivery)}
    assert states.pop(wrong) == "unknown"
    assert set(states.values()) == {"accepted"}


def test_a_body_that_is_written_off_is_made_anew(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(row("A1", 1)))
    claim = only(claims(office))["claim_id"]
    spoil(office, schema.delivery)
    night(office, inbox)
    number = only(standing_pieces(office)).piece_id
    shown = write_off(office, number, by="王五", carry_out=False)
    assert [(each.claim_id, each.before, each.after) for each in shown.differences] == [
        (claim, (1, "proposed", "2490.00"), (2, "amended", "2490.00"))
    ]
    assert only(standing_pieces(office)).piece_id == number
    assert write_off(office, number, by="王五", carry_out=True).written
    night(office, inbox)
    assert [(body["version"], body["payable"]) for body in inbox.bodies] == [(2, "2490.00")]
    assert said(office) == []


# ── the night ──


def test_retention_runs_whatever_fails_before_it(
    office: Office, inbox: Inbox, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.flow.intake import night as module

    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a mistake")

    for name in ("rescan", "deliver_due", "work_waiting", "look_again", "reopen_gaps"):
        monkeypatch.setattr(module, name, fail)
    ran: list[Office] = []
    monkeypatch.setattr(module, "retain", lambda office: ran.append(office) or module.RetentionReport())
    report = night(office, inbox)
    assert ran
    assert report.failed
    assert set(report.failed_steps) >= {"mend", "waiting", "rescan/nm", "deliver/nm"}
    failed = {finding.name for finding in show(office) if finding.code == "step_failed" and finding.counts}
    assert failed == set(report.failed_steps)
    monkeypatch.undo()
    clock.move(minutes=11)  # A run that failed is tried again after ten minutes.
    assert not night(office, inbox).failed
    assert said(office) == []


# ── records, facts, members ──


def of(office: Office, person: int) -> Any:
    """The person with this number: the first enrolled is the first."""
    return schema.record.c.person_id == person


def test_a_record_that_does_not_open_holds_up_its_person_only(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(*everybody()))
    before = live(office)
    mend = spoil(office, schema.record, of(office, 1))
    take(office, "east", page(*everybody(suffix="2", **AUGUST), request="2"))
    assert len(live(office)) == 2 * MANY - 1
    assert [each for each in live(office) if each["person_id"] == 1] == [
        each for each in before if each["person_id"] == 1
    ]
    assert adds_up(office) == {"member": 2 * MANY}
    night(office, inbox)
    found = unreadable(office)
    assert (found.name, found.count, found.amount) == ("nm", 1, "20000.00")
    mend()
    night(office, inbox)
    assert len(live(office)) == 2 * MANY
    assert said(office) == []


def test_nothing_is_withdrawn_while_a_record_does_not_open(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 1, **AUGUST)))
    before = live(office)
    mend = spoil(office, schema.record)
    take(office, "east", page(row("A2", 1, refund=True, **AUGUST), request="2"))
    enrolled(office, 2)
    assert live(office) == before
    mend()
    night(office, inbox)
    assert [stay for stay, _ in payable(office)] == ["H15099900001/VA1"]


def test_a_decision_is_written_down_and_keeps_using_the_cap(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 1, **AUGUST)))
    spoil(office, schema.record)
    claim = claims(office)[0]["claim_id"]
    decide(office, claim, version=1, outcome="approved", amount=Money(200000))
    assert only(rows_of(office, schema.claim_decision))["amount"] == 200000
    assert len(live(office)) == 2


def test_a_decided_body_that_does_not_open_holds_up_its_person_only(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(*everybody()))
    mine = only([each for each in claims(office) if each["person_id"] == 1])["claim_id"]
    decide(office, mine, version=1, outcome="approved", amount=Money(200000))
    mend = spoil(office, schema.delivery, schema.delivery.c.claim_id == mine)
    take(office, "east", page(*everybody(suffix="2", **AUGUST), request="2"))
    assert len(rows_of(office, schema.claim)) == 2 * MANY - 1
    mend()
    night(office, inbox)
    assert len(live(office)) == 2 * MANY


def test_writing_a_record_off_shows_the_difference_first(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 1, **AUGUST)))
    spoil(office, schema.record)
    night(office, inbox)
    take(office, "east", page(row("A3", 1, **SEPTEMBER), request="2"))
    number = only(standing_pieces(office)).piece_id
    gone = next(each["claim_id"] for each in claims(office) if each["stay"].endswith("VA1"))
    shown = write_off(office, number, by="王五", carry_out=False)
    assert {each.claim_id: each.after[1] for each in shown.differences}[gone] == "withdrawn"
    assert len(shown.differences) == 3
    assert not shown.written
    assert len(live(office)) == 2
    write_off(office, number, by="王五", carry_out=True)
    assert [stay for stay, _ in payable(office)] == ["H15099900001/VA2", "H15099900001/VA3"]
    assert versions(office, gone)[-1][1] == "withdrawn"
    assert only(rows_of(office, schema.unreadable))["written_off_by"] == "王五"
    with pytest.raises(WrongUse, match="no such piece"):
        write_off(office, number, by="王五", carry_out=True)
    night(office, inbox)
    assert said(office) == ["claims_taken"]
    assert adds_up(office) == {"member": 3}


def test_a_record_that_was_written_off_and_opens_after_all_counts_from_the_next_night(
    office: Office, inbox: Inbox
) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 1, **AUGUST)))
    undisturbed = payable(office)
    mend = spoil(office, schema.record)
    night(office, inbox)
    take(office, "east", page(row("A2", 1, **AUGUST), request="2"))
    write_off(office, only(standing_pieces(office)).piece_id, by="王五", carry_out=True)
    assert payable(office) != undisturbed
    mend()
    night(office, inbox)
    assert payable(office) == undisturbed
    assert said(office) == ["claims_taken"]


def test_a_member_who_does_not_open_holds_up_their_rows_only(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(*everybody()))
    mend = spoil(office, schema.member)
    take(office, "east", page(*everybody(suffix="2", **AUGUST), request="2"))
    assert len(live(office)) == 2 * MANY - 1
    assert [(kind, codes) for kind, _, _, codes in open_items(office)] == [("quarantine", "unreadable")]
    assert adds_up(office) == {"member": 2 * MANY - 1, "quarantined": 1}
    night(office, inbox)
    assert unreadable(office).count == 1
    mend()
    night(office, inbox)
    assert len(live(office)) == 2 * MANY
    assert open_items(office) == []
    assert said(office) == []


def test_a_corrected_row_of_a_member_who_does_not_open_withdraws_nothing(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(row("A1", 1)))
    before = live(office)
    mend = spoil(office, schema.member)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00"), request="2"))
    assert live(office) == before
    mend()
    night(office, inbox)
    assert payable(office) == [("H15099900001/VA1", 289000)]


def test_a_fact_that_does_not_open_holds_up_its_member_only(office: Office, inbox: Inbox, clock: Hands) -> None:
    clock.set(2022, 10, 8, 9)
    enrol(office, "nm", [woman(31), woman(32)])
    confirmed(office, 31)
    confirmed(office, 32)
    before = live(office)
    assert len(before) == 2
    mend = spoil(office, schema.fact)
    take(office, "east", page(ill("W1", 31), ill("W2", 32)))
    mine, other = sorted(each["person_id"] for each in before)
    versions_of = {each["person_id"]: each["version"] for each in claims(office)}
    assert (versions_of[mine], versions_of[other]) == (1, 2)
    night(office, inbox)
    piece = only(standing_pieces(office))
    assert piece.piece.kind == "fact"
    shown = write_off(office, piece.piece_id, by="王五", carry_out=False)
    assert only(shown.differences).after[2] == "0.00"
    mend()
    night(office, inbox)
    assert standing_pieces(office) == []
    assert said(office) == ["feed_late"]


def test_a_withdrawal_that_does_not_open_is_sealed_anew(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(row("A1", 1)))
    night(office, inbox)
    take(office, "east", page(row("A1", 1, refund=True), request="2"))
    spoil(office, schema.delivery, schema.delivery.c.version == 2)
    night(office, inbox)
    assert [body["status"] for body in inbox.bodies] == ["proposed"]
    number = only(standing_pieces(office)).piece_id
    assert write_off(office, number, by="王五", carry_out=True).differences == []
    night(office, inbox)
    assert [(body["version"], body["status"]) for body in inbox.bodies] == [(1, "proposed"), (2, "withdrawn")]
    assert said(office) == ["claims_taken"]


# ── row lists ──


def file(*numbers: int, revision: int) -> Any:
    rows = [row(f"A{number}", number) for number in numbers]
    return page(*rows, request=f"x:{revision}", source="x.json", part=1, parts=1)


def test_no_claim_is_withdrawn_because_a_row_list_does_not_open(office: Office, inbox: Inbox) -> None:
    take(office, "files", file(1, 2, 3, 4, revision=1))
    first = keep_page(office, "files", file(1, 2, 3, revision=2))
    mend = spoil(office, schema.batch)
    work_waiting(office, ["files"])
    assert first == 2
    assert len(live(office)) == 4
    night(office, inbox)
    found = unreadable(office)
    assert (found.kind, found.name, found.count) == ("feed", "files", 1)
    mend()
    night(office, inbox)
    assert len(live(office)) == 3
    assert said(office) == ["claims_taken"]


def test_a_row_whose_standing_nobody_can_tell_stays(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 99), row("A3", 100)))
    spoil(office, schema.batch)
    before = truth(office)
    enrolled(office, 99)
    rescan(office)
    after = truth(office)
    assert {name: after[name] for name in ("records", "claims", "open")} == {
        name: before[name] for name in ("records", "claims", "open")
    }


def test_an_earlier_page_is_worked_though_a_later_list_does_not_open(office: Office) -> None:
    office = in_batches(office, 2)
    early = keep_page(office, "east", page(*everybody()))
    take(office, "east", page(*everybody(suffix="2", **AUGUST), request="2"))
    spoil(office, schema.batch)
    work_waiting(office, ["east"])
    assert early == 1
    assert len(live(office)) == 2 * MANY


# ── a key ──


def test_a_month_of_claims_whose_key_is_gone_holds_up_whom_it_concerns(
    office: Office, inbox: Inbox, clock: Hands
) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    office.vault.shred(office.vault.claim_key("nm", date(2021, 10, 1)).number)
    clock.set(2021, 11, 2, 9)
    take(office, "east", page(row("B2", 2, **AUGUST), row("B3", 3, **AUGUST), row("B4", 4, **AUGUST), request="2"))
    night(office, inbox)
    assert {each["person_id"] for each in rows_of(office, schema.claim) if each["claim_id"] in inbox.arrived} == {3, 4}
    assert unreadable(office).count == 3
    # What else of theirs does not open shows only once it is asked for.
    while waiting := standing_pieces(office):
        for standing in waiting:
            write_off(office, standing.piece_id, by="王五", carry_out=True)
    night(office, inbox)
    assert {body["member"]["member_no"] for body in inbox.bodies if body["status"] != "withdrawn"} >= {"M00002"}
    assert [finding.code for finding in show(office) if finding.code == "unreadable"] == []


# ── the command ──


def command(office: Office, *words: str) -> tuple[int, Any]:
    ended = CliRunner().invoke(app, ["--site", str(office.site), *words, "--json"])
    return ended.exit_code, msgspec.json.decode(ended.stdout.splitlines()[-1])


def test_the_command_lists_and_writes_off(office: Office, inbox: Inbox) -> None:
    take(office, "east", page(row("A1", 1), row("A2", 1, **AUGUST)))
    spoil(office, schema.record)
    enrol(office, "nm", [member(1, category="retired")])
    night(office, inbox)
    code, answer = command(office, "unreadable", "list")
    piece = only(answer["pieces"])
    assert (code, piece["piece"]["kind"], piece["piece"]["amount"]) == (0, "record", "20000.00")
    number = str(piece["piece_id"])
    code, answer = command(office, "unreadable", "write-off", number, "--by", "王五")
    assert (code, answer["written"], answer["still_waiting"]) == (0, False, 0)
    assert "withdrawn" in {each["after"][1] for each in answer["differences"]}
    plain = CliRunner().invoke(app, ["--site", str(office.site), "unreadable", "write-off", number, "--by", "王五"])
    assert "尚未注销" in plain.stdout
    assert command(office, "unreadable", "write-off", number, "--by", "王五", "--yes")[1]["written"]
    assert command(office, "unreadable", "list")[1] == {"pieces": []}
    assert CliRunner().invoke(app, ["--site", str(office.site), "unreadable", "list"]).exit_code == 0


# ── who asks besides the night ──


def test_an_import_seals_a_box_anew_that_it_proves_unchanged(office: Office, inbox: Inbox) -> None:
    spoil(office, schema.member)
    take(office, "east", page(*everybody()))
    assert len(live(office)) == MANY - 1
    changed = member(2, category="retired")
    assert enrol(office, "nm", [member(1), changed]).refused == []
    night(office, inbox)
    assert len(live(office)) == MANY
    assert said(office) == []


def test_an_import_that_changes_a_member_who_does_not_open_refuses_that_row_only(office: Office) -> None:
    spoil(office, schema.member)
    report = enrol(office, "nm", [member(1, category="retired"), member(2, category="retired"), member(20)])
    assert [number for number, _ in report.refused] == ["M00001"]
    assert (report.added, list(report.changed)) == (1, ["M00002"])


def test_claims_are_listed_and_exported_though_one_body_does_not_open(office: Office, tmp_path: Path) -> None:
    take(office, "east", page(*everybody()))
    spoil(office, schema.delivery)
    shown = claims_after(office, "nm", status=None, after=0, limit=100).claims
    assert sorted(body is None for _, body in shown) == [False] * (MANY - 1) + [True]
    assert export_claims(office, tmp_path / "claims.jsonl", association="nm") == MANY
    lines = [msgspec.json.decode(line) for line in (tmp_path / "claims.jsonl").read_bytes().splitlines()]
    assert len([line for line in lines if "settlements" in line]) == MANY - 1
    assert len({line["claim_id"] for line in lines}) == MANY
