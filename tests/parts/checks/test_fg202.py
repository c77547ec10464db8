"""FG202: groups or near-duplicates cut by the seal."""

from __future__ import annotations

import numpy as np
from check_cases import only, roles_of, split_of

from fieldguide.parts.checks.fg202_cut_blocks import CutBlocks
from fieldguide.testing import check_check

WHOLE = roles_of(8, [0, 0, 1, 1, 2, 2, 3, 3])


def cut(scheme):
    return {"split": split_of(WHOLE, [5, 6, 7], scheme=scheme), "roles": WHOLE}


def test_a_cut_block_is_an_error_in_a_split_of_ours():
    finding = only(check_check(CutBlocks(), cut("grouped"), {"split": split_of(WHOLE, [6, 7]), "roles": WHOLE}))
    assert finding.sentence == (
        "1 block of rows (groups or near-duplicates) lies on both sides of the seal, with 1 of the 3 sealed rows in it."
    )
    assert finding.severity == "error"


def test_a_given_test_set_is_obeyed_with_a_warning():
    finding = only(CutBlocks().run(**cut("given, random")))
    assert finding.severity == "warning"
    assert "is obeyed" in finding.remedy


def test_a_given_test_set_with_hardly_any_of_it_is_a_note():
    roles = roles_of(400, [0, 0, *range(1, 399)])
    given = split_of(roles, np.arange(1, 201), scheme="given, random")
    assert only(CutBlocks().run(split=given, roles=roles)).severity == "info"
