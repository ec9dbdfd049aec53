"""Whether something listens at a port, and calls of libraries that know no time-out, held to one."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from gateway.errors import Unavailable

T = TypeVar("T")

PROBE_SECONDS: Final = 5.0


def endpoint_of(text: str) -> tuple[str, int]:
    """`host:port` → both."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def nothing_listens(host: str, port: int, *, timeout_seconds: float = PROBE_SECONDS) -> list[str]:
    """What is wrong where no connection to a port comes about; empty where one does."""
    try:
        socket.create_connection((host, port), timeout=timeout_seconds).close()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [f"{host}:{port} 无应答，请检查地址和防火墙 (nothing answers: check address and firewall): {reason}"]
    return []


def within(seconds: float, call: Callable[[], T], *, name: str) -> T:
    """What a call returns, if it does so in time. Raises Unavailable otherwise; the call is then left to itself, and
    what it still brings is dropped. For libraries whose own time-outs begin anew with every byte, or are not there."""
    results: queue.Queue[tuple[bool, object]] = queue.Queue(1)

    def run() -> None:
        try:
            outcome: tuple[bool, object] = (True, call())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised again where the call was made.
            outcome = (False, error)
        with suppress(queue.Full):
            results.put_nowait(outcome)

    threading.Thread(target=run, name=f"within-{name}", daemon=True).start()
    try:
        is_good, value = results.get(timeout=seconds)
    except queue.Empty:
        raise Unavailable(f"{name}: {seconds:g}秒内没有答完 (no answer in time)") from None
    if isinstance(value, BaseException) and not is_good:
        raise value
    return value  # type: ignore[return-value]
