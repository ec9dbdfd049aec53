"""`hubao`: the command line. Everything heavy is imported by the command that needs it, so --help is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from gateway import __version__
from gateway.cli import (
    access,
    activating,
    alarms,
    auditing,
    backups,
    bench,
    claims,
    clock,
    connecting,
    deliveries,
    demo,
    desk,
    doctor,
    drafting,
    explaining,
    facts,
    feeds,
    findings,
    holds,
    kit,
    matching,
    matching_flow,
    night,
    payments,
    people,
    quarantine,
    recoveries,
    reporting,
    review,
    roster_people,
    scheme_new,
    schemes,
    second,
    secret,
    simulating,
    site,
    users,
)
from gateway.cli.clerk import stand_up
from gateway.errors import BadInput, BadSettings, HubaoError, WrongUse

app = typer.Typer(
    name="hubao",
    help="互保网关：医保结算数据进，预填申领出 (settlement records in, pre-filled claims out).",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked_for: bool) -> None:
    if asked_for:
        sys.stdout.write(f"hubao {__version__}\n")
        raise typer.Exit


@app.callback()
def main_options(
    context: typer.Context,
    site_folder: Annotated[Path, typer.Option("--site", help="站点目录 (the site folder).")] = Path(),
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="版本 (the version).")
    ] = False,
) -> None:
    """互保网关：医保结算数据进，预填申领出 (settlement records in, pre-filled claims out)."""
    context.obj = site_folder
    stand_up()


site.register(app)
secret.register(app)
access.register(app)
night.register(app)
demo.register(app)
bench.register(app)
feeds.register(app)
connecting.register(app)
activating.register(app)
drafting.register(app)
people.register(app)
roster_people.register(app)
facts.register(app)
matching.register(app)
matching_flow.register(app)
schemes.register(app)
scheme_new.register(app)
explaining.register(app)
simulating.register(app)
reporting.register(app)
claims.register(app)
deliveries.register(app)
desk.register(app)
payments.register(app)
recoveries.register(app)
quarantine.register(app)
review.register(app)
findings.register(app)
holds.register(app)
alarms.register(app)
clock.register(app)
doctor.register(app)
kit.register(app)
users.register(app)
second.register(app)
auditing.register(app)
backups.register(app)


def main() -> None:
    """Run a command; exits 0 on success, 1 on findings or failure, 2 on wrong use."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        sys.exit(app(prog_name="hubao", standalone_mode=False))
    except typer.Abort:
        sys.exit(130)
    except TyperException as error:
        from gateway.cli.usage import said_in_chinese

        sys.stderr.write(said_in_chinese(error) + "\n")
        sys.exit(2)
    except BadSettings as error:
        sys.stderr.write(f"配置有误 (settings are wrong):\n{error}\n")
        sys.exit(2)
    except (WrongUse, BadInput) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except HubaoError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)
