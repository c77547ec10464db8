"""Learn a vector for every word of texts, or for every item of sessions; give them to the rows of a table as features.

Knows where a corpus comes from (a text column, a folder or file of texts, items in the order of their time), and the order of
doing: count, learn, describe. The objective is `parts.embedders`' business, the folder `core.words.embedding`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from fieldguide import parts
from fieldguide.core.cell import texts_of
from fieldguide.core.clock import Clock
from fieldguide.core.errors import ConfigError, DataError, ModelError, listed, nearest
from fieldguide.core.files.sink import write_frames
from fieldguide.core.files.source import Source, open_source
from fieldguide.core.reading import read_frame
from fieldguide.core.seeds import seed_for
from fieldguide.core.words.embedding import Embedding, Weighting
from fieldguide.core.words.vocabulary import corpus_of, vocabulary_of, words_of
from fieldguide.steps.detect.columns import detect_columns

TABLES = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".arrow", ".feather", ".ipc", ".gz", ".zst")
SLICE = 50_000
"""Rows that are given their vectors at a time."""
MOST_ON_MAP = 300


@dataclass(frozen=True)
class Sequences:
    """A corpus before it is counted: a list of words each, and what was left out on the way.

    Args:
        of: "texts" or "items".
        origin: what to call it in messages.
        notes: one sentence each.
    """

    lists: pl.Series
    of: Literal["texts", "items"]
    origin: str
    notes: tuple[str, ...] = ()


def read_corpus(
    data: Any, *, text: str | None = None, item: str | None = None, unit: str | None = None, time: str | None = None
) -> Sequences:
    """Read a corpus: the texts of a column, the items of each unit in the order of their time, or files of texts.

    Args:
        data: a table with `text`, or with `item`, `unit` and perhaps `time` (rows stand in order without it); or a folder of
            `.txt` files, one text each; or one file of texts, a text a line.

    Raises:
        ConfigError: the columns named do not make a corpus.
        DataError: a file cannot be read, is not UTF-8, or a column is not there.

    Examples:
        >>> views = {"session": [1, 2, 1], "at": [20, 5, 10], "listing": ["b", "c", "a"]}
        >>> read_corpus(views, item="listing", unit="session", time="at").lists.to_list()
        [['c'], ['a', 'b']]
    """
    if text is not None and item is not None:
        raise ConfigError(
            "text and item are both given",
            rule="a corpus is made of texts or of items",
            found=f"text {text!r}, item {item!r}",
            do="name one of them",
        )
    if item is not None:
        if unit is None:
            raise ConfigError(
                "item is given without unit", rule="items stand beside each other within a unit, such as a session",
                found=f"item {item!r}, no unit",
                do="name the column of the unit by --unit",
            )  # fmt: skip
        return _sessions(open_source(data), item, unit, time)
    if text is not None:
        source = open_source(data)
        return Sequences(words_of(source.collect([text])[text]), "texts", f"column {text!r} of {source.origin}")
    if not isinstance(data, (str, Path)):
        raise ConfigError(
            "no column is named",
            rule="a table needs text, or item and unit",
            found=f"a {type(data).__name__}, and neither text nor item",
            do="name the column of texts",
        )
    path = Path(data).expanduser()
    if path.suffix.lower() in TABLES:
        raise ConfigError(
            f"{path} is a table and no column is named", rule="a table needs --text, or --item and --unit",
            found=f"the columns are {listed(open_source(path).names)}", do="name the column of texts by --text",
        )  # fmt: skip
    return Sequences(words_of(pl.Series(_texts(path), dtype=pl.String)), "texts", str(path))


def _texts(path: Path) -> list[str]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.txt") if file.is_file())
        if not files:
            raise DataError(
                f"{path} has no texts", rule="a folder of texts holds .txt files, one text each",
                found=listed(sorted(p.name for p in path.iterdir())) or "an empty folder",
                do="put .txt files there, or name a table and --text COLUMN",
            )  # fmt: skip
        return [_utf8(file) for file in files]
    if not path.exists():
        raise DataError(
            f"there is no file {path}",
            rule="texts are read from a file or a folder",
            found=f"nothing at {path.absolute()}",
            do="check the path; it is relative to the current folder",
        )
    return _utf8(path).splitlines()


def _utf8(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8", rule="texts are UTF-8",
            found=f"byte 0x{data[error.start]:02x} in line {line:,}, byte {error.start:,} of the file",
            do=f"convert it: iconv -f LATIN1 -t UTF-8 {path.name} > utf8.txt",
        ) from None  # fmt: skip


def _sessions(source: Source, item: str, unit: str, moment: str | None) -> Sequences:
    """Return each unit's items in the order of their time; rows without an item or a unit are left out and counted."""
    frame = source.collect([*dict.fromkeys(name for name in (unit, item, moment) if name is not None)])
    rows = pl.DataFrame({"unit": texts_of(frame[unit])[0], "item": texts_of(frame[item])[0]}).with_columns(
        pl.col(pl.String).replace("", None), moment=_moments(frame, moment, source.origin)
    )
    whole = rows.drop_nulls()
    notes = (f"{rows.height - whole.height:,} rows without {listed(frame.columns)} were left out",)
    lists = whole.sort("moment", maintain_order=True).group_by("unit", maintain_order=True).agg("item")["item"]
    origin = f"column {item!r} of {source.origin}"
    return Sequences(lists, "items", origin, notes if rows.height > whole.height else ())


