"""Facts: reads what a study recorded, in one place, and forgives what is not there.

Knows the names of recorded facts (see `steps/`), which entry is the chosen one and what counts as opened. Knows nothing
of how the page looks, and reads no data file: a report is made from the journal, the seal and study.yaml.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fieldguide.core.result import Result
from fieldguide.core.score import weighted

STEPS = ("frame", "split", "explore", "prepare", "baseline", "train", "refine", "finalize")
BEFORE = ("join",)
BESIDE = ("recency", "imbalance", "rules", "rules_diff", "intervals", "rates", "explain")
"""Steps before and beside the order: shown where they were run, missed by nobody where they were not."""
ONLINE = ("traffic", "replay", "gap", "refresh")
"""Steps on a model in use: shown where a log or an experiment is named."""
SEVERITIES = ("error", "warning", "info")


def at(data: Any, *path: str | int, default: Any = None) -> Any:
    """Return what stands at a path of keys and positions, or the default.

    Examples:
        >>> at({"scores": [{"value": 0.9}]}, "scores", 0, "value"), at({}, "scores", 0, "value")
        (0.9, None)
    """
    for key in path:
        if isinstance(data, Mapping):
            data = data.get(key)
        elif isinstance(data, list | tuple) and isinstance(key, int) and -len(data) <= key < len(data):
            data = data[key]
        else:
            return default
    return default if data is None else data


def real(value: Any) -> float:
    """Return a number, or NaN for whatever is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


