"""What a person's records are worth: new claims, nothing new, amended, withdrawn, decided, and what is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from changes_world import (
    LEAGUE,
    NOW,
    World,
    covered,
    digest,
    digest_stay,
    enrolled,
    members_row,
    stay_of,
    strangers_row,
)
from schemes_builders import IN_2020, IN_2021, IN_2022, family, reversal, special, stay
from schemes_builders import at as on

from gateway.core.changes import Batch, PersonFile
from gateway.core.changes import claims as claims_of_people
from gateway.core.changes.claims import changed_since
from gateway.core.changes.persons import HeldRecord, claimant, duplicates_among, insured
from gateway.core.claims import drafting, kept
from gateway.core.claims.content import FORMS, ContentForms, content_in_form
from gateway.core.schemes import SchemeFamily, assess
from gateway.errors import UnknownForm
from gateway.model.benefit import BenefitEstimate, Fact
from gateway.model.claim import ClaimStatus
from gateway.model.money import Money
from gateway.settings.schemes import load_families

ONE, OTHER = enrolled(1), enrolled(2)
CARE = stay("S1", "2021-07-01", "2021-07-05")
CORRECTED = stay("S1", "2021-07-01", "2021-07-05", x="7000.00")
SECOND = stay("S2", "2021-08-01", "2021-08-05")
STAY = "H15010200001/s:S1"


@cache
def shape(name: str) -> SchemeFamily:
    """A small scheme made for tests."""
    shapes = Path(__file__).parent / "shapes"
    return load_families(shapes, codes=shapes / "codes")[name]


def claimed(**changes: Any) -> World:
    """A world in which one person has one claim."""
    world = World(ONE, OTHER, **changes)
    world.work(1, members_row(0, CARE, ONE))
    return world


def told(world: World, person_id: int = 1) -> Mapping[str, Any]:
    """The latest body of a person's only claim."""
    claim = world.the_claim(person_id)
    body: Mapping[str, Any] = msgspec.json.decode(kept.open_kept(world.bodies[claim.claim_id, claim.version]))
    return body


# New, the same, amended.


def test_a_members_first_record_makes_a_claim_with_a_body_to_send() -> None:
    world = World(ONE)
    changes = world.work(1, members_row(0, CARE, ONE))
    (claim,) = changes.new_claims
    assert (claim.version, claim.status, stay_of(claim), claim.payable) == (1, ClaimStatus.PROPOSED, STAY, 244_000)
    assert (claim.association, claim.person_id, claim.member_id, claim.updated_at) == (LEAGUE, 1, 1, NOW)
    assert (claim.edition, claim.claim_by, claim.form) == ("2021", "2021-10-03", FORMS.newest)
    assert [frozen for _, frozen in changes.outgoing] == [kept_content(world)]
    assert changes.changed_claims == []


def kept_content(world: World) -> bytes:
    """The content of the latest body: what stands behind its head."""
    claim = world.the_claim()
    head = kept.body(claim.claim_id, claim.version, claim.status, b"{}")[:-1]
    return b"{" + world.bodies[claim.claim_id, claim.version][len(head) :]


def test_the_same_content_makes_no_new_version() -> None:
    world = claimed()
    changes = world.reassess(1)
    assert (changes.new_claims, changes.changed_claims, changes.outgoing, changes.doubts) == ([], [], [], [])


def test_another_content_makes_the_next_version() -> None:
    world = claimed()
    changes = world.work(2, members_row(0, CORRECTED, ONE))
    (claim,) = changes.changed_claims
    assert (claim.version, claim.status, claim.payable) == (2, ClaimStatus.AMENDED, 284_000)
    assert len(changes.outgoing) == 1


def test_a_second_stay_has_a_claim_of_its_own() -> None:
    world = claimed()
    changes = world.work(2, members_row(0, SECOND, ONE))
    assert [stay_of(claim) for claim in changes.new_claims] == ["H15010200001/s:S2"]
    assert world.live_claims()[1, STAY].payable == 244_000


def test_a_claim_whose_settlement_came_late_goes_to_a_person() -> None:
    world = World(ONE)
    world.work(4, members_row(0, CARE, ONE))
    assert world.the_claim().flags == "late"
    assert told(world)["needs_person"] is True


def test_nothing_owed_and_nothing_to_ask_makes_no_claim() -> None:
    world = World(ONE)
    world.work(1, members_row(0, stay("S1", "2020-07-01", "2020-07-05"), ONE))
    assert world.claims == {}
    assert len(world.records) == 1


