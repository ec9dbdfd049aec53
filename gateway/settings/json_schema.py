"""JSON Schemas of the files an administrator writes, generated from the specifications that check them, and of claims.

Editors use them through a first line such as `#:schema ../schema/feed.schema.json`. A schema knows the
keys and their kinds; what only code can say (a band table without holes) stays with `hubao check`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from gateway.core.claims.told import claim_schema
from gateway.ports import Registry
from gateway.settings.associations import association_file
from gateway.settings.feeds import feed_file
from gateway.settings.files import Spec
from gateway.settings.gateway import GatewaySpec
from gateway.settings.mappings import MappingSpec
from gateway.settings.matching import MatchingSpec
from gateway.settings.schemes import SchemeSpec

CLAIM_SCHEMA: Final = "claim-1"
"""The schema of what is handed to associations, by its major; a new major stands beside the old one."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def file_kinds(registry: Registry) -> dict[str, type[Spec]]:
    """Kind of file → the specification that checks it, its connectors being those of the registry."""
    return {
        "association": association_file(registry),
        "feed": feed_file(registry),
        "gateway": GatewaySpec,
        "mapping": MappingSpec,
        "matching": MatchingSpec,
        "scheme": SchemeSpec,
    }


def schemas(registry: Registry) -> dict[str, dict[str, Any]]:
    """Kind of file → its JSON Schema, draft 2020-12."""
    return {kind: {"$schema": _DIALECT, **spec.model_json_schema()} for kind, spec in file_kinds(registry).items()}


def schema_texts(registry: Registry) -> dict[str, str]:
    """Name of a schema file → its text."""
    return {
        f"{kind}.schema.json": json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        for kind, schema in {**schemas(registry), CLAIM_SCHEMA: claim_schema()}.items()
    }


def write_schemas(folder: Path, registry: Registry) -> list[Path]:
    """Write every schema into a folder, which is made if missing; returns the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, text in schema_texts(registry).items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
