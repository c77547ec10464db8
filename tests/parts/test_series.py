"""Series in cells: reading, one shape, kernels, encoders."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.parts.modalities._curves import Kernels, filled, parsed, spelled, stretched
from fieldguide.parts.modalities.series import Series, jittered
from fieldguide.parts.nets import encoders
from fieldguide.testing.modality import check_modality

WAVE = Column("wave", "series")


def curve(n, phase=0.0, channels=1):
    return np.stack([np.sin(np.linspace(0, 6, n) + phase + c) for c in range(channels)])


def cells_of(*series):
    cells = np.empty(len(series), object)
    for i, one in enumerate(series):
        cells[i] = None if one is None else np.asarray(one, np.float32)
    return cells


def test_contract():
    raw = [spelled(curve(8 + i, i)) for i in range(7)]
    check_modality(Series(), pl.Series("wave", [*raw, None, "", "1;2;3", "[1, null, 3]", "not a series"]))


@pytest.mark.parametrize(
    "value, text",
    [
        ([1, 2.5, None], "[1.0, 2.5, null]"), ("1 2\t3", "[1.0, 2.0, 3.0]"), (np.array([1.0, np.nan]), "[1.0, null]"),
        ([[1, 2], [3, 4]], "[[1.0, 2.0], [3.0, 4.0]]"), ("[1.0, nan, inf]", "[1.0, null, null]"), (pl.Series([1, 2]), "[1.0, 2.0]"),
    ],
)  # fmt: skip
def test_what_a_series_can_look_like(value, text):
    assert Series().read_value(value, WAVE) == (text, False)


@pytest.mark.parametrize(
    "value", ["[1, [2]]", "[[1, 2], [3]]", "[]", "[true]", '["a"]', "a b", 3.5, "[" * 4000, '{"a": 1}', [["x"]]]
)
def test_what_is_no_series_is_broken(value):
    assert Series().read_value(value, WAVE) == (None, True)


def test_parquet_lists_are_read(tmp_path):
    from fieldguide.core.files.source import open_source

    pl.DataFrame({"wave": [[1.0, 2.0], [3.0, None]]}).write_parquet(tmp_path / "t.parquet")
    typed, broken = Series().read(open_source(tmp_path / "t.parquet").collect()["wave"], WAVE)
    assert typed.to_list() == ["[1.0, 2.0]", "[3.0, null]"] and not broken.any()


def test_gaps_are_filled_on_straight_lines():
    assert filled(np.array([[np.nan, 1.0, np.nan, 3.0, np.nan], [np.nan] * 5])).tolist() == [[1, 1, 2, 3, 3], [0] * 5]
    assert stretched(np.array([[0.0, 1.0, 2.0, 3.0, 4.0]]), 3).tolist() == [[0.0, 2.0, 4.0]]


def test_long_series_are_drawn_together_and_short_ones_marked():
    cells = cells_of(curve(20), curve(5), None)
    encoder = Series().fit({"wave": cells}, Recipe(media="blocks", n_steps=10))
    found = encoder.encode({"wave": cells})["wave"].load()
    assert found.shape == (3, 2, 10)
    assert found[:, 1].sum(axis=1).tolist() == [10, 5, 0] and (found[2] == 0).all()
    whole = np.concatenate([curve(20), curve(5)], axis=1)
    np.testing.assert_allclose(found[1, 0, :5], ((curve(5) - whole.mean()) / whole.std())[0], atol=1e-4)


def test_kernels_follow_their_definition():
    kernels = Kernels(2, 30, 40, seed=3)
    series = np.random.default_rng(0).normal(size=(3, 2, 30))
    found = kernels(series)
    for i, (channels, weights, bias, dilation, padding) in enumerate(kernels.kernels):
        padded = np.pad(series, ((0, 0), (0, 0), (padding, padding)))
        n = padded.shape[2] - (weights.shape[1] - 1) * dilation
        answers = np.array([
            [bias + sum(weights[c, j] * one[channel, t + j * dilation] for c, channel in enumerate(channels) for j in range(weights.shape[1])) for t in range(n)]
            for one in padded
        ])  # fmt: skip
        np.testing.assert_allclose(found[:, 2 * i], (answers > 0).mean(1))
        np.testing.assert_allclose(found[:, 2 * i + 1], answers.max(1))


@pytest.mark.parametrize("form", encoders.importlib.import_module("fieldguide.parts.nets.encoders.series").FORMS)
def test_what_lies_after_the_end_changes_nothing(form):
    torch.manual_seed(0)
    cells = cells_of(curve(24, 0, 2), curve(9, 1, 2), None)
    encoder = Series().fit({"wave": cells}, Recipe(media="blocks"))
    (spec,), block = encoder.layout().blocks, encoder.encode({"wave": cells})["wave"]
    net = encoders.build(form, spec, {"d_embedding": 8, "dropout": 0.2}).eval()
    series = torch.from_numpy(block.load())
    found = net(series)
    assert found.shape == (3, net.width) and torch.isfinite(found).all()
    noisy = series.clone()
    noisy[1, :-1, 9:] = 7.0
    if form in ("resnet", "fcn"):
        torch.testing.assert_close(net(noisy), found)
    net.train()
    net(series.repeat(8, 1, 1)).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_alterations_leave_the_mark_alone():
    series = np.concatenate([np.ones((4, 1, 10)), np.repeat([[[1.0] * 6 + [0.0] * 4]], 4, 0)], axis=1).astype(
        np.float32
    )
    altered = jittered(series, np.random.default_rng(0))
    assert np.array_equal(altered[:, 1], series[:, 1]) and (altered[:, 0, 6:] == 0).all()
    assert altered.dtype == np.float32 and not np.array_equal(altered, series)


def test_description_draws_the_mean_curve():
    facts = Series().describe(pl.Series("wave", [spelled(curve(10)), spelled(curve(10)), "[1.0, 1.0]", None]))
    assert (facts["n"], facts["missing"], facts["flat"], facts["repeated"]) == (4, 1, 1, 1)
    assert len(facts["curve"]["mean"]) == 50 and facts["channels"] == {"1": 3}


def test_spelling_is_read_again():
    series = np.array([[1.5, np.nan], [2.0, 3.0]])
    np.testing.assert_array_equal(parsed(spelled(series)), series)


def test_columns_of_lists_are_found_to_be_series():
    from fieldguide.core.files.source import open_source
    from fieldguide.steps.detect.columns import detect_columns

    rows = {"wave": [curve(9, i)[0].tolist() for i in range(30)], "tags": [str(["a", "b"])] * 29 + ["[]"]}
    kinds = {column.name: column.kind for column in detect_columns(open_source(rows))}
    assert kinds["wave"] == "series" and kinds["tags"] != "series"


def test_a_series_of_tiny_units_is_scaled_like_any_other():
    rng = np.random.default_rng(0)
    curves = [rng.normal(2.0, 1.0, (1, 20)).astype(np.float32) for _ in range(8)]
    cells, tiny = np.empty(8, object), np.empty(8, object)
    cells[:], tiny[:] = curves, [curve * np.float32(1e-12) for curve in curves]
    plain, small = (Series().fit({"x": c}, Recipe(media="blocks")).encode({"x": c})["x"].load() for c in (cells, tiny))
    assert np.allclose(plain, small, atol=1e-4)
    assert abs(small[:, 0].std() - 1.0) < 0.05


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("[1, -inf, 2]", "[1.0, null, 2.0]"), ("[1, inf]", "[1.0, null]"), ("[1, 1e300]", "[1.0, null]"),
        ([np.float64(1.5), np.float32(2.0)], "[1.5, 2.0]"),
        (np.array([np.array([1.0, 2.0]), np.array([3.0, 4.0])], object), "[[1.0, 2.0], [3.0, 4.0]]"),
        ([(1, 2), pl.Series([3, None])], "[[1.0, 2.0], [3.0, null]]"),
    ],
)  # fmt: skip
def test_series_as_python_and_files_hold_them(value, wanted):
    assert Series().read_value(value, Column("x", "series")) == (wanted, False)


def test_kernels_see_rows_alike_in_any_company(monkeypatch):
    rng = np.random.default_rng(1)
    cells = np.empty(7, object)
    cells[:] = [rng.normal(size=(2, 15)).astype(np.float32) for _ in range(7)]
    encoder = Series().fit({"x": cells}, Recipe())
    together = encoder.encode({"x": cells})["numbers"]
    monkeypatch.setattr("fieldguide.parts.modalities.series.ROWS_AT_ONCE", 3)
    assert np.allclose(encoder.encode({"x": cells})["numbers"], together, atol=1e-6)
