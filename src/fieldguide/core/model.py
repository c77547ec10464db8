"""The model: the only thing that crosses from offline to online. A folder without pickles.

Knows the contract of its rows, its predictor, its golden rows and the hashes of its files. How a candidate is chosen and
when a model is written is `steps.package`'s and `steps.finalize.finalize`'s.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.candidate import Blend, Candidate, Fitted, Predictor, calibrated
from fieldguide.core.contracts import Predictions, Threshold
from fieldguide.core.errors import DataError, ModelError, StudyError
from fieldguide.core.figures import count, number
from fieldguide.core.files.disk import writing
from fieldguide.core.files.listing import as_named, is_listing, with_files
from fieldguide.core.files.manifest import read_json, verify, write_json, write_manifest
from fieldguide.core.files.media import FILE_KINDS, rooted
from fieldguide.core.files.sink import write_frames
from fieldguide.core.files.source import open_source
from fieldguide.core.language.rules import Bound, Rules
from fieldguide.core.problem import Output
from fieldguide.core.reading import Violation, read_frame, read_rows, refuse_unread
from fieldguide.core.rows import Rows
from fieldguide.core.score import named
from fieldguide.core.series.ahead import ahead, spread
from fieldguide.core.series.panel import HISTORY
from fieldguide.core.settings import values_of, with_values
from fieldguide.core.table import Column
from fieldguide.core.transform import Transform

FORMAT = 1
RULES = "rules.json"
SLICE = 50_000
"""Rows predicted at a time: memory stays bounded whatever the file's size."""
FEW = 64
"""Up to this many mappings are read without a data frame."""
LARGEST_TOLERANCE = 1e-2
"""Golden rows that may differ by more (relative) prove nothing."""

Find = Callable[[str, str], Any]


