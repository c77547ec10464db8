"""The verb rules: show and check them, judge the decisions they make, compare two versions, attach them to a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, Reason, Whole, app, console, print_json, say, with_progress

verb = typer.Typer(
    name="rules", cls=Whole, no_args_is_help=True, rich_markup_mode=None, help="Decide by rules over predicted signals and columns: show, check, evaluate, diff, attach.",
)  # fmt: skip
app.add_typer(verb)

Test = Annotated[bool, typer.Option("--test", help="on the sealed rows, by the answers finalize kept: a look")]


@verb.command()
def show(folder: Folder, as_json: AsJson = False) -> None:
    """The rules in order, their version, and the names by which signals can be read."""
    from fieldguide.core.language.rules import signal_kinds

    found: dict[str, Any] = {}

    def work(study: Any) -> None:
        bound = study.rules()
        kept = [record["data"]["version"] for record in study.journal.records("rules")]
        found.update(
            version=bound.rules.version, **bound.rules.to_dict(), signals=signal_kinds(bound.outputs),
            columns=[column.name for column in bound.columns], versions=list(dict.fromkeys(kept)),
        )  # fmt: skip

    with_progress(folder, as_json, work)
    if as_json:
        print_json({"status": "done", **found})
        return
    terminal = console()
    terminal.print(f"Rules, version {found['version']}", markup=False, highlight=False)
    lines = [[rule["name"], rule["when"], rule["decide"]] for rule in found["order"]]
    _say_table(terminal, ["rule", "when", "decision"], [*lines, ["otherwise", "", found["default"]]])
    terminal.print(
        f"Signals: {', '.join(f'{k} ({v})' for k, v in found['signals'].items())}", markup=False, highlight=False
    )
    terminal.print(f"Columns read: {', '.join(found['columns']) or 'none'}", markup=False, highlight=False)


@verb.command()
def check(folder: Folder, as_json: AsJson = False) -> None:
    """Where the rules hold, by the true signals of development rows: before any model is fitted."""
    found: dict[str, Any] = {}
    with_progress(folder, as_json, lambda study: found.update(study.rules_check().to_dict()))
    if as_json:
        print_json({"status": "done", **found})
        return
    say(console(), found)
    _say_rules(found["facts"])


@verb.command()
def evaluate(folder: Folder, test: Test = False, reason: Reason = None, as_json: AsJson = False) -> None:
    """Judge both layers: each signal, and the decision; beside predicting the decision directly."""
    found: dict[str, Any] = {}
    with_progress(folder, as_json, lambda study: found.update(study.rules_evaluate(test=test, reason=reason).to_dict()))
    if as_json:
        print_json({"status": "done", **found})
        return
    from fieldguide.core.score import named
    from fieldguide.faces.terminal import number

    facts = found["facts"]
    terminal = console()
    say(terminal, found)
    _say_table(terminal, ["signal", "metric", "score", "interval"], [
        [s["output"], named(s), number(s["value"]), f"[{number(s['interval'][0])}, {number(s['interval'][1])}]"] for s in facts["signals"]
    ])  # fmt: skip
    _say_rules(facts)
    _say_table(terminal, ["decision", "rows", "decided", "precision", "recall"], [
        [e["decision"], f"{e['n']:,}", f"{e['decided']:,}", number(e["precision"]), number(e["recall"])] for e in facts["decision"]["each"]
    ])  # fmt: skip
    _say_table(terminal, ["if it were known", "decisions right", "interval"], [
        [e["output"], f"{100 * e['value']:+.1f} points", f"[{100 * e['interval'][0]:+.1f}, {100 * e['interval'][1]:+.1f}]"] for e in facts["repaired"]
    ])  # fmt: skip


@verb.command()
def diff(
    folder: Folder,
    against: Annotated[str | None, typer.Option(help="a version, a study.yaml or a model folder; default: what model/ carries, else the version before")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="write every row whose decision changes: CSV, TSV, Parquet or Arrow")] = None,
    test: Test = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Whose decision changes between another version of the rules and the present one; nothing is fitted."""
    from fieldguide.core.files.sink import write_frames

    found: dict[str, Any] = {}

    def work(study: Any) -> None:
        result, changed = study.rules_diff(against, test=test, reason=reason)
        found.update(result.to_dict())
        if out is not None:
            write_frames([changed], out)

    with_progress(folder, as_json, work)
    if as_json:
        print_json({"status": "done", **found})
        return
    terminal, facts = console(), found["facts"]
    say(terminal, found)
    _say_table(terminal, ["from", "to", "rows"], [[m["from"], m["to"], f"{m['n']:,}"] for m in facts["moves"]])
    if facts["examples"]:
        told = ("from", "to", "rule_before", "rule_now")
        heads = [*(name for name in facts["examples"][0] if name not in told), *told]
        _say_table(terminal, heads, [[row[head] for head in heads] for row in facts["examples"][:10]])
    if out is not None:
        terminal.print(f"Wrote {facts['changed']:,} rows to {out}", markup=False, highlight=False)


@verb.command()
def attach(
    folder: Folder,
    out: Annotated[Path, typer.Option("-o", "--out", help="the model folder to write", show_default=False)],
    model: Annotated[Path | None, typer.Option(help="the model to copy; default: the study's model/")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a copy of a model that carries the present rules; nothing is fitted."""
    found: dict[str, Any] = {}
    with_progress(
        folder, as_json, lambda study: found.update(version=study.rules_attach(out, model).rules.rules.version)
    )
    if as_json:
        print_json({"status": "done", "model": str(out), **found})
        return
    console().print(f"Wrote {out} with the rules {found['version']}", markup=False, highlight=False)


def _say_rules(facts: Mapping[str, Any]) -> None:
    by = [key for key in ("true", "predicted") if key in facts["default"]]
    heads = ["rule", "when", "decision", *(f"{what}, {key} signals" for key in by for what in ("holds", "decides"))]
    rows = [
        [r["name"], r["when"], r["decide"], *(f"{r[key][what]:,}" for key in by for what in ("holds", "decides"))]
        for r in facts["rules"]
    ]
    rest = [cell for key in by for cell in ("", f"{facts['default'][key]:,}")]
    _say_table(console(), heads, [*rows, ["otherwise", "", facts["default"]["decide"], *rest]])


def _say_table(terminal: Any, heads: list[str], rows: list[list[str]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    terminal.print(table)
