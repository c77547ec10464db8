"""FG357: silent sounds."""

from __future__ import annotations

import numpy as np
from check_cases import only
from text_cases import sounds, tone

from fieldguide.parts.checks.fg357_silent_sounds import SilentSounds
from fieldguide.testing import check_check


def test_a_silent_file_is_named(tmp_path):
    heard = [tone(i) for i in range(6)]
    quiet = sounds(tmp_path / "quiet", [*heard, np.zeros(500, np.float32)])
    finding = only(check_check(SilentSounds(), {"media": quiet}, {"media": sounds(tmp_path / "heard", heard)}))
    assert finding.sentence == "1 sound of 'said' (14 %) is silent: quiet/6.wav." and finding.severity == "warning"
