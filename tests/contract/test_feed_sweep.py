"""What every SweepFeed promises, and what the cloud line does with everything a platform may answer."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from by_hand import cloud_line
from misbehaving_server import LocalServer, Reply, closed_port
from small_league import PAAS_ID, SECRET, League, Patient, envelope, good, id_number, refusal, settled

from connectors.feeds.cloud_line import CloudLine
from connectors.registry import REGISTRY
from connectors.transport.msgid import MessageIds
from gateway.errors import CallsSpent, Unavailable, WrongUse
from gateway.model.page import MAX_PAGE_BYTES
from gateway.ports import SweepFeed, SweepSubject

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
NAME = "测试甲"


def subject(serial: int) -> SweepSubject:
    return SweepSubject(
        member_id=serial,
        id_type="01",
        id_number=id_number(serial),
        name=NAME,
        since=date(2026, 1, 1),
        until=date(2026, 2, 28),
    )


def calls_in(content: bytes) -> list[dict[str, Any]]:
    bundle = msgspec.msgpack.decode(content)
    assert bundle["bundle"] == 1
    calls: list[dict[str, Any]] = bundle["calls"]
    return calls


class Rig:
    """A league, its server, and a feed that sleeps by moving the clock."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.slept: list[float] = []
        self.league = League(clock=lambda: int(self.now.timestamp()))
        self.server = LocalServer(self.league.answer)
        self.msgids = MessageIds("H15030000001", state=folder / "last")

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def feed(self, **options: Any) -> CloudLine:
        given: dict[str, Any] = {
            "address": self.server.address,
            "paas_id": PAAS_ID,
            "secret": SECRET,
            "facility_no": "H15030000001",
            "facility_name": "示例医院",
            "region": "150300",
            "timeout_seconds": 1.0,
            "per_second": 1000,
            "next_msgid": self.msgids,
            "clock": lambda: self.now,
            "sleep": self.sleep,
        }
        return cloud_line(**{**given, **options})


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    with made.server:
        yield made


class SweepFeedContract:
    """Every SweepFeed, built over a league where 1 and 2 were in hospital and 9 is unknown."""

    @pytest.fixture
    def feed(self, rig: Rig) -> SweepFeed:
        rig.league.patients = {
            id_number(1): Patient("P1", {"M1": "S1", "M2": None}),
            id_number(2): Patient("P2", {"M3": "S3"}),
            id_number(3): Patient("P3"),
        }
        return self.build(rig)

    def build(self, rig: Rig) -> SweepFeed:
        raise NotImplementedError

    def test_one_page_settles_everybody_asked(self, feed: SweepFeed) -> None:
        swept = feed.ask([subject(1), subject(2), subject(3)], now=NOW)
        assert (swept.asked, swept.failed) == ((1, 2, 3), ())

    def test_every_reply_stands_verbatim_beside_its_call(self, feed: SweepFeed, rig: Rig) -> None:
        calls = calls_in(feed.ask([subject(1)], now=NOW).fetched.content)
        settlement = next(call for call in calls if call["infno"] == "5203")
        assert settlement["reply"] == good({"setlinfo": settled("S1")}, infcode="0").body

    def test_somebody_the_feed_does_not_know_is_an_answer(self, feed: SweepFeed) -> None:
        swept = feed.ask([subject(9)], now=NOW)
        assert (swept.asked, swept.failed) == ((9,), ())

    def test_request_and_call_name_nobody(self, feed: SweepFeed) -> None:
        swept = feed.ask([subject(1), subject(2), subject(9)], now=NOW)
        asked = str([call["asked"] for call in calls_in(swept.fetched.content)])
        for told in (swept.fetched.request, asked):
            assert NAME not in told
            assert not any(id_number(serial) in told for serial in (1, 2, 9))
        assert swept.fetched.request == f"sweep:{NOW.isoformat()}:1-9"

    def test_a_page_is_no_larger_than_a_page_may_be(self, feed: SweepFeed) -> None:
        assert len(feed.ask([subject(1)], now=NOW).fetched.content) <= MAX_PAGE_BYTES

    def test_asking_about_nobody_is_wrong_use(self, feed: SweepFeed) -> None:
        with pytest.raises(WrongUse):
            feed.ask([], now=NOW)


class TestCloudLineKeepsTheContract(SweepFeedContract):
    def build(self, rig: Rig) -> SweepFeed:
        return rig.feed()


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["cloud-line"].make is CloudLine


