"""versions/<feed>/: every version of a feed that was put in force, and which of them is: never changed, only added to.

versions/<feed>/<number>/feed.toml, mapping.toml, tests.toml    the three files as they were put in force
versions/<feed>/state.json                                      who put which in force, when; and what is under way
versions/<feed>/lock                                            held (flock) while one is put in force

Putting a version in force is three steps: its files are kept whole, `state.json` says that it is `pending`, the files
of the site are replaced one by one and the state says that it is done. Whoever reads the site next finishes what was
pending, so that a kill leaves either what was in force before or the new version, and never some files of each.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.errors import BadSettings, Finding, WrongUse

FOLDER: Final = "versions"
_STATE: Final = "state.json"
_UNFINISHED: Final = ".unfinished"
_NAMES: Final = ("feed.toml", "mapping.toml", "tests.toml")

Deed = Literal["activate", "back", "set_aside"]
"""Put in force; gone back to; only kept, because its files were about to be replaced."""


class FeedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The three files of a feed as text, and the name of its mapping. `tests` is empty where there is no such file."""

    mapping_name: str
    feed: str
    mapping: str
    tests: str = ""

    @property
    def texts(self) -> tuple[str, str, str]:
        """The texts in the order they are kept in."""
        return self.feed, self.mapping, self.tests

    @property
    def digest(self) -> str:
        """16 hexadecimal signs of the SHA-256 of the files."""
        return hashlib.sha256("\x00".join((self.mapping_name, *self.texts)).encode()).hexdigest()[:16]

    def says_the_same(self, another: FeedFiles) -> bool:
        """Whether both mean the same, whatever their comments; a file that is no TOML means nothing else."""
        try:
            pairs = [tuple(map(tomllib.loads, pair)) for pair in zip(self.texts, another.texts, strict=True)]
        except tomllib.TOMLDecodeError:
            return self.texts == another.texts
        return self.mapping_name == another.mapping_name and all(left == right for left, right in pairs)


class VersionDeed(msgspec.Struct, frozen=True, kw_only=True):
    """A version was put in force, gone back to, or set aside: by whom, when (ISO 8601), why."""

    version: int
    digest: str
    mapping_name: str
    deed: Deed
    at: str
    by: str
    note: str = ""


