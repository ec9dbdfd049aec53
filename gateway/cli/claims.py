"""claims: what was found."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.clerk import By, asked_for, name_of, scope_here
from gateway.cli.output import Json, Limit, emit, one_of, say, table, tell_more
from gateway.cli.progress import working
from gateway.cli.site import open_office
from gateway.errors import WrongUse
from gateway.words.claims import CLAIM_STATES, FLAGS, WAY_ACTORS
from gateway.words.deliveries import DELIVERIES, code_in_words
from gateway.words.desk import STEP_STATES

claims = typer.Typer(help="预填申领 (claims).", no_args_is_help=True, rich_markup_mode=None)


Association = Annotated[str | None, typer.Option(help="协会 (association).")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(claims, name="claims")


ByIdNumber = Annotated[
    bool, typer.Option("--id-number", help="按证件号码：从标准输入或提示读取，会留下记录 (read from stdin; is logged).")
]
ChangedFrom = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="最近变动首日 (last change, first day).")
]
ChangedTo = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="最近变动末日 (last change, last day).")
]


@claims.command("list")
def claims_list(
    context: typer.Context,
    association: Association = None,
    status: Annotated[str | None, typer.Option(help="proposed | amended | withdrawn")] = None,
    scheme: Annotated[str | None, typer.Option(help="互助计划 (scheme).")] = None,
    league: Annotated[str | None, typer.Option(help="盟市，按名册的写法 (league, as the roster writes it).")] = None,
    member_no: Annotated[str | None, typer.Option("--member-no", help="会员号 (member number).")] = None,
    settlement_no: Annotated[str | None, typer.Option("--settlement-no", help="结算号 (settlement number).")] = None,
    by_id_number: ByIdNumber = False,
    by: By = None,
    first: ChangedFrom = None,
    last: ChangedTo = None,
    after: Annotated[str | None, typer.Option(help="从上一页给出的位置接着看 (go on behind this place).")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """申领清单，不含个人信息，最近变动的在后 (claims, without personal data, in order of last change)."""
    from gateway.flow.reviewing.claim_list import ClaimSearch, list_claims, note_search

    office = open_office(context)
    one_of("--status", status, CLAIM_STATES)
    one_of("--association", association, sorted(office.associations))
    one_of("--scheme", scheme, sorted(office.schemes))
    if by_id_number:
        note_search(office, by=name_of(by))
    search = ClaimSearch(
        scope=scope_here(),
        association=association,
        status=status,
        scheme=scheme,
        league=league,
        member_no=member_no,
        settlement_no=settlement_no,
        id_number=asked_for("证件号码 (id number)") if by_id_number else None,
        first=first.date() if first else None,
        last=last.date() if last else None,
    )
    page = list_claims(office, search, after=after, limit=limit)
    if as_json:
        emit(page)
        return
    columns = ("申领号", "会员号", "版本", "状态", "方案", "期次", "应付（元）", "提示", "最后申领日")
    keys = ("claim_id", "member_no", "version", "status", "scheme", "edition", "payable", "flags", "claim_by")
    table("申领", columns, [tuple(_in_words(key, row[key]) for key in keys) for row in page.claims])
    tell_more(len(page.claims), page.total, next_one=page.next)


def _in_words(key: str, value: Any) -> Any:
    if key == "last_code":
        return code_in_words(value)
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
    way = [(event["at"] or "", event["version"], *_event_in_words(event), event["detail"]) for event in claim["way"]]
    table("经过", ("时间", "版本", "谁", "事项", "金额（元）", "说明"), [(when[:19], *rest) for when, *rest in way])
    columns = ("版本", "状态", "次数", "下次", "说明")
    keys = ("version", "state", "attempts", "next_at", "last_code")
    table("送达", columns, [tuple(_in_words(key, row[key]) for key in keys) for row in claim["deliveries"]])


def _event_in_words(event: dict[str, Any]) -> tuple[str, str, str]:
    """Who, what, and the amount it names."""
    waits = f"（{STEP_STATES[event['state']]}）" if event["state"] != "done" else ""
    return WAY_ACTORS.get(event["by"], event["by"]), event["words"] + waits, event["amount"] or ""


@claims.command("export")
def claims_export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="写到这个新文件，权限 0600 (a new file, mode 0600)")],
    association: Association = None,
    as_json: Json = False,
) -> None:
    """每份申领的最新版写成 JSON 行；含个人信息 (latest versions as JSON lines; holds personal data)."""
    from gateway.flow.delivery.claims import export_claims

    with working("正在写出 (writing)", as_json=as_json):
        many = export_claims(open_office(context), file, association=association)
    if as_json:
        emit({"claims": many, "file": str(file)})
    else:
        say(f"已写出{many}份申领；文件含个人信息，用后请删除。")


@claims.command("print")
def claims_print(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="写到这个文件夹，文件权限 0600 (into this folder, files of mode 0600)")],
    claim_ids: Annotated[list[str] | None, typer.Argument(metavar="CLAIM", help="申领号 (claims)")] = None,
    association: Association = None,
    form: Annotated[str | None, typer.Option(help="nm | yuncheng，缺省按方案 (by the scheme if left out)")] = None,
    by: Annotated[str, typer.Option("--by", help="claim | unit | league：每份、每单位、每盟市一个文件")] = "claim",
    as_xlsx: Annotated[bool, typer.Option("--xlsx", help="填入 xlsx 模板 (fill the template)")] = False,
    as_json: Json = False,
) -> None:
    """申领审批表：A4 网页供打印，或填入协会自己的 xlsx 模板；含个人信息 (forms to print; hold personal data)."""
    from gateway.cli import claim_forms
    from gateway.flow.delivery.claims import bodies_of_claims

    office = open_office(context)
    one_of("--association", association, sorted(office.associations))
    one_of("--form", form, claim_forms.FORMS)
    one_of("--by", by, ("claim", "unit", "league"))
    if bool(claim_ids) == (association is not None):
        raise WrongUse("请给出申领号，或用 --association 给出协会，二者取一 (claims or --association, one of them)")
    if as_xlsx and form:
        raise WrongUse("--xlsx 用协会的模板，不与 --form 同用 (not together)")
    bodies = bodies_of_claims(office, claim_ids or (), association=association)
    files = claim_forms.write_forms(bodies, out, site=office.site, form=form, by=by, as_xlsx=as_xlsx)
    if as_json:
        emit({"claims": len(bodies), "files": [str(file) for file in files]})
    else:
        say(f"已写出{len(bodies)}份申领，{len(files)}个文件，在 {out}；含个人信息，用后请删除。")
