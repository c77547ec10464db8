"""Price suggestions on real listings with a SIMULATED booking process, whose best price is known.

    python -m benchmarks.pricing [--listings 2500] [--nights 4] [--epochs 20] [--seed 7] [--threads 1]

The listings, their features and their listed prices are real (Inside Airbnb, Washington DC, 2025-03). Nights, offered prices and
bookings are made up, by a process that is stated here and seeded:

    best price of a night   ln P* = ln listed + 0.20 weekend + 0.20 sin(2π week / 52) + 0.10 rating + 0.10 superhost
                                    - 0.10 stay + u; rating and stay (log of the minimum nights) standardised;
                                    u ~ N(0, 0.1), one for each listing, which no model can know
    offered price           P = listed · exp(N(0, 0.25))
    probability of booking  q(P) = 1 / (1 + exp(-(ln 2 - 3 ln(P / P*)))), so that P q(P) is highest at P*, where q = 2/3

Listings are divided by host: 70 % to learn from, 30 % judged. All models see the same columns, the listed price among them, and
never the offered price. Regret is 1 - P q(P) / (P* q(P*)) at the suggested price, averaged over nights: revenue that was
left on the table, which only a simulation can tell. The paper's metrics are beside it. It shows what each way of learning makes
of such offers; it says nothing about real bookings.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.datasets import data_folder

SLOPE = 3.0
"""k: logits of a booking per unit of log price."""
NUMBERS = [
    "accommodates", "bedrooms", "bathrooms", "beds", "minimum_nights", "review_scores_rating", "number_of_reviews",
    "latitude", "longitude",
]  # fmt: skip
WORDS = ["room_type", "neighbourhood_cleansed", "host_is_superhost"]


def chance(price: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return the simulated probability of a booking; price times it is highest at `best`.

    Examples:
        >>> grid = np.linspace(50, 200, 1501)
        >>> float(grid[np.argmax(grid * chance(grid, np.array(100.0)))])
        100.0
    """
    odds = (SLOPE - 1) * (price / best) ** -SLOPE
    return np.asarray(odds / (1 + odds))


