"""Commands as nobody should type them, calls as nobody should make them, rows nobody can answer, requests nobody can serve."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from bad_case import PEOPLE, Bad, Room, altered, csv
from safetensors.numpy import save_file

from fieldguide.core.candidate import Candidate
from fieldguide.core.documents.config import Config
from fieldguide.core.files.manifest import write_manifest
from fieldguide.core.files.source import open_source
from fieldguide.core.language.expression import parse
from fieldguide.core.words.embedding import Embedding
from fieldguide.parts import find
from fieldguide.parts.stores import open_log
from fieldguide.workflow import Study, load_model

NEW = PEOPLE.drop("bought")


def nothing(room: Room) -> Path:
    room.write("new.csv", csv(NEW))
    return room.folder


def typed(*words: str) -> Any:
    """Return the call of a command as it is typed; FOLDER is the room's, MODEL the finished model, DONE its study."""

    def call(room: Room, made: Any) -> object:
        names = {"FOLDER": room.folder, "MODEL": room.finished / "model", "DONE": room.finished}
        return room.command(*(names.get(word, word.replace("HERE/", f"{room.folder}/")) for word in words))

    return call


def forged_embedding(room: Room) -> Path:
    """An embedding whose description lacks its words, with hashes that fit."""
    room.write("words/embedding.json", '{"format": 1, "of": "texts", "facts": {}}')
    save_file({"inputs": np.zeros((1, 2), np.float32)}, room.folder / "words" / "vectors.safetensors")
    write_manifest(room.folder / "words")
    return room.folder / "words"


def usage(name: str, words: str, *line: str) -> Bad:
    return Bad(name, nothing, words, typed(*line))


USAGE = [
    usage("a verb that there is not", r"No such command 'runn'.*Rule: Usage: fieldguide.*Found: fieldguide runn", "runn"),
    usage("an option that there is not", r"No such option: --trails.*--trials.*Do: fieldguide run --help", "run", "--trails", "3", "x"),
    usage("a folder that is not given", r"Missing argument 'FOLDER'.*Rule: Usage: fieldguide run", "run"),
    usage("a place that is not given", r"Missing option.*--out", "predict", "model", "new.csv"),
    usage("trials below 0", r"Invalid value for '--trials'", "run", "x", "--trials", "-1"),
    usage("minutes in words", r"Invalid value for '--minutes'", "run", "x", "--minutes", "soon"),
    usage("a port that there is not", r"Invalid value for '--port'", "serve", "MODEL", "--port", "99999"),
    usage("two arguments for one", r"unexpected extra argument", "status", "a", "b"),
    usage("a study that is a file", r"is not a study folder", "status", "HERE/x.txt"),
    usage("a candidate that there is not", r"no candidate 'bosting' \(did you mean 'boosting'\?\)", "package", "DONE", "bosting", "-o", "HERE/out"),
    usage("a model written over another", r"already exists.*Rule: a model folder is written whole", "package", "DONE", "boosting", "-o", "MODEL"),
    usage("answers over the rows they answer", r"would be written over the rows it answers.*Do: name another file", "predict", "MODEL", "HERE/new.csv", "-o", "HERE/new.csv"),
    usage("answers into no folder", r"there is no folder .*nowhere.*Do: mkdir -p", "predict", "MODEL", "HERE/new.csv", "-o", "HERE/nowhere/s.csv"),
    usage("answers as a spreadsheet", r"unknown suffix.*Rule: a table is written as", "predict", "MODEL", "HERE/new.csv", "-o", "HERE/s.xlsx"),
    usage("a log of no store", r"no store opens ftp://host/log", "log", "show", "--log", "ftp://host/log"),
    usage("a log that is not there", r"there is no log", "log", "show", "--log", "HERE/none.db"),
    usage("a log that is a table", r"is no SQLite file", "log", "show", "--log", "HERE/new.csv"),
    usage("an arm of no name", r"=", "serve", "=MODEL"),
    usage("an embedding that is none", r"is not an embedding", "embed", "neighbours", "FOLDER", "word"),
    Bad("an embedding without its words", forged_embedding, r"is damaged.*Found: KeyError: 'words'", lambda room, folder: Embedding.load(folder)),
    usage("a report of nothing", r"is not a study folder|holds no", "report", "FOLDER"),
]  # fmt: skip
"""Commands that end in exit status 2."""

ROWS = [
    Bad("rows without a column", lambda room: csv(NEW.rename({"spend": "spent"})), r"1 column is missing: spend \(did you mean 'spent'\?\).*Rule: .*a column may not be absent"),
    Bad("rows of the target alone", lambda room: csv(PEOPLE.select("bought")), r"5 columns are missing"),
    Bad("a header without rows", lambda room: csv(NEW.head(0)), r"new\.csv has a header and no rows"),
    Bad("rows cut off in a line", lambda room: csv(NEW)[:-12], r"is ragged"),
    Bad("rows in another encoding", lambda room: csv(altered(3, "city", "Köln", NEW)).decode().encode("latin-1"), r"is not UTF-8 text"),
]  # fmt: skip
"""Files a model is asked to answer; no answers are written."""


