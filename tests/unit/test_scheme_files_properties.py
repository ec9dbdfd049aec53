"""What holds for every scheme file in config/schemes, an administrator's own included."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schemes_builders import SCHEMES

from gateway.core.schemes import Edition, Insured, OtherPayment, SchemeFamily, assess, ledger
from gateway.core.schemes.language.rules import ShareBenefit
from gateway.model.benefit import BenefitEstimate, Fact
from gateway.model.member import Coverage
from gateway.model.money import Money
from gateway.model.record import AMOUNT_FIELDS, CARE_TYPES, SettlementRecord
from gateway.settings.schemes import load_families

FAMILIES = load_families(SCHEMES)
EDITIONS = [(name, edition.name) for name, family in FAMILIES.items() for edition in family.editions]
SHANGHAI = timezone(timedelta(hours=8))
FEN = st.sampled_from([0, 1, 99, 20_000, 49_999, 50_000, 199_999, 200_000, 500_000, 4_000_000]) | st.integers(
    0, 60_000_000
)
each_scheme = pytest.mark.parametrize("scheme", sorted(FAMILIES))
each_edition = pytest.mark.parametrize(("scheme", "name"), EDITIONS)


def edition_of(family: SchemeFamily, name: str) -> Edition:
    return next(edition for edition in family.editions if edition.name == name)


@st.composite
def members(draw: st.DrawFn, family: SchemeFamily) -> Insured:
    first = draw(st.sampled_from([edition.starts for edition in family.editions]))
    first += timedelta(days=draw(st.integers(-3, 200)))
    periods = []
    for _ in range(draw(st.integers(1, 3))):
        last = first + timedelta(days=draw(st.sampled_from([364, 364, 90, 1094])))
        periods.append(Coverage(first_day=first, last_day=last))
        first = last + timedelta(days=draw(st.sampled_from([1, 1, 5, 20])))
    return Insured(
        category=draw(st.sampled_from(["active", "retired"])),
        sex=draw(st.sampled_from(["M", "F", None])),
        birth_date=date(1975, 5, 1),
        coverage=tuple(periods),
        shares=draw(st.integers(1, 3)),
        insured=draw(st.sampled_from([True, True, False])),
    )


def a_day(draw: st.DrawFn, member: Insured) -> date:
    period = draw(st.sampled_from(member.coverage))
    return period.first_day + timedelta(days=draw(st.integers(-40, 420)))


@st.composite
def settlements(draw: st.DrawFn, family: SchemeFamily, member: Insured, number: str) -> SettlementRecord:
    first = a_day(draw, member)
    last = first + timedelta(days=draw(st.sampled_from([0, 1, 4, 12, 40])))
    amounts: dict[str, Any] = {name: Money(draw(FEN)) for name in ("in_scope_amount", "total_amount")}
    for name in AMOUNT_FIELDS:
        amounts.setdefault(name, Money(draw(st.sampled_from([0, 30_000, 250_000]))))
    codes = [group.prefixes[0] for group in family.disease_groups if group.prefixes] + ["I10", "S72"]
    return SettlementRecord(
        settlement_no=number,
        visit_no=draw(st.sampled_from(["V1", None, None])),
        facility_no=draw(st.sampled_from(["H1", "H2"])),
        facility_level=draw(st.sampled_from(["1", "2", "3", None])),
        care_type=draw(st.sampled_from(sorted(family.units) * 3 + list(CARE_TYPES))),
        insurance_type=draw(st.sampled_from([*sorted(family.insurance_types), None, "510"])),
        care_region=draw(st.sampled_from(["150102", "110101", None])),
        insured_region="150102",
        admitted_on=first,
        discharged_on=last,
        settled_at=datetime(last.year, last.month, last.day, 10, tzinfo=SHANGHAI),
        inpatient_days=draw(st.sampled_from([None, 0, 3, 35])),
        diagnosis_codes=(draw(st.sampled_from(codes)),),
        **amounts,
    )


@st.composite
def facts(draw: st.DrawFn, family: SchemeFamily, member: Insured) -> tuple[Fact, ...]:
    groups = [group.name for group in family.disease_groups]
    kinds = ["death", "maturity"] + (["diagnosis"] * 3 if groups else [])
    found = []
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        disease = draw(st.sampled_from(groups)) if kind == "diagnosis" else None
        day = draw(st.sampled_from([member.coverage[-1].last_day, a_day(draw, member)]))
        found.append(Fact(kind=kind, on=day, disease=disease, confirmed=draw(st.booleans())))  # type: ignore[arg-type]
    return tuple(found)


def plain(estimate: BenefitEstimate) -> tuple[object, ...]:
    return tuple(getattr(estimate, name) for name in estimate.__struct_fields__ if name != "record_keys")


@each_scheme
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_payable_lies_between_nothing_and_every_cap(scheme: str, data: st.DataObject) -> None:
    family = FAMILIES[scheme]
    member = data.draw(members(family))
    records = [data.draw(settlements(family, member, f"S{at}")) for at in range(data.draw(st.integers(0, 5)))]
    told = data.draw(facts(family, member))
    estimates = assess(member, records, family, facts=told)
    for estimate in estimates:
        assert estimate.payable >= 0
        assert sum(line.amount for line in estimate.lines) == estimate.payable
        assert all(line.article and line.text for line in estimate.lines)
    books = ledger(member, records, family, facts=told)
    assert books.paid == sum(estimate.payable for estimate in estimates)
    for use in [use for period in books.periods for use in period.caps] + list(books.lifetime):
        assert 0 <= use.used <= use.limit
    paid: Counter[date | None] = Counter()
    for estimate in estimates:
        paid[estimate.period_from] += estimate.payable
    for period in books.periods:
        assert paid[period.first] == period.paid


@each_scheme
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_order_of_records_and_facts_does_not_matter(scheme: str, data: st.DataObject) -> None:
    family = FAMILIES[scheme]
    member = data.draw(members(family))
    records = [data.draw(settlements(family, member, f"S{at}")) for at in range(data.draw(st.integers(2, 5)))]
    told = data.draw(facts(family, member))
    other = data.draw(st.sampled_from([*FAMILIES, "elsewhere"]))
    other_payments = [OtherPayment(scheme=other, settlements=(records[0].settlement_no,), payable=12_345)]
    expected = assess(member, records, family, facts=told, other_payments=other_payments)
    shuffled = data.draw(st.permutations(records))
    found = assess(member, shuffled, family, facts=data.draw(st.permutations(told)), other_payments=other_payments)
    assert [plain(one) for one in found] == [plain(one) for one in expected]
    stands = Counter(number for one in expected for number in one.settlements)
    assert stands == Counter(record.settlement_no for record in records)
    silent = assess(member, records, family, facts=told, other_payments=other_payments, explained=False)
    assert [(one.payable, one.flags, one.assumed) for one in silent] == [
        (one.payable, one.flags, one.assumed) for one in expected
    ]
    assert all(not line.text for one in silent for line in one.lines if line.rule != "decided")


def one_stay(edition: Edition, family: SchemeFamily, **amounts: int) -> tuple[Insured, SettlementRecord]:
    """A stay in the middle of a period, of an inpatient where the scheme knows any."""
    first = edition.starts + timedelta(days=60)
    care = "inpatient" if "inpatient" in family.units else next(iter(family.units), "inpatient")
    record = SettlementRecord(
        settlement_no="S1",
        visit_no="V1",
        facility_no="H1",
        care_type=care,
        insurance_type=next(iter(family.insurance_types), None),
        admitted_on=first,
        discharged_on=first + timedelta(days=5),
        settled_at=datetime(first.year, first.month, first.day, 10, tzinfo=SHANGHAI) + timedelta(days=5),
        **{name: Money(amounts.get(name, 0)) for name in AMOUNT_FIELDS},
    )
    coverage = (Coverage(first_day=edition.starts, last_day=edition.starts + timedelta(days=364)),)
    return Insured(category="active", sex="F", birth_date=date(1975, 5, 1), coverage=coverage), record


def rises(share: ShareBenefit) -> bool:
    """Whether more base can never pay less: marginal always; whole amounts where the rates rise to an open end."""
    if not share.whole:
        return True
    rates = [band.rate for band in share.bands]
    return rates == sorted(rates) and share.bands[-1].upto is None and not share.by_condition


def only_added(edition: Edition) -> list[str]:
    shares = [one for one in edition.benefits if isinstance(one, ShareBenefit)]
    if not all(rises(share) for share in shares):
        return []
    added = {name for share in shares for name in share.base.add if name in AMOUNT_FIELDS}
    return sorted(added - {name for share in shares for name in share.base.less})


@each_edition
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_more_self_pay_never_pays_less(scheme: str, name: str, data: st.DataObject) -> None:
    family = FAMILIES[scheme]
    edition = edition_of(family, name)
    fields = only_added(edition)
    base, more = data.draw(FEN), data.draw(st.integers(1, 300_000))

    def paid(fen: int) -> int:
        member, record = one_stay(edition, family, **dict.fromkeys(fields, fen))
        return assess(member, [record], family)[0].payable

    assert paid(base) <= paid(base + more)


@each_edition
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_splitting_a_stay_gains_nothing_by_rounding(scheme: str, name: str, data: st.DataObject) -> None:
    family = FAMILIES[scheme]
    edition = edition_of(family, name)
    fields, fen = only_added(edition), data.draw(FEN)
    part = data.draw(st.integers(0, fen))
    member, whole = one_stay(edition, family, **dict.fromkeys(fields, fen))
    _, first = one_stay(edition, family, **dict.fromkeys(fields, part))
    _, second = one_stay(edition, family, **dict.fromkeys(fields, fen - part))
    rest = {field: getattr(second, field) for field in second.__struct_fields__} | {"settlement_no": "S2"}
    parts = [first, SettlementRecord(**rest)]
    if edition.ceiling is not None or family.units.get(first.care_type or "") != "stay":
        # The ceiling is taken for each settlement by itself, and only stays hold several settlements of a visit.
        return
    together = assess(member, parts, family)
    assert len(together) == 1
    assert abs(together[0].payable - assess(member, [whole], family)[0].payable) <= edition.rounding_unit


def test_most_editions_have_a_base_to_try() -> None:
    tried = [only_added(edition) for family in FAMILIES.values() for edition in family.editions]
    assert len([fields for fields in tried if fields]) >= 10
