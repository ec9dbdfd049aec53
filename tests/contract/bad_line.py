"""A line between a connector and a real server that carries, hangs, drips or breaks, as it is told."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

Mood = Literal["carry", "hang", "drip", "cut"]


class BadLine:
    """A TCP line to `host:port`. `mood` may change at any time; `cut_after`: so many bytes of answers, then the line
    drops once; a cut line is whole again for the next connection."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self.mood: Mood = "carry"
        self.cut_after: int | None = None
        self.carried = 0
        self._closing = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.1)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join(5)
        self._listening.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                near, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(self._far) as far:
            asking = threading.Thread(target=self._pump, args=(near, far, False), daemon=True)
            asking.start()
            self._pump(far, near, True)
            with suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)

    def _pump(self, source: socket.socket, target: socket.socket, are_answers: bool) -> None:
        with suppress(OSError):
            while not self._closing.is_set() and (content := source.recv(65536)):
                if self.mood == "hang":
                    self._closing.wait(20)
                    return
                if self.mood == "drip" and are_answers:
                    for byte in content:
                        target.sendall(bytes([byte]))
                        if self._closing.wait(0.05) or self.mood != "drip":
                            return
                    continue
                target.sendall(content)
                self.carried += len(content) if are_answers else 0
                if self.cut_after is not None and self.carried >= self.cut_after:
                    self.cut_after = None
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def until(condition: object, *, seconds: float = 5.0) -> None:
    """Wait for a condition that another thread brings about."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
