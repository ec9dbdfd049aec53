"""Which format a sample has. Every format has one proposer; a new format adds its line to the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.core.normalise.decoding import encoding_of, from_utf_16
from gateway.core.normalise.looks import looks_like
from gateway.core.studies.infer.fixed_samples import read_fixed_sample
from gateway.core.studies.infer.json_samples import read_json_sample
from gateway.core.studies.infer.line_samples import read_line_sample
from gateway.core.studies.infer.samples import Remark, Sample
from gateway.core.studies.infer.table_samples import is_table, read_dbf_sample, read_excel_sample
from gateway.core.studies.infer.xml_samples import read_xml_sample
from gateway.errors import BadInput
from gateway.model.page import MAX_PAGE_BYTES

READERS: Final[Mapping[str, Callable[[str], Sample | None]]] = {
    "json": read_json_sample,
    "xml": read_xml_sample,
    "csv": read_line_sample,
}
"""Format → what takes a text of it apart, None where it is none; asked in this order."""

FORMATS: Final = (*READERS, "fixed", "dbf", "excel")
"""All that can be read; the last two are no text, and width is looked for where no delimiter cuts."""


def read_sample(content: bytes) -> Sample:
    """A sample of whichever format it is. Raises BadInput where it is none that is known."""
    if len(content) <= MAX_PAGE_BYTES and is_table(content):
        table = read_dbf_sample(content) or read_excel_sample(content)
        if table is not None:
            return table
    text, encodings, remark = decoded(content)
    for reader in READERS.values():
        sample = reader(text)
        if sample is not None:
            sample.format["encoding"] = list(encodings)
            sample.remarks = {**sample.remarks, "format.encoding": remark}
            return sample
    fixed = read_fixed_sample(content, encodings[0])
    if fixed is not None:
        fixed.format["encoding"] = [encodings[0]]
        fixed.remarks = {**fixed.remarks, "format.encoding": remark}
        return fixed
    raise BadInput("unknown_format", f"读不懂这个样本；可读的格式 (readable): {'、'.join(FORMATS)}")


def decoded(content: bytes) -> tuple[str, tuple[str, str], Remark]:
    """A sample as text, its encoding and the other one, and how sure that is. Raises BadInput where it is no text."""
    if len(content) > MAX_PAGE_BYTES:
        raise BadInput("too_large", "样本超过16 MiB，请截取一部分 (the sample is larger than 16 MiB)")
    if not content.strip():
        raise BadInput("empty", "样本没有内容 (the sample is empty)")
    plain = from_utf_16(content) or content
    plain = plain.removeprefix(b"\xef\xbb\xbf")
    encoding = encoding_of(plain, ("utf-8", "gb18030"))
    if encoding is None or b"\x00" in plain[:4096]:
        seems = looks_like(content) or "不是文本 (no text)"
        raise BadInput("unknown_format", f"读不懂这个样本：{seems}；可读 (readable): {'、'.join(FORMATS)}")
    encodings = ("utf-8", "gb18030") if encoding == "utf-8" else ("gb18030", "utf-8")
    sure, why = (0.6, "全是ASCII，两种都可能") if plain.isascii() else (0.98, "样本的字节只合这种编码")
    return plain.decode(encoding, "replace"), encodings, Remark(sure, why)
