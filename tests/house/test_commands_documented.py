"""Every `hubao` command is in the README tables, in both languages, and nothing there is invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

ROOT = Path(__file__).parents[2]
GROUP_OPTIONS = r"(?:--site \S+ |--json )*"
MENTION = re.compile(rf"\bhubao {GROUP_OPTIONS}([a-z][a-z-]*)((?: [a-z][a-z-]*)?)")
IN_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


@cache
def root_command() -> Any:
    """What `hubao` runs: a Typer application, or a command group that loads its commands when asked."""
    for value in vars(import_module("gateway.cli.main")).values():
        if isinstance(value, typer.Typer):
            return get_command(value)
        if hasattr(value, "list_commands") and not isinstance(value, type):
            return value
    raise AssertionError("gateway.cli.main holds no Typer application and no command group")


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of every command that does something, hidden ones left out."""
    if not hasattr(command, "list_commands"):
        yield " ".join(words)
        return
    if command.invoke_without_command and words:
        yield " ".join(words)
    context = command.context_class(command, info_name=words[-1] if words else "hubao")
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None and not found.hidden:
            yield from leaves(found, (*words, name))


@cache
def commands() -> tuple[str, ...]:
    return tuple(leaves(root_command()))


def documents(readme: str) -> str:
    """The README with, in English, the command line's own beside it."""
    files = [ROOT / readme] + ([ROOT / "gateway/cli/README.md"] if readme == "README.md" else [])
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def mentioned(text: str) -> set[tuple[str, str]]:
    """First and second word after `hubao` wherever code mentions it; a second word may be an argument."""
    code = "\n".join(found[0] for found in IN_CODE.finditer(text))
    return {(first, second.strip()) for first, second in MENTION.findall(code)}


def test_the_contract_has_its_commands() -> None:
    assert {"init", "demo", "check", "run", "reconcile", "roster import", "scheme assess"} <= set(commands())


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_command_is_documented(readme: str) -> None:
    text = documents(readme)
    wanted = {command: rf"`hubao {GROUP_OPTIONS}{re.escape(command)}\b" for command in commands()}
    assert not [command for command, pattern in wanted.items() if not re.search(pattern, text)]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_nothing_documented_is_invented(readme: str) -> None:
    known = {tuple(command.split()) for command in commands()}
    found = mentioned(documents(readme))
    assert len(found) > 10
    assert not [words for words in found if words not in known and words[:1] not in known]
