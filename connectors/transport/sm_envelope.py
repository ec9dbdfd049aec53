"""Bodies sealed to another party's SM2 key: an SM4-GCM text under a key of its own, which an SM2 envelope holds.

`{"alg": "SM2", "enc": "SM4-GCM", "kid": …, "cty": …, "key": …, "iv": …, "data": …}`: `key` is the SM2 envelope (GM/T
0009, ASN.1, C1 C3 C2) of the 16 bytes of the SM4 key, `data` the sealed text with its tag of 16 bytes behind (GB/T
36624), all in Base64; `kid` the first 16 hex digits of the SM3 of the public key's 64 bytes. What is authenticated
beside the text is `alg.enc.kid.cty`. Ours is the form; both sides must agree on it.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

import msgspec

from connectors.transport import sm
from gateway.errors import NotAuthentic

MEDIA_TYPE: Final = "application/vnd.hubao.sm+json"
_KEY_BYTES, _IV_BYTES = 16, 12


class SmEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed body as it is written."""

    alg: str
    enc: str
    kid: str
    cty: str
    key: str
    iv: str
    data: str

    def beside(self) -> bytes:
        """What is authenticated beside the text."""
        return f"{self.alg}.{self.enc}.{self.kid}.{self.cty}".encode()


def key_id(key: sm.PublicKey) -> str:
    """How an envelope names the key it is sealed to."""
    return sm.sm3(key.point).hex()[:16]


class SmSealer:
    """Seals to one SM2 key. See `gateway.ports.BodySealer`."""

    media_type = MEDIA_TYPE
    suffix = ".sm.json"

    def __init__(self, public_key: str) -> None:
        self._key = sm.read_public_key(public_key)

    def seal(self, plain: bytes, *, content_type: str) -> bytes:
        """The body as an envelope in JSON."""
        secret, iv = os.urandom(_KEY_BYTES), os.urandom(_IV_BYTES)
        empty = SmEnvelope(alg="SM2", enc="SM4-GCM", kid=key_id(self._key), cty=content_type, key="", iv="", data="")
        text = sm.sm4_gcm_seal(secret, iv, plain, empty.beside())
        envelope = msgspec.structs.replace(
            empty, key=_base64(sm.encrypt(self._key, secret)), iv=_base64(iv), data=_base64(text)
        )
        return msgspec.json.encode(envelope)

    def as_json(self, sealed: bytes) -> bytes:
        """An envelope inside a JSON document: an object."""
        return sealed


def open_envelope(key: sm.PrivateKey, sealed: bytes) -> bytes:
    """What `SmSealer` sealed. Raises NotAuthentic, whatever is wrong with it."""
    try:
        envelope = msgspec.json.decode(sealed, type=SmEnvelope)
        secret = sm.decrypt(key, base64.b64decode(envelope.key, validate=True))
        iv, text = (base64.b64decode(part, validate=True) for part in (envelope.iv, envelope.data))
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise NotAuthentic("envelope") from None
    return sm.sm4_gcm_open(secret, iv, text, envelope.beside())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
