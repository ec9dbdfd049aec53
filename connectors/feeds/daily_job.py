"""A platform that prepares a day's settlements on request (内蒙古 3211): ask, look until it is done, fetch.

The file comes as Base64 inside of an envelope, under a name with the day in it. A job that fails, never ends, or gives
another day's file leaves its day for the next night.
"""

from __future__ import annotations

import binascii
import hashlib
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from typing import Annotated, Final

import msgspec

from connectors.transport.days import AskedByDay, DayContent, Days
from connectors.transport.envelope import text_of
from connectors.transport.national_line import NationalLine, NationalSpec
from connectors.transport.parts import plan_file, read_parts
from connectors.transport.places import BadArchive
from gateway.errors import Unavailable
from gateway.model.page import MAX_PAGE_BYTES, Fetched
from gateway.ports import PullWay, Surroundings

_FILES: Final = ("file_qury_no1", "file_qury_no2", "file_qury_no3")


class DailyJobSpec(NationalSpec, frozen=True, kw_only=True):
    """A day's file prepared by a job: 3211 begins it, 3212 tells its state, 9102 gives the file. `done` and `failed`:
    what `task_status` says then; all else means that it is still at work."""

    begin_infno: str = "3211"
    look_infno: str = "3212"
    file_infno: str = "9102"
    done: tuple[str, ...] = ("2", "SUCCESS")
    failed: tuple[str, ...] = ("3", "FAIL")
    look_every_seconds: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    looks: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 60


class DailyJob(AskedByDay):
    """A PullFeed of a platform whose days are prepared by jobs. `sleep` stands in for the machine's waiting."""

    def __init__(
        self,
        spec: DailyJobSpec,
        around: Surroundings,
        *,
        line: NationalLine | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spec, self._sleep = spec, sleep
        self._line = line or NationalLine(spec, around)
        self._rows = around.rows
        self._days = Days(around, infno=spec.begin_infno)

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """Each day's files as they came; see `connectors.transport.days`. Raises Unavailable, Refused."""
        return self._days.fetch(self.read_day, cursor, first=first, last=last)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the platform keeps its own."""

    def read_day(self, day: date) -> DayContent:
        """A day's files once their job is done. Raises what `NationalLine.ask` raises."""
        digits = f"{day:%Y%m%d}"
        asked = {"clr_begin_ymd": digits, "clr_end_ymd": digits, "file_qury_no": "", "upload_file_name": ""}
        task = text_of(self._line.ask(self._spec.begin_infno, asked).output.get("task_key"))
        if not task:
            raise Unavailable("broken_reply: 任务没有编号 (the job has no key)")
        contents = [self.file(number, digits) for number in self.files_of(task)]
        pages = [page for content in contents for page in self.pages_of(content)]
        return DayContent(pages=pages, digest=hashlib.sha256(b"\0".join(contents)).hexdigest()[:32])

    def files_of(self, task: str) -> list[str]:
        """The query numbers of a job's files. Raises Unavailable for a job that fails or does not end."""
        for look in range(self._spec.looks):
            if look:
                self._sleep(self._spec.look_every_seconds)
            state = self._line.ask(self._spec.look_infno, {"task_key": task}).output
            status = text_of(state.get("task_status"))
            if status in self._spec.failed:
                raise Unavailable("job_failed: 对方的任务失败 (the job failed on the far side)")
            if status in self._spec.done:
                return [number for name in _FILES if (number := text_of(state.get(name)))]
        raise Unavailable("job_never_ends: 对方的任务一直没有完成 (the job did not come to its end)")

    def file(self, number: str, digits: str) -> bytes:
        """One file's bytes. Raises Unavailable where it is none, or another day's."""
        asked = {"file_qury_no": number, "filename": "", "fixmedins_code": self._spec.facility_no}
        output = self._line.ask(self._spec.file_infno, asked, node="fsDownloadIn").output
        if digits not in text_of(output.get("filename")):
            raise Unavailable("wrong_file: 文件名不是所问的那一天 (the file's name tells another day)")
        try:
            return b64decode("".join(text_of(output.get("in")).split()), validate=True)
        except (binascii.Error, ValueError):
            raise Unavailable("broken_reply: 文件不是 Base64 (the file is no Base64)") from None

    def pages_of(self, content: bytes) -> list[bytes]:
        """A file as pages, cut between its rows where it is larger than one. Raises Unavailable where it cannot be."""
        if len(content) <= MAX_PAGE_BYTES:
            return [content]
        file = BytesIO(content)
        try:
            return list(read_parts(file, plan_file(file, self._rows, limit=MAX_PAGE_BYTES)))
        except BadArchive as bad:
            raise Unavailable(f"file_too_large: {bad}") from None


WAY = PullWay(spec=DailyJobSpec, make=DailyJob)
