"""Modalities: kinds of data. Contract: `core.contracts.Modality`; tests: `fieldguide.testing.check_modality`."""
