"""国密 against the vectors of its standards, and the two signing schemes of 医保 gateways against theirs."""

from __future__ import annotations

import base64
import json
from typing import Any

import gmssl_pyx
import msgspec
import pytest

from connectors.transport import cainfo, open_platform, sm
from gateway.errors import NotAuthentic, WrongUse

# GB/T 32918.5-2017, appendices A and C: the keys and the examples of the recommended curve.
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SIGNED = (
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
KEY = sm.read_private_key(PRIVATE)
OTHER = sm.read_private_key("01" * 32)


def test_a_private_key_has_the_public_key_of_the_standard() -> None:
    assert KEY.public.point.hex().upper() == PUBLIC
    for _ in range(3):
        public, private = gmssl_pyx.sm2_key_generate()
        assert sm.read_private_key(private.hex()).public.point == public


def test_the_signature_of_the_standard() -> None:
    sm.verify(sm.read_public_key(PUBLIC), b"message digest", bytes.fromhex(SIGNED))


@pytest.mark.parametrize("form", ["raw", "der"])
@pytest.mark.parametrize("user_id", [sm.DEFAULT_USER_ID, "league@150600"])
def test_a_signature_proves_who_and_what(form: Any, user_id: str) -> None:
    signature = sm.sign(KEY, "结算".encode(), user_id=user_id, form=form)
    assert (len(signature) == 64) == (form == "raw")
    sm.verify(KEY.public, "结算".encode(), signature, user_id=user_id, form=form)
    for key, message, who, shape in (
        (OTHER.public, "结算", user_id, form),
        (KEY.public, "结算 ", user_id, form),
        (KEY.public, "结算", "another", form),
        (KEY.public, "结算", user_id, "der" if form == "raw" else "raw"),
    ):
        with pytest.raises(NotAuthentic):
            sm.verify(key, message.encode(), signature, user_id=who, form=shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, b"\x30\x00", bytes.fromhex(SIGNED) + b"\x00"])
@pytest.mark.parametrize("form", ["raw", "der"])
def test_what_is_no_signature_is_always_the_same_refusal(signature: bytes, form: Any) -> None:
    with pytest.raises(NotAuthentic, match=r"^message is not authentic"):
        sm.verify(KEY.public, b"message digest", signature, form=form)


def test_an_envelope_opens_with_its_own_key_only() -> None:
    sealed = sm.encrypt(KEY.public, b"EXAMPLEAPPSECRET")
    assert sm.decrypt(KEY, sealed) == b"EXAMPLEAPPSECRET"
    for key, damaged in ((OTHER, sealed), (KEY, sealed[:-1] + bytes([sealed[-1] ^ 1])), (KEY, b""), (KEY, bytes(400))):
        with pytest.raises(NotAuthentic):
            sm.decrypt(key, damaged)
    for plain in (b"", bytes(256)):
        with pytest.raises(ValueError, match="1 to 255"):
            sm.encrypt(KEY.public, plain)


@pytest.mark.parametrize(
    "text",
    [PRIVATE, PRIVATE.lower(), f" {PRIVATE}\n", base64.b64encode(bytes.fromhex(PRIVATE)).decode(),
     base64.b64encode(b"\x00" + bytes.fromhex(PRIVATE)).decode()],
)  # fmt: skip
def test_ways_to_write_a_private_key(text: str) -> None:
    assert sm.read_private_key(text) == KEY


def test_ways_to_write_a_public_key() -> None:
    for text in (PUBLIC, f"04{PUBLIC}", base64.b64encode(bytes.fromhex(f"04{PUBLIC}")).decode()):
        assert sm.read_public_key(text) == KEY.public


@pytest.mark.parametrize(
    "text", ["", "hunter2", "00" * 32, "FF" * 32, PRIVATE[:-2], PRIVATE + "00", "测试", f"00{'00' * 32}"]
)
def test_what_is_no_private_key(text: str) -> None:
    with pytest.raises(WrongUse, match="SM2 私钥") as refused:
        sm.read_private_key(text)
    assert text not in str(refused.value) or not text


@pytest.mark.parametrize("text", ["", PRIVATE, PUBLIC[:-2] + "14", "00" * 64, f"05{PUBLIC}", f"04{PUBLIC}00"])
def test_what_is_no_public_key(text: str) -> None:
    with pytest.raises(WrongUse, match="SM2 公钥"):
        sm.read_public_key(text)


def test_a_private_key_is_not_shown() -> None:
    assert PRIVATE.lower() not in repr(KEY).lower()


def test_sm3_and_sm4_of_their_standards() -> None:
    assert sm.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    # One block of the standard; the second is the padding of an even text.
    assert sm.sm4_encrypt(block, block)[:16].hex() == "681edf34d206965e86b3e94f536e4246"
    assert sm.sm4_decrypt(block, sm.sm4_encrypt(block, b"x" * 33)) == b"x" * 33


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(15), bytes(16), bytes(32)])
def test_what_does_not_open_under_sm4(sealed: bytes) -> None:
    with pytest.raises(NotAuthentic):
        sm.sm4_decrypt(b"0123456789abcdef", sealed)


# ── cainfo ──

ENVELOPE = {
    "infno": "5203",
    "msgid": "H15010200001202401011200000001",
    "mdtrtarea_admvs": "150100",
    "insuplc_admdvs": "150100",
    "recer_sys_code": "MBS_LOCAL",
    "cainfo": "",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "op1",
    "opter_name": "测试",
    "inf_time": "2024-01-01 12:00:00",
    "fixmedins_code": "H15010200001",
    "fixmedins_name": "示例医院",
    "sign_no": "100001",
    "input": {"data": {"psn_no": "1"}},
}


