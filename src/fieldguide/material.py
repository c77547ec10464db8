"""Material: what steps are handed. The table, and its rows by who may see them, each made once when it is first asked for.

Knows study.yaml, the journal's results and the seal; nothing of the order of steps, of budgets or of who looks. No step is handed
this object: the workflow takes from it exactly what a step needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldguide.core.documents.config import Config
from fieldguide.core.documents.data_contract import FILE as CONTRACT_FILE
from fieldguide.core.documents.data_contract import Agreed, load_contract
from fieldguide.core.errors import GateError
from fieldguide.core.files.media import SEEN, by_content
from fieldguide.core.journal import Journal
from fieldguide.core.problem import Problem
from fieldguide.core.reading import samples_of
from fieldguide.core.record import Record, hashed
from fieldguide.core.rows import Rows
from fieldguide.core.seal import Seal
from fieldguide.core.series.panel import Examples
from fieldguide.core.space import Reference
from fieldguide.core.table import Column, Table, data_hash, row_keys
from fieldguide.parts import find, modality

if TYPE_CHECKING:
    from fieldguide.steps.finalize.finalize import Sealed
    from fieldguide.steps.frame.framed import Framed
    from fieldguide.steps.split.split import Divided


@dataclass
class Material:
    """The rows of a study, by who may see them.

    Args:
        join: makes the study's table where it is joined from event tables.
    """

    config: Config
    folder: Path
    journal: Journal
    record: Record
    seal: Seal
    join: Callable[[], Any]
    _reference: tuple[str, Reference] | None = None

    @property
    def problem(self) -> Problem:
        """The problem, with its frozen metric once explore has run."""
        frozen = self.journal.last("metric")
        problem = self.framed.problem
        if frozen is None:
            return problem
        outputs = []
        for output in problem.outputs:
            ((name, settings),) = frozen["metrics"][output.name].items()
            labels = self.reference.names if output.targetless else output.labels
            outputs.append(replace(output, metric=find("metrics", name)(**settings), labels=labels))
        return replace(problem, outputs=tuple(outputs))

    @property
    def framed(self) -> Framed:
        """The problem and its typed table; a join makes the table first.

        Every step asks for it: what is found out about files from here on is kept in this study's folder, however many are open.
        """
        SEEN.keep_in(self.folder / "work")
        return self._framed

    @cached_property
    def _framed(self) -> Framed:
        from fieldguide.steps.frame.frame import frame

        if self.config.join is not None:
            self.join()
        return frame(self.config, self.agreed, self.folder / "work")

    @property
    def contract_path(self) -> Path:
        """Where the contract of the table is, or would be."""
        return self.config.data.contract or self.folder / CONTRACT_FILE

    @cached_property
    def agreed(self) -> Agreed | None:
        """The contract of the table with what was accepted before, where there is one."""
        if self.config.data.contract is None and not self.contract_path.is_file():
            return None
        history = tuple(record["data"] for record in self.journal.records("contract"))
        return Agreed(load_contract(self.contract_path), history)

    def reread_contract(self) -> None:
        """Forget the contract and what was framed by it: either has changed."""
        for name in ("agreed", "_framed"):
            self.__dict__.pop(name, None)

    @cached_property
    def divided(self) -> Divided:
        """The split, sealed when it is made first and proven to be the same ever after."""
        from fieldguide.steps.split.series import divide_series
        from fieldguide.steps.split.split import divide

        framed = self.framed
        if framed.examples is not None:
            divided = divide_series(framed.examples, framed.keys, framed.request, find("splitters", "rolling_origin"))
            self.seal.keep(divided.split, framed.keys, made_before=self.record.done("split"))
            return divided
        splitters = {name: find("splitters", name)() for name in ("random", "chronological")}
        divided = divide(framed.table, framed.keys, framed.strata, framed.request, splitters)
        self.seal.keep(divided.split, framed.keys, made_before=self.record.done("split"))
        return divided

    @cached_property
    def development(self) -> Table:
        """The development rows that explore to refine work on: all, or a stated sample of them."""
        return self.framed.table.take(self.divided.split.work).loaded

    @property
    def excluded(self) -> set[str]:
        """Columns that explore found to give a target away."""
        explored = self.record.result("explore")
        return {entry["column"] for entry in explored["excluded"]} if explored is not None else set()

    @cached_property
    def seen(self) -> Table:
        """The development rows as models see them."""
        return self.development.ignoring(self.excluded)

    @property
    def plain(self) -> Table:
        """The same without windows, which are no cells of a table."""
        return self.seen.without({column.name for column in self.seen.columns if column.kind == "window"})

    def samples(self, columns: Sequence[Column]) -> list[dict[str, Any]]:
        """Return development rows as a caller would send them."""
        if self.examples is None:
            return samples_of(self.development, columns, modalities=modality)
        from fieldguide.steps.forecasters import samples_of_examples

        return samples_of_examples(self.examples, self.framed.table, self.divided.split.work)

    @cached_property
    def rows(self) -> Rows:
        """The same, as fits and evaluations are given them."""
        return self._rows(self.divided.split.work)

    @cached_property
    def examples(self) -> Examples | None:
        """The examples of a forecast, divided by scales that steps before the first judged target give; else None."""
        framed, split = self.framed, self.divided.split
        if framed.examples is None:
            return None
        first = split.work[split.folds[0].validation]
        until = int(framed.examples.panel.times_at(framed.examples.origins.take(first)).min())
        return framed.examples.scaled(framed.facts["series"]["scale"], until)

    @property
    def reference(self) -> Reference:
        """The space in which a task without a target is judged, as explore froze it."""
        frozen = self.journal.last("space")
        if frozen is None:
            raise GateError(
                "there is no space to judge in yet",
                rule="it is fitted on development rows",
                found="explore has frozen none",
                do="run explore",
            )
        if self._reference is None or self._reference[0] != frozen["scope"]:
            self._reference = (frozen["scope"], Reference.from_dict(frozen, modality))
        return self._reference[1]

    def freeze_reference(self, scope: str) -> None:
        """Fit the space on the development rows and keep it for all steps to come; one of the same scope is kept as it is."""
        last, same = self.journal.last("space"), self.journal.last("space", scope=scope)
        if last is None or last["scope"] != scope:
            rows = Rows.of(self.seen, (), modality)
            self.journal.append("space", same or {"scope": scope, **Reference.fit(rows, modality).to_dict()})

    def _rows(self, rows: np.ndarray) -> Rows:
        """Return rows of the whole table; of a forecast, windows and targets are slices of shared arrays."""
        known = rows is self.divided.split.work
        table = self.seen if known else self.framed.table.take(rows).ignoring(self.excluded)
        if self.framed.problem.output.targetless:
            alone = Rows.of(table, (), modality)
            return replace(alone, truths=(self.reference.points(alone),))
        if self.examples is None:
            blocks = self.divided.roles.blocks[rows]
            return replace(Rows.of(table, self.framed.problem.outputs, modality), blocks=blocks)
        windows: dict[str, Any] = dict(self.examples.cells(rows))  # slices, which behave as arrays where rows are taken
        truths: tuple[Any, ...] = (self.examples.truth(rows),)
        plain = Rows.of(table.without(windows), (), modality)
        return Rows(table.features, {**plain.cells, **windows}, truths, None, len(rows))

    @property
    def to_learn(self) -> np.ndarray:
        """Rows on which the chosen candidate is refitted before it is judged: all development rows that may be learned from."""
        split = self.divided.split
        return split.development if split.learned is None else split.learned

    @property
    def to_ship(self) -> np.ndarray:
        """Rows on which the shipped model is fitted. Along time these are all, once the sealed ones, the newest, were judged.

        What is asked of it is newer still. A model that stops before the sealed rows would be older when it is asked than it was
        when it was judged, and the score would not hold. A test set that was given is left alone.
        """
        split, may = self.divided.split, self.framed.request.may("train", self.framed.table.n_rows)
        if (
            "chronological" not in split.scheme
            or split.scheme.startswith("given")
            or self.config.split.newest == "leave"
        ):
            return self.to_learn
        rows = np.sort(np.concatenate([split.development, split.test]))
        return rows[may[rows]]

    @property
    def n_refits(self) -> int:
        """How often the chosen candidate is fitted again in finalize: once to be judged, and once more to be shipped on more rows."""
        return 1 if np.array_equal(self.to_ship, self.to_learn) else 2

    def rows_of(self, rows: np.ndarray) -> Rows:
        """Return rows of the whole table, by index, as models see them."""
        return self.rows if np.array_equal(rows, self.divided.split.work) else self._rows(rows)

    def sealed(self) -> Sealed:
        """Return the test rows.

        Raises:
            GateError: no look is recorded: the seal is opened (`Seal.open`) before its rows are handed to anybody.
        """
        from fieldguide.core.slices import slices_of
        from fieldguide.steps.finalize.finalize import Sealed

        if not self.seal.looks:
            raise GateError(
                "the seal is closed", rule="a look at the sealed rows is recorded first", found="no look in the journal",
                do="fieldguide finalize",
            )  # fmt: skip
        test = self.divided.split.test
        table = self.framed.table.take(test).ignoring(self.excluded)
        search = self.record.result("refine")
        found = search.facts.get("weak_slices", {}).get("slices", []) if search is not None else []
        rows = self._rows(test)
        return Sealed(
            replace(rows, truths=tuple(np.asarray(truth) for truth in rows.truths)),
            self.divided.roles.blocks[test],
            self.divided.roles.keys[test],
            {**slices_of(table, self.config.slices), **self.divided.unseen()},
            slices_of(table, [part["name"] for part in found]),
            found,
            None if self.divided.roles.times is None else self.divided.roles.times[test],
        )

    @property
    def key(self) -> str | None:
        """The column that names a row, where there is one."""
        return next((column.name for column in self.framed.columns if column.role == "key"), None)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all cells that are read, targets included."""
        examples = self.framed.examples
        if examples is not None:
            return hashed(
                {
                    "rows": data_hash(self.framed.keys),
                    "values": hashlib.sha256(examples.panel.values.tobytes()).hexdigest(),
                }
            )
        return data_hash(row_keys(by_content(self.framed.table.frame, self.framed.table.columns)))