def test_a_member_never_covered_by_a_scheme_has_no_claim_in_it() -> None:
    member = enrolled(1, coverage=())
    world = World(member)
    world.work(1, members_row(0, CARE, member))
    assert world.claims == {}


def test_a_claim_that_stands_is_compared_in_the_form_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    world = claimed()
    later = ContentForms(*FORMS.released, FORMS.released[-1])
    monkeypatch.setattr("gateway.core.changes.claims.FORMS", later)
    monkeypatch.setattr(content_in_form, "__defaults__", (later,))
    # A newer form than the claim's alone amends nothing.
    assert world.reassess(1).outgoing == []
    changes = world.work(2, members_row(0, CORRECTED, ONE))
    assert [claim.form for claim in changes.changed_claims] == [later.newest]


def test_a_claim_in_a_form_of_a_newer_program_is_refused() -> None:
    world = claimed()
    world.claims = {place: msgspec.structs.replace(claim, form=9) for place, claim in world.claims.items()}
    with pytest.raises(UnknownForm):
        world.reassess(1)


# Withdrawn.


def test_a_claim_whose_settlement_is_reversed_is_withdrawn_once() -> None:
    world = claimed()
    changes = world.work(2, members_row(0, reversal(CARE), ONE))
    (claim,) = changes.changed_claims
    assert (claim.version, claim.status, claim.payable, claim.flags) == (2, ClaimStatus.WITHDRAWN, 0, "reversed")
    assert told(world)["reason"] == "reversed"
    assert world.reassess(1).outgoing == []


def test_a_withdrawn_claim_comes_back_as_its_next_version() -> None:
    world = claimed()
    world.work(2, members_row(0, reversal(CARE), ONE))
    world.read_again(2, strangers_row(0, reversal(CARE)))
    assert (world.the_claim().version, world.the_claim().status) == (3, ClaimStatus.AMENDED)


def test_a_claim_that_comes_to_nothing_owed_is_withdrawn() -> None:
    world = claimed()
    world.members[1] = [enrolled(1, coverage=covered(IN_2022))]
    changes = world.reassess(1)
    assert [claim.flags for claim in changes.changed_claims] == ["nothing_owed"]


def test_a_claim_of_a_member_whose_coverage_is_gone_is_withdrawn() -> None:
    world = claimed()
    world.members[1] = [enrolled(1, coverage=())]
    changes = world.reassess(1)
    assert [claim.flags for claim in changes.changed_claims] == ["nothing_owed"]


def test_a_claim_that_a_person_must_look_at_is_withdrawn_once_its_member_is_not_covered() -> None:
    world = World(ONE)
    world.work(1, members_row(0, msgspec.structs.replace(CARE, in_scope_amount=None), ONE))
    assert (world.the_claim().payable, told(world)["needs_person"]) == (0, True)
    world.members[1] = [enrolled(1, coverage=())]
    assert [claim.flags for claim in world.reassess(1).changed_claims] == ["nothing_owed"]


def test_when_a_stay_grows_backwards_the_claim_of_its_later_part_is_withdrawn_as_merged() -> None:
    world = claimed()
    before = stay("S0", "2021-06-20", "2021-06-30", facility_no="H2")
    changes = world.work(2, members_row(0, before, ONE), members_row(1, msgspec.structs.replace(CARE), ONE))
    assert [(stay_of(claim), claim.status, claim.flags) for claim in changes.changed_claims] == [
        (STAY, ClaimStatus.WITHDRAWN, "merged")
    ]
    assert [stay_of(claim) for claim in changes.new_claims] == ["H2/s:S0"]


def test_a_merged_claim_is_withdrawn_as_merged_whatever_reason_is_given() -> None:
    world = claimed()
    before = stay("S0", "2021-06-20", "2021-06-30", facility_no="H2")
    world.store(2, [strangers_row(0, before)])
    world.work_batch(2, [0])
    changes = world.read_again(2, members_row(0, before, ONE), reason="decision_withdrawn")
    assert [claim.flags for claim in changes.changed_claims] == ["merged"]


def test_the_reason_of_a_withdrawal_is_the_one_given_where_the_rest_does_not_tell() -> None:
    world = claimed()
    world.members[1] = [enrolled(1, coverage=covered(IN_2022))]
    changes = world.reassess(1, reason="decision_withdrawn")
    assert [claim.flags for claim in changes.changed_claims] == ["decision_withdrawn"]


