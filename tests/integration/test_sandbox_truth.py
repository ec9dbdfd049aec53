"""Labelled truth: what a label says is so on the line it labels, nobody in it is real, the seed decides everything."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import pinyin
from pypinyin.constants import Style

from gateway.core.match.measuring.evaluating import Label
from gateway.core.roster import RosterMember, read_roster
from gateway.errors import WrongUse
from gateway.model.national_id import checksum_ok, normalise_id
from gateway.sandbox.people import Dice
from gateway.sandbox.truth import Mix, TruthPlan, roster_of, roster_row, truth_of, write_truth
from gateway.sandbox.truth_errors import KINDS, SpoiledLine
from gateway.sandbox.truth_names import OTHER_TONE, PARTS, PINYIN, RARE, fits, mongol_name, mongol_parts
from gateway.sandbox.truth_people import REGIONS, World
from gateway.sandbox.truth_traps import TRAPS

MEMBERS, RECORDS = 3000, 12_000


@cache
def truth(mix: Mix) -> tuple[tuple[SpoiledLine, Label], ...]:
    return tuple(truth_of(TruthPlan(members=MEMBERS, records=RECORDS, mix=mix, seed=3)))


@cache
def members() -> dict[str, RosterMember]:
    """The roster of both mixes, as the gateway reads it."""
    plan = TruthPlan(members=MEMBERS, records=1, seed=3)
    rows = [roster_row(person, opted_out=plan.world.opted_out(person.index)) for person in roster_of(plan)]
    head = "member_no,name,id_type,id_number,sex,birth_date,phone,unit_no,unit_name,league,category,scheme,"
    text = "\n".join([head + "coverage_from,coverage_to,opt_out", *map(",".join, rows)])
    read = read_roster(text.encode())
    assert not read.findings
    return {member.member_no: member for member in read.people}


def of_kind(kind: str) -> list[tuple[SpoiledLine, Label]]:
    found = [(line, label) for line, label in truth("hard") if label.kind == kind]
    assert found, kind
    return found


def test_the_same_plan_writes_the_same_files(tmp_path: Path) -> None:
    plan = TruthPlan(members=60, records=80, mix="hard", seed=9)
    counts = write_truth(tmp_path / "one", plan)
    write_truth(tmp_path / "two", msgspec.structs.replace(plan))
    write_truth(tmp_path / "other", msgspec.structs.replace(plan, seed=10))
    for name in ("roster.csv", "records.jsonl", "truth.jsonl"):
        one, two, other = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two", "other"))
        assert one == two != other
    assert sum(counts.values()) == 80
    rows = list(csv.reader((tmp_path / "one" / "roster.csv").open(encoding="utf-8")))
    assert len(rows) == 61


def test_the_mixes_are_what_they_say() -> None:
    for mix, clean in (("life", 0.95), ("hard", 0.50)):
        labels = [label for _, label in truth("life" if mix == "life" else "hard")]
        own = [label for label in labels if label.member_no]
        assert len(own) == RECORDS // 4
        assert abs(sum(label.kind == "clean" for label in own) / len(own) - clean) < 0.03
    assert {label.kind for _, label in truth("hard")} == {"clean", "stranger", *KINDS, *TRAPS}


def test_every_label_names_a_member_who_takes_part() -> None:
    for line, label in truth("hard"):
        assert line.settlement_no == label.settlement_no
        for number in (label.member_no, *label.also):
            assert number is None or not members()[number].opt_out
        assert not (label.automatic and label.review)
        assert label.member_no or not label.automatic


def test_nobody_is_real_and_nobody_stands_twice() -> None:
    numbers = Counter(member.id_number for member in members().values() if member.id_type == "01")
    assert all(number.startswith(REGIONS) and checksum_ok(number) for number in numbers)
    twice = [number for number, times in numbers.items() if times > 1]
    enrolled_twice = [
        m for m in members().values() if World(3, members=MEMBERS).person(int(m.member_no[2:])).role == "enrolled_twice"
    ]
    assert sorted(twice) == sorted({member.id_number for member in enrolled_twice})
    for line, _ in truth("hard"):
        number = normalise_id(line.id_number or "")
        assert not checksum_ok(number) or number.startswith((*REGIONS, "915999", "810999", "820999", "830999"))


def test_who_is_enrolled_twice_is_for_a_person() -> None:
    twice = [label for _, label in truth("hard") if label.also]
    assert twice
    assert all(label.review and not label.automatic for label in twice)
    spans = {
        tuple(sorted(members()[number].coverage[0].first_day.year for number in (str(label.member_no), *label.also)))
        for label in twice
    }
    # At one time, or one after the other.
    assert spans == {(2021, 2021), (2020, 2021)}


def test_the_region_can_be_given() -> None:
    plan = TruthPlan(members=300, records=300, mix="hard", seed=3, regions=("150999",))
    numbers = [person.id_number for person in roster_of(plan) if person.id_type == "01"]
    numbers += [line.id_number or "" for line, _ in truth_of(plan)]
    sound = [number for number in numbers if checksum_ok(number) and number[1:6] != "10999" and number[0] == "1"]
    assert len(sound) > 400
    assert {number[:6] for number in sound} == {"150999"}


def test_a_clean_line_is_the_member() -> None:
    for line, label in of_kind("clean"):
        member = members()[str(label.member_no)]
        assert (line.name, line.id_number, line.birth_date) == (member.name, member.id_number, member.birth_date)


def test_one_wrong_digit_is_one_wrong_digit() -> None:
    for kind in ("number_one_wrong", "number_check_wrong"):
        for line, label in of_kind(kind):
            own, written = members()[str(label.member_no)].id_number, str(line.id_number)
            assert sum(a != b for a, b in zip(own, written, strict=True)) == 1
            assert not checksum_ok(written)


def test_two_digits_changed_places() -> None:
    for line, label in of_kind("number_swapped"):
        own, written = members()[str(label.member_no)].id_number, str(line.id_number)
        apart = [at for at in range(18) if own[at] != written[at]]
        assert [own[at] for at in apart] == [written[at] for at in reversed(apart)]
        assert apart[1] - apart[0] == 1


def test_what_is_not_masked_is_the_members() -> None:
    for line, label in of_kind("number_masked"):
        own = members()[str(label.member_no)].id_number
        assert str(line.id_number)[:6] == own[:6]
        assert str(line.id_number)[-4:] == own[-4:]
        assert own not in str(line.id_number)


def test_spoiled_names_leave_the_number_alone() -> None:
    for kind in (name for name in KINDS if name.startswith(("name", "mongol"))):
        for line, label in of_kind(kind):
            member = members()[str(label.member_no)]
            assert line.name != member.name
            assert line.id_number == member.id_number


def test_a_members_number_in_another_hand_is_the_members() -> None:
    by_number = {member.id_number: member for member in members().values()}
    for kind in ("used_by_stranger", "used_by_sibling", "used_for_newborn"):
        for line, label in of_kind(kind):
            assert by_number[str(line.id_number)].name != line.name
            assert label.review


@pytest.mark.parametrize("kind", ["stranger", "same_name_and_birth", "one_digit_away", "father_and_son", "household"])
def test_strangers_numbers_are_nobodys(kind: str) -> None:
    numbers = {member.id_number for member in members().values()}
    assert not [line for line, _ in of_kind(kind) if line.id_number in numbers]


def test_namesakes_are_namesakes() -> None:
    known = {(member.name, member.birth_date) for member in members().values()}
    for kind in ("same_name_and_birth", "same_name_and_birth_unproved"):
        assert all((line.name, line.birth_date) in known for line, _ in of_kind(kind))


def test_one_digit_away_is_one_digit_and_the_check_digit() -> None:
    starts = Counter(member.id_number[:16] for member in members().values())
    assert all(
        checksum_ok(str(line.id_number)) and starts[str(line.id_number)[:16]] for line, _ in of_kind("one_digit_away")
    )


def test_twins_were_born_where_and_when_a_member_was() -> None:
    known = {member.id_number[:14]: member for member in members().values()}
    assert {line.birth_date for line, _ in of_kind("twin")} <= {member.birth_date for member in members().values()}
    sound = [line for line, _ in of_kind("twin") if checksum_ok(str(line.id_number))]
    assert sound
    assert all(str(line.id_number)[:14] in known for line in sound)
    assert sum(line.name[0] == known[str(line.id_number)[:14]].name[0] for line in sound if line.name) > len(sound) // 2


def test_opted_out_people_are_on_the_roster() -> None:
    out = {member.id_number for member in members().values() if member.opt_out}
    assert {line.id_number for line, _ in of_kind("opted_out")} <= out


def test_rare_characters_are_rare_and_sound_alike() -> None:
    assert [rare for rare in RARE if fits(rare, "gb2312")] == []
    assert sum(not fits(rare, "gbk") for rare in RARE) >= 5
    for rare, typed in RARE.items():
        sounds = _sounds(rare)
        assert all(_sounds(each) & sounds and fits(each, "gb2312") for each in typed)
    assert RARE.keys() >= PARTS.keys() | PINYIN.keys()
    assert all(letters.lower() in _sounds(rare) for rare, letters in PINYIN.items())


def _sounds(character: str) -> set[str]:
    return set(pinyin(character, style=Style.NORMAL, heteronym=True)[0])


@given(st.integers(0, 10**6), st.sampled_from("MF"))
def test_mongolian_names_fall_into_their_parts(seed: int, sex: str) -> None:
    name = mongol_name(Dice("a name", seed), sex)
    assert "".join(mongol_parts(name)) == name.replace("·", "")


@settings(max_examples=25)
@given(
    size=st.integers(10, 60),
    records=st.integers(1, 60),
    seed=st.integers(0, 10**6),
    mix=st.sampled_from(["life", "hard"]),
)
def test_a_small_roster_gives_truth_too(size: int, records: int, seed: int, mix: Mix) -> None:
    plan = TruthPlan(members=size, records=records, mix=mix, seed=seed)
    on_roster = {person.member_no for person in roster_of(plan)}
    labels = [label for _, label in truth_of(plan)]
    assert len(labels) == records
    assert {label.member_no for label in labels} - {None} <= on_roster
    assert all(label.member_no for label in itertools.islice(labels, 0, None, 4))


def test_more_people_than_numbers_are_refused() -> None:
    with pytest.raises(WrongUse, match="10 members at least"):
        TruthPlan(members=9, records=1)
    with pytest.raises(WrongUse, match="10 members at least"):
        TruthPlan(members=3_800_000, records=100_000, regions=("150999",))


def test_characters_of_another_tone_are_known() -> None:
    for rare, typed in RARE.items():
        others = "".join(each for each in typed if _tones(each).isdisjoint(_tones(rare)))
        assert others == OTHER_TONE.get(rare, "")


def _tones(character: str) -> set[str]:
    return set(pinyin(character, style=Style.TONE3, heteronym=True)[0])
