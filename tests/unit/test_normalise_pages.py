"""Bytes → rows: JSON, bundles, CSV; what a page of each may look like and what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from normalise_samples import CSV_ROW, ROW, bundle, csv_page, made, mapping, page, reply, row

from gateway.core.normalise import CompiledMapping, Normal, Rejected, normalise_lines
from gateway.errors import BadPage
from gateway.model.page import FeedTotals, Identity


def numbers(compiled: CompiledMapping, content: bytes) -> list[str]:
    """The settlement numbers of a page, or the codes of its errors."""
    found = compiled.identify(rows := compiled.read(content), 0, len(rows))
    return [one.settlement_no if isinstance(one, Identity) else one[0].code for one in found]


def refused(compiled: CompiledMapping, content: bytes) -> str:
    with pytest.raises(BadPage) as caught:
        compiled.read(content)
    return caught.value.code


def enveloped(output: str, infcode: str = "0") -> bytes:
    return f'{{"infcode": {infcode}, "output": {output}, "err_msg": null}}'.encode()


ONE = '{"setl_id": "T1", "medfee_sumamt": 1.00}'


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (f'{{"setlinfo": {ONE}, "setldetail": []}}', ["T1"]),
        (f'{{"setlinfo": [{ONE}, {ONE}]}}', ["T1", "T1"]),
        (json.dumps(f'{{"setlinfo": {ONE}}}'), ["T1"]),
        (f'{{"setlinfo": {json.dumps(ONE)}}}', ["T1"]),
        ("null", []), ("{}", []), ('""', []), ('{"setlinfo": null}', []), ('{"setlinfo": {}}', []),
        ('{"setlinfo": []}', []), ('{"setlinfo": ""}', []), ('{"psninfo": {}}', []), ('"{}"', []),
    ],
)  # fmt: skip
def test_every_shape_of_a_national_reply(output: str, found: list[str]) -> None:
    assert numbers(mapping("wuhai"), enveloped(output)) == found


@pytest.mark.parametrize("infcode", ["0", '"0"', '" 0"'])
def test_zero_is_success_as_number_and_as_text(infcode: str) -> None:
    assert numbers(mapping("wuhai"), enveloped(f'{{"setlinfo": {ONE}}}', infcode)) == ["T1"]


@pytest.mark.parametrize("infcode", ["-1", '"-1"', "1", "null", '""', "true", "[]", "0.5", '"成功"'])
def test_any_other_code_is_an_error_of_the_feed(infcode: str) -> None:
    assert refused(mapping("wuhai"), enveloped(f'{{"setlinfo": {ONE}}}', infcode)) == "feed_error"


def test_the_feeds_own_words_stay_out_of_the_message() -> None:
    with pytest.raises(BadPage) as caught:
        mapping("wuhai").read(b'{"infcode": "-1", "err_msg": "\xe5\xbc\xa0\xe4\xb8\x89", "output": {}}')
    assert caught.value.message.endswith("-1")
    assert "张三" not in caught.value.message


def test_an_error_of_the_layer_in_front_of_the_platform() -> None:
    assert refused(mapping("wuhai"), b'{"code": -1, "type": "error", "message": "token"}') == "feed_error"
    assert numbers(mapping("wuhai"), b'{"code": 0, "type": "success", "data": {}}') == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"), (b" \r\n", "empty"), (b"{", "not_json"), (b'{"rows": [1,]}', "not_json"),
        (b"<html>", "not_json"),
        (b'{"rows": [NaN]}', "not_json"), (b"null", "wrong_shape"),
        (b'"text"', "wrong_shape"), (b"5", "wrong_shape"), (b"[]", "wrong_shape"), (b'{"rows": 5}', "wrong_shape"),
        (b'{"rows": true}', "wrong_shape"), (b'{"\xff": 1}', "wrong_encoding"), (b'{"rows": []} x', "not_json"),
        (b'{"rows": "[1"}', "not_json"), (b"\xef\xbb\xbf", "not_json"), (b"\xff\xfe{\x00}\x00", "not_json"),
    ],
)  # fmt: skip
def test_what_is_no_page(content: bytes, code: str) -> None:
    assert refused(made(), content) == code


def test_a_byte_order_mark_is_no_harm() -> None:
    assert numbers(made(), b"\xef\xbb\xbf" + page(row())) == ["T0000000001"]


def test_another_encoding_where_the_mapping_names_it() -> None:
    form = {"kind": "json", "rows": ["rows"], "encoding": ["utf-8", "gb18030"]}
    compiled = made(format=form)
    for encoding in ("utf-8", "gb18030"):
        content = page(row()).decode().encode(encoding)
        found = compiled.record(compiled.read(content), 0)
        assert isinstance(found, Normal)
        assert found.record.name == "测试甲"
    assert refused(compiled, b'{"rows": [{"psn_name": "\xff\xff"}]}') == "wrong_encoding"


def test_a_bare_array_only_where_the_mapping_says_so() -> None:
    assert numbers(made(format={"kind": "json", "rows": ["."]}), json.dumps([row()]).encode()) == ["T0000000001"]


def test_the_first_path_that_exists_is_taken() -> None:
    compiled = made(format={"kind": "json", "rows": ["data.list", "rows"]})
    assert numbers(compiled, page(row())) == ["T0000000001"]
    assert numbers(compiled, page(row(), data={"list": None})) == ["T0000000001"]
    assert numbers(compiled, page(row(), data={"list": [row(setl_id="T2")]})) == ["T2"]


def test_a_key_that_stands_twice_must_say_the_same() -> None:
    def said(*pairs: str) -> Any:
        settlements = '{"setl_id": "A", "medfee_sumamt": 1}, {"setl_id": "B", ' + ", ".join(pairs)
        content = f'{{"rows": [{settlements}}}]}}'.encode()
        result = made().record(made().read(content), 1)
        return result.record.total_amount if isinstance(result, Normal) else [error.code for error in result.errors]

    assert said('"medfee_sumamt": 1', '"medfee_sumamt": 2') == ["repeated_key"]
    assert said('"medfee_sumamt": 1', '"medfee_sumamt": 1') == 100
    assert said('"medfee_sumamt": 1', '"x": 1', '"x": 2') == 100


def test_rows_that_are_no_objects_cost_only_themselves() -> None:
    assert numbers(made(), page(5, None, [], "x", {}, row())) == [*["wrong_type"] * 4, "missing", "T0000000001"]


def test_bytes_that_are_no_text_cost_only_their_field() -> None:
    content = page(row(psn_name="@@"), row(emp_name="@@"), row(nation="@@"), row()).replace(b"@@", b"\xb2\xe2")
    lines = list(normalise_lines(made(), content))
    errors = [line["quarantined"]["errors"] for line in lines[:2]]
    assert [(error["code"], error["field"]) for (error,) in errors] == [
        ("bad_encoding", "name"),
        ("bad_encoding", "employer_name"),
    ]
    assert "record" in lines[2], "a key the mapping does not name may hold anything"
    assert "record" in lines[3]


def test_a_field_deeper_inside_the_row() -> None:
    compiled = made(fields={"name": {"from": ["person.full.name", "psn_name"]}})
    found = [line["record"].get("name") for line in normalise_lines(compiled, page(
        {**ROW, "person": {"full": {"name": "测试丁"}}}, {**ROW, "person": {"full": 5}}, {**ROW, "person": None}, ROW,
    ))]  # fmt: skip
    assert found == ["测试丁", "测试甲", "测试甲", "测试甲"]


def test_a_page_may_be_read_in_slices() -> None:
    rows = made().read(page(*(row(setl_id=f"T{place}") for place in range(10))))
    found = made().identify(rows, 3, 6)
    assert [one.settlement_no for one in found if isinstance(one, Identity)] == ["T3", "T4", "T5"]
    assert len(made().identify(rows, 8, 99)) == 2


def test_rows_are_counted_from_one_in_what_people_read() -> None:
    (line,) = normalise_lines(made(), page(5))
    assert line == {
        "quarantined": {
            "row": 1,
            "errors": [{"code": "wrong_type", "field": "", "message": line_message("wrong_type")}],
        }
    }


def line_message(code: str) -> str:
    from gateway.core.normalise.problems import ROW_CODES

    return ROW_CODES[code]


def test_a_page_that_cannot_be_read_is_one_line() -> None:
    (line,) = normalise_lines(made(), b"{")
    assert line["page_error"]["code"] == "not_json"


TOTALS = {"totals": {"day": "day", "rows": "totals.rows", "amount": "totals.amount"}}


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ({"day": "2026-03-01", "totals": {"rows": 2, "amount": "12.50"}}, (2, 1250)),
        ({"day": "2026-03-01", "totals": {"rows": "2", "amount": -0.5}}, (2, -50)),
        ({"day": "2026-03-01", "totals": {"rows": 200000}}, (200000, None)),
        ({"day": "2026-03-01"}, None), ({"totals": {"rows": 2}}, None), ({"day": "x", "totals": {"rows": 2}}, None),
        ({"day": "2026-03-01", "totals": {"rows": -2}}, None), ({"day": "2026-03-01", "totals": 7}, None),
        ({"day": "2026-03-01", "totals": {"rows": 2, "amount": "x"}}, None), ({"day": [], "totals": {"rows": 2}}, None),
    ],
)  # fmt: skip
def test_what_a_page_says_of_itself(beside: dict[str, Any], expected: tuple[int, int | None] | None) -> None:
    found = made(**TOTALS).totals(page(row(), **beside))
    if expected is None:
        assert found is None
    else:
        assert isinstance(found, FeedTotals)
        assert (found.rows, found.amount) == expected
        assert found.day.isoformat() == "2026-03-01"


def test_no_totals_where_the_mapping_names_none() -> None:
    assert made().totals(page(day="2026-03-01", totals={"rows": 0})) is None
    assert mapping("hinggan").totals(csv_page({})) is None
    assert made(**TOTALS).totals(b"{") is None


# Bundles


def visit(number: str, **columns: Any) -> tuple[str, dict[str, Any], bytes]:
    return "5201", {"psn_no": "1"}, reply({"mdtrtinfo": [{"mdtrt_id": number, **columns}]})


def settlement(number: str, **columns: Any) -> tuple[str, dict[str, Any], bytes]:
    return "5203", {"psn_no": "1", "mdtrt_id": number}, reply({"setlinfo": {**ROW, "mdtrt_id": number, **columns}})


def diagnoses(number: str, *rows: dict[str, Any]) -> tuple[str, dict[str, Any], bytes]:
    return "5202", {"psn_no": "1", "mdtrt_id": number}, reply({"diseinfo": list(rows)})


def records(content: bytes) -> list[dict[str, Any]]:
    return [line.get("record") or line for line in normalise_lines(mapping("wuhai"), content)]


def test_a_settlement_is_joined_with_its_own_visit_and_diagnoses_only() -> None:
    found = records(bundle(
        visit("V1", ipt_days=9), visit("V2", ipt_days="3.0"), settlement("V2", setl_id="B"),
        settlement("V1", setl_id="A"),
        diagnoses("V1", {"diag_code": "B"}, {"diag_code": "A", "maindiag_flag": "1"}),
        diagnoses("V2", {"diag_code": "Y", "diag_srt_no": 2}, {"diag_code": "X", "diag_srt_no": "1"}),
    ))  # fmt: skip
    told = [(one["settlement_no"], one["inpatient_days"], list(one["diagnosis_codes"])) for one in found]
    assert told == [("B", 3, ["X", "Y"]), ("A", 9, ["A", "B"])]


def test_the_key_may_come_from_what_was_asked() -> None:
    call = settlement("V1")
    bare = {key: value for key, value in ROW.items() if key != "mdtrt_id"}
    found = records(bundle((call[0], call[1], reply({"setlinfo": bare})), diagnoses("V1", {"diag_code": "A"})))
    assert list(found[0]["diagnosis_codes"]) == ["A"]


def test_the_rows_own_value_stands_before_the_joined_one() -> None:
    found = records(bundle(visit("V1", begntime="2020-01-01", endtime="2020-01-02"), settlement("V1")))
    assert (found[0]["admitted_on"], found[0]["discharged_on"]) == ("2026-02-20", "2026-03-01")


@pytest.mark.parametrize("broken", [b"<html>", b"", b'{"infcode": 0, "output": {"mdtrtinfo": 5}}', b"{" * 9, b"\xff"])
def test_a_broken_reply_about_a_visit_leaves_the_settlement_standing(broken: bytes) -> None:
    found = records(bundle(("5201", {}, broken), settlement("V1"), ("5202", {"mdtrt_id": "V1"}, broken)))
    assert [one["settlement_no"] for one in found] == ["T0000000001"]


@pytest.mark.parametrize("broken", [b"<html>", b"", b'{"infcode": 0, "output": {"setlinfo": 5}}', b"{" * 9, b"\xff"])
def test_a_broken_reply_about_a_settlement_is_a_row_somebody_must_look_at(broken: bytes) -> None:
    content = bundle(("5203", {"mdtrt_id": "V1"}, broken), settlement("V2"))
    assert numbers(mapping("wuhai"), content) == ["bad_reply", "T0000000001"]


def test_a_no_of_the_platform_has_no_rows_and_other_calls_are_not_read() -> None:
    content = bundle(("5203", {}, reply(None, "-1")), ("1101", {}, b"not json"), ("5203", {}, reply({})))
    assert numbers(mapping("wuhai"), content) == []


@pytest.mark.parametrize(
    "content",
    [b"\x82", b"\x81\xa6bundle\x01", b"\x80", b"\x82\xa6bundle\x02\xa5calls\x90", b"\x82\xa6bundle\x01\xa5calls\xc0",
     b"\xdf\xff\xff\xff\xff", bundle() + b"\x00", b"\x82\xa6bundle\x01\xa5calls\x91\x81\xa5infno\x05"],
)  # fmt: skip
def test_what_is_no_bundle(content: bytes) -> None:
    assert refused(mapping("wuhai"), content) == "bad_bundle"


def test_an_empty_bundle_has_no_rows() -> None:
    assert numbers(mapping("wuhai"), bundle()) == []


# CSV


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return list(normalise_lines(mapping("hinggan"), content))


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_a_file_in_either_encoding(encoding: str) -> None:
    (line,) = lines_of(csv_page({}, encoding=encoding))
    assert line["record"]["name"] == "测试乙"
    assert line["record"]["settlement_no"] == "152200000001"


def test_one_broken_name_does_not_cost_the_file() -> None:
    content = csv_page({"姓名": "@@"}, {}, {"单位名称": "@@"}).replace(b"@@", b"\xff\xff")
    first, second, third = lines_of(content)
    assert first["quarantined"]["errors"][0]["code"] == "bad_encoding"
    assert first["quarantined"]["errors"][0]["field"] == "name"
    assert second["record"]["name"] == "测试乙"
    assert third["quarantined"]["errors"][0]["field"] == "employer_name"


def test_missing_columns_are_all_named() -> None:
    content = csv_page({}).replace("医疗费总额".encode("gb18030"), b"x").replace("姓名\t".encode("gb18030"), b"y")
    with pytest.raises(BadPage) as caught:
        mapping("hinggan").read(content)
    assert caught.value.code == "missing_columns"
    assert "医疗费总额" in caught.value.message
    assert "姓名" in caught.value.message


def test_a_column_twice_is_refused_and_an_unknown_one_is_not() -> None:
    assert refused(
        mapping("hinggan"), csv_page({}).replace("退费标志".encode("gb18030"), "姓名".encode("gb18030"))
    ) == ("duplicate_columns")
    assert "record" in lines_of(csv_page({}).replace("退费标志".encode("gb18030"), b"whatever"))[0]


@pytest.mark.parametrize("content", ["随便什么\n1,2", "\x00", "a" * 200_000, '"', "<html></html>"])
def test_what_is_no_file_of_the_league(content: str) -> None:
    assert refused(mapping("hinggan"), content.encode("gb18030")) in ("missing_columns", "not_csv")


def test_an_open_quote_costs_its_own_line_only() -> None:
    content = csv_page({}, {"姓名": "@"}, {}, {}).replace(b"@", b'"')
    assert ["record" in line for line in lines_of(content)] == [True, False, True, True]
    assert lines_of(content)[1]["quarantined"]["errors"][0]["code"] == "wrong_columns"


def test_a_quoted_comma_is_part_of_the_cell() -> None:
    assert lines_of(csv_page({"单位名称": "测试,农场"}))[0]["record"]["employer_name"] == "测试,农场"


def test_empty_lines_are_no_rows_and_further_empty_cells_no_harm() -> None:
    content = csv_page({}, {})
    content = content.replace(b"\r\n", b",,\r\n").replace(b",,\r\n", b"\r\n", 1) + b"\r\n \t\r\n,,,,\r\n\x1a"
    assert ["record" in line for line in lines_of(content)] == [True, True]


@pytest.mark.parametrize("spoiled", [b"\x00", b"\r", b"a,b", b'x"y,z"w', b"x" * 200_000])
def test_a_spoiled_cell_costs_its_own_row(spoiled: bytes) -> None:
    found = lines_of(csv_page({}, {"单位名称": "@"}, {}).replace(b"@", spoiled))
    assert ["record" in line for line in found][::2] == [True, True]
    assert "quarantined" in found[1]


def test_a_file_without_a_header_line() -> None:
    form = {
        "kind": "csv",
        "delimiter": "\t",
        "quote": "",
        "columns": ["setl_id", "medfee_sumamt", "psn_no", "psn_name"],
    }
    compiled = made(format=form)
    found = [line.get("record") for line in normalise_lines(compiled, b'T1\t1.50\tP1\t"A\nT2\t-2\tnull\tB\nT3\t1\n')]
    assert found[0] == {
        "settlement_no": "T1", "total_amount": "1.50", "person_no": "P1", "name": '"A', "reversal": False,
    }  # fmt: skip
    assert found[1] is not None
    assert found[1]["reverses"] == "T2"
    assert found[2] is None


def test_a_national_file_may_lack_columns_but_not_number_and_total() -> None:
    compiled = made(format={"kind": "csv"})
    assert [line["record"]["total_amount"] for line in normalise_lines(compiled, b"setl_id,medfee_sumamt\n1,2\n")] == [
        "2.00"
    ]


def test_the_sample_rows_are_good() -> None:
    assert len(CSV_ROW) == 41
    assert not any(isinstance(mapping("national").record(rows, 0), Rejected) for rows in [
        mapping("national").read(json.dumps({"setlinfo": ROW}).encode())
    ])  # fmt: skip
