"""What bytes that are no page of a mapping look like, and how the mapping would say so."""

from __future__ import annotations

import re
from typing import Final

from gateway.core.normalise.decoding import utf_16_of

_BEGINNINGS: Final = (
    (b"PK\x03\x04", "看上去是Excel工作簿或压缩包，请另存为CSV (a workbook or zip)"),
    (b"\xd0\xcf\x11\xe0", "看上去是旧版Excel工作簿，请另存为CSV (an old workbook)"),
    (b"\x1f\x8b", "看上去是gzip压缩的内容 (gzip)"),
    (b"%PDF", "看上去是PDF (a PDF)"),
    (b"Rar!", "看上去是RAR压缩包 (a RAR archive)"),
    (b"7z\xbc\xaf", "看上去是7z压缩包 (a 7z archive)"),
)
_WEB_PAGE: Final = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<body|<table|<meta)", re.IGNORECASE)
_XML: Final = re.compile(rb"<(\?xml|[A-Za-z_][-A-Za-z0-9_.]*(:[A-Za-z_][-A-Za-z0-9_.]*)?[\s/>])")


def looks_like(content: bytes) -> str:
    """What bytes look like, in words, and which word of the mapping would take them; "" where nothing can be said."""
    for beginning, words in _BEGINNINGS:
        if content.startswith(beginning):
            return words
    if utf_16_of(content) is not None:
        return "看上去是UTF-16，请导出为UTF-8 (UTF-16)"
    start = content.removeprefix(b"\xef\xbb\xbf")[:200].lstrip()
    if _WEB_PAGE.match(start):
        return "看上去是网页，不是数据：表格请另存为CSV或.xlsx (a web page)"
    if _XML.match(start):
        return '看上去是XML，映射里写 format.kind = "xml" (XML)'
    if start.startswith((b'{"', b"[{", b"{\n", b"{\r", b"{ ")):
        return '看上去是JSON，映射里写 format.kind = "json" (JSON)'
    return ""
