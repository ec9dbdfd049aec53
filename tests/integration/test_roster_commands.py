"""What an office types: import, the file of errors, an end, and who is in the roster; people are found and masked."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, SCHEME, member, only, page, row, rows_of, take, who
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.errors import BadInput, WrongUse
from gateway.flow.batches.deciding_holds import list_holds
from gateway.flow.office import Office
from gateway.flow.reviewing.show import access_log
from gateway.flow.roster.enrol import enrol
from gateway.flow.roster.searching import MemberSearch, list_members, search_members, show_member
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice

HEADER = ["会员号", "姓名", "证件号码", "单位名称", "险种", "保障开始", "保障结束"]


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    return make_office(database_url, feeds=EAST_AND_WEST)


def line(serial: int, *, to: str = "2022-05-31", unit: str = "试验农场") -> list[str]:
    person = who(serial)
    return [f"M{serial:05d}", person.name, person.id_number, unit, SCHEME, "2021-06-01", to]


def as_csv(path: Path, *lines: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *lines])
    return path


def hubao(office: Office, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["--site", str(office.site), "roster", *arguments], input=typed)


def told(office: Office, *arguments: str, code: int = 0, typed: str | None = None) -> dict[str, Any]:
    result = hubao(office, *arguments, "--association", "nm", "--json", typed=typed)
    assert result.exit_code == code, result.output
    answer: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


# ── taking away, as an office does it ──


def test_a_shortening_is_shown_waits_and_is_confirmed_by_whoever_is_named(office: Office, tmp_path: Path) -> None:
    told(office, "import", str(as_csv(tmp_path / "a.csv", line(1), line(2))))
    take(office, "east", page(row("A1", 1), row("A2", 2)))
    shorter = str(as_csv(tmp_path / "b.csv", line(1, to="2021-06-30"), line(2, unit="测试农场")))
    shown = told(office, "import", shorter, "--dry-run", code=1)
    assert (shown["waiting"], shown["hold_id"], shown["changed"]) == (["M00001"], None, {"M00002": ["unit_name"]})
    assert only(shown["lost"]) == {
        "member_no": "M00001",
        "scheme": SCHEME,
        "from": "2021-06-01",
        "to": "2022-05-31",
        "left": [{"from": "2021-06-01", "to": "2021-06-30"}],
    }
    claims = shown["claims"]
    assert (claims["withdrawn"], claims["before"], claims["after"], claims["lost"]) == (1, "2490.00", "0.00", "2490.00")
    held = told(office, "import", shorter, code=1)
    assert [hold.hold_id for hold in list_holds(office)] == [held["hold_id"]]
    done = told(office, "import", shorter, "--confirm", "--by", "试验员")
    assert (done["waiting"], done["hold_id"], len(done["lost"])) == ([], None, 1)
    assert [each["status"] for each in rows_of(office, schema.claim)].count("withdrawn") == 1


def test_above_the_amount_one_person_is_not_enough(office: Office, tmp_path: Path) -> None:
    low = office.gateway.model_copy(update={"holds": office.gateway.holds.model_copy(update={"second_above": 2000})})
    (office.site / "config" / "gateway.toml").open("a").write("\n[holds]\nsecond_above = 2000.00\n")
    assert low.holds.second_above == 2000
    told(office, "import", str(as_csv(tmp_path / "a.csv", line(1))))
    take(office, "east", page(row("A1", 1)))
    ended = told(
        office, "end", "M00001", "--scheme", SCHEME, "--on", "2021-06-30", "--confirm", "--by", "试验员", code=1
    )
    assert (ended["waiting"], ended["hold_id"] is not None) == (["M00001"], True)


def test_an_end_is_shown_and_then_confirmed(office: Office, tmp_path: Path) -> None:
    told(office, "import", str(as_csv(tmp_path / "a.csv", line(1))))
    take(office, "east", page(row("A1", 1)))
    end = ("end", "M00001", "--scheme", SCHEME, "--on", "2021-06-30")
    assert told(office, *end, "--dry-run", code=1)["claims"]["lost"] == "2490.00"
    words = hubao(office, *end, "--association", "nm", "--dry-run").output
    assert "2021-06-01至2022-05-31 → 2021-06-01至2021-06-30" in words
    assert "撤回1件" in words
    told(office, *end, "--confirm", "--by", "试验员")
    assert [each["status"] for each in rows_of(office, schema.claim)] == ["withdrawn"]
    unknown = hubao(office, "end", "M00001", "--association", "nm", "--scheme", "x", "--on", "2021-06-30")
    assert isinstance(unknown.exception, WrongUse)


def test_a_complete_roster_is_refused_where_it_cannot_be_one(office: Office, tmp_path: Path) -> None:
    nameless = as_csv(tmp_path / "a.csv", line(1), ["", *line(2)[1:]])
    whole = as_csv(tmp_path / "b.csv", line(1))
    for file, complete in (
        (nameless, f"{SCHEME}:2021"),
        (whole, f"{SCHEME}:2023"),
        (whole, "2021"),
        (whole, f"{SCHEME}:21"),
    ):
        result = hubao(office, "import", str(file), "--association", "nm", "--complete", complete)
        assert isinstance(result.exception, WrongUse), complete
    told(office, "import", str(as_csv(tmp_path / "c.csv", line(1), line(2))))
    left = told(office, "import", str(whole), "--complete", f"{SCHEME}:2021", "--confirm", "--by", "试验员")
    assert [loss["member_no"] for loss in left["lost"]] == ["M00002"]


@pytest.mark.parametrize("column", ["phone", "手机号", "联系电话"])
def test_a_column_that_may_be_emptied_is_named_as_anybody_names_it(office: Office, tmp_path: Path, column: str) -> None:
    file = str(as_csv(tmp_path / "a.csv", line(1)))
    told(office, "import", file, "--empty-clears", column)
    for never in ("证件号码", "opt_out", "nonsense"):
        result = hubao(office, "import", file, "--association", "nm", "--empty-clears", never)
        assert isinstance(result.exception, WrongUse)


# ── the file of errors ──


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_wrong_rows_go_back_in_the_offices_own_columns(office: Office, tmp_path: Path, form: str) -> None:
    wrong = line(2, unit="=HYPERLINK(1)")
    wrong[2] = wrong[2][:17] + ("0" if wrong[2][17] != "0" else "1")
    returned = tmp_path / f"errors.{form}"
    file = as_csv(tmp_path / "a.csv", line(1), wrong, ["合计", "", "", "", "", "", ""])
    told(office, "import", str(file), "--errors", str(returned), code=1)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(returned.read_text("utf-8-sig"), newline="")))
        assert rows[1][5] == "'=HYPERLINK(1)"
    else:
        rows = [
            [str(cell or "") for cell in values]
            for values in load_workbook(returned).active.iter_rows(values_only=True)
        ]
        assert load_workbook(returned).active["F2"].data_type == "s"
    assert rows[0] == ["行号", "错误", *HEADER]
    assert (len(rows), rows[1][0], rows[1][2], rows[1][4]) == (2, "3", wrong[0], wrong[2])
    assert "身份证号应为18位" in rows[1][1]
    assert returned.stat().st_mode & 0o777 == 0o600


def test_a_row_refused_by_what_is_stored_goes_back_too(office: Office, tmp_path: Path) -> None:
    told(office, "import", str(as_csv(tmp_path / "a.csv", line(1))))
    taken = ["M00009", "另一姓名", *line(1)[2:]]
    returned = tmp_path / "errors.csv"
    told(office, "import", str(as_csv(tmp_path / "b.csv", taken)), "--errors", str(returned), code=1)
    assert "证件号码已属另一姓名的会员" in returned.read_text("utf-8-sig").splitlines()[1]


# ── files ──


def test_a_pipe_is_refused_and_hangs_nobody(office: Office, tmp_path: Path) -> None:
    pipe = tmp_path / "roster.csv"
    os.mkfifo(pipe)
    result = hubao(office, "import", str(pipe), "--association", "nm")
    assert isinstance(result.exception, WrongUse)
    assert "管道" in str(result.exception)


def test_a_file_that_is_too_large_is_refused_unread(office: Office, tmp_path: Path) -> None:
    large = tmp_path / "roster.csv"
    with large.open("wb") as file:
        file.truncate(2**31)
    result = hubao(office, "import", str(large), "--association", "nm")
    assert isinstance(result.exception, BadInput)
    assert result.exception.code == "too_large"


# ── who is in the roster ──


def test_a_list_says_how_many_there_are_and_goes_on(office: Office) -> None:
    enrol(office, "nm", [member(serial) for serial in range(1, 6)])
    first = list_members(office, "nm", limit=2)
    assert ([one.member_no for one in first.members], first.total) == (["M00001", "M00002"], 5)
    rest = list_members(office, "nm", after=first.next or 0, limit=3)
    assert ([one.member_no for one in rest.members], rest.next) == (["M00003", "M00004", "M00005"], None)
    words = hubao(office, "list", "--association", "nm", "--limit", "2").output
    assert "显示2条，共5条" in words
    assert who(1).name not in words


def test_a_member_is_shown_masked_and_plain_only_with_a_trace(office: Office) -> None:
    enrol(office, "nm", [member(1, phone="19900012345")])
    shown = told(office, "show", "M00001", "--by", "试验员")
    assert who(1).name not in str(shown)
    assert who(1).id_number not in str(shown)
    assert shown["particulars"]["phone"] == "199****2345"
    plain = show_member(office, "nm", "M00001", by="试验员", reveal=True)
    assert (plain.particulars["name"], plain.particulars["id_number"]) == (who(1).name, who(1).id_number)
    assert [(each["by"], each["what"]) for each in rows_of(office, schema.review_access)] == [
        ("试验员", "roster_show")
    ] * 2
    with pytest.raises(WrongUse):
        show_member(office, "nm", "M09999", by="试验员")
    # A member's number is no item's number: no item was looked at.
    assert access_log(office, item_id=rows_of(office, schema.member)[0]["member_id"]) == []


def found(office: Office, **search: Any) -> list[str]:
    result = search_members(office, "nm", MemberSearch(**search), by="试验员")
    assert result.total == len(result.members)
    return [shown.line.member_no for shown in result.members]


def test_members_are_found_by_number_name_sound_and_settlement(office: Office) -> None:
    enrol(
        office,
        "nm",
        [
            member(1, name="张伟"),
            member(2, name="章威"),
            member(3, name="张伟民"),
            member(4, name="额尔敦·朝鲁"),
            member(12),
        ],
    )
    take(office, "east", page(row("A7", None, psn_name="章威", certno=who(2).id_number, psn_cert_type="01")))
    assert found(office, member_no="M0000") == ["M00001", "M00002", "M00003", "M00004"]
    assert found(office, member_no="M%") == []
    assert found(office, id_number=who(2).id_number) == ["M00002"]
    assert found(office, id_number=f" {who(2).id_number[:6]} {who(2).id_number[6:]} ") == ["M00002"]
    assert found(office, name="张伟") == ["M00001"]
    assert found(office, name="张 伟") == ["M00001"]
    assert found(office, name="張偉") == ["M00001"]
    assert found(office, name="额尔敦朝鲁") == ["M00004"]
    assert found(office, name="张") == []
    assert found(office, name="张伟", sound=True) == ["M00001", "M00002"]
    assert found(office, settlement_no="A7") == ["M00002"]
    assert found(office, settlement_no="A8") == []
    # Each search left a trace, and what was looked for stands nowhere.
    traces = rows_of(office, schema.review_access)
    assert {each["what"] for each in traces} == {"roster_search"}
    assert not [each for each in traces if "张" in str(each)]


def test_a_name_follows_its_member_and_an_opt_out_hides_it(office: Office) -> None:
    enrol(office, "nm", [member(1, name="张伟")])
    enrol(office, "nm", [member(1, name="张威")])
    assert (found(office, name="张伟"), found(office, name="张威")) == ([], ["M00001"])
    enrol(office, "nm", [member(1, name="张威", opt_out=True)])
    assert found(office, name="张威") == []
    assert (found(office, member_no="M00001"), found(office, id_number=who(1).id_number)) == (["M00001"], ["M00001"])


def test_names_and_numbers_are_typed_in(office: Office) -> None:
    enrol(office, "nm", [member(1)])
    by_name = told(office, "search", "--name", "--by", "试验员", typed=who(1).name + "\n")
    by_number = told(office, "search", "--id-number", "--by", "试验员", typed=who(1).id_number + "\n")
    assert by_name["total"] == by_number["total"] == 1
    assert who(1).id_number not in str(by_number)
    for arguments in ((), ("--name", "--id-number"), ("--name",)):
        result = hubao(office, "search", *arguments, "--association", "nm", typed="")
        assert isinstance(result.exception, WrongUse)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_was_written_out_comes_in_again_and_changes_nothing(office: Office, tmp_path: Path, form: str) -> None:
    # A roster's reader takes sex and birth date from an id number, so both stand there from the beginning.
    born = {"sex": "F", "birth_date": date(1961, 5, 1)}
    enrol(
        office,
        "nm",
        [
            member(
                1,
                **born,
                phone="+86 19900012345",
                unit_name="=1+1农场",
                unit_no="007",
                league="甲盟",
                category="retired",
            ),
            member(2, birth_date=date(1962, 5, 1), sex="F", opt_out=True),
            member(3, id_type="08", id_number="E12345678", sex="M", birth_date=date(1970, 1, 1)),
        ],
    )
    before = rows_of(office, schema.member)
    file = tmp_path / f"roster.{form}"
    result = hubao(office, "export", str(file), "--association", "nm", "--by", "试验员")
    assert result.exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    again = told(office, "import", str(file))
    assert (again["unchanged"], again["added"]) == (3, 0)
    assert [each["content"] for each in rows_of(office, schema.member)] == [each["content"] for each in before]
