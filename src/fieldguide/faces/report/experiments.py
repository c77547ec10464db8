"""Experiments: the section of the page on an online experiment, from its folder's journal: status, arms, measures, looks, verdict.

Knows what `steps.online.experiment` records; judges nothing again. An experiment's folder has a page of its own, or a section in a study's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.documents.plan import Plan, load_plan
from fieldguide.core.journal import Journal
from fieldguide.faces.report import blocks, charts
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import at, check_titles
from fieldguide.faces.report.figures import ABSENT, decimals_for, moment, number, plural, share, span, valued

JOURNAL = "journal.jsonl"
JUDGED = ("look", "verdict")
TONES = {"ship": "yes", "sound": "yes", "keep": "no", "bug": "no", "void": "no", "undecided": "open"}
WORDS = {
    "ship": "Ship the candidate", "sound": "The two paths are one system", "keep": "Keep the control", "bug": "An engineering fault",
    "void": "Nothing may be concluded", "undecided": "Undecided",
}  # fmt: skip
DOINGS = {"planned": "planned", "started": "started", "look": "looked at", "stopped": "stopped", "verdict": "judged"}


@dataclass(frozen=True)
class Experiment:
    """What an experiment's folder holds.

    Args:
        folder: where it lies.
        plan: its experiment.yaml as it stands now.
        records: of its journal, the first first.
    """

    folder: Path
    plan: Plan
    records: Sequence[Mapping[str, Any]]

    def facts(self, *events: str) -> Mapping[str, Any]:
        """Return the facts of the last record of these events, empty where there is none."""
        found = [record["data"]["facts"] for record in self.records if record["event"] in events]
        return found[-1] if found else {}

    @property
    def phases(self) -> list[Mapping[str, Any]]:
        """The newest judgement of each phase, in the order in which the phases were first judged."""
        found: dict[str, Mapping[str, Any]] = {}
        for record in self.records:
            if record["event"] in JUDGED:
                facts = record["data"]["facts"]
                found.update({part["phase"]["name"]: part for part in facts.get("phases", [facts])})
        return list(found.values())

    @property
    def running(self) -> str | None:
        """The phase that deals traffic now."""
        last = [record for record in self.records if record["event"] in ("started", "stopped")]
        return str(last[-1]["data"]["facts"]["phase"]) if last and last[-1]["event"] == "started" else None


def experiment_of(folder: str | Path) -> Experiment:
    """Read an experiment's folder.

    Raises:
        ConfigError: experiment.yaml is missing or not valid.
        StudyError: its journal was altered.
    """
    folder = Path(folder)
    path = folder / JOURNAL
    return Experiment(folder, load_plan(folder), list(Journal(path).records()) if path.exists() else [])


def header(e: Experiment) -> dict[str, Any]:
    """Return the head of an experiment's own page: the question, the difference, whether it runs, the verdict."""
    planned = e.facts("planned")
    arms = _dealt(e)
    items = [
        ("Design", at(planned, "title") or e.plan.design), ("Arms", arms), ("Decides", e.plan.primary), ("Level", f"{e.plan.alpha:g}"),
        ("Decided", "at the planned number of units" if e.plan.decide == "at_end" else "at any look"),
        ("Recorded", moment(e.records[-1]["time"]) if e.records else ""),
    ]  # fmt: skip
    return {
        "noun": "Experiment", "study": e.plan.name, "goal": e.plan.goal or f"Experiment {e.plan.name}", "stated": bool(e.plan.goal),
        "unstated": "No goal was stated (goal in experiment.yaml), so the name stands in for it.", "number": _headline(e), "seal": _state(e),
        "verdict": _verdict(e), "items": [(name, str(value)) for name, value in items if value not in (None, "")], "made_from": "the experiment's journal and log",
    }  # fmt: skip


def _dealt(e: Experiment) -> str:
    """Return the arms and their shares: those of each phase where phases deal differently, else those of the plan."""
    dealt = {phase["phase"]["name"]: phase["phase"]["shares"] for phase in e.phases}
    if len(dealt) < 2:
        return ", ".join(f"{name} ({share(value, 0)})" for name, value in (*dealt.values(), e.plan.shares)[0].items())
    return "; ".join(
        f"{name}: {', '.join(f'{arm} {share(shares.get(arm), 0)}' for arm in e.plan.arms)}"
        for name, shares in dealt.items()
    )


