"""Groups of diseases (病种) by their ICD-10 codes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class DiseaseGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group: codes that begin so ("C50"), and ranges of such beginnings ("D07.0", "D07.3")."""

    name: str
    title: str
    prefixes: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...] = ()

    def holds(self, codes: Iterable[str]) -> bool:
        """Whether any of the codes belongs to the group."""
        return any(
            code.startswith(self.prefixes)
            or any(low <= code[: len(low)] and code[: len(high)] <= high for low, high in self.ranges)
            for code in map(plain_code, codes)
        )


def plain_code(code: str) -> str:
    """An ICD-10 code as the groups write it: upper case, a point after the third place ("c509" → "C50.9")."""
    plain = code.strip().upper()
    if len(plain) > 3 and plain[3] != ".":
        return f"{plain[:3]}.{plain[3:]}"
    return plain
