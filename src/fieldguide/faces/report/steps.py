"""Steps: a section of the page for each step, from its facts alone.

Knows the facts of frame, split and explore; the steps that try candidates are in `trials`.
Says of a step that was not run that it was not; a fact that is not there leaves its block out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fieldguide.faces.report import blocks, charts, online, question, trials
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.contract import contract
from fieldguide.faces.report.derived import derived
from fieldguide.faces.report.explain import explain
from fieldguide.faces.report.facts import ONLINE, Recorded, at, check_titles
from fieldguide.faces.report.figures import (
    ABSENT,
    cell,
    number,
    plural,
    seconds,
    share,
    span,
    trimmed,
)
from fieldguide.faces.report.forecasts import series
from fieldguide.faces.report.imbalance import imbalance
from fieldguide.faces.report.intervals import intervals
from fieldguide.faces.report.join import join
from fieldguide.faces.report.pictures import galleries, pictured
from fieldguide.faces.report.prepare import MOST_COLUMNS, columns_shown, prepare
from fieldguide.faces.report.rates import rates
from fieldguide.faces.report.recency import recency
from fieldguide.faces.report.refresh import refresh
from fieldguide.faces.report.rules import rules, rules_diff
from fieldguide.faces.report.structure import space

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def section(r: Recorded, step: str) -> dict[str, Any]:
    """Return the section of a step: its sentence, its blocks, its findings; or that it was not run."""
    if not r.done(step):
        return {
            "id": f"step-{step}",
            "title": step,
            "lead": "",
            "absent": True,
            "blocks": [blocks.text(f"Not run yet. Next: fieldguide {step}", "muted")],
            "seconds": "",
        }
    result = r.results[step]
    drawn = SECTIONS[step](r, result.facts) if step in SECTIONS else []
    own = r.findings(step)
    if own:
        drawn = [
            *drawn,
            blocks.details(_counted(own), [blocks.findings(own, check_titles())], opened=_opened(step, own)),
        ]
    return {
        "id": f"step-{step}", "title": step, "lead": str(at(result.facts, "sentence", default="")), "absent": False, "blocks": drawn,
        "seconds": seconds(result.seconds) if result.seconds >= 0.05 else "",
    }  # fmt: skip


def _opened(step: str, found: list[dict[str, Any]]) -> bool:
    """Whether findings stand unfolded: those of the online steps are told nowhere else on the page."""
    return step in ONLINE and any(f["status"] == "fired" for f in found)


def _counted(found: list[dict[str, Any]]) -> str:
    fired = [f for f in found if f["status"] == "fired"]
    parts = [
        plural(n, word)
        for word, n in (
            (w, sum(f["severity"] == s for f in fired))
            for s, w in (("error", "error"), ("warning", "warning"), ("info", "note"))
        )
        if n
    ]
    quiet = [
        f"{n} {word}"
        for word, n in (
            (w, sum(f["status"] == s for f in found))
            for s, w in (("passed", "passed"), ("not_applicable", "not applicable"), ("skipped", "skipped"))
        )
        if n
    ]
    return "Findings: " + ", ".join([*parts, *quiet])


# --- frame, split ------------------------------------------------------------------------------------------------------


def _frame(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    rows = []
    for c in at(f, "columns", default=[]):
        facts = at(c, "facts", default={})
        examples = ", ".join(cell(trimmed(e)) for e in at(facts, "examples", default=[])[:3])
        missing = at(facts, "n_missing")
        rows.append([
            c.get("name"), c.get("kind"), c.get("role"), number(at(facts, "n_unique")), number(missing) if missing is not None else ABSENT, examples,
            at(facts, "why") or (f"derived: {at(c, 'read', 'expression')}" if at(c, "read", "expression") else ""),
        ])  # fmt: skip
    columns = [
        column("column"),
        column("kind"),
        column("role"),
        column("distinct", True),
        column("missing", True),
        column("examples"),
        column("why"),
    ]
    found = question.statement(at(f, "statement", default=[]))
    found.append(blocks.table(columns, rows, caption="Columns: what was detected, and why", most=200))
    tasks = at(f, "tasks", default={})
    found += [
        blocks.text(f"{name} is {task.get('task')}: {task.get('why')}.")
        for name, task in tasks.items()
        if task.get("why")
    ]
    broken = at(f, "violations", default=[])
    if broken:
        found.append(
            blocks.table(
                [column("column"), column("cells", True), column("first rows")],
                [
                    [v.get("column"), number(v.get("n")), str(at(v, "rows", default=at(v, "examples", default="")))]
                    for v in broken
                ],
                caption="Cells that could not be read (they count as missing)",
            )
        )
    if at(f, "n_without_target"):
        found.append(blocks.text(f"{plural(f['n_without_target'], 'row')} had no target and were left out."))
    return [*found, *contract(at(f, "contract", default={}), r.findings("frame"))]


def _split(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    sizes = [
        ("development", at(f, "n_development")),
        ("sealed", at(f, "n_test")),
        ("used by nobody", at(f, "n_purged") or None),
    ]
    total = sum(n for _, n in sizes if n) or 1
    rows = [{"name": name, "value": n, "label": f"{number(n)} rows ({share(n / total)})"} for name, n in sizes if n]
    found = [
        blocks.chart(charts.bars(rows, "rows", step=24, units="rows"), "Who may see which rows", "; ".join(f"{x['name']} {x['label']}" for x in rows)),
        blocks.facts([
            ("Scheme", at(f, "scheme")), ("Inside development", at(f, "validation")), ("Groups", ", ".join(at(f, "groups", default=[]))), ("Time", at(f, "time")),
            ("Exact duplicates", number(at(f, "n_exact_duplicates"))), ("Near duplicates", number(at(f, "n_near_duplicates"))),
            ("Units kept together", number(at(f, "n_blocks"))), ("Largest unit", f"{plural(at(f, 'largest_block', default=1), 'row')}"), ("Data hash", str(at(f, "data_hash", default=""))[:16]),
        ]),
    ]  # fmt: skip
    behind = at(f, "discrimination", "columns", default=[])
    if behind:
        shares = [{"name": c.get("column"), "value": c.get("share"), "label": share(c.get("share"))} for c in behind]
        auc = f"{number(at(f, 'discrimination', 'auc'), 3)} {span(at(f, 'discrimination', 'interval'), 3)}"
        found.append(
            blocks.chart(
                charts.bars(shares, "share of what the discriminator uses", units="share", shares=True),
                "Telling sealed from development rows by their features",
                "; ".join(f"{x['name']} {x['label']}" for x in shares),
                note=f"AUC {auc}: near 0.5 the sealed rows represent the rest, and these columns mean nothing.",
            )
        )
    return found


# --- explore -----------------------------------------------------------------------------------------------------------


def _explore(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    found: list[Block] = []
    for m in at(f, "metrics", default=[]):
        words = f"{m.get('output')} is judged by {m.get('title') or m.get('metric')}. {m.get('why') or ''}"
        if m.get("smallest_difference") is not None:
            words += f" Differences below about {number(m['smallest_difference'])} cannot be resolved with these rows."
        found.append(blocks.text(words))
    drawn = [_target(t) for t in at(f, "targets", default=[])]
    for output, strength in at(f, "associations", default={}).items():
        top = [
            {"name": a.get("column"), "value": a.get("explained"), "label": share(a.get("explained"))}
            for a in strength[:20]
        ]
        if top:
            note = "Share of the target's variance that the column alone explains in rows it was not fitted on." + (
                f" {len(top)} of {len(strength)} columns." if len(strength) > len(top) else ""
            )
            drawn.append(
                blocks.chart(
                    charts.bars(top, None, units="explained", shares=True),
                    f"What each column alone tells of {output}",
                    "; ".join(f"{x['name']} {x['label']}" for x in top),
                    note=note,
                    wide=False,
                )
            )
    found.append(blocks.grid(drawn))
    found += series(f)
    found += space(f)
    found += [*question.assumptions(at(f, "assumptions", default=[])), *question.proxies(at(f, "proxies"))]
    found += derived(f)
    profile = at(f, "columns", default={})
    strongest = [a.get("column") for strength in at(f, "associations", default={}).values() for a in strength]
    names = sorted(profile, key=lambda name: strongest.index(name) if name in strongest else len(strongest))
    if names:
        drawn = [_drawn(name, profile[name]) for name in names[:MOST_COLUMNS]]
        found += [blocks.heading("Columns"), blocks.grid(drawn, small=True)]
    if len(names) > MOST_COLUMNS:
        found.append(
            blocks.text(
                f"{MOST_COLUMNS} of {len(names)} columns are drawn, those that tell most of the target first.", "muted"
            )
        )
    found += galleries(at(f, "gallery", default=[]))
    found += _samples(at(f, "samples", default=[]))
    return found


def _target(t: Mapping[str, Any]) -> Block:
    title = f"Target: {t.get('output')}"
    if at(t, "entries"):
        columns = [
            blocks.column("entry"),
            *[blocks.column(name, True) for name in ("mean", "standard deviation", "skewness")],
        ]
        rows_ = [
            [e.get("output"), number(e.get("mean")), number(e.get("sd")), number(e.get("skewness"))]
            for e in t["entries"]
        ]
        return blocks.table(columns, rows_, caption=title)
    if at(t, "counts"):
        rows = share_of(t["counts"])[:30]
        return blocks.chart(
            charts.bars(rows, "rows", step=26, units="rows"),
            title,
            "; ".join(f"{x['name']} {x['label']}" for x in rows),
            wide=False,
        )
    known = {"mean": t.get("mean"), "standard deviation": t.get("sd"), "skewness": t.get("skewness")}
    note = ", ".join(f"{name} {number(value)}" for name, value in known.items() if value is not None)
    return blocks.chart(
        charts.histogram(
            at(t, "histogram", "edges", default=[]), at(t, "histogram", "counts", default=[]), 200, str(t.get("output"))
        ),
        title,
        note,
        note=note,
        wide=False,
    )


def _drawn(name: str, c: Mapping[str, Any]) -> Block:
    """One small multiple: the distribution of a column, with what is missing in words."""
    own = pictured(name, c)
    if own is not None:
        return own
    n, gone = at(c, "n", default=0), at(c, "missing", default=0)
    notes, spec = [], None
    if at(c, "histogram", "counts"):
        spec = charts.histogram(c["histogram"]["edges"], c["histogram"]["counts"])
        notes.append(f"median {number(at(c, 'quantiles', '50%'))}")
        if at(c, "outliers"):
            notes.append(f"{plural(c['outliers'], 'outlier')}")
    elif at(c, "top"):
        rows = [
            {
                "name": x.get("level"),
                "value": x.get("count"),
                "label": f"{number(x.get('count'))} ({share(x.get('count', 0) / max(1, n))})",
            }
            for x in c["top"][:7]
        ]
        spec = charts.bars(rows, None, step=14, units="rows")
        notes.append(f"{plural(at(c, 'n_levels', default=0), 'level')}")
    elif "true" in c:
        spec = charts.bars(
            [{"name": w, "value": c.get(w, 0), "label": number(c.get(w, 0))} for w in ("true", "false")],
            None,
            step=26,
            units="rows",
        )
    elif at(c, "periods", "counts"):
        spec = charts.series(
            [
                {"name": str(s)[:10], "value": k}
                for s, k in zip(c["periods"]["starts"], c["periods"]["counts"], strict=False)
            ]
        )
        notes.append(f"{str(c.get('min'))[:10]} to {str(c.get('max'))[:10]}")
    elif at(c, "sizes"):
        rows = [
            {"name": size, "value": k, "label": f"{number(k)} ({share(k / max(1, n))})"}
            for size, k in c["sizes"].items()
        ]
        spec = charts.bars(rows[:7], None, step=14, units="rows")
        notes.append(", ".join(at(c, "formats", default={})))
        if at(c, "repeated"):
            notes.append(f"{number(c['repeated'])} repeated")
    elif at(c, "weekdays"):
        spec = charts.series([{"name": day, "value": k} for day, k in zip(WEEKDAYS, c["weekdays"], strict=False)])
    notes.append(f"{share(gone / n)} missing" if gone and n else "none missing")
    return blocks.chart(
        spec,
        name,
        f"{at(c, 'kind', default='')}: {', '.join(notes)}",
        note=f"{at(c, 'kind', default='')} · {' · '.join(notes)}",
    )


def _samples(samples: list[Mapping[str, Any]]) -> list[Block]:
    if not samples:
        return []
    names = list(samples[0])[:MOST_COLUMNS]
    note = columns_shown(len(samples[0]))
    return [
        blocks.details(
            f"{plural(len(samples), 'development row')} in detail",
            [
                blocks.table(
                    [column(n) for n in names],
                    [[trimmed(row.get(n)) for n in names] for row in samples],
                    note=note,
                    tight=True,
                )
            ],
        )
    ]


def share_of(counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return bars of a class distribution."""
    total = sum(counts.values()) or 1
    return [
        {"name": str(label), "value": n, "label": f"{number(n)} ({share(n / total)})"} for label, n in counts.items()
    ]


SECTIONS: dict[str, Callable[[Recorded, Mapping[str, Any]], list[Block]]] = {
    "join": join, "frame": _frame, "split": _split, "explore": _explore, "prepare": prepare, "baseline": trials.baseline, "train": trials.train, "refine": trials.refine, "finalize": trials.finalize,
    "recency": recency, "imbalance": imbalance, "rules": rules, "rules_diff": rules_diff, "intervals": intervals, "rates": rates, "explain": explain,
    "traffic": online.traffic, "replay": online.replay, "gap": online.gap, "refresh": refresh,
}  # fmt: skip
