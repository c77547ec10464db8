"""What each kind of data adds, and what can be seen inside candidates: words that weigh, embeddings, words of worst answers."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import numpy as np
import polars as pl
import pytest

import fieldguide as fg
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.table import Column, Table
from fieldguide.faces.report import word_map
from fieldguide.faces.report.inside import inside as drawn
from fieldguide.faces.report.pictures import worst
from fieldguide.parts import find
from fieldguide.steps.explore.gallery import worst_answers
from fieldguide.steps.refine.inside import EACH, inside, seen_in, weighed
from fieldguide.steps.refine.worth import _said, kinds_of, modality_worth


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    rng = np.random.default_rng(0)
    n = 400
    said = rng.integers(0, 2, n)
    words = [
        " ".join(rng.permutation(["room", "bed", "night", "view", "host", "place", "good" if s else "bad"]))
        for s in said
    ]
    x, noise = rng.normal(size=n), rng.normal(size=n)
    y = np.where(said + 0.3 * x + 0.2 * rng.normal(size=n) > 0.5, "yes", "no")
    town = [f"town {i}" for i in rng.integers(0, 20, n)]
    table = pl.DataFrame({"review": words, "x": x, "noise": noise, "town": town, "y": y})
    study = fg.Study.create(table, target="y", out=tmp_path_factory.mktemp("worth") / "study")
    whole = study._bench
    return dataclasses.replace(whole, folds=tuple(fold for fold in whole.folds if fold.repeat == 0))


def test_the_kind_that_tells_is_worth_most(bench):
    trial = bench.attempt(Candidate.of("linear", find("learners", "linear")()), Clock())
    found = modality_worth(bench, trial, Clock())
    text, columns = found["kinds"]
    assert (text["kind"], columns["kind"], columns["columns"]) == ("text", "columns", ["x", "noise", "town"])
    assert text["without"]["difference"]["interval"][0] > 0.1
    assert text["alone"]["score"]["value"] > columns["alone"]["score"]["value"]
    # with two kinds, one alone is the other without
    assert text["alone"]["score"]["value"] == pytest.approx(columns["without"]["score"]["value"])
    assert found["sentence"].startswith("text adds ")


def test_without_time_it_says_so(bench):
    trial = bench.attempt(Candidate.of("linear", find("learners", "linear")()), Clock())
    found = modality_worth(bench, trial, Clock.of(0.0))
    assert found["sentence"].startswith("no time was left") and found["kinds"][0]["without"] is None


def test_a_pace_belongs_to_its_limit_and_is_remembered(bench, monkeypatch):
    asked = Candidate.of("boosting", find("learners", "boosting")(n_rounds=5))
    monkeypatch.setattr(type(asked.learner), "paced", lambda learner, *_: dataclasses.replace(learner, hurry=3.0))
    short = dataclasses.replace(bench, limit=1.0)
    trial = short.attempt(asked, Clock.of(60.0))
    assert trial.candidate.learner.hurry == 3.0 and trial.entry["settings"]["hurry"] == 3.0
    again = short.attempt(asked, Clock.of(60.0))
    assert again.candidate == trial.candidate and again.entry["key"] == trial.entry["key"]
    assert again.entry["seconds"] == trial.entry["seconds"]  # from the ledger
    # without a clock it has its own pace, and what was hurried is not taken for it
    assert dataclasses.replace(bench, limit=None).attempt(asked, Clock()).candidate.learner.hurry == 1.0


def test_what_is_said_of_a_kind_lies_in_its_interval():
    assert _said("columns", {"value": -0.0137, "interval": (-0.03, 0.0044)}) == (
        "columns add nothing that can be told from 0: −0.0137 [−0.03, 0.0044]"
    )
    assert _said("text", {"value": 0.5, "interval": (0.4, 0.6)}) == "text adds 0.5 [0.4, 0.6]"
    assert _said("columns", {"value": -0.2, "interval": (-0.3, -0.1)}) == "columns harm by 0.2 [0.1, 0.3]"
    unknown = {"value": 0.1, "interval": [None, None]}  # as of rows of one unit
    assert _said("image", unknown) == "image adds nothing that can be told from 0: 0.1 no interval"


def test_one_kind_has_nothing_to_take_apart():
    assert list(kinds_of([Column("a", "number"), Column("b", "id"), Column("c", "boolean")])) == ["columns"]


# --- inside ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tried(bench):
    """A linear candidate and a small network of texts, looked into."""
    looking = dataclasses.replace(bench, look=inside, folds=bench.folds[:2])
    fusion = find("learners", "fusion")(text="pool", n_epochs=12, d_embedding=8, d_hidden=8, batch_size=64, average=0.0)
    candidates = [Candidate.of("linear", find("learners", "linear")()), Candidate.of("fusion", fusion)]
    return looking, [looking.attempt(candidate, Clock()) for candidate in candidates]


def test_words_that_weigh_are_the_coefficients(tried):
    bench, trials = tried
    (linear,) = [one for one in seen_in(bench, trials) if one["candidate"] == "linear"]
    (words,) = linear["words"]
    assert (words["output"], words["column"], words["label"]) == ("y", "review", "yes")
    weights = dict(map(tuple, words["words"]))
    assert "good" in list(weights)[:4] and weights["good"] > 1 > -1 > weights["bad"]
    assert list(weights.values()) == sorted(weights.values(), reverse=True) and len(weights) <= 2 * EACH
    assert inside(dataclasses.replace(_fitted(bench, trials[0]), estimator=object())) == {}


def test_maps_keep_the_two_widest_directions(tried):
    bench, trials = tried
    (network,) = [one for one in seen_in(bench, trials) if one["candidate"] == "fusion"]
    maps = {one["column"]: one for one in network["maps"]}
    assert (
        set(maps) == {"review", "town"}
        and maps["town"]["of"] == len(maps["town"]["points"]) > 15
        and maps["review"]["of"] == 8
    )
    assert {point["word"] for point in maps["review"]["points"]} == {
        "room",
        "bed",
        "night",
        "view",
        "host",
        "place",
        "good",
        "bad",
    }
    fitted = _fitted(bench, trials[1])  # the same fit again: same rows, same seed
    vectors = fitted.estimator.net.encoders[0].embedding.weight.detach().numpy()[2:10].astype(np.float64)
    wide = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2
    flat = np.array([[point["x"], point["y"]] for point in maps["review"]["points"]])
    np.testing.assert_allclose((flat**2).sum(axis=0), wide[:2], rtol=1e-2)
    assert maps["review"]["share"] == pytest.approx(wide[:2].sum() / wide.sum(), rel=1e-3)


def _fitted(bench, trial):
    from fieldguide.steps.refine.inside import _as_it_was

    return _as_it_was(bench, trial, len(bench.folds) - 1)


def test_words_of_an_answer_are_those_of_the_fit_that_gave_it(tried):
    bench, (linear, fusion) = tried
    rows = [int(row) for fold in bench.folds for row in fold.validation[:2]]
    told = weighed(bench, [linear, fusion], [0.7, 0.3], rows, Clock())
    assert (told["candidate"], told["title"], told["scale"]) == ("linear", "linear SHAP", "log-odds")
    for row in rows:
        words = dict(map(tuple, told["rows"][str(row)]["review"]))
        text = bench.rows.cells["review"][row]
        answered = int(linear.raw[0][list(linear.rows).index(row)].argmax())
        said = "good" if "good" in text else "bad"
        assert (words[said] > 0) == ((said == "good") == (answered == 1)), (text, words, answered)
    again = _fitted(bench, linear)
    held = bench.folds[-1].validation
    part = bench.rows.take(held)
    places = [list(linear.rows).index(row) for row in held]
    np.testing.assert_allclose(again.raw(part.cells, len(part))[0], linear.raw[0][places], atol=1e-9)


def test_a_network_is_asked_where_there_is_time(tried):
    bench, (linear, fusion) = tried
    row = int(bench.folds[0].validation[0])
    told = weighed(bench, [linear, fusion], [0.2, 0.8], [row], Clock())
    assert told["candidate"] == "fusion" and {"good", "bad"} & {word for word, _ in told["rows"][str(row)]["review"]}
    short = weighed(bench, [fusion], [1.0], [row], Clock.of(0.0))
    assert short == {"silence": "no time was left to fit fusion again"}


def test_the_report_draws_what_was_seen(tried):
    bench, trials = tried
    blocks = drawn({"inside": seen_in(bench, trials)})
    titles = [block.get("text") or block.get("title") for block in blocks]
    assert titles[0] == "Words that weigh in linear" and "review: its words as the network sees them" in titles
    (words,) = blocks[1]["blocks"]
    assert words["title"] == "review: for and against yes" and "good +" in words["alt"]
    points = blocks[-1]["spec"]["data"]["values"]
    assert len(points) > 15 and any(point["name"] for point in points)
    line = {"row": 3, "truth": "yes", "answer": "no", "inputs": {"review": {"kind": "text", "text": "<b>bad</b>"}}}
    refined = {
        "worst": [{**line, "words": {"review": [["bad", 1.25], ["bed", -0.5]]}}],
        "worst_words": {"candidate": "linear", "title": "linear SHAP", "scale": "log-odds"},
    }
    *_, table = worst(refined)
    assert [item["text"] for item in table["rows"][0]][3] == "bad +1.25, bed −0.50"
    assert table["note"].startswith("Words by linear SHAP of linear, fitted without these rows")


def test_worst_answers_are_called_by_their_key_and_days_are_days(bench):
    frame = pl.DataFrame(
        {"code": ["A7"], "review": ["bad bed"], "posted": [datetime(2024, 5, 1)], "n": [4.0], "y": [0]}
    )
    kinds = {
        "code": ("id", "key"),
        "review": ("text", "feature"),
        "posted": ("datetime", "time"),
        "n": ("number", "feature"),
    }
    table = Table(frame, tuple(Column(name, *kinds.get(name, ("category", "target"))) for name in frame.columns))
    lines = worst_answers(table, bench.problem, (np.array([0]),), (np.array([[0.1, 0.9]]),))
    assert lines[0]["key"] == "A7" and lines[0]["inputs"]["n"]["text"] == "4"
    *_, drawn = worst({"worst": lines})
    texts = [item["text"] for item in drawn["rows"][0]]
    assert texts[0] == "A7" and "2024-05-01" in texts and "4" in texts
    assert [column["num"] for column in drawn["columns"]][-2:] == [True, True]  # never broken over lines


def test_names_that_would_lie_on_others_are_left_out():
    points = [{"word": f"w{i}", "x": i / 100, "y": 0.0} for i in range(100)]
    named = [point["name"] for point in word_map.named(points, (500, 300))]
    assert named[0] == "w0" and named[1] == "" and 10 < sum(map(bool, named)) < 50
