"""What stands beside the past of a series: columns that are known beforehand, columns seen so far, and what does not change.

Knows where they lie in a batch, and hands every network of windows the same three tensors; how a network adds them is its own.
The layers that several networks add them by are here too. The window and its scale are `_instance`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fieldguide.parts.nets.categories import Categories

UNKNOWN = 1
"""The code of a level that was not learned, such as a new series."""
HIDDEN = 0.1
"""Share of training rows in which a level is told as unknown, so that the network learns to do without it."""
ALL_EMBEDDED = 0


class Beside(NamedTuple):
    """Three tensors; those without a column have width 0.

    Shape:
        past: (rows, window, n_known + n_observed), columns known beforehand first
        future: (rows, horizon, n_known)
        static: (rows, n_static)
    """

    past: Tensor
    future: Tensor
    static: Tensor


@dataclass(frozen=True)
class Widths:
    """How many columns stand beside a window.

    Examples:
        >>> Widths(known=2, observed=1).past, bool(Widths())
        (3, False)
    """

    known: int = 0
    observed: int = 0
    static: int = 0

    @property
    def past(self) -> int:
        return self.known + self.observed

    def __bool__(self) -> bool:
        return bool(self.known or self.observed or self.static)


NOTHING = Widths()


class Reader(nn.Module):
    """Finds in a batch what stands beside its windows; levels of categories become learned vectors.

    The vector of a level that is missing or unknown begins at 0. A tenth of the training rows have each of their levels told as
    unknown (word dropout), so that a series that was never seen is answered as series in general are.

    Args:
        window, horizon: steps looked at and steps forecast.
        known: which block holds the columns that are known beforehand, over at least `window + horizon` steps; -1: none does.
        n_known: its columns that are read, the first ones.
        observed: which block holds the columns that are seen once a step is over; -1: none does.
        n_observed: its columns.
        n_numbers: number columns that do not change over a window.
        cardinalities: codes of each category column that does not change over a window.

    Shape:
        numbers: (rows, n_numbers) float32; codes: (rows, len(cardinalities)) int32; blocks[i]: (rows, steps, columns) float32
        returns: three tensors, see `Beside`

    Source:
        word dropout: Iyyer et al. (2015), Deep Unordered Composition Rivals Syntactic Methods for Text Classification.

    Examples:
        >>> reader = Reader(4, 2, known=0, n_known=1, n_numbers=1, cardinalities=(5,)).eval()
        >>> found = reader(torch.zeros(3, 1), torch.ones(3, 1, dtype=torch.int32), torch.zeros(3, 9, 1))
        >>> found.past.shape, found.future.shape, found.static.shape, reader.widths
        (torch.Size([3, 4, 1]), torch.Size([3, 2, 1]), torch.Size([3, 5]), Widths(known=1, observed=0, static=5))
    """

    def __init__(
        self, window: int, horizon: int, known: int = -1, n_known: int = 0, observed: int = -1, n_observed: int = 0, n_numbers: int = 0,
        cardinalities: Sequence[int] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        self.window, self.horizon, self.known, self.observed = window, horizon, known, observed
        self.n_known, self.n_numbers = n_known, n_numbers
        self.levels = Categories(cardinalities, ALL_EMBEDDED) if cardinalities else None
        d_levels = 0
        if self.levels is not None:
            d_levels = sum(self.levels.widths)
            for n, table in enumerate(self.levels.tables):
                assert isinstance(table, nn.Embedding)
                for first in self.levels.get_buffer(f"offsets_{n}").tolist():
                    nn.init.zeros_(table.weight[first : first + UNKNOWN + 1])
        self.widths = Widths(n_known if known >= 0 else 0, n_observed if observed >= 0 else 0, n_numbers + d_levels)

    def forward(self, numbers: Tensor, codes: Tensor, *blocks: Tensor) -> Beside:
        seen, future = [], numbers.new_zeros((len(numbers), self.horizon, 0))
        if self.known >= 0:
            whole = blocks[self.known][:, :, : self.n_known].float()
            future = whole[:, -self.horizon :]
            seen.append(whole[:, -self.horizon - self.window : -self.horizon])
        if self.observed >= 0:
            seen.append(blocks[self.observed][:, -self.window :].float())
        past = torch.cat(seen, 2) if seen else numbers.new_zeros((len(numbers), self.window, 0))
        return Beside(past, future, self._static(numbers, codes))

    def _static(self, numbers: Tensor, codes: Tensor) -> Tensor:
        if self.levels is None:
            return numbers[:, : self.n_numbers]
        if self.training:
            hidden = torch.rand(codes.shape, device=codes.device) < HIDDEN
            codes = codes.masked_fill(hidden, UNKNOWN)
        return torch.cat([numbers[:, : self.n_numbers], self.levels(codes)], 1)


class Regression(nn.Module):
    """What the columns of a step say of its value, whichever step it is: a linear layer, and a small one that bends, added.

    It begins at 0, so that a network begins as it would without.

    Shape:
        steps: (rows, steps, columns) float32; returns: (rows, steps) float32

    Source:
        one regression of all steps under a model of what it leaves: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice",
        chapter 10; a residual block in its place: Das et al. (2023), Long-term Forecasting with TiDE, section 4.1.1.

    Examples:
        >>> Regression(3)(torch.ones(2, 7, 3)).shape
        torch.Size([2, 7])
    """

    def __init__(self, n_columns: int, d_hidden: int = 16) -> None:
        super().__init__()
        self.straight = _zero(nn.Linear(n_columns, 1, bias=False))
        self.bent = nn.Sequential(nn.Linear(n_columns, d_hidden), nn.ReLU(), _zero(nn.Linear(d_hidden, 1, bias=False)))

    def forward(self, steps: Tensor) -> Tensor:
        value: Tensor = (self.straight(steps) + self.bent(steps)).squeeze(2)
        return value


class Decoder(nn.Module):
    """What is known of each coming step, added to its forecast: one small network for all steps, told what the window says.

    It begins at 0, so that a network begins as it would without.

    Args:
        d_context: width of what the network makes of the window.
        n_columns: columns that are known of a coming step.
        d_hidden: width of the hidden layer; `d_told` of the context reach it.

    Shape:
        forecast: (rows, horizon); context: (rows, d_context); future: (rows, horizon, n_columns), all float32
        returns: (rows, horizon) float32

    Source:
        the temporal decoder of Das et al. (2023), Long-term Forecasting with TiDE, section 4.2; the local network of
        Wen et al. (2017), A Multi-Horizon Quantile Recurrent Forecaster.

    Examples:
        >>> Decoder(16, 2)(torch.zeros(3, 6), torch.zeros(3, 16), torch.zeros(3, 6, 2)).shape
        torch.Size([3, 6])
    """

    def __init__(self, d_context: int, n_columns: int, d_hidden: int = 32, d_told: int = 8) -> None:
        super().__init__()
        self.told = nn.Linear(d_context, d_told)
        self.hidden = nn.Linear(1 + d_told + n_columns, d_hidden)
        self.out = _zero(nn.Linear(d_hidden, 1, bias=False))
        self.straight = _zero(nn.Linear(n_columns, 1, bias=False))

    def forward(self, forecast: Tensor, context: Tensor, future: Tensor) -> Tensor:
        told = self.told(context).unsqueeze(1).expand(-1, future.shape[1], -1)
        hidden = torch.relu(self.hidden(torch.cat([forecast.unsqueeze(2), told, future], 2)))
        added: Tensor = (self.out(hidden) + self.straight(future)).squeeze(2)
        return forecast + added


def linear_to(n_inputs: int, horizon: int) -> nn.Linear:
    """Return a linear layer to the steps of a horizon that begins at 0.

    Examples:
        >>> linear_to(3, 2)(torch.ones(1, 3)).tolist()
        [[0.0, 0.0]]
    """
    return _zero(nn.Linear(n_inputs, horizon, bias=False))


def channels(window: Tensor, past: Tensor | None) -> Tensor:
    """Return a window and the columns beside it as channels, the window first: (rows, 1 + columns, window).

    Examples:
        >>> channels(torch.zeros(2, 5), torch.zeros(2, 5, 3)).shape
        torch.Size([2, 4, 5])
    """
    alone = window.unsqueeze(1)
    return alone if past is None else torch.cat([alone, past.transpose(1, 2)], 1)


def reader_of(said: Mapping[str, Any] | None, window: int, horizon: int) -> Reader | None:
    """Return the reader that plain data describes; None where nothing stands beside the windows."""
    return None if not said else Reader(window, horizon, **said)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    return layer
