"""What the roster says in the course of a year."""

from __future__ import annotations

from datetime import date

from .reckoning import Period
from .site import ASSOCIATION
from .town import HEADERS, SCHEME, roster_rows, write_roster
from .year import CLERK, ONE_DAY, Held, Year


def member_leaves(year: Year, feed: str, day: date) -> None:
    """A unit tells late that somebody left: the cover ends before the last stay, whose claim is withdrawn."""
    insured = year.town.take(feed)
    year.tell(insured, year.stay(insured, day - 9 * ONE_DAY, days=4), day - 9 * ONE_DAY)
    ends = day - 20 * ONE_DAY

    def end() -> None:
        year.site.answer(
            *("roster", "end", insured.number, "--association", ASSOCIATION, "--scheme", SCHEME),
            *("--on", ends.isoformat(), "--confirm", "--by", CLERK),
        )
        insured.periods = [Period(insured.periods[-1].first, ends)]

    insured.periods = insured.periods[-1:]
    year.mornings[day].append(end)
    year.busy |= {day, day + ONE_DAY}
    year.foresee("claims_taken", ASSOCIATION, day + ONE_DAY, day + 4 * ONE_DAY, "know")


def late_enrolment(year: Year, feed: str, day: date) -> None:
    """A unit sends somebody's cover of this year months late: what was told of that member before counts now."""
    insured = year.town.take(feed)
    year.unenrolled.add(insured.number)
    for ago in (90, 40):
        ended = day - ago * ONE_DAY
        year.tell(insured, year.stay(insured, ended, days=year.dice.choice((3, 8, 20))), ended, quiet=True)

    def enrol() -> None:
        rows = roster_rows([insured], {insured.number: insured.periods})
        file = write_roster(year.site.path.parent / "late.csv", HEADERS, rows)
        assert year.site.answer("roster", "import", str(file), "--association", ASSOCIATION)["added"] == 1

    year.mornings[day].append(enrol)


def september_roster(year: Year, day: date) -> None:
    """Next year's cover of two leagues, without the columns of before; one member opts out, and one period is shorter
    than it was, which waits for a person."""
    opting_out, leaving = year.town.take("hinggan"), year.town.take("bayannur")
    year.tell(opting_out, year.stay(opting_out, date(year.first.year, 5, 12)), date(year.first.year, 5, 12))
    # Who takes no part is matched no more.
    after = day + 20 * ONE_DAY
    year.tell(opting_out, year.stay(opting_out, after), after, quiet=True)
    kept = day - 25 * ONE_DAY
    year.tell(leaving, year.stay(leaving, kept), kept)
    lost = day - 3 * ONE_DAY
    year.tell(leaving, year.stay(leaving, lost, days=3), lost)
    next_year = Period(date(year.first.year + 1, 1, 1), date(year.first.year + 1, 12, 31))
    ends = day - 15 * ONE_DAY
    early = [
        insured
        for insured in year.town.members.values()
        if insured.feed != "wuhai" and insured not in (leaving, opting_out) and year.dice.random() < 0.6
    ]

    def renew() -> None:
        gone = {insured.number for insured in early if insured.periods[-1].last < date(year.first.year, 12, 31)}
        enrolled = [insured for insured in early if insured.number not in gone]
        rows = [[*row, ""] for row in roster_rows(enrolled, {insured.number: [next_year] for insured in enrolled})]
        rows += [[*row, "是"] for row in roster_rows([opting_out], {opting_out.number: opting_out.periods[-1:]})]
        shorter = Period(leaving.periods[-1].first, ends)
        rows += [[*row, ""] for row in roster_rows([leaving], {leaving.number: [shorter]})]
        file = write_roster(year.site.path.parent / "september.csv", (*HEADERS, "不参与"), rows)
        arguments = ("roster", "import", str(file), "--association", ASSOCIATION)
        shown = year.site.answer(*arguments, "--dry-run", codes=(1,))
        assert shown["dry_run"]
        report = year.site.answer(*arguments, codes=(1,))
        assert report["waiting"] and report["hold_id"] is not None
        assert [line["member_no"] if isinstance(line, dict) else line for line in report["opted_out"]]
        for insured in enrolled:
            insured.periods.append(next_year)
        opting_out.takes_part = False

    def left() -> None:
        leaving.periods[-1] = Period(leaving.periods[-1].first, ends)

    year.mornings[day].append(renew)
    year.busy |= {day, day + ONE_DAY}
    year.foresee("changes_held", "", day + ONE_DAY)
    year.holds.append(Held("roster", "", True, left, lines=1))
    year.foresee("claims_taken", ASSOCIATION, day + ONE_DAY, day + 5 * ONE_DAY, "know")


def december_roster(year: Year, day: date) -> None:
    """The complete list of next year: everybody but two. One of them had cover from September's list, which ends."""
    next_year = Period(date(year.first.year + 1, 1, 1), date(year.first.year + 1, 12, 31))

    def renew() -> None:
        members = [
            insured
            for insured in year.town.members.values()
            if insured.takes_part and max(period.last for period in insured.periods) >= date(year.first.year, 12, 31)
        ]
        early = [insured for insured in members if next_year in insured.periods]
        quitting = year.dice.choice(early)
        staying = [insured for insured in members if insured is not quitting]
        rows = roster_rows(staying, {insured.number: [next_year] for insured in staying})
        file = write_roster(year.site.path.parent / "december.csv", HEADERS, rows)
        arguments = ("roster", "import", str(file), "--association", ASSOCIATION)
        complete = ("--complete", f"{SCHEME}:{next_year.first.year}")
        report = year.site.answer(*arguments, *complete, codes=(1,))
        assert report["waiting"] and report["hold_id"] is not None
        year.quitting = quitting
        for insured in staying:
            if next_year not in insured.periods:
                insured.periods.append(next_year)

    def ended() -> None:
        assert year.quitting is not None
        year.quitting.periods.remove(next_year)

    year.mornings[day].append(renew)
    year.busy |= {day, day + ONE_DAY}
    year.foresee("changes_held", "", day + ONE_DAY)
    year.holds.append(Held("roster", "", True, ended, lines=0))
