"""normalise, feed list, feed test: what a league sends, and what we make of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Json, complain, emit, say, table
from gateway.cli.secret import make_missing, tell_made
from gateway.cli.typed import as_typed
from gateway.errors import WrongUse
from gateway.words.feeds import INTAKES

if TYPE_CHECKING:
    from gateway.core.normalise import CompiledMapping
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
    as_json: Json = False,
) -> None:
    """报文 → 每行一个 JSON 记录或隔离原因 (bytes → one JSON line per row)."""
    from gateway.core.normalise import Summary, normalise_lines
    from gateway.words.troubles import trouble_in_words

    ready = compiled(mapping_file(context.obj, mapping))
    content = file.read_bytes() if file else sys.stdin.buffer.read()
    summary = Summary()
    for line in normalise_lines(ready, content, summary):
        emit(line)
    # Standard output holds one line a row and nothing else.
    complain(
        f"{summary.records}行可读，{summary.quarantined}行隔离，{summary.skipped}行跳过 (records, quarantined, skipped)"
    )
    for (code, field), many in sorted(summary.errors.items(), key=lambda entry: -entry[1]):
        complain(f"  {many}× {code}  {trouble_in_words(field, code)}")
    if strict and summary.errors:
        raise typer.Exit(1)


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


@feed.command("test")
def feed_test(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="映射名，缺省全部 (mappings, all by default).")] = None,
    as_json: Json = False,
) -> None:
    """运行映射旁的测试 (run the tests beside each mapping)."""

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


def _test_files(site: Path, names: list[str]) -> list[Path]:
    if names:
        return [mapping_file(site, name).with_suffix(".test.toml") for name in names]
    files = sorted((site / "mappings").glob("*.test.toml"))
    if not files:
        raise WrongUse("站点里没有映射测试 (no mapping tests in this site)")
    return files
