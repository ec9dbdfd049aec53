"""The files pages are made of: those of others are the published ones, and nothing needs more than Chromium 81."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "gateway" / "web" / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = STATIC.parent / "templates"
PACKAGES = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))["packages"]

OUR_SCRIPT_AT_MOST = 300
FIRST_PAGE_AT_MOST = 120_000
"""Lines; bytes, compressed."""

NEWER_STYLE = {
    r":is\(": "88",
    r":where\(": "88",
    r":has\(": "105",
    r":not\([^)]*[,\s][^)]*\)": "88",
    r":focus-visible": "86",
    r"@layer\b": "99",
    r"@container\b": "105",
    r"@property\b": "85",
    r"@scope\b": "118",
    r"\baspect-ratio\s*:": "88",
    r"\binset(?:-\w+)*\s*:": "87",
    r"\bcolor-mix\(": "111",
    r"\boklch\(|\boklab\(|\blab\(|\blch\(": "111",
    r"\blight-dark\(": "123",
    r"\baccent-color\s*:": "93",
    r"\bcontent-visibility\s*:": "85",
    r"\btext-wrap\s*:": "114",
    r"\d(?:dvh|svh|lvh|dvw|svw|lvw)\b": "108",
    r"\b(?:margin|padding|border)-(?:inline|block)\s*:": "87",
    r"&\s*[.:#\[]": "112",
}
"""Pattern of a style → the Chromium that understood it first."""

NEWER_SCRIPT = {
    r"\?\?=|\|\|=|&&=": "85",
    r"\.replaceAll\(": "85",
    r"#\w+\s*\(": "84",
    r"\bPromise\.any\b": "85",
    r"\bAggregateError\b": "85",
    r"\bWeakRef\b": "84",
    r"\.at\(": "92",
    r"\bstructuredClone\(": "98",
    r"\bObject\.hasOwn\(": "93",
    r"\.findLast(?:Index)?\(": "97",
    r"\.(?:toSorted|toReversed|toSpliced|with)\(": "110",
    r"\bstatic\s*\{": "94",
    r"\bcrypto\.randomUUID\(": "92",
    r"\bArray\.fromAsync\b": "121",
    r"\.replaceChildren\(": "86",
    r"\b\d+_\d+\b": "75",
}
FLEX_GAP = re.compile(r"\{[^{}]*display\s*:\s*(?:inline-)?flex[^{}]*[;{\s]gap\s*:[^{}]*\}")
"""A gap between flexible boxes: Chromium 84. In a grid it is older."""


def newer(text: str, patterns: dict[str, str]) -> list[str]:
    return [f"{pattern} ({since})" for pattern, since in patterns.items() if re.search(pattern, text)]


def style(name: str) -> str:
    return re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(encoding="utf-8"), flags=re.DOTALL)


def script(name: str) -> str:
    text = (STATIC / name).read_text(encoding="utf-8")
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', '""', text)
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_files_of_others_are_the_published_ones(package: dict[str, object]) -> None:
    for entry in package["files"]:  # type: ignore[attr-defined]
        content = (VENDOR / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
    assert str(package["integrity"]).startswith("sha512-")
    assert any(entry["file"].endswith("LICENSE") for entry in package["files"])  # type: ignore[attr-defined]


def test_no_file_of_others_stands_there_unnamed() -> None:
    named = {entry["file"] for package in PACKAGES for entry in package["files"]} | {"manifest.json"}
    present = {file.relative_to(VENDOR).as_posix() for file in VENDOR.rglob("*") if file.is_file()}
    assert present == named


@pytest.mark.parametrize("name", ["app.css", "claim_form.css", "reader.css"])
def test_our_style_is_understood_by_chromium_81(name: str) -> None:
    assert not newer(style(name), NEWER_STYLE)
    assert not FLEX_GAP.findall(style(name))


def test_the_style_of_others_needs_nothing_newer_where_it_is_used() -> None:
    text = style("vendor/bootstrap/bootstrap.min.css")
    # What is not understood takes its own rule or line alone, and none of it is used: outlines that only keyboards get,
    # boxes of a ratio, a floating label.
    allowed = {r":focus-visible", r":not\([^)]*[,\s][^)]*\)", r"\baspect-ratio\s*:", r"\binset(?:-\w+)*\s*:"}
    used = "\n".join(file.read_text(encoding="utf-8") for file in TEMPLATES.glob("*.html"))
    assert "form-floating" not in used and 'class="ratio' not in used
    assert not newer(text, {pattern: since for pattern, since in NEWER_STYLE.items() if pattern not in allowed})


@pytest.mark.parametrize("name", ["app.js", "reader.js", "vendor/htmx/htmx.min.js"])
def test_scripts_are_understood_by_chromium_81(name: str) -> None:
    assert not newer(script(name), NEWER_SCRIPT)


def test_our_script_is_short() -> None:
    assert len((STATIC / "app.js").read_text(encoding="utf-8").splitlines()) <= OUR_SCRIPT_AT_MOST


def test_the_lists_find_what_is_too_new() -> None:
    assert newer("a:is(b, c) { inset: 0 }", NEWER_STYLE) == [r":is\( (88)", r"\binset(?:-\w+)*\s*: (87)"]
    assert newer("a ??= b.at(1)", NEWER_SCRIPT) == [r"\?\?=|\|\|=|&&= (85)", r"\.at\( (92)"]
    assert FLEX_GAP.search("a { display: flex; gap: 1rem; }")
    assert not FLEX_GAP.search("a { display: grid; grid-gap: 1rem; }")


def test_templates_hold_no_script_no_style_and_nothing_from_outside() -> None:
    for file in sorted(TEMPLATES.glob("*.html")):
        text = file.read_text(encoding="utf-8")
        if file.name == "claim_form.html":
            # As a file of its own it carries its style; as a page it does not.
            text = text.replace("{% else %}<style>{{ style }}</style>", "")
        assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", text), file.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), file.name
        assert not re.search(r"(?:src|href|action)\s*=\s*[\"']\s*(?:https?:)?//", text), file.name


def test_what_every_page_loads_is_small() -> None:
    loaded = ["app.css", "app.js", "vendor/bootstrap/bootstrap.min.css", "vendor/htmx/htmx.min.js"]
    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in loaded)
    assert size < FIRST_PAGE_AT_MOST * 0.75, size
