"""Opening and writing tables: cells come out as they went in, and every bad file ends in one clear message."""

import datetime
import gzip
import io
import re
import resource
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.files import delimited, sink
from fieldguide.core.files.source import open_source, write_frame, write_frames


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(data, *patterns):
    with pytest.raises(DataError) as caught:
        open_source(data).collect()
    for pattern in patterns:
        assert re.search(pattern, str(caught.value)), f"{pattern!r} not in {caught.value}"
    assert "infer_schema" not in str(caught.value)
    return caught.value


# What is read


def test_csv_cells_are_untouched_strings(tmp_path):
    source = open_source(write(tmp_path, "a.csv", 'age,city\n 031 ,"Rome, IT"\n?,"say ""hi"""\n,"two\nlines"\n'))
    assert source.names == ("age", "city")
    assert source.n_rows() == 3
    assert source.collect().to_dict(as_series=False) == {
        "age": [" 031 ", "?", None], "city": ["Rome, IT", 'say "hi"', "two\nlines"],
    }  # fmt: skip


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_found(tmp_path, separator):
    source = open_source(write(tmp_path, "a.csv", separator.join("ab") + "\n" + separator.join(("1", "2")) + "\n"))
    assert source.collect().rows() == [("1", "2")]


def test_decimal_commas_do_not_pass_for_separators(tmp_path):
    source = open_source(write(tmp_path, "a.csv", "x;y;z\n1,5;2,5;a\n3,25;4,0;b\n"))
    assert source.collect().rows() == [("1,5", "2,5", "a"), ("3,25", "4,0", "b")]


def test_tsv_with_literal_quotes_is_read_as_it_stands(tmp_path):
    source = open_source(write(tmp_path, "a.tsv", 'label\ttext\nham\t"Hello" he said\nspam\t5" pipe\n'))
    assert source.collect()["text"].to_list() == ['"Hello" he said', '5" pipe']
    assert "ordinary characters" in source.notes[0]


def test_a_tsv_that_is_divided_by_commas_is_still_read(tmp_path):
    assert open_source(write(tmp_path, "a.tsv", "a,b\n1,2\n")).names == ("a", "b")


def test_text_is_read_lazily_rows_first_and_conditions_after(tmp_path):
    text = "a,b\n" + "".join(f"{i},x{i}\n" for i in range(6))
    lazy = open_source(write(tmp_path, "a.csv", text)).frame
    assert lazy.filter(pl.col("a").is_in(["1", "4"])).select("b").collect()["b"].to_list() == ["x1", "x4"]
    assert lazy.head(3).filter(pl.col("a") == "4").collect().is_empty()
    assert lazy.filter(pl.col("a") == "4").head(1).collect().rows() == [("4", "x4")]
    assert lazy.head(2).select("b").collect()["b"].to_list() == ["x0", "x1"]
    assert lazy.head(0).collect().is_empty()


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfa,b\r\n1,2\r\n", b"a,b\r1,2\r", b"\n\na,b\n1,2\n\n\n", b" a , b\n1,2"]
)
def test_bom_line_ends_blank_lines_and_spaces_around_names_do_not_matter(tmp_path, content):
    source = open_source(write(tmp_path, "a.csv", content))
    assert (source.names, source.n_rows(), source.collect().rows()) == (("a", "b"), 1, [("1", "2")])


def test_blank_lines_between_rows_are_no_rows(tmp_path):
    source = open_source(write(tmp_path, "a.csv", 'a,b\n1,2\n\n\r\n3,"x\n\ny"\n'))
    assert source.collect().rows() == [("1", "2"), ("3", "x\n\ny")] and source.n_rows() == 2


def test_a_blank_line_in_a_one_column_table_is_a_row(tmp_path):
    source = open_source(write(tmp_path, "a.csv", "x\n1\n\n3\n"))
    assert source.collect()["x"].to_list() == ["1", None, "3"] and source.n_rows() == 3


def test_a_first_column_without_name_is_named(tmp_path):
    source = open_source(write(tmp_path, "a.csv", ",a\n0,x\n1,y\n"))
    assert source.names == ("unnamed_1", "a") and "unnamed_1" in source.notes[0]


def test_gz_and_zst_are_decompressed(tmp_path):
    text = b"a,b\n" + b"1,x\n" * 50_000
    packed = write(tmp_path, "a.csv.gz", gzip.compress(text))
    assert open_source(packed).collect().height == 50_000
    frame = pl.DataFrame({"a": ["1"] * 50_000, "b": ["x"] * 50_000})
    frame.write_csv(tmp_path / "a.csv.zst", compression="zstd")
    assert open_source(tmp_path / "a.csv.zst").collect().equals(frame)


