"""The checks FG320 to FG329 together: silent on clean tables, and right about real ones where the data are at hand."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from along_cases import columns_of, given, needed, target_of
from check_cases import problem_of, regression, roles_of

from fieldguide import parts
from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding
from fieldguide.core.table import Column, Table
from fieldguide.steps.explore.probe import probe

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[4] / "shared" / "data"))
CODES = ("fg320", "fg321", "fg322", "fg323", "fg324", "fg325", "fg326", "fg327", "fg329")
CHECKS = {name[:5]: parts.find("checks", name)() for name in parts.names("checks") if name[:5] in CODES}


def judged(case, codes=CODES) -> list[Finding]:
    """Return all findings of the checks on a case; the probe is fitted where one of them needs it."""
    if "fg326" in codes:
        (output,) = case["problem"].outputs
        table = case["table"]
        truth = case["truths"][0]
        cells = np.array(output.labels)[truth] if output.labels else truth.astype(np.float64)
        kind = "category" if output.labels else "number"
        frame = table.frame.with_columns(pl.Series(output.name, cells))
        table = Table(frame, (*table.columns, Column(output.name, kind, "target")))
        case = {**case, "table": table, "probe": probe(table, case["problem"], case["roles"], seed=0)}
    return [finding for code in codes for finding in CHECKS[code].run(**needed(CHECKS[code], case))]


def loud(findings: list[Finding]) -> list[str]:
    return [f"{f.code} {f.sentence}" for f in findings if f.fired and f.severity != "info"]


@pytest.mark.parametrize("seed", range(6))
def test_clean_tables_in_time_order_stay_quiet(seed):
    columns = columns_of(1500 + 500 * seed, seed, days=40 + 60 * seed)
    found = judged(given(columns, target_of(columns, seed, rate=0.1 + 0.08 * seed)))
    assert [f for f in found if f.fired] == []


@pytest.mark.parametrize("seed", range(2))
def test_clean_values_in_time_order_stay_quiet(seed):
    columns = columns_of(2000, seed)
    rng = np.random.default_rng(seed)
    found = judged(given(columns, np.asarray(columns["score"]) + rng.normal(size=2000), regression()))
    assert [f for f in found if f.fired] == []


def standard(name: str) -> dict:
    """Return a data set of an ordinary dependency as a case."""
    if name in ("fair", "randhie", "anes96"):
        import statsmodels.datasets as sets

        data = getattr(sets, name).load_pandas().data
        target = {"fair": "affairs", "randhie": "mdvis", "anes96": "vote"}[name]
        x, y, names = (
            data.drop(columns=target).to_numpy(float),
            data[target].to_numpy(),
            list(data.columns.drop(target)),
        )
        y = (y > 0).astype(np.int64) if name != "anes96" else y.astype(np.int64)
    else:
        from sklearn import datasets as sets

        data = getattr(sets, f"load_{name}")()
        x, y, names = data.data, data.target, [str(n) for n in data.get("feature_names", range(data.data.shape[1]))]
    values = name == "diabetes"
    labels = () if values else tuple(str(k) for k in range(int(y.max()) + 1))
    frame = pl.DataFrame({n: x[:, i].astype(np.float64) for i, n in enumerate(names)})
    table = Table(frame, tuple(Column(n, "number") for n in names))
    problem = regression() if values else problem_of("binary" if len(labels) == 2 else "multiclass", "log_loss", labels)
    return {"table": table, "problem": problem, "roles": roles_of(len(y)), "truths": (y,)}


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "digits", "diabetes", "fair", "anes96", "randhie"])
def test_standard_sets_raise_no_warning(name):
    pytest.importorskip("statsmodels")
    assert loud(judged(standard(name))) == []


# --- real data -----------------------------------------------------------------------------------------------------------


def path_of(file: str) -> Path:
    path = DATA / file
    if not path.is_file():
        pytest.skip(f"{file} is not here (set FIELDGUIDE_DATA)")
    return path


def case_of(frame: pl.DataFrame, target: str, time: str = "", drop: tuple[str, ...] = ()) -> dict:
    """Return a raw table as a case: numbers as Float64, texts as they are, the time column with its role."""
    truth = frame[target]
    frame = frame.drop(target, *drop)
    casts = {n: pl.Float64 if t.is_numeric() else t for n, t in frame.schema.items()}
    kinds = {pl.Float64: "number", pl.String: "category"}
    frame = frame.cast(casts) if not time else frame.cast(casts | {time: pl.Datetime("us")})
    columns = tuple(
        Column(n, kinds.get(t, "datetime"), "time" if n == time else "feature") for n, t in frame.schema.items()
    )
    binary = truth.dtype == pl.String
    y = (truth == "yes").cast(pl.Int64).to_numpy() if binary else truth.cast(pl.Float64).to_numpy()
    times = frame[time].to_physical().to_numpy() if time else None
    roles = Roles(np.arange(len(y), dtype=np.uint64), np.arange(len(y)), times)
    return {
        "table": Table(frame, columns),
        "problem": problem_of() if binary else regression(),
        "roles": roles,
        "truths": (y,),
    }


def test_bank_marketing_drifts_in_the_order_of_its_file():
    frame = pl.read_csv(gzip.decompress(path_of("bank_marketing/bank.csv.gz").read_bytes()))
    found = judged(case_of(frame[::2], "deposit", drop=("duration",)), ("fg321", "fg322", "fg323", "fg324", "fg329"))
    fired = {f.code: f for f in found if f.fired}
    assert "in the file's order, which follows 'month'" in fired["FG323"].sentence
    assert {"contact", "poutcome"} <= set(fired["FG323"].columns)
    assert fired["FG323"].severity == "warning"
    assert fired["FG324"].evidence["loss"] > 0.04
    assert fired["FG329"].columns == ("pdays",)
    assert "FG321" not in fired and "FG322" not in fired


def test_bike_sharing_grows_along_time():
    with zipfile.ZipFile(path_of("bike_sharing/Bike-Sharing-Dataset.zip")) as archive:
        frame = pl.read_csv(io.BytesIO(archive.read("hour.csv")), try_parse_dates=True)
    found = judged(
        case_of(frame[:14_000], "cnt", "dteday", ("casual", "registered", "instant")),
        ("fg321", "fg323", "fg324", "fg325", "fg327"),
    )
    fired = {f.code: f for f in found if f.fired}
    assert fired["FG324"].severity == "warning" and fired["FG324"].evidence["loss"] > 0.1
    assert set(fired) <= {"FG323", "FG324"}


def test_physionet_codes_unknown_as_minus_one():
    text = gzip.decompress(path_of("physionet2012_setA/events.csv.gz").read_bytes())[:3_000_000].decode()
    reader = csv.reader(io.StringIO(text[: text.rindex("\n")]))
    header = next(reader)
    patients: dict[str, dict[str, float]] = {}
    for row in reader:
        entry = dict(zip(header, row))
        name = next(v for k, v in entry.items() if k.lower() in ("parameter", "variable", "name"))
        key = next(v for k, v in entry.items() if "id" in k.lower())
        if name in ("Age", "Height", "Weight", "Gender"):
            patients.setdefault(key, {}).setdefault(name, float(entry["value"] if "value" in entry else row[-1]))
    frame = pl.DataFrame([patients[k] for k in patients])
    table = Table(frame, tuple(Column(n, "number") for n in frame.columns))
    (finding,) = CHECKS["fg329"].run(table=table)
    assert {"Height", "Weight"} <= set(finding.columns)
    assert "-1" in finding.sentence and finding.severity == "warning"


def test_adult_raises_no_warning():
    names = [*(f"x{i}" for i in range(14)), "income"]
    text = gzip.decompress(path_of("adult/adult.data.gz").read_bytes())
    frame = pl.read_csv(text, has_header=False, new_columns=names, null_values=[" ?", "?"]).drop_nulls("income")
    frame = frame.with_columns(
        pl.when(pl.col("income").str.contains(">50K")).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("income")
    )
    assert loud(judged(case_of(frame[:12_000], "income"))) == []
