"""How long what belongs to an account lasts: passwords, locks, sessions. Instants in milliseconds."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.model.account import Role

_MINUTE: Final = 60_000
_DAY: Final = 24 * 60 * _MINUTE
_BUSY: Final = frozenset({Role.CLERK, Role.REVIEWER})


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Passwords live so many days; after so many failures an account is locked for so many minutes; a session ends
    after so many minutes without use (`clerk_idle_minutes` for those who decide all day), and after so many hours."""

    password_days: int = 90
    failures: int = 5
    lock_minutes: int = 30
    idle_minutes: int = 15
    clerk_idle_minutes: int = 30
    session_hours: int = 12
    second_factor: bool = True


def is_old(password_at: int, now: int, limits: AccountLimits) -> bool:
    """Whether a password must be changed for its age."""
    return now - password_at >= limits.password_days * _DAY


def locked_until(failures: int, now: int, limits: AccountLimits) -> int | None:
    """Until when an account is locked after so many failures in a row; None where it is not."""
    return now + limits.lock_minutes * _MINUTE if failures >= limits.failures else None


def is_over(begun_at: int, seen_at: int, now: int, roles: frozenset[Role], limits: AccountLimits) -> bool:
    """Whether a session has ended by itself."""
    minutes = limits.clerk_idle_minutes if roles & _BUSY else limits.idle_minutes
    return now - seen_at >= minutes * _MINUTE or now - begun_at >= limits.session_hours * 60 * _MINUTE
