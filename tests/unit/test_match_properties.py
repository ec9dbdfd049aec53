"""What holds of every decision, whatever record and members come together."""

from __future__ import annotations

from datetime import date

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from match_builders import BORN, NUMBER, id_number, member, model, record, swapped, with_digit

from gateway.core.match import match, member_blocks, record_blocks
from gateway.core.match.deciding import KNOWN_WRITINGS
from gateway.core.match.measuring.trying import Trial
from gateway.core.match.writing.name_keys import name_key, name_keys
from gateway.core.match.writing.name_tables import FRONT_SURNAMES, PARTS, TRANSCRIBING
from gateway.core.match.writing.names import compare_names
from gateway.core.roster import read_roster
from gateway.model.decision import Candidate, MatchDecision, MatchOutcome
from gateway.model.national_id import checksum_ok, sex_of
from gateway.model.person import Subject

NAMES = (
    "李伟国",
    "李偉國",
    "李韦国",
    "李?国",
    "李伟",
    "李伟国之子",
    "额尔敦朝鲁",
    "包额尔敦·朝鲁",
    "额尔敦朝",
    "王喆",
    "王哲",
    "王?",
)
DAYS = (BORN, date(1980, 12, 5), date(1981, 5, 12))
NUMBERS = (NUMBER, id_number(order=125), id_number(order=124), id_number(DAYS[1]), id_number(DAYS[2], 321), "E12345678")
SPOILED = (
    *NUMBERS,
    None,
    NUMBER[:6] + "********" + NUMBER[14:],
    NUMBER[:14] + "****",
    with_digit(NUMBER, 12),
    swapped(NUMBER, 14),
    NUMBER[:7] + NUMBER[8:],
)
MAYBE_EMPLOYER = st.sampled_from((None, "乌海市晨光矿业有限责任公司", "晨光矿业", "远山乳业厂"))
PERSON_NO = st.sampled_from((None, "1503000001", "1503000002"))

SUBJECTS = st.builds(
    Subject,
    id_number=st.sampled_from(SPOILED),
    name=st.sampled_from((None, *NAMES)),
    sex=st.sampled_from((None, "M", "F")),
    birth_date=st.sampled_from((None, *DAYS)),
    person_no=PERSON_NO,
    employer_name=MAYBE_EMPLOYER,
    phone=st.sampled_from((None, "19900000001")),
)


def _members(picks: list[tuple[str, str, int, str | None, str | None]]) -> list[Candidate]:
    return [
        member(
            member_id=index,
            member_no=f"M{index}",
            person_id=person,
            name=name,
            id_number=number,
            id_type="01" if checksum_ok(number) else "08",
            sex=sex_of(number) if checksum_ok(number) else "M",
            birth_date=date.fromisoformat(number[6:14]) if checksum_ok(number) else BORN,
            unit_name=unit,
            person_nos=(person_no,) if person_no else (),
        )
        for index, (name, number, person, unit, person_no) in enumerate(picks, 1)
    ]


MEMBERS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NUMBERS), st.integers(1, 3), MAYBE_EMPLOYER, PERSON_NO),
    max_size=4,
).map(_members)


