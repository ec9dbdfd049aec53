"""A new scheme from ten answers: the text of its first edition file, and of a file of cases beside it.

The commonest shape: bands on the self-pay in scope, each part at its own rate, perhaps an allowance a day and a cap of
the period. What else a regulation says is added to the file by hand. The expected amounts of the cases are worked out
here from the answers, by plain arithmetic, so that `hubao scheme test` holds the engine against them.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from gateway.errors import WrongUse
from gateway.settings.files import check
from gateway.settings.schemes.specs import SchemeSpec

PERIODS: Final = {"calendar_year": "自然年", "months_from_joining": "参加次日起12个月"}
"""How the period of a new scheme may run; other ways are written by hand."""

_NIGHTS: Final = 5
_FEN: Final = Decimal("0.01")
_BAND: Final = re.compile(r"(?:([1-9][0-9]{0,8}):)?(0(?:\.[0-9]{1,4})?|1(?:\.0{1,4})?)")
_ALLOWANCE: Final = re.compile(r"([1-9][0-9]{0,4})(?:x([1-9][0-9]{0,2}))?")
_AMOUNT: Final = re.compile(r"[0-9]{1,9}")

Band = tuple[Decimal | None, Decimal]
"""Up to which amount in yuan (None: open), and the rate."""


class SchemeAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """The ten answers as they were written. `bands` as `10000:0.40,100000:0.70,1.00` (the last may be open),
    `allowance` as `20x30` (yuan a day, at most so many days; 0: none), `cap` in yuan a period (0: none)."""

    scheme: str
    name: str
    source: str
    starts: date
    categories: str
    period: str
    bands: str
    allowance: str
    cap: str
    claim_days: int


def scheme_files_of(answers: SchemeAnswers) -> dict[str, str]:
    """File name → text: the edition and its cases. Raises WrongUse for an answer that cannot be read, BadSettings with
    every finding for one the language refuses."""
    bands = _bands_of(answers.bands)
    edition = _edition_text(answers, bands)
    name = f"{answers.scheme}-{answers.starts.year}.toml"
    check(SchemeSpec, tomllib.loads(edition), shown_as=name)
    return {name: edition, f"{answers.scheme}.test.toml": _cases_text(answers, bands)}


def _bands_of(text: str) -> list[Band]:
    bands: list[Band] = []
    parts = [part.strip() for part in text.replace("，", ",").split(",")]
    for at, part in enumerate(parts):
        match = _BAND.fullmatch(part)
        if match is None or (match[1] is None and at + 1 < len(parts)):
            raise WrongUse("分段写作 10000:0.40,100000:0.70,1.00，比例在0到1之间，只有最后一段可以不写上限 (bands)")
        bands.append((None if match[1] is None else Decimal(match[1]), Decimal(match[2])))
    return bands


def _allowance_of(answers: SchemeAnswers) -> tuple[int, int] | None:
    """Yuan a day, and the most days."""
    if answers.allowance.strip() == "0":
        return None
    match = _ALLOWANCE.fullmatch(answers.allowance.strip())
    if match is None:
        raise WrongUse("补贴写作 20x30（每日20元，最多30天），没有写 0 (allowance)")
    return int(match[1]), int(match[2] or 30)


def _cap_of(answers: SchemeAnswers) -> int | None:
    if not _AMOUNT.fullmatch(answers.cap.strip()):
        raise WrongUse("限额写整元，没有写 0 (cap: whole yuan, 0 for none)")
    return int(answers.cap) or None


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML; only DEL would not be one.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_EDITION: Final = """\
# {comment}：由 hubao scheme new 写出。条款（article）待填；没有 [settings]，规定没有写明的问题都列为待确认。

scheme = {scheme}
name = {name}
edition = "{year}"
version = 1
title = "{year}年"
source = {source}
starts = {starts}

[who]
insurance_types = ["310"]
maternity_insurance = "510"
categories = {categories}
article = "参保条件（待填）"

[period]
runs = {period}
{months}article = "保障期（待填）"

[stay]
care = ["inpatient"]
transfer_days = 1
article = "一次住院（待填）"

[proration]
article = "按保障期内天数的比例（待填）"

[claim]
days = {claim_days}
counts_from = "settlement"
article = "申领期限（待填）"

