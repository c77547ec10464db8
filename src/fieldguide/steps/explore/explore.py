"""Explore: look at the development rows, then recommend the metric before any model is fitted.

Takes development rows only. Describes columns and target, measures what each column alone tells about the target, shows rows
in detail; the evidence is judged by the checks of this step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.documents.proxy_sections import Proxies
from fieldguide.core.errors import DataError, listed
from fieldguide.core.figures import count, percent
from fieldguide.core.finding import Finding
from fieldguide.core.problem import Output, Problem
from fieldguide.core.resolution import smallest_difference
from fieldguide.core.seeds import generator
from fieldguide.core.settings import values_of
from fieldguide.core.statistics.association import binned, explained_by_levels, indicators
from fieldguide.core.table import Table
from fieldguide.parts import find, modality
from fieldguide.steps.checking import checked, ordered
from fieldguide.steps.explore.assumptions import assumptions
from fieldguide.steps.explore.derived import derived_worth
from fieldguide.steps.explore.gallery import gallery, trimmed
from fieldguide.steps.explore.probe import probe
from fieldguide.steps.explore.proxy import proxy_quality
from fieldguide.steps.frame.outputs import simple

N_SHOWN = 20


def explore(
    table: Table,
    problem: Problem,
    roles: Roles,
    metrics_before: Sequence[str] = (),
    *,
    order: np.ndarray | None = None,
    proxies: Proxies | None = None,
    slices: Mapping[str, np.ndarray] | None = None,
    kept: Collection[str] = (),
    seed: int,
    threads: int = 1,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Describe development rows and recommend a metric for every output that has none.

    Args:
        table: typed development rows, targets included.
        roles: blocks of the same rows.
        metrics_before: metrics by which models of this study were judged before.
        order: (rows,) place of each row in the file; None: the table is in the file's order.
        proxies: the events that study.yaml declares, to be compared with each other and with the outcome.
        slices: (rows,) masks of the declared slices, by name.
        kept: columns that study.yaml declares to be features: they are not excluded, whatever a check is sure of.
        threads: threads to compute with.

    Returns:
        facts (excluded columns with the reason, columns, target, associations, samples, metric, proxies, assumptions, derived) and the findings of the step.
    """
    asked, whole = problem, table
    targets, metrics = _judged_by(table, problem, roles, seed)
    whole_truths = [output.code(table.frame[output.name]) for output in problem.outputs[:1]]
    table, problem, views = simple(table, problem)  # label sets and vectors, one label or entry at a time
    truths = tuple(output.code(table.frame[output.name]) for output in problem.outputs)
    of_each = metrics if problem is asked else _judged_by(table, problem, roles, seed)[1]
    said = {
        "problem": problem, "roles": roles, "truths": truths, "metrics_before": metrics_before,
        "order": np.arange(table.n_rows) if order is None else order,
    }  # fmt: skip
    plain = table.tabular
    strength = {output.name: associations(plain, truth, output) for output, truth in zip(problem.outputs, truths)}
    quick = probe(table, problem, roles, seed=seed, threads=threads)
    suspects = checked("explore", which=True, **said, table=plain, profile={"associations": strength}, probe=quick)
    gone = excluded(table, suspects, kept)
    seen = table.ignoring({entry["column"] for entry in gone})
    columns = {
        column.name: {"kind": column.kind, "role": column.role, **modality(column.kind).describe(table.frame[column.name])}
        for column in table.columns if column.encoded
    }  # fmt: skip
    facts = {
        "sentence": _sentence(table, columns, metrics[: len(asked.outputs)], gone), "n_rows": table.n_rows, "excluded": gone, "columns": columns,
        "targets": targets, "associations": strength, "metrics": metrics, "samples": trimmed(samples(whole, seed), whole), "gallery": gallery(whole, asked, whole_truths, seed), "views": views,
        "proxies": proxy_quality(seen, problem, roles, proxies or {}, slices, seed=seed),
        "assumptions": assumptions(seen, problem, roles, of_each, seed=seed, threads=threads),
        "derived": _derived(seen.tabular, problem, roles, of_each[0], seed, threads),
    }  # fmt: skip
    plain = seen.tabular
    if gone:  # what follows is about the columns that models see
        strength = {output.name: associations(plain, truth, output) for output, truth in zip(problem.outputs, truths)}
        quick = probe(seen, problem, roles, seed=seed, threads=threads)
    findings = checked(
        "explore", which=False, **said, table=plain, media=seen, profile={**facts, "associations": strength}, proxies=facts["proxies"],
        assumptions=facts["assumptions"], probe=quick,
    )  # fmt: skip
    return facts, ordered([*suspects, *findings])


