"""Wrong labels that people confirmed: recall and precision of confident learning on MNIST and 20 Newsgroups.

    python -m benchmarks.label_errors

Knows the published out-of-sample probabilities and the verdicts of five reviewers per row (a label is wrong when fewer than
three confirm it); fits nothing. Precision counts reviewed rows only: what nobody reviewed is neither right nor wrong.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.datasets import data_folder
from fieldguide.core.statistics.label_noise import confident_learning, normalised_margin

BUDGETS = (50, 100, 200, 500)


def array(path: Any) -> np.ndarray:
    return np.load(io.BytesIO(gzip.decompress(path.read_bytes())), allow_pickle=False)


def load(name: str) -> tuple[np.ndarray, np.ndarray, set[int], set[int]]:
    """Return (given labels, probabilities, rows confirmed wrong, rows reviewed)."""
    folder = data_folder()
    errors = folder / "label_errors"
    probability = array(errors / f"{name}_test_set_pyx.npy.gz").astype(np.float64)
    if name == "mnist":
        packed = gzip.decompress((folder / "mnist_t10k" / "t10k-labels-idx1-ubyte.gz").read_bytes())
        given = np.frombuffer(packed, np.uint8, offset=8).astype(np.int64)
    else:
        given = array(errors / "20news_test_set_original_labels.npy.gz").astype(np.int64)
    verdicts = json.loads((errors / f"{name}_mturk.json").read_text())
    reviewed = {int(entry["id"]) for entry in verdicts}
    wrong = {int(entry["id"]) for entry in verdicts if entry["mturk"]["given"] < 3}
    return given, probability, wrong, reviewed


def line(name: str, rows: Iterable[int], wrong: set[int], reviewed: set[int]) -> str:
    named = {int(row) for row in rows}
    hits, known = len(named & wrong), len(named & reviewed)
    precision = f"{hits / known:.3f} of {known} reviewed" if known else "none reviewed"
    return f"  {name:34s} {len(named):5d} rows   recall {hits / len(wrong):.3f} ({hits}/{len(wrong)})   precision {precision}"


def main() -> None:
    for name in ("mnist", "20news"):
        given, probability, wrong, reviewed = load(name)
        noise = confident_learning(given, probability)
        accuracy = float((probability.argmax(axis=1) == given).mean())
        print(
            f"{name}: {len(given):,} rows, {len(wrong)} of {len(reviewed)} reviewed labels wrong, model accuracy {accuracy:.4f}"
        )
        print(f"  estimated share of wrong labels {noise.share:.4f} (confirmed: {len(wrong) / len(given):.4f})")
        print(line("confident learning", noise.rows, wrong, reviewed))
        order = np.argsort(normalised_margin(given, probability), kind="stable")
        for n in BUDGETS:
            print(line(f"the {n} lowest normalised margins", order[:n], wrong, reviewed))
        print(
            line(
                "every disagreement of the model", np.flatnonzero(probability.argmax(axis=1) != given), wrong, reviewed
            )
        )


if __name__ == "__main__":
    main()
