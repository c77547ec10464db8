"""Two stages for networks with pretrained encoders: first what follows them, on their frozen features; then their later layers too.

Knows which encoders are checkpoints, how their features stand in for their inputs, and when the second stage is kept. The loop is
`_training`'s; what a checkpoint is, its encoder's.

In the first stage no weight of a checkpoint moves: its features are computed once, and the network is trained on them as if they were
the columns. The second starts from the first one's weights, at a lower learning rate, and is kept where it is better on the stopping
rows; without stopping rows nobody can tell, and the first stage is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.core.batch import Block, Encoded
from fieldguide.core.contracts import Effort
from fieldguide.parts.learners import _network, _tensors, _training

ROWS_AT_ONCE = 64  # that go through a frozen encoder together
MOST_FEATURES = 2**28  # numbers that are kept at once (1 GB); above, they are computed again in every epoch
FIRST_SHARE = 0.4  # of the time there is
SECOND_PACE = (
    0.5  # learning rate of the second stage, as a share of the first one's; its checkpoint moves in smaller steps still
)

Features = Sequence[Tensor | None]


def fit(learner: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Any:
    """Train the learner's network in two stages.

    A refit (`effort.n_steps`) does as many steps as the fit that is repeated found best: up to the first stage's plan all of them in
    the first, which is a fit whose second stage was not kept; what is beyond, by an epoch at least, in the second.

    Source:
        Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", ACL 2018, section 3.3 (gradual unfreezing);
        Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", ICLR 2022 (the head first).
    """
    with _tensors.computing(effort.threads, effort.seed):
        net, heads, rows, description = _network.prepared(learner, train, outputs)
        stopping = _network.stopping_of(stop, heads, description, effort)
        per_epoch = _tensors.steps_per_epoch(len(train), learner.batch_size)
        planned = learner.plan(len(train)).n_steps
        n_first = None if effort.n_steps is None else min(effort.n_steps, planned)
        n_second = None if effort.n_steps is None else effort.n_steps - planned
        share = effort.clock.share(FIRST_SHARE) if learner.unfrozen else effort.clock
        first = _first(
            net, heads, rows, stopping, learner.plan(len(train), n_first), replace(effort, n_steps=n_first, clock=share)
        )
        history = [{**record, "stage": 1} for record in first.history]
        n_steps, stopped = first.n_steps, first.stopped
        goes_on = bool(learner.unfrozen) and (stopping is not None if n_second is None else n_second >= per_epoch)
        if goes_on and not effort.clock.over:
            plan = learner.plan(len(train), n_second)
            plan = replace(plan, learning_rate=SECOND_PACE * plan.learning_rate)
            before = None if stopping is None else _training.measure(first.net, heads, stopping)
            weights = _training.snapshot(first.net)
            second = _training.train_network(first.net, heads, rows, stopping, plan, replace(effort, n_steps=n_second))
            history += _after(history, second.history)
            stopped = second.stopped
            first.net = second.net
            after = None if stopping is None else _training.measure(second.net, heads, stopping)
            if before is not None and after is not None and weights is not None and not after < before:
                first.net.load_state_dict(weights)
            else:
                n_steps = planned + second.n_steps
    return _network.NetworkEstimator(description, first.net.eval(), n_steps, stopped, history, effort.threads)


def _first(net: nn.Module, heads: Any, rows: Any, stopping: Any, plan: Any, effort: Effort) -> Any:
    """Train what follows the checkpoints, their features standing in for what they read."""
    encoders: Any = net.encoders
    kept = {i: encoder for i, encoder in enumerate(encoders) if hasattr(encoder, "backbone")}
    if sum(encoder.width for encoder in kept.values()) * (len(rows) + len(stopping or ())) > MOST_FEATURES:
        return _live(net, kept, heads, rows, stopping, plan, effort)
    given: list[Any] = [with_features(part, kept) if part is not None else None for part in (rows, stopping)]
    for i, encoder in kept.items():
        encoders[i] = Given(encoder.width)
    trained = _training.train_network(net, heads, given[0], given[1], plan, effort)
    for module in {id(net): net, id(trained.net): trained.net}.values():
        for i, encoder in kept.items():
            module.encoders[i] = encoder  # type: ignore[operator]
    return trained


def _live(net: nn.Module, kept: dict[int, Any], heads: Any, rows: Any, stopping: Any, plan: Any, effort: Effort) -> Any:
    """The same without keeping features: the checkpoints answer in every epoch, and learn nothing."""
    learning = {i: [p for p in encoder.parameters() if p.requires_grad] for i, encoder in kept.items()}
    unfrozen = {i: encoder.backbone.unfrozen for i, encoder in kept.items()}
    for i, encoder in kept.items():
        encoder.backbone.unfrozen = 0
        for parameter in learning[i]:
            parameter.requires_grad = False
    trained: Any = _training.train_network(net, heads, rows, stopping, plan, effort)
    for i in kept:
        encoder = trained.net.encoders[i]
        encoder.backbone.unfrozen = unfrozen[i]
        names = {id(p): name for name, p in kept[i].named_parameters()}
        wanted = {names[id(p)] for p in learning[i]}
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad = name in wanted
    return trained


class Given(nn.Module):
    """Features in place of an encoder: what comes in goes out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def with_features(rows: Any, encoders: dict[int, Any]) -> Any:
    """Return rows with the features of frozen encoders in place of the blocks they read; nothing is augmented."""
    blocks = [features_of(encoders[i], block, rows) if i in encoders else block for i, block in enumerate(rows.blocks)]
    return replace(rows, blocks=tuple(blocks))


@torch.no_grad()
def features_of(encoder: nn.Module, block: Block, rows: Any) -> Tensor:
    """Return what an encoder makes of every row, dropout off: (rows, width) on the rows' device."""
    encoder.eval()
    device = rows.numbers.device
    found = torch.empty((len(block), int(encoder.width)), dtype=torch.float32, device=device)  # type: ignore[arg-type]
    order = torch.arange(len(block)) if rows.lengths is None else torch.from_numpy(rows.lengths.argsort(kind="stable"))
    for part in order.split(ROWS_AT_ONCE):  # rows of like length together: a part is as long as its longest
        cells = torch.from_numpy(block[part.numpy()].load()).to(device)
        found[part.to(device)] = encoder(cells).float()
    return found


def _after(history: Sequence[dict[str, Any]], later: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the second stage's records, counted on from the first one's."""
    last = history[-1] if history else {"epoch": 0, "step": 0, "seconds": 0.0}
    return [
        {**record, **{name: record[name] + last[name] for name in ("epoch", "step", "seconds")}, "stage": 2}
        for record in later
    ]
