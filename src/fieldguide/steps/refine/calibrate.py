"""Calibrate: fit a calibrator on predictions for rows nobody was fitted on, and see what it is worth on others of them.

Takes the validation predictions of the chosen answer. The calibrator that ships is fitted on all of them; what it is worth is
measured by fitting it on four fifths of the units and correcting the last fifth, five times. No sealed row is read here: the
packaged model is judged on these with its calibrator inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench
from fieldguide.core.candidate import mixed, original_scale
from fieldguide.core.contracts import Threshold
from fieldguide.core.figures import number
from fieldguide.core.leaderboard import threshold_for
from fieldguide.core.problem import Output
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.calibration import calibration
from fieldguide.steps.refine.blend import Blended

PARTS = 5


@dataclass(frozen=True)
class Calibrated:
    """What calibration gave.

    Args:
        calibrators: one per output, None where an output has no probabilities it could correct.
        thresholds: chosen again, on corrected predictions that their own rows had no part in.
        facts: per output: name, n, before and after (ratio, error, log_loss), and the sentence.
    """

    calibrators: tuple[Any, ...]
    thresholds: tuple[Threshold, ...]
    facts: tuple[Mapping[str, Any], ...]


def calibrate(bench: Bench, chosen: Blended, thresholds: Sequence[Threshold]) -> Calibrated:
    """Fit the problem's calibrator on the chosen answer's validation predictions.

    Args:
        chosen: its members and weights.
        thresholds: of the leaderboard entry, kept where nothing is corrected.
    """
    problem, rows = bench.problem, chosen.members[0].rows
    raw = mixed([member.raw for member in chosen.members], chosen.weights)
    predictions, truths, blocks = original_scale(raw, problem.outputs), bench.truths(rows), bench.roles.blocks[rows]
    weights = bench.weights(rows)
    calibrators: list[Any] = []
    cuts: list[Threshold] = []
    facts = []
    for output, truth, prediction, threshold in zip(problem.outputs, truths, predictions, thresholds):
        if problem.calibrator is None or output.family not in problem.calibrator.families:
            calibrators.append(None)
            cuts.append(threshold)
            continue
        again = cross_fitted(problem.calibrator, truth, prediction, blocks, bench.seed, weights)
        calibrators.append(problem.calibrator.fit(truth, prediction, *_given(weights)))
        cuts.append(threshold_for(output, truth, again, problem.costs, problem.decide, weights))
        facts.append(worth(output, problem.calibrator.name, truth, prediction, again, blocks, bench.seed, weights))
    return Calibrated(tuple(calibrators), tuple(cuts), tuple(facts))


def cross_fitted(
    calibrator: Any,
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    seed: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return corrected predictions, each row by a calibrator that was fitted without its unit.

    Shape:
        truth, blocks, weights: (rows,)
        prediction, returns: (rows, n_labels)
    """
    units, which = np.unique(blocks, return_inverse=True)
    part = (generator(seed, "calibrate").permutation(len(units)) % PARTS)[which]
    corrected = np.array(prediction, np.float64)
    for place in range(PARTS):
        inside = part == place
        heard = ~inside if weights is None else ~inside & (weights > 0)
        if inside.any() and len(np.unique(truth[heard])) > 1:
            fitted = calibrator.fit(truth[heard], prediction[heard], *_given(weights, heard))
            corrected[inside] = fitted.correct(prediction[inside])
    return corrected


def _given(weights: np.ndarray | None, rows: Any = slice(None)) -> tuple[np.ndarray, ...]:
    """Return weights as an argument, or none: a calibrator of one's own need not know of them before rows have any."""
    return () if weights is None else (weights[rows],)


def worth(
    output: Output,
    name: str,
    truth: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    blocks: np.ndarray,
    seed: int,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return ratio, calibration error and log loss before and after, on the same rows, and one sentence.

    Shape:
        truth, blocks, weights: (rows,)
        before, after: (rows, n_labels)
    """
    found = {
        stage: quality(output, truth, given, blocks, seed, weights)
        for stage, given in (("before", before), ("after", after))
    }
    one, other = found["before"], found["after"]
    helped = other["log_loss"] < one["log_loss"]
    sentence = (
        f"{name} {'lowers' if helped else 'does not lower'} the log loss of {output.name!r} on validation rows, from "
        f"{number(one['log_loss'])} to {number(other['log_loss'])}; calibration error {number(one['error'], 3)} to {number(other['error'], 3)}"
    )
    return {"output": output.name, "calibrator": name, "n": len(truth), **found, "helped": helped, "sentence": sentence}


def quality(
    output: Output,
    truth: np.ndarray,
    prediction: np.ndarray,
    blocks: np.ndarray,
    seed: int,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return how calibrated probabilities are: ratio with interval, expected calibration error, log loss [nats], bins."""
    judged = calibration(truth, prediction, blocks, output.labels, seed, replicates=200, weights=weights).to_dict()
    surprise = -np.log(np.clip(prediction[np.arange(len(truth)), truth], 1e-15, 1.0))
    return {key: judged[key] for key in ("ratio", "interval", "error", "bins")} | {
        "log_loss": float(np.average(surprise, weights=weights))
    }
