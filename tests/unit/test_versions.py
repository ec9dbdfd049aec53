"""Versions of a feed's files: kept whole, never twice, and whatever moment a kill comes, the old ones or the new."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import wiring
from gateway.core.schemes import SchemeFamily
from gateway.errors import BadSettings, WrongUse
from gateway.settings import site as site_files
from gateway.settings import versions
from gateway.settings.mappings import MappingSpec
from gateway.settings.shipped import write_site
from gateway.settings.versions import FeedFiles, VersionDeed, finish_all, keep, put_in_force, state_of, version_files


class Killed(BaseException):
    """The process ends here."""


def files(edition: int) -> FeedFiles:
    return FeedFiles(
        mapping_name="north",
        feed=f'feed = "north"\r\nversion = {edition}\r\n',
        mapping=f"version = {edition}\n",
        tests=f"# {edition}\n[[cases]]\n",
    )


def deed(what: versions.Deed = "activate") -> VersionDeed:
    return VersionDeed(version=0, digest="", mapping_name="", deed=what, at="2026-11-30T08:00:00+08:00", by="甲")


def in_site(site: Path) -> FeedFiles:
    return versions.files_of(site, "north", "north")


def test_versions_are_numbered_and_what_was_kept_is_not_kept_twice(tmp_path: Path) -> None:
    assert put_in_force(tmp_path, "north", files(1), deed()) == 1
    assert put_in_force(tmp_path, "north", files(2), deed()) == 2
    assert in_site(tmp_path) == files(2)
    assert put_in_force(tmp_path, "north", version_files(tmp_path, "north", 1), deed("back")) == 1
    # Line ends too are those that were kept.
    assert in_site(tmp_path) == files(1)
    state = state_of(tmp_path, "north")
    assert [(done.version, done.deed) for done in state.deeds] == [(1, "activate"), (2, "activate"), (1, "back")]
    assert state.in_force == 1
    assert keep(tmp_path, "north", files(3), deed("set_aside")) == 3
    assert state_of(tmp_path, "north").in_force == 1
    assert in_site(tmp_path) == files(1)


def test_comments_are_no_difference_and_a_value_is_one(tmp_path: Path) -> None:
    assert not versions.differs_from_in_force(tmp_path, "north", "north")
    put_in_force(tmp_path, "north", files(1), deed())
    place = tmp_path / "mappings/north.toml"
    place.write_text("# mine\nversion = 1\n", encoding="utf-8")
    assert not versions.differs_from_in_force(tmp_path, "north", "north")
    place.write_text("version = 7\n", encoding="utf-8")
    assert versions.differs_from_in_force(tmp_path, "north", "north")


def test_what_is_not_what_was_kept_is_not_put_in_force(tmp_path: Path) -> None:
    put_in_force(tmp_path, "north", files(1), deed())
    (tmp_path / "versions/north/1/mapping.toml").write_text("version = 99\n", encoding="utf-8")
    with pytest.raises(WrongUse, match="versions/north/1"):
        version_files(tmp_path, "north", 1)
    with pytest.raises(WrongUse, match="第5版"):
        version_files(tmp_path, "north", 5)
    (tmp_path / "versions/north/state.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadSettings, match=r"state\.json"):
        state_of(tmp_path, "north")


def test_a_site_read_while_a_version_is_put_in_force_is_of_one_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has the feed file of before; then another process puts a new version in force, mapping and all."""
    shipped = tmp_path / "site"
    write_site(shipped, ["hinggan"])
    old = versions.files_of(shipped, "hinggan", "hinggan")
    put_in_force(shipped, "hinggan", old, deed())
    new = FeedFiles(
        mapping_name="hinggan",
        feed=old.feed.replace("version = 1", "version = 2"),
        mapping=old.mapping.replace("version = 1", "version = 2"),
        tests=old.tests,
    )
    read, times = site_files.load_families, iter(range(9))

    def meanwhile(folder: Path) -> dict[str, SchemeFamily]:
        # Schemes are read last.
        if next(times) == 0:
            put_in_force(shipped, "hinggan", new, deed())
        return read(folder)

    read_mapping, mappings_read = site_files.load_mapping, list[str]()

    def noted(path: Path, *, shown_as: str) -> MappingSpec:
        mappings_read.append(path.stem)
        return read_mapping(path, shown_as=shown_as)

    monkeypatch.setattr(site_files, "load_families", meanwhile)
    monkeypatch.setattr(site_files, "load_mapping", noted)
    site = wiring.load_site(shipped)
    assert (site.feeds["hinggan"].version, site.mappings["hinggan"].version) == (2, 2)
    assert mappings_read.count("hinggan") == 2


@pytest.mark.parametrize("half", [False, True], ids=["before the rename", "after it"])
@pytest.mark.parametrize("moment", range(8))
def test_a_kill_leaves_the_old_files_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, half: bool
) -> None:
    """Three files are kept, the state says so, three files are replaced, the state is done: eight writings."""
    put_in_force(tmp_path, "north", files(1), deed())
    replace, writings = versions._replace, iter(range(100))

    def mortal(place: Path, text: str) -> None:
        dies = next(writings) == moment
        if half or not dies:
            replace(place, text)
        if dies:
            raise Killed

    monkeypatch.setattr(versions, "_replace", mortal)
    with pytest.raises(Killed):
        put_in_force(tmp_path, "north", files(2), deed())
    monkeypatch.undo()
    finish_all(tmp_path)
    is_new = moment > 3 or (moment == 3 and half)
    assert in_site(tmp_path) == files(2 if is_new else 1)
    state = state_of(tmp_path, "north")
    assert (state.in_force, state.pending) == (2 if is_new else 1, None)
    # Tried again it is the same version, and what a kill left is in nobody's way.
    assert put_in_force(tmp_path, "north", files(2), deed()) == 2
    assert in_site(tmp_path) == files(2)
