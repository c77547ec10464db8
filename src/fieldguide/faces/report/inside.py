"""Inside the candidates: words that weigh, and maps of embeddings that were learned from scratch, as blocks.

Knows the facts `inside` of baseline and train, and `worst_words` of refine; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks, charts, word_map
from fieldguide.faces.report.blocks import Block
from fieldguide.faces.report.explain import parted
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import number, plural, share

MAP_WIDTH, MAP_HEIGHT = 900, 420


def inside(facts: Mapping[str, Any]) -> list[Block]:
    """Return what was seen in the candidates of a step."""
    found: list[Block] = []
    for one in at(facts, "inside", default=[]):
        words, maps = at(one, "words", default=[]), at(one, "maps", default=[])
        if words:
            found += [
                blocks.heading(f"Words that weigh in {one.get('candidate')}"),
                blocks.grid([_words(w) for w in words]),
            ]
        if maps:
            found.append(blocks.heading(f"Embeddings that {one.get('candidate')} learned"))
            found += [_map(m) for m in maps]
    return found


def _words(one: Mapping[str, Any]) -> Block:
    pairs = at(one, "words", default=[])
    rows = [{"name": str(word), "value": weight, "label": number(weight, sign=True)} for word, weight in pairs]
    title = f"{one.get('column')}: for and against {one.get('label')}"
    note = "Coefficients of TF-IDF terms in the last fold's fit: what a text of this term alone would add to the score."
    alt = "; ".join(f"{row['name']} {row['label']}" for row in rows)
    return blocks.chart(parted(rows, "coefficient"), title, alt, note=note, wide=False)


def _map(one: Mapping[str, Any]) -> Block:
    points = at(one, "points", default=[])
    what = "words" if one.get("kind") == "text" else "levels"
    spec = charts.base([], MAP_HEIGHT, layer=word_map.layers(one, "var(--blue)", "var(--ink)"))
    spec["data"] = {"values": word_map.named(points, (MAP_WIDTH, MAP_HEIGHT))}
    of = f"{number(one.get('of'))} {what}" if len(points) < int(one.get("of", 0)) else f"all {what}"
    note = (
        f"The {number(len(points))} most frequent of {of}, {number(one.get('width'))} numbers each, on the two directions in which they differ most "
        f"({share(one.get('share'))} of the variance). {what.capitalize()} that the network treats alike lie near each other."
    )
    if len(points) >= int(one.get("of", 0)):
        note = note.replace(
            f"The {number(len(points))} most frequent of all {what}", f"All {plural(len(points), what[:-1])}"
        )
    return blocks.chart(
        spec,
        f"{one.get('column')}: its {what} as the network sees them",
        f"a map of {plural(len(points), what[:-1])}",
        note=note,
    )


def told_words(row: Mapping[str, Any]) -> str:
    """Return the words that weighed in a worst answer, the strongest first: what spoke for the answer, and what against it."""
    pairs = [pair for column in at(row, "words", default={}).values() for pair in column]
    pairs.sort(key=lambda pair: -abs(pair[1]))
    return ", ".join(f"{word} {number(value, 2, sign=True)}" for word, value in pairs)


def words_note(facts: Mapping[str, Any]) -> str:
    """Return whose words they are, or why there are none; "" where there are no texts."""
    said = at(facts, "worst_words", default={})
    if not said:
        return ""
    if "silence" in said:
        return f"Words that weighed are not told: {said['silence']}."
    return (
        f"Words by {said.get('title')} of {said.get('candidate')}, fitted without these rows: parts of the score of the answer that was given "
        f"[{said.get('scale')}]."
    )


def has_words(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(column for row in rows for column in at(row, "words", default={}).values())
