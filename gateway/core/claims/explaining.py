"""Explain (说明): how each fen of a claim came about and what was not covered, in sentences a worker understands.

Everything here follows from an estimate, its settlements and the edition's wording; nothing is worked out again.
Where the settlement sheet adds up, what was not covered and the subsidy together are all that 医保 did not pay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from gateway.core.schemes import Edition
from gateway.core.schemes.language.conditions import ALWAYS
from gateway.core.schemes.language.edition import Papers
from gateway.core.schemes.language.rules import ShareBenefit
from gateway.model.benefit import BenefitEstimate
from gateway.model.money import yuan
from gateway.model.record import SettlementRecord
from gateway.words.claims import DOUBTS, NOT_PAID, WITHDRAWN
from gateway.words.records import AMOUNTS, CARE_IN_A_SENTENCE

OUTSIDE: Final = (
    ("full_self_amount", "full_self", "全自费项目，不在医保范围之内，不计入补助基数"),
    ("over_limit_amount", "over_limit", "超过医保限价的部分，不计入补助基数"),
    ("first_self_amount", "first_self", "乙类项目等先行自付的部分，不计入补助基数"),
    ("deductible_amount", "deductible", "起付线以内的部分，按规定不计入补助基数"),
)
"""What of a bill may stay outside of a base: field, code, sentence."""

_WHOLE: Final = ("total_amount", "personal_amount", "cash_amount")
_CUTS: Final = {"proration": "uncovered_days", "cap": "cap_reached", "benefit_cap": "cap_reached"}


class NotCovered(msgspec.Struct, frozen=True, gc=False):
    """One part of the bill that is not paid: `amount` in yuan as text, None where it is not known."""

    what: str
    amount: str | None
    reason: str
    article: str | None


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """What a claim's body adds to its lines: sentences in Chinese, and what was not covered."""

    explanation: list[str]
    not_covered: list[NotCovered]


