"""The study: the folder as an object, where it stands, and what it found so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.leaderboard import ranked
from fieldguide.workflow.beside import Beside
from fieldguide.workflow.given import STEPS, Watch


class Study(Beside):
    """A study folder: study.yaml, the journal, the seal, and what the steps found.

    Every step may be called alone; it runs what it needs first, and nothing that is already in the journal.

    Examples:
        >>> import tempfile, fieldguide as fg
        >>> rows = {"x": [i * 7 % 60 for i in range(60)], "y": [i % 2 for i in range(60)]}
        >>> study = fg.Study.create(rows, target="y", out=tempfile.mkdtemp() + "/study")
        >>> study.split()["n_test"]
        10
    """

    @classmethod
    def create(
        cls,
        data: Any,
        target: str | Sequence[str] | None = None,
        *,
        out: str | Path | None = None,
        watch: Watch | None = None,
        **answers: Any,
    ) -> Study:
        """Make a study folder with study.yaml: what was guessed, and what only a person can answer.

        Args:
            data: a path to CSV, TSV, Parquet or Arrow, or a data frame (kept in the folder as Parquet).
            target: the column to predict, or several; None where the task has no target (clustering, reduction).
            out: the folder; default: named after the file, in the current folder.
            answers: entries of the `problem` section, such as goal or costs.
        """
        from fieldguide.core.files.media import SEEN
        from fieldguide.steps.begin.begin import begin

        SEEN.keep_in(None)  # the new study has no folder yet, and another one's is not its own
        return cls(begin(data, target, out, answers), watch)

    def leaderboard(self) -> list[dict[str, Any]]:
        """Candidates, the best first, by their validation scores. Test scores are in `finalize`'s result, and nowhere before."""
        columns = ("candidate", "kind", "difference", "seconds", "megabytes", "latency_ms")
        entries = ranked(self.problem, list(self._entries().values())) if self._entries() else []
        return [
            {"score": entry["scores"][0], "scores": entry["scores"], **{name: entry.get(name) for name in columns}}
            for entry in entries
        ]

    def status(self) -> dict[str, Any]:
        """Where the study stands: steps done, what is unproven, what comes next."""
        done = [step for step in STEPS if self.record.done(step)]
        fired = [f for result in self.results() for f in result.findings if f.fired]
        return {
            "study": self.folder.name, "done": done, "next": next((step for step in STEPS if step not in done), None),
            "looks": len(self.seal.looks), "unproven": [f.to_dict() for f in fired if f.severity != "info" or f.code == "FG101"],
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the study as one document: the shape of `--json`."""
        results = {result.step: result for result in self.results()}
        last = results.get("finalize") or results.get("refine") or results.get("train") or results.get("baseline")
        scores = (
            [] if last is None else list(last["scores"] if last.step == "finalize" else last["entries"][0]["scores"])
        )
        chosen = None if last is None else last.facts.get("chosen") or last.facts.get("bar")
        return {
            "study": self.folder.name, "step": next(reversed(results), None), "status": self.status(), "chosen": chosen,
            "scores": scores, "score": scores[0] if scores else None,
            **({"declined": last.facts["declined"]} if last is not None and last.facts.get("declined") else {}), "leaderboard": self.leaderboard(),
            "findings": [f.to_dict() for result in results.values() for f in result.findings],
            "seconds": round(sum(result.seconds for result in results.values()), 3),
        }  # fmt: skip
