"""The composition root: a site folder → an Office and its connectors. The only importer of `connectors`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from connectors.registry import ASSOCIATIONS, FEEDS
from connectors.transport import webhook
from connectors.transport.http import probe
from connectors.transport.msgid import MessageIds
from gateway.errors import WrongUse
from gateway.flow.intake.night import Doors, FeedConnector
from gateway.flow.office import Office
from gateway.ports import Clock, PullFeed, ReceiveFeed, Sender, SweepFeed
from gateway.runners.processes import collect_seldom
from gateway.settings.feeds import CloudLine, FeedSpec, Folder, Push
from gateway.settings.secrets import read_secret
from gateway.settings.site import Site, load_site
from gateway.store import roster
from gateway.store.engine import Store, open_store
from gateway.store.migrate import upgrade
from gateway.store.values import SHANGHAI
from gateway.vault import Suite, Vault, parse_root_key, read_root_key_file, write_root_key


def shanghai_now() -> datetime:
    """The present instant in Asia/Shanghai: the one place that reads the clock for the flow."""
    return datetime.now(SHANGHAI)


def jitter() -> float:
    """Between -1 and 1."""
    return secrets.randbelow(2_000_001) / 1_000_000 - 1


def new_lease() -> str:
    """A name nobody else uses."""
    return secrets.token_hex(16)


def root_key(site: Site) -> bytes:
    """The root key of a site. Raises WrongUse if it is missing, malformed or readable by others."""
    kind, _, place = site.gateway.root_key.partition(":")
    if kind == "file":
        path = site.path / place
        if not path.is_file():
            raise WrongUse("根密钥不存在；先运行 hubao keys init (root key missing; run hubao keys init first)")
        return read_root_key_file(path)
    return parse_root_key(read_secret(site.gateway.root_key, site=site.path))


def make_keys(site: Site) -> Vault:
    """Make the root key where it is a file that is not there, and the vault under it."""
    kind, _, place = site.gateway.root_key.partition(":")
    if kind == "file" and not (site.path / place).is_file():
        (site.path / place).parent.mkdir(parents=True, exist_ok=True)
        write_root_key(site.path / place)
    return Vault.create(_vault_folder(site), suite=Suite(site.gateway.suite), root_key=root_key(site))


def _vault_folder(site: Site) -> Path:
    return site.path / "keys" / "vault"


def open_vault(site: Site) -> Vault:
    """The site's vault. Raises WrongUse if it was never made, or the root key is another one."""
    if not _vault_folder(site).is_dir():
        raise WrongUse("密钥库不存在；先运行 hubao keys init (no vault; run hubao keys init first)")
    vault = Vault.open_folder(_vault_folder(site), root_key(site))
    if vault.suite != Suite(site.gateway.suite):
        raise WrongUse("gateway.toml 的 suite 与密钥库不同 (suite differs from the vault's)")
    return vault


def open_database(site: Site) -> Store:
    """The site's database, brought to the present schema."""
    store = open_store(site.database_url(), site=site.path)
    upgrade(store)
    with store.write() as tx:
        roster.ensure(tx, sorted(site.associations))
    return store


def open_office(path: Path, *, clock: Clock = shanghai_now) -> Office:
    """Everything the use cases need for this site. Raises BadSettings, WrongUse, Unavailable."""
    site = load_site(path)
    return office_of(site, clock=clock)


def office_of(site: Site, *, clock: Clock = shanghai_now) -> Office:
    """An Office over a site whose files are already read."""
    collect_seldom()
    vault = open_vault(site)
    return Office(
        site=site.path,
        gateway=site.gateway,
        store=open_database(site),
        vault=vault,
        clock=clock,
        feeds=site.feeds,
        mappings=site.compiled(),
        schemes=site.schemes,
        associations=site.associations,
        match_model=site.matching,
    )


def feed_connector(office: Office, name: str) -> PullFeed | SweepFeed | ReceiveFeed:
    """The connector of a feed, its secrets read. Raises WrongUse for a secret that is missing."""
    spec = office.feeds[name]
    options = spec.connector.model_dump(exclude={"kind"})
    if "secret" in options:
        options["secret"] = read_secret(options["secret"], site=office.site)
    connector: PullFeed | SweepFeed | ReceiveFeed = FEEDS[spec.connector.kind](
        **options | _extra(office, spec), name=name
    )
    return connector


def _extra(office: Office, spec: FeedSpec) -> dict[str, Any]:
    if isinstance(spec.connector, CloudLine):
        state = office.site / "data" / f"msgid-{spec.connector.facility_no}"
        state.parent.mkdir(parents=True, exist_ok=True)
        ids = MessageIds(spec.connector.facility_no, state=state)
        return {"per_second": spec.rate.per_second, "clock": office.clock, "next_msgid": ids}
    if isinstance(spec.connector, Folder):
        moved_to = spec.connector.moved_to
        return {
            "folder": office.site / spec.connector.folder,
            "moved_to": office.site / moved_to if moved_to else None,
        }
    assert isinstance(spec.connector, Push)  # noqa: S101 - the three kinds of settings/feeds.py
    return {}


def sender(office: Office, association: str) -> Sender:
    """The connector that hands claims to an association."""
    spec = office.associations[association].delivery
    options = spec.model_dump(exclude={"kind"})
    options["secret"] = read_secret(options["secret"], site=office.site)
    made: Sender = ASSOCIATIONS[spec.kind](**options, name=association)
    return made


def doors() -> Doors:
    """How a night reaches the outside from this process."""
    return Doors(feed=feed_connector, sender=sender, jitter=jitter, new_lease=new_lease)


REPLAY_SECONDS = 2 * webhook.TOLERANCE_SECONDS
"""For how long a signature may be good: a sender's clock may be ahead of ours as far as it may be behind."""

Verify = Callable[[Mapping[str, str], bytes, datetime], str]
"""(headers, body, now) → the id of the message. Raises NotAuthentic."""


def verifier(office: Office, association: str) -> Verify:
    """How requests of an association prove themselves: signed with its delivery secret. Raises WrongUse without it."""
    secret = read_secret(office.associations[association].delivery.secret, site=office.site)

    def verify(headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        return webhook.verify(secret, headers, body, now=int(now.timestamp()))

    return verify


def kept(doors: Doors) -> Doors:
    """The same doors with every connector made once: connections stay open, and a line's rate limit is one."""
    feeds: dict[str, FeedConnector] = {}
    senders: dict[str, Sender] = {}
    making = Lock()

    def feed(office: Office, name: str) -> FeedConnector:
        with making:
            if name not in feeds:
                feeds[name] = doors.feed(office, name)
            return feeds[name]

    def sender(office: Office, name: str) -> Sender:
        with making:
            if name not in senders:
                senders[name] = doors.sender(office, name)
            return senders[name]

    return msgspec.structs.replace(doors, feed=feed, sender=sender)


def unreachable(office: Office) -> list[tuple[str, str]]:
    """(settings file, what went wrong) for every feed and association that cannot be reached now."""
    found = []
    for name, spec in office.feeds.items():
        address = getattr(spec.connector, "address", None)
        if isinstance(spec.connector, Folder):
            if not (office.site / spec.connector.folder).is_dir():
                found.append((f"config/feeds/{name}.toml", "目录不存在 (the folder does not exist)"))
        elif address and (problem := probe(address)):
            found.append((f"config/feeds/{name}.toml", problem))
    for name, association in office.associations.items():
        if problem := probe(association.delivery.address):
            found.append((f"config/associations/{name}.toml", problem))
    return found