class BaseWords(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of the base of one benefit: its terms (label, field, sign) and what of the bill stays outside.

    `terms` is empty where no settlement sheet shows the base (days, a ceiling, another scheme's payment); then
    `described` says what it is made of. `ends_at`: the base above which no band pays, in fen; None for no end, or
    where bands differ by condition. `deductible`: the scheme's own deductible (免补额), in fen.
    """

    terms: tuple[tuple[str, str, int], ...]
    outside: tuple[tuple[str, str, str], ...]
    deductible_inside: bool
    article: str | None
    ends_at: int | None = None
    end_article: str | None = None
    benefit: str = ""
    described: str = ""
    deductible: int = 0


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What the sentences take from an edition: the base of each share benefit by name, and articles.

    `only` is the base where there is one share benefit, for everybody; `claim_basis` the article of the claim window
    in brackets; `reasons`: reason of an exclusion → its article; `counted_in_days`: benefits whose base is no money;
    `papers`: what a member brings (申领材料).
    """

    bases: Mapping[str, BaseWords] = {}
    only: BaseWords | None = None
    claim_basis: str = ""
    reasons: Mapping[str, str] = {}
    counted_in_days: frozenset[str] = frozenset()
    papers: tuple[Papers, ...] = ()


NO_WORDING: Final = Wording()
"""Where no coverage period applies, and so no edition."""


def wording_of(edition: Edition) -> Wording:
    """The wording of an edition."""
    shares = [benefit for benefit in edition.benefits if isinstance(benefit, ShareBenefit)]
    alone = len(shares) == 1 and shares[0].conditions == ALWAYS
    reasons = dict.fromkeys(("maternity_insurance", "not_employee_insurance"), edition.who.article)
    reasons |= {exclusion.reason: exclusion.article for exclusion in edition.exclusions}
    if edition.waiting is not None:
        reasons["waiting_period"] = edition.waiting.article
    return Wording(
        bases={share.name: _words_of(share) for share in shares},
        only=_words_of(shares[0]) if alone else None,
        claim_basis=f"（{edition.claim_window.article}）" if edition.claim_window else "",
        reasons=reasons,
        counted_in_days=frozenset(share.name for share in shares if share.base.days),
        papers=edition.papers,
    )


def _words_of(benefit: ShareBenefit) -> BaseWords:
    base, bands = benefit.base, benefit.bands
    shown = not (base.special or base.days or base.paid_by or base.paid_by_added)
    last = None if benefit.by_condition or not bands else bands[-1]
    described = ""
    if not shown:
        added = [AMOUNTS.get(name, name) for name in base.add] + ["住院天数"] * bool(base.days)
        added += [f"{scheme}已补助" for scheme in base.paid_by_added]
        taken = [AMOUNTS.get(name, name) for name in base.less] + [f"{scheme}已补助" for scheme in base.paid_by]
        described = f"{benefit.title}的补助基数＝{'＋'.join(added)}{''.join(f'－{term}' for term in taken)}。"
    words = base_words(
        add=base.add if shown else (),
        less=base.less if shown else (),
        article=benefit.article,
        ends_at=last.upto if last else None,
        end_article=last.article if last else None,
        benefit=benefit.name,
        described=described,
    )
    own = benefit.deductible
    return words if own is None else msgspec.structs.replace(words, deductible=own.first)


def base_words(
    *,
    add: Sequence[str],
    less: Sequence[str],
    article: str | None,
    ends_at: int | None,
    end_article: str | None,
    benefit: str = "",
    described: str = "",
) -> BaseWords:
    """The words for a base of amounts added and taken off; none of either where no sheet shows it."""
    signed = [("＋", name, 1) for name in add] + [("－", name, -1) for name in less]
    return BaseWords(
        terms=tuple((sign + AMOUNTS.get(name, name), name, way) for sign, name, way in signed),
        outside=tuple(part for part in OUTSIDE if add and not _is_inside(part[0], add, less)),
        deductible_inside=_is_inside("deductible_amount", add, less),
        article=article,
        ends_at=ends_at,
        end_article=end_article,
        benefit=benefit,
        described=described,
    )


def _is_inside(name: str, add: Sequence[str], less: Sequence[str]) -> bool:
    """Whether an amount is part of the base: by itself, as part of the whole bill, the deductible also of the scope."""
    if name in add or name in less:
        return name in add
    wider = (*_WHOLE, "in_scope_amount") if name == "deductible_amount" else _WHOLE
    return any(whole in add for whole in wider)


def explain(
    estimate: BenefitEstimate, records: Sequence[SettlementRecord], wording: Wording, *, flags: Sequence[str]
) -> Explanation:
    """The sentences and the list for one estimate; `records` are its settlements, `flags` those of the claim."""
    bill = _Bill(records)
    bases = [(words, bill.base(words)) for words in bases_of(estimate, wording)]
    sentences = [_opening(estimate, records, bill)]
    if estimate.lines:
        sentences += [
            words.described if base is None else _base_sentence(bill, words, base)
            for words, base in bases
            if base is not None or words.described
        ]
    sentences += [f"{line.text}（{line.article}）。" for line in estimate.lines]
    sentences.append(f"合计应补助{yuan(estimate.payable)}元。")
    for flag in flags:
        sentences.append(f"{DOUBTS.get(flag) or f'须由经办人核实（{flag}）'}。")
    if estimate.claim_by is not None:
        sentences.append(f"最晚申领日为{estimate.claim_by.isoformat()}（含当日）{wording.claim_basis}。")
    if estimate.lines:
        return Explanation(sentences, _not_covered(estimate, bill, wording, bases))
    return Explanation(sentences, _nothing_covered(estimate, bill, wording, bases))


def bases_of(estimate: BenefitEstimate, wording: Wording) -> list[BaseWords]:
    """The bases an estimate rests on: the only one, or those of the benefits its lines name."""
    if wording.only is not None:
        return [wording.only]
    names = dict.fromkeys(line.benefit for line in estimate.lines if line.benefit is not None)
    return [wording.bases[name] for name in names if name in wording.bases]


class _Bill:
    """The settlements of an estimate as one bill."""

    def __init__(self, records: Sequence[SettlementRecord]) -> None:
        self.records = records
        self.only = records[0] if len(records) == 1 else None

    def sum(self, name: str) -> int | None:
        """One amount over all of them; None where one does not give it, or there are none."""
        if self.only is not None or not self.records:
            amount: int | None = getattr(self.only, name, None)
            return amount
        total = 0
        for record in self.records:
            amount = getattr(record, name)
            if amount is None:
                return None
            total += amount
        return total

    def base(self, words: BaseWords) -> int | None:
        """The base, each settlement's at least zero; None where an amount is missing or no sheet shows it."""
        if not words.terms or not self.records:
            return None
        base = 0
        for record in self.records:
            own = 0
            for _, name, way in words.terms:
                amount = getattr(record, name)
                if amount is None:
                    return None
                own += way * amount
            if own > 0:
                base += own
        return base


_Bases: TypeAlias = Sequence[tuple[BaseWords, int | None]]
"""The bases an estimate rests on, each with its amount."""


def explain_withdrawal(reason: str) -> Explanation:
    """Why a claim is taken back."""
    return Explanation([WITHDRAWN.get(reason, f"本申领撤回：{reason}。")], [])


def _opening(estimate: BenefitEstimate, records: Sequence[SettlementRecord], bill: _Bill) -> str:
    if not records:
        return "本次给付不对应某一次就医结算。"
    first = records[0]
    where = f"在{first.facility_name}" if first.facility_name else ""
    care = CARE_IN_A_SENTENCE.get(first.care_type or "", "就医")
    if len(records) > 1:
        care += f"（{len(records)}笔结算合并计算）"
    total, paid = bill.sum("total_amount"), bill.sum("fund_paid_amount")
    if total is None or paid is None:
        return f"{_when(estimate)}{where}{care}。"
    return f"{_when(estimate)}{where}{care}，医疗总费用{yuan(total)}元，其中医保基金支付{yuan(paid)}元。"


def _when(estimate: BenefitEstimate) -> str:
    first, last, unit = estimate.admitted_on, estimate.discharged_on, estimate.stay
    if unit.startswith("month/"):
        return f"{unit[6:10]}年{int(unit[11:13])}月"
    if unit.startswith("period/"):
        return f"{unit[7:17]}开始的保障期内"
    if first is None:
        return ""
    return first.isoformat() if last is None or last == first else f"{first.isoformat()}至{last.isoformat()}"


def _base_sentence(bill: _Bill, words: BaseWords, base: int) -> str:
    """Which amounts went into the base and which came off it, and where the deductible stands."""
    plain, parts = 0, ""
    for label, name, way in words.terms:
        amount = bill.sum(name) or 0
        plain += way * amount
        parts += f"{label}{yuan(amount)}元"
    sentence = f"可补助的自付部分＝{parts[1:]}＝{yuan(base)}元"
    if plain != base:
        sentence += "（其中不足0元的结算按0元计）"
    deductible = bill.sum("deductible_amount") if words.deductible_inside else None
    return f"{sentence}，其中起付线{yuan(deductible)}元也计入。" if deductible else f"{sentence}。"


def _not_covered(estimate: BenefitEstimate, bill: _Bill, wording: Wording, bases: _Bases) -> list[NotCovered]:
    """What the base leaves out, then what the bands leave, then what days and caps take off."""
    parts = _left_out(bill, bases) if bases else []
    in_bands, own = 0, 0
    article = None
    cuts = []
    for line in estimate.lines:
        if line.rule == "band" and line.base is not None and line.benefit not in wording.counted_in_days:
            in_bands += line.base
            if line.rate is not None:
                own += line.base - line.amount
                article = line.article
        elif line.amount < 0 and line.rule in _CUTS:
            cuts.append(_item(_CUTS[line.rule], -line.amount, line.text, line.article))
    for words, base in bases:
        inside = in_bands
        if wording.only is None:
            bands = [line for line in estimate.lines if line.rule == "band" and line.benefit == words.benefit]
            inside = sum(line.base or 0 for line in bands)
        if base is not None and inside < base:
            kind, reason, outside = "outside_bands", "未达到起付额或不在补助分段之内的部分不予补助", words.article
            if words.ends_at is not None and base > words.ends_at:
                kind, reason = "above_bands", f"超过{yuan(words.ends_at)}元的部分不予补助"
                outside = words.end_article
            parts.append(_item(kind, base - inside, reason, outside))
    if own > 0:
        parts.append(_item("own_share", own, "自付部分中按规定比例由个人承担", article))
    return parts + cuts


def _left_out(bill: _Bill, bases: _Bases) -> list[NotCovered]:
    """What of the bill entered none of the bases."""
    parts = []
    shown = [words for words, _ in bases if words.terms]
    for outside in shown[0].outside if shown else ():
        if len(shown) > 1 and any(outside not in words.outside for words in shown):
            continue
        name, what, reason = outside
        amount = bill.sum(name)
        if amount is not None and amount > 0:
            parts.append(_item(what, amount, reason, shown[0].article))
    return parts


def _item(what: str, amount: int, reason: str, article: str | None) -> NotCovered:
    return NotCovered(what, yuan(amount), reason, article)


def _nothing_covered(estimate: BenefitEstimate, bill: _Bill, wording: Wording, bases: _Bases) -> list[NotCovered]:
    """Nothing is paid: the whole of what 医保 left, with the reason, which is the estimate's first flag."""
    total, paid = bill.sum("total_amount"), bill.sum("fund_paid_amount")
    left = None if total is None or paid is None else yuan(total - paid)
    if estimate.flags:
        what = estimate.flags[0]
        reason, article = NOT_PAID.get(what) or f"按规定不予补助（{what}）", wording.reasons.get(what)
    else:
        what, reason = "nothing_owed", "没有达到补助条件的自付部分"
        article = bases[0][0].article if bases else None
    return [NotCovered(what, left, reason, article)]
