"""Document numbers: what is readable, what is a slip, what is somebody else's."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from match_builders import BORN, NUMBER, id_number, swapped, with_digit

from gateway.core.match import LEVELS
from gateway.core.match.writing.numbers import compare_numbers, read_number, visible_ends
from gateway.model.national_id import checksum_ok

OLD = NUMBER[:6] + NUMBER[8:17]
WITH_X = next(number for order in range(1, 99) if (number := id_number(order=order)).endswith("X"))
PERMIT = id_number(region="810000")
FOREIGN = id_number(region="915099")

CASES = [
    (NUMBER, NUMBER, "sound", "equal"),
    (f"{NUMBER[:6]}-{NUMBER[6:14]}-{NUMBER[14:]}", NUMBER, "sound", "equal"),
    (NUMBER.replace("0", "O", 1), NUMBER, "sound", "equal"),
    (with_digit(NUMBER, 9), NUMBER, "unsound", "one_digit"),
    (with_digit(NUMBER, 17), NUMBER, "unsound", "one_digit"),
    (NUMBER[:17] + "*", NUMBER, "unsound", "one_digit"),
    (swapped(NUMBER, 14), NUMBER, "unsound", "swapped"),
    (NUMBER[:8] + NUMBER[9:], NUMBER, "unsound", "digit_missing"),
    (NUMBER[:8] + NUMBER[8] + NUMBER[8:], NUMBER, "unsound", "digit_doubled"),
    (OLD, NUMBER, "old", "equal"),
    (with_digit(OLD, 3), NUMBER, "old", "two_digits"),
    (OLD[:13] + OLD[14] + OLD[13], NUMBER, "old", "two_digits"),
    (id_number(date(1971, 2, 3))[:6] + "710203777", NUMBER, "old", "sound_differs"),
    (OLD[:8] + "99" + OLD[10:], NUMBER, "unsound", "unsound_differs"),
    (OLD[:8] + "9" + OLD[9:], NUMBER, "unsound", "one_digit"),
    (with_digit(with_digit(NUMBER, 2), 15), NUMBER, "unsound", "two_digits"),
    (NUMBER[:15], NUMBER, "unsound", "masked_part"),
    ("150999195501010000", NUMBER, "unsound", "unsound_differs"),
    (NUMBER[:6] + "********" + NUMBER[14:], NUMBER, "masked", "masked"),
    (NUMBER[:6] + "****" + NUMBER[14:], NUMBER, "masked", "masked"),
    (NUMBER[:6] + "xxxxxxxx" + NUMBER[14:], NUMBER, "masked", "masked"),
    (NUMBER[:6] + "●" * 8 + NUMBER[14:], NUMBER, "masked", "masked"),
    (NUMBER[:6] + "****" + NUMBER[10:], NUMBER, "masked", "masked"),
    (NUMBER[:3] + "*" * 11 + NUMBER[14:], NUMBER, "masked", "masked"),
    (OLD[:6] + "******" + OLD[12:], NUMBER, "masked", "masked"),
    (NUMBER[:1] + "*" * 13 + NUMBER[14:], NUMBER, "masked", "masked_part"),
    (NUMBER[:14] + "****", NUMBER, "masked", "masked_part"),
    (NUMBER[:6] + "********9999", NUMBER, "masked", "masked_differs"),
    ("150998********" + NUMBER[14:], NUMBER, "masked", "masked_differs"),
    (id_number(order=125), NUMBER, "sound", "sound_near"),
    (id_number(date(1971, 2, 3), order=777), NUMBER, "sound", "sound_differs"),
    (PERMIT, NUMBER, "sound", "other_document"),
    (FOREIGN, NUMBER, "sound", "other_document"),
    (FOREIGN, "USA150980051201", "sound", "other_document"),
    ("E12345678", NUMBER, "other", "other_document"),
    (NUMBER, "E12345678", "sound", "other_document"),
    ("E 1234-5678", "E12345678", "other", "same_document"),
    ("H1234567801", "H1234567802", "other", "same_document"),
    ("h12345678(01)", "H12345678", "other", "same_document"),
    ("1234567801", "12345678", "other", "same_document"),
    ("H1234567801", "H7654321801", "other", "other_document"),
    (None, NUMBER, "missing", "missing"),
    ("无", NUMBER, "missing", "missing"),
    ("0" * 18, NUMBER, "missing", "missing"),
    ("1" * 15, NUMBER, "missing", "missing"),
    ("123456789012345678", NUMBER, "missing", "missing"),
    ("150999" + "0" * 12, NUMBER, "missing", "missing"),
    ("111111190001010000", NUMBER, "missing", "missing"),
    (NUMBER[:6] + "*****" + NUMBER[14:], NUMBER, "masked", "masked"),
    (WITH_X[:16] + "X" + WITH_X[16], WITH_X, "unsound", "swapped"),
    ("-", NUMBER, "missing", "missing"),
    (f"'{NUMBER}", NUMBER, "sound", "equal"),
    (f"\ufeff{NUMBER[:6]}\u200b{NUMBER[6:]}", NUMBER, "sound", "equal"),
    (f"{NUMBER[:6]}\u2014{NUMBER[6:]}\x00", NUMBER, "sound", "equal"),
    (NUMBER.replace("0", "О"), NUMBER, "sound", "equal"),
    (NUMBER.translate({ord(str(digit)): chr(0x660 + digit) for digit in range(10)}), NUMBER, "sound", "equal"),
    (WITH_X[:17] + "Х", WITH_X, "sound", "equal"),
    (f"{OLD[:6]}-{OLD[6:12]}-{OLD[12:]}", NUMBER, "old", "equal"),
    (NUMBER[:9] + "*" + NUMBER[10:], NUMBER, "masked", "masked"),
    (NUMBER[:9] + "X" + NUMBER[10:], NUMBER, "masked", "masked"),
    ("E****5678", "E****5678", "other", "other_document"),
    ("E*5678", "E5678", "other", "other_document"),
]


@pytest.mark.parametrize(("written", "of", "kind", "level"), CASES)
def test_a_number_agrees_at_its_level(written: str | None, of: str, kind: str, level: str) -> None:
    number = read_number(written)
    assert (number.kind, compare_numbers(number, of)) == (kind, level)


@given(st.integers(0, 16), st.integers(1, 9))
def test_the_check_digit_tells_every_wrong_digit(at: int, by: int) -> None:
    wrong = NUMBER[:at] + str((int(NUMBER[at]) + by) % 10) + NUMBER[at + 1 :]
    assert not checksum_ok(wrong)
    assert compare_numbers(read_number(wrong), NUMBER) == "one_digit"


@given(st.integers(0, 16).filter(lambda at: NUMBER[at] != NUMBER[at + 1] and NUMBER[at + 1] != "X"))
def test_the_check_digit_tells_neighbours_swapped(at: int) -> None:
    assert compare_numbers(read_number(swapped(NUMBER, at)), NUMBER) == "swapped"


@given(st.text("0123456789Xx*?#●-. ABE无", max_size=20))
def test_whatever_stands_there_has_a_level(text: str) -> None:
    number = read_number(text)
    assert compare_numbers(number, NUMBER) in LEVELS["id_number"]
    assert all(end == "" or end[:-1].isdigit() for end in visible_ends(number))


def test_a_masked_number_that_shows_the_birth_date_says_it() -> None:
    assert read_number("******" + NUMBER[6:]).born == BORN
    assert read_number(NUMBER[:6] + "********" + NUMBER[14:]).born is None
