"""feed activate, back, history, rewind: a feed is put in force, and what was before is one command away."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import msgspec
import typer

from gateway.cli.clerk import By, name_of, seat
from gateway.cli.feeds import feed, show_rereading
from gateway.cli.output import Json, emit, plain, say, table
from gateway.cli.progress import working
from gateway.errors import BadSettings, WrongUse

if TYPE_CHECKING:
    from gateway.flow.batches.rereading import Rereading
    from gateway.flow.intake.activating import Activation, GateFinding
    from gateway.settings.site import Site
    from gateway.settings.versions import FeedFiles

GATES: Final = {
    "fill_in": "填写",
    "settings": "检查",
    "legal": "法律依据",
    "version": "版本号",
    "doubts": "核对",
    "examples": "例子",
    "try": "试取",
}
DEEDS: Final = {"activate": "启用", "back": "退回", "set_aside": "另存，未启用"}

PlainNote = Annotated[
    str, typer.Option("--note", help="备注，明文存于 versions/，请勿写个人信息 (kept in the clear: nothing personal).")
]
Yes = Annotated[bool, typer.Option("--yes", help="不再询问 (do not ask).")]


def register(app: typer.Typer) -> None:
    """Nothing more: these commands stand in the group of `gateway.cli.feeds`."""


@feed.command("activate")
def feed_activate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    sample: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="试读的文件或报文 (a file to try it with).")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="新版映射，旁边的 .test.toml 一并启用 (a new one).")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="新版来源文件 (a new feed file).")
    ] = None,
    checked: Annotated[
        bool, typer.Option("--checked", help="映射里注明请核对的都已核对 (every doubtful line was looked at).")
    ] = False,
    note: PlainNote = "",
    yes: Yes = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """启用来源：一次列出所有不过关之处；全过才启用，每一版都留存 (put a feed in force once everything is proved)."""
    from gateway import wiring
    from gateway.flow.intake import activating
    from gateway.flow.intake.trying import TrialScope

    try:
        site = _site_with(context.obj, name)
        files = _proposed(site, name, mapping, file)
        candidate = wiring.with_files(site, name, files)
    except BadSettings as error:
        _refuse(name, activating.of_settings(error.findings), as_json=as_json)
    office = seat(context, wiring.office_of(candidate))
    clerk = name_of(by)
    ready = wiring.feed_readiness(candidate, name)
    scope = TrialScope(ticks=time.perf_counter, rows=0)
    with working("正在试取、比较 (trying, comparing)", as_json=as_json):
        tried = wiring.try_for_gate(office, name, sample, scope, clerk)
        findings = activating.examine(office, name, files, ready=ready, tried=tried, doubts_checked=checked)
        difference = None if findings else activating.difference(office, name)
    if findings:
        _refuse(name, findings, as_json=as_json)
    _agree(difference, yes=yes, as_json=as_json)
    _tell(activating.activate(office, name, files, by=clerk, note=note), difference, as_json=as_json)


def _proposed(site: Site, name: str, mapping: Path | None, file: Path | None) -> FeedFiles:
    """The files to be put in force, switched on: as they stand, or as given. Raises WrongUse, BadSettings."""
    from gateway.settings.scaffold import switched_on
    from gateway.settings.versions import files_of

    files = files_of(site.path, name, site.feeds[name].mapping)
    if mapping is not None:
        tests = mapping.with_suffix(".test.toml")
        text = tests.read_text(encoding="utf-8") if tests.is_file() else files.tests
        files = msgspec.structs.replace(files, mapping=mapping.read_text(encoding="utf-8"), tests=text)
    text = file.read_text(encoding="utf-8") if file is not None else files.feed
    return msgspec.structs.replace(files, feed=switched_on(text))


def _refuse(name: str, findings: list[GateFinding], *, as_json: bool) -> NoReturn:
    """Everything that keeps a feed from being put in force, and the end with 1."""
    from gateway.flow.intake.activating import Activation

    if as_json:
        emit(Activation(feed=name, version=0, digest="", done=False, findings=tuple(findings)))
    else:
        say(f"✗ {name} 不能启用：{len(findings)}处，什么也没有改动 (not put in force; nothing was changed)")
        for finding in findings:
            say(f"  [{GATES[finding.gate]}] {finding.place}：{finding.problem} → {finding.advice}")
    raise typer.Exit(1)


def _agree(difference: Rereading | None, *, yes: bool, as_json: bool) -> None:
    """Where stored pages would be read otherwise, somebody sees how and agrees."""
    if difference is None or not difference.differs:
        return
    if not as_json:
        say("已存的页用新版重读会有这些不同；启用本身不重读旧页 (stored pages would be read otherwise; none is now)：")
        show_rereading(difference, as_json=False)
    if not yes:
        typer.confirm("照此启用？(put it in force?)", abort=True, err=True)


def _tell(done: Activation, difference: Rereading | None, *, as_json: bool) -> None:
    if as_json:
        emit(msgspec.structs.replace(done, difference=difference))
        return
    say(f"✓ {done.feed} 第{done.version}版已启用，摘要 {done.digest} (in force)")
    if difference is not None and difference.differs:
        say(f"旧页仍按此前的读法；要重读：hubao feed replay {done.feed} (old pages stay as they are until replayed)")
    say("正在运行的 hubao serve 请重启 (restart hubao serve where it runs)")


@feed.command("back")
def feed_back(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    to: Annotated[int | None, typer.Option(min=1, help="退到此版，缺省为上一版 (to this version).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只显示差异 (the difference alone).")] = False,
    note: PlainNote = "",
    yes: Yes = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """退回以前启用过的版本：先显示差异 (go back to a version that was in force; the difference is shown first)."""
    from gateway import wiring
    from gateway.flow.intake import activating
    from gateway.settings.versions import version_files

    site = _site_with(context.obj, name)
    version = to or activating.version_before(site.path, name)
    files = version_files(site.path, name, version)
    office = seat(context, wiring.office_of(wiring.with_files(site, name, files)))
    clerk = name_of(by)
    with working("正在比较 (comparing)", as_json=as_json):
        difference = activating.difference(office, name)
    if dry_run:
        _show_back(name, version, difference, as_json=as_json)
        return
    _agree(difference, yes=yes, as_json=as_json)
    mapping_name = site.feeds[name].mapping
    _tell(activating.go_back(office, name, version, mapping_name, by=clerk, note=note), difference, as_json=as_json)


def _show_back(name: str, version: int, difference: Rereading | None, *, as_json: bool) -> None:
    if as_json:
        emit({"feed": name, "version": version, "done": False, "difference": difference})
        return
    say(f"将退回第{version}版；什么也没有改动 (would go back; nothing was changed)")
    if difference is not None:
        show_rereading(difference, as_json=False)


@feed.command("history")
def feed_history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    as_json: Json = False,
) -> None:
    """来源的各个版本：何时、何人、备注 (a feed's versions: when, by whom, why)."""
    from gateway.settings.versions import differs_from_in_force, state_of

    site = _site_with(context.obj, name)
    state = state_of(site.path, name)
    edited = differs_from_in_force(site.path, name, site.feeds[name].mapping)
    if as_json:
        emit(
            {"feed": name, "in_force": state.in_force, "edited": edited, "deeds": [plain(deed) for deed in state.deeds]}
        )
        return
    rows = [
        (deed.version, DEEDS[deed.deed], deed.at, deed.by, deed.mapping_name, deed.digest, deed.note)
        for deed in state.deeds
    ]
    table(f"{name} 的版本", ("版本", "做了什么", "时间", "经办人", "映射", "摘要", "备注"), rows)
    if state.in_force:
        say(f"现行第{state.in_force}版{'，文件此后被改动过，尚未启用 (edited since)' if edited else ''} (in force)")
    else:
        say("没有用 feed activate 启用过，未留版本 (never put in force by feed activate: no version is kept)")


@feed.command("rewind")
def feed_rewind(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="从这一天起重取，缺省只看读到哪天 (from this day).")
    ] = None,
    yes: Yes = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """读到哪一天；从某天起下次再取一遍：先显示有多少 (how far it was read; read days again, told first)."""
    from gateway.cli.feeds import office_with
    from gateway.flow.intake.rewinding import look_back, set_back
    from gateway.wiring import feed_connector

    office = office_with(context, name)
    connector = feed_connector(office, name)
    day = to.date() if to else None
    result = look_back(office, name, connector, day)
    if day is not None:
        asked = f"，重问{result.people}名会员" if result.people else ""
        words = f"将重取 {day} 至 {result.reached}，{result.days}天{asked}；已存{result.pages}页，约{result.rows}行"
        if not as_json:
            say(f"{words} (will be read again: days, about so many rows)")
        if not yes:
            typer.confirm("回退？(set it back?)", abort=True, err=True)
        result = set_back(office, name, connector, day, by=name_of(by))
    if as_json:
        emit(result)
    elif result.done:
        say("已回退；下次运行时重取 (set back: the next run reads them again)")
    else:
        say(f"{name} 读到 {result.reached or '–'} (read up to this day)")


def _site_with(path: Path, name: str) -> Site:
    from gateway.wiring import load_site

    site = load_site(path)
    if name not in site.feeds:
        raise WrongUse(f"没有盟市 {name}；已配置：{'、'.join(sorted(site.feeds))} (no such feed)")
    return site
