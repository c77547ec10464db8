"""Rules: judge decisions that follow from predicted signals, beside the signals themselves and beside predicting directly.

Takes rules bound to a study, and rows whose answers nobody was fitted on: validation rows, or sealed rows once a look is
recorded by whoever calls. The true decision is what the rules make of the true signals, or a column. No model is fitted again
for other rules; only `directly` fits, to show what the detour by signals costs or gains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.bench import Bench, Forgetful, Trial
from fieldguide.core.candidate import mixed, original_scale
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Metric, Predictions, Threshold
from fieldguide.core.errors import StudyError
from fieldguide.core.figures import number, percent, span
from fieldguide.core.files.disk import writing
from fieldguide.core.finding import Finding
from fieldguide.core.language.rules import Bound, certain, coded, signals, true_signals
from fieldguide.core.leaderboard import judge
from fieldguide.core.problem import Output, Problem
from fieldguide.core.score import compare, how_weighed, score
from fieldguide.parts import find
from fieldguide.steps.checking import checked
from fieldguide.steps.refine.blend import Blended
from fieldguide.steps.refine.calibrate import calibrate, cross_fitted

ANSWERS = "test_answers.parquet"
"""The file in `work/` that keeps what finalize's model said of the sealed rows."""
MOST_SHOWN = 50
"""Rows named in a result whose decisions changed; all of them can be written to a file."""


@dataclass(frozen=True)
class Held:
    """Rows with the answers of a model that was not fitted on them.

    Args:
        part: "validation" or "test".
        frame: typed columns.
        names: what each row is called: its key, or its number in the table.
        looks: at the sealed rows, where these are they.

    Shape:
        predictions[i]: (rows, width) of output i, on the original scale
        truths[i]: (rows,) coded truth, (rows, width) where it is joint
        blocks: (rows,) unit ids
    """

    part: str
    predictions: Predictions
    thresholds: Sequence[Threshold]
    truths: Sequence[np.ndarray]
    frame: pl.DataFrame
    blocks: np.ndarray
    names: pl.Series
    looks: int = 0
    weights: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Held:
        """Return some of the rows."""
        return replace(
            self, predictions=tuple(p[rows] for p in self.predictions), truths=tuple(t[rows] for t in self.truths),
            frame=self.frame[rows], blocks=self.blocks[rows], names=self.names[rows],
            weights=None if self.weights is None else self.weights[rows],
        )  # fmt: skip


def validated(
    bench: Bench, chosen: Blended, thresholds: Sequence[Threshold]
) -> tuple[Predictions, Sequence[Threshold]]:
    """Return validation predictions of an answer as its shipped model would give them, and the thresholds it would use.

    Where predictions are calibrated, each row is corrected by a calibrator fitted without its unit.
    """
    outputs, rows = bench.problem.outputs, chosen.members[0].rows
    found = list(original_scale(mixed([member.raw for member in chosen.members], chosen.weights), outputs))
    calibrator, blocks, truths = bench.problem.calibrator, bench.roles.blocks[rows], bench.truths(rows)
    for i, output in enumerate(outputs):
        if calibrator is not None and output.family in calibrator.families:
            found[i] = cross_fitted(calibrator, truths[i], found[i], blocks, bench.seed, bench.weights(rows))
    return tuple(found), calibrate(bench, chosen, thresholds).thresholds


def keep_answers(folder: Path, predictions: Predictions) -> None:
    """Keep a model's answers to the sealed rows, so that other rules can be held against the same ones later.

    Raises:
        StudyError: they cannot be written.
    """
    columns = {f"{i} {j}": p[:, j] for i, p in enumerate(predictions) for j in range(p.shape[1])}
    with writing(folder / ANSWERS, "answers to sealed rows are kept whole"):
        folder.mkdir(exist_ok=True)
        draft = folder / f".{ANSWERS}"
        pl.DataFrame(columns).write_parquet(draft)
        draft.replace(folder / ANSWERS)


