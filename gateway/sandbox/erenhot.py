"""二连浩特's sealed zips: a CSV in two files under a password, a note beside them, and a zip that broke on the way."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyzipper

from gateway.sandbox.leagues import FILE_HEADERS, Sent, as_filed, file_row
from gateway.sandbox.play import Play
from gateway.sandbox.script import Script

_ON_LOOPBACK: Final = "hubao-on-loopback"


def _table(sent: Sequence[Sent], refunded: frozenset[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FILE_HEADERS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(file_row(row, refunded=row.record.settlement_no in refunded) for row in sent)
    return text.getvalue().encode("gb18030")


def _sealed(path: Path, members: dict[str, bytes]) -> None:
    with pyzipper.AESZipFile(path, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(_ON_LOOPBACK.encode())
        for name, content in members.items():
            archive.writestr(name, content)


@contextmanager
def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """A broken zip lies before the whole one and must not keep it from being read."""
    folder = script.folder / "dropped"
    folder.mkdir()
    refunded = frozenset(sent.record.settlement_no or "" for sent in script.rows if sent.record.reversal)
    half = len(script.rows) // 2
    members = {
        "结算1.csv": _table(script.rows[:half], refunded),
        "结算2.csv": _table(script.rows[half:], refunded),
        "说明.txt": "每日一包 (a zip a day)".encode("gb18030"),
    }
    for name, cut in (("setl_152501_20220101.zip", 2000), (f"setl_152501_{script.day:%Y%m%d}.zip", None)):
        path = folder / name
        _sealed(path, members)
        path.write_bytes(path.read_bytes()[:cut])
        (folder / f"{name}.ok").touch()
    yield Play(
        options={"folder": str(folder)},
        secrets={"HUBAO_ERENHOT_PASSWORD": _ON_LOOPBACK},
        reading=as_filed,
        findings=frozenset({"not_taken_in", "feed_failed"}),
    )
