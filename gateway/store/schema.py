"""The tables. Personal fields stand in `sealed` columns only; everything found by content is found by keyed digest.

Where a night inserts by the ten thousand there are no foreign keys: checking each row would cost more than writing it.
The functions of this package, under the locks of their callers, are what keeps those references whole.

Instants (`…_at`, `…_until` of a lease, `scheduled_for`) are milliseconds since 1970 UTC, days are ISO text of
Asia/Shanghai, amounts are fen: the same plain values on both databases, so bulk paths need no conversion.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite counts rows by a 64-bit INTEGER PRIMARY KEY only; PostgreSQL needs BIGINT for the same range.
ID = _Id = BigInteger().with_variant(Integer, "sqlite")

_OPEN_ONLY: Any = {"sqlite_where": text("state = 'open'"), "postgresql_where": text("state = 'open'")}
"""Every batch asks for the open items among its keys; those that ended need not stand in its way."""

site = Table(
    "site",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("site_id", LargeBinary(16), nullable=False),
    Column("paired_at", BigInteger, nullable=False),
    *(Column(name, String(80)) for name in ("paired_by", "restored_by")),
    *(Column(name, BigInteger) for name in ("copied_at", "restored_at", "checked_at", "first_version")),
)
"""One row: the random id that the key folder of this site has too; who paired them, and who put a copy back, if any."""

clock_mark = Table(
    "clock_mark",
    metadata,
    Column("mark_id", _Id, primary_key=True, autoincrement=True),
    Column("process", String(32), nullable=False, unique=True),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("basis", String(10), nullable=False),
    Column("by", String(80)),
)
"""The newest instant a process read from its clock. state: trusted | doubted (a finding is open) | passed (over, and
never counts); basis: history (found in older tables) | start (in line with what was known before) | confirmed (by a
person) | dates (of other machines)."""

resting_key = Table(
    "resting_key",
    metadata,
    Column("key_no", BigInteger, primary_key=True, autoincrement=False),
    Column("expired_at", BigInteger, nullable=False),
)
"""Keys of pages that are all gone, since when: they are destroyed once they have rested."""

rewriting = Table(
    "rewriting",
    metadata,
    Column("step", String(20), primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)
"""How far what older releases stored is rewritten: a row a step (`flow/site/rewriting.py`), with how many rows it has
rewritten so far. Where it goes on, the rows themselves say."""

feed = Table(
    "feed",
    metadata,
    Column("feed", String(40), primary_key=True),
    Column("cursor", Text),
    Column("moved", BigInteger, nullable=False),
    Column("last_page_at", BigInteger),
)

page_retention = Table(
    "page_retention",
    metadata,
    Column("feed", String(40), primary_key=True),
    Column("days", Integer, nullable=False),
)
"""For how long the pages of a feed are kept, as its file said when it was last in force."""

page = Table(
    "page",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
    Column("page_id", LargeBinary(16), nullable=False, unique=True),
    Column("feed", String(40), nullable=False),
    Column("day", String(10)),
    Column("source", String(255), nullable=False),
    Column("part", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("key_no", BigInteger, nullable=False),
    Column("sealed", LargeBinary),
    Column("state", String(10), nullable=False),
    Column("error_code", String(64)),
    Column("rows", Integer),
    Column("replaced_by", BigInteger),
    Column("sample", Text),
    Column("mapping", String(16)),
    Column("schemes", String(16)),
    Index("ix_page_feed_seq", "feed", "seq"),
    Index("ix_page_feed_day", "feed", "day"),
    Index("ix_page_state", "state"),
)
"""state: stored → done | bad, in the end expired, when `sealed` is null; `replaced_by`: first page of a newer file;
`sample`: which fields have a value in a few of its rows, and which keys no field reads. Names and counts, no values."""

TALLY_CLASSES = ("member", "left", "stranger", "review", "duplicate", "superseded", "quarantined")
"""member: recorded; left: a member's, but no scheme could pay it, so it stays in its page; stranger: not a member."""

