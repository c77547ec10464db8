"""Windows of shared arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.series.windows import Windows


@given(
    st.integers(30, 60), st.integers(1, 8), st.integers(-8, 4), st.lists(st.integers(10, 14), min_size=0, max_size=6), st.booleans(), st.booleans()
)  # fmt: skip
def test_rows_are_the_slices_they_say(n, length, first, at, wide, scaled):
    source = np.arange(2.0 * n).reshape(n, 2) if wide else np.arange(float(n))
    scale = np.arange(1.0, len(at) + 1) if scaled else None
    windows = Windows(source, np.array(at, np.int64), first, length, scale)
    slices = [source[a + first : a + first + length] / (1 if scale is None else scale[i]) for i, a in enumerate(at)]
    expected = np.array(slices).reshape(windows.shape)
    assert np.asarray(windows).shape == windows.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(windows), expected)
    last = windows.last(3)
    np.testing.assert_array_equal(np.asarray(last), expected[:, -min(3, length) :])


def test_indexing_takes_rows_and_copies_nothing_of_the_source():
    source = np.arange(1000.0)
    windows = Windows(source, np.arange(500, 900), -99, 100, np.full(400, 2.0))
    for rows in (slice(5, 9), np.array([7, 3]), np.arange(400) % 2 == 0):
        part = windows[rows]
        assert part.source is source
        np.testing.assert_array_equal(np.asarray(part), np.asarray(windows)[rows])
    assert windows.nbytes == 400 * 16  # a dense copy would take 320,000 bytes
    assert np.asarray(windows, np.float32).dtype == np.float32
    assert (len(windows), windows.ndim, windows.dtype) == (400, 2, np.asarray(windows).dtype)
    assert Windows(np.zeros((9, 2)), np.arange(3), 0, 4).ndim == 3
