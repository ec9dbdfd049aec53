"""Corrections and refunds: what was told before is told otherwise, or taken back."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from gateway.model.record import SettlementRecord
from gateway.sandbox.leagues import Sent

from .site import ASSOCIATION
from .town import Insured, sent, taken_back, with_amounts
from .year import ONE_DAY, Held, Question, Year

TAKEBACK_SHARE = 0.2
"""`takeback_share` of 兴安盟's file."""


def correction_under_the_same_number(year: Year, feed: str, day: date) -> None:
    """Some days later the same settlement comes with other amounts; less in one year of two."""
    insured, later = year.town.take(feed), day + year.dice.randrange(2, 9) * ONE_DAY
    record = year.stay(insured, day, in_scope=2_000_000, fund=900_000)
    fund = year.dice.choice((600_000, 1_200_000))
    corrected = with_amounts(record, in_scope=2_000_000, fund=fund)
    year.tell(insured, record, day)
    year.evenings[later].append(lambda: year.stands(insured, corrected))
    if feed == "wuhai":
        year.evenings[later].append(lambda: year.site.world.correct(sent(insured.person, corrected)))
        year.sweeps |= {day, later}
    else:
        year.tell_row(feed, sent(insured.person, corrected), later)
    year.busy |= {day, later}
    if fund > 900_000:
        year.foresee("claims_taken", f"{ASSOCIATION}/{feed}", later, later + 4 * ONE_DAY, "know")


def correction_in_the_same_file(year: Year, day: date) -> None:
    """The day's file comes again under its name, with one stay dearer and one left out. Where that is more than the
    share of the file that its feed allows, the member keeps the claim until a person agrees."""
    dearer, left_out = year.town.take("hinggan"), year.town.take("hinggan")
    record, wrong = year.stay(dearer, day, in_scope=1_500_000, fund=800_000), year.stay(left_out, day)
    corrected = with_amounts(record, in_scope=1_900_000, fund=800_000)
    year.tell(dearer, record, day)
    year.tell(left_out, wrong, day)

    def again() -> None:
        rows = [row for row in year.files[day] if row.record.settlement_no != wrong.settlement_no]
        year.site.drop_file(day, [_instead(row, corrected) for row in rows])
        year.stands(dearer, corrected)
        if TAKEBACK_SHARE * len(year.files[day]) < 1:
            year.questions.append(Question("takeback", "agree", lambda: year.gone(left_out, wrong)))
        else:
            year.gone(left_out, wrong)

    year.doing(day + ONE_DAY, again)
    year.foresee("claims_taken", f"{ASSOCIATION}/hinggan", day + ONE_DAY, day + 6 * ONE_DAY, "know")


