"""What an association confirms and no settlement tells (确诊、身故、期满、急诊并入住院): told, listed, withdrawn; the
claims follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, get_args

import msgspec

from gateway.core.schemes import EMERGENCY_CARE, EMERGENCY_PART
from gateway.errors import BadInput, WrongUse
from gateway.flow.changes.fact_boxes import (
    FactBox,
    destroy_withdrawn,
    groups_paid,
    hold_keys,
    kinds_paid,
    open_box,
    seal_box,
)
from gateway.flow.office import Office
from gateway.flow.people.ledgers import open_person
from gateway.flow.people.reassess import reassess
from gateway.model.benefit import Fact
from gateway.model.member import Member
from gateway.store import engine, facts, members, people, roster, schema
from gateway.store.engine import Tx
from gateway.store.facts import FactRow
from gateway.store.members import MemberRow
from gateway.store.values import from_ms, to_ms

FactKind = Literal["diagnosis", "death", "maturity", "emergency_part"]
KINDS: Final[tuple[FactKind, ...]] = get_args(FactKind)


class FactReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says about a member: on which day; `disease` names a group and goes with a diagnosis only.

    `accident`: a diagnosis or a death that an accident caused. `settlements`: of an `emergency_part` the numbers of the
    settlements of emergency care that belong to the stay after them.
    """

    member_no: str
    kind: FactKind
    on: date
    by: str
    disease: str | None = None
    accident: bool = False
    settlements: tuple[str, ...] = ()


class KnownFact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that stands. It `counts` as long as its member has the id number it was told about, and takes part."""

    fact_id: int
    association: str
    member_no: str
    kind: FactKind
    on: date
    disease: str | None
    by: str
    created_at: str
    counts: bool
    accident: bool = False
    settlements: tuple[str, ...] = ()


class FactList(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in order of number; `more`: there are others behind the last of them; `total`: how many stand in all."""

    facts: list[KnownFact]
    more: bool
    total: int


def record_fact(office: Office, association: str, report: FactReport) -> KnownFact:
    """Write a confirmed fact down and weigh the person's stays again. Said twice it is one fact.

    Raises WrongUse for an unknown association, BadInput (unknown_member, opted_out, not_valid) for a fact that
    cannot be or that no scheme of the association pays at.
    """
    _check(office, association, report)
    with office.store.write() as tx:
        # First the roster, then the person, like every use case that takes both: otherwise two could wait for each
        # other.
        roster.version(tx, [association], hold=True)
        row = _member(tx, association, report.member_no)
        if row.opt_out:
            raise BadInput("opted_out", "会员已选择不参加 (the member has opted out)")
        people.lock(tx, [row.person_id])
        member = office.open_member(row)
        if member.birth_date is not None and report.on < member.birth_date:
            raise BadInput("not_valid", "on 早于出生日期 (before the birth date)")
        standing = _same_fact(tx, office, row, member, report)
        if standing is not None:
            return standing
        if report.kind == EMERGENCY_PART:
            _check_emergency_care(tx, office, row, report.settlements)
        fact = Fact(
            kind=report.kind,
            on=report.on,
            disease=report.disease,
            confirmed=True,
            accident=report.accident,
            settlements=report.settlements,
        )
        box = FactBox(fact=fact, by=report.by, id_number=member.id_number)
        hold_keys(tx)
        [fact_id] = engine.new_ids(tx, schema.fact, 1)
        fact_row = FactRow(
            fact_id=fact_id,
            association=row.association,
            member_id=row.member_id,
            sealed=b"",
            created_at=to_ms(office.now()),
        )
        fact_row = msgspec.structs.replace(fact_row, sealed=seal_box(office, fact_row, box))
        facts.add(tx, fact_row)
        reassess(tx, office, association, {row.person_id})
        return _shown(office, fact_row, row, member)


def withdraw_fact(office: Office, association: str, fact_id: int) -> KnownFact:
    """Take a fact back: its key is destroyed and the person's stays are weighed without it. Returns what it said.

    Raises WrongUse for an unknown association, BadInput (unknown_fact) where no such fact stands.
    """
    _known_association(office, association)
    with office.store.read() as tx:
        fact = facts.by_id(tx, fact_id)
    if fact is None or fact.association != association:
        raise _unknown_fact()
    with office.store.write() as tx:
        # First the roster, then the person, then the fact, like every use case that takes them.
        roster.version(tx, [association], hold=True)
        [row] = members.by_id(tx, [fact.member_id])
        people.lock(tx, [row.person_id])
        standing = facts.by_id(tx, fact_id)
        if standing is None:
            raise _unknown_fact()
        withdrawn = _shown(office, standing, row, office.open_member(row))
        facts.end(tx, [fact_id], now_ms=to_ms(office.now()))
        reassess(tx, office, association, {row.person_id})
    destroy_withdrawn(office)
    return withdrawn


