"""The tables of a simulation: for people, as CSV files, and as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli.output import say, table
from gateway.cli.table_files import csv_file
from gateway.core.studies.forecast import Forecast, Year
from gateway.core.studies.simulation import STEPS, RulePair, RulesFigures, RuleSum, rule_pairs
from gateway.model.money import yuan
from gateway.runners.simulation import SimulationResult
from gateway.words.schemes import RULES, TAKE_UP
from gateway.words.waiting import waiting_words

Rows = list[tuple[Any, ...]]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One table: its file name, title, columns and rows."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Rows


def sheets(outcome: SimulationResult) -> list[Sheet]:
    """Every table, in the order a reader wants them."""
    makers = (_totals, _fund, _forecast, _leagues, _rules, _sizes, _largest)
    return [make(outcome) for make in makers]


def show(outcome: SimulationResult) -> None:
    """The whole result for a person."""
    figures, rules = outcome.figures, outcome.rules
    say(f"{rules.before.name}：{rules.edition.name} 期与{rules.draft.name}对比（{outcome.first} 至 {outcome.last}）")
    say(
        f"会员{figures.members}人，结算{figures.settlements}笔；"
        f"增加{figures.total.better}人，减少{figures.total.worse}人，"
        f"不变{figures.members - figures.total.better - figures.total.worse}人 (better, worse, unchanged)"
    )
    for sheet in sheets(outcome):
        if sheet.rows:
            table(sheet.title, sheet.columns, sheet.rows)
    if outcome.before.income is None:
        say("方案文件没有会费（[[fees]]），收支未算；用 --fee 给出每期会费 (no fee is known: say --fee)")
    if left_out := waiting_words(figures.waiting.plain()):
        say(left_out)
    if figures.refused:
        say(
            f"{figures.refused}人的数据不能核算，未计入；案例可用 scheme assess 看原因"
            " (could not be assessed and are left out; scheme assess says why of cases)"
        )
    say("预测以现存结算的平均每件金额计：不申领的人票据往往较小，故后几行是上限 (the last rows are an upper bound)")
    say(f"用时{outcome.seconds:.1f}秒，{outcome.processes}个进程，内存{outcome.peak_mb} MB")


def write_csv(outcome: SimulationResult, folder: Path) -> None:
    """Each table as a file Excel opens rightly: UTF-8 with a mark, exact yuan."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in sheets(outcome):
        path = folder / f"{sheet.name}.csv"
        if outcome.members:
            # Member numbers are for the one who asked.
            path.touch(mode=0o600)
        path.write_bytes(csv_file(sheet.columns, sheet.rows))


def plain(outcome: SimulationResult) -> dict[str, Any]:
    """The whole result as JSON values."""
    figures, rules = outcome.figures, outcome.rules
    total = figures.total
    return {
        "scheme": rules.before.scheme,
        "edition": rules.edition.name,
        "draft": rules.draft.name,
        "from": outcome.first,
        "to": outcome.last,
        "days": outcome.days,
        "members": figures.members,
        "member_days": figures.member_days,
        "settlements": figures.settlements,
        "refused": figures.refused,
        "waiting": figures.waiting.plain(),
        "better": total.better,
        "worse": total.worse,
        "unchanged": total.members - total.better - total.worse,
        "before": _side(figures.before),
        "after": _side(figures.after),
        "difference": yuan(total.after - total.before),
        "leagues": _named(_leagues(outcome), ("league", "members", "better", "worse", "before", "after", "difference")),
        "rules": _rules_plain(outcome),
        "distribution": _named(_sizes(outcome), ("change", "members", "before", "after", "difference")),
        "largest": _largest_plain(outcome),
        "year": {"before": _year(outcome.before), "after": _year(outcome.after)},
        "take_up": _money(outcome.today),
        "forecast": [_forecast_plain(year) for year in outcome.forecast],
        "seconds": round(outcome.seconds, 3),
        "settlements_per_second": round(figures.settlements / outcome.seconds) if outcome.seconds else None,
        "processes": outcome.processes,
        "peak_rss_mb": outcome.peak_mb,
    }


