"""Ruling: which rules a study means, which versions it has had, and what of a row is known only later.

Knows study.yaml, model folders and the journal as places where rules are written down. What rules are worth is `steps.rules.judge`'.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.bench import Bench
from fieldguide.core.clock import Clock
from fieldguide.core.documents.config import Config
from fieldguide.core.documents.document import read_document
from fieldguide.core.documents.proxy_sections import sources
from fieldguide.core.errors import ConfigError, StudyError, listed, nearest
from fieldguide.core.journal import Journal
from fieldguide.core.language.rules import Bound, Rule, Rules, coded, true_signals
from fieldguide.core.model import RULES, read_rules
from fieldguide.steps.rules.judge import directly, directly_decided


def written(config: Config) -> Rules:
    """Return the rules of study.yaml.

    Raises:
        StudyError: there are none.
    """
    if config.rules is None:
        raise StudyError(
            "study.yaml has no rules", rule="the section rules says how a decision follows from the predicted signals",
            found="no section rules",
            do="write one: rules: {order: [{name: keen, when: stars >= 4, decide: call}], default: wait}",
        )  # fmt: skip
    return Rules(tuple(Rule(rule.name, rule.when, rule.decide) for rule in config.rules.order), config.rules.default)


def truth_of(config: Config) -> str | None:
    """Return the column of the true decision, where study.yaml names one."""
    return None if config.rules is None else config.rules.truth


def recorded(journal: Journal, rules: Rules) -> None:
    """Write a version of the rules into the journal, unless it is the last one there."""
    last = journal.last("rules")
    if last is None or last["version"] != rules.version:
        journal.append("rules", {"version": rules.version, **rules.to_dict()})


def other_version(folder: Path, journal: Journal, present: Rules, against: str | Path | None) -> Rules:
    """Return the rules that the present ones are compared with.

    Args:
        folder: of the study.
        against: a version, or the beginning of one; a file with a section rules; a model folder; None: the rules of `model/`
            where they differ, else the version before.

    Raises:
        StudyError, ConfigError, ModelError: there is no such version, or nothing to compare with.
    """
    kept = {record["data"]["version"]: record["data"] for record in journal.records("rules")}
    if against is not None and Path(against).exists():
        path = Path(against)
        return read_rules(path) if path.is_dir() else _of_file(path)
    if against is not None:
        found = [version for version in kept if version.startswith(str(against))]
        if len(found) != 1:
            raise StudyError(
                f"there is no version {str(against)!r} of the rules, and no such file{nearest(str(against), kept)}",
                rule="rules are compared with a version in the journal, or with a file",
                found=f"versions in the journal: {listed(kept)}" if kept else "no version is in the journal yet",
                do="name a version of the journal, or the path of a study.yaml",
            )
        return Rules.from_dict(kept[found[0]])
    if (folder / "model" / RULES).is_file() and (shipped := read_rules(folder / "model")).version != present.version:
        return shipped
    before = [data for version, data in kept.items() if version != present.version]
    if not before:
        raise StudyError(
            "there is no other version of the rules yet", rule="two versions are compared", found=f"only {present.version}",
            do="change the rules in study.yaml, or name a version, a file or a model folder by --against",
        )  # fmt: skip
    return Rules.from_dict(before[-1])


def _of_file(path: Path) -> Rules:
    """Return the rules of a study.yaml, or of a file that holds nothing else."""
    said = read_document(path.read_bytes(), path.name).data.get("rules")
    if said is None:
        raise ConfigError(
            f"{path} has no section rules",
            rule="rules are read from the section rules of a file",
            found=f"{path.name} has other sections, or none",
            do="name a study.yaml with rules, or a file with that section",
        )
    order = {name: value for name, value in said.items() if name != "truth"} if isinstance(said, Mapping) else said
    # the section alone is read: what else stands there may be about another table
    alone = {"problem": {"target": "any"}, "data": {"table": "any"}, "rules": order}
    return written(Config.from_dict(alone, path.parent))


def known_later(config: Config, excluded: Collection[str]) -> dict[str, str]:
    """Return columns that are not known when a row is answered, and why.

    Args:
        excluded: what explore found to give a target away.
    """
    found = dict.fromkeys(sorted(excluded), "explore found that it gives the target away")
    found |= dict.fromkeys(sources(config.proxies), "`proxies` says that it is known only afterwards")
    if config.data.known_at is not None:
        found[config.data.known_at] = "it is the moment the target became known"
    if config.rules is not None and config.rules.truth is not None:
        found[config.rules.truth] = "it holds the true decision"
    meant = {name for name, said in config.data.columns.items() if said.role == "feature"}
    return {name: why for name, why in found.items() if name not in meant}


def direct_of(
    bench: Bench, baselines: Sequence[Mapping[str, Any]], bound: Bound, frame: pl.DataFrame, truth: str | None, rows: np.ndarray, clock: Clock
) -> tuple[str, np.ndarray] | None:  # fmt: skip
    """Return a model that predicts the decision itself: its name and its decisions; None where there is one decision only.

    Args:
        baselines: entries of the leaderboard whose candidates are tried; trivial ones are left out.
        frame: typed columns of all development rows.

    Shape:
        rows: (asked,) development rows
        returns[1]: (asked,) codes, -1 where it judged none
    """
    if truth is None:
        codes = bound.decided(bound.holds(true_signals(bound.outputs, bench.rows.truths), frame))[0]
    else:
        codes = coded(frame[truth], bound.rules)
    able = [bench.remembered(entry) for entry in baselines if entry["kind"] != "trivial"]
    trial = directly(bench, able, bound.rules.decisions, codes, clock)
    return None if trial is None else (trial.name, directly_decided(trial, bound.rules.decisions, codes, rows))
