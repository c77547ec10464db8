"""An estimator around another, which alters what goes in or what comes out.

Knows the estimator within and hands on what it has besides; what is altered is each wrapper's.
"""

from __future__ import annotations

from typing import Any


class Wrapper:
    """An estimator that others can look into: whatever it lacks, such as trees for an explainer, is that of `inner`."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.n_steps, self.stopped, self.history = inner.n_steps, inner.stopped, inner.history

    def __getattr__(self, name: str) -> Any:
        # A copy is asked for attributes before it has any: `inner` would then ask for itself without end.
        if name.startswith("__") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)
