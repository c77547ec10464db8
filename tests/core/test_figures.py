"""Numbers as people read them: they read back as what they were, and have no exponent."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fieldguide.core.figures import number, percent, span


@given(
    st.floats(min_value=1e-6, max_value=1e14), st.sampled_from((-1, 1)), st.integers(2, 4), st.booleans(), st.booleans()
)
@example(99.6, 1, 2, True, False)
@example(999.96, -1, 4, False, True)
def test_a_number_reads_back_as_what_it_was(size: float, side: int, digits: int, pad: bool, sign: bool) -> None:
    text = number(side * size, digits, pad=pad, sign=sign)
    assert "e" not in text and "-" not in text
    assert text.startswith("\u2212") == (side < 0) and text.startswith("+") == (sign and side > 0)
    value = float(text.replace("\u2212", "-").replace(",", ""))
    exact = 0.5 if size >= 10 ** min(digits, 3) else 0.5 * 10.0 ** (math.floor(math.log10(size)) + 1 - digits)
    assert abs(value - side * size) <= 1.001 * exact + 1e-15


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_what_is_not_known_is_said(nothing: float | None) -> None:
    assert number(nothing) == "unknown" and number(nothing, absent="–") == "–"
    assert span([nothing, nothing]) == span(None) == "no interval" and span([nothing, 2.0]) == "[unknown, 2]"


@given(st.floats(min_value=1e-4, max_value=1 - 1e-4))
def test_a_share_is_neither_none_nor_all(share: float) -> None:
    assert percent(share) not in ("0 %", "100 %")
