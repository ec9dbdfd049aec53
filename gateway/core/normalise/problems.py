"""What can be wrong with a row or a page: stable codes, and sentences that never hold a value."""

from __future__ import annotations

from gateway.errors import BadPage
from gateway.model.page import RowError
from gateway.words.troubles import PAGE_CODES, ROW_CODES


class Wrong(Exception):
    """One value that cannot be used. Carries only its code: which field it stands in, the reader knows."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def row_error(code: str, field: str, sources: tuple[str, ...] = ()) -> RowError:
    """A row error with its sentence, naming the field and the feed's own names for it."""
    place = f"{field}（{'、'.join(sources)}）" if sources else field
    return RowError(code=code, field=field, message=f"{place}：{ROW_CODES[code]}" if place else ROW_CODES[code])


def bad_page(code: str, detail: str = "") -> BadPage:
    """A page error with its sentence. `detail` must not come from a person's data."""
    return BadPage(code, f"{PAGE_CODES[code]}{'：' if detail else ''}{detail}")
