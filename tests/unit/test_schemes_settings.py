"""Scheme files: every mistake is found, named by file and key, all at once."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from schemes_builders import SCHEMES

from gateway.core.schemes.language.edition import bands_from
from gateway.errors import BadSettings
from gateway.model.money import Money
from gateway.settings.schemes import load_families, scheme_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "schemes"
    copied.mkdir()
    for path in scheme_files(SCHEMES):
        if path.name.startswith("nm-inpatient-"):
            shutil.copy(path, copied)
    return copied


def broken(folder: Path, old: str, new: str, *, edition: str = "2021") -> list[str]:
    """The findings after one text of an edition file was replaced by another."""
    path = folder / f"nm-inpatient-{edition}.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadSettings) as refused:
        load_families(folder)
    return [str(finding) for finding in refused.value.findings]


MISTAKES = [
    ("rate = 0.40", "rate = 40", "benefits[1].bands[1].rate"),
    ("rate = 0.40", "rate = -0.1", "benefits[1].bands[1].rate"),
    ("rate = 0.40", "rate = 0.40001", "benefits[1].bands[1].rate"),
    ("rate = 0.40", 'rate = "forty"', "benefits[1].bands[1].rate"),
    ("upto = 10000\n", "upto = 100000\n", "upto must rise"),
    ("upto = 10000\n", "upto = 200000\n", "upto must rise"),
    ("upto = 10000\n", "upto = 0\n", "upto must rise"),
    ("upto = 10000\n", "", "only the last band"),
    ("upto = 10000\n", "upto = 10000.001\n", "benefits[1].bands[1].upto"),
    ("upto = 10000\n", "up_to = 10000\n", "benefits[1].bands[1].up_to: 未知键 (unknown key)；允许 (allowed): 是否想写"),
    ("amount = 250000", "amount = 100", "caps 的 amount"),
    ("amount = 200", "amount = -200", "floor.amount"),
    ("to = 60", "to = 15", "who.ages[1]"),
    ("per_day = [10, 20, 30]", "per_day = []", "benefits[2].per_day"),
    ("max_days = 30", "max_days = 0", "benefits[2].max_days"),
    ("counts_from = 2020-04-28", "counts_from = 2020", "benefits[2].counts_from"),
    ('counts_from = "settlement"', 'counts_from = "admission"', "claim.counts_from"),
    ('add = ["in_scope_amount"]', 'add = ["total_amount * 2"]', "benefits[1].base"),
    ('rounding = "half_up_fen"', 'rounding = "bank"', "rounding"),
    ('[settings."rounding"]', '[settings."roundings"]', "unknown roundings"),
    ("assumed = true", 'assumed = "perhaps"', "assumed"),
    ("assumed = true", "", "assumed"),
    ("starts = 2021-05-01", "starts = 2020-04-28", "starts"),
    ("starts = 2021-05-01", "starts = 2021-05-31T00:00:01", "starts"),
    ('insurance_types = ["310"]', 'insurance_types = ["310", "390"]', "who"),
    ("transfer_days = 1", "transfer_days = 2", "stay"),
    ('edition = "2021"', 'edition = "2023"', "nm-inpatient-2023.toml"),
    ('name = "内蒙古职工住院医疗互助保障"', 'name = "另一个"', "name"),
    ("[[caps]]", "[[ceilings]]", "ceilings"),
    ("[[caps]]", "[[caps]", "TOML"),
]


@pytest.mark.parametrize(("old", "new", "named"), MISTAKES)
def test_a_mistake_is_named(folder: Path, old: str, new: str, named: str) -> None:
    findings = broken(folder, old, new)
    assert any(named in finding for finding in findings)
    assert all(finding.startswith("config/schemes/nm-inpatient-") for finding in findings)


def test_findings_of_all_files_come_at_once(folder: Path) -> None:
    for edition in ("2019", "2020"):
        path = folder / f"nm-inpatient-{edition}.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("rate = 0.30", "rate = 30"), encoding="utf-8")
    findings = broken(folder, "rate = 0.40\n", "rate = 40\nceiling = 1\n")
    assert len(findings) == 4


def test_carried_on_must_come_after_the_start(folder: Path) -> None:
    findings = broken(folder, "carried_on_from = 2023-01-01", "carried_on_from = 2022-01-01", edition="2022")
    assert "carried_on_from" in findings[0]


def test_a_confirmed_answer_is_no_longer_assumed(folder: Path) -> None:
    path = folder / "nm-inpatient-2021.toml"
    text = path.read_text(encoding="utf-8")
    at = text.index('[settings."rounding"]')
    path.write_text(text[:at] + text[at:].replace("assumed = true", "assumed = false", 1), encoding="utf-8")
    edition = load_families(folder)["nm-inpatient"].editions[2]
    assert "rounding" not in edition.assumed
    assert "allowance.years" in edition.assumed


def test_tests_beside_the_files_are_no_editions(folder: Path) -> None:
    (folder / "other.test.toml").write_text("nonsense", encoding="utf-8")
    assert [path.name for path in scheme_files(folder)] == [
        f"nm-inpatient-{year}.toml" for year in (2019, 2020, 2021, 2022)
    ]
    assert set(load_families(folder)) == {"nm-inpatient"}


def test_an_empty_folder_has_no_schemes(tmp_path: Path) -> None:
    assert load_families(tmp_path) == {}


def test_rates_and_edges_become_integers() -> None:
    first, second = bands_from([(Money(1_000_000), Decimal("0.125"), "a"), (None, Decimal("1"), "b")])
    assert (first.rate_units, first.label, first.percent) == (1250, "0–10000元部分", "12.5%")
    assert (second.over, second.label, second.percent) == (1_000_000, "10000元以上部分", "100%")
    with pytest.raises(ValueError, match="four decimals"):
        bands_from([(None, Decimal("0.00001"), "a")])


@pytest.mark.parametrize(
    ("old", "new", "place", "allowed"),
    [
        ('kind = "share"\n', 'kind = "share"\noperations = ["37.9000x001"]\n', "benefits[1].operations", "未知键"),
        ('add = ["in_scope_amount"]', 'add = ["bed_amount"]', "benefits[1].base", "in_scope_amount"),
    ],
    ids=["operation codes", "bed fee"],
)
def test_what_no_record_tells_is_refused_with_what_can_be_said(
    folder: Path, old: str, new: str, place: str, allowed: str
) -> None:
    findings = broken(folder, old, new)
    assert any(place in finding and allowed in finding for finding in findings), findings
