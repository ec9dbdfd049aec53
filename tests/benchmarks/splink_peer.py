"""A second implementation beside ours: Splink on the same generated truth, the same blocks, the same evidence.

Splink is no dependency of the product. To run it, install it somewhere of its own and put that on the path:

    python -m venv build/splink && build/splink/bin/pip install splink numpy
    PYTHONPATH=$(build/splink/bin/python -c 'import site; print(site.getsitepackages()[0])') \
        .venv/bin/python tests/benchmarks/splink_peer.py --members 100000 --records 100000 --mix hard

Two ways of using it: "library", its own comparisons, trained by itself (u from random pairs, m by expectation
maximisation); and "levels", our comparators as functions inside its database, with the m and u of our model. Both are
asked about the pairs our blocks give, and matched where the best pair's probability reaches a threshold; both see
numbers and names already normalised. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from math import log2
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.match import LEVELS, Model, member_blocks, record_blocks
from gateway.core.match.measuring.evaluating import Evaluation, Label, MatchAnswer, evaluate
from gateway.core.match.measuring.trying import Trial, candidate_of, read_line
from gateway.core.match.writing.contacts import compare_employers, employer_core, phone_digits
from gateway.core.match.writing.names import compare_names
from gateway.core.match.writing.numbers import compare_numbers, read_number
from gateway.core.match.writing.spelling import folded, plain_name
from gateway.core.roster import RosterMember, read_roster
from gateway.model.decision import Candidate
from gateway.model.person import Subject
from gateway.sandbox.truth import RECORDS_FILE, ROSTER_FILE, TRUTH_FILE, Mix, TruthPlan, write_truth
from gateway.settings.matching import load_model
from gateway.settings.shipped import shipped_folder

THRESHOLDS = (0.99, 0.999, 0.9999, 0.999999)
PRECISE = 0.999
"""How precise a threshold must be to pay money by it, at the least."""

FIELDS = ("id_number", "name", "birth_date", "sex", "employer", "phone")


class Data(msgspec.Struct, frozen=True):
    """One generated truth as both sides read it."""

    lines: list[bytes]
    labels: list[Label]
    people: tuple[RosterMember, ...]
    model: Model


class Ours(msgspec.Struct, frozen=True):
    """What we find, accepting doubts from the best score down as long as the precision stays at least a peer's."""

    precision: float
    recall: float
    recall_of_all: float

    def __str__(self) -> str:
        return f"{100 * self.recall:.2f} % / {100 * self.recall_of_all:.2f} % at {100 * self.precision:.2f} %"


class Line(msgspec.Struct, frozen=True):
    """One row of the table: who, at which threshold, how good, in how many seconds of processor time: to normalise,
    block and load the data; to decide, training included; and what we find at the same precision."""

    who: str
    threshold: str
    evaluation: Evaluation
    seconds: tuple[float, float]
    beside: Ours | None = None

    def __str__(self) -> str:
        total = self.evaluation.total
        figures = [total.precision, total.recall, total.recall_of_all, total.reached, total.review_share]
        prepared, decided = self.seconds
        shares = " | ".join("–" if share is None else f"{100 * share:.2f} %" for share in figures)
        told = f"| {self.who} | {self.threshold} | {shares} | {total.false} | {prepared:.1f} + {decided:.1f} |"
        return f"{told} {self.beside or '–'} |"


def has_splink() -> bool:
    """Whether Splink can be asked at all."""
    return find_spec("splink") is not None and find_spec("duckdb") is not None


def read_data(folder: Path, *, members: int, records: int, mix: Mix, seed: int) -> Data:
    """Generate a truth and read it back as the product would."""
    write_truth(folder, TruthPlan(members=members, records=records, mix=mix, seed=seed))
    decode = msgspec.json.Decoder(Label).decode
    return Data(
        (folder / RECORDS_FILE).read_bytes().splitlines(),
        [decode(line) for line in (folder / TRUTH_FILE).read_bytes().splitlines()],
        tuple(
            member
            for member in read_roster((folder / ROSTER_FILE).read_bytes(), with_coverage=False).people
            if not member.opt_out
        ),
        load_model(shipped_folder() / "config" / "matching"),
    )


