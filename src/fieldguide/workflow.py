"""The table of contents: the steps in order, each handed exactly what it needs; `Study` is the folder as an object.

Knows the order and what each step is handed. What a step does is in `steps/`; how a result looks is a face's; what was found is
in `core.record`.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.config import Config, load_config
from fieldguide.core.errors import GateError, StudyError, listed, nearest
from fieldguide.core.journal import Journal
from fieldguide.core.leaderboard import ranked, weigh
from fieldguide.core.model import Model
from fieldguide.core.problem import Problem
from fieldguide.core.reading import contract_of
from fieldguide.core.record import Budget, Record, hashed
from fieldguide.core.result import Result
from fieldguide.core.seal import Seal
from fieldguide.core.settings import with_values
from fieldguide.core.store import Store
from fieldguide.core.table import ignoring
from fieldguide.core.transform import Recipe
from fieldguide.material import Material
from fieldguide.parts import find

if TYPE_CHECKING:
    from fieldguide.core.rules import Bound
    from fieldguide.steps.refine import Blended
    from fieldguide.steps.rules import Held

STEPS = ("frame", "split", "explore", "prepare", "baseline", "train", "refine", "finalize")
SHARES = {"baseline": 0.2, "train": 0.5, "refine": 1.0}
"""Part of the time left that a step may take, the refit's part kept back."""
REFIT_SHARE = 0.26
WORDS = ("goal", "unit", "decision", "prediction_time", "assumptions")
"""Entries of the problem that no number depends on: answering them later runs nothing again."""
HEADS = ("linear", "mlp")
"""Learners that are tried on the features of a frozen checkpoint as well."""
FAST_MINUTES = 0.5
REPEATS_FROM_MINUTES = 2.0
"""A shorter budget buys more candidates instead of repeats of the folds."""

Watch = Callable[[dict[str, Any]], None]


def load_model(folder: str | Path) -> Model:
    """Open a model folder that `finalize` or `package` wrote; hashes and golden rows are checked first."""
    return Model.load(folder, find)


