"""A roster brought in the browser: compared first, in words a clerk knows, and taken in once it is confirmed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import openpyxl
import pytest
from account_side import people, quick_hashes
from builders import EAST_AND_WEST, rows_of
from starlette.formparsers import MultiPartParser
from test_pages import Browser
from test_web_roster import as_csv, line
from web_side import ENVIRONMENT, Side, at_work

from gateway.model.account import Role
from gateway.store import schema, schema_access
from gateway.web.api.messages import BodyBudget, BodyShare
from gateway.web.session import COOKIE

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def side(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Side]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    quick_hashes(monkeypatch)
    with at_work(make_office(database_url, feeds=EAST_AND_WEST)) as side:
        yield side


class Clerk(Browser):
    """Somebody of one role at a browser, who brings files too."""

    def __init__(self, side: Side, role: Role = Role.CLERK) -> None:
        super().__init__(side, people(side.office, (role,))[role].session_id)

    def bring(self, content: bytes, name: str = "名册.csv", to: str = "/members/import") -> httpx.Response:
        files = {"file": (name, content, "application/octet-stream")}
        cookie = {"cookie": f"{COOKIE}={self.session}"}
        return self.side.client.post(to, headers=cookie, data={"csrf": self.token}, files=files)


def workbook(*lines: dict[str, str]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["某某市职工互助保障名册"])
    sheet.append(list(lines[0]))
    for entry in lines:
        sheet.append(list(entry.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def tile(text: str, words: str) -> int:
    counted = re.search(rf"<b class=\"[a-z]*\">([\d,]+)</b>{words}", text)
    assert counted is not None, text
    return int(counted[1].replace(",", ""))


def test_nothing_changes_before_it_is_confirmed_and_then_it_does(side: Side) -> None:
    clerk = Clerk(side)
    broken = line(3, 证件号码="150999196005010000")
    came = clerk.bring(workbook(line(1), line(2), broken), "名册.xlsx")
    assert came.status_code == 303, came.text
    shown = clerk.get(came.headers["location"]).text
    assert (tile(shown, "新会员"), tile(shown, "读不了的行")) == (2, 1)
    assert "证件号码" in shown and "待确认" in shown
    for person in (line(1), broken):
        assert person["证件号码"] not in shown and person["姓名"] not in shown
    assert rows_of(side.office, schema.member) == []
    place = came.headers["location"].partition("?")[0]
    done = clerk.post(f"{place}/confirm", association="nm")
    assert done.status_code == 303
    taken = clerk.get(done.headers["location"]).text
    assert "已导入" in taken and tile(taken, "新会员") == 2
    assert len(rows_of(side.office, schema.member)) == 2
    assert rows_of(side.office, schema_access.roster_part) == []
    # Once more: nothing is new, and confirming again changes nothing.
    again = clerk.bring(workbook(line(1), line(2)), "名册.xlsx")
    shown = clerk.get(again.headers["location"]).text
    assert (tile(shown, "新会员"), tile(shown, "无改动")) == (0, 2)


def test_what_takes_days_away_waits_for_a_person(side: Side) -> None:
    clerk = Clerk(side)
    everybody = [line(at) for at in range(1, 6)]
    first = clerk.bring(as_csv(*everybody)).headers["location"].partition("?")[0]
    clerk.post(f"{first}/confirm", association="nm")
    shorter = clerk.bring(as_csv(*(line(at, 保障结束="2021-08-31") for at in range(1, 6)))).headers["location"]
    shown = clerk.get(shorter).text
    assert tile(shown, "缩短或终止保障") == 5 and "R00001" in shown
    clerk.post(f"{shorter.partition('?')[0]}/confirm", association="nm")
    taken = clerk.get(shorter).text
    assert tile(taken, "缩短或终止保障") == 5


def test_a_preview_can_be_dropped(side: Side) -> None:
    clerk = Clerk(side)
    place = clerk.bring(as_csv(line(1))).headers["location"].partition("?")[0]
    assert clerk.post(f"{place}/discard", association="nm").status_code == 303
    assert rows_of(side.office, schema_access.roster_part) == []
    assert clerk.get(place).status_code == 303
    assert clerk.post(f"{place}/confirm", association="nm").status_code == 303
    assert rows_of(side.office, schema.member) == []


def test_files_that_are_no_roster_say_what_is_wrong(side: Side) -> None:
    clerk = Clerk(side)
    assert clerk.bring(b"").status_code == 422
    for content in (b"\x00\x01\x02" * 50, b"a,b\n1,2\n", b"PK\x03\x04broken", "姓名\n某人\n".encode()):
        came = clerk.bring(content)
        shown = clerk.get(came.headers["location"]).text
        assert tile(shown, "新会员") == 0
        assert "读不了的行" in shown and "<tbody><tr>" in shown, content
    assert rows_of(side.office, schema.member) == []


def test_only_who_may_import_does(side: Side) -> None:
    viewer = Clerk(side, Role.VIEWER)
    assert viewer.get("/members/import").status_code == 403
    assert viewer.bring(as_csv(line(1))).status_code == 403
    clerk = Clerk(side)
    clerk.token = "0" * 64
    assert clerk.bring(as_csv(line(1))).status_code == 403
    assert rows_of(side.office, schema_access.roster_part) == []


def test_a_file_that_is_brought_stays_in_memory(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def to_disk(_: object) -> None:
        raise AssertionError("it would lie on a disk in the clear")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", to_disk)
    header, *lines = as_csv(*(line(at) for at in range(400))).decode().splitlines()
    large = "\n".join([f"{header},备注", *(f"{each},{'无' * 2000}" for each in lines)]).encode()
    assert len(large) > 2 * 1024 * 1024
    came = Clerk(side).bring(large)
    assert came.status_code == 303, came.text
    assert rows_of(side.office, schema_access.roster_part) != []


def test_a_strangers_file_is_not_read_and_files_share_what_may_be_held(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed, shares, take = [], [], BodyShare.take
    monkeypatch.setattr(MultiPartParser, "parse", lambda _: parsed.append(1))
    stranger = side.client.post("/members/import", files={"file": ("名册.csv", as_csv(line(1)), "text/csv")})
    assert stranger.status_code == 303 and stranger.headers["location"].startswith("/login")
    assert parsed == []
    monkeypatch.undo()
    quick_hashes(monkeypatch)
    clerk, content = Clerk(side), as_csv(*(line(at) for at in range(50)))

    def note(share: BodyShare, size: int) -> None:
        shares.append((share, size))
        take(share, size)

    monkeypatch.setattr(BodyShare, "take", note)
    assert clerk.bring(content).status_code == 303
    [(share, size)] = shares
    assert size > len(content) and share._budget.left == BodyBudget().left
    share._budget.left = 1000
    assert clerk.bring(content).status_code == 503
    share._budget.left = BodyBudget().left