def _named(sheet: Sheet, keys: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(zip(keys, row, strict=True)) for row in sheet.rows]


def _side(side: RulesFigures) -> dict[str, Any]:
    return {
        "claims": side.claims,
        "people": side.people,
        "paid": yuan(side.paid),
        "average": yuan(_average(side.paid, side.claims)),
        "largest_claim": yuan(side.largest_claim),
        "largest_person": yuan(side.largest_person),
        "to_person": side.to_person,
        "income": _money(side.income),
    }


def _average(amount: int, many: int) -> int:
    return (2 * amount + many) // (2 * many) if many else 0


def _money(amount: int | None) -> str | None:
    return None if amount is None else yuan(amount)


def _year(year: Year) -> dict[str, Any]:
    return {
        "members": year.members,
        "claims": year.claims,
        "income": _money(year.income),
        "outlay": yuan(year.outlay),
        "balance": _money(year.balance),
    }


def _totals(outcome: SimulationResult) -> Sheet:
    before, after = outcome.figures.before, outcome.figures.after
    rows: Rows = [
        ("申领件数", before.claims, after.claims, after.claims - before.claims),
        ("受益人数", before.people, after.people, after.people - before.people),
        ("须人工审核", before.to_person, after.to_person, after.to_person - before.to_person),
    ]
    amounts = (
        ("补助金额（元）", before.paid, after.paid),
        ("平均每件（元）", _average(before.paid, before.claims), _average(after.paid, after.claims)),
        ("单笔最高（元）", before.largest_claim, after.largest_claim),
        ("个人累计最高（元）", before.largest_person, after.largest_person),
    )
    rows += [(name, yuan(now), yuan(then), yuan(then - now)) for name, now, then in amounts]
    return Sheet(name="totals", title="合计", columns=("项目", "现行", "草案", "差额"), rows=rows)


def _fund(outcome: SimulationResult) -> Sheet:
    before, after = outcome.before, outcome.after
    rows: Rows = [
        ("平均在保会员", before.members, after.members),
        ("申领件数", before.claims, after.claims),
        ("会费收入（元）", _money(before.income), _money(after.income)),
        ("补助支出（元）", yuan(before.outlay), yuan(after.outlay)),
        ("结余（元）", _money(before.balance), _money(after.balance)),
    ]
    title = f"基金一年（{outcome.days}天折合一年）" if outcome.days not in range(360, 371) else "基金一年"
    return Sheet(name="fund", title=title, columns=("项目", "现行", "草案"), rows=rows)


def _forecast(outcome: SimulationResult) -> Sheet:
    rows: Rows = [
        (
            yuan(year.per_100),
            "、".join(TAKE_UP[why] for why in year.why),
            yuan(year.before),
            yuan(year.after),
            _money(year.balance_before),
            _money(year.balance_after),
        )
        for year in outcome.forecast
    ]
    columns = ("每百人每年件数", "依据", "现行支出（元）", "草案支出（元）", "现行结余（元）", "草案结余（元）")
    return Sheet(name="forecast", title="预测：不再有人忘记申领时的一年", columns=columns, rows=rows)


def _forecast_plain(year: Forecast) -> dict[str, Any]:
    return {
        "per_100": yuan(year.per_100),
        "why": year.why,
        "before": yuan(year.before),
        "after": yuan(year.after),
        "balance_before": _money(year.balance_before),
        "balance_after": _money(year.balance_after),
    }


def _leagues(outcome: SimulationResult) -> Sheet:
    rows: Rows = [
        (
            name,
            part.members,
            part.better,
            part.worse,
            yuan(part.before),
            yuan(part.after),
            yuan(part.after - part.before),
        )
        for name, part in sorted(outcome.figures.leagues.items())
    ]
    columns = ("盟市", "会员", "增加", "减少", "现行（元）", "草案（元）", "差额（元）")
    return Sheet(name="leagues", title="分盟市", columns=columns, rows=rows)


