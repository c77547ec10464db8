"""Splitters: ways to divide rows. Contract: `core.contracts.Splitter`; tests: `fieldguide.testing.check_splitter`."""
