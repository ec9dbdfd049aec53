"""XML pages: paths, nesting, attributes, repeated tags, encodings that the prolog tells wrongly, layers, limits."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any
from xml.sax.saxutils import escape

import pytest
from normalise_samples import ID18, MAPPINGS, row

from gateway.core.normalise import CompiledMapping, Normal, Rejected, compile_mapping
from gateway.errors import BadPage
from gateway.settings.mappings import check_mapping


def made(*paths: str, **tables: Any) -> CompiledMapping:
    """A national XML mapping with the given tables over its own."""
    form = {"kind": "xml", "rows": list(paths or ("out.list.row",)), **tables.pop("format", {})}
    whole = {"mapping": "made", "version": 1, "national": True, "format": form, **tables}
    return compile_mapping(check_mapping(whole, shown_as="mappings/made.toml").language())


def element(tag: str, **values: Any) -> str:
    """One settlement; what is None has no element."""
    inside = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in values.items() if value is not None)
    return f"<{tag}>{inside}</{tag}>"


def message(*rows: str, prolog: str = "") -> str:
    return f"{prolog}<out><list>{''.join(rows)}</list></out>"


def records(compiled: CompiledMapping, content: str | bytes) -> list[Any]:
    """Every row's record, or the codes of what is wrong with it."""
    rows = compiled.read(content if isinstance(content, bytes) else content.encode())
    results = [compiled.record(rows, index) for index in range(len(rows))]
    return [
        result.record if isinstance(result, Normal) else [error.code for error in result.errors] for result in results
    ]


def numbers(compiled: CompiledMapping, content: str | bytes) -> list[Any]:
    return [getattr(record, "settlement_no", record) for record in records(compiled, content)]


def refused(compiled: CompiledMapping, content: str | bytes) -> BadPage:
    with pytest.raises(BadPage) as caught:
        compiled.read(content if isinstance(content, bytes) else content.encode())
    return caught.value


ONE, TWO = element("row", **row()), element("row", **row(setl_id="T2"))


def test_a_settlement_in_xml_is_the_one_in_json() -> None:
    from normalise_samples import made as in_json
    from normalise_samples import page

    other = in_json()
    rows = other.read(page(row()))
    as_json = other.record(rows, 0)
    assert isinstance(as_json, Normal)
    assert records(made(), message(ONE)) == [as_json.record]
    identity = other.identify(rows, 0, 1)
    compiled = made()
    assert compiled.identify(compiled.read(message(ONE).encode()), 0, 1) == identity


def test_many_pieces_give_every_row_in_its_order() -> None:
    many = [element("row", **row(setl_id=f"T{index}")) for index in range(1500)]
    assert len("".join(many)) > 4 * 256 * 1024
    assert numbers(made(), message(*many)) == [f"T{index}" for index in range(1500)]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("out.row", f"<out>{ONE}{TWO}</out>"),
        ("row", f"<out>{ONE}{TWO}</out>"),
        ("list.row", message(ONE, TWO)),
        ("out.list.row", f"<out><list>{ONE}</list><other/><list>{TWO}</list></out>"),
        ("out.list.row", f"<o:out xmlns:o='urn:o' xmlns='urn:p'><list>{ONE}</list><list>{TWO}</list></o:out>"),
        ("out.list.row", f"<out><list><head><a>1</a></head>{ONE}<foot/>{TWO}</list></out>"),
        ("out.row#", f"<out>{ONE.replace('row>', 'row1>')}{TWO.replace('row>', 'row2>')}<rows/></out>"),
        ("out.row#", f"<out>{ONE}{TWO.replace('row>', 'row12>')}</out>"),
        ("out.list.row", f"<out><!-- {ONE} --><list>{ONE}<!-- x --><?x y?>{TWO}</list></out>"),
    ],
)
def test_where_settlements_stand(path: str, content: str) -> None:
    assert numbers(made(path), content) == ["T0000000001", "T2"]


