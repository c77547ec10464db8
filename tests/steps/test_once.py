"""A file is looked at once for init and frame, and again when it changes."""

from __future__ import annotations

import os

import polars as pl
import pytest

from fieldguide.core.files.source import open_source
from fieldguide.steps.detect import once


@pytest.fixture
def looks(monkeypatch):
    """Count what is looked at."""
    counted = []
    real = once.detect_columns
    monkeypatch.setattr(once, "detect_columns", lambda *said, **more: counted.append(said) or real(*said, **more))
    monkeypatch.setattr(once, "_LAST", {})
    return counted


def test_the_same_file_is_looked_at_once_and_a_changed_one_again(tmp_path, looks):
    path = tmp_path / "t.csv"
    pl.DataFrame({"x": range(40), "y": ["a", "b"] * 20}).write_csv(path)
    first, again = (once.detected(open_source(path), {}, ["y"], ()) for _ in range(2))
    assert len(looks) == 1 and first == again
    once.detected(open_source(path), {"x": "category"}, ["y"], ())
    assert len(looks) == 2, "another kind was declared"
    pl.DataFrame({"x": ["one", "two"] * 20, "y": ["a", "b"] * 20}).write_csv(path)
    os.utime(path, ns=(1, 1))
    columns, _ = once.detected(open_source(path), {}, ["y"], ())
    assert len(looks) == 3 and columns[0].kind == "category"


def test_a_frame_in_memory_is_looked_at_each_time(looks):
    for _ in range(2):
        once.detected(open_source({"x": list(range(40)), "y": ["a", "b"] * 20}), {}, ["y"], ())
    assert len(looks) == 2