[[benefits]]
name = "subsidy"
kind = "share"
title = "补助金"
base = {{ add = ["in_scope_amount"], less = ["fund_paid_amount"] }}
prorated = true
article = "补助标准（待填）"
"""


def _edition_text(answers: SchemeAnswers, bands: Sequence[Band]) -> str:
    allowance, cap = _allowance_of(answers), _cap_of(answers)
    tables = [
        _EDITION.format(
            comment=_quoted(answers.name)[1:-1],
            year=answers.starts.year,
            starts=answers.starts,
            categories=json.dumps(_categories_of(answers)),
            months='months = 12\nstarts = "next_day"\n' if answers.period == "months_from_joining" else "",
            claim_days=answers.claim_days,
            **{key: _quoted(getattr(answers, key)) for key in ("scheme", "name", "source", "period")},
        )
    ]
    for upto, rate in bands:
        limit = "" if upto is None else f"upto = {upto}\n"
        tables.append(f'[[benefits.bands]]\n{limit}rate = {rate}\narticle = "分段比例（待填）"\n')
    if allowance is not None:
        head = '[[benefits]]\nname = "allowance"\nkind = "daily"\ntitle = "住院补贴"\narticle = "住院补贴（待填）"\n'
        tables.append(f"{head}per_day = {allowance[0]}\nmax_days = {allowance[1]}\n")
    if cap is not None:
        tables.append(f'[[caps]]\namount = {cap}\nper = "period"\narticle = "最高限额（待填）"\n')
    return "\n".join(tables)


def _categories_of(answers: SchemeAnswers) -> list[str]:
    return [category.strip() for category in answers.categories.replace("，", ",").split(",")]


def _expected(base: Decimal, answers: SchemeAnswers, bands: Sequence[Band]) -> Decimal:
    """What a stay of five nights with this self-pay in scope is paid."""
    paid, over, allowance, cap = Decimal(0), Decimal(0), _allowance_of(answers), _cap_of(answers)
    for upto, rate in bands:
        paid += max(Decimal(0), (base if upto is None else min(base, upto)) - over) * rate
        over = base if upto is None else upto
    paid = paid.quantize(_FEN, rounding=ROUND_HALF_UP)
    if allowance is not None:
        paid += allowance[0] * min(_NIGHTS, allowance[1])
    return paid if cap is None else min(paid, Decimal(cap))


def _cases_text(answers: SchemeAnswers, bands: Sequence[Band]) -> str:
    """A stay inside the first band, one a yuan beyond each edge, and one before cover."""
    edges = [upto for upto, _ in bands if upto is not None]
    bases = [min([Decimal(1000), *edges]), *[edge + 1 for edge in edges]]
    tables = [f"# {_quoted(answers.name)[1:-1]}：案例。金额按答案算出，请补充规定里的例子 (add its own examples)。\n"]
    for base in bases:
        expect = f'payable = "{_expected(base, answers, bands):.2f}"\nflags = []'
        tables.append(_case(f"自付{base}元", answers, 30, base, expect))
    expect = 'payable = "0.00"\nflags = ["not_covered"]'
    return "\n".join([*tables, _case("保障期之前", answers, -40, bases[0], expect)])


def _case(name: str, answers: SchemeAnswers, day: int, base: Decimal, expect: str) -> str:
    """A stay that begins so many days after cover."""
    first, began = answers.starts, answers.starts + timedelta(days=day)
    left, last = began + timedelta(days=_NIGHTS), first + timedelta(days=364)
    category = _categories_of(answers)[0]
    return (
        f"[[cases]]\ncase = {_quoted(name)}\nscheme = {_quoted(answers.scheme)}\n"
        f'member = {{ category = "{category}", coverage = [{{ from = {first}, to = {last} }}] }}\n'
        f'[[cases.settlements]]\nsettlement_no = "S1"\ncare_type = "inpatient"\nfacility_no = "H00000000001"\n'
        f"admitted_on = {began}\ndischarged_on = {left}\nsettled_at = {left}T10:00:00+08:00\n"
        f'inpatient_days = {_NIGHTS}\ntotal_amount = "{base + 5000:.2f}"\nin_scope_amount = "{base + 5000:.2f}"\n'
        f'fund_paid_amount = "5000.00"\n[[cases.expect]]\n{expect}\n'
    )
