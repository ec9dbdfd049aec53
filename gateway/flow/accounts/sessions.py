"""Log-in (登录): a password, a second factor, a new password where one is due; then a session, one an account.

A session's id is random and changes at every step, so that one planted before a log-in opens nothing after it. The
database has a keyed digest of it alone. What is refused is refused with the same words and after the same time,
whatever was wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.core.accounts.lasting import AccountLimits, is_old, is_over, locked_until
from gateway.core.accounts.passwords import FORMER, check_password, normal
from gateway.errors import BadInput, WrongUse
from gateway.flow.accounts.trail import AuditNote, note
from gateway.flow.office import Office
from gateway.model.account import Viewer
from gateway.store import user_accounts, user_sessions
from gateway.store.engine import Tx
from gateway.store.user_accounts import UserChange, UserRow
from gateway.store.user_sessions import SessionRow
from gateway.store.values import to_ms
from gateway.vault import context_for, passwords

Stage: TypeAlias = Literal["second", "enrol", "change", "open"]
Way: TypeAlias = Literal["page", "cli"]
_TOUCH_EVERY_MS: Final = 60_000
_NOT_SET_UP: Final = -1
"""The time step of a second factor whose first code has not come yet."""

second_context = context_for("user_account", "second")


class LoginRefused(WrongUse):
    """No log-in. Says nothing about what was wrong, nor whether there is such an account."""

    def __init__(self) -> None:
        super().__init__(
            "账号、密码或动态码不对，或账号已锁定 (refused: account, password or code is wrong, or it is locked)"
        )


class LoginNeeded(WrongUse):
    """There is no session, or it has ended; `stage`: what a session that is not open yet still waits for."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.stage = stage
        super().__init__("请先登录：hubao users login (log in first)")


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was just begun or went on; `session_id` is for the cookie or the session file alone."""

    session_id: str
    stage: Stage
    viewer: Viewer


Draw = Callable[[], str]
"""A new session id: 256 random bits as text, drawn by the outermost layer."""


def limits_of(office: Office) -> AccountLimits:
    """How long passwords, locks and sessions last at this site."""
    return office.gateway.accounts.plain()


def log_in(office: Office, account: str, password: str, *, way: Way, draw: Draw) -> NewSession:
    """The first step. Whatever session the account had ends only when the last step is done. Raises LoginRefused."""
    with office.store.read() as tx:
        seen = user_accounts.by_name(tx, account[:80])
    # The slow part stands outside of any transaction, and is taken for accounts that are not there, too.
    fits = passwords.fits(seen.password if seen is not None else None, _peppered(office, password))
    with office.store.write() as tx:
        row = user_accounts.by_name(tx, account[:80], locked=True)
        if row is None or seen is None or not fits or row.password != seen.password or _is_locked(office, row):
            _fail(tx, office, row, "login")
            refused = True
        else:
            session = _go_on(tx, office, row, _after_password(office, row), way=way, draw=draw)
            refused = False
    if refused:
        raise LoginRefused
    return session


def prove_second(office: Office, session_id: str, code: str, *, draw: Draw) -> NewSession:
    """The second step: a code of the authenticator app, each good once. Raises LoginRefused, LoginNeeded."""
    with office.store.write() as tx:
        session, row = _at(tx, office, session_id, "second", "enrol")
        step = _step_of(office, row, code)
        if step is None or step <= row.second_step or _is_locked(office, row):
            _fail(tx, office, row, "second")
            begun = None
        else:
            if session.stage == "enrol":
                _note_change(tx, office, row, "second")
            row = msgspec.structs.replace(row, second_step=step)
            begun = _go_on(tx, office, row, _after_second(office, row), way=_way(session), draw=draw)
    if begun is None:
        raise LoginRefused
    return begun


def second_to_enrol(office: Office, session_id: str, *, draw_secret: Draw) -> tuple[str, str]:
    """(secret in base 32, otpauth address) of a session that must set up its second factor. Raises LoginNeeded."""
    with office.store.write() as tx:
        _, row = _at(tx, office, session_id, "enrol")
        if row.second is None:
            secret = draw_secret()
            sealed = office.vault.users_key().seal(secret.encode(), second_context(row.account))
            user_accounts.save(tx, msgspec.structs.replace(row, second=sealed, second_step=_NOT_SET_UP))
        else:
            secret = office.vault.open(row.second, second_context(row.account)).decode()
    return secret, passwords.second_address(secret, account=row.account, site=office.gateway.name)


def change_password(office: Office, session_id: str, old: str, new: str, *, draw: Draw) -> NewSession:
    """A new password: the last step of a log-in where it is due, or whenever its owner wants one. Raises LoginNeeded,
    LoginRefused for a wrong old one, BadInput("weak_password")."""
    with office.store.read() as tx:
        _, seen = _at(tx, office, session_id, "change", "open")
    fits = passwords.fits(seen.password, _peppered(office, old))
    if fits:
        _check_new(office, seen, new)
    hashed = passwords.hashed(_peppered(office, new)) if fits else ""
    with office.store.write() as tx:
        session, row = _at(tx, office, session_id, "change", "open")
        if not fits or row.password != seen.password or _is_locked(office, row):
            _fail(tx, office, row, "password")
            begun = None
        else:
            row = with_password(office, row, hashed, must_change=False)
            _note_change(tx, office, row, "password")
            begun = _go_on(tx, office, row, "open", way=_way(session), draw=draw)
    if begun is None:
        raise LoginRefused
    return begun


def viewer_of(office: Office, session_id: str, *, way: Way) -> Viewer:
    """Whose session this is, used now. Raises LoginNeeded."""
    with office.store.read() as tx:
        session, row = _at(tx, office, session_id, "open")
    if session.way != way:
        raise LoginNeeded
    at = to_ms(office.now())
    if at - session.seen_at >= _TOUCH_EVERY_MS:
        with office.store.write() as tx:
            user_sessions.touch(tx, session.session, at=at)
    return row.viewer


def stage_of(office: Office, session_id: str) -> Stage | None:
    """How far a log-in has come; None where there is no such session."""
    try:
        with office.store.read() as tx:
            session, _ = _at(tx, office, session_id, "second", "enrol", "change", "open")
    except LoginNeeded:
        return None
    stage: Stage = session.stage  # type: ignore[assignment]
    return stage


def log_out(office: Office, session_id: str) -> None:
    """The session opens nothing any more."""
    digest = _digest(office, session_id)
    with office.store.write() as tx:
        session = user_sessions.by_digest(tx, digest)
        if session is not None:
            user_sessions.end(tx, digest)
            note(tx, office, AuditNote(account=session.account, act="logout", page=session.way))


def csrf_of(office: Office, session_id: str) -> str:
    """What a form of this session must carry: nobody else can work it out, and it ends with the session."""
    return office.vault.fingerprint("csrf", session_id).hex()


def with_password(office: Office, row: UserRow, hashed: str, *, must_change: bool) -> UserRow:
    """An account with a new password, and the old one among those of before."""
    former = [row.password, *row.former.splitlines()][: FORMER - 1]
    return msgspec.structs.replace(
        row,
        password=hashed,
        former="\n".join(former),
        password_at=to_ms(office.now()),
        must_change=must_change,
        failures=0,
        failing_until=None,
    )


def hash_of(office: Office, password: str) -> str:
    """What of a password is kept."""
    return passwords.hashed(_peppered(office, password))


def _peppered(office: Office, password: str) -> str:
    # Under a key of the vault first, so that a stolen table alone tests no guess; the slow hash is for who has both.
    return office.vault.digest_content(b"password\0" + normal(password).encode("utf-8", "surrogatepass")).hex()


def _digest(office: Office, session_id: str) -> bytes:
    return office.vault.fingerprint("session", session_id)


def _at(tx: Tx, office: Office, session_id: str, *stages: Stage) -> tuple[SessionRow, UserRow]:
    """The session and its account, if it is at one of these stages. Raises LoginNeeded."""
    session = user_sessions.by_digest(tx, _digest(office, session_id))
    row = user_accounts.by_name(tx, session.account) if session is not None else None
    if session is None or row is None or row.locked:
        raise LoginNeeded
    if is_over(session.begun_at, session.seen_at, to_ms(office.now()), row.viewer.roles, limits_of(office)):
        raise LoginNeeded
    if session.stage not in stages:
        raise LoginNeeded(session.stage)  # type: ignore[arg-type]
    return session, row


def _way(session: SessionRow) -> Way:
    return "cli" if session.way == "cli" else "page"


def _is_locked(office: Office, row: UserRow) -> bool:
    return row.locked or (row.failing_until is not None and to_ms(office.now()) < row.failing_until)


def _after_password(office: Office, row: UserRow) -> Stage:
    if row.second is not None and row.second_step != _NOT_SET_UP:
        return "second"
    return "enrol" if limits_of(office).second_factor else _after_second(office, row)


def _after_second(office: Office, row: UserRow) -> Stage:
    is_due = row.must_change or is_old(row.password_at, to_ms(office.now()), limits_of(office))
    return "change" if is_due else "open"


def _go_on(tx: Tx, office: Office, row: UserRow, stage: Stage, *, way: Way, draw: Draw) -> NewSession:
    session_id, at = draw(), to_ms(office.now())
    digest = _digest(office, session_id)
    session = SessionRow(session=digest, account=row.account, stage=stage, way=way, begun_at=at, seen_at=at)
    user_sessions.begin(tx, session)
    if stage == "open":
        row = msgspec.structs.replace(row, failures=0, failing_until=None, used_at=at)
        note(tx, office, AuditNote(account=row.account, act="login", page=way))
    user_accounts.save(tx, row)
    return NewSession(session_id=session_id, stage=stage, viewer=row.viewer)


def _fail(tx: Tx, office: Office, row: UserRow | None, step: str) -> None:
    """Count a failure, and write it down: of an account that is not there only that somebody tried."""
    if row is not None and not _is_locked(office, row):
        over = row.failing_until is not None
        failures = 1 if over else row.failures + 1
        until = locked_until(failures, to_ms(office.now()), limits_of(office))
        user_accounts.save(tx, msgspec.structs.replace(row, failures=failures, failing_until=until))
        if until is not None:
            # Whoever works goes on: to try passwords must not be a way to throw somebody out.
            user_sessions.end_of(tx, row.account, open_too=False)
    note(tx, office, AuditNote(account=row.account if row is not None else "?", act="login_refused", subject=step))


def _step_of(office: Office, row: UserRow, code: str) -> int | None:
    if row.second is None or not (code.isascii() and code.isdigit() and len(code) == 6):
        return None
    secret = office.vault.open(row.second, second_context(row.account)).decode()
    return passwords.second_step(secret, code, at=int(office.now().timestamp()))


def _check_new(office: Office, row: UserRow, new: str) -> None:
    check_password(new, account=row.account, roles=row.viewer.roles)
    peppered = _peppered(office, new)
    if any(passwords.fits(former, peppered) for former in (row.password, *row.former.splitlines())):
        raise BadInput("weak_password", f"不能用最近{FORMER}次用过的密码 (not one of the last {FORMER})")


def _note_change(tx: Tx, office: Office, row: UserRow, what: str) -> None:
    user_accounts.note_change(tx, UserChange(account=row.account, at=to_ms(office.now()), by=row.account, what=what))
    note(tx, office, AuditNote(account=row.account, act=f"account_{what}", subject=row.account))
