"""Change one thing in a module of `core`, run the tests that reach it, and see whether they notice: what they miss is a hollow test.

    python -m benchmarks.mutants core/evaluate core/statistics/effect --sample 12

Works in a copy of the tree. Each test file runs once under coverage.py, in a process of its own: which lines of which module does it
reach? Then each mutant (a comparison, an operator, a constant, a condition, a returned value, a removed statement, a removed keyword)
is written into the copy and the test files that reach its line run until one fails. A process is a fork of one that has imported the
packages and computed nothing, so that a mutant costs what its tests cost. Mutants are drawn with a seed, lines first, so that a line
with many operators does not crowd out the others. Words are left alone: strings, and what an error says.

Knows nothing of why a mutant survives: whether it is equivalent, or a test is hollow, is read from the line that is printed. mutmut 3
installs and runs here as well and is not used: what a fixture of a module calls it gives to the first test only, it leaves out
properties and constants of modules, never removes a statement, and three of five of its mutants take an argument away or make it None.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "src/fieldguide"
COPIED = (
    "src",
    "tests",
    "docs",
    "examples",
    "benchmarks",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
)
PACKAGES = ("numpy", "polars", "pydantic", "scipy.stats", "scipy.optimize", "yaml", "typer", "jinja2", "coverage")
HEAVY = ("torch", "sklearn.linear_model", "sklearn.isotonic", "lightgbm", "statsmodels.stats.proportion", "pandas")
MOST_FILES, MOST_SECONDS = 3, 10.0
"""A line that everything reaches is judged by this many test files, that take this long together."""

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitAnd,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
WORDS = ("rule", "found", "do", "description", "title")
"""Keywords that say something to a person and change nothing."""
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}


@dataclass(frozen=True)
class Mutant:
    """One change of one place: bytes `start` to `end` of the file become `after`; `statement` is the line where its statement begins."""

    path: str
    line: int
    statement: int
    start: int
    end: int
    before: str
    after: str


def mutants(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a file, in the order of the text."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    tree = ast.parse(source)
    simple = [s for s in ast.walk(tree) if isinstance(s, ast.stmt) and not hasattr(s, "body")]
    found = []
    for node, after in _changes(tree):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = source.encode()[start:end].decode()
        statement = max(
            (s.lineno for s in simple if s.lineno <= node.lineno <= (s.end_lineno or 0)), default=node.lineno
        )
        found.append(Mutant(path, node.lineno, statement, start, end, before, after))
    return sorted(found, key=lambda m: (m.start, m.end, m.after))


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield (what is replaced, by which text); annotations, strings, docstrings and what an error says are left alone."""
    if isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return
    if isinstance(node, ast.Raise):
        yield node, "pass"
        return
    if isinstance(node, (ast.stmt, ast.expr)):
        for after in _of_node(node):
            yield node, after
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child)


def _of_node(node: ast.stmt | ast.expr) -> Iterator[str]:
    """Yield the texts that may stand in place of one node."""
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            for other in SWAPS.get(type(op), ()):
                ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield _text(ast.Compare(node.left, ops, node.comparators))  # type: ignore[arg-type]
    elif isinstance(node, ast.BinOp) and not _is_text(node.left) and not _is_text(node.right):
        for other in SWAPS.get(type(node.op), ()):
            yield _text(ast.BinOp(node.left, other(), node.right))  # type: ignore[arg-type]
    elif isinstance(node, ast.BoolOp):
        yield _text(ast.BoolOp(SWAPS[type(node.op)][0](), node.values))  # type: ignore[arg-type]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield _text(node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        yield repr(_another(node.value))
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in NAMES:
            yield _text(ast.Call(ast.Name(NAMES[node.func.id]), node.args, node.keywords))
        yield from (
            _text(ast.Call(node.func, node.args, [k for k in node.keywords if k is not gone]))
            for gone in node.keywords
            if gone.arg and gone.arg not in WORDS
        )
    elif isinstance(node, ast.IfExp) and not isinstance(node.test, (ast.Compare, ast.BoolOp)):
        yield _text(ast.IfExp(node.test, node.orelse, node.body))
    elif isinstance(node, ast.Return) and not _is_nothing(node.value):
        yield "return None"
    elif isinstance(node, ast.If):
        if not node.orelse:
            yield "pass"
        if not isinstance(node.test, (ast.Compare, ast.BoolOp)):
            inner = ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
            yield ast.unparse(inner).replace("\n", "\n" + " " * node.col_offset)
    elif isinstance(node, (ast.AugAssign, ast.Continue, ast.Break)) or _is_call(node):
        yield "pass"


def _another(value: float) -> float:
    """Return a number that is another one also where the value is a matter of judgement: 1,000 and 1,001 are not."""
    if isinstance(value, bool):
        return not value
    return 2 * value if abs(value) >= 10 else value + 1


def _is_nothing(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(ast.fix_missing_locations(node))})"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)))


