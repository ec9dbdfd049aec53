"""医保云专线: the national platform's JSON line, which cannot list anything and answers person by person.

Who (1101) → visits in the window (5201, once per care type) → settlement (5203) → diagnoses (5202). The
reply to 1101 is full of personal data that is not needed, so it is used and dropped, except where it says that the
person is unknown. The other replies go into one bundle (`gateway.model.bundle`), each verbatim beside its call.

All four are questions that change nothing, so every one of them may be asked again after a failure.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import msgspec

from connectors.transport import tif
from connectors.transport.answers import NATIONAL, Answers, Meaning
from connectors.transport.envelope import (
    Caller,
    Heard,
    Question,
    objects_of,
    read_reply,
    request_body,
    text_of,
)
from connectors.transport.http import (
    QUICK_WAIT_SECONDS,
    exchange,
    is_unavailable,
    make_client,
    probe_all,
    quick_retries,
)
from connectors.transport.msgid import MessageIds
from connectors.transport.pace import Pace
from gateway.errors import CallsSpent, Refused, Unavailable, WrongUse
from gateway.model.bundle import Call, bundle_of
from gateway.model.clock import SHANGHAI
from gateway.model.page import MAX_PAGE_BYTES, Fetched
from gateway.ports import (
    Address,
    ConnectorSpec,
    Region,
    Seconds,
    SecretName,
    Surroundings,
    SweepReply,
    SweepSubject,
    SweepWay,
)

PATHS: Final[Mapping[str, str]] = {
    "1101": "/fsi/api/fsiPsnInfoService/queryPsnInfo",
    "5201": "/fsi/api/fsiIntegratedQueryService/queryMdtrtInfo",
    "5202": "/fsi/api/fsiIntegratedQueryService/queryDiagInfo",
    "5203": "/fsi/api/fsiIntegratedQueryService/querySetlInfo",
}
"""Where a transaction lives under the line's address; a platform with one address for all has "" for each."""


_OF_LINE: Final = {words: meaning for words, meaning in NATIONAL.items() if meaning in ("retry", "back_off")}
"""What is shared with other national lines. Whatever else is refused is kept, and its person asked about again: one
person's refusal stops nobody else's question, unless the feed's own table says so."""

_BUNDLE_ROOM = MAX_PAGE_BYTES - 1024
_CALL_OVERHEAD = 512
_MOST_CALLS_A_PERSON = 2000
_OUTAGE_AFTER = 3
_CONNECTIONS = 128
"""A sweep needs one; people who are asked about now come at any number, and wait for the line's rate alone."""


class CloudLineSpec(ConnectorSpec, frozen=True, kw_only=True):
    """The 医保云专线: the national platform's JSON envelope with x-tif signing (feeds answered person by person).
    `answers`: what an answer means (`"-1 words" = "retry"`)."""

    address: Address
    paas_id: str
    secret: SecretName
    facility_no: Annotated[str, msgspec.Meta(min_length=12, max_length=12)]
    facility_name: str
    operator_no: str = "hubao"
    operator_name: str = "互保网关"
    receiver: str = "YBXT"
    interface_version: str = "V1.0"
    region: Region
    paths: dict[str, str] = msgspec.field(default_factory=dict)
    care_types: tuple[str, ...] = ("21",)
    answers: dict[str, Meaning] = msgspec.field(default_factory=dict)
    timeout_seconds: Seconds = 30.0
    people_per_page: Annotated[int, msgspec.Meta(ge=1, le=200)] = 200

    def unreachable(self, site: Path) -> Sequence[str]:
        """What is wrong when nothing answers at the line's address."""
        return probe_all(self.address)


