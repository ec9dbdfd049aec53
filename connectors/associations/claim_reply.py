"""What an association's HTTP answer says about one version of a claim: only what its body proves is believed.

A status alone proves nothing: a firewall answers 200 for a claims system, a proxy 404. So *accepted* needs a body that
names the claim, or holds what the association's file demands (`Proof`); *refused* needs one that names the claim.
Everything else is unavailable where nothing can have been taken, and unknown where something may have been.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from connectors.transport.http import DELIVERIES, QUESTIONS, HttpOutcome, Reply, json_object, outcome_of
from gateway.model.claim import UNPROVEN, Answer, AnswerKind
from gateway.ports import ClaimOnItsWay, Proof

_TOKEN: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,64}", re.ASCII)

# A code with this many digits in a row could be a member's birth date, phone or id number.
_LONG_NUMBER: Final = re.compile(r"[0-9]{8}")

_VERDICTS: Final = re.compile(
    r"(err|error|ret|return|result|res|status|state|inf|resp)?_?code|err(or)?s?|err(or)?_?(msg|message)"
    r"|fail(ed|ure)?|fault|flag|ok|outcome|refused|reject(ed)?|result|ret|state|success"
)
"""Fields with which services say yes or no, each in its own words. Who answers with one must be explained by a rule."""


_OWN_STATUSES: Final = (None, "proposed", "amended", "withdrawn", "accepted", "received")
"""What `status` may say beside a claim's id: how we said the claim stands, or that it has arrived."""


_DUPLICATE: Final = frozenset({"duplicate", "duplicate_claim", "already_exists", "already_received"})
"""Codes with which a claims system says that it has a claim already, with a status of its own choice."""


