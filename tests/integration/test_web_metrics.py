"""`/metrics`: figures of the site for who has the token, and nothing of a person in them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from builders import EAST_AND_WEST, claims, enrolled, page, row, take, who
from prometheus_client.parser import text_string_to_metric_families
from web_side import ENVIRONMENT, at_work

from gateway.flow.office import Office
from gateway.ports import SecretName
from gateway.settings.secrets import new_token

if TYPE_CHECKING:
    from conftest import MakeOffice

TOKEN = new_token()


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    for name, value in {**ENVIRONMENT, "HUBAO_METRICS": TOKEN}.items():
        monkeypatch.setenv(name, value)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    take(office, "east", page(row("A1", 1), row("A2", 9), {**row("B1", 1), "medfee_sumamt": "一千"}))
    return office


def with_token(office: Office) -> Office:
    spec = office.gateway.model_copy(
        update={"metrics": office.gateway.metrics.model_copy(update={"token": SecretName("env:HUBAO_METRICS")})}
    )
    return dataclasses.replace(office, gateway=spec)


def test_figures_are_those_of_the_site(office: Office) -> None:
    with at_work(with_token(office)) as side:
        answer = side.client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    seen = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert seen["hubao_claims", "nm", "proposed"] == 1
    assert seen["hubao_claims_payable_fen", "nm", "proposed"] > 0
    assert seen["hubao_quarantined_rows",] == 1
    assert seen["hubao_deliveries", "pending"] == 1
    assert seen["hubao_feed_pages_waiting", "east"] == 0
    assert seen["hubao_feed_last_page_timestamp_seconds", "east"] == office.now().timestamp()
    assert (("hubao_database_lock_waits",) in seen) is office.store.postgres
    assert seen["process_resident_memory_bytes",] > 0
    [claim] = claims(office)
    for person in ("A1", "M00001", who(1).name, who(1).id_number, claim["claim_id"]):
        assert person not in answer.text


def test_only_who_has_the_token_gets_them(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with at_work(office) as side:
        assert side.client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404
    with at_work(with_token(office)) as side:
        for brought in (
            {},
            {"authorization": "Bearer"},
            {"authorization": f"Bearer {TOKEN}x"},
            {"authorization": TOKEN},
        ):
            answer = side.client.get("/metrics", headers=brought)
            assert answer.status_code == 401 and "hubao_" not in answer.text
        monkeypatch.delenv("HUBAO_METRICS")
        answer = side.client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 503
