"""FG331: a proxy that is too sparse."""

from __future__ import annotations

from check_cases import only
from proxy_cases import proxies, row

from fieldguide.parts.checks.fg331_proxy_sparse import ProxySparse
from fieldguide.testing import check_check

RARE = {"positives": 40, "rate": 0.04, "smallest_rise": 0.045, "smallest_relative": 1.12}


def test_a_rise_that_cannot_be_shown():
    finding = only(check_check(ProxySparse(), {"proxies": proxies(row(**RARE))}, {"proxies": proxies(row())}))
    assert (
        finding.sentence
        == "'cart' has 40 positives in 1,000 rows: a rise of its rate by less than 112 % cannot be shown."
    )
    assert finding.severity == "warning"


def test_hardly_any_positive():
    finding = only(
        ProxySparse().run(proxies=proxies(row(positives=3, rate=0.003, smallest_relative=None, smallest_rise=None)))
    )
    assert finding.sentence == "'cart' has 3 positives in 1,000 rows: no rise of its rate can be shown."


def test_what_nearly_always_happens_is_sparse_too():
    finding = only(
        ProxySparse().run(proxies=proxies(row(positives=990, rate=0.99, smallest_rise=None, smallest_relative=None)))
    )
    assert finding.fired
    often = row(positives=800, rate=0.8, smallest_rise=None, smallest_relative=None)  # 200 rows of the rarer side
    assert only(ProxySparse().run(proxies=proxies(often))).status == "passed"


def test_sparse_slices_of_a_good_proxy_are_noted():
    part = {"name": "country = pe", "n_known": 90, "n_independent": 90.0, **RARE, "positives": 4}
    finding = only(ProxySparse().run(proxies=proxies(row(slices=[part]))))
    assert finding.severity == "info"
    assert finding.sentence == "In 1 slice of 1, 'cart' is too sparse to be judged (positives): country = pe (4)."
