"""What pretraining on one real set of images gives on another, small one.

    taskset -c 0 python -m benchmarks.transfer_images [--data DIR] [--each 3,10] [--draws 3] [--epochs 3]

A small residual network (transformers' ResNet, 0.3 million weights, from its configuration: nothing is downloaded) learns the
MNIST digits, turned into coloured strokes on coloured grounds so that colour says nothing, at 32 pixels. It is saved as any
checkpoint is, and named by the column of the photographs of signing hands (`read: {checkpoint: folder}`). With a few
photographs of each class, judged on 400 that nothing has seen, the same rows for all:

- frozen features of the checkpoint and of the same network untrained, under the linear learner and the perceptron;
- flat features (16 x 16 shades and colours) under the same two;
- `fusion`: from scratch (its own small residual network, 32 pixels), on the untrained and on the pretrained network, frozen,
  each with a trained head and augmentation.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.images import task_of
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.rows import Rows
from fieldguide.core.settings import with_values
from fieldguide.core.table import Column
from fieldguide.parts import find, modality

SIDE = 32


def strokes(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return grey strokes, (n, 28, 28) in [0, 1], in a colour on a ground of another, (n, 3, 32, 32) float32 in [-1, 1]."""
    n = len(images)
    shade = np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None]
    ground, ink = (rng.uniform(-1, 1, (n, 3, 1, 1)) for _ in range(2))
    return (ground * (1 - shade) + ink * shade).astype(np.float32)


def pretrain(data: Path, folder: Path, epochs: int, trained: bool) -> Path:
    """Train the network on digits and save it as a checkpoint; untrained, save it as it starts."""
    import gzip

    import torch
    from transformers import ResNetConfig, ResNetModel

    from fieldguide.parts.modalities._pixels import Augment

    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32, 64, 128], depths=[1, 1, 1, 1], layer_type="basic", num_channels=3
    )
    net, head, augment = ResNetModel(config), torch.nn.Linear(128, 10), Augment()
    if trained:
        images = np.frombuffer(
            gzip.decompress((data / "mnist_t10k/t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8
        )
        labels = np.frombuffer(
            gzip.decompress((data / "mnist_t10k/t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8
        )
        images, truth = images.reshape(-1, 28, 28) / np.float32(255), torch.from_numpy(labels.astype(np.int64))
        moving = torch.optim.AdamW([*net.parameters(), *head.parameters()], lr=2e-3, weight_decay=1e-2)
        n_steps = epochs * (len(images) // 64)
        slower = torch.optim.lr_scheduler.OneCycleLR(moving, 4e-3, total_steps=n_steps)
        rng, right = np.random.default_rng(0), []
        for step in range(n_steps):
            rows = rng.choice(len(images), 64, replace=False)
            pixels = torch.from_numpy(augment(strokes(images[rows], rng), rng))
            logits = head(net(pixel_values=pixels).last_hidden_state.mean(dim=(2, 3)))
            loss = torch.nn.functional.cross_entropy(logits, truth[rows])
            moving.zero_grad()
            loss.backward()
            moving.step()
            slower.step()
            right.append(float((logits.argmax(1) == truth[rows]).float().mean()))
            if step % 100 == 99:
                print(
                    f"pretraining on digits: step {step + 1} of {n_steps}, accuracy of the last hundred {np.mean(right[-100:]):.3f}",
                    flush=True,
                )
    place = folder / ("pretrained" if trained else "untrained")
    net.save_pretrained(place)
    processor = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (place / "preprocessor_config.json").write_text(json.dumps(processor))
    return place


def few(truth: np.ndarray, among: np.ndarray, each: int, rng: np.random.Generator) -> np.ndarray:
    """Return `each` rows of every class."""
    return np.concatenate([rng.permutation(among[truth[among] == label])[:each] for label in np.unique(truth[among])])


def accuracy(rows: Rows, train: np.ndarray, judged: np.ndarray, output: Any, learner: str, media: str) -> float:
    """Fit a learner on some rows and return its accuracy on others."""
    settings = {"linear": {}, "mlp": {"n_epochs": 60}, "fusion": {"n_epochs": 60, "batch_size": 16, "d_embedding": 64}}[
        learner
    ]
    recipe = {"media": media, "scaling": "standard", "pixels": SIDE}
    candidate = Candidate.of(learner, with_values(find("learners", learner)(), settings), recipe)
    fitted, _ = fit(candidate, rows.take(train), None, (output,), modality, Effort(threads=1))
    part = rows.take(judged)
    (prediction,) = fitted.predict(part.cells, len(part))
    return float((prediction.argmax(axis=1) == part.truths[0]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FIELDGUIDE_DATA", "../shared/data")))
    parser.add_argument("--each", default="3,10")
    parser.add_argument("--learners", default="linear,mlp,fusion")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        task = task_of("signs", options.data, folder)
        truth, judged = task.rows.truths[0], task.judged[:400]
        begun = time.process_time()
        checkpoints = {
            name: pretrain(options.data, folder, options.epochs, name == "pretrained")
            for name in ("pretrained", "untrained")
        }
        print(f"pretraining took {time.process_time() - begun:.0f} CPU s")
        print(
            "| photographs a class | learner | flat features, or from scratch | untrained features | pretrained features |\n|---|---|---|---|---|",
            flush=True,
        )
        for each in map(int, options.each.split(",")):
            draws = [
                few(truth, np.concatenate([task.train, task.stop]), each, np.random.default_rng(seed))
                for seed in range(options.draws)
            ]
            for learner in options.learners.split(","):
                cells = []
                for media in ("flat", "untrained", "pretrained"):
                    column = task.rows.columns[0]
                    read = {} if media == "flat" else {"checkpoint": str(checkpoints[media])}
                    rows = Rows(
                        (Column(column.name, "image", read=read),),
                        task.rows.cells,
                        task.rows.truths,
                        None,
                        len(task.rows),
                    )
                    kind = "blocks" if learner == "fusion" else "flat" if media == "flat" else "features"
                    found = [accuracy(rows, train, judged, task.output, learner, kind) for train in draws]
                    cells.append(f"{np.mean(found):.3f} ± {np.std(found, ddof=1) / len(found) ** 0.5:.3f}")
                print(f"| {each} | {learner} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
