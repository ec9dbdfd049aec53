"""The composition root: a site folder → an Office and its connectors. The only importer of `connectors`."""

from __future__ import annotations

import secrets
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

import msgspec

from connectors.alarms.notice import OfficeAlarm, alarm_option
from connectors.feeds.push import Push, PushSpec, tried_push
from connectors.registry import REGISTRY
from connectors.transport import webhook
from connectors.transport.dates import remote_clocks
from connectors.transport.parts import plan_file, read_parts
from connectors.transport.places import BadArchive
from connectors.transport.request_keys import CHECK_FORM, Verify, prover, requests_option, sealing_option
from connectors.transport.sm_envelope import SmSealer
from connectors.transport.watching import watching
from gateway.core.normalise.language import MappingLanguage
from gateway.core.timekeeping import ProcessStart
from gateway.errors import Finding, ForeignDatabase, WrongUse
from gateway.flow.intake.activating import GateTrials
from gateway.flow.intake.night import Doors, FeedConnector
from gateway.flow.intake.trying import TrialScope, try_content, try_line
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import kept_name
from gateway.flow.site import pairing, restoring
from gateway.flow.site.access_keys import key_text
from gateway.model.clock import SHANGHAI
from gateway.model.exchange import WireExchange
from gateway.model.page import MAX_PAGE_BYTES
from gateway.ports import (
    AlarmWay,
    Clock,
    PullFeed,
    ReceiveFeed,
    Registry,
    SecretName,
    SecretOption,
    Sender,
    Surroundings,
)
from gateway.runners.processes import collect_seldom
from gateway.settings import json_schema, plain_http, scaffold
from gateway.settings import site as site_files
from gateway.settings.feeds import feed_file
from gateway.settings.files import check
from gateway.settings.page_formats import rows_of_files
from gateway.settings.scaffold import FeedDraft, draft_text
from gateway.settings.secrets import read_secret
from gateway.settings.site import KeyForms, Site
from gateway.settings.versions import FeedFiles
from gateway.store import clock_marks, roster
from gateway.store.engine import Store, database_file, open_store
from gateway.store.migrate import upgrade
from gateway.vault import KeyName, Suite, Vault, parse_root_key, read_root_key_file, write_root_key
from gateway.vault.jwe import JweSealer, read_public_key
from gateway.vault.modes import leave_no_dump, make_closed_folder


def shanghai_now() -> datetime:
    """The present instant in Asia/Shanghai: the one place that reads the clock for the flow."""
    return datetime.now(SHANGHAI)


def jitter() -> float:
    """Between -1 and 1."""
    return secrets.randbelow(2_000_001) / 1_000_000 - 1


def new_lease() -> str:
    """A name that is not used a second time."""
    return secrets.token_hex(16)


def new_access_key() -> str:
    """A key nobody has yet, for a machine of an association."""
    return key_text(secrets.token_bytes(8), secrets.token_urlsafe(32))


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
        make_closed_folder((site.path / place).parent)
        write_root_key(site.path / place)
    return Vault.create(_vault_folder(site), suite=Suite(site.gateway.suite), root_key=root_key(site))


def _vault_folder(site: Site) -> Path:
    return site.path / "keys" / "vault"


def open_vault(site: Site) -> Vault:
    """The site's vault. Raises WrongUse if it was never made, or the root key is another one."""
    if not _vault_folder(site).is_dir():
        raise WrongUse("密钥库不存在；先运行 hubao keys init (no vault; run hubao keys init first)")
    leave_no_dump()
    vault = Vault.open_folder(_vault_folder(site), root_key(site))
    if vault.suite != Suite(site.gateway.suite):
        raise WrongUse("gateway.toml 的 suite 与密钥库不同 (suite differs from the vault's)")
    return vault


def open_database(site: Site, vault: Vault, *, clock: Clock = shanghai_now) -> Store:
    """The site's database, brought to the present schema and paired with its vault.

    Raises ForeignDatabase where the two do not belong together: then nothing was created, changed or migrated.
    """
    file = database_file(site.database_url(), site=site.path)
    pairing.refuse_lost_file(vault, exists=file is None or file.is_file())
    store = open_store(site.database_url(), site=site.path)
    try:
        pairing.examine(store, vault)
        upgrade(store)
        pairing.pair(store, vault, now=clock())
        with store.write() as tx:
            roster.ensure(tx, sorted(site.associations))
    except BaseException:
        store.close()
        raise
    return store


