"""Networks: what learners of them have in common, and a fit from encoded rows to an estimator, to a folder and back.

Knows how targets are scaled and what a network's folder holds. The settings of training are `_plan`'s, the loop is `_training`,
the network as plain data `_description`, its graph `_graph` and `_export`; importing this file, and predicting from a folder that
holds `model.onnx`, loads no torch.
"""

from __future__ import annotations

import copy
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ModelError
from fieldguide.parts.learners import _plan, _sizing
from fieldguide.parts.learners._description import Description
from fieldguide.parts.learners._graph import GRAPH, WEIGHTS, GraphEstimator

EPOCHS_ON, PACE_ON = 5, 0.2
"""Training further from fitted weights: epochs over the rows at most, and the learning rate as a share of the learner's."""


class Network:
    """What learners that are networks have in common: how they are fitted, loaded, planned and sized.

    A network states its settings and `architecture(train, outputs)`: the arguments of `build` in the file of `parts/nets` that has
    its name. `sizes` are the settings of each size it may have, from the cheapest to the dearest, `size` is the one that is taken
    without a time limit, and `least_steps` the gradient steps a small table is given at least.
    """

    kind: ClassVar[str] = "network"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = True
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "quantile"}
    sizes: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    size: ClassVar[Mapping[str, Any]] = {}
    least_steps: ClassVar[int] = _sizing.LEAST_STEPS

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Any:
        """Build the network on the training rows and train it by the one loop."""
        return fit(self, train, stop, outputs, effort)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Any:
        """Return the estimator that `save` wrote."""
        return load(folder, data)

    def plan(self, n_rows: int, n_steps: int | None = None) -> Any:
        """Return the training plan; `n_steps` stretches the schedule to exactly so many steps."""
        return _plan.plan_of(self, n_rows, n_steps)

    def sized(self, train: Encoded, outputs: tuple[Any, ...], seconds: float | None, threads: int) -> Self:
        """Return the largest of `sizes` that trains for enough epochs in `seconds`, with as many epochs as fit."""
        sized: Self = _sizing.sized(self, self.sizes, self.size, train, outputs, seconds, threads, self.least_steps)
        return sized


class TableNetwork(Network):
    """A network of a table's numbers and codes, which can also be trained further from its weights."""

    def continued(
        self, estimator: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
    ) -> NetworkEstimator:
        """Train further from the weights of an earlier fit."""
        return continued(self, estimator, train, stop, outputs, effort)


@dataclass
class NetworkEstimator:
    """A fitted network in memory. Predictions of one row and of many agree within float32."""

    description: Description
    net: Any
    n_steps: int | None
    stopped: str
    history: list[dict[str, Any]] = field(default_factory=list)
    threads: int = 1

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, d) float64 values
        """
        import torch

        from fieldguide.parts.learners import _tensors, _training

        device = next(self.net.parameters()).device
        readout, size = self.description.readout(self.net).eval(), _training.chunk_rows(self.net)
        read = np.empty((len(batch), sum(self.description.widths)), np.float32)
        with _tensors.computing(self.threads), torch.inference_mode():
            for start in range(0, len(batch), size):
                part = _tensors.tensors_of(batch.take(slice(start, start + size)), device).loaded()
                read[start : start + size] = readout(*part.inputs).float().cpu().numpy()
        return self.description.predictions(read)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write weights (and `model.onnx` where its packages are installed); return the rest as plain data."""
        from safetensors.torch import save_file

        folder = Path(folder)
        weights = {name: value.detach().cpu().contiguous() for name, value in self.net.state_dict().items()}
        save_file(weights, folder / WEIGHTS)
        graph: dict[str, Any] = {
            "written": False,
            "why": "a draft" if draft else 'the packages of "fieldguide[serve]" are not installed',
        }
        if not draft and all(_installed(package) for package in ("onnx", "onnxscript", "onnxruntime")):
            from fieldguide.parts.learners import _export

            graph = _export.export(self.description, self.net, folder / GRAPH)
        return {
            "network": self.description.to_dict(), "onnx": graph, "n_steps": self.n_steps, "stopped": self.stopped,
            "history": self.history, "width": int(self.net.width),
        }  # fmt: skip


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def scaling_of(heads: Sequence[Any], train: Encoded) -> tuple[Any, ...]:
    """Return what each column of each value target is less, and then divided by; None for labels.

    Its mean and standard deviation; 0 and the mean where the loss is of counts, or the mean size where signs are outcomes; 0 and 1
    where it wants the target's units.
    """
    scales: list[Any] = []
    for head, target in zip(heads, train.targets, strict=True):
        if head.activation not in ("identity", "exp"):
            scales.append(None)
            continue
        columns = np.asarray(target, np.float64).reshape(len(target), -1)
        mean, sd, none = columns.mean(axis=0), columns.std(axis=0), np.zeros(columns.shape[1])
        how = {
            "standard": (mean, sd),
            "mean": (none, mean),
            "size": (none, np.abs(columns).mean(axis=0)),
            "none": (none, none),
        }
        centre, scale = how[head.judge.scaling]
        scales.append([centre.tolist(), np.where(scale > 0, scale, 1.0).tolist()])
    return tuple(scales)


def judged(heads: Sequence[Any], train: Encoded, outputs: Sequence[Any]) -> tuple[Any, ...]:
    """Return the heads, their losses with what they take from the training rows' targets."""
    return tuple(
        replace(head, part=head.judge.fitted(target, output))
        for head, target, output in zip(heads, train.targets, outputs, strict=True)
    )


