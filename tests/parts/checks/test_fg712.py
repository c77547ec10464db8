"""FG712: old rows do harm."""

from __future__ import annotations

from check_cases import only, problem_of

from fieldguide.parts.checks.fg712_sliding_window import SlidingWindow
from fieldguide.testing import check_check


def case(value=0.02, p=0.001, **more):
    facts = {
        "windows": {"value": value, "interval": [value - 0.01, value + 0.01], "p": p},
        "title": "RMSE",
        "n_starts": 9,
        "silence": "",
    }
    return {"problem": problem_of(), "facts": {**facts, **more}}


def test_a_gain_that_is_sure_fires():
    finding = only(check_check(SlidingWindow(), case(), case(p=0.1)))
    assert finding.sentence == (
        "Models trained on the latest rows only are better than those trained on all rows so far, by 0.02 [0.01, 0.03] RMSE over 9 periods."
    )


def test_a_loss_passes():
    assert only(SlidingWindow().run(**case(-0.02, 0.999))).status == "passed"


def test_silence_is_typed():
    assert only(SlidingWindow().run(**case(silence="no time"))).status == "not_applicable"
    assert (
        only(SlidingWindow().run(**case(windows={"value": None, "interval": [None, None], "p": None}))).status
        == "not_applicable"
    )
