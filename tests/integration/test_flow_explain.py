"""A claim explains itself: in the body that is frozen and delivered, and to whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    claims,
    covered,
    enrolled,
    member,
    only,
    page,
    row,
    rows_of,
    take,
    versions,
    who,
)
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.core.claims.kept import open_kept
from gateway.errors import WrongUse
from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide, show_claim
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.delivery.explain import explain_claim
from gateway.flow.office import Office, delivery_context
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.model.money import Money, parse_yuan
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

SHEET: dict[str, Any] = {
    "fulamt_ownpay_amt": "3000.00",
    "overlmt_selfpay": "500.00",
    "preselfpay_amt": "1500.00",
    "act_pay_dedc": "800.00",
}


MORE = {"medfee_sumamt": "21000.00", "inscp_scp_amt": "16000.00"}
"""A correction, with a total to match."""


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def the_claim(office: Office) -> str:
    found: str = only(claims(office))["claim_id"]
    return found


def told(office: Office, claim: str, version: int | None = None) -> dict[str, Any]:
    """A version, the latest unless given, as the association receives it."""
    kept = {each["version"]: each["sealed"] for each in rows_of(office, schema.delivery) if each["claim_id"] == claim}
    wanted = version or max(kept)
    body: dict[str, Any] = msgspec.json.decode(office.claim_body(bytes(kept[wanted]), claim, wanted))
    return body


def as_before_the_upgrade(office: Office) -> None:
    """Take what words are made of out of every kept body, as the version before wrote them."""
    with office.store.write() as tx:
        for each in tx.execute(schema.delivery.select()).all():
            context = delivery_context(f"{each.claim_id}/{each.version}")
            plain = msgspec.json.decode(open_kept(office.vault.open(bytes(each.sealed), context)))
            plain.pop("aside", None)
            key = office.vault.claim_key("nm", office.now().date())
            sealed = key.seal(msgspec.json.encode(plain), context)
            mine = schema.delivery.c.delivery_id == each.delivery_id
            tx.execute(schema.delivery.update().where(mine).values(sealed=sealed))


def test_the_body_tells_every_fen_and_what_was_not_covered(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    body = told(office, the_claim(office))
    said = body["explanation"]
    assert said[0].endswith("住院，医疗总费用20000.00元，其中医保基金支付9000.00元。")
    assert "＝进入统筹15000.00元－统筹基金等已支付9000.00元＝6000.00元，其中起付线800.00元也计入。" in said[1]
    assert [line["text"] in sentence for line, sentence in zip(body["lines"], said[2:], strict=False)] == [True, True]
    assert said[-2:] == ["合计应补助2490.00元。", "最晚申领日为2021-10-08（含当日）（第十三条）。"]
    assert [(each["what"], each["amount"]) for each in body["not_covered"]] == [
        ("full_self", "3000.00"),
        ("over_limit", "500.00"),
        ("first_self", "1500.00"),
        ("own_share", "3600.00"),
    ]
    assert all(each["reason"] and each["article"] for each in body["not_covered"])
    subsidy = sum(parse_yuan(line["amount"]) for line in body["lines"] if line["rule"] == "band")
    left = sum(parse_yuan(each["amount"]) for each in body["not_covered"])
    assert subsidy + left == parse_yuan("20000.00") - parse_yuan("9000.00")


def test_nobody_is_named_in_the_sentences(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    said = repr(explain_claim(office, the_claim(office)))
    assert who(1).name not in said
    assert who(1).id_number not in said


def test_what_the_body_says_is_what_is_explained(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    claim = the_claim(office)
    body = told(office, claim)
    found = explain_claim(office, claim)
    assert found.source == "body"
    assert found.explanation == body["explanation"]
    assert msgspec.to_builtins(found.not_covered) == body["not_covered"]
    assert (found.payable, found.claim_by, found.edition) == ("2490.00", "2021-10-08", "2021")


def test_a_claim_whose_figures_did_not_change_is_not_sent_again_after_an_upgrade(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    as_before_the_upgrade(office)
    claim = the_claim(office)
    # Everything of his is weighed again: another stay comes, then his coverage grows.
    take(office, "east", page(row("A1", 1, **SHEET), request="again"))
    enrol(office, "nm", [member(1, coverage=(covered(), covered("2022-06-01", "2023-05-31"))), member(2)])
    rescan(office)
    assert versions(office, claim) == [(1, "proposed", "pending")]
    assert "explanation" not in told(office, claim, 1)


def test_another_word_in_a_sentence_makes_no_new_version(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    claim = the_claim(office)
    monkeypatch.setattr("gateway.core.claims.explaining.AMOUNTS", {})
    monkeypatch.setattr("gateway.core.claims.explaining.CARE_IN_A_SENTENCE", {"inpatient": "入院治疗"})
    take(office, "east", page(row("A1", 1, **SHEET), request="again"))
    assert versions(office, claim) == [(1, "proposed", "pending")]
    take(office, "east", page(row("A1", 1, **{**SHEET, **MORE})))
    assert "入院治疗" in told(office, claim, 2)["explanation"][0]


def test_a_body_from_before_is_explained_from_the_records(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    claim = the_claim(office)
    body = told(office, claim)
    as_before_the_upgrade(office)
    found = explain_claim(office, claim)
    assert found.source == "records"
    assert found.explanation == body["explanation"]
    assert msgspec.to_builtins(found.not_covered) == body["not_covered"]


def test_a_decided_claim_from_before_is_explained_with_what_was_decided(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    claim = the_claim(office)
    body = told(office, claim)
    as_before_the_upgrade(office)
    decide(office, claim, version=1, outcome="paid", amount=Money(240_000))
    found = explain_claim(office, claim)
    assert found.explanation == [*body["explanation"], "协会已支付2400.00元。"]


def test_where_the_records_say_something_else_by_now_the_lines_speak(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    claim = the_claim(office)
    body = told(office, claim)
    as_before_the_upgrade(office)
    decide(office, claim, version=1, outcome="approved", amount=Money(249_000))
    take(office, "east", page(row("A1", 1, **{**SHEET, **MORE})))
    found = explain_claim(office, claim)
    assert found.explanation[:2] == [f"{each['text']}（{each['article']}）。" for each in body["lines"]]
    assert found.explanation[-1] == "协会已核定补助2490.00元。"


def test_a_withdrawal_says_why(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, refund=True)))
    found = explain_claim(office, the_claim(office))
    assert (found.payable, found.claim_by, found.papers, found.not_covered) == ("0.00", None, [], [])
    assert "撤回" in only(found.explanation)


def test_what_a_person_must_look_at_is_said(office: Office) -> None:
    take(office, "east", page(row("A1", 1, fixmedins_code="H15099900002", enddate="2021-07-10")))
    later = {"begndate": "2021-07-11", "enddate": "2021-07-20", "setl_time": "2021-07-20 10:00:00"}
    take(office, "east", page(row("A2", 1, **later)))
    said = told(office, the_claim(office))["explanation"]
    assert "2笔结算合并计算" in said[0]
    assert any("24小时" in each for each in said)


def test_papers_and_open_questions_are_those_of_the_claim(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    found = explain_claim(office, the_claim(office))
    assert any("身份证" in each for each in found.papers)
    assert not any("血液透析" in each or "急诊" in each for each in found.papers)
    names = [each.name for each in found.open_questions]
    assert names == told(office, the_claim(office))["assumed"]
    assert all(each.question and each.answer for each in found.open_questions)


def test_a_claim_that_never_was_is_wrong_use(office: Office) -> None:
    with pytest.raises(WrongUse, match="no such claim"):
        explain_claim(office, "HB" + "A" * 24)


class Listens:
    """An association that keeps what it is sent, and is not there the first time."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def send(self, body: bytes, **named: Any) -> Answer:
        self.heard.append(body)
        return Answer(kind=AnswerKind.ACCEPTED if len(self.heard) > 1 else AnswerKind.UNAVAILABLE)

    def ask(self, claim_id: str, **named: Any) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)


