"""Nothing is mute: what is missing, damaged or renamed is said, and never read as something else."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from normalise_samples import bundle, csv_page, made, mapping, page, row

from gateway.core.normalise import CompiledMapping, Normal, Origin, Rejected, Summary, normalise_lines
from gateway.errors import BadPage
from gateway.model.page import MAX_PAGE_BYTES
from gateway.wiring import parts_of

UTF8_AND_GB = {"kind": "json", "rows": ["rows"], "encoding": ["utf-8", "gb18030"]}


def read(compiled: CompiledMapping, content: bytes, origin: Origin | None = None) -> list[Any]:
    """Every row's record, or the codes of what is wrong with it."""
    rows = compiled.read(content, origin) if origin else compiled.read(content)
    results = [compiled.record(rows, index) for index in range(len(rows))]
    return [
        result.record if isinstance(result, Normal) else [error.code for error in result.errors] for result in results
    ]


def warned(compiled: CompiledMapping, **changed: Any) -> list[tuple[str, str]]:
    """(code, field) of what is said of one good row with some values changed; None takes its key away."""
    values = {key: value for key, value in row(**changed).items() if value is not None}
    result = compiled.record(compiled.read(page(values)), 0)
    return [(error.code, error.field) for error in (result.warnings if isinstance(result, Normal) else result.errors)]


def refused(compiled: CompiledMapping, content: bytes) -> str:
    with pytest.raises(BadPage) as caught:
        compiled.read(content)
    return caught.value.code


def lost(name: str = "测试医院") -> tuple[bytes, bytes]:
    """A facility's name in UTF-8, and the same with its last byte lost."""
    return name.encode(), name.encode()[:-1]


def test_one_damaged_character_does_not_turn_a_page_into_another_encoding() -> None:
    content = page(row(), row(setl_id="T2"), row(setl_id="T3")).replace(*lost(), 1)
    first, second, third = read(made(format=UTF8_AND_GB), content)
    assert first == ["bad_encoding"]
    assert (second.name, third.facility_name) == ("测试甲", "测试医院")
    damaged = csv_page({}, {"姓名": "测试丙"}, encoding="utf-8").replace(
        "测试盟医院".encode(), "测试盟医院".encode()[:-1], 1
    )
    first, second = read(mapping("hinggan"), damaged)
    assert (first, second.name) == (["bad_encoding"], "测试丙")


def test_utf_8_that_gb18030_can_read_too_is_utf_8() -> None:
    # An even number of bytes in every run, and not one of them wrong in GB18030.
    content = page(row(psn_name="测试甲乙", emp_name="单位", fixmedins_name="医院")).replace(b"\xe5", b"\xe5", 1)
    form = {"kind": "json", "rows": ["rows"], "encoding": ["gb18030", "utf-8"]}
    (record,) = read(made(format=form), content)
    assert record.name == "测试甲乙"


@pytest.mark.parametrize("damage", ["\\ud842", "\t", "\x01", "\\x"])
def test_one_damaged_text_costs_its_row(damage: str) -> None:
    content = page(row(), row(setl_id="T2", emp_name="@"), row(setl_id="T3")).replace(b"@", damage.encode())
    first, second, third = read(made(), content)
    assert (first.settlement_no, third.settlement_no) == ("T0000000001", "T3")
    assert second == ["unreadable"]


@pytest.mark.parametrize("number", ["01.50", "1.", "+1", ".5", "1e", "NaN"])
def test_one_damaged_number_costs_its_row(number: str) -> None:
    content = page(row(), row(setl_id="T2", act_pay_dedc="@")).replace(b'"@"', number.encode())
    first, second = read(made(), content)
    assert (first.settlement_no, second) == ("T0000000001", ["unreadable"])


@pytest.mark.parametrize("content", [page(row())[:-1], page(row())[:-3], page(row(), row()).replace(b"}", b"", 1)])
def test_a_message_whose_brackets_do_not_close_is_refused_with_the_place(content: bytes) -> None:
    with pytest.raises(BadPage) as caught:
        made().read(content)
    assert caught.value.code == "not_json"


def test_parts_of_a_sum_and_what_is_taken_off_must_be_there() -> None:
    fields = {"total_amount": {"sum": ["a", "b"]}, "personal_amount": {"from": "psn_pay", "minus": "off"}}
    compiled = made(fields=fields)
    assert [code for code, _ in warned(compiled, a=20000)] == ["missing_part", "missing_part"]
    assert warned(compiled, a=20000, b="", off="") == [("missing_part", "personal_amount")]
    assert warned(compiled, a=19000, b=1000, off=0) == []
    lenient = {name: {**rule, "optional": True} for name, rule in fields.items()}
    assert warned(made(fields=lenient), a=20000) == []