class Gathered:
    """What was learnt about one person: the calls worth keeping, and what went wrong on the way."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.trouble: list[str] = []
        self.size = 0

    def keep(self, question: Question, heard: Heard) -> None:
        """Put a reply into the bundle."""
        self.calls.append(Call(infno=question.infno, asked=question.shown, reply=heard.raw))
        self.size += len(heard.raw) + _CALL_OVERHEAD

    def accept(self, question: Question, heard: Heard) -> bool:
        """Keep a reply and say whether it is good; a refusal other than "nothing known" is trouble."""
        self.keep(question, heard)
        if not heard.good and not heard.knows_nothing:
            self.trouble.append(f"refused_{question.infno}")
        return heard.good


Walk = Generator[Question, Heard, None]
"""Questions out, answers in: the order of the calls without the network."""


def walk_person(subject: SweepSubject, gathered: Gathered, *, care_types: tuple[str, ...], region: str) -> Walk:
    """Everything to ask about one person; what is learnt goes into `gathered`."""
    question = _person(subject)
    answer = yield question
    if not answer.good or not answer.output:
        gathered.accept(question, answer)
        return
    # Nearly always one; a person with two files has been to hospital under either.
    numbers = [text_of(person.get("psn_no")) for person in objects_of(answer.output.get("baseinfo"))]
    if not any(numbers):
        gathered.trouble.append("no_person_number")
    insured_in = _insured_region(answer.output, region)
    for number in dict.fromkeys(filter(None, numbers)):
        yield from _walk_visits(subject, gathered, number, insured_in, care_types)


def _walk_visits(
    subject: SweepSubject, gathered: Gathered, person_no: str, insured_in: str, care_types: tuple[str, ...]
) -> Walk:
    """The visits of each care type in the window, and what belongs to each; a visit told twice is asked about once."""
    seen: set[tuple[str, str]] = set()
    for care_type in care_types:
        data = {
            "psn_no": person_no,
            "begntime": f"{subject.since.isoformat()} 00:00:00",
            "endtime": f"{subject.until.isoformat()} 23:59:59",
            "med_type": care_type,
            "mdtrt_id": "",
        }
        question = Question(infno="5201", data=data, shown=dict(data), insured_region=insured_in)
        answer = yield question
        if not gathered.accept(question, answer):
            continue
        for visit in objects_of(answer.output.get("mdtrtinfo")):
            key = text_of(visit.get("mdtrt_id")), text_of(visit.get("setl_id"))
            if not key[0]:
                gathered.trouble.append("visit_without_number")
            elif key not in seen:
                seen.add(key)
                yield from _walk_settlement(gathered, person_no, insured_in, *key)


def _walk_settlement(gathered: Gathered, person_no: str, insured_in: str, visit_no: str, settlement_no: str) -> Walk:
    """One visit's settlement and diagnoses, kept together: half a visit would be assessed wrongly."""
    data = {"psn_no": person_no, "setl_id": settlement_no, "mdtrt_id": visit_no}
    settlement = Question(infno="5203", data=data, shown=dict(data), insured_region=insured_in)
    settled = yield settlement
    if not settled.good or not objects_of(settled.output.get("setlinfo")):
        gathered.accept(settlement, settled)
        return
    data = {"mdtrt_id": visit_no, "psn_no": person_no}
    diagnoses = Question(infno="5202", data=data, shown=dict(data), insured_region=insured_in)
    diagnosed = yield diagnoses
    gathered.keep(settlement, settled)
    gathered.accept(diagnoses, diagnosed)


def _person(subject: SweepSubject) -> Question:
    """1101, without the name: the platform would refuse a way of writing it that the matching still knows."""
    data = {
        "mdtrt_cert_type": "02" if subject.id_type == "01" else "99",
        "mdtrt_cert_no": subject.id_number,
        "card_sn": "",
        "begntime": "",
        "psn_cert_type": subject.id_type,
        "certno": subject.id_number,
        "psn_name": "",
    }
    return Question(infno="1101", data=data, shown={"member_id": subject.member_id})


def _insured_region(output: Mapping[str, Any], region: str) -> str:
    """参保地: this league's first, then 正常参保, then 职工; without any, the line's own region."""

    def rank(insurance: Mapping[str, Any]) -> tuple[bool, bool, bool]:
        place = text_of(insurance.get("insuplc_admdvs"))
        active = text_of(insurance.get("psn_insu_stas")) == "1"
        return place[:4] != region[:4], not active, text_of(insurance.get("insutype")) != "310"

    insurances = objects_of(output.get("insuinfo"))
    placed = [insurance for insurance in insurances if text_of(insurance.get("insuplc_admdvs"))]
    return text_of(min(placed, key=rank)["insuplc_admdvs"]) if placed else region


