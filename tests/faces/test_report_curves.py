"""Two sections of curves: what derived columns save in rows, and loss against learning rate."""

from __future__ import annotations

from typing import Any

import pytest

from fieldguide.core.result import Result
from fieldguide.faces.report import result_html
from fieldguide.faces.report.derived import derived
from fieldguide.faces.report.facts import alone
from fieldguide.faces.report.figures import share
from fieldguide.faces.report.rates import rates

SIZES = [105, 210, 420, 840]


def worth(**changed: Any) -> dict[str, Any]:
    """What explore records of one derived column."""
    return {
        "column": "ratio", "expression": "debt / income", "saves": 0.612, "interval": [0.48, 0.701], "rows_with": 326, "rows_without": 840,
        "with": [0.5, 0.4, 0.35, 0.31], "without": [0.7, 0.6, 0.5, 0.4], **changed,
    }  # fmt: skip


def told(*columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"derived": {"sizes": SIZES, "title": "RMSE", "columns": list(columns), "left_out": [], **more}}


def cells(block: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in block["rows"]]


# --- derived columns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [{}, {"derived": None}, told()])
def test_without_derived_columns_there_is_no_section(facts: dict[str, Any]) -> None:
    assert derived(facts) == []
    assert "What derived columns save" not in result_html(Result("explore", facts))


def test_a_derived_column_is_told_in_rows_and_drawn_with_and_without_it() -> None:
    heading, grid, table = derived(told(worth()))
    assert heading["text"] == "What derived columns save"
    assert cells(table) == [["ratio", "debt / income", "326", "840", "61 % [48 %, 70 %]"]]
    (chart,) = grid["blocks"]
    assert chart["title"] == "ratio"
    assert chart["alt"].startswith("with 105: 0.5; with 210: 0.4; ") and chart["alt"].endswith("without 840: 0.4")
    drawn = [(row["line"], row["rows"], row["score"]) for row in chart["spec"]["data"]["values"]]
    assert drawn == [
        *(("with", n, y) for n, y in zip(SIZES, [0.5, 0.4, 0.35, 0.31], strict=True)),
        *(("without", n, y) for n, y in zip(SIZES, [0.7, 0.6, 0.5, 0.4], strict=True)),
    ]
    encoding = chart["spec"]["encoding"]
    assert encoding["x"]["scale"]["type"] == "log" and encoding["y"]["axis"]["title"] == "RMSE"
    assert "left out" not in table["note"]


@pytest.mark.parametrize(
    ("saves", "interval", "words"),
    [
        (-0.25, [-0.9, 0.2], "−25 % [−90 %, 20 %]"),  # it costs rows
        (-0.002, [-0.03, 0.03], "0 % [−3 %, 3 %]"),
        (-7.0, [-15.2, -1.0], "−700 % [−1,520 %, −100 %]"),
        (0.875, [0.875, 0.875], "88 % [88 %, 88 %]"),  # all repeats agree: the interval is a share as well
        (None, [None, None], "–"),
        (0.5, None, "50 %"),
    ],
)
def test_what_it_saves_is_a_share_with_its_interval(saves: float | None, interval: Any, words: str) -> None:
    table = derived(told(worth(saves=saves, interval=interval)))[2]
    assert cells(table)[0][4].strip() == words


def test_sizes_without_a_score_are_left_out_of_the_curve() -> None:
    chart = derived(told(worth(**{"with": [None, None, 0.35, 0.31]}, rows_with=None, rows_without=None)))[1]["blocks"][
        0
    ]
    rows = chart["spec"]["data"]["values"]
    assert [row["rows"] for row in rows if row["line"] == "with"] == [420, 840] and len(rows) == 6
    assert "None" not in chart["alt"] and chart["alt"].startswith("with 420: 0.35; ")


def test_derived_columns_that_were_not_tried_are_named() -> None:
    columns = [worth(column=f"c{i}") for i in range(5)]
    _, grid, table = derived(told(*columns, left_out=["c5", "c6"]))
    assert (
        [chart["title"] for chart in grid["blocks"]] == [row[0] for row in cells(table)] == [f"c{i}" for i in range(5)]
    )
    assert table["note"].endswith("5 of 7 derived columns were tried; left out: c5, c6.")


def test_the_section_is_drawn_and_names_stay_text() -> None:
    text = result_html(Result("explore", told(worth(column="<b>x</b>", expression="a < b"))))
    assert "What derived columns save" in text and "&lt;b&gt;x&lt;/b&gt;" in text and "a &lt; b" in text
    assert "<b>x</b>" not in text and "<svg" in text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(0.0004, 1, "0.0 %"), (-0.0004, 1, "0.0 %"), (-0.5, 1, "−50.0 %"), (1, 0, "100 %"), (float("nan"), 1, "–"), ("x", 1, "–")],
)  # fmt: skip
def test_shares_are_written_as_all_figures_are(value: Any, decimals: int, text: str) -> None:
    assert share(value, decimals) == text


# --- learning rates -----------------------------------------------------------------------------------------------------


def network(**changed: Any) -> dict[str, Any]:
    """What the range test records of one network."""
    curve = [{"rate": 10.0**-i, "loss": 9.0, "smoothed": y} for i, y in ((4, 1.0), (3, 0.5), (2, 0.25), (1, 0.75))]
    return {
        "learner": "mlp", "optimiser": "sgd", "curve": curve, "now": 0.001, "steepest": 0.001, "lowest": 0.01, "suggested": 0.005,
        "diverged": None, "sentence": "mlp learns", **changed,
    }  # fmt: skip


def drawn(**networks: Any) -> list[dict[str, Any]]:
    facts = {"networks": networks, "sentence": "said"}
    return rates(alone(Result("rates", facts)), facts)


def test_the_smoothed_loss_is_drawn_against_the_rate_and_both_rates_are_marked() -> None:
    (grid,) = drawn(mlp=network())
    (chart,) = grid["blocks"]
    assert (chart["title"], chart["note"]) == ("mlp: loss against learning rate (sgd)", "mlp learns.")
    assert chart["alt"] == "suggested 0.005, now 0.001"
    line, rule, words = chart["spec"]["layer"]
    assert [(row["x"], row["y"], row["label"]) for row in line["data"]["values"]] == [
        (0.0001, 1.0, "1"), (0.001, 0.5, "0.5"), (0.01, 0.25, "0.25"), (0.1, 0.75, "0.75"),
    ]  # fmt: skip
    marks = [{"at": 0.001, "what": "now"}, {"at": 0.005, "what": "suggested"}]
    assert rule["data"]["values"] == words["data"]["values"] == marks
    assert line["encoding"]["x"]["scale"]["type"] == rule["encoding"]["x"]["scale"]["type"] == "log"


def test_where_no_rate_is_suggested_only_the_present_one_is_marked() -> None:
    (grid,) = drawn(mlp=network(suggested=None))
    chart = grid["blocks"][0]
    assert chart["alt"] == "suggested –, now 0.001"
    assert chart["spec"]["layer"][1]["data"]["values"] == [{"at": 0.001, "what": "now"}]


def test_a_curve_of_one_point_is_not_drawn() -> None:
    short = network(curve=network()["curve"][:1])
    (grid,) = drawn(mlp=short, tabm=network())
    assert [chart["title"].split(":")[0] for chart in grid["blocks"]] == ["tabm"]
    assert drawn(mlp=short) == [] and drawn() == []
    text = result_html(Result("rates", {"networks": {"mlp": short}, "sentence": "the clock ended it"}))
    assert "the clock ended it" in text and "<svg" not in text
