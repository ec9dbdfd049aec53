"""Normalise (归一): page bytes and a mapping → settlement records, or what is wrong with each row."""

from gateway.core.normalise.lines import Summary, normalise_lines
from gateway.core.normalise.mapping import (
    CompiledMapping,
    Glance,
    Glanced,
    Normal,
    Normalised,
    Rejected,
    compile_mapping,
    is_skipped,
    only_in_doubt,
)
from gateway.core.normalise.outside import Origin
from gateway.core.normalise.problems import fields_of
from gateway.core.normalise.rows import NO_ROWS, Rows

__all__ = [
    "NO_ROWS",
    "CompiledMapping",
    "Glance",
    "Glanced",
    "Normal",
    "Normalised",
    "Origin",
    "Rejected",
    "Rows",
    "Summary",
    "compile_mapping",
    "fields_of",
    "is_skipped",
    "normalise_lines",
    "only_in_doubt",
]
