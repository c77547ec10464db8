"""FG369: scales near 0."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg369_small_scale import SmallScale
from fieldguide.testing import check_check


def case(scale, whole):
    first, second = series_of()["series"]["described"]
    return series_of(
        described=[{**first, "scale": scale, "whole_scale": whole}, {**second, "scale": 1.0, "whole_scale": 1.2}]
    )


def test_a_series_that_lay_still_at_first_decides_the_score():
    finding = only(check_check(SmallScale(), case(0.0007, 0.0525), case(0.2, 0.9)))
    assert finding.sentence == (
        "1 series of 2 hardly moves before the first origin that is judged, and decides the mean error over all: 'a' changes by 0.0007 "
        "until then, which its errors are divided by, and by 0.0525 in all development steps (75 times)."
    )
    assert "data.scale: none" in finding.remedy
    assert (
        finding.evidence["series"] == [{"series": "a", "times": 75.0}]
        or abs(finding.evidence["series"][0]["times"] - 75) < 1e-9
    )


def test_one_series_and_series_as_they_are_outweigh_nothing():
    alone = series_of(described=case(0.0007, 0.0525)["series"]["described"][:1])
    assert SmallScale().run(**alone)[0].status == "not_applicable"
    assert SmallScale().run(**series_of())[0].status == "not_applicable"
