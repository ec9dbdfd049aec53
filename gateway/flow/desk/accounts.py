"""To which account a claim is paid: told by a clerk, or by a file; sealed, and let go some time after payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.claims.accounts import account_number, account_text
from gateway.core.claims.bank_tables import TableRow, read_rows
from gateway.core.masks import same_typing
from gateway.errors import BadInput, Conflict
from gateway.flow.changes.account_boxes import Account, seal_account
from gateway.flow.desk.hands import ClaimInHand, desk_of, in_hand
from gateway.flow.office import Office
from gateway.store import claims, desk, members, payments
from gateway.store.payments import AccountRow
from gateway.store.values import to_ms

_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "claim_id": ("申领号",),
    "member_no": ("会员号",),
    "holder": ("户名", "收款人", "收款人户名", "收款人名称"),
    "number": ("账号", "收款账号", "银行账号", "卡号", "银行卡号"),
    "bank": ("开户行", "开户银行", "收款行", "开户行名称"),
}
_SHOWN: Final = 20


class AccountGiven(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is told. `holder` empty: the member; `other_holder`: another one is paid (受益人), knowingly."""

    number: str
    bank: str
    holder: str = ""
    other_holder: bool = False


def tell_account(office: Office, claim_id: str, account_told: AccountGiven, *, by: str) -> None:
    """Keep the account of a claim, in the place of one told before. Raises BadInput for one that cannot be, Conflict
    where the claim is paid or stands on a list."""
    number = account_number(account_told.number)
    bank = account_text(account_told.bank, "开户行", longest=60)
    with in_hand(office, claim_id, by) as hand:
        if desk.locked(hand.tx, [claim_id]):
            raise Conflict("申领已支付或已列入名单，账户不再改 (it is paid, or on a list)")
        account = Account(holder=_holder(hand, account_told), number=number, bank=bank)
        row = AccountRow(
            claim_id=claim_id,
            association=hand.row.association,
            sealed=seal_account(hand.tx, office, claim_id, hand.row.association, account),
            by=hand.by,
            at=to_ms(office.now()),
        )
        payments.put_account(hand.tx, row)
        hand.write_step("account")


def _holder(hand: ClaimInHand, account_told: AccountGiven) -> str:
    [row] = members.by_id(hand.tx, [hand.row.member_id])
    name = hand.office.open_member(row).name
    holder = account_text(account_told.holder, "户名", longest=60) if account_told.holder.strip() else name
    if not same_typing(holder, name) and not account_told.other_holder:
        raise BadInput("other_holder", "户名与会员姓名不符；确付他人（受益人）请注明 (the holder is not the member)")
    return holder


class AccountsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file of accounts: rows read, claims whose account is known now, members without a claim to pay."""

    rows: int
    claims: int
    without_claim: int


def read_accounts(
    office: Office, association: str, content: bytes, *, by: str, other_holder: bool = False
) -> AccountsReport:
    """Take accounts from a file: by claim (申领号) or by member (会员号: all that is approved and on no list).

    Raises BadInput with everything that is wrong, and then keeps none of them.
    """
    desk_of(office, association)
    rows = read_rows(content, _COLUMNS, needed=("number", "bank"))
    claims_by_row = _claims_meant(office, association, rows)
    wrong: list[str] = []
    for row in rows:
        try:
            account_number(row.cells["number"])
            account_text(row.cells["bank"], "开户行", longest=60)
            _check_holder(office, claims_by_row[row.number], row.cells.get("holder", ""), other_holder=other_holder)
        except BadInput as error:
            wrong.append(f"第{row.number}行：{error.message}")
        except KeyError:
            wrong.append(f"第{row.number}行：没有这份申领或会员，或已列入名单 (no such claim or member, or on a list)")
    if wrong:
        more = f"；另有{len(wrong) - _SHOWN}处 (and more)" if len(wrong) > _SHOWN else ""
        raise BadInput("accounts", "账户文件有误，一个也没有登记：" + "；".join(wrong[:_SHOWN]) + more)
    accounts_kept = 0
    for row in rows:
        account_told = AccountGiven(
            number=row.cells["number"],
            bank=row.cells["bank"],
            holder=row.cells.get("holder", ""),
            other_holder=other_holder,
        )
        for claim_id in claims_by_row[row.number]:
            tell_account(office, claim_id, account_told, by=by)
            accounts_kept += 1
    without = sum(1 for row in rows if not claims_by_row[row.number])
    return AccountsReport(rows=len(rows), claims=accounts_kept, without_claim=without)


def _claims_meant(office: Office, association: str, rows: Sequence[TableRow]) -> dict[int, list[str]]:
    """Row → the claims whose account it tells; a row that names neither claim nor member here is missing."""
    meant: dict[int, list[str]] = {}
    with office.store.read() as tx:
        named = claims.by_ids(tx, [row.cells.get("claim_id", "") for row in rows if row.cells.get("claim_id")])
        numbers = [row.cells.get("member_no", "") for row in rows if row.cells.get("member_no")]
        enrolments = members.by_number(tx, association, numbers)
        person_of = {enrolment.member_no: enrolment.person_id for enrolment in enrolments}
        waiting = {payable.claim_id for payable in payments.payable(tx, association)}
        approved = claims.by_ids(tx, waiting)
        on_lists = desk.locked(tx, [claim.claim_id for claim in named])
    payable_claims = {claim.claim_id for claim in named if claim.association == association} - on_lists
    for row in rows:
        claim_id, member_no = row.cells.get("claim_id", ""), row.cells.get("member_no", "")
        if claim_id in payable_claims:
            meant[row.number] = [claim_id]
        elif not claim_id and member_no in person_of:
            meant[row.number] = sorted(claim.claim_id for claim in approved if claim.person_id == person_of[member_no])
    return meant


def _check_holder(office: Office, claim_ids: Sequence[str], holder: str, *, other_holder: bool) -> None:
    """Raises BadInput where the holder is somebody else than the member of these claims."""
    if not holder.strip() or other_holder or not claim_ids:
        return
    with office.store.read() as tx:
        member_ids = {claim.member_id for claim in claims.by_ids(tx, claim_ids)}
        names = [office.open_member(row).name for row in members.by_id(tx, member_ids)]
    if not all(same_typing(holder, name) for name in names):
        raise BadInput("other_holder", "户名与会员姓名不符 (the holder is not the member)")
