"""The documentation tells the truth: its commands run, its links lead somewhere, and nothing that exists is left out."""

from __future__ import annotations

import contextlib
import os
import re
import runpy
import signal
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from typer.main import get_command

from fieldguide import parts
from fieldguide.core.documents.config import json_schema
from fieldguide.faces.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BIN = Path(sys.executable).parent
WRITTEN = sorted([ROOT / "README.md", *DOCS.glob("*.md"), *DOCS.glob("steps/*.md"), *DOCS.glob("modalities/*.md")])
PAGE_OF = {"replay": "serve"}
"""Steps that stand on another step's page."""
NOT_RUN = "<!-- not run -->"
FILE = re.compile(r"<!-- file: (\S+) -->")
FENCE = re.compile(r"(?:^(?P<mark><!--[^\n]*-->)\n)?^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```$", re.M | re.S)

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not in this installation")


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    """Every page, the generated ones too, by path."""
    generate = runpy.run_path(str(DOCS / "generate.py"))
    made = {DOCS / path: write() for path, write in generate["PAGES"].items()}
    return {page: page.read_text(encoding="utf-8") for page in WRITTEN if page not in made} | made


# --- what the pages tell to do ---------------------------------------------------------------------------------------


@pytest.mark.timeout(1800)
def test_commands_of_the_tutorial_run(tmp_path: Path) -> None:
    printed = run_blocks(DOCS / "tutorial.md", tmp_path)
    assert (tmp_path / "tumours/model/manifest.json").is_file()
    assert (tmp_path / "tumours/report.html").is_file()
    assert "rows sealed" in printed and "look 1" in printed
    assert "GateError: the test set was already opened by finalize" in printed
    assert pl.read_csv(tmp_path / "scores.csv").height == 569


@pytest.mark.timeout(1800)
@pytest.mark.skipif(find_spec("fastapi") is None, reason="needs fastapi (pip install 'fieldguide[serve]')")
def test_commands_of_the_tutorial_on_serving_run(tmp_path: Path) -> None:
    try:
        printed = run_blocks(DOCS / "tutorial-serve.md", tmp_path)
    finally:
        started = tmp_path / "server.pid"
        with contextlib.suppress(ProcessLookupError):  # the page itself ends it
            if started.is_file():
                os.kill(int(started.read_text()), signal.SIGTERM)
    assert "The two paths are one system" in printed and "'written': 400" in printed
    assert "400 answers replayed" in printed and " 0 beyond" in printed
    assert 'id="experiment-paths"' in (tmp_path / "paths/report.html").read_text(encoding="utf-8")


@pytest.mark.timeout(1800)
@pytest.mark.skipif(find_spec("PIL") is None, reason="needs pillow (pip install 'fieldguide[image]')")
def test_commands_of_the_tutorial_on_photos_run(tmp_path: Path) -> None:
    printed = run_blocks(DOCS / "tutorial-photos.md", tmp_path)
    assert re.search(r"FG707 Of what .+ gains, image adds 0\.\d+ \[0\..*; columns add 0\.\d+ \[", printed)
    assert pl.read_csv(tmp_path / "answers.csv").height == 3
    report = (tmp_path / "parcels-study/report.html").read_text(encoding="utf-8")
    assert "FG707" in report and "data:image/" in report


@pytest.mark.timeout(1800)
@pytest.mark.skipif(find_spec("duckdb") is None, reason="needs duckdb (pip install 'fieldguide[sql]')")
def test_commands_of_the_tutorial_on_events_run(tmp_path: Path) -> None:
    printed = run_blocks(DOCS / "tutorial-events.md", tmp_path)
    assert "FG151 300 units" in printed and "FG152 96 events were kept out" in printed and "FG324" in printed
    assert "retrain monthly" in printed
    assert "Ship the candidate: forward and back test agree" in printed
    truth = float(re.search(r"true: ([\d.]+)", printed)[1])  # type: ignore[index]
    rows = re.findall(r"^profit \(primary\) .*? (\u2212?[\d.]+) to (\u2212?[\d.]+)", printed, re.M)
    ends = [[float(end.replace("\u2212", "-")) for end in row] for row in rows]
    assert len(ends) == 2 and all(low <= truth <= high for low, high in ends)
    assert 'id="experiment-letters"' in (tmp_path / "shop/report.html").read_text(encoding="utf-8")