@dataclass(frozen=True)
class Model:
    """A packaged answer: contract, transform, estimator, thresholds, golden rows, evidence.

    Args:
        columns: the feature columns a row must have, and how their cells are read.
        key: the column whose value names a row in the answer; None: the row number as `row`.
        thresholds: decision threshold per output, of label sets one per label (None: the task's own way).
        golden: rows with the answers they must get, replayed on every load.
        evidence: the scores, looks and findings this model was shipped with, as plain data.
        rules: how a decision follows from the answers; None where none does.
    """

    columns: tuple[Column, ...]
    outputs: tuple[Output, ...]
    predictor: Predictor
    find: Find
    thresholds: tuple[Threshold, ...]
    key: str | None = None
    golden: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    rules: Bound | None = None

    def modality(self, kind: str) -> Any:
        return self.find("modalities", kind)()

    @property
    def derives(self) -> bool:
        return any("expression" in column.read for column in self.columns)

    def predict(self, data: Any) -> pl.DataFrame:
        """Answer rows: a path, a data frame (Polars or pandas), a mapping or a list of mappings.

        Returns:
            one row per row of `data`, in order: the key (`row` if there is none), `prediction` (a list for label sets,
            `prediction_<entry>` for vectors), and for classes and label sets `probability_<label>`; of clusters `prediction` and
            `membership_<cluster>`, of reductions `prediction_1` and so on. With several outputs
            `prediction_<output>`, `prediction_<output>_<entry>` and `probability_<output>_<label>`. With rules `decision` and
            the `rule` that made it. Of a folder of files, or of one file, each row names its file.

        Raises:
            ContractError: a column is missing.
        """
        return pl.concat([answers for answers, _ in self.stream(data)])

    def stream(self, data: Any) -> Iterator[tuple[pl.DataFrame, tuple[Violation, ...]]]:
        """Answer rows slice by slice, with the cells that broke the contract."""
        source = open_source([data] if isinstance(data, Mapping) and not _is_columns(data) else data)
        if (spec := self.forecasts) is not None and HISTORY not in source.names:
            yield self._ahead(source.collect(), spec)
            return
        first = 0
        columns = rooted(self.columns, source.root)  # whoever opens a table may open the files it names
        listed, unseen = is_listing(source), tuple(column for column in columns if column.kind in FILE_KINDS)
        for raw in source.slices(SLICE):
            raw = as_named(raw, columns) if listed else raw
            table, violations = read_frame(raw, columns, self.modality, first_row=first)
            refuse_unread(raw, unseen, violations)
            # One file that was read shows that they came along: a later slice may hold nothing but broken ones.
            unseen = tuple(column for column in unseen if not table.frame[column.name].count())
            rows = Rows.of(table, (), self.modality)
            predictions = self.predictor.predict(rows.cells, len(rows))
            key = raw[self.key] if self.key in raw.columns else pl.Series("row", np.arange(first, first + len(rows)))
            decided, broken = self._decided(predictions, raw, columns, first)
            answers = self._answers(predictions, key, decided)
            yield with_files(answers, raw, columns) if listed else answers, (*violations, *broken)
            first += raw.height

    @property
    def forecasts(self) -> Mapping[str, Any] | None:
        """What a model that forecasts must know of its table; None for any other model."""
        return next((column.read["ahead"] for column in self.columns if "ahead" in column.read), None)

    def _ahead(self, raw: pl.DataFrame, spec: Mapping[str, Any]) -> tuple[pl.DataFrame, tuple[Violation, ...]]:
        """Answer the rows of series by what comes after the last known step of each."""
        asked = ahead(raw, spec, self.modality)
        table, violations = read_frame(
            pl.DataFrame(asked.rows, strict=False, infer_schema_length=None), self.columns, self.modality
        )
        rows = Rows.of(table, (), self.modality)
        (prediction,) = self.predictor.predict(rows.cells, len(rows))
        several = bool(spec["series"]) or len(spec["targets"]) > 1
        answers = spread(asked, prediction, self.evidence.get("interval"), several, str(spec["time"]))
        return answers, (*asked.violations, *violations)

    def predict_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Predictions, tuple[Violation, ...]]:
        """Answer a few rows given as mappings, as fast as may be: what a server and a loop call.

        Shape:
            returns[0][i]: (rows, labels) probabilities or (rows, 1) values of output i
        """
        if self.derives or len(rows) > FEW:
            columns = [column.name for column in self.columns if "expression" not in column.read]
            raw = pl.DataFrame({name: [row.get(name) for row in rows] for name in columns}, strict=False)
            table, violations = read_frame(raw, self.columns, self.modality)
            return self.predictor.predict(Rows.of(table, (), self.modality).cells, len(rows)), violations
        cells, violations = read_rows(rows, self.columns, self.modality)
        return self.predictor.predict(cells, len(rows)), violations

    def decide(self, predictions: Predictions) -> list[list[Any]]:
        """Return decisions in words (a label, a list of labels, a value or a list of values), output by output."""
        decided: list[list[Any]] = []
        for output, prediction, threshold in zip(self.outputs, predictions, self.thresholds):
            choice = output.task.decide(prediction, threshold)
            if output.task.family == "classes":
                decided.append([output.labels[int(i)] for i in choice])
            elif output.targetless:
                decided.append(output.task.words(prediction, output.labels))  # type: ignore[attr-defined]
            elif output.task.family == "sets":
                decided.append([[output.labels[i] for i in np.flatnonzero(row)] for row in choice])
            else:
                decided.append(choice.tolist())
        return decided

    def _decided(
        self, predictions: Predictions, raw: pl.DataFrame, columns: Sequence[Column], first_row: int
    ) -> tuple[dict[str, Any], tuple[Violation, ...]]:
        """Return the decisions of the rules, and cells broken in columns that only rules read."""
        if self.rules is None:
            return {}, ()
        table, violations = read_frame(raw, self.rules.columns, self.modality, first_row=first_row)
        told = {column.name for column in columns}
        broken = tuple(violation for violation in violations if violation.column not in told)
        return self.rules.answer(predictions, self.thresholds, table.frame), broken

    def _answers(
        self, predictions: Predictions, key: pl.Series, decided: Mapping[str, Any] | None = None
    ) -> pl.DataFrame:
        several = len(self.outputs) > 1
        columns: dict[str, Any] = {}
        for output, prediction, decision in zip(self.outputs, predictions, self.decide(predictions)):
            suffix = f"_{output.name}" if several else ""
            if output.family == "vector":
                for i, entry in enumerate(output.labels):
                    columns[f"prediction{suffix}_{entry}"] = prediction[:, i]
                continue
            if output.targetless:
                columns |= output.task.told(prediction, output.labels)  # type: ignore[attr-defined]
                continue
            columns[f"prediction{suffix}"] = decision
            if output.task.family == "sets":  # the type says list even where every set of a slice is empty
                columns[f"prediction{suffix}"] = pl.Series(decision, dtype=pl.List(pl.String))
            if output.task.family in ("classes", "sets"):
                for i, label in enumerate(output.labels):
                    columns[f"probability{suffix}_{label}"] = prediction[:, i]
        columns |= decided or {}
        name = "key" if key.name in columns else key.name  # a key may itself be called `prediction`
        return pl.DataFrame({name: key.alias(name), **columns})

    def replay(self) -> float:
        """Answer the golden rows, one by one and as a batch, and return the largest difference.

        Raises:
            ModelError: an answer differs from the recorded one by more than the stated tolerance.
        """
        rows, answers = self.golden["rows"], self.golden["answers"]
        batch, _ = self.predict_rows(rows)
        single = [self.predict_rows([row])[0] for row in rows]
        worst = 0.0
        for i, recorded in enumerate(answers):
            truth = np.asarray(recorded, np.float64)
            scale = 1.0 + np.abs(truth)
            for given in (batch[i], np.concatenate([answer[i] for answer in single])):
                worst = max(worst, float((np.abs(given - truth) / scale).max()))
        if not worst <= self.golden["tolerance"]:
            raise ModelError(
                "the model does not give the answers it was packaged with",
                rule=f"golden rows are answered within {self.golden['tolerance']:g} (relative), singly and as a batch",
                found=f"a difference of {worst:.3g}",
                do="install the package versions named in the model card, or package the model again on this machine",
            )
        return worst

    def save(self, folder: Path, draft: bool = False) -> None:
        """Write the folder. It must not exist; it is complete or not there at all.

        Args:
            draft: leave out what takes long to make and only a shipped model needs (ONNX graphs).

        Raises:
            StudyError: the disk is full or the place may not be written; nothing is left behind.
        """
        unfinished = folder.with_name(f".{folder.name}.writing")
        try:
            with writing(folder, "a model folder is complete or not there at all"):
                _remove(unfinished)
                unfinished.mkdir(parents=True)
                self._write(unfinished, draft)
                unfinished.rename(folder)
        except BaseException:
            _remove(unfinished)
            raise

    def _write(self, unfinished: Path, draft: bool) -> None:
        members = self.predictor.members if isinstance(self.predictor, Blend) else (self.predictor,)
        weights = self.predictor.weights if isinstance(self.predictor, Blend) else (1.0,)
        described = []
        for place, (member, weight) in enumerate(zip(members, weights)):
            assert isinstance(member, Fitted)
            inside = unfinished / "members" / str(place)
            inside.mkdir(parents=True)
            described.append({
                "candidate": member.candidate.to_dict(), "weight": weight,
                "transform": member.transform.to_dict(), "estimator": member.estimator.save(inside, draft),
            })  # fmt: skip
        write_json(unfinished / "model.json", {
            "format": FORMAT, "columns": [column.to_dict() for column in self.columns], "key": self.key,
            "outputs": [
                {"name": o.name, "task": o.task.name, "labels": list(o.labels), "transform": o.transform, "loss": _loss(o)}
                for o in self.outputs
            ],
            "thresholds": list(self.thresholds), "members": described,
            "calibrators": [None if c is None else c.to_dict() for c in getattr(self.predictor, "calibrators", ())],
        })  # fmt: skip
        if self.rules is not None:
            write_json(unfinished / RULES, self.rules.to_dict())
        write_json(unfinished / "golden.json", self.golden)
        write_json(unfinished / "evidence.json", self.evidence)
        (unfinished / "README.md").write_text(card(self), encoding="utf-8")
        write_manifest(unfinished)

    @staticmethod
    def load(folder: str | Path, find: Find) -> Model:
        """Open a model folder: hashes first, then the parts by name, then the golden rows.

        Raises:
            ModelError: a file is missing, altered, truncated, or lies outside the folder; the format is unknown.
        """
        folder = Path(folder)
        verify(folder, "a model", "finalize or package", "model.json")
        data = read_json(folder / "model.json")
        if data.get("format") != FORMAT:
            raise ModelError(
                f"{folder} has model format {data.get('format')!r}", rule=f"this version reads format {FORMAT}",
                found="a model of another version of fieldguide", do="package the model again with this version, or install the other",
            )  # fmt: skip
        try:
            model = _described(folder, data, find)
            _check_golden(folder, model.golden)
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:  # the hashes fit, and what they vouch for does not
            raise ModelError(
                f"{folder} does not describe a model", rule="model.json, golden.json and evidence.json hold what `Model.save` writes",
                found=f"{type(error).__name__}: {error}".splitlines()[0], do="package the model again",
            ) from error  # fmt: skip
        model.replay()
        return model


