"""Explain: what the answer of a candidate follows from, on development rows that it was not fitted on.

Takes the bench and a candidate, or a blend of several. The candidate is fitted again on the training rows of the largest fold and looked
into on that fold's validation rows: SHAP values, permutation importance with intervals, partial dependence, counter-examples. No
sealed row is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench
from fieldguide.core.candidate import Predictor
from fieldguide.core.contracts import Explainer, Threshold
from fieldguide.core.errors import DataError, StudyError
from fieldguide.core.explanation import Explanation
from fieldguide.core.figures import number, percent, span
from fieldguide.core.files.media import rooted
from fieldguide.core.files.source import open_source
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import metric_of
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Rows
from fieldguide.core.score import titled
from fieldguide.core.seeds import generator
from fieldguide.core.table import MEDIA_KINDS
from fieldguide.parts import find
from fieldguide.steps.explain.counter import counter_examples
from fieldguide.steps.explain.partial import ABLE, partial_dependence, told
from fieldguide.steps.explain.permutation import groups_of, permutation_importance
from fieldguide.steps.finalize.finalize import refit
from fieldguide.steps.refine.blend import Blended

ORDER = ("tree", "linear", "gradient", "sampling")
"""Explainers, the exact ones first; the first that does not decline explains."""
BACKGROUND, EXPLAINED, SLOW, DEALT, CURVED, MOST_GROUPS = 200, 500, 60, 1_000, 200, 60
"""Rows that are compared with, explained, explained where it is slow, dealt, and drawn as curves; columns that are dealt."""
CURVES, SHOWN, TURNED = 6, 5, 5


def explain(
    bench: Bench, chosen: Blended, name: str, thresholds: Sequence[Threshold], rows: Rows | None = None, source: str = ""
) -> tuple[dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Explain a candidate.

    Args:
        chosen: its trial, or those of a blend with their weights.
        thresholds: of the outputs' decisions.
        rows: further rows to explain one by one, without truths; None: some validation rows.
        source: where they come from, in words.

    Returns:
        facts: per output the explainer, its scale, the additivity error, the mean contributions and single rows; importance,
        curves and counter-examples. No findings.

    Raises:
        StudyError: the candidate looks at no column.
        MissingExtra: a package that the explainer needs is not installed.
    """
    fold = max(bench.folds, key=lambda fold: len(fold.train))
    predictor = refit(bench, chosen, bench.rows.take(fold.train))
    training = bench.rows.take(_drawn(fold.train, DEALT, bench.seed, "training"))
    background = training.take(np.arange(min(BACKGROUND, len(training))))
    held = _drawn(fold.validation, DEALT, bench.seed, "held")
    judged, blocks = bench.rows.take(held), bench.roles.blocks[held]
    if not judged.columns:
        raise StudyError(
            "there is no column to explain",
            rule="a model looks at one column or more",
            found="the bench has 0 columns",
            do="name features under data.columns, or let none be ignored that the model needs",
        )
    looked = _Looked(predictor, judged, blocks, held, background, training, bench.seed, rows)
    outputs = [_output(looked, i, thresholds[i]) for i in range(len(predictor.outputs))]
    found = {
        "candidate": name, "members": [member.name for member in chosen.members], "n_fitted": len(fold.train), "n": len(judged), "source": source,
        "kinds": {column.name: column.kind for column in judged.columns}, "outputs": outputs,
    }  # fmt: skip
    return {"sentence": _sentence(found), **found}, ()


@dataclass(frozen=True)
class _Looked:
    """A fitted candidate and the rows it is looked into with.

    Args:
        judged: rows with truths that it was not fitted on; `held` are their places among the development rows.
        asked: further rows to explain one by one; None: there are none.
    """

    predictor: Predictor
    judged: Rows
    blocks: np.ndarray
    held: np.ndarray
    background: Rows
    training: Rows
    seed: int
    asked: Rows | None


