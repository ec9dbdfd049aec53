"""What every ReceiveFeed promises, and the push feed's limits."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from by_hand import push
from standardwebhooks import Webhook

from connectors.feeds.push import Push
from connectors.registry import REGISTRY
from gateway.errors import BadPage, NotAuthentic, WrongUse
from gateway.ports import ReceiveFeed

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
BODY = b'{"type":"settlement.batch","records":[]}'


def signed(body: bytes = BODY, *, delivery: str = "dlv_1", at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    """Headers as the published library makes them: the far side does not run our code."""
    utc = datetime.fromtimestamp(at.timestamp(), tz=ZoneInfo("UTC"))
    return {
        "Webhook-Id": delivery,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(delivery, utc, body.decode("utf-8", "surrogateescape")),
    }


class ReceiveFeedContract:
    """Every ReceiveFeed whose sender holds SECRET."""

    @pytest.fixture
    def feed(self) -> ReceiveFeed:
        raise NotImplementedError

    def test_a_signed_request_is_a_page_as_it_came(self, feed: ReceiveFeed) -> None:
        page = feed.accept(signed(), BODY, now=NOW)
        assert (page.content, page.request) == (BODY, "push:dlv_1")

    def test_a_replay_is_the_same_page(self, feed: ReceiveFeed) -> None:
        later = NOW + timedelta(minutes=4)
        first = feed.accept(signed(), BODY, now=NOW)
        assert feed.accept(signed(), BODY, now=later) == first
        assert feed.accept(signed(at=later), BODY, now=later) == first

    def test_another_delivery_of_the_same_bytes_is_another_page(self, feed: ReceiveFeed) -> None:
        first = feed.accept(signed(), BODY, now=NOW)
        second = feed.accept(signed(delivery="dlv_2"), BODY, now=NOW)
        assert first.request != second.request

    @pytest.mark.parametrize("minutes", [-6, 6, 60 * 24])
    def test_a_stale_or_future_timestamp_is_refused(self, feed: ReceiveFeed, minutes: int) -> None:
        with pytest.raises(NotAuthentic):
            feed.accept(signed(), BODY, now=NOW + timedelta(minutes=minutes))

    def test_a_forged_signature_is_refused(self, feed: ReceiveFeed) -> None:
        other = "whsec_" + base64.b64encode(b"o" * 32).decode()
        with pytest.raises(NotAuthentic):
            feed.accept(signed(secret=other), BODY, now=NOW)

    def test_a_changed_body_is_refused(self, feed: ReceiveFeed) -> None:
        with pytest.raises(NotAuthentic):
            feed.accept(signed(), BODY + b" ", now=NOW)

    @pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
    def test_a_missing_header_is_refused(self, feed: ReceiveFeed, name: str) -> None:
        headers = signed()
        del headers[name]
        with pytest.raises(NotAuthentic):
            feed.accept(headers, BODY, now=NOW)

    def test_a_body_too_large_is_refused_before_it_is_read(self, feed: ReceiveFeed) -> None:
        with pytest.raises(BadPage) as refused:
            feed.accept({}, b"x" * (16 * 1024 * 1024 + 1), now=NOW)
        assert refused.value.code == "too_large"


class TestPush(ReceiveFeedContract):
    @pytest.fixture
    def feed(self) -> ReceiveFeed:
        return push(secret=SECRET)


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["push"].make is Push


def test_the_largest_body_allowed_is_allowed() -> None:
    body = b"x" * (1024 * 1024)
    assert push(secret=SECRET, body_limit_mib=1).accept(signed(body), body, now=NOW).content == body


def test_a_site_may_set_its_own_limits() -> None:
    feed = push(secret=SECRET, tolerance_seconds=10, body_limit_mib=1)
    with pytest.raises(NotAuthentic):
        feed.accept(signed(), BODY, now=NOW + timedelta(seconds=11))
    with pytest.raises(BadPage, match="1048576"):
        feed.accept(signed(), b"x" * (1024 * 1024 + 1), now=NOW)


def test_a_secret_of_the_wrong_form_is_found_at_the_start() -> None:
    with pytest.raises(WrongUse):
        push(secret="hunter2")
