"""Statement: the question as an artifact, entry by entry, with who should answer it and whether anybody did.

Knows study.yaml, the problem made of it and the questions that `frame` asks; reads no cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fieldguide.core.documents.config import Config
from fieldguide.core.problem import Problem
from fieldguide.core.result import Result
from fieldguide.parts import find
from fieldguide.steps.frame.events import Learned

WORDS = ("goal", "unit", "decision", "prediction_time", "assumptions")
"""Entries of the problem that no number depends on: answering them later runs nothing again."""

ANSWERED, GUESSED, OPEN = "answered", "guessed", "open"
TESTED = ("the target can be predicted from the inputs", "there are enough rows to learn it")
"""What every study takes for granted; `explore` tests both."""

WHO = {
    "goal": "product owner", "unit": "domain expert", "decision": "decision maker", "prediction_time": "domain expert",
    "target": "product owner", "task": "domain expert", "positive": "domain expert", "population": "product owner",
    "costs": "decision maker", "metric": "decision maker", "success": "product owner", "limits": "engineer who runs it",
    "assumptions": "domain expert", "data": "data engineer",
}  # fmt: skip
ASKED = {
    "goal": "What should become better through the predictions?",
    "unit": "What is one row?",
    "decision": "Who decides what with a prediction?",
    "prediction_time": "At which moment is it made? What is known only later cannot be a feature.",
    "target": "Is this what the goal is about, or only an event that stands for it?",
    "task": "Is it read as it is meant?",
    "positive": "Which label is the event that is looked for?",
    "population": "About which rows will the model be asked, and are they those of the table?",
    "costs": "What does a false positive cost, and what a missed one?",
    "metric": "By which number is the model judged?",
    "success": "What is the smallest gain over the baseline that is worth shipping?",
    "limits": "How fast and how small must the model be?",
    "assumptions": "What is taken for granted: of the data, of the world, of those who act?",
}


def statement(
    config: Config,
    problem: Problem,
    n_rows: int,
    n_without: int,
    questions: Sequence[Mapping[str, str]],
    learned: Learned | None = None,
) -> list[dict[str, str]]:
    """Return the problem statement: one entry for each thing a study has to say.

    Args:
        n_rows: rows with a target.
        n_without: rows without one.
        questions: what `frame` asks and study.yaml does not answer.
        learned: the proxy that is learned, where no target is named.

    Returns:
        {entry, key, value, who, status, question}: `key` is where in study.yaml it is answered; `status` is answered,
        guessed (the value stands until somebody answers) or open (nothing can be guessed).
    """
    said, rows = (
        config.problem,
        f"all {n_rows:,} rows of the table{'' if config.problem.targetless else ' with a target'}",
    )
    words = [_entry(name, getattr(said, name)) for name in WORDS if name != "assumptions"]
    population = config.population
    declared = [text for text in (population.train, population.evaluate) if text != "all"]
    if n_without:
        rows += f"; {n_without:,} without one are left out"
    told = [*words, *_target_entries(config, problem, learned)]
    told.append(_entry("population", "; ".join(dict.fromkeys(declared)), rows, key="population"))
    if problem.output.family == "binary":
        costs = ", ".join(f"{name.replace('_', ' ')} {cost:g}" for name, cost in problem.costs.items())
        told.append(_entry("costs", costs, "both errors cost the same"))
    told.append(_entry("metric", said.metric_name or "", "explore recommends one"))
    told.append(_entry("success", f"{said.success:g}" if said.success else "", "any gain is worth shipping"))
    limits = said.limits.model_dump(exclude_none=True)
    told.append(_entry("limits", ", ".join(f"{name} {value:g}" for name, value in limits.items()), "no limits"))
    told.append(_assumed(said.assumptions))
    asked = {entry["key"]: entry["question"] for entry in reversed(questions)}
    told = [{**entry, "question": asked.get(entry["key"], entry["question"])} for entry in told]
    known = {entry["key"] for entry in told}
    return told + [
        {"entry": q["key"], "key": q["key"], "value": q["guess"], "who": WHO["data"],
         "status": GUESSED if q["guess"] else OPEN, "question": q["question"]}
        for q in questions if q["key"] not in known and q["key"] not in ("population.train", "problem.task")
    ]  # fmt: skip


def reworded(framed: Result, config: Config) -> Result:
    """Return the result of `frame` with its words as study.yaml has them now, so that an answer shows before anything runs again."""
    said = {name: getattr(config.problem, name) for name in WORDS}
    now = {name: list(words) if isinstance(words, tuple) else words for name, words in said.items()}
    changed = [name for name in WORDS if now[name] != framed["problem"].get(name)]
    if not changed or "statement" not in framed.facts:
        return framed
    # The others keep their entries: `frame` asked about them in words that this module does not have.
    entries = {name: _assumed(said[name]) if name == "assumptions" else _entry(name, said[name]) for name in changed}
    answered = {entry["key"] for entry in entries.values() if entry["status"] == ANSWERED}
    facts = {
        **framed.facts, "problem": {**framed["problem"], **now},
        "statement": [{**entry, **entries.get(entry["entry"], {})} for entry in framed["statement"]],
        "questions": [question for question in framed["questions"] if question["key"] not in answered],
    }  # fmt: skip
    check = find("checks", "fg101_unanswered")()
    again = [
        replace(finding, step="frame")
        for finding in check.run(questions=facts["questions"], statement=facts["statement"])
    ]
    findings: list[Any] = []
    for finding in framed.findings:
        findings += again if finding.code == check.code else [finding]
    return replace(framed, facts=facts, findings=tuple(findings))


def _assumed(said: Sequence[str]) -> dict[str, str]:
    return _entry("assumptions", "; ".join(said), f"only what explore tests: {'; '.join(TESTED)}")


def _target_entries(config: Config, problem: Problem, learned: Learned | None) -> list[dict[str, str]]:
    said, first = config.problem, problem.output
    names = ", ".join(problem.targets)
    if first.targetless:
        told = []
    elif learned is None:
        told = [_entry("target", names)]
    else:
        value = f"the proxy {learned.name}: {config.proxies[learned.name].event}"
        told = [_entry("target", "" if learned.guessed else value, value, key="problem.proxy")]
    told.append(_entry("task", said.task or "", first.task.name))
    if first.family == "binary":
        told.append(_entry("positive", said.positive or "", first.labels[1]))
    return told


def _entry(name: str, said: str, guess: str = "", key: str = "") -> dict[str, str]:
    status = ANSWERED if said else GUESSED if guess else OPEN
    return {
        "entry": name, "key": key or f"problem.{name}", "value": said or guess, "who": WHO[name], "status": status,
        "question": ASKED[name],
    }  # fmt: skip
