"""The verb embed: vectors of words or items, what is near what, how good they are, and features from them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.core.figures import percent
from fieldguide.faces.cli.app import AsJson, app, console, print_json

verb = typer.Typer(
    name="embed", no_args_is_help=True, help="Learn a vector for every word of texts, or every item of sessions, and use them.",
    rich_markup_mode=None,
)  # fmt: skip
app.add_typer(verb)

Vectors = Annotated[
    Path, typer.Argument(metavar="VECTORS", help="the folder that `embed train` wrote", show_default=False)
]
Top = Annotated[int, typer.Option("-n", "--top", help="how many", min=1)]


@verb.command()
def train(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="a table, a folder of .txt files, or a file with a text a line", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="the folder to write", show_default=False)],
    text: Annotated[str | None, typer.Option(help="the column of texts")] = None,
    item: Annotated[str | None, typer.Option(help="the column of ids, such as the listing that was viewed")] = None,
    unit: Annotated[str | None, typer.Option(help="with --item: the column of what they belong to, such as the session")] = None,
    time: Annotated[str | None, typer.Option(help="with --item: the column that orders them; default: as rows stand")] = None,
    dimensions: Annotated[int, typer.Option(help="length of a vector")] = 100,
    window: Annotated[int, typer.Option(help="how far a word looks at most")] = 5,
    negatives: Annotated[int, typer.Option(help="words drawn from noise for each pair")] = 5,
    min_count: Annotated[int, typer.Option(help="words that come less often are left out")] = 5,
    epochs: Annotated[int, typer.Option(help="passes over the corpus")] = 5,
    learning_rate: Annotated[float, typer.Option(help="at the start; it falls to 0")] = 0.025,
    subsample: Annotated[float, typer.Option(help="share above which frequent words are thinned out; 0 keeps all")] = 1e-3,
    minutes: Annotated[float | None, typer.Option(help="stop after so long", min=0.01)] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same vectors")] = 7,
    threads: Annotated[int | None, typer.Option(help="default: all cores", min=1)] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Learn vectors by skip-gram with negative sampling; write a folder."""
    from fieldguide.core.clock import Clock
    from fieldguide.steps.embed import embed, read_corpus

    embedding = embed(
        read_corpus(corpus, text=text, item=item, unit=unit, time=time), min_count=min_count, seed=seed,
        threads=threads or _cores(), clock=Clock.of(None if minutes is None else 60 * minutes), watch=_watch(as_json),
        dimensions=dimensions, window=window, negatives=negatives, epochs=epochs, learning_rate=learning_rate,
        subsample=subsample,
    )  # fmt: skip
    embedding.save(out)
    if as_json:
        print_json({"status": "done", "out": str(out), **embedding.facts})
        return
    terminal = console()
    terminal.print(str(embedding.facts["sentence"]), markup=False, highlight=False)
    for note in embedding.facts["notes"]:
        terminal.print(f"  {note}", markup=False, highlight=False)
    example = embedding.words[min(len(embedding) - 1, 100)]
    terminal.print(f"Wrote [bold]{out}[/]. Look: [bold]fieldguide embed neighbours {out} {example}[/]")


@verb.command()
def neighbours(
    vectors: Vectors,
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="words or ids", show_default=False)],
    top: Top = 10,
    beside: Annotated[bool, typer.Option("--beside", help="what stands beside it, instead of what is like it")] = False,
    as_json: AsJson = False,
) -> None:
    """The words nearest to a word by cosine, or those most probable beside it."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.core.words.nearness import neighbours as near

    embedding = Embedding.load(vectors)
    _say_lists(
        {word: near(embedding, word, top, beside) for word in words}, "probability" if beside else "cosine", as_json
    )


@verb.command()
def analogy(
    vectors: Vectors,
    a: Annotated[str, typer.Argument(metavar="A", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", show_default=False)],
    c: Annotated[str, typer.Argument(metavar="C", show_default=False)],
    top: Top = 5,
    as_json: AsJson = False,
) -> None:
    """What is to C as B is to A: man king woman."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.core.words.nearness import analogy as alike

    _say_lists({f"{a} : {b} = {c} : ?": alike(Embedding.load(vectors), a, b, c, top)}, "cosine", as_json)


