"""Planted faults over tables of known worlds: what the user's file has that the world after deployment has not.

Knows faults in rows: copies, groups, leaks, order. Faults along time are in `synthetic_time`, faults of labels, cells and
sizes in `synthetic_labels`. Each function takes a seed and returns a `World`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.honesty.generators import Rng, flats, harvests, loans, logistic, machines, words
from benchmarks.honesty.world import Fault, World

FRESH = 20_000


def blank(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the frame with nothing known in some columns, as before the outcome."""
    return frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name) for name in names)


def repeated(frame: pl.DataFrame, n: int, rng: Rng) -> pl.DataFrame:
    """Return n rows drawn with replacement, in random order."""
    return frame[rng.integers(0, frame.height, n)]


# --- copies ---------------------------------------------------------------------------------------------------------


def exact_duplicates(seed: int) -> World:
    rng = np.random.default_rng([seed, 101])
    train = repeated(loans(400, rng, strength=0.6), 2400, rng)
    return World(train, "defaulted", loans(FRESH, rng, strength=0.6))


def near_duplicates(seed: int) -> World:
    rng = np.random.default_rng([seed, 102])
    train = repeated(machines(350, rng), 2100, rng).with_columns(
        (pl.col(name) * (1 + 0.001 * rng.normal(size=2100))).round(4)
        for name in ("temperature", "pressure", "vibration")
    )
    return World(train, "failed", machines(FRESH, rng))


def rare_class_copied(seed: int) -> World:
    rng = np.random.default_rng([seed, 103])
    rows = loans(2500, rng, strength=0.7, intercept=-4.0)
    rare = rows.filter(pl.col("defaulted") == "yes")
    train = pl.concat([rows, repeated(rare, rows.height - 2 * rare.height, rng)]).sample(
        fraction=1.0, shuffle=True, seed=seed
    )
    return World(train, "defaulted", loans(FRESH, rng, strength=0.7, intercept=-4.0))


# --- groups ---------------------------------------------------------------------------------------------------------


def visits(n_patients: int, n_visits: int, rng: Rng, first: int = 0) -> pl.DataFrame:
    """Visits of patients: attributes of the patient with a little noise; the diagnosis is the patient's, barely predictable."""
    who = np.repeat(np.arange(n_patients), n_visits)
    height, weight, born = (
        rng.normal(170, 10, n_patients),
        rng.normal(75, 14, n_patients),
        rng.integers(1935, 2000, n_patients),
    )
    pressure, smokes = rng.normal(128, 15, n_patients), rng.random(n_patients) < 0.3
    ill = rng.random(n_patients) < logistic(0.03 * (pressure - 128) + 0.5 * smokes - 0.02 * (born - 1967) - 0.6)
    frame = pl.DataFrame({
        "patient": [f"P{first + w:06d}" for w in who], "born": born[who], "height_cm": height[who].round(1),
        "weight_kg": (weight[who] + 0.6 * rng.normal(size=len(who))).round(1), "smokes": smokes[who],
        "pressure": (pressure[who] + 3 * rng.normal(size=len(who))).round(0), "pulse": rng.normal(72, 9, len(who)).round(0),
        "ill": words(ill[who]),
    })  # fmt: skip
    return frame[rng.permutation(len(who))]


