"""A league's database view, read by a watermark: rows that changed since, page by page, each page in a connection of
its own.

Nothing here is written for one kind of database: tables and columns are named in the settings, and SQLAlchemy says it
in the words of whatever the URL names (`postgresql+psycopg`, `mysql+pymysql`, `oracle+oracledb`, `mssql+pyodbc`,
`dm+dmPython`, `sqlite`). A page is JSON: `{"rows": [{column: value}]}`, amounts as text, days and instants in ISO form.

Rows are asked for in order of (watermark, key) and *from* the last one on, that row included: databases compare texts
without regard to case or trailing blanks, so that "behind this key" may pass over a key that is another one to us. What
was read already is known by a keyed digest of the row, kept in the cursor for as far back as the overlap reaches, so a
row that is committed late, under an older watermark, is read and nothing else is read twice.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec
from sqlalchemy import (
    URL,
    ColumnElement,
    Engine,
    FromClause,
    Select,
    and_,
    column,
    create_engine,
    func,
    inspect,
    make_url,
    or_,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connectors.transport.http import is_unavailable, quick_retries
from connectors.transport.reaching import nothing_listens, within
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.clock import SHANGHAI
from gateway.model.page import MAX_PAGE_BYTES, Fetched, Notice
from gateway.ports import ConnectorSpec, DatabaseUrl, PullWay, Seconds, SecretName, Surroundings

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_$#]{0,127}$")]
"""A table's or a column's name; written in lower case it is found whatever case the database keeps it in."""

_MOST_REMEMBERED: Final = 5_000
_ROOM: Final = MAX_PAGE_BYTES - 64 * 1024

_CONNECT_ARGUMENTS: Final = {
    "psycopg": ("connect_timeout",),
    "pymysql": ("connect_timeout", "read_timeout", "write_timeout"),
    "pysqlite": ("timeout",),
}
"""Driver → what it calls its own time-outs, in seconds; every driver is held to ours from outside as well."""


class DatabaseSpec(ConnectorSpec, frozen=True, kw_only=True):
    """A league's database view, read by watermark and key. Names of tables and columns are written in lower case."""

    url: DatabaseUrl
    password: SecretName | None = None
    in_schema: Name | None = None
    table: Name
    columns: tuple[Name, ...] = ()
    joined: Name | None = None
    joined_on: tuple[Name, ...] = ()
    joined_columns: tuple[Name, ...] = ()
    only: dict[str, str] = msgspec.field(default_factory=dict)
    watermark: Name
    key: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    dated_by: dict[str, str] = msgspec.field(default_factory=dict)
    first_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 365
    overlap_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 120
    rows_per_page: Annotated[int, msgspec.Meta(ge=10, le=20_000)] = 2000
    timeout_seconds: Seconds = 60.0

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing listens at the database's port; of a file, when it is not there."""
        url = make_url(self.url)
        if not url.host:
            file = site / (url.database or "")
            return [] if file.is_file() else [f"数据库文件 {url.database} 不存在 (the database file is not there)"]
        return nothing_listens(url.host, url.port or _PORTS.get(url.get_backend_name(), 1521))


_PORTS: Final = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521, "dm": 5236}


class _Position(msgspec.Struct, kw_only=True):
    """The cursor: the greatest watermark as text, and (watermark, digest) of the rows read near it."""

    mark: str = ""
    seen: list[tuple[str, str]] = []


def _position(cursor: str | None) -> _Position:
    """From a cursor; an unreadable one is a new beginning."""
    try:
        return msgspec.json.decode(cursor or "{}", type=_Position)
    except (msgspec.DecodeError, RecursionError):
        return _Position()


class _Place(msgspec.Struct, frozen=True):
    """Where to read on: from this watermark and key on, or behind them. Without a key, from the watermark on."""

    mark: Any
    key: tuple[Any, ...] = ()
    is_past: bool = False


