"""What each kind of data adds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import fieldguide as fg
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.table import Column
from fieldguide.parts import find
from fieldguide.steps.refine.worth import kinds_of, modality_worth


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    rng = np.random.default_rng(0)
    n = 400
    said = rng.integers(0, 2, n)
    words = [" ".join(rng.permutation(["room", "bed", "night", "view", "host", "good" if s else "bad"])) for s in said]
    x, noise = rng.normal(size=n), rng.normal(size=n)
    y = np.where(said + 0.3 * x + 0.2 * rng.normal(size=n) > 0.5, "yes", "no")
    table = pl.DataFrame({"review": words, "x": x, "noise": noise, "y": y})
    study = fg.Study.create(table, target="y", out=tmp_path_factory.mktemp("worth") / "study")
    return study._bench


def test_the_kind_that_tells_is_worth_most(bench):
    trial = bench.attempt(Candidate.of("linear", find("learners", "linear")()), Clock())
    found = modality_worth(bench, trial, Clock())
    text, columns = found["kinds"]
    assert (text["kind"], columns["kind"], columns["columns"]) == ("text", "columns", ["x", "noise"])
    assert text["without"]["difference"]["interval"][0] > 0.1
    assert text["alone"]["score"]["value"] > columns["alone"]["score"]["value"]
    # with two kinds, one alone is the other without
    assert text["alone"]["score"]["value"] == pytest.approx(columns["without"]["score"]["value"])
    assert found["sentence"].startswith("text adds ")


def test_without_time_it_says_so(bench):
    trial = bench.attempt(Candidate.of("linear", find("learners", "linear")()), Clock())
    found = modality_worth(bench, trial, Clock.of(0.0))
    assert found["sentence"].startswith("no time was left") and found["kinds"][0]["without"] is None


def test_one_kind_has_nothing_to_take_apart():
    assert list(kinds_of([Column("a", "number"), Column("b", "id"), Column("c", "boolean")])) == ["columns"]
