"""`[format]` of a mapping: which bytes a league sends, and what in them is a row (格式)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gateway.core.normalise import language as core
from gateway.ports import FileRows
from gateway.settings.files import Spec


def one_or_more(value: Any) -> Any:
    """One text may stand without brackets."""
    return (value,) if isinstance(value, str) else value


def column_name(text: str) -> str:
    """A name the feed gives to a value, as it may stand in a mapping."""
    if not text.isprintable() or set(text) & set('"\\'):
        raise ValueError(
            '列名或键名，不含控制字符、引号和反斜线；表头两边的TAB本来就会去掉 (no control character, " or \\)'
        )
    return text


Text = Annotated[str, Field(min_length=1, max_length=100)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(one_or_more)]
Column = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(column_name)]
"""A name the feed gives to a value: a header cell, a key, or a dotted path of keys."""
Columns = Annotated[tuple[Column, ...], BeforeValidator(one_or_more)]
Encoding = Literal["utf-8", "gb18030", "gbk"]
Encodings = Annotated[tuple[Encoding, ...], BeforeValidator(one_or_more), Field(min_length=1)]


class JsonSpec(Spec):
    """A JSON page. `rows`: dotted paths to the settlements, the first that exists; "." is a bare array. `lines`: there
    is no message, every line is an object and a settlement (NDJSON)."""

    kind: Literal["json"]
    encoding: Encodings = ("utf-8",)
    envelope: Literal["none", "national"] = "none"
    lines: bool = False
    rows: Annotated[Columns, Field(validate_default=True)] = ()
    may_be_missing: bool = False

    @field_validator("rows")
    @classmethod
    def _rows_or_lines(cls, rows: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("lines") is bool(rows):
            raise ValueError("写 rows（报文中的路径）或 lines = true（每行一个对象），只写一个 (one of the two)")
        return rows

    @model_validator(mode="after")
    def _without_message(self) -> JsonSpec:
        if self.lines and (self.envelope != "none" or self.may_be_missing):
            raise ValueError("lines = true 时没有报文，envelope、may_be_missing 不适用 (there is no message)")
        return self

    def plain(self) -> core.JsonFormat:
        """The same for the core."""
        return core.JsonFormat(
            rows=self.rows or (".",),
            lines=self.lines,
            encoding=self.encoding,
            national_envelope=self.envelope == "national",
            may_be_missing=self.may_be_missing,
        )


class XmlSpec(Spec):
    """An XML page. `rows`: dotted paths to the settlements, the first that exists; `name#` takes name, name1, name2.
    `repeated`: which value counts of a tag that stands in a settlement more than once."""

    kind: Literal["xml"]
    encoding: Encodings = ("utf-8", "gb18030")
    rows: Annotated[Columns, Field(min_length=1)]
    repeated: core.Repeated = "same"
    may_be_missing: bool = False

    def plain(self) -> core.XmlFormat:
        """The same for the core."""
        return core.XmlFormat(**self.model_dump(exclude={"kind"}))


class ControlSpec(Spec):
    """Lines that are no settlements and say something of the others: what they begin with, and what their cells are
    called, where that is not as in the header."""

    begins: Annotated[Texts, Field(min_length=1)]
    columns: Columns = ()

    def plain(self) -> core.ControlLine:
        """The same for the core."""
        return core.ControlLine(begins=self.begins, columns=self.columns)


Control = tuple[ControlSpec, ...]


class CsvSpec(Spec):
    """A page of separated text, one row a line. `columns` names the cells where the file has no header line; `widths`:
    how many of them an edition of the file may have; `further`: an edition may have more behind."""

    kind: Literal["csv"]
    encoding: Encodings = ("utf-8",)
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    columns: Columns = ()
    widths: tuple[Annotated[int, Field(ge=1, le=500)], ...] = ()
    further: bool = False
    open_end: bool = False
    control: Control = ()

    def plain(self) -> core.CsvFormat:
        """The same for the core."""
        return core.CsvFormat(**self.model_dump(exclude={"kind", "control"}), control=_control(self.control))


class ColumnSpec(Spec):
    """A column of fixed width in bytes. `at`: its first byte, from 1; left out, it begins behind the one before it."""

    name: Column
    width: Annotated[int, Field(ge=1, le=4000)]
    at: Annotated[int, Field(ge=1, le=65_536)] | None = None


FixedColumns = tuple[ColumnSpec, ...]


class FixedControlSpec(Spec):
    """Control lines of fixed width: what they begin with, and where their values stand."""

    begins: Annotated[Texts, Field(min_length=1)]
    columns: FixedColumns = ()


class FixedSpec(Spec):
    """Text of fixed width, counted in bytes. `length`: the bytes of a row, where it ends with something no column
    names; `without_ends`: rows without line ends; `short_lines`: blanks at the end of a line may be left out."""

    kind: Literal["fixed"]
    encoding: Encodings = ("gb18030",)
    columns: Annotated[FixedColumns, Field(min_length=1)]
    length: Annotated[int, Field(ge=1, le=65_536)] | None = None
    without_ends: bool = False
    short_lines: bool = False
    control: tuple[FixedControlSpec, ...] = ()

    def plain(self) -> core.FixedFormat:
        """The same for the core."""
        columns = placed(self.columns)
        return core.FixedFormat(
            columns=columns,
            length=self.length or max(column.at + column.width for column in columns),
            encoding=self.encoding,
            without_ends=self.without_ends,
            short_lines=self.short_lines,
            control=tuple(core.ControlLine(begins=line.begins, spans=placed(line.columns)) for line in self.control),
        )


class DbfSpec(Spec):
    """A table of dBase III or FoxPro, whose header names its columns."""

    kind: Literal["dbf"]
    encoding: Encodings = ("gb18030",)
    control: Control = ()

    def plain(self) -> core.DbfFormat:
        """The same for the core."""
        return core.DbfFormat(encoding=self.encoding, control=_control(self.control))


class ExcelSpec(Spec):
    """A workbook. `sheets`: the names of those to read, where not all; `hidden`: what is made of hidden ones."""

    kind: Literal["excel"]
    sheets: Texts = ()
    hidden: core.HiddenSheets = "refuse"
    control: Control = ()

    def plain(self) -> core.ExcelFormat:
        """The same for the core."""
        return core.ExcelFormat(sheets=self.sheets, hidden=self.hidden, control=_control(self.control))


def _control(lines: Control) -> tuple[core.ControlLine, ...]:
    return tuple(line.plain() for line in lines)


def placed(columns: FixedColumns) -> tuple[core.Column, ...]:
    """The columns with the place each begins at, from 0."""
    behind, all_placed = 0, list[core.Column]()
    for column in columns:
        at = behind if column.at is None else column.at - 1
        all_placed.append(core.Column(name=column.name, at=at, width=column.width))
        behind = at + column.width
    return tuple(all_placed)


def columns_of(form: Any) -> tuple[str, ...]:
    """The columns a mapping itself names; none where the file does. Raises ValidationError."""
    kind = form.get("kind") if isinstance(form, dict) else None
    if kind == "fixed":
        return tuple(column.name for column in FixedSpec.model_validate(form).columns)
    return CsvSpec.model_validate(form).columns if kind == "csv" else ()


def rows_of_files(spoken: core.Format) -> FileRows:
    """How rows are told apart in files of a format."""
    if isinstance(spoken, core.DbfFormat):
        return FileRows(by="dbf")
    if isinstance(spoken, core.FixedFormat) and spoken.without_ends:
        return FileRows(by="records", record_bytes=spoken.length)
    if isinstance(spoken, core.JsonFormat) and spoken.lines:
        return FileRows(with_header=False)
    if isinstance(spoken, core.CsvFormat | core.FixedFormat):
        # Where the mapping itself names the columns, or the file has none, every line is a row and stands once.
        return FileRows(with_header=isinstance(spoken, core.CsvFormat) and not spoken.columns)
    return FileRows(by="whole")
