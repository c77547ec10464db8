"""Calibrators: the contract, and numbers against what is known of the truth."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide import parts
from fieldguide.core.contracts import Calibrator
from fieldguide.testing import check_calibrator
from fieldguide.testing.calibrator import overconfident


@pytest.mark.parametrize("name", parts.names("calibrators"))
def test_contract(name: str) -> None:
    calibrator = parts.find("calibrators", name)()
    check_calibrator(calibrator)
    assert isinstance(calibrator, Calibrator)


@pytest.mark.parametrize("n_labels", [2, 5])
def test_temperature_finds_the_factor_and_keeps_the_order(n_labels: int) -> None:
    truth, given = overconfident(n_labels, 4_000)
    fitted = parts.find("calibrators", "temperature")().fit(truth, given)
    assert 1 / fitted.inverse == pytest.approx(3.0, rel=0.1)
    assert np.array_equal(fitted.correct(given).argmax(1), given.argmax(1))


def test_bias_brings_back_shares_that_balancing_moved() -> None:
    rng = np.random.default_rng(0)
    honest = 1 / (1 + np.exp(3 - 1.5 * rng.normal(size=6_000)))
    truth = (rng.random(6_000) < honest).astype(np.int64)
    odds = honest / (1 - honest) * 9  # as from weights of 9 to 1
    given = np.stack([1 / (1 + odds), odds / (1 + odds)], 1)
    plain, biased = (
        parts.find("calibrators", "temperature")(bias=bias).fit(truth, given).correct(given) for bias in (False, True)
    )
    assert biased[:, 1].mean() == pytest.approx(truth.mean(), abs=1e-3)
    assert np.abs(biased[:, 1] - honest).mean() < 0.02 < 0.1 < np.abs(plain[:, 1] - honest).mean()


@pytest.mark.parametrize("settings", [("isotonic", {}), ("temperature", {"bias": True})], ids=lambda s: s[0])
def test_weights_correct_for_the_population_that_they_stand_for(settings: tuple[str, dict[str, bool]]) -> None:
    rng = np.random.default_rng(1)
    high = rng.random(8_000) < 0.5  # one half comes true more often than predicted, the other less
    p = np.where(rng.random(8_000) < 0.5, 0.4, 0.6)
    truth = (rng.random(8_000) < p + np.where(high, 0.2, -0.2)).astype(np.int64)
    given = np.column_stack([1 - p, p])
    weights = np.where(high, 9.0, 1.0)
    fitted = parts.find("calibrators", settings[0])(**settings[1])
    corrected = [fitted.fit(truth, given, w).correct(given)[:, 1] for w in (None, weights)]
    assert corrected[0].mean() == pytest.approx(0.5, abs=0.02)
    for level in (0.4, 0.6):
        assert corrected[1][p == level].mean() == pytest.approx(level + 0.16, abs=0.03)


def test_isotonic_is_scikit_learns() -> None:
    from sklearn.isotonic import IsotonicRegression

    truth, given = overconfident(2, 600)
    ours = parts.find("calibrators", "isotonic")().fit(truth, given).correct(given)[:, 1]
    theirs = IsotonicRegression(out_of_bounds="clip").fit_transform(given[:, 1], truth)
    margin = 0.5 / 601
    assert np.allclose(ours, np.clip(theirs, margin, 1 - margin), atol=1e-9)
    assert (np.diff(ours[np.argsort(given[:, 1])]) >= -1e-12).all()
