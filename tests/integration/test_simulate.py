"""A draft against what is stored: the same figures as a bill for each person by hand, and nothing changes."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import EAST_AND_WEST, covered, everything, live, member, page, row, take
from facts_side import WHOLE, confirmed, woman
from typer.testing import CliRunner

from gateway.bench.cases import patients, write_cases
from gateway.core.schemes import Insured, assess
from gateway.core.schemes.cases import answer_case
from gateway.core.studies.simulation import Figures, merged
from gateway.errors import BadSettings, WrongUse
from gateway.flow.delivery.claims import decide
from gateway.flow.office import Office
from gateway.flow.roster.enrol import enrol
from gateway.flow.studies.simulating import (
    SimulationRequest,
    load_rules,
    parts_of,
    shares_of,
    simulate_lines,
    simulate_stored,
    take_up_today,
)
from gateway.model.money import Money, parse_yuan
from gateway.settings.files import read_toml

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

SCHEMES = Path(__file__).parents[2] / "config" / "schemes"


def changed(path: Path, text: str, by: str, *, edition: str = "2021") -> Path:
    """The edition's file with one thing changed, as a draft beside nothing."""
    whole = (SCHEMES / f"nm-inpatient-{edition}.toml").read_text(encoding="utf-8")
    assert text in whole
    path.write_text(whole.replace(text, by), encoding="utf-8")
    return path


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """2021 with 50 % in place of 40 % in the first band."""
    return changed(tmp_path / "draft.toml", "rate = 0.40", "rate = 0.50")


@pytest.fixture
def asked(draft: Path) -> SimulationRequest:
    return SimulationRequest(rules=load_rules(SCHEMES, draft))


@pytest.fixture
def office(make_office: MakeOffice, database_url: str) -> Office:
    """Five members: one with a stay, one with two, one with none, one covered by another edition, one opted out."""
    office = make_office(database_url, feeds=EAST_AND_WEST)
    enrol(
        office,
        "nm",
        [
            member(1, league="甲盟"),
            member(2, league="乙盟"),
            member(3, league="乙盟", category="retired"),
            member(4, league="乙盟", coverage=(covered("2022-06-01", "2023-05-31"),)),
            member(5, league="乙盟", opt_out=True),
        ],
    )
    later: dict[str, Any] = {
        "begndate": "2021-12-01",
        "enddate": "2021-12-04",
        "setl_time": "2021-12-04 10:00:00",
        "ipt_days": 3,
    }
    in_2022 = {name: value.replace("2021", "2022") for name, value in later.items() if isinstance(value, str)}
    take(office, "east", page(row("A1", 1), row("A2", 2), row("A3", 2, **later), row("A4", 4, **{**later, **in_2022})))
    # The same stay from the other feed is a duplicate and counts once.
    take(office, "west", page(row("B1", 1, mdtrt_id="W")))
    return office


def figures_of(office: Office, asked: SimulationRequest, parts: int = 1) -> Figures:
    shares = shares_of(office, "nm-inpatient", None, parts)
    return merged([simulate_stored(office, asked, mine) for mine in shares], asked.kept)


# 9 days at 10 yuan, 6,000 yuan in the first band: 2,400 + 90 before, 3,000 + 90 after. The second stay of a period has
# no allowance.
ONE = (2490_00, 3090_00)
TWO = (2490_00 + 2400_00, 3090_00 + 3000_00)


def test_the_figures_by_hand(office: Office, asked: SimulationRequest) -> None:
    figures = figures_of(office, asked)
    assert (figures.members, figures.settlements, figures.refused) == (3, 3, 0)
    assert (figures.before.paid, figures.after.paid) == (ONE[0] + TWO[0], ONE[1] + TWO[1])
    assert (figures.total.better, figures.total.worse) == (2, 0)
    leagues = {name: (part.members, part.before, part.after) for name, part in figures.leagues.items()}
    assert leagues == {"甲盟": (1, *ONE), "乙盟": (2, *TWO)}
    assert (figures.before.claims, figures.before.people) == (3, 2)
    assert figures.member_days == 3 * 365
    assert [each.change for each in figures.largest()] == [1200_00, 600_00]


def test_what_is_simulated_before_is_what_was_claimed(office: Office, asked: SimulationRequest) -> None:
    claimed = sum(each["payable"] for each in live(office) if each["edition"] == "2021")
    assert figures_of(office, asked).before.paid == claimed


def test_parts_sum_to_the_whole_and_nothing_is_changed(office: Office, asked: SimulationRequest) -> None:
    held = everything(office)
    whole = figures_of(office, asked)
    assert figures_of(office, asked, parts=3) == whole
    assert everything(office) == held


