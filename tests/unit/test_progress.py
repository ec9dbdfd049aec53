"""A long command shows at a terminal that it works; machines see nothing, and short ones show nothing."""

from __future__ import annotations

import ast
import inspect
import io
import sys
import time
from collections.abc import Callable

import pytest

from gateway.cli import holds, matching, progress, simulating
from gateway.cli.progress import working

WORDS = "正在对账"


class Terminal(io.StringIO):
    """Standard error as a terminal, or as a file."""

    def __init__(self, *, attached: bool) -> None:
        super().__init__()
        self.attached = attached

    def isatty(self) -> bool:
        return self.attached


def shown(monkeypatch: pytest.MonkeyPatch, *, attached: bool, as_json: bool, patience: float, lasts: float) -> str:
    """What standard error shows while something lasts so long, and things are counted."""
    terminal = Terminal(attached=attached)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    with working(WORDS, as_json=as_json) as work:
        time.sleep(lasts)
        assert list(work.counting(range(1000))) == list(range(1000))
        if work._shown is not None:
            work._shown._live.refresh()
    return terminal.getvalue()


def test_somebody_at_a_terminal_sees_that_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, attached=True, as_json=False, patience=0, lasts=0.5)
    assert WORDS in text
    assert "1,000" in text


@pytest.mark.parametrize(
    ("attached", "as_json", "patience"),
    [(True, True, 0), (False, False, 0), (True, False, 3600)],
    ids=["json", "file", "short"],
)
def test_nobody_else_sees_anything(
    monkeypatch: pytest.MonkeyPatch, attached: bool, as_json: bool, patience: float
) -> None:
    assert shown(monkeypatch, attached=attached, as_json=as_json, patience=patience, lasts=0.05) == ""


LONG = [
    (holds.show_command, "show_hold"),
    (holds.accept_command, "accept_hold"),
    (holds.refuse_command, "refuse_hold"),
    (simulating.scheme_simulate, "simulation.run"),
    (matching.match_eval, "evaluate"),
    (matching.match_train, "trained"),
    (matching.match_generate, "write_truth"),
]


@pytest.mark.parametrize(("command", "work"), LONG, ids=[work for _, work in LONG])
def test_commands_that_may_take_long_say_that_they_work(command: Callable[..., None], work: str) -> None:
    """What takes long stands within `working`, not before or behind it."""
    withs = [node for node in ast.walk(ast.parse(inspect.getsource(command))) if isinstance(node, ast.With)]
    assert any(f"{work}(" in ast.unparse(node) and "working(" in ast.unparse(node.items[0]) for node in withs)


def test_an_error_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal(attached=True))
    monkeypatch.setattr(progress, "PATIENCE", 0)
    kept = None
    with pytest.raises(ZeroDivisionError), working(WORDS, as_json=False) as work:
        kept = work
        time.sleep(0.5)
        raise ZeroDivisionError
    assert kept is not None
    assert kept._shown is not None
    assert not kept._shown._live.is_started
