"""龙岩: signed pushes, or the same bodies in a queue of RabbitMQ on this machine."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.sandbox.leagues import as_pushed
from gateway.sandbox.play import Play
from gateway.sandbox.pushes import Pusher, pushes_of
from gateway.sandbox.script import Script


@contextmanager
def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """Its pushes, with a repeat, a stale one and a forged one among them."""
    secret = "whsec_" + b64encode(b"hubao-on-loopback-only-32-bytes!").decode()

    def push(address: str) -> None:
        pusher = Pusher(address, secret, clock=clock)
        pusher.send_all(pushes_of(script.day, script.rows, rows_per_push=50))
        pusher.close()

    yield Play(options={}, secrets={"HUBAO_LONGYAN_SECRET": secret}, reading=as_pushed, push=push)
