"""A feed is put in force once everything about it was proved; one command goes back to the version before (启用、退回).

The gate asks for what the night would stumble over, all of it at once: nothing left to fill in, a legal basis that
holds, secrets and folders, examples that pass, amounts that a person has looked at, and a try whose rows become
records. What was in force stays kept (`gateway.settings.versions`). Neither verb reads stored pages again: what that
would change is told beforehand, and `feed replay` does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.core.signing import clerk
from gateway.errors import BadSettings, Finding, WrongUse
from gateway.flow.accounts.seeing import note_access
from gateway.flow.batches.rereading import Rereading, reread, say_what_changed
from gateway.flow.findings.book import close
from gateway.flow.intake.trying import SOUND_SHARE, FeedTrial
from gateway.flow.office import Office
from gateway.flow.studies.mapping_tests import cases_of, run_cases
from gateway.settings.files import tables_of
from gateway.settings.scaffold import unfilled
from gateway.settings.versions import (
    Deed,
    FeedFiles,
    VersionDeed,
    differs_from_in_force,
    files_of,
    keep,
    put_in_force,
    state_of,
    version_files,
)
from gateway.store import pages
from gateway.store.accesses import Access
from gateway.store.values import to_ms
from gateway.words.records import field_in_words

Gate = Literal["fill_in", "settings", "legal", "version", "doubts", "examples", "try"]
"""What is asked for: nothing to fill in, what `check` asks for, the legal basis, a version of its own, amounts that a
person looked at, examples that pass, a try."""

EDITED: Final = "feed_edited"
_DECIDING: Final = ("name", "id_number", "care_type", "admitted_on", "discharged_on", "settled_at", "total_amount")
_DOUBTED: Final = "请核对"
_FIELD: Final = re.compile(r"^\[fields\.([a-z_]+)\]|^# ([a-z_]+) ←")
_MOST_NOTE: Final = 200


class GateFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a feed from being put in force: where, what is so, and what to do."""

    gate: Gate
    place: str
    problem: str
    advice: str


