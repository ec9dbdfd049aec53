"""Lists behind SOAP keep the contract; faults are judged by their words, and a WSDL is followed nowhere."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from day_feed_contract import DAYS, DayFeedContract, DayRig, days_of

from connectors.feeds.soap_list import SoapList, SoapListSpec
from connectors.transport.soap import SoapService
from gateway.errors import Refused, Unavailable
from gateway.sandbox.soap_server import SoapApp


class TestSoapList(DayFeedContract):
    wrong_secrets: ClassVar[dict[str, Any]] = {"secret": "another-password"}

    def league(self, rig: DayRig, **options: Any) -> SoapApp:
        return SoapApp(rig.book, password="EXAMPLE-PASSWORD", **options)

    def feed(self, rig: DayRig, *, tries: int = 3, **options: Any) -> SoapList:
        given: dict[str, Any] = {
            "address": rig.server.address,
            "operation": "querySettlements",
            "secret_argument": "password",
            "secret": "EXAMPLE-PASSWORD",
            "timeout_seconds": 1.0,
        }
        return SoapList(SoapListSpec(**{**given, **options}), rig.around(), tries=tries, sleep=rig.sleep)

    def test_a_fault_that_asks_to_try_again(self, rig: DayRig) -> None:
        rig.app = self.league(rig, faulty=[2])
        assert days_of(list(self.feed(rig).fetch(None, first=None, last=None))) == DAYS

    def test_a_fault_about_the_password_stops_the_run(self, rig: DayRig) -> None:
        with pytest.raises(Refused, match="fault"):
            list(self.feed(rig, secret="another").fetch(None, first=None, last=None))
        assert len(rig.server.seen) == 2

    @pytest.mark.parametrize("options", [{"operation": "unheard"}, {"begin_argument": "unheard"}])
    def test_what_the_service_does_not_have(self, rig: DayRig, options: dict[str, str]) -> None:
        with pytest.raises(Unavailable, match="wsdl_differs"):
            list(self.feed(rig, tries=1, **options).fetch(None, first=None, last=None))


@pytest.mark.parametrize(
    "wsdl",
    [
        b"",
        b"<x/>",
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import namespace="n" location="http://127.0.0.1:9/"/>'
        b"</definitions>",
    ],
    ids=["nothing", "other", "text", "doctype", "import"],
)
def test_a_description_that_cannot_be_used(wsdl: bytes) -> None:
    with pytest.raises(Unavailable, match="wsdl"):
        SoapService(wsdl)
