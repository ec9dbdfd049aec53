"""What goes wrong in a year: each oddity takes members of its own, says what the leagues tell on which day, what the
night finds, what a clerk does, and what stands in the end."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from gateway.model.record import SettlementRecord
from gateway.sandbox.leagues import Sent
from gateway.sandbox.people import other_name
from gateway.sandbox.servers import ServerReply

from .reckoning import Period
from .site import ASSOCIATION, ERROR_IN_200, NOT_FOUND, PROXY_PAGE
from .town import DIALYSIS, HEADERS, SCHEME, Insured, bill, roster_rows, sent, taken_back, with_amounts, write_roster
from .year import CLERK, ONE_DAY, Held, Question, Year

UNKNOWN_CODE = "2A"
TAKEBACK_SHARE = 0.2
"""`takeback_share` of 兴安盟's file."""


# Corrections


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
            year.questions.append(Question("takeback", ("agree",), lambda: year.gone(left_out, wrong)))
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
    year.questions.append(Question("changed", ("keep",)))


# Refunds


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


# Odd bills


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
    year.questions.append(Question("repeat", (answer,), None if same else lambda: year.stands(insured, twin)))


def somebody_else_with_the_card(year: Year, day: date) -> None:
    """A stay under a member's number and another's name."""
    insured = year.town.take("bayannur")
    record = year.stay(insured, day)
    wrong = msgspec.structs.replace(record, name=other_name(insured.person, year.seed))
    year.tell_row("bayannur", sent(insured.person, wrong), day)
    year.busy.add(day)
    year.questions.append(Question("match", ("different",)))


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


# Ordinary, but seldom


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


# Feeds and lines


def association_answers(year: Year, day: date, answer: ServerReply, code: str) -> None:
    """For one night something answers in the association's place. Nothing counts as delivered or refused by it."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)

    def changes() -> None:
        year.site.inbox.mood = answer

    def is_back() -> None:
        assert year.site.inbox.turned_away > 0
        year.site.inbox.mood, year.site.inbox.turned_away = None, 0

    year.doing(day, changes)
    year.mornings[day].append(is_back)
    year.busy.add(day + ONE_DAY)
    year.foresee(code, ASSOCIATION, day)


def line_is_down(year: Year, day: date) -> None:
    """The cloud line does not answer for a night; a clerk asks again in the morning."""
    insured = year.town.take("wuhai")
    year.tell(insured, year.stay(insured, day), day)
    year.sweeps.add(day)

    def goes() -> None:
        year.site.line.is_down = True

    def comes_back() -> None:
        year.site.line.is_down = False
        report = year.site.answer("run", "wuhai", codes=(0, 1))
        assert [run["outcome"] for run in report["feeds"]] == ["done"]

    year.doing(day, goes)
    year.mornings[day].append(comes_back)
    year.foresee("feed_failed", "wuhai", day)


def pushes_stay_away(year: Year, day: date) -> None:
    """巴彦淖尔 sends nothing for two days, and then all of it."""
    insured = year.town.take("bayannur")
    year.tell(insured, year.stay(insured, day), day)
    after = day + 2 * ONE_DAY
    year.silent["bayannur"] |= {day, day + ONE_DAY}

    def all_of_it() -> None:
        for silent in (day, day + ONE_DAY):
            year.site.push(silent, year.pushed[silent])

    year.doing(after, all_of_it)
    year.busy |= {day - ONE_DAY, day, day + ONE_DAY}
    year.foresee("feed_late", "bayannur", day + ONE_DAY)


def no_file_for_two_days(year: Year, day: date) -> None:
    """兴安盟's export stands still over two days; then three files lie there."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)
    after = day + 2 * ONE_DAY
    year.silent["hinggan"] |= {day, day + ONE_DAY}

    def both() -> None:
        for silent in (day, day + ONE_DAY):
            year.site.drop_file(silent, year.files[silent])

    year.doing(after, both)
    year.busy |= {day - ONE_DAY, day, day + ONE_DAY}
    year.foresee("feed_late", "hinggan", day + ONE_DAY)


