"""发送方报文ID (msgid): facility (12) + yyyyMMddHHmmss (14) + sequence (4), never the same twice.

Random sequences repeat under load, and a counter in memory starts again with the process. So the last number
given out stands in a small file, and taking the next one holds that file's lock: threads, processes
and restarts of one machine never share a number. When a second's 10,000 are used up, or the clock is set
back, the time inside the number runs ahead of the clock instead of repeating.

Machines that call for the same facility need one source between them: pass any `Callable[[datetime], str]`.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from gateway.errors import Unavailable

_LAST_SEQUENCE = 9999
_STAMP = "%Y%m%d%H%M%S"

# A clock that once stood in the far future must not mark messages with that future for ever.
_FAR_AHEAD = timedelta(days=1)


def default_state(facility_no: str) -> Path:
    """The file of a facility's last number when the site names none: per user, in the temporary folder."""
    return Path(tempfile.gettempdir()) / f"hubao-msgid-{os.getuid()}-{facility_no}"


def following(last: str, now: datetime) -> str:
    """The 18 digits (second and sequence) after `last` ("" for none) at `now`, written in its local time."""
    at = now.replace(microsecond=0, tzinfo=None)
    latest = _read(last)
    if latest is None or latest[0] < at or latest[0] - at > _FAR_AHEAD:
        return f"{at.strftime(_STAMP)}{0:04d}"
    second, sequence = latest
    if sequence >= _LAST_SEQUENCE:
        return f"{(second + timedelta(seconds=1)).strftime(_STAMP)}{0:04d}"
    return f"{second.strftime(_STAMP)}{sequence + 1:04d}"


def _read(last: str) -> tuple[datetime, int] | None:
    if len(last) != 18 or not (last.isascii() and last.isdigit()):
        return None
    try:
        # The number carries local time without a zone, and is only ever compared with its own kind.
        return datetime.strptime(last[:14], _STAMP), int(last[14:])  # noqa: DTZ007
    except ValueError:
        return None


class MessageIds:
    """Gives out message ids of one facility; the last one is remembered in `state`."""

    def __init__(self, facility_no: str, *, state: Path | None = None) -> None:
        self._facility_no = facility_no
        self._state = state or default_state(facility_no)

    def __call__(self, now: datetime) -> str:
        """The next id, 30 characters; `now` in the platform's time. Raises Unavailable if it is not noted."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._state, flags, 0o600), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                number = following(file.read(32).decode("ascii", "replace").strip(), now)
                file.seek(0)
                file.write(number.encode("ascii"))
                file.truncate()
            return self._facility_no + number
        except OSError as error:
            raise Unavailable(f"报文序号文件不可写 (the message number file): {error.strerror}") from error
