"""Beside the order: verbs that look at a study from another side. None of them changes what the steps in order give.

Knows which step and which candidate each verb is about. What is computed is in `steps/`; a look at sealed rows is the seal's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from fieldguide.core.errors import GateError, StudyError, listed, nearest
from fieldguide.core.leaderboard import ranked
from fieldguide.core.model import Model
from fieldguide.core.record import Budget
from fieldguide.core.result import Result
from fieldguide.parts import find
from fieldguide.workflow.loading import load_model
from fieldguide.workflow.order import Order

if TYPE_CHECKING:
    from fieldguide.steps.rules.judge import Held


class Beside(Order):
    """What may be asked of a study at any time."""

    def package(self, candidate: str, out: str | Path) -> Model:
        """Write any candidate as a servable model, the seal closed (looks: 0): the shortest way to an online test.

        Raises:
            StudyError: there is no such candidate, or the folder exists.
        """
        from fieldguide.steps.finalize.finalize import refit
        from fieldguide.steps.refine.blend import blended_of
        from fieldguide.steps.refine.calibrate import calibrate

        out = Path(out)
        if out.exists():
            raise StudyError(
                f"{out} already exists",
                rule="a model folder is written whole, never over another",
                found="a folder" if out.is_dir() else "a file",
                do="name another folder",
            )
        entries = self._entries()
        if candidate not in entries:
            raise StudyError(
                f"there is no candidate {candidate!r}{nearest(candidate, entries)}", rule="a candidate is one that the study has tried",
                found=f"candidates are {listed(entries)}" if entries else "nothing was tried yet",
                do="name one of them" if entries else "fieldguide run first",
            )  # fmt: skip
        bench, entry = self._bench, entries[candidate]
        chosen = blended_of(bench, entries, candidate)
        rules = None if self.config.rules is None else self.rules()
        correction = calibrate(bench, chosen, entry["thresholds"])
        predictor = refit(bench, chosen, self.material.rows_of(self.material.to_learn))
        model = self._model(bench, chosen, entry, predictor, correction)
        replace(model, rules=rules).save(out)
        self.journal.append("packaged", {"candidate": candidate, "folder": str(out), "looks": 0})
        return load_model(out)

    def evaluate(self, predictions: Any, reason: str | None = None, *, test: bool = False) -> Result:
        """Judge predictions made elsewhere with the same evidence.

        Sealed rows among them are left out, and counted, unless they are asked for: judging them is a look, which the journal
        records before they are opened.

        Args:
            predictions: a file or data frame with the key column (or `row`, counted from 0 in the study's table), and
                `prediction` or `probability_<label>` columns.
            reason: why the sealed rows are looked at once more; needed for a look that is not the first. A reason asks for the look.
            test: judge the sealed rows too: a look.

        Raises:
            GateError: a look is needed and not asked for, or asked for once more without a reason.
        """
        from fieldguide.steps.evaluate import evaluate, read_answers, unsealed

        self._about_a_target("evaluate")
        if self.material.examples is not None:
            raise StudyError(
                "forecasts made elsewhere cannot be judged by a study yet", rule="predictions are judged row by row of the table",
                found="the study is a forecast: an answer is a series of steps",
                do="fit the other forecaster as a learner of this study, so that it is judged on the same origins",
            )  # fmt: skip
        bar = self._bar(self._baselines())
        table, divided = self.material.framed.table, self.material.divided
        keys = None if self.material.key is None else table.frame[self.material.key]
        answers = read_answers(predictions, self.problem, self.material.key, keys, table.n_rows)
        name = str(predictions) if isinstance(predictions, (str, Path)) else "a data frame"
        n_left_out, wanted = 0, test or reason is not None
        if divided.sealed(answers.rows) and wanted:
            self.seal.open(f"evaluate {name}", reason)
        elif not wanted:
            answers, n_left_out = unsealed(answers, divided.split)
        truths = tuple(output.code(table.frame[output.name]) for output in self.problem.outputs)
        facts, findings = evaluate(
            self._bench, truths, answers, divided.roles.blocks, divided.split, bar, looks=len(self.seal.looks),
            weights=table.weights("judge"), n_left_out=n_left_out,
        )  # fmt: skip
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

        self._about_a_target("recency")
        bar = self._bar(self._baselines())
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

        self._about_a_target("intervals")
        self._baselines()
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
                do="name one of them by --candidate, or run boosting first",
            )  # fmt: skip
        trial = bench.remembered(trials[name])
        clock = self._beside
        scope = f"{self._clocked('intervals')} {trial.entry['key']} {level}"
        return self.record.once("intervals", scope, lambda: intervals(bench, trial, level, clock))

    def rates(self) -> Result:
        """At which learning rates the study's networks learn, by a range test on the first fold's training rows.

        Raises:
            StudyError: study.yaml lets no network take part, or the study has no target.
        """
        from fieldguide.steps.rates import rates

        self._about_a_target("rates")
        self.prepare()
        chosen, clock = self._networks, self._beside
        return self.record.once(
            "rates", self._clocked("rates"), lambda: rates(self._bench, self._candidates(chosen), chosen, clock)
        )

    def imbalance(self, candidate: str | None = None) -> Result:
        """What each remedy for a rare class buys, on validation rows: weights, resampling, focal loss, threshold, calibration.

        Args:
            candidate: name of a candidate; None: the best baseline.

        Raises:
            StudyError: there is no such candidate, or the problem is not binary.
        """
        from fieldguide.steps.imbalance import imbalance

        self._about_a_target("imbalance")
        bar = self._bar(self._baselines())
        bench = self._bench
        trial = bar if candidate is None else bench.remembered(self._single(candidate, ("ensemble", "trivial")))
        clock = self._beside
        scope = f"{self._clocked('imbalance')} {trial.entry['key']}"
        return self.record.once("imbalance", scope, lambda: imbalance(bench, trial, clock))

    def rules_check(self) -> Result:
        """Count where the rules hold, by the true signals of development rows; needs no model."""
        from fieldguide.steps.rules.bind import known_later
        from fieldguide.steps.rules.judge import check

        self.split()
        bound, later = self.rules(), known_later(self.config, self.material.excluded)
        return Result("rules", *check(bound, self.material.rows.truths, self.material.development.frame, later))

    def rules_evaluate(self, *, test: bool = False, reason: str | None = None) -> Result:
        """Judge the signals and the decision that follows from them, beside predicting the decision directly.

        Args:
            test: on the sealed rows, by the answers that finalize kept: a look.
            reason: needed for a look that is not the first.
        """
        from fieldguide.steps.rules.bind import direct_of, known_later, truth_of
        from fieldguide.steps.rules.judge import evaluate

        bound, truth = self.rules(), truth_of(self.config)
        name, held, rows = self._held(f"rules evaluate, version {bound.rules.version}", test, reason)
        later = known_later(self.config, self.material.excluded)

        def compute() -> tuple[dict[str, Any], Any]:
            clock = self._beside
            direct = None if test else direct_of(
                self._bench, self._baselines()["entries"], bound, self.material.development.frame, truth, rows, clock
            )  # fmt: skip
            return evaluate(self._bench, bound, held, name, later=later, truth=truth, direct=direct)

        scope = f"{self._clocked('rules')} {bound.rules.version} {truth} {name} {held.part} {held.looks}"
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
        from fieldguide.core.language.rules import bind
        from fieldguide.steps.rules.bind import other_version, truth_of
        from fieldguide.steps.rules.judge import diff

        new, framed = self.rules(), self.material.framed
        old = bind(other_version(self.folder, self.journal, new.rules, against), framed.problem.outputs, framed.columns)
        by = f"rules diff, version {old.rules.version} to {new.rules.version}"
        _, held, _ = self._held(by, test, reason)
        facts, changed = diff(old, new, held, seed=self.config.seed, truth=truth_of(self.config))
        scope = f"{self._scope('rules')} {old.rules.version} {new.rules.version} {held.part} {held.looks}"
        return self.record.keep(Result("rules_diff", facts), scope), changed

    def rules_attach(self, out: str | Path, model: str | Path | None = None) -> Model:
        """Write a copy of a model (default: `model/`) that carries the present rules; nothing is fitted."""
        from fieldguide.core.language.rules import bind
        from fieldguide.core.model import attach_rules

        carried = load_model(self.folder / "model" if model is None else model)
        attach_rules(carried, bind(self.rules().rules, carried.outputs, self.material.framed.columns), Path(out))
        return load_model(out)

    def _held(self, by: str, test: bool, reason: str | None) -> tuple[str, Held, np.ndarray]:
        """Rows that rules are held against: whose answers, the rows, and which development rows they are."""
        from fieldguide.steps.refine.blend import Blended, answer
        from fieldguide.steps.rules.judge import Held, kept_answers, validated

        table, split = self.material.framed.table, self.material.divided.split
        if test:
            done = self.record.result("finalize")
            if done is None:
                raise GateError(
                    "nothing was finalized yet",
                    rule="rules are held against the answers of the finalized model",
                    found="the journal has no result of finalize",
                    do="fieldguide finalize first, or leave --test out",
                )
            predictions = kept_answers(self.folder / "work", self.problem.outputs, len(split.test))
            self.seal.open(by, reason)
            sealed = self.material.sealed()
            rows, place, name = split.test, np.arange(0), str(done["chosen"])
            thresholds, truths, blocks = done["thresholds"], sealed.rows.truths, sealed.blocks
            weights = sealed.rows.score_weights
        else:
            bench, search = self._bench, self.record.result("refine")
            if search is not None:
                chosen, entry, _ = answer(bench, search.facts)
            else:
                bar = self._bar(self._baselines())
                chosen, entry = Blended((bar,), (1.0,)), bar.entry
            place, name = chosen.members[0].rows, str(entry["candidate"])
            predictions, thresholds = validated(bench, chosen, entry["thresholds"])
            rows, truths, blocks = split.work[place], bench.truths(place), bench.roles.blocks[place]
            weights = bench.weights(place)
        names = pl.Series("row", rows) if self.material.key is None else table.frame[self.material.key][rows]
        part = "test" if test else "validation"
        looks = len(self.seal.looks) if test else 0
        held = Held(part, predictions, thresholds, truths, table.frame[rows], blocks, names, looks, weights)
        return name, held, place

    def explain(self, candidate: str | None = None, rows: Any = None) -> Result:
        """What an answer follows from: SHAP values, permutation importance, partial dependence, counter-examples.

        Looks into the candidate on validation rows it was not fitted on; the seal stays closed.

        Args:
            candidate: name of a candidate; None: the chosen one, or the bar before refine.
            rows: a file or data frame of rows to explain one by one as well; such a result is not recorded.

        Raises:
            StudyError: there is no such candidate, it looks at no column, or the study is a forecast.
        """
        from fieldguide.steps.explain.explain import explain, read_asked
        from fieldguide.steps.refine.blend import blended_of

        self._about_a_target("explain")
        if self.material.examples is not None:
            raise StudyError(
                "a forecast cannot be explained column by column yet", rule="explain looks into tables of columns",
                found="the study is a forecast: its inputs are the past of series",
                do="compare it with seasonal_naive on the leaderboard, and look at its useful horizon (FG812)",
            )  # fmt: skip
        bar = self._bar(self._baselines())
        bench, entries, search = self._bench, self._entries(), self.record.result("refine")
        able = {name: entry for name, entry in entries.items() if entry["kind"] != "trivial"}
        name = candidate or (search["chosen"] if search is not None else bar.name)
        if name not in able:
            raise StudyError(
                f"there is no candidate {name!r} to explain{nearest(name, able)}", rule="a candidate looks at columns",
                found=f"candidates are {listed(able)}" if able else "none was tried yet",
                do="name one of them" if search is not None else "fieldguide run first: networks and refined candidates come after the baselines",
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

    def _baselines(self) -> Result:
        """The baselines as the last run left them, however long it had; set anew where the study has changed since.

        A question beside the order is about the bar that is there: fitted again without a clock it could be another one.
        """
        for sitting in reversed(list(self.journal.records("spent"))):
            scope = self._scope("baseline", Budget(sitting["data"]["minutes"]))
            done = self.journal.last("done", step="baseline", scope=scope)
            if done is not None:
                return Result.from_dict(done)
        return self.baseline()

    def _clocked(self, step: str) -> str:
        """Return the scope of what a clock may have ended: with more minutes it is asked again."""
        return f"{self._scope(step)} {self.config.budget.minutes}"

    def _about_a_target(self, verb: str) -> None:
        """Refuse a verb that asks how a target is answered, where the study has none."""
        if self.targetless:
            raise StudyError(
                f"{verb} asks how a target is answered, and this study has none", rule="a task without a target is judged by its structure",
                found=f"problem.task is {self.problem.output.task.name}",
                do="read what finalize says of stability and structure, or make a study with --target",
            )  # fmt: skip
