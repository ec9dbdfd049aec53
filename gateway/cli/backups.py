"""backup, restore: a copy of the site, tried at once; and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.clerk import By, name_of, typed_name
from gateway.cli.output import Json, emit, say
from gateway.cli.site import open_office
from gateway.errors import WrongUse


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


Yes = Annotated[bool, typer.Option("--yes", help="不再询问 (do not ask).")]


def backup(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="新的空目录，放数据库与配置 (a new folder for database and settings).")
    ],
    keys: Annotated[
        Path | None, typer.Option(help="另一个空目录，放密钥，须分开保管 (another one for the keys, kept apart).")
    ] = None,
    rehearse_in: Annotated[
        str | None,
        typer.Option(help="PostgreSQL：用来演练的空库 (an empty database to try the copy in)."),
    ] = None,
    no_rehearsal: Annotated[bool, typer.Option("--no-rehearsal", help="不演练 (do not try the copy).")] = False,
    as_json: Json = False,
) -> None:
    """备份数据库与配置，并当场演练：打开、对账 (copy the site, and prove the copy by opening and reconciling it)."""
    from gateway.backups import back_up
    from gateway.wiring import load_site

    report = back_up(load_site(context.obj), folder, keys=keys, rehearse_in="" if no_rehearsal else rehearse_in)
    tried = report.rehearsal
    if as_json:
        emit(report)
    else:
        say(f"已备份到 {report.folder}，{report.size / 2**20:.1f} MiB，截至 {report.at:%Y-%m-%d %H:%M:%S} (copied)")
        if report.keys is not None:
            say(f"密钥另存于 {report.keys}：与数据库分开保管，届满即毁 (keys: kept apart, destroyed in time)")
        if tried is not None:
            say(f"演练：对账{tried.days}天，丢失{tried.lost}行，差异{tried.differing}天 (days, lost, differing)")
            say(f"　　　试开密文{tried.tried}件，打不开{tried.unopened}件 (opened: tried, failed)")
        elif not no_rehearsal:
            say("没有演练：PostgreSQL 须用 --rehearse-in 指定一个空库 (not tried: name an empty database)")
    if not no_rehearsal and (tried is None or not tried.proved):
        raise typer.Exit(1)


def restore(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="备份目录 (the folder of a copy).")] = None,
    checked: Annotated[
        bool, typer.Option("--checked", help="已核对副本之后的事，恢复出名单 (checked what the copy cannot know).")
    ] = False,
    yes: Yes = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """从备份恢复：原库改名保留；此后的送达先问再送 (put a copy back; deliveries since are asked about first)."""
    from gateway import wiring
    from gateway.backups import read_manifest
    from gateway.backups import restore as put_back
    from gateway.flow.site.restoring import confirm_checked

    if checked is (folder is not None):
        raise WrongUse("写明备份目录，或 --checked，二者取一 (a folder, or --checked)")
    if folder is None:
        office = open_office(context)
        confirm_checked(office, by=name_of(by))
        say("已记下 (confirmed)")
        return
    # The accounts are in the database that is put back: whoever has the site's keys signs by name.
    name, site = typed_name(by), wiring.load_site(context.obj)
    manifest = read_manifest(folder)
    if not yes:
        say(f"副本截至 {manifest.at:%Y-%m-%d %H:%M:%S}；请先停下本站点的所有程序 (stop whatever works at this site)")
        typer.confirm("恢复？(put it back?)", abort=True, err=True)
    report, moved = put_back(site, folder, by=name)
    if as_json:
        emit(report)
        return
    say(f"已恢复到 {report.copied_at:%Y-%m-%d %H:%M:%S}；{report.deliveries}件送达先问再送 (put back)")
    if moved is not None:
        say(f"原来的数据库在 {moved.name} (the database of before)")
    say("接下来：hubao findings 看要核对什么；核对后 hubao restore --checked --by 姓名 (what to check, then confirm)")
