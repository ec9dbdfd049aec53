"""A sealed value opens in its own place under its own key; all else is the same mute BrokenSeal."""

from __future__ import annotations

import copy
import pickle
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BrokenSeal
from gateway.vault import DataKey, Suite, context, context_for
from gateway.vault.envelope import key_number, parts
from gateway.vault.keys import FingerprintKey, RootKey

SECRET = bytes(range(32))
PLACE = context("member", "personal", 7)
PLAIN = '{"姓名":"白音"}'.encode()

texts = st.text(max_size=8)


def data_key(suite: Suite, *, secret: bytes = SECRET, number: int = 17, root: int = 1) -> DataKey:
    return DataKey(secret, number=number, root=root, suite=suite)


KEYS = {suite: data_key(suite) for suite in Suite}


def assert_broken(key: DataKey, sealed: bytes, place: bytes = PLACE) -> None:
    with pytest.raises(BrokenSeal) as caught:
        key.open(sealed, place)
    assert str(caught.value) == str(BrokenSeal())
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("suite", Suite)
@settings(max_examples=60, deadline=None)
@given(plain=st.binary(max_size=300), table=texts, column=texts, row=st.integers() | texts)
def test_what_was_sealed_opens(suite: Suite, plain: bytes, table: str, column: str, row: int | str) -> None:
    place = context(table, column, row)
    sealed = KEYS[suite].seal(plain, place)
    assert len(sealed) == len(plain) + 36
    assert KEYS[suite].open(sealed, place) == plain
    assert plain not in sealed or len(plain) < 4


@pytest.mark.parametrize("suite", Suite)
def test_the_layout_is_as_written(suite: Suite) -> None:
    sealed = data_key(suite, number=0x01020304, root=0x0506)._seal_with_nonce(b"", PLACE, bytes(range(12)))
    assert sealed[:20] == bytes([1, suite.code, 5, 6, 1, 2, 3, 4, *range(12)])
    assert len(sealed) == 36
    assert key_number(sealed) == 0x01020304


@pytest.mark.parametrize("suite", Suite)
def test_the_same_text_never_seals_to_the_same_bytes(suite: Suite) -> None:
    assert len({KEYS[suite].seal(PLAIN, PLACE) for _ in range(200)}) == 200


@pytest.mark.parametrize("suite", Suite)
def test_every_flipped_bit_is_found(suite: Suite) -> None:
    sealed = KEYS[suite].seal(PLAIN, PLACE)
    for position, bit in product(range(len(sealed)), range(8)):
        forged = bytearray(sealed)
        forged[position] ^= 1 << bit
        assert_broken(KEYS[suite], bytes(forged))


@pytest.mark.parametrize("suite", Suite)
def test_every_shorter_and_longer_form_is_found(suite: Suite) -> None:
    sealed = KEYS[suite].seal(PLAIN, PLACE)
    for length in range(len(sealed)):
        assert_broken(KEYS[suite], sealed[:length])
    for forged in (sealed + b"\0", b"\1" + sealed, sealed[1:], sealed + sealed):
        assert_broken(KEYS[suite], forged)


ELSEWHERE = {
    "another row": context("member", "personal", 8),
    "another column": context("member", "claim", 7),
    "another table": context("stay", "personal", 7),
    "parts that join to the same text": context("memberpersonal", "", 7),
    "parts in another order": context("personal", "member", 7),
    "no context": b"",
}


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE.keys())
@pytest.mark.parametrize("suite", Suite)
def test_a_value_moved_elsewhere_does_not_open(suite: Suite, place: bytes) -> None:
    assert_broken(KEYS[suite], KEYS[suite].seal(PLAIN, PLACE), place)


@pytest.mark.parametrize("suite", Suite)
def test_two_swapped_rows_do_not_open(suite: Suite) -> None:
    place = context_for("member", "personal")
    first, second = (KEYS[suite].seal(PLAIN, place(row)) for row in (1, 2))
    assert_broken(KEYS[suite], first, place(2))
    assert_broken(KEYS[suite], second, place(1))


OTHER_KEYS = {
    "secret": data_key(Suite.AES, secret=bytes(32)),
    "number": data_key(Suite.AES, number=18),
    "suite": data_key(Suite.SM4),
}


