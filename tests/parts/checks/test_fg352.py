"""FG352: a few images of quite another size."""

from __future__ import annotations

from check_cases import only
from image_cases import images, picture

from fieldguide.parts.checks.fg352_odd_sizes import OddSizes
from fieldguide.testing import check_check

ALIKE = [picture(i, (12 + i % 3, 12)) for i in range(40)]


def test_large_ones_are_named_and_two_sizes_are_not():
    odd = images([*ALIKE, picture(99, (60, 80)), None])
    finding = only(check_check(OddSizes(), {"media": odd}, {"media": images(ALIKE)}))
    assert finding.sentence.startswith(
        "1 image of 'photo' (2.4 %) is of quite another size (60 x 80) than the others (longer side 13 pixels)"
    )
    assert finding.evidence["rows"] == [40]
    half = images([*ALIKE, *(picture(i, (60, 60)) for i in range(30))])
    assert only(OddSizes().run(media=half)).status == "passed"