def _headline(e: Experiment) -> dict[str, Any] | None:
    if not e.phases:
        return None
    phase = e.phases[-1]
    primary = _decisive(e, phase)
    always = not phase["complete"]
    ends = primary["always_interval" if always else "interval"]
    places = decimals_for([ends])
    said = "interval that holds at every look" if always else f"{100 * (1 - phase['alpha']):g} % interval"
    return {
        "label": f"{primary['name']}: candidate less control", "value": number(primary["value"], places, True), "interval_said": f"{said} {span(ends, places, True)}",
        "rows": f"{plural(int(phase['n_judged']), 'unit')} judged in phase {phase['phase']['name']}", "note": plural(int(phase["n_looks"]), "look"),
        "better": "greater is better" if primary["sign"] > 0 else "smaller is better", "final": not always,
    }  # fmt: skip


def _primaries(phase: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the measure that decides, candidate by candidate."""
    return [m for m in phase["measures"] if m["role"] == "primary"]


def _decisive(e: Experiment, phase: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the deciding measure of the candidate that is shipped, else of the one with the largest gain."""
    arm = at(e.facts("verdict"), "verdict", "arm", default="")
    return max(_primaries(phase), key=lambda m: (bool(arm) and m.get("arm") == arm, m["sign"] * (m["value"] or 0.0)))


def _state(e: Experiment) -> dict[str, Any]:
    begun = [record["data"]["facts"] for record in e.records if record["event"] == "started"]
    looks = [
        {"time": moment(f["time"]), "by": f"stop of {f['phase']}", "reason": f["reason"]}
        for f in (record["data"]["facts"] for record in e.records if record["event"] == "stopped")
    ]  # fmt: skip
    if e.running is not None:
        shares = ", ".join(f"{arm} {share(value, 0)}" for arm, value in begun[-1]["shares"].items())
        words, title, tone, icon = (
            f"Since {moment(begun[-1]['time'])}: {shares}.",
            f"Phase {e.running} runs",
            "once",
            "✔",
        )
    elif begun:
        words, title, tone, icon = "No phase deals traffic now.", "Stopped", "closed", "●"
    elif e.phases:
        words, title, tone, icon = "The rows of a file are judged; this tool dealt nobody.", "A file", "closed", "●"
    else:
        words, title, tone, icon = "No phase was started yet.", "Not started", "open", "○"
    return {"label": "The traffic", "tone": tone, "icon": icon, "title": title, "words": words, "looks": looks}


def _verdict(e: Experiment) -> dict[str, str]:
    asked, reached = "What follows?", at(e.facts("verdict"), "verdict")
    if reached is None:
        rule = str(at(e.facts("look"), "stop", default=""))
        words = f"Stop: {rule}." if rule else "No verdict was asked for yet: fieldguide experiment verdict."
        return {"title": asked, "tone": "open", "icon": "○", "word": "Not judged", "words": words}
    tone = TONES.get(reached["decision"], "open")
    icon = {"yes": "✔", "no": "✖"}.get(tone, "?")
    return {
        "title": asked,
        "tone": tone,
        "icon": icon,
        "word": WORDS.get(reached["decision"], reached["decision"]),
        "words": reached["sentence"],
    }


def section(e: Experiment) -> dict[str, Any]:
    """Return the section of an experiment: verdict or status first, then what it rests on."""
    last = e.facts("look") or e.facts("planned")
    lead = "" if e.facts("verdict") else str(at(last, "sentence", default="Nothing was planned yet."))
    return {
        "id": f"experiment-{e.plan.name}", "title": f"experiment {e.plan.name}", "lead": lead,
        "absent": not e.records, "blocks": _blocks(e), "seconds": "",
    }  # fmt: skip


def _blocks(e: Experiment) -> list[Block]:
    reached, found = at(e.facts("verdict"), "verdict"), []
    if reached is not None:
        tone = TONES.get(reached["decision"], "open")
        found.append(
            blocks.verdict(
                reached["sentence"], tone, label=f"Verdict: {WORDS.get(reached['decision'], reached['decision'])}"
            )
        )
        reasons = [[reason] for reason in reached["reasons"]]
        if reasons:
            found.append(
                blocks.details("What it rests on", [blocks.table([column("reading")], reasons)], opened=not e.phases)
            )
    elif at(e.facts("look"), "stop"):
        found.append(blocks.verdict(f"Stop: {e.facts('look')['stop']}.", "open", label="Stop rule"))
    found += _planned(e)
    for phase in e.phases:
        found += [
            blocks.heading(f"Phase {phase['phase']['name']}"),
            *_faults(phase),
            *_ratio(e, phase),
            *_measures(phase),
            *_looked(e, phase),
            *_slices(phase),
        ]
    found += [*_findings(e), *_events(e)]
    return found


def _planned(e: Experiment) -> list[Block]:
    power = at(e.facts("planned"), "power", default={})
    if not at(power, "phases"):
        words = f"When it was planned, nothing could be said of its power: {power.get('silence')}."
        return [blocks.text(words, "muted")] if at(power, "silence") else []
    rows = [
        [p["phase"], ", ".join(f"{arm} {share(value, 0)}" for arm, value in p["shares"].items()), number(p["units"]), number(p["days"]), number(p["shown"])]
        for p in power["phases"]
    ]  # fmt: skip
    columns = [
        column("phase"),
        column("shares"),
        column("units", True),
        column("days", True),
        column(f"difference in {e.plan.primary} it shows", True),
    ]
    note = f"At level {e.plan.alpha:g} with power {share(e.plan.power, 0)}, from {number(power.get('n_seen'))} units seen before; {e.plan.primary} was {number(power.get('baseline'))}."
    return [blocks.table(columns, rows, caption="What was planned", note=note)]


def _faults(phase: Mapping[str, Any]) -> list[Block]:
    """Return the faults of engineering, and for an A/A test whether all scores are equal."""
    found = [blocks.verdict(alarm, "no", label="Engineering fault") for alarm in phase.get("alarms", [])]
    same = phase.get("identity")
    if same is not None and not same["n_unequal"]:
        found.append(
            blocks.verdict(
                f"All {number(same['n'])} scores asked of the other path are equal.", "yes", label="Equality"
            )
        )
    paths = phase.get("paths")
    if paths is not None and not paths["different"]:
        found.append(
            blocks.verdict(
                f"Of {plural(int(paths['n_tests']), 'comparison')} of columns, scores and requests none tells the two paths apart.",
                "yes",
                label="Paths",
            )
        )
    return found


def _ratio(e: Experiment, phase: Mapping[str, Any]) -> list[Block]:
    ratio = phase["ratio"]
    rows = [
        [arm, number(n), number(round(ratio["expected"][arm])), share(phase["phase"]["shares"].get(arm))]
        for arm in e.plan.arms
        if (n := ratio["counts"].get(arm)) is not None
    ]
    words = "mismatch: the arms did not receive their shares" if ratio["mismatched"] else "as planned"
    note = f"{words[0].upper()}{words[1:]} (p {_p(ratio['p'])}; at every look {_p(ratio['always_p'])}). {number(phase['n_units'])} units met, {number(phase['n_judged'])} judged, {number(phase['n_units'] - phase['n_mature'])} too young."
    return [
        blocks.table(
            [column("arm"), column("units", True), column("expected", True), column("share", True)],
            rows,
            caption="Units by arm",
            note=note,
        )
    ]


def _measures(phase: Mapping[str, Any]) -> list[Block]:
    """Return the measures by the reading that holds: at the planned end the usual one, before it that of every look."""
    done = phase["complete"]
    ends, p = ("interval", "adjusted_p") if done else ("always_interval", "running_p")
    rows = []
    for m in phase["measures"]:
        places = decimals_for([m[ends]])
        lift = ABSENT if m.get("lift") is None else f"{number(100 * m['lift'], 1, True)} %"
        rows.append([
            f"{m['name']} {'↑' if m['sign'] > 0 else '↓'}", m["role"], number(m["control"]), number(m["candidate"]), number(m["value"], places, True), lift,
            span(m[ends], places, True), _p(m[p]),
        ])  # fmt: skip
    columns = [
        column("measure"), column("role"), column("control", True), column("candidate", True), column("difference", True), column("relative", True),
        column(f"{100 * (1 - phase['alpha']):g} % interval", True), column("p", True),
    ]  # fmt: skip
    said = (
        "The planned number of units is there: intervals and p are the usual ones."
        if done
        else "Not complete: intervals and p are those that hold at every look."
    )
    used = " Variance was reduced by what was known of units before (CUPED)." if at(phase, "covariates", "used") else ""
    emphasis = [i for i, m in enumerate(phase["measures"]) if m["role"] == "primary"]
    note = f"{said}{used} ↑: greater is better, ↓: smaller."
    return [blocks.table(columns, rows, caption="Measures", note=note, emphasis=emphasis)]


def _p(value: Any) -> str:
    """Return a p-value; a tiny one is said to be below 0.001."""
    return "< 0.001" if isinstance(value, int | float) and value < 0.001 else number(value, 3)


def _looked(e: Experiment, phase: Mapping[str, Any]) -> list[Block]:
    """Return the primary measure at every look at a phase, candidate by candidate, where there were several at different sizes."""
    return [block for m in _primaries(phase) for block in _looked_at(e, phase, m["name"])]


def _looked_at(e: Experiment, phase: Mapping[str, Any], name: str) -> list[Block]:
    drawn: dict[int, dict[str, Any]] = {}
    for record in e.records:
        facts = record["data"]["facts"]
        parts = facts.get("phases", [facts]) if record["event"] in JUDGED else []
        for part in parts:
            if part["phase"]["name"] != phase["phase"]["name"]:
                continue
            m = next(one for one in part["measures"] if one["name"] == name)
            low, high = m["always_interval"] or (None, None)
            if None not in (m["value"], low, high):
                label = f"{number(m['value'], None, True)} {span((low, high), None, True)}"
                drawn[part["n_judged"]] = {
                    "n": part["n_judged"],
                    "value": m["value"],
                    "low": low,
                    "high": high,
                    "label": label,
                    "when": moment(record["time"]),
                }
    if len(drawn) < 2:
        return []
    rows = [drawn[n] for n in sorted(drawn)]
    alt = "; ".join(f"{row['n']} units: {row['label']}" for row in rows)
    return [
        blocks.chart(
            charts.looks(rows, f"difference in {name}"),
            "Look by look, with the band that holds at all of them",
            alt,
        )
    ]


def _slices(phase: Mapping[str, Any]) -> list[Block]:
    return [block for m in _primaries(phase) for block in _sliced(m)]


def _sliced(m: Mapping[str, Any]) -> list[Block]:
    places = decimals_for([part["interval"] for part in m["slices"].values()])
    rows = [
        {"name": name, "kind": "network", "value": part["value"], "low": part["interval"][0], "high": part["interval"][1], "label": valued(part, places, True)}
        for name, part in m["slices"].items() if None not in (part["value"], *part["interval"])
    ]  # fmt: skip
    if not rows:
        return []
    alt = "; ".join(f"{row['name']}: {row['label']}" for row in rows)
    return [
        blocks.chart(
            charts.intervals(rows, f"difference in {m['name']}", zero=True),
            "The same by slices",
            alt,
            "Each interval is by itself: among many slices one is apart by chance.",
        )
    ]


def _findings(e: Experiment) -> list[Block]:
    found: dict[str, Mapping[str, Any]] = {}
    for record in e.records:
        if record["event"] in ("planned", *JUDGED):
            found.update(
                {
                    f["code"]: f
                    for f in record["data"]["findings"]
                    if f["status"] != "not_applicable" or f["code"] not in found
                }
            )
    fired = [f for f in found.values() if f["status"] == "fired"]
    quiet = [f for f in found.values() if f["status"] != "fired"]
    shown = [blocks.heading("Findings"), blocks.findings(fired, check_titles())] if fired else []
    return [
        *shown,
        *(
            [
                blocks.details(
                    f"{plural(len(quiet), 'check')} had nothing to say", [blocks.findings(quiet, check_titles())]
                )
            ]
            if quiet
            else []
        ),
    ]


def _events(e: Experiment) -> list[Block]:
    rows = [
        [moment(record["time"]), DOINGS.get(record["event"], record["event"]), record["data"]["facts"].get("sentence", "")] for record in e.records
    ]  # fmt: skip
    columns = [column("when"), column("what"), column("result")]
    return [blocks.details(f"Journal: {plural(len(rows), 'record')}", [blocks.table(columns, rows)])] if rows else []
