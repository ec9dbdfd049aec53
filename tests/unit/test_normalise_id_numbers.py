"""National id numbers: both lengths, every way of writing them, and what is not one."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.normalise.problems import Wrong
from gateway.core.normalise.texts import id_number_of
from gateway.model.national_id import (
    birth_date_of,
    check_digit,
    checksum_ok,
    looks_like_id,
    normalise_id,
    sex_of,
    to_18,
)

ID18 = "150999198001010017"
BORN = st.dates(date(1900, 1, 1), date(2026, 1, 1))
ORDER = st.integers(0, 999)


def naive_check_digit(first17: str) -> str:
    """GB 11643 as its text has it: weights 2^(18-i) mod 11, and the table of remainders."""
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(first17))
    return "10X98765432"[total % 11]


def number(born: date, order: int) -> str:
    first17 = f"150999{born:%Y%m%d}{order:03d}"
    return first17 + naive_check_digit(first17)


@settings(max_examples=300)
@given(BORN, ORDER)
def test_a_right_number_passes_and_tells_birth_and_sex(born: date, order: int) -> None:
    whole = number(born, order)
    assert check_digit(whole[:17]) == whole[17]
    assert checksum_ok(whole)
    assert birth_date_of(whole) == born
    assert sex_of(whole) == ("M" if order % 2 else "F")
    assert to_18(whole) == whole


@settings(max_examples=200)
@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), ORDER)
def test_the_old_form_becomes_the_new_one(born: date, order: int) -> None:
    whole = number(born, order)
    assert to_18(whole[:6] + whole[8:17]) == whole


@settings(max_examples=300)
@given(BORN, ORDER, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_found(born: date, order: int, place: int, other: str) -> None:
    whole = number(born, order)
    wrong = whole[:place] + other + whole[place + 1 :]
    assert checksum_ok(wrong) == (wrong == whole)


@settings(max_examples=200)
@given(BORN, ORDER, st.integers(0, 16))
def test_two_swapped_neighbours_are_always_found(born: date, order: int, place: int) -> None:
    whole = number(born, order)
    swapped = whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]
    assert checksum_ok(swapped) == (swapped == whole)


@pytest.mark.parametrize(
    "written",
    [
        "150999 1980 0101 0017",
        " 150999198001010017\t",
        "１５０９９９１９８００１０１００１７",
        "150999198001010017\u3000",
    ],
)
def test_every_way_of_writing_a_number_is_one(written: str) -> None:
    assert normalise_id(written) == ID18


@pytest.mark.parametrize("written", ["15099919800101001x", "15099919800101001ｘ", "15099919800101001Ｘ"])
def test_the_last_x_is_a_capital(written: str) -> None:
    assert normalise_id(written) == "15099919800101001X"


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "15099919800101001", "1509991980010100170", "150999198002300017", "050999198001010017", "X" * 18,
        "150999198013010018", "１５０９９９１９８００１０１００１７", "1509991980010100\u06617", "150999000001010012",
        "150999800230001", "150999801301001", "00000000000000000X",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    assert not checksum_ok(text)
    with pytest.raises(ValueError, match="身份证"):
        to_18(text)


def test_messages_never_hold_the_number() -> None:
    with pytest.raises(ValueError, match="身份证") as caught:
        to_18("150999198001010018")
    assert "1980" not in str(caught.value)


@pytest.mark.parametrize("id_type", ["01", None])
def test_an_id_number_is_checked_by_type_or_by_its_looks(id_type: str | None) -> None:
    assert id_number_of(id_type, "150999800101001") == ID18
    with pytest.raises(Wrong) as caught:
        id_number_of(id_type, "150999198001010018")
    assert caught.value.code == "bad_id_number"


def test_other_documents_keep_their_number() -> None:
    assert id_number_of("08", "E１２３４５６７８") == "E12345678"
    assert id_number_of("90", "150999198001010018") == "150999198001010018"
    assert id_number_of(None, "E12345678") == "E12345678"
    assert id_number_of("01", None) is None


def test_type_01_with_anything_else_is_bad() -> None:
    with pytest.raises(Wrong):
        id_number_of("01", "E12345678")


def test_looks_say_nothing_about_validity() -> None:
    assert looks_like_id("150999198001010018")
    assert not looks_like_id("E12345678")