def ours(data: Data) -> tuple[Line, list[Ours]]:
    """Index the roster and decide every record: the whole of `hubao match try` but reading the roster. With it, what
    accepting ever more doubts would find."""
    start = time.process_time()
    trial = Trial(data.people, data.model, looks_further=True)
    prepared = time.process_time()
    told = [trial.answer(line) for line in data.lines]
    seconds = (prepared - start, time.process_time() - prepared)
    answers = [
        (each["settlement_no"], MatchAnswer(outcome=each["outcome"], member_no=each["member_no"], score=each["score"]))
        for each in told
    ]
    line = Line("hubao match", f"rules, model {data.model.version}", evaluate(data.labels, answers), seconds)
    return line, accepting(data.labels, answers)


def accepting(labels: Sequence[Label], answers: Sequence[tuple[str | None, MatchAnswer]]) -> list[Ours]:
    """What is found when matches, then doubts from the best score down, are accepted, one point for every score."""
    truth = {label.settlement_no: label for label in labels}
    members = sum(label.member_no is not None for label in labels)
    allowed = sum(label.may_be_automatic for label in labels)
    found = [(answer, truth[number or ""]) for number, answer in answers if answer.member_no is not None]
    ranked = sorted(found, key=lambda each: (each[0].outcome == "matched", each[0].score), reverse=True)
    points, right, right_allowed = [], 0, 0
    for many, (answer, label) in enumerate(ranked, 1):
        right += answer.member_no in label.members
        right_allowed += answer.member_no in label.members and label.may_be_automatic
        after = ranked[many][0] if many < len(ranked) else None
        if after is None or (after.outcome, after.score) != (answer.outcome, answer.score):
            points.append(Ours(right / many, right_allowed / allowed, right / members))
    return points


def beside(line: Line, points: Sequence[Ours]) -> Line:
    """A peer's line with what we find at no less than its precision."""
    precise = [each for each in points if each.precision >= (line.evaluation.total.precision or 0)]
    best = max(precise, key=lambda each: each.recall_of_all, default=None)
    return msgspec.structs.replace(line, beside=best)


# ── the same pairs and the same fields for the peer ──


def tables(data: Data, folder: Path) -> tuple[Path, Path]:
    """Records and members as JSON lines with normalised fields and the blocks they share."""
    numbers = {member.id_number for member in data.people}
    members = [candidate_of(member, index, index) for index, member in enumerate(data.people, 1)]
    subjects = [read for line in data.lines if (read := read_line(line)) is not None]
    rows = ((number or "", subject, _asked(subject, numbers)) for number, subject in subjects)
    return (
        _write(folder / "records.jsonl", (_row("record", number, subject, blocks) for number, subject, blocks in rows)),
        _write(
            folder / "members.jsonl",
            (_row("member", each.member_no, _as_subject(each), _given(each)) for each in members),
        ),
    )


def _asked(subject: Subject, numbers: set[str]) -> list[str]:
    """The look-ups a record makes: its number, and only if that is nobody's two blocks more."""
    number = subject.id_number or ""
    return ["id|" + number] if number in numbers else list(record_blocks(subject))


def _given(member: Candidate) -> list[str]:
    return ["id|" + member.id_number, *member_blocks(member)]


def _as_subject(member: Candidate) -> Subject:
    return Subject(
        id_number=member.id_number,
        name=member.name,
        sex=member.sex,
        birth_date=member.birth_date,
        employer_name=member.unit_name,
        phone=member.phone,
    )


def _row(side: str, key: str, subject: Subject, blocks: Sequence[str]) -> dict[str, Any]:
    number = subject.id_number
    masked = number is not None and any(mark in number for mark in "*●＊")
    return {
        "unique_id": key,
        "side": side,
        "blocks": blocks,
        "id_number": None if masked else number,
        "id_written": number,
        "id_like": number.replace("*", "_").replace("●", "_") if masked and number else None,
        "name": subject.name,
        "name_plain": folded(plain_name(subject.name)) if subject.name else None,
        "birth_date": subject.birth_date.isoformat() if subject.birth_date else None,
        "sex": subject.sex,
        "employer": subject.employer_name,
        "employer_plain": employer_core(subject.employer_name) if subject.employer_name else None,
        "phone": phone_digits(subject.phone) if subject.phone else None,
    }


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path


# ── the peer ──


