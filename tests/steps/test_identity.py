"""Identity of two paths, and arms that are asked: models, callables, files, HTTP on the loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import polars as pl
import pytest

from fieldguide.core.documents.plan import ArmSection
from fieldguide.core.errors import ConfigError, DataError, ModelError
from fieldguide.steps.online.arms import scorer
from fieldguide.steps.online.identity import equality, paths_compared


def rows(n=600, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame({
        "id": [str(i) for i in range(n)], "age": rng.normal(40, 10, n), "device": rng.choice(["desktop", "phone", "tablet"], n),
        "city": rng.choice(["Oslo", "Rome"], n),
    })  # fmt: skip


def test_equal_scores_are_equal_up_to_rounding():
    scores = np.random.default_rng(0).random(600)
    found = equality(rows(), scores, scores.astype(np.float32).astype(float))
    assert (found["n"], found["n_unequal"], found["where"], found["example"]) == (600, 0, None, None)


@pytest.mark.parametrize("column", ["device", "age", "city"])
def test_unequal_scores_are_placed_in_the_column_they_share(column):
    frame = rows()
    if column == "age":
        frame = frame.with_columns(pl.when(pl.col("age") < 35).then(None).otherwise(pl.col("age")).alias("age"))
        off, level = frame["age"].is_null().to_numpy(), "missing"
    else:
        level = {"device": "tablet", "city": "Rome"}[column]
        off, level = (frame[column] == level).to_numpy(), f"= {level}"
    found = equality(frame, np.full(600, 0.3), np.where(off, 0.4, 0.3))
    assert found["n_unequal"] == off.sum()
    assert (found["where"]["column"], found["where"]["level"]) == (column, level)
    assert found["largest"] == pytest.approx(0.1 / 1.3)


def test_a_score_that_only_one_path_gives_is_unequal():
    found = equality(rows(20), np.full(20, 0.5), np.where(np.arange(20) == 4, np.nan, 0.5))
    assert (found["n_unequal"], found["n_missing"]) == (1, 1)
    assert found["example"] == {"id": "4", "one": 0.5, "other": None}


def test_two_paths_that_see_the_same_hardly_ever_raise_an_alarm():
    found = [paths_compared(rows(300, seed).drop("id"), rows(300, seed + 1_000).drop("id")) for seed in range(30)]
    assert sum(bool(one["different"]) for one in found) <= 1
    assert 0.0 <= np.mean([column["p"] <= 0.05 for one in found for column in one["columns"]]) <= 0.12


def test_a_column_made_differently_is_named():
    other = rows(600, 1).with_columns(pl.col("age") * 1.2)
    found = paths_compared(rows().drop("id"), other.drop("id"))
    assert [one["column"] for one in found["different"]] == ["age"]
    assert "age has median" in found["different"][0]["sentence"]


@pytest.mark.parametrize(("factor", "different"), [(1.05, False), (2.0, True)])
def test_only_a_path_that_is_much_slower_is_told(factor, different):
    seconds = np.random.default_rng(2).lognormal(-5, 0.3, (2, 500))
    one, other = pl.DataFrame({"seconds": seconds[0]}), pl.DataFrame({"seconds": seconds[1] * factor})
    assert paths_compared(one, other)["slower"]["different"] is different


def test_a_callable_and_a_file_are_asked(tmp_path):
    frame = pl.DataFrame({"id": ["a", "b", "c"], "age": [10.0, 20.0, 30.0], "device": ["phone", "tablet", None]})
    ask = scorer(ArmSection(python="experiment_world:right"))
    assert ask(frame).tolist() == pytest.approx([0.11, 0.17, 0.13])
    pl.DataFrame({"id": ["c", "a"], "score": [0.3, 0.1]}).write_csv(tmp_path / "s.csv")
    ask = scorer(ArmSection.model_validate({"scores": "s.csv"}, context={"folder": tmp_path}))
    assert ask(frame).tolist() == pytest.approx([0.1, np.nan, 0.3], nan_ok=True)
    assert scorer(ArmSection()) is None


@pytest.mark.parametrize("name", ["experiment_world:nothing", "no_such_module:score", "experiment_world:START"])
def test_a_callable_that_is_none_is_told(name):
    with pytest.raises(ConfigError, match="callable"):
        scorer(ArmSection(python=name))


def test_a_file_without_scores_is_told(tmp_path):
    pl.DataFrame({"id": ["a"], "value": [1]}).write_csv(tmp_path / "s.csv")
    with pytest.raises(DataError, match="it has the columns id and score"):
        scorer(ArmSection.model_validate({"scores": "s.csv"}, context={"folder": tmp_path}))


class Answering(BaseHTTPRequestHandler):
    """Answers as the path says: scores, predictions, or nothing of use."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["rows"]
        body = {
            "/scores": {"scores": [row["age"] / 100 for row in asked]},
            "/predict": {
                "predictions": [{"prediction": "no", "probabilities": {"no": 0.8, "yes": 0.2}} for _ in asked]
            },
            "/short": {"scores": []},
        }.get(self.path, {"sorry": 1})
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}"
    found.shutdown()
    thread.join()
    found.server_close()


def test_an_http_scorer_is_asked_on_the_loopback(server):
    frame = pl.DataFrame({"id": ["a", "b"], "age": [10.0, 20.0]})
    assert scorer(ArmSection(url=f"{server}/scores"))(frame).tolist() == [0.1, 0.2]
    assert scorer(ArmSection(url=f"{server}/predict"))(frame).tolist() == [0.2, 0.2]
    with pytest.raises(ModelError, match="gave 0 answers"):
        scorer(ArmSection(url=f"{server}/short"))(frame)
    with pytest.raises(ModelError, match="no answer that can be read"):
        scorer(ArmSection(url=f"{server}/else"))(frame)
    with pytest.raises(ConfigError, match="no HTTP scorer"):
        scorer(ArmSection(url="file:///etc/hostname"))
