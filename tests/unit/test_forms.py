"""What was kept before forms had numbers opens for ever, and a field of a later form changes nothing by itself.

The vectors were written by the program before forms had numbers. They are never made anew: a later form gets a file of
its own beside them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims.content import (
    FORM_1,
    FORMS,
    ClaimContent,
    ClaimSettlement,
    ContentForm,
    ContentForms,
    Draft,
    content_in_form,
)
from gateway.core.claims.drafting import draft, same_weight
from gateway.core.claims.explaining import NO_WORDING, Wording
from gateway.core.claims.kept import body, frozen, open_kept, settlements_told, spoken, withdrawal
from gateway.core.compared import COVERAGE_FIRST, ROSTER_MEMBER_FIRST, to_compare
from gateway.core.forms import MARK, ComparedForm, Form, Forms, marked, packed, unmarked
from gateway.core.roster.people import RosterMember
from gateway.core.schemes import Insured
from gateway.errors import UnknownForm
from gateway.flow.changes.fact_boxes import FACTS, FactBox
from gateway.flow.office import MEMBERS, RECORDS, Personal
from gateway.model.benefit import BenefitEstimate, Fact, PlainLine
from gateway.model.member import Coverage, Member
from gateway.model.record import SettlementRecord

VECTORS = Path(__file__).parent / "vectors"
CLAIMS = json.loads((VECTORS / "claim_bodies_form_1.json").read_text("utf-8"))
PACKED = json.loads((VECTORS / "packed_form_1.json").read_text("utf-8"))


def no_wording(scheme: str, edition: str | None) -> Wording:
    return NO_WORDING


def values(kind: str, type_: type[Any]) -> list[tuple[Any, bytes]]:
    """What was kept of one kind: the value, and its bytes."""
    return [(msgspec.convert(row["value"], type_), bytes.fromhex(row["kept"])) for row in PACKED[kind]]


def drafted(vector: dict[str, Any]) -> Draft:
    return draft(
        msgspec.convert(vector["member"], Member),
        msgspec.convert(vector["estimate"], BenefitEstimate),
        msgspec.convert(vector["records"], list[SettlementRecord]),
        scheme=vector["scheme"],
        received_on=date.fromisoformat(vector["received_on"]),
        needs_person=vector["needs_person"],
    )


# ── every released form opens ──


@pytest.mark.parametrize("vector", CLAIMS["claims"], ids=lambda vector: vector["name"])
def test_a_kept_claim_is_told_as_it_was(vector: dict[str, Any]) -> None:
    told = json.loads(spoken(vector["kept"].encode(), no_wording))
    assert list(told) == list(vector["sent"])
    words = ("explanation", "not_covered")
    assert {name: told[name] for name in told if name not in words} == json.loads(vector["from_before_words"])
    assert all(told[name] for name in words[:1])


@pytest.mark.parametrize("vector", CLAIMS["claims"], ids=lambda vector: vector["name"])
def test_a_claim_from_before_words_is_sent_byte_by_byte(vector: dict[str, Any]) -> None:
    kept = vector["from_before_words"].encode()
    assert spoken(kept, no_wording) == open_kept(kept) == kept
    assert [each["settlement_no"] for each in settlements_told(kept)] == list(vector["estimate"]["settlements"])


@pytest.mark.parametrize("vector", CLAIMS["withdrawals"], ids=lambda vector: vector["reason"])
def test_a_withdrawal_is_sent_byte_by_byte(vector: dict[str, Any]) -> None:
    kept = vector["kept"].encode()
    assert spoken(kept, no_wording) == open_kept(kept) == kept
    assert settlements_told(kept) == ()


@pytest.mark.parametrize("vector", CLAIMS["claims"], ids=lambda vector: vector["name"])
def test_a_claim_that_says_the_same_has_the_same_bytes_in_the_first_form(vector: dict[str, Any]) -> None:
    assert content_in_form(drafted(vector), 1) == vector["content"].encode()


def test_packed_values_of_the_first_form_open() -> None:
    for forms, kind, type_ in ((RECORDS, "records", SettlementRecord), (MEMBERS, "members", Personal)):
        for value, kept in values(kind, type_):
            assert forms.read(kept) == value  # type: ignore[attr-defined]
    for value, kept in values("facts", FactBox):
        assert FACTS.read(kept) == value


def test_what_is_compared_by_its_digest_has_the_bytes_it_had() -> None:
    for row in PACKED["roster_members"]:
        assert to_compare(msgspec.convert(row["value"], RosterMember)).hex() == row["compared"]
    for row in PACKED["situations"]:
        records = msgspec.convert(row["records"], list[SettlementRecord])
        insured = msgspec.convert(row["insured"], Insured)
        assert to_compare([records, insured]).hex() == row["compared"]


# ── no value of the first form begins with the mark ──


def test_msgpack_never_uses_the_byte_of_the_mark() -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.msgpack.decode(MARK)
    for many in (0, 1, 15, 16, 255, 65_535, 65_536):
        first = msgspec.msgpack.encode({str(at): None for at in range(many)})[:1]
        assert 0x80 <= first[0] <= 0x8F or first[0] in (0xDE, 0xDF)


@given(st.builds(PlainLine, rule=st.text(), article=st.text(), amount=st.text(), text=st.text()), st.text())
def test_json_objects_begin_with_a_brace(line: PlainLine, text: str) -> None:
    assert msgspec.json.encode(line)[:1] == msgspec.json.encode({text: text})[:1] == b"{" != MARK


def test_no_kept_value_of_the_first_form_begins_with_the_mark() -> None:
    kept = [bytes.fromhex(row["kept"]) for kind in ("records", "members", "facts") for row in PACKED[kind]]
    kept += [vector[shape].encode() for vector in CLAIMS["claims"] for shape in ("kept", "from_before_words")]
    kept += [vector["kept"].encode() for vector in CLAIMS["withdrawals"]]
    kept += [bytes.fromhex(row["kept"]) for row in PACKED["row_lists"]]
    for value in kept:
        assert value[:1] != MARK
        assert unmarked(value, newest=1, what="") == (1, value)


def test_a_row_list_of_the_first_form_begins_with_a_letter() -> None:
    letters = {bytes.fromhex(row["kept"])[at : at + 1] for row in PACKED["row_lists"] for at in range(0, 999, 17)}
    assert letters - {b""} == {bytes([letter]) for letter in b"mlsrdoq"}
    assert all(len(row["kept"]) // 2 % 17 == 0 for row in PACKED["row_lists"])


def test_a_released_form_is_never_edited() -> None:
    [first, *_] = CLAIMS["claims"]
    content = json.loads(first["content"])
    assert tuple(content) == FORM_1.content
    assert tuple(content["member"]) == FORM_1.member
    assert tuple(content["stay"]) == FORM_1.stay
    assert tuple(content["settlements"][0]) == FORM_1.settlement
    assert {name for vector in CLAIMS["claims"] for line in vector["estimate"]["lines"] for name in line} <= {
        *FORM_1.line,
        "benefit",
    }


def test_what_a_claim_tells_is_its_newest_form() -> None:
    """Whoever adds a field to a claim's content adds a form."""
    newest = FORMS.released[-1]
    assert ClaimContent.__struct_fields__ == newest.content
    assert ClaimSettlement.__struct_fields__ == newest.settlement
    assert set(PlainLine.__struct_fields__) == set(newest.line)


