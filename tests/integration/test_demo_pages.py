"""The pages a demo leaves open: whoever is printed may log in, and sees what the role is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from account_side import quick_hashes
from web_side import ENVIRONMENT, client_of

from gateway import wiring
from gateway.demo import pages_open
from gateway.settings.shipped import write_site
from gateway.web.session import COOKIE


def test_each_log_in_that_is_printed_opens_the_pages_of_its_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    quick_hashes(monkeypatch)
    site = tmp_path / "site"
    write_site(site)
    wiring.make_keys(wiring.load_site(site))
    first_pages = {}
    with pages_open(site) as pages:
        for login in pages.logins:
            with client_of(pages.address) as client:
                token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/login").text)
                assert token is not None
                fields = {"csrf": token[1], "account": login.account, "password": login.password}
                answer = client.post("/login", data=fields)
                assert (answer.status_code, answer.headers["location"]) == (303, "/")
                assert COOKIE in client.cookies
                first_pages[login.account] = client.get("/").headers["location"]
    assert first_pages == {"anquan": "/accounts", "jingban": "/today", "fuhe": "/today", "shenji": "/audit"}
