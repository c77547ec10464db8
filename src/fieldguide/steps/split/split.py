"""Split: seal the test set first, then make folds of what is left, and prove the parts disjoint.

Reads features, roles and class shares; of the target nothing else. Takes a typed table, gives a `Split` and its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.blocks import Duplicates, connect, find_duplicates, joined, others, same
from fieldguide.core.contracts import Roles, Splitter
from fieldguide.core.entities import Entities, find_entities
from fieldguide.core.errors import SplitError
from fieldguide.core.figures import count
from fieldguide.core.files.media import FILE_KINDS, by_content
from fieldguide.core.finding import Finding
from fieldguide.core.split import CROSS_VALIDATE_UP_TO, Fold, Split, held_share, repeats_for
from fieldguide.core.table import MEDIA_KINDS, Table, data_hash, known_keys
from fieldguide.parts import modality
from fieldguide.steps.checking import checked
from fieldguide.steps.split.discriminate import discriminate

FEWEST_ROWS = 20
AS_FREELY = 0.5
"""Share of the rate of copies among development rows from which a given test set counts as drawn without regard to them."""

NEW_LINKS = 0.1
"""Share of the pairs within implied units that must not be near-duplicates already."""


@dataclass(frozen=True)
class Request:
    """What the study says about the split; None means: decide.

    Args:
        test: share of rows to seal.
        given: (rows,) True where a given test set says so.
        validation: share of the development rows.
        folds, repeats: of cross-validation; folds 1 is a single validation set.
        by: "random", "grouped", "chronological" or "grouped_chronological".
        sample: most development rows that explore to refine work on.
        train, judged: (rows,) which rows may teach, and which are judged; None: all.
        known: (rows,) microseconds since 1970 at which the target became known; None: with the row.
        validates: (rows,) True where a given validation set says so.
    """

    test: float | None = None
    given: np.ndarray | None = None
    validation: float | None = None
    folds: int | None = None
    repeats: int | None = None
    by: str | None = None
    sample: int = 200_000
    train: np.ndarray | None = None
    judged: np.ndarray | None = None
    known: np.ndarray | None = None
    validates: np.ndarray | None = None

    def may(self, what: str, n_rows: int) -> np.ndarray:
        """Return which rows may teach (`train`) or are judged (`judged`)."""
        mask: np.ndarray | None = getattr(self, what)
        return np.ones(n_rows, bool) if mask is None else mask

    def take(self, rows: np.ndarray) -> Request:
        """Return the same request of some of the rows."""
        masks = {name: getattr(self, name) for name in ("given", "train", "judged", "known", "validates")}
        return replace(self, **{name: mask[rows] for name, mask in masks.items() if mask is not None})


@dataclass(frozen=True)
class Divided:
    """A split with what it was made from: roles of all rows, who repeats whom, and the units that no column names."""

    split: Split
    roles: Roles
    duplicates: Duplicates
    entities: Entities | None = None

    def sealed(self, rows: np.ndarray) -> bool:
        """Whether a sealed row is among `rows`."""
        return bool(np.isin(rows, self.split.test).any())

    def unseen(self) -> dict[str, np.ndarray]:
        """Return a slice of the test rows, those that repeat no development row, where a given test set holds copies."""
        copied = copies_of(self.duplicates.exact, self.split.test, self.split.development)
        return {"no copy of a development row": ~copied} if copied.any() and not copied.all() else {}


def _weighing(table: Table, parts: Mapping[str, np.ndarray]) -> None:
    """Raise a SplitError where no row of a part weighs anything: nothing could be learned from it, or judged on it."""
    for weights in (table.weights("learn"), table.weights("judge")):
        for name, rows in parts.items():
            if weights is not None and len(rows) and not weights[rows].any():
                raise SplitError(
                    f"no {name} row weighs anything", rule="some row of every part has a weight above 0",
                    found=f"{len(rows):,} {name} rows of weight 0",
                    do="state split.test or split.by so that weighed rows fall on both sides, or mend data.weight",
                )  # fmt: skip


def divide(
    table: Table, keys: np.ndarray, strata: np.ndarray | None, request: Request, splitters: Mapping[str, Splitter]
) -> Divided:
    """Divide the rows of a table: the seal first, then the folds.

    Args:
        table: typed rows with the roles `time` and `group` set where they are declared or sure.
        keys: (rows,) content hash of all columns but the target, whatever their kinds and roles: a column that is later
            left out moves no row across the seal.
        strata: (rows,) class codes, or None.
        request: what the study declares.
        splitters: "random" and "chronological".

    Raises:
        SplitError: too few rows, or the declared scheme cannot be had.
    """
    if table.n_rows < FEWEST_ROWS:
        raise SplitError(
            f"{table.n_rows} rows are too few to seal a test set and still learn",
            rule=f"a study has at least {FEWEST_ROWS} rows with a target",
            found=f"{FEWEST_ROWS - table.n_rows} fewer",
            do="collect more rows",
        )
    features = by_content(table.frame.select([column.name for column in table.features]), table.features)
    duplicates = joined(
        find_duplicates(features, known_keys(features), any(c.kind in FILE_KINDS for c in table.features)),
        _near_media(table),
    )
    roles = _roles(table, keys, None if _mirrored(request.given, duplicates) else duplicates, strata, request.by)
    entities = _entities(table, features, roles, request)
    if entities is not None:
        roles = replace(roles, blocks=connect(table.n_rows, [same(roles.blocks), same(entities.ids)]))
    scheme = request.by or ("chronological" if roles.times is not None else "random")
    splitter = splitters["chronological" if "chronological" in scheme else "random"]
    if request.given is not None:
        scheme = f"given, {splitter.name}"
    development, test = _sealed_first(roles, request, splitter)
    purged = others(table.n_rows, development, test)
    work = _worked_on(roles, development, request.sample, splitters["random"])
    _weighing(table, {"sealed": test, "development": work})
    learned = _learned(roles, development, test, strata, request, splitter)
    inside = roles.take(work)
    folds = _folds(inside, splitter, request.take(work))
    found = Split(
        scheme, development, work, test, purged, folds, inside, splitter, data_hash(keys),
        None if len(learned) == len(development) else learned, _neither(request, table.n_rows),
    )  # fmt: skip
    return Divided(found, roles, duplicates, entities)


def _near_media(table: Table) -> list[np.ndarray]:
    """Return pairs of rows whose texts, images or sounds are nearly the same, a column each: (pairs, 2)."""
    modalities = ((column, modality(column.modality)) for column in table.features if column.kind in MEDIA_KINDS)
    return [found.near(table.frame[column.name]) for column, found in modalities if hasattr(found, "near")]


def _sealed_first(roles: Roles, request: Request, splitter: Splitter) -> tuple[np.ndarray, np.ndarray]:
    """Return (development rows, rows to seal): as given, or whole blocks of judged rows by the splitter.

    Raises:
        SplitError: one of the two parts is too small.
    """
    n_rows = len(roles.blocks)
    train, judged = request.may("train", n_rows), request.may("judged", n_rows)
    if request.given is not None:
        development, test = np.flatnonzero(~request.given & (train | judged)), np.flatnonzero(request.given & judged)
    else:
        pool = np.flatnonzero(judged)
        kept, held = splitter.hold_out(roles.take(pool), request.test or held_share(len(pool)), "seal")
        test = pool[held]
        beside = np.flatnonzero(train & ~judged)
        development = np.sort(np.concatenate([pool[kept], beside[_apart(roles, beside, test, splitter)]]))
    if len(test) == 0 or len(development) < FEWEST_ROWS // 2:
        sizes = np.unique(roles.blocks, return_counts=True)[1]
        raise SplitError(
            "no test set can be sealed",
            rule="rows of one block (a group, or copies of a row) stay in one part",
            found=f"the largest of {count(len(sizes), 'block')} holds {sizes.max():,} of {n_rows:,} rows: "
            f"{len(development):,} to learn from and {len(test):,} to seal",
            do="declare another group column under data.group, or set split.by: random",
        )
    return development, test


def _worked_on(roles: Roles, development: np.ndarray, most: int, splitter: Splitter) -> np.ndarray:
    """Return the development rows that explore to refine work on: at most `most`, drawn at random even along time."""
    if len(development) <= most:
        return development
    return development[splitter.hold_out(roles.take(development), most / len(development), "sample")[1]]


def _learned(
    roles: Roles, development: np.ndarray, test: np.ndarray, strata: np.ndarray | None, request: Request, splitter: Splitter
) -> np.ndarray:  # fmt: skip
    """Return the development rows that the shipped model may learn from before the seal is opened.

    Raises:
        SplitError: hardly any row is left, or rows of one class only.
    """
    train = request.may("train", len(roles.blocks))
    if request.known is not None and splitter.name == "chronological" and roles.times is not None:
        train = train & (request.known <= roles.times[test].min())  # what was not known yet could not be learned from
    learned = development[train[development]]
    if len(learned) < FEWEST_ROWS // 2:
        raise SplitError(
            "no row is left to learn from", rule="along time, a row teaches once its target is known",
            found=f"{len(learned):,} of {len(development):,} development rows were known before the first sealed one",
            do="take a shorter horizon, or more time",
        )  # fmt: skip
    if strata is not None and len(np.unique(strata[learned])) < 2:
        raise SplitError(
            "the rows left to learn from hold one class only", rule="rows of two classes at least are learned from",
            found=f"{len(learned):,} rows of one class; the others are among the {len(test):,} rows to seal",
            do="divide the rows otherwise under split, or add rows of the rarer class",
        )  # fmt: skip
    return learned


def _neither(request: Request, n_rows: int) -> int:
    """Return how many rows neither teach nor are judged."""
    return int((~(request.may("train", n_rows) | request.may("judged", n_rows))).sum())


def prove(table: Table, divided: Divided, *, threads: int = 1) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Return the facts of a split and the findings that prove it: disjoint, in order, representative (FG201 to FG206)."""
    split, roles, duplicates = divided.split, divided.roles, divided.duplicates
    facts = _facts(split, roles, duplicates, table)
    facts["entities"] = list(divided.entities.columns) if divided.entities else []
    facts["discrimination"] = discriminate(table, split.development, split.test, roles.blocks, seed=0, threads=threads)
    rest = others(table.n_rows, others(table.n_rows, split.development), split.work)
    facts["sample"] = (
        discriminate(table, rest, split.work, roles.blocks, seed=0, threads=threads) if split.sampled else None
    )
    findings = checked(
        "split", table=table, split=split, roles=roles, duplicates=duplicates, discrimination=facts["discrimination"],
        sample=facts["sample"], entities=divided.entities,
    )  # fmt: skip
    return facts, findings


