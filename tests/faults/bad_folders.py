"""Folders of images and sounds, and event tables to be joined, that make no table."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import polars as pl
from bad_case import Bad, Room, replaced

from fieldguide.core.documents.config import parse_config
from fieldguide.steps.join.join import join


def init(room: Room, folder: Any) -> object:
    """Make a study of a folder of media whose classes are its folders."""
    return room.command("init", folder, "--target", "label", "--out", room.folder / "study")


def tree(**files: bytes | str) -> Any:
    """Return the maker of a folder of files; `__` stands for a slash and `_` for a point in their names."""

    def make(room: Room) -> Path:
        for name, content in files.items():
            room.write("media/" + name.replace("__", "/").replace("_", "."), content)
        (room.folder / "media").mkdir(exist_ok=True)
        return room.folder / "media"

    return make


def png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + b"\0" * 12


def all_of(content: bytes, suffix: str) -> Any:
    """Return the maker of two classes of 15 files of one content each; they differ in their last bytes."""

    def make(room: Room) -> Path:
        for i in range(30):
            room.write(f"media/{'cat' if i % 2 else 'dog'}/{i}.{suffix}", content + bytes([i]))
        return room.folder / "media"

    return make


def empty(room: Room) -> Path:
    for i in range(30):
        room.write(f"media/{'cat' if i % 2 else 'dog'}/{i}.png", b"")
    return room.folder / "media"


def split(room: Room, folder: Any) -> object:
    done = room.command("init", folder, "--target", "label", "--out", room.folder / "study")
    return room.command("split", room.folder / "study") if done.status == 0 else done


MEDIA = [
    Bad("an empty folder", tree(), r"media is a folder that makes no table.*Found: 0 folders and 0 files"),
    Bad("a folder of texts", tree(a_md="x", b_doc="y"), r"media is a folder that makes no table.*Rule: a folder holds one table, or folders of classes"),
    Bad("two tables", tree(a_csv="x,label\n1,2\n", b_csv="x,label\n1,2\n"), r"makes no table.*Do: name a file in it: a\.csv, b\.csv"),
    Bad("two tables beside a folder of files", tree(a_csv="file,label\n", b_csv="file,label\n", pics__1_png="x"), r"holds 2 tables and one folder of files.*Found: a\.csv, b\.csv; the files lie in 'pics'.*Do: name the table itself"),
    Bad("images and sounds", tree(cat__1_png="x", dog__2_wav="y"), r"holds images and sounds.*Do: describe the rows in a metadata\.csv"),
    Bad("classes, and files of no class", tree(cat__1_png="x", dog__2_png="y", stray_png="z"), r"folders of classes and files of no class.*1 file beside the folders, such as 'stray\.png'"),
    Bad("a part without files", tree(train__cat__1_png="x", test__readme_md="y"), r"test holds no images or sounds.*Do: remove the folder, or fill it"),
    Bad("metadata that names no files", tree(train__metadata_csv="name,label\none,3\n", train__1_png="x", test__metadata_csv="name,label\none,3\n", test__1_png="x"), r"metadata\.csv names no files.*Do: add the column file_name"),
    Bad("metadata that is broken", tree(metadata_jsonl='{"file_name": "1.png", "label": 1}\n{"file_', **{"1_png": "x"}), r"metadata\.jsonl cannot be read"),
    Bad("one class", tree(cat__1_png="x", cat__2_png="y"), r"'label' has one value only"),
    Bad("images that are none", all_of(b"not an image", "png"), r"image.*cannot be read|image", split),
    Bad("images of 0 bytes", empty, r"image", split),
    Bad("images that claim 10 gigapixels", all_of(png(100_000, 100_000), "png"), r"image", split),
]  # fmt: skip
"""Folders that `init` or the first steps refuse."""

UNITS = "customer,asked\n1,2024-02-01\n2,2024-02-01\n3,2024-03-01\n"
ORDERS = "customer,day,amount,booked\n1,2024-01-05,3,2024-01-06\n2,2024-01-20,4,2024-01-20\n1,2024-02-10,5,2024-02-11\n3,2024-05-01,1,2024-05-02\n"
STUDY = """
problem: {target: buys}
join:
  units: {table: units.csv, entity: customer, time: asked}
  features:
    - table: orders.csv
      time: day
      columns:
        n: {aggregate: count}
        spend: {aggregate: sum, column: amount, window: 30d}
  outcome: {table: orders.csv, time: day, horizon: 30d}
