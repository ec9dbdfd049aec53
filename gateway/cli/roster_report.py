"""What an import did or would do: for people, as JSON, and as a file of errors to send back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, get_args

from gateway.cli.output import complain, say
from gateway.cli.table_files import csv_file, workbook_file
from gateway.core.changes.difference import ClaimMove
from gateway.model.money import yuan

if TYPE_CHECKING:
    from gateway.core.roster import RosterFile
    from gateway.core.roster.people import Place
    from gateway.flow.roster.planning import Enrolled

_SHOWN = 50
_LINES: Final = {"sum": "合计行", "signature": "签字盖章行", "header": "重复表头"}
_KEPT_OUT: Final = "同一人的另一会员号不参与，此号一并不参与 (the same person opted out under another member number)"
_NEAR: Final = (
    "同一证件号码、姓名相近而不同，均已收入，其记录转人工核对；改正名册上写错的姓名后再导入 "
    "(one document, names that differ: records go to review; correct the name on the roster)"
)
_TWICE: Final = (
    "同一证件号码、保障期重叠，未经人工合并按不同的人处理，其记录转人工核对，可答 same --join 合并 "
    "(one document, coverage overlaps: records go to review; join them there)"
)


def as_json(read: RosterFile | None, report: Enrolled, *, dry_run: bool) -> dict[str, Any]:
    """The whole report; amounts in yuan. `read` is None where no file was read."""
    import msgspec

    of_file = (
        {}
        if read is None
        else {
            "rows": read.rows,
            "people": len(read.statements),
            "repeated_rows": read.repeated,
            "skipped_lines": read.skipped,
            "findings": msgspec.to_builtins(read.findings),
        }
    )
    return of_file | {
        "added": report.added,
        "changed": report.changed,
        "coverage_changed": report.coverage_changed,
        "periods_added": report.periods_added,
        "periods_extended": report.periods_extended,
        "unchanged": report.unchanged,
        "lost": [
            {
                "member_no": number,
                "scheme": loss.before.scheme,
                "from": loss.before.first_day,
                "to": loss.before.last_day,
                "left": [{"from": period.first_day, "to": period.last_day} for period in loss.after],
            }
            for number, losses in sorted(report.lost.items())
            for loss in losses
        ],
        "opted_out": report.opted_out,
        "waiting": report.waiting,
        "hold_id": report.hold_id,
        "claims": _claims(report),
        "refused": [{"member_no": number, "message": why} for number, why in report.refused],
        "kept_out": report.kept_out,
        "enrolled_twice": report.apart,
        "near_names": report.near_names,
        "dry_run": dry_run,
    }


def _claims(report: Enrolled) -> dict[str, Any]:
    was, becomes = report.told.money
    moves = get_args(ClaimMove)
    return {
        "members": len(report.told.members),
        **{move: len(report.told.of(move)) for move in moves},
        "before": yuan(was),
        "after": yuan(becomes),
        "lost": yuan(report.told.lost),
    }


def say_report(read: RosterFile | None, report: Enrolled, *, dry_run: bool) -> None:
    """What happened, in lines for people; what is wrong goes to standard error."""
    if read is not None:
        _say_file(read)
    head = "将会 (would be)" if dry_run else "已 (done)"
    say(
        f"{head}：新增{report.added}，变更{len(report.changed)}，保障期变更{report.coverage_changed}"
        f"（新增{report.periods_added}段，延长{report.periods_extended}段），未变{report.unchanged}"
    )
    for number, fields in list(report.changed.items())[:_SHOWN]:
        say(f"  {number}: {'、'.join(fields)}")
    if report.lost or report.opted_out or report.told.claims:
        say_difference(report)
    if report.waiting:
        number = f"，见 hubao holds show {report.hold_id}" if report.hold_id is not None else ""
        complain(f"{len(report.waiting)}名会员的终止或缩短等待确认，其余已处理{number} (these wait for a person)")
    problems = [str(finding) for finding in read.findings] if read is not None else []
    problems += [f"会员 {number}: {why}" for number, why in report.refused]
    problems += [f"会员 {number}: {_KEPT_OUT}" for number in report.kept_out]
    problems += [f"会员 {'、'.join(numbers)}: {_TWICE}" for numbers in report.apart]
    problems += [f"会员 {'、'.join(numbers)}: {_NEAR}" for numbers in report.near_names]
    for problem in problems[:_SHOWN]:
        complain(problem)
    if len(problems) > _SHOWN:
        complain(f"显示前{_SHOWN}条，共{len(problems)}条，用 --json 看全部 (all with --json)")


def _say_file(read: RosterFile) -> None:
    left_out = [f"重复行{read.repeated}"] if read.repeated else []
    left_out += [f"{_LINES[kind]}{count}" for kind, count in sorted(read.skipped.items())]
    notes = f"；另有{'、'.join(left_out)}，未计为会员 (lines that are no members)" if left_out else ""
    say(f"{read.rows}行，{len(read.statements)}名会员{notes}")


def say_difference(report: Enrolled) -> None:
    """What is taken away, and what becomes of claims."""
    from gateway.flow.roster.planning import days_of

    periods = sum(len(losses) for losses in report.lost.values())
    if periods:
        say(f"{len(report.lost)}名会员的{periods}段保障期终止或缩短 (periods end or lose days)：")
    for number, losses in sorted(report.lost.items())[:_SHOWN]:
        for loss in losses:
            left = "、".join(map(days_of, loss.after)) or "不再有"
            say(f"  {number} {loss.before.scheme} {days_of(loss.before)} → {left}")
    if len(report.lost) > _SHOWN:
        say(f"  显示前{_SHOWN}名，共{len(report.lost)}名，用 --json 看全部 (all with --json)")
    if report.opted_out:
        say(f"{len(report.opted_out)}名会员不再参与 (opt out)")
    claims = _claims(report)
    say(
        f"申领：撤回{claims['withdrawn']}件，降低{claims['lowered']}件，提高{claims['raised']}件，新增{claims['new']}件；"
        f"金额 {claims['before']} → {claims['after']} 元 (what becomes of claims)"
    )


def returned(content: bytes, read: RosterFile, report: Enrolled, form: str) -> bytes:
    """The wrong rows with the office's own columns and what is wrong with each, as a table to send back."""
    from gateway.core.roster.returning import wrong_rows

    wrong: dict[Place, list[str]] = defaultdict(list)
    for finding in read.errors:
        wrong[finding.place].append(finding.message)
    places = {statement.member.member_no: statement.rows for statement in read.statements}
    for number, why in report.refused:
        for place in places.get(number, ()):
            wrong[place].append(why)
    tables = wrong_rows(content, wrong)
    if form == "xlsx":
        return workbook_file({table.sheet or "名册": (table.columns, table.rows) for table in tables})
    return csv_file(tables[0].columns if tables else ("行号", "错误"), [row for table in tables for row in table.rows])
