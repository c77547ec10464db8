"""Where the files lie that a table names: beside it, in a folder, without a suffix, as Windows writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.core.files.media import path_of
from fieldguide.core.files.source import open_source
from fieldguide.steps.detect.columns import detect_columns

N = 30


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    (folder / "pics").mkdir()
    (folder / "drafts").mkdir()
    for number in range(N):
        (folder / "pics" / f"p{number:02}.PNG").write_bytes(b"x")
    return folder


def column(root, cells, **given):
    (root / "items.csv").write_text("file,weight\n" + "".join(f"{cell},{k % 7}\n" for k, cell in enumerate(cells)))
    return detect_columns(open_source(root / "items.csv"), given=given)[0]


@pytest.mark.parametrize(
    ("spelled", "read"),
    [
        ("pics/p{:02}.PNG", {}),
        ("./pics/p{:02}.PNG", {}),
        ("pics\\p{:02}.PNG", {}),
        ("p{:02}.PNG", {"folder": "pics"}),
        ("p{:02}", {"folder": "pics", "suffix": ".PNG"}),
    ],
)
def test_files_are_found_where_people_put_them(root, spelled, read):
    found = column(root, [spelled.format(number) for number in range(N)])
    assert (found.kind, dict(found.read)) == ("image", read)
    assert path_of(spelled.format(3), {"root": root, **read}) == root / "pics" / "p03.PNG"
    if read:
        assert "pics" in found.facts["why"]
    declared = column(root, [spelled.format(number) for number in range(N)], file="image")
    assert dict(declared.read) == read


def test_missing_files_make_no_other_kind_of_a_column(root):
    """Their names come first in the alphabet: looking at the first few would find none."""
    cells = [f"pics/gone{number:02}.png" for number in range(40)] + [f"pics/p{number:02}.PNG" for number in range(N)]
    assert column(root, cells).kind == "image"


def test_names_of_files_that_are_nowhere_are_names_and_no_numbers(root):
    found = column(root, [f"https://shop.test/{number}.jpg" for number in range(N)])
    assert found.kind == "id" and "there are none such" in found.facts["why"]
    assert found.facts["absent"]["example"] == "https://shop.test/0.jpg"
    assert column(root, [f"{number}.jpg" for number in range(100, 100 + N)]).kind == "id"  # not the numbers before .jpg
    repeated = column(root, [f"icon{number % 3}.png" for number in range(N)])
    assert repeated.kind == "category" and repeated.facts["absent"]["kind"] == "image"


@pytest.mark.parametrize("names", [("file", "item"), ("item", "file")])
def test_an_identifier_stays_one_where_another_column_names_the_files(root, names):
    cells = {"file": "pics/p{:02}.PNG", "item": "p{:02}"}
    rows = "".join(",".join(cells[name].format(number) for name in names) + "\n" for number in range(N))
    (root / "items.csv").write_text(",".join(names) + "\n" + rows)
    kinds = {found.name: found.kind for found in detect_columns(open_source(root / "items.csv"))}
    assert kinds == {"file": "image", "item": "id"}


def test_one_identifier_names_the_files(root):
    rows = "".join(f"x{number:02}q,p{number:02},p{number:02}\n" for number in range(N))
    (root / "items.csv").write_text("code,item,again\n" + rows)
    assert [found.kind for found in detect_columns(open_source(root / "items.csv"))] == ["id", "image", "id"]


def test_identifiers_too_long_for_a_disk_and_locked_folders_name_no_files(root, monkeypatch):
    """The first is 283 bytes long; the second is what an operating system says of a folder that is someone else's."""
    assert column(root, [f"{chr(0x1F600) * 70}{number:03}" for number in range(N)]).kind in ("id", "text")
    is_file = Path.is_file

    def locked(path):
        if path.parent.name == "drafts":
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", locked)
    assert column(root, [f"p{number:02}" for number in range(N)]).read["folder"] == "pics"
