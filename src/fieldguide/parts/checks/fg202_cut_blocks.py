"""FG202: no group and no set of near-duplicates is cut by the seal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.blocks import distinct
from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.split import Split
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class CutBlocks:
    """Blocks (a group, or rows that nearly repeat each other) with rows on both sides of the seal.

    Formula: the intersection of the block ids of development and sealed rows. Blocks are the connected components
    of "same group" and "near-duplicate".

    Why: rows of one unit resemble each other. With some of them to learn from, the others are easier than a new
    unit will be, and the score is too good.

    Remedy: for a given test set: draw it by whole groups, or read its score as one for units that are already
    known. For a split of ours this is a bug to report.

    Needs: split, roles (of all rows).
    """

    name: ClassVar[str] = "fg202_cut_blocks"
    code: ClassVar[str] = "FG202"
    title: ClassVar[str] = "Groups or near-duplicates cut by the seal"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "error"

    def run(self, *, split: Split, roles: Roles) -> list[Finding]:
        n_blocks, sealed = len(distinct(roles.blocks)), roles.blocks[split.test]
        shared = np.isin(sealed, roles.blocks[split.development])
        cut, touched = distinct(sealed[shared]), int(shared.sum())
        evidence = {"n_blocks": n_blocks, "cut_blocks": len(cut), "sealed_rows_in_them": touched}
        if not len(cut):
            return [passed(self, f"None of the {count(n_blocks, 'block')} of rows is cut.", evidence=evidence)]
        given = split.scheme.startswith("given")
        remedy = (
            "The given test set is obeyed; draw it by whole groups to learn how the model does on new ones."
            if given
            else "Do not trust any score of this study; report this as a bug."
        )
        n = len(cut)
        sentence = (
            f"{count(n, 'block')} of rows (groups or near-duplicates) {verb(n, 'lies', 'lie')} on both sides of the "
            f"seal, with {touched:,} of the {len(split.test):,} sealed rows in {verb(n, 'it', 'them')}."
        )
        # A given test set with a handful of near-duplicates is still nearly all new rows.
        mild = given and touched <= 0.01 * len(split.test)
        return [
            fire(
                self,
                sentence,
                remedy,
                severity=("info" if mild else "warning") if given else "error",
                evidence=evidence,
            )
        ]
