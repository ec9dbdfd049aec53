"""config/schemes/<scheme>-<edition>.toml: one edition of a scheme, every rule with its article.

All files of one scheme together are a family; what holds across editions is checked here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.core.schemes.edition import (
    OPEN_QUESTIONS,
    Ages,
    Allowance,
    ClaimWindow,
    Edition,
    Limit,
    SchemeFamily,
    bands_from,
)
from gateway.errors import BadSettings, Finding
from gateway.model.money import Money
from gateway.settings.feeds import Name
from gateway.settings.files import Spec, check, read_toml

Article = Annotated[str, Field(min_length=1, max_length=80)]
Yuan = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 12, decimal_places=2)]
Rate = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
InsuranceType = Annotated[str, Field(pattern=r"^[0-9]{3}$")]


class BandSpec(Spec):
    """One band: up to this many yuan of the base (left out: no end), at this rate (0.40 for 40 %)."""

    upto: Yuan | None = None
    rate: Rate
    article: Article


class LimitSpec(Spec):
    """An amount in yuan."""

    amount: Yuan
    article: Article


class AllowanceSpec(Spec):
    """Yuan a day in the first, second, … year in a row; the last holds for all later years."""

    per_day: Annotated[tuple[Yuan, ...], Field(min_length=1)]
    max_days: Annotated[int, Field(ge=1, le=366)]
    counts_from: date
    restart: bool
    article: Article


class ProrationSpec(Spec):
    """The subsidy in proportion to the covered days of a stay; no other base is known yet."""

    base: Literal["subsidy"] = "subsidy"
    article: Article


class ClaimSpec(Spec):
    """How many days a member has to claim, and from when they count."""

    days: Annotated[int, Field(ge=0, le=3660)]
    counts_from: Literal["settlement", "period_end"]
    article: Article


class AgeSpec(Spec):
    """Ages in full years on the first day of the period, all included."""

    active_from: Annotated[int, Field(ge=0, le=150)]
    active_to: Annotated[int, Field(ge=0, le=150)]
    retired_to: Annotated[int, Field(ge=0, le=150)]
    article: Article


class WhoSpec(Spec):
    """Which insurance (insutype) a settlement must belong to where it is given, and which is maternity's."""

    insurance_types: Annotated[tuple[InsuranceType, ...], Field(min_length=1)]
    maternity_insurance: InsuranceType
    article: Article


class StaySpec(Spec):
    """Up to how many days after a discharge a stay at another facility belongs to the same stay."""

    transfer_days: Annotated[int, Field(ge=0, le=30)]
    article: Article


class QuestionSpec(Spec):
    """A question the regulation leaves open, the answer used, and whether nobody has confirmed it yet."""

    question: Annotated[str, Field(min_length=1)]
    answer: Annotated[str, Field(min_length=1)]
    assumed: bool


class SchemeSpec(Spec):
    """One edition file of a scheme that subsidises inpatient self-pay in marginal bands (分段计算)."""

    scheme: Name
    name: Annotated[str, Field(min_length=1)]
    edition: Annotated[str, Field(pattern=r"^[0-9a-z][0-9a-z-]{0,19}$")]
    version: Annotated[int, Field(ge=1)] = 1
    title: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    starts: date
    carried_on_from: date | None = None
    base: Literal["in_scope_amount - fund_paid_amount"]
    rounding: Literal["half_up_fen"]
    who: WhoSpec
    stay: StaySpec
    ages: AgeSpec
    bands: Annotated[tuple[BandSpec, ...], Field(min_length=1)]
    proration: ProrationSpec
    allowance: AllowanceSpec | None = None
    floor: LimitSpec | None = None
    cap: LimitSpec
    claim: ClaimSpec
    papers: tuple[str, ...] = ()
    settings: dict[str, QuestionSpec] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _bands_ascend(self) -> SchemeSpec:
        ends = [band.upto for band in self.bands]
        closed = [end for end in ends[:-1] if end is not None]
        if len(closed) < len(ends) - 1:
            raise ValueError("bands: only the last band may be without upto")
        edges = [Decimal(0), *closed, *([ends[-1]] if ends[-1] is not None else [])]
        if any(later <= earlier for earlier, later in pairwise(edges)):
            raise ValueError("bands: upto must rise from band to band")
        return self

    @model_validator(mode="after")
    def _amounts_agree(self) -> SchemeSpec:
        if self.floor is not None and self.cap.amount < self.floor.amount:
            raise ValueError("cap.amount must not be below floor.amount")
        if self.ages.active_to < self.ages.active_from:
            raise ValueError("ages.active_to must not be below ages.active_from")
        if self.carried_on_from is not None and self.carried_on_from <= self.starts:
            raise ValueError("carried_on_from must be after starts")
        return self

    @model_validator(mode="after")
    def _questions_are_known(self) -> SchemeSpec:
        unknown = sorted(set(self.settings) - set(OPEN_QUESTIONS))
        if unknown:
            raise ValueError(f"settings: unknown {', '.join(unknown)}; known: {', '.join(OPEN_QUESTIONS)}")
        return self