def test_the_text_and_digest_of_a_national_envelope() -> None:
    assert cainfo.text_to_sign(ENVELOPE) == (
        "fixmedins_code=H15010200001&fixmedins_name=示例医院&inf_time=2024-01-01 12:00:00&infno=5203&infver=V1.0"
        "&insuplc_admdvs=150100&mdtrtarea_admvs=150100&msgid=H15010200001202401011200000001&opter=op1"
        "&opter_name=测试&opter_type=1&recer_sys_code=MBS_LOCAL&sign_no=100001"
    )
    assert cainfo.digest(ENVELOPE) == "67F0AF3EB9C9EF4C3049F12B4088ED00208659F287366C9EBE5C21E906F744D5"
    assert cainfo.text_to_sign({"b": None, "a": 0, "B": ""}) == "B=&a=0&b="


@pytest.mark.parametrize("form", ["raw", "der"])
def test_a_signed_envelope(form: Any) -> None:
    signed = ENVELOPE | {"cainfo": cainfo.sign(KEY, ENVELOPE, form=form)}
    cainfo.verify(KEY.public, signed, form=form)
    cainfo.verify(KEY.public, signed | {"input": "another"}, form=form)
    for changed in ({"infno": "5204"}, {"cainfo": ""}, {"cainfo": "测试"}, {"cainfo": None}, {"more": "1"}):
        with pytest.raises(NotAuthentic):
            cainfo.verify(KEY.public, signed | changed, form=form)


def test_an_envelope_with_a_digest() -> None:
    cainfo.verify_digest(ENVELOPE | {"cainfo": cainfo.digest(ENVELOPE).lower()})
    for text in ("", "0" * 64, None, "\udcff"):
        with pytest.raises(NotAuthentic):
            cainfo.verify_digest(ENVELOPE | {"cainfo": text})


# ── the open platform ──

APP_ID, APP_SECRET = "EXAMPLEAPPID00000000000000000001", "EXAMPLEAPPSECRET0000000000000001"
DATA = {"psnNo": "P0001", "userName": "测试"}
APP = open_platform.OpenApp(app_id=APP_ID, secret=APP_SECRET, key=KEY, platform_key=KEY.public)


def test_the_key_that_comes_of_an_app() -> None:
    step = sm.sm4_encrypt(APP_ID[:16].encode(), APP_SECRET.encode()).hex().upper()
    assert step == ("14E0D3D81A95D1B678263035A8B3A1DE9443C183786A2189DB3EA6A3AA3E26DA91B4CA63AE581327F98662F5D26328E7")
    assert open_platform.derived_key(APP_ID, APP_SECRET) == b"14E0D3D81A95D1B6"


def test_the_sealed_data_of_a_message() -> None:
    message = json.loads(open_platform.seal(APP, {"version": "2.0", "timestamp": "20240101120000"}, DATA))
    assert message["encData"] == (
        "D28B8611BBB80D29B6B36256ABB1A1E36A1A3B9409EA5F5AE868BC5EB17D783A92E581B07711A582FCD636E97EC4EB72"
    )
    assert (message["encType"], message["signType"], message["appId"]) == ("SM4", "SM2", APP_ID)
    assert len(base64.b64decode(message["signData"])) == 64
    assert open_platform.open_data(APP, message) == (
        json.dumps(DATA, ensure_ascii=False, separators=(",", ":")).encode(),
        DATA,
    )


def test_what_is_signed_of_a_message() -> None:
    fields = {
        "appId": "A",
        "version": "1",
        "extra": "x",
        "signData": "x",
        "encData": "x",
        "nothing": "",
        "data": {
            "b": {"z": 1, "a": True, "n": None, "e": []},
            "a": "1.50",
            "list": [{"y": 2, "x": ""}],
            "void": {"v": ""},
        },
    }
    assert open_platform.text_to_sign(fields, "S") == (
        'appId=A&data={"a":"1.50","b":{"a":"true","z":"1"},"list":[{"y":"2"}]}&version=1&key=S'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"signData": ""},
        {"signData": "!"},
        {"signData": base64.b64encode(bytes(64)).decode()},
        {"encData": ""},
        {"encData": "zz"},
        {"encData": "00" * 16},
        {"timestamp": "20240101120001"},
        {"code": "0"},
    ],
)
def test_a_message_that_proves_nothing(changed: dict[str, Any]) -> None:
    message = json.loads(open_platform.seal(APP, {"version": "2.0", "timestamp": "20240101120000"}, DATA))
    with pytest.raises(NotAuthentic):
        open_platform.open_data(APP, message | changed)


def test_a_text_inside_of_a_text_is_opened_once() -> None:
    inside = sm.sm4_encrypt(open_platform.derived_key(APP_ID, APP_SECRET), json.dumps('{"a":1.50}').encode())
    text = open_platform.text_to_sign({"appId": APP_ID, "data": {"a": "1.50"}}, APP_SECRET)
    message = {
        "appId": APP_ID,
        "encData": inside.hex(),
        "signData": base64.b64encode(sm.sign(KEY, text.encode())).decode(),
    }
    assert open_platform.open_data(APP, message) == (b'{"a":1.50}', {"a": "1.50"})


def test_signs_outside_of_ascii_may_be_escaped() -> None:
    app = msgspec.structs.replace(APP, escaped=True)
    message = json.loads(open_platform.seal(app, {"version": "2.0"}, {"name": "测𠮷"}))
    assert open_platform.open_data(app, message) == (b'{"name":"\\u6d4b\\ud842\\udfb7"}', {"name": "测𠮷"})


@pytest.mark.parametrize(("app_id", "secret"), [("short", "x"), ("", ""), (APP_ID, "")])
def test_an_app_that_can_have_no_key(app_id: str, secret: str) -> None:
    with pytest.raises(WrongUse, match="appId"):
        open_platform.derived_key(app_id, secret)
