"""What the server counts, as Prometheus reads it. Each server has its own registry."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1_000, 10_000, 100_000)


class Metrics:
    """Counters, gauges and histograms of one server."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, what: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"fieldguide_{name}", what, labels, registry=registry)

        def histogram(name: str, what: str, labels: Sequence[str], buckets: Sequence[float]) -> Histogram:
            return Histogram(f"fieldguide_{name}", what, labels, registry=registry, buckets=buckets)

        def gauge(name: str, what: str, labels: Sequence[str]) -> Gauge:
            return Gauge(f"fieldguide_{name}", what, labels, registry=registry)

        self.requests = counter("requests", "requests by path and status", ("path", "status"))
        self.seconds = histogram("request_seconds", "from a request's arrival to its answer", ("path",), SECONDS)
        self.rows = counter("rows", "rows answered by arm", ("arm",))
        self.model_seconds = histogram("model_seconds", "one call of a model", ("arm",), SECONDS)
        self.together = histogram("rows_together", "rows answered in one call of a model", ("arm",), ROWS)
        self.log_seconds = histogram("log_seconds", "one transaction of the log", (), SECONDS)
        self.log_entries = counter("log_entries", "entries written to the log")
        self.outcomes = counter("outcomes", "outcomes received")
        self.breaks = counter("contract_breaks", "refused cells by arm and column", ("arm", "column"))
        self.drift = gauge("drift_index", "population stability index, served against training", ("arm", "column"))
        self.unseen = gauge("unseen_share", "share of served cells whose level training never saw", ("arm", "column"))
        self.missing = gauge("missing_share", "share of served cells that are missing", ("arm", "column"))
        self.findings = gauge("findings", "findings on served features by severity", ("severity",))

    def answered(self, arm: str, n_rows: int, seconds: float) -> None:
        """Count one call of a model."""
        self.rows.labels(arm).inc(n_rows)
        self.model_seconds.labels(arm).observe(seconds)
        self.together.labels(arm).observe(n_rows)

    def logged(self, n_entries: int, seconds: float) -> None:
        """Count one transaction of the log."""
        self.log_entries.inc(n_entries)
        self.log_seconds.observe(seconds)

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self.registry)
