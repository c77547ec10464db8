"""The bench: development rows and folds on which any candidate can be tried, each trial once.

Knows how a trial is keyed, run through the one `evaluate`, judged, and kept by the ledger so that a killed run resumes.
It holds no test rows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.candidate import Candidate, Encodings, Fitted, Predictor, encode, fit, original_scale
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Predictions, Roles, Splitter, Threshold
from fieldguide.core.errors import StudyError
from fieldguide.core.evaluate import evaluate, refit_steps, stopping_rows, stops_on
from fieldguide.core.leaderboard import difference, judge, measure
from fieldguide.core.model import Find, Model
from fieldguide.core.problem import Limits, Problem
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator, seed_for
from fieldguide.core.split import Fold
from fieldguide.core.table import Column
from fieldguide.core.words.lexicon import keeping

FOR_THE_FIT = 0.85
"""Share of a fold's time that fitting has; encoding, predicting and measuring have the rest."""


class Ledger(Protocol):
    """Where finished trials are kept. The workflow's is a journal with a folder of arrays."""

    def get(self, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None: ...

    def put(self, key: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None: ...


class Forgetful:
    """A ledger that keeps nothing."""

    def get(self, key: str) -> None:
        return None

    def put(self, key: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        pass


@dataclass(frozen=True)
class Trial:
    """A candidate and what it did.

    Args:
        entry: plain facts: candidate, kind, scores, calibration, thresholds, seconds, megabytes, latency_ms, n_steps,
            stopped, history, n_fit.
        rows: (judged,) development rows it was judged on.
        raw: predictions on the scale the learners fit, (judged, width) per output.
    """

    candidate: Candidate
    entry: Mapping[str, Any]
    rows: np.ndarray
    raw: Predictions

    @property
    def name(self) -> str:
        return self.candidate.name


@dataclass(frozen=True)
class Bench:
    """Everything a trial needs, in one place: the rows and rules are the same for every candidate.

    Args:
        problem: with its metric chosen.
        rows: development rows with truths.
        folds, roles, splitter: how rows are divided; `roles` are of the development rows.
        columns: the contract of the features, for packaging a trial to measure it.
        samples: raw rows as mappings, for measuring latency.
        find: the registry.
        limit: the budget's minutes; what a clock cut short is tried again under another limit, the rest is not.
        watch: called with one dict per event, for progress.
        caches: encodings that trials share.
        gone: columns that were taken away, for an ablation.
        look: gives what can be seen in a fitted candidate as plain facts; they are kept beside its trial (see `inside`).
    """

    problem: Problem
    rows: Rows
    folds: tuple[Fold, ...]
    roles: Roles
    splitter: Splitter
    columns: tuple[Column, ...]
    samples: Sequence[Mapping[str, Any]]
    find: Find
    seed: int
    threads: int
    ledger: Ledger = field(default_factory=Forgetful)
    limit: float | None = None
    watch: Callable[[dict[str, Any]], None] = lambda event: None
    caches: dict[tuple[int, str], Encodings] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    look: Callable[[Fitted], Mapping[str, Any]] = lambda fitted: {}

    def leaving(self, names: Sequence[str]) -> Bench:
        """Return the bench without some columns: the same rows and folds, and trials that are kept apart."""
        left = tuple(column for column in self.rows.columns if column.name not in names)
        rows = replace(self.rows, columns=left, cells={column.name: self.rows.cells[column.name] for column in left})
        gone = tuple(sorted({*self.gone, *names}))
        columns = tuple(column for column in self.columns if column.name not in names)
        return replace(self, rows=rows, columns=columns, caches={}, gone=gone)

    def modality(self, kind: str) -> Any:
        return self.find("modalities", kind)()

    def attempt(
        self, candidate: Candidate, clock: Clock, *, folds: Sequence[int] | None = None, share: float = 1.0
    ) -> Trial:
        """Try a candidate, or return what the ledger recorded of the same trial.

        Args:
            clock: the time it may take.
            folds: indices of the folds to run; None: all.
            share: part of each fold's training rows, the cheap rung of a search.
        """
        chosen = tuple(range(len(self.folds))) if folds is None else tuple(folds)
        plain = candidate.to_dict()
        key = _key({
            **{name: plain[name] for name in ("settings", "recipe", "learner")}, "folds": chosen, "share": share,
            **({"gone": self.gone} if self.gone else {}),
        })  # fmt: skip
        kept = self.ledger.get(key)
        if kept is not None and (not _cut(kept[0]) or kept[0]["limit"] == self.limit):
            return self.remembered({**kept[0], "candidate": candidate.name})
        self.watch({"event": "trial", "candidate": candidate.name, "learner": candidate.learner.name})
        asked = candidate.learner
        if share == 1.0:
            candidate = self._paced(candidate, clock.left() / len(chosen))
            plain = candidate.to_dict()
        with keeping():
            found = evaluate(
                candidate, self.rows, [self._fold(i, share) for i in chosen], self.problem.outputs, roles=self.roles,
                splitter=self.splitter, modalities=self.modality,
                effort=Effort(seed_for(self.seed, key), self.threads, clock, watch=self.watch),
                caches=self.caches if share == 1.0 else None,
            )  # fmt: skip
        entry = {
            "key": key, "limit": self.limit, "candidate": candidate.name, "kind": candidate.kind, "learner": candidate.learner.name, "settings": plain["settings"],
            "recipe": plain["recipe"], **self.judged(found.rows, found.predictions), "seconds": found.seconds,
            "n_fit": found.n_fit, "n_steps": list(found.n_steps),
            "stopped": list(found.stopped), "history": list(found.history), "n_folds": found.n_folds,
            "share": share, "whole": share == 1.0 and len(chosen) == len(self.folds), "paced": candidate.learner != asked,
        }  # fmt: skip
        if entry["whole"] and found.fitted is not None:
            entry["megabytes"], entry["latency_ms"] = self.cost(found.fitted)
            entry["words"] = getattr(found.fitted.estimator, "words", "")
            if seen := self.look(found.fitted):
                self.ledger.put(_key({"inside": key}), seen, {})
        self.ledger.put(key, entry, {"rows": found.rows, **{f"raw{i}": p for i, p in enumerate(found.predictions)}})
        return Trial(candidate, entry, found.rows, found.predictions)

    def inside(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was seen in the last fit of a recorded entry's trial; nothing where nobody looked."""
        kept = self.ledger.get(_key({"inside": entry["key"]}))
        return {} if kept is None else kept[0]

    def remembered(self, entry: Mapping[str, Any]) -> Trial:
        """Return the trial of a recorded entry, from the ledger.

        Raises:
            StudyError: the ledger has lost it.
        """
        kept = self.ledger.get(entry["key"])
        if kept is None or "rows" not in kept[1]:
            raise StudyError(
                f"the predictions of {entry['candidate']!r} are gone", rule="finished trials stay in the folder work/ of a study",
                found="the journal names the trial, and work/ has no file of it",
                do="restore the folder, or run the study again",
            )  # fmt: skip
        plain = {name: entry[name] for name in ("kind", "learner", "settings", "recipe")}
        return self._trial(Candidate.from_dict({"name": entry["candidate"], **plain}, self.find), entry, kept[1])

    def _trial(self, candidate: Candidate, entry: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Trial:
        return Trial(
            candidate, entry, arrays["rows"], tuple(arrays[f"raw{i}"] for i in range(len(self.problem.outputs)))
        )

    def recall(self, what: Mapping[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return `compute()`, or what the ledger recorded of it: decisions that read a clock are taken once."""
        key = _key({"limit": self.limit, **what})
        kept = self.ledger.get(key)
        if kept is not None:
            return kept[0]
        facts = compute()
        self.ledger.put(key, facts, {})
        return facts

    def encoded(self, candidate: Candidate) -> Encoded:
        """Return the first fold's training rows as the candidate's learner would see them."""
        fold = self.folds[0]
        train, stop = stopping_rows(candidate, fold.train, self.roles, self.splitter)
        rows = self.rows.take(train)
        encodings = self.caches.setdefault((0, stops_on(candidate.learner)), Encodings({}))
        stopping = None if stop is None else self.rows.take(stop)
        with keeping():
            _, batch, _, _ = encodings.of(
                candidate.recipe, rows, stopping, self.rows.take(fold.validation), self.modality
            )
        return encode(batch, rows, self.problem.outputs, candidate.learner)

    def judged(self, rows: np.ndarray, raw: Predictions, *, replicates: int = 400) -> dict[str, Any]:
        """Return scores, calibration and thresholds of predictions for development rows."""
        return judge(
            self.problem, self.truths(rows), original_scale(raw, self.problem.outputs), self.roles.blocks[rows], seed=self.seed,
            rows="validation", replicates=replicates, times=self.times(rows), weights=self.weights(rows),
        )  # fmt: skip

    def times(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the times of development rows, or None where the study is not chronological."""
        return None if self.roles.times is None else self.roles.times[rows]

    def weights(self, rows: np.ndarray) -> np.ndarray | None:
        """Return what development rows count in scores, or None where all count alike."""
        return None if self.rows.score_weights is None else self.rows.score_weights[rows]

    def truths(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(truth[rows] for truth in self.rows.truths)

    def compared(self, a: Trial, b: Trial, output: int = 0) -> dict[str, Any]:
        """Return the paired difference of two trials on one output, unless said the first; positive when `a` is better."""
        rows = np.intersect1d(a.rows, b.rows)
        outputs = self.problem.outputs
        left, right = (original_scale(tuple(p[np.isin(t.rows, rows)] for p in t.raw), outputs)[output] for t in (a, b))
        return difference(
            outputs[output], self.rows.truths[output][rows], left, right, self.roles.blocks[rows], seed=self.seed,
            thresholds=(a.entry["thresholds"][output], b.entry["thresholds"][output]), times=self.times(rows), weights=self.weights(rows),
        )  # fmt: skip

    def cost(self, predictor: Predictor) -> tuple[float, float]:
        """Return (size [MB], single-row latency [ms]) of a predictor, packaged; in full where the problem states limits."""
        model = self.packaged(predictor, (None,) * len(self.problem.outputs), {})
        return measure(model, self.samples, draft=self.problem.limits == Limits())

    def packaged(
        self,
        predictor: Predictor,
        thresholds: Sequence[Threshold],
        evidence: Mapping[str, Any],
        key: str | None = None,
    ) -> Model:
        """Return a predictor as a Model, with golden rows."""
        model = Model(self.columns, self.problem.outputs, predictor, self.find, tuple(thresholds), key, {}, evidence)
        golden = golden_rows(self.samples, self.columns, seed=self.seed)
        answers = [prediction.tolist() for prediction in model.predict_rows(golden)[0]]
        return replace(model, golden={"rows": golden, "answers": answers, "tolerance": 1e-5})

    def _paced(self, candidate: Candidate, seconds: float) -> Candidate:
        """Return the candidate at the pace that a fit of `seconds` asks for, where its learner has one."""
        paced = getattr(candidate.learner, "paced", None)
        if paced is None or math.isinf(seconds):
            return candidate
        learner = paced(self.encoded(candidate), self.problem.outputs, FOR_THE_FIT * seconds, self.threads)
        return replace(candidate, learner=learner)

    def _fold(self, number: int, share: float) -> Fold:
        fold = self.folds[number]
        if share >= 1.0:
            return fold
        roles = self.roles.take(fold.train)
        return replace(fold, train=fold.train[self.splitter.hold_out(roles, share, "rung")[1]])


def golden_rows(
    samples: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, seed: int, n: int = 8
) -> list[dict[str, Any]]:
    """Return made-up rows: each column's cells are drawn apart from the others', so that no row is a real one."""
    rng = generator(seed, "golden")
    names = [column.name for column in columns if "expression" not in column.read]
    return [{name: samples[int(rng.integers(len(samples)))][name] for name in names} for _ in range(n)]


def refitted(bench: Bench, trial: Trial, rows: Rows, seed: int) -> Fitted:
    """Fit a trial's candidate on `rows`, for as many steps as its evaluation found best."""
    steps = refit_steps(trial.candidate.learner, trial.entry["n_steps"], trial.entry["n_fit"], len(rows))
    effort = Effort(seed, bench.threads, n_steps=steps, watch=bench.watch)
    fitted, _ = fit(trial.candidate, rows, None, bench.problem.outputs, bench.modality, effort)
    return fitted


def _cut(entry: Mapping[str, Any]) -> bool:
    """Whether a clock had a part in what a trial gave: it ended a fit, or asked for another pace."""
    return "clock" in entry.get("stopped", ()) or entry.get("paced", False)


def _key(data: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=12).hexdigest()