def list_facts(
    office: Office, association: str, *, member_no: str | None = None, after: int = 0, limit: int = 100
) -> FactList:
    """An association's facts that stand, or one member's. Raises WrongUse, BadInput (unknown_member)."""
    _known_association(office, association)
    with office.store.read() as tx:
        if member_no is None:
            rows, total = facts.listing(tx, association, after=after, limit=limit + 1), facts.count(tx, association)
        else:
            members_facts = facts.of_members(tx, [_member(tx, association, member_no).member_id])
            rows, total = [row for row in members_facts if row.fact_id > after][: limit + 1], len(members_facts)
        member_rows = {row.member_id: row for row in members.by_id(tx, {row.member_id for row in rows})}
    open_one = office.vault.opener()
    shown = [
        _shown(office, row, member_rows[row.member_id], office.open_member(member_rows[row.member_id], open_one))
        for row in rows[:limit]
    ]
    return FactList(facts=shown, more=len(rows) > limit, total=total)


def _check(office: Office, association: str, report: FactReport) -> None:
    """Everything about a fact that can be wrong before its member is looked at."""
    _known_association(office, association)
    paid = kinds_paid(office, association)
    if report.kind not in paid:
        allowed = "、".join(sorted(paid)) or "无 (none)"
        raise BadInput("not_valid", f"kind：协会没有据此给付的方案 (no scheme pays at it)；允许 (allowed): {allowed}")
    if report.on > office.now().date():
        raise BadInput("not_valid", "on 晚于今天 (after today)")
    if report.accident and report.kind not in ("diagnosis", "death"):
        raise BadInput("not_valid", "accident 只用于 diagnosis、death (goes with a diagnosis or a death)")
    if bool(report.settlements) != (report.kind == EMERGENCY_PART):
        raise BadInput("not_valid", f"settlements 用于且只用于 {EMERGENCY_PART} (goes with that kind, and only there)")
    groups = groups_paid(office, association)
    if report.kind != "diagnosis":
        if report.disease is not None:
            raise BadInput("not_valid", "disease 只用于 diagnosis (goes with a diagnosis only)")
    elif report.disease not in groups:
        what = "缺失 (missing)" if report.disease is None else "未知的病种 (unknown group)"
        raise BadInput("not_valid", f"disease：{what}；允许 (allowed): {'、'.join(sorted(groups))}")


def _known_association(office: Office, association: str) -> None:
    if association not in office.associations:
        raise WrongUse(f"没有协会 {association}；已有：{sorted(office.associations)} (unknown association)")


def _unknown_fact() -> BadInput:
    return BadInput("unknown_fact", "没有这项事实，或已撤回 (no such fact, or withdrawn before)")


def _member(tx: Tx, association: str, member_no: str) -> MemberRow:
    rows = members.by_number(tx, association, [member_no])
    if not rows:
        raise BadInput("unknown_member", "没有这个会员号 (no such member number)")
    return rows[0]


def _same_fact(tx: Tx, office: Office, row: MemberRow, member: Member, report: FactReport) -> KnownFact | None:
    """The fact that says the same already. Raises BadInput where another one tells another day of death."""
    for fact in facts.of_members(tx, [row.member_id]):
        box = open_box(office, fact)
        if not box.is_about(member) or box.fact.kind != report.kind:
            continue
        if _says_the_same(box.fact, report):
            return _shown(office, fact, row, member)
        if report.kind == "death":
            raise BadInput(
                "not_valid", f"已登记身故而内容不同，请先撤回第{fact.fact_id}号 (withdraw the other one first)"
            )
    return None


def _says_the_same(fact: Fact, report: FactReport) -> bool:
    """Whether a standing fact of the same kind says what is reported, whatever day emergency care was found on."""
    if report.kind == EMERGENCY_PART:
        return set(fact.settlements) == set(report.settlements)
    return (fact.on, fact.disease, fact.accident) == (report.on, report.disease, report.accident)


def _check_emergency_care(tx: Tx, office: Office, row: MemberRow, numbers: Sequence[str]) -> None:
    """Raises BadInput (not_valid) where one of these is no settlement of the person's emergency care, BrokenSeal where
    a record does not open and is waited for."""
    person = open_person(tx, office, row.association, row.person_id)
    told = [held.record for held in person.records if held.record is not None]
    care = {record.settlement_no for record in told if record.care_type == EMERGENCY_CARE and not record.reversal}
    unknown = [f"第{at}个" for at, number in enumerate(numbers, start=1) if number not in care]
    if unknown:
        where = "、".join(unknown)
        raise BadInput("not_valid", f"settlements：{where}不是此人的急诊结算 (no emergency care of this person)")


def _shown(office: Office, fact: FactRow, row: MemberRow, member: Member) -> KnownFact:
    box = open_box(office, fact)
    return KnownFact(
        fact_id=fact.fact_id,
        association=fact.association,
        member_no=row.member_no,
        kind=box.fact.kind,
        on=box.fact.on,
        disease=box.fact.disease,
        by=box.by,
        created_at=from_ms(fact.created_at).isoformat(),
        counts=box.is_about(member),
        accident=box.fact.accident,
        settlements=box.fact.settlements,
    )