class CloudLine:
    """A SweepFeed over the national platform's envelope with `x-tif-*` signing.

    `next_msgid` gives message ids that never repeat; without it this site's own are used (see
    `connectors.transport.msgid`). The clock is read for every call: a sweep of a page takes minutes, and
    signatures and message times must be fresh.
    """

    def __init__(
        self,
        spec: CloudLineSpec,
        around: Surroundings,
        *,
        tries: int = 3,
        calls_per_page: int = 20_000,
        client: httpx.Client | None = None,
        next_msgid: Callable[[datetime], str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not spec.paas_id.isascii():
            raise WrongUse("paas_id 只能用 ASCII 字符 (paas_id must be ASCII: it travels in a header)")
        self.name = around.name
        self.people_per_page = spec.people_per_page
        self._caller = Caller(
            facility_no=spec.facility_no,
            facility_name=spec.facility_name,
            operator_no=spec.operator_no,
            operator_name=spec.operator_name,
            receiver=spec.receiver,
            interface_version=spec.interface_version,
            region=spec.region,
        )
        self._address = spec.address.rstrip("/")
        self._paths = {**PATHS, **spec.paths}
        self._paas_id, self._secret = spec.paas_id, around.read_secret(spec.secret)
        self._care_types = spec.care_types
        self._calls_per_page = calls_per_page
        self._client = client or make_client(timeout_seconds=spec.timeout_seconds, connections=_CONNECTIONS)
        self._next_msgid = next_msgid or MessageIds(
            spec.facility_no, state=around.state_file(f"msgid-{spec.facility_no}")
        )
        self._clock = around.clock
        self._answers = Answers(spec.answers, _OF_LINE)
        self._pace = Pace(around, sleep=sleep)
        self._tries = quick_retries(tries, again=is_unavailable, sleep=sleep)

    def ask(self, subjects: list[SweepSubject], *, now: datetime) -> SweepReply:
        """One bundle about as many of these people as fit; see `gateway.ports.SweepFeed`."""
        if not subjects:
            raise WrongUse("一次查询至少一人 (ask about at least one person)")
        sweep = _Sweep(room=_BUNDLE_ROOM, calls_left=self._calls_per_page)
        for subject in subjects:
            if sweep.over or not sweep.take(subject.member_id, *self._hear(subject, sweep)):
                break
        if sweep.calls_spent is not None and not sweep.asked and not sweep.calls:
            raise sweep.calls_spent
        if sweep.last_error is not None and not sweep.asked and not sweep.calls:
            raise Unavailable(f"{self.name}: {sweep.last_error}", retry_after=sweep.retry_after)
        request = f"sweep:{now.isoformat()}:{subjects[0].member_id}-{subjects[-1].member_id}"
        return sweep.swept(request)

    def _hear(self, subject: SweepSubject, sweep: _Sweep) -> tuple[Gathered, Unavailable | Refused | None]:
        """Walk one person's questions; the second value is what cut the walk short."""
        gathered = Gathered()
        walk = walk_person(subject, gathered, care_types=self._care_types, region=self._caller.region)
        try:
            with suppress(StopIteration):
                question = next(walk)
                while gathered.size <= _BUNDLE_ROOM and len(gathered.calls) <= _MOST_CALLS_A_PERSON:
                    heard = self._tries.copy()(self._call, question)
                    sweep.calls_left -= 1
                    question = walk.send(heard)
                gathered.trouble.append("too_large")
        except (Unavailable, Refused) as error:
            gathered.trouble.append(_code_of(error))
            return gathered, error
        return gathered, None

    def _call(self, question: Question) -> Heard:
        """One transaction. Raises Unavailable or Refused."""
        url = self._address + self._paths[question.infno]
        with self._pace.turn():
            now = self._clock().astimezone(SHANGHAI)
            body = request_body(self._caller, question, msgid=self._next_msgid(now), now=now)
            signed = tif.sign(self._paas_id, self._secret, timestamp=int(now.timestamp()), nonce=secrets.token_hex(8))
            headers = {**signed, "content-type": "application/json; charset=utf-8"}
            reply = exchange(self._client, "POST", url, headers=headers, content=body)
        return self._meant(question, read_reply(self._answers.body(reply)))

    def _meant(self, question: Question, heard: Heard) -> Heard:
        """An answer for what the feed's table says of it; what a person must see goes into the bundle as it came.

        Raises Unavailable, Refused.
        """
        meaning = self._answers.meaning(heard.code, heard.message, good=heard.good)
        if meaning == "refresh":
            # This line knows no sign-in that could be renewed.
            meaning = "stop"
        if meaning in ("retry", "back_off", "stop"):
            self._answers.act(meaning, f"{question.infno}/{heard.code}", heard.raw)
        return heard


def _code_of(error: Unavailable | Refused) -> str:
    """A stable code for the list of failures: `http_403`, `broken_reply`, else `unavailable`."""
    if isinstance(error, Refused):
        return error.code
    return "broken_reply" if str(error).startswith("broken_reply") else "unavailable"


class _Sweep:
    """A bundle being filled: who is in it, who failed, and when to stop."""

    def __init__(self, *, room: int, calls_left: int) -> None:
        self.calls: list[Call] = []
        self.asked: list[int] = []
        self.failed: list[tuple[int, str]] = []
        self.calls_left = calls_left
        self.last_error: str | None = None
        self.retry_after: float | None = None
        self.calls_spent: CallsSpent | None = None
        self._room = room
        self._outages = 0

    @property
    def over(self) -> bool:
        """Whether to stop before the next person: no calls left, line down, or asked to pause."""
        told_to_wait = self.retry_after is not None and self.retry_after > QUICK_WAIT_SECONDS
        spent = self.calls_left <= 0 or self.calls_spent is not None
        return spent or self._outages >= _OUTAGE_AFTER or told_to_wait

    def take(self, member_id: int, gathered: Gathered, cut_by: Unavailable | Refused | None) -> bool:
        """Add one person. False when the bundle has no room left, or the day's calls are spent: that person belongs in
        the next one."""
        if isinstance(cut_by, CallsSpent):
            self.calls_spent = cut_by
            return False
        fits = gathered.size <= self._room
        if not fits and self.calls:
            return False
        self._outages = self._outages + 1 if cut_by else 0
        if cut_by is not None:
            self.last_error = _code_of(cut_by)
            self.retry_after = getattr(cut_by, "retry_after", None)
        if fits:
            self._room -= gathered.size
            self.calls += gathered.calls
        trouble = gathered.trouble if fits else ["too_large"]
        if trouble:
            self.failed.append((member_id, trouble[0]))
        else:
            self.asked.append(member_id)
        return True

    def swept(self, request: str) -> SweepReply:
        """The page and who it covers."""
        fetched = Fetched(content=bundle_of(self.calls), request=request)
        return SweepReply(fetched=fetched, asked=tuple(self.asked), failed=tuple(self.failed))


WAY = SweepWay(spec=CloudLineSpec, make=CloudLine)
