"""What a feed holds and its connector did not take in becomes a finding, for as long as it lies there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.errors import HubaoError
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.model.page import Notice
from gateway.ports import TellsNotices
from gateway.store import findings

NOT_TAKEN_IN: Final = "not_taken_in"

_WORDS: Final = {
    "rows_without_key": "行缺少主键，无法认出 (rows without a key)",
    "file_damaged": "文件损坏，只取到损坏处为止 (damaged: read as far as it is whole)",
    "members_passed_over": "压缩包里另有文件，未读 (other files in the archive, not read)",
    "totals_unreadable": "标记文件里的笔数或金额读不懂，未能核对 (its count or money cannot be read: not compared)",
    "messages_set_aside": "消息多次无法入库，已另存 (messages set aside after several attempts)",
}


@contextmanager
def noticing(office: Office, feed: str, connector: object) -> Iterator[None]:
    """Behind a run its connector is asked; a run that failed may not have seen all, so nothing is closed by it."""
    if not isinstance(connector, TellsNotices):
        yield
        return
    try:
        yield
    except HubaoError:
        _note(office, feed, connector, is_complete=False)
        raise
    _note(office, feed, connector, is_complete=True)


def _note(office: Office, feed: str, connector: TellsNotices, *, is_complete: bool) -> None:
    seen, now = [*connector.notices()], office.now()
    with office.store.read() as tx:
        is_open = any(row.name == feed for row in findings.open_findings(tx, code=NOT_TAKEN_IN))
    if not seen and not (is_open and is_complete):
        return
    with office.store.write() as tx:
        if seen:
            count, detail = sum(notice.count for notice in seen), "；".join(map(_said, seen))
            raise_(tx, Trouble(code=NOT_TAKEN_IN, kind="feed", name=feed, count=count, detail=detail), now=now)
        else:
            close(tx, NOT_TAKEN_IN, "feed", [feed], now=now)


def _said(notice: Notice) -> str:
    return f"{notice.detail}：{_WORDS[notice.kind]}，{notice.count}"