def test_the_window_is_about_the_day_of_admission(office: Office, draft: Path) -> None:
    asked = SimulationRequest(rules=load_rules(SCHEMES, draft), first=date(2021, 11, 1), last=date(2021, 12, 31))
    figures = figures_of(office, asked)
    # Only the second stay of person 2; its period's first stay still took the allowance.
    assert (figures.before.paid, figures.after.paid) == (2400_00, 3000_00)
    assert figures.member_days == 3 * 61


def test_member_numbers_are_told_only_when_asked_for(office: Office, draft: Path) -> None:
    rules = load_rules(SCHEMES, draft)
    assert {each.who for each in figures_of(office, SimulationRequest(rules=rules)).largest()} == {""}
    told = figures_of(office, SimulationRequest(rules=rules, members=True, kept=1))
    assert [each.who for each in told.largest()] == ["M00002"]


def test_fees_are_those_asked_for(office: Office, draft: Path) -> None:
    asked = SimulationRequest(
        rules=load_rules(SCHEMES, draft), fees={"active": Money(100_00), "retired": Money(400_00)}
    )
    assert figures_of(office, asked).after.income == 600_00


def test_decisions_do_not_bind_a_simulation_but_tell_the_take_up(office: Office, asked: SimulationRequest) -> None:
    before = figures_of(office, asked)
    claim = next(each for each in live(office) if each["payable"] == ONE[0])
    decide(office, claim["claim_id"], version=1, outcome="approved", amount=Money(1_00))
    after = figures_of(office, asked)
    assert after == before
    # One claim granted, three member-years: 33.33 claims per 100 members.
    assert take_up_today(office, asked, after, ["nm"]) == 3333


def test_nobody_decided_nothing_is_known_of_take_up(office: Office, asked: SimulationRequest) -> None:
    assert take_up_today(office, asked, figures_of(office, asked), ["nm"]) is None


@pytest.mark.parametrize(
    ("first", "last", "paid"),
    [(None, None, WHOLE), (date(2022, 6, 20), date(2022, 6, 20), WHOLE), (date(2022, 7, 1), date(2022, 12, 31), 0)],
)
def test_confirmed_facts_are_weighed_by_their_day(
    make_office: MakeOffice, database_url: str, clock: Hands, first: date | None, last: date | None, paid: int
) -> None:
    clock.set(2022, 10, 8, 9)
    office = make_office(database_url)
    enrol(office, "nm", [woman(1), woman(2)])
    confirmed(office, 1)
    rules = load_rules(SCHEMES, SCHEMES / "nm-women-2022.toml")
    figures = figures_of(office, SimulationRequest(rules=rules, first=first, last=last))
    assert (figures.before.paid, figures.after.paid, figures.members) == (paid, paid, 2)


def test_an_association_without_the_scheme_is_wrong_use(office: Office) -> None:
    with pytest.raises(WrongUse):
        shares_of(office, "nm-inpatient", "elsewhere", 1)


# ── the draft ──


def test_a_draft_stands_in_the_place_of_its_name(draft: Path) -> None:
    rules = load_rules(SCHEMES, draft)
    assert rules.edition.name == "2021"
    assert [each.starts for each in rules.after.editions] == [each.starts for each in rules.before.editions]


def test_a_draft_of_a_new_edition_replaces_the_last_before_it(tmp_path: Path) -> None:
    path = changed(tmp_path / "next.toml", 'edition = "2022"', 'edition = "2027"', edition="2022")
    text = path.read_text(encoding="utf-8").replace("starts = 2022-03-22", "starts = 2027-01-01")
    path.write_text(re.sub(r"(?m)^carried_on_from.*$", "", text), encoding="utf-8")
    rules = load_rules(SCHEMES, path)
    assert rules.edition.name == "2022"
    assert rules.draft.starts == rules.edition.starts
    assert load_rules(SCHEMES, path, against="2021").edition.name == "2021"
    with pytest.raises(WrongUse, match="1999"):
        load_rules(SCHEMES, path, against="1999")


def test_the_same_text_changes_nothing(office: Office, tmp_path: Path) -> None:
    same = changed(tmp_path / "same.toml", "rate = 0.40", "rate = 0.40")
    figures = figures_of(office, SimulationRequest(rules=load_rules(SCHEMES, same)))
    assert figures.before == figures.after
    assert figures.total.better == figures.total.worse == 0


def test_a_wrong_draft_is_told_by_its_own_name(tmp_path: Path) -> None:
    wrong = changed(tmp_path / "my-draft.toml", "rate = 0.40", "rate = 40")
    with pytest.raises(BadSettings) as caught:
        load_rules(SCHEMES, wrong)
    assert {each.file.rsplit("/")[-1] for each in caught.value.findings} == {"my-draft.toml"}