def test_a_field_that_a_packed_value_gained_has_a_form_of_its_own() -> None:
    """Without one an older program would read the value without the field, and write it back so."""
    for forms, kind, type_ in (
        (RECORDS, "records", SettlementRecord),
        (MEMBERS, "members", Personal),
        (FACTS, "facts", FactBox),
    ):
        first = {name for row in PACKED[kind] for name in row["value"]}
        gained = set(type_.__struct_fields__) - first
        if type_ is FactBox:
            gained |= set(Fact.__struct_fields__) - {name for row in PACKED[kind] for name in row["value"]["fact"]}
        assert bool(gained) == (forms.newest > 1), (kind, gained)  # type: ignore[attr-defined]


# ── later forms ──
# Of the release after this one, whichever form this one has: what is invented here is named so that no release has it.


class LaterRecord(SettlementRecord, frozen=True, kw_only=True, omit_defaults=True):
    """A settlement record of the next release."""

    invented_later: str | None = None


class LaterMember(RosterMember, frozen=True, kw_only=True):
    """A roster's member of the next release."""

    invented_later: str | None = None


class LaterCoverage(Coverage, frozen=True, kw_only=True):
    """A coverage period of the next release."""

    invented_later: date | None = None


LATER_RECORDS = Forms("结算记录 (record)", *[packed(SettlementRecord)] * RECORDS.newest, packed(LaterRecord))


@pytest.mark.parametrize("row", PACKED["records"])
def test_a_later_program_reads_records_of_both_forms(row: dict[str, Any]) -> None:
    kept = bytes.fromhex(row["kept"])
    as_later = Forms("record", packed(LaterRecord), packed(LaterRecord))
    later = msgspec.convert(row["value"], LaterRecord)
    assert as_later.read(kept) == later
    told = msgspec.structs.replace(later, invented_later="心内科")
    assert as_later.read(as_later.write(told)) == told
    assert as_later.write(told)[:2] == MARK + b"\x02"


_REFUSED = rf"更新的程序.*form {RECORDS.newest + 1}, this program knows forms up to {RECORDS.newest}.*newer one"


def test_an_older_program_refuses_what_a_newer_one_wrote_and_says_what_to_do() -> None:
    kept = LATER_RECORDS.write(LaterRecord(settlement_no="S1"))
    with pytest.raises(UnknownForm, match=_REFUSED):
        RECORDS.read(kept)
    for broken in (MARK, MARK + b"\x00", MARK + b"\x01"):
        with pytest.raises(UnknownForm):
            LATER_RECORDS.read(broken)


