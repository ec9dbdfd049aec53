"""A developer at an association, with nothing but the kit: the samples verify, the guide's lines do what it says, and
the first claim of a gateway is received and proved by a library of another hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from stage import rewrite
from standardwebhooks import Webhook

from gateway import wiring
from gateway.cli.main import app
from gateway.core.claims.told import claim_schema
from gateway.core.roster import RosterMember
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.intake.work import process_page
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.roster.enrol import enrol
from gateway.kit import schema_words
from gateway.kit.files import receiver
from gateway.kit.golden_cases import WANG
from gateway.kit.payloads import KEY
from gateway.kit.writing import PAYLOADS, payload_files
from gateway.model.member import Coverage
from gateway.model.national_id import checksum_ok
from gateway.model.page import Fetched

if TYPE_CHECKING:
    from conftest import MakeOffice

AT = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
"""1,790,000,000 seconds."""


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the command writes it."""
    folder = tmp_path_factory.mktemp("association") / "kit"
    with pytest.raises(SystemExit) as ended:
        app(["kit", str(folder), "--json"], prog_name="hubao")
    assert ended.value.code == 0
    return folder


def vectors() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((PAYLOADS / "vectors.json").read_text("utf-8"))["payloads"]
    return listed


def bodies() -> list[dict[str, Any]]:
    return [json.loads((PAYLOADS / vector["file"]).read_bytes()) for vector in vectors()]


def fen(amount: str) -> int:
    return int(amount.replace(".", ""))


def test_what_is_in_the_package_is_what_the_program_makes() -> None:
    made = payload_files()
    assert {file.name: file.read_bytes() for file in PAYLOADS.iterdir()} == made
    assert len(made) == 31


def test_the_thirty_show_every_kind_and_keep_the_schema() -> None:
    told = bodies()
    validator = jsonschema.Draft202012Validator(claim_schema(), format_checker=jsonschema.FormatChecker())
    for body in told:
        validator.validate(body)
    assert len({body["claim_id"] for body in told}) == len(told) == 30
    assert Counter(body["status"] for body in told) == {"proposed": 22, "amended": 4, "withdrawn": 4}
    assert len({body["scheme"] for body in told}) >= 7
    assert {"referral_to_confirm", "transfer_to_confirm", "injury_to_confirm", "emergency_to_confirm", "late",
            "incomplete", "billed_twice", "diagnosis_to_confirm"} <= {
        flag for body in told for flag in body.get("flags", ())
    }  # fmt: skip
    assert any((body.get("stay") or {}).get("kind") == "outpatient_special" for body in told)
    for body in told:
        if body.get("balance"):
            balance = body["balance"]
            cuts = [cut for part in (*balance["settlements"], balance) for cut in part["cuts"]]
            assert fen(balance["billed"]) == fen(balance["fund_paid"]) + sum(
                fen(cut["amount"]) for cut in cuts
            ) + fen(body["payable"])  # fmt: skip
        if "lines" in body:
            assert sum(fen(line["amount"]) for line in body["lines"]) == fen(body["payable"])


def test_some_are_worked_out_by_hand() -> None:
    """40 % of 6,000 and nine days of 10 (第十条); a year later 20 a day; 35 % of 6,500 (运城2025); half a month."""
    by_name = {vector["file"][:-5]: body for vector, body in zip(vectors(), bodies(), strict=True)}
    assert by_name["new-inpatient"]["payable"] == "2490.00"
    assert by_name["new-second-year"]["payable"] == "2580.00"
    assert by_name["new-yuncheng"]["payable"] == "2275.00"
    # 1,000 yuan more were paid by the fund: 40 % of it less.
    assert by_name["amended-corrected"]["payable"] == "2090.00"
    assert by_name["amended-corrected"]["change"]["payable_before"] == "2490.00"
    assert by_name["amended-recovery"]["change"]["recovery"]["amount"] == by_name["new-inpatient"]["payable"]
    assert by_name["amended-details"]["change"]["reasons"] == ["details_changed"]


def test_the_people_are_invented() -> None:
    for body in bodies():
        if "member" in body:
            assert body["member"]["id_number"].startswith("150999")
            assert checksum_ok(body["member"]["id_number"])


def test_another_library_signs_alike() -> None:
    for vector in vectors():
        headers, body = vector["headers"], (PAYLOADS / vector["file"]).read_bytes()
        assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
        signed = Webhook(KEY).sign(headers["webhook-id"], AT, body.decode())
        assert signed in headers["webhook-signature"].split(" ")
    assert receiver.VECTORS_KEY == KEY
    assert sum(" " in vector["headers"]["webhook-signature"] for vector in vectors()) == 2


def test_every_field_has_its_words_on_the_page(kit: Path) -> None:
    parts = claim_schema()["$defs"]
    assert set(schema_words.PARTS) == set(parts)
    assert {name: set(words) for name, words in schema_words.FIELDS.items()} == {
        name: set(part["properties"]) for name, part in parts.items()
    }
    page = (kit / "schema.html").read_text("utf-8")
    assert not re.search(r"<script|https?://(?!json-schema)", page)
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))
    assert json.loads((kit / "claim-1.schema.json").read_text("utf-8")) == json.loads(json.dumps(claim_schema()))


