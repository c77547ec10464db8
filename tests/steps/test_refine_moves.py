"""What the coach changes next: capacity up until a network overfits, then regularisation up and capacity down."""

from __future__ import annotations

from fieldguide.core.candidate import Candidate
from fieldguide.core.settings import with_values
from fieldguide.parts.learners.fusion import Fusion
from fieldguide.steps.refine.refine import _next_move


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
