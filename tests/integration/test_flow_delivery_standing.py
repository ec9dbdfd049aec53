"""What keeps claims from an association is said once, stops what it must, and is closed when deliveries succeed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, claims, enrolled, only, page, row, rows_of, take
from sqlalchemy import update

from gateway.errors import WrongUse
from gateway.flow.delivery import by_hand
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.delivery.health import health
from gateway.flow.findings.book import show
from gateway.flow.office import Office
from gateway.model.claim import Answer, AnswerKind
from gateway.settings.associations import AcceptedSpec
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

YES = Answer(kind=AnswerKind.ACCEPTED)
NO = Answer(kind=AnswerKind.REFUSED, code="not_a_member")
DOWN = Answer(kind=AnswerKind.UNAVAILABLE, code="no_connection")
PROXY = Answer(kind=AnswerKind.UNAVAILABLE, code="http_404")
LOST = Answer(kind=AnswerKind.UNKNOWN, code="no_answer")
ODD = Answer(kind=AnswerKind.UNKNOWN, code="unproven/verdict", shape="200 application/json {code: number}")
ABSENT = Answer(kind=AnswerKind.ABSENT, code="http_404")
MUTE = Answer(kind=AnswerKind.UNKNOWN, code="cannot_be_asked")

NOTHING_SET: Mapping[str, Answer] = {}

_leases = itertools.count()


class Association:
    """Answers every delivery and every question with the next of its answers, the last again and again. Deliveries come
    from several threads, in any order: what one of them must be told goes by its key (`of_key`)."""

    def __init__(
        self, sends: Iterable[Answer], asks: Iterable[Answer] = (ABSENT,), of_key: Mapping[str, Answer] = NOTHING_SET
    ) -> None:
        self.sends, self.asks, self.of_key = list(sends), list(asks), of_key
        self.sent: list[str] = []
        self.asked: list[str] = []

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        self.sent.append(idempotency_key)
        if idempotency_key in self.of_key:
            return self.of_key[idempotency_key]
        return self.sends.pop(0) if len(self.sends) > 1 else self.sends[0]

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        self.asked.append(claim_id)
        return self.asks.pop(0) if len(self.asks) > 1 else self.asks[0]


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, *range(1, 41))
    return office


@pytest.fixture
def without_rule(office: Office) -> Office:
    """A site whose association's file does not say what an answer must hold."""
    spec = office.associations["nm"].model_copy(update={"accepted": None})
    return replace(office, associations={"nm": spec})


def bring(office: Office, many: int) -> None:
    take(office, "east", page(*(row(f"A{n}", n) for n in range(1, many + 1))))


def deliver(office: Office, association: Association) -> None:
    deliver_due(office, "nm", association, jitter=lambda: 0.0, new_lease=lambda: f"lease {next(_leases)}")  # type: ignore[arg-type]


def open_codes(office: Office) -> dict[str, int]:
    """What is said about the line to an association; that a claim is about to lapse is said beside it."""
    of_associations = [finding for finding in show(office) if finding.kind == "association"]
    return {finding.code: finding.count for finding in of_associations if finding.code != "claims_lapsing"}


def states(office: Office) -> list[tuple[str, str]]:
    return sorted({(each["state"], each["last_code"]) for each in rows_of(office, schema.delivery)})


# ── what is wrong, once, until it is mended ──


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (DOWN, "unreachable", "连不上 3"),
        (LOST, "unreachable", "没有答复 3"),
        (PROXY, "address_refused", "对方答 404 3"),
        (ODD, "answers_prove_nothing", ODD.shape),
    ],
)
def test_a_fault_is_one_finding_until_deliveries_succeed(
    office: Office, clock: Hands, answer: Answer, code: str, says: str
) -> None:
    bring(office, 3)
    far_side = Association([answer])
    for _ in range(2):
        deliver(office, far_side)
        clock.move(hours=1)
        finding = only(show(office))
        assert (finding.code, finding.kind, finding.name, finding.count) == (code, "association", "nm", 3)
        assert (finding.level, finding.counts, finding.detail) == ("act", True, says)
    deliver(office, Association([YES]))
    assert show(office) == []
    assert {state for state, _ in states(office)} == {"accepted"}


def test_one_connection_that_fails_among_others_is_no_news(office: Office, clock: Hands) -> None:
    bring(office, 3)
    deliver(office, Association([LOST, YES]))
    assert show(office) == []
    clock.move(hours=1)
    deliver(office, Association([YES], [YES]))
    assert show(office) == []


def test_one_claim_alone_that_does_not_get_through_is_said_and_after_an_hour_for_a_person(
    office: Office, clock: Hands
) -> None:
    bring(office, 1)
    deliver(office, Association([DOWN]))
    finding = only(show(office))
    assert (finding.code, finding.level, finding.counts) == ("unreachable", "know", False)
    clock.move(minutes=61)
    deliver(office, Association([DOWN]))
    finding = only(show(office))
    assert (finding.level, finding.counts) == ("act", True)
    clock.move(hours=1)
    deliver(office, Association([YES]))
    assert show(office) == []


