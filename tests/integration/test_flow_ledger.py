"""What was paid and what is left: the same whatever order the news came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import (
    EAST_AND_WEST,
    claims,
    covered,
    empty,
    enrolled,
    everything,
    live,
    member,
    only,
    page,
    row,
    take,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.errors import WrongUse
from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide
from gateway.flow.office import Office
from gateway.flow.people.ledgers import LimitUse, PeriodAccount, SchemeAccount, member_ledger
from gateway.flow.roster.enrol import enrol
from gateway.model.money import Money, parse_yuan

if TYPE_CHECKING:
    from conftest import MakeOffice

BIG: dict[str, Any] = {"medfee_sumamt": "300000.00", "inscp_scp_amt": "260000.00", "fund_pay_sumamt": "10000.00"}
LATER: dict[str, Any] = {"begndate": "2021-08-01", "enddate": "2021-08-10", "setl_time": "2021-08-10 10:00:00"}
NEXT_YEAR: dict[str, Any] = {"begndate": "2022-07-01", "enddate": "2022-07-10", "setl_time": "2022-07-10 10:00:00"}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def account(office: Office, number: str = "M00001") -> SchemeAccount:
    found: SchemeAccount = only(member_ledger(office, "nm", number).schemes)
    return found


def the_year(office: Office) -> PeriodAccount:
    found: PeriodAccount = only(account(office).periods)
    return found


def cap(period: PeriodAccount) -> LimitUse:
    found: LimitUse = only([each for each in period.limits if each.of == "cap"])
    return found


def test_a_member_nothing_happened_to_has_all_of_it_left(office: Office) -> None:
    year = the_year(office)
    assert (year.paid, year.stays, year.allowances) == ("0.00", 0, ())
    assert (cap(year).limit, cap(year).used, cap(year).left) == ("250000.00", "0.00", "250000.00")


def test_a_stay_uses_the_cap_and_the_allowance(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A3", 1, **LATER)))
    year = the_year(office)
    assert (year.stays, year.paid, year.decided) == (2, "4890.00", "0.00")
    assert (cap(year).used, cap(year).left) == ("4890.00", "245110.00")
    assert [(each.days, each.amount) for each in year.allowances] == [(9, "90.00")]


def test_a_refund_gives_it_back(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A3", 1, **LATER)), page(row("A1", 1, refund=True)))
    year = the_year(office)
    assert (year.stays, year.paid, cap(year).left) == (1, "2490.00", "247510.00")


def test_a_correction_counts_as_corrected(office: Office) -> None:
    take(office, "east", page(row("A1", 1)), page(row("A1", 1, inscp_scp_amt="16000.00")))
    assert the_year(office).paid == "2890.00"


def test_the_cap_is_never_more_than_used_up(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **BIG), row("A3", 1, **BIG, **LATER)))
    year = the_year(office)
    assert (year.paid, cap(year).left) == ("250000.00", "0.00")


def test_every_period_has_its_own(office: Office) -> None:
    enrol(office, "nm", [member(1, coverage=(covered(), covered("2022-06-01", "2023-05-31"))), member(2)])
    rescan(office)
    take(office, "east", page(row("A1", 1), row("A9", 1, **NEXT_YEAR)))
    first, second = account(office).periods
    assert (first.edition, cap(first).limit, cap(first).used) == ("2021", "250000.00", "2490.00")
    assert (second.edition, cap(second).limit) == ("2022", "500000.00")
    assert parse_yuan(account(office).paid) == parse_yuan(first.paid) + parse_yuan(second.paid)


def test_what_was_decided_is_used_as_decided(office: Office) -> None:
    take(office, "east", page(row("A1", 1, **BIG)))
    claim = only(claims(office))["claim_id"]
    decide(office, claim, version=1, outcome="approved", amount=Money(24_000_000))
    year = the_year(office)
    assert (year.paid, year.decided, cap(year).left) == ("240000.00", "240000.00", "10000.00")
    decide(office, claim, version=1, outcome="refused", amount=Money(0))
    assert cap(the_year(office)).left == "250000.00"


def test_what_was_paid_and_then_refunded_stays_paid_until_a_person_decides(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    decide(office, only(claims(office))["claim_id"], version=1, outcome="paid", amount=Money(249_000))
    take(office, "east", page(row("A1", 1, refund=True)))
    year = the_year(office)
    assert (year.paid, year.decided, cap(year).used) == ("2490.00", "2490.00", "2490.00")
    assert account(office).paid == "2490.00"


def test_looking_changes_nothing(office: Office) -> None:
    take(office, "east", page(row("A1", 1), row("A3", 1, **LATER)), page(row("A1", 1, refund=True)))
    before = everything(office)
    member_ledger(office, "nm", "M00001")
    assert everything(office) == before


def test_the_ledger_names_nobody_and_an_unknown_number_is_wrong_use(office: Office) -> None:
    take(office, "east", page(row("A1", 1)))
    assert member(1).name not in repr(member_ledger(office, "nm", "M00001"))
    with pytest.raises(WrongUse, match="no such member"):
        member_ledger(office, "nm", "M99999")
    with pytest.raises(WrongUse, match="no such association"):
        member_ledger(office, "elsewhere", "M00001")


def test_whoever_opted_out_has_no_account(office: Office) -> None:
    enrol(office, "nm", [member(1, opt_out=True), member(2)])
    rescan(office)
    assert (account(office).periods, account(office).problem is None) == ((), False)


# ── any order of arrival ──


class News(msgspec.Struct, frozen=True):
    """A settlement of person 1, its refund, or a later word about it."""

    number: str
    refund: bool = False
    scope: int = 15_000


class Arrivals(msgspec.Struct, frozen=True):
    """The same news in two orders, and how many come in a page."""

    one: tuple[News, ...]
    other: tuple[News, ...]
    together: int


class Bench:
    """An office that hypothesis can print."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def __repr__(self) -> str:
        return "a site"


