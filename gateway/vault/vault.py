"""The vault (密钥库): finds or makes the key for a purpose, opens what it sealed, and takes fingerprints."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.errors import BrokenSeal, KeyMissing, WrongUse
from gateway.model.clock import SHANGHAI_OFFSET
from gateway.vault.envelope import key_number
from gateway.vault.folder import KeyFolder
from gateway.vault.keyring import (
    FINGERPRINT,
    Entropy,
    Keyring,
    Today,
    VaultFile,
    WrappedKey,
    check_root,
    read_about,
)
from gateway.vault.keys import DataKey, FingerprintKey, Guarded, RootKey
from gateway.vault.suites import Suite, require

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MOST_KEYS_HELD: Final = 2048
_ROSTER: Final = "roster"
_FACT: Final = "fact."
_PAGES: Final = "pages."
_ACCOUNTS: Final = "accounts."
_USERS: Final = "users"
_SITE_ID_LENGTH: Final = 16


def _today() -> date:
    return datetime.now(SHANGHAI_OFFSET).date()


class KeyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One data key as `hubao keys status` shows it; one that does not unwrap has neither suite nor date."""

    number: int
    purpose: str
    suite: Suite | None
    created: date | None

    @property
    def intact(self) -> bool:
        """Whether the key can be used."""
        return self.suite is not None

    @property
    def of_fact(self) -> bool:
        """Whether it is the key of one fact alone."""
        return self.purpose.startswith(_FACT)


class KeyName(msgspec.Struct, frozen=True, kw_only=True):
    """A data key by its number and purpose: one that is not there, or one that no row names."""

    number: int
    purpose: str


