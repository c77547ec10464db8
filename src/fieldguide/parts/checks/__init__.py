"""Checks: one file, one code. Contract: `core.contracts.Check`; tests: `fieldguide.testing.check_check`.

The docstring of the class is the section of the docs: what it finds, `Formula:`, `Why:`, `Remedy:`.
"""
