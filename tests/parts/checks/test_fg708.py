"""FG708: another metric would choose other clusters."""

from types import SimpleNamespace

import numpy as np
from check_cases import only

from fieldguide import parts
from fieldguide.core.problem import Output, Problem
from fieldguide.parts.checks.fg708_other_judge import OtherJudge
from fieldguide.testing import check_check


def case(moons: bool, task: str = "clustering"):
    """Two half circles, or two heaps, with the clusters that follow them and those that a straight cut makes."""
    rng = np.random.default_rng(0)
    truth, angle = np.arange(160) % 2, rng.uniform(0, np.pi, 160)
    bent = np.where(
        truth[:, None] == 0,
        np.column_stack([np.cos(angle), np.sin(angle)]),
        np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)]),
    )
    points = bent if moons else 8.0 * np.eye(2)[truth] + rng.normal(size=(160, 2))
    cut = (points[:, 0] > np.median(points[:, 0])).astype(int)
    metric = parts.find("metrics", "silhouette" if task == "clustering" else "trustworthiness")()
    output = Output("cluster", parts.find("tasks", task)(), (), metric)
    rows = np.arange(160)
    bench = SimpleNamespace(problem=Problem((output,)), find=parts.find, truths=lambda taken: (points[taken],))
    trials = [
        SimpleNamespace(name=name, rows=rows, raw=(np.eye(2)[labels],))
        for name, labels in (("cut", cut), ("bent", truth))
    ]
    return {"bench": bench, "trials": trials, "facts": {"chosen": "cut" if moons else "bent"}}


def test_the_metrics_disagree_on_moons():
    found = only(check_check(OtherJudge(), case(True), case(False)))
    assert found.sentence.startswith(
        "Density silhouette would choose bent, whose clusters hardly agree with those of cut (adjusted Rand index 0."
    )
    assert found.severity == "info" and "problem.metric" in found.remedy


def test_what_it_does_not_ask():
    assert only(OtherJudge().run(**case(True, "reduction"))).status == "not_applicable"
    one = case(True)
    assert only(OtherJudge().run(bench=one["bench"], trials=one["trials"][:1], facts=one["facts"])).status == "skipped"