batch = Table(
    "batch",
    metadata,
    Column("page_seq", _Id, ForeignKey("page.seq"), primary_key=True),
    Column("first_row", Integer, primary_key=True),
    Column("rows", Integer, nullable=False),
    *(Column(f"{name}_rows", Integer, nullable=False) for name in TALLY_CLASSES),
    *(Column(f"{name}_amount", BigInteger, nullable=False) for name in TALLY_CLASSES),
    Column("sealed", LargeBinary),
    Column("unknown", Text),
)
"""What became of the rows of a batch; `sealed` lists class and keyed digest of every row, in row order; `unknown`:
field → code → rows and money of codes the mapping did not know, null where it knew all."""

feed_total = Table(
    "feed_total",
    metadata,
    Column("feed", String(40), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("source", String(255), primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("amount", BigInteger),
    Column("page_seq", BigInteger, nullable=False),
)

roster = Table(
    "roster",
    metadata,
    Column("association", String(40), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("indexed", Integer, nullable=False, server_default=text("0")),
)
"""One row an association: the version moves with every change, so that a batch notices it looked too early;
`indexed`: by which rules its members' blocks were made."""

feed_day = Table(
    "feed_day",
    metadata,
    Column("feed", String(40), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("dated", Boolean, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("member_rows", BigInteger, nullable=False),
    Column("review_rows", BigInteger, nullable=False),
    Column("quarantined_rows", BigInteger, nullable=False),
    Column("superseded_rows", BigInteger, nullable=False),
    Column("superseded_amount", BigInteger, nullable=False),
    Column("open_pages", Integer, nullable=False),
    Column("said_rows", BigInteger),
    Column("said_amount", BigInteger),
    Column("sources", Text, nullable=False),
    Column("sample", Text, nullable=False),
    Column("unknown", Text, nullable=False),
)
"""What a feed's day came to when it was last counted, without what a newer file replaced: what findings compare days
by, so that no night looks at all pages. `dated`: the feed itself names the day, else it is the day of receipt;
`open_pages`: not worked to their end, or unreadable; `sources`: file name → rows; `sample`, `unknown`: as of its pages
and batches. Amounts in fen."""

claim_loss = Table(
    "claim_loss",
    metadata,
    Column("loss_id", _Id, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("association", String(40), nullable=False),
    Column("cause", String(10), nullable=False),
    Column("page_seq", BigInteger),
    Column("why", String(40), nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("lowered", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("claim_id", String(40)),
    Column("was", BigInteger),
    Index("ix_claim_loss_at", "at"),
)
"""A claim that a conclusion withdrew or lowered, what it paid before and by how much it fell (fen), so that it is said
what took it. cause: page (rows that came) | again (rows read anew) | taken_back (a newer file leaves them out) | people
(roster, facts, a person's decision); `why`: reason of a withdrawal, or lowered. Rows of before have no claim: each is
all that a conclusion took for one reason."""

feed_watch = Table(
    "feed_watch",
    metadata,
    Column("feed", String(40), primary_key=True),
    Column("counted_seq", BigInteger, nullable=False),
)
"""Up to which page the days of a feed are counted: all before it were worked then."""

person = Table(
    "person",
    metadata,
    Column("person_id", _Id, primary_key=True, autoincrement=True),
    Column("association", String(40), nullable=False),
    Column("held", _Id),
    Index("ix_person_held", "held", sqlite_where=text("held is not null"), postgresql_where=text("held is not null")),
)
"""Locked while a person's stays are weighed. `held`: the hold for which rows wait; nothing else here ever changes."""

member = Table(
    "member",
    metadata,
    Column("member_id", _Id, primary_key=True, autoincrement=True),
    Column("person_id", _Id, ForeignKey("person.person_id"), nullable=False),
    Column("association", String(40), nullable=False),
    Column("member_no", String(64), nullable=False),
    Column("category", String(10), nullable=False),
    Column("league", String(40)),
    Column("opt_out", Boolean, nullable=False),
    Column("coverage", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("content", LargeBinary(32), nullable=False),
    Column("sealing", Integer, nullable=False, server_default="0"),
    UniqueConstraint("association", "member_no"),
    Index("ix_member_person_id", "person_id"),
)
"""`sealing`: how often the box was sealed. It and the columns in the clear, but for the person, are bound to the box; 0
where the box is from before and bound to its number alone."""

member_fingerprint = Table(
    "member_fingerprint",
    metadata,
    Column("fingerprint", LargeBinary(16), primary_key=True),
    Column("member_id", _Id, primary_key=True),
    Column("person_id", _Id, nullable=False),
    Index("ix_member_fingerprint_member_id", "member_id"),
    sqlite_with_rowid=False,
)

member_block = Table(
    "member_block",
    metadata,
    Column("block", LargeBinary(16), primary_key=True),
    Column("member_id", _Id, primary_key=True),
    sqlite_with_rowid=False,
)
"""What members are found by besides their number: two letters for the kind, then 14 bytes of a keyed digest. There is
no index by member: it would double what an import writes, and they can be worked out from the fields of the member."""

match_decision = Table(
    "match_decision",
    metadata,
    Column("page_seq", BigInteger, primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("association", String(40), primary_key=True),
    Column("member_id", _Id, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("model", String(40), nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Why a row was matched by more than number and name, or put before a person. Codes and weights, no personal value."""

record = Table(
    "record",
    metadata,
    Column("record_id", _Id, primary_key=True, autoincrement=True),
    Column("association", String(40), nullable=False),
    Column("feed", String(40), nullable=False),
    Column("key", LargeBinary(16), nullable=False),
    Column("person_id", _Id, nullable=False),
    Column("member_id", _Id, nullable=False),
    Column("page_seq", BigInteger, nullable=False),
    Column("row", Integer, nullable=False),
    Column("received_on", String(10), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("duplicate", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("first_seq", BigInteger),
    Column("first_row", Integer),
    UniqueConstraint("key", "association"),
    Index("ix_record_person_id", "person_id"),
    Index("ix_record_page_seq", "page_seq"),
)
"""A member's settlement that a scheme could pay; key: keyed digest of settlement number and sign."""

waiting_reversal = Table(
    "waiting_reversal",
    metadata,
    Column("feed", String(40), nullable=False),
    Column("key", LargeBinary(16), nullable=False),
    Column("page_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Index("ix_waiting_reversal_key", "key"),
)
"""Reversals that name nobody and wait for what they reverse (key: of the original), by their own place."""

_UNNUMBERED: Any = {"sqlite_where": text("publish_no is null"), "postgresql_where": text("publish_no is null")}
_NUMBERED: Any = {"sqlite_where": text("publish_no is not null"), "postgresql_where": text("publish_no is not null")}

claim = Table(
    "claim",
    metadata,
    Column("claim_id", String(40), primary_key=True),
    Column("association", String(40), nullable=False),
    Column("person_id", _Id, nullable=False),
    Column("member_id", _Id, nullable=False),
    Column("scheme", String(40), nullable=False),
    Column("stay", String(160), nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String(10), nullable=False),
    Column("edition", String(20)),
    Column("payable", BigInteger, nullable=False),
    Column("flags", Text, nullable=False),
    Column("claim_by", String(10)),
    Column("content", LargeBinary(32), nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("form", Integer, nullable=False, server_default="1"),
    Column("stay_kind", String(10), nullable=False, server_default=""),
    Column("stay_digest", LargeBinary(16)),
    Column("publish_no", BigInteger),
    Index("ix_claim_person_id", "person_id", "stay_digest", unique=True),
    Index("ix_claim_association", "association", **_UNNUMBERED),
    Index("ix_claim_association_publish_no", "association", "publish_no", unique=True, **_NUMBERED),
    Index("ix_claim_association_updated_at", "association", "updated_at"),
)
"""`stay_digest`: keyed digest of association, person, scheme and stay: one claim for each, for ever. `stay`: what rows
of before call it in words, until `flow/site/rewriting.py` has rewritten them; empty since. `publish_no`: under which
number its association finds it, null from each change until it is next listed (see `publications`). One index finds a
person's claims and keeps their stays apart: a digest is of one person alone, and by itself would be written at random
places."""

claim_decision = Table(
    "claim_decision",
    metadata,
    Column("claim_id", String(40), ForeignKey("claim.claim_id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
)
"""What the association decided (approved, paid, refused): stays fixed (policy 1.7.8)."""

DELIVERY_OPEN: Final = "state in ('pending', 'leased', 'unknown')"
DELIVERY_UNPROVEN: Final = "state in ('unknown', 'leased', 'dead') and last_code like 'unproven/%'"
DELIVERY_TRIED: Final = "state in ('pending', 'leased', 'unknown', 'dead') and attempts > 0"


def _where(condition: str) -> dict[str, Any]:
    """An index over the rows of a condition; a query uses it where it repeats the condition word by word."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


delivery = Table(
    "delivery",
    metadata,
    Column("delivery_id", _Id, primary_key=True, autoincrement=True),
    Column("claim_id", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("association", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
    Column("lease", String(32)),
    Column("last_code", String(64), nullable=False),
    Column("reference", String(64)),
    Column("person_id", BigInteger),
    Column("first_at", BigInteger),
    Column("request_digest", LargeBinary(16)),
    *(Column(name, BigInteger) for name in ("made_at", "answered_at")),
    UniqueConstraint("claim_id", "version"),
    Index("ix_delivery_state_next_at", "state", "next_at"),
    Index("ix_delivery_due", "association", "next_at", "delivery_id", **_where(DELIVERY_OPEN)),
    Index("ix_delivery_person", "person_id", "delivery_id", **_where(DELIVERY_OPEN)),
    Index("ix_delivery_tried", "association", "state", "last_code", **_where(DELIVERY_TRIED)),
    Index("ix_delivery_unproven", "association", **_where(DELIVERY_UNPROVEN)),
)
"""The outbox; `sealed` is the frozen body of the claim's version. `person_id`: whose claims go in the order in which
they were written; `first_at`: when it was first in a worker's hand; `request_digest`: keyed digest of what was sent
under its idempotency key; `answered_at`: when it was last answered. Empty in rows from before there were these."""

delivery_line = Table(
    "delivery_line",
    metadata,
    Column("association", String(40), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("open_until", BigInteger),
    Column("disabled_at", BigInteger),
    Column("tokens", BigInteger, nullable=False),
    Column("tokens_at", BigInteger),
)
"""How the line to an association stands, for all workers: see `gateway/core/claims/line.py`."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("item_id", _Id, primary_key=True, autoincrement=True),
    Column("page_seq", BigInteger, nullable=False),
    Column("row", Integer),
    Column("feed", String(40), nullable=False),
    Column("key", LargeBinary(16)),
    Column("amount", BigInteger, nullable=False),
    Column("errors", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("closed_by", String(80)),
    Column("closed_at", BigInteger),
    Column("reason", LargeBinary),
    Index("ix_quarantine_key", "key", **_OPEN_ONLY),
    Index("ix_quarantine_page_seq", "page_seq"),
    Index("ix_quarantine_waiting", "item_id", **_OPEN_ONLY),
)
"""row: null for a whole page. Open stands unread; `closed_by` a person, for a reason (sealed), asks nobody any more."""

review = Table(
    "review",
    metadata,
    Column("item_id", _Id, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("association", String(40), nullable=False),
    Column("feed", String(40), nullable=False),
    Column("page_seq", BigInteger, nullable=False),
    Column("row", Integer),
    Column("key", LargeBinary(16)),
    Column("amount", BigInteger, nullable=False),
    Column("member_id", _Id),
    Column("score", Float),
    Column("reasons", Text, nullable=False),
    Column("claim_id", String(40)),
    Column("state", String(10), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("situation", LargeBinary(16)),
    Index("ix_review_key", "key", **_OPEN_ONLY),
    Index("ix_review_page_seq", "page_seq"),
    Index("ix_review_member_id", "member_id"),
    Index("ix_review_waiting", "association", "item_id", **_OPEN_ONLY),
)
"""kind: `QuestionKind`; state: `ItemState`; situation: keyed digest of the facts that were asked about, once."""

review_decision = Table(
    "review_decision",
    metadata,
    Column("decision_id", _Id, primary_key=True, autoincrement=True),
    Column("item_id", _Id, nullable=False),
    Column("association", String(40), nullable=False),
    Column("answer", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("member_id", _Id),
    Column("by", String(80), nullable=False),
    Column("note", LargeBinary),
    Column("decided_at", BigInteger, nullable=False),
    Column("levels", Text, nullable=False),
    Column("model", String(40), nullable=False),
    Column("joined", Text, nullable=False),
    Column("original", LargeBinary(16)),
    Column("undone_by", String(80)),
    Column("undone_at", BigInteger),
    Column("undone_note", LargeBinary),
    Index("ix_review_decision_item_id", "item_id"),
)
"""What people said about items. state: noted (not sure) | proposed (waits for a second person) | overtaken | done |
undone; `levels`: the evidence as levels, for training; `joined`: [member, person before]; `original`: keyed digest
of the settlement a refund was said to take back; notes: sealed."""

ruling = Table(
    "ruling",
    metadata,
    Column("ruling_id", _Id, primary_key=True, autoincrement=True),
    Column("association", String(40), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("member_id", _Id, nullable=False),
    Column("same", Boolean, nullable=False),
    Column("void", Boolean, nullable=False),
    Column("decision_id", _Id, nullable=False),
    Index("ix_ruling_digest", "digest"),
    Index("ix_ruling_member_id", "member_id"),
    Index("ix_ruling_decision_id", "decision_id"),
)
"""What a person ruled about evidence (a keyed digest) and a member; void once that member changed."""

ruled_row = Table(
    "ruled_row",
    metadata,
    Column("ruling_id", _Id, primary_key=True),
    Column("page_seq", BigInteger, primary_key=True),
    Column("row", Integer, primary_key=True),
    Index("ix_ruled_row_page_seq", "page_seq"),
    sqlite_with_rowid=False,
)
"""The rows a ruling decided: where to look again when it is undone or void."""

review_access = Table(
    "review_access",
    metadata,
    Column("access_id", _Id, primary_key=True, autoincrement=True),
    Column("item_id", _Id, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("what", String(20), nullable=False),
    Index("ix_review_access_item_id", "item_id"),
)
"""Who looked at plain values of which item, and when."""

fact = Table(
    "fact",
    metadata,
    Column("fact_id", _Id, primary_key=True, autoincrement=True),
    Column("association", String(40), nullable=False),
    Column("member_id", _Id, nullable=False),
    Column("sealed", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("ix_fact_member_id", "member_id"),
)
"""What the association confirmed about a member and no settlement tells; null in `sealed` once it was withdrawn or the
member opted out. The row stays, so that its number is never another fact's."""

request_seen = Table(
    "request_seen",
    metadata,
    Column("digest", LargeBinary(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("ix_request_seen_at", "at"),
    sqlite_with_rowid=False,
)
"""The ids of signed requests that were carried out, as keyed digests, for as long as their signatures hold."""

run = Table(
    "run",
    metadata,
    Column("run_id", _Id, primary_key=True, autoincrement=True),
    Column("feed", String(40), nullable=False),
    Column("scheduled_for", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("outcome", String(20)),
    Column("pages", Integer),
    Column("message", Text),
    UniqueConstraint("feed", "scheduled_for"),
)

sweep_asked = Table(
    "sweep_asked",
    metadata,
    Column("feed", String(40), primary_key=True),
    Column("member_id", _Id, primary_key=True),
    Column("asked_until", String(10), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("failed_code", String(64)),
    sqlite_with_rowid=False,
)
"""The last day a member was asked about, feed by feed: where the next window of that member begins."""

rescan = Table(
    "rescan",
    metadata,
    Column("member_id", _Id, primary_key=True),
    Column("association", String(40), nullable=False),
    Column("fingerprints", LargeBinary, nullable=False),
    Column("reread", Boolean, nullable=False),
)
"""Members whose stored pages must be read again (`reread`) or whose stays must be weighed again."""

_NOT_CLOSED: Any = {"sqlite_where": text("closed_at is null"), "postgresql_where": text("closed_at is null")}

delivery_confirmation = Table(
    "delivery_confirmation",
    metadata,
    Column("confirmation_id", _Id, primary_key=True, autoincrement=True),
    Column("association", String(40), nullable=False),
    Column("code", String(64), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("confirmed_by", String(80), nullable=False),
    Column("confirmed_at", BigInteger, nullable=False),
)
"""Who said what became of deliveries that nobody could be asked about: how many, and what was last heard of them."""

finding = Table(
    "finding",
    metadata,
    Column("finding_id", _Id, primary_key=True, autoincrement=True),
    Column("code", String(40), nullable=False),
    Column("level", String(4), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("name", String(160), nullable=False),
    Column("first_day", String(10)),
    Column("last_day", String(10)),
    Column("count", BigInteger, nullable=False),
    Column("amount", BigInteger),
    Column("detail", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("acknowledged_by", String(80)),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_until", String(10)),
    Column("note", LargeBinary),
    Column("closed_at", BigInteger),
    Index("ix_finding_code_kind_name", "code", "kind", "name", unique=True, **_NOT_CLOSED),
)
"""What is not as it should be: code and subject (kind and name: a feed, an association, a page …), open once at most.
level: act | know; `acknowledged_until`: the day from which it counts again; `note`: sealed; `closed_at` is null while
it is open. `amount` is null where the money cannot be told; no column but the note may hold anything personal."""

unreadable = Table(
    "unreadable",
    metadata,
    Column("piece_id", _Id, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    Column("name", String(160), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("person_id", _Id),
    Column("amount", BigInteger),
    Column("since", BigInteger, nullable=False),
    Column("opened_at", BigInteger),
    Column("written_off_by", String(80)),
    Column("written_off_at", BigInteger),
    UniqueConstraint("kind", "name"),
)
"""What is stored and does not open: kind body (claim and version) | record | fact | member (their numbers) | list (page
and first row) | page; subject: its association or feed. It stands until it opens again or a person writes it off."""

_GATHERING: Any = {"sqlite_where": text("state = 'gathering'"), "postgresql_where": text("state = 'gathering'")}

hold = Table(
    "hold",
    metadata,
    Column("hold_id", _Id, primary_key=True, autoincrement=True),
    Column("cause", String(10), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("name", String(255), nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("judged_at", BigInteger),
    Column("members", BigInteger, nullable=False, server_default="0"),
    Column("claims", BigInteger, nullable=False, server_default="0"),
    Column("was", BigInteger, nullable=False, server_default="0"),
    Column("becomes", BigInteger, nullable=False, server_default="0"),
    Column("difference", LargeBinary(16)),
    Column("proposed_by", String(80)),
    Column("decided_by", String(80)),
    Column("decided_at", BigInteger),
    Column("note", LargeBinary),
    Index("ix_hold_cause_subject_name", "cause", "subject", "name", unique=True, **_GATHERING),
)
"""Changes that wait: a cause (kind, feed or association, name) and what it would come to, as last told. state:
gathering | open | accepted | refused | released | expired; one cause gathers in one hold; `note`: sealed."""

hold_item = Table(
    "hold_item",
    metadata,
    Column("item_id", _Id, primary_key=True, autoincrement=True),
    Column("hold_id", _Id, nullable=False),
    Column("person_id", _Id, nullable=False),
    Column("page_seq", BigInteger),
    Column("row", Integer),
    Column("reason", String(10), nullable=False),
    Column("sealed", LargeBinary),
    Index("ix_hold_item_hold_id", "hold_id"),
    Index("ix_hold_item_person_id", "person_id"),
    Index("ix_hold_item_page_seq", "page_seq"),
)
"""What a hold concludes again once it is accepted: a row of a page, a page that is taken back, a person, or a row of a
roster (`sealed`). Never a value of what would come of it."""
