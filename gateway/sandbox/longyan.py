"""龙岩: signed pushes, or the same bodies in a queue of RabbitMQ on this machine."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from gateway.sandbox.leagues import as_pushed
from gateway.sandbox.play import NothingToPlayOn, Play
from gateway.sandbox.pushes import Pusher, pushes_of
from gateway.sandbox.script import Script

_BROKER: Final = ("127.0.0.1", 5672)
_GUEST: Final = "guest"
_AT_ONCE: Final = 50


@contextmanager
def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """Its pushes, with a repeat, a stale one and a forged one among them."""
    secret = "whsec_" + b64encode(b"hubao-on-loopback-only-32-bytes!").decode()

    def push(address: str) -> None:
        pusher = Pusher(address, secret, clock=clock)
        pusher.send_all(pushes_of(script.day, script.rows, rows_per_push=_AT_ONCE))
        pusher.close()

    yield Play(options={}, secrets={"HUBAO_LONGYAN_SECRET": secret}, reading=as_pushed, push=push)


@contextmanager
def play_queue(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """Its bodies as messages, one of them twice, an empty one among them. Raises NothingToPlayOn without a broker."""
    name = f"hubao_sandbox_{os.getpid()}_{script.seed}"
    aside = f"{name}.aside"
    with _channel() as channel:
        try:
            channel.queue_declare(name, durable=True)
            bodies = [push.body for push in pushes_of(script.day, script.rows, rows_per_push=_AT_ONCE)]
            for body in (bodies[0], b"", *bodies):
                channel.basic_publish("", name, body)
            yield Play(
                options={
                    "address": f"{_BROKER[0]}:{_BROKER[1]}",
                    "user": _GUEST,
                    "queue": name,
                    "set_aside": aside,
                },
                secrets={"HUBAO_LONGYAN_QUEUE_PASSWORD": _GUEST},
                reading=as_pushed,
                findings=frozenset({"not_taken_in"}),
            )
        finally:
            channel.queue_delete(name)
            channel.queue_delete(aside)


@contextmanager
def _channel() -> Iterator[Any]:
    """A channel to the broker of this machine, whose messages are taken before they count as sent."""
    # The library is loaded for who plays this league.
    import pika
    from pika.exceptions import AMQPError

    try:
        connection = pika.BlockingConnection(pika.ConnectionParameters(*_BROKER, socket_timeout=5))
    except (AMQPError, OSError) as error:
        kind = type(error).__name__
        raise NothingToPlayOn(
            f"{_BROKER[0]}:{_BROKER[1]} 没有消息队列服务 (no broker at {_BROKER[0]}:{_BROKER[1]}): {kind}"
        ) from None
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel
    finally:
        connection.close()
