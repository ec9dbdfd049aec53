"""The steps of a night, each guarded: one that fails alarms, is a finding until it succeeds, and stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from gateway.errors import HubaoError
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.store import findings, pages
from gateway.store.engine import Tx

log = logging.getLogger("hubao.night")

T = TypeVar("T")

CALLS_SPENT = "calls_spent"
PAGE_FAILED = "page_failed"
STEP_FAILED = "step_failed"


def plainly(error: Exception) -> str:
    """What went wrong: our own errors say it safely, of others only the type is told."""
    return str(error) if isinstance(error, HubaoError) else f"内部错误 (internal error): {type(error).__name__}"


class Steps:
    """Runs the steps of a night so that none stops another, and knows which failed."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._ended: set[str] = set()
        self.failed: dict[str, str] = {}

    def run(self, name: str, step: Callable[[], T], otherwise: T) -> T:
        """What the step returns, or `otherwise` where it fails."""
        try:
            return self.ended(name, step())
        except Exception as error:  # noqa: BLE001 - one step's mistake must not stop the night; it alarms.
            self.failed[name] = plainly(error)
            log.error("step %s failed: %s", name, self.failed[name])
            return otherwise

    def ended(self, name: str, result: T) -> T:
        """A step came to its end with this result."""
        self._ended.add(name)
        return result

    def note(self) -> None:
        """Write the steps that failed into the findings; those that came to their end are mended."""
        with self._office.store.read() as tx:
            before = {row.name for row in findings.open_findings(tx, code=STEP_FAILED)}
        if not self.failed and before.isdisjoint(self._ended):
            return
        now = self._office.now()
        with self._office.store.write() as tx:
            for name, message in self.failed.items():
                raise_(tx, Trouble(code=STEP_FAILED, kind="step", name=name, detail=message), now=now)
            close(tx, STEP_FAILED, "step", self._ended, now=now)


def noting(office: Office, name: str, step: Callable[[], object]) -> Callable[[], object]:
    """A step that runs by itself between the nights: it raises as before, and is a finding until it succeeds."""

    def run() -> object:
        steps = Steps(office)
        try:
            return steps.ended(name, step())
        except Exception as error:
            steps.failed[name] = plainly(error)
            raise
        finally:
            steps.note()

    return run


def note_calls_spent(office: Office, feed: str, *, spent: bool) -> None:
    """A feed's run ended because the calls of the day were spent, or came to its end without."""
    with office.store.read() as tx:
        before = {row.name for row in findings.open_findings(tx, code=CALLS_SPENT)}
    if not spent and feed not in before:
        return
    now = office.now()
    with office.store.write() as tx:
        if spent:
            detail = f"[rate] per_day = {office.feeds[feed].rate.per_day}"
            raise_(tx, Trouble(code=CALLS_SPENT, kind="feed", name=feed, days=(now.date(),), detail=detail), now=now)
        else:
            close(tx, CALLS_SPENT, "feed", {feed}, now=now)


def pages_noted(tx: Tx) -> set[str]:
    """The places of the pages that findings say have failed."""
    return {row.name for row in findings.open_findings(tx, code=PAGE_FAILED)}


def note_pages(office: Office, failed: Mapping[int, str]) -> None:
    """Write the pages that failed (place → why) into the findings; those that wait no longer are mended."""
    with office.store.read() as tx:
        before = pages_noted(tx)
        if not failed and not before:
            return
        waiting = {str(seq) for seq in pages.waiting(tx, sorted(office.feeds))}
        about = {seq: pages.about(tx, seq)[0] for seq in failed}
    now = office.now()
    with office.store.write() as tx:
        for seq, message in failed.items():
            page = about[seq]
            trouble = Trouble(
                code=PAGE_FAILED,
                kind="page",
                name=str(seq),
                days=(page.day or page.received_at.date(),),
                detail=f"{page.feed}：{message}",
            )
            raise_(tx, trouble, now=now)
        close(tx, PAGE_FAILED, "page", before - waiting, now=now)
