"""The states of what is stored, in the words of the database, and which of them may follow which."""

from __future__ import annotations

from typing import Literal, TypeAlias

PageState: TypeAlias = Literal["stored", "done", "bad", "expired"]
"""stored → done (every row is counted) | bad (it cannot be read). Both → stored, when the page is to be worked again.
Every page ends expired, when its bytes are let go."""

ItemState: TypeAlias = Literal["open", "decided", "closed", "superseded", "expired"]
"""Of what waits for a person. open → decided (a question was answered) | closed (its row was read again) | superseded
(its record came again) | expired (its page is gone). decided → open, when the answer is undone; closed or decided →
open, when the row is in doubt again: a question keeps its number. What is in quarantine is never decided."""

QuestionKind: TypeAlias = Literal[
    "match", "takeback", "decided_before", "contradiction", "refund", "repeat", "changed", "hold", "approval"
]
"""What a person is asked: whose a row is; whether a file may take back so much; what to do about a claim that was
decided before; what to make of facts and records that contradict each other; which settlement a refund takes back;
whether a bill tells a stay again that another one told; whether a row may replace what stands under its number; whether
an association means an approval above its claim. A row in a hold (hold) is nothing a person is asked about by itself:
the hold is accepted or refused."""

AnswerState: TypeAlias = Literal["noted", "proposed", "confirmed", "overtaken", "done", "undone"]
"""Of what a person said to a question. noted: not sure. proposed (a second person must agree) → confirmed | overtaken.
done → overtaken (by another answer, or by a change of the member) | undone."""
