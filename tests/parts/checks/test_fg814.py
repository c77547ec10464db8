"""FG814: what the score rests on."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.problem import Output, Problem
from fieldguide.parts import find
from fieldguide.parts.checks.fg814_doubts import Doubts
from fieldguide.testing import check_check

PROBLEM = Problem(outputs=(Output("y", find("tasks", "binary")(), ("no", "yes"), metric=find("metrics", "roc_auc")()),))
DOUBT = {"code": "FG320", "says": "on rows where 'income' is known", "value": 0.78, "interval": [0.73, 0.83], "n": 300}


def facts(interval, sampling=None, doubts=(DOUBT,)):
    score = {"value": 0.88, "interval": interval, **({"sampling": sampling} if sampling else {})}
    return {"scores": [score], "doubts": list(doubts)}


def test_a_doubt_that_widens_the_interval_is_told_with_its_figures():
    bad = {"problem": PROBLEM, "facts": facts([0.73, 0.92], [0.85, 0.92])}
    finding = only(check_check(Doubts(), bad, {"problem": PROBLEM, "facts": facts([0.85, 0.92], doubts=())}))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "ROC AUC is 0.88 [0.85, 0.92] as the file stands, and 0.78 [0.73, 0.83] on rows where 'income' is known (300 rows, FG320): "
        "the interval [0.73, 0.92] spans them."
    )


def test_a_little_more_is_a_note_and_a_doubt_inside_passes():
    assert only(Doubts().run(problem=PROBLEM, facts=facts([0.84, 0.92], [0.85, 0.92]))).severity == "info"
    inside = only(Doubts().run(problem=PROBLEM, facts=facts([0.7, 0.92])))
    assert (inside.status, inside.sentence) == (
        "passed",
        "As if it were gone, nothing that explore found gives a score outside the interval.",
    )
