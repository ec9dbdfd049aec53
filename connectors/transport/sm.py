"""国密 as 医保 gateways use it: SM2 signatures and envelopes (GB/T 32918), SM3 (GB/T 32905), SM4 in ECB (GB/T 32907).

A league's own keys, never the vault's. What a stranger sent and does not open or does not prove its sender is always
the same mute `NotAuthentic`. A key that is no key is `WrongUse`: it stands in a secret an administrator gave us.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, Literal

import gmssl_pyx
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.errors import NotAuthentic, WrongUse
from gateway.ports import SecretName, SecretOption

DEFAULT_USER_ID: Final = "1234567812345678"
"""The user id of a signature where nobody agreed on another (GB/T 32918.2 appendix, GM/T 0009)."""

SignatureForm = Literal["raw", "der"]
"""raw: r‖s in 64 bytes; der: ASN.1. The two sides must agree, since neither says which it is."""

LONGEST_PLAIN: Final = 255
"""The most bytes one SM2 envelope holds: it is for keys, not for messages."""

_COORDINATE = 32
_BLOCK_BITS = 128

# The recommended curve of GB/T 32918.5: y² = x³ - 3x + b over a prime field, with its base point.
_PRIME = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_BASE = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
_Point = tuple[int, int] | None


class PublicKey(msgspec.Struct, frozen=True):
    """A point of the curve as 64 bytes, X‖Y."""

    point: bytes


class PrivateKey(msgspec.Struct, frozen=True):
    """A private key of 32 bytes, and the public key that belongs to it."""

    secret: bytes
    public: PublicKey

    def __repr__(self) -> str:
        return "PrivateKey(…)"


def read_private_key(text: str) -> PrivateKey:
    """A private key written in Base64 or hex: 32 bytes, or 33 with a zero in front. Raises WrongUse."""
    secret = _bytes_of(text)
    if len(secret) == _COORDINATE + 1 and secret[0] == 0:
        secret = secret[1:]
    number = int.from_bytes(secret, "big")
    if len(secret) != _COORDINATE or not 0 < number < _ORDER - 1:
        raise WrongUse("SM2 私钥应为 32 字节的 Base64 或十六进制 (a private key: 32 bytes in Base64 or hex)")
    point = _times(number, _BASE) or ()
    return PrivateKey(secret, PublicKey(b"".join(value.to_bytes(_COORDINATE, "big") for value in point)))


def read_public_key(text: str) -> PublicKey:
    """A public key written in Base64 or hex: 64 bytes X‖Y, or 65 with 04 in front. Raises WrongUse."""
    point = _bytes_of(text)
    if len(point) == 2 * _COORDINATE + 1 and point[0] == 4:
        point = point[1:]
    x, y = int.from_bytes(point[:_COORDINATE], "big"), int.from_bytes(point[_COORDINATE:], "big")
    on_curve = (y * y - (x * x * x - 3 * x + _B)) % _PRIME == 0
    if len(point) != 2 * _COORDINATE or x >= _PRIME or y >= _PRIME or not on_curve:
        raise WrongUse("SM2 公钥应为曲线上的点，64 或 65 字节 (a public key: a point of the curve, 64 or 65 bytes)")
    return PublicKey(point)


def private_key_option(key: str, name: SecretName) -> SecretOption:
    """A secret that is our own private key: ours to make, and the other side is told its public half."""
    return SecretOption(key, name, check_form=read_private_key)


def public_key_option(key: str, name: SecretName) -> SecretOption:
    """A secret that is the other side's public key, which the other side gives to us."""
    return SecretOption(key, name, check_form=read_public_key)


def sign(key: PrivateKey, message: bytes, *, user_id: str = DEFAULT_USER_ID, form: SignatureForm = "raw") -> bytes:
    """SM2withSM3 over a message. Never the same twice: the standard draws a new number for every signature."""
    der: bytes = gmssl_pyx.sm2_sign(key.secret, key.public.point, message, signer_id=user_id.encode())
    return der if form == "der" else b"".join(part.to_bytes(_COORDINATE, "big") for part in decode_dss_signature(der))