def test_years_as_column_names_are_a_header(tmp_path):
    assert open_source(write(tmp_path, "a.csv", "country,1990,1991,1992\nIT,1,2,3\n")).n_rows() == 1


@pytest.mark.parametrize("names", ["0,1,2", "10,20,30", "3,2,1", "1,2", "2,1", "2024,2020,2022"])
def test_numbers_that_count_are_names(tmp_path, names):
    rows = "".join(f"{','.join(f'{7 * i + j}.5' for j in range(names.count(',') + 1))}\n" for i in range(4))
    assert open_source(write(tmp_path, "a.csv", f"{names}\n{rows}")).names == tuple(names.split(","))


@pytest.mark.parametrize("names", ["1,5", "3,7,12", "0.5,1.0,1.5", "1,3", "1700,1800,1950"])
def test_numbers_that_do_not_count_are_data(tmp_path, names):
    rows = "".join(f"{','.join(f'{7 * i + j}.5' for j in range(names.count(',') + 1))}\n" for i in range(4))
    refused(write(tmp_path, "a.csv", f"{names}\n{rows}"), "no header")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_binary_files_keep_their_types(tmp_path, suffix):
    frame = pl.DataFrame({"i": [1, None], "f": [0.5, 1.5], "s": ["a", "b"], "d": [datetime.date(2024, 1, 1)] * 2})
    path = write_frame(frame, tmp_path / f"a.{suffix}")
    assert open_source(path).collect().equals(frame)


def test_nested_and_odd_types_become_text_and_seconds(tmp_path):
    frame = pl.DataFrame({
        "l": [[1, 2], None], "t": [datetime.time(1), None], "d": [datetime.timedelta(minutes=1), None],
        "n": [None, None],
    })  # fmt: skip
    read = open_source(frame).collect()
    assert read.rows() == [("[1, 2]", 3600.0, 60.0, None), (None, None, None, None)]
    assert read["n"].dtype == pl.String


def test_pandas_frames_of_every_dtype():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({
        "object": pd.Series(["x", None, 3], dtype=object), "str": pd.Series(["x", None, "z"]),
        "category": pd.Categorical(["1", None, "2"]), "Int64": pd.array([1, None, 3], dtype="Int64"),
        "boolean": pd.array([True, None, False], dtype="boolean"), "float": [0.5, np.nan, np.inf],
        "naive": pd.to_datetime(["2024-01-01", None, "2024-06-01"]),
        "zoned": pd.to_datetime(["2024-01-01", None, "2024-06-01"]).tz_localize("Europe/Rome"),
        "delta": pd.to_timedelta([1, None, 2], unit="s"), 7: [1, 2, 3],
    })  # fmt: skip
    frame.index = [5, 6, 7]
    read = open_source(frame).collect()
    zoned = [datetime.datetime(2023, 12, 31, 23, tzinfo=datetime.UTC), None]
    zoned.append(datetime.datetime(2024, 5, 31, 22, tzinfo=datetime.UTC))
    assert read.to_dict(as_series=False) == {
        "object": ["x", None, "3"], "str": ["x", None, "z"], "category": ["1", None, "2"], "Int64": [1, None, 3],
        "boolean": [True, None, False], "float": [0.5, None, float("inf")],
        "naive": [datetime.datetime(2024, 1, 1), None, datetime.datetime(2024, 6, 1)],
        "zoned": zoned, "delta": [1.0, None, 2.0], "7": [1, 2, 3],
    }  # fmt: skip
    assert read["category"].dtype == pl.Categorical


def test_lists_of_dicts_and_dicts_of_lists():
    rows = open_source([{"a": 1, "b": "x"}, {"b": None, "c": True}]).collect().rows()
    assert rows == [(1, "x", None), (None, None, True)]
    assert open_source({"a": [1, 2.5, None], "b": [1, "x", 2]}).collect().rows() == [
        (1.0, "1"),
        (2.5, "x"),
        (None, "2"),
    ]
    refused({"a": [1], "b": [1, 2]}, "different lengths", "'a' has 1, 'b' has 2")
    refused(["x"], "not a list of rows", "item 0 is a str")
    refused(3, "data of type int is not a table")


