"""Payment lists (支付名单): what is approved leaves for the bank, each claim on one list only, and the bank's answer is
read back. A claim is paid once: the database holds one line of it at most that is listed or paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.core.claims.bank_answers import BankVerdict, ListedLine, read_answer, reference_of
from gateway.core.signing import clerk
from gateway.errors import BadInput, BrokenSeal, WrongUse
from gateway.flow.changes.account_boxes import Account, open_account, open_line, place_of, seal_line
from gateway.flow.delivery.claims import write_decision
from gateway.flow.desk.hands import desk_of, in_hand, payments_lock
from gateway.flow.office import Office
from gateway.flow.site.restoring import refuse_unchecked
from gateway.model.money import yuan
from gateway.store import desk, payments
from gateway.store.claims import ClaimDecisionRow
from gateway.store.desk import DeskStep
from gateway.store.engine import Tx, lock
from gateway.store.payments import AccountRow, PayableClaim, PaymentItemRow, PaymentListRow
from gateway.store.values import from_ms, to_ms
from gateway.words.desk import PAYMENT_FAILURES, PAYMENT_STATES


class UnknownList(WrongUse):
    """A payment list that is not there."""


class ListReport(msgspec.Struct, frozen=True, kw_only=True):
    """A payment list: number, how many, the sum in yuan, and what the bank has answered (state → count, yuan)."""

    association: str
    number: int
    count: int
    amount: str
    made_by: str
    made_at: str
    states: dict[str, tuple[int, str]]


class NewList(msgspec.Struct, frozen=True, kw_only=True):
    """What came of making one: the list, None where nothing could be paid; and what was left out for want of an
    account, because the bank refused the one there is, because it does not open, or because something about the claim
    waits for a person: what was refunded since it was approved is not paid before somebody has looked."""

    made: ListReport | None
    account_missing: int
    account_wrong: int
    account_unreadable: int
    in_question: int


class PaymentTable(msgspec.Struct, frozen=True, kw_only=True):
    """A list in a bank's usual columns (amounts as text in yuan), the same at every call; accounts let go are empty."""

    report: ListReport
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


TABLE_COLUMNS = ("序号", "户名", "账号", "开户行", "金额", "用途", "备注")


def make_list(office: Office, association: str, *, by: str, league: str | None = None) -> NewList:
    """A new list of everything approved that is on none and whose account is known, oldest decision first."""
    desk_of(office, association)
    name = clerk(by)
    with office.store.write() as tx:
        lock(tx, payments_lock(association))
        refuse_unchecked(tx)
        approved = [claim for claim in payments.payable(tx, association) if league in (None, claim.league)]
        payable = [claim for claim in approved if not claim.in_question]
        accounts, unreadable = _accounts(office, association, payable)
        chosen = [claim for claim in payable if claim.claim_id in accounts]
        row = _write_list(tx, office, association, name, [(claim, accounts[claim.claim_id]) for claim in chosen])
    return NewList(
        made=_report(row, {"listed": (row.count, row.amount)}) if row is not None else None,
        account_missing=sum(1 for claim in payable if claim.sealed is None),
        account_wrong=sum(1 for claim in payable if claim.sealed is not None and claim.failed),
        account_unreadable=unreadable,
        in_question=len(approved) - len(payable),
    )


def _accounts(office: Office, association: str, payable: Sequence[PayableClaim]) -> tuple[dict[str, Account], int]:
    """Claim → its account, of those that can be paid to; and how many accounts do not open."""
    accounts, unreadable = {}, 0
    for claim in payable:
        if claim.sealed is None or claim.failed:
            continue
        row = AccountRow(claim_id=claim.claim_id, association=association, sealed=claim.sealed, by="", at=0)
        try:
            accounts[claim.claim_id] = open_account(office, row)
        except BrokenSeal:
            unreadable += 1
    return accounts, unreadable


def _write_list(
    tx: Tx, office: Office, association: str, by: str, chosen: Sequence[tuple[PayableClaim, Account]]
) -> PaymentListRow | None:
    if not chosen:
        return None
    list_id, number, item_ids = payments.next_ids(tx, association, len(chosen))
    items = [
        PaymentItemRow(
            item_id=item_id,
            list_id=list_id,
            position=position,
            claim_id=claim.claim_id,
            version=claim.version,
            amount=claim.amount,
            state="listed",
            code="",
            answered_by=None,
            answered_at=None,
            sealed=seal_line(tx, office, association, place_of(list_id, position, claim.claim_id), account),
        )
        for position, (item_id, (claim, account)) in enumerate(zip(item_ids, chosen, strict=True), start=1)
    ]
    row = PaymentListRow(
        list_id=list_id,
        association=association,
        number=number,
        count=len(items),
        amount=sum(item.amount for item in items),
        made_by=by,
        made_at=to_ms(office.now()),
    )
    payments.add_list(tx, row, items)
    for item in items:
        step = DeskStep(
            claim_id=item.claim_id,
            association=association,
            version=item.version,
            what="listed",
            by=by,
            at=row.made_at,
            amount=item.amount,
            code=str(number),
        )
        desk.add_step(tx, step)
    return row


def show_lists(office: Office, association: str | None = None) -> list[ListReport]:
    """Every list, newest first."""
    with office.store.read() as tx:
        return [_report(row, states) for row, states in payments.lists(tx, association)]