def test_the_first_path_that_exists_is_taken() -> None:
    assert numbers(made("out.rows.row", "out.list.row"), message(ONE)) == ["T0000000001"]
    assert numbers(made("out.rows.row", "out.list.row"), f"<out><rows/><list>{ONE}</list></out>") == []


def test_the_message_itself_may_be_the_settlement() -> None:
    assert numbers(made("row"), ONE) == ["T0000000001"]


def test_a_settlement_under_another_tag_is_not_overlooked() -> None:
    other = ONE.replace("row>", "Row>")
    assert numbers(made(), message(other, TWO)) == [["unreadable"], "T2"]
    assert numbers(made(), message(other)) == [["unreadable"]]


def test_tags_are_exact_in_case() -> None:
    assert numbers(made(), message(ONE.replace("setl_id", "SETL_ID"))) == [["missing"]]


def test_elements_inside_elements_and_attributes() -> None:
    fields = {"settlement_no": {"from": "@no"}, "name": {"from": "person.name"}, "sex": {"from": "person.name.@sex"}}
    person = f"<person><name sex='2'>测试甲</name><certno>{ID18}</certno></person>"
    one = element("row", **row(setl_id=None, psn_name=None, gend=None, certno=None)).replace(
        "</row>", f"{person}</row>"
    )
    one = one.replace("<row>", "<row no='A1'>")
    (record,) = records(made(fields={**fields, "id_number": {"from": "person.certno"}}), message(one))
    assert (record.settlement_no, record.name, record.sex, record.id_number) == ("A1", "测试甲", "F", ID18)


@pytest.mark.parametrize(
    "empty", ["<cvlserv_pay/>", "<cvlserv_pay></cvlserv_pay>", "<cvlserv_pay>\n  </cvlserv_pay>", ""]
)
def test_an_empty_element_is_no_value(empty: str) -> None:
    (record,) = records(made(), message(ONE.replace("<cvlserv_pay>0</cvlserv_pay>", empty)))
    assert record.civil_servant_amount is None


@pytest.mark.parametrize(
    ("repeated", "twice", "total"),
    [
        ("first", "<act_pay_dedc>1</act_pay_dedc><act_pay_dedc>2</act_pay_dedc>", 100),
        ("last", "<act_pay_dedc>1</act_pay_dedc><act_pay_dedc>2</act_pay_dedc>", 200),
        ("same", "<act_pay_dedc>1</act_pay_dedc><act_pay_dedc>1</act_pay_dedc>", 100),
        ("same", "<act_pay_dedc>1</act_pay_dedc><act_pay_dedc>2</act_pay_dedc>", ["wrong_type"]),
    ],
)
def test_a_tag_that_stands_there_again(repeated: str, twice: str, total: Any) -> None:
    compiled = made(format={"repeated": repeated})
    (record,) = records(compiled, message(ONE.replace("<act_pay_dedc>800</act_pay_dedc>", twice)))
    assert getattr(record, "deductible_amount", record) == total


def test_of_codes_that_stand_there_again_all_count() -> None:
    codes = "<dise_codg>I10.x00</dise_codg><dise_codg>E11.900</dise_codg>"
    (record,) = records(made(), message(ONE.replace("</row>", f"{codes}</row>")))
    assert record.diagnosis_codes == ("I10.x00", "E11.900")


def test_a_value_that_is_cut_by_an_element_is_none() -> None:
    cut = ONE.replace("<act_pay_dedc>800</act_pay_dedc>", "<act_pay_dedc>8<b>0</b>0</act_pay_dedc>")
    assert records(made(), message(cut)) == [["wrong_type"]]


GBK, UTF8 = "<?xml version='1.0' encoding='GBK'?>", '<?xml version="1.0" encoding="UTF-8"?>'


