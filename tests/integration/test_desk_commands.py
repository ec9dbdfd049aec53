"""A clerk's whole way on the command line: approved, listed, paid, asked back, written off by two."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST
from desk_side import CARD, some_claims
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.flow.office import Office

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    file = office.site / "config" / "associations" / "nm.toml"
    file.write_text(file.read_text(encoding="utf-8") + '\n[desk]\ntwo_persons_above = "3000.00"\n', encoding="utf-8")
    return office


def typed(office: Office, *words: object, code: int = 0, told: str | None = None) -> Any:
    line = ["--site", str(office.site), *map(str, words), "--json"]
    done = CliRunner().invoke(app, line, input=told)
    assert done.exit_code == code, done.output
    return msgspec.json.decode(done.stdout.splitlines()[-1])


def read(office: Office, *words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["--site", str(office.site), *map(str, words)])
    assert done.exit_code == code, done.output
    return done.output


def bank_answer(office: Office, folder: Path, result: str) -> Path:
    """The list as it left, with what the bank made of each line."""
    left = (office.site / "data/payments/nm-000001.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(left)))
    answer = io.StringIO()
    writer = csv.writer(answer)
    writer.writerow(("业务编号", "金额", "处理结果"))
    writer.writerows((row["备注"], row["金额"], result) for row in rows)
    file = folder / "answer.csv"
    file.write_text(answer.getvalue(), encoding="utf-8")
    return file


def test_a_claim_goes_all_its_way(office: Office, tmp_path: Path) -> None:
    [claim_id] = some_claims(office, 1)
    nm, by = ("--association", "nm"), ("--by", "甲")
    assert claim_id in read(office, "desk", "list", *nm)
    assert "M00001" in read(office, "desk", "form", claim_id, *by)
    assert typed(office, "desk", "approve", claim_id, *by)["state"] == "done"
    typed(office, "desk", "undo", claim_id, *by)
    typed(office, "desk", "approve", claim_id, *by)
    assert "核定" in read(office, "desk", "steps", claim_id)
    bank = ("--bank", "试验银行乌海分行")
    typed(office, "payments", "account", claim_id, *bank, *by, told=f"{CARD}\n")
    made = typed(office, "payments", "make", *nm, *by)
    assert (made["list"]["count"], made["list"]["amount"], made["in_question"]) == (1, "2490.00", 0)
    assert CARD not in read(office, "payments", "show", 1, *nm)
    paid = typed(office, "payments", "answer", 1, bank_answer(office, tmp_path, "成功"), *nm, *by)
    assert (paid["paid"], paid["paid_amount"], paid["open"]) == (1, "2490.00", 0)
    assert "没有可列入的" in read(office, "payments", "make", *nm, *by)
    assert typed(office, "unclaimed")["count"] == 0
    asked = typed(office, "recoveries", "ask", claim_id, "--reason", "fraud", "--amount", "1000.00", *by)
    typed(office, "recoveries", "received", asked["recovery_id"], "--amount", "400.00", *by)
    typed(office, "recoveries", "write-off", asked["recovery_id"], "--note", "无法联系", *by)
    typed(office, "recoveries", "write-off", asked["recovery_id"], "--by", "乙")
    assert "已核销" in read(office, "recoveries", "list")
