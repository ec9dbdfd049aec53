"""access: the keys by which an association's machines call the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, complain, emit, say, table
from gateway.cli.site import open_office
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.flow.site.access_keys import NewAccessKey

access = typer.Typer(
    help="协会系统调用接口的密钥 (keys for machines of an association).", no_args_is_help=True, rich_markup_mode=None
)

KeyId = Annotated[str, typer.Argument(help="密钥编号 (the key's id, from the list).")]
_COLUMNS = ("编号", "协会", "名称", "用途", "状态", "生成", "到期", "停用", "最近使用")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(access, name="access")


@access.command("new")
def new_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="哪个系统用，如 理赔系统 (which system uses it).")],
    association: Annotated[str, typer.Option(help="协会 (the association).")],
    can: Annotated[str, typer.Option(help="用途，以逗号分隔：read,ack,decide,facts,review,roster,lookup,ledger,pay")],
    days: Annotated[int, typer.Option(help="有效天数，至多731 (days it lives).")] = 365,
    by: By = None,
    as_json: Json = False,
) -> None:
    """新密钥，只显示这一次 (a new key, shown this one time)."""
    from gateway.flow.site.access_keys import KeyWish, make
    from gateway.wiring import new_access_key

    verbs = [verb.strip() for verb in can.split(",") if verb.strip()]
    wish = KeyWish(association=association, name=name, verbs=verbs, days=days)
    _show_once(make(open_office(context), wish, new_access_key(), by=name_of(by)), as_json=as_json)


@access.command("rotate")
def rotate_key(
    context: typer.Context,
    key_id: KeyId,
    overlap_days: Annotated[int, typer.Option(help="新旧并用几天，0至30 (days both open).")] = 7,
    by: By = None,
    as_json: Json = False,
) -> None:
    """换新密钥，旧的再用几天 (a new key for the same caller; the old one opens for some days more)."""
    from gateway.flow.site.access_keys import rotate
    from gateway.wiring import new_access_key

    office = open_office(context)
    made = rotate(office, key_id, new_access_key(), by=name_of(by), overlap_days=overlap_days)
    _show_once(made, as_json=as_json)


def _show_once(made: NewAccessKey, *, as_json: bool) -> None:
    if as_json:
        emit(made)
        return
    complain("密钥只显示这一次，请立即存入调用方的密钥库 (shown this one time: store it now)")
    say(made.secret)
    complain(f"编号 {made.key.key_id}，{made.key.expires_at.date()} 到期 (its id; when it expires)")


@access.command("list")
def list_keys(
    context: typer.Context,
    association: Annotated[str | None, typer.Option(help="只看一个协会 (of one association).")] = None,
    as_json: Json = False,
) -> None:
    """密钥、用途、到期、最近使用 (keys, what they may do, until when, last use)."""
    from gateway.flow.site.access_keys import listing

    keys = listing(open_office(context), association)
    if as_json:
        emit({"keys": keys})
        return
    rows = [
        (
            key.key_id,
            key.association,
            key.name,
            "、".join(key.verbs),
            key.state,
            key.made_at,
            key.expires_at,
            key.ended_at,
            key.used_at,
        )
        for key in keys
    ]
    table("接口密钥", _COLUMNS, rows)


@access.command("revoke")
def revoke_key(context: typer.Context, key_id: KeyId, by: By = None, as_json: Json = False) -> None:
    """立即停用一个密钥 (from now on it opens nothing)."""
    from gateway.flow.site.access_keys import revoke

    key = revoke(open_office(context), key_id, by=name_of(by))
    if as_json:
        emit(key)
    else:
        say(f"已停用 {key.key_id} (revoked)")


@access.command("asked")
def who_asked_about(
    context: typer.Context,
    member_no: Annotated[str, typer.Argument(help="会员号 (the member's number).")],
    association: Annotated[str, typer.Option(help="协会 (the association).")],
    as_json: Json = False,
) -> None:
    """谁查询过这名会员 (who asked about a member: key, purpose, consent, when)."""
    from gateway.flow.intake.asking import who_asked

    traces = who_asked(open_office(context), association, member_no)
    if traces is None:
        raise WrongUse("没有这名会员 (no such member)")
    if as_json:
        emit({"lookups": traces})
        return
    rows = [(trace.at, trace.caller, trace.purpose, trace.consent, trace.trial) for trace in traces]
    table("谁查询过", ("时间", "密钥", "用途", "授权", "只试算"), rows)
