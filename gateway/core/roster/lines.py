"""Lines of a roster that are no members: sums (合计), signatures (制表人：), and the header once more."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

from gateway.core.roster.columns import Header, names_column

LineKind = Literal["sum", "signature", "header"]

_SUMS: Final = re.compile(
    r"(本页|本表|单位|在职|退休)?(人数|金额)?(合计|小计|总计|共计|累计)(人数|金额)?([(:].*|\d+[人名]?)?"
    r"|总(人数|金额)([(:].*)?|共\d+[人名]"
)
_SIGNATURES: Final = re.compile(
    r"(制表|填表|填报|制单|编制|审核|复核|审批|批准|经办|经手|联系|负责|分管|签字|签章)(单位|部门)?"
    r"(人|人员|领导|电话|日期|时间)?(签字|签章|签名|盖章)?([:(].*)?"
    r"|(单位|部门|工会)?(负责人|联系人|联系电话|主席|主要领导)(签字|签章|签名)?[:(].*"
    r"|\(?(单位|工会|部门)?(盖章|公章|签章)\)?([:(].*)?"
    r"|(填报|报送|参保|投保|申报)?(单位|工会)(名称)?\(?(盖章|公章|签章)\)?([:].*)?"
    r"|(备注|注|说明|填表说明)[:].*"
    r"|(日期|时间)[:].*"
)
_NUMBER_OF_A_PERSON: Final = 6
"""Whoever has so many letters and digits in the column of the id number is somebody."""


def kind_of_line(header: Header, cells: Sequence[object]) -> LineKind | None:
    """What a line below this header is when it is no member's; None for a member's, however much is wrong with it.

    A member's line has something in the column of the id number or of the member number. What a sum or a signature is
    stands at its beginning, or where the member number or the name would be.
    """
    number = _text(header, cells, "id_number")
    if len(number) >= _NUMBER_OF_A_PERSON and _closing(number) is None:
        return None
    member_no = _text(header, cells, "member_no")
    if names_column(number, "id_number") or names_column(member_no, "member_no"):
        return "header"
    if member_no and _closing(member_no) is None:
        return None
    begins = next((_bare(cell) for cell in cells if cell != ""), "")
    return _closing(begins) or _closing(member_no) or _closing(_text(header, cells, "name"))


def _text(header: Header, cells: Sequence[object], column: str) -> str:
    place = header.at.get(column)
    return _bare(cells[place]) if place is not None and place < len(cells) else ""


def _closing(text: str) -> Literal["sum", "signature"] | None:
    if _SUMS.fullmatch(text):
        return "sum"
    return "signature" if _SIGNATURES.fullmatch(text) else None


def _bare(cell: object) -> str:
    """A cell half width and without any space: offices write 合　计."""
    return "".join(unicodedata.normalize("NFKC", str(cell)).split())
