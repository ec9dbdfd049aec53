"""Files dropped in a folder of the league's own machine, fetched over SFTP. Complete they are as in a folder of ours:
by a marker, or by lying still, which two listings some seconds apart tell, since the other machine's clock may be off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from connectors.feeds.folder import FileDrop
from connectors.transport.places import Entry
from connectors.transport.reaching import endpoint_of, nothing_listens
from connectors.transport.sftp_login import login_secrets
from gateway.errors import WrongUse
from gateway.ports import ConnectorSpec, Endpoint, PullWay, Seconds, SecretName, SecretOption, Surroundings


class SftpSpec(ConnectorSpec, frozen=True, kw_only=True):
    """Files in a folder of another machine, over SFTP. `host_key` is the fingerprint `ssh-keygen -lf` shows."""

    address: Endpoint
    user: str
    host_key: str
    password: SecretName | None = None
    private_key: SecretName | None = None
    remote_folder: str
    pattern: str
    day_format: str = "%Y%m%d"
    marker: str | None = ".ok"
    settle_seconds: Annotated[float, Meta(ge=0, le=300)] = 10.0
    after: Literal["delete", "move", "keep"] = "keep"
    remote_moved_to: str | None = None
    timeout_seconds: Seconds = 30.0

    def secrets(self) -> Sequence[SecretOption]:
        """The password, or the private key as PEM text."""
        return login_secrets(self.password, self.private_key)

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing listens at the machine's port."""
        return nothing_listens(*endpoint_of(self.address))


class Sftp(FileDrop):
    """A PullFeed. `remote_moved_to` goes with `after = "move"`, and `settle_seconds` with no marker."""

    def __init__(
        self, spec: SftpSpec, around: Surroundings, *, sleep: Callable[[float], None] = time.sleep, **options: Any
    ) -> None:
        # The library is loaded for who needs it: every command would wait for it.
        from connectors.transport.sftp import SftpAccess, SftpPlace, check_fingerprint

        check_fingerprint(spec.host_key)
        if spec.password is None and spec.private_key is None:
            raise WrongUse("password 与 private_key 至少写一个 (a password or a private key is needed)")
        if spec.after == "move" and not spec.remote_moved_to:
            raise WrongUse("after = move 需要 remote_moved_to 目录 (remote_moved_to must name another folder)")
        access = SftpAccess(
            endpoint=spec.address,
            user=spec.user,
            host_key=spec.host_key,
            password=around.read_secret(spec.password) if spec.password else None,
            private_key=around.read_secret(spec.private_key) if spec.private_key else None,
            timeout_seconds=spec.timeout_seconds,
        )
        moved_to = spec.remote_moved_to if spec.after == "move" else None
        place = SftpPlace(around, access, spec.remote_folder, moved_to=moved_to)
        super().__init__(spec, around, place, **options)
        self._settle = spec.settle_seconds
        self._sleep = sleep
        self._before: dict[str, Entry] | None = None

    def _listed(self) -> dict[str, Entry]:
        """The folder as it is; without markers it is listed twice, and what differs is being written."""
        if self._marker is None:
            self._before = self._place.entries()
            self._sleep(self._settle)
        return self._place.entries()

    def _lies_still(self, entry: Entry) -> bool:
        return self._before is not None and self._before.get(entry.name) == entry


WAY = PullWay(spec=SftpSpec, make=Sftp)