def _sentence(
    table: Table, columns: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], gone: Sequence[Mapping[str, str]]
) -> str:
    left_out = f", {listed(repr(entry['column']) for entry in gone)} left out" if gone else ""
    judges = [m["title"] if len(metrics) == 1 else f"{m['output']} by {m['title']}" for m in metrics]
    return f"{table.n_rows:,} rows, {count(len(columns), 'column')}{left_out}; judged{' by' if len(metrics) == 1 else ''} {listed(judges)}"


def _judged_by(
    table: Table, problem: Problem, roles: Roles, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what each target holds, and the metric that judges it."""
    told = [(output, output.code(table.frame[output.name])) for output in problem.outputs]
    weights = table.weights("judge")
    return [describe_target(*one) for one in told], [
        recommend(problem, *one, roles.blocks, seed, weights) for one in told
    ]


def excluded(table: Table, findings: Sequence[Finding], kept: Collection[str]) -> list[dict[str, str]]:
    """Return the columns that no model will see from here on, because a check is sure that they give a target away.

    Raises:
        DataError: no column is left.
    """
    found: dict[str, dict[str, str]] = {}
    for finding in findings:
        for name in finding.evidence.get("exclude", ()) if finding.fired else ():
            if name not in kept:
                found.setdefault(name, {"column": name, "code": finding.code, "why": finding.sentence})
    features = [column.name for column in table.features]
    if features and all(name in found for name in features):
        raise DataError(
            "no column is left to predict from", rule="what gives the target away is left out",
            found=listed(f"{entry['column']!r}: {entry['why']}" for entry in found.values()),
            do="add columns that are known at prediction time, or set data.columns.<name>: feature for those that are",
        )  # fmt: skip
    return list(found.values())


def _derived(
    table: Table, problem: Problem, roles: Roles, recommended: dict[str, Any], seed: int, threads: int
) -> dict[str, Any] | None:
    metric = find("metrics", recommended["metric"])(**recommended["settings"])
    return derived_worth(table, problem, metric, roles, seed=seed, threads=threads)


def describe_target(output: Output, truth: np.ndarray) -> dict[str, Any]:
    """Return the distribution of a coded target as plain data."""
    if output.task.family == "classes":
        counts = np.bincount(truth, minlength=len(output.labels))
        return {"output": output.name, "counts": dict(zip(output.labels, counts.tolist())), "n": len(truth)}
    if output.family == "multilabel":
        n_labels = truth.sum(axis=1)
        return {
            "output": output.name, "n": len(truth), "counts": dict(zip(output.labels, truth.sum(axis=0).tolist())), "labels_a_row": float(n_labels.mean()),
            "without_labels": int((n_labels == 0).sum()), "distinct_sets": len(np.unique(truth, axis=0)),
        }  # fmt: skip
    if output.family == "vector":
        entries = [
            describe_target(Output(name, find("tasks", "regression")()), truth[:, i])
            for i, name in enumerate(output.labels)
        ]
        return {"output": output.name, "n": len(truth), "entries": entries}
    booked = {"booked": float(np.mean(truth > 0))} if output.task.name == "price" else {}
    truth = output.plain(truth)
    edges = np.histogram_bin_edges(truth, 30)
    spread = float(np.std(truth))
    skew = float(np.mean(((truth - truth.mean()) / spread) ** 3)) if spread else 0.0
    return {
        "output": output.name, "n": len(truth), **booked, "mean": float(truth.mean()), "sd": spread, "skewness": skew,
        "quantiles": {str(q): float(np.quantile(truth, q)) for q in (0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)},
        "histogram": {"edges": edges.tolist(), "counts": np.histogram(truth, edges)[0].tolist()},
    }  # fmt: skip


def associations(table: Table, truth: np.ndarray, output: Output) -> list[dict[str, Any]]:
    """Return what each column alone explains of the target, cross-fitted, the strongest first.

    The share of the target's variance (values) or Brier variance (classes) that the bin means of one half of the rows explain in
    the other half; numbers in 20 quantile bins, categories by level, missing as a bin of its own.
    """
    goal, half = indicators(output, truth), generator(0, "associations").permutation(len(truth)) % 2
    found = [
        {"column": c.name, "explained": max(0.0, explained_by_levels(binned(table.frame[c.name]), goal, half))}
        for c in table.features
    ]
    return sorted(found, key=lambda row: -row["explained"])


def samples(table: Table, seed: int) -> list[dict[str, Any]]:
    """Return twenty development rows in detail, as text."""
    rows = np.sort(generator(seed, "samples").choice(table.n_rows, min(N_SHOWN, table.n_rows), replace=False))
    return [
        {name: None if value is None else str(value) for name, value in row.items()}
        for row in table.frame[rows].to_dicts()
    ]


def recommend(
    problem: Problem, output: Output, truth: np.ndarray, blocks: np.ndarray, seed: int, weights: np.ndarray | None = None
) -> dict[str, Any]:  # fmt: skip
    """Return the metric of an output: the declared one, else one that fits task, imbalance, costs and use, with the reason."""
    name, why = (output.metric.name, "You chose it.") if output.metric is not None else _choice(problem, output, truth)
    own = (
        problem.costs
        if name == "expected_cost"
        else values_of(output.loss)
        if name == "interval_loss" and output.loss is not None
        else {}
    )
    metric = output.metric or find("metrics", name)(**own)
    return {
        "output": output.name, "metric": name, "title": metric.title, "why": why, "declared": output.metric is not None,
        "settings": values_of(metric),
        "smallest_difference": smallest_difference(metric, output, truth, blocks, seed=seed, weights=weights),
    }  # fmt: skip


def _choice(problem: Problem, output: Output, truth: np.ndarray) -> tuple[str, str]:
    if output.family == "multilabel":
        return (
            "f1_micro",
            "It judges the label sets as they are decided, each label at its own threshold; labels nobody decides and nobody has do not count. Choose f1_macro if rare labels matter as much as common ones, hamming_loss if a wrong label costs as much as a missed one.",
        )
    if output.family == "vector":
        return (
            "arrmse",
            "It divides the error of each entry by that of its mean, so that entries of different units count the same. Choose rmse_mean where all entries have one unit.",
        )
    if output.task.name == "count":
        return (
            "poisson_deviance",
            f"It weighs errors of {output.name} by how much a count of that size varies by chance. Choose mae if all errors cost in proportion to their size.",
        )
    if output.task.name == "price":
        return (
            "interval_loss",
            "It counts how far suggestions lie below prices that were booked and above prices that were not. Read price_decrease_recall and booking_regret beside it: each alone is best for an extreme.",
        )
    if output.task.name == "ordinal":
        return (
            "ranked_probability",
            "It judges the probabilities of all levels at once, and a level far from the truth costs more than a near one. Choose mae_levels if only the decision counts.",
        )
    if output.task.family == "values":
        if output.transform == "log1p":
            return (
                "rmsle",
                "The target is fitted on a log scale, so errors count in proportion: being 10 % off weighs the same for small and large values.",
            )
        return (
            "rmse",
            f"It counts errors in the unit of {output.name} and punishes large ones more. Choose mae if all errors cost in proportion to their size.",
        )
    if output.family == "binary":
        if problem.costs:
            return (
                "expected_cost",
                "You stated what errors cost, so candidates are compared by the cost of their decisions per row, at each one's best threshold.",
            )
        rate = float(truth.mean())
        if rate < 0.02 or rate > 0.98:
            return (
                "average_precision",
                f"Only {percent(min(rate, 1 - rate), 2)} of the rows are in the rarer class: ranking those few first is what can be judged. ROC AUC would look good for any model.",
            )
        return (
            "roc_auc",
            f"No costs are stated, so the order is judged: the chance that a random {output.labels[1]!r} row ranks above a random {output.labels[0]!r} row. State problem.costs to be judged by decisions.",
        )
    return (
        "log_loss",
        f"It judges the probabilities of all {len(output.labels)} classes at once, and falls with every honest improvement. Choose accuracy if only the decision counts.",
    )
