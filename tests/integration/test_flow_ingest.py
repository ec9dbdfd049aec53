"""A page is stored first and worked then; both may be done again, and a crash anywhere changes nothing."""

from __future__ import annotations

import pytest
from builders import EAST_AND_WEST, enrolled, page, row, take, adds_up, payable, claims

def test_first(make_office, database_url):
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    take(office, "east", page(row("A1", 1), row("A2", 2), row("A3", 3)))
    print(adds_up(office), payable(office), claims(office)[0])
