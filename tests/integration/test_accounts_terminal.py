"""`hubao users …`, `hubao audit …`: accounts are proven at a terminal; `--by` is believed only where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyotp
import pytest
from account_side import CHOSEN, GIVEN, KEEPER, make_account, quick_hashes
from typer.main import get_command
from typer.testing import CliRunner

from gateway import wiring
from gateway.cli.clerk import COMMAND_RIGHTS, LOOKING_RIGHTS, PLAIN_VALUES
from gateway.cli.main import app
from gateway.core.accounts.rights import Right
from gateway.errors import NotAllowed, WrongUse
from gateway.flow.accounts.sessions import LoginNeeded, LoginRefused
from gateway.flow.office import Office
from gateway.settings.session_file import session_file
from gateway.vault import passwords

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(
    make_office: MakeOffice, sqlite_url: str, clock: Hands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Office:
    quick_hashes(monkeypatch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    opened: Office = make_office(sqlite_url)
    monkeypatch.setattr(wiring, "open_office", lambda path: opened)
    return opened


class Terminal:
    """One person at a terminal of a site."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def types(self, *words: str, then: str = "") -> str:
        done = CliRunner().invoke(app, ["--site", str(self._office.site), *words], input=then)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def told(self, *words: str, then: str = "") -> Any:
        return msgspec.json.decode(self.types(*words, "--json", then=then).splitlines()[-1])


@pytest.fixture
def terminal(office: Office) -> Terminal:
    return Terminal(office)


def logged_in(terminal: Terminal, office: Office, account: str) -> pyotp.TOTP:
    """The first log-in at a terminal: the code can only be typed once the secret was shown."""
    secret = pyotp.random_base32()
    patch = pytest.MonkeyPatch()
    patch.setattr(passwords, "new_second_secret", lambda: secret)
    code = pyotp.TOTP(secret).at(office.now())
    terminal.types("users", "login", account, then=f"{GIVEN}\n{code}\n{GIVEN}\n{CHOSEN}\n")
    patch.undo()
    return pyotp.TOTP(secret)


def test_from_the_first_account_on_names_are_proven(terminal: Terminal, office: Office, clock: Hands) -> None:
    terminal.types("clock", "confirm", "--by", "某人")
    terminal.types("users", "add", KEEPER, "--name", "白音", "--role", "security", then=f"{GIVEN}\n")
    for words in (("clock", "confirm"), ("clock", "confirm", "--by", "某人"), ("users", "list"), ("audit", "verify")):
        with pytest.raises(WrongUse):
            terminal.types(*words)
    app_of_keeper = logged_in(terminal, office, KEEPER)
    assert [line["account"] for line in terminal.told("users", "list")["accounts"]] == [KEEPER]
    with pytest.raises(NotAllowed):
        terminal.types("clock", "confirm")
    terminal.types("users", "add", "sara", "--name", "萨拉", "--role", "audit", then=f"{GIVEN}\n")
    terminal.types("users", "logout")
    with pytest.raises(LoginNeeded):
        terminal.types("users", "list")
    logged_in(terminal, office, "sara")
    acts = [line["act"] for line in terminal.told("audit", "show")["entries"]]
    assert acts[:3] == ["audit_shown", "login", "account_password"]
    assert "refused" in acts
    assert "一致" in terminal.types("audit", "verify")
    assert app_of_keeper.secret not in terminal.types("audit", "show")


def test_the_session_file_is_for_its_owner_alone_and_ends_without_use(
    terminal: Terminal, office: Office, clock: Hands
) -> None:
    make_account(office, "sara", "audit")
    logged_in(terminal, office, "sara")
    path = session_file(office.site)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(WrongUse, match="可被他人读取"):
        terminal.types("audit", "show")
    path.chmod(0o600)
    clock.move(minutes=15)
    with pytest.raises(LoginNeeded):
        terminal.types("audit", "show")


def test_a_password_never_stands_on_a_command_line() -> None:
    for name in ("add", "login", "reset"):
        command = get_command(app).commands["users"].commands[name]  # type: ignore[attr-defined]
        assert not [parameter.name for parameter in command.params if "password" in (parameter.name or "")]


def test_wrong_answers_are_refused(terminal: Terminal, office: Office) -> None:
    make_account(office, "suhe", "clerk")
    with pytest.raises(LoginRefused):
        terminal.types("users", "login", "suhe", then="Wrong-1-password\n")
    with pytest.raises(LoginRefused):
        terminal.types("users", "login", "suhe", then=f"{GIVEN}\n000000\n")
    assert not session_file(office.site).exists()


def signing_commands() -> Iterator[str]:
    """Every command that takes a name to sign with."""
    waiting: list[tuple[str, Any]] = [("", get_command(app))]
    while waiting:
        words, command = waiting.pop()
        if hasattr(command, "commands"):
            waiting += [(f"{words} {name}".strip(), inner) for name, inner in command.commands.items()]
        elif any("经办人，缺省" in (getattr(parameter, "help", None) or "") for parameter in command.params):
            yield words


UNATTENDED = set(
    """
    init;check;doctor;status;reconcile;run;serve;demo;backup;bench;normalise;kit;keys init;keys status;
    keys adopt-database;
    secret new;
    feed list;feed add;feed test;feed infer;feed new;match try;match generate;match eval;match train;match blocks;
    scheme list;scheme assess;scheme period;scheme test;scheme new;scheme explain;desk codes;findings;clock show;
    users login;users logout
    """.replace("\n", "")
    .replace("    ", "")
    .strip()
    .split(";")
)
"""What runs at night, works on files alone, shows nothing of a person, or is the log-in itself."""


def leaves() -> Iterator[str]:
    """Every command."""
    waiting: list[tuple[str, Any]] = [("", get_command(app))]
    while waiting:
        words, command = waiting.pop()
        if hasattr(command, "commands"):
            waiting += [(f"{words} {name}".strip(), inner) for name, inner in command.commands.items()]
            if words and command.invoke_without_command:
                yield words
        else:
            yield words


def test_every_command_that_somebody_signs_names_its_right() -> None:
    rights = {str(right) for right in Right}
    assert not set(signing_commands()) - COMMAND_RIGHTS.keys()
    assert not {*COMMAND_RIGHTS.values(), *LOOKING_RIGHTS.values()} - rights
    assert LOOKING_RIGHTS.keys() >= PLAIN_VALUES


def test_every_command_needs_a_log_in_or_is_for_nobody_in_particular() -> None:
    assert set(leaves()) == COMMAND_RIGHTS.keys() | LOOKING_RIGHTS.keys() | UNATTENDED
    assert not UNATTENDED & (COMMAND_RIGHTS.keys() | LOOKING_RIGHTS.keys())


def test_commands_that_show_ask_who_looks_once_there_are_accounts(terminal: Terminal, office: Office) -> None:
    lists = (("claims", "list"), ("holds", "list"), ("review", "list"), ("deliveries", "list"), ("quarantine", "list"))
    for words in lists:
        CliRunner().invoke(app, ["--site", str(office.site), *words])
    make_account(office, "sara", "audit")
    for words in lists:
        with pytest.raises(LoginNeeded):
            terminal.types(*words)
    logged_in(terminal, office, "sara")
    for words in lists:
        with pytest.raises(NotAllowed):
            terminal.types(*words)
    make_account(office, "suhe", "clerk")
    logged_in(terminal, office, "suhe")
    for words in lists:
        terminal.types(*words)
    terminal.types("scheme", "list")