@pytest.mark.timeout(1800)
def test_blocks_of_the_readme_run(tmp_path: Path) -> None:
    ages = [20 + i % 50 for i in range(300)]
    calls = [i * 7 % 11 for i in range(300)]
    plans = [("basic", "plus", "family")[i * 5 % 3] for i in range(300)]
    left = [
        "yes" if (age < 40) == (call > 5) and i % 7 else "no"
        for i, (age, call) in enumerate(zip(ages, calls, strict=True))
    ]
    table = pl.DataFrame({"age": ages, "plan": plans, "calls": calls, "left": left})
    table.write_csv(tmp_path / "customers.csv")
    table.drop("left").head(40).write_csv(tmp_path / "new.csv")
    run_blocks(ROOT / "README.md", tmp_path)
    assert pl.read_csv(tmp_path / "scores.csv").columns == ["row", "prediction", "probability_no", "probability_yes"]
    assert (tmp_path / "churn/model/manifest.json").is_file() and (tmp_path / "trial/manifest.json").is_file()
    assert (tmp_path / "customers/report.html").is_file()


def run_blocks(page: Path, folder: Path) -> str:
    """Run a page's blocks in order in one folder, as a reader would; return what they printed."""
    printed = []
    # Else each command compiles all it imports anew where Python is told to leave no compiled files behind.
    compiled = (
        {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}
        if sys.dont_write_bytecode
        else {}
    )
    environment = {**os.environ, "COLUMNS": "100", **compiled, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        mark, language, body = block["mark"] or "", block["language"], block["body"]
        if named := FILE.fullmatch(mark):
            (folder / named[1]).write_text(body, encoding="utf-8")
        elif language in ("bash", "python") and mark != NOT_RUN:
            command = ["bash", "-euo", "pipefail", "-c", body] if language == "bash" else [sys.executable, "-c", body]
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
            )
            assert done.returncode == 0, f"{page.name}:\n{body}\n{done.stdout}\n{done.stderr}"
            printed.append(done.stdout + done.stderr)
    assert printed, f"{page.name} has nothing to run"
    return "\n".join(printed)


# --- nothing is left out ---------------------------------------------------------------------------------------------


def verbs() -> list[str]:
    return sorted(command.name or command.callback.__name__ for command in app.registered_commands)  # type: ignore[union-attr]


@pytest.mark.parametrize("verb", [verb for verb in verbs() if verb != "version"])
def test_every_verb_is_documented(verb: str, pages: dict[Path, str]) -> None:
    steps = "\n".join(text for page, text in pages.items() if DOCS in page.parents)
    assert re.search(rf"fieldguide {verb}\b", steps), f"no page shows `fieldguide {verb}`"
    assert f"`{verb}`" in pages[DOCS / "json.md"], f"json.md does not say what `fieldguide {verb} --json` prints"


def test_every_key_of_study_yaml_is_documented(pages: dict[Path, str]) -> None:
    sections = [json_schema(), *json_schema()["$defs"].values()]
    keys = {key for section in sections for key in section.get("properties", {})}
    table, page = pages[DOCS / "reference/keys.md"], pages[DOCS / "study-yaml.md"]
    assert {key for key in keys if not re.search(rf"[.`]{key}`", table)} == set()
    assert {key for key in keys if not re.search(rf"\b{key}\b", page)} == set()


@pytest.mark.parametrize("page", [DOCS / "study-yaml.md", *DOCS.glob("steps/*.md")], ids=lambda page: page.name)
def test_examples_of_study_yaml_are_valid_keys(page: Path) -> None:
    schema = json_schema()
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["language"] != "yaml":
            continue
        for line in alternatives(block["body"]):
            unknown = unknown_keys(yaml.safe_load(line), schema, schema)
            assert not unknown, f"{page.name} shows keys that do not exist: {unknown}"


def alternatives(body: str) -> list[str]:
    """A block whose lines all start with the same key shows alternatives: each line is a document."""
    lines = [line for line in body.splitlines() if line.strip()]
    keys = [line.split(":")[0] for line in lines]
    return lines if len(lines) > 1 and len(set(keys)) == 1 else [body]