def test_the_order_of_the_questions_and_what_they_carry(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    rig.feed(care_types=("21", "52")).ask([subject(1)], now=NOW)
    asked = [(request["infno"], request["insuplc_admdvs"], request["input"]["data"]) for request in rig.league.requests]
    window = {
        "psn_no": "P1",
        "begntime": "2026-01-01 00:00:00",
        "endtime": "2026-02-28 23:59:59",
        "mdtrt_id": "",
    }
    assert asked == [
        (
            "1101",
            "",
            {
                "mdtrt_cert_type": "02",
                "mdtrt_cert_no": id_number(1),
                "card_sn": "",
                "begntime": "",
                "psn_cert_type": "01",
                "certno": id_number(1),
                "psn_name": "",
            },
        ),
        ("5201", "150302", {**window, "med_type": "21"}),
        ("5203", "150302", {"psn_no": "P1", "setl_id": "", "mdtrt_id": "M1"}),
        ("5202", "150302", {"mdtrt_id": "M1", "psn_no": "P1"}),
        ("5201", "150302", {**window, "med_type": "52"}),
    ]


def test_the_reply_about_the_person_is_not_kept(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    content = rig.feed().ask([subject(1)], now=NOW).fetched.content
    assert [call["infno"] for call in calls_in(content)] == ["5201", "5203", "5202"]
    assert id_number(1).encode() not in content


def test_message_ids_never_repeat(rig: Rig) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}", {f"M{n}": f"S{n}"}) for n in range(1, 9)}
    rig.feed().ask([subject(n) for n in range(1, 5)], now=NOW)
    rig.feed().ask([subject(n) for n in range(5, 9)], now=NOW)
    ids = [request["msgid"] for request in rig.league.requests]
    assert len(set(ids)) == len(ids) == 32
    assert all(len(one) == 30 and one.startswith("H15030000001") for one in ids)


def test_signatures_are_fresh_however_long_the_page_takes(rig: Rig) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}") for n in range(1, 6)}
    swept = rig.feed(per_second=0.01).ask([subject(n) for n in range(1, 6)], now=NOW)
    assert sum(rig.slept) > 600
    assert swept.asked == (1, 2, 3, 4, 5)


REGIONS = [
    ([], "150300"),
    ([{"insuplc_admdvs": ""}], "150300"),
    ([{"insuplc_admdvs": "150400"}], "150400"),
    ([{"insuplc_admdvs": "150400", "psn_insu_stas": "1"}, {"insuplc_admdvs": "150303"}], "150303"),
    ([{"insuplc_admdvs": "150302"}, {"insuplc_admdvs": "150303", "psn_insu_stas": "1"}], "150303"),
    (
        [{"insuplc_admdvs": "150302", "insutype": "390"}, {"insuplc_admdvs": "150303", "insutype": "310"}],
        "150303",
    ),
]


@pytest.mark.parametrize(("insured", "region"), REGIONS)
def test_where_the_person_is_insured(rig: Rig, insured: list[dict[str, Any]], region: str) -> None:
    rig.league.patients = {id_number(1): Patient("P1", insuinfo=insured)}
    rig.feed().ask([subject(1)], now=NOW)
    assert rig.league.requests[-1]["insuplc_admdvs"] == region


def test_a_platform_with_one_address_for_all_transactions(rig: Rig) -> None:
    rig.league.fault = lambda infno, request: refusal("未查询到人员")
    paths = {"1101": "", "5201": "", "5202": "", "5203": ""}
    address = rig.server.address + "/fsi/api/fsiPsnInfoService/queryPsnInfo"
    assert rig.feed(address=address, paths=paths).ask([subject(1)], now=NOW).asked == (1,)


# What a platform may answer instead

Broken = Callable[[], Reply]
BROKEN: dict[str, Broken] = {
    "broken JSON": lambda: Reply(body=b'{"infcode":0,"output":{"mdtrtinfo":[{'),
    "an HTML error page with 200": lambda: Reply(body=b"<html>502</html>", headers={"content-type": "text/html"}),
    "an empty body": Reply,
    "no infcode": lambda: envelope({"output": {}}),
    "infcode null": lambda: envelope({"infcode": None, "output": {}}),
    "an output that is a number": lambda: envelope({"infcode": 0, "output": 7}),
    "a huge body": lambda: Reply(body=b" " * (MAX_PAGE_BYTES + 1)),
    "a huge body of unknown length": lambda: Reply(body=b" " * (MAX_PAGE_BYTES + 1), wire="no-length"),
    "a compressed body nobody asked for": lambda: Reply(
        body=gzip.compress(good({}).body), headers={"content-encoding": "gzip"}
    ),
}
GONE: dict[str, Broken] = {
    "500": lambda: Reply(status=500),
    "503": lambda: Reply(status=503),
    "429": lambda: Reply(status=429),
    "a lost connection": lambda: Reply(wire="drop"),
    "a reply cut in the middle": lambda: Reply(body=b'{"infcode":0}', wire="half"),
}