def day_is_missing(year: Year, day: date) -> None:
    """One day's file never comes; a clerk takes note of it and asks the league, which sends it a week later."""
    insured = year.town.take("hinggan")
    record = year.stay(insured, day)
    year.tell_row("hinggan", sent(insured.person, record), day)
    year.silent["hinggan"].add(day)
    comes = day + 8 * ONE_DAY

    def arrives() -> None:
        year.site.drop_file(day, year.files[day])
        year.stands(insured, record)

    def take_note() -> None:
        [finding] = [report for report in year.site.findings() if report.code == "day_missing"]
        number, until = str(finding.finding_id), (comes + 2 * ONE_DAY).isoformat()
        year.site.answer(
            *("findings", "acknowledge", number, "--until", until, "--by", CLERK, "--note", "已致电盟市，一周内补发")
        )

    year.doing(comes, arrives)
    year.mornings[day + ONE_DAY].append(take_note)
    year.foresee("day_missing", "hinggan", day + ONE_DAY, comes - ONE_DAY)
    year.busy |= {day, comes - ONE_DAY}


def file_waits_for_its_marker(year: Year, day: date) -> None:
    """A day's file lies there without its marker until the next evening."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)
    year.silent["hinggan"].add(day)
    year.doing(day, lambda: year.site.drop_file(day, year.files[day], marker=False))
    year.doing(day + ONE_DAY, lambda: year.site.drop_file(day, year.files[day]))
    year.foresee("files_waiting", "hinggan", day, day, "know")


def copy_of_a_file(year: Year, day: date) -> None:
    """The same day once more as “… (1).csv”: nothing is taken back for it, and somebody must look."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)
    name = f"setl_152200_{day:%Y%m%d} (1).csv"
    year.doing(day + ONE_DAY, lambda: year.site.drop_file(day, year.files[day], name=name))

    def take_note() -> None:
        [finding] = [report for report in year.site.findings() if report.code == "file_twice"]
        until = (day + 20 * ONE_DAY).isoformat()
        year.site.answer("findings", "acknowledge", str(finding.finding_id), "--until", until, "--by", CLERK)

    year.mornings[day + ONE_DAY].append(take_note)
    year.foresee("file_twice", "hinggan", day + ONE_DAY, day + 9 * ONE_DAY)


def unknown_code_until_spring(year: Year, first: date, mended: date) -> None:
    """兴安盟 writes a new code for a stay. Nobody is paid for it, and it is said, until the mapping is mended; then the
    stored pages are read again."""
    people = [year.town.take("hinggan") for _ in range(3)]
    stays = []
    for at, insured in enumerate(people):
        day = first + 9 * at * ONE_DAY
        record = year.stay(insured, day)
        record = msgspec.structs.replace(record, care_type_code=UNKNOWN_CODE)
        year.tell(insured, record, day, stands=False)
        stays.append((insured, record))

    def take_note() -> None:
        [finding] = [report for report in year.site.findings() if report.code == "unknown_codes"]
        until = (mended + ONE_DAY).isoformat()
        year.site.answer("findings", "acknowledge", str(finding.finding_id), "--until", until, "--by", CLERK)

    def mend() -> None:
        mapping = year.site.path / "mappings/hinggan.toml"
        text = mapping.read_text(encoding="utf-8").replace("version = 1\n", "version = 2\n", 1)
        before = '[fields.care_type]\nfrom = ["医疗类别"]\n'
        assert before in text
        mapping.write_text(text.replace(before, f'{before}codes = {{ "{UNKNOWN_CODE}" = "inpatient" }}\n'), "utf-8")
        year.site.reopen()

    def read_again() -> None:
        since = ("hinggan", "--from", first.isoformat())
        shown = year.site.answer("feed", "diff", *since, codes=(1,))
        assert {line["move"] for line in shown["claims"]} == {"new"}
        assert {line["member_no"] for line in shown["claims"]} == {insured.number for insured in people}
        assert year.site.answer("feed", "replay", *since, "--yes")["written"]
        assert not year.site.answer("feed", "diff", *since)["differs"]
        for insured, record in stays:
            year.stands(insured, record)

    year.mornings[first].append(take_note)
    year.mornings[mended - ONE_DAY].append(mend)
    year.mornings[mended].append(read_again)
    year.busy |= {first, mended - ONE_DAY, mended, mended + ONE_DAY}
    year.foresee("unknown_codes", f"hinggan/care_type/{UNKNOWN_CODE}", first, mended)
    year.foresee("mapping_changed", "hinggan", mended, mended, "know")