class Study:
    """A study folder: study.yaml, the journal, the seal, and what the steps found.

    Every step may be called alone; it runs what it needs first, and nothing that is already in the journal.

    Examples:
        >>> import tempfile, fieldguide as fg
        >>> rows = {"x": [i * 7 % 60 for i in range(60)], "y": [i % 2 for i in range(60)]}
        >>> study = fg.Study.create(rows, target="y", out=tempfile.mkdtemp() + "/study")
        >>> study.split()["n_test"]
        10
    """

    def __init__(self, folder: str | Path, watch: Watch | None = None) -> None:
        self.folder = Path(folder)
        if not (self.folder / "study.yaml").is_file():
            raise StudyError(
                f"{self.folder} is not a study folder", rule="a study folder holds study.yaml",
                do="make one: fieldguide init TABLE --target COLUMN",
            )  # fmt: skip
        self.config: Config = load_config(self.folder / "study.yaml")
        self.journal = Journal(self.folder / "journal.jsonl")
        self.seal = Seal(self.folder, self.journal)
        self._told = watch
        self.record = Record(self.journal, self.watch)
        self.material = Material(self.config, self.folder, self.journal, self.record, self.seal, self.join)
        self._budget = Budget()
        self._trials = self.config.budget.trials

    @classmethod
    def create(
        cls,
        data: Any,
        target: str | Sequence[str],
        *,
        out: str | Path | None = None,
        watch: Watch | None = None,
        **answers: Any,
    ) -> Study:
        """Make a study folder with study.yaml: what was guessed, and what only a person can answer.

        Args:
            data: a path to CSV, TSV, Parquet or Arrow, or a data frame (kept in the folder as Parquet).
            target: the column to predict, or several.
            out: the folder; default: named after the file, in the current folder.
            answers: entries of the `problem` section, such as goal or costs.
        """
        from fieldguide.steps.begin import begin

        return cls(begin(data, target, out, answers), watch)

    def watch(self, event: Mapping[str, Any]) -> None:
        """Tell whoever watches what happens, with the seconds left of the budget."""
        if self._told is not None:
            self._told({**event, "left": self._budget.clock.left()})

    # --- the steps, in order ---------------------------------------------------------------------------------------

    def join(self) -> Result:
        """Make the study's table of event tables: one row per unit, with what was known at its prediction time."""
        from fieldguide.steps.join import kept

        return kept(self.config, self.folder, self.record, self.threads)

    def frame(self) -> Result:
        """What is asked, and what is still unanswered."""
        from fieldguide.steps.stale import keep_stale

        framed = self.material.framed
        if self.config.rules is not None:
            self.rules()
        keep_stale(self.folder / "stale_rows.parquet", framed.table, framed.stale)
        return self.record.once("frame", self._scope("frame"), lambda: (framed.facts, framed.findings))

    def features(self, *, write: bool = False, accept: bool = False, reason: str | None = None) -> Result:
        """Hold the table against contract.yaml.

        Args:
            write: draft contract.yaml from what was detected first; there must be none.
            accept: record the definitions and fingerprints of the present state in the journal.
            reason: why what changed under the same version may be accepted all the same.
        """
        from fieldguide.steps.contract import accepted, told, write_draft

        if write:
            write_draft(self.material.contract_path, self.material.framed)
            self.material.reread_contract()
        result = told(self.frame())
        if accept and self.material.agreed is not None:
            self.journal.append("contract", accepted(self.material.agreed, self.material.framed, reason))
            self.material.reread_contract()
            result = told(self.frame())
        return result

    def split(self) -> Result:
        """Seal the test set, then make folds of the rest."""
        from fieldguide.steps.split import prove

        self.frame()
        examples = self.material.framed.examples
        if examples is not None:
            from fieldguide.steps.split_series import prove_series

            return self.record.once(
                "split",
                self._scope("split"),
                lambda: prove_series(self.material.framed.table, self.material.divided, examples),
            )
        return self.record.once(
            "split",
            self._scope("split"),
            lambda: prove(self.material.framed.table, self.material.divided, threads=self.threads),
        )

    def explore(self) -> Result:
        """Look at the development rows and freeze the metric."""
        from fieldguide.core.slices import slices_of
        from fieldguide.steps.explore import explore

        self.split()
        result = self._explore_series() if self.material.examples is not None else self.record.once("explore", self._scope("explore"), lambda: explore(
            self.material.development, self.material.framed.problem, self.material.divided.split.roles, self._metrics_before(),
            order=self.material.divided.split.work, proxies=self.config.proxies, slices=slices_of(self.material.development, self.config.slices),
            kept={name for name, said in self.config.data.columns.items() if said.role == "feature"}, seed=self.config.seed, threads=self.threads,
        ))  # fmt: skip
        metrics = {m["output"]: {m["metric"]: m["settings"]} for m in result["metrics"]}
        if (self.journal.last("metric") or {}).get("metrics") != metrics:
            self.journal.append("metric", {"metrics": metrics})
        return result

    def _explore_series(self) -> Result:
        """The same of a forecast: the development steps of every series."""
        from fieldguide.steps.explore_series import explore_series

        material, examples = self.material, self.material.examples
        assert examples is not None
        return self.record.once("explore", self._scope("explore"), lambda: explore_series(
            examples, material.rows, material.divided.split, material.framed.problem, material.framed.facts["series"], self._metrics_before(),
            seed=self.config.seed,
        ))  # fmt: skip

    def _metrics_before(self) -> list[str]:
        """Metrics by which models were judged before, in order: a change after `baseline` is told for ever."""
        found: list[str] = []
        metric = ""
        for record in self.journal.records():
            if record["event"] == "metric":
                metric = ", ".join(name for chosen in record["data"]["metrics"].values() for name in chosen)
            elif record["event"] == "done" and record["data"]["step"] == "baseline" and found[-1:] != [metric]:
                found.append(metric)
        return found

    def prepare(self) -> Result:
        """Describe what the transform inside every fit does to the columns."""
        from fieldguide.steps.prepare import prepare

        profile = dict(self.explore().facts)
        return self.record.once("prepare", self._scope("prepare"), lambda: prepare(
            self.material.plain, self.material.rows, self.material.divided.split.folds[0].train, profile, Recipe()
        ))  # fmt: skip

    def baseline(self) -> Result:
        """Set the bar: trivial rule, best single feature, linear, neighbours, boosting."""
        from fieldguide.steps.baseline import baseline, baselines_of
        from fieldguide.steps.forecasters import baselines

        self.prepare()
        return self.record.once("baseline", self._scope("baseline"), lambda: baseline(
            self._bench, self._candidates(baselines_of(self.material.framed.problem) if self.material.examples is None else baselines(self._budget.minutes)), self._budget.share(SHARES["baseline"])
        ))  # fmt: skip

    def train(self) -> Result:
        """Train the standard networks, first shown to overfit, and compare with the bar."""
        from fieldguide.steps.forecasters import NETWORKS as FORECAST_NETWORKS
        from fieldguide.steps.train import networks, train

        bar = self._bar(self.baseline())
        chosen = (
            networks({column.kind for column in self.material.seen.features})
            if self.material.examples is None
            else FORECAST_NETWORKS
        )
        return self.record.once("train", self._scope("train"), lambda: train(
            self._bench, self._candidates(chosen), bar, lambda: self._budget.share(SHARES["train"]), frozenset(self.config.learners.settings)
        ))  # fmt: skip

    def refine(self) -> Result:
        """The only loop: capacity, regularisation, random search, blend."""
        from fieldguide.steps.refine import refine

        baselines = self.baseline()
        bar, tried = self._bar(baselines), [*baselines["entries"], *self.train()["entries"]]
        return self.record.once("refine", self._scope("refine"), lambda: refine(
            self._bench, [self._bench.remembered(entry) for entry in tried], bar, n_trials=self._trials,
            start=lambda refit: self._budget.share(SHARES["refine"], refit * self.material.n_refits),
            refit_seconds=lambda: self._budget.refit_seconds() / self.material.n_refits,
            table=self.material.seen if self.material.examples is None else None,
        ))  # fmt: skip

    def run(self, *, fast: bool = False, minutes: float | None = None, trials: int | None = None) -> Result:
        """Run every step through refine; the seal stays closed. Runs only what is not in the journal yet.

        Args:
            fast: stop after the baselines, in about half a minute, with a forecast of the full run.
            minutes: wall time for run and finalize together; overrides study.yaml.
            trials: candidates that refine may try; overrides study.yaml.
        """
        budget = self.config.budget
        self._trials = budget.trials if trials is None else trials
        limit = FAST_MINUTES if fast else budget.minutes if minutes is None else minutes
        self._budget = Budget.open(self.journal, limit, 0.0 if fast else REFIT_SHARE)
        with self._budget.sitting(self.journal):
            if fast:
                return self._forecast(self.baseline())
            return self.refine()

    def finalize(self, reason: str | None = None) -> Result:
        """Refit the chosen candidate on all development rows, open the seal once, write `model/`.

        Args:
            reason: why a second look at the sealed rows is worth it; shown in the report for ever.

        Raises:
            GateError: nothing was chosen yet, or the seal was opened before and there is no reason.
        """
        from fieldguide.core.candidate import calibrated
        from fieldguide.steps.calibrate import calibrate
        from fieldguide.steps.finalize import finalize, refit
        from fieldguide.steps.promise import outlook as drifting
        from fieldguide.steps.promise import past_of
        from fieldguide.steps.refine import Blended, answer
        from fieldguide.steps.rules import keep_answers

        rules = None if self.config.rules is None else self.rules()
        search = self.record.result("refine")
        if search is None:
            raise GateError(
                "no candidate was chosen yet",
                rule="the seal is opened for a chosen candidate",
                do="fieldguide run first",
            )
        resumes = self._look_unfinished()
        if not resumes:
            self.seal.admit(reason)

        def compute() -> tuple[dict[str, Any], Any]:
            bench = self._bench
            chosen, entry, bar = answer(bench, search.facts)
            rows = self.material.rows_of(self.material.to_learn)
            predictor = refit(bench, chosen, rows)
            correction = calibrate(bench, chosen, entry["thresholds"])
            entry = {**entry, "thresholds": list(correction.thresholds)}
            alone = [member.name for member in chosen.members] == [bar.name]
            evidence = {**self._evidence(entry), **self._interval(bench, chosen)}
            model = bench.packaged(
                calibrated(predictor, correction.calibrators), entry["thresholds"], evidence, self.material.key
            )
            bar_model = bench.packaged(
                predictor if alone else refit(bench, Blended((bar,), (1.0,)), rows), bar.entry["thresholds"], {}
            )
            outlook = drifting(bench, self._entries().values(), self.explore().findings)
            if not resumes:
                self.seal.open("finalize", reason)
            judged, facts, findings = finalize(
                bench,
                model,
                entry,
                bar_model,
                bar.entry,
                self.material.sealed(),
                self.seal.looks,
                search["optimism"]["value"],
                len(rows),
                len(self.material.to_ship),
                past=past_of(bench, chosen, bar),
                outlook=outlook,
                discrimination=self.split()["discrimination"],
                examples=self.material.examples,
                test=self.material.divided.split.test,
                keep=lambda answers: keep_answers(self.folder / "work", answers),
            )
            if self.material.n_refits > 1:
                again = refit(bench, chosen, self.material.rows_of(self.material.to_ship))
                judged = replace(
                    bench.packaged(
                        calibrated(again, correction.calibrators),
                        entry["thresholds"],
                        judged.evidence,
                        self.material.key,
                    ),
                    evidence=judged.evidence,
                )
            self._replace_model(replace(judged, rules=rules))
            megabytes, latency = weigh(self.folder / "model", bench.samples, find)
            facts = {**facts, "calibrators": [dict(fact) for fact in correction.facts]}
            return {**facts, "megabytes": megabytes, "latency_ms": latency}, findings

        return self.record.once(
            "finalize", f"{self._scope('finalize')} look {len(self.seal.looks) + (not resumes)}", compute
        )

    # --- beside the order ------------------------------------------------------------------------------------------

    def package(self, candidate: str, out: str | Path) -> Model:
        """Write any candidate as a servable model, the seal closed (looks: 0): the shortest way to an online test.

        Raises:
            StudyError: there is no such candidate, or the folder exists.
        """
        from fieldguide.core.candidate import calibrated
        from fieldguide.steps.calibrate import calibrate
        from fieldguide.steps.finalize import refit
        from fieldguide.steps.refine import blended_of

        out = Path(out)
        if out.exists():
            raise StudyError(
                f"{out} already exists",
                rule="a model folder is written whole, never over another",
                do="name another folder",
            )
        entries = self._entries()
        if candidate not in entries:
            raise StudyError(
                f"there is no candidate {candidate!r}{nearest(candidate, entries)}",
                found=f"candidates are {listed(entries)}" if entries else "nothing was tried yet", do="" if entries else "fieldguide run first",
            )  # fmt: skip
        bench, entry = self._bench, entries[candidate]
        chosen = blended_of(bench, entries, candidate)
        rules = None if self.config.rules is None else self.rules()
        correction = calibrate(bench, chosen, entry["thresholds"])
        model = bench.packaged(
            calibrated(refit(bench, chosen, self.material.rows_of(self.material.to_learn)), correction.calibrators),
            correction.thresholds,
            {**self._evidence(entry), **self._interval(bench, chosen)},
            self.material.key,
        )
        replace(model, rules=rules).save(out)
        self.journal.append("packaged", {"candidate": candidate, "folder": str(out), "looks": 0})
        return load_model(out)

    def evaluate(self, predictions: Any, reason: str | None = None) -> Result:
        """Judge predictions made elsewhere with the same evidence; sealed rows cost a look.

        Args:
            predictions: a file or data frame with the key column (or `row`, counted from 0 in the study's table), and
                `prediction` or `probability_<label>` columns.
            reason: needed when sealed rows are among them and the seal was opened before.
        """
        from fieldguide.steps.evaluate import evaluate, read_answers

        if self.material.examples is not None:
            raise StudyError(
                "forecasts made elsewhere cannot be judged by a study yet", rule="predictions are judged row by row of the table",
                do="fit the other forecaster as a learner of this study, so that it is judged on the same origins",
            )  # fmt: skip
        bar = self._bar(self.record.result("baseline") or self.baseline())
        table, divided = self.material.framed.table, self.material.divided
        keys = None if self.material.key is None else table.frame[self.material.key]
        answers = read_answers(predictions, self.problem, self.material.key, keys, table.n_rows)
        name = str(predictions) if isinstance(predictions, (str, Path)) else "a data frame"
        if divided.sealed(answers.rows):
            self.seal.open(f"evaluate {name}", reason)
        truths = tuple(output.code(table.frame[output.name]) for output in self.problem.outputs)
        facts, findings = evaluate(
            self._bench, truths, answers, divided.roles.blocks, divided.split, bar, looks=len(self.seal.looks)
        )
        result = Result("evaluate", {"predictions": name, **facts}, findings)
        self.journal.append("evaluated", result.to_dict())
        return result

    def recency(self, candidate: str | None = None, period: str | None = None) -> Result:
        """How fast the answer ages, on development rows: train up to N, score N + 1, N + 2, …; what retraining costs.

        Args:
            candidate: name of a candidate; None: the chosen one, or the bar where that is a network or a blend.
            period: hour, day, week, month, quarter or year; None: what suits the span of the rows.

        Raises:
            StudyError: there is no such candidate, or the study has no time column.
        """
        from fieldguide.steps.recency import age

        bar = self._bar(self.baseline())
        bench, table, entries = self._bench, self.material.seen, self._entries()
        if candidate is not None:
            self._single(candidate)
        search = self.record.result("refine")
        chosen = entries[candidate or (search["chosen"] if search is not None else bar.name)]
        trial = bench.remembered(chosen) if candidate or chosen["kind"] not in ("network", "ensemble") else bar
        scope = f"{self._scope('recency')} {trial.entry['key']} {period}"
        return self.record.once("recency", scope, lambda: age(bench, trial, table, period))

    def intervals(self, candidate: str | None = None, level: float = 0.9) -> Result:
        """Quantile intervals of a number by the pinball loss, and how many validation rows they cover.

        Args:
            candidate: name of a candidate that can learn quantiles; None: the best of those.
            level: share of rows that should lie inside.

        Raises:
            StudyError: there is no such candidate, or the target is not one number.
        """
        from fieldguide.steps.intervals import able, intervals

        self.baseline()
        bench = self._bench
        trials = {
            e["candidate"]: e
            for e in ranked(self.problem, list(self._entries().values()))
            if e["kind"] not in ("ensemble", "trivial")
        }
        may = [name for name, e in trials.items() if able(find("learners", e["learner"])())]
        name = candidate or (may[0] if may else "")
        if name not in trials:
            raise StudyError(
                f"there is no candidate {name!r} that learns quantiles{nearest(name, trials)}", rule="boosting and networks minimise the pinball loss",
                found=f"candidates are {listed(trials)}",
            )  # fmt: skip
        trial = bench.remembered(trials[name])
        clock = self._beside
        scope = f"{self._scope('intervals')} {trial.entry['key']} {level}"
        return self.record.once("intervals", scope, lambda: intervals(bench, trial, level, clock))

    def rates(self) -> Result:
        """At which learning rates the study's networks learn, by a range test on the first fold's training rows."""
        from fieldguide.steps.rates import rates
        from fieldguide.steps.train import networks

        self.prepare()
        chosen = networks({column.kind for column in self.material.seen.features})
        clock = self._beside
        return self.record.once(
            "rates", self._scope("rates"), lambda: rates(self._bench, self._candidates(chosen), clock)
        )

    def imbalance(self, candidate: str | None = None) -> Result:
        """What each remedy for a rare class buys, on validation rows: weights, resampling, focal loss, threshold, calibration.

        Args:
            candidate: name of a candidate; None: the best baseline.

        Raises:
            StudyError: there is no such candidate, or the problem is not binary.
        """
        from fieldguide.steps.imbalance import imbalance

        bar = self._bar(self.baseline())
        bench = self._bench
        trial = bar if candidate is None else bench.remembered(self._single(candidate, ("ensemble", "trivial")))
        clock = self._beside
        scope = f"{self._scope('imbalance')} {trial.entry['key']}"
        return self.record.once("imbalance", scope, lambda: imbalance(bench, trial, clock))

    def rules(self) -> Bound:
        """The rules of study.yaml, checked against the study's outputs and columns; their version is in the journal.

        Raises:
            StudyError: there are none.
            ConfigError: a rule names what is not there, or compares what cannot be compared.
        """
        from fieldguide.core.rules import bind
        from fieldguide.steps.ruling import recorded, written

        bound = bind(written(self.config), self.material.framed.problem.outputs, self.material.framed.columns)
        recorded(self.journal, bound.rules)
        return bound

    def rules_check(self) -> Result:
        """Count where the rules hold, by the true signals of development rows; needs no model."""
        from fieldguide.steps.rules import check
        from fieldguide.steps.ruling import known_later

        self.split()
        bound, later = self.rules(), known_later(self.config, self.material.excluded)
        return Result("rules", *check(bound, self.material.rows.truths, self.material.development.frame, later))

    def rules_evaluate(self, *, test: bool = False, reason: str | None = None) -> Result:
        """Judge the signals and the decision that follows from them, beside predicting the decision directly.

        Args:
            test: on the sealed rows, by the answers that finalize kept: a look.
            reason: needed for a look that is not the first.
        """
        from fieldguide.steps.rules import evaluate
        from fieldguide.steps.ruling import direct_of, known_later, truth_of

        bound, truth = self.rules(), truth_of(self.config)
        name, held, rows = self._held(f"rules evaluate, version {bound.rules.version}", test, reason)
        later = known_later(self.config, self.material.excluded)

        def compute() -> tuple[dict[str, Any], Any]:
            clock = self._beside
            direct = None if test else direct_of(
                self._bench, self.baseline()["entries"], bound, self.material.development.frame, truth, rows, clock
            )  # fmt: skip
            return evaluate(self._bench, bound, held, name, later=later, truth=truth, direct=direct)

        scope = f"{self._scope('rules')} {bound.rules.version} {truth} {name} {held.part} {held.looks}"
        return self.record.once("rules", scope, compute)

    def rules_diff(
        self, against: str | Path | None = None, *, test: bool = False, reason: str | None = None
    ) -> tuple[Result, pl.DataFrame]:
        """Say whose decision changes between another version of the rules and the present one; nothing is fitted.

        Args:
            against: a version in the journal, a study.yaml or a model folder; None: what `model/` carries, else the version before.
            test: on the sealed rows, by the answers that finalize kept: a look, recorded before they are opened.
            reason: needed for a look that is not the first.

        Returns:
            the result, and every row whose decision changes.
        """
        from fieldguide.core.rules import bind
        from fieldguide.steps.rules import diff
        from fieldguide.steps.ruling import other_version, truth_of

        new, framed = self.rules(), self.material.framed
        old = bind(other_version(self.folder, self.journal, new.rules, against), framed.problem.outputs, framed.columns)
        by = f"rules diff, version {old.rules.version} to {new.rules.version}"
        _, held, _ = self._held(by, test, reason)
        facts, changed = diff(old, new, held, seed=self.config.seed, truth=truth_of(self.config))
        scope = f"{self._scope('rules')} {old.rules.version} {new.rules.version} {held.part} {held.looks}"
        return self.record.keep(Result("rules_diff", facts), scope), changed

    def rules_attach(self, out: str | Path, model: str | Path | None = None) -> Model:
        """Write a copy of a model (default: `model/`) that carries the present rules; nothing is fitted."""
        from fieldguide.core.model import attach_rules
        from fieldguide.core.rules import bind

        carried = load_model(self.folder / "model" if model is None else model)
        attach_rules(carried, bind(self.rules().rules, carried.outputs, self.material.framed.columns), Path(out))
        return load_model(out)

    def _held(self, by: str, test: bool, reason: str | None) -> tuple[str, Held, np.ndarray]:
        """Rows that rules are held against: whose answers, the rows, and which development rows they are."""
        from fieldguide.steps.refine import Blended, answer
        from fieldguide.steps.rules import Held, kept_answers, validated

        table, split = self.material.framed.table, self.material.divided.split
        if test:
            done = self.record.result("finalize")
            if done is None:
                raise GateError(
                    "nothing was finalized yet",
                    rule="rules are held against the answers of the finalized model",
                    do="fieldguide finalize first, or leave --test out",
                )
            predictions = kept_answers(self.folder / "work", self.problem.outputs, len(split.test))
            self.seal.open(by, reason)
            sealed = self.material.sealed()
            rows, place, name = split.test, np.arange(0), str(done["chosen"])
            thresholds, truths, blocks = done["thresholds"], sealed.rows.truths, sealed.blocks
        else:
            bench, search = self._bench, self.record.result("refine")
            if search is not None:
                chosen, entry, _ = answer(bench, search.facts)
            else:
                bar = self._bar(self.baseline())
                chosen, entry = Blended((bar,), (1.0,)), bar.entry
            place, name = chosen.members[0].rows, str(entry["candidate"])
            predictions, thresholds = validated(bench, chosen, entry["thresholds"])
            rows, truths, blocks = split.work[place], bench.truths(place), bench.roles.blocks[place]
        names = pl.Series("row", rows) if self.material.key is None else table.frame[self.material.key][rows]
        part = "test" if test else "validation"
        looks = len(self.seal.looks) if test else 0
        return name, Held(part, predictions, thresholds, truths, table.frame[rows], blocks, names, looks), place

    def explain(self, candidate: str | None = None, rows: Any = None) -> Result:
        """What an answer follows from: SHAP values, permutation importance, partial dependence, counter-examples.

        Looks into the candidate on validation rows it was not fitted on; the seal stays closed.

        Args:
            candidate: name of a candidate; None: the chosen one, or the bar before refine.
            rows: a file or data frame of rows to explain one by one as well; such a result is not recorded.

        Raises:
            StudyError: there is no such candidate, it looks at no column, or the study is a forecast.
        """
        from fieldguide.steps.explain import explain, read_asked
        from fieldguide.steps.refine import blended_of

        if self.material.examples is not None:
            raise StudyError(
                "a forecast cannot be explained column by column yet", rule="explain looks into tables of columns",
                do="compare it with seasonal_naive on the leaderboard, and look at its useful horizon (FG812)",
            )  # fmt: skip
        bar = self._bar(self.baseline())
        bench, entries, search = self._bench, self._entries(), self.record.result("refine")
        able = {name: entry for name, entry in entries.items() if entry["kind"] != "trivial"}
        name = candidate or (search["chosen"] if search is not None else bar.name)
        if name not in able:
            raise StudyError(
                f"there is no candidate {name!r} to explain{nearest(name, able)}", rule="a candidate looks at columns",
                found=f"candidates are {listed(able)}" if able else "none was tried yet",
                do="" if search is not None else "fieldguide run first: networks and refined candidates come after the baselines",
            )  # fmt: skip
        chosen, entry = blended_of(bench, entries, name), entries[name]
        if rows is not None:
            asked = read_asked(bench, rows)
            facts, findings = explain(
                bench,
                chosen,
                name,
                entry["thresholds"],
                asked,
                str(rows) if isinstance(rows, (str, Path)) else "a data frame",
            )
            return Result("explain", facts, findings)
        keys = [member.entry["key"] for member in chosen.members]
        return self.record.once(
            "explain",
            f"{self._scope('explain')} {keys} {chosen.weights}",
            lambda: explain(bench, chosen, name, entry["thresholds"]),
        )

    def leaderboard(self) -> list[dict[str, Any]]:
        """Candidates, the best first, by their validation scores. Test scores are in `finalize`'s result, and nowhere before."""
        columns = ("candidate", "kind", "difference", "seconds", "megabytes", "latency_ms")
        entries = ranked(self.problem, list(self._entries().values())) if self._entries() else []
        return [
            {"score": entry["scores"][0], "scores": entry["scores"], **{name: entry.get(name) for name in columns}}
            for entry in entries
        ]

    def status(self) -> dict[str, Any]:
        """Where the study stands: steps done, what is unproven, what comes next."""
        done = [step for step in STEPS if self.record.done(step)]
        fired = [f for result in self.results() for f in result.findings if f.fired]
        return {
            "study": self.folder.name, "done": done, "next": next((step for step in STEPS if step not in done), None),
            "looks": len(self.seal.looks), "unproven": [f.to_dict() for f in fired if f.severity != "info" or f.code == "FG101"],
        }  # fmt: skip

    def results(self) -> list[Result]:
        """Return the recorded result of every step that was run, in order."""
        return [result for step in ("join", *STEPS) if (result := self.record.result(step)) is not None]

    def to_dict(self) -> dict[str, Any]:
        """Return the study as one document: the shape of `--json`."""
        results = {result.step: result for result in self.results()}
        last = results.get("finalize") or results.get("refine") or results.get("train") or results.get("baseline")
        scores = (
            [] if last is None else list(last["scores"] if last.step == "finalize" else last["entries"][0]["scores"])
        )
        chosen = None if last is None else last.facts.get("chosen") or last.facts.get("bar")
        return {
            "study": self.folder.name, "step": next(reversed(results), None), "status": self.status(), "chosen": chosen,
            "scores": scores, "score": scores[0] if scores else None,
            **({"declined": last.facts["declined"]} if last is not None and last.facts.get("declined") else {}), "leaderboard": self.leaderboard(),
            "findings": [f.to_dict() for result in results.values() for f in result.findings],
            "seconds": round(sum(result.seconds for result in results.values()), 3),
        }  # fmt: skip

    @property
    def problem(self) -> Problem:
        """The problem, with its frozen metric once explore has run."""
        return self.material.problem

    @property
    def threads(self) -> int:
        """Threads to compute with: what study.yaml says, else the cores this process may use."""
        may = getattr(os, "sched_getaffinity", None)
        return self.config.threads or (len(may(0)) if may is not None else os.cpu_count() or 1)

    # --- what steps are handed -------------------------------------------------------------------------------------

    @property
    def _bench(self) -> Bench:
        self.explore()
        split, columns = (
            self.material.divided.split,
            contract_of(ignoring(self.material.framed.columns, self.material.excluded)),
        )
        short = self._budget.minutes is not None and self._budget.minutes < REPEATS_FROM_MINUTES
        folds = tuple(fold for fold in split.folds if not short or fold.repeat == 0)
        return Bench(
            self.problem, self.material.rows, folds, split.roles, split.splitter, columns, self.material.samples(columns), find,
            self.config.seed, self.threads, self._store, self._budget.minutes, self.watch, self._encodings,
        )  # fmt: skip

    @cached_property
    def _encodings(self) -> dict[Any, Any]:
        return {}

    @cached_property
    def _store(self) -> Store:
        return Store(self.journal, self.folder / "work", self._scope("trials"))

    def _bar(self, baselines: Result) -> Trial:
        return self._bench.remembered(next(e for e in baselines["entries"] if e["candidate"] == baselines["bar"]))

    def _candidates(self, learners: Sequence[str]) -> list[Candidate]:
        """The learners that study.yaml lets take part, with the settings it gives them.

        Where a column names a checkpoint, simple heads on its frozen features are candidates of their own: the start of
        transfer learning.
        """
        said = self.config.learners
        names = [name for name in learners if (said.use is None or name in said.use) and name not in said.skip]
        pretrained = any("checkpoint" in column.read for column in self.material.seen.features)
        found = []
        for name in names:
            learner = with_values(self._learner(name), said.settings.get(name, {}))
            recipe = {"balance": self.config.problem.imbalance}
            found.append(Candidate.of(name, learner, recipe))
            if pretrained and name in HEADS:
                found.append(Candidate.of(f"{name} on features", learner, {**recipe, "media": "features"}))
        return found

    def _learner(self, name: str) -> Any:
        """The learner by name; one that forecasts has the study's season and window."""
        from fieldguide.steps.forecasters import settings_of

        learner, examples = find("learners", name)(), self.material.examples
        return learner if examples is None else with_values(learner, settings_of(learner, examples))

    def _entries(self) -> dict[str, Mapping[str, Any]]:
        """Leaderboard entries by candidate, from the recorded results."""
        return {entry["candidate"]: entry for result in self.results() for entry in result.facts.get("entries", [])}

    def _single(self, candidate: str, but: Sequence[str] = ("ensemble",)) -> Mapping[str, Any]:
        """The leaderboard entry of a candidate by name, of none of the kinds in `but`."""
        entries = {name: entry for name, entry in self._entries().items() if entry["kind"] not in but}
        if candidate not in entries:
            raise StudyError(
                f"there is no single candidate {candidate!r}{nearest(candidate, entries)}", found=f"candidates are {listed(entries)}"
            )  # fmt: skip
        return entries[candidate]

    @property
    def _beside(self) -> Clock:
        """The time that a verb beside the order may take: the budget's minutes, each anew."""
        return Clock.of(60 * self.config.budget.minutes) if self.config.budget.minutes else Clock()

    def _scope(self, step: str) -> str:
        """Hash of what a step's result depends on: the table, the settings, and for steps that try candidates the budget."""
        said = self.config.to_dict()
        said["problem"] = {k: v for k, v in said["problem"].items() if step == "frame" or k not in WORDS}
        said.pop("rules")  # decisions follow from answers: other rules need no other model
        for name in (
            ("budget",)
            if step in ("frame", "finalize") or (step == "explore" and self.config.proxies)
            else ("budget", "slices")
        ):
            said.pop(name)
        if step == "frame" and self.material.agreed is not None:
            said["contract"] = self.material.agreed.state
        if own := [
            state for output in self.material.framed.problem.outputs if (state := getattr(output.loss, "state", ""))
        ]:
            said["own losses"] = own  # a loss of one's own is code: where it changes, steps run again
        budget = [self._budget.minutes, self._trials if step == "refine" else None] if step in SHARES else None
        return hashed({"settings": said, "table": self.material.fingerprint, "budget": budget})

    # --- small print -----------------------------------------------------------------------------------------------

    def _look_unfinished(self) -> bool:
        """Whether a finalize was killed after it opened the seal: its look is continued, not counted again."""
        last = [
            r
            for r in self.journal.records()
            if r["event"] == "look" or (r["event"] == "done" and r["data"]["step"] == "finalize")
        ]
        return bool(last) and last[-1]["event"] == "look" and last[-1]["data"]["by"] == "finalize"

    def _replace_model(self, model: Model) -> None:
        folder = self.folder / "model"
        if folder.exists() and self.record.done("finalize"):
            folder.rename(self.folder / f"model.{sum(1 for _ in self.folder.glob('model.*')) + 1}")
        elif folder.exists():  # written by a finalize that was killed before it was recorded
            shutil.rmtree(folder)
        model.save(folder)

    def _evidence(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        problem = self.problem
        card = {
            "goal": problem.goal, "unit": problem.unit, "decision": problem.decision, "candidate": entry["candidate"],
            "made by": f"fieldguide {version('fieldguide')}, Python {platform.python_version()}",
            "data": f"{self.material.framed.table.n_rows:,} rows, hash {self.material.divided.split.data_hash[:12]}",
        }  # fmt: skip
        return {"card": card, "scores": list(entry["scores"]), "looks": [], "seed": self.config.seed}

    def _interval(self, bench: Bench, chosen: Blended) -> dict[str, Any]:
        """How far a forecast was off on validation rows, frozen before the seal is opened; nothing where it is none."""
        from fieldguide.core.candidate import mixed
        from fieldguide.steps.judge_series import interval_of

        examples = self.material.examples
        if examples is None:
            return {}
        rows = chosen.members[0].rows
        (answer,) = mixed([member.raw for member in chosen.members], chosen.weights)
        return {
            "interval": interval_of(
                examples, self.material.divided.split.work[rows], np.asarray(bench.truths(rows)[0]), answer
            )
        }

    def _forecast(self, result: Result) -> Result:
        """Say what the full run would take."""
        budget = self.config.budget
        full = f"{budget.minutes:g} minutes at most" if budget.minutes else "as long as its trials take"
        seconds = {entry["candidate"]: entry["seconds"] for entry in result["entries"]}
        sentence = f"The full run adds two networks, up to {budget.trials} trials and a blend: {full}, refit and test included."
        return replace(
            result,
            facts={**result.facts, "forecast": {"sentence": sentence, "minutes": budget.minutes, "seconds": seconds}},
        )
