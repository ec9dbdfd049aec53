"""Signing keys with an end, HMAC and SM2: good through their last day in Shanghai, and no longer."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Any

import gmssl_pyx
import pytest

from connectors.transport import webhook, webhook_sm2
from gateway.errors import NotAuthentic, WrongUse
from gateway.model.clock import SHANGHAI
from gateway.model.dated_keys import dated_keys, ends
from gateway.sandbox.signing import sm2_is_authentic, webhook_is_authentic

OLD, NEW = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
(OLD_POINT, OLD_SM2), (NEW_POINT, NEW_SM2) = (gmssl_pyx.sm2_key_generate() for _ in range(2))
LAST_SECOND = int(datetime(2026, 3, 31, 23, 59, 59, tzinfo=SHANGHAI).timestamp())
ROTATING = f"{NEW} {OLD}@2026-03-31"


def signed(secret: str, at: int, body: bytes = b"{}") -> dict[str, str]:
    return webhook.sign(secret, message_id="m", timestamp=at, body=body)


def test_a_key_signs_through_its_last_day_in_shanghai() -> None:
    assert webhook_is_authentic(OLD, signed(ROTATING, LAST_SECOND), b"{}", now=LAST_SECOND)
    late = signed(ROTATING, LAST_SECOND + 1)
    assert not webhook_is_authentic(OLD, late, b"{}", now=LAST_SECOND + 1)
    assert webhook_is_authentic(NEW, late, b"{}", now=LAST_SECOND + 1)


def test_a_key_proves_through_its_last_day_and_no_longer() -> None:
    assert webhook.verify(ROTATING, signed(OLD, LAST_SECOND), b"{}", now=LAST_SECOND) == "m"
    with pytest.raises(NotAuthentic):
        webhook.verify(ROTATING, signed(OLD, LAST_SECOND + 1), b"{}", now=LAST_SECOND + 1)
    assert webhook.verify(ROTATING, signed(NEW, LAST_SECOND + 1), b"{}", now=LAST_SECOND + 1) == "m"


def test_with_no_key_left_nothing_is_signed() -> None:
    with pytest.raises(WrongUse):
        signed(f"{OLD}@2026-03-31", LAST_SECOND + 1)


@pytest.mark.parametrize("end", ["2026-3-31", "20260331", "2026-02-30", "", "2026-W14-2", "never"])
def test_an_end_is_a_date_or_refused_unseen(end: str) -> None:
    with pytest.raises(WrongUse) as refused:
        webhook.secret_keys(f"{OLD}@{end}")
    assert OLD not in str(refused.value)
    assert ends(f"{OLD}@{end}") == []


def test_only_keys_have_ends() -> None:
    assert ends(ROTATING) == [None, date(2026, 3, 31)]
    assert ends("a password@2026-03-31") == []
    assert ends(OLD) == []
    assert OLD not in repr(dated_keys(ROTATING))


# ── SM2 ──


def private(*keys: Any) -> str:
    return " ".join(key.hex() for key in keys)


def test_both_keys_of_a_rotation_sign_and_the_other_side_proves_by_itself() -> None:
    headers = webhook_sm2.sign(private(NEW_SM2, OLD_SM2), message_id="m", timestamp=LAST_SECOND, body=b"{}")
    text = f"m.{LAST_SECOND}.".encode() + b"{}"
    signatures = headers["webhook-signature"].split(" ")
    for signature, point in zip(signatures, (NEW_POINT, OLD_POINT), strict=True):
        assert signature.startswith("v1sm2,")
        assert sm2_is_authentic(point, text, base64.b64decode(signature.removeprefix("v1sm2,")))


def test_sm2_proves_who_signed_what_and_when() -> None:
    headers = webhook_sm2.sign(private(OLD_SM2), message_id="m", timestamp=LAST_SECOND, body=b"{}")
    assert webhook_sm2.verify(private(NEW_POINT, OLD_POINT), headers, b"{}", now=LAST_SECOND) == "m"
    forged = [
        (private(NEW_POINT), headers, b"{}", LAST_SECOND),
        (private(OLD_POINT), headers, b"{ }", LAST_SECOND),
        (private(OLD_POINT), headers | {"webhook-id": "n"}, b"{}", LAST_SECOND),
        (private(OLD_POINT), headers, b"{}", LAST_SECOND + 301),
        (private(OLD_POINT) + "@2026-03-31", headers, b"{}", LAST_SECOND + 1),
        (private(OLD_POINT), headers | {"webhook-signature": "v1sm2,?? v1sm2, v1,x"}, b"{}", LAST_SECOND),
    ]
    for secret, changed, body, now in forged:
        with pytest.raises(NotAuthentic):
            webhook_sm2.verify(secret, changed, body, now=now)


def test_an_sm2_key_past_its_end_signs_nothing() -> None:
    secret = f"{private(NEW_SM2)} {private(OLD_SM2)}@2026-03-31"
    headers = webhook_sm2.sign(secret, message_id="m", timestamp=LAST_SECOND + 1, body=b"{}")
    assert len(headers["webhook-signature"].split(" ")) == 1
    with pytest.raises(WrongUse):
        webhook_sm2.sign(private(OLD_SM2) + "@2026-03-31", message_id="m", timestamp=LAST_SECOND + 1, body=b"{}")


@pytest.mark.parametrize("secret", ["", "hunter2", OLD])
def test_what_is_no_sm2_key_is_found_at_the_start(secret: str) -> None:
    for read in (webhook_sm2.private_keys, webhook_sm2.public_keys):
        with pytest.raises(WrongUse):
            read(secret)
