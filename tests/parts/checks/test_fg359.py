"""FG359: sounds of another rate, of other channels or of another length."""

from __future__ import annotations

import numpy as np
from check_cases import only
from text_cases import sounds, tone

from fieldguide.parts.checks.fg359_odd_sounds import OddSounds
from fieldguide.testing import check_check


def test_each_way_to_be_odd_is_told(tmp_path):
    usual = [tone(i, 800) for i in range(60)]
    two_sides = np.stack([tone(0, 800), tone(1, 800)], axis=1)
    odd = sounds(tmp_path / "odd", [*usual, tone(1, 4_000), tone(2, 800), two_sides], [8_000] * 61 + [16_000, 8_000])
    findings = check_check(OddSounds(), {"media": odd}, {"media": sounds(tmp_path / "alike", usual)})
    said = {finding.evidence["way"]: finding.sentence for finding in findings}
    assert "is of another rate than the others (8,000 Hz): odd/61.wav" in said["of another rate"]
    assert "is of other channels than the others (1 channel): odd/62.wav" in said["of other channels"]
    assert "is of quite another length than the others (median 0.1 s): odd/60.wav" in said["of quite another length"]
    many = sounds(tmp_path / "kinds", [tone(i, 800) for i in range(8)], [8_000] * 4 + [16_000] * 4)
    assert only(OddSounds().run(media=many)).status == "passed"  # two kinds, no oddities
