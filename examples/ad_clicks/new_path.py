"""The new code path, with the fault that the A/A test has to find: it loses the device of tablets.

An arm of experiment.yaml by its name, `examples.ad_clicks.new_path:score`: rows as mappings to scores, by the control's own model.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

MODEL = "AD_CLICKS_MODEL"
"""Environment variable that names the control's model folder."""


@cache
def _model() -> Any:
    from fieldguide.workflow import load_model

    return load_model(Path(os.environ[MODEL]))


def seen(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as the new path sees them."""
    return rows.with_columns(pl.when(pl.col("device") != "tablet").then(pl.col("device")).alias("device"))


def score(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Score rows through the new path."""
    model = _model()
    frame = seen(pl.DataFrame(list(rows))).select([column.name for column in model.columns])
    answers = model.predict(frame)
    return answers[answers.columns[-1]].to_list()
