"""The figures of the house stay under their ceilings. A ceiling may only fall: who gets under one lowers it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from figures import Figures, House, figures, offenders, read_house, strongly_connected

CIRCLES = 0
IMPORTS_INSIDE = 0
PRONOUNS = 60
CLASSES_IN_MORE_FILES = 2
CALLED_ONCE_IN_HUNDRED = 18.0
# 15 in November 2026. Three more are granted: a helper that cut its caller across the data goes back into it.
P90_LINES = 18
LONGEST = 45
WIDE = 0


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


@pytest.fixture(scope="module")
def counted(house: House) -> Figures:
    return figures(house)


def named(house: House, kind: str) -> str:
    return "\n".join(line for line in offenders(house) if line.startswith(kind))


def test_modules_import_each_other_in_no_circle(house: House, counted: Figures) -> None:
    assert counted.circles <= CIRCLES, named(house, "circle")


def test_flow_and_core_import_at_the_top(house: House, counted: Figures) -> None:
    assert counted.imports_inside <= IMPORTS_INSIDE, named(house, "import")


def test_names_say_what_a_value_is(house: House, counted: Figures) -> None:
    assert counted.pronouns <= PRONOUNS, named(house, "pronoun")


def test_a_class_name_has_one_meaning(house: House, counted: Figures) -> None:
    assert counted.classes_in_more_files <= CLASSES_IN_MORE_FILES, named(house, "class")


def test_private_functions_have_a_meaning_of_their_own(house: House, counted: Figures) -> None:
    assert round(counted.called_once_in_hundred, 1) <= CALLED_ONCE_IN_HUNDRED, named(house, "once")


def test_functions_are_short_in_the_middle_too(house: House, counted: Figures) -> None:
    assert counted.p90_lines <= P90_LINES
    assert counted.longest <= LONGEST, named(house, "long")


def test_functions_of_the_flow_take_few_parameters(house: House, counted: Figures) -> None:
    assert counted.wide <= WIDE, named(house, "wide")


def test_circles_are_found() -> None:
    arrows = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"], "f": ["a"]}
    groups = sorted(sorted(group) for group in strongly_connected(arrows))
    assert groups == [["a", "b", "c"], ["d", "e"], ["f"]]


def test_everything_is_counted(tmp_path: Path) -> None:
    files = {
        "gateway/__init__.py": "",
        "connectors/__init__.py": "",
        "gateway/flow/__init__.py": "",
        "gateway/flow/a.py": """
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                from gateway.flow import b
            class Same: ...
            def wide(tx, a, b, c, d, e, f, *, g):
                "A docstring is not counted."
                for each in a:
                    it = _once(each)
                return it
            def _once(value):
                from gateway import flow
                return value
            """,
        "gateway/flow/b.py": "from .a import wide\nclass Same: ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    counted = figures(read_house(tmp_path))
    assert (counted.circles, counted.imports_inside, counted.pronouns, counted.wide) == (1, 1, 2, 1)
    assert (counted.classes_in_more_files, counted.called_once, counted.functions, counted.longest) == (1, 1, 2, 4)
