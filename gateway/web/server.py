"""`hubao serve`: API and scheduler of a site, until SIGTERM or SIGINT; the batch in hand is finished."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from gateway import wiring
from gateway.errors import ForeignDatabase, WrongUse
from gateway.settings import plain_http
from gateway.settings.gateway import GatewaySpec
from gateway.settings.site import warnings
from gateway.web.app import make_app, make_refusing_app
from gateway.web.connections import server_for

log = logging.getLogger("hubao.web")

_LAST_ANSWERS_SECONDS = 10


def serve_site(site: Path, *, host: str | None = None, port: int | None = None) -> None:
    """Serve until told to stop, where gateway.toml says or at `host` and `port`. Raises BadSettings, WrongUse,
    Unavailable where the site cannot be opened.

    Where database and keys do not belong together every request is answered 503, so that whoever pushes comes again.
    """
    try:
        office = wiring.open_office(site)
    except ForeignDatabase as error:
        _refuse_everything(site, error, host=host, port=port)
    plain = plain_http.reminders(office.gateway, office.feeds, office.associations)
    for warning in (
        *warnings(office.associations),
        *plain_http.not_allowed(office.feeds, office.associations),
        *plain,
    ):
        log.warning("%s", warning)
    listening = _listen(office.gateway, host, port)
    app = make_app(office, wiring.doors(), start_scheduler=True)
    server = _server(app)
    _stop_on_signals(server)
    _tell_where(listening)
    server.run(sockets=[listening])
    if server.started and not app.state.at_rest:
        _leave_at_once()
    office.store.close()
    if not server.started:
        sys.exit(1)


def _refuse_everything(site: Path, error: ForeignDatabase, *, host: str | None, port: int | None) -> NoReturn:
    """Say why, and answer 503 until told to stop; then end like any command that was used wrongly."""
    gateway = wiring.load_site(site).gateway
    listening = _listen(gateway, host, port)
    sys.stderr.write(f"{error}\n")
    log.error("not ready: %s", type(error).__name__)
    server = _server(make_refusing_app(gateway.name))
    _stop_on_signals(server)
    _tell_where(listening)
    server.run(sockets=[listening])
    raise error


def _listen(gateway: GatewaySpec, host: str | None, port: int | None) -> socket.socket:
    host = gateway.listen_host if host is None else host
    port = gateway.listen_port if port is None else port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise WrongUse(
            "无法监听 listen_host:listen_port，见 config/gateway.toml，或用 --host、--port 另指"
            f" (cannot listen there): {error.strerror}"
        ) from error


def _tell_where(listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"互保网关在 http://{shown}:{port} ，Ctrl-C 结束 (serving; Ctrl-C to stop)\n")
    sys.stdout.flush()


def _server(app: FastAPI) -> uvicorn.Server:
    return server_for(app, timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS)


def _stop_on_signals(server: uvicorn.Server) -> None:
    # The server raises a signal it caught once more when it has shut down; these keep that from killing us.
    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _leave_at_once() -> None:
    """A line that hangs must not keep the process: whatever was in hand is taken up again by the next one."""
    log.warning("stopped while a job was still waiting for another machine; the next start takes it up")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
