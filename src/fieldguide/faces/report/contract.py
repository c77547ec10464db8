"""Contract: the panel of the page that holds the table against contract.yaml, as the verb `features` does.

Knows the facts of the contract that `frame` keeps, and the findings FG121 to FG129; without a contract there is no panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import at
from fieldguide.faces.report.figures import ABSENT, number, plural, share

NARROW = "\u00a0"
"""A space at which no line ends."""
CODES = tuple(f"FG{code}" for code in range(121, 130))


def contract(f: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return the panel: how the contract stands in one line, then features, versions side by side, and targets.

    Args:
        f: the facts `contract` of frame; empty without contract.yaml.
        findings: of frame, as plain data.
    """
    features = at(f, "features", default=[])
    if not features:
        return []
    broken = _broken(findings)
    found = [blocks.heading("Feature contract"), _stands(f, features, broken), _features(features, broken)]
    if at(f, "migrations"):
        found.append(_migrations(f["migrations"]))
    if at(f, "targets"):
        found.append(_targets(f["targets"]))
    return found


def _broken(findings: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the codes that fired as more than a note, by column."""
    found: dict[str, list[str]] = {}
    for finding in findings:
        if finding.get("code") in CODES and finding.get("status") == "fired" and finding.get("severity") != "info":
            for name in at(finding, "columns", default=[]):
                codes = found.setdefault(str(name), [])
                if finding["code"] not in codes:
                    codes.append(str(finding["code"]))
    return found


def _stands(f: Mapping[str, Any], features: Sequence[Mapping[str, Any]], broken: Mapping[str, Sequence[str]]) -> Block:
    names = [x["column"] for x in features]
    n = sum(name in broken for name in names)
    kept = f"{plural(len(names), 'feature')}: {number(len(names) - n)} as contract.yaml defines them"
    words = f"{kept}, {number(n)} not." if n else f"{kept}."
    spare = at(f, "uncontracted", default=[])
    if spare:
        words += f" {plural(len(spare), 'column')} that a model sees without a contract: {', '.join(spare[:5])}{' …' if len(spare) > 5 else ''}."
    accepted = at(f, "accepted", default=0)
    words += f" Accepted as number {number(accepted)}." if accepted else " Nobody has accepted it yet."
    remedy = "" if accepted or n else "fieldguide features FOLDER --accept, once the definitions are right"
    return blocks.verdict(words, "no" if n else "yes" if accepted else "open", remedy)


def _features(features: Sequence[Mapping[str, Any]], broken: Mapping[str, Sequence[str]]) -> Block:
    columns = [
        column("column"), column("holds"), column("version"), column("meaning"), column("kind"), column("coverage", True), column("allowed"),
        column("available"),
    ]  # fmt: skip
    rows = [_row(x, broken.get(x["column"], [])) for x in features]
    marked = [i for i, x in enumerate(features) if x["column"] in broken]
    note = (
        "Holds: yes, or the findings below that say why not. Coverage: rows with a value that is not the default, and the least that "
        "the contract promises."
    )
    return blocks.table(columns, rows, caption="Features", note=note, most=200, emphasis=marked)


def _row(x: Mapping[str, Any], codes: Sequence[str]) -> list[Any]:
    version = number(x.get("version"))
    if x.get("feature") != x.get("column"):
        version = f"{version} of {x.get('feature')}"
    named = [
        x.get("column"),
        "yes" if not codes else f"✖{NARROW}{', '.join(codes)}",
        version,
        x.get("meaning") or ABSENT,
    ]
    if not x.get("present"):
        return [*named, *[ABSENT] * 3, _unbroken(x.get("available"))]
    kind = str(x.get("kind") or ABSENT) + (f", {x['unit']}" if x.get("unit") else "")
    if x.get("deprecated"):
        kind += f" (deprecated{_since(x['deprecated'])})"
    floor = f" (≥ {share(x['floor'], 0)})" if x.get("floor") is not None else ""
    return [*named, kind, f"{share(x.get('coverage'))}{floor}", _allowed(x), _unbroken(x.get("available"))]


def _unbroken(words: Any) -> str:
    """A few words that stay on one line."""
    return str(words or ABSENT).replace(" ", NARROW)


def _since(deprecated: Mapping[str, Any]) -> str:
    return f" since {deprecated['since']}" if deprecated.get("since") else ""


def _allowed(x: Mapping[str, Any]) -> str:
    """What the contract lets a cell be, and how many cells are something else."""
    levels = at(x, "unknown", "categories", default=[])
    if x.get("range"):
        ends = [
            None if end is None else number(end) if isinstance(end, int | float) else str(end) for end in x["range"]
        ]
        words = f"{ends[0] or 'any'} to {ends[1] or 'any'}"
    elif levels:
        words = ", ".join(map(str, levels[:4])) + (" …" if len(levels) > 4 else "")
    else:
        return ABSENT
    outside = sum(at(x, part, "n", default=0) for part in ("outside", "unknown"))
    return f"{words}; {number(outside)} outside" if outside else words


def _migrations(migrations: Sequence[Mapping[str, Any]]) -> Block:
    columns = [
        column("feature"), column("old"), column("new"), column("relation"), column("agree", True), column("rows with both", True), column("old one"),
    ]  # fmt: skip
    rows = [
        [
            m.get("feature"), f"{m.get('old')} (version {m.get('old_version')}, {share(m.get('old_share'))} of rows)",
            f"{m.get('new')} (version {m.get('new_version')}, {share(m.get('new_share'))} of rows)", _relation(m), share(m.get("agree")),
            number(m.get("n_both")), "can be retired" if m.get("retire") else "still needed",
        ]
        for m in migrations
    ]  # fmt: skip
    return blocks.table(columns, rows, caption="Versions side by side")


def _relation(m: Mapping[str, Any]) -> str:
    if m.get("relation") == "affine":
        offset = m.get("offset") or 0.0
        return f"new = {number(m.get('scale'))} × old" + (f" + {number(offset)}" if offset else "")
    return {"identity": "they agree", "recoding": "a recoding of levels"}.get(str(m.get("relation")), "none was found")


def _targets(targets: Sequence[Mapping[str, Any]]) -> Block:
    columns = [
        column("target"),
        column("version", True),
        column("definition"),
        column("stale rows", True),
        column("why"),
    ]
    rows = [
        [
            t.get("name"), number(t.get("version")), t.get("definition"),
            number(at(t, "stale", "n", default=0)), (at(t, "stale", "why") or ABSENT) if at(t, "stale", "n") else ABSENT,
        ]
        for t in targets
    ]  # fmt: skip
    return blocks.table(
        columns, rows, caption="Targets", note="A stale row has a label that is not what the definition gives."
    )
