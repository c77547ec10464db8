"""Searches: asked for trials, told their scores. Contract: `core.contracts.Search`; tests: `fieldguide.testing.check_search`."""
