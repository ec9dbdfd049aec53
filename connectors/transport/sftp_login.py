"""What somebody logs in with over SFTP: a password, or a private key as PEM text. Loads nothing heavy."""

from __future__ import annotations

from gateway.ports import SecretName, SecretOption


def login_secrets(password: SecretName | None, private_key: SecretName | None) -> list[SecretOption]:
    """The secrets among a line's options, with the form each must have."""
    first = [SecretOption("password", password)] if password else []
    second = [SecretOption("private_key", private_key, _read_private_key)] if private_key else []
    return [*first, *second]


def _read_private_key(text: str) -> object:
    from connectors.transport.sftp import read_private_key

    return read_private_key(text)
