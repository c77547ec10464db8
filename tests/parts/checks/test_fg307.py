"""FG307: should deep learning be used here?"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from check_cases import only, problem_of, regression, table_of

from fieldguide.core.table import Column, Table
from fieldguide.parts.checks.fg307_deep_learning import DeepLearning, straight_lines
from fieldguide.testing.check import check_findings

RNG = np.random.default_rng(0)


def rows(n, curve=False):
    x, z = RNG.normal(size=n), RNG.normal(size=n)
    truth = np.sin(3 * x) * z if curve else 2 * x + z
    table = table_of(x=x, z=z, kind=["a", "b"] * (n // 2))
    return {"table": table, "media": table, "problem": regression(), "truths": (truth,)}


@pytest.mark.parametrize(
    "case, verdict, words",
    [
        (
            rows(400, curve=True),
            "unlikely",
            "A network is unlikely to pay: 400 rows, no structure in space or sequence",
        ),
        (rows(20_000), "unlikely", "straight lines explain 100 % of 'sold', which leaves it little to find"),
        (rows(4_000, curve=True), "open", "on tables of this size boosting often wins"),
        (rows(20_000, curve=True), "worth a try", "A network is worth a try beside boosting: 20,000 rows"),
    ],
)
def test_verdicts(case, verdict, words):
    finding = only(DeepLearning().run(**case))
    assert (finding.evidence["verdict"], finding.severity) == (verdict, "info")
    assert words in finding.sentence
    assert check_findings(DeepLearning(), case)


def test_structure_speaks_for_a_network():
    case = rows(400, curve=True)
    text = Column("review", "text")
    frame = case["table"].frame.with_columns(pl.lit("fine").alias("review"))
    finding = only(DeepLearning().run(**{**case, "media": Table(frame, (*case["table"].columns, text))}))
    assert (
        finding.evidence["verdict"] == "likely" and "of 'sold' straight lines on the other columns" in finding.sentence
    )
    alone = Table(frame.select("review"), (text,))
    none = Table(alone.frame, (Column("review", "text", "ignore"),))
    finding = only(DeepLearning().run(**{**case, "table": none, "media": alone}))
    assert finding.sentence == "A network is likely to pay: 400 rows, 1 column with structure."


def test_straight_lines_agree_with_least_squares():
    n = 4_000
    x = RNG.normal(size=n)
    truth = x + RNG.normal(size=n)
    share = straight_lines(table_of(x=x, y=RNG.normal(size=n)), regression().output, truth)
    assert share == pytest.approx(0.5, abs=0.04)  # half of the variance is noise


def test_missing_cells_and_classes_are_taken():
    table = table_of(
        x=[None, *RNG.normal(size=199)], kind=["a", "b"] * 100, day=np.arange(200).astype("datetime64[us]")
    )
    assert straight_lines(table, problem_of().output, np.tile([0, 1], 100)) > 0.9