def correction_of_a_whole_file(year: Year, day: date) -> None:
    """The file comes again with every stay cheaper: that waits for a person, who agrees in one year of two."""
    people = [year.town.take("hinggan") for _ in range(4)]
    scope = year.dice.choice((900_000, 6_000_000))
    stays = [year.stay(insured, day, in_scope=scope, fund=scope // 3) for insured in people]
    lowered = [with_amounts(record, in_scope=scope * 2 // 3, fund=scope // 2) for record in stays]
    for insured, record in zip(people, stays, strict=True):
        year.tell(insured, record, day)

    def again() -> None:
        rows = year.files[day]
        for corrected in lowered:
            rows = [_instead(row, corrected) for row in rows]
        year.site.drop_file(day, rows)

    def agreed() -> None:
        for insured, corrected in zip(people, lowered, strict=True):
            year.stands(insured, corrected)

    accept = year.dice.random() < 0.5
    year.doing(day + ONE_DAY, again)
    year.foresee("changes_held", "", day + ONE_DAY)
    year.holds.append(Held("file", f"setl_152200_{day:%Y%m%d}", accept, agreed if accept else None, lines=4))
    if accept:
        year.foresee("claims_taken", f"{ASSOCIATION}/hinggan", day + 2 * ONE_DAY, day + 5 * ONE_DAY, "know")


def _instead(row: Sent, corrected: SettlementRecord) -> Sent:
    same = row.record.settlement_no == corrected.settlement_no
    return msgspec.structs.replace(row, record=corrected) if same else row


def correction_that_cannot_be_read(year: Year, day: date) -> None:
    """The file comes again and a member's row is unreadable: the claim stands, and somebody must look."""
    insured = year.town.take("hinggan")
    record = year.stay(insured, day, in_scope=1_000_000, fund=600_000)
    better = with_amounts(record, in_scope=1_200_000, fund=600_000)
    year.tell(insured, record, day)

    def spoiled() -> None:
        spoilt = [
            msgspec.structs.replace(_instead(row, better), spoiled="sums")
            if row.record.settlement_no == record.settlement_no
            else row
            for row in year.files[day]
        ]
        year.site.drop_file(day, spoilt)

    def right() -> None:
        year.site.drop_file(day, [_instead(row, better) for row in year.files[day]])
        year.stands(insured, better)

    year.doing(day + ONE_DAY, spoiled)
    year.doing(day + 3 * ONE_DAY, right)
    year.foresee("not_read_again", "", day + ONE_DAY, day + 2 * ONE_DAY)
    year.foresee("quarantine_open", "hinggan", day + ONE_DAY, day + 2 * ONE_DAY, "know")


def older_state_comes_last(year: Year, day: date) -> None:
    """A late retry tells what was settled before: what stands stays, and a person is asked."""
    insured = year.town.take("bayannur")
    older = year.stay(insured, day, in_scope=2_500_000, fund=1_500_000)
    assert older.settled_at is not None
    newer = with_amounts(older, in_scope=2_500_000, fund=1_100_000)
    newer = msgspec.structs.replace(newer, settled_at=older.settled_at + timedelta(hours=3))
    year.tell(insured, newer, day)
    year.tell_row("bayannur", sent(insured.person, older), day + ONE_DAY)
    year.busy |= {day, day + ONE_DAY}
    year.questions.append(Question("changed", "keep", about=older))


def refund_with_a_number_of_its_own(year: Year, feed: str, day: date, *, visit: bool = True) -> None:
    """A refund under its own number takes the claim back; then the stay is settled anew under a third number."""
    insured, refunded = year.town.take(feed), day + year.dice.randrange(1, 12) * ONE_DAY
    record = year.stay(insured, day)
    assert record.settled_at is not None
    refund = taken_back(
        record,
        at=record.settled_at + (refunded - day) + timedelta(hours=1),
        number=f"{record.settlement_no[:6]}T{year.town.serial():013d}",
    )
    if not visit:
        refund = msgspec.structs.replace(refund, visit_no=None)
    year.tell(insured, record, day)
    year.tell(insured, refund, refunded, stands=False)
    year.doing(refunded, lambda: year.gone(insured, record))
    year.foresee("claims_taken", f"{ASSOCIATION}/{feed}", refunded, refunded + 4 * ONE_DAY, "know")
    if feed == "wuhai":
        year.sweeps |= {day, refunded}
    if year.dice.random() < 0.6:
        anew = refunded + ONE_DAY
        second = msgspec.structs.replace(
            with_amounts(record, in_scope=1_400_000, fund=700_000),
            settlement_no=f"{record.settlement_no[:6]}N{year.town.serial():013d}",
            settled_at=record.settled_at + (anew - day),
        )
        year.tell(insured, second, anew)


def nameless_refund(year: Year, day: date) -> None:
    """A refund under the original's number that names nobody."""
    insured, refunded = year.town.take("hinggan"), day + year.dice.randrange(1, 6) * ONE_DAY
    record = year.stay(insured, day)
    assert record.settled_at is not None
    refund = taken_back(record, at=record.settled_at + (refunded - day) + timedelta(hours=1))
    year.tell(insured, record, day)
    year.tell_row("hinggan", _nameless(insured, refund), refunded)
    year.doing(refunded, lambda: year.gone(insured, record))
    year.foresee("claims_taken", f"{ASSOCIATION}/hinggan", refunded, refunded + 4 * ONE_DAY, "know")


def nameless_refund_of_an_unknown_number(year: Year, day: date) -> None:
    """Nobody can say what a refund takes back that names nobody and has its own number; the league sends its file
    again, this time with the name."""
    insured, refunded = year.town.take("hinggan"), day + 2 * ONE_DAY
    told_again = refunded + 10 * ONE_DAY
    record = year.stay(insured, day)
    assert record.settled_at is not None
    number = f"{record.settlement_no[:6]}T{year.town.serial():013d}"
    refund = taken_back(record, at=record.settled_at + timedelta(days=2, hours=1), number=number)
    year.tell(insured, record, day)
    year.tell_row("hinggan", _nameless(insured, refund), refunded)

    def again() -> None:
        rows = [row for row in year.files[refunded] if row.record.settlement_no != number]
        year.site.drop_file(refunded, [*rows, sent(insured.person, refund)])
        year.gone(insured, record)

    year.doing(told_again, again)
    year.foresee("refunds_waiting", "hinggan", refunded, told_again - ONE_DAY, "know", "act")
    year.busy |= {refunded, told_again - ONE_DAY}


def _nameless(insured: Insured, refund: SettlementRecord) -> Sent:
    nobody = msgspec.structs.replace(
        refund, name=None, id_type=None, id_number=None, person_no=None, sex=None, birth_date=None, employer_name=None
    )
    return Sent(person=insured.person, record=nobody, id_written="")


def refund_of_something_from_before(year: Year, day: date) -> None:
    """A refund takes back what was settled before the league began to tell: a person says that it is none of these."""
    insured = year.town.take("bayannur")
    record, older = year.stay(insured, day, facility=1), year.stay(insured, year.first - 40 * ONE_DAY, facility=1)
    assert record.settled_at is not None
    refund = taken_back(older, at=record.settled_at + timedelta(days=2))
    year.tell(insured, record, day)
    year.tell(insured, refund, day + 2 * ONE_DAY, stands=False)
    year.foresee("refunds_waiting", ASSOCIATION, day + 2 * ONE_DAY, day + 2 * ONE_DAY, "know")
    year.questions.append(Question("refund", "none", about=refund))
