"""Good days of three leagues, and what goes wrong with the bytes of a correction.

*Structural* mutations concern the day as a whole: columns moved, codes nobody knows, keys renamed, another encoding,
sums added, dates that cannot be, a header lost, signs turned. *Single* ones change a value or drop a few rows: they
look like any correction. Every person is invented by the sandbox.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from gateway.model.page import FeedTotals, Fetched
from gateway.sandbox.files import day_file
from gateway.sandbox.leagues import Sent, national_row, sent_between
from gateway.sandbox.national import encode
from gateway.sandbox.people import Person, person_at
from gateway.sandbox.pushes import pushes_of

FEEDS = ("hinggan", "bayannur", "wuhai")
DAY = date(2022, 3, 10)
SEED = 11
MEMBERS, STRANGERS = 12, 4

Dice = random.Random
Row = dict[str, Any]


class GoodDay(msgspec.Struct):
    """The rows of a league's day as they should be, and how they are written."""

    feed: str
    rows: list[Row]

    def copy(self) -> GoodDay:
        return GoodDay(self.feed, [dict(row) for row in self.rows])

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def written(self, header: Sequence[str] | None = None) -> bytes:
        """The bytes of the day. `header`: other names in the place of the columns, where the league sends a file."""
        if self.feed == "hinggan":
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(header if header is not None else self.columns)
            writer.writerows([row.get(name, "") for name in self.columns] for row in self.rows)
            return text.getvalue().encode("gb18030", "replace")
        if self.feed == "bayannur":
            return encode({"type": "settlement.batch", "day": DAY.isoformat(), "records": self.rows})
        calls = [("5203", {"mdtrt_id": row.get("mdtrt_id")}, row) for row in self.rows]
        written = [
            {"infno": infno, "asked": asked, "reply": encode({"infcode": 0, "output": {"setlinfo": row}})}
            for infno, asked, row in calls
        ]
        return msgspec.msgpack.encode({"bundle": 1, "calls": written})


class Leagues:
    """Three good days in which members have stays that are paid, and others have some too."""

    def __init__(self) -> None:
        serials = count(1)
        self.members: list[Person] = []
        self.days: dict[str, GoodDay] = {}
        for start, feed in zip(count(0, 2000), FEEDS, strict=False):
            people = [person_at(SEED, start + index, league=feed, as_of=DAY) for index in range(1000)]
            sent = sent_between(SEED, people, first=DAY - timedelta(days=80), last=DAY, serials=serials)
            stays = _sound_stays(sent)
            chosen = stays[: MEMBERS + STRANGERS]
            self.members += [stay.person for stay in chosen[:MEMBERS]]
            self.days[feed] = GoodDay(feed, _rows(feed, chosen))


def _sound_stays(sent: Sequence[Sent]) -> list[Sent]:
    """One hospital stay of each person who has one that nothing is odd about."""
    refunded = {row.record.settlement_no for row in sent if row.record.reversal}
    stays: dict[int, Sent] = {}
    for row in sent:
        plain = not (row.spoiled or row.wrong_name or row.record.reversal) and row.id_written == row.person.id_number
        paid = row.record.care_type == "inpatient" and row.record.insurance_type == "310"
        if plain and paid and row.record.settlement_no not in refunded:
            stays.setdefault(row.person.index, row)
    return list(stays.values())


def _rows(feed: str, sent: Sequence[Sent]) -> list[Row]:
    if feed == "hinggan":
        lines = list(csv.reader(io.StringIO(day_file(DAY, sent).content.decode("gb18030"), newline="")))
        return [dict(zip((name.strip() for name in lines[0]), line, strict=True)) for line in lines[1:]]
    if feed == "bayannur":
        (body,) = (push.body for push in pushes_of(DAY, sent))
        rows: list[Row] = json.loads(body, parse_float=Decimal)["records"]
        return rows
    return [dict(national_row(row)) for row in sent]


def fetched(feed: str, content: bytes, number: int, rows: int, *, again: str = "") -> Fetched:
    """What a connector would make of these bytes: the day's file of the same name, a push, or a bundle. `again`: what
    the name of a file has behind it that was saved once more."""
    if feed != "hinggan":
        return Fetched(content=content, request=f"{feed}:{number}", day=DAY)
    return Fetched(
        content=content,
        request=f"file:{number}",
        day=DAY,
        source=f"setl_152200_{DAY:%Y%m%d}{again}.csv",
        totals=(FeedTotals(day=DAY, rows=rows),),
    )


