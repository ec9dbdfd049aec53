"""claims, deliveries: what was found, what went out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.output import Json, Limit, emit, one_of, say, table
from gateway.cli.site import open_office
from gateway.words.claims import CLAIM_STATES, FLAGS
from gateway.words.deliveries import DELIVERIES, DELIVERY_STATES

claims = typer.Typer(help="预填申领 (claims).", no_args_is_help=True, rich_markup_mode=None)
deliveries = typer.Typer(help="送达 (deliveries).", no_args_is_help=True, rich_markup_mode=None)


Association = Annotated[str | None, typer.Option(help="协会 (association).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(claims, name="claims")
    app.add_typer(deliveries, name="deliveries")


@claims.command("list")
def claims_list(
    context: typer.Context,
    association: Association = None,
    status: Annotated[str | None, typer.Option(help="proposed | amended | withdrawn")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """申领清单，不含个人信息 (claims, without personal data)."""
    from gateway.flow.delivery.claims import list_claims

    office = open_office(context)
    one_of("--status", status, CLAIM_STATES)
    one_of("--association", association, sorted(office.associations))
    rows = list_claims(office, association=association, status=status, limit=limit)
    if as_json:
        emit({"claims": rows})
        return
    columns = ("申领号", "版本", "状态", "方案", "期次", "应付（元）", "提示", "最后申领日")
    keys = ("claim_id", "version", "status", "scheme", "edition", "payable", "flags", "claim_by")
    table("申领", columns, [tuple(_in_words(key, row[key]) for key in keys) for row in rows])


def _in_words(key: str, value: Any) -> Any:
    if key == "flags":
        return "、".join(FLAGS.get(flag, flag) for flag in value)
    words = {"status": CLAIM_STATES, "state": DELIVERIES}.get(key)
    return words.get(value, value) if words else value


@claims.command("show")
def claims_show(context: typer.Context, claim_id: str, as_json: Json = False) -> None:
    """一份申领的全部：每一分钱的依据与送达经过；含个人信息 (one claim in full; holds personal data)."""
    from gateway.flow.delivery.claims import show_claim

    claim = show_claim(open_office(context), claim_id)
    if as_json:
        emit(claim)
        return
    body = claim["body"]
    say(f"{claim_id} 第{claim['version']}版 {_in_words('status', claim['status'])}  应付 {body['payable']} 元")
    if "member" in body:
        say(f"会员 {body['member']['member_no']}  {body['member']['name']}  最后申领日 {body['claim_by'] or '–'}")
    for line in body.get("lines", ()):
        say(f"  {line['article']}: {line['text']}")
    if body.get("flags"):
        say(f"提示：{_in_words('flags', body['flags'])}")
    columns = ("版本", "状态", "次数", "下次", "说明")
    keys = ("version", "state", "attempts", "next_at", "last_code")
    table("送达", columns, [tuple(_in_words(key, row[key]) for key in keys) for row in claim["deliveries"]])


@claims.command("export")
def claims_export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="写到这个新文件，权限 0600 (a new file, mode 0600)")],
    association: Association = None,
    as_json: Json = False,
) -> None:
    """每份申领的最新版写成 JSON 行；含个人信息 (latest versions as JSON lines; holds personal data)."""
    from gateway.flow.delivery.claims import export_claims

    many = export_claims(open_office(context), file, association=association)
    if as_json:
        emit({"claims": many, "file": str(file)})
    else:
        say(f"已写出{many}份申领；文件含个人信息，用后请删除。")


@deliveries.command("list")
def deliveries_list(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="pending | unknown | accepted | refused | dead | …")] = None,
    association: Association = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """送达清单，新的在前 (deliveries, newest first)."""
    from gateway.store import deliveries as store

    office = open_office(context)
    one_of("--state", state, DELIVERY_STATES)
    one_of("--association", association, sorted(office.associations))
    with office.store.read() as tx:
        rows = store.listing(tx, state=state, association=association, limit=limit)
    if as_json:
        emit({"deliveries": rows})
        return
    table(
        "送达",
        ("编号", "申领号", "版本", "协会", "状态", "次数", "下次", "说明"),
        [
            (
                delivery.delivery_id,
                delivery.claim_id,
                delivery.version,
                delivery.association,
                DELIVERIES.get(delivery.state.value, delivery.state.value),
                delivery.attempts,
                delivery.next_at,
                delivery.last_code,
            )
            for delivery in rows
        ],
    )


@deliveries.command("redrive")
def deliveries_redrive(
    context: typer.Context,
    number: Annotated[
        list[int] | None, typer.Argument(help="编号，缺省全部死信 (ids, all dead letters by default).")
    ] = None,
    association: Association = None,
    send_again: Annotated[
        bool, typer.Option(help="协会不能查询时：确认对方没有收到，直接重发 (send without asking first).")
    ] = False,
    as_json: Json = False,
) -> None:
    """死信重新排队；先问对方有没有，再决定发不发 (give dead letters a new schedule; asks before sending)."""
    from gateway.store import deliveries as store

    office = open_office(context)
    with office.store.write() as tx:
        many = store.redrive(tx, now=office.now(), association=association, ids=number, send_again=send_again)
    if as_json:
        emit({"redriven": many})
    else:
        say(f"{many}件重新排队 (redriven)")
