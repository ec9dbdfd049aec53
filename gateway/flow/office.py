"""Office: everything a use case needs, put together once by `gateway.wiring` and passed in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.changes.numbers import within_facility
from gateway.core.claims.drafting import stay_kind, stay_text
from gateway.core.claims.explaining import NO_WORDING, Wording, wording_of
from gateway.core.claims.kept import spoken, unit_told
from gateway.core.forms import Forms, packed
from gateway.core.match import Model
from gateway.core.normalise import CompiledMapping
from gateway.core.schemes import SchemeFamily
from gateway.core.timekeeping import ProcessStart
from gateway.model.claim import PrefilledClaim
from gateway.model.member import Member
from gateway.model.person import Particulars
from gateway.model.record import SettlementRecord
from gateway.ports import Clock
from gateway.settings.associations import AssociationSpec
from gateway.settings.feeds import FeedSpec
from gateway.settings.gateway import GatewaySpec
from gateway.store.engine import Store
from gateway.store.members import MemberRow
from gateway.store.pages import ReadWith
from gateway.vault import Vault, context_for

# The second form has shared_account_amount.
RECORDS = Forms("结算记录 (settlement record)", packed(SettlementRecord), packed(SettlementRecord))
"""How a stored settlement is packed. A field that records gain later has a default, and a form of its own."""

page_context = context_for("page", "sealed")
batch_context = context_for("batch", "sealed")
member_context = context_for("member", "sealed")
record_context = context_for("record", "sealed")
delivery_context = context_for("delivery", "sealed")
note_context = context_for("review_decision", "note")
undone_note_context = context_for("review_decision", "undone_note")


class Personal(Particulars, frozen=True, kw_only=True, gc=False):
    """The sealed box of a member."""

    kept_out: bool = False


Opener = Callable[[bytes, bytes], bytes]
"""Sealed bytes and their context → plain bytes: `Vault.open`, or `Vault.opener()` for a batch."""

MEMBERS = Forms("会员信息 (member)", packed(Personal))
"""How a stored member's box is packed. A field that it gains later has a default, and a form of its own."""


