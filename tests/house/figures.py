"""Measures the product code (`gateway/`, `connectors/`) and prints the figures of the house.

`make house` prints them; with `-v` and places (`python tests/house/figures.py -v gateway/flow/`) every offender of
these places is named. `tests/house/test_figures.py` holds the ceilings.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("gateway/", "connectors/")
MIGRATIONS = "gateway/store/migrations/versions/"
"""A migration is one list of statements that nobody edits once it is released: its lines are not measured."""

_WORDS = """
    each one found mine known wanted told said given there kept held theirs ours here these those it them he him
    thing things something somebody nobody who whose such two three four both same other
"""
PRONOUNS = frozenset(_WORDS.split())
"""Words that stand for a value without saying what it is."""

MOST_PARAMETERS = 6
LONG_FUNCTION = 35

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """One function or method of the product, with what is measured on it."""

    file: str
    node: FunctionNode
    mentions: int
    """How often the file says its name."""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.node.lineno} {self.node.name}"

    @cached_property
    def lines(self) -> int:
        """Lines from `def` to its end, the docstring left out."""
        docstring = self.node.body[0] if ast.get_docstring(self.node, clean=False) is not None else None
        return _height(self.node) - (_height(docstring) if docstring else 0)

    @cached_property
    def parameters(self) -> list[str]:
        return [argument.arg for argument in self.node.args.args + self.node.args.kwonlyargs]

    @cached_property
    def locals(self) -> set[str]:
        """Its parameters and every name it or a function inside it binds."""
        bound = (node for node in ast.walk(self.node) if isinstance(node, ast.Name))
        return {*self.parameters, *(name.id for name in bound if isinstance(name.ctx, ast.Store))}

    @property
    def pronouns(self) -> set[str]:
        return self.locals & PRONOUNS

    @property
    def is_called_once(self) -> bool:
        """Whether it is private and its name stands exactly twice in its file: made and used."""
        name = self.node.name
        return name.startswith("_") and not name.startswith("__") and self.mentions == 2

    @property
    def wide(self) -> bool:
        return len([name for name in self.parameters if name not in ("self", "tx")]) > MOST_PARAMETERS

    @property
    def imports_inside(self) -> bool:
        return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(self.node))


@dataclass
class House:
    """The product code, read once."""

    functions: list[Function] = field(default_factory=list)
    classes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    imports: dict[str, set[str]] = field(default_factory=dict)
    """Module to the modules of the house it imports: anywhere in the file, under TYPE_CHECKING or in a function too."""

    def circles(self) -> list[list[str]]:
        """Every group of modules that can be reached from each other by imports."""
        return [sorted(circle) for circle in strongly_connected(self.imports) if len(circle) > 1]

    def imports_inside(self, *rooms: str) -> list[Function]:
        return [function for function in self.of(*rooms) if function.imports_inside]

    def of(self, *rooms: str) -> list[Function]:
        return [function for function in self.functions if function.file.startswith(rooms)]

    def classes_in_more_files(self, *rooms: str) -> dict[str, list[str]]:
        return {
            name: sorted(files)
            for name, files in sorted(self.classes.items())
            if len(files) > 1 and any(file.startswith(rooms) for file in files)
        }


@dataclass(frozen=True)
class Figures:
    """What is counted in some rooms of the house."""

    circles: int
    imports_inside: int
    pronouns: int
    locals: int
    classes_in_more_files: int
    called_once: int
    functions: int
    median_lines: float
    p90_lines: int
    longest: int
    wide: int

    @property
    def called_once_in_hundred(self) -> float:
        return 100 * self.called_once / max(1, self.functions)

    def __str__(self) -> str:
        return "\n".join(
            (
                f"import circles between modules                          {self.circles}",
                f"functions of flow/ and core/ that import inside          {self.imports_inside}",
                f"locals and parameters named by a pronoun                {self.pronouns} of {self.locals:,}",
                f"class names used in more than one file                  {self.classes_in_more_files}",
                f"private functions called exactly once in their file     {self.called_once} of {self.functions:,}"
                f" ({self.called_once_in_hundred:.1f} %)",
                f"lines of a function: median, p90, longest               {self.median_lines:g}, {self.p90_lines},"
                f" {self.longest}",
                f"functions of flow/ with more than six parameters        {self.wide}",
            )
        )


def read_house(root: Path = ROOT) -> House:
    """Reads every Python file of the product under a folder."""
    paths = [path for room in ROOMS for path in sorted((root / room).rglob("*.py"))]
    house = House()
    modules = {_module_name(path.relative_to(root)) for path in paths}
    for path in paths:
        file, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        module = _module_name(path.relative_to(root))
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        house.imports[module] = set(_imported(tree, package, modules)) - {module}
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                house.classes[node.name].add(file)
            elif isinstance(node, FunctionNode):
                mentions = len(re.findall(rf"\b{node.name}\b", text))
                house.functions.append(Function(file, node, mentions))
    return house


def figures(house: House, *rooms: str) -> Figures:
    """Counts in some rooms (folders or files; without any the whole house). Circles are always those of the house."""
    rooms = rooms or ROOMS
    functions = house.of(*rooms)
    lines = sorted(function.lines for function in functions if not function.file.startswith(MIGRATIONS))
    return Figures(
        circles=len(house.circles()),
        imports_inside=len([function for function in _flow_and_core(functions) if function.imports_inside]),
        pronouns=sum(len(function.pronouns) for function in functions),
        locals=sum(len(function.locals) for function in functions),
        classes_in_more_files=len(house.classes_in_more_files(*rooms)),
        called_once=len([function for function in functions if function.is_called_once]),
        functions=len(functions),
        median_lines=statistics.median(lines),
        p90_lines=lines[int(0.9 * len(lines))],
        longest=lines[-1],
        wide=len([function for function in _flow(functions) if function.wide]),
    )


def offenders(house: House, *rooms: str) -> Iterator[str]:
    """A line for everything the figures count."""
    rooms = rooms or ROOMS
    functions = house.of(*rooms)
    yield from (f"circle    {', '.join(circle)}" for circle in house.circles())
    yield from (f"import    {function.place}" for function in _flow_and_core(functions) if function.imports_inside)
    for function in functions:
        if function.pronouns:
            yield f"pronoun   {function.place}: {' '.join(sorted(function.pronouns))}"
    for name, files in house.classes_in_more_files(*rooms).items():
        yield f"class     {name}: {' '.join(files)}"
    for function in functions:
        if function.is_called_once:
            yield f"once      {function.place}: {function.lines} lines, {len(function.parameters)} parameters"
    yield from (f"long      {function.place}: {function.lines} lines" for function in functions if _is_long(function))
    yield from (
        f"wide      {function.place}: {len(function.parameters)}" for function in _flow(functions) if function.wide
    )


def strongly_connected(arrows: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """Groups of nodes that reach each other (Kosaraju: in the order of leaving, backwards along the arrows)."""
    backwards: dict[str, set[str]] = defaultdict(set)
    for node, targets in arrows.items():
        for target in targets:
            backwards[target].add(node)
    left: list[str] = []
    seen: set[str] = set()
    for node in arrows:
        left += _reached(node, arrows, seen)
    seen = set()
    return [set(group) for node in reversed(left) if (group := _reached(node, backwards, seen))]


def _reached(start: str, arrows: Mapping[str, Iterable[str]], seen: set[str]) -> list[str]:
    """What is reached from a node and was not seen before, in the order in which a walk in depth leaves it."""
    if start in seen:
        return []
    seen.add(start)
    left: list[str] = []
    way = [(start, iter(sorted(arrows.get(start, ()))))]
    while way:
        node, targets = way[-1]
        target = next((target for target in targets if target not in seen), None)
        if target is None:
            left.append(node)
            way.pop()
        else:
            seen.add(target)
            way.append((target, iter(sorted(arrows.get(target, ())))))
    return left


def _imported(tree: ast.Module, package: str, modules: set[str]) -> Iterator[str]:
    """The modules of the house a file imports; a name out of a package counts for the module it is, if it is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                yield from [name for name in (f"{source}.{alias.name}", source) if name in modules][:1]


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _flow(functions: Iterable[Function]) -> list[Function]:
    return [function for function in functions if function.file.startswith("gateway/flow/")]


def _flow_and_core(functions: Iterable[Function]) -> list[Function]:
    return [function for function in functions if function.file.startswith(("gateway/flow/", "gateway/core/"))]


def _is_long(function: Function) -> bool:
    return function.lines > LONG_FUNCTION and not function.file.startswith(MIGRATIONS)


def _height(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def main(arguments: list[str]) -> None:
    house = read_house()
    rooms = [argument for argument in arguments if argument != "-v"]
    if "-v" in arguments:
        print(*offenders(house, *rooms), "", sep="\n")
    print(figures(house, *rooms))


if __name__ == "__main__":
    main(sys.argv[1:])