# Names of the columns by what they hold

_NATIONAL = {
    "number": "setl_id", "care": "med_type", "insurance": "insutype", "sex": "gend", "birth": "brdy", "in": "begndate",
    "out": "enddate", "at": "setl_time", "name": "psn_name", "id": "certno", "total": "medfee_sumamt",
    "scope": "inscp_scp_amt", "fund": "fund_pay_sumamt", "pooled": "hifp_pay", "days": "ipt_days",
    "visit": "mdtrt_id", "facility": "fixmedins_code", "personal": "psn_pay",
}  # fmt: skip
_HINGGAN = {
    "number": "结算流水号", "care": "医疗类别", "insurance": "险种类型", "sex": "性别", "birth": "出生日期",
    "in": "入院日期", "out": "出院日期", "at": "结算时间", "name": "姓名", "id": "证件号码", "total": "医疗费总额",
    "scope": "符合政策范围金额", "fund": "基金支付总额", "pooled": "统筹基金支出", "days": "住院天数",
    "visit": "就诊流水号", "facility": "医疗机构编码", "personal": "个人负担总额",
}  # fmt: skip


def column(day: GoodDay, what: str) -> str:
    """What the league calls a column."""
    return (_HINGGAN if day.feed == "hinggan" else _NATIONAL)[what]


def amounts(day: GoodDay) -> list[str]:
    """The columns that hold money."""
    if day.feed == "hinggan":
        first = day.columns.index("医疗费总额")
        return [name for name in day.columns[first:] if name != "诊断编码"]
    return [name for name in day.columns if name.endswith(("amt", "_pay", "_dedc", "selfpay")) and name != "balc"]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


# Structural: the day as a whole

Mutation = Callable[[Dice, GoodDay], bytes]


def columns_moved(dice: Dice, day: GoodDay) -> bytes:
    """The values of two or three columns stand under each other's names."""
    names = dice.sample(day.columns, dice.choice([2, 2, 3]))
    if dice.random() < 0.6:
        alike = dice.choice([amounts(day), [column(day, what) for what in ("in", "out", "at", "birth")]])
        names = dice.sample([name for name in alike if name in day.columns], 2)
    day.rows = [
        row | dict(zip(names, [row.get(name) for name in names[1:] + names[:1]], strict=True)) for row in day.rows
    ]
    return day.written()


def cells_shifted(dice: Dice, day: GoodDay) -> bytes:
    """From one column on every value stands one column further."""
    names = day.columns
    place = dice.randrange(len(names) - 1)
    for row in day.rows:
        values = [row.get(name) for name in names]
        values.insert(place, dice.choice(["", None, "0"]))
        row.update(zip(names, values, strict=False))
    return day.written()


def codes_unknown(dice: Dice, day: GoodDay) -> bytes:
    """Codes that no table knows, in all rows or in most."""
    what = dice.choice(["care", "care", "insurance", "sex"])
    code = dice.choice(["2A", "31", "77", "住院", "普通住院", "X", "0", "IN"])
    share = dice.choice([1.0, 1.0, 0.6])
    for row in day.rows:
        if dice.random() < share:
            row[column(day, what)] = code
    return day.written()


def keys_renamed(dice: Dice, day: GoodDay) -> bytes:
    """One to three columns are called otherwise."""
    chosen = dice.sample(day.columns, dice.randint(1, 3))
    if dice.random() < 0.7:
        chosen[0] = column(day, dice.choice([*_NATIONAL]))
    how: Callable[[str], str] = dice.choice(
        [str.upper, lambda name: name + "_new", lambda name: "x" + name, lambda name: name[:-1] or "x"]
    )
    names = {name: how(name) if how(name) != name else name + "1" for name in chosen}
    day.rows = [{names.get(name, name): value for name, value in row.items()} for row in day.rows]
    return day.written()


def encoding_changed(dice: Dice, day: GoodDay) -> bytes:
    """Another encoding than agreed, or read and written once in a wrong one."""
    content = day.written()
    own = "gb18030" if day.feed == "hinggan" else "utf-8"
    if day.feed == "wuhai":
        return content.replace(*dice.choice([("医".encode(), b"\xd2\xbd"), (b"1", b"\xff")]))
    text = content.decode(own)
    if dice.random() < 0.4:
        text = text.encode("utf-8").decode(dice.choice(["latin-1", "gb18030"]), "replace")
        return text.encode(own, "replace")
    return text.encode(
        dice.choice(["utf-16", "utf-16-le", "utf-8-sig", "gb18030", "utf-8", "big5", "ascii"]), "replace"
    )


