"""Training: shares are counted, what is rare keeps its number, decisions move weights their way, a file is a model."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.match import LEVELS, Frequencies, Level, Model
from gateway.core.match.compare import SAME_NUMBER_FIELDS, record_side
from gateway.core.match.measuring.evaluating import Label
from gateway.core.match.measuring.lessons import Lessons, labelled_lines, next_version
from gateway.core.match.measuring.training import (
    RAREST,
    SEEN,
    Lesson,
    OnNumber,
    as_toml,
    count,
    differences,
    frequencies,
    levels_of,
    train,
)
from gateway.core.match.scoring import score_pair
from gateway.core.roster import RosterMember
from gateway.errors import BadInput
from gateway.model.decision import Candidate
from gateway.model.person import Subject
from gateway.sandbox.training import trained
from gateway.sandbox.truth import TruthPlan, roster_of
from gateway.settings.matching import load_model, load_spec, write_model
from gateway.settings.shipped import shipped_folder

EMPTY = count([])


@cache
def shipped() -> Model:
    return load_model(shipped_folder() / "config" / "matching")


@cache
def roster() -> tuple[RosterMember, ...]:
    return tuple(
        RosterMember(
            member_no=person.member_no,
            name=person.name,
            id_type=person.id_type,
            id_number=person.id_number,
            sex=person.sex,
            birth_date=person.birth_date,
            phone=person.phone,
            unit_name=person.unit_name,
        )
        for person in roster_of(TruthPlan(members=600, records=1, seed=5))
    )


def candidate(index: int, name: str, born: date | None = None, unit: str | None = None) -> Candidate:
    number = f"E{index:08d}"
    return Candidate(
        member_id=index,
        person_id=index,
        member_no=str(index),
        name=name,
        id_number=number,
        birth_date=born,
        unit_name=unit,
    )


def pairs(field: str, levels: Iterable[str]) -> list[tuple[dict[str, str], float]]:
    return [({field: level}, 1.0) for level in levels]


def test_shares_are_counted_and_rare_levels_keep_theirs() -> None:
    before = shipped()
    same = count(pairs("name", ["equal"] * 70 + ["cut"] * 20 + ["typo"] * (SEEN - 1) + ["lost"]))
    other = count(pairs("name", ["differs"] * 190 + ["surname"] * 10))
    after = train(before, version="9", same=same, other=other, members=[candidate(1, "王伟")])
    assert (after.levels["name"]["equal"].m, after.levels["name"]["cut"].m) == (0.7, 0.2)
    assert (after.levels["name"]["differs"].u, after.levels["name"]["surname"].u) == (0.95, 0.05)
    for level in ("typo", "lost", "newborn"):
        assert after.levels["name"][level] == before.levels["name"][level]
    assert after.levels["sex"] == before.levels["sex"]
    assert (after.matched, after.review) == (before.matched, before.review)


def test_weights_make_a_rare_error_rare() -> None:
    counted = count([({"name": "equal"}, 0.99)] + [({"name": "cut"}, 0.01 / 50)] * 50)
    assert counted.share("name", "cut") == pytest.approx(0.01)
    assert counted.often("name", "cut")
    assert not counted.often("name", "equal")


def test_no_error_is_taken_to_be_rarer_than_one_in_ten_thousand() -> None:
    same = count([({"name": "typo"}, 1e-9)] * 20 + [({"name": "equal"}, 1.0)] * 20)
    model = train(shipped(), version="9", same=same, other=EMPTY, members=[candidate(1, "王伟")])
    assert model.levels["name"]["typo"].m == RAREST


def on_number(own: dict[str, float], others: dict[str, float]) -> OnNumber:
    return OnNumber(
        own=count([({"name": level}, weight) for level, weight in own.items()]),
        others=count([({"name": level}, weight) for level, weight in others.items()]),
    )


def test_under_a_members_number_shares_are_those_of_his_records_and_of_others() -> None:
    counted = on_number({"equal": 970, "typo": 30}, {"surname": 6, "typo": 4})
    model = train(shipped(), version="9", same=EMPTY, other=EMPTY, members=[candidate(1, "王伟")], on_number=counted)
    same = model.same_number
    assert same is not None and same.prior == pytest.approx(1000 / 1010, abs=0.001)
    assert same.levels["name"]["typo"] == Level(m=0.03, u=0.4)
    assert same.levels["name"]["surname"] == Level(m=RAREST, u=0.6)
    assert same.levels.keys() == set(SAME_NUMBER_FIELDS)


def test_the_posterior_under_a_members_number_is_the_share_that_was_his() -> None:
    counted = on_number({"equal": 970, "typo": 30}, {"surname": 6, "typo": 4})
    model = train(shipped(), version="9", same=EMPTY, other=EMPTY, members=[candidate(1, "王伟")], on_number=counted)
    member = candidate(1, "王伟国")
    weighed = score_pair(record_side(Subject(name="王伟图", id_number=member.id_number)), member, model)
    assert weighed.levels["name"] == "typo"
    assert weighed.posterior == pytest.approx(30 / 34, abs=0.01)
    assert sum(step.weight for step in weighed.evidence) == pytest.approx(weighed.evidence[-1].running, abs=0.01)


def test_nobody_seen_to_use_a_card_leaves_it_as_it_was() -> None:
    counted = on_number({"equal": 970}, {})
    model = train(shipped(), version="9", same=EMPTY, other=EMPTY, members=[candidate(1, "王伟")], on_number=counted)
    assert model.same_number == shipped().same_number


def test_decisions_about_a_members_number_teach_what_is_weighed_there(model: Model) -> None:
    levels = {"id_number": "equal", "name": "typo", "birth_date": "equal", "sex": "equal"}
    people, told = roster(), [Lesson(levels=levels, same=False)] * 300
    after = trained(shipped(), Lessons(people=people, decisions=told, seed=3), "12")
    assert after.levels == model.levels
    assert after.same_number is not None and model.same_number is not None
    assert after.same_number.weights["name"]["typo"] < model.same_number.weights["name"]["typo"] - 1


def test_an_invented_roster_counts_no_names() -> None:
    model = trained(shipped(), Lessons(people=roster(), seed=3, count_names=False), "12")
    assert model.frequencies == shipped().frequencies
    assert model.levels["name"]["equal"].u == shipped().levels["name"]["equal"].u


def test_an_empty_field_is_no_evidence() -> None:
    same = count(pairs("phone", ["missing"] * 300 + ["equal"] * 100))
    model = train(shipped(), version="9", same=same, other=EMPTY, members=[candidate(1, "王伟")])
    assert model.levels["phone"]["missing"] == Level(m=0.75, u=0.75)
    assert model.weights["phone"]["missing"] == 0


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["王伟", "李娜", "額尔敦", "额尔敦"]), st.integers(1, 4)), min_size=9, max_size=40
    )
)
def test_chance_agreement_is_that_of_all_pairs(people: list[tuple[str, int]]) -> None:
    members = [candidate(index, name, date(1980, 1, day)) for index, (name, day) in enumerate(people)]
    all_pairs = list(itertools.permutations(members, 2))
    alike = sum(one.birth_date == other.birth_date for one, other in all_pairs)
    model = train(shipped(), version="9", same=EMPTY, other=EMPTY, members=members)
    expected = alike / len(all_pairs) if alike >= SEEN else shipped().levels["birth_date"]["equal"].u
    assert model.levels["birth_date"]["equal"].u == pytest.approx(min(expected, 0.999), rel=0.01)


def test_only_what_many_bear_is_written_down() -> None:
    members = [candidate(index, "王伟" if index % 2 else "李娜") for index in range(2000)] + [
        candidate(0, "额尔敦朝鲁")
    ]
    counted = frequencies(members, Frequencies())
    assert set(counted.names) == {"王伟", "李娜"}
    assert set(counted.surnames) == {"王", "李"}
    assert set(counted.given) == {"伟", "娜"}
    assert counted.names["王伟"] == pytest.approx(0.5, rel=0.01)


def test_a_roster_too_small_to_count_names_keeps_the_shipped_ones() -> None:
    assert frequencies([candidate(1, "王伟")] * 100, shipped().frequencies) is shipped().frequencies


def lessons(level: str, *, same: int, different: int) -> list[Lesson]:
    levels = {"id_number": "masked_part", "name": level, "birth_date": "equal", "sex": "missing"}
    return [Lesson(levels=levels, same=True)] * same + [Lesson(levels=levels, same=False)] * different


def taught(*told: Lesson) -> Model:
    """The shipped model after these decisions, as if there were a hundred thousand members."""
    members, share = [candidate(1, "王伟")], 0.25 / 100_000
    return train(shipped(), version="9", same=EMPTY, other=EMPTY, members=members, lessons=told, members_share=share)


def test_decisions_move_a_weight_their_way() -> None:
    untaught = taught().weights["name"]["typo"]
    assert taught(*lessons("typo", same=200, different=0)).weights["name"]["typo"] > untaught
    assert taught(*lessons("typo", same=0, different=200)).weights["name"]["typo"] < untaught
    few, many = (taught(*lessons("typo", same=0, different=each)).weights["name"]["typo"] for each in (40, 400))
    assert many < few < untaught


def test_too_few_decisions_change_nothing() -> None:
    assert taught(*lessons("typo", same=SEEN - 1, different=0)) == taught()


def test_decisions_leave_alone_what_agrees_and_what_is_missing() -> None:
    before, after = taught(), taught(*lessons("typo", same=500, different=20))
    assert after.levels["birth_date"] == before.levels["birth_date"]
    assert after.levels["sex"] == before.levels["sex"]


def test_decisions_of_a_model_with_other_levels_are_read() -> None:
    known = {"name": "typo", "horoscope": "rat", "sex": "unheard"}
    assert taught(*[Lesson(levels=known, same=True)] * 40).weights["name"]["typo"] > taught().weights["name"]["typo"]


def test_levels_of_a_pair_name_every_field() -> None:
    levels = levels_of(Subject(name="王伟", id_number="E00000001"), candidate(1, "王伟"), shipped())
    assert levels.keys() == LEVELS.keys()
    assert levels["name"] == "equal"


@pytest.fixture(scope="module")
def model() -> Model:
    return trained(shipped(), Lessons(people=roster(), seed=3), "12")


def test_the_same_roster_trains_the_same_model(model: Model) -> None:
    again = trained(shipped(), Lessons(people=roster(), seed=3), "12")
    assert as_toml(again, "-") == as_toml(model, "-")


def test_the_file_is_the_model(model: Model, tmp_path: Path) -> None:
    path = write_model(tmp_path, model, Lessons(people=roster()))
    assert load_spec(path).model() == model
    with pytest.raises(FileExistsError):
        write_model(tmp_path, model, Lessons(people=roster()))


def test_the_file_names_nobody(model: Model) -> None:
    text = as_toml(model, "-")
    bearers = [member.name for member in roster() if len(member.name) > 2]
    assert not [name for name in bearers if name in text and bearers.count(name) < 20]
    assert not [member for member in roster() if member.id_number in text or str(member.phone) in text]


def test_a_trained_model_still_knows_better_from_worse(model: Model) -> None:
    weights = model.weights
    assert weights["id_number"]["equal"] > weights["id_number"]["masked"] > 0 > weights["id_number"]["sound_differs"]
    assert weights["name"]["equal"] > weights["name"]["typo"] > weights["name"]["differs"]
    assert weights["birth_date"]["equal"] > 0 > weights["birth_date"]["differs"]
    assert [each.level for each in differences(shipped(), shipped())] == []
    assert {each.field for each in differences(shipped(), model)} <= LEVELS.keys()


def test_labelled_records_count(model: Model) -> None:
    people = roster()[:50]
    labels = [Label(settlement_no=f"S{index}", member_no=member.member_no) for index, member in enumerate(people)]
    lines = [f'{{"settlement_no":"S{index}","name":"甲乙丙丁"}}'.encode() for index in range(60)]
    found, share = labelled_lines([*labels, Label(settlement_no="S55")], lines)
    assert (len(found), round(share, 3)) == (51, 0.98)
    after = trained(shipped(), Lessons(people=roster(), labelled=found, share=share, seed=3), "12")
    assert after.levels["name"]["differs"].m > model.levels["name"]["differs"].m
    assert after.prior > model.prior


def test_versions_go_on() -> None:
    assert next_version(["1", "3", "2.7"]) == "4"
    assert next_version([]) == "1"


def test_one_member_is_no_roster() -> None:
    with pytest.raises(BadInput, match="fewer than two"):
        trained(shipped(), Lessons(people=roster()[:1]), "2")
