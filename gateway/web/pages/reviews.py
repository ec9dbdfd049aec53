"""待核: doubts before a person. The pair side by side, what speaks for and against, what each answer would do in yuan;
one key decides and goes on to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Form, Query, Response

from gateway.core.accounts.rights import Right
from gateway.core.reviewing import ANSWERS
from gateway.errors import BadInput
from gateway.flow.reviewing import show as reviewing
from gateway.flow.reviewing.decide import ReviewAnswer, decide, undo
from gateway.flow.reviewing.foreseen import foresee
from gateway.model.states import ItemState, QuestionKind
from gateway.web.pages.charts import waterfall
from gateway.web.pages.fields import ROWS, a_number, one_of
from gateway.web.pages.filters import address, chinese
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs
from gateway.web.session import page_of
from gateway.words.claims import CLAIM_STATES, FLAGS, OUTCOMES
from gateway.words.evidence import FIELDS, LEVELS, all_in_words, score_in_words
from gateway.words.holds import MOVES
from gateway.words.records import CARE, field_in_words, value_in_words
from gateway.words.reviews import ITEM_KINDS, ITEM_STATES, SETTLEMENT, SPOKEN, answer_words

router = APIRouter(prefix="/reviews", route_class=ErrorPageRoute, include_in_schema=False)

_KEYS: Final[Mapping[str, str]] = {"unsure": "3", "same": "1", "agree": "1", "noted": "1", "original": "1", "keep": "1"}
_SECOND_KEYS: Final[Mapping[str, str]] = {"different": "2", "refuse": "2", "none": "2", "take": "2", "both": "4"}


def _chosen(
    kind: str | None = None, association: str | None = None, state: str | None = None
) -> tuple[dict[str, str | None], dict[str, Any]]:
    """The filters of the list, as they stand in the address and as the list is asked."""
    kind, state = one_of(kind, ITEM_KINDS), one_of(state, ITEM_STATES)
    filters = {"kind": kind, "association": association, "state": state}
    return filters, {
        "kind": cast("QuestionKind | None", kind),
        "association": association,
        "state": cast("ItemState", state or "open"),
    }


@router.get("")
def list_items(
    at: Annotated[Sitting, needs(Right.REVIEWS)],
    kind: Annotated[str | None, Query(max_length=20)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[str | None, Query(max_length=18)] = None,
) -> Response:
    """What waits, newest first."""
    filters, question = _chosen(kind, at.one_association(association), state)
    items, total = reviewing.list_older(at.office, **question, below=a_number(after), limit=ROWS + 1)
    return at.page(
        "reviews.html",
        rows=items[:ROWS],
        total=total,
        next=items[ROWS - 1]["item_id"] if len(items) > ROWS else None,
        filters=filters,
        after=after,
        kinds=ITEM_KINDS,
        states=ITEM_STATES,
        reasons=all_in_words,
    )


@router.get("/{item_id}")
def show_item(
    at: Annotated[Sitting, needs(Right.REVIEWS)],
    item_id: int,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
    score: bool = False,
) -> Response:
    """One doubt, masked."""
    return _item_page(at, item_id, reviewing.show(at.office, item_id), kind=kind, association=association, score=score)


@router.post("/{item_id}/reveal")
def reveal_item(
    at: Annotated[Sitting, needs(Right.REVIEWS_REVEAL)],
    item_id: int,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """The same with plain values; that somebody looked is written down first."""
    at.in_scope(reviewing.show(at.office, item_id)["association"])
    shown = reviewing.reveal(at.office, item_id, by=at.viewer.account, page=page_of(at.request))
    return _item_page(at, item_id, shown, kind=kind, association=association)


def _item_page(
    at: Sitting, item_id: int, shown: dict[str, Any], *, kind: str | None, association: str | None, score: bool = False
) -> Response:
    at.in_scope(shown["association"])
    filters, question = _chosen(kind, association or shown["association"])
    may_decide = shown["state"] == "open" and at.may(Right.REVIEWS_DECIDE) and bool(ANSWERS[shown["kind"]])
    return at.page(
        "review.html",
        item=shown,
        score=score,
        filters=filters,
        neighbours=_neighbours(at, item_id, question),
        effects=_effects(at, shown) if may_decide else [],
        waterfall=waterfall(_steps(shown.get("evidence", ()))),
        settlement=_settlement(shown.get("settlement")),
        may_undo=at.may(Right.REVIEWS_DECIDE) and _has_decision(shown),
        words=_WORDS,
    )


def _neighbours(at: Sitting, item_id: int, question: Mapping[str, Any]) -> dict[str, int | None]:
    """The items before and behind this one in the list one came from."""
    older, _ = reviewing.list_older(at.office, **question, below=item_id, limit=1)
    newer = reviewing.list_items(at.office, **question, after=item_id, limit=1)
    return {
        "older": older[0]["item_id"] if older else None,
        "newer": newer[0]["item_id"] if newer else None,
    }


def _effects(at: Sitting, shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each answer with its key, its words and what it would do."""
    answers = [answer for answer in ANSWERS[shown["kind"]] if answer not in ("unsure", "original")]
    about = [candidate["member_id"] for candidate in shown.get("candidates", ())]
    foreseen = foresee(at.office, shown["item_id"], answers, by=at.viewer.account, about=about)
    effects = {effect.answer: effect for effect in foreseen}
    return [
        {
            "answer": answer,
            "words": answer_words(shown["kind"], answer),
            "key": _KEYS.get(answer) or _SECOND_KEYS[answer],
            "effect": effects.get(answer),
        }
        for answer in ANSWERS[shown["kind"]]
    ]