def splink(data: Data, folder: Path, *, way: str) -> list[Line]:
    """Splink's answers at every threshold."""
    start = time.process_time()
    duckdb = import_module("duckdb")
    connection = duckdb.connect()
    connection.execute("set threads to 2")
    for path in tables(data, folder):
        columns = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in _columns()) + "}"
        connection.execute(f"create table {path.stem} as select * from read_json('{path}', columns = {columns})")
    prepared = time.process_time()
    linker = _linker(connection, data.model, way)
    if way == "library":
        _train(linker)
    predicted = linker.inference.predict(threshold_match_probability=THRESHOLDS[0] / 2)
    pairs = connection.execute(
        "select unique_id_l, unique_id_r, match_weight, source_dataset_l from "
        f"{predicted.physical_name} order by match_weight, unique_id_l desc, unique_id_r desc"
    ).fetchall()
    seconds = (prepared - start, time.process_time() - prepared)
    best: dict[str, tuple[str, float]] = {}
    for left, right, weight, source in pairs:
        record, member = (left, right) if source == "records" else (right, left)
        best[record] = (member, weight)
    lines = [_at(data, best, log2(each / (1 - each)), f"{each:g}", way, seconds) for each in THRESHOLDS]
    precise = _threshold_for(data, best)
    return [*lines, _at(data, best, precise, f"precision ≥ {100 * PRECISE:g} %", way, seconds)]


def _threshold_for(data: Data, best: dict[str, tuple[str, float]]) -> float:
    """The lowest weight (bits) from which on the matches are as precise as PRECISE; infinite where none is."""
    labels = {label.settlement_no: label for label in data.labels}
    right, found = 0, float("inf")
    ranked = sorted(((weight, record, member) for record, (member, weight) in best.items()), reverse=True)
    for many, (weight, record, member) in enumerate(ranked, 1):
        right += member in labels[record].members
        if right >= PRECISE * many and (many == len(ranked) or ranked[many][0] < weight):
            found = weight
    return found


def _columns() -> list[tuple[str, str]]:
    texts = ("unique_id", "side", "id_number", "id_written", "id_like", "name", "name_plain", "birth_date", "sex")
    texts += ("employer", "employer_plain", "phone")
    return [*((name, "VARCHAR") for name in texts), ("blocks", "VARCHAR[]")]


def _at(data: Data, best: dict[str, tuple[str, float]], least: float, shown: str, way: str, seconds: float) -> Line:
    """The records whose best pair weighs at least so many bits are matched, the others nobody's."""
    answers: list[tuple[str | None, MatchAnswer]] = [
        (record, MatchAnswer(outcome="matched" if weight >= least else "none", member_no=member))
        for record, (member, weight) in best.items()
    ]
    return Line(f"Splink, {way}", shown, evaluate(data.labels, answers), seconds)


def _linker(connection: Any, model: Model, way: str) -> Any:
    peer = import_module("splink")
    backend = import_module("splink.backends.duckdb").DuckDBAPI(connection)
    if way == "levels":
        _our_functions(connection)
    settings = peer.SettingsCreator(
        link_type="link_only",
        comparisons=_library_comparisons() if way == "library" else _our_comparisons(model),
        blocking_rules_to_generate_predictions=[peer.block_on("blocks", arrays_to_explode=["blocks"])],
        probability_two_random_records_match=model.prior,
        retain_matching_columns=False,
    )
    frames = [
        backend.register(name, table_name=f"the_{name}", dataset_display_name=name) for name in ("records", "members")
    ]
    return peer.Linker(frames, settings, log_level=logging.ERROR)


def _library_comparisons() -> list[Any]:
    """What somebody who knows the library would choose for these fields."""
    library, level = import_module("splink.comparison_library"), import_module("splink.comparison_level_library")
    name, born = "name_plain", "birth_date"
    names = [
        level.NullLevel(name),
        level.ExactMatchLevel(name, term_frequency_adjustments=True),
        level.JaroWinklerLevel(name, 0.9),
        level.JaroWinklerLevel(name, 0.75),
        level.ElseLevel(),
    ]
    days = [
        level.NullLevel(born),
        level.ExactMatchLevel(born),
        level.DamerauLevenshteinLevel(born, 1),
        level.ElseLevel(),
    ]
    return [
        library.CustomComparison(output_column_name="id_number", comparison_levels=_number_levels(level)),
        library.CustomComparison(output_column_name=name, comparison_levels=names),
        library.CustomComparison(output_column_name=born, comparison_levels=days),
        library.ExactMatch("sex"),
        library.JaroWinklerAtThresholds("employer_plain", [0.9, 0.8]),
        library.ExactMatch("phone"),
    ]


