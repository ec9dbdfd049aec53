"""`x-tif-*` request signing of the government gateways in front of the 医保 platform.

The signature is hex(SHA-256(timestamp + secret + nonce + timestamp)), timestamp in Unix seconds. The body is
not covered: it proves who calls, not what is said, so such a line belongs inside TLS or the 医保专网.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from connectors.transport.watching import SECRET_SIGN, note_signed
from gateway.errors import NotAuthentic

TOLERANCE_SECONDS: Final = 300
"""How far a caller's clock may be from ours, either way."""

_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def signature(secret: str, *, timestamp: int, nonce: str) -> str:
    """The lower-case hex signature for this instant (Unix seconds) and nonce."""
    text = f"{timestamp}{secret}{nonce}{timestamp}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sign(paas_id: str, secret: str, *, timestamp: int, nonce: str) -> dict[str, str]:
    """The four headers of one call. `timestamp` in Unix seconds; the nonce must be new for every call."""
    note_signed(f"{timestamp}{SECRET_SIGN}{nonce}{timestamp}")
    return {
        "x-tif-paasid": paas_id,
        "x-tif-timestamp": str(timestamp),
        "x-tif-nonce": nonce,
        "x-tif-signature": signature(secret, timestamp=timestamp, nonce=nonce),
    }


def verify(
    headers: Mapping[str, str], *, paas_id: str, secret: str, now: int, tolerance: int = TOLERANCE_SECONDS
) -> None:
    """Prove that a call came from `paas_id` within `tolerance` seconds of `now`. Raises NotAuthentic."""
    lowered = {name.lower(): value for name, value in headers.items()}
    seconds, nonce = lowered.get("x-tif-timestamp", ""), lowered.get("x-tif-nonce", "")
    if not nonce or not _SECONDS.fullmatch(seconds) or abs(now - int(seconds)) > tolerance:
        raise NotAuthentic
    expected = f"{paas_id} {signature(secret, timestamp=int(seconds), nonce=nonce)}"
    # Some gateways of this family write the hex in capitals.
    received = f"{lowered.get('x-tif-paasid', '')} {lowered.get('x-tif-signature', '').lower()}"
    if not hmac.compare_digest(expected.encode("utf-8"), received.encode("utf-8", "surrogatepass")):
        raise NotAuthentic
