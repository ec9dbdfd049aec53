"""A roster over the interface: nothing changes before it is confirmed, and then what a file import would have done."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from builders import EAST_AND_WEST, only, rows_of
from test_web_keys import new_key
from web_side import ASSOCIATION_SECRET, ENVIRONMENT, OTHER_SECRET, Side, at_work, problem

from gateway.flow.roster.arriving import Arrival, show, work_upload
from gateway.sandbox.people import person_at
from gateway.sandbox.roster import HEADERS
from gateway.store import schema, schema_access

if TYPE_CHECKING:
    from conftest import Hands, MakeOffice

ADDRESS = "/api/v1/associations/nm/roster"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def side(make_office: MakeOffice, database_url: str) -> Iterator[Side]:
    with at_work(make_office(database_url, feeds=EAST_AND_WEST)) as side:
        yield side


@pytest.fixture
def quick_side(make_office: MakeOffice, sqlite_url: str) -> Iterator[Side]:
    with at_work(make_office(sqlite_url, feeds=EAST_AND_WEST)) as side:
        yield side


def line(index: int, **changes: str) -> dict[str, str]:
    person = person_at(5, index, league="wuhai", as_of=date(2021, 10, 7))
    return {
        "会员编号": f"R{index:05d}",
        "姓名": person.name,
        "证件号码": person.id_number,
        "盟市": "乌海市",
        "保障开始": "2021-06-01",
        "保障结束": "2022-05-31",
        **changes,
    }


def as_csv(*lines: dict[str, str]) -> bytes:
    columns = [column for column in HEADERS if any(column in line for line in lines)]
    rows = [columns, *([line.get(column, "") for column in columns] for line in lines)]
    return "\n".join(",".join(row) for row in rows).encode() + b"\n"


def as_lines(*lines: dict[str, str]) -> bytes:
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def bring(side: Side, content: bytes, *, kind: str = "text/csv", key: str = "", **headers: str) -> httpx.Response:
    key = key or new_key(side.office, "roster")
    headers = {"authorization": f"Bearer {key}", "content-type": kind, **headers}
    return side.client.post(f"{ADDRESS}?wait_seconds=30", content=content, headers=headers)


def confirm(side: Side, preview: str) -> httpx.Response:
    body = {"action": "confirm", "preview": preview}
    return side.post(f"roster/{preview}/confirm?wait_seconds=30", body)


def members_of(side: Side) -> dict[str, str]:
    return {row["member_no"]: json.dumps(row["opt_out"]) for row in rows_of(side.office, schema.member)}


def difference(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["difference"]
    return told


@pytest.mark.parametrize("kind", ["text/csv", "application/x-ndjson"])
def test_nothing_changes_before_it_is_confirmed(side: Side, kind: str) -> None:
    content = (as_csv if kind == "text/csv" else as_lines)(*(line(index) for index in range(3)))
    answer = bring(side, content, kind=kind)
    told = difference(answer)
    assert (answer.json()["state"], told["rows"], told["new"], told["error_rows"]) == ("compared", 3, 3, 0)
    assert members_of(side) == {}
    preview = answer.json()["preview_id"]
    done = confirm(side, preview)
    assert (done.json()["state"], difference(done)["new"]) == ("taken", 3)
    assert sorted(members_of(side)) == ["R00000", "R00001", "R00002"]
    assert rows_of(side.office, schema_access.roster_part) == [], "what was taken in is not kept a second time"
    # Confirming again tells the same and does nothing.
    assert confirm(side, preview).json() == done.json()
    assert side.ask(f"{ADDRESS}/{preview}").json() == done.json()


def test_the_difference_names_what_is_new_changed_ended_withdrawn_and_wrong(side: Side) -> None:
    confirm(side, bring(side, as_csv(*(line(index) for index in range(4)))).json()["preview_id"])
    changed = as_csv(
        line(0, 手机号="13900000000"),
        line(1, 保障结束="2021-12-31"),
        line(2, 不参与="是"),
        line(3),
        line(4),
        line(5, 保障开始="2021-13-01"),
    )
    answer = bring(side, changed)
    told = difference(answer)
    assert (told["rows"], told["new"], told["unchanged"], told["error_rows"]) == (6, 1, 1, 1)
    assert (told["ended"], told["ended_members"], told["held"]) == (1, ["R00001"], 1)
    assert told["withdrawn_members"] == ["R00002"]
    assert told["changed"] >= 1
    error = only(told["errors"])
    assert (error["row"], error["column"]) == (7, "coverage_from")
    assert told["holds"] == []
    # The same hold as a file import: what takes days away waits for a person, the opt-out is in force at once.
    done = difference(confirm(side, answer.json()["preview_id"]))
    assert len(done["holds"]) == 1
    stored = {row["member_no"]: row for row in rows_of(side.office, schema.member)}
    assert bool(stored["R00002"]["opt_out"])
    line_of_one = side.get("members/R00001").json()
    assert [period["last_day"] for period in line_of_one["periods"]] == ["2022-05-31"]


def test_the_same_roster_again_is_the_same_preview(quick_side: Side) -> None:
    side, content = quick_side, as_csv(line(0))
    first = bring(side, content).json()["preview_id"]
    assert bring(side, content).json()["preview_id"] == first
    confirm(side, first)
    # Taken in it is compared anew: the roster may have changed since.
    again = bring(side, content)
    assert again.json()["preview_id"] != first
    assert difference(again)["unchanged"] == 1


def test_an_idempotency_key_names_one_request(quick_side: Side) -> None:
    side = quick_side
    first = bring(side, as_csv(line(0)), **{"idempotency-key": "K-1"}).json()["preview_id"]
    confirm(side, first)
    assert bring(side, as_csv(line(0)), **{"idempotency-key": "K-1"}).json()["preview_id"] == first
    problem(bring(side, as_csv(line(1)), **{"idempotency-key": "K-1"}), 409, "key_used")
    assert bring(side, as_csv(line(1)), **{"idempotency-key": "K-2"}).status_code == 200


def test_a_preview_expires(quick_side: Side, clock: Hands) -> None:
    side = quick_side
    preview = bring(side, as_csv(line(0))).json()["preview_id"]
    clock.move(hours=24)
    problem(confirm(side, preview), 404, "unknown_preview")
    problem(side.ask(f"{ADDRESS}/{preview}"), 404, "unknown_preview")
    assert members_of(side) == {}
    bring(side, as_csv(line(1)))
    assert only([row["upload_id"] for row in rows_of(side.office, schema_access.roster_upload)]) != preview


def test_at_the_file_s_own_rows_errors_are_told_in_any_part(quick_side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.roster.cutting.ROWS_AT_ONCE", 2)
    side = quick_side
    lines = [line(index, **({"姓名": ""} if index % 3 == 2 else {})) for index in range(8)]
    told = difference(bring(side, as_csv(*lines)))
    assert [error["row"] for error in told["errors"]] == [4, 7]
    told = difference(bring(side, as_lines(*lines), kind="application/x-ndjson"))
    assert [error["row"] for error in told["errors"]] == [3, 6]
    assert (told["rows"], told["new"], told["error_rows"]) == (8, 6, 2)


def test_what_was_broken_off_is_gone_on_with(quick_side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.core.roster.cutting.ROWS_AT_ONCE", 1)
    office = quick_side.office
    arrival = Arrival(office, "nm", "csv", upload_id="a" * 32, caller="k")
    arrival.take(as_csv(*(line(index) for index in range(3))))
    preview = arrival.finish("")
    stops = iter([False, True])
    work_upload(office, "nm", preview, lambda: next(stops))
    standing = show(office, "nm", preview)
    assert standing is not None
    assert (standing.state, standing.done, standing.parts) == ("comparing", 1, 3)
    work_upload(office, "nm", preview, lambda: False)
    standing = show(office, "nm", preview)
    assert standing is not None
    assert (standing.state, standing.difference.new) == ("compared", 3)


# ── who may, and what is refused ──


def test_a_signed_stream_is_held_against_its_digest(quick_side: Side) -> None:
    side, content = quick_side, as_csv(line(0))
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"

    def sent(body: bytes, *, secret: str = ASSOCIATION_SECRET, stated: str = digest) -> httpx.Response:
        signature = side.signed(f"POST {ADDRESS} {stated}".encode(), secret=secret)
        headers = {**signature, "content-digest": stated, "content-type": "text/csv"}
        return side.client.post(ADDRESS, content=body, headers=headers)

    assert sent(content).status_code in (200, 202)
    problem(sent(content + b"x"), 401, "not_authentic")
    problem(sent(content, secret=OTHER_SECRET), 401, "not_authentic")
    problem(sent(content, stated=""), 401, "not_authentic")
    assert len(rows_of(side.office, schema_access.roster_upload)) == 1


def test_a_preview_is_its_association_s_alone(quick_side: Side) -> None:
    side = quick_side
    preview = bring(side, as_csv(line(0))).json()["preview_id"]
    assert show(side.office, "other", preview) is None
    problem(side.ask(f"{ADDRESS}/{'0' * 32}"), 404, "unknown_preview")


def test_packed_rosters_are_unpacked_as_they_come(quick_side: Side) -> None:
    side, content = quick_side, as_csv(*(line(index) for index in range(3)))
    packed = gzip.compress(content, mtime=0)
    assert difference(bring(side, packed, **{"content-encoding": "gzip"}))["new"] == 3
    problem(bring(side, packed[:-9], **{"content-encoding": "gzip"}), 422, "not_gzip")
    problem(bring(side, packed + b"x", **{"content-encoding": "gzip"}), 422, "not_gzip")


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"x", {"content-type": "application/json"}, 415, "unsupported_type"),
        (b"x", {"content-encoding": "br"}, 415, "unsupported_encoding"),
        (b"", {}, 422, "no_rows"),
        (b"[]\n", {"content-type": "application/x-ndjson"}, 422, "not_json"),
        (b'"' + b"x" * 70_000, {}, 422, "row_too_long"),
        (b"a,b\n1,2\n", {"content-digest": "sha-256=:AAAA:"}, 400, "bad_request"),
    ],
)
def test_what_cannot_be_taken_leaves_nothing(
    quick_side: Side, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    side = quick_side
    sent = {"authorization": f"Bearer {new_key(side.office, 'roster')}", "content-type": "text/csv", **headers}
    problem(side.client.post(ADDRESS, content=content, headers=sent), status, code)
    assert rows_of(side.office, schema_access.roster_upload) == []
    assert rows_of(side.office, schema_access.roster_part) == []


def test_a_table_without_the_columns_of_a_roster_is_an_error_of_its_rows(quick_side: Side) -> None:
    told = difference(bring(quick_side, b"a,b\n1,2\n"))
    assert (told["rows"], told["new"]) == (0, 0)
    assert only(told["errors"])["code"]


def test_rows_at_rest_are_sealed(quick_side: Side) -> None:
    side, person = quick_side, line(0)
    bring(side, as_csv(person))
    stored = only(rows_of(side.office, schema_access.roster_part))["sealed"]
    assert person["姓名"].encode() not in stored
    assert person["证件号码"].encode() not in stored
