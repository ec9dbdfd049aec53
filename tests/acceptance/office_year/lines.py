"""What goes wrong between the office, its leagues and its association."""

from __future__ import annotations

from datetime import date

import msgspec

from gateway.sandbox.servers import ServerReply

from .site import ASSOCIATION
from .town import sent
from .year import ONE_DAY, Year

UNKNOWN_CODE = "2A"


def association_answers(year: Year, day: date, answer: ServerReply, code: str) -> None:
    """For one night something answers in the association's place. Nothing counts as delivered or refused by it, whether
    what was sent reached the association or not."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)

    carries_out = year.dice.random() < 0.5

    def changes() -> None:
        year.site.inbox.mood, year.site.inbox.carries_out = answer, carries_out

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

    year.doing(comes, arrives)
    until = comes + 2 * ONE_DAY
    year.mornings[day + ONE_DAY].append(lambda: year.acknowledge("day_missing", "hinggan", until))
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


def marker_says_more(year: Year, day: date) -> None:
    """The marker says that there are two rows more; the next evening the file comes with its right marker."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)
    year.silent["hinggan"].add(day)
    year.doing(day, lambda: year.site.drop_file(day, year.files[day], more_rows=2))
    year.doing(day + ONE_DAY, lambda: year.site.drop_file(day, year.files[day]))
    year.foresee("totals_differ", "hinggan", day)


def correction_in_another_encoding(year: Year, day: date) -> None:
    """The file comes again and nobody can read its bytes: every claim stands until the league sends it right."""
    people = [year.town.take("hinggan") for _ in range(3)]
    for insured in people:
        year.tell(insured, year.stay(insured, day), day)
    year.doing(day + ONE_DAY, lambda: year.site.drop_file(day, year.files[day], encoding="utf-32"))
    year.doing(day + 3 * ONE_DAY, lambda: year.site.drop_file(day, year.files[day]))
    year.foresee("quarantine_open", "hinggan", day + ONE_DAY, day + 2 * ONE_DAY)


def copy_of_a_file(year: Year, day: date) -> None:
    """The same day once more as “… (1).csv”: nothing is taken back for it, and somebody must look."""
    insured = year.town.take("hinggan")
    year.tell(insured, year.stay(insured, day), day)
    name = f"setl_152200_{day:%Y%m%d} (1).csv"
    year.doing(day + ONE_DAY, lambda: year.site.drop_file(day, year.files[day], name=name))

    year.mornings[day + ONE_DAY].append(lambda: year.acknowledge("file_twice", "hinggan", day + 20 * ONE_DAY))
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

    name = f"hinggan/care_type/{UNKNOWN_CODE}"

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

    year.mornings[first].append(lambda: year.acknowledge("unknown_codes", name, mended + ONE_DAY))
    year.mornings[mended - ONE_DAY].append(mend)
    year.mornings[mended].append(read_again)
    year.busy |= {first, mended - ONE_DAY, mended, mended + ONE_DAY}
    year.foresee("unknown_codes", name, first, mended)
    year.foresee("mapping_changed", "hinggan", mended, mended, "know")
