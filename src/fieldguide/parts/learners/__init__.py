"""Learners: ways to fit encoded rows. Contract: `core.contracts.Learner`; tests: `fieldguide.testing.check_learner`.

A learner is a frozen dataclass; its fields, made with `core.settings.setting`, are its settings. It never sees columns, only
an `Encoded` batch, and never decides which rows it is given.
"""
