"""Model folders that are not opened: damaged, altered on purpose with hashes that fit, leading out, or claiming more than there is."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_case import Bad, Room, rewritten

from fieldguide.workflow import load_model

Change = Callable[[Path], object]


def load(room: Room, folder: Any) -> object:
    return load_model(folder)


def damaged(change: Change) -> Any:
    """Return the maker of a model folder that is changed and whose manifest is not."""

    def make(room: Room) -> Path:
        folder = room.model()
        change(folder)
        return folder

    return make


def forged(change: Change, of: str = "linear") -> Any:
    """Return the maker of a model folder that is changed by somebody who writes fitting hashes."""

    def make(room: Room) -> Path:
        folder = room.model(of)
        change(folder)
        files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "manifest.json"]
        hashes = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
        (folder / "manifest.json").write_text(json.dumps({"files": hashes}))
        return folder

    return make


def named(name: str) -> Change:
    """Return a change: the manifest names one more file."""
    return lambda folder: rewritten(folder / "manifest.json", lambda said: {"files": {**said["files"], name: "0" * 64}})


def weights(folder: Path) -> Path:
    return next(folder.rglob("linear.safetensors"))


def said(name: str, change: Callable[[Any], Any]) -> Change:
    return lambda folder: rewritten(folder / name, change)


def terabytes(folder: Path) -> None:
    """A header of safetensors that claims 4 TB of numbers."""
    header = json.dumps({"coefficients": {"dtype": "F64", "shape": [2**39], "data_offsets": [0, 2**42]}}).encode()
    weights(folder).write_bytes(struct.pack("<Q", len(header)) + header)


def huge_header(folder: Path) -> None:
    weights(folder).write_bytes(struct.pack("<Q", 2**62) + b"{}")


def without(*path: Any) -> Callable[[Any], Any]:
    def change(found: Any) -> Any:
        inner = found
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        return found

    return change


def put(value: Any, *path: Any) -> Callable[[Any], Any]:
    def change(found: Any) -> Any:
        inner = found
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return found

    return change


def linked(folder: Path) -> None:
    (folder / "README.md").rename(folder.parent / "kept.md")
    (folder / "README.md").symlink_to(folder.parent / "kept.md")


def linked_folder(folder: Path) -> None:
    (folder / "members").rename(folder.parent / "members")
    (folder / "members").symlink_to(folder.parent / "members")


def endless(folder: Path) -> None:
    (folder / "README.md").unlink()
    os.mkfifo(folder / "README.md")


MODELS = [
    Bad("a folder that is not there", lambda room: room.folder / "nowhere", r"nowhere is not a model folder.*Rule: a model folder holds manifest\.json"),
    Bad("a study in place of its model", lambda room: room.study(lambda text: text + "# changed\n"), r"study is not a model folder.*Do: name the folder that finalize or package wrote"),
    Bad("a file in place of a folder", lambda room: room.write("model.pkl", b"\x80\x04."), r"model\.pkl is not a model folder"),
    Bad("one byte more", damaged(lambda f: weights(f).write_bytes(weights(f).read_bytes() + b" ")), r"linear\.safetensors.*missing, altered or truncated"),
    Bad("one bit turned", damaged(lambda f: weights(f).write_bytes(weights(f).read_bytes()[:-1] + b"\x01")), r"linear\.safetensors.*missing, altered or truncated"),
    Bad("a file cut short", damaged(lambda f: (f / "model.json").write_bytes((f / "model.json").read_bytes()[:-20])), r"'model\.json'.*missing, altered or truncated"),
    Bad("a file that is gone", damaged(lambda f: (f / "golden.json").unlink()), r"'golden\.json'.*missing, altered or truncated.*Found: no such file.*Do: copy the folder again"),
    Bad("a stranger in the folder", damaged(lambda f: (f / "members" / "evil.pkl").write_bytes(b"\x80\x04.")), r"files it was not made with: members/evil\.pkl.*Do: remove them"),
    Bad("a link among strangers", damaged(lambda f: (f / "more").symlink_to("/etc")), r"files it was not made with: more"),
    Bad("a manifest that is no JSON", damaged(lambda f: (f / "manifest.json").write_text("{")), r"manifest\.json cannot be read"),
    Bad("a manifest that is a list", damaged(lambda f: (f / "manifest.json").write_text("[]")), r"manifest\.json is damaged.*Rule: it holds a JSON object.*Found: a list"),
    Bad("a manifest of 100,000 brackets", damaged(lambda f: (f / "manifest.json").write_text("[" * 100_000)), r"manifest\.json cannot be read"),
    Bad("a manifest of numbers for hashes", damaged(lambda f: rewritten(f / "manifest.json", lambda said: {"files": dict.fromkeys(said["files"], 7)})), r"missing, altered or truncated"),
    Bad("a path that climbs out", damaged(named("../outside.txt")), r"'\.\./outside\.txt' leads out of the model folder"),
    Bad("a path from the root", damaged(named("/etc/hostname")), r"'/etc/hostname' leads out of the model folder"),
    Bad("a path that climbs out in the middle", damaged(named("members/../../outside.txt")), r"leads out of the model folder"),
    Bad("a path with a NUL in it", damaged(named("a\0b")), r"a\\x00b"),
    Bad("a path of 10,000 characters", damaged(named("x" * 10_000)), r"xxx"),
    Bad("a link out of the folder", damaged(linked), r"'README\.md' leads out of the model folder"),
    Bad("a folder that is a link", damaged(linked_folder), r"leads out of the model folder"),
    Bad("a pipe among the files", damaged(endless), r"'README\.md'.*missing, altered or truncated"),
    Bad("another format", forged(said("model.json", put(99, "format"))), r"has model format 99.*Rule: this version reads format 1"),
    Bad("a format of no number", forged(said("model.json", put([1], "format"))), r"has model format \[1\]"),
    Bad("model.json without its members", forged(said("model.json", without("members"))), r"does not describe a model.*Found: KeyError: 'members'"),
    Bad("model.json with no member at all", forged(said("model.json", put([], "members"))), r"does not describe a model.*Found: ValueError: 0 member"),
    Bad("model.json without columns", forged(said("model.json", without("columns"))), r"does not describe a model.*Found: KeyError: 'columns'"),
    Bad("model.json of 100,000 brackets", forged(lambda f: (f / "model.json").write_text("[" * 100_000)), r"model\.json cannot be read"),
    Bad("a learner that there is not", forged(said("model.json", put("os", "members", 0, "candidate", "learner"))), r"no learners? .*'os'|no .*named 'os'"),
    Bad("a learner that is a path", forged(said("model.json", put("../../os", "members", 0, "candidate", "learner"))), r"\.\./\.\./os"),
    Bad("a task that there is not", forged(said("model.json", put("__init__", "outputs", 0, "task"))), r"__init__"),
    Bad("a column of no kind", forged(said("model.json", put("nmber", "columns", 0, "kind"))), r"nmber"),
    Bad("weights that claim 4 TB", forged(terabytes), r"linear|coefficients"),
    Bad("weights with a header of 4 EB", forged(huge_header), r"linear|coefficients"),
    Bad("a pickle called safetensors", forged(lambda f: weights(f).write_bytes(b"\x80\x04\x95" + bytes(30))), r"linear|coefficients"),
    Bad("weights of 0 bytes", forged(lambda f: weights(f).write_bytes(b"")), r"linear|coefficients"),
    Bad("trees that are no trees", forged(lambda f: next(f.rglob("trees_0.txt")).write_text("tree\nTree=0\nleaf_value=x\n"), "boosting"), r"boosting model|trees"),
    Bad("golden rows with other answers", forged(said("golden.json", put([[0.5, 0.5]] * 8, "answers", 0))), r"does not give the answers it was packaged with"),
    Bad("golden rows that are no rows", forged(lambda f: (f / "golden.json").write_text('{"rows": 3, "answers": [], "tolerance": 1}')), r"golden"),
    Bad("golden rows without a column", forged(said("golden.json", without("rows", 0, "age"))), r"age"),
    Bad("a tolerance that lets everything pass", forged(said("golden.json", put(1e9, "tolerance"))), r"tolerance"),
]  # fmt: skip
"""Model folders that are refused, whoever damaged them, before anything of them is used."""