@verb.command()
def similarity(
    vectors: Vectors,
    pairs: Annotated[
        Path, typer.Argument(metavar="PAIRS", help="two words and people's score a line", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """How far cosines rank pairs of words as people do: Spearman's correlation with its interval."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.core.words.nearness import similarity as agree
    from fieldguide.steps.embed import read_pairs

    _say_agreement(agree(Embedding.load(vectors), read_pairs(pairs)), "Spearman's correlation", "pairs", as_json)


@verb.command()
def analogies(
    vectors: Vectors,
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="four words a line, `: section` as heading", show_default=False)],
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The share of analogies whose nearest word is the right one, with its interval."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.core.words.nearness import analogies as agree
    from fieldguide.steps.embed import read_questions

    _say_agreement(agree(Embedding.load(vectors), read_questions(questions)), "Right", "questions", as_json)


@verb.command("map")
def map_(
    vectors: Vectors,
    out: Annotated[Path, typer.Option("-o", "--out", help="a picture: .svg, .png or .html", show_default=False)],
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="default: the most frequent", show_default=False)] = None,
    method: Annotated[str, typer.Option(help="tsne or pca")] = "tsne",
    top: Annotated[int, typer.Option("-n", "--top", help="how many of the most frequent words", min=5)] = 300,
    seed: Annotated[int, typer.Option(help="of t-SNE")] = 7,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Draw words on a map of two dimensions; say how much of the nearness it keeps."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.faces.report.word_map import draw
    from fieldguide.steps.embed import positions

    found = positions(Embedding.load(vectors), words, method=method, n=top, seed=seed)
    draw(found, out, f"Map of {vectors.name}")
    if as_json:
        print_json({"status": "done", "out": str(out), **found})
        return
    console().print(
        f"Drew {len(found['points']):,} words in [bold]{out}[/]; the map keeps {percent(found['trustworthiness'], 0)} of the nearness "
        f"({found['n_neighbours']} neighbours).", highlight=False,
    )  # fmt: skip


@verb.command()
def apply(
    vectors: Vectors,
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV, TSV, Parquet or Arrow", show_default=False)],
    column: Annotated[str, typer.Option(help="the column of texts or ids", show_default=False)],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="where to write: CSV, TSV, Parquet or Arrow", show_default=False)
    ],
    rare: Annotated[bool, typer.Option("--rare", help="weigh words by inverse frequency")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="leave the column itself out")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a table with the mean vector of a column beside it, as columns a study can take."""
    from fieldguide.core.words.embedding import Embedding
    from fieldguide.steps.embed import apply as give

    weighting: Any = "inverse_frequency" if rare else "equal"
    done = give(Embedding.load(vectors), table, column, out, weighting=weighting, keep=not drop)
    if as_json:
        print_json(
            {
                "status": "done",
                "out": str(out),
                "rows": done.n_rows,
                "columns": list(done.columns),
                "unknown": done.n_unknown,
            }
        )
        return
    console().print(
        f"Wrote {done.n_rows:,} rows to [bold]{out}[/] with {done.columns[0]} to {done.columns[-1]}; "
        f"{done.n_unknown:,} rows have no known word: their vectors are missing.", highlight=False,
    )  # fmt: skip


def _cores() -> int:
    may = getattr(os, "sched_getaffinity", None)
    return len(may(0)) if may is not None else os.cpu_count() or 1


def _watch(quiet: bool) -> Any:
    """Return what tells of each part of a pass on standard error, on a terminal only."""
    terminal = None if quiet else _terminal()
    if terminal is None:
        return None

    def told(event: dict[str, Any]) -> None:
        loss = "–" if event["loss"] is None else f"{event['loss']:.3f}"
        terminal.print(
            f"  epoch {event['epoch']} of {event['of']}: loss {loss}, {event['seconds']:.0f} s", highlight=False
        )

    return told


def _terminal() -> Any:
    from fieldguide.faces.terminal import console as make

    found = make(stderr=True)
    return found if found.is_terminal else None


def _say_lists(found: dict[str, list[tuple[str, float]]], title: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "status": "done",
                "by": title,
                "found": {q: [{"word": w, title: s} for w, s in near] for q, near in found.items()},
            }
        )
        return
    terminal = console()
    for question, near in found.items():
        terminal.print(question, markup=False, highlight=False)
        for word, score in near:
            terminal.print(f"  {score:.3f}  {word}", markup=False, highlight=False)


def _say_agreement(found: Any, title: str, of: str, as_json: bool) -> None:
    if as_json:
        print_json({"status": "done", **found.to_dict()})
        return
    terminal = console()
    low, high = found.interval
    terminal.print(
        f"{title}: {found.value:.3f} (95 % interval {low:.3f} to {high:.3f}) on {found.n:,} {of}; "
        f"{found.n_unknown:,} have an unknown word and were not judged.", highlight=False,
    )  # fmt: skip
    for name, (right, n) in found.sections.items():
        terminal.print(f"  {name}: {right:,} of {n:,}", markup=False, highlight=False)
