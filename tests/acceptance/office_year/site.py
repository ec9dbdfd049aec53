"""The office's site for a year: its three feeds, an association with moods, the clock, and its clerks' commands."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from stage import Ended, Gateways, Time, change, rewrite

from gateway import wiring
from gateway.flow.findings.book import FindingReport, show
from gateway.flow.intake.night import NightReport, run_night
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.model.clock import SHANGHAI
from gateway.sandbox.cloud_line_server import CloudLineApp
from gateway.sandbox.files import ENCODING, day_file, drop
from gateway.sandbox.inbox import InboxApp
from gateway.sandbox.inbox_book import InboxBook
from gateway.sandbox.leagues import Sent
from gateway.sandbox.pushes import pushes_of
from gateway.sandbox.servers import App, LocalServer, Request, ServerReply, json_reply
from gateway.sandbox.signing import webhook_headers
from gateway.settings.shipped import write_site

from .town import ChangingWorld

ASSOCIATION = "nm"
PAAS_ID, LINE_SECRET = "hubao-demo", "bGluZQ=="
PUSH_SECRET, INBOX_SECRET = (f"whsec_{b64encode(word * 8).decode()}" for word in (b"push", b"read"))
SECRETS = {
    "HUBAO_WUHAI_SECRET": LINE_SECRET,
    "HUBAO_BAYANNUR_SECRET": PUSH_SECRET,
    "HUBAO_NM_SECRET": INBOX_SECRET,
    "HUBAO_NM_REQUESTS_SECRET": INBOX_SECRET,
}
EVENING_HOUR, NIGHT_HOUR, MORNING_HOUR = 21, 2, 9

ERROR_IN_200 = json_reply({"code": 500, "message": "校验失败", "data": None})
NOT_FOUND = ServerReply(status=404, body=b"<h1>404 Not Found</h1>", content_type="text/html")
PROXY_PAGE = ServerReply(body=b"<html><body>Web Filter: session expired</body></html>", content_type="text/html")


class MoodyInbox:
    """The association's system, or what stands before it and answers in its place while `mood` is set."""

    def __init__(self, app: InboxApp) -> None:
        self._app = app
        self.mood: ServerReply | None = None
        self.carries_out = False
        """Whether what comes reaches the association all the same, and only its answer is lost."""
        self.turned_away = 0

    def point(self, request: Request) -> str:
        return self._app.point(request)

    def answer(self, request: Request) -> ServerReply:
        if self.mood is not None:
            self.turned_away += 1
            if self.carries_out:
                self._app.answer(request)
            return self.mood
        return self._app.answer(request)


