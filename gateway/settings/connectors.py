"""A connector's spec → the checked table of a settings file, and back: `[connector]` of a feed, `[delivery]` of an
association.

A connector knows no pydantic and the settings know no connector: the registry of ways is handed in. Each spec becomes
a closed table with the key `kind` in front; what the table says becomes the connector's own spec again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from pydantic import AfterValidator, Field, GetCoreSchemaHandler, PlainSerializer, create_model
from pydantic_core import CoreSchema, core_schema

from gateway.ports import Address, ConnectorSpec, DatabaseUrl, Endpoint, SecretName, SiteFolder, Way
from gateway.settings.files import Spec
from gateway.settings.secrets import NamedSecret

W = TypeVar("W", bound=Way[Any, Any])
S = TypeVar("S", bound=ConnectorSpec)


class Connection(msgspec.Struct, Generic[W, S], frozen=True):
    """The connector a file asks for: its kind, the way of that kind, and the options as the connector's own spec;
    `insecure_http` is why an address of it may be plain http, "" where it may not."""

    kind: str
    way: W
    options: S
    insecure_http: str = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)


_CHECKS: Final[Mapping[Any, Any]] = {
    SecretName: NamedSecret,
    Address: Annotated[str, Field(pattern=r"^https?://")],
    SiteFolder: str,
    Endpoint: Annotated[str, Field(pattern=r"^[^\s/@:]+:[0-9]{1,5}$")],
    # A password would stand between the user's name and the @; it is a secret and is named elsewhere.
    DatabaseUrl: Annotated[str, Field(pattern=r"^[a-z0-9]+(\+[a-z0-9_]+)?://([^\s:/@]+@[^\s@]+|/[^\s@]+)$")],
}
"""A type of `gateway.ports` → what a file may say."""

_REASON: Final = "insecure_http"
"""The key beside an address: why it may be plain http."""

_LIMITS: Final = ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern")


def connection_table(ways: Mapping[str, Way[Any, Any]]) -> Any:
    """The type of a table that names one of these kinds; what it holds is a `Connection`."""
    tables = {kind: _table(kind, way.spec) for kind, way in ways.items()}

    def connect(table: Any) -> Connection[Any, Any]:
        spec = ways[table.kind].spec
        options = {name: getattr(table, name) for name in spec.__struct_fields__}
        reason = getattr(table, _REASON, "")
        return Connection(table.kind, ways[table.kind], spec(**options), reason)

    union: Any = Union[tuple(tables.values())]  # noqa: UP007 - the members are only known here.
    discriminator = [Field(discriminator="kind")] if len(tables) > 1 else []
    # A dumped file holds the connection itself, so that it can be checked again.
    as_it_is = PlainSerializer(lambda connection: connection)
    return Annotated[(union, *discriminator, AfterValidator(connect), as_it_is)]


def _table(kind: str, spec: type[ConnectorSpec]) -> type[Spec]:
    """A closed table for the options of one kind, called in schemas as the kind is: `cloud-line` → `CloudLine`."""
    hints = get_type_hints(spec, include_extras=True)
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for field in msgspec.structs.fields(spec):
        default = ... if field.default is msgspec.NODEFAULT else field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = Field(default_factory=field.default_factory)
        fields[field.name] = _checked(hints[field.name]), default
    if any(Address in (hint, *get_args(hint)) for hint in hints.values()):
        fields[_REASON] = Annotated[str, Field(max_length=80)], ""
    title = "".join(part.capitalize() for part in kind.split("-"))
    return create_model(title, __base__=Spec, __doc__=spec.__doc__, **fields)


def _checked(hint: Any) -> Any:
    """An option's type as pydantic checks it: types of `gateway.ports` and limits of msgspec, however deep inside."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is None or origin is Literal:
        return _CHECKS.get(hint, hint)
    if origin is Annotated:
        limits = [
            Field(**{name: limit for name in _LIMITS if (limit := getattr(meta, name)) is not None})
            for meta in inner[1:]
            if isinstance(meta, msgspec.Meta)
        ]
        return Annotated[(_checked(inner[0]), *limits)]
    arguments = tuple(argument if argument is ... else _checked(argument) for argument in inner)
    return Union[arguments] if origin in (Union, UnionType) else origin[arguments]  # noqa: UP007 - known only here.
