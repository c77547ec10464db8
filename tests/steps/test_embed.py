"""`fieldguide embed`: corpora in, a folder without pickles out, questions, features for a study, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command
from fieldguide.core.errors import ConfigError, DataError, FieldguideError, ModelError
from fieldguide.core.words.embedding import Embedding, features
from fieldguide.core.words.nearness import analogies, analogy, neighbours, similarity
from fieldguide.steps.embed import Sequences, apply, embed, positions, read_corpus, read_pairs, read_questions

SMALL: dict[str, Any] = {"dimensions": 6, "epochs": 2, "min_count": 1, "device": "cpu"}


def texts() -> list[str]:
    rng = np.random.default_rng(0)
    sea, land = ("boat", "wave", "Anchor", "sail"), ("tree", "field", "horse", "barn")
    return [" ".join(rng.choice(sea if i % 2 else land, 8)) + "." for i in range(200)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "notes.csv"
    pl.DataFrame({"id": range(200), "body": texts()}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def folder(table: Path) -> Path:
    return embed(read_corpus(table, text="body"), **SMALL).save(table.parent / "vectors")


def square() -> Embedding:
    """Four words whose vectors make an analogy by construction."""
    vectors = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]], np.float32)
    return Embedding(("man", "king", "woman", "queen"), np.array([4, 3, 2, 1]), vectors, vectors[::-1].copy())


# --- corpora -------------------------------------------------------------------------------------------------------------


def test_a_column_a_folder_and_a_file_give_the_same_corpus(table: Path, tmp_path: Path) -> None:
    lines = pl.read_csv(table)["body"].to_list()
    for i, line in enumerate(lines):
        (tmp_path / f"{i:03}.txt").write_text(line, encoding="utf-8")
    one = tmp_path / "all"
    one.write_text("\n".join(lines), encoding="utf-8")
    wanted = read_corpus(table, text="body").lists.to_list()
    assert wanted[1][0] in ("boat", "wave", "anchor", "sail")
    assert read_corpus(tmp_path).lists.to_list() == wanted == read_corpus(one).lists.to_list()


def test_items_stand_in_the_order_of_their_time(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_text(
        "session,at,listing\ns1,2024-10-02,7\ns2,2024-09-01,9\ns1,2024-09-30,8\ns1,2024-10-01,\n", encoding="utf-8"
    )
    found = read_corpus(path, item="listing", unit="session", time="at")
    assert (found.of, found.lists.to_list()) == ("items", [["9"], ["8", "7"]])
    assert found.notes == ("1 rows without session, listing, at were left out",)
    path.write_text("session,at,listing\ns1,10,7\ns1,9,8\n", encoding="utf-8")  # as numbers, not as texts
    assert read_corpus(path, item="listing", unit="session", time="at").lists.to_list() == [["8", "7"]]
    assert read_corpus(path, item="listing", unit="session").lists.to_list() == [["7", "8"]]


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    ({"t": ["a"]}, {"text": "t", "item": "t"}, "text and item are both given"),
    ({"t": ["a"]}, {"item": "t"}, "item is given without unit"),
    ({"t": ["a"]}, {}, "no column is named"),
    ({"body": ["a"]}, {"text": "bdy"}, "has no column 'bdy' (did you mean 'body'?)"),
    ({"u": ["a", "b"], "i": ["1", "2"], "when": ["x", "y"]}, {"item": "i", "unit": "u", "time": "when"},
     "column 'when' of the dict is not a time"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "columns", "message"), REFUSED)
def test_columns_that_make_no_corpus_are_refused(data: Any, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldguideError, match=re.escape(message)):
        read_corpus(data, **columns)


SPARSE = [
    ([], "the corpus has no words. Rule: a corpus has at least two different words. Found: 0 sequences"),
    (
        ["", " . "],
        "the corpus has no words. Rule: a corpus has at least two different words. Found: 2 sequences, all empty",
    ),
    (["Ho ho", "ho"], "the corpus has one word only: 'ho'"),
    (
        ["a b c", "a b"],
        "the vocabulary has 0 words after min_count. Rule: at least two different words come 3 times or more",
    ),
    (["a b a", "a b"], "the vocabulary has 1 word after min_count"),
    (["a", "b"] * 4, "no word of the corpus has a neighbour. Rule: some sequence has at least two words"),
]


@pytest.mark.parametrize(("given", "message"), SPARSE)
def test_a_corpus_that_is_too_small_is_refused(given: list[str], message: str) -> None:
    sequences = (
        read_corpus({"t": given}, text="t")
        if given
        else Sequences(pl.Series([], dtype=pl.List(pl.String)), "texts", "nothing")
    )
    with pytest.raises(DataError, match=re.escape(message)):
        embed(sequences, min_count=3, device="cpu")


def test_files_that_are_no_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no texts\. Rule: a folder of texts holds"):
        read_corpus(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"good\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"a\.txt is not UTF-8.*byte 0xe9 in line 2, byte 8 of the file"):
        read_corpus(tmp_path)
    with pytest.raises(DataError, match="there is no file"):
        read_corpus(tmp_path / "gone")
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ConfigError, match=r"t\.csv is a table and no column is named.*the columns are x, y"):
        read_corpus(tmp_path / "t.csv")


def test_settings_are_checked(table: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape("there is no setting 'windows' (did you mean 'window'?)")):
        embed(read_corpus(table, text="body"), windows=3)
    with pytest.raises(ConfigError, match="min_count 0 is out of range"):
        embed(read_corpus(table, text="body"), min_count=0)


# --- the folder ----------------------------------------------------------------------------------------------------------


def test_a_folder_gives_back_what_was_learned(table: Path, folder: Path) -> None:
    again = embed(read_corpus(table, text="body"), **SMALL)
    loaded = Embedding.load(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["embedding.json", "manifest.json", "vectors.safetensors"]
    assert loaded.words == again.words and np.array_equal(loaded.inputs, again.inputs)
    assert np.array_equal(loaded.outputs, again.outputs) and np.array_equal(loaded.counts, again.counts)
    assert loaded.facts["n_tokens"] == 1600 and loaded.facts["settings"]["dimensions"] == 6
    assert "Learned 8 words in 6 dimensions from 1,600 words in 200 texts" in loaded.facts["sentence"]
    again.save(folder)  # over an old one


def test_an_altered_folder_and_a_strange_one_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"is not an embedding folder\. Rule: an embedding folder holds manifest\.json"
    ):
        Embedding.load(tmp_path)
    embedding = square()
    path = embedding.save(tmp_path / "v")
    data = bytearray((path / "vectors.safetensors").read_bytes())
    data[-1] ^= 1
    (path / "vectors.safetensors").write_bytes(bytes(data))
    with pytest.raises(ModelError, match=r"the file 'vectors\.safetensors' of .* is missing, altered or truncated"):
        Embedding.load(path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_text("kept")
    with pytest.raises(DataError, match="exists and is not an embedding"):
        embedding.save(tmp_path / "other")
    assert (tmp_path / "other" / "precious").read_text() == "kept"


# --- questions -----------------------------------------------------------------------------------------------------------


def test_neighbours_and_analogies() -> None:
    found = square()
    assert analogy(found, "man", "king", "woman", 1)[0][0] == "queen"
    word, cosine = neighbours(found, "King", 1)[0]
    assert (word, cosine) == ("man", pytest.approx(0.5**0.5))
    assert [name for name, _ in neighbours(found, "man")] == ["king", "woman", "queen"]  # equal ones by frequency
    beside = neighbours(found, "man", 3, beside=True)  # outputs are the inputs in reverse
    assert beside[0] == ("woman", pytest.approx(1 / (1 + np.exp(-1)))) or beside[0][0] == "queen"
    with pytest.raises(DataError, match=re.escape("the word 'quean' is not in the embedding (did you mean 'queen'?)")):
        neighbours(found, "quean")


def test_agreement_with_people(tmp_path: Path) -> None:
    found = square()
    pairs = [
        ("man", "king", 9.0),
        ("woman", "queen", 8.0),
        ("king", "queen", 5.0),
        ("man", "woman", 1.0),
        ("man", "ship", 3.0),
    ]
    agreed = similarity(found, pairs)
    cosines = [0.5**0.5, 0.5**0.5, 0.5, 0.0]
    ranks = pl.Series(cosines).rank().to_numpy(), np.array([4.0, 3.0, 2.0, 1.0])
    assert (agreed.n, agreed.n_unknown) == (4, 1) and agreed.value == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert agreed.interval[0] < agreed.value < agreed.interval[1]
    with pytest.raises(DataError, match=r"too few pairs can be judged.*0 of 1"):
        similarity(found, [("x", "y", 1.0)])
    asked = analogies(
        found, {"s": [("man", "king", "woman", "queen"), ("man", "king", "woman", "man"), ("a", "b", "c", "d")]}
    )
    assert (asked.value, asked.n, asked.n_unknown, dict(asked.sections)) == (0.5, 2, 1, {"s": (1, 2)})
    assert asked.interval == (pytest.approx(0.0945, abs=1e-3), pytest.approx(0.9055, abs=1e-3))  # Wilson, 1 of 2
    path = tmp_path / "pairs.txt"
    path.write_text("word1,word2,score\nman\tking 9.5\n")
    assert read_pairs(path) == [("man", "king", 9.5)]
    path.write_text("a b 1\na b\n")
    with pytest.raises(DataError, match=r"line 2 of .* is not a judged pair"):
        read_pairs(path)
    path.write_text(": family\na b c d\n")
    assert read_questions(path) == {"family": [("a", "b", "c", "d")]}
    path.write_text("a b c\n")
    with pytest.raises(DataError, match=r"line 1 of .* is not an analogy"):
        read_questions(path)


def test_a_map_says_how_much_it_keeps(folder: Path) -> None:
    found = positions(Embedding.load(folder), method="pca")
    assert len(found["points"]) == 8 and 0.5 < found["trustworthiness"] <= 1.0
    with pytest.raises(DataError, match="too few words for a map"):
        positions(square(), method="pca")
    with pytest.raises(ConfigError, match=re.escape("there is no map 'tsn' (did you mean 'tsne'?)")):
        positions(square(), method="tsn")


# --- features ------------------------------------------------------------------------------------------------------------


def test_features_are_means_of_known_words(folder: Path) -> None:
    found = Embedding.load(folder)
    boat, tree = (found.inputs[found.code(word)] for word in ("boat", "tree"))
    given = features(["Boat, tree; BOAT unknown", "nothing", None], folder)
    assert given.shape == (3, 6) and given.dtype == np.float32
    assert given[0] == pytest.approx((2 * boat + tree) / 3, abs=1e-6) and np.isnan(given[1:]).all()
    counts = found.counts / found.counts.sum()
    weights = {word: 1e-3 / (1e-3 + counts[found.code(word)]) for word in ("boat", "tree")}
    wanted = (weights["boat"] * boat + weights["tree"] * tree) / sum(weights.values())
    assert found.features(["boat tree"], "inverse_frequency")[0] == pytest.approx(wanted, abs=1e-6)
    assert found.known(["boat unknown boat", ""]).tolist() == [2, 0]


def test_items_are_taken_as_they_stand() -> None:
    found = Embedding(
        ("7", "New York"), np.array([2, 1]), np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), "items"
    )
    assert found.features([7, 8]).tolist()[0] == [1.0, 0.0] and np.isnan(found.features([7, 8])[1]).all()
    assert found.features([["7", "New York"], ["7"]]).tolist() == [[0.5, 0.5], [1.0, 0.0]]
    assert found.features(["New York"]).tolist() == [[0.0, 1.0]]
    with pytest.raises(DataError, match="the item 'new york' is not in the embedding"):
        found.code("new york")


def test_apply_writes_a_table_that_a_study_can_take(table: Path, folder: Path, tmp_path: Path) -> None:
    found = Embedding.load(folder)
    done = apply(
        found, pl.DataFrame({"body": ["boat", "none"], "y": [1, 2]}), "body", tmp_path / "out.parquet", keep=False
    )
    written = pl.read_parquet(done.path)
    assert written.columns == ["y", *(f"body_v{i}" for i in range(6))] == ["y", *done.columns] and done.n_unknown == 1
    assert written.select(done.columns).row(0) == pytest.approx(found.inputs[found.code("boat")].tolist())
    assert written.select(done.columns).row(1) == (None,) * 6
    with pytest.raises(DataError, match=re.escape("has no column 'bdy' (did you mean 'body'?)")):
        apply(found, table, "bdy", tmp_path / "x.csv")
    with pytest.raises(DataError, match="would be written over its own rows"):
        apply(found, table, "body", table)
    with pytest.raises(DataError, match="has a column 'body_v0' already"):
        apply(found, {"body": ["a"], "body_v0": [1]}, "body", tmp_path / "x.csv")


# --- the command line ----------------------------------------------------------------------------------------------------


def test_the_verbs_of_embed(command: Command, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors"
    small = ("--dimensions", 6, "--epochs", 1, "--min-count", 1, "--threads", 1, "--json")
    done = command("embed", "train", table, "--text", "body", "-o", out, *small)
    facts = json.loads(done.out)
    assert (done.status, facts["n_words"], facts["out"], done.err) == (0, 8, str(out), "")
    shown = command("embed", "neighbours", out, "boat", "--top", 3)
    assert shown.status == 0 and shown.out.splitlines()[0] == "boat" and len(shown.out.splitlines()) == 4
    answer = json.loads(command("embed", "analogy", out, "boat", "wave", "tree", "--json").out)
    assert list(answer["found"]) == ["boat : wave = tree : ?"] and len(answer["found"]["boat : wave = tree : ?"]) == 5
    for suffix, begins in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".html", b"<!DOCTYPE html>")):
        drawn = command("embed", "map", out, "-o", tmp_path / f"map{suffix}", "--method", "pca")
        assert drawn.status == 0 and "the map keeps" in drawn.out
        assert (tmp_path / f"map{suffix}").read_bytes().startswith(begins)
    assert "cdn." not in (tmp_path / "map.html").read_text()  # it works offline
    given = command("embed", "apply", out, table, "--column", "body", "-o", tmp_path / "with.csv", "--drop")
    assert given.status == 0 and "Wrote 200 rows" in given.out
    assert pl.read_csv(tmp_path / "with.csv").shape == (200, 7)
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("boat wave 9\nboat tree 1\nbarn horse 8\nbarn sail 2\n")
    agreed = command("embed", "similarity", out, pairs)
    assert "Spearman's correlation: " in agreed.out and "on 4 pairs; 0 have an unknown word" in agreed.out
    (tmp_path / "q.txt").write_text("boat wave tree barn\n")
    assert "q: " in command("embed", "analogies", out, tmp_path / "q.txt").out
    wrong = command("embed", "neighbours", out, "boot")
    assert wrong.status == 2 and "the word 'boot' is not in the embedding (did you mean 'boat'?)" in wrong.err
    assert command("embed", "map", out, "-o", tmp_path / "map.gif", "--method", "pca").status == 2
