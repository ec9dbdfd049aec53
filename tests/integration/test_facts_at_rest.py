"""A withdrawn fact is shut for good: its key was its own, and no copy of its box opens wherever one still stands."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, rows_of
from facts_side import confirmed, stored, told, woman
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import BrokenSeal, HubaoError
from gateway.flow.changes import fact_boxes
from gateway.flow.changes.fact_boxes import FACTS, destroy_withdrawn, fact_context, open_box
from gateway.flow.intake.retain import retain
from gateway.flow.office import Office
from gateway.flow.people import facts as use_cases
from gateway.flow.people.facts import list_facts, record_fact, withdraw_fact
from gateway.flow.roster.enrol import enrol
from gateway.flow.site import rewriting
from gateway.store import facts, schema
from gateway.store.facts import FactRow

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, database_url: str, clock: Hands) -> Office:
    clock.set(2022, 10, 8, 9)
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1), woman(2)])
    return office


def fact_row(office: Office) -> FactRow:
    fact_id = stored(office)["fact_id"]
    with office.store.read() as tx:
        row = facts.by_id(tx, fact_id)
    assert row is not None
    return row


def opens_anywhere(office: Office, row: FactRow) -> bool:
    """Whether a copy of a box opens with any key that is left, as the present program or an older one would."""
    try:
        open_box(office, row)
    except BrokenSeal:
        return False
    return True


def test_the_key_of_a_fact_ends_with_the_fact(office: Office) -> None:
    known = confirmed(office, 1)
    copy = fact_row(office)
    assert opens_anywhere(office, copy)
    other = confirmed(office, 2)
    withdraw_fact(office, "nm", known.fact_id)
    assert not opens_anywhere(office, copy)
    assert list(office.vault.fact_keys()) == [other.fact_id]
    assert not office.vault.missing()
    # Told once more it is another fact, with another key.
    again = confirmed(office, 1)
    assert set(office.vault.fact_keys()) == {other.fact_id, again.fact_id}
    assert not opens_anywhere(office, copy)


def test_whoever_opts_out_takes_the_keys_along(office: Office) -> None:
    confirmed(office, 1)
    copy = fact_row(office)
    enrol(office, "nm", [woman(1, opt_out=True)])
    assert (office.vault.fact_keys(), opens_anywhere(office, copy)) == ({}, False)


def test_a_crash_between_fact_and_key_is_made_good_by_the_night(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = confirmed(office, 1)
    copy = fact_row(office)
    with monkeypatch.context() as crash:
        crash.setattr(use_cases, "destroy_withdrawn", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            withdraw_fact(office, "nm", known.fact_id)
    assert stored(office)["sealed"] is None
    assert opens_anywhere(office, copy)
    retain(office)
    assert (office.vault.fact_keys(), opens_anywhere(office, copy)) == ({}, False)


def test_a_fact_that_was_never_written_leaves_no_key(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(use_cases, "reassess", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            record_fact(office, "nm", told(1))
    assert len(office.vault.fact_keys()) == 1
    assert destroy_withdrawn(office) == 1
    assert (office.vault.fact_keys(), destroy_withdrawn(office)) == ({}, 0)


def test_the_box_of_a_fact_opens_for_its_member_alone(office: Office) -> None:
    confirmed(office, 1)
    row = fact_row(office)
    for change in ({"member_id": 2}, {"association": "other"}, {"fact_id": row.fact_id + 1}):
        assert not opens_anywhere(office, FactRow(**{**{n: getattr(row, n) for n in row.__struct_fields__}, **change}))


def as_before(office: Office, row: FactRow) -> bytes:
    """A fact as older releases kept it: under the roster's key, bound to its number."""
    plain = FACTS.write(open_box(office, row))
    sealed = office.vault.roster_key().seal(plain, fact_context(row.fact_id))
    with office.store.write() as tx:
        facts.reseal(tx, [(row, sealed)])
        tx.execute(schema.rewriting.delete())
    office.vault.shred(office.vault.fact_keys()[row.fact_id])
    return sealed


def test_facts_of_older_releases_are_given_keys_of_their_own(office: Office) -> None:
    confirmed(office, 1)
    told_before = list_facts(office, "nm")
    before = as_before(office, fact_row(office))
    assert list_facts(office, "nm") == told_before
    assert rewriting.go_on(office) == 1
    assert list_facts(office, "nm") == told_before
    assert list(office.vault.fact_keys()) == [stored(office)["fact_id"]]
    if not office.store.postgres:
        files = b"".join(path.read_bytes() for path in Path(office.site.parent).glob("*.db*"))
        assert bytes(stored(office)["sealed"]) in files
        assert before not in files


def test_one_that_does_not_open_waits_and_stops_no_other(office: Office) -> None:
    confirmed(office, 1)
    as_before(office, fact_row(office))
    spoiled = bytes(stored(office)["sealed"])[:-1] + b"?"
    with office.store.write() as tx:
        tx.execute(schema.fact.update().values(sealed=spoiled))
    confirmed(office, 2)
    rows = {row["fact_id"]: bytes(row["sealed"]) for row in rows_of(office, schema.fact)}
    assert rewriting.go_on(office) == 0
    assert {row["fact_id"]: bytes(row["sealed"]) for row in rows_of(office, schema.fact)} == rows


def test_a_fact_withdrawn_while_it_is_sealed_anew_stays_withdrawn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = confirmed(office, 1)
    as_before(office, fact_row(office))
    seal_box = fact_boxes.seal_box

    def withdrawn_meanwhile(office: Office, row: FactRow, box: Any) -> bytes:
        sealed = seal_box(office, row, box)
        withdraw_fact(office, "nm", known.fact_id)
        return sealed

    monkeypatch.setattr(fact_boxes, "seal_box", withdrawn_meanwhile)
    rewriting.go_on(office)
    assert stored(office)["sealed"] is None
    with pytest.raises(HubaoError):
        withdraw_fact(office, "nm", known.fact_id)


def test_keys_of_facts_are_counted_and_the_rest_are_told_one_by_one(make_office: MakeOffice, clock: Hands) -> None:
    clock.set(2022, 10, 8, 9)
    office = make_office("sqlite:///data/hubao.db", feeds=EAST_AND_WEST)
    enrol(office, "nm", [woman(1), woman(2)])
    confirmed(office, 1)
    known = confirmed(office, 2)
    office.store.close()
    ask = partial(CliRunner().invoke, app)
    shown = ask(["--site", str(office.site), "keys", "status"])
    assert "另有2个事实密钥" in shown.output
    assert "fact." not in shown.output
    told_keys = msgspec.json.decode(ask(["--site", str(office.site), "keys", "status", "--json"]).stdout)["keys"]
    assert {key["purpose"] for key in told_keys} >= {"roster", f"fact.{known.fact_id}"}
    path = office.site / "keys" / "vault" / "data" / f"fact.{known.fact_id}.{office.vault.fact_keys()[known.fact_id]}"
    path.write_text("{}")
    assert f"fact.{known.fact_id}" in ask(["--site", str(office.site), "keys", "status"]).output