def test_the_claims_of_a_person_who_became_another_one_are_withdrawn_as_merged() -> None:
    world = claimed()
    world.members[1] = []
    world.records = {}
    changes = world.reassess(1)
    assert [claim.flags for claim in changes.changed_claims] == ["merged"]


def test_a_claim_whose_event_is_gone_is_withdrawn_for_that() -> None:
    death = shape("lump-death")
    member = enrolled(1, coverage=covered(scheme="lump-death"))
    world = World(member, families={LEAGUE: [death]})
    world.facts[1] = (Fact(kind="death", on=date(2021, 9, 1), confirmed=True),)
    world.reassess(1)
    claim = world.the_claim()
    assert (claim.payable, stay_of(claim)[:6]) == (500_000, "event/")
    # No settlement came, so nothing came late.
    assert "late" not in claim.flags
    world.facts = {}
    assert [claim.flags for claim in world.reassess(1).changed_claims] == ["event_gone"]


@pytest.mark.parametrize("says_it", [True, False])
def test_what_was_decided_about_an_event_finds_it_even_where_no_body_names_it(
    says_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = enrolled(1, coverage=covered(scheme="lump-death"))
    world = World(member, families={LEAGUE: [shape("lump-death")]})
    world.facts = {1: (Fact(kind="death", on=date(2021, 7, 10), confirmed=True),)}
    world.reassess(1)
    claim = world.the_claim()
    world.decide(claim.claim_id, 400_000)
    if not says_it:
        # As the bodies of the first releases, which had no words.
        body = world.bodies[claim.claim_id, 1]
        world.bodies[claim.claim_id, 1] = body[: body.rindex(b',"aside":')] + b"}"
    decided_stays = []

    def looked_at(seen: Any, records: Any, scheme: Any, decisions: Any, **others: Any) -> Any:
        decided_stays.append([decision.stay for decision in decisions])
        return assess(seen, records, scheme, decisions, **others)

    monkeypatch.setattr(claims_of_people, "assess", looked_at)
    changes = world.reassess(1)
    assert decided_stays[-1] == [stay_of(claim)]
    assert (changes.new_claims, changes.changed_claims, changes.doubts) == ([], [], [])


def test_a_scheme_that_pays_at_events_only_asks_nobody_about_care() -> None:
    death = shape("lump-death")
    member = enrolled(1, coverage=covered(scheme="lump-death"))
    world = World(member, families={LEAGUE: [death]})
    row = members_row(0, stay("S1", "2021-07-01", "2021-07-05", in_scope_amount=None), member)
    world.rules = msgspec.structs.replace(world.rules, could_pay=lambda association, record: True)
    world.work(1, row)
    assert (world.claims, len(world.records)) == ({}, 1)


# Whose schemes, and in what order.


def test_a_record_no_scheme_of_an_association_could_pay_is_not_recorded_for_it() -> None:
    guest = enrolled(5, association="guests")
    world = World(ONE, guest, families={LEAGUE: [family()], "guests": [shape("single")]})
    changes = world.work(1, members_row(0, CARE, ONE, guest))
    assert [held.association for held in changes.added] == [LEAGUE]


def test_every_scheme_of_an_association_makes_its_own_claim_and_stands_on_what_those_before_it_pay() -> None:
    member = enrolled(1, coverage=(*covered(scheme="floor"), *covered(scheme="stacking")))
    payable = {}
    for names in (("floor", "stacking"), ("stacking",)):
        world = World(member, families={LEAGUE: [shape(name) for name in reversed(names)]})
        world.work(1, members_row(0, CARE, member))
        payable[names] = {scheme: claim.payable for (_, (scheme, _)), claim in world.claims.items()}
    floor = payable["floor", "stacking"]["floor"]
    assert floor > 0
    assert payable["stacking",]["stacking"] == 600_000 // 4
    assert payable["floor", "stacking"]["stacking"] == (600_000 - floor) // 4


def test_a_batch_about_two_people_assesses_each_once() -> None:
    world = World(ONE, OTHER)
    changes = world.work(1, members_row(0, CARE, ONE), members_row(1, SECOND, OTHER), members_row(2, SECOND, OTHER))
    assert [(claim.person_id, stay_of(claim)) for claim in changes.new_claims] == [(1, STAY), (2, "H15010200001/s:S2")]


# What the association decided.


def decided(payable: int | None = 244_000) -> World:
    world = claimed()
    world.decide(world.the_claim().claim_id, payable)
    return world


def test_a_decided_claim_that_stands_as_it_was_told_is_neither_drafted_nor_asked_about() -> None:
    world = decided()
    changes = world.reassess(1)
    assert (changes.outgoing, changes.doubts) == ([], [])


def test_cover_that_goes_behind_a_decided_claim_is_asked_about_once() -> None:
    world = decided()
    world.members[1] = [enrolled(1, coverage=covered(IN_2022))]
    changes = world.reassess(1)
    assert changes.outgoing == []
    assert [doubt.kind for doubt in changes.doubts] == ["decided_before"]
    world.reassess(1)
    assert len(world.open_questions()) == 1
    # What was refused needs no cover.
    refused = decided(None)
    refused.members[1] = world.members[1]
    assert refused.reassess(1).doubts == []


def test_a_decided_stay_settled_again_under_a_new_number_pays_nothing_on_top() -> None:
    world = decided()
    world.work(2, members_row(0, reversal(CARE, settlement_no="R1"), ONE))
    world.work(3, members_row(0, msgspec.structs.replace(CORRECTED, settlement_no="S2"), ONE))
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    (again,) = [item for item in world.open_questions() if item.kind == "repeat"]
    assert (again.claim_id, again.reasons) == (world.the_claim().claim_id, '["settled_again"]')
    world.answer(again.item_id, "different")
    assert len(world.live_claims()) == 2
    world.take_answer_back(again.item_id)
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]
    world.answer(again.item_id, "same")
    assert [claim.payable for claim in world.live_claims().values()] == [244_000]


