"""The year, day by day: what the leagues tell in the evening, the night, and what a clerk does in the morning.

What happens is planned beforehand (`oddities`): an evening's or a morning's doings by day, the findings of each, the
questions and holds a clerk will meet, with the answers. A finding to act on, a question or a hold that nobody planned
ends the test on the day it appears.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from gateway.flow.delivery.claims import export_claims
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.sandbox.leagues import Sent

from .reckoning import owed
from .site import ASSOCIATION, EVENING_HOUR, MORNING_HOUR, NIGHT_HOUR, Site
from .town import Insured, Town, as_bill, bill, sent

CLERK, SECOND_CLERK = "王芳", "李敏"
ONE_DAY = timedelta(days=1)
SPRING, AUTUMN = (2, 5), (10, 20)
"""Between these (month, day) things go wrong."""

Doing = Callable[[], None]


@dataclass
class Foreseen:
    """A finding that must be seen, and may be open from the night of one day to that of another. `name` begins what it
    is about; `level`: act or know, or both where it grows from one to the other."""

    code: str
    name: str
    first: date
    last: date
    levels: tuple[str, ...]
    seen: set[str] = field(default_factory=set)


@dataclass
class Question:
    """A question a clerk will meet, and what is answered; `about`: the settlement that raises it; `then`: what follows
    for the truth."""

    kind: str
    answer: str
    then: Doing | None = None
    about: SettlementRecord | None = None

    def is_meant(self, item: Mapping[str, Any]) -> bool:
        """Whether an item of `review list` is this question: by its kind and the money of its row."""
        if item["kind"] != self.kind or self.about is None:
            return item["kind"] == self.kind
        return bool(item["amount"].lstrip("-") == yuan(abs(self.about.total_amount or 0)))


@dataclass
class Held:
    """A hold a clerk will meet, by its cause and the beginning of its name."""

    cause: str
    name: str
    accept: bool
    then: Doing | None = None
    lines: int = 3


@dataclass
class Year:
    """One year of one office."""

    seed: int
    site: Site
    town: Town
    first: date
    last: date
    truth: dict[str, dict[str, SettlementRecord]] = field(default_factory=lambda: defaultdict(dict))
    evenings: dict[date, list[Doing]] = field(default_factory=lambda: defaultdict(list))
    mornings: dict[date, list[Doing]] = field(default_factory=lambda: defaultdict(list))
    files: dict[date, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    pushed: dict[date, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    silent: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))
    sweeps: set[date] = field(default_factory=set)
    as_commands: set[date] = field(default_factory=set)
    foreseen: list[Foreseen] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    busy: set[date] = field(default_factory=set)
    quitting: Insured | None = None
    unenrolled: set[str] = field(default_factory=set)
    """Members the first roster does not hold."""
    longest_rest: int = 1
    cleared: set[date] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dice = Random(f"year/{self.seed}")
        # The cloud line is asked every other Saturday, and when the year is over.
        self.sweeps |= {*[day for day in self.days() if day.weekday() == 5][::2], self.last}

    # Planning

    def days(self) -> list[date]:
        """Every day of the year."""
        return [self.first + ahead * ONE_DAY for ahead in range((self.last - self.first).days + 1)]

    def day_between(self, first: tuple[int, int], last: tuple[int, int]) -> date:
        """A day of the year between these (month, day)."""
        begin, end = date(self.first.year, *first), date(self.first.year, *last)
        return begin + self.dice.randrange((end - begin).days + 1) * ONE_DAY

    def some_day(self, first: tuple[int, int] = SPRING, last: tuple[int, int] = AUTUMN) -> date:
        """The same, where rows come as ever on that day and those around it."""
        while (day := self.day_between(first, last)) in self.cleared:
            continue
        return day

    def stretches(self, many: int) -> list[date]:
        """The beginnings of so many stretches of the year, far enough apart, in any order."""
        begin = date(self.first.year, *SPRING)
        length = (date(self.first.year, *AUTUMN) - begin).days // many
        days = [begin + (at * length + self.dice.randrange(4)) * ONE_DAY for at in range(many)]
        self.dice.shuffle(days)
        return days

    def keep_clear(self, day: date, around: int = 12) -> None:
        """What is told around this day may come late, or once more: nothing else that is odd begins here."""
        self.cleared |= {day + ahead * ONE_DAY for ahead in range(-around, around + 1)}

    def doing(self, day: date, doing: Doing) -> None:
        """Something happens in the evening of a day, and the night behind it looks."""
        self.evenings[day].append(doing)
        self.busy.add(day)

    def foresee(self, code: str, name: str, first: date, last: date | None = None, *levels: str) -> None:
        """A finding that the night behind this day shows first."""
        self.foreseen.append(Foreseen(code, name, first, last or first, levels or ("act",)))
        self.busy |= {first, (last or first) + ONE_DAY}

    def stay(self, insured: Insured, ended: date, **values: Any) -> SettlementRecord:
        """A stay of a member that ends on this day."""
        days = values.pop("days", None) or self.dice.choice((1, 2, 3, 5, 6, 7, 9, 12, 15, 21, 33))
        return bill(self.town, insured.person, admitted=ended - days * ONE_DAY, days=days, **values)

    def tell(
        self, insured: Insured, record: SettlementRecord, day: date, *, stands: bool = True, quiet: bool = False
    ) -> None:
        """The league tells this row in the evening of a day; it stands from then on. Where it is `quiet` the night
        behind that day may be left out."""
        self.tell_row(insured.feed, sent(insured.person, record), day)
        if not quiet:
            self.busy.add(day)
        if stands:
            self.evenings[day].append(lambda: self.stands(insured, record))

    def tell_row(self, feed: str, row: Sent, day: date) -> None:
        """The league tells a row as it is written."""
        if feed == "hinggan":
            self.files[day].append(row)
        elif feed == "bayannur":
            self.pushed[day].append(row)
        else:
            self.evenings[day].append(lambda: self.site.world.add([row]))

    def stands(self, insured: Insured, record: SettlementRecord) -> None:
        """From now on this is what the settlement of this number says."""
        self.truth[insured.number][record.settlement_no] = record

    def gone(self, insured: Insured, record: SettlementRecord) -> None:
        """From now on this settlement stands no more."""
        del self.truth[insured.number][record.settlement_no]

    # Playing

    def play(self) -> None:
        """From the first day to the last."""
        rested, busy = 0, self.busy | self.sweeps | self.mornings.keys()
        for day in self.days():
            self.evening(day)
            # A process that finds the clock three days on believes it no more: it is run the night before, too.
            quiet = not {day, day + ONE_DAY} & self.as_commands and day not in busy
            if quiet and rested < self.longest_rest - 1:
                rested += 1
                continue
            rested = 0
            self.night(day)
            self.morning(day)

    def evening(self, day: date) -> None:
        """The leagues tell what was settled."""
        self.site.at(day, EVENING_HOUR)
        for doing in self.evenings[day]:
            doing()
        if day not in self.silent["hinggan"]:
            self.site.drop_file(day, self.files[day])
        if day not in self.silent["bayannur"]:
            self.site.push(day, self.pushed[day])

    def night(self, day: date) -> None:
        """The night behind a day. Some are commands in a process of their own, whose exit code says how it stands."""
        self.site.at(day + ONE_DAY, NIGHT_HOUR)
        feeds = ["hinggan", "bayannur"] + (["wuhai"] if day in self.sweeps else [])
        if day not in self.as_commands:
            self.site.night(feeds)
            self.look_at_findings(day)
            return
        ended = self.site.command("run", *feeds, "--json")
        to_act = self.look_at_findings(day)
        assert ended.code == int(to_act), f"{day}: run ended with {ended.code}\n{ended.out[-2000:]}{ended.err}"
        for command in ("status", "findings", "check", "reconcile"):
            other = self.site.command(command, "--json")
            assert other.code == int(to_act), f"{day}: {command} ended with {other.code}\n{other.out[-2000:]}"
        self.counts["run_to_act" if to_act else "run_well"] += 1

    def look_at_findings(self, day: date) -> bool:
        """Hold what is open against what was foreseen; returns whether there is something to act on."""
        reports = self.site.findings()
        for report in reports:
            fitting = [
                one
                for one in self.foreseen
                if one.code == report.code and report.name.startswith(one.name) and one.first <= day <= one.last
            ]
            for one in fitting:
                one.seen.add(report.level)
            if report.counts:
                assert any("act" in one.levels for one in fitting), f"{day}: not foreseen: {report}"
        return any(report.counts for report in reports)

    def morning(self, day: date) -> None:
        """What a clerk does behind the night of a day."""
        self.site.at(day + ONE_DAY, MORNING_HOUR)
        self.decide_holds(day)
        self.answer_questions(day)
        for doing in self.mornings[day]:
            doing()

    def decide_holds(self, day: date) -> None:
        """Every open hold is looked at and answered as planned."""
        open_holds = [report.name for report in self.site.findings() if report.code == "changes_held"]
        for number in open_holds:
            shown = self.site.answer("holds", "show", number)
            hold = shown["hold"]
            planned = [one for one in self.holds if one.cause == hold["cause"] and hold["name"].startswith(one.name)]
            assert planned, f"{day}: a hold nobody planned: {json.dumps(shown, ensure_ascii=False)}"
            held = planned[0]
            self.holds.remove(held)
            assert len(shown["claims"]) >= held.lines, shown
            if held.accept:
                outcome = self.site.answer("holds", "accept", number, "--by", CLERK, codes=(0, 1))["outcome"]
                if outcome == "proposed":
                    assert shown["second"]
                    refused = self.site.command("holds", "accept", number, "--by", CLERK, "--confirm")
                    assert refused.code == 2, refused.out + refused.err
                    answer = self.site.answer("holds", "accept", number, "--by", SECOND_CLERK, "--confirm")
                    outcome = answer["outcome"]
                assert outcome == "accepted", outcome
            else:
                self.site.answer("holds", "refuse", number, "--reason", "盟市尚未说明", "--by", CLERK)
            self.counts[f"hold_{hold['cause']}_{'accepted' if held.accept else 'refused'}"] += 1
            if held.then is not None:
                held.then()

    def answer_questions(self, day: date) -> None:
        """Every open question is answered as planned; what waits in a hold is the hold's."""
        if not any(report.code in ("review_open", "refunds_waiting") for report in self.site.findings()):
            return
        for item in self.site.answer("review", "list")["review"]:
            if item["kind"] == "hold":
                continue
            planned = [question for question in self.questions if question.is_meant(item)]
            assert planned, f"{day}: a question nobody planned: {item}"
            question, number = planned[0], str(item["item_id"])
            self.questions.remove(question)
            self.site.answer("review", "show", number)
            self.site.answer("review", "decide", number, question.answer, "--by", CLERK)
            self.counts[f"question_{item['kind']}"] += 1
            if question.then is not None:
                question.then()

    def acknowledge(self, code: str, name: str, until: date) -> None:
        """A clerk takes note of a finding until a day."""
        [finding] = [report for report in self.site.findings() if (report.code, report.name) == (code, name)]
        self.site.answer(
            *("findings", "acknowledge", str(finding.finding_id), "--until", until.isoformat(), "--by", CLERK)
        )

    # Holding against the reckoning

    def expected(self) -> dict[str, Counter[tuple[tuple[str, ...], int]]]:
        """Member → (settlements, fen) of everything owed, by the independent reckoning of what stands."""
        found = {}
        for number, insured in self.town.members.items():
            records = self.truth[number].values() if insured.takes_part else ()
            due = owed([as_bill(record) for record in records], insured.periods)
            if due:
                found[number] = Counter((one.settlements, one.payable) for one in due)
        return found

    def delivered(self) -> dict[str, Counter[tuple[tuple[str, ...], int]]]:
        """Member → (settlements, fen) of every claim that stands at the association."""
        found: dict[str, Counter[tuple[tuple[str, ...], int]]] = {}
        for held in self.site.book.current():
            payable = int(held.claim["payable"].replace(".", "")) if held.status != "withdrawn" else 0
            if payable:
                numbers = tuple(sorted(settlement["settlement_no"] for settlement in held.claim["settlements"]))
                found.setdefault(held.claim["member"]["member_no"], Counter())[numbers, payable] += 1
        return found

    def check_claims(self) -> None:
        """The association holds exactly what every member is owed, each claim once, in its final version."""
        expected, delivered = self.expected(), self.delivered()
        assert delivered == expected, _differences(delivered, expected)
        file = self.site.path.parent / "claims.jsonl"
        file.unlink(missing_ok=True)
        export_claims(self.site.office, file, association=ASSOCIATION)
        ours = {(body := json.loads(line))["claim_id"]: body for line in file.read_text("utf-8").splitlines()}
        theirs = {held.claim_id: held for held in self.site.book.current()}
        assert ours.keys() == theirs.keys()
        for claim_id, held in theirs.items():
            said = (ours[claim_id]["version"], ours[claim_id]["status"], ours[claim_id].get("payable"))
            assert said == (held.version, held.status, held.claim.get("payable")), claim_id
            assert held.effects == 1, claim_id
        assert self.site.book.summary()["doubled"] == 0

    def check_foreseen(self) -> None:
        """Everything that was meant to be found was found; every question and hold came; nothing is left to act on."""
        unseen = [one for one in self.foreseen if not {*one.levels} <= one.seen]
        assert not unseen, unseen
        assert not self.questions, self.questions
        assert not self.holds, self.holds
        assert not [str(report) for report in self.site.findings() if report.counts]
        assert self.counts["run_well"] > 0


