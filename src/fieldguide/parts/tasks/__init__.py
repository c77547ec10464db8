"""Tasks: what is predicted. Contract: `core.contracts.Task`; tests: `fieldguide.testing.check_task`."""