def test_a_decided_claim_whose_settlement_changed_stays_and_a_person_is_asked() -> None:
    world = decided()
    changes = world.work(2, members_row(0, CORRECTED, ONE))
    assert changes.outgoing == []
    (doubt,) = changes.doubts
    assert (doubt.kind, doubt.claim_id, doubt.member_id) == ("decided_before", world.the_claim().claim_id, 1)
    assert (doubt.feed, doubt.page_seq, doubt.row, doubt.key, doubt.amount) == ("a", 2, 0, None, 0)
    assert (doubt.reasons, doubt.state) == ('["decided_before","nm-inpatient"]', "open")


def test_a_decided_claim_whose_settlement_is_gone_stays_and_a_person_is_asked() -> None:
    reversed_, left = decided(), decided()
    for changes in (reversed_.work(2, members_row(0, reversal(CARE), ONE)), left.read_again(1, strangers_row(0, CARE))):
        assert changes.outgoing == []
        assert [doubt.kind for doubt in changes.doubts] == ["decided_before"]


def test_the_same_facts_are_asked_about_once() -> None:
    world = decided()
    world.work(2, members_row(0, CORRECTED, ONE))
    (question,) = world.open_questions()
    world.reassess(1)
    assert len(world.reviews) == 1
    # Once it is answered it is not asked again, as long as nothing else changes.
    world.reviews[question.item_id] = msgspec.structs.replace(question, state="decided")
    world.reassess(1)
    assert world.open_questions() == []
    world.work(3, members_row(0, stay("S1", "2021-07-01", "2021-07-06", x="8000.00"), ONE))
    assert len(world.open_questions()) == 1


def test_a_later_settlement_of_a_decided_stay_is_asked_about_and_not_claimed() -> None:
    world = World(ONE)
    world.work(1, members_row(0, msgspec.structs.replace(CARE, visit_no="V1"), ONE))
    world.decide(world.the_claim().claim_id, 244_000)
    more = stay("S3", "2021-07-01", "2021-07-05", x="500.00", visit_no="V1")
    changes = world.work(2, members_row(0, more, ONE))
    assert changes.outgoing == []
    assert [doubt.kind for doubt in changes.doubts] == ["decided_before"]
    # The question is about the settlement's own stay, which has no claim.
    asked = drafting.stay_text(LEAGUE, 1, "nm-inpatient", "H15010200001/s:S3")
    assert changes.doubts[0].claim_id == drafting.claim_id(digest_stay(asked))
    # Before names had a key it was asked under another: answered then, it is not asked again.
    assert changes.names_before == {changes.doubts[0].claim_id: drafting.unkeyed_claim_id(asked)}


def test_a_refused_claim_is_decided_too() -> None:
    world = decided(None)
    assert world.work(2, members_row(0, CORRECTED, ONE)).outgoing == []


