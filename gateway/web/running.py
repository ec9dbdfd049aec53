"""A web server in a thread of this process, for the demo and for tests: listens when `start` returns."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import uvicorn

from gateway.errors import Unavailable
from gateway.web.connections import server_for

_START_SECONDS = 10.0


class Running:
    """A running server; `address` is where it listens."""

    def __init__(self, server: uvicorn.Server, thread: threading.Thread, address: str) -> None:
        self.address = address
        self._server, self._thread = server, thread

    @classmethod
    def start(cls, app: Any, *, host: str = "127.0.0.1", port: int = 0) -> Running:
        """Serve an ASGI app. Raises Unavailable if it does not come up in ten seconds."""
        listening = socket.create_server((host, port))
        server = server_for(app)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True, name="web")
        thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise Unavailable("网页服务没有启动 (the web server did not start)")
            time.sleep(0.01)
        return cls(server, thread, f"http://{host}:{listening.getsockname()[1]}")

    def stop(self) -> None:
        """Finish what is being answered, and stop listening."""
        self._server.should_exit = True
        self._thread.join(timeout=_START_SECONDS)
