"""A real SFTP server on loopback that serves one folder, in a thread of its own. asyncssh is for development only."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

USER = "hubao"


class _Guard(asyncssh.SSHServer):
    """Lets one user in, by password or key."""

    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == USER and password == self._password


class SftpServer:
    """The league's machine. `root` is all that is seen of its disk; `host_key` its key's fingerprint."""

    def __init__(self, root: Path, password: str) -> None:
        self._root, self._password = root, password
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-server", daemon=True)
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: Any = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._acceptor.get_port())

    @property
    def host_key(self) -> str:
        """The fingerprint of the key it shows."""
        digest = hashlib.sha256(self._key.public_data).digest()
        return "SHA256:" + b64encode(digest).decode().rstrip("=")

    def change_key(self) -> None:
        """From now on another key: the machine was set up anew, or is another one. Its port stays."""
        port = self.port
        self._wait(self._close())
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._wait(self._listen(port))

    async def _listen(self, port: int) -> None:
        def served(channel: Any) -> Any:
            return asyncssh.SFTPServer(channel, chroot=str(self._root).encode())

        self._acceptor = await asyncssh.listen(
            "127.0.0.1", port, server_factory=lambda: _Guard(self._password), server_host_keys=[self._key],
            sftp_factory=served, public_key_auth=False, reuse_address=True,
        )  # fmt: skip

    async def _close(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()
        # Sessions that were left hanging would be told of when the loop goes.
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _wait(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(self._listen(0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
