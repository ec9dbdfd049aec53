"""The queue feed against RabbitMQ on this machine: the suite of all pull feeds, and what queues are like."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pika
import pytest
from bad_line import BadLine, free_port
from by_hand import queue
from pika.exceptions import AMQPError
from pull_suite import SECRET, PullLeague, PullSuite, taken

from connectors.feeds.queue import Queue, QueueSpec
from connectors.registry import REGISTRY
from gateway.errors import Refused, Unavailable
from gateway.model.page import Fetched

_numbers = itertools.count(1)


class Broker(PullLeague):
    """A queue of its own on the broker; ten settlements a message."""

    def __init__(self, channel: Any, line: BadLine) -> None:
        self.channel, self.line = channel, line
        self.name = f"hubao_test_{os.getpid()}_{next(_numbers)}"
        self.aside = f"{self.name}.aside"
        channel.queue_declare(self.name, durable=True)
        channel.confirm_delivery()

    def put(self, *numbers: str) -> None:
        for start in range(0, len(numbers), 10):
            self.send(msgspec.json.encode({"records": numbers[start : start + 10]}))

    def send(self, body: bytes) -> None:
        self.channel.basic_publish("", self.name, body)

    def count(self, name: str) -> int:
        return int(self.channel.queue_declare(name, durable=True).method.message_count)

    def spec(self) -> QueueSpec:
        return QueueSpec(
            address=f"127.0.0.1:{self.line.port}", user="guest", password="guest", queue=self.name, set_aside=self.aside
        )

    def spec_of_nobody(self) -> QueueSpec:
        return msgspec.structs.replace(self.spec(), address=f"127.0.0.1:{free_port()}")

    def feed(self, **options: Any) -> Queue:
        return queue(**{**msgspec.structs.asdict(self.spec()), **options})

    def numbers(self, page: Fetched) -> list[str]:
        try:
            return list(msgspec.json.decode(page.content)["records"])
        except msgspec.DecodeError:
            return []

    def hang(self) -> None:
        self.line.mood = "hang"

    def drip(self) -> None:
        self.line.mood = "drip"

    def feed_with_wrong_credentials(self) -> Queue:
        return self.feed(password=SECRET)

    def put_broken(self) -> None:
        self.send(b"\xff{")


@pytest.fixture
def league() -> Iterator[Broker]:
    try:
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", 5672, socket_timeout=5))
    except (AMQPError, OSError) as error:
        pytest.skip(f"no RabbitMQ at 127.0.0.1:5672 ({type(error).__name__})")
    with BadLine("127.0.0.1", 5672) as line:
        channel = connection.channel()
        broker = Broker(channel, line)
        yield broker
        channel.queue_delete(broker.name)
        channel.queue_delete(broker.aside)
    connection.close()


class TestQueue(PullSuite):
    """A queue whose messages go when their page is stored."""


def test_the_registry_knows_it() -> None:
    assert REGISTRY.feeds["queue"].make is Queue


def test_a_message_goes_only_once_its_page_is_stored(league: Broker) -> None:
    league.put("S1")
    fetching = league.feed().fetch(None, first=None, last=None)
    crashed = next(fetching)
    fetching.close()  # type: ignore[attr-defined]
    (again,) = taken(league.feed())[0]
    assert (again.request, again.content) == (crashed.request, crashed.content)
    assert league.count(league.name) == 0


def test_what_cannot_be_a_page_is_set_aside_and_told(league: Broker) -> None:
    league.send(b"")
    league.put("S1")
    feed = league.feed()
    pages, _ = taken(feed)
    assert [league.numbers(page) for page in pages] == [["S1"]]
    assert [(notice.kind, notice.count) for notice in feed.notices()] == [("messages_set_aside", 1)]
    assert (league.count(league.name), league.count(league.aside)) == (0, 1)


def test_a_message_that_was_handed_out_too_often_is_set_aside(league: Broker) -> None:
    league.channel.queue_delete(league.name)
    league.channel.queue_declare(league.name, durable=True, arguments={"x-queue-type": "quorum"})
    league.put("POISON")
    for _ in range(4):
        fetching = league.feed(tries=3).fetch(None, first=None, last=None)
        next(fetching)
        fetching.close()  # type: ignore[attr-defined]
    league.put("S1")
    feed = league.feed(tries=3)
    pages, _ = taken(feed)
    assert [league.numbers(page) for page in pages] == [["S1"]]
    assert [notice.count for notice in feed.notices()] == [1]


def test_a_queue_that_is_not_there_is_refused(league: Broker) -> None:
    with pytest.raises(Refused) as refused:
        taken(league.feed(queue="never_declared"))
    assert refused.value.code == "queue_refuses"


def test_a_line_that_drops_loses_no_message(league: Broker) -> None:
    league.put(*TestQueue.ALL)
    told: list[str] = []
    feed = league.feed()
    with pytest.raises(Unavailable):
        for page in feed.fetch(None, first=None, last=None):
            told += league.numbers(page)
            league.line.cut_after = 0
            feed.release(page)
    league.line.cut_after = None
    pages, _ = taken(league.feed())
    assert {*told, *(number for page in pages for number in league.numbers(page))} == {*TestQueue.ALL}
