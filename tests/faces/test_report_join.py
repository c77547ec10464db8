"""The report of a study that joins and has a contract: what became of units, how long outcomes take, what holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.result import Result
from fieldguide.faces.report import content, render
from fieldguide.faces.report.contract import contract
from fieldguide.faces.report.facts import recorded
from fieldguide.faces.report.steps import section
from fieldguide.workflow import Study

pytest.importorskip("duckdb")
STUDY = """
problem: {target: buys}
threads: 1
join:
  units: {table: ../events.parquet, entity: customer, time: time, start: 2024-03-01, stop: 2024-06-28, every: 19d}
  features:
    - table: ../events.parquet
      time: time
      known_at: booked
      columns:
        n: {aggregate: count, window: [7d, 30d]}
        spend: {aggregate: sum, column: amount, window: 30d, where: amount > 1}
  outcome: {table: ../events.parquet, time: time, known_at: booked, horizon: 7d}
"""
CONTRACT = """
features:
  n_7d: {meaning: orders of a week, kind: number, range: [0, 2], version: 1}
  n_30d: {meaning: orders of a month, kind: number, version: 1, version_of: orders}
  spend: {kind: number, unit: EUR, coverage: 0.5, version: 2, version_of: orders}
  gone: {kind: number, version: 1}
targets:
  buys: {definition: an order within a week, version: 1}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("joined") / "study"
    folder.mkdir()
    rng = np.random.default_rng(0)
    n = 900
    times = [datetime(2024, 1, 1) + timedelta(days=float(d)) for d in rng.uniform(0, 180, n)]
    booked = [
        t + timedelta(days=float(d)) for t, d in zip(times, rng.exponential(1, n) * (rng.random(n) < 0.3), strict=True)
    ]
    cells = {
        "customer": rng.integers(0, 60, n),
        "time": times,
        "booked": booked,
        "amount": rng.exponential(9, n).round(2),
    }
    pl.DataFrame(cells).write_parquet(folder.parent / "events.parquet")
    (folder / "study.yaml").write_text(STUDY)
    (folder / "contract.yaml").write_text(CONTRACT)
    made = Study(folder)
    made.join()
    made.frame()
    return made


def blocks_of(study: Study, step: str) -> list[dict[str, Any]]:
    (found,) = (s for s in content(study)["steps"] if s["title"] == step)
    return [inner for b in found["blocks"] for inner in (b, *b.get("blocks", []))]


def texts(block: dict[str, Any]) -> list[list[str]]:
    return [[cell["text"] for cell in row] for row in block["rows"]]


def test_join_comes_before_the_steps_and_its_findings_count(study: Study) -> None:
    titles = [s["title"] for s in content(study)["steps"]]
    assert titles[:3] == ["join", "frame", "split"]
    codes = {finding["code"] for finding in recorded(study).findings()}
    assert {"FG151", "FG159"} <= codes


def test_a_study_without_a_join_has_no_such_section(tmp_path: Path) -> None:
    Study.create(
        {"x": [i * 7 % 60 for i in range(60)], "y": [i % 2 for i in range(60)]}, target="y", out=tmp_path / "s"
    )
    assert "join" not in [s["title"] for s in content(Study(tmp_path / "s"))["steps"]]


def test_units_left_out_are_drawn_beside_those_kept(study: Study) -> None:
    facts = study.record.result("join").facts
    chart = next(b for b in blocks_of(study, "join") if b["type"] == "chart")
    assert chart["title"] == f"What became of {facts['n_asked']} units" and facts["n_immature"] > 0
    assert [row["value"] for row in chart["spec"]["data"]["values"]] == [facts["n_units"], facts["n_immature"]]


def test_the_delay_says_the_recommended_wait_and_what_the_horizon_holds(study: Study) -> None:
    facts = study.record.result("join").facts
    charts = {b["title"]: b for b in blocks_of(study, "join") if b["type"] == "chart"}
    outcomes, records = charts["How long outcomes take after the prediction"], charts["How late outcomes are recorded"]
    wait = float(f"{facts['delay']['wait']:.3g}")
    assert f"Recommended wait: {wait:g} days." in outcomes["note"]
    assert f"The horizon of 7 days holds {100 * facts['delay']['within_horizon']:.1f} %." in outcomes["note"]
    assert "Kaplan–Meier of a sample" not in outcomes["note"] and f"of {facts['delay']['n']} units" in outcomes["note"]
    assert "Waited for: " in records["note"]
    assert (
        len(outcomes["spec"]["layer"]) == 3 and len(records["spec"]["layer"]) == 2
    )  # the horizon is a line of its own
    rows = outcomes["spec"]["data"]["values"]
    assert (rows[0]["wait"], rows[0]["arrived"]) == (0.0, 0.0) and all(
        r["low"] <= r["arrived"] <= r["high"] for r in rows
    )


def test_tables_and_features_are_counted(study: Study) -> None:
    table = study.record.result("join").facts["tables"][0]
    tables, features = [b for b in blocks_of(study, "join") if b["type"] == "table"]
    assert tables["columns"][1]["name"] == "events.parquet"
    counted = dict(texts(tables))
    assert counted["in all"] == "900" and counted["features made"] == "3"
    assert counted["kept from a unit because not yet known (event × unit)"] == str(table["n_late"]) != "0"
    assert texts(features)[2][:5] == ["spend", "sum", "amount", "30 days", "amount > 1"]


def test_the_contract_says_what_holds_and_what_does_not(study: Study) -> None:
    found = blocks_of(study, "frame")
    verdict = next(b for b in found if b["type"] == "verdict")
    assert verdict["tone"] == "no" and "Nobody has accepted it yet." in verdict["text"]
    table = next(b for b in found if b.get("caption") == "Features")
    rows = {row[0]: row for row in texts(table)}
    assert rows["gone"][1] == "✖\u00a0FG121" and rows["n_7d"][1] == "✖\u00a0FG122"
    assert rows["n_7d"][6].startswith("0 to 2; ") and rows["n_7d"][6].endswith(" outside")
    assert rows["spend"][2:6] == ["2 of orders", "–", "number, EUR", "100.0 % (≥ 50 %)"]
    assert [rows[name][0] for name in rows if rows[name][1] != "yes"] == [
        table["rows"][i][0]["text"] for i in table["emphasis"]
    ]
    targets = next(b for b in found if b.get("caption") == "Targets")
    assert texts(targets) == [["buys", "1", "an order within a week", "0", "–"]]
    assert any(b.get("caption") == "Versions side by side" for b in found)


def test_without_a_contract_there_is_no_panel() -> None:
    assert contract({}, []) == []


def test_both_sections_are_drawn_alone_and_without_facts(study: Study) -> None:
    for step in ("join", "frame"):
        page = render.section(section(recorded(study), step))
        assert "<svg" in page or step == "frame"
        assert "<script" not in page
    empty = section(recorded(study), "join")
    assert empty["blocks"]
    bare = Result("join", {"sentence": "nothing"}, (), 0.0)
    assert "nothing" in bare.to_html()
