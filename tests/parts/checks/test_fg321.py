"""FG321: outages of labels or features."""

from __future__ import annotations

import numpy as np
import pytest
from along_cases import DAY, START, columns_of, given, needed, run, target_of

from fieldguide.core.language.expression import parse
from fieldguide.parts.checks.fg321_outage import Outage
from fieldguide.testing import check_check

CHECK = Outage()


def stopped(columns, first, last, client=None):
    day = columns["day"].to_physical().to_numpy()
    return (
        (day >= START + first * DAY)
        & (day < START + last * DAY)
        & ((np.asarray(columns["client"]) == client) | (client is None))
    )


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_stop_for_one_client_are_found_with_the_rows_to_leave_out(seed):
    columns = columns_of(seed=seed)
    truth = target_of(columns, seed)
    out = stopped(columns, 200, 300, "B")
    case = given(columns, np.where(out, 0, truth))
    (finding,) = check_check(CHECK, needed(CHECK, case), needed(CHECK, given(columns, truth)))
    (outage,) = finding.evidence["outages"]
    assert finding.severity == "warning"
    assert (outage["kind"], outage["segment"], outage["value"]) == ("label", "client", "B")
    assert "no 'yes' in 'sold' where client = 'B' from 2024-07-1" in finding.sentence
    table = case["table"]
    kept = table.frame.with_columns(
        keep=parse(outage["leave_out"], {c.name: c.kind for c in table.columns}, "boolean").polars()
    )["keep"]
    left_out = ~kept.to_numpy()
    assert (left_out & out).sum() == out.sum() and left_out.sum() < 1.1 * out.sum()


@pytest.mark.parametrize("kind", ["missing", "default"])
def test_cells_that_stop_for_one_client_are_found(kind):
    columns = columns_of()
    out = stopped(columns, 100, 150, "B")
    columns["size"] = [(None if kind == "missing" else 0.0) if o else v for o, v in zip(out, columns["size"])]
    finding = run(CHECK, given(columns))
    (outage,) = finding.evidence["outages"]
    assert (outage["kind"], outage["column"], outage["where"]) == (kind, "size", "client = 'B'")
    assert abs(outage["n"] - out.sum()) < 5
    assert outage["from"] >= "2024-04-08" and outage["to"] <= "2024-06-01"
    assert finding.remedy.startswith("Leave these rows out: population: {train: \"not (client = 'B' and day >= ")


def test_a_day_on_which_a_column_is_one_value_for_all_is_found():
    columns = columns_of()
    columns["size"] = np.where(stopped(columns, 100, 110), 7.0, columns["size"])
    assert "'size' is always 7 everywhere from 2024-04-10 to 2024-04-19" in run(CHECK, given(columns)).sentence


def test_labels_that_end_for_all_are_left_to_late_labels():
    columns = columns_of()
    assert run(CHECK, given(columns, np.where(stopped(columns, 270, 300), 0, target_of(columns)))).status == "passed"


def test_a_client_that_never_buys_is_no_outage():
    columns = columns_of()
    truth = np.where(np.asarray(columns["client"]) == "B", 0, target_of(columns))
    assert run(CHECK, given(columns, truth)).status == "passed"


def test_a_season_of_few_buyers_for_all_is_no_outage_of_a_client():
    columns = columns_of()
    rare = np.random.default_rng(0).random(3000) < 0.9
    truth = np.where(stopped(columns, 100, 200) & rare, 0, target_of(columns))
    assert run(CHECK, given(columns, truth)).status == "passed"


def test_without_time_there_is_nothing_to_see():
    finding = run(CHECK, given(columns_of(), timed=False))
    assert (finding.status, finding.sentence) == ("not_applicable", "No column tells the time of a row.")
