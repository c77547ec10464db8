"""A fitted network without its weights, as plain data: which network, of what sizes, with which last layers.

Knows how it is built again, and how what it reads out becomes predictions. Loads no torch before a network is built.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fieldguide.core.batch import Layout, Spec
from fieldguide.core.contracts import Predictions
from fieldguide.core.errors import ModelError
from fieldguide.parts import names, nets


@cache
def networks() -> tuple[str, ...]:
    """Return the names of the networks: files of `parts/nets` that a learner of the same name builds.

    Examples:
        >>> "mlp" in networks(), "heads" in networks()
        (True, False)
    """
    files = {module.name for module in pkgutil.iter_modules(nets.__path__)}
    return tuple(sorted(files & set(names("learners"))))


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
        if self.net not in networks():  # the name comes from a folder: it may choose among ours, not import at will
            raise ModelError(
                f"there is no network named {self.net!r}",
                rule="a model folder chooses among the networks of this version",
                found=f"networks are {', '.join(networks())}",
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