def groups_with_id(seed: int) -> World:
    rng = np.random.default_rng([seed, 104])
    return World(visits(150, 12, rng), "ill", visits(FRESH // 5, 5, rng, first=150))


def groups_without_id(seed: int) -> World:
    rng = np.random.default_rng([seed, 105])
    return World(visits(150, 12, rng).drop("patient"), "ill", visits(FRESH // 5, 5, rng).drop("patient"))


def pupils(n_schools: int, n_each: int, rng: Rng, first: int = 0) -> pl.DataFrame:
    """Pupils in schools: the school lifts or lowers all its pupils by more than anything that is measured."""
    school = np.repeat(np.arange(n_schools), n_each)
    effect, funding, size = (
        rng.normal(0, 12, n_schools),
        rng.normal(50, 8, n_schools),
        rng.integers(120, 1500, n_schools),
    )
    hours, parent = (
        rng.gamma(3, 2, len(school)),
        rng.choice(["none", "school", "college"], len(school), p=[0.2, 0.5, 0.3]),
    )
    points = (
        50
        + effect[school]
        + 0.2 * (funding[school] - 50)
        + 1.2 * hours
        + 5 * (parent == "college")
        + rng.normal(0, 8, len(school))
    )
    frame = pl.DataFrame({
        "school": [f"S-{first + s:04d}" for s in school], "school_size": size[school], "funding": funding[school].round(2),
        "homework_hours": hours.round(1), "parents": parent, "siblings": rng.poisson(1.2, len(school)), "points": points.round(1),
    })  # fmt: skip
    return frame[rng.permutation(len(school))]


def groups_of_schools(seed: int) -> World:
    rng = np.random.default_rng([seed, 106])
    return World(pupils(50, 30, rng), "points", pupils(FRESH // 25, 25, rng, first=50), "rmse")


def orders(n_customers: int, n_orders: int, rng: Rng, first: int) -> pl.DataFrame:
    """Orders of customers who return what they buy mostly by habit."""
    who = np.repeat(np.arange(n_customers), n_orders)
    reference = rng.permutation(90_000)[:n_customers] + 10_000 + 100_000 * first
    price, habit = rng.gamma(2, 40, len(who)), 2.2 * rng.normal(size=n_customers)
    frame = pl.DataFrame({
        "customer_ref": [f"K{reference[w]}" for w in who], "price": price.round(2), "items": rng.poisson(2, len(who)) + 1,
        "channel": rng.choice(["app", "web", "shop"], len(who)), "gift": rng.random(len(who)) < 0.1,
        "returned": words(rng.random(len(who)) < logistic(habit[who] + 0.008 * (price - 80) - 0.6)),
    })  # fmt: skip
    return frame[rng.permutation(len(who))]


def id_memorises(seed: int) -> World:
    rng = np.random.default_rng([seed, 107])
    return World(orders(260, 7, rng, 0), "returned", orders(FRESH // 4, 4, rng, 1))


def clinics_of_cases_and_controls(seed: int) -> World:
    """Two clinics sent cases, two sent controls; after deployment every clinic sees both."""
    rng = np.random.default_rng([seed, 108])

    def sample(n: int, mixed: bool) -> pl.DataFrame:
        ill = rng.random(n) < 0.4
        cases = rng.random(n) < 0.5 if mixed else np.where(rng.random(n) < 0.95, ill, ~ill)
        clinic = np.where(cases, rng.choice(["Alder", "Birch"], n), rng.choice(["Cedar", "Dogwood"], n))
        return pl.DataFrame({
            "clinic": clinic, "scanner_gain": (1.0 + 0.3 * cases + 0.1 * rng.normal(size=n)).round(3), "age": rng.normal(60 + 3 * ill, 11).round(0),
            "marker": np.exp(0.4 * ill + rng.normal(size=n)).round(3), "size_mm": rng.gamma(3 + 0.7 * ill, 2).round(1), "malignant": words(ill),
        })  # fmt: skip

    return World(sample(2000, False), "malignant", sample(FRESH, True))


# --- leaks ----------------------------------------------------------------------------------------------------------


def post_outcome_value(seed: int) -> World:
    rng = np.random.default_rng([seed, 111])
    train = loans(3000, rng)
    late = (train["defaulted"] == "yes").to_numpy()
    train = train.with_columns(collection_calls=pl.Series(rng.poisson(np.where(late, 3.0, 0.1))))
    fresh = loans(FRESH, rng).with_columns(collection_calls=pl.lit(0, dtype=pl.Int64))
    return World(train, "defaulted", fresh)


def post_outcome_missing(seed: int) -> World:
    rng = np.random.default_rng([seed, 112])
    train = machines(2500, rng)
    known = rng.random(2500) < np.where(train["failed"] == 1, 0.92, 0.03)
    days_off = rng.gamma(2, 3, 2500).round(1)
    train = train.with_columns(
        repair_days=pl.Series([d if k else None for d, k in zip(days_off, known)], dtype=pl.Float64)
    )
    return World(train, "failed", machines(FRESH, rng).with_columns(repair_days=pl.lit(None, dtype=pl.Float64)))


def measured_at_export(seed: int) -> World:
    """Days since the last login were counted at the export, months after people had left."""
    rng = np.random.default_rng([seed, 113])

    def people(n: int, exported: bool) -> pl.DataFrame:
        logins, months = rng.gamma(2, 6, n), rng.integers(1, 60, n)
        plan = rng.choice(["basic", "plus", "pro"], n, p=[0.6, 0.3, 0.1])
        left = rng.random(n) < logistic(0.4 - 0.09 * logins - 0.02 * months - 0.5 * (plan == "pro"))
        idle = rng.exponential(30 / (1 + logins), n) + (rng.exponential(45, n) * left if exported else 0)
        return pl.DataFrame({
            "logins_month": logins.round(4), "months": months, "plan": plan, "tickets": rng.poisson(0.8, n), "idle_days": idle.round(1), "churned": words(left),
        })  # fmt: skip

    return World(people(2500, True), "churned", people(FRESH, False))


def target_copy_recoded(seed: int) -> World:
    rng = np.random.default_rng([seed, 114])
    codes = {"A": "Q1", "B": "Q7", "C": "Q3"}
    train = harvests(2000, rng).with_columns(lot_code=pl.col("grade").replace_strict(codes))
    train = train.with_columns(lot_code=pl.when(pl.Series(rng.random(2000) < 0.97)).then("lot_code"))
    return World(train, "grade", harvests(FRESH, rng).with_columns(lot_code=pl.lit(None, dtype=pl.String)))


def target_is_sum(seed: int) -> World:
    rng = np.random.default_rng([seed, 115])
    train = flats(1500, rng)
    charges = (train["rent"] * rng.uniform(0.1, 0.3, 1500)).round(2)
    train = train.with_columns(charges=charges, net_rent=(train["rent"] - charges).round(2))
    nothing = pl.lit(None, dtype=pl.Float64)
    return World(train, "rent", flats(FRESH, rng).with_columns(charges=nothing, net_rent=nothing), "rmse")


def target_in_other_unit(seed: int) -> World:
    """The rent a year later, in another currency, with a little noise."""
    rng = np.random.default_rng([seed, 116])
    train = flats(1500, rng)
    train = train.with_columns(renewal_usd=(1.08 * 1.03 * train["rent"] * rng.normal(1, 0.01, 1500)).round(0))
    return World(train, "rent", flats(FRESH, rng).with_columns(renewal_usd=pl.lit(None, dtype=pl.Float64)), "rmse")


def sorted_with_row_number(seed: int) -> World:
    rng = np.random.default_rng([seed, 117])
    train = loans(2000, rng, strength=0.6).sort("defaulted").with_row_index("row")
    return World(train, "defaulted", loans(FRESH, rng, strength=0.6).with_row_index("row", offset=2000))


def numbered_by_class(seed: int) -> World:
    """The file is in random order, but records were numbered class after class; new records get new numbers."""
    rng = np.random.default_rng([seed, 118])
    train = machines(2000, rng).sort("failed")
    number = 40_000 + 3 * np.argsort(np.argsort(np.arange(2000) + rng.normal(0, 80, 2000)))
    train = train.with_columns(record_no=pl.Series(number)).select("record_no", *train.columns)[rng.permutation(2000)]
    fresh = (
        machines(FRESH, rng).with_row_index("record_no", offset=47_000).with_columns(pl.col("record_no").cast(pl.Int64))
    )
    return World(train, "failed", fresh)


def target_words(seed: int) -> World:
    rng = np.random.default_rng([seed, 119])
    routine = ["routine check", "oil changed", "filter cleaned", "no remarks", "belt tightened"]
    told = [
        "failed during shift, part replaced",
        "shut down after failure",
        "bearing failed",
        "failure reported by operator",
    ]
    train = machines(2500, rng)
    broken = (train["failed"] == 1).to_numpy() & (rng.random(2500) < 0.85)
    remark = np.where(broken, rng.choice(told, 2500), rng.choice(routine, 2500))
    fresh = machines(FRESH, rng)
    return World(
        train.with_columns(remark=pl.Series(remark)),
        "failed",
        fresh.with_columns(remark=pl.Series(rng.choice(routine, FRESH))),
    )


def target_encoded_on_whole_file(seed: int) -> World:
    rng = np.random.default_rng([seed, 120])
    train = loans(2400, rng, strength=0.6)
    dealer, yes = rng.integers(0, 800, 2400), (train["defaulted"] == "yes").to_numpy().astype(float)
    rate = np.bincount(dealer, yes, 800) / np.maximum(np.bincount(dealer, minlength=800), 1)
    train = train.with_columns(dealer_rate=pl.Series(rate[dealer].round(4)))
    fresh = loans(FRESH, rng, strength=0.6).with_columns(dealer_rate=pl.lit(round(float(yes.mean()), 4)))
    return World(train, "defaulted", fresh)


def given_test_from_elsewhere(seed: int) -> World:
    """The test file that came with the data is from another plant, the one where the model will work."""
    rng = np.random.default_rng([seed, 121])

    def elsewhere(n: int) -> pl.DataFrame:
        rows = machines(n, rng)
        return rows.with_columns((pl.col("temperature") - 9).round(2), (pl.col("rpm") * 0.8).round(0))

    return World(machines(2500, rng), "failed", elsewhere(FRESH), test=elsewhere(500))


FAULTS = (
    Fault("exact_duplicates", exact_duplicates, ("FG203",), about="400 loans, drawn 2,400 times; fresh rows are new loans"),
    Fault("near_duplicates", near_duplicates, ("FG203",), about="350 inspections, each about six times with a jitter of .1 %"),
    Fault("rare_class_copied", rare_class_copied, ("FG203",), about="the rare class was copied until balanced; fresh rows have the natural rate"),
    Fault("groups_with_id", groups_with_id, ("FG104",), "info", "twelve visits a patient, a patient column; fresh patients are new", columns=("patient",)),
    Fault("groups_without_id", groups_without_id, ("FG104", "FG203", "FG209"), about="the same without the patient column"),
    Fault("groups_of_schools", groups_of_schools, ("FG104", "FG209", "FG328"), "info", "a school lifts all its pupils; fresh schools are new", columns=("school",)),
    Fault("id_memorises", id_memorises, ("FG104", "FG315", "FG328"), "info", "customers return by habit, seven orders each; fresh customers are new", columns=("customer_ref",)),
    Fault("clinics_of_cases_and_controls", clinics_of_cases_and_controls, ("FG804", "FG104", "FG306", "FG312", "FG317", "FG328"), about="clinics sent cases or controls; afterwards each sees both", columns=("clinic", "scanner_gain")),
    Fault("post_outcome_value", post_outcome_value, ("FG306", "FG312"), about="calls by the collectors; 0 when the prediction is made", columns=("collection_calls",)),
    Fault("post_outcome_missing", post_outcome_missing, ("FG306", "FG312", "FG320"), about="days of repair, known where something failed; blank when the prediction is made", columns=("repair_days",)),
    Fault("measured_at_export", measured_at_export, ("FG306", "FG312"), about="idle days grew after people had left; fresh ones are counted before", columns=("idle_days",)),
    Fault("target_copy_recoded", target_copy_recoded, ("FG306", "FG312", "FG313"), about="the grade under other names, 3 % missing; blank afterwards", columns=("lot_code",)),
    Fault("target_is_sum", target_is_sum, ("FG306", "FG312", "FG313"), about="two columns that add up to the rent; blank afterwards", columns=("charges", "net_rent")),
    Fault("target_in_other_unit", target_in_other_unit, ("FG306", "FG312", "FG313"), about="next year's rent in another currency; blank afterwards", columns=("renewal_usd",)),
    Fault("sorted_with_row_number", sorted_with_row_number, ("FG306", "FG314"), about="the file is sorted by the target and numbered; fresh numbers go on", columns=("row",)),
    Fault("numbered_by_class", numbered_by_class, ("FG306", "FG312", "FG314", "FG315"), about="records were numbered class after class, then shuffled; fresh numbers go on", columns=("record_no",)),
    Fault("target_words", target_words, ("FG306", "FG312", "FG317"), about="remarks written after the failure; fresh remarks are routine", columns=("remark",)),
    Fault("target_encoded_on_whole_file", target_encoded_on_whole_file, ("FG306", "FG312", "FG313", "FG315"), about="a dealer's rate of default, each row's own target included; fresh dealers have the mean", columns=("dealer_rate",)),
    Fault("given_test_from_elsewhere", given_test_from_elsewhere, ("FG206", "FG323"), about="a test file from another plant; fresh rows are from that plant"),
)  # fmt: skip