def _described(folder: Path, data: Mapping[str, Any], find: Find) -> Model:
    """Return the model that model.json describes, its parts found by name."""
    outputs = tuple(
        Output(o["name"], find("tasks", o["task"])(), tuple(o["labels"]), transform=o["transform"])
        for o in data["outputs"]
    )
    members, weights = [], []
    for place, described in enumerate(data["members"]):
        candidate = Candidate.from_dict(described["candidate"], find)
        transform = Transform.from_dict(described["transform"], lambda kind: find("modalities", kind)())
        estimator = candidate.learner.load(folder / "members" / str(place), described["estimator"])
        members.append(Fitted(candidate, transform, estimator, outputs))
        weights.append(described["weight"])
    if not members or not outputs:
        raise ValueError(f"{count(len(members), 'member')} for {count(len(outputs), 'output')}")
    predictor: Predictor = members[0] if len(members) == 1 else Blend(tuple(members), tuple(weights))
    predictor = calibrated(predictor, tuple(_calibrator(said, find) for said in data.get("calibrators", ())))
    return Model(
        tuple(map(Column.from_dict, data["columns"])), outputs, predictor, find, tuple(map(_threshold, data["thresholds"])), data["key"],
        read_json(folder / "golden.json"), read_json(folder / "evidence.json"), folder,
        Bound.from_dict(read_json(folder / RULES), outputs) if (folder / RULES).is_file() else None,
    )  # fmt: skip


