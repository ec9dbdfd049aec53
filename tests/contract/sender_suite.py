"""What every Sender promises towards an association that holds nothing yet, however claims get there."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.model.claim import HANDED_OVER, Answer, AnswerKind
from gateway.ports import Sender

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
BODY = '{"claim_id":"c1","name":"测试甲"}'.encode()


class FarSide(Protocol):
    """The association: `work` lets it deal with what lies there, `taken` is what had an effect, in order."""

    @property
    def taken(self) -> list[str]: ...

    def work(self) -> None: ...

    def refuse_all(self, code: str) -> None: ...


def send(sender: Sender, *, version: int = 1) -> Answer:
    return sender.send(BODY, claim_id="c1", version=version, idempotency_key=f"c1-v{version}", now=NOW)


class EverySender:
    """Inherited by the suite of each way, with the fixtures `sender` and `far` and what cannot be reached."""

    def build_to_nobody(self) -> Sender:
        raise NotImplementedError

    def answered(self, sender: Sender, far: FarSide, *, version: int = 1) -> Answer:
        """What comes of a version in the end: some answer at once, others once they have worked."""
        answer = send(sender, version=version)
        far.work()
        if answer.code == HANDED_OVER:
            assert answer.kind is AnswerKind.UNKNOWN
            answer = sender.ask("c1", version=version, now=NOW)
        return answer

    def test_a_claim_is_accepted_and_then_held(self, sender: Sender, far: FarSide) -> None:
        assert self.answered(sender, far).kind is AnswerKind.ACCEPTED
        assert sender.ask("c1", version=1, now=NOW).kind is AnswerKind.ACCEPTED

    def test_a_claim_never_sent_is_absent(self, sender: Sender) -> None:
        assert sender.ask("c1", version=1, now=NOW).kind is AnswerKind.ABSENT

    def test_an_earlier_version_does_not_answer_for_a_later_one(self, sender: Sender, far: FarSide) -> None:
        self.answered(sender, far, version=1)
        assert sender.ask("c1", version=2, now=NOW).kind is AnswerKind.ABSENT

    def test_a_later_version_answers_for_an_earlier_one(self, sender: Sender, far: FarSide) -> None:
        self.answered(sender, far, version=3)
        assert sender.ask("c1", version=2, now=NOW).kind is AnswerKind.ACCEPTED
        assert send(sender, version=2).kind is AnswerKind.ACCEPTED

    def test_sending_again_has_no_second_effect(self, sender: Sender, far: FarSide) -> None:
        assert [self.answered(sender, far).kind for _ in range(3)] == [AnswerKind.ACCEPTED] * 3
        assert far.taken == ["c1-v1"]

    def test_a_refusal_that_names_the_claim_is_one(self, sender: Sender, far: FarSide) -> None:
        far.refuse_all("not_a_member")
        assert self.answered(sender, far) == Answer(kind=AnswerKind.REFUSED, code="not_a_member")

    def test_nobody_there_is_unavailable(self) -> None:
        sender = self.build_to_nobody()
        assert send(sender).kind is AnswerKind.UNAVAILABLE
        assert sender.ask("c1", version=1, now=NOW).kind is AnswerKind.UNAVAILABLE
