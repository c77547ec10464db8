"""Folders that are checked before anything in them is used: manifest.json names every file with its hash.

Knows files, hashes and JSON; what a folder is for (a model, an embedding) is the business of whoever writes it. A hash proves that
nothing was damaged or lost on the way, not that somebody may be trusted: who alters a file can alter its hash, so whatever is read
afterwards is checked as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from fieldguide.core.errors import ModelError, listed
from fieldguide.core.figures import count

MANIFEST = "manifest.json"
MAX_FILE = 4 * 1024**3
MAX_JSON = 256 * 1024**2
"""A larger document is no description [bytes]."""
READABLE = 1_000_000
"""Characters of a document beyond which nobody reads it line by line."""
MAX_NAME = 1_000
_AGAIN = "copy the folder again from where it was made, or make it again"
_LISTS = "manifest.json lists every file with its hash"


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON, for people to read as well; what is too long to be read stands in one line, which takes a tenth of the time."""
    text = json.dumps(data, ensure_ascii=False)
    text = json.dumps(data, indent=1, ensure_ascii=False) if len(text) <= READABLE else text
    path.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: it cannot be read, is too large or nested too deeply, or is no object.
    """
    try:
        size = path.stat().st_size
        if size > MAX_JSON:
            raise ValueError(f"{size:,} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path} cannot be read", rule=f"it is JSON of at most {MAX_JSON // 1024**2} MB, not nested without end",
            found=str(error).splitlines()[0], do=_AGAIN,
        ) from error  # fmt: skip
    if not isinstance(data, dict):
        raise ModelError(
            f"{path} is damaged", rule="it holds a JSON object", found=f"a {type(data).__name__}", do=_AGAIN
        )
    return data


def write_manifest(folder: Path) -> None:
    """Write manifest.json with the hash of every other file of a folder."""
    files = {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    write_json(folder / MANIFEST, {"files": files})


def verify(folder: Path, what: str, made_by: str, needed: str) -> None:
    """Prove that a folder holds exactly the files it was made with, unaltered, inside it and no links.

    Args:
        what: is in the folder, with its article: "a model".
        made_by: the verbs that write such folders.
        needed: the file without which it is no such folder.

    Raises:
        ModelError: names the first file that is missing, altered, too many or elsewhere.
    """
    if not (folder / MANIFEST).is_file():
        article, _, noun = what.partition(" ")
        found = (
            "it does not exist" if not folder.exists() else "a file" if folder.is_file() else "no manifest.json in it"
        )
        inside = sorted(folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
        raise ModelError(
            f"{folder} is not {article} {noun} folder", rule=f"{article} {noun} folder holds {MANIFEST}", found=found,
            do=f"name the folder that {made_by} wrote" + (f": {inside[0].parent}" if inside else ""),
        )  # fmt: skip
    files = read_json(folder / MANIFEST).get("files")
    if not isinstance(files, dict) or needed not in files:
        raise ModelError(
            f"{folder / MANIFEST} is damaged", rule=_LISTS, found=f"no list of files with {needed} in it", do=_AGAIN
        )
    root = folder.resolve()
    for name, digest in files.items():
        _check(folder, what, root, name, digest)
    strangers = sorted(set(_inside(folder)) - set(files) - {MANIFEST})
    if strangers:
        raise ModelError(
            f"{folder} holds files it was not made with: {listed(strangers)}", rule=_LISTS,
            found=f"{count(len(strangers), 'file')} that it does not name", do="remove them",
        )  # fmt: skip


def sha256(path: Path) -> str:
    """Return the hash of a file's content as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(folder: Path, what: str, root: Path, name: str, digest: Any) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ModelError(
            f"{folder / MANIFEST} is damaged", rule="it names files by paths that can be written",
            found=f"{name[:60]!r} of {len(name):,} characters", do=_AGAIN,
        )  # fmt: skip
    path = folder / name
    try:
        if path.is_symlink() or not path.resolve().is_relative_to(root):
            raise ModelError(
                f"{name!r} leads out of the {what.partition(' ')[2]} folder", rule="every file lies inside the folder and is no link",
                found=f"it leads to {path.resolve()}", do=_AGAIN,
            )  # fmt: skip
        found = (
            "no such file"
            if not path.is_file()
            else "another content"
            if path.stat().st_size > MAX_FILE or sha256(path) != digest
            else ""
        )
    except OSError as error:
        found = error.strerror or str(error)
    if found:
        raise ModelError(
            f"the file {name!r} of {folder} is missing, altered or truncated", rule="every file has the hash that manifest.json records",
            found=found, do=_AGAIN,
        )  # fmt: skip


def _inside(folder: Path) -> list[str]:
    """Return all that lies in a folder and is no folder: files, links, pipes."""
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if not stat.S_ISDIR(os.lstat(p).st_mode)]
