"""Tables that `init` refuses: files that are none, tables without what a table has, targets that are none."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
from bad_case import PEOPLE, Bad, N, Room, altered, csv

CSV = csv(PEOPLE)
TARGET = "bought"


def init(room: Room, table: Any) -> object:
    """Make a study of a table, or of (table, target …)."""
    table, *targets = table if isinstance(table, tuple) else (table, TARGET)
    named = [word for target in targets for word in ("--target", target)]
    return room.command("init", table, *named, "--out", room.folder / "study")


def holds(content: bytes, name: str = "t.csv", *targets: str) -> Any:
    """Return the maker of a file."""
    return lambda room: (room.write(name, content), *(targets or (TARGET,)))


def of(frame: pl.DataFrame, *targets: str) -> Any:
    return holds(csv(frame), "t.csv", *targets)


def packed(kind: str, frame: pl.DataFrame = PEOPLE) -> bytes:
    file = io.BytesIO()
    getattr(frame, f"write_{kind}")(file)
    return file.getvalue()


def pipe(room: Room) -> Path:
    os.mkfifo(room.folder / "t.csv")
    return room.folder / "t.csv"


def link(target: str) -> Any:
    def make(room: Room) -> Path:
        (room.folder / "t.csv").symlink_to(target)
        return room.folder / "t.csv"

    return make


def database(room: Room) -> Path:
    with sqlite3.connect(room.folder / "t.csv") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    return room.folder / "t.csv"


def bomb() -> bytes:
    """2 GB of one cell in 2 MB."""
    return gzip.compress(b"age,bought\n") + b"".join([gzip.compress(b"7" * 2**24)] * 128)


TABLES = [
    Bad("an empty file", holds(b""), r"t\.csv is empty.*Rule: a table has a header and at least one row.*Do: check the export"),
    Bad("blank lines only", holds(b"\n\n  \n\n"), r"t\.csv is empty.*Found: 6 bytes"),
    Bad("a header only", holds(b"age,bought\n"), r"has a header and no rows.*Found: a header with 2 columns \(age, bought\)"),
    Bad("no header", holds(CSV.split(b"\n", 1)[1]), r"has no header.*Rule: the first line names the columns"),
    Bad("two columns of one name", holds(CSV.replace(b"spend", b"age", 1)), r"duplicate column names.*Found: 'age' stands 2 times"),
    Bad("a column without a name", holds(CSV.replace(b"spend", b"", 1)), r"a column without a name.*Found: column 4 of 6"),
    Bad("an enormous cell", holds(CSV + b'3,"' + b"x" * 1_500_000 + b'",yes,1,2020-01-01,yes\n'), r"enormous cell.*Found: line 82, column 2: 1\.5 MB"),
    Bad("a gzip bomb", holds(bomb(), "t.csv.gz"), r"t\.csv\.gz .*(enormous cell|cell)"),
    Bad("a zstandard bomb", holds(b"\x28\xb5\x2f\xfd\xa0" + (2**31).to_bytes(4, "little") + bytes(40), "t.csv.zst"), r"t\.csv\.zst unpacks to far more than it holds.*Found: 49 bytes that unpack to 2,147,483,648"),
    Bad("another encoding", holds(csv(altered(3, "city", "Köln")).decode().encode("latin-1")), r"is not UTF-8 text.*Found: byte 0xf6 in line 5.*Do: .*iconv"),
    Bad("UTF-16", holds(CSV.decode().encode("utf-16")), r"t\.csv .*UTF-16"),
    Bad("NUL bytes", holds(CSV.replace(b"Oslo", b"Os\0o", 1)), r"NUL|binary"),
    Bad("a row with too few cells", holds(CSV + b"1,2\n"), r"is ragged.*Found: line 82 has 2 cells where the header has 6"),
    Bad("a row with too many cells", holds(CSV.replace(b"\n", b"\n1,2,3,4,5,6,7\n", 1)), r"is ragged.*Found: line 2 has 7 cells where the header has 6"),
    Bad("a quote that is never closed", holds(CSV.replace(b"Oslo", b'"Os,lo', 1)), r"quote"),
    Bad("a truncated Parquet file", holds(packed("parquet")[:-100], "t.parquet"), r"cannot be read as Parquet.*truncated"),
    Bad("a CSV called Parquet", holds(CSV, "t.parquet"), r"cannot be read as Parquet.*Rule: a Parquet file ends in its footer"),
    Bad("a Parquet file of 0 bytes", holds(b"", "t.parquet"), r"t\.parquet is empty.*Found: 0 bytes"),
    Bad("a Parquet file without rows", holds(packed("parquet", PEOPLE.head(0)), "t.parquet"), r"has no rows.*Found: 6 columns"),
    Bad("a Parquet file without columns", holds(packed("parquet", pl.DataFrame()), "t.parquet"), r"has no columns"),
    Bad("a Parquet footer that claims 2 GB", holds(packed("parquet")[:-8] + b"\xff\xff\xff\x7fPAR1", "t.parquet"), r"cannot be read as Parquet"),
    Bad("a truncated Arrow file", holds(packed("ipc")[:-60], "t.arrow"), r"cannot be read as Arrow.*truncated"),
    Bad("a Parquet file damaged inside", holds(packed("parquet")[:300] + b"\xff" * 400 + packed("parquet")[700:], "t.parquet"), r"cannot be read"),
    Bad("what is called gz and is not", holds(CSV, "t.csv.gz"), r"t\.csv\.gz .*gzip"),
    Bad("a truncated gz", holds(gzip.compress(CSV)[:-20], "t.csv.gz"), r"t\.csv\.gz .*(truncated|damaged|end)"),
    Bad("a truncated zst", holds(b"\x28\xb5\x2f\xfd\x24\x50", "t.csv.zst"), r"t\.csv\.zst .*(zst|Zstandard|compress)"),
    Bad("a spreadsheet", holds(CSV, "t.xlsx"), r"has an unknown suffix.*Found: '\.xlsx'.*Do: save the sheet as CSV"),
    Bad("a pickle", holds(b"\x80\x04K\x01.", "t.pkl"), r"unknown suffix.*pickles can run code"),
    Bad("a pickle called CSV", holds(b"\x80\x04\x95\x0a\0\0\0\0\0\0\0]\x94(K\x01K\x02e.", "t.csv"), r"t\.csv .*(binary|UTF-8|NUL)"),
    Bad("a zip called CSV", holds(b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(256)), "t.csv"), r"t\.csv .*(binary|UTF-8|NUL|zip)"),
    Bad("a database called CSV", database, r"t\.csv .*(binary|UTF-8|NUL)"),
    Bad("no suffix", holds(CSV, "table"), r"has an unknown suffix.*Found: 'no suffix'"),
    Bad("a file that is not there", lambda room: room.write("t2.csv", CSV).with_name("t.csv"), r"there is no file .*t\.csv \(did you mean 't2\.csv'\?\)"),
    Bad("a folder that is not there", lambda room: room.folder / "nowhere" / "t.csv", r"there is no file .*the folder .*nowhere does not exist either"),
    Bad("a pipe, which would be waited for", pipe, r"t\.csv is no file.*Rule: .*Found: a pipe"),
    Bad("a device without an end", link("/dev/zero"), r"t\.csv is no file.*Found: a device"),
    Bad("a link that leads nowhere", link("gone.csv"), r"there is no file .*t\.csv"),
    Bad("a target that is misspelt", holds(CSV, "t.csv", "bougth"), r"has no column 'bougth' \(did you mean 'bought'\?\)"),
    Bad("the same target twice", holds(CSV, "t.csv", "bought", "bought"), r"target"),
    Bad("a target of one value", of(PEOPLE.with_columns(bought=pl.lit("yes"))), r"'bought' has one value only.*Found: 'yes' in all 80 rows"),
    Bad("a target without values", of(PEOPLE.with_columns(bought=pl.lit(None, pl.String))), r"'bought' has no values.*Found: 80 missing cells"),
    Bad("a text as target", of(PEOPLE.with_columns(bought=pl.int_range(N).cast(pl.String) + "th note")), r"too many different texts to be classes"),
    Bad("a date as target", of(PEOPLE, "joined"), r"the target 'joined' is a date.*Do: predict a duration"),
    Bad("a forecast without a time", lambda room: room.write("t.csv", CSV), r"time", lambda room, table: room.command("init", table, "--target", "spend", "--horizon", 3, "--out", room.folder / "study")),
    Bad("a study where something lies", lambda room: (room.write("study/diary.txt", "dear diary"), room.write("t.csv", CSV))[1], r"study already exists.*Rule: a study gets a folder of its own.*Found: it is not empty.*Do: name another with --out"),
    Bad("a study where a file lies", lambda room: (room.write("study", "x"), room.write("t.csv", CSV))[1], r"study already exists.*Found: it is a file"),
    Bad("a study below a file", lambda room: (room.write("file", "x"), room.write("t.csv", CSV))[1], r"Not a directory", lambda room, table: room.command("init", table, "--target", TARGET, "--out", room.folder / "file" / "study")),
]  # fmt: skip
"""Every file `init` refuses; no study folder is left behind."""
