"""FG326: labels that are probably wrong."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from check_cases import only, problem_of, regression, roles_of, table_of

from fieldguide.core.table import Column, Table
from fieldguide.parts.checks.fg326_label_noise import WrongLabels
from fieldguide.testing import check_check

CHECK = WrongLabels()
LABELS = ("no", "yes")


def case(truth, yes, problem=None, rows=None, blocks=None):
    """Return what the check needs: labels, and the probe's probability of "yes"."""
    rows = np.arange(len(truth)) if rows is None else rows
    names = np.array(LABELS)[truth]
    table = table_of(x=np.zeros(len(truth)))
    table = Table(table.frame.with_columns(sold=names), (*table.columns, Column("sold", "category", "target")))
    probe = SimpleNamespace(rows=rows, predictions=(np.column_stack([1 - yes, yes])[rows],))
    return {"table": table, "problem": problem or problem_of(), "probe": probe, "roles": roles_of(len(truth), blocks)}


def probabilities(n=4000, seed=0, spread=3.0):
    """Return (labels drawn from calibrated probabilities, those probabilities): hard in part, and clean."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-spread * rng.normal(size=n)))
    return (rng.random(n) < p).astype(np.int64), p


def flipped(truth, share, seed=1):
    wrong = np.random.default_rng(seed).random(len(truth)) < share
    return np.where(wrong, 1 - truth, truth), wrong


def blind(p):
    """Return what a model says that is unsure, but has not learned that labels are wrong."""
    return 1 / (1 + np.exp(-0.7 * np.log(p / (1 - p))))


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_wrong_labels_are_counted_and_named(share):
    truth, p = probabilities()
    noisy, wrong = flipped(truth, share)
    (finding,) = check_check(CHECK, case(noisy, blind(p)), case(truth, p))
    assert finding.severity == "warning"
    assert finding.evidence["share"] == pytest.approx(share, abs=0.02)
    assert finding.sentence.startswith("About ") and "of the labels of 'sold' seem wrong" in finding.sentence
    rows = finding.evidence["rows"]
    assert len(rows) == 50 == len(finding.evidence["guessed"])
    assert wrong[rows].mean() > 0.8
    assert finding.evidence["given"] == [LABELS[i] for i in noisy[rows]]


@pytest.mark.parametrize("spread", [0.8, 1.2, 2.0, 4.0])
def test_a_hard_but_clean_problem_is_not_noisy(spread):
    fired = [CHECK.run(**case(*probabilities(3000, seed, spread)))[0].fired for seed in range(12)]
    assert not any(fired)


def test_a_model_that_is_too_sure_or_not_sure_enough_does_not_make_clean_labels_noisy():
    for power in (0.6, 1.6):
        for seed in range(5):
            truth, p = probabilities(3000, seed, 2.0)
            q = p**power / (p**power + (1 - p) ** power)
            finding = CHECK.run(**case(truth, q))[0]
            assert not finding.fired or (finding.severity == "info" and power > 1)


def test_rare_positives_that_nothing_tells_are_no_wrong_labels():
    rng = np.random.default_rng(0)
    truth, p = (rng.random(4000) < 0.05).astype(np.int64), np.clip(rng.normal(0.05, 0.01, 4000), 0.001, 0.2)
    assert CHECK.run(**case(truth, p))[0].status == "passed"


def test_rows_are_rows_of_the_table():
    truth, p = probabilities(8000)
    noisy, wrong = flipped(truth, 0.1)
    rows = np.arange(0, 8000, 2)
    finding = only(CHECK.run(**case(noisy, blind(p), rows=rows)))
    named = np.array(finding.evidence["rows"])
    assert (named % 2 == 0).all() and wrong[named].mean() > 0.8


def test_silences():
    truth, p = probabilities(200)
    assert only(CHECK.run(**case(truth, p))).status == "skipped"
    assert only(CHECK.run(**(case(truth, p) | {"probe": None}))).status == "skipped"
    assert only(CHECK.run(**(case(truth, p) | {"problem": regression()}))).status == "not_applicable"


def test_a_sure_model_that_errs_more_often_than_it_says_is_a_note():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 2000)
    noisy, wrong = flipped(truth, 0.02)
    yes = np.where(truth == 1, 0.999, 0.001) + rng.uniform(-0.0009, 0.0009, 2000)
    finding = only(CHECK.run(**case(np.where(yes > 0.5, noisy, np.where(rng.random(2000) < 0.5, noisy, truth)), yes)))
    assert finding.fired and finding.severity in ("info", "warning")
    assert wrong[finding.evidence["rows"]].all()


def test_rows_of_a_group_that_err_together_are_no_wrong_labels():
    """Steps of recordings: sure of the wrong class in all rows of a few of them, which is a few errors and not hundreds."""
    rng = np.random.default_rng(0)
    blocks = np.repeat(np.arange(100), 40)
    truth = (np.arange(100) % 2)[blocks]
    lost = (rng.random(100) < 0.1)[blocks]
    right = np.where(lost, 1 - truth, truth)
    p = np.clip(np.where(right == 1, 0.9, 0.1) + 0.08 * rng.normal(size=len(truth)), 0.01, 0.99)
    assert only(CHECK.run(**case(truth, p))).fired
    found = only(CHECK.run(**case(truth, p, blocks=blocks)))
    assert found.status == "skipped" and "4,000 rows, which err together as 1" in found.sentence
