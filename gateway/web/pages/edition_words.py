"""An edition of a scheme in words: what is paid, what limits it, what rules it out, each with its article."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.core.schemes import Edition
from gateway.core.schemes.language.bands import Band
from gateway.core.schemes.language.rules import DailyBenefit, FlatBenefit, LumpSum, ShareBenefit, Threshold
from gateway.web.pages.filters import money
from gateway.words.claims import FLAGS, NOT_PAID
from gateway.words.schemes import LIMIT_SPANS


class RuleWords(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: which part of the edition it is of, its title, the sentence and the article."""

    part: str
    title: str
    sentence: str
    article: str


def rules_in_words(edition: Edition) -> list[RuleWords]:
    """The rules of an edition in the order of its file."""
    return [*_benefits(edition), *_lump_sums(edition), *_limits(edition), *_exclusions(edition)]


def _benefits(edition: Edition) -> Iterator[RuleWords]:
    for benefit in edition.benefits:
        if isinstance(benefit, ShareBenefit):
            yield from _shares(benefit)
        elif isinstance(benefit, DailyBenefit):
            per_day = "、".join(dict.fromkeys(money(amount) for rate in benefit.rates for amount in rate.per_day))
            after = f"，第{benefit.after_days + 1}天起" if benefit.after_days else ""
            sentence = f"每天 {per_day} 元，最多 {benefit.max_days} 天{after}"
            yield RuleWords(part="补贴", title=benefit.title, sentence=sentence, article=benefit.article)
        elif isinstance(benefit, FlatBenefit):
            amounts = "、".join(dict.fromkeys(money(flat.amount) for flat in benefit.amounts))
            yield RuleWords(part="定额", title=benefit.title, sentence=f"{amounts} 元", article=benefit.article)


def _shares(benefit: ShareBenefit) -> Iterator[RuleWords]:
    if benefit.gate is not None:
        sentence = f"自付满 {_threshold(benefit.gate)} 元才补助"
        yield RuleWords(part="分段", title=benefit.title, sentence=sentence, article=benefit.article)
    if benefit.deductible is not None:
        sentence = f"其中 {_threshold(benefit.deductible)} 元以内不补"
        yield RuleWords(part="分段", title=benefit.title, sentence=sentence, article=benefit.article)
    for band in benefit.bands:
        yield RuleWords(part="分段", title=benefit.title, sentence=_band(band), article=band.article)


def _band(band: Band) -> str:
    return (
        f"{band.label}，补助 {money(band.amount)} 元" if band.amount is not None else f"{band.label}，按 {band.percent}"
    )


def _threshold(threshold: Threshold) -> str:
    if threshold.first == threshold.later:
        return money(threshold.first)
    return f"首次 {money(threshold.first)}、以后 {money(threshold.later)}"


def _lump_sums(edition: Edition) -> Iterator[RuleWords]:
    for lump_sum in edition.lump_sums:
        yield RuleWords(part="一次给付", title=lump_sum.title, sentence=_paid_once(lump_sum), article=lump_sum.article)


def _paid_once(lump_sum: LumpSum) -> str:
    by_group = [payment.amount for payment in lump_sum.payments if payment.amount is not None]
    amounts = by_group or [lump_sum.amount]
    least, most = min(amounts), max(amounts)
    return f"{money(least)} 元" if least == most else f"{money(least)} 至 {money(most)} 元，共 {len(amounts)} 类"


def _limits(edition: Edition) -> Iterator[RuleWords]:
    for cap in edition.caps:
        sentence = f"最多 {money(cap.amount)} 元"
        yield RuleWords(part="限额", title=LIMIT_SPANS.get(cap.per, "每次"), sentence=sentence, article=cap.article)
    if edition.floor is not None:
        sentence = f"不足 {money(edition.floor.amount)} 元的补足"
        yield RuleWords(part="限额", title="最低补助", sentence=sentence, article=edition.floor.article)
    if edition.proration_article:
        sentence = "跨保障期的，只计期内天数"
        yield RuleWords(part="限额", title="期内天数", sentence=sentence, article=edition.proration_article)


def _exclusions(edition: Edition) -> Iterator[RuleWords]:
    for exclusion in edition.exclusions:
        words = FLAGS.get(exclusion.reason) or NOT_PAID.get(exclusion.reason) or exclusion.reason
        yield RuleWords(part="不予补助", title=words, sentence="不予补助", article=exclusion.article)
    for confirm in edition.confirms:
        words = FLAGS.get(confirm.flag, confirm.flag)
        yield RuleWords(part="须核实", title=words, sentence="由人核实后核定", article=confirm.article)