@contextmanager
def receiving(kit: Path, *options: str) -> Iterator[str]:
    """The mock receiver in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(kit / "receiver.py"), "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert address is not None
        yield address[0]
    finally:
        process.terminate()
        process.communicate(timeout=10)


def run(kit: Path, *command: str, code: int = 0) -> str:
    done = subprocess.run(command, cwd=kit, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_guide_as_it_is_typed(kit: Path) -> None:
    assert "30 份样本、6 份反例，0 处不符" in run(kit, sys.executable, "receiver.py", "--check", "payloads")
    guide = (kit / "README.md").read_text("utf-8")
    by_hand = re.search(r"```sh\n(id=.*?)```", guide, re.DOTALL)
    assert by_hand is not None
    signed = run(kit, "sh", "-c", by_hand[1]).strip()
    assert f"v1,{signed}" == vectors()[0]["headers"]["webhook-signature"]
    with receiving(kit, "--vectors") as address:
        answers = run(kit, "sh", "curl.sh", address).split("\n")
        assert sum('"accepted"' in answer for answer in answers) == 30
        assert run(kit, "curl", "-s", f"{address}/") == '{"claims": 30, "versions": 30}'


def test_the_sender_judges_a_receiver(kit: Path) -> None:
    with receiving(kit) as address:
        told = run(kit, sys.executable, "send.py", address)
        assert "30 份，30 份两次都收下" in told
        # What the clock of the vectors signed is too old for a receiver that looks at the time.
        first = vectors()[0]
        headers = [part for name, value in first["headers"].items() for part in ("-H", f"{name}: {value}")]
        body = f"@payloads/{first['file']}"
        told = run(kit, "curl", "-s", "-X", "POST", f"{address}/claims", *headers, "--data-binary", body)
        assert json.loads(told) == {"code": "too_old_or_too_new"}
    other = kit.parent / "other.key"
    other.write_text(wiring.new_webhook_secret())
    with receiving(kit, "--secret-file", str(other)) as address:
        assert "1 份，0 份两次都收下" in run(kit, sys.executable, "send.py", address, "new-inpatient", code=1)


def test_a_claim_of_a_gateway_arrives_and_is_proved(
    kit: Path, make_office: MakeOffice, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = wiring.new_webhook_secret()
    (tmp_path / "demo.delivery").write_text(secret)
    kept = tmp_path / "kept"
    with receiving(kit, "--secret-file", str(tmp_path / "demo.delivery"), "--keep", str(kept)) as address:
        office = make_office(sqlite_url, clock=wiring.shanghai_now, feeds={"demo": FEED})
        rewrite(office.site, {"http://127.0.0.1:8610": address})
        monkeypatch.setenv("HUBAO_NM_SECRET", secret)
        office = make_office(sqlite_url, clock=wiring.shanghai_now)
        member = RosterMember(
            member_no=WANG.member_no,
            name=WANG.name,
            id_number=WANG.id_number,
            coverage=(
                Coverage(first_day=date(2021, 6, 1), last_day=date(2022, 5, 31), scheme="nm-inpatient"),
            ),
        )  # fmt: skip
        enrol(office, "nm", [member])
        content = json.dumps({"setlinfo": [ROW]}).encode()
        page, _ = store_page(office, "demo", Fetched(content=content, request=""))
        process_page(office, page)
        report = deliver_due(
            office, "nm", wiring.sender(office, "nm"), jitter=lambda: 0.0, new_lease=wiring.new_lease
        )  # fmt: skip
        assert report.states == {"accepted": 1}
    [body] = [file for file in kept.iterdir() if not file.name.endswith(".headers.json")]
    headers = json.loads(body.with_suffix(".headers.json").read_text())
    claim = Webhook(secret).verify(body.read_bytes(), headers)
    assert (claim["member"]["name"], claim["payable"], claim["version"]) == (WANG.name, "2490.00", 1)
    assert body.stat().st_mode & 0o777 == 0o600


ROW = {
    "setl_id": "K1", "mdtrt_id": "VK1", "psn_name": WANG.name, "psn_cert_type": "01", "certno": WANG.id_number,
    "insutype": "310", "fixmedins_code": "H15099900001", "med_type": "21", "begndate": "2021-07-01",
    "enddate": "2021-07-10", "ipt_days": 9, "setl_time": "2021-07-10 10:00:00", "medfee_sumamt": "20000.00",
    "inscp_scp_amt": "15000.00", "fund_pay_sumamt": "9000.00", "refd_setl_flag": "0",
}  # fmt: skip

FEED = """
feed = "demo"
name = "示例盟市"
region = "150999"
intake = "receive"
mapping = "national"
associations = ["nm"]
owner = "test"
[connector]
kind = "push"
secret = "env:HUBAO_NM_SECRET"
[legal]
agreement = "invented"
purpose = "test"
expires = 2099-12-31
"""