def _steps(evidence: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, float, float]]:
    return [
        (
            FIELDS.get(step["field"], step["field"]),
            LEVELS.get(step["level"], step["level"]),
            step["weight"],
            step["running"],
        )
        for step in evidence
    ]


def _settlement(settlement: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What is known of the settlement in doubt besides who it is about."""
    stated = dict(settlement or {})
    wrong = [f"{field_in_words(error['field'])}：{chinese(error['message'])}" for error in stated.pop("errors", ())]
    if stated.get("care_type"):
        stated["care_type"] = CARE.get(stated["care_type"], stated["care_type"])
    stated["reversal"] = "是" if stated.get("reversal") else None
    rows = [(SETTLEMENT.get(key, key), str(value)) for key, value in stated.items() if value]
    return rows + [("有误", text) for text in wrong]


def _has_decision(shown: Mapping[str, Any]) -> bool:
    states = [decision["state"] for decision in shown["decisions"]]
    return "proposed" in states if shown["state"] == "open" else "done" in states


_WORDS: Final = {
    "kinds": ITEM_KINDS,
    "states": ITEM_STATES,
    "spoken": SPOKEN,
    "moves": MOVES,
    "claims": CLAIM_STATES,
    "outcomes": OUTCOMES,
    "flags": FLAGS,
    "answer": answer_words,
    "reasons": all_in_words,
    "score": score_in_words,
    "value": value_in_words,
}


@router.post("/{item_id}/decide")
def decide_item(
    at: Annotated[Sitting, needs(Right.REVIEWS_DECIDE)],
    item_id: int,
    answer: Annotated[str, Form(max_length=20)],
    member_no: Annotated[str, Form(max_length=40)] = "",
    settlement_no: Annotated[str, Form(max_length=80)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
    join: Annotated[str, Form(max_length=3)] = "",
    although_different: Annotated[str, Form(max_length=3)] = "",
    confirm: Annotated[str, Form(max_length=3)] = "",
    kind: Annotated[str | None, Query(max_length=20)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Carry out an answer and go on to the next; confirming another's proposal wants its own right."""
    shown = reviewing.show(at.office, item_id)
    at.in_scope(shown["association"])
    if answer not in ANSWERS[shown["kind"]]:
        raise BadInput("not_valid", "这类事项不能这样答 (no answer of this kind)")
    if confirm:
        at.require(Right.REVIEWS_SECOND)
    filters, question = _chosen(kind, association or shown["association"])
    neighbours = _neighbours(at, item_id, question)
    reply = ReviewAnswer(
        answer=answer,
        by=at.viewer.account,
        member_no=member_no.strip() or None,
        join=bool(join),
        although_different=bool(although_different),
        confirm=bool(confirm),
        settlement_no=settlement_no.strip() or None,
        note=note.strip() or None,
    )
    decide(at.office, item_id, reply, association=shown["association"])
    place = neighbours["older"] or neighbours["newer"]
    path = f"/reviews/{place}" if place is not None else "/reviews"
    return at.back(address(path, filters, done="decided", last=item_id))


@router.post("/{item_id}/undo")
def undo_item(
    at: Annotated[Sitting, needs(Right.REVIEWS_DECIDE)],
    item_id: int,
    note: Annotated[str, Form(max_length=2000)] = "",
    kind: Annotated[str | None, Query(max_length=20)] = None,
    association: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Take a decision back, with all that followed."""
    shown = reviewing.show(at.office, item_id)
    at.in_scope(shown["association"])
    undo(at.office, item_id, by=at.viewer.account, note=note.strip() or None, association=shown["association"])
    filters, _ = _chosen(kind, association or shown["association"])
    return at.back(address(f"/reviews/{item_id}", filters, done="undone"))
