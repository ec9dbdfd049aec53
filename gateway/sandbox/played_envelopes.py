"""The leagues that are asked day by day in a message protocol of their own, and what of each goes wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final

from gateway.model.clock import SHANGHAI
from gateway.sandbox.day_book import DayBook, as_listed, by_day, listed_row
from gateway.sandbox.job_server import JobApp
from gateway.sandbox.list_server import LIST, ListApp
from gateway.sandbox.national import Row
from gateway.sandbox.national_server import Gate
from gateway.sandbox.open_platform_server import OpenPlatformApp, PlatformKeys
from gateway.sandbox.people import ALL_LEAGUES, person_at
from gateway.sandbox.play import Play
from gateway.sandbox.script import Script
from gateway.sandbox.servers import LocalServer
from gateway.sandbox.signing import new_sm2_keys
from gateway.sandbox.soap_server import SoapApp, as_coded
from gateway.sandbox.statement_server import StatementApp
from gateway.sandbox.xml_server import XmlApp

HISTORY_DAYS: Final = 62
"""So many days before its own a script begins, and a little."""

_PAAS_SECRET: Final = "EXAMPLE-SECRET-KEY-0001"  # noqa: S105 - of a league that exists nowhere.
_APP_ID: Final = "EXAMPLEAPPID00000000000000000001"
_APP_SECRET: Final = "EXAMPLEAPPSECRET0000000000000001"  # noqa: S105
_API_KEY: Final = "EXAMPLE-API-KEY-0001"


def book_of(script: Script, write: Callable[[Any], Row] = listed_row) -> DayBook:
    """A script's rows by the day they were settled."""
    return DayBook({day: [write(sent) for sent in rows] for day, rows in by_day(script.rows).items()})


@contextmanager
def hohhot(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """呼和浩特: its list moves while it is read, the sign-in is lost, success is told beside an error."""
    book = book_of(script)
    day = book.busiest()
    rows = book.look(day)
    withdrawn = rows[0] | {"setl_id": "WITHDRAWN"}
    # A row that comes late, then one that is withdrawn again, both in front of what was read already.
    book.stir(day, [rows[1:], rows, [withdrawn, *rows], [withdrawn, *rows]])
    (private, public), (their_private, their_public) = new_sm2_keys(), new_sm2_keys()
    gate = Gate(
        region=ALL_LEAGUES["hohhot"].region,
        paas_id="hubao-hohhot",
        paas_secret=_PAAS_SECRET,
        caller_key=public,
        own_key=(their_private, their_public),
        signs_in=True,
    )
    moods = {(LIST, 5): "签到已失效，请重新签到", (LIST, 9): "0:系统繁忙，请稍后再试", (LIST, 14): "系统繁忙"}
    app = ListApp(book, gate, clock=clock, moods=moods, most=3)
    with LocalServer(app) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS, "overlap_rows": 2},
            secrets={
                "HUBAO_HOHHOT_PAAS_SECRET": _PAAS_SECRET,
                "HUBAO_HOHHOT_SIGNING_KEY": private.hex(),
                "HUBAO_HOHHOT_PLATFORM_KEY": their_public.hex(),
            },
            reading=as_listed,
            nights=2,
        )


@contextmanager
def nmg(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """自治区本级: a total that is not its list's, a day corrected later, people of 包头 with members' names."""
    book = book_of(script)
    days = sorted(by_day(script.rows))
    namesakes = [_namesake(script, number) for number in range(3)]
    book.put(days[1], [*book.look(days[1]), *namesakes])
    # The last days are told wrongly the first night: a settlement too few, and another's total.
    last = days[-1]
    true = book.look(last)
    book.put(last, [])
    with LocalServer(
        _CorrectedList(
            book,
            Gate(region=ALL_LEAGUES["nmg"].region, api_key=_API_KEY),
            clock=clock,
            wrong_totals=[days[2]],
            corrected={last: true},
            since=script.day + timedelta(days=2),
        )
    ) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS},
            secrets={"HUBAO_NMG_API_KEY": _API_KEY},
            reading=as_listed,
            nights=3,
            findings=frozenset({"totals_differ"}),
            extra={"stranger": len(namesakes)},
        )