def draw(found: list[Mutant], sample: int, seed: str) -> list[Mutant]:
    """Draw mutants without replacement: a line first, then one of its mutants; lines come again when all had their turn."""
    chance = random.Random(seed)
    left: dict[int, list[Mutant]] = {}
    for mutant in found:
        left.setdefault(mutant.line, []).append(mutant)
    drawn: list[Mutant] = []
    while left and len(drawn) < sample:
        for line in chance.sample(sorted(left), len(left)):
            drawn.append(left[line].pop(chance.randrange(len(left[line]))))
            if not left[line]:
                del left[line]
    return sorted(drawn[:sample], key=lambda m: m.start)


# --- tests, each time in a fork ------------------------------------------------------------------------------------------------------


def forked(work: Path, arguments: list[str], seconds: float, measured: str = "") -> int:
    """Run pytest in a fork of this process, at most so long; return its exit status, or -1 when its time was up.

    Args:
        measured: file to write the lines of `core` to that were reached (JSON), or nothing.
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))  # a mutant may write without end
        status = 70
        try:
            status = _tests(arguments, measured)
        except BaseException:
            (work / "broken.txt").write_text(traceback.format_exc())
        finally:
            os._exit(status)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            done, how = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(how)
            time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # also what its tests started
    os.waitpid(child, 0)
    return -1


def _tests(arguments: list[str], measured: str) -> int:
    import pytest

    plain = [
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--no-header",
        "--tb=no",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    if not measured:
        return int(pytest.main([*plain, *arguments]))
    from coverage import Coverage

    watch = Coverage(data_file=None, include=[f"*/{PACKAGE}/core/*"], config_file=False)
    watch.start()
    begun = time.process_time()  # of the processor: a crowded machine changes no choice
    status = int(pytest.main([*plain, *arguments]))
    seconds = time.process_time() - begun
    watch.stop()
    data = watch.get_data()
    here = {str(Path(f).relative_to(Path.cwd())): sorted(data.lines(f) or ()) for f in data.measured_files()}
    Path(measured).write_text(json.dumps({"seconds": seconds, "lines": here}))
    return status


@dataclass(frozen=True)
class Reach:
    """What one test file reaches when it passes, and how long it takes [s of the processor]."""

    test: str
    seconds: float
    lines: dict[str, list[int]]


def reached(work: Path, tests: list[str]) -> list[Reach]:
    """Run each test file once and return what it reaches; a file that fails without any mutant is named and left out."""
    found = []
    for test in tests:
        out = work / "reached.json"
        out.unlink(missing_ok=True)
        status = forked(work, [test], 300, str(out))
        if status not in (0, 5) or not out.exists():  # 5: no tests in it, as in a module without doctests
            print(f"left out: {test} ends with {status} as it is", flush=True)
            continue
        had = json.loads(out.read_text())
        found.append(Reach(test, had["seconds"], had["lines"]))
    return found


def _kept(file: str, work_out: Callable[[], list[Reach]]) -> list[Reach]:
    """Return what tests reach from the file of a former run, or work it out and write it there."""
    if file and Path(file).exists():
        return [Reach(**one) for one in json.loads(Path(file).read_text())]
    reach = work_out()
    if file:
        Path(file).write_text(json.dumps([asdict(one) for one in reach]))
    return reach


def judges(mutant: Mutant, reach: list[Reach]) -> list[Reach]:
    """Return the test files that judge a mutant: of those that reach its line the ones about its module, else the quickest."""
    lines = {mutant.line, mutant.statement}  # Python does not tell of every line of a long statement
    able = sorted((r for r in reach if not lines.isdisjoint(r.lines.get(mutant.path, ()))), key=lambda r: r.seconds)
    about = [r for r in able if _names(r.test, mutant.path)]
    kept: list[Reach] = []
    for one in (about or able)[:MOST_FILES]:
        tested = any(k.test != mutant.path for k in kept)  # an example in a docstring is no test yet
        if not tested or sum(k.seconds for k in kept) + one.seconds < MOST_SECONDS:
            kept.append(one)
    return kept


def _names(test: str, path: str) -> bool:
    if test == path:
        return True
    dotted = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    parent, _, stem = dotted.rpartition(".")
    text = Path(test).read_text(encoding="utf-8")
    return dotted in text or (f"from {parent} import" in text and stem in text) or Path(test).stem == f"test_{stem}"


def try_out(work: Path, mutant: Mutant, reach: list[Reach]) -> str:
    """Return what became of a mutant: killed, survived, timeout, or unreached."""
    files = judges(mutant, reach)
    if not files:
        return "unreached"
    file = work / mutant.path
    source = file.read_bytes()
    changed = source[: mutant.start] + mutant.after.encode() + source[mutant.end :]
    try:
        compile(changed, mutant.path, "exec")
    except SyntaxError:
        return "invalid"
    file.write_bytes(changed)
    for old in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        old.unlink()
    try:
        for one in files:
            status = forked(work, [one.test], 60 + 10 * one.seconds)
            if status == -1:
                return "timeout"
            if status not in (0, 5):
                return "killed"
    finally:
        file.write_bytes(source)
    return "survived"


# --- the run -------------------------------------------------------------------------------------------------------------------------


def copied(to: Path) -> None:
    """Copy what tests need; the tree itself is never changed."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        elif source.exists():
            shutil.copy(source, to / name)


