"""Nothing that a feed hides is evidence: a record that says less is never surer of anybody it spoke for."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from match_builders import BORN, NUMBER, id_number, member, model, record

from gateway.core.match import explain, match
from gateway.core.match.compare import record_side
from gateway.core.match.measuring.trying import Trial
from gateway.core.match.scoring import score_of, score_pair
from gateway.core.match.writing.contacts import compare_employers, own_phone
from gateway.core.match.writing.names import compare_names
from gateway.core.roster import RosterMember
from gateway.model.decision import Candidate, MatchOutcome
from gateway.model.person import Subject

RANK = {MatchOutcome.NONE: 0, MatchOutcome.REVIEW: 1, MatchOutcome.MATCHED: 2}
WORKS = "乌海市晨光矿业有限责任公司"
OWN = Subject(
    id_type="01",
    id_number=NUMBER,
    name="李伟国",
    sex="M",
    birth_date=BORN,
    person_no="1503000001",
    employer_name=WORKS,
    phone="19900000001",
)
KNOWN_NAMES = ("李伟国", "王䶮", "王喆国", "额尔敦朝鲁", "土默特·格日勒图", "欧阳明", "JOHN SMITH", "包格日勒")
OTHER_NAMES = (*KNOWN_NAMES, "王强", "李卫国", "李国", "包格日勒图", "阿拉坦其其格", "JANE SMITH", "欧明", "李伟国之子")
MARKS = st.sampled_from("*＊×#◇")


def score(subject: Subject, about: Candidate) -> float:
    """What a decision would show, whatever it decides."""
    return score_of(score_pair(record_side(subject), about, model()), model())


def hidden(text: str, places: set[int], mark: str) -> str:
    """The text with a mark in these places."""
    return "".join(mark if at in places else character for at, character in enumerate(text))


@st.composite
def hidings(draw: st.DrawFn, subject: Subject) -> Subject:
    """The record with one part of it hidden: a field, or some characters of the name or the number."""
    field = draw(st.sampled_from(("id_number", "name", "sex", "birth_date", "person_no", "employer_name", "phone")))
    text = getattr(subject, field)
    if field in ("id_number", "name") and text and draw(st.booleans()):
        places = draw(st.sets(st.integers(0, len(text) - 1), min_size=1))
        return msgspec.structs.replace(subject, **{field: hidden(text, places, draw(MARKS))})
    return msgspec.structs.replace(subject, **{field: None})


@st.composite
def own_records(draw: st.DrawFn) -> tuple[Candidate, list[Candidate], Subject]:
    """A member, others beside, and a record that says nothing but what is so of the member."""
    name = draw(st.sampled_from(KNOWN_NAMES))
    about = member(name=name, person_nos=("1503000001",) if draw(st.booleans()) else ())
    beside = [
        member(
            member_id=at,
            person_id=at,
            member_no=f"M{at}",
            name=draw(st.sampled_from(OTHER_NAMES)),
            id_number=id_number(draw(st.sampled_from((BORN, date(1981, 5, 12)))), order),
            birth_date=BORN,
            sex="M",
        )
        for at, order in draw(st.lists(st.sampled_from([(2, 125), (3, 321), (4, 123)]), max_size=2, unique=True))
    ]
    said = msgspec.structs.replace(OWN, name=draw(st.sampled_from((name, name + " ", f"{name}(本人)"))))
    for field in draw(st.sets(st.sampled_from(("sex", "birth_date", "person_no", "employer_name", "phone")))):
        said = msgspec.structs.replace(said, **{field: None})
    return about, [other for other in beside if other.id_number != NUMBER], said


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_hiding_what_is_so_never_raises_a_score_nor_an_outcome(data: st.DataObject) -> None:
    about, beside, subject = data.draw(own_records())
    for _ in range(data.draw(st.integers(1, 4))):
        less = data.draw(hidings(subject))
        assert score(less, about) <= score(subject, about)
        before, after = match(subject, [about, *beside], model()), match(less, [about, *beside], model())
        assert RANK[after.outcome] <= RANK[before.outcome]
        assert after.outcome is not MatchOutcome.MATCHED or after.member == about
        subject = less


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_hiding_characters_of_any_name_never_raises_the_score_of_anybody(data: st.DataObject) -> None:
    name, of = data.draw(st.sampled_from(OTHER_NAMES)), data.draw(st.sampled_from(OTHER_NAMES))
    number = data.draw(st.sampled_from((NUMBER, NUMBER[:6] + "********" + NUMBER[14:], None, id_number(order=321))))
    subject = msgspec.structs.replace(OWN, name=name, id_number=number)
    if data.draw(st.booleans()):
        # Not the whole name at first either.
        subject = msgspec.structs.replace(subject, name=hidden(name, {data.draw(st.integers(0, len(name) - 1))}, "*"))
    said = str(subject.name)
    places = data.draw(st.sets(st.integers(0, len(said) - 1), min_size=1))
    less_name = data.draw(st.sampled_from((hidden(said, places, data.draw(MARKS)), None)))
    less = msgspec.structs.replace(subject, name=less_name)
    holder = member(name=of)
    assert score(less, holder) <= score(subject, holder)
    before, after = match(subject, [holder], model()), match(less, [holder], model())
    # A doubt may become one where nobody could be named before; a match it never becomes.
    assert after.outcome is not MatchOutcome.MATCHED or before.outcome is MatchOutcome.MATCHED
    assert after.outcome is not MatchOutcome.MATCHED


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_hiding_what_does_not_speak_against_somebody_never_raises_the_score(data: st.DataObject) -> None:
    """Of any record and any member: only what spoke against the member may go and leave a higher score."""
    subject = msgspec.structs.replace(
        OWN,
        id_number=data.draw(st.sampled_from((NUMBER, None, NUMBER[:6] + "********" + NUMBER[14:]))),
        name=data.draw(st.sampled_from(OTHER_NAMES)),
        sex=data.draw(st.sampled_from(("M", "F"))),
        birth_date=data.draw(st.sampled_from((BORN, date(1980, 12, 5), date(1981, 5, 12)))),
        employer_name=data.draw(st.sampled_from((WORKS, "远山乳业厂", "灵活就业"))),
        phone=data.draw(st.sampled_from(("19900000001", "04730000000"))),
    )
    about = member(name=data.draw(st.sampled_from(KNOWN_NAMES)), person_nos=("1503000001",))
    weights = {step.field: step.weight for step in explain(subject, about, model())}
    field = data.draw(st.sampled_from(("sex", "birth_date", "person_no", "employer", "phone")))
    if weights[field] >= 0 and not (field in ("sex", "birth_date") and weights[field] == 0):
        less = msgspec.structs.replace(subject, **{"employer_name" if field == "employer" else field: None})
        assert score(less, about) <= score(subject, about)


# The case itself: 王䶮 and the brother 王强, both of whom a feed writes 王*.
RARE = member(name="王䶮")


@pytest.mark.parametrize("number", [NUMBER, NUMBER[:6] + "********" + NUMBER[14:], NUMBER[:3] + "*" * 11 + NUMBER[14:]])
@pytest.mark.parametrize("name", ["王*", "王＊", "王×", "王_", "王◇", "**", "*䶮"])
def test_a_hidden_name_is_a_persons_to_judge_whatever_else_agrees(number: str, name: str) -> None:
    everything = msgspec.structs.replace(OWN, id_number=number, name=name)
    decision = match(everything, [RARE], model())
    assert (decision.outcome, decision.member) == (MatchOutcome.REVIEW, RARE)
    assert decision.reasons[1] == f"name_{compare_names(name, '王䶮')}"


@pytest.mark.parametrize("name", ["王?", "王□", "王〓", "王■", "王\ufffd", "王\ue863"])
def test_a_lost_rare_character_is_still_the_members(name: str) -> None:
    assert match(record(name=name), [RARE], model()).outcome is MatchOutcome.MATCHED


def test_what_the_roster_hides_too_is_no_agreement() -> None:
    masked = member(name="王*")
    decision = match(record(name="王*"), [masked], model())
    assert (decision.outcome, decision.reasons[-1]) == (MatchOutcome.REVIEW, "roster_unproved")
    guest = member(id_type="08", id_number="E****5678", name="JOHN SMITH")
    subject = record(id_type="08", id_number="E****5678", name="JOHN SMITH")
    assert match(subject, [guest], model()).outcome is MatchOutcome.REVIEW


SLIPPED = NUMBER[:15] + NUMBER[16] + NUMBER[15] + NUMBER[17]
NAMESAKES = {"id_number": SLIPPED}


@pytest.mark.parametrize(
    "default",
    [
        "灵活就业",
        "灵活就业人员",
        "乌海市灵活就业人员",
        "个人缴费",
        "无",
        "乌海市医疗保障局",
        "海勃湾区社会保险事业服务中心",
        "城乡居民",
    ],
)
def test_an_employer_that_is_nobodys_is_no_evidence(default: str) -> None:
    """A digit wrong in the last four may be a namesake's of that day and district, unless the employer agrees."""
    jobless = member(unit_name=default)
    assert compare_employers(default, default) == "missing"
    assert match(record(**NAMESAKES, employer_name=default), [jobless], model()).outcome is MatchOutcome.REVIEW
    assert match(record(**NAMESAKES, employer_name=WORKS), [member()], model()).outcome is MatchOutcome.MATCHED