def not_our_own(site: Site) -> list[tuple[str, str]]:
    """(place, what is wrong) where keys are missing, or vault and database do not belong together. Makes nothing; a
    database on a server is not called."""
    if not _vault_folder(site).is_dir():
        return []
    vault = open_vault(site)
    wrong = [
        ("keys/vault", f"密钥 {key.number}（{key.purpose}）缺失 (a key that was given out is missing)")
        for key in vault.missing()
    ]
    file = database_file(site.database_url(), site=site.path)
    try:
        if file is not None and file.is_file():
            with closing(open_store(site.database_url(), site=site.path)) as store:
                pairing.examine(store, vault)
                wrong += [
                    ("keys/vault", f"数据库中的行所用的密钥 {number} 缺失 (rows name a key that is missing)")
                    for number in pairing.unaccounted(store, vault)
                ]
        elif file is not None:
            pairing.refuse_lost_file(vault, exists=False)
    except ForeignDatabase as error:
        wrong.append(("config/gateway.toml", str(error)))
    return wrong


def has_worked(site: Site) -> bool:
    """Whether keys and database of a site were made already; nothing is made by asking."""
    file = database_file(site.database_url(), site=site.path)
    return _vault_folder(site).is_dir() and (file is None or file.is_file())


def left_behind(site: Site, vault: Vault) -> pairing.LeftBehind:
    """What would be out of reach if the vault and the database that is there now belonged together; makes nothing."""
    file = database_file(site.database_url(), site=site.path)
    if file is not None and not file.is_file():
        return pairing.LeftBehind(belongs=False, lacking=[], tables=[], unnamed=vault.unnamed(()), rows={})
    with closing(open_store(site.database_url(), site=site.path)) as store:
        return pairing.left_behind(store, vault)


def adopt_database(site: Site, vault: Vault, *, by: str) -> Sequence[KeyName]:
    """Make the database that is there now (or a new one) this vault's. Returns the keys written off."""
    with closing(open_store(site.database_url(), site=site.path)) as store:
        upgrade(store)
        return pairing.adopt(store, vault, now=shanghai_now(), by=by)


def load_site(path: Path, registry: Registry = REGISTRY) -> Site:
    """The checked files of a site, whose connectors are those of the registry. Raises BadSettings, WrongUse."""
    return site_files.load_site(path, registry)


def with_files(site: Site, feed: str, files: FeedFiles) -> Site:
    """The site as it would be with these files of a feed. Raises BadSettings."""
    return site_files.with_files(site, feed, files, REGISTRY)


def feed_readiness(site: Site, feed: str) -> list[Finding]:
    """What would stop one feed, and the associations it serves, at night."""
    spec = site.feeds[feed]
    served = {name: site.associations[name] for name in spec.associations}
    return readiness(replace(site, feeds={feed: spec}, associations=served))


def try_for_gate(office: Office, feed: str, sample: Path | None, scope: TrialScope, by: str) -> GateTrials:
    """A try over the line of a feed that can list, and of a sample where there is one; nothing is stored."""
    trials = []
    try:
        if sample is not None:
            compiled = office.mapping_of(feed)
            with sample.open("rb") as file:
                trials.append(try_content(feed, compiled, parts_of(file, compiled.language), sample.name, scope))
        if office.feeds[feed].intake == "pull":
            # Which protocol a connector keeps follows from its feed's intake.
            trials.append(try_line(office, feed, cast("PullFeed", feed_connector(office, feed)), scope=scope, by=by))
    except WrongUse as error:
        return GateTrials(trials=trials, refused=str(error))
    return GateTrials(trials=trials)


def open_office(path: Path, *, clock: Clock = shanghai_now) -> Office:
    """Everything the use cases need for this site. Raises BadSettings, WrongUse, Unavailable."""
    return office_of(load_site(path), clock=clock)


def office_of(site: Site, *, clock: Clock = shanghai_now) -> Office:
    """An Office over a site whose files are already read."""
    collect_seldom()
    vault = open_vault(site)
    store = open_database(site, vault, clock=clock)
    return Office(
        site=site.path,
        gateway=site.gateway,
        store=store,
        vault=vault,
        clock=clock,
        feeds=site.feeds,
        mappings=site.compiled(),
        schemes=site.schemes,
        associations=site.associations,
        match_model=site.matching,
        start=_start(store, clock),
        first_version=restoring.first_version(store),
        scheme_digests=site.scheme_digests(),
    )