def test_a_draft_of_no_scheme_is_wrong_use(tmp_path: Path) -> None:
    path = changed(tmp_path / "other.toml", 'scheme = "nm-inpatient"', 'scheme = "nowhere"')
    with pytest.raises(WrongUse):
        load_rules(SCHEMES, path)


# ── a file of cases ──


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    write_cases(tmp_path / "cases.jsonl", stays=400, seed=3)
    return tmp_path / "cases.jsonl"


def test_a_file_gives_what_assess_gives(cases: Path, asked: SimulationRequest) -> None:
    """Every case assessed by itself, from the generated values and not from the file."""
    paid = {"before": 0, "after": 0}
    for patient in patients(stays=400, seed=3):
        person = patient.person
        insured = Insured(
            category=person.category, sex=person.sex, birth_date=person.birth_date, coverage=patient.coverage
        )
        for name, family, edition in (
            ("before", asked.rules.before, asked.rules.edition),
            ("after", asked.rules.after, asked.rules.draft),
        ):
            estimates = assess(insured, patient.records, family)
            paid[name] += sum(each.payable for each in estimates if each.edition == edition.name)
    figures = simulate_lines(asked, cases, 0, cases.stat().st_size)
    assert figures.settlements == 400
    assert (figures.before.paid, figures.after.paid) == (paid["before"], paid["after"])
    assert paid["after"] > paid["before"] > 0


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_file_is_read_in_any_number_of_parts(cases: Path, asked: SimulationRequest, parts: int) -> None:
    whole = simulate_lines(asked, cases, 0, cases.stat().st_size)
    shares = [simulate_lines(asked, cases, begin, end) for begin, end in parts_of(cases, parts)]
    assert sum(each.members for each in shares) == whole.members > 100
    assert merged(shares, 10).after == merged([whole], 10).after


def test_lines_that_cannot_be_read_are_counted_and_stop_nothing(cases: Path, asked: SimulationRequest) -> None:
    good = simulate_lines(asked, cases, 0, cases.stat().st_size)
    overlapping = json.loads(cases.read_bytes().splitlines()[0])
    overlapping["member"]["coverage"] = [overlapping["member"]["coverage"][0]] * 2
    amount = json.loads(cases.read_bytes().splitlines()[1])
    amount["settlements"][0]["in_scope_amount"] = "1,000.00"
    bad = ["", "not json", json.dumps(overlapping), json.dumps(amount), '{"scheme": "another", "member": {}}']
    cases.write_bytes(cases.read_bytes() + "\n".join(bad).encode())
    figures = simulate_lines(asked, cases, 0, cases.stat().st_size)
    assert figures.refused == 3
    assert (figures.members, figures.after.paid) == (good.members, good.after.paid)


MISSPELT = [
    lambda case: case.update(decidd=[]),
    lambda case: case["member"].update(categry="retired"),
    lambda case: case["member"]["coverage"][0].update(share=2),
    lambda case: case["settlements"][0].update(inpatient_dys=5),
    lambda case: case.update(facts=[{"kind": "death", "on": "2021-01-01", "acident": True}]),
    lambda case: case.update(facts=[{"kind": "death"}]),
]


def test_a_key_nobody_reads_is_refused_and_never_passes_for_silence(cases: Path, asked: SimulationRequest) -> None:
    first = cases.read_bytes().splitlines()[0]
    lines = [first]
    for misspell in MISSPELT:
        case = json.loads(first)
        misspell(case)
        lines.append(json.dumps(case).encode())
    cases.write_bytes(b"\n".join(lines))
    figures = simulate_lines(asked, cases, 0, cases.stat().st_size)
    assert (figures.refused, figures.members) == (len(MISSPELT), 1)


def test_emergency_care_of_a_case_joins_its_stay(cases: Path, asked: SimulationRequest) -> None:
    member_of_case = {"category": "active", "coverage": [{"from": "2021-06-01", "to": "2022-05-31"}]}
    care = {"facility_no": "H1", "in_scope_amount": "3000.00", "fund_paid_amount": "1000.00"}
    stay = {**care, "settlement_no": "S", "care_type": "inpatient", "admitted_on": "2021-07-01", "inpatient_days": 9}
    stay |= {"discharged_on": "2021-07-10", "settled_at": "2021-07-10T10:00:00+08:00"}
    came = {**care, "settlement_no": "E", "care_type": "emergency", "settled_at": "2021-07-01T09:00:00+08:00"}
    case = {"case": "c", "scheme": "nm-inpatient", "member": member_of_case, "settlements": [stay, came]}
    joined = {**case, "facts": [{"kind": "emergency_part", "settlements": ["E"]}]}
    paid = []
    for each in (case, joined):
        cases.write_text(json.dumps(each), encoding="utf-8")
        paid.append(simulate_lines(asked, cases, 0, cases.stat().st_size).before.paid)
    # 40 % of 2,000 yuan alone, of 4,000 yuan together, and nine days at 10 yuan.
    assert paid == [890_00, 1690_00]