# The roster


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


def september_roster(year: Year, day: date) -> None:
    """Next year's cover of two leagues, without the columns of before; one member opts out, and one period is shorter
    than it was, which waits for a person."""
    opting_out, leaving = year.town.take("hinggan"), year.town.take("bayannur")
    year.tell(opting_out, year.stay(opting_out, date(year.first.year, 5, 12)), date(year.first.year, 5, 12))
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


def everything(year: Year) -> None:
    """One year's oddities, each on days of its own."""
    dice, some_day = year.dice, year.some_day
    unknown_code_until_spring(year, some_day((3, 12), (3, 20)), some_day((4, 14), (4, 20)))
    for feed in ("hinggan", "bayannur", "wuhai"):
        correction_under_the_same_number(year, feed, some_day((2, 5), (10, 20)))
        refund_with_a_number_of_its_own(year, feed, some_day((2, 5), (10, 20)))
    for feed in ("hinggan", "bayannur"):
        refund_with_a_number_of_its_own(year, feed, some_day((2, 5), (10, 20)), visit=False)
        interim_bills(year, feed, some_day((2, 5), (10, 20)))
        dialysis(year, feed)
    correction_in_the_same_file(year, some_day((2, 5), (10, 20)))
    correction_of_a_whole_file(year, some_day((6, 1), (10, 20)))
    older_state_comes_last(year, some_day((2, 5), (10, 20)))
    nameless_refund(year, some_day((2, 5), (10, 20)))
    nameless_refund_of_an_unknown_number(year, some_day((5, 5), (10, 10)))
    billed_twice(year, dice.choice(("hinggan", "bayannur")), some_day((2, 5), (10, 20)))
    somebody_else_with_the_card(year, some_day((2, 5), (10, 20)))
    unreadable_row(year, some_day((2, 5), (10, 20)))
    correction_that_cannot_be_read(year, some_day((2, 5), (10, 20)))
    dear_stays(year, dice.choice(("hinggan", "bayannur")))
    stay_over_the_turn_of_the_year(year, dice.choice(("hinggan", "bayannur")))
    late_joiner(year, dice.choice(("hinggan", "bayannur")))
    nights = [some_day((3, 1), (4, 25)), some_day((5, 1), (7, 25)), some_day((8, 1), (10, 20))]
    dice.shuffle(nights)
    association_answers(year, nights[0], ERROR_IN_200, "answers_prove_nothing")
    association_answers(year, nights[1], NOT_FOUND, "address_refused")
    association_answers(year, nights[2], PROXY_PAGE, "answers_prove_nothing")
    line_is_down(year, some_day((2, 5), (10, 20)))
    pushes_stay_away(year, some_day((2, 5), (10, 20)))
    days = year.days_apart(4, some=14, first=(2, 5), last=(10, 15))
    no_file_for_two_days(year, days[0])
    day_is_missing(year, days[1])
    file_waits_for_its_marker(year, days[2])
    copy_of_a_file(year, days[3])
    member_leaves(year, dice.choice(("hinggan", "bayannur")), some_day((5, 1), (8, 10)))
    september_roster(year, date(year.first.year, 9, dice.randrange(8, 28)))
    december_roster(year, date(year.first.year, 12, dice.randrange(5, 15)))
    # Some nights are commands, whose exit code says how it stands: one with something to act on, and the last.
    to_act = [foreseen.first for foreseen in year.foreseen if "act" in foreseen.levels]
    year.as_commands |= {dice.choice(to_act), year.last}
