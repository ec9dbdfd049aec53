"""What a scheme file may not say is told where it stands, counted from 1, in Chinese first, with what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scheme_words import HEAD, death, family_of, member, period, share, stay

from gateway.errors import BadSettings
from gateway.flow.studies.scheme_tests import run_scheme_tests
from gateway.settings.schemes import load_families

FLAT = '[[benefits]]\nname = "flat"\nkind = "flat"\ntitle = "t"\namount = 300\narticle = "a"\n'

MISSPELT = [
    (share(0.5, "nth_form = 2"), "benefits[1].nth_form", "nth_from"),
    (share(0.5) + FLAT.replace("amount", "amuont"), "benefits[2].amuont", "amount"),
    (share(0.5, "gate = { amount = 1000, exceded = true }"), "benefits[1].gate.exceded", "exceeded"),
    (share(0.5, 'clases = ["劳模"]'), "benefits[1].clases", "classes"),
    (share(0.5) + '[[benefits.bands]]\nrat = 0.5\narticle = "a"', "benefits[1].bands[2].rat", "rate"),
    (death(1000, "acident = true"), "benefits[1].acident", "accident"),
    (
        share(0.5) + '[[caps]]\namount = 1\nper = "stay"\nper_shares = true\narticle = "a"',
        "caps[1].per_shares",
        "per_share",
    ),
    (share(0.5) + '[[exclusions]]\nreason = "r"\npaid_form = 2\narticle = "a"', "exclusions[1].paid_form", "paid_from"),
    (
        share(0.5) + '[settings."rounding"]\nquestion = "q"\nanswer = "a"\nassumd = true',
        "settings.rounding.assumd",
        "assumed",
    ),
    (share(0.5) + "[waitings]\ndays = 1", "waitings", "waiting"),
]


@pytest.mark.parametrize(("rules", "place", "word"), MISSPELT)
def test_a_misspelt_key_is_told_with_the_one_that_was_meant(rules: str, place: str, word: str, tmp_path: Path) -> None:
    told = f"config/schemes/words-1.toml: {place}: 未知键 (unknown key)；允许 (allowed): 是否想写 (did you mean) {word}"
    assert told in findings(tmp_path, rules)


NONSENSE = [
    (share(0.5, "floor = 100\ncap = 50"), "benefits[1]", "cap 不得低于 floor"),
    (share(0.5, 'unless = ["flat"]') + FLAT, "-", "share 之前没有 flat"),
    (share(0.5, 'unless = ["share"]'), "-", "share 之前没有 share"),
    (share(0.5, "nth_from = 3\nnth_to = 2"), "benefits[1]", "nth_to 不得小于 nth_from"),
    (share(0.5, "paid_from = 3\npaid_to = 2"), "benefits[1]", "paid_to 不得小于 paid_from"),
    (share(0.5, "gate = { exceeded = true }"), "benefits[1].gate", "写 amount，或同时写 first 和 later"),
    (share(0.5, "gate = { amount = 1, first = 2 }"), "benefits[1].gate", "写 amount，或同时写 first 和 later"),
    (share(0.5, 'gate = "much"'), "benefits[1].gate", "数字 (a number)"),
    (share(None, bands='from_included = true\nrate = 0.1\narticle = "a"\n'), "benefits[1]", "from_included 只用于"),
    (share(0.5) + '[floor]\narticle = "a"', "floor", "至少写 amount 或 on_death"),
    (period("months = 12") + "\n" + share(0.5), "period", "begins 缺失"),
    (period("begins = 2023-03-31") + "\n" + share(0.5), "period", "1日至28日"),
    (period("begins = 2023-03-01").replace("fixed_days", "calendar_year") + "\n" + share(0.5), "period", "fixed_days"),
    ('[ceiling]\namount = 1\nyear_begins = "04-01"\n' + share(0.5), "ceiling", "year_begins 只用于"),
    (share(0.5).replace('kind = "share"', 'kind = "shares"'), "benefits[1]", "'share'"),
    (share(0.5).replace('kind = "share"\n', ""), "benefits[1].kind", "'share'"),
    (share(0.5) + '[[benefits.bands]]\nrate = 50\narticle = "a"', "benefits[1].bands[2].rate", "不大于 1"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "place", "words"), NONSENSE)
def test_what_cannot_be_meant_is_told_in_chinese_first(rules: str, place: str, words: str, tmp_path: Path) -> None:
    found = findings(tmp_path, rules)
    assert len(found) == 1
    assert found[0].startswith(f"config/schemes/words-1.toml: {place}: ")
    assert words in found[0]


def test_every_message_is_ours(tmp_path: Path) -> None:
    """Whatever is wrong: no message of the checking library is passed on."""
    for rules, _, _ in MISSPELT + NONSENSE:
        for finding in findings(tmp_path, rules):
            allowed = finding.split("允许 (allowed): ")[1]
            assert re.search("[\u4e00-\u9fff]", allowed) or re.fullmatch("[a-z_', 、|()或]+", allowed), finding
            assert not re.search("Input should|Value error|Extra inputs|pydantic", finding)


def test_a_class_that_two_tables_of_bands_name_is_refused(tmp_path: Path) -> None:
    """A member of both classes would have two tables: the file must say which holds."""
    first = 'rate = 0.5\nclasses = ["劳模"]\narticle = "a"\n'
    rows = f'{first}[[benefits.bands]]\nrate = 0.6\nclasses = ["困难职工"]\narticle = "a"\n'
    assert "只有最后一段" in findings(tmp_path, share(None, bands=rows))[0]
    told = rows.replace('classes = ["困难职工"]', 'classes = ["困难职工"]\nwithout_classes = ["劳模"]')
    assert family_of(tmp_path, share(None, bands=told)).scheme == "words"


def findings(folder: Path, rules: str) -> list[str]:
    """What is wrong with a scheme of these tables."""
    who = '[who]\ninsurance_types = ["310"]\narticle = "a"\n[stay]\ncare = ["inpatient"]\narticle = "a"\n'
    (folder / "words-1.toml").write_text(f"{HEAD}{who}{rules}", encoding="utf-8")
    with pytest.raises(BadSettings) as refused:
        load_families(folder, codes=Path(__file__).parents[2] / "config" / "codes")
    return [str(finding) for finding in refused.value.findings]


GUIDE = (Path(__file__).parents[2] / "config" / "schemes" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"```toml\n(.*?)```", GUIDE.split("## What other unions' rules needed")[1].split("\n## ")[0], re.S
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("#")[1].strip()[:30])
def test_the_examples_of_the_guide_are_parts_of_sound_schemes(example: str, tmp_path: Path) -> None:
    who = "" if "[who]" in example else '[who]\narticle = "a"\n'
    care = "" if "[stay]" in example else '[stay]\ncare = ["inpatient"]\narticle = "a"\n'
    benefit = "" if "[[benefits]]" in example else share(0.5)
    (tmp_path / "words-1.toml").write_text(f"{HEAD}{who}{care}{example}\n{benefit}", encoding="utf-8")
    assert set(load_families(tmp_path, codes=Path(__file__).parents[2] / "config" / "codes")) == {"words"}


def test_what_a_case_expected_is_told_by_its_row_from_one(tmp_path: Path) -> None:
    family = family_of(tmp_path, share(0.5))
    case = {"case": "a", "scheme": "words", "member": member(("2025-01-01", "2025-12-31"))}
    case |= {"settlements": [stay("A", "2025-03-01", "10.00")], "expect": [{"payable": "6.00"}]}
    [result] = run_scheme_tests({"cases": [case]}, {"words": family})
    assert result.differences == ("estimates[1].payable: 应为 (expected) '6.00'，得到 (found) '5.00'",)
