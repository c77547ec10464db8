"""Structure: clusters and maps, drawn. What a table without a target holds, whether it is there, and what sets groups apart.

Knows the facts that explore and finalize give of such tasks; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import number, plural, share, span

COLOURS = (
    "var(--blue)", "var(--k-boosting)", "var(--k-simple)", "var(--k-ensemble)", "var(--k-user)", "var(--k-network)", "var(--k-trivial)",
)  # fmt: skip
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
"""Of clusters beyond the colours, shape and number tell them apart."""
SAID = {
    "none": ("There are no clusters here", "no"),
    "columns": ("The clusters are those of single columns", "open"),
    "clusters": ("There are clusters here", "yes"),
}
WORLDS = (
    ("real", "these rows"), ("dealt", "the same columns, each dealt anew by itself"), ("heap", "one heap: normal rows with the same covariance"),
)  # fmt: skip
MOST_CLUSTERS = 20


def free(r: Recorded) -> bool:
    """Whether the study has a task without a target."""
    return at(r.output, "task") in ("clustering", "reduction")


def first_line(r: Recorded) -> tuple[str, str]:
    """Return what the page opens with where there is no target, and its tone: whether there are clusters, or what a map keeps; else ""."""
    told = at(r.facts("finalize"), "structure")
    if not told:
        return "", ""
    if told["task"] == "reduction":
        rebuilt = next((line for line in told["kept"] if line["metric"] == "reconstruction"), None)
        words = (
            f"{plural(told['n_components'], 'number')} of {number(told['n_axes'])} rebuild {share(rebuilt['value'], 0)} of the rows' variance"
            if rebuilt
            else ""
        )
        return words, "info"
    said, tone = SAID[told["stability"]["verdict"]]
    real, heap, dealt = (told["stability"].get(name) for name in ("real", "heap", "dealt"))
    why = (
        f"two fits agree on sealed rows to {number(real['value'], 2)} {span(real['interval'], 2)} (1: fully, 0: by chance); on one heap "
        f"{number(heap['value'], 2)}" + (f", with columns dealt anew {number(dealt['value'], 2)}" if dealt else "")
    )
    return f"{said}: {why}.", tone


def there(r: Recorded) -> dict[str, str]:
    """Return the verdict that stands beside the number where there is no target: are there clusters, what does a map keep."""
    told = at(r.facts("finalize"), "structure")
    task = at(r.output, "task")
    title = "Is anything there?" if task == "clustering" else "What is kept?"
    words, tone = first_line(r)
    if not told:
        return {
            "title": title,
            "tone": "open",
            "icon": "○",
            "word": "Not known",
            "words": "It is told on sealed rows: run finalize.",
        }
    icon = {"yes": "✔", "no": "✖"}.get(tone, "●")
    if task == "clustering":
        word, _, rest = words.partition(": ")
        return {"title": title, "tone": tone, "icon": icon, "word": word, "words": rest[:1].upper() + rest[1:]}
    kept = "; ".join(
        f"{line['title'].lower()} {number(line['value'], 2)}, the bar {number(line['bar'], 2)}" for line in told["kept"]
    )
    return {"title": title, "tone": "open", "icon": icon, "word": words, "words": kept}


def structure(f: Mapping[str, Any]) -> list[Block]:
    """Return what finalize says of a task without a target: of clusters or of a map."""
    told = at(f, "structure")
    if not told:
        return []
    return _clusters(told) if told["task"] == "clustering" else _reduction(told)


def space(f: Mapping[str, Any]) -> list[Block]:
    """Return what explore says of the space: how the variance lies along principal axes beside that of dealt columns."""
    told = at(f, "space")
    if not told:
        return []
    rows = [
        {"axis": i + 1, "value": value, "line": line, "label": share(value)}
        for line, name in (("these rows", "shares"), ("columns dealt anew (95 %)", "dealt_95"))
        for i, value in enumerate(told[name])
    ]
    colour = {
        "field": "line", "type": "nominal", "legend": {"title": None, "symbolType": "stroke"},
        "scale": {"domain": ["these rows", "columns dealt anew (95 %)"], "range": ["var(--blue)", "var(--k-trivial)"]},
    }  # fmt: skip
    spec = charts.base(rows, 170, mark={"type": "line", "point": True}, encoding={
        "x": charts.quantity("axis", "principal axis", axis={"tickMinStep": 1, "tickCount": len(told["shares"])}),
        "y": charts.quantity("value", "share of the variance", zero=True, axis={"format": "%"}), "color": colour,
        "tooltip": charts.tips(line="of", axis="axis", label="share"),
    })  # fmt: skip
    n = told["beyond"]
    words = (
        f"{number(n)} {'axis holds' if n == 1 else 'axes hold'} more variance than if columns had nothing to do with each other" if n
        else "No axis holds more variance than if columns had nothing to do with each other"
    )  # fmt: skip
    leading = [
        [
            str(i),
            share(told["shares"][i - 1]),
            ", ".join(f"{part['axis']} ({number(part['weight'], 2, True)})" for part in parts),
        ]
        for i, parts in enumerate(told["leading"], 1)
    ]
    return [
        blocks.heading("The space rows lie in"),
        blocks.text(
            f"{plural(told['n_columns'], 'column')} become {number(told['n_axes'])} axes that vary; each column of the table has the same say. {words}."
        ),
        blocks.grid([
            blocks.chart(spec, "Variance along principal axes", "; ".join(f"axis {i + 1}: {share(v)}" for i, v in enumerate(told["shares"])), wide=False),
            blocks.table([column("axis"), column("variance", True), column("leading columns (weight)")], leading, caption="What leads the first axes"),
        ]),
    ]  # fmt: skip


# --- clusters ----------------------------------------------------------------------------------------------------------


def _clusters(told: Mapping[str, Any]) -> list[Block]:
    steady = told["stability"]
    said, tone = SAID[steady["verdict"]]
    placed = told["map"]
    sizes = "; ".join(f"cluster {c['cluster']}: {c['n']} rows" for c in told["clusters"])
    found = [
        blocks.heading("Clusters"),
        blocks.verdict(f"{said}. {VERDICT_WORDS[steady['verdict'] if 'dealt' in steady else ALONE[steady['verdict']]]}", tone),
        blocks.facts([
            ("Clusters", number(told["n_clusters"])), ("In none", share(told["none"]) if told["none"] else None), ("How", told["words"]),
            ("Distances", _against(placed["n"])),
        ]),
        blocks.chart(
            _map(placed, [c["cluster"] for c in told["clusters"]]), "Sealed rows by cluster, on the two leading principal axes", sizes,
            note=f"{number(len(placed['x']))} of {number(placed['n'])} sealed rows; the axes hold {share(sum(placed['shares']))} of the variance, so that "
            "clusters may lie behind one another.",
        ),
        _stability(steady),
    ]  # fmt: skip
    found += [blocks.heading("What sets each cluster apart"), _sizes(told), blocks.text(
        "Sealed rows inside a cluster against all others. Clusters were made from these columns: that they differ is no discovery, how is the "
        "description. p-values are Holm's over all clusters, columns and levels.", "muted",
    )]  # fmt: skip
    return [*found, *[_cluster(c) for c in told["clusters"][:MOST_CLUSTERS]]]


ALONE = {"none": "none", "clusters": "clusters of one column"}
VERDICT_WORDS = {
    "clusters of one column": "Sealed rows are grouped more steadily, or into groups farther apart, than one heap. The table has one column: "
    "there is nothing to deal anew.",
    "none": "Fits on halves of the rows do not group sealed rows more steadily, nor into groups farther apart, than one heap without any clusters would "
    "be grouped. Any number of clusters cuts this heap somewhere.",
    "columns": "Rows whose columns are dealt anew, each by itself, are grouped as steadily: what is grouped is seen in single columns, and columns say "
    "nothing together that they do not say alone.",
    "clusters": "Sealed rows are grouped more steadily, or into groups farther apart, than one heap or the same columns dealt anew.",
}


def _against(n: int) -> str | None:
    """Return in words to which rows distances were measured, where it is not to all."""
    from fieldguide.core.statistics.structure import held_against

    n_against = len(held_against(n))
    return (
        None if n_against == n else f"of each of {number(n)} sealed rows to the same random {number(n_against)} of them"
    )


def _map(placed: Mapping[str, Any], names: list[str]) -> charts.Spec:
    rows = [{"x": x, "y": y, "of": of} for x, y, of in zip(placed["x"], placed["y"], placed["of"], strict=True)]
    domain = [*names, *(["none"] if "none" in placed["of"] else [])]
    colours = [
        *(COLOURS[i % len(COLOURS)] for i in range(len(names))),
        *(["var(--muted)"] if "none" in placed["of"] else []),
    ]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(domain))]
    legend = {"legend": {"title": "cluster", "columns": 10}}
    return charts.base(rows, 340, mark={"type": "point", "filled": True, "size": 34, "opacity": 0.75}, encoding={
        "x": charts.quantity("x", f"first axis ({share(placed['shares'][0], 0)})", axis={"tickCount": 5}),
        "y": charts.quantity("y", f"second axis ({share(placed['shares'][1], 0)})" if len(placed["shares"]) > 1 else "", axis={"tickCount": 5}),
        "color": {"field": "of", "type": "nominal", "scale": {"domain": domain, "range": colours}, **legend},
        "shape": {"field": "of", "type": "nominal", "scale": {"domain": domain, "range": shapes}, **legend},
        "tooltip": charts.tips(of="cluster"),
    })  # fmt: skip


def _stability(steady: Mapping[str, Any]) -> Block:
    rows = [
        [
            words,
            number(steady[name]["value"], 3),
            span(steady[name]["interval"], 3),
            number(steady[name]["score"], 3),
            number(steady[name]["score_sd"], 3),
        ]
        for name, words in WORLDS
        if name in steady
    ]
    return blocks.table(
        [column("rows"), column("agreement of two fits", True), column("95 % interval", True), column(str(steady["title"]), True), column("± between fits", True)],
        rows, caption="Is anything there?", emphasis=[0],
        note=f"{number(steady['pairs'])} times development rows were halved (at most {number(steady['n_half'])} a half), each half was grouped by itself, and both "
        f"groupings of {number(steady['n_judged'])} sealed rows were compared: adjusted Rand index, 1 the same groups, 0 as good as chance.",
    )  # fmt: skip


def _sizes(told: Mapping[str, Any]) -> Block:
    rows = [
        [
            c["cluster"],
            number(c["n"]),
            share(c["share"]),
            number(c.get("jaccard"), 2),
            blocks.whole(
                "; ".join(_line(line) for line in c["apart"][:3])
                or ("see its pictures below" if c.get("pictures") else "nothing clear")
            ),
        ]
        for c in told["clusters"][:MOST_CLUSTERS]
    ]
    return blocks.table(
        [column("cluster"), column("sealed rows", True), column("share", True), column("found again", True), column("what sets it apart")], rows,
        note="Found again: how well the likest cluster of a fit on half of the rows matches it (shared rows of all rows of the two; 1 fully, below .6 it dissolves).",
    )  # fmt: skip


def _line(line: Mapping[str, Any]) -> str:
    if line["level"] is not None and line["kind"] == "text":
        return f"{line['level']!r} in {line['column']}: {share(line['inside'], 0)} against {share(line['outside'], 0)}"
    if line["level"] is not None:
        return f"{line['column']} = {line['level']}: {share(line['inside'], 0)} against {share(line['outside'], 0)}"
    high = "higher" if line["effect"] > 0 else "lower"
    return f"{line['column']} {high}: {_value(line, 'inside')} against {_value(line, 'outside')}"


def _value(line: Mapping[str, Any], name: str) -> str:
    if line["kind"] == "datetime":
        import numpy as np

        return str(np.datetime64(int(line[name]), "s"))[:10]
    return number(line[name])


def _cluster(c: Mapping[str, Any]) -> Block:
    rows = [
        [
            line["column"], line["level"] if line["level"] is not None else "mean",
            share(line["inside"]) if line["level"] is not None else _value(line, "inside"),
            share(line["outside"]) if line["level"] is not None else _value(line, "outside"),
            f"{100 * line['effect']:+.0f} points" if line["level"] is not None else f"{line['effect']:+.2f} standard deviations",
            "< 0.0001" if line["p"] < 1e-4 else number(line["p"], 4),
        ]
        for line in c["apart"]
    ]  # fmt: skip
    names = list(c["typical"][0])[:12] if c["typical"] else []
    typical = [[row[name] or "–" for name in names] for row in c["typical"]]
    seen = [blocks.pictures(cells, f"{name}, nearest to its middle") for name, cells in c.get("pictures", {}).items()]
    inside = [
        *seen, blocks.table(
            [column("column"), column("what"), column("inside", True), column("others", True), column("difference", True), column("p", True)], rows,
            note=f"{c['n_apart']} clear differences, the largest first." if c["n_apart"] > len(rows) else "",
        ) if rows else blocks.text("No column of words or numbers differs clearly."),
        blocks.table([column(name) for name in names], typical, caption="Rows nearest to its middle"),
    ]  # fmt: skip
    return blocks.details(f"Cluster {c['cluster']}: {plural(c['n'], 'row')} ({share(c['share'], 0)})", inside)


# --- a reduction -------------------------------------------------------------------------------------------------------


def _reduction(told: Mapping[str, Any]) -> list[Block]:
    placed = told["map"]
    rows = [
        [
            line["title"],
            number(line["value"], 3),
            span(line["interval"], 3),
            number(line["bar"], 3),
            span(line["bar_interval"], 3),
        ]
        for line in told["kept"]
    ]
    found = [
        blocks.heading("What is kept"),
        blocks.facts([("Numbers kept", f"{told['n_components']} of {number(told['n_axes'])}"), ("How", told["words"]), ("Distances", _against(placed["n"]))]),
        blocks.table(
            [column("sealed rows"), column("chosen", True), column("95 % interval", True), column("the bar", True), column("95 % interval", True)], rows,
            note="Trustworthiness: what is near on the map is near in truth. Continuity: what is near in truth stays near. Share rebuilt: of the rows' variance.",
        ),
        blocks.chart(_coordinates(placed), "Sealed rows by their first two numbers", f"{len(placed['x'])} rows", note=_by(placed)),
    ]  # fmt: skip
    near = [
        [
            number(line["k"]),
            *(
                number(line[name], 3)
                for name in ("trustworthiness", "bar_trustworthiness", "continuity", "bar_continuity")
            ),
        ]
        for line in told["neighbours"]
    ]
    found.append(blocks.table(
        [column("neighbours", True), column("trustworthiness", True), column("the bar's", True), column("continuity", True), column("the bar's", True)], near,
        caption="By how many neighbours are asked for",
    ))  # fmt: skip
    kept = [[line["column"], share(line["share"]), share(line["bar"])] for line in told["columns"]]
    found.append(blocks.table(
        [column("column"), column("rebuilt", True), column("by the bar", True)], kept, caption="Share of each column's variance that is rebuilt", most=15,
        note="Below 0: worse than the column's mean.",
    ))  # fmt: skip
    return found


def _by(placed: Mapping[str, Any]) -> str:
    shown = f"{number(len(placed['x']))} of {number(placed['n'])} sealed rows."
    return shown + (
        f" Colour: {placed['by']}, the column of numbers that the map orders most." if "by" in placed else ""
    )


def _coordinates(placed: Mapping[str, Any]) -> charts.Spec:
    values = placed.get("of") or [None] * len(placed["x"])
    rows = [
        {"x": x, "y": y, "of": of, "label": number(of, 4)}
        for x, y, of in zip(placed["x"], placed["y"], values, strict=True)
    ]
    colour: dict[str, Any] = {"value": "var(--blue)"}
    if "by" in placed:
        colour = {
            "field": "of", "type": "quantitative", "scale": {"scheme": "viridis"}, "legend": {"title": placed["by"], "gradientLength": 160},
        }  # fmt: skip
    return charts.base(rows, 340, mark={"type": "point", "filled": True, "size": 34, "opacity": 0.8}, encoding={
        "x": charts.quantity("x", "first number", axis={"tickCount": 5}), "y": charts.quantity("y", "second number", axis={"tickCount": 5}),
        "color": colour, "tooltip": charts.tips(label=str(placed.get("by", "value"))),
    })  # fmt: skip
