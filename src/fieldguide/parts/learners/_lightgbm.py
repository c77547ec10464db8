"""LightGBM's C interface: data in, trees out, without its Python package.

Knows handles, arrays and LightGBM's parameter names; nothing of settings, tasks or early stopping. `import lightgbm`
loads scikit-learn, pandas and pyarrow (3.5 CPU seconds); its shared library alone loads in 3 ms, and one row is scored
in microseconds. The interface is LightGBM's documented, stable one.

Source:
    https://lightgbm.readthedocs.io/en/latest/C-API.html
"""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.errors import FieldguideError, ModelError
from fieldguide.core.files.shelf import STEP, released

FLOAT32, FLOAT64 = 0, 1  # C_API_DTYPE_*
RAW, CONTRIBUTIONS = 1, 3  # C_API_PREDICT_RAW_SCORE, C_API_PREDICT_CONTRIB
SPLITS_ONLY = 0  # C_API_FEATURE_IMPORTANCE_SPLIT
MANY_ROWS = 512  # from here on, starting threads pays
ZERO = 1e-35  # what LightGBM takes for zero (kZeroThreshold)


@cache
def library() -> ctypes.CDLL:
    """Load LightGBM's shared library without importing its package.

    Raises:
        FieldguideError: LightGBM is not installed, or its library does not load on this machine.
    """
    spec = importlib.util.find_spec("lightgbm")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    names = ("lib/lib_lightgbm.so", "lib/lib_lightgbm.dylib", "bin/lib_lightgbm.dll", "lib/lib_lightgbm.dll")
    found = [folder / name for folder in folders for name in names if (folder / name).is_file()]
    if not found:
        raise FieldguideError(
            "boosting cannot run", rule="LightGBM's shared library is installed",
            found=f"no {names[0]} in {', '.join(map(str, folders)) or 'any package folder'}",
            do='pip install "lightgbm>=4.5"',
        )  # fmt: skip
    try:
        loaded = ctypes.CDLL(str(found[0]))
    except OSError as reason:
        raise FieldguideError(
            "boosting cannot run", rule="LightGBM's shared library loads", found=str(reason),
            do="install the OpenMP runtime (Debian: libgomp1, macOS: brew install libomp)",
        ) from reason  # fmt: skip
    loaded.LGBM_GetLastError.restype = ctypes.c_char_p
    return loaded


def parameters(values: Mapping[str, Any]) -> bytes:
    """Return parameters in LightGBM's own notation.

    Examples:
        >>> parameters({"num_leaves": 31, "extra_trees": False})
        b'num_leaves=31 extra_trees=false'
    """
    return " ".join(f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in values.items()).encode()


@dataclass(frozen=True)
class Sides:
    """Numbers and codes of many rows, side by side only for a block of rows at a time.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, n_codes) int32; every code fits float32 exactly
    """

    numbers: np.ndarray
    codes: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.numbers), self.numbers.shape[1] + self.codes.shape[1]

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return rows as a matrix, (rows, n_numbers + n_codes) float32."""
        return np.concatenate([self.numbers[rows], self.codes[rows].astype(np.float32)], axis=1)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield all rows in order, a matrix for each block of them; pages on disk are let go of behind it."""
        for begin in range(0, len(self.numbers), STEP):
            yield self.take(slice(begin, begin + STEP))
            released(self.numbers)
            released(self.codes)