def _moments(frame: pl.DataFrame, column: str | None, origin: str) -> pl.Series:
    if column is None:
        return pl.Series(range(frame.height), dtype=pl.Int64)
    (found,) = detect_columns(open_source(frame.select(column)))
    if found.kind not in ("number", "datetime"):
        raise DataError(
            f"column {column!r} of {origin} is not a time", rule="items are put in order by a number or a date",
            found=f"it reads as {found.kind}, such as {listed(map(repr, frame[column].head(3).to_list()))}",
            do="name another column, or leave time out where rows stand in order",
        )  # fmt: skip
    table, broken = read_frame(frame.select(column), (found,), parts.modality)
    if broken:
        raise DataError(
            f"{origin}: a time cannot be read",
            rule="sessions are put in order by their times",
            found=broken[0].sentence(),
            do="repair or drop these rows",
        )
    return table.frame[column]


def embed(
    sequences: Sequences, *, min_count: int = 5, seed: int = 7, threads: int = 1, clock: Clock | None = None,
    watch: Callable[[dict[str, Any]], None] | None = None, device: str | None = None, method: str = "skipgram",
    **settings: Any,
) -> Embedding:  # fmt: skip
    """Learn an embedding. The same seed, threads and device give the same vectors (on a GPU sums run in any order).

    Args:
        min_count: words that come less often are left out.
        device: "cpu", "cuda"…; absent: the fastest there is.
        settings: of `parts.embedders.skipgram.SkipGram`.

    Raises:
        ConfigError: a setting is unknown or out of range.
        DataError: the corpus has too few words.
        ModelError: the vectors are not finite any more.
    """
    from fieldguide.parts.embedders.skipgram import SkipGram

    if unknown := [name for name in settings if name not in SkipGram.__dataclass_fields__]:
        raise ConfigError(
            f"there is no setting {unknown[0]!r}{nearest(unknown[0], SkipGram.__dataclass_fields__)}",
            rule="a setting is one of those that embed has",
            found=repr(unknown[0]),
            do=f"use {listed(sorted(SkipGram.__dataclass_fields__), limit=20)}",
        )
    if min_count < 1:
        raise ConfigError(
            f"min_count {min_count} is out of range",
            rule="min_count is a whole number of 1 or more",
            found=f"min_count is {min_count}",
            do="leave it out, or name 1 or more",
        )
    begun = time.monotonic()
    embedder = SkipGram(**settings)
    vocabulary = vocabulary_of(sequences.lists, min_count)
    corpus = corpus_of(sequences.lists, vocabulary)

    import torch

    from fieldguide.parts.learners._tensors import choose_device, computing

    where = torch.device(device) if device else choose_device()
    vectors, history = embedder.start(len(vocabulary), seed, where), []
    with computing(threads):
        for record in embedder.learn(corpus, vocabulary, vectors, seed=seed, clock=clock):
            history.append(record)
            if watch is not None:
                watch({"event": "epoch", "of": embedder.epochs, **record})
    inputs, outputs = vectors.inputs.cpu().numpy(), vectors.outputs.cpu().numpy()
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise ModelError(
            "the vectors are not finite", rule="learning converges", do="lower learning_rate",
            found=f"learning_rate {embedder.learning_rate:g}",
        )  # fmt: skip
    facts = {
        "method": method, "settings": {**asdict(embedder), "min_count": min_count}, "seed": seed, "threads": threads,
        "device": where.type, "origin": sequences.origin, "notes": list(sequences.notes),
        "n_sequences": len(sequences.lists), "n_tokens": vocabulary.n_seen, "n_known": len(corpus), "n_words": len(vocabulary),
        "history": history, "stopped": history[-1].get("stopped", "") if history else "",
        "seconds": round(time.monotonic() - begun, 3),
        "words_per_second": round(history[-1]["words"] / max(history[-1]["seconds"], 1e-9)) if history else 0,
    }  # fmt: skip
    facts["sentence"] = _sentence(facts, sequences.of)
    return Embedding(vocabulary.words, vocabulary.counts, inputs, outputs, sequences.of, facts)


