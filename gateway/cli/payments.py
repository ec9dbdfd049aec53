"""payments: accounts, lists for the bank, and the bank's answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import By, asked_for, name_of
from gateway.cli.desk import Association, ClaimId
from gateway.cli.output import Json, emit, say, table, tell
from gateway.cli.site import open_office

if TYPE_CHECKING:
    from gateway.flow.desk.paying import ListReport
    from gateway.flow.office import Office

payments = typer.Typer(
    help="支付名单与银行回盘 (payment lists and the bank's answer).", no_args_is_help=True, rich_markup_mode=None
)

Number = Annotated[int, typer.Argument(min=1, help="名单编号 (number of the list).")]
OtherHolder = Annotated[
    bool, typer.Option("--other-holder", help="户名不是会员本人，确付他人（受益人）(the holder is somebody else).")
]

FOLDER = Path("data/payments")
"""Where lists are written, in the site."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(payments, name="payments")


@payments.command("account")
def account_command(
    context: typer.Context,
    claim_id: ClaimId,
    bank: Annotated[str, typer.Option(help="开户行 (the bank).")],
    holder: Annotated[str, typer.Option(help="户名，缺省为会员本人 (holder; the member by default).")] = "",
    other_holder: OtherHolder = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """登记一份申领的收款账户；账号从提示或标准输入读取 (the account of a claim; its number is asked for)."""
    from gateway.flow.desk.accounts import AccountGiven, tell_account

    office, clerk = open_office(context), name_of(by)
    number = asked_for("账号 (account number)")
    account_told = AccountGiven(number=number, bank=bank, holder=holder, other_holder=other_holder)
    tell_account(office, claim_id, account_told, by=clerk)
    tell({"claim_id": claim_id}, f"{claim_id} 已登记收款账户 (kept)", as_json=as_json)


@payments.command("accounts")
def accounts_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV 或 Excel (CSV or a workbook).")],
    association: Association,
    other_holder: OtherHolder = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """从文件登记收款账户：申领号或会员号、户名、账号、开户行 (accounts from a file, by claim or by member)."""
    from gateway.flow.desk.accounts import read_accounts

    office, clerk = open_office(context), name_of(by)
    report = read_accounts(office, association, _bytes_of(file), by=clerk, other_holder=other_holder)
    words = f"读入{report.rows}行，登记{report.claims}份申领的账户；{report.without_claim}行没有待付的申领 (kept)"
    tell(report, words, as_json=as_json)


@payments.command("make")
def make_command(
    context: typer.Context,
    association: Association,
    league: Annotated[str | None, typer.Option(help="只限这个盟市 (only this league).")] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """已核定、有账户、未列入名单的，列成一份新名单并写出 (a new list of what is approved, written for the bank)."""
    from gateway.flow.desk.paying import make_list

    office = open_office(context)
    clerk = name_of(by)
    new = make_list(office, association, by=clerk, league=league)
    files = write_list(office, association, new.made.number, by=clerk) if new.made is not None else []
    left_out = f"缺账户{new.account_missing}件，账户有误{new.account_wrong}件，账户打不开{new.account_unreadable}件"
    left_out += f"，有疑问待核{new.in_question}件"
    if as_json:
        emit({"list": new.made, "files": files, **_left_out(new)})
    elif new.made is None:
        say(f"没有可列入的 (nothing to list)；{left_out}")
    else:
        say(f"第{new.made.number}号名单：{new.made.count}笔，{new.made.amount} 元；{left_out}")
        say("\n".join(files))
    if new.account_wrong or new.account_unreadable or new.in_question:
        raise typer.Exit(1)


def _left_out(new: object) -> dict[str, int]:
    names = ("account_missing", "account_wrong", "account_unreadable", "in_question")
    return {name: getattr(new, name) for name in names}


@payments.command("export")
def export_command(
    context: typer.Context, number: Number, association: Association, by: By = None, as_json: Json = False
) -> None:
    """再写出一份名单，内容不变 (write a list again, the same as before)."""
    files = write_list(open_office(context), association, number, by=name_of(by))
    tell({"files": files}, "\n".join(files), as_json=as_json)


def write_list(office: Office, association: str, number: int, *, by: str) -> list[str]:
    """The list as CSV and as a workbook with its sums, and a small file with count, sum and digests of both, written
    last; relative to the site."""
    from gateway.cli.closed_files import write_closed
    from gateway.flow.desk.payment_files import fetch_files

    files = fetch_files(office, association, number, by=by)
    for name, content in files.items():
        write_closed(office.site / FOLDER / name, content)
    return [str(FOLDER / name) for name in files]


@payments.command("list")
def list_command(
    context: typer.Context,
    association: Annotated[str | None, typer.Option("--association", help="协会 (association).")] = None,
    as_json: Json = False,
) -> None:
    """支付名单，新的在前 (payment lists, newest first)."""
    from gateway.flow.desk.paying import show_lists

    reports = show_lists(open_office(context), association)
    if as_json:
        emit({"lists": reports})
        return
    columns = ("协会", "编号", "笔数", "合计（元）", "已付", "未付成", "待回盘", "经办人", "时间")
    table("支付名单", columns, [_cells(report) for report in reports])


def _cells(report: ListReport) -> tuple[object, ...]:
    states = [report.states.get(state, (0, ""))[0] for state in ("paid", "failed", "listed")]
    sums = (report.association, report.number, report.count, report.amount)
    return (*sums, *states, report.made_by, report.made_at)


@payments.command("show")
def show_command(context: typer.Context, number: Number, association: Association, as_json: Json = False) -> None:
    """一份名单的每笔与银行结果；不含个人信息 (each line and what the bank said; without personal data)."""
    from gateway.flow.desk.paying import show_list

    shown = show_list(open_office(context), association, number)
    if as_json:
        emit(shown)
        return
    keys = ("position", "claim_id", "amount", "words", "answered_by")
    columns = ("序号", "申领号", "金额（元）", "结果", "经办人")
    table(f"第{number}号支付名单", columns, [tuple(item[key] for key in keys) for item in shown["items"]])


@payments.command("answer")
def answer_command(
    context: typer.Context,
    number: Number,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="银行回盘 (the bank's answer).")],
    association: Association,
    by: By = None,
    as_json: Json = False,
) -> None:
    """读入银行回盘：已付，或未付的原因；有一处不符就不入账 (the bank's answer: all of it fits, or none counts)."""
    from gateway.flow.desk.paying import take_answer

    report = take_answer(open_office(context), association, number, _bytes_of(file), by=name_of(by))
    words = (
        f"第{number}号名单：已付{report.paid}笔 {report.paid_amount} 元，未付成{report.failed}笔，"
        f"此前已记{report.already}笔，仍待回盘{report.open}笔"
    )
    tell(report, words, as_json=as_json)
    if report.failed:
        raise typer.Exit(1)


def _bytes_of(file: Path) -> bytes:
    """A file's bytes, as many as a table may have and one more."""
    from gateway.core.claims.bank_tables import MAX_BYTES

    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)
