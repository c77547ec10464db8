"""What tests share: small tables made by seed, and studies on them that are run once."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import polars as pl
import pytest

from fieldguide.faces.cli import main
from fieldguide.workflow import Study

os.environ.setdefault("OMP_NUM_THREADS", "2")
# Every run tries the same examples, however slow the machine is; `pytest --hypothesis-profile=default` looks for others.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.load_profile("house")


def people(n_rows: int = 400, seed: int = 3) -> pl.DataFrame:
    """Return a table of people with a number, two categories, a boolean, a date, missing cells, and who bought."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n_rows).astype(float)
    city = rng.choice(["Lima", "Oslo", "Quito", "Turin"], n_rows)
    member = rng.random(n_rows) < 0.4
    spend = rng.gamma(2.0, 40.0, n_rows)
    logit = 0.06 * (age - 45) + 1.2 * member + 0.8 * (city == "Oslo") + 0.01 * (spend - 80)
    bought = rng.random(n_rows) < 1 / (1 + np.exp(-logit))
    joined = np.datetime64("2019-01-01") + rng.integers(0, 900, n_rows)
    return pl.DataFrame({
        "age": pl.Series([None if r < 0.05 else a for r, a in zip(rng.random(n_rows), age)], dtype=pl.Float64),
        "city": city, "member": ["yes" if m else "no" for m in member], "spend": spend.round(2),
        "joined": [str(d) for d in joined], "bought": ["yes" if b else "no" for b in bought],
    })  # fmt: skip


def houses(n_rows: int = 300, seed: int = 5) -> pl.DataFrame:
    """Return a regression table: price from size, rooms and a district."""
    rng = np.random.default_rng(seed)
    size, rooms = rng.uniform(30, 200, n_rows), rng.integers(1, 7, n_rows)
    district = rng.choice(["north", "south", "west"], n_rows)
    price = 2.0 * size + 15 * rooms + 40 * (district == "west") + rng.normal(0, 20, n_rows)
    return pl.DataFrame({"size": size, "rooms": rooms, "district": district, "price": price.round(1)})


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No test uses the network: whoever connects to another machine fails, by name. Processes that tests start are on their honour."""
    connect = socket.socket.connect

    def refused(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _here(str(address[0])):
            raise AssertionError(f"a test connects to {address[0]}: tests use this machine only")
        connect(self, address)

    socket.socket.connect = refused  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """A test that draws from torch without a seed draws the same in every run: each process begins with another seed of torch's."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session")
def people_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "people.csv"
    people().write_csv(path)
    return path


def small_study(
    folder: Path, table: pl.DataFrame | Path, target: str, *, trials: int = 2, extra: str = "", networks: bool = True
) -> Study:
    """Make a study with a trial budget and no clock, so that the same seed gives the same numbers."""
    study = Study.create(table, target=target, out=folder)
    text = (folder / "study.yaml").read_text()
    text = text.replace("budget: {trials: 30, minutes: 10}", f"budget: {{trials: {trials}, minutes: }}\nthreads: 2")
    small = "{mlp: {n_epochs: 4, d_hidden: 16}, tabm: {n_epochs: 3, k: 2, d_block: 16}}"
    learners = f"learners: {{settings: {small}}}\n" if networks else "learners: {skip: [mlp, tabm]}\n"
    learners += "split: {folds: 3, repeats: 1}\n" if "split:" not in extra else ""
    (folder / "study.yaml").write_text(text + learners + extra)
    return Study(study.folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, people_csv: Path) -> Study:
    """A small binary study, run and finalized once for all tests that only read it."""
    study = small_study(tmp_path_factory.mktemp("studies") / "people", people_csv, "bought", extra="slices: [city]\n")
    study.run()
    study.finalize()
    return study


@dataclass(frozen=True)
class Done:
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a `fieldguide` command as the command line does, in this process."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["fieldguide", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        printed = capsys.readouterr()
        return Done(status, printed.out, printed.err)

    return run
