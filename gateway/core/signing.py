"""The name somebody decides with: until there are accounts it is believed as given."""

from __future__ import annotations

from typing import Final

from gateway.errors import BadInput

_LONGEST_NAME: Final = 80


def clerk(by: str) -> str:
    """The name somebody signs with. Raises BadInput("not_valid")."""
    name = " ".join(by.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadInput("not_valid", f"经办人应为1至{_LONGEST_NAME}个字 (by: the name of the person deciding)")
    return name