def test_every_attempt_sends_the_same_words_and_nothing_kept_aside(office: Office, clock: Hands) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    association, leases = Listens(), iter(range(1000))
    for _ in range(2):
        deliver_due(office, "nm", association, jitter=lambda: 0.0, new_lease=lambda: f"lease {next(leases)}")
        clock.move(hours=1)
    first, second = association.heard
    assert first == second
    assert (
        msgspec.json.decode(first) == told(office, the_claim(office)) == show_claim(office, the_claim(office))["body"]
    )
    assert b"aside" not in first


def test_every_version_of_every_claim_is_frozen_with_its_own_words(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, inscp_scp_amt="16000.00")))
    claim = the_claim(office)
    assert "合计应补助2490.00元。" in told(office, claim, 1)["explanation"]
    assert "合计应补助2890.00元。" in told(office, claim, 2)["explanation"]
    assert len(rows_of(office, schema.delivery)) == 2


# ── the command line ──


def run(office: Office, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--site", str(office.site), *words])
    return result.exit_code, result.output


def test_the_command_tells_it_to_people_and_to_machines(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **SHEET)))
    claim = the_claim(office)
    code, said = run(office, "scheme", "explain", claim)
    assert code == 0
    for sentence in explain_claim(office, claim).explanation:
        assert sentence in said
    assert "申领材料" in said
    code, said = run(office, "scheme", "explain", claim, "--json")
    plain = msgspec.json.decode(said.splitlines()[-1])
    assert (code, plain["payable"], plain["not_covered"][0]["amount"]) == (0, "2490.00", "3000.00")
    code, said = run(office, "scheme", "ledger", "M00001", "--association", "nm", "--json")
    [account] = msgspec.json.decode(said.splitlines()[-1])["schemes"]
    assert (code, account["paid"]) == (0, "2490.00")
    code, said = run(office, "scheme", "ledger", "M00001", "--association", "nm")
    assert (code, "247510.00" in said) == (0, True)
