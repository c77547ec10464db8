"""FG345: texts in several languages."""

from __future__ import annotations

import pytest
from check_cases import only
from text_cases import GERMAN, english, texts

from fieldguide.core.words.languages import LITTLE_WORDS, language_of, languages_of
from fieldguide.parts.checks.fg345_mixed_languages import MixedLanguages
from fieldguide.testing import check_check


def test_a_second_language_is_named_and_a_large_one_warns():
    mixed = english(100) + [GERMAN[i % 3] for i in range(8)] + ["ok 12"] * 12
    clean = {"media": texts([*english(100), *GERMAN, "ok 12"])}  # three texts are no language
    finding = only(check_check(MixedLanguages(), {"media": texts(mixed)}, clean))
    assert (
        "English 93 %, German 7.4 %; of 10 % the language is not known" in finding.sentence
        and finding.severity == "info"
    )
    many = only(MixedLanguages().run(media=texts(english(50) + list(GERMAN) * 10)))
    assert many.severity == "warning" and many.evidence["languages"]["German"] == 30


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Het is niet te geloven dat hij dat heeft gedaan", "Dutch"), ("Nie wiem co to jest", "Polish"),
        ("que hay de comer en la casa", "Spanish"), ("привет как дела у тебя все хорошо", "Russian"), ("як ти і що це таке", "Ukrainian"),
        ("Μῆνιν ἄειδε θεά", "Greek"), ("你好，世界", "Chinese"), ("日本語の文章です", "Japanese"), ("안녕하세요", "Korean"), ("شكرا جزيلا", "Arabic script"),
        ("ok lar joking wif u oni", "unknown"), ("AB-1234 / 7", "unknown"), ("", "unknown"), ("Obrigado", "unknown"),
        ("The word 你好 is what they say in the north", "English"), ("I am not sure what “de la” is", "English"),
    ],
)  # fmt: skip
def test_a_language_is_told_or_said_to_be_unknown(text, language):
    assert language_of(text) == language


def test_little_words_are_their_own_languages():
    for language, words in LITTLE_WORDS.items():
        assert language_of(" ".join(words.split()[:60])) == language


def test_of_many_texts_evenly_spaced_ones_are_looked_at(monkeypatch):
    monkeypatch.setattr("fieldguide.core.words.languages.MOST_TEXTS", 10)
    assert sum(languages_of(english(35)).values()) == 9
