"""Every check keeps the contract of its kind, and every code belongs to exactly one check."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import fieldguide
from fieldguide import parts
from fieldguide.testing.check import check_class, sections

CHECKS = [parts.find("checks", name) for name in parts.names("checks")]
SOURCE = Path(fieldguide.__file__).parent
TESTS = Path(__file__).parent


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_check_class(check):
    check_class(check)
    assert (TESTS / f"test_{check.code.lower()}.py").is_file(), f"{check.code} has no test file"
    assert check.name.startswith(check.code.lower() + "_")


def test_codes_are_unique():
    twice = [code for code, n in Counter(check.code for check in CHECKS).items() if n > 1]
    assert not twice


def test_every_code_in_the_source_belongs_to_a_check():
    known = {check.code for check in CHECKS}
    named = {code for file in SOURCE.rglob("*.py") for code in re.findall(r"\bFG\d{3}\b", file.read_text("utf-8"))}
    assert named <= known, f"no check owns {sorted(named - known)}"
    assert known <= named


def test_codes_follow_the_order_of_the_steps():
    order = ("frame", "split", "explore", "prepare", "baseline", "train", "refine", "finalize", "online")
    beside = {
        "join": "frame",
        "recency": "refine",
        "rules": "explore",
        **dict.fromkeys(("replay", "serve", "experiment", "gap", "refresh", "off_policy"), "online"),
    }  # verbs beside the order count with the step they follow or serve
    assert all(order[int(check.code[2]) - 1] == beside.get(check.step, check.step) for check in CHECKS)


def test_titles_and_names_are_unique():
    for values in ([check.title for check in CHECKS], [check.__name__ for check in CHECKS]):
        assert len(set(values)) == len(values)


def test_docs_do_not_name_a_code_that_does_not_exist():
    known = {check.code for check in CHECKS}
    for check in CHECKS:
        assert set(re.findall(r"FG\d{3}", " ".join(sections(check).values()))) <= known
