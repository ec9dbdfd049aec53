"""What holds for any member and any settlements."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from schemes_builders import at, family, reversal, stay

from gateway.core.schemes import Insured, assess, needs_person
from gateway.model.benefit import BenefitEstimate, ClaimDecision
from gateway.model.member import Coverage
from gateway.model.money import Money
from gateway.model.record import SettlementRecord

FIRST = date(2019, 1, 1)
FACILITIES = ("H15010200001", "H15020200002", None)


@st.composite
def members(draw: st.DrawFn) -> Insured:
    periods, first = [], FIRST + timedelta(days=draw(st.integers(0, 500)))
    for _ in range(draw(st.integers(0, 4))):
        last = first + timedelta(days=draw(st.integers(0, 400)))
        periods.append(Coverage(first_day=first, last_day=last))
        first = last + timedelta(days=draw(st.sampled_from([1, 1, 1, 2, 40])))
    born = draw(st.none() | st.dates(date(1940, 1, 1), date(2010, 1, 1)))
    return Insured(category="active", birth_date=born, coverage=tuple(periods))


@st.composite
def settlements(draw: st.DrawFn, number: str) -> SettlementRecord:
    first = FIRST + timedelta(days=draw(st.integers(0, 60)) * draw(st.sampled_from([1, 25])))
    last = first + timedelta(days=draw(st.sampled_from([0, 1, 3, 9, 45])))
    return stay(
        number,
        str(first),
        str(last),
        facility_no=draw(st.sampled_from(FACILITIES)),
        visit_no=draw(st.sampled_from(["V1", "V2", None, None, None])),
        settled_at=draw(st.none() | st.just(at(str(last))) | st.just(at(str(first)))),
        care_type=draw(st.sampled_from(["inpatient"] * 4 + ["outpatient_special"] * 2 + ["emergency"])),
        insurance_type=draw(st.sampled_from(["310", None, None, "390"])),
        inpatient_days=draw(st.none() | st.integers(0, 60)),
        in_scope_amount=draw(st.none() | st.integers(0, 60_000_000)),
        fund_paid_amount=draw(st.integers(0, 3_000_000)),
        total_amount=draw(st.sampled_from([100, 200])),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[SettlementRecord]:
    records = [draw(settlements(f"S{at}")) for at in range(draw(st.integers(0, 7)))]
    backs = []
    for of in draw(st.lists(st.sampled_from(records), max_size=3)) if records else []:
        fields = draw(
            st.sampled_from([{}, {"reverses": of.settlement_no}, {"total_amount": -150}, {"reverses": "S99"}])
        )
        number = draw(st.sampled_from([of.settlement_no, f"R{len(backs)}"]))
        backs.append(reversal(of, settlement_no=number, **fields))
    return records + backs


@st.composite
def decisions(draw: st.DrawFn, records: list[SettlementRecord]) -> tuple[ClaimDecision, ...]:
    numbers = list(dict.fromkeys(one.settlement_no for one in records if not one.reversal))
    chosen = draw(st.lists(st.sampled_from(numbers), unique=True, max_size=3)) if numbers else []
    amounts = [draw(st.sampled_from([0, 20_000, 30_000_000])) for _ in chosen]
    return tuple(
        ClaimDecision(settlements=(number,), payable=Money(amount), refused=amount == 0)
        for number, amount in zip(chosen, amounts, strict=True)
    )


def plain(estimate: BenefitEstimate) -> tuple[object, ...]:
    """An estimate without the positions of its records, which follow the order they were given in."""
    return tuple(getattr(estimate, name) for name in estimate.__struct_fields__ if name != "record_keys")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_order_of_records_and_decisions_does_not_matter(data: st.DataObject) -> None:
    member, records = data.draw(members()), data.draw(histories())
    made = data.draw(decisions(records))
    shuffled, turned = data.draw(st.permutations(records)), data.draw(st.permutations(made))
    expected = assess(member, records, family(), made)
    found = assess(member, shuffled, family(), turned)
    assert [plain(one) for one in found] == [plain(one) for one in expected]
    for one in found:
        assert [shuffled[at].settlement_no for at in one.record_keys] == list(one.settlements)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_settlement_stands_in_one_estimate_at_most(data: st.DataObject) -> None:
    member, records = data.draw(members()), data.draw(histories())
    made = data.draw(decisions(records))
    estimates = assess(member, records, family(), made)
    stands = Counter(at for one in estimates for at in one.record_keys)
    assert set(stands.values()) <= {1}
    assert not any(records[at].reversal for at in stands)
    reversals = {one.reverses or one.settlement_no for one in records if one.reversal}
    named = {one.visit_no for one in records if one.reversal}
    for place, record in enumerate(records):
        if not record.reversal and record.settlement_no not in reversals and record.visit_no not in named - {None}:
            assert stands[place] == 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_period_pays_more_than_its_cap(data: st.DataObject) -> None:
    member, records = data.draw(members()), data.draw(histories())
    estimates = assess(member, records, family())
    caps = {edition.name: edition.cap.amount for edition in family().editions}
    paid: Counter[tuple[date | None, str | None]] = Counter()
    for one in estimates:
        assert one.payable >= 0
        assert sum(line.amount for line in one.lines) == one.payable
        paid[(one.period_from, one.edition)] += one.payable
    for (_, edition), amount in paid.items():
        assert amount <= (caps[edition] if edition else 0)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_identities_are_distinct_and_stable(data: st.DataObject) -> None:
    member, records = data.draw(members()), data.draw(histories())
    estimates = assess(member, records, family(), data.draw(decisions(records)))
    identities = [one.stay for one in estimates]
    claimed = [one.stay for one in estimates if one.payable or needs_person(one)]
    assert len(set(claimed)) == len(claimed)
    assert len(set(identities)) == len(identities)
    for one in estimates:
        assert not set(one.merged_stays) & set(identities)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 80_000_000), st.integers(1, 5), st.sampled_from(["2019", "2020", "2021", "2022"]))
def test_more_self_pay_never_pays_less(base: int, more: int, edition: str) -> None:
    first = next(one.starts for one in family().editions if one.name == edition)
    member = Insured(coverage=(Coverage(first_day=first, last_day=first + timedelta(days=300)),))

    def payable(fen: int) -> int:
        record = stay("S1", str(first), str(first), in_scope_amount=fen, fund_paid_amount=0)
        return assess(member, [record], family())[0].payable

    assert payable(base) <= payable(base + more)
