"""What became of a row, in words."""

from __future__ import annotations

from typing import Final

from gateway.model.rows import RowClass

CLASSES: Final = {
    RowClass.MEMBER: "会员",
    RowClass.NOT_PAYABLE: "会员·不属保障",
    RowClass.NON_MEMBER: "非会员",
    RowClass.REVIEW: "待核",
    RowClass.DUPLICATE: "重复",
    RowClass.SUPERSEDED: "已被取代",
    RowClass.QUARANTINED: "隔离",
}
"""What became of a row."""
