"""Who sits at the terminal and decides (经办人)."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.errors import WrongUse

By = Annotated[str | None, typer.Option("--by", help="经办人，缺省为登录名 (who; the login name by default).")]
Note = Annotated[str | None, typer.Option("--note", help="备注，加密保存 (kept sealed).")]


def name_of(by: str | None) -> str:
    """Who sits here: as told, or as logged in."""
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