def _roles(
    table: Table, keys: np.ndarray, duplicates: Duplicates | None, strata: np.ndarray | None, by: str | None
) -> Roles:
    links = [] if duplicates is None else [same(duplicates.near)]
    for column in table.role("group") if by in (None, "grouped", "grouped_chronological") else ():
        ids = table.frame[column.name].cast(pl.String).rank("dense").to_numpy()
        known = np.flatnonzero(~np.isnan(ids.astype(np.float64)))  # a missing group is a group of its own
        links.append(known[same(ids[known])])
    blocks = connect(table.n_rows, links)
    times = None
    wants_time = by in (None, "chronological", "grouped_chronological")
    for column in table.role("time") if wants_time else ():
        values = table.frame[column.name].cast(pl.Datetime("us"))
        if values.null_count():
            raise SplitError(
                f"column {column.name!r} has no time in {values.null_count():,} rows",
                rule="with a chronological split every row has a time",
                found=f"the first is row {int(values.is_null().arg_max() or 0)}",
                do="fill or drop these rows, or set split.by: random",
            )
        times = values.to_physical().to_numpy()
    if wants_time and by is not None and times is None:
        raise SplitError(
            f"split.by is {by!r} and there is no time column",
            rule="a chronological split orders rows by time",
            found="no column has the role of time",
            do="set data.time",
        )
    return Roles(keys, blocks, times, strata)


