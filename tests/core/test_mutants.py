"""What the benchmark of hollow tests changes in a file, and what it leaves alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.mutants import Reach, draw, judges, mutants

SOURCE = '''"""Words of a docstring: 1 + 1."""
MOST = 1_000


def first(rows: "list[int]", most: int = 3) -> int:
    """Return 1 where ü < 2."""
    if not rows:
        raise ValueError(f"{len(rows) + 1} rows, at least {1 + 1}")
    total = 0
    for row in rows:
        if 0 < row <= most and row != 7:
            total += row * 2
    told(total, title="a sum", loud=True)
    return -max(rows) if total else None
'''


def changed(line: int) -> set[tuple[str, str]]:
    return {(m.before, m.after) for m in mutants("a.py", SOURCE) if m.line == line}


def test_every_mutant_is_another_program_that_differs_where_it_says() -> None:
    found = mutants("a.py", SOURCE)
    whole = SOURCE.encode()
    for mutant in found:
        assert whole[mutant.start : mutant.end].decode() == mutant.before != mutant.after
        text = (whole[: mutant.start] + mutant.after.encode() + whole[mutant.end :]).decode()
        compile(text, "a.py", "exec")
        assert mutant.line == whole[: mutant.start].count(b"\n") + 1
    assert len({(m.start, m.end, m.after) for m in found}) == len(found)


def test_comparisons_operators_numbers_and_conditions_are_changed() -> None:
    assert changed(2) == {("1_000", "2000")}
    assert changed(5) == {("3", "4")}
    assert ("0 < row <= most", "(0 <= row <= most)") in changed(11) and (
        "0 < row <= most",
        "(0 < row < most)",
    ) in changed(11)
    assert ("row != 7", "(row == 7)") in changed(11) and ("7", "8") in changed(11)
    assert ("0 < row <= most and row != 7", "(0 < row <= most or row != 7)") in changed(11)
    assert {("total += row * 2", "pass"), ("row * 2", "(row / 2)"), ("2", "3")} == changed(12)
    assert ("max(rows)", "(min(rows))") in changed(14) and ("-max(rows)", "(max(rows))") in changed(14)
    assert ("-max(rows) if total else None", "(None if total else -max(rows))") in changed(14)


def test_statements_are_removed() -> None:
    assert ('told(total, title="a sum", loud=True)', "pass") in changed(13)
    assert any(before.startswith("if not rows:") and after == "pass" for before, after in changed(7))
    assert [after for _, after in changed(8)] == ["pass"]


def test_words_are_left_alone() -> None:
    befores = [m.before for m in mutants("a.py", SOURCE)]
    assert not any("docstring" in before or before.startswith(("'", '"', "f")) for before in befores)
    assert ('told(total, title="a sum", loud=True)', "(told(total, title='a sum'))") in changed(13)
    assert not any("title" not in after and after != "pass" and "told" in after for _, after in changed(13))


def test_lines_take_turns() -> None:
    found = mutants("a.py", SOURCE)
    n_lines = len({m.line for m in found})
    drawn = draw(found, n_lines, "1")
    assert {m.line for m in drawn} == {m.line for m in found}
    assert drawn == draw(found, n_lines, "1") != draw(found, n_lines, "2")
    assert max(Counter(m.line for m in draw(found, 2 * n_lines, "1")).values()) > 1
    assert len(draw(found, 10_000, "1")) == len(found)


def test_the_tests_about_a_module_judge_it_and_an_example_keeps_none_of_them_away(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = "src/fieldguide/core/seeds.py"
    texts = {
        "tests/test_seeds.py": "",
        "tests/test_quick.py": "",
        "tests/test_other.py": "import fieldguide.core.seeds",
    }
    for name, text in texts.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    reach = [
        Reach(name, seconds, {path: [3]}) for name, seconds in zip((*texts, path), (50.0, 0.1, 60.0, 1.0), strict=True)
    ]
    mutant = next(m for m in mutants(path, "\n\nMOST = 3\n"))
    assert [r.test for r in judges(mutant, reach)] == [path, "tests/test_seeds.py"]
    assert [r.test for r in judges(mutant, reach[1:2])] == ["tests/test_quick.py"]
    assert judges(mutant, [Reach("tests/test_seeds.py", 1.0, {path: [4]})]) == []
    long = mutants(path, "MANY = (\n    1,\n    2,\n)\n")[-1]
    assert (long.line, long.statement) == (3, 1) and judges(long, [Reach("tests/test_seeds.py", 1.0, {path: [1]})])