class Dataset:
    """Binned rows. Values are copied, so the arrays may go.

    Args:
        after: trees that the booster goes on from: rows begin at their scores.

    Shape:
        x: (rows, features) float32, NaN for missing; or `Sides`, of which a block is a matrix at a time
        y: (rows,) float; LightGBM keeps labels in float32
        weights: (rows,) float or None
    """

    def __init__(
        self, x: np.ndarray | Sides, y: np.ndarray, weights: np.ndarray | None, settings: bytes, like: Dataset | None = None,
        after: Trees | None = None,
    ) -> None:  # fmt: skip
        self.handle, self.n_rows = ctypes.c_void_p(), x.shape[0]
        if isinstance(x, Sides):
            self._pushed(x, settings, like)
        else:
            x = np.ascontiguousarray(x, np.float32)
            _call(
                "DatasetCreateFromMat", _at(x), FLOAT32, ctypes.c_int32(x.shape[0]), ctypes.c_int32(x.shape[1]), 1,
                settings, like.handle if like else None, ctypes.byref(self.handle),
            )  # fmt: skip
        self._field(b"label", y)
        if weights is not None:
            self._field(b"weight", weights)
        if after is not None:  # class after class, in double precision
            parts = [after.scores(part) for part in x.blocks()] if isinstance(x, Sides) else [after.scores(x)]
            scores = np.ascontiguousarray(np.concatenate(parts).T, np.float64).reshape(-1)
            _call("DatasetSetField", self.handle, b"init_score", _at(scores), len(scores), FLOAT64)

    def _pushed(self, x: Sides, settings: bytes, like: Dataset | None) -> None:
        """Bin rows block by block: by the bins of `like`, or by those that LightGBM itself would find in a matrix of all rows.

        It finds them on a sample whose rows `SampleIndices` names, cells that are zero left out; the datasets are the same.
        """
        n_rows, n_columns = x.shape
        if like is not None:
            _call("DatasetCreateByReference", like.handle, ctypes.c_int64(n_rows), ctypes.byref(self.handle))
        else:
            n_drawn = ctypes.c_int()
            _call("GetSampleCount", ctypes.c_int32(n_rows), settings, ctypes.byref(n_drawn))
            drawn = np.empty(n_drawn.value, np.int32)
            _call("SampleIndices", ctypes.c_int32(n_rows), settings, _at(drawn), ctypes.byref(n_drawn))
            sample = x.take(drawn[: n_drawn.value]).astype(np.float64)
            places = [np.flatnonzero((np.abs(c) > ZERO) | np.isnan(c)).astype(np.int32) for c in sample.T]
            values = [np.ascontiguousarray(c[place]) for c, place in zip(sample.T, places, strict=True)]
            counts = np.array([len(place) for place in places], np.int32)
            _call(
                "DatasetCreateFromSampledColumn", (ctypes.c_void_p * n_columns)(*(v.ctypes.data for v in values)),
                (ctypes.c_void_p * n_columns)(*(p.ctypes.data for p in places)), ctypes.c_int32(n_columns), _at(counts),
                ctypes.c_int32(len(sample)), ctypes.c_int32(n_rows), ctypes.c_int64(n_rows), settings, ctypes.byref(self.handle),
            )  # fmt: skip
        begin = 0
        for part in x.blocks():
            _call(
                "DatasetPushRows", self.handle, _at(part), FLOAT32, ctypes.c_int32(len(part)), ctypes.c_int32(n_columns),
                ctypes.c_int32(begin),
            )  # fmt: skip
            begin += len(part)

    def _field(self, name: bytes, values: np.ndarray) -> None:
        values = np.ascontiguousarray(values, np.float32)
        _call("DatasetSetField", self.handle, name, _at(values), len(values), FLOAT32)

    def __del__(self) -> None:
        _free("DatasetFree", self.handle)


class Training:
    """A booster that grows, one round at a time: on the rows of `data`, watched on those of `stop`, if any.

    Args:
        after: trees it goes on from, the first of its own; both sets of rows begin at their scores.
    """

    def __init__(self, data: Dataset, stop: Dataset | None, settings: bytes, after: Trees | None = None) -> None:
        self.handle = ctypes.c_void_p()
        self._data, self._stop = data, stop  # the booster points into them
        _call("BoosterCreate", data.handle, settings, ctypes.byref(self.handle))
        if after is not None:
            _call("BoosterMerge", self.handle, after.handle)
        if stop is not None:
            _call("BoosterAddValidData", self.handle, stop.handle)

    def grow(self) -> bool:
        """Add one round; False when no split is left to make."""
        finished = ctypes.c_int()
        _call("BoosterUpdateOneIter", self.handle, ctypes.byref(finished))
        return not finished.value

    def grow_by(self, slopes: np.ndarray, curvatures: np.ndarray) -> bool:
        """Add one round by the first and second derivatives of a loss that LightGBM does not know; False when it is finished.

        Shape:
            slopes, curvatures: (rows,) by the score, weights within
        """
        finished, parts = ctypes.c_int(), [np.ascontiguousarray(part, np.float32) for part in (slopes, curvatures)]
        _call("BoosterUpdateOneIterCustom", self.handle, *map(_at, parts), ctypes.byref(finished))
        return not finished.value

    def scores(self, of_stop: bool) -> np.ndarray:
        """Return the scores so far of the training or the early-stopping rows, (rows,) float64, of a booster of one score."""
        data, length = self._stop if of_stop else self._data, ctypes.c_int64()
        assert data is not None, "there are rows to stop on"
        found = np.empty(data.n_rows)
        _call("BoosterGetPredict", self.handle, int(of_stop), ctypes.byref(length), _at(found))
        return found

    def loss(self, of_stop: bool) -> float:
        """Return the mean loss of the training or the early-stopping rows so far."""
        values, length = (ctypes.c_double * 8)(), ctypes.c_int()
        _call("BoosterGetEval", self.handle, int(of_stop), ctypes.byref(length), values)
        return float(values[0])

    def text(self, n_rounds: int) -> str:
        """Return the first `n_rounds` rounds in LightGBM's text format (0: all)."""
        size, needed = 1 << 16, ctypes.c_int64()
        while True:
            buffer = ctypes.create_string_buffer(size)
            _call(
                "BoosterSaveModelToString", self.handle, 0, n_rounds or -1, SPLITS_ONLY, ctypes.c_int64(size),
                ctypes.byref(needed), buffer,
            )  # fmt: skip
            if needed.value <= size:
                return buffer.value.decode()
            size = needed.value

    def __del__(self) -> None:
        _free("BoosterFree", self.handle)


