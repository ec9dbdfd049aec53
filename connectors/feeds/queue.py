"""A league that puts its messages into a queue (RabbitMQ, AMQP 0-9-1): one message is one page.

A message is acknowledged once its page is stored and not before, so what was not stored is delivered again; the same
message again is the same page. A message without content, or too large to be a page, is set aside in a queue beside it.
Nothing is declared but that queue: the league's own is the league's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import pika
from msgspec import Meta
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker, ProbableAuthenticationError

from connectors.transport.reaching import endpoint_of, nothing_listens, within
from gateway.errors import Refused, Unavailable
from gateway.model.page import MAX_PAGE_BYTES, Fetched, Notice
from gateway.ports import ConnectorSpec, Endpoint, PullWay, Seconds, SecretName, Surroundings

_GONE: Final = (AMQPError, AMQPConnectorException, OSError)


class QueueSpec(ConnectorSpec, frozen=True, kw_only=True):
    """Messages of a queue on the league's broker (RabbitMQ). `set_aside` is a queue of ours beside it."""

    address: Endpoint
    user: str
    password: SecretName
    virtual_host: str = "/"
    queue: str
    set_aside: str
    most_messages: Annotated[int, Meta(ge=1, le=1_000_000)] = 100_000
    tries: Annotated[int, Meta(ge=1, le=100)] = 5
    timeout_seconds: Seconds = 30.0

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing listens at the broker's port."""
        return nothing_listens(*endpoint_of(self.address))


class Queue:
    """A PullFeed. A page's request is a digest of the message: the broker's own numbers begin anew with every line."""

    def __init__(self, spec: QueueSpec, around: Surroundings) -> None:
        self.name, self._spec = around.name, spec
        self._password = around.read_secret(spec.password)
        self._connection: Any = None
        self._channel: Any = None
        self._unstored: dict[str, int] = {}
        self._aside = 0

    def fetch(self, cursor: str | None, *, first: date | None, last: date | None) -> Iterator[Fetched]:
        """Every message that waits, never more than one of them unacknowledged. Raises Unavailable, Refused."""
        try:
            self._in_time(self._open)
            for _ in range(self._spec.most_messages):
                method, properties, body = self._in_time(self._next)
                if method is None:
                    return
                if not body or len(body) > MAX_PAGE_BYTES or self._tried(method, properties) > self._spec.tries:
                    self._in_time(lambda tag=method.delivery_tag, bad=body: self._put_aside(tag, bad))
                    continue
                request = f"message:{hashlib.sha256(body).hexdigest()}"
                self._unstored[request] = method.delivery_tag
                yield Fetched(content=body, request=request, cursor=cursor)
        finally:
            self._close()

    def _tried(self, method: Any, properties: Any) -> int:
        """How often a message was handed out before, as quorum queues count; others only say that it was."""
        headers = properties.headers or {}
        return int(headers.get("x-delivery-count", bool(method.redelivered)))

    def release(self, fetched: Fetched) -> None:
        """Acknowledge a message whose page is stored. Raises Unavailable: it will then come again, as the same page."""
        tag = self._unstored.pop(fetched.request, None)
        if tag is not None:
            self._in_time(lambda: self._channel.basic_ack(tag))

    def notices(self) -> Sequence[Notice]:
        """How many messages lie in the queue beside."""
        if not self._aside:
            return []
        return [Notice(kind="messages_set_aside", count=self._aside, detail=self._spec.set_aside)]

    def _open(self) -> None:
        host, port = endpoint_of(self._spec.address)
        seconds = self._spec.timeout_seconds
        self._connection = pika.BlockingConnection(
            pika.ConnectionParameters(
                host,
                port,
                self._spec.virtual_host,
                pika.PlainCredentials(self._spec.user, self._password),
                socket_timeout=seconds,
                stack_timeout=seconds,
                blocked_connection_timeout=seconds,
                # A page may take its time to be stored, and nobody turns the wheel of this line meanwhile.
                heartbeat=0,
            )
        )
        self._channel = self._connection.channel()
        self._aside = self._channel.queue_declare(self._spec.set_aside, durable=True).method.message_count

    def _next(self) -> tuple[Any, Any, bytes]:
        answer: tuple[Any, Any, bytes] = self._channel.basic_get(self._spec.queue)
        return answer

    def _put_aside(self, tag: int, body: bytes) -> None:
        """Durable beside before it is acknowledged here: between the two it may lie in both, never in neither."""
        self._channel.confirm_delivery()
        self._channel.basic_publish("", self._spec.set_aside, body, pika.BasicProperties(delivery_mode=2))
        self._channel.basic_ack(tag)
        self._aside += 1

    def _close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._unstored.clear()
        if connection is not None and connection.is_open:
            try:
                within(self._spec.timeout_seconds, connection.close, name=self.name)
            except (*_GONE, Unavailable):
                return

    def _in_time(self, step: Any) -> Any:
        try:
            return within(self._spec.timeout_seconds, step, name=self.name)
        except ProbableAuthenticationError:
            raise Refused("queue_credentials", f"{self.name}: 用户名或密码不被接受 (not accepted)") from None
        except ChannelClosedByBroker as error:
            message = f"{self.name}: 队列不存在或无权读取 (no such queue, or no right): {error.reply_code}"
            raise Refused("queue_refuses", message) from None
        except _GONE as error:
            raise Unavailable(f"{self.name}: 消息队列无应答 (the broker is gone): {type(error).__name__}") from None


WAY = PullWay(spec=QueueSpec, make=Queue)
