"""A study that is killed (SIGKILL) and resumed ends as the one that nobody killed: the journal, the seal, the model, byte by byte.

The points and the comparison are `benchmarks.kills`'s; here a few of them, in a process of its own whose forks compute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def killed(points: int, seed: int) -> dict[str, Any]:
    line = [sys.executable, "-m", "benchmarks.kills", "--points", str(points), "--seed", str(seed), "--json"]
    done = subprocess.run(line, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("points", "seed"), [(4, 11), pytest.param(100, 7, marks=pytest.mark.nightly)])
def test_a_killed_study_resumes_to_what_it_would_have_been(points: int, seed: int) -> None:
    found = killed(points, seed)
    assert found["failed"] == {}
    assert found["killed"] >= 0.75 * points