def _output(looked: _Looked, i: int, threshold: Threshold) -> dict[str, Any]:
    """Return the facts of one output."""
    predictor, judged, output = looked.predictor, looked.judged, looked.predictor.outputs[i]
    explainer, seen = _explained(predictor, judged, looked.background, i, looked.seed)
    strength = dict(zip(seen.names, seen.importance().tolist(), strict=True))
    groups = sorted(groups_of(judged.columns), key=lambda group: -max(strength[name] for name in group))
    importance = permutation_importance(
        predictor, judged, looked.blocks, output=i, threshold=threshold, seed=looked.seed, groups=groups[:MOST_GROUPS]
    )
    kinds = {c.name: c for c in judged.columns if c.kind in ABLE and c.role != "time" and strength[c.name] > 0}
    tops = [kinds[name] for group in importance for name in group["columns"] if name in kinds]
    curved = judged.take(np.arange(min(CURVED, len(judged))))
    facts: dict[str, Any] = {
        "output": output.name, "task": output.task.name, "labels": list(output.labels), "metric": titled(metric_of(output), judged.score_weights), "explainer": explainer.name,
        "title": explainer.title, "scale": _scale(seen, output, explainer), "of": _of(output), "error": seen.error(),
        "n_explained": len(seen.scores), "n_background": len(looked.background),
        "strength": [{"column": c, "value": strength[c]} for c in sorted(strength, key=lambda c: -strength[c])],
        "importance": importance, "not_dealt": sum(len(group) for group in groups[MOST_GROUPS:]),
        "curves": [partial_dependence(predictor, curved, column, output=i) for column in tops[:CURVES]],
        "rows": _shown(seen, judged, predictor, i, _spread(seen)),
    }  # fmt: skip
    if output.task.family == "classes":
        places = np.array(_spread(seen)[:TURNED], np.int64)
        turned = counter_examples(predictor, judged.take(places), looked.training, output=i, threshold=threshold)
        facts["counter"] = [{"row": int(looked.held[place]), **found} for place, found in zip(places, turned)]
    if looked.asked is not None:
        facts["asked"] = _asked(looked, i, threshold)
        facts["not_explained"] = len(looked.asked) - len(facts["asked"])
    return facts


def read_asked(bench: Bench, data: Any) -> Rows:
    """Read rows to explain as a model would: a path or a data frame; cells that cannot be read are missing.

    Raises:
        DataError, ContractError: the rows cannot be read, there is none, or a column is missing.
    """
    source = open_source(data)
    table, _ = read_frame(source.collect(), rooted(bench.columns, source.root), bench.modality)
    if not table.n_rows:
        raise DataError(
            "there are no rows to explain",
            rule="a file of rows holds at least one",
            found="0 rows",
            do="name another file",
        )
    rows = Rows.of(table, (), bench.modality)
    return Rows(bench.rows.columns, {c.name: rows.cells[c.name] for c in bench.rows.columns}, n_rows=len(rows))


def _explained(
    predictor: Predictor, rows: Rows, background: Rows, output: int, seed: int
) -> tuple[Explainer, Explanation]:
    """Return the first explainer that takes the predictor, and what it says of as many rows as it can in time."""
    explainer = able(predictor)
    slow = explainer.name in ("gradient", "sampling")
    rows = rows.take(np.arange(min(SLOW if slow else EXPLAINED, len(rows))))
    which = which_of(predictor, rows, output)
    return explainer, explainer.explain(predictor, rows, background, output=output, which=which, seed=seed)


def able(predictor: Predictor) -> Explainer:
    """Return the first explainer of `ORDER` that does not decline; the last declines nothing that predicts."""
    explainers: list[Explainer] = [find("explainers", name)() for name in ORDER]
    return next(explainer for explainer in explainers if not explainer.declines(predictor))


def which_of(predictor: Predictor, rows: Rows, output: int) -> np.ndarray:
    """Return the column of the prediction that is explained: of two labels the second, of more (or a set) each row's likeliest,
    of values the first."""
    problem = predictor.outputs[output]
    if problem.family == "binary":
        return np.ones(len(rows), np.int64)
    if problem.family in ("multiclass", "multilabel"):
        return np.asarray(predictor.predict(rows.cells, len(rows))[output].argmax(axis=1), dtype=np.int64)
    return np.zeros(len(rows), np.int64)


def _of(output: Any) -> str:
    """Return in words what number is explained."""
    if output.family == "binary":
        return f"{output.name} is {output.labels[1]}"
    if output.family in ("multiclass", "multilabel"):
        return "the likeliest label of each row"
    return f"{output.name}, {output.labels[0]}" if output.labels else output.name


