"""Standard Webhooks with SM2 in place of HMAC: the same headers over the same text, signed `v1sm2,` and Base64 of r‖s.

SM2withSM3 over "{id}.{timestamp}.{body}" with the usual user id (GM/T 0009). The secret of who signs holds private
keys, that of who proves public ones; several, parted by spaces, are a rotation under way, each with its end where it
has one (`gateway.model.dated_keys`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from connectors.transport import sm
from connectors.transport.webhook import TOLERANCE_SECONDS, check_headers, day_of, ended
from gateway.errors import NotAuthentic, WrongUse
from gateway.model.dated_keys import DatedKey, dated_keys

_VERSION: Final = "v1sm2,"
_MOST_SIGNATURES: Final = 16


@lru_cache(maxsize=16)
def private_keys(secret: str) -> tuple[tuple[sm.PrivateKey, DatedKey], ...]:
    """The keys that sign. Raises WrongUse."""
    return tuple((sm.read_private_key(key.text), key) for key in _some(secret))


@lru_cache(maxsize=16)
def public_keys(secret: str) -> tuple[tuple[sm.PublicKey, DatedKey], ...]:
    """The keys that prove. Raises WrongUse."""
    return tuple((sm.read_public_key(key.text), key) for key in _some(secret))


def _some(secret: str) -> list[DatedKey]:
    keys = dated_keys(secret)
    if not keys:
        raise WrongUse("SM2 密钥为空 (there is no SM2 key)")
    return keys


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. Raises WrongUse where every key is past its end."""
    day = day_of(timestamp)
    keys = [private for private, key in private_keys(secret) if key.is_good(day)]
    if not keys:
        raise ended()
    text = f"{message_id}.{timestamp}.".encode() + body
    signatures = (_VERSION + base64.b64encode(sm.sign(key, text)).decode("ascii") for key in keys)
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
    text = f"{message_id}.{seconds}.".encode() + body
    keys = [public for public, key in public_keys(secret) if key.is_good(day_of(now))]
    received = [part.removeprefix(_VERSION) for part in signatures.split(" ") if part.startswith(_VERSION)]
    for signature in received[:_MOST_SIGNATURES]:
        if any(_proves(key, text, signature) for key in keys):
            return message_id
    raise NotAuthentic(
        "webhook-signature 与报文不符，或密钥已过期 (signature: another key or body, or a key past its end)"
    )


def _proves(key: sm.PublicKey, text: bytes, signature: str) -> bool:
    try:
        sm.verify(key, text, base64.b64decode(signature, validate=True))
    except (NotAuthentic, binascii.Error, ValueError):
        return False
    return True
