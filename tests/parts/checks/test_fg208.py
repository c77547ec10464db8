"""FG208: sealed texts in another language."""

from __future__ import annotations

from check_cases import only, roles_of, split_of
from text_cases import GERMAN, english, texts

from fieldguide.parts.checks.fg208_other_language import OtherLanguage
from fieldguide.testing import check_check


def test_another_language_in_the_sealed_rows_fires_and_a_random_draw_does_not():
    cells = english(80) + [GERMAN[i % 3] for i in range(20)]
    table, roles = texts(cells), roles_of(100)
    given = {"table": table, "split": split_of(roles, range(75, 100))}
    drawn = {"table": table, "split": split_of(roles, range(0, 100, 4))}
    finding = only(check_check(OtherLanguage(), given, drawn))
    assert "German 80 % against 0 %" in finding.sentence and "English 20 % against 100 %" in finding.sentence
    assert finding.evidence["sealed"] == {"German": 20, "English": 5}


def test_texts_without_a_known_language_say_nothing():
    table = texts(["ok 12", "B-747"] * 20)
    assert only(OtherLanguage().run(table=table, split=split_of(roles_of(40), range(10)))).status == "passed"