class ClaimReply:
    """An answer to a claim that was sent, or to the question whether one is there."""

    def __init__(
        self,
        reply: Reply,
        claim_id: str,
        version: int,
        proof: Proof | None,
        *,
        sent: bytes = b"",
        fields: dict[str, Any] | None = None,
    ) -> None:
        self._reply, self._claim_id, self._version, self._sent = reply, claim_id, version, sent
        if fields is None:
            fields = json_object(reply.body) if reply.whole else None
        self._fields = fields or {}
        self._rule = proof
        self._claim_path = (proof.claim if proof else None) or "claim_id"
        self._version_path = (proof.version if proof else None) or "version"
        self._reference_path = (proof.reference if proof else None) or "reference"

    def to_delivery(self) -> Answer:
        """What became of the version that was sent."""
        outcome = outcome_of(self._reply.status, DELIVERIES)
        if outcome is HttpOutcome.OK:
            missing = self._missing_proof()
            return self._unproven(missing) if missing else self._accepted("")
        if outcome is HttpOutcome.CONFLICT or self._calls_it_a_duplicate():
            return self._to_conflict()
        if outcome is HttpOutcome.REFUSED and self._names_claim():
            return Answer(kind=AnswerKind.REFUSED, code=self._own_code() or "refused")
        unknown = outcome is HttpOutcome.UNKNOWN
        return self._by_status(AnswerKind.UNKNOWN if unknown else AnswerKind.UNAVAILABLE)

    def to_question(self) -> Answer:
        """Whether the version that was asked about is there, or a later one."""
        if self._reply.status == 404 and (self._names_claim() or self._own_code()):
            return Answer(kind=AnswerKind.ABSENT, code="http_404")
        outcome = outcome_of(self._reply.status, QUESTIONS)
        if outcome is not HttpOutcome.OK:
            # Where it refuses the question, what became of the claim is as unknown as before.
            busy = outcome is HttpOutcome.UNAVAILABLE
            return self._by_status(AnswerKind.UNAVAILABLE if busy else AnswerKind.UNKNOWN)
        present = self._present_version()
        # Whoever holds a claim may say in any words how it stands there.
        missing = self._unreadable() or self._missing_values(any_status=True) or self._missing_name()
        if missing or present is None:
            return self._unproven(missing or "no_version")
        if present >= self._version:
            return self._accepted("already_held")
        return Answer(kind=AnswerKind.ABSENT, code="earlier_version")

    def _to_conflict(self) -> Answer:
        """409, or a no that calls the claim a duplicate: it has this version or a later one, or an earlier one and says
        no; otherwise we must ask."""
        present = self._present_version() if self._names_claim() else None
        if present is None:
            return self._by_status(AnswerKind.UNKNOWN)
        if present >= self._version:
            return self._accepted("already_held")
        return Answer(kind=AnswerKind.REFUSED, code=self._own_code() or "refused")

    def _missing_proof(self) -> str:
        """What a 2xx lacks to be believed; empty where it proves that this version was taken."""
        if missing := self._unreadable() or self._missing_values():
            return missing
        named_by_rule = self._rule is None or self._rule.claim is not None
        if (named_by_rule or self._names_another_claim()) and (missing := self._missing_name()):
            return missing
        stated = self._at(self._version_path)
        present = self._present_version()
        demanded = self._rule is not None and self._rule.version is not None
        if (demanded or stated is not None) and (present is None or present < self._version):
            return "other_version"
        return ""

    def _unreadable(self) -> str:
        """Why there is no object to read."""
        if not self._reply.whole:
            return "too_large"
        # A page for people (a login, a firewall's notice) also comes with 200, and has taken nothing.
        if self._reply.headers.get("content-type", "").lower().startswith("text/html"):
            return "html"
        if not self._reply.body.strip():
            return "empty"
        if not self._fields:
            return "no_object"
        # A machine that only mirrors what it is sent names the claim as well. What we send is as short as JSON can be.
        mirrors = len(self._reply.body) >= len(self._sent) // 2 and self._fields == json_object(self._sent)
        return "echo" if mirrors else ""

    def _missing_values(self, *, any_status: bool = False) -> str:
        """What an object lacks of the fields and values that the file demands; without a file, a yes or no that is not
        explained."""
        if self._rule is None:
            odd = any(value is not None and _VERDICTS.fullmatch(name.lower()) for name, value in self._fields.items())
            status = self._fields.get("status")
            understood = status in _OWN_STATUSES or (any_status and isinstance(status, str))
            return "verdict" if odd or not understood else ""
        if any(_as_text(self._at(path)) != value for path, value in self._rule.equals):
            return "other_value"
        return "no_reference" if self._rule.reference and not plain_token(self._at(self._rule.reference)) else ""

    def _missing_name(self) -> str:
        """Why it does not name the claim; empty where it does, and no other beside it."""
        if self._names_another_claim():
            return "other_claim"
        return "" if self._names_claim() else "no_claim"

    def _accepted(self, code: str) -> Answer:
        return Answer(kind=AnswerKind.ACCEPTED, code=code, reference=plain_token(self._at(self._reference_path)))

    def _unproven(self, why: str) -> Answer:
        return Answer(
            kind=AnswerKind.UNKNOWN,
            code=UNPROVEN + why,
            retry_after=self._reply.retry_after,
            shape=shape_of(self._reply),
        )

    def _by_status(self, kind: AnswerKind) -> Answer:
        return Answer(kind=kind, code=f"http_{self._reply.status}", retry_after=self._reply.retry_after)

    def _names_claim(self) -> bool:
        return bool(self._at(self._claim_path) == self._claim_id)

    def _names_another_claim(self) -> bool:
        names = (self._at(self._claim_path), self._fields.get("claim_id"))
        return any(name is not None and name != self._claim_id for name in names)

    def _present_version(self) -> int | None:
        version = self._at(self._version_path)
        return version if isinstance(version, int) and not isinstance(version, bool) and version >= 1 else None

    def _at(self, path: str) -> Any:
        """The value of a field; None where there is no such field."""
        value: Any = self._fields
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _calls_it_a_duplicate(self) -> bool:
        """Whether a 4xx says that the claim came before: that is no refusal of it."""
        code = self._fields.get("code")
        return 400 <= self._reply.status < 500 and isinstance(code, str) and code.lower() in _DUPLICATE

    def _own_code(self) -> str:
        """The problem's own code (RFC 9457 `code` or `type`) where it is a plain token, else nothing."""
        return next(filter(None, map(stable_code, (self._fields.get("code"), self._fields.get("type")))), "")


