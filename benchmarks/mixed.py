"""Texts beside columns: what each adds to the log price of Airbnb listings in Washington DC, grouped by host.

    taskset -c 0 python -m benchmarks.mixed [--minutes 6] [--whole boosting linear]

A whole study: the seal, five-fold cross-validation by host, the bar, networks, and what each kind of data is worth. Columns that
derive from the price, or are known only after it was set, are left out by hand. The sealed rows stay sealed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl

import fieldguide as fg
from benchmarks.datasets import data_folder
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.parts import find
from fieldguide.steps.refine.worth import modality_worth

COLUMNS = (
    "neighbourhood_cleansed", "latitude", "longitude", "property_type", "room_type", "accommodates", "bathrooms", "bedrooms",
    "beds", "minimum_nights", "maximum_nights", "instant_bookable", "host_is_superhost", "host_listings_count", "host_since",
    "number_of_reviews", "review_scores_rating", "review_scores_location", "review_scores_cleanliness",
)  # fmt: skip
TEXTS = ("name", "description", "amenities")


def listings() -> pl.DataFrame:
    """Return the priced listings: texts, columns, host and log price."""
    raw = pl.read_csv(data_folder() / "airbnb_dc" / "listings.csv.gz", infer_schema_length=0)
    price = pl.col("price").str.replace_all(r"[$,]", "").cast(pl.Float64, strict=False)
    table = raw.with_columns(price.alias("price")).filter(pl.col("price") > 0)
    said = pl.col("amenities").str.replace_all(r'[\[\]"]', " ").str.replace_all(r"\\u[0-9a-f]{4}", " ")
    return table.select(
        *TEXTS[:2], said.alias("amenities"), *COLUMNS, "host_id", pl.col("price").log().alias("log_price")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument(
        "--whole", nargs="*", default=["boosting", "linear"], help="learners taken apart without a clock too"
    )
    said = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "listings.parquet"
        listings().write_parquet(table)
        study = fg.Study.create(table, target="log_price", out=Path(folder) / "study", metric="r2")
        text = (Path(folder) / "study" / "study.yaml").read_text(encoding="utf-8")
        # what only a person knows: the host groups the rows, and these columns are texts
        kinds = "  columns: {" + ", ".join(f"{name}: text" for name in TEXTS) + ", host_id: ignore}\n  group: host_id\n"
        kept = [line for line in text.splitlines() if not line.startswith(("  columns:", "  group:"))]
        changed = "\n".join(kept).replace("\ndata:\n", f"\ndata:\n{kinds}")
        (Path(folder) / "study" / "study.yaml").write_text(changed, encoding="utf-8")
        study = fg.Study(Path(folder) / "study")
        refined = study.run(minutes=said.minutes)
        print("| candidate | R2, 5-fold by host | seconds |\n|---|---|---|")
        for line in study.leaderboard():
            score = line["score"]
            print(
                f"| {line['candidate']} | {score['value']:.3f} [{score['interval'][0]:.3f}, {score['interval'][1]:.3f}] | {line['seconds']:.0f} |"
            )
        told = [refined.facts.get("worth")]
        bench = replace(study._bench, limit=None)
        for learner in said.whole:  # the same without a clock: whatever they can learn, they do
            trial = bench.attempt(Candidate.of(f"{learner}, no clock", find("learners", learner)()), Clock())
            told.append(modality_worth(bench, trial, Clock()))
        for worth in told:
            if worth is None or all(kind["without"] is None for kind in worth["kinds"]):
                print("\nno time was left for the ablation")
                continue
            low, high = worth["score"]["interval"]
            print(f"\n{worth['candidate']}: {worth['score']['value']:.3f} [{low:.3f}, {high:.3f}]\n")
            print("| kind | alone | without it | what it adds, paired |\n|---|---|---|---|")
            for kind in worth["kinds"]:
                alone, without = kind["alone"], kind["without"]
                cells = [f"{part['score']['value']:.3f}" if part else "–" for part in (alone, without)]
                gain = without["difference"] if without else None
                words = (
                    f"{gain['value']:+.4f} [{gain['interval'][0]:+.4f}, {gain['interval'][1]:+.4f}]" if gain else "–"
                )
                print(f"| {kind['kind']} | {cells[0]} | {cells[1]} | {words} |")


if __name__ == "__main__":
    main()
