"""What the flow needs from the outside, and what a connector may know of a site. The contract stands here.

A connector brings three things: a `ConnectorSpec` with its options, made of the types below; a class that keeps one of
the protocols; and a `Way` that joins them. Settings turn the spec into the checked table of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    NewType,
    Protocol,
    TypeVar,
    get_args,
    get_type_hints,
    runtime_checkable,
)

import msgspec

from gateway.model.claim import Answer
from gateway.model.page import Fetched, Notice, WaitingFile


class SweepSubject(msgspec.Struct, frozen=True, kw_only=True):
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


@runtime_checkable
class KeepsWaiting(Protocol):
    """A feed of files that can tell which ones lie there and are not taken in, and why. Raises Unavailable."""

    def waiting(self) -> Sequence[WaitingFile]: ...


@runtime_checkable
class SetsBack(Protocol):
    """A feed whose cursor says up to which day it was read, and which can read days again.

    `reached` is that day, None where nothing was read. `set_back` is the cursor with which the days from this one on
    are read again at the next run, whatever they said before. Raises WrongUse where the cursor tells no days.
    """

    def reached(self, cursor: str | None) -> date | None: ...

    def set_back(self, cursor: str | None, day: date) -> str: ...


@runtime_checkable
class TellsNotices(Protocol):
    """A feed that can tell, behind a run, what lies there and was not taken in. It tells so at every run for as long as
    it lies there: what is not told any more is mended."""

    def notices(self) -> Sequence[Notice]: ...


class SweepReply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking about some people: one page (a bundle), and which of them it covers.

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
    `people_per_page` is how many subjects one question should hold.
    """

    @property
    def people_per_page(self) -> int: ...

    def ask(self, subjects: list[SweepSubject], *, now: datetime) -> SweepReply: ...


class ReceiveFeed(Protocol):
    """A feed that pushes. `accept` proves the sender and turns a request into a page; the caller stores it.

    Raises NotAuthentic for a bad signature, a stale timestamp or a missing header; BadPage for a body too large.
    The `request` of the page is the delivery id, so the same delivery twice is the same page. `body_limit` is the
    largest body in bytes: what is larger need not be read to its end.
    """

    @property
    def body_limit(self) -> int: ...

    def accept(self, headers: dict[str, str], body: bytes, *, now: datetime) -> Fetched: ...


@runtime_checkable
class LooksAtHeaders(Protocol):
    """A ReceiveFeed that can tell by the headers alone that a request proves nothing, so that its body need not be
    read. Raises NotAuthentic."""

    def look_at(self, headers: dict[str, str], *, now: datetime) -> None: ...


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What an association's good answer must say before a claim counts as accepted (`[accepted]` of its file).

    Each is the way to a field (`data.claim_id`): `claim` repeats the claim's id, `version` the version, `reference`
    holds the association's own number, and the fields of `equals` hold these values, as text. All of it must be there.
    """

    claim: str | None = None
    version: str | None = None
    reference: str | None = None
    equals: tuple[tuple[str, str], ...] = ()


class Sender(Protocol):
    """Hands a claim version to an association. Never raises for an answer: the answer says what came of it.

    `send` uses the same idempotency key at every attempt. `ask` asks by claim id which version it holds. ACCEPTED and
    REFUSED are only for answers that name the claim, or hold what the association's `Proof` demands; what says neither
    is UNKNOWN, with a code that begins with `gateway.model.claim.UNPROVEN` and the answer's shape. What lies with the
    association and is answered later is UNKNOWN with the code `HANDED_OVER`, until `ask` finds the answer.
    """

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer: ...

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer: ...


class ClaimOnItsWay(msgspec.Struct, frozen=True, kw_only=True):
    """One claim version of a batch: its body verbatim, and what it is sent under."""

    body: bytes
    claim_id: str
    version: int
    idempotency_key: str


@runtime_checkable
class SendsBatches(Sender, Protocol):
    """A Sender that can hand over several claims in one request. `send_batch` returns one answer for each, in the same
    order; each claim of a batch is accepted or refused for itself, and what a reply does not name is unknown. `batch`
    is how many it takes at most; 1 means that claims go one by one."""

    @property
    def batch(self) -> int: ...

    def send_batch(self, claims: Sequence[ClaimOnItsWay], *, now: datetime) -> list[Answer]: ...


class BodySealer(Protocol):
    """Seals a body to the association's public key, so that nothing between can read it. `media_type` is what the
    sealed body is, `suffix` how a file of it ends; `as_json` is how it stands inside a JSON document."""

    @property
    def media_type(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    def seal(self, plain: bytes, *, content_type: str) -> bytes: ...

    def as_json(self, sealed: bytes) -> bytes: ...


class AlarmWay(Protocol):
    """A way to tell an office that something is to be done. `way` says which, never the address; empty where that is
    missing or wrong. `send` says it once: raises Unavailable where nobody took it, WrongUse for a wrong address."""

    @property
    def way(self) -> str: ...

    def send(self, title: str, text: str) -> None: ...


class Clock(Protocol):
    """The only way the flow learns the time: an aware instant of Asia/Shanghai."""

    def __call__(self) -> datetime: ...


SecretName = NewType("SecretName", str)
"""An option that names a secret, `env:NAME` or `file:path`; `Surroundings.read_secret` gives its text."""

Address = NewType("Address", str)
"""An option that is the `http://` or `https://` address of another machine."""

Endpoint = NewType("Endpoint", str)
"""An option that is a port of another machine that speaks no HTTP: `host:port`."""

DatabaseUrl = NewType("DatabaseUrl", str)
"""An option that is the address of a database, `dialect+driver://user@host:port/name`; the password is a secret."""

SiteFolder = NewType("SiteFolder", str)
"""An option that is a folder, relative to the site's; `Surroundings.folder` gives its path."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=300)]
"""An option that is a time-out in seconds. Other limits are written the same way, with `msgspec.Meta`."""

