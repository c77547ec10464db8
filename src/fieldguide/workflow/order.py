"""The table of contents: the steps in order, each handed exactly what it needs.

Knows the order and what each step is handed. What a step does is in `steps/`; what all of them are given is `given`'s; how a
result looks is a face's; what was found is in `core.record`; verbs that need no order are `beside`'s.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import calibrated
from fieldguide.core.errors import GateError
from fieldguide.core.leaderboard import weigh
from fieldguide.core.model import Model
from fieldguide.core.record import Budget
from fieldguide.core.result import Result
from fieldguide.core.settings import with_values
from fieldguide.core.transform import Recipe
from fieldguide.core.words.lexicon import keeping
from fieldguide.parts import find
from fieldguide.workflow.given import SHARES, Given

if TYPE_CHECKING:
    from fieldguide.steps.refine.blend import Blended
    from fieldguide.steps.refine.calibrate import Calibrated

REFIT_SHARE = 0.26
FAST_MINUTES = 0.5


class Order(Given):
    """The steps of a study folder, in order. Every step may be called alone; it runs what it needs first, and nothing twice."""

    def join(self) -> Result:
        """Make the study's table of event tables: one row per unit, with what was known at its prediction time."""
        from fieldguide.steps.join.join import kept

        return kept(self.config, self.folder, self.record, self.threads)

    def frame(self) -> Result:
        """What is asked, and what is still unanswered."""
        from fieldguide.steps.frame.stale import keep_stale

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
        from fieldguide.steps.frame.contract import accepted, told, write_draft

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
        from fieldguide.steps.split.split import prove

        self.frame()
        examples = self.material.framed.examples
        if examples is not None:
            from fieldguide.steps.split.series import prove_series

            return self.record.once(
                "split",
                self._scope("split"),
                lambda: prove_series(self.material.framed.table, self.material.divided, examples),
            )
        with keeping():
            return self.record.once(
                "split",
                self._scope("split"),
                lambda: prove(self.material.framed.table, self.material.divided, threads=self.threads),
            )

    def explore(self) -> Result:
        """Look at the development rows and freeze the metric."""
        self.split()
        with keeping():  # quick models read the same texts many times
            if self.targetless:
                result = self._explore_targetless()
            elif self.material.examples is not None:
                result = self._explore_series()
            else:
                result = self._explore_table()
        metrics = {m["output"]: {m["metric"]: m["settings"]} for m in result["metrics"]}
        if (self.journal.last("metric") or {}).get("metrics") != metrics:
            self.journal.append("metric", {"metrics": metrics})
        return result

    def _explore_table(self) -> Result:
        from fieldguide.core.slices import slices_of
        from fieldguide.steps.explore.explore import explore

        material, config = self.material, self.config
        return self.record.once("explore", self._scope("explore"), lambda: explore(
            material.development, material.framed.problem, material.divided.split.roles, self._metrics_before(),
            order=material.divided.split.work, proxies=config.proxies, slices=slices_of(material.development, config.slices),
            kept={name for name, said in config.data.columns.items() if said.role == "feature"}, seed=config.seed, threads=self.threads,
        ))  # fmt: skip

    def _explore_series(self) -> Result:
        """The same of a forecast: the development steps of every series."""
        from fieldguide.steps.explore.series import explore_series

        material, examples = self.material, self.material.examples
        assert examples is not None
        return self.record.once("explore", self._scope("explore"), lambda: explore_series(
            examples, material.rows, material.divided.split, material.framed.problem, material.framed.facts["series"], self._metrics_before(),
            seed=self.config.seed,
        ))  # fmt: skip

    def _explore_targetless(self) -> Result:
        """The same without a target: the space that candidates are judged in is fitted and frozen."""
        from fieldguide.steps.explore.targetless import check_components, explore_targetless

        material, scope = self.material, self._scope("explore")
        material.freeze_reference(scope)
        if self.config.problem.task == "reduction":
            check_components(self.config.problem.components or 2, material.reference)
        return self.record.once("explore", scope, lambda: explore_targetless(
            material.development, material.framed.problem, material.divided.split.roles, material.reference, material.rows.truths[0],
            self._metrics_before(), seed=self.config.seed,
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
            self.material.plain, self.material.rows, self.material.divided.split.folds[0].train, profile, with_values(Recipe(), self.config.preprocessing.stated())
        ))  # fmt: skip

    def baseline(self) -> Result:
        """Set the bar: trivial rule, best single feature, linear, neighbours, boosting; of vectors of few rows a forest."""
        from fieldguide.steps.baseline import baseline, baselines_of
        from fieldguide.steps.forecasters import baselines
        from fieldguide.steps.targetless import BASELINES

        self.prepare()
        chosen = (
            BASELINES[str(self.config.problem.task)]
            if self.targetless
            else baselines_of(self.material.framed.problem, len(self.material.rows), self.config.learners.use or ())
            if self.material.examples is None
            else baselines(self._budget.minutes)
        )
        return self.record.once("baseline", self._scope("baseline"), lambda: baseline(
            self._bench, self._candidates(chosen), self._budget.share(SHARES["baseline"])
        ))  # fmt: skip

    def train(self) -> Result:
        """Train the standard networks, first shown to overfit, and compare with the bar."""
        from fieldguide.steps.train import train

        bar = self._bar(self.baseline())
        if self.targetless:
            return self._train_targetless(bar)
        chosen = self._networks
        return self.record.once("train", self._scope("train"), lambda: train(
            self._bench, self._candidates(chosen), bar, lambda: self._budget.share(SHARES["train"]), frozenset(self.config.learners.settings)
        ))  # fmt: skip

    @property
    def _networks(self) -> tuple[str, ...]:
        """The standard networks for what the study answers, the cheapest first; study.yaml may let none of them take part."""
        from fieldguide.steps.forecasters import NETWORKS as FORECAST_NETWORKS
        from fieldguide.steps.train import networks

        if self.material.examples is not None:
            return FORECAST_NETWORKS
        return networks({column.kind for column in self.material.seen.features})

    def _train_targetless(self, bar: Trial) -> Result:
        """The same without a target: the task's own learners, on columns as they are encoded and on what an autoencoder makes of them."""
        from fieldguide.steps.targetless import learners_of
        from fieldguide.steps.train import train_targetless

        said = self.config.problem
        return self.record.once("train", self._scope("train"), lambda: train_targetless(
            self._bench, self._candidates(learners_of(str(said.task), said)), bar, self._budget.share(SHARES["train"])
        ))  # fmt: skip

    def refine(self) -> Result:
        """The only loop: capacity, regularisation, random search, blend."""
        from fieldguide.steps.refine.refine import refine

        baselines = self.baseline()
        bar, tried = self._bar(baselines), [*baselines["entries"], *self.train()["entries"]]
        return self.record.once("refine", self._scope("refine"), lambda: refine(
            self._bench, [self._bench.remembered(entry) for entry in tried], bar, n_trials=self._trials,
            start=lambda refit: self._budget.share(SHARES["refine"], refit * self.material.n_refits),
            refit_seconds=lambda: self._budget.refit_seconds() / self.material.n_refits,
            table=self.material.seen if self.material.examples is None and not self.targetless else None,
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
        rules = None if self.config.rules is None else self.rules()
        search = self.record.result("refine")
        if search is None:
            raise GateError(
                "no candidate was chosen yet",
                rule="the seal is opened for a chosen candidate",
                found="the journal has no result of refine",
                do=f"fieldguide run {self.folder}",
            )
        resumes = self._look_unfinished()
        if not resumes:
            self.seal.admit(reason)

        def compute() -> tuple[dict[str, Any], Any]:
            model, facts, findings = self._judged(
                search, None if resumes else lambda: self.seal.open("finalize", reason)
            )
            self._replace_model(replace(model, rules=rules))
            megabytes, latency = weigh(self.folder / "model", self._bench.samples, find)
            return {**facts, "megabytes": megabytes, "latency_ms": latency}, findings

        return self.record.once(
            "finalize", f"{self._scope('finalize')} look {len(self.seal.looks) + (not resumes)}", compute
        )

    def _judged(self, search: Result, look: Callable[[], None] | None) -> tuple[Model, dict[str, Any], Any]:
        """Fit the chosen candidate and the bar on all development rows, look, and give the model that ships with its evidence."""
        from fieldguide.steps.finalize.finalize import finalize, refit
        from fieldguide.steps.finalize.promise import outlook, past_of
        from fieldguide.steps.refine.blend import Blended, answer
        from fieldguide.steps.refine.calibrate import calibrate
        from fieldguide.steps.rules.judge import keep_answers

        bench, material = self._bench, self.material
        chosen, entry, bar = answer(bench, search.facts)
        rows = material.rows_of(material.to_learn)
        predictor = refit(bench, chosen, rows)
        correction = calibrate(bench, chosen, entry["thresholds"])
        entry = {**entry, "thresholds": list(correction.thresholds)}
        model = self._model(bench, chosen, entry, predictor, correction)
        alone = [member.name for member in chosen.members] == [bar.name]
        bar_model = bench.packaged(
            predictor if alone else refit(bench, Blended((bar,), (1.0,)), rows), bar.entry["thresholds"], {}
        )
        drifting = outlook(bench, self._entries().values(), self.explore().findings)
        if look is not None:
            look()
        model, facts, findings = finalize(
            bench, model, entry, bar_model, bar.entry, material.sealed(), self.seal.looks, search["optimism"]["value"],
            len(rows), len(material.to_ship), past=past_of(bench, chosen, bar), outlook=drifting,
            discrimination=self.split()["discrimination"], explored=self.explore().findings, examples=material.examples, test=material.divided.split.test,
            keep=None if self.targetless else lambda answers: keep_answers(self.folder / "work", answers),
            reference=material.reference if self.targetless else None,
        )  # fmt: skip
        if material.n_refits > 1:
            again = refit(bench, chosen, material.rows_of(material.to_ship))
            model = replace(self._model(bench, chosen, entry, again, correction), evidence=model.evidence)
        return model, {**facts, "calibrators": [dict(fact) for fact in correction.facts]}, findings

    def _model(
        self, bench: Bench, chosen: Blended, entry: Mapping[str, Any], predictor: Any, correction: Calibrated
    ) -> Model:
        """The fitted predictor as a model: calibrated, with its thresholds and the evidence so far."""
        evidence = {**self._evidence(entry), **self._interval(bench, chosen)}
        answers = calibrated(predictor, correction.calibrators)
        return bench.packaged(answers, correction.thresholds, evidence, self.material.key)

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
        kept = [int(path.suffix[1:]) for path in self.folder.glob("model.*") if path.suffix[1:].isdecimal()]
        n_recorded = sum(record["data"]["step"] == "finalize" for record in self.journal.records("done"))
        if folder.exists() and len(kept) < n_recorded:
            folder.rename(self.folder / f"model.{max(kept, default=0) + 1}")
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
        from fieldguide.steps.finalize.series import interval_of

        examples = self.material.examples
        if examples is None:
            return {}
        rows = chosen.members[0].rows
        (answer,) = mixed([member.raw for member in chosen.members], chosen.weights)
        panel = examples.panel
        scales = {} if panel.scale is None else {name: float(one) for name, one in zip(panel.names, panel.scale)}
        return {
            "interval": interval_of(
                examples, self.material.divided.split.work[rows], np.asarray(bench.truths(rows)[0]), answer
            ),
            "scales": {
                "by": self.material.framed.facts["series"]["scale"],
                "of": scales,
            },  # online scores are on the same
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
