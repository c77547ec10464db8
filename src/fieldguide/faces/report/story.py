"""The story: what was asked, whether the number can be trusted, and what is unproven, as blocks.

Knows which facts answer which question, and the words around them; never computes a score or decides a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldguide.core.score import weighted
from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import STEPS, Recorded, at, check_titles, title_of
from fieldguide.faces.report.figures import (
    ABSENT,
    day,
    decimals_for,
    moment,
    number,
    plural,
    span,
)
from fieldguide.faces.report.structure import first_line, free, there

NOT_RUN = "Not run: it needs "
NOT_OF_THIS_KIND = "A study of this kind has nothing of what they look at."
VERDICTS = {"yes": ("✔", "Yes", "yes"), "no": ("✖", "No", "no"), "cannot tell": ("?", "Cannot be told", "open")}
LEAKS = ("FG306", "FG309", "FG312", "FG313", "FG314", "FG315", "FG316", "FG317", "FG322", "FG324", "FG326")


def header(r: Recorded) -> dict[str, Any]:
    """Return what was asked, of which data, and the state of the seal."""
    split, problem = r.facts("split"), r.problem
    limits = ", ".join(
        f"{name.replace('_', ' ')} {number(value)}"
        for name, value in at(problem, "limits", default={}).items()
        if value is not None
    )
    costs = ", ".join(
        f"{name.replace('_', ' ')} {number(value)}" for name, value in at(problem, "costs", default={}).items()
    )
    targets = ", ".join(f"{o.get('name')} ({o.get('task')})" for o in at(problem, "outputs", default=[]))
    items = [
        ("Target", targets), ("Unit", at(problem, "unit") or "not stated"), ("Decision", at(problem, "decision") or "not stated"),
        ("Known at", at(problem, "prediction_time")), ("Judged by", r.title if r.metric else "no metric frozen yet"),
        ("Worth shipping", f"{number(at(problem, 'success'))} {r.title} or more over the baseline" if at(problem, "success") else "not stated"),
        ("Row weights", _weights(at(r.facts("frame"), "population", "weights", default={}))),
        ("Costs", costs), ("Limits", limits), ("Data", Path(str(at(r.facts("frame"), "table", default=""))).name), ("Rows", number(at(r.facts("frame"), "n_rows"))),
        ("Data hash", str(at(split, "data_hash", default=""))[:16]), ("Recorded", moment(r.moments[1]) if r.moments[1] else ""), ("Seed", at(r.config, "seed")),
    ]  # fmt: skip
    return {
        "noun": "Study", "made_from": "the study's journal", "unstated": f"No goal was stated (problem.goal){'' if free(r) else ', so the target stands in for it'}.",
        "first": first_line(r)[0], "study": r.name, "goal": at(problem, "goal") or _asked(r), "stated": bool(at(problem, "goal")),
        "items": [(name, str(value)) for name, value in items if value not in (None, "")], "seal": {"label": "The sealed test set", **seal(r)}, "number": headline(r),
        "verdict": verdict(r),
    }  # fmt: skip


def _weights(found: Mapping[str, Any]) -> str:
    """Return what rows weigh, in words; "" where all count alike."""
    if not found:
        return ""
    zero = f", {number(found.get('n_zero'))} of weight 0" if found.get("n_zero") else ""
    return f"{found.get('column')}, counted in {found.get('counts_in')}: {number(found.get('n'))} rows{zero} tell as much as {number(round(found['effective']))} equal ones"


def _asked(r: Recorded) -> str:
    """Return what is asked, where nobody has said why."""
    words = {"clustering": "Group the rows", "reduction": "Reduce the rows to a few numbers"}
    return words.get(str(at(r.output, "task")), f"Predict {at(r.output, 'name', default='the target')}")


def seal(r: Recorded) -> dict[str, Any]:
    """Return the state of the seal, for ever visible: closed, opened once, or opened N times with the reasons."""
    n = len(r.looks)
    n_test = number(at(r.facts("split"), "n_test"))
    looks = [
        {
            "time": moment(look.get("time")),
            "by": str(look.get("by", "")),
            "reason": str(look.get("reason") or "the first look needs no reason"),
        }
        for look in r.looks
    ]
    if n == 0:
        words = (
            f"{n_test} test rows are sealed; nobody has looked."
            if r.sealed
            else "No test set is sealed yet: run split."
        )
        return {
            "tone": "closed" if r.sealed else "open",
            "icon": "●" if r.sealed else "○",
            "title": "Seal closed" if r.sealed else "No seal",
            "words": words,
            "looks": [],
        }
    once = (
        f"{n_test} sealed rows were judged once, after everything was frozen."
        if r.done("finalize")
        else f"{n_test} sealed rows were looked at, and no finalize is recorded."
    )
    words = once if n == 1 else "Every look after the first makes the number look better than it is."
    return {
        "tone": "once" if n == 1 else "many",
        "icon": "✔" if n == 1 else "▲",
        "title": "Seal opened once" if n == 1 else f"Seal opened {n} times",
        "words": words,
        "looks": looks,
    }


def _interval_said(score: Mapping[str, Any], places: int) -> str:
    """Say what an interval spans: sampling alone, or what explore lets doubt as well."""
    if "sampling" not in score:
        return f"95 % interval {span(score.get('interval'), places)}"
    return f"{span(score['interval'], places)} with doubts (FG814), 95 % of sampling alone {span(score['sampling'], places)}"


def headline(r: Recorded) -> dict[str, Any] | None:
    """Return the number the page opens with: the test score after finalize, else the validation score of the best so far."""
    entry = r.entry(r.chosen)
    final = at(r.facts("finalize"), "scores", 0)
    score = final or at(entry, "scores", 0)
    if not score:
        return None
    places = decimals_for([score.get("interval")])
    rows = "sealed test rows" if final else "validation rows"
    note = (
        f"{plural(int(score.get('looks') or 0), 'look')} at the test set" if final
        else f"not a test score: {'finalize has not run' if r.looks else 'the seal is closed'}, and this is the best of {plural(len(r.entries()), 'candidate')}"
    )  # fmt: skip
    if final and at(r.facts("finalize"), "declined"):
        note = f"measured, and not promised: it will not hold (FG807); {note}"
    return {
        "label": f"{'Test' if final else 'Validation'} {r.title} of {r.chosen}",
        "interval_said": _interval_said(score, places),
        "candidate": r.chosen, "metric": r.title, "value": number(score.get("value"), places), "interval": span(score.get("interval"), places),
        "rows": f"{number(score.get('n'))} {rows}", "note": note, "final": bool(final), "better": "greater is better" if r.greater else "smaller is better",
    }  # fmt: skip


def verdict(r: Recorded) -> dict[str, str]:
    """Return whether the network earns its place, as the check FG602 wrote it down; without a target, whether anything is there."""
    if free(r):
        return there(r)
    asked = "Does the network earn its place?"
    found = next((f for f in r.findings() if f["code"] == "FG602"), None)
    said = str(at(found, "evidence", "verdict", default=""))
    if found is None or said not in VERDICTS:
        why = "No network was trained yet." if found is None else found["sentence"]
        return {"title": asked, "tone": "open", "icon": "○", "word": "Not known", "words": why}
    icon, word, tone = VERDICTS[said]
    return {"title": asked, "tone": tone, "icon": icon, "word": word, "words": found["sentence"]}


# --- 1 -----------------------------------------------------------------------------------------------------------------


def trust(r: Recorded) -> list[Block]:
    """Can the number be trusted? The score and its rows, the split and its proofs, leaks, findings by severity."""
    found = [_scores(r)]
    split = r.facts("split")
    if split:
        gone = at(split, "discrimination")
        alike = (
            f"AUC {number(at(gone, 'auc'), 3)} {span(at(gone, 'interval'), 3)}; 0.5 is indistinguishable"
            if gone
            else None
        )
        found += [blocks.heading("The split"), blocks.facts([
            ("Scheme", at(split, "scheme")), ("Sealed", f"{number(at(split, 'n_test'))} of {number(at(split, 'n_rows'))} rows"),
            ("Development", f"{number(at(split, 'n_development'))} rows, {at(split, 'validation', default='')}"),
            ("Kept together", f"{number(at(split, 'n_blocks'))} units, the largest of {plural(at(split, 'largest_block', default=1), 'row')}"),
            ("Sealed against development", alike), ("Sealed rows start at", day(at(split, "cut"))),
        ])]  # fmt: skip
    proofs = [*r.findings("split"), *r.findings("finalize"), *(f for f in r.findings("explore") if f["code"] in LEAKS)]
    proofs = sorted((f for f in proofs if f["status"] in ("fired", "passed")), key=lambda f: f["status"] != "fired")
    if proofs:
        found += [blocks.heading("The proofs"), blocks.findings(proofs, check_titles())]
    proven = {f["code"] for f in proofs}
    rest = [f for f in r.findings() if f["code"] not in proven]
    fired = [f for f in rest if f["status"] == "fired"]
    serious = [f for f in fired if f["severity"] in ("error", "warning")]
    found.append(blocks.heading("Other findings"))
    found.append(
        blocks.findings(serious, check_titles()) if serious else blocks.text("No other error or warning was found.")
    )
    notes = [f for f in fired if f["severity"] not in ("error", "warning")]
    if notes:
        found.append(blocks.details(f"{plural(len(notes), 'note')}", [blocks.findings(notes, check_titles())]))
    n_passed = sum(f["status"] == "passed" for f in rest)
    if n_passed:
        passed = [f for f in rest if f["status"] == "passed"]
        found.append(blocks.details(f"{plural(n_passed, 'check')} passed", [blocks.findings(passed, check_titles())]))
    return found


def _scores(r: Recorded) -> Block:
    final = r.facts("finalize")
    rows: list[list[Any]] = []
    validation = at(final, "validation") or at(r.entry(r.chosen), "scores", default=[])
    every = [*at(final, "scores", default=[]), *validation]
    places = decimals_for([s.get("interval") for s in every])
    for s in every:
        test = s.get("rows") == "test"
        rows.append([
            s.get("output"), "test (sealed)" if test else "validation", f"{weighted(s)}{title_of(s)}",
            number(s.get("value"), places), span(s.get("interval"), places), number(s.get("n")), number(s.get("looks")) if test else ABSENT,
        ])  # fmt: skip
    optimism = at(final, "optimism") if final else at(r.facts("refine"), "optimism", "value")
    note = (
        f"The validation score is the best of {at(r.facts('refine'), 'optimism', 'n', default=len(r.entries()))}: searching made it look better by {_about(optimism, places)}."
        if optimism is not None
        else ""
    )
    if not rows:
        return blocks.text("No candidate has been judged yet: run baseline.")
    if not final:
        until = "finalize has not run" if r.looks else "the seal is closed until finalize"
        note = f"No test score: {until}. {note}"
    columns = [
        column("output"),
        column("rows"),
        column("metric"),
        column("value", True),
        column("95 % interval", True),
        column("n", True),
        column("looks", True),
    ]
    return blocks.table(columns, rows, note=note, emphasis=[0] if final else [])


def _about(value: Any, places: int) -> str:
    """Return a size that is not 0 as `about 0.009`, or `less than 0.001` where it cannot be seen."""
    least = 10.0**-places
    small = isinstance(value, int | float) and abs(value) < least / 2
    return f"less than {number(least, places)}" if small else f"about {number(value, places)}"


# --- 4 -----------------------------------------------------------------------------------------------------------------


def unproven(r: Recorded) -> list[Block]:
    """What is unproven? Unanswered questions, checks that could not run, what the search cost, assumptions."""
    found: list[Block] = []
    missing = [step for step in STEPS if not r.done(step)]
    if missing:
        found.append(
            blocks.verdict(
                f"Not run yet: {', '.join(missing)}. What they would prove is not proven.", "open", label="Steps"
            )
        )
    asked = at(r.facts("frame"), "questions", default=[])
    if asked:
        rows = [[q.get("key"), blocks.whole(q.get("question")), q.get("guess") or ABSENT] for q in asked]
        found.append(
            blocks.table(
                [column("in study.yaml"), column("question"), column("used until then")],
                rows,
                caption="Questions only a person can answer",
            )
        )
    else:
        found.append(
            blocks.text(
                "Every question that only a person can answer has an answer in study.yaml."
                if r.done("frame")
                else "Nothing was asked yet: run frame."
            )
        )
    assumed = list(at(r.problem, "assumptions", default=[]))
    found += [
        blocks.heading("Assumptions"),
        blocks.table([column("assumption")], [[a] for a in assumed])
        if assumed
        else blocks.text("None were written down (problem.assumptions)."),
    ]
    found += _search_cost(r)
    found += _silences(r)
    if r.overrides:
        found += [blocks.heading("Beside the order"), *[blocks.text(words) for words in r.overrides]]
    found.append(
        blocks.text(
            "The data file stays readable: the seal binds what fieldguide does, not what a person may do with the file.",
            "muted",
        )
    )
    return found


def _silences(r: Recorded) -> list[Block]:
    """Return the checks that had nothing to look at, folded, by the reason; those that should have looked and could not stand apart."""
    titles = check_titles()
    silent = [f for f in r.findings() if f["status"] in ("skipped", "not_applicable")]
    # Where a kind of study has no such thing to look at, its checks are not run: one line, not one for each.
    without = [f for f in silent if f["status"] == "skipped" and f["sentence"].startswith(NOT_RUN)]
    skipped = [f for f in silent if f["status"] == "skipped" and f not in without]
    reasons: dict[str, list[str]] = {}
    for f in silent:
        if f["status"] == "not_applicable":
            reasons.setdefault(f["sentence"], []).append(f["code"])
        elif f in without:
            reasons.setdefault(NOT_OF_THIS_KIND, []).append(f["code"])
    found = [blocks.heading("Checks that could not look"), blocks.findings(skipped, titles)] if skipped else []
    if reasons:
        most_first = sorted(reasons.items(), key=lambda item: -len(item[1]))
        rows = [[blocks.whole(why), blocks.whole(", ".join(sorted(checks)))] for why, checks in most_first]
        n = sum(map(len, reasons.values()))
        said = f"{plural(n, 'check')} had nothing to look at"
        found.append(blocks.details(said, [blocks.table([column("why"), column("checks")], rows, most=100)]))
    return found


def _search_cost(r: Recorded) -> list[Block]:
    refined = r.facts("refine")
    if not refined:
        return []
    left_out = at(r.facts("baseline"), "left_out", default=[])
    optimism = at(refined, "optimism", "value")
    items = [
        ("Trials in the ledger", number(at(refined, "n_trials"))), ("Trials not made", number(at(refined, "unfinished"))),
        ("Optimism of the best of " + str(at(refined, "optimism", "n", default="?")), number(optimism) if optimism is not None else None),
        ("Rejected by limits", ", ".join(str(x.get("candidate")) for x in at(refined, "rejected", default=[])) or None),
        ("Baselines left out", ", ".join(map(str, left_out)) or None),
        ("Smallest difference these rows resolve", number(at(r.facts("explore"), "metrics", 0, "smallest_difference")) if at(r.facts("explore"), "metrics", 0, "smallest_difference") is not None else None),
    ]  # fmt: skip
    return [blocks.heading("What the search cost"), blocks.facts(items)]
