"""`/metrics` for Prometheus: how much there is of what, and since when. Never a name or a number of anybody."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool

from gateway.errors import WrongUse
from gateway.flow.delivery.measuring import SiteFigures, measure, token
from gateway.flow.office import Office
from gateway.web.api.desk import desk_of
from gateway.web.problems import Problem

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The site in Prometheus' text form, or in OpenMetrics where that is asked for. Raises Problem: `not_found` where
    `[metrics]` names no token, `not_authentic` for another one."""
    office = desk_of(request).office
    _require_token(office, request.headers.get("authorization", ""))
    measured = await run_in_threadpool(measure, office)
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Site(measured))
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": kind, "cache-control": "no-store"})


def _require_token(office: Office, brought: str) -> None:
    try:
        expected = token(office)
    except WrongUse:
        raise Problem("not_ready", "[metrics] 的令牌缺失或格式不对，见 hubao check (its token is missing)") from None
    if expected is None:
        raise Problem("not_found")
    if not hmac.compare_digest(f"Bearer {expected}".encode(), brought.encode("utf-8", "replace")):
        raise Problem("not_authentic")


class _Site(Collector):
    """What was measured, as metrics."""

    def __init__(self, measured: SiteFigures) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        """Every metric of the site."""
        yield from _feeds(self._measured)
        yield from _outcome(self._measured)


def _gauge(name: str, words: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    made = GaugeMetricFamily(f"hubao_{name}", words, labels=labels)
    for texts, value in values:
        made.add_metric(texts, value)
    return made


def _feeds(seen: SiteFigures) -> Iterator[Metric]:
    label = ("feed",)
    pages = [((feed.feed,), feed.last_page_at.timestamp()) for feed in seen.feeds if feed.last_page_at is not None]
    began = [((feed.feed,), feed.last_run_at.timestamp()) for feed in seen.feeds if feed.last_run_at is not None]
    ended = [((feed.feed,), float(feed.last_run == "done")) for feed in seen.feeds if feed.last_run is not None]
    waiting = [((feed.feed,), float(feed.waiting_pages)) for feed in seen.feeds]
    yield _gauge("feed_last_page_timestamp_seconds", "来源最近一页何时收到 (newest page)", label, pages)
    yield _gauge("feed_last_run_timestamp_seconds", "来源上次运行何时开始 (last run)", label, began)
    yield _gauge("feed_last_run_done", "来源上次运行是否完成 (whether it ended well)", label, ended)
    yield _gauge("feed_pages_waiting", "待处理的页 (pages stored and not worked)", label, waiting)
    rows = [
        ((feed, row_class), float(count))
        for feed, day in seen.newest.items()
        for row_class, count in (
            ("all", day.rows),
            ("member", day.member_rows),
            ("review", day.review_rows),
            ("quarantined", day.quarantined_rows),
            ("superseded", day.superseded_rows),
        )
    ]
    yield _gauge("feed_newest_day_rows", "最近数据日的行数 (rows of the newest day)", ("feed", "class"), rows)


def _outcome(seen: SiteFigures) -> Iterator[Metric]:
    counts = [((association, status), float(count)) for association, status, count, _ in seen.claims]
    money = [((association, status), float(fen)) for association, status, _, fen in seen.claims]
    labels = ("association", "status")
    yield _gauge("claims", "申领件数 (claims)", labels, counts)
    yield _gauge("claims_payable_fen", "应付金额，分 (payable, in fen)", labels, money)
    states = [((state,), float(count)) for state, count in sorted(seen.deliveries.items())]
    yield _gauge("deliveries", "投递件数 (deliveries)", ("state",), states)
    if seen.next_delivery_at is not None:
        yield _gauge(
            "deliveries_next_timestamp_seconds",
            "下一次投递何时到期 (when the next is due)",
            (),
            [((), seen.next_delivery_at.timestamp())],
        )
    yield _gauge("quarantined_rows", "待修的行 (rows set aside)", (), [((), float(seen.quarantined))])
    yield _gauge("reviews_open", "待核的疑问 (open questions)", (), [((), float(seen.in_review))])
    findings = [
        ((code, level, "yes" if act else "no"), float(count)) for (code, level, act), count in seen.findings.items()
    ]
    yield _gauge("findings_open", "未关闭的发现 (open findings)", ("code", "level", "act"), findings)
    if seen.lock_waits is not None:
        yield _gauge("database_lock_waits", "正在等锁的会话 (sessions that wait)", (), [((), float(seen.lock_waits))])
