"""Standard Webhooks: signing what we send, proving what we receive.

The signature is HMAC-SHA256 over "{id}.{timestamp}.{body}". The published library reads the clock itself and
wants text bodies, so these few lines are our own; the tests hold them against that library.

A secret is written `whsec_` + base64 of 24 to 64 bytes. Several, parted by spaces, are a rotation under way:
every one of them signs, and any of them proves. One that is written with its last day (`whsec_…@2026-12-31`) does
neither from the next day on, by the date in Shanghai.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from gateway.errors import NotAuthentic, WrongUse
from gateway.model.clock import SHANGHAI
from gateway.model.dated_keys import DatedKey, dated_keys
from gateway.ports import SecretName, SecretOption

TOLERANCE_SECONDS: Final = 300
"""How far a sender's clock may be from ours, either way."""

_PREFIX = "whsec_"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
# A dot parts what is signed: with one in the id, the same signature would hold for another id, time and body.
_MESSAGE_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}")
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_LIBRARY_HEADERS: Final = "svix-"
_DIGITS_OF_MILLISECONDS: Final = 13
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
    """The keys a secret's text holds, newest first, past their end or not. Raises WrongUse, never showing the text."""
    return tuple(key for key, _ in _keys_with_ends(secret))


def day_of(seconds: int) -> date:
    """The day in Shanghai of an instant (Unix seconds)."""
    return datetime.fromtimestamp(seconds, SHANGHAI).date()


def ended() -> WrongUse:
    """What is wrong where every key of a secret is past its end."""
    return WrongUse("签名密钥都已过期，请换新 (every signing key is past its end: put in a new one)")


def _good_keys(secret: str, seconds: int) -> list[bytes]:
    day = None
    good = []
    for key, dated in _keys_with_ends(secret):
        if dated.until is not None and day is None:
            day = day_of(seconds)
        if day is None or dated.is_good(day):
            good.append(key)
    return good


@lru_cache(maxsize=64)
def _keys_with_ends(secret: str) -> tuple[tuple[bytes, DatedKey], ...]:
    keys = []
    for dated in dated_keys(secret):
        text = dated.text
        if text.startswith(_SIGNATURE_VERSION):
            # What stands before a signature in its header; pasted with a secret, it is no part of it.
            raise WrongUse("Webhook 密钥前多了“v1,”；只写 whsec_ 及其后的部分 (leave out v1, before whsec_)")
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not 24 <= len(key) <= 64:
            raise WrongUse("Webhook 密钥应为 whsec_ 加 24 至 64 字节的 base64 (whsec_ + base64 of 24 to 64 bytes)")
        keys.append((key, dated))
    if not keys:
        raise WrongUse("Webhook 密钥为空 (the webhook secret is empty)")
    return tuple(keys)


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    text = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode("ascii")


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. `timestamp` in Unix seconds; the id is the same at every attempt. Raises
    WrongUse where every key is past its end."""
    keys = _good_keys(secret, timestamp)
    if not keys:
        raise ended()
    signatures = (_signature(key, message_id, str(timestamp), body) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: int, tolerance: int = TOLERANCE_SECONDS
) -> str:
    """The message id of a request signed within `tolerance` seconds of `now`. Raises NotAuthentic."""
    message_id, seconds, signatures = check_headers(headers, now=now, tolerance=tolerance)
    expected = [_signature(key, message_id, seconds, body) for key in _good_keys(secret, now)]
    received = signatures.split(" ")[:_MOST_SIGNATURES]
    # Every pair is compared, so that the time it takes tells nothing.
    agreements = [
        hmac.compare_digest(signature.encode("ascii"), candidate.encode("utf-8", "surrogatepass"))
        for signature in expected
        for candidate in received
    ]
    if not any(agreements):
        raise NotAuthentic(
            "webhook-signature 与报文不符：密钥不同，或报文在途中被改 (signature: another secret or body)"
        )
    return message_id


def check_headers(headers: Mapping[str, str], *, now: int, tolerance: int = TOLERANCE_SECONDS) -> tuple[str, str, str]:
    """Id, timestamp and signatures of a request, all that can be said of it before its body. Raises NotAuthentic."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if missing := [name for name in _HEADERS if not lowered.get(name)]:
        raise NotAuthentic(_why_missing(missing, lowered))
    message_id, seconds, signatures = (lowered[name] for name in _HEADERS)
    if not _MESSAGE_ID.fullmatch(message_id):
        raise NotAuthentic("webhook-id 过长，或含句点、空格等 (webhook-id: too long, or with a dot or a space)")
    if not _SECONDS.fullmatch(seconds):
        raise NotAuthentic(_why_no_time(seconds))
    if abs(ahead := int(seconds) - now) > tolerance:
        raise NotAuthentic(f"webhook-timestamp 与本机时钟相差 {ahead:+d} 秒，至多 {tolerance} 秒 (the clocks differ)")
    return message_id, seconds, signatures


def _why_missing(missing: list[str], headers: Mapping[str, str]) -> str:
    if any(name.startswith(_LIBRARY_HEADERS) for name in headers):
        return "头以 svix- 开头，应为 webhook- (the headers begin with svix-, and must with webhook-)"
    return f"缺少头 (missing headers): {'、'.join(missing)}"


def _why_no_time(text: str) -> str:
    if len(text) == _DIGITS_OF_MILLISECONDS and text.isascii() and text.isdigit():
        return "webhook-timestamp 是毫秒，应为秒 (webhook-timestamp in milliseconds, and must be in seconds)"
    return "webhook-timestamp 不是 Unix 秒 (webhook-timestamp is no number of seconds)"
