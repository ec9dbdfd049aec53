"""What could be a person's number is known in a text of somebody else's."""

from __future__ import annotations

from importlib import import_module

import pytest

from gateway.core.personal_numbers import holds_personal_number

# The card is a test number of card schemes; the people are invented.
PERSONAL = [
    "150999198001010017",
    "ID-150999198001010017",
    "GH20261128-150999198001010017",
    "150999-19800101-0017",
    "15099919550505022x",
    "150999800101001",
    "13800138000",
    "tel:138-0013-8000",
    "8613800138000",
    "4111111111111111",
    "4111-1111-1111-1111",
]
OWN = [
    "",
    "SL0000001",
    "GH-2026-0001",
    "GH20261128000123",
    "20261128000001",
    "150999198001010018",
    "10800138000",
    "4111111111111112",
    "7d3e9a10-0c55-4f7e-9d0a-6b1f5c3a2e11",
]


@pytest.mark.parametrize("text", PERSONAL)
def test_a_persons_number_is_known(text: str) -> None:
    assert holds_personal_number(text)


@pytest.mark.parametrize("text", OWN)
def test_a_serial_number_is_left_alone(text: str) -> None:
    assert not holds_personal_number(text)


@pytest.mark.parametrize(("text", "goes"), [(text, True) for text in PERSONAL] + [(text, False) for text in OWN])
def test_references_of_before_go_where_they_hold_one(text: str, goes: bool) -> None:
    migration = import_module("gateway.store.migrations.versions.0016_delivery_confirmation")
    assert migration._personal(text) is goes
