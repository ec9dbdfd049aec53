"""Records as sealed boxes, under the association's key of the month each came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gateway.core.changes import HeldRecord, PagePlace, ReadRow
from gateway.flow.office import RECORDS, Office, record_context, record_name
from gateway.model.record import SettlementRecord
from gateway.model.rows import RowClass
from gateway.vault import DataKey


class RecordSealer:
    """Seals many records; each key is fetched once."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._keys: dict[tuple[str, str], DataKey] = {}

    def seal(self, record: SettlementRecord, *, association: str, feed: str, key: bytes, received_on: str) -> bytes:
        """The box of a record: bound to its association, feed and key, not to its person, who may become another."""
        month = (association, received_on[:7])
        if month not in self._keys:
            self._keys[month] = self._office.vault.claim_key(association, date.fromisoformat(received_on))
        return self._keys[month].seal(RECORDS.write(record), record_context(record_name(feed, key, association)))

    def box_of(self, settlement: HeldRecord) -> bytes:
        """The box of a new record, made already where it was read before the lock."""
        if settlement.sealed is not None or settlement.record is None:
            return settlement.sealed or b""
        return self.seal(
            settlement.record,
            association=settlement.association,
            feed=settlement.feed,
            key=settlement.key,
            received_on=settlement.received_on,
        )


def seal_records(office: Office, page: PagePlace, rows: Sequence[ReadRow]) -> None:
    """Seal what rows of members say, for each association that matched them: packing and sealing need no lock."""
    sealer, member_class = RecordSealer(office), RowClass.MEMBER
    for row in rows:
        if row.row_class is member_class and row.record is not None and row.key is not None:
            row.sealed = {
                association: sealer.seal(
                    row.record, association=association, feed=page.feed, key=row.key, received_on=page.received_on
                )
                for association, _ in row.matched
            }