@pytest.mark.parametrize("key", OTHER_KEYS.values(), ids=OTHER_KEYS.keys())
def test_another_key_does_not_open(key: DataKey) -> None:
    assert_broken(key, KEYS[Suite.AES].seal(PLAIN, PLACE))


@pytest.mark.parametrize("suite", Suite)
def test_a_key_wrapped_anew_still_opens_what_it_sealed_before(suite: Suite) -> None:
    sealed = data_key(suite, root=1).seal(PLAIN, PLACE)
    assert data_key(suite, root=2).open(sealed, PLACE) == PLAIN
    forged = sealed[:2] + b"\0\2" + sealed[4:]
    assert_broken(data_key(suite, root=2), forged)


@settings(max_examples=200, deadline=None)
@given(first=st.lists(texts, max_size=4), second=st.lists(texts, max_size=4))
def test_different_parts_never_give_the_same_context(first: list[str], second: list[str]) -> None:
    assert (parts(*first) == parts(*second)) == (first == second)


def test_an_integer_row_is_its_decimal_text() -> None:
    assert context("member", "personal", 7) == context_for("member", "personal")("7")


def test_a_lone_surrogate_in_a_row_is_a_place_like_any_other() -> None:
    assert context("page", "content", "\ud800") != context("page", "content", "\udfff")


@pytest.mark.parametrize("sealed", [b"", b"\1\1", bytes(35)])
def test_a_number_is_not_read_from_anything_too_short(sealed: bytes) -> None:
    with pytest.raises(BrokenSeal):
        key_number(sealed)


@pytest.mark.parametrize("suite", Suite)
def test_fingerprints_are_short_equal_and_separate(suite: Suite) -> None:
    key, other = FingerprintKey(SECRET, suite=suite), FingerprintKey(bytes(32), suite=suite)
    id_number = key.of_kind("id_number")
    assert len(id_number("150999198005010012")) == 16
    assert id_number("150999198005010012") == FingerprintKey(SECRET, suite=suite).of_kind("id_number")(
        "150999198005010012"
    )
    assert id_number("x") != key.of_kind("name")("x")
    assert id_number("x") != other.of_kind("id_number")("x")
    assert id_number("\ud800") != id_number("\ud801")
    assert key.of_kind("id_number") is id_number


@pytest.mark.parametrize("suite", Suite)
@settings(max_examples=100, deadline=None)
@given(first=texts, second=texts)
def test_fingerprints_agree_exactly_where_texts_do(suite: Suite, first: str, second: str) -> None:
    fingerprint = FingerprintKey(SECRET, suite=suite).of_kind("name")
    assert (fingerprint(first) == fingerprint(second)) == (first == second)


@pytest.mark.parametrize("suite", Suite)
def test_the_root_key_opens_only_what_it_sealed_about_that_key(suite: Suite) -> None:
    root = RootKey(SECRET, number=1)
    sealed = root.seal(PLAIN, PLACE, suite=suite, number=3, nonce=bytes(12))
    assert root.open(sealed, PLACE, suite=suite, number=3) == PLAIN
    other_suite = Suite.AES if suite is Suite.SM4 else Suite.SM4
    for wrong, asked_suite, number in (
        (root, suite, 4),
        (root, other_suite, 3),
        (RootKey(SECRET, number=2), suite, 3),
        (RootKey(bytes(32), number=1), suite, 3),
    ):
        with pytest.raises(BrokenSeal):
            wrong.open(sealed, PLACE, suite=asked_suite, number=number)


GUARDED = [
    KEYS[Suite.AES],
    KEYS[Suite.SM4],
    FingerprintKey(SECRET, suite=Suite.SM4),
    RootKey(SECRET, number=1),
]


@pytest.mark.parametrize("key", GUARDED, ids=lambda key: type(key).__name__)
def test_keys_do_not_show_themselves_or_leave_the_process(key: object) -> None:
    shown = f"{key!r} {key!s}"
    assert shown == f"<{type(key).__name__}> <{type(key).__name__}>"
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(key)
    with pytest.raises(TypeError, match="does not leave"):
        copy.deepcopy(key)