def _differences(
    delivered: Mapping[str, Counter[tuple[tuple[str, ...], int]]],
    expected: Mapping[str, Counter[tuple[tuple[str, ...], int]]],
) -> str:
    lines = []
    for number in sorted({*delivered, *expected}):
        has, due = delivered.get(number, Counter()), expected.get(number, Counter())
        if has != due:
            lines.append(f"{number}: delivered {dict(has - due)}, owed {dict(due - has)}")
    return "\n".join(lines)


def everyday(year: Year) -> None:
    """What strangers tell every day, and the ordinary stays of members who play no other part."""
    dice = year.dice
    for day in year.days():
        for feed, many in (("hinggan", 3), ("bayannur", 2)):
            for person in dice.sample(year.town.strangers[feed], many):
                row = bill(year.town, person, admitted=day, days=0, care=("outpatient", "11"))
                year.tell_row(feed, sent(person, row), day)


def ordinary_stays(year: Year, members: Iterable[Insured]) -> None:
    """One to three stays a year, some of which go on in another hospital."""
    dice = year.dice
    for insured in members:
        for month in sorted(dice.sample(range(2, 13), dice.choice((1, 1, 2, 3)))):
            ended = date(year.first.year, month, dice.randrange(8, 26))
            house = dice.randrange(6)
            record = year.stay(insured, ended, days=dice.choice((1, 2, 4, 7)), facility=house)
            year.tell(insured, record, ended, quiet=True)
            if dice.random() < 0.2:
                on = ended + dice.randrange(2) * ONE_DAY
                moved = bill(year.town, insured.person, admitted=on, days=3, facility=house + 1)
                year.tell(insured, moved, on + 3 * ONE_DAY, quiet=True)
