"""Whatever arrives, a page is rows or BadPage; a row is a record or errors; nothing else ever comes out."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import msgspec
import pytest
from normalise_samples import ID18, bundle, csv_page, mapping, page, reply, row

from gateway.core.normalise import CompiledMapping, Normal, Rejected, Rows, normalise_lines
from gateway.core.normalise.problems import PAGE_CODES, ROW_CODES
from gateway.errors import BadPage
from gateway.model.national_id import in_18
from gateway.model.page import Identity

MUTATIONS = 1500
BATCH = 250

VALUES = [
    b"null", b"true", b"-1", b"1e5", b"1E400", b"NaN", b"Infinity", b"-Infinity", b"9" * 400, b"9" * 5000, b'""',
    b'"\\ud800"', b'"\\u0000"', b'"\xff\xfe"', b"{}", b"[]", b'{"a":[1,{"b":null}]}', b"[" * 60 + b"]" * 60,
    "\"１２.００\"".encode(), b'"1_000.00"', b'"0x10"', b'"2026-02-30"', b'"9999-12-31"', b'"1,000.00"',
    b'"' + b"x" * 5000 + b'"', "\"\u202e甲\"".encode(), b"0.1e-7", b"-0.00", b"01", b'"150999198001010018"',
]  # fmt: skip
STUFF = [
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r\n", b"\t", b"\x1a",
    b'"setl_id":"T2",', b'"records":[],', b'"infcode":-1,', b'"output":null,', b"\xb2", b"\x81\x30\x81\x30",
    b"\xed\xa0\x80", b"[" * 3000, b'{"a":' * 3000, "，".encode(),
]  # fmt: skip

CALLS = (
    ("5201", {"psn_no": "1"}, reply({"mdtrtinfo": [{"mdtrt_id": "M0000000001", "ipt_days": 9}]})),
    ("5203", {"psn_no": "1", "mdtrt_id": "M0000000001"}, reply({"setlinfo": row()}, "0")),
    ("5202", {"mdtrt_id": "M0000000001"}, reply({"diseinfo": [{"diag_code": "I10.x00", "diag_srt_no": 1}]})),
)
FUND = row(fund_pay_sumamt=10000)
PAGES = {
    "wuhai": reply({"setlinfo": [row(), row(setl_id="T2", refd_setl_flag=1, medfee_sumamt=-3), row(gend=9)]}),
    "wuhai-bundle": bundle(*CALLS),
    "hinggan": csv_page({}, {"医疗费总额": "-20000.00"}, {"姓名": "测试\u3007"}),
    "bayannur": json.dumps(
        {"day": "2026-03-01", "totals": {"rows": 2, "amount": "2.00"}, "records": [FUND, {**FUND, "vali_flag": "0"}]},
        ensure_ascii=False,
    ).encode(),
    "national": json.dumps({"setlinfo": [row(), row(setl_id="T2")]}).encode(),
}

Mutation = Callable[[random.Random, bytes], bytes]


def truncated(random: random.Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content))]


def flipped(random: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def inserted(random: random.Random, content: bytes) -> bytes:
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(content))
        content = content[:place] + random.choice(STUFF) + content[place:]
    return content


def revalued(random: random.Random, content: bytes) -> bytes:
    """A value of a JSON object, or a cell of a CSV line, replaced by something unlikely."""
    signs = [place for place, byte in enumerate(content) if byte in b":,"] or [0]
    for _ in range(random.randint(1, 4)):
        start = random.choice(signs) + 1
        ends = [place for place in signs if place >= start] or [len(content)]
        content = content[:start] + random.choice(VALUES) + content[ends[0] :]
        signs = [place for place in signs if place < start]
        if not signs:
            break
    return content


def recoded(random: random.Random, content: bytes) -> bytes:
    text = content.decode(random.choice(["utf-8", "gb18030", "latin-1"]), "replace")
    return text.encode(random.choice(["utf-8", "gb18030", "utf-16", "utf-8-sig"]), "replace")


def shuffled(random: random.Random, content: bytes) -> bytes:
    lines = content.split(random.choice([b"\n", b",", b"{"]))
    random.shuffle(lines)
    return b",".join(lines)


def doubled(random: random.Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content + content[start:] if random.random() < 0.5 else content[start:] + content


KINDS: list[Mutation] = [truncated, flipped, inserted, revalued, recoded, shuffled, doubled]


def mutated(random: random.Random, name: str) -> bytes:
    """A page mutated once or twice; of a bundle mostly one of the replies inside."""
    if name == "wuhai-bundle" and random.random() < 0.7:
        calls = [list(call) for call in CALLS]
        one = random.choice(calls)
        one[2] = random.choice(KINDS)(random, CALLS[calls.index(one)][2])
        return bundle(*calls)
    content = random.choice(KINDS)(random, PAGES[name])
    return random.choice(KINDS)(random, content or b"{") if random.random() < 0.3 else content


def answers(compiled: CompiledMapping, content: bytes) -> int:
    """Reads a page in every way there is; returns the number of rows. Fails for any exception but BadPage."""
    try:
        rows = compiled.read(content)
    except BadPage as bad:
        assert bad.code in PAGE_CODES
        assert ID18 not in bad.message
        return 0
    assert isinstance(rows, Rows)
    identities = compiled.identify(rows, 0, len(rows))
    assert len(identities) == len(rows)
    for index, identity in enumerate(identities):
        one_row(compiled, rows, index, identity)
    return len(rows)


def one_row(compiled: CompiledMapping, rows: Rows, index: int, identity: object) -> None:
    """Identity and record of a row never contradict each other; messages never hold a value."""
    found = compiled.record(rows, index)
    if isinstance(found, Rejected):
        assert found.errors
        assert all(error.code in ROW_CODES for error in found.errors)
        assert not any(ID18 in error.message for error in found.errors)
    else:
        assert isinstance(found, Normal)
        assert isinstance(identity, Identity)
        number = identity.id_number and in_18(identity.id_number)
        told = (identity.settlement_no, identity.reversal, identity.reverses, number, identity.total)
        record = found.record
        kept = record.id_number and in_18(record.id_number)
        same = (record.settlement_no, record.reversal, record.reverses, kept, record.total_amount)
        assert told == same
    if not isinstance(identity, Identity):
        assert isinstance(found, Rejected)
        assert found.errors == identity


@pytest.mark.parametrize("batch", range(MUTATIONS // BATCH))
@pytest.mark.parametrize("name", PAGES)
def test_a_mutated_page_gives_rows_or_bad_page_and_nothing_else(name: str, batch: int) -> None:
    compiled, chance = mapping(name.split("-", maxsplit=1)[0]), random.Random(f"{name} {batch}")
    rows = 0
    for _ in range(BATCH):
        content = mutated(chance, name)
        rows += answers(compiled, content)
        compiled.totals(content)
        msgspec.json.encode(list(normalise_lines(compiled, content)))
    assert rows > BATCH / 10, "the mutations must leave rows to read, or they test nothing"


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_before_mutation_are_good(name: str) -> None:
    compiled = mapping(name.split("-", maxsplit=1)[0])
    rows = compiled.read(PAGES[name])
    assert any(isinstance(compiled.record(rows, index), Normal) for index in range(len(rows)))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20].decode("latin-1"))
def test_an_unlikely_value_under_any_key_costs_at_most_its_own_row(value: bytes) -> None:
    compiled = mapping("national")
    for key in row():
        odd = json.dumps(row(**{key: "@"})).encode().replace(b'"@"', value)
        content = b'{"setlinfo": [' + odd + b"," + json.dumps(row(setl_id="T2")).encode() + b"]}"
        count = answers(compiled, content)
        if count:
            assert count == 2
            rows = compiled.read(content)
            assert isinstance(compiled.record(rows, 1), Normal)


@pytest.mark.parametrize(
    "content",
    [b"[" * 10**6, b'{"a":' * 10**6, b'{"setlinfo":' + b"[" * 10**6 + b"]" * 10**6 + b"}", b"[" * 5000 + b"]" * 5000],
    ids=["arrays", "objects", "closed", "short"],
)
def test_deep_nesting_is_a_bad_page(content: bytes) -> None:
    for name in ("wuhai", "bayannur", "national", "hinggan"):
        with pytest.raises(BadPage):
            mapping(name).read(content)


def test_a_page_of_scalars_is_refused_before_it_fills_memory() -> None:
    for content in (
        page(*[1] * 10),
        b'{"setlinfo": [' + b"1," * 7_000_000 + b"1]}",
        b"[" + b"{}," * 5_000_000 + b"{}]",
    ):
        try:
            rows = mapping("national").read(content)
        except BadPage as bad:
            assert bad.code in ("too_many_rows", "wrong_shape", "no_rows_found")
        else:
            assert len(rows) < 20


def test_a_page_larger_than_16_mib_is_refused() -> None:
    for name in ("wuhai", "hinggan"):
        with pytest.raises(BadPage) as caught:
            mapping(name).read(b" " * (16 * 1024 * 1024 + 1))
        assert caught.value.code == "too_large"
