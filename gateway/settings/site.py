"""A site: the folder of one installation. All its files are read together, and all findings shown together.

config/gateway.toml  config/feeds/  config/associations/  config/schemes/  mappings/  keys/  data/
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.core.match import Model
from gateway.core.normalise import CompiledMapping, compile_mapping
from gateway.core.schemes import SchemeFamily
from gateway.errors import BadSettings, Finding, WrongUse
from gateway.model.dated_keys import ends
from gateway.ports import ConnectorSpec, Registry, SecretName, SecretOption
from gateway.settings.associations import AssociationSpec, association_file
from gateway.settings.feeds import FeedSpec, feed_file
from gateway.settings.files import Spec, check, read_toml, tables_of
from gateway.settings.gateway import GatewaySpec
from gateway.settings.mappings import MappingSpec, check_mapping, load_mapping
from gateway.settings.matching import site_model
from gateway.settings.schemes import load_families
from gateway.settings.secrets import check_token, new_token, read_secret
from gateway.settings.versions import FeedFiles, finish_all, marks
from gateway.vault import make_root_key, parse_root_key
from gateway.vault.modes import open_to_others, others_may_write

T = TypeVar("T")
S = TypeVar("S", bound=Spec)

_MAKE_FOLDER = "已有的目录，相对于站点；请新建，或检查磁盘是否挂载 (a folder that is there: make it, or mount its disk)"


@dataclass(frozen=True)
class Site:
    """The checked files of a site."""

    path: Path
    gateway: GatewaySpec
    feeds: Mapping[str, FeedSpec]
    mappings: Mapping[str, MappingSpec]
    schemes: Mapping[str, SchemeFamily]
    associations: Mapping[str, AssociationSpec]
    matching: Model
    other_database: str | None = None
    """Where another database than the site's own is, such as a copy that is tried."""

    def database_url(self) -> str:
        """Where the database is: `HUBAO_DATABASE_URL`, or the gateway file."""
        return self.other_database or os.environ.get("HUBAO_DATABASE_URL") or self.gateway.database

    def scheme_digests(self) -> dict[str, str]:
        """Scheme → digest of what all its editions' files say, whatever their comments."""
        texts: dict[str, list[str]] = {name: [] for name in self.schemes}
        for file in sorted((self.path / "config" / "schemes").glob("*.toml")):
            tables = read_toml(file, shown_as=file.name)
            if tables.get("scheme") in texts:
                texts[tables["scheme"]].append(repr(tables))
        return {
            name: hashlib.sha256("\n".join(of_scheme).encode()).hexdigest()[:16] for name, of_scheme in texts.items()
        }

    def compiled(self) -> Mapping[str, CompiledMapping]:
        """Every mapping, ready to read pages once it is asked for."""
        return _CompiledOnDemand(self.mappings)


