"""Fitted networks: from encoded rows to an estimator, to a folder and back.

Knows how targets are scaled, how logits become predictions and what a network's folder holds. The loop is `_training`,
the export `_export`; importing this file, and predicting from a folder that holds `model.onnx`, loads no torch.
"""

from __future__ import annotations

import copy
import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Block, Encoded, Layout, Spec
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ModelError

NETS = ("mlp", "tabm", "fusion", "dlinear", "recurrent", "patchtst")
WEIGHTS, GRAPH = "network.safetensors", "model.onnx"
EPOCHS_ON, PACE_ON = 5, 0.2
"""Training further from fitted weights: epochs over the rows at most, and the learning rate as a share of the learner's."""


@dataclass(frozen=True)
class Description:
    """A fitted network without its weights, as plain data.

    Args:
        net: the file in `parts/nets` that builds it.
        architecture: the arguments of its `build`.
        heads: one per output, the fields of `nets.heads.Head`.
        scaling: mean and standard deviation per column of each value output, None for classes.
        layout: what the encoded arrays hold.
    """

    net: str
    architecture: Mapping[str, Any]
    heads: tuple[Mapping[str, Any], ...]
    scaling: tuple[Any, ...]
    layout: Layout

    def to_dict(self) -> dict[str, Any]:
        layout = {
            "numbers": list(self.layout.numbers), "codes": [list(code) for code in self.layout.codes],
            "blocks": [spec.to_dict() for spec in self.layout.blocks],
        }  # fmt: skip
        return {
            "net": self.net, "architecture": dict(self.architecture), "heads": [dict(head) for head in self.heads],
            "scaling": list(self.scaling), "layout": layout,
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Description:
        layout = Layout(
            tuple(data["layout"]["numbers"]),
            tuple((name, int(n)) for name, n in data["layout"]["codes"]),
            blocks=tuple(Spec.from_dict(spec) for spec in data["layout"]["blocks"]),
        )
        return Description(data["net"], data["architecture"], tuple(data["heads"]), tuple(data["scaling"]), layout)

    @property
    def d_out(self) -> int:
        return sum(head["d_logits"] for head in self.heads)

    @property
    def widths(self) -> tuple[int, ...]:
        """Columns that each head reads out; last layers of cuts and of forks read one more than they have logits."""
        return tuple(head["d_logits"] + (head["activation"] in ("ordinal", "tree")) for head in self.heads)

    def build(self) -> Any:
        """Return the network as a torch module, untrained."""
        if self.net not in NETS:  # the name comes from a folder: it may choose among ours, not import at will
            raise ModelError(
                f"there is no network named {self.net!r}",
                rule="a model folder chooses among the networks of this version",
                found=f"networks are {', '.join(sorted(NETS))}",
                do="update fieldguide, or fit the model again",
            )
        module = importlib.import_module(f"fieldguide.parts.nets.{self.net}")
        return module.build(self.architecture, self.d_out)

    def readout(self, net: Any) -> Any:
        """Return the network with its last layers."""
        from fieldguide.parts.nets.heads import Head, Readout

        return Readout(net, [Head(**head) for head in self.heads])

    def predictions(self, read: np.ndarray) -> Predictions:
        """Return predictions per output from what the network reads out.

        Shape:
            read: (rows, sum of widths) float32
            returns: (rows, n_labels) probabilities or (rows, d) values per output, float64
        """
        outputs, start = [], 0
        for head, scale, width in zip(self.heads, self.scaling, self.widths, strict=True):
            part = read[:, start : start + width].astype(np.float64)
            start += width
            if head["complement"]:
                part = np.concatenate([1.0 - part, part], axis=1)
            elif head["activation"] in ("softmax", "ordinal", "tree"):
                part = part / part.sum(axis=1, keepdims=True)  # float32 sums to 1 only within 1e-7
            elif scale is not None:
                part = part * np.array(scale[1]) + np.array(scale[0])
            outputs.append(part)
        return tuple(outputs)


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

        from fieldguide.parts.learners import _training

        device = next(self.net.parameters()).device
        readout, size = self.description.readout(self.net).eval(), _training.chunk_rows(self.net)
        read = np.empty((len(batch), sum(self.description.widths)), np.float32)
        with _training.computing(self.threads), torch.inference_mode():
            for start in range(0, len(batch), size):
                part = _training.tensors_of(batch.take(slice(start, start + size)), device).loaded()
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


class GraphEstimator:
    """A fitted network as an ONNX graph: needs no torch. A single row is answered by one thread, many rows by all."""

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self.description = Description.from_dict(data["network"])
        self.n_steps: int | None = data["n_steps"]
        self.stopped: str = data["stopped"]
        self.history: list[dict[str, Any]] = list(data["history"])
        self._path, self._width = path, int(data["width"])
        self.weights = path.with_name(WEIGHTS)
        self._one = session_of(path, threads=1)
        self._many: Any = None
        self._lengths = lengths_of(self._one)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output; see `NetworkEstimator.predict`."""
        if not len(batch):  # ONNX Runtime ends the process on a matrix product without rows
            return self.description.predictions(np.zeros((0, sum(self.description.widths)), np.float32))
        session = self._one
        if len(batch) > 1024:
            self._many = session = self._many or session_of(self._path, threads=0)
        size = max(1, min(65_536, 2**23 // self._width))
        parts = []
        for start in range(0, len(batch), size):
            arrays = {name: batch.arrays[name][start : start + size] for name in self._lengths}
            arrays = {name: cells.load() if isinstance(cells, Block) else cells for name, cells in arrays.items()}
            parts.append(session.run(None, lengthened(arrays, self._lengths))[0])
        return self.description.predictions(parts[0] if len(parts) == 1 else np.concatenate(parts))

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        raise ModelError(
            "a network loaded from its ONNX graph cannot be saved again",
            rule="what was loaded from ONNX answers, and is not written again",
            found="the ONNX graph alone, without the weights it was made from",
            do="copy its folder",
        )


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def session_of(path: Path, threads: int) -> Any:
    """Return an ONNX Runtime session on the processor; `threads` 0 takes as many as there are cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def lengths_of(session: Any) -> dict[str, int]:
    """Return a graph's inputs by name, each with the length that its rows must have; 0: any."""
    fixed = {node.name: node.shape[1] if len(node.shape) == 2 else 0 for node in session.get_inputs()}
    return {name: length if isinstance(length, int) else 0 for name, length in fixed.items()}


def lengthened(arrays: Mapping[str, np.ndarray], lengths: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the arrays a graph takes, codes filled up with padding where it has one length only.

    Examples:
        >>> lengthened({"said": np.array([[5, 6]])}, {"said": 4})["said"].tolist()
        [[5, 6, 0, 0]]
    """
    gaps = {name: max(0, length - arrays[name].shape[1]) if length else 0 for name, length in lengths.items()}
    return {name: np.pad(arrays[name], ((0, 0), (0, gap))) if gap else arrays[name] for name, gap in gaps.items()}


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


def plan_of(learner: Any, n_rows: int, n_steps: int | None) -> Any:
    """Return the training plan of a learner's settings: `n_epochs` over these rows, or exactly `n_steps`."""
    from fieldguide.parts.learners import _training

    planned = learner.n_epochs * _training.steps_per_epoch(n_rows, learner.batch_size)
    return _training.Plan(
        n_steps=max(1, planned if n_steps is None else n_steps),
        batch_size=learner.batch_size,
        learning_rate=learner.learning_rate,
        weight_decay=learner.weight_decay,
        l1=learner.l1,
        cooldown=learner.cooldown,
        average=learner.average,
        patience=learner.patience,
        **{
            name: getattr(learner, name)
            for name in ("clip", "optimiser", "momentum", "schedule")
            if hasattr(learner, name)
        },
    )


def prepared(learner: Any, train: Encoded, outputs: tuple[Any, ...]) -> tuple[Any, Any, Any, Description]:
    """Return the untrained network on its device, its heads, the training rows beside it, and its description."""
    from fieldguide.parts.learners import _training
    from fieldguide.parts.nets.heads import heads_of

    heads, device = judged(heads_of(outputs), train, outputs), _training.choose_device()
    scaling, plain_heads = scaling_of(heads, train), tuple(head.to_dict() for head in heads)
    architecture = learner.architecture(train, outputs)
    description = Description(learner.name, architecture, plain_heads, scaling, train.batch.layout)
    net = description.build()
    if hasattr(learner, "warm"):
        learner.warm(net, train.batch.layout)
    return net.to(device), heads, tensors_of(train, heads, scaling), description


def tensors_of(rows: Encoded, heads: Sequence[Any], scaling: Sequence[Any]) -> Any:
    """Return encoded rows with scaled targets on the device networks run on."""
    from fieldguide.parts.learners import _training

    targets = _training.targets_of(heads, rows, scaling)
    return _training.tensors_of(rows.batch, _training.choose_device(), targets, rows.weights)


def fit(
    learner: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
) -> NetworkEstimator:
    """Build the learner's network on the training rows and train it as `learner.plan` says."""
    from fieldguide.parts.learners import _training

    with _training.computing(effort.threads, effort.seed):
        net, heads, tensors, description = prepared(learner, train, outputs)
        watched = stop is not None and len(stop) > 0 and effort.n_steps is None
        stopping = tensors_of(stop, heads, description.scaling) if watched and stop is not None else None
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
    from fieldguide.parts.learners import _training
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
    with _training.computing(effort.threads, effort.seed):
        net = _network_of(estimator).to(_training.choose_device())
        tensors = tensors_of(train, heads, description.scaling)
        watched = stop is not None and len(stop) > 0 and effort.n_steps is None
        stopping = tensors_of(stop, heads, description.scaling) if watched and stop is not None else None
        before = math.inf if stopping is None else _training.measure(net, heads, stopping)
        if effort.n_steps == 0:
            return NetworkEstimator(description, net.eval(), 0, "steps", [], effort.threads)
        few = EPOCHS_ON * _training.steps_per_epoch(len(train), learner.batch_size)
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
