"""Pages of the three leagues for the tests of normalising. Every person in them is invented."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.normalise import CompiledMapping, compile_mapping
from gateway.settings.mappings import check_mapping, load_mapping

MAPPINGS = Path(__file__).parents[2] / "mappings"
ID18 = "150999198001010017"

ROW: dict[str, Any] = {
    "setl_id": "T0000000001", "mdtrt_id": "M0000000001", "psn_no": "15000000000000000001", "psn_name": "测试甲",
    "psn_cert_type": "01", "certno": ID18, "gend": "1", "brdy": "1980-01-01", "insutype": "310",
    "psn_type": "1101", "emp_name": "测试单位", "insuplc_admdvs": "150300", "mdtrtarea_admvs": "150300",
    "fixmedins_code": "H15030000001", "fixmedins_name": "测试医院", "hosp_lv": "09", "med_type": "21",
    "begndate": "2026-02-20", "enddate": "2026-03-01", "setl_time": "2026-03-01 10:00:00", "refd_setl_flag": "0",
    "medfee_sumamt": 20000, "fulamt_ownpay_amt": 2000, "overlmt_selfpay": 1000, "preselfpay_amt": 2000,
    "inscp_scp_amt": 15000, "act_pay_dedc": 800, "hifp_pay": 8000, "cvlserv_pay": 0, "hifes_pay": 0,
    "hifmi_pay": 0, "hifob_pay": 1000, "maf_pay": 0, "oth_pay": 0, "fund_pay_sumamt": 9000,
    "psn_pay": 11000, "acct_pay": 1000, "cash_payamt": 10000, "hosp_part_amt": 0,
}  # fmt: skip
"""A settlement in the words of the national interface that passes every check."""

CSV_ROW = {
    "结算流水号": "152200000001\t", "就诊流水号": "M152200000001\t", "人员编号": "15220000000001\t", "姓名": "测试乙",
    "证件类型": "01", "证件号码": ID18 + "\t", "性别": "1", "出生日期": "1980-01-01", "险种类型": "310",
    "人员类别": "1101", "单位名称": "测试农场", "参保区划": "152200", "就医区划": "152200",
    "医疗机构编码": "H15220000001", "医疗机构名称": "测试盟医院", "医院等级": "09", "医疗类别": "21",
    "入院日期": "2026-02-20", "出院日期": "2026/3/1", "住院天数": "9", "结算时间": "2026-03-01 10:00:00",
    "退费标志": "0", "医疗费总额": "20000.00", "全自费金额": "2000.00", "超限价自费": "1000.00", "先行自付": "2000.00",
    "符合政策范围金额": "15000.00", "起付线": "800.00", "统筹基金支出": "8000.00", "公务员补助": "0.00",
    "大额补助": "1000.00", "企业补充": "0.00", "大病支出": "0.00", "医疗救助": "0.00", "其他支出": "0.00",
    "基金支付总额": "9000.00", "个人负担总额": "11000.00", "个人账户支出": "1000.00", "现金支付": "10000.00",
    "医院负担": "0.00", "诊断编码": "I10.x00;E11.900",
}  # fmt: skip


@cache
def mapping(name: str) -> CompiledMapping:
    """A mapping that ships, compiled."""
    return compile_mapping(load_mapping(MAPPINGS / f"{name}.toml").language())


def made(**tables: Any) -> CompiledMapping:
    """A national JSON mapping with the given tables over its own."""
    form = {"kind": "json", "rows": ["rows"]}
    whole = {"mapping": "made", "version": 1, "national": True, "format": form, **tables}
    return compile_mapping(check_mapping(whole, shown_as="mappings/made.toml").language())


def page(*rows: Any, **beside: Any) -> bytes:
    """A page of the mapping `made`."""
    return json.dumps({**beside, "rows": rows}, ensure_ascii=False).encode()


def row(**changed: Any) -> dict[str, Any]:
    """The good row with some values changed."""
    return {**ROW, **changed}


def csv_page(*rows: dict[str, str], encoding: str = "gb18030") -> bytes:
    """A file of hinggan: TAB after the first headers, CRLF."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([name + "\t" if place < 4 else name for place, name in enumerate(CSV_ROW)])
    writer.writerows([list({**CSV_ROW, **changed}.values()) for changed in rows])
    return written.getvalue().encode(encoding)


def reply(output: Any, infcode: Any = 0) -> bytes:
    """A reply of the national platform."""
    return json.dumps({"infcode": infcode, "err_msg": "", "output": output}, ensure_ascii=False).encode()


def bundle(*calls: tuple[str, dict[str, Any], bytes]) -> bytes:
    """A sweep's bundle of (infno, asked, reply)."""
    written = [{"infno": infno, "asked": asked, "reply": said} for infno, asked, said in calls]
    return msgspec.msgpack.encode({"bundle": 1, "calls": written})
