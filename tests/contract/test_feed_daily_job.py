"""Days that a job prepares keep the contract; a job that fails or never ends costs its own day, for one night."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import pytest
from day_feed_contract import DAYS, DayFeedContract, DayRig, days_of, take
from misbehaving_server import Reply, Seen

from connectors.feeds.daily_job import DailyJob, DailyJobSpec
from connectors.transport.national_line import NationalLine
from gateway.errors import Unavailable
from gateway.model.page import Fetched
from gateway.sandbox.job_server import COLUMNS, JobApp
from gateway.sandbox.national_server import Gate

API_KEY = "EXAMPLE-API-KEY-0001"


class TestDailyJob(DayFeedContract):
    wrong_secrets: ClassVar[dict[str, Any]] = {"api_key": "another-key"}

    def league(self, rig: DayRig, **options: Any) -> JobApp:
        gate = Gate(region="150900", api_key=API_KEY, sign_type="PRCSSC")
        return JobApp(rig.book, gate, clock=rig.time, **options)

    def feed(self, rig: DayRig, *, tries: int = 3, **options: Any) -> DailyJob:
        given: dict[str, Any] = {
            "address": rig.server.address,
            "facility_no": "H15090000001",
            "facility_name": "示例办事处",
            "region": "150900",
            "api_key": API_KEY,
            "sign_type": "PRCSSC",
            "timeout_seconds": 1.0,
            "looks": 4,
        }
        spec = DailyJobSpec(**{**given, **options})
        around = rig.around()
        line = NationalLine(spec, around, tries=tries, sleep=rig.sleep)
        return DailyJob(spec, around, line=line, sleep=rig.sleep)

    def test_a_page_is_the_file_as_it_came(self, rig: DayRig) -> None:
        page = next(iter(self.feed(rig).fetch(None, first=None, last=None)))
        header, *lines = page.content.decode("gb18030").splitlines()
        assert header == "\t".join(COLUMNS)
        assert [line.split("\t")[0] for line in lines] == ["S21", "S22"]

    @pytest.mark.parametrize(("fault", "code"), [("failing", "job_failed"), ("endless", "job_never_ends")])
    def test_a_job_that_does_not_succeed_costs_its_day_one_night(self, rig: DayRig, fault: str, code: str) -> None:
        rig.app = self.league(rig, **{fault: [DAYS[1]]})
        pages: list[Fetched] = []
        with pytest.raises(Unavailable, match=code):
            for page in self.feed(rig).fetch(None, first=None, last=None):
                pages.append(page)
        assert days_of(pages) == [DAYS[0], DAYS[2]]
        rig.now += timedelta(days=1)
        assert DAYS[1] in days_of(take(self.feed(rig), pages[-1].cursor)[0])

    @pytest.mark.parametrize(
        "output",
        [
            b'{"filename":"\xe5\xaf\xb9\xe8\xb4\xa620260101.txt","in":"QQ=="}',
            b'{"filename":"\xe5\xaf\xb9\xe8\xb4\xa620260302.txt","in":"?"}',
        ],
        ids=["another day", "no Base64"],
    )
    def test_what_is_no_file_of_the_day_is_not_taken(self, rig: DayRig, output: bytes) -> None:
        def wrong(seen: Seen) -> Reply | None:
            return Reply(body=b'{"infcode":0,"output":%b}' % output) if b'"infno":"9102"' in seen.body else None

        rig.fault = wrong
        assert take(self.feed(rig, tries=1))[0] == []