@pytest.mark.parametrize(
    ("code", "reply"),
    [("broken_reply", reply) for reply in BROKEN.values()] + [("unavailable", reply) for reply in GONE.values()],
    ids=[*BROKEN, *GONE],
)
class TestWhatIsNoAnswer:
    def test_it_is_tried_again_at_once(self, rig: Rig, code: str, reply: Broken) -> None:
        rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
        left = [reply(), reply()]
        rig.league.fault = lambda infno, request: left.pop() if infno == "5203" and left else None
        assert rig.feed().ask([subject(1)], now=NOW).asked == (1,)
        assert rig.league.calls()["5203"] == 3

    def test_one_person_fails_and_the_others_are_delivered(self, rig: Rig, code: str, reply: Broken) -> None:
        rig.league.patients = {id_number(n): Patient(f"P{n}", {f"M{n}": f"S{n}"}) for n in (1, 2, 3)}
        rig.league.fault = lambda infno, request: (
            reply() if infno == "5202" and request["input"]["data"]["psn_no"] == "P2" else None
        )
        swept = rig.feed(tries=1).ask([subject(n) for n in (1, 2, 3)], now=NOW)
        assert (swept.asked, swept.failed) == ((1, 3), ((2, code),))
        # A settlement without its diagnoses would be assessed wrongly, so half a visit is not delivered.
        settlements = [call["asked"]["psn_no"] for call in calls_in(swept.fetched.content) if call["infno"] == "5203"]
        assert settlements == ["P1", "P3"]

    def test_when_nothing_is_learnt_the_line_is_unavailable(self, rig: Rig, code: str, reply: Broken) -> None:
        rig.league.fault = lambda *_: reply()
        with pytest.raises(Unavailable) as down:
            rig.feed(tries=1).ask([subject(n) for n in range(1, 10)], now=NOW)
        assert code in str(down.value)
        # After three people in a row the others are left in peace.
        assert len(rig.league.requests) == 3


def test_failures_that_are_not_in_a_row_are_no_outage(rig: Rig) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}") for n in range(1, 9)}
    odd = {id_number(n) for n in (1, 3, 5, 7)}
    rig.league.fault = lambda infno, request: (
        Reply(status=500) if request["input"]["data"].get("certno") in odd else None
    )
    swept = rig.feed(tries=1).ask([subject(n) for n in range(1, 9)], now=NOW)
    assert swept.asked == (2, 4, 6, 8)
    assert swept.failed == tuple((n, "unavailable") for n in (1, 3, 5, 7))


@pytest.mark.parametrize("wire", ["hang", "drip", "drip-headers", "continue"])
def test_a_line_that_never_ends_its_answer(rig: Rig, wire: Any) -> None:
    rig.league.fault = lambda infno, request: Reply(wire=wire)
    with pytest.raises(Unavailable):
        rig.feed(tries=1, timeout_seconds=0.1).ask([subject(1)], now=NOW)


def test_nobody_listens(rig: Rig) -> None:
    with pytest.raises(Unavailable, match="unavailable"):
        rig.feed(address=closed_port()).ask([subject(1)], now=NOW)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_a_line_that_refuses_us_is_not_asked_again(rig: Rig, status: int) -> None:
    elsewhere = {"location": rig.server.address + "/elsewhere"}
    rig.league.fault = lambda infno, request: Reply(status=status, headers=elsewhere)
    with pytest.raises(Unavailable, match=f"http_{status}"):
        rig.feed().ask([subject(1)], now=NOW)
    assert len(rig.server.seen) == 1


def test_a_platform_that_asks_for_a_pause_gets_it(rig: Rig) -> None:
    rig.league.fault = lambda infno, request: Reply(status=429, headers={"retry-after": "120"})
    with pytest.raises(Unavailable) as busy:
        rig.feed().ask([subject(1), subject(2)], now=NOW)
    assert busy.value.retry_after == 120
    assert len(rig.league.requests) == 1


def test_a_pause_in_the_middle_delivers_what_is_there(rig: Rig) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}") for n in (1, 2, 3)}
    rig.league.fault = lambda infno, request: (
        Reply(status=503, headers={"retry-after": "60"}) if len(rig.league.requests) > 2 else None
    )
    swept = rig.feed().ask([subject(n) for n in (1, 2, 3)], now=NOW)
    assert (swept.asked, swept.failed) == ((1,), ((2, "unavailable"),))


