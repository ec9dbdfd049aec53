"""The ways taken for speed answer as the long ways do: one settlement alone, and the plans of an edition."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from schemes_builders import family
from test_schemes_properties import histories, members, settlements

from gateway.core.schemes import Insured, SchemeFamily, assess
from gateway.core.schemes.assessing import assessed
from gateway.model.record import SettlementRecord


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_settlement_alone_is_worth_what_it_is_among_others(data: st.DataObject) -> None:
    member, record = data.draw(members()), data.draw(settlements("S0"))
    explained = data.draw(st.booleans())
    assert (
        assess(member, [record], family(), explained=explained)
        == (assessed(member, [record], family(), explained=explained)[0])
    )


@settings(max_examples=150, deadline=None)
@given(members(), histories())
def test_plans_leave_no_benefit_out_and_bring_none_in(member: Insured, records: list[SettlementRecord]) -> None:
    assert assess(member, records, family()) == assess(member, records, _asking_all(family()))


def test_a_plan_asks_neither_for_care_nor_for_first_or_later() -> None:
    edition = family().editions[-1]
    names = {care: [one.name for one in edition.plans[care, True]] for care in ("inpatient", "outpatient_special")}
    assert names == {"inpatient": ["subsidy", "allowance"], "outpatient_special": ["subsidy"]}
    assert [one.name for one in edition.plans["inpatient", False]] == ["subsidy"]
    assert all(not one.conditions for one in edition.plans["inpatient", True])


def _asking_all(one: SchemeFamily) -> SchemeFamily:
    """The family with editions that have no plans, so that every condition is asked of every unit."""
    editions = tuple(msgspec.structs.replace(edition) for edition in one.editions)
    for edition in editions:
        msgspec.structs.force_setattr(edition, "plans", {})
    return msgspec.structs.replace(one, editions=editions)
