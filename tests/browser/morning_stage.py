"""A real browser on the pages: Chromium of this machine, driven by Playwright. Without one these tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from account_side import log_in_first, make_account, quick_hashes
from builders import EAST_AND_WEST, enrolled, page, row, take
from review_side import LATER, wrong_name
from web_side import ENVIRONMENT, at_work

from gateway.flow.office import Office
from gateway.web.session import COOKIE

if TYPE_CHECKING:
    from conftest import MakeOffice
    from playwright.sync_api import Browser, BrowserContext, Page

SCREEN = {"width": 1366, "height": 768}
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of this machine; skipped where there is none, or it does not start.

    No longer open than its module: the driver keeps a loop running in the thread, and nothing else could start one.
    """
    place = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if place is None:
        pytest.skip(f"没有浏览器，页面的浏览器测试略过 (no browser: none of {', '.join(_NAMES)} on this machine)")
    if find_spec("playwright") is None:
        pytest.skip("没有安装 playwright (playwright is not installed)")
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            # No sandbox of its own: continuous integration runs as root, and every page here is ours.
            browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox", "--lang=zh-CN"])
        except Error as error:
            pytest.skip(f"浏览器起不来 (the browser does not start): {str(error).splitlines()[0]}")
        yield browser
        browser.close()


DOUBTS = 12
"""How many doubtful matches a morning begins with."""


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A site after a night: two members, a claim, doubts, a row that cannot be read."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    quick_hashes(monkeypatch)
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2, 3)
    doubts = [wrong_name(f"A{number}", 1 + number % 2, f"另{number}人", **LATER) for number in range(DOUBTS)]
    take(office, "east", page(*doubts, row("C1", 3), {**row("B1", 1), "medfee_sumamt": "一千"}))
    return office


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    """Where the pages of this site are."""
    with at_work(office) as side:
        yield str(side.client.base_url).rstrip("/")


Opened = Callable[..., "Page"]


@pytest.fixture
def open_as(chromium: Browser, office: Office, address: str) -> Iterator[Opened]:
    """`open_as("clerk", script=True)`: a page of a browser in which somebody of that role is logged in."""
    contexts: list[BrowserContext] = []

    def opened(role: str, *, script: bool = True) -> Page:
        make_account(office, f"{role}-{len(contexts)}", role)
        session, _ = log_in_first(office, f"{role}-{len(contexts)}")
        context = chromium.new_context(
            viewport=SCREEN,  # type: ignore[arg-type]
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            java_script_enabled=script,
            base_url=address,
        )
        context.add_cookies([{"name": COOKIE, "value": session.session_id, "url": address}])
        contexts.append(context)
        tab = context.new_page()
        tab.complaints = []  # type: ignore[attr-defined]
        tab.on("console", lambda message: _note(tab, message))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))  # type: ignore[attr-defined]
        tab.on("requestfailed", lambda request: tab.complaints.append(request.url))  # type: ignore[attr-defined]
        return tab

    yield opened
    for context in contexts:
        context.close()


def _note(tab: Any, message: Any) -> None:
    # A page that refuses is told by the browser too, and is what some tests ask for.
    if message.type in ("error", "warning") and "status of" not in message.text:
        tab.complaints.append(message.text)
