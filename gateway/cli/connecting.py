"""feed try, feed infer: a league before it goes live."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.feeds import compiled, feed, mapping_file
from gateway.cli.output import Json, emit, plain, say, table, to_write
from gateway.cli.progress import working
from gateway.cli.trial_tables import show_counts, show_trial
from gateway.errors import WrongUse
from gateway.words.records import field_in_words

DRIFTS: Final = {
    "new_column": "新列",
    "vanished": "消失",
    "type_changed": "写法变了",
    "unknown_code": "没见过的代码",
}

if TYPE_CHECKING:
    from gateway.flow.intake.trying import FeedTrial, TrialScope


def register(app: typer.Typer) -> None:
    """Nothing more: these commands stand in the group of `gateway.cli.feeds`."""


@feed.command("try")
def feed_try(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="文件，缺省向对方取 (a file).")
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="用此映射，缺省为现行的 (another mapping).")] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="首日 (first day).")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="末日 (last day).")] = None,
    pages: Annotated[int, typer.Option(min=1, max=100, help="最多几页 (at most so many pages).")] = 3,
    rows: Annotated[int, typer.Option(min=0, max=100, help="每页显示几行 (rows shown of a page).")] = 2,
    headers: Annotated[
        list[str] | None, typer.Option("--header", help="收到的推送的请求头，名=值，验其签名 (a push's header).")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """试取一次：请求、应答、行与记录，什么也不保存 (request, answer, rows, records; nothing is stored)."""
    from gateway.flow.intake.trying import TrialScope

    days = (first.date() if first else None, last.date() if last else None)
    scope = TrialScope(first=days[0], last=days[1], pages=pages, rows=rows, ticks=time.perf_counter)
    with working("正在试取 (trying)", as_json=as_json):
        trial = (
            _with_file(context, name, mapping, file, scope, headers or [])
            if file
            else _over_line(context, name, mapping, scope, by)
        )
    if as_json:
        emit({**plain(trial), "sound": trial.sound})
    else:
        show_trial(trial)
    if not trial.sound:
        raise typer.Exit(1)


def _with_file(
    context: typer.Context, name: str, mapping: str | None, file: Path, scope: TrialScope, headers: list[str]
) -> FeedTrial:
    from gateway.flow.intake.trying import requests_shown, try_content
    from gateway.wiring import load_site, parts_of, push_tried

    site = load_site(context.obj)
    if name not in site.feeds:
        raise WrongUse(f"没有盟市 {name}；已配置：{'、'.join(sorted(site.feeds))} (no such feed)")
    ready = compiled(mapping_file(context.obj, mapping or site.feeds[name].mapping))
    with file.open("rb") as content:
        trial = try_content(name, ready, parts_of(content, ready.language), file.name, scope)
    pairs = dict(text.partition("=")[::2] for text in headers)
    push = push_tried(site, name, file.read_bytes(), pairs)
    if push is None and headers:
        raise WrongUse(f"{name} 不是 HTTP 推送，没有请求头可验 (--header is for feeds that push over HTTP)")
    if push is not None:
        exchange, trial.error = push
        trial.requests = requests_shown([exchange], ())
    return trial


def _over_line(context: typer.Context, name: str, mapping: str | None, scope: TrialScope, by: str | None) -> FeedTrial:
    from gateway.cli.feeds import office_with
    from gateway.flow.batches.rereading import with_mapping
    from gateway.flow.intake.trying import requests_shown, try_line
    from gateway.wiring import secret_texts, watched_feed

    office = office_with(context, name)
    if office.feeds[name].intake != "pull":
        raise WrongUse(
            f"{name} 不能列出新的结算（intake = {office.feeds[name].intake}）：请给一个收到的报文文件"
            f"，hubao feed try {name} FILE (it cannot list what is new: give a captured message)"
        )
    if mapping is not None:
        office = with_mapping(office, name, compiled(mapping_file(context.obj, mapping)))
    with watched_feed(office, name) as (connector, exchanges):
        trial = try_line(office, name, connector, scope=scope, by=name_of(by))  # type: ignore[arg-type]
    trial.requests = requests_shown(exchanges, secret_texts(office, name))
    return trial


@feed.command("drift")
def feed_drift(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="文件，缺省看最新的已存页 (a file).")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """来的数据与映射有何不同：新列、消失的列、写法变了的、没见过的代码 (what changed, with a proposal; masked)."""
    from gateway.cli.feeds import office_with
    from gateway.flow.studies.drifting import drift_of_file, drift_of_newest

    office = office_with(context, name)
    if file is not None:
        drift = drift_of_file(name, office.mapping_of(name), file.read_bytes(), file.name)
    else:
        drift = drift_of_newest(office, name, by=name_of(by))
    if as_json:
        emit(drift)
    else:
        rows = [
            (DRIFTS[part.kind], part.name, part.rows, part.example, part.proposal, f"{part.confidence:.2f}", part.why)
            for part in drift.parts
        ]
        table(f"{name} 与映射 {drift.mapping} 的不同", ("变动", "名称", "行", "样子", "建议", "把握", "理由"), rows)
    if drift.parts:
        raise typer.Exit(1)


@feed.command("infer")
def feed_infer(
    context: typer.Context,
    sample: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="样本文件或收到的报文 (a sample).")],
    name: Annotated[str | None, typer.Option(help="映射的名字，缺省按文件名 (the mapping's name).")] = None,
    out: Annotated[Path | None, typer.Option(help="写到这个文件，缺省显示 (write it to this file).")] = None,
    as_json: Json = False,
) -> None:
    """读样本，提出整份映射，每行有把握与理由 (a sample → a mapping, each line with confidence and reason)."""
    from gateway.flow.studies.inferring import infer

    mapping = name or name_from(sample)
    if out is not None and out.exists():
        raise WrongUse(f"{out} 已存在，不会覆盖 (it exists and is never overwritten)")
    with working("正在推断 (inferring)", as_json=as_json):
        inference = infer(sample.read_bytes(), mapping=mapping, name=f"{mapping}（推断）")
    if out is not None:
        to_write(out).write_text(inference.text, encoding="utf-8")
    if as_json:
        emit({**plain(inference), "file": str(out) if out else None})
        return
    if out is None:
        say(inference.text)
    lines = [
        (field_in_words(guess.field), "、".join(guess.sources), f"{guess.confidence:.2f}", guess.why)
        for guess in sorted(inference.fields, key=lambda guess: guess.confidence)
    ]
    table("推断 (inferred)，把握小的在前", ("字段", "来源", "把握", "理由"), lines)
    read = f"{inference.rows}行，{inference.records}条记录，{inference.quarantined}行隔离"
    say(f"用它读样本：{read} (rows, records, quarantined)")
    show_counts("错误 (errors)", inference.errors)
    if out is not None:
        say(f"已写入 {out}；请核对把握不大的行 (written: check the lines it is not sure of)")


def name_from(file: Path) -> str:
    """A name for a mapping or feed after a file's: its letters and digits."""
    letters = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in file.stem.lower()).strip("-")
    return (letters if letters[:1].isalpha() else f"feed-{letters}").strip("-")[:40].strip("-") or "sample"