def test_what_the_association_decided_on_is_gone_changed_or_as_it_was_told() -> None:
    world = decided()
    claim = world.the_claim()
    (known,) = world.gather(Batch(people={1: LEAGUE})).decided[1].values()
    assert (known.claim, known.decision.payable) == (claim, 244_000)
    assert changed_since(known, [CARE]) == []
    assert changed_since(known, []) == [("S1", "gone")]
    assert changed_since(known, [CARE, reversal(CARE)]) == [("S1", "gone")]
    named = reversal(CARE, settlement_no="R1", reverses="S1")
    assert changed_since(known, [CARE, named]) == [("S1", "gone")]
    ((number, packed),) = changed_since(known, [CORRECTED])
    assert (number, packed) != ("S1", "gone")
    assert changed_since(known, [CORRECTED, CARE]) == []


# Contradictions.


def test_one_persons_contradicting_periods_are_asked_about_and_hold_up_nobody_else() -> None:
    torn = enrolled(1, coverage=covered(IN_2021, ("2021-12-01", "2022-11-30")))
    world = World(torn, OTHER)
    changes = world.work(1, members_row(0, CARE, torn), members_row(1, SECOND, OTHER))
    (doubt,) = changes.doubts
    assert (doubt.kind, doubt.member_id, doubt.reasons) == ("contradiction", 1, '["contradiction","nm-inpatient"]')
    assert (doubt.page_seq, doubt.row) == (1, 0)
    assert [claim.person_id for claim in changes.new_claims] == [2]


def test_a_contradiction_before_any_record_names_no_row() -> None:
    torn = enrolled(1, coverage=covered(IN_2021, ("2021-12-01", "2022-11-30")))
    (doubt,) = World(torn).reassess(1).doubts
    assert (doubt.feed, doubt.page_seq, doubt.row) == ("", 0, None)


def test_a_contradiction_leaves_the_claims_that_stand() -> None:
    world = claimed()
    world.members[1] = [enrolled(1, coverage=covered(IN_2021, ("2021-12-01", "2022-11-30")))]
    assert world.reassess(1).outgoing == []


# Several enrolments of one person, and opting out.


def person(*members: Any, **changes: Any) -> PersonFile:
    return PersonFile(person_id=1, association=LEAGUE, members=list(members), records=[], **changes)


def estimate(period_from: date | None) -> BenefitEstimate:
    return BenefitEstimate(
        settlements=("S1",),
        edition=None,
        payable=Money(0),
        lines=(),
        flags=(),
        assumed=(),
        claim_by=None,
        stay="",
        period_from=period_from,
    )


def record_of(member_id: int, **changes: Any) -> HeldRecord:
    fields: dict[str, Any] = {
        "record": CARE,
        "key": digest("k"),
        "association": LEAGUE,
        "feed": "a",
        "person_id": 1,
        "member_id": member_id,
        "page_seq": 1,
        "row": 0,
        "received_on": "2021-08-01",
        "amount": 0,
    }
    return HeldRecord(**(fields | changes))


def test_the_claim_names_the_enrolment_whose_period_pays() -> None:
    first, second = enrolled(1, 11, coverage=covered(IN_2020)), enrolled(1, 12, coverage=covered(IN_2021))
    world = World(first, second)
    world.work(1, members_row(0, CARE, first))
    assert world.the_claim().member_id == 12


def test_of_two_enrolments_that_pay_the_claim_names_the_one_whose_period_began_first_and_is_longer() -> None:
    early = enrolled(1, 12, coverage=covered(("2021-06-01", "2022-05-31")))
    late = enrolled(1, 11, coverage=covered(("2021-07-01", "2022-06-30")))
    short = enrolled(1, 10, coverage=covered(("2021-06-01", "2021-12-31")))
    both = person(late, early, short)
    assert claimant(both, estimate(date(2021, 7, 1)), [], "nm-inpatient") is early


def test_where_no_period_pays_the_claim_names_an_enrolment_the_settlement_was_matched_to() -> None:
    first, second = enrolled(1, 11), enrolled(1, 12)
    both = person(second, first)
    for day in (None, date(2019, 1, 1)):
        assert claimant(both, estimate(day), [record_of(12)], "nm-inpatient") is second
        assert claimant(both, estimate(day), [record_of(99)], "nm-inpatient") is first


def test_one_enrolment_is_named_whatever_pays() -> None:
    assert claimant(person(ONE), estimate(None), [], "nm-inpatient") is ONE