class _CompiledOnDemand(Mapping[str, CompiledMapping]):
    """A command of one league has no use for the mappings of the others."""

    def __init__(self, specs: Mapping[str, MappingSpec]) -> None:
        self._specs = specs
        self._compiled: dict[str, CompiledMapping] = {}

    def __getitem__(self, name: str) -> CompiledMapping:
        if name not in self._compiled:
            # Two threads may both compile one; whichever was first is kept, since who reads may compare by identity.
            self._compiled.setdefault(name, compile_mapping(self._specs[name].language()))
        return self._compiled[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


def load_site(path: Path, registry: Registry) -> Site:
    """Read and check every file; `registry` says which connectors files may name. A version of a feed that a kill left
    half in force is put in force first.

    Raises BadSettings with all findings, WrongUse where there is no site.
    """
    if not (path / "config" / "gateway.toml").is_file():
        raise WrongUse(f"{path} 不是站点目录；用 hubao init DIR 新建 (not a site folder; make one with hubao init DIR)")
    while True:
        findings: list[Finding] = []
        _try(findings, lambda: finish_all(path))
        before = marks(path)
        try:
            site = _read_site(path, registry, findings)
        except BadSettings:
            if marks(path) == before:
                raise
            continue
        # Some files may be of before and some of after what was put in force meanwhile.
        if marks(path) == before:
            return site


def _read_site(path: Path, registry: Registry, findings: list[Finding]) -> Site:
    """The files as they stand. Raises BadSettings with all findings, those given first among them."""
    gateway = _try(findings, lambda: _read(path, GatewaySpec, path / "config" / "gateway.toml"))
    feeds = _folder(findings, path, "config/feeds", feed_file(registry), "feed")
    associations = _folder(findings, path, "config/associations", association_file(registry), "association")
    mappings = {}
    for file in sorted((path / "mappings").glob("*.toml")):
        if not file.name.endswith(".test.toml"):
            mapping = _try(findings, lambda file=file: load_mapping(file, shown_as=_shown(path, file)))  # type: ignore[misc]
            if mapping is not None:
                mappings[file.stem] = mapping
    schemes = _try(findings, lambda: load_families(path / "config" / "schemes")) or {}
    matching = _try(findings, lambda: site_model(path)) if gateway else None
    findings += _cross(feeds, associations, mappings, schemes)
    if findings or gateway is None or matching is None:
        raise BadSettings(findings)
    return Site(path, gateway, feeds, mappings, schemes, associations, matching)


def with_files(site: Site, feed: str, files: FeedFiles, registry: Registry) -> Site:
    """The site as it would be with these files of a feed. Raises BadSettings with all findings."""
    shown, findings = f"config/feeds/{feed}.toml", list[Finding]()
    shown_mapping = f"mappings/{files.mapping_name}.toml"
    spec = _try(findings, lambda: check(feed_file(registry), tables_of(files.feed, shown_as=shown), shown_as=shown))
    mapping = _try(
        findings, lambda: check_mapping(tables_of(files.mapping, shown_as=shown_mapping), shown_as=shown_mapping)
    )
    if spec is not None and spec.feed != feed:
        findings.append(Finding(shown, "feed", repr(spec.feed), f"{feed!r}，与文件名一致 (the file's name)"))
    if spec is None or mapping is None:
        raise BadSettings(findings)
    mappings = {**site.mappings, files.mapping_name: mapping}
    findings += _cross({feed: spec}, site.associations, mappings, site.schemes)
    if findings:
        raise BadSettings(findings)
    return replace(site, feeds={**site.feeds, feed: spec}, mappings=mappings)


def _try(findings: list[Finding], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except BadSettings as error:
        findings += error.findings
        return None


def _shown(site: Path, path: Path) -> str:
    return path.relative_to(site).as_posix()


def _read(site: Path, spec: type[S], path: Path) -> S:
    shown = _shown(site, path)
    return check(spec, read_toml(path, shown_as=shown), shown_as=shown)


def _folder(findings: list[Finding], site: Path, folder: str, spec: type[S], key: str) -> dict[str, S]:
    """The files of a folder by name; a file must be called what it describes."""
    specs: dict[str, S] = {}
    for path in sorted((site / folder).glob("*.toml")):
        loaded = _try(findings, lambda path=path: _read(site, spec, path))  # type: ignore[misc]
        if loaded is None:
            continue
        name: str = getattr(loaded, key)
        if name != path.stem:
            findings.append(
                Finding(_shown(site, path), key, repr(name), f"{path.stem!r}，与文件名一致 (the file's name)")
            )
        specs[name] = loaded
    return specs


def _cross(
    feeds: Mapping[str, FeedSpec],
    associations: Mapping[str, AssociationSpec],
    mappings: Mapping[str, Any],
    schemes: Mapping[str, Any],
) -> list[Finding]:
    """Names in one file that must be found in another."""
    findings = []
    for name, feed in feeds.items():
        file = f"config/feeds/{name}.toml"
        if feed.mapping not in mappings:
            findings.append(Finding(file, "mapping", repr(feed.mapping), _names(mappings)))
        findings += [
            Finding(file, "associations", repr(name_used), _names(associations))
            for name_used in feed.associations
            if name_used not in associations
        ]
    for name, association in associations.items():
        findings += [
            Finding(f"config/associations/{name}.toml", "schemes", repr(name_used), _names(schemes))
            for name_used in association.schemes
            if name_used not in schemes
        ]
    return findings


def _names(named: Mapping[str, Any]) -> str:
    return "、".join(sorted(named)) or "（无 none）"


class KeyForms(msgspec.Struct, frozen=True, kw_only=True):
    """What keys of an association's file must be like that its connector does not know of: the form, the key of the
    option and the secret it names → the option. `requests` proves what it asks; claims are sealed to `sealing`; `alarm`
    is where findings are told: of the key of its option and the secret's name."""

    requests: Callable[[str, str, SecretName], SecretOption]
    sealing: Callable[[str, str, SecretName], SecretOption]
    alarm: Callable[[str, SecretName], SecretOption]


def readiness(site: Site, *, today: date, forms: KeyForms) -> list[Finding]:
    """What would stop a well-formed site at night: secrets that are missing or of the wrong form, folders that are not
    there, agreements that have run out. A feed that is switched off stops nothing."""
    findings = []
    site = replace(site, feeds={name: feed for name, feed in site.feeds.items() if feed.enabled})
    for name, feed in site.feeds.items():
        if feed.legal.expires < today:
            expired = feed.legal.expires.isoformat()
            findings.append(Finding(f"config/feeds/{name}.toml", "legal.expires", expired, f"≥ {today}"))
    for file, secret in secret_options(site, forms=forms):
        findings += _secret_finding(site, file, secret)
    return findings + _missing_folders(site)


def secret_options(site: Site, *, forms: KeyForms) -> list[tuple[str, SecretOption]]:
    """(settings file, secret) for every secret a site's files name."""
    options = []
    for name, feed in site.feeds.items():
        file = f"config/feeds/{name}.toml"
        options += [(file, secret) for secret in _secrets_of("connector", feed.connector.options)]
    for name, association in site.associations.items():
        file = f"config/associations/{name}.toml"
        options += [(file, secret) for secret in _secrets_of("delivery", association.delivery.options)]
        if association.requests is not None:
            requests = association.requests
            options.append((file, forms.requests(requests.signature, "requests.secret", requests.secret)))
        if association.sealing is not None:
            sealing = association.sealing
            options.append((file, forms.sealing(sealing.form, "sealing.public_key", sealing.public_key)))
    for number, name in enumerate(site.gateway.alarms.to, 1):
        options.append(("config/gateway.toml", forms.alarm(f"alarms.to[{number}]", name)))
    if (token := site.gateway.metrics.token) is not None:
        options.append(("config/gateway.toml", SecretOption("metrics.token", token, check_token, new_token)))
    root_key = SecretOption("root_key", site.gateway.root_key, parse_root_key, lambda: make_root_key().hex())
    return [*options, ("config/gateway.toml", root_key)]


def _secrets_of(table: str, options: ConnectorSpec) -> list[SecretOption]:
    return [msgspec.structs.replace(secret, key=f"{table}.{secret.key}") for secret in options.secrets()]


def _secret_finding(site: Site, file: str, secret: SecretOption) -> list[Finding]:
    kind, _, place = secret.name.partition(":")
    if kind == "file" and others_may_write(site.path / place):
        return [Finding(file, secret.key, f"{secret.name} 可被他人改写 (others may write it)", f"chmod 600 {place}")]
    try:
        text = read_secret(secret.name, site=site.path)
    except WrongUse:
        missing = f"{secret.name} 缺失或为空 (missing or empty)"
        return [Finding(file, secret.key, missing, how_to_get(secret))]
    try:
        secret.check_form(text)
    except WrongUse as error:
        return [Finding(file, secret.key, f"{secret.name} 格式不对 (of the wrong form)", str(error))]
    return []


def ended_keys(site: Site, secrets: Iterable[tuple[str, SecretOption]], *, today: date) -> list[Finding]:
    """Signing keys, each with its settings file, that are past their end, and the secrets of which no other is left."""
    findings = []
    for file, secret in secrets:
        try:
            dates = ends(read_secret(secret.name, site=site.path))
        except WrongUse:
            continue
        over = [number for number, end in enumerate(dates, 1) if end is not None and end < today]
        if over:
            which = "、".join(f"第{number}把" for number in over)
            left = "没有可用的了 (none is left)" if len(over) == len(dates) else "其余仍可用 (others are good)"
            words = f"{secret.name} {which}已过止日，不再使用和接受 (past their end)；{left}"
            findings.append(Finding(file, secret.key, words, "换新或删去 (put in a new one, or take it out)"))
    return findings


def open_secrets(site: Site, secrets: Iterable[tuple[str, SecretOption]]) -> list[Finding]:
    """Those of these secrets, each with its settings file, that stand in files which others may read."""
    reminders = []
    for file, secret in secrets:
        kind, _, place = secret.name.partition(":")
        if kind == "file" and open_to_others(site.path / place):
            words = f"{secret.name} 他人可读 (others may read it)"
            reminders.append(Finding(file, secret.key, words, f"chmod 600 {place}"))
    return reminders


def how_to_get(secret: SecretOption) -> str:
    """What an administrator does about a secret that is not there."""
    kind, _, place = secret.name.partition(":")
    if secret.key == "root_key" and kind == "file":
        return "先运行 hubao keys init (run hubao keys init first)"
    if secret.make is not None:
        return f"用 hubao secret new {place} 生成，并告知对方 (make it, and tell the other side)"
    return f"向对方索取，写入 {place} (ask the other side for it, and put it there)"


def _missing_folders(site: Site) -> list[Finding]:
    """Folders that connectors name and that are not there. Nobody but an administrator makes them: a folder made by
    itself would hide that a disk is not mounted."""
    tables = [(f"config/feeds/{name}.toml", "connector", feed.connector.options) for name, feed in site.feeds.items()]
    tables += [
        (f"config/associations/{name}.toml", "delivery", association.delivery.options)
        for name, association in site.associations.items()
    ]
    return [
        Finding(file, f"{table}.{folder.key}", f"目录 {folder.name} 不存在 (no such folder)", _MAKE_FOLDER)
        for file, table, options in tables
        for folder in options.folders()
        if not (site.path / folder.name).is_dir()
    ]


def warnings(associations: Mapping[str, AssociationSpec]) -> list[Finding]:
    """What works today and should be written differently: an association without a secret of its own for requests, or
    without a word about what its answers must say."""
    reminders = []
    for name, association in associations.items():
        file = f"config/associations/{name}.toml"
        if association.requests is None and association.requests_secret is not None:
            missing = "缺失，暂用送达的密钥 (missing: the secret of its deliveries is used)"
            allowed = "协会请求自己的密钥 (a secret of its own for the association's requests)"
            reminders.append(Finding(file, "requests.secret", missing, allowed))
        if association.accepted is None and association.delivery.options.needs_proof():
            missing = "缺失：只有写明申领号的答复算收下 (missing: only answers that name the claim count)"
            allowed = "怎样的答复算收下，见 config/associations/README.md (what an answer must say)"
            reminders.append(Finding(file, "accepted", missing, allowed))
    return reminders
