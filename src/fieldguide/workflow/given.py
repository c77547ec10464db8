"""What the steps of a study folder are given: study.yaml, the journal, the seal, the budget, the bench and the candidates.

Knows what a step's result depends on and which results stand; the order of the steps is `order`'s, who may see which rows
`fieldguide.material`'s.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.documents.config import Config, load_config
from fieldguide.core.errors import StudyError, listed, nearest
from fieldguide.core.journal import Journal
from fieldguide.core.problem import Problem
from fieldguide.core.reading import contract_of
from fieldguide.core.record import Budget, Record, hashed
from fieldguide.core.result import Result
from fieldguide.core.seal import Seal
from fieldguide.core.settings import with_values
from fieldguide.core.store import Store
from fieldguide.core.table import ignoring
from fieldguide.material import Material
from fieldguide.parts import find

if TYPE_CHECKING:
    from fieldguide.core.language.rules import Bound

STEPS = ("frame", "split", "explore", "prepare", "baseline", "train", "refine", "finalize")
SHARES = {"baseline": 0.2, "train": 0.5, "refine": 1.0}
"""Part of the time left that a step may take, the refit's part kept back."""
HEADS = ("linear", "mlp")
"""Learners that are tried on the features of a frozen checkpoint as well."""
REPEATS_FROM_MINUTES = 2.0
"""A shorter budget buys more candidates instead of repeats of the folds."""

Watch = Callable[[dict[str, Any]], None]


class Given(ABC):
    """A study folder as its steps find it."""

    def __init__(self, folder: str | Path, watch: Watch | None = None) -> None:
        self.folder = Path(folder)
        if not (self.folder / "study.yaml").is_file():
            raise StudyError(
                f"{self.folder} is not a study folder", rule="a study folder holds study.yaml",
                found="no study.yaml in it" if self.folder.is_dir() else "a file" if self.folder.exists() else "it does not exist",
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

    def watch(self, event: Mapping[str, Any]) -> None:
        """Tell whoever watches what happens, with the seconds left of the budget."""
        if self._told is not None:
            self._told({**event, "left": self._budget.clock.left()})

    @abstractmethod
    def join(self) -> Result:
        """Make the study's table of event tables."""

    @abstractmethod
    def explore(self) -> Result:
        """Look at the development rows and freeze the metric: before that there is no bench."""

    def results(self) -> list[Result]:
        """Return the recorded result of every step that was run, in order; the words of the problem are those of today."""
        from fieldguide.steps.frame.statement import reworded

        found = [result for step in ("join", *STEPS) if (result := self.record.result(step)) is not None]
        return [reworded(result, self.config) if result.step == "frame" else result for result in found]

    def rules(self) -> Bound:
        """The rules of study.yaml, checked against the study's outputs and columns; their version is in the journal.

        Raises:
            StudyError: there are none.
            ConfigError: a rule names what is not there, or compares what cannot be compared.
        """
        from fieldguide.core.language.rules import bind
        from fieldguide.steps.rules.bind import recorded, written

        bound = bind(written(self.config), self.material.framed.problem.outputs, self.material.framed.columns)
        recorded(self.journal, bound.rules)
        return bound

    @property
    def problem(self) -> Problem:
        """The problem, with its frozen metric once explore has run."""
        return self.material.problem

    @property
    def targetless(self) -> bool:
        """Whether the task has no target: rows are grouped, or put on a map."""
        return self.config.problem.targetless

    @property
    def threads(self) -> int:
        """Threads to compute with: what study.yaml says, else the cores this process may use."""
        may = getattr(os, "sched_getaffinity", None)
        return self.config.threads or (len(may(0)) if may is not None else os.cpu_count() or 1)

    # --- what candidates are tried with ----------------------------------------------------------------------------

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
        from fieldguide.steps.targetless import CODE, ON_FEATURES

        said = self.config.learners
        names = [name for name in learners if (said.use is None or name in said.use) and name not in said.skip]
        pretrained = any("checkpoint" in column.read for column in self.material.seen.features)
        found = []
        for name in names:
            learner = with_values(self._learner(name), said.settings.get(name, {}))
            recipe = {"balance": self.config.problem.imbalance, **self.config.preprocessing.stated()}
            found.append(Candidate.of(name, learner, recipe))
            if (
                self.targetless
                and name in ON_FEATURES
                and (said.use is None or CODE in said.use)
                and CODE not in said.skip
            ):
                found.append(Candidate.of(f"{name} on {CODE}", with_values(learner, {"features": CODE}), recipe))
            if pretrained and name in HEADS:
                found.append(Candidate.of(f"{name} on features", learner, {**recipe, "media": "features"}))
        return found

    def _learner(self, name: str) -> Any:
        """The learner by name; one that forecasts has the study's season and window."""
        from fieldguide.steps import targetless
        from fieldguide.steps.forecasters import settings_of

        learner, examples = find("learners", name)(), self.material.examples
        if self.targetless:
            return with_values(learner, targetless.settings_of(learner, self.config.problem))
        return learner if examples is None else with_values(learner, settings_of(learner, examples))

    def _entries(self) -> dict[str, Mapping[str, Any]]:
        """Leaderboard entries by candidate, from the recorded results."""
        return {entry["candidate"]: entry for result in self.results() for entry in result.facts.get("entries", [])}

    def _single(self, candidate: str, but: Sequence[str] = ("ensemble",)) -> Mapping[str, Any]:
        """The leaderboard entry of a candidate by name, of none of the kinds in `but`."""
        entries = {name: entry for name, entry in self._entries().items() if entry["kind"] not in but}
        if candidate not in entries:
            raise StudyError(
                f"there is no single candidate {candidate!r}{nearest(candidate, entries)}",
                rule="a candidate is named as the leaderboard names it, and an ensemble is several",
                found=f"candidates are {listed(entries)}",
                do=f"name one of them; fieldguide status {self.folder} lists them",
            )  # fmt: skip
        return entries[candidate]

    @property
    def _beside(self) -> Clock:
        """The time that a verb beside the order may take: the budget's minutes, each anew."""
        return Clock.of(60 * self.config.budget.minutes) if self.config.budget.minutes else Clock()

    def _scope(self, step: str, budget: Budget | None = None) -> str:
        """Hash of what a step's result depends on: the table, the settings, and for steps that try candidates the budget."""
        from fieldguide.steps.frame.statement import WORDS

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
        minutes = (budget or self._budget).minutes
        limits = [minutes, self._trials if step == "refine" else None] if step in SHARES else None
        return hashed({"settings": said, "table": self.material.fingerprint, "budget": limits})