@pytest.mark.parametrize(
    "works", ["乌海市人民医院", "乌海市社保印刷厂", "乌海市医疗保障局印刷有限公司", "个体机械有限公司", "其他山矿业"]
)
def test_employers_that_only_sound_so_are_employers(works: str) -> None:
    assert compare_employers(works, works) == "equal"


@pytest.mark.parametrize(
    "phone", ["0473-2000000", "04732000000", "13800000000", "13800138000", "13812345678", "199****0001", "120"]
)
def test_a_telephone_that_is_not_one_persons_is_no_evidence(phone: str) -> None:
    assert own_phone(phone) == ""
    assert match(record(**NAMESAKES, phone=phone), [member(phone=phone)], model()).outcome is MatchOutcome.REVIEW


def test_a_telephone_of_ones_own_is_evidence() -> None:
    assert own_phone("+86 199-0000-0001") == "19900000001"
    assert match(record(**NAMESAKES, phone="199 0000 0001"), [member()], model()).outcome is MatchOutcome.MATCHED


@pytest.mark.parametrize("number", ["0", "000000", "1111111111", "123456789", "1503****01", "15030000*1"])
def test_a_person_number_that_is_everybodys_is_no_evidence(number: str) -> None:
    known = member(person_nos=(number,))
    assert match(record(id_number=None, person_no=number), [known], model()).outcome is MatchOutcome.REVIEW
    assert match(
        record(id_number=None, person_no="1503000001"), [member(person_nos=("1503000001",))], model()
    ).outcome is (MatchOutcome.MATCHED)