def test_a_sum_where_the_source_has_no_value() -> None:
    compiled = made(fields={"total_amount": {"from": "medfee_sumamt", "sum": ["a", "b"]}})
    assert warned(compiled) == []
    (record,) = read(compiled, page(row(medfee_sumamt=None, a=19000, b=1000)))
    assert record.total_amount == 2000000
    (refund,) = read(compiled, page(row(medfee_sumamt=None, a=-19000, b=-1000)))
    assert refund[0] == "sum_mismatch_i1"


def test_a_total_below_zero_is_a_reversal_also_where_it_is_a_sum() -> None:
    compiled = made(
        fields={"total_amount": {"sum": ["a", "b"]}}, checks={"i1": "off", "i2": "off"}, reversals={"style": "pair"}
    )
    (record,) = read(compiled, page(row(a=-5, b=-1)))
    assert record.reversal is True


def test_constants_for_amounts_and_for_the_reversal() -> None:
    fields = {"hospital_borne_amount": {"value": "0.00"}, "reversal": {"value": "yes"}}
    (record,) = read(made(fields=fields), page(row(hosp_part_amt=7)))
    assert (record.hospital_borne_amount, record.reversal) == (0, True)


@pytest.mark.parametrize(
    "key",
    ["fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "hifp_pay", "cvlserv_pay", "hifes_pay",
     "hifmi_pay", "hifob_pay", "maf_pay", "fund_pay_sumamt", "psn_pay", "acct_pay", "cash_payamt"],
)  # fmt: skip
def test_an_amount_whose_key_changed_is_missed(key: str) -> None:
    codes = warned(made(), **{key: None, key.upper(): row()[key]})
    assert [code for code, _ in codes] == ["missing_amount"]
    strict = made(checks={"complete": "quarantine"})
    assert isinstance(strict.record(strict.read(page(row(**{key: None}))), 0), Normal) is (row()[key] == 0)
    assert (
        warned(made(checks={"complete": "off", "i1": "off", "i2": "off", "i3": "off", "i4": "off"}), **{key: None})
        == []
    )


def test_a_deductible_whose_key_changed_is_missed() -> None:
    assert warned(made(), act_pay_dedc=None, ACT_PAY_DEDC=800) == [("missing_amount", "deductible_amount")]
    assert warned(made(), act_pay_dedc="") == []


def test_what_is_sent_empty_is_missed_only_where_nothing_does_not_do() -> None:
    assert warned(made(), cvlserv_pay="", hifes_pay="null") == []
    assert warned(made(), hifp_pay="") == [("missing_amount", "pooled_fund_amount")]


def test_what_a_league_does_not_send_is_not_missed() -> None:
    checks = {"not_sent": ["over_limit_amount", "cash_amount"]}
    assert warned(made(checks=checks), overlmt_selfpay=None, cash_payamt=None) == []


def test_an_over_limit_amount_nobody_knows_counts_as_nothing_where_the_mapping_says_so() -> None:
    checks = {"nothing": ["over_limit_amount"]}
    assert warned(made(checks=checks), overlmt_selfpay=None, inscp_scp_amt=16000) == []
    assert warned(made(checks=checks), overlmt_selfpay=None) == [("sum_mismatch_i1", "total_amount")]


def test_a_tolerance_for_one_check_alone() -> None:
    compiled = made(checks={"tolerances": {"i1": "0.05"}})
    assert warned(compiled, inscp_scp_amt="15000.05") == []
    assert warned(compiled, inscp_scp_amt="15000.06") == [("sum_mismatch_i1", "total_amount")]
    assert warned(compiled, cash_payamt="10000.02") == [("sum_mismatch_i3", "personal_amount")]


@pytest.mark.parametrize("amount", ["20000.01", "-800", "80000"])
def test_an_impossible_deductible_is_told(amount: str) -> None:
    assert warned(made(), act_pay_dedc=amount) == [("deductible", "deductible_amount")]
    assert warned(made(checks={"deductible": "off"}), act_pay_dedc=amount) == []


def test_a_path_that_is_not_there_is_not_nothing_settled() -> None:
    for content in (b'{"data": []}', b'{"Rows": []}', b'{"x": {"rows": []}}'):
        assert refused(made(), content) == "no_rows_found"
    with pytest.raises(BadPage) as caught:
        made().read(b'{"Rows": [], "total": 5}')
    assert "rows" in caught.value.message
    assert "Rows、total" in caught.value.message
    for content in (b'{"rows": []}', b'{"rows": null}', b'{"rows": {}}', b'{"rows": ""}'):
        assert read(made(), content) == []
    form = {"kind": "json", "rows": ["rows"], "may_be_missing": True}
    assert read(made(format=form), b'{"type": "ping"}') == []


