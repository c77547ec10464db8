"""Write the pages of the documentation that the code itself knows; nothing written here is edited by hand.

A page is a function from nothing to Markdown, registered under its path. `python docs/generate.py` writes all of them;
`zensical build --strict` then finds them in place. To add a page, add a function with `@page`.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fieldguide import parts
from fieldguide.core.documents.config import json_schema
from fieldguide.core.language.functions import FUNCTIONS
from fieldguide.core.settings import Choice, Range
from fieldguide.testing.check import sections

DOCS = Path(__file__).parent
NOTE = "<!-- written by docs/generate.py; change the docstrings instead -->\n\n"
STEPS = (
    "join", "frame", "split", "explore", "prepare", "baseline", "train", "refine", "finalize", "recency", "imbalance", "rules",
    "explain", "serve", "replay", "experiment", "gap", "refresh", "off_policy",
)  # fmt: skip
PARTS = (
    "tasks", "modalities", "metrics", "splitters", "learners", "searches", "losses", "optimisers", "schedules", "calibrators", "embedders",
    "explainers", "stores", "designs",
)  # fmt: skip
CORE = (
    "problem", "table", "split", "candidate", "score", "finding", "model", "journal", "contracts", "settings", "errors",
)  # fmt: skip
PAGES: dict[str, Callable[[], str]] = {}


def page(path: str) -> Callable[[Callable[[], str]], Callable[[], str]]:
    """Register a function as the writer of a page, at a path under `docs/`."""

    def register(write: Callable[[], str]) -> Callable[[], str]:
        PAGES[path] = write
        return write

    return register


@page("findings.md")
def findings() -> str:
    """Return one section per finding code: what it finds, formula, reason, remedy."""
    checks = sorted((parts.find("checks", name) for name in parts.names("checks")), key=lambda check: check.code)
    lines = [
        "# Findings", "",
        "Every piece of evidence has a code, which leads from the terminal to the report to this page.", "",
        "A finding that does not fire says why: *passed*, *not applicable* or *skipped* (it could not look).", "",
        "**error**: do not trust the number. **warning**: look at it first. **info**: good to know.", "",
    ]  # fmt: skip
    for step in _in_order({check.step for check in checks}):
        mine = [check for check in checks if check.step == step]
        lines += [f"- **{step}**: " + ", ".join(f"[{check.code}](#{check.code.lower()})" for check in mine)]
    for step in _in_order({check.step for check in checks}):
        for check in (check for check in checks if check.step == step):
            lines += ["", *_section(check)]
    return "\n".join(lines) + "\n"


def _section(check: Any) -> list[str]:
    words = sections(check)
    lines = [
        f"## {check.code}: {check.title} {{ #{check.code.lower()} }}", "",
        f"*Step {check.step}, {check.severity} at most.* {words['What']}",
    ]  # fmt: skip
    for heading in ("Formula", "Why", "Remedy", "Source"):
        if heading in words:
            first, *rest = words[heading].split("\n\n")
            lines += ["", f"**{heading}.** {first[0].upper()}{first[1:]}", *(f"\n{more}" for more in rest)]
    settings = _settings(check)
    return [*lines, "", *settings] if settings else lines


@page("reference/parts.md")
def table_of_parts() -> str:
    """Return a table per kind of part: its name, what it is, its settings."""
    lines = ["# Parts", "", "What is interchangeable: the name stands in `study.yaml`.", ""]
    for kind in PARTS:
        lines += [f"## {kind.capitalize()}", "", "| name | what it is |", "|---|---|"]
        found = [(name, parts.find(kind, name)) for name in parts.names(kind)]
        lines += [f"| `{name}` | {_first_sentence(part)} |" for name, part in found]
        lines.append("")
        for name, part in found:
            if settings := _settings(part):
                lines += [f"### Settings of `{name}` {{ #{kind}-{name} }}", "", *settings, ""]
    return "\n".join(lines) + "\n"


LAST_LAYERS = {
    "sigmoid": "a sigmoid for each label", "softmax": "softmax over the labels", "identity": "the value itself",
    "exp": "exp: a rate above 0", "ordinal": "cuts that fall, a sigmoid each", "tree": "forks of a tree, a sigmoid each",
}  # fmt: skip


@page("reference/losses.md")
def losses() -> str:
    """Return which last layer, loss and metrics belong to which task, then every loss with its formula and an example."""
    found = [(name, parts.find("losses", name)) for name in parts.names("losses")]
    lines = [
        "# Last layer, loss, metric", "", "What a network's last layer is, what it minimises by default, what `problem.loss` may name in its place, and by what it can be judged. "
        "In use: [losses](../losses.md).", "", "| task | last layer | loss | other losses | metrics, the default first |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in parts.names("tasks"):
        task = parts.find("tasks", name)
        if not task.loss:
            continue
        layer = (
            "one sigmoid: the positive label" if name == "binary" else LAST_LAYERS.get(task.activation, task.activation)
        )
        others = [f"[`{other}`](#{other})" for other, loss in found if name in loss.tasks and other != task.loss]
        metrics = ", ".join(f"`{metric}`" for metric in task.metrics)
        lines.append(f"| {name} | {layer} | [`{task.loss}`](#{task.loss}) | {', '.join(others)} | {metrics} |")
    lines += ["", "| loss | what it is | last layer it asks for | targets reach it | units |", "|---|---|---|---|---|"]
    reach = {"standard": "centred and scaled", "mean": "divided by their mean", "none": "as they are"}
    for name, loss in found:
        values = set(loss.tasks) & {"regression", "vector", "count", "forecast"}
        layer = LAST_LAYERS.get(loss.activation, "the task's own")
        lines.append(
            f"| [`{name}`](#{name}) | {_first_sentence(loss)} | {layer} | {reach[loss.scaling] if values else 'as labels'} | {loss.units} |"
        )
    for name, loss in found:
        lines += [
            "",
            f"## {name} {{ #{name} }}",
            "",
            f"**{loss.title}**, in {loss.units}; for {', '.join(loss.tasks)}.",
            "",
        ]
        lines += _markdown(inspect.cleandoc(loss.__doc__ or ""))
        if settings := _settings(loss):
            lines += ["", *settings]
    return "\n".join(lines) + "\n"


@page("reference/keys.md")
def keys() -> str:
    """Return every key of study.yaml, and every function of its expressions."""
    schema = json_schema()
    lines = ["# Keys of study.yaml", "", "What each means in use: [study.yaml](../study-yaml.md).", ""]
    lines += ["| key | default | meaning |", "|---|---|---|", *_keys(schema, schema["properties"], "")]
    lines += ["", "## Functions of expressions", "", "| function | takes | gives | what it is |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {', '.join(f.takes)} | {f.gives} | {_cell(f.says)} |" for name, f in FUNCTIONS.items()]
    return "\n".join(lines) + "\n"


def _keys(schema: Any, entries: Any, above: str) -> Iterator[str]:
    for name, entry in entries.items():
        told = json.dumps(entry)
        choices = re.findall(r'"enum": (\[.*?\])', told)
        inside = [schema["$defs"][section] for section in re.findall(r'"#/\$defs/(\w+)"', told)]
        words = sorted({word for one in choices for word in json.loads(one)}, key=told.index)
        meaning = entry.get("description", "") + (f" ({', '.join(f'`{word}`' for word in words)})" if words else "")
        default = "" if entry.get("default") in (None, "", []) else f"`{entry['default']}`"
        yield f"| `{above}{name}` | {default} | {_cell(meaning)} |"
        below = (
            f"{above}{name}.<column>." if "additionalProperties" in entry.get("anyOf", [{}])[0] else f"{above}{name}."
        )
        for section in inside:
            yield from _keys(schema, section["properties"], below)


@page("reference/python.md")
def reference() -> str:
    """Return the docstrings of the nouns and of what works on them."""
    lines = ["# Python reference", ""]
    for name in CORE:
        module = importlib.import_module(f"fieldguide.core.{name}")
        lines += [f"## fieldguide.core.{name}", "", _escaped(inspect.cleandoc(module.__doc__ or "")), ""]
        for label, member in vars(module).items():
            own = getattr(member, "__module__", None) == module.__name__
            if own and not label.startswith("_") and (inspect.isclass(member) or inspect.isfunction(member)):
                lines += [f"### {label}", "", *_documented(label, member), ""]
    return "\n".join(lines) + "\n"


def _documented(label: str, member: Any) -> list[str]:
    try:
        signature = str(inspect.signature(member))
    except (TypeError, ValueError):
        signature = "(…)"
    text = inspect.cleandoc(member.__doc__ or "")
    if text.startswith(f"{label}("):  # the docstring that dataclasses make up
        text = ""
    return ["```python", f"{label}{signature}", "```", "", *_markdown(text)]


def _markdown(docstring: str) -> list[str]:
    """Return a Google docstring as Markdown: headings in bold, their bodies as they stand."""
    lines: list[str] = []
    for block in re.split(r"\n(?=(?:Args|Shape|Returns|Raises|Source|Examples|Formula):)", docstring):
        heading, colon, body = block.partition(":\n")
        if colon and re.fullmatch(r"Args|Shape|Returns|Raises|Source|Examples|Formula", heading):
            lines += ["", f"**{heading}**", "", "```text", inspect.cleandoc(body).rstrip(), "```"]
        else:
            lines.append(_escaped(block))
    return lines


def _settings(part: Any) -> list[str]:
    if not dataclasses.is_dataclass(part):
        return []
    rows = []
    for field in dataclasses.fields(part):
        if "doc" not in field.metadata:
            continue
        capacity = {1: "+", -1: "−"}.get(field.metadata.get("capacity", 0), "")
        rows.append(
            f"| `{field.name}` | `{field.default}` | {_cell(field.metadata['doc'])} | {_space(field)} | {capacity} |"
        )
    return ["| setting | default | meaning | searched | capacity |", "|---|---|---|---|---|", *rows] if rows else []


def _space(field: Any) -> str:
    space = field.metadata.get("space")
    if isinstance(space, Range):
        return f"{space.low:g} to {space.high:g}" + (" (log)" if space.log else "")
    return ", ".join(f"`{value}`" for value in space.values) if isinstance(space, Choice) else ""


def _first_sentence(part: Any) -> str:
    text = inspect.cleandoc(part.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return _cell(re.split(r"(?<=[.?])\s", text)[0])


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Keep `<name>` from being read as HTML, except within code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else piece.replace("<", "&lt;") for piece in pieces)


def _in_order(steps: set[str]) -> list[str]:
    return sorted(steps, key=lambda step: (STEPS.index(step) if step in STEPS else len(STEPS), step))


@page("evidence.md")
def evidence() -> str:
    """Return what shows each section of the two guides: commands, findings and tests, and what is missing."""
    found = tomllib.loads((DOCS / "evidence.toml").read_text(encoding="utf-8"))["section"]
    lines = [
        "# Evidence", "",
        "fieldguide comes from two texts: *Deep Learning Workflow* (a chapter of Chollet's *Deep Learning with Python* read beside Facebook's",
        "*Field Guide to Machine Learning*) and *Deep Learning Project Workflow* (from a course). This page goes through their sections, and says",
        "which command does what they ask for, which findings tell of it, and which test shows it. The project's tests fail where a command, a code or a test of this page does not exist.",
    ]  # fmt: skip
    missing = []
    for guide in dict.fromkeys(section["guide"] for section in found):
        lines += ["", f"## {guide}"]
        for section in (section for section in found if section["guide"] == guide):
            lines += ["", f"### {section['heading']}", "", "| what | command | findings | test |", "|---|---|---|---|"]
            for point in section["point"]:
                commands = ", ".join(f"`{name}`" for name in point["commands"])
                codes = ", ".join(f"[{code}](findings.md#{code.lower()})" for code in point.get("codes", ()))
                tests = "<br>".join(_test(test) for test in point.get("tests", ()))
                lines.append(f"| {point['says']} | {commands} | {codes or '–'} | {tests or '–'} |")
                if "missing" in point:
                    missing.append(f"- {point['missing']} (*{guide}*, {section['heading']})")
    return "\n".join([*lines, "", "## What is missing", "", *missing]) + "\n"


def _test(named: str) -> str:
    file, _, test = named.partition("::")
    return f"`{Path(file).name}`" + (f" `{test}`" if test else "")


def write_all(folder: Path = DOCS) -> list[Path]:
    """Write every page below `folder`; files that would not change are left alone."""
    written = []
    for path, write in PAGES.items():
        file, text = folder / path, NOTE + write()
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        written.append(file)
    return written


if __name__ == "__main__":
    for written in write_all():
        print(written.relative_to(DOCS.parent), file=sys.stderr)
