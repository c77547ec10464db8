"""Calibrators: what corrects probabilities. Contract: `core.contracts.Calibrator`; tests: `fieldguide.testing.check_calibrator`."""
