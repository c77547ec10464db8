"""FG347: texts without a word."""

from __future__ import annotations

from check_cases import only
from text_cases import english, texts

from fieldguide.parts.checks.fg347_wordless_texts import WordlessTexts
from fieldguide.testing import check_check


def test_placeholders_and_marks_are_counted():
    bad = ["n/a", "N/A", "...", "123", "none."]
    clean = {"media": texts([*english(), None, "none of it was true", "ok"])}
    finding = only(check_check(WordlessTexts(), {"media": texts(english() + bad)}, clean))
    assert finding.sentence == "5 texts of 'note' (2.4 %) hold no word: 'n/a' (2), '...' (1), '123' (1)."
    assert finding.severity == "info" and only(WordlessTexts().run(media=texts(bad * 2))).severity == "warning"
