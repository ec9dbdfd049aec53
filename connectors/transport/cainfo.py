"""`cainfo` (数字签名信息) of the national envelope: a signature over the sorted fields around `input`.

Of all fields but `cainfo` and `input`, sorted by name (ASCII), `name=value` joined with `&`; a value that is null or
missing stays, empty (定点医药机构接口规范 第四章). SM2 over that text, in capital hex; where no key was agreed upon
the SM3 digest of it, which proves nothing and only finds damage.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Mapping
from typing import Any

from connectors.transport import sm
from connectors.transport.watching import note_signed
from gateway.errors import NotAuthentic


def text_to_sign(envelope: Mapping[str, Any]) -> str:
    """What is signed of an envelope."""
    fields = sorted((name, value) for name, value in envelope.items() if name not in ("cainfo", "input", "output"))
    return "&".join(f"{name}={'' if value is None else value}" for name, value in fields)


def sign(
    key: sm.PrivateKey,
    envelope: Mapping[str, Any],
    *,
    user_id: str = sm.DEFAULT_USER_ID,
    form: sm.SignatureForm = "raw",
) -> str:
    """The `cainfo` of an envelope, in capital hex."""
    text = text_to_sign(envelope)
    note_signed(text)
    signature = sm.sign(key, text.encode(), user_id=user_id, form=form)
    return signature.hex().upper()


def verify(
    key: sm.PublicKey,
    envelope: Mapping[str, Any],
    *,
    user_id: str = sm.DEFAULT_USER_ID,
    form: sm.SignatureForm = "raw",
) -> None:
    """Prove that the owner of `key` sent this envelope. Raises NotAuthentic."""
    try:
        signature = binascii.unhexlify(str(envelope.get("cainfo") or ""))
    except (binascii.Error, ValueError):
        raise NotAuthentic("cainfo") from None
    sm.verify(key, text_to_sign(envelope).encode(), signature, user_id=user_id, form=form)


def digest(envelope: Mapping[str, Any]) -> str:
    """The SM3 digest that stands in `cainfo` where no key was agreed upon, in capital hex."""
    return sm.sm3(text_to_sign(envelope).encode()).hex().upper()


def verify_digest(envelope: Mapping[str, Any]) -> None:
    """Hold an envelope against the SM3 digest in its `cainfo`. Raises NotAuthentic."""
    received = str(envelope.get("cainfo") or "").upper()
    if not hmac.compare_digest(digest(envelope).encode(), received.encode("utf-8", "surrogatepass")):
        raise NotAuthentic("cainfo")
