"""match generate, eval, train: labelled truth, how good the matching is, and a better model from both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import Json, complain, emit, lines_of, say, table, to_write
from gateway.cli.people import match
from gateway.cli.progress import working
from gateway.cli.roster_files import roster_bytes
from gateway.errors import BadInput, WrongUse

if TYPE_CHECKING:
    from gateway.core.match import Model
    from gateway.core.match.measuring.evaluating import Evaluation, Label, MatchAnswer
    from gateway.core.match.measuring.lessons import Lessons
    from gateway.core.match.measuring.training import Change, Lesson
    from gateway.core.match.measuring.trying import Trial
    from gateway.core.roster import RosterFile

_FEWEST_TO_LEARN = 100
_MIXES = ("life", "hard")
_KIND_COLUMNS = ("情形 (kind)", "记录", "可自动", "匹配正确", "错配", "复核", "复核人选正确", "未达 (missed)")
_BIN_COLUMNS = ("得分 (score)", "记录", "预期 (predicted)", "实际 (observed)", "自动匹配", "其中正确 (right)")


def register(_: typer.Typer) -> None:
    """Add these commands to those of `hubao match`."""
    match.command("generate")(match_generate)
    match.command("eval")(match_eval)
    match.command("train")(match_train)


def match_generate(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="写到这里 (written here).")],
    members: Annotated[int, typer.Option(min=10, help="名册人数 (members on the roster).")] = 100_000,
    records: Annotated[int, typer.Option(min=1, help="记录数，四分之一属会员 (a quarter are members').")] = 100_000,
    mix: Annotated[str, typer.Option(help="life 如实；hard 差错与陷阱远多于实际 (life or hard).")] = "life",
    seed: Annotated[int, typer.Option(min=0, help="同一种子，同样的文件 (same seed, same files).")] = 1,
    region: Annotated[
        list[str] | None, typer.Option(help="虚构号码的前六位，可多个 (first six digits of the invented numbers).")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second", help="另一份独立编写的真值 (the second truth, written apart from the first).")
    ] = False,
    as_json: Json = False,
) -> None:
    """生成带标注差错的名册与记录 (roster.csv, records.jsonl and truth.jsonl, to measure and to train by)."""
    from gateway.sandbox.second_truth import write_second_truth
    from gateway.sandbox.truth import TruthPlan, write_truth
    from gateway.sandbox.truth_people import REGIONS

    if mix not in _MIXES:
        raise WrongUse(f"--mix 应为 life 或 hard (unknown mix {mix!r})")
    regions = tuple(region) if region else REGIONS
    if second and region:
        raise WrongUse("--second 的号码自有地区，不能与 --region 同用 (the second truth has regions of its own)")
    if not all(len(code) == 6 and code.isdigit() and code[0] != "0" for code in regions):
        raise WrongUse("--region 应为六位数字，如 150999 (six digits)")
    plan = TruthPlan(
        members=members, records=records, mix="life" if mix == "life" else "hard", seed=seed, regions=regions
    )
    with working("正在生成 (making people and records)", as_json=as_json):
        if second:
            counts = write_second_truth(folder, members=members, records=records, mix=mix, seed=seed)
        else:
            counts = write_truth(folder, plan)
    if as_json:
        emit({"members": members, "records": records, "mix": mix, "seed": seed, "kinds": dict(sorted(counts.items()))})
    else:
        table(f"已写入 {folder}：会员{members}，记录{records}", ("情形 (kind)", "记录"), sorted(counts.items()))


def match_eval(
    context: typer.Context,
    truth: Annotated[
        Path, typer.Argument(exists=True, help="标注 JSON 行，或 generate 写的目录 (labels, or a folder).")
    ],
    roster_file: Annotated[
        Path | None, typer.Option("--roster", exists=True, dir_okay=False, help="名册文件 (roster file).")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="记录 JSON 行 (record lines).")
    ] = None,
    chart: Annotated[Path | None, typer.Option(dir_okay=False, help="校准图写到此 SVG (calibration chart).")] = None,
    as_json: Json = False,
) -> None:
    """匹配得有多好：精确率、召回率、复核量，按差错情形；及校准表 (precision, recall, review by kind; calibration)."""
    from gateway.core.match.measuring.evaluating import evaluate
    from gateway.core.match.measuring.trying import Trial
    from gateway.settings.matching import site_looks_further, site_model

    truth_file, roster_file, records = _files(truth, roster_file, records)
    if chart is not None:
        to_write(chart)
    model = site_model(context.obj)
    trial = Trial(_roster(roster_file).people, model, looks_further=site_looks_further(context.obj))
    with working("正在比对 (matching)", as_json=as_json) as work:
        evaluation = evaluate(_labels(truth_file), work.counting(_answers(trial, records)))
    if not evaluation.total.records:
        raise BadInput(
            "nothing_to_measure", "没有一条带标注的记录，无从评估 (no record has a label: nothing to measure)"
        )
    if chart is not None:
        from gateway.cli.matching_chart import calibration_chart

        chart.write_bytes(calibration_chart(evaluation.calibration, model.version))
    if as_json:
        emit(_as_json(evaluation, model.version))
    else:
        _show(evaluation, model.version)


def match_train(
    context: typer.Context,
    roster_file: Annotated[Path, typer.Option("--roster", exists=True, dir_okay=False, help="名册文件 (roster file).")],
    truth: Annotated[
        Path | None,
        typer.Option(exists=True, help="已标注的记录：generate 写的目录，或标注 JSON 行 (labelled records)."),
    ] = None,
    records: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="标注所指的记录 JSON 行 (their record lines).")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="人工复核结论 JSON 行 (clerks' decisions).")
    ] = None,
    out: Annotated[Path | None, typer.Option(file_okay=False, help="写到此目录 (written here).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="同一种子，同样的模型 (same seed, same model).")] = 1,
    names: Annotated[
        bool, typer.Option(help="从名册统计姓名频率；名册是生成的则不要 (count names; not on an invented roster).")
    ] = True,
    dry_run: Annotated[bool, typer.Option(help="只看变化，不写文件 (show the difference, write nothing).")] = False,
    as_json: Json = False,
) -> None:
    """由名册、生成的差错、标注与复核结论估计新一版模型 (a new version of the model, and what it changes)."""
    from msgspec import structs

    from gateway.core.match.measuring.lessons import next_version
    from gateway.core.match.measuring.training import differences
    from gateway.sandbox.training import trained
    from gateway.settings.matching import model_files, site_model, write_model

    current, folder = site_model(context.obj), out or context.obj / "config" / "matching"
    if not dry_run and not folder.is_dir():
        raise WrongUse(f"没有目录 {folder}；请用 --site 指明站点，或用 --out (no such folder)")
    lessons = _lessons(roster_file, truth, records, decisions, seed)
    lessons = structs.replace(lessons, count_names=names)
    versions = [current.version, *(file.stem.removeprefix("model-") for file in model_files(folder))]
    with working("正在估计 (training)", as_json=as_json):
        model = trained(current, lessons, next_version(versions))
    path = None if dry_run else write_model(folder, model, lessons)
    _show_training(current, model, differences(current, model), path, as_json=as_json)


def _lessons(roster_file: Path, truth: Path | None, records: Path | None, decisions: Path | None, seed: int) -> Lessons:
    """All there is to learn from; without labelled records a quarter of all records is taken to be members'."""
    from gateway.core.match.measuring.lessons import Lessons, labelled_lines

    labelled: tuple[list[tuple[bytes, Label]], float] = ([], 0.25)
    if truth is not None:
        truth_file, _, records = _files(truth, roster_file, records)
        labelled = labelled_lines(_labels(truth_file), lines_of(records))
    people = _roster(roster_file).people
    usable = sum(not member.opt_out for member in people)
    if usable < _FEWEST_TO_LEARN:
        words = f"名册只有{usable}名可用会员，至少要{_FEWEST_TO_LEARN}名才能估计 (too few members to learn from)"
        raise BadInput("too_few_members", words)
    decided = _decisions(decisions) if decisions else []
    return Lessons(people=people, labelled=labelled[0], decisions=decided, share=labelled[1], seed=seed)


