"""scheme new: ten questions, and a scheme file that passes `check` with its cases beside it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

import typer

from gateway.cli.output import Json, emit, one_of, say
from gateway.cli.schemes import scheme, schemes_folder
from gateway.errors import BadInput, WrongUse

_QUESTIONS: Final = {
    "name": ("名称 (name)", None),
    "source": ("依据，文号或网址 (source)", None),
    "starts": ("起用日，如 2026-01-01 (first day)", None),
    "categories": ("谁可以参加：active 在职、retired 退休，逗号分开 (who)", "active"),
    "period": ("保障期：calendar_year 自然年、months_from_joining 参加次日起12个月 (period)", "calendar_year"),
    "bands": ("分段：上限:比例，如 10000:0.40,100000:0.70,1.00 (bands)", None),
    "allowance": ("住院补贴：元x最多天数，如 20x30，没有写 0 (allowance)", "0"),
    "cap": ("每期最高补助，元，没有写 0 (cap)", "0"),
    "claim_days": ("申领期限：结算后多少天 (days to claim)", "90"),
}


def register(app: typer.Typer) -> None:
    """Add this command to those about schemes."""
    scheme.command("new")(scheme_new)


def scheme_new(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(help="方案代码，小写字母、数字和 - (the scheme's code).")] = None,
    name: Annotated[str | None, typer.Option(help="名称 (its name).")] = None,
    source: Annotated[str | None, typer.Option(help="依据 (the regulation).")] = None,
    starts: Annotated[str | None, typer.Option(help="起用日 YYYY-MM-DD (its first day).")] = None,
    categories: Annotated[str | None, typer.Option(help="active,retired (who).")] = None,
    period: Annotated[str | None, typer.Option(help="calendar_year | months_from_joining.")] = None,
    bands: Annotated[str | None, typer.Option(help="10000:0.40,100000:0.70,1.00 (upto:rate).")] = None,
    allowance: Annotated[str | None, typer.Option(help="20x30，没有写 0 (yuan x days; 0: none).")] = None,
    cap: Annotated[str | None, typer.Option(help="元，没有写 0 (yuan; 0: none).")] = None,
    claim_days: Annotated[str | None, typer.Option(help="天数 (days to claim).")] = None,
    as_json: Json = False,
) -> None:
    """十个问题，写出方案文件和案例 (ten questions, a scheme file and its cases)."""
    from gateway.settings.schemes import load_families
    from gateway.settings.schemes.questionnaire import PERIODS, SchemeAnswers, scheme_files_of

    folder = schemes_folder(context.obj)
    if folder is None:
        raise WrongUse("这里没有站点的 config/schemes，请先 hubao init 或用 --site (no config/schemes here)")
    code = code or typer.prompt("代码，小写字母、数字和 - (code)", err=True)
    flags = {
        "name": name, "source": source, "starts": starts, "categories": categories, "period": period, "bands": bands,
        "allowance": allowance, "cap": cap, "claim_days": claim_days,
    }  # fmt: skip
    answers = {key: value if value is not None else _asked(key) for key, value in flags.items()}
    one_of("--period", answers["period"], PERIODS)
    first_day, days = _first_day(answers.pop("starts")), answers.pop("claim_days")
    if not days.isascii() or not days.isdigit() or len(days) > 4:
        raise WrongUse("申领期限应为天数 (days to claim: a whole number)")
    written = scheme_files_of(SchemeAnswers(scheme=code, starts=first_day, claim_days=int(days), **answers))
    known = [path.name for path in (folder / file for file in written) if path.exists()]
    if known or code in load_families(folder):
        raise WrongUse(f"方案 {code} 已经有了；新的一期请复制它的文件 (it is there; copy its file for a new edition)")
    for file, text in written.items():
        (folder / file).write_text(text, encoding="utf-8")
    if as_json:
        emit({"scheme": code, "files": [str(folder / file) for file in written]})
        return
    say("已写出 (written)：" + "、".join(str(folder / file) for file in written))
    say("接着 (next)：填写条款 article，再运行 hubao check 与 hubao scheme test")


def _asked(key: str) -> str:
    question, usual = _QUESTIONS[key]
    answer: str = typer.prompt(question, default=usual, err=True)
    return answer


def _first_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year < 1990 or len(text) != len("2026-01-01"):
        raise BadInput("not_valid", "起用日应为 YYYY-MM-DD，1990年以后 (the first day)")
    return day
