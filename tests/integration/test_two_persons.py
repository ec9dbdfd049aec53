"""Acts of two persons: at a site with accounts the second is another account, and both are in the audit log."""

from __future__ import annotations

from dataclasses import replace

import pytest
from account_side import make_account, quick_hashes
from builders import EAST_AND_WEST, enrolled
from conftest import Hands, MakeOffice
from review_side import asked, wrong_name

from gateway.errors import BadInput, NotAllowed, WrongUse
from gateway.flow.accounts import two_persons
from gateway.flow.accounts.auditing import AuditQuestion, show_entries, verify
from gateway.flow.accounts.proving import told_from_outside
from gateway.flow.office import Office
from gateway.flow.reviewing.decide import ReviewAnswer, decide
from gateway.flow.roster.searching import export_members
from gateway.model.account import Role, Viewer


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    quick_hashes(monkeypatch)
    opened: Office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(opened, 1, 2)
    return opened


def exporting_alone(office: Office, rows: int) -> Office:
    """The same site, where one person may take so many rows. What is changed is a copy: defaults are shared."""
    accounts = office.gateway.accounts.model_copy(update={"export_alone": rows})
    return replace(office, gateway=office.gateway.model_copy(update={"accounts": accounts}))


def seconds(office: Office) -> list[tuple[str, str]]:
    entries = show_entries(office, AuditQuestion())
    return [(entry.act, entry.account) for entry in reversed(entries) if entry.act.startswith("second")]


def same(office: Office, item: int, by: str) -> str:
    return decide(office, item, ReviewAnswer(answer="same", by=by)).state


def test_the_second_is_another_account(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    for account in ("suhe", "bayar"):
        make_account(office, account, "reviewer")
    assert same(office, item, "suhe") == "proposed"
    with pytest.raises(BadInput, match="second_person"):
        same(office, item, "Suhe")
    assert same(office, item, "bayar") == "decided"
    assert seconds(office) == [("second_asked", "suhe"), ("second_confirmed", "bayar")]
    assert verify(office).breaks == []


def test_what_was_proposed_before_there_were_accounts_was_proven_by_nobody(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    assert same(office, item, "某人") == "proposed"
    for account in ("suhe", "bayar"):
        make_account(office, account, "reviewer")
    assert same(office, item, "suhe") == "proposed"
    assert same(office, item, "bayar") == "decided"
    assert [account for _, account in seconds(office)] == ["某人", "suhe", "bayar"]


def test_without_accounts_two_names_are_two_persons(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    assert same(office, item, "甲") == "proposed"
    assert same(office, item, "乙") == "decided"


def test_an_association_s_system_signs_with_no_account_of_ours(office: Office) -> None:
    make_account(office, "suhe", "reviewer")
    assert told_from_outside(office, "张三") == "张三"
    with pytest.raises(BadInput):
        told_from_outside(office, " suhe ")


def reviewer(account: str, role: Role = Role.REVIEWER) -> Viewer:
    return Viewer(account=account, name=account, roles=frozenset({role}))


def answer(office: Office, by: Viewer, *, confirmed: bool = True) -> None:
    [act] = two_persons.waiting_acts(office)
    two_persons.answer_act(office, act.act_id, confirmed=confirmed, by=by, page="test")


def test_a_long_export_waits_for_another_account_and_is_done_once(office: Office, clock: Hands) -> None:
    office = exporting_alone(office, 1)
    assert len(list(export_members(office, "nm", by="某人"))) == 2
    for account in ("suhe", "bayar"):
        make_account(office, account, "reviewer")

    def exported() -> int:
        try:
            return len(list(export_members(office, "nm", by="suhe")))
        except BadInput as refusal:
            assert refusal.code == "second_person"
            return 0

    assert (exported(), exported()) == (0, 0)
    with pytest.raises(BadInput, match="second_person"):
        answer(office, reviewer("suhe"))
    for role in set(Role) - {Role.REVIEWER}:
        with pytest.raises(NotAllowed):
            answer(office, reviewer("bayar", role))
    answer(office, reviewer("bayar"), confirmed=False)
    assert exported() == 0
    answer(office, reviewer("bayar"))
    assert (exported(), exported()) == (2, 0)
    answer(office, reviewer("bayar"))
    clock.move(days=1)
    assert exported() == 0
    clock.move(days=1)
    assert two_persons.waiting_acts(office) == []
    kinds = [act for act, _ in seconds(office)]
    assert kinds.count("second_asked") == 4
    assert (kinds.count("second_confirmed"), kinds.count("second_refused")) == (2, 1)


def test_what_one_asked_for_another_may_not_do(office: Office) -> None:
    office = exporting_alone(office, 1)
    for account in ("suhe", "bayar", "temur"):
        make_account(office, account, "reviewer")
    with pytest.raises(BadInput):
        list(export_members(office, "nm", by="suhe"))
    answer(office, reviewer("bayar"))
    with pytest.raises(BadInput):
        list(export_members(office, "nm", by="temur"))


def test_an_act_that_is_not_there_or_of_no_account_is_refused(office: Office) -> None:
    make_account(office, "bayar", "reviewer")
    with pytest.raises(WrongUse):
        two_persons.answer_act(office, 1, confirmed=True, by=reviewer("bayar"), page="test")
    with pytest.raises(BadInput):
        two_persons.ask_or_take(office, "export", "roster nm", b"all", by="某人")
    with pytest.raises(WrongUse):
        answer(office, reviewer("bayar"))
