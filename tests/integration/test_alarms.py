"""Findings to act on are told outside: in one message, none twice, not in quiet hours, never with a person's data."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, page, row, take, who

from gateway import wiring
from gateway.cli.main import app
from gateway.errors import Unavailable, WrongUse
from gateway.flow.findings.alarming import AlarmReport, raise_alarms
from gateway.flow.findings.book import Trouble, acknowledge, raise_, show, take_stock
from gateway.flow.intake import night
from gateway.flow.intake.night import Doors, run_night, tell_alarms
from gateway.flow.office import Office
from gateway.ports import AlarmWay
from gateway.settings.gateway import AlarmsSpec, QuietHours
from gateway.store import lines, schema_access

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


class Duty:
    """Whoever is on duty: keeps what is said, or does not answer."""

    way = "json"

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.reachable = True

    def send(self, title: str, text: str) -> None:
        if not self.reachable:
            raise Unavailable("告警未送达：json (nobody took the alarm)")
        self.said.append((title, text))


@pytest.fixture
def duty() -> Duty:
    return Duty()


def telling(office: Office, **changes: Any) -> Office:
    """The same site, which tells its findings at one address."""
    spec = AlarmsSpec(to=("env:HUBAO_ALARM",), **changes)  # type: ignore[arg-type]
    return replace(office, gateway=office.gateway.model_copy(update={"alarms": spec}))


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return telling(make_office(sqlite_url, feeds=EAST_AND_WEST))


@pytest.fixture
def on_both(make_office: MakeOffice, database_url: str) -> Office:
    return telling(make_office(database_url, feeds=EAST_AND_WEST))


def trouble(code: str = "feed_failed", name: str = "east", **rest: Any) -> Trouble:
    return Trouble(code=code, kind=rest.pop("kind", "feed"), name=name, **rest)


def wrong(office: Office, *troubles: Trouble) -> None:
    with office.store.write() as tx:
        for each in troubles:
            raise_(tx, each, now=office.now())


def tell(office: Office, *ways: AlarmWay) -> AlarmReport:
    return raise_alarms(office, lambda: ways)


def test_what_is_to_act_on_is_one_message_and_is_not_said_again(on_both: Office, duty: Duty, clock: Hands) -> None:
    wrong(
        on_both,
        trouble(),
        trouble("dead_letters", "nm", kind="association", count=7, amount=1_234_500),
        trouble("keys_unused", "west"),
    )
    assert tell(on_both, duty) == AlarmReport(told=2)
    [(title, text)] = duty.said
    assert title == "互保网关：2 项须处理"
    assert text.splitlines() == [
        "· 盟市 试验 east：上次运行失败",
        "· 协会 nm：申领未能送达，不再自行尝试（7 件，12345.00 元）",
        "查看与处理：hubao findings",
    ]
    clock.move(days=30)
    assert tell(on_both, duty) == AlarmReport(why="nothing")
    assert len(duty.said) == 1


def test_what_comes_later_waits_a_moment_and_is_told_together(office: Office, duty: Duty, clock: Hands) -> None:
    wrong(office, trouble())
    tell(office, duty)
    wrong(office, trouble(name="west"))
    clock.move(minutes=5)
    wrong(office, trouble("dead_letters", "nm", kind="association"))
    assert tell(office, duty) == AlarmReport(why="grouped")
    clock.move(minutes=5)
    assert tell(office, duty) == AlarmReport(told=2)
    assert [title for title, _ in duty.said] == ["互保网关：1 项须处理", "互保网关：2 项须处理"]


def test_quiet_hours_hold_it_until_the_morning(office: Office, duty: Duty, clock: Hands) -> None:
    office = telling(office, quiet=QuietHours(begin=time(22), end=time(7)))
    wrong(office, trouble())
    for hour in (22, 23, 0, 6):
        clock.set(2021, 10, 9, hour)
        assert tell(office, duty) == AlarmReport(why="quiet")
    clock.set(2021, 10, 9, 7)
    assert tell(office, duty) == AlarmReport(told=1)
    day = QuietHours(begin=time(12), end=time(14))
    assert [day.hold(time(hour)) for hour in (11, 12, 13, 14)] == [False, True, True, False]


def test_what_flaps_is_told_once_a_day(office: Office, duty: Duty, clock: Hands) -> None:
    for _ in range(20):
        wrong(office, trouble())
        tell(office, duty)
        take_stock(office, ("feed_failed",), [])
        clock.move(hours=1)
    assert len(duty.said) == 1
    clock.move(hours=4)
    wrong(office, trouble())
    assert tell(office, duty) == AlarmReport(told=1)


def test_what_a_person_has_seen_is_told_again_only_when_its_day_has_come(
    office: Office, duty: Duty, clock: Hands
) -> None:
    wrong(office, trouble())
    tell(office, duty)
    [finding] = show(office)
    acknowledge(office, finding.finding_id, by="甲", until=office.now().date() + timedelta(days=3))
    clock.move(days=2)
    assert tell(office, duty) == AlarmReport(why="nothing")
    clock.move(days=1)
    assert tell(office, duty) == AlarmReport(told=1)
    clock.move(days=1)
    assert tell(office, duty) == AlarmReport(why="nothing")


def test_an_alarm_that_fails_is_a_finding_and_is_told_once_it_can_be(on_both: Office, duty: Duty, clock: Hands) -> None:
    wrong(on_both, trouble())
    duty.reachable = False
    assert tell(on_both, duty) == AlarmReport(why="failed")
    failed = [report for report in show(on_both) if report.code == "alarm_failed"]
    assert [(report.name, report.level, report.counts) for report in failed] == [("1 json", "act", True)]
    clock.move(minutes=5)
    duty.reachable = True
    assert tell(on_both, duty) == AlarmReport(told=1)
    assert [report.code for report in show(on_both)] == ["feed_failed"]


def test_one_way_that_fails_does_not_keep_the_other_from_it(office: Office, duty: Duty) -> None:
    other = Duty()
    other.reachable = False
    office = replace(
        office,
        gateway=office.gateway.model_copy(update={"alarms": AlarmsSpec(to=("env:A", "env:B"))}),  # type: ignore[arg-type]
    )
    wrong(office, trouble())
    assert tell(office, other, duty) == AlarmReport(told=1)
    assert [report.name for report in show(office) if report.code == "alarm_failed"] == ["1 json"]


def test_whoever_dies_in_the_middle_leaves_it_to_be_told(office: Office, duty: Duty, clock: Hands) -> None:
    class Killed(BaseException): ...

    class Dies(Duty):
        def send(self, title: str, text: str) -> None:
            raise Killed

    wrong(office, trouble())
    with pytest.raises(Killed):
        tell(office, Dies())
    assert tell(office, duty) == AlarmReport(told=1)
    # One who died without a word holds it for ten minutes.
    wrong(office, trouble(name="west"))
    clock.move(minutes=20)
    finding = next(report for report in show(office) if report.name == "west")
    values = {"code": "feed_failed", "kind": "feed", "name": "west", "finding_id": finding.finding_id}
    with office.store.write() as tx:
        at = int(office.now().timestamp() * 1000)
        tx.execute(schema_access.finding_alarm.insert().values(**values, state="sending", at=at))
    assert tell(office, duty) == AlarmReport(why="nothing")
    clock.move(minutes=10)
    assert tell(office, duty) == AlarmReport(told=1)


def test_no_message_is_too_long_for_a_group(office: Office, duty: Duty) -> None:
    wrong(office, *(trouble("page_failed", str(number), kind="page") for number in range(300)))
    assert tell(office, duty) == AlarmReport(told=300)
    [(title, text)] = duty.said
    assert len(f"{title}\n{text}".encode()) < 2048
    assert "另有" in text.splitlines()[-2]


PLANTED = ("试赵一", who(1).id_number, "13800138000", "C50.900", "乳腺恶性肿瘤")


def test_no_persons_data_leaves_wherever_it_stands(office: Office, duty: Duty) -> None:
    planted = "；".join(PLANTED)
    wrong(
        office,
        trouble(detail=planted),
        trouble("step_failed", "feed/east", kind="step", detail=planted),
        trouble("page_failed", "7", kind="page", detail=planted),
    )
    finding = show(office)[0]
    acknowledge(office, finding.finding_id, by=PLANTED[0], until=date(2021, 10, 9), note=planted)
    take(office, "east", page(row("A1", 1)))
    office.clock.move(days=2)  # type: ignore[attr-defined]
    assert tell(office, duty).told >= 3
    said = str(duty.said)
    assert not [secret for secret in PLANTED if secret in said]


def doors(*ways: AlarmWay, alarms: Callable[[Office], Sequence[AlarmWay]] | None = None) -> Doors:
    return msgspec.structs.replace(wiring.doors(), alarms=alarms or (lambda _: ways), remote_times=lambda _: {})


@pytest.fixture
def no_feeds(office: Office) -> Office:
    """A night with nothing to ask outside."""
    return replace(office, feeds={}, associations=office.associations)


def test_a_night_tells_and_one_that_cannot_goes_on(
    no_feeds: Office, duty: Duty, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "deliver_to", lambda *_: night.DeliveryReport())
    wrong(no_feeds, trouble("dead_letters", "nm", kind="association"))

    def broken(_: Office) -> Sequence[AlarmWay]:
        raise ValueError(PLANTED[0])

    report = run_night(no_feeds, doors(alarms=broken))
    assert not report.failed
    failed = [found for found in show(no_feeds) if found.code == "step_failed"]
    assert [(found.name, found.detail) for found in failed] == [("alarms", "内部错误 (internal error): ValueError")]
    clock.move(hours=1)
    run_night(no_feeds, doors(duty))
    assert "dead_letters" in [found.code for found in show(no_feeds)]
    assert not [found for found in show(no_feeds) if found.code == "step_failed"]
    assert len(duty.said) == 1


def test_an_association_that_is_switched_off_after_five_days_raises_one(office: Office, duty: Duty) -> None:
    from gateway.flow.delivery.standing import note_deliveries

    with office.store.write() as tx:
        lines.ensure(tx, "nm")
        line = lines.read(tx, "nm")
        since = office.now() - timedelta(days=5)
        lines.write(tx, "nm", msgspec.structs.replace(line, failures=40, failing_since=since, disabled_at=office.now()))
    note_deliveries(office, "nm")
    tell_alarms(office, doors(duty))
    [(_, text)] = duty.said
    assert "· 协会 nm：协会多日连不上，已停止送达，申领留在队列" in text


class Hook(BaseHTTPRequestHandler):
    """An in-house webhook."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


