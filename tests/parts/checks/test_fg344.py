"""FG344: damaged texts."""

from __future__ import annotations

import pytest
from check_cases import only
from text_cases import english, texts

from fieldguide.core.words.damage import damage_of
from fieldguide.parts.checks.fg344_damaged_texts import DamagedTexts
from fieldguide.testing import check_check


def test_each_kind_is_counted_and_many_warn():
    bad = ["a cafÃ© on the corner", "a caf\ufffd here", "fish &amp; chips", "it isnâ€™t so"]
    finding = only(check_check(DamagedTexts(), {"media": texts(english() + bad)}, {"media": texts(english())}))
    assert finding.severity == "warning" and finding.evidence["kinds"] == {"misread": 2, "replaced": 1, "escaped": 1}
    assert finding.sentence.startswith(
        "4 texts of 'note' (2 %) are damaged: 2 UTF-8 read as Latin-1, 1 with replacement"
    )
    assert "'a cafÃ© on the corner'" in finding.sentence
    assert only(DamagedTexts().run(media=texts([*english(), bad[0]]))).severity == "info"


@pytest.mark.parametrize(
    "text",
    ["Ünïcode 🙂", "SÃO PAULO", "»Spaß”", "à\xa0« bon »", "CAFÉ”", "Größe: 5 Å", "été", "a & b; c", "Ὀδύσσεια"],
)
def test_what_people_write_is_no_damage(text):
    assert damage_of(text) == ""


@pytest.mark.parametrize("right", ["café", "naïve", "“quoted”", "Привет всем", "£5", "🙂", "Größe"])
def test_whatever_was_misread_is_seen(right):
    wrong = bytes(right, "utf-8").decode("latin-1")
    assert damage_of(wrong) == "misread" and damage_of(right) == ""