@dataclass(frozen=True)
class Recorded:
    """What a study recorded.

    Args:
        name: of the study folder.
        results: results of the steps that were run, by name.
        looks: openings of the seal, {time, by, reason}.
        sealed: whether there is a seal.
        metric: name of the frozen metric of the first output, or None.
        moments: time of the first and of the last record, ISO.
        config: sections of study.yaml that the page shows: limits, budget, seed, slices.
        overrides: other records a reader should know of: packaged candidates, changed metrics.
    """

    name: str
    results: Mapping[str, Result]
    looks: Sequence[Mapping[str, Any]] = ()
    sealed: bool = False
    metric: str | None = None
    moments: tuple[str, str] = ("", "")
    config: Mapping[str, Any] | None = None
    overrides: Sequence[str] = ()

    def facts(self, step: str) -> Mapping[str, Any]:
        """Return the facts of a step, empty when it was not run."""
        return self.results[step].facts if step in self.results else {}

    def done(self, step: str) -> bool:
        return step in self.results

    @property
    def problem(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = at(self.facts("frame"), "problem", default={})
        return found

    @property
    def output(self) -> Mapping[str, Any]:
        """The first output, by whose metric candidates are ranked."""
        found: Mapping[str, Any] = at(self.problem, "outputs", 0, default={})
        return found

    @property
    def title(self) -> str:
        """The metric as written in reports: "ROC AUC", "weighted ROC AUC" where rows have weights."""
        name = self.metric or at(self.facts("explore"), "metrics", 0, "metric") or ""
        return self.weighted + (metric_titles().get(name, (name, True))[0] or "score")

    @property
    def weighted(self) -> str:
        """The word before the metric's name: "weighted " where row weights count in it, "unweighted " where it leaves them out."""
        return weighted(at(self.facts("baseline"), "entries", 0, "scores", 0, default={}))

    @property
    def greater(self) -> bool:
        """Whether a greater score is better."""
        return metric_titles().get(self.metric or "", ("", True))[1]

    @property
    def bar(self) -> str | None:
        """Name of the best baseline."""
        found: str | None = at(self.facts("baseline"), "bar")
        return found

    @property
    def chosen(self) -> str | None:
        """Name of the chosen candidate; before refine, of the best so far."""
        found: str | None = at(self.facts("finalize"), "chosen") or at(self.facts("refine"), "chosen")
        if found is None and self.entries():
            found = self.entries()[0]["candidate"]
        return found

    def entry(self, name: str | None) -> Mapping[str, Any]:
        """Return the leaderboard entry of a candidate, empty when there is none."""
        return next((entry for entry in self.entries() if entry.get("candidate") == name), {})

    def entries(self) -> list[Mapping[str, Any]]:
        """Return one entry per candidate, the best first."""
        found: dict[str, dict[str, Any]] = {}
        for step in ("baseline", "train", "refine"):
            for entry in at(self.facts(step), "entries", default=[]):
                against = at(self.facts("baseline"), "trivial") if step == "baseline" else self.bar
                if entry.get("kind") == "ensemble":
                    against = at(entry, "members", 0, "candidate")
                found[entry["candidate"]] = {**entry, "against": against}
        sign = -1.0 if self.greater else 1.0

        def order(entry: Mapping[str, Any]) -> float:
            value = real(at(entry, "scores", 0, "value"))
            return sign * value if math.isfinite(value) else math.inf

        ranked = sorted(found.values(), key=order)
        rejected = {line.get("candidate") for line in at(self.facts("refine"), "rejected", default=[])}
        return [e for e in ranked if e["candidate"] not in rejected] + [e for e in ranked if e["candidate"] in rejected]

    def findings(self, step: str | None = None) -> list[dict[str, Any]]:
        """Return findings of a step or of all, fired ones first, the most severe first."""
        steps = [step] if step else [*BEFORE, *STEPS, *BESIDE]
        found = [f.to_dict() for name in steps if name in self.results for f in self.results[name].findings]
        return sorted(
            found,
            key=lambda f: (
                f["status"] != "fired",
                SEVERITIES.index(f["severity"]) if f["severity"] in SEVERITIES else 3,
            ),
        )


def recorded(study: Any) -> Recorded:
    """Return what a study recorded, without reading its data.

    Args:
        study: a `Study`.
    """
    records = list(study.journal.records())
    frozen = study.journal.last("metric")
    first: Mapping[str, Any] = next(iter(at(frozen, "metrics", default={}).values()), {}) if frozen else {}
    config = study.config
    shown = {
        "seed": config.seed,
        "threads": config.threads,
        "trials": config.budget.trials,
        "minutes": config.budget.minutes,
        "slices": list(config.slices),
    }
    moments = (records[0]["time"], records[-1]["time"]) if records else ("", "")
    more = [
        f"{r['data'].get('candidate')} was packaged with the seal closed ({r['data'].get('folder')})."
        for r in records
        if r["event"] == "packaged"
    ]
    beside = [found for name in (*BEFORE, *BESIDE) if (found := study.record.result(name)) is not None]
    return Recorded(
        Path(study.folder).resolve().name, {result.step: result for result in [*study.results(), *beside]}, study.seal.looks, study.seal.exists,
        next(iter(first), None), moments, shown, more,
    )  # fmt: skip


def alone(result: Result) -> Recorded:
    """Return what one step's result tells by itself, for `Result.to_html`."""
    metric = (
        at(result.facts, "scores", 0, "metric")
        or at(result.facts, "entries", 0, "scores", 0, "metric")
        or at(result.facts, "metrics", 0, "metric")
    )
    return Recorded("", {result.step: result}, metric=metric)


@cache
def metric_titles() -> dict[str, tuple[str, bool]]:
    """Return, by name of a metric, its title and whether greater is better."""
    from fieldguide.parts import find, names

    return {name: (find("metrics", name).title, find("metrics", name).greater_is_better) for name in names("metrics")}


def title_of(score: Mapping[str, Any]) -> str:
    """Return the metric of a recorded score, or of what else names one, as people write it."""
    name = str(score.get("metric") or "score")
    return str(score.get("title") or metric_titles().get(name, (name, True))[0])


@cache
def check_titles() -> dict[str, str]:
    """Return the titles of checks by code."""
    from fieldguide.parts import find, names

    found = {}
    for name in names("checks"):
        with contextlib.suppress(Exception):  # another package's check that does not load must not cost the report
            check = find("checks", name)
            found[check.code] = check.title
    return found
