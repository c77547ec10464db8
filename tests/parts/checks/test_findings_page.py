"""The page of findings is written from the checks: one section, with its anchor, for every code."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from fieldguide import parts
from fieldguide.core.finding import Finding

SCRIPT = Path(__file__).parents[3] / "docs" / "generate.py"


@pytest.fixture(scope="module")
def generate():
    if not SCRIPT.is_file():
        pytest.skip("the documentation is not part of this installation")
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_code_has_a_section_where_findings_point(generate):
    text = generate.findings()
    for name in parts.names("checks"):
        check = parts.find("checks", name)
        anchor = Finding(check.code, check.severity, "").docs.partition("#")[2]
        assert text.count(f"{{ #{anchor} }}") == 1
        section = re.split(r"\n## ", text.partition(f"{{ #{anchor} }}")[2])[0]
        assert all(f"**{heading}.**" in section for heading in ("Formula", "Why", "Remedy"))
        assert f"*Step {check.step}, {check.severity} at most.*" in section


def test_pages_are_written_once_and_left_alone_when_nothing_changed(generate, tmp_path):
    files = generate.write_all(tmp_path)
    assert tmp_path / "findings.md" in files
    before = [file.stat().st_mtime_ns for file in files]
    assert generate.write_all(tmp_path) == files
    assert [file.stat().st_mtime_ns for file in files] == before


def test_tags_are_text_outside_of_code(generate):
    assert generate._escaped("a <b> and `data.<name>`") == "a &lt;b> and `data.<name>`"
