"""How values are written on pages: money, instants, names with rare characters, differing characters, addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup, escape

from gateway.model.clock import SHANGHAI
from gateway.model.money import yuan

NOTHING: Final = "–"


def money(amount: str | int | None) -> str:
    """Yuan as text, or fen, with thousands apart: "110716.13" → 110,716.13."""
    if amount is None or amount == "":
        return NOTHING
    text = yuan(amount) if isinstance(amount, int) else amount
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, part = digits.partition(".")
    return f"{sign}{int(whole):,}.{part}" if part else f"{sign}{int(whole):,}"


def moment(at: datetime | str | None) -> str:
    """An instant as 北京时间, to the minute."""
    if not at:
        return NOTHING
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def day(when: date | datetime | str | None) -> str:
    """A day; of an instant its day in 北京时间."""
    if not when:
        return NOTHING
    if isinstance(when, str):
        return when[:10]
    return (when.astimezone(SHANGHAI).date() if isinstance(when, datetime) else when).isoformat()


def is_rare(character: str) -> bool:
    """Whether many machines have no glyph for it: CJK extensions, compatibility forms, private use (GB 18030)."""
    code = ord(character)
    return 0x3400 <= code < 0x4DC0 or 0x9FA6 <= code < 0xA000 or 0xE000 <= code < 0xFB00 or code >= 0x20000


def name(text: str | None) -> Markup | str:
    """A name as it is; beside a character that machines may lack stands its code point."""
    if not text:
        return NOTHING
    return Markup("").join(_with_code_point(character) if is_rare(character) else character for character in text)


def _with_code_point(character: str) -> Markup:
    return Markup('<span class="rare">{0}<small>U+{1}</small></span>').format(character, f"{ord(character):04X}")


def marked(text: str | None, beside: str | None) -> Markup | str:
    """A text whose characters that differ from the one beside it are marked."""
    if not text:
        return NOTHING
    if not beside:
        return name(text)
    pieces = []
    for how, first, last, _, _ in SequenceMatcher(None, text, beside, autojunk=False).get_opcodes():
        part = name(text[first:last]) if first < last else ""
        pieces.append(Markup("<mark>{0}</mark>").format(part) if part and how != "equal" else escape(part))
    return Markup("").join(pieces)


def address(path: str, filters: Mapping[str, Any], **changed: Any) -> str:
    """An address with these filters, some of them changed; what is empty is left out."""
    chosen = {key: value for key, value in {**filters, **changed}.items() if value is not None and value != ""}
    return f"{path}?{urlencode(chosen)}" if chosen else path


def chinese(text: str | None) -> str:
    """A sentence that stands in Chinese and English, without the English."""
    return (text or "").split(" (")[0]


def joined(words: Iterable[str]) -> str:
    """Words one after the other."""
    return "、".join(words) or NOTHING


FILTERS: Final = {
    "money": money,
    "moment": moment,
    "day": day,
    "name": name,
    "chinese": chinese,
    "joined": joined,
}
FUNCTIONS: Final = {"marked": marked, "address": address}
