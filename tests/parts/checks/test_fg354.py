"""FG354: the form of a file tells its class."""

from __future__ import annotations

import numpy as np
from check_cases import only, problem_of, regression
from image_cases import images, picture

from fieldguide.parts.checks.fg354_form_tells_class import FormTellsClass
from fieldguide.testing import check_check

TRUTH = (np.arange(80) % 2).astype(np.int64)


def test_a_class_with_a_camera_of_its_own_is_told():
    leaking = images([picture(i, (12, 12) if TRUTH[i] or i % 10 == 0 else (16, 12)) for i in range(80)])
    clean = images([picture(i, (12, 12) if i % 3 else (16, 12)) for i in range(80)])
    said = {"problem": problem_of(), "truths": (TRUTH,)}
    finding = only(check_check(FormTellsClass(), {"media": leaking, **said}, {"media": clean, **said}))
    assert finding.sentence.startswith(
        "The size of the files of 'photo' (2 different) tells 'sold': guessed from it alone, 40 % more rows"
    )
    assert finding.evidence["way"] == "size" and finding.evidence["gain"] == 0.4


def test_as_many_sizes_as_files_tell_nothing_by_chance():
    many = images([picture(i, (8 + i, 12)) for i in range(80)])
    said = {"problem": problem_of(), "truths": (np.random.default_rng(1).permutation(TRUTH),)}
    assert only(FormTellsClass().run(media=many, **said)).status == "passed"
    assert (
        only(FormTellsClass().run(media=many, problem=regression(), truths=(TRUTH * 1.0,))).status == "not_applicable"
    )
