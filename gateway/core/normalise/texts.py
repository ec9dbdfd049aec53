"""Named parsers for text: text, identifier, code tables, flags, whole numbers, lists, id numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from gateway.core.normalise.amounts import decimal_parts
from gateway.core.normalise.problems import Wrong
from gateway.model.national_id import checksum_ok, looks_like_id, normalise_id, to_18
from gateway.model.person import CONTROLS

Text = Callable[[Any], str | None]

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_SCIENTIFIC: Final = re.compile(r"[0-9]([.][0-9]+[Ee][+]?|[Ee][+])[0-9]{1,3}")
_LONGEST: Final = 500
_LARGEST_NUMBER: Final = 10**64
MOST_ITEMS: Final = 200


def text_parser(empty: frozenset[str], *, limit: int) -> Text:
    """Value → text without surrounding space, or None; a JSON number that is whole counts as text."""

    def parse(value: Any) -> str | None:
        if type(value) is str:
            # Letters and digits alone, of whatever script, hold nothing of what is looked for below.
            if value.isalnum() and len(value) <= limit and value not in empty:
                return value
        elif value is None:
            return None
        elif type(value) is not int:
            raise Wrong("wrong_type")
        elif not -_LARGEST_NUMBER < value < _LARGEST_NUMBER:
            raise Wrong("too_long")
        else:
            value = str(value)
        text: str = value.strip()
        if not text.isprintable():
            # Some systems fill a field up with NUL; where nothing else stands in it, it is damaged.
            text = text.rstrip(CONTROLS).rstrip() or text
        if text in empty:
            return None
        if len(text) > limit:
            raise Wrong("too_long")
        if not text.isascii() and "\ufffd" in text:
            raise Wrong("bad_encoding")
        # `isprintable` is quick but also refuses what names in rare scripts need; then only controls count.
        if not text.isprintable() and _CONTROL.search(text):
            raise Wrong("control_character")
        return text

    return parse


def written_text(empty: frozenset[str], *, limit: int) -> Text:
    """Value → its text as it stands, signs for lost characters included, or None where there is no usable text."""

    def parse(value: Any) -> str | None:
        text = str(value).strip().rstrip(CONTROLS).rstrip() if type(value) in (str, int) else ""
        return None if text in empty or len(text) > limit or _CONTROL.search(text) else text

    return parse


_LATIN: Final = re.compile("[\x80-\xb6\xb8-\xff]")
_NO_NAME: Final = re.compile("[?\ue000-\uf8ff]")


def _chinese_by_chance() -> frozenset[str]:
    """The characters of GB18030 whose two bytes begin a Chinese character of UTF-8."""
    pairs = (bytes((first, second)) for first in range(0xE3, 0xEA) for second in range(0x80, 0xC0) if second != 0x7F)
    return frozenset(pair.decode("gb18030") for pair in pairs)


_BEGINS_MOJIBAKE: Final = _chinese_by_chance()


def name_parser(text: Text) -> Text:
    """A person's name. Raises Wrong("bad_encoding") for one whose characters somebody else has already spoiled:
    GB18030 read as Latin letters (²âÊÔ), UTF-8 read as GB18030 (娴嬭瘯), lost ones (??), private ones."""

    def parse(value: Any) -> str | None:
        name = text(value)
        # Nearly every name is of Chinese characters alone; what was spoiled is spoiled from its first sign on.
        if name is None or (name[0] > "\u2e7f" and name[0] not in _BEGINS_MOJIBAKE and name.isalpha()):
            return name
        latin = len(_LATIN.findall(name))
        # Few accents among plain letters are a foreigner's name.
        letters = sum(sign.isascii() and sign.isalpha() for sign in name)
        if _NO_NAME.search(name) or latin > letters or _is_mojibake(name):
            raise Wrong("bad_encoding")
        return name

    return parse


def _is_mojibake(name: str) -> bool:
    try:
        return bool(re.fullmatch("[\u3400-\u9fff·]+", name.encode("gb18030").decode("utf-8")))
    except UnicodeError:
        return False


def part_parser(parse: Callable[[Any], Any], pattern: str) -> Callable[[Any], Any]:
    """A parser of the part of a text that `{}` stands for in a pattern, where `*` is anything."""
    before, _, behind = (re.escape(half).replace(r"\*", ".*?") for half in pattern.partition("{}"))
    shape = re.compile(f"{before}(.+?){behind}", re.DOTALL)

    def part(value: Any) -> Any:
        if value is None or value == "":
            return parse(None)
        fits = shape.fullmatch(str(value)) if type(value) in (str, int) and len(str(value)) <= _LONGEST else None
        if fits is None:
            raise Wrong("wrong_pattern")
        return parse(fits.group(1))

    return part


def identifier_parser(empty: frozenset[str], *, limit: int) -> Text:
    """A number of something, kept as text. Refuses 1.52E+19: the digits it stood for are lost."""
    text = text_parser(empty, limit=limit)

    def parse(value: Any) -> str | None:
        # As in any text; and nearly every number is of letters and digits alone, which none of those damaged is.
        if type(value) is str and value.isalnum() and len(value) <= limit and value not in empty:
            return value
        written = text(value)
        if written is not None and ("." in written or "+" in written) and _SCIENTIFIC.fullmatch(written):
            raise Wrong("damaged_number")
        return written

    return parse


def table_parser(text: Text, codes: dict[str, str], *, prefix: bool, unknown: str) -> Text:
    """Text looked up in a code table, whole or by its longest known beginning; "" there means no value."""
    lengths = sorted({len(code) for code in codes}, reverse=True) if prefix else []

    def look_up(value: Any) -> str | None:
        code = text(value)
        if code is None:
            return None
        for start in (code, *(code[:length] for length in lengths)):
            meaning = codes.get(start)
            if meaning is not None:
                return meaning or None
        if unknown == "keep":
            return code
        if unknown == "error":
            raise Wrong("unknown_code")
        return "other" if unknown == "other" else None

    # Nearly every value is a code of the table or already what one stands for: those are looked up beforehand.
    usual: dict[str, str | None] = {}
    for code in (*codes, *codes.values()):
        with suppress(Wrong):
            usual[code] = look_up(code)

    def parse(value: Any) -> str | None:
        return usual[value] if type(value) is str and value in usual else look_up(value)

    return parse


def either_parser(first: Text, second: Text) -> Text:
    """What the first makes of a value; of one it knows not, what the second does."""

    def parse(value: Any) -> str | None:
        try:
            return first(value)
        except Wrong:
            return second(value)

    return parse


def flag_parser(table: Text) -> Text:
    """ "yes" or "no" through a code table, or None; JSON's true and false are looked up by those words."""

    def parse(value: Any) -> str | None:
        if type(value) is bool:
            value = "true" if value else "false"
        return table(value)

    return parse


