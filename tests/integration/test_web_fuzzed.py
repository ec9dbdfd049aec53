"""The OpenAPI document and the application say the same: requests made from the document, right and wrong ones, are
answered as it says, each error with a problem, and none with a mistake of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from builders import EAST_AND_WEST
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from test_web_keys import new_key, something_to_find
from web_side import ENVIRONMENT

from gateway import wiring
from gateway.flow.office import Office
from gateway.web.api.lookups import Measured
from gateway.web.app import make_app

if TYPE_CHECKING:
    from conftest import MakeOffice

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    yield make_office(sqlite_url, feeds=EAST_AND_WEST)


def ask_as_documented(office: Office, *, examples: int, part: tuple[int, int] = (0, 1)) -> list[str]:
    """What was answered otherwise than the document says, of so many examples an operation and kind."""
    app = make_app(office, wiring.doors(), start_scheduler=False)
    app.state.lookups.measure("nm", Measured(0.0, "line"))
    names, key = something_to_find(office), new_key(office)
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    headers, wrong = {"authorization": f"Bearer {key}"}, []
    operations: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    for operation in operations[part[0] :: part[1]]:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            wrong += tried(operation, mode, names, headers, examples)
    app.state.desk.close()
    return wrong


def tried(
    operation: Any, mode: GenerationMode, names: dict[str, str], headers: dict[str, str], examples: int
) -> list[str]:
    wrong: list[str] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        if "association" in (case.path_parameters or {}):
            case.path_parameters["association"] = "nm"
        if case.path.startswith("/api/v1/reviews"):
            case.query = {**(case.query or {}), "association": "nm"}
        for name, value in names.items():
            # Every other time about something that is there.
            if name in (case.path_parameters or {}) and len(str(case.path_parameters[name])) % 2:
                case.path_parameters[name] = value
        sent = {} if case.path.startswith("/api/v1/feeds") else headers
        answer = case.call(headers=sent)
        try:
            case.validate_response(answer, checks=CHECKS)
        except schemathesis.core.failures.FailureGroup as group:
            wrong.extend(
                f"{case.method} {case.path}: {failure.title}: {failure.message}" for failure in group.exceptions
            )

    # Of what takes nothing no wrong request can be made.
    with suppress(Unsatisfiable):
        ask()
    return wrong


def test_answers_are_those_of_the_document(office: Office) -> None:
    # A fifth of the doors in every run, all of them in the long form.
    assert ask_as_documented(office, examples=1, part=(1, 5)) == []


@pytest.mark.full
@pytest.mark.parametrize("part", range(16))
def test_answers_are_those_of_the_document_at_length(office: Office, part: int) -> None:
    assert ask_as_documented(office, examples=30, part=(part, 16)) == []