def test_one_that_never_gets_through_is_said_although_others_do(office: Office, clock: Hands) -> None:
    bring(office, 1)
    far_side = Association([DOWN])
    for _ in range(3):
        deliver(office, far_side)
        clock.move(hours=3)
    take(office, "east", page(row("B2", 2)))
    deliver(office, Association([YES], of_key=dict.fromkeys(far_side.sent, DOWN)))
    assert open_codes(office) == {"unreachable": 1}


@pytest.mark.parametrize("answer", [PROXY, ODD])
def test_what_is_no_passing_fault_is_said_although_others_get_through(office: Office, answer: Answer) -> None:
    bring(office, 3)
    deliver(office, Association([answer, YES]))
    assert set(open_codes(office).values()) == {1}


def test_a_refusal_is_an_answer_and_no_fault(office: Office) -> None:
    bring(office, 2)
    deliver(office, Association([NO]))
    assert show(office) == []


def test_dead_letters_are_a_finding_that_counts_in_the_status(office: Office, clock: Hands) -> None:
    bring(office, 2)
    for _ in range(8):
        deliver(office, Association([PROXY]))
        clock.move(hours=24)
    assert open_codes(office) == {"dead_letters": 2}
    assert sum("dead letters" in sentence or "redrive" in sentence for sentence in health(office).findings) == 1
    by_hand.redrive(office, by_hand.RedriveOrder(association="nm", ids=None))
    # They wait for what the address last said.
    assert open_codes(office) == {"address_refused": 2}
    deliver(office, Association([YES]))
    assert open_codes(office) == {}


# ── answers that prove nothing stop an association whose file says nothing ──


def test_after_twenty_answers_that_prove_nothing_no_more_is_sent(without_rule: Office, clock: Hands) -> None:
    office = without_rule
    bring(office, 40)
    far_side = Association([ODD], [ODD])
    for _ in range(3):
        deliver(office, far_side)
        clock.move(minutes=1)
    assert len(far_side.sent) == len(set(far_side.sent)) == 20
    assert len(far_side.asked) == 20
    finding = only(show(office))
    assert (finding.code, finding.count) == ("answers_prove_nothing", 20)
    assert finding.detail == f"{ODD.shape}；已停送 (nothing more is sent)"
    # With a rule in the file it goes on by itself, and the rest is sent as well.
    ruled = replace(
        office,
        associations={"nm": office.associations["nm"].model_copy(update={"accepted": AcceptedSpec(claim="claim_id")})},
    )
    clock.move(hours=1)
    deliver(ruled, Association([YES], [ABSENT]))
    assert {state for state, _ in states(office)} == {"accepted"}
    assert show(office) == []


def test_what_was_accepted_before_stays_accepted(without_rule: Office, clock: Hands) -> None:
    office = without_rule
    take(office, "east", page(*(row(f"A{n}", n) for n in range(1, 6))))
    deliver(office, Association([YES]))
    take(office, "east", page(*(row(f"B{n}", n) for n in range(6, 41))))
    deliver(office, Association([ODD]))
    found = [each["state"] for each in rows_of(office, schema.delivery)]
    assert (found.count("accepted"), found.count("unknown"), found.count("pending")) == (5, 20, 15)


def test_a_doubt_keeps_its_reason_while_nobody_knows_more(without_rule: Office, clock: Hands) -> None:
    office = without_rule
    bring(office, 30)
    deliver(office, Association([ODD]))
    clock.move(minutes=1)
    # Who asks and hears nothing has not learnt that the answer was a good one.
    deliver(office, Association([ODD], [DOWN]))
    assert states(office) == [("pending", ""), ("unknown", "unproven/verdict")]
    clock.move(hours=1)
    deliver(office, Association([YES], [ABSENT]))
    assert {state for state, _ in states(office)} == {"accepted"}


def test_an_association_whose_file_has_a_rule_is_not_stopped(office: Office) -> None:
    bring(office, 40)
    far_side = Association([ODD])
    deliver(office, far_side)
    assert len(far_side.sent) == 40
    assert only(show(office)).detail == ODD.shape


# ── who cannot be asked ──


def in_doubt(office: Office, clock: Hands, many: int) -> None:
    bring(office, many)
    far_side = Association([LOST], [MUTE])
    for _ in range(2):
        deliver(office, far_side)
        clock.move(minutes=1)
    assert states(office) == [("dead", "cannot_be_asked")]


