"""The next release tells more of a record, a member and a claim: what stands is not sent, asked or looked at again.

The release is this program with the three fields added as `core.forms` and `core.claims.kept` say, in a copy that runs
in a process of its own on a site this program filled.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, body, claims, enrolled, only, page, row, rows_of, take

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
    # A settlement record has the department, which national pages tell.
    (
        "gateway/model/record.py",
        '    payment_place: Annotated[str | None, _national("pay_loc")] = None\n',
        '    department_name: Annotated[str | None, _national("adm_dept_name")] = None\n',
    ),
    ("gateway/flow/office.py", "packed(SettlementRecord)", "packed(SettlementRecord), packed(SettlementRecord)"),
    # A member has a post, in the roster's file and in the sealed box.
    ("gateway/core/roster/people.py", "    opt_out: bool = False\n", "    post: str | None = None\n"),
    ("gateway/flow/office.py", "    kept_out: bool = False\n", "    post: str | None = None\n"),
    ("gateway/flow/office.py", "packed(Personal)", "packed(Personal), packed(Personal)"),
    # A claim tells the department of each settlement.
    ("gateway/core/claims/content.py", "    personal_amount: str | None\n", "    department_name: str | None\n"),
    (
        "gateway/core/claims/drafting.py",
        "        personal_amount=_yuan(record.personal_amount),\n",
        "        department_name=record.department_name,\n",
    ),
    (
        "gateway/core/claims/kept.py",
        "FORMS: Final = ContentForms(FORM_1)\n",
        "FORM_2 = ContentForm(content=FORM_1.content, member=FORM_1.member, stay=FORM_1.stay, line=FORM_1.line,"
        ' settlement=(*FORM_1.settlement, "department_name"))\nFORMS: Final = ContentForms(FORM_1, FORM_2)\n',
    ),
)
"""File, what stands there, what the release adds behind it or puts in its place."""

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
take(office, "east", page(*[row(f"S{at}", at, adm_dept_name="心内科") for at in (1, 2, 3)], request="again"))
"""

OTHER = """
changed = row("S1", 1, adm_dept_name="心内科", fund_pay_sumamt="8000.00", psn_part_amt="12000.00")
take(office, "east", page(changed, request="corrected"))
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program with the three fields in it."""
    folder = tmp_path_factory.mktemp("release")
    for name in ("gateway", "connectors"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, before, added in EDITS:
        file = folder / name
        text = file.read_text("utf-8")
        assert text.count(before) == 1, (name, before)
        line = before + added if before.endswith("\n") and not before.startswith("FORMS") else added
        file.write_text(text.replace(before, line), "utf-8")
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
    take(office, "east", page(*[row(f"S{at}", at, adm_dept_name="心内科") for at in (1, 2, 3)]))
    decided = only([each["claim_id"] for each in claims(office) if "S2" in each["stay"]])
    decide(office, decided, version=1, outcome="approved", amount=Money(200_000))
    rescan(office)
    return office


def test_a_new_field_sends_asks_and_rescans_nothing_by_itself(release: Path, office: Office) -> None:
    before = standing(office)
    run(release, office, SAME)
    assert standing(office) == before
    assert {each["form"] for each in rows_of(office, schema.claim)} == {1}


def test_what_changes_is_written_in_the_new_form_and_an_older_program_says_so(release: Path, office: Office) -> None:
    run(release, office, OTHER)
    by_form: dict[int, list[Any]] = {1: [], 2: []}
    for each in rows_of(office, schema.claim):
        by_form[each["form"]].append(each)
    assert [each["version"] for each in by_form[1]] == [1, 1]
    [amended] = by_form[2]
    assert amended["version"] == 2
    for each in by_form[1]:
        assert "department_name" not in body(office, each["claim_id"], 1)["settlements"][0]
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
        "assert sent['settlements'][0]['department_name'] == '心内科', sent\n",
    )
