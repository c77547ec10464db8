"""What files were decoded to: kept up to a size, shared, and given up for what is asked for now."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.files.media import BadFile
from fieldguide.parts.modalities._decoded import Decoded

KILOBYTE = np.zeros(1024, np.uint8)


def test_what_was_kept_is_not_decoded_again_and_no_more_is_kept_than_fits():
    decoded, calls = Decoded(megabytes=5 / 1024), []
    for cell in [f"{i}.png" for i in range(6)] * 2:
        decoded.of("large", cell, lambda cell=cell: calls.append(cell) or KILOBYTE)
    assert calls == [*(f"{i}.png" for i in range(6)), "5.png"], "five fit; the sixth is decoded each time"
    assert decoded.n_bytes == 5 * 1024


def test_what_was_asked_for_differently_gives_way():
    decoded = Decoded(megabytes=3 / 1024)
    for asked, cell in (("large", "a"), ("large", "b"), ("small", "a"), ("small", "b")):
        decoded.of(asked, cell, lambda: KILOBYTE)
    assert decoded.n_bytes == 2 * 1024 and list(decoded._kept) == ["small"]
    decoded.clear()
    assert decoded.n_bytes == 0


def test_a_file_that_changes_under_a_run_is_told_in_four_parts():
    def damaged() -> np.ndarray:
        raise BadFile("the image is truncated (7 bytes)")

    with pytest.raises(DataError, match=r"photo\.png has changed while it was worked with") as error:
        Decoded().of(8, "photo.png", damaged)
    assert "truncated" in str(error.value) and "put it back" in str(error.value)
