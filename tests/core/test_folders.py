"""Folders as tables: classes, parts, metadata, Parquet shards, bytes inside cells."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from fieldguide.core.errors import ContractError, DataError
from fieldguide.core.files import media, unpacking
from fieldguide.core.files.listing import as_named, is_listing, with_files
from fieldguide.core.files.source import open_source
from fieldguide.core.reading import Violation, refuse_unread
from fieldguide.core.table import Column

PIL = pytest.importorskip("PIL.Image")


def png(shade):
    file = io.BytesIO()
    PIL.new("L", (4, 4), shade).save(file, "PNG")
    return file.getvalue()


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def rows(source):
    return source.collect().rows()


def test_folders_of_classes(tmp_path):
    touch(
        tmp_path,
        "cat/1.png",
        "cat/deep/2.JPG",
        "dog/3.jpeg",
        "dog/notes.txt",
        ".hidden/4.png",
        "cat/.DS_Store",
        "README.md",
    )
    source = open_source(tmp_path)
    assert source.names == ("image", "label") and source.root == tmp_path and source.parts == ()
    assert rows(source) == [("cat/1.png", "cat"), ("cat/deep/2.JPG", "cat"), ("dog/3.jpeg", "dog")]


def test_sounds_and_a_heap_without_classes(tmp_path):
    touch(tmp_path, "a.wav", "b.flac")
    assert rows(open_source(tmp_path)) == [("a.wav",), ("b.flac",)]
    assert open_source(tmp_path).names == ("audio",)


def test_train_and_test_folders_are_a_given_division(tmp_path):
    touch(tmp_path, "train/cat/1.png", "train/dog/2.png", "valid/cat/3.png", "Test/dog/4.png", "docs/x.md")
    source = open_source(tmp_path)
    assert source.parts == ("test", "train", "validation")
    assert set(rows(source)) == {
        ("train/cat/1.png", "cat", "train"), ("train/dog/2.png", "dog", "train"), ("valid/cat/3.png", "cat", "validation"),
        ("Test/dog/4.png", "dog", "test"),
    }  # fmt: skip
    assert "folders that are no part of it were left alone: docs" in source.notes[1]


def test_metadata_beside_the_files(tmp_path):
    touch(tmp_path, "1.png", "2.png")
    (tmp_path / "metadata.csv").write_text("file_name,age\n1.png,3\n2.png,5\n")
    source = open_source(tmp_path)
    assert rows(source) == [("1.png", "3"), ("2.png", "5")] and source.root == tmp_path
    (tmp_path / "metadata.csv").unlink()
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "1.png", "age": 3}\n{"file_name": "2.png", "age": 5}\n')
    assert rows(open_source(tmp_path)) == [("1.png", 3), ("2.png", 5)]


def test_metadata_in_each_part(tmp_path):
    for part, shade in (("train", 1), ("test", 2)):
        touch(tmp_path, f"{part}/{shade}.png")
        (tmp_path / part / "metadata.csv").write_text(f"file_name,age\n{shade}.png,{shade}\n")
    assert rows(open_source(tmp_path)) == [("test/2.png", "2", "test"), ("train/1.png", "1", "train")]


def test_shards_of_a_hub_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SEEN", media.Seen())
    unpacking.SEEN.keep_in(tmp_path / "work")
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    for part, shades in (("train", (10, 20, 10)), ("test", (30,))):
        cells = [{"bytes": png(shade), "path": f"{shade}.png"} for shade in shades]
        pl.DataFrame({"image": cells, "label": list(range(len(shades)))}).write_parquet(
            folder / f"{part}-00000-of-00001.parquet"
        )
    source = open_source(tmp_path / "set")
    assert source.parts == ("test", "train") and source.schema["image"] == pl.String
    found = rows(source)
    assert [(label, split) for _, label, split in found] == [(0, "test"), (0, "train"), (1, "train"), (2, "train")]
    assert found[1][0] == found[3][0] != found[2][0]  # the same bytes are one file
    assert Path(found[0][0]).read_bytes() == png(30) and len(list((tmp_path / "work").rglob("*.png"))) == 3
    assert [part.height for part in source.slices(3)] == [3, 1]
    assert source.collect(["label"]).columns == ["label"]


def test_media_in_the_cells_of_a_frame_are_files_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SEEN", media.Seen())
    unpacking.SEEN.keep_in(tmp_path / "work")
    source = open_source(pl.DataFrame({"image": [png(10), png(20), None], "label": [0, 1, 2]}))
    cells = source.collect()["image"].to_list()
    assert [Path(cell).read_bytes() for cell in cells[:2]] == [png(10), png(20)] and cells[2] is None


def test_bytes_that_are_no_media_stay_as_they_are(tmp_path):
    pl.DataFrame({"x": [b"hello", b"there"], "y": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    assert open_source(tmp_path / "a.parquet").collect()["x"].to_list() == ["b'hello'", "b'there'"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "makes no table.*0 folder.*0 file"),
        (("a.csv", "b.csv"), "makes no table.*name a file in it: a.csv, b.csv"),
        (("cat/1.png", "2.png"), "1 file.* beside the folders, such as '2.png'"),
        (("cat/1.png", "dog/2.wav"), "images and sounds"),
        (("train/cat/1.png", "test/readme.md"), "test holds no images or sounds"),
    ],
)
def test_what_makes_no_table_is_told(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(DataError, match=message):
        open_source(tmp_path)


def test_metadata_that_names_no_files_is_told(tmp_path):
    for part in ("train", "test"):
        touch(tmp_path, f"{part}/1.png")
        (tmp_path / part / "metadata.csv").write_text("name,age\none,3\n")
    with pytest.raises(
        DataError, match=r"metadata.csv names no files.*its columns are name, age.*add the column file_name"
    ):
        open_source(tmp_path)


def test_what_systems_and_people_lay_beside_photos_is_no_row(tmp_path):
    touch(
        tmp_path, "cat/1.png", "dog/2.png", "dog/._2.png", "dog/@eaDir/2.png", "__MACOSX/cat/._1.png", "dog/Thumbs.db"
    )
    (tmp_path / "README.txt").write_text("Photos of my shop\nask me before you use them\n")
    assert rows(open_source(tmp_path)) == [("cat/1.png", "cat"), ("dog/2.png", "dog")]
    (tmp_path / "README.txt").write_text("file,price\ncat/1.png,3\ndog/2.png,4\n")  # names them: a table after all
    assert open_source(tmp_path).names == ("file", "price")


def test_several_tables_beside_one_folder_of_files_are_offered(tmp_path):
    touch(tmp_path, "pics/1.png", "old.csv", "new.csv")
    with pytest.raises(DataError, match="2 tables and one folder of files") as error:
        open_source(tmp_path)
    assert "'new.csv'" in str(error.value) or "new.csv" in str(error.value)


def test_one_file_is_a_row(tmp_path):
    touch(tmp_path, "cat/1.JPG", "2.wav")
    source = open_source(tmp_path / "cat" / "1.JPG")
    assert rows(source) == [("1.JPG",)] and source.names == ("image",) and source.root == tmp_path / "cat"
    assert open_source(tmp_path / "2.wav").names == ("audio",)


def test_answers_about_files_are_named_after_them(tmp_path):
    touch(tmp_path, "photos/a.png", "photos/b.png", "table.csv")
    listed = open_source(tmp_path / "photos")
    columns = (Column("photo", "image"), Column("label", "category", "target"))
    raw = as_named(listed.collect(), columns)
    answers = pl.DataFrame({"row": [0, 1], "prediction": ["cat", "dog"]})
    assert is_listing(listed) and is_listing(open_source(tmp_path / "photos" / "a.png"))
    assert with_files(answers, raw, columns).rows() == [(0, "a.png", "cat"), (1, "b.png", "dog")]
    kept = pl.DataFrame({"photo": ["/tmp/9f/9f86d0.png"] * 2})  # bytes of Parquet, which had no names
    assert with_files(answers, kept, columns).columns == ["row", "prediction"]
    assert not is_listing(open_source({"photo": ["a.png"]}))
    two = (*columns, Column("back", "image"))
    assert as_named(listed.collect(), two).columns == ["image"]  # nobody knows which of them was meant


def test_files_of_cells_are_named_by_their_bytes_then_by_their_name(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SEEN", media.Seen())
    unpacking.SEEN.keep_in(tmp_path / "work")
    cells = [
        {"bytes": png(1), "path": "a.jpg"},
        {"bytes": b"unknown", "path": "a.webp"},
        {"bytes": b"unknown", "path": "a.exe"},
        b"other",
    ]
    found = [Path(unpacking._path(cell)) for cell in cells]
    assert [path.suffix for path in found] == [".png", ".webp", ".bin", ".bin"]
    assert found[0].read_bytes() == png(1) and found[0].is_relative_to(tmp_path / "work" / "files")
    assert unpacking._path({"bytes": png(1), "path": "other.png"}) == str(found[0]), "equal bytes are one file"
    found[0].write_bytes(b"half")
    assert Path(unpacking._path(png(1))).read_bytes() == png(1), "what was cut short is written again"
    assert unpacking._path({"bytes": None, "path": "a.jpg"}) == "a.jpg"
    assert unpacking._path({"bytes": None, "path": None}) is None and unpacking._path(None) is None
    assert {path.name for path in (tmp_path / "work" / "files").rglob("*") if path.is_file()} == {p.name for p in found}


def test_what_is_known_of_a_file_is_looked_up_once_and_follows_the_study(tmp_path, monkeypatch):
    looks = []

    def look(content):
        looks.append(content)
        return {"size": len(content)}

    file, seen = tmp_path / "a.png", media.Seen()
    file.write_bytes(b"12345")
    seen.keep_in(tmp_path / "one")
    assert seen.facts(str(file), "size", look) == seen.facts(str(file), "size", look) == {"size": 5}
    assert seen.facts("data:image/png;base64,aGk=", "size", look) == seen.facts(
        "data:image/png;base64,aGk=", "size", look
    )
    assert looks == [b"12345", b"hi"]
    lines = (tmp_path / "one" / "media.jsonl").read_text().splitlines()
    assert len(lines) == 1, "what was sent is written nowhere"
    seen.keep_in(tmp_path / "two")
    for _ in range(2):
        seen.facts("data:image/png;base64,aGk=", "size", look)
        seen.facts(str(file), "size", look)
    assert (tmp_path / "two" / "media.jsonl").read_text().splitlines() == lines and len(looks) == 2
    (tmp_path / "one" / "media.jsonl").write_text(
        '["half a li\n"one word"\n' + lines[0] + "\n"
    )  # as a killed run leaves it
    again = media.Seen()
    again.keep_in(tmp_path / "one")
    assert again.facts(str(file), "size", look) == {"size": 5} and len(looks) == 2
    file.write_bytes(b"123456")  # another size: another file
    assert again.facts(str(file), "size", look) == {"size": 6} and len(looks) == 3
    assert again.facts(str(file), "more", lambda content: {"more": 1}) == {"size": 6, "more": 1}
    monkeypatch.setattr(media, "FILES_KEPT", 0)
    other = tmp_path / "b.png"
    other.write_bytes(b"1")
    again.facts(str(other), "size", look)
    again.facts(str(file), "size", look)
    assert len(looks) == 5, "what no longer fits is looked at again"


def test_a_cell_that_cannot_be_read_says_why_and_keeps_its_text(tmp_path):
    with pytest.raises(media.BadFile, match=r"it cannot be read \(No such file or directory\)"):
        media.bytes_of(str(tmp_path / "none.png"))
    for cell, why in {
        "data:image/png,hi": "a data: URI that is not base64", "data:image/png;base64": "a data: URI that is not base64",
        "data:image/png;base64,a": "whose base64 is damaged", "data:image/png;base64,": "without bytes",
    }.items():  # fmt: skip
        with pytest.raises(media.BadFile, match=why):
            media.bytes_of(cell)
    for name in ("a.png", "copy.png"):
        (tmp_path / name).write_bytes(png(7))
    frame = pl.DataFrame({"image": ["a.png", "copy.png", "none.png", None], "n": [1, 2, 3, 4]})
    column = Column("image", "image", read={"root": str(tmp_path)})
    found = media.by_content(frame, [column, Column("n", "number")])
    assert found["image"].to_list() == [media.content_hash(png(7))] * 2 + ["none.png", None]
    assert found["n"].to_list() == [1, 2, 3, 4] and len(media.content_hash(b"")) == 32


def test_a_folder_that_did_not_come_along_is_named():
    column = Column("id", "image", read={"folder": "train_images", "suffix": ".png"})
    lost = Violation("id", "an image", (0,), ("p1 (there is no such file)",), 2)
    with pytest.raises(ContractError, match=r"Do: write paths .*, put them in a folder 'train_images' beside it"):
        refuse_unread(pl.DataFrame({"id": ["p1", "p2"]}), (column,), (lost,))
    refuse_unread(pl.DataFrame({"id": ["p1", "p2", "p3"]}), (column,), (lost,))  # one of them was read


def test_a_broken_list_of_numbers_is_no_file_that_did_not_come_along():
    column = Column("pulse", "series")
    broken = Violation("pulse", "a series", (0,), ("[]",), 1)
    refuse_unread(pl.DataFrame({"pulse": [[1.0, 2.0], None]}), (column,), (broken,))
