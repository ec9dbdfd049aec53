"""通辽's warehouse: `setl_d` and `mdtrt_d` as city warehouses really are, in an SQLite file.

Levels of hospitals are numbers in one table, the time of settlement has no date, stays that go on have no settlement
number, hundreds of rows carry one and the same watermark, and what was committed late carries an old one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from gateway.sandbox.leagues import Sent
from gateway.sandbox.national import Row, moment, setlinfo, spoil
from gateway.sandbox.play import Play
from gateway.sandbox.script import Script

_OF_VISITS: Final = ("mdtrt_id", "psn_no", "med_type", "begndate", "enddate", "ipt_days", "dise_codg")
_STILL_INSIDE: Final = 3
_LATE: Final = 5
_ROWS_PER_PAGE: Final = 10


def _row(sent: Sent) -> Row:
    row = setlinfo(sent.record, nation=sent.person.nation) | {"certno": sent.id_written}
    return spoil(row, sent.spoiled) if sent.spoiled else row


def _settlement(sent: Sent) -> Row:
    """A row of `setl_d`: the watermark is the hour of a nightly batch, the same for all of a day."""
    row, settled_at = _row(sent), cast(Any, sent.record.settled_at)
    batch = settled_at.replace(hour=21, minute=0, second=0)
    return {
        **{name: value for name, value in row.items() if name not in _OF_VISITS[2:]},
        "hosp_lv": int(row["hosp_lv"] or 0),
        "setl_time": f"{settled_at:%H:%M:%S}",
        "opt_time": moment(settled_at),
        "vali_flag": "1",
        "updt_time": moment(batch),
    }


class Warehouse:
    """The two tables, filled row by row."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, settlements: Sequence[Row], visits: Sequence[Row]) -> None:
        """Commits these rows."""
        with closing(sqlite3.connect(self._file)) as connection, connection:
            for name, rows in (("setl_d", settlements), ("mdtrt_d", visits)):
                for row in rows:
                    columns = ", ".join(row)
                    connection.execute(f"create table if not exists {name} ({columns})")
                    values = [str(value) if isinstance(value, Decimal) else value for value in row.values()]
                    connection.execute(f"insert into {name} ({columns}) values ({', '.join('?' * len(row))})", values)


@contextmanager
def play(script: Script, clock: Callable[[], float]) -> Iterator[Play]:
    """The first night finds all but what is committed late, of which some has a watermark of before that night."""
    warehouse = Warehouse(script.folder / "warehouse.db")
    settlements = [_settlement(sent) for sent in script.rows]
    visits = {row["mdtrt_id"]: {name: row[name] for name in _OF_VISITS} for row in map(_row, script.rows)}
    # Of one day, and not its last in the order of keys: the first night reads past where these will stand.
    late = [row for row in settlements if row["updt_time"][:10] == f"{script.day - timedelta(days=3)}"][:_LATE]
    inside = [{**row, "setl_id": None} for row in settlements[:_STILL_INSIDE]]

    def before_night(night: int) -> None:
        rows = late if night else [*(row for row in settlements if row not in late), *inside]
        warehouse.add(rows, [] if night else [*visits.values()])

    yield Play(
        options={"url": f"sqlite:///{script.folder.resolve() / 'warehouse.db'}", "rows_per_page": _ROWS_PER_PAGE},
        secrets={"HUBAO_TONGLIAO_PASSWORD": "a file asks for none"},
        findings=frozenset({"not_taken_in"}),
        nights=2,
        before_night=before_night,
    )
