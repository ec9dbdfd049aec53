"""What is wrong with a row or a page: the sentence of every code, and a few words of it."""

from __future__ import annotations

from typing import Final

from gateway.words.records import field_in_words

ROW_CODES: Final = {
    "missing": "必填，但没有值 (required, but empty)",
    "not_an_amount": "不是金额，应为最多两位小数的数字 (not an amount with at most two decimals)",
    "not_a_date": "不是约定格式的日期 (not a date in an agreed format)",
    "not_a_datetime": "不是约定格式的时间 (not a date and time in an agreed format)",
    "too_early": "早于2000年，不会是结算的时间 (before 2000, which no settlement is)",
    "not_an_integer": "不是整数 (not a whole number)",
    "bad_id_number": "身份证号码位数、校验码或出生日期不对 (not a valid id number)",
    "unknown_code": "代码不在映射的代码表里 (a code the mapping does not know)",
    "missing_part": "相加或要减去的金额缺了一项 (a part of a sum, or what is taken off, is missing)",
    "missing_amount": "核对需要的金额没有来 (an amount that the checks need is not there)",
    "repeated_key": "同一个键出现几次，值不相同 (a key stands there more than once with other values)",
    "cut_off": "最后一行没有换行，可能被截断 (the last line breaks off without its line end)",
    "wrong_pattern": "不符合 pattern 写明的样子 (not of the shape the pattern names)",
    "wrong_type": "值的类型不对 (a value of the wrong type)",
    "too_long": "内容过长 (longer than allowed)",
    "control_character": "含有控制字符 (holds a control character)",
    "damaged_number": "编号被表格软件改成了科学计数法 (an identifier damaged into scientific notation)",
    "bad_encoding": "有无法解码的字符 (holds characters that cannot be decoded)",
    "unreadable": "这一行无法解码 (the row cannot be decoded)",
    "bad_reply": "包里的应答无法解读 (a reply in the bundle cannot be read)",
    "wrong_columns": "列数与表头不符 (another number of cells than the header)",
    "wrong_width": "这一行的字节数不对，各列已错位 (a line of another length: its columns have moved)",
    "wrong_count": "行数与文件头不符 (not as many rows as the header says)",
    "hidden_sheet": "隐藏的工作表里有内容，没有读 (a hidden sheet holds something and was not read)",
    "no_header": "工作表里没有找到表头 (a sheet without the header)",
    "sum_row": "这是合计行，不是结算；可在映射里写 skip (a line of sums, no settlement)",
    "header_again": "表头在文件中间又出现了一次 (the header again, in the middle of the file)",
    "skipped": "不是一行结算，已跳过 (no row of its own, skipped)",
    "sum_mismatch_i1": "总额 ≠ 全自费 + 超限价 + 先行自付 + 政策范围 (I1: total is not its parts)",
    "sum_mismatch_i2": "总额 ≠ 基金 + 个人 + 医院 (I2: total is not fund + personal + hospital)",
    "sum_mismatch_i3": "个人负担 ≠ 个人账户 + 共济 + 现金 (I3: personal is not account + shared account + cash)",
    "sum_mismatch_i4": "基金总额 ≠ 各项基金之和 (I4: fund total is not the sum of the funds)",
    "deductible": "起付线大于总额，或正负与总额相反 (the deductible is larger than the total, or has another sign)",
    "date_order": "出院早于入院 (discharged before admitted)",
}
"""Row error code → the sentence shown with it. Stable: others store and count by the code."""

PAGE_CODES: Final = {
    "empty": "没有内容 (no content)",
    "too_large": "超过 16 MiB (larger than 16 MiB)",
    "too_many_rows": "超过 20 万行 (more than 200,000 rows)",
    "too_deep": "嵌套过深 (nested too deeply)",
    "wrong_encoding": "不是映射写明的编码 (not in the encoding the mapping names)",
    "not_json": "不是完整的 JSON (not complete JSON)",
    "not_xml": "不是完整的 XML (not well-formed XML)",
    "has_doctype": "XML 里有 DOCTYPE，一律不读 (a document type, which is never read)",
    "no_rows_found": "报文里没有找到结算所在的路径 (no settlements where the mapping says they stand)",
    "not_csv": "无法按 CSV 解读 (cannot be read as CSV)",
    "not_fixed": "不是约定的定长文本 (not text of the fixed width the mapping names)",
    "not_dbf": "不是DBF文件，或文件头已损坏 (not a dBase table, or a damaged header)",
    "memo_column": "要读的列是备注或二进制类型，内容不在文件里 (a memo or binary column, whose values cannot be read)",
    "not_excel": "不是Excel工作簿 (not a workbook)",
    "bad_workbook": "工作簿无法读取 (the workbook cannot be read)",
    "wrong_shape": "结算应为对象或数组 (settlements should be an object or an array)",
    "feed_error": "对方返回错误 (the feed answered with an error)",
    "bad_bundle": "包的结构不对 (not a bundle of replies)",
    "missing_columns": "表头缺列 (columns missing from the header)",
    "duplicate_columns": "表头有重复的列 (columns twice in the header)",
}
"""Page error code → the sentence shown with it."""


def trouble_in_words(field: str, code: str, message: str = "") -> str:
    """What is wrong with a row or a page, in a few words: total_amount, missing → 医疗总费用：必填，但没有值.

    Where no field is at fault the stored message says it best: one code may stand for several causes. Of a field's
    it is told what was found and what is agreed, which stands behind the sentence.
    """
    sentence = (message if message and not field else ROW_CODES.get(code) or PAGE_CODES.get(code, code)).split(" (")[0]
    detail = message.partition("；")[2] if field else ""
    words = f"{sentence}；{detail}" if detail else sentence
    return f"{field_in_words(field)}：{words}" if field else words
