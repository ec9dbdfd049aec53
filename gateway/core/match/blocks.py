"""Under which texts a member can be found besides the number, and which of them a record asks for.

A record asks for two at most, so each text must survive what happens to records. What the texts are made of stands with
each kind of evidence (`compare`); here is only the order of asking.

nb|birth date|name key · bl|birth date|last four · rl|region|last four · br|birth date|region · nl|name key|last four ·
dc|permit · be|birth date|employer ·
ph|phone · pn|person number (given to a member by the flow when it is learnt) · wn|whole name · ws|its sound (no record
asks for these two: people who search do)
"""

from __future__ import annotations

from datetime import date
from typing import Final

from gateway.core.match.compare import COMPARISONS, NAME, record_side
from gateway.core.match.compare.comparison import EARLIEST_BIRTH, day_of
from gateway.core.match.writing.name_keys import name_key
from gateway.core.match.writing.numbers import read_number, sound_numbers_near, swapped_across
from gateway.core.match.writing.spelling import folded, plain_name, sound
from gateway.model.national_id import checksum_ok
from gateway.model.person import Particulars, Subject

_MOST_ASKED: Final = 2
"""Every text is a look-up, and four records in five are strangers'."""


_BLOCKING: Final = tuple(comparison for comparison in COMPARISONS if comparison.place)
_TOLD_BY_FEEDS: Final = tuple(comparison for comparison in _BLOCKING if comparison.told_by_feeds)
_PLACES: Final = tuple(
    tuple(comparison for comparison in _BLOCKING if comparison.place == place)
    for place in sorted({comparison.place for comparison in _BLOCKING})
)


def member_blocks(person: Particulars, *, told_by_feeds: bool = False) -> tuple[str, ...]:
    """The block texts a member is indexed under besides the number; each begins with its kind. `told_by_feeds`: only
    those that a settlement could ask for."""
    number, born = person.id_number, person.birth_date
    day = number[6:14] if checksum_ok(number) else day_of(born) if born is not None else ""
    blocking = _TOLD_BY_FEEDS if told_by_feeds else _BLOCKING
    return tuple([text for comparison in blocking for text in comparison.member_blocks(person, day)])


def number_looked_up(id_type: str | None, number: str) -> str:
    """The number a record is looked up by first: of a resident's what can be read in it, whatever marks, letters or
    spaces stand among its digits, and an old one in 18 characters; of any other document what is written."""
    if id_type not in (None, "01") or (len(number) == 18 and number.isascii() and number.isdecimal()):
        # Of 18 digits nothing can be read that does not stand there.
        return number
    if checksum_ok(number):
        return number
    read = read_number(number)
    return read.text if read.kind in ("sound", "old") else number


def member_numbers(person: Particulars) -> tuple[str, ...]:
    """The numbers by which records lead to a member: the member's own, and of a resident's that is not sound on the
    roster those from which one slip makes it. So a sound record leads there without a look-up more."""
    number = person.id_number
    if person.id_type != "01" or checksum_ok(number):
        return (number,)
    return (number, *sound_numbers_near(number))


def record_blocks(subject: Subject, *, sound_too: bool = True) -> tuple[str, ...]:
    """At most two further texts to look up when the exact number found nobody, a third where two digits may stand
    swapped across birth date and order number; none where nothing could come of it.

    Name and birth date come first, because they survive a wrong number; then whatever the number still shows, or in its
    place the employer; then the person number and the phone, which few records carry.

    `sound_too`: also for a resident's number that is sound, which is nearly always another person's: at most a review
    follows. A permit changes with its form or its issue, so a sound one says nothing against a member's older one.
    """
    # Without a name no pair is ever worth a look.
    if not subject.name:
        return ()
    record = record_side(subject)
    if record.number.kind == "sound" and record.number.family == "1":
        text = NAME.record_block(record) if sound_too else ""
        return (text,) if text else ()
    asked: list[str] = []
    for comparisons in _PLACES:
        text = next((text for comparison in comparisons if (text := comparison.record_block(record))), "")
        if text and len(asked) < _MOST_ASKED:
            asked.append(text)
    # With a digit of the birth date in the last four, and the other way round, neither leads to anybody.
    if meant := swapped_across(record.number):
        asked.append(f"bl|{meant[6:14]}|{meant[14:]}")
    return tuple(asked)


def sound_block(number: str, name: str | None, born: date | None) -> str:
    """The one text `record_blocks` gives for a number that was proved already, as nearly everybody's is, in less time;
    "" for none."""
    key = name_key(name) if name else ""
    if not key:
        return ""
    day = day_of(born) if born is not None and born.year >= EARLIEST_BIRTH else number[6:14]
    return f"nb|{day}|{key}"


def name_search_blocks(name: str) -> tuple[str, str]:
    """The texts under which a person who searches finds a whole name: as it is written, but for spaces, dots, width and
    variants of characters, and as it sounds without tones."""
    written = folded(plain_name(name))
    return f"wn|{written}", "ws|" + " ".join(sound(character) for character in written)
