"""What a try shows of a page: rows beside records, sums, and of people only the shapes."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from connectors.transport import cainfo, open_platform, sm, tif
from connectors.transport.http import exchange
from connectors.transport.watching import watching
from gateway.core.normalise import CompiledMapping, compile_mapping
from gateway.core.normalise.language import FieldRule, JsonFormat, MappingLanguage
from gateway.core.studies.trial import masked, shape_of
from gateway.flow.intake.trying import FeedTrial, TrialScope, requests_shown, try_content
from gateway.settings.mappings import load_mapping

ROOT = Path(__file__).parents[2]
PERSONAL = ("测试甲", "150999198001010017", "1980-01-01", "15099900000000000001", "测试煤矿", "I10.x00", "13800000000")
ROW: dict[str, Any] = {
    "setl_id": "S0000001", "mdtrt_id": "M0000001", "psn_no": PERSONAL[3], "psn_name": PERSONAL[0],
    "psn_cert_type": "01", "certno": PERSONAL[1], "gend": "1", "brdy": PERSONAL[2], "insutype": "310",
    "emp_name": PERSONAL[4], "med_type": "21", "begndate": "2026-02-20", "enddate": "2026-03-01",
    "setl_time": "2026-03-01 10:00:00", "dise_codg": PERSONAL[5], "medfee_sumamt": 20000.00,
    "fulamt_ownpay_amt": 2000.00, "overlmt_selfpay": 1000.00, "preselfpay_amt": 2000.00, "inscp_scp_amt": 15000.00,
    "act_pay_dedc": 800.00, "hifp_pay": 8000.00, "cvlserv_pay": 0, "hifes_pay": 0, "hifmi_pay": 0, "hifob_pay": 1000.0,
    "maf_pay": 0, "oth_pay": 0, "fund_pay_sumamt": 9000.00, "psn_pay": 11000.00, "acct_pay": 1000.00,
    "cash_payamt": 10000.00, "tel": PERSONAL[6],
}  # fmt: skip


@pytest.fixture
def national() -> CompiledMapping:
    return compile_mapping(load_mapping(ROOT / "mappings/national.toml").language())


def tried(compiled: CompiledMapping, *rows: dict[str, Any]) -> FeedTrial:
    seconds = count()
    scope = TrialScope(ticks=lambda: float(next(seconds)), rows=5)
    content = json.dumps({"setlinfo": rows}, ensure_ascii=False).encode()
    return try_content("north", compiled, [content], "day.json", scope)


def test_a_sound_page_passes_and_tells_which_sums_agree(national: CompiledMapping) -> None:
    trial = tried(national, ROW)
    (page,) = trial.pages
    assert (page.rows, page.records, page.quarantined, page.total) == (1, 1, 0, 2_000_000)
    assert page.sums == {name: {"agree": 1, "differ": 0, "open": 0} for name in ("i1", "i2", "i3", "i4")}
    assert (page.unused, page.seconds, trial.sound) == (("tel",), 1.0, True)


def test_a_sum_that_differs_and_one_that_lacks_an_amount_are_told_apart(national: CompiledMapping) -> None:
    trial = tried(national, {**ROW, "hifp_pay": 8000.01 + 5}, {**ROW, "setl_id": "S2", "acct_pay": None})
    (page,) = trial.pages
    assert page.sums["i4"] == {"agree": 1, "differ": 1, "open": 0}
    assert page.sums["i3"] == {"agree": 0, "differ": 0, "open": 2}
    assert (page.errors, trial.sound) == ({"sum_mismatch_i4 fund_paid_amount": 1}, False)


def test_an_unknown_code_is_told(national: CompiledMapping) -> None:
    (page,) = tried(national, {**ROW, "med_type": "77"}).pages
    assert page.unknown_codes == {"care_type 77": 1}


def test_nothing_personal_is_shown_and_amounts_and_codes_are(national: CompiledMapping) -> None:
    trial = tried(national, ROW, {**ROW, "setl_id": "S2", "gend": "7"})
    shown = json.dumps(json.loads(msgspec.json.encode(trial)), ensure_ascii=False)
    assert not [text for text in PERSONAL if text in shown]
    assert all(text in shown for text in ("medfee_sumamt", "20000.0", "S0000001", "2026-03-01", "某某某"))


def test_a_person_inside_of_an_object_is_not_shown() -> None:
    fields = {"settlement_no": FieldRule(sources=("no",)), "total_amount": FieldRule(sources=("total",))}
    fields["name"] = FieldRule(sources=("patient.name",))
    language = MappingLanguage(mapping="x", version=1, format=JsonFormat(rows=("rows",)), fields=fields)
    row = {"no": "S1", "total": "10.50", "patient": {"name": PERSONAL[0], "tel": PERSONAL[6]}}
    content = json.dumps({"rows": [row]}, ensure_ascii=False).encode()
    trial = try_content("x", compile_mapping(language), [content], "x", TrialScope(ticks=lambda: 0.0))
    assert trial.pages[0].records == 1
    shown = msgspec.json.encode(trial).decode()
    assert not [text for text in PERSONAL if text in shown]
    assert "10.50" in trial.pages[0].raw


def test_a_page_that_is_none_says_why(national: CompiledMapping) -> None:
    scope = TrialScope(ticks=lambda: 0.0)
    trial = try_content("north", national, ["姓名,测试甲".encode()], "x", scope)
    assert (trial.pages[0].page_error_code, trial.sound) == ("not_json", False)
    assert "测试甲" not in trial.pages[0].raw


def test_only_so_many_pages_are_tried(national: CompiledMapping) -> None:
    content = json.dumps({"setlinfo": [ROW]}).encode()
    trial = try_content("north", national, [content] * 3, "x", TrialScope(ticks=lambda: 0.0, pages=2))
    assert (len(trial.pages), trial.more) == (2, True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"psn_name":"测试甲","n":20000.00}', '{"psn_name":"某某某","n":20000.00}'),
        ("<aac003>测试甲</aac003>", "<aac003>某某某</aac003>"),
        ("测试甲|150999198001010017|12.50", "某某某|999999999999999999|12.50"),
        ("name=Zhang&page=12", "xxxx=Xxxxx&xxxx=12"),
    ],
)
def test_of_what_nobody_knows_the_shape_is_left(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert shape_of("A1b甲") == "X9x某"


def test_a_personal_value_is_hidden_also_where_a_harmless_one_is_the_same() -> None:
    assert masked("2026-03-01", harmless=["2026-03-01"], personal=["2026-03-01"]) == "9999-99-99"


def test_a_signed_request_is_shown_with_the_text_that_was_signed_and_without_the_secret() -> None:
    secret = "EXAMPLE-SECRET-KEY-0001"
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"{}"]))))
    with watching() as exchanges:
        headers = {**tif.sign("app", secret, timestamp=1700000000, nonce="a1b2c3d4"), "apikey": secret}
        content = json.dumps({"secret": secret, "who": "测试甲"}, ensure_ascii=False).encode()
        exchange(client, "POST", f"http://x/q?key={secret}", headers=headers, content=content)
    (request,) = requests_shown(exchanges, [secret])
    # feeds.md §4.1: the vector of the signature; timestamp, secret, nonce and timestamp are what is signed.
    assert request.headers["x-tif-signature"] == "0c803fde1d174187ab1b28e94ba072d4018a5f49c8a9d3c8d8dbf1fa3ac5a1e1"
    assert request.signed == ("1700000000‹密钥 secret›a1b2c3d41700000000",)
    assert (request.status, request.size) == (200, 2)
    assert secret not in repr(request)
    assert "测试甲" not in repr(request)


def test_what_sm2_signs_is_shown_too_and_an_apps_secret_is_not() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"{}"]))))
    key, secret = sm.read_private_key("01" * 32), "4117E877F5FA0A0188891283E4B617D5"
    opened = open_platform.OpenApp(
        app_id="43AF047BBA47FC8A1AE8EFB232BDBBCB", secret=secret, key=key, platform_key=key.public
    )
    envelope = {"msgid": "m1", "infno": "5203", "input": {"x": 1}, "cainfo": ""}
    with watching() as exchanges:
        cainfo.sign(key, envelope)
        exchange(client, "POST", "http://x/", headers={})
        open_platform.seal(opened, {"transType": "t1"}, {"day": "2026-03-01"})
        exchange(client, "POST", "http://x/", headers={})
    first, second = requests_shown(exchanges, [secret])
    # Of an envelope everything but its data, by name; of an open message the data too, and the secret last.
    assert first.signed == ("infno=5203&msgid=m1",)
    assert second.signed[0].endswith("&key=‹密钥 secret›")
    assert '"day":"2026-03-01"' in second.signed[0]
    assert secret not in repr((first, second))


def test_nothing_is_kept_where_nobody_watches() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"{}"]))))
    exchange(client, "GET", "http://x/", headers={})
    with watching() as exchanges:
        pass
    assert exchanges == []
