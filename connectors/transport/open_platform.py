"""The open-platform envelope (移动支付、电子凭证、处方流转): business data under SM4, all of it signed with SM2.

    {"appId", "version", "encType": "SM4", "signType": "SM2", "timestamp", "encData", "signData"}

The signature is over the open data, before SM4 covers it: the top-level fields but `signData`, `encData` and `extra`,
empty ones left out, sorted by name and joined with `&`; `data` as compact JSON with its keys sorted and what is
empty left out; behind it `&key=` and the app's secret.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from connectors.transport import sm
from connectors.transport.watching import SECRET_SIGN, note_signed
from gateway.errors import NotAuthentic, WrongUse

_KEY_LENGTH: Final = 16
_UNSIGNED: Final = frozenset(("signData", "encData", "extra"))
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_DEEPEST: Final = 64


class OpenApp(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform gave us: the app's id and secret, our private key, its public key."""

    app_id: str
    secret: str
    key: sm.PrivateKey
    platform_key: sm.PublicKey
    id_field: str = "appId"
    user_id: str = sm.DEFAULT_USER_ID
    form: sm.SignatureForm = "raw"
    escaped: bool = False
    """Whether signs outside of ASCII are written as `\\uXXXX` before SM4 (some portals)."""

    def __repr__(self) -> str:
        return "OpenApp(…)"


def derived_key(app_id: str, secret: str) -> bytes:
    """The SM4 key of an app, 16 ASCII bytes: of its secret under the beginning of its id. Raises WrongUse."""
    first = app_id.encode()[:_KEY_LENGTH]
    if len(first) != _KEY_LENGTH or not secret:
        raise WrongUse("appId 至少 16 字节，appSecret 不可为空 (an app id: 16 bytes at least; a secret)")
    return sm.sm4_encrypt(first, secret.encode()).hex().upper()[:_KEY_LENGTH].encode()


def text_to_sign(fields: Mapping[str, Any], secret: str) -> str:
    """What is signed of an open message."""
    parts = []
    for name, value in sorted(fields.items()):
        if name not in _UNSIGNED and value not in _EMPTY:
            plain = _plain(value, 0)
            parts.append(f"{name}={plain if isinstance(plain, str) else _compact(plain).decode()}")
    return "&".join([*parts, f"key={secret}"])


def _plain(value: Any, depth: int) -> Any:
    """A value as it is signed: keys sorted, empty members left out, numbers and truth values as text."""
    if depth > _DEEPEST:
        raise NotAuthentic("depth")
    if isinstance(value, Mapping):
        inside = {name: _plain(value[name], depth + 1) for name in sorted(value) if value[name] not in _EMPTY}
        return {name: member for name, member in inside.items() if member not in _EMPTY}
    if isinstance(value, list):
        return [_plain(member, depth + 1) for member in value if member not in _EMPTY]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


_compact = msgspec.json.encode


def seal(app: OpenApp, fields: Mapping[str, Any], data: Mapping[str, Any]) -> bytes:
    """The bytes of one message: `fields` go open beside the id, `data` under SM4."""
    message = {app.id_field: app.app_id, **fields, "encType": "SM4", "signType": "SM2"}
    text = text_to_sign({**message, "data": data}, app.secret)
    note_signed(text.removesuffix(app.secret) + SECRET_SIGN)
    signature = sm.sign(app.key, text.encode(), user_id=app.user_id, form=app.form)
    content = _compact(data)
    if app.escaped:
        content = json.dumps(msgspec.to_builtins(data), separators=(",", ":")).encode()
    sealed = sm.sm4_encrypt(derived_key(app.app_id, app.secret), content)
    return _compact(
        {**message, "encData": sealed.hex().upper(), "signData": base64.b64encode(signature).decode("ascii")}
    )


def open_data(app: OpenApp, message: Mapping[str, Any]) -> tuple[bytes, Any]:
    """The data of a message as its bytes and as a value (text inside of text opened once), its sender proved.

    Raises NotAuthentic for whatever is wrong with it.
    """
    try:
        sealed = binascii.unhexlify(str(message.get("encData") or ""))
        signature = base64.b64decode(str(message.get("signData") or ""), validate=True)
        content = sm.sm4_decrypt(derived_key(app.app_id, app.secret), sealed)
        # A platform signs what it sent; an amount must be text here as it is there, so no float is made of it.
        data = _JSON.decode(content)
        if isinstance(data, str):
            content = data.encode()
            data = _JSON.decode(content)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise NotAuthentic("message") from None
    text = text_to_sign({**message, "data": data}, app.secret)
    sm.verify(app.platform_key, text.encode("utf-8", "replace"), signature, user_id=app.user_id, form=app.form)
    return content, data


_JSON: Final = msgspec.json.Decoder(float_hook=str)
