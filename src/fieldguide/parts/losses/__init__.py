"""Losses: what networks minimise. Contract: `core.contracts.Loss`; tests: `fieldguide.testing.check_loss`."""