class BatchReply:
    """An answer to several claims that were sent together: `{"results": [{"idempotency_key", "status", "body"}]}`.

    Each claim's status and body are read as if it had been sent alone. A no to the whole request is one to every claim
    of it; a yes to the whole request proves nothing about any.
    """

    def __init__(self, reply: Reply, proof: Proof | None) -> None:
        self._reply, self._proof = reply, proof

    def answers(self, claims: Sequence[ClaimOnItsWay]) -> list[Answer]:
        """One for each claim, in their order."""
        if outcome_of(self._reply.status, DELIVERIES) is not HttpOutcome.OK:
            return [self._of(self._reply, claim).to_delivery() for claim in claims]
        results = self._results()
        if results is None:
            return [self._unproven("no_results")] * len(claims)
        return [self._answer(claim, results.get(claim.idempotency_key, [])) for claim in claims]

    def _results(self) -> dict[str, list[dict[str, Any]]] | None:
        """Idempotency key → what is said under it; None where there is no list of results."""
        fields = json_object(self._reply.body) if self._reply.whole else None
        results = (fields or {}).get("results")
        if not isinstance(results, list):
            return None
        by_key: dict[str, list[dict[str, Any]]] = {}
        for result in results:
            key = result.get("idempotency_key") if isinstance(result, dict) else None
            if isinstance(key, str):
                by_key.setdefault(key, []).append(result)
        return by_key

    def _answer(self, claim: ClaimOnItsWay, results: list[dict[str, Any]]) -> Answer:
        # Two answers under one key may contradict each other, and then neither is believed.
        if len(results) != 1:
            return self._unproven("no_result" if not results else "two_results")
        status, body = results[0].get("status"), results[0].get("body")
        if not isinstance(status, int) or isinstance(status, bool) or not isinstance(body, dict):
            return self._unproven("no_result")
        alone = Reply(status=status, headers=self._reply.headers, body=msgspec.json.encode(body))
        read = ClaimReply(alone, claim.claim_id, claim.version, self._proof, sent=claim.body, fields=body)
        return read.to_delivery()

    def _of(self, reply: Reply, claim: ClaimOnItsWay) -> ClaimReply:
        return ClaimReply(reply, claim.claim_id, claim.version, self._proof, sent=claim.body)

    def _unproven(self, why: str) -> Answer:
        retry_after, shape = self._reply.retry_after, shape_of(self._reply)
        return Answer(kind=AnswerKind.UNKNOWN, code=UNPROVEN + why, retry_after=retry_after, shape=shape)


def plain_token(value: Any) -> str | None:
    """A short plain token of the association's own, or nothing."""
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def stable_code(value: Any) -> str:
    """A code of the association's own that may be kept; empty for free text, a number, or what could be a person's."""
    code = plain_token(value)
    usable = code and code != "about:blank" and not code.isdigit() and not _LONG_NUMBER.search(code)
    return code if code and usable else ""


def _as_text(value: Any) -> str | None:
    """A scalar as JSON writes it, without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", re.ASCII)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")
_KEYS_SHOWN: Final = 12


def shape_of(reply: Reply) -> str:
    """Status, content type, and the names and types of the fields of an answer; never a value of it."""
    media = reply.headers.get("content-type", "").lower().partition(";")[0].strip()
    shown = media if _MEDIA_TYPE.fullmatch(media) else "–"
    fields = json_object(reply.body) if reply.whole else None
    if fields is not None:
        return f"{reply.status} {shown} {_shape(fields, depth=2)}"
    size = f"{len(reply.body)} bytes" if reply.whole else "no end"
    return f"{reply.status} {shown} ({size})"


def _shape(value: Any, *, depth: int) -> str:
    if not isinstance(value, dict) or depth == 0:
        return _TYPES.get(type(value), "null")
    # The name of a field may itself be a value: some answers are keyed by person.
    names = [name if _KEY.fullmatch(name) and not re.search(r"[0-9]{4}", name) else "?" for name in value]
    inner = [_shape(field, depth=depth - 1) for field in value.values()]
    shown = [f"{name}: {shape}" for name, shape in zip(names, inner, strict=True)][:_KEYS_SHOWN]
    return "{" + ", ".join(shown + ["…"] * (len(value) > _KEYS_SHOWN)) + "}"


_TYPES: Final[dict[type, str]] = {str: "text", int: "number", bool: "bool", dict: "object", list: "list"}
