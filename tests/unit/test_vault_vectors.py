"""Every released form must open for ever, and the README's description must be enough to compute it.

A vector file holds a whole small vault. It is never made anew: a changed form gets a new file beside the old.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3, Hash

from gateway.errors import BrokenSeal
from gateway.vault import Suite, Vault, context

VECTORS = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("vectors/sealed_*.json")}


@pytest.fixture(params=VECTORS.values(), ids=VECTORS.keys())
def vector(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param  # type: ignore[no-any-return]


def unpack(vector: dict[str, Any], folder: Path) -> Vault:
    (folder / "data").mkdir(parents=True)
    for name, content in vector["files"].items():
        (folder / name).write_text(content)
    return Vault.open_folder(folder, bytes.fromhex(vector["root_key"]))


def counted() -> Callable[[int], bytes]:
    """Entropy that says how often it was asked: 000000…, 010101…, 020202…"""
    asked = iter(range(256))
    return lambda length: bytes([next(asked)]) * length


def remake(suite: Suite, folder: Path) -> Vault:
    """The vault of the vector files, made with counted entropy on a fixed day."""
    vault = Vault._create(
        folder, suite=suite, root_key=bytes(range(32)), entropy=counted(), today=lambda: date(2026, 11, 22)
    )
    vault.page_key("wuhai", date(2026, 11, 22))
    vault.claim_key("nm", date(2026, 11, 22))
    vault.roster_key()
    return vault


def test_both_suites_have_their_vectors() -> None:
    assert {Suite(vector["suite"]) for vector in VECTORS.values()} == set(Suite)


def test_what_was_sealed_then_opens_now(vector: dict[str, Any], tmp_path: Path) -> None:
    vault = unpack(vector, tmp_path / "keys")
    assert len(vector["sealed"]) >= 4
    for sealed in vector["sealed"]:
        envelope, place = bytes.fromhex(sealed["envelope"]), context(*sealed["context"])
        assert vault.open(envelope, place) == bytes.fromhex(sealed["plain"])
        with pytest.raises(BrokenSeal):
            vault.open(envelope, place + b"\0")


def test_fingerprints_and_digests_are_what_they_were(vector: dict[str, Any], tmp_path: Path) -> None:
    vault = unpack(vector, tmp_path / "keys")
    assert len(vector["fingerprints"]) >= 4
    for known in vector["fingerprints"]:
        assert vault.fingerprint(known["kind"], known["text"]).hex() == known["fingerprint"]
    for known in vector["contents"]:
        assert vault.digest_content(bytes.fromhex(known["content"])).hex() == known["digest"]


def test_the_purposes_find_their_keys(vector: dict[str, Any], tmp_path: Path) -> None:
    vault = unpack(vector, tmp_path / "keys")
    day = date(2026, 11, 22)
    keys = vault.page_key("wuhai", day), vault.claim_key("nm", day), vault.roster_key()
    assert [key.number for key in keys] == [2, 3, 4]
    assert [(key.created, key.intact) for key in vault.status()] == [(day, True)] * 4


def test_the_same_inputs_still_give_the_same_bytes(vector: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    vault = remake(Suite(vector["suite"]), folder)
    for name, content in vector["files"].items():
        assert (folder / name).read_text() == content
    for sealed in vector["sealed"]:
        envelope = bytes.fromhex(sealed["envelope"])
        key = vault.key(sealed["key"])
        plain, place = bytes.fromhex(sealed["plain"]), context(*sealed["context"])
        assert key._seal_with_nonce(plain, place, envelope[8:20]) == envelope


# The forms once more, from the README alone: HMAC and HKDF by hand, the ciphers in their plain mode.


def digest(suite: str, content: bytes) -> bytes:
    state = Hash(SHA256() if suite == "aes" else SM3())
    state.update(content)
    return state.finalize()


def mac(suite: str, key: bytes, content: bytes) -> bytes:
    padded = key.ljust(64, b"\0")
    inner = digest(suite, bytes(byte ^ 0x36 for byte in padded) + content)
    return digest(suite, bytes(byte ^ 0x5C for byte in padded) + inner)


def derived(suite: str, secret: bytes, use: str) -> bytes:
    return mac(suite, mac(suite, bytes(32), secret), b"hubao/1/" + use.encode() + b"\1")


def opened(suite: str, secret: bytes, use: str, envelope: bytes, *texts: str) -> bytes:
    assert envelope[:2] == bytes([1, 1 if suite == "aes" else 2])
    key = derived(suite, secret, use)
    algorithm = AES(key) if suite == "aes" else SM4(key[:16])
    associated = envelope[:8] + b"".join(len(text.encode()).to_bytes(4, "big") + text.encode() for text in texts)
    decryptor = Cipher(algorithm, GCM(envelope[8:20], envelope[-16:])).decryptor()
    decryptor.authenticate_additional_data(associated)
    return decryptor.update(envelope[20:-16]) + decryptor.finalize()


def secrets_of(vector: dict[str, Any]) -> dict[int, bytes]:
    """Key number → secret, unwrapped by hand."""
    files = [json.loads(content) for name, content in vector["files"].items() if name.startswith("data/")]
    root = bytes.fromhex(vector["root_key"])
    return {
        file["number"]: opened(
            file["suite"],
            root,
            "wrap",
            bytes.fromhex(file["wrapped"]),
            "data-key",
            file["purpose"],
            file["created"],
        )
        for file in files
    }


def test_the_description_is_enough_to_open_everything(vector: dict[str, Any]) -> None:
    suite, secrets = vector["suite"], secrets_of(vector)
    assert {len(secret) for secret in secrets.values()} == {32}
    for sealed in vector["sealed"]:
        envelope = bytes.fromhex(sealed["envelope"])
        secret = secrets[int.from_bytes(envelope[4:8], "big")]
        texts = [str(text) for text in sealed["context"]]
        assert opened(suite, secret, "seal", envelope, *texts).hex() == sealed["plain"]


def test_the_description_is_enough_to_compute_digests(vector: dict[str, Any]) -> None:
    suite, secret = vector["suite"], secrets_of(vector)[1]
    for known in vector["fingerprints"]:
        key = derived(suite, secret, f"fingerprint/{known['kind']}")
        text = known["text"].encode("utf-8", "surrogatepass")
        assert mac(suite, key, text)[:16].hex() == known["fingerprint"]
    for known in vector["contents"]:
        computed = mac(suite, derived(suite, secret, "content"), bytes.fromhex(known["content"]))
        assert computed.hex() == known["digest"]


def test_the_check_value_is_as_described(vector: dict[str, Any]) -> None:
    about = json.loads(vector["files"]["vault.json"])
    root = bytes.fromhex(vector["root_key"])
    assert opened(about["suite"], root, "wrap", bytes.fromhex(about["check"]), "root-key-check") == b""
