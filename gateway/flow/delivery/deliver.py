"""Deliver claims (design §2): lease → send, with no transaction open → record the answer. Exactly once in effect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Event

import msgspec

from gateway.core.claims import line as lines_core
from gateway.core.claims.delivering import LONGEST_WAIT, UNPROVEN_BEFORE_STOP, RetryRules, after, must_ask
from gateway.core.claims.line import Line, Passage
from gateway.core.personal_numbers import kept_reference
from gateway.flow.delivery.standing import must_prove, note_deliveries
from gateway.flow.office import Office
from gateway.flow.opening import DOES_NOT_OPEN, UNREADABLE
from gateway.model.claim import Answer, AnswerKind, Delivery, DeliveryState
from gateway.model.pieces import Piece
from gateway.ports import ClaimOnItsWay, Sender, SendsBatches
from gateway.store import deliveries, delivery_events, lines, unreadable
from gateway.store.deliveries import AnsweredDelivery, HeldDelivery
from gateway.store.engine import Tx

log = logging.getLogger("hubao.deliver")

_HELD_A_THREAD = 4
"""A lease begins with so many claims (or batches) for each thread; it grows while they are answered at once."""

_MOST_HELD = 1600
_IN_TURN = 8
_GATHER_SECONDS = 0.5
"""So long without an answer, and those that have come are written."""

_DIGEST_BYTES = 16


class DeliveryReport(msgspec.Struct, kw_only=True):
    """What a sitting of deliveries came to: attempts by the state they ended in; `next_in`: in so many seconds the line
    lets more through."""

    attempts: int = 0
    states: dict[str, int] = msgspec.field(default_factory=dict)
    next_in: float | None = None

    def add(self, more: DeliveryReport) -> None:
        """Another sitting behind this one."""
        self.attempts += more.attempts
        self.next_in = more.next_in
        for state, count in more.states.items():
            self.states[state] = self.states.get(state, 0) + count

    def count(self, state: str) -> None:
        """One attempt more."""
        self.attempts += 1
        self.states[state] = self.states.get(state, 0) + 1


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one held delivery. Without an answer nothing was sent: its body does not open (`shut`), or it was
    not tried any more. `doubt`: it may by now have arrived without our knowing."""

    held: HeldDelivery
    answer: Answer | None = None
    doubt: bool = False
    shut: bool = False
    request_digest: bytes | None = None


def deliver_due(
    office: Office,
    association: str,
    sender: Sender,
    *,
    jitter: Callable[[], float],
    new_lease: Callable[[], str],
    stopping: Callable[[], bool] = lambda: False,
) -> DeliveryReport:
    """Send everything that is due to an association now, until nothing is due or the line does not let more through.

    Once `stopping` says so, nothing more is leased; what is in hand is finished first. Where the association takes only
    so many a second, the report says in how long more may go (`next_in`).
    """
    spec = office.associations[association]
    if spec.delivery.options.pulled_within_days() is not None:
        # It fetches them: what waits is sent by nobody.
        return DeliveryReport()
    with ThreadPoolExecutor(spec.parallel, thread_name_prefix="deliver") as pool:
        sitting = _Sitting(office, association, sender, pool)
        try:
            passage = sitting.take_turn([], jitter, new_lease, stopping)
            while sitting.in_hand:
                passage = sitting.take_turn(sitting.gather(), jitter, new_lease, stopping)
        finally:
            # Whatever ends it in the middle, what nobody began is not begun any more.
            sitting.closed.set()
    note_deliveries(office, association, list(sitting.heard.values()))
    if passage is not None and passage.wait is not None:
        sitting.report.next_in = passage.wait.total_seconds()
    return sitting.report