# What a platform may refuse


@pytest.mark.parametrize("infcode", [-1, "-1", 1, "500"])
def test_a_refusal_is_kept_and_its_person_asked_again_later(rig: Rig, infcode: Any) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}") for n in (1, 2)}
    refused = envelope({"infcode": infcode, "err_msg": "系统异常"})
    rig.league.fault = lambda infno, request: refused if request["input"]["data"].get("psn_no") == "P1" else None
    swept = rig.feed().ask([subject(1), subject(2)], now=NOW)
    assert (swept.asked, swept.failed) == ((2,), ((1, "refused_5201"),))
    assert refused.body in [call["reply"] for call in calls_in(swept.fetched.content)]


def test_one_refused_visit_does_not_hold_back_the_others(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1", "M2": "S2", "M3": "S3"})}
    rig.league.fault = lambda infno, request: (
        refusal("处理失败") if infno == "5203" and request["input"]["data"]["mdtrt_id"] == "M2" else None
    )
    swept = rig.feed().ask([subject(1)], now=NOW)
    assert swept.failed == ((1, "refused_5203"),)
    assert [call["asked"]["mdtrt_id"] for call in calls_in(swept.fetched.content) if call["infno"] == "5202"] == [
        "M1",
        "M3",
    ]


def test_refused_diagnoses_leave_the_settlement(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    rig.league.fault = lambda infno, request: refusal("处理失败") if infno == "5202" else None
    swept = rig.feed().ask([subject(1)], now=NOW)
    assert swept.failed == ((1, "refused_5202"),)
    assert [call["infno"] for call in calls_in(swept.fetched.content)] == ["5201", "5203", "5202"]


def test_a_wrong_secret_is_seen_for_everybody_and_learns_nothing_wrong(rig: Rig) -> None:
    swept = rig.feed(secret="another").ask([subject(1), subject(2)], now=NOW)
    assert (swept.asked, swept.failed) == ((), ((1, "refused_1101"), (2, "refused_1101")))


OUTPUTS = {
    "an object": {"baseinfo": {"psn_no": "P1"}},
    "JSON in a string": '{"baseinfo":{"psn_no":"P1"}}',
    "a list": {"baseinfo": [{"psn_no": "P1"}]},
    "unknown keys": {"baseinfo": {"psn_no": "P1", "x": {"y": [1]}}, "idetinfo": None},
}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_outputs_of_every_shape(rig: Rig, output: Any) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    rig.league.fault = lambda infno, request: good(output, infcode="0") if infno == "1101" else None
    assert rig.feed().ask([subject(1)], now=NOW).asked == (1,)
    assert rig.league.calls() == {"1101": 1, "5201": 1, "5203": 1, "5202": 1}


@pytest.mark.parametrize("output", [None, {}, "", "{}"])
def test_no_output_means_nobody(rig: Rig, output: Any) -> None:
    rig.league.fault = lambda infno, request: good(output)
    assert rig.feed().ask([subject(1)], now=NOW).asked == (1,)
    assert rig.league.calls() == {"1101": 1}


def test_a_person_without_a_number_is_a_failure(rig: Rig) -> None:
    rig.league.fault = lambda infno, request: good({"baseinfo": {"psn_no": None}, "insuinfo": []})
    assert rig.feed().ask([subject(1)], now=NOW).failed == ((1, "no_person_number"),)


def test_a_visit_without_a_number_is_a_failure_and_the_others_are_asked(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"": None, "M1": "S1"})}
    swept = rig.feed().ask([subject(1)], now=NOW)
    assert swept.failed == ((1, "visit_without_number"),)
    assert rig.league.calls()["5202"] == 1


