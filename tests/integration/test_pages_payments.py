"""Payment in the browser: accounts told, a list made and fetched, the bank's answer read back, nothing twice."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import openpyxl
import pytest
from account_side import quick_hashes
from builders import EAST_AND_WEST, rows_of
from desk_side import CARD, approve, some_claims, with_desk
from test_desk_paying import OTHER_CARD, bank
from test_pages_roster import Clerk
from web_side import ENVIRONMENT, Side, at_work

from gateway.core.csv_files import csv_file
from gateway.model.account import Role
from gateway.store import audit, desk_tables

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def side(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    quick_hashes(monkeypatch)
    with at_work(with_desk(make_office(database_url, feeds=EAST_AND_WEST))) as side:
        yield side


def approved(side: Side, *serials: int) -> list[str]:
    claims = some_claims(side.office, *serials)
    for claim in claims:
        side.office.clock.move(seconds=1)  # type: ignore[attr-defined]
        approve(side.office, claim, by="one-reviewer")
    return claims


def test_from_accounts_to_what_the_bank_says(side: Side) -> None:
    first, second = approved(side, 1, 2)
    clerk = Clerk(side)
    assert "缺收款账户 2 件" in clerk.post("/payments").text
    assert clerk.post(f"/desk/{first}/account", number=CARD, bank="试验银行").status_code == 303
    accounts = csv_file(("会员号", "账号", "开户行"), [("M00002", OTHER_CARD, "试验银行乌海分行")])
    brought = clerk.bring(accounts, "账户.csv", to="/payments/accounts")
    assert "登记了 1 份申领的账户" in brought.text, brought.text
    made = clerk.post("/payments")
    assert "第 1 号名单：2 笔，4,980.00 元" in made.text
    assert "没有可列入的申领" in clerk.post("/payments").text
    assert [row["claim_id"] for row in rows_of(side.office, desk_tables.payment_item)] == [first, second]

    fetched = clerk.post("/payments/1/file", form="xlsx")
    assert fetched.headers["content-disposition"] == 'attachment; filename="nm-000001.xlsx"'
    book = openpyxl.load_workbook(io.BytesIO(fetched.content))
    assert CARD in {cell.value for row in book["支付名单"].iter_rows() for cell in row}
    with side.office.store.read() as tx:
        assert audit.last(tx).act == "payments_fetched"  # type: ignore[union-attr]

    result = bank(side.office, 1, ("成功", ""), ("失败", "户名不符"))
    said = clerk.bring(result, "回盘.csv", to="/payments/1/answer")
    assert "新付成 1 笔，2,490.00 元；未付成 1 笔" in said.text
    again = clerk.bring(result, "回盘.csv", to="/payments/1/answer")
    assert "新付成 0 笔" in again.text and "此前已记 2 笔" in again.text
    page = clerk.get("/payments/1").text
    assert "户名与账号不符" in page and CARD not in page and OTHER_CARD not in page
    assert CARD not in clerk.get("/payments").text


def test_files_that_do_not_fit_say_everything_and_change_nothing(side: Side) -> None:
    [claim] = approved(side, 1)
    clerk = Clerk(side)
    for content in (b"", b"PK\x03\x04", csv_file(("会员号", "账号", "开户行"), [("M00009", "1", "")])):
        answer = clerk.bring(content, "账户.csv", to="/payments/accounts")
        assert answer.status_code == 422 and 'role="alert"' in answer.text
    clerk.post(f"/desk/{claim}/account", number=CARD, bank="试验银行")
    clerk.post("/payments")
    wrong = bank(side.office, 1, ("成功", ""), amount="1.00")
    assert clerk.bring(wrong, "回盘.csv", to="/payments/1/answer").status_code == 422
    assert {row["state"] for row in rows_of(side.office, desk_tables.payment_item)} == {"listed"}
    assert clerk.get("/payments/7").status_code in (404, 422)


def test_only_who_may_pay_does(side: Side) -> None:
    viewer = Clerk(side, Role.VIEWER)
    assert viewer.get("/payments").status_code == 403
    assert viewer.post("/payments").status_code == 403
    assert viewer.post("/payments/1/file", form="csv").status_code == 403
