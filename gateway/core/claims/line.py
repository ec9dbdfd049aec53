"""line + what was heard of it + now → line: circuit breaker, rate and hours of the way to an association.

A breaker opens after so many failures in a row: then nothing is sent and no attempt is spent. When its pause is over,
one delivery is the probe; while it is out, everybody else waits. The state is a value that all workers share.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

import msgspec

from gateway.core.claims.deadlines import is_working_day
from gateway.core.claims.delivering import DeliveryFault, fault_of
from gateway.model.claim import Answer, AnswerKind

_MILLI: Final = 1000
_UNLIMITED: Final = 1_000_000
_LONGEST_STEP: Final = timedelta(days=1)


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True):
    """When an association's system takes claims, in Asia/Shanghai. `working_days`: not on weekends and holidays."""

    begin: time
    end: time
    working_days: bool = True


class LineRules(msgspec.Struct, frozen=True, kw_only=True):
    """What an association's file says about the line to it."""

    breaker_failures: int = 20
    first_pause: timedelta = timedelta(minutes=1)
    longest_pause: timedelta = timedelta(minutes=15)
    disable_after: timedelta = timedelta(hours=120)
    per_second: int | None = None
    hours: OpeningHours | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How the line stands: `failures` in a row since `failing_since`; `openings` of the breaker since it last held;
    `open_until`: nothing goes before; `tokens`: thousandths of a claim that may go at once."""

    failures: int = 0
    openings: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None
    disabled_at: datetime | None = None
    tokens: int = 0
    tokens_at: datetime | None = None


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """How many may go now; `wait`: when to look again, where it is only a matter of moments; `probe`: the one that goes
    says whether the line is there again."""

    many: int
    wait: timedelta | None = None
    probe: bool = False


NOTHING: Final = Passage(many=0)


def passage(line: Line, rules: LineRules, now: datetime) -> Passage:
    """What may go over a line (whose tokens were counted for `now`)."""
    if line.disabled_at is not None or not is_open(rules.hours, now):
        return NOTHING
    if line.open_until is not None:
        # A pause that ends further ahead than any lasts was set by a clock that was ahead.
        waits = now < line.open_until <= now + rules.longest_pause
        return NOTHING if waits else Passage(many=1, probe=True)
    if rules.per_second is None:
        return Passage(many=_UNLIMITED)
    if whole := line.tokens // _MILLI:
        return Passage(many=whole)
    return Passage(many=0, wait=timedelta(milliseconds=-(-(_MILLI - line.tokens) // rules.per_second)))


def is_open(hours: OpeningHours | None, now: datetime) -> bool:
    """Whether the association takes claims at this instant."""
    if hours is None:
        return True
    if hours.working_days and not is_working_day(now.date())[0]:
        return False
    return hours.begin <= now.time() < hours.end


def counted(line: Line, rules: LineRules, now: datetime) -> Line:
    """The line with the tokens it has now: so many a second, at most those of one second. A clock that went back adds
    none."""
    if rules.per_second is None:
        return line
    most = rules.per_second * _MILLI
    if line.tokens_at is None:
        return msgspec.structs.replace(line, tokens=most, tokens_at=now)
    past = min(max(now - line.tokens_at, timedelta(0)), _LONGEST_STEP)
    earned = past // timedelta(milliseconds=1) * rules.per_second
    return msgspec.structs.replace(line, tokens=min(line.tokens + earned, most), tokens_at=now)


def taken(line: Line, rules: LineRules, many: int) -> Line:
    """The line once so many go."""
    return line if rules.per_second is None else msgspec.structs.replace(line, tokens=line.tokens - many * _MILLI)


def probing(line: Line, now: datetime, lasts: timedelta) -> Line:
    """The line while one delivery is out to see whether it is there: everybody else waits as long."""
    return msgspec.structs.replace(line, open_until=now + lasts)


def failed(answer: Answer) -> bool:
    """Whether an answer says that nobody was there to take a claim. One that proves nothing came from somebody."""
    if answer.kind not in (AnswerKind.UNAVAILABLE, AnswerKind.UNKNOWN):
        return False
    return fault_of(answer.code) in (DeliveryFault.UNREACHABLE, DeliveryFault.ADDRESS)


def heard(line: Line, rules: LineRules, answers: list[Answer], *, probe: bool, now: datetime) -> Line:
    """The line after some answers. One that came through closes the breaker; many in a row that did not open it, and
    where it would open after `disable_after` without an answer, the line is off until a person says otherwise."""
    if not answers:
        return line
    if not all(failed(answer) for answer in answers):
        return msgspec.structs.replace(line, failures=0, openings=0, failing_since=None, open_until=None)
    since = line.failing_since or now
    failures = line.failures + len(answers)
    line = msgspec.structs.replace(line, failures=failures, failing_since=since)
    opens = probe or (line.open_until is None and failures >= rules.breaker_failures)
    if not opens:
        return line
    if now - since >= rules.disable_after:
        return msgspec.structs.replace(line, disabled_at=line.disabled_at or now)
    # 1, 2, 4, 8 … minutes; the shift is bounded, so that a year of probes is no large number.
    pause = min(rules.first_pause * 2 ** min(line.openings, 10), rules.longest_pause)
    return msgspec.structs.replace(line, openings=line.openings + 1, open_until=now + pause)


def reopened(line: Line) -> Line:
    """A line that a person switched on again: everything that was held against it is forgotten."""
    return msgspec.structs.replace(line, failures=0, openings=0, failing_since=None, open_until=None, disabled_at=None)
