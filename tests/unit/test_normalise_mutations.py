"""Messages that went wrong on the way, of ten kinds: no traceback, nothing slow, no amount that differs or is missing
without a warning or an error, no record gone without a word.

`make test` takes a few of each kind; the long form 100,000 of each, in pieces.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.sax.saxutils import escape

import pytest
from normalise_samples import CSV_ROW, made, mapping, row

from gateway.core.normalise import CompiledMapping, Normal, compile_mapping
from gateway.core.normalise.problems import PAGE_CODES, ROW_CODES
from gateway.errors import BadPage
from gateway.model.record import SettlementRecord
from gateway.settings.mappings import check_mapping

OF_A_KIND = 100_000
PIECE = 2_000
SHORT = 90
SLOW = 0.5

AMOUNTS = [field for field in SettlementRecord.__struct_fields__ if field.endswith("_amount")]
MAY_BE_MISSING = {"hospital_borne_amount", "other_fund_amount", "shared_account_amount"}
"""A missing one counts as nothing (mappings/README.md), so nothing and missing are the same of these."""

ROWS = [
    row(setl_id="T1", act_pay_dedc="800.00", medfee_sumamt="20000.00"),
    row(setl_id="T2", psn_name="测试乙", medfee_sumamt="20500.00", hosp_part_amt="500.00", fulamt_ownpay_amt=2500,
        act_pay_dedc="300.50", oth_pay="250.00", hifob_pay=750),
    row(setl_id="T3", **{
        key: -value for key, value in row().items() if key.endswith(("_pay", "amt", "payamt", "dedc", "selfpay"))
        and isinstance(value, int) and value
    }, refd_setl_flag="1"),
]  # fmt: skip
CHINESE = dict(zip(
    ("setl_id", "medfee_sumamt", "fulamt_ownpay_amt", "act_pay_dedc", "hosp_part_amt", "oth_pay", "hifob_pay"),
    ("结算流水号", "医疗费总额", "全自费金额", "起付线", "医院负担", "其他支出", "大额补助"), strict=True,
))  # fmt: skip
ALIKE = re.compile(r"[0-9]+\.[0-9]{2}")
NEGATIVE = {name: "-" + text for name, text in CSV_ROW.items() if ALIKE.fullmatch(text) and float(text)}
SECOND = {name: f"{float(ROWS[1][key]):.2f}" for key, name in CHINESE.items() if key != "setl_id"}
LINES = [
    {**CSV_ROW, "结算流水号": "T1"},
    {**CSV_ROW, **SECOND, "结算流水号": "T2"},
    {**CSV_ROW, **NEGATIVE, "结算流水号": "T3"},
]


def as_xml(rows: list[dict[str, Any]]) -> str:
    written = "\n".join(
        "<row>\n" + "\n".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in values.items()) + "\n</row>"
        for values in rows
    )
    return f"<out>\n<list>\n{written}\n</list>\n</out>\n"


def as_csv(lines: list[dict[str, str]]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([list(CSV_ROW), *(list(line.values()) for line in lines)])
    return written.getvalue()


IN_XML = {"mapping": "made", "version": 1, "national": True, "format": {"kind": "xml", "rows": ["out.list.row"]}}
FORMATS: dict[str, tuple[CompiledMapping, str]] = {
    "json": (made(), json.dumps({"rows": ROWS}, ensure_ascii=False, indent=1)),
    "csv": (mapping("hinggan"), as_csv(LINES)),
    "xml": (compile_mapping(check_mapping(IN_XML, shown_as="m").language()), as_xml(ROWS)),
}
KEY = {
    "json": re.compile(r'"([A-Za-z_]+)":'),
    "xml": re.compile(r"<([a-z_]+)>"),
    "csv": re.compile(r"([^,\r\n]+)[,\r]"),
}
NUMBER = re.compile(r"(?<=[:>,])( ?)(\"?)(-?[0-9]+(?:\.[0-9]{2})?)(\"?)(?=[,<\r\n])")
ODD = [
    "", "null", "1e5", "1E+2", "0E-10", "1,000.00", "１２.００", "1_000", "0x10", "NaN", "Infinity", "-0.00", "--1",
    "9" * 30, "12.345", "38.61000000000001", ".09", "+3.00", "1 000", "$5", "5元", "01.50", "true", "二百", "1E400",
]  # fmt: skip

Mutation = Callable[[random.Random, str, str], tuple[bytes, set[int | None]]]
"""(chance, format, text) → the bytes that arrive, and amounts in fen that were really sent in place of others."""


def cut(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    content = text.encode()
    place = chance.randrange(len(content))
    # A file of lines that ends where a line ends looks whole; only totals tell of it.
    while kind == "csv" and (content[:place].endswith((b"\n", b"\r")) or content[place:].startswith(b"\r")):
        place = chance.randrange(len(content))
    return content[:place], set()


def recoded(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    written = chance.choice(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "big5", "utf-32"])
    content = text.encode(written, "replace")
    again = chance.choice([None, None, "latin-1", "gb18030"])
    return (content.decode(again, "replace").encode() if again else content), set()


def doubled(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    start = chance.choice([0, 0, chance.randrange(len(text))])
    return (text + chance.choice(["", "\n", ","]) + text[start:]).encode(), set()


def wrapped(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    ways = [
        '{"data": %s}', "[%s]", '{"code": 0, "rows": %s}', "<x>%s</x>", "<x><![CDATA[%s]]></x>", "callback(%s)",
        '"%s"', "%s;", "<!-- a -->%s", "data=%s", '{"rows": [%s]}', "<out><list>%s</list></out>", "\ufeff%s",
    ]  # fmt: skip
    content = json.dumps(text) if chance.random() < 0.2 else escape(text) if chance.random() < 0.2 else text
    return chance.choice(ways).replace("%s", content).encode(), set()


def one_key(chance: random.Random, kind: str, text: str, change: Callable[[str], str]) -> bytes:
    """The text with one of its keys changed in one place, or everywhere."""
    head = text.partition("\n")[0] + "\n" if kind == "csv" else text
    key = chance.choice(list(KEY[kind].finditer(head)))
    name, new = key.group(1), change(key.group(1))
    if kind == "xml":
        places = [(f"<{name}>", f"<{new}>"), (f"</{name}>", f"</{new}>")]
        count = chance.choice([1, -1])
        for old, other in places:
            text = text.replace(old, other, count)
        return text.encode()
    if kind == "csv" or chance.random() < 0.5:
        return (text[: key.start(1)] + new + text[key.end(1) :]).encode()
    return text.replace(f'"{name}":', f'"{new}":').encode()


def key_case(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    change = chance.choice([str.upper, str.title, lambda name: name[0].upper() + name[1:], lambda name: f" {name}"])
    return one_key(chance, kind, text, change), set()


def renamed(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    change = chance.choice(
        [lambda name: name + "x", lambda name: name[:-1], lambda name: name.replace("_", ""), lambda _: "k"]
    )
    return one_key(chance, kind, text, change), set()


def odd_numbers(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    place = chance.choice(list(NUMBER.finditer(text)))
    odd = chance.choice(ODD)
    # An empty amount is told to be none.
    sent: set[int | None] = {None} if odd in ("", "null") else set()
    with suppress(InvalidOperation, ValueError, OverflowError):
        sent = sent or {int(Decimal(odd).quantize(Decimal("0.01")) * 100)}
    blank, quote = place.group(1), chance.choice(['"', place.group(2)]) if kind == "json" else place.group(2)
    return (text[: place.start()] + blank + quote + odd + quote + text[place.end() :]).encode(), sent


def key_twice(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    if kind == "csv":
        return one_key(
            chance, kind, text, lambda name: chance.choice([f"{name},{name}", "医疗费总额", "起付线"])
        ), set()
    start = chance.choice([match.end() for match in re.finditer(r"<row>" if kind == "xml" else r" \{", text)])
    key, value = chance.choice(sorted(ROWS[0])), chance.choice(["1", "2.50", "", "x", "-7"])
    again = f"<{key}>{value}</{key}>" if kind == "xml" else f'"{key}": "{value}",'
    if chance.random() < 0.5:
        end = text.index("</row>" if kind == "xml" else "\n  }", start)
        again = again if kind == "xml" else "," + again[:-1]
        return (text[:end] + again + text[end:]).encode(), set()
    return (text[:start] + again + text[start:]).encode(), set()


def bytes_changed(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    content = bytearray(text.encode())
    places = [place for place, byte in enumerate(content) if not 48 <= byte <= 57]
    for _ in range(chance.randint(1, 3)):
        new = chance.choice([*range(48), *range(58, 256)])
        content[chance.choice(places)] = new
    return bytes(content), set()


def lines_shuffled(chance: random.Random, kind: str, text: str) -> tuple[bytes, set[int | None]]:
    lines = text.splitlines(keepends=True)
    chance.shuffle(lines)
    return "".join(lines).encode(), set()


KINDS: dict[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        cut, recoded, doubled, wrapped, key_case, renamed, odd_numbers, key_twice, bytes_changed, lines_shuffled,
    )
}  # fmt: skip


def money(record: SettlementRecord) -> dict[str, int | None]:
    return {
        field: getattr(record, field) or (0 if field in MAY_BE_MISSING else getattr(record, field)) for field in AMOUNTS
    }


def originals(kind: str) -> dict[str, dict[str, int | None]]:
    compiled, text = FORMATS[kind]
    rows = compiled.read(text.encode())
    records = [compiled.record(rows, index) for index in range(len(rows))]
    assert all(isinstance(record, Normal) and not record.warnings for record in records), records
    return {result.record.settlement_no: money(result.record) for result in records if isinstance(result, Normal)}


ORIGINALS = {kind: originals(kind) for kind in FORMATS}


def judge(kind: str, content: bytes, sent: set[int | None]) -> None:
    """Fails where something of the message is misread or gone without a word."""
    compiled, _ = FORMATS[kind]
    began = time.process_time()
    try:
        rows = compiled.read(content)
    except BadPage as bad:
        assert bad.code in PAGE_CODES
        assert time.process_time() - began < SLOW
        return
    compiled.identify(rows, 0, len(rows))
    results = [compiled.record(rows, index) for index in range(len(rows))]
    assert time.process_time() - began < SLOW
    records, words = 0, 0
    for result in results:
        if not isinstance(result, Normal):
            assert all(error.code in ROW_CODES for error in result.errors)
            words += 1
            continue
        records += 1
        words += bool(result.warnings)
        if not result.warnings:
            as_sent(kind, result.record, sent)
    assert words or records >= len(ORIGINALS[kind]), "a record is gone without a word"


def as_sent(kind: str, record: SettlementRecord, sent: set[int | None]) -> None:
    """A record nothing is said of has the amounts that were sent."""
    expected = ORIGINALS[kind].get(record.settlement_no)
    candidates = [expected] if expected else list(ORIGINALS[kind].values())
    amounts = money(record)
    wrong = [{field: amount for field, amount in amounts.items() if amount != other[field]} for other in candidates]
    assert any(sent.issuperset(differing.values()) for differing in wrong), wrong


def run(kind: str, piece: int, count: int) -> None:
    chance = random.Random(f"{kind} {piece}")
    for _ in range(count):
        form = chance.choice(sorted(FORMATS))
        content, sent = KINDS[kind](chance, form, FORMATS[form][1])
        judge(form, content, sent)


@pytest.mark.parametrize("kind", KINDS)
def test_what_went_wrong_on_the_way_is_told(kind: str) -> None:
    run(kind, 0, SHORT)


@pytest.mark.full
@pytest.mark.parametrize("piece", range(1, 1 + OF_A_KIND // PIECE))
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_hundred_thousand_nothing_is_misread_or_gone_without_a_word(kind: str, piece: int) -> None:
    run(kind, piece, PIECE)