class Line:
    """The cloud line, which may be down."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.is_down = False

    def point(self, request: Request) -> str:
        return self._app.point(request)

    def answer(self, request: Request) -> ServerReply:
        return json_reply({"title": "down"}, status=503) if self.is_down else self._app.answer(request)


@dataclass
class Site:
    """The site and everything around it. `office` is the gateway in this process, which does the quiet nights."""

    path: Path
    clock: Time
    gateways: Gateways
    world: ChangingWorld
    line: Line
    inbox: MoodyInbox
    book: InboxBook
    office: Office
    night_seconds: list[float] = field(default_factory=list)
    night_cpu: list[float] = field(default_factory=list)

    @property
    def dropped(self) -> Path:
        return self.path / "data/inbound/hinggan"

    def at(self, day: date, hour: int) -> None:
        """Go to this hour of a day."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
        self.clock.pass_by(moment - self.clock.now())

    def drop_file(
        self,
        day: date,
        rows: Sequence[Sent],
        *,
        name: str | None = None,
        marker: bool = True,
        more_rows: int = 0,
        encoding: str = ENCODING,
    ) -> None:
        """兴安盟 drops a day's file, now. `more_rows`: as many more its marker says there are."""
        prepared = day_file(day, rows)
        content = prepared.content.decode(ENCODING).encode(encoding)
        file = drop(self.dropped, msgspec.structs.replace(prepared, content=content, rows=prepared.rows + more_rows))
        if name is not None:
            ready = file.with_name(f"{file.name}.ok")
            file = file.rename(file.with_name(name))
            ready.rename(file.with_name(f"{name}.ok"))
        if not marker:
            file.with_name(f"{file.name}.ok").unlink()
        now = self.clock.unix()
        for path in (file, file.with_name(f"{file.name}.ok")):
            # Files are as old as the year says, not as the machine that plays it.
            if path.exists():
                os.utime(path, (now, now))

    def push(self, day: date, rows: Sequence[Sent], *, wave: int = 0) -> None:
        """巴彦淖尔 pushes what it settled on a day, now."""
        door = wiring.feed_connector(self.office, "bayannur")
        for push in pushes_of(day, rows):
            headers = webhook_headers(
                PUSH_SECRET, message_id=f"{push.message_id}-{wave}", timestamp=int(self.clock.unix()), body=push.body
            )
            fetched = door.accept(headers, push.body, now=self.office.now())  # type: ignore[union-attr]
            store_page(self.office, "bayannur", fetched)

    def night(self, feeds: Sequence[str]) -> NightReport:
        """A night in this process."""
        began, cpu = datetime.now(SHANGHAI), os.times()
        report = run_night(self.office, wiring.doors(), feeds=feeds)
        spent = os.times()
        self.night_seconds.append((datetime.now(SHANGHAI) - began).total_seconds())
        self.night_cpu.append(spent.user + spent.system - cpu.user - cpu.system)
        return report

    def command(self, *arguments: str) -> Ended:
        """A command of a clerk, in a process of its own."""
        line = ("--site", str(self.path), *arguments)
        return self.gateways.start(line, seconds=self.clock.seconds).wait()

    def answer(self, *arguments: str, codes: Sequence[int] = (0,)) -> Any:
        """The JSON answer of a command that ends with one of these codes."""
        ended = self.command(*arguments, "--json")
        assert ended.code in codes, f"{arguments}: {ended.code}\n{ended.out}{ended.err}"
        return ended.answer

    def findings(self) -> list[FindingReport]:
        """The open findings, as the night left them."""
        return show(self.office)

    def close(self) -> None:
        """Stop the gateway of this process."""
        self.office.store.close()

    def reopen(self) -> None:
        """Start the gateway again, with the settings as they are now."""
        self.close()
        self.office = wiring.open_office(self.path, clock=self.clock.now)


def write_office(path: Path, database: str | None) -> None:
    """A site with the shipped files and keys. The cloud line is asked every other week, which its file says."""
    write_site(path)
    (path / "data/inbound/hinggan").mkdir(parents=True)
    (path / "keys").mkdir(mode=0o700)
    for name, secret in SECRETS.items():
        file = path / "keys" / name.lower()
        file.touch(mode=0o600)
        file.write_text(secret, encoding="utf-8")
    rewrite(path, {f"env:{name}": f"file:keys/{name.lower()}" for name in SECRETS})
    change(path / "config/gateway.toml", lease_seconds=5, batch_rows=100)
    wuhai = path / "config/feeds/wuhai.toml"
    change(wuhai, paas_id=PAAS_ID, per_second=1000, care_types=["21"], fresh_within_hours=400, overlap_days=90)
    if database is not None:
        change(path / "config/gateway.toml", database=database)
    wiring.make_keys(wiring.load_site(path))


@contextmanager
def open_site(folder: Path, people: ChangingWorld, first_day: date, *, database: str | None) -> Iterator[Site]:
    """A new site in this folder with a cloud line, a drop folder and an association, on the eve of the first day."""
    clock = Time(datetime(first_day.year, first_day.month, first_day.day, tzinfo=SHANGHAI) - timedelta(hours=12))
    path = folder / "site"
    write_office(path, database)
    with ExitStack() as stack:
        line = Line(CloudLineApp(people, paas_id=PAAS_ID, secret=LINE_SECRET, clock=clock.unix))
        line_server = stack.enter_context(LocalServer(line))
        book = InboxBook(folder / "inbox")
        stack.callback(book.close)
        inbox = MoodyInbox(InboxApp(book, INBOX_SECRET, clock.unix))
        inbox_server = stack.enter_context(LocalServer(inbox))
        rewrite(path, {"http://127.0.0.1:8621": line_server.address, "http://127.0.0.1:8610": inbox_server.address})
        gateways = stack.enter_context(Gateways(folder / "gateways"))
        office = wiring.open_office(path, clock=clock.now)
        site = Site(path, clock, gateways, people, line, inbox, book, office)
        stack.callback(site.close)
        yield site
