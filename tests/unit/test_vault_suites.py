"""Known answers of the published documents: our suites are the algorithms whose names they carry."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

from gateway.errors import WrongUse
from gateway.vault import suites
from gateway.vault.suites import Suite, cipher_for, cipher_under, digest_for, digest_under, require

AEAD = {
    "RFC 8998 A.1 SM4-GCM": (
        Suite.SM4,
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec",
    ),
    "GCM specification, test case 16, AES-256-GCM": (
        Suite.AES,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
}

MACS = {
    "GM/T 0042-2015 D.3 (1) HMAC-SM3": (
        Suite.SM4,
        bytes(range(1, 33)),
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2,
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
    ),
    "GM/T 0042-2015 D.3 (2) HMAC-SM3": (
        Suite.SM4,
        bytes(range(1, 0x21)) + bytes.fromhex("2122232425"),
        b"\xcd" * 50,
        "220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae",
    ),
    "RFC 4231 4.3 HMAC-SHA256": (
        Suite.AES,
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
}


@pytest.mark.parametrize("suite, key, nonce, associated, plain, sealed", AEAD.values(), ids=AEAD.keys())
def test_ciphers_give_the_published_answers(
    suite: Suite, key: str, nonce: str, associated: str, plain: str, sealed: str
) -> None:
    cipher = cipher_under(suite, bytes.fromhex(key))
    arguments = bytes.fromhex(nonce), bytes.fromhex(plain), bytes.fromhex(associated)
    assert cipher.encrypt(*arguments).hex() == sealed
    assert cipher.decrypt(bytes.fromhex(nonce), bytes.fromhex(sealed), bytes.fromhex(associated)).hex() == plain


@pytest.mark.parametrize("suite, key, text, mac", MACS.values(), ids=MACS.keys())
def test_digests_give_the_published_answers(suite: Suite, key: bytes, text: bytes, mac: str) -> None:
    assert digest_under(suite, key)(text).hex() == mac


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("length", [0, 1, 15])
def test_a_ciphertext_shorter_than_its_tag_is_refused(suite: Suite, length: int) -> None:
    with pytest.raises(InvalidTag):
        cipher_for(suite, bytes(32), use="seal").decrypt(bytes(12), bytes(length), b"")


@pytest.mark.parametrize("suite", Suite)
def test_each_use_has_its_own_key(suite: Suite) -> None:
    secret = bytes(range(32))
    sealed = {cipher_for(suite, secret, use=use).encrypt(bytes(12), b"x", b"") for use in ("seal", "wrap")}
    digests = {digest_for(suite, secret, use=use)(b"x") for use in ("content", "fingerprint/id", "fingerprint/name")}
    assert len(sealed) == 2
    assert len(digests) == 3


def test_the_suites_share_no_key_material() -> None:
    assert digest_for(Suite.AES, bytes(32), use="content")(b"") != digest_for(Suite.SM4, bytes(32), use="content")(b"")


def test_settings_words_name_the_suites() -> None:
    assert [Suite("aes"), Suite("sm4")] == [Suite.AES, Suite.SM4]
    assert [suite.code for suite in Suite] == [1, 2]


def test_a_build_without_the_algorithms_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_sm4(*_: object) -> None:
        raise UnsupportedAlgorithm("SM4")

    monkeypatch.setattr(suites, "Cipher", without_sm4)
    require(Suite.AES)
    with pytest.raises(WrongUse, match="sm4"):
        require(Suite.SM4)
