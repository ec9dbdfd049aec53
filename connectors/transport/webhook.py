"""Standard Webhooks: signing what we send, proving what we receive.

The signature is HMAC-SHA256 over "{id}.{timestamp}.{body}". The published library reads the clock itself and
wants text bodies, so these few lines are our own; the tests hold them against that library.

A secret is written `whsec_` + base64 of 24 to 64 bytes. Several, parted by spaces, are a rotation under way:
every one of them signs, and any of them proves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final

from gateway.errors import NotAuthentic, WrongUse
from gateway.ports import SecretName, SecretOption

TOLERANCE_SECONDS: Final = 300
"""How far a sender's clock may be from ours, either way."""

_PREFIX = "whsec_"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,256}")
_MOST_SIGNATURES = 16
_SIGNATURE_VERSION = "v1,"
_NEW_KEY_BYTES = 32


def secret_option(key: str, name: SecretName) -> SecretOption:
    """An option that names a secret of this form."""
    return SecretOption(key, name, secret_keys, new_secret)


def new_secret() -> str:
    """A secret nobody has yet."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_KEY_BYTES)).decode("ascii")


def secret_keys(secret: str) -> tuple[bytes, ...]:
    """The keys a secret's text holds, newest first. Raises WrongUse, never showing the text."""
    keys = []
    for text in secret.split():
        if text.startswith(_SIGNATURE_VERSION):
            # What stands before a signature in its header; pasted with a secret, it is no part of it.
            raise WrongUse("Webhook 密钥前多了“v1,”；只写 whsec_ 及其后的部分 (leave out v1, before whsec_)")
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not 24 <= len(key) <= 64:
            raise WrongUse("Webhook 密钥应为 whsec_ 加 24 至 64 字节的 base64 (whsec_ + base64 of 24 to 64 bytes)")
        keys.append(key)
    if not keys:
        raise WrongUse("Webhook 密钥为空 (the webhook secret is empty)")
    return tuple(keys)


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    text = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode("ascii")


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. `timestamp` in Unix seconds; the id is the same at every attempt."""
    signatures = (_signature(key, message_id, str(timestamp), body) for key in secret_keys(secret))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: int, tolerance: int = TOLERANCE_SECONDS
) -> str:
    """The message id of a request signed within `tolerance` seconds of `now`. Raises NotAuthentic."""
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id, seconds = lowered.get("webhook-id", ""), lowered.get("webhook-timestamp", "")
    if not _MESSAGE_ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds):
        raise NotAuthentic
    if abs(now - int(seconds)) > tolerance:
        raise NotAuthentic
    expected = [_signature(key, message_id, seconds, body) for key in secret_keys(secret)]
    received = lowered.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
    # Every pair is compared, so that the time it takes tells nothing.
    agreements = [
        hmac.compare_digest(signature.encode("ascii"), candidate.encode("utf-8", "surrogatepass"))
        for signature in expected
        for candidate in received
    ]
    if not any(agreements):
        raise NotAuthentic
    return message_id