def load_families(folder: Path, *, shown_as: str = "config/schemes") -> dict[str, SchemeFamily]:
    """All schemes of a folder by name. Raises BadSettings with the findings of all files at once."""
    specs: dict[str, SchemeSpec] = {}
    findings: list[Finding] = []
    for path in scheme_files(folder):
        shown = f"{shown_as}/{path.name}"
        try:
            specs[shown] = check(SchemeSpec, read_toml(path, shown_as=shown), shown_as=shown)
        except BadSettings as error:
            findings += error.findings
    findings += [finding for shown, spec in specs.items() for finding in _misnamed(shown, spec)]
    findings += _disagreements(specs)
    if findings:
        raise BadSettings(findings)
    return families_of(specs.values())


def scheme_files(folder: Path) -> list[Path]:
    """The edition files of a folder, without the tests beside them."""
    return sorted(path for path in folder.glob("*.toml") if not path.name.endswith(".test.toml"))


def scheme_test_files(folder: Path) -> list[Path]:
    """The files of cases beside the edition files."""
    return sorted(folder.glob("*.test.toml"))


def families_of(specs: Iterable[SchemeSpec]) -> dict[str, SchemeFamily]:
    """Checked editions → one family for each scheme, editions oldest first."""
    by_scheme: dict[str, list[SchemeSpec]] = {}
    for spec in sorted(specs, key=lambda spec: (spec.scheme, spec.starts)):
        by_scheme.setdefault(spec.scheme, []).append(spec)
    return {scheme: _family(editions) for scheme, editions in by_scheme.items()}


def _misnamed(shown: str, spec: SchemeSpec) -> list[Finding]:
    expected = f"{spec.scheme}-{spec.edition}.toml"
    if shown.endswith(f"/{expected}"):
        return []
    return [Finding(shown, "edition", f"{spec.scheme} {spec.edition}", f"文件名应为 (file name) {expected}")]


def _disagreements(specs: dict[str, SchemeSpec]) -> list[Finding]:
    """What must hold between the editions of one scheme."""
    findings: list[Finding] = []
    seen: dict[tuple[str, date], str] = {}
    oldest: dict[str, SchemeSpec] = {}
    for shown, spec in specs.items():
        other = seen.setdefault((spec.scheme, spec.starts), shown)
        if other != shown:
            allowed = "每期起始日唯一 (each edition its own first day)"
            findings.append(Finding(shown, "starts", f"与 {other} 相同 (same as there)", allowed))
        first = oldest.setdefault(spec.scheme, spec)
        findings += [_differs(shown, key, first) for key in ("name", "who", "stay") if _differ(key, first, spec)]
    return findings


def _differ(key: str, one: SchemeSpec, other: SchemeSpec) -> bool:
    def plain(spec: SchemeSpec) -> object:
        value = getattr(spec, key)
        return value.model_dump(exclude={"article"}) if isinstance(value, Spec) else value

    return plain(one) != plain(other)


def _differs(shown: str, key: str, first: SchemeSpec) -> Finding:
    # A stay may span two editions, so what makes a stay cannot depend on the edition.
    return Finding(shown, key, f"与 {first.edition} 期不同 (differs)", "各期相同 (the same in all editions)")


def _family(editions: list[SchemeSpec]) -> SchemeFamily:
    latest = editions[-1]
    return SchemeFamily(
        scheme=latest.scheme,
        name=latest.name,
        editions=tuple(edition_of(spec) for spec in editions),
        insurance_types=frozenset(latest.who.insurance_types),
        maternity_insurance=latest.who.maternity_insurance,
        transfer_days=latest.stay.transfer_days,
    )


def edition_of(spec: SchemeSpec) -> Edition:
    """One checked file as the engine's values: amounts in fen, rates in ten-thousandths."""
    rows = [(None if band.upto is None else _fen(band.upto), band.rate, band.article) for band in spec.bands]
    return Edition(
        name=spec.edition,
        title=spec.title,
        source=spec.source,
        starts=spec.starts,
        carried_on_from=spec.carried_on_from,
        bands=bands_from(rows),
        cap=_limit(spec.cap),
        floor=None if spec.floor is None else _limit(spec.floor),
        allowance=None if spec.allowance is None else _allowance(spec.allowance),
        proration_article=spec.proration.article,
        claim_window=ClaimWindow(**spec.claim.model_dump()),
        ages=Ages(**spec.ages.model_dump()),
        papers=spec.papers,
        assumed=frozenset(name for name, question in spec.settings.items() if question.assumed),
    )


def _fen(amount: Decimal) -> Money:
    return Money(int(amount * 100))


def _limit(spec: LimitSpec) -> Limit:
    return Limit(amount=_fen(spec.amount), article=spec.article)


def _allowance(spec: AllowanceSpec) -> Allowance:
    return Allowance(
        per_day=tuple(_fen(amount) for amount in spec.per_day),
        max_days=spec.max_days,
        counts_from=spec.counts_from,
        restart=spec.restart,
        article=spec.article,
    )
