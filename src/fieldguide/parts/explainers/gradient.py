"""SHAP values of networks by gradients (GradientShap of captum): numbers, categories, tokens, regions and steps.

Knows what goes into the networks of `nets` and where categories and tokens become vectors; other candidates it declines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.batch import Batch
from fieldguide.core.errors import MissingExtra
from fieldguide.core.explanation import Explanation, summed
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import seed_for
from fieldguide.core.sources import sources_of

PADDING, UNKNOWN, FIRST_TOKEN = 0, 1, 2  # as texts are cut
TILES = 8  # regions a side of an image
SEGMENTS = 32  # of a series or a sound
MOST_FLOATS = 20_000_000  # inputs held at once


@dataclass(frozen=True)
class Gradient:
    """Contributions of columns to a network's prediction, by expected gradients.

    Formula: phi_j = E[(x_j - b_j) · df/dx_j at b + a (x - b)], over background rows b and a uniform in [0, 1], summed over the
    inputs that a column becomes. Categories and tokens are followed from the vectors that the network makes of them. A text
    starts from unknown words at the same places; all else from background rows.

    Args:
        n_samples: draws of (b, a) for a row of a table; the additivity error falls with their root.
        n_whole: the same where texts, images, sounds or series are read whole, which costs more.

    Source:
        Erion et al., "Improving performance of deep learning models with axiomatic attribution priors and expected gradients",
        Nature Machine Intelligence 3, 2021; Lundberg and Lee, NeurIPS 2017 (GradientExplainer).
    """

    name: ClassVar[str] = "gradient"
    title: ClassVar[str] = "expected gradients (GradientShap)"

    n_samples: int = 256
    n_whole: int = 64

    def declines(self, predictor: Any) -> str:
        """Return why it cannot explain a predictor; "" where it can."""
        net = getattr(getattr(predictor, "estimator", None), "net", None)
        if net is None or not hasattr(predictor.estimator, "description"):
            return "it has no gradients"
        specs = predictor.estimator.description.layout.blocks
        if any(spec.kind not in ("text", "image", "audio", "series") for spec in specs):
            return "it reads windows of series, which are no columns"
        if any(
            spec.kind == "text" and not hasattr(e, "embedding") for spec, e in zip(specs, getattr(net, "encoders", ()))
        ):
            return "its checkpoint keeps the vectors of its tokens to itself"
        return ""

    def explain(
        self, predictor: Any, rows: Rows, background: Rows, *, output: int, which: np.ndarray, seed: int
    ) -> Explanation:
        """Return contributions on the scale the network fits: probabilities, or values.

        Raises:
            MissingExtra: captum is not installed.
        """
        shap = _captum()
        import torch

        estimator, names = predictor.estimator, tuple(column.name for column in rows.columns)
        seen, against = (predictor.transform.encode(part.cells, len(part)) for part in (rows, background))
        inputs = _Inputs(estimator, output)
        places = inputs.places(sources_of(predictor.transform, names))
        values, base, scores = np.zeros((len(rows), len(names))), np.zeros(len(rows)), np.zeros(len(rows))
        details: dict[str, list[Mapping[str, Any]]] = {
            spec.name: [{}] * len(rows) for spec in seen.layout.blocks
        }  # fmt: skip
        words = _words_of(predictor.transform)
        kept = np.random.get_state()  # captum draws from numpy's own generator, which is given back as it was
        with torch.random.fork_rng(devices=[]), inputs.open():
            torch.manual_seed(seed_for(seed, "gradient"))
            np.random.seed(seed_for(seed, "gradient"))
            try:
                for part in inputs.parts(seen, self._n_samples(inputs)):
                    found, usual, said = self._part(shap, inputs, seen.take(part), against, which[part])
                    values[part] = summed(found, places[: found.shape[1]], len(names)) if not inputs.specs else 0.0
                    base[part], scores[part] = usual, said
                    if inputs.specs:
                        values[part] = inputs.told(found, seen.take(part), places, len(names), part, details, words)
            finally:
                np.random.set_state(kept)
        scale = "value" if inputs.identity else "probability" if inputs.shares else "expected value"
        return Explanation(names, values, base, scores, scale, details)

    def _n_samples(self, inputs: _Inputs) -> int:
        return self.n_whole if inputs.specs else self.n_samples

    def _part(self, shap: Any, inputs: _Inputs, seen: Batch, against: Batch, which: np.ndarray) -> tuple[Any, Any, Any]:
        """Return attributions of flat inputs, (rows, inputs), the base and the score of each row."""
        import torch

        flat, tokens = inputs.flat(seen)
        base_flat, _ = inputs.flat(against, like=seen if inputs.has_text else None)
        column, sign, scale, centre = inputs.column(which)
        target = torch.from_numpy(column)
        with torch.no_grad():
            said = inputs.forward(flat, *tokens).gather(1, target[:, None])[:, 0].double().numpy()
            more = [token.expand(len(base_flat), -1) for token in tokens]
            usual = inputs.forward(base_flat, *more).double().mean(0).numpy()[column]
        found = shap(inputs.forward).attribute(
            flat, baselines=base_flat, n_samples=self._n_samples(inputs), stdevs=0.0, target=target,
            additional_forward_args=tuple(tokens) or None,
        )  # fmt: skip
        change = sign * scale
        return found.detach().double().numpy() * change[:, None], change * usual + centre, change * said + centre


class _Inputs:
    """A network as a function of one flat row of floats: numbers, vectors of categories, and each block's cells."""

    def __init__(self, estimator: Any, output: int) -> None:
        description = estimator.description
        self.net, self.specs = estimator.net.cpu(), description.layout.blocks
        self.readout = description.readout(self.net).eval()
        self.categories = getattr(self.net, "categories", None)
        self.head, scale = description.heads[output], description.scaling[output]
        self.first, self.width = sum(description.widths[:output]), description.widths[output]
        self.scale = np.ones(self.width) if scale is None else np.asarray(scale[1], np.float64)
        self.centre = np.zeros(self.width) if scale is None else np.asarray(scale[0], np.float64)
        self.identity, self.shares = scale is not None and self.head["activation"] == "identity", scale is None
        self.n_numbers = len(description.layout.numbers)
        self.has_text = any(spec.kind == "text" for spec in self.specs)
        self.shapes: list[tuple[int, ...]] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let vectors of categories and tokens be handed in from outside, for the time of one explanation."""
        self._given: dict[Any, Any] = {}
        modules = [self.categories] if self.categories is not None else []
        modules += [
            e.embedding for spec, e in zip(self.specs, getattr(self.net, "encoders", ())) if spec.kind == "text"
        ]
        with ExitStack() as stack:
            for module in modules:
                module.forward = self._handed(module, module.forward)
                stack.callback(delattr, module, "forward")
            yield

    def _handed(self, module: Any, whole: Any) -> Any:
        """Return a forward that gives what was handed in for a module, else what the module makes."""
        return lambda codes: self._given[module] if module in self._given else whole(codes)

    def flat(self, batch: Batch, like: Batch | None = None) -> tuple[Any, list[Any]]:
        """Return rows as flat floats, and the codes of each text beside them.

        Args:
            like: the one row whose texts these rows take, every word unknown: the background of a text.
        """
        import torch

        self._given.clear()
        with torch.no_grad():
            parts = [torch.from_numpy(batch.numbers)]
            if self.categories is not None:
                parts.append(self.categories(torch.from_numpy(batch.codes)))
            tokens, shapes = [], []
            for number, spec in enumerate(self.specs):
                block = (like if like is not None and spec.kind == "text" else batch).arrays[spec.name].load()
                cells = torch.from_numpy(block)
                if spec.kind == "text":
                    tokens.append(cells)
                    cells = torch.where((cells != PADDING) & (like is not None), UNKNOWN, cells)
                    cells = self.net.encoders[number].embedding(cells)
                    if like is not None:
                        cells = cells.expand(len(batch), -1, -1)
                shapes.append(tuple(cells.shape[1:]))
                parts.append(cells.flatten(1))
        self.shapes = shapes
        return torch.cat([part.float() for part in parts], 1), tokens

    def forward(self, flat: Any, *tokens: Any) -> Any:
        """Return the output's columns as the network reads them out, (rows, width)."""
        at, texts, blocks = self.n_numbers, list(tokens), []
        if self.categories is not None:
            width = sum(self.categories.widths)
            self._given[self.categories], at = flat[:, at : at + width], at + width
        for number, (spec, shape) in enumerate(zip(self.specs, self.shapes, strict=True)):
            size = int(np.prod(shape))
            cells = flat[:, at : at + size].unflatten(1, shape)
            at += size
            if spec.kind == "text":
                self._given[self.net.encoders[number].embedding] = cells
                cells = texts.pop(0)
            blocks.append(cells)
        codes = flat.new_zeros((len(flat), 0))  # their vectors are handed in
        read = self.readout(flat[:, : self.n_numbers], codes, *blocks)
        self._given.clear()
        return read[:, self.first : self.first + self.width]

    def column(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the column read out for each row, its sign, its scale and what is added to it."""
        if self.head["complement"]:  # one column, the probability of the second class
            sign = np.where(which == 1, 1.0, -1.0)
            return np.zeros(len(which), np.int64), sign, np.ones(len(which)), np.where(which == 1, 0.0, 1.0)
        return which.astype(np.int64), np.ones(len(which)), self.scale[which], self.centre[which]

    def places(self, sources: Any) -> np.ndarray:
        """Return the table's column of each flat number and category cell, then of each block."""
        parts = [sources.numbers]
        if self.categories is not None:
            slots = self.categories.column_of_slot.numpy()
            parts.append(sources.codes[slots])
            for n, table in enumerate(self.categories.tables):
                parts += [
                    np.repeat(sources.codes[c], table.embedding_dim)
                    for c in self.categories.get_buffer(f"columns_{n}").numpy()
                ]
        return np.concatenate([*parts, sources.blocks]).astype(np.int64)

    def parts(self, batch: Batch, n_samples: int) -> Iterator[np.ndarray]:
        """Yield positions of rows that are explained at once: one by one where texts differ in length."""
        n_floats = self.n_numbers + (sum(self.categories.widths) if self.categories is not None else 0)
        n_floats += sum(int(np.prod(spec.shape)) for spec in self.specs)
        size = 1 if self.has_text else int(np.clip(MOST_FLOATS // (n_samples * max(1, n_floats)), 1, 100))
        for start in range(0, len(batch), size):
            yield np.arange(start, min(start + size, len(batch)))

    def told(
        self, found: np.ndarray, batch: Batch, places: np.ndarray, n_columns: int, rows: np.ndarray,
        details: dict[str, list[Mapping[str, Any]]], words: Mapping[str, Mapping[int, str]],
    ) -> np.ndarray:  # fmt: skip
        """Return the values of columns, and write what tokens, regions and steps add."""
        at = len(places) - len(self.specs)
        values = summed(found[:, :at], places[:at], n_columns)
        for number, (spec, shape) in enumerate(zip(self.specs, self.shapes, strict=True)):
            size = int(np.prod(shape))
            cells = found[:, at : at + size].reshape(len(found), *shape) if size else np.zeros((len(found), *shape))
            at += size
            values[:, places[len(places) - len(self.specs) + number]] += cells.reshape(len(found), -1).sum(axis=1)
            for place, row in enumerate(rows.tolist()):
                codes = batch.arrays[spec.name][np.array([place])].load()[0] if spec.kind == "text" else None
                details[spec.name][row] = _detail(spec.kind, cells[place], codes, words.get(spec.name, {}))
        return values


def _detail(kind: str, cells: np.ndarray, codes: np.ndarray | None, words: Mapping[int, str]) -> dict[str, Any]:
    if codes is not None:  # (tokens, d)
        added = cells.sum(axis=1)
        tokens = [words.get(int(c), "unknown" if c == UNKNOWN else f"#{c}") for c in codes if c != PADDING]
        return {"kind": "tokens", "tokens": tokens, "values": [float(v) for v, c in zip(added, codes) if c != PADDING]}
    if kind == "image":  # (channels, height, width)
        plane = cells.sum(axis=0)
        rows, columns = (np.arange(n) * TILES // n for n in plane.shape)
        grid = np.zeros((TILES, TILES))
        np.add.at(grid, (rows[:, None], columns[None, :]), plane)
        return {"kind": "regions", "grid": grid.tolist()}
    steps = cells.reshape(-1, cells.shape[-1]).sum(axis=0)
    n = min(SEGMENTS, len(steps))
    return {
        "kind": "steps", "n_steps": len(steps), "values": np.bincount(np.arange(len(steps)) * n // len(steps), steps, n).tolist()
    }  # fmt: skip


def _words_of(transform: Any) -> dict[str, dict[int, str]]:
    """Return, per text column, the word or piece behind each code."""
    found: dict[str, dict[int, str]] = {}
    for kind, names, encoder in transform.parts:
        if kind == "text" and encoder.layout().blocks:
            for name, cutter in zip(names, encoder.to_dict()["cutters"], strict=True):
                if cutter["form"] == "words":
                    found[name] = dict(enumerate(cutter["words"], FIRST_TOKEN))
                elif cutter["form"] == "pieces":
                    found[name] = {code: piece for piece, code in cutter["tokeniser"]["model"]["vocab"].items()}
    return found


def _captum() -> Any:
    try:
        from captum.attr import GradientShap
    except ImportError as reason:
        raise MissingExtra("captum", "explain", "explaining a network by its gradients") from reason
    return GradientShap