class GateTrials(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried for the gate: over the line, with a file. `refused`: why nothing could be tried."""

    trials: Sequence[FeedTrial] = ()
    refused: str = ""


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `version` 0 and `done` false where it was not done; `difference`: what reading the feed's stored
    pages again would change, None where it was not asked."""

    feed: str
    version: int
    digest: str
    done: bool
    findings: tuple[GateFinding, ...] = ()
    difference: Rereading | None = None


def examine(
    office: Office,
    feed: str,
    files: FeedFiles,
    *,
    ready: Sequence[Finding],
    tried: GateTrials,
    doubts_checked: bool = False,
) -> list[GateFinding]:
    """Everything that keeps these files of a feed from being put in force; nothing is written. `office`: the one that
    has them already; `ready`: what `check` says of them."""
    place = f"config/feeds/{feed}.toml"
    keys = unfilled(tables_of(files.feed, shown_as=place))
    gate_findings = [
        GateFinding(gate="fill_in", place=f"{place} {key}", problem="待填 (to be filled in)", advice="写上实际的内容")
        for key in keys
    ]
    gate_findings += of_settings(ready) + _missing_fields(office, feed)
    gate_findings += _same_number(office, feed, files)
    if not doubts_checked:
        gate_findings += _doubts(office, feed, files)
    gate_findings += _examples(office, feed, files)
    return gate_findings + _trials(office, feed, tried)


def of_settings(findings: Sequence[Finding]) -> list[GateFinding]:
    """What is wrong with files, secrets and folders, as findings of the gate."""
    return [
        GateFinding(
            gate="legal" if finding.key.startswith("legal") else "settings",
            place=f"{finding.file} {finding.key}",
            problem=finding.found,
            advice=finding.allowed,
        )
        for finding in findings
    ]


def activate(office: Office, feed: str, files: FeedFiles, *, by: str, note: str = "") -> Activation:
    """Keep these files as a version and put it in force; call it with what `examine` finds nothing wrong with. What is
    pending after a kill is finished by whoever reads the site next."""
    return _put(office, feed, files, "activate", by=by, note=note)


def go_back(office: Office, feed: str, version: int, mapping_name: str, *, by: str, note: str = "") -> Activation:
    """Put a kept version in force again. Files that were edited since are kept first, as a version of their own;
    `mapping_name`: the mapping they name. Raises WrongUse where the version is not kept."""
    if differs_from_in_force(office.site, feed, mapping_name):
        edited = files_of(office.site, feed, mapping_name)
        keep(office.site, feed, edited, _deed(office, edited, "set_aside", by=by, note=""))
    return _put(office, feed, version_files(office.site, feed, version), "back", by=by, note=note)


def version_before(site: Path, feed: str) -> int:
    """The newest version that was in force before the one that is. Raises WrongUse where there is none."""
    state = state_of(site, feed)
    earlier = [deed.version for deed in state.deeds if deed.deed != "set_aside" and deed.version < state.in_force]
    if not earlier:
        raise WrongUse(
            f"{feed} 没有更早的版本可退；hubao feed history {feed} 列出全部 (there is no version before this one)"
        )
    return max(earlier)


def difference(office: Office, feed: str) -> Rereading | None:
    """What reading the feed's stored pages again would change, None where it has none. Nothing is written."""
    result = reread(office, feed)
    return result if result.pages else None


def _put(office: Office, feed: str, files: FeedFiles, deed: Deed, *, by: str, note: str) -> Activation:
    signed = _deed(office, files, deed, by=by, note=note)
    with office.store.write() as tx:
        note_access(tx, office, Access(item_id=0, by=signed.by, at=to_ms(office.now()), what=f"feed_{deed}"))
    version = put_in_force(office.site, feed, files, signed)
    with office.store.write() as tx:
        close(tx, EDITED, "feed", [feed], now=office.now())
    say_what_changed(office)
    return Activation(feed=feed, version=version, digest=files.digest, done=True)


def _deed(office: Office, files: FeedFiles, deed: Deed, *, by: str, note: str) -> VersionDeed:
    if len(note) > _MOST_NOTE or not note.isprintable():
        raise WrongUse(f"备注最多{_MOST_NOTE}个字，一行 (a note is one line of at most {_MOST_NOTE} characters)")
    at, name = office.now().isoformat(timespec="seconds"), clerk(by)
    # Number and digest are said by what is kept.
    return VersionDeed(version=0, digest="", mapping_name=files.mapping_name, deed=deed, at=at, by=name, note=note)


def _missing_fields(office: Office, feed: str) -> list[GateFinding]:
    """Fields without which no row of the feed can ever become a claim, and that its mapping has from nowhere."""
    language = office.mapping_of(feed).language
    missing = [field for field in _DECIDING if field not in language.fields]
    if not missing:
        return []
    shown = "、".join(f"{field} {field_in_words(field)}" for field in missing)
    problem = f"没有字段 {shown}：认不出人或算不出补助 (fields without which nothing can be claimed)"
    advice = '写明来自哪一列：[fields.字段] from = ["列名"]'
    return [GateFinding(gate="settings", place=f"mappings/{language.mapping}.toml", problem=problem, advice=advice)]


def _in_force(office: Office, feed: str) -> FeedFiles | None:
    state = state_of(office.site, feed)
    return version_files(office.site, feed, state.in_force) if state.in_force else None


def _same_number(office: Office, feed: str, files: FeedFiles) -> list[GateFinding]:
    """A file that says something new under the number it had: a version in force is never edited."""
    before = _in_force(office, feed)
    if before is None:
        return []
    shown = (f"config/feeds/{feed}.toml", f"mappings/{files.mapping_name}.toml")
    pairs = [(before.feed, files.feed)]
    pairs += [(before.mapping, files.mapping)] if before.mapping_name == files.mapping_name else []
    gate_findings = []
    for place, (old_text, new_text) in zip(shown, pairs, strict=False):
        old, new = tables_of(old_text, shown_as=place), tables_of(new_text, shown_as=place)
        number = old.get("version", 1)
        if old != new and new.get("version", 1) <= number:
            problem = f"内容与第{number}版不同，版本号没有增加 (it says something new under the same number)"
            advice = f"写 version = {number + 1} 或更大"
            gate_findings.append(GateFinding(gate="version", place=f"{place} version", problem=problem, advice=advice))
    return gate_findings


def _doubts(office: Office, feed: str, files: FeedFiles) -> list[GateFinding]:
    """Lines of a mapping whose comment asks for a person's look, unless they are in force already."""
    before = _in_force(office, feed)
    if before is not None and before.mapping == files.mapping:
        return []
    fields = doubtful_fields(files.mapping)
    if not fields:
        return []
    place, shown = f"mappings/{files.mapping_name}.toml", "、".join(fields)
    problem = f"{len(fields)}个字段注明请核对：{shown} (fields that somebody must look at)"
    advice = "与样本逐一核对，改对或删去“请核对”；全部核对过也可加 --checked"
    return [GateFinding(gate="doubts", place=place, problem=problem, advice=advice)]


def doubtful_fields(mapping: str) -> list[str]:
    """The fields of a mapping's text whose comment says that somebody must look at them."""
    field, doubted = "", list[str]()
    for line in mapping.splitlines():
        match = _FIELD.match(line)
        field = (match[1] or match[2]) if match else field
        if field and _DOUBTED in line.partition("#")[2]:
            doubted.append(field)
    return list(dict.fromkeys(doubted))


def _examples(office: Office, feed: str, files: FeedFiles) -> list[GateFinding]:
    place, name = f"mappings/{files.mapping_name}.test.toml", files.mapping_name
    try:
        cases = cases_of(tables_of(files.tests, shown_as=place), shown_as=place) if files.tests else None
    except BadSettings as error:
        return [
            GateFinding(gate="examples", place=f"{place} {wrong.key}", problem=wrong.found, advice=wrong.allowed)
            for wrong in error.findings
        ]
    if cases is None or not cases.cases:
        advice = f"hubao feed test {name} --from 样本 写第一份，再核对期望值"
        return [GateFinding(gate="examples", place=place, problem="没有例子 (no examples)", advice=advice)]
    advice = f"hubao feed test {name} 显示差异；改映射，或核对后改期望值"
    return [
        GateFinding(gate="examples", place=f"{place}（{result.name}）", problem="未通过 (failed)", advice=advice)
        for result in run_cases(office.mapping_of(feed), cases)
        if not result.passed
    ]


def _trials(office: Office, feed: str, tried: GateTrials) -> list[GateFinding]:
    if tried.refused:
        return [_not_tried(feed, tried.refused, "补上后再启用一次")]
    gate_findings = [wrong for trial in tried.trials for wrong in _of_trial(feed, trial)]
    rows = sum(page.records + page.quarantined for trial in tried.trials for page in trial.pages)
    if rows or gate_findings or _has_pages(office, feed):
        return gate_findings
    problem = "没有试到一行结算 (not one row was tried)"
    return [_not_tried(feed, problem, f"给出一个收到的文件或报文：hubao feed activate {feed} --sample 文件")]


def _has_pages(office: Office, feed: str) -> bool:
    with office.store.read() as tx:
        return bool(pages.of_feed(tx, feed))


def _of_trial(feed: str, trial: FeedTrial) -> Iterable[GateFinding]:
    advice = f"hubao feed try {feed}{' 文件' if trial.source == 'file' else ''} 逐页显示"
    if trial.error:
        yield _not_tried(feed, trial.error, advice)
    for page in trial.pages:
        rows = page.records + page.quarantined
        if page.page_error_code not in (None, "empty"):
            yield _not_tried(feed, f"第{page.page}页：{page.page_error_code} {page.page_error}", advice)
        elif page.records < rows * SOUND_SHARE:
            counts = "、".join(f"{many}× {name}" for name, many in list(page.errors.items())[:5])
            yield _not_tried(feed, f"第{page.page}页：{rows}行中{page.quarantined}行读不了：{counts}", advice)
        for pair, many in page.unknown_codes.items():
            field, _, code = pair.partition(" ")
            yield _not_tried(
                feed,
                f"第{page.page}页：不认识的代码 {field} {code}，{many}行 (a code the mapping does not know)",
                f"问明含义，写入映射 [fields.{field}] 的 codes",
            )


def _not_tried(feed: str, problem: str, advice: str) -> GateFinding:
    return GateFinding(gate="try", place=f"试取 {feed} (try)", problem=problem, advice=advice)
