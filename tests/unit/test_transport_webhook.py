"""Standard Webhooks, held against the published library and against what a forger could send."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from connectors.transport import webhook
from gateway.errors import NotAuthentic, WrongUse

NOW = 1_700_000_000
BODY = '{"type":"settlement.batch","说明":"测试"}'.encode()


def secret(seed: int) -> str:
    return "whsec_" + base64.b64encode(bytes([seed]) * 32).decode()


OURS, THEIRS = secret(1), secret(2)


def signed(**changed: str) -> dict[str, str]:
    headers = webhook.sign(OURS, message_id="msg_1", timestamp=NOW, body=BODY)
    return {**headers, **{f"webhook-{name}": value for name, value in changed.items()}}


@settings(max_examples=60, deadline=None)
@given(
    key=st.binary(min_size=24, max_size=64),
    message_id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    timestamp=st.integers(min_value=0, max_value=4_000_000_000),
    text=st.text(max_size=200),
)
def test_signs_as_the_published_library_does(key: bytes, message_id: str, timestamp: int, text: str) -> None:
    written = "whsec_" + base64.b64encode(key).decode()
    body = text.encode("utf-8", "replace")
    headers = webhook.sign(written, message_id=message_id, timestamp=timestamp, body=body)
    instant = datetime.fromtimestamp(timestamp, tz=UTC)
    assert headers["webhook-signature"] == Webhook(written).sign(message_id, instant, body.decode())
    assert headers["webhook-timestamp"] == str(timestamp)
    assert webhook.verify(written, headers, body, now=timestamp) == message_id


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300), other=st.binary(max_size=300))
def test_a_changed_body_proves_nothing(body: bytes, other: bytes) -> None:
    headers = webhook.sign(OURS, message_id="msg_1", timestamp=NOW, body=body)
    assert webhook.verify(OURS, headers, body, now=NOW) == "msg_1"
    if other != body:
        with pytest.raises(NotAuthentic):
            webhook.verify(OURS, headers, other, now=NOW)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_window_includes_its_ends(seconds: int) -> None:
    assert webhook.verify(OURS, signed(), BODY, now=NOW + seconds) == "msg_1"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_outside_the_window_nothing_is_proved(seconds: int) -> None:
    with pytest.raises(NotAuthentic):
        webhook.verify(OURS, signed(), BODY, now=NOW + seconds)


def test_while_a_secret_is_rotated_either_one_proves() -> None:
    both = webhook.sign(f"{THEIRS} {OURS}", message_id="m", timestamp=NOW, body=BODY)
    assert len(both["webhook-signature"].split(" ")) == 2
    for receiver in (OURS, THEIRS, f"{secret(3)} {THEIRS}"):
        assert webhook.verify(receiver, both, BODY, now=NOW) == "m"


def test_signatures_of_kinds_we_do_not_know_are_passed_over() -> None:
    mixed = "v1a,AAAA garbage v1, " + signed()["webhook-signature"]
    assert webhook.verify(OURS, signed(signature=mixed), BODY, now=NOW) == "msg_1"


FORGED = {
    "another secret": webhook.sign(THEIRS, message_id="msg_1", timestamp=NOW, body=BODY),
    "another id": signed(id="msg_2"),
    "an id with a line feed": signed(id="msg_1\n"),
    "an empty id": signed(id=""),
    "an endless id": signed(id="m" * 257),
    "another time": signed(timestamp=str(NOW - 1)),
    "a fraction of a second": signed(timestamp=f"{NOW}.0"),
    "a signed time": signed(timestamp=f"+{NOW}"),
    "no time": signed(timestamp=""),
    "an endless time": signed(timestamp="9" * 5000),
    "no signature": signed(signature=""),
    "a version without signature": signed(signature="v1,"),
    "no version": signed(signature=signed()["webhook-signature"].removeprefix("v1,")),
    "a later version": signed(signature=signed()["webhook-signature"].replace("v1,", "v2,")),
    "not base64": signed(signature="v1,签名"),
    "a lone surrogate": signed(signature="v1,\udc80"),
    "the right one behind too many": signed(signature="v1,A " * 16 + signed()["webhook-signature"]),
    "no headers": {},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED.keys())
def test_nothing_else_proves_the_sender(headers: dict[str, str]) -> None:
    with pytest.raises(NotAuthentic, match="not authentic"):
        webhook.verify(OURS, headers, BODY, now=NOW)


@pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
def test_every_header_is_needed(name: str) -> None:
    headers = signed()
    del headers[f"webhook-{name}"]
    with pytest.raises(NotAuthentic):
        webhook.verify(OURS, headers, BODY, now=NOW)


WRONG_SECRETS = [
    "",
    "   ",
    "whsec_",
    "whsec_!!!!",
    "hunter2",
    "whsec_" + base64.b64encode(b"x" * 23).decode(),
]


@pytest.mark.parametrize("text", [*WRONG_SECRETS, "whsec_" + base64.b64encode(b"x" * 65).decode()])
def test_a_secret_of_another_form_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(WrongUse) as refused:
        webhook.secret_keys(text)
    shown = str(refused.value).replace("whsec_ ", "")
    assert not text.strip() or text not in shown