def sums_added(dice: Dice, day: GoodDay) -> bytes:
    """Lines of sums between the rows and at the end, with a total and nobody in them."""
    for place in sorted(dice.sample(range(len(day.rows) + 1), dice.randint(1, 4)), reverse=True):
        sums: Row = dict.fromkeys(day.columns, "")
        sums[dice.choice([column(day, "number"), column(day, "number"), column(day, "name"), day.columns[0]])] = (
            dice.choice(["合计", "小计", "总 计", "本页合计"])
        )
        for name in amounts(day):
            sums[name] = str(sum(Decimal(_text(row.get(name)).strip() or "0") for row in day.rows))
        day.rows.insert(place, sums)
    return day.written()


def dates_impossible(dice: Dice, day: GoodDay) -> bytes:
    """Days that are none, that are counted otherwise, or in each other's place."""
    what = dice.choice(["in", "out", "at", "birth"])
    value = dice.choice(
        ["2022-02-30", "46073", "1970-01-01", "0000-00-00", "9999-12-31", "31/03/2022", "", "1900-01-01", "2.2E+07"]
    )
    for row in day.rows:
        if dice.random() < 0.5 and what in ("in", "out"):
            row[column(day, "in")], row[column(day, "out")] = row.get(column(day, "out")), row.get(column(day, "in"))
        else:
            row[column(day, what)] = value
    return day.written()


def header_lost(dice: Dice, day: GoodDay) -> bytes:
    """The header line is gone, or stands there again and again; the rows of a message stand in another place."""
    content = day.written()
    if day.feed == "hinggan":
        header, _, rest = content.partition(b"\r\n")
        lines = rest.split(b"\r\n")
        again = header + b"\r\n" + (b"\r\n" + header + b"\r\n").join([b"\r\n".join(lines[:9]), b"\r\n".join(lines[9:])])
        return dice.choice([rest, again, b'"' + content, b"\r\n" + content])
    return dice.choice(
        [
            content.replace(b"records", b"Records").replace(b"setlinfo", b"setlInfo"),
            content.replace(b'"records":[', b'"records":[[').replace(b'"setlinfo":{', b'"setlinfo":{"a":{'),
            b"[]", b"{}", b"<html></html>", content.replace(b'"infcode":0', b'"infcode":-1'),
        ]
    )  # fmt: skip


def signs_turned(dice: Dice, day: GoodDay) -> bytes:
    """All amounts, or all of one column, have the other sign."""
    chosen = amounts(day) if dice.random() < 0.5 else dice.sample(amounts(day), 1)
    for row in day.rows:
        for name in chosen:
            text = _text(row.get(name)).strip()
            row[name] = f"-{text}" if text and Decimal(text) else row.get(name)
    return day.written()


def amounts_scaled(dice: Dice, day: GoodDay) -> bytes:
    """Money in another unit, with separators, rounded, or full width."""
    how = dice.choice(["hundredth", "yuan", "thousands", "wide", "none"])
    chosen = amounts(day) if dice.random() < 0.6 else [column(day, dice.choice(["total", "scope", "fund", "pooled"]))]
    for row in day.rows:
        for name in chosen:
            text = _text(row.get(name)).strip()
            if not text:
                continue
            number = Decimal(text)
            row[name] = {
                "hundredth": str(number / 100), "yuan": str(int(number)), "thousands": f"{number:,.2f}",
                "wide": text.translate({ord("0") + digit: ord("０") + digit for digit in range(10)}), "none": "",
            }[how]  # fmt: skip
    return day.written()


def numbers_changed(dice: Dice, day: GoodDay) -> bytes:
    """Every settlement has another number: the same bills once more."""
    what = dice.choice(["number", "visit", "facility", "id"])
    how: Callable[[str], str] = dice.choice(
        [lambda text: "9" + text, lambda text: text[:-1], lambda text: text.lstrip("0") + "0"]
    )
    for row in day.rows:
        text = _text(row.get(column(day, what))).strip()
        row[column(day, what)] = how(text)
    return day.written()


def column_slipped(dice: Dice, day: GoodDay) -> bytes:
    """One to three columns stand one row further down, as after sorting half a sheet."""
    for name in [*dice.sample(day.columns, dice.randint(1, 3)), column(day, dice.choice([*_NATIONAL]))]:
        values = [row.get(name) for row in day.rows]
        for row, value in zip(day.rows, values[-1:] + values[:-1], strict=True):
            row[name] = value
    return day.written()


