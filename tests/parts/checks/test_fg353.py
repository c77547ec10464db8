"""FG353: a few images that are stored otherwise."""

from __future__ import annotations

from check_cases import only
from image_cases import images, picture
from PIL import Image

from fieldguide.parts.checks.fg353_odd_modes import OddModes
from fieldguide.testing import check_check

COLOUR = [picture(i) for i in range(60)]


def test_modes_and_rotation_are_counted():
    exif = Image.Exif()
    exif[0x0112] = 6
    odd = [*COLOUR, picture(1, mode="L"), picture(2, mode="CMYK", form="JPEG"), picture(3, form="JPEG", exif=exif)]
    finding = only(check_check(OddModes(), {"media": images(odd)}, {"media": images(COLOUR)}))
    assert "3 images of 'photo' (4.8 %) are stored otherwise than the others (colour)" in finding.sentence
    for words in ("1 grey", "1 CMYK", "1 colour, turned by EXIF"):
        assert words in finding.sentence
    assert only(OddModes().run(media=images([*COLOUR[:2], picture(1, mode="L")]))).status == "passed"  # no few
