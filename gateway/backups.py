"""`hubao backup` and `restore`: database and settings are copied into one folder, the keys into another; tried at once.

A copy is written with its manifest last, so that a folder without one is none. Keys and database never lie together:
whoever has one of the two folders alone reads nobody's data. Nothing is overwritten or deleted by either command.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from gateway import __version__, wiring
from gateway.errors import WrongUse
from gateway.flow.batches.reconcile import lost, reconcile
from gateway.flow.office import Office
from gateway.flow.site import restoring
from gateway.flow.site.restoring import RestoreReport
from gateway.flow.site.trying_copies import count_unopened
from gateway.model.backup import BackupManifest, CopiedFile
from gateway.ports import Clock
from gateway.settings.site import Site
from gateway.store import site as site_rows
from gateway.store.copying import copy_database, copy_name, put_database, refuse_damaged
from gateway.store.engine import database_file, open_store
from gateway.store.migrate import newest, revision
from gateway.vault.modes import make_closed_folder

MANIFEST: Final = "manifest.json"
SETTINGS: Final = ("config", "mappings")
_CHUNK: Final = 1024 * 1024


class RehearsalReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy is worth, found by using it: days reconciled, rows that are in no class, days with differences, and
    how many of the newest sealed things do not open."""

    days: int
    lost: int
    differing: int
    tried: int
    unopened: int

    @property
    def proved(self) -> bool:
        """Whether the copy can stand for the original."""
        return not (self.lost or self.unopened)


class BackupReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written; `rehearsal` None where nothing was tried."""

    folder: str
    at: datetime
    size: int
    rows: dict[str, int]
    keys: str | None
    rehearsal: RehearsalReport | None


def back_up(
    site: Site,
    folder: Path,
    *,
    keys: Path | None,
    rehearse_in: str | None,
    clock: Clock = wiring.shanghai_now,
) -> BackupReport:
    """Copy a site at work. `keys`: where the key folder is copied to, too; `rehearse_in`: an empty database to try the
    copy in, where the site's own is on a server; "" to try nothing. Raises WrongUse, Unavailable."""
    refuse_places(site, folder, keys)
    office = wiring.office_of(site, clock=clock)
    try:
        manifest = _write_copy(site, office, folder)
        if keys is not None:
            # Behind the database, so that no key its rows name is missing.
            shutil.copytree(
                site.path / "keys", keys, ignore=shutil.ignore_patterns("lock", ".writing"), dirs_exist_ok=True
            )
            keys.chmod(0o700)
    finally:
        office.store.close()
    tried = None if rehearse_in == "" else rehearse(site, folder, manifest, rehearse_in)
    return BackupReport(
        folder=str(folder),
        at=manifest.at,
        size=sum(file.size for file in manifest.files),
        rows=manifest.rows,
        keys=str(keys) if keys is not None else None,
        rehearsal=tried,
    )


def refuse_places(site: Site, folder: Path, keys: Path | None) -> None:
    """Raises WrongUse for folders that are not empty, and where keys and database would lie together."""
    for place in (folder, *([keys] if keys is not None else [])):
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise WrongUse(f"{place} 不是空目录 (not an empty folder)")
    if keys is not None:
        place, apart = folder.resolve(), keys.resolve()
        if place == apart or place in apart.parents or apart in place.parents:
            raise WrongUse("密钥与数据库的备份须分开存放 (keys and database must not lie together)")
    if (site.path / "keys").resolve() in (folder.resolve(), *folder.resolve().parents):
        raise WrongUse("数据库备份不能放进密钥目录 (not into the key folder)")


def _write_copy(site: Site, office: Office, folder: Path) -> BackupManifest:
    make_closed_folder(folder)
    at = office.now()
    copy_database(site.database_url(), site=site.path, file=folder / copy_name(site.database_url()))
    for name in SETTINGS:
        if (site.path / name).is_dir():
            shutil.copytree(site.path / name, folder / name)
    with office.store.read() as tx:
        site_id, schema, rows = site_rows.site_id(tx), revision(tx), site_rows.rows(tx)
    manifest = BackupManifest(
        form=1,
        program=__version__,
        site=(site_id or b"").hex(),
        at=at,
        database="postgresql" if office.store.postgres else "sqlite",
        schema=schema or "",
        rows=rows,
        files=[_copied(folder, path) for path in sorted(folder.rglob("*")) if path.is_file()],
    )
    unfinished = folder / f".{MANIFEST}"
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    unfinished.rename(folder / MANIFEST)
    return manifest


