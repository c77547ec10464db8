"""The problem statement, proxies as targets, and questions that cannot be judged."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.documents.config import parse_config
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.result import Result
from fieldguide.core.table import Column, Table
from fieldguide.steps.frame.events import as_events, read_event
from fieldguide.steps.frame.frame import frame
from fieldguide.steps.frame.statement import reworded

PEOPLE = {"product owner", "domain expert", "decision maker", "data engineer", "engineer who runs it"}


def visits(n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    pages, clicks = rng.poisson(4, n), rng.poisson(0.6, n)
    seen = np.datetime64("2024-01-01") + np.sort(rng.integers(0, 200, n))
    clicked = [str(d + np.timedelta64(1, "D")) if c else None for d, c in zip(seen, clicks)]
    return pl.DataFrame({
        "seen": [str(d) for d in seen], "pages": pages, "country": rng.choice(["pe", "no", "ec"], n), "clicks": clicks,
        "clicked at": clicked, "basket": [None if i % 9 == 0 else round(x, 2) for i, x in enumerate(rng.gamma(2, 30, n))],
        "paid": rng.choice(["yes", "no"], n, p=[0.1, 0.9]),
    })  # fmt: skip


def framed(tmp_path, text, table=None):
    (visits() if table is None else table).write_csv(tmp_path / "t.csv")
    return frame(parse_config(text, tmp_path))


PROXIES = """
proxies:
  outcome: paid
  click: {event: clicks > 0, time: clicked at, variants: [clicks > 1, clicks > 2]}
  basket: basket
