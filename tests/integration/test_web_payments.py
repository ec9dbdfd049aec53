"""An association's finance system makes payment lists, fetches them and brings the bank's answer, by its own key."""

from __future__ import annotations

import csv
import hashlib
import io
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from builders import EAST_AND_WEST, rows_of, who
from desk_side import CARD, approve, some_claims, with_account, with_desk
from openpyxl import load_workbook
from test_web_keys import new_key, with_key
from web_side import ENVIRONMENT, Side, at_work, problem

from gateway.flow.delivery.claims import show_claim
from gateway.flow.desk.payment_files import fetch_files
from gateway.store import account_tables

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def side(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    office = with_desk(make_office(sqlite_url, feeds=EAST_AND_WEST), two_persons_above="3000.00")
    with at_work(office) as side:
        yield side


class Finance:
    """A finance system with a key that pays."""

    def __init__(self, side: Side, *verbs: str) -> None:
        self.side, self.key = side, new_key(side.office, *(verbs or ("pay",)))

    def get(self, path: str = "", **params: Any) -> httpx.Response:
        address = f"/api/v1/associations/nm/payments{path}"
        return self.side.client.get(address, params=params, headers=with_key(self.key))

    def post(self, path: str = "", **body: Any) -> httpx.Response:
        address = f"/api/v1/associations/nm/payments{path}"
        return self.side.client.post(address, content=msgspec.json.encode(body), headers=with_key(self.key))

    def answer(self, content: bytes, number: int = 1, **changes: Any) -> httpx.Response:
        body = {"action": "answer", "number": number, "by": "财务", "content": b64encode(content).decode(), **changes}
        return self.post(f"/{number}/answer", **body)


@pytest.fixture
def two(side: Side) -> list[str]:
    """Two claims of 2,490.00 yuan, approved, with accounts."""
    claims = some_claims(side.office, 1, 2)
    for claim in claims:
        approve(side.office, claim)
        with_account(side.office, claim)
    return claims


def test_a_list_is_made_fetched_and_answered(side: Side, two: list[str]) -> None:
    finance = Finance(side)
    made = finance.post(action="make", by="财务").json()
    assert (made["made"]["number"], made["made"]["count"], made["made"]["amount"]) == (1, 2, "4980.00")
    # Asked again, nothing is left to be listed: each claim is on one list only.
    assert finance.post(action="make", by="财务").json()["made"] is None
    assert [listed["number"] for listed in finance.get().json()["lists"]] == [1]

    fetched = finance.get("/1/file", form="csv")
    assert fetched.headers["content-disposition"] == 'attachment; filename="nm-000001.csv"'
    assert fetched.headers["cache-control"] == "no-store"
    rows = list(csv.reader(io.StringIO(fetched.content.decode("utf-8-sig"))))
    assert rows[0] == ["序号", "户名", "账号", "开户行", "金额", "用途", "备注"]
    assert {row[1] for row in rows[1:]} == {who(1).name, who(2).name}
    assert [(row[2], row[4], row[6]) for row in rows[1:]] == [
        (CARD, "2490.00", "nm-000001-0001"),
        (CARD, "2490.00", "nm-000001-0002"),
    ]
    sheet = load_workbook(io.BytesIO(finance.get("/1/file").content))["支付名单"]
    assert [str(cell.value) for cell in sheet[2]][2] == CARD
    control = finance.get("/1/file", form="json").json()
    assert (control["count"], control["amount"]) == (2, "4980.00")
    assert control["sha256"]["nm-000001.csv"] == hashlib.sha256(fetched.content).hexdigest()
    assert fetch_files(side.office, "nm", 1, by="甲")["nm-000001.csv"] == fetched.content

    lines = ("业务编号,金额,结果,原因", "nm-000001-0001,2490.00,成功,", "nm-000001-0002,2490.00,失败,户名不符")
    bank = "\n".join(lines).encode("gb18030")
    told = finance.answer(bank).json()
    assert (told["paid"], told["paid_amount"], told["failed"], told["open"]) == (1, "2490.00", 1, 0)
    assert finance.answer(bank).json()["already"] == 2
    shown = finance.get("/1").json()["list"]
    assert [(item["state"], item["code"]) for item in shown["items"]] == [("paid", ""), ("failed", "wrong_holder")]
    assert who(1).name not in str(shown) and CARD not in str(shown)
    outcomes = [show_claim(side.office, item["claim_id"])["decision"]["outcome"] for item in shown["items"]]
    assert outcomes == ["paid", "approved"]


def test_that_a_file_was_fetched_is_written_down(side: Side, two: list[str]) -> None:
    finance = Finance(side)
    finance.post(action="make", by="财务")
    finance.get("/1/file")
    entries = rows_of(side.office, account_tables.audit_entry)
    fetched = [entry for entry in entries if entry["act"] == "payments_fetched"]
    assert [entry["subject"] for entry in fetched] == ["nm 1"]
    assert fetched[0]["account"].startswith("key ")


def test_what_does_not_fit_counts_for_nothing(side: Side, two: list[str]) -> None:
    finance = Finance(side)
    finance.post(action="make", by="财务")
    wrong = "业务编号,金额,结果\nnm-000001-0001,2490.01,成功\nnm-000001-0002,2490.00,成功\n".encode()
    refused = problem(finance.answer(wrong), 422, "not_valid")
    assert "第2行" in refused["detail"] and "2490.01" not in refused["detail"]
    problem(finance.answer(b"", number=1), 422, "not_valid")
    problem(finance.answer(b"x" * (4 * 1024 * 1024 + 1)), 413, "too_large")
    problem(finance.post("/1/answer", action="answer", number=2, by="财务", content=""), 422, "not_valid")
    problem(finance.answer(wrong, number=7), 404, "unknown_list")
    problem(finance.get("/7"), 404, "unknown_list")
    problem(finance.get("/7/file"), 404, "unknown_list")
    problem(finance.get("/0"), 422, "not_valid")
    problem(finance.post(action="make", by=" "), 422, "not_valid")
    assert [item["state"] for item in finance.get("/1").json()["list"]["items"]] == ["listed", "listed"]


def test_only_a_key_that_pays_sees_accounts(side: Side, two: list[str]) -> None:
    Finance(side).post(action="make", by="财务")
    other = Finance(side, "read", "ack", "decide", "facts", "review", "roster", "lookup", "ledger")
    problem(other.get("/1/file"), 403, "not_allowed")
    problem(other.post(action="make", by="财务"), 403, "not_allowed")
    problem(other.answer(b""), 403, "not_allowed")


def test_an_association_that_decides_elsewhere_has_no_lists(
    make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with at_work(make_office(sqlite_url, feeds=EAST_AND_WEST)) as side:
        finance = Finance(side)
        for answer in (finance.get(), finance.get("/1"), finance.get("/1/file"), finance.post(action="make", by="甲")):
            assert "[desk]" in problem(answer, 422, "not_valid")["detail"]
