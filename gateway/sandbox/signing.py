"""The receiving side's own check of signatures.

Written from the two specifications and not from the gateway's code, so that each side proves the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import gmssl_pyx
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

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


def new_sm2_keys() -> tuple[bytes, bytes]:
    """A new pair of SM2 keys: private (32 bytes), public (X‖Y)."""
    public, private = gmssl_pyx.sm2_key_generate()
    return private, public


def cainfo_of(private_key: bytes, public_key: bytes, envelope: Mapping[str, Any]) -> str:
    """The `cainfo` of an envelope: r‖s in capital hex, SM2 over its sorted fields."""
    der = gmssl_pyx.sm2_sign(private_key, public_key, _cainfo_text(envelope))
    return b"".join(integers_of(der)).hex().upper()


def cainfo_is_authentic(public_key: bytes, envelope: Mapping[str, Any]) -> bool:
    """Whether the owner of this key (X‖Y) signed an envelope."""
    return sm2_is_authentic(public_key, _cainfo_text(envelope), from_hex(envelope.get("cainfo")))


def sm2_is_authentic(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether r‖s is this key's signature over a message."""
    if len(signature) != 64:
        return False
    body = b"".join(der_integer(half) for half in (signature[:32], signature[32:]))
    try:
        return bool(gmssl_pyx.sm2_verify(public_key, message, bytes((0x30, len(body))) + body))
    except gmssl_pyx.GmsslInnerError:
        return False


def sm_envelope_opened(private_key: bytes, text: bytes) -> bytes:
    """The body inside an SM2/SM4-GCM envelope in JSON. Raises ValueError for what does not open."""
    try:
        envelope = json.loads(text)
        names = ("key", "iv", "data")
        wrapped, iv, data = (base64.b64decode(envelope[name], validate=True) for name in names)
        beside = ".".join(envelope[name] for name in ("alg", "enc", "kid", "cty")).encode()
        decryptor = Cipher(
            algorithms.SM4(gmssl_pyx.sm2_decrypt(private_key, wrapped)), modes.GCM(iv, data[-16:])
        ).decryptor()
        decryptor.authenticate_additional_data(beside)
        return decryptor.update(data[:-16]) + decryptor.finalize()
    except (ValueError, KeyError, TypeError, InvalidTag, gmssl_pyx.GmsslInnerError):
        raise ValueError("an envelope that does not open") from None


def open_platform_key(app_id: str, secret: str) -> bytes:
    """The SM4 key of an app of an open platform."""
    return sm4_sealed(app_id[:16].encode(), secret.encode()).hex().upper()[:16].encode()


def sm4_sealed(key: bytes, plain: bytes) -> bytes:
    """SM4, block by block, filled up with as many bytes as are missing of that number."""
    missing = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 - as the platforms do it.
    return encryptor.update(plain + bytes([missing]) * missing)


def sm4_opened(key: bytes, sealed: bytes) -> bytes:
    """What was sealed; nothing for what is no whole number of blocks."""
    if not sealed or len(sealed) % 16:
        return b""
    plain = Cipher(algorithms.SM4(key), modes.ECB()).decryptor().update(sealed)  # noqa: S305
    return plain[: -plain[-1]]


def open_platform_signature(own: tuple[bytes, bytes], message: Mapping[str, Any], data: Any, secret: str) -> str:
    """The `signData` of a message whose open data is this."""
    der = gmssl_pyx.sm2_sign(*own, _open_platform_text(message, data, secret))
    return base64.b64encode(b"".join(integers_of(der))).decode()


def sm2_proves(public_key: bytes, message: Mapping[str, Any], data: Any, secret: str) -> bool:
    """Whether the owner of this key signed a message whose open data is this."""
    signature = base64.b64decode(str(message.get("signData", "")))
    return sm2_is_authentic(public_key, _open_platform_text(message, data, secret), signature)


def _open_platform_text(message: Mapping[str, Any], data: Any, secret: str) -> bytes:
    fields = {name: value for name, value in message.items() if name not in ("signData", "encData", "extra")}
    fields["data"] = msgspec.json.encode(without_nothing(data)).decode()
    texts = {name: without_nothing(value) for name, value in fields.items() if value not in (None, "")}
    return ("&".join(f"{name}={texts[name]}" for name in sorted(texts)) + f"&key={secret}").encode()


def without_nothing(value: Any) -> Any:
    """A value with sorted keys and without what is empty; all else as text."""
    if isinstance(value, dict):
        inside = {name: without_nothing(value[name]) for name in sorted(value)}
        return {name: member for name, member in inside.items() if member not in (None, "", [], {})}
    if isinstance(value, list):
        return [without_nothing(member) for member in value if member not in (None, "", [], {})]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, str) else str(value)


def _cainfo_text(envelope: Mapping[str, Any]) -> bytes:
    names = sorted(set(envelope) - {"cainfo", "input", "output"})
    return "&".join(f"{name}={envelope[name] if envelope[name] is not None else ''}" for name in names).encode()


def from_hex(text: Any) -> bytes:
    """The bytes of a text in hex, none for any other."""
    try:
        return bytes.fromhex(str(text))
    except ValueError:
        return b""


def der_integer(number: bytes) -> bytes:
    """A positive integer of ASN.1: no needless zeros in front, but one where the first bit is set."""
    number = number.lstrip(b"\0") or b"\0"
    number = b"\0" + number if number[0] & 0x80 else number
    return bytes((0x02, len(number))) + number


def integers_of(der: bytes) -> tuple[bytes, bytes]:
    """The two integers of a signature, 32 bytes each."""
    first = der[4 : 4 + der[3]]
    second = der[6 + der[3] :]
    return first[-32:].rjust(32, b"\0"), second[-32:].rjust(32, b"\0")


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
