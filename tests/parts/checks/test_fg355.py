"""FG355: one file under several labels."""

from __future__ import annotations

import numpy as np
from check_cases import only, problem_of
from image_cases import images, picture

from fieldguide.parts.checks.fg355_same_file_other_label import SameFileOtherLabel
from fieldguide.testing import check_check

CELLS = [picture(0), picture(1), picture(0), picture(2), picture(2), None]


def test_the_file_and_its_rows_are_named():
    wrong, right = np.array([0, 1, 1, 0, 0, 1]), np.array([1, 1, 1, 0, 0, 1])
    said = {"media": images(CELLS), "problem": problem_of()}
    finding = only(check_check(SameFileOtherLabel(), {**said, "truths": (wrong,)}, {**said, "truths": (right,)}))
    assert finding.sentence.startswith("1 file of 'photo' stands in rows of different 'sold' (2 rows): image/png")
    assert finding.evidence["rows"] == [0, 2]
    beside = images(CELLS, price=[1.0, 2, 3, 4, 5, 6])
    assert (
        only(SameFileOtherLabel().run(media=beside, problem=problem_of(), truths=(wrong,))).status == "not_applicable"
    )