def _decisions(file: Path) -> list[Lesson]:
    import msgspec

    from gateway.core.match.measuring.training import Lesson

    decode = msgspec.json.Decoder(Lesson).decode
    try:
        return [decode(line) for line in lines_of(file)]
    except msgspec.DecodeError as error:
        words = "应为 JSON 行 {levels, same, model}，如 hubao review export 所写 (lines as review export writes them)"
        raise BadInput("bad_decision", words) from error


def _show_training(before: Model, after: Model, changes: Sequence[Change], path: Path | None, *, as_json: bool) -> None:
    if as_json:
        shown = {"before": before.version, "version": after.version, "file": path.name if path else None}
        emit({**shown, "prior": after.prior, "changes": changes})
        return
    rows = [(change.field, change.level, f"{change.before:+.2f}", f"{change.after:+.2f}") for change in changes]
    columns = ("项目 (field)", "等级 (level)", f"模型 {before.version} (bits)", f"模型 {after.version} (bits)")
    table(f"权重的变化：模型 {before.version} → {after.version}", columns, rows)
    say(f"先验概率 (prior) {before.prior:g} → {after.prior:g}")
    say(f"名字频率 (names counted) {len(before.frequencies.names)} → {len(after.frequencies.names)}")
    if path is None:
        say("未写文件 (nothing written)")
    else:
        say(f"已写入 {path}；先用 hubao match eval 量一量 (measure it first)")
        line = f'[matching] model = "{after.version}"'
        say(f"要启用它，在 config/gateway.toml 写 {line} (in force when this stands there; where none is named, now)")


