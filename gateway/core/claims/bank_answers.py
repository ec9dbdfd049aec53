"""What a bank's answer says of each line of a payment list (回盘): reference, amount, paid or why not. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from gateway.core.claims.bank_tables import TableRow, read_rows
from gateway.errors import BadInput
from gateway.model.money import parse_yuan
from gateway.words.desk import BANK_FAILED, BANK_PAID

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "reference": ("业务编号", "附言", "备注", "摘要", "用户编号"),
    "amount": ("金额", "交易金额", "付款金额", "实付金额"),
    "result": ("结果", "处理结果", "交易结果", "处理状态", "交易状态", "状态", "回盘结果"),
    "reason": ("原因", "失败原因", "错误原因", "返回信息", "错误信息", "说明"),
    "account": ("账号", "收款账号", "收款人账号", "卡号"),
}
_REFERENCE: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,39})-([0-9]{6,9})-([0-9]{4,6})")
_DIGITS: Final = re.compile(r"[0-9]{8,32}")


class ListedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list as it left: position, amount in fen, account number (None once it was let go)."""

    position: int
    amount: int
    account: str | None


class BankVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank said of one line; `code` of PAYMENT_FAILURES where it did not pay."""

    position: int
    state: Literal["paid", "failed"]
    code: str = ""


def reference_of(association: str, number: int, position: int) -> str:
    """What a line is called in the bank's columns, and found again by."""
    return f"{association}-{number:06d}-{position:04d}"


def read_answer(content: bytes, association: str, number: int, lines: Sequence[ListedLine]) -> list[BankVerdict]:
    """The verdicts of a bank's answer to one list, in its order. Raises BadInput with everything that is wrong: nothing
    of a file counts unless all of it fits the list."""
    rows = read_rows(content, COLUMNS, needed=("reference", "amount", "result"))
    by_position = {line.position: line for line in lines}
    wrong: list[str] = []
    verdicts: dict[int, BankVerdict] = {}
    for row in rows:
        if not row.cells["reference"] and not row.cells["result"]:
            # A line of sums, or a signature.
            continue
        try:
            verdict = _verdict(row, association, number, by_position)
        except BadInput as error:
            wrong.append(f"第{row.number}行：{error.message}")
            continue
        if verdicts.setdefault(verdict.position, verdict) != verdict:
            wrong.append(f"第{row.number}行：与前面同一笔的结果不同 (two answers about one line)")
    if not rows:
        wrong.append("没有一行结果 (no row)")
    if wrong:
        more = f"；另有{len(wrong) - _SHOWN}处 (and more)" if len(wrong) > _SHOWN else ""
        raise BadInput("bank_answer", "回盘与名单不符，没有一笔入账：" + "；".join(wrong[:_SHOWN]) + more)
    return list(verdicts.values())


_SHOWN: Final = 20


def _verdict(row: TableRow, association: str, number: int, lines: Mapping[int, ListedLine]) -> BankVerdict:
    reference = _REFERENCE.fullmatch(row.cells["reference"])
    if reference is None or (reference[1], int(reference[2])) != (association, number):
        raise BadInput("reference", "业务编号不是这份名单的 (a reference of another list)")
    line = lines.get(int(reference[3]))
    if line is None:
        raise BadInput("reference", "名单没有这一笔 (the list has no such line)")
    if parse_yuan(row.cells["amount"].replace(",", "")) != line.amount:
        raise BadInput("amount", "金额与名单不同 (another amount)")
    account = re.sub(r"[\s-]", "", row.cells.get("account", ""))
    if line.account is not None and _DIGITS.fullmatch(account) and account != line.account:
        raise BadInput("account", "账号与名单不同 (another account)")
    result, reason = row.cells["result"].strip().lower(), row.cells.get("reason", "").strip()
    if result in BANK_PAID:
        return BankVerdict(position=line.position, state="paid")
    for code, words in BANK_FAILED:
        if any(word in reason for word in words) or any(word in result for word in words):
            return BankVerdict(position=line.position, state="failed", code=code)
    raise BadInput("result", "看不懂结果：应为成功，或写明未付的原因 (a result that says neither paid nor why not)")
