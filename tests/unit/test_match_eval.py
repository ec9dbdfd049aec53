"""Figures about the matching: against a naive count, at the edges, and the same whatever the order."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.matching_chart import calibration_chart
from gateway.core.match.measuring.evaluating import EDGES, SHOWN, Evaluation, Label, MatchAnswer, evaluate

MEMBERS = ("M1", "M2", "M3")
CASES = st.lists(
    st.tuples(
        st.sampled_from([None, *MEMBERS]),
        st.sampled_from([None, True, False]),
        st.booleans(),
        st.sampled_from(["matched", "review", "none"]),
        st.sampled_from(MEMBERS),
        st.floats(0, 1),
        st.sampled_from(["clean", "twin"]),
    ),
    max_size=40,
)
Case = tuple[str | None, bool | None, bool, str, str, float, str]


def written(cases: list[Case]) -> tuple[list[Label], list[tuple[str | None, MatchAnswer]]]:
    labels, answers = [], []
    for index, (member, automatic, review, outcome, guess, score, kind) in enumerate(cases):
        number = f"S{index}"
        labels.append(
            Label(settlement_no=number, member_no=member, automatic=automatic, review=review, kind=kind, also=("M3",))
        )
        candidate = None if outcome == "none" else guess
        answers.append((number, MatchAnswer(outcome=outcome, member_no=candidate, score=score)))
    return labels, answers


def is_right(case: Case) -> bool:
    """M3 is another number of whoever the label names."""
    return case[0] is not None and case[4] in (case[0], "M3")


@given(CASES)
def test_the_figures_are_those_of_a_naive_count(cases: list[Case]) -> None:
    total = evaluate(*written(cases)).total
    matched = [case for case in cases if case[3] == "matched"]
    right = [case for case in matched if is_right(case)]
    own = [case for case in cases if case[0] is not None]
    reviewed = [case for case in cases if case[3] == "review"]
    allowed = [case for case in own if case[1] is not False]
    assert (total.records, total.members, total.allowed) == (len(cases), len(own), len(allowed))
    assert (total.right, total.false) == (len(right), len(matched) - len(right))
    assert total.precision == (len(right) / len(matched) if matched else None)
    assert total.recall == (sum(case[1] is not False for case in right) / len(allowed) if allowed else None)
    reached = len(right) + sum(map(is_right, reviewed))
    assert total.reached == (reached / len(own) if own else None)
    assert total.review_share == (len(reviewed) / len(cases) if cases else None)


@given(CASES, st.integers(0, 99))
def test_neither_order_nor_kinds_change_the_sum(cases: list[Case], seed: int) -> None:
    labels, answers = written(cases)
    one = evaluate(labels, answers)
    random.Random(seed).shuffle(labels)
    random.Random(seed + 1).shuffle(answers)
    other = evaluate(labels, answers)
    assert (one.total, one.kinds, sorted(one.false_matches)) == (other.total, other.kinds, sorted(other.false_matches))
    for name in ("records", "right", "false", "review", "allowed"):
        assert getattr(one.total, name) == sum(getattr(tally, name) for tally in one.kinds.values())


@given(CASES)
def test_every_candidate_stands_in_one_bin(cases: list[Case]) -> None:
    evaluation = evaluate(*written(cases))
    asked = [case for case in cases if case[3] != "none"]
    assert sum(each.records for each in evaluation.calibration) == len(asked)
    for each in evaluation.calibration:
        last = each.high == EDGES[-1]
        inside = [case for case in asked if each.low <= case[5] < each.high or (last and case[5] == each.high)]
        assert (each.records, each.right) == (len(inside), sum(map(is_right, inside)))
        assert each.matched == sum(case[3] == "matched" for case in inside)


def test_what_has_no_label_counts_nowhere_and_what_has_no_record_is_missed() -> None:
    labels = [Label(settlement_no="S1", member_no="M1"), Label(settlement_no="S2", member_no="M2")]
    answers = [
        ("S1", MatchAnswer(outcome="matched", member_no="M1", score=1.0)),
        ("S9", MatchAnswer()),
        (None, MatchAnswer()),
    ]
    evaluation = evaluate(labels, answers)
    assert (evaluation.unlabelled, evaluation.unanswered) == (2, 1)
    assert evaluation.total.recall == 0.5


def test_false_matches_are_named_up_to_a_number() -> None:
    labels = [Label(settlement_no=f"S{index}") for index in range(SHOWN + 5)]
    answers = [(each.settlement_no, MatchAnswer(outcome="matched", member_no="M1", score=1.0)) for each in labels]
    evaluation = evaluate(labels, answers)
    assert evaluation.total.false == SHOWN + 5
    assert evaluation.false_matches == tuple(f"S{index}" for index in range(SHOWN))


@pytest.fixture
def evaluation() -> Evaluation:
    labels = [Label(settlement_no="S1", member_no="M1"), Label(settlement_no="S2")]
    answers = [
        ("S1", MatchAnswer(outcome="matched", member_no="M1", score=1.0)),
        ("S2", MatchAnswer(outcome="review", member_no="M1", score=0.6)),
    ]
    return evaluate(labels, answers)


def test_the_chart_is_a_picture_and_nothing_else(evaluation: Evaluation) -> None:
    chart = calibration_chart(evaluation.calibration, "7")
    root = ET.fromstring(chart)
    assert root.tag.endswith("svg")
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert b"0.5\xe2\x80\x930.7 (1)" in chart
    assert chart.count(b"http") == chart.count(b"http://www.w3.org/")
    assert chart == calibration_chart(evaluation.calibration, "7")