def integer_parser(
    empty: frozenset[str], *, largest: int = 36_500, exponents: bool = False
) -> Callable[[Any], int | None]:
    """Value → whole number (9, "9", "35.0", with `exponents` 1E+1) of days, no larger than a long life's either way; or
    None."""

    def parse(value: Any) -> int | None:
        if type(value) is str and value.isdigit() and value.isascii() and len(value) < 5 and value not in empty:
            # Nearly every number of days is written so.
            return int(value)
        if value is None or (type(value) is str and value.strip() in empty):
            return None
        if type(value) is int:
            number = value
        elif type(value) is not str:
            raise Wrong("wrong_type")
        else:
            number = _whole(value.strip(), exponents=exponents)
        if not -largest <= number <= largest:
            raise Wrong("not_an_integer")
        return number

    return parse


def _whole(text: str, *, exponents: bool) -> int:
    parts = decimal_parts(text, exponents=exponents)
    if parts is None:
        raise Wrong("not_an_integer")
    digits, places = parts
    if places <= 0:
        return int(digits * 10**-places)
    if digits % 10**places:
        raise Wrong("not_an_integer")
    return int(digits // 10**places)


def list_parser(text: Text, separators: tuple[str, ...], item: str) -> Callable[[Any], tuple[str, ...]]:
    """An array of texts (or of objects with `item`), or a text with separators → distinct texts in order."""
    split = re.compile("|".join(re.escape(separator) for separator in separators))

    def items(value: Any) -> list[Any]:
        if type(value) is list:
            return value
        return list(split.split(value)) if type(value) is str else [value]

    def parse(value: Any) -> tuple[str, ...]:
        if value is None or value == "":
            return ()
        if type(value) is str and not split.search(value):
            part = text(value)
            return () if part is None else (part,)
        every = items(value)
        if len(every) > MOST_ITEMS:
            raise Wrong("too_long")
        texts = [text(part.get(item) if item and type(part) is dict else part) for part in every]
        return tuple(dict.fromkeys(part for part in texts if part is not None))

    return parse


def id_number_of(id_type: str | None, number: str | None) -> str | None:
    """The one way of writing a document's number. Raises Wrong("bad_id_number") for an invalid id number.

    Type 01, and no type where the number looks like an id number, gives 18 characters; others keep theirs.
    """
    if number is None:
        return None
    # A sound number is one as it stands; this is asked of everybody's row.
    if (id_type == "01" or id_type is None) and checksum_ok(number):
        return number
    number = normalise_id(number)
    if id_type != "01" and (id_type is not None or not looks_like_id(number)):
        if id_type is None and "." in number and _SCIENTIFIC.fullmatch(number):
            raise Wrong("damaged_number")
        return number
    try:
        return to_18(number)
    except ValueError:
        raise Wrong("bad_id_number") from None


def number_asked_for(id_type: str | None, number: str | None) -> str | None:
    """The same, but an intact number of before 1999 keeps its 15 digits: none of them proves the others."""
    # The usual case at once, because this too is asked of everybody's row.
    if (id_type == "01" or id_type is None) and number is not None and checksum_ok(number):
        return number
    complete = id_number_of(id_type, number)
    if complete is None or complete == number or len(complete) != 18:
        return complete
    written = normalise_id(number or "")
    return written if len(written) == 15 else complete


def number_as_written(id_type: str | None, number: str | None) -> str | None:
    """A document's number in the one way of writing it, or as it stands where it is old, masked or wrong."""
    try:
        return number_asked_for(id_type, number)
    except Wrong:
        return normalise_id(number) if number else None
