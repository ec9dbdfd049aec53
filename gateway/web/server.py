"""`hubao serve`: API and scheduler of a site, until SIGTERM or SIGINT; the batch in hand is finished."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from gateway import wiring
from gateway.web.app import make_app

log = logging.getLogger("hubao.web")

_LAST_ANSWERS_SECONDS = 10


def serve_site(site: Path) -> None:
    """Serve until told to stop. Raises BadSettings, WrongUse, Unavailable where the site cannot be opened."""
    office = wiring.open_office(site)
    app = make_app(office, wiring.doors(), start_scheduler=True)
    server = _server(app, office.gateway.listen_host, office.gateway.listen_port)
    _stop_on_signals(server)
    server.run()
    if not app.state.at_rest and server.started:
        _leave_at_once()
    office.store.close()
    if not server.started:
        sys.exit(1)


def _server(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """No access log (addresses may name people) and no word about the software in the answers."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )
    return uvicorn.Server(config)


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