def test_a_visit_under_two_care_types_is_asked_once(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    rig.league.fault = lambda infno, request: good({"mdtrtinfo": {"mdtrt_id": "M1"}}) if infno == "5201" else None
    rig.feed(care_types=("21", "14")).ask([subject(1)], now=NOW)
    assert rig.league.calls() == {"1101": 1, "5201": 2, "5203": 1, "5202": 1}


def test_a_known_settlement_number_is_asked_for(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    visits = good({"mdtrtinfo": [{"mdtrt_id": "M1", "setl_id": "S1"}]})
    rig.league.fault = lambda infno, request: visits if infno == "5201" else None
    rig.feed().ask([subject(1)], now=NOW)
    settlement = next(request for request in rig.league.requests if request["infno"] == "5203")
    assert settlement["input"]["data"]["setl_id"] == "S1"


# Limits


def big(infno: str, request: dict[str, Any]) -> Reply | None:
    """A settlement reply of 3 MiB."""
    padding = {"setlinfo": settled("S"), "padding": "x" * (3 * 1024 * 1024)}
    return good(padding) if infno == "5203" else None


def test_a_full_page_leaves_the_rest_for_the_next(rig: Rig) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}", {f"M{n}": f"S{n}"}) for n in range(1, 8)}
    rig.league.fault = big
    people = [subject(n) for n in range(1, 8)]
    first = rig.feed().ask(people, now=NOW)
    assert (first.asked, first.failed) == ((1, 2, 3, 4, 5), ())
    assert len(first.fetched.content) <= MAX_PAGE_BYTES
    second = rig.feed().ask(people[5:], now=NOW)
    assert second.asked == (6, 7)
    assert second.fetched.request != first.fetched.request


def test_a_person_who_fills_more_than_a_page_fails_and_holds_nobody_back(rig: Rig) -> None:
    visits: dict[str, str | None] = {f"M{n}": f"S{n}" for n in range(10)}
    rig.league.patients = {id_number(1): Patient("P1", visits), id_number(2): Patient("P2")}
    rig.league.fault = big
    swept = rig.feed().ask([subject(1), subject(2)], now=NOW)
    assert (swept.asked, swept.failed) == ((2,), ((1, "too_large"),))
    assert rig.league.calls()["5203"] == 6


def test_the_budget_of_calls_is_kept_to_a_person(rig: Rig) -> None:
    rig.league.patients = {id_number(n): Patient(f"P{n}") for n in range(1, 6)}
    swept = rig.feed(calls_per_page=3).ask([subject(n) for n in range(1, 6)], now=NOW)
    assert (swept.asked, swept.failed) == ((1, 2), ())


def test_the_rate_limit_holds_for_every_try(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1")}
    left = [Reply(status=500), Reply(status=500)]
    rig.league.fault = lambda infno, request: left.pop() if left else None
    started = rig.now
    rig.feed(per_second=2, sleep=rig.sleep).ask([subject(1)], now=NOW)
    assert len(rig.league.requests) == 4
    assert (rig.now - started).total_seconds() >= 1.5


@pytest.mark.parametrize("options", [{"paas_id": "联盟"}])
def test_options_that_cannot_travel_in_a_header_are_refused(rig: Rig, options: dict[str, str]) -> None:
    with pytest.raises(WrongUse):
        rig.feed(**options)


# What the feed's own table says of an answer


def test_an_answer_that_the_table_calls_passing_is_asked_again(rig: Rig) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"})}
    answered: list[str] = []

    def fault(infno: str, request: Any) -> Reply | None:
        answered.append(infno)
        return refusal("系统正忙乱") if len(answered) == 1 else None

    rig.league.fault = fault
    swept = rig.feed(answers={"-1 正忙乱": "retry"}).ask([subject(1)], now=NOW)
    assert (swept.asked, swept.failed, answered[:2]) == ((1,), (), ["1101", "1101"])


def test_told_to_slow_down_the_sweep_ends_at_once(rig: Rig) -> None:
    rig.league.fault = lambda infno, request: refusal("访问过于频繁")
    with pytest.raises(Unavailable) as told:
        rig.feed().ask([subject(1), subject(2)], now=NOW)
    assert told.value.retry_after == 600


def test_what_the_table_calls_useless_is_asked_once_for_each_of_three(rig: Rig) -> None:
    rig.league.fault = lambda infno, request: refusal("机构已停用")
    with pytest.raises(Unavailable):
        rig.feed(answers={"* 停用": "stop"}).ask([subject(number) for number in range(1, 9)], now=NOW)
    assert rig.league.calls() == {"1101": 3}


def test_the_calls_of_a_day_end_a_page_before_the_person_they_do_not_reach(rig: Rig, tmp_path: Path) -> None:
    rig.league.patients = {id_number(1): Patient("P1", {"M1": "S1"}), id_number(2): Patient("P2", {"M2": "S2"})}
    # 1101, 5201, 5203, 5202: four calls a person.
    feed = rig.feed(per_day=6)
    swept = feed.ask([subject(1), subject(2)], now=NOW)
    assert (swept.asked, swept.failed) == ((1,), ())
    with pytest.raises(CallsSpent):
        feed.ask([subject(2)], now=NOW)