def test_the_object_at_the_top_may_be_the_row() -> None:
    compiled = made(format={"kind": "json", "rows": ["rows", "."]})
    (record,) = read(compiled, json.dumps(row()).encode())
    assert record.settlement_no == "T0000000001"


@pytest.mark.parametrize("name", ["wuhai", "national"])
@pytest.mark.parametrize("around", ["%s", '{"data": %s}', '{"body": {"ret": %s}}'])
def test_infcode_is_looked_at_wherever_it_stands(name: str, around: str) -> None:
    failed = (around % '{"infcode": -1, "output": {}}').encode()
    assert refused(mapping(name), failed) == "feed_error"
    assert (
        refused(mapping("national"), b'{"infcode": "-1", "setlinfo": [' + json.dumps(row()).encode() + b"]}")
        == "feed_error"
    )


@pytest.mark.parametrize("output", ["", ', "output": null', ', "output": {}', ', "output": {"setlinfo": []}'])
def test_a_success_with_an_error_text_and_no_output_is_an_error(output: str) -> None:
    said = '{"infcode": 0, "err_msg": "%s"' + output + "}"
    for words in ("查询超时", "参数错误", "不成功"):
        assert refused(mapping("wuhai"), (said % words).encode()) == "feed_error"
    for words in ("", "成功", "交易成功", "success"):
        assert read(mapping("wuhai"), (said % words).encode()) == []


def test_a_status_of_another_envelope() -> None:
    status = {"at": ["head.code", "code"], "success": ["0000", "200"], "text": ["head.msg"]}
    compiled = made(status=status)
    assert len(read(compiled, page(row(), head={"code": "0000"}))) == 1
    assert len(read(compiled, page(row(), code=200))) == 1
    assert refused(compiled, page(row(), head={"code": "E001"})) == "feed_error"
    assert refused(compiled, page(head={"code": "0000", "msg": "系统忙"})) == "feed_error"
    assert read(compiled, page(head={"code": "0000", "msg": "处理成功"})) == []


@pytest.mark.parametrize(
    "name", ["娴嬭瘯", "²âÊÔ", "??", "测?", "\ue5e5试", "ÕÅÈý", "鏉庡洓"]
)  # fmt: skip
def test_a_name_that_somebody_else_has_spoiled(name: str) -> None:
    assert warned(made(), psn_name=name) == [("bad_encoding", "name")]


@pytest.mark.parametrize("name", ["测试", "买买提·吐尔逊", "José Müller", "欧阳测试", "阿依古丽", "Åke Öberg", "𠮷田"])
def test_names_that_only_look_odd(name: str) -> None:
    assert warned(made(), psn_name=name) == []


def test_a_text_that_may_be_unreadable_costs_its_field_alone() -> None:
    content = page(row()).replace(*lost())
    compiled = made(fields={"facility_name": {"unreadable": "empty"}})
    result = compiled.record(compiled.read(content), 0)
    assert isinstance(result, Normal)
    assert result.record.facility_name is None
    assert [(warning.code, warning.field) for warning in result.warnings] == [("bad_encoding", "facility_name")]
    both = content.replace(b'"gend": "1"', b'"gend": "7"')
    other = compiled.record(compiled.read(both), 0)
    assert isinstance(other, Rejected)
    assert {error.field for error in other.errors} == {"facility_name", "sex"}


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 8])
def test_a_file_cut_in_its_last_line_costs_that_line(cut: int) -> None:
    content = csv_page({}, {"结算流水号": "2"})[: -2 - cut]
    first, second = read(mapping("hinggan"), content)
    assert (first.settlement_no, second) == ("152200000001", ["cut_off"])


def test_a_league_whose_files_end_without_a_line_end() -> None:
    form = {"kind": "csv", "open_end": True}
    assert len(read(made(format=form), b"setl_id,medfee_sumamt\n1,2\n3,4")) == 2
    (_, cut) = read(made(format={"kind": "csv"}), b"setl_id,medfee_sumamt\n1,2\n3,4")
    assert cut == ["cut_off"]
    # A single line says nothing about how the others end.
    columns = {"kind": "csv", "columns": ["setl_id", "medfee_sumamt"]}
    assert len(read(made(format=columns), b"1,2")) == 1


