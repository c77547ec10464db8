"""FG358: clipped sounds."""

from __future__ import annotations

import numpy as np
from check_cases import only
from text_cases import sounds, tone

from fieldguide.parts.checks.fg358_clipped_sounds import ClippedSounds
from fieldguide.testing import check_check


def test_a_sound_that_was_cut_at_the_top_is_named(tmp_path):
    soft = [tone(i) for i in range(6)]
    loud = sounds(tmp_path / "loud", [*soft, np.clip(tone(1, loud=3.0), -1, 1)])
    finding = only(check_check(ClippedSounds(), {"media": loud}, {"media": sounds(tmp_path / "soft", soft)}))
    assert finding.sentence == "1 sound of 'said' (14 %) is clipped: loud/6.wav." and finding.severity == "warning"
