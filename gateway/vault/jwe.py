"""Bodies sealed to another party's public key as JWE (RFC 7516), so that nothing between can read them.

The key is agreed anew for every body (ECDH-ES with AES key wrap, RFC 7518 §4.6; RSA-OAEP-256 for RSA keys, RFC 7518
§4.3) and the body sealed with AES-256-GCM, in the compact form. The same body sealed twice is two texts: whoever
compares what came, compares what was opened.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.errors import BrokenSeal, WrongUse

MEDIA_TYPE: Final = "application/jose"
_ENCRYPTION: Final = "A256GCM"
_AGREED: Final = "ECDH-ES+A256KW"
_WRAPPED: Final = "RSA-OAEP-256"
_SHORTEST_RSA: Final = 2048
_CURVES: Final = ("P-256", "P-384", "P-521", "X25519")
_LONGEST: Final = 64 * 1024 * 1024


def read_public_key(text: str) -> Any:
    """A public key in PEM or as a JWK: an EC key, X25519, or RSA with 2048 bits or more. Raises WrongUse."""
    # The library takes its time to load, and few commands seal anything to others.
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey, import_key

    try:
        key = import_key(text.strip() if "BEGIN" in text else _jwk(text), None if "BEGIN" not in text else _kind(text))
    except (JoseError, ValueError, TypeError, KeyError):
        raise WrongUse("不是 PEM 或 JWK 公钥（EC、X25519、RSA） (no public key in PEM or JWK)") from None
    if key.is_private:
        raise WrongUse("这是私钥；对方只应给公钥，请更换 (a private key: the other side must give its public one)")
    supported = key.raw_value.key_size >= _SHORTEST_RSA if isinstance(key, RSAKey) else key.get("crv") in _CURVES
    if not supported:
        raise WrongUse("密钥太短或曲线不支持 (too short, or a curve that is not supported)")
    return key


def _jwk(text: str) -> dict[str, Any]:
    import msgspec

    return dict(msgspec.json.decode(text.encode(), type=dict[str, Any]))


def _kind(text: str) -> Any:
    """What kind of key a PEM holds; the library wants to be told."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    pem = text.strip().encode()
    key = load_pem_private_key(pem, None) if "PRIVATE" in text else load_pem_public_key(pem)
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return "RSA"
    return "EC" if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) else "OKP"


class JweSealer:
    """Seals to one public key. See `gateway.ports.BodySealer`."""

    media_type = MEDIA_TYPE
    suffix = ".jwe"

    def __init__(self, public_key: str) -> None:
        self._key = read_public_key(public_key)
        self._key_id = self._key.thumbprint()
        self._algorithm = _WRAPPED if self._key.key_type == "RSA" else _AGREED

    def seal(self, plain: bytes, *, content_type: str) -> bytes:
        """The body as a compact JWE; its header names the key by its thumbprint (RFC 7638) and the content's type."""
        from joserfc import jwe

        header = {"alg": self._algorithm, "enc": _ENCRYPTION, "kid": self._key_id, "cty": content_type}
        sealed: str = jwe.encrypt_compact(header, plain, self._key, algorithms=[self._algorithm, _ENCRYPTION])
        return sealed.encode("ascii")

    def as_json(self, sealed: bytes) -> bytes:
        """A compact JWE inside a JSON document: a string."""
        return b'"' + sealed + b'"'


def open_jwe(private_key: str, sealed: bytes) -> bytes:
    """What `JweSealer` sealed, with the private key (PEM). Raises BrokenSeal, whatever is wrong with it."""
    from joserfc import jwe
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    if len(sealed) > _LONGEST:
        raise BrokenSeal
    key = import_key(private_key.strip(), _kind(private_key))
    algorithm = _WRAPPED if key.key_type == "RSA" else _AGREED
    try:
        plain = jwe.decrypt_compact(sealed, key, algorithms=[algorithm, _ENCRYPTION]).plaintext
    except (JoseError, ValueError, TypeError, KeyError):
        raise BrokenSeal from None
    if plain is None:
        raise BrokenSeal
    return plain
