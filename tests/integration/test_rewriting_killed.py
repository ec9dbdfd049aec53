"""A night that rewrites what older releases stored is killed with SIGKILL at a commit, and the next one goes on.

No claim loses its id or gets a second one, wherever that was. The site is the one of November 2026.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from builders import rows_of
from test_rewriting import open_codes, words_of
from test_site_of_b7b06cc import SiteThen, claim_rows, then  # noqa: F401

from gateway.model.clock import SHANGHAI
from gateway.store import schema

sys.path.insert(0, str(Path(__file__).parents[1] / "acceptance"))
from stage import Gateways

COMMITS = 24
"""More than a night of this site makes before everything is rewritten."""


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    with Gateways(tmp_path_factory.mktemp("printed")) as started:
        yield started


def _killed_at(site: SiteThen, gateways: Gateways, place: str, nth: int) -> None:
    seconds = (site.now - datetime.now(SHANGHAI)).total_seconds()
    night = ("--site", str(site.site), "run", "hinggan", "bayannur", "--json")
    with site.office() as office:
        words, before = words_of(office), claim_rows(office)
        numbers = {row["fact_id"]: row["sealed"] is None for row in rows_of(office, schema.fact)}
    assert gateways.start(night, seconds=seconds, place=place, nth=nth).wait().killed
    # Between the two nights every claim is found by what it is about, whichever form its row has.
    with site.office() as office:
        assert [row["claim_id"] for row in claim_rows(office)] == [row["claim_id"] for row in before]
        assert {number: word for number, word in words_of(office).items() if word}.items() <= words.items()
    again = gateways.start(night, seconds=seconds).wait()
    assert again.code in (0, 1), again.err
    with site.office() as office:
        assert claim_rows(office) == before
        assert set(words_of(office).values()) == {""}
        assert {row["sealing"] for row in rows_of(office, schema.member)} == {1}
        assert {row["fact_id"]: row["sealed"] is None for row in rows_of(office, schema.fact)} == numbers
        assert set(office.vault.fact_keys()) == {number for number, is_gone in numbers.items() if not is_gone}
        assert "rewriting" not in open_codes(office)


@pytest.mark.parametrize(("place", "nth"), [("after_commit", 6), ("before_commit", 9)])
def test_a_night_killed_while_it_rewrites_goes_on(then: SiteThen, gateways: Gateways, place: str, nth: int) -> None:  # noqa: F811
    _killed_at(then, gateways, place, nth)


@pytest.mark.full
@pytest.mark.parametrize("place", ["before_commit", "after_commit"])
@pytest.mark.parametrize("nth", range(1, COMMITS + 1))
def test_a_night_killed_at_any_commit_goes_on(then: SiteThen, gateways: Gateways, place: str, nth: int) -> None:  # noqa: F811
    _killed_at(then, gateways, place, nth)
