"""FG704: the chosen candidate."""

from __future__ import annotations

from check_cases import only, trial_of

from fieldguide.parts.checks.fg704_chosen import Chosen
from fieldguide.testing import check_check

TRIALS = [trial_of("boosting", "boosting", 0.93), trial_of("tabm", "network", 0.92)]
ENTRIES = [trial.entry for trial in TRIALS]


def case(chosen, **members):
    entries = [
        *ENTRIES,
        {
            "candidate": "ensemble",
            "kind": "ensemble",
            "scores": [{"metric": "roc_auc", "title": "ROC AUC", "value": 0.94}],
        },
    ]
    blend = {"members": list(members), "weights": list(members.values())}
    return {"trials": TRIALS, "facts": {"chosen": chosen, "blend": blend, "entries": entries}}


def test_a_choice_without_a_network_says_so():
    finding = only(check_check(Chosen(), case("boosting", boosting=1.0), case("tabm", tabm=1.0)))
    assert finding.sentence == (
        "The chosen candidate is boosting (roc_auc 0.93), with no network in it (0 of 1); the best network, "
        "tabm, reaches 0.92."
    )


def test_the_weight_of_networks_is_told():
    finding = only(Chosen().run(**case("ensemble", boosting=0.75, tabm=0.25)))
    assert finding.sentence == "The chosen candidate is ensemble (ROC AUC 0.94); networks have 25 % of its weight."
    assert finding.evidence["network_weight"] == 0.25
