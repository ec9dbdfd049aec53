"""What the changes of a page belong to: one file with all its parts, one feed's night, what it pushed on a day."""

from __future__ import annotations

import msgspec

from gateway.flow.office import Office
from gateway.model.holds import Cause
from gateway.store.pages import StoredPage
from gateway.store.values import to_ms


class CausesAtWork(msgspec.Struct):
    """The causes one process works pages of. `began`: the instant before the first of them, in milliseconds; `aside`:
    those for which something is put aside, which are to be judged once nothing more comes."""

    began: dict[Cause, int] = msgspec.field(default_factory=dict)
    aside: set[Cause] = msgspec.field(default_factory=set)

    def since(self, cause: Cause, office: Office) -> int:
        """Since when this process works the cause: from now on, if it never did before. A claim made later is made by
        the cause, as far as can be told, so the cause takes nothing away that stood before it where it takes that back.
        """
        return self.began.setdefault(cause, to_ms(office.now()))


def cause_of_page(office: Office, meta: StoredPage) -> Cause:
    """The cause of what a page changes when it is worked for the first time."""
    if meta.source:
        return Cause(kind="file", subject=meta.feed, name=meta.source)
    pushed = office.feeds[meta.feed].intake == "receive"
    return Cause(kind="push" if pushed else "night", subject=meta.feed, name=office.now().date().isoformat())


def cause_of_rescan(office: Office, association: str) -> Cause:
    """The cause of what follows from roster changes that are written already."""
    return Cause(kind="rescan", subject=association, name=office.now().date().isoformat())


def cause_of_retry(office: Office, feed: str) -> Cause:
    """The cause of what follows where rows in quarantine are read again."""
    return Cause(kind="retry", subject=feed, name=office.now().date().isoformat())