Region = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$")]
"""An option that is an administrative division of six digits (行政区划代码)."""


class SecretOption(msgspec.Struct, frozen=True):
    """An option that names a secret. `check_form` raises WrongUse for a text that can be no such secret; `make` gives a
    new one, where it is ours to make and to tell the other side: None where the other side gives it to us."""

    key: str
    name: SecretName
    check_form: Callable[[str], object] = str
    make: Callable[[], str] | None = None


class FolderOption(msgspec.Struct, frozen=True):
    """An option that names a folder, relative to the site's."""

    key: str
    name: SiteFolder


class ConnectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one way of speaking, as a settings file gives them.

    Its docstring and the names, types and defaults of its fields are what the JSON Schema of the file says.
    """

    def secrets(self) -> Sequence[SecretOption]:
        """Every secret it needs. Overridden only to say which form a secret has; none may be left out."""
        secrets = []
        for key, hint in get_type_hints(type(self)).items():
            if SecretName in (hint, *get_args(hint)):
                value = getattr(self, key)
                names = value if isinstance(value, tuple) else (value,)
                secrets += [SecretOption(key, name) for name in names if name is not None]
        return secrets

    def folders(self) -> Sequence[FolderOption]:
        """Every folder it reads or writes."""
        hints = get_type_hints(type(self)).items()
        named = [(key, getattr(self, key)) for key, hint in hints if SiteFolder in (hint, *get_args(hint))]
        return [FolderOption(key, name) for key, name in named if name is not None]

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong with each address or folder that does not answer now; empty where all do, or there is none."""
        raise NotImplementedError


class DeliverySpec(ConnectorSpec, frozen=True, kw_only=True):
    """The options of one way of delivering claims."""

    def shared_secret(self) -> SecretName | None:
        """What an association signs its requests with where its file has no `[requests]`.

        Only ways older than that table have one; a new way leaves this alone.
        """
        return None

    def pulled_within_days(self) -> int | None:
        """Where the association fetches its claims and nothing is sent: after how many days without an answer to a
        claim that is said. None where claims are sent."""
        return None

    def answered_within_days(self) -> int | None:
        """Where claims are handed over and answered later, as by files: after how many days without an answer to a
        claim that is said. None where the answer comes with the exchange."""
        return None

    def needs_proof(self) -> bool:
        """Whether the far side's own words decide what was accepted, so that its file must say which those are."""
        return False


class FileRows(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are told apart in a file, so that one too large for a page can be cut between them.

    "lines": at line ends, behind a first line that names the columns if it is `with_header`; "records": after every so
    many bytes; "dbf": as the header of a dBase table says; "whole": a message or a workbook cannot be cut.
    """

    by: Literal["lines", "records", "dbf", "whole"] = "lines"
    with_header: bool = True
    record_bytes: int = 0


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector may use of the site it works for.

    `name` is the feed's or the association's and stands in its errors; `per_second`, `per_day` and `at_once` are what
    the feed's line can bear, in calls (None: no limit). `read_secret` raises WrongUse for a secret that is missing.
    `accepted` is what the association's file says a good answer must hold; None where it says nothing. `kept_name`: the
    name of a file as it may be kept, so that no person's number in it stays readable and the same name is known again.
    `sealing`: what bodies are sealed with before they leave; None where they leave as they are.
    """

    name: str
    site: Path
    clock: Clock
    read_secret: Callable[[SecretName], str]
    kept_name: Callable[[str], str]
    per_second: float = 10.0
    per_day: int | None = None
    at_once: int | None = None
    first_days: int = 365
    """How far back a first question reaches, in days."""
    overlap_days: int = 7
    """How many days before the last one read are asked about again."""
    rows: FileRows = FileRows()
    """How rows are told apart in the feed's files."""
    accepted: Proof | None = None
    sealing: BodySealer | None = None

    def folder(self, option: SiteFolder) -> Path:
        """Where a folder of the settings lies."""
        return self.site / option

    def state_file(self, name: str) -> Path:
        """A small file of the connector's own that outlives this process; its folder is made if missing."""
        folder = self.site / "data"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / name


S = TypeVar("S", bound=ConnectorSpec)
C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class Way(Generic[S, C]):
    """One way of speaking: its options, and what makes a connector of them.

    `make` raises WrongUse for options that contradict each other and for a secret that is missing or of the wrong form.
    """

    spec: type[S]
    make: Callable[[S, Surroundings], C]


class PullWay(Way[S, PullFeed], Generic[S]):
    """A way of taking records in that can list what is new."""

    intake: ClassVar[Intake] = "pull"


class SweepWay(Way[S, SweepFeed], Generic[S]):
    """A way of taking records in that answers person by person."""

    intake: ClassVar[Intake] = "sweep"


class ReceiveWay(Way[S, ReceiveFeed], Generic[S]):
    """A way of taking records in that is pushed to."""

    intake: ClassVar[Intake] = "receive"


class DeliveryWay(Way[S, Sender], Generic[S]):
    """A way of handing claims over."""


Intake = Literal["pull", "sweep", "receive"]
FeedWay = PullWay[Any] | SweepWay[Any] | ReceiveWay[Any]


@dataclass(frozen=True, eq=False)
class Registry:
    """Every way of speaking by its kind: the `kind` of a feed's `[connector]`, of an association's `[delivery]`."""

    feeds: Mapping[str, FeedWay]
    deliveries: Mapping[str, DeliveryWay[Any]]
