"""The main job on real data that ships inside statsmodels: 6,366 answers to a 1974 magazine survey (Fair, 1978).

Who answers that they had an affair? Writes demo/survey.csv, then does what a user would do on the command line.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

GOAL = "Offer counselling where an affair is likely"
WORK = {
    1: "student",
    2: "farming or manual",
    3: "office",
    4: "teaching or nursing",
    5: "managing or business",
    6: "profession",
}


def write_survey(path: Path) -> None:
    """Write the survey as a CSV with words for the occupations and yes/no for the answer."""
    import polars as pl
    from statsmodels.datasets import fair

    table = pl.from_dict({name: values.tolist() for name, values in fair.load_pandas().data.items()})
    occupations = [pl.col(name).cast(pl.Int64).replace_strict(WORK) for name in ("occupation", "occupation_husb")]
    answer = pl.when(pl.col("affairs") > 0).then(pl.lit("yes")).otherwise(pl.lit("no")).alias("affair")
    path.parent.mkdir(exist_ok=True)
    table.with_columns(*occupations, answer).drop("affairs").write_csv(path)


def main() -> None:
    folder = Path("demo")
    study = folder / "survey"
    if study.exists():
        print(f"{study} is there already: the study goes on where it was. Remove it to start again.")
    else:
        write_survey(folder / "survey.csv")
        fieldguide("init", str(folder / "survey.csv"), "--target", "affair", "--goal", GOAL, "--out", str(study))
    fieldguide("run", str(study), "--minutes", "1")
    if not (study / "model").exists():
        fieldguide("finalize", str(study))
        fieldguide("predict", str(study / "model"), str(folder / "survey.csv"), "-o", str(folder / "scores.csv"))
    fieldguide("report", str(study))
    print(f"\nThe report: {(study / 'report.html').resolve().as_uri()}")


def fieldguide(*arguments: str) -> None:
    print(f"\n$ fieldguide {shlex.join(arguments)}", flush=True)
    subprocess.run([str(Path(sys.executable).with_name("fieldguide")), *arguments], check=True)


if __name__ == "__main__":
    main()