def refunds_flagged(dice: Dice, day: GoodDay) -> bytes:
    """All rows, or most, are said to be refunds, with their amounts as they were or turned."""
    name = "退费标志" if day.feed == "hinggan" else "refd_setl_flag"
    share = dice.choice([1.0, 0.6])
    turned = dice.random() < 0.3
    for row in day.rows:
        if dice.random() < share:
            row[name] = "1"
            row.update({amount: f"-{row[amount]}" for amount in amounts(day) if turned and _text(row.get(amount))})
    return day.written()


def days_shifted(dice: Dice, day: GoodDay) -> bytes:
    """Every day of one or all columns is another day, month or year."""
    chosen = dice.choice([["in", "out", "at"], ["in"], ["out"], ["at"], ["birth"]])
    years = dice.choice([-10, -1, 1, 10, 100])
    for row in day.rows:
        for name in (column(day, what) for what in chosen):
            text = _text(row.get(name)).strip()
            if text[:4].isdigit() and len(text) < 24 and not text.isdigit():
                row[name] = f"{int(text[:4]) + years:04d}{text[4:]}"
            elif text.isdigit():
                row[name] = int(text) + years * 31_557_600_000
    return day.written()


def absence_written(dice: Dice, day: GoodDay) -> bytes:
    """What is not there is written as a word, in the place of what was there."""
    word = dice.choice(["NULL", "null", "无", "-", "—", "N/A", "\\N", "#REF!", "undefined", "NaN", "未知"])
    for name in [column(day, dice.choice([*_NATIONAL])), *dice.sample(day.columns, dice.randint(0, 2))]:
        for row in day.rows:
            row[name] = word
    return day.written()


def numbers_by_excel(dice: Dice, day: GoodDay) -> bytes:
    """Long numbers as a worksheet shows them: rounded to fifteen digits, or as a power of ten."""
    names = {column(day, what) for what in dice.choice([["id"], ["number"], ["visit"], ["number", "visit", "id"]])}
    as_power = dice.random() < 0.5
    for row in day.rows:
        for name in names:
            text = _text(row.get(name)).strip()
            if text.isdigit():
                row[name] = f"{float(text):.5E}" if as_power else text[:15] + "0" * (len(text) - 15)
    return day.written()


STRUCTURAL: dict[str, Mutation] = {
    function.__name__: function
    for function in (
        columns_moved, cells_shifted, codes_unknown, keys_renamed, encoding_changed, sums_added, dates_impossible,
        header_lost, signs_turned, amounts_scaled, numbers_changed, column_slipped, refunds_flagged, days_shifted,
        absence_written, numbers_by_excel,
    )
}  # fmt: skip


# Single: what a correction looks like


def value_changed(dice: Dice, day: GoodDay) -> bytes:
    """One to three values are others."""
    for _ in range(dice.randint(1, 3)):
        row = dice.choice(day.rows)
        name = dice.choice(day.columns)
        if dice.random() < 0.7:
            name = column(day, dice.choice([*_NATIONAL]))
        text = _text(row.get(name)).strip()
        row[name] = dice.choice(
            [
                "",
                text[:-1],
                text + "0",
                text[::-1],
                "0",
                "-" + text,
                dice.choice(day.rows).get(name),
                _digit(dice, text),
            ]
        )
    return day.written()


def _digit(dice: Dice, text: str) -> str:
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    if not places:
        return text + "x"
    place = dice.choice(places)
    return text[:place] + str(dice.randrange(10)) + text[place + 1 :]


def rows_dropped(dice: Dice, day: GoodDay) -> bytes:
    """One to three rows are not there any more."""
    for _ in range(dice.randint(1, 3)):
        day.rows.remove(dice.choice(day.rows))
    return day.written()


def rows_cut(dice: Dice, day: GoodDay) -> bytes:
    """The file or message ends too early."""
    content = day.written()
    return content[: dice.randrange(len(content) // 4, len(content))]


def rows_doubled(dice: Dice, day: GoodDay) -> bytes:
    """Some rows stand there twice, one of them with another value."""
    for row in dice.sample(day.rows, 3):
        day.rows.insert(dice.randrange(len(day.rows)), dict(row))
    return value_changed(dice, day)


SINGLE: dict[str, Mutation] = {
    function.__name__: function for function in (value_changed, rows_dropped, rows_cut, rows_doubled)
}