def _start(store: Store, clock: Clock) -> ProcessStart:
    """How this process begins. Only the machine's own clock is held against a counter that no change of it touches."""
    with store.read() as tx:
        newest = clock_marks.newest_trusted(tx)
        written = clock_marks.newest_written(tx) if newest is None else None
    if newest is None and written is not None:
        # Once and now: what this process writes must not be what the next one finds.
        with store.write() as tx:
            newest = clock_marks.begin_with(tx, written)
    return ProcessStart(
        process=secrets.token_hex(16),
        at=clock(),
        known_before=newest,
        steady=time.monotonic if clock is shanghai_now else None,
        steady_at=time.monotonic(),
    )


def feed_connector(office: Office, name: str) -> FeedConnector:
    """The connector of a feed, its secrets read. Raises WrongUse for a secret that is missing."""
    spec = office.feeds[name]
    around = msgspec.structs.replace(
        _surroundings(office, name),
        per_second=spec.rate.per_second,
        per_day=spec.rate.per_day,
        at_once=spec.rate.at_once,
        first_days=spec.window.first_days,
        overlap_days=spec.window.overlap_days,
        rows=rows_of_files(office.mapping_of(name).language.format),
    )
    with _said_of(f"config/feeds/{name}.toml [connector]"):
        connector: FeedConnector = spec.connector.way.make(spec.connector.options, around)
    return connector


@contextmanager
def watched_feed(office: Office, name: str) -> Iterator[tuple[FeedConnector, Sequence[WireExchange]]]:
    """A feed's connector, and what goes over its line while this lasts. Raises WrongUse as `feed_connector`."""
    with watching() as exchanges:
        yield feed_connector(office, name), exchanges


def push_tried(site: Site, name: str, body: bytes, headers: Mapping[str, str]) -> tuple[WireExchange, str] | None:
    """A push of this body as it would have to come, and what is wrong with the headers it came with, "" for nothing.
    None for a feed that is not pushed over HTTP."""
    options = site.feeds[name].connector.options
    if not isinstance(options, PushSpec):
        return None
    return tried_push(name, body, headers, partial(read_secret, options.secret, site=site.path))


def secret_texts(office: Office, name: str) -> list[str]:
    """The texts of a feed's secrets, so that none of them is shown by mistake."""
    options = office.feeds[name].connector.options.secrets()
    return [read_secret(option.name, site=office.site) for option in options]


def draft_of(draft: FeedDraft) -> str:
    """The file of a feed that is not in force yet. Raises WrongUse for an unknown kind, and BadSettings where
    an option must be told."""
    text = draft_text(draft, REGISTRY)
    file = f"config/feeds/{draft.feed}.toml"
    check(feed_file(REGISTRY), tomllib.loads(text, parse_float=Decimal), shown_as=file)
    return text


def kinds_of_feeds() -> list[str]:
    """Every way of taking records in, by its name."""
    return sorted(REGISTRY.feeds)


def options_to_tell(draft: FeedDraft) -> list[str]:
    """The options of a draft's connector that only a person can tell."""
    return scaffold.options_to_tell(draft, REGISTRY)


def parts_of(file: BinaryIO, language: MappingLanguage) -> Iterator[bytes]:
    """A file as the pages it would come in: cut between its rows where a page is full, as in a folder, so that one part
    at a time is held; else one page, of which no more is read than shows that it is too large."""
    try:
        plan = plan_file(file, rows_of_files(language.format), limit=MAX_PAGE_BYTES)
    except BadArchive:
        file.seek(0)
        yield file.read(MAX_PAGE_BYTES + 1)
        return
    yield from read_parts(file, plan) if plan.cuts else (b"",)


def sender(office: Office, association: str) -> Sender:
    """The connector that hands claims to an association. Raises WrongUse for a secret that is missing."""
    spec = office.associations[association]
    proof = spec.accepted.proof() if spec.accepted is not None else None
    around = msgspec.structs.replace(_surroundings(office, association), accepted=proof)
    with _said_of(f"config/associations/{association}.toml [delivery]"):
        if spec.sealing is not None:
            key = read_secret(spec.sealing.public_key, site=office.site)
            sealing = JweSealer(key) if spec.sealing.form == "jwe" else SmSealer(key)
            around = msgspec.structs.replace(around, sealing=sealing)
        return spec.delivery.way.make(spec.delivery.options, around)


@contextmanager
def _said_of(place: str) -> Iterator[None]:
    """What a connector cannot be made without is said with the file that names it."""
    try:
        yield
    except WrongUse as error:
        raise WrongUse(f"{place}：{error}；hubao check 说明怎样补上 (hubao check says how to set it)") from error


