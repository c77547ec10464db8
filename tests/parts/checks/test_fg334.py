"""FG334: a proxy that disagrees with the outcome."""

from __future__ import annotations

from check_cases import only
from proxy_cases import proxies, row

from fieldguide.parts.checks.fg334_proxy_disagrees import ProxyDisagrees
from fieldguide.testing import check_check


def agreed(value, low, high):
    return {"proxies": proxies(row(agreement={"correlation": value, "interval": [low, high], "n": 700}))}


def test_no_relation():
    finding = only(check_check(ProxyDisagrees(), agreed(0.01, -0.03, 0.05), {"proxies": proxies(row())}))
    assert finding.sentence == "'cart' does not go with the outcome: rank correlation 0.01 [−0.03, 0.05] in 700 rows."


def test_the_opposite():
    assert "'cart' goes against the outcome" in only(ProxyDisagrees().run(**agreed(-0.2, -0.3, -0.1))).sentence


def test_it_teaches_worse_than_the_outcome():
    scored = {**row()["outcome_score"], "value": 0.7, "difference": -0.12, "difference_interval": [-0.15, -0.09]}
    finding = only(ProxyDisagrees().run(proxies=proxies(row(outcome_score=scored))))
    assert finding.sentence == (
        "A quick model learned from 'cart' ranks the outcome with ROC AUC 0.7, 0.12 below one learned from the outcome itself "
        "[−0.15, −0.09], in 700 rows."
    )


def test_without_an_outcome_it_is_skipped():
    assert only(ProxyDisagrees().run(proxies=proxies(row(agreement=None, outcome_score=None)))).status == "skipped"
