"""Confirmed facts in words."""

from __future__ import annotations

from typing import Final

FACT_KINDS: Final = {"diagnosis": "确诊", "death": "身故", "maturity": "期满", "emergency_part": "急诊并入住院"}
