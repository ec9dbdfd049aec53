"""The simulated cloud line: what it refuses, what it answers, and that the real connector and mapping read it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from by_hand import cloud_line

from connectors.feeds.cloud_line import CloudLine
from connectors.transport import tif
from gateway.core.normalise import Normal, compile_mapping
from gateway.model.clock import SHANGHAI
from gateway.ports import SweepSubject
from gateway.sandbox.cloud_line_server import CloudLineServer, CloudLineWorld
from gateway.sandbox.faults import Fault, Faults
from gateway.sandbox.leagues import Sent, refund, sent_between
from gateway.sandbox.night_rows import CARE_TYPES
from gateway.sandbox.people import Person, person_at
from gateway.sandbox.signing import tif_is_authentic
from gateway.settings.mappings import load_mapping

DAY = date(2022, 5, 20)
SECRET = "a-secret-for-tests"
FACILITY = "H15030099999"
PEOPLE = [person_at(2, index, league="wuhai", as_of=DAY) for index in range(160)]
SENT = [
    sent
    for sent in sent_between(2, PEOPLE, first=date(2021, 6, 1), last=DAY, serials=itertools.count(1))
    if sent.record.care_type_code.startswith(CARE_TYPES)
]


@pytest.fixture
def line() -> Iterator[CloudLineServer]:
    server = CloudLineServer.start(CloudLineWorld(PEOPLE, SENT), paas_id="hubao", secret=SECRET)
    yield server
    server.stop()


def connector(server: CloudLineServer, **options: Any) -> CloudLine:
    return cloud_line(
        address=server.address,
        paas_id="hubao",
        secret=SECRET,
        facility_no=FACILITY,
        facility_name="测试",
        region="150300",
        care_types=CARE_TYPES,
        per_second=1000,
        sleep=lambda seconds: None,
        **options,
    )


def subjects(people: list[Person]) -> list[SweepSubject]:
    return [
        SweepSubject(
            member_id=person.index,
            id_type="01",
            id_number=person.id_number,
            name=person.name,
            since=date(2021, 5, 1),
            until=DAY,
        )
        for person in people
    ]


_sequence = itertools.count(1)


def message(infno: str, data: dict[str, Any], **changed: Any) -> dict[str, Any]:
    fields = {
        "infno": infno,
        "msgid": f"{FACILITY}{datetime.now(SHANGHAI):%Y%m%d%H%M%S}{next(_sequence):04d}",
        "mdtrtarea_admvs": "150300",
        "insuplc_admdvs": "150300",
        "recer_sys_code": "YBXT",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "t",
        "opter_name": "测试",
        "inf_time": "2022-05-20 10:00:00",
        "fixmedins_code": FACILITY,
        "fixmedins_name": "测试",
        "input": {"data": data},
    }
    return fields | changed


def signed(*, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    return tif.sign("hubao", secret, timestamp=at or int(time.time()), nonce="n1")


def post(server: CloudLineServer, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    reply = httpx.post(
        f"{server.address}/any/path",
        content=msgspec.json.encode(body),
        headers=signed() if headers is None else headers,
        trust_env=False,
    )
    assert reply.status_code == 200
    return msgspec.json.decode(reply.content)


def who(person: Person) -> dict[str, Any]:
    return {"certno": person.id_number, "psn_cert_type": "01", "psn_name": ""}


def test_the_signature_vector_of_the_specification() -> None:
    headers = {
        "x-tif-paasid": "hubao",
        "x-tif-timestamp": "1700000000",
        "x-tif-nonce": "a1b2c3d4",
        "x-tif-signature": "0c803fde1d174187ab1b28e94ba072d4018a5f49c8a9d3c8d8dbf1fa3ac5a1e1",
    }
    assert tif_is_authentic("hubao", "EXAMPLE-SECRET-KEY-0001", headers, now=1700000300)
    assert not tif_is_authentic("hubao", "EXAMPLE-SECRET-KEY-0001", headers, now=1700000301)
    assert not tif_is_authentic("hubao", "EXAMPLE-SECRET-KEY-0002", headers, now=1700000000)
    assert not tif_is_authentic("other", "EXAMPLE-SECRET-KEY-0001", headers, now=1700000000)


def test_both_sides_sign_alike() -> None:
    headers = tif.sign("hubao", SECRET, timestamp=1_700_000_000, nonce="x")
    assert headers["x-tif-signature"] == sha256(f"1700000000{SECRET}x1700000000".encode()).hexdigest()
    assert tif_is_authentic("hubao", SECRET, headers, now=1_700_000_000)


@pytest.mark.parametrize("missing", ["x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature"])
def test_a_missing_header_is_refused(line: CloudLineServer, missing: str) -> None:
    headers = {name: value for name, value in signed().items() if name != missing}
    assert int(post(line, message("1101", who(PEOPLE[0])), headers)["infcode"]) == -1


@pytest.mark.parametrize(("age", "code"), [(-300, 0), (300, 0), (-301, -1), (301, -1), (10**8, -1)])
def test_a_timestamp_outside_the_window_is_refused(age: int, code: int) -> None:
    now = 1_700_000_000
    server = CloudLineServer.start(CloudLineWorld(PEOPLE, SENT), paas_id="hubao", secret=SECRET, clock=lambda: now)
    try:
        headers = signed(at=now - age)
        assert int(post(server, message("1101", who(PEOPLE[0])), headers)["infcode"]) == code
    finally:
        server.stop()


def test_a_repeated_msgid_is_refused(line: CloudLineServer) -> None:
    again = message("1101", who(PEOPLE[0]))
    assert int(post(line, again)["infcode"]) == 0
    refused = post(line, again)
    assert int(refused["infcode"]) == -1
    assert "msgid" in refused["err_msg"]


@pytest.mark.parametrize(
    "body",
    [
        message("1101", who(PEOPLE[0]), opter=""),
        message("1101", who(PEOPLE[0]), msgid="short"),
        message("9999", who(PEOPLE[0])),
        message("5201", {"psn_no": "1"}, insuplc_admdvs=""),
        message("5201", {"psn_no": PEOPLE[0].person_no, "begntime": "soon", "endtime": "", "med_type": "21"}),
        message("5203", {"psn_no": PEOPLE[0].person_no, "mdtrt_id": "none"}),
        message("1101", {"certno": "150999190001010018"}),
        message("1101", who(PEOPLE[0]) | {"psn_name": "不是此人"}),
        {"infno": "1101"},
        [],
        "text",
        None,
    ],
)
def test_what_cannot_be_answered_is_an_envelope_with_minus_one(line: CloudLineServer, body: Any) -> None:
    reply = post(line, body)
    assert int(reply["infcode"]) == -1
    assert reply["err_msg"]
    assert reply["output"] is None


def test_answers_change_their_form_from_call_to_call(line: CloudLineServer) -> None:
    replies = [post(line, message("1101", who(PEOPLE[n]))) for n in range(14)]
    assert {type(reply["infcode"]) for reply in replies} == {int, str}
    assert {type(reply["output"]) for reply in replies} == {dict, str}


def truth(people: list[Person]) -> dict[tuple[str, str], Sent]:
    asked = {person.index for person in people}
    return {(sent.record.settlement_no, sent.record.sign): sent for sent in SENT if sent.person.index in asked}


def records_in(bundle: bytes) -> list[Any]:
    path = Path(__file__).parents[2] / "mappings" / "wuhai.toml"
    compiled = compile_mapping(load_mapping(path).language())
    rows = compiled.read(bundle)
    compiled.identify(rows, 0, len(rows))
    return [compiled.record(rows, index) for index in range(len(rows))]


def assert_swept(bundle: bytes, expected: dict[tuple[str, str], Sent]) -> None:
    left = dict(expected)
    for normalised in records_in(bundle):
        if isinstance(normalised, Normal):
            sent = left.pop((normalised.record.settlement_no, normalised.record.sign))
            assert normalised.record == sent.record
            assert sent.spoiled is None
    assert all(sent.spoiled for sent in left.values())


def test_the_connector_and_the_mapping_read_the_truth(line: CloudLineServer) -> None:
    swept = connector(line).ask(subjects(PEOPLE), now=datetime.now(SHANGHAI))
    assert swept.failed == ()
    assert len(swept.asked) == len(PEOPLE)
    assert any(sent.record.reversal for sent in SENT)
    assert_swept(swept.fetched.content, truth(PEOPLE))


def test_the_sweep_survives_faults_at_every_transaction() -> None:
    faults = Faults.parse(
        ["1101:2:busy", "5201:3:timeout", "5203:1:broken", "5203:3:error", "5202:2:lost", "5201:8:slow"]
    )
    faults.hold_seconds = 1.3
    server = CloudLineServer.start(CloudLineWorld(PEOPLE, SENT), paas_id="hubao", secret=SECRET, faults=faults)
    swept = connector(server, timeout_seconds=1.0).ask(subjects(PEOPLE[:80]), now=datetime.now(SHANGHAI))
    server.stop()
    assert faults.happened.total() == 6
    assert faults.happened["5203", Fault.BROKEN] == 1
    assert swept.failed == ()
    assert_swept(swept.fetched.content, truth(PEOPLE[:80]))


def test_a_refund_of_the_second_evening_stands_beside_its_original(line: CloudLineServer) -> None:
    sent = next(
        each for each in SENT if not each.spoiled and not each.wrong_name and each.record.care_type == "inpatient"
    )
    numbers = [each for each in SENT if each.record.settlement_no == sent.record.settlement_no]
    if len(numbers) == 1:
        line.world.add([refund(sent, settled_at=datetime(2022, 5, 20, 9, tzinfo=SHANGHAI))])
    swept = connector(line).ask(subjects([sent.person]), now=datetime.now(SHANGHAI))
    pair = [
        each.record
        for each in records_in(swept.fetched.content)
        if isinstance(each, Normal) and each.record.settlement_no == sent.record.settlement_no
    ]
    assert sorted(record.sign for record in pair) == ["+", "-"]
    assert sum(record.total_amount for record in pair) == 0


def test_a_window_shows_only_visits_that_touch_it(line: CloudLineServer) -> None:
    sent = next(each for each in SENT if each.record.care_type == "inpatient")
    asked = {
        "psn_no": sent.person.person_no,
        "begntime": f"{sent.record.discharged_on} 00:00:00",
        "endtime": f"{sent.record.discharged_on} 23:59:59",
        "med_type": sent.record.care_type_code,
    }
    assert sent.record.visit_no in str(post(line, message("5201", asked))["output"])
    for other in ({"begntime": "2024-01-01 00:00:00", "endtime": "2024-02-01 00:00:00"}, {"med_type": "52"}):
        assert sent.record.visit_no not in str(post(line, message("5201", asked | other))["output"])