def verify(
    key: PublicKey, message: bytes, signature: bytes, *, user_id: str = DEFAULT_USER_ID, form: SignatureForm = "raw"
) -> None:
    """Prove that the owner of `key` signed this message. Raises NotAuthentic."""
    if form == "raw" and len(signature) != 2 * _COORDINATE:
        raise NotAuthentic("signature")
    try:
        if form == "raw":
            halves = signature[:_COORDINATE], signature[_COORDINATE:]
            signature = encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))
        is_right = gmssl_pyx.sm2_verify(key.point, message, signature, signer_id=user_id.encode())
    except (gmssl_pyx.GmsslInnerError, ValueError):
        raise NotAuthentic("signature") from None
    if not is_right:
        raise NotAuthentic("signature")


def encrypt(key: PublicKey, plain: bytes) -> bytes:
    """An SM2 envelope of 1 to 255 bytes: ASN.1 in the order C1 C3 C2 (GM/T 0009). Raises ValueError for any other."""
    if not 0 < len(plain) <= LONGEST_PLAIN:
        raise ValueError(f"an SM2 envelope holds 1 to {LONGEST_PLAIN} bytes")
    sealed: bytes = gmssl_pyx.sm2_encrypt(key.point, plain)
    return sealed


def decrypt(key: PrivateKey, sealed: bytes) -> bytes:
    """What an SM2 envelope for us holds. Raises NotAuthentic."""
    try:
        plain: bytes = gmssl_pyx.sm2_decrypt(key.secret, sealed)
    except (gmssl_pyx.GmsslInnerError, ValueError):
        raise NotAuthentic("envelope") from None
    return plain


def sm3(message: bytes) -> bytes:
    """The SM3 digest, 32 bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(message)
    return digest.finalize()


def sm4_encrypt(key: bytes, plain: bytes) -> bytes:
    """SM4 in ECB with PKCS#7 under a key of 16 bytes, as the open platforms do it."""
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    encryptor = _sm4(key).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def sm4_decrypt(key: bytes, sealed: bytes) -> bytes:
    """What was sealed by `sm4_encrypt`. Raises NotAuthentic for what is no such text under this key."""
    decryptor, unpadder = _sm4(key).decryptor(), padding.PKCS7(_BLOCK_BITS).unpadder()
    try:
        return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        raise NotAuthentic("sm4") from None


_TAG_BYTES: Final = 16


def sm4_gcm_seal(key: bytes, iv: bytes, plain: bytes, beside: bytes) -> bytes:
    """SM4 in GCM under a key of 16 bytes; the tag of 16 bytes stands behind the text. An iv is used once."""
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(iv)).encryptor()
    encryptor.authenticate_additional_data(beside)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def sm4_gcm_open(key: bytes, iv: bytes, sealed: bytes, beside: bytes) -> bytes:
    """What was sealed by `sm4_gcm_seal`. Raises NotAuthentic."""
    try:
        decryptor = Cipher(algorithms.SM4(key), modes.GCM(iv, sealed[-_TAG_BYTES:])).decryptor()
        decryptor.authenticate_additional_data(beside)
        return decryptor.update(sealed[:-_TAG_BYTES]) + decryptor.finalize()
    except (InvalidTag, ValueError):
        raise NotAuthentic("sm4") from None


def _sm4(key: bytes) -> Cipher[modes.ECB]:
    # ECB shows which blocks are equal. It is what the leagues' platforms do; the line around it must be TLS or private.
    return Cipher(algorithms.SM4(key), modes.ECB())  # noqa: S305


def _bytes_of(text: str) -> bytes:
    """The bytes of a text in hex or Base64, b"" for any other."""
    text = text.strip()
    if len(text) % 2 == 0 and len(text) >= 2 * _COORDINATE and re.fullmatch(r"[0-9A-Fa-f]+", text, re.ASCII):
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _times(number: int, point: _Point) -> _Point:
    """number·point by doubling and adding. Only for a key of our own as the program starts: its time tells of it."""
    total: _Point = None
    while number:
        if number & 1:
            total = _plus(total, point)
        point = _plus(point, point)
        number >>= 1
    return total


def _plus(left: _Point, right: _Point) -> _Point:
    """The sum of two points of the curve (GB/T 32918.1 §3.2.3); None is the point at infinity."""
    if left is None or right is None:
        return right if left is None else left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2 and (y1 + y2) % _PRIME == 0:
        return None
    rise, run = (3 * x1 * x1 - 3, 2 * y1) if left == right else (y2 - y1, x2 - x1)
    slope = rise * pow(run, -1, _PRIME)
    x = (slope * slope - x1 - x2) % _PRIME
    return x, (slope * (x1 - x) - y1) % _PRIME
