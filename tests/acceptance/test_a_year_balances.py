"""A year of the sandbox to the fen: billed = 医保 + outside + shares + limits − additions + payable; payable =
approved + refused + cut; approved = paid + what waits. Bills are held against what the league knows, what is payable
against a second reckoning from the text of the scheme, the desk against its own lists and 回头望."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from office_year.reckoning import Period, owed
from office_year.town import as_bill

from gateway.core.csv_files import csv_file
from gateway.core.roster import RosterMember
from gateway.flow.delivery.claims import show_claim
from gateway.flow.delivery.deliver import deliver_due
from gateway.flow.delivery.unclaimed import unclaimed
from gateway.flow.desk.accounts import AccountGiven, tell_account
from gateway.flow.desk.deciding import ClerkDecision, decide_claim
from gateway.flow.desk.paying import make_list, payment_table, show_lists, take_answer
from gateway.flow.desk.recovering import ask_back, list_recoveries, money_came, write_off
from gateway.flow.intake.work import process_page
from gateway.flow.office import Office
from gateway.flow.pages.stored_pages import store_page
from gateway.flow.roster.enrol import enrol
from gateway.model.claim import Answer, AnswerKind
from gateway.model.clock import SHANGHAI
from gateway.model.member import Coverage
from gateway.model.money import Money, parse_yuan
from gateway.model.page import Fetched
from gateway.model.record import SettlementRecord
from gateway.sandbox.leagues import Sent, written
from gateway.sandbox.people import Dice, Person, person_at
from gateway.sandbox.pushes import pushes_of
from gateway.sandbox.stays import reversal_of, stays_of_year
from gateway.settings.associations import AssociationSpec
from gateway.store import claims as claim_rows
from gateway.words.cuts import CUTS

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

FIRST, LAST = date(2021, 6, 1), date(2022, 5, 31)
CARD = "6222020000000000018"


class Inbox:
    """An association that takes everything."""

    def send(self, body: bytes, **_: Any) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED)

    def ask(self, claim_id: str, **_: Any) -> Answer:
        return Answer(kind=AnswerKind.ABSENT)


def fen(amount: str | None) -> int:
    return parse_yuan(amount or "0.00")


class YearOfClaims:
    """A year of some members of one league, told by month with refunds and corrections, then decided and paid."""

    def __init__(self, office: Office, clock: Hands, people: int) -> None:
        spec = office.associations["nm"]
        desk = {"two_persons_above": "1000000.00"}
        changed = AssociationSpec.model_validate({**spec.model_dump(), "desk": desk})
        self.office = replace(office, associations={"nm": changed})
        self.clock, self.truth = clock, defaultdict[str, dict[str, SettlementRecord]](dict)
        self.people = [person_at(7, at, league="bayannur", as_of=FIRST) for at in range(people)]
        self.dice = Dice("year of claims")
        self.sent: dict[str, Sent] = {}
        cover = Coverage(first_day=FIRST, last_day=LAST, scheme="nm-inpatient")
        roster = [self.member(person, cover) for person in self.people]
        enrol(self.office, "nm", roster)

    @staticmethod
    def member(person: Person, cover: Coverage) -> RosterMember:
        return RosterMember(
            member_no=f"M{person.index:05d}", name=person.name, id_type=person.id_type, id_number=person.id_number,
            category=person.category, coverage=(cover,), league="巴彦淖尔市",
        )  # fmt: skip

    def play(self) -> None:
        """Every month's settlements, and what is refunded or corrected of those before."""
        serials, told = itertools.count(1), defaultdict[tuple[int, int], list[Sent]](list)
        for person in self.people:
            for record in stays_of_year(self.dice, person, first=FIRST, last=LAST, serials=serials):
                assert record.settled_at is not None
                told[record.settled_at.year, record.settled_at.month].append(written(self.dice, person, record))
        for (year, month), rows in sorted(told.items()):
            self.clock.set(year, month, 28, 20)
            for row in rows:
                self.truth[f"M{row.person.index:05d}"][row.record.settlement_no] = row.record
                self.sent[row.record.settlement_no] = row
            self.tell([*rows, *self.second_thoughts(date(year, month, 27))])
            self.deliver()
        self.clock.set(2022, 6, 2, 9)

    def second_thoughts(self, day: date) -> Iterator[Sent]:
        """One earlier stay that is refunded, and one that the funds pay 123.45 yuan more of."""
        stays = [number for number, row in self.sent.items() if row.record.care_type == "inpatient"]
        if len(stays) < 6:
            return
        at = datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)
        gone, corrected = stays[0], stays[1]
        person = self.sent[gone].person
        del self.truth[f"M{person.index:05d}"][gone]
        yield written(self.dice, person, reversal_of(self.sent.pop(gone).record, settled_at=at))
        row = self.sent.pop(corrected)
        more = Money(12345)
        record = row.record
        if (record.personal_amount or 0) > more and (record.cash_amount or 0) > more:
            changes = {
                "fund_paid_amount": more,
                "pooled_fund_amount": more,
                "personal_amount": -more,
                "cash_amount": -more,
            }
            amounts = {name: Money((getattr(record, name) or 0) + change) for name, change in changes.items()}
            record = msgspec.structs.replace(record, settled_at=at, **amounts)
            self.truth[f"M{row.person.index:05d}"][corrected] = record
            yield written(self.dice, row.person, record)

    def tell(self, rows: Sequence[Sent]) -> None:
        for push in pushes_of(self.clock.now.date(), rows):
            page = Fetched(content=push.body, request=push.message_id)
            process_page(self.office, store_page(self.office, "bayannur", page)[0])

    def deliver(self) -> None:
        leases = itertools.count()
        deliver_due(
            self.office, "nm", Inbox(), jitter=lambda: 0.0, new_lease=lambda: f"{self.clock.now}/{next(leases)}"[-32:]
        )

    def standing(self) -> dict[str, dict[str, Any]]:
        """Claim → its body, of those that are not withdrawn."""
        with self.office.store.read() as tx:
            rows = claim_rows.of_associations(tx, ["nm"])
        bodies = {row.claim_id: show_claim(self.office, row.claim_id)["body"] for row in rows}
        return {claim_id: body for claim_id, body in bodies.items() if body["status"] != "withdrawn"}