def test_a_form_may_read_what_it_did_not_tell_in_its_own_way() -> None:
    first: Form[int] = Form(write=lambda number: str(number).encode(), read=lambda kept: int(kept) * 100)
    forms = Forms("amount", first, Form(write=lambda number: str(number).encode(), read=int))
    assert forms.read(b"5") == 500
    assert forms.read(forms.write(5)) == 5


def test_a_later_field_of_a_member_counts_only_where_it_has_a_value() -> None:
    names = dict.fromkeys((RosterMember, LaterMember), ROSTER_MEMBER_FIRST)
    later = ComparedForm({**names, LaterCoverage: COVERAGE_FIRST})
    days = {"first_day": date(2025, 7, 1), "last_day": date(2026, 6, 30)}
    for row in PACKED["roster_members"]:
        member = msgspec.convert({**row["value"], "coverage": []}, LaterMember)
        first = msgspec.convert({**row["value"], "coverage": [days]}, RosterMember)
        assert later.pack(replaced(member, coverage=(LaterCoverage(**days),))) == to_compare(first)
        assert later.pack(replaced(member, coverage=(LaterCoverage(**days),), invented_later="钳工")) != to_compare(
            first
        )
        assert later.pack(
            replaced(member, coverage=(LaterCoverage(**days, invented_later=date(2025, 6, 1)),))
        ) != to_compare(first)


def replaced(member: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(member, **changes)


class LaterSettlement(ClaimSettlement, frozen=True, kw_only=True):
    """A settlement as a claim of the next release tells it."""

    invented_later: str | None


NEWEST = FORMS.released[-1]
LATER_FORM = ContentForm(
    content=NEWEST.content,
    member=NEWEST.member,
    stay=NEWEST.stay,
    settlement=(*NEWEST.settlement, "invented_later"),
    line=NEWEST.line,
)
LATER = ContentForms(*FORMS.released, LATER_FORM)
LATER_MARK = MARK + bytes([LATER.newest])


def later(old: Draft, department: str | None = "心内科") -> Draft:
    """The same claim as the next release drafts it: with one more field in each settlement."""
    settlements: Sequence[Any] = [
        LaterSettlement(**msgspec.structs.asdict(settlement), invented_later=department)
        for settlement in old.statement.settlements
    ]
    statement = msgspec.structs.replace(old.statement, settlements=list(settlements))
    return msgspec.structs.replace(old, statement=statement, content=LATER.encode(statement, LATER.newest))


@pytest.mark.parametrize("vector", CLAIMS["claims"], ids=lambda vector: vector["name"])
def test_a_new_field_amends_no_claim_by_itself(vector: dict[str, Any]) -> None:
    draft = later(drafted(vector))
    assert content_in_form(draft, 1, LATER) == vector["content"].encode()
    if vector["records"]:
        assert content_in_form(draft, LATER.newest, LATER) != vector["content"].encode()


def test_what_differs_in_the_form_a_claim_has_is_written_in_the_newest() -> None:
    vector = CLAIMS["claims"][0]
    first = drafted(vector)
    [settlement] = first.statement.settlements
    changed = msgspec.structs.replace(
        first,
        statement=msgspec.structs.replace(
            first.statement, settlements=[msgspec.structs.replace(settlement, total_amount="1.00")]
        ),
    )
    draft = later(changed)
    assert content_in_form(draft, 1, LATER) != vector["content"].encode()
    kept = body("HB1", 2, "amended", frozen(draft), LATER)
    assert kept[:3] == LATER_MARK + b"{"
    assert json.loads(open_kept(kept, LATER))["settlements"][0]["invented_later"] == "心内科"


def test_the_mark_never_goes_on_the_wire() -> None:
    draft = later(drafted(CLAIMS["claims"][0]))
    for content in (frozen(draft), withdrawal("nm", "nm-inpatient", "reversed")):
        kept = body("HB1", 2, "amended", content, LATER)
        assert kept[:1] == MARK
        assert spoken(kept, no_wording, LATER)[:1] == b"{"
        with pytest.raises(UnknownForm):
            spoken(kept, no_wording)


def test_a_claim_of_a_newer_form_is_not_compared_by_an_older_program() -> None:
    with pytest.raises(UnknownForm):
        content_in_form(drafted(CLAIMS["claims"][0]), LATER.newest)


def test_what_a_form_did_not_tell_yet_has_not_changed() -> None:
    vector = CLAIMS["claims"][0]
    [record] = msgspec.convert(vector["records"], list[SettlementRecord])
    [told] = settlements_told(vector["kept"].encode())
    assert same_weight(told, record)
    assert same_weight({name: told[name] for name in told if name != "fund_paid_amount"}, record)
    assert not same_weight({**told, "fund_paid_amount": "0.01"}, record)


def test_a_first_form_has_no_mark() -> None:
    assert marked(1, b"{}") == b"{}"
    assert marked(3, b"{}") == MARK + b"\x03{}"
