"""Our skip-gram beside gensim's: similarity sets, analogies and words per processor second, on the same tokens.

The texts are 20 Newsgroups (train and test), words are runs of letters or digits in lower case: 6.2 million. Both learn 100
dimensions, window 5, 5 negatives, min_count 5, 5 epochs, one thread; a run is a process of its own. Speed is words of the
corpus times epochs per processor second of learning alone (counting and cutting texts is not in it, for neither).

gensim (LGPL) is a peer here and no dependency: name a Python that has it.

    python -m venv /tmp/peer && /tmp/peer/bin/pip install gensim
    taskset -c 0 python -m benchmarks.word2vec --peer /tmp/peer/bin/python --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.datasets import data_folder

EPOCHS = 5
PEER = """
import json, sys, time
import numpy as np
from gensim.models import Word2Vec
lists, out, seed, epochs = json.load(open(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
model = Word2Vec(vector_size=100, window=5, negative=5, min_count=5, sg=1, workers=1, seed=seed, epochs=epochs)
model.build_vocab(lists)
begun = time.process_time()
model.train(lists, total_examples=model.corpus_count, epochs=epochs)
seconds = time.process_time() - begun
np.save(out + ".npy", model.wv.vectors)
json.dump({"seconds": seconds, "words": model.wv.index_to_key}, open(out + ".json", "w"))
"""


def texts() -> list[str]:
    """Return the texts of 20 Newsgroups, in the order of the files."""
    found = []
    for part in ("train", "test"):
        with gzip.open(data_folder() / "20newsgroups" / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
            found += [json.loads(line)["text"] for line in file]
    return found


def ours(lists: Path, out: Path, seed: int) -> None:
    """Learn once with our implementation and leave vectors, words and processor seconds."""
    import torch

    from fieldguide.core.words.vocabulary import corpus_of, vocabulary_of
    from fieldguide.parts.embedders.skipgram import SkipGram

    torch.set_num_threads(1)
    sequences = pl.Series(json.loads(lists.read_text(encoding="utf-8")))
    vocabulary = vocabulary_of(sequences, 5)
    corpus, embedder = corpus_of(sequences, vocabulary), SkipGram(epochs=EPOCHS)
    vectors = embedder.start(len(vocabulary), seed, torch.device("cpu"))
    begun = time.process_time()
    for _ in embedder.learn(corpus, vocabulary, vectors, seed=seed):
        pass
    seconds = time.process_time() - begun
    np.save(out.with_suffix(".npy"), vectors.inputs.numpy())
    out.with_suffix(".json").write_text(json.dumps({"seconds": seconds, "words": vocabulary.words}))


def judged(out: Path, n_words: int) -> dict[str, float]:
    """Return the three scores and the speed of one run."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.core.words.nearness import analogies, similarity
    from fieldguide.steps.embed import read_pairs, read_questions

    left = json.loads(out.with_suffix(".json").read_text())
    vectors, words = np.load(out.with_suffix(".npy")), tuple(left["words"])
    embedding = Embedding(words, np.ones(len(words), np.int64), vectors, vectors)
    sets = data_folder() / "word_vectors_eval"
    lower = {
        name: [tuple(word.lower() for word in question) for question in asked]
        for name, asked in read_questions(sets / "questions-words.txt.gz").items()
    }
    scores: dict[str, Any] = {
        "WordSim-353": similarity(embedding, read_pairs(sets / "EN-WS-353-ALL.txt")).value,
        "MEN": similarity(embedding, read_pairs(sets / "EN-MEN-TR-3k.txt")).value,
        "analogies": analogies(embedding, lower).value,  # type: ignore[arg-type]  # tuples of four
    }
    return scores | {"words per CPU second": EPOCHS * n_words / left["seconds"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has gensim")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ours:
        ours(Path(given.ours[0]), Path(given.ours[1]), int(given.ours[2]))
        return
    from fieldguide.core.words.vocabulary import words_of

    with tempfile.TemporaryDirectory() as folder:
        lists, quiet = Path(folder) / "lists.json", {**os.environ, "OMP_NUM_THREADS": "1"}
        found = words_of(pl.Series(texts()))
        n_words = int(found.list.len().sum())
        lists.write_text(json.dumps(found.to_list()), encoding="utf-8")
        print(
            f"{len(found):,} texts, {n_words:,} words, {EPOCHS} epochs, one thread\n\n| | seed | WordSim-353 | MEN | analogies | words per CPU second |\n|---|---|---|---|---|---|"
        )
        commands = {"fieldguide": [sys.executable, "-m", "benchmarks.word2vec", "--ours"]}
        if given.peer:
            commands["gensim"] = [given.peer, "-c", PEER]
        for name, command in commands.items():
            rows = []
            for seed in given.seeds:
                out = Path(folder) / f"{name}{seed}"
                more = [str(EPOCHS)] if name == "gensim" else []
                subprocess.run([*command, str(lists), str(out), str(seed), *more], check=True, env=quiet)
                rows.append(judged(out, n_words))
                print(line(name, str(seed), rows[-1]), flush=True)
            print(
                line(f"**{name}**", "mean", {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}),
                flush=True,
            )


def line(name: str, seed: str, row: dict[str, float]) -> str:
    """Return a row of the table."""
    cells = [f"{value:,.0f}" if "second" in key else f"{value:.3f}" for key, value in row.items()]
    return f"| {name} | {seed} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
