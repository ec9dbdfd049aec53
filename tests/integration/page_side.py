"""A browser in front of the pages: it keeps cookies, sends forms with their token, and reads what it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import httpx
import pyotp
from account_side import CHOSEN, GIVEN, code
from web_side import Side

from gateway.flow.accounts.sessions import csrf_of
from gateway.web.session import COOKIE

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{32})"')
SECRET = re.compile(r'id="secret">([A-Z2-7 ]+)<')


class Browser:
    """One browser; its cookies are its own."""

    def __init__(self, side: Side) -> None:
        self.client, self.office = side.client, side.office
        self.client.cookies.clear()

    def get(self, address: str, **headers: str) -> httpx.Response:
        return self.client.get(address, headers=headers, follow_redirects=False)

    def send(self, address: str, *, token: str | None = None, **fields: object) -> httpx.Response:
        """A form, with the token of the session that the cookie says unless another is given; "" for none."""
        token = csrf_of(self.office, self.session_id) if token is None else token
        body = {**fields, **({"csrf": token} if token else {})}
        return self.client.post(address, data=body, follow_redirects=False)

    @property
    def session_id(self) -> str:
        return self.client.cookies.get(COOKIE, "")

    def sits_at(self, session_id: str) -> None:
        """Go on with a session that was begun elsewhere."""
        self.client.cookies.clear()
        self.client.cookies.set(COOKIE, session_id, domain=self.client.base_url.host)

    def logs_in_first(self, account: str) -> pyotp.TOTP:
        """The first log-in, page by page as it is shown. Returns the authenticator app."""
        shown = self.get("/login")
        answer = self.send("/login", token=token_in(shown), account=account, password=GIVEN)
        assert answer.headers["location"] == "/login/enrol?next=/"
        shown = self.get(answer.headers["location"])
        app = pyotp.TOTP("".join(SECRET.findall(shown.text)[0].split()))
        answer = self.send("/login/second", token=token_in(shown), code=code(self.office, app))
        assert answer.headers["location"] == "/login/password?next=/"
        shown = self.get(answer.headers["location"])
        fields = {"old": GIVEN, "new": CHOSEN, "again": CHOSEN}
        answer = self.send("/login/password", token=token_in(shown), **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        return app


def token_in(shown: httpx.Response) -> str:
    """The token that stands in a page's form."""
    return unescape(TOKEN.findall(shown.text)[0])


@contextmanager
def browser_at(side: Side) -> Iterator[Browser]:
    """A browser, whose cookies are gone afterwards: clients are shared between tests."""
    browser = Browser(side)
    try:
        yield browser
    finally:
        side.client.cookies.clear()
