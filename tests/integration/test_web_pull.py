"""Claims that an association fetches itself: a cursor that passes nothing by, acknowledgements, and what is said where
nobody comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, enrolled, only, page, row, rows_of, take
from web_side import ENVIRONMENT, Side, at_work, problem

from gateway import wiring
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.findings.looking import look_around
from gateway.flow.office import Office
from gateway.model.claim import PrefilledClaim
from gateway.store import claims, findings, publications, schema
from gateway.store.engine import Store, open_store

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    """The association fetches its claims."""
    first = make_office(sqlite_url, feeds=EAST_AND_WEST)
    file = first.site / "config" / "associations" / "nm.toml"
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition("[delivery]\n")
    requests = rest[rest.index("[requests]") :]
    file.write_text(f'{before}[delivery]\nkind = "pull"\nanswer_days = 2\n\n{requests}', encoding="utf-8")
    office = make_office(sqlite_url)
    enrolled(office, 1, 2)
    take(office, "east", page(row("S1", 1), row("S2", 2)))
    return office


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


def ack(side: Side, *acks: dict[str, Any]) -> list[str]:
    answer = side.post("claims/ack", {"acks": list(acks)})
    assert answer.status_code == 200, answer.text
    return [each["state"] for each in answer.json()["acks"]]


def said(claim: dict[str, Any], result: str = "accepted", **also: Any) -> dict[str, Any]:
    return {"claim_id": claim["claim_id"], "version": claim["version"], "result": result, **also}


def states(office: Office) -> list[tuple[int, str, int, str]]:
    rows = sorted(rows_of(office, schema.delivery), key=lambda stored: stored["delivery_id"])
    return [(stored["version"], stored["state"], stored["attempts"], stored["last_code"]) for stored in rows]


def deliver(office: Office) -> int:
    doors = wiring.doors()
    sender = doors.sender(office, "nm")
    return deliver_due(office, "nm", sender, jitter=lambda: 0.0, new_lease=wiring.new_lease).attempts


def test_nothing_is_sent_and_what_is_acknowledged_is_delivered(side: Side, office: Office) -> None:
    assert deliver(office) == 0
    first, second = side.get("claims").json()["claims"]
    assert states(office) == [(1, "pending", 1, "fetched")] * 2
    acks = [said(first, reference="LP-7"), said(second, "refused", code="not_ours")]
    for _ in range(2):
        assert ack(side, *acks) == ["accepted", "refused"]
    assert sorted(states(office)) == [(1, "accepted", 1, "acknowledged"), (1, "refused", 1, "not_ours")]
    assert "LP-7" in {stored["reference"] for stored in rows_of(office, schema.delivery)}


def test_the_answer_to_a_later_version_answers_the_earlier_ones(side: Side, office: Office) -> None:
    before = side.get("claims").json()
    take(office, "east", page(row("S1", 1, refund=True)))
    later = only(side.get("claims", after=before["next"]).json()["claims"])
    first = only([claim for claim in before["claims"] if claim["claim_id"] == later["claim_id"]])
    assert (later["version"], later["status"]) == (2, "withdrawn")
    # Out of order: the later one first.
    assert ack(side, said(later)) == ["accepted"]
    assert ack(side, said(first)) == ["overtaken"]
    assert [state for version, state, *_ in states(office) if version == 2] == ["accepted"]


def test_a_version_that_is_not_there_is_unknown(side: Side, office: Office) -> None:
    claim = side.get("claims").json()["claims"][0]
    assert ack(side, {**said(claim), "version": 2}, {**said(claim), "claim_id": "HB0"}) == ["unknown", "unknown"]
    assert {state for _, state, *_ in states(office)} == {"pending"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"acks": []},
        {"acks": [{"claim_id": "HB1", "version": 0, "result": "accepted"}]},
        {"acks": [{"claim_id": "HB1", "version": 1, "result": "maybe"}]},
        {"acks": [{"claim_id": "HB1", "version": 1, "result": "refused", "code": "张三"}]},
        {"acks": [{"claim_id": "HB1", "version": 1, "result": "accepted", "name": "x"}]},
        {"acks": [{"claim_id": "HB1", "version": 1, "result": "accepted"}] * 301},
        {"action": "decision", "acks": [{"claim_id": "HB1", "version": 1, "result": "accepted"}]},
    ],
    ids=lambda wrong: repr(wrong)[:60],
)
def test_an_acknowledgement_that_cannot_be_understood(side: Side, office: Office, wrong: dict[str, Any]) -> None:
    problem(side.post("claims/ack", wrong), 422, "not_valid")
    assert {state for _, state, *_ in states(office)} == {"pending"}


def test_where_claims_are_sent_nothing_is_acknowledged(make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    with at_work(office) as side:
        problem(
            side.post("claims/ack", {"acks": [{"claim_id": "HB1", "version": 1, "result": "accepted"}]}),
            409,
            "not_pulled",
        )


def waiting(office: Office) -> list[tuple[int, str]]:
    look_around(office)
    with office.store.read() as tx:
        return [(stored.count, stored.detail) for stored in findings.open_findings(tx, code="claims_not_fetched")]


def test_claims_nobody_fetches_are_a_finding_until_they_are_answered(side: Side, office: Office, clock: Hands) -> None:
    clock.move(days=2)
    assert waiting(office) == []
    clock.move(seconds=1)
    assert waiting(office) == [(2, "最近领取 从未 (never)")]
    told = side.get("claims").json()["claims"]
    # Fetching alone proves nothing: who fetched may have lost it.
    assert waiting(office) == [(2, f"最近领取 {clock.now:%Y-%m-%d %H:%M}")]
    ack(side, *(said(claim) for claim in told))
    assert waiting(office) == []


# ── several workers commit in any order ──


def a_claim(number: int, version: int, changed: int) -> PrefilledClaim:
    return PrefilledClaim(
        claim_id=f"HB{number}",
        association="nm",
        person_id=number,
        member_id=number,
        scheme="nm-inpatient",
        stay="",
        version=version,
        status="proposed" if version == 1 else "amended",
        edition="2021",
        payable=100,
        flags="",
        claim_by=None,
        content=bytes(32),
        updated_at=changed,
        form=1,
        stay_kind="stay",
        stay_digest=number.to_bytes(16, "big"),
    )


class Worker(threading.Thread):
    """Writes claims, and each a second time, in transactions that overlap those of others; its clock runs back."""

    def __init__(self, url: str, numbers: range, barrier: threading.Barrier) -> None:
        super().__init__()
        self._store, self._numbers, self._barrier = open_store(url, site=Path()), numbers, barrier

    def run(self) -> None:
        with closing(self._store):
            for version in (1, 2):
                for start in range(self._numbers.start, self._numbers.stop, 5):
                    self._barrier.wait()
                    chunk = [a_claim(number, version, 10_000 - number) for number in range(start, start + 5)]
                    with self._store.write() as tx:
                        claims.save(tx, *((chunk, []) if version == 1 else ([], chunk)))


def pulled(store: Store, after: int, seen: dict[str, int], numbers: list[int]) -> int:
    with store.write() as tx:
        publications.number_new(tx, "nm", many=7)
        rows = publications.listing(tx, "nm", after=after, status=None, limit=4)
    for published in rows:
        numbers.append(published.number)
        seen[published.claim.claim_id] = published.claim.version
    return rows[-1].number if rows else after


def test_no_cursor_passes_what_is_committed_later(database_url: str) -> None:
    barrier = threading.Barrier(2)
    workers = [Worker(database_url, numbers, barrier) for numbers in (range(0, 60), range(100, 160))]
    seen: dict[str, int] = {}
    numbers: list[int] = []
    after = 0
    with closing(open_store(database_url, site=Path())) as store:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            after = pulled(store, after, seen, numbers)
        for worker in workers:
            worker.join()
        while (following := pulled(store, after, seen, numbers)) != after:
            after = following
    assert seen == {f"HB{number}": 2 for number in (*range(60), *range(100, 160))}
    assert numbers == sorted(set(numbers))


def test_a_claim_in_an_open_transaction_is_found_once_it_is_committed(postgres_url: str) -> None:
    with closing(open_store(postgres_url, site=Path())) as store:
        with store.write() as slow:
            claims.save(slow, [a_claim(1, 1, 1)], [])
            with store.write() as quick:
                claims.save(quick, [a_claim(2, 1, 2)], [])
            seen: dict[str, int] = {}
            numbers: list[int] = []
            after = pulled(store, 0, seen, numbers)
            assert (seen, after) == ({"HB2": 1}, 1)
        assert pulled(store, after, seen, numbers) == 2
    assert seen == {"HB1": 1, "HB2": 1}


def test_the_file_of_an_association_that_fetches(office: Office) -> None:
    options = office.associations["nm"].delivery.options
    assert (options.pulled_within_days(), list(options.secrets()), options.unreachable(office.site)) == (2, [], [])
    assert msgspec.structs.fields(type(options))[0].name == "answer_days"
