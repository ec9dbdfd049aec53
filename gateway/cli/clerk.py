"""Who sits at the terminal and decides (经办人): an account that is logged in; a name where a site has no accounts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.flow.office import Office
    from gateway.model.account import AccountScope, Viewer

By = Annotated[str | None, typer.Option("--by", help="经办人，缺省为登录名 (who; the login name by default).")]
Note = Annotated[str | None, typer.Option("--note", help="备注，加密保存 (kept sealed).")]

COMMAND_RIGHTS: Final = {
    "access new": "keys.change",
    "access rotate": "keys.change",
    "access revoke": "keys.change",
    "claims list": "claims.reveal",
    "clock confirm": "settings.change",
    "deliveries confirm": "deliveries.redrive",
    "deliveries redrive": "deliveries.redrive",
    "desk approve": "claims.decide",
    "desk form": "claims.reveal",
    "desk papers": "claims.decide",
    "desk pass": "claims.decide",
    "desk refuse": "claims.decide",
    "desk return": "claims.decide",
    "desk undo": "claims.decide",
    "facts add": "claims.decide",
    "feed activate": "connect.activate",
    "feed back": "connect.activate",
    "feed drift": "connect",
    "feed rewind": "feeds.run",
    "feed try": "connect",
    "findings acknowledge": "today.acknowledge",
    "holds accept": "holds.decide",
    "holds refuse": "holds.decide",
    "payments account": "claims.pay",
    "payments accounts": "claims.pay",
    "payments answer": "claims.pay",
    "payments export": "claims.pay",
    "payments make": "claims.pay",
    "quarantine close": "quarantine.close",
    "quarantine show": "quarantine.reveal",
    "recoveries ask": "claims.decide",
    "recoveries notice": "claims.reveal",
    "recoveries received": "claims.decide",
    "recoveries write-off": "claims.decide",
    "restore": "settings.change",
    "review decide": "reviews.decide",
    "review show": "reviews.reveal",
    "review undo": "reviews.decide",
    "roster end": "roster.import",
    "roster export": "export",
    "roster import": "roster.import",
    "roster search": "roster.reveal",
    "roster show": "roster.reveal",
    "unreadable write-off": "settings.change",
    "second confirm": "export.second",
    "second list": "export.second",
    "second refuse": "export.second",
    "users add": "accounts.change",
    "users list": "accounts",
    "users lock": "accounts.change",
    "users reset": "accounts.change",
    "users roles": "accounts.change",
    "users unlock": "accounts.change",
    "audit show": "audit",
    "audit verify": "audit",
}
"""The right that each command asks for which somebody signs."""


LOOKING_RIGHTS: Final = {
    "access asked": "roster",
    "access list": "keys",
    "alarms list": "settings",
    "alarms try": "settings.change",
    "claims export": "export",
    "claims list": "claims",
    "claims print": "claims.reveal",
    "claims show": "claims.reveal",
    "deliveries enable": "deliveries.redrive",
    "deliveries list": "deliveries",
    "desk list": "claims",
    "desk steps": "claims",
    "facts list": "roster.reveal",
    "facts withdraw": "claims.decide",
    "feed diff": "connect",
    "feed history": "feeds",
    "feed replay": "connect.activate",
    "holds list": "holds",
    "holds show": "holds",
    "match explain": "reviews",
    "payments list": "claims.pay",
    "payments show": "claims.pay",
    "quarantine list": "quarantine",
    "quarantine retry": "quarantine.mend",
    "recoveries list": "claims",
    "report": "claims",
    "review export": "export",
    "review list": "reviews",
    "review log": "reviews",
    "roster list": "roster",
    "scheme ledger": "roster.reveal",
    "scheme simulate": "schemes.study",
    "unclaimed": "claims",
    "unreadable list": "settings",
}
"""The right that each command asks for by itself, as soon as its site is open: what it shows or does needs no name."""

PLAIN_VALUES: Final = frozenset(
    {"claims export", "claims print", "claims show", "facts list", "review export", "scheme ledger"}
)
"""Those of them that show plain values: that somebody looked is written down first."""


class _Seat:
    """Which site this process works at, and for which command."""

    office: Office | None = None
    command: str = ""
    scope: AccountScope | None = None


def stand_up() -> None:
    """A command begins: no site is open yet."""
    _Seat.office, _Seat.command, _Seat.scope = None, "", None


def seat(context: typer.Context, office: Office) -> Office:
    """Remember where this command works: `name_of` asks there who is logged in. Raises as `name_of` does where the
    command needs a right for what it shows."""
    _Seat.office, _Seat.command = office, context.command_path.partition(" ")[2]
    if _Seat.command in LOOKING_RIGHTS:
        _prove_look(office)
    return office


def _prove_look(office: Office) -> None:
    from gateway.flow.accounts.proving import has_accounts
    from gateway.flow.accounts.trail import AuditNote, note_alone

    if not has_accounts(office):
        return
    viewer = viewer_here(office, LOOKING_RIGHTS[_Seat.command])
    if _Seat.command in PLAIN_VALUES:
        note_alone(office, AuditNote(account=viewer.account, act="command", page=f"hubao {_Seat.command}"))


def name_of(by: str | None) -> str:
    """Who sits here: the account that is logged in; at a site without accounts as told, or as logged in at this
    machine. Call it once the site is open. Raises WrongUse, NotAllowed."""
    from gateway.flow.accounts.proving import has_accounts

    office = _Seat.office
    if office is None:
        raise RuntimeError("who signs is asked before the site is open")
    if not has_accounts(office):
        return typed_name(by)
    if by is not None:
        raise WrongUse(
            "本站点已有账号，不再接受 --by：请用 hubao users login 登录 (this site has accounts: log in, without --by)"
        )
    return viewer_here(office).account


def viewer_here(office: Office, right: str | None = None) -> Viewer:
    """The account that is logged in at this terminal, with this right, or the one that the command asks for. Raises
    WrongUse, NotAllowed."""
    from gateway.core.accounts.rights import Right
    from gateway.flow.accounts.proving import demand
    from gateway.flow.accounts.sessions import LoginNeeded, viewer_of
    from gateway.settings.session_file import read_session

    session_id = read_session(office.site)
    if session_id is None:
        raise LoginNeeded
    viewer = viewer_of(office, session_id, way="cli")
    demand(office, viewer, Right(right or COMMAND_RIGHTS[_Seat.command]), page=f"hubao {_Seat.command}")
    _Seat.scope = viewer.scope
    return viewer


def scope_here() -> AccountScope:
    """Whose data the account that just signed may see; everybody's at a site without accounts."""
    from gateway.model.account import EVERYTHING

    return _Seat.scope or EVERYTHING


def typed_name(by: str | None) -> str:
    """A name as told, or as logged in at this machine: believed where there is no account to prove it."""
    if by is not None:
        # An unset variable of a script must not sign with whoever runs it.
        if not by.strip():
            raise WrongUse("--by 是空的：请写明经办人 (--by is empty: say who decides)")
        return by
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise WrongUse("请用 --by 写明经办人 (say who decides with --by)") from None


def asked_for(what: str) -> str:
    """What must not stand on a command line, where others see it: asked for at a terminal without showing it, else the
    first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().strip()
