"""HTTP answers → outcomes, Retry-After, quick retries and the pace, without a network."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.transport.http import (
    DELIVERIES,
    LONGEST_WAIT_SECONDS,
    QUESTIONS,
    HttpOutcome,
    Reply,
    answered,
    json_object,
    make_client,
    outcome_of,
    quick_retries,
    retry_after,
)
from gateway.errors import OutcomeUnknown, Refused, Unavailable

STATUSES = [
    (200, HttpOutcome.OK, HttpOutcome.OK),
    (204, HttpOutcome.OK, HttpOutcome.OK),
    (101, HttpOutcome.REFUSED, HttpOutcome.UNKNOWN),
    (300, HttpOutcome.REFUSED, HttpOutcome.UNKNOWN),
    (301, HttpOutcome.REFUSED, HttpOutcome.UNAVAILABLE),
    (302, HttpOutcome.REFUSED, HttpOutcome.UNKNOWN),
    (303, HttpOutcome.REFUSED, HttpOutcome.UNKNOWN),
    (307, HttpOutcome.REFUSED, HttpOutcome.UNAVAILABLE),
    (308, HttpOutcome.REFUSED, HttpOutcome.UNAVAILABLE),
    (400, HttpOutcome.REFUSED, HttpOutcome.REFUSED),
    (401, HttpOutcome.REFUSED, HttpOutcome.UNAVAILABLE),
    (404, HttpOutcome.REFUSED, HttpOutcome.REFUSED),
    (408, HttpOutcome.UNAVAILABLE, HttpOutcome.UNAVAILABLE),
    (409, HttpOutcome.REFUSED, HttpOutcome.CONFLICT),
    (422, HttpOutcome.REFUSED, HttpOutcome.REFUSED),
    (425, HttpOutcome.UNAVAILABLE, HttpOutcome.UNAVAILABLE),
    (429, HttpOutcome.UNAVAILABLE, HttpOutcome.UNAVAILABLE),
    (500, HttpOutcome.UNAVAILABLE, HttpOutcome.UNKNOWN),
    (502, HttpOutcome.UNAVAILABLE, HttpOutcome.UNKNOWN),
    (503, HttpOutcome.UNAVAILABLE, HttpOutcome.UNAVAILABLE),
    (504, HttpOutcome.UNAVAILABLE, HttpOutcome.UNKNOWN),
    (599, HttpOutcome.UNAVAILABLE, HttpOutcome.UNKNOWN),
    (999, HttpOutcome.REFUSED, HttpOutcome.UNKNOWN),
]


@pytest.mark.parametrize(("status", "question", "delivery"), STATUSES)
def test_what_a_status_means(status: int, question: HttpOutcome, delivery: HttpOutcome) -> None:
    assert outcome_of(status, QUESTIONS) is question
    assert outcome_of(status, DELIVERIES) is delivery


def test_a_good_answer_is_its_body() -> None:
    assert answered(Reply(status=200, headers={}, body=b"ok")) == b"ok"


def test_a_refused_question_names_the_status_and_nothing_of_the_body() -> None:
    with pytest.raises(Refused) as refused:
        answered(Reply(status=403, headers={}, body="张三无权限".encode()))
    assert refused.value.code == "http_403"
    assert "张三" not in str(refused.value)


def test_a_busy_far_side_says_when_to_come_back() -> None:
    with pytest.raises(Unavailable) as busy:
        answered(Reply(status=429, headers={"retry-after": "17"}, body=b""))
    assert busy.value.retry_after == 17


def test_an_answer_cut_at_the_limit_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="broken_reply"):
        answered(Reply(status=200, headers={}, body=b"x", whole=False))


DATE = formatdate(1_700_000_000, usegmt=True)
RETRY_AFTER = [
    ("0", 0.0),
    ("120", 120.0),
    (" 5 ", 5.0),
    ("999999999", LONGEST_WAIT_SECONDS),
    (formatdate(1_700_000_090, usegmt=True), 90.0),
    (formatdate(1_699_999_000, usegmt=True), 0.0),
    (formatdate(1_800_000_000, usegmt=True), LONGEST_WAIT_SECONDS),
    ("", None),
    ("-1", None),
    ("1.5", None),
    ("1e3", None),
    ("１２", None),
    ("0\x1f", None),
    ("soon", None),
    ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ("9" * 5000, None),
]


@pytest.mark.parametrize(("text", "seconds"), RETRY_AFTER)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(text, date=DATE) == seconds


def test_a_date_is_counted_from_our_clock_only_without_theirs() -> None:
    assert retry_after(formatdate(1_000_000_000, usegmt=True)) == 0.0


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_retry_after_is_a_bounded_wait_or_none(text: str) -> None:
    seconds = retry_after(text, date=text)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_SECONDS


JSON = [
    (b'{"a":1}', {"a": 1}),
    (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
    (b'{"amount":38.61000000000001}', {"amount": "38.61000000000001"}),
    ('{"n":"额'.encode()[:-1] + b'"}', {"n": "�"}),
    (b"", None),
    (b"null", None),
    (b"[1]", None),
    (b'"text"', None),
    (b'{"a":', None),
    (b'{"a":NaN}', None),
    (b"<html></html>", None),
    (b"[" * 100_000, None),
    (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, None),
    (b"\x00\xff\xfe", None),
]


@pytest.mark.parametrize(("body", "found"), JSON, ids=range(len(JSON)))
def test_a_json_object_or_nothing(body: bytes, found: dict[str, object] | None) -> None:
    assert json_object(body) == found


def tries_of(errors: list[Exception], tries: int) -> tuple[int, list[float], BaseException | None]:
    """How often a call that fails with these errors in turn is made, the waits between, what comes out."""
    waits: list[float] = []
    left = iter(errors)
    made = 0

    def call() -> str:
        nonlocal made
        made += 1
        for error in left:
            raise error
        return "done"

    retrying = quick_retries(tries, again=lambda error: type(error) is Unavailable, sleep=waits.append)
    try:
        assert retrying(call) == "done"
    except Unavailable as error:
        return made, waits, error
    return made, waits, None


def test_quick_retries_end_with_the_first_success() -> None:
    made, waits, error = tries_of([Unavailable("a"), Unavailable("b")], tries=3)
    assert (made, error) == (3, None)
    assert 0.2 <= waits[0] <= 0.3
    assert 0.4 <= waits[1] <= 0.6


def test_quick_retries_give_the_last_error() -> None:
    made, _, error = tries_of([Unavailable("a"), Unavailable("b"), Unavailable("c")], tries=2)
    assert (made, str(error)) == (2, "b")


def test_an_unknown_outcome_is_not_tried_again() -> None:
    made, waits, error = tries_of([OutcomeUnknown("?")], tries=3)
    assert (made, waits) == (1, [])
    assert isinstance(error, OutcomeUnknown)


def test_a_short_wait_is_waited_and_a_long_one_handed_on() -> None:
    assert tries_of([Unavailable("a", retry_after=3)], tries=2) == (2, [3.0], None)
    made, waits, error = tries_of([Unavailable("a", retry_after=60)], tries=2)
    assert (made, waits) == (1, [])
    assert isinstance(error, Unavailable)


def test_a_client_takes_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with make_client(timeout_seconds=5) as client:
        assert client.trust_env is False
        assert client.follow_redirects is False
        assert client._mounts == {}
        assert client.timeout.read == 5