def test_a_masked_employer_is_no_employer() -> None:
    assert compare_employers("乌海市**矿业", WORKS) == compare_employers(WORKS, "晨光**") == "missing"


def test_sex_and_birth_date_are_not_read_out_of_a_masked_number() -> None:
    """What a masked number hides is missing, not equal: the feed's own fields must say it."""
    masked = NUMBER[:6] + "********" + NUMBER[14:]
    levels = {
        step.field: step.level
        for step in explain(record(id_number=masked, sex=None, birth_date=None), member(), model())
    }
    assert (levels["birth_date"], levels["sex"]) == ("missing", "missing")
    assert match(record(id_number=masked, birth_date=None), [member()], model()).outcome is MatchOutcome.REVIEW


def test_whom_a_hidden_rival_may_be_stays_in_question() -> None:
    """A record that says less of a rival is no surer of the one it names: the birth date that both share may go."""
    about, rival = (
        member(person_nos=("1503000001",)),
        member(member_id=2, person_id=2, member_no="M2", id_number=id_number(order=321)),
    )
    for born in (BORN, None):
        subject = record(id_number=None, birth_date=born, person_no="1503000001")
        assert match(subject, [about, rival], model()).outcome is MatchOutcome.REVIEW


def test_match_try_says_review_too() -> None:
    people = [RosterMember(member_no="M1", name="王䶮", id_number=NUMBER, sex="M", birth_date=BORN)]
    trial = Trial(people, model())
    line: dict[str, Any] = {"settlement_no": "S1", "name": "王*", "id_type": "01", "id_number": NUMBER, "sex": "M"}
    answer = trial.answer(msgspec.json.encode({**line, "birth_date": BORN.isoformat()}))
    assert (answer["outcome"], answer["member_no"]) == ("review", "M1")
