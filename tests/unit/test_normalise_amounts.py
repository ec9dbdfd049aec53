"""The parser `yuan`: exact to the fen, strict about what an amount is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.normalise.amounts import yuan_parser
from gateway.core.normalise.language import EMPTY
from gateway.core.normalise.problems import Wrong

yuan = yuan_parser(frozenset(EMPTY), thousands=False)
grouped = yuan_parser(frozenset(EMPTY), thousands=True)
in_json = yuan_parser(frozenset(EMPTY), thousands=False, exponents=True)

GOOD = [
    ("0", 0), ("0.00", 0), ("-0.00", 0), ("1", 100), ("1.5", 150), ("1.50", 150), ("-1.50", -150), (12, 1200),
    (-3, -300), (" 7.10\t", 710), ("007.00", 700), ("999999999999.99", 99999999999999), ("0.01", 1), ("-0.01", -1),
    ("38.61000000000001", 3861), ("38.60999999999999", 3861), ("-38.61000000000001", -3861), ("0.1000000", 10),
    ("1.005000000", None), ("9.999999999", 1000), ("1.0100009", 101), ("0.00000000000001", 0),
    (".50", 50), ("-.5", -50), ("-.10", -10), ("+.09", 9), ("20000.", 2000000), ("+20000.00", 2000000), ("0.", 0),
    ("-20000.", -2000000), (".005000000", None),
]  # fmt: skip
BAD = [
    "１２", "１２.00", "1_000", "1e5", "1E+2", "0E-8", "NaN", "Infinity", "-", "--1", "+-1", "1..5",
    "1,000.00",
    "¥1", "1元", "0x10", "1 000", "1.0.0", "1000000000000", "1.005", "1.001", "-1.004", "1.0100011", "٣.00", "²2.00",
    "1.0000000000000000000000000000001", "9" * 400, "9" * 50 + ".00", "true", "a.bc", "１.00", "1.0０",
    "-.", ".", "+", "1-.00",
    "5.00-", "(5.00)",
]  # fmt: skip


@pytest.mark.parametrize(("value", "fen"), [(value, fen) for value, fen in GOOD if fen is not None])
def test_an_amount_becomes_exact_fen(value: Any, fen: int) -> None:
    assert yuan(value) == fen
    assert type(yuan(value)) is int


@pytest.mark.parametrize("value", BAD)
def test_hostile_text_is_no_amount(value: str) -> None:
    with pytest.raises(Wrong) as caught:
        yuan(value)
    assert caught.value.code == "not_an_amount"


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("1E+2", 10000), ("0E-10", 0), ("-1.5E+3", -150000), ("1.2345E+2", 12345), ("2E-2", 2), ("5.684341886e-14", 0),
        ("0E+3", 0), ("9.9E+11", 99000000000000),
    ],
)  # fmt: skip
def test_an_exponent_as_java_writes_it_is_exact_in_json_and_damage_in_a_file(written: str, fen: int) -> None:
    assert in_json(written) == fen
    with pytest.raises(Wrong):
        yuan(written)


@pytest.mark.parametrize("written", ["1e5", "1E5", "1E-3", "1E+12", "1E400", "E+2", "1E+", "1E+1.0", "1e+5"])
def test_an_exponent_that_is_no_sum_in_fen_is_refused(written: str) -> None:
    with pytest.raises(Wrong):
        in_json(written)


@pytest.mark.parametrize("value", [True, False, [], {}, [1], {"a": 1}, b"1"])
def test_another_type_is_no_amount(value: Any) -> None:
    with pytest.raises(Wrong) as caught:
        yuan(value)
    assert caught.value.code == "wrong_type"


@pytest.mark.parametrize("value", [10**12, -(10**12), 10**400])
def test_a_number_no_bill_reaches_is_no_amount(value: int) -> None:
    with pytest.raises(Wrong) as caught:
        yuan(value)
    assert caught.value.code == "not_an_amount"


@pytest.mark.parametrize("value", [None, "", " ", "null", "NULL", "nan", "\t", "\u3000"])
def test_empty_is_no_value_and_never_zero(value: Any) -> None:
    assert yuan(value) is None


@pytest.mark.parametrize(("value", "fen"), [("1,000.00", 100000), ("-12,345,678.9", -1234567890), ("999", 99900)])
def test_thousands_separators_only_where_the_mapping_says_so(value: str, fen: int) -> None:
    assert grouped(value) == fen


@pytest.mark.parametrize("value", ["1,00.00", "1,0000", ",100", "1,,000", "1000,000"])
def test_misplaced_thousands_separators_are_refused(value: str) -> None:
    with pytest.raises(Wrong):
        grouped(value)


@settings(max_examples=300)
@given(st.integers(-(10**14) + 1, 10**14 - 1), st.sampled_from(["{}", " {} ", "{}\t"]))
def test_what_is_written_in_yuan_is_read_in_fen(fen: int, around: str) -> None:
    assert yuan(around.format(f"{Decimal(fen) / 100:.2f}")) == fen


@settings(max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-1e9, max_value=1e9))
def test_a_binary_number_agrees_with_decimal_or_is_refused(number: float) -> None:
    text = repr(number)
    exact = Decimal(text)
    near = round(exact, 2)
    if "e" in text or len(text.partition(".")[2]) > 30 or abs(exact - near) > Decimal("0.000001"):
        with pytest.raises(Wrong):
            yuan(text)
    else:
        assert yuan(text) == int(near * 100)


@settings(max_examples=200)
@given(st.integers(-(10**11), 10**11))
def test_an_amount_arrives_from_json_without_becoming_a_float(fen: int) -> None:
    written = f'{{"amount": {Decimal(fen) / 100:.2f}}}'.encode()
    arrived = msgspec.json.Decoder(dict[str, Any], float_hook=str).decode(written)["amount"]
    assert not isinstance(arrived, float)
    assert yuan(arrived) == fen
