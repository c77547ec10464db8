"""What files were decoded to, in memory up to a stated size: folds and candidates share it.

Knows bytes, who gives way, and what is said of a file that changes while it is worked with; nothing of formats.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

import numpy as np

from fieldguide.core.errors import DataError
from fieldguide.core.files.media import DATA, BadFile, told

MEGABYTES = 256
"""Of one kind of files; what does not fit is decoded again each time."""


class Decoded:
    """Arrays by cell and by what was asked of it (a size, a rate).

    What was asked for differently gives way first, so that a search over sizes does not keep what nobody asks for. A `data:` URI
    comes once, with a request that is served: nothing of it is kept, or a server would grow with every request.

    Examples:
        >>> decoded = Decoded()
        >>> decoded.of("8 px", "a.png", lambda: np.zeros(8)).shape, decoded.n_bytes
        ((8,), 64)
    """

    def __init__(self, megabytes: float = MEGABYTES) -> None:
        self.limit = megabytes * 2**20
        self.n_bytes = 0
        self._kept: dict[Hashable, dict[str, np.ndarray]] = {}
        self._lock = threading.Lock()

    def of(self, asked: Hashable, cell: str, decode: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what a cell was decoded to, or decode it.

        Raises:
            DataError: the file was readable when its row was read, and is not any more.
        """
        kept = self._kept.get(asked)
        found = None if kept is None else kept.get(cell)
        if found is not None:
            return found
        try:
            found = decode()
        except BadFile as error:
            raise DataError(
                f"{told(cell)} has changed while it was worked with", rule="a file that was read at the start stays as it is",
                found=str(error), do="put it back, or run again: finished trials are kept, and a damaged file is counted and left out",
            ) from None  # fmt: skip
        if not cell.startswith(DATA):
            with self._lock:
                self._keep(asked, cell, found)
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.n_bytes = 0

    def _keep(self, asked: Hashable, cell: str, found: np.ndarray) -> None:
        while self.n_bytes + found.nbytes > self.limit:
            other = next((key for key in self._kept if key != asked), None)
            if other is None:
                return
            self.n_bytes -= sum(array.nbytes for array in self._kept.pop(other).values())
        kept = self._kept.setdefault(asked, {})
        if cell not in kept:  # another thread may have been as fast
            kept[cell] = found
            self.n_bytes += found.nbytes
