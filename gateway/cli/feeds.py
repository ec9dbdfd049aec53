"""normalise, feed list, feed test: what a league sends, and what we make of it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from gateway.cli.output import Json, complain, emit, plain, say, table
from gateway.cli.progress import working
from gateway.cli.secret import make_missing, tell_made
from gateway.cli.typed import as_typed
from gateway.errors import WrongUse
from gateway.words.feeds import INTAKES

if TYPE_CHECKING:
    from gateway.core.normalise import CompiledMapping
    from gateway.flow.batches.rereading import Rereading
    from gateway.flow.office import Office
    from gateway.settings.feeds import FeedSpec

feed = typer.Typer(help="盟市接入 (feeds).", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(normalise)
    app.add_typer(feed, name="feed")


def mapping_file(site: Path, name: str) -> Path:
    """The file of a mapping: a path, or a name in the site or among the shipped ones. Raises WrongUse."""
    from gateway.settings.shipped import shipped_folder

    for path in (
        Path(name),
        site / "mappings" / f"{name}.toml",
        shipped_folder() / "mappings" / f"{name}.toml",
    ):
        if path.suffix == ".toml" and path.is_file():
            return path
    raise WrongUse(f"找不到映射 {name}：给出 .toml 文件或 mappings/ 里的名字 (no such mapping)")


def compiled(path: Path) -> CompiledMapping:
    """A mapping ready to read pages. Raises BadSettings."""
    from gateway.core.normalise import compile_mapping
    from gateway.settings.mappings import load_mapping

    return compile_mapping(load_mapping(path).language())


def normalise(
    context: typer.Context,
    mapping: Annotated[str, typer.Option(help="映射文件或名字 (a mapping file or its name).")],
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False)] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="有读不了的行就以1结束 (1 where a row cannot be read).")
    ] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="列出没有字段读的键或列 (tell the keys that no field reads).")
    ] = False,
    as_json: Json = False,
) -> None:
    """报文 → 每行一个 JSON 记录或隔离原因 (bytes → one JSON line per row)."""
    from gateway.core.normalise import Origin, Summary, normalise_lines
    from gateway.words.troubles import trouble_in_words

    ready = compiled(mapping_file(context.obj, mapping))
    summary = Summary()
    # Where the lines themselves go to the terminal they show how far it is.
    source = file.open("rb") if file else io.BytesIO(sys.stdin.buffer.read())
    with working("正在读取 (reading)", as_json=as_json or sys.stdout.isatty()) as work, source:
        for number, part in enumerate(_parts(ready, source), 1):
            origin = Origin(file.name if file else "", number)
            for line in work.counting(normalise_lines(ready, part, summary, origin)):
                emit(line)
    # Standard output holds one line a row and nothing else.
    complain(
        f"{summary.records}行可读，{summary.quarantined}行隔离，{summary.skipped}行跳过 (records, quarantined, skipped)"
    )
    for (code, field), many in sorted(summary.errors.items(), key=lambda entry: -entry[1]):
        complain(f"  {many}× {code}  {trouble_in_words(field, code)}")
    if unused:
        complain(f"没有字段读的键 (keys no field reads)：{'、'.join(summary.unused) or '无 (none)'}")
    if strict and summary.errors:
        raise typer.Exit(1)


def _parts(ready: CompiledMapping, source: BinaryIO) -> Iterable[bytes]:
    """A file as the pages it would come in."""
    from gateway.model.page import MAX_PAGE_BYTES

    # What cannot be read twice, a pipe, is held whole.
    source = source if source.seekable() else io.BytesIO(source.read())
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size <= MAX_PAGE_BYTES:
        return (source.read(),)
    from gateway.wiring import parts_of

    return parts_of(source, ready.language)


@feed.command("list")
def feed_list(context: typer.Context, as_json: Json = False) -> None:
    """已配置的盟市 (the feeds of this site)."""
    from gateway.wiring import load_site

    specs = load_site(context.obj).feeds.values()
    if as_json:
        emit({"feeds": [_line(spec) for spec in specs]})
        return
    table(
        "盟市",
        ("代码", "名称", "区划", "方式", "映射", "启用", "协议到期"),
        [
            (
                spec.feed,
                spec.name,
                spec.region,
                INTAKES[spec.intake],
                spec.mapping,
                "是" if spec.enabled else "否",
                spec.legal.expires,
            )
            for spec in specs
        ],
    )


def _line(spec: FeedSpec) -> dict[str, object]:
    return {
        "feed": spec.feed,
        "name": spec.name,
        "region": spec.region,
        "intake": spec.intake,
        "connector": spec.connector.kind,
        "mapping": spec.mapping,
        "associations": list(spec.associations),
        "enabled": spec.enabled,
        "version": spec.version,
    }


@feed.command("add")
def feed_add(
    context: typer.Context,
    example: Annotated[str, typer.Argument(help="示例的名字 (the example's name).")],
    as_json: Json = False,
) -> None:
    """启用一个示例来源，并建好它的目录 (put an example feed in force, and make its folders)."""
    from gateway.settings.shipped import add_feed
    from gateway.wiring import load_site

    file = add_feed(context.obj, example)
    site = load_site(context.obj)
    shown = file.relative_to(site.path).as_posix()
    folders = [folder.name for folder in site.feeds[example].connector.options.folders()]
    for folder in folders:
        (site.path / folder).mkdir(parents=True, exist_ok=True)
    made = make_missing(site, shown)
    if as_json:
        emit({"feed": example, "file": shown, "folders": folders, "secrets": made})
        return
    say(f"已启用 {example}：{shown}；地址、协议等请照实际修改 (in force: change it to what is so)")
    for folder in folders:
        say(f"已建目录 (folder made)：{folder}")
    tell_made(made)
    say(f"然后 (then)：{as_typed(context.obj, 'check')}")


First = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="从这一天的页起 (pages from this day on).")
]
Last = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="到这一天的页止 (pages up to this day).")
]


@feed.command("diff")
def feed_diff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    mapping: Annotated[str | None, typer.Option(help="用此映射，缺省为现行的 (another mapping).")] = None,
    first: First = None,
    last: Last = None,
    as_json: Json = False,
) -> None:
    """已存的页重读会有什么不同：不写入 (what reading stored pages again would change; nothing is written)."""
    from gateway.flow.batches.rereading import reread, with_mapping

    office = office_with(context, name)
    if mapping is not None:
        office = with_mapping(office, name, compiled(mapping_file(context.obj, mapping)))
    with working("正在重读 (reading stored pages)", as_json=as_json):
        result = reread(office, name, first.date() if first else None, last.date() if last else None)
    show_rereading(result, as_json=as_json)
    if result.differs:
        raise typer.Exit(1)


@feed.command("replay")
def feed_replay(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="盟市代码 (the feed).")],
    first: First = None,
    last: Last = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只显示差异 (the difference alone).")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问 (do not ask).")] = False,
    as_json: Json = False,
) -> None:
    """用现行映射与方案重读已存的页：先显示差异，再写入或等人确认 (read stored pages again, written or held)."""
    from gateway.flow.batches.rereading import replay, reread

    office = office_with(context, name)
    days = (first.date() if first else None, last.date() if last else None)
    if dry_run or not yes:
        with working("正在重读 (reading stored pages)", as_json=as_json):
            result = reread(office, name, *days)
        show_rereading(result, as_json=as_json and dry_run)
        if dry_run:
            raise typer.Exit(1 if result.differs else 0)
        typer.confirm("照此写入？(write it?)", abort=True, err=True)
    with working("正在写入 (writing)", as_json=as_json):
        result = replay(office, name, *days)
    show_rereading(result, as_json=as_json)
    if result.holds:
        raise typer.Exit(1)


def office_with(context: typer.Context, name: str) -> Office:
    """The office of the site, which has this feed. Raises WrongUse where it has not."""
    from gateway.cli.site import open_office

    office = open_office(context)
    if name not in office.feeds:
        raise WrongUse(f"没有盟市 {name}；已配置：{'、'.join(sorted(office.feeds))} (no such feed)")
    return office


def show_rereading(result: Rereading, *, as_json: bool) -> None:
    """What reading stored pages again comes to."""
    from gateway.words.holds import MOVES

    if as_json:
        emit({**plain(result), "differs": result.differs})
        return
    table("记录变化", ("字段或类别", "行"), [*result.fields.items(), *result.classes.items()])
    lines = [(line.claim_id, line.member_no, MOVES[line.move], line.was, line.becomes) for line in result.claims]
    table("申领变化", ("申领", "会员号", "变化", "此前（元）", "此后（元）"), lines)
    say(f"{result.pages}页，{result.rows}行不同；有变化的申领此前 {result.before} 元，此后 {result.after} 元")
    if result.left_out:
        say(f"{len(result.left_out)}页不能逐行比较，未重读 (pages left out): {', '.join(map(str, result.left_out))}")
    if result.holds:
        say("其中会撤回或降低的等人确认：hubao holds list (what would take away waits for a person)")


@feed.command("test")
def feed_test(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="映射名，缺省全部 (mappings, all by default).")] = None,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--from", exists=True, dir_okay=False, help="由样本写第一份测试 (write a first test file from it)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """运行映射旁的测试 (run the tests beside each mapping)."""
    if sample is not None:
        write_tests(context.obj, names or [], sample, as_json=as_json)

    from gateway.flow.studies.mapping_tests import run_mapping_tests

    results = []
    for path in _test_files(context.obj, names or []):
        mapping = path.with_name(path.name.removesuffix(".test.toml") + ".toml")
        results += [(mapping.stem, result) for result in run_mapping_tests(compiled(mapping), path)]
    bad = [(name, result) for name, result in results if not result.passed]
    if as_json:
        emit(
            {
                "tests": len(results),
                "failed": [{"mapping": name, "name": result.name, "detail": result.detail} for name, result in bad],
            }
        )
    else:
        for name, result in bad:
            say(f"✗ {name}: {result.name}\n{result.detail}")
        say(f"{len(results) - len(bad)}项通过，{len(bad)}项未通过 (passed, failed)")
    if bad:
        raise typer.Exit(1)


def write_tests(site: Path, names: list[str], sample: Path, *, as_json: bool) -> None:
    """A first test file beside one mapping, from a sample whose people are replaced. Raises WrongUse rather than
    overwrite."""
    from gateway.flow.studies.inventing import test_file_from

    if len(names) != 1:
        raise WrongUse("--from 只用于一个映射 (--from goes with one mapping)")
    mapping = mapping_file(site, names[0])
    file = mapping.with_suffix(".test.toml")
    text = test_file_from(compiled(mapping), sample.read_bytes())
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        raise WrongUse(f"{file} 已存在，不会覆盖 (it exists and is never overwritten)") from None
    if not as_json:
        say(f"已写入 {file}：人是编的，金额照旧；请核对期望值 (written: invented people, amounts kept)")


def _test_files(site: Path, names: list[str]) -> list[Path]:
    if names:
        return [mapping_file(site, name).with_suffix(".test.toml") for name in names]
    files = sorted((site / "mappings").glob("*.test.toml"))
    if not files:
        raise WrongUse("站点里没有映射测试 (no mapping tests in this site)")
    return files
