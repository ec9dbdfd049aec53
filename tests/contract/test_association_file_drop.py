"""Claims that leave as files, on a folder of this machine and over a real SFTP server; answers that come as files."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import by_hand
import pytest
from bad_line import free_port
from openpyxl import Workbook, load_workbook
from sender_suite import NOW, EverySender, send

from connectors.associations import drop_files
from connectors.associations.file_drop import JOURNAL, ClaimDrop
from connectors.transport import outgoing
from gateway.errors import Unavailable, WrongUse
from gateway.model.claim import HANDED_OVER, Answer, AnswerKind
from gateway.ports import ClaimOnItsWay, Sender
from gateway.sandbox.sftp_server import USER, SftpServer

PASSWORD = "the-password-of-the-office"
HANDED = Answer(kind=AnswerKind.UNKNOWN, code=HANDED_OVER)


class Office:
    """An association that takes in whole batches: a file with its control file, whose digest and count are right."""

    def __init__(self, root: Path) -> None:
        self.out, self.answers = root / "out", root / "answers"
        (self.out / JOURNAL).mkdir(parents=True)
        self.answers.mkdir()
        self.taken: list[str] = []
        self.code = ""

    def controls(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_bytes()) for path in sorted(self.out.glob("*.control.json"))]

    def refuse_all(self, code: str) -> None:
        self.code = code

    def work(self) -> None:
        for control in self.controls():
            content = (self.out / control["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == control["sha256"]
            keys = [json.loads(line)["idempotency_key"] for line in content.splitlines()]
            assert len(keys) == control["count"]
            self.taken += [key for key in keys if key not in self.taken]
            lines = [self.line(*key.split("-v")) for key in keys]
            self.say(f"{control['file']}.answer.ndjson", *lines)
            for name in (control["file"], control["file"].replace(".ndjson", ".control.json")):
                (self.out / name).unlink()

    def line(self, claim_id: str, version: str) -> dict[str, Any]:
        told = {"result": "refused", "code": self.code} if self.code else {"result": "accepted", "reference": "R1"}
        return {"claim_id": claim_id, "version": int(version), **told}

    def say(self, name: str, *lines: Any) -> None:
        (self.answers / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def far(tmp_path: Path) -> Office:
    return Office(tmp_path)


def drop(office: Office, **options: Any) -> ClaimDrop:
    given = {"folder": str(office.out), "answers_folder": str(office.answers), "look_every": 0.0}
    return by_hand.file_drop(**{**given, **options})


class TestFolder(EverySender):
    @pytest.fixture
    def sender(self, far: Office) -> Sender:
        return drop(far)

    def build_to_nobody(self) -> Sender:
        return by_hand.file_drop(folder="not/there", answers_folder="not/there/either")


class TestSftp(EverySender):
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[SftpServer]:
        with SftpServer(tmp_path, PASSWORD) as running:
            yield running

    @pytest.fixture
    def sender(self, far: Office, server: SftpServer) -> Sender:
        return over_sftp(f"127.0.0.1:{server.port}", server.host_key)

    def build_to_nobody(self) -> Sender:
        return over_sftp(f"127.0.0.1:{free_port()}", "SHA256:" + "A" * 43)

    def test_another_machine_is_given_nothing(self, far: Office, server: SftpServer) -> None:
        sender = over_sftp(f"127.0.0.1:{server.port}", "SHA256:" + "A" * 43)
        assert send(sender) == Answer(kind=AnswerKind.UNAVAILABLE, code="host_key_changed")
        assert list(far.out.iterdir()) == [far.out / JOURNAL]


def over_sftp(address: str, host_key: str) -> ClaimDrop:
    return by_hand.file_drop_sftp(
        address=address, user=USER, host_key=host_key, password=PASSWORD,
        remote_folder="/out", remote_answers_folder="/answers", look_every=0.0,
    )  # fmt: skip


def claims(*numbers: int, version: int = 1, name: str = "测试甲") -> list[ClaimOnItsWay]:
    bodies = [
        json.dumps({"claim_id": f"c{number}", "version": version, "payable": f"{number}.05", "member": {"name": name}})
        for number in numbers
    ]
    return [
        ClaimOnItsWay(
            body=body.encode(), claim_id=f"c{number}", version=version, idempotency_key=f"c{number}-v{version}"
        )
        for number, body in zip(numbers, bodies, strict=True)
    ]


def test_the_control_file_says_name_count_money_and_digest(far: Office) -> None:
    batch = claims(1, 2, 1000)
    assert drop(far).send_batch(batch, now=NOW) == [HANDED] * 3
    (control,) = far.controls()
    content = (far.out / control["file"]).read_bytes()
    # 1.05 + 2.05 + 1000.05 yuan.
    assert control == {
        "file": control["file"],
        "count": 3,
        "total_fen": 100315,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert [json.loads(line)["claim"]["claim_id"] for line in content.splitlines()] == ["c1", "c2", "c1000"]
    assert content.splitlines()[0] == b'{"idempotency_key":"c1-v1","claim":' + batch[0].body + b"}"


def test_no_claim_is_dropped_a_second_time_in_whatever_company(far: Office) -> None:
    assert drop(far).send_batch(claims(1, 2), now=NOW) == [HANDED] * 2
    before = {path: path.read_bytes() for path in far.out.iterdir() if path.is_file()}
    # Another process, the same batch, one of it alone, and one of it beside another claim.
    drop(far).send_batch(claims(2, 1), now=NOW + timedelta(days=1))
    drop(far).send_batch(claims(1), now=NOW)
    assert {path: path.read_bytes() for path in far.out.iterdir() if path.is_file()} == before
    assert drop(far).send_batch(claims(2, 3), now=NOW) == [HANDED] * 2
    assert sorted(control["count"] for control in far.controls()) == [1, 2]
    far.work()
    assert sorted(far.taken) == ["c1-v1", "c2-v1", "c3-v1"]
    # Also once the association took them away.
    assert drop(far).ask("c2", version=1, now=NOW).kind is AnswerKind.ACCEPTED


STEPS = ["out 1", "journal 1", "out 2", "rename"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("taken", [False, True])
def test_whoever_is_stopped_in_the_middle_drops_it_once(
    far: Office, step: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each step that writes: the next process asks, sends where nothing is there, and the association
    takes the claims in once."""
    first = drop(far)
    stop_before(step, first, monkeypatch)
    with pytest.raises(Killed):
        first.send_batch(claims(1, 2), now=NOW)
    if taken:
        far.work()
    asked = drop(far).ask("c1", version=1, now=NOW)
    if asked.kind is AnswerKind.ABSENT:
        assert not far.taken
        assert drop(far).send_batch(claims(2, 1), now=NOW) == [HANDED] * 2
    far.work()
    assert sorted(far.taken) == ["c1-v1", "c2-v1"]
    assert [drop(far).ask(name, version=1, now=NOW).kind for name in ("c1", "c2")] == [AnswerKind.ACCEPTED] * 2


