"""deliveries: what went to associations, what goes again, what a person found out about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.claims import Association
from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, Limit, emit, one_of, say, table, tell_more
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.deliveries import DELIVERIES, DELIVERY_STATES, code_in_words

if TYPE_CHECKING:
    from gateway.flow.delivery.by_hand import RedriveLine
    from gateway.flow.office import Office
    from gateway.model.claim import Delivery
    from gateway.store.deliveries import DeliveryGroup

deliveries = typer.Typer(help="送达 (deliveries).", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(deliveries, name="deliveries")


@deliveries.command("list")
def deliveries_list(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="pending | unknown | accepted | refused | dead | …")] = None,
    association: Association = None,
    after: Annotated[int | None, typer.Option(min=1, help="从此编号之后接着看 (go on behind this number).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """送达清单，新的在前 (deliveries, newest first)."""
    from gateway.flow.delivery.outbox import list_deliveries

    office = open_office(context)
    one_of("--state", state, DELIVERY_STATES)
    one_of("--association", association, sorted(office.associations))
    page = list_deliveries(office, state=state, association=association, below=after, limit=limit)
    rows, total, next_one = page.deliveries, page.total, page.next
    if as_json:
        emit({"deliveries": rows, "total": total, "more": next_one is not None, "next": next_one})
        return
    columns = ("编号", "申领号", "版本", "协会", "状态", "次数", "下次", "说明")
    table("送达", columns, [_line(delivery) for delivery in rows])
    tell_more(len(rows), total, next_one=next_one)


def _line(delivery: Delivery) -> tuple[object, ...]:
    state = DELIVERIES.get(delivery.state.value, delivery.state.value)
    place = (delivery.delivery_id, delivery.claim_id, delivery.version, delivery.association)
    return (*place, state, delivery.attempts, delivery.next_at, code_in_words(delivery.last_code))


RefusedByStatus = Annotated[
    bool,
    typer.Option(
        help="不是死信，而是仅凭状态码记为拒收的；写明编号的不论原因"
        " (what was refused by a status alone; with ids, whatever it was refused for)."
    ),
]
PerSecond = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1000,
        help="立即逐件送出，每秒至多几件；再遇同一原因即停，其余不动"
        " (send one by one now, so many a second; the same failure again stops it).",
    ),
]


@deliveries.command("redrive")
def deliveries_redrive(
    context: typer.Context,
    number: Annotated[list[int] | None, typer.Argument(help="编号，缺省全部 (ids, all by default).")] = None,
    association: Association = None,
    refused: RefusedByStatus = False,
    send_again: Annotated[
        bool, typer.Option(help="协会不能查询时：确认对方没有收到，直接重发 (send without asking first).")
    ] = False,
    group: Annotated[str | None, typer.Option(help="只限这一组原因 (only this group of cause).")] = None,
    per_second: PerSecond = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看有哪些，不动 (only show).")] = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """死信或误记为拒收的重新排队 (give dead letters, or what was refused wrongly, a new schedule)."""
    from gateway.flow.delivery.by_hand import RedriveOrder, redrivable, redrive

    office = open_office(context)
    one_of("--association", association, sorted(office.associations))
    if dry_run:
        alike = redrivable(office, association=association, ids=number, refused=refused, group=group)
        _show_groups("可重新排队的 (would be redriven)", alike, as_json=as_json)
        return
    if per_second is not None:
        if association is None or group is None or number:
            raise WrongUse("--per-second 须写明 --association 与 --group，不写编号 (with both, and without ids)")
        line = _redrive_line(office, association, per_second, name_of(by))
        _redrive_now(office, association, group, line, refused=refused, send_again=send_again, as_json=as_json)
        return
    order = RedriveOrder(
        association=association, ids=number, group=group, refused=refused, send_again=send_again, by=name_of(by)
    )
    many = redrive(office, order)
    if as_json:
        emit({"redriven": many})
    else:
        say(f"{many}件重新排队 (redriven)")


def _redrive_line(office: Office, association: str, per_second: int, by: str) -> RedriveLine:
    from gateway import wiring
    from gateway.flow.delivery.by_hand import RedriveLine

    return RedriveLine(
        sender=wiring.sender(office, association),
        per_second=per_second,
        jitter=wiring.jitter,
        new_lease=wiring.new_lease,
        by=by,
    )


def _redrive_now(
    office: Office,
    association: str,
    group: str,
    line: RedriveLine,
    *,
    refused: bool,
    send_again: bool,
    as_json: bool,
) -> None:
    from gateway.flow.delivery.by_hand import redrive_one_by_one

    report = redrive_one_by_one(office, association, line, group=group, refused=refused, send_again=send_again)
    if as_json:
        emit(report)
    else:
        say(f"{report.tried}件送出，{report.accepted}件收下，{report.left}件未动 (sent, accepted, left as they were)")
    if report.stopped:
        say(f"再遇同一原因，已停：{code_in_words(group)} (the same failure again: stopped)")
        raise typer.Exit(1)


@deliveries.command("enable")
def deliveries_enable(
    context: typer.Context,
    association: Annotated[str, typer.Option(help="协会 (association).")],
    as_json: Json = False,
) -> None:
    """协会的线路修好后恢复送达 (switch deliveries to an association on again)."""
    from gateway.flow.delivery.by_hand import enable

    office = open_office(context)
    one_of("--association", association, sorted(office.associations))
    was_off = enable(office, association)
    if as_json:
        emit({"association": association, "was_off": was_off})
    else:
        say(f"{association} 已恢复送达 (on)" if was_off else f"{association} 本未停送 (was on)")


@deliveries.command("confirm")
def deliveries_confirm(
    context: typer.Context,
    number: Annotated[
        list[int] | None, typer.Argument(help="只限这些编号，缺省整组 (of the group, only these).")
    ] = None,
    association: Annotated[str, typer.Option(help="协会 (association).")] = "",
    group: Annotated[str, typer.Option(help="哪一组；不写则列出各组 (which group; without it: show them).")] = "",
    accepted: Annotated[
        bool | None,
        typer.Option("--accepted/--not-accepted", help="对方收下了，或没有收下 (they have it; it goes again)."),
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """向协会核实后，成组确认结果不明的送达 (after asking the association: confirm what became of a group in doubt)."""
    from gateway.flow.delivery.by_hand import confirm, in_doubt

    office = open_office(context)
    if association not in office.associations:
        raise WrongUse(f"--association 应为 {'、'.join(sorted(office.associations))} (unknown association)")
    if not group:
        _show_groups("结果不明的 (in doubt)", in_doubt(office, association), as_json=as_json)
        return
    if accepted is None:
        raise WrongUse("请写明 --accepted 或 --not-accepted (say which)")
    many = confirm(office, association, group=group, accepted=accepted, by=name_of(by), ids=number)
    if as_json:
        emit({"confirmed": many, "accepted": accepted})
    else:
        say(f"{many}件确认{'已收下' if accepted else '未收下，重新排队'} (confirmed)")


def _show_groups(title: str, alike: Sequence[DeliveryGroup], *, as_json: bool) -> None:
    if as_json:
        emit({"groups": alike, "count": sum(group.count for group in alike)})
        return
    columns = ("协会", "状态", "组 (group)", "说明", "件数")
    lines = [(DELIVERIES.get(group.state, group.state), group.code, code_in_words(group.code)) for group in alike]
    table(title, columns, [(group.association, *line, group.count) for group, line in zip(alike, lines, strict=True)])