def test_files(modules: list[str], folders: list[str]) -> list[str]:
    """Return the test files to try: those given, or all of tests/core and every other one that names a module; and the modules' doctests."""
    given = [str(p) for f in folders for p in ([Path(f)] if f.endswith(".py") else sorted(Path(f).rglob("test_*.py")))]
    files = given or [
        str(p) for p in sorted(Path("tests").rglob("test_*.py")) if any(_names(str(p), m) for m in modules)
    ]
    return files + [m for m in modules if ">>>" in Path(m).read_text(encoding="utf-8")]


def run(said: argparse.Namespace, work: Path) -> None:
    modules = [m for name in said.modules or ["core"] for m in _modules(name)]
    spec = importlib.util.find_spec("fieldguide")
    assert spec is not None and str(spec.origin).startswith(str(work)), "the tree itself is never changed"
    for package in (*PACKAGES, *(HEAVY if said.heavy else ())):
        importlib.import_module(package)
    for plugin in entry_points(group="pytest11"):  # they take longer than most tests
        plugin.load()
    reach = _kept(said.reach, lambda: reached(work, test_files(modules, said.tests)))
    forked(work, ["--collect-only", *(r.test for r in reach)], 600)
    sys.dont_write_bytecode = True  # what the first run compiled is used again; no mutant leaves anything
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    print(f"{len(reach)} test files, {sum(r.seconds for r in reach):.0f} s", flush=True)
    table: list[tuple[str, int, int, int, int, int]] = []
    for module in modules:
        found = mutants(module, Path(module).read_text(encoding="utf-8"))
        chosen = _missed(said.again, found) if said.again else draw(found, said.sample, f"{said.seed} {module}")
        counts = dict.fromkeys(("killed", "timeout", "survived", "unreached", "invalid"), 0)
        for mutant in chosen:
            fate = try_out(work, mutant, reach)
            counts[fate] += 1
            if fate in ("survived", "unreached"):
                print(f"{fate} {module}:{mutant.line} {_short(mutant.before)} -> {_short(mutant.after)}", flush=True)
            if said.out:
                with Path(said.out).open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**asdict(mutant), "fate": fate}) + "\n")
        killed = counts["killed"] + counts["timeout"]
        tried = killed + counts["survived"] + counts["unreached"]
        print(f"{module}: {killed} of {tried} killed ({len(found)} possible)", flush=True)
        table.append((module, len(found), tried, killed, counts["survived"], counts["unreached"]))
    print("\n| module | possible | tried | killed | survived | no test reaches |\n|---|---|---|---|---|---|")
    for row in table:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    tried, killed = sum(r[2] for r in table), sum(r[3] for r in table)
    print(f"\n{killed} of {tried} killed ({killed / max(1, tried):.0%}), seed {said.seed}, {said.sample} a module")


def _missed(file: str, found: list[Mutant]) -> list[Mutant]:
    """Return the mutants that nobody noticed in a former run, where the file still stands as it did."""
    lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    missed = [
        {k: v for k, v in one.items() if k != "fate"} for one in lines if one["fate"] in ("survived", "unreached")
    ]
    return [mutant for mutant in found if asdict(mutant) in missed]


def _modules(name: str) -> list[str]:
    path = Path(PACKAGE) / name
    if path.is_dir():
        return [str(p) for p in sorted(path.rglob("*.py")) if p.name != "__init__.py"]
    return [str(path.with_suffix(".py"))]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) < 110 else line[:107] + "..."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "modules",
        nargs="*",
        help="modules or folders below src/fieldguide, such as core/evaluate; core where none is given",
    )
    parser.add_argument("--sample", type=int, default=10, help="mutants drawn from each module")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--tests",
        nargs="*",
        default=[],
        help="test files or folders, where those that name the module are not the ones",
    )
    parser.add_argument("--heavy", action="store_true", help="import torch and the like once, for tests that need them")
    parser.add_argument(
        "--again", default="", help="what --out of a former run holds: try only what nobody noticed then"
    )
    parser.add_argument(
        "--reach", default="", help="file that keeps which test reaches what, for the next run on the same sources"
    )
    parser.add_argument("--out", default="", help="file that gets a line of JSON for each mutant")
    said = parser.parse_args()
    for name in ("reach", "out", "again"):  # the run stands in another folder
        setattr(said, name, str(Path(getattr(said, name)).resolve()) if getattr(said, name) else "")
    os.environ.setdefault("FIELDGUIDE_DATA", str(ROOT.parent / "shared" / "data"))
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="mutants_") as folder:
        copied(Path(folder))
        os.chdir(folder)
        sys.path[:0] = [f"{folder}/src"]
        os.environ["PYTHONPATH"] = f"{folder}/src"
        run(said, Path(folder))


if __name__ == "__main__":
    main()
