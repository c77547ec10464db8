"""Metrics: judges of one output. Contract: `core.contracts.Metric`; tests: `fieldguide.testing.check_metric`."""
