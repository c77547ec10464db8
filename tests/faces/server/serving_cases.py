"""What the tests of the server share: arms of a model that lies in a folder, rows it answers, and a client."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from conftest import people
from fieldguide.core.answering import Contract
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.online.log import LogStore
from fieldguide.faces.server.app import build
from fieldguide.faces.server.arms import Arm, Scorer
from fieldguide.faces.server.handlers import Settings
from fieldguide.parts import find, modality
from fieldguide.parts.stores import open_log
from fieldguide.workflow import Study, load_model


@dataclass(frozen=True)
class Served:
    """A server in this process and its log."""

    client: TestClient
    store: LogStore
    arms: tuple[Arm, ...]

    def predict(self, *rows: dict[str, Any], **more: Any) -> Any:
        return self.client.post("/predict", json={"rows": list(rows), **more})


def model_folder(base: Path) -> Path:
    """Return the folder of a small linear model of people, made once per session."""
    if not (base / "served").exists():
        part = Path(tempfile.mkdtemp(dir=base))  # what fails on the way is in nobody else's way
        people(300).write_csv(part / "people.csv")
        made = Study.create(part / "people.csv", target="bought", out=part / "study")
        learned, outputs = made.material.rows_of(made.material.to_learn), made.problem.outputs
        fitted, _ = fit(
            Candidate.of("linear", find("learners", "linear")()), learned, None, outputs, modality, Effort()
        )
        score = {
            "output": "bought",
            "metric": "log_loss",
            "value": 0.5,
            "interval": [0.4, 0.6],
            "n": 45,
            "rows": "test",
            "looks": 1,
        }
        evidence = {"scores": [score], "looks": [{"by": "finalize"}]}
        made._bench.packaged(fitted, [None], evidence, made.material.key).save(part / "model")
        part.rename(base / "served")
    return base / "served" / "model"


def rows(n: int = 5, seed: int = 11) -> list[dict[str, Any]]:
    """Return rows of people without the target, as a caller sends them."""
    return people(n, seed=seed).drop("bought").to_dicts()


def arms_of(folder: Path, *names: str, scorer: Scorer | None = None) -> tuple[Arm, ...]:
    """Return one model under several names; with a scorer, a foreign arm `today` beside it."""
    contract = Contract.of(load_model(folder))
    arms = tuple(Arm(name, replace(contract, hash=f"{name}-hash"), f"{name}-hash") for name in names or ("people",))
    return arms if scorer is None else (*arms, Arm("today", contract, "foreign:today", scorer))


@contextmanager
def serving(arms: tuple[Arm, ...], url: str, settings: Settings | None = None) -> Iterator[Served]:
    """Serve arms in this process."""
    store = open_log(url)
    try:
        with TestClient(build(arms, store, settings), raise_server_exceptions=False) as client:
            yield Served(client, store, arms)
    finally:
        store.close()
