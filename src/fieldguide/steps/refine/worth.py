"""Worth: what each kind of data adds. The best candidate is fitted again without each kind, and on each kind alone.

Takes the bench and a trial. Judged on the same folds as every trial, by paired differences; no test row is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.figures import number, span
from fieldguide.core.leaderboard import greater_is_better
from fieldguide.core.table import MEDIA_KINDS, Column

COLUMNS = "columns"
MARGIN = 1.2  # time kept for a fit over what it took


def kinds_of(columns: Sequence[Column]) -> dict[str, tuple[str, ...]]:
    """Return the columns that reach a model by the kind of data they are: texts, images, …, and the table's own columns.

    Examples:
        >>> kinds_of([Column("age", "number"), Column("note", "text"), Column("sex", "category")])
        {'text': ('note',), 'columns': ('age', 'sex')}
    """
    found = {kind: tuple(c.name for c in columns if c.encoded and c.kind == kind) for kind in MEDIA_KINDS}
    found[COLUMNS] = tuple(c.name for c in columns if c.encoded and c.kind not in MEDIA_KINDS)
    return {kind: names for kind, names in found.items() if names}


def affordable(bench: Bench, trials: Sequence[Trial], seconds: float) -> Trial:
    """Return the best trial that can be fitted again for every kind of data in the time there is, else the best of all."""
    n_kinds = len(kinds_of(bench.rows.columns))
    n_fits = n_kinds if n_kinds <= 2 else 2 * n_kinds  # of two kinds, one alone is the other left out
    whole = [t for t in trials if t.entry["whole"] and t.candidate.kind != "trivial"] or list(trials)
    able = [trial for trial in whole if MARGIN * n_fits * trial.entry["seconds"] <= seconds]
    return max(able or whole, key=lambda trial: greater_is_better(bench.problem, trial.entry))


def modality_worth(bench: Bench, trial: Trial, clock: Clock) -> dict[str, Any] | None:
    """Fit a candidate without each kind of data, and on it alone; None where there is one kind only.

    Args:
        trial: what the whole is: its score on all kinds is compared with.
        clock: time for all fits together; those it does not reach are named.

    Returns:
        candidate, kinds (kind, columns, without and alone: score and paired difference of the whole to it, or None where
        no time was left), and a sentence.
    """
    kinds = kinds_of(bench.rows.columns)
    if len(kinds) < 2:
        return None
    told: list[dict[str, Any]] = []
    for kind, names in kinds.items():
        others = tuple(name for other, group in kinds.items() if other != kind for name in group)
        told.append({
            "kind": kind, "columns": list(names), "without": _left(bench, trial, f"without {kind}", names, clock),
            "alone": _left(bench, trial, f"{kind} alone", others, clock),
        })  # fmt: skip
    return {"candidate": trial.name, "score": trial.entry["scores"][0], "kinds": told, "sentence": _sentence(told)}


def _left(bench: Bench, trial: Trial, name: str, gone: tuple[str, ...], clock: Clock) -> dict[str, Any] | None:
    if clock.left() < MARGIN * trial.entry["seconds"]:
        return None
    smaller = bench.leaving(gone)
    found = smaller.attempt(Candidate(f"{trial.name}, {name}", trial.candidate.learner, trial.candidate.recipe), clock)
    return {
        "score": found.entry["scores"][0],
        "difference": bench.compared(trial, found),
    }


def _sentence(told: Sequence[dict[str, Any]]) -> str:
    known = [line for line in told if line["without"] is not None]
    if not known:
        return "no time was left to measure what each kind of data is worth"
    return "; ".join(_said(line["kind"], line["without"]["difference"]) for line in known)


def _said(kind: str, difference: Mapping[str, Any]) -> str:
    """What a kind adds, in words; harm is told as a number above 0, its interval with it.

    Examples:
        >>> _said("image", {"value": -0.02, "interval": (-0.03, -0.01)})
        'image harms by 0.02 [0.01, 0.03]'
    """
    value, (low, high) = difference["value"], difference["interval"]
    many = kind.endswith("s") and kind != "series"
    if high is not None and high < 0:
        return f"{kind} {'harm' if many else 'harms'} by {number(-value)} {span((-high, -low))}"
    adds = "add" if many else "adds"
    what = adds if low is not None and low > 0 else f"{adds} nothing that can be told from 0:"
    return f"{kind} {what} {number(value)} {span((low, high))}"
