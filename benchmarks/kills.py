"""Kill -9 a study at many points of `run` and `finalize`, resume it, and hold it against the one that nobody killed.

    python -m benchmarks.kills --points 100

A point is a moment of the file system (before and after an open, a write, an fsync, a rename, a removal; also half way through a
write, which is then on disk in half), or a moment of the clock. Every study stands in the same place when its time comes, so that
whatever is kept may be compared byte by byte: the journal without times, trials, the seal, the model folder. Each study is a fork
of a process that has imported everything and computed nothing; the kill is a real one (SIGKILL). Exit status 1 when a single
resumed study differs.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import hashlib
import importlib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.journal import Journal

ROWS, SEED = 60, 7
BY_CLOCK = 0.25
"""Share of the points that are moments of the clock."""
TWICE = 5
"""Every so many points, the resumed study is killed as well."""
CLOCKED = ("seconds", "latency_ms", "megabytes", "time")
"""What a clock says, or what follows from it."""
WRITERS = ("safetensors.numpy", "safetensors.torch")
LITTER = (".writing", ".part")
FAILED = -1
PATIENCE = 300.0
"""A study that takes longer hangs [s]."""


@dataclass(frozen=True)
class Point:
    """Where a study is killed: at the n-th moment of the file system, or after so many seconds."""

    moment: int = 0
    seconds: float = 0.0
    again: int = 0

    def __str__(self) -> str:
        said = f"moment {self.moment}" if self.moment else f"{self.seconds:.2f} s"
        return f"{said}, then moment {self.again} of what was resumed" if self.again else said


class Moments:
    """Counts what happens to files below a folder, and ends the process by SIGKILL at one of these moments.

    Args:
        folder: whose files count.
        at: the moment to die at, from 1; 0: never.
    """

    def __init__(self, folder: Path, at: int = 0) -> None:
        self.root, self.at, self.labels = f"{folder.resolve()}/", at, []  # type: tuple[str, int, list[str]]

    def pass_by(self, label: str, path: Any, before_death: Callable[[], object] | None = None) -> None:
        place = str(path)
        if not place.startswith(self.root):
            return
        self.labels.append(f"{label} {place[len(self.root) :]}")
        if len(self.labels) == self.at:
            if before_death is not None:
                before_death()
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Stand between Python and the file system, and between packages that write by themselves and their files."""
        import polars as pl

        for name in ("replace", "rename", "mkdir", "unlink", "remove", "rmdir", "truncate", "fsync"):
            setattr(os, name, self._around(name, getattr(os, name)))
        builtins.open = io.open = self._opened(io.open)  # type: ignore[assignment]
        for name in WRITERS:
            module = importlib.import_module(name)
            module.serialize_file = self._writes(module.serialize_file, 1)  # type: ignore[attr-defined]
        pl.DataFrame.write_parquet = self._writes(pl.DataFrame.write_parquet, 1)  # type: ignore[method-assign]

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any, *rest: Any, **named: Any) -> Any:
            place = _place(path, named.get("dir_fd"))
            self.pass_by(f"before {name}", place)
            given = call(path, *rest, **named)
            self.pass_by(f"after {name}", place)
            return given

        return called

    def _opened(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if isinstance(path, int) or not set(mode) & set("wax+"):
                return call(path, mode, *rest, **named)
            place = _place(path)
            self.pass_by("before open", place)
            file = call(path, mode, *rest, **named)
            self.pass_by("after open", place)
            write, close = file.write, file.close

            def torn(data: Any) -> None:
                write(data[: len(data) // 2])
                file.flush()

            def written(data: Any) -> Any:
                self.pass_by("half of write", place, lambda: torn(data))
                return write(data)

            def closed() -> None:
                if not file.closed:
                    self.pass_by("before close", place)
                close()

            with contextlib.suppress(AttributeError):  # a file of C that takes no attributes is passed by unseen
                file.write, file.close = written, closed
            return file

        return opened

    def _writes(self, call: Callable[..., Any], place_at: int) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            place = _place(arguments[place_at])
            self.pass_by("before writer", place)
            given = call(*arguments, **named)
            self.pass_by("half of writer", place, lambda: os.truncate(place, Path(place).stat().st_size // 2))
            self.pass_by("after writer", place)
            return given

        return called


def _place(path: Any, folder: int | None = None) -> str:
    """Return the path of what a call names by path, by descriptor, or by name and folder."""
    if isinstance(path, int):
        return str(Path(f"/proc/self/fd/{path}").readlink())
    if folder is not None:
        return f"{Path(f'/proc/self/fd/{folder}').readlink()}/{os.fsdecode(path)}"
    return str(Path.cwd() / os.fsdecode(path))


class Grounds:
    """The place where studies stand, one after the other, each from the same untouched copy.

    Args:
        base: a folder of its own.
    """

    def __init__(self, base: Path) -> None:
        self.base, self.study, self.fresh = base, base / "study", base / "fresh"
        (base / "tmp").mkdir()

    def prepare(self) -> None:
        """Write the table and a study of it, small enough to be run a hundred times; in a fork, for it computes."""
        import numpy as np
        import polars as pl

        from fieldguide.workflow import Study

        rng = np.random.default_rng(SEED)
        age, city = rng.normal(40, 12, ROWS).round(1), rng.choice(["Lima", "Oslo", "Turin"], ROWS)
        bought = rng.random(ROWS) < 1 / (1 + np.exp(-(age - 40) / 8 - (city == "Oslo")))
        table = pl.DataFrame({"age": age, "city": city, "bought": np.where(bought, "yes", "no")})
        table.write_csv(self.base / "table.csv")
        Study.create(self.base / "table.csv", target="bought", out=self.fresh)
        text = (self.fresh / "study.yaml").read_text()
        budget = "budget: {trials: 1, minutes: }\nthreads: 1\nsplit: {folds: 2, repeats: 1}\n"
        learners = "learners: {use: [prior, linear, boosting, mlp], settings: {mlp: {n_epochs: 2, d_hidden: 8}, boosting: {n_rounds: 8}}}\n"
        (self.fresh / "study.yaml").write_text(re.sub(r"budget: .*\n", budget + learners, text))

    def renew(self) -> None:
        shutil.rmtree(self.study, ignore_errors=True)
        shutil.copytree(self.fresh, self.study)

    def run(self, at: int = 0) -> None:
        """Run and finalize the study, from where it stands; write down the moments it passed."""
        from fieldguide.workflow import Study

        moments = Moments(self.study, at)
        moments.install()
        study = Study(self.study)
        study.run()
        if not study.record.done(
            "finalize"
        ):  # a kill may come when all is done; asked again, finalize would want a reason
            study.finalize()
        (self.base / "moments.json").write_text(json.dumps(moments.labels))
        (self.base / "modules.json").write_text(json.dumps(list(sys.modules)))

    def kept(self) -> dict[str, Any]:
        """Return all that a study decided: its records without times, and every file by its content."""
        records = [(r["event"], _unclocked(r["data"])) for r in Journal(self.study / "journal.jsonl").records()]
        files = {str(p.relative_to(self.study)): _content(p) for p in sorted(self.study.rglob("*")) if p.is_file()}
        return {"records": [list(r) for r in records if r[0] != "spent"], "files": files}


def _content(path: Path) -> Any:
    if path.name in ("journal.jsonl", "manifest.json"):  # their times differ; what they tell of is compared by itself
        return None
    if path.name in ("evidence.json", "model.json"):
        return _unclocked(json.loads(path.read_text()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unclocked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unclocked(said) for key, said in value.items() if key not in CLOCKED}
    return [_unclocked(said) for said in value] if isinstance(value, list) else value


def forked(call: Callable[[], object], folder: Path, kill_after: float = PATIENCE) -> int:
    """Call in a fork; return 0, the signal that ended it, or FAILED: then its traceback is on standard error.

    Args:
        folder: for temporary files.
        kill_after: kill it after so long [s].
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        tempfile.tempdir = str(folder)
        status = 1
        try:
            call()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    ends = time.monotonic() + kill_after
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
            ends = float("inf")
        time.sleep(0.002)
    return os.WTERMSIG(done[1]) if os.WIFSIGNALED(done[1]) else FAILED if os.WEXITSTATUS(done[1]) else 0


def differences(whole: dict[str, Any], resumed: dict[str, Any]) -> Iterator[str]:
    """Yield how a resumed study differs from the one that nobody killed."""
    looks = sum(event == "look" for event, _ in resumed["records"])
    if looks != 1:
        yield f"the seal was opened {looks} times"
    for number, (a, b) in enumerate(zip(whole["records"], resumed["records"])):
        if a != b:
            step = a[1].get("step", "") if isinstance(a[1], dict) else ""
            yield f"record {number + 1} ({a[0]} {step}) is another ({b[0]})"
    if len(whole["records"]) != len(resumed["records"]):
        yield f"{len(resumed['records'])} records where there were {len(whole['records'])}"
    names = whole["files"].keys() | resumed["files"].keys()
    for name in sorted(names):
        if whole["files"].get(name, "absent") != resumed["files"].get(name, "absent"):
            how = (
                "is left over"
                if name not in whole["files"]
                else "is gone"
                if name not in resumed["files"]
                else "is another"
            )
            yield f"{name} {how}"


def points_of(labels: list[str], seconds: float, n: int, seed: int) -> list[Point]:
    """Return where to kill: moments of the file system, each kind of moment in its turn, and moments of the clock."""
    rng = random.Random(seed)
    n_clock = round(BY_CLOCK * n)
    kinds: dict[str, list[int]] = {}
    for number, label in enumerate(labels, start=1):
        kinds.setdefault(_kind(label), []).append(number)
    for numbers in kinds.values():
        rng.shuffle(numbers)
    chosen: list[int] = []
    while len(chosen) < n - n_clock and any(kinds.values()):
        chosen += [numbers.pop() for numbers in kinds.values() if numbers]
    found = [Point(moment=number) for number in chosen[: n - n_clock]]
    found += [Point(seconds=rng.uniform(0.0, seconds)) for _ in range(n - len(found))]
    rng.shuffle(found)
    again = [rng.randint(1, 20) if number % TWICE == TWICE - 1 else 0 for number in range(n)]
    return [Point(point.moment, point.seconds, more) for point, more in zip(found, again)]


def _kind(label: str) -> str:
    """The kind of a moment: what is done, in which folder of the study."""
    what, _, name = label.rpartition(" ")
    return f"{what} {Path(name).parts[0]}"


def judged(grounds: Grounds, point: Point, whole: dict[str, Any]) -> tuple[bool, list[str]]:
    """Kill a study at a point, resume it to its end; return whether it was killed, and how it differs."""
    grounds.renew()
    tmp = grounds.base / "tmp"
    ended = forked(lambda: grounds.run(point.moment), tmp, point.seconds or PATIENCE)
    if point.again and ended:
        forked(lambda: grounds.run(point.again), tmp)
    resumed = forked(grounds.run, tmp)
    if resumed or ended == FAILED:
        return bool(ended), ["what was resumed ended in an error" if resumed == FAILED else "a study failed or hung"]
    return bool(ended), list(differences(whole, grounds.kept()))


def measured(n: int, seed: int, tell: Callable[[str], object] = print) -> dict[str, Any]:
    """Kill at n points; return how many were kills, where, and every difference by its point."""
    with tempfile.TemporaryDirectory(prefix="kills-") as base:
        grounds = Grounds(Path(base).resolve())
        tmp = grounds.base / "tmp"
        _must(forked(grounds.prepare, tmp))
        whole: dict[str, Any] = {}
        for again in (False, True):  # the first run tells which packages it needs; the second is the one to be held to
            grounds.renew()
            began = time.monotonic()
            _must(forked(grounds.run, tmp))
            seconds = time.monotonic() - began
            if again and (found := list(differences(whole, grounds.kept()))):
                raise RuntimeError(f"two studies that nobody killed differ: {found}")
            whole = grounds.kept()
            for name in json.loads((grounds.base / "modules.json").read_text()):
                with contextlib.suppress(ImportError):  # some modules are made by others and have no file
                    importlib.import_module(name)
        labels = json.loads((grounds.base / "moments.json").read_text())
        tell(
            f"{len(labels)} moments of the file system, {seconds:.1f} s, {len(whole['records'])} records, {len(whole['files'])} files"
        )
        failed: dict[str, list[str]] = {}
        kinds: Counter[str] = Counter()
        for number, point in enumerate(points_of(labels, seconds, n, seed), start=1):
            killed, found = judged(grounds, point, whole)
            where = labels[point.moment - 1] if point.moment else "clock"
            kinds[" ".join(where.split()[:-1]) or where if killed else "not killed: it had ended"] += 1
            tell(f"{number:4d}  {point!s:48s} {where:60s} {'; '.join(found) or 'the same'}")
            if found:
                failed[f"{point}: {where}"] = found
        return {"points": n, "killed": n - kinds["not killed: it had ended"], "kinds": dict(kinds), "failed": failed}


def _must(ended: int) -> None:
    if ended:
        raise RuntimeError("a study that nobody killed ended in an error: see its traceback above")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    given = parser.parse_args()
    began = time.monotonic()
    said = measured(
        given.points, given.seed, lambda line: print(line, file=sys.stderr if given.json else sys.stdout, flush=True)
    )
    said["seconds"] = round(time.monotonic() - began, 1)
    if given.json:
        print(json.dumps(said))
    else:
        print(f"\n{said['killed']} of {said['points']} studies were killed: {said['kinds']}")
        print(f"{len(said['failed'])} differ after they were resumed; {said['seconds']:.0f} s")
    sys.exit(1 if said["failed"] else 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
