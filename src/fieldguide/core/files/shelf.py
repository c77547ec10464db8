"""Arrays on disk that behave as arrays: what is encoded of rows that do not fit in memory.

Knows shapes, bytes and pages. The file has no name: it is gone with the array, whatever ends the process.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from pathlib import Path

import numpy as np

from fieldguide.core.files.disk import writing

STEP = 65_536
"""Rows that are moved at a time."""


def shelved(shape: tuple[int, ...], dtype: type, folder: Path) -> np.ndarray:
    """Return an array of zeros whose memory is a file in `folder`.

    Raises:
        StudyError: the disk has no room for it.

    Examples:
        >>> array = shelved((3, 2), np.float32, Path(tempfile.mkdtemp()))
        >>> array[1] = 7.0
        >>> array.sum(), is_shelved(array), is_shelved(array[1:])
        (np.float32(14.0), True, True)
    """
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    if not n_bytes:
        return np.zeros(shape, dtype)
    with (
        writing(folder, "encoded rows that do not fit in memory are kept on disk"),
        tempfile.TemporaryFile(dir=folder) as file,
    ):
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)  # now: a full disk would kill the process at a later write
        else:
            file.truncate(n_bytes)
        return np.frombuffer(mmap.mmap(file.fileno(), n_bytes), dtype).reshape(shape)


def is_shelved(array: object) -> bool:
    """Whether an array, or what it is a view of, lies on disk."""
    return _pages(array) is not None


def released(array: np.ndarray) -> None:
    """Let go of the memory that the pages of a shelved array take; they are read again when they are asked for."""
    pages = _pages(array)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


def taken(array: np.ndarray, rows: np.ndarray, folder: Path) -> np.ndarray:
    """Return rows of a shelved array as a shelved array."""
    found = shelved((len(rows), *array.shape[1:]), array.dtype.type, folder)
    for start in range(0, len(rows), STEP):
        found[start : start + STEP] = array[rows[start : start + STEP]]
        released(found)
    released(array)
    return found


def _pages(array: object) -> mmap.mmap | None:
    while isinstance(array, np.ndarray | memoryview):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return array if isinstance(array, mmap.mmap) else None
