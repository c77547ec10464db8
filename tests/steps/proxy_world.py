"""A world in which the right proxy is known: visits, clicks at once, carts within days, purchases within months."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from fieldguide import parts
from fieldguide.core.contracts import Roles
from fieldguide.core.documents.proxy_sections import EventSection
from fieldguide.core.problem import Output, Problem
from fieldguide.core.table import Column, Table

START = np.datetime64("2024-01-01T00:00:00", "us")
DAY = 86_400_000_000
PURCHASE_DELAY = 30.0


def shop(n: int = 4_000, seed: int = 0) -> SimpleNamespace:
    """Return a typed table of visits with the events that follow, recorded until day 365.

    need drives carts and purchases, curiosity clicks; a poll is answered by chance, a review is as late as the purchase.
    """
    rng = np.random.default_rng(seed)
    need, curiosity = rng.normal(size=(2, n))
    day = np.sort(rng.uniform(0, 365, n))

    def happens(latent: np.ndarray, rate: float, mean_delay: float) -> np.ndarray:
        chance = 1 / (1 + np.exp(-(2.0 * latent + np.log(rate / (1 - rate)))))
        at = day + rng.exponential(mean_delay, n)
        return np.where((rng.random(n) < chance) & (at <= 365), at, np.nan)

    cart = happens(need, 0.1, 1.0)
    purchase = happens(need + 0.5 * (~np.isnan(cart)), 0.04, PURCHASE_DELAY)
    events = {
        "cart": cart, "click": happens(curiosity, 0.4, 0.01), "poll": happens(np.zeros(n), 0.3, 0.5),
        "review": happens(need, 0.03, 2 * PURCHASE_DELAY), "rare": happens(need - 2, 0.01, 1.0), "purchase": purchase,
    }  # fmt: skip
    columns: dict[str, Any] = {"seen": _dates(day)}
    columns |= {f"need {i}": need + rng.normal(0, 0.7, n) for i in range(2)}
    columns |= {f"curious {i}": curiosity + rng.normal(0, 0.7, n) for i in range(2)}
    columns["country"] = rng.choice(["pe", "no", "ec"], n)
    for name, at in events.items():
        columns[name] = ~np.isnan(at)
        columns[f"{name} at"] = _dates(at)
    columns["pages"] = np.where(np.isnan(cart), 0.0, 1.0 + rng.poisson(1.0, n))
    frame = pl.DataFrame(columns)
    kinds = {pl.Float64: "number", pl.String: "category", pl.Boolean: "boolean", pl.Datetime("us"): "datetime"}
    later = {*events, *(f"{name} at" for name in events), "pages"}
    table = Table(frame, tuple(
        Column(c, kinds[frame[c].dtype], "time" if c == "seen" else "ignore" if c in later else "feature") for c in frame.columns
    ))  # fmt: skip
    roles = Roles(np.arange(n, dtype=np.uint64), np.arange(n), frame["seen"].to_physical().to_numpy())
    problem = Problem((Output("cart", parts.find("tasks", "binary")(), ("false", "true")),))
    return SimpleNamespace(table=table, roles=roles, problem=problem, n=n)


def _dates(days: np.ndarray) -> pl.Series:
    moments = START + np.where(np.isnan(days), 0, days * DAY).astype("timedelta64[us]")
    return pl.Series([None if np.isnan(d) else m for d, m in zip(days, moments.tolist())], dtype=pl.Datetime("us"))


def proxies(*names: str, **variants: tuple[str, ...]) -> dict[str, EventSection]:
    """Return the section of study.yaml for some of the shop's events, the purchase as outcome."""
    found = {"outcome": EventSection(event="purchase", time="purchase at", observed_until="2024-12-31")}
    return found | {
        name: EventSection(event=name, time=f"{name} at", variants=variants.get(name, ())) for name in names
    }
