"""A folder of images through the whole workflow, from the command line, and its model asked without the folder."""

from __future__ import annotations

import base64
import io
import json
import shutil
import sys

import polars as pl
import pytest
from sklearn.datasets import load_digits

from fieldguide.core.answering import Contract, read_request
from fieldguide.core.errors import DataError
from fieldguide.core.files.source import open_source
from fieldguide.faces.cli import main as cli
from fieldguide.faces.report import blocks, pictures
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.workflow import Study, load_model

PIL = pytest.importorskip("PIL.Image")
SETTINGS = """
learners: {use: [prior, linear, fusion], settings: {fusion: {n_epochs: 12, d_embedding: 16, d_hidden: 16, batch_size: 8, average: 0.0, dropout: 0.0}}}
split: {column: split, test: test, validation: 0.25}
preprocessing: {pixels: 16, flip: true, pixel_scaling: range}
threads: 1
"""


def main(arguments):
    """Run the command line; return its exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fieldguide", *arguments])
        try:
            cli()
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


def write_digits(folder, n=120):
    """scikit-learn's digits as PNG files: train and test folders with a folder for each of two classes."""
    digits = load_digits()
    kept = [i for i in range(len(digits.target)) if digits.target[i] < 2][:n]
    for place, i in enumerate(kept):
        part = folder / ("test" if place % 5 == 0 else "train") / str(digits.target[i])
        part.mkdir(parents=True, exist_ok=True)
        PIL.fromarray((digits.images[i] * 15.9).astype("uint8")).save(part / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    folder = write_digits(root / "digits")
    (folder / "train" / "0" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    assert main(["init", str(folder), "--target", "label", "--out", str(root / "study")]) == 0
    text = (root / "study" / "study.yaml").read_text()
    assert "split: {column: split, test: test}  # = the division that the folders give" in text
    text = text.replace("split: {column: split, test: test}", "#").replace(
        "{trials: 30, minutes: 10}", "{trials: 0, minutes: }"
    )
    (root / "study" / "study.yaml").write_text(text + SETTINGS)
    assert main(["run", str(root / "study")]) == 0
    assert main(["finalize", str(root / "study")]) == 0
    return Study(root / "study")


def test_the_given_division_is_obeyed_and_a_damaged_file_is_told(study):
    results = {result.step: result for result in study.results()}
    assert results["split"]["n_test"] == 24 and results["split"]["scheme"] == "given, random"
    told = next(f for f in results["frame"].findings if f.code == "FG110" and f.fired)
    assert "train/0/damaged.png (" in told.sentence and told.sentence.startswith("1 file of 'image'")


def test_the_network_of_images_answers_better_than_chance(study):
    entries = {entry["candidate"]: entry for result in study.results() for entry in result.facts.get("entries", [])}
    score = {name: entry["scores"][0]["value"] for name, entry in entries.items()}
    assert score["fusion"] > 0.9 and score["linear"] > 0.9 and score["prior"] == 0.5, score
    recipe = entries["fusion"]["recipe"]  # as study.yaml states it
    assert (recipe["pixels"], recipe["flip"], recipe["pixel_scaling"], recipe["media"]) == (16, True, "range", "blocks")


def test_the_model_answers_without_the_folder_it_was_made_from(study, tmp_path, monkeypatch):
    moved = tmp_path / "model"
    shutil.copytree(study.folder / "model", moved)
    images = study.config.data.table
    hidden = images.rename(images.with_name("hidden"))
    try:
        model = load_model(moved)  # replays its golden rows
        golden = json.loads((moved / "golden.json").read_text())["rows"]
        assert all(row["image"] is None or row["image"].startswith("data:image/") for row in golden)
        assert str(images) not in (moved / "model.json").read_text()
        file = next((hidden / "test" / "1").glob("*.png"))
        sent = f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
        (probabilities,), violations = model.predict_rows([{"image": sent}])
        assert probabilities.argmax() == 1 and not violations
        _, refused = model.predict_rows([{"image": str(file)}])
        assert "only data: URIs are taken here" in refused[0].sentence()
        (tmp_path / "new.csv").write_text(f"image\n{file.relative_to(hidden)}\ngone.png\n")
        shutil.copytree(hidden / "test", tmp_path / "test")
        assert main(["predict", str(moved), str(tmp_path / "new.csv"), "-o", str(tmp_path / "answers.csv")]) == 0
        answers = pl.read_csv(tmp_path / "answers.csv")
        assert answers["prediction"].to_list()[0] == 1 and answers.height == 2
        monkeypatch.setattr("fieldguide.core.model.SLICE", 1)  # the second slice holds nothing but the lost file
        assert model.predict(tmp_path / "new.csv").height == 2
    finally:
        hidden.rename(images)


def test_a_folder_is_predicted_as_a_table_of_its_files(study, tmp_path):
    folder = study.config.data.table / "test" / "0"
    found = load_model(study.folder / "model").predict(str(folder))
    assert found.height == len(list(folder.iterdir())) and (found["prediction"] == "0").mean() > 0.8


def test_the_report_shows_images_and_the_worst_answers(study):
    facts = {result.step: result.facts for result in study.results()}
    (heading, grid) = pictures.galleries(facts["explore"]["gallery"])
    assert heading["text"] == "image, class by class"
    assert [block["title"] for block in grid["blocks"]] == ["0 (49)", "1 (47)"]
    drawn = [item for block in grid["blocks"] for item in block["items"]]
    assert len(drawn) == 12 and all(item["source"].startswith("data:image/jpeg;base64,") for item in drawn)
    *_, answers = pictures.worst(facts["refine"])
    assert len(answers["items"]) == 12 and answers["items"][0]["lines"][0] in ("truth 0", "truth 1")
    sampled = {row["image"] for row in facts["explore"]["samples"]}
    assert all(str(study.config.data.table) not in str(name) for name in sampled)  # called by the end of their path


def test_a_record_that_was_tampered_with_fetches_nothing():
    shown = blocks.pictures(
        [{"kind": "image", "source": "https://example.org/1.png"}, {"kind": "image", "source": "javascript:alert(1)"}]
    )
    assert [item["source"] for item in shown["items"]] == [None, None]


def test_renamed_files_are_the_same_table(study, tmp_path):
    folder = tmp_path / "digits"
    shutil.copytree(study.config.data.table, folder)
    for i, path in enumerate(sorted(folder.rglob("*.png"))):
        if path.name != "damaged.png":  # what cannot be read is known by its name
            path.rename(path.with_name(f"renamed-{i}.png"))
    again = Study.create(folder, target="label", out=tmp_path / "study")
    assert again.split()["n_test"] == 24
    one, two = (set(s.material.framed.keys.tolist()) for s in (study, again))
    assert len(one) > 100 and one == two


def test_more_broken_files_than_allowed_stop_before_anything_is_fitted(tmp_path):
    folder = write_digits(tmp_path / "digits", 60)
    for path in sorted((folder / "train" / "1").iterdir())[:2]:
        path.write_bytes(b"")
    with pytest.raises(
        DataError,
        match=r"2 of 60 cells of 'image' are no image that can be read.*at most 0.01.*the file is empty \(0 bytes\)",
    ):
        Study.create(folder, target="label", out=tmp_path / "study").frame()
    text = (tmp_path / "study" / "study.yaml").read_text()
    (tmp_path / "study" / "study.yaml").write_text(text.replace("data:\n", "data:\n  unreadable: 0.05\n"))
    assert Study(tmp_path / "study").frame()["n_rows"] == 60


def test_a_validation_folder_is_the_validation_set(tmp_path):
    folder = write_digits(tmp_path / "digits", 80)
    held = sorted((folder / "train").rglob("*.png"))[::4]
    for path in held:
        (folder / "valid" / path.parent.name).mkdir(parents=True, exist_ok=True)
        path.rename(folder / "valid" / path.parent.name / path.name)
    study = Study.create(folder, target="label", out=tmp_path / "study")
    result = study.split()
    assert (result["n_test"], result["n_validation"], result["validation"]) == (16, 16, "one validation set of 16")
    framed, split = study.material.framed, study.material.divided.split
    shown = framed.table.take(split.work).take(split.folds[0].validation).frame["image"].to_list()
    assert {path.rsplit("/", 1)[1] for path in shown} == {path.name for path in held}


def test_a_served_request_sends_its_image_and_no_path(study):
    contract = Contract.of(load_model(study.folder / "model"))
    rows, saw, problems = read_request(contract, [contract.example()])
    assert rows is not None and not problems and saw[0][0].startswith("data:image/png")
    file = next(study.config.data.table.glob("test/0/*.png"))
    for value in (str(file), "/etc/passwd", "data:image/png;base64,AAAA"):
        rows, _, (problem,) = read_request(contract, [{"image": value}])
        assert rows is None and problem.rule == "an image as a data: URI in base64, or null" and len(problem.send) < 60


def test_names_of_images_that_are_not_there_are_no_images(tmp_path):
    rows = {"picture_url": [f"https://example.org/{i}.jpg" for i in range(40)], "size": [i % 7 for i in range(40)]}
    columns = {column.name: column for column in detect_columns(open_source(rows))}
    assert (
        columns["picture_url"].kind == "id"
        and "they name image files, and there are none such in" in columns["picture_url"].facts["why"]
    )
    touched = tmp_path / "table.csv"
    touched.write_text("photo\n" + "\n".join(f"{i}.jpg" for i in range(40)))
    for i in range(30):
        (tmp_path / f"{i}.jpg").write_bytes(b"x")
    assert detect_columns(open_source(touched))[0].kind == "image"


def test_each_of_two_open_studies_keeps_what_it_found_in_its_own_folder(tmp_path):
    folders = [write_digits(tmp_path / f"digits{i}", 60) for i in range(2)]
    studies = [Study.create(folder, target="label", out=tmp_path / f"study{i}") for i, folder in enumerate(folders)]
    for study in studies:
        study.frame()
    for study in studies:  # in turn: the one asked last is not the one that was opened last
        study.split()
    studies[0].frame()
    for i, study in enumerate(studies):
        lines = [json.loads(line) for line in (study.folder / "work" / "media.jsonl").read_text().splitlines()]
        assert {f"digits{i}" in name for name, _ in lines} == {True} and len({name for name, _ in lines}) == 60
    shared = Study.create(
        folders[0], target="label", out=tmp_path / "again"
    )  # what this process knows is written there as well
    shared.frame()
    lines = (tmp_path / "again" / "work" / "media.jsonl").read_text().splitlines()
    assert len({json.loads(line)[0] for line in lines}) == 60


@pytest.mark.parametrize("of", ["bytes", "struct"])
def test_a_data_set_folder_of_the_hub_goes_from_init_to_its_bar(of, tmp_path):
    """Parquet shards with bytes, by part, as the Hugging Face hub has them: the division is obeyed, nothing is unpacked twice."""
    digits, folder = load_digits(), tmp_path / "digits" / "data"
    folder.mkdir(parents=True)
    kept = [i for i in range(len(digits.target)) if digits.target[i] < 2][:90]
    for part, places in (("train", kept[:60]), ("validation", kept[60:75]), ("test", kept[75:])):
        cells = [_png(digits.images[i]) for i in places]
        images = (
            cells
            if of == "bytes"
            else [{"bytes": cell, "path": f"{i}.png"} for i, cell in zip(places, cells, strict=True)]
        )
        frame = pl.DataFrame({"image": images, "label": [int(digits.target[i]) for i in places]})
        frame.write_parquet(folder / f"{part}-00000-of-00001.parquet")
    assert main(["init", str(tmp_path / "digits"), "--target", "label", "--out", str(tmp_path / "study")]) == 0
    text = (tmp_path / "study" / "study.yaml").read_text()
    assert "split: {column: split, test: test}  # = the division that the folders give" in text
    text = text.replace("{trials: 30, minutes: 10}", "{trials: 0, minutes: }")
    (tmp_path / "study" / "study.yaml").write_text(text + "\nlearners: {use: [prior, linear]}\nthreads: 1\n")
    study = Study(tmp_path / "study")
    assert study.split()["n_test"] == 15 and study.split()["n_validation"] == 15
    scores = {entry["candidate"]: entry["scores"][0]["value"] for entry in study.baseline()["entries"]}
    assert scores["linear"] > 0.9 > scores["prior"]
    written = list((study.folder / "work" / "files").rglob("*.png"))
    assert len(written) == len({path.name for path in written}) <= 90


def _png(shades):
    file = io.BytesIO()
    PIL.fromarray((shades * 15.9).astype("uint8")).save(file, "PNG")
    return file.getvalue()
