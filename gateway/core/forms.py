"""Forms that last: what is kept says in which form it is written, and every form ever released opens for ever.

Form 1 is what was kept before forms had numbers, and carries none. A later form begins with `MARK` and its number. No
value of form 1 can begin so: JSON objects begin with "{", msgpack maps with 0x80–0x8f, 0xde or 0xdf (0xc1 is the one
byte msgpack never uses), row lists with the letter of a row's class.

To add a field to a kept value: give it a default, so that what is kept without it still opens, and add a form, so that
an older program refuses what it would otherwise read without the field. A released form is never edited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from gateway.errors import UnknownForm

MARK: Final = b"\xc1"
"""What every form after the first begins with; the next byte is its number."""

T = TypeVar("T")


def marked(form: int, body: bytes) -> bytes:
    """The bytes to keep: a body of the first form as it is, of a later one behind its mark."""
    return body if form == 1 else MARK + bytes([form]) + body


def unmarked(stored: bytes, *, newest: int, what: str) -> tuple[int, bytes]:
    """Form and body of what was kept. Raises UnknownForm where a newer program wrote it."""
    if stored[:1] != MARK:
        return 1, stored
    form = stored[1] if len(stored) > 1 else 0
    if not 2 <= form <= newest:
        raise UnknownForm(what, form, newest)
    return form, stored[2:]


class Form(msgspec.Struct, Generic[T], frozen=True):
    """How one form of a value is written and read. `read` fills in what its form did not tell yet."""

    write: Callable[[T], bytes]
    read: Callable[[bytes], T]


class Forms(Generic[T]):
    """All released forms of one kind of kept value, the first of them first; the last one is written."""

    def __init__(self, what: str, *forms: Form[T]) -> None:
        self.what = what
        self.newest = len(forms)
        self._forms = forms
        self._first = forms[0].read

    def write(self, value: T) -> bytes:
        """The value in the newest form."""
        return marked(self.newest, self._forms[-1].write(value))

    def read(self, stored: bytes) -> T:
        """A value of any form. Raises UnknownForm, and what its form raises where it is no such value."""
        if stored[:1] != MARK:
            return self._first(stored)
        form, body = unmarked(stored, newest=self.newest, what=self.what)
        return self._forms[form - 1].read(body)


_pack = msgspec.msgpack.Encoder().encode


def packed(type_: type[T]) -> Form[T]:
    """A form that is the msgpack map of a struct. A field it gained later must have a default."""
    return Form(write=_pack, read=msgspec.msgpack.Decoder(type_).decode)


class ComparedForm:
    """How values are packed that are kept as a digest only, to be known again.

    A digest cannot be read, so a field that a struct gained after its first form counts only where it has a value: what
    says nothing new stays what it was. `first` names the fields of the first form, struct by struct, in the order they
    are packed in, whatever the order of the struct is by now.
    """

    def __init__(self, first: Mapping[type[msgspec.Struct], Sequence[str]]) -> None:
        self._first = {type_: _first_form(type_, names) for type_, names in first.items()}
        self._changed = {type_ for type_, names in first.items() if type_.__struct_fields__ != tuple(names)}

    def pack(self, value: Any) -> bytes:
        """The bytes to be digested: those of the first form where no later field has a value."""
        return _pack(self._plain(value) if self._changed else value)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._plain(part) for part in value]
        form = self._first.get(type(value))
        if form is None:
            return value
        plain = dict(zip(form.keys, form.values(value), strict=True))
        for name, key, default in form.later:
            content = getattr(value, name)
            if content != default:
                plain[key] = content
        # What is inside is packed as it is, unless a struct inside changed too.
        return (
            {key: self._plain(content) for key, content in plain.items()} if self._changed != {type(value)} else plain
        )


class _FirstForm(msgspec.Struct, frozen=True):
    """How a struct is packed: the keys of its first form and their values, then (field, key, default) of later ones."""

    keys: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    later: tuple[tuple[str, str, Any], ...]


def _first_form(type_: type[msgspec.Struct], first: Sequence[str]) -> _FirstForm:
    fields = {field.name: field for field in msgspec.structs.fields(type_)}
    return _FirstForm(
        keys=tuple(fields[name].encode_name for name in first),
        values=attrgetter(*first),
        later=tuple((name, field.encode_name, field.default) for name, field in fields.items() if name not in first),
    )