def test_sources_outside_of_the_row() -> None:
    fields = {
        "insured_region": {"from": "/head/area"}, "visit_no": {"from": "file:line"},
        "employer_name": {"from": "call:infno"}, "care_region": {"from": "file:name", "pattern": "setl_{}_*.json"},
    }  # fmt: skip
    compiled = made(fields=fields)
    first, second = read(compiled, page(row(), row(), head={"area": 150400}), Origin("setl_152200_20260301.json"))
    assert (first.insured_region, first.care_region, first.employer_name) == ("150400", "152200", None)
    assert (first.visit_no, second.visit_no) == ("1", "2")
    (part,) = read(compiled, page(row()), Origin("setl_1_2.json", 3))
    assert (part.visit_no, part.care_region) == ("3-1", "1")
    assert read(compiled, page(row()), Origin("other.json")) == [["wrong_pattern"]]
    identity = compiled.identify(compiled.read(page(row())), 0, 1)
    assert identity[0].settlement_no == "T0000000001"  # type: ignore[union-attr]


def test_sources_in_the_call_of_a_bundle() -> None:
    fields = {
        "person_no": {"from": "call:psn_no"}, "insured_region": {"from": "/inf_refmsgid"},
        "care_region": {"from": "call:infno"},
    }  # fmt: skip
    form = {"kind": "json", "rows": ["output.setlinfo"], "envelope": "national"}
    compiled = made(format=form, bundle={"rows_from": "5203"}, fields=fields)
    answer = json.dumps({"infcode": 0, "inf_refmsgid": "150300", "output": {"setlinfo": row(psn_no=None)}}).encode()
    content = bundle(("5203", {"psn_no": "P7"}, answer))
    (record,) = read(compiled, content)
    assert (record.person_no, record.insured_region, record.care_region) == ("P7", "150300", "5203")


def test_rows_are_counted_on_over_the_parts_of_a_file_and_unread_keys_are_told() -> None:
    summary = Summary()
    compiled = made(format={"kind": "csv"})
    parts = (b"setl_id,medfee_sumamt,extra\n1,2,\n,3,\n", b"setl_id,medfee_sumamt,extra\n3,x,\n")
    lines = [line for part in parts for line in normalise_lines(compiled, part, summary)]
    assert [line["quarantined"]["row"] for line in lines if "quarantined" in line] == [2, 3]
    assert (summary.rows, list(summary.unused)) == (3, ["extra"])


def test_a_file_over_16_mib_is_cut_as_a_folder_cuts_it() -> None:
    lines = 17 * 2**20 // 120
    content = b"setl_id,medfee_sumamt\n" + b"".join(b"%0118d,1\n" % number for number in range(lines))
    compiled = made(format={"kind": "csv"})
    parts = list(parts_of(io.BytesIO(content), compiled.language))
    assert len(parts) == 2
    assert sum(len(compiled.read(part)) for part in parts) == lines


def test_empty_rows_are_told_each_and_cost_no_more_than_reading_them() -> None:
    compiled, calls = made(), Counter[str]()
    rows = compiled.read(b'{"rows":[' + b",".join([b"{}"] * 500) + b"]}")
    thoroughly = compiled._thoroughly

    def counted(*values: Any) -> Any:
        calls["thoroughly"] += 1
        return thoroughly(*values)

    compiled._thoroughly = counted  # type: ignore[method-assign]
    first, *others = compiled.identify(rows, 0, len(rows))
    assert [error.code for error in first] == ["missing", "missing"]
    assert all(errors == first for errors in others)
    assert calls["thoroughly"] == 1


class MeasuredFile(io.BytesIO):
    """A file that remembers how much was asked of it at once."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.most = max(self.most, len(piece))
        return piece


def test_a_large_file_of_lines_is_never_held_whole_and_a_large_message_is_refused() -> None:
    line = b"152200000001," + b"x" * 1000 + b"\n"
    many = 3 * MAX_PAGE_BYTES // len(line)
    lines = MeasuredFile(b"".join([line] * many))
    parts = parts_of(lines, mapping("hinggan").language)
    assert sum(part.count(b"\n") for part in parts) > many
    assert 0 < lines.most <= MAX_PAGE_BYTES
    message = MeasuredFile(b"[" + b" " * (2 * MAX_PAGE_BYTES))
    (page_of_it,) = parts_of(message, made().language)
    assert message.most == MAX_PAGE_BYTES + 1
    (answer,) = normalise_lines(made(), page_of_it)
    assert answer["page_error"]["code"] == "too_large"
