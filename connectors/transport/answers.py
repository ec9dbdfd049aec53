"""What an answer means, by a table: code and text of a platform, or the status of HTTP → what to do about it.

A key is `CODE`, `CODE words`, `* words` or `http 503`; the words stand somewhere in the answer's text. Lines of the
feed file come first, in their order, then those every line of the kind brings.

    accept       it is what was asked for
    nothing      there is nothing of what was asked for
    retry        ask again shortly, then the next night
    back_off     ask for nothing more now
    refresh      the sign-in is over: sign in again, once, and ask again
    quarantine   a person must see it: it goes through as a page that cannot be read
    stop         asking again changes nothing (a wrong secret, no permission): the feed's run is over
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from connectors.transport.envelope import says_unknown
from connectors.transport.http import QUESTIONS, HttpOutcome, Reply, outcome_of
from gateway.errors import HubaoError, Refused, Unavailable

Meaning = Literal["accept", "nothing", "retry", "back_off", "refresh", "quarantine", "stop"]

NATIONAL: Final[Mapping[str, Meaning]] = {
    "* 频繁": "back_off",
    "* 限流": "back_off",
    "* 超出调用次数": "back_off",
    "* 繁忙": "retry",
    "* 超时": "retry",
    "* 稍后": "retry",
    "* 报文ID重复": "retry",
    "* 未签到": "refresh",
    "* 签到已失效": "refresh",
    "* 重新签到": "refresh",
    "* token": "refresh",
    "* 签名": "stop",
    "* 验签": "stop",
    "* 权限": "stop",
    "* 未授权": "stop",
    "* 未开通": "stop",
    "* apikey": "stop",
}
"""For the national envelope. There is no list of its texts: what none of these lines knows goes to a person."""

BACK_OFF_SECONDS: Final = 600.0
"""How long we are told to wait by an answer that says no time."""

_OF_HTTP: Final[Mapping[HttpOutcome, Meaning]] = {
    HttpOutcome.OK: "accept",
    HttpOutcome.UNAVAILABLE: "retry",
    HttpOutcome.REFUSED: "stop",
}


class QuarantinedAnswer(HubaoError):
    """An answer that a person must see. `raw` as it came; the text never leaves the page it becomes."""

    def __init__(self, code: str, raw: bytes) -> None:
        self.raw = raw
        super().__init__(f"对方答复 {code}，转人工 (an answer for a person)")


class SignInOver(HubaoError):
    """The far side does not know us any more: sign in again."""


class Answers:
    """A feed's table of answers over those its kind brings."""

    def __init__(self, table: Mapping[str, Meaning], otherwise: Mapping[str, Meaning] = NATIONAL) -> None:
        self._lines = [(*key.partition(" ")[::2], meaning) for key, meaning in (*table.items(), *otherwise.items())]

    def meaning(self, code: str, text: str, *, good: bool) -> Meaning:
        """What an answer with this code and text means; `good` where the platform says success."""
        for pattern, words, meaning in self._lines:
            fits = pattern == code or (pattern == "*" and not good)
            if fits and words.strip().lower() in text.lower():
                return meaning
        if good:
            return "accept"
        return "nothing" if says_unknown(text) else "quarantine"

    def body(self, reply: Reply) -> bytes:
        """The body of a good answer of HTTP. Raises Unavailable, Refused, SignInOver."""
        code = str(reply.status)
        meaning = next(
            (meaning for pattern, words, meaning in self._lines if pattern == "http" and words.strip() == code),
            _OF_HTTP.get(outcome_of(reply.status, QUESTIONS), "stop"),
        )
        if meaning == "retry" and reply.retry_after is not None:
            raise Unavailable(f"http_{code}", retry_after=reply.retry_after)
        if meaning not in ("accept", "nothing", "quarantine"):
            self.act(meaning, f"http_{code}", reply.body)
        if not reply.whole:
            raise Unavailable("broken_reply: 答复过大 (the reply is too large)")
        return reply.body

    def act(self, meaning: Meaning, code: str, raw: bytes) -> None:
        """Do what an answer means that is not what was asked for: raise Unavailable, Refused, SignInOver or
        QuarantinedAnswer."""
        if meaning == "retry":
            raise Unavailable(f"{code}: 对方请求稍后重试 (the far side asks to try again)")
        if meaning == "back_off":
            raise Unavailable(f"{code}: 对方请求减慢 (told to slow down)", retry_after=BACK_OFF_SECONDS)
        if meaning == "refresh":
            raise SignInOver
        if meaning == "stop":
            raise Refused(code, "对方拒绝了请求，重试无用 (refused: trying again changes nothing)")
        if meaning == "quarantine":
            raise QuarantinedAnswer(code, raw)
