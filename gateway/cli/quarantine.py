"""quarantine: rows and pages that could not be read: list, show, close, read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, Limit, emit, one_of, plain, say, table, tell, tell_more
from gateway.cli.progress import working
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.records import field_in_words
from gateway.words.reviews import QUARANTINE_STATES
from gateway.words.troubles import trouble_in_words

if TYPE_CHECKING:
    from gateway.flow.office import Office
    from gateway.flow.reviewing.quarantined import QuarantineGroup, QuarantineShown
    from gateway.model.states import ItemState

quarantine = typer.Typer(
    help="隔离区：读不懂的行 (rows that cannot be read).", no_args_is_help=True, rich_markup_mode=None
)

Group = Annotated[
    str | None, typer.Option("--group", help="一组，写法见 quarantine list --group (a group, as the list writes it).")
]
Items = Annotated[list[int] | None, typer.Argument(help="编号 (items).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(quarantine, name="quarantine")


@quarantine.command("list")
def quarantine_list(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="open | closed | superseded | expired")] = "open",
    feed: Annotated[str | None, typer.Option(help="盟市 (feed).")] = None,
    by_group: Annotated[
        bool, typer.Option("--group", help="按盟市、映射、原因、字段分组计数 (counted by feed, mapping, code, field).")
    ] = False,
    after: Annotated[int | None, typer.Option(min=1, help="从此编号之后接着看 (go on behind this number).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """读不懂的行与页：位置、结算号与原因，新的在前 (place, settlement number and reasons; newest first)."""
    from gateway.flow.reviewing import quarantined

    office = open_office(context)
    # Nothing in quarantine is ever decided; a script that asks for it all the same is answered as it always was.
    one_of("--state", state, (*QUARANTINE_STATES, "decided"))
    one_of("--feed", feed, sorted(office.feeds))
    if by_group:
        if state != "open":
            raise WrongUse("--group 只统计待处理的 (--group counts what is open)")
        _show_groups(quarantined.groups(office, feed=feed), as_json=as_json)
        return
    listed = quarantined.list_items(office, state=cast("ItemState", state), feed=feed, below=after, limit=limit)
    if as_json:
        emit({**plain(listed), "next": listed.quarantine[-1].item if listed.more else None})
        return
    rows: list[tuple[object, ...]] = []
    for line in listed.quarantine:
        place = "整页" if line.row is None else line.row
        why = "；".join(trouble_in_words(error.field, error.code, error.message) for error in line.errors)
        rows.append((line.item, line.feed, line.page, place, line.settlement_no, line.amount, why))
    if state == "closed":
        rows = [
            (*row, line.closed_by, line.reason or "已能读懂") for row, line in zip(rows, listed.quarantine, strict=True)
        ]
    closing = ("关闭人", "结果") if state == "closed" else ()
    table("隔离区", ("编号", "盟市", "页", "行", "结算号", "金额（元）", "原因", *closing), rows)
    tell_more(len(rows), listed.total, next_one=listed.quarantine[-1].item if listed.more else None)


def _show_groups(groups: list[QuarantineGroup], *, as_json: bool) -> None:
    if as_json:
        emit({"groups": groups})
        return
    rows = [
        (
            group.feed,
            f"{group.mapping} 第{group.version}版",
            trouble_in_words(group.field, group.code),
            group.items,
            group.amount,
            group.group,
        )
        for group in groups
    ]
    table("隔离区，分组", ("盟市", "映射", "原因", "条数", "金额（元）", "组"), rows)


@quarantine.command("show")
def quarantine_show(
    context: typer.Context,
    item: int,
    reveal: Annotated[bool, typer.Option("--reveal", help="显示原行，会留下记录 (the row itself; is logged).")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """一条的位置、结算号与全部原因；--reveal 显示原行 (one item; its row with --reveal)."""
    from gateway.flow.reviewing import quarantined

    office = open_office(context)
    shown = (
        quarantined.reveal(office, item, by=name_of(by), page="hubao quarantine show")
        if reveal
        else quarantined.show(office, item)
    )
    if as_json:
        emit(shown)
    else:
        _show_item(shown)


def _show_item(shown: QuarantineShown) -> None:
    where = "整页" if shown.row is None else f"第{shown.row}行"
    source = f"，文件 {shown.source}" if shown.source else ""
    say(
        f"第{shown.item}号：{shown.feed} {shown.day} 第{shown.page}页 {where}{source}，{QUARANTINE_STATES[shown.state]}"
    )
    say(f"结算号 {shown.settlement_no or '–'}，金额 {shown.amount} 元")
    for error in shown.errors:
        say(f"  {field_in_words(error.field) or '–'}  {error.message}")
    if shown.closed_by is not None:
        say(f"{shown.closed_by} 已关闭：{shown.reason or '–'}")
    if shown.revealed and not shown.values:
        say("原页已到期或读不出 (its page is gone or cannot be read)")
    elif shown.revealed:
        table("原行（已记录查看人）", ("来源列", "值"), shown.values.items())


@quarantine.command("close")
def quarantine_close(
    context: typer.Context,
    item: Items = None,
    group: Group = None,
    reason: Annotated[str, typer.Option(help="为什么不再处理，加密保存 (why; kept sealed).")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="重新打开 (open them again).")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """关闭永远读不懂的：这些行仍计入隔离，但不再待处理 (close what will never be right; it is counted as before)."""
    from gateway.flow.reviewing import quarantined

    office = open_office(context)
    if undo:
        many = quarantined.reopen(office, item or [])
        tell({"reopened": many}, f"已重新打开{many}条 (opened again)", as_json=as_json)
        return
    many = quarantined.close(office, _chosen(office, item, group), by=name_of(by), reason=reason)
    tell({"closed": many}, f"已关闭{many}条 (closed)", as_json=as_json)


def _chosen(office: Office, item: list[int] | None, group: str | None) -> list[int]:
    """The items somebody means: by number, or a whole group. Raises WrongUse for neither or both."""
    from gateway.flow.reviewing.quarantined import items_of_group

    if bool(item) == (group is not None):
        raise WrongUse("请给出编号，或用 --group 给出一组 (name items, or a group with --group)")
    return list(item or []) if group is None else items_of_group(office, group)


@quarantine.command("retry")
def quarantine_retry(
    context: typer.Context,
    item: Annotated[list[int] | None, typer.Argument(help="编号，缺省全部 (items, all by default).")] = None,
    group: Group = None,
    as_json: Json = False,
) -> None:
    """映射改好后再读一遍，仍读不懂的编号不变 (read again, after the mapping was mended; numbers stay)."""
    from gateway.flow.intake.retry import retry_quarantine

    office = open_office(context)
    chosen = item if group is None else _chosen(office, item, group)
    with working("正在重读 (reading again)", as_json=as_json):
        retried = retry_quarantine(office, chosen)
    tell(retried, f"重读{retried.tried}条，解决{retried.solved}条 (tried, solved)", as_json=as_json)