def test_lazy_queries_agree_with_reading_all(tmp_path):
    rows = "".join(f"{i},{i % 7}\n" for i in range(1000))
    source = open_source(write(tmp_path, "a.csv", "a,b\n" + rows))
    assert source.frame.filter(pl.col("b") == "3").select("a").collect().height == 143
    assert source.frame.head(5).collect()["a"].to_list() == list("01234")
    assert source.frame.select(pl.len()).collect().item() == 1000
    assert source.collect(["b"]).columns == ["b"]
    with pytest.raises(DataError, match=r"no column 'c'.*the columns are a, b"):
        source.collect(["c"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("n", [1, 7, 999, 1000, 5000])
def test_slices_are_whole_and_in_order(tmp_path, suffix, n, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 1024)
    frame = pl.DataFrame({"i": [str(i) for i in range(1000)], "s": ['quoted, "cell"\nover lines'] * 1000})
    source = open_source(write_frame(frame, tmp_path / f"a.{suffix}"))
    parts = list(source.slices(n))
    assert [part.height for part in parts] == [n] * (1000 // n) + [1000 % n] * (1000 % n > 0)
    assert pl.concat(parts).equals(frame)


def test_slices_take_memory_for_a_block_not_for_the_file(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.write(b"a,b,c\n")
        for _ in range(50):
            file.write(b"12345678,some text here,0.12345\n" * 40_000)
    code = (
        "import resource, sys\nfrom fieldguide.core.files.source import open_source\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\nsource = open_source(sys.argv[1])\n"
        "n = sum(part.height for part in source.slices(10_000))\nprint(n, peak() - before)"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    n, megabytes = map(int, out.split())
    assert n == 2_000_000
    assert megabytes < 120  # all rows at once take over 200
    assert path.stat().st_size > 60e6


# What is refused


def test_missing_file_names_the_nearest(tmp_path):
    write(tmp_path, "train.csv", "a\n1\n")
    refused(tmp_path / "trian.csv", "there is no file", "did you mean 'train.csv'")
    refused(tmp_path / "no" / "x.csv", "folder .*no does not exist")


def test_a_folder_with_one_table_is_that_table(tmp_path):
    write(tmp_path, "train.csv", "a\n1\n")
    assert open_source(tmp_path).collect().to_dict(as_series=False) == {"a": ["1"]}


@pytest.mark.parametrize("content", [b"", b"\n \n\n", b"\xef\xbb\xbf"])
def test_empty_file(tmp_path, content):
    refused(write(tmp_path, "a.csv", content), "a.csv is empty", "header and at least one row")


def test_header_only(tmp_path):
    refused(write(tmp_path, "a.csv", "a,b\n"), "header and no rows", "2 columns \\(a, b\\)")
    refused(pl.DataFrame({"a": []}), "the Polars frame has no rows")
    refused(pl.DataFrame(), "no columns")


def test_duplicate_column_names(tmp_path):
    refused(write(tmp_path, "a.csv", "a,b, a\n1,2,3\n"), "duplicate column names", "'a' stands 2 times")
    pd = pytest.importorskip("pandas")
    refused(pd.DataFrame([[1, 2]], columns=["x", "x"]), "pandas frame has duplicate column names", "'x' stands 2 times")


def test_empty_column_name(tmp_path):
    refused(write(tmp_path, "a.csv", "a,,b\n1,2,3\n"), "column without a name", "column 2 of 3")


def test_no_header(tmp_path):
    refused(write(tmp_path, "a.csv", "39, State-gov, 77516\n50, Private, 83311\n"), "no header", "39, State-gov")
    refused(write(tmp_path, "b.csv", "5.1,3.5,setosa\n4.9,3.0,setosa\n"), "no header")
    refused(write(tmp_path, "d.csv", "male,S,x1\nmale,S,x2\nfemale,C,x3\n"), "no header")
    refused(write(tmp_path, "c.csv", "0,0,1\n1,0,1\n"), "no header")


def test_ragged_rows_name_the_line(tmp_path):
    refused(write(tmp_path, "a.csv", "a,b\n1,2\n\n3\n4,5\n"), "ragged", "line 4 has 1 cells where the header has 2")
    refused(write(tmp_path, "a.csv", 'a,b\n"x\ny",2\n3,4,5\n6\n'), "line 4 has 3 cells", "and 1 more such lines")


def test_wrong_encoding_names_byte_and_line(tmp_path):
    path = write(tmp_path, "a.csv", "a,b\n1,x\n2,caffè\n".encode("latin-1"))
    refused(path, "not UTF-8", "byte 0xe8 in line 3 \\(byte 14\\)", "Latin-1")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16_is_recognised(tmp_path, encoding):
    bom = b"\xfe\xff" if encoding == "utf-16-be" else b""
    refused(write(tmp_path, "a.csv", bom + "a,b\n1,2\n".encode(encoding)), "is UTF-16 text", "byte order mark", "iconv")


def test_binary_file_with_a_csv_name(tmp_path):
    refused(write(tmp_path, "a.csv", b"a,b\n1,\x00\x01\n"), "not a text file", "NUL byte in line 2")


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_truncated_binary_files(tmp_path, suffix):
    path = write_frame(pl.DataFrame({"a": np.arange(10_000)}), tmp_path / f"a.{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "cannot be read as (Parquet|Arrow)", "truncated", "write it again")
    path.write_bytes(b"")
    refused(path, "is empty", "0 bytes")


def test_quotes_inside_a_cell_are_harmless_and_across_cells_they_are_not(tmp_path):
    quoted = '3,"x, y"\n'
    source = open_source(write(tmp_path, "a.csv", 'a,b\n1,say "hi" there\n' + quoted))
    assert source.collect()["b"].to_list() == ['say "hi" there', "x, y"]
    inches = 'a,b\n1,5" pipe\n2,6" pipe\n'
    refused(write(tmp_path, "b.csv", inches + quoted), "stray double quote", "line 2", "encloses a whole cell")
    source = open_source(write(tmp_path, "c.csv", inches))  # where no quote encloses anything they are all letters
    assert source.collect()["b"].to_list() == ['5" pipe', '6" pipe'] and "ordinary characters" in source.notes[0]


def test_quotes_of_a_header_enclose_its_names_or_are_letters(tmp_path):
    assert open_source(write(tmp_path, "a.csv", '"a, b","c ""d"""\n"1",2\n')).names == ("a, b", 'c "d"')
    source = open_source(write(tmp_path, "b.csv", 'size 5",size 6"\n1,2\n3,4\n'))
    assert source.names == ('size 5"', 'size 6"') and source.n_rows() == 2


@pytest.mark.parametrize(
    ("flags", "between", "width"),
    [(0xA0, b"", 4), (0xE0, b"", 8), (0xC0, b"\x50", 8), (0xE1, b"\x07", 8), (0x83, b"\x50" + bytes(4), 4)],
)
def test_a_bomb_of_zstandard_is_refused_however_its_header_says_so(tmp_path, flags, between, width):
    """The frame's header: its size stands after the window and the number of a dictionary, in 4 or 8 bytes (RFC 8878)."""
    head = b"\x28\xb5\x2f\xfd" + bytes([flags]) + between
    refused(
        write(tmp_path, "a.csv.zst", head + (3 << 30).to_bytes(width, "little") + bytes(40)),
        "unpacks to far more",
        "3,221,225,472",
    )
    with pytest.raises(DataError) as caught:
        open_source(write(tmp_path, "b.csv.zst", head + (300).to_bytes(width, "little") + bytes(40)))
    assert "far more" not in str(caught.value)


def test_damage_inside_a_file_is_met_while_reading(tmp_path):
    path = write_frame(pl.DataFrame({"a": np.random.default_rng(0).random(50_000)}), tmp_path / "a.parquet")
    whole = bytearray(path.read_bytes())
    whole[4:20_000] = b"\xff" * 19_996
    path.write_bytes(bytes(whole))
    refused(path, "cannot be read")


def test_damaged_gzip(tmp_path):
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(50_000)))
    refused(write(tmp_path, "a.csv.gz", packed[: len(packed) // 2]), "is damaged", "decompresses to its end")
    refused(write(tmp_path, "b.csv.gz", b"a,b\n1,2\n"), "is damaged")


@pytest.mark.parametrize("name", ["a.xlsx", "a.json", "a", "a.parquet.gz"])
def test_unknown_suffix(tmp_path, name):
    refused(write(tmp_path, name, b"x"), "unknown suffix", "Rule: data is .csv")


def test_enormous_cell_names_row_and_column(tmp_path):
    refused(
        write(tmp_path, "a.csv", f"a,b,c\n1,2,3\n4,{'x' * 1_500_000},6\n"), "enormous cell", "line 3, column 2: 1.5 MB"
    )
    refused(write(tmp_path, "b.csv", f"a,b\n1,2\n4,{'x' * 9_000_000}\n"), "enormous cell", "line 3")


def test_unclosed_quote_names_its_line(tmp_path):
    refused(write(tmp_path, "a.csv", 'a,b\n1,"x\n2,y\n3,"z,w"\n'), "quote", "line 2")
    tail = "".join(f"{i},y\n" for i in range(400_000))
    refused(write(tmp_path, "b.csv", f'a,b\n1,x\n2,"y, z\n{tail}'), "never closed", "line 3", "within 1 MB")


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, fieldguide.core.files.source, fieldguide.steps.detect.task\n"
        "print([m for m in ('pandas', 'pyarrow', 'torch', 'sklearn') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


# Writing


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "arrow"])
def test_writing_and_reading_again(tmp_path, suffix):
    frames = [pl.DataFrame({"a": [str(i)], "b": ["x,\ty"]}) for i in range(5)]
    path = write_frames(iter(frames), tmp_path / f"a.{suffix}")
    assert open_source(path).collect().equals(pl.concat(frames))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = write(tmp_path, "a.csv", "old\n")

    def frames():
        yield pl.DataFrame({"a": [1]})
        raise OSError(5, "Input/output error")

    with pytest.raises(DataError, match=r"a\.csv could not be written.*Input/output error"):
        write_frames(frames(), path)
    assert path.read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_full_disk_names_path_and_bytes(tmp_path, suffix):
    # A limit on the size of files stands in for the end of the disk.
    code = """
import resource, signal, sys
import polars as pl
from fieldguide.core.files.source import DataError, write_frame
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_frame(pl.DataFrame({"a": [i * 0.37 for i in range(20_000)]}), sys.argv[1])
except DataError as error:
    print(error)
"""
    path = tmp_path / f"a.{suffix}"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert re.search(rf"the disk is full: .*a\.{suffix} could not be written", done.stdout), done
    assert re.search(r"it needs \d\d\d,\d\d\d bytes; [\d,]+ bytes are free", done.stdout), done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_how_many_bytes_a_text_takes_is_counted_to_the_byte(tmp_path, suffix):
    frame = pl.DataFrame({"a": ["x", 'quo"ted', None], "b": [["s", "m"], [], ["l"]], "c": [0.1, 1e300, None]})
    path = write_frame(frame, tmp_path / f"a.{suffix}")
    assert sink._bytes_of(frame, path) == len(path.read_bytes()) > 30
    counter = sink._Count()
    with io.BufferedWriter(counter) as file:  # which asks whether it may write
        file.write(b"12345")
    assert counter.n_bytes == 5


def test_writing_refuses_what_it_cannot(tmp_path):
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(DataError, match=r"unknown suffix.*'\.xlsx'"):
        write_frame(frame, tmp_path / "a.xlsx")
    with pytest.raises(DataError, match=r"no folder .*nowhere.*mkdir -p"):
        write_frame(frame, tmp_path / "nowhere" / "a.csv")
    with pytest.raises(DataError, match="nothing to write"):
        write_frames([], tmp_path / "a.csv")


def test_peak_is_measured_in_kilobytes():
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 10_000  # the memory test above divides by 1024


def test_single_quotes_that_enclose_every_name_are_taken_off_names_and_cells(tmp_path):
    source = open_source(write(tmp_path, "a.csv", "'age'\t'town'\n31\t'Ulm'\n40\tO'Hara\n"))
    assert source.names == ("age", "town")
    assert source.collect()["town"].to_list() == ["Ulm", "O'Hara"]
    assert any("single quotes" in note for note in source.notes)
    assert open_source(write(tmp_path, "b.csv", "'age',town\n31,'Ulm'\n")).names == ("'age'", "town")


def test_a_space_divides_three_columns_or_more_where_nothing_else_does(tmp_path):
    source = open_source(write(tmp_path, "a.csv", "'obs' 'gpa' 'grade'\n1 2.66 0\n2 2.89 1\n"))
    assert source.names == ("obs", "gpa", "grade")
    assert source.collect()["gpa"].to_list() == ["2.66", "2.89"]
    assert open_source(write(tmp_path, "b.csv", "a b c,n\nx y z,1\nu v w,2\n")).names == ("a b c", "n")
    assert open_source(write(tmp_path, "c.csv", "first name\nAda Lovelace\nAlan Turing\n")).names == ("first name",)
    assert open_source(write(tmp_path, "d.csv", "what was said\nA b c d\nOne two\n")).names == ("what was said",)