@settings(max_examples=300)
@given(SUBJECTS, MEMBERS, st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(subject: Subject, members: list[Candidate], random: object) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert match(subject, shuffled, model()) == match(subject, members, model())


@settings(max_examples=300)
@given(SUBJECTS, MEMBERS, st.permutations(range(4)), st.permutations(range(1, 4)))
def test_numbers_inside_change_nothing(
    subject: Subject, members: list[Candidate], ids: list[int], persons: list[int]
) -> None:
    """Who stands where in a roster gives members their internal numbers, which must decide nothing."""
    renumbered = [
        msgspec.structs.replace(each, member_id=1 + ids[at], person_id=persons[each.person_id - 1])
        for at, each in enumerate(members)
    ]
    assert said(match(subject, renumbered, model())) == said(match(subject, members, model()))


def said(decision: MatchDecision) -> tuple[object, ...]:
    return decision.outcome, decision.member and decision.member.member_no, decision.score, decision.reasons


@settings(max_examples=300)
@given(SUBJECTS, MEMBERS)
def test_two_people_under_one_number_are_never_matched(subject: Subject, members: list[Candidate]) -> None:
    holders = {each.person_id for each in members if subject.id_number and each.id_number == subject.id_number}
    if len(holders) > 1:
        decision = match(subject, members, model())
        assert (decision.outcome, decision.reasons[-1]) == (MatchOutcome.REVIEW, "several_people")


@st.composite
def roster_files(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """The lines of a roster file, some member numbers on several of them, and the same lines in another order."""
    lines = []
    for number in draw(st.lists(st.sampled_from(("M1", "M2", "M10", "m3")), min_size=1, max_size=5)):
        name, id_ = (
            draw(st.sampled_from(("李伟国", "李·伟国", "额尔敦·朝鲁", "额尔敦朝鲁"))),
            draw(st.sampled_from(NUMBERS[:3])),
        )
        unit, phone = draw(st.sampled_from(("", "晨光矿业", "远山乳业厂"))), draw(st.sampled_from(("", "19900000001")))
        out = draw(st.sampled_from(("", "", "", "是")))
        lines.append(f"{number},{name},{id_},{unit},{phone},{out}")
    return lines, draw(st.permutations(lines))


@settings(max_examples=200, deadline=None)
@given(SUBJECTS, roster_files())
def test_the_order_of_a_roster_file_changes_nothing(subject: Subject, files: tuple[list[str], list[str]]) -> None:
    head = "member_no,name,id_number,unit_name,phone,opt_out"
    one, other = (
        Trial(read_roster("\n".join([head, *lines]).encode(), with_coverage=False).people, model(), looks_further=True)
        for lines in files
    )
    assert said(one.decide(subject)) == said(other.decide(subject))


@settings(max_examples=300)
@given(SUBJECTS, MEMBERS)
def test_nobody_is_matched_against_a_contradiction(subject: Subject, members: list[Candidate]) -> None:
    decision = match(subject, members, model())
    if decision.outcome is not MatchOutcome.MATCHED or decision.member is None:
        return
    found = decision.member
    known = KNOWN_WRITINGS | ({"lost", "folk_surname"} if found.id_number == subject.id_number else set())
    assert compare_names(subject.name or "", found.name) in known
    assert subject.sex in (None, found.sex)
    assert subject.birth_date in (None, found.birth_date)
    if subject.id_number and checksum_ok(subject.id_number) and checksum_ok(found.id_number):
        assert subject.id_number == found.id_number


@settings(max_examples=200)
@given(SUBJECTS, MEMBERS)
def test_name_and_birth_date_alone_match_nobody(subject: Subject, members: list[Candidate]) -> None:
    alone = msgspec.structs.replace(subject, id_number=None, person_no=None)
    assert match(alone, members, model()).outcome is not MatchOutcome.MATCHED


@settings(max_examples=200)
@given(SUBJECTS, MEMBERS)
def test_scores_and_reasons_are_well_formed(subject: Subject, members: list[Candidate]) -> None:
    decision = match(subject, members, model())
    assert 0.0 <= decision.score <= 1.0
    assert decision.score == round(decision.score, 6)
    assert decision.reasons
    assert all(code.isascii() and " " not in code for code in decision.reasons)
    assert msgspec.json.decode(msgspec.json.encode(decision)) is not None


@given(SUBJECTS)
def test_a_record_asks_for_two_blocks_at_most(subject: Subject) -> None:
    blocks = record_blocks(subject)
    assert len(blocks) <= 2
    assert len(set(blocks)) == len(blocks)
    if subject.id_number and checksum_ok(subject.id_number):
        assert [block[:3] for block in blocks] in ([], ["nb|"])


@settings(max_examples=200)
@given(st.sampled_from(SPOILED), st.sampled_from(("李伟国", "李偉國", "李韦国", "李?国", "?伟国")), st.booleans())
def test_the_blocks_find_whom_a_spoiled_record_is_about(number: str | None, name: str, has_birth: bool) -> None:
    subject = record(id_number=number, name=name, birth_date=BORN if has_birth else None)
    about = number not in NUMBERS[1:5] and (has_birth or number not in (None, "E12345678"))
    assert bool(set(record_blocks(subject)) & set(member_blocks(member()))) >= about


_NAME_LETTERS = "".join((*FRONT_SURNAMES, *TRANSCRIBING, *PARTS, *PARTS.values(), "伟國鄂倫贠㛃𬭎·?A（"))


@given(st.text(alphabet=_NAME_LETTERS, min_size=1, max_size=7) | st.text(max_size=5))
def test_the_quick_way_to_a_names_keys_finds_what_the_long_way_does(name: str) -> None:
    # A mark that nobody sees changes no name, but only the long way knows what to make of it.
    seen = f"{name}\u200b"
    assert name_key(name) == name_key(seen)
    assert name_keys(name) == name_keys(seen)
