"""A forecast goes through the same steps as any study: init, run, finalize, predict, report; and bad input is told by its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import ConfigError, ContractError, DataError, SplitError
from fieldguide.faces.report import report
from fieldguide.workflow import Study, load_model

MONTHS = np.arange("1990-01", "2014-01", dtype="datetime64[M]").astype("datetime64[D]")
LEARNERS = "learners: {use: [naive, seasonal_naive, nlinear, lagged_boosting]}\n"


def sales(shops: dict[str, float], seed: int = 0) -> pl.DataFrame:
    """Return monthly sales of shops: a season, noise, and a doubling in promoted months, which are known beforehand."""
    rng = np.random.default_rng(seed)
    frames = []
    for shop, level in shops.items():
        promoted = rng.random(len(MONTHS)) < 0.2
        course = 1 + 0.3 * np.sin(np.arange(len(MONTHS)) * np.pi / 6) + 0.05 * rng.normal(size=len(MONTHS))
        frames.append(pl.DataFrame({
            "month": [str(month) for month in MONTHS], "shop": [shop] * len(MONTHS), "size": [level] * len(MONTHS), "promoted": promoted.astype(int),
            "sold": (level * course * (1 + promoted)).round(3),
        }))  # fmt: skip
    return pl.concat(frames)


def study_in(folder: Path, table: pl.DataFrame, problem: str, data: str = "", rest: str = "") -> Study:
    folder.mkdir(parents=True)
    table.write_csv(folder / "table.csv")
    (folder / "study.yaml").write_text(
        f"problem: {{task: forecast, {problem}}}\ndata: {{table: table.csv, {data}}}\n{LEARNERS}budget: {{trials: 0, minutes: }}\nthreads: 1\n{rest}"
    )
    return Study(folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Study:
    """Two shops of very different size, run and finalized."""
    folder = tmp_path_factory.mktemp("forecast") / "study"
    said = "target: sold, horizon: 6, window: 24", "time: month, series: shop, known_future: [promoted], static: [size]"
    study = study_in(folder, sales({"a": 10.0, "b": 1000.0}), *said)
    study.run()
    study.finalize()
    return study


def test_every_cut_leaves_no_common_step(done):
    cuts = done.split()["cuts"]
    assert len(cuts) == 4 and all(cut["disjoint"] for cut in cuts)  # the seal, and three rolling folds
    examples, split = done.material.framed.examples, done.material.divided.split
    times, span = examples.panel.times_at(examples.origins), examples.span
    assert (times[split.development] + span).max() <= times[split.test].min()
    for fold in split.folds:
        assert (times[split.work[fold.train]] + span).max() <= times[split.work[fold.validation]].min()


def test_what_is_known_beforehand_earns_its_place(done):
    entries = {entry["candidate"]: entry["score"]["value"] for entry in done.leaderboard()}
    assert set(entries) == {"naive", "seasonal_naive", "nlinear", "lagged_boosting"} | (
        {"ensemble"} if "ensemble" in entries else set()
    )
    assert entries["lagged_boosting"] < 0.8 * min(entries["naive"], entries["seasonal_naive"], entries["nlinear"])
    final = done.record.result("finalize")
    assert final["scores"][0]["metric"] == "mase" and final["scores"][0]["looks"] == 1
    assert final["forecasts"]["against_repeat"]["interval"][0] > 0
    assert {one["series"] for one in final["forecasts"]["by_series"]} == {"a", "b"}
    assert len(final["forecasts"]["by_step"]) == 6
    assert 0.7 < final["forecasts"]["coverage"]["share"] <= 1


def coming(months: int = 6, promoted: float = 0.0) -> pl.DataFrame:
    later = [str(MONTHS[-1].astype("datetime64[M]") + i) + "-01" for i in range(1, months + 1)]
    rows = [
        {"month": month, "shop": shop, "size": size, "promoted": promoted, "sold": None}
        for shop, size in (("a", 10.0), ("b", 1000.0))
        for month in later
    ]
    return pl.DataFrame(rows, schema_overrides={"sold": pl.Float64, "promoted": pl.Int64})


def test_a_model_says_what_comes_after_the_rows_it_is_given(done):
    model = load_model(done.folder / "model")
    table = pl.concat([sales({"a": 10.0, "b": 1000.0}), coming()])
    answers = model.predict(table)
    assert answers.columns == ["series", "month", "step", "prediction", "prediction_low", "prediction_high"]
    assert answers["series"].to_list() == ["a"] * 6 + ["b"] * 6
    assert answers["month"].dt.strftime("%Y-%m").to_list()[:6] == [
        "2014-01",
        "2014-02",
        "2014-03",
        "2014-04",
        "2014-05",
        "2014-06",
    ]
    assert (answers["prediction_low"] < answers["prediction"]).all() and (
        answers["prediction"] < answers["prediction_high"]
    ).all()
    a, b = answers["prediction"].to_numpy().reshape(2, 6)
    assert 5 < a.mean() < 20 and 500 < b.mean() < 2000
    promoted = model.predict(pl.concat([sales({"a": 10.0, "b": 1000.0}), coming(promoted=1)]))["prediction"].to_numpy()
    assert (promoted > 1.4 * answers["prediction"].to_numpy()).all()


def test_what_is_known_beforehand_must_be_given_for_the_coming_steps(done):
    model = load_model(done.folder / "model")
    with pytest.raises(
        ContractError,
        match=r"what is known beforehand of series 'a' is not given at 2014-01-01.*rows for the 6 coming steps have promoted",
    ):
        model.predict(sales({"a": 10.0, "b": 1000.0}))
    with pytest.raises(ContractError, match=r"not given at 2014-04-01"):
        model.predict(pl.concat([sales({"a": 10.0, "b": 1000.0}), coming(3)]))
    with pytest.raises(ContractError, match=r"1 column is missing: promoted"):
        model.predict(sales({"a": 10.0}).drop("promoted"))


def test_an_example_may_also_be_asked_by_itself(done):
    model = load_model(done.folder / "model")
    bench = done._bench
    predictions, violations = model.predict_rows(list(bench.samples[:3]))
    assert predictions[0].shape == (3, 6) and not violations


def test_the_report_draws_forecasts_against_the_truth(done):
    page = report(done).read_text(encoding="utf-8")
    for words in (
        "Forecasts against the truth",
        "Error by step of the horizon",
        "Errors by series",
        "Correlation a season apart",
        "the worst of all examples",
    ):
        assert words in page


def test_a_second_run_remembers_and_a_changed_value_is_another_study(done, tmp_path):
    again = Study(done.folder)
    assert again.run().facts["chosen"] == done.refine()["chosen"]
    changed = pl.read_csv(done.folder / "table.csv").with_columns(
        sold=pl.when(pl.int_range(pl.len()) == 5).then(1.0).otherwise("sold")
    )
    other = study_in(
        tmp_path / "other",
        changed,
        "target: sold, horizon: 6, window: 24",
        "time: month, series: shop, known_future: [promoted], static: [size]",
    )
    assert other.material.fingerprint != again.material.fingerprint


def test_a_real_series_from_init_to_its_bar(tmp_path):
    data = pytest.importorskip("statsmodels.datasets.elnino").load_pandas().data
    months = [f"{int(year)}-{month:02d}" for year in data["YEAR"] for month in range(1, 13)]
    table = pl.DataFrame(
        {"month": [f"{month}-01" for month in months], "temperature": data.iloc[:, 1:].to_numpy().ravel()}
    )
    study = Study.create(table, target="temperature", out=tmp_path / "elnino", task="forecast", horizon=12)
    text = (study.folder / "study.yaml").read_text()
    assert "season: 12  # = usual for steps of 1 month" in text and "horizon: 12  # steps of 1 month" in text
    (study.folder / "study.yaml").write_text(
        text.replace("budget: {trials: 30, minutes: 10}", "budget: {trials: 0, minutes: }") + LEARNERS
    )
    study = Study(study.folder)
    baseline = study.baseline()
    scores = {entry["candidate"]: entry["scores"][0]["value"] for entry in baseline["entries"]}
    assert scores["seasonal_naive"] < 0.5 * scores["naive"] and scores["nlinear"] < scores["seasonal_naive"]
    explored = study.explore()
    assert explored["series"]["seasons"]["12"] > 0.9
    assert not [f for f in explored.findings if f.fired and f.severity != "info"]


def test_a_random_walk_is_told_to_be_one(tmp_path):
    rng = np.random.default_rng(4)
    days = np.arange("2020-01-01", "2022-06-01", dtype="datetime64[D]")
    table = pl.DataFrame({"day": [str(day) for day in days], "rate": np.cumsum(rng.normal(size=len(days))) + 100})
    study = study_in(tmp_path / "walk", table, "target: rate, horizon: 10, window: 60, season: 1", "time: day")
    study.run()
    found = {f.code: f for f in study.baseline().findings}
    assert "naive" in [
        member["candidate"] for member in study.refine()["entries"]
    ]  # the last value may be what is shipped
    assert found["FG511"].fired and "repeating the last value" in found["FG511"].sentence
    assert not [f for f in study.explore().findings if f.fired and f.code.startswith("FG36") and f.severity != "info"]


# --- what cannot be, and where -----------------------------------------------------------------------------------------


def framed(
    tmp_path: Path, table: pl.DataFrame, problem: str = "target: sold, horizon: 6", data: str = "time: month"
) -> Study:
    study = study_in(tmp_path / "study", table, problem, data)
    study.split()
    return study


def test_two_shops_in_one_series_are_refused_with_rows(tmp_path):
    with pytest.raises(
        DataError, match=r"rows 0 and 288 have the same time, 1990-01-01, and different values.*data.series: shop"
    ):
        framed(tmp_path, sales({"a": 10.0, "b": 20.0}))


def test_init_finds_the_column_that_tells_series_apart(tmp_path):
    study = Study.create(
        sales({"a": 10.0, "b": 20.0}), target="sold", out=tmp_path / "study", task="forecast", horizon=6
    )
    text = (study.folder / "study.yaml").read_text()
    assert "series: shop  # = with it no time is repeated" in text
    assert (
        "# static: [size]" in text
        and "# known_future: []  # ? Which of these are known for the coming steps: promoted?" in text
    )


def test_a_horizon_longer_than_the_series(tmp_path):
    with pytest.raises(
        DataError,
        match=r"a horizon of 300 steps after a window of .* leaves 0 origins.*the longest of 1 series is 'a' with 288 steps of 1 month",
    ):
        framed(tmp_path, sales({"a": 10.0}), "target: sold, horizon: 300", "time: month, series: shop")


def test_a_horizon_that_leaves_nothing_to_learn_from(tmp_path):
    with pytest.raises(
        SplitError,
        match=r"moments are left to learn from.*targets of sealed origins lie after every target learned from",
    ):
        framed(tmp_path, sales({"a": 10.0}), "target: sold, horizon: 120, window: 100", "time: month, series: shop")


@pytest.mark.parametrize(
    ("problem", "data", "words"),
    [
        ("target: sold", "time: month", "problem.horizon is not stated"),
        ("target: sold, horizon: 6", "time: size", "data.time names 'size', which is a number"),
        ("target: sold, horizon: 6", "time: month, series: shp", r"data.series names 'shp', which is no column \(did you mean 'shop'\?\)"),
        ("target: sold, horizon: 6", "time: month, known_future: [shop]", "data.known_future names 'shop', which is a category"),
        ("target: sold, horizon: 6", "time: month, known_future: [sold]", "data.known_future names the target 'sold'"),
        ("target: sold, horizon: 6, metric: roc_auc", "time: month, series: shop", "metric 'roc_auc' cannot judge a forecast"),
        ("target: sold, horizon: 6, transform: log1p", "time: month, series: shop", "problem.transform is log1p"),
    ],
)  # fmt: skip
def test_mistakes_in_study_yaml(tmp_path, problem, data, words):
    with pytest.raises(ConfigError, match=words):
        framed(tmp_path, sales({"a": 10.0, "b": 20.0}), problem, data)


def test_gaps_and_disorder_are_findings_and_the_study_goes_on(tmp_path):
    table = sales({"a": 10.0})
    table = pl.concat([table[200:], table[:100], table[104:200], table[7:8]])
    study = study_in(tmp_path / "study", table, "target: sold, horizon: 6, window: 24", "time: month")
    found = {f.code: f for f in study.explore().findings if f.fired}
    assert found["FG361"].sentence.startswith(
        "4 steps of 288 (1.4 %) are missing, in 1 gap; the longest is 4 from 1998-05-01 on"
    )
    assert (
        "1 row repeats another and was left out" in found["FG362"].sentence
        and "2 rows stand out of order" in found["FG362"].sentence
    )


def test_a_marked_test_part_is_obeyed(tmp_path):
    table = sales({"a": 10.0}).with_columns(part=pl.Series(["dev"] * 240 + ["test"] * 48))
    study = study_in(
        tmp_path / "study",
        table,
        "target: sold, horizon: 6, window: 24",
        "time: month, series: shop",
        "split: {column: part, test: test}\n",
    )
    facts = study.split()
    assert (
        facts["n_test"] == 48 - 6 + 1
        and facts["cuts"][0]["first_judged"] == "2010-01-01"
        and facts["cuts"][0]["last_learned"] == "2009-12-01"
    )
    wrong = table.with_columns(part=pl.Series(["test"] * 48 + ["dev"] * 240))
    with pytest.raises(
        ConfigError, match=r"split.column 'part' marks test rows that are not the latest.*row 48 at 1994-01-01"
    ):
        study_in(
            tmp_path / "wrong",
            wrong,
            "target: sold, horizon: 6, window: 24",
            "time: month, series: shop",
            "split: {column: part, test: test}\n",
        ).split()


def test_years_that_are_numbers_and_a_level_that_shifts(tmp_path):
    data = pytest.importorskip("statsmodels.datasets.nile").load_pandas().data
    table = pl.DataFrame({"year": data["year"].to_numpy().astype(int), "volume": data["volume"].to_numpy()})
    study = Study.create(table, target="volume", out=tmp_path / "nile", horizon=3, task="forecast")
    assert "season: 1  # = usual for steps of 1 year" in (study.folder / "study.yaml").read_text()
    found = {f.code: f for f in study.explore().findings if f.fired}
    assert found["FG364"].sentence.startswith("1 series of 1 shifts its level: 'volume' from 1,098 to 843 at 1899")
    assert found["FG365"].sentence.startswith("The sealed stretch holds 3 targets of 3 steps")


def test_the_command_line_from_init_to_a_file_of_forecasts(command, tmp_path):
    sales({"a": 10.0}).drop("promoted", "size", "shop").write_csv(tmp_path / "sales.csv")
    folder = tmp_path / "study"
    made = command("init", tmp_path / "sales.csv", "--target", "sold", "--horizon", "6", "--out", folder)
    assert made.status == 0 and "forecast of sold: 6 steps of 1 month ahead" in made.out
    text = (
        (folder / "study.yaml")
        .read_text()
        .replace("budget: {trials: 30, minutes: 10}", "budget: {trials: 0, minutes: }")
    )
    (folder / "study.yaml").write_text(text + "learners: {use: [naive, nlinear]}\n")
    for words in (("run",), ("finalize",)):
        assert command(*words, folder).status == 0
    assert command("predict", folder / "model", tmp_path / "sales.csv", "-o", tmp_path / "ahead.csv").status == 0
    answers = pl.read_csv(tmp_path / "ahead.csv", try_parse_dates=True)
    assert answers.columns == ["month", "step", "prediction", "prediction_low", "prediction_high"]
    assert answers["month"].dt.strftime("%Y-%m").to_list() == [
        "2014-01",
        "2014-02",
        "2014-03",
        "2014-04",
        "2014-05",
        "2014-06",
    ]
    judged = command("evaluate", tmp_path / "ahead.csv", "--study", folder)
    assert judged.status == 2 and "forecasts made elsewhere cannot be judged by a study yet" in judged.err


def test_what_is_seen_beside_a_series_leads_it(tmp_path):
    """Orders of a day are what is sold three days later."""
    rng = np.random.default_rng(1)
    days = np.arange("2020-01-01", "2022-06-01", dtype="datetime64[D]")
    orders = 100 + 20 * rng.normal(size=len(days) + 3)
    sold = orders[:-3] + rng.normal(size=len(days))
    table = pl.DataFrame({"day": [str(day) for day in days], "orders": orders[3:].round(3), "sold": sold.round(3)})
    said = "target: sold, horizon: 3, window: 60, season: 1", "time: day, observed: [orders]"
    study = study_in(tmp_path / "study", table, *said)
    scores = {entry["candidate"]: entry["scores"][0]["value"] for entry in study.baseline()["entries"]}
    assert scores["lagged_boosting"] < 0.6 * scores["nlinear"]
    model = study.package("lagged_boosting", tmp_path / "model")
    np.testing.assert_allclose(model.predict(table)["prediction"].to_numpy(), orders[-3:], atol=20)
    with pytest.raises(ContractError, match=r"1 column is missing: orders"):
        model.predict(table.drop("orders"))
