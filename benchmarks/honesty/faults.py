"""The lists of the honesty benchmark: every planted fault, and the clean worlds, by name.

Examples:
    >>> from benchmarks.honesty.faults import FAULTS
    >>> world = FAULTS["exact_duplicates"].make(0)
    >>> world.train.height, world.train.n_unique() <= 400
    (2400, True)
"""

from __future__ import annotations

from benchmarks.honesty import clean, real, synthetic, synthetic_labels, synthetic_time
from benchmarks.honesty.world import Fault

SYNTHETIC: dict[str, Fault] = {f.name: f for f in (*synthetic.FAULTS, *synthetic_time.FAULTS, *synthetic_labels.FAULTS)}
REAL: dict[str, Fault] = {f.name: f for f in real.FAULTS}
CLEAN: dict[str, Fault] = {f.name: f for f in clean.CLEAN}
FAULTS: dict[str, Fault] = {**SYNTHETIC, **REAL}
