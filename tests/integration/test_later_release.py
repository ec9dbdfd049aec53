"""The next release tells more of a record, a member and a claim: what stands is not sent, asked or looked at again.

The release is this program with the three fields added as `core.forms` and `core.claims.content` say, in a copy that
runs in a process of its own on a site this program filled.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, body, claims, enrolled, only, page, row, rows_of, take

from gateway.core.claims.content import FORMS
from gateway.errors import UnknownForm
from gateway.flow.batches.replay import rescan
from gateway.flow.delivery.claims import decide
from gateway.flow.office import Office, record_name
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

REPOSITORY = Path(__file__).parents[2]

EDITS = (
    # A settlement record has a field more, which national pages tell.
    (
        "gateway/model/record.py",
        r"^(    payment_place: .*\n)",
        r'\1    invented_later: Annotated[str | None, _national("invented_later")] = None\n',
    ),
    ("gateway/flow/office.py", r"^(RECORDS = Forms\(.*)\)$", r"\1, packed(SettlementRecord))"),
    # A member has one, in the roster's file and in the sealed box.
    ("gateway/core/roster/people.py", r"^(    opt_out: .*\n)", r"\1    invented_later: str | None = None\n"),
    ("gateway/flow/office.py", r"^(    kept_out: .*\n)", r"\1    invented_later: str | None = None\n"),
    ("gateway/flow/office.py", r"^(MEMBERS = Forms\(.*)\)$", r"\1, packed(Personal))"),
    # A claim tells that of each settlement.
    (
        "gateway/core/claims/content.py",
        r"^(    personal_amount: .*\n)",
        r"\1    invented_later: str | None\n",
    ),
    (
        "gateway/core/claims/drafting.py",
        r"^(        personal_amount=_yuan\(.*\n)",
        r"\1        invented_later=record.invented_later,\n",
    ),
    (
        "gateway/core/claims/content.py",
        r"^(FORMS: Final = ContentForms\(.*)\)$",
        r"LATER = msgspec.structs.replace(FORM_1, settlement=ClaimSettlement.__struct_fields__)\n\1, LATER)",
    ),
)
"""File, what stands there, what the release makes of it. What it adds is named so that no release ever has it."""

SCRIPT = """
import sys
from datetime import datetime
from pathlib import Path
from builders import enrolled, page, row, rows_of, take
from gateway import wiring
from gateway.flow.batches.replay import rescan
from gateway.model.clock import SHANGHAI
from gateway.store import rescans, schema
from gateway.store.rescans import Rescan
now = datetime(2021, 10, 8, 9, 1, tzinfo=SHANGHAI)
office = wiring.office_of(wiring.load_site(Path(sys.argv[1])), clock=lambda: now)
"""

SAME = """
report = enrolled(office, 1, 2, 3)
assert (report.added, report.changed, report.unchanged) == (0, {}, 3), report
assert not rows_of(office, schema.rescan)
print_of = {each["member_id"]: each["fingerprint"] for each in rows_of(office, schema.member_fingerprint)}
with office.store.write() as tx:
    rescans.ask(
        tx, [Rescan(member_id=at, association="nm", fingerprints=print_of[at], reread=True) for at in sorted(print_of)]
    )
assert rescan(office).members == 3
take(office, "east", page(*[row(f"S{at}", at, invented_later="心内科") for at in (1, 2, 3)], request="again"))
"""

OTHER = """
changed = row("S1", 1, invented_later="心内科", fund_pay_sumamt="8000.00", psn_part_amt="12000.00")
take(office, "east", page(changed, request="corrected"))
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program with the three fields in it."""
    folder = tmp_path_factory.mktemp("release")
    for name in ("gateway", "connectors"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, before, after in EDITS:
        file = folder / name
        text, places = re.subn(before, after, file.read_text("utf-8"), flags=re.MULTILINE)
        assert places == 1, (name, before)
        file.write_text(text, "utf-8")
    return folder


def run(release: Path, office: Office, script: str) -> None:
    """What the release does on this site."""
    paths = os.pathsep.join(map(str, (release, Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + script, str(office.site)],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=release,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def standing(office: Office) -> dict[str, Any]:
    """What was sent and asked, and what is to be looked at again."""
    tables = (schema.claim, schema.delivery, schema.review, schema.rescan, schema.quarantine)
    return {table.name: json.loads(json.dumps(rows_of(office, table), default=repr)) for table in tables}


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2, 3)
    take(office, "east", page(*[row(f"S{at}", at, invented_later="心内科") for at in (1, 2, 3)]))
    decided = only([each["claim_id"] for each in claims(office) if "S2" in each["stay"]])
    decide(office, decided, version=1, outcome="approved", amount=Money(200_000))
    rescan(office)
    return office


def test_a_new_field_sends_asks_and_rescans_nothing_by_itself(release: Path, office: Office) -> None:
    before = standing(office)
    run(release, office, SAME)
    assert standing(office) == before
    assert {each["form"] for each in rows_of(office, schema.claim)} == {FORMS.newest}


def test_what_changes_is_written_in_the_new_form_and_an_older_program_says_so(release: Path, office: Office) -> None:
    run(release, office, OTHER)
    now, later = FORMS.newest, FORMS.newest + 1
    by_form: dict[int, list[Any]] = {now: [], later: []}
    for each in rows_of(office, schema.claim):
        by_form[each["form"]].append(each)
    assert [each["version"] for each in by_form[now]] == [1, 1]
    [amended] = by_form[later]
    assert amended["version"] == 2
    for each in by_form[now]:
        assert "invented_later" not in body(office, each["claim_id"], 1)["settlements"][0]
    with pytest.raises(UnknownForm, match="更新的程序"):
        body(office, amended["claim_id"], 2)
    newer = 0
    for each in rows_of(office, schema.record):
        try:
            office.open_record(each["sealed"], record_name(each["feed"], bytes(each["key"]), each["association"]))
        except UnknownForm:
            newer += 1
    assert newer == 1
    run(
        release,
        office,
        f"from builders import body\nsent = body(office, {amended['claim_id']!r}, 2)\n"
        "assert sent['settlements'][0]['invented_later'] == '心内科', sent\n",
    )