class Killed(BaseException):
    """What ends a process; nothing catches it."""


def stop_before(step: str, sender: ClaimDrop, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = dict.fromkeys(("out", "journal"), 0)
    put, rename = outgoing.LocalFolder.put, outgoing.LocalFolder.rename

    def put_or_die(folder: outgoing.LocalFolder, name: str, content: bytes) -> None:
        kind = "journal" if name.endswith((".begun", ".done")) else "out"
        counted[kind] += 1
        if f"{kind} {counted[kind]}" == step:
            monkeypatch.undo()
            raise Killed
        put(folder, name, content)

    def rename_or_die(folder: outgoing.LocalFolder, name: str, target: str) -> None:
        if step == "rename":
            monkeypatch.undo()
            raise Killed
        rename(folder, name, target)

    monkeypatch.setattr(outgoing.LocalFolder, "put", put_or_die)
    monkeypatch.setattr(outgoing.LocalFolder, "rename", rename_or_die)


def test_a_place_that_goes_away_while_the_control_file_is_written_leaves_it_unknown(
    far: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = outgoing.LocalFolder.put

    def written_and_lost(folder: outgoing.LocalFolder, name: str, content: bytes) -> None:
        put(folder, name, content)
        if name.endswith(".control.json"):
            raise Unavailable("gone")

    monkeypatch.setattr(outgoing.LocalFolder, "put", written_and_lost)
    assert send(drop(far)) == Answer(kind=AnswerKind.UNKNOWN, code="no_answer")
    monkeypatch.undo()
    assert drop(far).ask("c1", version=1, now=NOW) == HANDED


def test_what_nobody_finished_is_taken_away_after_a_day(far: Office) -> None:
    orphan, part, foreign = far.out / "claims-0.ndjson", far.out / ".claims-1.ndjson.00.part", far.out / "note.txt"
    for path in (orphan, part, foreign):
        path.write_bytes(b"x")
        os.utime(path, (NOW.timestamp() - 100_000,) * 2)
    fresh = far.out / "claims-2.ndjson"
    fresh.write_bytes(b"x")
    os.utime(fresh, (NOW.timestamp() - 60,) * 2)
    send(drop(far))
    assert [path.exists() for path in (orphan, part, foreign, fresh)] == [False, False, True, True]


ANSWERS: list[tuple[list[Any], Answer]] = [
    ([{"claim_id": "c1", "version": 1, "result": "accepted"}], Answer(kind=AnswerKind.ACCEPTED)),
    ([{"claim_id": "c1", "version": 1, "result": "收下", "reference": "测试甲"}], Answer(kind=AnswerKind.ACCEPTED)),
    ([{"claim_id": "c1", "version": 1, "result": "refused", "code": "E7"}], Answer(kind=AnswerKind.REFUSED, code="E7")),
    (
        [{"claim_id": "c1", "version": 1, "result": "refused", "code": "150999198001010017"}],
        Answer(kind=AnswerKind.REFUSED, code="refused"),
    ),
    ([{"claim_id": "c1", "version": 2, "result": "accepted"}], Answer(kind=AnswerKind.ACCEPTED, code="already_held")),
    (
        [
            {"claim_id": "c1", "version": 1, "result": "accepted"},
            {"claim_id": "c1", "version": 1, "result": "refused"},
        ],
        Answer(kind=AnswerKind.UNKNOWN, code="unproven/two_results"),
    ),
    ([{"claim_id": "c2", "version": 1, "result": "accepted"}], HANDED),
    ([{"claim_id": "c1", "result": "accepted"}], HANDED),
    ([{"version": 1, "result": "accepted"}], HANDED),
    ([{"claim_id": "c1", "version": 1, "result": "ok"}], HANDED),
    ([{"claim_id": "c1", "version": True, "result": "accepted"}], HANDED),
    ([{"claim_id": "c1", "version": 1.5, "result": "accepted"}], HANDED),
    ([{"claim_id": "c1", "version": 2, "result": "refused"}], HANDED),
    (["accepted", 7, None, [], "{}"], HANDED),
]


@pytest.mark.parametrize(("lines", "answer"), ANSWERS, ids=range(len(ANSWERS)))
def test_an_answer_is_believed_where_it_names_claim_and_version(far: Office, lines: list[Any], answer: Answer) -> None:
    sender = drop(far)
    send(sender)
    far.say("monday.ndjson", *lines)
    assert sender.ask("c1", version=1, now=NOW) == answer


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'{"claim_id":"c1","version":1,"resu', b"[" * 100_000])
@pytest.mark.parametrize("name", ["a.ndjson", "a.xlsx"])
def test_an_answer_file_that_cannot_be_read_says_nothing_until_it_is_whole(
    far: Office, name: str, content: bytes
) -> None:
    sender = drop(far)
    send(sender)
    (far.answers / name).write_bytes(content)
    assert sender.ask("c1", version=1, now=NOW) == HANDED
    rows = [("申领号", "版本", "结果", "原因"), ("c1", 1.0, " 拒收 ", "not_a_member")]
    whole = workbook(rows) if name.endswith("xlsx") else b'{"claim_id":"c1","version":1,"result":"accepted"}'
    (far.answers / name).write_bytes(whole + (b"" if name.endswith("xlsx") else b"\n"))
    kinds = {"a.xlsx": Answer(kind=AnswerKind.REFUSED, code="not_a_member")}
    assert sender.ask("c1", version=1, now=NOW) == kinds.get(name, Answer(kind=AnswerKind.ACCEPTED))
    # A file of notes, and one on its way, are none of these.
    (far.answers / "b.txt").write_bytes(whole)


