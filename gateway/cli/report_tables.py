"""The yearly table for people (万元 where it helps), and exact: CSV, a workbook, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gateway.cli.output import say, table
from gateway.cli.table_files import csv_file, workbook_file
from gateway.core.studies.reporting import ABOVE, ReportLine
from gateway.flow.studies.report import Report
from gateway.model.money import yuan
from gateway.words.rows import CLASSES
from gateway.words.schemes import PAID_BASIS

COLUMNS: Final = (
    "协会",
    "盟市",
    "方案",
    "口径",
    "参保人数",
    "参保人次",
    "申领件数",
    "受益人数",
    "金额（元）",
    "平均每件（元）",
    "平均每人（元）",
    "单笔最高（元）",
    "个人累计最高（元）",
    *(f"超{limit // 100}元件数" for limit in ABOVE),
    "待核定件数",
    "待核定金额（元）",
)
"""The exact table's columns; amounts in yuan with two decimals."""

ALL: Final = "合计"

_Labelled = tuple[str, str, str, ReportLine]
"""League, scheme, basis, line."""


def _labelled(report: Report) -> Iterator[_Labelled]:
    """The lines in order: leagues of a scheme, the scheme, and at the end all together where there are several."""
    lines = report.table
    for scheme in sorted(lines.schemes):
        basis = PAID_BASIS[report.basis.get(scheme, "proposed")]
        for league, name in sorted(lines.lines):
            if name == scheme:
                yield league or "–", scheme, basis, lines.lines[league, name]
        yield ALL, scheme, basis, lines.schemes[scheme]
    if len(lines.schemes) != 1:
        bases = "、".join(dict.fromkeys(PAID_BASIS[basis] for basis in report.basis.values()))
        yield ALL, ALL, bases, lines.total


def rows(report: Report) -> Iterator[tuple[str | int, ...]]:
    """The exact rows of one association, one cell for each of COLUMNS."""
    for league, scheme, basis, line in _labelled(report):
        yield (
            report.association,
            league,
            scheme,
            basis,
            line.members,
            line.joins,
            line.claims,
            line.people,
            *map(yuan, (line.amount, line.average, line.average_person, line.largest_claim, line.largest_person)),
            *line.above,
            line.waiting,
            yuan(line.waiting_amount),
        )


def show(reports: list[Report]) -> None:
    """The tables on a terminal, two a scheme: sums and heights in 万元, averages in yuan."""
    for report in reports:
        say(f"{report.name} {report.first} 至 {report.last}")
        for scheme, basis in sorted(report.basis.items()):
            lines = [(league, line) for league, name, _, line in _labelled(report) if name == scheme]
            title = f"{scheme}（金额按{PAID_BASIS[basis]}计 {basis}）"
            table(title, _MANY, [(league, *_many(line)) for league, line in lines])
            if any(line.claims or line.waiting for _, line in lines):
                table(
                    f"{scheme} 高额与待核定",
                    _HIGH,
                    [
                        (
                            league,
                            wan(line.largest_claim),
                            wan(line.largest_person),
                            *line.above,
                            line.waiting,
                            wan(line.waiting_amount),
                        )
                        for league, line in lines
                    ],
                )
        if len(report.table.schemes) > 1:
            table("各方案合计", _MANY, [(ALL, *_many(report.table.total))])
        if report.quality is not None:
            quality = report.quality
            counts = [(feed, *(rows[name] for name in CLASSES)) for feed, rows in quality.feeds.items()]
            table("数据质量（行数）", ("盟市数据", *CLASSES.values()), counts)
            say(f"现在待处理：隔离{quality.open_quarantined}，待核{quality.open_review} (open now)")


_MANY: Final = ("盟市", "参保人数", "参保人次", "件数", "受益人数", "金额（万元）", "平均每件（元）", "平均每人（元）")
_HIGH: Final = (
    "盟市",
    "单笔最高（万元）",
    "个人累计最高（万元）",
    "超5千元",
    "超1万元",
    "超5万元",
    "待核定件数",
    "待核定（万元）",
)


def _many(line: ReportLine) -> tuple[str | int, ...]:
    averages = (yuan(line.average), yuan(line.average_person))
    return line.members, line.joins, line.claims, line.people, wan(line.amount), *averages


def wan(fen: int) -> str:
    """Fen → 万元 with two decimals, half up: 103443000 → "103.44"."""
    return yuan((abs(fen) + 5_000) // 10_000 * (1 if fen >= 0 else -1))


def written(reports: list[Report], form: str) -> bytes:
    """The exact table as the bytes of a file: UTF-8 CSV with a mark, or a workbook."""
    lines = [row for report in reports for row in rows(report)]
    if form != "xlsx":
        return csv_file(COLUMNS, lines)
    money = {place for place, name in enumerate(COLUMNS) if name.endswith("（元）")}
    return workbook_file({"年度情况": (COLUMNS, lines)}, money=money)


def plain(reports: list[Report]) -> dict[str, Any]:
    """The whole report as JSON values: amounts as text in yuan."""
    return {
        "reports": [
            {
                "association": report.association,
                "from": report.first,
                "to": report.last,
                "basis": report.basis,
                "lines": [
                    {"league": league or None, "scheme": scheme, **_line_plain(line)}
                    for (league, scheme), line in sorted(report.table.lines.items())
                ],
                "schemes": [
                    {"scheme": name, **_line_plain(line)} for name, line in sorted(report.table.schemes.items())
                ],
                "total": _line_plain(report.table.total),
                "quality": report.quality,
            }
            for report in reports
        ]
    }


def _line_plain(line: ReportLine) -> dict[str, Any]:
    return {
        "members": line.members,
        "joins": line.joins,
        "claims": line.claims,
        "people": line.people,
        "amount": yuan(line.amount),
        "average": yuan(line.average),
        "average_person": yuan(line.average_person),
        "largest_claim": yuan(line.largest_claim),
        "largest_person": yuan(line.largest_person),
        "above": {str(limit // 100): count for limit, count in zip(ABOVE, line.above, strict=True)},
        "waiting": line.waiting,
        "waiting_amount": yuan(line.waiting_amount),
    }