class _CorrectedList(ListApp):
    """A list some of whose days are told otherwise from a day on."""

    def __init__(self, *options: Any, corrected: dict[date, list[Row]], since: date, **more: Any) -> None:
        super().__init__(*options, **more)
        self._corrected, self._since = corrected, since

    def list_rows(self, asked: dict[str, Any]) -> dict[str, Any]:
        today = datetime.fromtimestamp(self._clock(), tz=SHANGHAI).date()
        for day, rows in self._corrected.items():
            if today >= self._since:
                self.book.put(day, rows)
        return super().list_rows(asked)


@contextmanager
def ordos(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """鄂尔多斯: everything under SM4 and SM2; the seventh answer bears a signature that is not its own."""
    (private, public), own = new_sm2_keys(), new_sm2_keys()
    keys = PlatformKeys(app_id=_APP_ID, secret=_APP_SECRET, app_key=public, own=own)
    with LocalServer(OpenPlatformApp(book_of(script), keys, clock=clock, forged=[7])) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS, "page_size": 3},
            secrets={
                "HUBAO_ORDOS_APP_SECRET": _APP_SECRET,
                "HUBAO_ORDOS_SIGNING_KEY": private.hex(),
                "HUBAO_ORDOS_PLATFORM_KEY": own[1].hex(),
            },
            reading=as_listed,
            nights=2,
        )


@contextmanager
def ulanqab(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """乌兰察布: a job for every day; one fails, one never ends, and both succeed the next night."""
    days = sorted(by_day(script.rows))
    gate = Gate(region=ALL_LEAGUES["ulanqab"].region, api_key=_API_KEY, sign_type="PRCSSC")
    app = JobApp(book_of(script), gate, clock=clock, failing=[days[1]], endless=[days[3]])
    with LocalServer(app) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS, "look_every_seconds": 0.01, "looks": 3},
            secrets={"HUBAO_ULANQAB_API_KEY": _API_KEY},
            reading=as_listed,
            nights=2,
        )


@contextmanager
def hulunbuir(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """呼伦贝尔: only differences of its books from ours; links expire, zips are named in CP936."""
    gate = Gate(region=ALL_LEAGUES["hulunbuir"].region, paas_id="hubao-hulunbuir", paas_secret=_PAAS_SECRET)
    with LocalServer(StatementApp(book_of(script), gate, clock=clock, expired=[1, 4])) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS},
            secrets={"HUBAO_HULUNBUIR_PAAS_SECRET": _PAAS_SECRET},
            reading=as_listed,
            nights=2,
        )


@contextmanager
def chifeng(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """赤峰: SOAP with GBK under a prolog that says UTF-8, tags in any case, settlements twice, two faults."""
    with LocalServer(SoapApp(book_of(script), password=_APP_SECRET, faulty=[2, 5])) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS},
            secrets={"HUBAO_CHIFENG_PASSWORD": _APP_SECRET},
            reading=as_coded,
            nights=2,
        )


@contextmanager
def yuncheng(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """运城: XML over HTTP in GBK under a prolog that says UTF-8, rows by number, tags in any case, a session that is
    forgotten, an answer that is busy, and a row that is no XML."""
    book = book_of(script)
    app = XmlApp(book, password=_APP_SECRET, forgets=[3], busy=[6], damaged=book.busiest())
    with LocalServer(app) as server:
        yield Play(
            options={"address": server.address, "first_days": HISTORY_DAYS},
            secrets={"HUBAO_YUNCHENG_PASSWORD": _APP_SECRET},
            reading=as_coded,
            nights=2,
            extra={"quarantined": 1},
        )


def _namesake(script: Script, number: int) -> Row:
    """A settlement of somebody of 包头 who has a member's name, and a number and a birthday of their own."""
    namesake = person_at(script.seed + 1, 10_000 + number, league=script.league, as_of=script.day)
    sent = next(sent for sent in script.rows if sent.person.index not in script.members and not sent.spoiled)
    return listed_row(sent) | {
        "setl_id": f"BAOTOU{number}",
        "mdtrt_id": f"VBAOTOU{number}",
        "psn_name": script.people[number].name,
        "certno": namesake.id_number,
        "brdy": namesake.birth_date.isoformat(),
        "insuplc_admdvs": "150200",
    }
