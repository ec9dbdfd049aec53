"""The few protocols the flow needs from the outside. The contract stands here, not on each adapter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Protocol

import msgspec

from gateway.model.claim import Answer
from gateway.model.page import Fetched


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A person a feed is asked about. `since`/`until` bound the visits wanted, both days included."""

    member_id: int
    id_type: str
    id_number: str
    name: str
    since: date
    until: date


class PullFeed(Protocol):
    """A feed that can list what is new: an API with a cursor, or files in a folder.

    `fetch` yields pages in the order they must be kept. After the caller has durably stored a page it asks for
    the next one; `release` is called once per stored page and may delete, move or keep what was read.
    Raises Unavailable.
    """

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]: ...

    def release(self, fetched: Fetched) -> None: ...


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking about some people: one page (a bundle), and which of them it settles.

    `asked` were answered in full. `failed` (member id, stable code) were answered in part or not at all and must
    be asked again; what was learnt about them stands in the page all the same. A subject in neither was not
    reached, because the page was full or the line went down, and belongs at the head of the next question.
    """

    fetched: Fetched
    asked: tuple[int, ...]
    failed: tuple[tuple[int, str], ...]


class SweepFeed(Protocol):
    """A feed that can only answer "this person". `ask` returns one page (a bundle) about the subjects given.

    The bundle holds every reply verbatim beside its call. Rate limits are kept inside. A person the feed does
    not know is an answer, not an error. Raises Unavailable: then nothing about these subjects was learnt.
    """

    def ask(self, subjects: list[Subject], *, now: datetime) -> Swept: ...


class ReceiveFeed(Protocol):
    """A feed that pushes. `accept` proves the sender and turns a request into a page; the caller stores it.

    Raises NotAuthentic for a bad signature, a stale timestamp or a missing header; BadPage for a body too large.
    The `request` of the page is the delivery id, so the same delivery twice is the same page.
    """

    def accept(self, headers: dict[str, str], body: bytes, *, now: datetime) -> Fetched: ...


class Sender(Protocol):
    """Hands a claim version to an association. Never raises for an answer: the answer says what came of it.

    `send` uses the same idempotency key at every attempt. `ask` asks by claim id which version it holds.
    """

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer: ...

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer: ...


class Clock(Protocol):
    """The only way the flow learns the time: an aware instant of Asia/Shanghai."""

    def __call__(self) -> datetime: ...
