"""A try (试取): a feed's request, answer, rows and records, page by page. Nothing of it is stored and no cursor moves.

Over a line it is written down that somebody tried the feed, as every look at people's data is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import date
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.core.normalise import CompiledMapping, Origin
from gateway.core.studies.trial import TriedPage, masked, try_page
from gateway.errors import BadInput, Refused, Unavailable, WrongUse
from gateway.flow.accounts.seeing import note_access
from gateway.flow.office import Office
from gateway.model.exchange import WireExchange
from gateway.model.page import Fetched
from gateway.ports import PullFeed
from gateway.store import cursors
from gateway.store.accesses import Access
from gateway.store.values import to_ms

log = logging.getLogger("hubao.trial")

SOUND_SHARE: Final = 0.95
"""So large a part of the rows must become records before a try counts as passed."""

_PLAIN_HEADERS: Final = frozenset({"accept", "content-type", "user-agent", "soapaction", "date"})
_SIGNING: Final = ("x-tif-", "x-ca-", "webhook-")
_HIDDEN: Final = "‹隐去 hidden›"
_SHOWN_CHARACTERS: Final = 2000
_FILE: Final = "file"


class TrialScope(msgspec.Struct, frozen=True, kw_only=True):
    """How much is tried: days, pages, rows shown of each page; `ticks` says how long things take."""

    ticks: Callable[[], float]
    first: date | None = None
    last: date | None = None
    pages: int = 3
    rows: int = 3


class SeenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it may be shown: no secret in it, and of personal data the shapes."""

    method: str
    address: str
    headers: dict[str, str]
    content: str
    signed: tuple[str, ...]
    status: int
    size: int


class FeedTrial(msgspec.Struct, kw_only=True):
    """What a try came to. `asked_seconds`: how long the line took; `more`: there are further pages; `error`: what went
    wrong with the line, where something did."""

    feed: str
    mapping: str
    source: str = _FILE
    pages: list[TriedPage] = msgspec.field(default_factory=list)
    requests: list[SeenRequest] = msgspec.field(default_factory=list)
    asked_seconds: float = 0.0
    more: bool = False
    error: str = ""

    @property
    def sound(self) -> bool:
        """Whether the line answered, every page could be read, and nearly all rows became records."""
        rows = sum(page.records + page.quarantined for page in self.pages)
        records = sum(page.records for page in self.pages)
        broken = any(page.page_error_code not in (None, "empty") for page in self.pages)
        return not self.error and not broken and records >= rows * SOUND_SHARE


def try_content(
    feed: str, compiled: CompiledMapping, parts: Iterable[bytes], name: str, scope: TrialScope
) -> FeedTrial:
    """The pages of a file given by hand, as they would come in; `name` is the file's."""
    trial = FeedTrial(feed=feed, mapping=compiled.language.mapping)
    for number, content in enumerate(parts, 1):
        if number > scope.pages:
            trial.more = True
            break
        fetched = Fetched(content=content, request=f"file:{number}", source=name, part=number)
        trial.pages.append(_read(compiled, fetched, number, scope))
    log.info("feed %s tried with a file: %d pages", feed, len(trial.pages))
    return trial


def try_line(office: Office, feed: str, puller: PullFeed, *, scope: TrialScope, by: str) -> FeedTrial:
    """What a feed that can list has behind its cursor, asked for now. `release` is never called: what was read stays
    where it lies."""
    with office.store.write() as tx:
        cursor, _ = cursors.of_feed(tx, feed)
        note_access(tx, office, Access(item_id=0, by=by, at=to_ms(office.now()), what="feed_try"))
    compiled = office.mapping_of(feed)
    trial = FeedTrial(feed=feed, mapping=compiled.language.mapping, source="line")
    began = scope.ticks()
    try:
        with closing(puller.fetch(cursor, first=scope.first, last=scope.last)) as pages:  # type: ignore[type-var]
            for number, fetched in enumerate(pages, 1):
                trial.asked_seconds += scope.ticks() - began
                if number > scope.pages:
                    trial.more = True
                    break
                trial.pages.append(_read(compiled, fetched, number, scope))
                began = scope.ticks()
    except (Unavailable, Refused, BadInput, WrongUse) as error:
        trial.error = str(error)
    log.info("feed %s tried over its line: %d pages", feed, len(trial.pages))
    return trial


def requests_shown(exchanges: Sequence[WireExchange], secrets: Sequence[str]) -> list[SeenRequest]:
    """Requests as they may be shown. A secret that stands in one, however it came there, is hidden."""
    return [_shown(exchange, secrets) for exchange in exchanges]


def _read(compiled: CompiledMapping, fetched: Fetched, number: int, scope: TrialScope) -> TriedPage:
    began = scope.ticks()
    page = TriedPage(page=number, request=fetched.request, bytes=len(fetched.content), raw="")
    page = try_page(compiled, fetched.content, Origin(fetched.source, fetched.part), page=page, most=scope.rows)
    page.seconds = round(scope.ticks() - began, 3)
    return page


def _shown(exchange: WireExchange, secrets: Sequence[str]) -> SeenRequest:
    def hide(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    headers = {
        name: hide(value) if name.lower() in _PLAIN_HEADERS or name.lower().startswith(_SIGNING) else _HIDDEN
        for name, value in exchange.headers.items()
    }
    content = exchange.content.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]
    return SeenRequest(
        method=exchange.method,
        address=hide(address_shown(exchange.address)),
        headers=headers,
        content=masked(hide(content)),
        signed=tuple(hide(text) for text in exchange.signed),
        status=exchange.status,
        size=exchange.size,
    )


def address_shown(address: str) -> str:
    """An address without who calls and without the values of its query."""
    parts = urlsplit(address)
    query = masked(parts.query, names=[pair.split("=")[0] for pair in parts.query.split("&")])
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return f"{shown}?{query}" if query else shown