"""


def events(change: Any = str, units: str = UNITS, orders: str = ORDERS) -> Any:
    def make(room: Room) -> tuple[Path, str]:
        room.write("units.csv", units)
        room.write("orders.csv", orders)
        return room.folder, change(STUDY)

    return make


def joined(room: Room, made: Any) -> object:
    folder, text = made
    return join(parse_config(text, folder), folder / "joined.parquet", folder / "work")


def in_parquet(room: Room) -> Any:
    made = events(replaced("units.csv", "u.parquet"))(room)
    pl.DataFrame({"customer": [1, 2], "asked": [3.0, 4.0]}).write_parquet(room.folder / "u.parquet")
    return made


JOINS = [
    Bad("a time that is no column", events(replaced("time: day\n", "time: dya\n")), r"join\.features\[0\] \(orders\.csv\) has no column 'dya' \(did you mean 'day'\?\)"),
    Bad("a time of amounts", events(replaced("time: day\n", "time: amount\n")), r"column 'amount' of"),
    Bad("an entity that is no column", events(replaced("entity: customer", "entity: custmer")), r"join\.units \(units\.csv\) has no column 'custmer'"),
    Bad("a sum of dates", events(replaced("sum, column: amount", "sum, column: booked")), r"does not hold numbers"),
    Bad("a window of no length", events(replaced("window: 30d}\n  outcome", "window: 30x}\n  outcome")), r"must be a length of time"),
    Bad("two features of one name", events(replaced("spend: {", "n: {")), r"twice"),
    Bad("a feature called as the target", events(replaced("spend: {", "buys: {")), r"two columns 'buys'"),
    Bad("a horizon beyond the data", events(replaced("horizon: 30d", "horizon: 300d")), r"no unit has an outcome yet"),
    Bad("events that are not there", events(replaced("orders.csv\n", "oders.csv\n")), r"there is no file .*oders\.csv \(did you mean 'orders\.csv'\?\)"),
    Bad("a condition on no column", events(replaced("aggregate: count}", 'aggregate: count, where: "amout > 1"}')), r"has no column 'amout'|no column 'amout'"),
    Bad("a condition that is a number", events(replaced("aggregate: count}", 'aggregate: count, where: "amount + 1"}')), r"does not give true or false"),
    Bad("a moment that is no date", events(replaced("time: asked}", "at: soon}")), r"join\.units\.at is not a date"),
    Bad("two targets", events(replaced("target: buys", "target: [buys, b]")), r"a joined table has one target"),
    Bad("entities nobody knows", events(units="customer,asked\n7,2024-02-01\n8,2024-02-01\n"), r"no entity of .*orders\.csv.* is an entity of units.*it holds 1, 2, 3; units hold 7, 8"),
    Bad("times with a zone beside times without", events(units="customer,asked\n1,2024-02-01T00:00:00Z\n2,2024-02-01T00:00:00Z\n"), r"some times have a time zone"),
    Bad("one column of both", events(units="customer,asked\n1,2024-02-01T00:00:00Z\n2,2024-02-01T00:00:00\n"), r"has times with a time zone and times without one"),
    Bad("numbers as times", in_parquet, r"'asked' of join\.units \(u\.parquet\) holds numbers.*Do: set join\.clock"),
    Bad("an event table without rows", events(orders="customer,day,amount,booked\n"), r"has a header and no rows"),
    Bad("an outcome of two values", events(replaced("{table: orders.csv, time: day, horizon: 30d}", "{table: orders.csv, column: amount}")), r"gives two different outcomes for one entity.*such as 1"),
    Bad("a kept column of two values", events(replaced("time: asked", "time: asked, keep: city"), units="customer,asked,city\n1,2024-02-01,Rome\n1,2024-02-01,Oslo\n"), r"several rows for one unit that differ"),
    Bad("a join beside a table", lambda room: room.write("study/study.yaml", STUDY + "data: {table: units.csv}\n").parent, r"both data\.table and join", lambda room, study: room.command("join", study)),
]  # fmt: skip
"""Event tables that cannot be joined; no joined table is left."""
