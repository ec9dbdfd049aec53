"""What keeps claims from an association, concluded from what waits."""

from __future__ import annotations

import pytest

from gateway.core.claims.delivering import DeliveryFault, fault_of, faults, may_pass, unproven
from gateway.model.claim import DeliveryState, WaitingDeliveries

UNREACHABLE, ADDRESS, UNPROVEN = DeliveryFault.UNREACHABLE, DeliveryFault.ADDRESS, DeliveryFault.UNPROVEN
CODES = [
    ("no_connection", UNREACHABLE),
    ("no_answer", UNREACHABLE),
    ("folder_not_writable", UNREACHABLE),
    ("http_500", UNREACHABLE),
    ("http_503", UNREACHABLE),
    ("http_408", UNREACHABLE),
    ("http_425", UNREACHABLE),
    ("http_429", UNREACHABLE),
    ("http_301", ADDRESS),
    ("http_302", ADDRESS),
    ("http_400", ADDRESS),
    ("http_404", ADDRESS),
    ("http_421", ADDRESS),
    ("http_101", ADDRESS),
    ("unproven/empty", UNPROVEN),
    ("cannot_be_asked", None),
    ("confirmed#12", None),
    ("unreadable", None),
    ("internal", None),
    ("handed_over", None),
    ("", None),
]


@pytest.mark.parametrize(("code", "fault"), CODES)
def test_the_fault_behind_a_code(code: str, fault: DeliveryFault | None) -> None:
    assert fault_of(code) is fault


def waiting(
    code: str, count: int = 1, *, attempts: int = 1, state: DeliveryState = DeliveryState.PENDING
) -> WaitingDeliveries:
    return WaitingDeliveries(state=state, code=code, count=count, attempts=attempts)


def test_faults_are_counted_by_kind() -> None:
    groups = [waiting("http_404", 2), waiting("http_301", 3), waiting("no_answer", 4), waiting("unproven/html", 5)]
    assert faults(groups, answered=False) == {UNREACHABLE: 4, ADDRESS: 5, UNPROVEN: 5}


@pytest.mark.parametrize(("attempts", "answered", "count"), [(2, False, 1), (2, True, 0), (3, True, 1), (3, False, 1)])
def test_a_connection_that_failed_is_no_news_where_others_got_through(
    attempts: int, answered: bool, count: int
) -> None:
    assert faults([waiting("no_answer", attempts=attempts)], answered=answered).get(UNREACHABLE, 0) == count


def test_dead_letters_are_counted_elsewhere_except_as_answers_that_proved_nothing() -> None:
    groups = [waiting("unproven/empty", 7, state=DeliveryState.DEAD), waiting("no_answer", state=DeliveryState.DEAD)]
    assert faults(groups, answered=False) == {}
    assert unproven(groups) == 7


@pytest.mark.parametrize(("count", "attempts", "passing"), [(1, 1, True), (2, 2, True), (3, 1, False), (1, 3, False)])
def test_a_claim_or_two_that_were_tried_little_may_get_through_yet(count: int, attempts: int, passing: bool) -> None:
    groups = [waiting("no_connection", count, attempts=attempts), waiting("http_404", 9, attempts=9)]
    assert may_pass(groups) is passing
