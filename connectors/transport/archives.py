"""Files inside of a zip under a password: the one door to pyzipper.

Nothing is unpacked on a disk: a member is read as a stream. What an archive says of itself is believed for nothing but
refusing it: paths that leave the folder, archives inside of it, sizes beyond the limit, and one that is not sealed.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final

import msgspec
import pyzipper

from connectors.transport.forward import ForwardFile
from connectors.transport.places import BadArchive

MOST_MEMBERS: Final = 200
_LARGEST_RATIO: Final = 400
"""Settlements as text become a twentieth; four hundred times smaller is made to burst."""

_ARCHIVE_NAMES: Final = (".zip", ".rar", ".7z", ".gz", ".tar", ".tgz", ".bz2", ".xz")
_ARCHIVE_BYTES: Final = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b")
_UTF_8: Final = 0x800
_SEALED: Final = 0x1

_DAMAGE: Final = (
    pyzipper.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
    OverflowError,
    LookupError,
)
"""What the library raises for bytes that came wrong."""


class ArchiveMember(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an archive that is asked for: its name as people wrote it, and its content."""

    name: str
    content: BinaryIO


def open_archive(
    file: BinaryIO, *, password: bytes, is_wanted: Callable[[str], bool], most_bytes: int
) -> tuple[list[ArchiveMember], int]:
    """The wanted members of a sealed zip in order of name, and how many others it holds. Raises BadArchive."""
    try:
        archive = pyzipper.AESZipFile(file)
        archive.setpassword(password)
        described = [entry for entry in archive.infolist() if not entry.is_dir()]
    except _DAMAGE:
        raise BadArchive("不是完整的 zip 文件 (not a whole zip file)") from None
    _refuse(described, most_bytes)
    named = sorted((_name_of(entry), entry) for entry in described if is_wanted(_name_of(entry)))
    if not named:
        raise BadArchive("压缩包里没有 members 所指的文件 (no file the settings mean)")
    members = [
        ArchiveMember(name=name, content=io.BufferedReader(_MemberStream(archive, entry), 1024 * 1024))
        for name, entry in named
    ]
    for member in members:
        if member.content.read(8).startswith(_ARCHIVE_BYTES):
            raise BadArchive(_NESTED)
        member.content.seek(0)
    return members, len(described) - len(members)


_NESTED: Final = "压缩包里还有压缩包，不予打开 (an archive inside of the archive, which is not opened)"


def _refuse(described: list[pyzipper.ZipInfo], most_bytes: int) -> None:
    """Refuse what an archive says of itself. Raises BadArchive."""
    if len(described) > MOST_MEMBERS:
        raise BadArchive(f"文件多于{MOST_MEMBERS}个 (too many files): {len(described)}")
    names = [_name_of(entry) for entry in described]
    if any(name.startswith(("/", "\\")) or re.search(r"(^|[/\\])\.\.([/\\]|$)|^[A-Za-z]:", name) for name in names):
        raise BadArchive("压缩包里有越出目录的路径，不予打开 (a path in it leaves the folder)")
    if any(name.lower().endswith(_ARCHIVE_NAMES) for name in names):
        raise BadArchive(_NESTED)
    if any(not entry.flag_bits & _SEALED for entry in described):
        raise BadArchive("压缩包没有加密，请对方加密后重发 (it is not sealed: ask the league to seal it)")
    whole = sum(entry.file_size for entry in described)
    packed = sum(entry.compress_size for entry in described)
    if whole > most_bytes or whole > _LARGEST_RATIO * max(packed, 4096):
        raise BadArchive(f"解开后{whole}字节，超过上限或压缩比过大 (too large unpacked, or packed too well)")


def _name_of(entry: pyzipper.ZipInfo) -> str:
    """A member's name: UTF-8 where it says so, else as Windows in China writes it (CP936)."""
    name: str = entry.orig_filename
    if not entry.flag_bits & _UTF_8:
        name = name.encode("cp437", "replace").decode("gb18030", "replace")
    return re.sub(r"[\x00-\x1f\x7f]", "?", name)


class _MemberStream(ForwardFile):
    """A member's content. Seeking back opens it anew."""

    def __init__(self, archive: pyzipper.AESZipFile, entry: pyzipper.ZipInfo) -> None:
        self._archive, self._entry = archive, entry
        # The library stops at the size an entry declares, and then looks at no seal; it is to read what is there.
        self._declared, entry.file_size = entry.file_size, 2**62
        self._stream: BinaryIO | None = None

    def begin(self) -> None:
        self._stream, self._at = None, 0

    def take(self, size: int) -> bytes:
        try:
            if self._stream is None:
                self._stream = self._archive.open(self._entry)
            content = self._stream.read(size)
        except _DAMAGE:
            raise BadArchive("压缩包已损坏，请对方重发 (it is damaged: ask the league to send it again)") from None
        except RuntimeError:
            raise BadArchive("密码不对，打不开压缩包 (the password does not open it)") from None
        self._at += len(content)
        if self._at > self._declared or (size and not content and self._at != self._declared):
            raise BadArchive("解开后的大小与压缩包声明的不符 (another size than it says)")
        return content