class Database:
    """A PullFeed. A page's request is a digest of its rows, so that it holds no number of a settlement."""

    def __init__(
        self,
        spec: DatabaseSpec,
        around: Surroundings,
        *,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self._spec, self._clock = around.name, spec, around.clock
        password = around.read_secret(spec.password) if spec.password else None
        self._engine = _engine_of(spec, password, around)
        # The digests stand in the database of the gateway, so that they are keyed with what does not stand there.
        self._salt = hashlib.sha256((password or spec.url).encode()).digest()
        self._tries = quick_retries(tries, again=is_unavailable, sleep=sleep)
        self._without_key = 0

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """Pages of rows that are new since the cursor. Days play no part: a row is new when it was changed. Raises
        Unavailable; Refused where the database refuses the question as it stands."""
        view = self._ask(lambda engine: _View.of(engine, self._spec))
        memory = _ReadRows(cursor, view, self._spec, now=self._clock())
        place = memory.begin()
        # Of everything a first run would ask for: what lies there is told for as long as it does.
        self._without_key = self._ask(lambda engine: view.count_without_key(engine, memory.first_place()))
        while True:
            rows = self._ask(lambda engine, at=place: view.rows(engine, at))  # type: ignore[misc]
            marked = [(row[self._spec.watermark], _line(row, self._spec)) for row in rows]
            fresh = [(mark, line, digest) for mark, line in marked if memory.is_new(digest := self._digest(line))]
            for portion in _portions(fresh):
                content = b'{"rows":[' + b",".join(line for _, line, _ in portion) + b"]}"
                cursor = memory.after((mark, digest) for mark, _, digest in portion)
                request = self._digest(b"".join(digest.encode() for _, _, digest in portion))
                yield Fetched(content=content, request=f"rows:{len(portion)}:{request}", cursor=cursor)
            if len(rows) < self._spec.rows_per_page:
                return
            reached = _Place(rows[-1][self._spec.watermark], tuple(rows[-1][name] for name in self._spec.key))
            # Where a whole page stands at one place, asking from there on would bring the same page for ever.
            is_stuck = place is not None and (reached.mark, reached.key) == (place.mark, place.key)
            place = msgspec.structs.replace(reached, is_past=is_stuck)

    def release(self, fetched: Fetched) -> None:
        """Nothing: the view is the league's, and is only read."""

    def reached(self, cursor: str | None) -> date | None:
        """The day of the greatest watermark; None where nothing was read, or watermarks are no times."""
        instant = _instant(_position(cursor).mark)
        return instant.date() if instant is not None else None

    def set_back(self, cursor: str | None, day: date) -> str:
        """The cursor with which rows changed from this day on are read again. Raises WrongUse where watermarks are no
        times."""
        position = _position(cursor)
        reached = _instant(position.mark)
        if position.mark and reached is None:
            raise WrongUse(f"{self.name} 的水位不是时间，不能按日退回 (its watermarks are no times)")
        if reached is None or reached.date() < day:
            return cursor or "{}"
        return msgspec.json.encode(_Position(mark=f"{day.isoformat()} 00:00:00")).decode()

    def notices(self) -> Sequence[Notice]:
        """Rows of the last run's time that have no key or no watermark: nobody can tell them apart."""
        if not self._without_key:
            return []
        return [Notice(kind="rows_without_key", count=self._without_key, detail=self._spec.table)]

    def _digest(self, content: bytes) -> str:
        return hashlib.blake2b(content, key=self._salt, digest_size=8).hexdigest()

    def _ask(self, question: Callable[[Engine], T]) -> T:
        """An answer in time, asked for again within seconds where the line fails."""

        def ask() -> T:
            try:
                return within(self._spec.timeout_seconds, lambda: question(self._engine), name=self.name)
            except SQLAlchemyError as error:
                raise _translated(self.name, error) from None

        return self._tries.copy()(ask)


class _View(msgspec.Struct, frozen=True):
    """The table, or two tables joined, as one view. `order` is the watermark and the key; `sample` is some watermark,
    which tells what watermarks are written as today."""

    spec: DatabaseSpec
    columns: tuple[ColumnElement[Any], ...]
    source: FromClause
    order: tuple[ColumnElement[Any], ...]
    only: tuple[ColumnElement[bool], ...]
    sample: Any = None

    @classmethod
    def of(cls, engine: Engine, spec: DatabaseSpec) -> _View:
        """The view a spec means. Raises SQLAlchemyError where it is not there."""
        ordered = (spec.watermark, *spec.key)
        names = dict.fromkeys((*(spec.columns or _columns_of(engine, spec.table, spec)), *ordered))
        main = _table(spec.table, (*names, *spec.joined_on, *spec.only), spec)
        source, columns = main, [main.c[name] for name in names]
        if spec.joined:
            others = spec.joined_columns or _columns_of(engine, spec.joined, spec)
            second = _table(spec.joined, (*others, *spec.joined_on), spec)
            source = main.outerjoin(second, and_(*(main.c[name] == second.c[name] for name in spec.joined_on)))
            columns += [second.c[name] for name in dict.fromkeys(others) if name not in names]
        order = tuple(main.c[name] for name in ordered)
        view = cls(
            spec, tuple(columns), source, order, tuple(main.c[name] == value for name, value in spec.only.items())
        )
        with engine.connect() as connection:
            sample = connection.execute(view._asked(order[:1], order[0].is_not(None)).limit(1)).scalar()
        return msgspec.structs.replace(view, sample=sample)

    def rows(self, engine: Engine, place: _Place | None) -> list[dict[str, Any]]:
        """The next rows from a place on, in order of watermark and key."""
        conditions: list[ColumnElement[bool]] = [named.is_not(None) for named in self.order]
        if place is not None:
            conditions.append(self._from(place))
        asked = self._asked(self.columns, *conditions).order_by(*self.order).limit(self.spec.rows_per_page)
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(asked).mappings()]

    def count_without_key(self, engine: Engine, place: _Place | None) -> int:
        """How many rows from a watermark on lack a part of their key, or the watermark itself."""
        lacks = or_(*(named.is_(None) for named in self.order))
        recent = or_(self.order[0].is_(None), self.order[0] >= place.mark) if place else lacks
        with engine.connect() as connection:
            return int(connection.execute(self._asked((func.count(),), lacks, recent)).scalar_one())

    def _asked(self, columns: Sequence[ColumnElement[Any]], *conditions: ColumnElement[bool]) -> Select[Any]:
        return select(*columns).select_from(self.source).where(*self.only, *conditions)

    def _from(self, place: _Place) -> ColumnElement[bool]:
        """(watermark, key) ≥ the place, spelt out, since not every database compares tuples."""
        values = (place.mark, *place.key)
        pairs = [*zip(self.order, values, strict=False)]
        equal = [named == value for named, value in pairs]
        further = [and_(*equal[:at], named > value) for at, (named, value) in enumerate(pairs)]
        return or_(*further) if place.is_past else or_(*further, and_(*equal))


