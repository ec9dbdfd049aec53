"""Bodies sealed to an association's key: opened here by hand, from the standards alone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connectors.transport import sm
from connectors.transport.sm_envelope import SmSealer, key_id, open_envelope
from gateway.errors import BrokenSeal, NotAuthentic, WrongUse
from gateway.sandbox.signing import sm_envelope_opened
from gateway.vault.jwe import JweSealer, open_jwe, read_public_key

PLAIN = '{"claim_id":"c1","name":"测试甲"}'.encode()
EC, RSA, OKP = (
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(65537, 2048),
    x25519.X25519PrivateKey.generate(),
)
KEYS: list[Any] = [EC, RSA, OKP]


def public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def unpacked(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))


def content_key(key: Any, header: dict[str, Any], wrapped: bytes) -> bytes:
    """RFC 7518: §4.3 RSA-OAEP-256; §4.6 ECDH-ES with the Concat KDF of one round, then AES key unwrap."""
    if isinstance(key, rsa.RSAPrivateKey):
        mgf = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return key.decrypt(wrapped, mgf)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        x, y = (int.from_bytes(unpacked(header["epk"][name]), "big") for name in "xy")
        agreed = key.exchange(ec.ECDH(), ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())
    else:
        agreed = key.exchange(x25519.X25519PublicKey.from_public_bytes(unpacked(header["epk"]["x"])))
    algorithm = header["alg"].encode()
    other = len(algorithm).to_bytes(4, "big") + algorithm + bytes(8) + (256).to_bytes(4, "big")
    return aes_key_unwrap(hashlib.sha256((1).to_bytes(4, "big") + agreed + other).digest(), wrapped)


@pytest.mark.parametrize("key", KEYS, ids=["ec", "rsa", "x25519"])
def test_whoever_follows_the_standards_opens_it(key: Any) -> None:
    sealed = JweSealer(public(key)).seal(PLAIN, content_type="application/json")
    head, wrapped, iv, text, tag = sealed.split(b".")
    header = json.loads(unpacked(head))
    assert (header["enc"], header["cty"]) == ("A256GCM", "application/json")
    secret = content_key(key, header, unpacked(wrapped))
    assert AESGCM(secret).decrypt(unpacked(iv), unpacked(text) + unpacked(tag), head) == PLAIN
    assert open_jwe(private(key), sealed) == PLAIN


@pytest.mark.parametrize("key", KEYS, ids=["ec", "rsa", "x25519"])
def test_what_was_changed_or_is_for_another_does_not_open(key: Any) -> None:
    sealed = JweSealer(public(key)).seal(PLAIN, content_type="application/json")
    parts = sealed.split(b".")
    spoilt = [b".".join([*parts[:n], bytes([parts[n][0] ^ 1]) + parts[n][1:], *parts[n + 1 :]]) for n in range(5)]
    for text in (*spoilt, sealed[:-8], b"", b"....", b"x" * 100):
        with pytest.raises(BrokenSeal):
            open_jwe(private(key), text)
    stranger = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(BrokenSeal):
        open_jwe(private(stranger), sealed)


def test_no_body_is_sealed_alike_twice() -> None:
    sealer = JweSealer(public(EC))
    texts = {sealer.seal(PLAIN, content_type="application/json") for _ in range(20)}
    assert len(texts) == 20
    assert sealer.as_json(min(texts)) == b'"' + min(texts) + b'"'


WRONG: list[Callable[[], str]] = [
    lambda: "",
    lambda: "hunter2",
    lambda: "{}",
    lambda: private(EC),
    lambda: public(rsa.generate_private_key(65537, 1024)),
    lambda: public(EC).replace("M", "N"),
    lambda: json.dumps({"kty": "oct", "k": "AAAA"}),
]


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_a_key_that_is_none_is_found_at_the_start(text: Callable[[], str]) -> None:
    with pytest.raises(WrongUse) as refused:
        read_public_key(text())
    assert "hunter2" not in str(refused.value)


def test_a_key_may_be_a_jwk() -> None:
    numbers = EC.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(part.to_bytes(32, "big")).rstrip(b"=").decode() for part in (numbers.x, numbers.y))
    sealer = JweSealer(json.dumps({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
    assert open_jwe(private(EC), sealer.seal(PLAIN, content_type="text/plain")) == PLAIN


# ── SM2 and SM4 ──

POINT, SECRET = gmssl_pyx.sm2_key_generate()
KEY = sm.read_private_key(SECRET.hex())


def test_an_envelope_opens_for_its_owner_alone() -> None:
    sealed = SmSealer(POINT.hex()).seal(PLAIN, content_type="application/json")
    assert open_envelope(KEY, sealed) == sm_envelope_opened(SECRET, sealed) == PLAIN
    assert PLAIN not in sealed
    assert json.loads(sealed)["kid"] == key_id(KEY.public)
    _, stranger = gmssl_pyx.sm2_key_generate()
    with pytest.raises(NotAuthentic):
        open_envelope(sm.read_private_key(stranger.hex()), sealed)
    with pytest.raises(ValueError, match="does not open"):
        sm_envelope_opened(stranger, sealed)


@pytest.mark.parametrize("name", ["alg", "enc", "kid", "cty", "key", "iv", "data"])
def test_no_part_of_an_envelope_can_be_changed(name: str) -> None:
    envelope = json.loads(SmSealer(POINT.hex()).seal(PLAIN, content_type="application/json"))
    letter = "B" if envelope[name][0] == "A" else "A"
    for value in (letter + envelope[name][1:], "", 7):
        text = json.dumps({**envelope, name: value}).encode()
        with pytest.raises(NotAuthentic):
            open_envelope(KEY, text)
        with pytest.raises(ValueError, match="does not open"):
            sm_envelope_opened(SECRET, text)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff"])
def test_what_is_no_envelope_does_not_open(text: bytes) -> None:
    with pytest.raises(NotAuthentic):
        open_envelope(KEY, text)