def _rule_pairs(outcome: SimulationResult) -> list[RulePair]:
    order = {rule: place for place, rule in enumerate(RULES)}
    pairs = rule_pairs(outcome.figures.before, outcome.figures.after)
    return sorted(pairs, key=lambda pair: order.get(pair.rule, len(order)))


def _rules(outcome: SimulationResult) -> Sheet:
    pairs = _rule_pairs(outcome)
    editions = (outcome.rules.draft, outcome.rules.edition)
    titles = {
        benefit.name: benefit.title for edition in editions for benefit in (*edition.benefits, *edition.lump_sums)
    }
    # Benefits are named only where there is more than one to speak of.
    if len(titles) <= 2 and len({pair.benefit for pair in pairs if pair.rule == "band"}) <= 1:
        titles = {}
    rows: Rows = []
    for pair in pairs:
        rates = " → ".join(dict.fromkeys(f"{(rate * 100).normalize():f}%" for rate in pair.rates if rate is not None))
        label = " ".join(filter(None, (titles.get(pair.benefit) or RULES.get(pair.rule, pair.rule), rates)))
        before, after = pair.before, pair.after
        amounts = (before.lines, yuan(before.amount), after.lines, yuan(after.amount))
        rows.append((label, pair.article, *amounts, yuan(after.amount - before.amount)))
    columns = ("规定", "条款", "现行笔数", "现行（元）", "草案笔数", "草案（元）", "差额（元）")
    return Sheet(name="rules", title="分段与各项规定", columns=columns, rows=rows)


def _rules_plain(outcome: SimulationResult) -> list[dict[str, Any]]:
    return [
        {
            "rule": pair.rule,
            "benefit": pair.benefit or None,
            "article": pair.article,
            "rates": [None if rate is None else str(rate) for rate in pair.rates],
            "before": _rule_plain(pair.before),
            "after": _rule_plain(pair.after),
        }
        for pair in _rule_pairs(outcome)
    ]


def _rule_plain(rule: RuleSum) -> dict[str, Any]:
    return {"lines": rule.lines, "base": yuan(rule.base), "amount": yuan(rule.amount)}


def size_label(size: int) -> str:
    """What a size of change is called: 减少 500–1000 元."""
    if size == 0:
        return "不变"
    word, place = ("增加" if size > 0 else "减少"), abs(size)
    low = STEPS[place - 1]
    first = "0" if place == 1 else f"{low // 100}"
    return f"{word} {first}–{STEPS[place] // 100} 元" if place < len(STEPS) else f"{word} {first} 元以上"


def _sizes(outcome: SimulationResult) -> Sheet:
    rows: Rows = [
        (size_label(size), part.members, yuan(part.before), yuan(part.after), yuan(part.after - part.before))
        for size, part in sorted(outcome.figures.sizes.items())
    ]
    columns = ("每人变化", "会员", "现行（元）", "草案（元）", "差额（元）")
    return Sheet(name="distribution", title="变化分布", columns=columns, rows=rows)


def _largest(outcome: SimulationResult) -> Sheet:
    rows: Rows = [
        (
            *((change.who,) if outcome.members else ()),
            change.league,
            {"active": "在职", "retired": "退休"}.get(change.category, change.category),
            change.claims,
            yuan(change.before),
            yuan(change.after),
            yuan(change.change),
        )
        for change in outcome.figures.largest()
    ]
    columns = ("盟市", "类别", "件数", "现行（元）", "草案（元）", "差额（元）")
    return Sheet(
        name="largest",
        title="变化最大的会员",
        columns=("会员编号", *columns) if outcome.members else columns,
        rows=rows,
    )


def _largest_plain(outcome: SimulationResult) -> list[dict[str, Any]]:
    return [
        {
            **({"member_no": change.who} if outcome.members else {}),
            "league": change.league,
            "category": change.category,
            "claims": change.claims,
            "before": yuan(change.before),
            "after": yuan(change.after),
            "change": yuan(change.change),
        }
        for change in outcome.figures.largest()
    ]