def _table(name: str, columns: Sequence[str], spec: DatabaseSpec) -> Any:
    return table(name, *(column(column_name) for column_name in dict.fromkeys(columns)), schema=spec.in_schema)


def _columns_of(engine: Engine, name: str, spec: DatabaseSpec) -> tuple[str, ...]:
    """All columns a table has today."""
    return tuple(described["name"] for described in inspect(engine).get_columns(name, schema=spec.in_schema))


class _ReadRows:
    """What was read near the greatest watermark, and where the next run begins."""

    def __init__(self, cursor: str | None, view: _View, spec: DatabaseSpec, *, now: datetime) -> None:
        position = _position(cursor)
        self._marks = _Marks(view.sample)
        self._overlap = timedelta(minutes=spec.overlap_minutes)
        self._mark = self._marks.read(position.mark) if position.mark else None
        self._seen = {digest: mark for text, digest in position.seen if (mark := self._marks.read(text)) is not None}
        self._first = self._marks.at(now - timedelta(days=spec.first_days))

    def begin(self) -> _Place | None:
        """From where on rows are asked for; None for all of them."""
        if self._mark is None:
            return self.first_place()
        return _Place(self._marks.before(self._mark, self._overlap))

    def first_place(self) -> _Place | None:
        """From where on a first run asks; None where watermarks are no times."""
        return None if self._first is None else _Place(self._first)

    def is_new(self, digest: str) -> bool:
        """Whether a row was not read yet."""
        return digest not in self._seen

    def after(self, rows: Iterable[tuple[Any, str]]) -> str:
        """The cursor once these rows are stored, too."""
        for mark, digest in rows:
            self._seen[digest] = mark
            self._mark = mark if self._mark is None else max(self._mark, mark)
        oldest = self._marks.before(self._mark, self._overlap)
        self._seen = {digest: mark for digest, mark in self._seen.items() if mark >= oldest}
        newest = [*self._seen.items()][-_MOST_REMEMBERED:]
        seen = [(self._marks.write(mark), digest) for digest, mark in newest]
        return msgspec.json.encode(_Position(mark=self._marks.write(self._mark), seen=seen)).decode()


_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d",
)  # fmt: skip
"""What a watermark that is a text may look like; others are compared as they are, without an overlap."""


def _instant(text: str) -> datetime | None:
    """What a watermark says as a time of day in Asia/Shanghai, None where it is no time."""
    return next((moment for form in _FORMATS if (moment := _parsed(text, form)) is not None), None)


