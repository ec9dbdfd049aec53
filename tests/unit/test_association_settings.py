"""What a roster row that names no scheme joins."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.registry import REGISTRY
from gateway.errors import BadSettings
from gateway.settings.associations import AssociationSpec, association_file
from gateway.settings.files import check, read_toml

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
