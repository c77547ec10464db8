"""The networks: layers against references, the loop's promises, the overfit check, sizes, and the graph."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tabm
import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings

from fieldguide import parts
from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError, ModelError
from fieldguide.core.problem import Output
from fieldguide.parts.learners import _graph, _network, _sizing, _tensors, _training
from fieldguide.parts.learners._overfit import overfit
from fieldguide.parts.learners.mlp import MLP
from fieldguide.parts.learners.tabm import SIZES, TabM
from fieldguide.parts.nets import heads as heads_module
from fieldguide.parts.nets import mlp as mlp_net
from fieldguide.parts.nets import tabm as tabm_net
from fieldguide.parts.nets.categories import Categories
from fieldguide.parts.nets.dropout import Dropout
from fieldguide.parts.optimisers.adamw import AdamW
from fieldguide.testing import check_learner
from fieldguide.testing.learner import example

SMALL: dict[str, Any] = {
    "mlp": MLP(n_epochs=6, batch_size=32, d_hidden=16, n_layers=2, learning_rate=0.02),
    "tabm": TabM(n_epochs=6, batch_size=32, k=4, d_block=16, learning_rate=0.02, bins="quantile"),
}


@pytest.fixture
def no_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_network, "_installed", lambda package: False)


# ---- the contract


@pytest.mark.parametrize("name", ["mlp", "tabm"])
def test_contract(name: str, tmp_path: Path, no_graphs: None) -> None:
    check_learner(SMALL[name], tmp_path)


def test_files_that_learners_share_are_not_learners() -> None:
    assert {"mlp", "tabm"} <= set(parts.names("learners"))
    assert not [name for name in parts.names("learners") if name.startswith("_")]


# ---- layers


def test_categories_are_one_hot_and_embeddings() -> None:
    net = Categories([3, 40, 4, 40], max_one_hot=8)
    codes = torch.tensor([[0, 39, 3, 0], [2, 0, 1, 5]], dtype=torch.int32)
    found = net(codes)
    table = net.tables[0].weight
    one_hot = torch.nn.functional.one_hot
    wanted = [
        one_hot(codes[:, 0].long(), 3),
        one_hot(codes[:, 2].long(), 4),
        table[codes[:, 1]],
        table[codes[:, 3] + 40],
    ]
    assert torch.equal(found, torch.cat([part.float() for part in wanted], 1))
    assert net.widths == [3, 4, 13, 13] and found.shape == (2, 33)


def test_tabm_is_the_authors_tabm() -> None:
    bins = [[-2.0, -0.5, 0.3, 2.0], [-1.0, 0.0, 3.0]]
    ours = tabm_net.TabM(bins, [3, 5], 2, k=4, d_block=16, n_blocks=2, d_embedding=8, dropout=0.0)
    embeddings = PiecewiseLinearEmbeddings([torch.tensor(b) for b in bins], 8, activation=False, version="B")
    theirs = tabm.TabM.make(
        n_num_features=2, cat_cardinalities=[3, 5], d_out=2, num_embeddings=embeddings, k=4, d_block=16, dropout=0.0,
        arch_type="tabm-mini", n_blocks=2,
    )  # fmt: skip
    torch.nn.init.normal_(embeddings.linear.weight)  # zero at the start: it would hide a wrong layout of the bins
    assert ours.numbers is not None
    ours.numbers.load_state_dict(embeddings.state_dict())
    ours.backbone.load_state_dict(theirs.backbone.state_dict())
    ours.output.load_state_dict(theirs.output.state_dict())
    numbers, codes = torch.randn(7, 2), torch.stack([torch.arange(7) % 3, torch.arange(7) % 5], 1)
    for mode in (True, False):  # training multiplies the first weights, not the rows
        assert torch.allclose(ours.train(mode)(numbers, codes), theirs.train(mode)(numbers, codes), atol=1e-6)


def test_dropout_keeps_the_mean_and_its_rate() -> None:
    torch.manual_seed(0)
    kept = Dropout(0.25)(torch.ones(1000, 1000))
    assert float((kept == 0).float().mean()) == pytest.approx(0.25, abs=2e-3)
    assert float(kept.mean()) == pytest.approx(1.0, abs=2e-3)


def test_members_learn_alone_and_outputs_are_weighted() -> None:
    heads = (
        heads_module.Head("squared_error", "identity", 1, weight=2.0),
        heads_module.Head("cross_entropy", "softmax", 3),
    )
    logits = torch.randn(5, 4, 4)
    targets = [torch.randn(5, 1), torch.tensor([0, 1, 2, 1, 0])]
    squared = ((logits[:, :, 0] - targets[0]) ** 2).mean(1)
    entropy = torch.stack(
        [torch.nn.functional.cross_entropy(logits[:, m, 1:], targets[1], reduction="none") for m in range(4)]
    ).mean(0)
    assert torch.allclose(heads_module.loss_of(heads, logits, targets), 2 * squared + entropy, atol=1e-6)


def test_an_unknown_loss_names_the_nearest() -> None:
    _, (output,) = example("binary", 4)
    task = type("Odd", (), {"name": "odd", "loss": "cross_entropi", "activation": "softmax"})()
    message = "no loss named 'cross_entropi' .did you mean 'cross_entropy'.*the task 'odd' of output 'y'"
    with pytest.raises(ConfigError, match=message):
        heads_module.heads_of([replace(output, task=task)])


# ---- the loop


def test_adamw_is_torchs() -> None:
    nets = [torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)]
    nets[1].load_state_dict(nets[0].state_dict())
    ours = AdamW().start(nets[0].named_parameters(), weight_decay=0.1, momentum=0.9)
    groups = [{"params": [nets[1].weight], "weight_decay": 0.1}, {"params": [nets[1].bias], "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=0.01)
    for _ in range(5):
        x = torch.randn(8, 3)
        for net in nets:
            net(x).square().sum().backward()
        ours.step(0.01)
        theirs.step()
        theirs.zero_grad()
    assert torch.allclose(nets[0].weight, nets[1].weight, atol=1e-6) and torch.allclose(
        nets[0].bias, nets[1].bias, atol=1e-6
    )


def test_many_rows_are_shuffled_within_windows_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WINDOWED_FROM": 100, "ROWS_PER_BLOCK": 10, "ROWS_PER_WINDOW": 50}.items():
        monkeypatch.setattr(_tensors, name, value)
    order = _tensors.shuffled(1_003, torch.Generator().manual_seed(1))
    assert sorted(order.tolist()) == list(range(1_003))
    windows = [window.tolist() for window in order.split(50)]
    assert all(len({row // 10 for row in window}) <= 7 for window in windows), "an epoch reads a few blocks at a time"
    assert np.ptp([row // 10 for row in windows[0]]) > 10, "and they are from all over the table"
    assert not torch.equal(order, _tensors.shuffled(1_003, torch.Generator().manual_seed(2)))
    assert torch.equal(order, _tensors.shuffled(1_003, torch.Generator().manual_seed(1)))
    few = torch.randperm(100, generator=torch.Generator().manual_seed(1))
    assert torch.equal(_tensors.shuffled(100, torch.Generator().manual_seed(1)), few)


@pytest.mark.parametrize(("n_rows", "sizes"), [(1, [2]), (3, [3]), (9, [4, 5]), (10, [4, 4, 2])])
def test_no_batch_has_one_row(n_rows: int, sizes: list[int]) -> None:
    found = list(_tensors.batches(n_rows, 4, torch.Generator().manual_seed(0)))
    assert [len(rows) for rows in found] == sizes
    assert len(found) == _tensors.steps_per_epoch(n_rows, 4)
    assert sorted({int(row) for rows in found for row in rows}) == list(range(n_rows))


def test_same_seed_same_bits_and_nothing_global_moves() -> None:
    rows, outputs = example("binary", 200)
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, second, other = (
        replace(SMALL["tabm"], n_epochs=2)
        .fit(rows, rows.take(slice(0, 40)), outputs, Effort(seed=seed, threads=2))
        .predict(rows.batch)[0]
        for seed in (1, 1, 2)
    )
    assert first.tobytes() == second.tobytes() != other.tobytes()
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


def test_the_best_weights_are_kept() -> None:
    rows, outputs = example("binary", 300)
    rng = np.random.default_rng(0)
    noise = Encoded(rows.batch, (rng.integers(0, 2, 300),))
    train, stop = noise.take(slice(0, 150)), noise.take(slice(150, 300))
    fitted = replace(SMALL["mlp"], n_epochs=100, patience=5, average=0.0).fit(train, stop, outputs, Effort())
    losses = [point["validation"] for point in fitted.history]
    chance = fitted.predict(stop.batch)[0][np.arange(150), stop.targets[0]]
    assert fitted.stopped == "early" and len(losses) == int(np.argmin(losses)) + 6
    assert fitted.n_steps == fitted.history[int(np.argmin(losses))]["step"]
    assert -np.log(chance).mean() == pytest.approx(min(losses), rel=1e-5)


def test_a_refit_takes_exactly_its_steps() -> None:
    rows, outputs = example("regression", 200)
    fitted = SMALL["mlp"].fit(rows, None, outputs, Effort(n_steps=23))
    assert (fitted.n_steps, fitted.stopped) == (23, "steps")
    assert fitted.history[-1]["step"] == 23 and fitted.history[-1]["validation"] is None


def test_the_clock_ends_an_epoch_in_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes where steps are made and rows are judged, and nowhere else: how busy the machine is changes nothing."""
    rows, outputs = example("binary", 20_000, n_numbers=8)
    learner = TabM(k=8, d_block=64, n_epochs=50, bins="quantile")
    ticks, step, measure = [0.0], _training.Descent.step, _training.measure

    def a_step(descent: Any, *given: Any) -> Any:
        ticks[0] += 0.01
        return step(descent, *given)

    def judged(*given: Any) -> float:
        ticks[0] += 0.05
        return measure(*given)

    monkeypatch.setattr(_training.Descent, "step", a_step)
    monkeypatch.setattr(_training, "measure", judged)
    monkeypatch.setattr(time, "monotonic", lambda: ticks[0])
    fitted = learner.fit(rows.take(slice(500, None)), rows.take(slice(0, 500)), outputs, Effort(clock=Clock.of(1.0)))
    per_epoch = _tensors.steps_per_epoch(19_500, 256)
    assert fitted.stopped == "clock" and 1.0 - 0.05 <= ticks[0] <= 1.0 + _training.STEPS_PER_CHECK * 0.01
    assert fitted.history[-1]["step"] > per_epoch and fitted.history[-1]["step"] % per_epoch


