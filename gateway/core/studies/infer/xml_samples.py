"""Messages of XML: where the settlements stand, and XML that lies as text inside of other XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from gateway.core.normalise import xml_tree
from gateway.core.studies.infer.json_samples import status_in
from gateway.core.studies.infer.names import likeness
from gateway.core.studies.infer.samples import MOST_ROWS, Remark, Sample, SampleColumn, cell
from gateway.errors import BadPage

_NUMBERED: Final = re.compile(r"(.*?[^0-9])[0-9]+")
_DEEPEST: Final = 12


def read_xml_sample(text: str) -> Sample | None:
    """A message of XML with settlements in it, None where it is no XML or holds none."""
    root = _root(text)
    if root is None:
        return None
    places = list(_places(root, (xml_tree.name_of(root),)))
    # What holds the settlements looks as much like one as they do: of equals the many, then the innermost.
    best = max(places, key=lambda place: (place[0], len(place[2]), len(place[1])), default=(0, (), []))
    likely, path, elements = best
    if not likely:
        return None
    flat = [dict(_values(element, "")) for element in elements[:MOST_ROWS]]
    names = list(dict.fromkeys(name for row in flat for name in row))
    columns = [SampleColumn(name=n, place=place, values=[row.get(n) for row in flat]) for place, n in enumerate(names)]
    remarks = {
        "format.rows": Remark(0.97 if likely >= 5 else 0.6, f"{len(flat)}个元素，其中{likely}个名字像结算的字段")
    }
    status = status_in(values_outside(root, path))
    return Sample(
        kind="xml",
        format={"kind": "xml", "rows": [".".join(path)]},
        columns=columns,
        rows=len(flat),
        status=status,
        remarks=remarks,
    )


def _root(text: str) -> Any:
    if not text.lstrip().startswith("<"):
        return None
    try:
        return xml_tree.parsed(xml_tree.plain_xml(text.encode("utf-8", "replace"), ("utf-8",)))
    except BadPage:
        return None


def _places(element: Any, path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...], list[Any]]]:
    """Every name below an element with how well its elements look like settlements, and the way there."""
    inside = _root(xml_tree.text_of(element) or "") if not len(element) else None
    if inside is not None:
        yield from _places(inside, (*path, xml_tree.name_of(inside)))
    for name, children in children_by_name(element).items():
        keys = {key for child in children[:20] for key, value in _values(child, "") if value is not None}
        yield likeness(keys), (*path, name), children
        if len(path) < _DEEPEST:
            # What lies in the first of many is where it lies in all.
            yield from _places(children[0], (*path, name))


def children_by_name(element: Any) -> dict[str, list[Any]]:
    """The elements right inside of another by name; row1, row2 and so on together as `row#`."""
    by_name: dict[str, list[Any]] = {}
    for child in element:
        by_name.setdefault(xml_tree.name_of(child), []).append(child)
    numbered = Counter(match[1] for name in by_name if (match := _NUMBERED.fullmatch(name)))
    for name, children in list(by_name.items()):
        match = _NUMBERED.fullmatch(name)
        if match and (numbered[match[1]] > 1 or match[1] in ("row", "record", "item")):
            by_name.setdefault(f"{match[1]}#", []).extend(children)
            del by_name[name]
    return by_name


def _values(element: Any, before: str) -> Iterator[tuple[str, str | None]]:
    for name, value in element.attrib.items():
        yield f"{before}@{xml_tree.local(name)}", cell(value)
    for child in element:
        name = xml_tree.name_of(child)
        if len(child) or child.attrib:
            yield from _values(child, f"{before}{name}.")
        if not len(child):
            yield f"{before}{name}", cell(xml_tree.text_of(child))


def values_outside(root: Any, path: tuple[str, ...]) -> dict[str, Any]:
    """The plain values beside the settlements by their way from the root: of the innermost message that holds them."""
    top: dict[str, Any] = {}
    element, way = root, [xml_tree.name_of(root)]
    for name in (*path[1:], ""):
        for child in element:
            if not len(child):
                top.setdefault(".".join((*way, xml_tree.name_of(child))), xml_tree.text_of(child) or "")
            elif xml_tree.name_of(child) != name:
                top.update({".".join((*way, xml_tree.name_of(child), key)): v or "" for key, v in _values(child, "")})
        following = next(xml_tree.children(element, name), None)
        if following is None:
            opened = _root(xml_tree.text_of(element) or "") if not len(element) else None
            if opened is None or xml_tree.name_of(opened) != name:
                break
            following = opened
        element, way = following, [*way, name]
    return {name: value for name, value in top.items() if not value.lstrip().startswith("<")}
