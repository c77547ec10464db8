"""Which language a text is in: by its script, and for scripts of many languages by the little words every text is full of.

Knows scripts by their blocks of Unicode and a few dozen function words of a handful of languages; nothing of columns. It answers
"unknown" rather than guess: short messages, names and lists of parts have no little words, and languages that are not listed are
told by their script at most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

UNKNOWN = "unknown"
MOST_CHARACTERS = 1_000  # of a text that are looked at: a page tells no more than its beginning
MOST_TEXTS = 5_000  # of a column, evenly spaced
FEWEST_HITS = 2  # different little words of a language that a text must have
LEAST_WEIGHT = 1.5  # of its little words together; one that seven languages share weighs a seventh
LEAST_SHARE = 0.1  # of a text's words that are little words of the language
CLEARER = 1.5  # times as many as of any other language
OF_SCRIPT = 0.3  # share of the letters that a script other than Latin needs: quotations in another script are common

SCRIPTS = {
    "Greek": "Ͱ-Ͽἀ-῿", "Cyrillic script": "Ѐ-ԯ", "Armenian": "԰-֏", "Hebrew script": "֐-׿", "Arabic script": "؀-ۿݐ-ݿﭐ-﷿ﹰ-﻿",
    "Devanagari script": "ऀ-ॿ", "Bengali script": "ঀ-৿", "Tamil": "஀-௿", "Thai": "฀-๿", "Georgian": "Ⴀ-ჿ", "Korean": "ᄀ-ᇿ가-힯",
    "Japanese": "぀-ヿ", "Chinese": "㐀-䶿一-鿿",
}  # fmt: skip
"""Characters of each script; Japanese is told by its syllables, since its other letters are Chinese as well."""

LITTLE_WORDS = {
    "English": "the and of to in is you that it for was on are with as his they at be this have from or had by not what all were we when your can said there an which she do how their if will would about them then these so her him has been who its now my than made did get could no just but me our i am",
    "German": "der die und das den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde ich wir ihr mich dir uns kein wenn",
    "French": "le la les de des du et un une est que qui dans pour pas sur avec ne se ce il elle au aux plus par je vous nous sont cette mais ou ont été être avoir tout fait son ses leur comme même très aussi bien sans où ça cela était n'est c'est d'un d'une qu'il mon votre",
    "Spanish": "el la los las de del y un una es que en por para con no se su al lo como más pero sus le ya este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante uno ni contra ese eso mí antes algunos qué unos yo otro él está son fue ha",
    "Portuguese": "o os as de do da dos das e um uma é que em no na nos nas por para com não se seu sua ao mais mas foi ele ela como já ou quando muito nem sem mesmo aos ter seus quem está você são pelo pela isso também até só depois eu me esse essa uns minha têm numa suas meu",
    "Italian": "il lo la i gli le di del della dei delle e un una è che in per con non si su al da come più ma anche nel nella sono ho ha hanno questo questa se ci mi ti o alla dal dalla essere stato quando molto tutti tutto perché cosa così solo loro c'è era fa io suo sua quello",
    "Dutch": "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar bij nog uit naar heeft hebben deze door over ze hij je ik zich werd wordt worden was wat wel geen kan dit tot zo we mijn meer of al die u ons haar hun toen alleen veel moet",
    "Swedish": "och att det som en på är av för med den till inte har de ett om var jag men sig från vi så kan när man nu hade ut efter skulle under också eller bara vid mot hon han mycket alla utan där några blir finns vad oss dem ska över mig du varit detta",
    "Danish or Norwegian": "og at det som en på er af av for med den til ikke har de et om var jeg men sig seg fra vi så kan når man nu hadde havde ut efter etter skulle under også eller bare ved mot mod hun han meget alle uden uten der nogle noen bliver blir hva hvad oss os dem skal over mig meg du være dette",
    "Polish": "i w na z się nie do to że jest o jak po ale od za co tak dla przez tym czy był było być już tylko ich jego ma są może ten które który która przed bez pod także ze by gdy lub oraz mnie mi ja tego jej bardzo",
    "Turkish": "ve bir bu da de için ile çok ne gibi daha olarak en ama o var kadar sonra ben olan ya her mi ki değil şey diye bana beni sen biz iyi yok mı çünkü hiç bunu onun şu neden nasıl göre oldu ise veya ancak",
    "Russian": "и в не на что я с он как это по но они мы все она так его только за то из у от был бы же вы ее мне было вот для если или уже когда есть их нет даже ему до о ты меня еще быть при может том к",
    "Ukrainian": "і в не на що я з він як це по але вони ми все вона так його тільки за то із у від був би же ви її мені було ось для якщо або вже коли є їх ні навіть йому до та мене ще бути при може цього який які й",
}  # fmt: skip
CYRILLIC = ("Russian", "Ukrainian")

_PATTERNS = {name: re.compile(f"[{span}]") for name, span in SCRIPTS.items()}
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _language, _words in LITTLE_WORDS.items():
    for _said in dict.fromkeys(
        word for word in _words.split() if len(word) > 1 or not word.isascii()
    ):  # "u" and "w/" are chat
        _LANGUAGES_OF[_said] = (*_LANGUAGES_OF.get(_said, ()), _language)


def language_of(text: str) -> str:
    """Return the language or the script of a text, or "unknown".

    A little word weighs for a language one over the number of languages that have it. The language needs two different ones, a
    weight of 1.5 and of a tenth of the text's words, and half as much again as the next language.

    Source:
        Grefenstette, "Comparing two language identification schemes", JADT 1995 (the scheme of small words).

    Examples:
        >>> language_of("I am sure that you will be there when it starts")
        'English'
        >>> language_of("Das ist nicht so einfach, wie es klingt"), language_of("これはペンです"), language_of("ok!! 12")
        ('German', 'Japanese', 'unknown')
    """
    text = text[:MOST_CHARACTERS]
    script = "" if text.isascii() else _script_of(text)
    if script and script != "Cyrillic script":
        return script
    able = CYRILLIC if script else tuple(name for name in LITTLE_WORDS if name not in CYRILLIC)
    words = _WORD.findall(text.lower().replace("’", "'"))
    weights: Counter[str] = Counter()
    hits: dict[str, set[str]] = {}
    for word in words:
        of = [name for name in _LANGUAGES_OF.get(word, ()) if name in able]
        for name in of:
            weights[name] += 1 / len(of)  # type: ignore[assignment]
            hits.setdefault(name, set()).add(word)
    first, second = [*weights.most_common(2), ("", 0), ("", 0)][:2]
    clear = first[1] >= max(LEAST_WEIGHT, CLEARER * second[1], LEAST_SHARE * len(words))
    if clear and len(hits[first[0]]) >= FEWEST_HITS:
        return first[0]
    return script or UNKNOWN


def _script_of(text: str) -> str:
    """Return the script of a text that is not Latin, by its letters; "" for a Latin one and for none."""
    counts = {name: len(pattern.findall(text)) for name, pattern in _PATTERNS.items()}
    total = sum(counts.values()) + len(_LATIN.findall(text))
    if counts["Japanese"] >= OF_SCRIPT / 3 * (counts["Japanese"] + counts["Chinese"]) > 0:
        counts["Japanese"] += counts.pop("Chinese")
    name = max(counts, key=lambda name: counts[name])
    return name if counts[name] and counts[name] >= OF_SCRIPT * total else ""


def languages_of(texts: Sequence[str | None]) -> dict[str, int]:
    """Return how many texts are in each language, the most frequent first; of many texts, of evenly spaced ones.

    Examples:
        >>> languages_of(["this is what we have to do", "c'est pour vous et pour moi", None, "B-747"])
        {'English': 1, 'French': 1, 'unknown': 1}
    """
    known = [text for text in texts if text]
    step = max(1, -(-len(known) // MOST_TEXTS))
    return dict(Counter(language_of(text) for text in known[::step]).most_common())