class VersionState(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in order; `pending`: begun and perhaps not finished."""

    deeds: tuple[VersionDeed, ...] = ()
    pending: VersionDeed | None = None

    @property
    def in_force(self) -> int:
        """The number of the version in force; 0 where none was ever put in force so."""
        return next((deed.version for deed in reversed(self.deeds) if deed.deed != "set_aside"), 0)

    def of(self, version: int) -> VersionDeed | None:
        """The first deed about a version."""
        return next((deed for deed in self.deeds if deed.version == version), None)

    def number_of(self, digest: str) -> int:
        """The number under which files with this digest are kept, 0 where they are not."""
        return next((deed.version for deed in self.deeds if deed.digest == digest), 0)


def files_of(site: Path, feed: str, mapping_name: str) -> FeedFiles:
    """The files of a feed as they stand in the site. Raises BadSettings where feed or mapping file cannot be read."""
    feed_file, mapping_file, tests_file = _places(site, feed, mapping_name)
    return FeedFiles(
        mapping_name=mapping_name,
        feed=_text(site, feed_file),
        mapping=_text(site, mapping_file),
        tests=_text(site, tests_file) if tests_file.is_file() else "",
    )


def _places(site: Path, feed: str, mapping_name: str) -> tuple[Path, Path, Path]:
    mappings = site / "mappings"
    feed_file = site / "config" / "feeds" / f"{feed}.toml"
    return feed_file, mappings / f"{mapping_name}.toml", mappings / f"{mapping_name}.test.toml"


def _text(site: Path, path: Path) -> str:
    shown = path.relative_to(site).as_posix()
    try:
        return _exactly(path)
    except UnicodeDecodeError as error:
        raise BadSettings([Finding(shown, "-", f"byte {error.start} is not UTF-8", "UTF-8")]) from None
    except OSError as error:
        raise BadSettings([Finding(shown, "-", error.strerror or "unreadable", "a readable file")]) from error


def _exactly(path: Path) -> str:
    """A file's text with its own line ends."""
    return path.read_bytes().decode()


def state_of(site: Path, feed: str) -> VersionState:
    """What was done with a feed's versions. Raises BadSettings where its state cannot be read."""
    file = site / FOLDER / feed / _STATE
    try:
        return msgspec.json.decode(file.read_bytes(), type=VersionState)
    except FileNotFoundError:
        return VersionState()
    except (OSError, msgspec.MsgspecError) as error:
        shown, what = f"{FOLDER}/{feed}/{_STATE}", type(error).__name__
        raise BadSettings([Finding(shown, "-", what, "从备份恢复这个文件 (restore it from the backup)")]) from error


def version_files(site: Path, feed: str, version: int) -> FeedFiles:
    """A version as it was kept. Raises WrongUse where there is none of this number, or it is not what was kept."""
    deed = state_of(site, feed).of(version)
    if deed is None:
        raise WrongUse(f"{feed} 没有第{version}版；hubao feed history {feed} 列出全部 (no such version)")
    folder = site / FOLDER / feed / str(version)
    try:
        texts = [_exactly(folder / name) for name in _NAMES]
    except (OSError, UnicodeDecodeError):
        texts = ["", "", ""]
    files = FeedFiles(mapping_name=deed.mapping_name, feed=texts[0], mapping=texts[1], tests=texts[2])
    if files.digest != deed.digest:
        raise WrongUse(
            f"{FOLDER}/{feed}/{version} 与当初保存的不同，请从备份恢复 (it is not what was kept: restore it)"
        )
    return files


def differs_from_in_force(site: Path, feed: str, mapping_name: str) -> bool:
    """Whether the files of a feed say something else than the version in force; no where none was put in force so."""
    state = state_of(site, feed)
    if not state.in_force:
        return False
    return not files_of(site, feed, mapping_name).says_the_same(version_files(site, feed, state.in_force))


def keep(site: Path, feed: str, files: FeedFiles, deed: VersionDeed) -> int:
    """Keep files that are about to be replaced, without putting them in force; returns their number."""
    with _alone(site, feed) as folder:
        state = state_of(site, feed)
        deed = _kept_as(folder, state, files, deed)
        _write_state(folder, msgspec.structs.replace(state, deeds=(*state.deeds, deed)))
    return deed.version


def put_in_force(site: Path, feed: str, files: FeedFiles, deed: VersionDeed) -> int:
    """Keep a version and make it the one in force; returns its number. `deed.version` and `deed.digest` follow from the
    files: what was kept before is not kept twice."""
    with _alone(site, feed) as folder:
        _finish(site, feed, folder)
        state = state_of(site, feed)
        deed = _kept_as(folder, state, files, deed)
        _write_state(folder, msgspec.structs.replace(state, pending=deed))
        _finish(site, feed, folder)
    return deed.version


def marks(site: Path) -> dict[str, int]:
    """Feed → when its state was last written (nanoseconds): whether something was put in force since one looked."""
    return {file.parent.name: file.stat().st_mtime_ns for file in (site / FOLDER).glob(f"*/{_STATE}")}


def finish_all(site: Path) -> None:
    """Finish what a kill left half done. Raises BadSettings where that cannot be."""
    for file in sorted((site / FOLDER).glob(f"*/{_STATE}")):
        feed = file.parent.name
        if state_of(site, feed).pending is None:
            continue
        try:
            with _alone(site, feed) as folder:
                _finish(site, feed, folder)
        except OSError as error:
            shown, what = f"{FOLDER}/{feed}", error.strerror or type(error).__name__
            allowed = "请以可写站点的用户运行一次 hubao check (run it once as a user who may write the site)"
            raise BadSettings([Finding(shown, _STATE, f"启用尚未完成：{what} (unfinished)", allowed)]) from error


def _finish(site: Path, feed: str, folder: Path) -> None:
    """Whatever is pending is written whole; written twice it is the same."""
    state = state_of(site, feed)
    if state.pending is None:
        return
    deed = state.pending
    texts = [_exactly(folder / str(deed.version) / name) for name in _NAMES]
    for place, text in zip(_places(site, feed, deed.mapping_name), texts, strict=True):
        # Where a version had no tests, those of another stay: they are nobody's in force.
        if text or place.suffixes != [".test", ".toml"]:
            _replace(place, text)
    _write_state(folder, VersionState(deeds=(*state.deeds, deed)))


def _kept_as(folder: Path, state: VersionState, files: FeedFiles, deed: VersionDeed) -> VersionDeed:
    """The deed with the number under which its files are kept from now on."""
    version = state.number_of(files.digest)
    if not version:
        version = 1 + max((deed.version for deed in state.deeds), default=0)
        unfinished = folder / _UNFINISHED
        unfinished.mkdir(exist_ok=True)
        for name, text in zip(_NAMES, files.texts, strict=True):
            _replace(unfinished / name, text)
        # A folder of this number that no deed names was left by a kill before it was said.
        _let_go(folder / str(version))
        unfinished.rename(folder / str(version))
        _make_durable(folder)
    return msgspec.structs.replace(deed, version=version, digest=files.digest, mapping_name=files.mapping_name)


def _let_go(folder: Path) -> None:
    for name in _NAMES:
        (folder / name).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        folder.rmdir()


def _write_state(folder: Path, state: VersionState) -> None:
    _replace(folder / _STATE, msgspec.json.format(msgspec.json.encode(state), indent=1).decode() + "\n")


def _replace(place: Path, text: str) -> None:
    """A file as a whole or not at all, durable before this returns."""
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}{_UNFINISHED}")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if place.exists():
        shutil.copymode(place, unfinished)
    unfinished.replace(place)
    _make_durable(place.parent)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(site: Path, feed: str) -> Iterator[Path]:
    """The folder of a feed's versions, for one process at a time."""
    folder = site / FOLDER / feed
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield folder