def test_a_person_confirms_a_group_as_accepted(office: Office, clock: Hands) -> None:
    in_doubt(office, clock, 4)
    group = only(by_hand.in_doubt(office, "nm"))
    assert (group.code, group.state, group.count) == ("cannot_be_asked", "dead", 4)
    assert by_hand.confirm(office, "nm", group="cannot_be_asked", accepted=True, by="经办甲") == 4
    assert states(office) == [("accepted", "confirmed#1")]
    said = only(rows_of(office, schema.delivery_confirmation))
    assert (said["association"], said["code"], bool(said["accepted"])) == ("nm", "cannot_be_asked", True)
    assert (said["count"], said["confirmed_by"]) == (4, "经办甲")
    assert show(office) == []
    assert by_hand.in_doubt(office, "nm") == []


def test_a_group_that_never_arrived_goes_again_under_the_same_keys(office: Office, clock: Hands) -> None:
    in_doubt(office, clock, 3)
    assert by_hand.confirm(office, "nm", group="cannot_be_asked", accepted=False, by="经办甲") == 3
    assert show(office) == []
    far_side = Association([YES])
    deliver(office, far_side)
    assert sorted(far_side.sent) == sorted(f"{each['claim_id']}-v1" for each in claims(office))
    assert far_side.asked == []
    assert {state for state, _ in states(office)} == {"accepted"}


def test_part_of_a_group_is_confirmed_by_number(office: Office, clock: Hands) -> None:
    in_doubt(office, clock, 3)
    number = rows_of(office, schema.delivery)[0]["delivery_id"]
    assert by_hand.confirm(office, "nm", group="cannot_be_asked", accepted=True, by="甲", ids=[number]) == 1
    assert open_codes(office) == {"dead_letters": 2}


def test_an_old_version_that_never_arrived_does_not_go_behind_the_new_one(office: Office, clock: Hands) -> None:
    in_doubt(office, clock, 1)
    take(office, "east", page(row("A1", 1, inscp_scp_amt="16000.00")))
    deliver(office, Association([YES]))
    by_hand.confirm(office, "nm", group="cannot_be_asked", accepted=False, by="甲")
    assert [each["state"] for each in rows_of(office, schema.delivery)] == ["overtaken", "accepted"]


@pytest.mark.parametrize(("group", "by"), [("no_answer", "甲"), ("", "甲"), ("cannot_be_asked", " ")])
def test_what_cannot_be_confirmed(office: Office, clock: Hands, group: str, by: str) -> None:
    in_doubt(office, clock, 1)
    with pytest.raises(WrongUse):
        by_hand.confirm(office, "nm", group=group, accepted=True, by=by)
    assert states(office) == [("dead", "cannot_be_asked")]


# ── what an older release took for refused ──


def refused_before(office: Office, *codes: str) -> None:
    """Deliveries as an older release left them: refused, with the status alone."""
    table, stored = schema.delivery, rows_of(office, schema.delivery)
    with office.store.write() as tx:
        for each, code in zip(stored, codes, strict=True):
            chosen = table.c.delivery_id == each["delivery_id"]
            tx.execute(update(table).where(chosen).values(state="refused", last_code=code, attempts=1))


def test_what_was_refused_by_a_status_alone_is_said_and_goes_again(office: Office, clock: Hands) -> None:
    bring(office, 4)
    refused_before(office, "http_404", "http_308", "not_a_member", "http_422")
    deliver(office, Association([YES]))
    assert open_codes(office) == {"refused_by_status": 3}
    groups = by_hand.redrivable(office, association=None, ids=None, refused=True)
    assert [(group.code, group.count) for group in groups] == [("http_308", 1), ("http_404", 1), ("http_422", 1)]
    assert by_hand.redrive(office, by_hand.RedriveOrder(association="nm", ids=None, refused=True)) == 3
    assert "refused_by_status" not in open_codes(office)
    far_side = Association([YES])
    deliver(office, far_side)
    assert (len(far_side.sent), far_side.asked) == (3, [])
    assert states(office) == [("accepted", ""), ("refused", "not_a_member")]
    assert show(office) == []


def test_one_that_was_refused_by_name_goes_again_only_by_its_number(office: Office) -> None:
    bring(office, 1)
    deliver(office, Association([NO]))
    assert by_hand.redrive(office, by_hand.RedriveOrder(association=None, ids=None, refused=True)) == 0
    number = only(rows_of(office, schema.delivery))["delivery_id"]
    assert by_hand.redrive(office, by_hand.RedriveOrder(association=None, ids=[number], refused=True)) == 1


# ── what an association calls a claim ──


@pytest.mark.parametrize("reference", ["150999198001010017", "GH-13800138000"])
def test_a_reference_that_is_a_persons_number_is_kept_as_a_digest(office: Office, reference: str) -> None:
    bring(office, 1)
    deliver(office, Association([Answer(kind=AnswerKind.ACCEPTED, reference=reference)]))
    kept = only(rows_of(office, schema.delivery))["reference"]
    assert kept.startswith("digest:")
    assert reference not in str(rows_of(office, schema.delivery))
