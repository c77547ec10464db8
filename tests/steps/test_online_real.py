"""Real logs with known results: Cookie Cats (an A/B test with a sample ratio mismatch) and Open Bandit (off-policy)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.steps.online.experiment import plan, verdict
from fieldguide.steps.online.off_policy import off_policy, policy_table

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))
COOKIE_CATS = DATA / "cookie_cats" / "cookie_cats.csv.gz"
OPEN_BANDIT = DATA / "open_bandit"


@pytest.mark.skipif(not COOKIE_CATS.exists(), reason=f"{COOKIE_CATS} is not here")
def test_cookie_cats_agrees_with_the_known_result_and_names_the_mismatch_first(tmp_path):
    (tmp_path / "experiment.yaml").write_text(
        f"name: gates\nlog: {COOKIE_CATS}\ncolumns: {{unit: userid, arm: version}}\n"
        "arms: {gate_40: {}, gate_30: {changes: [rules]}}\n"
        "measures: {retention_7: {role: primary}, retention_1: {}}\n"
    )
    plan(tmp_path)
    found = verdict(tmp_path)
    assert found["ratio"]["counts"] == {"gate_40": 45_489, "gate_30": 44_700}
    assert found["ratio"]["chi2"] ** 0.5 == pytest.approx(2.63, abs=0.005)
    assert found["ratio"]["p"] == pytest.approx(0.0086, abs=5e-5)
    week, day = found["measures"]
    assert (week["name"], week["value"], week["p"]) == (
        "retention_7",
        pytest.approx(0.00820, abs=5e-6),
        pytest.approx(0.00155, abs=1e-5),
    )
    assert week["value"] / week["error"] == pytest.approx(3.164, abs=0.001)
    assert (day["value"], day["p"]) == (pytest.approx(0.00591, abs=5e-6), pytest.approx(0.0744, abs=5e-5))
    assert found["sentence"].startswith("No verdict can be trusted: sample ratio mismatch (p 0.00861)")
    assert found["verdict"]["decision"] == "void"
    assert found.findings[0].code == "FG920"


@pytest.mark.parametrize("campaign", ["men", "women"])
@pytest.mark.skipif(not OPEN_BANDIT.exists(), reason=f"{OPEN_BANDIT} is not here")
def test_open_bandit_values_bts_from_the_random_log_within_reach_of_its_own_clicks(campaign):
    random, bts = (pl.read_csv(OPEN_BANDIT / f"{policy}_{campaign}.csv.gz") for policy in ("random", "bts"))
    n_actions = int(max(log["item_id"].max() for log in (random, bts))) + 1
    table = policy_table(bts["item_id"].to_numpy(), bts["position"].to_numpy(), n_actions)
    found = off_policy(
        random["item_id"].to_numpy(), random["click"].to_numpy(), random["propensity_score"].to_numpy(),
        np.stack([table[position] for position in random["position"].to_list()]), contexts=random["position"].to_numpy(),
    )  # fmt: skip
    own = bts["click"].mean()
    assert found["logged"]["value"] == pytest.approx(0.0046, abs=1e-4)
    assert own == pytest.approx({"men": 0.0069, "women": 0.0046}[campaign], abs=1e-4)
    for estimate in found["estimates"]:
        assert estimate["interval"][0] <= own <= estimate["interval"][1]
    assert not [finding.code for finding in found.findings if finding.fired]


def test_propensities_that_were_not_used_and_actions_that_were_not_taken_are_told():
    rng = np.random.default_rng(0)
    actions = rng.choice(20, 5_000, p=np.r_[0.9, np.full(19, 0.1 / 19)])
    rewards = (rng.random(5_000) < 0.1).astype(float)
    never = np.tile(np.r_[0.0, np.full(19, 1 / 19)], (5_000, 1))
    propensities = np.where(actions == 0, 0.9, 0.1 / 19)
    fired = {f.code for f in off_policy(actions, rewards, propensities, never).findings if f.fired}
    assert fired == set()
    wrong = {f.code for f in off_policy(actions, rewards, np.full(5_000, 1 / 20), never).findings if f.fired}
    assert wrong == {"FG946"}
    few = off_policy(actions[:400], rewards[:400], propensities[:400], never[:400])
    assert {f.code for f in few.findings if f.fired} == {"FG945"}


@pytest.mark.parametrize(
    ("propensity", "share", "said"),
    [
        (0.0, 0.5, "propensities are not chances"),
        (1.5, 0.5, "propensities are not chances"),
        (0.5, 0.4, "chances are not chances"),
    ],
)
def test_chances_that_are_none_are_refused(propensity, share, said):
    with pytest.raises(DataError, match=said):
        off_policy(np.zeros(4, int), np.ones(4), np.full(4, propensity), np.full((4, 2), share))