def prepared(learner: Any, train: Encoded, outputs: tuple[Any, ...]) -> tuple[Any, Any, Any, Description]:
    """Return the untrained network on its device, its heads, the training rows beside it, and its description."""
    from fieldguide.parts.learners import _tensors
    from fieldguide.parts.nets.heads import heads_of

    heads, device = judged(heads_of(outputs), train, outputs), _tensors.choose_device()
    scaling, plain_heads = scaling_of(heads, train), tuple(head.to_dict() for head in heads)
    architecture = learner.architecture(train, outputs)
    description = Description(learner.name, architecture, plain_heads, scaling, train.batch.layout)
    net = description.build()
    if hasattr(learner, "warm"):
        learner.warm(net, train.batch.layout)
    return net.to(device), heads, tensors_of(train, heads, scaling), description


def tensors_of(rows: Encoded, heads: Sequence[Any], scaling: Sequence[Any]) -> Any:
    """Return encoded rows with scaled targets on the device networks run on."""
    from fieldguide.parts.learners import _tensors

    targets = _tensors.targets_of(heads, rows, scaling)
    return _tensors.tensors_of(rows.batch, _tensors.choose_device(), targets, rows.weights)


def stopping_of(stop: Encoded | None, heads: Sequence[Any], description: Description, effort: Effort) -> Any:
    """Return the rows whose loss says when to stop; None: there are none, or the number of steps is told."""
    if stop is None or not len(stop) or effort.n_steps is not None:
        return None
    return tensors_of(stop, heads, description.scaling)


def fit(
    learner: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
) -> NetworkEstimator:
    """Build the learner's network on the training rows and train it as `learner.plan` says."""
    from fieldguide.parts.learners import _tensors, _training

    with _tensors.computing(effort.threads, effort.seed):
        net, heads, tensors, description = prepared(learner, train, outputs)
        stopping = stopping_of(stop, heads, description, effort)
        plan = learner.plan(len(train), effort.n_steps)
        trained = _training.train_network(net, heads, tensors, stopping, plan, effort)
    return NetworkEstimator(description, trained.net, trained.n_steps, trained.stopped, trained.history, effort.threads)


def continued(
    learner: Any, estimator: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
) -> NetworkEstimator:
    """Train a fitted network further, from its weights: a few epochs at a lower learning rate; targets are scaled as they were.

    With rows to stop on, the weights it came with count too: where no epoch is better, `n_steps` is 0 and nothing has changed.

    Raises:
        ModelError: the network was trained for another loss.
    """
    from fieldguide.parts.learners import _tensors, _training
    from fieldguide.parts.nets.heads import heads_of

    description = estimator.description
    heads = heads_of(outputs)
    if [head.to_dict() for head in heads] != [dict(head) for head in description.heads]:
        raise ModelError(
            "the network cannot be trained further", rule="it goes on with the loss and the last layer it was trained with",
            found=f"{[head['loss'] for head in description.heads]} then, {[head.loss for head in heads]} now",
            do="train it from scratch: leave out --start, or state the loss of then",
        )  # fmt: skip
    heads = judged(heads, train, outputs)
    with _tensors.computing(effort.threads, effort.seed):
        net = _network_of(estimator).to(_tensors.choose_device())
        tensors = tensors_of(train, heads, description.scaling)
        stopping = stopping_of(stop, heads, description, effort)
        before = math.inf if stopping is None else _training.measure(net, heads, stopping)
        if effort.n_steps == 0:
            return NetworkEstimator(description, net.eval(), 0, "steps", [], effort.threads)
        few = EPOCHS_ON * _tensors.steps_per_epoch(len(train), learner.batch_size)
        plan = replace(
            learner.plan(len(train), effort.n_steps or few), learning_rate=PACE_ON * learner.learning_rate, patience=EPOCHS_ON
        )  # fmt: skip
        weights = _training.snapshot(net)
        trained = _training.train_network(net, heads, tensors, stopping, plan, effort)
        if (
            stopping is not None
            and weights is not None
            and not _training.measure(trained.net, heads, stopping) < before
        ):
            trained.net.load_state_dict(weights)
            trained.n_steps = 0
    return NetworkEstimator(description, trained.net, trained.n_steps, trained.stopped, trained.history, effort.threads)


def _network_of(estimator: Any) -> Any:
    """Return a copy of a fitted network as a torch module, whether it answers by torch or by its graph."""
    from safetensors.torch import load_file

    if isinstance(estimator, NetworkEstimator):
        return copy.deepcopy(estimator.net)
    net = estimator.description.build()
    net.load_state_dict(load_file(estimator.weights))
    return net


def load(folder: Path, data: Mapping[str, Any]) -> NetworkEstimator | GraphEstimator:
    """Return the estimator that `save` wrote: by ONNX Runtime where it is installed, else by torch."""
    graph = Path(folder) / GRAPH
    if data["onnx"]["written"] and graph.exists() and _installed("onnxruntime"):
        return GraphEstimator(graph, data)
    from safetensors.torch import load_file

    description = Description.from_dict(data["network"])
    net = description.build()
    net.load_state_dict(load_file(Path(folder) / WEIGHTS))
    return NetworkEstimator(description, net.eval(), data["n_steps"], data["stopped"], list(data["history"]))