def check_bills(year: YearOfClaims, bodies: dict[str, dict[str, Any]]) -> Counter[str]:
    """Each claim balances, and says of each settlement what the league knows; returns the sums of the year."""
    sums: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for body in bodies.values():
        balance, member_no = body["balance"], body["member"]["member_no"]
        known = year.truth[member_no]
        for settlement in balance["settlements"]:
            record = known[settlement["settlement_no"]]
            assert fen(settlement["billed"]) == record.total_amount
            assert fen(settlement["fund_paid"]) == record.fund_paid_amount
            assert (member_no, record.settlement_no) not in seen
            seen.add((member_no, record.settlement_no))
        cuts = [cut for part in (*balance["settlements"], balance) for cut in part["cuts"]]
        of_claim = Counter(
            billed=fen(balance["billed"]), paid_by_funds=fen(balance["fund_paid"]), payable=fen(body["payable"])
        )
        for cut in cuts:
            of_claim[CUTS[cut["code"]].group] += fen(cut["amount"])
        groups = sum(of_claim[name] for name in {words.group for words in CUTS.values()})
        assert of_claim["billed"] == of_claim["paid_by_funds"] + groups + of_claim["payable"]
        for name, amount in of_claim.items():
            sums[name] += amount
    return sums


def check_payable(year: YearOfClaims, bodies: dict[str, dict[str, Any]]) -> None:
    """What is payable to each member is what the text of the scheme says, worked out a second time."""
    of_member: Counter[str] = Counter()
    for body in bodies.values():
        of_member[body["member"]["member_no"]] += fen(body["payable"])
    for member_no, records in year.truth.items():
        reckoned = owed([as_bill(record) for record in records.values()], [Period(FIRST, LAST)])
        assert of_member[member_no] == sum(part.payable for part in reckoned), member_no


def decide_all(year: YearOfClaims, payable: dict[str, int], alone: set[str]) -> Counter[str]:
    """Every seventh refused, every fifth for 1.00 yuan less, the others as they ask; returns what came of the money.
    Only what is a member's one claim (`alone`): a refusal gives the days of an allowance to the next stay."""
    decided: Counter[str] = Counter()
    for number, (claim_id, asked) in enumerate(payable.items(), 1):
        if number % 7 == 0 and claim_id in alone:
            refusal = ClerkDecision(outcome="refused", by="甲", reason="papers_missing")
            decide_claim(year.office, claim_id, refusal)
            decided["refused"] += asked
            continue
        less = 100 if number % 5 == 0 and asked > 100 and claim_id in alone else 0
        reason = "excluded_cost" if less else None
        given = ClerkDecision(outcome="approved", by="甲", amount=Money(asked - less), reason=reason)
        decide_claim(year.office, claim_id, given)
        decided["cut"] += less
        decided["approved"] += asked - less
        if number % 11:
            tell_account(year.office, claim_id, AccountGiven(number=CARD, bank="试验银行"), by="甲")
        else:
            decided["without_account"] += asked - less
    return decided