def _check_golden(folder: Path, golden: Mapping[str, Any]) -> None:
    """Refuse golden rows that prove nothing: none, or answers that may be anything."""
    if not golden["rows"] or not 0 <= golden["tolerance"] <= LARGEST_TOLERANCE:
        raise ModelError(
            f"the golden rows of {folder} prove nothing", rule=f"there are some, and they are answered within a tolerance of at most {LARGEST_TOLERANCE:g}",
            found=f"{len(golden['rows'])} rows, a tolerance of {golden['tolerance']!r}", do="package the model again",
        )  # fmt: skip


def predict_file(model: Model, data: Any, path: Path) -> tuple[int, tuple[Violation, ...]]:
    """Answer a file of any size into another (CSV or Parquet by suffix), slice by slice; return rows and violations.

    Raises:
        DataError, ContractError: the rows cannot be read, a column is missing, or the answers cannot be written.
    """
    if isinstance(data, (str, Path)) and path.exists() and path.samefile(data):
        raise DataError(
            f"{path} would be written over the rows it answers",
            rule="data is never altered",
            found=f"{data} is the same file",
            do="name another file by -o",
        )
    violations: list[Violation] = []
    n_rows = 0

    def answers() -> Iterator[pl.DataFrame]:
        nonlocal n_rows
        for frame, broken in model.stream(data):
            n_rows += frame.height
            violations.extend(broken)
            yield frame

    write_frames(answers(), path)
    return n_rows, tuple(violations)


