"""A payment list as the files a bank takes: CSV, a workbook, its sums, and a control file with digests."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import msgspec

from gateway.core.csv_files import csv_file
from gateway.core.workbook_files import workbook_file
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.desk.paying import payment_table
from gateway.flow.office import Office


def fetch_files(office: Office, association: str, number: int, *, by: str) -> dict[str, bytes]:
    """Name → content of a list's files, the same at every call; the control file last, so that whoever sees it has all
    of it. That somebody fetched it (`by`: a person, or a machine's key) is written down. Raises WrongUse for a number
    that is none, BrokenSeal where a line does not open."""
    files = _files(office, association, number)
    note_alone(office, AuditNote(account=by, act="payments_fetched", subject=f"{association} {number}"))
    return files


def _files(office: Office, association: str, number: int) -> dict[str, bytes]:
    payment = payment_table(office, association, number)
    report, columns = payment.report, payment.columns
    money = columns.index("金额")
    lines = [tuple(Decimal(cell) if place == money else cell for place, cell in enumerate(row)) for row in payment.rows]
    sums = [("名单编号", str(report.number)), ("笔数", str(report.count)), ("合计（元）", report.amount)]
    name = f"{association}-{number:06d}"
    files = {
        f"{name}.csv": csv_file(columns, payment.rows),
        f"{name}.xlsx": workbook_file({"支付名单": (columns, lines)}, money=(money,)),
    }
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    control = {"list": report.number, "count": report.count, "amount": report.amount, "sha256": digests}
    files[f"{name}.sums.csv"] = csv_file(("项目", "内容"), sums)
    files[f"{name}.json"] = msgspec.json.encode(control) + b"\n"
    return files
