"""The tables of the honesty benchmark, from runs as plain data: one line per run, then the totals that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.honesty.faults import CLEAN

Run = Mapping[str, Any]


def tables(runs: Sequence[Run]) -> str:
    """Return Markdown: faults, clean worlds, totals by tool."""
    planted = [run for run in runs if run["fault"] not in CLEAN]
    clean = [run for run in runs if run["fault"] in CLEAN]
    parts = [_lines(part) for part in (planted, clean) if part]
    tools = list(dict.fromkeys(run["tool"] for run in runs))
    heads = "| tool | truth inside | declined where allowed | median width ÷ clean split | named | clean: truth inside | clean: warnings | failed |"
    totals = [heads, "|" + "---|" * 8]
    totals += [
        _total(tool, [r for r in planted if r["tool"] == tool], [r for r in clean if r["tool"] == tool])
        for tool in tools
    ]
    return "\n\n".join([*parts, "\n".join(totals)])


def honest(run: Run) -> bool:
    """Whether the truth lay in the interval, or no promise was made where that is allowed."""
    return bool(run["inside"]) or (bool(run["declined"]) and run["may_decline"])


def _lines(runs: Sequence[Run]) -> str:
    heads = (
        "| fault | tool | n | metric | reported [interval] | true | inside | width ÷ clean | named by | warnings | s |"
    )
    return "\n".join([heads, "|" + "---|" * 11, *map(_line, runs)])


def _line(run: Run) -> str:
    interval = run["interval"]
    ends = f" [{_number(interval[0])}, {_number(interval[1])}]" if interval else ""
    inside = (
        "failed"
        if run["failed"]
        else "declined"
        if run["declined"]
        else {True: "yes", False: "**no**", None: "–"}[run["inside"]]
    )
    name = run["fault"] + (f" ({run['seed']})" if run["seed"] else "")
    counted = ", ".join(code + (f" ×{n}" if n > 1 else "") for code, n in Counter(run["warnings"]).items())
    return (
        f"| {name} | {run['tool']} | {run['n_rows']:,} | {run['metric']} | {_number(run['reported'])}{ends} | {_number(run['true'])} | {inside} | "
        f"{'–' if run['width_ratio'] is None else format(run['width_ratio'], '.2f')} | {', '.join(run['by']) or '–'} | {counted or '–'} | {run['seconds']:.0f} |"
    )


def _total(tool: str, planted: Sequence[Run], clean: Sequence[Run]) -> str:
    ratios = [run["width_ratio"] for run in planted if run["width_ratio"] is not None]
    declined = sum(bool(run["declined"]) and run["may_decline"] for run in planted)
    failed = sum(bool(run["failed"]) for run in (*planted, *clean))
    return (
        f"| {tool} | {_share(planted, honest)} | {declined} | {format(median(ratios), '.2f') if ratios else '–'} | "
        f"{_share(planted, lambda run: run['named'])} | {_share(clean, honest)} | {sum(len(run['warnings']) for run in clean)} | {failed} |"
    )


def _share(runs: Sequence[Run], holds: Any) -> str:
    hits = sum(map(bool, map(holds, runs)))
    return f"{hits} of {len(runs)} ({100 * hits / len(runs):.0f} %)" if runs else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
