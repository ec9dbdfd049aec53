"""The audit log: whatever is done to it outside of the program is named, on either database."""

from __future__ import annotations

from datetime import date

import pytest
from account_side import keeper, make_account, quick_hashes
from conftest import Hands

from gateway.core.accounts.chain import Break
from gateway.flow.accounts import auditing
from gateway.flow.accounts.auditing import ANCHORS, AuditQuestion, anchor, show_entries, verify
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.findings import book
from gateway.flow.office import Office
from gateway.flow.site import audit_log


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_hashes(monkeypatch)


def filled(office: Office, many: int = 9) -> None:
    for number in range(many):
        note_alone(office, AuditNote(account="suhe", act="reveal", subject=f"reveal {number}", person_id=number))


def change(office: Office, *statements: str) -> None:
    with office.store.write() as tx:
        for statement in statements:
            tx.exec_driver_sql(statement)


def breaks(office: Office) -> list[tuple[str, int]]:
    return [(broken.kind, broken.number) for broken in verify(office).breaks]


COPY = (
    "insert into audit_entry (entry_no, at, account, act, subject, person, purpose, page, own, link)"
    " select {to}, at, account, act, {subject}, person, purpose, page, own, link from audit_entry"
    " where entry_no = {source}"
)
ROOM = (
    "update audit_entry set entry_no = -entry_no - 1 where entry_no > 5",
    "update audit_entry set entry_no = -entry_no where entry_no < 0",
)
"""A place behind entry 5: those behind it are counted on by one."""

CLOSED = (
    "update audit_entry set entry_no = -entry_no + 1 where entry_no > 5",
    "update audit_entry set entry_no = -entry_no where entry_no < 0",
)

TAMPERED = {
    "edited": (("update audit_entry set account = 'other' where entry_no = 5",), [("edited", 5)]),
    "edited last": (("update audit_entry set at = at + 1 where entry_no = 9",), [("edited", 9)]),
    "edited person": (("update audit_entry set person = null where entry_no = 5",), [("edited", 5)]),
    "deleted": (("delete from audit_entry where entry_no = 5",), [("deleted", 6)]),
    "deleted, counted anew": (("delete from audit_entry where entry_no = 5", *CLOSED), [("deleted", 5)]),
    "deleted first": (("delete from audit_entry where entry_no <= 2",), [("deleted", 3)]),
    "inserted": ((*ROOM, COPY.format(to=6, subject="'none'", source=3)), [("inserted", 6)]),
    "a copy inserted": ((*ROOM, COPY.format(to=6, subject="subject", source=3)), [("inserted", 6)]),
    "inserted at the end": ((COPY.format(to=10, subject="'none'", source=9),), [("inserted", 10)]),
    "truncated": (("delete from audit_entry where entry_no > 7",), [("truncated", 8)]),
    "emptied": (("delete from audit_entry",), [("truncated", 1)]),
}


def test_a_log_nobody_touched_is_as_it_was_written(office: Office, clock: Hands) -> None:
    filled(office)
    assert anchor(office)
    clock.move(days=1)
    filled(office)
    check = verify(office)
    assert (check.entries, check.last, check.anchored, check.breaks) == (18, 18, 9, [])


def test_edit_delete_insert_and_truncate_are_each_named(office: Office) -> None:
    filled(office)
    assert anchor(office)
    for name, (statements, expected) in TAMPERED.items():
        with office.store.write() as tx:
            kept = [tuple(row) for row in tx.exec_driver_sql("select * from audit_entry order by entry_no")]
            for statement in statements:
                tx.exec_driver_sql(statement)
        assert breaks(office) == expected, name
        with office.store.write() as tx:
            tx.exec_driver_sql("delete from audit_entry")
            places = ", ".join(["%s" if office.store.postgres else "?"] * len(kept[0]))
            for row in kept:
                tx.exec_driver_sql(f"insert into audit_entry values ({places})", row)
        assert breaks(office) == [], name


def test_a_log_that_was_cut_and_goes_on_is_truncated_too(office: Office) -> None:
    filled(office)
    anchor(office)
    change(office, "delete from audit_entry where entry_no > 7")
    filled(office)
    assert breaks(office) == [("truncated", 9)]


def test_anchors_are_a_line_a_day_and_cannot_be_changed(office: Office, clock: Hands) -> None:
    filled(office)
    assert (anchor(office), anchor(office)) == (True, False)
    clock.move(days=1)
    filled(office, 1)
    assert anchor(office)
    path = office.site / "keys" / ANCHORS
    lines = path.read_text().splitlines(keepends=True)
    assert [line.split()[:2] for line in lines] == [["2021-10-08", "9"], ["2021-10-09", "10"]]
    assert path.stat().st_mode & 0o077 == 0
    for forged in (lines[1:], [lines[0].replace(" 9 ", " 8 "), lines[1]], [lines[1], lines[0]]):
        path.write_text("".join(forged))
        assert ("anchor", 0) in breaks(office)
    path.write_text("".join(lines))
    assert breaks(office) == []


def test_a_broken_log_is_a_finding_and_is_not_anchored_until_it_is_whole(office: Office, clock: Hands) -> None:
    filled(office)
    assert audit_log.look(office) == 0
    clock.move(days=1)
    change(office, "update audit_entry set account = 'other' where entry_no = 5")
    assert audit_log.look(office) == 1
    assert [(finding.code, finding.count, finding.level) for finding in book.show(office)] == [
        ("audit_broken", 1, "act")
    ]
    assert auditing.anchored_on(office) == date(2021, 10, 8)
    assert verify(office).breaks == [Break(kind="edited", number=5)]
    change(office, "update audit_entry set account = 'suhe' where entry_no = 5")
    assert audit_log.look(office) == 0
    assert book.show(office) == []
    assert auditing.anchored_on(office) == date(2021, 10, 9)


def test_another_site_s_log_is_not_this_one_s(office: Office) -> None:
    """Whoever puts a whole log with its keys under another site's database is found at the first entry."""
    filled(office, 3)
    change(
        office, "update site set site_id = " + ("'\\x" + "00" * 16 + "'" if office.store.postgres else "zeroblob(16)")
    )
    assert breaks(office) == [("deleted", 1)]


def test_entries_are_found_by_account_act_and_time(office: Office, clock: Hands) -> None:
    make_account(office, "suhe", "clerk")
    filled(office, 2)
    clock.move(hours=1)
    later = clock.now
    note_alone(office, AuditNote(account="bayar", act="refused", subject="claims.decide", page="GET /claims"))
    acts = [line.act for line in show_entries(office, AuditQuestion())]
    assert acts == ["refused", "reveal", "reveal", "account_made", "account_made"]
    assert [line.account for line in show_entries(office, AuditQuestion(since=later))] == ["bayar"]
    assert [line.number for line in show_entries(office, AuditQuestion(account="suhe"))] == [4, 3]
    assert len(show_entries(office, AuditQuestion(act="account_made", below=2))) == 1
    assert keeper(office).account == show_entries(office, AuditQuestion(account="keeper"))[0].account