def test_days_that_two_enrolments_share_are_covered_once_in_the_category_of_the_first() -> None:
    early = enrolled(1, 12, category="retired", coverage=covered(("2021-06-01", "2022-05-31")))
    late = enrolled(1, 11, coverage=covered(("2021-07-01", "2022-06-30")))
    seen = insured(person(late, early), "nm-inpatient")
    assert [(period.first_day, period.last_day, period.category) for period in seen.coverage] == [
        (date(2021, 6, 1), date(2022, 5, 31), "retired"),
        (date(2022, 6, 1), date(2022, 6, 30), "active"),
    ]
    assert seen.category == "active"


def test_a_period_keeps_the_category_it_names_itself() -> None:
    named = tuple(msgspec.structs.replace(period, category="retired") for period in covered(IN_2021))
    seen = insured(person(enrolled(1, 11, coverage=named), enrolled(1, 12, coverage=())), "nm-inpatient")
    assert [period.category for period in seen.coverage] == ["retired"]


def test_periods_of_other_schemes_cover_nothing() -> None:
    for members in (
        [enrolled(1, coverage=covered(scheme="x"))],
        [enrolled(1, n, coverage=covered(scheme="x")) for n in (1, 2)],
    ):
        assert insured(person(*members), "nm-inpatient").coverage == ()


def test_an_enrolment_that_opted_out_takes_no_part() -> None:
    out, stays = enrolled(1, 11, opt_out=True), enrolled(1, 12, coverage=covered(IN_2020))
    both = person(out, stays)
    assert both.enrolled == [stays]
    assert insured(both, "nm-inpatient").coverage == stays.coverage
    assert both.first_member_id == 11


def test_who_opted_out_altogether_is_insured_by_nothing_and_loses_the_claims() -> None:
    world = claimed()
    world.members[1] = [enrolled(1, opt_out=True)]
    assert [claim.flags for claim in world.reassess(1).changed_claims] == ["reversed"]
    assert insured(person(enrolled(1, opt_out=True)), "nm-inpatient").coverage == ()
    assert person().first_member_id is None


# What does not open.


def test_nothing_is_concluded_about_a_person_something_does_not_open_of_and_others_go_on() -> None:
    world = claimed()
    world.shut = {1}
    changes = world.work(2, members_row(0, CORRECTED, ONE), members_row(1, SECOND, OTHER))
    assert [claim.person_id for claim in (*changes.new_claims, *changes.changed_claims)] == [2]
    assert [piece.person_id for piece in changes.unopened] == [1]
    # The row is recorded all the same: what it is worth is concluded once everything opens.
    assert world.people_of((1, 0), (2, 0)) == [[], [1]]
    world.shut = set()
    assert [claim.version for claim in world.reassess(1).changed_claims] == [2]


def test_of_a_person_something_does_not_open_of_duplicates_stay_as_they_are() -> None:
    world = claimed()
    world.shut = {1}
    changes = world.work(2, members_row(0, msgspec.structs.replace(CARE, settlement_no="B1"), ONE, feed="b"), feed="b")
    assert (changes.marks, changes.classes) == ([], {0: changes.classes[0]})
    assert not any(held.duplicate for held in world.records.values())
    world.shut = set()
    changes = world.reassess(1)
    assert [(move.page_seq, str(move.before), str(move.after)) for move in changes.moved] == [
        (2, "member", "duplicate")
    ]
    assert world.counted() == world.proof()


def test_a_record_written_off_because_it_does_not_open_counts_nowhere_and_repeats_nothing() -> None:
    world = claimed()
    world.records = {number: msgspec.structs.replace(held, record=None) for number, held in world.records.items()}
    changes = world.work(2, members_row(0, msgspec.structs.replace(CARE, settlement_no="B1"), ONE, feed="b"), feed="b")
    assert [claim.flags for claim in changes.changed_claims] == ["reversed"]
    assert [stay_of(claim) for claim in changes.new_claims] == ["H15010200001/s:B1"]
    shut, open_one = record_of(1, record=None), record_of(1, feed="b", page_seq=2)
    assert duplicates_among([shut, open_one]) == [False, False]


def test_special_outpatient_care_is_claimed_by_month() -> None:
    world = World(ONE)
    world.work(
        1, members_row(0, special("M1", on("2021-07-03")), ONE), members_row(1, special("M2", on("2021-07-20")), ONE)
    )
    assert [stay_of(claim) for claim in world.claims.values()] == ["month/2021-07"]