def test_a_loss_that_is_not_finite_ends_in_a_failed_history() -> None:
    rows, outputs = example("regression", 100)
    rows.batch.numbers[3, 0] = np.inf
    for stop in (rows.take(slice(10, 30)), None):
        fitted = SMALL["mlp"].fit(rows, stop, outputs, Effort())
        assert fitted.history[-1]["failed"] == "the training loss is not finite"
        assert fitted.history[-1]["train"] is None
        assert np.isfinite(fitted.predict(rows.batch.take(slice(10, 30)))[0]).all()


def test_several_outputs_share_one_backbone(tmp_path: Path, no_graphs: None) -> None:
    rows, (binary,) = example("binary", 300)
    (multi,), (values,) = example("multiclass", 300)[1], example("regression", 300)[1]
    targets = tuple(example(task, 300)[0].targets[0] for task in ("binary", "multiclass", "regression"))
    both = Encoded(rows.batch, targets)
    outputs = tuple(replace(output, name=name) for output, name in ((binary, "b"), (multi, "m"), (values, "v")))
    fitted = SMALL["tabm"].fit(both, None, outputs, Effort())
    predictions = fitted.predict(rows.batch)
    assert [p.shape for p in predictions] == [(300, 2), (300, 3), (300, 1)]
    assert np.mean(predictions[0].argmax(1) == targets[0]) > 0.8
    assert np.corrcoef(predictions[2][:, 0], targets[2])[0, 1] > 0.8
    assert abs(predictions[2].mean() - targets[2].mean()) < 0.3 * targets[2].std()
    loaded = TabM().load(tmp_path, json.loads(json.dumps(fitted.save(tmp_path))))
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(loaded.predict(rows.batch), predictions))