def deliver_one(
    office: Office, association: str, sender: Sender, number: int, *, jitter: Callable[[], float], lease: str
) -> Answer | None:
    """Send one delivery by its number, now; None where it is not due, waits for an earlier one, or does not open."""
    seconds = office.gateway.lease_seconds
    with office.store.write() as tx:
        leased = deliveries.lease_one(tx, association, number, lease=lease, now=office.now(), seconds=seconds)
    if leased is None:
        return None
    [attempted] = attempt_unit(office, sender, [leased], lambda: False)
    with office.store.write() as tx:
        _record(tx, office, association, [attempted], jitter, set())
    return attempted.answer


class _Sitting:
    """One worker's deliveries to one association, from the first lease to the last answer."""

    def __init__(self, office: Office, association: str, sender: Sender, pool: ThreadPoolExecutor) -> None:
        self._office, self._association, self._sender, self._pool = office, association, sender, pool
        self._must_prove = must_prove(office, association)
        self._spec = office.associations[association]
        self._unit = sender.batch if isinstance(sender, SendsBatches) else 1
        self._least = min(self._spec.parallel * _HELD_A_THREAD * self._unit, _MOST_HELD // 2)
        self._size = self._least
        self._attempts: SimpleQueue[list[DeliveryAttempt]] = SimpleQueue()
        self._probes: set[str] = set()
        self._broken: BaseException | None = None
        self.closed = Event()
        self.in_hand = 0
        self.report = DeliveryReport()
        self.heard: dict[str, Answer] = {}

    @property
    def has_room(self) -> bool:
        """Whether more is leased now: half of what was leased at once is answered; all of it, where answers that prove
        nothing are to stop the sitting in time."""
        return not self.closed.is_set() and self.in_hand <= (0 if self._must_prove else self._size // 2)

    def take_turn(
        self,
        attempts: Sequence[DeliveryAttempt],
        jitter: Callable[[], float],
        new_lease: Callable[[], str],
        stopping: Callable[[], bool],
    ) -> Passage | None:
        """Write what came of some attempts and hold what is due next, in one transaction: what is on the disk once
        costs once. Then begin to send it. Returns what the line let through, None where nothing more was to be held;
        `wait` only where that is nothing, and something may be due."""
        passage: Passage | None = None
        leased: list[HeldDelivery] = []
        with self._office.store.write() as tx:
            if attempts:
                self._record(tx, attempts, jitter)
            if not stopping() and self.has_room:
                lease = new_lease()
                passage, leased = _lease(tx, self._office, self._association, lease, self._size - self.in_hand)
                if passage.probe and leased:
                    self._probes.add(lease)
        self._begin(leased)
        return passage

    def _begin(self, leased: Sequence[HeldDelivery]) -> None:
        self.in_hand += len(leased)
        # While answers come at once, a thread that hands over several together wakes whoever gathers less often.
        in_turn = _IN_TURN if self._size > self._least else 1
        for unit in _units(leased, batch=self._unit, in_turn=in_turn):
            work = self._pool.submit(attempt_unit, self._office, self._sender, unit, self.closed.is_set)
            work.add_done_callback(self._come_back)

    def _come_back(self, work: Future[list[DeliveryAttempt]]) -> None:
        """A thread is through with its unit. One that was stopped in the middle stops the sitting: what it held is
        asked about once its lease is over."""
        error = work.exception()
        if error is not None:
            self._broken = error
            self.closed.set()
        self._attempts.put([] if error is not None else work.result())

    def gather(self) -> list[DeliveryAttempt]:
        """The attempts that are done: as many as make writing worth while, or all that came before a pause."""
        attempts = list(self._attempts.get())
        enough = min(self.in_hand, max(self._size // 2, 1))
        try:
            while len(attempts) < enough and self._broken is None:
                attempts += self._attempts.get(timeout=_GATHER_SECONDS)
        except Empty:
            self._size = self._least
        else:
            self._size = min(self._size * 2, _MOST_HELD)
        if self._broken is not None:
            raise self._broken
        self.in_hand -= len(attempts)
        return attempts

    def _record(self, tx: Tx, attempts: Sequence[DeliveryAttempt], jitter: Callable[[], float]) -> None:
        line = _record(tx, self._office, self._association, attempts, jitter, self._probes)
        if line.open_until is not None or line.disabled_at is not None:
            self.closed.set()
        for attempted in attempts:
            if attempted.answer is not None:
                self.report.count(attempted.answer.kind.value)
                self.heard[attempted.answer.code] = attempted.answer
            elif attempted.shut:
                self.report.count(UNREADABLE)


def _units(leased: Sequence[HeldDelivery], *, batch: int, in_turn: int) -> Iterator[Sequence[HeldDelivery]]:
    """What one thread is given at a time: batches of what is sent together, and so many in turn of what goes alone
    (what is asked about first always does)."""
    alone = [row for row in leased if row.asks_first or batch == 1]
    together = [row for row in leased if not row.asks_first] if batch > 1 else []
    for claims, size in ((alone, in_turn), (together, batch)):
        yield from (claims[start : start + size] for start in range(0, len(claims), size))


def _lease(tx: Tx, office: Office, association: str, lease: str, many: int) -> tuple[Passage, list[HeldDelivery]]:
    """What the line lets through now, and what is held of what is due."""
    spec, now = office.associations[association], office.now()
    line = lines_core.counted(_line(tx, association), spec.line_rules, now)
    passage = lines_core.passage(line, spec.line_rules, now)
    many, sends = min(many, passage.many), True
    if many and must_prove(office, association):
        left = UNPROVEN_BEFORE_STOP - deliveries.count_unproven(tx, association, most=UNPROVEN_BEFORE_STOP)
        # Once it is stopped, what was sent is still asked about.
        sends, many = left > 0, min(many, left) if left > 0 else many
    if not many:
        return passage, []
    seconds = office.gateway.lease_seconds
    leased = deliveries.lease(tx, association, lease=lease, now=now, seconds=seconds, many=many, sends=sends)
    if leased and passage.probe:
        lines.write(tx, association, lines_core.probing(line, now, timedelta(seconds=seconds)))
    elif leased and spec.line_rules.per_second is not None:
        lines.write(tx, association, lines_core.taken(line, spec.line_rules, len(leased)))
    if spec.retry_rules.idempotency_window is None:
        return passage, leased
    asking = [
        msgspec.structs.replace(row, asks_first=row.asks_first or must_ask(row.first_at, spec.retry_rules, now))
        for row in leased
    ]
    return passage, asking


def _line(tx: Tx, association: str) -> Line:
    """The line, held until the transaction ends."""
    lines.ensure(tx, association)
    return lines.read(tx, association, hold=True)


def attempt_unit(
    office: Office, sender: Sender, unit: Sequence[HeldDelivery], closed: Callable[[], bool]
) -> list[DeliveryAttempt]:
    """Send a unit, as a batch where the sender makes any, else in turn; a mistake of ours never costs another its
    answer. What nobody began when the line closed, or the lease ended, is not begun."""
    if isinstance(sender, SendsBatches) and sender.batch > 1 and len(unit) > 1 and not unit[0].asks_first:
        return _guarded(lambda: _send_batch(office, sender, unit), office, unit, closed)
    attempts: list[DeliveryAttempt] = []
    for leased in unit:
        attempts += _guarded(partial(_attempt_alone, office, sender, leased), office, [leased], closed)
    return attempts


def _attempt_alone(office: Office, sender: Sender, leased: HeldDelivery) -> list[DeliveryAttempt]:
    return [attempt(office, sender, leased)]


def _guarded(
    send: Callable[[], list[DeliveryAttempt]],
    office: Office,
    unit: Sequence[HeldDelivery],
    closed: Callable[[], bool],
) -> list[DeliveryAttempt]:
    now = office.now()
    if closed() or any(
        leased.delivery.lease_until is not None and now >= leased.delivery.lease_until for leased in unit
    ):
        return [DeliveryAttempt(held=leased) for leased in unit]
    try:
        return send()
    except Exception as error:  # noqa: BLE001 - one delivery's mistake must not lose the others' answers; it alarms.
        log.error("deliveries %s failed: %s", [leased.delivery.delivery_id for leased in unit], type(error).__name__)
        # Nobody knows how far it came.
        answer = Answer(kind=AnswerKind.UNKNOWN, code="internal")
        return [DeliveryAttempt(held=leased, answer=answer, doubt=True) for leased in unit]


def attempt(office: Office, sender: Sender, leased: HeldDelivery) -> DeliveryAttempt:
    """One attempt: ask first where it may have been sent before; send where the association does not have it."""
    delivery, asked = leased.delivery, leased.asks_first
    if asked and (answer := _ask(office, sender, delivery)) is not None:
        return DeliveryAttempt(held=leased, answer=answer, doubt=True)
    claim = _claim_of(office, leased)
    if claim is None:
        return DeliveryAttempt(held=leased, shut=True)
    digest = office.vault.digest_content(claim.body)[:_DIGEST_BYTES]
    # Where its words are others since it was first tried, the same key with another body may be refused, or paid twice.
    changed = not asked and leased.request_digest not in (None, digest)
    if changed and (answer := _ask(office, sender, delivery)) is not None:
        return DeliveryAttempt(held=leased, answer=answer, doubt=True)
    named = {"claim_id": claim.claim_id, "idempotency_key": claim.idempotency_key}
    answer = sender.send(claim.body, version=claim.version, now=office.now(), **named)
    return DeliveryAttempt(held=leased, answer=answer, request_digest=digest)


def _ask(office: Office, sender: Sender, delivery: Delivery) -> Answer | None:
    """What the association says about a delivery; None where it does not have it."""
    answer = sender.ask(delivery.claim_id, version=delivery.version, now=office.now())
    return None if answer.kind is AnswerKind.ABSENT else answer


def _claim_of(office: Office, leased: HeldDelivery) -> ClaimOnItsWay | None:
    """What is sent; None where its body does not open."""
    delivery = leased.delivery
    try:
        body = office.claim_body(leased.sealed, delivery.claim_id, delivery.version)
    except DOES_NOT_OPEN:
        return None
    key = delivery.idempotency_key
    return ClaimOnItsWay(body=body, claim_id=delivery.claim_id, version=delivery.version, idempotency_key=key)


def _send_batch(office: Office, sender: SendsBatches, unit: Sequence[HeldDelivery]) -> list[DeliveryAttempt]:
    """Several claims in one request; those whose words are others than before go alone."""
    ready: list[tuple[HeldDelivery, ClaimOnItsWay, bytes]] = []
    attempts: list[DeliveryAttempt] = []
    for leased in unit:
        claim = _claim_of(office, leased)
        digest = office.vault.digest_content(claim.body)[:_DIGEST_BYTES] if claim is not None else b""
        if claim is not None and leased.request_digest in (None, digest):
            ready.append((leased, claim, digest))
        else:
            attempts.append(attempt(office, sender, leased))
    if ready:
        answers = sender.send_batch([claim for _, claim, _ in ready], now=office.now())
        attempts += [
            DeliveryAttempt(held=leased, answer=answer, request_digest=digest)
            for (leased, _, digest), answer in zip(ready, answers, strict=True)
        ]
    return attempts


def _record(
    tx: Tx,
    office: Office,
    association: str,
    attempts: Sequence[DeliveryAttempt],
    jitter: Callable[[], float],
    probes: set[str],
) -> Line:
    """Write what came of some attempts; returns how the line stands then. A version whose body does not open waits a
    day at a time, until it does; one that was not tried any more waits as before."""
    now = office.now()
    spec = office.associations[association]
    answers = [attempted.answer for attempted in attempts if attempted.answer is not None]
    probe = any(attempted.held.lease in probes for attempted in attempts)
    before = _line(tx, association)
    line = lines_core.heard(before, spec.line_rules, answers, probe=probe, now=now)
    if line != before:
        lines.write(tx, association, line)
    conclude = partial(
        _answered, rules=spec.retry_rules, digest=office.vault.fingerprinter("reference"), jitter=jitter, now=now
    )
    for lease, of_lease in _by_lease(attempts):
        spared = [attempted for attempted in of_lease if lease in probes and _was_not_taken(attempted.answer)]
        answered = [attempted for attempted in of_lease if attempted.answer and attempted not in spared]
        written = [conclude(attempted) for attempted in answered]
        telling = [row.delivery for row in written if _is_told(row.delivery)]
        delivery_events.add_of_lease(tx, telling, lease=lease, now=now)
        deliveries.record_answers(tx, written, lease=lease, now=now)
        _put_back(tx, [attempted for attempted in of_lease if not attempted.answer], lease=lease, now=now)
        for attempted in spared:
            # A probe is tried for all who wait: where nobody was there, it cost nothing, and another one is next.
            waits, code = _waits_as(attempted.held), attempted.answer.code if attempted.answer else None
            deliveries.put_back(tx, [(attempted.held.delivery, waits)], lease=lease, code=code, next_at=now)
    shut = [attempted.held.delivery for attempted in attempts if attempted.shut]
    pieces = [Piece(kind="body", name=f"{row.claim_id}/{row.version}", subject=association) for row in shut]
    unreadable.note(tx, pieces, now=now)
    return line


def _by_lease(attempts: Iterable[DeliveryAttempt]) -> Iterator[tuple[str, list[DeliveryAttempt]]]:
    ordered = sorted(attempts, key=lambda attempted: (attempted.held.lease, attempted.held.delivery.delivery_id))
    for lease, of_lease in groupby(ordered, key=lambda attempted: attempted.held.lease):
        yield lease, list(of_lease)


def _answered(
    attempted: DeliveryAttempt,
    *,
    rules: RetryRules,
    digest: Callable[[str], bytes],
    jitter: Callable[[], float],
    now: datetime,
) -> AnsweredDelivery:
    delivery, answer = attempted.held.delivery, attempted.answer
    assert answer is not None  # noqa: S101 - only attempts with an answer come here.
    result = after(delivery, answer, asked_first=attempted.doubt, now=now, jitter=jitter(), rules=rules)
    return AnsweredDelivery(result, kept_reference(answer.reference, digest), attempted.request_digest)


def _is_told(delivery: Delivery) -> bool:
    """Whether an answer is an event of its own: a plain yes at the first attempt is told by the delivery itself, and
    what waits to be tried again has come to nothing yet."""
    plain = delivery.state is DeliveryState.ACCEPTED and delivery.attempts == 1
    return not plain and delivery.state is not DeliveryState.PENDING


def _was_not_taken(answer: Answer | None) -> bool:
    return answer is not None and answer.kind is AnswerKind.UNAVAILABLE and lines_core.failed(answer)


def _waits_as(leased: HeldDelivery) -> DeliveryState:
    """What was asked about first may have arrived, and is asked about again."""
    return DeliveryState.UNKNOWN if leased.asks_first else DeliveryState.PENDING


def _put_back(tx: Tx, unsent: Sequence[DeliveryAttempt], *, lease: str, now: datetime) -> None:
    """What was not sent waits; what does not open for a day at a time."""
    for shut in (True, False):
        rows = [(attempted.held.delivery, _waits_as(attempted.held)) for attempted in unsent if attempted.shut is shut]
        code, next_at = (UNREADABLE, now + LONGEST_WAIT) if shut else (None, None)
        deliveries.put_back(tx, rows, lease=lease, code=code, next_at=next_at)