def _number_levels(level: Any) -> list[Any]:
    like = "(id_number_l like id_like_r) or (id_number_r like id_like_l)"
    none = "(id_number_l is null and id_like_l is null) or (id_number_r is null and id_like_r is null)"
    return [
        level.CustomLevel(none, "null").configure(is_null_level=True),
        level.ExactMatchLevel("id_number"),
        level.CustomLevel(like, "masked, visible digits agree"),
        level.DamerauLevenshteinLevel("id_number", 1),
        level.DamerauLevenshteinLevel("id_number", 2),
        level.ElseLevel(),
    ]


def _train(linker: Any) -> None:
    """u from random pairs, m by expectation maximisation: once over equal numbers, once over equal name and day."""
    training = linker.training
    training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    block_on = import_module("splink").block_on
    for rule in (block_on("id_number"), block_on("name_plain", "birth_date")):
        training.estimate_parameters_using_expectation_maximisation(
            rule, fix_probability_two_random_records_match=True, record_sample_proportion=1.0
        )


def _our_functions(connection: Any) -> None:
    """Our comparators as functions of the peer's database, in both directions: it may swap the sides of a pair."""
    functions: dict[str, Callable[[str, str], str]] = {
        "number_level": _number_level,
        "name_level": compare_names,
        "birth_level": _birth_level,
        "employer_level": compare_employers,
    }
    for name, function in functions.items():
        connection.create_function(name, function, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special")


def _number_level(record: str | None, member: str | None) -> str:
    return compare_numbers(read_number(record), member or "")


def _birth_level(record: str, member: str) -> str:
    if record == member:
        return "equal"
    swapped = (record[:4], record[5:7], record[8:]) == (member[:4], member[8:], member[5:7])
    return "swapped" if swapped else "year" if record[5:] == member[5:] else "differs"


def _our_comparisons(model: Model) -> list[Any]:
    """Our fields and levels, each with the m and u of our model; the name's frequency is the peer's own affair."""
    calls = {
        "id_number": ("id_written", "number_level"),
        "name": ("name", "name_level"),
        "birth_date": ("birth_date", "birth_level"),
        "sex": ("sex", None),
        "employer": ("employer", "employer_level"),
        "phone": ("phone", None),
    }
    return [_our_comparison(model, field, *calls[field]) for field in FIELDS]


def _our_comparison(model: Model, field: str, column: str, function: str | None) -> Any:
    library, level = import_module("splink.comparison_library"), import_module("splink.comparison_level_library")
    sides = (f"{column}_r, {column}_l", f"{column}_l, {column}_r")
    left = "side_l = 'record'"
    call = f"case when {left} then {function}({sides[1]}) else {function}({sides[0]}) end" if function else ""
    levels = [] if field == "id_number" else [level.NullLevel(column)]
    known = [name for name in LEVELS[field] if name != "missing" or field == "id_number"]
    for name in known[:-1]:
        test = f"{call} = '{name}'" if function else f"{column}_l = {column}_r"
        shares = model.levels[field][name]
        made = level.CustomLevel(test, name)
        if (field, name) == ("name", "equal"):
            made = level.ExactMatchLevel("name_plain", term_frequency_adjustments=True)
        levels.append(made.configure(m_probability=shares.m, u_probability=shares.u))
    rest = model.levels[field][known[-1]]
    levels.append(level.ElseLevel().configure(m_probability=rest.m, u_probability=rest.u))
    return library.CustomComparison(output_column_name=field, comparison_levels=levels)


def table(data: Data, folder: Path) -> str:
    """The comparison as Markdown."""
    own, points = ours(data)
    lines = [own]
    for way in ("library", "levels"):
        lines += [beside(line, points) for line in splink(data, folder, way=way)]
    head = "| | threshold | precision | recall, where automatic | recall, all | with review | review | false matches |"
    head += " CPU seconds | ours at its precision: recall where automatic / all |"
    return "\n".join([head, "|---" * 10 + "|", *map(str, lines)])


def main() -> int:
    """Print the table, or why there is none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--mix", choices=("life", "hard"), default="hard")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if not has_splink():
        sys.stdout.write("skipped: Splink is not installed; how to run this stands at the top of the file\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = read_data(place, members=asked.members, records=asked.records, mix=asked.mix, seed=asked.seed)
        sys.stdout.write(table(data, place) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
