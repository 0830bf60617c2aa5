"""Prometheus metrics that every service has, in a registry a service: tests run several in one process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The metrics of one service process. No label has a value per customer, ticket or workspace."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.service = service
        self.requests = self.counter("http_requests", "Requests served.", "method", "route", "status")
        self.request_seconds = self.histogram("http_request_seconds", "Time to answer.", "route")
        self.published = self.counter("events_published", "Events that the broker acknowledged.")
        self.consumed = self.counter("records_consumed", "Records read from the broker.", "topic")
        self.skipped = self.counter("records_repeated", "Records skipped because their sequence was seen.")
        self.parked = self.counter("records_parked", "Records set aside.", "reason")
        self.retention_passed = self.counter("retention_passed", "Positions that retention had passed.")
        self.lag = self.gauge("consumer_lag_records", "Records not applied yet.", "topic")
        self.commit_seconds = self.histogram("commit_seconds", "Time to apply and commit one batch.")
        self.shards_held = self.gauge("shards_held", "Shards that this process holds.")

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        """A counter of this service."""
        return Counter(f"waypost_{name}", documentation, labels, registry=self.registry)

    def gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        """A gauge of this service."""
        return Gauge(f"waypost_{name}", documentation, labels, registry=self.registry)

    def histogram(self, name: str, documentation: str, *labels: str) -> Histogram:
        """A histogram of this service, of seconds."""
        return Histogram(f"waypost_{name}", documentation, labels, registry=self.registry, buckets=_FAST)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