class Mailbox(socketserver.StreamRequestHandler):
    """An in-house mail server: as much of SMTP as a message needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                message = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    message += part
                self.server.received.append(message)  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def serving(server: Any, status: int = 200) -> Iterator[Any]:
    server.received, server.status = [], status
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_it_is_tried_over_a_webhook_and_by_mail(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = office.site / "config" / "gateway.toml"
    settings = file.read_text("utf-8") + '\n[alarms]\nto = ["env:HUBAO_HOOK", "file:keys/mail"]\n'
    file.write_text(settings, "utf-8")
    hook, mail = HTTPServer(("127.0.0.1", 0), Hook), socketserver.TCPServer(("127.0.0.1", 0), Mailbox)
    with serving(hook), serving(mail):
        monkeypatch.setenv("HUBAO_HOOK", f"json://127.0.0.1:{hook.server_port}/hubao")
        address = f"mailto://127.0.0.1:{mail.server_address[1]}/?from=hubao@example.cn&to=duty@example.cn"
        (office.site / "keys" / "mail").write_text(address)
        (office.site / "keys" / "mail").chmod(0o600)
        assert hubao(office, "alarms", "try", "--json") == 0
    assert json.loads(capfd.readouterr().out)["failed"] == {}
    [message] = hook.received
    assert (message["title"], message["type"]) == ("互保网关：告警试验", "warning")
    assert len(mail.received) == 1 and b"duty@example.cn" in mail.received[0]
    with serving(HTTPServer(("127.0.0.1", hook.server_port), Hook), status=500):
        assert hubao(office, "alarms", "try", "--json") == 1
    told = json.loads(capfd.readouterr().out)
    assert sorted(told["failed"]) == ["1 json", "2 mailto"]
    assert str(hook.server_port) not in json.dumps(told) and "example.cn" not in json.dumps(told)


def hubao(office: Office, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app(["--site", str(office.site), *arguments], prog_name="hubao")
    return int(ended.value.code or 0)


@pytest.mark.parametrize("address", ["", "syslog://", "http://hook", "exec://ls", "json://", "mailto:x", "json://a b"])
def test_an_address_that_is_none_is_refused_without_being_shown(
    office: Office, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBAO_ALARM", address)
    [way] = wiring.alarm_ways(office)
    with pytest.raises(WrongUse) as refused:
        way.send("x", "y")
    assert not address or address not in str(refused.value)
    site = office.site / "config" / "gateway.toml"
    site.write_text(site.read_text("utf-8") + '\n[alarms]\nto = ["env:HUBAO_ALARM"]\n', "utf-8")
    if address != "json://":
        assert "alarms.to[1]" in [finding.key for finding in wiring.readiness(wiring.load_site(office.site))]
