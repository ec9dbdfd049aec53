"""Claims that leave as files: a batch with its control file into a folder, of this machine or another's over SFTP.

`claims-<digest>.ndjson` (or `.xlsx`) is written first, what is remembered of it in the folder's `.dropped` next, and
`claims-<digest>.control.json` last: a file without one is not there yet. The name is made of the claims and versions,
so that the same batch is the same file. A claim version that was dropped is not dropped again; whoever was stopped in
the middle finds in `.dropped` how far it came. Where bodies are sealed, the whole file is. A claim counts as
accepted or refused only by a line of an answer file that names it and its version.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Final

import msgspec

from connectors.associations.drop_files import (
    CONTROL,
    AnswerBook,
    DropControl,
    DropFormat,
    DroppedBatch,
    batch_name,
    read_answers,
    to_ndjson,
    to_workbook,
    total_fen,
)
from connectors.transport.outgoing import FileStamp, LocalFolder, OutgoingFolder
from connectors.transport.reaching import endpoint_of, nothing_listens
from connectors.transport.sftp_login import login_secrets
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.claim import HANDED_OVER, Answer, AnswerKind
from gateway.ports import (
    ClaimOnItsWay,
    DeliverySpec,
    DeliveryWay,
    Endpoint,
    Seconds,
    SecretName,
    SecretOption,
    SiteFolder,
    Surroundings,
)

log = logging.getLogger("hubao.file_drop")

JOURNAL: Final = ".dropped"
"""The folder of ours beside the files, in which every batch is remembered."""

_BEGUN, _DONE = ".begun", ".done"
_LEFT_BEHIND: Final = timedelta(days=1)
_KEPT_FOR: Final = timedelta(days=400)
_ANSWER_BYTES: Final = 32 * 1024 * 1024
_MOST_ANSWER_FILES: Final = 5_000
_JOURNAL_BYTES: Final = 1024 * 1024

_HANDED_OVER: Final = Answer(kind=AnswerKind.UNKNOWN, code=HANDED_OVER)
_MEDIA_TYPES: Final = {
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WRITERS: Final = {"ndjson": to_ndjson, "xlsx": to_workbook}


class DropSpec(DeliverySpec, frozen=True, kw_only=True):
    """What both ways of dropping files share: `format`, how many claims a file holds at most, and after how many days
    without an answer a finding says so."""

    format: DropFormat = "ndjson"
    batch: Annotated[int, msgspec.Meta(ge=1, le=500)] = 500
    answer_days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5

    def answered_within_days(self) -> int | None:
        """The association answers by a file, in its own time."""
        return self.answer_days


class FileDropSpec(DropSpec, frozen=True, kw_only=True):
    """Claims as files in a folder of this machine, answered by files in another.

    `format`: ndjson or xlsx; `batch`: claims in one file at most; a finding after `answer_days` without an answer.
    """

    folder: SiteFolder
    answers_folder: SiteFolder

    def unreachable(self, site: Path) -> Sequence[str]:
        """The folders that are not there."""
        if (site / self.folder).is_dir():
            named = [f"{self.folder}/{JOURNAL}", self.answers_folder]
        else:
            named = [self.folder, self.answers_folder]
        return [f"目录 {name} 不存在 (no such folder)" for name in named if not (site / name).is_dir()]


class SftpDropSpec(DropSpec, frozen=True, kw_only=True):
    """Claims as files in a folder of another machine over SFTP, answered by files in another folder of it.

    `host_key` is the fingerprint `ssh-keygen -lf` shows. `format`: ndjson or xlsx; `batch`: claims in one file at most;
    a finding after `answer_days` without an answer.
    """

    address: Endpoint
    user: str
    host_key: str
    password: SecretName | None = None
    private_key: SecretName | None = None
    remote_folder: str
    remote_answers_folder: str
    timeout_seconds: Seconds = 30.0

    def secrets(self) -> Sequence[SecretOption]:
        """The password, or the private key as PEM text."""
        return login_secrets(self.password, self.private_key)

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing listens at the machine's port."""
        return nothing_listens(*endpoint_of(self.address))


