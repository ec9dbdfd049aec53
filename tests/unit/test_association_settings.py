"""What a roster row that names no scheme joins."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.registry import REGISTRY
from gateway.errors import BadSettings
from gateway.ports import Proof
from gateway.settings.associations import AssociationSpec, association_file
from gateway.settings.files import check, read_toml
from gateway.settings.site import warnings

FILE = Path("config/associations/nm.toml")


def _spec(**changes: object) -> AssociationSpec:
    return check(association_file(REGISTRY), {**read_toml(FILE, shown_as="nm.toml"), **changes}, shown_as="nm.toml")


def test_the_default_is_joined_where_there_are_several() -> None:
    assert _spec().roster_scheme == "nm-inpatient"
    assert _spec(default_scheme=None).roster_scheme is None
    assert _spec(default_scheme=None, schemes=["nm-women"]).roster_scheme == "nm-women"


def test_a_default_the_association_does_not_have_is_refused() -> None:
    with pytest.raises(BadSettings, match="default_scheme"):
        _spec(default_scheme="sh-post")


# ── what an answer must say ──


def test_what_an_answer_must_say_goes_to_the_connector_as_text() -> None:
    accepted = _spec(
        accepted={"claim": "data.claim_id", "equals": {"code": 0, "infcode": "0", "success": True}}
    ).accepted
    assert accepted is not None
    expected = Proof(claim="data.claim_id", equals=(("code", "0"), ("infcode", "0"), ("success", "true")))
    assert accepted.proof() == expected


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"version": "version"},
        {"claim": ""},
        {"claim": "data..id"},
        {"claim": "a.b.c.d.e"},
        {"claim": "名"},
        {"claim": "data[0]"},
        {"equals": {"code": 0.5}},
        {"equals": {"code": [0]}},
        {"equals": {"co de": 0}},
        {"claim": "claim_id", "status": 200},
    ],
)
def test_a_rule_that_proves_nothing_or_cannot_be_read_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(BadSettings, match="accepted"):
        _spec(accepted=table)


def test_a_file_that_does_not_say_what_an_answer_must_hold_is_reminded() -> None:
    spec = _spec()
    assert spec.accepted is not None
    assert warnings({"nm": spec}) == []
    [reminder] = warnings({"nm": _spec(accepted=None)})
    assert (reminder.file, reminder.key) == ("config/associations/nm.toml", "accepted")
