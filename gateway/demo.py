"""`hubao demo`: two evenings in miniature. Real servers on loopback, real files, the real gateway, simulated time.

The night is set in March 2022, so that the edition of 2021 (内工发〔2021〕5号) applies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from gateway import wiring
from gateway.core.roster import read_roster
from gateway.errors import WrongUse
from gateway.flow.accounts import managing, sessions
from gateway.flow.accounts.managing import AccountWish
from gateway.flow.batches.reconcile import DaySheet, lost, reconcile
from gateway.flow.delivery.health import health
from gateway.flow.findings.book import FindingReport
from gateway.flow.intake.night import Doors, deliver_to, run_night, work_waiting
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.model.account import Role, Viewer
from gateway.model.clock import SHANGHAI
from gateway.model.rows import RowClass
from gateway.sandbox.cloud_line_server import CloudLineServer
from gateway.sandbox.faults import Faults
from gateway.sandbox.inbox import Inbox
from gateway.sandbox.night import Night, build_night
from gateway.sandbox.pushes import Pusher, PushReport
from gateway.settings.shipped import write_site
from gateway.store import deliveries
from gateway.vault.passwords import new_password, new_session_id
from gateway.web.app import make_app
from gateway.web.running import Running

ASSOCIATION = "nm"
DAY = date(2022, 3, 10)
PEOPLE = 400
_LATER = timedelta(minutes=6)


class SimulatedClock:
    """Simulated time that runs as fast as the real one and can be moved on."""

    def __init__(self, start: datetime) -> None:
        self._start, self._began = start, time.monotonic()
        self._skipped = timedelta()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began) + self._skipped

    def unix(self) -> float:
        """The same instant in Unix seconds, for the sandbox's servers."""
        return self().timestamp()

    def move_to(self, moment: datetime) -> None:
        """Go on at this instant."""
        self._skipped += moment - self()

    def move_on(self, how_far: timedelta) -> None:
        """Let so much time pass at once."""
        self._skipped += how_far


class Demonstration(msgspec.Struct, kw_only=True):
    """What happened, for the report and for --json."""

    site: Path
    sheets: list[DaySheet]
    pushed: list[PushReport]
    inbox: dict[str, Any]
    faults: list[str]
    undelivered: int
    quarantined: int
    in_review: int
    seconds: float
    sample: dict[str, Any] | None
    findings: list[FindingReport] = []
    """What the second night left to know or to act on."""
    to_confirm: str | None = None
    """The member number of a claim that waits for a diagnosis to be confirmed."""

    def figures(self) -> dict[str, Any]:
        """The JSON of design §7."""
        matched = sum(s.tally.rows[RowClass.MEMBER] + s.tally.rows[RowClass.NOT_PAYABLE] for s in self.sheets)
        return {
            "records": sum(sheet.rows for sheet in self.sheets),
            "members_matched": matched,
            "claims_delivered": self.inbox["claims"],
            "quarantined": self.quarantined,
            "review": self.in_review,
            "lost": lost(self.sheets) + self.undelivered,
            "doubled": self.inbox["doubled"],
            "seconds": round(self.seconds, 1),
        }


def demonstrate(folder: Path, *, seed: int, tell: Callable[[str], None]) -> Demonstration:
    """Play both evenings in a new site; what is left there can be looked at with every other command. `tell` says what
    goes on. Raises WrongUse for a folder that is there: somebody may have gone on working in it."""
    began = time.monotonic()
    clock = SimulatedClock(datetime(DAY.year, DAY.month, DAY.day, 1, 0, tzinfo=SHANGHAI) - timedelta(days=1))
    tell("准备沙箱：名册、三个盟市、一个协会收件箱 (setting the stage)")
    if folder.exists():
        raise WrongUse(f"{folder} 已存在，不会清空 (it exists and is not emptied)")
    night = build_night(folder / "sandbox", seed=seed, people=PEOPLE, day=DAY)
    with _stage(folder, night, clock) as stage:
        return _play(stage, night, tell, began)