def _sentence(facts: Mapping[str, Any], of: str) -> str:
    what = "words" if of == "texts" else "items"
    short = " Stopped by the clock." if facts["stopped"] else ""
    return (
        f"Learned {facts['n_words']:,} {what} in {facts['settings']['dimensions']} dimensions from {facts['n_tokens']:,} "
        f"{what} in {facts['n_sequences']:,} {'texts' if of == 'texts' else 'units'}, at {facts['words_per_second']:,} "
        f"{what} a second; {facts['n_tokens'] - facts['n_known']:,} were too rare.{short}"
    )


@dataclass(frozen=True)
class Applied:
    """What `apply` wrote: rows, the columns of vectors, and rows without any known word."""

    path: Path
    n_rows: int
    columns: tuple[str, ...]
    n_unknown: int


def apply(
    embedding: Embedding, data: Any, column: str, path: str | Path, *, weighting: Weighting = "equal", keep: bool = True
) -> Applied:
    """Write a table with the vectors of a column beside it, as columns that any study can take; slice by slice.

    A row's vector is the mean of its known words. Where none is known the cells are missing, not zero.

    Args:
        keep: keep the column itself.

    Raises:
        DataError: the column is not there, or the table would be written over itself, or has such columns already.
    """
    source, path = open_source(data), Path(path)
    if column not in source.names:
        raise DataError(
            f"{source.origin} has no column {column!r}{nearest(column, source.names)}",
            rule="vectors are put in place of a column of the table",
            found=f"the columns are {listed(source.names)}",
            do="correct the name",
        )
    if source.path is not None and path.exists() and path.samefile(source.path):
        raise DataError(
            f"{path} would be written over its own rows",
            rule="data is never altered",
            found=f"{path} is the table itself",
            do="name another file by -o",
        )
    digits = len(str(embedding.dimensions - 1))
    names = tuple(f"{column}_v{i:0{digits}d}" for i in range(embedding.dimensions))
    if taken := [name for name in names if name in source.names]:
        raise DataError(
            f"{source.origin} has a column {taken[0]!r} already",
            rule=f"the vectors of {column!r} become columns {names[0]} to {names[-1]}",
            found=f"{len(taken)} of these names are taken",
            do="rename it",
        )
    n_rows, n_unknown = 0, 0

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal n_rows, n_unknown
        for raw in source.slices(SLICE):
            cells = raw[column] if embedding.of == "texts" else texts_of(raw[column])[0]
            vectors = embedding.features(cells, weighting)
            n_rows, n_unknown = n_rows + raw.height, n_unknown + int(np.isnan(vectors[:, 0]).sum())
            made = [pl.Series(name, vectors[:, i]).fill_nan(None) for i, name in enumerate(names)]
            yield raw.with_columns(made) if keep else raw.drop(column).with_columns(made)

    write_frames(frames(), path)
    return Applied(path, n_rows, names, n_unknown)


