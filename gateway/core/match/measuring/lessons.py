"""Lessons (训练材料): a roster, errors made over it, labelled records → pairs counted → the next model version.

Pure: errors and chance are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from gateway.core.match import Model
from gateway.core.match.blocks import number_looked_up
from gateway.core.match.measuring.evaluating import Label
from gateway.core.match.measuring.training import Counted, Lesson, Levels, OnNumber, count, levels_of, train
from gateway.core.match.measuring.trying import candidate_of, read_line
from gateway.core.roster import RosterMember
from gateway.errors import BadInput
from gateway.model.decision import Candidate

MOST_OF_EACH: Final = 300
"""So many records of every kind of error are made, fewer over a small roster."""

MOST_OTHERS: Final = 60_000
"""So many pairs of two different people are drawn, fewer from a small roster."""

_GENERATED: Final = 1_000
"""The generated errors count as much as so many labelled records."""


class Lessons(msgspec.Struct, frozen=True, kw_only=True):
    """What a training learns from. `labelled`: records with their labels; `share`: of members' among them.
    `count_names`: whether the roster's names are those of real people, and tell how common each is."""

    people: Sequence[RosterMember]
    labelled: Sequence[tuple[bytes, Label]] = ()
    decisions: Sequence[Lesson] = ()
    share: float = 0.25
    seed: int = 1
    count_names: bool = True

    @property
    def enrolled(self) -> list[RosterMember]:
        """The members a model may learn from. Raises BadInput where they are fewer than two."""
        members = [member for member in self.people if not member.opt_out]
        if len(members) < 2:
            raise BadInput("roster_too_small", "名册中可用的会员不足两名 (fewer than two members to train on)")
        return members

    @property
    def of_each_error(self) -> int:
        """How many records of every kind of error are made."""
        return max(40, min(MOST_OF_EACH, len(self.enrolled) // 5))


class GeneratedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record with an error made over the roster: its JSON line, its member's place among those enrolled, and the
    share of life it stands for."""

    line: bytes
    place: int
    weight: float


def next_model(
    current: Model,
    lessons: Lessons,
    version: str,
    *,
    spoiled: Sequence[GeneratedRecord],
    misused: Sequence[GeneratedRecord],
    below: Callable[[int], int],
) -> Model:
    """The next version of the model. `spoiled`: the members' own records with errors; `misused`: of people who use
    their cards; `below(n)` draws a number from 0 to n - 1."""
    members = [candidate_of(member, index, index) for index, member in enumerate(lessons.enrolled, 1)]
    same = list(_same(current, members, spoiled))
    by_number = {member.member_no: member for member in members}
    for line, label in lessons.labelled:
        read, member = read_line(line), by_number.get(label.member_no or "")
        if read is not None and member is not None:
            same.append((levels_of(read[1], member, current), 1.0))
    return train(
        current,
        version=version,
        same=count(same),
        other=_others(current, members, spoiled, below),
        members=members,
        lessons=lessons.decisions,
        members_share=lessons.share,
        on_number=_on_number(current, members, spoiled, misused, lessons),
        count_names=lessons.count_names,
    )


def next_version(versions: Iterable[str]) -> str:
    """The whole number after the greatest first part there is."""
    return str(1 + max((int(version.split(".")[0]) for version in versions), default=0))


def labelled_lines(labels: Iterable[Label], records: Iterable[bytes]) -> tuple[list[tuple[bytes, Label]], float]:
    """The records that have a label, with it, and the share of members' among them."""
    truth = {label.settlement_no: label for label in labels}
    found: list[tuple[bytes, Label]] = []
    for line in records:
        read = read_line(line)
        label = truth.get(read[0] or "") if read else None
        if label is not None:
            found.append((line, label))
    members = sum(label.member_no is not None for _, label in found)
    return found, members / len(found) if found else 0.0


def _same(
    model: Model, members: Sequence[Candidate], generated: Iterable[GeneratedRecord]
) -> Iterator[tuple[Levels, float]]:
    for record in generated:
        read = read_line(record.line)
        if read is not None:
            yield levels_of(read[1], members[record.place], model), record.weight * _GENERATED


def _on_number(
    model: Model,
    members: Sequence[Candidate],
    generated: Iterable[GeneratedRecord],
    misused: Iterable[GeneratedRecord],
    lessons: Lessons,
) -> OnNumber:
    """Records under a member's very number: his, and those of people who used his card."""
    own = [pair for pair in _same(model, members, generated) if pair[0]["id_number"] == "equal"]
    # The weights of the misused are shares of the records that are not members'.
    times = (1 - lessons.share) / lessons.share
    others = [(levels, weight * times) for levels, weight in _same(model, members, misused)]
    holders = {member.id_number: member for member in members}
    for line, label in lessons.labelled:
        read = read_line(line)
        holder = holders.get(number_looked_up(read[1].id_type, read[1].id_number or "")) if read else None
        if read is not None and holder is not None:
            kept = own if holder.member_no in label.members else others
            kept.append((levels_of(read[1], holder, model), 1.0))
    return OnNumber(own=count(own), others=count(others))


def _others(
    model: Model, members: Sequence[Candidate], generated: Sequence[GeneratedRecord], below: Callable[[int], int]
) -> Counted:
    """Records against members they are not about, drawn blindly; a rare error counts as little as it does in life."""
    subjects = [
        (read[1], record.place, record.weight) for record in generated if (read := read_line(record.line)) is not None
    ]

    def pairs() -> Iterator[tuple[Levels, float]]:
        for _ in range(min(MOST_OTHERS, 30 * len(members))):
            (subject, place, weight), member = subjects[below(len(subjects))], members[below(len(members))]
            if members[place].id_number != member.id_number:
                yield levels_of(subject, member, model), weight

    return count(pairs())


def described(lessons: Lessons) -> str:
    """How the numbers were found, for the file."""
    learnt = (
        f"会员 {len(lessons.people)} 名 (members)，标注记录 {len(lessons.labelled)} 条 (labelled records)，"
        f"人工复核结论 {len(lessons.decisions)} 条 (decisions)，种子 (seed) {lessons.seed}。"
    )
    return "\n".join(
        (
            "由 hubao match train 估计 (estimated by hubao match train)。",
            learnt,
            f"m：每种差错在名册上各生成至多 {MOST_OF_EACH} 条记录，按实际比例加权，合计相当于 {_GENERATED} 条标注记录",
            "(errors generated over the roster, weighed as in life, together worth so many labelled records)。",
            "same_number：会员本人号码下的记录，本人的(m)与他人冒用的(u)；冒用由名册生成，按实际比例加权",
            "(records under a member's own number: his, or of somebody who uses his card, generated as in life)。",
            "u：姓名、出生日期、单位、手机完全相同的机会取自名册本身，其余取自随机配对；出现不足 10 次的等级沿用上一版",
            "(exact agreement by chance from the roster, the rest from random pairs; rarer levels as before)。",
            "阈值 matched、review 沿用上一版 (thresholds as before)。",
        )
    )
