"""Keys, sealing and fingerprints: the only door to cryptography. How it works: README.md beside this file."""

from gateway.vault.envelope import context, context_for, key_number
from gateway.vault.keys import DataKey
from gateway.vault.root import make_root_key, parse_root_key, read_root_key_file, write_root_key
from gateway.vault.suites import Suite
from gateway.vault.vault import KeyName, KeyStatus, Vault

__all__ = [
    "DataKey",
    "KeyName",
    "KeyStatus",
    "Suite",
    "Vault",
    "context",
    "context_for",
    "key_number",
    "make_root_key",
    "parse_root_key",
    "read_root_key_file",
    "write_root_key",
]