def positions(
    embedding: Embedding,
    words: Sequence[str] | None = None,
    *,
    method: str = "tsne",
    n: int = MOST_ON_MAP,
    seed: int = 7,
) -> dict[str, Any]:
    """Return where words lie on a map of two dimensions, and how much of the nearness the map keeps.

    Args:
        words: absent: the n most frequent of at least three letters, or the n most frequent items.
        method: "tsne" (neighbourhoods, by cosine) or "pca" (the two directions of largest spread).

    Returns:
        method, points {word, x, y, count}, trustworthiness: 1 when the map's neighbours are neighbours in truth
        (Venna and Kaski 2001), by the 5 nearest or fewer.

    Raises:
        DataError: a word is unknown, or there are fewer than five.
    """
    from fieldguide.core.words.nearness import unit

    if method not in ("tsne", "pca"):
        raise ConfigError(
            f"there is no map {method!r}{nearest(method, ('tsne', 'pca'))}",
            rule="a map is drawn by one of two methods",
            found=repr(method),
            do="use tsne or pca",
        )
    if words:
        codes = [embedding.code(word) for word in dict.fromkeys(words)]
    else:
        codes = [i for i, word in enumerate(embedding.words) if embedding.of == "items" or len(word) > 2][:n]
    if len(codes) < 5:
        raise DataError(
            "too few words for a map", rule="a map shows at least five", found=f"{len(codes)}", do="name more words"
        )
    vectors = unit(embedding.inputs[codes]).astype(np.float64)

    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, trustworthiness

    if method == "pca":
        flat = PCA(2, random_state=0).fit_transform(vectors)
    else:
        perplexity = min(30.0, (len(codes) - 1) / 3)
        flat = TSNE(2, perplexity=perplexity, init="pca", random_state=seed_for(seed, "embed", "map")).fit_transform(
            vectors
        )
    near = max(1, min(5, len(codes) // 2 - 1))
    points = [
        {"word": embedding.words[i], "x": float(x), "y": float(y), "count": int(embedding.counts[i])}
        for i, (x, y) in zip(codes, flat, strict=True)
    ]
    kept = float(trustworthiness(vectors, flat, n_neighbors=near))
    return {"method": method, "points": points, "trustworthiness": kept, "n_neighbours": near}


def read_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Read judged pairs: two words and a number a line, divided by commas, tabs or spaces; a heading is skipped.

    Raises:
        DataError: a line is not of this form.
    """
    pairs = []
    for number, line in enumerate(_utf8_of(path).splitlines(), 1):
        cells = line.replace(",", " ").replace(";", " ").split()
        if not cells or line.startswith("#"):
            continue
        try:
            word, other, score = cells[:3]
            pairs.append((word, other, float(score)))
        except ValueError:
            if number == 1:
                continue
            raise DataError(
                f"line {number} of {path} is not a judged pair",
                rule="a line is two words and a number",
                found=repr(line[:60]),
                do="write the line as two words and a number, such as: king queen 8.5",
            ) from None
    return pairs


def read_questions(path: Path) -> dict[str, list[tuple[str, str, str, str]]]:
    """Read analogies: four words a line, under headings that begin with a colon; may be packed by gzip.

    Raises:
        DataError: a line is not of this form.
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    section = sections.setdefault(path.stem, [])
    for number, line in enumerate(_utf8_of(path).splitlines(), 1):
        if line.startswith(":"):
            section = sections.setdefault(line[1:].strip(), [])
        elif words := line.split():
            if len(words) != 4:
                raise DataError(
                    f"line {number} of {path} is not an analogy", rule="a line is four words: a is to b as c is to d",
                    found=repr(line[:60]),
                    do="write the line as four words, such as: man king woman queen",
                )  # fmt: skip
            section.append((words[0], words[1], words[2], words[3]))
    return {name: questions for name, questions in sections.items() if questions}


def _utf8_of(path: Path) -> str:
    if not path.is_file():
        raise DataError(
            f"there is no file {path}",
            rule="texts are read from a file or a folder",
            found=f"nothing at {path.absolute()}",
            do="check the path; it is relative to the current folder",
        )
    if path.suffix == ".gz":
        import gzip

        return gzip.decompress(path.read_bytes()).decode("utf-8")
    return _utf8(path)
