"""What keys of an association's file must be like that its connector does not know of.

It signs its requests in either form: `hmac` with a secret both sides have, `sm2` with a key pair of its own, whose
public half we have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from connectors.transport import sm, webhook, webhook_sm2
from gateway.ports import SecretName, SecretOption


def requests_option(form: str, key: str, name: SecretName) -> SecretOption:
    """An option that names such a secret."""
    if form == "hmac":
        return webhook.secret_option(key, name)
    return SecretOption(key, name, webhook_sm2.public_keys)


def sealing_option(check_jwe: Callable[[str], object]) -> Callable[[str, str, SecretName], SecretOption]:
    """How an option that names a key claims are sealed to is made; `check_jwe` knows the keys of JWE."""
    return lambda form, key, name: SecretOption(key, name, check_jwe if form == "jwe" else sm.read_public_key)


CHECK_FORM: Final[Mapping[str, Callable[[str], object]]] = {
    "hmac": webhook.secret_keys,
    "sm2": webhook_sm2.public_keys,
}
"""Raises WrongUse for a text that is no such secret."""


Verify: TypeAlias = Callable[[Mapping[str, str], bytes, datetime], str]
"""(headers, body, now) → the id of the message. Raises NotAuthentic."""


def prover(form: str, secret: str) -> Verify:
    """How requests signed in this form prove themselves."""
    verify = webhook_sm2.verify if form == "sm2" else webhook.verify
    return lambda headers, body, now: verify(secret, headers, body, now=int(now.timestamp()))