class Vault(Guarded):
    """All keys of a site. Keys are made on demand; whoever asks first makes it, in whatever process."""

    def __init__(self, keyring: Keyring, about: VaultFile) -> None:
        self.suite = about.suite
        self._keyring, self._folder = keyring, keyring.folder
        self._held: dict[int, tuple[DataKey, str]] = {}
        self._numbers: dict[str, int] = {}
        self._fingerprint_number = about.fingerprint
        self._fingerprints = _fingerprint_key(keyring, about)

    @classmethod
    def create(cls, folder: Path, *, suite: Suite, root_key: bytes) -> Vault:
        """A new vault with its fingerprint key. Raises WrongUse if the folder already holds one."""
        return cls._create(folder, suite=suite, root_key=root_key, entropy=os.urandom, today=_today)

    @classmethod
    def _create(cls, folder: Path, *, suite: Suite, root_key: bytes, entropy: Entropy, today: Today) -> Vault:
        require(suite)
        files, root = KeyFolder(folder), RootKey(root_key, number=1)
        files.prepare()
        keyring = Keyring(files, root, suite, entropy=entropy, today=today)
        keyring.found()
        return cls(keyring, read_about(files))

    @classmethod
    def open_folder(cls, folder: Path, root_key: bytes) -> Vault:
        """The vault of a folder. Raises WrongUse if it is missing or damaged, or the root key is another."""
        return cls._open_folder(folder, root_key, entropy=os.urandom, today=_today)

    @classmethod
    def _open_folder(cls, folder: Path, root_key: bytes, *, entropy: Entropy, today: Today) -> Vault:
        files = KeyFolder(folder)
        files.close_to_others()
        about = read_about(files)
        require(about.suite)
        root = RootKey(root_key, number=about.root)
        check_root(about, root)
        return cls(Keyring(files, root, about.suite, entropy=entropy, today=today), about)

    def page_key(self, feed: str, day: date) -> DataKey:
        """The key for the pages a feed hands over on a day."""
        return self._key_for(f"{_PAGES}{_name(feed)}.{day.isoformat()[:10]}")

    def claim_key(self, association: str, month: date) -> DataKey:
        """The key for an association's claims of the month that holds this date."""
        return self._key_for(f"claims.{_name(association)}.{month.isoformat()[:7]}")

    def roster_key(self) -> DataKey:
        """The key for the personal fields of members."""
        return self._key_for(_ROSTER)

    def roster_key_numbers(self) -> list[int]:
        """The numbers of the keys that members' fields were ever sealed under."""
        return sorted(number for number, purpose in self._folder.names().items() if purpose == _ROSTER)

    def fact_key(self, fact_id: int) -> DataKey:
        """The key of one fact alone: where the fact is withdrawn, destroying it shuts every copy of the fact's box."""
        return self._key_for(f"{_FACT}{fact_id}")

    def fact_keys(self) -> dict[int, int]:
        """Fact → the number of its key, of all there are."""
        names = self._folder.names().items()
        return {int(purpose.removeprefix(_FACT)): number for number, purpose in names if purpose.startswith(_FACT)}

    def account_key(self, association: str, month: date) -> DataKey:
        """The key for the bank accounts that were told in the month that holds this date."""
        return self._key_for(f"{_ACCOUNTS}{_name(association)}.{month.isoformat()[:7]}")

    def account_keys(self) -> dict[int, str]:
        """Number → month (2026-11), of all keys of accounts there are."""
        names = self._folder.names().items()
        return {number: purpose.rpartition(".")[2] for number, purpose in names if purpose.startswith(_ACCOUNTS)}

    def users_key(self) -> DataKey:
        """The key for what accounts of people keep: the secrets of their second factors."""
        return self._key_for(_USERS)

    def key(self, number: int) -> DataKey:
        """The data key with this number. Raises BrokenSeal if it is unknown, damaged or destroyed."""
        cached = self._held.get(number)
        if cached is not None and os.access(cached[1], os.F_OK):
            return cached[0]
        # Another process may have made it since, or destroyed it: the folder is the truth.
        self._held.pop(number, None)
        purpose = self._folder.purpose_of(number)
        if purpose is None:
            raise BrokenSeal
        return self._hold(self._keyring.read(number, purpose))

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The plain bytes of an envelope under any key of this vault. Raises BrokenSeal."""
        return self.key(key_number(sealed)).open(sealed, context)

    def open_page(self, sealed: bytes, context: bytes, feed: str) -> bytes:
        """The plain bytes of an envelope under one of the page keys of this feed. Raises BrokenSeal, also where it is
        another feed's: what a row says its feed is, nothing else proves."""
        purpose = self._folder.purpose_of(key_number(sealed)) or ""
        if not purpose.startswith(f"{_PAGES}{feed}."):
            raise BrokenSeal
        return self.open(sealed, context)

    def opener(self) -> Callable[[bytes, bytes], bytes]:
        """`open` for one batch: looks at each key once. Not for keeping: a key destroyed meanwhile still opens."""
        keys: dict[int, DataKey] = {}

        def open_one(sealed: bytes, context: bytes) -> bytes:
            number = key_number(sealed)
            key = keys.get(number)
            if key is None:
                key = keys[number] = self.key(number)
            return key.open(sealed, context)

        return open_one

    def fingerprint(self, kind: str, text: str) -> bytes:
        """16 bytes by which equal texts of a kind are found without the text."""
        return self._fingerprints.of_kind(kind)(text)

    def fingerprinter(self, kind: str) -> Callable[[str], bytes]:
        """The fast form of `fingerprint` for one kind."""
        return self._fingerprints.of_kind(kind)

    def digest_content(self, content: bytes) -> bytes:
        """32 keyed bytes by which two contents are compared without keeping either."""
        return self._fingerprints.of_content(content)

    def digest_stay(self, text: str) -> bytes:
        """16 keyed bytes that name a stay for ever. Their key comes from the secret that the vault was founded with and
        has a use of its own: new fingerprints may be taken one day, names that were given out stay."""
        return self._fingerprints.of_stay(text)

    def digest_audit(self, content: bytes) -> bytes:
        """32 keyed bytes that bind an entry of the audit log; their key has this use alone."""
        return self._fingerprints.of_audit(content)

    def shred(self, number: int) -> bool:
        """Destroys a data key for ever; False if it was gone already. WrongUse for an unknown number."""
        if number == self._fingerprint_number:
            raise WrongUse("指纹密钥不能单独销毁，否则查不到任何会员 (the fingerprint key cannot be destroyed alone)")
        with self._folder.exclusive():
            purpose = self._folder.names().get(number)
            if purpose is not None:
                self._folder.destroy(number, purpose)
            elif not 0 < number <= self._folder.last_number():
                raise WrongUse(f"没有编号为 {number} 的密钥，见 hubao keys status (no key has number {number})")
        self._held.pop(number, None)
        return purpose is not None

    def status(self) -> list[KeyStatus]:
        """Every data key there is, by number."""
        statuses = []
        for number, purpose in sorted(self._folder.names().items()):
            status = KeyStatus(number=number, purpose=purpose, suite=None, created=None)
            with suppress(BrokenSeal):
                key = self._keyring.read(number, purpose)
                self._keyring.secret(key)
                status = KeyStatus(number=number, purpose=purpose, suite=key.suite, created=key.created)
            statuses.append(status)
        return statuses

    def missing(self) -> list[KeyName]:
        """The keys that were given out and are not there any more, by number. Raises WrongUse."""
        return [KeyName(number=number, purpose=purpose) for number, purpose in sorted(self._folder.missing().items())]

    def require_roster_key(self) -> None:
        """Raises KeyMissing or BrokenSeal where the roster's key was given out and cannot be used. Makes nothing."""
        if any(key.purpose == _ROSTER for key in self.missing()):
            raise KeyMissing(_ROSTER)
        numbers = [number for number, purpose in self._folder.names().items() if purpose == _ROSTER]
        if numbers:
            self.key(max(numbers))

    def lacking(self, numbers: Iterable[int]) -> list[int]:
        """Those of these key numbers that the folder does not have."""
        present = self._folder.names()
        return sorted(number for number in set(numbers) if number not in present)

    def unaccounted(self, numbers: Iterable[int]) -> list[int]:
        """Those of them that the folder neither has nor knows to be lost, destroyed or written off."""
        ledger = self._folder.ledger
        return sorted(set(self.lacking(numbers)) - set(ledger.outstanding()) - ledger.ended())

    def gave_out_data_keys(self) -> bool:
        """Whether any key besides the fingerprints' was ever made."""
        return self._folder.last_number() > self._fingerprint_number

    def gave_out_more_than_the_roster(self) -> bool:
        """Whether any key was ever made under which a page, a record or a claim may have been sealed."""
        purposes = set(self._folder.names().values()) - {FINGERPRINT, _ROSTER}
        return bool(purposes) or self._folder.last_number() > self._fingerprint_number + 1

    def unnamed(self, numbers: Iterable[int]) -> list[KeyName]:
        """The data keys of this folder that are not among these numbers, by number."""
        named = {*numbers, self._fingerprint_number}
        names = sorted(self._folder.names().items())
        return [KeyName(number=number, purpose=purpose) for number, purpose in names if number not in named]

    def remember_named(self, purposes: Mapping[int, str]) -> None:
        """Rows name these keys (number → purpose): none is made anew, and those that are not here count as missing."""
        with self._folder.exclusive():
            self._folder.begin_ledger()
            if lost := {number: purposes[number] for number in self.unaccounted(purposes)}:
                self._folder.ledger.add("named", lost, durable=True)
            if (highest := max(purposes, default=0)) > self._folder.last_number():
                self._folder.take_numbers(highest)

    def write_off_missing(self) -> list[KeyName]:
        """A person says that the missing keys will not come back: for their purposes new ones may be made."""
        with self._folder.exclusive():
            lost = self._folder.missing()
            if lost:
                self._folder.ledger.add("written-off", lost, durable=True)
        return [KeyName(number=number, purpose=purpose) for number, purpose in sorted(lost.items())]

    def site_id(self) -> bytes | None:
        """The id of the site this vault belongs to, None before it is paired with a database."""
        return self._folder.read_id(self._folder.site)

    def propose_site_id(self, *, anew: bool = False) -> bytes:
        """The site's id or, where it has none, a random one: that of before, where a crash kept it from being taken.

        `anew`: one that no database has, whatever was before.
        """
        with self._folder.exclusive():
            proposed = None
            if not anew:
                proposed = self.site_id() or self.proposed_site_id()
            if proposed is None:
                proposed = self._keyring.draw(_SITE_ID_LENGTH)
                self._folder.write(self._folder.site_proposed, proposed.hex().encode())
            return proposed

    def proposed_site_id(self) -> bytes | None:
        """The id that was proposed to a database, while it is not certain that the database has it."""
        return self._folder.read_id(self._folder.site_proposed)

    def confirm_site_id(self, site_id: bytes) -> None:
        """The database has this id now, durably: so has the vault, which keeps count of its keys from here on."""
        with self._folder.exclusive():
            self._folder.begin_ledger()
            if self._folder.read_id(self._folder.site) != site_id:
                self._folder.write(self._folder.site, site_id.hex().encode())
            self._folder.site_proposed.unlink(missing_ok=True)

    def _key_for(self, purpose: str) -> DataKey:
        cached = self._held.get(self._numbers.get(purpose, 0))
        if cached is not None and os.access(cached[1], os.F_OK):
            return cached[0]
        with self._folder.exclusive():
            key = self._find_or_make(purpose)
        self._numbers[purpose] = key.number
        return self._hold(key)

    def _find_or_make(self, purpose: str) -> WrappedKey:
        names, outstanding = self._folder.names(), self._folder.ledger.outstanding()
        numbers = [number for number, named in names.items() if named == purpose]
        # A key that was given out and is gone may stand in rows; another in its place would hide that they are lost.
        if any(named == purpose and number not in names for number, named in outstanding.items()):
            raise KeyMissing(purpose)
        if not numbers:
            self._folder.begin_ledger()
            return self._keyring.make(purpose)
        # Its maker may have died between naming the file and making the name durable, or writing the ledger.
        self._folder.make_data_durable()
        number = max(numbers)
        if number not in outstanding and self._folder.ledger.exists():
            self._folder.ledger.add("made", {number: purpose}, durable=False)
        return self._keyring.read(number, purpose)

    def _hold(self, wrapped: WrappedKey) -> DataKey:
        key = self._keyring.data_key(wrapped)
        if len(self._held) >= _MOST_KEYS_HELD:
            # A replay of half a year walks through thousands of keys; memory stays flat.
            self._held.clear()
            self._numbers.clear()
        self._held[key.number] = key, str(self._folder.path(wrapped.number, wrapped.purpose))
        return key


def _fingerprint_key(keyring: Keyring, about: VaultFile) -> FingerprintKey:
    try:
        key = keyring.read(about.fingerprint, FINGERPRINT)
        return FingerprintKey(keyring.secret(key), suite=key.suite)
    except BrokenSeal as error:
        # Making a new one instead would turn every member into a stranger.
        raise WrongUse(
            f"{keyring.folder.data} 中的指纹密钥缺失或损坏，请从备份恢复 "
            "(the fingerprint key is missing or damaged: restore the key folder from its backup)"
        ) from error


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise WrongUse("密钥用途名只能含小写字母、数字和连字符 (a key purpose is lower-case letters, digits, hyphens)")
    return name