STAYS = {
    "S1": ("2021-06-20", "2021-06-25"),
    "S2": ("2021-07-20", "2021-07-29"),
    "S3": ("2021-07-29", "2021-08-05"),
    "S4": ("2022-05-25", "2022-06-10"),
}


def as_row(news: News) -> dict[str, Any]:
    first, last = STAYS[news.number]
    # The third is in another house and begins where the second ends: a transfer.
    house = "H15099900002" if news.number == "S3" else "H15099900001"
    changes = {"begndate": first, "enddate": last, "setl_time": f"{last} 10:00:00", "fixmedins_code": house}
    changes |= {"medfee_sumamt": "300000.00", "inscp_scp_amt": f"{news.scope}.00", "ipt_days": None}
    return row(news.number, 1, refund=news.refund, **changes)


@st.composite
def arrivals(draw: st.DrawFn) -> Arrivals:
    news = st.builds(
        News,
        number=st.sampled_from(tuple(STAYS)),
        refund=st.sampled_from((False, False, True)),
        scope=st.sampled_from((9_100, 15_000, 200_000, 270_000)),
    )
    one = tuple(draw(st.lists(news, min_size=2, max_size=6)))
    return Arrivals(one, in_another_order(one, draw(st.permutations(range(len(one))))), draw(st.integers(1, 3)))


def in_another_order(news: tuple[News, ...], order: list[int]) -> tuple[News, ...]:
    """Shuffled, but for words about the same settlement and sign: of these the last received holds (design §2)."""
    waiting: dict[tuple[str, bool], list[News]] = {}
    for each in news:
        waiting.setdefault((each.number, each.refund), []).append(each)
    return tuple(waiting[(news[at].number, news[at].refund)].pop(0) for at in order)


def arrive(office: Office, news: tuple[News, ...], together: int, start: int = 0) -> None:
    for at in range(0, len(news), together):
        take(office, "east", page(*map(as_row, news[at : at + together]), request=str(start + at)))


def state(office: Office) -> dict[str, Any]:
    return {"claims": live(office), "ledger": msgspec.to_builtins(member_ledger(office, "nm", "M00001"))}


def fresh(office: Office) -> None:
    empty(office)
    enrol(office, "nm", [member(1, coverage=(covered(), covered("2022-06-01", "2023-05-31")))])


@pytest.fixture
def bench(make_office: MakeOffice, sqlite_url: str) -> Bench:
    return Bench(make_office(sqlite_url, feeds=EAST_AND_WEST))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(arrivals())
@example(Arrivals((News("S1"), News("S1", True)), (News("S1", True), News("S1")), 1))
@example(Arrivals((News("S2"), News("S3")), (News("S3"), News("S2")), 1))
@example(
    Arrivals(
        (News("S1", scope=270_000), News("S2", scope=270_000)),
        (News("S2", scope=270_000), News("S1", scope=270_000)),
        1,
    )
)
def test_the_order_of_arrival_never_changes_the_end(bench: Bench, drawn: Arrivals) -> None:
    office = bench.office
    fresh(office)
    arrive(office, drawn.one, drawn.together)
    one = state(office)
    fresh(office)
    arrive(office, drawn.other, drawn.together)
    assert state(office) == one
    check_sums(one)


def check_sums(found: dict[str, Any]) -> None:
    """What the claims pay is what the ledger says was paid, and used of the caps, and never more than they allow."""
    [mine] = found["ledger"]["schemes"]
    assert sum(each["payable"] for each in found["claims"]) == parse_yuan(mine["paid"])
    for period in mine["periods"]:
        [limit] = [each for each in period["limits"] if each["of"] == "cap"]
        assert parse_yuan(limit["used"]) == parse_yuan(period["paid"]) <= parse_yuan(limit["limit"])
        assert parse_yuan(limit["used"]) + parse_yuan(limit["left"]) == parse_yuan(limit["limit"])


def test_unless_something_was_decided_in_between(bench: Bench) -> None:
    """第十一条: what is approved stays, so the stay that was decided keeps the allowance of an earlier one."""
    office = bench.office
    ends = []
    for first, then in ((News("S1"), News("S2")), (News("S2"), News("S1"))):
        fresh(office)
        arrive(office, (first,), 1)
        claim = only(live(office))
        decide(office, claim["claim_id"], version=1, outcome="paid", amount=Money(claim["payable"]))
        arrive(office, (then,), 1, start=9)
        ends.append(account(office).paid)
    assert ends[0] != ends[1]


def test_after_a_decision_the_order_of_the_rest_does_not_matter_either(bench: Bench) -> None:
    office = bench.office
    rest = (News("S1", scope=270_000), News("S4", scope=270_000), News("S1", True))
    ends = []
    for order in (rest, rest[::-1]):
        fresh(office)
        arrive(office, (News("S2", scope=270_000),), 1)
        decide(office, only(live(office))["claim_id"], version=1, outcome="approved", amount=Money(10_000_000))
        arrive(office, order, 1, start=9)
        ends.append(state(office))
    assert ends[0] == ends[1]
