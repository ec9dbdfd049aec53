"""Whoever has a secret may still send nonsense: at every door it is refused as a problem, and nothing breaks inside."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from builders import EAST_AND_WEST, enrolled
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, Side, at_work

from gateway import wiring
from gateway.flow.office import Office
from gateway.web.app import make_app

if TYPE_CHECKING:
    from conftest import MakeOffice

HUGE = (2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400)
TEXTS = ("", "\x00", "\ud800", "A" * 70_000, "２０２２-01-01", "9" * 400, "../..", "%s%n", "1e400", "💥")
DEEP = 20_000
LONG_BODY = 16 * 1024
"""What the sockets between client and server may not hold at once."""
HOSTILE_PATHS = ("-1", str(2**63), "9" * 300, "%00", "１", "HB1")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1)
    return office


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


def document(office: Office) -> dict[str, Any]:
    return make_app(office, wiring.doors(), start_scheduler=False).openapi()


def operations(office: Office, method: str) -> list[tuple[str, dict[str, Any]]]:
    """(address with this association in it, what the document says) of every signed operation."""
    paths = document(office)["paths"].items()
    named = (
        (path.replace("{association}", "nm").replace("{feed}", "east"), kinds.get(method)) for path, kinds in paths
    )
    return [(path, operation) for path, operation in named if operation and "security" in operation]


def good_body(office: Office, operation: dict[str, Any]) -> dict[str, Any]:
    """A body as the document asks for it."""
    content = operation["requestBody"]["content"]
    schemas = document(office)["components"]["schemas"]
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    properties = schemas[reference.rpartition("/")[2]]["properties"] if reference else {}
    return {name: example(schema) for name, schema in properties.items()}


def example(schema: dict[str, Any]) -> Any:
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return example(choice)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date":
        return "2022-03-01"
    kinds = {"integer": 1, "string": "1.00", "boolean": True, "array": [], "object": {}}
    return kinds.get(schema.get("type", "string"))


def mutated(body: dict[str, Any], *, every: int) -> Iterator[bytes]:
    """The body with one value that no sound sender sends, for each of its keys, and bodies that are none; of the values
    one in so many."""
    nested = b"[" * DEEP + b"]" * DEEP
    yield from (nested, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"", b"null", b"[]", b"\xff\xfe", b"{}", b'{"a":1,' * 9)
    values = (*HUGE, *TEXTS, None, True, 1.5, [], {}, [[]], {"$ref": "#"})
    for name, value in itertools.islice(itertools.product(body, values), 0, None, every):
        try:
            yield msgspec.json.encode(body | {name: value})
        except (UnicodeEncodeError, OverflowError):
            yield msgspec.json.encode(body | {name: "@"}).replace(
                b'"@"', b'"\\ud800"' if value == "\ud800" else b"1" * 400
            )
    for name in body:
        yield msgspec.json.encode(body | {name: "@"}).replace(b'"@"', nested)


def post(side: Side, path: str, body: bytes) -> tuple[int, str]:
    """Status and type of the answer. Who is refused by the head of a request and still sends a long body may meet the
    closed connection before the answer is read (RFC 9112, 9.6): that is the refusal of a body that is too long."""
    secret = ENVIRONMENT["HUBAO_TEST_SECRET"] if "/feeds/" in path else ASSOCIATION_SECRET
    try:
        answer = side.client.post(path, content=body, headers=side.signed(body, secret=secret))
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
        if len(body) < LONG_BODY:
            raise
        return 413, "application/problem+json"
    return answer.status_code, answer.headers["content-type"]


def filled_in(path: str, values: tuple[str, ...] = ("1",)) -> Iterator[str]:
    """The address with each of these in the place of what it leaves open."""
    yield from dict.fromkeys(re.sub(r"{[^}]*}", lambda _, value=value: value, path) for value in values)


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.full)])
def test_no_body_breaks_anything(office: Office, side: Side, every: int) -> None:
    broken, answered = [], set()
    for path, operation in operations(office, "post"):
        (address,) = filled_in(path)
        for body in mutated(good_body(office, operation), every=every):
            status, kind = post(side, address, body)
            answered.add(status)
            if status >= 500 or (status >= 400 and kind != "application/problem+json"):
                broken.append(f"{status} {path}: {body[:60]!r}")
    assert broken == []
    # What never came past the signature or the first look at its body would prove nothing. No body here is sound enough
    # to be told that nobody is there.
    assert answered >= {202, 400, 422}


def test_no_address_breaks_anything(office: Office, side: Side) -> None:
    broken = []
    for method in ("get", "post"):
        for path, operation in operations(office, method):
            for address in filled_in(path, HOSTILE_PATHS):
                body = msgspec.json.encode(good_body(office, operation)) if method == "post" else b""
                answer = side.ask(address) if method == "get" else None
                status = answer.status_code if answer is not None else post(side, address, body)[0]
                broken += [f"{status} {address[:80]}"] if status >= 500 else []
    assert broken == []


def test_no_parameter_breaks_anything(office: Office, side: Side) -> None:
    broken = []
    for path, operation in operations(office, "get"):
        names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
        (address,) = filled_in(path)
        for name, value in itertools.product(names, ("", str(2**63), "9" * 400, "\x00", "ª")):
            status = side.ask(address, **{name: value}).status_code
            broken += [f"{status} {address}?{name}={value[:20]!r}"] if status >= 500 else []
    assert broken == []
