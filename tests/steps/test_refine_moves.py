"""What the coach changes next: capacity up until a network overfits, then regularisation up and capacity down."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.settings import with_values
from fieldguide.core.table import Column
from fieldguide.parts.learners.fusion import Fusion
from fieldguide.steps.refine.coach import _next_move, coach, presets


def moves(learner, up):
    used, found = set(), []
    while (move := _next_move(Candidate.of("fusion", learner), up=up, used=used)) is not None:
        used.add(f"{move['setting']} {move['direction']}")
        found.append((move["setting"], move["to"]))
        assert with_values(learner, {move["setting"]: move["to"]}) != learner
    return found


def test_a_network_of_several_inputs_is_widened_and_then_held_back():
    assert moves(Fusion(), up=True) == [("d_hidden", 256), ("d_embedding", 256), ("n_layers", 2), ("n_epochs", 30)]
    down = [("dropout", 0.45), ("weight_decay", 0.1), ("d_hidden", 64), ("d_embedding", 64), ("l1", 1e-5)]
    assert moves(Fusion(), up=False) == down


def test_a_move_that_changes_nothing_is_passed_over():
    for dropout in (0.6, 0.8):
        assert "dropout" not in dict(moves(Fusion(dropout=dropout, d_hidden=8), up=False))
    assert "d_hidden" not in dict(moves(Fusion(d_hidden=8), up=False))


@pytest.mark.parametrize(("p", "kept"), [(0.02, False), (0.03, True)])
def test_a_move_that_another_output_clearly_pays_for_is_not_kept(p: float, kept: bool) -> None:
    """Of three outputs the second loses by each move; at 5 % shared by two, p must be .025 at most."""
    said = {0: (0.1, 0.5), 1: (-0.3, p), 2: (0.2, 0.001)}
    metric = SimpleNamespace(name="rmse", greater_is_better=False)
    outputs = tuple(SimpleNamespace(name=name, metric=metric) for name in ("price", "days", "stars"))
    learner = Fusion()

    def trial(name: str, chosen: Fusion) -> SimpleNamespace:
        history = [{"train": 0.4, "validation": 0.8}]
        entry = {"seconds": 1.0, "history": history, "scores": [{"value": 1.0}]}
        return SimpleNamespace(name=name, candidate=Candidate.of(name, chosen), entry=entry)

    bench = SimpleNamespace(
        problem=SimpleNamespace(outputs=outputs, output=outputs[0]),
        attempt=lambda candidate, clock: trial(candidate.name, candidate.learner),
        compared=lambda a, b, output=0: {"value": said[output][0], "p": said[output][1], "interval": [0.0, 0.0]},
    )
    _, (line,) = coach(bench, [trial("fusion", learner)], Clock(), 1)
    assert line["kept"] is kept and line["difference"]["value"] == 0.1
    assert [(one["output"], one["loses"]) for one in line["outputs"]] == [("days", not kept), ("stars", False)]


@pytest.mark.parametrize(("read", "tried"), [({}, []), ({"checkpoint": "bert"}, ["fusion, all layers"])])
def test_all_layers_are_tried_where_a_column_has_a_checkpoint(read: dict[str, str], tried: list[str]) -> None:
    asked: list[Fusion] = []

    def attempt(candidate: Candidate, clock: Clock) -> SimpleNamespace:
        asked.append(candidate.learner)
        entry = {"scores": [{"value": 1.0}], "seconds": 1.0, "settings": {}, "recipe": {}}
        return SimpleNamespace(name=candidate.name, candidate=candidate, entry=entry)

    bench = SimpleNamespace(
        roles=SimpleNamespace(times=None),
        problem=SimpleNamespace(outputs=(SimpleNamespace(task=SimpleNamespace(name="binary")),)),
        rows=SimpleNamespace(columns=(Column("said", "text", read=read),)),
        attempt=attempt,
        compared=lambda a, b: {"value": 0.1},
    )
    base = attempt(Candidate.of("fusion", Fusion(dropout=0.1)), Clock())
    trials, _ = presets(bench, [base], Clock(), 9)
    assert [trial.name for trial in trials] == tried
    assert asked[1:] == [Fusion(dropout=0.1, unfrozen=-1)] * len(tried)
