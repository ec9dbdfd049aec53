"""What every spec of the registry promises, and what settings make of it."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.registry import REGISTRY
from gateway.errors import WrongUse
from gateway.ports import Address, ConnectorSpec, DatabaseUrl, Endpoint, PullWay, SecretName, SiteFolder, Way
from gateway.settings.associations import association_file
from gateway.settings.connectors import Connection, connection_table
from gateway.settings.files import check, read_toml
from gateway.settings.site import warnings

WAYS: dict[str, Way[Any, Any]] = {**REGISTRY.feeds, **REGISTRY.deliveries}
NOBODY_LISTENS = "http://127.0.0.1:9"
WRITTEN = {
    SecretName: "env:HUBAO_TEST_SECRET",
    Address: NOBODY_LISTENS,
    Endpoint: "127.0.0.1:9",
    DatabaseUrl: "postgresql+psycopg://reader@127.0.0.1:9/nobody",
    SiteFolder: "not/there",
}


def filled(way: Way[Any, Any]) -> ConnectorSpec:
    """A spec with something in every option of a type that matters here."""
    fields = msgspec.structs.fields(way.spec)
    options = {field.name: WRITTEN[field.type] for field in fields if field.type in WRITTEN}
    return way.spec(**{field.name: "0" for field in fields if field.required} | options)


def of_type(way: Way[Any, Any], *types: Any) -> list[str]:
    return [field.name for field in msgspec.structs.fields(way.spec) if field.type in types]


@pytest.mark.parametrize("kind", sorted(WAYS))
def test_every_secret_is_asked_for(kind: str) -> None:
    assert [secret.key for secret in filled(WAYS[kind]).secrets()] == of_type(WAYS[kind], SecretName)


@pytest.mark.parametrize("kind", sorted(WAYS))
def test_every_address_and_folder_is_asked_for_an_answer(kind: str, tmp_path: Path) -> None:
    required = {field.name for field in msgspec.structs.fields(WAYS[kind].spec) if field.required}
    places = [name for name in of_type(WAYS[kind], Address, Endpoint, DatabaseUrl, SiteFolder) if name in required]
    assert len(filled(WAYS[kind]).unreachable(tmp_path)) == len(places)


@pytest.mark.parametrize("kind", sorted(WAYS))
def test_every_spec_says_what_it_is(kind: str) -> None:
    assert WAYS[kind].spec.__doc__
    assert WAYS[kind].spec.__struct_config__.frozen


@pytest.mark.parametrize("kind", ["push", "http-json"])
def test_a_webhook_secret_has_its_form(kind: str) -> None:
    (secret,) = filled(WAYS[kind]).secrets()
    secret.check_form(f"whsec_{b64encode(bytes(24)).decode()}")
    with pytest.raises(WrongUse):
        secret.check_form("hunter2")


# ── a spec becomes a table ──


class Odd(ConnectorSpec, frozen=True, kw_only=True):
    """Everything a spec may say."""

    address: Address
    token: SecretName | None = None
    keys: tuple[SecretName, ...] = ()
    many: tuple[Annotated[str, msgspec.Meta(min_length=2, pattern="^[a-z]+$")], ...] = ()
    share: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5
    mode: Literal["one", "other"] = "one"
    folder: SiteFolder | None = None
    names: dict[str, str] = msgspec.field(default_factory=dict)


ODD = PullWay(spec=Odd, make=lambda spec, around: spec)  # type: ignore[arg-type,return-value]
TABLE: TypeAdapter[Any] = TypeAdapter(connection_table({"odd": ODD}))


def test_a_table_becomes_the_connectors_own_spec() -> None:
    tables = {"kind": "odd", "address": "http://a", "token": "file:t", "keys": ["env:A", "env:B"], "many": ["ab"]}
    connection = TABLE.validate_python(tables)
    assert connection == Connection(
        "odd", ODD, Odd(address="http://a", token="file:t", keys=("env:A", "env:B"), many=("ab",))
    )
    assert [secret.name for secret in connection.options.secrets()] == ["file:t", "env:A", "env:B"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "even"),
        ("address", "ftp://a"),
        ("token", "hunter2"),
        ("keys", ["hunter2"]),
        ("many", ["a"]),
        ("many", ["ab", "AB"]),
        ("share", 1),
        ("share", -0.1),
        ("mode", "neither"),
        ("folder", 1),
        ("names", {"a": 1}),
        ("unknown", 1),
    ],
)
def test_what_a_table_may_not_say(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        TABLE.validate_python({"kind": "odd", "address": "http://a", key: value})
    (problem,) = refused.value.errors()
    assert key in problem["loc"]


def test_a_spec_must_say_how_it_is_reached(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError):
        Odd(address="http://a").unreachable(tmp_path)


# ── what an association signs with ──

NM = Path("config/associations/nm.toml")


def test_an_association_has_a_secret_of_its_own_for_requests() -> None:
    spec = check(association_file(REGISTRY), read_toml(NM, shown_as="nm.toml"), shown_as="nm.toml")
    assert spec.requests_secret == "env:HUBAO_NM_REQUESTS_SECRET"
    assert warnings({"nm": spec}) == []


def test_a_file_from_before_goes_on_with_the_secret_of_its_deliveries_and_a_warning() -> None:
    tables = read_toml(NM, shown_as="nm.toml")
    del tables["requests"]
    spec = check(association_file(REGISTRY), tables, shown_as="nm.toml")
    assert spec.requests_secret == "env:HUBAO_NM_SECRET"
    (warning,) = warnings({"nm": spec})
    assert (warning.file, warning.key) == ("config/associations/nm.toml", "requests.secret")
