"""The command line is a contract: shapes, exit codes and messages that other people's scripts rely on."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from stage import ASSOCIATION, DAY, Gateways, Stage, make_night, rewrite, stage, surroundings, write_settings
from typer.main import get_command

from gateway.cli.main import app
from gateway.core.normalise.problems import ROW_CODES
from gateway.sandbox.national import encode, setlinfo
from gateway.sandbox.people import Dice, Person, person_at
from gateway.sandbox.stays import everyday
from gateway.words.feeds import INTAKES, RUNS

ROOT = Path(__file__).parents[2]
HUBAO = (sys.executable, "-P", "-m", "gateway")
PEOPLE = 100
HEAVY = ("sqlalchemy", "alembic", "psycopg", "cryptography", "fastapi", "uvicorn", "httpx", "apscheduler", "rich")
"""What `--help` of any command can do without. The library that reads options brings pydantic for the inner ones."""

BENCH_KEYS = {
    "records",
    "members",
    "hit_rate",
    "database",
    "processes",
    "seconds",
    "records_per_second",
    "stages",
    "peak_rss_mb",
}


def hubao(*arguments: str, folder: Path, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """One command in a folder of one's own, from start to end."""
    return subprocess.run(
        [*HUBAO, *arguments],
        cwd=folder,
        env=surroundings(),
        input=content,
        capture_output=True,
        timeout=120,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> list[Any]:
    """The JSON lines a command answered with."""
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    with Gateways(tmp_path_factory.mktemp("gateways")) as opened:
        yield opened


@pytest.fixture(scope="module")
def worked(gateways: Gateways, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A site after an evening: members, claims, rows in quarantine and in review, deliveries."""
    folder = tmp_path_factory.mktemp("worked")
    night = make_night(folder / "leagues", people=PEOPLE)
    write_settings(folder / "prepared", night)
    with stage(folder / "trial", folder / "prepared", people=PEOPLE) as on:
        assert on.run(gateways, *imported(on)).code == 0
        on.begin(0)
        on.run_until_quiet(gateways)
        yield on


def imported(on: Stage) -> tuple[str, ...]:
    """The command that imports the roster of the night."""
    return ("roster", "import", str(on.night.roster), "--association", ASSOCIATION)


# Shapes

ANSWERS: list[tuple[tuple[str, ...], int, set[str]]] = [
    (("check",), 0, {"findings", "ok"}),
    (("run",), 0, {"feeds", "deliveries", "ok"}),
    (("run", "hinggan", "--from", "2022-03-01", "--to", "2022-03-09"), 0, {"feeds", "deliveries", "ok"}),
    (("status",), 0, {"feeds", "members", "claims", "deliveries", "quarantined", "in_review", "findings"}),
    (("reconcile",), 0, {"days", "lost", "ok"}),
    (("reconcile", "--from", "2001-01-01", "--to", "2001-01-02"), 0, {"days", "lost", "ok"}),
    (("feed", "list"), 0, {"feeds"}),
    (("feed", "test"), 0, {"tests", "failed"}),
    (("scheme", "list"), 0, {"editions"}),
    (("scheme", "test"), 0, {"tests", "failed"}),
    (("claims", "list"), 0, {"claims"}),
    (("deliveries", "list"), 0, {"deliveries"}),
    (("deliveries", "redrive"), 0, {"redriven"}),
    (("quarantine", "list"), 0, {"quarantine"}),
    (("quarantine", "list", "--group"), 0, {"groups"}),
    (("quarantine", "list", "--state", "closed", "--limit", "1"), 0, {"quarantine", "total", "more", "next"}),
    (("quarantine", "retry"), 0, {"tried", "solved"}),
    (("review", "list"), 0, {"review"}),
    (("keys", "status"), 0, {"keys"}),
]


def _named(value: object) -> str:
    """The same name in every process: a set has no order of its own."""
    return "-".join(sorted(map(str, value))) if isinstance(value, set | frozenset | tuple) else str(value)


@pytest.mark.parametrize(("command", "code", "keys"), ANSWERS, ids=_named)
def test_json_is_one_object_on_the_last_line(
    worked: Stage, gateways: Gateways, command: tuple[str, ...], code: int, keys: set[str]
) -> None:
    ended = worked.run(gateways, *command, "--json")
    assert ended.code == code, ended.err
    assert len(ended.out.splitlines()) == 1
    assert keys <= set(ended.answer)


@pytest.mark.parametrize(("command", "code", "keys"), ANSWERS, ids=_named)
def test_without_json_people_can_read_it(
    worked: Stage, gateways: Gateways, command: tuple[str, ...], code: int, keys: set[str]
) -> None:
    ended = worked.run(gateways, *command)
    assert ended.code == code, ended.err
    assert re.search("[\u4e00-\u9fff]", ended.out), "nothing Chinese to read"
    assert not ended.out.lstrip().startswith("{")


@pytest.mark.parametrize("command", [("quarantine", "list"), ("feed", "list"), ("status",)], ids=_named)
def test_tables_show_words_in_place_of_codes(worked: Stage, gateways: Gateways, command: tuple[str, ...]) -> None:
    """What stands alone in a cell is a name, a number or Chinese."""
    cells = {cell.strip() for line in worked.run(gateways, *command).out.splitlines() for cell in line.split("│")}
    codes = {*ROW_CODES, *INTAKES, *RUNS, "True", "False", "open"}
    assert len(cells) > 10
    assert not [cell for cell in cells if codes & set(cell.split())]


def test_a_claim_is_shown_and_exported_in_full(worked: Stage, gateways: Gateways, tmp_path: Path) -> None:
    listed = worked.run(gateways, "claims", "list", "--json").answer["claims"]
    keys = {"claim_id", "version", "status", "scheme", "edition", "payable", "flags", "claim_by"}
    assert all(keys <= set(each) for each in listed)
    assert all(re.fullmatch(r"[0-9]+\.[0-9]{2}", each["payable"]) for each in listed)
    shown = worked.run(gateways, "claims", "show", listed[0]["claim_id"], "--json").answer
    assert {"body", "deliveries", "decision"} <= set(shown)
    assert shown["body"]["member"]["name"]
    file = tmp_path / "claims.jsonl"
    assert worked.run(gateways, "claims", "export", str(file), "--json").answer["claims"] == len(listed)
    assert (file.stat().st_mode & 0o777, len(file.read_text("utf-8").splitlines())) == (0o600, len(listed))


def test_a_roster_import_can_be_tried_first(worked: Stage, gateways: Gateways, tmp_path: Path) -> None:
    rows = worked.night.roster.read_text("utf-8").splitlines()
    file = tmp_path / "roster.csv"
    file.write_text("\n".join([rows[0], rows[1].replace("在职", "退休").replace(",退休,", ",退休,")]), encoding="utf-8")
    arguments = ("roster", "import", str(file), "--association", ASSOCIATION)
    for _ in range(2):
        tried = worked.run(gateways, *arguments, "--dry-run", "--json").answer
        assert tried["dry_run"]
    assert {"rows", "people", "added", "changed", "coverage_changed", "unchanged", "refused", "findings"} <= set(tried)
    assert worked.run(gateways, *imported(worked), "--json").answer["unchanged"] == PEOPLE


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its words."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, inner in command.commands.items():
        yield from leaves(inner, (*words, name))


def test_every_command_that_ends_takes_json() -> None:
    without = [
        words
        for words, command in leaves(get_command(app))
        if words != ("serve",) and not any("--json" in option.opts for option in command.params)
    ]
    assert not without


# Wrong use, findings

WRONG: list[tuple[str, ...]] = [
    ("no-such-command",),
    ("run", "--no-such-option"),
    ("run", "nowhere"),
    ("run", "--from", "yesterday"),
    ("roster", "import", "missing.csv", "--association", "nm"),
    ("roster", "import", "wrong.csv", "--association", "nobody"),
    ("roster", "import", "wrong.csv", "--association", "nm"),
    ("claims", "show", "HBNOSUCHCLAIM"),
    ("claims", "export", "wrong.csv"),
    ("claims", "list", "--limit", "0"),
    ("quarantine", "show", "999999"),
    ("quarantine", "retry", "999999"),
    ("quarantine", "close", "--reason", "x"),
    ("quarantine", "close", "999999", "--reason", "x"),
    ("quarantine", "list", "--feed", "nowhere"),
    ("normalise", "--mapping", "no-such-mapping"),
    ("normalise", "--mapping", "national", "missing.json"),
    ("feed", "test", "no-such-mapping"),
    ("match", "try"),
    ("match", "try", "--roster", "wrong.csv"),
    ("scheme", "assess", "missing.jsonl"),
    ("keys", "init"),
    ("bench", "--database", "mysql://somewhere", "--records", "10", "--members", "10"),
    ("bench", "--hit-rate", "7"),
]


@pytest.mark.parametrize("command", WRONG, ids=" ".join)
def test_wrong_use_ends_with_2_and_says_what_to_do(
    worked: Stage, gateways: Gateways, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "wrong.csv").write_text("nothing,of,a,roster\n1,2,3,4\n", encoding="utf-8")
    here = tuple(str(tmp_path / word) if word.endswith((".csv", ".json", ".jsonl")) else word for word in command)
    ended = worked.run(gateways, *here)
    assert ended.code == 2, ended.out + ended.err
    assert ended.err.strip()
    assert "Traceback" not in ended.err
    assert not ended.out.strip()


@pytest.mark.parametrize("command", ["status", "run", "check", "keys status", "feed list", "serve"])
def test_without_a_site_it_says_how_to_make_one(gateways: Gateways, tmp_path: Path, command: str) -> None:
    ended = gateways.start(["--site", str(tmp_path), *command.split()], seconds=0).wait()
    assert ended.code == 2
    assert "hubao init" in ended.err
    assert not list(tmp_path.iterdir())


def test_without_keys_it_says_how_to_make_them(gateways: Gateways, tmp_path: Path) -> None:
    night = make_night(tmp_path / "leagues", people=PEOPLE)
    write_settings(tmp_path / "site", night, keys=False)
    for command in (("status",), ("run",), ("keys", "status")):
        ended = gateways.start(["--site", str(tmp_path / "site"), *command], seconds=0).wait()
        assert ended.code == 2
        assert "hubao keys init" in ended.err


def test_findings_end_with_1(gateways: Gateways, tmp_path: Path) -> None:
    site = tmp_path / "site"
    night = make_night(tmp_path / "leagues", people=PEOPLE)
    write_settings(site, night)
    (site / "data/inbound/hinggan").mkdir(parents=True)
    (site / "keys" / "hubao_nm_secret").unlink()
    # Written in capitals, so that the pattern does not mean it.
    (site / "data/inbound/hinggan/SETL_152200_20220310.CSV").touch()
    spoil_tests(site)

    def findings(*command: str, key: str) -> Any:
        ended = gateways.start(["--site", str(site), *command, "--json"], seconds=0).wait()
        assert ended.code == 1, f"{command}: {ended.out}{ended.err}"
        return ended.answer[key]

    assert [each["key"] for each in findings("check", key="findings")] == ["delivery.secret"]
    assert findings("status", key="findings")
    assert findings("feed", "test", key="failed")
    assert findings("scheme", "test", key="failed")


def spoil_tests(site: Path) -> None:
    """Let one test of a mapping and one of the schemes expect what is not so."""
    mapping = site / "mappings" / "national.test.toml"
    text = mapping.read_text("utf-8")
    spoiled = re.sub(r'settlement_no = "[^"]+"', 'settlement_no = "another"', text, count=1)
    assert spoiled != text
    mapping.write_text(spoiled, encoding="utf-8")
    scheme = site / "config" / "schemes" / "nm-inpatient.test.toml"
    text = scheme.read_text("utf-8")
    spoiled = re.sub(r'payable = "[0-9.]+"', 'payable = "0.01"', text, count=1)
    assert spoiled != text
    scheme.write_text(spoiled, encoding="utf-8")


def test_a_failed_night_ends_with_1(worked: Stage, gateways: Gateways, tmp_path: Path) -> None:
    site = tmp_path / "site"
    night = make_night(tmp_path / "leagues", people=PEOPLE)
    write_settings(site, night)
    rewrite(site, {"http://127.0.0.1:8621": "http://127.0.0.1:9", "http://127.0.0.1:8610": "http://127.0.0.1:9"})
    line = ["--site", str(site)]
    gateways.start([*line, *imported(worked)], seconds=worked.clock.seconds).wait()
    ended = gateways.start([*line, "run", "--json"], seconds=worked.clock.seconds).wait()
    assert ended.code == 1
    outcomes = {each["feed"]: each["outcome"] for each in ended.answer["feeds"]}
    assert outcomes["wuhai"] == "failed"
    assert not ended.answer["ok"]


# Without a site

CASE = {
    "case": "c1",
    "scheme": "nm-inpatient",
    "member": {
        "category": "active",
        "sex": "F",
        "birth_date": "1980-05-01",
        "coverage": [{"from": "2020-06-01", "to": "2021-05-31"}, {"from": "2021-06-01", "to": "2022-05-31"}],
    },
    "settlements": [
        {
            "settlement_no": "S1",
            "care_type": "inpatient",
            "facility_no": "H15010200001",
            "admitted_on": "2021-07-01",
            "discharged_on": "2021-07-10",
            "inpatient_days": 9,
            "settled_at": "2021-07-10T10:00:00+08:00",
            "total_amount": "20000.00",
            "in_scope_amount": "15000.00",
            "fund_paid_amount": "9000.00",
            "diagnosis_codes": ["I10.x00"],
        }
    ],
}


def some_rows(many: int) -> tuple[list[Person], bytes]:
    """Invented people, and a page of the national interface with a settlement of each."""
    people = [person_at(3, index, league="wuhai", as_of=DAY) for index in range(many)]
    records = [everyday(Dice("rows", each.index), each, serial=each.index + 1, day=DAY) for each in people]
    return people, encode({"setlinfo": [setlinfo(record) for record in records]})


def test_normalise_needs_nothing(tmp_path: Path) -> None:
    people, page = some_rows(5)
    (tmp_path / "page.json").write_bytes(page)
    for arguments, content in ((("page.json",), b""), ((), page)):
        answered = lines(hubao("normalise", "--mapping", "national", *arguments, folder=tmp_path, content=content))
        assert [line["record"]["id_number"] for line in answered] == [person.id_number for person in people]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.json"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[", b'{"setlinfo": 3}', b"\x00" * 100])
def test_normalise_answers_for_bytes_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    answered = lines(hubao("normalise", "--mapping", "national", folder=tmp_path, content=content))
    assert all(set(line) <= {"page_error", "quarantined"} for line in answered)
    assert all({"code", "message"} <= set(line["page_error"]) for line in answered if "page_error" in line)


def test_normalise_sums_up_on_standard_error_and_is_strict_where_asked(tmp_path: Path) -> None:
    _, page = some_rows(2)
    bad = page.replace(b'"med_type"', b'"gend":"7","med_type"', 1)
    for content, strict, code in ((page, True, 0), (bad, False, 0), (bad, True, 1), (b"{", True, 1)):
        arguments = ("normalise", "--mapping", "national", *(["--strict"] if strict else []))
        done = hubao(*arguments, folder=tmp_path, content=content)
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False)
        assert (b"unknown_code" in done.stderr) == (content is bad)
        assert all(line.startswith(b"{") for line in done.stdout.splitlines())


def test_match_try_needs_nothing(tmp_path: Path) -> None:
    people, page = some_rows(4)
    head = "会员编号,姓名,证件号码,类别"
    rows = [f"M{index},{each.name},{each.id_number},在职" for index, each in enumerate(people[:3])]
    rows[1] = f"M1,另一人,{people[1].id_number},在职"
    (tmp_path / "roster.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    records = [
        line["record"] for line in lines(hubao("normalise", "--mapping", "national", folder=tmp_path, content=page))
    ]
    content = "\n".join(json.dumps(each, ensure_ascii=False) for each in records).encode()
    answered = lines(hubao("match", "try", "--roster", "roster.csv", folder=tmp_path, content=content))
    assert [set(line) for line in answered] == [{"settlement_no", "outcome", "member_no", "score", "reasons"}] * 4
    assert [(line["outcome"], line["member_no"]) for line in answered] == [
        ("matched", "M0"),
        ("review", "M1"),
        ("matched", "M2"),
        ("none", None),
    ]


def test_scheme_assess_needs_nothing(tmp_path: Path) -> None:
    content = "\n".join([json.dumps(CASE), "not json", json.dumps(CASE | {"scheme": "unknown"}), ""]).encode()
    first, second, third = lines(hubao("scheme", "assess", folder=tmp_path, content=content))
    (estimate,) = first["estimates"]
    assert (first["case"], estimate["payable"], estimate["edition"], estimate["claim_by"]) == (
        "c1",
        "2580.00",
        "2021",
        "2021-10-08",
    )
    assert [(line["rule"], line["article"], line["amount"]) for line in estimate["lines"]] == [
        ("band", "第十条第一项", "2400.00"),
        ("daily_allowance", "第十条第五项", "180.00"),
    ]
    assert estimate["assumed"] == ["allowance.years", "rounding"]
    assert set(second["error"]) == set(third["error"]) == {"code", "message"}
    assert not list(tmp_path.iterdir())


def test_scheme_list_needs_nothing(tmp_path: Path) -> None:
    (answer,) = lines(hubao("scheme", "list", "--json", folder=tmp_path))
    ours = {each["edition"] for each in answer["editions"] if each["scheme"] == "nm-inpatient"}
    assert ours == {"2019", "2020", "2021", "2022"}
    assert not list(tmp_path.iterdir())


# Quick, quiet, honest

PROBE = """
import sys, json
from gateway.cli import main
sys.argv = ["hubao", *sys.argv[1:]]
try:
    main.main()
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("command", [(), ("run",), ("claims",), ("roster", "import"), ("scheme", "assess"), ("serve",)])
def test_help_imports_nothing_heavy(tmp_path: Path, command: tuple[str, ...]) -> None:
    arguments = [sys.executable, "-P", "-c", PROBE, *command, "--help"]
    done = subprocess.run(arguments, cwd=tmp_path, env=surroundings(), capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    loaded = set(json.loads(done.stderr))
    assert not [name for name in (*HEAVY, *(() if command else ("pydantic",))) if name in loaded]


def test_how_quick_help_is(tmp_path: Path, record_property: Any) -> None:
    """A figure, never an assertion on time: the machine may be busy."""
    seconds = []
    for _ in range(6):
        began = time.monotonic()
        assert hubao("--help", folder=tmp_path).returncode == 0
        seconds.append(time.monotonic() - began)
    median = statistics.median(seconds[1:])
    record_property("help_seconds", round(median, 3))
    print(f"hubao --help: {median:.3f} s (median of five, warm)")


@pytest.mark.parametrize("command", [("scheme", "assess"), ("normalise", "--mapping", "national")])
def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path, command: Sequence[str]) -> None:
    _, page = some_rows(400)
    content = page if command[0] == "normalise" else (json.dumps(CASE) + "\n").encode() * 2000
    (tmp_path / "input").write_bytes(content)
    running = subprocess.Popen(
        [*HUBAO, *command, "input"], cwd=tmp_path, env=surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline().startswith(b"{")
    running.stdout.close()
    complaint = running.stderr.read()
    running.stderr.close()
    running.wait(timeout=60)
    assert complaint == b""


def test_bench_prints_its_figures(tmp_path: Path) -> None:
    arguments = (
        "--records",
        "400",
        "--members",
        "300",
        "--hit-rate",
        "0.25",
        "--processes",
        "1",
        "--database",
        "sqlite",
    )
    (figures,) = lines(hubao("bench", *arguments, folder=tmp_path))
    assert set(figures) >= BENCH_KEYS
    assert (figures["records"], figures["members"], figures["hit_rate"]) == (400, 300, 0.25)
    assert (figures["database"], figures["processes"]) == ("sqlite", 1)
    # Both figures are rounded, each from the exact time: to a millisecond, and to a record a second, which is much
    # where a machine is slow.
    speed = figures["records_per_second"]
    assert 400 / (speed + 0.5) - 0.001 <= figures["seconds"] <= 400 / (speed - 0.5) + 0.001
    assert figures["peak_rss_mb"] > 10
    assert not list(tmp_path.iterdir())


def test_bench_spreads_over_processes_and_suites(tmp_path: Path) -> None:
    arguments = ("--records", "6000", "--members", "200", "--processes", "2", "--suite", "sm4")
    (figures,) = lines(hubao("bench", *arguments, folder=tmp_path))
    assert (figures["processes"], figures["records"]) == (2, 6000)
