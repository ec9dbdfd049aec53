"""Whether a text of somebody else's (a reference, a name) holds a person's number: identity, phone, bank card."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gateway.model.national_id import checksum_ok, in_18

_PARTS: Final = re.compile(r"[-_.:/ ]")
_RUNS: Final = re.compile(r"[0-9]{11,}[Xx]?")
_PHONE: Final = re.compile(r"(86)?1[3-9][0-9]{9}")


def holds_personal_number(text: str) -> bool:
    """Whether some run of digits in it, also one that is cut by separators, could be a person's number. A serial number
    that passes the check of bank cards by chance (one in ten of 16 to 19 digits) counts as one."""
    return any(_is_personal(run.upper()) for part in (text, _PARTS.sub("", text)) for run in _RUNS.findall(part))


def kept_reference(reference: str | None, digest: Callable[[str], bytes]) -> str | None:
    """What is kept of another's reference: itself, or of one that holds a person's number only its keyed digest."""
    if reference is None or not holds_personal_number(reference):
        return reference
    return f"digest:{digest(reference).hex()[:40]}"


def _is_personal(run: str) -> bool:
    if any(checksum_ok(run[start : start + 18]) for start in range(len(run) - 17)):
        return True
    digits = run.removesuffix("X")
    if len(digits) == 15 and in_18(digits) != digits:
        return True
    return _PHONE.fullmatch(digits) is not None or (16 <= len(digits) <= 19 and passes_luhn(digits))


def passes_luhn(digits: str) -> bool:
    """Whether a number of digits has the check digit of bank cards (ISO/IEC 7812-1)."""
    doubled = (2 * int(digit) if place % 2 else int(digit) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
