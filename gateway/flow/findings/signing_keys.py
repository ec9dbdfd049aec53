"""Signing keys that end: said before they do, and where nothing is left to sign or prove with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from gateway.errors import WrongUse
from gateway.flow.office import Office
from gateway.model.dated_keys import ends
from gateway.model.trouble import Level, Trouble
from gateway.ports import SecretName
from gateway.settings.secrets import read_secret

SIGNING_KEYS: Final = "signing_key_ending"
SAID_BEFORE: Final = timedelta(days=14)


def keys_that_end(office: Office) -> list[Trouble]:
    """One for each secret of which a key ends within two weeks, or has ended: to act on where nothing is left then."""
    today = office.now().date()
    troubles = []
    for kind, name, secret in _named(office):
        try:
            dates = ends(read_secret(secret, site=office.site))
        except WrongUse:
            # A secret that is missing is said by `check`, and by the run that needs it.
            continue
        near = [end for end in dates if end is not None and end <= today + SAID_BEFORE]
        if near:
            last = len(near) == len(dates)
            shown = "、".join(f"{end:%Y-%m-%d}{'（已过）' if end < today else ''}" for end in sorted(near))
            detail = f"{secret}：{shown}"
            level: Level = "act" if last else "know"
            troubles.append(
                Trouble(code=SIGNING_KEYS, kind=kind, name=name, count=len(near), detail=detail, level=level)
            )
    return troubles


def _named(office: Office) -> Iterator[tuple[str, str, SecretName]]:
    """(kind, name, secret) of everything that is signed with a secret of its own."""
    for name, feed in sorted(office.feeds.items()):
        for option in feed.connector.options.secrets() if feed.enabled else ():
            yield "feed", f"{name}/{option.key}", option.name
    for name, association in sorted(office.associations.items()):
        for option in association.delivery.options.secrets():
            yield "association", f"{name}/{option.key}", option.name
        if association.requests is not None:
            yield "association", f"{name}/requests.secret", association.requests.secret