def predict(room: Room, content: Any) -> object:
    path = room.write("new.csv", content)
    done = room.command("predict", room.finished / "model", path, "-o", room.folder / "scores.csv")
    path.unlink()
    return done


def answers(**columns: Any) -> Any:
    return lambda room: pl.DataFrame(columns)


ANSWERS = [
    Bad("predictions without rows", answers(probability_yes=[0.5]), r"the predictions do not name their rows.*Rule: there is a column 'row'"),
    Bad("a row twice", answers(row=[1, 1], probability_yes=[0.5, 0.4]), r"some rows are predicted twice.*Found: 1 repeats"),
    Bad("a row that there is not", answers(row=[1, 80], probability_yes=[0.5, 0.4]), r"1 rows of the predictions are not in the study.*such as row 80"),
    Bad("a row below 0", answers(row=[1, -5], probability_yes=[0.5, 0.4]), r"are not in the study.*such as row -5"),
    Bad("a row in words", answers(row=["1", "two"], probability_yes=[0.5, 0.4]), r"are not in the study.*such as row 'two'"),
    Bad("no prediction at all", answers(row=[1, 2], score=[0.5, 0.4]), r"the predictions of 'bought' are incomplete.*probability_no, probability_yes"),
    Bad("a probability in words", answers(row=[1, 2], probability_yes=["high", "low"]), r"column 'probability_yes' is not a number in row 0.*Found: 'high'"),
    Bad("a probability that is missing", answers(row=[1, 2], probability_yes=[0.5, None]), r"is not a number in row 1.*Rule: every row has a prediction"),
    Bad("a probability that is no number", answers(row=[1, 2], probability_yes=[0.5, float("nan")]), r"is not a number in row 1"),
    Bad("an infinite probability", answers(row=[1, 2], probability_yes=[float("inf"), 0.5]), r"is not a number in row 0"),
    Bad("probabilities above 1", answers(row=[1, 2, 3], probability_yes=[0.5, 1.5, 20.0]), r"probabilit.*1\.5"),
    Bad("a label that there is not", answers(row=[1, 2], prediction=["yes", "maybe"]), r"maybe"),
]  # fmt: skip
"""Predictions made elsewhere that cannot be judged; no look is spent."""


def judge(room: Room, frame: Any) -> object:
    before = (room.finished / "journal.jsonl").read_bytes()
    try:
        return Study(room.finished).evaluate(frame, reason="a test of refusals")
    finally:
        assert (room.finished / "journal.jsonl").read_bytes() == before, "a refusal cost a look"


def by(make: Any) -> Any:
    return lambda room: make


def called(room: Room, made: Any) -> object:
    return made(room)


CALLS = [
    Bad("a number in place of a table", by(lambda room: open_source(7)), r"data of type int is not a table.*Do: hand over one of these"),
    Bad("lists of different lengths", by(lambda room: open_source({"a": [1, 2], "b": [1]})), r"columns of different lengths.*Found: 'a' has 2, 'b' has 1"),
    Bad("a list of numbers", by(lambda room: open_source([{"a": 1}, 2])), r"not a list of rows.*Found: item 1 is a int"),
    Bad("a dict of numbers", by(lambda room: open_source({"a": 1, "b": 2})), r"column 'a' is not a list of cells.*Found: a int"),
    Bad("a list of nothing", by(lambda room: open_source([])), r"the list of rows has no columns"),
    Bad("a frame without rows", by(lambda room: open_source(pl.DataFrame({"a": []}))), r"has no rows"),
    Bad("a column that there is not", by(lambda room: open_source({"a": [1]}).collect(["b"])), r"has no column 'b'.*Found: the columns are a"),
    Bad("a part that there is not", by(lambda room: find("metrics", "roc_uac")), r"no metrics part named 'roc_uac' \(did you mean 'roc_auc'\?\)"),
    Bad("a part that is a path", by(lambda room: find("learners", "../../os")), r"no learners part named '\.\./\.\./os'"),
    Bad("a setting that there is not", by(lambda room: Candidate.from_dict({"recipe": {}, "learner": "boosting", "settings": {"depht": 3}, "name": "x"}, find)), r"no setting 'depht'"),
    Bad("an expression that never ends", by(lambda room: parse("a" + " + a" * 10_000, {"a": "number"})), r"expression is too long|nested too deeply"),
    Bad("an expression in brackets in brackets", by(lambda room: parse("(" * 300 + "a" + ")" * 300, {"a": "number"})), r"cannot be read.*Found: .*nested|too many"),
    Bad("an expression that calls Python", by(lambda room: parse("a.__class__", {"a": "number"})), r"'\.' has no meaning here|cannot be read|no column"),
    Bad("an expression of nothing", by(lambda room: parse("  ", {"a": "number"})), r"the expression is empty"),
    Bad("a study of mistakes in plain data", by(lambda room: Config.from_dict({"problem": {"targt": 1}, "data": {"table": 3}})), r"problem\.targt"),
    Bad("a study of no table", by(lambda room: Study.create(room.folder / "none.csv", target="y", out=room.folder / "study")), r"there is no file .*none\.csv"),
    Bad("a log in words", by(lambda room: open_log("nowhere at all://x")), r"nowhere at all"),
    Bad("a row without its columns", by(lambda room: load_model(room.finished / "model").predict_rows([{"age": 3}])), r"1 column is missing: city.*a column may not be absent"),
    Bad("rows of different columns", by(lambda room: load_model(room.finished / "model").predict_rows([NEW.row(0, named=True), {"age": 3}])), r"1 column is missing: city"),
    Bad("rows that are an array", by(lambda room: load_model(room.finished / "model").predict(np.zeros((3, 5)))), r"data of type ndarray is not a table"),
    Bad("sealed rows without a look", by(lambda room: Study(room.fresh).material.sealed()), r"the seal is closed"),
]  # fmt: skip
"""Calls in Python that raise."""


