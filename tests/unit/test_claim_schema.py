"""The schema of a claim's body only grows: whoever reads by an older minor reads what a newer one writes."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI

from gateway.core.claims.told import SCHEMA_ID, SCHEMA_VERSION, claim_schema
from gateway.web.api import documents
from gateway.words.cuts import CUTS

RELEASED = Path(__file__).parent / "vectors" / "claim-1.0.schema.json"
"""The first release of major 1. It is never made anew."""

_NOT_COMPARED = {"title", "description", "x-version", "x-cut-codes"}


def broken(old: Any, new: Any, place: str = "") -> list[str]:
    """Where a reader by the old schema could refuse, or miss, what the new one allows."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [f"{place} differs"]
    lines: list[str] = []
    maps = place.endswith(("/properties", "/$defs"))
    for key, value in old.items():
        if key in _NOT_COMPARED and not maps:
            continue
        if key not in new:
            lines.append(f"{place}/{key} is gone")
        elif key == "required" and not maps:
            lines += [f"{place}/required lost {name}" for name in value if name not in new[key]]
        else:
            lines += broken(value, new[key], f"{place}/{key}")
    if not maps:
        lines += [f"{place}/{key} is new" for key in new.keys() - old.keys() - _NOT_COMPARED - {"required"}]
    return lines


def test_it_is_a_schema_with_a_name_that_stays() -> None:
    schema = claim_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == SCHEMA_ID == f"urn:hubao:schema:claim:{SCHEMA_VERSION.split('.')[0]}"
    assert [each["code"] for each in schema["x-cut-codes"]] == sorted(CUTS)


def test_what_was_released_still_holds() -> None:
    released = json.loads(RELEASED.read_text("utf-8"))
    now = json.loads(json.dumps(claim_schema()))
    assert broken(released, now) == []
    minor = tuple(map(int, now["x-version"].split("."))), tuple(map(int, released["x-version"].split(".")))
    same = all(now[key] == released[key] for key in ("anyOf", "$defs"))
    assert minor[0] == minor[1] if same else minor[0] > minor[1], "a field that comes is a new minor"
    codes = {each["code"] for each in released["x-cut-codes"]}
    assert codes <= {each["code"] for each in now["x-cut-codes"]}


def test_a_field_that_comes_is_no_break_and_everything_else_is() -> None:
    released = json.loads(RELEASED.read_text("utf-8"))
    body = released["$defs"]["ClaimBody"]
    grown = deepcopy(released)
    grown["$defs"]["ClaimBody"]["properties"]["invented"] = {"type": "string"}
    grown["$defs"]["ClaimBody"]["required"] = [*body["required"], "invented"]
    assert broken(released, grown) == []
    lost, retyped, optional, widened = (deepcopy(released) for _ in range(4))
    del lost["$defs"]["ClaimBody"]["properties"]["balance"]
    retyped["$defs"]["Cut"]["properties"]["amount"]["pattern"] = ".*"
    optional["$defs"]["ClaimBody"]["required"].remove("payable")
    widened["$defs"]["ClaimBody"]["properties"]["status"]["enum"].append("paid")
    for changed in (lost, retyped, optional, widened):
        assert broken(released, changed) != []


@pytest.mark.parametrize("name", ["ClaimBody", "WithdrawalBody"])
def test_every_field_is_there_and_more_may_come(name: str) -> None:
    part = claim_schema()["$defs"][name]
    assert set(part["required"]) == set(part["properties"])
    assert part.get("additionalProperties", True) is not False


def test_openapi_tells_what_is_sent() -> None:
    app = FastAPI(title="互保网关", version="1")
    documents.complete(app)
    document = app.openapi()
    assert document["openapi"].startswith("3.1")
    sent = document["webhooks"]["claim"]["post"]
    refs = [
        each["$ref"].rpartition("/")[2]
        for each in sent["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    ]
    assert refs == ["ClaimBody", "WithdrawalBody"]
    assert set(refs) <= set(document["components"]["schemas"])
    assert {each["name"] for each in sent["parameters"]} == {
        "idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip
