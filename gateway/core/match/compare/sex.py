"""The sex, which a resident's number holds too. Half of all strangers agree in it: it only ever speaks against."""

from __future__ import annotations

from typing import Final

from gateway.core.match.compare.comparison import Comparison, RecordSide
from gateway.model.decision import Candidate
from gateway.model.national_id import checksum_ok, sex_of


class SexComparison(Comparison):
    """Sexes, of the field or of the number."""

    field = "sex"
    levels = ("equal", "differs", "missing")
    record_field = "sex"
    member_field = "sex"
    of_same_number = True
    contradicts = frozenset(("differs",))

    def compare(self, record: RecordSide, member: Candidate) -> str:
        of_member = sex_of(member.id_number) if checksum_ok(member.id_number) else member.sex
        of_record = record.subject.sex or record.number.sex
        if of_record is None or of_member is None:
            return "missing"
        return "equal" if of_record == of_member else "differs"

    def mask(self, text: str) -> str:
        """As it is: of two values there is nothing to hide."""
        return text


SEX: Final = SexComparison()