def _report(row: PaymentListRow, states: dict[str, tuple[int, int]]) -> ListReport:
    return ListReport(
        association=row.association,
        number=row.number,
        count=row.count,
        amount=yuan(row.amount),
        made_by=row.made_by,
        made_at=from_ms(row.made_at).isoformat(),
        states={state: (many, yuan(money)) for state, (many, money) in states.items()},
    )


def payment_table(office: Office, association: str, number: int) -> PaymentTable:
    """A list as the bank gets it. Raises WrongUse for a number that is none, BrokenSeal where a line does not open."""
    spec = desk_of(office, association)
    with office.store.read() as tx:
        row, items = _list_of(tx, association, number)
    lines = [(item, open_line(office, association, item)) for item in items]
    return PaymentTable(
        report=_report(row, _states(items)),
        columns=TABLE_COLUMNS,
        rows=[
            (
                str(item.position),
                *((account.holder, account.number, account.bank) if account is not None else ("", "", "")),
                yuan(item.amount),
                spec.purpose,
                reference_of(association, number, item.position),
            )
            for item, account in lines
        ],
    )


def show_list(office: Office, association: str, number: int) -> dict[str, Any]:
    """A list with what became of each claim; without personal data."""
    with office.store.read() as tx:
        row, items = _list_of(tx, association, number)
    shown = [
        {
            "position": item.position,
            "claim_id": item.claim_id,
            "amount": yuan(item.amount),
            "state": item.state,
            "words": PAYMENT_FAILURES.get(item.code) or PAYMENT_STATES[item.state],
            "code": item.code,
            "answered_by": item.answered_by,
        }
        for item in items
    ]
    return {**msgspec.to_builtins(_report(row, _states(items))), "items": shown}


def _list_of(tx: Tx, association: str, number: int) -> tuple[PaymentListRow, list[PaymentItemRow]]:
    row = payments.list_numbered(tx, association, number)
    if row is None:
        raise UnknownList(f"协会 {association} 没有第{number}号支付名单 (no payment list of this number)")
    return row, payments.items_of(tx, row.list_id)


def _states(items: Sequence[PaymentItemRow]) -> dict[str, tuple[int, int]]:
    states: dict[str, tuple[int, int]] = {}
    for item in items:
        many, money = states.get(item.state, (0, 0))
        states[item.state] = (many + 1, money + item.amount)
    return states


class AnswerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank's answer came to: paid, not paid, said before already, and the lines it does not speak of; money in
    yuan."""

    number: int
    paid: int
    paid_amount: str
    failed: int
    already: int
    open: int


def take_answer(office: Office, association: str, number: int, content: bytes, *, by: str) -> AnswerReport:
    """Read the bank's answer to a list (CSV or Excel). The same answer twice changes nothing.

    Raises BadInput with everything that does not fit the list, or contradicts what the bank said before: then nothing
    of it counts.
    """
    desk_of(office, association)
    clerk(by)
    with office.store.read() as tx:
        row, items = _list_of(tx, association, number)
    verdicts = read_answer(content, association, number, [_line(office, association, item) for item in items])
    by_position = {item.position: item for item in items}
    _check_against(verdicts, by_position)
    for verdict in verdicts:
        if by_position[verdict.position].state == "listed":
            _take_verdict(office, by_position[verdict.position], verdict, by=by)
    with office.store.read() as tx:
        after = payments.items_of(tx, row.list_id)
    news = {item.position for item in items if item.state == "listed"}
    paid = [item for item in after if item.position in news and item.state == "paid"]
    return AnswerReport(
        number=number,
        paid=len(paid),
        paid_amount=yuan(sum(item.amount for item in paid)),
        failed=sum(1 for item in after if item.position in news and item.state == "failed"),
        already=sum(1 for verdict in verdicts if verdict.position not in news),
        open=sum(1 for item in after if item.state == "listed"),
    )


def _line(office: Office, association: str, item: PaymentItemRow) -> ListedLine:
    account = open_line(office, association, item)
    return ListedLine(
        position=item.position, amount=item.amount, account=account.number if account is not None else None
    )


def _check_against(verdicts: Sequence[BankVerdict], items: dict[int, PaymentItemRow]) -> None:
    """What the bank said of a line before, no file unsays: a person must find out what became of the money."""
    contradicting = [
        f"第{verdict.position}笔：此前记为{PAYMENT_STATES[items[verdict.position].state]}"
        for verdict in verdicts
        if items[verdict.position].state not in ("listed", verdict.state)
    ]
    if contradicting:
        raise BadInput(
            "bank_answer",
            f"与此前的回盘矛盾，没有一笔入账：{'；'.join(contradicting[:20])}；请向银行核实"
            " (it contradicts an earlier answer: ask the bank)",
        )


def _take_verdict(office: Office, item: PaymentItemRow, verdict: BankVerdict, *, by: str) -> None:
    """One line, in a transaction of its own: whoever is killed between two lines goes on with the next."""
    with in_hand(office, item.claim_id, by) as hand:
        answered = msgspec.structs.replace(
            item, state=verdict.state, code=verdict.code, answered_by=hand.by, answered_at=to_ms(office.now())
        )
        if not payments.answer(hand.tx, answered):
            return
        hand.write_step(verdict.state, amount=item.amount, code=verdict.code)
        if verdict.state == "paid":
            decision = ClaimDecisionRow(
                claim_id=item.claim_id,
                version=item.version,
                outcome="paid",
                amount=item.amount,
                decided_at=to_ms(office.now()),
            )
            write_decision(hand.tx, office, hand.row, decision)
