"""GET /metrics, for Prometheus."""

from collections.abc import Iterator

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django_prometheus import exports
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from marketplace.accounts.origin import comes_from
from registry import events

log = structlog.get_logger(__name__)


class Lag(Collector):
    """How far each subscriber of the event log is behind, asked at the moment of the scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Two gauges by subscriber; none while the database does not answer. One query a subscriber, and one."""
        waiting = GaugeMetricFamily(
            "registry_subscriber_lag_events", "Events that a subscriber has not been given yet.", labels=["subscriber"]
        )
        age = GaugeMetricFamily(
            "registry_subscriber_lag_seconds", "Age of the oldest of these events.", labels=["subscriber"]
        )
        try:
            for name, lag in events.lags().items():
                waiting.add_metric([name], lag.events)
                age.add_metric([name], lag.seconds)
        except DatabaseError as error:
            log.warning("metrics.database_unreachable", error=str(error))
            return
        yield waiting
        yield age


def metrics(request: HttpRequest) -> HttpResponse:
    """Requests of all web processes, and the lag of subscribers. 403 for callers outside METRICS_NETWORKS."""
    if not comes_from(request, settings.METRICS_NETWORKS):
        text = "Metrics are read from the networks of METRICS_NETWORKS only, and behind a proxy with TRUSTED_PROXIES.\n"
        return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")
    page = exports.ExportToDjangoView(request)
    own = CollectorRegistry()
    own.register(Lag())
    page.content += generate_latest(own)
    return page
