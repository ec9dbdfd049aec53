"""What is approved leaves for the bank on one list, the bank's answer comes back, and nothing is paid twice."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import stat
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, body, page, row, rows_of, take, who
from desk_side import CARD, approve, refuse, some_claims, with_account, with_desk
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from gateway.cli.payments import write_list
from gateway.cli.table_files import csv_file, workbook_file
from gateway.errors import BadInput, Conflict, WrongUse
from gateway.flow.changes.account_boxes import let_accounts_go
from gateway.flow.delivery.claims import show_claim
from gateway.flow.delivery.unclaimed import unclaimed
from gateway.flow.desk.accounts import AccountGiven, read_accounts, tell_account
from gateway.flow.desk.deciding import undo_decision
from gateway.flow.desk.paying import (
    TABLE_COLUMNS,
    AnswerReport,
    make_list,
    payment_table,
    show_list,
    show_lists,
    take_answer,
)
from gateway.flow.desk.showing import DeskSearch, list_desk, steps_of
from gateway.flow.office import Office
from gateway.store.desk_tables import metadata, payment_account, payment_item, payment_list
from gateway.store.engine import open_store

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

OTHER_CARD = "6222020000000000026"


def test_what_was_refunded_since_it_was_approved_is_not_paid_before_somebody_has_looked(on_both: Office) -> None:
    [refunded, sound] = some_claims(on_both, 1, 2)
    for claim_id in (refunded, sound):
        with_account(on_both, claim_id)
        approve(on_both, claim_id)
    take(on_both, "east", page(row("A1", 1, refund=True), request="later"))
    assert sorted(group.reason for group in unclaimed(on_both).groups) == ["in_review", "not_listed"]
    new = make_list(on_both, "nm", by="乙")
    assert new.made is not None
    assert (new.made.count, new.in_question) == (1, 1)
    assert [each["claim_id"] for each in show_list(on_both, "nm", 1)["items"]] == [sound]


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST))


@pytest.fixture
def on_both(make_office: MakeOffice, database_url: str) -> Office:
    return with_desk(make_office(database_url, feeds=EAST_AND_WEST))


def approved(office: Office, *serials: int) -> list[str]:
    claims = some_claims(office, *serials)
    for claim in claims:
        # Lists are in order of decision.
        office.clock.move(seconds=1)  # type: ignore[attr-defined]
        approve(office, claim)
        with_account(office, claim)
    return claims


def bank(office: Office, number: int, *results: tuple[str, str], **changes: Any) -> bytes:
    """The bank's answer: the list's own lines with result and reason for each."""
    table = payment_table(office, "nm", number)
    rows = [
        (cells[0], cells[2], changes.get("amount", cells[4]), changes.get("reference", cells[6]), *result)
        for cells, result in zip(table.rows, results, strict=False)
    ]
    return csv_file(("序号", "收款账号", "金额", "备注", "处理结果", "失败原因"), rows)


def answer(office: Office, number: int, *results: tuple[str, str]) -> AnswerReport:
    return take_answer(office, "nm", number, bank(office, number, *results), by="出纳")


def state_of(office: Office, claim_id: str) -> str:
    page = list_desk(office, DeskSearch(association="nm"))
    return next(str(each["state"]) for each in page.claims if each["claim_id"] == claim_id)


def test_a_list_has_the_banks_columns_a_number_a_count_and_a_sum(office: Office) -> None:
    first, second = approved(office, 1, 2)
    made = make_list(office, "nm", by="甲").made
    assert made is not None
    assert (made.number, made.count, made.amount) == (1, 2, "4980.00")
    table = payment_table(office, "nm", 1)
    assert table.columns == TABLE_COLUMNS
    assert table.rows == [
        ("1", who(1).name, CARD, "试验银行乌海分行", "2490.00", "职工互助保障补助金", "nm-000001-0001"),
        ("2", who(2).name, CARD, "试验银行乌海分行", "2490.00", "职工互助保障补助金", "nm-000001-0002"),
    ]
    assert payment_table(office, "nm", 1) == table
    assert {state_of(office, claim) for claim in (first, second)} == {"listed"}
    assert make_list(office, "nm", by="甲").made is None
    assert [each.number for each in show_lists(office)] == [1]


def test_what_has_no_account_waits_and_is_counted(office: Office) -> None:
    [claim] = some_claims(office, 1)
    approve(office, claim)
    [refused] = some_claims(office, 2)
    refuse(office, refused, reason="given_up")
    new = make_list(office, "nm", by="甲")
    assert (new.made, new.account_missing, new.account_wrong) == (None, 1, 0)
    with_account(office, claim)
    made = make_list(office, "nm", by="甲").made
    assert made is not None
    assert made.count == 1


def test_a_claim_on_a_list_is_on_no_other_whoever_tries(on_both: Office) -> None:
    [claim] = approved(on_both, 1)
    make_list(on_both, "nm", by="甲")
    [item] = rows_of(on_both, payment_item)
    again = {**item, "item_id": 99, "list_id": 99}
    with pytest.raises(IntegrityError), on_both.store.write() as tx:
        tx.execute(payment_item.insert().values(**again))
    with pytest.raises(Conflict, match="payment list"):
        undo_decision(on_both, claim, by="乙")
    with pytest.raises(Conflict, match="on a list"):
        with_account(on_both, claim, OTHER_CARD)


def test_the_bank_says_paid_and_the_claim_is(office: Office) -> None:
    first, second = approved(office, 1, 2)
    make_list(office, "nm", by="甲")
    report = answer(office, 1, ("成功", ""), ("失败", "账号不存在"))
    assert (report.paid, report.paid_amount, report.failed, report.open) == (1, "2490.00", 1, 0)
    assert show_claim(office, first)["decision"] == {"outcome": "paid", "amount": "2490.00"}
    assert show_claim(office, second)["decision"] == {"outcome": "approved", "amount": "2490.00"}
    assert (state_of(office, first), state_of(office, second)) == ("paid", "failed")
    assert [item["code"] for item in show_list(office, "nm", 1)["items"]] == ["", "wrong_number"]
    assert [each["what"] for each in steps_of(office, first)] == ["approved", "account", "listed", "paid"]
    same = answer(office, 1, ("成功", ""), ("失败", "账号不存在"))
    assert (same.paid, same.failed, same.already) == (0, 0, 2)
    with pytest.raises(Conflict, match="paid"):
        undo_decision(office, first, by="乙")


def test_a_wrong_account_comes_back_to_the_clerk_and_goes_out_again(on_both: Office, clock: Hands) -> None:
    [claim] = approved(on_both, 1)
    make_list(on_both, "nm", by="甲")
    clock.move(days=1)
    answer(on_both, 1, ("失败", "户名不符"))
    new = make_list(on_both, "nm", by="甲")
    # Nobody has told another account: the same would come back again.
    assert (new.made, new.account_wrong) == (None, 1)
    clock.move(hours=1)
    with_account(on_both, claim, OTHER_CARD)
    assert state_of(on_both, claim) == "approved"
    made = make_list(on_both, "nm", by="甲").made
    assert made is not None
    assert (made.number, payment_table(on_both, "nm", 2).rows[0][2]) == (2, OTHER_CARD)
    # The first list still says what it said.
    assert payment_table(on_both, "nm", 1).rows[0][2] == CARD
    answer(on_both, 2, ("成功", ""))
    assert show_claim(on_both, claim)["decision"]["outcome"] == "paid"
    with pytest.raises(BadInput, match="contradicts"):
        answer(on_both, 1, ("成功", ""))
    assert Counter(item["state"] for item in rows_of(on_both, payment_item)) == {"paid": 1, "failed": 1}


DOES_NOT_FIT: list[tuple[dict[str, str], tuple[str, str], str]] = [
    ({"amount": "2490.01"}, ("成功", ""), "another amount"),
    ({"reference": "nm-000002-0001"}, ("成功", ""), "another list"),
    ({"reference": "nm-000001-0009"}, ("成功", ""), "no such line"),
    ({"reference": "xx-000001-0001"}, ("成功", ""), "another list"),
    ({}, ("处理中", ""), "neither paid"),
    ({}, ("", ""), "neither paid"),
    ({}, ("失败", ""), "two answers"),
    ({"amount": "abc"}, ("成功", ""), "金额"),
]


def test_an_answer_that_does_not_fit_counts_for_nothing(office: Office) -> None:
    approved(office, 1, 2)
    make_list(office, "nm", by="甲")
    good = bank(office, 1, ("成功", ""), ("成功", ""))
    for changes, result, what in DOES_NOT_FIT:
        wrong = bank(office, 1, result, **changes).split(b"\r\n", 1)[1]
        with pytest.raises(BadInput, match=what) as caught:
            take_answer(office, "nm", 1, good + wrong, by="出纳")
        assert who(1).name not in str(caught.value)
        assert CARD not in str(caught.value)
    assert {item["state"] for item in rows_of(office, payment_item)} == {"listed"}


def test_an_answer_comes_as_a_workbook_with_other_headings(office: Office) -> None:
    approved(office, 1)
    make_list(office, "nm", by="甲")
    cells = payment_table(office, "nm", 1).rows[0]
    rows = [
        ("代发回盘",),
        ("收款账号", "付款金额(元)", "附言", "交易状态"),
        (cells[2], "2,490.00", cells[6], "交易成功"),
    ]
    content = workbook_file({"回盘": (("某银行",), [(*line, *[""] * (4 - len(line))) for line in rows])})
    assert take_answer(office, "nm", 1, content, by="出纳").paid == 1
    for nonsense in (b"", b"a,b\n1,2\n", b"\x00\xff\xfe", "备注,金额,结果\n".encode()):
        with pytest.raises(BadInput):
            take_answer(office, "nm", 1, nonsense, by="出纳")
    with pytest.raises(WrongUse):
        take_answer(office, "nm", 7, content, by="出纳")


# ── accounts ──


def test_an_account_that_cannot_be_is_refused_without_being_quoted(office: Office) -> None:
    [claim] = some_claims(office, 1)
    for number in ("", "123", "6222020000000000009", "62220200000000a0018", "1" * 33, "６２２２０２００００"):
        with pytest.raises(BadInput) as caught:
            with_account(office, claim, number)
        assert not number or number not in str(caught.value)
    assert rows_of(office, payment_account) == []


def test_another_holder_than_the_member_is_named_knowingly(office: Office) -> None:
    [claim] = some_claims(office, 1)
    heir = AccountGiven(number=CARD, bank="试验银行", holder="某受益人")
    with pytest.raises(BadInput, match="holder"):
        tell_account(office, claim, heir, by="甲")
    tell_account(
        office, claim, AccountGiven(number=CARD, bank="试验银行", holder="某受益人", other_holder=True), by="甲"
    )
    approve(office, claim)
    make_list(office, "nm", by="甲")
    assert payment_table(office, "nm", 1).rows[0][1] == "某受益人"


def test_accounts_come_from_a_file_by_member_or_claim_all_or_none(office: Office) -> None:
    first, second = some_claims(office, 1, 2)
    approve(office, first)
    approve(office, second)
    columns = ("会员号", "申领号", "户名", "账号", "开户行")
    good = [("M00001", "", who(1).name, CARD, "甲行"), ("", second, "", OTHER_CARD, "乙行")]
    for wrong in (
        ("M00009", "", "", CARD, "甲行"),
        ("M00001", "", who(2).name, CARD, "甲行"),
        ("", second, "", "1", "甲行"),
    ):
        with pytest.raises(BadInput, match="第4行"):
            read_accounts(office, "nm", csv_file(columns, [*good, wrong]), by="甲")
    assert rows_of(office, payment_account) == []
    report = read_accounts(office, "nm", csv_file(columns, good), by="甲")
    assert (report.rows, report.claims) == (2, 2)
    made = make_list(office, "nm", by="甲").made
    assert made is not None
    assert made.count == 2


def test_an_account_at_rest_is_sealed_and_ends_with_its_key(on_both: Office, clock: Hands) -> None:
    [claim] = approved(on_both, 1)
    make_list(on_both, "nm", by="甲")
    stored = repr([rows_of(on_both, table) for table in office_tables()])
    assert CARD not in stored
    assert who(1).name not in stored
    answer(on_both, 1, ("成功", ""))
    keys = on_both.vault.account_keys()
    assert len(keys) == 1
    clock.move(days=170)
    assert let_accounts_go(on_both) == 0
    clock.move(days=20)
    assert let_accounts_go(on_both) == 1
    assert on_both.vault.account_keys() == {}
    assert rows_of(on_both, payment_account) == []
    assert payment_table(on_both, "nm", 1).rows[0][1:4] == ("", "", "")
    assert show_claim(on_both, claim)["decision"]["outcome"] == "paid"


def office_tables() -> list[Any]:
    return [payment_account, payment_item, payment_list]


# ── never twice ──


class Cut(Exception):
    """The program ends here."""


STEPS = st.lists(
    st.sampled_from(["list", "paid", "failed", "account", "undo", "approve", "cut list", "cut paid", "correct"]),
    min_size=4,
    max_size=14,
)


_OFFICES: dict[str, Office] = {}


@example(steps=["undo", "correct", "approve", "list", "paid"])
@example(steps=["undo", "correct", "approve", "account", "list", "paid"])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_in_whatever_order_a_claim_is_paid_once(
    make_office: MakeOffice, sqlite_url: str, clock: Hands, monkeypatch: pytest.MonkeyPatch, steps: list[str]
) -> None:
    office = _OFFICES.get(sqlite_url) or with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST))
    _OFFICES[sqlite_url] = office
    with office.store.write() as tx:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("roster", "site", "clock_mark"):
                tx.execute(table.delete())
    claims = approved(office, 1, 2)
    for step in steps:
        clock.move(minutes=1)
        with monkeypatch.context() as patch:
            if step.startswith("cut"):
                _cut_off(patch, office)
            for claim in claims:
                try:
                    _do(office, step.removeprefix("cut "), claim)
                except (Cut, Conflict, BadInput, WrongUse):
                    continue
        _assert_paid_once(office, claims)


def _cut_off(patch: pytest.MonkeyPatch, office: Office) -> None:
    """Whatever is written ends before it is committed, every second time."""
    write, many = type(office.store).write, iter(range(1000))

    def cut(store: Any) -> Any:
        @contextmanager
        def transaction() -> Any:
            with write(store) as tx:
                yield tx
                if next(many) % 2 == 0:
                    raise Cut

        return transaction()

    patch.setattr(type(office.store), "write", cut)


def _do(office: Office, step: str, claim: str) -> None:
    if step == "list":
        make_list(office, "nm", by="甲")
    elif step in ("paid", "failed"):
        for known in show_lists(office, "nm"):
            result = ("成功", "") if step == "paid" else ("失败", "账号有误")
            answer(office, known.number, *[result] * known.count)
    elif step == "account":
        with_account(office, claim, OTHER_CARD)
    elif step == "undo":
        undo_decision(office, claim, by="乙")
    elif step == "approve":
        approve(office, claim)
    else:
        take(office, "east", page(row("A1", 1, inscp_scp_amt="14000.00"), request=str(office.now())))


def _assert_paid_once(office: Office, claims: list[str]) -> None:
    items = rows_of(office, payment_item)
    live = Counter(item["claim_id"] for item in items if item["state"] != "failed")
    assert max(live.values(), default=0) <= 1
    for claim in claims:
        paid = [item for item in items if (item["claim_id"], item["state"]) == (claim, "paid")]
        decision = show_claim(office, claim)["decision"]
        is_paid = decision is not None and decision["outcome"] == "paid"
        # The bank's word and ours are one, and what was paid is what the version that was approved comes to: a claim
        # whose decision was taken back before the correction came is approved anew with the smaller amount.
        assert is_paid is bool(paid)
        for item in paid:
            assert (
                f"{item['amount'] / 100:.2f}" == decision["amount"] == body(office, claim, item["version"])["payable"]
            )
            assert item["amount"] in ((249_000, 209_000) if claim == claims[0] else (249_000,))


@pytest.mark.parametrize("statement", [11, 24, 38, *(pytest.param(k, marks=pytest.mark.full) for k in range(0, 60, 3))])
def test_killed_while_the_banks_answer_is_read_and_run_again(
    make_office: MakeOffice, sqlite_url: str, statement: int
) -> None:
    office = with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST))
    claims = approved(office, 1, 2, 3)
    make_list(office, "nm", by="甲")
    content = bank(office, 1, *[("成功", "")] * 3)
    office.store.close()
    child = os.fork()
    if child == 0:
        _die_at(office, sqlite_url, content, statement)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 9)
    again = replace(office, store=open_store(sqlite_url, site=office.site))
    _assert_paid_once(again, claims)
    take_answer(again, "nm", 1, content, by="出纳")
    assert [item["state"] for item in rows_of(again, payment_item)] == ["paid"] * 3
    steps = [Counter(step["what"] for step in steps_of(again, claim))["paid"] for claim in claims]
    assert steps == [1, 1, 1]


def _die_at(office: Office, url: str, content: bytes, statement: int) -> None:
    """In a process of its own, which ends without a word before its n-th statement."""
    try:
        store, many = open_store(url, site=office.site), iter(range(10_000))

        @event.listens_for(store.engine, "before_cursor_execute")
        def _count(*_: Any) -> None:
            if next(many) == statement:
                os._exit(9)

        take_answer(replace(office, store=store), "nm", 1, content, by="出纳")
    finally:
        os._exit(0)


def test_a_csv_of_the_list_is_read_by_any_program(office: Office) -> None:
    approved(office, 1)
    make_list(office, "nm", by="甲")
    table = payment_table(office, "nm", 1)
    rows = list(csv.reader(io.StringIO(csv_file(table.columns, table.rows).decode("utf-8-sig"))))
    assert rows == [list(TABLE_COLUMNS), list(table.rows[0])]


def test_the_files_of_a_list_are_whole_and_closed_to_others(office: Office) -> None:
    approved(office, 1)
    make_list(office, "nm", by="甲")
    names = write_list(office, "nm", 1, by="甲")
    assert names == [f"data/payments/nm-000001.{form}" for form in ("csv", "xlsx", "sums.csv", "json")]
    folder = office.site / "data/payments"
    assert sorted(path.name for path in folder.iterdir()) == sorted(name.rpartition("/")[2] for name in names)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    control = json.loads((folder / "nm-000001.json").read_text(encoding="utf-8"))
    assert (control["list"], control["count"], control["amount"]) == (1, 1, "2490.00")
    for name, digest in control["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    before = (folder / "nm-000001.csv").read_bytes()
    write_list(office, "nm", 1, by="甲")
    assert (folder / "nm-000001.csv").read_bytes() == before
