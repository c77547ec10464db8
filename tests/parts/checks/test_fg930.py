"""FG930: the effect differs between slices."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged, measure

from fieldguide.parts.checks.fg930_slices_differ import SlicesDiffer
from fieldguide.testing import check_check


def case(last=-0.05):
    slices = {
        f"country = {name}": measure(value=value, half=0.01) for name, value in (("de", 0.02), ("fr", 0.021), ("it", last))
    }  # fmt: skip
    return {"judged": judged(measures=[measure(slices=slices)])}


def test_a_slice_that_loses_while_others_gain_fires():
    finding = only(check_check(SlicesDiffer(), case(), case(0.019)))
    assert finding.sentence.startswith(
        "Where country = it, clicks changes by −0.05 [−0.06, −0.04], elsewhere by 0.0205 (p "
    )
    assert finding.evidence["slice"] == "country = it"


def test_one_slice_has_nothing_to_differ_from():
    assert only(SlicesDiffer().run(judged=judged())).status == "not_applicable"