class _Stage(msgspec.Struct, kw_only=True):
    """Everything that runs during the demo."""

    folder: Path
    clock: SimulatedClock
    office: Office
    doors: Doors
    line: CloudLineServer
    inbox: Inbox
    pusher: Pusher
    line_faults: Faults
    inbox_faults: Faults


@contextmanager
def _stage(folder: Path, night: Night, clock: SimulatedClock) -> Iterator[_Stage]:
    line_faults = Faults.parse(["5203:2:error", "5203:5:broken"])
    inbox_faults = Faults.parse(["POST /claims:3:lost", "POST /claims:7:error"])
    with ExitStack() as stack:
        line = night.start_cloud_line(clock=clock.unix, faults=line_faults)
        stack.callback(line.stop)
        inbox = stack.enter_context(
            Inbox.start(folder / "inbox", secret=night.inbox_secret, faults=inbox_faults, clock=clock.unix)
        )
        _write_demo_site(folder, night, line, inbox)
        office = wiring.open_office(folder, clock=clock)
        stack.callback(office.store.close)
        doors = wiring.doors()
        web = Running.start(make_app(office, doors, start_scheduler=False))
        stack.callback(web.stop)
        url = f"{web.address}/api/v1/feeds/bayannur/push"
        pusher = Pusher(url, night.push_secret, clock=clock.unix)
        stack.callback(pusher.close)
        yield _Stage(
            folder=folder,
            clock=clock,
            office=office,
            doors=doors,
            line=line,
            inbox=inbox,
            pusher=pusher,
            line_faults=line_faults,
            inbox_faults=inbox_faults,
        )


