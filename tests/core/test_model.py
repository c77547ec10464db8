"""The model folder: what it answers, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import people
from fieldguide.core.errors import ContractError, ModelError
from fieldguide.core.model import Model, predict_file
from fieldguide.workflow import Study, load_model


@pytest.fixture
def folder(finished: Study, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.folder / "model", tmp_path / "model"))


@pytest.fixture(scope="module")
def model(finished: Study) -> Model:
    return load_model(finished.folder / "model")


def test_answers_have_the_key_the_prediction_and_probabilities(model: Model) -> None:
    answers = model.predict(people(50, seed=9))
    assert answers.columns == ["row", "prediction", "probability_no", "probability_yes"]
    assert answers["row"].to_list() == list(range(50))
    assert np.allclose(answers["probability_no"] + answers["probability_yes"], 1)
    assert set(answers["prediction"].unique()) <= {"yes", "no"}


def test_a_file_a_frame_and_single_rows_are_answered_alike(model: Model, tmp_path: Path) -> None:
    frame = people(40, seed=9)
    frame.write_csv(tmp_path / "new.csv")
    frame.write_parquet(tmp_path / "new.parquet")
    whole = model.predict(frame)["probability_yes"].to_numpy()
    for name in ("new.csv", "new.parquet"):
        assert np.array_equal(model.predict(tmp_path / name)["probability_yes"].to_numpy(), whole)
    single = [model.predict_rows([row])[0][0][0, 1] for row in frame.to_dicts()]
    assert np.allclose(single, whole, atol=1e-6)


def test_pandas_frames_are_answered(model: Model) -> None:
    pandas = pytest.importorskip("pandas")
    frame = people(20, seed=9)
    assert (
        model.predict(pandas.DataFrame(frame.to_dict(as_series=False)))["prediction"].to_list()
        == model.predict(frame)["prediction"].to_list()
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_long_file_is_answered_slice_by_slice_in_order(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("fieldguide.core.model.SLICE", 64)
    frame = people(300, seed=9)
    frame.write_csv(tmp_path / "new.csv")
    n_rows, violations = predict_file(model, tmp_path / "new.csv", tmp_path / f"scores.{suffix}")
    scores = pl.read_csv(tmp_path / "scores.csv") if suffix == "csv" else pl.read_parquet(tmp_path / "scores.parquet")
    assert n_rows == scores.height == 300
    assert scores["row"].to_list() == list(range(300))
    assert not violations
    assert np.allclose(scores["probability_yes"], model.predict(frame)["probability_yes"])


def test_broken_cells_are_named_and_taken_as_missing(model: Model) -> None:
    frame = people(30, seed=9).with_columns(pl.col("spend").cast(pl.String))
    frame[7, "spend"] = "a lot"
    ((answers, violations),) = model.stream(frame)
    assert answers.height == 30
    (violation,) = violations
    assert violation.sentence() == "column 'spend': 1 cell is not a number, such as row 7: 'a lot'"


def test_unknown_categories_are_answered(model: Model) -> None:
    frame = people(10, seed=9).with_columns(pl.lit("Atlantis").alias("city"))
    assert model.predict(frame)["probability_yes"].is_finite().all()


def test_extra_columns_are_ignored(model: Model) -> None:
    frame = people(10, seed=9)
    more = frame.with_columns(pl.lit(1).alias("noise")).select(["noise", *reversed(frame.columns)])
    assert model.predict(more).equals(model.predict(frame))


def test_a_missing_column_is_named_with_the_nearest(model: Model) -> None:
    with pytest.raises(ContractError, match=r"1 column is missing: spend \(did you mean 'spent'\?\)"):
        model.predict(people(10).rename({"spend": "spent"}))
    with pytest.raises(ContractError, match="a column may not be absent"):
        model.predict_rows([{"age": 3}])


def test_an_altered_file_is_refused(folder: Path) -> None:
    path = next(p for p in folder.rglob("*") if p.is_file() and "members" in p.parts)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match="is missing, altered or truncated"):
        load_model(folder)


def test_a_truncated_file_is_refused(folder: Path) -> None:
    path = folder / "model.json"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match=r"'model.json'.*missing, altered or truncated"):
        load_model(folder)


def test_a_stranger_in_the_folder_is_refused(folder: Path) -> None:
    (folder / "members" / "evil.pkl").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"files it was not made with: members/evil.pkl"):
        load_model(folder)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname"])
def test_a_path_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "outside.txt").write_text("x")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="leads out of the model folder"):
        load_model(folder)


def test_a_link_is_refused(folder: Path) -> None:
    target = folder.parent / "kept.md"
    (folder / "README.md").rename(target)
    (folder / "README.md").symlink_to(target)
    with pytest.raises(ModelError, match="leads out of the model folder"):
        load_model(folder)


def test_not_a_model_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model folder"):
        load_model(tmp_path)


def test_golden_rows_are_replayed_on_load(folder: Path) -> None:
    import hashlib

    golden = json.loads((folder / "golden.json").read_text())
    golden["answers"][0][0] = [0.5, 0.5]
    (folder / "golden.json").write_text(json.dumps(golden))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["golden.json"] = hashlib.sha256((folder / "golden.json").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="does not give the answers it was packaged with"):
        load_model(folder)


def test_golden_rows_are_nobodys(finished: Study) -> None:
    golden = json.loads((finished.folder / "model" / "golden.json").read_text())["rows"]
    real = {tuple(str(row[name]) for name in golden[0]) for row in people(400).to_dicts()}
    assert not {tuple(str(v) for v in row.values()) for row in golden} & real


def test_no_pickle_in_the_folder(finished: Study) -> None:
    suffixes = {path.suffix for path in (finished.folder / "model").rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".md", ".safetensors", ".txt", ".onnx"}


def test_the_card_says_what_it_was_judged_by(finished: Study) -> None:
    card = (finished.folder / "model" / "README.md").read_text()
    assert "| test | ROC AUC |" in card
    assert "| age | number |" in card
