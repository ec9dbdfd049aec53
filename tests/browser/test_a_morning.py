"""A clerk's morning in a real browser, by keys and by visible words."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from browser_side import ALL_PAGES
from builders import claims
from morning_stage import address, chromium, office, open_as

from gateway.flow.office import Office
from gateway.flow.reviewing.show import list_items

if TYPE_CHECKING:
    from pathlib import Path

    from morning_stage import Opened


def test_doubts_are_decided_by_keys_alone_and_one_is_taken_back(open_as: Opened, office: Office) -> None:
    tab = open_as("clerk")
    tab.goto("/today")
    waiting = len(list_items(office))
    assert tab.locator("a.tile", has_text="待核").locator("b").inner_text() == str(waiting)
    tab.goto("/reviews")
    tab.keyboard.press("g")
    tab.wait_for_url(re.compile(r"/reviews/\d+"))
    began = time.monotonic()
    for left in range(waiting - 1, waiting - 3, -1):
        before = urlsplit(tab.url).path
        tab.keyboard.press("2")
        tab.wait_for_url(lambda url, before=before: urlsplit(url).path != before)
        assert len(list_items(office)) == left
    seconds = (time.monotonic() - began) / 2
    assert seconds < 6, f"{seconds:.1f} seconds each: fifty would take more than five minutes"
    tab.keyboard.press("b")
    tab.get_by_role("button", name="撤回").wait_for()
    tab.keyboard.press("u")
    tab.get_by_text("已撤回。").wait_for()
    assert len(list_items(office)) == waiting - 1
    assert tab.complaints == []  # type: ignore[attr-defined]


@pytest.mark.full
def test_digits_typed_into_a_field_decide_nothing(open_as: Opened, office: Office) -> None:
    tab = open_as("clerk")
    tab.goto("/reviews/1")
    tab.locator("summary", has_text="备注").click()
    tab.locator("#note").type("1 2 3")
    assert tab.locator("#note").input_value() == "1 2 3"
    assert all(item["state"] == "open" for item in list_items(office))


def test_a_claim_is_found_by_member_opened_by_keys_and_printed(open_as: Opened, office: Office) -> None:
    [claim] = [claim for claim in claims(office) if claim["payable"]]
    tab = open_as("clerk")
    tab.goto("/claims")
    tab.keyboard.press("/")
    tab.keyboard.type("M00003")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("member=M00003"))
    tab.get_by_text("共 1 件").wait_for()
    tab.locator("body").click(position={"x": 700, "y": 740})
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(claim["claim_id"]))
    with tab.context.expect_page() as printed:
        tab.keyboard.press("p")
    form = printed.value
    form.get_by_role("heading", name="申领审批表").first.wait_for()
    assert claim["claim_id"] in form.content()
    assert tab.complaints == []  # type: ignore[attr-defined]


@pytest.mark.full
def test_everything_works_without_script(open_as: Opened, office: Office) -> None:
    tab = open_as("clerk", script=False)
    waiting = len(list_items(office))
    tab.goto("/today")
    tab.get_by_role("link", name="待核", exact=True).click()
    tab.get_by_role("link", name="开始").click()
    tab.get_by_role("button", name="不是").click()
    assert tab.get_by_text("已记下。").is_visible()
    assert len(list_items(office)) == waiting - 1
    tab.goto("/claims")
    tab.get_by_label("会员号").fill("M00003")
    tab.get_by_role("button", name="查找").first.click()
    assert tab.get_by_text("共 1 件").is_visible()
    tab.goto("/quarantine")
    tab.get_by_role("link", name="医疗总费用").first.click()
    tab.get_by_label("原因").fill("对方已更正")
    tab.get_by_role("button", name="整组关闭").click()
    assert tab.get_by_text("没有待修的行").is_visible()


@pytest.mark.full
@pytest.mark.parametrize("path", ALL_PAGES)
def test_no_page_has_a_serious_barrier(open_as: Opened, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = open_as("clerk") if not path.startswith("/schemes") else open_as("policy")
    assert tab.goto(path).status == 200  # type: ignore[union-attr]
    violations = Axe().run(tab).response["violations"]
    serious = [
        (entry["id"], node["html"][:120])
        for entry in violations
        if entry["impact"] in ("serious", "critical")
        for node in entry["nodes"][:3]
    ]
    assert serious == []
    assert tab.complaints == []  # type: ignore[attr-defined]


@pytest.mark.full
@pytest.mark.parametrize("screen", [(1366, 768), (1920, 1080)])
def test_no_page_is_wider_than_its_screen(open_as: Opened, screen: tuple[int, int], tmp_path: Path) -> None:
    tab = open_as("clerk")
    tab.set_viewport_size({"width": screen[0], "height": screen[1]})
    for path in ALL_PAGES:
        if path.startswith("/schemes"):
            continue
        tab.goto(path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= screen[0], path
        shot = tmp_path / f"{screen[0]}{path.replace('/', '-')}.png"
        tab.screenshot(path=shot)
        assert shot.stat().st_size > 10_000, path