def test_the_running_average_follows() -> None:
    net, average = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    with torch.no_grad():
        net.weight.fill_(3.0)
    net(torch.randn(10, 2) + 5)
    _training.follow(average, net, decay=0.75)
    assert average.weight.tolist() == [1.5, 1.5] and torch.equal(average.running_mean, net.running_mean)


# ---- the overfit check


@pytest.mark.parametrize("name", ["mlp", "tabm"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_sound_network_overfits(name: str, task: str) -> None:
    rows, outputs = example(task, 300)
    found = overfit({"mlp": MLP(), "tabm": TabM(bins="quantile")}[name], rows, outputs, rows=32)
    assert found["reached"] and found["diagnosis"] == "" and found["loss"] < 0.05 * found["start"]
    assert len(found["curve"]) == found["steps"] < 300
    json.dumps(found, allow_nan=False)


def _contradicting() -> tuple[Encoded, tuple[Output, ...]]:
    rows, outputs = example("binary", 200, codes=False)
    rows.batch.numbers[:] = 1.0
    return Encoded(rows.batch, (np.arange(200) % 2,)), outputs


def _unscaled() -> tuple[Encoded, tuple[Output, ...]]:
    rows, outputs = example("regression", 200, codes=False)
    numbers = rows.batch.numbers * 1e-3 + 1e4
    return Encoded(Batch(rows.batch.layout, {**rows.batch.arrays, "numbers": numbers}), rows.targets), outputs


def _noise() -> tuple[Encoded, tuple[Output, ...]]:
    rows, outputs = example("regression", 200, n_numbers=40)
    return Encoded(rows.batch, (np.random.default_rng(0).normal(size=200),)), outputs


def _near() -> tuple[Encoded, tuple[Output, ...]]:
    rows, outputs = example("regression", 200, n_numbers=1)
    arrays = {"numbers": rows.batch.numbers[:, :1].round(0) + np.linspace(0, 1e-4, 200, dtype=np.float32)[:, None],
              "codes": np.zeros((200, 0), np.int32)}  # fmt: skip
    layout = Layout(numbers=rows.batch.layout.numbers[:1])
    return Encoded(Batch(layout, arrays), (np.random.default_rng(0).normal(size=200),)), outputs


def test_an_overfit_check_without_time_says_nothing_of_the_network() -> None:
    rows, outputs = example("binary", 300)
    found = overfit(MLP(), rows, outputs, rows=32, effort=Effort(clock=Clock.of(0.0)))
    assert (found["reached"], found["diagnosis"]) == (False, "clock")
    assert found["sentence"].startswith("The clock ended the check")


@pytest.mark.parametrize(
    ("diagnosis", "words", "learner", "data"),
    [
        ("labels", "identical inputs differ in their labels: no loss below 0.693", MLP(), _contradicting),
        ("scale", "with inputs scaled to unit variance it falls", TabM(bins="quantile", d_embedding=0), _unscaled),
        ("learning rate", "with ten times the learning rate .0.001. it falls", TabM(learning_rate=1e-4), None),
        ("capacity", "with eight times the width .d_hidden 8. it falls", MLP(d_hidden=1, n_layers=1), _noise),
        (
            "near",
            "rows that hardly differ in their inputs differ in their targets .one answer for all within 0.2 deviations leaves",
            MLP(d_hidden=32),
            _near,
        ),
    ],
)
def test_a_network_that_cannot_overfit_is_diagnosed(diagnosis: str, words: str, learner: Any, data: Any) -> None:
    rows, outputs = data() if data else example("regression", 200)
    found = overfit(learner, rows, outputs, rows=32, steps=100)
    assert not found["reached"]
    assert found["diagnosis"] == diagnosis, found["experiments"]
    assert re.search(words, found["sentence"]), found["sentence"]


# ---- sizes


def test_sizes_follow_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, outputs = example("binary", 25_600)
    cost = {64: 0.001, 128: 0.004, 256: 0.02, 384: 0.06, 512: 0.1}
    monkeypatch.setattr(_sizing, "seconds_per_step", lambda learner, *_: cost[learner.d_block])
    chosen = {seconds: TabM().sized(rows, outputs, seconds, 1) for seconds in (1.0, 10.0, 15.0, 70.0, 600.0, None)}
    assert [learner.d_block for learner in chosen.values()] == [64, 64, 128, 256, 512, 128]
    assert chosen[1.0].n_epochs == 8 and chosen[600.0].n_epochs == 40
    assert chosen[None].n_epochs == TabM().n_epochs
    assert all({**SIZES[i]}.items() <= _plain(chosen[s]).items() for i, s in ((0, 1.0), (2, 70.0), (4, 600.0)))


def _plain(learner: TabM) -> dict[str, Any]:
    return vars(learner)


def test_steps_are_timed_for_real() -> None:
    rows, outputs = example("binary", 600)
    learner = replace(SMALL["mlp"], n_epochs=60)
    found = _sizing.seconds_per_step(learner, rows, outputs, 0.05, 1)
    assert 1e-5 < found < 0.5
    assert learner.sized(rows, outputs, 1e-9, 1).n_epochs == 1
    assert learner.sized(rows, outputs, None, 1).n_epochs == 211  # 4,000 steps, 19 an epoch


def test_a_network_whose_first_loss_is_not_finite_is_timed_by_its_one_step() -> None:
    rows, outputs = example("regression", 60)
    endless = {**rows.batch.arrays, "numbers": np.full_like(rows.batch.numbers, np.inf)}
    rows = replace(rows, batch=replace(rows.batch, arrays=endless))
    assert 0 < _sizing.seconds_per_step(SMALL["mlp"], rows, outputs, 0.05, 1) < 5


# ---- the graph


@pytest.mark.parametrize("name", ["mlp", "tabm"])
def test_a_graph_answers_like_the_network_without_torch(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="the packages of fieldguide[serve] are not installed")
    pytest.importorskip("onnxscript", reason="the packages of fieldguide[serve] are not installed")
    rows, outputs = example("multiclass" if name == "mlp" else "binary", 240)
    learner = replace(SMALL[name], max_one_hot=8)  # the second code has 12 levels: an embedding
    fitted = learner.fit(rows, None, outputs, Effort())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the exporter imports may warn; what it does must not print
        data = json.loads(json.dumps(fitted.save(tmp_path)))
    assert data["onnx"]["written"] and data["onnx"]["difference"] <= 1e-5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "network.safetensors"]
    assert capfd.readouterr() == ("", "")
    loaded = learner.load(tmp_path, data)
    assert isinstance(loaded, _graph.GraphEstimator)
    for n_rows in (0, 1, 7, 11, 240):
        batch = rows.batch.take(slice(0, n_rows))
        assert np.allclose(loaded.predict(batch)[0], fitted.predict(batch)[0], atol=1e-5)
    (tmp_path / "data.json").write_text(json.dumps(data))
    np.savez(tmp_path / "rows.npz", numbers=rows.batch.numbers, codes=rows.batch.codes)
    code = (
        "import json, sys, pathlib, numpy as np; from fieldguide import parts; from fieldguide.core.batch import Batch, Layout\n"
        f"folder = pathlib.Path({str(tmp_path)!r}); arrays = dict(np.load(folder / 'rows.npz'))\n"
        f"model = parts.find('learners', {name!r})().load(folder, json.loads((folder / 'data.json').read_text()))\n"
        "print(repr(float(model.predict(Batch(Layout(), arrays))[0][5, 0])))\n"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'tabm') if m in sys.modules])"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert float(lines[0]) == pytest.approx(fitted.predict(rows.batch)[0][5, 0], abs=1e-5)
    assert lines[1] == "[]"