def offers(listings: pl.DataFrame, nights: int, seed: int) -> pl.DataFrame:
    """Return one row for each night of each listing: features, offered price, booked, and the best price."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(0, 0.1, listings.height)
    place = np.repeat(np.arange(listings.height), nights)
    frame = listings[place]
    weekend, week = rng.random(len(place)) < 2 / 7, rng.integers(0, 52, len(place))
    rating = _standard(frame["review_scores_rating"].fill_null(frame["review_scores_rating"].mean()).to_numpy())
    stay = _standard(np.log(frame["minimum_nights"].to_numpy()))
    star = (frame["host_is_superhost"] == "t").fill_null(False).to_numpy()
    lift = 0.2 * weekend + 0.2 * np.sin(2 * np.pi * week / 52) + 0.1 * rating + 0.1 * star - 0.1 * stay + hidden[place]
    listed = frame["listed"].to_numpy()
    best, price = listed * np.exp(lift), listed * np.exp(rng.normal(0, 0.25, len(place)))
    booked = rng.random(len(place)) < chance(price, best)
    return frame.with_columns(
        pl.Series("weekend", weekend), pl.Series("week", week), pl.Series("log_listed", np.log(listed)),
        pl.Series("price", price), pl.Series("booked", booked), pl.Series("best", best),
    )  # fmt: skip


def read_listings(n: int, seed: int) -> pl.DataFrame:
    """Return some real listings with a listed price of 20 to 1,000 dollars."""
    path = data_folder() / "airbnb_dc" / "listings.csv.gz"
    frame = pl.read_csv(path, infer_schema_length=None)
    listed = frame["price"].str.replace_all(r"[$,]", "").cast(pl.Float64)
    frame = frame.with_columns(listed=listed).filter(pl.col("listed").is_between(20, 1000))
    return frame.select("host_id", *NUMBERS, *WORDS, "listed").sample(min(n, frame.height), seed=seed, shuffle=True)


def compare(frame: pl.DataFrame, epochs: int, seed: int, threads: int) -> list[dict[str, Any]]:
    """Return a row of figures for each way of suggesting a price, all learned from the same offers."""
    from fieldguide.core.candidate import Candidate, fit
    from fieldguide.core.contracts import Effort
    from fieldguide.core.documents.config import Config
    from fieldguide.core.rows import Rows
    from fieldguide.parts import find, modality
    from fieldguide.steps.frame.frame import frame as framed

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "offers.csv"
        frame.drop("best", "host_id").write_csv(table)
        problem = {"task": "price", "target": "price", "booked": "booked", "c1": 0.7, "c2": 1.3}
        found = framed(Config.from_dict({"problem": problem, "data": {"table": str(table)}}))
    outputs = found.problem.outputs
    rows = Rows.of(found.table, outputs, modality)
    hosts = frame["host_id"].unique().sort()
    held = frame["host_id"].is_in(hosts.sample(fraction=0.3, seed=seed).implode()).to_numpy()
    train, test = rows.take(np.flatnonzero(~held)), rows.take(np.flatnonzero(held))
    truth, best = test.truths[0], frame["best"].to_numpy()[held]
    listed = frame["listed"].to_numpy()[held]
    told = [
        _figures("offered price", np.abs(truth), truth, best, 0.0),
        _figures("listed price", listed, truth, best, 0.0),
    ]
    told.append(_figures("best price (unknown in practice)", best, truth, best, 0.0))
    for words, name, settings in (
        ("plain regression, boosting", "boosting", {"n_rounds": 150}),
        ("plain regression, linear", "linear", {}),
        ("booking probability alone", "revenue", {"reference": "listed"}),
        ("strategy", "strategy", {"reference": "listed"}),
        ("interval loss, mlp", "mlp", {"n_epochs": epochs}),
    ):
        began = time.process_time()
        candidate = Candidate.of(name, find("learners", name)(**settings))
        fitted, _ = fit(candidate, train, None, outputs, modality, Effort(seed=seed, threads=threads))
        told.append(
            _figures(words, fitted.predict(test.cells, len(test))[0][:, 0], truth, best, time.process_time() - began)
        )
    return told


def _figures(words: str, suggested: np.ndarray, truth: np.ndarray, best: np.ndarray, seconds: float) -> dict[str, Any]:
    from fieldguide.parts import find

    regret = 1 - suggested * chance(suggested, best) / (best * chance(best, best))
    names = find("tasks", "price").metrics
    scores = {name: find("metrics", name)().score(truth, suggested) for name in names}
    off = float(np.mean(np.abs(np.log(suggested / best))))
    return {"way": words, "regret": float(regret.mean()), "log distance": off, **scores, "cpu s": seconds}


def _standard(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean()) / values.std())


def main() -> None:
    """Simulate, fit, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listings", type=int, default=2500)
    parser.add_argument("--nights", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    said = parser.parse_args()
    frame = offers(read_listings(said.listings, said.seed), said.nights, said.seed)
    print(
        f"{frame.height:,} simulated nights of {said.listings:,} real listings, {float(frame['booked'].to_numpy().mean()):.1%} booked\n"
    )
    told = compare(frame, said.epochs, said.seed, said.threads)
    short = {"interval_loss": "loss [$]", "price_decrease_recall": "PDR", "price_decrease_precision": "PDP",
             "price_increase_recall": "PIR", "price_increase_precision": "PIP", "booking_regret": "BR"}  # fmt: skip
    names = [name for name in told[0] if name != "way"]
    print("| suggestion | " + " | ".join(short.get(name, name) for name in names) + " |")
    print("|---|" + "---:|" * len(names))
    for row in told:
        print(f"| {row['way']} | " + " | ".join(f"{row[name]:.3f}" for name in names) + " |")


if __name__ == "__main__":
    main()
