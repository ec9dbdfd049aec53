"""`hubao review …`: what a clerk types, in words and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from builders import EAST_AND_WEST, adds_up, enrolled, live, page, row, rows_of, take, who
from review_side import LATER, asked, wrong_name
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import BadInput, Conflict, WrongUse
from gateway.flow.delivery.claims import decide
from gateway.flow.office import Office
from gateway.model.money import Money
from gateway.store import schema

if TYPE_CHECKING:
    from conftest import MakeOffice


@pytest.fixture
def office(make_office: MakeOffice, sqlite_url: str) -> Office:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrolled(office, 1, 2)
    return office


def hubao(office: Office, *words: object) -> str:
    """Run a command on this site; what it printed."""
    done = CliRunner().invoke(app, ["--site", str(office.site), "review", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def told(office: Office, *words: object) -> Any:
    return msgspec.json.decode(hubao(office, *words, "--json").splitlines()[-1])


def test_a_clerk_s_morning(office: Office, tmp_path: Path) -> None:
    item = asked(office, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    [line] = told(office, "list")["review"]
    assert (line["item_id"], line["amount"], line["state"]) == (item, "30000.00", "open")
    assert who(1).id_number not in hubao(office, "show", item)
    assert who(1).id_number in hubao(office, "show", item, "--reveal", "--by", "审核员")
    assert [each["by"] for each in told(office, "log", item)["accesses"]] == ["审核员"]
    assert "审核员" in hubao(office, "log")
    assert told(office, "decide", item, "same", "--by", "甲", "--note", "已核")["state"] == "proposed"
    assert "甲" in hubao(office, "list")
    assert "已核定" in hubao(office, "decide", item, "same", "--by", "乙")
    assert adds_up(office) == {"member": 1}
    file = tmp_path / "decisions.jsonl"
    assert told(office, "export", file)["decisions"] == 1
    assert msgspec.json.decode(file.read_bytes())["same"] is True
    assert msgspec.json.decode(hubao(office, "export"))["same"] is True
    assert told(office, "undo", item, "--by", "乙")["state"] == "open"
    assert "已核" in hubao(office, "show", item)
    assert adds_up(office) == {"review": 1}


def test_what_is_refused(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    with pytest.raises(WrongUse, match="same"):
        hubao(office, "decide", item, "perhaps")
    with pytest.raises(BadInput, match="unknown_item"):
        hubao(office, "show", 77)
    with pytest.raises(Conflict):
        hubao(office, "undo", item)
    hubao(office, "decide", item, "different")
    with pytest.raises(Conflict):
        hubao(office, "decide", item, "same")


@pytest.mark.parametrize("by", ["", " ", "\u3000"])
def test_an_empty_name_signs_nothing(office: Office, by: str) -> None:
    item = asked(office, wrong_name("A1", 1))
    for words in (("decide", item, "same"), ("show", item, "--reveal")):
        with pytest.raises(WrongUse, match=r"^--by"):
            hubao(office, *words, "--by", by)
    assert told(office, "list")["review"][0]["state"] == "open"
    assert told(office, "log")["accesses"] == []


def test_the_second_person_sees_what_was_proposed(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1, medfee_sumamt="30000.00"))
    hubao(office, "decide", item, "same", "--by", "甲")
    assert "甲：会员 M00001" in hubao(office, "list")
    shown = hubao(office, "show", item)
    assert "甲：会员 M00001" in shown
    assert "同一人" in shown
    assert "--confirm" in shown
    other = hubao(office, "decide", item, "same", "--by", "乙", "--member-no", "M00002", "--although-different")
    assert "取代了甲的提议（会员 M00001）" in other
    assert "会员 M00002" in hubao(office, "decide", item, "same", "--by", "丙", "--confirm")


def test_where_and_how_much_is_told_though_the_number_is_in_doubt(office: Office) -> None:
    hidden = who(1).id_number[:6] + "********" + who(1).id_number[14:]
    row = wrong_name("A1", 1, who(1).name, certno=hidden, brdy="1961-05-01", gend="1", fixmedins_name="试验医院")
    shown = told(office, "show", asked(office, row))
    settlement = shown["settlement"]
    assert (settlement["total"], settlement["admitted_on"]) == ("9000.00", "2021-07-01")
    assert [each["code"] for each in settlement["errors"]] == ["bad_id_number"]
    said = hubao(office, "show", shown["item_id"])
    known = ("总费用 9000.00", "入院 2021-07-01", "就医类别 住院", "这一行有误：证件号码", "匹配，待核")
    for words in (*known, "│ 居民身份证（户口簿） │", "│ 男 "):
        assert words in said
    assert "inpatient" not in said


@pytest.mark.parametrize(("option", "value"), [("--kind", "foo"), ("--state", "foo"), ("--association", "foo")])
def test_what_is_not_there_to_be_listed_is_said(office: Office, option: str, value: str) -> None:
    with pytest.raises(WrongUse, match=f"^{option} 没有 'foo'；可用：.*(match|open|nm)"):
        hubao(office, "list", option, value)


@pytest.mark.parametrize(
    "words", [("claims", "--status"), ("claims", "--association"), ("deliveries", "--state"), ("quarantine", "--state")]
)
def test_other_lists_say_so_too(office: Office, words: tuple[str, str]) -> None:
    done = CliRunner().invoke(app, ["--site", str(office.site), words[0], "list", words[1], "foo"])
    assert isinstance(done.exception, WrongUse)
    assert f"{words[1]} 没有 'foo'；可用：" in str(done.exception)


def test_a_file_that_cannot_be_written_is_refused_at_once(office: Office, tmp_path: Path) -> None:
    for file in (tmp_path / "nowhere" / "x.jsonl", tmp_path):
        with pytest.raises(WrongUse, match="不能写到"):
            hubao(office, "export", file)


def test_why_a_decision_was_taken_back_is_kept_sealed(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    hubao(office, "decide", item, "same", "--note", "已核")
    hubao(office, "undo", item, "--by", "乙", "--note", "本人否认")
    [spoken] = told(office, "show", item)["decisions"]
    assert (spoken["note"], spoken["undone_by"], spoken["undone_note"]) == ("已核", "乙", "本人否认")
    assert "乙：本人否认" in hubao(office, "show", item)
    kept = rows_of(office, schema.review_decision)
    assert "本人否认".encode() not in kept[0]["undone_note"]


def test_other_kinds_are_shown(office: Office) -> None:
    item = asked(office, wrong_name("A1", 1))
    hubao(office, "decide", item, "same")
    take(office, "east", page(wrong_name("A2", 1, **LATER)))
    for claim in live(office):
        decide(office, claim["claim_id"], version=1, outcome="paid", amount=Money(1))
    done = told(office, "undo", item)
    assert len(done["asked"]) == 2
    assert "差 -0.01 元" in hubao(office, "show", done["asked"][0])
    assert "已阅" in hubao(office, "decide", done["asked"][0], "noted")


def test_an_answer_is_told_as_what_it_means_for_its_kind(office: Office) -> None:
    """Two alike bills are one bill, which says nothing about who somebody is."""
    take(office, "east", page(row("A1", 1, mdtrt_id="V1"), row("A2", 1, mdtrt_id="V1")))
    [line] = told(office, "list")["review"]
    assert line["kind"] == "repeat"
    decided = hubao(office, "decide", line["item_id"], "same", "--by", "甲")
    shown = hubao(office, "show", line["item_id"])
    assert "是同一笔" in decided
    assert "是同一笔" in shown
    assert "同一人" not in decided + shown