class Trees:
    """A booster that only predicts, made from LightGBM's text format.

    Args:
        text: what `Training.text` gave.
        n_features: columns of the rows it will be handed.

    Raises:
        ModelError: the text is not a LightGBM model for `n_features` columns.
    """

    def __init__(self, text: str, n_features: int) -> None:
        self.text, self.n_features = text, n_features
        self.handle, self._one, self._lock = ctypes.c_void_p(), ctypes.c_void_p(), threading.Lock()
        if not (text.startswith("tree\n") and "\nend of trees\n" in text):
            raise ModelError(
                "a boosting model cannot be read", rule="it is complete LightGBM text",
                found=f"{len(text):,} characters that begin with {text[:20]!r}", do="restore the model folder",
            )  # fmt: skip
        rounds, classes, features = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        try:
            _call("BoosterLoadModelFromString", text.encode(), ctypes.byref(rounds), ctypes.byref(self.handle))
        except FieldguideError as reason:
            raise ModelError(
                "a boosting model cannot be read",
                rule="LightGBM reads what it wrote",
                found=reason.found,
                do="restore the model folder",
            ) from reason
        _call("BoosterGetNumClasses", self.handle, ctypes.byref(classes))
        _call("BoosterGetNumFeature", self.handle, ctypes.byref(features))
        if features.value != n_features:
            raise ModelError(
                "a boosting model does not fit its contract", rule="trees and encoded rows have equally many columns",
                found=f"{features.value:,} in the trees, {n_features:,} in the rows", do="restore the model folder",
            )  # fmt: skip
        self.width, self.n_rounds = classes.value, rounds.value
        _call(
            "BoosterPredictForMatSingleRowFastInit", self.handle, RAW, 0, -1, FLOAT32, ctypes.c_int32(n_features),
            b"num_threads=1", ctypes.byref(self._one),
        )  # fmt: skip

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores.

        Shape:
            x: (rows, n_features) float32
            returns: (rows, width) float64
        """
        x = np.ascontiguousarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != self.n_features:  # LightGBM would read past the end
            raise ValueError(f"expected {self.n_features} columns, got an array of shape {x.shape}")
        out, length = np.empty((len(x), self.width)), ctypes.c_int64()
        if len(x) == 1:
            with self._lock:  # one row's buffers belong to the booster, not to the call
                _call("BoosterPredictForMatSingleRowFast", self._one, _at(x), ctypes.byref(length), _at(out))
        elif len(x):
            threads = b"" if len(x) >= MANY_ROWS else b"num_threads=1"
            shape = ctypes.c_int32(len(x)), ctypes.c_int32(self.n_features)
            _call(
                "BoosterPredictForMat", self.handle, _at(x), FLOAT32, *shape, 1, RAW, 0, -1, threads,
                ctypes.byref(length), _at(out),
            )  # fmt: skip
        return out

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """Return what each column adds to the raw scores (path-dependent SHAP values), and last the expected score.

        Shape:
            x: (rows, n_features) float32
            returns: (rows, width, n_features + 1) float64; the last axis sums to the score
        """
        x = np.ascontiguousarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != self.n_features:
            raise ValueError(f"expected {self.n_features} columns, got an array of shape {x.shape}")
        out, length = np.empty((len(x), self.width, self.n_features + 1)), ctypes.c_int64()
        if len(x):
            shape = ctypes.c_int32(len(x)), ctypes.c_int32(self.n_features)
            _call(
                "BoosterPredictForMat", self.handle, _at(x), FLOAT32, *shape, 1, CONTRIBUTIONS, 0, -1, b"num_threads=1",
                ctypes.byref(length), _at(out),
            )  # fmt: skip
        return out

    def __del__(self) -> None:
        _free("FastConfigFree", self._one)
        _free("BoosterFree", self.handle)


def _call(name: str, *arguments: Any) -> None:
    found = library()
    if getattr(found, "LGBM_" + name)(*arguments) != 0:
        reason = (found.LGBM_GetLastError() or b"").decode(errors="replace")
        raise FieldguideError(
            "LightGBM failed",
            rule="LightGBM takes the rows and settings that it is given here",
            found=f"LGBM_{name}: {reason}",
            do="report this with the study's settings",
        )


def _free(name: str, handle: ctypes.c_void_p) -> None:
    if handle:
        getattr(library(), "LGBM_" + name)(handle)
        handle.value = None


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
