"""Claims as FHIR R4 resources: sent like HTTP JSON, valid for two other readers, and back again without loss."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import by_hand
import msgspec
import pytest
from fhir.resources.R4B.claim import Claim
from fhirclient.models.claim import Claim as OtherClaim
from hypothesis import example, given, settings
from hypothesis import strategies as st
from misbehaving_server import LocalServer
from test_association_senders import NOW, SECRET, Inbox, SenderContract, send

from connectors.associations.fhir_claim import FhirClaim, from_fhir, to_fhir
from connectors.registry import REGISTRY
from gateway.core.claims.drafting import draft, withdrawal_of
from gateway.core.claims.explaining import wording_of
from gateway.core.claims.kept import body, frozen, spoken, withdrawal
from gateway.core.schemes import Insured, assess, needs_person
from gateway.errors import WrongUse
from gateway.model.claim import AnswerKind, PrefilledClaim
from gateway.model.member import Coverage, Member
from gateway.model.money import Money
from gateway.model.record import SettlementRecord
from gateway.ports import Sender
from gateway.settings.schemes import load_families
from gateway.settings.shipped import shipped_folder

FAMILY = load_families(shipped_folder() / "config" / "schemes")["nm-inpatient"]
WORDINGS = {edition.name: wording_of(edition) for edition in FAMILY.editions}
SHANGHAI = timezone(timedelta(hours=8))


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def server(inbox: Inbox) -> Iterator[LocalServer]:
    with LocalServer(inbox.answer) as running:
        yield running


def fhir_claim(address: str, **options: Any) -> FhirClaim:
    given: dict[str, Any] = {"address": address, "secret": SECRET, "timeout_seconds": 20.0, "sleep": lambda _: None}
    return by_hand.fhir_claim(**{**given, **options})


class TestFhirClaim(SenderContract):
    def build(self, address: str) -> Sender:
        return fhir_claim(address)


def told(text: str, fen: int, paid: int, *, with_total: bool = True, days: int = 9) -> bytes:
    """A body as an association receives it."""
    first = date(2021, 7, 1)
    sheet = SettlementRecord(
        settlement_no=text,
        facility_no=text or None,
        facility_name=text,
        care_type="inpatient",
        admitted_on=first,
        discharged_on=first + timedelta(days=days),
        settled_at=datetime(2021, 7, 10, 10, tzinfo=SHANGHAI),
        total_amount=Money(fen) if with_total else None,
        in_scope_amount=Money(fen),
        fund_paid_amount=Money(paid),
        diagnosis_codes=("I10.x00", text),
    )
    member = Member(
        member_id=1,
        person_id=1,
        association="nm",
        member_no="M1",
        name=text,
        id_type="01",
        id_number="150999198001011234",
        sex="F",
        birth_date=date(1980, 1, 1),
        unit_name=text,
    )
    who = Insured(category="active", coverage=(Coverage(first_day=date(2021, 6, 1), last_day=date(2022, 5, 31)),))
    [estimate] = assess(who, [sheet], FAMILY)
    one = draft(
        member, estimate, [sheet], scheme="nm-inpatient", received_on=first, needs_person=needs_person(estimate)
    )
    return spoken(body("HB1", 1, "proposed", frozen(one)), lambda scheme, edition: WORDINGS[edition or ""])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=40)
@given(texts, st.integers(0, 60_000_000), st.integers(0, 40_000_000), st.booleans())
@example("0\n\x850", 0, 0, False)
def test_a_body_comes_back_as_it_was(text: str, fen: int, paid: int, with_total: bool) -> None:
    own = told(text, fen, paid, with_total=with_total)
    resource = to_fhir(own)
    assert from_fhir(resource) == own
    read = Claim.model_validate_json(resource)
    assert (read.use, read.status) == ("predetermination", "active")
    assert from_fhir(read.model_dump_json().encode()) == own


def test_what_fhir_has_a_place_for_stands_there() -> None:
    resource = json.loads(to_fhir(told("某医院", 1_500_000, 900_000)))
    other = OtherClaim(resource)
    assert other.patient.reference == "#patient"
    assert (other.total.value, other.total.currency) == (2490.0, "CNY")
    assert [each.diagnosisCodeableConcept.coding[0].code for each in other.diagnosis] == ["I10.x00", "某医院"]
    assert other.insurance[0].coverage.identifier.value == "nm-inpatient"
    assert other.billablePeriod.start.as_json() == "2021-07-01"
    assert resource["contained"][0]["birthDate"] == "1980-01-01"
    amounts = {part["extension"][0]["valueCode"]: part["extension"][1]["valueMoney"]["value"]
               for part in resource["item"][0]["extension"]}  # fmt: skip
    assert amounts == {"total_amount": 15000.00, "in_scope_amount": 15000.00, "fund_paid_amount": 9000.00}


def test_a_withdrawal_is_a_cancelled_claim_that_names_nobody() -> None:
    before = PrefilledClaim(
        claim_id="HB1", association="nm", person_id=1, member_id=1, scheme="nm-inpatient", stay_kind="stay",
        stay_digest=b"x", version=1, status="proposed", edition="2021", payable=249_000, flags="", claim_by=None,
        content=b"", updated_at=0,
    )  # fmt: skip
    gone = withdrawal("nm", "nm-inpatient", "reversed", withdrawal_of(before, "reversed"))
    own = spoken(body("HB1", 2, "withdrawn", gone), lambda scheme, edition: WORDINGS["2021"])
    resource = to_fhir(own)
    assert from_fhir(resource) == own
    read = Claim.model_validate_json(resource)
    assert (read.status, read.patient.reference) == ("cancelled", None)


def test_what_goes_over_the_wire_is_the_resource(server: LocalServer) -> None:
    own = told("某医院", 1_500_000, 900_000)
    sender = fhir_claim(server.address)
    answer = sender.send(own, claim_id="HB1", version=1, idempotency_key="HB1-v1", now=NOW)
    assert answer.kind is AnswerKind.ACCEPTED
    [seen] = server.seen
    assert seen.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert seen.body == to_fhir(own)
    assert from_fhir(seen.body) == own


def test_the_registry_knows_it_and_a_missing_extra_is_found_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert REGISTRY.deliveries["fhir-claim"].make is FhirClaim
    monkeypatch.setitem(sys.modules, "fhir.resources.R4B.claim", None)
    with pytest.raises(WrongUse, match=r"hubao-gateway\[fhir\]"):
        fhir_claim("http://127.0.0.1:1")


def test_what_is_no_resource_of_ours_holds_no_body() -> None:
    with pytest.raises(ValueError, match="claim-body"):
        from_fhir(msgspec.json.encode({"resourceType": "Claim"}))


def test_the_library_is_not_loaded_by_who_needs_it_not() -> None:
    text = Path(sys.modules[FhirClaim.__module__].__file__ or "").read_text("utf-8")
    assert text.count("from fhir.resources") == 1
    assert "\nfrom fhir" not in text


def test_sending_goes_through_the_contract_with_any_body(server: LocalServer) -> None:
    assert send(fhir_claim(server.address)).kind is AnswerKind.ACCEPTED


_VALIDATE = """
const {Fhir} = require('fhir');
const resource = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(new Fhir().validate(resource, {errorOnUnexpected: true})));
"""


@pytest.mark.full
def test_a_validator_of_another_house_finds_no_error(tmp_path: Path) -> None:
    """The npm package `fhir`, R4; where npm or its registry is not there, nothing is tested."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not installed")
    fetch = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "fhir@4.12.0"]
    if subprocess.run(fetch, cwd=tmp_path, capture_output=True, timeout=300, check=False).returncode:
        pytest.skip("npm cannot fetch the package fhir")
    for own in (told("某医院", 1_500_000, 900_000), told("", 30_000_000, 0, with_total=False, days=40)):
        checked = subprocess.run(
            [node, "-e", _VALIDATE], cwd=tmp_path, input=to_fhir(own), capture_output=True, timeout=60, check=True
        )
        answer = json.loads(checked.stdout)
        assert answer["valid"], [each for each in answer["messages"] if each["severity"] in ("error", "fatal")]
