"""How an association's deliveries stand, as findings: what keeps them from it, and what waits for a person.

They are brought up to date after every sitting, and after whatever a person does about deliveries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from gateway.core.claims.delivering import UNPROVEN_BEFORE_STOP, DeliveryFault, fault_of, faults, may_pass, unproven
from gateway.flow.findings.book import Trouble, close, raise_
from gateway.flow.office import Office
from gateway.model.claim import Answer, DeliveryState, WaitingDeliveries
from gateway.model.trouble import Level
from gateway.store import deliveries, findings, lines
from gateway.store.findings import FindingRow
from gateway.words.deliveries import code_in_words

DEAD_LETTERS = "dead_letters"
REFUSED_BY_STATUS = "refused_by_status"
SWITCHED_OFF = "association_off"

_CODES = (*DeliveryFault, DEAD_LETTERS, REFUSED_BY_STATUS, SWITCHED_OFF)
_KIND = "association"

_MAY_LAST = timedelta(hours=1)
"""For so long it is only said that a claim or two could not be handed over."""


def must_prove(office: Office, association: str) -> bool:
    """Whether answers that prove nothing stop an association: its file does not say what an answer must hold."""
    spec = office.associations[association]
    return spec.accepted is None and spec.delivery.options.needs_proof()


def note_deliveries(office: Office, association: str, answers: Sequence[Answer] = ()) -> None:
    """Raise what is wrong with an association's deliveries and close what is mended.

    `answers`: what was just heard, one of each code.
    """
    with office.store.read() as tx:
        line = lines.read(tx, association)
        waiting, refused = deliveries.unended(tx, association), deliveries.refused_by_status(tx, association)
        before = {
            row.code: row
            for row in findings.open_findings(tx)
            if row.code in _CODES and (row.kind, row.name) == (_KIND, association)
        }
    troubles = list(_troubles(office, association, waiting, answers, before))
    if refused:
        troubles.append(Trouble(code=REFUSED_BY_STATUS, kind=_KIND, name=association, count=refused))
    if line.disabled_at is not None:
        days = (line.failing_since or line.disabled_at).date(), line.disabled_at.date()
        troubles.append(Trouble(code=SWITCHED_OFF, kind=_KIND, name=association, count=line.failures, days=days))
    mended = before.keys() - {trouble.code for trouble in troubles}
    if not troubles and not mended:
        return
    now = office.now()
    with office.store.write() as tx:
        for trouble in troubles:
            raise_(tx, trouble, now=now)
        for code in mended:
            close(tx, code, _KIND, [association], now=now)


def _troubles(
    office: Office,
    association: str,
    waiting: Sequence[WaitingDeliveries],
    answers: Sequence[Answer],
    before: Mapping[str, FindingRow],
) -> Iterator[Trouble]:
    answered = any(fault_of(answer.code) is not DeliveryFault.UNREACHABLE for answer in answers)
    if not answers:
        # Where nobody was called, nothing is known about the line that was not known before.
        answered = DeliveryFault.UNREACHABLE.value not in before
    for fault, count in faults(waiting, answered=answered).items():
        detail = _by_code(group for group in waiting if fault_of(group.code) is fault)
        level: Level | None = None
        if fault is DeliveryFault.UNPROVEN:
            shape = next((answer.shape for answer in reversed(answers) if answer.shape), "")
            detail_before = before[fault.value].detail.partition("；")[0] if fault.value in before else detail
            detail = shape or detail_before
            if must_prove(office, association) and unproven(waiting) >= UNPROVEN_BEFORE_STOP:
                detail += "；已停送 (nothing more is sent)"
        elif fault is DeliveryFault.UNREACHABLE and may_pass(waiting):
            row = before.get(fault.value)
            level = "act" if row is not None and row.since < office.now() - _MAY_LAST else "know"
        yield Trouble(code=fault.value, kind=_KIND, name=association, count=count, detail=detail, level=level)
    dead = [group for group in waiting if group.state is DeliveryState.DEAD]
    if dead:
        count = sum(group.count for group in dead)
        yield Trouble(code=DEAD_LETTERS, kind=_KIND, name=association, count=count, detail=_by_code(dead))


def _by_code(groups: Iterator[WaitingDeliveries] | list[WaitingDeliveries]) -> str:
    counted: dict[str, int] = {}
    for group in groups:
        counted[group.code] = counted.get(group.code, 0) + group.count
    return "、".join(f"{code_in_words(code)} {count}" for code, count in sorted(counted.items()))