def _entities(table: Table, features: pl.DataFrame, roles: Roles, request: Request) -> Entities | None:
    """Return units that attributes imply, where they keep rows together that nothing else does.

    Not looked for where a group says what the unit is, or where time divides: then known units are met again.
    """
    if request.by not in (None, "grouped") or roles.times is not None or table.role("group"):
        return None
    found = find_entities(features)
    if found is None:
        return None
    if request.given is not None and request.given.any():
        known = found.ids[~request.given]
        if float(np.isin(found.ids[request.given], known).mean()) > AS_FREELY:
            return None  # the given test set holds known units: so will what is predicted
    links = same(found.ids)
    return found if float((roles.blocks[links[:, 0]] != roles.blocks[links[:, 1]]).mean()) >= NEW_LINKS else None


def _mirrored(given: np.ndarray | None, duplicates: Duplicates) -> bool:
    """Whether a given test set was drawn without regard to copies, so that its rows repeat others as freely as those do."""
    if given is None or duplicates.natural:
        return False
    sizes = np.bincount(duplicates.exact)[duplicates.exact]
    within = float((sizes[~given] > 1).mean())
    across = float(copies_of(duplicates.exact, given, ~given).mean())
    return across > 0 and across > AS_FREELY * within


def copies_of(exact: np.ndarray, of: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return for each of the rows `of` whether a row `among` holds the same."""
    found: np.ndarray = np.isin(exact[of], exact[among])
    return found


def _apart(roles: Roles, rows: np.ndarray, held: np.ndarray, splitter: Splitter) -> np.ndarray:
    """Return for each of `rows` whether it may stand beside `held` rows: of another block and, along time, earlier."""
    apart = ~np.isin(roles.blocks[rows], roles.blocks[held])
    if splitter.name == "chronological" and roles.times is not None and len(held):
        apart &= roles.times[rows] < roles.times[held].min()
    return apart


def _folds(roles: Roles, splitter: Splitter, request: Request) -> tuple[Fold, ...]:
    """Divide the judged rows into folds; each is predicted from all rows that may teach and may stand beside it.

    Args:
        roles, request: of the rows that are worked on.

    Raises:
        SplitError: no fold has rows to learn from.
    """
    train, judged = request.may("train", len(roles.blocks)), request.may("judged", len(roles.blocks))
    pool = np.flatnonzero(judged)
    inside = roles.take(pool)
    k = request.folds or (5 if len(pool) <= CROSS_VALIDATE_UP_TO and request.validation is None else 1)
    if request.validates is not None and request.validates[pool].any() and not request.validates[pool].all():
        divided = [(0, np.flatnonzero(~request.validates[pool]), np.flatnonzero(request.validates[pool]))]
    elif k == 1:
        kept, held = splitter.hold_out(inside, request.validation or held_share(len(pool)), "validation")
        divided = [(0, kept, held)]
    else:
        divided = splitter.folds(inside, k, request.repeats or repeats_for(len(pool)), "folds")
    beside, known = np.flatnonzero(~judged), request.known if splitter.name == "chronological" else None
    folds = []
    for repeat, kept, held in divided:
        rows = pool[kept]
        if len(beside):
            rows = np.union1d(rows, beside[_apart(roles, beside, pool[held], splitter)])
        rows = rows[train[rows]]
        if known is not None and roles.times is not None and len(held):
            rows = rows[known[rows] <= roles.times[pool[held]].min()]
        folds.append(Fold(rows, pool[held], repeat))
    found = tuple(fold for fold in folds if len(fold.validation) and len(fold.train))
    if not found:
        raise SplitError(
            "no fold has rows to learn from", rule="along time, a row teaches once its target is known",
            found=f"{len(roles.blocks):,} development rows", do="take a shorter horizon, or set split.validation",
        )  # fmt: skip
    return found


def _facts(split: Split, roles: Roles, duplicates: Duplicates, table: Table) -> dict[str, Any]:
    sizes = np.bincount(np.unique(roles.blocks, return_inverse=True)[1])
    n_folds = len(split.folds) // split.n_repeats
    worked = f", {len(split.work):,} of them as a sample to work on" if split.sampled else ""
    how = f"{n_folds}-fold cross-validation" + (f" repeated {split.n_repeats} times" if split.n_repeats > 1 else "")
    if not split.cross_validated:
        how = f"one validation set of {len(split.folds[0].validation):,}"
    return {
        "sentence": f"{split.scheme}: {len(split.test):,} of {table.n_rows:,} rows sealed, {len(split.development):,} to develop on{worked} ({how})",
        "scheme": split.scheme, "n_rows": table.n_rows, "n_test": len(split.test), "n_development": len(split.development),
        "n_purged": len(split.purged), "n_learned": len(split.development if split.learned is None else split.learned), "n_work": len(split.work), "n_folds": n_folds, "n_repeats": split.n_repeats, "validation": how,
        "n_validation": len(split.folds[0].validation), "n_blocks": len(sizes), "largest_block": int(sizes.max()),
        "groups": [c.name for c in table.role("group")], "time": next((c.name for c in table.role("time")), None),
        "n_exact_duplicates": duplicates.n_exact, "n_near_duplicates": duplicates.n_near,
        "cut": _cut_time(split, roles), "data_hash": split.data_hash,
    }  # fmt: skip


def _cut_time(split: Split, roles: Roles) -> str | None:
    if roles.times is None or not len(split.test):
        return None
    return str(np.datetime64(int(roles.times[split.test].min()), "us").astype("datetime64[s]"))
