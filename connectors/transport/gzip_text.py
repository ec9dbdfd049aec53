"""The text inside of a gzip file (RFC 1952), unpacked while it is read: the one door to zlib's streams.

Nothing a file says of its own length is believed: the library holds each member's checksum and length against what
came, and how much may come is the reader's to say. Where a file is damaged the text ends, and `damage` says why; then
only so much of it counts as `believed` says.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final, Literal

from connectors.transport.forward import ForwardFile
from connectors.transport.places import BadArchive

_PIECE: Final = 64 * 1024
_GZIP: Final = 31
"""What tells the library to read a gzip header and to check the trailer."""

_NO_BOMB: Final = 16 * 1024 * 1024
"""So many bytes may come of anything: what is small needs no limit."""

DOUBTED: Final = 1024 * 1024
"""So many bytes of text before the place where damage shows may be wrong already: a block of deflate and more."""

Damage = Literal["no_gzip", "cut", "broken", "checksum", "behind"]

WHY: Final[dict[Damage, str]] = {
    "no_gzip": "不是 gzip 文件 (no gzip file)",
    "cut": "文件不完整，中途断了 (cut off)",
    "broken": "压缩数据损坏 (broken inside)",
    "checksum": "校验和或长度不符，该段整段不取 (checksum or length differ: nothing of that member is taken)",
    "behind": "压缩数据之后另有无法读取的内容 (something unreadable behind it)",
}
"""What is wrong with a file, for people."""


class GzipText(ForwardFile):
    """What a gzip file of one member or several holds. Seeking forward reads on, seeking back unpacks it anew.

    Raises BadArchive once it holds more than `most_bytes`, or more than `largest_ratio` times what it is packed into.
    """

    def __init__(self, file: BinaryIO, *, most_bytes: int, largest_ratio: int) -> None:
        self._file, self._most_bytes, self._largest_ratio = file, most_bytes, largest_ratio
        self.damage: Damage | None = None
        self.unpackings = 0
        self._end: int | None = None
        self.begin()

    def begin(self) -> None:
        """Before the first byte."""
        self._file.seek(0)
        self.unpackings += 1
        self._member: zlib._Decompress | None = None
        self._packed, self._packed_bytes, self._members = b"", 0, 0
        self._at = self._proven = 0
        self._over = False

    @property
    def believed(self) -> int:
        """How many bytes of the text count, once it was read to its end: of a damaged file what is surely before that.

        A checksum stands at the end of a member. Where it does not fit, nobody knows which of its bytes are wrong; and
        a byte that came wrong can hide the end of a block, so that the file seems cut off.
        """
        if self.damage is None:
            return self._at
        return max(self._proven, self._at - DOUBTED) if self.damage in ("cut", "broken") else self._proven

    def end_at(self, end: int) -> None:
        """From now on the text ends there."""
        self._end = end

    def take(self, size: int) -> bytes:
        """At most so many bytes; none at the end of the text, or where the damage begins."""
        if self._end is not None:
            size = min(size, self._end - self._at)
        content = b""
        while size > 0 and not content and not self._over:
            content = self._unpacked(size)
        self._at += len(content)
        if self._at > self._most_bytes:
            raise BadArchive(f"解开后超过{self._most_bytes}字节的上限 (too large unpacked)")
        if self._at > max(self._largest_ratio * self._packed_bytes, _NO_BOMB):
            raise BadArchive(f"压缩比超过{self._largest_ratio}，不予解开 (packed too well: it is made to burst)")
        return content

    def _unpacked(self, size: int) -> bytes:
        """One step: some bytes, or none where more of the file must be read first, or it is over."""
        if not self._packed:
            self._packed = self._file.read(_PIECE)
            self._packed_bytes += len(self._packed)
            if not self._packed and not self._holds_back():
                return b""
        if self._member is None:
            # What is padded to whole blocks ends in zeros.
            self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
            if not self._packed:
                return b""
            self._member = zlib.decompressobj(_GZIP)
        try:
            content = self._member.decompress(self._packed, size)
        except zlib.error as error:
            return self._stop(self._kind_of(error))
        self._follow(self._member, content, was_over=not self._packed)
        return content

    def _holds_back(self) -> bool:
        """At the end of the file: whether what was read already has more to give."""
        if self._member is not None:
            return True
        self._stop(None if self._members else "no_gzip")
        return False

    def _follow(self, member: zlib._Decompress, content: bytes, *, was_over: bool) -> None:
        """What is left of the piece in hand, and whether the member is at its end. The trailer was checked by then."""
        self._packed = member.unused_data if member.eof else member.unconsumed_tail
        if member.eof:
            self._member, self._members = None, self._members + 1
            self._proven = self._at + len(content)
        elif was_over and not content:
            self._stop("cut")

    def _stop(self, damage: Damage | None) -> bytes:
        self._over, self.damage = True, damage
        return b""

    def _kind_of(self, error: zlib.error) -> Damage:
        """What the library's complaint means here."""
        if "incorrect data check" in str(error) or "incorrect length check" in str(error):
            return "checksum"
        if self._at > self._proven:
            return "broken"
        return "behind" if self._members else "no_gzip" if "header" in str(error) else "broken"