@pytest.mark.parametrize(
    ("prolog", "encoding"),
    [
        ("", "utf-8"), ("", "gb18030"), (UTF8, "utf-8"), (UTF8, "gb18030"), (GBK, "gb18030"), (GBK, "utf-8"),
        ("<?xml version='1.0' encoding='UTF-16'?>", "utf-8"), ("<?xml version='1.0'?>", "gb18030"),
        ("<?xml version='1.0' encoding='UTF-16'?>", "utf-16"), (UTF8, "utf-16-le"), (UTF8, "utf-8-sig"),
        ("\n<?xml version='1.0' encoding='BIG5'?>", "utf-8"),
    ],
)  # fmt: skip
def test_bytes_say_what_they_are_whatever_the_prolog_says(prolog: str, encoding: str) -> None:
    (record,) = records(made(), message(ONE, prolog=prolog).encode(encoding))
    assert (record.name, record.facility_name) == ("测试甲", "测试医院")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_one_damaged_character_costs_its_field_alone(encoding: str) -> None:
    damaged = (
        message(ONE, TWO).encode(encoding).replace("测试医院".encode(encoding), "测试医院".encode(encoding)[:-1], 1)
    )
    first, second = records(made(), damaged)
    assert first == ["bad_encoding"]
    assert second.facility_name == "测试医院"


@pytest.mark.parametrize("damage", ["A & B", "a < b", "\x01", "&nbsp;", "&#1;", "<b>"])
def test_one_damaged_settlement_costs_itself(damage: str) -> None:
    damaged = element("row", **row(setl_id="T3")).replace("测试医院", damage)
    assert numbers(made(), message(ONE, damaged, TWO)) == ["T0000000001", ["unreadable"], "T2"]
    spaced = message(ONE, damaged, TWO).replace("<row>", "<x:row>").replace("</row>", "</x:row>")
    spaced = spaced.replace("<out>", "<out xmlns:x='urn:x'>")
    assert numbers(made(), spaced) == ["T0000000001", ["unreadable"], "T2"]


def test_rows_elsewhere_are_none_beside_a_damaged_one_too() -> None:
    damaged = element("row", **row(setl_id="T3")).replace("测试医院", "&")
    assert numbers(made(), f"<out><fees>{ONE}</fees><list>{damaged}{TWO}</list></out>") == [["unreadable"], "T2"]


@pytest.mark.parametrize(
    "content",
    [message(ONE)[:-1], message(ONE)[:-12], message(ONE, TWO).replace("</row>", "", 1), message(ONE) + "<x/>", "<out>"],
)
def test_a_message_that_does_not_end_is_refused_with_the_place(content: str) -> None:
    bad = refused(made(), content)
    assert (bad.code, "line 1" in bad.message) == ("not_xml", True)


LAYERS = {
    "cdata": f"<out><return><![CDATA[{UTF8}<list>{ONE}</list>]]></return></out>",
    "escaped": f"<out><return>{escape(GBK + '<list>' + ONE + '</list>')}</return></out>",
    "soap": f"<s:Envelope xmlns:s='urn:s'><s:Body><out><return>{escape(f'<list>{ONE}</list>')}</return></out></s:Body>"
    "</s:Envelope>",
    "json": json.dumps({"out": {"return": f"{UTF8}<list>{ONE}</list>"}}),
    "json in soap": f"<out><return>{escape(json.dumps({'x': f'<list>{ONE}</list>'}))}</return></out>",
}  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "path"),
    [
        ("cdata", "out.return.list.row"), ("escaped", "out.return.list.row"), ("json", "out.return.list.row"),
        ("soap", "Envelope.Body.out.return.list.row"), ("json in soap", "out.return.x.list.row"),
    ],
)  # fmt: skip
def test_xml_inside_of_other_texts(layer: str, path: str) -> None:
    assert numbers(made(path), LAYERS[layer]) == ["T0000000001"]


def test_json_inside_of_xml() -> None:
    from normalise_samples import made as in_json

    content = f"<out><return>{escape(json.dumps({'rows': [row()]}))}</return></out>"
    compiled = in_json(format={"kind": "json", "rows": ["out.return.rows"]})
    assert numbers(compiled, content) == ["T0000000001"]


