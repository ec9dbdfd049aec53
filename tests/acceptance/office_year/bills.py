"""Odd bills, and ordinary ones that are seldom."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from gateway.sandbox.people import other_name

from .reckoning import Period
from .town import DIALYSIS, bill, sent
from .year import ONE_DAY, Question, Year


def number_of_somebody_else(year: Year, day: date) -> None:
    """Two members under one settlement number, at one hospital or at two: the first keeps the claim, and a person says
    whether the other has a bill of that number, too."""
    first, second = year.town.take("hinggan"), year.town.take("hinggan")
    record, house = year.stay(first, day, facility=0), year.dice.randrange(2)
    other = msgspec.structs.replace(
        year.stay(second, day + ONE_DAY, facility=house), settlement_no=record.settlement_no
    )
    year.tell(first, record, day)
    year.tell(second, other, day + ONE_DAY, stands=False)
    both = house > 0
    answer = "both" if both else "keep"
    then = (lambda: year.stands(second, other)) if both else None
    year.questions.append(Question("changed", answer, then, about=other))


def told_by_two_leagues(year: Year, day: date) -> None:
    """A stay that 巴彦淖尔 pushes and 兴安盟 files under numbers of its own: it is one stay."""
    insured = year.town.take("bayannur")
    record = year.stay(insured, day)
    filed = msgspec.structs.replace(
        record,
        settlement_no=f"152200F{year.town.serial():013d}",
        visit_no=f"152200{year.town.serial():013d}",
    )
    year.tell(insured, record, day)
    year.tell_row("hinggan", sent(insured.person, filed), day + ONE_DAY)


def correction_with_an_unknown_code(year: Year, day: date) -> None:
    """A settlement comes again with a care type nobody knows: nothing is taken away for it, and a person is asked."""
    insured = year.town.take("hinggan")
    record = year.stay(insured, day)
    year.tell(insured, record, day)
    again = msgspec.structs.replace(record, care_type_code="2B")
    year.tell(insured, again, day + 2 * ONE_DAY, stands=False)
    year.questions.append(Question("changed", "keep", about=again))
    ends = day + 80 * ONE_DAY
    name = "hinggan/care_type/2B"
    year.mornings[day + 2 * ONE_DAY].append(lambda: year.acknowledge("unknown_codes", name, ends))
    year.foresee("unknown_codes", name, day + 2 * ONE_DAY, ends)


def interim_bills(year: Year, feed: str, day: date) -> None:
    """A long stay is billed piece by piece under one visit."""
    insured, begin = year.town.take(feed), day
    visit = f"{insured.person.region}{year.town.serial():013d}"
    for _ in range(year.dice.choice((2, 3))):
        days = year.dice.choice((5, 9, 14))
        record = bill(year.town, insured.person, admitted=begin, days=days, visit_no=visit, facility=2)
        begin += days * ONE_DAY
        year.tell(insured, record, begin, quiet=True)


def billed_twice(year: Year, feed: str, day: date) -> None:
    """The same bill under two numbers, seven seconds apart: a person says whether it is one."""
    insured = year.town.take(feed)
    record = year.stay(insured, day)
    assert record.settled_at is not None
    twin = msgspec.structs.replace(
        record,
        settlement_no=f"{record.settlement_no[:6]}D{year.town.serial():013d}",
        settled_at=record.settled_at + timedelta(seconds=7),
    )
    year.tell(insured, record, day)
    year.tell(insured, twin, day, stands=False)
    year.busy.add(day)
    same = year.dice.random() < 0.7
    answer = "same" if same else "different"
    year.questions.append(Question("repeat", answer, None if same else lambda: year.stands(insured, twin), about=twin))


def somebody_else_with_the_card(year: Year, day: date) -> None:
    """A stay under a member's number and another's name."""
    insured = year.town.take("bayannur")
    record = year.stay(insured, day)
    wrong = msgspec.structs.replace(record, name=other_name(insured.person, year.seed))
    year.tell_row("bayannur", sent(insured.person, wrong), day)
    year.busy.add(day)
    year.questions.append(Question("match", "different", about=wrong))


def unreadable_row(year: Year, day: date) -> None:
    """Sums that do not add up; the file comes again, right."""
    insured = year.town.take("hinggan")
    record = year.stay(insured, day)
    year.tell_row("hinggan", msgspec.structs.replace(sent(insured.person, record), spoiled="sums"), day)

    def again() -> None:
        rows = [msgspec.structs.replace(row, spoiled=None) for row in year.files[day]]
        year.site.drop_file(day, rows)
        year.stands(insured, record)

    year.doing(day + 3 * ONE_DAY, again)
    year.foresee("quarantine_open", "hinggan", day, day + 2 * ONE_DAY, "know")


def dialysis(year: Year, feed: str) -> None:
    """Two settlements of special outpatient care a month."""
    insured = year.town.take(feed)
    for month in range(3, 3 + year.dice.choice((3, 5, 8))):
        for day in sorted(year.dice.sample(range(2, 28), 2)):
            on = date(year.first.year, month, day)
            record = bill(year.town, insured.person, admitted=on, days=0, care=("outpatient_special", DIALYSIS))
            year.tell(insured, record, on, quiet=True)


def dear_stays(year: Year, feed: str) -> None:
    """Two stays that together reach the cap of the period."""
    insured = year.town.take(feed)
    for month, scope in ((4, 42_000_000), (9, 40_000_000)):
        ended = date(year.first.year, month, 20)
        year.tell(insured, year.stay(insured, ended, days=33, in_scope=scope, fund=4_000_000), ended)


def regular_patient(year: Year, feed: str) -> None:
    """Somebody who is in hospital every other month: only the first stay of the period has its days paid."""
    insured = year.town.take(feed)
    for month in range(2, 13, 2):
        ended = date(year.first.year, month, year.dice.randrange(6, 26))
        year.tell(insured, year.stay(insured, ended, days=4), ended, quiet=True)


def stay_over_the_turn_of_the_year(year: Year, feed: str) -> None:
    """In hospital from December to January: the period of the admission decides."""
    insured = year.town.take(feed)
    ended = date(year.first.year + 1, 1, 5)
    year.tell(insured, year.stay(insured, ended, days=21), ended)


def late_joiner(year: Year, feed: str) -> None:
    """Cover begins while the member is in hospital: only the covered days are paid."""
    insured = year.town.take(feed)
    begins = date(year.first.year, 3, 16)
    insured.periods = [Period(begins, date(year.first.year, 12, 31))]
    ended = begins + year.dice.randrange(1, 9) * ONE_DAY
    year.tell(insured, year.stay(insured, ended, days=15), ended)
