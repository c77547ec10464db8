"""FG308: a skewed, capped or heaped target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from check_cases import only, problem_of, regression

from fieldguide.parts.checks.fg308_target_shape import TargetShape
from fieldguide.testing import check_check

RNG = np.random.default_rng(0)
NORMAL = {"problem": regression(), "truths": (RNG.normal(50, 5, size=2_000),)}


def test_a_long_tail_gets_a_transform():
    counts = np.exp(RNG.normal(3, 1, size=2_000))
    finding = only(check_check(TargetShape(), {"problem": regression(), "truths": (counts,)}, NORMAL))
    assert finding.severity == "info"
    assert finding.evidence["propose"] == {"transform": "log1p"}
    assert "'sold' has a long tail (skewness" in finding.sentence


def test_a_capped_target_warns():
    price = np.minimum(RNG.normal(3, 1, size=2_000), 4.5)
    finding = only(TargetShape().run(problem=regression(), truths=(price,)))
    assert finding.severity == "warning"
    assert "of 'sold' stand at the largest value, 4.5: it looks capped." in finding.sentence


def test_a_scale_and_a_floor_of_zero_are_no_caps():
    stars = RNG.integers(1, 6, 2_000).astype(float)
    rain = np.maximum(RNG.normal(0.5, 1, size=2_000), 0)
    rentals = np.floor(np.exp(RNG.normal(3, 1.5, size=2_000)) + 1)  # many at 1, and nearly as many at 2 and 3
    for truth in (stars, rain, rentals):
        found = TargetShape().run(problem=regression(), truths=(truth,))
        assert not [finding for finding in found if finding.fired and finding.severity == "warning"]


def test_a_transform_that_is_set_is_not_proposed():
    output = replace(regression().output, transform="log1p")
    counts = np.exp(RNG.normal(3, 1, size=2_000))
    assert (
        only(TargetShape().run(problem=replace(regression(), outputs=(output,)), truths=(counts,))).status == "passed"
    )


def test_classes_have_no_tail():
    assert only(TargetShape().run(problem=problem_of(), truths=(np.array([0, 1]),))).status == "not_applicable"