HOSTILE = {
    "doctype": '<!DOCTYPE out [<!ENTITY a "b">]>' + message(ONE),
    "entity": '<?xml version="1.0"?><!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><out><list>&x;</list></out>',
    "small letters": "<!doctype out>" + message(ONE),
    "behind a comment": "<!-- <a> --><!DOCTYPE out>" + message(ONE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_document_type_is_ever_read(name: str) -> None:
    assert refused(made(), HOSTILE[name]).code == "has_doctype"


def test_depth_and_size_have_limits() -> None:
    assert refused(made(), "<out>" * 300 + "</out>" * 300).code == "too_deep"
    assert refused(made(), "<out>" * 10**6).code == "too_deep"
    assert refused(made(), "<out><list>" + "<row/>" * 200_001 + "</list></out>").code == "too_many_rows"
    assert refused(made(), "<out><list><row>" + "<a/>" * 2_100_000).code == "too_many_rows"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04", "workbook or zip"), (b'{"setlinfo": []} x', "JSON"), (b"<html><body></html>", "line 1"),
        ("结算流水号,姓名\n".encode(), ""), (b"\xd0\xcf\x11\xe0", "old workbook"), (b"%PDF-1.7", "PDF"),
    ],
)  # fmt: skip
def test_what_is_no_xml_says_what_it_looks_like(content: bytes, words: str) -> None:
    bad = refused(made(), content)
    assert bad.code in ("not_xml", "no_rows_found")
    assert words in bad.message


def test_a_path_that_is_not_there_is_told_with_what_is() -> None:
    bad = refused(made("out.list.ROW"), message(ONE).replace("list", "rows"))
    assert (bad.code, "out.list.ROW" in bad.message, "rows" in bad.message) == ("no_rows_found", True, True)
    assert numbers(made("out.list.row", format={"may_be_missing": True}), "<out><head/></out>") == []
    assert numbers(made(), "<out><list/></out>") == []


def test_keys_that_no_field_reads_are_told_by_their_tags() -> None:
    compiled = made()
    sample = compiled.sample(compiled.read(message(ONE.replace("</row>", "<extra>1</extra></row>")).encode()))
    assert "extra" in sample.unused
    assert "setl_id" not in sample.unused


def test_a_row_that_cannot_be_read_tells_nothing_of_its_values() -> None:
    compiled = made()
    rows = compiled.read(message(ONE.replace("测试医院", "&")).encode())
    result = compiled.record(rows, 0)
    assert isinstance(result, Rejected)
    assert ID18 not in str(result.errors)


def test_the_worked_example_of_the_guide_reads_what_it_shows() -> None:
    guide = (MAPPINGS / "README.md").read_text(encoding="utf-8").split("## An XML feed")[1].split("\n## ")[0]
    outer, inner = re.findall(r"```xml\n(.*?)```", guide, re.DOTALL)
    tables = tomllib.loads(re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)[0])
    compiled = compile_mapping(check_mapping(tables, shown_as="mappings/chifeng.toml").language())
    whole = re.sub(r"<return>.*</return>", lambda _: f"<return>{escape(UTF8 + inner)}</return>", outer)
    (record,) = records(compiled, whole.encode("gb18030"))
    assert (record.settlement_no, record.name, record.id_type, record.id_number) == ("150400G01", "测试甲", "01", ID18)
    assert (record.insured_region, record.total_amount, record.visit_no) == ("150400", 2000000, "M01")
    failed = whole.replace("returnCode&gt;0", "returnCode&gt;-1")
    assert refused(compiled, failed.encode("gb18030")).code == "feed_error"


def test_what_a_message_says_of_itself() -> None:
    totals = {"day": "head.day", "rows": "head.count", "amount": "head.money"}
    head = "<head><day>2026-03-01</day><count>2</count><money>7.50</money></head>"
    content = f"<out>{head}<list>{ONE}{TWO}</list></out>".encode()
    stated = made(totals=totals).totals(content)
    assert stated is not None
    assert (str(stated.day), stated.rows, stated.amount) == ("2026-03-01", 2, 750)
    assert made(totals=totals).totals(content.replace(b"<count>2", b"<count>x")) is None