def test_a_graph_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript", reason="the packages of fieldguide[serve] are not installed")
    from fieldguide.parts.learners import _export

    monkeypatch.setattr(_export, "_write", lambda readout, description, path: path.write_bytes(b"graph"))
    monkeypatch.setattr(_export, "_difference", lambda *_: math.nan)
    rows, outputs = example("binary", 60)
    fitted = SMALL["mlp"].fit(rows, None, outputs, Effort(n_steps=2))
    data = fitted.save(tmp_path)
    assert not data["onnx"]["written"] and "differs by nan" in data["onnx"]["why"]
    assert [p.name for p in tmp_path.iterdir()] == ["network.safetensors"]
    assert isinstance(MLP().load(tmp_path, data), _network.NetworkEstimator)


def test_a_graph_without_an_answer_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript", reason="the packages of fieldguide[serve] are not installed")
    from fieldguide.parts.learners import _export

    class Silent:
        def get_inputs(self) -> list[Any]:
            return []

        def run(self, names: None, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [np.array(np.nan, np.float32)]

    monkeypatch.setattr(_export, "_write", lambda readout, description, path: path.write_bytes(b"graph"))
    monkeypatch.setattr(_graph, "session_of", lambda path, threads: Silent())
    rows, outputs = example("binary", 60)
    data = SMALL["mlp"].fit(rows, None, outputs, Effort(n_steps=2)).save(tmp_path)
    assert not data["onnx"]["written"] and data["onnx"]["difference"] is None
    assert not (tmp_path / "model.onnx").exists()


def test_a_folder_cannot_name_another_module(tmp_path: Path, no_graphs: None) -> None:
    rows, outputs = example("binary", 60)
    data = SMALL["mlp"].fit(rows, None, outputs, Effort(n_steps=2)).save(tmp_path)
    data["network"]["net"] = "os"
    with pytest.raises(ModelError, match="there is no network named 'os'"):
        MLP().load(tmp_path, data)


def test_one_hidden_layer_is_what_numpy_computes() -> None:
    net = mlp_net.MLP(3, [], 2, n_layers=1, d_hidden=4, dropout=0.5).eval()
    x = torch.randn(6, 3)
    linear, norm = net.hidden[0], net.hidden[1]
    hidden = x.numpy() @ linear.weight.detach().numpy().T / math.sqrt(1 + norm.eps)
    wanted = np.maximum(hidden, 0) @ net.output.weight.detach().numpy().T + net.output.bias.detach().numpy()
    assert np.allclose(net(x, torch.zeros(6, 0)).detach().numpy()[:, 0], wanted, atol=1e-6)
