"""FG348: texts that were cut off."""

from __future__ import annotations

import numpy as np
from check_cases import only
from text_cases import texts

from fieldguide.parts.checks.fg348_cut_texts import CutTexts
from fieldguide.testing import check_check

LENGTHS = np.random.default_rng(0).integers(20, 400, 300).tolist()


def test_a_field_that_holds_no_more_is_found():
    whole = [f"{'word ' * (n // 5)}{'x' * (n % 5 or 1)}"[i % 3 :] for i, n in enumerate(LENGTHS)]
    finding = only(check_check(CutTexts(), {"media": texts([t[:255] for t in whole])}, {"media": texts(whole)}))
    n = sum(len(text) >= 253 for text in whole)
    assert finding.evidence["n"] == n > 100 and finding.evidence["length"] == 255
    assert "end at 255 characters, and none is longer" in finding.sentence


def test_a_field_of_one_length_was_not_cut():
    assert only(CutTexts().run(media=texts(["x" * 64] * 50))).status == "passed"