class DropFolders(msgspec.Struct, frozen=True, kw_only=True):
    """Where batches go, where they are remembered, and where answers come."""

    out: OutgoingFolder
    journal: OutgoingFolder
    answers: OutgoingFolder


class ClaimDrop:
    """A Sender that leaves files. Whatever it hands over is UNKNOWN (`handed_over`) until an answer file names it."""

    def __init__(self, spec: DropSpec, around: Surroundings, folders: DropFolders, *, look_every: float = 1.0) -> None:
        self.name, self.batch = around.name, spec.batch
        self._format, self._folders, self._sealing = spec.format, folders, around.sealing
        self._look_every, self._looked_at = look_every, float("-inf")
        # One line, one look at the folders: claims go together, so that waiting for one another costs little.
        self._lock = Lock()
        self._answers = AnswerFiles(around.name, folders.answers)
        self._journal = DropJournal(folders)
        self._swept = False

    def send(self, body: bytes, *, claim_id: str, version: int, idempotency_key: str, now: datetime) -> Answer:
        """A batch of one. See `gateway.ports.Sender`."""
        claim = ClaimOnItsWay(body=body, claim_id=claim_id, version=version, idempotency_key=idempotency_key)
        return self.send_batch([claim], now=now)[0]

    def send_batch(self, claims: Sequence[ClaimOnItsWay], *, now: datetime) -> list[Answer]:
        """Leave several claim versions in one file. See `gateway.ports.SendsBatches`."""

        def drop() -> list[Answer]:
            self._look()
            answers = {claim.idempotency_key: self._standing(claim.claim_id, claim.version) for claim in claims}
            new = [claim for claim in claims if answers[claim.idempotency_key] is None]
            after = self._drop(new, now) if new else _HANDED_OVER
            return [answers[claim.idempotency_key] or after for claim in claims]

        return self._reached(drop, [_unreached("no_connection")] * len(claims))

    def ask(self, claim_id: str, *, version: int, now: datetime) -> Answer:
        """What the answer files say of a claim; whether it lies there where they say nothing."""

        def look() -> Answer:
            # Thousands are asked about one after the other; what says that nothing lies there must be of this moment.
            recent = time.monotonic() - self._looked_at < self._look_every
            if not recent or self._standing(claim_id, version) is None:
                self._look()
            return self._standing(claim_id, version) or Answer(kind=AnswerKind.ABSENT, code="not_dropped")

        return self._reached(lambda: [look()], [_unreached("no_answer")])[0]

    def _reached(self, work: Callable[[], list[Answer]], otherwise: list[Answer]) -> list[Answer]:
        with self._lock:
            try:
                return work()
            except Refused as error:
                log.warning("%s", error)
                return [_unreached(error.code)] * len(otherwise)
            except Unavailable as error:
                log.warning("%s", error)
                return otherwise

    def _look(self) -> None:
        self._answers.refresh()
        self._journal.refresh()
        self._looked_at = time.monotonic()

    def _standing(self, claim_id: str, version: int) -> Answer | None:
        """The answer to a version, or that it lies there; None where it was not dropped, and no later one was taken."""
        if answer := self._answers.book.answer(claim_id, version):
            return answer
        return _HANDED_OVER if self._journal.holds(f"{claim_id}-v{version}") else None

    def _drop(self, claims: Sequence[ClaimOnItsWay], now: datetime) -> Answer:
        if not self._swept:
            self._sweep(now)
        content, suffix = _WRITERS[self._format](claims), ""
        if self._sealing is not None:
            content = self._sealing.seal(content, content_type=_MEDIA_TYPES[self._format])
            suffix = self._sealing.suffix
        name = batch_name(claims)
        control = DropControl(
            file=f"{name}.{self._format}{suffix}",
            count=len(claims),
            total_fen=total_fen(claims),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        self._folders.out.put(control.file, content)
        batch = DroppedBatch(control=control, keys=tuple(claim.idempotency_key for claim in claims), at=now)
        try:
            self._journal.begin(name, batch)
            self._journal.finish(name, batch)
        except Unavailable:
            # It may lie there by now: who asks looks first.
            return Answer(kind=AnswerKind.UNKNOWN, code="no_answer")
        return _HANDED_OVER

    def _sweep(self, now: datetime) -> None:
        """Take away what somebody who was stopped left unfinished: nobody takes it in, and it speaks of members."""
        names = self._folders.out.names()
        before = int((now - _LEFT_BEHIND).timestamp())
        for name, stamp in names.items():
            batch = name.partition(".")[0]
            is_part = name.startswith(".claims-") and name.endswith(".part")
            is_orphan = name.startswith("claims-") and batch + CONTROL not in names and not self._journal.knows(batch)
            if stamp.changed < before and (is_part or is_orphan):
                self._folders.out.remove(name)
        self._journal.prune(now - _KEPT_FOR)
        self._swept = True


def _unreached(code: str) -> Answer:
    return Answer(kind=AnswerKind.UNAVAILABLE, code=code)


class DropJournal:
    """What was dropped, by idempotency key: `.begun` before the control file is written, `.done` behind it."""

    def __init__(self, folders: DropFolders) -> None:
        self._folders = folders
        self._batches: dict[str, DroppedBatch] = {}
        self._batch_of: dict[str, str] = {}

    def knows(self, batch: str) -> bool:
        """Whether a batch is remembered."""
        return batch in self._batches

    def holds(self, key: str) -> bool:
        """Whether a claim version was dropped."""
        return key in self._batch_of

    def begin(self, name: str, batch: DroppedBatch) -> None:
        """Remember a batch whose file lies there without its control file."""
        self._folders.journal.put(name + _BEGUN, msgspec.json.encode(batch))

    def finish(self, name: str, batch: DroppedBatch) -> None:
        """Write the control file: from now on the batch is there."""
        self._folders.out.put(name + CONTROL, msgspec.json.encode(batch.control) + b"\n")
        self._folders.journal.rename(name + _BEGUN, name + _DONE)
        self._keep(name, batch)

    def refresh(self) -> None:
        """Learn what others dropped, finish what somebody began, and forget what an administrator took away."""
        names = self._folders.journal.names()
        for name in self._batches.keys() - {name.removesuffix(_DONE) for name in names}:
            for key in self._batches.pop(name).keys:
                self._batch_of.pop(key, None)
        for name in sorted(names):
            batch = name.partition(".")[0]
            if name.endswith((_BEGUN, _DONE)) and batch not in self._batches:
                self._learn(name, batch)

    def prune(self, before: datetime) -> None:
        """Forget what was dropped before an instant: by then nobody asks."""
        for name in [name for name, batch in self._batches.items() if batch.at < before]:
            self._folders.journal.remove(name + _DONE)

    def _learn(self, name: str, batch: str) -> None:
        content = self._folders.journal.read(name, limit=_JOURNAL_BYTES)
        if content is None:
            return
        try:
            dropped = msgspec.json.decode(content, type=DroppedBatch)
        except msgspec.MsgspecError:
            # It is put in whole: what does not read is not of ours.
            log.warning("%s holds a file that is none of ours", JOURNAL)
            return
        if name.endswith(_DONE) or self._is_whole(batch, dropped):
            self._keep(batch, dropped)

    def _is_whole(self, name: str, batch: DroppedBatch) -> bool:
        """Whether a batch that somebody began is there; its control file is written where only that is missing.

        The association takes a file only with its control file. So where neither is left, it was taken; where the file
        is another than the one remembered, a second try was stopped before it could say so, and it goes anew.
        """
        files = self._folders.out.names()
        if name + CONTROL not in files and batch.control.file in files:
            content = self._folders.out.read(batch.control.file, limit=files[batch.control.file].size + 1) or b""
            if hashlib.sha256(content).hexdigest() != batch.control.sha256:
                return False
            self._folders.out.put(name + CONTROL, msgspec.json.encode(batch.control) + b"\n")
        self._folders.journal.rename(name + _BEGUN, name + _DONE)
        return True

    def _keep(self, name: str, batch: DroppedBatch) -> None:
        self._batches[name] = batch
        for key in batch.keys:
            self._batch_of[key] = name


class AnswerFiles:
    """The folder of answer files, each read again only where it changed."""

    def __init__(self, name: str, folder: OutgoingFolder) -> None:
        self._name, self._folder = name, folder
        self._stamps: dict[str, FileStamp] = {}
        self.book = AnswerBook()

    def refresh(self) -> None:
        """Read what came or changed. Raises Unavailable, also where there are more files than anybody answers with."""
        names = {
            name: stamp
            for name, stamp in self._folder.names().items()
            if name.endswith((".ndjson", ".xlsx")) and not name.startswith((".", "~"))
        }
        if len(names) > _MOST_ANSWER_FILES:
            raise Unavailable(f"{self._name}: 回执目录文件过多，请移走旧的 (too many answer files: move old ones away)")
        self.book.forget(self._stamps.keys() - names.keys())
        for name in sorted(names):
            if self._stamps.get(name) != names[name]:
                self._read(name, names[name])
        self._stamps = names

    def _read(self, name: str, stamp: FileStamp) -> None:
        content = self._folder.read(name, limit=_ANSWER_BYTES + 1) or b""
        lines, unread = read_answers(name, content) if len(content) <= _ANSWER_BYTES else ([], 1)
        if unread:
            log.warning("%s: %d lines of an answer file name no claim, version and result", self._name, unread)
        self.book.keep(name, lines)


def make_file_drop(spec: FileDropSpec, around: Surroundings, **more: Any) -> ClaimDrop:
    """A Sender into a folder of this machine. Raises WrongUse where answers would lie among the claims."""
    out, answers = around.folder(spec.folder), around.folder(spec.answers_folder)
    if out.resolve() == answers.resolve():
        raise WrongUse("answers_folder 应为另一个目录 (answers_folder must name another folder)")
    folders = DropFolders(
        out=LocalFolder(around.name, out),
        journal=LocalFolder(around.name, out / JOURNAL),
        answers=LocalFolder(around.name, answers),
    )
    return ClaimDrop(spec, around, folders, **more)


def make_sftp_drop(spec: SftpDropSpec, around: Surroundings, **more: Any) -> ClaimDrop:
    """A Sender into a folder of another machine. Raises WrongUse for options that contradict each other."""
    # The library is loaded for who needs it: every command would wait for it.
    from connectors.transport.sftp import SftpAccess, SftpPlace, check_fingerprint
    from connectors.transport.sftp_outgoing import SftpFolder

    check_fingerprint(spec.host_key)
    if spec.password is None and spec.private_key is None:
        raise WrongUse("password 与 private_key 至少写一个 (a password or a private key is needed)")
    if spec.remote_folder.rstrip("/") == spec.remote_answers_folder.rstrip("/"):
        raise WrongUse("remote_answers_folder 应为另一个目录 (remote_answers_folder must name another folder)")
    access = SftpAccess(
        endpoint=spec.address,
        user=spec.user,
        host_key=spec.host_key,
        password=around.read_secret(spec.password) if spec.password else None,
        private_key=around.read_secret(spec.private_key) if spec.private_key else None,
        timeout_seconds=spec.timeout_seconds,
    )
    line = SftpPlace(around, access, spec.remote_folder)
    folders = DropFolders(
        out=SftpFolder(around.name, line, spec.remote_folder),
        journal=SftpFolder(around.name, line, f"{spec.remote_folder.rstrip('/')}/{JOURNAL}"),
        answers=SftpFolder(around.name, line, spec.remote_answers_folder),
    )
    return ClaimDrop(spec, around, folders, **more)


FOLDER_WAY = DeliveryWay(spec=FileDropSpec, make=make_file_drop)
SFTP_WAY = DeliveryWay(spec=SftpDropSpec, make=make_sftp_drop)