def _copied(folder: Path, path: Path) -> CopiedFile:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return CopiedFile(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=digest.hexdigest())


def read_manifest(folder: Path) -> BackupManifest:
    """What a copy says it holds. Raises WrongUse where it is none or not what was written, with all that is wrong."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=BackupManifest)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUse(f"{folder} 不是备份：没有 {MANIFEST} (no copy: it has no manifest)") from None
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise WrongUse(f"{folder}/{MANIFEST} 读不懂，或由更新的程序写成 (unreadable, or of a newer program)") from None
    wrong = [_wrong_with(folder, file) for file in manifest.files]
    if manifest.form != 1 or any(wrong):
        raise WrongUse("备份不完整 (the copy is not whole)：" + "；".join(filter(None, wrong)))
    return manifest


def _wrong_with(folder: Path, file: CopiedFile) -> str:
    path = folder / file.path
    if ".." in Path(file.path).parts or Path(file.path).is_absolute() or not path.is_file():
        return f"缺少 {file.path} (missing)"
    return "" if _copied(folder, path).sha256 == file.sha256 else f"{file.path} 被改动过 (changed)"


def rehearse(site: Site, folder: Path, manifest: BackupManifest, scratch: str | None) -> RehearsalReport | None:
    """Open a copy with the site's own keys and settings, reconcile it, and open the newest of what it holds sealed.

    None where it needs a database of its own and none was named. Raises WrongUse, Unavailable.
    """
    if manifest.database == "postgresql" and not scratch:
        return None
    with TemporaryDirectory(prefix="rehearsal-", dir=folder.parent) as place:
        url = (
            scratch if manifest.database == "postgresql" and scratch else f"sqlite:///{Path(place).resolve()}/tried.db"
        )
        put_database(url, site=site.path, file=folder / copy_name(url), aside="")
        office = wiring.office_of(replace(site, other_database=url))
        try:
            sheets = reconcile(office)
            tried, unopened = count_unopened(office)
        finally:
            office.store.close()
    return RehearsalReport(
        days=len(sheets),
        lost=lost(sheets),
        differing=sum(1 for sheet in sheets if sheet.differences),
        tried=tried,
        unopened=unopened,
    )


def restore(
    site: Site, folder: Path, *, by: str, clock: Clock = wiring.shanghai_now
) -> tuple[RestoreReport, Path | None]:
    """Put a copy in the place of this site's database; what stood there is moved aside (second value).

    Nothing may be at work at the site meanwhile. Raises WrongUse, Unavailable.
    """
    manifest = read_manifest(folder)
    vault = wiring.open_vault(site)
    wrong = not_to_be_restored(site, manifest, vault.site_id())
    if wrong:
        raise WrongUse("\n".join(wrong))
    refuse_damaged(folder / copy_name(site.database_url()))
    aside = f"before-restore-{clock():%Y%m%d%H%M%S}"
    moved = put_database(site.database_url(), site=site.path, file=folder / copy_name(site.database_url()), aside=aside)
    office = wiring.office_of(site, clock=clock)
    try:
        return restoring.begin_after_restore(office, copied_at=manifest.at, by=by), moved
    finally:
        office.store.close()


def not_to_be_restored(site: Site, manifest: BackupManifest, site_id: bytes | None) -> list[str]:
    """All that speaks against putting this copy here."""
    url = site.database_url()
    kind = "sqlite" if database_file(url, site=site.path) is not None else "postgresql"
    wrong = []
    if site_id is None or site_id.hex() != manifest.site:
        wrong.append("备份属于另一站点，或密钥目录不是它的 (the copy is of another site, or the keys are)")
    if manifest.database != kind:
        wrong.append(f"备份是 {manifest.database}，站点用 {kind} (another kind of database)")
    if manifest.schema > newest():
        wrong.append(f"备份由更新的程序写成（{manifest.program}），请先升级 (of a newer program: upgrade first)")
    if kind == "postgresql" and not wrong:
        with closing(open_store(url, site=site.path)) as store, store.read() as tx:
            if not site_rows.is_empty(tx):
                wrong.append(
                    "PostgreSQL 数据库不是空的：请新建空库，改 database 地址后再恢复 (restore into an empty one)"
                )
    return wrong