SHAPES = ("jingan-2002", "longyan-2013", "nm-women-2022", "sh-active-3y-2002", "sh-critical-340-2002", "yuncheng-2023")
"""Schemes that stand on another, have a gate, events, three years, shares, whole-amount bands."""


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_scheme_is_simulated_as_it_is_assessed(name: str, tmp_path: Path) -> None:
    """A scheme's own file as the draft, over its own cases: nobody is better or worse, and the sum is assess's."""
    rules = load_rules(SCHEMES, SCHEMES / f"{name}.toml")
    tables = read_toml(SCHEMES / f"{rules.before.scheme}.test.toml", shown_as="cases")
    cases = [in_json(case) for case in tables["cases"] if "expect_error" not in case]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps(case) for case in cases), encoding="utf-8")
    figures = simulate_lines(SimulationRequest(rules=rules), file, 0, file.stat().st_size)
    assert figures.refused == 0
    assert figures.before == figures.after
    estimates = [each for case in cases for each in answer_case(case, rules.families)["estimates"]]
    paid = [parse_yuan(each["payable"]) for each in estimates if each["edition"] == rules.edition.name]
    assert figures.before.paid == sum(paid) > 0


def in_json(value: Any) -> Any:
    """A case as its file states it, as JSON carries it; what was decided plays no part in a simulation."""
    if isinstance(value, dict):
        return {key: in_json(one) for key, one in value.items() if key not in ("decided", "expect")}
    if isinstance(value, list):
        return [in_json(one) for one in value]
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value


# ── the command ──


def hubao(site: Path, *arguments: str) -> Any:
    from gateway.cli.main import app

    return CliRunner().invoke(app, ["--site", str(site), *arguments], catch_exceptions=False)


def test_the_command_over_a_site(
    make_office: MakeOffice, sqlite_url: str, draft: Path, tmp_path: Path, clock: Hands
) -> None:
    office = make_office(sqlite_url, feeds=EAST_AND_WEST)
    enrol(office, "nm", [member(1), member(2)])
    take(office, "east", page(row("A1", 1)))
    chart, tables = tmp_path / "chart.svg", tmp_path / "tables"
    options = ["--fee", "100", "--take-up", "5.0", "--members", "--chart", str(chart), "--csv", str(tables), "--json"]
    done = hubao(office.site, "scheme", "simulate", str(draft), *options)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["members"], told["better"], told["unchanged"]) == (2, 1, 1)
    assert (told["before"]["paid"], told["after"]["paid"], told["difference"]) == ("2490.00", "3090.00", "600.00")
    assert told["year"]["after"]["income"] == "200.00"
    assert told["largest"][0]["member_no"] == "M00001"
    assert told["take_up"] == "5.00"
    assert [each["rates"] for each in told["rules"] if each["rule"] == "band"] == [["0.40", "0.50"]]
    assert {path.name for path in tables.iterdir()} == {
        f"{name}.csv" for name in ("totals", "fund", "forecast", "leagues", "rules", "distribution", "largest")
    }
    assert {path.stat().st_mode & 0o777 for path in tables.iterdir()} == {0o600}
    totals = (tables / "totals.csv").read_text(encoding="utf-8-sig").splitlines()
    assert totals[4] == "补助金额（元）,2490.00,3090.00,600.00"
    drawn = chart.read_text(encoding="utf-8")
    assert "每百名会员每年申领件数" in drawn
    assert "<script" not in drawn
    assert not re.search(r"""(?:href|src)=["']?https?:|@import|url\(\s*["']?https?:""", drawn)


def test_the_command_over_a_file_in_words(cases: Path, draft: Path, tmp_path: Path) -> None:
    done = hubao(tmp_path, "scheme", "simulate", str(draft), "--stays", str(cases), "--processes", "1")
    assert done.exit_code == 0, done.output
    for words in ("分段补助 40% → 50%", "基金一年", "变化分布", "在职住院率", "会费"):
        assert words in done.output


def test_wrong_fees_are_wrong_use(draft: Path, cases: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUse):
        hubao(tmp_path, "scheme", "simulate", str(draft), "--stays", str(cases), "--fee", "student=5")
