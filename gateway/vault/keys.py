"""Data keys, the fingerprint key, and the root key that wraps them.

Nothing here keeps a secret it can do without, shows one in its repr, or lets itself be pickled.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Never

from cryptography.exceptions import InvalidTag

from gateway.errors import BrokenSeal, WrongUse
from gateway.vault.envelope import BODY, HEADER_LENGTH, NONCE_LENGTH, SHORTEST, header
from gateway.vault.suites import Aead, Suite, cipher_for, digest_for, prepared_for

SECRET_LENGTH: Final = 32
FINGERPRINT_LENGTH: Final = 16


class Guarded:
    """Keeps key material out of logs, pickles and other processes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> Never:
        raise TypeError(f"a {type(self).__name__} does not leave its process")


def _opened(cipher: Aead, sealed: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[HEADER_LENGTH:BODY], sealed[BODY:], sealed[:HEADER_LENGTH] + context)
    except InvalidTag:
        raise BrokenSeal from None


class DataKey(Guarded):
    """Seals and opens values. One per feed and day, per association and month, and one for the roster."""

    __slots__ = ("_cipher", "_format", "_header", "_number", "number", "suite")

    def __init__(self, secret: bytes, *, number: int, root: int, suite: Suite) -> None:
        self.number = number
        self.suite = suite
        self._cipher = cipher_for(suite, secret, use="seal")
        self._header = header(suite, root=root, number=number)
        self._format, self._number = self._header[:2], self._header[4:]

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """An envelope, 36 bytes longer than `plain`, that opens only with the same context."""
        return self._seal_with_nonce(plain, context, os.urandom(NONCE_LENGTH))

    def _seal_with_nonce(self, plain: bytes, context: bytes, nonce: bytes) -> bytes:
        return self._header + nonce + self._cipher.encrypt(nonce, plain, self._header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The plain bytes. Raises BrokenSeal for whatever is wrong, without saying what."""
        # The root key number is authenticated but not compared: a data key may be wrapped anew.
        if len(sealed) < SHORTEST or sealed[:2] != self._format or sealed[4:HEADER_LENGTH] != self._number:
            raise BrokenSeal
        return _opened(self._cipher, sealed, context)


class FingerprintKey(Guarded):
    """Keyed digests: the same text gives the same 16 bytes, and without the key no guess can be tested."""

    __slots__ = ("_kinds", "_secret", "_suite", "of_audit", "of_content", "of_stay")

    def __init__(self, secret: bytes, *, suite: Suite) -> None:
        self._secret, self._suite = secret, suite
        self._kinds: dict[str, Callable[[str], bytes]] = {}
        self.of_content = digest_for(suite, secret, use="content")
        self.of_audit = digest_for(suite, secret, use="audit")
        self.of_stay = self._make("stays")

    def of_kind(self, kind: str) -> Callable[[str], bytes]:
        """A fast function text → 16 bytes; equal texts of different kinds have nothing in common."""
        fingerprinter = self._kinds.get(kind)
        if fingerprinter is None:
            fingerprinter = self._kinds[kind] = self._make(f"fingerprint/{kind}")
        return fingerprinter

    def _make(self, use: str) -> Callable[[str], bytes]:
        prepared = prepared_for(self._suite, self._secret, use=use)

        def fingerprint(text: str) -> bytes:
            mac = prepared.copy()
            try:
                mac.update(text.encode())
            except UnicodeEncodeError:
                # Lone surrogates come in with broken JSON; they get a fingerprint like any other text.
                mac.update(text.encode("utf-8", "surrogatepass"))
            return mac.finalize()[:FINGERPRINT_LENGTH]

        return fingerprint


class RootKey(Guarded):
    """Seals data keys, and nothing else. Holds one derived cipher per suite, not the key itself."""

    __slots__ = ("_ciphers", "number")

    def __init__(self, secret: bytes, *, number: int) -> None:
        if len(secret) != SECRET_LENGTH:
            raise WrongUse(f"根密钥必须是 {SECRET_LENGTH} 字节 (a root key has {SECRET_LENGTH} bytes)")
        self.number = number
        self._ciphers = {suite: cipher_for(suite, secret, use="wrap") for suite in Suite}

    def seal(self, plain: bytes, context: bytes, *, suite: Suite, number: int, nonce: bytes) -> bytes:
        """An envelope about the data key `number`."""
        head = header(suite, root=self.number, number=number)
        return head + nonce + self._ciphers[suite].encrypt(nonce, plain, head + context)

    def open(self, sealed: bytes, context: bytes, *, suite: Suite, number: int) -> bytes:
        """The plain bytes. Raises BrokenSeal, also for another suite, root key or data key number."""
        expected = header(suite, root=self.number, number=number)
        if len(sealed) < SHORTEST or sealed[:HEADER_LENGTH] != expected:
            raise BrokenSeal
        return _opened(self._ciphers[suite], sealed, context)
