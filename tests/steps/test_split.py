"""Split: a given test set is obeyed, also in how it treats copies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.table import Column, Table, row_keys
from fieldguide.steps.split.split import Divided, Request, divide, prove


def table_with_copies(n: int = 300) -> Table:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    x[n // 2 :] = x[rng.integers(0, n // 2, n - n // 2)]  # the second half repeats rows of the first
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": rng.normal(size=n)})
    return Table(frame, (*(Column(name, "number") for name in "abc"), Column("y", "number", "target")))


def divided(table: Table, given: np.ndarray) -> Divided:
    splitters = {name: parts.find("splitters", name)() for name in ("random", "chronological")}
    return divide(table, row_keys(table.frame.drop("y")), None, Request(given=given, folds=4), splitters)


def copied_across(found: Divided) -> list[float]:
    exact, work = found.duplicates.exact, found.split.work
    return [np.isin(exact[work[f.validation]], exact[work[f.train]]).mean() for f in found.split.folds]


def test_folds_treat_copies_as_the_given_test_set_does() -> None:
    table = table_with_copies()
    at_random = np.random.default_rng(1).random(300) < 0.2
    found = divided(table, at_random)
    assert np.array_equal(found.split.test, np.flatnonzero(at_random)) and not len(found.split.purged)
    assert min(copied_across(found)) > 0.3
    (unseen,) = found.unseen().values()
    exact = found.duplicates.exact
    assert np.array_equal(unseen, ~np.isin(exact[at_random], exact[~at_random])) and 0 < unseen.mean() < 1


def test_folds_keep_copies_together_where_the_given_test_set_has_none() -> None:
    table = table_with_copies()
    keys = row_keys(table.frame.drop("y"))
    alone = np.unique(keys, return_index=True, return_counts=True)
    given = np.zeros(300, bool)
    given[alone[1][alone[2] == 1][:20]] = True
    found = divided(table, given)
    assert copied_across(found) == pytest.approx([0.0] * len(found.split.folds)) and found.unseen() == {}


def table_of_visits() -> tuple[Table, np.ndarray]:
    rng = np.random.default_rng(0)
    unit = rng.permutation(np.repeat(np.arange(100), 6))
    frame = pl.DataFrame({
        "height": rng.normal(170, 9, 100).round(1)[unit], "pay": rng.gamma(2, 900, 100).round()[unit],
        "pulse": rng.normal(70, 9, 600), "y": rng.normal(size=600),
    })  # fmt: skip
    return Table(frame, (*(Column(n, "number") for n in frame.columns[:3]), Column("y", "number", "target"))), unit


def divided_by(table: Table, by: str | None, given: np.ndarray | None = None) -> Divided:
    splitters = {name: parts.find("splitters", name)() for name in ("random", "chronological")}
    return divide(table, row_keys(table.frame.drop("y")), None, Request(by=by, given=given), splitters)


def test_units_that_attributes_imply_are_not_cut() -> None:
    table, unit = table_of_visits()
    found = divided_by(table, None)
    assert found.entities is not None and found.entities.columns == ("height", "pay")
    assert not np.isin(unit[found.split.test], unit[found.split.development]).any()
    findings = [finding for finding in prove(table, found)[1] if finding.code == "FG209"]
    assert [(finding.fired, finding.columns) for finding in findings] == [(True, ("height", "pay"))]


def test_split_by_random_overrules_implied_units() -> None:
    table, unit = table_of_visits()
    found = divided_by(table, "random")
    assert found.entities is None and np.isin(unit[found.split.test], unit[found.split.development]).any()


def test_a_given_test_set_of_known_units_is_obeyed() -> None:
    table, _ = table_of_visits()
    assert divided_by(table, None, np.random.default_rng(0).random(600) < 0.2).entities is None
