"""FG332: a proxy that cannot be predicted."""

from __future__ import annotations

from check_cases import only
from proxy_cases import proxies, row

from fieldguide.parts.checks.fg332_proxy_unpredictable import ProxyUnpredictable
from fieldguide.testing import check_check


def facts(p):
    return row(predictability={**row()["predictability"], "p": p, "score": 0.51})


def test_no_better_than_shuffled():
    finding = only(check_check(ProxyUnpredictable(), {"proxies": proxies(facts(0.4))}, {"proxies": proxies(row())}))
    assert (
        finding.sentence
        == "A quick model predicts 'cart' no better than shuffled labels (ROC AUC 0.51, p 0.4 of 199 shuffles)."
    )


def test_many_candidates_have_more_chances():
    check = ProxyUnpredictable()
    assert only(check.run(proxies=proxies(facts(0.02)))).status == "passed"
    others = [row(name) for name in ("a", "b")]
    assert only(check.run(proxies=proxies(facts(0.02), *others))).fired


def test_a_label_without_a_difference_is_not_tested():
    assert only(ProxyUnpredictable().run(proxies=proxies(row(predictability=None)))).status == "skipped"
