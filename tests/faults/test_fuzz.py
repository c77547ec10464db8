"""Fuzzing: study.yaml with parts torn out and put in, rows of anything, journals with bytes turned. Only refusals, and soon."""

from __future__ import annotations

import datetime
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bad_case import PEOPLE
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import small_study
from fieldguide.core.documents.config import Config, parse_config
from fieldguide.core.errors import ConfigError, FieldguideError, StudyError
from fieldguide.core.journal import Journal
from fieldguide.core.model import Model
from fieldguide.workflow import load_model

VALID = """\
problem:
  goal: Contact only people likely to buy
  target: bought
  task: binary
  positive: "yes"
  costs: {false_positive: 1, false_negative: 5}
  metric: {fbeta: {beta: 2}}
  limits: {latency_ms: 5}
data:
  table: t.csv
  time: joined
  derive: {ratio: spend / age}
  columns: {city: ignore, age: {kind: number, read: {missing: [-1, "?"]}}}
population: {evaluate: "age > 18"}
split: {test: 0.15}
slices: [member]
budget: {trials: 30, minutes: 10}
learners: {skip: [tabm], settings: {mlp: {d_hidden: 8}}}
seed: 7
"""
PIECES = st.sampled_from([
    "[", "]", "{", "}", ":", "- ", "\t", "  ", "\n", "#", "&a ", "*a", "!!python/name:os.system ", "!!binary ", "<<: ", "? ", "|\n", ">\n",
    "'", '"', "\0", "\u2028", "\ufeff", "~", "yes", ".nan", "-.inf", "1e999", "9" * 400, "0x1F", "2024-01-31", "---\n", "...\n", "%YAML 9.9\n",
    "seed: 8\n", "problem: 3\n", "data: {}\n", "{" * 60, "[" * 5000, "x" * 5000, "target: [a, a]\n", "null", "é", "\U0001f600",
])  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, len(VALID)), st.integers(0, 25), PIECES), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(EDITS, st.integers(0, 20))
def test_any_study_yaml_is_valid_or_refused(edits: list[tuple[int, int, str]], n_broken: int) -> None:
    text = VALID
    for at, cut, put in edits:
        text = text[:at] + put + text[at + cut :]
    content = (
        text.encode() if n_broken else text.encode()[: len(text) // 2] + b"\xff\xfe" + text.encode()[len(text) // 2 :]
    )
    began = time.process_time()
    try:
        config = parse_config(content, Path("/studies"))
    except ConfigError as error:
        assert all(error.to_dict().values()), error.to_dict()
    else:
        assert Config.from_dict(config.to_dict(), "/elsewhere") == config
    assert time.process_time() - began < 2.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    study = small_study(tmp_path_factory.mktemp("fuzz") / "study", PEOPLE, "bought", trials=0, networks=False)
    study.baseline()
    return load_model(study.package("linear", study.folder / "linear").folder or "")


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=20), st.dates(), st.datetimes(),
    st.decimals(), st.just(Decimal("sNaN")), st.sampled_from(["9" * 5_000, "x" * 100_000, "\0", "1e999", "-0", "NaN", "٣", 10**400, -(10**400), datetime.timedelta(1)]),
)  # fmt: skip
CELL = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ROW = st.fixed_dictionaries({name: CELL for name in PEOPLE.columns if name != "bought"})


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=3))
def test_any_cells_are_answered_or_refused(model: Model, rows: list[dict[str, Any]]) -> None:
    try:
        (answers,), violations = model.predict_rows(rows)
    except FieldguideError:
        return
    assert answers.shape == (len(rows), 2)
    assert ((answers >= 0) & (answers <= 1)).all(), "broken cells count as missing, and a missing cell has an answer"
    assert {violation.column for violation in violations} <= set(PEOPLE.columns)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=3))
def test_any_frame_is_answered_or_refused(model: Model, rows: list[dict[str, Any]]) -> None:
    try:
        answers = model.predict(rows)
    except FieldguideError:
        return
    assert answers.height == len(rows)
    assert answers["probability_yes"].is_finite().all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2_000), st.sampled_from(["cut", "turn", "add", "put"]), st.binary(min_size=1, max_size=30))
def test_a_journal_is_whole_or_refused(at: int, how: str, more: bytes) -> None:
    """Whatever is done to the file, what is read is a beginning of what was written, or nothing is read at all."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        journal = Journal(path)
        for number in range(4):
            journal.append("step", {"number": number, "text": "é" * 20})
        whole = path.read_bytes()
        at %= len(whole)
        changed = {
            "cut": whole[:at],
            "turn": whole[:at] + bytes([whole[at] ^ (more[0] or 1)]) + whole[at + 1 :],
            "add": whole + more.replace(b"\n", b""),
            "put": whole[:at] + more + whole[at:],
        }[how]
        path.write_bytes(changed)
        try:
            found = [record["data"]["number"] for record in Journal(path).records()]
        except StudyError as error:
            assert all(error.to_dict().values())
            return
        assert found == list(range(len(found)))
        assert Journal(path).append("step", {"number": len(found)})["before"] != "" or not found
        assert [r["data"]["number"] for r in Journal(path).records()] == list(range(len(found) + 1))
