"""Split a forecast: the latest origins are sealed, and no target straddles a cut.

Reads times of origins and nothing of the values. Takes framed examples, gives a `Divided` like any other study's, with its proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fieldguide.core.blocks import Duplicates
from fieldguide.core.contracts import Roles, Splitter
from fieldguide.core.errors import SplitError
from fieldguide.core.finding import Finding
from fieldguide.core.series.frequency import day_or_moment
from fieldguide.core.series.panel import Examples
from fieldguide.core.split import Fold, Split, held_share
from fieldguide.core.table import Table, data_hash
from fieldguide.steps.checking import checked
from fieldguide.steps.split.split import Divided, Request

FEWEST_ORIGINS = 10
SHORT = 1_000
"""Up to this many moments, development is judged in several rolling folds; above, in one stretch."""
FOLDS = 3


def divide_series(
    examples: Examples, keys: np.ndarray, request: Request, splitter_of: Callable[..., Splitter]
) -> Divided:
    """Divide examples along time: the seal first, then the folds.

    Examples whose origins lie within one horizon of each other share target steps: they are one block, of all series, and intervals
    resample whole blocks.

    Args:
        keys: (rows,) content hash of series and origin.
        splitter_of: makes the splitter, told the time a target lasts [microseconds].

    Raises:
        SplitError: too few origins are left on a side.
    """
    panel, origins = examples.panel, examples.origins
    times = panel.times_at(origins)
    distinct, place = np.unique(times, return_inverse=True)
    roles = Roles(keys, place // max(1, examples.horizon // examples_stride(distinct, examples)), times, None)
    splitter = splitter_of(span=examples.span)
    if request.given is not None:
        test = np.flatnonzero(request.given)
        may = request.may("train", len(keys))
        ends = panel.times[panel.known_at(origins) + examples.horizon]
        development = np.flatnonzero(may & ~request.given & (ends <= times[test].min())) if len(test) else test
    else:
        development, test = splitter.hold_out(roles, request.test or held_share(len(distinct)), "seal")
    for rows, what in ((development, "learn from"), (test, "seal")):
        n = len(np.unique(times[rows]))
        if n < (FEWEST_ORIGINS if rows is development else 1):
            raise SplitError(
                f"{n} moments are left to {what}",
                rule="targets of sealed origins lie after every target learned from",
                found=f"{len(distinct):,} moments from which to look {examples.horizon:,} steps ahead; {len(test):,} examples to seal, "
                f"{len(development):,} to learn from",
                do="take a shorter horizon or window, another split.test, or bring a longer series",
            )
    work = development
    if len(development) > request.sample:
        every = -(-len(development) // request.sample)
        work = development[np.isin(place[development] % every, 0)]
    inside = roles.take(work)
    folds = _folds(inside, splitter, request)
    purged = np.setdiff1d(np.arange(len(keys)), np.union1d(development, test))
    scheme = ("given, " if request.given is not None else "") + "chronological, rolling origin"
    split = Split(scheme, development, work, test, purged, folds, inside, splitter, data_hash(keys))
    every_row = np.arange(len(keys))
    return Divided(split, roles, Duplicates(every_row, every_row))


def examples_stride(distinct: np.ndarray, examples: Examples) -> int:
    """Return how many steps lie between neighbouring origins."""
    if len(distinct) < 2:
        return 1
    step = (
        float(np.median(np.diff(examples.panel.times[: int(examples.panel.lengths[0])])))
        if len(examples.panel.times) > 1
        else 1.0
    )
    return max(1, round(float(np.median(np.diff(distinct))) / max(step, 1.0)))


def _folds(roles: Roles, splitter: Splitter, request: Request) -> tuple[Fold, ...]:
    assert roles.times is not None
    n = len(np.unique(roles.times))
    k = request.folds or (FOLDS if n <= SHORT and request.validation is None else 1)
    if k > 1:
        return tuple(Fold(kept, held, repeat) for repeat, kept, held in splitter.folds(roles, k, 1, "folds"))
    kept, held = splitter.hold_out(roles, request.validation or held_share(n), "validation")
    if not len(kept) or not len(held):
        raise SplitError(
            "no validation stretch can be held out", rule="what is learned from is over before the first origin that is judged",
            found=f"{n:,} development moments", do="take a shorter horizon or window, or another split.validation",
        )  # fmt: skip
    return (Fold(kept, held),)


def prove_series(table: Table, divided: Divided, examples: Examples) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Return the facts of a split of forecasts, with its proof: the last step learned from, and the first that is judged."""
    split, roles = divided.split, divided.roles
    assert roles.times is not None
    n_folds = len(split.folds)
    how = (
        f"{n_folds} rolling folds"
        if n_folds > 1
        else f"one validation stretch of {len(split.folds[0].validation):,} examples"
    )
    cuts = [proof_of(examples, split.development, split.test)]
    cuts += [proof_of(examples, split.work[fold.train], split.work[fold.validation]) for fold in split.folds]
    facts = {
        "sentence": f"{split.scheme}: {len(split.test):,} of {len(roles):,} examples sealed, those with origins from {cuts[0]['first_origin']} on; "
        f"{len(split.development):,} to develop on ({how})",
        "scheme": split.scheme, "n_rows": len(roles), "n_test": len(split.test), "n_development": len(split.development),
        "n_purged": len(split.purged), "n_learned": len(split.development), "n_work": len(split.work), "n_folds": n_folds, "n_repeats": 1,
        "validation": how, "n_validation": len(split.folds[0].validation), "n_blocks": len(np.unique(roles.blocks)),
        "largest_block": int(np.bincount(roles.blocks).max()), "groups": [], "time": next((c.name for c in table.role("time")), None),
        "n_exact_duplicates": 0, "n_near_duplicates": 0, "cut": cuts[0]["first_origin"], "data_hash": split.data_hash, "entities": [],
        "discrimination": None, "sample": None, "cuts": cuts,
    }  # fmt: skip
    return facts, checked("split", split=split, roles=roles, cuts=cuts)


def proof_of(examples: Examples, learned: np.ndarray, judged: np.ndarray) -> dict[str, Any]:
    """Return the last step of any target learned from, and the first of any that is judged."""
    panel = examples.panel
    last = panel.times[panel.known_at(examples.origins.take(learned)) + examples.horizon].max()
    at = panel.known_at(examples.origins.take(judged))
    return {
        "last_learned": day_or_moment(int(last)), "first_origin": day_or_moment(int(panel.times[at].min())),
        "first_judged": day_or_moment(int(panel.times[at + 1].min())), "disjoint": bool(last < panel.times[at + 1].min()),
        "n_learned": len(learned), "n_judged": len(judged),
    }  # fmt: skip
