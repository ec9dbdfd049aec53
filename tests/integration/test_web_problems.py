"""Every no is a problem of RFC 9457, and the OpenAPI document says all of them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, row, who
from web_side import ENVIRONMENT, Side, at_work, problem

from gateway.errors import BrokenSeal, Conflict, HubaoError, OutcomeUnknown, Unavailable, WrongUse
from gateway.flow.office import Office
from gateway.store.engine import Store
from gateway.web import problems
from gateway.web.api import associations
from gateway.web.problems import KINDS, WithoutTraces

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    return make_office(sqlite_url, feeds=EAST_AND_WEST)


@pytest.fixture
def side(office: Office) -> Iterator[Side]:
    with at_work(office) as side:
        yield side


# ── where nothing is ──


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/docs/oauth2-redirect",
        "/api/v1",
        "/api/v1/feeds/east",
        "/metrics",
    ],
)
def test_an_address_that_is_not_there(side: Side, path: str) -> None:
    problem(side.client.get(path), 404, "not_found")
    problem(side.client.get(path + "/"), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/feeds/east/push", "POST"),
        ("PUT", "/api/v1/associations/nm/claims", "GET"),
        ("DELETE", "/api/v1/associations/nm/facts", "GET, POST"),
        ("GET", "/api/v1/associations/nm/lookups", "POST"),
        ("DELETE", "/api/v1/associations/nm/claims/HB1/decision", "POST"),
        ("POST", "/healthz", "GET"),
        ("POST", "/readyz", "GET"),
    ],
)
def test_a_method_that_is_not_there(side: Side, method: str, path: str, allowed: str) -> None:
    answer = side.client.request(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def test_nobody_is_told_what_serves_here(side: Side) -> None:
    for path in ("/healthz", "/nowhere", "/api/v1/openapi.json"):
        assert "server" not in side.client.get(path).headers


# ── errors inside ──

INSIDE: list[tuple[Exception, int, str]] = [
    (Unavailable("赵一"), 503, "unavailable"),
    (OutcomeUnknown("赵一"), 503, "unavailable"),
    (Conflict("赵一"), 409, "conflict"),
    (BrokenSeal(), 500, "internal"),
    (WrongUse("赵一"), 500, "internal"),
    (HubaoError("赵一"), 500, "internal"),
    (KeyError("赵一"), 500, "internal"),
    (RecursionError("赵一"), 500, "internal"),
    (UnicodeEncodeError("utf-8", "赵一", 0, 1, "no"), 500, "internal"),
]


@pytest.mark.parametrize(("error", "status", "code"), INSIDE, ids=lambda each: type(each).__name__)
def test_an_error_inside_is_a_problem_and_its_words_stay_inside(
    side: Side,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(associations, "claims_after", fails)
    with caplog.at_level(logging.DEBUG):
        told = problem(side.get("claims"), status, code)
    assert told["detail"] == ""
    assert "赵一" not in caplog.text
    if status == 500:
        assert type(error).__name__ in caplog.text
        assert "test_web_problems.py" in caplog.text, "where it happened"


def test_when_to_come_back_is_said(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise Unavailable("busy", retry_after=0.2)

    monkeypatch.setattr(associations, "claims_after", fails)
    assert side.get("claims").headers["retry-after"] == "1"


def test_the_web_server_s_own_log_keeps_the_type_and_drops_the_words() -> None:
    try:
        raise KeyError("赵一")
    except KeyError as error:
        told = (type(error), error, error.__traceback__)
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "Exception in ASGI application", (), told)
    assert WithoutTraces().filter(record)
    shown = logging.Formatter().format(record)
    assert "KeyError" in shown
    assert "赵一" not in shown


def test_every_kind_is_written_for_people_in_chinese_first() -> None:
    for code, (status, title) in KINDS.items():
        assert re.fullmatch(r"[a-z_]+", code)
        assert 400 <= status < 600
        assert re.match(r"[\u4e00-\u9fff]", title), title


# ── whether it can work ──


class Gone(Store):
    """A database that does not answer."""

    def __init__(self) -> None:
        pass

    @contextmanager
    def read(self) -> Any:
        raise Unavailable("gone")
        yield

    write = read


def test_a_gateway_that_can_work_says_so(side: Side) -> None:
    for path in ("/healthz", "/readyz"):
        answer = side.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_without_a_database_it_lives_and_is_not_ready(office: Office) -> None:
    with at_work(replace(office, store=Gone())) as side:
        assert side.client.get("/healthz").status_code == 200
        problem(side.client.get("/readyz"), 503, "not_ready")


def test_without_its_keys_it_lives_and_is_not_ready(side: Side, tmp_path: Path) -> None:
    assert side.client.get("/readyz").status_code == 200
    vault = side.office.site / "keys" / "vault"
    vault.rename(tmp_path / "taken-away")
    assert side.client.get("/healthz").status_code == 200
    problem(side.client.get("/readyz"), 503, "not_ready")
    (tmp_path / "taken-away").rename(vault)
    assert side.client.get("/readyz").status_code == 200


# ── the document ──


@pytest.fixture(scope="module")
def _documents() -> dict[str, Any]:
    return {}


@pytest.fixture
def document(side: Side, _documents: dict[str, Any]) -> dict[str, Any]:
    if not _documents:
        _documents.update(side.client.get("/api/v1/openapi.json").json())
    return _documents


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_door_is_documented(document: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in operations(document)} == {
        ("POST", "/api/v1/feeds/{feed}/push"),
        ("GET", "/api/v1/associations/{association}/claims"),
        ("POST", "/api/v1/associations/{association}/claims/ack"),
        ("POST", "/api/v1/associations/{association}/claims/{claim_id}/decision"),
        ("POST", "/api/v1/associations/{association}/lookups"),
        ("GET", "/api/v1/associations/{association}/lookups/{lookup_id}"),
        ("GET", "/api/v1/associations/{association}/members/{member_no}/lookups"),
        ("GET", "/api/v1/associations/{association}/members/{member_no}"),
        ("POST", "/api/v1/associations/{association}/members/{member_no}/opt-out"),
        ("POST", "/api/v1/associations/{association}/roster"),
        ("GET", "/api/v1/associations/{association}/roster/{preview}"),
        ("POST", "/api/v1/associations/{association}/roster/{preview}/confirm"),
        ("GET", "/api/v1/associations/{association}/facts"),
        ("POST", "/api/v1/associations/{association}/facts"),
        ("POST", "/api/v1/associations/{association}/facts/{fact_id}/withdraw"),
        ("GET", "/api/v1/associations/{association}/desk"),
        ("GET", "/api/v1/associations/{association}/desk/{claim_id}"),
        ("POST", "/api/v1/associations/{association}/desk/{claim_id}/{verb}"),
        ("GET", "/api/v1/associations/{association}/payments"),
        ("POST", "/api/v1/associations/{association}/payments"),
        ("GET", "/api/v1/associations/{association}/payments/{number}"),
        ("GET", "/api/v1/associations/{association}/payments/{number}/file"),
        ("POST", "/api/v1/associations/{association}/payments/{number}/answer"),
        ("GET", "/api/v1/reviews"),
        ("GET", "/api/v1/reviews/{item_id}"),
        ("POST", "/api/v1/reviews/{item_id}/reveal"),
        ("POST", "/api/v1/reviews/{item_id}/decide"),
        ("POST", "/api/v1/reviews/{item_id}/undo"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
    }


def test_every_operation_documents_its_problems(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        by_status = dict(operation["responses"])
        assert "application/problem+json" in by_status.pop("default")["content"]
        refused = {int(status): answer for status, answer in by_status.items() if int(status) >= 400}
        assert 500 in refused, (method, path)
        for status, answer in refused.items():
            reference = answer["content"]["application/problem+json"]["schema"]["$ref"]
            assert reference == "#/components/schemas/ProblemDetails"
            codes = re.findall(r"(?:^|; )([a-z_]+): ", answer["description"])
            assert codes
            assert {KINDS[code][0] for code in codes} == {status}
        assert [status for status in by_status if int(status) < 400]
        if path.startswith("/api/v1/associations"):
            assert {401, 413, 415, 422, 503} <= set(refused)


def test_every_signed_operation_says_how_it_is_signed(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["webhook"]
    assert scheme["name"] == "webhook-signature"
    for method, path, operation in operations(document):
        names = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        signed = path.startswith("/api/")
        assert bool(operation.get("security")) == signed
        # A league signs; an association signs, or comes with a key made for what it asks.
        by_key = signed and not path.startswith("/api/v1/feeds/")
        assert ({"key": []} in operation.get("security", ())) == by_key == ("x-verb" in operation)
        assert names - {"idempotency-key"} == (
            {"webhook-id", "webhook-timestamp", "webhook-signature"} if signed else set()
        )
        assert ("requestBody" in operation) == (signed and method == "POST")


def test_the_reader_s_page_is_ours_alone(side: Side, document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    page = side.client.get("/api/v1/reader")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert set(named) == {"reader.css", "reader.js", "openapi.json"}
    for name in named:
        answer = side.client.get(f"/api/v1/{name}")
        assert answer.status_code == 200
        if name != "openapi.json":
            assert "//" not in answer.text.replace("// Shows", "")
            assert "innerHTML" not in answer.text


def test_every_reference_leads_somewhere_inside(document: dict[str, Any]) -> None:
    found = re.findall(r"'\$ref': '([^']+)'", repr(document))
    assert len(found) > 10
    for reference in found:
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "://" not in repr(document), "no page and no script from outside"


def test_every_code_that_can_come_is_documented_somewhere(document: dict[str, Any]) -> None:
    said = repr(document)
    # What pages alone answer is no part of the document for machines.
    assert [code for code in KINDS if code not in said and code != "forbidden"] == []


def test_what_is_answered_has_the_keys_the_document_names(side: Side, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    answers = {
        "PageTaken": side.push(row("S1", 1)),
        "ClaimList": side.get("claims"),
        "Wellbeing": side.client.get("/healthz"),
        "ProblemDetails": side.client.get("/nowhere"),
    }
    for name, answer in answers.items():
        assert set(answer.json()) == set(schemas[name]["properties"]), name
    assert who(1).name not in repr(document)


def test_problems_can_be_installed_more_than_once_without_a_second_filter(office: Office) -> None:
    with at_work(office), at_work(office):
        filters = logging.getLogger("uvicorn.error").filters
    assert len([each for each in filters if isinstance(each, problems.WithoutTraces)]) == 1