class _Marks:
    """Watermarks of one kind: an instant, a day, a number or a text, as a sample shows; other runs may have had another
    kind, since the type of a league's column drifts."""

    def __init__(self, sample: Any) -> None:
        self._sample = sample
        self._format = next((form for form in _FORMATS if isinstance(sample, str) and _parsed(sample, form)), None)

    def read(self, text: str) -> Any:
        """What stands in a cursor, as the column is compared with today; None where it cannot be."""
        instant = _instant(text)
        if isinstance(self._sample, date):
            return None if instant is None else self.at(instant.replace(tzinfo=SHANGHAI))
        if isinstance(self._sample, int | float | Decimal):
            return Decimal(text) if re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,10})?", text) else None
        return instant.strftime(self._format) if instant is not None and self._format else text

    def write(self, mark: Any) -> str:
        """A watermark for a cursor: instants in Asia/Shanghai."""
        if isinstance(mark, datetime):
            local = mark.astimezone(SHANGHAI).replace(tzinfo=None) if mark.tzinfo else mark
            return local.isoformat(" ")
        return mark.isoformat() if isinstance(mark, date) else str(mark)

    def at(self, instant: datetime) -> Any:
        """An aware instant as a watermark; None where they are no times."""
        local = instant.astimezone(SHANGHAI)
        if isinstance(self._sample, datetime):
            return local if self._sample.tzinfo else local.replace(tzinfo=None)
        if isinstance(self._sample, date):
            return local.date()
        return local.strftime(self._format) if self._format else None

    def before(self, mark: Any, overlap: timedelta) -> Any:
        """The watermark so long before another one; the same where they are no times."""
        if isinstance(mark, date):
            return mark - overlap
        # In the form of the mark itself: a column of texts may hold several.
        forms = ((form, moment) for form in _FORMATS if isinstance(mark, str) and (moment := _parsed(mark, form)))
        form, instant = next(forms, ("", None))
        return mark if instant is None else (instant - overlap).strftime(form)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - compared with its own kind only.
    except ValueError:
        return None


def _line(row: dict[str, Any], spec: DatabaseSpec) -> bytes:
    """A row as JSON, the same for the same values whatever the driver calls their types."""
    written = {name: _written(value) for name, value in row.items()}
    for name, dated_by in spec.dated_by.items():
        clock, day = written.get(name), written.get(dated_by)
        if isinstance(clock, str) and isinstance(day, str) and _TIME_ALONE.fullmatch(clock) and _DAY.match(day):
            # Beside the column, which stays as it came.
            written[f"{name}_dated"] = f"{day[:10]} {clock.zfill(8)}"
    return msgspec.json.encode(written)


_TIME_ALONE: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    writer = next((write for kind, write in _WRITERS if isinstance(value, kind)), str)
    return writer(value)


def _clock(value: timedelta) -> str:
    """What MySQL calls TIME."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


_WRITERS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...]] = (
    (Decimal, lambda value: format(value, "f")),
    (datetime, lambda value: (value.astimezone(SHANGHAI) if value.tzinfo else value).isoformat(" ")),
    ((date, time_of_day), lambda value: value.isoformat()),
    (timedelta, _clock),
    ((bytes, bytearray, memoryview), lambda value: bytes(value).decode("utf-8", "replace")),
)
"""Type of a driver → its text; a datetime is a date too, so it stands before. Of a float its shortest text is taken,
which names the same number."""


def _portions(rows: Sequence[tuple[Any, bytes, str]]) -> Iterator[list[tuple[Any, bytes, str]]]:
    """Rows in pages that have room for them."""
    portion: list[tuple[Any, bytes, str]] = []
    size = 0
    for row in rows:
        if portion and size + len(row[1]) > _ROOM:
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += len(row[1]) + 1
    if portion:
        yield portion


def _engine_of(spec: DatabaseSpec, password: str | None, around: Surroundings) -> Engine:
    """An engine of the feed's own: a connection for every question, none held over a night. Raises WrongUse."""
    try:
        url = make_url(spec.url)
        driver = url.get_dialect().driver
        if url.get_backend_name() == "sqlite":
            # A league's file is only read, and one that is missing is not made.
            file = (around.site / (url.database or "")).resolve()
            url = URL.create("sqlite", database=f"file:{file}", query={"mode": "ro", "uri": "true"})
        elif password is not None:
            url = url.set(password=password)
        arguments = dict.fromkeys(_CONNECT_ARGUMENTS.get(driver, ()), max(1, int(spec.timeout_seconds)))
        return create_engine(url, poolclass=NullPool, connect_args=arguments)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise WrongUse(
            f"{around.name}: url 不是数据库地址，或驱动未安装 (no database's address, or its driver is not installed): "
            f"{type(error).__name__}"
        ) from None


_NOT_BY_ITSELF: Final = ("ProgrammingError", "NoSuchTableError", "NotSupportedError", "DataError")
"""What asking again does not mend: a table, a column or a right that is missing."""


def _translated(name: str, error: SQLAlchemyError) -> Unavailable | Refused:
    """What went wrong without its text, which holds the question and its values: the kind, and the driver's code."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    code = getattr(cause, "sqlstate", None) or next(iter(getattr(cause, "args", ())), None)
    shown = code if isinstance(code, int) or (isinstance(code, str) and len(code) == 5) else "-"
    kind = type(error).__name__
    if kind in _NOT_BY_ITSELF:
        return Refused(
            "database_refuses", f"{name}: 表、列或权限不对 (a table, a column or a right is missing): {kind} {shown}"
        )
    return Unavailable(
        f"{name}: 数据库无应答或拒绝登录 (the database does not answer, or lets us not in): {kind} {shown}"
    )


WAY = PullWay(spec=DatabaseSpec, make=Database)