def read_rules(folder: Path) -> Rules:
    """Return the rules a model folder carries, without opening the model.

    Raises:
        ModelError: it carries none, or they are damaged.
    """
    if not (folder / RULES).is_file():
        raise ModelError(
            f"the model {folder} carries no rules", rule=f"rules stand in {RULES}", found="no such file in it",
            do="finalize a study that has rules, or name another model",
        )  # fmt: skip
    return Rules.from_dict(read_json(folder / RULES))


def read_losses(folder: Path) -> list[dict[str, Any] | None]:
    """Return, per output, the loss a model was trained for: its name and settings; None: the task's own.

    Predicting needs none of it; who trains a model again does.
    """
    return [output.get("loss") for output in read_json(folder / "model.json")["outputs"]]


def attach_rules(model: Model, rules: Bound, out: Path) -> None:
    """Write a copy of a model's folder that carries other rules; nothing is fitted, no weight changes.

    Raises:
        ModelError: the model has no folder.
        StudyError: the place exists or may not be written.
    """
    if model.folder is None:
        raise ModelError(
            "the model is in no folder", rule="rules are attached to a copy of its folder", found="it was never saved",
            do="save it first",
        )  # fmt: skip
    if out.exists():
        raise StudyError(
            f"{out} already exists",
            rule="a model folder is written whole, never over another",
            found="a folder" if out.is_dir() else "a file",
            do="name another folder",
        )
    unfinished = out.with_name(f".{out.name}.writing")
    try:
        with writing(out, "a model folder is complete or not there at all"):
            _remove(unfinished)
            shutil.copytree(model.folder, unfinished)
            write_json(unfinished / RULES, rules.to_dict())
            (unfinished / "README.md").write_text(card(replace(model, rules=rules)), encoding="utf-8")
            (unfinished / "manifest.json").unlink()
            write_manifest(unfinished)
            unfinished.rename(out)
    except BaseException:
        _remove(unfinished)
        raise


def card(model: Model) -> str:
    """Return the model card: what it answers, from which columns, with which evidence."""
    evidence = model.evidence
    lines = ["# Model card", "", f"- **Answers:** {', '.join(o.name for o in model.outputs)}"]
    lines += [f"- **{name}:** {text}" for name, text in (evidence.get("card") or {}).items() if text]
    lines += ["", "## Columns a row must have", "", "| column | kind |", "|---|---|"]
    lines += [f"| {c.name} | {c.kind}{' (derived)' if 'expression' in c.read else ''} |" for c in model.columns]
    if model.rules is not None:
        rules = model.rules.rules
        lines += ["", f"## Rules, version {rules.version}", "", "| rule | when | decision |", "|---|---|---|"]
        lines += [f"| {rule.name} | `{rule.when}` | {rule.decide} |" for rule in rules.rules]
        lines += [f"| otherwise | | {rules.default} |"]
    lines += ["", "## Scores", "", "| rows | metric | value | 95 % interval | n | looks |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {s['rows']} | {named(s)} | {_number(s['value'])} | {_number(s['interval'][0])} to {_number(s['interval'][1])} | {s['n']:,} | {s['looks']} |"
        for s in evidence.get("scores", [])
    ]
    lines += ["", "Golden rows in `golden.json` are made up column by column: no row is a real one.", ""]
    return "\n".join(lines)


def _loss(output: Output) -> dict[str, Any] | None:
    if output.loss is None:
        return None
    own = ":" in output.loss.name  # module:name is code of one's own: nobody imports what a model folder names
    return {"name": output.loss.name, "settings": {} if own else values_of(output.loss)}


def _threshold(said: Any) -> Threshold:
    return tuple(said) if isinstance(said, list) else said


def _calibrator(said: Mapping[str, Any] | None, find: Find) -> Any:
    return None if said is None else with_values(find("calibrators", said["name"])(), said["settings"])


def _number(value: float | None) -> str:
    return number(value, absent="–")


def _is_columns(data: Mapping[str, Any]) -> bool:
    return all(isinstance(value, (list, tuple, np.ndarray, pl.Series)) for value in data.values())


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
