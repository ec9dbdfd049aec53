"""What must never stand in the repository, and how long its parts may be."""

from __future__ import annotations

import ast
import re
import statistics
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gateway.model.national_id import check_digit, checksum_ok

ROOT = Path(__file__).parents[2]
NOT_OURS = {
    ".git",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".import_linter_cache",
}
NOT_OURS |= {"__pycache__", "build", "dist", "demo-site", "site"}
INVENTED = "150999"
"""No county has this code, so no person has a number that begins with it."""

LONGEST_FILE = {"gateway": 500, "connectors": 500, "tests": 650}
"""Lines of a file of the product, and of a test."""
LONGER_FILES = {"gateway/store/schema.py": 700}
"""Files that may be longer: the tables stand in one list. A file that comes under the limit leaves this list."""
LONGEST_FUNCTION = 60
# A migration is one list of statements that nobody edits once it is released.
MIGRATIONS = ROOT / "gateway/store/migrations/versions"
MEDIAN_FUNCTION = 10

LINK = re.compile(r"\]\(([^)#\s]+)")
EIGHTEEN = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")

# Written in two parts each, so that this file does not hold what it looks for.
INDEX_HOSTS = [
    "pypi." + "org",
    "pypi." + "python",
    "python" + "hosted.org",
    "pypi." + "tuna",
    "tuna." + "tsinghua",
    "mirrors." + "aliyun",
    "mirrors." + "cloud.tencent",
    "pypi." + "douban",
    "registry." + "npmjs",
]
MACHINE_PATHS = re.compile(
    r"(?<![\w./-])(/home/\w|/Use" + r"rs/\w|/ro" + r"ot/\w|/wo" + r"rk/\w|/opt/p" + r"ypi|[A-Z]:\\Users)"
)
INDEX_OPTIONS = ("--index-url", "--extra-index-url", "--find-links", "-i ", "-f ")


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository: all that is here except what tools and runs leave behind."""
    return tuple(sorted(_walk(ROOT)))


@cache
def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if (
            entry.name in NOT_OURS
            or entry.name.startswith("demo-site-")
            or entry.name.endswith(".egg-info")
            or entry.is_symlink()
        ):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        elif entry.suffix != ".pyc":
            yield entry


def real_looking(text: str) -> list[str]:
    """The numbers in a text that could be a living person's."""
    numbers = (found[0].upper() for found in EIGHTEEN.finditer(text))
    return [number for number in numbers if checksum_ok(number) and not number.startswith(INVENTED)]


def with_check_digit(first17: str) -> str:
    return first17 + check_digit(first17)


def test_there_is_something_to_look_at() -> None:
    names = {str(file.relative_to(ROOT)) for file in files()}
    assert {"pyproject.toml", "gateway/errors.py", "requirements.lock", "Makefile"} <= names


def test_the_search_for_id_numbers_finds_them() -> None:
    elsewhere, here = with_check_digit("99010119900307881"), with_check_digit(INVENTED + "19900307881")
    assert real_looking(f"a {elsewhere}, b {here}, c {elsewhere[:-2]}") == [elsewhere]


def test_no_id_number_of_a_real_person() -> None:
    found = [file.relative_to(ROOT) for file in files() if real_looking(text_of(file))]
    assert not found, f"id numbers whose prefix is not {INVENTED}: {found}"


def test_no_host_of_a_package_index() -> None:
    found = [(file.relative_to(ROOT), host) for file in files() for host in INDEX_HOSTS if host in text_of(file)]
    assert not found


def test_no_path_of_somebodys_machine() -> None:
    found = [(file.relative_to(ROOT), hit[0]) for file in files() if (hit := MACHINE_PATHS.search(text_of(file)))]
    assert not found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_pin_with_hashes_and_name_no_index(name: str) -> None:
    lines = text_of(ROOT / name).splitlines()
    pins = [index for index, line in enumerate(lines) if re.match(r"[a-z0-9]", line)]
    assert len(pins) > 20
    assert not [line for line in lines if line.strip().startswith(INDEX_OPTIONS) or "://" in line]
    for index in pins:
        assert "==" in lines[index], lines[index]
        assert "--hash=sha256:" in lines[index + 1], lines[index]


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    wanted = {"requirements.lock": project["dependencies"]}
    wanted["requirements-dev.lock"] = project["dependencies"] + project["optional-dependencies"]["dev"]
    for lock, requirements in wanted.items():
        pinned = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)", text_of(ROOT / lock), flags=re.MULTILINE))
        missing = {re.split(r"[\[<>=!~ ]", line)[0].lower() for line in requirements} - pinned
        assert not missing, f"{lock}: run make lock"


def test_top_level_is_as_designed() -> None:
    names = {entry.name for entry in ROOT.iterdir()}
    assert {"gateway", "connectors", "mappings", "config", "tests", ".ci"} <= names
    assert {"README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile"} <= names
    # Rooms without a trade fill with what nobody wants to place.
    assert not names & {"docs", "utils", "common", "helpers", "src", "lib"}


def test_links_between_documents_lead_somewhere() -> None:
    documents = [file for file in files() if file.suffix == ".md"]
    links = [(file, link) for file in documents for link in LINK.findall(text_of(file)) if "://" not in link]
    assert len(links) > 5
    assert not [(file.name, link) for file, link in links if not (file.parent / link).exists()]


def test_no_python_file_is_too_long() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in files()
        if file.suffix == ".py" and (lines := len(text_of(file).splitlines())) > _longest(file)
    }
    assert not long


def _longest(file: Path) -> int:
    place = file.relative_to(ROOT)
    return LONGER_FILES.get(place.as_posix()) or LONGEST_FILE.get(place.parts[0], 500)


def test_functions_are_short() -> None:
    lengths = dict(function_lengths())
    assert statistics.median(lengths.values()) < MEDIAN_FUNCTION
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


def function_lengths() -> Iterator[tuple[str, int]]:
    """Every function of the product with its lines, from `def` to its end."""
    for file in files():
        place = file.relative_to(ROOT)
        if file.suffix == ".py" and place.parts[0] in ("gateway", "connectors") and MIGRATIONS not in file.parents:
            for node in ast.walk(ast.parse(text_of(file))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{place}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1