def body(content: bytes, path: str = "/predict", **headers: str) -> Any:
    return lambda room: (
        path,
        content,
        {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}},
    )


def rows(*more: Any, **entries: Any) -> bytes:
    return json.dumps({"rows": [NEW.row(0, named=True), *more], **entries}).encode()


def post(room: Room, made: Any) -> object:
    path, content, headers = made
    return room.client.post(path, content=content, headers=headers)


REQUESTS = [
    Bad("a body of 0 bytes", body(b""), r"JSON"),
    Bad("bytes that are no text", body(b"\xff\xfe"), r"the body is JSON in UTF-8"),
    Bad("half a body", body(rows()[:-10]), r"the body is JSON in UTF-8"),
    Bad("a number that is none", body(b'{"rows": [{"age": NaN}]}'), r"NaN is no JSON number"),
    Bad("100,000 brackets in a request", body(b"[" * 100_000), r"nested too deeply"),
    Bad("nested objects in a cell", body(rows({**NEW.row(0, named=True), "age": json.loads('{"a":' * 200 + "1" + "}" * 200)})), r"a number"),
    Bad("a number of 5,000 digits", body(b'{"rows": [{"age": ' + b"9" * 5_000 + b"}]}"), r"JSON"),
    Bad("half a character", body(b'{"rows": [{"city": "\\ud800"}]}'), r"a lone surrogate"),
    Bad("a list", body(b"[1]"), r"the body is an object"),
    Bad("no rows", body(b'{"rows": []}'), r"rows is a list of at least one row"),
    Bad("rows that are numbers", body(b'{"rows": [1]}'), r"a row is an object of columns"),
    Bad("an entry that there is not", body(b'{"row": []}'), r"the entries of a request are"),
    Bad("10,001 rows", body(json.dumps({"rows": [{}] * 10_001}).encode()), r"at most 10,000 rows.*10001 rows"),
    Bad("an empty row", body(b'{"rows": [{}]}'), r"every column"),
    Bad("a cell in words", body(rows({**NEW.row(0, named=True), "age": "old"})), r"a number.*'old'"),
    Bad("an empty unit", body(rows(unit="")), r"a unit is a text"),
    Bad("fewer units than rows", body(rows(units=["a", "b"])), r"one unit per row"),
    Bad("an arm that there is not", body(rows(arm="x")), r"the arms are"),
    Bad("a form in place of JSON", body(b"age=3", content_type="application/x-www-form-urlencoded"), r"Content-Type is JSON, Arrow or Parquet"),
    Bad("a gzip bomb as a body", body(gzip.compress(b" " * 2**26), content_encoding="gzip"), r"JSON|encoding"),
    Bad("a body that claims to be small", body(b"[" + b" " * (33 * 2**20) + b"]"), r"at most .*bytes|larger"),
    Bad("a truncated Parquet batch", body(b"PAR1" * 50, content_type="application/vnd.apache.parquet"), r"the body is what Content-Type says"),
    Bad("an Arrow batch that claims 2 GB", body(b"ARROW1\0\0" + b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(64) + b"ARROW1", content_type="application/vnd.apache.arrow.file"), r"the body is what Content-Type says"),
    Bad("a page that there is not", body(b"{}", path="/predict/../../etc/passwd"), r"."),
    Bad("an outcome of nothing", body(b"{}", path="/outcomes"), r"."),
]  # fmt: skip
"""Requests that are answered by 4xx, in the one shape."""
