"""Claims leave as files and are believed accepted once an answer file says so, however many days that takes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, claims, enrolled, page, row, rows_of, take

from gateway import wiring
from gateway.flow.delivery.by_hand import confirm
from gateway.flow.delivery.deliver import DeliveryReport, deliver_due
from gateway.flow.findings.looking import look_around
from gateway.flow.office import Office
from gateway.settings.shipped import shipped_folder
from gateway.store import findings, schema

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

_leases = itertools.count()


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """The association of the shipped example, in force."""
    first = make_office(database_url, feeds=EAST_AND_WEST)
    folder = first.site / "config" / "associations"
    text = (folder / "examples" / "file-drop.toml").read_text(encoding="utf-8")
    (folder / "nm.toml").write_text(text.replace('"file-drop"\nversion', '"nm"\nversion'), encoding="utf-8")
    for name in ("claims-out/.dropped", "claims-answers"):
        (first.site / "data" / name).mkdir(parents=True)
    office = make_office(database_url)
    enrolled(office, 1, 2, 3)
    take(office, "east", page(row("S1", 1), row("S2", 2), row("S3", 3)))
    return office


def deliver(office: Office) -> DeliveryReport:
    return deliver_due(
        office, "nm", wiring.sender(office, "nm"), jitter=lambda: 0.0, new_lease=lambda: f"l{next(_leases)}"
    )


def dropped(office: Office) -> list[Path]:
    return sorted(path for path in (office.site / "data/claims-out").iterdir() if path.is_file())


def answer(office: Office, claim_id: str, **told: Any) -> None:
    line = json.dumps({"claim_id": claim_id, "version": 1, **told})
    (office.site / "data/claims-answers" / f"{claim_id}.ndjson").write_text(line + "\n", encoding="utf-8")


def states(office: Office) -> dict[str, tuple[str, str]]:
    return {row["claim_id"]: (row["state"], row["last_code"]) for row in rows_of(office, schema.delivery)}


def unanswered(office: Office) -> list[int]:
    look_around(office)
    with office.store.read() as tx:
        return [finding.count for finding in findings.open_findings(tx, code="claims_not_answered")]


def test_claims_wait_for_their_answer_for_days(office: Office, clock: Hands) -> None:
    yes, no, silent = sorted(claim["claim_id"] for claim in claims(office))
    assert deliver(office).states == {"unknown": 3}
    files = dropped(office)
    assert [path.name.partition(".")[2] for path in files] == ["control.json", "ndjson"]
    # No answer makes no dead letter, nor is anything dropped again.
    for _ in range(12):
        clock.move(hours=8)
        deliver(office)
    assert set(states(office).values()) == {("unknown", "handed_over")}
    assert (dropped(office), unanswered(office)) == (files, [])
    answer(office, yes, result="accepted", reference="R-7")
    answer(office, no, result="refused", code="not_a_member")
    clock.move(days=1, seconds=1)
    deliver(office)
    assert states(office) == {
        yes: ("accepted", ""),
        no: ("refused", "not_a_member"),
        silent: ("unknown", "handed_over"),
    }
    assert unanswered(office) == [1]
    confirm(office, "nm", group="handed_over", accepted=True, by="经办甲")
    assert states(office)[silent] == ("accepted", "confirmed#1")
    assert unanswered(office) == []


def test_a_folder_that_is_gone_loses_nothing_and_makes_no_dead_letter(office: Office, clock: Hands) -> None:
    out, away = office.site / "data/claims-out", office.site / "data/away"
    deliver(office)
    out.rename(away)
    for _ in range(12):
        clock.move(hours=8)
        deliver(office)
    assert {state for state, _ in states(office).values()} == {"unknown"}
    away.rename(out)
    [answer(office, claim["claim_id"], result="accepted") for claim in claims(office)]
    clock.move(hours=1)
    deliver(office)
    assert set(states(office).values()) == {("accepted", "")}


@pytest.mark.parametrize("name", ["file-drop", "file-drop-sftp"])
def test_the_shipped_examples_are_right_and_not_in_force(name: str, make_office: MakeOffice, sqlite_url: str) -> None:
    office = make_office(sqlite_url)
    assert set(office.associations) == {"nm"}
    shipped = shipped_folder() / "config" / "associations" / "examples" / f"{name}.toml"
    (office.site / "config" / "associations" / f"{name}.toml").write_bytes(shipped.read_bytes())
    spec = wiring.load_site(office.site).associations[name]
    assert (spec.delivery.kind, spec.delivery.options.answered_within_days()) == (name, 5)
