"""Contracts held against small tables: what the checks FG121 to FG129 are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from check_cases import problem_of, table_of

from fieldguide.core.documents.data_contract import Agreed, Contract
from fieldguide.core.problem import Problem
from fieldguide.core.table import Table
from fieldguide.steps.frame.contract import acceptance, hold


def cells(n: int = 400, seed: int = 0) -> dict[str, Any]:
    """Return columns of people, and whether each sold: `pay` above 100."""
    rng = np.random.default_rng(seed)
    age, pay = rng.integers(18, 80, n).astype(float), rng.gamma(3, 40, n).round(2)
    city = rng.choice(["Lima", "Oslo", "Quito"], n, p=[0.5, 0.3, 0.2])
    return {"age": age, "pay": pay, "city": city, "sold": np.where(pay > 100, "yes", "no")}


def people(roles: Mapping[str, str] | None = None, **columns: Any) -> Table:
    return table_of({"sold": "target", **(roles or {})}, **{**cells(), **columns})


FULL = {"age": {"unit": "years"}, "pay": {}, "city": {}}


def held(
    features: Mapping[str, Any] = FULL,
    targets: Mapping[str, Any] | None = None,
    table: Table | None = None,
    agreed: Agreed | None = None,
    problem: Problem | None = None,
) -> dict[str, Any]:
    """Return the facts that checks read."""
    contract = Contract.from_dict({"features": features, "targets": targets or {}})
    history = () if agreed is None else agreed.history
    found = hold(Agreed(contract, history), people() if table is None else table, problem or problem_of()).facts
    assert found is not None
    return found


def accepted(
    features: Mapping[str, Any] = FULL,
    targets: Mapping[str, Any] | None = None,
    table: Table | None = None,
    problem: Problem | None = None,
) -> Agreed:
    """Return a contract that a person accepted with a table."""
    agreed = Agreed(Contract.from_dict({"features": features, "targets": targets or {}}))
    record = acceptance(agreed, people() if table is None else table, problem or problem_of(), None)
    return Agreed(agreed.contract, (record,))
