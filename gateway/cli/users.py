"""users: accounts of people, and who is logged in at this terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import asked_for, viewer_here
from gateway.cli.output import Json, complain, emit, table, tell
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.accounts import ACCOUNT_STATES, ROLES

if TYPE_CHECKING:
    from gateway.flow.accounts.managing import AccountReport
    from gateway.flow.accounts.sessions import NewSession
    from gateway.flow.office import Office
    from gateway.model.account import AccountScope

users = typer.Typer(help="账号：新建、角色、锁定、重置、登录 (accounts).", no_args_is_help=True, rich_markup_mode=None)

Account = Annotated[str, typer.Argument(help="账号，即登录名 (the log-in name).")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help=f"角色，可多次 (roles; repeat): {'、'.join(f'{code} {ROLES[code]}' for code in ROLES)}"
    ),
]
Associations = Annotated[
    list[str] | None, typer.Option("--association", help="只看这些协会，可多次 (only these associations; repeat).")
]
Leagues = Annotated[
    list[str] | None, typer.Option("--league", help="只看这些盟市，可多次 (only these leagues; repeat).")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(users, name="users")


@users.command("add")
def users_add(
    context: typer.Context,
    account: Account,
    name: Annotated[str, typer.Option("--name", help="姓名，显示与记录用 (the name people know).")],
    role: Roles = None,
    association: Associations = None,
    league: Leagues = None,
    as_json: Json = False,
) -> None:
    """新建账号；第一个须为安全管理员；初始密码从提示或标准输入读 (a new account; its first password is asked for)."""
    from gateway.flow.accounts.managing import AccountWish, add_account
    from gateway.flow.accounts.proving import has_accounts

    office = open_office(context)
    by = viewer_here(office) if has_accounts(office) else None
    wish = AccountWish(account=account, name=name, roles=role or (), scope=_scope(association, league))
    made = add_account(office, wish, _new_password(), by=by, page="hubao users add")
    tell(made, f"已新建 {account}；首次登录须改密码 (made; the password is to be changed at log-in)", as_json=as_json)


@users.command("list")
def users_list(context: typer.Context, as_json: Json = False) -> None:
    """账号、角色、数据范围、状态 (accounts, roles, scope, state)."""
    from gateway.flow.accounts.managing import list_accounts

    office = open_office(context)
    viewer_here(office)
    reports = list_accounts(office)
    if as_json:
        emit({"accounts": reports})
    else:
        columns = ("账号", "姓名", "角色", "范围", "状态", "动态码", "最近登录")
        table("账号", columns, [_cells(report) for report in reports])


def _cells(report: AccountReport) -> tuple[object, ...]:
    roles = "、".join(ROLES[role] for role in report.roles)
    scope = report.scope
    places = "、".join([*sorted(scope.associations), *sorted(scope.leagues)]) or "全部"
    state = ACCOUNT_STATES[report.state]
    return (report.account, report.name, roles, places, state, report.second_factor, report.used_at)


@users.command("roles")
def users_roles(
    context: typer.Context,
    account: Account,
    role: Roles = None,
    association: Associations = None,
    league: Leagues = None,
    everything: Annotated[bool, typer.Option("--everything", help="不限范围 (scope: everything).")] = False,
    as_json: Json = False,
) -> None:
    """改角色或数据范围；该账号须重新登录 (other roles or another scope; the account logs in anew)."""
    from gateway.flow.accounts.managing import change_account

    office = open_office(context)
    by = viewer_here(office)
    scope = _scope(association, league) if association or league or everything else None
    if not role and scope is None:
        raise WrongUse("请写明 --role，或 --association、--league、--everything (say what is to change)")
    changed = change_account(office, account, roles=role, scope=scope, by=by, page="hubao users roles")
    tell(changed, f"已更改 {account} (changed)", as_json=as_json)


@users.command("lock")
def users_lock(context: typer.Context, account: Account, as_json: Json = False) -> None:
    """锁定账号，立即退出 (the account opens nothing from now on)."""
    _lock(context, account, locked=True, as_json=as_json)


@users.command("unlock")
def users_unlock(context: typer.Context, account: Account, as_json: Json = False) -> None:
    """解锁账号 (the account opens again)."""
    _lock(context, account, locked=False, as_json=as_json)


def _lock(context: typer.Context, account: str, *, locked: bool, as_json: bool) -> None:
    from gateway.flow.accounts.managing import lock_account

    office = open_office(context)
    page = f"hubao users {'lock' if locked else 'unlock'}"
    report = lock_account(office, account, locked=locked, by=viewer_here(office), page=page)
    tell(report, f"{account}：{ACCOUNT_STATES[report.state]}", as_json=as_json)


@users.command("reset")
def users_reset(context: typer.Context, account: Account, as_json: Json = False) -> None:
    """重置密码与动态码；新密码从提示或标准输入读 (a new password to be changed, and a second factor to set up anew)."""
    from gateway.flow.accounts.managing import reset_account

    office = open_office(context)
    by = viewer_here(office)
    report = reset_account(office, account, _new_password(), by=by, page="hubao users reset")
    tell(report, f"已重置 {account}；下次登录须改密码、重设动态码 (reset)", as_json=as_json)


@users.command("login")
def users_login(context: typer.Context, account: Account, as_json: Json = False) -> None:
    """登录：密码、动态码，到期先改密码；会话存入本人可读的文件 (log in at this terminal)."""
    from gateway.flow.accounts.sessions import log_in
    from gateway.settings.session_file import write_session
    from gateway.vault.passwords import new_session_id

    office = open_office(context)
    session = log_in(office, account, asked_for("密码 (password)"), way="cli", draw=new_session_id)
    while session.stage != "open":
        session = _next_step(office, session)
    write_session(office.site, session.session_id)
    tell(session.viewer, f"已登录 {session.viewer.account} (logged in)", as_json=as_json)


def _next_step(office: Office, session: NewSession) -> NewSession:
    from gateway.flow.accounts.sessions import change_password, prove_second, second_to_enrol
    from gateway.vault.passwords import new_second_secret, new_session_id

    if session.stage == "change":
        complain("密码须更改 (the password must be changed)")
        old = asked_for("现密码 (present password)")
        return change_password(office, session.session_id, old, _new_password(), draw=new_session_id)
    if session.stage == "enrol":
        secret, address = second_to_enrol(office, session.session_id, draw_secret=new_second_secret)
        complain(f"请在验证器应用中添加 (add this to an authenticator app): {secret}\n{address}")
    code = asked_for("动态码 (one-time code)")
    return prove_second(office, session.session_id, code, draw=new_session_id)


@users.command("logout")
def users_logout(context: typer.Context, as_json: Json = False) -> None:
    """退出 (log out)."""
    from gateway.flow.accounts.sessions import log_out
    from gateway.settings.session_file import forget_session, read_session

    office = open_office(context)
    session_id = read_session(office.site)
    if session_id is not None:
        log_out(office, session_id)
        forget_session(office.site)
    tell({"logged_out": session_id is not None}, "已退出 (logged out)", as_json=as_json)


def _new_password() -> str:
    """Asked for twice at a terminal, once from standard input. Raises WrongUse where the two differ."""
    password = asked_for("新密码 (new password)")
    if sys.stdin.isatty() and asked_for("再输一次 (once more)") != password:
        raise WrongUse("两次输入的密码不同 (the two differ)")
    return password


def _scope(associations: list[str] | None, leagues: list[str] | None) -> AccountScope:
    from gateway.model.account import AccountScope

    return AccountScope(associations=frozenset(associations or ()), leagues=frozenset(leagues or ()))
