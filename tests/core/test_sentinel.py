"""A code that stands for "unknown" among numbers, and when it is sure."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.meaning.sentinel import sentinel

RNG = np.random.default_rng(0)
SIZES = RNG.normal(90, 25, 3000).clip(20, 220)


def coded(values, code, n=60):
    return np.concatenate([values, np.full(n, float(code))])


@pytest.mark.parametrize(("rest", "code", "sure"), [
    (SIZES, -999, True), (SIZES, -99, True), (SIZES, -1, False), (SIZES + 100, -1, True), (SIZES, 999, True),
    (SIZES, 9999, True), (RNG.normal(0, 12, 3000), -999, True), (RNG.integers(0, 28, 3000), 999, True),
    (RNG.integers(18, 90, 3000), -1, False), (RNG.integers(0, 41_310, 3000), 99_999, False), (RNG.integers(1, 6, 3000), -99, False),
    (RNG.integers(0, 40, 3000), 99, False),
], ids=str)  # fmt: skip
def test_a_code_that_stands_apart_is_found_and_is_sure_only_far_off(rest, code, sure):
    found = sentinel(coded(rest, code))
    assert found is not None and (found.code, found.n, found.sure) == (code, 60, sure)


@pytest.mark.parametrize("values", [
    SIZES, RNG.normal(0, 1, 3000), np.round(RNG.normal(0, 400, 3000)), RNG.integers(-3, 4, 3000), RNG.integers(0, 1200, 3000),
    coded(RNG.normal(-200, 300, 3000), -999), coded(SIZES, -999, n=4), coded(RNG.uniform(0, 998, 3000), 999), np.full(3000, np.nan),
], ids=["sizes", "around 0", "balances", "steps", "counts", "among its like", "too few", "next in line", "nothing"])  # fmt: skip
def test_values_are_no_codes(values):
    assert sentinel(np.asarray(values, float)) is None


CODES = (
    -1, -9, -99, -999, -9999, -99999, -999999, -88, -77, -32768, 99, 999, 9999, 99999, 999999, 9999999, 99999999, 88, 888, 8888, 9998, 65535, 2147483647,
)  # fmt: skip
SURE = {-9, *CODES[2:10], *CODES[11:17], 65535, 2147483647}


@pytest.mark.parametrize("code", CODES)
def test_every_usual_code_is_found(code):
    found = sentinel(coded(RNG.uniform(2, 12, 1000), code))
    assert found is not None and (found.code, found.sure) == (code, code in SURE)


@pytest.mark.parametrize("code", [-9999999, -5, -2, 98, 777, 77, 9, 999999999])
def test_other_numbers_are_no_codes(code):
    assert sentinel(coded(RNG.uniform(2, 12, 1000), code)) is None


@pytest.mark.parametrize(("low", "high", "code", "sure"), [
    (0, 60, -99, True), (0, 60, -1, False), (0, 600, -99, True),  # what is counted from 0 is never -99
    (40, 100, -1, True), (20, 80, -1, False),  # half the range of the others below them
    (97.2, 97.8, 99, False), (98.2, 98.8, 99, None),  # at least 1 above the others
], ids=str)  # fmt: skip
def test_a_code_lies_far_enough_from_the_others(low, high, code, sure):
    found = sentinel(coded([low, high, *RNG.uniform(low, high, 1000)], code))
    assert (found and found.sure) == sure