@dataclass(frozen=True)
class Office:
    """One site at work: its database, keys, files as read at the start, and the clock."""

    site: Path
    gateway: GatewaySpec
    store: Store
    vault: Vault
    clock: Clock
    feeds: Mapping[str, FeedSpec]
    mappings: Mapping[str, CompiledMapping]
    schemes: Mapping[str, SchemeFamily]
    associations: Mapping[str, AssociationSpec]
    match_model: Model
    start: ProcessStart
    scheme_digests: Mapping[str, str] = field(default_factory=dict)
    first_version: int = 1
    """The first version a claim may have: above all that may have been sent before a restore."""

    def now(self) -> datetime:
        """The instant, aware, in Asia/Shanghai."""
        return self.clock()

    def families(self, association: str) -> list[SchemeFamily]:
        """The schemes of an association."""
        return [self.schemes[name] for name in self.associations[association].schemes]

    def wording(self, scheme: str, edition: str | None) -> Wording:
        """What the sentences of a claim take from an edition; little where no coverage period applies."""
        return self._wordings.get((scheme, edition), NO_WORDING)

    @cached_property
    def _wordings(self) -> dict[tuple[str, str | None], Wording]:
        return {
            (family.scheme, edition.name): wording_of(edition)
            for family in self.schemes.values()
            for edition in family.editions
        }

    def claim_body(self, sealed: bytes, claim_id: str, version: int) -> bytes:
        """A version of a claim as the association receives it, in words too. Raises BrokenSeal."""
        return spoken(self.vault.open(sealed, delivery_context(f"{claim_id}/{version}")), self.wording)

    def claim_unit(self, sealed: bytes, claim: PrefilledClaim) -> str:
        """The month, period or event a claim is about, as its body says; empty where it is about a stay, or is
        withdrawn. Raises BrokenSeal."""
        plain = self.vault.open(sealed, delivery_context(f"{claim.claim_id}/{claim.version}"))
        return unit_told(plain) or claim.stay

    def digest_stay(self, claim: PrefilledClaim, stay: str) -> bytes:
        """The digest of a stay as one of the person whose claim this is, under the claim's scheme."""
        return self.vault.digest_stay(stay_text(claim.association, claim.person_id, claim.scheme, stay))

    def digested(self, claim: PrefilledClaim) -> PrefilledClaim:
        """A claim with kind and digest of its stay, also where its row is from before and not rewritten yet."""
        if claim.stay_digest is not None:
            return claim
        digest, kind = self.digest_stay(claim, claim.stay), stay_kind(claim.stay)
        return msgspec.structs.replace(claim, stay_digest=digest, stay_kind=kind)

    def mapping_of(self, feed: str) -> CompiledMapping:
        """The mapping a feed is read with."""
        return self.mappings[self.feeds[feed].mapping]

    def read_with(self, feed: str) -> ReadWith:
        """Digests of what a page of the feed is read and assessed with now."""
        served = self.feeds[feed].associations
        digests = [self.scheme_digests.get(name, "") for a in served for name in self.associations[a].schemes]
        schemes = hashlib.sha256("/".join(digests).encode()).hexdigest()[:16]
        return ReadWith(self.mapping_of(feed).digest, schemes)

    def record_key(self, feed: str) -> Callable[[str], bytes]:
        """Settlement number with its sign → the keyed digest its row is known by; no two feeds share one."""
        return self.vault.fingerprinter(f"settlement/{feed}")

    def number_key(self, feed: str) -> Callable[[str | None, str], bytes]:
        """Facility and settlement number with its sign → the keyed digest its row is known by. The facility counts
        where the feed's mapping says that numbers are only unique within it, and the row tells one."""
        digest = self.record_key(feed)
        if self.mapping_of(feed).language.unique_within == "facility":
            return lambda facility_no, number: digest(within_facility(facility_no, number) if facility_no else number)
        return lambda _, number: digest(number)

    def keys_of_number(self, feed: str, text: str) -> list[bytes]:
        """The digests of a settlement number as a person writes it, with either sign: `facility/number` where numbers
        are only unique within their facility; the number alone finds what was stored before that was said."""
        facility_no, _, number = text.rpartition("/")
        plain, keys = self.record_key(feed), self.number_key(feed)
        in_facility = {keys(facility_no, number + sign) for sign in "+-"} if facility_no else set()
        return sorted(in_facility.union(plain(text + sign) for sign in "+-"))

    @cached_property
    def id_fingerprint(self) -> Any:
        """id number → the keyed fingerprint members are found by."""
        return self.vault.fingerprinter("id_number")

    @cached_property
    def looks_further(self) -> bool:
        """Whether somebody whose number is sound and nobody's is looked for by name and birth date too."""
        return self.gateway.matching.look_further == "always"

    @cached_property
    def block(self) -> Callable[[str], bytes]:
        """Block text (`gateway.core.match`) → what members are found by besides their number: the two letters of its
        kind, which keep a kind together in the index, and 14 bytes of a keyed digest."""
        fingerprint = self.vault.fingerprinter("block")
        return lambda text: text[:2].encode() + fingerprint(text)[:14]

    def open_member(self, row: MemberRow, open_one: Opener | None = None) -> Member:
        """A member with the personal fields; `open_one` for many in a row. Raises BrokenSeal."""
        plain = (open_one or self.vault.open)(row.sealed, member_context(row.place))
        personal = MEMBERS.read(plain)
        return Member(
            member_id=row.member_id,
            person_id=row.person_id,
            association=row.association,
            member_no=row.member_no,
            category=row.category,
            league=row.league,
            opt_out=row.opt_out,
            coverage=row.coverage,
            kept_out=personal.kept_out,
            # Written out: a night opens every member it finds here, and `particulars_of` takes ten times as long.
            name=personal.name,
            id_type=personal.id_type,
            id_number=personal.id_number,
            sex=personal.sex,
            birth_date=personal.birth_date,
            phone=personal.phone,
            unit_no=personal.unit_no,
            unit_name=personal.unit_name,
        )

    def open_record(self, sealed: bytes, name: str, open_one: Opener | None = None) -> SettlementRecord:
        """A stored settlement; `open_one` for many in a row. Raises BrokenSeal."""
        plain = (open_one or self.vault.open)(sealed, record_context(name))
        return RECORDS.read(plain)


def record_name(feed: str, key: bytes, association: str) -> str:
    """What a record's seal is bound to."""
    return f"{association}/{feed}/{key.hex()}"


def feeds_of(office: Office, association: str) -> Sequence[str]:
    """The feeds that serve an association."""
    return [name for name, spec in office.feeds.items() if association in spec.associations]
