"""Lists of an open platform keep the contract; what proves nothing takes nothing in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from day_feed_contract import DAYS, DayFeedContract, DayRig, days_of, settlement, take

from connectors.feeds.open_platform_list import OpenPlatformList, OpenPlatformSpec, written_instant
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.bundle import calls_of
from gateway.model.page import Fetched
from gateway.sandbox.open_platform_server import OpenPlatformApp, PlatformKeys
from gateway.sandbox.signing import new_sm2_keys

APP_ID, APP_SECRET = "EXAMPLEAPPID00000000000000000001", "EXAMPLEAPPSECRET0000000000000001"
(PRIVATE, PUBLIC), THEIRS = new_sm2_keys(), new_sm2_keys()


def league_of(rig: DayRig, **options: Any) -> OpenPlatformApp:
    keys = PlatformKeys(app_id=APP_ID, secret=APP_SECRET, app_key=PUBLIC, own=THEIRS)
    return OpenPlatformApp(rig.book, keys, clock=rig.time, **options)


class TestOpenPlatform(DayFeedContract):
    wrong_secrets: ClassVar[dict[str, Any]] = {"signing_key": "01" * 32, "app_secret": "another-secret-of-16"}

    def league(self, rig: DayRig) -> OpenPlatformApp:
        return league_of(rig)

    def feed(self, rig: DayRig, *, tries: int = 3, **options: Any) -> OpenPlatformList:
        given: dict[str, Any] = {
            "address": rig.server.address,
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "signing_key": PRIVATE.hex(),
            "platform_key": THEIRS[1].hex(),
            "page_size": 2,
            "timeout_seconds": 1.0,
        }
        return OpenPlatformList(OpenPlatformSpec(**{**given, **options}), rig.around(), tries=tries, sleep=rig.sleep)

    def tells(self, page: Fetched, number: str) -> bool:
        return any(number.encode() in call.reply for call in calls_of(page.content))

    def test_a_wrong_signature_takes_its_day_not_in_and_is_a_trouble(self, rig: DayRig) -> None:
        rig.app = league_of(rig, forged=[3])
        pages: list[Fetched] = []
        with pytest.raises(Unavailable, match="not authentic"):
            for page in self.feed(rig).fetch(None, first=None, last=None):
                pages.append(page)
        assert days_of(pages) == [DAYS[0], DAYS[2]]
        rig.app = league_of(rig)
        assert days_of(take(self.feed(rig), pages[-1].cursor)[0]) == [DAYS[1]]

    def test_a_refused_signature_of_ours_stops_the_run(self, rig: DayRig) -> None:
        with pytest.raises(Refused, match="code/40002"):
            list(self.feed(rig, signing_key="01" * 32).fetch(None, first=None, last=None))

    def test_an_app_without_a_usable_id(self, rig: DayRig) -> None:
        with pytest.raises(WrongUse, match="appId"):
            self.feed(rig, app_id="short")

    # A day asked about stands under SM4, so the wire does not show which one it is.
    def test_a_day_that_cannot_be_read_is_owed_and_holds_up_no_other(self, rig: DayRig) -> None:
        rig.book.put(DAYS[1], [settlement("S31"), settlement("S32")])
        rig.app = league_of(rig, forged=[3])
        pages, cursor = take(self.feed(rig))
        assert DAYS[1] not in days_of(pages)
        assert DAYS[1] in days_of(take(self.feed(rig), cursor)[0])


@pytest.mark.parametrize(
    ("form", "text"), [("digits14", "20240101120000"), ("milliseconds", "1704081600000"), ("seconds", "1704081600")]
)
def test_ways_to_write_an_instant(form: Any, text: str) -> None:
    assert written_instant(datetime(2024, 1, 1, 4, tzinfo=UTC), form) == text