def kept_answers(folder: Path, outputs: Sequence[Output], n_rows: int) -> Predictions:
    """Return what `keep_answers` kept.

    Raises:
        StudyError: it is not there, or is of other rows.
    """
    path = folder / ANSWERS
    try:
        frame = pl.read_parquet(path)
        if frame.height != n_rows:
            raise ValueError(f"{frame.height:,} rows, and {n_rows:,} are sealed")
        return tuple(
            frame.select(f"{i} {j}" for j in range(output.width)).to_numpy().astype(np.float64)
            for i, output in enumerate(outputs)
        )
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise StudyError(
            "the answers of the model to the sealed rows are not there", rule="finalize keeps them in work/, and rules are held against them",
            found=f"{path}: {str(error).splitlines()[0]}", do='run finalize again (--reason "…"), or leave --test out',
        ) from None  # fmt: skip


# --- evaluate ----------------------------------------------------------------------------------------------------------


def check(
    bound: Bound, truths: Sequence[np.ndarray], frame: pl.DataFrame, later: Mapping[str, str]
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Count, by true signals of development rows, where rules hold and decide; needs no model.

    Args:
        later: columns that are not known at prediction time, and why.
    """
    holds = bound.holds(true_signals(bound.outputs, truths), frame)
    facts = {
        "version": bound.rules.version, **_counts(bound, holds, None), "later": _later(bound, later), "n": frame.height,
        "rows": "development", "signals": list(_read_signals(bound)), "columns": [c.name for c in bound.columns],
    }  # fmt: skip
    fired = sum(rule["true"]["decides"] > 0 for rule in facts["rules"])
    facts["sentence"] = (
        f"rules {bound.rules.version}: by the true signals of {frame.height:,} development rows, {fired} of "
        f"{len(bound.rules.rules)} rules decide; {percent(facts['default']['true'] / max(frame.height, 1), 1)} fall to the default"
    )
    return facts, checked("rules", facts=facts)


def evaluate(
    bench: Bench, bound: Bound, held: Held, name: str, *, later: Mapping[str, str], truth: str | None = None,
    direct: tuple[str, np.ndarray] | None = None,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Judge both layers: each signal, and the decision that follows from them.

    Args:
        held: the rows.
        name: whose answers they are.
        later: columns that are not known at prediction time, and why.
        truth: the column of the true decision; None: what the rules make of the true signals.
        direct: name and decisions (codes, one per row of `held`, -1 where there is none) of a model that predicts the decision itself.

    Returns:
        facts (sentence, version, rules with counts, signals with scores, decision, repaired, direct) and findings FG371 to FG373.
    """
    if truth is not None:
        known = np.flatnonzero(coded(held.frame[truth], bound.rules) >= 0)
        held = held.take(known)
        direct = None if direct is None else (direct[0], direct[1][known])
    predicted = bound.holds(signals(bound.outputs, held.predictions, held.thresholds), held.frame)
    true = bound.holds(true_signals(bound.outputs, held.truths), held.frame)
    answers, right = bound.decided(predicted)[0], _right(bound, held, true, truth)
    scores = judge(
        bench.problem, held.truths, held.predictions, held.blocks, seed=bench.seed, rows=held.part, looks=held.looks,
        thresholds=held.thresholds, replicates=400, weights=held.weights,
    )["scores"]  # fmt: skip
    judged = _judged(bound.rules.decisions, right, answers, held.blocks, bench.seed, held.weights)
    facts: dict[str, Any] = {
        "version": bound.rules.version, "candidate": name, "rows": held.part, "n": len(right), "looks": held.looks,
        "truth": truth or "the rules on the true signals", "signals": scores, **_counts(bound, true, predicted),
        "later": _later(bound, later), "decision": judged, "repaired": _repaired(bound, held, answers, right, bench.seed),
        "direct": None,
    }  # fmt: skip
    if direct is not None:
        facts["direct"] = _beside(direct, answers, right, held, bench.seed)
    facts["sentence"] = _sentence(facts)
    return facts, checked("rules", facts=facts)


def directly(
    bench: Bench, baselines: Sequence[Trial], decisions: Sequence[str], codes: np.ndarray, clock: Clock
) -> Trial | None:
    """Predict the decision itself by each baseline's candidate, on the same folds; None where there is but one decision.

    The best of them by accuracy is returned. It is picked on the rows it is compared on, which flatters it a little: what is
    left of the rules' gain is the more certain.

    Args:
        codes: the true decision of each development row, -1 where it is not known.
        clock: time for all of them together.

    Shape:
        codes: (development rows,)
    """
    present = np.unique(codes[codes >= 0])
    if len(present) < 2 or not baselines:
        return None
    labels = tuple(decisions[i] for i in present)
    known = codes >= 0
    output = Output("decision", find("tasks", "multiclass")(), labels, _accuracy())
    rows = replace(bench.rows, truths=(np.searchsorted(present, np.where(known, codes, present[0])),))
    folds = tuple(
        replace(fold, train=fold.train[known[fold.train]], validation=fold.validation[known[fold.validation]])
        for fold in bench.folds
    )
    alone = replace(bench, problem=Problem((output,)), rows=rows, folds=folds, ledger=Forgetful(), caches={})
    trials = [
        alone.attempt(baseline.candidate, clock.share(1 / (len(baselines) - number)))
        for number, baseline in enumerate(baselines)
    ]
    return max(trials, key=lambda trial: trial.entry["scores"][0]["value"])


def directly_decided(trial: Trial, decisions: Sequence[str], codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the decisions of such a trial for development rows, as codes into `decisions`, -1 where it judged none.

    Shape:
        codes: (development rows,), as `directly` was given them
        rows: (asked,) development rows
        returns: (asked,)
    """
    present = np.unique(codes[codes >= 0])
    found = np.full(len(codes), -1, np.int64)
    found[trial.rows] = present[trial.raw[0].argmax(axis=1)]
    return found[rows]


def _right(bound: Bound, held: Held, true: np.ndarray, truth: str | None) -> np.ndarray:
    return bound.decided(true)[0] if truth is None else coded(held.frame[truth], bound.rules)


def _judged(
    decisions: Sequence[str], right: np.ndarray, answers: np.ndarray, blocks: np.ndarray, seed: int, weights: np.ndarray | None
) -> dict[str, Any]:  # fmt: skip
    """Return accuracy with its interval, macro F1, the table of decisions, and precision and recall of each.

    With row weights all but the table, which counts rows, are weighted.
    """
    n = len(decisions)
    rows = np.bincount(right * n + answers, minlength=n * n).reshape(n, n)
    table = rows if weights is None else np.bincount(right * n + answers, weights, minlength=n * n).reshape(n, n)
    value, interval = score(_accuracy(), right, answers, blocks, seed=seed, weights=weights)
    each = [
        {
            "decision": decision, "n": int(rows[i].sum()), "decided": int(rows[:, i].sum()),
            "precision": _share(table[i, i], table[:, i].sum()), "recall": _share(table[i, i], table[i].sum()),
        }
        for i, decision in enumerate(decisions)
    ]  # fmt: skip
    common = int(table.sum(axis=1).argmax())
    return {
        "accuracy": {"value": value, "interval": list(interval)}, "decisions": list(decisions), "table": rows.tolist(), "each": each,
        "commonest": {"decision": decisions[common], "share": _share(table[common].sum(), table.sum())},
        "f1_macro": find("metrics", "f1_macro")().score(right, answers, weights),
        **({} if weights is None else {"weighted": how_weighed(_accuracy(), weights, blocks)}),
    }  # fmt: skip


def _repaired(bound: Bound, held: Held, answers: np.ndarray, right: np.ndarray, seed: int) -> list[dict[str, Any]]:
    """Return, signal by signal, how much more often decisions would be right if it alone were known."""
    sure = certain(bound.outputs, held.truths)
    found = []
    for i, output in enumerate(bound.outputs):
        mended = tuple(sure[j] if i == j else p for j, p in enumerate(held.predictions))
        cuts = [None if i == j else cut for j, cut in enumerate(held.thresholds)]
        decided = bound.decided(bound.holds(signals(bound.outputs, mended, cuts), held.frame))[0]
        gain = compare(_accuracy(), right, decided, answers, held.blocks, seed=seed, weights=held.weights)
        found.append({"output": output.name, **gain.to_dict()})
    return sorted(found, key=lambda entry: -entry["value"])


def _beside(
    direct: tuple[str, np.ndarray], answers: np.ndarray, right: np.ndarray, held: Held, seed: int
) -> dict[str, Any]:
    """Return how often predicting the decision itself is right, and the paired difference on the same rows."""
    name, decided = direct
    both = np.flatnonzero(decided >= 0)
    blocks, weights = held.blocks[both], None if held.weights is None else held.weights[both]
    value, interval = score(_accuracy(), right[both], decided[both], blocks, seed=seed, weights=weights)
    gain = compare(_accuracy(), right[both], answers[both], decided[both], blocks, seed=seed, weights=weights)
    return {
        "candidate": name, "n": len(both), "accuracy": {"value": value, "interval": list(interval)}, "difference": gain.to_dict(),
    }  # fmt: skip


def _counts(bound: Bound, true: np.ndarray, predicted: np.ndarray | None) -> dict[str, Any]:
    """Return where each rule holds and decides, by true and by predicted signals, and what earlier rules take from it."""
    rules, n = bound.rules.rules, len(bound.rules.rules)
    by = {"true": true, **({} if predicted is None else {"predicted": predicted})}
    decides = {key: np.bincount(bound.decided(holds)[1], minlength=n + 1) for key, holds in by.items()}
    used = true if predicted is None else predicted
    which = bound.decided(used)[1]
    told = []
    for j, rule in enumerate(rules):
        taken = {rules[i].name: int((which[used[:, j]] == i).sum()) for i in range(j) if rules[i].decide != rule.decide}
        told.append({
            "name": rule.name, "when": rule.when, "decide": rule.decide,
            **{key: {"holds": int(holds[:, j].sum()), "decides": int(decides[key][j])} for key, holds in by.items()},
            "taken": {name: rows for name, rows in taken.items() if rows},
        })  # fmt: skip
    default = {"decide": bound.rules.default, **{key: int(found[n]) for key, found in decides.items()}}
    return {"rules": told, "default": default}


def _later(bound: Bound, later: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"column": column.name, "why": later[column.name]} for column in bound.columns if column.name in later]


def _read_signals(bound: Bound) -> Sequence[str]:
    columns = {column.name for column in bound.columns}
    return [name for name in bound.rules.reads if name not in columns]


def _accuracy() -> Metric:
    metric: Metric = find("metrics", "accuracy")()
    return metric


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _sentence(facts: Mapping[str, Any]) -> str:
    accuracy, direct = facts["decision"]["accuracy"], facts["direct"]
    low, high = accuracy["interval"]
    of_what = "weight of the " if "weighted" in facts["decision"] else ""
    said = (
        f"rules {facts['version']} on the signals of {facts['candidate']}: {percent(accuracy['value'], 1)} [{percent(low, 1)}, {percent(high, 1)}] of the {of_what}"
        f"decisions on {facts['n']:,} {facts['rows']} rows are right"
    )
    if direct is None:
        return said
    difference = direct["difference"]
    ends = span([100 * end for end in difference["interval"]], 3, sign=True)
    return (
        f"{said}; predicted directly, the best baseline ({direct['candidate']}) has {percent(direct['accuracy']['value'], 1)} (rules minus direct "
        f"{number(100 * difference['value'], 3, sign=True)} {ends} points)"
    )


# --- diff --------------------------------------------------------------------------------------------------------------


def diff(
    old: Bound, new: Bound, held: Held, *, seed: int, truth: str | None = None
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Say whose decision another version of the rules changes, and what each version is worth on the same answers.

    Args:
        truth: the column of the true decision; None: each version is held against what it makes of the true signals.

    Returns:
        facts (sentence, counts from → to, both versions' accuracy, the first rows that change), and every row that changes:
        its name, the two decisions, the two rules that made them.
    """
    told = [_told(bound, held) for bound in (old, new)]
    (a, by_a), (b, by_b) = told
    changed = np.flatnonzero(np.array(a, object) != np.array(b, object))
    said = {
        "from": [a[i] for i in changed], "to": [b[i] for i in changed],
        "rule_before": [by_a[i] for i in changed], "rule_now": [by_b[i] for i in changed],
    }  # fmt: skip
    key = "key" if held.names.name in said else held.names.name
    frame = pl.DataFrame({key: held.names[changed], **said}, schema_overrides=dict.fromkeys(said, pl.String))
    counts = frame.group_by("from", "to").len("n").sort(["n", "from", "to"], descending=[True, False, False])
    facts: dict[str, Any] = {
        "old": old.rules.version, "new": new.rules.version, "rows": held.part, "n": len(a), "changed": len(changed), "looks": held.looks,
        "truth": truth or "each version on the true signals", "moves": counts.to_dicts(),
        "examples": frame.head(MOST_SHOWN).cast(pl.String).to_dicts(), "rules": _rule_changes(old, new),
        "accuracy": {key: _right_rate(bound, held, truth, seed) for key, bound in (("old", old), ("new", new))},
    }  # fmt: skip
    facts["sentence"] = (
        f"rules {old.rules.version} → {new.rules.version}: {len(changed):,} of {len(a):,} {held.part} decisions change "
        f"({percent(len(changed) / max(len(a), 1), 1)}); right {_percent(facts['accuracy']['old'])} → {_percent(facts['accuracy']['new'])}"
    )
    return facts, frame


def _told(bound: Bound, held: Held) -> tuple[list[str], list[str]]:
    found = bound.answer(held.predictions, held.thresholds, held.frame)
    return found["decision"].to_list(), found["rule"].to_list()


def _right_rate(bound: Bound, held: Held, truth: str | None, seed: int) -> dict[str, Any] | None:
    """Return how often decisions are right, with its interval; None where no row says what is."""
    true = bound.holds(true_signals(bound.outputs, held.truths), held.frame)
    right = _right(bound, held, true, truth)
    answers = bound.decided(bound.holds(signals(bound.outputs, held.predictions, held.thresholds), held.frame))[0]
    known = np.flatnonzero(right >= 0)
    if not len(known):
        return None
    weights = None if held.weights is None else held.weights[known]
    value, interval = score(_accuracy(), right[known], answers[known], held.blocks[known], seed=seed, weights=weights)
    return {"value": value, "interval": list(interval), "n": len(known)}


def _rule_changes(old: Bound, new: Bound) -> list[dict[str, Any]]:
    """Return the rules that are new, gone or say something else, by name."""
    before = {rule.name: {"when": rule.when, "decide": rule.decide} for rule in old.rules.rules}
    now = {rule.name: {"when": rule.when, "decide": rule.decide} for rule in new.rules.rules}
    names = [name for name in dict.fromkeys((*before, *now)) if before.get(name) != now.get(name)]
    found: list[dict[str, Any]] = [{"name": name, "before": before.get(name), "now": now.get(name)} for name in names]
    if old.rules.default != new.rules.default:
        found.append(
            {"name": new.rules.names[-1], "before": {"decide": old.rules.default}, "now": {"decide": new.rules.default}}
        )
    if not found and [r.name for r in old.rules.rules] != [r.name for r in new.rules.rules]:
        found.append({"name": "(order)", "before": {"order": list(before)}, "now": {"order": list(now)}})
    return found


def _percent(judged: Mapping[str, Any] | None) -> str:
    return "unknown" if judged is None else percent(judged["value"], 1)
