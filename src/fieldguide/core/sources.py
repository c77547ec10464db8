"""Where encoded columns come from: the column of the table behind each number, code, term and block.

Knows how encoders name what they give: a column's own name, or that name and a word more ("joined month", "said topic 3").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldguide.core.batch import Batch
from fieldguide.core.transform import Transform


@dataclass(frozen=True)
class Sources:
    """The table's column of everything that a transform gives.

    Shape:
        numbers, codes, terms, blocks: (how many there are,) int64, positions in `names`
    """

    names: tuple[str, ...]
    numbers: np.ndarray
    codes: np.ndarray
    terms: np.ndarray
    blocks: np.ndarray


def sources_of(transform: Transform, names: Sequence[str]) -> Sources:
    """Return where everything that a transform encodes comes from.

    Args:
        names: the columns of the table, in the order that positions are told in.
    """
    at = {name: place for place, name in enumerate(names)}
    found: dict[str, list[int]] = {"numbers": [], "codes": [], "terms": [], "blocks": []}
    for _, own, encoder in transform.parts:
        layout = encoder.layout()
        found["numbers"] += [at[name] for name in origins(layout.numbers, own)]
        found["codes"] += [at[name] for name, _ in layout.codes]
        found["blocks"] += [at[spec.name] for spec in layout.blocks]
        if layout.n_terms:
            for name, terms in zip(own, encoder.terms, strict=True):  # type: ignore[attr-defined]
                found["terms"] += [at[name]] * len(terms.words)
    return Sources(tuple(names), **{kind: np.array(places, np.int64) for kind, places in found.items()})


def shuffled(batch: Batch, sources: Sources, place: int, order: np.ndarray) -> Batch:
    """Return an encoded batch in which one column of the table is dealt anew over the rows, without encoding it again.

    Args:
        place: of the column in `sources.names`.
        order: (rows,) which row each row gets its cells from.
    """
    moved = dict(batch.arrays)
    for name, found in (("numbers", sources.numbers), ("codes", sources.codes), ("terms", sources.terms)):
        mine = np.flatnonzero(found == place)
        if not len(mine):
            continue
        if isinstance(moved[name], np.ndarray):
            moved[name] = moved[name].copy()
            moved[name][:, mine] = moved[name][order][:, mine]
        else:  # a sparse matrix: the columns are taken from the rows in the new order, the others as they are
            from scipy.sparse import diags

            here = diags((found == place).astype(np.float32))
            moved[name] = (moved[name] - moved[name] @ here + moved[name][order] @ here).tocsr()
    for spec, at in zip(batch.layout.blocks, sources.blocks, strict=True):
        if at == place:
            moved[spec.name] = moved[spec.name][order]
    return Batch(batch.layout, moved)


def origins(encoded: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return the column behind each encoded name: its own, else the longest that it starts with.

    A name that comes twice is a column the first time and a part of another the second: a column may itself be called
    "age missing".

    Examples:
        >>> origins(["age", "age missing", "joined month"], ["age", "joined"])
        ['age', 'age', 'joined']
        >>> origins(["age", "age missing", "age missing"], ["age", "age missing"])
        ['age', 'age missing', 'age']
    """
    left, found = set(columns), []
    for name in encoded:
        if name in left:
            left.discard(name)
            found.append(name)
            continue
        able = [column for column in columns if name.startswith(f"{column} ")]
        if not able:
            raise ValueError(f"{name!r} comes from none of {', '.join(columns)}")
        found.append(max(able, key=len))
    return found
