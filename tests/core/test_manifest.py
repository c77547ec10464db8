"""Checked folders: exactly the files they were made with, and which one it is that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldguide.core.errors import ModelError
from fieldguide.core.files import manifest
from fieldguide.core.files.manifest import read_json, verify, write_json, write_manifest


def made(folder: Path) -> Path:
    (folder / "deep").mkdir(parents=True)
    write_json(folder / "model.json", {"größe": 1})
    (folder / "deep" / "weights").write_bytes(b"0123")
    write_manifest(folder)
    return folder


def refused(folder: Path, message: str, **named: str) -> None:
    said = {"what": "a model", "made_by": "finalize and package", "needed": "model.json", **named}
    with pytest.raises(ModelError, match=message):
        verify(folder, **said)


def test_a_folder_as_it_was_made_passes(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    verify(folder, "a model", "finalize", "model.json")
    assert sorted(read_json(folder / "manifest.json")["files"]) == ["deep/weights", "model.json"]
    assert read_json(folder / "model.json") == {"größe": 1} and "größe" in (folder / "model.json").read_text("utf-8")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file more": (lambda f: (f / "deep" / "x.py").touch(), r"holds files it was not made with: deep/x\.py\. .*Found: 1 file that it does not name\. Do: remove them"),
    "a file less": (lambda f: (f / "deep" / "weights").unlink(), r"the file 'deep/weights' of .* is missing, altered or truncated\. .*Found: no such file"),
    "a byte more": (lambda f: (f / "deep" / "weights").write_bytes(b"01234"), r"'deep/weights' of .*Found: another content"),
    "a link": (lambda f: (f / "deep" / "weights").rename(f.parent / "w") and (f / "deep" / "weights").symlink_to(f.parent / "w"), r"'deep/weights' leads out of the model folder"),
    "a link more": (lambda f: (f / "x").symlink_to(f / "model.json"), r"not made with: x\."),
    "a list without the model": (lambda f: write_json(f / "manifest.json", {"files": {}}), r"manifest\.json is damaged\. .*Found: no list of files with model\.json in it"),
    "a list that is none": (lambda f: write_json(f / "manifest.json", {"files": ["model.json"]}), r"manifest\.json is damaged\. .*no list of files"),
    "a text": (lambda f: (f / "manifest.json").write_text("[]"), r"manifest\.json is damaged\. Rule: it holds a JSON object\. Found: a list"),
    "half a text": (lambda f: (f / "manifest.json").write_text('{"files"'), r"manifest\.json cannot be read\. Rule: it is JSON of at most 256 MB"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), r"is not a model folder\. Rule: a model folder holds manifest\.json\. Found: no manifest\.json in it\. Do: name the folder that finalize and package wrote\.$"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_as_it_was_made_is_named(tmp_path: Path, damage: str) -> None:
    folder = made(tmp_path / "m")
    change, message = DAMAGES[damage]
    change(folder)
    refused(folder, message)


@pytest.mark.parametrize(("name", "found"), [("", "'' of 0 characters"), ("a" * 1001, f"'{'a' * 60}' of 1,001"), ("a\nb", r"'a\\nb' of 3")])  # fmt: skip
def test_names_that_cannot_be_written_are_refused(tmp_path: Path, name: str, found: str) -> None:
    folder = made(tmp_path / "m")
    listed = read_json(folder / "manifest.json")["files"]
    (folder / "manifest.json").write_text(json.dumps({"files": {**listed, name: "0"}}))
    refused(folder, rf"manifest\.json is damaged\. .*Found: {found}")
    (folder / "manifest.json").write_text(json.dumps({"files": {**listed, "../w": "0"}}))
    refused(folder, r"'\.\./w' leads out of the embedding folder", what="an embedding")


def test_another_folder_is_told_with_what_lies_in_it(tmp_path: Path) -> None:
    folder = made(tmp_path / "all" / "m")
    refused(tmp_path / "all", rf"all is not an embedding folder\. Rule: an embedding folder holds .* wrote: {folder}\.$", what="an embedding")  # fmt: skip
    refused(tmp_path / "nowhere", "Found: it does not exist")
    refused(folder / "model.json", "Found: a file")


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path / "m")
    monkeypatch.setattr(manifest, "MAX_FILE", 3)
    refused(folder, r"'deep/weights' of .*Found: another content")
    monkeypatch.setattr(manifest, "MAX_JSON", 10)
    with pytest.raises(ModelError, match=r"model\.json cannot be read\. .*Found: 17 bytes"):
        read_json(folder / "model.json")
