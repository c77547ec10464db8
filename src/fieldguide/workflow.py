"""The table of contents: the steps in order, each handed exactly what it needs; `Study` is the folder as an object.

Knows the order, the budget and where results are kept. What a step does is in `steps/`; how a result looks is a face's.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.clock import Clock
from fieldguide.core.config import Config, load_config
from fieldguide.core.errors import GateError, StudyError, listed, nearest
from fieldguide.core.expression import parse
from fieldguide.core.journal import Journal
from fieldguide.core.model import Model
from fieldguide.core.problem import Problem
from fieldguide.core.result import Result
from fieldguide.core.rows import Rows
from fieldguide.core.seal import Seal
from fieldguide.core.store import Store
from fieldguide.core.table import Column, Table
from fieldguide.core.transform import Recipe
from fieldguide.parts import find, modality

if TYPE_CHECKING:
    from fieldguide.steps.finalize import Sealed
    from fieldguide.steps.frame import Framed
    from fieldguide.steps.refine import Refined
    from fieldguide.steps.split import Divided

STEPS = ("frame", "split", "explore", "prepare", "baseline", "train", "refine", "finalize")
SHARES = {"baseline": 0.25, "train": 0.4}
"""Part of the time left that a step may take; refine takes what is left but for the refit."""
REFIT_SHARE = 0.22
FAST_SECONDS = 30.0

Watch = Callable[[dict[str, Any]], None]


def load_model(folder: str | Path) -> Model:
    """Open a model folder that `finalize` or `package` wrote; hashes and golden rows are checked first."""
    return Model.load(folder, find)


class Study:
    """A study folder: study.yaml, the journal, the seal, and what the steps found.

    Every step may be called alone; it runs what it needs first, and nothing that is already in the journal.

    Examples:
        >>> import tempfile, fieldguide as fg
        >>> rows = {"x": list(range(60)), "y": [i % 2 for i in range(60)]}
        >>> study = fg.Study.create(rows, target="y", out=tempfile.mkdtemp() + "/study")
        >>> study.split()["n_test"]
        9
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
        self.watch: Watch = watch or (lambda event: None)
        self._clock, self._fast = Clock(), False
        self._minutes: float | None = None
        self._trials: int | None = None

    @classmethod
    def create(cls, data: Any, target: str | Sequence[str], *, out: str | Path | None = None, watch: Watch | None = None, **answers: Any) -> Study:
        """Make a study folder with study.yaml: what was guessed, and what only a person can answer.

        Args:
            data: a path to CSV, TSV, Parquet or Arrow, or a data frame (kept in the folder as Parquet).
            target: the column to predict, or several.
            out: the folder; default: named after the file, beside where you are.
            answers: entries of the `problem` section, such as goal or costs.
        """
        from fieldguide.steps.frame import begin

        return cls(begin(data, target, out, answers), watch)

    # --- the steps, in order ---------------------------------------------------------------------------------------

    def frame(self) -> Result:
        """What is asked, and what is still unanswered."""
        framed = self._framed
        return self._once("frame", lambda: (framed.facts, framed.findings))

    def split(self) -> Result:
        """Seal the test set, then make folds of the rest."""
        from fieldguide.steps.split import prove

        self.frame()
        return self._once("split", lambda: prove(self._framed.table, self._divided, threads=self.threads))

    def explore(self) -> Result:
        """Look at the development rows and freeze the metric."""
        from fieldguide.steps.explore import explore

        self.split()
        result = self._once("explore", lambda: explore(
            self._development, self._framed.problem, self._divided.split.roles, seed=self.config.seed
        ))  # fmt: skip
        if self.journal.last("metric") is None:
            metrics = {m["output"]: {m["metric"]: m["settings"]} for m in result["metrics"]}
            self.journal.append("metric", {"metrics": metrics})
        return result

    def prepare(self) -> Result:
        """Describe what the transform inside every fit does to the columns."""
        from fieldguide.steps.prepare import prepare

        profile = self.explore().facts
        return self._once("prepare", lambda: prepare(
            self._development, self._rows, self._divided.split.folds[0].train, dict(profile), Recipe()
        ))  # fmt: skip

    def baseline(self) -> Result:
        """Set the bar: trivial rule, best single feature, linear, neighbours, boosting."""
        return self._baselines[1]

    def train(self) -> Result:
        """Train the standard networks, first shown to overfit, and compare with the bar."""
        return self._networks[1]

    def refine(self) -> Result:
        """The only loop: capacity, regularisation, random search, blend."""
        return self._refinement[1]

    def run(self, *, fast: bool = False, minutes: float | None = None, trials: int | None = None) -> Result:
        """Run every step through refine; the seal stays closed. Runs only what is not in the journal yet.

        Args:
            fast: stop after the baselines, in about half a minute, with a forecast of the full run.
            minutes: wall time for run and finalize together; overrides study.yaml.
            trials: candidates that refine may try; overrides study.yaml.
        """
        self._fast = fast
        self._trials = trials
        self._minutes = FAST_SECONDS / 60 if fast else minutes if minutes is not None else self.config.budget.minutes
        self._clock = Clock.of(None if self._minutes is None else max(0.0, 60 * self._minutes - self._spent))
        began = time.monotonic()
        try:
            self.explore()
            result = self.baseline()
            if fast:
                return self._forecast(result)
            self.train()
            return self.refine()
        finally:
            self.journal.append("spent", {"seconds": time.monotonic() - began, "minutes": self._minutes})

    def finalize(self, reason: str | None = None) -> Result:
        """Refit the chosen candidate on all development rows, open the seal once, write `model/`.

        Args:
            reason: why a second look at the sealed rows is worth it; shown in the report for ever.

        Raises:
            GateError: the seal was opened before and there is no reason; refine has not run.
        """
        from fieldguide.steps.finalize import finalize, refit
        from fieldguide.steps.refine import Blended

        if self.journal.last("done", step="refine") is None:
            raise GateError("no candidate was chosen yet", rule="the seal is opened for a chosen candidate", do="run refine first: fieldguide run")
        unfinished = self._unfinished_look()
        if unfinished is None:
            self.seal.admit(reason)
        began = time.perf_counter()
        if math.isinf(self._clock.left()) and self.config.budget.minutes is not None:
            self._minutes = self.journal.last("spent")["minutes"] if self.journal.last("spent") else self.config.budget.minutes
        trials, baselines = self._baselines
        refined, search = self._refinement
        bench, bar = self._bench(), _named(trials, baselines["bar"])
        self.watch({"event": "step", "step": "finalize", "left": self._clock.left()})
        predictor = refit(bench, refined.chosen, Clock())
        alone = [member.name for member in refined.chosen.members] == [bar.name]
        bar_predictor = predictor if alone else refit(bench, Blended((bar,), (1.0,)), Clock())
        model = bench.packaged(predictor, refined.entry["thresholds"], self._evidence(refined.entry), self._key())
        bar_model = bench.packaged(bar_predictor, bar.entry["thresholds"], {}, self._key())
        if unfinished is None:
            self.seal.open("finalize", reason)
        model, facts, findings = finalize(
            bench, model, refined.entry, bar_model, bar.entry, self._sealed(), self.seal.looks, search["optimism"]["value"]
        )
        self._replace_model(model)
        return self._record(Result("finalize", facts, findings, time.perf_counter() - began))

    def _unfinished_look(self) -> Mapping[str, Any] | None:
        """The look of a finalize that was killed: it is continued, not counted again."""
        last = None
        for record in self.journal.records():
            if record["event"] == "look" and record["data"]["by"] == "finalize":
                last = record["data"]
            elif record["event"] == "done" and record["data"]["step"] == "finalize":
                last = None
        return last

    def _replace_model(self, model: Model) -> None:
        folder = self.folder / "model"
        if folder.exists() and self.journal.last("done", step="finalize") is not None:
            folder.rename(self.folder / f"model.{sum(1 for _ in self.folder.glob('model.*')) + 1}")
        elif folder.exists():  # written by a finalize that was killed before it was recorded
            shutil.rmtree(folder)
        model.save(folder)

    # --- beside the order ------------------------------------------------------------------------------------------

    def package(self, candidate: str, out: str | Path) -> Model:
        """Write any candidate as a servable model, the seal closed (looks: 0): the shortest way to an online test."""
        from fieldguide.steps.finalize import refit
        from fieldguide.steps.refine import Blended

        out = Path(out)
        if out.exists():
            raise StudyError(f"{out} already exists", rule="a model folder is written whole, never over another", do="name another folder")
        self.explore()
        trials = self._trials_by_name()
        if candidate == "ensemble" and self.journal.last("done", step="refine") is not None:
            chosen, entry = self._refinement[0].chosen, self._refinement[0].entry
        elif candidate in trials:
            chosen, entry = Blended((trials[candidate],), (1.0,)), dict(trials[candidate].entry)
        else:
            raise StudyError(f"there is no candidate {candidate!r}{nearest(candidate, trials)}", found=f"candidates are {listed(trials)}")
        bench = self._bench()
        bench.packaged(refit(bench, chosen, Clock()), entry["thresholds"], self._evidence(entry), self._key()).save(out)
        self.journal.append("packaged", {"candidate": candidate, "folder": str(out), "looks": 0})
        return load_model(out)

    def evaluate(self, predictions: Any, reason: str | None = None) -> Result:
        """Judge predictions made elsewhere with the same evidence; sealed rows cost a look.

        Args:
            predictions: a file or data frame with the key column (or `row`, counted from 0 in the study's table), and
                `prediction` or `probability_<label>` columns.
            reason: needed when sealed rows are among them and the seal was opened before.
        """
        from fieldguide.core.candidate import original_scale
        from fieldguide.steps.evaluate import evaluate, read_answers

        began = time.perf_counter()
        trials, baselines = self._baselines
        framed, split, problem = self._framed, self._divided.split, self.problem
        key = self._key()
        rows, answers = read_answers(predictions, problem, key, None if key is None else framed.table.frame[key], framed.table.n_rows)
        parts = {"test": np.isin(rows, split.test), "validation": np.isin(rows, split.development)}
        if parts["test"].any():
            self.seal.open(f"evaluate {predictions if isinstance(predictions, (str, Path)) else 'a data frame'}", reason)
        truths = tuple(output.code(framed.table.frame[output.name][rows]) for output in problem.outputs)
        bar = _named(trials, baselines["bar"])
        common, ours, theirs = np.intersect1d(rows, split.development[bar.rows], return_indices=True)
        against = (bar.name, ours, original_scale(bar.raw, problem.outputs)[0][theirs]) if len(common) else None
        facts, findings = evaluate(
            problem, truths, answers, self._divided.roles.blocks[rows], parts, against, looks=len(self.seal.looks), seed=self.config.seed
        )
        result = Result("evaluate", {"predictions": str(predictions)[:200], **facts}, findings, time.perf_counter() - began)
        self.journal.append("evaluated", result.to_dict())
        return result

    def leaderboard(self) -> list[dict[str, Any]]:
        """Candidates, the best first: validation scores; test scores only for what `finalize` judged."""
        from fieldguide.core.leaderboard import ranked

        entries = list(self._entries().values())
        if not entries:
            return []
        rows = []
        for entry in ranked(self.problem, entries):
            row = {
                "candidate": entry["candidate"], "kind": entry["kind"], "score": entry["scores"][0], "difference": entry.get("difference"),
                "seconds": entry.get("seconds"), "megabytes": entry.get("megabytes"), "latency_ms": entry.get("latency_ms"),
            }  # fmt: skip
            rows.append(row)
        return rows

    def status(self) -> dict[str, Any]:
        """Where the study stands: steps done, what is unproven, what comes next."""
        done = {record["data"]["step"] for record in self.journal.records("done")}
        findings = [f for result in self.results() for f in result.findings]
        following = next((step for step in STEPS if step not in done), None)
        return {
            "study": self.folder.name, "done": [step for step in STEPS if step in done], "next": following,
            "looks": len(self.seal.looks) if self.seal.exists else 0,
            "unproven": [f.to_dict() for f in findings if f.fired and f.severity != "info" or f.code == "FG101" and f.fired],
        }  # fmt: skip

    def results(self) -> list[Result]:
        """Return the recorded result of every step that was run, in order."""
        found = ((step, self.journal.last("done", step=step)) for step in STEPS)
        return [Result.from_dict(data) for _, data in found if data is not None]

    def to_dict(self) -> dict[str, Any]:
        """Return the study as one document: the shape of `--json`."""
        results = {result.step: result for result in self.results()}
        last = results.get("finalize") or results.get("refine") or results.get("baseline")
        scores = [] if last is None else list(last["scores"] if last.step == "finalize" else last["entries"][0]["scores"])
        return {
            "study": self.folder.name, "step": last.step if last else next(iter(results), None), "status": self.status(),
            "chosen": last.facts.get("chosen") or last.facts.get("bar") if last else None, "scores": scores,
            "score": scores[0] if scores else None, "leaderboard": self.leaderboard() if last else [],
            "findings": [f.to_dict() for result in results.values() for f in result.findings],
            "seconds": round(sum(result.seconds for result in results.values()), 3),
        }  # fmt: skip

    @property
    def problem(self) -> Problem:
        """The problem, with its frozen metric once explore has run."""
        problem = self._framed.problem
        frozen = self.journal.last("metric")
        if frozen is None:
            return problem
        outputs = []
        for output in problem.outputs:
            ((name, settings),) = frozen["metrics"][output.name].items()
            outputs.append(replace(output, metric=find("metrics", name)(**settings)))
        return replace(problem, outputs=tuple(outputs))

    @property
    def threads(self) -> int:
        return self.config.threads or len(os.sched_getaffinity(0))

    # --- what steps are handed -------------------------------------------------------------------------------------

    @cached_property
    def _framed(self) -> Framed:
        from fieldguide.steps.frame import frame

        return frame(self.config)

    @cached_property
    def _divided(self) -> Divided:
        from fieldguide.steps.split import divide

        framed = self._framed
        splitters = {name: find("splitters", name)() for name in ("random", "chronological")}
        divided = divide(framed.table, framed.keys, framed.strata, framed.request, splitters)
        self.seal.keep(divided.split, framed.keys, made_before=self.journal.last("done", step="split") is not None)
        return divided

    @cached_property
    def _development(self) -> Table:
        return self._framed.table.take(self._divided.split.development)

    @cached_property
    def _rows(self) -> Rows:
        return Rows.of(self._development, self._framed.problem.outputs, modality)

    def _sealed(self) -> Sealed:
        """The test rows. Called after `Seal.open` has recorded the look, and by nobody else."""
        from fieldguide.steps.finalize import Sealed, slices_of

        test = self._divided.split.test
        table = self._framed.table.take(test)
        rows = Rows.of(table, self.problem.outputs, modality)
        return Sealed(rows, self._divided.roles.blocks[test], slices_of(table, self.config.slices))

    @cached_property
    def _samples(self) -> list[dict[str, Any]]:
        """Raw development rows as mappings, for golden rows and latency: typed values, as a caller would send them."""
        columns = [c.name for c in self._contract if "expression" not in c.read]
        frame = self._development.frame.select(columns)
        rows = np.linspace(0, frame.height - 1, min(200, frame.height)).astype(int)
        return [{n: str(v) if hasattr(v, "isoformat") else v for n, v in row.items()} for row in frame[rows].to_dicts()]

    @cached_property
    def _contract(self) -> tuple[Column, ...]:
        """The columns a model needs: its features, and what derived ones are made of."""
        needed = {column.name for column in self._development.features}
        for column in self._development.features:
            if "expression" in column.read:
                needed |= set(parse(column.read["expression"], {c.name: c.kind for c in self._framed.columns}).columns)
        return tuple(replace(c, facts={}) for c in self._framed.columns if c.name in needed)

    def _bench(self) -> Bench:
        split = self._divided.split
        return Bench(
            self.problem, self._rows, split.folds, split.roles, split.splitter, self._contract, self._samples, find,
            self.config.seed, self.threads, self._store, self.watch,
        )  # fmt: skip

    @cached_property
    def _store(self) -> Store:
        return Store(self.journal, self.folder / "work", self._scope("trials"))

    @cached_property
    def _baselines(self) -> tuple[list[Trial], Result]:
        from fieldguide.steps.baseline import BASELINES, baseline

        self.prepare()
        bench = self._bench()
        return self._step("baseline", lambda clock: baseline(bench, self._chosen(BASELINES), clock))

    @cached_property
    def _networks(self) -> tuple[list[Trial], Result]:
        from fieldguide.steps.train import NETWORKS, train

        trials, result = self._baselines
        bench = self._bench()
        return self._step("train", lambda clock: train(bench, self._chosen(NETWORKS), _named(trials, result["bar"]), clock))

    @cached_property
    def _refinement(self) -> tuple[Refined, Result]:
        from fieldguide.steps.refine import refine

        trials, result = self._baselines
        networks, _ = self._networks
        bench = self._bench()
        n_trials = self.config.budget.trials if self._trials is None else self._trials
        reserve = REFIT_SHARE * 60 * self._minutes if self._minutes is not None else math.inf
        return self._step("refine", lambda clock: refine(
            bench, [*trials, *networks], _named(trials, result["bar"]), n_trials=n_trials, clock=clock, refit_seconds=0.8 * reserve
        ))  # fmt: skip

    # --- the record ------------------------------------------------------------------------------------------------

    def _once(self, step: str, compute: Callable[[], tuple[Any, Any]]) -> Result:
        """Return the recorded result of a step, or compute and record it."""
        data = self.journal.last("done", step=step, scope=self._scope(step))
        if data is not None:
            return Result.from_dict(data)
        self.watch({"event": "step", "step": step, "left": self._clock.left()})
        began = time.perf_counter()
        facts, findings = compute()
        return self._record(Result(step, facts, findings, time.perf_counter() - began))

    def _step(self, step: str, compute: Callable[[Clock], tuple[Any, dict[str, Any], Any]]) -> Any:
        """Run a step that tries candidates; finished trials come from the store, so that running it again costs little."""
        self.watch({"event": "step", "step": step, "left": self._clock.left()})
        began = time.perf_counter()
        made, facts, findings = compute(self._share(step))
        result = Result(step, facts, findings, time.perf_counter() - began)
        data = self.journal.last("done", step=step, scope=self._scope(step))
        if data is not None and json.dumps(_plain(facts), sort_keys=True) == json.dumps(_plain(data["facts"]), sort_keys=True):
            return made, Result.from_dict(data)
        return made, self._record(result)

    def _record(self, result: Result) -> Result:
        data = self.journal.append("done", {"scope": self._scope(result.step), **result.to_dict()})["data"]
        return Result.from_dict(data)

    def _share(self, step: str) -> Clock:
        """Return the clock of a step: its share of what is left, the refit's part kept back."""
        if math.isinf(self._clock.left()):
            return self._clock
        assert self._minutes is not None
        free = max(0.0, self._clock.left() - (0 if self._fast else REFIT_SHARE * 60 * self._minutes))
        return self._clock.at_most(free * SHARES.get(step, 1.0) if not self._fast else free)

    def _scope(self, step: str) -> str:
        """Hash of what a step's result depends on: the data, and the settings; not the budget."""
        settings = self.config.to_dict()
        for name in ("budget", "slices") if step != "finalize" else ("budget",):
            settings.pop(name, None)
        settings["problem"] = {k: v for k, v in settings["problem"].items() if k not in ("goal", "unit", "decision", "assumptions")}
        data = {"settings": settings, "data": "" if step == "frame" else self._divided.split.data_hash, "targets": self._targets_hash}
        return _hashed(data if step != "frame" else {"settings": self.config.to_dict(), "targets": self._targets_hash})

    @cached_property
    def _targets_hash(self) -> str:
        framed = self._framed
        return hashlib.blake2b(framed.table.frame.select(framed.problem.targets).hash_rows().to_numpy().tobytes(), digest_size=8).hexdigest()

    def _chosen(self, learners: Sequence[str]) -> list[str]:
        said = self.config.learners
        return [name for name in learners if (said.use is None or name in said.use) and name not in said.skip]

    @property
    def _spent(self) -> float:
        """Seconds that finished steps and trials took, in this and in earlier sittings."""
        return float(sum(record["data"]["seconds"] for record in self.journal.records("spent")))

    def _key(self) -> str | None:
        return next((column.name for column in self._framed.columns if column.role == "key"), None)

    def _trials_by_name(self) -> dict[str, Trial]:
        trials = list(self._baselines[0])
        if self.journal.last("done", step="train") is not None:
            trials += self._networks[0]
        if self.journal.last("done", step="refine") is not None:
            trials += self._refinement[0].trials
        return {trial.name: trial for trial in trials}

    def _entries(self) -> dict[str, dict[str, Any]]:
        """Leaderboard entries by candidate, from the recorded results."""
        found: dict[str, dict[str, Any]] = {}
        for result in self.results():
            found |= {entry["candidate"]: dict(entry) for entry in result.facts.get("entries", [])}
        return found

    def _evidence(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        problem = self.problem
        card = {
            "goal": problem.goal, "unit": problem.unit, "decision": problem.decision, "candidate": entry["candidate"],
            "made by": f"fieldguide {version('fieldguide')}, Python {platform.python_version()}, numpy {version('numpy')}",
            "data": f"{self._framed.table.n_rows:,} rows, hash {self._divided.split.data_hash[:12]}",
        }  # fmt: skip
        return {"card": card, "scores": list(entry["scores"]), "looks": [], "seed": self.config.seed}

    def _forecast(self, result: Result) -> Result:
        """Say what the full run would take."""
        seconds = {entry["candidate"]: entry["seconds"] for entry in result["entries"]}
        minutes = self.config.budget.minutes
        full = f"{minutes:g} minutes at most (budget.minutes)" if minutes else "no limit"
        facts = {**result.facts, "forecast": {
            "minutes": minutes, "trials": self.config.budget.trials, "seconds_per_candidate": seconds,
            "sentence": f"a full run adds networks, up to {self.config.budget.trials} trials and a blend: {full}",
        }}  # fmt: skip
        return replace(result, facts=facts)


def _named(trials: Sequence[Trial], name: str) -> Trial:
    return next(trial for trial in trials if trial.name == name)


def _hashed(data: Any) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()


def _plain(facts: Any) -> Any:
    """Facts without what a clock says, to tell whether two runs of a step found the same."""
    if isinstance(facts, Mapping):
        return {k: _plain(v) for k, v in facts.items() if k not in ("seconds", "latency_ms", "sentence")}
    return [_plain(item) for item in facts] if isinstance(facts, (list, tuple)) else facts
