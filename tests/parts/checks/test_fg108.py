"""FG108: a proxy is learned."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg108_proxy_target import ProxyTarget
from fieldguide.steps.frame.events import Learned
from fieldguide.testing import check_check


def learned(guessed=True):
    return Learned("click", "it is the only one", guessed, {"click": 0.12}, 1)


def test_a_guessed_proxy_is_asked_about():
    fires = {"learned": learned(), "afterwards": ("clicks", "clicked_at")}
    finding = only(check_check(ProxyTarget(), fires, {"learned": None, "afterwards": ()}))
    assert finding.severity == "warning" and finding.columns == ("clicks", "clicked_at")
    assert finding.sentence == (
        "The proxy 'click', yes in 12 % of the rows, is learned, one of 1 candidate: it is the only one. "
        "2 columns that events are made of are left out: 'clicks', 'clicked_at'."
    )
    assert finding.remedy == "Set problem.proxy: click, or another, once the product owner has agreed."


def test_a_chosen_proxy_is_noted():
    assert only(ProxyTarget().run(learned=learned(False), afterwards=())).severity == "info"


def test_events_beside_a_target_are_noted():
    finding = only(ProxyTarget().run(learned=None, afterwards=("paid",)))
    assert finding.severity == "info" and finding.sentence == "1 column that events are made of is left out: 'paid'."