"""


def test_the_statement_says_who_answers_what(tmp_path):
    text = "problem: {goal: Sell more, target: paid, costs: {false_positive: 1, false_negative: 9}}\ndata: {table: t.csv}\n"
    found = {e["entry"]: e for e in framed(tmp_path, text).facts["statement"]}
    assert all(set(e) == {"entry", "key", "value", "who", "status", "question"} for e in found.values())
    assert {e["who"] for e in found.values()} <= PEOPLE
    status = {name: e["status"] for name, e in found.items()}
    assert {name for name in status if status[name] == "answered"} == {"goal", "target", "costs"}
    assert {name for name in status if status[name] == "open"} == {"unit", "decision", "prediction_time"}
    assert found["costs"]["value"] == "false positive 1, false negative 9" and found["costs"]["who"] == "decision maker"
    assert found["population"] == {
        "entry": "population", "key": "population", "value": "all 400 rows of the table with a target", "who": "product owner",
        "status": "guessed", "question": "About which rows will the model be asked, and are they those of the table?",
    }  # fmt: skip
    assert found["assumptions"]["value"].startswith("only what explore tests: the target can be predicted")


def test_open_entries_of_the_statement_are_a_finding(tmp_path):
    (finding,) = [
        f for f in framed(tmp_path, "problem: {target: paid}\ndata: {table: t.csv}\n").findings if f.code == "FG101"
    ]
    assert "problem.prediction_time" in {q["key"] for q in finding.evidence["questions"]}
    assert "the decision maker" in finding.remedy


def test_words_that_change_later_read_as_if_they_had_been_there(tmp_path):
    """Only what was answered moves: the questions about the rest stay as they were asked."""
    before, after = "problem: {target: paid}\n", "problem: {target: paid, unit: a visit}\n"
    table = "data: {table: t.csv}\n"
    first, second = (framed(tmp_path, problem + table) for problem in (before, after))
    told = reworded(Result("frame", first.facts, first.findings), parse_config(after + table, tmp_path))
    assert told["statement"] == second.facts["statement"] and told["questions"] == second.facts["questions"]
    assert [f.to_dict() for f in told.findings] == [f.to_dict() for f in second.findings]


def test_the_proxy_that_is_named_becomes_the_target(tmp_path):
    found = framed(tmp_path, f"problem: {{proxy: click}}\ndata: {{table: t.csv}}\n{PROXIES}")
    assert found.problem.targets == ("click",) and found.problem.output.labels == ("no", "yes")
    table = visits()
    assert found.table.frame["click"].to_list() == ["yes" if c > 0 else "no" for c in table["clicks"]]
    roles = {c.name: c.role for c in found.columns}
    assert {name for name, role in roles.items() if role == "ignore"} >= {"clicks", "clicked at", "basket", "paid"}
    assert {c.name for c in found.table.features} == {"seen", "pages", "country"}
    (target,) = [e for e in found.facts["statement"] if e["entry"] == "target"]
    assert (target["status"], target["value"]) == ("answered", "the proxy click: clicks > 0")
    (finding,) = [f for f in found.findings if f.code == "FG108"]
    assert finding.severity == "info"
    assert finding.sentence.endswith(
        "4 columns that events are made of are left out: 'paid', 'clicks', 'clicked at', 'basket'."
    )


def test_where_no_proxy_is_named_the_one_that_teaches_most_is_taken_and_asked_about(tmp_path):
    two = "proxies: {rare: clicks > 2, click: clicks > 0}\n"
    found = framed(tmp_path, f"problem: {{goal: x}}\ndata: {{table: t.csv}}\n{two}")
    n = (visits()["clicks"] > 0).sum()
    assert found.facts["proxy"]["name"] == "click" and found.facts["proxy"]["guessed"]
    (finding,) = [f for f in found.findings if f.code == "FG108"]
    assert finding.severity == "warning"
    assert f"of 2 proxies it has the most rows on its rarer side, {min(n, 400 - n):,}" in finding.sentence
    (target,) = [e for e in found.facts["statement"] if e["entry"] == "target"]
    assert target["status"] == "guessed"


def test_an_amount_is_learned_as_a_number_and_rows_without_it_are_left_out(tmp_path):
    found = framed(tmp_path, f"problem: {{proxy: basket}}\ndata: {{table: t.csv}}\n{PROXIES}")
    assert found.problem.output.task.name == "regression"
    assert found.table.n_rows == 355 and found.facts["n_without_target"] == 45


def test_a_missing_event_is_a_missing_target(tmp_path):
    found = framed(tmp_path, "problem: {proxy: big}\ndata: {table: t.csv}\nproxies: {big: basket > 60}\n")
    assert found.facts["n_without_target"] == 45
    assert found.problem.output.labels == ("no", "yes")


def test_a_column_known_in_time_after_all_stays_a_feature(tmp_path):
    found = framed(
        tmp_path, f"problem: {{proxy: click}}\ndata: {{table: t.csv, columns: {{basket: feature}}}}\n{PROXIES}"
    )
    assert "basket" in {c.name for c in found.table.features}


def test_a_proxy_that_never_happens_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"the proxy 'click' cannot be judged.*no metric.*'clicks > 99' is the same in all 400 rows"
    ):
        framed(tmp_path, "problem: {proxy: click}\ndata: {table: t.csv}\nproxies: {click: clicks > 99}\n")


def test_a_target_that_reads_as_one_value_is_refused(tmp_path):
    table = pl.DataFrame({"x": np.arange(60), "y": [1.0] * 30 + [None] * 30, "z": [1.5] * 60})
    with pytest.raises(DataError, match="one value only"):
        framed(tmp_path, "problem: {target: z}\ndata: {table: t.csv}\n", table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("problem: {goal: x}\n", "problem.target: is required: without a target or a proxy nothing can be judged"),
        ("problem: {proxy: click}\n", "problem.proxy: needs a definition under proxies"),
        ("problem: {proxy: clik}\nproxies: {click: clicks > 0}\n", r"problem.proxy: must be one of proxies \(click\)"),
        (
            "problem: {target: y, proxy: click}\nproxies: {click: clicks > 0}\n",
            "problem.proxy: problem.target says what is learned already",
        ),
        ("problem: {proxy: click}\nproxies: {click: {evnt: x}}\n", "proxies.click.evnt: unknown key .*'event'"),
        (
            "problem: {proxy: click}\nproxies: {click: {event: x, observed_until: d}}\n",
            "observed_until: only the outcome says",
        ),
        (
            "problem: {target: y}\nproxies: {outcome: {event: x, variants: [z]}}\n",
            "proxies.outcome.variants: the outcome has one definition",
        ),
    ],
)
def test_a_question_that_cannot_be_judged_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(text + "data: {table: t.csv}\n", tmp_path)


@pytest.mark.parametrize(
    ("proxies", "message"),
    [
        ("{click: clikcs > 0}", r"proxies.click.event: there is no column 'clikcs' \(did you mean 'clicks'\?\)"),
        ("{click: {event: clicks > 0, time: clicked}}", "proxies.click.time: there is no column 'clicked'"),
        ("{clicks: clicks > 0}", "a proxy cannot have the name of a column of the table that is not its event"),
        ("{click: clicked at > 2}", "there is no column 'clicked at > 2'.*, and it is no expression: .* at character"),
        ("{click: country}", "does not say whether it happened"),
        ("{click: {event: clicks > 0, time: country}}", "'country' is no time"),
    ],
)
def test_proxies_name_columns_that_are_there(tmp_path, proxies, message):
    with pytest.raises(ConfigError, match=message):
        framed(tmp_path, f"problem: {{goal: x}}\ndata: {{table: t.csv}}\nproxies: {proxies}\n")


def test_a_feature_is_not_derived_from_what_is_known_afterwards(tmp_path):
    text = (
        "problem: {proxy: click}\ndata: {table: t.csv, derive: {rate: clicks / pages}}\nproxies: {click: clicks > 0}\n"
    )
    with pytest.raises(
        ConfigError, match=r"data.derive.rate: uses 'clicks', which `proxies` says is known only afterwards"
    ):
        framed(tmp_path, text)


def test_mistakes_of_the_outcome_and_of_variants_are_told_before_the_seal(tmp_path):
    for proxies, message in (
        ("{outcome: \"paid = 'yes'\"}", "mixes true or false and text"),
        ("{click: {event: clicks > 0, variants: [country]}}", "does not say whether it happened"),
        ("{outcome: {event: paid, observed_until: country}}", "'country' is no time"),
    ):
        with pytest.raises(ConfigError, match=message):
            framed(tmp_path, f"problem: {{target: paid}}\ndata: {{table: t.csv}}\nproxies: {proxies}\n")


def test_a_label_is_an_event_as_its_column_was_one():
    table = Table(
        pl.DataFrame({"a": ["yes", "no", None], "b": ["0", "1", "1"], "c": ["red", "blue", "red"]}),
        tuple(Column(name, "category", "target") for name in "abc"),
    )
    events = as_events(table)
    assert [column.kind for column in events.columns] == ["boolean", "number", "category"]
    assert read_event(events, "a", "a").label.tolist()[:2] == [1.0, 0.0] and np.isnan(
        read_event(events, "a", "a").label[2]
    )
    assert read_event(events, "b", "b = 1").label.tolist() == [0.0, 1.0, 1.0]
