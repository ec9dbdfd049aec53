"""A class of members under the words rosters use for it: 劳动模范 is 劳模 where the scheme's file says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from schemes_builders import SCHEMES, insured, stay

from gateway.core.schemes import assess
from gateway.errors import BadSettings
from gateway.settings.schemes import load_families

SHARE = 'kind = "share"\n'
YEAR = ("2021-06-01", "2022-05-31")


def written(folder: Path, names: str) -> Path:
    """The edition of 2021, its subsidy for 劳模 only."""
    text = (SCHEMES / "nm-inpatient-2021.toml").read_text(encoding="utf-8")
    text = text.replace(SHARE, SHARE + 'classes = ["劳模"]\n', 1).replace("[who]\n", f"[who]\n{names}", 1)
    (folder / "nm-inpatient-2021.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("names", "classes", "payable"),
    [
        # 6,000.00 at 40 %; nine nights of the first year at 10.00 are 90.00, topped up to 200.00 where they are alone.
        ('class_names = { "劳模" = ["劳动模范"] }\n', ("劳动模范",), 249_000),
        ('class_names = { "劳模" = ["劳动模范"] }\n', ("劳模",), 249_000),
        ('class_names = { "劳模" = ["劳动模范"] }\n', ("困难职工", "劳动模范"), 249_000),
        ('class_names = { "劳模" = ["劳动模范"] }\n', ("先进工作者",), 20_000),
        ("", ("劳动模范",), 20_000),
    ],
)
def test_a_roster_may_write_it_otherwise(tmp_path: Path, names: str, classes: tuple[str, ...], payable: int) -> None:
    member = msgspec.structs.replace(insured(YEAR), classes=classes)
    family = load_families(written(tmp_path, names))["nm-inpatient"]
    (estimate,) = assess(member, [stay("A", "2021-07-01", "2021-07-10", inpatient_days=9)], family)
    assert estimate.payable == payable


@pytest.mark.parametrize(
    "names",
    [
        'class_names = { "劳模" = ["模范"], "先进" = ["模范"] }\n',
        'class_names = { "劳模" = ["先进"], "先进" = ["先进工作者"] }\n',
        'class_names = { "劳模" = [] }\n',
        'class_names = { "劳模" = "劳动模范" }\n',
    ],
)
def test_a_word_stands_for_one_class(tmp_path: Path, names: str) -> None:
    with pytest.raises(BadSettings) as refused:
        load_families(written(tmp_path, names))
    assert "class_names" in str(refused.value)
