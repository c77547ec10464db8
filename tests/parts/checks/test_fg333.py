"""FG333: a proxy that hangs on its definition."""

from __future__ import annotations

from check_cases import only
from proxy_cases import proxies, row, variant

from fieldguide.parts.checks.fg333_proxy_sensitive import ProxySensitive
from fieldguide.testing import check_check


def case(*variants):
    return {"proxies": proxies(row(variants=list(variants)))}


def without_outcome(**changes):
    return {k: v for k, v in variant(**changes).items() if not k.startswith("outcome")}


def test_the_ranking_of_the_outcome_changes():
    worse = variant("cart > 9", outcome_difference=-0.06, outcome_interval=[-0.09, -0.03], flips=0.11)
    finding = only(check_check(ProxySensitive(), case(variant(), worse), case(variant())))
    assert finding.sentence == (
        "'cart' hangs on its definition: with cart > 9 instead of cart > 0, the ranking of the outcome changes by −0.06 "
        "[−0.09, −0.03]; 11 % of the decisions flip."
    )


def test_a_small_or_unsure_change_is_none():
    small = variant(outcome_difference=-0.01, outcome_interval=[-0.012, -0.008])
    unsure = variant(outcome_difference=-0.06, outcome_interval=[-0.13, 0.01])
    assert only(ProxySensitive().run(**case(small, unsure))).status == "passed"


def test_costs_that_change():
    dear = variant(cost=0.5, cost_difference=0.1, cost_interval=[0.06, 0.14])
    finding = only(ProxySensitive().run(**case(dear)))
    assert "the cost of its decisions changes by 0.1 [0.06, 0.14] a row" in finding.sentence


def test_without_an_outcome_the_ranking_is_held_against_noise():
    assert only(ProxySensitive().run(**case(without_outcome(spearman=0.6)))).fired
    noisy = {"spearman": 0.65, "kendall": 0.5, "flips": 0.1}
    assert only(ProxySensitive().run(**case(without_outcome(spearman=0.6, noise=noisy)))).status == "passed"


def test_no_variants_are_skipped():
    assert only(ProxySensitive().run(**case())).status == "skipped"
    assert (
        only(ProxySensitive().run(**case({"event": "cart > 99", "positives": 0, "silence": "it is the same"}))).status
        == "skipped"
    )
