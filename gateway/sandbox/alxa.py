"""阿拉善's daily text over SFTP, Yinhai's style: parted by TABs, no header, the order of columns is all there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.sandbox.files import day_file, drop
from gateway.sandbox.leagues import FILE_HEADERS, as_filed, file_row
from gateway.sandbox.play import Play
from gateway.sandbox.script import Script
from gateway.sandbox.sftp_server import USER, SftpServer

ENCODING: Final = "gb18030"
_ON_LOOPBACK: Final = "hubao-on-loopback"


def day_text(script: Script) -> bytes:
    """Everything of a script as one file."""
    refunded = {sent.record.settlement_no for sent in script.rows if sent.record.reversal}
    rows = [file_row(sent, refunded=sent.record.settlement_no in refunded) for sent in script.rows]
    lines = ("\t".join(row[header] for header in FILE_HEADERS) for row in rows)
    return "".join(f"{line}\r\n" for line in lines).encode(ENCODING)


@contextmanager
def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """A file that is still being written beside the whole one, which the first night leaves alone."""
    root, folder = _root(script)
    (folder / f"yh_{script.day:%Y%m%d}.txt").write_bytes(day_text(script))
    (folder / f"yh_{script.day:%Y%m%d}.txt.filepart").write_bytes(day_text(script)[:4000])
    with SftpServer(root, _ON_LOOPBACK) as server:
        yield Play(options=_options(server), secrets={"HUBAO_ALXA_PASSWORD": _ON_LOOPBACK}, reading=as_filed)


@contextmanager
def play_hinggan(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """兴安盟's daily file on its own machine, the second way to it."""
    root, folder = _root(script)
    drop(folder, day_file(script.day, script.rows))
    with SftpServer(root, _ON_LOOPBACK) as server:
        yield Play(options=_options(server), secrets={"HUBAO_HINGGAN_PASSWORD": _ON_LOOPBACK}, reading=as_filed)


def _root(script: Script) -> tuple[Path, Path]:
    root = script.folder / "machine"
    folder = root / "out"
    folder.mkdir(parents=True)
    return root, folder


def _options(server: SftpServer) -> dict[str, str]:
    return {"address": f"127.0.0.1:{server.port}", "user": USER, "host_key": server.host_key, "remote_folder": "/out"}
