"""All benchmarks in one run, the short form: `python -m benchmarks` (or `make bench`). Each also runs alone, with options."""

from __future__ import annotations

import subprocess
import sys

SHORT = (
    ("coverage", ["--sizes", "200", "--samples", "300"]),
    ("refit_coverage", ["--replicates", "30"]),
    ("epoch", ["--rows", "10000"]),
    ("join", ["--events", "1000000", "--runs", "1"]),
    (
        "honesty",
        ["--faults", "clean_loans", "exact_duplicates", "post_outcome_value", "--tools", "ours", "--minutes", "0.3"],
    ),
    ("experiments", ["--experiments", "300"]),
    ("curves", ["--only", "ItalyPowerDemand", "--seeds", "1"]),
    ("texts", ["--only", "sms", "--tools", "linear,fusion"]),
    ("pricing", []),
    ("accuracy", ["--tasks", "adult", "california", "concrete", "--seeds", "1", "--tools", "ours", "lightgbm"]),
)


def main() -> None:
    for name, options in SHORT:
        print(f"\n## {name}\n\n    python -m benchmarks.{name} {' '.join(options)}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)


if __name__ == "__main__":
    main()