def _files(truth: Path, roster_file: Path | None, records: Path | None) -> tuple[Path, Path, Path]:
    """Labels, roster and records: as named, or as they lie in a folder of `match generate`."""
    from gateway.sandbox.truth import RECORDS_FILE, ROSTER_FILE, TRUTH_FILE

    if truth.is_dir():
        files = (truth / TRUTH_FILE, roster_file or truth / ROSTER_FILE, records or truth / RECORDS_FILE)
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise WrongUse(f"{truth} 中没有 {'、'.join(missing)} (missing files)")
        return files
    if roster_file is None or records is None:
        raise WrongUse("请给出 --roster 与 --records，或 generate 写的目录 (give both, or a folder)")
    return truth, roster_file, records


def _roster(file: Path) -> RosterFile:
    from gateway.core.roster import read_roster

    read = read_roster(roster_bytes(file), with_coverage=False)
    for finding in read.findings[:20]:
        complain(str(finding))
    if not read.people:
        raise BadInput("empty_roster", f"{file.name} 没有一名可用的会员 (no usable member)")
    return read


def _labels(file: Path) -> Iterator[Label]:
    import msgspec

    from gateway.core.match.measuring.evaluating import Label

    decode = msgspec.json.Decoder(Label).decode
    for number, line in enumerate(lines_of(file), 1):
        try:
            yield decode(line)
        except msgspec.DecodeError as error:
            words = f"标注第{number}行不是 {{settlement_no, member_no, …}} (line {number} is no label)"
            raise BadInput("bad_label", words) from error


def _answers(trial: Trial, records: Path) -> Iterator[tuple[str | None, MatchAnswer]]:
    from gateway.core.match.measuring.evaluating import MatchAnswer

    for line in lines_of(records):
        decision = trial.answer(line)
        answer = MatchAnswer(outcome=decision["outcome"], member_no=decision["member_no"], score=decision["score"])
        yield decision["settlement_no"], answer


def _as_json(evaluation: Evaluation, version: str) -> dict[str, Any]:
    from gateway.core.match.measuring.evaluating import as_figures

    return {
        "model": version,
        **as_figures(evaluation.total),
        "kinds": {kind: as_figures(tally) for kind, tally in evaluation.kinds.items()},
        "calibration": [
            {
                **{name: getattr(score_bin, name) for name in ("low", "high", "records", "right", "matched")},
                **{name: getattr(score_bin, name) for name in ("predicted", "observed", "observed_matched")},
            }
            for score_bin in evaluation.calibration
        ],
        "false_matches": list(evaluation.false_matches),
        "unlabelled": evaluation.unlabelled,
        "unanswered": evaluation.unanswered,
    }


def _show(evaluation: Evaluation, version: str) -> None:
    total = evaluation.total
    say(f"模型 (model) {version}：记录{total.records}，其中会员的{total.members}")
    say(f"自动精确率 (automatic precision) {_percent(total.precision)}，错配 (false matches) {total.false}")
    say(f"自动召回率，限可自动的 (automatic recall where allowed) {_percent(total.recall)}")
    say(f"自动召回率，全部会员记录 (of all members' records) {_percent(total.recall_of_all)}")
    say(f"含复核召回率 (recall with review) {_percent(total.reached)}")
    say(f"需人工复核 (review) {total.review}，占记录 {_percent(total.review_share)}，确有必要 {total.review_wanted}")
    kinds = []
    for kind, tally in evaluation.kinds.items():
        missed = tally.members - tally.right - tally.review_right
        counts = (tally.allowed, tally.right, tally.false, tally.review, tally.review_right, missed)
        kinds.append((kind, tally.records, *counts))
    table("按情形 (by kind)", _KIND_COLUMNS, kinds)
    rows = [
        (
            f"{score_bin.low:g}–{score_bin.high:g}",
            score_bin.records,
            _percent(score_bin.predicted),
            _percent(score_bin.observed),
            score_bin.matched,
            _percent(score_bin.observed_matched),
        )
        for score_bin in evaluation.calibration
    ]
    table("校准 (calibration)", _BIN_COLUMNS, rows)
    if evaluation.false_matches:
        say(f"错配的结算号 (settlements matched wrongly)：{'、'.join(evaluation.false_matches)}")
    if evaluation.unlabelled or evaluation.unanswered:
        complain(f"无标注的记录{evaluation.unlabelled}，无记录的标注{evaluation.unanswered} (no label; no record)")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.3f} %"
