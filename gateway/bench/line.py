"""A 医保云专线 in a process of its own that answers in a time it knows: what a lookup is measured beside.

`python -m gateway.bench.line SEED PEOPLE MS` prints its address as one JSON line and runs until it is told to stop. An
answer takes between half and one and a half times `MS`, from the request's last byte to the answer's first. What is
asked of `/times` tells, by member number, how many microseconds all answers about that person took together.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.sandbox.cloud_line_server import CloudLineApp, CloudLineWorld
from gateway.sandbox.leagues import Sent, stay_ending
from gateway.sandbox.people import Dice, Person, person_at
from gateway.sandbox.roster import member_no
from gateway.sandbox.servers import Request
from gateway.sandbox.stays import inpatient

LEAGUE: Final = "wuhai"
PAAS_ID: Final = "hubao-wuhai"
SECRET: Final = "of-this-benchmark-alone"  # noqa: S105 - it opens nothing else.
WITHOUT: Final = 5
"""One person in so many has no settlement."""

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
_ABOUT: Final = re.compile(rb'"(?:certno|psn_no)":"([0-9A-Z]+)"')


def people_of(seed: int, many: int, today: date) -> list[Person]:
    """Who is asked about."""
    return [person_at(seed, index, league=LEAGUE, as_of=today) for index in range(many)]


def has_stay(person: Person) -> bool:
    """Whether something was settled for this person."""
    return person.index % WITHOUT != 0


def stays_of(seed: int, people: list[Person], today: date) -> Iterator[Sent]:
    """One stay in hospital each of those who have one, in the last months."""
    for person in filter(has_stay, people):
        dice = Dice("lookup", seed, person.index)
        record = inpatient(dice, person, serial=person.index + 1, admitted=today - timedelta(days=60))
        record = msgspec.structs.replace(record, care_type_code="21")
        yield stay_ending(person, record, today - timedelta(days=dice.between(20, 200)))


class TimedLine:
    """The line's answers, each due at an instant drawn for it."""

    def __init__(self, seed: int, many: int, milliseconds: float) -> None:
        today = datetime.now(UTC).date()
        people = people_of(seed, many, today)
        world = CloudLineWorld(people, stays_of(seed, people, today))
        self._app = CloudLineApp(world, paas_id=PAAS_ID, secret=SECRET, clock=time.time)
        self._lots, self._middle = random.Random(seed), milliseconds / 1000  # noqa: S311 - no secret hangs on it.
        self._about = {person.id_number: person for person in people}
        self._about |= {person.person_no: person for person in people}
        self.microseconds: Counter[str] = Counter()

    def delay(self) -> float:
        """How long the next answer takes, in seconds."""
        return self._middle * self._lots.uniform(0.5, 1.5)

    def answer(self, head: bytes, body: bytes) -> bytes:
        """What the platform says."""
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        request = Request(method="POST", path=lines[0].split(" ")[1], headers=headers, body=body)
        return self._app.answer(request).body

    def note(self, body: bytes, seconds: float) -> None:
        """An answer about a person took so long."""
        about = _ABOUT.search(body)
        person = self._about.get(about[1].decode()) if about else None
        if person is not None:
            self.microseconds[member_no(person)] += round(seconds * 1e6)


class _Connection(asyncio.Protocol):
    """One connection, kept open: request after request."""

    def __init__(self, line: TimedLine) -> None:
        self._line, self._received = line, bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(_HEAD_END)
        if end < 0:
            return
        head = bytes(self._received[:end])
        length = _LENGTH.search(head)
        whole = end + len(_HEAD_END) + (int(length[1]) if length else 0)
        if len(self._received) < whole:
            return
        came = time.perf_counter()
        body = bytes(self._received[end + len(_HEAD_END) : whole])
        del self._received[:whole]
        if head.startswith(b"GET /times "):
            self._write(msgspec.json.encode(self._line.microseconds))
            return
        answer = self._line.answer(head, body)
        # What the machine makes of the delay is the line's own time too.
        asyncio.get_running_loop().call_later(self._line.delay(), self._send, answer, body, came)

    def _send(self, answer: bytes, body: bytes, came: float) -> None:
        self._line.note(body, time.perf_counter() - came)
        self._write(answer)

    def _write(self, answer: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        self._transport.write(head + answer)


async def _serve(line: TimedLine) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    server = await loop.create_server(lambda: _Connection(line), "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(msgspec.json.encode({"address": f"http://127.0.0.1:{port}"}).decode() + "\n")
    sys.stdout.flush()
    await over.wait()


if __name__ == "__main__":
    asyncio.run(_serve(TimedLine(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
