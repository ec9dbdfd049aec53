"""Claims on paper: A4 pages and workbooks that show what the body tells, and nothing else anywhere."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.workbook.defined_name import DefinedName

from gateway.cli import claim_forms
from gateway.errors import WrongUse
from gateway.settings.shipped import shipped_folder
from gateway.words.capital import capital_yuan

TEMPLATE = shipped_folder() / "config" / "forms" / "claim.xlsx"


def claim(number: str = "HB1", unit: str = "某单位", league: str = "乌海市") -> dict[str, Any]:
    """A body as the association receives it: 20,000 billed, 2,490 payable."""
    settlement = {
        "settlement_no": "S1", "visit_no": None, "facility_no": "H1", "care_type": "inpatient",
        "admitted_on": "2021-07-01", "discharged_on": "2021-07-10", "settled_at": "2021-07-10T10:00:00+08:00",
        "total_amount": "20000.00", "in_scope_amount": "15000.00", "fund_paid_amount": "9000.00",
        "personal_amount": None, "diagnosis_codes": ["I10.x00"],
    }  # fmt: skip
    lines = [
        {"rule": "band", "article": "第十条第一项", "amount": "2400.00", "text": "按40%补助2400.00元"},
        {"rule": "daily_allowance", "article": "第十条第五项", "amount": "90.00", "text": "9天共90.00元"},
    ]
    cut = {"code": "full_self", "amount": "5000.00", "text": "全自费", "article": "第十条", "line": None}
    own = {"code": "own_share", "amount": "3600.00", "text": "由个人承担", "article": "第十条第一项", "line": 1}
    return {
        "claim_id": number, "version": 1, "status": "proposed", "association": "nm", "scheme": "nm-inpatient",
        "member": {"member_no": "M1", "name": "=甲<b>", "id_type": "01", "id_number": "150999198001011234"},
        "stay": {"kind": "inpatient", "facility_no": "H1", "facility_name": "某医院", "admitted_on": "2021-07-01",
                 "discharged_on": "2021-07-10", "period_from": "2021-06-01"},
        "settlements": [settlement], "edition": "2021", "payable": "2490.00", "lines": lines, "flags": [],
        "assumed": [], "claim_by": "2021-10-08", "needs_person": False,
        "applicant": {"sex": "F", "unit_no": "U1", "unit_name": unit, "league": league},
        "bills": [{"settlement_no": "S1", "inpatient_days": 9, "amounts": {"full_self_amount": "5000.00"}}],
        "balance": {"in_base": "6000.00", "settlements": [{"cuts": [cut]}], "cuts": [own]},
        "still_needed": [
            {"code": "paper", "situation": "always", "text": "出院证明书", "why": "须提供", "article": "第十二条"}
        ],
        "to_confirm": [],
    }  # fmt: skip


def test_a_page_shows_the_whole_claim_and_loads_nothing() -> None:
    page = claim_forms.pages([claim()])
    for text in (
        "内蒙古职工住院医疗互助保障互助补助金申领审批表", "=甲&lt;b&gt;", "150999198001011234", "某单位", "乌海市",
        "第十条第五项", "2490.00", "贰仟肆佰玖拾元整", "□ 出院证明书（第十二条）", "2021-10-08", "互助办审核意见",
    ):  # fmt: skip
        assert text in page
    assert not re.search(r"https?:|src=|href=|url\(|<script", page)
    assert page.count("<section>") == 1


def test_the_form_of_yuncheng_comes_in_two_copies() -> None:
    page = claim_forms.pages([{**claim(), "scheme": "yuncheng"}])
    assert page.count("运城市职工医疗互助工程互助金申请审批表") == page.count("<section>") == 2
    assert "一式两份　第二份" in page
    assert claim_forms.pages([claim()], "yuncheng").count("<section>") == 2


def test_a_body_from_before_shows_what_it_tells() -> None:
    older = {
        name: value
        for name, value in claim().items()
        if name not in ("applicant", "bills", "balance", "still_needed", "to_confirm")
    }
    page = claim_forms.pages([older])
    assert "2490.00" in page
    assert "五、费用去向" not in page


def test_batches_by_unit_and_league_are_numbered() -> None:
    bodies = [claim("HB1", "乙厂", "乌海市"), claim("HB2", "甲厂", "乌海市"), claim("HB3", "乙厂", "兴安盟")]
    names = {by: [(name, [body["claim_id"] for body in batch]) for name, batch in claim_forms.in_batches(bodies, by)]
             for by in ("claim", "unit", "league")}  # fmt: skip
    assert names["claim"] == [("HB1", ["HB1"]), ("HB2", ["HB2"]), ("HB3", ["HB3"])]
    assert names["league"] == [("league-001", ["HB1", "HB2"]), ("league-002", ["HB3"])]
    assert [name for name, _ in names["unit"]] == ["unit-001", "unit-002", "unit-003"]


def test_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    more: dict[str, Any] = {"site": tmp_path, "form": None, "by": "claim"}
    files = claim_forms.write_forms([claim()], out, **more, as_xlsx=False)
    files += claim_forms.write_forms([claim()], out, **more, as_xlsx=True)
    assert [file.name for file in files] == ["HB1.html", "HB1.xlsx"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    with pytest.raises(WrongUse, match=r"HB1\.html"):
        claim_forms.write_forms([claim("HB1"), claim("HB2")], out, **more, as_xlsx=False)
    assert not (out / "HB2.html").exists()


def filled(template: Path, body: dict[str, Any]) -> Any:
    return load_workbook(io.BytesIO(claim_forms.filled_workbook(template, [body])))


def named(book: Any, name: str) -> Any:
    [(title, place)] = book.defined_names[name].destinations
    return book[title][place.replace("$", "")]


def test_the_shipped_workbook_is_filled_by_name() -> None:
    book = filled(TEMPLATE, claim())
    assert named(book, "name").value == "=甲<b>"
    assert named(book, "name").data_type == "s"
    assert float(named(book, "payable").value) == 2490.00
    assert float(named(book, "total_amount").value) == 20000.00
    assert named(book, "personal_amount").value in (None, "")
    assert [named(book, "lines")[at][0].value for at in range(3)] == ["第十条第一项", "第十条第五项", None]
    assert float(named(book, "cuts")[1][5].value) == 3600.00
    assert named(book, "still_needed")[0][0].value == "出院证明书"


def test_a_unit_is_one_workbook_with_a_sheet_a_claim_behind_a_list(tmp_path: Path) -> None:
    bodies = [
        claim("HB1", "甲单位"),
        claim("HB2", "乙单位"),
        claim("HB3", "甲单位"),
        claim("HB4", "甲单位", "阿拉善盟"),
    ]
    more: dict[str, Any] = {"site": tmp_path, "form": None, "as_xlsx": True}
    files = claim_forms.write_forms(bodies, tmp_path / "units", by="unit", **more)
    books = [load_workbook(file) for file in files]
    sheets = [book.sheetnames for book in books]
    assert sorted(map(tuple, sheets)) == [("清单", "HB1", "HB3"), ("申领审批表",), ("申领审批表",)]
    assert [file.name for file in files] == ["unit-001.xlsx", "unit-002.xlsx", "unit-003.xlsx"]
    [book] = [book for book in books if "清单" in book.sheetnames]
    rows = [[cell.value for cell in row] for row in book["清单"].iter_rows()]
    assert rows[0] == ["序号", "申领号", "会员号", "姓名", "单位", "应补助（元）"]
    assert [row[1] for row in rows[1:3]] == ["HB1", "HB3"]
    # 2,490.00 twice.
    assert (rows[3][4], float(rows[3][5])) == ("合计", 4980.0)
    assert rows[1][3] == "=甲<b>" and book["清单"]["D2"].data_type == "s"
    single = filled(TEMPLATE, claim("HB3", "甲单位"))
    for name, defined in single.defined_names.items():
        [(_, place)] = defined.destinations
        cells = book["HB3"][place.replace("$", "")], named(single, name)
        values = [[cell.value for row in rows_of(part) for cell in row] for part in cells]
        assert values[0] == values[1], name
    assert book["HB3"].merged_cells.ranges == single.worksheets[0].merged_cells.ranges
    [league] = [f for f in claim_forms.write_forms(bodies, tmp_path / "leagues", by="league", **more) if "1" in f.stem]
    assert load_workbook(league).sheetnames in (["清单", "HB1", "HB2", "HB3"], ["申领审批表"])


def rows_of(part: Any) -> Any:
    return part if isinstance(part, tuple) else ((part,),)


def own_template(file: Path, names: dict[str, str]) -> Path:
    book = Workbook()
    book.active.title = "表"
    for name, place in names.items():
        book.defined_names[name] = DefinedName(name, attr_text=f"'表'!{place}")
    book.save(file)
    return file


def test_an_association_has_a_template_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "forms"
    folder.mkdir(parents=True)
    own_template(folder / "nm.xlsx", {"hospital": "$B$2", "lines": "$A$4:$C$5", "other": "$D$1"})
    claim_forms.write_forms([claim()], tmp_path / "out", site=tmp_path, form=None, by="claim", as_xlsx=True)
    sheet = load_workbook(tmp_path / "out" / "HB1.xlsx")["表"]
    assert (sheet["B2"].value, sheet["A4"].value, float(sheet["C5"].value)) == ("某医院", "第十条第一项", 90.0)


def test_a_template_that_cannot_be_filled_says_why(tmp_path: Path) -> None:
    short = own_template(tmp_path / "short.xlsx", {"lines": "$A$1:$C$1"})
    with pytest.raises(WrongUse, match="lines 只有 1 行，需要 2 行"):
        claim_forms.filled_workbook(short, [claim()])
    with pytest.raises(WrongUse, match="没有一个可填的名称"):
        claim_forms.filled_workbook(own_template(tmp_path / "none.xlsx", {"other": "$A$1"}), [claim()])
    (tmp_path / "no.xlsx").write_bytes(b"no workbook")
    with pytest.raises(WrongUse, match="不是可以打开的"):
        claim_forms.filled_workbook(tmp_path / "no.xlsx", [claim()])


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "零元整"),
        (258_005, "贰仟伍佰捌拾元零伍分"),
        (100_010_000, "壹佰万零壹佰元整"),
        (1_000_000_000_000, "壹佰亿元整"),
        (10_050_010, "壹拾万零伍佰元壹角整"),
        (50, "伍角整"),
        (7, "柒分"),
        (-120, "负壹元贰角整"),
        (10_000_100, "壹拾万零壹元整"),
    ],
)
def test_amounts_in_capital_characters(fen: int, text: str) -> None:
    assert capital_yuan(fen) == text
