"""clock show, clock confirm: whether the machine's clock is believed, and a person who says that it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gateway.cli.clerk import By, name_of
from gateway.cli.output import Json, emit, say
from gateway.cli.site import open_office

if TYPE_CHECKING:
    from gateway.flow.site.clock import ClockReport

clock = typer.Typer(help="本机时钟：是否可信、确认 (the machine's clock).", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(clock, name="clock")


@clock.command("show")
def show_clock(context: typer.Context, as_json: Json = False) -> None:
    """本机时钟与此前已知的时间 (what the clock reads, and what was known before)."""
    from gateway.flow.site import clock as flow

    report = flow.show(open_office(context))
    _tell(report, as_json=as_json)
    if not report.believed or report.doubted_since is not None:
        raise typer.Exit(1)


@clock.command("confirm")
def confirm_clock(context: typer.Context, by: By = None, as_json: Json = False) -> None:
    """确认本机时间无误，恢复到期销毁与定时取数 (the clock is right as it reads now: what waited goes on)."""
    from gateway.flow.site import clock as flow

    _tell(flow.confirm(open_office(context), by=name_of(by)), as_json=as_json)


def _tell(report: ClockReport, *, as_json: bool) -> None:
    if as_json:
        emit(report)
        return
    say(f"本机时间 {report.now:%Y-%m-%d %H:%M:%S}，{'可信 (believed)' if report.believed else '存疑 (in doubt)'}")
    if report.known is not None:
        say(f"此前已知的最新时间 {report.known:%Y-%m-%d %H:%M:%S} (newest known before)")
    if report.doubted_since is not None:
        say(
            f"待确认的读数 {report.doubted_since:%Y-%m-%d} 至 {report.doubted_until:%Y-%m-%d} (readings in doubt)；"
            "核对后运行 hubao clock confirm --by 姓名"
        )
