"""Passwords (argon2id, RFC 9106) and one-time codes (TOTP, RFC 6238): the only door to both libraries."""

from __future__ import annotations

import hmac
import re
import secrets
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp import TOTP, random_base32

STEP_SECONDS: Final = 30
_READABLE: Final = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
_STEPS_AROUND: Final = (0, -1, 1)
"""A telephone's clock may be a step off either way."""

_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = BoundedSemaphore(2)
"""One hash takes 64 MiB: so many at one time, whoever tries how often."""

_NOBODY_S: Final = "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5J3MgcGFzc3dvcmQ$BO/Elp6PIRU2wwraXXGpwVJvTFBMXqmLR4vcZ4vDaVQ"
"""What is compared where there is no account, so that both answers take the same time; no password is known for it."""


def hashed(secret: str) -> str:
    """A slow hash with its own salt and parameters."""
    with _AT_ONCE:
        return _HASHER.hash(secret)


def fits(stored: str | None, secret: str) -> bool:
    """Whether this is what was hashed; of None it never is, after as long."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(stored or _NOBODY_S, secret) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_session_id() -> str:
    """A session's id that nobody has yet: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_password() -> str:
    """A password to hand out once: 16 letters and digits that are not mixed up, in fours, and of all kinds."""
    while True:
        text = "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))
        if re.search("[A-Z]", text) and re.search("[a-z]", text) and re.search("[0-9]", text):
            return text


def new_second_secret() -> str:
    """A secret that nobody has yet, in base 32 as authenticator apps take it."""
    return random_base32()


def second_address(secret: str, *, account: str, site: str) -> str:
    """The otpauth:// address that an authenticator app reads from a picture or takes as text."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=site)


def second_step(secret: str, code: str, *, at: int) -> int | None:
    """Which time step around this instant (seconds since 1970) a code is of; None where it is of none."""
    totp, now = TOTP(secret, interval=STEP_SECONDS), at // STEP_SECONDS
    # Every step is compared, so that the time says nothing about which one fitted.
    steps = [now + around for around in _STEPS_AROUND if hmac.compare_digest(totp.generate_otp(now + around), code)]
    return steps[0] if steps else None
