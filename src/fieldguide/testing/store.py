"""The contract of stores: what is appended is read back, bit for bit; a transaction is whole or not there; retention.

Knows `core.online.log.LogStore` only; what survives a kill is tested beside each store, with processes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fieldguide.core.online.log import (
    ASSIGNMENTS,
    CORRECTIONS,
    OUTCOMES,
    PREDICTIONS,
    REFUSALS,
    Assignment,
    Batch,
    Entry,
    LogStore,
    Outcome,
    Prediction,
    Query,
    Refusal,
    Served,
    cells,
    predictions,
)
from fieldguide.core.online.log_cells import blob_of
from fieldguide.core.online.log_media import taken_apart
from fieldguide.core.table import Column

START = datetime(2024, 5, 1, 12)
COLUMNS = (Column("age", "number"), Column("city", "category"), Column("member", "boolean"), Column("seen", "datetime"))
CELLS: tuple[tuple[Any, ...], ...] = (
    (0.1 + 0.2, "Lima", True, datetime(2024, 1, 2, 3, 4, 5, 678901)),
    (None, None, None, None),
    (-1e-308, "O'Neil; DROP TABLE predictions; --", False, datetime(1969, 12, 31)),
    (1e300, "\u00e9\u4e2d\U0001f600\n\t\0", True, datetime(9999, 12, 31, 23, 59, 59, 999999)),
)


def check_store(make: Callable[[], LogStore]) -> None:
    """Assert that a store keeps the contract.

    Args:
        make: opens the same, at first empty, log each time it is called.

    Raises:
        AssertionError: names the rule that does not hold.
    """
    store = make()
    assert isinstance(store, LogStore), "a store has every method of LogStore"
    assert store.name and store.schemes, "a store has a name and the URL schemes it opens"
    _check_empty(store)
    store.append(entries())
    again = make()
    for opened in (store, again):  # what is written is there for whoever opens the log
        _check_predictions(opened)
        _check_the_rest(opened)
    again.close()
    _check_whole(store)
    _check_repeated(store)
    _check_media(make, store)
    _check_threads(store)
    _check_forget(store)
    store.close()


def entries() -> list[Entry]:
    """Return a small log: four single rows of one arm, a batch of another, and one or two of all else."""
    singles: list[Entry] = [
        Prediction(
            f"r{i}-0", f"r{i}", None if i == 1 else f"u{i}", START + timedelta(seconds=i), "now", "m1", "c1", row, "yes", 0.1 * i,
            (1 - 0.1 * i, 0.1 * i), 0.002, "exp", 0.5 if i else None, series=f"s{i}" if i else None, origin=START if i else None,
        )
        for i, row in enumerate(CELLS)
    ]  # fmt: skip
    typed = pl.DataFrame({column.name: [row[i] for row in CELLS] for i, column in enumerate(COLUMNS)})
    answers = pl.DataFrame({"prediction": ["a"] * 4, "score": [0.25] * 4, "outputs": [[0.75, 0.25]] * 4})
    answers = answers.with_columns(pl.lit("t").alias("series"), pl.lit(START).cast(pl.Datetime("us")).alias("origin"))
    blob = blob_of(pl.Series(["v0", "v1", None, "v3"]), answers, typed)
    return [
        *singles,
        Batch("b0", START + timedelta(seconds=10), "next", "m2", "c1", 4, blob, 0.5),
        Served("m1", "c1", COLUMNS, ({"name": "y", "task": "binary", "labels": ["no", "yes"]},), "now", START),
        Served("m2", "c1", COLUMNS, ({"name": "y", "task": "binary", "labels": ["no", "yes"]},), "next", START + timedelta(1)),
        Served("m1", "c1", COLUMNS, (), "again", START + timedelta(2)),
        Refusal("x0", START, "now", "m1", 3, "age", "a number", "'old'"),
        Refusal("x1", START, "now", "m1", None, None, "valid JSON", ""),
        Outcome(START + timedelta(days=1), True, id="r0-0"),
        Outcome(START + timedelta(days=2), 12.5, unit="u2", name="revenue", recorded=START + timedelta(days=3)),
        Outcome(START + timedelta(days=2), ">50K", unit="u3"),
        Assignment("exp", "u0", "now", START, 0.5),
        Assignment("exp", "u0", "next", START + timedelta(1), 0.5),
        Assignment("exp", "u2", "next", START + timedelta(1), 0.5),
    ]  # fmt: skip


def _check_empty(store: LogStore) -> None:
    for found, schema in (
        (predictions(store), PREDICTIONS), (store.outcomes(), OUTCOMES), (store.assignments(), ASSIGNMENTS),
        (store.refusals(), REFUSALS),
    ):  # fmt: skip
        assert dict(found.schema) == schema and not len(found), "an empty log gives empty frames of the stated columns"
    assert not store.served() and not any(store.counts().values()), "a new log is empty"


def _check_predictions(store: LogStore) -> None:
    found = predictions(store)
    assert dict(found.schema) == PREDICTIONS, f"answered rows have the columns PREDICTIONS, not {dict(found.schema)}"
    assert found["id"].to_list() == [*(f"r{i}-0" for i in range(4)), *(f"b0-{i}" for i in range(4))], (
        "each row of a batch is a row, named <request>-<row>, and rows are in the order of time"
    )
    assert found["unit"].to_list() == ["u0", None, "u2", "u3", "v0", "v1", None, "v3"], (
        "units are kept, and their absence"
    )
    assert found["score"].to_list() == [0.1 * i for i in range(4)] + [0.25] * 4, "scores keep every bit"
    assert found["outputs"].to_list()[3] == [1 - 0.1 * 3, 0.1 * 3], "outputs keep every bit"
    assert found["time"].to_list()[1] == START + timedelta(seconds=1), "times keep every microsecond"
    assert found["series"].to_list() == [None, "s1", "s2", "s3", *["t"] * 4], "the series of a forecast is kept"
    assert found["origin"].to_list() == [None, *[START] * 7], "and its last known step"
    assert found["propensity"].to_list()[:2] == [None, 0.5] and found["experiment"][0] == "exp", (
        "what was dealt is kept"
    )
    for model in ("m1", "m2"):
        logged = cells(store, model)
        assert logged.records["model"].to_list() == [model] * 4, "a model's cells are its own"
        assert logged.cells.rows() == list(CELLS), (
            f"cells are read back as the model saw them, not as {logged.cells.rows()}"
        )
    window = Query(START + timedelta(seconds=1), START + timedelta(seconds=3))
    assert predictions(store, window)["id"].to_list() == ["r1-0", "r2-0"], "a window holds its start and not its end"
    assert len(predictions(store, Query(arm="next"))) == 4, "an arm's rows are asked for by its name"
    assert len(predictions(store, Query(model="m1", experiment="exp"))) == 4, "a query may ask for several things"


def _check_the_rest(store: LogStore) -> None:
    outcomes = store.outcomes()
    assert outcomes["number"].to_list() == [1.0, 12.5, None] and outcomes["label"].to_list()[2] == ">50K", (
        "an outcome is a number where it is one, and a label always"
    )
    assert outcomes["recorded"][1] == START + timedelta(days=3) and outcomes["recorded"].null_count() == 0, (
        "the store notes when it heard of an outcome where nobody says so"
    )
    assert store.outcomes(Query(name="revenue"))["unit"].to_list() == ["u2"], "outcomes are asked for by name"
    dealt = store.assignments(Query(experiment="exp"))
    assert dealt.select("unit", "arm").rows() == [("u0", "now"), ("u2", "next")], (
        "the first assignment of a unit stands"
    )
    assert store.refusals().select("row", "column").rows() == [(3, "age"), (None, None)], "refusals are kept in order"
    served = store.served()
    assert [(one.model, one.arm) for one in served] == [("m1", "now"), ("m2", "next")], "a model is served first once"
    assert served[0].columns == COLUMNS and served[0].outputs[0]["labels"] == ["no", "yes"], "its contract is kept"
    assert store.counts() == {"predictions": 8, "outcomes": 3, "assignments": 2, "refusals": 2}, "rows of batches count"
    assert store.counts(Query(model="m2"))["predictions"] == 4, "a query counts what it asks for"


def _check_whole(store: LogStore) -> None:
    before = store.counts()
    broken = Prediction("r9-0", "r9", "u", START, "now", None, "c1", (), "yes", 0.5, ())  # type: ignore[arg-type]
    try:
        store.append([Outcome(START, 1.0, unit="u9"), broken])
    except Exception:  # which error is the store's own; what is there afterwards is the contract
        pass
    else:
        raise AssertionError("an entry without a model is an error")
    assert store.counts() == before, "what fails in part is not there at all"
    store.append([Outcome(START, 1.0, unit="u9", name="after")])
    assert store.counts()["outcomes"] == before["outcomes"] + 1, "a failure does not stop the store"


def _check_repeated(store: LogStore) -> None:
    """Outcomes arrive at least once; each is there once, and a correction takes the place of what it corrects."""
    first, when = store.counts()["outcomes"], START + timedelta(days=5)
    sent: list[Entry] = [
        Outcome(when, 0, id="r2-0", name="again", recorded=START), Outcome(when, 1.0, unit="u2", name="again"),
        Outcome(when, 2.0, unit="u2", name="again"), Outcome(when, 5, unit="u3", name="again", key="k", dated=False),
    ]  # fmt: skip
    asked = [entry for entry in sent if isinstance(entry, Outcome)]
    assert store.held(asked) == [""] * 4, "what the log has not heard of is not held"
    store.append(sent)
    store.append([*sent, *sent])
    assert store.counts()["outcomes"] == first + 4, "an outcome that is sent again is there once"
    assert store.held(asked) == ["same"] * 4, "what is there is held"
    change = Outcome(when, 1, id="r2-0", name="again", recorded=START + timedelta(days=9))
    assert store.held([change]) == ["other"], "another value of the same is a correction"
    store.append([change, sent[0], change])
    stands = store.outcomes(Query(name="again")).filter(pl.col("id") == "r2-0")
    assert stands["number"].to_list() == [1.0], "the correction stands, whatever is sent again after it"
    told = store.corrections(Query(name="again"))
    assert dict(told.schema) == CORRECTIONS and told.select("id", "number", "was_number").rows() == [
        ("r2-0", 1.0, 0.0)
    ], "what was corrected is kept and told"
    before = store.outcomes(Query(name="again", known=START + timedelta(days=8))).filter(pl.col("id") == "r2-0")
    assert before["number"].to_list() == [0.0], "as it was known before the correction"
    assert len(store.outcomes(Query(name="again")).filter(pl.col("unit") == "u2")) == 2, (
        "a unit may have two outcomes at a time"
    )
    told_of = [Outcome(when, value, series="s1", name="level") for value in (1.0, [2.0, None], ["b", "a"])]
    store.append([*told_of, *told_of])
    level = store.outcomes(Query(name="level"))
    assert level["series"].to_list() == ["s1"] and level["label"].to_list() == ['["a", "b"]'], (
        "a series has one outcome at a time, the last heard of, and several values are kept as JSON"
    )
    assert store.corrections(Query(name="level"))["was_label"].to_list() == ["1.0", "[2.0, null]"]


def _check_media(make: Callable[[], LogStore], store: LogStore) -> None:
    """Images and sounds are kept once, are whole again in the rows that refer to them, and go with the last of these."""
    uris = ["data:image/png;base64,aGk=", "data:image/png;base64,aGk", "data:image/png;base64,/w=="]
    columns = (Column("photo", "image"),)
    for day, uri in enumerate((uris[0], uris[1], uris[2], uris[0])):
        when = START - timedelta(days=200) + timedelta(days=10 * day)
        cell, media = taken_apart(uri, when)
        rows: list[Entry] = [
            Prediction(f"i{day}-0", f"i{day}", None, when, "now", "m9", "c9", (cell,), "a", 0.5, (0.5,)),
            media,
            media,
        ]
        store.append([Served("m9", "c9", columns, (), "now", START), *rows])
    again = make()
    assert cells(again, "m9").cells["photo"].to_list() == [uris[0], uris[1], uris[2], uris[0]], (
        "rows are read with their images and sounds, to the letter"
    )
    again.close()
    digests = [taken_apart(uri, START)[0].removeprefix("media:") for uri in uris]
    assert len(store.media([*digests, "none"])) == 3, (
        "what was sent twice is kept once, and what is not there is left out"
    )
    store.forget(START - timedelta(days=175))
    assert cells(store, "m9").cells["photo"].to_list() == [uris[0]], "the old rows are gone"
    assert set(store.media(digests)) == {digests[0]}, "and with them what no row refers to any more"
    store.forget(START - timedelta(days=100))
    assert not store.media(digests)


def _check_threads(store: LogStore) -> None:
    """One thread writes while others read: each sees whole transactions."""
    before = store.counts()["assignments"]
    odd: list[int] = []
    errors: list[Exception] = []

    def read() -> None:
        try:
            odd.extend(n for _ in range(10) if (n := store.counts()["assignments"] - before) % 2)
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for i in range(20):
        store.append([Assignment("threads", f"{i} {side}", "a", START, 0.5) for side in "lr"])
    for reader in readers:
        reader.join()
    assert not errors, f"reading while another thread writes fails: {errors[0]}"
    assert not odd, "a reader saw half a transaction"


def _check_forget(store: LogStore) -> None:
    gone = store.forget(START + timedelta(seconds=2))
    assert gone["predictions"] == 2 and gone["refusals"] == 2, f"what is older is deleted and counted, not {gone}"
    assert predictions(store)["id"].to_list()[0] == "r2-0", "what is not older stays"
    assert store.forget(START + timedelta(seconds=11))["predictions"] == 6, (
        "the rows of a batch are forgotten and counted"
    )
    assert len(store.assignments()) == 42, "assignments stay: a unit keeps its arm"
