"""The receiving side's own check of signatures.

Written from the two specifications and not from the gateway's code, so that each side proves the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

WINDOW_SECONDS = 300
"""How old or how far ahead a timestamp may be."""


def webhook_headers(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three Standard Webhooks headers for a body. `secret` is whsec_ and base64."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + _webhook_mac(secret, message_id, str(timestamp), body),
    }


def webhook_is_authentic(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether one of the signatures is right and its timestamp inside the window."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not _is_recent(timestamp, now):
        return False
    expected = "v1," + _webhook_mac(secret, message_id, timestamp, body)
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in signatures)


def tif_is_authentic(paas_id: str, secret: str, headers: Mapping[str, str], *, now: float) -> bool:
    """Whether the x-tif headers of a call are all there, recent, of this caller and rightly signed."""
    timestamp, nonce = headers.get("x-tif-timestamp", ""), headers.get("x-tif-nonce", "")
    if headers.get("x-tif-paasid") != paas_id or not nonce or not _is_recent(timestamp, now):
        return False
    expected = hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()
    return hmac.compare_digest(expected.encode(), headers.get("x-tif-signature", "").encode())


def _webhook_mac(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is whsec_ and base64") from error
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _is_recent(timestamp: str, now: float) -> bool:
    return (
        timestamp.isascii()
        and timestamp.isdigit()
        and len(timestamp) <= 12
        and abs(now - int(timestamp)) <= WINDOW_SECONDS
    )