def _scale(seen: Explanation, output: Any, explainer: Explainer) -> str:
    fits = output.transform != "identity" and explainer.name != "sampling"
    return f"{seen.scale}, on the scale {output.transform} that is fitted" if fits else seen.scale


def _spread(seen: Explanation) -> list[int]:
    """Return positions of a few explained rows, from the lowest score to the highest."""
    order = np.argsort(seen.scores, kind="stable")
    return [int(order[i]) for i in np.unique(np.linspace(0, len(order) - 1, SHOWN).astype(int))] if len(order) else []


def _shown(
    seen: Explanation, rows: Rows, predictor: Predictor, output: int, places: Sequence[int]
) -> list[dict[str, Any]]:  # fmt: skip
    """Return single rows with their parts, the strongest first."""
    problem = predictor.outputs[output]
    part = rows.take(np.array(places, np.int64))
    which = which_of(predictor, part, output)
    prediction = predictor.predict(part.cells, len(part))[output]
    kinds = {column.name: column.kind for column in rows.columns}
    found = []
    for i, place in enumerate(places):
        order = np.argsort(-np.abs(seen.values[place]), kind="stable")
        told_of = {"of": problem.labels[int(which[i])]} if problem.labels else {}
        found.append({
            **told_of, "prediction": float(prediction[i, which[i]]), "base": float(seen.base[place]), "score": float(seen.scores[place]),
            "error": float(seen.base[place] + seen.values[place].sum() - seen.scores[place]),
            "parts": [
                {"column": seen.names[j], "cell": _cell(rows.cells[seen.names[j]], place, kinds[seen.names[j]]), "value": float(seen.values[place, j])}
                for j in order.tolist()
            ],
            "details": {name: dict(details[place]) for name, details in seen.details.items() if details[place]},
            **({"truth": _truth(problem, rows.truths[output][place])} if rows.truths else {}),
        })  # fmt: skip
    return found


def _asked(looked: _Looked, output: int, threshold: Threshold) -> list[dict[str, Any]]:
    """Return the explanation of rows that were handed in, in their order; counter-examples of the first few."""
    assert looked.asked is not None
    predictor = looked.predictor
    _, seen = _explained(predictor, looked.asked, looked.background, output, looked.seed)
    part = looked.asked.take(np.arange(len(seen.scores)))
    found = _shown(seen, part, predictor, output, list(range(len(part))))
    if predictor.outputs[output].task.family == "classes":
        few = part.take(np.arange(min(TURNED, len(part))))
        for entry, counter in zip(
            found, counter_examples(predictor, few, looked.training, output=output, threshold=threshold)
        ):
            entry["counter"] = counter
    return [{"row": i, **entry} for i, entry in enumerate(found)]


def _cell(cells: np.ndarray, place: int, kind: str) -> Any:
    value = cells[place]
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if kind == "text":
        return value if len(value) <= 200 else f"{value[:200]}…"
    return f"({kind})" if kind in MEDIA_KINDS or kind == "window" else told(cells[place : place + 1], kind)[0]


def _truth(problem: Any, truth: Any) -> Any:
    if problem.task.family == "classes":
        return problem.labels[int(truth)]
    if problem.task.family == "sets":
        return [problem.labels[i] for i in np.flatnonzero(truth)]
    return np.asarray(truth).tolist()


def _drawn(rows: np.ndarray, most: int, seed: int, name: str) -> np.ndarray:
    """Return at most `most` rows, drawn by seed."""
    return rows if len(rows) <= most else np.sort(generator(seed, "explain", name).permutation(rows)[:most])


def _sentence(found: Mapping[str, Any]) -> str:
    first = found["outputs"][0]
    helps = [entry for entry in first["importance"] if entry["interval"][0] is not None and entry["interval"][0] > 0]
    top = first["importance"][0]
    said = (
        f"with {', '.join(top['columns'])} dealt to the wrong rows, {found['candidate']} loses {number(top['value'], 3)} "
        f"{span(top['interval'], 3)} of {first['metric']}"
        if helps
        else f"no column of {found['candidate']} can be told from one that is not needed"
    )
    return (
        f"{said}; {len(helps)} of {len(first['importance'])} columns or groups are needed beyond chance; the parts of {first['title']} miss "
        f"the score by {number(first['error']['largest'], 2)} at most ({percent(first['error']['share'], 1)} of its reach)"
    )
