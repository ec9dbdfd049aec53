"""feed new: the draft of a feed, from flags, or at a terminal from questions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from gateway.cli.feeds import feed
from gateway.cli.output import Json, emit, say
from gateway.cli.typed import as_typed
from gateway.errors import WrongUse

if TYPE_CHECKING:
    from gateway.settings.scaffold import FeedDraft
    from gateway.settings.site import Site

_QUESTIONS: Final = {
    "name": "盟市代码，小写字母、数字、连字符 (the feed)",
    "kind": "连接方式 (the kind of connector)",
    "region": "六位行政区划 (region)",
    "association": "服务的协会 (the association served)",
    "title": "给人看的名称 (a name for people)",
    "owner": "负责人或单位 (owner)",
    "agreement": "数据协议编号 (agreement)",
    "purpose": "处理目的 (purpose)",
    "expires": "协议到期日 YYYY-MM-DD (last day of the agreement)",
    "sample": "样本文件，没有直接回车 (a sample file, or nothing)",
}


def register(app: typer.Typer) -> None:
    """Nothing more: this command stands in the group of `gateway.cli.feeds`."""


@feed.command("new")
def feed_new(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="盟市代码，小写字母、数字、连字符 (the feed).")] = None,
    kind: Annotated[str | None, typer.Option(help="连接方式，见 config/README (the kind of connector).")] = None,
    region: Annotated[str | None, typer.Option(help="六位行政区划 (region).")] = None,
    title: Annotated[str | None, typer.Option("--title", help="给人看的名称 (a name for people).")] = None,
    association: Annotated[str | None, typer.Option(help="服务的协会，缺省为唯一的 (the association served).")] = None,
    owner: Annotated[str | None, typer.Option(help="负责人或单位 (owner).")] = None,
    agreement: Annotated[str | None, typer.Option(help="数据协议编号 (agreement).")] = None,
    purpose: Annotated[str | None, typer.Option(help="处理目的 (purpose).")] = None,
    expires: Annotated[str | None, typer.Option(help="协议到期日 YYYY-MM-DD (its last day).")] = None,
    options: Annotated[list[str] | None, typer.Option("--set", help="连接选项，键=值，可多次 (KEY=VALUE).")] = None,
    sample: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="样本：由它推断映射、写测试 (a sample).")
    ] = None,
    as_json: Json = False,
) -> None:
    """新盟市的草稿：来源、映射、测试三个文件，不启用；缺什么问什么 (a draft; asks for what is missing)."""
    from gateway.settings.scaffold import write_drafts
    from gateway.wiring import draft_of, load_site

    site = load_site(context.obj)
    flags = {
        "name": name, "kind": kind, "region": region, "association": association or _usual_association(site),
        "title": title, "owner": owner, "agreement": agreement, "purpose": purpose, "expires": expires,
    }  # fmt: skip
    # Whoever is at a terminal is asked; a program is told at once what it left out.
    asks = not as_json and stands_at_terminal()
    answers = _asked(flags, site) if asks else _complete(flags)
    if asks and sample is None:
        sample = _asked_sample()
    draft = _draft(answers, _pairs(options), asks=asks)
    files = {f"config/feeds/{draft.feed}.toml": draft_of(draft), **mapping_files(draft.feed, draft.name, sample)}
    write_drafts(context.obj, files)
    for folder in load_site(context.obj).feeds[draft.feed].connector.options.folders():
        (site.path / folder.name).mkdir(parents=True, exist_ok=True)
    if as_json:
        emit({"feed": draft.feed, "files": list(files), "enabled": False})
        return
    for file in files:
        say(f"已写入 {file} (written)")
    say("草稿，尚未启用；填好各处“待填”，再运行 (a draft, not in force; fill it in, then)：")
    say(f"    {as_typed(context.obj, f'feed activate {draft.feed}')}")


def stands_at_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty()


def _usual_association(site: Site) -> str | None:
    """The only association there is, or the one that a new site begins with."""
    names = [*site.associations]
    return names[0] if len(names) == 1 else "nm" if "nm" in names else None


def _complete(flags: dict[str, str | None]) -> dict[str, str]:
    """What was told, once nothing is left out. Raises WrongUse listing all that is."""
    missing = [key for key in ("name", "kind", "region", "association") if flags[key] is None]
    if missing:
        listed = "；".join(f"{'NAME' if key == 'name' else f'--{key}'} {_QUESTIONS[key]}" for key in missing)
        raise WrongUse(f"缺少 (missing)：{listed}")
    return {key: text for key, text in flags.items() if text is not None}


def _asked(flags: dict[str, str | None], site: Site) -> dict[str, str]:
    """What was told, and for all else what is answered now."""
    from gateway.settings.scaffold import TO_FILL
    from gateway.wiring import kinds_of_feeds

    kinds = kinds_of_feeds()
    if flags["kind"] is None:
        say(f"连接方式 (kinds)：{'、'.join(kinds)}")
    usual = {"kind": "folder", "owner": TO_FILL, "agreement": TO_FILL, "purpose": TO_FILL, "expires": TO_FILL}
    answers: dict[str, str] = {}
    for key, text in flags.items():
        default = answers["name"] if key == "title" else usual.get(key)
        answers[key] = text if text is not None else typer.prompt(_QUESTIONS[key], default=default, err=True)
    if answers["expires"] == TO_FILL:
        del answers["expires"]
    return answers


def _asked_sample() -> Path | None:
    answer: str = typer.prompt(_QUESTIONS["sample"], default="", show_default=False, err=True).strip()
    if not answer:
        return None
    if not Path(answer).is_file():
        raise WrongUse(f"没有文件 {answer} (no such file)")
    return Path(answer)


def _pairs(options: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in options or []]
    if not all(sign and key for key, sign, _ in pairs):
        raise WrongUse("--set 写作 键=值 (write --set KEY=VALUE)")
    return {key: value for key, _, value in pairs}


def _draft(answers: dict[str, str], options: dict[str, str], *, asks: bool) -> FeedDraft:
    """The draft of these answers; at a terminal options that nobody can guess are asked for too."""
    from gateway.settings.scaffold import FeedDraft
    from gateway.wiring import options_to_tell

    feed, title = answers.pop("name"), answers.pop("title", "")
    draft = FeedDraft(feed=feed, name=title or feed, options=options, **answers)
    if not asks:
        return draft
    more = {key: typer.prompt(f"连接选项 {key} (option)", err=True) for key in options_to_tell(draft)}
    return msgspec.structs.replace(draft, options={**options, **more})


def mapping_files(name: str, title: str, sample: Path | None) -> dict[str, str]:
    """The mapping of a draft and its tests, by their places in the site: from a sample, else the national words."""
    if sample is None:
        text = f'mapping = "{name}"\nversion = 1\nname = "{name}"\nnational = true\n\n[format]\nkind = "json"\n'
        return {f"mappings/{name}.toml": f'{text}rows = ["output.setlinfo", "setlinfo", "."]\n'}
    from gateway.flow.studies.inferring import infer, tests_of

    content = sample.read_bytes()
    inference = infer(content, mapping=name, name=title)
    return {f"mappings/{name}.toml": inference.text, f"mappings/{name}.test.toml": tests_of(inference, content)}
