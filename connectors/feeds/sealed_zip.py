"""A zip under a password, dropped in a folder: each file in it is cut into pages as a file of its own would be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, BinaryIO

from msgspec import Meta

from connectors.feeds.folder import FileDrop, FolderSpec, name_pattern
from connectors.transport.places import local_place
from gateway.model.page import Notice
from gateway.ports import PullWay, SecretName, Surroundings


class SealedZipSpec(FolderSpec, frozen=True, kw_only=True):
    """Zip files under a password (AES), dropped in a folder; `members` says which files in them are read."""

    pattern: str = "*.zip"
    password: SecretName
    members: str = "*.csv"
    most_mib: Annotated[int, Meta(ge=1, le=16_384)] = 1024


class SealedZip(FileDrop):
    """A PullFeed over a folder of this machine. A zip that cannot be opened stays where it is and stops no other."""

    def __init__(self, spec: SealedZipSpec, around: Surroundings, **options: Any) -> None:
        super().__init__(spec, around, local_place(spec, around), **options)
        self._password = around.read_secret(spec.password).encode()
        self._members, self._most_bytes = name_pattern(spec.members), spec.most_mib * 1024 * 1024

    @contextmanager
    def _contents(self, file: BinaryIO, shown: str) -> Iterator[list[tuple[str, BinaryIO]]]:
        # The library is loaded for who needs it: every command would wait for it.
        from connectors.transport.archives import open_archive

        members, others = open_archive(
            file, password=self._password, is_wanted=self._is_wanted, most_bytes=self._most_bytes
        )
        if others:
            self._notices.append(Notice(kind="members_passed_over", count=others, detail=shown))
        yield [(member.name, member.content) for member in members]

    def _is_wanted(self, name: str) -> bool:
        return self._members.fullmatch(name.replace("\\", "/").rpartition("/")[2]) is not None


WAY = PullWay(spec=SealedZipSpec, make=SealedZip)
