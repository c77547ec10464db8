"""FG701: capacity to overfit."""

from __future__ import annotations

from check_cases import only, trial_of

from fieldguide.parts.checks.fg701_capacity import Capacity
from fieldguide.testing import check_check

NETWORK = [trial_of("mlp", "network")]


def moves(*states):
    return [
        {
            "stage": "coach",
            "direction": "raise",
            "diagnosis": {"state": "underfits", "gap": 0.01},
            "after": {"state": state, "gap": gap},
        }
        for state, gap in states
    ]


def test_a_network_that_never_overfits():
    fires = {"trials": NETWORK, "facts": {"moves": moves(("underfits", 0.02), ("underfits", 0.03))}}
    finding = only(check_check(Capacity(), fires, {"trials": NETWORK, "facts": {"moves": moves(("overfits", 0.2))}}))
    assert finding.sentence == (
        "The network never overfitted, though capacity was raised in 2 moves: the widest gap is 3 % of "
        "the validation loss."
    )


def test_a_network_that_was_not_coached():
    finding = only(Capacity().run(trials=NETWORK, facts={"moves": [{"stage": "search", "candidate": "trial 1"}]}))
    assert finding.sentence == "The network's capacity was not explored: 0 moves were made."


def test_without_a_network_there_is_no_capacity():
    assert only(Capacity().run(trials=[trial_of("linear")], facts={"moves": []})).status == "not_applicable"


def test_outputs_that_paid_for_moves_are_named():
    coached = moves(("overfits", 0.2), ("overfits", 0.3))
    coached[0]["outputs"] = [{"output": "days", "loses": True}, {"output": "stars", "loses": False}]
    finding = only(Capacity().run(trials=NETWORK, facts={"moves": coached}))
    assert finding.sentence.endswith(
        "Of the outputs after the first, some got clearly worse, and such moves were not kept: 'days' in 1 move."
    )
    assert finding.evidence["cost_outputs"] == {"days": 1}
