"""What an older release stored in words is rewritten, whatever happens meanwhile, and then stands nowhere any more.

The site is the one of November 2026 (`tests/fixtures/b7b06cc`): its claims say in the clear at which hospital and visit
a member was, and from which disease group a sum is paid.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from builders import rows_of
from passing_errors import Failing, watch
from sqlalchemy import text
from test_site_of_b7b06cc import SiteThen, _ask_for_everybody, claim_rows, then  # noqa: F401

from gateway.core.claims.drafting import stay_text
from gateway.errors import Unavailable
from gateway.flow.batches.replay import rescan
from gateway.flow.changes.people import claims_of
from gateway.flow.office import Office
from gateway.flow.site import rewriting
from gateway.store import engine, schema

CHUNK = 40
Words = dict[str, str]
"""Claim → what its row said it is about."""


def words_of(office: Office) -> Words:
    return {row["claim_id"]: row["stay"] for row in rows_of(office, schema.claim)}


def found_by(office: Office) -> dict[int, dict[Any, str]]:
    """Person → what a claim is looked up by → its id."""
    people = {row["person_id"] for row in rows_of(office, schema.claim)}
    with office.store.read() as tx:
        return {
            person_id: {key: claim.claim_id for key, claim in claims.items()}
            for person_id, claims in claims_of(tx, office, people).items()
        }


def open_codes(office: Office) -> set[str]:
    return {row["code"] for row in rows_of(office, schema.finding) if row["closed_at"] is None}


def test_words_become_digests_and_every_claim_keeps_its_id(then: SiteThen) -> None:  # noqa: F811
    with then.office() as office:
        words, before, keys = words_of(office), claim_rows(office), found_by(office)
        assert all(words.values())
        facts = [row for row in rows_of(office, schema.fact) if row["sealed"] is not None]
        members = rows_of(office, schema.member)
        assert rewriting.go_on(office) == len(words) + len(facts) + len(members)
        assert (claim_rows(office), found_by(office)) == (before, keys)
        for row in rows_of(office, schema.claim):
            word = words[row["claim_id"]]
            said = stay_text(row["association"], row["person_id"], row["scheme"], word)
            assert (row["stay"], bytes(row["stay_digest"])) == ("", office.vault.digest_stay(said))
            head = word.split("/")[0]
            assert row["stay_kind"] == (head if head in ("month", "period", "event") else "stay")
        assert "older_backups" in open_codes(office)
        assert "rewriting" not in open_codes(office)
        assert rewriting.go_on(office) == 0


@pytest.mark.parametrize("then", ["sqlite", pytest.param("postgres", marks=pytest.mark.full)], indirect=True)
def test_an_error_at_any_statement_leaves_every_claim_to_be_found(
    then: SiteThen,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rewriting, "_AT_ONCE", CHUNK)
    # The log of a server that other tests use too is not let go a hundred times.
    monkeypatch.setattr(engine, "_LET_LOG_GO", ())
    with then.office() as office:
        words, before, keys = words_of(office), claim_rows(office), found_by(office)
        failing = watch(office)
        rewriting.go_on(office)
        statements = failing.count
        assert statements > 3 * len(words) // CHUNK
        for at in range(1, statements + 1):
            for when in ("before", "after"):
                _back(office, words)
                _fails_once(office, failing, at, when)
                assert found_by(office) == keys
                rewriting.go_on(office)
                assert set(words_of(office).values()) == {""}
                assert (claim_rows(office), found_by(office)) == (before, keys)
                assert "rewriting" not in open_codes(office)


def _back(office: Office, words: Words) -> None:
    """The rows as they were, and nothing rewritten yet."""
    with office.store.write() as tx:
        tx.execute(schema.rewriting.delete())
        for claim_id, stay in words.items():
            values = {"stay": stay, "stay_kind": "", "stay_digest": None}
            tx.execute(schema.claim.update().where(schema.claim.c.claim_id == claim_id).values(**values))


def _fails_once(office: Office, failing: Failing, at: int, when: Any) -> None:
    failing.arm(at, when=when)
    with suppress(Unavailable):
        rewriting.go_on(office)
    failing.arm(0)


def test_while_both_forms_stand_nobody_gets_a_second_claim(then: SiteThen) -> None:  # noqa: F811
    with then.office() as office:
        before, keys = claim_rows(office), found_by(office)
        ids = words_of(office).keys()
        for left in (len(before) - CHUNK, CHUNK):
            with office.store.write() as tx:
                rows = tx.execute(text("select claim_id from claim where stay <> '' order by claim_id")).scalars().all()
                some = rewriting.claims.with_words(tx, limit=len(rows) - left)
                rewriting.claims.put_digests(tx, [office.digested(row) for row in some])
            assert sum(1 for stay in words_of(office).values() if stay) == left
            _ask_for_everybody(office)
            rescan(office)
            assert [row for row in claim_rows(office) if row["claim_id"] in ids] == before
            # One row waited because its date of birth was not understood, and is now: a first claim, nobody's second.
            first = [row for row in claim_rows(office) if row["claim_id"] not in ids]
            assert [(row["person_id"], row["payable"]) for row in first] == [(97, 36623)]
            assert 97 not in keys
            for person_id, claims in found_by(office).items():
                assert keys.get(person_id, {}).items() <= claims.items()
                assert len(claims) == sum(row["person_id"] == person_id for row in rows_of(office, schema.claim))


def test_older_backups_are_named_for_half_a_year(then: SiteThen) -> None:  # noqa: F811
    with then.office() as office:
        rewriting.go_on(office)
        assert "older_backups" in open_codes(office)
        with office.store.write() as tx:
            tx.execute(text("update rewriting set finished_at = finished_at - cast(15638400000 as bigint)"))
        rewriting.go_on(office)
        assert "older_backups" not in open_codes(office)


def test_a_new_site_has_nothing_to_rewrite_and_no_older_backups(make_office: Any, database_url: str) -> None:
    office = make_office(database_url)
    assert rewriting.go_on(office) == 0
    assert open_codes(office) == set()
