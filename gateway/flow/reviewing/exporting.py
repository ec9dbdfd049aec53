"""A list of claims as a file: exactly what a search finds, without names; that it left is written down."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gateway.core.csv_files import TableCell, csv_file
from gateway.errors import BadInput
from gateway.flow.accounts.proving import has_accounts
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.accounts.two_persons import ask_or_take
from gateway.flow.office import Office
from gateway.flow.reviewing.claim_list import ClaimSearch, list_claims
from gateway.words.claims import CLAIM_STATES, FLAGS

MOST_ROWS: Final = 200_000
COLUMNS: Final = ("申领号", "会员号", "盟市", "方案", "期次", "状态", "应付（元）", "提示", "最后申领日", "最近变动")
_AT_ONCE: Final = 2_000


def export_claims(office: Office, search: ClaimSearch, *, by: str, page: str = "") -> bytes:
    """The claims of a search, those changed last first, as CSV for spreadsheets. More rows than one person may
    take alone need another's yes, for exactly this search. Raises BadInput: second_person, not_valid; WrongUse as the
    list."""
    total = list_claims(office, search, limit=1, count_at_most=MOST_ROWS + 1).total
    if total > MOST_ROWS:
        raise BadInput("not_valid", f"超过 {MOST_ROWS} 件，请缩小范围 (too many: narrow the search)")
    if has_accounts(office) and total > office.gateway.accounts.export_alone:
        asked = msgspec.json.encode(search, order="sorted")
        ask_or_take(office, "export", f"claims {search.association}", asked, by=by)
    note_alone(office, AuditNote(account=by, act="claims_export", subject=f"{search.association} {total}", page=page))
    names = {family.scheme: family.name for family in office.schemes.values()}
    return csv_file(COLUMNS, (_row(claim, names) for claim in reversed(_claims(office, search).values())))


def _claims(office: Office, search: ClaimSearch) -> dict[str, dict[str, Any]]:
    """Claim id → the claim, those changed last at the end. Read in that direction, one that changes meanwhile is met
    again, and the later state stays; in the other it would be missed."""
    claims: dict[str, dict[str, Any]] = {}
    after = None
    while True:
        page = list_claims(office, search, after=after, limit=_AT_ONCE, count_at_most=0)
        for claim in page.claims:
            claims.pop(claim["claim_id"], None)
            claims[claim["claim_id"]] = claim
        after = page.next
        if after is None:
            return claims


def _row(claim: dict[str, Any], schemes: dict[str, str]) -> tuple[TableCell, ...]:
    return (
        claim["claim_id"],
        claim["member_no"],
        claim["league"],
        schemes.get(claim["scheme"], claim["scheme"]),
        claim["edition"],
        CLAIM_STATES[claim["status"]],
        claim["payable"],
        "、".join(FLAGS.get(flag, flag) for flag in claim["flags"]),
        claim["claim_by"],
        claim["updated_at"][:10],
    )
