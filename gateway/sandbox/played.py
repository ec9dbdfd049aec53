"""Every league that can be played by itself: its name → how. A new one adds its line to `LEAGUES_PLAYED`.

`hubao demo --all` and the acceptance tests walk this table: each league gets a site of its own with the shipped feed
file of that name, and what arrived is held against the script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final

from gateway.model.record import SettlementRecord
from gateway.sandbox import shanghai
from gateway.sandbox.files import PATTERN, DayFile, day_file, drop
from gateway.sandbox.leagues import Sent, as_filed
from gateway.sandbox.old_files import as_by_banner, fixed_file, table_file, workbook_file
from gateway.sandbox.play import Play, PlayLeague
from gateway.sandbox.played_envelopes import chifeng, hohhot, hulunbuir, nmg, ordos, ulanqab, yuncheng
from gateway.sandbox.played_lines import LINES_PLAYED
from gateway.sandbox.script import Script


@contextmanager
def _hinggan(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """One file with everything; its marker says how much it holds."""
    folder = script.folder / "dropped"
    drop(folder, day_file(script.day, script.rows))
    yield Play(options={"folder": str(folder), "pattern": PATTERN}, reading=as_filed)


def _one_file(
    written: Callable[[date, Sequence[Sent]], DayFile],
    *,
    reading: Callable[[SettlementRecord], SettlementRecord] = as_filed,
    marker: bool = False,
    extra: Mapping[str, int],
    findings: frozenset[str] = frozenset(),
) -> PlayLeague:
    """A league that drops one file with everything; `marker`: whether its marker tells totals, or the file itself."""

    @contextmanager
    def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
        folder, file = script.folder / "dropped", written(script.day, script.rows)
        path = drop(folder, file)
        if not marker:
            path.with_name(f"{path.name}.ok").write_bytes(b"")
        yield Play(options={"folder": str(folder)}, reading=reading, extra=extra, findings=findings)

    return play


_HIDDEN: Final = frozenset({"totals_differ"})
"""A workbook of which a sheet was not read holds more rows than its sums tell."""

LEAGUES_PLAYED: Final[Mapping[str, PlayLeague]] = {
    "chifeng": chifeng,
    **LINES_PLAYED,
    "hinggan": _hinggan,
    "hohhot": hohhot,
    "hulunbuir": hulunbuir,
    "nmg": nmg,
    "ordos": ordos,
    "manzhouli": _one_file(table_file, marker=True, extra={"quarantined": 1}),
    "shanghai": shanghai.play,
    "ulanqab": ulanqab,
    "xilingol": _one_file(workbook_file, reading=as_by_banner, extra={"quarantined": 3}, findings=_HIDDEN),
    "yuncheng": _one_file(fixed_file, extra={"quarantined": 1}),
    "yuncheng-http": yuncheng,
}
"""Name of the shipped feed file → how its league is played."""
