"""Lists by day in the national envelope keep the contract, and stand still before they are believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gmssl_pyx
import pytest
from day_feed_contract import DAYS, NOW, DayFeedContract, DayRig, days_of, settlement, take

from connectors.feeds.national_list import MOST_PASSES, NationalList, NationalListSpec, walk_list
from connectors.transport.national_line import NationalLine
from gateway.errors import Refused, Unavailable, WrongUse
from gateway.model.bundle import calls_of
from gateway.model.page import FeedTotals
from gateway.ports import SecretName
from gateway.sandbox.list_server import ListApp
from gateway.sandbox.national_server import Gate

PUBLIC, PRIVATE = gmssl_pyx.sm2_key_generate()
THEIR_PUBLIC, THEIR_PRIVATE = gmssl_pyx.sm2_key_generate()
PAAS_SECRET = "EXAMPLE-SECRET-KEY-0001"


def list_feed(rig: DayRig, *, tries: int = 3, **options: Any) -> NationalList:
    given: dict[str, Any] = {
        "address": rig.server.address,
        "facility_no": "H15010000001",
        "facility_name": "示例办事处",
        "region": "150100",
        "paas_id": "hubao",
        "paas_secret": PAAS_SECRET,
        "cainfo": "sm2",
        "signing_key": PRIVATE.hex(),
        "platform_key": THEIR_PUBLIC.hex(),
        "timeout_seconds": 1.0,
        "overlap_rows": 2,
    }
    spec = NationalListSpec(**{**given, **options})
    around = rig.around()
    return NationalList(spec, around, line=NationalLine(spec, around, tries=tries, sleep=rig.sleep))


class TestNationalList(DayFeedContract):
    wrong_secrets: ClassVar[dict[str, Any]] = {"signing_key": "01" * 32, "paas_secret": "another-secret"}

    def league(self, rig: DayRig) -> ListApp:
        gate = Gate(
            region="150100",
            paas_id="hubao",
            paas_secret=PAAS_SECRET,
            caller_key=PUBLIC,
            own_key=(THEIR_PRIVATE, THEIR_PUBLIC),
            signs_in=False,
        )
        return ListApp(rig.book, gate, clock=rig.time, most=3)

    def feed(self, rig: DayRig, **options: Any) -> NationalList:
        return list_feed(rig, **options)

    def test_an_answer_somebody_else_signed_takes_nothing_in(self, rig: DayRig) -> None:
        pages: list[Any] = []
        with pytest.raises(Unavailable, match="message is not authentic"):
            pages.extend(list_feed(rig, platform_key=PUBLIC.hex()).fetch(None, first=None, last=None))
        assert pages == []

    def test_every_reply_stands_verbatim_beside_what_was_asked(self, rig: DayRig) -> None:
        page = next(iter(self.feed(rig).fetch(None, first=None, last=None)))
        (first, *_) = calls_of(page.content)
        assert (first.infno, first.asked["begndate"], first.asked["startrow"]) == ("3260", "2026-03-02", "1")
        assert b"S21" in first.reply


class TestNationalWindow(DayFeedContract):
    """The same behind a static key, with 3201."""

    wrong_secrets: ClassVar[dict[str, Any]] = {"api_key": "another-key"}

    def league(self, rig: DayRig) -> ListApp:
        gate = Gate(region="159900", api_key="EXAMPLE-API-KEY", sign_type="PRCSSC")
        return ListApp(rig.book, gate, clock=rig.time, wrong_totals=[DAYS[1]])

    def feed(self, rig: DayRig, **options: Any) -> NationalList:
        given = {
            "paas_secret": None,
            "cainfo": "none",
            "platform_key": None,
            "api_key": "EXAMPLE-API-KEY",
            "sign_type": "PRCSSC",
            "statement": True,
        }
        return list_feed(rig, **{**given, **options})

    def test_a_day_says_what_the_platform_counts(self, rig: DayRig) -> None:
        pages, _ = take(self.feed(rig))
        assert [page.totals for page in pages] == [
            (FeedTotals(day=DAYS[0], rows=2, amount=20020),),
            (FeedTotals(day=DAYS[1], rows=3, amount=20020),),
            (FeedTotals(day=DAYS[2], rows=2, amount=20020),),
        ]

    def test_a_platform_that_only_says_that_sums_differ_is_a_trouble_and_no_total(self, rig: DayRig) -> None:
        gate = Gate(region="159900", api_key="EXAMPLE-API-KEY", sign_type="PRCSSC")
        rig.app = ListApp(rig.book, gate, clock=rig.time, wrong_totals=[DAYS[1]], tells_numbers=False)
        pages = []
        with pytest.raises(Unavailable, match=r"1 天有问题.*statement_differs"):
            for page in self.feed(rig).fetch(None, first=None, last=None):
                pages.append(page)
        assert [page.totals and page.totals[0].rows for page in pages] == [2, (), 2]

    def test_a_group_of_which_we_have_no_row_is_asked_for_too(self, rig: DayRig) -> None:
        pages, _ = take(self.feed(rig, statement_groups=("390/11",)))
        # The league counts one more settlement in every group of its wrong day.
        assert [page.totals[0].rows for page in pages] == [2, 4, 2]


# ── lists that do not stand still ──


def walked(lists: Sequence[Sequence[str]], *, most: int = 3, overlap: int = 1) -> tuple[bool, list[str]]:
    """Walk a list whose content is another one at each call, and what the last pass saw."""
    walk = walk_list(first_row=1, overlap=overlap)
    start, seen = next(walk), list[str]()
    for call in range(1000):
        if start == 1:
            seen = []
        rows = list(lists[min(call, len(lists) - 1)])[start - 1 : start - 1 + most]
        seen += rows
        try:
            start = walk.send([row.encode() for row in rows])
        except StopIteration as end:
            return bool(end.value), list(dict.fromkeys(seen))
    raise AssertionError("a walk without end")


@pytest.mark.parametrize("count", range(12))
@pytest.mark.parametrize("most", [1, 2, 3, 5])
@pytest.mark.parametrize("overlap", [1, 2, 7])
def test_a_list_that_stands_still_is_read_whole(count: int, most: int, overlap: int) -> None:
    rows = [f"r{number}" for number in range(count)]
    if most > 1 or count == 0:
        assert walked([rows], most=most, overlap=overlap) == (True, rows)


ROWS = [f"r{number}" for number in range(10)]


@pytest.mark.parametrize(
    "later",
    [
        ["new", *ROWS],
        ROWS[1:],
        ["new", "newer", *ROWS],
        ROWS[4:],
        [*ROWS[:2], "new", *ROWS[2:]],
        [*ROWS, "new"],
        ROWS[:4],
        [],
    ],
    ids=["before", "gone", "two before", "four gone", "between", "behind", "cut", "all gone"],
)
@pytest.mark.parametrize("calls", [1, 2, 3])
def test_what_moves_while_it_is_read_is_read_again(later: list[str], calls: int) -> None:
    quiet, seen = walked([ROWS] * calls + [later])
    assert quiet
    assert set(seen) == set(later)


def test_a_list_that_never_stands_still_is_left_for_another_night() -> None:
    lists = [[f"n{number}" for number in range(call, 0, -1)] + ROWS for call in range(200)]
    assert walked(lists) == (False, walked(lists)[1])
    assert MOST_PASSES >= 3


def test_a_list_that_does_not_heed_the_row_asked_for_is_not_believed() -> None:
    walk = walk_list(first_row=1, overlap=2)
    next(walk)
    with pytest.raises(StopIteration) as end:
        for _ in range(50):
            walk.send([b"r1", b"r2", b"r3"])
    assert end.value.value is False


def test_rows_that_come_and_go_while_a_day_is_read(tmp_path: Any) -> None:
    rig = DayRig(tmp_path)
    rig.app = ListApp(rig.book, Gate(region="150100"), clock=rig.time, most=3)
    final = [settlement(f"S3{number}") for number in range(8)]
    rig.book.put(DAYS[1], final)
    rig.book.stir(DAYS[1], [final[1:], final[1:], [settlement("GONE"), *final], [settlement("GONE"), *final]])
    with rig.server:
        feed = list_feed(rig, paas_secret=None, cainfo="none", platform_key=None)
        pages = [page for page in take(feed)[0] if page.day == DAYS[1]]
    told = b"".join(page.content for page in pages)
    assert all(f"S3{number}".encode() in told for number in range(8))
    assert b"GONE" not in told


# ── answers ──


class Moody:
    """A league with moods, and a feed of it."""

    def __init__(self, rig: DayRig, moods: dict[tuple[str, int], str], **options: Any) -> None:
        gate = Gate(region="150100", signs_in=bool(options.get("sign_in")))
        rig.app = ListApp(rig.book, gate, clock=rig.time, moods=moods)
        self.feed = list_feed(rig, paas_secret=None, cainfo="none", platform_key=None, **options)


@pytest.fixture
def rig(tmp_path: Any) -> Any:
    made = DayRig(tmp_path)
    with made.server:
        yield made


def all_calls(text: str) -> dict[tuple[str, int], str]:
    return {("3260", nth): text for nth in range(1, 100)}


@pytest.mark.parametrize("text", ["系统繁忙", "请稍后再试", "0:系统繁忙，请稍后再试", "报文ID重复"])
def test_an_answer_that_asks_to_try_again(rig: DayRig, text: str) -> None:
    assert days_of(list(Moody(rig, {("3260", 1): text}).feed.fetch(None, first=None, last=None))) == DAYS


def test_a_sign_in_that_is_lost_is_made_again(rig: DayRig) -> None:
    moods = {("3260", 3): "签到已失效，请重新签到"}
    assert days_of(list(Moody(rig, moods, sign_in=True).feed.fetch(None, first=None, last=None))) == DAYS
    signed = [seen for seen in rig.server.seen if b'"infno":"9001"' in seen.body]
    assert len(signed) == 2


def test_a_sign_in_that_helps_nothing_stops(rig: DayRig) -> None:
    with pytest.raises(Refused, match="sign_in"):
        list(Moody(rig, all_calls("未签到"), sign_in=True).feed.fetch(None, first=None, last=None))


def test_told_to_slow_down_nothing_more_is_asked(rig: DayRig) -> None:
    with pytest.raises(Unavailable) as told:
        list(Moody(rig, {("3260", 2): "调用过于频繁"}).feed.fetch(None, first=None, last=None))
    assert told.value.retry_after
    assert len(rig.server.seen) == 2


@pytest.mark.parametrize("text", ["数字签名验签不通过", "无权限调用该接口", "该机构未开通此业务"])
def test_what_asking_again_does_not_change_stops_the_run(rig: DayRig, text: str) -> None:
    with pytest.raises(Refused) as refused:
        list(Moody(rig, all_calls(text)).feed.fetch(None, first=None, last=None))
    assert refused.value.code == "3260/-1"
    assert text not in str(refused.value)
    assert len(rig.server.seen) == 1


def test_nothing_known_of_a_day_is_an_empty_day(rig: DayRig) -> None:
    pages = list(Moody(rig, {("3260", 1): "未查询到结算信息"}).feed.fetch(None, first=None, last=None))
    assert days_of(pages) == DAYS


def test_what_no_line_knows_goes_to_a_person_and_is_asked_again(rig: DayRig) -> None:
    pages = []
    with pytest.raises(Unavailable, match="转人工"):
        for page in Moody(rig, {("3260", 1): "ORA-01555 快照过旧"}).feed.fetch(None, first=None, last=None):
            pages.append(page)
    assert days_of(pages) == DAYS
    assert "ORA-01555" in pages[0].content.decode()
    again, _ = take(Moody(rig, {}).feed, pages[-1].cursor)
    assert days_of(again) == DAYS[:1]


def test_a_table_of_the_feed_comes_first(rig: DayRig) -> None:
    moody = Moody(rig, {("3260", 1): "ORA-01555 快照过旧"}, answers={"-1 ora-01555": "retry", "http 404": "retry"})
    assert days_of(list(moody.feed.fetch(None, first=None, last=None))) == DAYS


def test_signing_needs_a_key(rig: DayRig) -> None:
    with pytest.raises(WrongUse, match="signing_key"):
        list_feed(rig, signing_key=None)


def test_keys_have_their_form() -> None:
    spec = NationalListSpec(
        address="http://127.0.0.1:9",  # type: ignore[arg-type]
        facility_no="H15010000001",
        facility_name="x",
        region="150100",
        signing_key=SecretName("env:A"),
        platform_key=SecretName("env:B"),
    )
    for option in spec.secrets():
        with pytest.raises(WrongUse):
            option.check_form("hunter2")
    assert NOW.tzinfo is not None
