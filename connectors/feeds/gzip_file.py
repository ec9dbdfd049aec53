"""One very large file a day, packed with gzip: in a folder of ours or over SFTP, cut into pages while it is unpacked.

It is unpacked twice and never held whole: once to know its digest, its parts and whether it is sound, before a page of
it is stored; once for the pages. After a break the parts that are stored are unpacked over once, and not handed out
again. Of a damaged file comes what is surely right, it stays where it is, and it never counts as read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, BinaryIO, ClassVar, Protocol, cast

from msgspec import Meta

from connectors.feeds.folder import LONG_NUMBER, DroppedFile, FileDrop, FolderSpec
from connectors.feeds.sftp import Sftp, SftpSpec
from connectors.transport.gzip_text import WHY, GzipText
from connectors.transport.parts import FileCuts, plan_file
from connectors.transport.places import local_place
from gateway.model.page import Notice
from gateway.ports import PullWay, Surroundings

_BUFFER = 1024 * 1024
_PART = 4 * 1024 * 1024
"""A part is a page, and of so many pages several are in hand at once: smaller ones cost the machine less memory."""

MostMib = Annotated[int, Meta(ge=1, le=65_536)]
"""How many MiB a file may be unpacked."""

LargestRatio = Annotated[int, Meta(ge=2, le=1032)]
"""How many times larger than packed; deflate reaches 1032, settlements as text about twenty."""


class GzipFolderSpec(FolderSpec, frozen=True, kw_only=True):
    """Files packed with gzip, dropped in a folder. What is larger than `most_mib` unpacked, or packed better than
    `largest_ratio`, is refused."""

    pattern: str = "*.gz"
    most_mib: MostMib = 8192
    largest_ratio: LargestRatio = 200


class GzipSftpSpec(SftpSpec, frozen=True, kw_only=True):
    """Files packed with gzip on another machine, over SFTP, under the same limits as in a folder."""

    pattern: str = "*.gz"
    most_mib: MostMib = 8192
    largest_ratio: LargestRatio = 200


class UnpackOptions(Protocol):
    """How much may come of a file."""

    @property
    def most_mib(self) -> int: ...

    @property
    def largest_ratio(self) -> int: ...


class _Unpacking(FileDrop):
    """A drop whose files are read through gzip."""

    resumes: ClassVar[bool] = True
    _options: UnpackOptions

    @contextmanager
    def _contents(self, file: BinaryIO, shown: str) -> Iterator[list[tuple[str, BinaryIO]]]:
        most_bytes = self._options.most_mib * 1024 * 1024
        text = GzipText(file, most_bytes=most_bytes, largest_ratio=self._options.largest_ratio)
        yield [("", io.BufferedReader(text, _BUFFER))]

    def _planned(self, stream: BinaryIO, dropped: DroppedFile) -> FileCuts:
        """Of a damaged file only as far as it can be believed, and to the end of a line; that is a notice."""
        plan = super()._planned(stream, dropped)
        text = cast(GzipText, cast(io.BufferedReader, stream).raw)
        if text.damage is None:
            return plan
        shown = LONG_NUMBER.sub("***", dropped.file.shown)
        self._notices.append(Notice(kind="file_damaged", count=1, detail=f"{shown}（{WHY[text.damage]}）"))
        text.end_at(text.believed)
        stream.seek(0)
        return plan_file(stream, self._rows, limit=self._limit, whole=False)


class GzipFolder(_Unpacking):
    """A PullFeed over a folder of this machine."""

    def __init__(self, spec: GzipFolderSpec, around: Surroundings, **options: Any) -> None:
        super().__init__(spec, around, local_place(spec, around), **{"limit": _PART, **options})
        self._options = spec


class GzipSftp(_Unpacking, Sftp):
    """A PullFeed over a folder of another machine."""

    def __init__(self, spec: GzipSftpSpec, around: Surroundings, **options: Any) -> None:
        Sftp.__init__(self, spec, around, **{"limit": _PART, **options})
        self._options = spec


FOLDER_WAY = PullWay(spec=GzipFolderSpec, make=GzipFolder)
SFTP_WAY = PullWay(spec=GzipSftpSpec, make=GzipSftp)
