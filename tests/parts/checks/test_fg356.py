"""FG356: images that show nothing."""

from __future__ import annotations

from check_cases import only
from image_cases import blank, images, picture

from fieldguide.parts.checks.fg356_blank_images import BlankImages
from fieldguide.testing import check_check

SHOWN = [picture(i) for i in range(120)]


def test_blank_ones_are_counted_and_many_warn():
    one = images([*SHOWN, blank()])
    finding = only(check_check(BlankImages(), {"media": one}, {"media": images(SHOWN)}))
    assert finding.sentence.startswith("1 image of 'photo' (0.8 %) shows one shade only: image/png")
    assert finding.severity == "info"
    assert only(BlankImages().run(media=images([*SHOWN, blank(), blank(255)]))).severity == "warning"
