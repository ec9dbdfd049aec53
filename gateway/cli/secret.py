"""secret new: secrets of the right form, for what a site's files name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import Json, emit, say

if TYPE_CHECKING:
    from gateway.ports import SecretOption
    from gateway.settings.site import Site

secret = typer.Typer(
    help="密钥：生成一把格式正确的 (secrets of the right form).", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(secret, name="secret")


@secret.callback()
def _group() -> None:
    """密钥：生成一把格式正确的 (secrets of the right form)."""


@secret.command("new")
def secret_new(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="配置里写的名字：HUBAO_…，或 keys/… (as the settings name it: a variable or a file).")
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            help="写到站点里的这个新文件，权限 0600，不在屏幕上显示 (to this new file of the site, mode 0600)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """生成一把新密钥：写入文件，或显示一次 (make a secret: into a file, or shown once)."""
    from gateway import wiring
    from gateway.settings.secrets import write_secret

    site = wiring.load_site(context.obj)
    # With or without its kind in front; one that no file names yet is of the usual form.
    names = {name, f"env:{name}", f"file:{name}"}
    option = next((option for _, option in wiring.secret_options(site) if option.name in names), None)
    place = file or _own_file(option)
    text = _made(option, name)
    if place is not None:
        write_secret(site.path / place, text)
    if as_json:
        emit({"name": name, "file": None if place is None else str(place), "secret": None if place else text})
    elif place is None:
        say(text)
        say(f"只显示这一次：请放进环境变量 {name}，并告知对方 (shown once: put it there, tell the other side)")
    else:
        say(f"已写入 {place}，权限 0600；请把内容告知对方 (written; tell the other side what is in it)")
        if option is None or option.name != f"file:{place.as_posix()}":
            say(f'配置里写 (in the settings file): secret = "file:{place.as_posix()}"')


def _own_file(option: SecretOption | None) -> Path | None:
    """The file the settings name for a secret; None where they name a variable, or nothing."""
    kind, _, place = option.name.partition(":") if option is not None else ("", "", "")
    return Path(place) if kind == "file" else None


def _made(option: SecretOption | None, name: str) -> str:
    """A new secret of the option's form; of the form of webhooks where no file names it yet. Raises WrongUse."""
    from gateway import wiring
    from gateway.errors import WrongUse

    if option is None:
        return wiring.new_webhook_secret()
    if option.make is None:
        raise WrongUse(f"{name} 由对方发给：请向对方索取 (the other side gives this secret out: ask for it)")
    return option.make()


def make_missing(site: Site, file: str) -> list[str]:
    """Make the secrets a settings file names as files, where they are ours to make and are not there; their names."""
    from gateway import wiring
    from gateway.settings.secrets import write_secret

    made = []
    for named_in, option in wiring.secret_options(site):
        place = _own_file(option)
        if named_in == file and place is not None and option.make is not None and not (site.path / place).exists():
            write_secret(site.path / place, option.make())
            made.append(place.as_posix())
    return made


def tell_made(names: list[str]) -> None:
    """Which secrets were made, and for whom."""
    for name in names:
        say(f"已生成签名密钥 {name}，权限 0600；请把内容告知对方 (made: tell the other side what is in it)")
