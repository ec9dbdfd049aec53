"""Wrapped data keys as files: made, read, unwrapped. What each file says is bound into its seal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, TypeVar

import msgspec

from gateway.errors import BrokenSeal, WrongUse
from gateway.vault.envelope import NONCE_LENGTH, VERSION, parts
from gateway.vault.folder import KeyFolder
from gateway.vault.keys import SECRET_LENGTH, DataKey, Guarded, RootKey
from gateway.vault.suites import Suite

Entropy = Callable[[int], bytes]
Today = Callable[[], date]
Number = Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFFF)]
RootNumber = Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)]

FINGERPRINT: Final = "fingerprint"


class WrappedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The file of a data key: what it is for, and its 32 secret bytes sealed under the root key, in hex."""

    version: int = VERSION
    number: Number
    purpose: str
    suite: Suite
    created: date
    wrapped: str


class VaultFile(msgspec.Struct, frozen=True, kw_only=True):
    """vault.json: suite of new keys, numbers of root and fingerprint key, a seal that tests the root key."""

    version: int = VERSION
    suite: Suite
    root: RootNumber
    fingerprint: Number
    created: date
    check: str


class Keyring(Guarded):
    """The data keys of a folder under one root key; `entropy` and `today` are all it takes from the world."""

    def __init__(self, folder: KeyFolder, root: RootKey, suite: Suite, *, entropy: Entropy, today: Today) -> None:
        self.folder, self.root, self.suite = folder, root, suite
        self._entropy, self._today = entropy, today

    def draw(self, length: int) -> bytes:
        """So many random bytes."""
        return self._entropy(length)

    def make(self, purpose: str) -> WrappedKey:
        """A new key, durable when this returns. Call inside `folder.exclusive`."""
        number, created = self.folder.next_number(), self._today()
        sealed = self.root.seal(
            self._entropy(SECRET_LENGTH),
            _key_context(purpose, created),
            suite=self.suite,
            number=number,
            nonce=self._entropy(NONCE_LENGTH),
        )
        key = WrappedKey(number=number, purpose=purpose, suite=self.suite, created=created, wrapped=sealed.hex())
        self.folder.write(self.folder.path(number, purpose), msgspec.json.encode(key) + b"\n")
        # After the key itself, or a crash in between would leave a key that counts as lost and never was used.
        self.folder.ledger.add("made", {number: purpose}, durable=False)
        return key

    def read(self, number: int, purpose: str) -> WrappedKey:
        """The file of a key. Raises BrokenSeal if it is gone, not a key file, or the file of another key."""
        try:
            key = _decode(self.folder.read(self.folder.path(number, purpose)), WrappedKey)
        except (FileNotFoundError, ValueError):
            raise BrokenSeal from None
        if (key.number, key.purpose) != (number, purpose):
            raise BrokenSeal
        return key

    def secret(self, key: WrappedKey) -> bytes:
        """The 32 secret bytes. Raises BrokenSeal if the file was changed or the root key is another."""
        context = _key_context(key.purpose, key.created)
        return self.root.open(_from_hex(key.wrapped), context, suite=key.suite, number=key.number)

    def data_key(self, key: WrappedKey) -> DataKey:
        """The key, unwrapped and ready to seal. Raises BrokenSeal."""
        return DataKey(self.secret(key), number=key.number, root=self.root.number, suite=key.suite)

    def found(self) -> None:
        """Makes the fingerprint key, then vault.json, which makes the folder a vault. Raises WrongUse."""
        with self.folder.exclusive():
            # A fingerprint key without vault.json is what a crash in `found` leaves; it never served.
            names = self.folder.names()
            if self.folder.about.exists() or set(names.values()) - {FINGERPRINT}:
                raise WrongUse(
                    f"{self.folder.folder} 已有密钥库，不会覆盖 (the folder holds a vault, never overwritten)"
                )
            for number, purpose in names.items():
                self.folder.destroy(number, purpose)
            key = self.make(FINGERPRINT)
            sealed = self.root.seal(
                b"", _CHECK_CONTEXT, suite=self.suite, number=key.number, nonce=self._entropy(NONCE_LENGTH)
            )
            about = VaultFile(
                suite=self.suite,
                root=self.root.number,
                fingerprint=key.number,
                created=key.created,
                check=sealed.hex(),
            )
            self.folder.write(self.folder.about, msgspec.json.encode(about) + b"\n")


def read_about(folder: KeyFolder) -> VaultFile:
    """What vault.json says. Raises WrongUse if there is none or it is no such file."""
    try:
        about = _decode(folder.read(folder.about), VaultFile)
    except FileNotFoundError:
        raise WrongUse(
            f"{folder.folder} 中没有密钥库，请先运行 hubao keys init (no vault here: run hubao keys init)"
        ) from None
    except ValueError as error:
        raise WrongUse(f"{folder.about} 已损坏，请从备份恢复 (damaged: restore it from a backup)") from error
    return about


def check_root(about: VaultFile, root: RootKey) -> None:
    """Raises WrongUse if this is not the root key the vault was made with."""
    try:
        root.open(_from_hex(about.check), _CHECK_CONTEXT, suite=about.suite, number=about.fingerprint)
    except BrokenSeal as error:
        raise WrongUse(
            "根密钥与密钥库不符，请检查 root_key 指向的文件或环境变量 "
            "(the root key is not this vault's: check the file or variable root_key names)"
        ) from error


_CHECK_CONTEXT: Final = parts("root-key-check")

F = TypeVar("F", WrappedKey, VaultFile)


def _decode(content: bytes, kind: type[F]) -> F:
    """Raises ValueError: msgspec's errors, and bytes that are not UTF-8, are of that kind."""
    file = msgspec.json.decode(content, type=kind)
    if file.version != VERSION:
        raise ValueError("version")
    return file


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BrokenSeal from None


def _key_context(purpose: str, created: date) -> bytes:
    return parts("data-key", purpose, created.isoformat())
