"""A league on an open platform: it opens and proves what it is asked, and seals and signs what it answers.

Its rows are a JSON text inside of the data now and then, its timestamps have 10, 13 or 14 digits, and every so often an
answer bears a signature that is not its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import msgspec

from gateway.model.clock import SHANGHAI
from gateway.sandbox.day_book import DayBook
from gateway.sandbox.national import encode
from gateway.sandbox.national_server import decoded, object_of
from gateway.sandbox.servers import Request, ServerReply
from gateway.sandbox.signing import (
    from_hex,
    open_platform_key,
    open_platform_signature,
    sm2_proves,
    sm4_opened,
    sm4_sealed,
)


class PlatformKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The app's id and secret, its public key, and the platform's own pair (private, public)."""

    app_id: str
    secret: str
    app_key: bytes
    own: tuple[bytes, bytes]


class OpenPlatformApp:
    """The platform without its port. `forged`: which of its answers bear a wrong signature."""

    def __init__(
        self, book: DayBook, keys: PlatformKeys, *, clock: Callable[[], float], forged: Iterable[int] = ()
    ) -> None:
        self.book, self._keys, self._clock = book, keys, clock
        self._forged = frozenset(forged)
        self._sm4 = open_platform_key(keys.app_id, keys.secret)
        self._answered = 0
        self._lock = threading.Lock()

    def point(self, request: Request) -> str:
        """Every message comes to one door."""
        return "list"

    def answer(self, request: Request) -> ServerReply:
        """The page of a day that is asked for."""
        message = object_of(decoded(request.body))
        asked = object_of(decoded(sm4_opened(self._sm4, from_hex(message.get("encData")))))
        if not sm2_proves(self._keys.app_key, message, asked, self._keys.secret):
            return ServerReply(body=encode({"code": "40002", "message": "验签失败", "success": False}))
        day = datetime.strptime(str(asked["day"]), "%Y%m%d").replace(tzinfo=SHANGHAI).date()
        return self.sealed(self.page_of(day, int(asked["pageNum"]), int(asked["pageSize"])))

    def page_of(self, day: date, page: int, size: int) -> dict[str, Any]:
        """One page of a day's rows; every other page writes them as a text."""
        rows = self.book.look(day)[(page - 1) * size : page * size]
        written: Any = encode(rows).decode() if (page + day.day) % 2 else rows
        return {"code": "0", "message": "success", "rows": written, "pageNum": page}

    def sealed(self, data: dict[str, Any]) -> ServerReply:
        """Data as an answer."""
        with self._lock:
            self._answered += 1
            number = self._answered
        now = self._clock()
        stamps = (f"{int(now)}", f"{int(now * 1000)}", f"{datetime.fromtimestamp(now, tz=SHANGHAI):%Y%m%d%H%M%S}")
        content = encode(data)
        message = {
            "code": 0,
            "message": "成功",
            "success": True,
            "appId": self._keys.app_id,
            "timestamp": stamps[number % 3],
            "encType": "SM4",
            "signType": "SM2",
            "encData": sm4_sealed(self._sm4, content).hex().upper(),
        }
        opened = msgspec.json.Decoder(float_hook=str).decode(content)
        signed = {**message, "timestamp": "0"} if number in self._forged else message
        message["signData"] = open_platform_signature(self._keys.own, signed, opened, self._keys.secret)
        return ServerReply(body=encode(message))
