"""Bad inputs: each ends in one message that names what, rule, fact and remedy, and nothing is half written.

The inputs stand in the tables of `bad_*.py`, one line each; here they are made, handed over, and the refusal is held against
what the table says.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bad_calls import ANSWERS, CALLS, REQUESTS, ROWS, USAGE, called, judge, post, predict
from bad_case import PARTS, PEOPLE, Bad, Room, kept, told
from bad_documents import PLANS, STUDIES, split, start
from bad_folders import JOINS, MEDIA, joined
from bad_folders import init as init_folder
from bad_models import MODELS, load
from bad_tables import TABLES, init

from conftest import Command, small_study
from fieldguide.core.answering import Contract
from fieldguide.core.errors import FieldguideError
from fieldguide.faces.server.app import build
from fieldguide.faces.server.arms import Arm
from fieldguide.parts.stores import open_log
from fieldguide.workflow import Study, load_model

GROUPS: dict[str, tuple[list[Bad], Any]] = {
    "tables": (TABLES, init), "studies": (STUDIES, split), "plans": (PLANS, start), "models": (MODELS, load),
    "media": (MEDIA, init_folder), "joins": (JOINS, joined), "usage": (USAGE, None), "rows": (ROWS, predict), "answers": (ANSWERS, judge),
    "calls": (CALLS, called), "requests": (REQUESTS, post),
}  # fmt: skip
CASES = [(group, case, case.call or call) for group, (cases, call) in GROUPS.items() for case in cases]
MOST_MEMORY = 600 * 1024
"""What a refusal may add to the memory of the process [kB]: packages that are loaded for it, and no claim of a header."""
LITTER = (".writing", ".part")


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study folder on which nothing was run."""
    folder = tmp_path_factory.mktemp("fresh")
    PEOPLE.write_csv(folder / "t.csv")
    return Study.create(folder / "t.csv", target="bought", out=folder / "study").folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study folder that was finalized, with two candidates packaged beside its model."""
    study = small_study(tmp_path_factory.mktemp("small") / "study", PEOPLE, "bought", trials=0, networks=False)
    study.run()
    study.finalize()
    for name in ("linear", "boosting"):
        study.package(name, study.folder / name)
    return study.folder


@pytest.fixture(scope="session")
def client(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a server of the small model."""
    from starlette.testclient import TestClient

    contract = Contract.of(load_model(small / "model"))
    store = open_log(f"{tmp_path_factory.mktemp('log')}/log.db")
    with TestClient(build((Arm("people", contract, "hash"),), store), raise_server_exceptions=False) as client:
        yield client
    store.close()


@pytest.fixture
def room(tmp_path: Path, fresh: Path, small: Path, client: Any, command: Command) -> Room:
    (tmp_path / "room").mkdir()
    return Room(tmp_path / "room", fresh, small, client, command)


@pytest.mark.parametrize(("group", "case", "call"), CASES, ids=[f"{group}: {case.name}" for group, case, _ in CASES])
def test_a_bad_input_is_refused_in_four_parts(group: str, case: Bad, call: Any, room: Room) -> None:
    made = case.make(room)
    before, peak = kept(room.folder), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        outcome = call(room, made)
    except FieldguideError as error:
        outcome = error
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert used < MOST_MEMORY, f"{used / 1024:.0f} MB"
    parts = told(outcome, case)
    missing = [part for part in PARTS if not parts.get(part)]
    assert not missing, (missing, parts)
    message = " ".join(f"{label}{parts[part]}" for label, part in zip(("", "Rule: ", "Found: ", "Do: "), PARTS))
    assert re.search(case.words, message, re.DOTALL), message
    after = kept(room.folder)
    grown = {name for name in after if name not in before}
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.endswith(LITTER)]
    assert group in ("studies", "media") or not grown, grown
