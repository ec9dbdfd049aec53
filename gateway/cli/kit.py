"""kit: what a developer of an association needs to receive claims, as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Json, tell


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("kit")(kit_command)


def kit_command(
    folder: Annotated[Path, typer.Argument(help="新目录 (a new folder).")],
    as_json: Json = False,
) -> None:
    """协会开发包：接收样例、30份带签名的样本、报文字段说明与一小时指南 (the kit for an association's developer)."""
    from gateway.kit.writing import write_kit

    files = [str(file.relative_to(folder)) for file in write_kit(folder)]
    tell({"folder": str(folder), "files": files}, f"{folder}：{len(files)} 个文件，从 README.md 读起", as_json=as_json)