def _surroundings(office: Office, name: str) -> Surroundings:
    def read(secret: SecretName) -> str:
        return read_secret(secret, site=office.site)

    return Surroundings(
        name=name,
        site=office.site,
        clock=office.clock,
        read_secret=read,
        kept_name=partial(kept_name, office),
    )


def doors() -> Doors:
    """How a night reaches the outside from this process."""
    return Doors(
        feed=feed_connector,
        sender=sender,
        jitter=jitter,
        new_lease=new_lease,
        remote_times=remote_times,
        alarms=alarm_ways,
    )


def alarm_ways(office: Office) -> list[AlarmWay]:
    """Where findings are told, in the order of the file."""
    return [OfficeAlarm(partial(read_secret, name, site=office.site)) for name in office.gateway.alarms.to]


def remote_times(office: Office) -> Mapping[str, datetime]:
    """Machine → what its clock reads now, of every feed and association that answers, or did before."""
    lines = [feed.connector.options for feed in office.feeds.values()]
    for options in (*lines, *(association.delivery.options for association in office.associations.values())):
        options.unreachable(office.site)
    return remote_clocks.present()


REPLAY_SECONDS = 2 * webhook.TOLERANCE_SECONDS
"""For how long a signature may be good: a sender's clock may be ahead of ours as far as it may be behind."""


def look_at_headers(headers: Mapping[str, str], now: datetime) -> None:
    """Refuse a request of an association that its headers alone show to be unproved. Raises NotAuthentic."""
    webhook.check_headers(headers, now=int(now.timestamp()))


def verifier(office: Office, association: str) -> Verify:
    """How requests of an association prove themselves; of one that is not there or signs none, nobody's do. Raises
    WrongUse where the secret is missing or has another form."""
    spec = office.associations.get(association)
    name = spec.requests_secret if spec is not None else None
    secret = read_secret(name, site=office.site) if name else webhook.new_secret()
    form = spec.requests_signature if spec is not None else "hmac"
    return prover(form, secret)


def has_requests_secrets(office: Office) -> bool:
    """Whether the secret of every association that signs requests is there, in the form it must have."""
    named = ((spec.requests_signature, spec.requests_secret) for spec in office.associations.values())
    try:
        return all(CHECK_FORM[form](read_secret(name, site=office.site)) for form, name in named if name)
    except WrongUse:
        return False


def door_of_nobody(office: Office) -> ReceiveFeed:
    """Where pushes to a feed that is not there come in: it proves as any other, with a secret nobody has."""
    spec = PushSpec(secret=SecretName("env:NOBODY"))
    around = msgspec.structs.replace(_surroundings(office, "?"), read_secret=lambda _: webhook.new_secret())
    return Push(spec, around)


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


_KEY_FORMS = KeyForms(requests=requests_option, sealing=sealing_option(read_public_key), alarm=alarm_option)


def readiness(site: Site) -> list[Finding]:
    """What would stop a well-formed site at night; see `gateway.settings.site.readiness`."""
    late = site_files.readiness(site, today=shanghai_now().date(), forms=_KEY_FORMS)
    return [*late, *plain_http.not_allowed(site.feeds, site.associations)]


def secret_options(site: Site) -> list[tuple[str, SecretOption]]:
    """(settings file, secret) for every secret a site's files name."""
    return site_files.secret_options(site, forms=_KEY_FORMS)


def sign_webhook(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks over a body. `timestamp` in Unix seconds."""
    return webhook.sign(secret, message_id=message_id, timestamp=timestamp, body=body)


def new_webhook_secret() -> str:
    """A secret nobody has yet, of the form that pushes, deliveries and requests are signed with."""
    return webhook.new_secret()


def unreachable(site: Site) -> list[tuple[str, str]]:
    """(settings file, what went wrong) for every address and folder of a feed or association that does not answer."""
    connections = [(f"config/feeds/{name}.toml", feed.connector.options) for name, feed in site.feeds.items()]
    connections += [
        (f"config/associations/{name}.toml", association.delivery.options)
        for name, association in site.associations.items()
    ]
    return [(file, problem) for file, options in connections for problem in options.unreachable(site.path)]


def write_schemas(folder: Path) -> list[Path]:
    """Write the JSON Schemas of all settings files, every kind of connector among them; returns what changed."""
    return json_schema.write_schemas(folder, REGISTRY)
