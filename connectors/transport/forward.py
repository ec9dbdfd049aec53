"""A file whose content comes forward only, because it is unpacked on the way: seeking back begins it anew."""

from __future__ import annotations

import io
from typing import Final

_SKIPPED_AT_ONCE: Final = 64 * 1024


class ForwardFile(io.RawIOBase):
    """What is read of it stands at `_at`. Whoever inherits gives the next bytes, and goes back to the first."""

    _at = 0

    def take(self, size: int) -> bytes:
        """At most so many bytes behind `_at`, which moves on; none at the end."""
        raise NotImplementedError

    def begin(self) -> None:
        """Before the first byte: `_at` is 0 again."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        if offset < self._at:
            self.begin()
        while self._at < offset and self.take(min(_SKIPPED_AT_ONCE, offset - self._at)):
            pass
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        content = self.take(len(buffer))
        buffer[: len(content)] = content
        return len(content)
