"""Settings and seeds: where a search draws from, what raises capacity, and draws that are the same in every year."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest

from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError
from fieldguide.core.explanation import Explanation
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame, read_rows
from fieldguide.core.seeds import generator, seed_for
from fieldguide.core.settings import Choice, Range, capacity_of, setting, space_of, values_of, with_values
from fieldguide.core.table import Column
from fieldguide.parts import find

SEEDS = [1035295341, 613549620, 260150233]


@dataclass(frozen=True)
class Part:
    depth: int = setting(6, "levels", capacity=1, space=Range(2, 4, integer=True))
    penalty: float = setting(1.0, "times", capacity=-1, space=Range(1e-3, 1e3, log=True))
    widths: tuple[int, ...] = setting((8, 8), "units", space=Choice(((8,), (8, 8))), of="number")
    plain: float = setting(0.5, "a share")
    made: list[int] = field(default_factory=list)


def test_what_is_said_of_a_setting_is_read_back() -> None:
    assert capacity_of(Part) == {"depth": 1, "penalty": -1, "widths": 0, "plain": 0, "made": 0}
    assert list(space_of(Part())) == ["depth", "penalty"]
    assert list(space_of(Part, ["number"])) == ["depth", "penalty", "widths"]
    assert values_of(Part()) == {"depth": 6, "penalty": 1.0, "widths": [8, 8], "plain": 0.5, "made": []}
    assert with_values(Part(), {"widths": [4], "depth": 3}) == Part(depth=3, widths=(4,))
    with pytest.raises(
        ConfigError,
        match=r"Part has no setting 'dept' \(did you mean 'depth'\?\).*Found: dept = 3\. Do: use one of depth, penalty",
    ):
        with_values(Part(), {"dept": 3})


def test_ranges_are_drawn_evenly_with_both_ends() -> None:
    rng = np.random.default_rng(0)
    whole = [Range(2, 4, integer=True).draw(rng) for _ in range(300)]
    assert all(isinstance(value, int) for value in whole)
    assert set(whole) == {2, 3, 4} and all(75 < whole.count(value) < 125 for value in (2, 3, 4))
    even = np.array([Range(2, 4).draw(rng) for _ in range(300)])
    assert even.min() < 2.1 < 2.9 < even.mean() < 3.1 < 3.9 < even.max()
    assert len(np.unique(even)) == 300, "not whole where nobody asks for it"
    log = np.array([Range(1e-3, 1e3, log=True).draw(rng) for _ in range(300)])
    assert abs(np.log10(log).mean()) < 0.4 and np.log10(log).min() < -2.8 < 2.8 < np.log10(log).max()
    both = [Range(1, 100, log=True, integer=True).draw(rng) for _ in range(300)]
    assert all(isinstance(value, int) for value in both) and {1, 2} < set(both) and np.median(both) < 20
    assert {Choice(("a", "b")).draw(rng) for _ in range(30)} == {"a", "b"}


def test_seeds_are_those_of_every_study_so_far() -> None:
    assert [seed_for(7, "trial", 3), seed_for(0), seed_for(0, "entities", 0)] == SEEDS
    assert all(0 <= seed_for(0, i) < 2**32 for i in range(50))
    assert generator(7, "trial", 3).integers(1 << 40) == np.random.default_rng(SEEDS[0]).integers(1 << 40)
    assert seed_for(1, "2/3") == seed_for(1, 2, 3) != seed_for(1, 23)


def test_a_fit_of_which_nothing_is_said() -> None:
    effort = Effort()
    assert (effort.seed, effort.threads, effort.n_steps, effort.watch, effort.clock.over) == (0, 1, None, None, False)


def test_the_error_of_an_explanation_and_what_each_column_adds() -> None:
    values = np.array([[1.0, -2.0], [3.0, 0.0]])
    found = Explanation(("a", "b"), values, np.array([10.0, 10.0]), np.array([9.5, 13.0]), "points")
    assert found.error() == {"largest": 0.5, "mean": 0.25, "share": 0.25 / 1.75}
    assert found.importance().tolist() == [2.0, 1.0]
    none = Explanation(("a", "b"), values[:0], np.zeros(0), np.zeros(0), "points")
    assert none.error() == {"largest": 0.0, "mean": 0.0, "share": 0.0}
    assert none.importance().tolist() == [0.0, 0.0]
    flat = Explanation(("a",), np.ones((1, 1)), np.zeros(1), np.zeros(1), "points")
    assert flat.error() == {"largest": 1.0, "mean": 1.0, "share": 0.0}


@pytest.mark.parametrize(("kind", "article"), [("number", "a"), ("datetime", "a"), ("image", "an"), ("audio", "an")])
def test_a_broken_cell_is_told_with_its_row_and_not_at_length(kind: str, article: str) -> None:
    column, cell = Column("x", kind), "/nowhere/" + 100 * "x"

    def modalities(name: str) -> object:
        return find("modalities", name)()

    raw = pl.DataFrame({"x": [None, cell]}, schema={"x": pl.String})
    table, (violation,) = read_frame(raw, [column], modalities, first_row=5)  # type: ignore[arg-type]
    assert violation.rule == f"{article} {kind}"
    assert violation.rows == (6,) and violation.n == 1
    why = " (a path, and only data: URIs are taken here" if article == "an" else ""
    assert violation.values[0].startswith(cell[:60] + why) and violation.values[0].count("x") < 61
    said = f"column 'x': 1 cell is not {article} {kind}, such as row 6: {violation.values[0]!r}"
    assert violation.sentence() == said
    assert table.frame["x"].null_count() == 2 and violation.to_dict()["rows"] == [6]
    single = [{"x": None}, {"x": cell}]
    cells, told = read_rows(single, [column], modalities)  # type: ignore[arg-type]
    assert told == read_frame(raw, [column], modalities)[1]  # type: ignore[arg-type]
    assert len(cells["x"]) == 2
    many = read_rows([{"x": cell}] * 7, [column], modalities)[1][0]  # type: ignore[arg-type]
    assert (many.n, many.rows, len(many.values)) == (7, (0, 1, 2, 3, 4), 5)


@pytest.mark.parametrize(
    ("task", "labels", "family", "joint"),
    [
        ("binary", ("no", "yes"), "binary", False), ("multiclass", ("a", "b", "c"), "multiclass", False),
        ("ordinal", ("low", "high"), "binary", False), ("multilabel", ("a", "b"), "multilabel", True),
        ("regression", (), "values", False), ("vector", ("x", "y"), "vector", True), ("clustering", (), "structure", True),
        ("count", (), "values", False),
    ],
)  # fmt: skip
def test_what_metrics_ask_of_an_output(task: str, labels: tuple[str, ...], family: str, joint: bool) -> None:
    output = Output("y", find("tasks", task)(), labels)
    assert (output.family, output.joint, output.targetless) == (family, joint, family == "structure")
    assert output.plain(np.array([2.0])).tolist() == [2.0] and output.plainly() is output and not output.codes_more