def _write_demo_site(folder: Path, night: Night, line: CloudLineServer, inbox: Inbox) -> None:
    """The shipped files, pointed at the sandbox; secrets in files only this user can read."""
    write_site(folder)
    secrets = {
        "HUBAO_WUHAI_SECRET": night.cloud_line_secret,
        "HUBAO_BAYANNUR_SECRET": night.push_secret,
        "HUBAO_NM_SECRET": night.inbox_secret,
        "HUBAO_NM_REQUESTS_SECRET": night.inbox_secret,
    }
    replaced = {"http://127.0.0.1:8621": line.address, "http://127.0.0.1:8610": inbox.address}
    replaced |= {f"env:{name}": f"file:keys/{name.lower()}" for name in secrets}
    replaced |= {"per_second = 10": "per_second = 1000", '"hubao-wuhai"': f'"{night.paas_id}"'}
    replaced |= {'"data/inbound/hinggan"': f'"{night.drop_folder.relative_to(folder)}"'}
    for path in [*(folder / "config/feeds").glob("*.toml"), *(folder / "config/associations").glob("*.toml")]:
        text = path.read_text(encoding="utf-8")
        for old, new in replaced.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    wiring.make_keys(wiring.load_site(folder))
    for name, secret in secrets.items():
        handle = os.open(folder / "keys" / name.lower(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secret)


def _play(stage: _Stage, night: Night, tell: Callable[[str], None], began: float) -> Demonstration:
    report = enrol(stage.office, ASSOCIATION, read_roster(night.roster.read_bytes()).people)
    tell(f"名册：{report.added}名会员入册 (members enrolled)")
    pushed = []
    for number, evening in enumerate(night.evenings):
        tell(f"第{number + 1}夜 {evening.day}：文件落地、推送到达、逐人巡查 (files, pushes, the sweep)")
        pushes = night.begin(number, stage.line)
        pushed.append(stage.pusher.send_all(pushes))
        work_waiting(stage.office, ["bayannur"])
        run_night(stage.office, stage.doors)
        _until_delivered(stage)
        stage.clock.move_to(datetime(DAY.year, DAY.month, DAY.day, 1, 0, tzinfo=SHANGHAI) + timedelta(days=number))
    return _look_back(stage, pushed, began)


def _until_delivered(stage: _Stage, most: int = 12) -> None:
    """Let the schedule of the outbox come round until nothing waits any more."""
    for _ in range(most):
        with stage.office.store.read() as tx:
            waiting = deliveries.next_due(tx)
        if waiting is None:
            return
        stage.clock.move_on(max(waiting - stage.clock(), timedelta()) + _LATER)
        deliver_to(stage.office, stage.doors, ASSOCIATION)


def _look_back(stage: _Stage, pushed: list[PushReport], began: float) -> Demonstration:
    now = health(stage.office)
    claims = [entry.claim for entry in stage.inbox.book.current()]
    with_lines = [claim for claim in claims if claim.get("lines")]
    to_confirm = [claim for claim in claims if "diagnosis_to_confirm" in claim.get("flags", ())]
    return Demonstration(
        site=stage.folder,
        sheets=reconcile(stage.office),
        pushed=pushed,
        inbox=stage.inbox.summary(),
        faults=[
            f"{point} {fault.value}×{many}"
            for faults in (stage.line_faults, stage.inbox_faults)
            for (point, fault), many in sorted(faults.happened.items())
        ],
        undelivered=sum(many for state, many in now.deliveries.items() if state not in ("accepted", "overtaken")),
        quarantined=now.quarantined,
        in_review=now.in_review,
        findings=now.noted,
        seconds=time.monotonic() - began,
        # The claim with the most lines, as the association sees it.
        sample=max(with_lines, key=lambda claim: (len(claim["lines"]), claim["claim_id"]), default=None),
        to_confirm=min((claim["member"]["member_no"] for claim in to_confirm), default=None),
    )


# ── the pages, kept open ──


class DemoLogin(msgspec.Struct, frozen=True, kw_only=True):
    """An account of this demo alone: what one logs in with, who it is, the password."""

    account: str
    name: str
    password: str


class OpenPages(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pages of a demo are, and who may log in there."""

    address: str
    logins: list[DemoLogin]


_PEOPLE: dict[str, tuple[str, tuple[Role, ...]]] = {
    "anquan": ("安全管理员", (Role.SECURITY,)),
    "jingban": ("经办", (Role.CLERK, Role.REVIEWER, Role.POLICY, Role.LEAGUE_ADMIN)),
    "fuhe": ("复核", (Role.CLERK, Role.REVIEWER)),
    "shenji": ("审计员", (Role.AUDIT,)),
}
"""Account → name and roles; the first is the one that makes the others."""

_ONE_STEP = """
# 只为本次演示：登录只用密码，不用动态码。
[accounts]
second_factor = false
"""


@contextmanager
def pages_open(site: Path) -> Iterator[OpenPages]:
    """The pages over the site a demo left, on the morning after its second evening, until this ends. The accounts are
    made here, each with a password drawn now; from then on the site's commands want a log-in too."""
    settings = site / "config" / "gateway.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + _ONE_STEP, encoding="utf-8")
    clock = SimulatedClock(datetime(DAY.year, DAY.month, DAY.day, 8, 0, tzinfo=SHANGHAI) + timedelta(days=1))
    office = wiring.open_office(site, clock=clock)
    try:
        logins = _make_logins(office)
        web = Running.start(make_app(office, wiring.doors(), start_scheduler=False))
        try:
            yield OpenPages(address=f"{web.address}/", logins=logins)
        finally:
            web.stop()
    finally:
        office.store.close()


def _make_logins(office: Office) -> list[DemoLogin]:
    keeper, logins = None, []
    for account, (name, roles) in _PEOPLE.items():
        handed_out, chosen = new_password(), new_password()
        wish = AccountWish(account=account, name=name, roles=roles)
        managing.add_account(office, wish, handed_out, by=keeper, page="hubao demo")
        keeper = keeper or Viewer(account=account, name=name, roles=frozenset(roles))
        first = sessions.log_in(office, account, handed_out, way="page", draw=new_session_id)
        opened = sessions.change_password(office, first.session_id, handed_out, chosen, draw=new_session_id)
        sessions.log_out(office, opened.session_id)
        logins.append(DemoLogin(account=account, name=name, password=chosen))
    return logins