def unknown_keys(data: Any, entry: Any, schema: Any) -> list[str]:
    """Return the keys of plain data for which a JSON Schema has no property."""
    if not isinstance(data, dict):
        return []
    choices = [entry, *entry.get("anyOf", [])]
    choices += [schema["$defs"][choice["$ref"].rsplit("/", 1)[1]] for choice in choices if "$ref" in choice]
    properties = {name: value for choice in choices for name, value in choice.get("properties", {}).items()}
    free = next((c["additionalProperties"] for c in choices if isinstance(c.get("additionalProperties"), dict)), None)
    if free is not None:
        return [key for value in data.values() for key in unknown_keys(value, free, schema)]
    wrong = [str(key) for key in data if key not in properties] if properties else []
    return wrong + [
        key
        for name, value in data.items()
        if name in properties
        for key in unknown_keys(value, properties[name], schema)
    ]


def test_every_finding_is_linked_from_its_step(pages: dict[Path, str]) -> None:
    for name in parts.names("checks"):
        check = parts.find("checks", name)
        step = PAGE_OF.get(check.step, check.step)
        page = pages.get(DOCS / f"steps/{step}.md", pages[DOCS / "steps/model.md"])
        assert f"findings.md#{check.code.lower()}" in page, f"steps/{check.step}.md does not link {check.code}"


def evidence() -> list[dict[str, Any]]:
    sections = tomllib.loads((DOCS / "evidence.toml").read_text(encoding="utf-8"))["section"] if DOCS.is_dir() else []
    return [{"heading": section["heading"], **point} for section in sections for point in section["point"]]


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every verb, also those of two words."""
    found: set[str] = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        found |= {name, *(f"{name} {one}" for one in getattr(command, "commands", {}))}
    return found


@pytest.fixture(scope="module")
def codes() -> set[str]:
    return {parts.find("checks", name).code for name in parts.names("checks")}


@pytest.mark.parametrize("point", evidence(), ids=lambda point: point["says"][:40])
def test_evidence_of_the_guides_exists(point: dict[str, Any], known: set[str], codes: set[str]) -> None:
    assert set(point["commands"]) <= known
    assert set(point.get("codes", ())) <= codes
    for named in point.get("tests", ()):
        file, _, test = named.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {test or 'test_'}", text, re.M) and (not test or f"def {test}(" in text), named
    assert point.get("tests") or point.get("missing"), "nothing shows it, and nothing says so"


def test_evidence_goes_through_both_guides_in_their_order(pages: dict[Path, str]) -> None:
    headings = list(dict.fromkeys(point["heading"] for point in evidence()))
    assert len(headings) == len(set(headings)) == 32
    assert headings[0].startswith("Determine the Right Business Goals") and headings[-1].startswith(
        "Other considerations"
    )
    page = pages[DOCS / "evidence.md"]
    assert all(f"### {heading}" in page for heading in headings)
    assert "training on several machines" in page.partition("## What is missing")[2]


# --- links -----------------------------------------------------------------------------------------------------------


def test_links_lead_somewhere(pages: dict[Path, str]) -> None:
    broken = []
    for page, text in pages.items():
        for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", without_code(text)):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            file = (page.parent / path).resolve() if path else page
            there = file in pages or (file.exists() and ROOT in file.parents)
            if not there or (anchor and anchor not in anchors(pages[file])):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as the site makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M):
        named = re.search(r"\{ #([\w-]+) \}", heading)
        slug = re.sub(r"[^\w\s-]", "", heading.lower()).strip()
        found.add(named[1] if named else re.sub(r"[-\s]+", "-", slug))
    return found


def test_navigation_and_pages_agree(pages: dict[Path, str]) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = {DOCS / path for path in re.findall(r"([\w/-]+\.md)", navigation)}
    assert listed == {page for page in pages if DOCS in page.parents}


@pytest.mark.skipif(not (BIN / "zensical").is_file(), reason="zensical is not installed")
def test_site_builds_strictly(tmp_path: Path) -> None:
    for file in [ROOT / "mkdocs.yml", *DOCS.rglob("*")]:
        if file.is_file() and "__pycache__" not in file.parts:
            copy = tmp_path / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    generated = runpy.run_path(str(DOCS / "generate.py"))["write_all"](tmp_path / "docs")
    assert len(generated) >= 4
    done = subprocess.run([str(BIN / "zensical"), "build", "--strict"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site/index.html").is_file()
