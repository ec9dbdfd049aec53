"""alarms: where findings are told outside; tries it."""

from __future__ import annotations

import typer

from gateway.cli.output import Json, emit, say, table
from gateway.cli.site import open_office
from gateway.errors import WrongUse

alarms = typer.Typer(help="告警 (alarms).", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(alarms, name="alarms")


@alarms.command("try")
def alarms_try(context: typer.Context, as_json: Json = False) -> None:
    """向每个告警地址发一条试验消息 (send a trial message to every address)."""
    from gateway import wiring
    from gateway.flow.findings.alarming import say_everywhere

    office = open_office(context)
    ways = wiring.alarm_ways(office)
    if not ways:
        raise WrongUse("gateway.toml 没有 [alarms] to：没有告警地址 (no address: see [alarms] in config/README.md)")
    text = "这是一条试验消息：收到即告警可用。 (a trial: alarms work)"
    failures = say_everywhere(office, ways, f"{office.gateway.name}：告警试验", text)
    if as_json:
        emit({"addresses": len(ways), "failed": failures})
    else:
        say(f"{len(ways)} 个地址，{len(ways) - len(failures)} 个已送出 (sent)")
        for name, problem in failures.items():
            say(f"  [{name}] {problem}")
    if failures:
        raise typer.Exit(1)


@alarms.command("list")
def alarms_list(context: typer.Context, as_json: Json = False) -> None:
    """下一条告警会说什么 (what the next alarm would tell)."""
    from gateway.flow.findings.alarming import message, waiting_to_be_told

    office = open_office(context)
    spec, waiting = office.gateway.alarms, waiting_to_be_told(office)
    title, text = message(office.gateway.name, waiting, {name: feed.name for name, feed in office.feeds.items()})
    quiet = spec.quiet is not None and spec.quiet.hold(office.now().time())
    if as_json:
        emit({"addresses": len(spec.to), "quiet": quiet, "waiting": waiting, "title": title, "text": text})
        return
    say(f"{len(spec.to)} 个地址{'，现在是免打扰时段 (quiet hours)' if quiet else ''}")
    if waiting:
        say(f"{title}\n{text}")
    else:
        table("待告警", (), [])