def workbook(rows: list[tuple[Any, ...]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def test_a_workbook_holds_text_alone_and_every_claim_verbatim(far: Office) -> None:
    batch = claims(1, 2, name="=1+1") + claims(3, name="+" + "长" * 70_000)
    drop(far, format="xlsx").send_batch(batch, now=NOW)
    (control,) = far.controls()
    book = load_workbook(far.out / control["file"])
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    shown, parts = book["申领"], book["报文"]
    column = [cell.value for cell in shown[1]].index("姓名")
    assert [row[column].value for row in shown.iter_rows(min_row=2)][:2] == ["=1+1"] * 2
    bodies: dict[str, str] = {}
    for claim_id, _, _, text in parts.iter_rows(min_row=2, values_only=True):
        bodies[claim_id] = bodies.get(claim_id, "") + text
    assert bodies == {claim.claim_id: claim.body.decode() for claim in batch}
    assert (control["count"], control["total_fen"]) == (3, 615)


def test_a_folder_that_forgot_what_was_dropped_is_not_believed(far: Office) -> None:
    """As where a disk is not mounted: the folder is there, and empty."""
    send(drop(far))
    (far.out / JOURNAL).rename(far.out.parent / "elsewhere")
    assert drop(far).ask("c1", version=1, now=NOW) == Answer(kind=AnswerKind.UNAVAILABLE, code="no_answer")
    assert send(drop(far)) == Answer(kind=AnswerKind.UNAVAILABLE, code="no_connection")


@pytest.mark.parametrize("build", [by_hand.file_drop, by_hand.file_drop_sftp])
def test_answers_do_not_lie_among_the_claims(build: Callable[..., ClaimDrop]) -> None:
    same: dict[str, Any] = {"folder": "a", "answers_folder": "a/"}
    if build is by_hand.file_drop_sftp:
        same = {"address": "h:22", "user": "u", "host_key": "SHA256:" + "A" * 43, "password": "p"}
        same |= {"remote_folder": "/a", "remote_answers_folder": "/a/"}
    with pytest.raises(WrongUse):
        build(**same)


def test_a_batch_is_called_by_its_claims_and_versions() -> None:
    name = drop_files.batch_name
    assert name(claims(1, 2)) == name(claims(2, 1)) != name(claims(1, 2, version=2))


def test_nothing_personal_is_remembered(far: Office) -> None:
    drop(far).send_batch(claims(1), now=NOW)
    (entry,) = (far.out / JOURNAL).iterdir()
    assert entry.name.endswith(".done")
    assert "测试甲".encode() not in entry.read_bytes()
