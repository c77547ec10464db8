"""FG330: a proxy that comes too late."""

from __future__ import annotations

from check_cases import only
from proxy_cases import delay, proxies, row

from fieldguide.parts.checks.fg330_proxy_delay import ProxyDelay
from fieldguide.testing import check_check


def case(**changes):
    return {"proxies": proxies(row(**changes))}


def test_a_proxy_as_late_as_the_outcome_gains_nothing():
    late = case(delay={"row": delay(50.0), "outcome": delay()})
    finding = only(check_check(ProxyDelay(), late, case()))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "90 % of the events of 'cart' that come are there after 50 days, those of the outcome after 70: it is hardly known earlier."
    )
    assert finding.evidence["outcome"]["p90"] == 70.0 and "curve" not in finding.evidence["delay"]


def test_events_still_to_come_stand_as_no():
    finding = only(ProxyDelay().run(**case(delay={"row": delay(20.0, late=0.11), "outcome": None})))
    assert finding.sentence.endswith("after 20 days: in these rows 11 % of them are still to come and stand as no.")


def test_outcomes_still_to_come_leave_it_unjudged():
    finding = only(ProxyDelay().run(**case(delay={"row": delay(), "outcome": delay(90.0, late=0.4)})))
    assert finding.sentence == "After 'cart', 40 % of the outcomes that will follow are still to come."


def test_without_times_nothing_can_be_said():
    finding = only(ProxyDelay().run(**case(delay={"row": None, "outcome": None})))
    assert finding.status == "skipped" and "no times to measure a delay from" in finding.sentence
    assert only(ProxyDelay().run(**case(delay={"row": delay(None), "outcome": None}))).status == "skipped"


def test_candidates_that_are_not_learned_are_noted():
    slow = row("review", delay={"row": delay(69.0), "outcome": None})
    finding = only(ProxyDelay().run(proxies=proxies(row(), slow)))
    assert (finding.severity, finding.evidence["proxy"]) == ("info", "review")