def pay(year: YearOfClaims, *, failing: int) -> tuple[int, int, int]:
    """One list, of which the bank does not pay every so manieth line; returns what was paid, what was not, and how many
    claims no list takes because something about them waits for a person."""
    new = make_list(year.office, "nm", by="丁")
    made = new.made
    assert made is not None
    table = payment_table(year.office, "nm", made.number)
    paid = failed = 0
    lines = []
    for number, row in enumerate(table.rows, 1):
        is_failed = number % failing == 0
        lines.append((row[6], row[4], "失败" if is_failed else "成功", "账号不存在" if is_failed else ""))
        paid, failed = paid + fen(row[4]) * (not is_failed), failed + fen(row[4]) * is_failed
    take_answer(year.office, "nm", made.number, csv_file(("业务编号", "金额", "结果", "原因"), lines), by="戊")
    assert fen(made.amount) == paid + failed
    return paid, failed, new.in_question


def check_year(office: Office, clock: Hands, people: int) -> None:
    year = YearOfClaims(office, clock, people)
    year.play()
    bodies = year.standing()
    sums = check_bills(year, bodies)
    check_payable(year, bodies)
    # A clerk decides in the order of the stays, as allowances and caps are used.
    in_order = sorted(bodies.items(), key=lambda claim: (claim[1]["settlements"][0]["admitted_on"], claim[0]))
    payable = {claim_id: fen(body["payable"]) for claim_id, body in in_order if fen(body["payable"])}
    assert len(payable) >= people // 20 and sums["outside"] > 0 and sums["share"] > 0
    members = Counter(bodies[claim_id]["member"]["member_no"] for claim_id in payable)
    alone = {claim_id for claim_id in payable if members[bodies[claim_id]["member"]["member_no"]] == 1}
    decided = decide_all(year, payable, alone)
    assert decided["refused"] > 0 and decided["cut"] > 0 and decided["without_account"] > 0
    assert sums["payable"] == decided["approved"] + decided["cut"] + decided["refused"]
    paid, failed, in_question = pay(year, failing=9)
    held_back = decided["approved"] - paid - failed - decided["without_account"]
    assert (held_back > 0) == (in_question > 0)
    reasons = Counter[str]()
    for group in unclaimed(year.office).groups:
        reasons[group.reason] += fen(group.payable)
    assert reasons["in_review"] + reasons["held"] >= held_back >= 0
    assert reasons["account_wrong"] == failed
    # 回头望 finds to the fen what was approved and is not paid.
    assert fen(unclaimed(year.office).payable) == decided["approved"] - paid
    [made] = show_lists(year.office, "nm")
    assert {state: fen(amount) for state, (_, amount) in made.states.items()} == {"paid": paid} | (
        {"failed": failed} if failed else {}
    )
    outcomes: Counter[str] = Counter()
    for claim_id in payable:
        decision = show_claim(year.office, claim_id)["decision"]
        outcomes[decision["outcome"]] += fen(decision["amount"])
    assert (outcomes["paid"], outcomes["approved"]) == (paid, decided["approved"] - paid)
    check_recovery(year, [claim for claim in payable if is_paid(year, claim)][:2])


def is_paid(year: YearOfClaims, claim_id: str) -> bool:
    return bool(show_claim(year.office, claim_id)["decision"]["outcome"] == "paid")


def check_recovery(year: YearOfClaims, claims: Sequence[str]) -> None:
    """Of two claims the money is asked back: of one all comes, of the other a part, and two persons write it off."""
    first, second = claims
    amounts = [fen(show_claim(year.office, claim)["decision"]["amount"]) for claim in claims]
    asked = [ask_back(year.office, claim, amount=None, reason="calculation", by="甲") for claim in (first, second)]
    money_came(year.office, asked[0].recovery_id, amount=Money(amounts[0]), by="甲")
    money_came(year.office, asked[1].recovery_id, amount=Money(50), by="甲")
    write_off(year.office, asked[1].recovery_id, by="甲", note="无力偿还")
    write_off(year.office, asked[1].recovery_id, by="乙")
    reports, _ = list_recoveries(year.office, association="nm")
    assert sum(fen(report.recovered) for report in reports) == amounts[0] + 50
    last = [show_claim(year.office, claim)["decision"] for claim in (first, second)]
    assert [(each["outcome"], fen(each["amount"])) for each in last] == [("refused", 0), ("paid", amounts[1] - 50)]


def test_a_year_balances_to_the_fen(make_office: MakeOffice, sqlite_url: str, clock: Hands) -> None:
    check_year(make_office(sqlite_url), clock, 80)


@pytest.mark.full
def test_a_large_year_balances_to_the_fen(make_office: MakeOffice, database_url: str, clock: Hands) -> None:
    check_year(make_office(database_url), clock, 400)
