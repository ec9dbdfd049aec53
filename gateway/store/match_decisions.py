"""Match decisions with their evidence: why a row was matched by more than number and name, or asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from gateway.model.decision import Evidence
from gateway.store import schema
from gateway.store.engine import change_many, insert_many, select_in


class MatchDecisionRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One association's decision about one row of a page; `decided_at` in milliseconds."""

    page_seq: int
    row: int
    association: str
    member_id: int
    outcome: str
    score: float
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    model: str
    decided_at: int


_COLUMNS = MatchDecisionRow.__struct_fields__
_SELECT = "select " + ", ".join(f'"{name}"' for name in _COLUMNS) + " from match_decision "
_reasons = msgspec.json.Decoder(tuple[str, ...])
_evidence = msgspec.json.Decoder(tuple[Evidence, ...])


def keep(tx: Connection, decisions: Sequence[MatchDecisionRow]) -> None:
    """Remember decisions; what was decided before about the same rows must be forgotten first."""
    rows = []
    for decision in decisions:
        fields = msgspec.structs.asdict(decision)
        for name in ("reasons", "evidence"):
            fields[name] = msgspec.json.encode(fields[name]).decode()
        rows.append(tuple(fields.values()))
    insert_many(tx, schema.match_decision, _COLUMNS, rows)


def forget(tx: Connection, page_seq: int, rows: Iterable[int]) -> None:
    """These rows of a page are decided anew."""
    sql = 'delete from match_decision where page_seq = ? and "row" = ?'
    change_many(tx, sql, [(page_seq, row) for row in rows])


def expire(tx: Connection, seqs: Sequence[int]) -> None:
    """Of pages that are gone only the decisions stay by which a record that is still there was matched."""
    recorded = (
        'select 1 from record where record.page_seq = match_decision.page_seq and record."row" = match_decision."row"'
    )
    sql = f"delete from match_decision where page_seq = ? and not exists ({recorded})"
    change_many(tx, sql, [(seq,) for seq in seqs])


def of_pages(tx: Connection, seqs: Iterable[int]) -> list[MatchDecisionRow]:
    """The decisions about rows of these pages, in order of page and row."""
    rows = select_in(tx, _SELECT + "where page_seq {keys}", seqs, kind="bigint")
    decisions = []
    for values in sorted(rows, key=lambda row: (row[0], row[1], row[2])):
        fields = dict(zip(_COLUMNS, values, strict=True))
        fields["reasons"] = _reasons.decode(fields["reasons"])
        fields["evidence"] = _evidence.decode(fields["evidence"])
        decisions.append(MatchDecisionRow(**fields))
    return decisions
